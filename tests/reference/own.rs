//! What accounts do of their own accord: orders, payments into a position, withdrawals from one.

use super::desk::Desk;
use super::margin::{d, rate};
use super::model::{Answer, D, Deed, Model, Outcome, Request, State, Told, sign, whole};
use super::world::Action;

impl Model<'_> {
    /// Carries out what an account does, as far as it may. While any position of it waits for its forced order it
    /// may do nothing.
    pub fn act(&mut self, at: usize, action: Action, desk: &mut Desk<'_>) -> Outcome {
        let position = &self.positions[at];
        if self.positions.iter().any(|other| other.account == position.account && other.state == State::Busy) {
            return Ok(());
        }
        let (account, is_open, cross) = (position.account, !position.qty.is_zero(), position.cross);
        match action {
            Action::TopUp { amount } if is_open && !cross => {
                let moved = d(amount).min(self.wallets[account]).max(D::ZERO);
                self.wallets[account] -= moved;
                self.positions[at].collateral += moved;
                self.tell_moved(at, Deed::ToppedUp, moved);
                Ok(())
            }
            Action::Withdraw { amount, keep } if is_open => {
                // Equity at the mark stays at a share of maintenance, and unrealised profit cannot be withdrawn.
                let maintenance = self.maintenance(at).ceil();
                let most = self.equity_at_mark(at) - (maintenance * rate(keep)).ceil();
                let taken = d(amount).min(most).min(*self.purse(at)).max(D::ZERO);
                *self.purse(at) -= taken;
                self.tell_moved(at, Deed::Withdrew, taken);
                Ok(())
            }
            Action::Order { .. } if self.stands_still(self.positions[at].contract) => Ok(()),
            Action::Order { lots, limit, margin } => self.send(at, d(lots), d(limit), d(margin), desk),
            Action::TopUp { .. } | Action::Withdraw { .. } => Ok(()),
        }
    }

    fn tell_moved(&mut self, at: usize, deed: Deed, amount: D) {
        if !amount.is_zero() {
            self.told.push(Told::Acted { position: self.name(at), deed, lots: 0, amount: whole(amount) });
        }
    }

    fn send(&mut self, at: usize, wanted: D, limit: D, margin: D, desk: &mut Desk<'_>) -> Outcome {
        let (account, contract) = self.name(at);
        let (qty, cross) = (self.positions[at].qty, self.positions[at].cross);
        let of = self.contract(contract);
        let buys = wanted > D::ZERO;
        let closes = !qty.is_zero() && (qty > D::ZERO) != buys;
        let mut request = Request {
            contract,
            long: !buys,
            lots: 0,
            limit: Some(whole(limit)),
            bankruptcy: 0,
            surplus: 0,
            budget: None,
        };
        let mut margin = margin;
        if closes {
            // No worse than what the account itself bears, and a part no worse than what is posted.
            let stake = self.backing(at) - self.positions[at].cost;
            let bankruptcy = of.bankruptcy(qty, stake);
            let surplus = (stake + of.value(qty, bankruptcy)).min(*self.purse(at)).max(D::ZERO);
            request.lots = whole(wanted.abs().min(qty.abs()));
            (request.bankruptcy, request.surplus, request.budget) = (whole(bankruptcy), whole(surplus), Some(0));
        } else {
            // Nobody changes sides.
            if buys != (self.world.holdings[at].lots > 0) {
                return Ok(());
            }
            margin = if cross { D::ZERO } else { margin.min(self.wallets[account]).max(D::ZERO) };
            let mut lots = wanted.abs();
            while lots > D::ZERO && !self.may_open(at, sign(buys) * lots, limit, margin) {
                lots -= D::ONE;
            }
            request.lots = whole(lots);
        }
        if request.lots == 0 {
            return Ok(());
        }
        let Answer { lots, cash, .. } = desk.ask(self, &request)?;
        if lots == 0 {
            return Ok(());
        }
        let part = (margin.max(D::ZERO) * d(lots) / d(request.lots)).ceil();
        if !closes {
            self.wallets[account] -= part;
            *self.purse(at) += part;
        }
        let lots = sign(buys) * d(lots);
        let cash = of.cash(lots, d(cash));
        self.trade(at, lots, cash);
        self.trade_maker(contract, -lots, -cash);
        let amount = of.value(lots, self.marks[contract]).abs();
        let due = (rate(self.world.taker_fee) * amount).ceil();
        let fee = due.min(*self.purse(at)).min(self.equity_at_mark(at)).max(D::ZERO);
        *self.purse(at) -= fee;
        self.fees += fee;
        if cross {
            self.fill_wallet(account, contract);
        }
        let (lots, amount) = (whole(lots), whole(amount));
        self.told.push(Told::Acted { position: self.name(at), deed: Deed::Traded, lots, amount });
        if self.positions[at].qty.is_zero() {
            self.release(at);
            return Ok(());
        }
        if closes && !cross {
            // Collateral goes back as far as the account could still open what it holds.
            let notional = self.notional(at);
            let needed = (notional / of.leverage(notional)).ceil();
            let collateral = self.positions[at].collateral;
            let freed = part.min(collateral).min(self.equity_at_mark(at) - needed).max(D::ZERO);
            self.positions[at].collateral -= freed;
            self.wallets[account] += freed;
        }
        if qty.is_zero() {
            self.positions[at].partial_at = None;
        }
        Ok(())
    }

    /// Whether, with so many more lots from a price, equity at the mark is above maintenance and the position within the
    /// leverage of its tier.
    fn may_open(&self, at: usize, lots: D, limit: D, margin: D) -> bool {
        let contract = self.positions[at].contract;
        let (of, mark) = (self.contract(contract), self.marks[contract]);
        let fee = (rate(self.world.taker_fee) * of.value(lots, mark).abs()).ceil();
        let equity = self.equity_at_mark(at) + margin - fee + of.value(lots, mark) - of.value(lots, limit);
        let notional = of.value(self.positions[at].qty + lots, mark).abs();
        let others = self.maintenance(at) - self.own_maintenance(at);
        let others =
            if self.positions[at].cross && self.positions[at].qty.is_zero() { self.maintenance(at) } else { others };
        equity > of.maintenance(notional) + others && notional <= equity * of.leverage(notional)
    }
}
