//! How much memory a run takes: the same for any number of paths.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::lab;

/// Runs the program and returns the most memory that it held, in megabytes; `None` where the system does not tell.
fn peak(dir: &Path, arguments: &[&str]) -> Option<f64> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flashcrash")).current_dir(dir).args(arguments).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = None;
    let done = loop {
        // The peak is reached while charts are drawn, some tenths of a second before the end.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kilobytes) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            most = Some(kilobytes.trim().parse::<f64>().unwrap() / 1024.0);
        }
        if let Some(done) = child.try_wait().unwrap() {
            break done;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(done.success(), "{arguments:?}");
    most
}

fn flat(scenario: &str, few: u64, many: u64) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), scenario).unwrap();
    let run = |paths: u64, out: &str| {
        peak(dir.path(), &["run", "tiny.toml", "-q", "--threads", "2", "--paths", &paths.to_string(), "--out", out])
    };
    let (Some(few), Some(most)) = (run(few, "few"), run(many, "many")) else {
        eprintln!("skipped: this system does not tell how much memory a process held");
        return;
    };
    println!("{few:.1} MB, {most:.1} MB for {many} paths");
    assert!(most < 150.0, "{most} MB");
    assert!(most < few + 5.0, "{few} MB for few paths, {most} MB for many");

    // Ten shards of unequal length, merged in no order.
    let mut cuts: Vec<u64> = (0..=10).map(|i| many * i * i / 100).collect();
    cuts.dedup();
    let mut shards = Vec::new();
    for (at, range) in cuts.windows(2).enumerate() {
        let name = format!("{at}.shard");
        let range = format!("{}..{}", range[0], range[1]);
        lab_run(dir.path(), &["run", "tiny.toml", "-q", "--paths", &range, "--shard-out", &name]);
        shards.push(name);
    }
    shards.sort_by_key(|name| name.as_bytes()[0].wrapping_mul(0x9D));
    let mut merge = vec!["merge", "--scenario", "tiny.toml", "-q", "--out", "merged"];
    merge.extend(shards.iter().map(String::as_str));
    let merging = peak(dir.path(), &merge).unwrap_or_default();
    assert!(merging < few + 5.0, "merging took {merging} MB");
    assert!(
        lab::contents(&dir.path().join("merged")) == lab::contents(&dir.path().join("many")),
        "merged shards differ"
    );
}

fn lab_run(dir: &Path, arguments: &[&str]) {
    let done = Command::new(env!("CARGO_BIN_EXE_flashcrash")).current_dir(dir).args(arguments).status().unwrap();
    assert!(done.success(), "{arguments:?}");
}

#[test]
fn memory_does_not_grow_with_paths_and_shards_merge_to_the_same_bytes() {
    flat(lab::TINY, 2_000, 50_000);
}

/// `cargo test --release --test main a_million -- --ignored --nocapture`
#[test]
#[ignore = "a minute in release, and half a gigabyte of disk"]
fn a_million_paths_take_the_memory_of_ten_thousand() {
    flat(lab::TINY, 10_000, 1_000_000);
}

/// The same 20,000 accounts on every path. Their leverage is so low that a crash reaches a few of them, so a million
/// paths are over in a minute or two; and crashes are drawn between bounds, since a worker's buffers are as large as the
/// largest path that it has met.
fn book_of_20_000() -> String {
    [
        ("count = 20\n", "count = 20_000\n"),
        (
            "{ kind = \"discrete\", values = [5, 10, 20, 50], weights = [2, 3, 3, 2] }",
            "{ kind = \"uniform\", min = 1, max = 6 }",
        ),
        ("min = 0.02, max = 0.2 }", "min = 0.02, max = 0.17 }"),
        ("volatility = 0.8", "volatility = 0.1"),
        ("depth_1pct = 300_000", "depth_1pct = 300_000_000"),
        ("[[traders]]", "[population]\nredraw = \"fixed\"\n\n[[traders]]"),
    ]
    .into_iter()
    .fold(lab::TINY.to_owned(), |text, (from, to)| lab::edit(&text, from, to))
}

/// `cargo test --release --test main a_million -- --ignored --nocapture`
#[test]
#[ignore = "minutes in release, and half a gigabyte of disk"]
fn a_million_paths_on_a_book_of_20_000_take_the_memory_of_ten_thousand() {
    flat(&book_of_20_000(), 10_000, 1_000_000);
}
