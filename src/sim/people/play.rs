//! What changes of the behaviours during one path on one lane.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::cast::{Cast, Listeners};
use super::{Signal, Troupe};
use crate::facts::{AccountId, ContractId, Deed, Fact, Party, Side};
use crate::money::{Nanos, Price};
use crate::rng::open_unit;
use crate::traders::behaviour::{Closing, Cue, Decisions};
use crate::venue::register::Register;

/// What is watched of a contract at a refresh, found once for all who watch it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct View {
    pub traded: f64,
    pub tick: Price,
    /// Return of the traded price since the opening, and in billionths what longs and shorts have lost by it.
    pub risen: f64,
    pub against: [i64; 2],
}

/// A role on a position, and where it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Actor {
    pub position: u32,
    pub role: u32,
    memory: u32,
}

/// An act that is due. The order of the derive is that in which accounts act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Due {
    pub at: Nanos,
    pub actor: Actor,
}

/// An account that waits again, by the value of the signal that wakes it. The order of the derive is the order of waking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Armed {
    key: i64,
    actor: Actor,
    /// How often it was armed before: an older call of it is void.
    before: u32,
    /// Whether it waits in another list too.
    paired: bool,
}

/// Accounts of one role that wait for the same value of a signal, the first of whom found no price within its limit: the
/// limit is that of all, so until the book has moved none of the others is asked.
#[derive(Debug)]
struct Crowd {
    list: usize,
    key: i64,
    role: u32,
    calls: BinaryHeap<Reverse<Armed>>,
    /// Nobody finds a price in this instant.
    shut: bool,
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
    /// The level at which it was first to be woken, of roles that act by it.
    pub level: f64,
    /// How often it was armed again.
    armed: u32,
    /// Its act is due.
    waiting: bool,
    /// Place of its sixteen decisions in turn.
    words: u32,
}

/// Memories by role and position, found in constant time and forgotten at once: a new path is a new stamp.
#[derive(Debug, Default)]
struct Memories {
    /// Of each role: where its positions begin, and the first of them.
    begins: Vec<(usize, u32)>,
    /// Stamp and place lie together, so that a look costs one line of cache.
    places: Vec<(u32, u32)>,
    stamp: u32,
    entries: Vec<Memory>,
}

impl Memories {
    fn begin(&mut self, troupe: &Troupe<'_>) {
        self.entries.clear();
        if self.begins.is_empty() || self.stamp == u32::MAX {
            self.begins.clear();
            let mut size = 0;
            for role in &troupe.roles {
                self.begins.push((size, role.first));
                size += (role.end - role.first) as usize;
            }
            self.places.clear();
            self.places.resize(size, (0, 0));
            self.stamp = 0;
        }
        self.stamp += 1;
    }

    fn actor(&mut self, role: u32, position: u32) -> Actor {
        let (begin, first) = self.begins[role as usize];
        let (stamp, place) = &mut self.places[begin + (position - first) as usize];
        if *stamp != self.stamp {
            let next = u32::try_from(self.entries.len()).expect("fewer than 2³² accounts act");
            (*stamp, *place) = (self.stamp, next);
            self.entries.push(Memory::default());
        }
        Actor { position, role, memory: *place }
    }
}

#[derive(Debug, Default)]
pub(in crate::sim) struct Play {
    cursors: Vec<usize>,
    /// Of each list a value of its signal below which nobody is woken.
    nearest: Vec<i64>,
    rearmed: Vec<BinaryHeap<Reverse<Armed>>>,
    /// Beside them, those who are asked one for all.
    crowds: Vec<Crowd>,
    /// The first act that is due, where it was found so as it was scheduled: it never enters the heap.
    first_due: Option<Due>,
    due: BinaryHeap<Reverse<Due>>,
    /// Of those that something happened to.
    memories: Memories,
    /// Calls armed in this instant, for the next one.
    later: Vec<(usize, Armed)>,
    /// Traded prices at refreshes, back to the last one at or before the start of the window.
    windows: Vec<VecDeque<(Nanos, f64)>>,
    /// Decisions of those that have drawn one, sixteen at a time as one block of the generator holds them.
    words: Vec<[u64; 16]>,
    /// Of each role the stream of its accounts' first sixteen.
    decisions: Vec<Option<Decisions>>,
    /// Contracts at the last refresh.
    views: Vec<View>,
    /// Of each signal that is a clock, its seconds.
    exposures: Vec<f64>,
    looked: Nanos,
    path: u64,
}

impl Play {
    /// Starts a path.
    pub fn begin(&mut self, troupe: &Troupe<'_>, path: u64) {
        self.path = path;
        self.cursors.clear();
        self.cursors.resize(troupe.signals.len(), 0);
        self.nearest.clear();
        self.nearest.resize(troupe.signals.len(), i64::MIN);
        self.rearmed.resize_with(troupe.signals.len(), BinaryHeap::new);
        self.rearmed.iter_mut().for_each(BinaryHeap::clear);
        self.crowds.clear();
        self.due.clear();
        self.first_due = None;
        self.memories.begin(troupe);
        self.later.clear();
        self.windows.resize_with(troupe.windows.len(), VecDeque::new);
        self.windows.iter_mut().for_each(VecDeque::clear);
        self.words.clear();
        self.decisions.clear();
        self.decisions.resize_with(troupe.roles.len(), || None);
        self.exposures.clear();
        self.exposures.resize(troupe.signals.len(), 0.0);
        self.looked = Nanos::ZERO;
    }

    /// Takes note of the prices of a refresh, by contract.
    pub fn look(&mut self, troupe: &Troupe<'_>, now: Nanos, views: impl Iterator<Item = View>) {
        let passed_s = (now - self.looked).seconds();
        self.looked = now;
        self.views.clear();
        self.views.extend(views);
        for &list in &troupe.clocks {
            if let Signal::Exposure { contract, side, factor } = troupe.signals[list] {
                let risen = self.views[usize::from(contract)].risen;
                let adverse = match side {
                    Side::Long => -risen,
                    Side::Short => risen,
                };
                self.exposures[list] += passed_s * (1.0 + f64::from_bits(factor) * adverse.clamp(0.0, 1.0));
            }
        }
        for (&(contract, window), prices) in troupe.windows.iter().zip(&mut self.windows) {
            prices.push_back((now, self.views[usize::from(contract)].traded));
            let start = now - window;
            while prices.len() > 1 && prices[1].0 <= start {
                prices.pop_front();
            }
        }
    }

    /// A contract as it stood when it was last looked at.
    pub fn view(&self, contract: ContractId) -> &View {
        &self.views[usize::from(contract)]
    }

    /// Seconds of the clock of a signal.
    pub fn exposure(&self, list: usize) -> f64 {
        self.exposures[list]
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

    /// The value of the signal of a list below which nobody is woken; `None` where nobody waits in it.
    pub fn nearest(&self, list: usize) -> Option<i64> {
        Some(self.nearest[list]).filter(|&key| key < i64::MAX)
    }

    /// The next account whose call the signal of a list has reached.
    pub fn next_call(&mut self, cast: &mut Cast, list: usize, signal: i64) -> Option<Actor> {
        if let Some(call) = cast.reached(list, self.cursors[list], signal) {
            self.cursors[list] += 1;
            let actor = self.memories.actor(call.role, call.position);
            if let Some(level) = cast.level(call) {
                self.memory(actor).level = level;
            }
            return Some(actor);
        }
        loop {
            let single = self.rearmed[list].peek().map(|Reverse(call)| (*call, None));
            let open = |crowd: &Crowd| crowd.list == list && !crowd.shut;
            let crowds = self.crowds.iter().enumerate().filter(|(_, crowd)| open(crowd));
            let crowded = crowds.filter_map(|(at, crowd)| crowd.calls.peek().map(|Reverse(call)| (*call, Some(at))));
            let Some((call, crowd)) = single.into_iter().chain(crowded).min().filter(|(call, _)| call.key <= signal)
            else {
                break;
            };
            match crowd {
                Some(at) => self.crowds[at].calls.pop(),
                None => self.rearmed[list].pop(),
            };
            if self.memory(call.actor).armed != call.before {
                continue;
            }
            match self.crowd_of(list, &call) {
                Some(crowd) if crowd.shut => crowd.calls.push(Reverse(call)),
                _ => return Some(call.actor),
            }
        }
        let waiting = self.rearmed[list].peek().map_or(i64::MAX, |Reverse(call)| call.key);
        let crowds = self.crowds.iter().filter(|crowd| crowd.list == list && !crowd.calls.is_empty());
        let crowded = crowds.map(|crowd| crowd.key).min().unwrap_or(i64::MAX);
        self.nearest[list] = cast.bound(list, self.cursors[list]).min(waiting).min(crowded);
        None
    }

    /// The crowd that a call belongs to. Who waits for one thing alone is asked by itself: it then waits for two.
    fn crowd_of(&mut self, list: usize, call: &Armed) -> Option<&mut Crowd> {
        let alike = |crowd: &&mut Crowd| (crowd.list, crowd.key, crowd.role) == (list, call.key, call.actor.role);
        self.crowds.iter_mut().find(alike).filter(|_| call.paired)
    }

    /// One of those of a role that wait in a list for a value found no price within the limit that all of them have.
    pub fn shut(&mut self, list: usize, key: i64, role: u32) {
        match self.crowds.iter_mut().find(|crowd| (crowd.list, crowd.key, crowd.role) == (list, key, role)) {
            Some(crowd) => crowd.shut = true,
            None => self.crowds.push(Crowd { list, key, role, calls: BinaryHeap::new(), shut: true }),
        }
    }

    /// The book has moved: everybody may be asked again.
    pub fn reopen(&mut self) {
        self.crowds.iter_mut().for_each(|crowd| crowd.shut = false);
    }

    /// Arms an account in these lists, from the next instant on; whatever it was armed for before is void.
    pub fn arm(&mut self, actor: Actor, lists: impl Iterator<Item = (usize, i64)>) {
        let memory = self.memory(actor);
        memory.armed += 1;
        let (before, first) = (memory.armed, self.later.len());
        self.later.extend(lists.map(|(list, key)| (list, Armed { key, actor, before, paired: false })));
        if self.later.len() == first + 2 {
            self.later[first..].iter_mut().for_each(|(_, call)| call.paired = true);
        }
    }

    /// Ends an instant: what was armed in it counts.
    pub fn settle(&mut self) {
        let mut later = std::mem::take(&mut self.later);
        for (list, call) in later.drain(..) {
            self.nearest[list] = self.nearest[list].min(call.key);
            match self.crowd_of(list, &call) {
                Some(crowd) => crowd.calls.push(Reverse(call)),
                None => self.rearmed[list].push(Reverse(call)),
            }
        }
        self.later = later;
        self.reopen();
    }

    pub fn memory(&mut self, actor: Actor) -> &mut Memory {
        &mut self.memories.entries[actor.memory as usize]
    }

    /// A uniform of the next decision of an account.
    pub fn draw(&mut self, troupe: &Troupe<'_>, actor: Actor) -> f64 {
        let memory = &mut self.memories.entries[actor.memory as usize];
        let n = memory.decisions;
        memory.decisions += 1;
        if n == 0 {
            memory.words = u32::try_from(self.words.len()).expect("fewer than 2³² accounts act");
            self.words.push([0; 16]);
        }
        let words = &mut self.words[memory.words as usize];
        if n.is_multiple_of(16) {
            let role = &troupe.roles[actor.role as usize];
            let path = self.path;
            let first = &mut self.decisions[actor.role as usize];
            let mut later = None;
            // Few accounts ever draw more than sixteen: the stream of the first ones is kept.
            let stream = if n == 0 { first } else { &mut later };
            let stream = stream.get_or_insert_with(|| troupe.decisions(role, path).decisions(n >> 4));
            *words = stream.of(actor.position - role.first);
        }
        open_unit(words[(n % 16) as usize])
    }

    /// An account was woken: its act is due after its reaction time, unless one is due already.
    pub fn wake(&mut self, troupe: &Troupe<'_>, now: Nanos, actor: Actor) {
        let memory = self.memory(actor);
        // Of two calls that it was armed for the second is void.
        memory.armed += 1;
        if std::mem::replace(&mut memory.waiting, true) {
            return;
        }
        let role = &troupe.roles[actor.role as usize];
        let seconds = role.reaction_s.unwrap_or_else(|| role.behaviour.delay_s().quantile(self.draw(troupe, actor)));
        self.schedule(now, seconds, actor);
    }

    /// The same for one that may act before all others: whether its act is due now, and is then not scheduled.
    pub fn wakes_at_once(&mut self, troupe: &Troupe<'_>, now: Nanos, actor: Actor) -> bool {
        let memory = self.memory(actor);
        if memory.waiting || troupe.roles[actor.role as usize].reaction_s != Some(0.0) {
            self.wake(troupe, now, actor);
            return false;
        }
        memory.armed += 1;
        true
    }

    /// An act is due so many seconds from now; never, where that is beyond what a clock can hold.
    pub fn schedule(&mut self, now: Nanos, seconds: f64, actor: Actor) {
        let after = Price::nearest(seconds * 1e9).and_then(|nanos| now.0.checked_add(nanos.0));
        if let Some(at) = after {
            self.memory(actor).waiting = true;
            let due = Due { at: Nanos(at), actor };
            let is_first = match (self.first_due, self.due.peek()) {
                (Some(first), _) | (None, Some(&Reverse(first))) => due < first,
                (None, None) => true,
            };
            let queued = if is_first { self.first_due.replace(due) } else { Some(due) };
            self.due.extend(queued.map(Reverse));
        }
    }

    /// The next act that is due.
    pub fn next_due(&mut self, now: Nanos) -> Option<Due> {
        let first = self.first_due.or_else(|| self.due.peek().map(|Reverse(due)| *due));
        let due = first.filter(|due| due.at <= now)?;
        if self.first_due.take().is_none() {
            self.due.pop();
        }
        self.memory(due.actor).waiting = false;
        Some(due)
    }

    /// Hears what befell accounts; returns what must be told beside it.
    pub fn hear(
        &mut self,
        troupe: &Troupe<'_>,
        listeners: &Listeners,
        now: Nanos,
        facts: &[Fact],
        register: &Register,
    ) -> Vec<Fact> {
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
            for &number in &troupe.heard {
                let role = &troupe.roles[number as usize];
                let concerns = match role.cue {
                    Cue::Closed(after) => after == closing || after == Closing::Either,
                    _ => closing == Closing::Adl,
                };
                if !concerns || !role.covers(position) || !listeners.holds(number, role, position) {
                    continue;
                }
                let actor = self.memories.actor(number, position);
                self.memory(actor).closed += qty.0.abs();
                self.wake(troupe, now, actor);
                if let (Cue::HedgeBroken, Some(amount)) = (role.cue, notional) {
                    let (by, deed, qty) = (role.behaviour.kind(), Deed::HedgeBroken, qty.abs());
                    told.push(Fact::Acted { contract, account, by, deed, qty, amount });
                }
            }
        }
        told
    }
}

/// The position of an account in a contract.
fn position_of(register: &Register, account: AccountId, contract: ContractId) -> Option<u32> {
    let holdings = &register.holdings;
    // Where each account has one position they have the same numbers, and nothing is searched for.
    let guess = account as usize;
    let first = match holdings.account.get(guess) {
        Some(&of) if of == account && (guess == 0 || holdings.account[guess - 1] != account) => guess,
        _ => holdings.account.partition_point(|&id| id < account),
    };
    let found = (first..holdings.account.len())
        .take_while(|&at| holdings.account[at] == account)
        .find(|&at| holdings.contract[at] == contract)?;
    u32::try_from(found).ok()
}
