//! A trace tells the whole path: a script that imports nothing of ours finds the row of the table in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::lab;

/// False, with a message, where there is no Python; a failure on CI.
fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(!lab::on_ci(), "python3 is missing");
        println!("skipped: python3 is missing");
    }
    found
}

fn trace_into(file: &Path, path: u64, to: &Path) -> String {
    let traced = lab::flashcrash(&["trace", file.to_str().unwrap(), "--json", "--path", &path.to_string()]);
    let mut traced = traced;
    let traced = traced.assert().success();
    let text = String::from_utf8(traced.get_output().stdout.clone()).unwrap();
    fs::write(to, &text).unwrap();
    text
}

fn totals(trace: &Path, table: &Path) -> Output {
    let script = lab::root().join("tests/trace_totals.py");
    Command::new("python3").arg(script).arg(trace).arg(table).output().unwrap()
}

/// Runs the paths, then traces the chosen ones and has the script compare.
fn assert_totals(name: &str, paths: u64, choose: impl Fn(&[csv::StringRecord], &dyn Fn(&str) -> usize) -> Vec<u64>) {
    assert_totals_of(&lab::file_of(name), paths, choose);
}

/// The same of a scenario file.
pub fn assert_totals_of(
    file: &Path,
    paths: u64,
    choose: impl Fn(&[csv::StringRecord], &dyn Fn(&str) -> usize) -> Vec<u64>,
) {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    lab::run_into(file, &out, &["--paths", &paths.to_string()]);
    let table = out.join("paths.csv");
    let mut reader = csv::Reader::from_path(&table).unwrap();
    let columns = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let chosen = choose(&rows, &|wanted| columns.iter().position(|column| column == wanted).unwrap());
    assert!(!chosen.is_empty());
    for path in chosen {
        let trace = folder.path().join("trace.jsonl");
        trace_into(file, path, &trace);
        let found = totals(&trace, &table);
        assert!(found.status.success(), "{}, path {path}: {}", file.display(), String::from_utf8_lossy(&found.stderr));
    }
}

#[test]
fn traces_of_a_flash_crash_total_to_their_rows() {
    // Paths with and without ADL, exhausted and not.
    assert_totals("flash-crash", 40, |rows, at| {
        let (events, exhausted) = (at("adl_events"), at("exhausted_at_s"));
        let path = |row: &csv::StringRecord| row[0].parse::<u64>().unwrap();
        let mut chosen: Vec<u64> = rows.iter().filter(|row| &row[events] != "0").take(2).map(path).collect();
        assert_eq!(chosen.len(), 2, "ADL on two of forty paths");
        assert!(chosen.iter().all(|&path| !rows[path as usize][exhausted].is_empty()));
        chosen.extend(rows.iter().filter(|row| &row[events] == "0").take(3).map(path));
        chosen
    });
}

#[test]
fn traces_of_every_shipped_scenario_total_to_their_rows() {
    let names = lab::shipped();
    let inverse = |name: &String| lab::text_of(name).contains("contract = \"inverse\"");
    assert!(names.iter().any(inverse), "one is settled in the coin");
    for name in names {
        assert_totals(&name, 1, |_, _| vec![0]);
    }
}

#[test]
fn the_script_sees_a_lost_unit() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (out, trace) = (folder.path().join("out"), folder.path().join("trace.jsonl"));
    let file = lab::file_of("classroom");
    lab::run_into(&file, &out, &[]);
    let text = trace_into(&file, 0, &trace);
    let table = out.join("paths.csv");
    assert!(totals(&trace, &table).status.success());
    // What the fund paid for Cleo, one less in the event that tells it.
    let tampered: Vec<String> = text
        .lines()
        .map(|line| {
            let shortfall = line.contains("\"posted\"") && line.contains("\"shortfall\"");
            if shortfall { line.replace("\"72\"", "\"71\"") } else { line.to_owned() }
        })
        .collect();
    let tampered = tampered.join("\n") + "\n";
    assert_ne!(tampered, text, "{text}");
    fs::write(&trace, tampered).unwrap();
    let found = totals(&trace, &table);
    assert_eq!(found.status.code(), Some(1), "{}", String::from_utf8_lossy(&found.stdout));
    assert!(String::from_utf8_lossy(&found.stderr).contains("fund_paid"));
}

#[test]
fn quantities_of_inverse_contracts_are_contracts_and_their_price_is_that_of_a_coin() {
    let told = |args: &[&str]| {
        let output = assert_cmd::Command::cargo_bin("flashcrash")
            .unwrap()
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let checked = told(&["check", "scenarios/bitmex-2020.toml"]);
    assert!(checked.contains("  BTC opens at 4494, the price of 1 XBT; tick "), "{checked}");
    let linear = told(&["check", "scenarios/classroom.toml"]);
    assert!(linear.contains("  TOY opens at 100 USD, tick "), "{linear}");
    let set = ["scenarios/bitmex-2020.toml", "--set", "scenario.horizon=20 min", "--path", "0"];
    let log = told(&[&["trace"][..], &set].concat());
    let closed: Vec<&str> = log.lines().filter(|line| line.contains(" closes long ")).collect();
    assert!(!closed.is_empty() && closed.iter().all(|line| line.contains(" BTC contracts of ")), "{closed:?}");
    assert!(log.lines().filter(|line| line.contains(" sells ")).all(|line| line.contains(" BTC contracts for ")));
    let long = ["--side", "long", "--entry-price", "10000", "--leverage", "10", "--symbol", "BTC"];
    let inverse = told(&[&["position", "--venue", "bitmex", "--quantity", "100000"][..], &long].concat());
    assert!(inverse.starts_with("long 100000 BTC contracts from 10000"), "{inverse}");
}
