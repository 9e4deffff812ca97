//! Forced orders: what they opened with, where their lots went, who paid.

use super::{Audit, at, less};
use crate::facts::{AccountId, ContractId, Disposal, OrderId, Party};
use crate::money::{Cash, Price, Qty};

/// A forced order as the audit follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) contract: ContractId,
    pub(super) account: AccountId,
    /// Signed lots that have not yet left the loser.
    pub(super) left: i64,
    pub(super) bankruptcy: i64,
    pub(super) mark: i64,
    pub(super) to_book: i64,
    pub(super) to_engine: i64,
    pub(super) to_adl: i64,
    pub(super) to_backstop: i64,
    pub(super) open: bool,
    /// Another open order of the same account, as in `Audit::orders_of`.
    pub(super) next: u32,
}

impl Audit {
    pub(super) fn order_opened(
        &mut self,
        id: OrderId,
        contract: ContractId,
        account: AccountId,
        qty: Qty,
        bankruptcy: Price,
        surplus: Cash,
        mark: Price,
    ) -> Result<(), String> {
        if id as usize != self.orders.len() {
            return Err(format!("order {id} opened where order {} comes next", self.orders.len()));
        }
        let (Qty(held), _) = self.position(Party::Trader(account), contract);
        if qty.0 == 0 || i128::from(qty.0) * i128::from(held) < 0 || qty.0.abs() > held.abs() {
            return Err(format!("order {id} is to close {} lots of account {account}, which holds {held}", qty.0));
        }
        if surplus.0 < 0 {
            return Err(format!("order {id} of account {account} opens with a negative surplus of {}", surplus.0));
        }
        // A contract that stood still from the opening on has not told its mark yet.
        let now = *self.contracts[usize::from(contract)].mark.get_or_insert(mark.0);
        if now != mark.0 {
            return Err(format!("order {id} opened at mark {}, but the mark is {now}", mark.0));
        }
        let head = at(&mut self.orders_of, account as usize);
        self.orders.push(Order {
            contract,
            account,
            left: qty.0,
            bankruptcy: bankruptcy.0,
            mark: mark.0,
            to_book: 0,
            to_engine: 0,
            to_adl: 0,
            to_backstop: 0,
            open: true,
            next: *head,
        });
        *head = id + 1;
        self.open_orders += 1;
        Ok(())
    }

    pub(super) fn order_closed(
        &mut self,
        id: OrderId,
        contract: ContractId,
        account: AccountId,
        disposal: &Disposal,
    ) -> Result<(), String> {
        let Some(order) = self.orders.get(id as usize).copied().filter(|order| order.open) else {
            return Err(format!("order {id} closed, but is not open"));
        };
        if (order.contract, order.account) != (contract, account) {
            return Err(format!("order {id} of account {} closed as one of account {account}", order.account));
        }
        if order.left != 0 {
            return Err(format!("order {id} closed with {} lots left", order.left));
        }
        for (what, declared, traded) in [
            ("the book", disposal.to_book.0, order.to_book),
            ("the engine", disposal.to_engine.0, order.to_engine),
            ("the backstop", disposal.to_backstop.0, order.to_backstop),
            ("ADL", disposal.to_adl.0, order.to_adl),
        ] {
            if declared != traded {
                return Err(format!(
                    "order {id} says that {declared} of notional went to {what}; its legs say {traded}"
                ));
            }
        }
        self.orders[id as usize].open = false;
        self.open_orders -= 1;
        self.unlink(id, account);
        let owed = at(&mut self.owed, account as usize);
        *owed = less(*owed, disposal.paid);
        self.settling.push(account);
        Ok(())
    }

    /// Takes an order out of the chain of its account's open orders.
    fn unlink(&mut self, id: OrderId, account: AccountId) {
        let next = self.orders[id as usize].next;
        let head = &mut self.orders_of[account as usize];
        if *head == id + 1 {
            *head = next;
            return;
        }
        let mut at = *head;
        while at != 0 {
            let order = &mut self.orders[at as usize - 1];
            if order.next == id + 1 {
                order.next = next;
                return;
            }
            at = order.next;
        }
    }
}
