//! A path: the index is drawn, the accounts are opened, and the clock runs.
//!
//! At one instant: index, decay of the displacement and update of the withdrawal, mark, triggers; then, at a check
//! instant, the venue's work with the book's fills. What a path needs beside its actual run happens at once in the
//! same slot, on the same drawn population: the same shocks with an unlimited fund (fund need) and at infinite depth
//! (cascade amplification).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

mod behave;
mod carry;
mod draw;
mod index;
mod serve;
mod volatility;

use index::AssetState;

use super::fill;
use super::leg::Traded;
use super::people::{Cast, Listeners, Play};
use super::stage::{Source, Stage};
use super::tally::{Series, Start, Tally};
use super::tilt::weight;
use crate::facts::{ContractId, Fact, Observer, Outcome, Sample, Side};
use crate::fault::{Broken, Failure, command};
use crate::market::book::{Book, Refresh, Taker};
use crate::market::flow::{self, Flow};
use crate::market::funding::{Accrual, FundingRule};
use crate::market::index::Published;
use crate::market::mark::{MarkRule, Prices};
use crate::market::process::{Leant, Noise, Tiltable};
use crate::market::volatility::Realised;
use crate::money::{Cash, Multiplier, Nanos, Price, Qty};
use crate::scenario::Scenario;
use crate::traders::Population;
use crate::venue::ledger::Telling;
use crate::venue::margin::Tiers;
use crate::venue::register::Register;
use crate::venue::rules::Rules;
use crate::venue::{Command, Refused, Venue};

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

/// What other runs have shown of a path, as far as it is the same in this one: parts of its row that are not run again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its `fund_need` and `fund_need_cash`.
    pub need: Option<(i64, i64)>,
    /// Liquidated notional at infinite depth, and the cash needed of the fund there.
    pub deep: Option<(i64, i64)>,
}

/// How a path of importance sampling was drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaning {
    /// Whether it was drawn from the tilted law, or from the original one.
    pub is_tilted: bool,
    /// For each thing that is tilted the statistic of its law (see [`Leant`]).
    pub statistics: [Option<f64>; Tiltable::ALL.len()],
}

/// Accounts and prices of a path, drawn and not yet run: what runs under other rules may have in common.
#[derive(Debug, Default)]
pub struct Drawn {
    register: Arc<Register>,
    redrawn: u32,
    index: Vec<Vec<f64>>,
    factors: Vec<Vec<f64>>,
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
    /// Who does what of their own accord on this path.
    cast: Cast,
    listeners: Listeners,
    /// What the last path has shown that is so under every fund.
    shown: Known,
    /// How far the last path that was drawn under a tilt lies from the original law.
    leant: Leant,
    noise: Noise,
    log_index: Vec<f64>,
    /// Common jumps so far at each grid point; empty where there are none.
    jumped: Vec<f64>,
    /// Exogenous index of each asset at each grid point, ticks.
    index: Vec<Vec<f64>>,
    /// What was drawn for the published index of each asset.
    factors: Vec<Vec<f64>>,
    /// What each book's depth is multiplied by on this path.
    depth_factors: Vec<f64>,
    /// Net flow of others that moves no price, a minute each; empty where there is none.
    imbalance: Vec<f64>,
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
    needs_index: bool,
    play: Play,
    published: Vec<Published>,
    /// Row i: what a permanent move of asset i does to each other.
    passage: Vec<Vec<f64>>,
    /// Flow of others in the first asset's book, and of forced orders.
    flow: Flow,
    forced: Flow,
    /// Premium and remainders of funding, by contract, and the rule with its cap.
    funding: Vec<Accrual>,
    funding_rules: Vec<FundingRule>,
    /// When funding falls due next; never where there is none.
    funding_due: Nanos,
    /// Orders that will come next, by contract.
    ahead: Vec<Vec<(Taker, i64)>>,
    /// The instant that the index stands at.
    now: Nanos,
    /// Realised volatility by contract, over a window where the rule book has one.
    realised: Vec<Realised>,
    window: Option<Nanos>,
    until: Until,
}

/// How far a lane runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Horizon,
    /// Its fund is exhausted and lots are deleveraged.
    Decided,
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
            cast: Cast::default(),
            listeners: Listeners::default(),
            shown: Known::default(),
            leant: Leant::default(),
            noise: Noise::default(),
            log_index: Vec::new(),
            jumped: Vec::new(),
            index: vec![Vec::new(); assets],
            factors: vec![Vec::new(); assets],
            depth_factors: vec![1.0; assets],
            imbalance: Vec::new(),
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

    /// What the last path has shown that is the same under another fund: its need, and what happens at infinite depth
    /// unless that was not run or the fund was in the way there.
    #[must_use]
    pub fn shown(&self) -> Known {
        self.shown
    }

    /// Draws a path without running it.
    ///
    /// # Errors
    /// As for [`Worker::run`].
    pub fn draw(&mut self, path: u64) -> Result<Drawn, Failure> {
        self.guarded(path, |worker| {
            worker.draw_accounts(path, None)?;
            worker.draw_index(path, None);
            Ok(worker.lend())
        })
    }

    /// Runs a path on what a worker of another stage has drawn for it, and hands that back.
    ///
    /// # Errors
    /// As for [`Worker::run`].
    pub fn run_drawn(
        &mut self,
        path: u64,
        drawn: Drawn,
        wanted: Wanted,
        known: Known,
    ) -> Result<(Outcome, Drawn), Failure> {
        self.take(drawn);
        let row = self.guarded(path, |worker| worker.play(path, wanted, known, &mut []))?;
        Ok((row, self.lend()))
    }

    /// Takes back what it has drawn, so that the next path is drawn into the same memory.
    pub fn take(&mut self, drawn: Drawn) {
        let Drawn { register, redrawn, index, factors } = drawn;
        (self.register, self.redrawn, self.index, self.factors) = (register, redrawn, index, factors);
    }

    /// What a path of a tilted stage looks like, without running it.
    ///
    /// # Errors
    /// As for [`Worker::run`].
    pub fn leaning(&mut self, path: u64) -> Result<Leaning, Failure> {
        let tilt = self.stage.tilt.map(|tilt| tilt.draw(self.stage.seed, path));
        self.guarded(path, |worker| {
            worker.draw_index(path, tilt);
            Ok(Leaning { is_tilted: tilt.is_some_and(|tilt| tilt.is_tilted()), statistics: worker.leant.statistics })
        })
    }

    fn lend(&mut self) -> Drawn {
        Drawn {
            register: std::mem::take(&mut self.register),
            redrawn: self.redrawn,
            index: std::mem::take(&mut self.index),
            factors: std::mem::take(&mut self.factors),
        }
    }

    /// The accounts of the last path as they were at its opening.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// Draws the accounts of a path without running it, or hands out those that all paths share.
    ///
    /// # Errors
    /// Where a population cannot be drawn.
    pub fn accounts(&mut self, path: u64) -> Result<&Register, Failure> {
        self.draw_accounts(path, None)?;
        Ok(&self.register)
    }

    /// Runs one path. Observers see every fact of the actual run.
    ///
    /// # Errors
    /// Where an invariant breaks or a population cannot be drawn.
    pub fn run(&mut self, path: u64, wanted: Wanted, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Failure> {
        self.guarded(path, |worker| worker.attempt(path, wanted, observers))
    }

    /// Whatever panics within becomes a broken path.
    fn guarded<T>(&mut self, path: u64, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
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
        let Stage { scenario, seed, tilt, .. } = self.stage;
        let settings: Vec<String> = scenario.settings.iter().map(ToString::to_string).collect();
        let named = command::scenario(&scenario.source.name, &settings);
        let mut replay = format!("flashcrash trace {named} --path {path} --seed {seed}");
        if let Some(tilt) = tilt {
            replay.push_str(&format!(" --tilt={tilt}"));
        }
        Failure::Broken(Box::new(Broken { path, seed: *seed, message: message.to_owned(), replay }))
    }

    fn attempt(&mut self, path: u64, wanted: Wanted, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Failure> {
        let tilt = self.stage.tilt.map(|tilt| tilt.draw(self.stage.seed, path));
        let ratio = self.draw_accounts(path, tilt)? * self.draw_index(path, tilt);
        let row = self.play(path, wanted, Known::default(), observers)?;
        Ok(Outcome { weight: tilt.map(|_| weight(ratio)), ..row })
    }

    /// Runs what was drawn.
    fn play(
        &mut self,
        path: u64,
        wanted: Wanted,
        known: Known,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Outcome, Failure> {
        self.draw_market(path);
        // Behaviours wait for trades of accounts.
        let unheard = if self.stage.troupe.listens() { Telling::Overheard } else { Telling::Counted };
        let telling = if observers.is_empty() { unheard } else { Telling::Told };
        self.listeners.draw(&self.stage.troupe, path, &self.register);
        let context = Context {
            stage: self.stage,
            listeners: &self.listeners,
            index: &self.index,
            factors: &self.factors,
            depth_factors: &self.depth_factors,
            imbalance: &self.imbalance,
            path,
        };
        let register = std::mem::replace(&mut self.register, self.actual.venue.release());
        let open_interest = open_interest(&register, self.stage);
        self.cast.draw(&self.stage.troupe, path, &register);

        let (register, mut row) = self
            .actual
            .run(&context, &mut self.cast, register, wanted.series, telling, observers)
            .map_err(|refused| self.refused(path, &refused))?;
        row.open_interest = open_interest.0;
        row.redrawn = i64::from(self.redrawn);
        let strained = self.actual.venue.was_strained() || self.actual.tally.fund_was_binding();

        let register = match known.need {
            _ if !strained => register,
            Some(need) => {
                (row.fund_need, row.fund_need_cash) = need;
                register
            }
            None => {
                let (register, need) = self
                    .unlimited
                    .run(&context, &mut self.cast, register, Series::Skip, unheard, &mut [])
                    .map_err(|refused| self.refused(path, &refused))?;
                (row.fund_need, row.fund_need_cash) = (need.fund_draw, need.fund_need_cash);
                row.fall_fund = need.fall_fund;
                register
            }
        };
        self.shown = Known { need: Some((row.fund_need, row.fund_need_cash)), deep: None };
        self.register = match (wanted.pair, known.deep) {
            (Pair::Alone, _) => register,
            (Pair::WithInfiniteDepth, Some(deep)) => {
                row.infinite_depth_notional = deep.0;
                self.shown.deep = Some(deep);
                register
            }
            (Pair::WithInfiniteDepth, None) => {
                let (register, deep) = self
                    .deep
                    .run(&context, &mut self.cast, register, Series::Skip, unheard, &mut [])
                    .map_err(|refused| self.refused(path, &refused))?;
                row.infinite_depth_notional = deep.liquidated_notional;
                let bound = self.deep.venue.was_strained() || self.deep.tally.fund_was_binding();
                self.shown.deep = (!bound).then_some((deep.liquidated_notional, deep.fund_need_cash));
                register
            }
        };
        Ok(row)
    }

    fn refused(&self, path: u64, refused: &Refused) -> Failure {
        self.broken(path, &format!("the venue refused a command: {refused}"))
    }
}

/// Open interest: the lots of the heavier side at the opening mark, over all contracts; tokens held are none.
fn open_interest(register: &Register, stage: &Stage<'_>) -> Cash {
    register
        .contracts
        .iter()
        .zip(&stage.rules.contracts)
        .filter(|(_, rules)| !rules.tiers.are_haircuts())
        .map(|(contract, rules)| rules.multiplier.notional(contract.long_lots.max(contract.short_lots), contract.open))
        .sum()
}

/// What all lanes of a path share.
struct Context<'a> {
    stage: &'a Stage<'a>,
    listeners: &'a Listeners,
    index: &'a [Vec<f64>],
    factors: &'a [Vec<f64>],
    depth_factors: &'a [f64],
    imbalance: &'a [f64],
    path: u64,
}

impl Lane {
    fn new(stage: &Stage<'_>, rules: &Arc<Rules>, books: Vec<Box<dyn Book>>, outputs: &[Nanos]) -> Self {
        let multipliers: Vec<Multiplier> = rules.contracts.iter().map(|contract| contract.multiplier).collect();
        Self {
            venue: Venue::new(Arc::clone(rules)),
            marks: stage.scenario.assets.iter().map(|asset| asset.mark.boxed_clone()).collect(),
            // The unlimited fund has no such rule, and is the one that tells.
            tally: Tally::new(&multipliers, outputs).watching(stage.rules.waterfall.fund.drawdown),
            assets: vec![AssetState::default(); books.len()],
            published: vec![Published::default(); books.len()],
            passage: stage.scenario.passage(),
            flow: Flow::default(),
            funding: vec![Accrual::default(); books.len()],
            funding_rules: stage.scenario.funding.map_or_else(Vec::new, |rule| {
                let capped =
                    |tiers: &Tiers| rule.of_margin(tiers.initial_rate().to_f64(), tiers.tiers()[0].rate.to_f64());
                stage.rules.contracts.iter().map(|of| capped(&of.tiers)).collect()
            }),
            funding_due: Nanos::MAX,
            realised: vec![Realised::default(); books.len()],
            window: rules.dynamic.as_ref().map(|dynamic| dynamic.window),
            until: Until::Horizon,
            play: Play::default(),
            needs_index: rules.needs_index(),
            forced: Flow::default(),
            ahead: vec![Vec::new(); books.len()],
            now: Nanos::ZERO,
            books,
        }
    }

    fn run(
        &mut self,
        context: &Context<'_>,
        cast: &mut Cast,
        register: Arc<Register>,
        series: Series,
        telling: Telling,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(Arc<Register>, Outcome), Refused> {
        let scenario = context.stage.scenario;
        let clock = scenario.clock;
        let telling = if self.tally.watches_postings() { telling.max(Telling::Silent) } else { telling };
        self.open(context, register, series, telling, observers);
        let (mut refresh, mut check) = (Nanos::ZERO, Nanos::ZERO);
        loop {
            let now = refresh.min(check);
            if now > clock.horizon || (self.until == Until::Decided && self.tally.is_decided()) {
                break;
            }
            if now == refresh {
                self.refresh(context, now, observers)?;
                self.behave(context, cast, now, observers)?;
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
        self.tell(context, clock.horizon, observers);
        let row =
            if self.venue.is_heard() { self.tally.finish() } else { self.tally.finish_with(self.venue.counted()) };
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
        let books = self.books.iter_mut().zip(context.depth_factors);
        for (((book, factor), mark), (state, asset)) in
            books.zip(&mut self.marks).zip(self.assets.iter_mut().zip(&scenario.assets))
        {
            let open = asset.open.0 as f64;
            *state = AssetState::at(asset.open);
            book.set_depth_factor(*factor);
            book.reset(open, asset.reference);
            mark.reset();
        }
        for (published, asset) in self.published.iter_mut().zip(&scenario.assets) {
            published.reset(asset.open.0 as f64);
        }
        (self.flow, self.forced) = (Flow::default(), Flow::default());
        self.funding.fill(Accrual::default());
        self.funding_due = scenario.funding.map_or(Nanos::MAX, |rule| rule.interval);
        self.realised.iter_mut().for_each(Realised::reset);
        let price = scenario.assets.first().map_or(Price::ZERO, |asset| asset.open);
        let fund = self.venue.open(register, telling);
        self.now = Nanos(-1);
        self.tally.begin(Start { path: context.path, fund, price, series, direction: scenario.direction });
        self.play.begin(&context.stage.troupe, context.path);
        self.tell(context, Nanos::ZERO, observers);
    }

    /// A mark refresh: index, decay, withdrawal, mark, triggers.
    fn refresh(
        &mut self,
        context: &Context<'_>,
        now: Nanos,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), Refused> {
        let scenario = context.stage.scenario;
        let interval = scenario.clock.mark_interval;
        let elapsed_s = if now.is_zero() { 0.0 } else { interval.seconds() };
        let before = self.assets.first().map_or(0.0, |state| state.exogenous);
        self.venue.tell_interruptions((!now.is_zero()).then(|| now - interval), now);
        self.dislocate(context, now);
        self.move_index(context, now);
        if let (Some(state), Some(background), Some(book)) = (
            self.assets.first(),
            scenario.assets.first().and_then(|asset| asset.background.as_ref()),
            self.books.first(),
        ) {
            let passed = flow::Interval {
                elapsed_s,
                before,
                after: state.exogenous,
                depth_factor: context.depth_factors.first().copied().unwrap_or(1.0),
                depth_left: if background.thinning == 0.0 { 1.0 } else { book.depth_left() },
                imbalance: flow::of_minute(context.imbalance, (now - interval).max(Nanos::ZERO)),
            };
            self.flow.add(background, passed);
            self.count_flow(scenario);
        }
        self.fund(context, now)?;
        self.note_volatility(now)?;
        for c in 0..self.books.len() {
            // A book that stands still is refreshed when it trades again.
            if self.venue.is_halted(contract_id(c), now) {
                continue;
            }
            let elapsed_s = (now - self.assets[c].refreshed).seconds();
            self.assets[c].refreshed = now;
            let passed = self.books[c].refresh(Refresh { elapsed_s, index: self.assets[c].index });
            self.pass(c, passed);
        }
        for c in 0..self.books.len() {
            let contract = contract_id(c);
            if self.venue.is_halted(contract, now) {
                self.tell_standing(contract);
                continue;
            }
            let book = &self.books[c];
            let index = self.assets[c].index;
            let mid = book.mid(index);
            let (bid, ask) = if self.marks[c].looks_at_touch() { book.touch(index) } else { (mid, mid) };
            let k = context.stage.rules.contracts[c].multiplier;
            let last = self.assets[c].last.take().map_or(mid, |(lots, cash)| k.average(lots, cash));
            let index = self.published_index(context, now, c, mid);
            let mark = self.marks[c].mark(Prices { elapsed_s, index, mid, bid, ask, last });
            self.tell_price(contract);
            let mark = on_tick(mark);
            if let Some(accrual) = self.funding.get_mut(c).filter(|_| scenario.funding.is_some()) {
                accrual.note(mid, index);
            }
            if self.needs_index {
                self.venue.apply(Command::Index { now, contract, index: on_tick(index) })?;
            }
            self.tell_mark(contract, mark);
            self.venue.marked(now, contract, mark)?;
        }
        self.venue.refreshed(now)?;
        if let Some(book) = self.books.first() {
            let billionths = |share: f64| Price::nearest(share * 1e9).map_or(0, |share| share.0);
            if self.tally.wants_depth(billionths(book.least_depth_left())) {
                self.tally.depth_left(now, billionths(book.depth_left()));
            }
        }
        self.tell(context, now, observers);
        Ok(())
    }

    /// Funding that falls due at this instant, at the marks of the last refresh.
    fn fund(&mut self, context: &Context<'_>, now: Nanos) -> Result<(), Refused> {
        if now < self.funding_due {
            return Ok(());
        }
        for c in 0..self.funding.len() {
            let (contract, rules) = (contract_id(c), &context.stage.rules.contracts[c]);
            let (accrual, rule) = (&mut self.funding[c], &self.funding_rules[c]);
            self.funding_due = now + rule.interval;
            if rules.tiers.are_haircuts() {
                continue;
            }
            let lot = rules.multiplier.notional(Qty(1), self.venue.mark_of(contract));
            let per_lot =
                accrual.pay(rule, lot.0 as f64).unwrap_or_else(|| panic!("overflow: funding on {lot:?} a lot"));
            self.venue.funded(now, contract, per_lot)?;
        }
        Ok(())
    }

    /// Tells the tally what was traded in the first asset's book so far, where the flow of others is given.
    fn count_flow(&mut self, scenario: &Scenario) {
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
                    cost += k.value(qty, tick);
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
                let qty = if side == Side::Long { -lots } else { lots };
                total += -k.signed(qty, fill::cash(taker, lots.0, value, k)) - cost;
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
