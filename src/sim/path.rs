//! A path: the index is drawn, the accounts are opened, and the clock runs.
//!
//! At one instant: index, decay of the displacement and update of the withdrawal, mark, triggers; then, at a check
//! instant, the venue's work with the book's fills. What a path needs beside its actual run happens at once in the
//! same slot, on the same drawn population: the same shocks with an unlimited fund (fund need) and at infinite depth
//! (cascade amplification).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::fill;
use super::leg::Traded;
use super::stage::{Source, Stage};
use super::tally::{Series, Start, Tally};
use crate::facts::{ContractId, Fact, Observer, Outcome, Sample, Side};
use crate::fault::{Broken, Failure};
use crate::market::book::{Book, Refresh};
use crate::market::flow::Flow;
use crate::market::index::{Address, Feeds, Published};
use crate::market::mark::{MarkRule, Prices};
use crate::market::math;
use crate::market::process::{Draws, Noise};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty};
use crate::rng::{Purpose, Stream};
use crate::scenario::Scenario;
use crate::traders::Population;
use crate::venue::ledger::Telling;
use crate::venue::register::Register;
use crate::venue::rules::Rules;
use crate::venue::{Command, Next, Refused, Venue};

/// What is wanted of a path beside its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub series: Series,
    /// Whether the same path is run at infinite depth too.
    pub pair: Pair,
}

/// Whether a path is run a second time at infinite depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    WithInfiniteDepth,
    Alone,
}

/// A slot that runs one path after another, reusing all memory.
#[derive(Debug)]
pub struct Worker<'s> {
    stage: &'s Stage<'s>,
    outputs: Vec<Nanos>,
    population: Population,
    /// The register while no lane holds it; replaced by the next path where accounts are drawn anew.
    register: Arc<Register>,
    redrawn: u32,
    noise: Noise,
    log_index: Vec<f64>,
    /// Common jumps so far at each grid point; empty where there are none.
    jumped: Vec<f64>,
    /// Exogenous index of each asset at each grid point, ticks.
    index: Vec<Vec<f64>>,
    /// What was drawn for the published index of each asset.
    factors: Vec<Vec<f64>>,
    actual: Lane,
    unlimited: Lane,
    deep: Lane,
}

/// One venue with its books, and its tally.
#[derive(Debug)]
struct Lane {
    venue: Venue,
    books: Vec<Box<dyn Book>>,
    marks: Vec<Box<dyn MarkRule>>,
    tally: Tally,
    assets: Vec<AssetState>,
    published: Vec<Published>,
    /// Row i: what a permanent move of asset i does to each other.
    passage: Vec<Vec<f64>>,
    /// Flow of others in the first asset's book, and of forced orders.
    flow: Flow,
    forced: Flow,
}

/// What changes of an asset during a path.
#[derive(Clone, Copy, Debug, Default)]
struct AssetState {
    /// Permanent part of impact so far, as a log and as a factor.
    permanent: f64,
    factor: f64,
    exogenous: f64,
    index: f64,
    /// Average fill of the last order since the last refresh.
    last: Option<f64>,
}

/// How often series are sampled at most.
const OUTPUT_TIMES: i64 = 240;

/// The output times of a scenario: refresh instants, at most 240 intervals between them, the last at the horizon.
#[must_use]
pub fn output_times(horizon: Nanos, mark_interval: Nanos) -> Vec<Nanos> {
    let refreshes = horizon.0 / mark_interval.0;
    let count = refreshes.clamp(1, OUTPUT_TIMES);
    let mut times: Vec<Nanos> = (0..=count).map(|j| mark_interval * (refreshes * j / count)).collect();
    times.dedup();
    times
}

impl<'s> Worker<'s> {
    #[must_use]
    pub fn new(stage: &'s Stage<'s>) -> Self {
        let scenario = stage.scenario;
        let outputs = output_times(scenario.clock.horizon, scenario.clock.mark_interval);
        let assets = scenario.assets.len();
        let books = || scenario.assets.iter().map(|asset| asset.book.boxed_clone()).collect();
        let deep = || scenario.assets.iter().map(|asset| asset.book.infinitely_deep()).collect();
        let (register, redrawn) = match &stage.population {
            Source::Shared { register, redrawn } => (Arc::clone(register), *redrawn),
            Source::Drawn(_) => (Arc::default(), 0),
        };
        Self {
            stage,
            population: Population::default(),
            register,
            redrawn,
            noise: Noise::default(),
            log_index: Vec::new(),
            jumped: Vec::new(),
            index: vec![Vec::new(); assets],
            factors: vec![Vec::new(); assets],
            actual: Lane::new(stage, &stage.rules, books(), &outputs),
            unlimited: Lane::new(stage, &stage.unlimited, books(), &[]),
            deep: Lane::new(stage, &stage.rules, deep(), &[]),
            outputs,
        }
    }

    /// Times at which series are sampled.
    #[must_use]
    pub fn outputs(&self) -> &[Nanos] {
        &self.outputs
    }

    /// Samples of the last path at the output times, where its series were kept.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        self.actual.tally.samples()
    }

    /// The accounts of the last path as they were at its opening.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// Runs one path. Observers see every fact of the actual run.
    ///
    /// # Errors
    /// Where an invariant breaks or a population cannot be drawn.
    pub fn run(&mut self, path: u64, wanted: Wanted, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Failure> {
        match catch_unwind(AssertUnwindSafe(|| self.attempt(path, wanted, observers))) {
            Ok(result) => result,
            Err(panic) => {
                // What the slot held may be half done.
                *self = Self::new(self.stage);
                let message = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("unknown panic");
                Err(self.broken(path, message))
            }
        }
    }

    /// A broken invariant of a path, with the command that replays it.
    #[must_use]
    pub fn broken(&self, path: u64, message: &str) -> Failure {
        let Stage { scenario, seed, .. } = self.stage;
        let mut replay = format!("flashcrash trace {} --path {path} --seed {seed}", scenario.source.name);
        for setting in &scenario.settings {
            replay.push_str(&format!(" --set '{setting}'"));
        }
        Failure::Broken(Box::new(Broken { path, seed: *seed, message: message.to_owned(), replay }))
    }

    fn attempt(&mut self, path: u64, wanted: Wanted, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Failure> {
        self.draw_accounts(path)?;
        self.draw_index(path);
        let telling = if observers.is_empty() { Telling::Silent } else { Telling::Told };
        let context = Context { stage: self.stage, index: &self.index, factors: &self.factors, path };
        let register = std::mem::take(&mut self.register);
        let open_interest = open_interest(&register, self.stage);

        let (register, mut row) = self
            .actual
            .run(&context, register, wanted.series, telling, observers)
            .map_err(|refused| self.refused(path, &refused))?;
        row.open_interest = open_interest.0;
        row.redrawn = i64::from(self.redrawn);
        let strained = self.actual.venue.was_strained() || self.actual.tally.fund_was_binding();

        let register = if strained {
            let (register, need) = self
                .unlimited
                .run(&context, register, Series::Skip, Telling::Silent, &mut [])
                .map_err(|refused| self.refused(path, &refused))?;
            row.fund_need = need.fund_draw;
            row.fund_need_cash = need.fund_need_cash;
            register
        } else {
            register
        };
        self.register = match wanted.pair {
            Pair::Alone => register,
            Pair::WithInfiniteDepth => {
                let (register, deep) = self
                    .deep
                    .run(&context, register, Series::Skip, Telling::Silent, &mut [])
                    .map_err(|refused| self.refused(path, &refused))?;
                row.infinite_depth_notional = deep.liquidated_notional;
                register
            }
        };
        Ok(row)
    }

    fn refused(&self, path: u64, refused: &Refused) -> Failure {
        self.broken(path, &format!("the venue refused a command: {refused}"))
    }

    fn draw_accounts(&mut self, path: u64) -> Result<(), Failure> {
        match &self.stage.population {
            Source::Shared { register, .. } => self.register = Arc::clone(register),
            Source::Drawn(generated) => {
                self.stage.draw(generated, path, &mut self.population)?;
                self.redrawn = self.population.redrawn;
                // Nobody else holds it between paths, so this is the same memory each time.
                let register = Arc::make_mut(&mut self.register);
                self.stage.register(&mut self.population, register)?;
            }
        }
        Ok(())
    }

    /// The exogenous index of every asset: open · exp(s · log-return).
    fn draw_index(&mut self, path: u64) {
        let Stage { scenario, seed, .. } = self.stage;
        let grid = scenario.clock.grid();
        self.noise.draw(*seed, path, grid, scenario.clock.mark_interval, &scenario.correlation);
        let per_mark = scenario.clock.steps_per_mark();
        if let Some(jump) = &scenario.common_jump {
            self.jumped.resize(grid.steps + 1, 0.0);
            jump.fill(*seed, path, grid, &mut self.jumped);
        }
        self.log_index.resize(grid.steps + 1, 0.0);
        for (a, asset) in (0u32..).zip(&scenario.assets) {
            let at = a as usize;
            let mut stream = Stream::new(*seed, Purpose::Process, (a, 0), path);
            let draws = Draws {
                grid,
                direction: scenario.direction,
                per_mark,
                brownian: self.noise.increments(at),
                stream: &mut stream,
            };
            asset.process.fill(draws, &mut self.log_index);
            let open = asset.open.0 as f64;
            let index = &mut self.index[at];
            index.clear();
            let share = asset.exogenous_share;
            if scenario.common_jump.is_none() {
                index.extend(self.log_index.iter().map(|log| open * math::exp(share * log)));
            } else {
                let jumped = self.log_index.iter().zip(&self.jumped);
                index.extend(jumped.map(|(log, jumped)| open * math::exp(share * log + asset.jump_beta * jumped)));
            }
            if let Some(rule) = &asset.index {
                let address = Address { seed: *seed, path, asset: a, direction: scenario.direction };
                let refreshes = grid.steps / per_mark + 1;
                rule.draw(address, refreshes, scenario.clock.mark_interval, &mut self.factors[at]);
            }
        }
    }
}

/// Open interest: the lots of the heavier side at the opening mark, over all contracts.
fn open_interest(register: &Register, stage: &Stage<'_>) -> Cash {
    register
        .contracts
        .iter()
        .zip(&stage.rules.contracts)
        .map(|(contract, rules)| rules.multiplier.value(contract.long_lots.max(contract.short_lots), contract.open))
        .sum()
}

/// What all lanes of a path share.
struct Context<'a> {
    stage: &'a Stage<'a>,
    index: &'a [Vec<f64>],
    factors: &'a [Vec<f64>],
    path: u64,
}

impl Lane {
    fn new(stage: &Stage<'_>, rules: &Arc<Rules>, books: Vec<Box<dyn Book>>, outputs: &[Nanos]) -> Self {
        let multipliers: Vec<Multiplier> = rules.contracts.iter().map(|contract| contract.multiplier).collect();
        Self {
            venue: Venue::new(Arc::clone(rules)),
            marks: stage.scenario.assets.iter().map(|asset| asset.mark.boxed_clone()).collect(),
            tally: Tally::new(&multipliers, outputs),
            assets: vec![AssetState::default(); books.len()],
            published: vec![Published::default(); books.len()],
            passage: stage.scenario.passage(),
            flow: Flow::default(),
            forced: Flow::default(),
            books,
        }
    }

    fn run(
        &mut self,
        context: &Context<'_>,
        register: Arc<Register>,
        series: Series,
        telling: Telling,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(Arc<Register>, Outcome), Refused> {
        let scenario = context.stage.scenario;
        let clock = scenario.clock;
        self.open(context, register, series, telling, observers);
        let (mut refresh, mut check) = (Nanos::ZERO, Nanos::ZERO);
        loop {
            let now = refresh.min(check);
            if now > clock.horizon {
                break;
            }
            if now == refresh {
                self.refresh(context, now, observers)?;
                refresh += clock.mark_interval;
            }
            if now == check {
                if !self.venue.is_idle() {
                    self.check(context, now, observers)?;
                }
                check += clock.check_interval;
            }
        }
        let horizon_mark = self.value_inventory(context);
        self.venue.facts().push(Fact::Horizon { horizon_mark });
        self.tell(clock.horizon, observers);
        let row = self.tally.finish();
        Ok((self.venue.release(), row))
    }

    fn open(
        &mut self,
        context: &Context<'_>,
        register: Arc<Register>,
        series: Series,
        telling: Telling,
        observers: &mut [&mut dyn Observer],
    ) {
        let scenario = context.stage.scenario;
        for ((book, mark), (state, asset)) in
            self.books.iter_mut().zip(&mut self.marks).zip(self.assets.iter_mut().zip(&scenario.assets))
        {
            let open = asset.open.0 as f64;
            *state = AssetState { permanent: 0.0, factor: 1.0, exogenous: open, index: open, last: None };
            book.reset(open, asset.multiplier.0 as f64 * scenario.cash_unit.to_f64());
            mark.reset();
        }
        for (published, asset) in self.published.iter_mut().zip(&scenario.assets) {
            published.reset(asset.open.0 as f64);
        }
        (self.flow, self.forced) = (Flow::default(), Flow::default());
        let price = scenario.assets.first().map_or(Price::ZERO, |asset| asset.open);
        let fund = self.venue.open(register, telling);
        self.tally.begin(Start { path: context.path, fund, price, series, direction: scenario.direction });
        self.tell(Nanos::ZERO, observers);
    }

    /// A mark refresh: index, decay, withdrawal, mark, triggers.
    fn refresh(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), Refused> {
        let scenario = context.stage.scenario;
        let elapsed_s = if now.is_zero() { 0.0 } else { scenario.clock.mark_interval.seconds() };
        let before = self.assets.first().map_or(0.0, |state| state.exogenous);
        self.move_index(context, now);
        if let (Some(state), Some(background)) =
            (self.assets.first(), scenario.assets.first().and_then(|asset| asset.background))
        {
            self.flow.add(background, elapsed_s, before, state.exogenous);
            self.count_flow(scenario);
        }
        for c in 0..self.books.len() {
            let passed = self.books[c].refresh(Refresh { elapsed_s, index: self.assets[c].index });
            self.pass(c, passed);
        }
        for c in 0..self.books.len() {
            let book = &self.books[c];
            let index = self.assets[c].index;
            let mid = book.mid(index);
            let (bid, ask) = book.touch(index);
            let last = self.assets[c].last.take().unwrap_or(mid);
            let index = self.published_index(context, now, c, mid);
            let mark = self.marks[c].mark(Prices { elapsed_s, index, mid, bid, ask, last });
            let contract = contract_id(c);
            self.tell_price(contract);
            let mark = on_tick(mark);
            self.venue.facts().push(Fact::Marked { contract, mark });
            self.venue.apply(Command::Mark { now, contract, mark })?;
        }
        if let Some(book) = self.books.first() {
            let left = Price::nearest(book.depth_left() * 1e9).map_or(0, |share| share.0);
            self.tally.depth_left(now, left);
        }
        self.tell(now, observers);
        Ok(())
    }

    /// Lets a permanent move of one asset's log index enter its own and those of the others.
    fn pass(&mut self, from: usize, passed: f64) {
        if passed == 0.0 {
            return;
        }
        for (state, share) in self.assets.iter_mut().zip(&self.passage[from]) {
            if *share != 0.0 {
                state.permanent += share * passed;
                state.factor = math::exp(state.permanent);
                state.index = state.exogenous * state.factor;
            }
        }
    }

    /// The index that the venue publishes for an asset, given the mid of its own book.
    fn published_index(&mut self, context: &Context<'_>, now: Nanos, c: usize, own: f64) -> f64 {
        let scenario = context.stage.scenario;
        let Some(rule) = &scenario.assets[c].index else { return self.assets[c].index };
        let at = |interval: Nanos| usize::try_from(now.0 / interval.0).expect("time is never negative");
        let feeds = Feeds {
            refresh: at(scenario.clock.mark_interval),
            now,
            factors: &context.factors[c],
            exogenous: &context.index[c][..=at(scenario.clock.step)],
            step: scenario.clock.step,
            permanent: self.assets[c].factor,
            own,
        };
        self.published[c].refresh(rule, feeds)
    }

    /// Tells the tally what was traded in the first asset's book so far, where the flow of others is given.
    fn count_flow(&mut self, scenario: &Scenario) {
        if scenario.assets.first().is_none_or(|asset| asset.background.is_none()) {
            return;
        }
        let cash = |amount: f64| {
            Cash::floor(amount / scenario.cash_unit.to_f64())
                .unwrap_or_else(|| panic!("overflow: a volume of {amount}"))
        };
        let forced = cash(self.forced.volume);
        self.tally.traded(Traded {
            volume: cash(self.flow.volume) + forced,
            sells: cash(self.flow.sells) + cash(self.forced.sells),
            forced,
        });
    }

    /// The venue's work at a check instant.
    fn check(&mut self, context: &Context<'_>, now: Nanos, observers: &mut [&mut dyn Observer]) -> Result<(), Refused> {
        self.move_index(context, now);
        let mut next = self.venue.apply(Command::Check { now })?;
        while let Next::Order(order) = next {
            self.tell(now, observers);
            let c = usize::from(order.contract);
            let k = context.stage.rules.contracts[c].multiplier;
            let state = &mut self.assets[c];
            let fill = fill::execute(&order, self.books[c].as_mut(), state.index, k);
            if !fill.lots.is_zero() {
                state.last = Some(fill.cash.0 as f64 / (fill.lots.0 as f64 * k.0 as f64));
            }
            if c == 0 {
                let amount = fill.cash.0 as f64 * context.stage.scenario.cash_unit.to_f64();
                self.forced.trade(fill::taker(order.side), amount);
                self.count_flow(context.stage.scenario);
            }
            next = self.venue.apply(Command::Fill(fill))?;
            self.tell_price(order.contract);
        }
        self.tell(now, observers);
        Ok(())
    }

    /// The index at the last grid point that is not after `now`.
    fn move_index(&mut self, context: &Context<'_>, now: Nanos) {
        let step = context.stage.scenario.clock.step;
        let at = usize::try_from(now.0 / step.0).expect("time is never negative");
        for (state, index) in self.assets.iter_mut().zip(context.index) {
            state.exogenous = index[at];
            state.index = state.exogenous * state.factor;
        }
    }

    fn tell_price(&mut self, contract: ContractId) {
        let c = usize::from(contract);
        let state = self.assets[c];
        let traded = on_tick(self.books[c].mid(state.index));
        let fact =
            Fact::Priced { contract, index_exogenous: on_tick(state.exogenous), index: on_tick(state.index), traded };
        self.venue.facts().push(fact);
    }

    fn tell(&mut self, now: Nanos, observers: &mut [&mut dyn Observer]) {
        let facts = self.venue.facts();
        if facts.is_empty() {
            return;
        }
        self.tally.see(now, facts);
        for observer in observers {
            observer.see(now, facts);
        }
        facts.clear();
    }

    /// The engine's inventory at the cost of walking the book now; lots beyond its capacity at the price of its last lot.
    fn value_inventory(&self, context: &Context<'_>) -> Cash {
        let mut total = Cash::ZERO;
        for (c, book) in self.books.iter().enumerate() {
            let contract = contract_id(c);
            let k = context.stage.rules.contracts[c].multiplier;
            let index = self.assets[c].index;
            for side in [Side::Long, Side::Short] {
                let tickets = self.venue.tickets(contract).filter(|(qty, _)| Side::of(*qty) == side);
                let (mut lots, mut cost) = (Qty::ZERO, Cash::ZERO);
                for (qty, tick) in tickets {
                    lots += qty.abs();
                    cost += k.value(qty.abs(), tick);
                }
                if lots.is_zero() {
                    continue;
                }
                let taker = fill::taker(side);
                let within = lots.0.min(book.capacity(index, taker)).max(0);
                let mut value = book.quote(index, taker, within);
                if within < lots.0 {
                    let last = if within > 0 { value - book.quote(index, taker, within - 1) } else { book.mid(index) };
                    value += last * (lots.0 - within) as f64;
                }
                let worth = fill::cash(taker, value, k);
                total += match side {
                    Side::Long => worth - cost,
                    Side::Short => cost - worth,
                };
            }
        }
        total
    }
}

fn contract_id(c: usize) -> ContractId {
    ContractId::try_from(c).expect("contracts are numbered in 16 bits")
}

/// The nearest tick, at least one.
fn on_tick(price: f64) -> Price {
    let tick = Price::nearest(price).unwrap_or_else(|| panic!("overflow: a price of {price} ticks"));
    tick.max(Price(1))
}
