//! Importance sampling agrees with plain Monte Carlo, and is told apart from it.

use std::fs;
use std::process::Command;

use flashcrash::experiment::tilted::{Asked, WeightedSummary};
use flashcrash::experiment::{self, Audited, Plan, Sink};
use flashcrash::facts::{Outcome, Sample};
use flashcrash::fault::Failure;
use flashcrash::folder::Adverse;
use flashcrash::scenario::Scenario;
use flashcrash::sim::stage::Stage;
use flashcrash::stats::Estimate;
use std::sync::atomic::AtomicBool;

use crate::lab;

struct Sums(WeightedSummary);

impl Sink for Sums {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        rows.iter().for_each(|row| self.0.add(row));
        Ok(())
    }

    fn series(&mut self, _: Vec<Sample>) {}
}

/// P(exhausted) of the first paths of a seed, plain or tilted, with the effective number of events.
fn exhausted(scenario: &Scenario, seed: u64, paths: u64, tilt: Option<&str>) -> (Estimate, f64) {
    let mut stage = Stage::new(scenario, seed).unwrap();
    stage.tilt = tilt.map(|text| match Asked::parse(text).unwrap() {
        Asked::Given(tilt) => tilt,
        Asked::Auto => unreachable!(),
    });
    let mut sums = Sums(WeightedSummary::new(Adverse::Down));
    let plan = Plan { paths: 0..paths, threads: 2, audit: Audited::No };
    experiment::run(&stage, &plan, &mut sums, &AtomicBool::new(false), &|_| ()).unwrap();
    let told = sums.0.metrics(&experiment::header(&stage, paths));
    let weights = told.mean_weight.unwrap();
    assert!(weights.low <= 1.0 && 1.0 <= weights.high, "{tilt:?} {seed}: the mean weight is {weights:?}");
    let metric = told.metrics.iter().find(|metric| metric.name == "p_fund_exhausted").unwrap();
    let size = told.effective.iter().find(|(name, _)| name == "p_fund_exhausted").unwrap().1;
    (metric.estimate.unwrap_or_else(|| panic!("{size} effective events")), size)
}

/// Twenty independent replications of both at a probability of about 1 in 100.
fn agrees(text: &str, tilt: &str, plain_paths: u64, tilted_paths: u64) {
    let scenario = lab::read(text);
    let plain: Vec<f64> = (1..=20)
        .map(|seed| {
            let rows = {
                let stage = Stage::new(&scenario, seed).unwrap();
                let mut rows = lab::Delivered::default();
                let plan = Plan { paths: 0..plain_paths, threads: 2, audit: Audited::No };
                experiment::run(&stage, &plan, &mut rows, &AtomicBool::new(false), &|_| ()).unwrap();
                rows.rows
            };
            rows.iter().filter(|row| row.exhausted_at_s.is_some()).count() as f64 / plain_paths as f64
        })
        .collect();
    // Other seeds, so that nothing is shared.
    let tilted: Vec<Estimate> =
        (101..=120).map(|seed| exhausted(&scenario, seed, tilted_paths, Some(tilt)).0).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / 20.0;
    let error = |values: &[f64]| {
        let mean = mean(values);
        (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 19.0 / 20.0).sqrt()
    };
    let centres: Vec<f64> = tilted.iter().map(|e| e.estimate).collect();
    let truth = mean(&plain);
    assert!((0.004..0.03).contains(&truth), "{truth} is no 1 in 100");
    let apart = (mean(&centres) - truth) / (error(&plain).powi(2) + error(&centres).powi(2)).sqrt();
    println!("{tilt}: plain {truth:.5} ± {:.5}, tilted {:.5} ± {:.5}", error(&plain), mean(&centres), error(&centres));
    assert!(apart.abs() < 3.0, "{tilt}: {apart} standard errors apart");
    // What both say together, each by its precision, is what the intervals should hold.
    let (a, b) = (error(&plain).powi(-2), error(&centres).powi(-2));
    let best = (a * truth + b * mean(&centres)) / (a + b);
    let covered = tilted.iter().filter(|e| e.low <= best && best <= e.high).count();
    assert!(covered >= 16, "{tilt}: {covered} of 20 intervals hold {best}");
    let ratio = truth * (1.0 - truth) / plain_paths as f64 / (20.0 * error(&centres).powi(2));
    println!("  a tilted path is worth {:.1} plain ones", ratio * plain_paths as f64 / tilted_paths as f64);
}

fn with_fund(fund: &str) -> String {
    lab::edit(lab::TINY, "open = 20_000", &format!("open = {fund}"))
}

#[test]
fn a_tilted_drop_agrees_with_plain_monte_carlo() {
    // A fall between two looks at accounts that are all alike, so that its depth alone makes a crash rare.
    let mut even = with_fund("124_000");
    for (from, to) in [
        ("{ kind = \"lognormal\", median = 2_000, sigma = 1.2, min = 100, max = 100_000 }", "3_000"),
        ("{ kind = \"discrete\", values = [5, 10, 20, 50], weights = [2, 3, 3, 2] }", "20"),
        ("{ kind = \"uniform\", min = -0.015, max = 0.015 }", "0"),
        ("{ kind = \"uniform\", min = 300, max = 1_200 }\nstart = 60", "30\nstart = 61"),
        ("depth_1pct = 300_000", "depth_1pct = 5_000_000"),
    ] {
        even = lab::edit(&even, from, to);
    }
    agrees(&even, "drop=4", 3_000, 4_000);
}

#[test]
fn a_tilted_size_agrees_with_plain_monte_carlo() {
    agrees(&with_fund("330_000"), "size=3", 3_000, 6_000);
}

#[test]
fn three_tilts_together_agree_with_plain_monte_carlo() {
    agrees(&with_fund("330_000"), "drop=2,duration=2,size=2", 3_000, 8_000);
}

#[test]
fn tilted_noise_agrees_with_plain_monte_carlo() {
    // In some parts of a fall of five minutes there is no look at all.
    agrees(&with_fund("330_000"), "drop=2,noise=0.5", 3_000, 14_000);
}

#[test]
fn tilted_jumps_agree_with_plain_monte_carlo() {
    let fall = lab::TINY.split_once("[assets.process]").unwrap().1.split_once("[assets.book]").unwrap().0;
    let jumps = "\nkind = \"jump_diffusion\"\nvolatility = 0.8\nintensity = 1.0\njump_mean = -0.08\njump_sd = 0.02\n\n";
    agrees(&lab::edit(&with_fund("100_000"), fall, jumps), "jumps=8", 3_000, 6_000);
}

#[test]
fn tilted_shards_merge_to_the_single_run_and_other_tilts_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), with_fund("330_000")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrash"));
        command.current_dir(dir.path()).args(arguments).output().unwrap()
    };
    let told = run(&["run", "tiny.toml", "--tilt", "--paths", "3000", "--out", "single"]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success() && text.contains("chosen") && text.contains("contains 1, as it must"), "{text}");
    let manifest = fs::read_to_string(dir.path().join("single/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let tilt = format!("--tilt={}", manifest["tilt"].as_str().unwrap());
    assert!(run(&["run", "tiny.toml", "-q", "--tilt", "--paths", "0..1234", "--shard-out", "a"]).status.success());
    assert!(run(&["run", "tiny.toml", "-q", &tilt, "--paths", "1234..3000", "--shard-out", "b"]).status.success());
    assert!(run(&["merge", "b", "a", "--scenario", "tiny.toml", "-q", "--out", "merged"]).status.success());
    assert!(lab::contents(&dir.path().join("merged")) == lab::contents(&dir.path().join("single")));
    assert!(run(&["run", "tiny.toml", "-q", "--paths", "1234..3000", "--shard-out", "c"]).status.success());
    let refused = run(&["merge", "c", "a", "--scenario", "tiny.toml", "-q", "--out", "x"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("are of another tilt"));
    let fixed = run(&["run", "tiny.toml", "-q", "--tilt=jumps=2", "--out", "x"]);
    assert!(String::from_utf8_lossy(&fixed.stderr).contains("can be tilted by drop, duration, noise, size"));
    // A path of the run is replayed as it was drawn: its totals are its row, and not those of the plain path.
    let names = |text: &str| text.lines().next().unwrap().split(',').map(String::from).collect::<Vec<_>>();
    let rows = fs::read_to_string(dir.path().join("single/paths.csv")).unwrap();
    let at = names(&rows).iter().position(|name| name == "fund_need").unwrap();
    let mut moved = 0;
    for path in 0..12 {
        let number = path.to_string();
        let need = |arguments: &[&str]| {
            let told = run(&[&["trace", "tiny.toml", "--json", "--path", &number], arguments].concat());
            let text = String::from_utf8(told.stdout).unwrap();
            let totals: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            totals["fund_need"].as_str().unwrap().to_owned()
        };
        let row = rows.lines().nth(path + 1).unwrap().split(',').nth(at).unwrap();
        assert_eq!(need(&[&tilt]), row, "path {path}");
        moved += usize::from(need(&[]) != row);
    }
    assert!(moved > 3, "{moved} of 12 paths were moved by the tilt");
    assert!(fs::read_dir(dir.path().join("single/trace")).unwrap().count() >= 1, "the worst path is kept in full");
    for (arguments, expected) in [
        (vec!["trace", "tiny.toml", "--tilt=auto"], "in the run's manifest.json"),
        (vec!["trace", "tiny.toml", "--tilt=jumps=2"], "can be tilted by drop, duration, noise, size"),
        (vec!["report", "single"], "weighted paths"),
    ] {
        let told = run(&arguments);
        assert_eq!(told.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&told.stderr).contains(expected), "{arguments:?}");
    }
    // The columns of a plain run, and the weight last; weights lie between 0 and 10.
    let rows = fs::read_to_string(dir.path().join("single/paths.csv")).unwrap();
    assert!(rows.lines().next().unwrap().ends_with(",weight"));
    let weights: Vec<f64> =
        rows.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert!(weights.len() == 3_000 && weights.iter().all(|w| (0.0..=10.0).contains(w)));
}
