//! Chosen paths in full, replayed after the last path: which ones, and what is kept of each.
//!
//! A replay is the same path with a recording beside it, so it costs a path and the memory of its facts, one at a time.

mod margins;

use std::collections::BTreeMap;
use std::io::{self, Write};

use rust_decimal::prelude::ToPrimitive;

use margins::Margins;

use super::pair_of;
use crate::facts::{AccountId, Fact, Outcome, Party, Sample, Side, Via, Why};
use crate::fault::Failure;
use crate::folder::trace::{ASKED, Deleveraged, Frames, LiquidationMap, Queued, Story};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty, Quantum};
use crate::sim::path::{Pair, Wanted, Worker};
use crate::sim::stage::Stage;
use crate::sim::tally::Series;
use crate::sim::trace::Legend;
use crate::sim::trace::recording::Recording;
use crate::sim::trace::story::{self, stories};
use crate::stats::histogram::Histogram;
use crate::stats::quantile::{Selector, Share};
use crate::venue::register::Register;
use crate::venue::rules::Rules;

/// Stories kept of a path; the page shows as many of them as fit.
const STORIES: usize = 2_000;
/// Of these, the first accounts in the order of time.
const FIRST_STORIES: usize = 200;
/// Positions shown as nearest to liquidation.
const QUEUE: usize = 8;

/// Picks the paths that a reader wants to see, from the rows as they come.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    worst: Option<(i64, u64)>,
    first_adl: Option<u64>,
}

impl Choice {
    pub fn see(&mut self, row: &Outcome) {
        // Of equals the first, whatever order they come in.
        let worse = |(need, path): (i64, u64)| row.fund_need > need || (row.fund_need == need && row.path < path);
        if self.worst.is_none_or(worse) {
            self.worst = Some((row.fund_need, row.path));
        }
        if row.adl_events > 0 && self.first_adl.is_none_or(|path| row.path < path) {
            self.first_adl = Some(row.path);
        }
    }

    /// The path with the worst fund need; none where no path was run.
    #[must_use]
    pub fn worst(&self) -> Option<u64> {
        self.worst.map(|(_, path)| path)
    }

    /// The chosen paths with the reasons for each. `need` holds the fund need of every row; `read` shows every row
    /// again and is called twice or more.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn finish<E>(
        &self,
        need: &Histogram,
        asked: &[u64],
        read: impl Fn(&mut dyn FnMut(&Outcome)) -> Result<(), E>,
    ) -> Result<BTreeMap<u64, Vec<String>>, E> {
        let mut chosen: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let mut choose = |path: Option<u64>, role: &str| {
            if let Some(path) = path {
                chosen.entry(path).or_default().push(role.to_owned());
            }
        };
        let rank = Share::percent(50).rank(need.count());
        let mut selector = Selector::new(need, &[rank]);
        loop {
            read(&mut |row| selector.see(row.fund_need))?;
            if selector.is_settled() {
                break;
            }
        }
        let mut median: Option<u64> = None;
        if let Some(value) = selector.value(rank) {
            read(&mut |row| {
                if row.fund_need == value && median.is_none_or(|path| row.path < path) {
                    median = Some(row.path);
                }
            })?;
        }
        choose(self.worst.map(|(_, path)| path), "worst fund need");
        choose(median, "median fund need");
        choose(self.first_adl, "first with ADL");
        for &path in asked {
            choose(Some(path), ASKED);
        }
        Ok(chosen)
    }

    /// The same of weighted paths, where the median path is not that of the crashes.
    #[must_use]
    pub fn of_weighted(&self, asked: &[u64]) -> BTreeMap<u64, Vec<String>> {
        let mut chosen: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let named = [(self.worst.map(|(_, path)| path), "worst fund need"), (self.first_adl, "first with ADL")];
        let named = named.into_iter().chain(asked.iter().map(|&path| (Some(path), ASKED)));
        for (path, role) in named {
            if let Some(path) = path {
                chosen.entry(path).or_default().push(role.to_owned());
            }
        }
        chosen
    }
}

/// One path in full.
#[derive(Debug)]
pub struct Replay {
    pub frames: Frames,
    pub stories: Vec<Story>,
    recording: Recording,
    legend: Legend,
    seed: u64,
    row: Outcome,
}

impl Replay {
    /// Runs a path again and keeps what can be shown of it.
    ///
    /// # Errors
    /// As for a path.
    pub fn run(worker: &mut Worker<'_>, stage: &Stage<'_>, path: u64, roles: Vec<String>) -> Result<Self, Failure> {
        let mut recording = Recording::default();
        // As in a run, so that the totals are those of its row.
        let wanted = Wanted { series: Series::Keep, pair: pair_of(stage, path) };
        let row = worker.run(path, wanted, &mut [&mut recording])?;
        let legend = Legend::of(stage.scenario, stage.account_names());
        let mut film = Film::new(stage, worker.register());
        let mut frames = film.frames(&recording, worker.outputs(), worker.samples());
        (frames.path, frames.roles) = (path, roles);
        frames.fund_need = film.money(Cash(row.fund_need));
        frames.names.clone_from(&legend.accounts);
        let stories = told(&stage.scenario.rules, &legend, &recording, worker.register(), &film);
        Ok(Self { frames, stories, recording, legend, seed: stage.seed, row })
    }

    /// Writes the log of the path.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_log(&self, out: &mut dyn Write) -> io::Result<()> {
        let touched = self.recording.touched();
        self.recording.write_log(out, &self.legend, self.seed, &self.row, &touched).map(|_| ())
    }
}

/// The story of one account of a path, for the terminal: its name and the sentences with their times.
///
/// # Errors
/// As for a path.
pub fn story(stage: &Stage<'_>, path: u64, account: AccountId) -> Result<Option<story::Story>, Failure> {
    let mut worker = Worker::new(stage);
    let mut recording = Recording::default();
    worker.run(path, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut recording])?;
    let legend = Legend::of(stage.scenario, stage.account_names());
    let register = worker.register();
    let (mut told, _) = stories(&legend, &recording, &[account], &|account, contract| {
        margins::stance(&stage.scenario.rules, register, account, contract)
    });
    Ok(told.pop())
}

/// The stories kept of a path: the venue's, those of deleveraged winners, of the first losers, then of the largest.
fn told(rules: &Rules, legend: &Legend, recording: &Recording, register: &Register, film: &Film<'_>) -> Vec<Story> {
    let mut first: Vec<AccountId> = Vec::new();
    let mut size: BTreeMap<AccountId, (i64, i64)> = BTreeMap::new();
    for fact in recording.batches().iter().flat_map(|(_, facts)| facts) {
        match *fact {
            Fact::Breached { account, .. } if first.len() < FIRST_STORIES && !first.contains(&account) => {
                first.push(account);
            }
            Fact::OrderClosed { account, disposal, .. } => {
                size.entry(account).or_default().0 +=
                    (disposal.to_book + disposal.to_adl + disposal.to_engine + disposal.to_backstop).0;
            }
            Fact::Deleveraged { account, notional, .. } => size.entry(account).or_default().1 += notional.0,
            _ => {}
        }
    }
    let small = register.holdings.wallet.len() <= STORIES.min(200);
    let mut order: Vec<AccountId> = Vec::new();
    if small {
        // A class wants to read of everybody, those whom nothing befell included.
        order.extend((0..).take(register.holdings.wallet.len()));
    } else {
        let mut winners: Vec<(i64, AccountId)> =
            size.iter().filter(|(_, size)| size.1 > 0).map(|(&id, size)| (-size.1, id)).collect();
        winners.sort_unstable();
        order.extend(winners.iter().take(STORIES / 2).map(|&(_, id)| id));
        order.extend(first);
        let mut losers: Vec<(i64, AccountId)> = size.iter().map(|(&id, size)| (-size.0, id)).collect();
        losers.sort_unstable();
        order.extend(losers.iter().map(|&(_, id)| id));
    }
    let mut seen = std::collections::BTreeSet::new();
    order.retain(|&id| seen.insert(id));
    order.truncate(STORIES);
    let (told, venue) =
        stories(legend, recording, &order, &|account, contract| margins::stance(rules, register, account, contract));
    let events =
        |events: &[(Nanos, String)]| events.iter().map(|(at, text)| (at.0 as f64 / 1e9, text.clone())).collect();
    let venue =
        Story { account: None, name: "venue".into(), liquidated: 0.0, deleveraged: 0.0, events: events(&venue) };
    let mut all = vec![venue];
    all.extend(told.iter().map(|story| Story {
        account: Some(story.account),
        name: story.name.clone(),
        liquidated: film.money(story.liquidated),
        deleveraged: film.money(story.deleveraged),
        events: events(&story.events),
    }));
    all
}

/// A position as it changes.
#[derive(Clone, Copy, Debug)]
struct Held {
    qty: Qty,
    cost: Cash,
    collateral: Cash,
    /// Liquidation price; 0 where no mark reaches it.
    trigger: Price,
    /// Its step on the map, with the price that was placed there: exact decimals are slow, and few prices change.
    placed: (Price, Option<usize>),
}

impl Held {
    fn at_opening(rules: &Rules, register: &Register, j: usize) -> Self {
        let holdings = &register.holdings;
        let price =
            rules.contracts[usize::from(holdings.contract[j])].tick_at(Side::of(holdings.qty[j]), register.trigger[j]);
        Self {
            qty: holdings.qty[j],
            cost: holdings.cost[j],
            collateral: holdings.collateral[j],
            trigger: margins::within_reach(price),
            placed: (Price(0), None),
        }
    }
}

/// Walks the facts of a path and looks at each output time.
struct Film<'a> {
    register: &'a Register,
    unit: Quantum,
    ticks: Vec<Quantum>,
    lots: Vec<Quantum>,
    multipliers: Vec<Multiplier>,
    held: Vec<Held>,
    margins: Margins<'a>,
    marks: Vec<Price>,
    /// Forced orders begun so far.
    orders: u64,
    venue: Cash,
    /// What came to the backstops beside their trades.
    backstop: Cash,
    deficit: Cash,
    /// Lots that the makers hold from the book and what they cost, by contract; the same of the backstops.
    maker: Vec<(Qty, Cash)>,
    backstops: Vec<(Qty, Cash)>,
    deleveraged: Vec<Deleveraged>,
    map: LiquidationMap,
}

/// Steps of price to each side of the opening mark in the map of liquidation prices.
const STEPS: usize = 30;

impl<'a> Film<'a> {
    fn new(stage: &Stage<'a>, register: &'a Register) -> Self {
        let scenario = stage.scenario;
        let mut held: Vec<Held> =
            (0..register.holdings.account.len()).map(|j| Held::at_opening(&scenario.rules, register, j)).collect();
        let marks: Vec<Price> = scenario.assets.iter().map(|asset| asset.open).collect();
        let mut margins = Margins::new(&scenario.rules, register);
        margins.refresh(&mut held, &marks);
        Self {
            register,
            margins,
            unit: scenario.cash_unit,
            ticks: scenario.assets.iter().map(|asset| asset.tick).collect(),
            lots: scenario.assets.iter().map(|asset| asset.lot).collect(),
            multipliers: scenario.assets.iter().map(|asset| asset.multiplier).collect(),
            held,
            marks,
            orders: 0,
            venue: Cash::ZERO,
            backstop: Cash::ZERO,
            deficit: Cash::ZERO,
            maker: vec![(Qty::ZERO, Cash::ZERO); scenario.assets.len()],
            backstops: vec![(Qty::ZERO, Cash::ZERO); scenario.assets.len()],
            deleveraged: Vec::new(),
            map: LiquidationMap::default(),
        }
    }

    /// Lays out the map of liquidation prices: half as far again as the mark goes, and at least so far that a quarter of
    /// all notional lies in it, but never down to a price of 0.
    fn lay_out(&mut self, recording: &Recording) {
        let Some(&open) = self.marks.first() else { return };
        let share = |price: Price| (price.0 - open.0).abs() as f64 / open.0.max(1) as f64;
        let marks = recording.batches().iter().flat_map(|(_, facts)| facts).filter_map(|fact| match *fact {
            Fact::Marked { contract: 0, mark } => Some(share(mark)),
            _ => None,
        });
        let moved = marks.fold(0.0, f64::max);
        let mut distances: Vec<(f64, f64)> = self
            .held
            .iter()
            .zip(&self.register.holdings.contract)
            .filter(|(held, contract)| **contract == 0 && held.trigger.0 > 0)
            .map(|(held, _)| (share(held.trigger), held.qty.0.abs() as f64))
            .collect();
        distances.sort_by(|a, b| a.0.total_cmp(&b.0));
        let quarter = distances.iter().map(|(_, lots)| lots).sum::<f64>() / 4.0;
        let mut lots = 0.0;
        let near = distances.iter().find(|(_, more)| {
            lots += more;
            lots >= quarter
        });
        let reach = (1.5 * moved).max(1.05 * near.map_or(0.0, |near| near.0)).clamp(0.01, 0.95);
        let open = self.price(0, open);
        let step = open * reach / STEPS as f64;
        self.map = LiquidationMap { low: open - step * STEPS as f64, step, open, steps: vec![Vec::new(); 2 * STEPS] };
    }

    /// Notes the steps of the map whose notional is another than at the frame before.
    fn chart_map(&mut self, frame: usize) {
        let LiquidationMap { open, step, .. } = self.map;
        if step <= 0.0 {
            return;
        }
        let mut sums = vec![0.0; self.map.steps.len()];
        for j in 0..self.held.len() {
            let Held { qty, trigger, placed, .. } = self.held[j];
            if self.register.holdings.contract[j] != 0 || qty.is_zero() || trigger.0 <= 0 {
                continue;
            }
            if placed.0 != trigger {
                let away = (self.price(0, trigger) - open) / step;
                // What lies on a border belongs to the step nearer to the opening mark, so that a mark that reaches the
                // border has passed it.
                let at = if qty.0 > 0 { libm::floor(away).min(-1.0) } else { (libm::ceil(away) - 1.0).max(0.0) };
                self.held[j].placed = (trigger, (at + STEPS as f64).to_usize().filter(|at| *at < sums.len()));
            }
            if let Some(at) = self.held[j].placed.1 {
                sums[at] += self.multipliers[0].notional(qty.abs(), trigger).0 as f64;
            }
        }
        let unit = self.unit.to_f64();
        for (changes, sum) in self.map.steps.iter_mut().zip(sums) {
            // Four digits: a picture needs no more.
            let now: f64 = format!("{:.3e}", sum * unit).parse().unwrap_or(0.0);
            if changes.last().map_or(0.0, |(_, before)| *before) != now {
                changes.push((frame, now));
            }
        }
    }

    /// Currency to the cent (or to the unit where that is coarser), the nearest float.
    fn money(&self, amount: Cash) -> f64 {
        self.unit.show(amount.0).round_dp(2).to_f64().unwrap_or(0.0)
    }

    fn price(&self, contract: usize, price: Price) -> f64 {
        self.ticks[contract].show(price.0).to_f64().unwrap_or(0.0)
    }

    fn frames(&mut self, recording: &Recording, outputs: &[Nanos], samples: &[Sample]) -> Frames {
        let mut frames = Frames::default();
        self.lay_out(recording);
        let mut next = outputs.iter().zip(samples);
        let mut due = next.next();
        for (time, facts) in recording.batches() {
            // A frame shows all that happened up to and at its time.
            while let Some((&output, sample)) = due
                && output < *time
            {
                self.frame(&mut frames, output, sample);
                due = next.next();
            }
            facts.iter().for_each(|fact| self.hear(fact));
        }
        while let Some((&output, sample)) = due {
            self.frame(&mut frames, output, sample);
            due = next.next();
        }
        frames.map = std::mem::take(&mut self.map);
        frames.deleveraged = std::mem::take(&mut self.deleveraged);
        frames
    }

    fn hear(&mut self, fact: &Fact) {
        self.margins.hear(fact, &mut self.held);
        match *fact {
            Fact::Marked { contract, mark } => self.marks[usize::from(contract)] = mark,
            Fact::OrderOpened { .. } => self.orders += 1,
            Fact::Traded { party, contract, qty, cash, via, .. } if via != Via::Opening => {
                let house = match party {
                    Party::Maker => &mut self.maker,
                    Party::Backstop(_) => &mut self.backstops,
                    _ => return,
                };
                let (lots, paid) = &mut house[usize::from(contract)];
                (*lots, *paid) = (*lots + qty, *paid + cash);
            }
            Fact::Posted { from, to, amount, why } => {
                // What a trade realises is in its lots and their cost.
                if !matches!(why, Why::Deposit | Why::Realised) {
                    let of = |party| if matches!(party, Party::Backstop(_)) { amount } else { Cash::ZERO };
                    self.backstop += of(to) - of(from);
                }
                let signed = match why {
                    Why::Shortfall | Why::Inventory => (from, amount),
                    Why::Repayment => (to, -amount),
                    _ => return,
                };
                match signed {
                    (Party::Venue, net) => self.venue += net,
                    (Party::Deficit, net) => self.deficit += net,
                    _ => {}
                }
            }
            Fact::Deleveraged { account, notional, haircut, unrealised, .. } => {
                let (notional, haircut) = (self.money(notional), self.money(haircut));
                let unrealised = self.money(unrealised);
                match self.deleveraged.iter_mut().find(|known| known.account == account) {
                    Some(known) => {
                        known.notional += notional;
                        known.haircut += haircut;
                    }
                    None => self.deleveraged.push(Deleveraged { account, notional, haircut, unrealised }),
                }
            }
            _ => {}
        }
    }

    /// Result of the backstops since the opening, positions at the mark.
    fn backstop_result(&self) -> Cash {
        let open = self.backstops.iter().zip(&self.multipliers).zip(&self.marks);
        self.backstop + open.map(|((&(lots, paid), multiplier), &mark)| multiplier.value(lots, mark) - paid).sum()
    }

    fn frame(&mut self, frames: &mut Frames, output: Nanos, sample: &Sample) {
        self.margins.refresh(&mut self.held, &self.marks);
        self.chart_map(frames.time_s.len());
        frames.time_s.push(output.0 as f64 / 1e9);
        let (index, traded) = (self.price(0, Price(sample.index)), self.price(0, Price(sample.traded)));
        frames.index.push(index);
        frames.traded.push(traded);
        frames.mark.push(self.marks.first().map_or(0.0, |&mark| self.price(0, mark)));
        frames.displacement.push(if index > 0.0 { rounded(traded / index - 1.0, 1e7) } else { 0.0 });
        frames.depth_left.push(rounded(sample.depth_left as f64 / 1e9, 1e5));
        for (column, amount) in [
            (&mut frames.fund, sample.fund),
            (&mut frames.liquidated_long, sample.liquidated_long),
            (&mut frames.liquidated_short, sample.liquidated_short),
            (&mut frames.adl, sample.adl),
            (&mut frames.venue, self.venue.0),
            (&mut frames.backstop, self.backstop_result().0),
            (&mut frames.deficit, self.deficit.0),
        ] {
            column.push(self.money(Cash(amount)));
        }
        let unit = self.unit.to_f64();
        let maker: f64 = self
            .maker
            .iter()
            .enumerate()
            .map(|(c, &(lots, paid))| {
                // The first asset is valued at its index; the others have no price in the samples and take the mark.
                let price = if c == 0 { Price(sample.index) } else { self.marks[c] };
                (self.multipliers[c].value(lots, price) - paid).0 as f64 * unit
            })
            .sum();
        frames.maker.push(rounded(maker, 100.0));
        let (mut long, mut notional, mut equity) = (0.0, 0.0, self.margins.shared(&self.held).0 as f64);
        let mut nearest: Vec<(f64, usize)> = Vec::with_capacity(QUEUE + 1);
        let contracts = &self.register.holdings.contract;
        for (j, held) in self.held.iter().enumerate().filter(|(_, held)| !held.qty.is_zero()) {
            let c = usize::from(contracts[j]);
            let value = self.multipliers[c].value(held.qty, self.marks[c]);
            if held.qty.0 > 0 {
                long += value.0.abs() as f64;
            }
            notional += value.0.abs() as f64;
            equity += (held.collateral + value - held.cost).0 as f64;
            if held.trigger.0 <= 0 || self.marks[c].0 <= 0 {
                continue;
            }
            let away = (held.trigger.0 - self.marks[c].0).abs() as f64 / self.marks[c].0 as f64;
            if nearest.len() < QUEUE || nearest.last().is_some_and(|last| away < last.0) {
                let at = nearest.partition_point(|near| near.0 <= away);
                nearest.insert(at, (away, j));
                nearest.truncate(QUEUE);
            }
        }
        frames.open_interest.push(rounded(long * unit, 1.0));
        frames.leverage.push(if equity > 0.0 { rounded(notional / equity, 1e4) } else { 0.0 });
        frames.orders.push(self.orders);
        let queue = nearest.iter().map(|&(_, j)| {
            let held = self.held[j];
            let c = usize::from(contracts[j]);
            Queued(
                self.register.holdings.account[j],
                self.lots[c].show(held.qty.0).to_f64().unwrap_or(0.0),
                self.price(c, held.trigger),
                self.money(self.multipliers[c].notional(held.qty, self.marks[c])),
            )
        });
        frames.queue.push(queue.collect());
    }
}

/// The nearest multiple of 1/`parts`.
fn rounded(x: f64, parts: f64) -> f64 {
    libm::rint(x * parts) / parts
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::venue::rules::MarginMode;

    fn choose(needs: &[i64], adl: &[u64], asked: &[u64]) -> BTreeMap<u64, Vec<String>> {
        let rows: Vec<Outcome> = (0u64..)
            .zip(needs)
            .map(|(path, &fund_need)| Outcome {
                path,
                fund_need,
                adl_events: i64::from(adl.contains(&path)),
                ..Outcome::default()
            })
            .collect();
        let (mut choice, mut need) = (Choice::default(), Histogram::default());
        rows.iter().rev().for_each(|row| choice.see(row));
        rows.iter().for_each(|row| need.add(row.fund_need));
        let read = |visit: &mut dyn FnMut(&Outcome)| -> Result<(), ()> {
            rows.iter().for_each(visit);
            Ok(())
        };
        choice.finish(&need, asked, read).unwrap()
    }

    #[test]
    fn the_worst_the_median_the_first_with_adl_and_those_asked_for_are_chosen() {
        // Median of six: the third smallest, 20, on path 3 first.
        let chosen = choose(&[50, 10, 90, 20, 20, 90], &[4, 5], &[1, 2]);
        let told: Vec<(u64, String)> = chosen.into_iter().map(|(path, roles)| (path, roles.join(", "))).collect();
        assert_eq!(
            told,
            [
                (1, "asked for".to_owned()),
                (2, "worst fund need, asked for".into()),
                (3, "median fund need".into()),
                (4, "first with ADL".into())
            ]
        );
    }

    /// The venue says at each breach what the liquidation price was. A cross account breaches as a whole: the mark has
    /// reached the liquidation price of each of its positions.
    #[test]
    fn liquidation_prices_told_from_the_facts_are_those_of_the_venue() {
        let (mut isolated, mut cross) = (0, 0);
        for name in
            ["flash-crash", "margin-withdrawal", "shared-vault", "venues-inverse", "backstop-oct-2025", "classroom"]
        {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
            let (scenario, _) = crate::scenario::load_with(&file, &[]).unwrap();
            let stage = Stage::new(&scenario, scenario.seed).unwrap();
            let mut worker = Worker::new(&stage);
            let mut recording = Recording::default();
            worker.run(0, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut recording]).unwrap();
            let register = worker.register();
            let mut film = Film::new(&stage, register);
            for (time, facts) in recording.batches() {
                for fact in facts {
                    if let Fact::Breached { contract, account, trigger, mark } = *fact {
                        film.margins.refresh(&mut film.held, &film.marks);
                        let j = margins::position(register, account, contract).unwrap();
                        let held = film.held[j];
                        let place = format!("{name}, account {account} at {time}");
                        if register.holdings.mode(j) == MarginMode::Isolated {
                            isolated += 1;
                            assert_eq!(held.trigger, trigger, "{place}");
                        } else {
                            cross += 1;
                            let passed = if held.qty.0 > 0 { mark <= held.trigger } else { mark >= held.trigger };
                            assert!(passed, "{place}: mark {mark:?}, told {:?}", held.trigger);
                        }
                    }
                    film.hear(fact);
                }
            }
        }
        assert!(isolated > 400 && cross > 100, "{isolated}, {cross}");
    }

    #[test]
    fn a_quiet_day_keeps_one_path_and_no_rows_keep_none() {
        let chosen = choose(&[0, 0, 0], &[], &[]);
        assert_eq!(
            chosen.into_iter().collect::<Vec<_>>(),
            [(0, vec!["worst fund need".into(), "median fund need".into()])]
        );
        assert!(choose(&[], &[], &[]).is_empty());
    }
}
