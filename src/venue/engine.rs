//! The engine's inventory: tickets of lots taken over at their bankruptcy ticks, oldest first.

use super::rules::ContractRules;
use crate::facts::ContractId;
use crate::money::{Cash, Price, Qty, narrow};

/// Lots taken over from one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Signed lots left.
    pub qty: Qty,
    pub bankruptcy: Price,
}

#[derive(Clone, Debug, Default)]
struct Inventory {
    tickets: Vec<Ticket>,
    /// Σ lots and Σ lots·tick, so that a valuation does not walk the tickets.
    lots: i128,
    lots_ticks: i128,
}

#[derive(Clone, Debug)]
pub(super) struct Engine {
    contracts: Vec<Inventory>,
    open: usize,
}

impl Engine {
    pub fn new(contracts: usize) -> Self {
        Self { contracts: vec![Inventory::default(); contracts], open: 0 }
    }

    pub fn reset(&mut self) {
        self.open = 0;
        for inventory in &mut self.contracts {
            inventory.tickets.clear();
            (inventory.lots, inventory.lots_ticks) = (0, 0);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    pub fn count(&self, contract: ContractId) -> usize {
        self.contracts[usize::from(contract)].tickets.len()
    }

    pub fn ticket(&self, contract: ContractId, at: usize) -> Ticket {
        self.contracts[usize::from(contract)].tickets[at]
    }

    pub fn tickets(&self, contract: ContractId) -> impl Iterator<Item = (Qty, Price)> {
        self.contracts[usize::from(contract)].tickets.iter().map(|ticket| (ticket.qty, ticket.bankruptcy))
    }

    pub fn take(&mut self, contract: ContractId, ticket: Ticket) {
        let inventory = &mut self.contracts[usize::from(contract)];
        inventory.tickets.push(ticket);
        inventory.add(ticket.qty, ticket.bankruptcy);
        self.open += 1;
    }

    /// Removes signed lots from a ticket; empty tickets stay in place until [`sweep`](Self::sweep).
    pub fn close(&mut self, contract: ContractId, at: usize, qty: Qty) {
        let inventory = &mut self.contracts[usize::from(contract)];
        let ticket = &mut inventory.tickets[at];
        ticket.qty -= qty;
        let bankruptcy = ticket.bankruptcy;
        inventory.add(-qty, bankruptcy);
    }

    /// Drops empty tickets.
    pub fn sweep(&mut self) {
        self.open = 0;
        for inventory in &mut self.contracts {
            inventory.tickets.retain(|ticket| !ticket.qty.is_zero());
            self.open += inventory.tickets.len();
        }
    }

    /// Mark-to-market of the tickets of one contract.
    pub fn value_of(&self, contract: ContractId, mark: Price, rules: &ContractRules) -> Cash {
        let inventory = &self.contracts[usize::from(contract)];
        let ticks = inventory.lots * i128::from(mark.0) - inventory.lots_ticks;
        Cash(narrow(ticks * i128::from(rules.multiplier.0)))
    }

    /// Net lots of one contract.
    pub fn net_lots(&self, contract: ContractId) -> i128 {
        self.contracts[usize::from(contract)].lots
    }

    pub fn mark_to_market(&self, marks: &[Price], rules: &[ContractRules]) -> Cash {
        let mut total = 0i128;
        for ((inventory, mark), rules) in self.contracts.iter().zip(marks).zip(rules) {
            total += (inventory.lots * i128::from(mark.0) - inventory.lots_ticks) * i128::from(rules.multiplier.0);
        }
        Cash(narrow(total))
    }
}

impl Inventory {
    fn add(&mut self, qty: Qty, tick: Price) {
        self.lots += i128::from(qty.0);
        self.lots_ticks += i128::from(qty.0) * i128::from(tick.0);
    }
}
