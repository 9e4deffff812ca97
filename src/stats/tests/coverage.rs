//! Measures how often intervals hold their truth on laws like those of losses; the table stands in `docs/methods.md`.
//!
//! `cargo test --lib coverage -- --ignored --nocapture`

use super::bootstrap::{self, normal, splitmix, unit};
use super::histogram::{Cells, Histogram};
use super::moments::Moments;
use super::quantile::{Selector, Share};

type Law = fn(&mut dyn FnMut() -> u64) -> f64;

/// Name, draw, mean, expected shortfall at 99 %.
fn laws() -> Vec<(&'static str, Law, f64, f64)> {
    fn draw_normal(next: &mut dyn FnMut() -> u64) -> f64 {
        normal(&mut || next())
    }
    let pareto_es = |index: f64, rate: f64| (0.01 / rate).powf(-1.0 / index) * index / (index - 1.0);
    vec![
        ("exponential", |next| -unit(next()).ln(), 1.0, 1.0 + 100.0_f64.ln()),
        // E[X | X > q] of a log-normal: e^(σ²/2)·Φ(σ − 2.326348)/0.01, Φ(−1.326348) = 0.092362.
        ("log-normal, sigma 1", |next| draw_normal(next).exp(), 0.5_f64.exp(), 0.5_f64.exp() * 9.236_2),
        (
            "5 % of paths, Pareto 2.5",
            |next| if unit(next()) < 0.05 { unit(next()).powf(-0.4) } else { 0.0 },
            0.05 * 2.5 / 1.5,
            pareto_es(2.5, 0.05),
        ),
        (
            "2 % of paths, Pareto 1.5",
            |next| if unit(next()) < 0.02 { unit(next()).powf(-1.0 / 1.5) } else { 0.0 },
            0.02 * 3.0,
            pareto_es(1.5, 0.02),
        ),
    ]
}

#[test]
#[ignore = "a measurement"]
fn table() {
    let p99 = Share::percent(99);
    for (name, law, mean, shortfall) in laws() {
        for n in [1_000, 3_000, 10_000] {
            let trials = 400;
            let (mut flagged, mut student, mut boot, mut es, mut es_boot) = (0, 0, 0, 0, 0);
            let mut next = splitmix(n);
            for trial in 0..trials {
                let (mut moments, mut cells, mut histogram) =
                    (Moments::default(), Cells::default(), Histogram::default());
                let values: Vec<i64> = (0..n).map(|_| (law(&mut next) * 1e6) as i64).collect();
                for &value in &values {
                    moments.add(value);
                    cells.add(value);
                    histogram.add(value);
                }
                let holds =
                    |e: crate::stats::Estimate, truth: f64| u32::from(e.low <= truth * 1e6 && truth * 1e6 <= e.high);
                flagged += u32::from(cells.is_tail_dominated());
                student += holds(moments.mean(0.95).unwrap(), mean);
                boot += holds(bootstrap::mean(&cells.weighted(), 0.95, splitmix(trial)).unwrap(), mean);
                let mut selector = Selector::for_shares(&histogram, &[p99], 0.95);
                values.iter().for_each(|&value| selector.see(value));
                es += holds(selector.expected_shortfall(p99, 0.95).unwrap(), shortfall);
                let resampled = selector.expected_shortfall_bootstrap(&histogram, p99, 0.95, splitmix(trial)).unwrap();
                es_boot += holds(resampled, shortfall);
            }
            let percent = |count: u32| f64::from(count) * 100.0 / trials as f64;
            println!(
                "| {name} | {n} | {:.0} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % |",
                percent(flagged),
                percent(student),
                percent(boot),
                percent(es),
                percent(es_boot)
            );
        }
    }
}
