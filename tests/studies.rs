//! Studies as a user runs them: comparisons, sweeps, shards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A crash among 200 accounts, small enough for hundreds of paths.
const SMALL: [&str; 9] = [
    "traders.retail.count=170",
    "traders.professionals.count=28",
    "traders.whales.count=2",
    "assets.0.book.depth_1pct=1_200_000",
    "venue.fund.open=100_000",
    "venue.mark_interval=10 s",
    "venue.check_interval=10 s",
    "scenario.step=10 s",
    "scenario.paths=60",
];

fn crash() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/flash-crash.toml")
}

fn flashcrash(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrash"));
    command.current_dir(dir).args(args);
    command
}

fn small(command: &mut Command) -> &mut Command {
    for setting in SMALL {
        command.args(["--set", setting]);
    }
    command
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn merged_shards_are_the_single_run_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let file = crash();
    let file = file.to_str().unwrap();
    done(small(&mut flashcrash(dir.path(), &["run", file, "-q", "--out", "single"])));
    let shard = |range: &str, name: &str| {
        let mut command = flashcrash(dir.path(), &["run", file, "-q", "--paths", range, "--shard-out", name]);
        small(&mut command);
        command
    };
    // Several processes at once; one of them is killed, leaves no shard, and is run again.
    let mut running: Vec<_> = [("0..7", "a"), ("7..30", "b"), ("30..60", "c")]
        .map(|(range, name)| shard(range, name).spawn().unwrap())
        .into();
    running[1].kill().unwrap();
    for child in &mut running {
        child.wait().unwrap();
    }
    if dir.path().join("b").exists() {
        fs::remove_file(dir.path().join("b")).unwrap();
    }
    let missing = flashcrash(dir.path(), &["merge", "c", "a", "--scenario", file, "--out", "merged"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("paths 7..30 are missing"));
    done(&mut shard("7..30", "b"));
    done(small(&mut flashcrash(dir.path(), &["merge", "c", "a", "b", "--scenario", file, "-q", "--out", "merged"])));
    assert_eq!(crate::lab::contents(&dir.path().join("merged")), crate::lab::contents(&dir.path().join("single")));
    assert_eq!(names(dir.path()), ["a", "b", "c", "merged", "single"], "no stray files");
}

#[test]
fn identical_scenarios_differ_by_exactly_nothing_and_others_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = crash();
    let mut command = flashcrash(dir.path(), &["compare", file.to_str().unwrap(), "--out", "x"]);
    // The venue's capital is asked only where `venue` stands among the cash layers, which it does not.
    command.args(["--with", "venue.capital=5", "--with", "venue.fund.open=100_001"]);
    let output = done(small(&mut command));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("flash-crash and venue.capital=5 are identical"), "{told}");
    assert!(!told.contains("flash-crash and venue.fund.open=100_001 are identical"), "{told}");
    let table = fs::read_to_string(dir.path().join("x/compare.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let twin: Vec<_> = rows.iter().filter(|row| row[0] == "venue.capital=5" && !row[6].is_empty()).collect();
    assert!(twin.len() > 15 && twin.iter().all(|row| row[6..9] == ["0", "0", "0"] && row[11] == "true"), "{twin:?}");
    let other = rows.iter().filter(|row| row[0] == "venue.fund.open=100_001");
    assert!(other.clone().any(|row| !["0", ""].contains(&row[6])), "a fund that is larger by 1 pays 1 more somewhere");
}

#[test]
fn a_run_goes_on_until_the_metric_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let file = crash();
    let mut command = flashcrash(dir.path(), &["run", file.to_str().unwrap(), "--out", "x", "--paths", "100_000"]);
    let output = done(small(command.args(["--until", "p_liquidation ±0.05"])));
    assert!(String::from_utf8_lossy(&output.stdout).contains("reached after 1000 paths"));
    let manifest = fs::read_to_string(dir.path().join("x/manifest.json")).unwrap();
    assert!(manifest.contains("\"paths\": 1000,"), "{manifest}");
    let rows = fs::read_to_string(dir.path().join("x/paths.csv")).unwrap().lines().count();
    assert_eq!(rows, 1_001);
}

#[test]
fn what_cannot_be_studied_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = crash();
    let file = file.to_str().unwrap();
    for (args, expected) in [
        (vec!["run", file, "--paths", "3..9"], "add `--shard-out FILE`"),
        (vec!["run", file, "--paths", "9..3"], "a range A..B with A below B"),
        (vec!["run", file, "--until", "p_ald ±1"], "did you mean `p_adl`?"),
        (vec!["run", file, "--set", "venue.fund.opn=1"], "did you mean `open`?"),
        (vec!["compare", file], "there is only one scenario"),
        (vec!["merge", file, "--scenario", file], "is no shard"),
    ] {
        let output = flashcrash(dir.path(), &args).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(expected), "{args:?}: {told}");
        assert_eq!(names(dir.path()), [""; 0], "{args:?} left something");
    }
}

fn sweep_file(dir: &Path) -> PathBuf {
    let text = format!(
        r#"
[sweep]
scenario = '{}'
base = [1_000, "below"]
paths = 150

[[sweep.axes]]
key = "venue.fund.open"
name = "fund"
values = [1_000, 50_000, 200_000]

[[sweep.axes]]
key = "venue.trigger"
values = ["below", "at_or_below"]

# Asked only where `venue` stands among the cash layers.
[[sweep.axes]]
key = "venue.capital"
values = [0, 7]
"#,
        crash().display()
    );
    let text = text.replace("base = [1_000, \"below\"]", "base = [1_000, \"below\", 0]");
    let file = dir.join("funds.toml");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_sweep_killed_at_any_moment_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let file = sweep_file(dir.path());
    let file = file.to_str().unwrap();
    let sweep = |out: &str, threads: &str| {
        let mut command = flashcrash(dir.path(), &["sweep", file, "-q", "--out", out, "--threads", threads]);
        small(&mut command);
        command
    };
    done(&mut sweep("whole", "2"));
    let mut killed = 0;
    for round in 0..20_u64 {
        let mut child = sweep("stopped", "1").spawn().unwrap();
        // Moments spread over the whole run by the golden ratio.
        std::thread::sleep(std::time::Duration::from_millis(5 + round * 618 % 400));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
    }
    assert!(killed > 3, "the sweep was too quick to be stopped: {killed}");
    done(&mut sweep("stopped", "2"));
    assert_eq!(crate::lab::contents(&dir.path().join("stopped")), crate::lab::contents(&dir.path().join("whole")));
    assert_eq!(names(dir.path()), ["funds.toml", "stopped", "whole"], "no stray files");
}

/// Cells that differ in the fund alone take over what one of them has shown; shards run every path. Both must agree.
#[test]
fn sweep_shards_run_every_path_and_merge_to_the_bytes_of_the_sweep_that_reuses_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = sweep_file(dir.path());
    let file = file.to_str().unwrap();
    let sweep = |arguments: &[&str]| {
        let mut command = flashcrash(dir.path(), &["sweep", file, "-q"]);
        small(&mut command).args(["--set", "assets.0.book.depth_1pct=20_000_000"]).args(arguments);
        command
    };
    done(&mut sweep(&["--out", "whole"]));
    done(&mut sweep(&["--cells", "0..5", "--shard-out", "shards"]));
    done(&mut sweep(&["--cells", "5..12", "--range", "0..41", "--shard-out", "shards"]));
    let missing = sweep(&["--shards", "shards", "--out", "merged"]).output().unwrap();
    let told = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(1) && told.contains("paths 41..150 of cell 5"), "{told}");
    // One of the machines is killed and its job repeated.
    let mut child = sweep(&["--cells", "5..12", "--range", "41..150", "--shard-out", "shards"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(150));
    child.kill().unwrap();
    child.wait().unwrap();
    done(&mut sweep(&["--cells", "5..12", "--range", "41..150", "--shard-out", "shards"]));
    done(&mut sweep(&["--shards", "shards", "--out", "merged"]));
    assert_eq!(crate::lab::contents(&dir.path().join("merged")), crate::lab::contents(&dir.path().join("whole")));
    let strange = sweep(&["--shards", "shards", "--out", "x", "--set", "venue.taker_fee=0"]).output().unwrap();
    assert!(String::from_utf8_lossy(&strange.stderr).contains("is of no cell of this sweep"));
    let other = sweep(&["--shards", "shards", "--out", "x", "--seed", "77"]).output().unwrap();
    assert!(String::from_utf8_lossy(&other.stderr).contains("give the sweep the `--seed`"));
    let beyond = sweep(&["--cells", "3..13", "--shard-out", "x"]).output().unwrap();
    assert!(String::from_utf8_lossy(&beyond.stderr).contains("this sweep has 12 cells"));
    assert_eq!(names(dir.path()), ["funds.toml", "merged", "shards", "whole"], "no stray files");
    // The funds matter, or this would prove nothing.
    let table = fs::read_to_string(dir.path().join("whole/sweep.csv")).unwrap();
    let p = |fund: &str| {
        let line = table.lines().find(|line| line.contains(&format!(",{fund},below,0,p_fund_exhausted,"))).unwrap();
        line.rsplit(',').nth(9).unwrap().parse::<f64>().unwrap()
    };
    assert!(p("1000") > p("200000") && p("200000") > 0.0, "{table}");
}

/// Asked for probabilities alone, a path ends where they are decided: they, and what is needed of a fund, are those of
/// whole paths, in one command and from shards, which run whole paths.
#[test]
fn a_sweep_asked_for_probabilities_tells_what_the_whole_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let whole = sweep_file(dir.path());
    let text = fs::read_to_string(&whole).unwrap();
    let asked = dir.path().join("asked.toml");
    fs::write(&asked, text.replace("paths = 150", "paths = 150\nmetrics = \"probabilities\"")).unwrap();
    let sweep = |file: &Path, arguments: &[&str]| {
        let mut command = flashcrash(dir.path(), &["sweep", file.to_str().unwrap(), "-q"]);
        done(small(&mut command).args(["--set", "assets.0.book.depth_1pct=20_000_000"]).args(arguments));
    };
    sweep(&whole, &["--out", "whole"]);
    sweep(&asked, &["--out", "asked"]);
    sweep(&asked, &["--shard-out", "shards"]);
    sweep(&asked, &["--shards", "shards", "--out", "merged"]);
    assert_eq!(crate::lab::contents(&dir.path().join("merged")), crate::lab::contents(&dir.path().join("asked")));
    // All but the p-values adjusted for fewer comparisons.
    let lines = |folder: &str| -> Vec<(String, String)> {
        let table = fs::read_to_string(dir.path().join(folder).join("sweep.csv")).unwrap();
        let known = |line: &str| -> (String, String) {
            let [flags, identical, _, rest] = line.rsplitn(4, ',').collect::<Vec<_>>().try_into().unwrap();
            (rest.to_owned(), format!("{identical},{flags}"))
        };
        table.lines().map(known).collect()
    };
    let (whole, asked) = (lines("whole"), lines("asked"));
    assert_eq!(asked.len(), 1 + 12 * 7, "seven metrics of twelve cells");
    for line in &asked {
        assert!(whole.contains(line), "{line:?}");
    }
    let p_adl = |line: &&(String, String)| line.0.contains(",p_adl,");
    let values: std::collections::BTreeSet<&str> =
        asked.iter().filter(p_adl).filter_map(|line| line.0.split(",share,").nth(1)).collect();
    assert!(values.len() > 2, "the cells differ, or this would prove nothing: {values:?}");
    let charts = |name: &String| name.starts_with("sweep_");
    assert_eq!(names(&dir.path().join("asked")).iter().filter(|name| charts(name)).count(), 6, "three charts, twice");
}

/// Cells that draw the same run on one drawing, and take over from each other what neither fund nor ADL can change.
#[test]
fn cells_of_one_drawing_are_to_the_byte_what_each_is_alone() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        r#"
[sweep]
scenario = '{}'
base = [50_000, "pro_rata", 20_000_000, 20]
paths = 40

[[sweep.axes]]
key = "venue.fund.open"
name = "fund"
values = [1_000, 50_000, 400_000]

[[sweep.axes]]
key = "venue.adl.kind"
values = ["profit_leverage", "pro_rata"]

[[sweep.axes]]
key = "assets.0.book.depth_1pct"
values = [20_000_000, 60_000_000]

# Another cap is another population.
[[sweep.axes]]
key = "population.leverage_cap"
values = [20, 50]
"#,
        crash().display()
    );
    let file = dir.path().join("many.toml");
    fs::write(&file, text).unwrap();
    let sweep = |arguments: &[&str]| {
        let mut command = flashcrash(dir.path(), &["sweep", file.to_str().unwrap(), "-q"]);
        small(&mut command).args(["--set", "population.cap_keeps=notional"]).args(arguments);
        command
    };
    done(&mut sweep(&["--out", "together", "--threads", "2"]));
    done(&mut sweep(&["--shard-out", "alone"]));
    done(&mut sweep(&["--shards", "alone", "--out", "merged"]));
    assert_eq!(crate::lab::contents(&dir.path().join("merged")), crate::lab::contents(&dir.path().join("together")));
    // Policies, funds, depths and caps all matter, or this would prove nothing.
    let table = fs::read_to_string(dir.path().join("together/sweep.csv")).unwrap();
    let metric = |cell: &str, name: &str| {
        let line = table.lines().find(|line| line.contains(&format!(",{cell},{name},"))).unwrap();
        line.split(',').nth(10).unwrap().to_owned()
    };
    for (first, second, name) in [
        ("1000,pro_rata,20000000,20", "1000,profit_leverage,20000000,20", "adl_accounts_mean"),
        ("1000,pro_rata,20000000,20", "400000,pro_rata,20000000,20", "adl_notional_mean"),
        ("1000,pro_rata,20000000,20", "1000,pro_rata,60000000,20", "fund_need_mean"),
        ("1000,pro_rata,20000000,20", "1000,pro_rata,20000000,50", "fund_need_mean"),
    ] {
        assert_ne!(metric(first, name), metric(second, name), "{name}: {table}");
    }
    // A fund and a policy more change nothing of what a crash needs.
    assert_eq!(
        metric("1000,pro_rata,20000000,20", "fund_need_mean"),
        metric("400000,profit_leverage,20000000,20", "fund_need_mean")
    );
}

#[test]
fn cells_that_differ_only_in_a_key_without_effect_are_identical() {
    let dir = tempfile::tempdir().unwrap();
    let file = sweep_file(dir.path());
    let output = done(small(&mut flashcrash(dir.path(), &["sweep", file.to_str().unwrap(), "--out", "x"])));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("12 cells of 150 paths"), "{told}");
    let table = fs::read_to_string(dir.path().join("x/sweep.csv")).unwrap();
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(head[1..4], ["fund", "venue.trigger", "venue.capital"]);
    let at = |name: &str| head.iter().position(|known| *known == name).unwrap();
    let (mut twins, mut others) = (0, 0);
    // The label of a cell is quoted, so the fields are counted from the end.
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |name: &str| fields[fields.len() - (head.len() - at(name))];
        let difference = field("difference");
        match (field("fund"), field("venue.trigger"), field("venue.capital")) {
            ("1000", "below", "7") if !difference.is_empty() => {
                twins += 1;
                assert_eq!((difference, field("identical")), ("0", "true"), "{line}");
            }
            ("200000", _, _) if !["", "0"].contains(&difference) => others += 1,
            _ => {}
        }
    }
    assert!(twins > 15 && others > 10, "{twins} twins, {others} others");
}

#[test]
fn the_critical_funds_of_one_run_agree_with_every_simulated_fund() {
    let dir = tempfile::tempdir().unwrap();
    let file = crash();
    let mut command = flashcrash(dir.path(), &["fund-size", file.to_str().unwrap(), "--target", "p_adl <= 0.05"]);
    // A book deep enough that no order outgrows it, so that one run tells of all funds.
    command.args(["--paths", "400", "--out", "x", "--capital-cost", "0.1", "--crashes-per-year", "2"]);
    small(&mut command).args(["--set", "assets.0.book.depth_1pct=20_000_000"]);
    let output = done(command.args(["--set", "assets.0.process.drop={ kind = \"uniform\", min = 0.04, max = 0.12 }"]));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("comes from one run for all funds"), "{told}");
    let read = |name: &str| {
        let text = fs::read_to_string(dir.path().join("x").join(name)).unwrap();
        let rows = text.lines().skip(1).map(|line| line.split(',').take(2).map(|x| x.parse().unwrap()).collect());
        rows.collect::<Vec<Vec<f64>>>()
    };
    let (curve, grid) = (read("curve.csv"), read("grid.csv"));
    assert!(grid.len() >= 5 && grid[0][1] > 0.02, "{grid:?}");
    for cell in &grid {
        // The curve is a step function that is right-continuous: the last of its funds not above this one.
        let step = curve.iter().rfind(|point| point[0] <= cell[0] + 1e-6).unwrap();
        // Its points are not all critical funds, so the step may lie one point of the curve off.
        let next = curve.iter().find(|point| point[0] > cell[0] + 1e-6).unwrap_or(step);
        assert!(cell[1] <= step[1] && cell[1] >= next[1], "fund {}: {} is not {}", cell[0], cell[1], step[1]);
    }
    let open = grid.iter().find(|cell| cell[0] == 100_000.0).unwrap();
    assert!(curve.contains(&vec![open[0], open[1]]), "the fund of the scenario stands on the curve, exactly");
}

#[test]
fn the_breakpoint_lies_where_the_probability_passes_the_level() {
    let dir = tempfile::tempdir().unwrap();
    let file = crash();
    let mut command = flashcrash(dir.path(), &["breakpoint", file.to_str().unwrap(), "--key", "drop", "--out", "x"]);
    command.args(["--from", "0.01", "--to", "0.2", "--levels", "0.5", "-q"]);
    done(small(&mut command));
    let text = fs::read_to_string(dir.path().join("x/breakpoint.json")).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let value = found["levels"][0]["value"].as_f64().unwrap();
    let exhausted = |drop: f64, out: &str| {
        let mut command = flashcrash(dir.path(), &["run", file.to_str().unwrap(), "-q", "--out", out]);
        done(small(&mut command).args(["--set", &format!("assets.0.process.drop={drop}")]));
        let text = fs::read_to_string(dir.path().join(out).join("summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
        summary["metrics"]["p_fund_exhausted"]["estimate"].as_f64().unwrap()
    };
    let (below, above) = (exhausted(value * 0.9, "a"), exhausted(value * 1.1, "b"));
    assert!(below < 0.5 && above >= 0.5, "{below} at 0.9 times {value}, {above} at 1.1 times");
}

#[test]
fn a_breakpoint_of_the_fund_lies_where_exhaustion_becomes_rare_and_none_is_named_outside_the_range() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), crate::lab::TINY).unwrap();
    let found = |from: &str, to: &str| {
        let range =
            ["--key", "venue.fund.open", "--from", from, "--to", to, "--levels", "0.2", "--paths", "200", "--json"];
        let output = done(flashcrash(dir.path(), &["breakpoint", "tiny.toml", "--out", "x"]).args(range));
        let mut found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        found["levels"][0].take()
    };
    let inside = found("0", "400000");
    assert_eq!(inside["found"], "falls", "{inside}");
    let value = inside["value"].as_f64().unwrap();
    let (low, high) = (inside["low"].as_f64().unwrap(), inside["high"].as_f64().unwrap());
    assert!(0.0 < low && low < value && value < high, "an interval has a width: {inside}");
    let exhausted = |fund: f64| {
        let fund = format!("venue.fund.open={}", fund.round());
        let mut command =
            flashcrash(dir.path(), &["run", "tiny.toml", "--paths", "200", "--json", "--out", "y", "--set", &fund]);
        let summary: serde_json::Value = serde_json::from_slice(&done(&mut command).stdout).unwrap();
        summary["metrics"]["p_fund_exhausted"]["estimate"].as_f64().unwrap()
    };
    assert!(exhausted(value * 0.9) >= 0.2 && exhausted(value * 1.1) <= 0.2, "{inside}");
    let outside = found("0", &format!("{}", (value * 0.5).round()));
    assert_eq!(outside["found"], "beyond the range", "{outside}");
    assert!(outside["value"].is_null() && outside["probability"]["estimate"].as_f64().unwrap() > 0.2, "{outside}");
}

#[test]
fn comparisons_of_one_file_under_different_keys_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), crate::lab::TINY).unwrap();
    let long = format!("venue.fund.open=1;{}", ["venue.capital=5"; 9].join(";"));
    let longer = format!("{};venue.fund.open=2", ["venue.capital=5"; 9].join(";"));
    for with in ["venue.adl.kind=pro_rata", "venue.adl.kind=fifo", &long, &longer] {
        done(&mut flashcrash(dir.path(), &["compare", "tiny.toml", "--with", with, "--paths", "20", "-q"]));
    }
    let mut found: Vec<String> = fs::read_dir(dir.path().join("output"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("compare-"))
        .collect();
    found.sort();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.contains(&"compare-tiny-venue.adl.kind=fifo".to_owned()), "{found:?}");
    assert!(found.iter().all(|name| name.len() < 60), "{found:?}");
}

#[test]
fn a_key_without_effect_ranks_last_with_an_effect_of_exactly_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), crate::lab::TINY).unwrap();
    let range = |key: &str, from: &str, to: &str| {
        format!("\n[[screen.ranges]]\nkey = \"{key}\"\nfrom = {from}\nto = {to}\nwhole = true\n")
    };
    // The venue's capital is asked only where `venue` stands among the cash layers, which it does not.
    let ranges = [
        range("venue.capital", "0", "30_000"),
        range("venue.fund.open", "1_000", "300_000"),
        range("assets.0.book.depth_1pct", "100_000", "1_000_000"),
    ];
    let text = format!(
        "[screen]\nscenario = \"tiny.toml\"\nmetric = \"p_fund_exhausted\"\npaths = 300\ntrajectories = 4\n{}",
        ranges.concat()
    );
    fs::write(dir.path().join("ranges.toml"), text).unwrap();
    let screen = |threads: &str, out: &str| {
        let arguments = ["sweep", "ranges.toml", "--screen", "--threads", threads, "--out", out];
        done(&mut flashcrash(dir.path(), &arguments))
    };
    let told = String::from_utf8(screen("2", "x").stdout).unwrap();
    assert!(told.contains("4 trajectories, 16 points of 300 paths"), "{told}");
    let table = fs::read_to_string(dir.path().join("x/screen.csv")).unwrap();
    let keys: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(keys, ["venue.fund.open", "assets.0.book.depth_1pct", "venue.capital"], "{table}");
    assert!(table.contains("venue.capital,0,30000,0,0,0,0,0"), "{table}");
    assert_eq!(fs::read_to_string(dir.path().join("x/points.csv")).unwrap().lines().count(), 17);
    screen("1", "y");
    assert!(crate::lab::contents(&dir.path().join("x")) == crate::lab::contents(&dir.path().join("y")));
}

#[test]
fn a_frontier_is_a_breakpoint_at_each_value_of_another_key() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), crate::lab::TINY).unwrap();
    let common = ["breakpoint", "tiny.toml", "--key", "drop", "--from", "0.01", "--to", "0.3", "--levels", "0.5", "-q"];
    let with = |more: &[&str]| {
        done(flashcrash(dir.path(), &common).args(["--paths", "100", "--set", "venue.fund.open=3_000"]).args(more));
    };
    with(&["--across", "depth=300_000,2_000_000", "--out", "frontier"]);
    with(&["--set", "assets.0.book.depth_1pct=2_000_000", "--out", "point"]);
    let table = fs::read_to_string(dir.path().join("frontier/frontier.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 2, "{table}");
    let drop = |row: &[&str]| row[2].parse::<f64>().unwrap();
    assert!(drop(&rows[0]) < drop(&rows[1]), "a thinner book breaks sooner: {table}");
    let point = fs::read_to_string(dir.path().join("point/breakpoint.json")).unwrap();
    let point: serde_json::Value = serde_json::from_str(&point).unwrap();
    assert_eq!(point["levels"][0]["value"].as_f64(), Some(drop(&rows[1])));
}

#[test]
fn a_calibrated_book_is_a_fragment_that_a_scenario_takes() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("time_s,mid,side,distance,depth\n");
    for time in 0..40 {
        for (distance, depth) in [(0.002, 20_000.0), (0.01, 140_000.0), (0.03, 500_000.0)] {
            let depth = depth * (1.0 + f64::from(time * 7 % 5) * 0.02);
            text.push_str(&format!("{time},100000,bid,{distance},{depth}\n{time},100000,ask,{distance},{depth}\n"));
        }
    }
    fs::write(dir.path().join("snapshots.csv"), text).unwrap();
    let output = done(&mut flashcrash(dir.path(), &["calibrate", "book", "snapshots.csv"]));
    let fragment = String::from_utf8(output.stdout).unwrap();
    assert!(
        fragment.contains("From 40 snapshots of snapshots.csv") && fragment.contains("95 % interval"),
        "{fragment}"
    );
    let (head, rest) = crate::lab::TINY.split_once("[assets.book]").unwrap();
    let (_, tail) = rest.split_once("[venue]").unwrap();
    fs::write(dir.path().join("mine.toml"), format!("{head}{fragment}\n[venue]{tail}")).unwrap();
    done(&mut flashcrash(dir.path(), &["check", "mine.toml"]));
}

/// A scenario and a sweep in a file of its own that names it, in a folder.
fn named_by_a_sweep(axes: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    for file in ["classroom.toml", "classroom.csv"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file), dir.path().join(file)).unwrap();
    }
    let sweep = dir.path().join("sw.toml");
    fs::write(&sweep, format!("[sweep]\nscenario = \"classroom.toml\"\npaths = 2\n{axes}")).unwrap();
    let sweep = sweep.display().to_string();
    (dir, sweep)
}

fn ran(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = assert_cmd::Command::cargo_bin("flashcrash").unwrap().current_dir(dir).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_sweep_that_names_its_scenario_is_checked_with_it_and_hands_it_on() {
    let (dir, _) = named_by_a_sweep("[[sweep.axes]]\nkey = \"venue.fund.open\"\nvalues = [10, 20]\n");
    let (code, told, faults) = ran(dir.path(), &["check", "sw.toml"]);
    assert_eq!(code, Some(0), "{faults}");
    assert!(told.starts_with("classroom.toml: sound"), "{told}");
    assert!(told.contains("\n  sweep `sw` of 2 cells over venue.fund.open\n"), "{told}");
    let (code, told, faults) = ran(dir.path(), &["sweep", "sw.toml"]);
    assert_eq!(code, Some(0), "{faults}");
    assert!(told.contains("  flashcrash run classroom.toml "), "{told}");
    let (code, _, faults) = ran(dir.path(), &["run", "sw.toml"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(faults, @r#"
    error: this is a sweep over `classroom.toml`, not a scenario
     --> sw.toml:2:12
      |
    2 | scenario = "classroom.toml"
      |            ^^^^^^^^^^^^^^^^
      |
      = help: name that file here; `flashcrash sweep sw.toml` runs this one
    "#);
}

#[test]
fn all_faults_of_the_axes_are_told_at_once_and_in_the_file_of_the_sweep() {
    let (dir, _) = named_by_a_sweep(
        "[[sweep.axes]]\nkey = \"venue.fund.opem\"\nvalues = [10, 20]\n\
         [[sweep.axes]]\nkey = \"venue.latency\"\nvalues = [\"1 s\", \"often\", \"never\"]\n",
    );
    for verb in ["check", "sweep"] {
        let (code, _, faults) = ran(dir.path(), &[verb, "sw.toml"]);
        assert_eq!(code, Some(1));
        let places: Vec<&str> = faults.lines().filter_map(|line| line.trim().strip_prefix("--> ")).collect();
        let at = |place: &str| places.iter().filter(|told| **told == place).count();
        assert_eq!([at("sw.toml:5:7"), at("sw.toml:9:18"), at("sw.toml:9:27")], [1, 1, 1], "{faults}");
    }
}

#[test]
fn what_is_set_wrong_is_told_at_once_by_its_number() {
    let (dir, _) = named_by_a_sweep("");
    let set = ["venue.latency=often", "accounts.0.x=5", "venue.fnd.open=5"];
    let args: Vec<&str> =
        ["check", "classroom.toml"].into_iter().chain(set.iter().flat_map(|set| ["--set", set])).collect();
    let (code, _, faults) = ran(dir.path(), &args);
    assert_eq!(code, Some(1));
    for place in ["--> --set:1:15", "--> --set:2:", "--> --set:3:7"] {
        assert!(faults.contains(place), "{place} is not in\n{faults}");
    }
}

#[test]
fn a_file_that_is_missing_hides_no_fault_of_the_others() {
    let (dir, _) = named_by_a_sweep("");
    fs::write(dir.path().join("bad.toml"), "[banana]\n").unwrap();
    let (code, told, faults) = ran(dir.path(), &["check", "missing.toml", "classroom.toml", "bad.toml", "gone.toml"]);
    assert_eq!(code, Some(3));
    assert!(told.contains("classroom.toml: sound") && faults.contains("unknown key `banana`"), "{told}{faults}");
    assert!(faults.contains("missing.toml: ") && faults.contains("gone.toml: "), "{faults}");
    let (code, told, _) = ran(dir.path(), &["check", "--json", "missing.toml", "classroom.toml"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told[0]["sound"], &told[1]["sound"]), (Some(3), &false.into(), &true.into()));
}
