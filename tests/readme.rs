//! What the README shows is what the program prints and draws today: its blocks, its table of caps, its pictures.
//!
//! After an intended change:
//!
//! ```text
//! README=update cargo test --test main readme
//! ```
//!
//! rewrites the table of the run and both pictures; the other blocks and the table of caps are edited by hand.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::lab;

fn readme() -> String {
    fs::read_to_string(lab::root().join("README.md")).unwrap()
}

fn is_update() -> bool {
    std::env::var("README").is_ok_and(|value| value == "update")
}

fn printed(arguments: &[&str]) -> String {
    let output = lab::flashcrash(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compares a picture with the one in `docs/img`, or puts it there.
fn assert_picture(name: &str, drawn: &Path) {
    let shown = lab::root().join("docs/img").join(name);
    if is_update() {
        fs::copy(drawn, &shown).unwrap();
    }
    let same = fs::read(&shown).unwrap() == fs::read(drawn).unwrap();
    assert!(same, "docs/img/{name} is not what the program draws: `README=update cargo test --test main readme`");
}

#[test]
fn the_first_command_ends_with_the_table_and_draws_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("flash-crash");
    let text = printed(&["run", "scenarios/flash-crash.toml", "--out", out.to_str().unwrap()]);
    let (table, _) = text.split_once("\n\nWritten to").unwrap();
    let readme = readme();
    let (before, rest) = readme.split_once("<!-- table -->\n```text\n").unwrap();
    let (shown, after) = rest.split_once("\n```\n<!-- end -->").unwrap();
    if is_update() {
        let fresh = format!("{before}<!-- table -->\n```text\n{table}\n```\n<!-- end -->{after}");
        fs::write(lab::root().join("README.md"), fresh).unwrap();
    } else {
        assert_eq!(shown, table, "the table in README.md: `README=update cargo test --test main readme`");
    }
    assert_picture("flash-crash-fund.png", &out.join("fund.png"));
}

/// A share or an amount as the README prints it, to the digits it prints: `46.2 %`, `42.4M`.
fn number(text: &str) -> (f64, f64) {
    let text = text.trim().trim_end_matches('*').trim();
    let (digits, unit) = match text.split_once(" %") {
        Some((digits, _)) => (digits, 0.01),
        None => (text.trim_end_matches('M'), if text.ends_with('M') { 1e6 } else { 1.0 }),
    };
    let places = digits.split_once('.').map_or(0, |(_, places)| places.len());
    (
        digits.parse::<f64>().unwrap_or_else(|_| panic!("`{text}` is no number")) * unit,
        0.51 * unit / 10f64.powi(places as i32),
    )
}

#[test]
fn the_table_of_caps_and_its_picture_are_those_of_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sweep");
    let text = printed(&["sweep", "scenarios/leverage-cap.toml", "--json", "--out", out.to_str().unwrap()]);
    let found: Value = serde_json::from_str(&text).unwrap();
    let readme = readme();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| cap |")).skip(2);
    let mut compared = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for (at, (metric, keeps)) in [
            ("p_adl", "notional"),
            ("p_adl", "collateral"),
            ("fund_need_es_99", "notional"),
            ("fund_need_es_99", "collateral"),
        ]
        .iter()
        .enumerate()
        {
            let cell = found["cells"].as_array().unwrap().iter().find(|cell| {
                let values = cell["values"].as_array().unwrap();
                values[0].as_str() == Some(cells[0]) && values[1].as_str().unwrap().trim_matches('"') == *keeps
            });
            let cell = cell.unwrap_or_else(|| panic!("no cell of {} and {keeps}", cells[0]));
            let (estimate, close) = number(cells[at + 1].split('(').next().unwrap());
            let expected = cell["metrics"][*metric]["estimate"].as_f64().unwrap();
            assert!(
                (estimate - expected).abs() <= close,
                "cap {}, {keeps}, {metric}: {estimate} and {expected}",
                cells[0]
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
    assert_picture("leverage-cap-adl.png", &out.join("sweep_p_adl.png"));
}

/// The block of the teacher: lines of the trace, one after the other.
#[test]
fn the_trace_in_the_readme_is_that_of_the_classroom() {
    let trace = printed(&["trace", "scenarios/classroom.toml"]);
    let readme = readme();
    let block = readme
        .split("```text\n")
        .map(|rest| rest.split("\n```").next().unwrap())
        .find(|block| block.starts_with("180 s"));
    let block: Vec<String> = block.unwrap().lines().map(squeezed).collect();
    let trace: Vec<String> = trace.lines().map(squeezed).collect();
    assert!(trace.windows(block.len()).any(|lines| lines == block), "the lines stand nowhere in the trace together");
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
