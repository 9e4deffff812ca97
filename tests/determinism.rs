//! The same scenario and seed write the same bytes, on any number of threads.

use std::path::Path;

use crate::lab;

const FILES: [&str; 12] = [
    "fund.png",
    "fund.svg",
    "fund_need.png",
    "fund_need.svg",
    "liquidations.png",
    "liquidations.svg",
    "manifest.json",
    "paths.csv",
    "price.png",
    "price.svg",
    "series.csv",
    "summary.json",
];

/// Asserts that runs with these arguments write the same bytes as the first of them.
fn assert_same_bytes(file: &Path, runs: &[&[&str]]) {
    let folder = tempfile::tempdir().unwrap();
    let mut first = None;
    for (i, arguments) in runs.iter().enumerate() {
        let out = folder.path().join(format!("run-{i}"));
        lab::run_into(file, &out, arguments);
        let found = lab::contents(&out);
        let names: Vec<&str> = found.keys().map(|name| name.to_str().unwrap()).collect();
        for name in FILES {
            assert!(names.contains(&name), "{name} is missing among {names:?}");
        }
        match &first {
            None => first = Some(found),
            Some(first) => {
                assert!(found.keys().eq(first.keys()), "{arguments:?}: {names:?}");
                for (name, bytes) in first {
                    assert!(found[name] == *bytes, "{} differs with {arguments:?}", name.display());
                }
            }
        }
    }
}

#[test]
fn threads_and_repetition_change_no_byte_of_a_flash_crash() {
    // More paths than a batch holds, so that two batches meet.
    let paths = "270";
    let on = |threads| ["--paths", paths, "--threads", threads];
    let (one, two) = (on("1"), on("2"));
    assert_same_bytes(&lab::file_of("flash-crash"), &[&two, &two, &one]);
}

#[test]
fn threads_repetition_and_audit_change_no_byte_of_the_classroom() {
    let file = lab::file_of("classroom");
    assert_same_bytes(&file, &[&["--threads", "1"], &["--threads", "1"], &["--threads", "2"], &["--audit"]]);
}

#[test]
fn another_seed_writes_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |seed: &str| {
        let out = folder.path().join(seed);
        lab::run_into(&lab::file_of("flash-crash"), &out, &["--paths", "2", "--seed", seed]);
        std::fs::read(out.join("paths.csv")).unwrap()
    };
    assert_ne!(rows("1"), rows("2"));
}
