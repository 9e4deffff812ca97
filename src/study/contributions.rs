//! Who would cause it: what each account of a position book adds to the fund's need, and what ADL takes from it.
//!
//! The fund need of a path is the deepest fall of the fund's cumulative result, on the run whose fund has no limit. Every
//! posting between the fund and an account up to that moment is that account's part of it, so the parts of all accounts
//! (and of the venue's own inventory, which is nobody's) add up to the need exactly, and their means over the worst 1 %
//! of the paths are the Euler shares of its expected shortfall.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::{Run, Runs, correct};
use crate::experiment::summary::{LEVEL, P99, seed as seed_of, shortfall};
use crate::facts::{AccountId, Fact, Observer, Outcome, Party};
use crate::fault::{Failure, Faults};
use crate::folder::Flag;
use crate::folder::contributions::{Contributions, Part};
use crate::folder::study::Study;
use crate::money::Nanos;
use crate::scenario::Scenario;
use crate::sim::path::{Pair, Wanted, Worker};
use crate::sim::stage::Stage;
use crate::sim::tally::Series;
use crate::stats::bootstrap::{splitmix, unit};
use crate::stats::histogram::Histogram;
use crate::stats::moments::Moments;
use crate::stats::quantile::Selector;
use crate::stats::{Estimate, proportion};
use crate::traders::{Accounts, Loaded, Population};

/// Paths between two moments at which a run can be stopped.
const BATCH: u64 = 256;
/// Resamples behind the interval of a share.
const RESAMPLES: u32 = 400;

/// Amounts by account, in the order of accounts.
type Amounts = Vec<(AccountId, i64)>;

/// What one path says of its accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    need: i64,
    liquidated: Vec<AccountId>,
    /// Cash needed to bring each account to zero.
    shortfall: Amounts,
    /// What each deleveraged winner lost against the mark; gifts count as 0.
    haircut: Amounts,
    /// Each account's part of the need.
    parts: Amounts,
}

/// Watches what happens to accounts.
#[derive(Debug, Default)]
struct Watch {
    liquidated: Vec<AccountId>,
    shortfall: Amounts,
    haircut: Amounts,
    flow: Flow,
}

impl Observer for Watch {
    fn see(&mut self, time: Nanos, facts: &[Fact]) {
        for fact in facts {
            match *fact {
                Fact::OrderOpened { account, .. } => self.liquidated.push(account),
                Fact::OrderClosed { account, disposal, .. } => self.shortfall.push((account, disposal.paid.total().0)),
                Fact::Deleveraged { account, haircut, .. } => self.haircut.push((account, haircut.0.max(0))),
                _ => {}
            }
        }
        self.flow.see(time, facts);
    }
}

/// Follows the fund's cumulative result, posting by posting.
#[derive(Debug, Default)]
struct Flow {
    /// Payments to an account, negative where the fund received.
    journal: Amounts,
    result: i64,
    lowest: i64,
    /// Postings up to the lowest result.
    at_lowest: usize,
    horizon_mark: i64,
}

impl Observer for Flow {
    fn see(&mut self, _: Nanos, facts: &[Fact]) {
        for fact in facts {
            let (party, paid) = match *fact {
                Fact::Posted { from: Party::World, .. } | Fact::Posted { to: Party::World, .. } => continue,
                Fact::Posted { from: Party::Fund, to, amount, .. } => (to, amount.0),
                Fact::Posted { from, to: Party::Fund, amount, .. } => (from, -amount.0),
                Fact::Horizon { horizon_mark } => {
                    self.horizon_mark = horizon_mark.0;
                    continue;
                }
                _ => continue,
            };
            // What the fund exchanges with the venue's inventory is no account's part.
            if let Party::Trader(account) = party {
                self.journal.push((account, paid));
            }
            self.result -= paid;
            if self.result < self.lowest {
                (self.lowest, self.at_lowest) = (self.result, self.journal.len());
            }
        }
    }
}

impl Flow {
    /// The need of the path and each account's part of it.
    fn parts(self) -> (i64, Amounts) {
        let at_horizon = self.result + self.horizon_mark;
        let need = -self.lowest.min(at_horizon);
        if need <= 0 {
            return (0, Vec::new());
        }
        // Inventory that is left is valued at the horizon; if that is the deepest fall, everything before it counts.
        let upto = if at_horizon < self.lowest { self.journal.len() } else { self.at_lowest };
        (need, summed(&self.journal[..upto]))
    }
}

/// Amounts of the same account together.
fn summed(amounts: &[(AccountId, i64)]) -> Amounts {
    let mut sums: BTreeMap<AccountId, i64> = BTreeMap::new();
    for &(account, amount) in amounts {
        *sums.entry(account).or_default() += amount;
    }
    sums.into_iter().collect()
}

/// Runs a path and sees what it says of its accounts; `need` is the same stage with a fund without limit.
fn see(actual: &mut Worker<'_>, need: &mut Worker<'_>, path: u64) -> Result<Seen, Failure> {
    let wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
    let mut watch = Watch::default();
    let row = actual.run(path, wanted, &mut [&mut watch])?;
    let Watch { mut liquidated, shortfall, haircut, flow } = watch;
    liquidated.sort_unstable();
    liquidated.dedup();
    let (mut found, mut parts) = flow.parts();
    if found != row.fund_need || was_bound(&row) {
        let mut flow = Flow::default();
        need.run(path, wanted, &mut [&mut flow])?;
        (found, parts) = flow.parts();
    }
    if found != row.fund_need {
        return Err(actual.broken(path, &format!("the parts of a fund need of {} add up to {found}", row.fund_need)));
    }
    Ok(Seen { need: found, liquidated, shortfall: summed(&shortfall), haircut: summed(&haircut), parts })
}

/// Whether the fund's size bore on the path, so that its need is that of another run.
fn was_bound(row: &Outcome) -> bool {
    row.exhausted_at_s.is_some()
        || row.adl_events > 0
        || row.to_engine != 0
        || row.venue_paid + row.backstop_loss + row.socialised + row.unfunded_deficit != 0
}

/// What is counted of an account over all paths.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    liquidated: u64,
    deleveraged: u64,
    shortfall: Moments,
    haircut: Moments,
}

/// The paths of the largest need: enough of them that every resample finds its worst 1 % there.
#[derive(Debug)]
struct Worst {
    most: usize,
    /// By need and then path, the largest need last and of equals the first path.
    paths: BTreeMap<(i64, std::cmp::Reverse<u64>), Amounts>,
}

impl Worst {
    fn new(paths: u64) -> Self {
        let beyond = paths - P99.rank(paths);
        Self { most: usize::try_from((4 * beyond).max(100)).unwrap_or(usize::MAX), paths: BTreeMap::new() }
    }

    fn see(&mut self, path: u64, need: i64, parts: Amounts) {
        self.paths.insert((need, std::cmp::Reverse(path)), parts);
        if self.paths.len() > self.most {
            self.paths.pop_first();
        }
    }

    /// Σ w·X and Σ w·Xᵢ over the worst paths, where path j counts `weight(j)` times until (1 − α)·n have been counted.
    fn tail(&self, paths: u64, mut weight: impl FnMut() -> f64, add: &mut dyn FnMut(AccountId, f64)) -> f64 {
        let mut left = (1.0 - P99.to_f64()) * paths as f64;
        let mut total = 0.0;
        for ((need, _), parts) in self.paths.iter().rev() {
            let counts = weight().min(left);
            left -= counts;
            total += counts * *need as f64;
            if counts > 0.0 {
                parts.iter().for_each(|&(account, part)| add(account, counts * part as f64));
            }
            if left <= 0.0 {
                break;
            }
        }
        total
    }
}

/// Runs the paths of a scenario whose book is the same on every path and says what each account contributes.
///
/// # Errors
/// A book that is drawn, a broken path, or an interruption.
pub fn contributions(scenario: &Scenario, runs: &Runs<'_>) -> Result<Contributions, Failure> {
    let loaded = book(scenario)?;
    let stage = Stage::new(scenario, runs.seed)?;
    let unlimited = stage.with_unlimited_fund();
    let threads = runs.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Faults::usage(format!("cannot start {threads} threads: {error}"), "try --threads 1"))?;
    let slots: Vec<_> = (0..threads).map(|_| Mutex::new((Worker::new(&stage), Worker::new(&unlimited)))).collect();
    let mut counted = vec![Counted::default(); loaded.population.accounts()];
    let mut worst = Worst::new(runs.paths);
    let mut needs = Vec::new();
    let mut first = 0;
    while first < runs.paths {
        let last = runs.paths.min(first + BATCH);
        let batch: Vec<Result<Seen, Failure>> = pool.install(|| {
            (first..last)
                .into_par_iter()
                .map(|path| {
                    if runs.stop.load(Ordering::Relaxed) {
                        return Err(Failure::Interrupted);
                    }
                    let at = rayon::current_thread_index().unwrap_or(0);
                    let mut slot = slots[at].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let (actual, need) = &mut *slot;
                    let seen = see(actual, need, path);
                    (runs.progress)(1);
                    seen
                })
                .collect()
        });
        for (path, seen) in (first..last).zip(batch) {
            let Seen { need, liquidated, shortfall, haircut, parts } = seen?;
            liquidated.iter().for_each(|&account| counted[account as usize].liquidated += 1);
            shortfall.iter().for_each(|&(account, amount)| counted[account as usize].shortfall.add(amount));
            for &(account, amount) in &haircut {
                let counted = &mut counted[account as usize];
                counted.deleveraged += 1;
                counted.haircut.add(amount);
            }
            worst.see(path, need, parts);
            needs.push(need);
        }
        first = last;
    }
    let mut found = summed_up(scenario, loaded, runs, &counted, &worst);
    (found.es_estimate, found.es_flags) = shortfall_of(&needs, scenario.cash_unit.to_f64());
    Ok(found)
}

/// The expected shortfall as the summary of a run has it: its interval, and whether to trust it.
fn shortfall_of(needs: &[i64], unit: f64) -> (Option<Estimate>, Vec<Flag>) {
    let mut histogram = Histogram::default();
    needs.iter().for_each(|&need| histogram.add(need));
    let mut tail = Selector::for_shares(&histogram, &[P99], LEVEL);
    while !tail.is_settled() {
        needs.iter().for_each(|&need| tail.see(need));
    }
    let (estimate, flags) = shortfall(&tail, &histogram);
    (estimate.map(|e| e.times(unit)), flags)
}

fn summed_up(
    scenario: &Scenario,
    loaded: &Loaded,
    runs: &Runs<'_>,
    counted: &[Counted],
    worst: &Worst,
) -> Contributions {
    let currency = scenario.cash_unit.to_f64();
    let size = (1.0 - P99.to_f64()) * runs.paths as f64;
    let mut parts = vec![0.0; counted.len()];
    let total = worst.tail(runs.paths, || 1.0, &mut |account, amount| parts[account as usize] += amount);
    let share = |parts: &[f64], total: f64, at: usize| if total > 0.0 { parts[at] / total } else { 0.0 };

    // Paths are drawn with replacement: each counts Poisson(1) times.
    let mut next = splitmix(seed_of("accounts_risk"));
    let mut resampled = vec![0.0; counted.len()];
    let mut moments = vec![(0.0, 0.0); counted.len()];
    for _ in 0..RESAMPLES {
        resampled.fill(0.0);
        let drawn = worst.tail(runs.paths, || once(unit(next())), &mut |account, amount| {
            resampled[account as usize] += amount;
        });
        for (at, (sum, squares)) in moments.iter_mut().enumerate() {
            let value = share(&resampled, drawn, at);
            *sum += value;
            *squares += value * value;
        }
    }
    let count = f64::from(RESAMPLES);
    let euler = |at: usize| {
        let (sum, squares) = moments[at];
        let error = libm::sqrt(((squares - sum * sum / count) / (count - 1.0)).max(0.0));
        Estimate::student(share(&parts, total, at), error, u64::from(RESAMPLES) - 1, LEVEL)
    };
    let mean = |moments: &Moments| {
        let all = moments.with_zeros(runs.paths - moments.count());
        all.mean(LEVEL).map_or(Estimate::exact(0.0, LEVEL), |e| e.times(currency).at_least(0.0))
    };
    let probability = |hits: u64| proportion(hits, runs.paths, LEVEL).unwrap_or_else(|| Estimate::exact(0.0, LEVEL));
    let accounts = counted
        .iter()
        .enumerate()
        .map(|(at, counted)| Part {
            account: loaded.population.names.get(at).cloned().unwrap_or_else(|| at.to_string()),
            number: at,
            p_liquidated: probability(counted.liquidated),
            shortfall: mean(&counted.shortfall),
            es_part: parts[at] * currency / size,
            es_share: euler(at),
            p_deleveraged: probability(counted.deleveraged),
            haircut: mean(&counted.haircut),
        })
        .collect();
    let own: f64 = parts.iter().sum();
    Contributions {
        currency: scenario.currency.clone(),
        paths: runs.paths,
        es: total * currency / size,
        es_estimate: None,
        es_flags: Vec::new(),
        // Sums of floats that stand for the same whole amounts differ in their last bits; that is nobody's part.
        es_of_nobody: if (total - own).abs() > 1e-9 * total { (total - own) * currency / size } else { 0.0 },
        accounts,
    }
}

/// How often one path is drawn: Poisson(1) by inversion.
fn once(u: f64) -> f64 {
    let (mut count, mut weight) = (0.0, libm::exp(-1.0));
    let mut reached = weight;
    while u > reached && count < 20.0 {
        count += 1.0;
        weight /= count;
        reached += weight;
    }
    count
}

/// The position book of a scenario.
fn book(scenario: &Scenario) -> Result<&Loaded, Failure> {
    match &scenario.accounts {
        Accounts::Loaded(loaded) => Ok(loaded),
        Accounts::Generated(_) => Err(Faults::usage(
            format!("{}: its accounts are drawn from distributions, so none of them is anybody", scenario.source.name),
            "load a position book: `[accounts] file = \"book.csv\"` instead of `[[traders]]`",
        )
        .into()),
    }
}

/// The same scenario without the positions of one account; every other account keeps its number, and so its draws.
fn without(mut scenario: Scenario, account: AccountId) -> Result<Scenario, Failure> {
    let loaded = book(&scenario)?;
    // Every column is named, so that a new one cannot be forgotten here.
    let Population { wallet, names, account: owner, contract, qty, cost, collateral, cross, redrawn } =
        &loaded.population;
    let stays: Vec<bool> = owner.iter().map(|&id| id != account).collect();
    let population = Population {
        wallet: wallet.clone(),
        names: names.clone(),
        account: kept(owner, &stays),
        contract: kept(contract, &stays),
        qty: kept(qty, &stays),
        cost: kept(cost, &stays),
        collateral: kept(collateral, &stays),
        cross: kept(cross, &stays),
        redrawn: *redrawn,
    };
    let (rows, rounded) = (kept(&loaded.rows, &stays), loaded.rounded.clone());
    let (source, liquidate_at_open) = (loaded.source.clone(), loaded.liquidate_at_open);
    let behaviours = std::sync::Arc::clone(&loaded.behaviours);
    scenario.accounts = Accounts::Loaded(std::sync::Arc::new(Loaded {
        population,
        source,
        rows,
        rounded,
        liquidate_at_open,
        behaviours,
    }));
    Ok(scenario)
}

fn kept<T: Clone>(column: &[T], stays: &[bool]) -> Vec<T> {
    column.iter().zip(stays).filter(|(_, stays)| **stays).map(|(value, _)| value.clone()).collect()
}

/// Runs the scenario without each of the accounts (by number) in turn; the base is the whole book.
///
/// # Errors
/// As for [`contributions`], and those of `load`.
pub fn removals(
    accounts: &[&Part],
    load: &dyn Fn() -> Result<Scenario, Failure>,
    runs: &Runs<'_>,
) -> Result<Study, Failure> {
    let whole = load()?;
    let base: Run = runs.run(&whole)?;
    let mut cells = vec![base.cell("the whole book".to_owned(), Vec::new(), None)];
    for part in accounts {
        let number = AccountId::try_from(part.number).expect("accounts are numbered in 32 bits");
        let run = runs.run(&without(load()?, number)?)?;
        cells.push(run.cell(format!("without {}", part.account), Vec::new(), Some(&base)));
    }
    correct(&mut cells);
    Ok(Study { name: whole.name.clone(), axes: Vec::new(), cells, base: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Why;
    use crate::money::Cash;

    fn posted(from: Party, to: Party, amount: i64) -> Fact {
        Fact::Posted { from, to, amount: Cash(amount), why: Why::Shortfall }
    }

    #[test]
    fn the_parts_of_a_need_are_the_postings_up_to_its_deepest_moment() {
        // Account 1 takes 70, account 2 pays 20 and account 1 takes 30 more: −80, the deepest. Then 2 pays 50.
        let (fund, one, two) = (Party::Fund, Party::Trader(1), Party::Trader(2));
        let mut flow = Flow::default();
        flow.see(Nanos(0), &[posted(Party::World, fund, 1_000), posted(fund, one, 70), posted(two, fund, 20)]);
        flow.see(Nanos(1), &[posted(fund, one, 30), posted(two, fund, 50)]);
        assert_eq!(flow.parts(), (80, vec![(1, 100), (2, -20)]));
        // What is left at the horizon is worth −100 there: −10 − 100 is deeper, and is nobody's.
        let mut flow = Flow::default();
        flow.see(Nanos(0), &[posted(fund, one, 60), posted(two, fund, 50)]);
        flow.see(Nanos(1), &[Fact::Horizon { horizon_mark: Cash(-100) }]);
        assert_eq!(flow.parts(), (110, vec![(1, 60), (2, -50)]));
    }

    #[test]
    fn the_tail_counts_the_worst_hundredth_and_a_part_of_its_last_path() {
        // 150 paths needing 0 … 149: (1 − α)·n = 1.5, so the worst whole and half of the next.
        let mut worst = Worst::new(150);
        (0..150_u64).for_each(|path| worst.see(path, path as i64, vec![(7, path as i64)]));
        assert_eq!(worst.paths.len(), 100);
        let mut part = 0.0;
        let total = worst.tail(150, || 1.0, &mut |_, amount| part += amount);
        assert!((total - (149.0 + 0.5 * 148.0)).abs() < 1e-9 && (part - total).abs() < 1e-9);
    }

    #[test]
    fn a_path_is_drawn_once_in_the_mean() {
        let mut next = splitmix(1);
        let draws: Vec<f64> = (0..20_000).map(|_| once(unit(next()))).collect();
        let mean = draws.iter().sum::<f64>() / 2e4;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 2e4;
        assert!((mean - 1.0).abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
