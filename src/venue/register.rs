//! The register: accounts and positions as they stand at the opening, checked and indexed, unchanged during a path.
//!
//! A loaded book is registered once and shared by all paths; accounts drawn anew are registered once a path. What a
//! path changes lives in the ledger's overlay.

use super::margin;
use super::rules::{ContractRules, Rules, Trigger};
use super::triggers::Triggers;
use crate::facts::Side;
use crate::money::{Cash, Price, Qty};

/// Accounts and positions in columns, positions in the order of their accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Free cash of each account.
    pub wallet: Vec<Cash>,
    /// Account of each position.
    pub account: Vec<u32>,
    pub contract: Vec<u16>,
    pub qty: Vec<Qty>,
    pub cost: Vec<Cash>,
    pub collateral: Vec<Cash>,
}

/// The holdings of a path with everything that follows from them at the opening.
#[derive(Clone, Debug, Default)]
pub struct Register {
    pub holdings: Holdings,
    /// Liquidation tick of each position.
    pub liquidation: Vec<Price>,
    pub contracts: Vec<Contract>,
    /// Σ wallet + collateral.
    pub deposits: Cash,
    version: u64,
}

/// What follows for one contract.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    pub open: Price,
    pub triggers: Triggers,
    /// Lots and cost of all longs, and of all shorts (both as absolute values).
    pub long_lots: Qty,
    pub long_cost: Cash,
    pub short_lots: Qty,
    pub short_cost: Cash,
}

/// Why holdings cannot be registered: a programming error of whoever drew or loaded them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holdings are not well formed: {0}")]
pub struct BadHoldings(pub String);

impl Register {
    /// Takes over what `holdings` holds (and hands back the old columns for reuse), computes liquidation ticks and
    /// rebuilds the trigger lists around the opening marks.
    ///
    /// # Errors
    /// Where columns differ in length, accounts are out of order, a quantity is zero or a contract unknown.
    pub fn rebuild(&mut self, holdings: &mut Holdings, rules: &Rules, open: &[Price]) -> Result<(), BadHoldings> {
        std::mem::swap(&mut self.holdings, holdings);
        self.version += 1;
        self.check(rules, open)?;
        let Holdings { wallet, account, contract, qty, cost, collateral } = &self.holdings;
        self.contracts.resize_with(open.len(), Contract::default);
        for (entry, &open) in self.contracts.iter_mut().zip(open) {
            let triggers = std::mem::take(&mut entry.triggers);
            *entry = Contract { open, triggers, ..Contract::default() };
            entry.triggers.start(open);
        }
        let mut deposits: i128 = wallet.iter().map(|cash| i128::from(cash.0)).sum();
        self.liquidation.clear();
        self.liquidation.reserve(account.len());
        for (j, &qty) in qty.iter().enumerate() {
            let (cost, collateral) = (cost[j], collateral[j]);
            let c = usize::from(contract[j]);
            let ContractRules { multiplier, tiers } = &rules.contracts[c];
            let tick = tiers.liquidation_tick(rules.trigger, *multiplier, qty, cost, collateral);
            self.liquidation.push(tick);
            deposits += i128::from(collateral.0);
            let entry = &mut self.contracts[c];
            match Side::of(qty) {
                Side::Long => {
                    entry.long_lots += qty;
                    entry.long_cost += cost;
                }
                Side::Short => {
                    entry.short_lots -= qty;
                    entry.short_cost -= cost;
                }
            }
            entry.triggers.count(Side::of(qty), tick);
        }
        for entry in &mut self.contracts {
            entry.triggers.lay_out();
        }
        if u32::try_from(account.len()).is_err() {
            return Err(BadHoldings("more than 2³² positions".into()));
        }
        for ((position, &qty), (&contract, &tick)) in (0u32..).zip(qty).zip(contract.iter().zip(&self.liquidation)) {
            self.contracts[usize::from(contract)].triggers.place(Side::of(qty), tick, position);
        }
        self.deposits = Cash(crate::money::narrow(deposits));
        Ok(())
    }

    /// A number that changes with every rebuild.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Sorts all trigger lists whole, so that a register can be shared by many workers.
    pub fn sort(&mut self) {
        for entry in &mut self.contracts {
            entry.triggers.sort();
        }
    }

    fn check(&self, rules: &Rules, open: &[Price]) -> Result<(), BadHoldings> {
        let Holdings { wallet, account, contract, qty, cost, collateral } = &self.holdings;
        let bad = |message: &str| Err(BadHoldings(message.into()));
        if [contract.len(), qty.len(), cost.len(), collateral.len()].iter().any(|&len| len != account.len()) {
            return bad("columns differ in length");
        }
        if rules.contracts.len() != open.len() {
            return bad("one opening mark a contract is needed");
        }
        // One pass over the columns; what is wrong is looked for only where something is.
        let mut before = 0;
        let mut sound = true;
        for j in 0..account.len() {
            sound &=
                account[j] >= before && (account[j] as usize) < wallet.len() && usize::from(contract[j]) < open.len();
            let k = rules.contracts[usize::from(contract[j]).min(open.len() - 1)].multiplier;
            sound &= qty[j].0 != 0 && cost[j] == k.signed(qty[j], cost[j].abs()) && collateral[j].0 >= 0;
            before = account[j];
        }
        if !sound {
            return bad(
                "accounts out of order or unknown, a contract unknown, a quantity zero or of another sign than its cost, or a collateral negative",
            );
        }
        if wallet.iter().any(|cash| cash.0 < 0) {
            return bad("a wallet is negative");
        }
        Ok(())
    }
}

/// Equity, notional and maintenance of an isolated position at a mark.
#[must_use]
pub fn at_mark(rules: &ContractRules, qty: Qty, cost: Cash, collateral: Cash, mark: Price) -> (Cash, Cash) {
    let value = rules.multiplier.value(qty, mark);
    (collateral + value - cost, value.abs())
}

/// Whether an isolated position breaches at a mark.
#[must_use]
pub fn breaches(rules: &ContractRules, trigger: Trigger, qty: Qty, cost: Cash, collateral: Cash, mark: Price) -> bool {
    let (equity, notional) = at_mark(rules, qty, cost, collateral, mark);
    rules.tiers.breaches(trigger, equity, notional)
}

/// Bankruptcy tick and sub-tick surplus of an isolated position.
#[must_use]
pub fn bankruptcy(rules: &ContractRules, qty: Qty, cost: Cash, collateral: Cash) -> (Price, Cash) {
    margin::bankruptcy(rules.multiplier, qty, cost, collateral)
}
