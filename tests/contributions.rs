//! What each account of a book contributes, against the totals of the same paths.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::lab;

/// Thirty longs and thirty shorts of many leverages; `whale` is half of the longs.
fn book() -> String {
    let mut text = String::from("account,symbol,side,quantity,entry_price,collateral\n");
    for i in 0..30 {
        let quantity = f64::from(1 + i % 7) * 0.05;
        let collateral = 100_000.0 * quantity / f64::from(4 + 3 * (i % 6));
        text.push_str(&format!("long-{i},BTC,long,{quantity:.3},100000,{collateral:.2}\n"));
        text.push_str(&format!("short-{i},BTC,short,{quantity:.3},{},{collateral:.2}\n", 100_000 + 50 * i));
    }
    text.push_str("whale,BTC,long,6,100000,30000\n");
    text
}

fn scenario(dir: &Path) {
    let (head, _) = lab::TINY.split_once("[[traders]]").unwrap();
    let text = format!("{head}[accounts]\nfile = \"book.csv\"\n");
    fs::write(dir.join("desk.toml"), lab::edit(&text, "open = 20_000", "open = 3_000")).unwrap();
    fs::write(dir.join("book.csv"), book()).unwrap();
}

fn flashcrash(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_flashcrash")).current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Columns and rows of `accounts_risk.csv`.
fn table(file: &Path) -> Vec<(String, Vec<f64>)> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            (record[0].to_owned(), record.iter().skip(1).map(|x| x.parse().unwrap_or(0.0)).collect())
        })
        .collect()
}

#[test]
fn the_parts_of_all_accounts_add_up_to_what_the_run_says() {
    let dir = tempfile::tempdir().unwrap();
    scenario(dir.path());
    flashcrash(dir.path(), &["run", "desk.toml", "-q", "--paths", "700", "--out", "run"]);
    let told =
        flashcrash(dir.path(), &["contributions", "desk.toml", "--paths", "700", "--top", "3", "--out", "parts"]);
    let rows = table(&dir.path().join("parts/accounts_risk.csv"));
    assert_eq!(rows.len(), 62);
    assert_eq!(rows[61].0, "(inventory)");
    let names = fs::read_to_string(dir.path().join("parts/accounts_risk.csv")).unwrap();
    let names: Vec<String> = names.lines().next().unwrap().split(',').skip(1).map(str::to_owned).collect();
    let sum = |name: &str| {
        let at = names.iter().position(|known| known == name).unwrap();
        rows.iter().map(|(_, values)| values[at]).sum::<f64>()
    };
    for (column, metric) in [
        ("p_liquidated", "liquidated_accounts_mean"),
        ("shortfall_mean", "shortfall_mean"),
        ("es_99_part", "fund_need_es_99"),
        ("p_adl", "adl_accounts_mean"),
        ("haircut_mean", "adl_haircut_mean"),
    ] {
        let (whole, _, _) = lab::metric(&dir.path().join("run"), metric);
        assert!(whole > 0.0, "{metric} must happen here");
        assert!((sum(column) / whole - 1.0).abs() < 1e-9, "{column}: {} is not {whole}", sum(column));
    }
    assert!((sum("es_99_share") - 1.0).abs() < 1e-9);
    let whale = rows.iter().find(|(name, _)| name == "whale").unwrap();
    let share = |name: &str| whale.1[names.iter().position(|known| known == name).unwrap()];
    assert!(share("es_99_share") > 0.2, "{whale:?}");
    assert!(share("es_99_share_low") < share("es_99_share") && share("es_99_share") < share("es_99_share_high"));
    assert!(told.contains("The 3 accounts with the largest parts"), "{told}");
}

#[test]
fn without_an_account_the_book_is_that_of_a_file_without_it() {
    let dir = tempfile::tempdir().unwrap();
    scenario(dir.path());
    flashcrash(dir.path(), &["contributions", "desk.toml", "-q", "--paths", "1100", "--top", "1", "--out", "parts"]);
    let removed = fs::read_to_string(dir.path().join("parts/removals.json")).unwrap();
    let removed: serde_json::Value = serde_json::from_str(&removed).unwrap();
    assert_eq!(removed["cells"][1]["label"], "without whale");
    // The last row of the file, so that nobody's number changes.
    let rest = book().replace("whale,BTC,long,6,100000,30000\n", "");
    fs::write(dir.path().join("book.csv"), rest).unwrap();
    flashcrash(dir.path(), &["run", "desk.toml", "-q", "--paths", "1100", "--out", "run"]);
    let summary = fs::read_to_string(dir.path().join("run/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let (found, expected) = (&removed["cells"][1]["metrics"], &summary["metrics"]);
    assert!(expected["fund_need_es_99"]["estimate"].as_f64().unwrap() > 0.0, "{expected}");
    assert_eq!(found, expected);
    let difference = removed["cells"][1]["differences"].as_array().unwrap();
    let es = difference.iter().find(|contrast| contrast["metric"] == "fund_need_es_99").unwrap();
    assert!(es["high"].as_f64().unwrap() < 0.0, "{es}");
}

#[test]
fn a_drawn_population_has_no_accounts_to_speak_of() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), lab::TINY).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_flashcrash"))
        .current_dir(dir.path())
        .args(["contributions", "tiny.toml", "--out", "x"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && told.contains("load a position book"), "{told}");
    assert_eq!(lab::names_in(dir.path()), ["tiny.toml"]);
}
