//! The engine's inventory: tickets of lots taken over at their bankruptcy ticks, oldest first.

use super::rules::ContractRules;
use crate::facts::ContractId;
use crate::money::{Cash, Multiplier, Price, Qty};

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
    /// Lots and cost of all tickets, so that a valuation does not walk them.
    lots: Qty,
    cost: Cash,
}

#[derive(Clone, Debug)]
pub(super) struct Engine {
    contracts: Vec<Inventory>,
    multipliers: Vec<Multiplier>,
    open: usize,
}

impl Engine {
    pub fn new(contracts: &[ContractRules]) -> Self {
        Self {
            contracts: vec![Inventory::default(); contracts.len()],
            multipliers: contracts.iter().map(|rules| rules.multiplier).collect(),
            open: 0,
        }
    }

    pub fn reset(&mut self) {
        self.open = 0;
        for inventory in &mut self.contracts {
            inventory.tickets.clear();
            (inventory.lots, inventory.cost) = (Qty::ZERO, Cash::ZERO);
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

    /// Net lots of one contract.
    pub fn net_lots(&self, contract: ContractId) -> Qty {
        self.contracts[usize::from(contract)].lots
    }

    pub fn take(&mut self, contract: ContractId, ticket: Ticket) {
        let inventory = &mut self.contracts[usize::from(contract)];
        inventory.tickets.push(ticket);
        inventory.add(ticket.qty, self.multipliers[usize::from(contract)].value(ticket.qty, ticket.bankruptcy));
        self.open += 1;
    }

    /// Removes signed lots from a ticket; empty tickets stay in place until [`sweep`](Self::sweep).
    pub fn close(&mut self, contract: ContractId, at: usize, qty: Qty) {
        let inventory = &mut self.contracts[usize::from(contract)];
        let ticket = &mut inventory.tickets[at];
        ticket.qty -= qty;
        let bankruptcy = ticket.bankruptcy;
        inventory.add(-qty, self.multipliers[usize::from(contract)].value(-qty, bankruptcy));
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
    pub fn value_of(&self, contract: ContractId, mark: Price) -> Cash {
        let c = usize::from(contract);
        self.multipliers[c].value(self.contracts[c].lots, mark) - self.contracts[c].cost
    }

    pub fn mark_to_market(&self, marks: &[Price]) -> Cash {
        let values = self.contracts.iter().zip(marks).zip(&self.multipliers);
        values.map(|((inventory, &mark), k)| k.value(inventory.lots, mark) - inventory.cost).sum()
    }
}

impl Inventory {
    fn add(&mut self, qty: Qty, cost: Cash) {
        self.lots += qty;
        self.cost += cost;
    }
}
