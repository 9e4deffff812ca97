//! Orders on cross accounts: position by position, until the account is healthy or has none left.

use crate::facts::{ContractId, Fact, Paid};
use crate::money::{Cash, Price, Qty, Ratio, div_floor, narrow};
use crate::venue::cross::Standing;
use crate::venue::ledger::{Holder, Position, Slot};
use crate::venue::liquidation::{BreachedAccount, Others};
use crate::venue::rules::{CrossBankruptcy, Execution, MarginMode, PositionOrder};
use crate::venue::{Venue, cross};

/// A cross account in breach: its positions in the order in which they are closed, until the account is healthy or, where
/// all are reduced by one share, to the last.
#[derive(Clone, Debug, Default)]
pub(super) struct CrossAccount {
    pub account: u32,
    /// Position, and its share of the account's equity where that is shared out.
    pub legs: Vec<(u32, Cash)>,
    pub next: usize,
    /// The part of each position that is closed, where the liquidation rule reduces them all alike.
    pub reduced_by: Option<Ratio>,
}

impl CrossAccount {
    /// Whether positions of an account may still be closed.
    pub fn waits(&self) -> bool {
        self.next < self.legs.len()
    }
}

impl Venue {
    /// Equity and maintenance margin of a position at the marks; of a cross position those of its account.
    pub(in crate::venue) fn at_marks(&self, position: u32) -> Standing {
        let position = self.ledger.position(position);
        let mut standing = Standing::of_cash(self.ledger.purse(&position));
        let mut add = |leg: &Position| {
            let c = usize::from(leg.contract);
            standing.add(&self.rules.contracts[c], leg.qty, leg.cost + leg.owed, self.marks[c]);
        };
        match position.mode {
            MarginMode::Isolated => add(&position),
            MarginMode::Cross => self.ledger.legs(position.account).for_each(|leg| add(&leg)),
        }
        standing
    }

    /// What the accounts with lots that are left lack together: those below 0 at the marks, each counted once, however
    /// many of its positions have an order.
    pub(super) fn lacking_accounts(&self) -> Cash {
        let mut counted = None;
        let open = self.agenda.works.iter().filter(|work| !work.left.is_zero());
        let lacking = open.filter_map(|work| {
            let is_cross = self.ledger.at(work.slot).mode == MarginMode::Cross;
            // The orders of a cross account stand one behind the other.
            let is_first = !is_cross || counted.replace(work.account) != Some(work.account);
            if is_first { self.lacking(work) } else { None }
        });
        lacking.sum()
    }

    /// Puts the positions of a cross account into their order; false where the account is healthy again.
    fn begin_cross(&mut self, account: u32) -> bool {
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
                // What is held as collateral goes last.
                (self.is_token(leg.contract), key, leg.id)
            });
            let share = |leg: &cross::Leg| match self.rules.cross_bankruptcy {
                CrossBankruptcy::Sequential => Cash::ZERO,
                // A notional of no maintenance takes no part of the equity.
                CrossBankruptcy::Proportional => {
                    let (equity, part, whole) =
                        (i128::from(standing.equity.0), maintenance(leg), standing.maintenance.max(1));
                    // A product beyond 128 bits is taken in millionths of a cash unit.
                    let share = equity.checked_mul(part).map(|product| div_floor(product, whole));
                    Cash(narrow(share.unwrap_or_else(|| div_floor(equity * (part / 1_000), (whole / 1_000).max(1)))))
                }
            };
            let shared: Vec<(u32, Cash)> = legs.iter().map(|leg| (leg.id, share(leg))).collect();
            // Positions in a contract that stands still wait, and tokens have their turn when all contracts are reduced:
            // both keep their margin.
            let stays = |leg: &cross::Leg| self.is_halted(leg.contract, self.now) || self.is_token(leg.contract);
            let kept = legs.iter().filter(|leg| stays(leg)).map(maintenance).sum();
            legs.retain(|leg| !stays(leg));
            let reduced_by = self.rules.liquidation.share(&BreachedAccount {
                contracts: &self.rules.contracts,
                marks: &self.marks,
                equity: standing.equity,
                positions: &legs,
                kept,
            });
            let sound = reduced_by.is_none_or(|share| share > Ratio(0) && share <= Ratio::ONE);
            assert!(sound, "a liquidation rule reduces an account by {reduced_by:?}");
            self.agenda.cross = CrossAccount { account, legs: shared, next: 0, reduced_by };
        }
        self.legs = legs;
        breaches
    }

    /// Whether a contract is a token that accounts hold as collateral: nobody stands opposite.
    pub(super) fn is_token(&self, contract: ContractId) -> bool {
        self.rules.contracts[usize::from(contract)].tiers.are_haircuts()
    }

    /// Begins with the account of a cross position whose turn has come, or gives its order up where it is healthy again.
    #[inline(never)]
    pub(super) fn open_cross(&mut self, slot: Slot) {
        let &Position { account, contract, .. } = self.ledger.at(slot);
        if !self.begin_cross(account) {
            self.ledger.facts.push(Fact::OrderDropped { contract, account });
            self.release_cross(account);
        }
    }

    /// Opens the order on the next position of the cross account in turn, while the account is in breach or all of its
    /// positions are reduced.
    #[inline(never)]
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
        let mut standing = Standing::of_cash(self.ledger.wallet(account));
        let mut others = Others::default();
        for leg in self.ledger.legs(account) {
            let c = usize::from(leg.contract);
            let of = &self.rules.contracts[c];
            let waiting = self.agenda.works.iter().rev().find(|work| work.position == leg.id);
            let (left, bankruptcy) = waiting.map_or((Qty::ZERO, Price(1)), |work| (work.left, work.bankruptcy));
            let left = if leg.qty.0 > 0 { left } else { -left };
            let stays = leg.qty - left;
            let before = standing.maintenance;
            standing.add(of, stays, leg.cost + leg.owed, self.marks[c]);
            standing.equity += of.multiplier.value(left, bankruptcy);
            if leg.id != id {
                others.maintenance += standing.maintenance - before;
                others.initial += of.tiers.initial(of.multiplier.notional(stays, self.marks[c]));
            }
        }
        let position = self.ledger.position(id);
        // A token is no part of what is reduced alike: it goes where that was not enough.
        let reduced_by = self.agenda.cross.reduced_by.filter(|_| !self.is_token(position.contract));
        if reduced_by.is_none() && !standing.breaches(self.rules.trigger) {
            self.agenda.cross.legs.clear();
            return false;
        }
        self.agenda.cross.next += 1;
        if self.rules.cross_bankruptcy == CrossBankruptcy::Sequential {
            // What is left below a tick is handed on: it can be spent once.
            for at in 0..self.agenda.works.len() {
                let work = self.agenda.works[at];
                // An isolated position of the account keeps what it has.
                let is_leg = self.ledger.position(work.position).mode == MarginMode::Cross;
                if work.account == account && is_leg && !work.left.is_zero() {
                    let surplus = self.equity_at_bankruptcy(&work).positive_part();
                    self.agenda.works[at].base -= surplus;
                }
            }
        }
        let value =
            self.ledger.multiplier(position.contract).value(position.qty, self.marks[usize::from(position.contract)]);
        let of_it = match self.rules.cross_bankruptcy {
            CrossBankruptcy::Sequential => standing.equity,
            CrossBankruptcy::Proportional => share,
        };
        let slot = self.ledger.slot(id);
        let closing = self.plan(&position, standing.equity, others, reduced_by);
        self.open_work(slot, &position, of_it - value + position.cost, closing);
        true
    }

    /// How far from the mark, in ticks in the direction of loss, the limit of a cross position lies by the rules that follow
    /// its account's equity and maintenance: a fill at the zero price
    /// leaves the account's ratio as it is, and the fillable price is 1.5 times the maintenance of a lot away, in the share
    /// by which the account falls short.
    pub(super) fn cross_distance(&self, work: &super::Work, equity: Cash, notional: Cash) -> i128 {
        let rules = &self.rules.contracts[usize::from(work.contract)];
        let (mark, one) = (i128::from(self.mark_of(work.contract).0), i128::from(Ratio::ONE.0));
        let all = self.at_marks(work.position).maintenance.max(1);
        if self.rules.execution == Execution::ZeroPrice {
            let rate = i128::from(rules.tiers.tiers()[rules.tiers.tier_of(notional)].rate.0);
            return div_floor(mark * rate * i128::from(equity.0), all);
        }
        let short_of = (all - i128::from(equity.0) * one).clamp(0, all);
        let own = rules.tiers.maintenance_billionths(notional);
        // Where the product has too many digits the position's part is taken in billionths.
        let part = short_of.checked_mul(own).map_or_else(|| short_of / one * (own / (all / one).max(1)), |of| of / all);
        div_floor(3 * part * mark, 2 * i128::from(notional.0.max(1)) * one)
    }

    /// Unrealised profit of an account's other positions pays what its wallet lacks; what that cannot pay, the cash
    /// layers do.
    pub(in crate::venue) fn settle_wallet(&mut self, position: u32, contract: ContractId, paid: &mut Paid) {
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
            self.cover(lacking, Holder::Position(position), contract, None, paid);
        }
    }
}
