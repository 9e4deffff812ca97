//! What the other modules run: shipped scenarios, edited scenarios, the program itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flashcrash::experiment::{self, Audited, Plan, Sink};
use flashcrash::facts::{Fact, Observer, Outcome, Party, Sample};
use flashcrash::fault::{Failure, Paint, Source};
use flashcrash::money::Nanos;
use flashcrash::scenario::{self, Scenario};
use flashcrash::sim::stage::Stage;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn scenarios() -> PathBuf {
    root().join("scenarios")
}

/// Twenty accounts seen once a minute: thirty thousand paths a second.
pub const TINY: &str = r#"
[scenario]
paths = 10_000
seed = 1
horizon = "30 min"
step = "60 s"

[[assets]]
symbol = "BTC"
tick = 0.1
lot = 0.001
open = 100_000
mark = "index"

[assets.process]
kind = "flash_crash"
drop = { kind = "uniform", min = 0.02, max = 0.2 }
duration = { kind = "uniform", min = 300, max = 1_200 }
start = 60
volatility = 0.8

[assets.book]
kind = "depth"
depth_1pct = 300_000
half_life = "60 s"

[venue]
mark_interval = "60 s"
check_interval = "60 s"
position_layers = ["book", "adl"]
cash_layers = ["fund"]
taker_fee = "0.05 %"
liquidation_fee = "0.3 %"
surplus_to = "fund"
adl = { kind = "profit_leverage", eligible = "profit_at_adl_price" }

[[venue.tiers]]
notional_floor = 0
max_leverage = 100
maintenance_rate = "0.5 %"

[venue.fund]
open = 20_000

[[traders]]
name = "all"
count = 20
long_share = 0.6
leverage = { kind = "discrete", values = [5, 10, 20, 50], weights = [2, 3, 3, 2] }
size = { kind = "lognormal", median = 2_000, sigma = 1.2, min = 100, max = 100_000 }
size_is = "collateral"
entry_offset = { kind = "uniform", min = -0.015, max = 0.015 }
"#;

/// Every shipped scenario, by name.
pub fn shipped() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(scenarios())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    names
}

pub fn file_of(name: &str) -> PathBuf {
    scenarios().join(format!("{name}.toml"))
}

pub fn text_of(name: &str) -> String {
    fs::read_to_string(file_of(name)).unwrap()
}

/// The text with the one place that reads `from` replaced.
pub fn edit(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands there once");
    text.replace(from, to)
}

/// A scenario from its text; files that it names lie in `base`. Also its warnings.
pub fn read_in(text: &str, base: &Path) -> (Scenario, String) {
    let source = Arc::new(Source { name: "lab.toml".into(), text: text.to_owned() });
    match scenario::parse(&source, base) {
        Ok((scenario, warnings)) => (scenario, warnings.render(Paint::Plain)),
        Err(faults) => panic!("{}", faults.render(Paint::Plain)),
    }
}

/// A scenario from its text beside the shipped ones.
pub fn read(text: &str) -> Scenario {
    read_in(text, &scenarios()).0
}

/// Everything that a run delivers.
#[derive(Debug, Default)]
pub struct Delivered {
    pub rows: Vec<Outcome>,
    pub samples: Vec<Vec<Sample>>,
}

impl Sink for Delivered {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        self.rows.extend_from_slice(rows);
        Ok(())
    }

    fn series(&mut self, samples: Vec<Sample>) {
        self.samples.push(samples);
    }
}

/// The first paths of a scenario with its own seed, on two threads.
pub fn attempt(scenario: &Scenario, paths: u64, audit: Audited) -> Result<Delivered, Failure> {
    let stage = Stage::new(scenario, scenario.seed)?;
    let mut delivered = Delivered::default();
    let plan = Plan { paths: 0..paths, threads: 2, audit };
    experiment::run(&stage, &plan, &mut delivered, &AtomicBool::new(false), &|_| ())?;
    assert_eq!(delivered.rows.len() as u64, paths);
    Ok(delivered)
}

/// The same of a scenario that is known to run.
pub fn run(scenario: &Scenario, paths: u64, audit: Audited) -> Delivered {
    attempt(scenario, paths, audit).unwrap_or_else(|failure| panic!("{}: {failure}", scenario.name))
}

/// Adds up postings: the cash of every party, and a line for every posting.
#[derive(Debug, Default)]
pub struct Cashbook {
    pub cash: BTreeMap<Party, i64>,
    pub facts: Vec<(Nanos, Fact)>,
}

impl Cashbook {
    pub fn of(&self, party: Party) -> i64 {
        self.cash.get(&party).copied().unwrap_or(0)
    }
}

impl Observer for Cashbook {
    fn see(&mut self, time: Nanos, facts: &[Fact]) {
        for fact in facts {
            if let Fact::Posted { from, to, amount, .. } = fact {
                *self.cash.entry(*from).or_default() -= amount.0;
                *self.cash.entry(*to).or_default() += amount.0;
            }
            self.facts.push((time, *fact));
        }
    }
}

/// The program, in the folder of the project.
pub fn flashcrash(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("flashcrash").unwrap();
    command.current_dir(root()).args(arguments);
    command
}

/// Runs a scenario file into `out`, in silence.
pub fn run_into(file: &Path, out: &Path, arguments: &[&str]) {
    let mut command = flashcrash(&["run", file.to_str().unwrap(), "--quiet", "--out", out.to_str().unwrap()]);
    command.args(arguments).assert().success();
}

/// Every file below a folder with its bytes, by its path from there.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_path_buf();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What lies in a folder, hidden files included.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A metric of a finished folder: estimate, low, high.
pub fn metric(folder: &Path, name: &str) -> (f64, f64, f64) {
    let text = fs::read_to_string(folder.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let metric = &summary["metrics"][name];
    let number = |key: &str| metric[key].as_f64().unwrap_or_else(|| panic!("{name} has no {key}: {metric}"));
    (number("estimate"), number("low"), number("high"))
}

/// True where a missing tool or file is a failure and no reason to skip.
pub fn on_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
