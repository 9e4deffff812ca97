//! What changes of the behaviours during one path on one lane.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::calls::Call;
use super::cast::{Cast, level, takes_part};
use super::{Role, Troupe};
use crate::facts::{AccountId, ContractId, Deed, Fact, Party};
use crate::money::{Nanos, Price};
use crate::traders::behaviour::{Closing, Cue};
use crate::venue::register::Register;

/// An act that is due. The order of the derive is that in which accounts act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Due {
    pub at: Nanos,
    pub position: u32,
    pub role: u32,
}

/// What a role remembers of one position.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Memory {
    /// How often it has acted.
    pub acted: u32,
    /// How many decisions it has drawn.
    pub decisions: u32,
    /// Lots closed by force since it last acted.
    pub closed: i64,
    /// Its act is due.
    waiting: bool,
    takes_part: Option<bool>,
}

#[derive(Debug, Default)]
pub(in crate::sim) struct Play {
    cursors: Vec<usize>,
    rearmed: Vec<BinaryHeap<Reverse<Call>>>,
    due: BinaryHeap<Reverse<Due>>,
    /// By role and position: only those that something happened to.
    memories: BTreeMap<(u32, u32), Memory>,
    /// Traded prices at refreshes, back to the last one at or before the start of the window.
    windows: Vec<VecDeque<(Nanos, f64)>>,
    path: u64,
}

impl Play {
    /// Starts a path.
    pub fn begin(&mut self, troupe: &Troupe<'_>, path: u64) {
        self.path = path;
        self.cursors.clear();
        self.cursors.resize(troupe.signals.len(), 0);
        self.rearmed.resize_with(troupe.signals.len(), BinaryHeap::new);
        self.rearmed.iter_mut().for_each(BinaryHeap::clear);
        self.due.clear();
        self.memories.clear();
        self.windows.resize_with(troupe.windows.len(), VecDeque::new);
        self.windows.iter_mut().for_each(VecDeque::clear);
    }

    /// Takes note of the traded prices of a refresh.
    pub fn look(&mut self, troupe: &Troupe<'_>, now: Nanos, traded: impl Fn(ContractId) -> f64) {
        for (&(contract, window), prices) in troupe.windows.iter().zip(&mut self.windows) {
            prices.push_back((now, traded(contract)));
            let start = now - window;
            while prices.len() > 1 && prices[1].0 <= start {
                prices.pop_front();
            }
        }
    }

    /// Return of the traded price over a window; from the start of the path where that is shorter.
    pub fn windowed_return(&self, troupe: &Troupe<'_>, contract: ContractId, window: Nanos) -> f64 {
        let at = troupe.windows.iter().position(|known| *known == (contract, window));
        let prices = at.and_then(|at| self.windows.get(at));
        match prices.and_then(|prices| prices.front().zip(prices.back())) {
            Some((first, last)) => last.1 / first.1 - 1.0,
            None => 0.0,
        }
    }

    /// The next account whose call the signal of a list has reached.
    pub fn next_call(&mut self, cast: &mut Cast, list: usize, signal: i64) -> Option<Call> {
        if let Some(call) = cast.reached(list, self.cursors[list], signal) {
            self.cursors[list] += 1;
            return Some(call);
        }
        let again = self.rearmed[list].peek().is_some_and(|Reverse(call)| call.key <= signal);
        if again { self.rearmed[list].pop().map(|Reverse(call)| call) } else { None }
    }

    pub fn rearm(&mut self, list: usize, call: Call) {
        self.rearmed[list].push(Reverse(call));
    }

    pub fn memory(&mut self, role: u32, position: u32) -> &mut Memory {
        self.memories.entry((role, position)).or_default()
    }

    /// A uniform of the next decision of an account.
    pub fn draw(&mut self, troupe: &Troupe<'_>, role: u32, position: u32) -> f64 {
        let path = self.path;
        let memory = self.memory(role, position);
        let n = memory.decisions;
        memory.decisions += 1;
        let role = &troupe.roles[role as usize];
        troupe.decisions(role, path).decision(position - role.first, n)
    }

    /// An account was woken: its act is due after its reaction time, unless one is due already.
    pub fn wake(&mut self, troupe: &Troupe<'_>, now: Nanos, role: u32, position: u32) {
        if std::mem::replace(&mut self.memory(role, position).waiting, true) {
            return;
        }
        let delay = troupe.roles[role as usize].behaviour.delay_s();
        let (low, high) = delay.support();
        let seconds = if low >= high { low } else { delay.quantile(self.draw(troupe, role, position)) };
        self.schedule(now, seconds, role, position);
    }

    /// An act is due so many seconds from now; never, where that is beyond what a clock can hold.
    pub fn schedule(&mut self, now: Nanos, seconds: f64, role: u32, position: u32) {
        let after = Price::nearest(seconds * 1e9).and_then(|nanos| now.0.checked_add(nanos.0));
        if let Some(at) = after {
            self.memory(role, position).waiting = true;
            self.due.push(Reverse(Due { at: Nanos(at), position, role }));
        }
    }

    /// The next act that is due.
    pub fn next_due(&mut self, now: Nanos) -> Option<Due> {
        if self.due.peek().is_none_or(|Reverse(due)| due.at > now) {
            return None;
        }
        let Reverse(due) = self.due.pop()?;
        self.memory(due.role, due.position).waiting = false;
        Some(due)
    }

    /// The level at which an account was first to be woken.
    pub fn level(&self, troupe: &Troupe<'_>, role: &Role<'_>, position: u32) -> f64 {
        level(role, &troupe.attributes(role, self.path), position)
    }

    /// Hears what befell accounts; returns what must be told beside it.
    pub fn hear(&mut self, troupe: &Troupe<'_>, now: Nanos, facts: &[Fact], register: &Register) -> Vec<Fact> {
        let mut told = Vec::new();
        for fact in facts {
            let (account, contract, qty, notional, closing) = match *fact {
                Fact::Traded { party: Party::Trader(account), contract, qty, order: Some(_), .. } => {
                    (account, contract, qty, None, Closing::Liquidation)
                }
                Fact::Deleveraged { account, contract, qty, notional, .. } => {
                    (account, contract, qty, Some(notional), Closing::Adl)
                }
                _ => continue,
            };
            let Some(position) = position_of(register, account, contract) else { continue };
            for (number, role) in (0u32..).zip(&troupe.roles) {
                let concerns = match role.cue {
                    Cue::Closed(after) => after == closing || after == Closing::Either,
                    Cue::HedgeBroken => closing == Closing::Adl,
                    _ => false,
                };
                if !concerns || !role.covers(position) || !self.takes_part(troupe, number, position, register) {
                    continue;
                }
                self.memory(number, position).closed += qty.0.abs();
                self.wake(troupe, now, number, position);
                if let (Cue::HedgeBroken, Some(amount)) = (role.cue, notional) {
                    let (by, deed, qty) = (role.behaviour.kind(), Deed::HedgeBroken, qty.abs());
                    told.push(Fact::Acted { contract, account, by, deed, qty, amount });
                }
            }
        }
        told
    }

    fn takes_part(&mut self, troupe: &Troupe<'_>, number: u32, position: u32, register: &Register) -> bool {
        let path = self.path;
        let memory = self.memory(number, position);
        *memory.takes_part.get_or_insert_with(|| {
            let role = &troupe.roles[number as usize];
            takes_part(role, &troupe.attributes(role, path), position, register)
        })
    }
}

/// The position of an account in a contract.
fn position_of(register: &Register, account: AccountId, contract: ContractId) -> Option<u32> {
    let holdings = &register.holdings;
    let first = holdings.account.partition_point(|&id| id < account);
    let found = (first..holdings.account.len())
        .take_while(|&at| holdings.account[at] == account)
        .find(|&at| holdings.contract[at] == contract)?;
    u32::try_from(found).ok()
}
