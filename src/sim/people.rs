//! Who acts of their own accord on a path, and when.
//!
//! What can be watched as a number that only has to reach a level (a price, a return, a gap, the clock) is a list of calls
//! in ascending order with a cursor; reactions wait in a heap of times; what befalls an account is heard from the facts.
//! Accounts act at mark refreshes, after the triggers and before the venue's own work, by due time and then by account.
//! Who takes part and at which level is drawn once for all lanes of a path.

mod calls;
mod cast;
mod crowd;
mod play;
mod quiet;

use crate::facts::{ContractId, Side};
use crate::money::{Multiplier, Nanos, Price, Ratio};
use crate::rng::last_word;
use crate::scenario::Scenario;
use crate::traders::behaviour::{self, Address, Behaviour, Cue, Watched};
use crate::traders::{Accounts, Redraw};
use crate::venue::ledger::Position;
use crate::venue::margin::{Tier, Tiers};
use crate::venue::register::Register;
use crate::venue::rules::{MarginMode, Rules, Trigger};

pub(super) use cast::{Cast, Listeners};
pub(super) use play::{Actor, Asked, Play, View};

/// What is measured of the market at a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gauge {
    /// A price in ticks.
    Price { contract: ContractId, watched: Watched },
    /// Return of the traded price over a window.
    Return { contract: ContractId, window: Nanos },
    /// The same since the opening.
    Risen { contract: ContractId },
    /// What the book trades above the index, as a share of the index.
    Gap { contract: ContractId },
    /// Nanoseconds since the start of the path.
    Time,
    /// Seconds of a clock that runs faster as positions on this side lose; the bits of its factor.
    Exposure { contract: ContractId, side: Side, factor: u64 },
}

impl Gauge {
    /// The least value of it from which on a signal may stand at `key`, a little low so that no rounding matters.
    fn alarm(self, key: i64) -> f64 {
        if key == i64::MAX {
            return f64::INFINITY;
        }
        let key = key as f64;
        let low = key - 1.0 - 1e-12 * key.abs();
        if matches!(self, Self::Price { .. } | Self::Time) { low } else { 1e-9 * low }
    }
}

/// A gauge, or its negative, in whole numbers: ticks, nanoseconds, or billionths. Accounts are woken as it rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signal {
    pub gauge: Gauge,
    pub moves: Moves,
    /// Place of the gauge among those of all signals.
    pub at: usize,
    /// Calls beyond this are entered once the signal reaches it.
    soon: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moves {
    Up,
    Down,
}

impl Moves {
    /// By which a price is multiplied so that it rises.
    pub fn sign(self) -> i64 {
        match self {
            Self::Up => 1,
            Self::Down => -1,
        }
    }

    /// A gauge so that it rises.
    #[inline]
    pub fn of(self, gauge: f64) -> f64 {
        match self {
            Self::Up => gauge,
            Self::Down => -gauge,
        }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    fn against(side: Side) -> Self {
        match side {
            Side::Long => Self::Down,
            Side::Short => Self::Up,
        }
    }
}

/// One behaviour of one group.
#[derive(Debug)]
pub(super) struct Role<'s> {
    pub behaviour: &'s dyn Behaviour,
    pub cue: Cue,
    group: u32,
    /// Which of the group's behaviours of this kind it is.
    occurrence: u32,
    /// Positions of the group.
    pub first: u32,
    pub end: u32,
    /// For a margin ratio: per contract, tiers with so many times the maintenance margin.
    tiers: Vec<Tiers>,
    /// Of words that say who takes part, and of those that levels are drawn from, the greatest that count: greater ones
    /// stand for those who do not take part, and for times beyond the horizon. `None` where none counts.
    takes_part: Option<u64>,
    latest: Option<u64>,
    /// Of the latter the greatest whose calls are entered at the opening; the others are entered once a clock comes near.
    soon: Option<u64>,
    /// Seconds from the cue to the act, where they are always the same.
    reaction_s: Option<f64>,
    /// Of each contract the lists in which longs and shorts wait; none where the role hears of what befell them.
    lists: Vec<[Option<usize>; 2]>,
}

impl Role<'_> {
    pub fn covers(&self, position: u32) -> bool {
        (self.first..self.end).contains(&position)
    }

    /// Whether an account must know at which level it was first to be woken when it acts.
    pub fn acts_by_level(&self) -> bool {
        matches!(self.cue, Cue::Dip | Cue::Discount)
    }

    /// Whether accounts act as soon as they are woken.
    pub fn acts_at_once(&self) -> bool {
        self.reaction_s == Some(0.0)
    }

    /// Whether all accounts wait for the same level, so that their limits are the same.
    pub fn has_one_level(&self) -> bool {
        let (least, greatest) = self.behaviour.level().support();
        least >= greatest
    }

    /// Whether accounts wait for a signal; else what befalls them is heard.
    fn is_watched(&self) -> bool {
        signal(self.cue, 0, Side::Long).is_some()
    }

    /// The list in which positions on one side of a contract wait.
    fn list(&self, contract: ContractId, side: Side) -> Option<usize> {
        let [long, short] = *self.lists.get(usize::from(contract))?;
        match side {
            Side::Long => long,
            Side::Short => short,
        }
    }
}

/// All behaviours of a scenario, and what they watch.
#[derive(Debug)]
pub(super) struct Troupe<'s> {
    pub roles: Vec<Role<'s>>,
    pub gauges: Vec<Gauge>,
    pub signals: Vec<Signal>,
    /// Of these the gaps, which those who trade on them close, and the others.
    pub gaps: Vec<usize>,
    /// Of each with the place of its gauge, and −1 where that is to fall.
    pub moves: Vec<(usize, usize, f64)>,
    multipliers: Vec<Multiplier>,
    redraw: Redraw,
    horizon: Nanos,
    seed: u64,
    /// Roles that wait for what befalls accounts.
    heard: Vec<u32>,
}

/// What a cue is about for positions on one side; `None` for what is heard and not watched.
fn signal(cue: Cue, contract: ContractId, side: Side) -> Option<(Gauge, Moves)> {
    let price = |watched, moves| Some((Gauge::Price { contract, watched }, moves));
    let against = Moves::against(side);
    match cue {
        Cue::Loss(watched) => price(watched, against),
        Cue::Gain(watched) => price(watched, Moves::against(side.opposite())),
        Cue::MarginRatio(_) => price(Watched::Mark, against),
        Cue::Fall { window } => Some((Gauge::Return { contract, window }, against)),
        Cue::Dip => Some((Gauge::Risen { contract }, against)),
        Cue::Discount => Some((Gauge::Gap { contract }, against)),
        Cue::Time => Some((Gauge::Time, Moves::Up)),
        Cue::Exposure { factor } => Some((Gauge::Exposure { contract, side, factor: factor.to_bits() }, Moves::Up)),
        Cue::Closed(_) | Cue::HedgeBroken => None,
    }
}

/// Where a thing stands among others, to which it is added where it is new.
fn place<T: PartialEq>(known: &mut Vec<T>, thing: T) -> usize {
    known.iter().position(|known| *known == thing).unwrap_or_else(|| {
        known.push(thing);
        known.len() - 1
    })
}

/// The greatest uniform whose level, a time in seconds, lies within the horizon; a little more, as bisection ends there.
fn latest(behaviour: &dyn Behaviour, horizon_s: f64) -> f64 {
    let (mut within, mut beyond) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (within + beyond);
        if behaviour.level().quantile(middle) <= horizon_s {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    beyond
}

/// Billionths of a second that a clock comes to by the horizon in a fall of a tenth throughout: few paths see more, and a
/// clock that runs many times as fast in a fall would have most accounts wait for what no path comes to.
fn soon(horizon: Nanos, factor: f64) -> i64 {
    let seconds = horizon.seconds() * (1.0 + 0.1 * factor);
    Price::nearest(libm::ceil(seconds * 1e9)).map_or(i64::MAX, |key| key.0)
}

/// A margin ratio of so many times the maintenance margin is a schedule with such rates; below 1, as rates must be.
fn steeper(tiers: &Tiers, ratio: f64) -> Option<Tiers> {
    let steep = |tier: &Tier| {
        let rate = Price::nearest(tier.rate.0 as f64 * ratio).map_or(i64::MAX, |rate| rate.0);
        Tier { rate: Ratio(rate.min(Ratio::ONE.0 - 1)), ..*tier }
    };
    Tiers::new(tiers.tiers().iter().map(steep).collect()).ok()
}

impl<'s> Troupe<'s> {
    pub fn new(scenario: &'s Scenario, seed: u64) -> Self {
        let mut troupe = Self {
            roles: Vec::new(),
            gauges: Vec::new(),
            signals: Vec::new(),
            gaps: Vec::new(),
            moves: Vec::new(),
            multipliers: scenario.rules.contracts.iter().map(|contract| contract.multiplier).collect(),
            redraw: Redraw::Fixed,
            horizon: scenario.clock.horizon,
            seed,
            heard: Vec::new(),
        };
        match &scenario.accounts {
            Accounts::Generated(generated) => {
                troupe.redraw = generated.redraw;
                let mut first = 0;
                for (number, group) in (0u32..).zip(&generated.groups) {
                    troupe.enter(&scenario.rules, number, first, first + group.positions(), &group.behaviours);
                    first += group.positions();
                }
            }
            Accounts::Loaded(loaded) => {
                let positions = u32::try_from(loaded.population.positions()).unwrap_or(u32::MAX);
                troupe.enter(&scenario.rules, 0, 0, positions, &loaded.behaviours);
            }
        }
        troupe
    }

    fn enter(&mut self, rules: &Rules, group: u32, first: u32, end: u32, behaviours: &'s [Box<dyn Behaviour>]) {
        for behaviour in behaviours {
            let behaviour = behaviour.as_ref();
            let (cue, kind) = (behaviour.cue(), behaviour.kind());
            let same = |role: &&Role<'_>| role.group == group && role.behaviour.kind() == kind;
            let occurrence = u32::try_from(self.roles.iter().filter(same).count()).unwrap_or(u32::MAX);
            let mut lists = vec![[None; 2]; rules.contracts.len()];
            for (contract, lists) in (0..).zip(&mut lists) {
                for (side, list) in [Side::Long, Side::Short].into_iter().zip(lists) {
                    *list = signal(cue, contract, side).map(|(gauge, moves)| self.list(gauge, moves));
                }
            }
            let tiers = match cue {
                Cue::MarginRatio(ratio) => {
                    let tiers = rules.contracts.iter().map(|contract| &contract.tiers);
                    tiers.map(|tiers| steeper(tiers, ratio).unwrap_or_else(|| tiers.clone())).collect()
                }
                _ => Vec::new(),
            };
            let latest = match cue {
                Cue::Time => latest(behaviour, self.horizon.seconds()),
                Cue::Exposure { factor } => latest(behaviour, self.horizon.seconds() * (1.0 + factor)),
                _ => 1.0,
            };
            let takes_part = match behaviour.cast() {
                behaviour::Cast::Share(share) => last_word(|u| u < share),
                behaviour::Cast::Largest(_) => None,
            };
            let latest = last_word(|u| u <= latest);
            let soon = match cue {
                Cue::Exposure { factor } => {
                    let soon = soon(self.horizon, factor);
                    let key = |u| self.key_of_level(cue, behaviour.level().quantile(u));
                    last_word(|u| key(u).is_some_and(|key| key <= soon)).min(latest)
                }
                _ => latest,
            };
            let (least, greatest) = behaviour.delay_s().support();
            let reaction_s = (least >= greatest).then_some(least);
            let role = Role {
                behaviour,
                cue,
                group,
                occurrence,
                first,
                end,
                tiers,
                takes_part,
                latest,
                soon,
                reaction_s,
                lists,
            };
            if !role.is_watched() {
                self.heard.push(u32::try_from(self.roles.len()).expect("fewer than 2³² behaviours"));
            }
            self.roles.push(role);
        }
    }

    /// The list of those who wait for a gauge to rise, or to fall.
    fn list(&mut self, gauge: Gauge, moves: Moves) -> usize {
        let at = place(&mut self.gauges, gauge);
        let soon = match gauge {
            Gauge::Exposure { factor, .. } => soon(self.horizon, f64::from_bits(factor)),
            _ => i64::MAX,
        };
        let list = place(&mut self.signals, Signal { gauge, moves, at, soon });
        if matches!(gauge, Gauge::Gap { .. }) {
            place(&mut self.gaps, list);
        } else {
            place(&mut self.moves, (list, at, moves.of(1.0)));
        }
        list
    }

    /// Whether anybody waits for what befalls accounts.
    pub fn listens(&self) -> bool {
        !self.heard.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Where the account's own attributes are drawn: as often as the accounts are.
    fn attributes(&self, role: &Role<'_>, path: u64) -> Address {
        let path = match self.redraw {
            Redraw::Fixed => 0,
            Redraw::Resampled => path,
        };
        self.decisions(role, path)
    }

    /// Where decisions are drawn: anew on every path.
    fn decisions(&self, role: &Role<'_>, path: u64) -> Address {
        Address::new(self.seed, path, role.group, role.behaviour.kind(), role.occurrence)
    }

    /// Whether all paths have the same accounts doing the same.
    fn is_fixed(&self) -> bool {
        self.redraw == Redraw::Fixed
    }

    /// The list in which an account waits for its cue at this level, and the value of the signal that wakes it; `None`
    /// where none ever does.
    pub fn waits(&self, role: &Role<'_>, level: f64, position: &Position, register: &Register) -> Option<(usize, i64)> {
        let contract = position.contract;
        let opened = register.holdings.qty[position.id as usize];
        let side = Side::of(opened);
        let list = role.list(contract, side)?;
        Some((list, self.key(role, level, side, position, register)?))
    }

    /// The same at the opening.
    pub fn waits_first(&self, role: &Role<'_>, level: f64, id: u32, register: &Register) -> Option<(usize, i64)> {
        let at = id as usize;
        let side = Side::of(register.holdings.qty[at]);
        let list = role.list(register.holdings.contract[at], side)?;
        let key = match role.cue {
            Cue::Loss(_) | Cue::Gain(_) | Cue::MarginRatio(_) => {
                self.key(role, level, side, &Position::opened(register, id), register)
            }
            cue => self.key_of_level(cue, level),
        };
        Some((list, key?))
    }

    /// The list in which an account waits for a signal that is to rise by so much from `now`.
    pub fn waits_further(role: &Role<'_>, contract: ContractId, side: Side, by: f64) -> Option<(usize, i64)> {
        Some((role.list(contract, side)?, Price::nearest(libm::ceil(by * 1e9))?.0))
    }

    /// The lists in which an account waits for the gap to widen to one level or to narrow to another. Either may just have
    /// been tried in vain.
    pub fn waits_between(
        role: &Role<'_>,
        [above, below]: [f64; 2],
        [widens, narrows]: [Asked; 2],
        position: &Position,
        register: &Register,
    ) -> [Option<(usize, i64, Asked)>; 2] {
        let (contract, side) = (position.contract, Side::of(register.holdings.qty[position.id as usize]));
        let at = |side: Side, level: f64, asked: Asked| {
            let list = role.list(contract, side)?;
            Some((list, Price::nearest(libm::ceil(level * 1e9))?.0, asked))
        };
        // A gap against one side is a negative gap against the other.
        let mut lists = [at(side, above, widens), at(side.opposite(), -below, narrows)];
        if lists.contains(&None) || role.cue != Cue::Discount {
            // Who waits for one thing alone is asked by itself: it then waits for two.
            lists.iter_mut().flatten().for_each(|(.., asked)| *asked = Asked::Alone);
        }
        lists
    }

    fn key(&self, role: &Role<'_>, level: f64, side: Side, position: &Position, register: &Register) -> Option<i64> {
        match role.cue {
            Cue::Loss(_) | Cue::Gain(_) => {
                let at = usize::from(position.contract);
                let open = register.contracts[at].open.0 as f64;
                let entry = self.multipliers[at].average(position.qty.abs(), position.cost.abs());
                let loses = matches!(role.cue, Cue::Loss(_));
                if loses == (side == Side::Long) {
                    let tick = Price::nearest(libm::floor(entry.min(open) * (1.0 - level)))?;
                    (tick.0 > 0).then_some(-tick.0)
                } else {
                    Price::nearest(libm::ceil(entry.max(open) * (1.0 + level))).map(|tick| tick.0)
                }
            }
            Cue::MarginRatio(_) => {
                let at = usize::from(position.contract);
                let tiers = role.tiers.get(at)?;
                // The wallet of a cross account backs it already.
                if position.qty.is_zero() || position.mode == MarginMode::Cross {
                    return None;
                }
                let Position { qty, cost, collateral, .. } = *position;
                let tick = tiers.liquidation_tick(Trigger::AtOrBelow, self.multipliers[at], qty, cost, collateral);
                match side {
                    Side::Long => (tick.0 > 0).then_some(-tick.0),
                    Side::Short => Some(tick.0),
                }
            }
            cue => self.key_of_level(cue, level),
        }
    }

    /// The key of cues whose level has nothing to do with how the account stands.
    fn key_of_level(&self, cue: Cue, level: f64) -> Option<i64> {
        let key = Price::nearest(libm::ceil(level * 1e9)).map(|key| key.0);
        match cue {
            Cue::Time => key.filter(|&at| at <= self.horizon.0),
            Cue::Closed(_) | Cue::HedgeBroken => None,
            _ => key,
        }
    }
}
