//! Who pays what an order lacks, and who is repaid out of what it gains.

use super::Venue;
use super::agenda::Work;
use super::ledger::Holder;
use super::rules::CashLayer;
use crate::facts::{ContractId, Paid, Party, Why};
use crate::money::Cash;

impl Venue {
    /// After a sale that no budget stopped: as [`settle`](Self::settle), and the fund is exhausted where it lacks the
    /// money.
    #[inline(never)]
    pub(super) fn settle_rest(&mut self, at: usize, before: Cash) {
        let work = self.agenda.works[at];
        let equity = self.equity_at_bankruptcy(&work);
        if (-equity).positive_part() > self.budget(work.contract) {
            self.exhausted(Some(work.order), work.contract);
        }
        self.settle(at, before);
    }

    /// Cash layers pay what equity lacks if the rest closes at bankruptcy, or a gain over what it was `before` repays
    /// them, last payer first.
    pub(super) fn settle(&mut self, at: usize, before: Cash) {
        let work = self.agenda.works[at];
        let equity = self.equity_at_bankruptcy(&work);
        if equity.0 < 0 {
            let mut paid = self.agenda.paid(at);
            self.cover(-equity, Holder::Position(work.position), work.contract, Some(at), &mut paid);
            self.agenda.set_paid(at, paid);
        } else {
            let gain = (equity - before).positive_part();
            self.repay(at, gain);
        }
    }

    /// Layers get back what they paid for an order out of what it gained, last payer first.
    #[inline(never)]
    pub(super) fn repay(&mut self, at: usize, gain: Cash) {
        let Work { position, contract, .. } = self.agenda.works[at];
        let mut paid = self.agenda.paid(at);
        let mut left = gain.min(paid.total());
        if left.is_zero() {
            return;
        }
        self.give_back(position, Party::Deficit, &mut left, &mut paid.deficit);
        for i in (0..self.rules.cash_layers.len()).rev() {
            match self.rules.cash_layers[i] {
                CashLayer::Fund => {
                    let before = paid.fund;
                    self.give_back(position, Party::Fund, &mut left, &mut paid.fund);
                    self.fund_repaid(contract, before - paid.fund);
                }
                CashLayer::Venue => self.give_back(position, Party::Venue, &mut left, &mut paid.venue),
                CashLayer::Backstop => self.repay_backstops(at, &mut left, &mut paid.backstop),
                // Nobody has been asked yet: claims are met when all gains are known.
                CashLayer::Socialise => {}
            }
        }
        self.agenda.set_paid(at, paid);
    }

    /// Repays a house party out of a gain, as far as it paid.
    fn give_back(&mut self, position: u32, party: Party, gain: &mut Cash, paid: &mut Cash) {
        let part = (*gain).min(*paid);
        self.ledger.take_out(position, party, part, Why::Repayment);
        *paid -= part;
        *gain -= part;
    }

    /// Makes the cash layers pay `amount` for a loss of a contract, in their order; what none can pay is the unfunded
    /// deficit. `work` is the order that lacks it, where one does.
    pub(super) fn cover(
        &mut self,
        amount: Cash,
        payee: Holder,
        contract: ContractId,
        work: Option<usize>,
        paid: &mut Paid,
    ) {
        self.cover_from(0, amount, payee, contract, work, paid);
    }

    /// The same by the layers from one on. An order's claim on other accounts waits for the end of the instant, when all of
    /// them are met together: until then the deficit stands in.
    #[inline(never)]
    pub(super) fn cover_from(
        &mut self,
        first: usize,
        amount: Cash,
        payee: Holder,
        contract: ContractId,
        work: Option<usize>,
        paid: &mut Paid,
    ) {
        let mut left = amount;
        for i in first..self.rules.cash_layers.len() {
            let part = match self.rules.cash_layers[i] {
                CashLayer::Fund => {
                    let part = left.min(self.budget(contract));
                    self.pay(Party::Fund, payee, part);
                    self.fund_moved(contract);
                    paid.fund += part;
                    left -= part;
                    continue;
                }
                CashLayer::Venue => {
                    let part = left.min(self.ledger.venue().positive_part());
                    self.pay(Party::Venue, payee, part);
                    paid.venue += part;
                    part
                }
                CashLayer::Backstop => {
                    let part = self.backstops_pay(left, payee, work);
                    paid.backstop += part;
                    part
                }
                CashLayer::Socialise => {
                    if work.is_some() {
                        break;
                    }
                    let part = self.socialise(left, payee, contract);
                    paid.socialised += part;
                    part
                }
            };
            self.strained |= part.0 > 0;
            left -= part;
        }
        self.pay(Party::Deficit, payee, left);
        self.strained |= left.0 > 0;
        paid.deficit += left;
    }

    /// A house party pays a shortfall.
    pub(super) fn pay(&mut self, from: Party, payee: Holder, amount: Cash) {
        match payee {
            Holder::Position(id) => self.ledger.pay_in(from, id, amount, Why::Shortfall),
            Holder::House(party) => self.ledger.post(from, party, amount, Why::Shortfall),
        }
    }
}
