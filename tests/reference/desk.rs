//! Where venue and model meet: what the venue was asked, given and told, held against what the model wants and tells.

use std::collections::VecDeque;

use super::model::{Answer, Model, Outcome, Payers, Request, Snapshot, Told};
use super::world::{Contract, Holding, World};

/// What was seen of the venue when it asked for a fill, what it was offered before it, and what it took.
#[derive(Debug)]
pub struct Turn {
    pub request: Request,
    pub seen: Snapshot,
    pub told: Vec<Told>,
    pub offers: Vec<(Answer, bool)>,
    pub answer: Answer,
}

/// The model's side of the order book: hands out what the venue was given, and compares.
pub struct Desk<'a> {
    pub turns: VecDeque<Turn>,
    /// The first account that each ADL round took lots from: what a random policy drew.
    pub victims: VecDeque<Option<usize>>,
    pub counts: &'a mut Counts,
}

/// What a batch of worlds exercised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub commands: u64,
    pub refused: u64,
    pub orders: u64,
    /// Those on cross positions.
    pub cross: u64,
    pub fills: u64,
    pub rounds: u64,
    pub deleveraged: u64,
    pub takeovers: u64,
    pub tickets: u64,
    pub vault_takeovers: u64,
    pub vault_sales: u64,
    pub drawdowns: u64,
    pub exhausted: u64,
    /// Orders, tickets and vaults that other accounts paid for, that vaults paid for, and that nobody did.
    pub socialised: u64,
    pub borne_by_vaults: u64,
    pub unfunded: u64,
    pub funded: u64,
    /// Orders, payments and withdrawals of accounts' own.
    pub acted: u64,
    /// Marks that were not told, orders that met their band, changes of maintenance.
    pub halted: u64,
    pub banded: u64,
    pub scaled: u64,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        let Counts { commands, refused, orders, cross, fills, rounds, deleveraged, takeovers, tickets, .. } = other;
        self.commands += commands;
        self.refused += refused;
        self.orders += orders;
        self.cross += cross;
        self.fills += fills;
        self.rounds += rounds;
        self.deleveraged += deleveraged;
        self.takeovers += takeovers;
        self.tickets += tickets;
        self.vault_takeovers += other.vault_takeovers;
        self.vault_sales += other.vault_sales;
        self.drawdowns += other.drawdowns;
        self.exhausted += other.exhausted;
        self.socialised += other.socialised;
        self.borne_by_vaults += other.borne_by_vaults;
        self.unfunded += other.unfunded;
        self.funded += other.funded;
        self.acted += other.acted;
        self.halted += other.halted;
        self.banded += other.banded;
        self.scaled += other.scaled;
    }

    pub fn see(&mut self, world: &World, told: &[Told]) {
        for what in told {
            match *what {
                Told::Opened { position, .. } => {
                    self.orders += 1;
                    let is_cross = |h: &&Holding| (h.account, h.contract) == position && h.cross;
                    self.cross += u64::from(world.holdings.iter().any(|holding| is_cross(&holding)));
                }
                Told::Round { .. } => self.rounds += 1,
                Told::Deleveraged { .. } => self.deleveraged += 1,
                Told::TookOver { .. } => self.takeovers += 1,
                Told::TicketClosed { paid, .. } => {
                    self.tickets += 1;
                    self.see_paid(paid);
                }
                Told::VaultTook { .. } => self.vault_takeovers += 1,
                Told::VaultClosed { paid, .. } => {
                    self.vault_sales += 1;
                    self.see_paid(paid);
                }
                Told::Drawdown { .. } => self.drawdowns += 1,
                Told::Exhausted { .. } => self.exhausted += 1,
                Told::Closed { paid, .. } => self.see_paid(paid),
                Told::TicketsFunded { paid, .. } => {
                    self.funded += 1;
                    self.see_paid(paid);
                }
                Told::Acted { .. } => self.acted += 1,
                Told::Halted { .. } => self.banded += 1,
                Told::Scaled { .. } => self.scaled += 1,
                Told::Breached { .. } | Told::Dropped { .. } | Told::TakeoverRefused { .. } => {}
            }
        }
    }

    fn see_paid(&mut self, [_, _, vaults, others, deficit]: Payers) {
        self.borne_by_vaults += u64::from(vaults > 0);
        self.socialised += u64::from(others > 0);
        self.unfunded += u64::from(deficit > 0);
    }
}

pub fn agree<T: PartialEq + std::fmt::Debug>(what: &str, venue: &T, model: &T) -> Outcome {
    if venue == model { Ok(()) } else { Err(format!("{what}\n  venue {venue:?}\n  model {model:?}")) }
}

impl Desk<'_> {
    /// The fill of an order; the venue stood at the same place with the same order and the same holdings.
    pub fn ask(&mut self, model: &mut Model<'_>, request: &Request) -> Outcome<Answer> {
        let told = std::mem::take(&mut model.told);
        let Some(turn) = self.turns.pop_front() else {
            return Err(format!("the model wants a fill for {request:?} after {told:?}, the venue does not"));
        };
        agree("what is told before an order", &turn.told, &told)?;
        agree("order", &turn.request, request)?;
        agree("holdings at an order", &turn.seen, &model.snapshot())?;
        let contract = &model.world.contracts[request.contract];
        for (offer, taken) in &turn.offers {
            agree(&format!("whether {offer:?} is taken"), taken, &is_legal(contract, request, offer))?;
        }
        self.counts.fills += 1;
        Ok(turn.answer)
    }

    pub fn first_victim(&mut self) -> Option<usize> {
        self.victims.pop_front().flatten()
    }
}

/// S(x): what is missing if the fill stands and the rest closes at the bankruptcy tick.
pub fn shortfall(contract: &Contract, request: &Request, lots: i64, cash: i64) -> i64 {
    if request.bankruptcy == 0 {
        // Lots of an account's own that open: nobody stands in for them.
        return 0;
    }
    let at_bankruptcy = lots * contract.lot(request.bankruptcy);
    let missing = if is_paid(contract, request) { at_bankruptcy - cash } else { cash - at_bankruptcy };
    (missing - request.surplus).max(0)
}

/// Whether who closes is paid for it: a linear long, and an inverse short.
pub fn is_paid(contract: &Contract, request: &Request) -> bool {
    request.long != contract.inverse
}

/// Whether an answer is one that the order allows.
fn is_legal(contract: &Contract, request: &Request, answer: &Answer) -> bool {
    let Answer { lots, cash, uncut } = *answer;
    lots >= 0
        && cash >= 0
        && uncut >= 0
        && lots <= request.lots
        && request.budget.is_none_or(|budget| shortfall(contract, request, lots, cash) <= budget)
}
