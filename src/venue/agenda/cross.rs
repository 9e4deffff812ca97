//! Orders on cross accounts: position by position, until the account is healthy or has none left.

use crate::facts::{ContractId, Paid};
use crate::money::{Cash, Price, Qty, div_floor, narrow};
use crate::venue::ledger::Holder;
use crate::venue::rules::{ContractRules, CrossBankruptcy, PositionOrder};
use crate::venue::{Venue, cross};

/// A cross account in breach: its positions in the order in which they are closed, each until the account is healthy.
#[derive(Clone, Debug, Default)]
pub(super) struct CrossAccount {
    pub account: u32,
    /// Position, and its share of the account's equity where that is shared out.
    pub legs: Vec<(u32, Cash)>,
    pub next: usize,
}

impl Venue {
    /// Equity and maintenance margin of a position at the marks; of a cross position those of its account.
    pub(in crate::venue) fn at_marks(&self, position: u32) -> cross::Standing {
        let position = self.ledger.position(position);
        let c = usize::from(position.contract);
        let ContractRules { multiplier, tiers } = &self.rules.contracts[c];
        let value = multiplier.value(position.qty, self.marks[c]);
        let equity = self.ledger.backing(&position, &self.marks) + value - position.cost;
        let mut maintenance = tiers.maintenance_billionths(value.abs());
        if position.mode == crate::venue::rules::MarginMode::Cross {
            for leg in self.ledger.legs(position.account).filter(|leg| leg.id != position.id) {
                let c = usize::from(leg.contract);
                let ContractRules { multiplier, tiers } = &self.rules.contracts[c];
                maintenance += tiers.maintenance_billionths(multiplier.notional(leg.qty, self.marks[c]));
            }
        }
        cross::Standing { equity, maintenance }
    }

    /// Puts the positions of a cross account into their order; false where the account is healthy again.
    pub(super) fn begin_cross(&mut self, account: u32) -> bool {
        let mut legs = std::mem::take(&mut self.legs);
        let wallet = self.legs_of(account, &mut legs);
        let standing = cross::standing(&self.rules, &self.marks, wallet, &legs);
        let breaches = !legs.is_empty() && standing.breaches(self.rules.trigger);
        if breaches {
            let at_mark = |leg: &cross::Leg| {
                let c = usize::from(leg.contract);
                (self.rules.contracts[c].multiplier.value(leg.qty, self.marks[c]), &self.rules.contracts[c].tiers)
            };
            let maintenance = |leg: &cross::Leg| {
                let (value, tiers) = at_mark(leg);
                tiers.maintenance_billionths(value.abs())
            };
            legs.sort_by_key(|leg| {
                let (value, _) = at_mark(leg);
                let key = match self.rules.position_order {
                    PositionOrder::Maintenance => -maintenance(leg),
                    PositionOrder::Loss => i128::from((value - leg.cost).0),
                    PositionOrder::Notional => -i128::from(value.abs().0),
                };
                (key, leg.id)
            });
            let share = |leg: &cross::Leg| match self.rules.cross_bankruptcy {
                CrossBankruptcy::Sequential => Cash::ZERO,
                // A notional of no maintenance takes no part of the equity.
                CrossBankruptcy::Proportional => {
                    let product = i128::from(standing.equity.0) * (maintenance(leg) / 1_000);
                    Cash(narrow(div_floor(product, (standing.maintenance / 1_000).max(1))))
                }
            };
            let shared: Vec<(u32, Cash)> = legs.iter().map(|leg| (leg.id, share(leg))).collect();
            self.agenda.cross = CrossAccount { account, legs: shared, next: 0 };
        }
        self.legs = legs;
        breaches
    }

    /// Opens the order on the next position of the cross account in turn, while the account is in breach.
    pub(super) fn open_next_of_cross(&mut self) -> bool {
        let account = self.agenda.cross.account;
        // Positions in a contract that stands still wait.
        let (id, share) = loop {
            let Some(&(id, share)) = self.agenda.cross.legs.get(self.agenda.cross.next) else { return false };
            if !self.is_halted(self.ledger.position(id).contract, self.now) {
                break (id, share);
            }
            self.agenda.cross.next += 1;
        };
        // Lots that wait for the ADL round or for the layers after it leave at their bankruptcy tick.
        let mut equity = self.ledger.wallet(account);
        let (mut maintenance, mut elsewhere) = (0i128, 0i128);
        for leg in self.ledger.legs(account) {
            let c = usize::from(leg.contract);
            let ContractRules { multiplier, tiers } = &self.rules.contracts[c];
            let waiting = self.agenda.works.iter().rev().find(|work| work.position == leg.id);
            let (left, bankruptcy) = waiting.map_or((Qty::ZERO, Price(1)), |work| (work.left, work.bankruptcy));
            let left = if leg.qty.0 > 0 { left } else { -left };
            let value = multiplier.value(leg.qty - left, self.marks[c]);
            equity += value + multiplier.value(left, bankruptcy) - leg.cost - leg.owed;
            let margin = tiers.maintenance_billionths(value.abs());
            maintenance += margin;
            elsewhere += if leg.id == id { 0 } else { margin };
        }
        // Where a loss is shared out, no position keeps its share unpaid.
        let healthy = !(cross::Standing { equity, maintenance }).breaches(self.rules.trigger);
        if healthy && share.0 >= 0 {
            self.agenda.cross.legs.clear();
            return false;
        }
        self.agenda.cross.next += 1;
        if self.rules.cross_bankruptcy == CrossBankruptcy::Sequential {
            // What is left below a tick is handed on: it can be spent once.
            for at in 0..self.agenda.works.len() {
                let work = self.agenda.works[at];
                if work.account == account && !work.left.is_zero() {
                    let surplus = self.equity_at_bankruptcy(&work).positive_part();
                    self.agenda.works[at].backing -= surplus;
                }
            }
        }
        let position = self.ledger.position(id);
        let value =
            self.ledger.multiplier(position.contract).value(position.qty, self.marks[usize::from(position.contract)]);
        let of_it = match self.rules.cross_bankruptcy {
            CrossBankruptcy::Sequential => equity,
            CrossBankruptcy::Proportional => share,
        };
        self.open_work(&position, of_it - value + position.cost, equity, elsewhere);
        true
    }

    /// Unrealised profit of an account's other positions pays what its wallet lacks; what that cannot pay, the cash
    /// layers do.
    pub(in crate::venue) fn settle_wallet(
        &mut self,
        position: u32,
        contract: ContractId,
        work: Option<usize>,
        paid: &mut Paid,
    ) {
        let account = self.ledger.position(position).account;
        let mut lacking = (-self.ledger.wallet(account)).positive_part();
        if lacking.is_zero() {
            return;
        }
        let profits: Vec<(u32, Cash)> = self
            .ledger
            .legs(account)
            .map(|leg| (leg.id, self.ledger.unrealised(&leg, &self.marks)))
            .filter(|(_, profit)| profit.0 > 0)
            .collect();
        for (id, profit) in profits {
            let part = lacking.min(profit);
            self.ledger.settle(id, part);
            lacking -= part;
        }
        if lacking.0 > 0 {
            self.cover(lacking, Holder::Position(position), contract, work, paid);
        }
    }
}
