//! Whole paths, beside what a walk over all accounts at every mark would cost.
//!
//! `cargo bench --bench paths`. The baseline stands in the same run: an integer margin test of 20,000 isolated accounts
//! at each of 1,800 marks, in plain columns, which is the least that a simulator does that has no trigger index.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use flashcrash::scenario;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;

const ACCOUNTS: i64 = 20_000;
const MARKS: i64 = 1_800;

/// One path of the main job: accounts drawn anew, index, book, liquidations, ADL where it comes to that.
fn path(criterion: &mut Criterion) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/flash-crash.toml");
    let (scenario, _) = scenario::load(&file).expect("the shipped scenario is sound");
    let stage = Stage::new(&scenario, 1).expect("its accounts can be drawn");
    let mut worker = Worker::new(&stage);
    let mut number = 0;
    criterion.bench_function("path/flash_crash", |bencher| {
        bencher.iter(|| {
            number += 1;
            let wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
            black_box(worker.run(number, wanted, &mut []).expect("no invariant breaks"))
        });
    });
}

/// Equity against maintenance of every account at every mark, in integers.
fn naive_scan(criterion: &mut Criterion) {
    let column = |scale: i64| (0..ACCOUNTS).map(|i| 1 + (i * 7_919) % scale).collect::<Vec<i64>>();
    let (lots, collateral) = (column(1_000), column(5_000_000_000));
    let cost: Vec<i64> = lots.iter().map(|lots| lots * 1_000_000 * 100).collect();
    criterion.bench_function("path/naive_margin_scan", |bencher| {
        bencher.iter(|| {
            let mut breached = 0u64;
            for mark in 0..MARKS {
                let price = (1_000_000 - 50 * mark) * 100;
                for ((lots, cost), collateral) in lots.iter().zip(&cost).zip(&collateral) {
                    let value = lots * price;
                    breached += u64::from((collateral + value - cost) * 1_000 < value * 5);
                }
            }
            black_box(breached)
        });
    });
}

criterion_group!(benches, path, naive_scan);
criterion_main!(benches);
