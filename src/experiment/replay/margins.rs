//! What backs positions as a path goes on, from its facts alone: collateral, wallets of cross accounts, and the
//! liquidation prices that follow from them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Held;
use crate::facts::{AccountId, ContractId, Deed, Fact, Party, Side, Via, Why};
use crate::money::{Cash, Price, Qty};
use crate::sim::trace::story::{Backing, Stance};
use crate::venue::margin::BEYOND_ALL;
use crate::venue::register::Register;
use crate::venue::rules::{MarginMode, Rules};

/// Positions in the order of a register, with what backs them.
#[derive(Debug)]
pub struct Margins<'a> {
    rules: &'a Rules,
    register: &'a Register,
    /// Free cash of each account; it backs the cross positions.
    wallet: Vec<Cash>,
    /// The position that an account last traded: its fees and shortfalls are of that one.
    last: BTreeMap<AccountId, usize>,
    /// Accounts of which something changed since liquidation prices were computed.
    stale: BTreeSet<AccountId>,
    /// Cross accounts with several positions: the mark of one moves the liquidation price of the other.
    several: Vec<AccountId>,
}

impl<'a> Margins<'a> {
    pub fn new(rules: &'a Rules, register: &'a Register) -> Self {
        let holdings = &register.holdings;
        let mut several = Vec::new();
        for j in (1..holdings.cross.len()).filter(|&j| holdings.cross[j]) {
            if holdings.account[j] == holdings.account[j - 1] && several.last() != Some(&holdings.account[j]) {
                several.push(holdings.account[j]);
            }
        }
        Self {
            rules,
            register,
            wallet: holdings.wallet.clone(),
            last: BTreeMap::new(),
            stale: BTreeSet::new(),
            several,
        }
    }

    /// Cash of the wallets that back an open cross position, each once.
    pub fn shared(&self, held: &[Held]) -> Cash {
        let holdings = &self.register.holdings;
        let mut counted = None;
        let mut sum = Cash::ZERO;
        for j in (0..holdings.cross.len()).filter(|&j| holdings.cross[j] && !held[j].qty.is_zero()) {
            if counted != Some(holdings.account[j]) {
                counted = Some(holdings.account[j]);
                sum += self.wallet[holdings.account[j] as usize];
            }
        }
        sum
    }

    pub fn hear(&mut self, fact: &Fact, held: &mut [Held]) {
        match *fact {
            // The register begins after the deposits.
            Fact::Posted { why: Why::Deposit, .. } => {}
            Fact::Posted { from, to, amount, why } => {
                for (party, other, signed) in [(from, to, -amount), (to, from, amount)] {
                    if let Party::Trader(account) = party {
                        self.posted(account, other, signed, why, held);
                    }
                }
            }
            Fact::OrderOpened { account, contract, .. } => {
                self.last.extend(position(self.register, account, contract).map(|j| (account, j)));
            }
            Fact::Traded { party: Party::Trader(account), contract, qty, cash, via, .. } if via != Via::Opening => {
                if let Some(j) = position(self.register, account, contract) {
                    self.last.insert(account, j);
                    self.stale.insert(account);
                    self.traded(account, j, qty, cash, held);
                }
            }
            Fact::Acted { contract, account, deed: Deed::ToppedUp, amount, .. } => {
                if let Some(j) = position(self.register, account, contract)
                    && self.register.holdings.mode(j) == MarginMode::Isolated
                {
                    self.wallet[account as usize] -= amount;
                    held[j].collateral += amount;
                    self.stale.insert(account);
                }
            }
            Fact::Breached { contract, account, trigger, .. } => {
                if let Some(j) = position(self.register, account, contract)
                    && self.register.holdings.mode(j) == MarginMode::Isolated
                {
                    held[j].trigger = trigger;
                }
            }
            _ => {}
        }
    }

    /// Cash came to an account (or left it): it is that of the contract where one is named, else of the position last
    /// traded, else of the only one.
    fn posted(&mut self, account: AccountId, other: Party, signed: Cash, why: Why, held: &mut [Held]) {
        let of = match other {
            Party::Clearing(contract) => position(self.register, account, contract),
            _ => self.last.get(&account).copied().or_else(|| self.positions(account).next()),
        };
        self.stale.insert(account);
        match of {
            Some(j) if self.register.holdings.mode(j) == MarginMode::Isolated => held[j].collateral += signed,
            _ => self.wallet[account as usize] += signed,
        }
        if let (Some(j), Why::Settled) = (of, why) {
            held[j].cost += signed;
        }
    }

    fn traded(&mut self, account: AccountId, j: usize, qty: Qty, cash: Cash, held: &mut [Held]) {
        let share = |amount: Cash, part: Qty, of: Qty| {
            let scaled = i128::from(amount.0) * i128::from(part.0) / i128::from(of.0);
            Cash(i64::try_from(scaled).unwrap_or(amount.0))
        };
        let of = &mut held[j];
        let left = of.qty + qty;
        if of.qty.is_zero() || (of.qty.0 > 0) == (qty.0 > 0) {
            of.cost += cash;
            // What is posted for further lots is no fact: they are taken to have the leverage of the first.
            let holdings = &self.register.holdings;
            if holdings.mode(j) == MarginMode::Isolated && !holdings.cost[j].is_zero() {
                let wallet = &mut self.wallet[account as usize];
                let margin = share(cash.abs(), Qty(holdings.collateral[j].0), Qty(holdings.cost[j].0.abs()));
                let margin = margin.min(*wallet).positive_part();
                *wallet -= margin;
                of.collateral += margin;
            }
        } else if qty.0.abs() <= of.qty.0.abs() {
            of.cost = share(of.cost, left, of.qty);
        } else {
            of.cost = share(cash, left, qty);
        }
        of.qty = left;
    }

    fn positions(&self, account: AccountId) -> Range<usize> {
        positions(self.register, account)
    }

    /// Computes the liquidation prices of whatever changed. A price that no mark reaches is 0.
    pub fn refresh(&mut self, held: &mut [Held], marks: &[Price]) {
        let mut stale = std::mem::take(&mut self.stale);
        stale.extend(&self.several);
        for account in stale {
            for j in self.positions(account) {
                if held[j].qty.is_zero() {
                    // What is left of a closed position is free.
                    self.wallet[account as usize] += std::mem::take(&mut held[j].collateral);
                }
            }
            let range = self.positions(account);
            let wallet = self.wallet[account as usize];
            for j in range.clone().filter(|&j| !held[j].qty.is_zero()).collect::<Vec<_>>() {
                let positions = &held[range.clone()];
                let of = Account { rules: self.rules, register: self.register, first: range.start, positions, wallet };
                held[j].trigger = of.liquidation_price(marks, j - range.start);
            }
        }
    }
}

/// Positions of an account.
fn positions(register: &Register, account: AccountId) -> Range<usize> {
    let of = &register.holdings.account;
    let first = of.partition_point(|&id| id < account);
    first..first + of[first..].iter().take_while(|&&id| id == account).count()
}

/// The position of an account in a contract.
pub fn position(register: &Register, account: AccountId, contract: ContractId) -> Option<usize> {
    positions(register, account).find(|&j| register.holdings.contract[j] == contract)
}

/// The positions of one account and the cash that backs the cross ones among them.
struct Account<'a> {
    rules: &'a Rules,
    register: &'a Register,
    /// Number of its first position.
    first: usize,
    positions: &'a [Held],
    wallet: Cash,
}

impl Account<'_> {
    /// The first tick, in the direction of loss, at which a position is liquidated; for one of several cross positions
    /// while the other marks stand still. 0 where no mark reaches it.
    fn liquidation_price(&self, marks: &[Price], at: usize) -> Price {
        let holdings = &self.register.holdings;
        let contract = |at: usize| usize::from(holdings.contract[self.first + at]);
        let mode = |at: usize| holdings.mode(self.first + at);
        let held = self.positions[at];
        let backing = match mode(at) {
            MarginMode::Isolated => held.collateral,
            MarginMode::Cross => {
                let others =
                    self.positions.iter().enumerate().filter(|&(other, held)| {
                        other != at && mode(other) == MarginMode::Cross && !held.qty.is_zero()
                    });
                let left = others.map(|(other, held)| {
                    let rules = &self.rules.contracts[contract(other)];
                    let value = rules.multiplier.value(held.qty, marks[contract(other)]);
                    value - held.cost - rules.tiers.maintenance(value.abs())
                });
                self.wallet + left.sum()
            }
        };
        let rules = &self.rules.contracts[contract(at)];
        let place = rules.trigger(self.rules.trigger, held.qty, held.cost, backing);
        within_reach(rules.tick_at(Side::of(held.qty), place))
    }
}

/// 0 for a price that no mark reaches.
pub fn within_reach(price: Price) -> Price {
    if price.0 < 0 || price.0 >= BEYOND_ALL.0 { Price::ZERO } else { price }
}

/// How a position stands at the opening, for its story.
pub fn stance(rules: &Rules, register: &Register, account: AccountId, contract: ContractId) -> Option<Stance> {
    let holdings = &register.holdings;
    let range = positions(register, account);
    let at = range.clone().position(|j| holdings.contract[j] == contract)?;
    let held: Vec<Held> = range.clone().map(|j| Held::at_opening(rules, register, j)).collect();
    let marks: Vec<Price> = register.contracts.iter().map(|of| of.open).collect();
    let wallet = holdings.wallet[account as usize];
    let of = Account { rules, register, first: range.start, positions: &held, wallet };
    let price = of.liquidation_price(&marks, at);
    let backing = match holdings.mode(range.start + at) {
        MarginMode::Isolated => Backing::Isolated(held[at].collateral),
        MarginMode::Cross => Backing::Cross,
    };
    Some(Stance { liquidation: Some(price).filter(|price| price.0 > 0), backing })
}
