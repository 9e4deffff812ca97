//! One path again with half the leverage cap, for those who ask what the cap is for.

use rust_decimal::prelude::ToPrimitive;

use crate::facts::Fact;
use crate::fault::Failure;
use crate::folder::what_if::WhatIf;
use crate::money::Cash;
use crate::sim::path::{Pair, Wanted, Worker};
use crate::sim::stage::Stage;
use crate::sim::tally::Series;
use crate::sim::trace::recording::Recording;

/// Liquidated accounts that are named.
const NAMED: usize = 12;

/// The greatest leverage that the scenario's first tier allows.
#[must_use]
pub fn cap(stage: &Stage<'_>) -> Option<f64> {
    let contract = stage.scenario.rules.contracts.first()?;
    contract.tiers.tiers().first().map(|tier| tier.max_leverage.to_f64())
}

/// Runs path `path` of `halved`, the scenario of `stage` with half the cap, and tells what is different of it.
///
/// # Errors
/// As for a path.
pub fn half_the_cap(stage: &Stage<'_>, halved: &Stage<'_>, path: u64) -> Result<WhatIf, Failure> {
    let collateral = |stage: &Stage<'_>| -> Result<Vec<Cash>, Failure> {
        Ok(Worker::new(stage).accounts(path)?.holdings.collateral.clone())
    };
    let (before, after) = (collateral(stage)?, collateral(halved)?);
    let more = || before.iter().zip(&after).map(|(before, after)| *after - *before).filter(|more| more.0 > 0);
    let mut recording = Recording::default();
    let mut worker = Worker::new(halved);
    let row = worker.run(path, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut recording])?;
    let mut liquidated: Vec<u32> = Vec::new();
    for fact in recording.batches().iter().flat_map(|(_, facts)| facts) {
        if let Fact::OrderOpened { account, .. } = *fact
            && !liquidated.contains(&account)
            && liquidated.len() <= NAMED
        {
            liquidated.push(account);
        }
    }
    if liquidated.len() > NAMED {
        liquidated.clear();
    }
    let names = halved.account_names();
    let unit = stage.scenario.cash_unit;
    let money = |units: i64| unit.show(units).to_f64().unwrap_or(0.0);
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let cap = cap(stage).unwrap_or(0.0);
    Ok(WhatIf {
        cap,
        half: cap / 2.0,
        posting: more().count() as u64,
        posted: money(more().map(|more| more.0).sum()),
        liquidated_accounts: count(row.liquidated_accounts),
        liquidated_notional: money(row.liquidated_notional),
        fund_open: money(row.fund_open),
        fund_close: money(row.fund_close),
        fund_need: money(row.fund_need),
        adl_accounts: count(row.adl_accounts),
        adl_notional: money(row.adl_notional),
        unfunded_deficit: money(row.unfunded_deficit),
        liquidated: liquidated
            .into_iter()
            .map(|id| names.get(id as usize).cloned().unwrap_or_else(|| format!("account {id}")))
            .collect(),
    })
}
