//! The contract of the command line and of the folder that it writes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flashcrash::facts::{Fact, Observer};
use flashcrash::fault::{Broken, Failure, Faults};
use flashcrash::money::Nanos;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::lab;

/// What readers of `paths.csv` may rely on, in order.
const COLUMNS: &str = "path,liquidations,liquidated_accounts,liquidated_notional,to_book,to_engine,to_backstop,to_adl,\
                       fund_open,fund_close,fund_min,fund_draw,fund_need,fund_paid,fund_received,inventory_hole,adl_events,\
                       adl_accounts,adl_notional,shortfall,venue_paid,backstop_loss,socialised,unfunded_deficit,\
                       index_exogenous_low,index_low,traded_low,traded_high,exhausted_at_s";

/// What readers of `summary.json` may rely on.
const METRICS: [&str; 14] = [
    "p_fund_exhausted",
    "p_adl",
    "fund_draw_mean",
    "fund_need_mean",
    "fund_need_var_99",
    "fund_need_es_99",
    "adl_notional_mean",
    "adl_accounts_mean",
    "liquidated_notional_mean",
    "liquidations_mean",
    "unfunded_deficit_mean",
    "cascade_amplification",
    "price_amplification",
    "impact_excess_mean",
];

fn run(name: &str, arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    lab::run_into(&lab::file_of(name), &folder.path().join("out"), arguments);
    folder
}

fn summary(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("out/summary.json")).unwrap()).unwrap()
}

// ---------------------------------------------------------------------------------------------- files

#[test]
fn the_summary_has_its_keys_and_every_metric_its_shape() {
    let folder = run("flash-crash", &["--paths", "20", "--seed", "9"]);
    let summary = summary(folder.path());
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["scenario", "scenario_hash", "seed", "paths", "version", "metrics"]);
    let (scenario, _) = flashcrash::scenario::load(&lab::file_of("flash-crash")).unwrap();
    assert_eq!(summary["scenario"], "flash-crash");
    assert_eq!(summary["scenario_hash"], *scenario.hash);
    assert_eq!((summary["seed"].as_u64(), summary["paths"].as_u64()), (Some(9), Some(20)));
    assert_eq!(summary["version"], flashcrash::folder::VERSION);
    let metrics = summary["metrics"].as_object().unwrap();
    for promised in METRICS {
        assert!(metrics.contains_key(promised), "{promised}");
    }
    let mut defined = 0;
    for (name, metric) in metrics {
        if metric.is_null() {
            continue;
        }
        defined += 1;
        let metric = metric.as_object().unwrap();
        for key in ["estimate", "low", "high", "level", "unit"] {
            assert!(metric.contains_key(key), "{name}.{key}");
        }
        for key in metric.keys() {
            let known = ["estimate", "low", "high", "level", "unit", "standard_error", "flags"];
            assert!(known.contains(&key.as_str()), "{name}.{key}");
        }
        let number = |key: &str| metric[key].as_f64();
        let estimate = number("estimate").unwrap();
        assert!(number("low").is_none_or(|low| low <= estimate), "{name}");
        assert!(number("high").is_none_or(|high| estimate <= high), "{name}");
        assert_eq!(number("level"), Some(0.95), "{name}");
        assert!(!metric["unit"].as_str().unwrap().is_empty(), "{name}");
    }
    assert!(defined > 25, "{defined} metrics are defined");
}

#[test]
fn a_metric_over_nothing_is_null() {
    let folder = run("quiet-day", &["--paths", "3"]);
    let summary = summary(folder.path());
    assert_eq!(summary["metrics"]["cascade_amplification"], Value::Null);
    assert_eq!(summary["metrics"]["p_adl"]["estimate"], 0.0);
    assert_eq!(summary["metrics"]["fund_draw_mean"]["estimate"], 0.0);
}

#[test]
fn nothing_happens_on_a_quiet_day() {
    let scenario = lab::read(&lab::text_of("quiet-day"));
    for row in lab::run(&scenario, 20, flashcrash::experiment::Audited::No).rows {
        assert_eq!((row.liquidations, row.fund_close), (0, row.fund_open));
        assert_eq!((row.shortfall, row.adl_events, row.fund_need), (0, 0, 0));
    }
}

/// Columns and rows of a table.
fn table(file: &Path) -> (Vec<String>, Vec<csv::StringRecord>) {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let columns = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (columns, reader.records().map(Result::unwrap).collect())
}

#[test]
fn a_row_a_path_in_the_promised_order_with_exact_decimals() {
    let folder = run("flash-crash", &["--paths", "30"]);
    let (columns, rows) = table(&folder.path().join("out/paths.csv"));
    let promised: Vec<&str> = COLUMNS.split(',').collect();
    assert_eq!(columns[..promised.len()], promised);
    assert_eq!(rows.len(), 30);
    let unit = Decimal::new(1, 6);
    let mut deleveraged = 0;
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row[0], i.to_string());
        let cell = |name: &str| -> Decimal {
            let at = columns.iter().position(|column| column == name).unwrap();
            row[at].parse().unwrap_or_else(|_| panic!("{name} of path {i}: {}", &row[at]))
        };
        for (name, text) in columns.iter().zip(row) {
            if name == "exhausted_at_s" && text.is_empty() {
                continue;
            }
            // Digits and a point: no exponent, no rounding, no zeros that say nothing.
            let value: Decimal = text.parse().unwrap();
            assert_eq!(value.normalize().to_string(), text, "{name} of path {i}");
            assert!((value / unit).is_integer(), "{name} of path {i} is {text}");
        }
        let sum = |names: &[&str]| names.iter().map(|name| cell(name)).sum::<Decimal>();
        assert_eq!(cell("liquidated_notional"), sum(&["to_book", "to_engine", "to_backstop", "to_adl"]), "path {i}");
        let payers = ["fund_paid", "venue_paid", "backstop_loss", "socialised", "unfunded_deficit"];
        assert_eq!(cell("shortfall"), sum(&payers), "path {i}");
        assert_eq!(cell("fund_close"), sum(&["fund_open", "fund_received"]) - cell("fund_paid"), "path {i}");
        assert_eq!(cell("fund_min"), cell("fund_open") - cell("fund_draw"), "path {i}");
        assert!(cell("fund_need") >= Decimal::ZERO, "path {i}");
        deleveraged += u32::from(cell("adl_events") > Decimal::ZERO);
    }
    assert!(deleveraged > 0, "some path has ADL");
}

#[test]
fn the_classroom_is_what_its_page_says() {
    // docs/classroom.md, last table.
    let folder = run("classroom", &[]);
    let (columns, rows) = table(&folder.path().join("out/paths.csv"));
    assert_eq!(rows.len(), 1);
    for (name, expected) in [
        ("liquidations", "4"),
        ("liquidated_accounts", "4"),
        ("liquidated_notional", "4842"),
        ("to_book", "3750"),
        ("to_adl", "1092"),
        ("fund_open", "40"),
        ("fund_close", "3"),
        ("fund_min", "3"),
        ("fund_received", "35"),
        ("fund_paid", "72"),
        ("shortfall", "72"),
        ("fund_draw", "37"),
        ("fund_need", "121"),
        ("adl_events", "1"),
        ("adl_accounts", "1"),
        ("adl_notional", "1092"),
        ("unfunded_deficit", "0"),
        ("adl_haircut", "0"),
        ("adl_gift", "48"),
        ("exhausted_at_s", "180"),
        ("index_exogenous_low", "88"),
    ] {
        let at = columns.iter().position(|column| column == name).unwrap();
        assert_eq!(&rows[0][at], expected, "{name}");
    }
}

#[test]
fn every_file_is_explained() {
    let folder = run("classroom", &[]);
    let readme = fs::read_to_string(lab::root().join("output/README.md")).unwrap();
    for path in lab::contents(&folder.path().join("out")).into_keys() {
        // A folder of path 0 is one of path N.
        let parts = path.iter().map(|part| part.to_str().unwrap());
        let name = parts.map(|part| if part.parse::<u64>().is_ok() { "N" } else { part }).collect::<Vec<_>>().join("/");
        let (stem, ending) = name.rsplit_once('.').unwrap();
        let told = if ["svg", "png"].contains(&ending) { format!("`{stem}`") } else { format!("`{name}`") };
        assert!(readme.contains(&told), "output/README.md says nothing of {name}");
    }
}

// ---------------------------------------------------------------------------------------------- exit codes

#[test]
fn exit_code_0_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for arguments in [
        &["check", "scenarios/classroom.toml"][..],
        &["list"],
        &["list", "--json"],
        &["schema"],
        &["--help"],
        &["--version"],
        &["trace", "scenarios/classroom.toml", "--path", "0"],
        &["run", "scenarios/classroom.toml", "--out", out.to_str().unwrap()],
    ] {
        lab::flashcrash(arguments).assert().code(0);
    }
}

#[test]
fn exit_code_1_is_a_faulty_scenario_or_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    fs::write(&file, lab::edit(&lab::text_of("flash-crash"), "paths = 10_000", "pahts = 10_000")).unwrap();
    let bad = file.to_str().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    for arguments in [
        &["check", bad][..],
        &["run", bad, "--out", out],
        &["trace", bad],
        &["run"],
        &["walk"],
        &["run", "scenarios/classroom.toml", "--paths", "0", "--out", out],
        &["run", "scenarios/classroom.toml", "--threads", "many", "--out", out],
        &["run", "scenarios/classroom.toml", "--out", "/"],
    ] {
        let assert = lab::flashcrash(arguments).assert().code(1);
        assert!(assert.get_output().stdout.is_empty() && !assert.get_output().stderr.is_empty(), "{arguments:?}");
    }
    let assert = lab::flashcrash(&["check", bad]).assert().code(1);
    let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(told.contains("bad.toml:5:1") && told.contains("paths"), "{told}");
    assert_eq!(lab::names_in(folder.path()), ["bad.toml"]);
}

#[test]
fn exit_code_3_is_a_file_that_cannot_be_read_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("occupied");
    fs::write(&occupied, "a file").unwrap();
    let below = occupied.join("out");
    let missing = folder.path().join("missing.toml");
    for arguments in [
        &["check", missing.to_str().unwrap()][..],
        &["run", missing.to_str().unwrap()],
        &["run", "scenarios/classroom.toml", "--out", below.to_str().unwrap()],
    ] {
        lab::flashcrash(arguments).assert().code(3);
    }
    assert_eq!(fs::read_to_string(&occupied).unwrap(), "a file");
}

/// Breaks in the middle of a path, as a broken invariant would.
struct Saboteur;

impl Observer for Saboteur {
    fn see(&mut self, time: Nanos, _: &[Fact]) {
        assert!(time < Nanos::SECOND * 60, "clearing of TOY is 1 off");
    }
}

#[test]
fn exit_code_2_is_a_broken_invariant_with_the_command_that_replays_it() {
    let scenario = lab::read(&lab::text_of("classroom"));
    let stage = Stage::new(&scenario, 7).unwrap();
    let mut worker = Worker::new(&stage);
    let wanted = Wanted { series: Series::Keep, pair: Pair::WithInfiniteDepth };
    let sound = worker.run(0, wanted, &mut []).unwrap();
    let failure = worker.run(0, wanted, &mut [&mut Saboteur]).unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    let Failure::Broken(broken) = failure else { panic!("{failure}") };
    assert_eq!(
        *broken,
        Broken {
            path: 0,
            seed: 7,
            message: "clearing of TOY is 1 off".into(),
            replay: "flashcrash trace lab.toml --path 0 --seed 7".into(),
        }
    );
    // What the path left half done does not reach the next one.
    assert_eq!(worker.run(0, wanted, &mut []).unwrap(), sound);
}

#[test]
fn a_path_whose_sums_leave_64_bits_is_told_once_and_leaves_nothing() {
    // Two thousand accounts of about 10⁸ in units of 10⁻⁹: each fits, their sum does not.
    let text = lab::edit(&lab::text_of("quiet-day"), "[scenario]\n", "[scenario]\ncash_unit = 0.000000001\n");
    let text = lab::edit(
        &text,
        "size = { kind = \"lognormal\", median = 1_000, sigma = 1.5, min = 200, max = 500_000 }",
        "size = { kind = \"uniform\", min = 1e7, max = 2e8 }",
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vast.toml"), text).unwrap();
    let mut command = lab::flashcrash(&["run", "vast.toml", "--quiet", "--out", "out"]);
    let assert = command.env_remove("RUST_BACKTRACE").current_dir(folder.path()).assert().code(2).stdout("");
    let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(told.starts_with("error: path 0 of seed 1 broke an invariant: ") && told.contains("overflow"), "{told}");
    assert!(told.contains("replay: flashcrash trace vast.toml --path 0 --seed 1"), "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
    assert_eq!(lab::names_in(folder.path()), ["vast.toml"]);
}

#[test]
fn a_position_book_whose_sums_leave_64_bits_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let text = lab::edit(&lab::text_of("classroom"), "cash_unit = 1\n", "cash_unit = 0.000000001\n");
    fs::write(folder.path().join("classroom.toml"), text).unwrap();
    let book = fs::read_to_string(lab::scenarios().join("classroom.csv")).unwrap();
    // Nine thousand million each, in units of 10⁻⁹: 9·10¹⁸ fits 64 bits, twice that does not.
    let book = lab::edit(&book, "Finn,TOY,long,5,95,250", "Finn,TOY,long,5,95,9000000000");
    let book = lab::edit(&book, "Kim,TOY,short,7,100,300", "Kim,TOY,short,7,100,9000000000");
    fs::write(folder.path().join("classroom.csv"), book).unwrap();
    for verb in ["run", "trace"] {
        let assert = lab::flashcrash(&[verb, "classroom.toml"]).current_dir(folder.path()).assert().code(1).stdout("");
        let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(told.contains("too large to be counted in 64 bits") && !told.contains("panicked"), "{told}");
    }
    assert_eq!(lab::names_in(folder.path()), ["classroom.csv", "classroom.toml"]);
}

#[test]
fn every_kind_of_failure_has_its_exit_code() {
    let cause = std::io::Error::other("disk full");
    assert_eq!(Failure::Faults(Faults::default()).exit_code(), 1);
    assert_eq!(Failure::File { path: "x".into(), cause }.exit_code(), 3);
    assert_eq!(Failure::Interrupted.exit_code(), 130);
}

// ---------------------------------------------------------------------------------------------- other people's folders

#[test]
fn a_folder_of_somebody_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("thesis");
    fs::create_dir(&thesis).unwrap();
    fs::write(thesis.join("chapter.tex"), "years of work").unwrap();
    let assert =
        lab::flashcrash(&["run", "scenarios/classroom.toml", "--out", thesis.to_str().unwrap()]).assert().code(1);
    let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(told.contains("is not a folder that flashcrash wrote"), "{told}");
    assert_eq!(lab::names_in(folder.path()), ["thesis"]);
    assert_eq!(fs::read_to_string(thesis.join("chapter.tex")).unwrap(), "years of work");
}

#[test]
fn a_folder_of_its_own_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    lab::run_into(&lab::file_of("flash-crash"), &out, &["--paths", "3"]);
    lab::run_into(&lab::file_of("classroom"), &out, &[]);
    assert_eq!(lab::names_in(folder.path()), ["out"]);
    let (_, rows) = table(&out.join("paths.csv"));
    assert_eq!(rows.len(), 1);
}

#[test]
fn the_default_folder_is_output_and_the_name_of_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let file = lab::file_of("classroom");
    lab::flashcrash(&["run", file.to_str().unwrap(), "--quiet"]).current_dir(folder.path()).assert().success();
    assert_eq!(lab::names_in(folder.path()), ["output"]);
    assert_eq!(lab::names_in(&folder.path().join("output")), ["classroom"]);
}

#[test]
fn a_name_that_leads_out_of_the_output_folder_is_refused() {
    let named = |name: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(lab::scenarios().join("classroom.csv"), folder.path().join("classroom.csv")).unwrap();
        let text = lab::edit(&lab::text_of("classroom"), "[scenario]\n", &format!("[scenario]\nname = \"{name}\"\n"));
        fs::write(folder.path().join("a.toml"), text).unwrap();
        let output = lab::flashcrash(&["run", "a.toml", "--quiet"]).current_dir(folder.path()).output().unwrap();
        let names = lab::names_in(folder.path());
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), names)
    };
    for name in ["../escape", "/tmp/escape", ".", "..", ".hidden", "a\\u0000b", "a\\\\b", &"x".repeat(101)] {
        let (code, told, names) = named(name);
        assert_eq!(code, Some(1), "{name}: {told}");
        assert!(told.contains("a.toml:7:8") && told.contains("cannot be the name of an output folder"), "{told}");
        assert_eq!(names, ["a.toml", "classroom.csv"], "{name}");
    }
    let (code, told, names) = named("Krach in Zürich 2");
    assert_eq!((code, names.len()), (Some(0), 3), "{told}");
}

// ---------------------------------------------------------------------------------------------- terminal

#[test]
fn quiet_prints_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = ["run", "scenarios/quiet-day.toml", "--paths", "2", "--quiet", "--out", out.to_str().unwrap()];
    lab::flashcrash(&arguments).assert().success().stdout("").stderr("");
}

#[test]
fn a_run_prints_figures_with_intervals_and_where_the_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = ["run", "scenarios/flash-crash.toml", "--paths", "12", "--out", out.to_str().unwrap()];
    let assert = lab::flashcrash(&arguments).assert().success().stderr("");
    let told = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    for part in ["95 % interval", "crashes with ADL", "cascade amplification", out.to_str().unwrap(), "paths.csv"] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
    // No cursor movement, no colour: this is no terminal.
    assert!(!told.contains('\u{1b}') && !told.contains('\r'));
}

/// A child that is killed and reaped where a test fails on the way.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(arguments: &[&str]) -> Guard {
    let child = Command::new(env!("CARGO_BIN_EXE_flashcrash"))
        .current_dir(lab::root())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Guard(child.unwrap())
}

#[test]
fn a_reader_that_goes_away_ends_a_trace_quietly() {
    for format in [&["--json"][..], &[]] {
        let mut arguments = vec!["trace", "scenarios/flash-crash.toml", "--path", "0"];
        arguments.extend(format);
        let mut child = spawn(&arguments);
        let mut first = String::new();
        // The reader is dropped with the line, as `head -1` would.
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        let status = child.0.wait().unwrap();
        let mut told = String::new();
        std::io::Read::read_to_string(&mut child.0.stderr.take().unwrap(), &mut told).unwrap();
        assert!(status.success() && told.is_empty(), "{status}: {told}");
    }
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -INT {}", child.id())).status().unwrap();
    assert!(status.success());
}

/// Starts a run that would take minutes, and interrupts it once rows have been written.
#[cfg(unix)]
fn interrupted(out: &Path) {
    let partial = out.with_file_name(format!(".{}.partial", out.file_name().unwrap().to_str().unwrap()));
    let mut child =
        spawn(&["run", "scenarios/flash-crash.toml", "--paths", "1000000", "--quiet", "--out", out.to_str().unwrap()]);
    let start = Instant::now();
    while fs::read_to_string(partial.join("paths.csv")).map_or(0, |text| text.lines().count()) < 2 {
        assert!(start.elapsed() < Duration::from_mins(2), "no path was written in two minutes");
        assert_eq!(child.0.try_wait().unwrap(), None, "the run ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&child.0);
    let status = child.0.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{status}");
    let mut told = String::new();
    std::io::Read::read_to_string(&mut child.0.stderr.take().unwrap(), &mut told).unwrap();
    assert!(told.contains("stopped; nothing was written"), "{told}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(&folder.path().join("out"));
    assert_eq!(lab::names_in(folder.path()), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_an_earlier_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    lab::run_into(&lab::file_of("classroom"), &out, &[]);
    let before = lab::contents(&out);
    interrupted(&out);
    assert_eq!(lab::names_in(folder.path()), ["out"]);
    assert!(lab::contents(&out) == before);
}
