//! `what_if.json`: the one path of a run again with one rule changed.

use serde::{Deserialize, Serialize};

/// The same path of shocks with half the leverage cap: positions stay as they are, and accounts above the cap post more.
/// Amounts in the settlement currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// Greatest leverage of the scenario's first tier, and half of it.
    pub cap: f64,
    pub half: f64,
    /// Accounts that have to post more at the opening, and what they post more all together.
    pub posting: u64,
    pub posted: f64,
    pub liquidated_accounts: u64,
    pub liquidated_notional: f64,
    pub fund_open: f64,
    pub fund_close: f64,
    pub fund_need: f64,
    pub adl_accounts: u64,
    pub adl_notional: f64,
    pub unfunded_deficit: f64,
    /// Names or numbers of the liquidated accounts, where there are few.
    pub liquidated: Vec<String>,
}
