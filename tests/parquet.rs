//! Parquet says what the CSV says, to the last digit, and the same bytes each time.
#![cfg(feature = "parquet")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::lab;

fn flashcrash(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrash")).current_dir(dir).args(arguments).output().unwrap()
}

fn done(dir: &Path, arguments: &[&str]) {
    let told = flashcrash(dir, arguments);
    assert!(told.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&told.stderr));
}

fn shipped(name: &str) -> String {
    format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// Every Parquet file of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    found
}

/// A Python that has pyarrow: `$PYTHON`, or `python3`.
fn python() -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import pyarrow"]).output();
    has.is_ok_and(|told| told.status.success()).then_some(python)
}

fn compared(python: &str, folders: &[&Path]) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parquet.py");
    Command::new(python).arg(script).args(folders).output().unwrap()
}

#[test]
fn other_programs_read_every_value_of_the_tables_beside() {
    let Some(python) = python() else {
        println!("skipped: no Python with pyarrow (set PYTHON to one that has it)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("tiny.toml"), lab::TINY).unwrap();
    let sweep = "[sweep]\nscenario = \"tiny.toml\"\n[[sweep.axes]]\nkey = \"venue.fund.open\"\nname = \"fund\"\nvalues = [20_000, 100_000]\n\
                 [[sweep.axes]]\nkey = \"venue.adl.kind\"\nvalues = [\"pro_rata\", \"fifo\"]\n";
    fs::write(at.join("sweep.toml"), sweep).unwrap();
    // Plain, with a weight, several runs side by side, and every shipped scenario for its events and conduct.
    done(at, &["run", "tiny.toml", "-q", "--paths", "300", "--parquet", "--out", "plain"]);
    done(at, &["run", "tiny.toml", "-q", "--paths", "200", "--tilt=drop=2", "--parquet", "--out", "tilted"]);
    done(at, &["sweep", "sweep.toml", "-q", "--paths", "60", "--parquet", "--out", "sweep"]);
    done(
        at,
        &["compare", "tiny.toml", "--with", "venue.adl.kind=fifo", "-q", "--paths", "60", "--parquet", "--out", "both"],
    );
    let mut folders = vec!["plain".to_owned(), "tilted".into(), "sweep".into(), "both".into()];
    for name in ["classroom", "halt", "margin-withdrawal", "shared-vault", "venues", "venues-inverse"] {
        done(at, &["run", &shipped(name), "-q", "--paths", "3", "--parquet", "--out", name]);
        folders.push(name.to_owned());
    }
    let folders: Vec<PathBuf> = folders.iter().map(|name| at.join(name)).collect();
    let each: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    assert!(each.iter().all(|folder| !files(folder).is_empty()));
    let told = compared(&python, &each);
    let text = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{text}");
    println!("{text}");

    // And the comparison can fail: one digit of one amount.
    let path = at.join("plain/paths.csv");
    let csv = fs::read_to_string(&path).unwrap();
    let at_digit = csv.trim_end().rfind(|c: char| c.is_ascii_digit()).unwrap();
    let other = if csv.as_bytes()[at_digit] == b'7' { "8" } else { "7" };
    fs::write(&path, format!("{}{other}{}", &csv[..at_digit], &csv[at_digit + 1..])).unwrap();
    let told = compared(&python, &[&at.join("plain")]);
    assert_eq!(told.status.code(), Some(1), "{}", String::from_utf8_lossy(&told.stdout));
    assert!(String::from_utf8_lossy(&told.stderr).contains("line 301"), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn any_threads_any_shards_and_a_later_report_write_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("tiny.toml"), lab::TINY).unwrap();
    done(at, &["run", "tiny.toml", "-q", "--paths", "300", "--threads", "2", "--parquet", "--out", "a"]);
    done(at, &["run", "tiny.toml", "-q", "--paths", "300", "--threads", "1", "--out", "b"]);
    assert!(files(&at.join("b")).is_empty(), "only where it is asked for");
    done(at, &["report", "b", "-q", "--parquet"]);
    done(at, &["run", "tiny.toml", "-q", "--paths", "100..300", "--shard-out", "late"]);
    done(at, &["run", "tiny.toml", "-q", "--paths", "0..100", "--shard-out", "early"]);
    done(at, &["merge", "late", "early", "--scenario", "tiny.toml", "-q", "--parquet", "--out", "c"]);
    let whole = lab::contents(&at.join("a"));
    let mut names: Vec<String> = files(&at.join("a"))
        .iter()
        .map(|path| path.strip_prefix(at.join("a")).unwrap().display().to_string())
        .collect();
    names.sort();
    assert!(names.contains(&"paths.parquet".to_owned()) && names.contains(&"series.parquet".to_owned()), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("/events.parquet")), "{names:?}");
    for other in ["b", "c"] {
        assert!(lab::contents(&at.join(other)) == whole, "{other}");
    }
    // Drawn again over what is there, and told apart from what cannot be replaced.
    done(at, &["report", "a", "-q", "--parquet"]);
    assert!(lab::contents(&at.join("a")) == whole);
    fs::remove_file(at.join("a/paths.parquet")).unwrap();
    fs::create_dir(at.join("a/paths.parquet")).unwrap();
    fs::write(at.join("a/paths.parquet/mine"), "years of work").unwrap();
    let told = flashcrash(at, &["report", "a", "-q", "--parquet"]);
    assert_eq!(told.status.code(), Some(3));
    let text = String::from_utf8_lossy(&told.stderr);
    assert!(text.contains("paths.parquet") && text.contains("directory"), "{text}");
    assert!(at.join("a/paths.parquet/mine").exists() && !at.join("a/.paths.parquet.fresh").exists());
}

#[test]
fn a_table_of_another_version_is_told_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("tiny.toml"), lab::TINY).unwrap();
    done(at, &["run", "tiny.toml", "-q", "--paths", "20", "--out", "a"]);
    let path = at.join("a/series.csv");
    let text = fs::read_to_string(&path).unwrap().replacen("time_s", "time", 1);
    fs::write(&path, text).unwrap();
    let told = flashcrash(at, &["report", "a", "-q", "--parquet"]);
    assert_eq!(told.status.code(), Some(3));
    let text = String::from_utf8_lossy(&told.stderr);
    assert!(text.contains("series.csv") && text.contains("does not name the columns of this version"), "{text}");
    assert!(!at.join("a/series.parquet").exists());
    let told = flashcrash(at, &["run", "tiny.toml", "-q", "--paths", "0..5", "--shard-out", "s", "--parquet"]);
    assert_eq!(told.status.code(), Some(1), "a shard has no tables");
}
