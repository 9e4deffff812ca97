//! What may stand where: import direction, forbidden words, sizes of files.
//!
//! Every rule is a function of a file's name and text, so that each is also shown a file that breaks it.

use std::fs;
use std::path::{Path, PathBuf};

/// Which of our modules a module may import, beside itself. `docs/design.md` has the reasons.
const IMPORTS: &[(&str, &[&str])] = &[
    ("money", &[]),
    ("fault", &[]),
    ("rng", &[]),
    ("stats", &[]),
    ("registry", &["fault", "money"]),
    ("facts", &["money"]),
    ("venue", &["facts", "money", "registry", "fault"]),
    ("position", &["venue", "registry", "money", "fault"]),
    ("market", &["rng", "money", "registry", "fault"]),
    ("traders", &["market", "rng", "money", "registry", "fault"]),
    ("scenario", &["venue", "market", "traders", "registry", "fault", "money"]),
    ("sim", &["scenario", "venue", "market", "traders", "facts", "rng", "money", "fault"]),
    ("folder", &["facts", "money", "stats", "fault"]),
    (
        "experiment",
        &["sim", "scenario", "folder", "stats", "facts", "money", "rng", "fault", "market", "traders", "venue"],
    ),
    (
        "study",
        &[
            "experiment",
            "sim",
            "scenario",
            "folder",
            "stats",
            "facts",
            "money",
            "rng",
            "venue",
            "traders",
            "registry",
            "fault",
        ],
    ),
    ("report", &["folder", "stats", "facts", "money", "fault"]),
];

/// Words that must not stand in the code of a module, each with the reason.
const FORBIDDEN: &[(&[&str], &[&str], &str)] = &[
    (&["venue", "facts"], &["f64", "f32", "rand", "libm"], "integers move money"),
    (
        &["venue", "facts", "money", "rng", "stats", "market", "sim"],
        &["std::fs", "std::net", "std::env"],
        "no input or output here",
    ),
    (&["venue"], &["std::io", "std::time", "Instant", "SystemTime"], "the venue is a pure state machine"),
    (&["market"], &["AccountId", "Population", "Venue"], "the market never sees accounts"),
    (&["report", "folder"], &["run_path"], "a report reads a folder and never runs a path"),
    (
        &[
            "money", "fault", "rng", "stats", "registry", "facts", "venue", "market", "traders", "scenario", "sim",
            "folder", "report",
        ],
        &["rayon", "indicatif", "ctrlc"],
        "threads belong to experiments, the terminal to the command line",
    ),
    (
        &[
            "money",
            "fault",
            "rng",
            "stats",
            "registry",
            "facts",
            "venue",
            "market",
            "traders",
            "scenario",
            "sim",
            "folder",
            "experiment",
            "study",
        ],
        &["plotters", "clap"],
        "charts belong to the report, options to the command line",
    ),
];

/// Where the program may speak or end.
const SPEAKERS: [&str; 2] = ["main", "cli"];
const SPEECH: [&str; 6] = ["println", "eprintln", "print", "eprint", "dbg", "process::exit"];

/// Methods of floats whose last bit differs between systems or processors.
const FLOAT_METHODS: [&str; 16] = [
    "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "powf", "powi", "sqrt", "cbrt", "sin", "cos",
    "tan", "mul_add",
];

/// Lines of a file without the tests within it.
const MAX_LINES: usize = 900;

// ---------------------------------------------------------------------------------------------- reading code

/// A file as far as the tests within it.
fn before_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// The code of a file without comments, texts and its tests, so that a word in a sentence breaks no rule.
fn code(text: &str) -> String {
    let text = before_tests(text);
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut i = 0;
    while i < bytes.len() {
        let rest = &bytes[i..];
        if rest.starts_with(&['/', '/']) {
            while i < bytes.len() && bytes[i] != '\n' {
                i += 1;
            }
        } else if rest.starts_with(&['/', '*']) {
            while i < bytes.len() && !bytes[i..].starts_with(&['*', '/']) {
                i += 1;
            }
            i += 2;
        } else if bytes[i] == 'r' && matches!(rest.get(1), Some('"' | '#')) && !word_before(&out) {
            let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
            if rest.get(1 + hashes) != Some(&'"') {
                out.push('r');
                i += 1;
                continue;
            }
            let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            i += 2 + hashes;
            while i < bytes.len() && !bytes[i..].starts_with(&end) {
                i += 1;
            }
            i += end.len();
        } else if bytes[i] == '"' {
            i += 1;
            while i < bytes.len() && bytes[i] != '"' {
                i += if bytes[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if bytes[i] == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            i += if rest.get(1) == Some(&'\\') { 3 } else { 2 };
            while i < bytes.len() && bytes[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out
}

fn word_before(out: &str) -> bool {
    out.chars().last().is_some_and(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` (an identifier or a path of them) stands in the code as a whole.
fn stands(code: &str, word: &str) -> bool {
    occurrences(code, word).next().is_some()
}

/// Byte offsets at which `word` stands as a whole.
fn occurrences<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !code[..at].chars().last().is_some_and(is_word) && !code[at + word.len()..].chars().next().is_some_and(is_word)
    })
}

/// Our modules that the code names as `crate::module` or in `use crate::{…}`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for at in occurrences(code, "crate") {
        let Some(rest) = code[at + "crate".len()..].trim_start().strip_prefix("::") else { continue };
        let rest = rest.trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut name) = (0, String::new());
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            found.push(name);
        } else {
            found.push(rest.to_owned());
        }
    }
    let first = |path: &str| path.trim().chars().take_while(|&c| is_word(c)).collect::<String>();
    let mut names: Vec<String> = found.iter().map(|path| first(path)).filter(|name| !name.is_empty()).collect();
    names.sort();
    names.dedup();
    names
}

/// The module that a file of `src` belongs to: `venue/adl.rs` → `venue`.
fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// Tests in files of their own, and what only tests use.
fn is_test(path: &str, text: &str) -> bool {
    path.ends_with("tests.rs")
        || path.contains("/tests/")
        || path == "sim/worked.rs"
        || text.starts_with("#![cfg(test)]")
}

/// All that is wrong with one file of `src`; `path` counts from there.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if path.ends_with("mod.rs") {
        wrong.push("is a mod.rs: write `foo.rs` beside `foo/`".to_owned());
    }
    let lines = before_tests(text).lines().count();
    if lines > MAX_LINES {
        wrong.push(format!("has {lines} lines: two ideas"));
    }
    if is_test(path, text) {
        return wrong;
    }
    let code = code(text);
    let module = module(path);
    match IMPORTS.iter().find(|(name, _)| *name == module) {
        Some((_, allowed)) => {
            for import in imports(&code) {
                if import != module
                    && !allowed.contains(&import.as_str())
                    && IMPORTS.iter().any(|(name, _)| *name == import)
                {
                    wrong.push(format!("imports {import}, which {module} must not know"));
                }
            }
        }
        None if ["lib", "main", "cli"].contains(&module) => {}
        None => wrong.push(format!("module {module} has no rule in IMPORTS")),
    }
    for (modules, words, reason) in FORBIDDEN {
        for word in words.iter().filter(|word| modules.contains(&module) && stands(&code, word)) {
            wrong.push(format!("says `{word}`: {reason}"));
        }
    }
    if !SPEAKERS.contains(&module) {
        for word in SPEECH {
            let spoken =
                occurrences(&code, word).any(|at| word.contains("::") || code[at + word.len()..].starts_with('!'));
            if spoken {
                wrong.push(format!("says `{word}`: the library never prints and never exits"));
            }
        }
    }
    for word in ["HashMap", "HashSet", "SmallRng", "StdRng", "thread_rng"] {
        if stands(&code, word) {
            wrong.push(format!("says `{word}`: its order or values differ from run to run"));
        }
    }
    for method in FLOAT_METHODS {
        let called = occurrences(&code, method).any(|at| {
            let before = code[..at].trim_end();
            code[at + method.len()..].trim_start().starts_with('(')
                && (before.ends_with('.') || before.ends_with("f64::"))
        });
        if called {
            wrong.push(format!(
                "calls `.{method}()` of a float: its last bit differs between systems; use market::math"
            ));
        }
    }
    wrong
}

// ---------------------------------------------------------------------------------------------- the tree

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder`, with names relative to it, in order.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display())) {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
            let top = name.split('/').next().unwrap_or_default();
            if ["target", ".git"].contains(&top) || (top == "output" && name != "output" && name != "output/README.md")
            {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((name, path));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_file_keeps_the_rules_of_its_module() {
    let sources: Vec<_> = files(&root().join("src")).into_iter().filter(|(name, _)| name.ends_with(".rs")).collect();
    assert!(sources.len() > 15, "only {} files found", sources.len());
    let mut wrong = String::new();
    for (name, path) in sources {
        for violation in violations(&name, &fs::read_to_string(path).unwrap()) {
            wrong.push_str(&format!("\nsrc/{name} {violation}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Places on somebody's machine; put together here so that this file does not break its own rule.
fn machine_places() -> Vec<String> {
    ["work", "root", "home", "Users"].iter().map(|folder| format!("/{folder}/")).collect()
}

fn names_a_machine(text: &str) -> Option<String> {
    machine_places().into_iter().find(|place| {
        text.match_indices(place.as_str())
            .any(|(at, _)| !text[..at].chars().last().is_some_and(|c| is_word(c) || "./-~}".contains(c)))
    })
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let mut wrong = String::new();
    for (name, path) in files(&root()) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if let Some(place) = names_a_machine(&text) {
            wrong.push_str(&format!("\n{name} says {place}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

// ---------------------------------------------------------------------------------------------- the rules bite

#[test]
fn each_rule_catches_a_file_that_breaks_it() {
    let long = "\n".repeat(MAX_LINES + 1);
    for (path, text, message) in [
        ("venue/fund.rs", "fn f(x: f64) {}", "says `f64`"),
        ("venue/fund.rs", "use rand::Rng;", "says `rand`"),
        ("venue.rs", "use std::time::Duration;", "says `std::time`"),
        ("venue.rs", "use std::fs;", "says `std::fs`"),
        ("venue.rs", "fn f() { println!(); }", "says `println`"),
        ("sim/path.rs", "fn f() { eprintln!(\"x\"); }", "says `eprintln`"),
        ("study.rs", "fn f() { std::process::exit(1) }", "says `process::exit`"),
        ("venue.rs", "use crate::market::book::Book;", "imports market"),
        ("venue.rs", "use crate::{facts::Fact, sim::{self, audit}, money::Cash};", "imports sim"),
        ("market/mark.rs", "fn f(x: crate::venue::Venue) {}", "imports venue"),
        ("money.rs", "use crate::fault::Fault;", "imports fault"),
        ("report.rs", "use crate::sim::path::run_path;", "imports sim"),
        ("report.rs", "use crate::sim::path::run_path;", "says `run_path`"),
        ("market/book.rs", "fn f(a: AccountId) {}", "says `AccountId`"),
        ("sim.rs", "use rayon::prelude::*;", "says `rayon`"),
        ("folder.rs", "use plotters::prelude::*;", "says `plotters`"),
        ("experiment.rs", "use std::collections::HashMap;", "says `HashMap`"),
        ("traders.rs", "fn f(x: f64) -> f64 { x.ln() }", "calls `.ln()`"),
        ("traders.rs", "fn f(x: f64) -> f64 { f64::powf(x, 2.0) }", "calls `.powf()`"),
        ("market/book/mod.rs", "", "is a mod.rs"),
        ("stats.rs", long.as_str(), "lines"),
        ("helpers.rs", "", "has no rule"),
    ] {
        let told = violations(path, text);
        assert!(
            told.iter().any(|violation| violation.contains(message)),
            "{path}: {text}\nexpected: {message}\ntold: {told:?}"
        );
    }
}

#[test]
fn words_in_comments_texts_tests_and_other_words_break_nothing() {
    let text = r##"
        //! No f64 and no println! here.
        use crate::facts::Fact; /* rand */
        fn f() -> &'static str { let random = 'f'; let q = '\''; "f64 println! crate::market" }
        fn g() -> &'static str { r#"rand "quoted" f64"# }
        fn operand(strand: u8) { explain(libm_free); }
#[cfg(test)]
mod tests {
    fn f(x: f64) -> f64 { x.sqrt() }
}
"##;
    assert_eq!(violations("venue/ledger.rs", text), Vec::<String>::new());
    assert_eq!(violations("traders/tests.rs", "use crate::sim; fn f(x: f64) { x.ln(); }"), Vec::<String>::new());
    assert_eq!(violations("market/math.rs", "fn exp(x: f64) -> f64 { libm::exp(x) }"), Vec::<String>::new());
}

#[test]
fn a_machine_place_is_told_from_an_address() {
    for place in machine_places() {
        assert!(names_a_machine(&format!("see {place}x")).is_some(), "{place}");
        assert!(names_a_machine(&format!("https://example.org{place}x")).is_none(), "{place}");
    }
}
