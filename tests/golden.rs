//! Results as they were: a change that moves a number shows here, and belongs in the changelog under "Changed numbers".
//!
//! After an intended change:
//!
//! ```text
//! GOLDEN=update cargo test --test main golden
//! ```

use std::fmt::Write as _;
use std::fs;

use sha2::{Digest, Sha256};

use crate::lab;

/// Columns whose sums are written beside the hash, so that a difference says what moved.
const SUMMED: [&str; 10] = [
    "liquidations",
    "liquidated_notional",
    "to_adl",
    "fund_draw",
    "fund_need",
    "adl_accounts",
    "shortfall",
    "unfunded_deficit",
    "open_interest",
    "infinite_depth_notional",
];

/// What stands in the file of a scenario: how it was run, sums of columns, and the hash of all rows.
fn golden(name: &str, paths: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join(name);
    let arguments = ["--paths", &paths.to_string(), "--seed", "1"];
    lab::run_into(&lab::file_of(name), &out, &arguments);
    let table = fs::read(out.join("paths.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(table.as_slice());
    let columns = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mut text = format!("flashcrash run scenarios/{name}.toml {}\n", arguments.join(" "));
    for wanted in SUMMED {
        let at = columns.iter().position(|column| column == wanted).unwrap();
        let sum: rust_decimal::Decimal = rows.iter().map(|row| row[at].parse::<rust_decimal::Decimal>().unwrap()).sum();
        let _ = writeln!(text, "sum of {wanted}: {}", sum.normalize());
    }
    let hash: String = Sha256::digest(&table).iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = writeln!(text, "sha256 of paths.csv: {hash}");
    text
}

#[test]
fn results_are_what_they_were() {
    let update = std::env::var("GOLDEN").is_ok_and(|value| value == "update");
    let folder = lab::root().join("tests/golden");
    let mut moved = String::new();
    for name in lab::shipped() {
        let file = folder.join(format!("{name}.txt"));
        let found = golden(&name, 12);
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &found).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            let _ = writeln!(moved, "{name} was\n{expected}and is\n{found}");
        }
    }
    assert!(
        moved.is_empty(),
        "results moved:\n{moved}\nif that is meant, run `GOLDEN=update cargo test --test main golden` and say so in CHANGELOG.md"
    );
}
