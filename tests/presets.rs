//! Every linear preset as the rules of one and the same crash, each path audited.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flashcrash::experiment::{self, Audited, Plan, Sink};
use flashcrash::facts::{Outcome, Sample};
use flashcrash::fault::{Failure, Source};
use flashcrash::scenario;
use flashcrash::sim::stage::Stage;
use flashcrash::venue::presets::{Contract, PRESETS};

/// 200 accounts at 4x to 9x of 1,000 each meet a fall of 25 % in half a minute and a book that is thin for them.
const CRASH: &str = r#"
[scenario]
horizon = "60 s"
[[assets]]
symbol = "BTC"
tick = 0.1
lot = 0.001
open = 100_000
process = { kind = "flash_crash", drop = 0.25, duration = 30, volatility = 0.5 }
book = { kind = "depth", depth_1pct = 50_000 }
[[traders]]
name = "some"
count = 200
long_share = 0.5
leverage = { kind = "uniform", min = 4, max = 9 }
size = { kind = "lognormal", median = 1000, sigma = 1 }
size_is = "collateral"
[venue]
"#;

#[derive(Default)]
struct Rows(Vec<Outcome>);

impl Sink for Rows {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        self.0.extend_from_slice(rows);
        Ok(())
    }

    fn series(&mut self, _samples: Vec<Sample>) {}
}

fn run(venue: &str) -> Vec<Outcome> {
    run_paths(venue, 4)
}

fn run_paths(venue: &str, paths: u64) -> Vec<Outcome> {
    let source = Arc::new(Source { name: "crash.toml".into(), text: format!("{CRASH}{venue}") });
    let (scenario, _) = match scenario::parse(&source, Path::new(".")) {
        Ok(sound) => sound,
        Err(faults) => panic!("{}", faults.render(flashcrash::fault::Paint::Plain)),
    };
    let stage = Stage::new(&scenario, 1).unwrap();
    let plan = Plan { paths: 0..paths, threads: 1, audit: Audited::Yes };
    let mut rows = Rows::default();
    experiment::run(&stage, &plan, &mut rows, &AtomicBool::new(false), &|_| {})
        .unwrap_or_else(|failure| panic!("{failure}"));
    rows.0
}

#[test]
fn every_linear_preset_carries_a_crash_with_every_unit_accounted_for() {
    for preset in PRESETS.iter().filter(|preset| preset.contract == Contract::Linear) {
        let rows = run(&format!("preset = \"{}\"\nfund = {{ open = 10_000 }}", preset.name));
        let liquidated: i64 = rows.iter().map(|row| row.liquidated_notional).sum();
        assert!(liquidated > 0, "{}", preset.name);
    }
}

#[test]
fn every_adl_policy_places_the_same_lots_and_every_unit_is_accounted_for() {
    let mut placed = Vec::new();
    for entry in flashcrash::venue::adl::POLICIES.entries {
        let venue = format!(
            "preset = \"dydx-v4\"\nfund = {{ open = 0 }}\nposition_layers = [\"adl\", \"book\"]\nadl = \"{}\"",
            entry.kind
        );
        let rows = run(&venue);
        placed.push((entry.kind, rows.iter().map(|row| row.adl_events).sum::<i64>()));
    }
    assert!(placed.iter().all(|(_, events)| *events > 0), "{placed:?}");
}

#[test]
#[ignore = "prints a table of all linear presets in the same crash"]
fn compare_the_presets() {
    println!(
        "{:<22} {:>12} {:>10} {:>10} {:>10} {:>9}",
        "preset", "liquidated", "fund paid", "fund need", "ADL", "accounts"
    );
    for preset in PRESETS.iter().filter(|preset| preset.contract == Contract::Linear) {
        let rows = run_paths(&format!("preset = \"{}\"\nfund = {{ open = 10_000 }}", preset.name), 50);
        let mean = |of: fn(&Outcome) -> i64| rows.iter().map(of).sum::<i64>() / (50 * 1_000_000);
        let accounts = rows.iter().map(|row| row.adl_accounts).sum::<i64>() as f64 / 50.0;
        println!(
            "{:<22} {:>12} {:>10} {:>10} {:>10} {:>9.1}",
            preset.name,
            mean(|row| row.liquidated_notional),
            mean(|row| row.fund_paid),
            mean(|row| row.fund_need),
            mean(|row| row.adl_notional),
            accounts
        );
    }
}
