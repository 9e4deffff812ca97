//! Cash: what is posted between parties, what funding makes due, and which layer paid for whom.

use super::{Audit, at, is_layer, less, plus};
use crate::facts::{ContractId, Paid, Party, Why};
use crate::money::Cash;

impl Audit {
    /// Funding falls due on everything but the engine's tickets, whose funding is posted.
    pub(super) fn funded(&mut self, contract: ContractId, per_lot: i64) {
        self.touch(contract);
        let of = &mut self.contracts[usize::from(contract)];
        of.funding += per_lot;
        // The funding of maker and vaults is part of their cost at once.
        of.maker.cost += of.maker.qty * per_lot;
        for (_, held) in self.backstop_positions.iter_mut().filter(|((_, at), _)| *at == contract) {
            held.cost += held.qty * per_lot;
        }
        let owed = i128::from(of.lots - of.engine.qty) * i128::from(per_lot);
        of.cost += owed;
        of.unrealised.iter_mut().for_each(|sum| *sum -= owed);
    }

    /// A trader collects funding; the engine's is known from its postings alone.
    pub(super) fn funding_paid(&mut self, from: Party, to: Party, amount: i64) -> Result<(), String> {
        let (Party::Clearing(contract), Party::Trader(account)) = (from, to) else { return Ok(()) };
        self.touch(contract);
        let of = &mut self.contracts[usize::from(contract)];
        let position = at(&mut of.traders, account as usize);
        position.accrue(of.funding);
        if amount > -position.owed {
            return Err(format!("account {account} collects funding of {amount}, {} is due to it", -position.owed));
        }
        position.owed += amount;
        of.cost += i128::from(amount);
        of.unrealised.iter_mut().for_each(|sum| *sum -= i128::from(amount));
        Ok(())
    }

    /// Unrealised profit of a cross position pays its account.
    pub(super) fn settled(&mut self, from: Party, to: Party, amount: i64) -> Result<(), String> {
        let (Party::Clearing(contract), Party::Trader(account)) = (from, to) else {
            return Err(format!("profit settled between {from:?} and {to:?}"));
        };
        self.touch(contract);
        let of = &mut self.contracts[usize::from(contract)];
        let position = at(&mut of.traders, account as usize);
        position.cost += amount;
        of.cost += i128::from(amount);
        of.unrealised.iter_mut().for_each(|sum| *sum -= i128::from(amount));
        let left = of.mark.map_or(0, |mark| of.trader(account).unrealised(of.lot_value(mark)));
        if left < 0 {
            return Err(format!("account {account} settles {amount} of profit and is left with {left}"));
        }
        Ok(())
    }

    pub(super) fn add_cash(&mut self, party: Party, amount: i64) {
        if party != Party::World {
            self.held += i128::from(amount);
        }
        match party {
            Party::Trader(i) => {
                *at(&mut self.traders, i as usize) += amount;
                self.touched_traders.push(i);
            }
            Party::Maker => self.maker += amount,
            Party::Engine => self.engine += amount,
            Party::Backstop(j) => *at(&mut self.backstops, usize::from(j)) += amount,
            Party::Fund => self.fund += amount,
            Party::Fees => self.fees += amount,
            Party::Venue => self.venue += amount,
            Party::Clearing(c) => {
                self.contracts[usize::from(c)].clearing += amount;
                self.touch(c);
            }
            Party::Rounding => self.rounding += amount,
            Party::Deficit => self.deficit += amount,
            Party::World => self.world += amount,
        }
    }

    pub(super) fn posted(&mut self, from: Party, to: Party, amount: i64, why: Why) -> Result<(), String> {
        if amount < 0 {
            return Err(format!("a posting of {amount} from {from:?} to {to:?}: amounts are never negative"));
        }
        self.add_cash(from, -amount);
        self.add_cash(to, amount);
        match (from, to) {
            (Party::World, _) => self.deposits += amount,
            (Party::Trader(account), Party::World) => {
                self.withdrawals += amount;
                self.own.withdrew(account, amount);
            }
            (_, Party::World) => self.withdrawals += amount,
            (Party::Fund, _) if amount > 0 && self.fund < self.fund_floor => {
                return Err(format!(
                    "a payout of {amount} ({why:?}) takes the fund to {}, below its floor of {}",
                    self.fund, self.fund_floor
                ));
            }
            _ => {}
        }
        match why {
            Why::Realised => {
                let (party, contract, amount) = match (from, to) {
                    (Party::Clearing(c), party) => (party, c, amount),
                    (party, Party::Clearing(c)) => (party, c, -amount),
                    _ => {
                        return Err(format!(
                            "profit realised between {from:?} and {to:?}, neither of them a clearing account"
                        ));
                    }
                };
                if amount != 0 {
                    self.postings.push((party, contract, self.postings.len(), amount));
                }
            }
            Why::Inventory if is_layer(from) => self.layer_paid(from, to, Cash(amount))?,
            // From a layer, or from a trader: a winner's profit that is socialised.
            Why::Shortfall => self.layer_paid(from, to, Cash(amount))?,
            Why::Repayment => self.layer_paid(to, from, Cash(-amount))?,
            Why::Settled => self.settled(from, to, amount)?,
            Why::Funding => self.funding_paid(from, to, amount)?,
            _ => {}
        }
        Ok(())
    }

    /// A cash layer paid for a trader or the engine, or was repaid (a negative amount).
    pub(super) fn layer_paid(&mut self, layer: Party, of: Party, amount: Cash) -> Result<(), String> {
        let paid = match layer {
            Party::Fund => Paid { fund: amount, ..Paid::default() },
            Party::Venue => Paid { venue: amount, ..Paid::default() },
            Party::Backstop(_) => Paid { backstop: amount, ..Paid::default() },
            Party::Trader(_) => Paid { socialised: amount, ..Paid::default() },
            Party::Deficit => Paid { deficit: amount, ..Paid::default() },
            _ => return Err(format!("{layer:?} paid a shortfall or was repaid one: it is no cash layer")),
        };
        self.paid = plus(self.paid, paid);
        match of {
            Party::Trader(i) => {
                let owed = at(&mut self.owed, i as usize);
                *owed = plus(*owed, paid);
                self.settling.push(i);
            }
            Party::Engine => self.engine_owed = plus(self.engine_owed, paid),
            // What a layer gives a backstop, the backstop does not bear.
            Party::Backstop(_) => {
                let spared = Paid { backstop: amount, ..Paid::default() };
                self.paid = less(self.paid, spared);
                self.backstops_owed = less(plus(self.backstops_owed, paid), spared);
            }
            _ => return Err(format!("a shortfall of {of:?}: only traders, the engine and backstops have one")),
        }
        Ok(())
    }
}
