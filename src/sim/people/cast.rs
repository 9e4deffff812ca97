//! Who takes part in what, and at which level: drawn once for all lanes of a path.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calls::{Call, Calls, NOT_DRAWN};
use super::{Role, Troupe};
use crate::facts::Side;
use crate::market::distribution::Distribution;
use crate::rng::open_unit;
use crate::traders::behaviour::{self, Address};
use crate::venue::register::Register;

/// Accounts are drawn in blocks, so that no buffer grows with a group.
const BLOCK: u32 = 256;

/// The calls of every signal at the opening.
#[derive(Debug, Default)]
pub(in crate::sim) struct Cast {
    lists: Vec<Calls>,
    /// Of each list those whose calls are not worth entering before its signal comes near.
    later: Vec<Vec<Later>>,
    /// Levels of those that act by them, in the order in which they were entered.
    levels: Vec<f64>,
    /// Room to find the largest accounts in.
    largest: Largest,
    /// Whether the lists are those of all paths.
    settled: bool,
}

/// Positions by notional, the least and of two alike the last on top.
type Largest = BinaryHeap<(Reverse<i64>, u32)>;

/// An account whose call is entered later, and the word that its level is drawn from.
#[derive(Clone, Copy, Debug)]
struct Later {
    word: u64,
    position: u32,
    role: u32,
}

fn is_constant(distribution: &dyn Distribution) -> bool {
    let (low, high) = distribution.support();
    low >= high
}

impl Cast {
    /// Draws a path. Accounts that are the same on every path behave the same on every path.
    pub fn draw(&mut self, troupe: &Troupe<'_>, path: u64, register: &Register) {
        if troupe.is_empty() || (troupe.is_fixed() && self.settled) {
            return;
        }
        self.lists.resize_with(troupe.signals.len(), Calls::default);
        self.lists.iter_mut().for_each(Calls::clear);
        self.later.resize_with(troupe.signals.len(), Vec::new);
        self.later.iter_mut().for_each(Vec::clear);
        self.levels.clear();
        for (number, role) in (0u32..).zip(&troupe.roles) {
            if role.is_watched() {
                self.draw_role(troupe, number, role, path, register);
            }
        }
        self.settled = true;
    }

    fn draw_role(&mut self, troupe: &Troupe<'_>, number: u32, role: &Role<'_>, path: u64, register: &Register) {
        let address = troupe.attributes(role, path);
        if let behaviour::Cast::Largest(most) = role.behaviour.cast() {
            let mut kept = std::mem::take(&mut self.largest);
            largest(role, most, register, &mut kept);
            for (_, id) in kept.drain() {
                let level = level(role, &address, id);
                self.enter(troupe, number, role, level, id, register);
            }
            self.largest = kept;
            return;
        }
        let (Some(takes_part), Some(latest)) = (role.takes_part, role.latest) else { return };
        let distribution = role.behaviour.level();
        let constant = is_constant(distribution).then(|| distribution.support().0);
        let mut takers = (takes_part < u64::MAX).then(|| address.takers());
        let mut levels = constant.is_none().then(|| address.levels());
        // Words of what is not drawn are all 0, which takes part.
        let (mut takes, mut words) = ([0u64; BLOCK as usize], [0u64; BLOCK as usize]);
        let mut first = role.first;
        while first < role.end {
            let len = (role.end - first).min(BLOCK);
            if let Some(stream) = &mut takers {
                stream.fill(&mut takes[..len as usize]);
            }
            if let Some(stream) = &mut levels {
                stream.fill(&mut words[..len as usize]);
            }
            for (id, (&take, &word)) in (first..first + len).zip(takes.iter().zip(&words)) {
                if take > takes_part || word > latest {
                    continue;
                }
                if Some(word) > role.soon {
                    let side = Side::of(register.holdings.qty[id as usize]);
                    if let Some(list) = role.list(register.holdings.contract[id as usize], side) {
                        self.later[list].push(Later { word, position: id, role: number });
                    }
                    continue;
                }
                let level = constant.unwrap_or_else(|| distribution.quantile(open_unit(word)));
                self.enter(troupe, number, role, level, id, register);
            }
            first += len;
        }
    }

    fn enter(
        &mut self,
        troupe: &Troupe<'_>,
        number: u32,
        role: &Role<'_>,
        level: f64,
        position: u32,
        register: &Register,
    ) {
        if let Some((list, key)) = troupe.waits_first(role, level, position, register) {
            let drawn = if role.acts_by_level() {
                self.levels.push(level);
                u32::try_from(self.levels.len() - 1).expect("fewer than 2³² accounts wait")
            } else {
                NOT_DRAWN
            };
            self.lists[list].push(Call { key, position, role: number, drawn });
        }
    }

    /// The level that was drawn for a call of a list, where its role acts by it.
    pub fn level(&self, call: Call) -> Option<f64> {
        self.levels.get(call.drawn as usize).copied()
    }

    /// A key that no call of a list at or after a cursor lies below.
    pub fn bound(&self, troupe: &Troupe<'_>, list: usize, cursor: usize) -> i64 {
        let later = self.later.get(list).is_some_and(|later| !later.is_empty());
        let soon = if later { troupe.signals[list].soon } else { i64::MAX };
        self.lists.get(list).map_or(i64::MAX, |calls| calls.bound(cursor)).min(soon)
    }

    /// The call of a list at a cursor, where the signal has reached it.
    pub fn reached(&mut self, troupe: &Troupe<'_>, list: usize, cursor: usize, signal: i64) -> Option<Call> {
        let calls = self.lists.get_mut(list)?;
        if signal >= troupe.signals[list].soon {
            for Later { word, position, role } in self.later[list].drain(..) {
                let of = &troupe.roles[role as usize];
                let key = troupe.key_of_level(of.cue, of.behaviour.level().quantile(open_unit(word)));
                if let Some(key) = key {
                    calls.push(Call { key, position, role, drawn: NOT_DRAWN });
                }
            }
        }
        calls.reached(cursor, signal)
    }
}

/// The largest positions of a group by notional at their entry, ties to the first.
fn largest(role: &Role<'_>, most: u32, register: &Register, kept: &mut Largest) {
    let cost = &register.holdings.cost;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // The least of those kept stands on top: nearly every account is compared with it and left.
    kept.clear();
    for id in role.first..role.end {
        let entry = (Reverse(cost[id as usize].0.abs()), id);
        if kept.len() < most {
            kept.push(entry);
        } else if let Some(mut least) = kept.peek_mut()
            && entry < *least
        {
            *least = entry;
        }
    }
}

/// The level of one account, as the columns have it.
fn level(role: &Role<'_>, address: &Address, position: u32) -> f64 {
    let distribution = role.behaviour.level();
    if is_constant(distribution) {
        return distribution.support().0;
    }
    distribution.quantile(Address::of(address.levels(), position - role.first))
}

/// Who of those that wait for what befalls them takes part: drawn at once for all accounts, since any may be hit.
#[derive(Debug, Default)]
pub(in crate::sim) struct Listeners {
    /// Of each role a bit for each of its positions; nothing for roles that watch a signal.
    bits: Vec<Vec<u64>>,
    /// Room to find the largest accounts in.
    largest: Largest,
    settled: bool,
}

impl Listeners {
    /// Draws a path.
    pub fn draw(&mut self, troupe: &Troupe<'_>, path: u64, register: &Register) {
        if !troupe.listens() || (troupe.is_fixed() && self.settled) {
            return;
        }
        self.bits.resize_with(troupe.roles.len(), Vec::new);
        for (bits, role) in self.bits.iter_mut().zip(&troupe.roles) {
            bits.clear();
            if role.is_watched() {
                continue;
            }
            let count = (role.end - role.first) as usize;
            bits.resize(count.div_ceil(64), 0);
            match (role.behaviour.cast(), role.takes_part) {
                (behaviour::Cast::Share(_), None) => {}
                (behaviour::Cast::Share(_), Some(u64::MAX)) => bits.fill(u64::MAX),
                (behaviour::Cast::Share(_), Some(last)) => {
                    let mut takers = troupe.attributes(role, path).takers();
                    let mut words = [0; 64];
                    for bits in bits {
                        // The last bits may stand for nobody: nobody asks for them.
                        takers.fill(&mut words);
                        *bits = (0..).zip(&words).fold(0, |bits, (at, &word)| bits | (u64::from(word <= last) << at));
                    }
                }
                (behaviour::Cast::Largest(most), _) => {
                    largest(role, most, register, &mut self.largest);
                    for (_, id) in self.largest.drain() {
                        let at = (id - role.first) as usize;
                        bits[at / 64] |= 1 << (at % 64);
                    }
                }
            }
        }
        self.settled = true;
    }

    /// Whether a position that a role covers takes part in it.
    pub fn holds(&self, number: u32, role: &Role<'_>, position: u32) -> bool {
        let at = (position - role.first) as usize;
        (self.bits[number as usize][at / 64] >> (at % 64)) & 1 == 1
    }
}
