//! Legs of trades, and the profit that each must realise.

use super::{Audit, Given, PROBES, at, plus};
use crate::facts::{AccountId, ContractId, OrderId, Paid, Party, Via};
use crate::money::{Cash, Multiplier, Price};

impl Audit {
    pub(super) fn traded(
        &mut self,
        party: Party,
        contract: ContractId,
        qty: i64,
        cash: i64,
        order: Option<OrderId>,
        via: Via,
        ticket: Option<Price>,
    ) -> Result<(), String> {
        self.touch(contract);
        let of = &mut self.contracts[usize::from(contract)];
        let at_ticket = ticket.map_or(0, |Price(tick)| i128::from(qty) * of.lot_value(tick.max(1)));
        let sense = if matches!(of.multiplier, Some(Multiplier::Inverse(_))) { -1 } else { 1 };
        if sense * i128::from(qty) * i128::from(cash) < 0 {
            return Err(format!("a leg of {party:?} has {qty} lots and cash {cash}: signs do not fit"));
        }
        let mut other;
        let position = match party {
            Party::Trader(i) => {
                let position = at(&mut of.traders, i as usize);
                position.accrue(of.funding);
                position
            }
            Party::Maker => &mut of.maker,
            Party::Engine => &mut of.engine,
            Party::Backstop(j) => {
                other = self.backstop_positions.get(&(j, contract)).copied().unwrap_or_default();
                &mut other
            }
            _ => return Err(format!("{party:?} traded {qty} lots: it never holds a position")),
        };
        let before = *position;
        let realised = match party {
            Party::Engine => {
                let Some(Price(tick)) = ticket else {
                    return Err(format!("the engine traded {qty} lots of no ticket"));
                };
                let of_ticket = i64::try_from(at_ticket).map_err(|_| "overflow in the audit".to_owned())?;
                if via == Via::Takeover {
                    if cash != of_ticket {
                        return Err(format!("the engine took {qty} lots at tick {tick} for {cash}, not {of_ticket}"));
                    }
                    *self.tickets.entry((contract, tick, qty > 0)).or_default() += qty.abs();
                    self.taken_over += qty.abs();
                } else {
                    let held = self.tickets.entry((contract, tick, qty < 0)).or_default();
                    if *held < qty.abs() {
                        return Err(format!(
                            "the engine closed {qty} lots of its tickets at tick {tick}, which hold {held}"
                        ));
                    }
                    *held -= qty.abs();
                }
                position.qty += qty;
                position.cost += of_ticket;
                let realised = of_ticket - cash;
                self.ticket_realised += realised;
                realised
            }
            // The maker's opening is netted in whatever order the venue chose. Its postings say what was realised;
            // that clearing and costs still sum to zero is checked as everywhere.
            Party::Maker if via == Via::Opening => {
                of.opening = true;
                position.qty += qty;
                position.cost += cash;
                0
            }
            _ => position.trade(qty, cash),
        };
        let after = *position;
        of.lots += after.qty - before.qty;
        of.cost += i128::from(after.basis()) - i128::from(before.basis());
        for (sum, price) in of.unrealised.iter_mut().zip(PROBES) {
            *sum += after.unrealised(price) - before.unrealised(price);
        }
        if let Party::Backstop(j) = party {
            self.backstop_positions.insert((j, contract), after);
            // A loss of a vault is a shortfall that it bears, unless a layer gives it something.
            let lost = Paid { backstop: Cash((-realised).max(0)), ..Paid::default() };
            (self.paid, self.backstops_owed) = (plus(self.paid, lost), plus(self.backstops_owed, lost));
            if via == Via::Backstop {
                self.backstops_took += qty.abs();
            }
        }
        if realised != 0 {
            self.legs.push((party, contract, self.legs.len(), realised));
        }
        match party {
            Party::Trader(account) => self.trader_traded(account, contract, qty, cash, before.qty, order, via),
            _ => Ok(()),
        }
    }

    fn trader_traded(
        &mut self,
        account: AccountId,
        contract: ContractId,
        qty: i64,
        cash: i64,
        held: i64,
        order: Option<OrderId>,
        via: Via,
    ) -> Result<(), String> {
        let forced = matches!(via, Via::Adl | Via::Takeover | Via::Backstop) || order.is_some();
        if forced && (i128::from(qty) * i128::from(held) > 0 || qty.abs() > held.abs()) {
            return Err(format!("account {account} was made to trade {qty} lots ({via:?}), but holds {held}"));
        }
        let loser = order.and_then(|id| self.orders.get_mut(id as usize)).filter(|order| order.account == account);
        let of = &self.contracts[usize::from(contract)];
        if let Some(order) = loser {
            if !order.open || order.contract != contract {
                return Err(format!(
                    "account {account} traded {qty} lots of contract {contract} by an order that is not open there"
                ));
            }
            order.left += qty;
            let notional = of.value(qty, order.mark).abs();
            match via {
                Via::Book => order.to_book += notional,
                Via::Takeover => order.to_engine += notional,
                Via::Adl => order.to_adl += notional,
                Via::Backstop => order.to_backstop += notional,
                Via::Opening | Via::Socialised => {
                    return Err(format!("account {account} opened {qty} lots by a forced order"));
                }
            }
        } else if via == Via::Adl {
            let Some(mark) = of.mark else {
                return Err(format!("contract {contract} was deleveraged before it had a mark"));
            };
            // A buyer pays `cash` for what is worth qty·mark·k, a seller (both negative) gets less than that.
            let haircut = cash - of.value(qty, mark);
            let (lots, notional) = (qty.abs(), of.value(qty, mark).abs());
            self.contracts[usize::from(contract)].deleveraged += lots;
            self.given.push(Given { contract, account, lots, notional, haircut });
        } else if via == Via::Book && order.is_none() {
            self.own.traded(account, contract, qty, of.mark.map_or(0, |mark| of.value(qty.abs(), mark)));
        } else if matches!(via, Via::Takeover | Via::Backstop) {
            return Err(format!("account {account} lost {qty} lots ({via:?}) without an order of its own"));
        }
        Ok(())
    }
}
