//! Every command that a document names is one that the program has.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::lab;

/// The Markdown files that people read.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "output/README.md", "scenarios/README.md"]
        .iter()
        .map(|name| lab::root().join(name))
        .filter(|path| path.is_file())
        .collect();
    let mut open = vec![lab::root().join("docs")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The words after `flashcrash` or `cargo run … --`, as far as the command goes.
fn commands(text: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let spans: Vec<&str> = if fenced || line.starts_with("    ") {
            vec![line.trim_start().trim_start_matches("$ ")]
        } else {
            // What stands between backticks.
            line.split('`').skip(1).step_by(2).collect()
        };
        for span in spans {
            let called = ["flashcrash ", "cargo run --release -- ", "cargo run -- ", "\"$flashcrash\" "]
                .iter()
                .find_map(|prefix| span.strip_prefix(prefix));
            if let Some(rest) = called {
                let end = rest.find(['#', '>', '|', '(']).unwrap_or(rest.len());
                found.push(rest[..end].split_whitespace().collect());
            }
        }
    }
    found
}

fn help(verb: &str) -> Option<String> {
    let output = lab::flashcrash(&[verb, "--help"]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_command_in_the_documents_is_one_that_there_is() {
    let (mut helps, mut wrong, mut seen) = (BTreeMap::new(), String::new(), 0);
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for words in commands(&text) {
            let Some((&verb, rest)) = words.split_first() else { continue };
            let command =
                format!("{}: `flashcrash {}`", path.strip_prefix(lab::root()).unwrap().display(), words.join(" "));
            if !verb.starts_with(|first: char| first.is_ascii_lowercase()) {
                continue;
            }
            seen += 1;
            let Some(help) = helps.entry(verb.to_owned()).or_insert_with(|| help(verb)) else {
                wrong.push_str(&format!("{command}: there is no `{verb}`\n"));
                continue;
            };
            for word in rest {
                let flag = word.split('=').next().unwrap_or(word);
                if flag.starts_with("--") && !help.contains(flag) {
                    wrong.push_str(&format!("{command}: `{verb}` has no `{flag}`\n"));
                }
                if word.starts_with("scenarios/") && !word.contains('*') && !lab::root().join(word).is_file() {
                    wrong.push_str(&format!("{command}: there is no {word}\n"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(seen >= 5, "{seen} commands found");
}

#[test]
fn commands_are_found_in_fences_and_between_backticks() {
    let text = "see `flashcrash list --json` or\n\n```sh\nflashcrash run a.toml --audit   # slow\n```\n\n    cargo run -- schema > b\n\n`no flashcrash x`";
    assert_eq!(commands(text), [vec!["list", "--json"], vec!["run", "a.toml", "--audit"], vec!["schema"]]);
}
