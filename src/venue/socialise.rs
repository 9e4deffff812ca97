//! Socialised losses: a cash layer that takes from accounts what the layers before it could not pay.
//!
//! Every form but one takes ⌊amount · part ÷ whole⌋ from each account, so that a remainder of a few units goes on to the
//! next layer. Vega rounds down what each account keeps, and what that is too much goes back to the last of them.

use super::bisect::last_that_holds;
use super::ledger::{Holder, Position, State};
use super::rules::{CashLayer, MarginMode, Socialise};
use super::{Venue, register};
use crate::facts::{ContractId, Paid, Party, Via, Why};
use crate::money::{Cash, Qty, div_ceil, div_floor, narrow};

/// Whose cash it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Giver {
    /// The collateral of a position.
    Winner(u32),
    /// Free cash of an account.
    Wallet(u32),
}

/// What somebody can be made to pay, and its part of the whole.
#[derive(Clone, Copy, Debug)]
struct Share {
    giver: Giver,
    most: Cash,
    part: i64,
}

/// Σ part.
fn whole(shares: &[Share]) -> i128 {
    shares.iter().map(|share| i128::from(share.part)).sum()
}

/// An amount, where parts are cash: no more than all of them.
fn within_whole(amount: Cash, shares: &[Share]) -> Cash {
    Cash(narrow(whole(shares).min(i128::from(amount.0))))
}

/// ⌊amount · part ÷ Σ part⌋ of each, and no more than it can pay.
fn divided(amount: Cash, shares: &[Share]) -> Vec<(Giver, Cash)> {
    let whole = whole(shares);
    let of = |share: &Share| {
        let product = i128::from(amount.0) * i128::from(share.part);
        (share.giver, Cash(narrow(div_floor(product, whole))).min(share.most))
    };
    shares.iter().map(of).filter(|(_, part)| !part.is_zero()).collect()
}

/// Gives with which each keeps ⌊part · (whole − amount) ÷ whole⌋ of its part: the remainder goes back to the last of them
/// (vega@a50750c, `0002-STTL-settlement-verified-loss-socialization`).
fn kept(amount: Cash, shares: &[Share]) -> Vec<(Giver, Cash)> {
    let whole = whole(shares);
    let left = whole - i128::from(amount.0);
    let of = |share: &Share| {
        let keeps = div_floor(i128::from(share.part) * left, whole);
        (share.giver, Cash(share.part - narrow(keeps)))
    };
    let mut gives: Vec<(Giver, Cash)> = shares.iter().map(of).collect();
    let mut over = gives.iter().map(|(_, part)| *part).sum::<Cash>() - amount;
    for (_, part) in gives.iter_mut().rev() {
        let back = over.min(*part);
        *part -= back;
        over -= back;
    }
    gives.retain(|(_, part)| !part.is_zero());
    gives
}

impl Venue {
    /// What a loss of this size would take from each account, in the order of the accounts.
    fn charges(&self, amount: Cash, contract: ContractId, losers: &[u32]) -> Vec<(Giver, Cash)> {
        match self.rules.waterfall.socialise {
            Socialise::Profit | Socialise::Payout => {
                let shares = self.shares(contract, losers, |equity, profit, _| {
                    let most = profit.min(equity).positive_part();
                    (most, most.0)
                });
                // Nobody gives more than the profit that he is asked by.
                let amount = within_whole(amount, &shares);
                if self.rules.waterfall.socialise == Socialise::Payout {
                    kept(amount, &shares)
                } else {
                    divided(amount, &shares)
                }
            }
            Socialise::Base => {
                divided(amount, &self.shares(contract, losers, |equity, _, lots| (equity.positive_part(), lots.0)))
            }
            Socialise::Withdrawals { most } => {
                let accounts =
                    u32::try_from(self.ledger.register().holdings.wallet.len()).expect("accounts have 32 bits");
                let shares: Vec<Share> = (0..accounts)
                    .filter(|&account| losers.binary_search(&account).is_err() && !self.is_margin(account))
                    .map(|account| (account, most.of_floor(self.ledger.wallet(account))))
                    .filter(|(_, free)| free.0 > 0)
                    .map(|(account, free)| Share { giver: Giver::Wallet(account), most: free, part: free.0 })
                    .collect();
                divided(within_whole(amount, &shares), &shares)
            }
        }
    }

    /// Takes up to `amount` from accounts for the engine or a vault; returns what came together.
    pub(super) fn socialise(&mut self, amount: Cash, payee: Holder, contract: ContractId) -> Cash {
        if amount.is_zero() {
            return Cash::ZERO;
        }
        let charges = self.charges(amount, contract, &self.losers());
        for &(giver, part) in &charges {
            self.prepare(giver, part, contract);
            self.hand_over(giver, payee, part);
        }
        charges.iter().map(|(_, part)| *part).sum()
    }

    /// Accounts with an order in this instant, sorted: they are never asked.
    fn losers(&self) -> Vec<u32> {
        let mut losers: Vec<u32> = self.agenda.works.iter().map(|work| work.account).collect();
        losers.sort_unstable();
        losers
    }

    /// Meets what the orders of this instant still lack, contract by contract: all of it is asked for at once, and goes to
    /// the orders in turn. What does not come together is for the layers after socialisation.
    pub(super) fn meet_claims(&mut self) {
        let Some(place) = self.rules.cash_layers.iter().position(|layer| *layer == CashLayer::Socialise) else {
            return;
        };
        for c in 0..self.marks.len() {
            let contract = u16::try_from(c).expect("contracts are numbered in 16 bits");
            let claims: Vec<usize> = (0..self.agenda.works.len())
                .filter(|&at| self.agenda.works[at].contract == contract && !self.agenda.paid(at).deficit.is_zero())
                .collect();
            if claims.is_empty() {
                continue;
            }
            let amount = claims.iter().map(|&at| self.agenda.paid(at).deficit).sum();
            let mut charges = self.charges(amount, contract, &self.losers()).into_iter();
            let mut charge = charges.next();
            for at in claims {
                let position = self.agenda.works[at].position;
                let payee = Holder::Position(position);
                let mut paid = self.agenda.paid(at);
                while let Some((giver, left)) = charge.filter(|_| !paid.deficit.is_zero()) {
                    let part = left.min(paid.deficit);
                    self.prepare(giver, part, contract);
                    self.hand_over(giver, payee, part);
                    self.ledger.take_out(position, Party::Deficit, part, Why::Repayment);
                    paid.socialised += part;
                    paid.deficit -= part;
                    charge = if part == left { charges.next() } else { Some((giver, left - part)) };
                }
                let lacking = paid.deficit;
                if !lacking.is_zero() && place + 1 < self.rules.cash_layers.len() {
                    self.ledger.take_out(position, Party::Deficit, lacking, Why::Repayment);
                    paid.deficit = Cash::ZERO;
                    self.cover_from(place + 1, lacking, payee, contract, Some(at), &mut paid);
                }
                self.agenda.set_paid(at, paid);
            }
        }
    }

    /// Realises what a winner is to give, and has its trigger looked at again when the instant ends: it matters at the next
    /// mark, and once is enough, however many losses it bears.
    fn prepare(&mut self, giver: Giver, part: Cash, contract: ContractId) {
        if let Giver::Winner(id) = giver {
            self.realise_profit(id, part, contract);
            self.agenda.charged.push(id);
        }
    }

    fn hand_over(&mut self, giver: Giver, payee: Holder, part: Cash) {
        match (giver, payee) {
            (Giver::Winner(from), Holder::Position(to)) => self.ledger.give(from, to, part, Why::Shortfall),
            (Giver::Winner(from), Holder::House(party)) => self.ledger.take_out(from, party, part, Why::Shortfall),
            (Giver::Wallet(account), payee) => self.ledger.give_free(account, payee, part, Why::Shortfall),
        }
        if let Giver::Winner(from) = giver {
            let position = self.ledger.position(from);
            if position.mode == MarginMode::Cross {
                // What the position itself does not hold lies in its account's other positions.
                self.settle_wallet(from, position.contract, &mut Paid::default());
            }
        }
    }

    /// Whether the wallet of an account backs positions, so that it is not free.
    fn is_margin(&self, account: u32) -> bool {
        !self.ledger.register().holdings.cross.is_empty()
            && (self.ledger.legs(account).next().is_some()
                || self.agenda.works.iter().any(|work| work.account == account))
    }

    /// Open positions of a contract without an unfinished order, of other accounts than the losers', that can pay anything.
    fn shares(
        &self,
        contract: ContractId,
        losers: &[u32],
        share: impl Fn(Cash, Cash, Qty) -> (Cash, i64),
    ) -> Vec<Share> {
        let rules = &self.rules.contracts[usize::from(contract)];
        let mark = self.marks[usize::from(contract)];
        let register = self.ledger.register();
        let of_contract = (0u32..).zip(&register.holdings.contract).filter(|(_, of)| **of == contract);
        // Positions of one cross account have its equity once.
        let mut asked = (u32::MAX, Cash::ZERO);
        of_contract
            .filter_map(|(id, _)| {
                let position = self.ledger.position(id);
                let waits = matches!(position.state, State::Closed | State::Queued);
                if waits || losers.binary_search(&position.account).is_ok() {
                    return None;
                }
                let backing = self.ledger.backing(&position, &self.marks);
                let (equity, _) = register::at_mark(rules, position.qty, position.cost, backing, mark);
                let is_cross = position.mode == MarginMode::Cross;
                let left = if is_cross && asked.0 == position.account { equity - asked.1 } else { equity };
                let (most, part) = share(left, self.ledger.unrealised(&position, &self.marks), position.qty.abs());
                if is_cross {
                    asked = (position.account, equity - left + most.positive_part());
                }
                (most.0 > 0 && part > 0).then_some(Share { giver: Giver::Winner(id), most, part })
            })
            .collect()
    }

    /// Realises at least so much of a position's profit, where it has that much, by closing and opening the fewest lots at
    /// the mark; a position in loss has it in its collateral.
    fn realise_profit(&mut self, id: u32, amount: Cash, contract: ContractId) {
        let Position { qty, cost, owed, .. } = self.ledger.position(id);
        let k = self.ledger.multiplier(contract);
        let mark = self.marks[usize::from(contract)];
        let signed = |lots: i64| Qty(if qty.0 > 0 { lots } else { -lots });
        let all = qty.0.abs();
        let profit = |lots: i64| {
            let released = |amount: Cash| div_ceil(i128::from(amount.0) * i128::from(lots), i128::from(all));
            i128::from(k.value(signed(lots), mark).0) - released(cost) - released(owed)
        };
        let wanted = i128::from(amount.0).min(profit(all));
        if wanted <= 0 {
            return;
        }
        // Fewer lots than these have too little profit even before rounding. Cost and funding are rounded apart, so that a lot
        // more can bring a unit less; where the fewest are not near, any that are enough do.
        let first = narrow(div_ceil(wanted * i128::from(all), profit(all)));
        let near = (first..=all.min(first + 64)).find(|&lots| profit(lots) >= wanted);
        let enough = near.unwrap_or_else(|| last_that_holds(all, first, |lots| profit(lots) >= wanted));
        let (lots, cash) = (signed(enough), k.value(signed(enough), mark));
        self.ledger.trade(id, -lots, -cash, None, Via::Socialised);
        self.ledger.trade(id, lots, cash, None, Via::Socialised);
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
