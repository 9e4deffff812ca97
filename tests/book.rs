//! Position books: what `flashcrash book` draws is what a run starts from, and what it writes can be loaded again.

use std::fs;
use std::path::Path;

use flashcrash::money::Cash;
use flashcrash::traders::{Accounts, Population};
use serde_json::Value;

use crate::lab;

/// Two groups with all that a draw can do: caps that bind, redrawn entries, wallets, sides made equal, a large account.
const DRAWN: &str = r#"[population]
balance = "scale"
top_share = "10 %"
[[traders]]
preset = "hyperliquid-2025-cross"
count = 300
wallet = { kind = "uniform", min = 0, max = 50 }
[[traders]]
name = "many, \"daring\""
count = 200
long_share = 0.6
leverage = { kind = "uniform", min = 10, max = 90 }
size = { kind = "lognormal", median = 1_000, sigma = 1 }
size_is = "collateral"
entry_offset = { kind = "normal", mean = 0, sd = 0.02, min = -0.1, max = 0.1 }
"#;

/// The flash crash with a thinner book and other accounts.
fn crash(accounts: &str) -> String {
    let text = lab::text_of("flash-crash");
    let head = text.split("[population]").next().unwrap();
    lab::edit(head, "depth_1pct = 122_000_000", "depth_1pct = 2_000_000") + accounts
}

fn told(arguments: &[&str]) -> String {
    let output = lab::flashcrash(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn rows(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("paths.csv")).unwrap();
    text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
}

/// A book as exchanges have it: average prices, collateral and wallets with eight decimals.
const REAL: &str = "account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet
long,BTC,long,1.101,96734.16187357,21300.86244456,isolated,0.12345678
short,BTC,short,1.101,96734.16187357,21300.5,isolated,0
both,BTC,short,2.09,102496.65201479,,cross,60843.60054218
";

#[test]
fn a_real_book_is_rounded_against_its_accounts_and_written_as_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    fs::write(at("real.csv"), REAL).unwrap();
    let rounded = crash("[accounts]\nfile = \"real.csv\"\nrounding = \"against_account\"\n");
    let (scenario, _) = lab::read_in(&rounded, dir.path());
    let Accounts::Loaded(loaded) = &scenario.accounts else { panic!("a loaded book") };
    let Population { cost, collateral, wallet, .. } = &loaded.population;
    // 1.101 × 96734.16187357 = 106504.312222800…: up for the long, down for the short. 2.09 × 102496.65201479 = 214218.0027109….
    assert_eq!(cost, &[106_504_312_223, -106_504_312_222, -214_218_002_710].map(Cash));
    assert_eq!(collateral, &[21_300_862_444, 21_300_500_000, 0].map(Cash));
    assert_eq!(wallet, &[123_456, 0, 60_843_600_542].map(Cash));
    // What is written is read to the same costs, though cost ÷ quantity has no end.
    fs::write(at("real.toml"), &rounded).unwrap();
    fs::write(at("again.toml"), lab::edit(&rounded, "real.csv", "book/book.csv")).unwrap();
    told(&["book", &text("real.toml"), "--out", &text("book"), "--quiet"]);
    told(&["book", &text("again.toml"), "--out", &text("again"), "--quiet"]);
    assert_eq!(fs::read_to_string(at("book/book.csv")).unwrap(), fs::read_to_string(at("again/book.csv")).unwrap());
}

#[test]
fn a_book_that_is_loaded_again_gives_the_path_that_it_was_drawn_from() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    fs::write(at("drawn.toml"), crash(DRAWN)).unwrap();
    lab::run_into(&at("drawn.toml"), &at("drawn"), &["--paths", "4", "--audit"]);
    told(&["book", &text("drawn.toml"), "--path", "3", "--out", &text("book"), "--quiet"]);
    fs::write(at("loaded.toml"), crash("[accounts]\nfile = \"book/book.csv\"\n")).unwrap();
    lab::run_into(&at("loaded.toml"), &at("loaded"), &["--paths", "4", "--audit"]);
    let (drawn, loaded) = (rows(&at("drawn")), rows(&at("loaded")));
    let mut compared = 0;
    for (column, name) in drawn[0].iter().enumerate().filter(|(_, name)| *name != "redrawn") {
        assert_eq!(drawn[4][column], loaded[4][column], "{name} of path 3");
        compared += usize::from(drawn[4][column] != "0");
    }
    assert!(compared > 20, "the path does something");
    // The book of the loaded book is the same file.
    told(&["book", &text("loaded.toml"), "--path", "3", "--out", &text("again"), "--quiet"]);
    assert!(fs::read(at("book/book.csv")).unwrap() == fs::read(at("again/book.csv")).unwrap());
    assert_ne!(drawn[4], drawn[3], "another path has other accounts");
}

/// Wallets are written as cash alone, and holdings as rows without which the account would have less.
#[test]
fn a_book_with_tokens_that_is_loaded_again_gives_the_path_that_it_was_drawn_from() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    let drawn = lab::text_of("collateral-oct-2025");
    let (head, _) = drawn.split_once("[population]").unwrap();
    fs::write(
        at("drawn.toml"),
        lab::edit(&drawn, "\ncollateral_token", "\ncollateral_share = \"60 %\"\ncollateral_token"),
    )
    .unwrap();
    lab::run_into(&at("drawn.toml"), &at("drawn"), &["--paths", "2", "--audit"]);
    told(&["book", &text("drawn.toml"), "--path", "1", "--out", &text("book"), "--quiet"]);
    fs::write(at("loaded.toml"), format!("{head}[accounts]\nfile = \"book/book.csv\"\n")).unwrap();
    lab::run_into(&at("loaded.toml"), &at("loaded"), &["--paths", "2", "--audit"]);
    let (drawn, loaded) = (rows(&at("drawn")), rows(&at("loaded")));
    for (column, name) in drawn[0].iter().enumerate().filter(|(_, name)| *name != "redrawn") {
        assert_eq!(drawn[2][column], loaded[2][column], "{name} of path 1");
    }
    let book = fs::read_to_string(at("book/book.csv")).unwrap();
    assert_eq!(book.matches(",USDE,long,").count(), 1_000);
}

#[test]
fn figures_and_pictures_are_those_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("book");
    fs::write(dir.path().join("drawn.toml"), crash(DRAWN)).unwrap();
    let file = dir.path().join("drawn.toml").display().to_string();
    let json: Value =
        serde_json::from_str(&told(&["book", &file, "--json", "--out", &out.display().to_string()])).unwrap();
    let kept: Value = serde_json::from_str(&fs::read_to_string(out.join("book.json")).unwrap()).unwrap();
    assert_eq!(json, kept);
    let book = fs::read_to_string(out.join("book.csv")).unwrap();
    let (mut long, mut short, mut largest, mut near) = (0.0, 0.0, 0.0_f64, 0.0);
    for line in book.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<f64>().unwrap();
        let (notional, entry, margin) = (number(3) * 100_000.0, number(4), number(5) / number(3));
        let side = if cells[2] == "long" { &mut long } else { &mut short };
        *side += notional;
        largest = largest.max(notional);
        // The first tier: maintenance of 0.4 % at the mark; a long falls to (entry − margin) ÷ (1 − 0.4 %).
        if cells[2] == "long" && notional < 40_000.0 && (entry - margin) / 0.996 > 95_000.0 {
            near += notional;
        }
    }
    assert!((json["long"]["notional"].as_f64().unwrap() - long).abs() < 1.0);
    assert!((json["short"]["notional"].as_f64().unwrap() - short).abs() < 1.0);
    assert!((long - short).abs() < 0.5, "sides are equal: {long} and {short}");
    assert_eq!(json["accounts"], 500);
    let top = json["long"]["top_share"].as_f64().unwrap().max(json["short"]["top_share"].as_f64().unwrap());
    assert!((top - 0.1).abs() < 0.003 && (largest / long - top).abs() < 1e-6, "{top}");
    let within = json["long"]["liquidated_within"].as_array().unwrap();
    let five = within.iter().find(|one| one["distance"] == 0.05).unwrap()["notional"].as_f64().unwrap();
    assert!(near > 0.0 && five >= near, "{five} holds the {near} of the first tier");
    for chart in ["liquidations", "leverage", "size", "concentration"] {
        for end in ["svg", "png"] {
            assert!(out.join(format!("book_{chart}.{end}")).is_file(), "{chart}");
        }
    }
    let table = told(&["book", &file, "--out", &out.display().to_string()]);
    assert!(table.contains("Open interest") && table.contains("longs, down"), "{table}");
    // Drawn twice, the same bytes.
    let first = lab::contents(&out);
    told(&["book", &file, "--quiet", "--out", &out.display().to_string()]);
    assert!(lab::contents(&out) == first);
}

#[test]
fn a_check_and_a_run_tell_open_interest_beside_depth_and_what_the_makers_hold() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // 65 lots long and as many short at 100; 4 lots are bid for at 97 and 4 at 96, and 6,500 ÷ 800 is 8.125.
    let classroom = "  TOY opens with open interest 6,500 USD, depth within 1 % 800 (one side, at rest), OI/D 8.12\n  the makers open with nothing: longs and shorts are equal\n";
    let check = told(&["check", "scenarios/classroom.toml"]);
    assert!(check.contains(classroom) && check.contains("\n  1 path of 360 s in 6 steps, seed 1\n"), "{check}");
    let run = ["run", "scenarios/flash-crash.toml", "--paths", "2", "--out", out.to_str().unwrap()];
    let (check, run) = (told(&["check", "scenarios/flash-crash.toml"]), told(&run));
    let at = check.find("  BTC opens path 0").unwrap();
    let lines = &check[at..check.find("  hash").unwrap()];
    insta::assert_snapshot!(lines, @r"
    BTC opens path 0 with open interest 422M USDT, depth within 1 % 122M (one side, at rest), OI/D 3.46
    the makers open short 63.1M, 15 % of what faces the longs
    warning: that is more than 10 %, and makers are never deleveraged: ADL finds fewer winners than the longs have opponents
    ");
    assert!(run.contains(lines), "{run}");
    // As numbers: the depth is the key, to a lot's worth.
    let json: Value = serde_json::from_str(&told(&["check", "scenarios/flash-crash.toml", "--json"])).unwrap();
    let depth = json[0]["opening"][0]["depth"].as_f64().unwrap();
    assert!((depth - 122_000_000.0).abs() <= 100.0, "{depth}");
    // And the open interest that of the table of the first path.
    let table = rows(&out);
    let column = table[0].iter().position(|name| name == "open_interest").unwrap();
    let longs = json[0]["opening"][0]["long"].as_f64().unwrap().max(json[0]["opening"][0]["short"].as_f64().unwrap());
    assert!((table[1][column].parse::<f64>().unwrap() - longs).abs() < 1.0);
}
