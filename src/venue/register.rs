//! The register: accounts and positions as they stand at the opening, checked and indexed, unchanged during a path.
//!
//! A loaded book is registered once and shared by all paths; accounts drawn anew are registered once a path. What a
//! path changes lives in the ledger's overlay.

use std::ops::Range;

use super::cross::{self, Leg};
use super::rules::{ContractRules, MarginMode, Rules, Trigger};
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
    /// Whether the account's wallet backs each position, in place of a collateral; empty where all are isolated.
    pub cross: Vec<bool>,
}

impl Holdings {
    /// What backs a position.
    #[must_use]
    pub fn mode(&self, id: usize) -> MarginMode {
        if self.cross.get(id) == Some(&true) { MarginMode::Cross } else { MarginMode::Isolated }
    }

    fn row(&self, j: usize) -> Row {
        Row {
            qty: self.qty[j],
            cost: self.cost[j],
            collateral: self.collateral[j],
            account: self.account[j],
            contract: self.contract[j],
            mode: self.mode(j),
        }
    }
}

/// The holdings of a path with everything that follows from them at the opening.
#[derive(Clone, Debug, Default)]
pub struct Register {
    pub holdings: Holdings,
    /// Where each position triggers on the line of its contract ([`ContractRules::line`]): the liquidation tick of a linear
    /// contract.
    pub trigger: Vec<i64>,
    pub contracts: Vec<Contract>,
    /// Σ wallet + collateral.
    pub deposits: Cash,
    version: u64,
    /// All that is held of each position side by side, where many paths read them one by one, anywhere in memory: half a
    /// line of cache, where the columns are a line each. Empty where a path draws its own.
    rows: Vec<Row>,
    /// Whether no account has two positions.
    one_each: bool,
}

/// A position at the opening.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Row {
    pub qty: Qty,
    pub cost: Cash,
    pub collateral: Cash,
    pub account: u32,
    pub contract: u16,
    pub mode: MarginMode,
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
        self.rows.clear();
        self.check(rules, open)?;
        let Holdings { wallet, account, contract, qty, cost, collateral, cross } = &self.holdings;
        self.contracts.resize_with(open.len(), Contract::default);
        for ((entry, &open), rules) in self.contracts.iter_mut().zip(open).zip(&rules.contracts) {
            let triggers = std::mem::take(&mut entry.triggers);
            *entry = Contract { open, triggers, ..Contract::default() };
            entry.triggers.start(rules.line(Side::Long, open).1);
        }
        let mut deposits: i128 = wallet.iter().map(|cash| i128::from(cash.0)).sum();
        self.trigger.clear();
        self.trigger.reserve(account.len());
        for (c, of_it) in stretches(contract) {
            let (entry, rules_of_it) = (&mut self.contracts[c], &rules.contracts[c]);
            let (mut long, mut short) = ((Qty::ZERO, Cash::ZERO), (Qty::ZERO, Cash::ZERO));
            let columns = qty[of_it.clone()].iter().zip(&cost[of_it.clone()]).zip(&collateral[of_it.clone()]);
            for (((&qty, &cost), &collateral), j) in columns.zip(of_it) {
                let side = Side::of(qty);
                // A cross account is looked at as a whole further down.
                let place = if cross.get(j) == Some(&true) {
                    0
                } else {
                    let place = rules_of_it.trigger(rules.trigger, qty, cost, collateral);
                    entry.triggers.count(rules_of_it.line_side(side), place);
                    place
                };
                self.trigger.push(place);
                deposits += i128::from(collateral.0);
                match side {
                    Side::Long => long = (long.0 + qty, long.1 + cost),
                    Side::Short => short = (short.0 - qty, short.1 - cost),
                }
            }
            (entry.long_lots, entry.long_cost) = (entry.long_lots + long.0, entry.long_cost + long.1);
            (entry.short_lots, entry.short_cost) = (entry.short_lots + short.0, entry.short_cost + short.1);
        }
        if !self.holdings.cross.is_empty() {
            self.bound_cross_accounts(rules, open);
        }
        let Holdings { account, contract, qty, .. } = &self.holdings;
        for entry in &mut self.contracts {
            entry.triggers.lay_out();
        }
        if u32::try_from(account.len()).is_err() {
            return Err(BadHoldings("more than 2³² positions".into()));
        }
        let mut numbers = 0u32..;
        for (c, of_it) in stretches(contract) {
            let (triggers, rules) = (&mut self.contracts[c].triggers, &rules.contracts[c]);
            for ((&qty, &place), position) in qty[of_it.clone()].iter().zip(&self.trigger[of_it]).zip(&mut numbers) {
                triggers.place(rules.line_side(Side::of(qty)), place, position);
            }
        }
        self.deposits = Cash(crate::money::narrow(deposits));
        // All are looked at, which is less work than one by one up to the first pair.
        self.one_each = account.windows(2).filter(|pair| pair[0] == pair[1]).count() == 0;
        Ok(())
    }

    /// The places at which cross accounts must be looked at.
    fn bound_cross_accounts(&mut self, rules: &Rules, open: &[Price]) {
        let Holdings { wallet, account, contract, qty, cost, .. } = &self.holdings;
        let mut legs: Vec<Leg> = Vec::new();
        let mut first = 0;
        while first < account.len() {
            let of = account[first];
            let end = first + account[first..].iter().take_while(|&&other| other == of).count();
            legs.clear();
            legs.extend((first..end).filter(|&j| self.holdings.mode(j) == MarginMode::Cross).map(|j| Leg {
                id: u32::try_from(j).unwrap_or(u32::MAX),
                contract: contract[j],
                qty: qty[j],
                cost: cost[j],
                bound: 0,
            }));
            cross::bound(rules, open, wallet[of as usize], &mut legs);
            for leg in &legs {
                self.trigger[leg.id as usize] = leg.bound;
                let c = usize::from(leg.contract);
                self.contracts[c].triggers.count(rules.contracts[c].line_side(Side::of(leg.qty)), leg.bound);
            }
            first = end;
        }
    }

    /// A number that changes with every rebuild.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether no account has two positions.
    #[must_use]
    pub fn is_one_each(&self) -> bool {
        self.one_each
    }

    /// Sorts all trigger lists whole and lays positions out in rows, so that a register can be shared by many workers.
    pub fn sort(&mut self) {
        for entry in &mut self.contracts {
            entry.triggers.sort();
        }
        self.rows = (0..self.holdings.account.len()).map(|j| self.holdings.row(j)).collect();
    }

    /// A position at the opening, from where it is read with the fewest lines of cache.
    #[inline]
    pub(super) fn row(&self, position: u32) -> Row {
        let j = position as usize;
        self.rows.get(j).copied().unwrap_or_else(|| self.holdings.row(j))
    }

    /// Several of them. In a loop that does nothing else: they lie anywhere in memory, and turns so short are read many at a
    /// time.
    pub(super) fn gather(&self, positions: impl Iterator<Item = u32>, rows: &mut Vec<Row>) {
        if self.rows.is_empty() {
            rows.extend(positions.map(|j| self.holdings.row(j as usize)));
        } else {
            rows.extend(positions.map(|j| self.rows[j as usize]));
        }
    }

    fn check(&self, rules: &Rules, open: &[Price]) -> Result<(), BadHoldings> {
        let Holdings { wallet, account, contract, qty, cost, collateral, cross } = &self.holdings;
        let bad = |message: &str| Err(BadHoldings(message.into()));
        if [contract.len(), qty.len(), cost.len(), collateral.len()].iter().any(|&len| len != account.len()) {
            return bad("columns differ in length");
        }
        if !cross.is_empty() && cross.len() != account.len() {
            return bad("columns differ in length");
        }
        if rules.contracts.len() != open.len() {
            return bad("one opening mark a contract is needed");
        }
        // One pass over the columns; what is wrong is looked for only where something is.
        let mut before = 0;
        let mut sound = true;
        for (c, of_it) in stretches(contract) {
            let Some(rules) = rules.contracts.get(c) else {
                sound = false;
                break;
            };
            let linear = rules.multiplier.is_linear();
            let columns = account[of_it.clone()].iter().zip(&qty[of_it.clone()]).zip(&cost[of_it.clone()]);
            for (((&account, &Qty(qty)), &Cash(cost)), &collateral) in columns.zip(&collateral[of_it]) {
                // Who buys a linear contract pays, who buys an inverse one is paid.
                let pays = (qty > 0) == linear;
                sound &= account >= before && (account as usize) < wallet.len() && collateral.0 >= 0;
                sound &= qty != 0 && if pays { cost >= 0 } else { cost <= 0 };
                before = account;
            }
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

/// Stretches of positions in one contract: what is the contract's is looked up once for each.
fn stretches(contract: &[u16]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut end = 0;
    contract.chunk_by(|a, b| a == b).map(move |stretch| {
        let start = end;
        end += stretch.len();
        (usize::from(stretch[0]), start..end)
    })
}

/// Equity, notional and maintenance of an isolated position at a mark.
#[must_use]
#[inline]
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
