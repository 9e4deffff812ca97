//! Mutation fuzzing of everything that reads a user's text: scenarios and the CSV files that they name.
//!
//! Deterministic and without any tool: valid files of `scenarios/` are cut, spliced and given hostile values, and
//! whatever comes out must be read or refused, never panic. `cargo test` does a few thousand; ten minutes each:
//!
//! ```text
//! cargo test --release --test main ten_minutes -- --ignored --nocapture
//! FUZZ_SECONDS=600 FUZZ_SEED=7 cargo test --test main fuzz:: -- --nocapture --test-threads 2
//! ```

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flashcrash::fault::{Paint, Source};

/// Inputs where no time is given.
const INPUTS: u64 = 3_000;

/// What breaks readers: limits, signs, precision, other scripts, quotes, structure.
const HOSTILE: &[&str] = &[
    "0",
    "-1",
    "1e308",
    "1e-308",
    "-0.0",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "79228162514264337593543950335",
    "0.0000000000000000000000000001",
    "1_000",
    "0x10",
    "1e400",
    "\"\"",
    "\"100 %\"",
    "\"-5 %\"",
    "\"1 s\"",
    "\"0 s\"",
    "\"1e9 h\"",
    "true",
    "[]",
    "[[]]",
    "{}",
    "{ kind = \"gbm\" }",
    "kind = \"none\"",
    "[accounts]",
    "[[traders]]",
    "é",
    "\u{202e}",
    "\u{0}",
    "\r\n",
    "\"",
    "'",
    ",",
    ",,",
    ";",
    "=",
    "#",
    "\"unclosed",
    "2020-01-01",
    "long",
    "short",
    "1979-05-27T07:32:00Z",
];

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0 where there is none.
    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { usize::try_from(self.word() % n as u64).unwrap() }
    }

    fn one_of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// A place between two characters.
fn cut(text: &str, dice: &mut Dice) -> usize {
    let mut at = dice.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The bounds of a word or number, so that it can be replaced as a whole.
fn token(text: &str, dice: &mut Dice) -> (usize, usize) {
    let is_token = |c: char| c.is_alphanumeric() || "._-+".contains(c);
    let at = cut(text, dice);
    let start = text[at..].find(is_token).map_or(text.len(), |found| at + found);
    let end = text[start..].find(|c| !is_token(c)).map_or(text.len(), |found| start + found);
    (start, end)
}

fn mutate(text: &mut String, other: &str, dice: &mut Dice) {
    match dice.below(9) {
        0..=2 => {
            let (start, end) = token(text, dice);
            text.replace_range(start..end, dice.one_of(HOSTILE));
        }
        3 => {
            let at = cut(text, dice);
            text.insert_str(at, dice.one_of(HOSTILE));
        }
        4 => {
            let (a, b) = (cut(text, dice), cut(text, dice));
            let (a, b) = (a.min(b), a.max(b));
            let mut end = b.min(a + 40);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.replace_range(a..end, "");
        }
        5 => {
            // A line twice: duplicate keys, duplicate positions.
            let lines: Vec<&str> = text.lines().collect();
            let line = lines.get(dice.below(lines.len())).map_or(String::new(), |line| format!("{line}\n"));
            let at = cut(text, dice);
            let at = text[..at].rfind('\n').map_or(0, |found| found + 1);
            text.insert_str(at, &line);
        }
        6 => {
            let lines: Vec<&str> = other.lines().collect();
            let line = lines.get(dice.below(lines.len())).map_or(String::new(), |line| format!("{line}\n"));
            let at = cut(text, dice);
            let at = text[..at].rfind('\n').map_or(0, |found| found + 1);
            text.insert_str(at, &line);
        }
        7 => {
            let (start, end) = token(text, dice);
            let (from, to) = token(other, dice);
            text.replace_range(start..end, &other[from..to]);
        }
        _ => {
            // A line less.
            let mut lines: Vec<&str> = text.lines().collect();
            if !lines.is_empty() {
                lines.remove(dice.below(lines.len()));
            }
            *text = lines.join("\n");
        }
    }
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Files of `scenarios/` and its folders with this ending, in order, by their names from there.
fn corpus(ending: &str) -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![scenarios()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let name = path.strip_prefix(scenarios()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{ending} in scenarios/");
    if ending == "toml" {
        let quiet = found.iter().find(|(name, _)| name == "quiet-day.toml").map(|(_, text)| text.clone()).unwrap();
        for (i, process) in PROCESSES.iter().enumerate() {
            let text = quiet.replace("{ kind = \"gbm\", volatility = 0.4 }", process);
            found.push((format!("process-{i}.toml"), format!("{text}\n{COMMON}")));
        }
    }
    found
}

/// Processes that no shipped scenario has.
const PROCESSES: &[&str] = &[
    "{ kind = \"stochastic_volatility\", half_life = \"6 h\", vol_of_vol = 20, start_volatility = 1, intensity = 3 }",
    "{ kind = \"garch\", alpha = 0.1, beta = 0.8, degrees_of_freedom = 4, interval = \"1 min\" }",
    "{ kind = \"hawkes_jumps\", intensity = 20, branching = 0.5, half_life = \"1 min\", jump_law = \"double_exponential\" }",
    "{ kind = \"regime_switching\", start = \"stationary\", regimes = [{ duration = \"10 min\" }, { volatility = 3, duration = \"1 min\", weight = 2 }] }",
    "{ kind = \"flash_crash\", shape = \"two_stage\", drop = 0.1, duration = 60, first_share = 0.3, plateau = 0.2, drawn_half_life = 30 }",
    "{ kind = \"flash_crash\", shape = \"grind\", legs = 7, drop = { kind = \"uniform\", min = 0.1, max = 0.2 }, duration = 60 }",
];

const COMMON: &str = "[market]\ncross_impact = true\ncommon_jump = { at = 60, jump_mean = -0.1, up_mean = 0.5 }\n";

/// Reads a text as a scenario and shows what is wrong with it; the scenario may be sound.
fn read(text: &str, base: &Path) -> bool {
    let source = Arc::new(Source { name: "fuzz.toml".into(), text: text.to_owned() });
    let (sound, faults) = match flashcrash::scenario::parse(&source, base) {
        Ok((_, warnings)) => (true, warnings),
        Err(faults) => (false, faults),
    };
    assert_eq!(faults.is_fatal(), !sound);
    let shown = faults.render(Paint::Plain);
    assert_eq!(shown.is_empty(), faults.is_empty());
    sound
}

/// Makes inputs and reads them until the time or the number is reached. `attempt` returns the input and whether it
/// was sound.
fn campaign(name: &str, mut attempt: impl FnMut(&mut Dice, &mut String) -> bool) {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (seconds, seed) = (number("FUZZ_SECONDS"), number("FUZZ_SEED").unwrap_or(1));
    let start = Instant::now();
    let (mut inputs, mut sound, mut slowest) = (0u64, 0u64, Duration::ZERO);
    while seconds.map_or(inputs < INPUTS, |limit| start.elapsed() < Duration::from_secs(limit)) {
        let mut dice = Dice(seed ^ inputs.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut input = String::new();
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| attempt(&mut dice, &mut input))) {
            Ok(well) => sound += u64::from(well),
            Err(_) => panic!("{name}: input {inputs} of seed {seed} panicked:\n{input}"),
        }
        slowest = slowest.max(began.elapsed());
        assert!(slowest < Duration::from_secs(20), "{name}: input {inputs} of seed {seed} took {slowest:?}:\n{input}");
        inputs += 1;
    }
    println!("fuzz {name}: {inputs} inputs, {sound} of them sound, none panicked; slowest {slowest:?}");
    assert!(sound > 0 && sound < inputs, "{name}: {sound} of {inputs} sound: the mutations are too strong or too weak");
}

#[test]
fn scenarios_are_read_or_refused() {
    let corpus = corpus("toml");
    campaign("scenario", |dice, input| {
        let (_, text) = &corpus[dice.below(corpus.len())];
        let (_, other) = &corpus[dice.below(corpus.len())];
        *input = text.clone();
        for _ in 0..=dice.below(4) {
            mutate(input, other, dice);
        }
        read(input, &scenarios())
    });
}

#[test]
fn csv_files_are_read_or_refused() {
    // Scenarios that name a file which lies beside them.
    let tables = corpus("csv");
    let pairs: Vec<(&str, &str, &str)> = corpus("toml")
        .iter()
        .flat_map(|(_, scenario)| {
            tables.iter().filter_map(move |(name, table)| {
                scenario.contains(&format!("\"{name}\"")).then_some((scenario, name, table))
            })
        })
        .map(|(scenario, name, table)| (&*scenario.clone().leak(), &*name.clone().leak(), &*table.clone().leak()))
        .collect();
    assert!(!pairs.is_empty(), "no scenario names a CSV file");
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &tables {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    campaign("csv", |dice, input| {
        let (scenario, name, table) = pairs[dice.below(pairs.len())];
        let (_, other) = &tables[dice.below(tables.len())];
        *input = table.to_owned();
        for _ in 0..=dice.below(4) {
            mutate(input, other, dice);
        }
        let path = folder.path().join(name);
        fs::write(&path, &*input).unwrap();
        let sound = read(scenario, folder.path());
        fs::write(path, table).unwrap();
        sound
    });
}

/// Scenarios whose paths take milliseconds, with every price process that reads a file and every kind of account.
const SMALL: &str = r#"#:schema ./schema.json
# A small crash from recorded bars.
[scenario]
horizon = "3 min"
step = "1 s"

[[assets]]
symbol = "BTC"
tick = 0.5
lot = 0.01
open = 100_000
process = { kind = "replay", file = "bars.csv" }
book = { kind = "depth", depth_1pct = 1_000_000, withdrawal = "smooth" }
mark = { kind = "ema_basis", half_life = "10 s" }

[venue]
check_interval = "2 s"
latency = "1 s"
position_layers = ["engine", "book", "adl"]
taker_fee = "0.05 %"
liquidation_fee = "0.3 %"
surplus_to = "trader"
engine_slice = 40

[[venue.tiers]]
notional_floor = 0
max_leverage = 50
maintenance_rate = "1 %"

[[venue.tiers]]
notional_floor = 50_000
max_leverage = 20
maintenance_rate = "2 %"

[venue.fund]
open = 2_000
floor = 100

[population]
balance = "scale"
leverage_cap = 40
cap_keeps = "notional"

[[traders]]
name = "many"
count = 60
long_share = 0.6
leverage = { kind = "discrete", values = [5, 20, 45], weights = [1, 1, 1] }
size = { kind = "lognormal", median = 3_000, sigma = 1.5 }
size_is = "collateral"
entry_offset = { kind = "normal", mean = 0, sd = 0.01, min = -0.1, max = 0.1 }
wallet = { kind = "uniform", min = 0, max = 100 }
"#;

const BARS: &str = "time_utc,open,high,low,close,volume
2025-10-10T21:00:00Z,100000,100200.5,97000,97500,12.5
2025-10-10T21:01:00Z,97500,98000,88000.5,90000,99
2025-10-10T21:02:00Z,90000,95500,89500,95000,40
";

#[test]
fn bars_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    campaign("bars", |dice, input| {
        *input = BARS.to_owned();
        for _ in 0..=dice.below(4) {
            mutate(input, BARS, dice);
        }
        fs::write(folder.path().join("bars.csv"), &*input).unwrap();
        read(SMALL, folder.path())
    });
}

/// Whatever is read must also run: a path is never broken by what its scenario says. Amounts that leave 64 bits end a
/// path with a message of their own, which is no defect.
#[test]
fn what_is_read_runs_with_every_invariant_kept() {
    use flashcrash::experiment::Audited;
    use flashcrash::fault::Failure;

    /// Larger ones would make the campaign slow and find nothing else.
    const MOST_STEPS: usize = 2_000;
    const MOST_ACCOUNTS: u64 = 200;

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bars.csv"), BARS).unwrap();
    let classroom = fs::read_to_string(scenarios().join("classroom.toml")).unwrap();
    fs::copy(scenarios().join("classroom.csv"), folder.path().join("classroom.csv")).unwrap();
    let texts = [classroom.as_str(), SMALL];
    let (mut ran, mut liquidated, mut too_large) = (0u64, 0u64, 0u64);
    campaign("runs", |dice, input| {
        let (text, other) = (dice.one_of(&texts), dice.one_of(&texts));
        *input = text.to_owned();
        for _ in 0..=dice.below(2) {
            mutate(input, other, dice);
        }
        let source = Arc::new(Source { name: "fuzz.toml".into(), text: input.clone() });
        let Ok((scenario, _)) = flashcrash::scenario::parse(&source, folder.path()) else { return false };
        if scenario.clock.grid().steps > MOST_STEPS || scenario.accounts.count() > MOST_ACCOUNTS {
            return true;
        }
        match crate::lab::attempt(&scenario, 2, Audited::Yes) {
            Ok(delivered) => {
                ran += 1;
                liquidated += u64::from(delivered.rows.iter().any(|row| row.liquidations > 0));
            }
            Err(Failure::Broken(broken)) if broken.message.contains("overflow") => too_large += 1,
            // Accounts that no draw makes acceptable are a fault that shows only when they are drawn.
            Err(Failure::Faults(_)) => {}
            Err(failure) => panic!("{failure}"),
        }
        true
    });
    println!("fuzz runs: {ran} scenarios ran, {liquidated} of them with liquidations; {too_large} left 64 bits");
    assert!(ran > 0 && liquidated > 0);
}

#[test]
#[ignore = "takes ten minutes for each pair of tests: cargo test --release --test main ten_minutes -- --ignored --nocapture"]
fn ten_minutes_of_each() {
    let own = std::env::current_exe().unwrap();
    let status = std::process::Command::new(own)
        .args(["fuzz::", "--nocapture", "--test-threads", "2"])
        .env("FUZZ_SECONDS", "600")
        .status()
        .unwrap();
    assert!(status.success());
}
