//! Whole paths and whole commands, beside what a walk over all accounts at every mark would cost.
//!
//! `cargo bench --bench paths`. What each bench holds, its goal and what was measured stand in `docs/performance.md`. The
//! baseline stands in the same run: an integer margin test of 100,000 isolated accounts at each of 1,440 marks, in plain
//! columns, which is the least that a simulator does that has no trigger index.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use flashcrash::experiment::{self, Audited, Plan, Sink};
use flashcrash::facts::{Outcome, Sample};
use flashcrash::fault::Failure;
use flashcrash::scenario::{self, Scenario};
use flashcrash::sim::path::{Known, Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use flashcrash::venue::adl::POLICIES;

#[path = "paths/busy.rs"]
mod busy;
#[path = "paths/limits.rs"]
mod limits;
#[path = "paths/people.rs"]
mod people;
#[path = "paths/world.rs"]
mod world;

use world::{ADL_ONLY, FIXED_BOOK, FUNDING, World};

/// Time of this thread on a processor.
struct Busy;

impl Measurement for Busy {
    type Intermediate = f64;
    type Value = f64;

    fn start(&self) -> f64 {
        busy::nanoseconds()
    }

    fn end(&self, start: f64) -> f64 {
        // The system counts by ticks of its own: never nothing.
        (busy::nanoseconds() - start).max(1.0)
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

const ALONE: Wanted = Wanted { series: Series::Skip, pair: Pair::Alone };

/// One path of a scenario, the same in every iteration; says first how much work it is.
fn one_path(criterion: &mut Criterion<Busy>, name: &str, scenario: &Scenario) {
    one_path_knowing(criterion, name, scenario, Known::default());
}

/// The same without what is known of it from elsewhere.
fn one_path_knowing(criterion: &mut Criterion<Busy>, name: &str, scenario: &Scenario, known: Known) {
    let stage = Stage::new(scenario, 1).expect("its accounts can be drawn");
    let mut worker = Worker::new(&stage);
    let row = worker.run(0, ALONE, &mut []).expect("no invariant breaks");
    eprintln!(
        "{name}: {} positions, {} orders, {} liquidated accounts, {} ADL rounds on {} accounts",
        worker.register().holdings.account.len(),
        row.liquidations,
        row.liquidated_accounts,
        row.adl_events,
        row.adl_accounts
    );
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let drawn = worker.draw(0).expect("its accounts can be drawn");
            let (row, drawn) = worker.run_drawn(0, drawn, ALONE, known).expect("no invariant breaks");
            worker.take(drawn);
            black_box(row)
        });
    });
}

fn paths(criterion: &mut Criterion<Busy>) {
    one_path(criterion, "path/fixed_book", &FIXED_BOOK.scenario());
    one_path(criterion, "path/fixed_book_million", &World { far: 998_000, ..FIXED_BOOK }.scenario());
    let shorts = World { far_long: 0.1, ..FIXED_BOOK };
    one_path(criterion, "path/fixed_book_adl", &World { layers: ADL_ONLY, ..shorts }.scenario());
    one_path(criterion, "path/funding", &World { funding: FUNDING, ..FIXED_BOOK }.scenario());
    one_path(criterion, "path/resampled", &World { redraw: "resampled", ..FIXED_BOOK }.scenario());
    let crash = World { far: 57_000, near: 43_000, steps: 1_000, ..shorts };
    one_path(criterion, "path/crash_43k", &crash.scenario());
    // A fall without much noise, so that half of the marks are new lows among the near accounts: a round at each of them.
    // The path alone, and with the run for what it would need of a fund.
    let steady = World { layers: ADL_ONLY, volatility: 0.02, ..crash }.scenario();
    one_path_knowing(criterion, "path/crash_43k_adl", &steady, KNOWN_NEED);
    one_path(criterion, "path/crash_43k_adl_and_need", &steady);
}

/// What spares a path the run for its fund need.
const KNOWN_NEED: Known = Known { need: Some((0, 0)), deep: None };

/// One mark bankrupts half of all accounts, and ADL takes three quarters of what the winners hold: the mark with its round
/// alone, and for the first policy the whole path, which runs again for what it would need of a fund.
fn one_mark(criterion: &mut Criterion<Busy>) {
    for (accounts, suffix) in [(100_000, ""), (200_000, "_double")] {
        for policy in POLICIES.entries {
            let (half, kind) = (accounts / 2, policy.info().kind);
            let world = World {
                far: half,
                near: half,
                steps: 1,
                layers: ADL_ONLY,
                adl: kind,
                far_long: 0.0,
                end: 90_000.0,
                far_size: 1_333.0,
                ..FIXED_BOOK
            };
            let scenario = world.scenario();
            one_path_knowing(criterion, &format!("adl/one_mark{suffix}/{kind}"), &scenario, KNOWN_NEED);
            if kind == FIXED_BOOK.adl {
                one_path(criterion, &format!("adl/one_mark_and_need{suffix}"), &scenario);
            }
        }
    }
}

fn cross(criterion: &mut Criterion<Busy>) {
    let dir = tempfile::tempdir().expect("there is room for a file");
    let world = World { far: 19_500, near: 500, assets: 5, ..FIXED_BOOK };
    one_path(criterion, "cross/multi_asset", &world.cross(dir.path()));
}

/// One path of the main job: accounts drawn anew, index, book, liquidations, ADL where it comes to that.
fn main_job(criterion: &mut Criterion<Busy>) {
    let (scenario, _) = scenario::load(&shipped()).expect("the shipped scenario is sound");
    let stage = Stage::new(&scenario, 1).expect("its accounts can be drawn");
    let mut worker = Worker::new(&stage);
    let mut number = 0;
    criterion.bench_function("path/flash_crash", |bencher| {
        bencher.iter(|| {
            number += 1;
            black_box(worker.run(number, ALONE, &mut []).expect("no invariant breaks"))
        });
    });
}

/// Sixteen paths of the main job, the same in every iteration, where accounts act of their own accord and where they do not.
fn behaviours(criterion: &mut Criterion<Busy>) {
    for people in people::SETTINGS {
        let scenario = people.scenario(&shipped());
        let stage = Stage::new(&scenario, 1).expect("its accounts can be drawn");
        let mut worker = Worker::new(&stage);
        let mut run = || {
            let rows = (0..16).map(|path| worker.run(path, ALONE, &mut []).expect("no invariant breaks"));
            rows.fold((0, 0), |(forced, own), row| (forced + row.liquidations, own + row.conduct.voluntary_orders))
        };
        let name = format!("path/behaviours_{}", people.name);
        let (forced, own) = run();
        eprintln!("{name}: {} forced orders and {} own ones a path", forced / 16, own / 16);
        criterion.bench_function(&name, |bencher| bencher.iter(|| black_box(run())));
    }
}

/// The path stage of the main job on one thread and on two.
fn threads(criterion: &mut Criterion) {
    let (scenario, _) = scenario::load(&shipped()).expect("the shipped scenario is sound");
    let stage = Stage::new(&scenario, 1).expect("its accounts can be drawn");
    for threads in [1, 2] {
        criterion.bench_function(&format!("run/threads/{threads}"), |bencher| {
            bencher.iter(|| {
                let plan = Plan { paths: 0..100, threads, audit: Audited::No };
                experiment::run(&stage, &plan, &mut Nowhere, &AtomicBool::new(false), &|_| ())
            });
        });
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        black_box(rows);
        Ok(())
    }

    fn series(&mut self, samples: Vec<Sample>) {
        black_box(samples);
    }
}

/// Equity against maintenance of every account at every mark, in integers.
fn naive_scan(criterion: &mut Criterion<Busy>) {
    let accounts = i64::try_from(FIXED_BOOK.far + FIXED_BOOK.near).expect("a book is small");
    let marks = i64::try_from(FIXED_BOOK.steps).expect("a path is short");
    let column = |scale: i64| (0..accounts).map(|i| 1 + (i * 7_919) % scale).collect::<Vec<i64>>();
    let (lots, collateral) = (column(1_000), column(5_000_000_000));
    let cost: Vec<i64> = lots.iter().map(|lots| lots * 1_000_000 * 100).collect();
    criterion.bench_function("path/naive_margin_scan", |bencher| {
        bencher.iter(|| {
            let mut breached = 0u64;
            for mark in 0..marks {
                let price = (1_000_000 - 40 * mark) * 100;
                for ((lots, cost), collateral) in lots.iter().zip(&cost).zip(&collateral) {
                    let value = lots * price;
                    breached += u64::from((collateral + value - cost) * 1_000 < value * 4);
                }
            }
            black_box(breached)
        });
    });
}

fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/flash-crash.toml")
}

/// The program itself, in silence.
fn program(dir: &Path, arguments: &[&str]) {
    let done = Command::new(env!("CARGO_BIN_EXE_flashcrash"))
        .current_dir(dir)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(done.success(), "{arguments:?}");
}

fn commands(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("there is room for files");
    criterion.bench_function("start", |bencher| bencher.iter(|| program(dir.path(), &["list"])));
    let asked = [("", "all"), ("_probabilities", "probabilities")];
    for ((name, cells), (suffix, metrics)) in
        [("one_cell", 1), ("twenty_cells", 20)].into_iter().flat_map(|cells| asked.map(|asked| (cells, asked)))
    {
        let sizes: Vec<String> = (1..=cells).map(|size| (size * 1_000_000).to_string()).collect();
        let text = std::fs::read_to_string(shipped()).expect("the shipped scenario is there");
        let sweep = format!(
            "{text}\n[sweep]\npaths = 200\nmetrics = \"{metrics}\"\nbase = [1_000_000]\n\n[[sweep.axes]]\nkey = \"venue.fund.open\"\nvalues = [{}]\n",
            sizes.join(", ")
        );
        std::fs::write(dir.path().join("fund.toml"), sweep).expect("the folder can be written");
        criterion.bench_function(&format!("sweep/reuse/{name}{suffix}"), |bencher| {
            let mut number = 0;
            bencher.iter(|| {
                number += 1;
                program(dir.path(), &["sweep", "fund.toml", "-q", "--out", &format!("{name}{suffix}-{number}")]);
            });
        });
    }
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

fn busy() -> Criterion<Busy> {
    quick().with_measurement(Busy)
}

criterion_group!(name = work; config = busy(); targets = naive_scan, limits::limits, paths, main_job, behaviours, cross, one_mark);
criterion_group!(name = clock; config = quick(); targets = commands, threads);
criterion_main!(work, clock);
