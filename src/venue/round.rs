//! One ADL round: the residues of all losers of one contract and side against the eligible winners.

use super::adl::{Policy, Ranking, Round, Shares, Winner};
use super::agenda::{Debt, Need, Source, leg};
use super::ledger::touched::Touched;
use super::ledger::{Holder, Position, Slot};
use super::rules::{AdlPrice, MarginMode};
use super::winners::{Field, Question, Winners};
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
    shares: Shares,
    /// Where the ledger keeps the winners that are being closed.
    slots: Vec<Slot>,
}

impl Scratch {
    pub fn reset(&mut self, contracts: usize) {
        self.search.reset(contracts);
    }

    /// The losers of a round, in trigger order.
    fn losers(&mut self, contract: ContractId, side: Side) -> impl Iterator<Item = &mut Need> {
        self.needs.iter_mut().filter(move |need| need.contract == contract && need.side == side)
    }
}

/// What a fill takes from a winner.
#[derive(Clone, Copy, Debug)]
struct Taken {
    lots: Qty,
    cash: Cash,
    mark: Price,
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
        for need in scratch.losers(contract, losers) {
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
                self.field(round, losers, &scratch.busy, contract).each(&mut scratch.winners);
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
        let k = self.ledger.multiplier(contract);
        let mark = round.mark;
        // First who: the search reads the ledger as it stands before any fill.
        scratch.winners.clear();
        let field = self.field(round, losers, &scratch.busy, contract);
        let question = Question { field, policy, round, lot_value: k.notional(Qty(1), mark).0 };
        scratch.search.search(&question);
        let mut found = Qty::ZERO;
        while found < round.needed {
            let Some((winner, _)) = scratch.search.next(&question) else { break };
            found += winner.qty.abs();
            scratch.winners.push(winner);
        }
        // Then how much, by two pointers.
        let (winners, mut slots) = (std::mem::take(&mut scratch.winners), std::mem::take(&mut scratch.slots));
        let mut needs = scratch.losers(contract, losers);
        let mut need = needs.next();
        let mut placed = Qty::ZERO;
        let is_apart = self.are_apart();
        for winners in winners.chunks(if is_apart { AT_A_TIME } else { winners.len().max(1) }) {
            self.touch_winners(contract, winners, &mut slots);
            for (winner, &slot) in winners.iter().zip(&slots) {
                let mut available = winner.qty.abs();
                while let Some(current) = need.as_mut().filter(|_| !available.is_zero()) {
                    let lots = available.min(current.lots);
                    let cash = k.notional(lots, current.price);
                    let price = current.price;
                    self.close_loser(current, lots, cash);
                    self.close_winner(contract, losers, winner, slot, Taken { lots, cash, mark }, || price);
                    available -= lots;
                    current.lots -= lots;
                    placed += lots;
                    if current.lots.is_zero() {
                        need = needs.next();
                    }
                }
                if !is_apart {
                    self.release_winner(slot);
                }
            }
            if is_apart {
                slots.iter().for_each(|&slot| self.release_winner(slot));
            }
        }
        drop(needs);
        (scratch.winners, scratch.slots) = (winners, slots);
        placed
    }

    /// Whether winners can be touched and released apart from what is taken of them: where the wallet of none backs a
    /// position, since what a wallet lacks may fall on others.
    fn are_apart(&self) -> bool {
        self.ledger.register().holdings.cross.is_empty()
    }

    fn touch_winners(&mut self, contract: ContractId, winners: &[Winner], slots: &mut Vec<Slot>) {
        slots.clear();
        slots.extend(winners.iter().map(|winner| self.ledger.touch_read(winner.opened, contract, winner)));
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
        for need in scratch.losers(contract, losers) {
            let lots = left.min(need.lots);
            if lots.is_zero() {
                break;
            }
            let cash = k.notional(lots, need.price);
            self.close_loser(need, lots, cash);
            total += cash;
            left -= lots;
        }
        let (mut winners, mut slots) = (std::mem::take(&mut scratch.winners), std::mem::take(&mut scratch.slots));
        let taken = &mut scratch.shares.lots;
        if taken.contains(&Qty::ZERO) {
            let mut lots_of = taken.iter();
            winners.retain(|_| lots_of.next().is_some_and(|lots| !lots.is_zero()));
            taken.retain(|lots| !lots.is_zero());
        }
        // A linear short and an inverse long pay for what they close, the others are paid.
        let pays = (losers == Side::Long) == k.is_linear();
        let price = Proportion::new(total.0.unsigned_abs(), placed.0.unsigned_abs().into());
        let mut settled = Cash::ZERO;
        let is_apart = self.are_apart();
        let at_a_time = if is_apart { AT_A_TIME } else { winners.len().max(1) };
        for (winners, taken) in winners.chunks(at_a_time).zip(taken.chunks(at_a_time)) {
            self.touch_winners(contract, winners, &mut slots);
            for ((winner, &slot), &lots) in winners.iter().zip(&slots).zip(taken) {
                let weight = lots.0.unsigned_abs();
                let cash = if pays { price.ceil(weight) } else { price.floor(weight) };
                let cash = Cash(narrow(cash.cast_signed()));
                settled += cash;
                // For display only: the tick nearest to what the winner got on average.
                let price = || average_tick(k, lots, cash);
                self.close_winner(contract, losers, winner, slot, Taken { lots, cash, mark }, price);
                if !is_apart {
                    self.release_winner(slot);
                }
            }
            if is_apart {
                slots.iter().for_each(|&slot| self.release_winner(slot));
            }
        }
        (scratch.winners, scratch.slots) = (winners, slots);
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
                work.disposal.to_adl += self.ledger.multiplier(need.contract).notional(lots, work.mark);
                let (slot, order) = (work.slot, work.order);
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
    fn close_winner(
        &mut self,
        contract: ContractId,
        losers: Side,
        winner: &Winner,
        slot: Slot,
        Taken { lots, cash, mark }: Taken,
        price: impl FnOnce() -> Price,
    ) {
        let k = self.ledger.multiplier(contract);
        let (qty, signed) = leg(k, losers.opposite(), lots, cash);
        self.ledger.trade_at(slot, qty, signed, None, Via::Adl);
        let notional = k.notional(lots, mark);
        let haircut = signed - k.value(qty, mark);
        if !self.ledger.is_heard() {
            self.ledger.counted.deleveraged(winner.account, notional, haircut);
        }
        if self.ledger.is_unheard() {
            return;
        }
        self.ledger.facts.push(Fact::Deleveraged {
            contract,
            account: winner.account,
            qty: lots,
            price: price(),
            notional,
            haircut,
            unrealised: winner.unrealised(),
        });
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
            self.rearm(id);
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
