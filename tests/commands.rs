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

/// The options and the count of other words that a command cannot do without, as its help says.
fn required(help: &str) -> (Vec<&str>, usize) {
    let usage = help.lines().find_map(|line| line.strip_prefix("Usage: flashcrash ")).unwrap_or_default();
    let words = || usage.split_whitespace();
    let options: Vec<&str> = words().filter(|word| word.starts_with("--")).collect();
    let values = words().filter(|word| word.starts_with('<')).count();
    (options.clone(), values - options.len())
}

/// The commands in the fences of a document, which are meant to be pasted, as words that a shell would make of them.
fn pasted(text: &str) -> Vec<Vec<String>> {
    let fences = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = fences.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("flashcrash "));
    let mut found = Vec::new();
    for line in lines {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (c, quote) {
                ('#', None) if word.is_empty() => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (' ', None) if word.is_empty() => {}
                (' ', None) => words.push(std::mem::take(&mut word)),
                _ => word.push(c),
            }
        }
        if !word.is_empty() {
            words.push(word);
        }
        found.push(words);
    }
    found
}

/// What a pasted command lacks, by the help of its verb.
fn lacks(words: &[String], help: &str) -> Vec<String> {
    let (options, values) = required(help);
    let absent = options.iter().filter(|option| !words.iter().any(|word| word.split('=').next() == Some(option)));
    let mut lacking: Vec<String> = absent.map(|option| (*option).to_owned()).collect();
    if words[1..].iter().filter(|word| !word.starts_with("--")).count() < values {
        lacking.push("a file".into());
    }
    lacking
}

#[test]
fn every_command_to_be_pasted_has_what_it_cannot_do_without() {
    let (mut wrong, mut seen) = (String::new(), 0);
    for path in documents() {
        for words in pasted(&fs::read_to_string(&path).unwrap()) {
            seen += 1;
            let lacking =
                help(&words[0]).map_or_else(|| vec!["a verb that there is".into()], |help| lacks(&words, &help));
            if !lacking.is_empty() {
                wrong.push_str(&format!("{}: {words:?} lacks {lacking:?}\n", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(seen >= 6, "{seen} commands found");
}

#[test]
fn a_breakpoint_without_ends_lacks_them() {
    let words = pasted("```sh\nflashcrash breakpoint my.toml --key \"drop\"   # ends\n```").remove(0);
    assert_eq!(words, ["breakpoint", "my.toml", "--key", "drop"]);
    assert_eq!(lacks(&words, &help("breakpoint").unwrap()), ["--from", "--to"]);
    let bare = pasted("```sh\nflashcrash run --audit\n```").remove(0);
    assert_eq!(lacks(&bare, &help("run").unwrap()), ["a file"]);
}

#[test]
fn the_commands_of_the_readme_for_a_book_of_ones_own_run_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let readme = fs::read_to_string(lab::root().join("README.md")).unwrap();
    let commands: Vec<Vec<String>> = pasted(&readme)
        .into_iter()
        .filter(|words| words.iter().any(|word| word == "scenarios/own-book.toml"))
        .collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for mut words in commands {
        // Fewer paths, and into a folder of the test's own.
        match words.iter().position(|word| word == "--paths") {
            Some(at) => words[at + 1] = "300".into(),
            None if words[0] != "check" => words.extend(["--paths".into(), "300".into()]),
            None => {}
        }
        if words[0] != "check" {
            words.extend(["--out".into(), folder.path().join(&words[0]).display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = lab::flashcrash(&words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn commands_are_found_in_fences_and_between_backticks() {
    let text = "see `flashcrash list --json` or\n\n```sh\nflashcrash run a.toml --audit   # slow\n```\n\n    cargo run -- schema > b\n\n`no flashcrash x`";
    assert_eq!(commands(text), [vec!["list", "--json"], vec!["run", "a.toml", "--audit"], vec!["schema"]]);
}
