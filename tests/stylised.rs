//! Recorded crashes: what the calibrated scenarios have in common with the records, and what the slow grind lacks.
//!
//! Records are those of `docs/validation.md`. Medians come with the 99 % interval of order statistics: of 100 values the
//! 37th and the 64th (binomial, 1/2).

use std::path::Path;

use flashcrash::experiment::Audited;

use crate::lab::{self, edit};

const PATHS: u64 = 100;

/// Zero-based ranks of the limits of the median, and of the median, of 100 values.
const LOWER: usize = 36;
const MIDDLE: usize = 49;
const UPPER: usize = 63;

/// Name, recorded low, tick.
const CRASHES: [(&str, f64, f64); 4] = [
    ("march-2020", 3_621.81, 0.5),
    ("may-2021", 28_688.0, 0.01),
    ("nov-2022", 18_333.0, 0.01),
    ("oct-2025", 101_516.5, 0.1),
];

/// Columns of `paths.csv` as numbers, each sorted on its own; empty cells are left out.
fn sorted(out: &Path, of: impl Fn(&dyn Fn(&str) -> Option<f64>) -> Option<f64>) -> Vec<f64> {
    let mut reader = csv::Reader::from_path(out.join("paths.csv")).unwrap();
    let columns = reader.headers().unwrap().clone();
    let mut found: Vec<f64> = reader
        .records()
        .filter_map(|record| {
            let record = record.unwrap();
            of(&|name| {
                let at = columns.iter().position(|column| column == name).unwrap();
                record[at].parse::<f64>().ok()
            })
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

fn run(folder: &Path, name: &str, text: Option<&str>) -> std::path::PathBuf {
    let out = folder.join(format!("{name}-out"));
    let file = match text {
        None => lab::file_of(name),
        Some(text) => {
            // The table of sizes lies beside the scenario.
            let data = folder.join("data");
            std::fs::create_dir_all(&data).unwrap();
            let table = "hyperliquid-2025-10-10-equity.csv";
            std::fs::copy(lab::scenarios().join("data").join(table), data.join(table)).unwrap();
            let file = folder.join(format!("{name}.toml"));
            std::fs::write(&file, text).unwrap();
            file
        }
    };
    lab::run_into(&file, &out, &["--paths", &PATHS.to_string(), "--seed", "1"]);
    out
}

#[test]
fn the_median_low_of_every_recorded_crash_is_the_recorded_one_within_its_interval() {
    let folder = tempfile::tempdir().unwrap();
    for (name, record, _) in CRASHES {
        let lows = sorted(&run(folder.path(), name, None), |value| value("traded_low"));
        let (low, high) = (lows[LOWER], lows[UPPER]);
        assert!(low <= record && record <= high, "{name}: {record} is not in {low} … {high}");
    }
}

#[test]
fn the_slow_grind_does_not_cascade_and_the_same_accounts_do_on_the_path_of_may_2021() {
    let folder = tempfile::tempdir().unwrap();
    let (_, _, high) = lab::metric(&run(folder.path(), "nov-2022", None), "cascade_amplification");
    assert!(high < 1.15, "cascade_amplification of the grind is at most {high}");
    // The accounts are the same table in both files; so are the venue and the law of the book.
    let (may, november) = (lab::text_of("may-2021"), lab::text_of("nov-2022"));
    let accounts = |text: &str| text[text.find("[[traders]]").unwrap()..].to_owned();
    let law = |text: &str| text[text.find("kappa").unwrap()..text.find("[assets.mark]").unwrap()].to_owned();
    assert_eq!(accounts(&may), accounts(&november));
    assert!(law(&november).starts_with(law(&may).split("\n\n").next().unwrap()));
    let (_, low, _) = lab::metric(&run(folder.path(), "may-2021", None), "cascade_amplification");
    assert!(low > 1.3, "cascade_amplification of May 2021 is at least {low}");
    // Nor is it the depth, which is a little less in November.
    let text = edit(&may, "depth_1pct = 69_000_000", "depth_1pct = 61_000_000");
    let (_, low, _) = lab::metric(&run(folder.path(), "may-2021-thin", Some(&text)), "cascade_amplification");
    assert!(low > 1.3, "with the depth of November it is at least {low}");
}

#[test]
fn takers_sell_little_more_than_half_of_the_volume_and_depth_is_nearly_gone_at_the_worst() {
    let folder = tempfile::tempdir().unwrap();
    let out = run(folder.path(), "oct-2025", None);
    let shares = sorted(&out, |value| Some(value("taker_sells")? / value("taker_volume")?));
    // Recorded 56.0 %; of all legs 54.6 to 60.6 %.
    assert!(shares[4] <= 0.56 && 0.56 <= shares[94], "{} … {}", shares[4], shares[94]);
    let impact = sorted(&out, |value| {
        let net = 2.0 * value("taker_sells")? - value("taker_volume")?;
        Some((1.0 - value("leg_to")? / value("leg_from")?) / (net / 100e6))
    });
    // Recorded 1.3 % for 100M USD.
    assert!(impact[4] <= 0.013 && 0.013 <= impact[94], "{} … {}", impact[4], impact[94]);
    // Recorded at most 1 % for minutes; the fitted book comes near. In billionths.
    let depth = sorted(&out, |value| value("depth_left_min"));
    assert!(depth[94] < 0.02e9, "{}", depth[94]);
}

/// `exogenous_share` of each crash with its interval: the shares at which median and limits of the traded low meet the
/// record, by bisection on the same shocks.
///
/// ```text
/// cargo test --release --test main exogenous_shares -- --ignored --nocapture
/// ```
#[test]
#[ignore = "prints the fitted shares; minutes"]
fn exogenous_shares() {
    for (name, record, tick) in CRASHES {
        let text = lab::text_of(name);
        let line = text.lines().find(|line| line.starts_with("exogenous_share")).unwrap();
        let found = [LOWER, MIDDLE, UPPER].map(|rank| {
            let (mut below, mut above) = (0.4, 1.0);
            for _ in 0..9 {
                let share = 0.5 * (below + above);
                let scenario = lab::read(&edit(&text, line, &format!("exogenous_share = {share}")));
                let mut lows: Vec<i64> =
                    lab::run(&scenario, PATHS, Audited::No).rows.iter().map(|row| row.traded_low).collect();
                lows.sort_unstable();
                if (lows[rank] as f64) * tick < record { above = share } else { below = share }
            }
            0.5 * (below + above)
        });
        println!("{name}: {:.3}, 99 % interval {:.3} to {:.3}", found[1], found[0], found[2]);
    }
}
