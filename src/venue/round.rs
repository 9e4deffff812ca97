//! One ADL round: the residues of all losers of one contract and side against the eligible winners.

use super::adl::{Policy, Ranking, Round, Winner};
use super::agenda::{Debt, Need, Source, leg};
use super::ledger::touched::Touched;
use super::ledger::{Holder, Slot};
use super::rules::{AdlPrice, MarginMode};
use super::winners::{Field, Question, Winners};
use super::{SIDES, Venue};
use crate::facts::{ContractId, Fact, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Multiplier, Price, Qty, div_ceil, div_floor, narrow};

/// Buffers of a round, kept between rounds.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    needs: Vec<Need>,
    /// Accounts with an unfinished order: with no position of theirs are they winners.
    busy: Touched,
    pub search: Winners,
    winners: Vec<(Winner, u32)>,
    /// Where the ledger keeps those that lots are taken from, in the order of `winners`.
    slots: Vec<Slot>,
    shared: Vec<Winner>,
    taken: Vec<Qty>,
}

impl Scratch {
    pub fn reset(&mut self, contracts: usize) {
        self.needs.clear();
        self.search.reset(contracts);
    }
}

impl Venue {
    /// All rounds of this instant, by contract and side of the losers.
    #[inline(never)]
    pub(super) fn rounds(&mut self) {
        if self.agenda.needs.is_empty() {
            return;
        }
        let works = self.agenda.works.iter().map(|work| work.account);
        let queued = self.queue.waiting().iter().map(|queued| self.ledger.position(queued.position).account);
        self.round.busy.reset(self.ledger.register().holdings.wallet.len());
        works.chain(queued).for_each(|account| self.round.busy.mark(account));
        for c in 0..self.marks.len() {
            let contract = u16::try_from(c).expect("contracts are numbered in 16 bits");
            for side in SIDES {
                let mut scratch = std::mem::take(&mut self.round);
                scratch.needs.clear();
                let same = |need: &&Need| need.contract == contract && need.side == side;
                scratch.needs.extend(self.agenda.needs.iter().filter(same));
                if !scratch.needs.is_empty() {
                    self.run_round(contract, side, &mut scratch);
                }
                self.round = scratch;
            }
        }
        self.agenda.needs.clear();
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
        let rules = std::sync::Arc::clone(&self.rules);
        let k = self.ledger.multiplier(contract);
        let round = Round {
            side: rules.contracts[usize::from(contract)].line_side(losers.opposite()),
            mark,
            price: worst,
            needed,
            cash: scratch.needs.iter().map(|need| k.notional(need.lots, need.price)).sum(),
            accounts: u32::try_from(self.ledger.register().holdings.wallet.len()).unwrap_or(u32::MAX),
            salt: self.salt(contract, losers),
        };
        let placed = match &rules.adl {
            Policy::Ranking(policy) => self.place_ranked(contract, losers, &round, policy.as_ref(), scratch),
            Policy::Sharing(policy) => {
                self.field(&round, losers, &scratch.busy, contract).each(&mut scratch.winners);
                scratch.shared.clear();
                scratch.shared.extend(scratch.winners.iter().map(|(winner, _)| *winner));
                policy.share(&scratch.shared, &round, &mut scratch.taken);
                self.place_shared(contract, losers, mark, scratch)
            }
        };
        if !placed.is_zero() {
            self.strained = true;
        }
        self.settle_round(contract);
        self.ledger.facts.push(Fact::Round { contract, losers, needed, placed, mark });
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
        Field {
            ledger: &self.ledger,
            contract,
            side: losers.opposite(),
            rule: self.rules.adl_eligible,
            mark: round.mark,
            worst: round.price,
            tiers: &self.rules.contracts[usize::from(contract)].tiers,
            marks: &self.marks,
            busy,
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
            let Some((winner, id)) = scratch.search.next() else { break };
            found += winner.qty.abs();
            scratch.winners.push((winner, id));
        }
        let is_apart = self.touch_winners(contract, scratch);
        // Then how much, by two pointers.
        let mut needs = scratch.needs.iter_mut();
        let mut need = needs.next();
        let mut placed = Qty::ZERO;
        for (&(winner, id), &slot) in scratch.winners.iter().zip(&scratch.slots) {
            let mut available = winner.qty.abs();
            while let Some(current) = need.as_mut().filter(|_| !available.is_zero()) {
                let lots = available.min(current.lots);
                let cash = k.notional(lots, current.price);
                let price = current.price;
                self.close_loser(current, lots, cash);
                let (qty, signed) = leg(k, losers.opposite(), lots, cash);
                self.ledger.trade_at(slot, qty, signed, None, Via::Adl);
                self.tell_deleveraged(contract, losers, &winner, lots, price, cash, mark);
                available -= lots;
                current.lots -= lots;
                placed += lots;
                if current.lots.is_zero() {
                    need = needs.next();
                }
            }
            if !is_apart {
                self.release_winner(id, slot);
            }
        }
        if is_apart {
            self.release_winners(scratch);
        }
        placed
    }

    /// Touches all who lots will be taken from, in a loop of its own: what is read of each lies anywhere in memory, and
    /// short turns that do not wait for each other are read side by side. Returns whether they can be released so too:
    /// where the wallet of none backs a position.
    fn touch_winners(&mut self, contract: ContractId, scratch: &mut Scratch) -> bool {
        let winners = scratch.winners.iter();
        scratch.slots.clear();
        scratch.slots.extend(winners.map(|(winner, id)| self.ledger.touch_read(*id, contract, winner)));
        self.ledger.register().holdings.cross.is_empty()
    }

    fn release_winners(&mut self, scratch: &Scratch) {
        for (&(_, id), &slot) in scratch.winners.iter().zip(&scratch.slots) {
            self.release_winner(id, slot);
        }
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
            let cash = k.notional(lots, need.price);
            self.close_loser(need, lots, cash);
            total += cash;
            left -= lots;
        }
        let mut settled = Cash::ZERO;
        let mut taken = std::mem::take(&mut scratch.taken);
        let mut lots_of = taken.iter();
        scratch.winners.retain(|_| lots_of.next().is_some_and(|lots| !lots.is_zero()));
        taken.retain(|lots| !lots.is_zero());
        let is_apart = self.touch_winners(contract, scratch);
        for ((&(winner, id), &slot), &lots) in scratch.winners.iter().zip(&scratch.slots).zip(&taken) {
            let product = i128::from(total.0) * i128::from(lots.0);
            // A linear short and an inverse long pay for what they close, the others are paid.
            let cash = Cash(narrow(if (losers == Side::Long) == k.is_linear() {
                div_ceil(product, i128::from(placed.0))
            } else {
                div_floor(product, i128::from(placed.0))
            }));
            settled += cash;
            let (qty, signed) = leg(k, losers.opposite(), lots, cash);
            self.ledger.trade_at(slot, qty, signed, None, Via::Adl);
            // For display only: the tick nearest to what the winner got on average.
            let price = average_tick(k, lots, cash);
            self.tell_deleveraged(contract, losers, &winner, lots, price, cash, mark);
            if !is_apart {
                self.release_winner(id, slot);
            }
        }
        if is_apart {
            self.release_winners(scratch);
        }
        scratch.taken = taken;
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

    #[allow(clippy::too_many_arguments)]
    fn tell_deleveraged(
        &mut self,
        contract: ContractId,
        losers: Side,
        winner: &Winner,
        lots: Qty,
        price: Price,
        cash: Cash,
        mark: Price,
    ) {
        let k = self.ledger.multiplier(contract);
        let notional = k.notional(lots, mark);
        let (qty, paid) = leg(k, losers.opposite(), lots, cash);
        let haircut = paid - k.value(qty, mark);
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
            price,
            notional,
            haircut,
            unrealised: winner.unrealised(),
        });
    }

    /// After lots were taken from a position: closed where none is left, and watched anew otherwise.
    fn release_winner(&mut self, id: u32, slot: Slot) {
        let position = self.ledger.at(slot);
        let (mode, is_closed) = (position.mode, position.qty.is_zero());
        if mode == MarginMode::Cross {
            let (contract, account) = (position.contract, position.account);
            self.settle_wallet(id, contract, &mut Paid::default());
            self.release_cross(account);
        }
        if is_closed {
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
