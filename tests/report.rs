//! What a run leaves to be looked at: the page, the paths in full, the stories, and drawing it all again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn flashcrash(args: &[&str]) -> std::process::Output {
    Command::cargo_bin("flashcrash")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .args(args)
        .output()
        .unwrap()
}

fn told(args: &[&str]) -> String {
    let output = flashcrash(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every file below a folder with its bytes.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(
                content(&path)
                    .into_iter()
                    .map(|(name, bytes)| (Path::new(path.file_name().unwrap()).join(name), bytes)),
            );
        } else {
            all.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    all
}

fn run_classroom(dir: &Path) -> String {
    let out = dir.join("classroom").display().to_string();
    told(&["run", "scenarios/classroom.toml", "--quiet", "--out", &out]);
    out
}

fn stories(folder: &str, path: u64) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(folder).join(format!("trace/{path}/stories.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_class_reads_who_was_liquidated_first_what_the_fund_lost_and_who_was_deleveraged() {
    let dir = tempfile::tempdir().unwrap();
    let out = run_classroom(dir.path());
    let page = fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
    let list = page.split("<ul class=\"findings\">").nth(1).unwrap().split("</ul>").next().unwrap();
    let findings: Vec<&str> =
        list.lines().filter_map(|line| line.strip_prefix("<li>")?.strip_suffix("</li>")).collect();
    insta::assert_snapshot!(findings.join("\n"), @r"
    4 accounts are liquidated in 4 forced orders, 4,842 USD of notional, 100 % of it long.
    The first to be liquidated is Anna, which opens 16.7x long 10 TOY at 100 (notional 1,000) on 60 USD of margin; liquidation price 98. After 60 s it breaches its maintenance margin: the mark is 98, its liquidation price 98; 40 of equity left.
    The fund goes from 40 USD to 3 USD, a loss of 37 USD: it pays 72 USD and receives 35 USD. To pay every shortfall without ADL it would need 121 USD.
    1 winner is deleveraged of 1,092 USD, at prices 48 USD better than the mark.
    After 180 s Hana is deleveraged: 12 TOY closed at 87 (mark 91), 48 better than the mark; it stood 200 in profit.
    With half the leverage cap (9.5x in place of 19x, the same positions) 7 accounts would have posted 248 USD more: 4 accounts (Anna, Ben, Cleo, Emma) would be liquidated instead of 4, the fund would go from 40 USD to 93 USD, and 1 account would be deleveraged of 910 USD.
    One path is a story, not an estimate: it has no interval.
    ");
}

/// By hand: at a cap of 9.5 Anna and Ben post ⌈1,000 ÷ 9.5⌉ = 106, Cleo ⌈1,960 ÷ 9.5⌉ = 207, Hana ⌈2,020 ÷ 9.5⌉ = 213, Gus
/// 166, Ivan 102, Leo 53: 46 + 11 + 47 + 113 + 16 + 2 + 13 = 248 more. All four longs breach at 91. Anna leaves 66, Ben 26; Cleo's
/// 20 lots bring 1,728 where 1,753 were needed, so the fund pays 25 of its 40, and with the 15 left two of Emma's lots, 7
/// each. Ten of hers are closed by ADL at 91. 40 − 25 − 14 + 66 + 26 = 93.
#[test]
fn half_the_leverage_cap_is_the_run_with_that_cap() {
    let dir = tempfile::tempdir().unwrap();
    let out = run_classroom(dir.path());
    let what_if: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(&out).join("what_if.json")).unwrap()).unwrap();
    assert_eq!((&what_if["posting"], &what_if["posted"]), (&7.into(), &248.0.into()));
    let half = dir.path().join("half").display().to_string();
    told(&["run", "scenarios/classroom.toml", "--set", "accounts.leverage_cap=9.5", "--quiet", "--out", &half]);
    let text = fs::read_to_string(Path::new(&half).join("paths.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let row: BTreeMap<&str, &str> = lines.next().unwrap().into_iter().zip(lines.next().unwrap()).collect();
    for (key, expected) in [
        ("liquidated_accounts", 4.0),
        ("fund_close", 93.0),
        ("adl_accounts", 1.0),
        ("adl_notional", 910.0),
        ("fund_need", 109.0),
        ("liquidated_notional", 4_732.0),
    ] {
        assert_eq!(row[key].parse::<f64>().unwrap(), expected, "{key}");
        assert_eq!(what_if[key].as_f64().unwrap(), expected, "{key}");
    }
    // More than one path: no story, and nothing told beside it.
    let many = dir.path().join("many").display().to_string();
    told(&["run", "scenarios/classroom.toml", "--paths", "2", "--quiet", "--out", &many]);
    assert!(!Path::new(&many).join("what_if.json").exists());
}

#[test]
fn the_kept_log_is_that_of_trace_and_the_stories_are_those_of_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let out = run_classroom(dir.path());
    let log = fs::read_to_string(Path::new(&out).join("trace/0/events.jsonl")).unwrap();
    assert_eq!(log, told(&["trace", "scenarios/classroom.toml", "--json"]));
    let all = stories(&out, 0);
    // The venue, then twelve people.
    assert_eq!(all.len(), 13);
    for story in &all[1..] {
        let account = story["account"].to_string();
        let text = told(&["trace", "scenarios/classroom.toml", "--story", story["name"].as_str().unwrap()]);
        assert_eq!(text, told(&["trace", "scenarios/classroom.toml", "--story", &account]));
        let printed: Vec<&str> =
            text.lines().skip(1).filter_map(|line| line.split_once(" s  ").map(|(_, sentence)| sentence)).collect();
        let kept: Vec<&str> =
            story["events"].as_array().unwrap().iter().map(|event| event[1].as_str().unwrap()).collect();
        assert_eq!(printed, kept);
    }
    insta::assert_snapshot!(told(&["trace", "scenarios/classroom.toml", "--story", "Cleo"]), @r"
    Cleo on path 0 of seed 1, amounts in USD
             0 s  opens 12.2x long 20 TOY at 98 (notional 1,960) on 160 USD of margin; liquidation price 94
           180 s  breaches its maintenance margin: the mark is 91, its liquidation price 94; 20 of equity left
           180 s  is liquidated: 20 TOY sold into the book at 86.4 on average; bankruptcy price 90
           180 s  loses all 160 of its margin: 232 to the price; 72 beyond its margin paid by the fund
    ");
    insta::assert_snapshot!(told(&["trace", "scenarios/classroom.toml", "--story", "Hana"]), @r"
    Hana on path 0 of seed 1, amounts in USD
             0 s  opens 20.2x short 20 TOY at 101 (notional 2,020) on 100 USD of margin; liquidation price 101
           180 s  is deleveraged: 12 TOY closed at 87 (mark 91), 48 better than the mark; it stood 200 in profit
           360 s  ends short 8 TOY, with 340 of equity: 240 more than it put in
    ");
}

/// Liquidation price of an account of the classroom that holds so many lots and so much cash: the first mark in breach by
/// the inequality of docs/classroom.md. What ADL realised stays with it.
fn liquidation_price(party: &str, lots: f64, cash: f64) -> f64 {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/classroom.csv")).unwrap();
    let account: usize = party.trim_start_matches("trader:").parse().unwrap();
    let line = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).nth(account + 1).unwrap();
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let entry = cells[4].parse::<f64>().unwrap();
    if lots > 0.0 { ((entry - cash / lots) / 0.95).ceil() - 1.0 } else { ((entry - cash / lots) / 1.05).floor() + 1.0 }
}

#[test]
fn frames_agree_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let out = run_classroom(dir.path());
    let place = Path::new(&out).join("trace/0");
    let frames: Value = serde_json::from_str(&fs::read_to_string(place.join("frames.json")).unwrap()).unwrap();
    let log = fs::read_to_string(place.join("events.jsonl")).unwrap();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    for (at, time) in frames["time_s"].as_array().unwrap().iter().enumerate() {
        let time = time.as_f64().unwrap();
        let until = || events.iter().filter(|event| event["time_s"].is_string() && number(&event["time_s"]) <= time);
        let fund = until().next_back().map(|event| number(&event["fund_after"])).unwrap();
        assert_eq!(frames["fund"][at].as_f64().unwrap(), fund, "fund at {time}");
        let orders = until().filter(|event| event["fact"] == "order_opened").count();
        assert_eq!(frames["orders"][at], orders);
        let adl: f64 =
            until().filter(|event| event["fact"] == "deleveraged").map(|event| number(&event["notional"])).sum();
        assert_eq!(frames["adl"][at].as_f64().unwrap(), adl);
        let priced = until().rfind(|event| event["fact"] == "priced").unwrap();
        assert_eq!(frames["traded"][at].as_f64().unwrap(), number(&priced["traded"]));
        let marked = until().rfind(|event| event["fact"] == "marked").unwrap();
        assert_eq!(frames["mark"][at].as_f64().unwrap(), number(&marked["mark"]));
        // Lots that traders hold long, from the trades alone.
        let mut held: BTreeMap<&str, f64> = BTreeMap::new();
        for event in until().filter(|event| event["fact"] == "traded") {
            let party = event["party"].as_str().unwrap();
            if party.starts_with("trader:") {
                *held.entry(party).or_default() += number(&event["qty"]);
            }
        }
        let mut cash: BTreeMap<&str, f64> = BTreeMap::new();
        for event in until().filter(|event| event["fact"] == "posted") {
            *cash.entry(event["from"].as_str().unwrap()).or_default() -= number(&event["amount"]);
            *cash.entry(event["to"].as_str().unwrap()).or_default() += number(&event["amount"]);
        }
        let long: f64 = held.values().filter(|lots| **lots > 0.0).sum();
        assert_eq!(frames["open_interest"][at].as_f64().unwrap(), long * number(&marked["mark"]), "at {time}");
        // The map holds every open position whose liquidation price lies in its range, at that price.
        let map = &frames["map"];
        let f = |value: &Value| value.as_f64().unwrap();
        let mapped: f64 = map["steps"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|changes| {
                changes.as_array().unwrap().iter().rfind(|change| change[0].as_u64().unwrap() <= at as u64)
            })
            .map(|change| f(&change[1]))
            .sum();
        let range = f(&map["low"])..=2.0 * f(&map["open"]) - f(&map["low"]);
        let expected: f64 = held
            .iter()
            .filter(|(_, lots)| **lots != 0.0)
            .map(|(party, lots)| (lots.abs(), liquidation_price(party, *lots, cash[party])))
            .filter(|(_, price)| range.contains(price))
            .map(|(lots, price)| lots * price)
            .sum();
        assert_eq!(mapped, expected, "at {time}");
        // Nobody stands in the queue without a position.
        for queued in frames["queue"][at].as_array().unwrap() {
            let party = format!("trader:{}", queued[0]);
            assert_eq!(held[party.as_str()], queued[1].as_f64().unwrap());
        }
    }
}

#[test]
fn a_folder_is_the_same_for_any_number_of_threads_and_when_it_is_drawn_again() {
    let dir = tempfile::tempdir().unwrap();
    let run = |threads: &str| {
        let out = dir.path().join(threads).display().to_string();
        let args = ["--paths", "5", "--seed", "3", "--trace", "4", "--threads", threads, "--quiet", "--out", &out];
        told(&[&["run", "scenarios/march-2020.toml"][..], &args[..]].concat());
        PathBuf::from(out)
    };
    let (one, two) = (run("1"), run("2"));
    let first = content(&one);
    assert!(first == content(&two));
    assert!(first.keys().any(|name| name.ends_with("4/events.jsonl")));
    assert!(first[Path::new("report.html")].len() < 6_000_000);
    for name in
        first.keys().filter(|name| name.extension().is_some_and(|end| ["svg", "png", "html"].iter().any(|e| end == *e)))
    {
        fs::remove_file(one.join(name)).unwrap();
    }
    told(&["report", "--quiet", &one.display().to_string()]);
    assert!(content(&one) == first);
}

#[test]
fn what_cannot_be_shown_says_why() {
    let fault = |args: &[&str]| {
        let output = flashcrash(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        // The scenario's own warning stands before the fault.
        text.split("error: ").nth(1).unwrap_or(&text).trim().to_owned()
    };
    insta::assert_snapshot!(fault(&["trace", "scenarios/classroom.toml", "--story", "Zoe"]), @r"
    there is no account `Zoe`
     |
     = help: accounts have names, as `Anna`, and numbers from 0 to 11
    ");
    insta::assert_snapshot!(fault(&["trace", "scenarios/classroom.toml", "--story", "12"]), @r"
    there is no account `12`
     |
     = help: accounts have names, as `Anna`, and numbers from 0 to 11
    ");
    insta::assert_snapshot!(fault(&["run", "scenarios/classroom.toml", "--trace", "1", "--out", "target/never"]), @r"
    `--trace 1`: this run has the paths 0 to 0
     |
     = help: name one of them, or run more with `--paths`
    ");
    insta::assert_snapshot!(fault(&["report", "src"]), @r"
    `src` is not a folder that flashcrash wrote
     |
     = help: name another folder, or move this one away
    ");
    assert!(!Path::new(env!("CARGO_MANIFEST_DIR")).join("target/never").exists());
    let dir = tempfile::tempdir().unwrap();
    let out = run_classroom(dir.path());
    insta::assert_snapshot!(fault(&["report", &out, "--theme", "pink"]), @r"
    `--theme pink` is neither a theme nor a style sheet
     |
     = help: write auto, light, dark, or a file that ends in .css
    ");
    let template = dir.path().join("house.html");
    fs::write(&template, "one\n{{ nothing }}").unwrap();
    let before = content(Path::new(&out));
    let told = fault(&["report", &out, "--template", &template.display().to_string()]);
    assert!(told.contains("house.html:2"), "{told}");
    assert!(content(Path::new(&out)) == before, "a broken template leaves everything as it was");
}

/// Every verb that finds something tells it to programs, and in the numbers of its files.
#[test]
fn every_verb_speaks_json() {
    let dir = tempfile::tempdir().unwrap();
    let classroom = "scenarios/classroom.toml";
    let read = |out: &str, file: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(Path::new(out).join(file)).unwrap()).unwrap()
    };
    let out = |name: &str| dir.path().join(name).display().to_string();
    let json = |args: &[&str]| -> Value { serde_json::from_str(&told(args)).unwrap() };
    let run = json(&["run", classroom, "--json", "--out", &out("run")]);
    assert_eq!(run, read(&out("run"), "summary.json"));
    assert_eq!(run["metrics"]["fund_draw_mean"]["estimate"], 37.0);
    assert_eq!(json(&["report", &out("run"), "--json"]), run);
    let shard = out("a.shard");
    let told_of = json(&["run", classroom, "--paths", "0..2", "--shard-out", &shard, "--json"]);
    assert_eq!(told_of["paths"], serde_json::json!([0, 2]));
    let merged = json(&["merge", &shard, "--scenario", classroom, "--json", "--out", &out("merged")]);
    assert_eq!(merged["paths"], 2);
    let studies: [(&str, &[&str], &str); 4] = [
        ("compare", &["--with", "venue.fund.open=121"], "compare.json"),
        ("fund-size", &["--target", "p_adl <= 0.5"], "fund_size.json"),
        (
            "breakpoint",
            &["--key", "venue.fund.open", "--from", "40", "--to", "200", "--levels", "1"],
            "breakpoint.json",
        ),
        ("contributions", &["--top", "2"], "removals.json"),
    ];
    for (verb, more, file) in studies {
        let folder = out(verb);
        let args = [&[verb, classroom, "--paths", "4", "--json", "--out", &folder][..], more].concat();
        let found = json(&args);
        let found = if verb == "contributions" { &found["removals"] } else { &found };
        assert_eq!(*found, read(&folder, file), "{verb}");
    }
    assert_eq!(json(&["check", classroom, "--json"])[0]["sound"], true);
    let bad = dir.path().join("bad.toml");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(classroom)).unwrap();
    fs::write(&bad, text.replace("paths = 1", "pahts = 1")).unwrap();
    let output = flashcrash(&["check", &bad.display().to_string(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fault = &found[0]["faults"][0];
    assert_eq!((&found[0]["sound"], &fault["severity"]), (&false.into(), &"error".into()));
    assert!(fault["message"].as_str().unwrap().contains("pahts") && fault["line"].as_u64().unwrap() > 1);
    assert!(json(&["preset", "--json"])["venues"].as_array().unwrap().len() >= 14);
    assert!(json(&["preset", "bybit", "--json"]).is_object());
    assert!(json(&["list", "--json"]).is_array());
    let asked = flashcrash(&["run", classroom, "--json", "--quiet"]);
    assert_eq!(asked.status.code(), Some(1), "a table that is not wanted twice over is a mistake");
}

#[test]
fn a_run_ends_with_three_commands_that_work() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let text = told(&["run", "scenarios/classroom.toml", "--set", "venue.fund.open=41", "--out", &out]);
    let next: Vec<&str> = text.lines().skip_while(|line| *line != "next:").skip(1).collect();
    assert_eq!(next.len(), 3, "{text}");
    assert!(!text.contains('\u{1b}'), "colour is for terminals");
    let command = next[1].trim().split("   ").next().unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert!(told(&words).starts_with("Anna on path 0"), "{command}");
}

#[test]
fn what_comes_next_fits_what_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let next = |more: &[&str]| {
        let text = told(&[&["run", "scenarios/flash-crash.toml", "--paths", "60", "--out", &out], more].concat());
        text.split_once("next:\n").unwrap().1.to_owned()
    };
    let without = next(&["--set", "venue.fund.open=0"]);
    assert!(!without.contains("--with venue.fund.open=0 "), "{without}");
    assert!(without.contains("what a fund that carries 99 % of such crashes changes"), "{without}");
    let quiet = next(&["--set", "assets.0.process.drop=0.0001", "--set", "assets.0.process.volatility=0.0001"]);
    assert!(quiet.contains("on none is anybody liquidated") && !quiet.contains("worst"), "{quiet}");
    assert!(next(&[]).contains("what a fund of twice the size changes"));
}

#[test]
fn completions_and_the_manual_know_every_verb() {
    let help = told(&["--help"]);
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(verbs.contains(&"run") && verbs.contains(&"man"), "{verbs:?}");
    let man = told(&["man"]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = told(&["completions", shell]);
        for verb in &verbs {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
    }
    for verb in &verbs {
        assert!(man.contains(&format!("FLASHCRASH {}", verb.to_uppercase())), "{verb}");
    }
    assert!(man.contains("\\-\\-story"));
}

/// What stands in a `<code>` of the page after a mark, as a shell hands it over.
fn command_of(page: &str, mark: &str) -> Vec<String> {
    let text = page.split(mark).nth(1).unwrap().split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    let text = text.replace("&#x27;", "'").replace("&quot;", "\"").replace("&#x2f;", "/");
    let shell = std::process::Command::new("sh").args(["-c", &format!("printf '%s\\n' {text}")]).output().unwrap();
    String::from_utf8(shell.stdout).unwrap().lines().skip(1).map(String::from).collect()
}

#[test]
fn what_was_set_beside_the_file_stands_in_every_command_of_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let file = "scenarios/classroom.toml";
    let set = ["--set", "venue.fund.open=1000", "--set", "venue.adl={ kind = \"pro_rata\" }"];
    let run = ["run", file, "--seed", "5", "--paths", "3", "--trace", "1", "--quiet"];
    told(&[&run[..], &set, &["--out", &at("first")]].concat());
    let page = fs::read_to_string(dir.path().join("first/report.html")).unwrap();

    let again = command_of(&page, "id=\"reproduce\"");
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    told(&[&again[..], &["--quiet", "--out", &at("again")]].concat());
    assert!(content(&dir.path().join("again")) == content(&dir.path().join("first")), "{again:?}");

    let replay = command_of(&page, "Any other path:");
    let replay: Vec<&str> = replay.iter().map(|word| if word == "N" { "1" } else { word }).collect();
    let log = fs::read_to_string(dir.path().join("first/trace/1/events.jsonl")).unwrap();
    assert_eq!(told(&[&replay[..], &["--json"]].concat()), log, "{replay:?}");

    // The file is as it was written; what was set is in the manifest, and on the page beside it.
    assert_eq!(fs::read(dir.path().join("first/scenario.toml")).unwrap(), fs::read(file).unwrap());
    let manifest: Value = serde_json::from_slice(&fs::read(dir.path().join("first/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["file"], file);
    assert_eq!(manifest["set"], serde_json::json!([set[1], set[3]]));
    assert!(page.contains("<li><code>venue.fund.open=1000</code></li>"));

    // Drawn again, and merged from shards, it is the same folder.
    told(&["report", &at("again"), "--quiet"]);
    assert!(content(&dir.path().join("again")) == content(&dir.path().join("first")));
    let shard = at("all.shard");
    told(&[&["run", file, "--seed", "5", "--paths", "0..3", "--shard-out", &shard, "--quiet"][..], &set].concat());
    told(&[&["merge", &shard, "--scenario", file, "--out", &at("merged"), "--quiet"][..], &set].concat());
    let merged = fs::read(dir.path().join("merged/manifest.json")).unwrap();
    assert!(merged == fs::read(dir.path().join("first/manifest.json")).unwrap());
}

#[test]
fn a_scenario_named_by_its_whole_path_leaves_no_such_path_behind() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    for (from, to) in [("classroom.toml", "mine.toml"), ("classroom.csv", "classroom.csv")] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(from), dir.path().join(to)).unwrap();
    }
    let out = dir.path().join("out");
    told(&["run", &file.display().to_string(), "--quiet", "--out", &out.display().to_string()]);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("flashcrash run mine.toml --paths 1"));
    assert!(!page.contains(&dir.path().display().to_string()));
}
