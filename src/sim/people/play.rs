//! What changes of the behaviours during one path on one lane.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cast::{Cast, Listeners};
use super::crowd::{Crowd, Tried, Waits};
use super::quiet::Quiet;
use super::{Gauge, Moves, Signal, Troupe};
use crate::facts::{AccountId, ContractId, Deed, Fact, Party, Side};
use crate::money::{Nanos, Price};
use crate::rng::open_unit;
use crate::traders::behaviour::{Closing, Cue, DRAWN_AT_ONCE, Decisions, Watched};
use crate::venue::register::Register;

/// A contract at a refresh.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct View {
    pub traded: f64,
    pub mark: f64,
}

/// Prices are looked through by so many.
const BLOCK: usize = 64;

/// Return of the traded price since the opening.
fn risen(traded: f64, open: Price) -> f64 {
    traded / open.0 as f64 - 1.0
}

/// How fast a clock of those who hold a side runs.
fn rate(risen: f64, side: Side, factor: u64) -> f64 {
    1.0 + f64::from_bits(factor) * Moves::against(side).of(risen).clamp(0.0, 1.0)
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
}

/// Whom an account that is armed is asked with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) enum Asked {
    Alone,
    /// With those of its role who wait for the same.
    WithOthers,
    /// The same once it has tried in vain, as long as a lot is worth no more than this.
    InVain {
        worth: f64,
    },
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
    /// Place of its decisions in turn.
    words: u32,
    /// Whether it stands in a crowd.
    crowded: bool,
}

/// Memories by role and position, found in constant time and forgotten at once: a new path is a new stamp.
#[derive(Debug, Default)]
struct Memories {
    /// Of each role whose positions are asked for more than once: where they begin, and the first of them.
    begins: Vec<Option<(usize, u32)>>,
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
                // All others are called once by a list, and then known by what they are armed with.
                let is_searched = !role.is_watched() || role.cue == Cue::Discount;
                self.begins.push(is_searched.then_some((size, role.first)));
                size += if is_searched { (role.end - role.first) as usize } else { 0 };
            }
            self.places.clear();
            self.places.resize(size, (0, 0));
            self.stamp = 0;
        }
        self.stamp += 1;
    }

    fn actor(&mut self, role: u32, position: u32) -> Actor {
        let Some((begin, first)) = self.begins[role as usize] else {
            return Actor { position, role, memory: self.forget() };
        };
        let at = begin + (position - first) as usize;
        if self.places[at].0 != self.stamp {
            self.places[at] = (self.stamp, self.forget());
        }
        Actor { position, role, memory: self.places[at].1 }
    }

    /// The place of a new memory.
    fn forget(&mut self) -> u32 {
        self.entries.push(Memory::default());
        u32::try_from(self.entries.len() - 1).expect("fewer than 2³² accounts act")
    }
}

#[derive(Debug, Default)]
pub(in crate::sim) struct Play {
    cursors: Vec<usize>,
    /// Of each list a value of its signal below which nobody is woken, and one of its gauge, as it rises.
    nearest: Vec<i64>,
    alarms: Vec<f64>,
    rearmed: Vec<BinaryHeap<Reverse<Armed>>>,
    /// Beside them, those who are asked one for all.
    crowds: Vec<Crowd>,
    /// Acts that were due as they were scheduled, the first of them last once they are sorted; they never enter the heap.
    at_once: Vec<Due>,
    are_sorted: bool,
    due: BinaryHeap<Reverse<Due>>,
    /// Of those that something happened to.
    memories: Memories,
    /// Calls armed in this instant, for the next one.
    later: Vec<(usize, Armed, Asked)>,
    /// Of each contract its traded prices at all refreshes so far, and the least and the greatest of every `BLOCK`.
    traded: Vec<Vec<(Nanos, f64)>>,
    blocks: Vec<Vec<(f64, f64)>>,
    /// Of each gauge over a window, which of them is the last at or before the start of the window.
    since: Vec<usize>,
    quiet: Quiet,
    /// What was heard of that must be told.
    told: Vec<Fact>,
    /// Decisions of those that have drawn one, a few at a time.
    words: Vec<[u64; DRAWN_AT_ONCE]>,
    /// Of each role the stream of its accounts' first sixteen.
    decisions: Vec<Option<Decisions>>,
    /// Contracts at the last refresh; and all gauges but the gaps as they stood at the last that was looked at, which so many
    /// went before.
    views: Vec<View>,
    stands: Vec<f64>,
    looked: usize,
    path: u64,
}

impl Play {
    /// Starts a path.
    pub fn begin(&mut self, troupe: &Troupe<'_>, path: u64) {
        if troupe.is_empty() {
            return;
        }
        let contracts = troupe.multipliers.len();
        self.path = path;
        self.cursors.clear();
        self.cursors.resize(troupe.signals.len(), 0);
        self.nearest.clear();
        self.nearest.resize(troupe.signals.len(), i64::MIN);
        self.alarms.clear();
        self.alarms.resize(troupe.signals.len(), f64::NEG_INFINITY);
        self.rearmed.resize_with(troupe.signals.len(), BinaryHeap::new);
        self.rearmed.iter_mut().for_each(BinaryHeap::clear);
        self.crowds.iter_mut().for_each(Crowd::begin);
        self.due.clear();
        self.at_once.clear();
        self.memories.begin(troupe);
        self.later.clear();
        self.traded.resize_with(contracts, Vec::new);
        self.traded.iter_mut().for_each(Vec::clear);
        self.blocks.resize_with(contracts, Vec::new);
        self.blocks.iter_mut().for_each(Vec::clear);
        self.since.clear();
        self.since.resize(troupe.gauges.len(), 0);
        self.views.clear();
        self.views.resize(contracts, View::default());
        self.quiet.begin(contracts);
        self.words.clear();
        self.decisions.clear();
        self.decisions.resize_with(troupe.roles.len(), || None);
        self.stands.clear();
        self.stands.resize(troupe.gauges.len(), 0.0);
        self.looked = 0;
    }

    /// Takes note of a contract at a refresh; returns whether nobody who waits for its prices can be woken.
    #[inline]
    pub fn note(&mut self, now: Nanos, contract: usize, view: View, gap: f64) -> bool {
        let (traded, blocks) = (&mut self.traded[contract], &mut self.blocks[contract]);
        if traded.len().is_multiple_of(BLOCK) {
            blocks.push((view.traded, view.traded));
        } else if let Some((least, greatest)) = blocks.last_mut() {
            (*least, *greatest) = (least.min(view.traded), greatest.max(view.traded));
        }
        traded.push((now, view.traded));
        self.views[contract] = view;
        self.quiet.holds(contract, view, gap)
    }

    /// Whether no time has come that anybody waits for.
    pub fn is_early(&self, now: Nanos) -> bool {
        self.quiet.is_early(now)
    }

    /// Reads all gauges at a refresh. Opening prices are those of the contracts.
    pub fn look(&mut self, troupe: &Troupe<'_>, now: Nanos, opens: &[Price]) {
        let looked = std::mem::replace(&mut self.looked, self.traded.first().map_or(0, Vec::len));
        for (at, gauge) in troupe.gauges.iter().enumerate() {
            self.stands[at] = match *gauge {
                Gauge::Price { contract, watched: Watched::Mark } => self.views[usize::from(contract)].mark,
                Gauge::Price { contract, watched: Watched::Traded } => self.views[usize::from(contract)].traded,
                Gauge::Risen { contract } => {
                    risen(self.views[usize::from(contract)].traded, opens[usize::from(contract)])
                }
                Gauge::Time => now.0 as f64,
                Gauge::Exposure { contract, side, factor } => {
                    let (open, traded) = (opens[usize::from(contract)], &self.traded[usize::from(contract)]);
                    let before = looked.checked_sub(1).map_or(Nanos::ZERO, |last| traded[last].0);
                    let mut clock = (before, self.stands[at]);
                    for &(time, traded) in &traded[looked..] {
                        let rate = rate(risen(traded, open), side, factor);
                        clock = (time, clock.1 + (time - clock.0).seconds() * rate);
                    }
                    clock.1
                }
                Gauge::Return { contract, window } => {
                    let (traded, since) = (&self.traded[usize::from(contract)], &mut self.since[at]);
                    let start = now - window;
                    while traded.get(*since + 1).is_some_and(|next| next.0 <= start) {
                        *since += 1;
                    }
                    traded.last().map_or(0.0, |last| last.1 / traded[*since].1 - 1.0)
                }
                // Those who trade on a gap close it for the next, so it is found when it is asked for.
                Gauge::Gap { .. } => continue,
            };
        }
    }

    /// Nobody was woken at this refresh, and nobody is until one of these bounds is left.
    pub fn rest(&mut self, troupe: &Troupe<'_>, now: Nanos, opens: &[Price]) {
        let next = self.due.peek().map_or(Nanos(i64::MAX), |Reverse(due)| due.at);
        self.quiet.start(&self.views, next);
        for (list, &Signal { gauge, moves, at, .. }) in troupe.signals.iter().enumerate() {
            let alarm = self.alarms[list];
            match gauge {
                Gauge::Price { contract, watched: Watched::Mark } => self.quiet.mark(contract, moves, alarm),
                Gauge::Price { contract, watched: Watched::Traded } => self.quiet.traded(contract, moves, alarm),
                Gauge::Gap { contract } => self.quiet.gap(contract, moves, alarm),
                Gauge::Risen { contract } => {
                    let open = opens[usize::from(contract)].0 as f64;
                    self.quiet.traded(contract, moves, moves.of(open) + open * alarm);
                }
                Gauge::Return { contract, .. } => {
                    let blocks = self.blocks[usize::from(contract)][self.since[at] / BLOCK..].iter();
                    let within = blocks.map(|&(least, greatest)| moves.of(least).min(moves.of(greatest)));
                    // Of all prices that the window may start at, the one from which the return is greatest.
                    let to_come = moves.of(self.quiet.furthest(contract, moves.opposite()));
                    let from = within.fold(to_come, f64::min);
                    self.quiet.traded(contract, moves, from + from.abs() * alarm);
                }
                Gauge::Time => self.quiet.until(Nanos(self.nearest[list])),
                Gauge::Exposure { contract, side, factor } => {
                    let worst = self.quiet.furthest(contract, Moves::against(side));
                    let rate = rate(risen(worst, opens[usize::from(contract)]), side, factor);
                    self.quiet.for_seconds(now, (alarm - self.stands[at]) / rate);
                }
            }
        }
    }

    /// All lists are looked at.
    pub fn stir(&mut self) {
        self.quiet.stir();
    }

    /// Where a gauge stood at the last refresh.
    pub fn stands(&self, at: usize) -> f64 {
        self.stands[at]
    }

    /// Whether somebody in a list may be woken while the gauge of its signal, as it rises, stands here.
    #[inline]
    pub fn may_wake(&self, list: usize, rising: f64) -> bool {
        rising >= self.alarms[list]
    }

    /// Whether anybody is woken by this value of the signal of a list.
    pub fn is_reached(&self, list: usize, signal: i64) -> bool {
        signal >= self.nearest[list]
    }

    fn next_at(&mut self, troupe: &Troupe<'_>, list: usize, key: i64) {
        self.nearest[list] = key;
        self.alarms[list] = troupe.signals[list].gauge.alarm(key);
    }

    /// The next account whose call the signal of a list has reached.
    pub fn next_call(&mut self, troupe: &Troupe<'_>, cast: &mut Cast, list: usize, signal: i64) -> Option<Actor> {
        if let Some(call) = cast.reached(troupe, list, self.cursors[list], signal) {
            self.cursors[list] += 1;
            let actor = self.memories.actor(call.role, call.position);
            if let Some(level) = cast.level(call) {
                self.memory(actor).level = level;
            }
            return Some(actor);
        }
        loop {
            let reached = |key: i64| key <= signal;
            let single = self.rearmed[list].peek().map(|Reverse(call)| *call).filter(|call| reached(call.key));
            let open = self.crowds.iter().filter(|crowd| crowd.of.list == list && !crowd.shut && reached(crowd.of.key));
            let crowded = open.filter_map(|crowd| Some((crowd.of.key, crowd.first()?, crowd.of.role))).min();
            let single_first =
                |call: &Armed| crowded.is_none_or(|other| (call.key, call.actor.position, call.actor.role) < other);
            if let Some(call) = single.filter(single_first) {
                self.rearmed[list].pop();
                if self.memory(call.actor).armed == call.before {
                    return Some(call.actor);
                }
            } else if let Some((_, position, role)) = crowded {
                return Some(self.memories.actor(role, position));
            } else {
                break;
            }
        }
        let waiting = self.rearmed[list].peek().map_or(i64::MAX, |Reverse(call)| call.key);
        let crowds = self.crowds.iter().filter(|crowd| crowd.of.list == list && !crowd.is_empty());
        let crowded = crowds.map(|crowd| crowd.of.key).min().unwrap_or(i64::MAX);
        let next = cast.bound(troupe, list, self.cursors[list]).min(waiting).min(crowded);
        self.next_at(troupe, list, next);
        None
    }

    /// One of those of a role that wait in a list for a value found nothing within the limit that all of them have, while
    /// a lot is worth so much: nobody is asked who has tried in vain before.
    pub fn shut(&mut self, (list, key): (usize, i64), role: u32, lot: f64) {
        let of = Waits { list, key, role, tried: Tried::InVain };
        for crowd in self.crowds.iter_mut().filter(|crowd| crowd.of == of) {
            crowd.shut = lot <= crowd.least;
        }
    }

    /// The book has moved: everybody may be asked again.
    pub fn reopen(&mut self) {
        self.crowds.iter_mut().for_each(|crowd| crowd.shut = false);
    }

    /// Arms an account in these lists, from the next instant on; whatever it was armed for before is void.
    pub fn arm(&mut self, actor: Actor, lists: impl Iterator<Item = (usize, i64, Asked)>) {
        let before = self.disarm(actor).armed;
        self.later.extend(lists.map(|(list, key, asked)| (list, Armed { key, actor, before }, asked)));
    }

    /// Whatever an account was armed for is void.
    fn disarm(&mut self, actor: Actor) -> &mut Memory {
        let memory = &mut self.memories.entries[actor.memory as usize];
        memory.armed += 1;
        if std::mem::take(&mut memory.crowded) {
            let crowds = self.crowds.iter_mut().filter(|crowd| crowd.of.role == actor.role);
            crowds.for_each(|crowd| crowd.leave(actor.position));
        }
        memory
    }

    /// Ends an instant: what was armed in it counts.
    pub fn settle(&mut self, troupe: &Troupe<'_>) {
        let mut later = std::mem::take(&mut self.later);
        for (list, call, asked) in later.drain(..) {
            if call.key < self.nearest[list] {
                self.next_at(troupe, list, call.key);
            }
            match asked {
                Asked::Alone => self.rearmed[list].push(Reverse(call)),
                Asked::WithOthers | Asked::InVain { .. } => {
                    let (tried, worth) = match asked {
                        Asked::InVain { worth } => (Tried::InVain, worth),
                        _ => (Tried::NotYet, f64::INFINITY),
                    };
                    let Actor { position, role, .. } = call.actor;
                    self.memory(call.actor).crowded = true;
                    let of = Waits { list, key: call.key, role, tried };
                    let at = self.crowds.iter().position(|crowd| crowd.of == of).unwrap_or_else(|| {
                        let role = &troupe.roles[role as usize];
                        self.crowds.push(Crowd::new(of, role.first, role.end));
                        self.crowds.len() - 1
                    });
                    self.crowds[at].join(position, worth);
                }
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
            self.words.push([0; DRAWN_AT_ONCE]);
        }
        let (words, of_it) = (&mut self.words[memory.words as usize], n as usize % DRAWN_AT_ONCE);
        if of_it == 0 {
            let role = &troupe.roles[actor.role as usize];
            let path = self.path;
            let first = &mut self.decisions[actor.role as usize];
            let mut later = None;
            // Few accounts ever draw more than sixteen: the stream of the first ones is kept.
            let stream = if n < 16 { first } else { &mut later };
            let stream = stream.get_or_insert_with(|| troupe.decisions(role, path).decisions(n >> 4));
            *words = stream.of(actor.position - role.first, n % 16);
        }
        open_unit(words[of_it])
    }

    /// An account was woken: its act is due after its reaction time, unless one is due already.
    pub fn wake(&mut self, troupe: &Troupe<'_>, now: Nanos, actor: Actor) {
        // Of two calls that it was armed for the second is void.
        if std::mem::replace(&mut self.disarm(actor).waiting, true) {
            return;
        }
        let role = &troupe.roles[actor.role as usize];
        let seconds = role.reaction_s.unwrap_or_else(|| role.behaviour.delay_s().quantile(self.draw(troupe, actor)));
        self.schedule(now, seconds, actor);
    }

    /// The same for one that may act before all others: whether its act is due now, and is then not scheduled.
    pub fn wakes_at_once(&mut self, troupe: &Troupe<'_>, now: Nanos, actor: Actor) -> bool {
        let memory = self.memory(actor);
        if memory.waiting || !troupe.roles[actor.role as usize].acts_at_once() {
            self.wake(troupe, now, actor);
            return false;
        }
        self.disarm(actor);
        true
    }

    /// An act is due so many seconds from now; never, where that is beyond what a clock can hold.
    pub fn schedule(&mut self, now: Nanos, seconds: f64, actor: Actor) {
        let after = Price::nearest(seconds * 1e9).and_then(|nanos| now.0.checked_add(nanos.0));
        if let Some(at) = after {
            self.memory(actor).waiting = true;
            let due = Due { at: Nanos(at), actor };
            if due.at <= now {
                self.at_once.push(due);
                self.are_sorted = false;
            } else {
                self.due.push(Reverse(due));
            }
            self.quiet.until(due.at);
        }
    }

    /// The next act that is due.
    pub fn next_due(&mut self, now: Nanos) -> Option<Due> {
        if !self.are_sorted {
            self.at_once.sort_unstable_by(|a, b| b.cmp(a));
            self.are_sorted = true;
        }
        let delayed = self.due.peek().map(|Reverse(due)| *due).filter(|due| due.at <= now);
        let due = match (self.at_once.last(), delayed) {
            (Some(&first), other) if other.is_none_or(|other| first < other) => {
                self.at_once.pop();
                first
            }
            (_, Some(first)) => {
                self.due.pop();
                first
            }
            _ => return None,
        };
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
    ) -> &[Fact] {
        self.told.clear();
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
                    self.told.push(Fact::Acted { contract, account, by, deed, qty, amount });
                }
            }
        }
        &self.told
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
