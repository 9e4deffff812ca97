//! What the machine asks for the least that a path does: random words, draws, powers, and memory that is touched once.
//!
//! They stand in the same run as the paths, so that `docs/performance.md` can say how far a path is from what bounds it.

use std::hint::black_box;

use criterion::Criterion;
use flashcrash::market::math;
use flashcrash::rng::{Purpose, Stream, open_unit};

use super::Busy;

/// Accounts of a drawn book.
const DRAWS: usize = 100_000;
/// Powers and logarithms in one go.
const CALLS: usize = 10_000;
/// Two lines of the cache: the least that a position with its money takes.
type Record = [i64; 16];

pub fn limits(criterion: &mut Criterion<Busy>) {
    let mut words = vec![0u64; DRAWS];
    criterion.bench_function("limit/100k_words", |bencher| {
        bencher.iter(|| {
            Stream::new(1, Purpose::Population, (0, 0), 0).fill(&mut words);
            black_box(&words);
        });
    });
    let mut values = vec![0.0; DRAWS];
    criterion.bench_function("limit/100k_lognormals", |bencher| {
        bencher.iter(|| {
            for (value, &word) in values.iter_mut().zip(&words) {
                *value = open_unit(word);
            }
            math::normal_quantile_all(&mut values);
            math::exp_all(&mut values);
            black_box(&values);
        });
    });
    // Each waits for the one before, as an order waits for what the one before left of the book.
    criterion.bench_function("limit/10k_powers", |bencher| {
        bencher.iter(|| (0..CALLS).fold(black_box(1.5), |x, _| 1.0 + 0.3 * math::pow(x, 0.885)));
    });
    criterion.bench_function("limit/10k_logarithms", |bencher| {
        bencher.iter(|| (0..CALLS).fold(black_box(1.5), |x, _| 0.5 + math::ln(x + 2.0)));
    });
    let mut records: Vec<Record> = vec![[1; 16]; DRAWS];
    let step = 61_803;
    criterion.bench_function("limit/100k_records_here_and_there", |bencher| {
        bencher.iter(|| {
            let mut at = 0;
            for _ in 0..DRAWS {
                at = (at + step) % DRAWS;
                let record = &mut records[at];
                (record[0], record[8]) = (record[0] + record[15], record[8] + 1);
            }
            black_box(&records);
        });
    });
    criterion.bench_function("limit/100k_records_in_order", |bencher| {
        bencher.iter(|| {
            for record in &mut records {
                (record[0], record[8]) = (record[0] + record[15], record[8] + 1);
            }
            black_box(&records);
        });
    });
}
