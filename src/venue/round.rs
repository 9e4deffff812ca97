//! One ADL round: the residues of all losers of one contract and side against the eligible winners.

use super::adl::{Policy, Ranking, Round, Shares, Winner};
use super::agenda::{Debt, Need, Source, leg};
use super::ledger::touched::Touched;
use super::ledger::{Holder, Position, Slot};
use super::rules::{AdlPrice, MarginMode};
use super::winners::{Chosen, Field, Question, Winners};
use super::{SIDES, Venue};
use crate::facts::{ContractId, Fact, Paid, Party, Side, Via, Why};
use crate::money::proportion::Proportion;
use crate::money::{Cash, Multiplier, Price, Qty, div_floor, narrow};

/// Winners are touched, closed and released so many at a time. What is read of each lies anywhere in memory, and short
/// turns that do not wait for each other are read side by side; so many are still at hand when the next turn comes to them.
const AT_A_TIME: usize = 256;

/// Buffers of a round, kept between rounds.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The losers of all rounds of an instant, lent by the agenda.
    needs: Vec<Need>,
    /// Accounts with an unfinished order: with no position of theirs are they winners.
    busy: Touched,
    pub search: Winners,
    /// Those that lots are taken from; of a policy that shares, first all who are eligible.
    winners: Vec<Winner>,
    /// Who of them gives lots by a ranking, the best first; and the same as winners, where they are closed fill by fill.
    chosen: Vec<Chosen>,
    ranked: Vec<Winner>,
    shares: Shares,
    /// What is taken of each winner, where they are closed whole.
    given: Vec<Given>,
    /// Where the ledger keeps the winners that are being closed.
    slots: Vec<Slot>,
}

impl Scratch {
    pub fn reset(&mut self, contracts: usize) {
        self.search.reset(contracts);
    }
}

/// The losers of one round, in trigger order.
fn losers_of(needs: &mut [Need], contract: ContractId, side: Side) -> impl Iterator<Item = &mut Need> {
    needs.iter_mut().filter(move |need| need.contract == contract && need.side == side)
}

/// Lots taken from a winner, and the cash that they trade for.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    lots: Qty,
    cash: Cash,
}

impl Venue {
    /// All rounds of this instant, by contract and side of the losers.
    #[inline(never)]
    pub(super) fn rounds(&mut self) {
        if self.agenda.needs.is_empty() {
            return;
        }
        let mut scratch = std::mem::take(&mut self.round);
        std::mem::swap(&mut scratch.needs, &mut self.agenda.needs);
        if self.asks_for_busy() {
            let works = self.agenda.works.iter().map(|work| work.account);
            let queued = self.queue.waiting().iter().map(|queued| self.ledger.position(queued.position).account);
            scratch.busy.reset(self.ledger.register().holdings.wallet.len());
            works.chain(queued).for_each(|account| scratch.busy.mark(account));
        }
        for contract in 0..u16::try_from(self.marks.len()).expect("contracts are numbered in 16 bits") {
            for side in SIDES {
                if let Some(round) = self.round_of(contract, side, &mut scratch) {
                    self.run_round(contract, side, &round, &mut scratch);
                }
            }
        }
        scratch.needs.clear();
        std::mem::swap(&mut scratch.needs, &mut self.agenda.needs);
        self.round = scratch;
    }

    /// Whether an order on one position keeps another from being a winner.
    fn asks_for_busy(&self) -> bool {
        let register = self.ledger.register();
        !(register.is_one_each() && register.holdings.cross.is_empty())
    }

    /// What the losers of a contract and side ask of the other, where there are any.
    fn round_of(&self, contract: ContractId, losers: Side, scratch: &mut Scratch) -> Option<Round> {
        let k = self.ledger.multiplier(contract);
        let (mut needed, mut cash, mut worst) = (Qty::ZERO, Cash::ZERO, None);
        for need in losers_of(&mut scratch.needs, contract, losers) {
            needed += need.lots;
            cash += k.notional(need.lots, need.price);
            // The worst price for a winner: shorts buy back from long losers, longs sell to short ones.
            let worse = |worst: Price| match losers {
                Side::Long => worst.max(need.price),
                Side::Short => worst.min(need.price),
            };
            worst = Some(worst.map_or(need.price, worse));
        }
        worst.map(|price| Round {
            side: self.rules.contracts[usize::from(contract)].line_side(losers.opposite()),
            mark: self.marks[usize::from(contract)],
            price,
            needed,
            cash,
            accounts: u32::try_from(self.ledger.register().holdings.wallet.len()).unwrap_or(u32::MAX),
            salt: self.salt(contract, losers),
        })
    }

    fn run_round(&mut self, contract: ContractId, losers: Side, round: &Round, scratch: &mut Scratch) {
        let rules = std::sync::Arc::clone(&self.rules);
        let placed = match &rules.adl {
            Policy::Ranking(policy) => self.place_ranked(contract, losers, round, policy.as_ref(), scratch),
            Policy::Sharing(policy) => {
                scratch.winners.clear();
                self.field(round, losers, &scratch.busy, contract).each(|winner| scratch.winners.push(winner));
                policy.share(&scratch.winners, round, &mut scratch.shares);
                self.place_shared(contract, losers, round.mark, scratch)
            }
        };
        if !placed.is_zero() {
            self.strained = true;
        }
        self.settle_round(contract);
        self.ledger.facts.push(Fact::Round { contract, losers, needed: round.needed, placed, mark: round.mark });
    }

    /// What a policy that draws is given instead of randomness: the round's time, contract, side and marks, stirred. Marks
    /// differ from path to path, and a replayed path has the same.
    pub(super) fn salt(&self, contract: ContractId, losers: Side) -> u64 {
        let words = [self.now.0, i64::from(contract), i64::from(losers == Side::Short)];
        let words = words.into_iter().chain(self.marks.iter().map(|mark| mark.0));
        // FNV-1a over words; the policy that draws scrambles the result.
        words.fold(0xcbf2_9ce4_8422_2325, |hash: u64, word| {
            (hash ^ u64::from_ne_bytes(word.to_ne_bytes())).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
        })
    }

    /// Who may win in a round.
    fn field<'a>(&'a self, round: &Round, losers: Side, busy: &'a Touched, contract: ContractId) -> Field<'a> {
        let k = self.ledger.multiplier(contract);
        Field {
            ledger: &self.ledger,
            contract,
            side: losers.opposite(),
            rule: self.rules.adl_eligible,
            lot: k.value(Qty(1), round.mark),
            lot_at_worst: k.value(Qty(1), round.price),
            tiers: &self.rules.contracts[usize::from(contract)].tiers,
            asks_for_maintenance: match &self.rules.adl {
                Policy::Ranking(policy) => policy.asks_for_maintenance(),
                Policy::Sharing(_) => true,
            },
            marks: &self.marks,
            busy: self.asks_for_busy().then_some(busy),
        }
    }

    /// Best score first, matched to losers in trigger order by two pointers, each fill at its loser's price.
    fn place_ranked(
        &mut self,
        contract: ContractId,
        losers: Side,
        round: &Round,
        policy: &dyn Ranking,
        scratch: &mut Scratch,
    ) -> Qty {
        // First who: the search reads the ledger as it stands before any fill.
        let field = self.field(round, losers, &scratch.busy, contract);
        let lot_value = field.lot.0.abs();
        let question = Question { field, policy, round, lot_value };
        let found = scratch.search.choose(&question, &mut scratch.winners, &mut scratch.chosen);
        // Then how much, by two pointers.
        let placed = found.min(round.needed);
        if self.ledger.is_unheard() && self.are_apart() {
            self.match_whole(contract, losers, round.mark, placed, scratch);
        } else {
            self.match_by_fills(contract, losers, round.mark, scratch);
        }
        placed
    }

    /// Fill by fill, as it is told.
    fn match_by_fills(&mut self, contract: ContractId, losers: Side, mark: Price, scratch: &mut Scratch) {
        let k = self.ledger.multiplier(contract);
        let Scratch { needs, winners, chosen, ranked, slots, .. } = scratch;
        ranked.clear();
        ranked.extend(chosen.iter().map(|chosen| winners[chosen.place as usize]));
        let mut needs = losers_of(needs, contract, losers);
        let mut need = needs.next();
        let all = |at: usize| ranked[at].qty.abs();
        self.give(contract, ranked, all, slots, |venue, at, winner, slot| {
            let mut available = all(at);
            while let Some(current) = need.as_mut().filter(|_| !available.is_zero()) {
                let (lots, price) = (available.min(current.lots), current.price);
                let cash = k.notional(lots, price);
                venue.close_loser(current, lots, cash);
                venue.close_winner(contract, losers, winner, slot, Given { lots, cash }, mark, || price);
                available -= lots;
                current.lots -= lots;
                if current.lots.is_zero() {
                    need = needs.next();
                }
            }
        });
    }

    /// The same where nobody listens and positions stand apart. Whoever is closed whole is closed at once, losers as they
    /// are matched and winners in the order of their accounts, in which all that is known of them lies: what the fills
    /// of a whole position release of its cost adds up to all of it, however often it was rounded.
    fn match_whole(&mut self, contract: ContractId, losers: Side, mark: Price, placed: Qty, scratch: &mut Scratch) {
        let k = self.ledger.multiplier(contract);
        let Scratch { needs, winners, chosen, given: of_each, slots, .. } = scratch;
        let mut best = chosen.iter();
        of_each.clear();
        of_each.resize(winners.len(), Given::default());
        let mut left = placed;
        let (mut place, mut available, mut in_part) = (0, Qty::ZERO, None);
        let mut given = Given::default();
        for need in losers_of(needs, contract, losers) {
            let lots = left.min(need.lots);
            if lots.is_zero() {
                break;
            }
            let lot = k.notional(Qty(1), need.price);
            let cash = |lots: Qty| Cash(lots.0 * lot.0);
            let is_whole = self.closes_whole(need, lots);
            if is_whole {
                self.close_loser(need, lots, cash(lots));
            }
            let mut open = lots;
            while !open.is_zero() {
                if available.is_zero() {
                    let Some(next) = best.next() else { break };
                    (place, available, given) = (next.place as usize, next.lots, Given::default());
                    let is_last = available > left;
                    in_part = is_last.then(|| self.ledger.touch_read(winners[place].opened, contract, &winners[place]));
                }
                let fill = open.min(available);
                if !is_whole {
                    self.close_loser(need, fill, cash(fill));
                }
                available -= fill;
                open -= fill;
                left -= fill;
                given.lots += fill;
                given.cash += cash(fill);
                if let Some(slot) = in_part {
                    self.trade_winner(contract, losers, slot, Given { lots: fill, cash: cash(fill) });
                } else if available.is_zero() {
                    // Written and not read: it lies anywhere in memory.
                    of_each[place] = given;
                }
            }
            need.lots -= lots;
            let (notional, haircut) = self.haircut(contract, losers, Given { lots, cash: cash(lots) }, mark);
            self.ledger.counted.gave_up(notional, haircut);
        }
        let lots_of = |at: usize| of_each[at].lots;
        self.give(contract, winners, lots_of, slots, |venue, at, winner, slot| {
            venue.trade_winner(contract, losers, slot, of_each[at]);
            venue.ledger.counted.deleveraged.insert(winner.account);
        });
        if let Some(slot) = in_part {
            self.ledger.counted.deleveraged.insert(winners[place].account);
            self.release_winner(slot);
        }
    }

    /// Whether a fill of so many lots ends a loser that no other price than that of its bankruptcy is asked of, so that it
    /// is all the same in how many parts they come.
    fn closes_whole(&self, need: &Need, lots: Qty) -> bool {
        match need.source {
            Source::Work(at) => {
                self.rules.waterfall.adl_price == AdlPrice::Bankruptcy
                    && self.ledger.at(self.agenda.works[at].slot).qty.abs() == lots
            }
            Source::Ticket(_) | Source::Backstop(_) => false,
        }
    }

    /// Whether winners can be touched and released apart from what is taken of them: where the wallet of none backs a
    /// position, since what a wallet lacks may fall on others.
    fn are_apart(&self) -> bool {
        self.ledger.register().holdings.cross.is_empty()
    }

    /// Goes through all winners that give lots, which `lots` tells of each place; `close` takes place, winner and slot.
    #[inline]
    fn give(
        &mut self,
        contract: ContractId,
        winners: &[Winner],
        lots: impl Fn(usize) -> Qty,
        slots: &mut Vec<Slot>,
        mut close: impl FnMut(&mut Self, usize, &Winner, Slot),
    ) {
        let is_apart = self.are_apart();
        let at_a_time = if is_apart { AT_A_TIME } else { winners.len().max(1) };
        for first in (0..winners.len()).step_by(at_a_time) {
            let these = first..winners.len().min(first + at_a_time);
            let giving = these.filter(|&at| !lots(at).is_zero());
            slots.clear();
            for at in giving.clone() {
                slots.push(self.ledger.touch_read(winners[at].opened, contract, &winners[at]));
            }
            for (at, &slot) in giving.zip(&*slots) {
                close(self, at, &winners[at], slot);
                if !is_apart {
                    self.release_winner(slot);
                }
            }
            if is_apart {
                slots.iter().for_each(|&slot| self.release_winner(slot));
            }
        }
    }

    /// Each winner's share at the quantity-weighted price of the lots placed, rounded against the winner.
    fn place_shared(&mut self, contract: ContractId, losers: Side, mark: Price, scratch: &mut Scratch) -> Qty {
        let k = self.ledger.multiplier(contract);
        let placed: Qty = scratch.shares.lots.iter().copied().sum();
        if placed.is_zero() {
            return placed;
        }
        let mut left = placed;
        let mut total = Cash::ZERO;
        for need in losers_of(&mut scratch.needs, contract, losers) {
            let lots = left.min(need.lots);
            if lots.is_zero() {
                break;
            }
            let cash = k.notional(lots, need.price);
            self.close_loser(need, lots, cash);
            total += cash;
            left -= lots;
        }
        // A linear short and an inverse long pay for what they close, the others are paid.
        let pays = (losers == Side::Long) == k.is_linear();
        let price = Proportion::new(total.0.unsigned_abs(), placed.0.unsigned_abs().into());
        let mut settled = Cash::ZERO;
        let Scratch { winners, shares, slots, .. } = scratch;
        let lots_of = |at: usize| shares.lots[at];
        self.give(contract, winners, lots_of, slots, |venue, at, winner, slot| {
            let lots = lots_of(at);
            let weight = lots.0.unsigned_abs();
            let cash = if pays { price.ceil(weight) } else { price.floor(weight) };
            let cash = Cash(narrow(cash.cast_signed()));
            settled += cash;
            // For display only: the tick nearest to what the winner got on average.
            let price = || average_tick(k, lots, cash);
            venue.close_winner(contract, losers, winner, slot, Given { lots, cash }, mark, price);
        });
        let remainder = (settled - total).abs();
        self.ledger.post(Party::Clearing(contract), Party::Rounding, remainder, Why::Rounding);
        placed
    }

    /// The loser's leg: a position or a ticket closes lots at its own bankruptcy tick.
    fn close_loser(&mut self, need: &Need, lots: Qty, cash: Cash) {
        let (qty, signed) = leg(self.ledger.multiplier(need.contract), need.side, lots, cash);
        match need.source {
            Source::Ticket(at) => {
                let (bankruptcy, result) = self.ticket_trades(need.contract, at, qty, signed, Via::Adl);
                self.agenda.debts.push(Debt::Ticket { qty: -qty, bankruptcy, result });
            }
            Source::Backstop(j) => {
                let result = self.ledger.trade_backstop(j, need.contract, (qty, signed), None, Via::Adl);
                self.agenda.debts.push(Debt::Backstop { backstop: j, qty: -qty, result });
            }
            Source::Work(at) => {
                // At the bankruptcy tick nothing is lacking and nothing gained.
                let before = (self.rules.waterfall.adl_price != AdlPrice::Bankruptcy)
                    .then(|| self.equity_at_bankruptcy(&self.agenda.works[at]).positive_part());
                let work = &mut self.agenda.works[at];
                work.left -= lots;
                let (slot, order) = (work.slot, work.order);
                self.note_left(at, Via::Adl, lots);
                self.ledger.trade_at(slot, qty, signed, Some(order), Via::Adl);
                self.agenda.debts.extend(before.map(|before| Debt::Work { at, before }));
            }
        }
    }

    /// What losers lack or gain after a round at another price than their bankruptcy ticks. It waits until the round is
    /// over, since a winner whose profit is socialised must still be the winner that the policy was shown.
    fn settle_round(&mut self, contract: ContractId) {
        self.agenda.keeps_promise = self.rules.waterfall.adl_price == AdlPrice::MarkWhileFunded;
        let mut debts = std::mem::take(&mut self.agenda.debts);
        for debt in debts.drain(..) {
            match debt {
                Debt::Work { at, before } => self.settle(at, before),
                Debt::Backstop { backstop, qty, result } => self.settle_backstop(backstop, contract, qty, result),
                Debt::Ticket { qty, bankruptcy, result } => {
                    let mut paid = Paid::default();
                    self.ledger.post(Party::Engine, Party::Fund, result.positive_part(), Why::Inventory);
                    self.fund_moved(contract);
                    let loss = (-result).positive_part();
                    self.cover(loss, Holder::House(Party::Engine), contract, None, &mut paid);
                    self.ledger.facts.push(Fact::TicketClosed { contract, qty, bankruptcy, result, paid });
                }
            }
        }
        self.agenda.debts = debts;
        self.agenda.keeps_promise = false;
    }

    /// The winner's leg, told or counted. `price` is what is told of it.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    fn close_winner(
        &mut self,
        contract: ContractId,
        losers: Side,
        winner: &Winner,
        slot: Slot,
        given: Given,
        mark: Price,
        price: impl FnOnce() -> Price,
    ) {
        self.trade_winner(contract, losers, slot, given);
        let (notional, haircut) = self.haircut(contract, losers, given, mark);
        if !self.ledger.is_heard() {
            self.ledger.counted.deleveraged(winner.account, notional, haircut);
        }
        if self.ledger.is_unheard() {
            return;
        }
        self.ledger.facts.push(Fact::Deleveraged {
            contract,
            account: winner.account,
            qty: given.lots,
            price: price(),
            notional,
            haircut,
            unrealised: winner.unrealised(),
        });
    }

    #[inline]
    fn trade_winner(&mut self, contract: ContractId, losers: Side, slot: Slot, Given { lots, cash }: Given) {
        let (qty, signed) = leg(self.ledger.multiplier(contract), losers.opposite(), lots, cash);
        self.ledger.trade_at(slot, qty, signed, None, Via::Adl);
    }

    /// Notional at the mark of lots taken from winners, and what they give up against closing at the mark.
    #[inline]
    fn haircut(&self, contract: ContractId, losers: Side, Given { lots, cash }: Given, mark: Price) -> (Cash, Cash) {
        let k = self.ledger.multiplier(contract);
        let (qty, signed) = leg(k, losers.opposite(), lots, cash);
        (k.notional(lots, mark), signed - k.value(qty, mark))
    }

    /// After lots were taken from a position: closed where none is left, and watched anew otherwise.
    #[inline]
    fn release_winner(&mut self, slot: Slot) {
        let &Position { id, contract, account, mode, qty, .. } = self.ledger.at(slot);
        if mode == MarginMode::Cross {
            self.settle_wallet(id, contract, &mut Paid::default());
            self.release_cross(account);
        }
        if qty.is_zero() {
            self.ledger.close(slot);
        } else if mode == MarginMode::Isolated {
            self.rearm_at(slot);
        }
    }
}

/// The whole tick at or below the average price of a fill: for display only.
fn average_tick(k: Multiplier, lots: Qty, cash: Cash) -> Price {
    let (lots, cash) = (i128::from(lots.0), i128::from(cash.0));
    Price(narrow(match k {
        Multiplier::Linear(k) => div_floor(cash, lots * i128::from(k)),
        Multiplier::Inverse(f) => div_floor(lots * i128::from(f), cash.max(1)),
    }))
}
