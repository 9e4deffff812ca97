//! One ADL round: the residues of all losers of one contract and side against the eligible winners.

use super::adl::{Policy, Winner};
use super::instant::{Need, Source, leg};
use super::ledger::State;
use super::rules::Eligible;
use super::{SIDES, Venue};
use crate::facts::{ContractId, Fact, Party, Side, Via, Why};
use crate::money::{Cash, Price, Qty, div_ceil, div_floor, narrow};

/// Buffers of a round, kept between rounds.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    needs: Vec<Need>,
    winners: Vec<(Winner, u32)>,
    ranked: Vec<(i128, usize)>,
    shared: Vec<Winner>,
    taken: Vec<Qty>,
}

impl Scratch {
    pub fn reset(&mut self) {
        self.needs.clear();
    }
}

impl Venue {
    /// All rounds of this instant, by contract and side of the losers.
    pub(super) fn rounds(&mut self) {
        if self.instant.needs.is_empty() {
            return;
        }
        for c in 0..self.marks.len() {
            let contract = u16::try_from(c).expect("contracts are numbered in 16 bits");
            for side in SIDES {
                let mut scratch = std::mem::take(&mut self.round);
                scratch.needs.clear();
                let same = |need: &&Need| need.contract == contract && need.side == side;
                scratch.needs.extend(self.instant.needs.iter().filter(same));
                if !scratch.needs.is_empty() {
                    self.run_round(contract, side, &mut scratch);
                }
                self.round = scratch;
            }
        }
        self.instant.needs.clear();
    }

    fn run_round(&mut self, contract: ContractId, losers: Side, scratch: &mut Scratch) {
        let mark = self.marks[usize::from(contract)];
        let needed: Qty = scratch.needs.iter().map(|need| need.lots).sum();
        let prices = scratch.needs.iter().map(|need| need.price);
        // The worst price for a winner: shorts buy back from long losers, longs sell to short ones.
        let worst = match losers {
            Side::Long => prices.max(),
            Side::Short => prices.min(),
        };
        let Some(worst) = worst else { return };
        self.find_winners(contract, losers.opposite(), worst, &mut scratch.winners);
        let rules = std::sync::Arc::clone(&self.rules);
        let placed = match &rules.adl {
            Policy::Ranking(policy) => {
                scratch.ranked.clear();
                let scored = scratch.winners.iter().enumerate().map(|(at, (winner, _))| (policy.score(winner, mark), at));
                scratch.ranked.extend(scored);
                // Winners stand in account order, so the place in the list breaks ties.
                scratch.ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
                self.place_ranked(contract, losers, mark, scratch)
            }
            Policy::Sharing(policy) => {
                scratch.shared.clear();
                scratch.shared.extend(scratch.winners.iter().map(|(winner, _)| *winner));
                policy.share(&scratch.shared, needed, &mut scratch.taken);
                self.place_shared(contract, losers, mark, scratch)
            }
        };
        if !placed.is_zero() {
            self.strained = true;
        }
        self.ledger.facts.push(Fact::Round { contract, losers, needed, placed, mark });
    }

    /// Eligible winners in the order of their accounts.
    fn find_winners(&self, contract: ContractId, side: Side, worst: Price, winners: &mut Vec<(Winner, u32)>) {
        winners.clear();
        let register = self.ledger.register();
        let k = self.ledger.multiplier(contract);
        let mark = self.marks[usize::from(contract)];
        for id in 0..register.holdings.account.len() {
            if register.holdings.contract[id] != contract || Side::of(register.holdings.qty[id]) != side {
                continue;
            }
            let position = self.ledger.position(u32::try_from(id).expect("positions are numbered in 32 bits"));
            // One with an unfinished order is never a winner.
            if matches!(position.state, State::Closed | State::Queued) {
                continue;
            }
            let winner = Winner {
                account: position.account,
                qty: position.qty,
                cost: position.cost,
                collateral: position.collateral,
                value: k.value(position.qty, mark),
            };
            if self.is_eligible(&winner, k.value(position.qty, worst)) {
                winners.push((winner, position.id));
            }
        }
    }

    fn is_eligible(&self, winner: &Winner, value_at_worst: Cash) -> bool {
        let profit_there = value_at_worst - winner.cost;
        let solvent = (winner.collateral + profit_there).0 >= 0;
        solvent
            && match self.rules.adl_eligible {
                Eligible::ProfitAtAdlPrice => profit_there.0 > 0,
                Eligible::ProfitAtMark => winner.unrealised().0 > 0,
                Eligible::SolventAfter => true,
            }
    }

    /// Best score first, matched to losers in trigger order by two pointers, each fill at its loser's price.
    fn place_ranked(&mut self, contract: ContractId, losers: Side, mark: Price, scratch: &mut Scratch) -> Qty {
        let k = self.ledger.multiplier(contract);
        let mut needs = scratch.needs.iter_mut();
        let mut need = needs.next();
        let mut placed = Qty::ZERO;
        for &(_, at) in &scratch.ranked {
            let (winner, id) = scratch.winners[at];
            let mut available = winner.qty.abs();
            while let Some(current) = need.as_mut().filter(|_| !available.is_zero()) {
                let lots = available.min(current.lots);
                let cash = k.value(lots, current.price);
                let price = current.price;
                self.close_loser(current, lots, cash);
                let (qty, signed) = leg(losers.opposite(), lots, cash);
                self.ledger.trade(id, qty, signed, None, Via::Adl);
                self.tell_deleveraged(contract, losers, &winner, lots, price, cash, mark);
                available -= lots;
                current.lots -= lots;
                placed += lots;
                if current.lots.is_zero() {
                    need = needs.next();
                }
            }
            if available < winner.qty.abs() {
                self.after_deleveraging(id);
            }
            if need.is_none() {
                break;
            }
        }
        placed
    }

    /// Each winner's share at the quantity-weighted price of the lots placed, rounded against the winner.
    fn place_shared(&mut self, contract: ContractId, losers: Side, mark: Price, scratch: &mut Scratch) -> Qty {
        let k = self.ledger.multiplier(contract);
        let placed: Qty = scratch.taken.iter().copied().sum();
        if placed.is_zero() {
            return placed;
        }
        let mut left = placed;
        let mut total = Cash::ZERO;
        for need in &mut scratch.needs {
            let lots = left.min(need.lots);
            if lots.is_zero() {
                break;
            }
            let cash = k.value(lots, need.price);
            self.close_loser(need, lots, cash);
            total += cash;
            left -= lots;
        }
        let mut settled = Cash::ZERO;
        for (&(winner, id), &lots) in scratch.winners.iter().zip(&scratch.taken) {
            if lots.is_zero() {
                continue;
            }
            let product = i128::from(total.0) * i128::from(lots.0);
            let cash = Cash(narrow(match losers {
                Side::Long => div_ceil(product, i128::from(placed.0)),
                Side::Short => div_floor(product, i128::from(placed.0)),
            }));
            settled += cash;
            let (qty, signed) = leg(losers.opposite(), lots, cash);
            self.ledger.trade(id, qty, signed, None, Via::Adl);
            // For display only: the tick nearest to what the winner got on average.
            let price = Price(narrow(div_floor(i128::from(cash.0), i128::from(lots.0) * i128::from(k.0))));
            self.tell_deleveraged(contract, losers, &winner, lots, price, cash, mark);
            self.after_deleveraging(id);
        }
        let remainder = match losers {
            Side::Long => settled - total,
            Side::Short => total - settled,
        };
        self.ledger.post(Party::Clearing(contract), Party::Rounding, remainder, Why::Rounding);
        placed
    }

    /// The loser's leg: a position or a ticket closes lots at its own bankruptcy tick.
    fn close_loser(&mut self, need: &Need, lots: Qty, cash: Cash) {
        let (qty, signed) = leg(need.side, lots, cash);
        match need.source {
            Source::Ticket(at) => self.close_ticket(need.contract, at, qty, signed, Via::Adl),
            Source::Work(at) => {
                let work = &mut self.instant.works[at];
                work.left -= lots;
                work.disposal.to_adl += self.ledger.multiplier(need.contract).value(lots, work.mark);
                let (position, order) = (work.position, work.order);
                self.ledger.trade(position, qty, signed, Some(order), Via::Adl);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn tell_deleveraged(&mut self, contract: ContractId, losers: Side, winner: &Winner, lots: Qty, price: Price, cash: Cash, mark: Price) {
        let notional = self.ledger.multiplier(contract).value(lots, mark);
        let haircut = match losers {
            Side::Long => cash - notional,
            Side::Short => notional - cash,
        };
        self.ledger.facts.push(Fact::Deleveraged {
            contract,
            account: winner.account,
            qty: lots,
            price,
            notional,
            haircut,
            unrealised: winner.unrealised(),
        });
    }

    fn after_deleveraging(&mut self, id: u32) {
        if self.ledger.position(id).qty.is_zero() {
            self.ledger.position_mut(id).state = State::Closed;
            self.ledger.release_collateral(id);
        } else {
            self.rearm(id);
        }
    }
}
