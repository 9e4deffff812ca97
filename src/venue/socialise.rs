//! Socialised losses: a cash layer that takes from accounts what the layers before it could not pay.
//!
//! Every form takes ⌊amount · part ÷ whole⌋ from each account, so that a remainder of a few units goes on to the next
//! layer (Vega rounds its loss socialisation alike).

use super::ledger::{Holder, Position, State};
use super::rules::Socialise;
use super::{Venue, register};
use crate::facts::{ContractId, Via, Why};
use crate::money::{Cash, Qty, Ratio, div_ceil, div_floor, narrow};

/// Who paid for an order, for the case that a later gain of it repays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gift {
    pub work: usize,
    pub giver: Giver,
    pub amount: Cash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Giver {
    Backstop(u16),
    /// The collateral of a position.
    Winner(u32),
    /// Free cash of an account.
    Wallet(u32),
}

impl Gift {
    pub fn is_of_backstop(&self) -> bool {
        matches!(self.giver, Giver::Backstop(_))
    }

    pub fn is_of_trader(&self) -> bool {
        !self.is_of_backstop()
    }
}

/// What one position can be made to pay, and its part of the whole.
#[derive(Clone, Copy, Debug)]
struct Share {
    id: u32,
    most: Cash,
    part: i64,
}

impl Venue {
    /// Takes up to `amount` from accounts for a payee; returns what came together.
    pub(super) fn socialise(&mut self, amount: Cash, payee: Holder, contract: ContractId, work: Option<usize>) -> Cash {
        if amount.is_zero() {
            return Cash::ZERO;
        }
        match self.rules.waterfall.socialise {
            Socialise::Profit => {
                let shares = self.shares(contract, payee, |equity, profit, _| {
                    let most = profit.min(equity).positive_part();
                    (most, most.0)
                });
                let whole: i128 = shares.iter().map(|share| i128::from(share.part)).sum();
                // Nobody gives more than the profit that he is asked by.
                let asked = Cash(narrow(i128::from(amount.0).min(whole)));
                self.take_shares(asked, &shares, whole, payee, contract, work)
            }
            Socialise::Base => {
                let shares = self.shares(contract, payee, |equity, _, lots| (equity.positive_part(), lots.0));
                let whole: i128 = shares.iter().map(|share| i128::from(share.part)).sum();
                self.take_shares(amount, &shares, whole, payee, contract, work)
            }
            Socialise::Withdrawals { most } => self.take_free_cash(amount, most, payee, work),
        }
    }

    /// Open positions of a contract without an unfinished order, of other accounts than the payee's, that can pay anything.
    fn shares(
        &self,
        contract: ContractId,
        payee: Holder,
        share: impl Fn(Cash, Cash, Qty) -> (Cash, i64),
    ) -> Vec<Share> {
        let payee = self.account_of(payee);
        let rules = &self.rules.contracts[usize::from(contract)];
        let mark = self.marks[usize::from(contract)];
        let register = self.ledger.register();
        let of_contract = (0u32..).zip(&register.holdings.contract).filter(|(_, of)| **of == contract);
        of_contract
            .filter_map(|(id, _)| {
                let position = self.ledger.position(id);
                let Position { qty, cost, collateral, .. } = position;
                if matches!(position.state, State::Closed | State::Queued) || Some(position.account) == payee {
                    return None;
                }
                let (equity, _) = register::at_mark(rules, qty, cost, collateral, mark);
                let (most, part) = share(equity, equity - collateral, qty.abs());
                (most.0 > 0 && part > 0).then_some(Share { id, most, part })
            })
            .collect()
    }

    fn account_of(&self, payee: Holder) -> Option<u32> {
        match payee {
            Holder::Position(id) => Some(self.ledger.position(id).account),
            Holder::House(_) => None,
        }
    }

    fn take_shares(
        &mut self,
        amount: Cash,
        shares: &[Share],
        whole: i128,
        payee: Holder,
        contract: ContractId,
        work: Option<usize>,
    ) -> Cash {
        let mut taken = Cash::ZERO;
        for share in shares {
            let product = i128::from(amount.0) * i128::from(share.part);
            let part = Cash(narrow(div_floor(product, whole))).min(share.most);
            if part.is_zero() {
                continue;
            }
            self.realise_profit(share.id, part, contract);
            match payee {
                Holder::Position(id) => self.ledger.give(share.id, id, part, Why::Shortfall),
                Holder::House(party) => self.ledger.take_out(share.id, party, part, Why::Shortfall),
            }
            // Its trigger matters at the next mark: once an instant is enough, however many losses it bears.
            self.agenda.charged.push(share.id);
            if let Some(work) = work {
                self.agenda.gifts.push(Gift { work, giver: Giver::Winner(share.id), amount: part });
            }
            taken += part;
        }
        taken
    }

    /// Realises at least so much of a position's profit, where it has that much, by closing and opening the fewest lots at
    /// the mark; a position in loss has it in its collateral.
    fn realise_profit(&mut self, id: u32, amount: Cash, contract: ContractId) {
        let Position { qty, cost, .. } = self.ledger.position(id);
        let k = self.ledger.multiplier(contract);
        let mark = self.marks[usize::from(contract)];
        let signed = |lots: i64| Qty(if qty.0 > 0 { lots } else { -lots });
        let all = qty.0.abs();
        let profit = |lots: i64| {
            let released = div_ceil(i128::from(cost.0) * i128::from(lots), i128::from(all));
            i128::from(k.value(signed(lots), mark).0) - released
        };
        let wanted = i128::from(amount.0).min(profit(all));
        if wanted <= 0 {
            return;
        }
        let (mut less, mut enough) = (0, all);
        while enough - less > 1 {
            let middle = less + (enough - less) / 2;
            if profit(middle) >= wanted {
                enough = middle;
            } else {
                less = middle;
            }
        }
        let (lots, cash) = (signed(enough), k.value(signed(enough), mark));
        self.ledger.trade(id, -lots, -cash, None, Via::Socialised);
        self.ledger.trade(id, lots, cash, None, Via::Socialised);
    }

    /// Takes free cash of every account, up to a share of it, in proportion to it.
    fn take_free_cash(&mut self, amount: Cash, most: Ratio, payee: Holder, work: Option<usize>) -> Cash {
        let loser = self.account_of(payee);
        let accounts = u32::try_from(self.ledger.register().holdings.wallet.len()).expect("accounts have 32 bits");
        let free = |venue: &Self, account: u32| {
            if Some(account) == loser { Cash::ZERO } else { most.of_floor(venue.ledger.wallet(account)) }
        };
        let whole: i128 = (0..accounts).map(|account| i128::from(free(self, account).0)).sum();
        let asked = i128::from(amount.0).min(whole);
        let mut taken = Cash::ZERO;
        for account in 0..accounts {
            let part = i128::from(free(self, account).0) * asked;
            if part == 0 {
                continue;
            }
            let part = Cash(narrow(div_floor(part, whole)));
            self.ledger.give_free(account, payee, part, Why::Shortfall);
            if let Some(work) = work
                && !part.is_zero()
            {
                self.agenda.gifts.push(Gift { work, giver: Giver::Wallet(account), amount: part });
            }
            taken += part;
        }
        taken
    }

    /// Puts the positions whose cash socialised losses have changed back under watch, where they are open.
    pub(super) fn rearm_charged(&mut self) {
        let mut charged = std::mem::take(&mut self.agenda.charged);
        charged.sort_unstable();
        charged.dedup();
        for id in charged.drain(..) {
            if !matches!(self.ledger.position(id).state, State::Closed | State::Queued) {
                self.rearm(id);
            }
        }
        self.agenda.charged = charged;
    }
}
