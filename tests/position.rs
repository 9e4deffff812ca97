//! `flashcrash position` and `flashcrash preset` as a user runs them.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flashcrash"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const SOUND: &str = r#"{"maintenance_rate":0.01,"side":"long","quantity":1,"entry_price":100,"collateral":10"#;

#[test]
fn a_batch_answers_every_line_in_order_and_ends_with_1_where_one_is_faulty() {
    let input = format!("{SOUND},\"id\":1}}\n{{\"side\":\"up\"}}\n\n{SOUND},\"id\":\"zwei\"}}");
    let output = run(&["position", "--batch"], &input);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("{\"id\": 1, \"notional\": 100, "), "{}", lines[0]);
    assert_eq!(lines[1], r#"{"error": "`side` cannot be \"up\": write \"long\" or \"short\""}"#);
    assert!(lines[2].starts_with("{\"error\": \"not a JSON object"), "{}", lines[2]);
    assert!(lines[3].starts_with("{\"id\": \"zwei\""), "{}", lines[3]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("2 lines are faulty of 4"), "{}", told(&output));
    for line in lines {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn a_sound_batch_ends_with_0_and_an_empty_one_too() {
    let output = run(&["position", "--batch", "-"], &format!("{SOUND}}}\n"));
    assert_eq!((output.status.code(), told(&output).as_str()), (Some(0), ""));
    assert_eq!(run(&["position", "--batch"], "").status.code(), Some(0));
}

#[test]
fn bytes_that_are_no_text_are_a_faulty_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asks.jsonl");
    std::fs::write(&file, [&[0xff, 0xfe, b'\n'], SOUND.as_bytes(), b"}\n"].concat()).unwrap();
    let output = run(&["position", "--batch", file.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output).lines().count(), 2);
    assert_eq!(run(&["position", "--batch", "no-such-file"], "").status.code(), Some(3));
}

#[test]
fn one_position_is_a_sheet_or_a_json_object() {
    let args = [
        "position",
        "--maintenance-rate",
        "1 %",
        "--side",
        "short",
        "--quantity",
        "2",
        "--entry-price",
        "100",
        "--leverage",
        "5",
    ];
    let sheet = out(&run(&args, ""));
    assert!(sheet.starts_with("short 2 from 100, mark 100\n"), "{sheet}");
    assert!(sheet.contains("(18.812 % from the mark)"), "{sheet}");
    let json: serde_json::Value = serde_json::from_str(&out(&run(&[&args[..], &["--json"]].concat(), ""))).unwrap();
    assert_eq!(json["bankruptcy_price"], 120);
    let output = run(&["position", "--side", "long", "--quantity", "-2"], "");
    assert_ne!(output.status.code(), Some(0));
    let output = run(&["position", "--side", "long", "--quantity", "2"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).starts_with("error: `--entry-price` is missing"), "{}", told(&output));
}

#[test]
fn a_table_joins_cross_accounts_and_names_the_line_of_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("positions.csv");
    let header = "account,side,quantity,entry_price,mark_price,margin_mode,wallet,maintenance_rate\n";
    std::fs::write(&file, format!("{header}a,long,1,1000,,cross,100,0.01\na,short,2,200,190,cross,100,0.05\n"))
        .unwrap();
    let name = file.to_str().unwrap();
    let lines = out(&run(&["position", "--csv", name, "--json"], ""));
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    // 100 + 20 + p − 1000 = 0.01·p + 19.
    assert_eq!(first["liquidation_price"].as_f64(), Some(899.0 / 0.99));
    assert_eq!(out(&run(&["position", "--csv", name], "")).lines().count(), 3);
    std::fs::write(&file, format!("{header}a,long,1,1000,,cross,100,0.01\na,long,x,200,190,cross,100,0.05\n")).unwrap();
    let output = run(&["position", "--csv", name], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("line 3: `quantity` of \"x\" is not a decimal number"), "{}", told(&output));
}

#[test]
fn presets_are_listed_and_printed() {
    let list = out(&run(&["preset"], ""));
    let (rule_books, populations) = list.split_once("Populations").expect("two lists");
    let names = |part: &str| -> Vec<String> {
        let entries = part.lines().skip(1).filter(|line| !line.is_empty());
        entries.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let (rule_books, populations) = (names(rule_books), names(populations));
    assert_eq!((rule_books.len(), populations.len()), (14, 3));
    for (names, table) in [(rule_books, "[venue]\n"), (populations, "[[traders]]\n")] {
        for name in names {
            assert!(out(&run(&["preset", &name], "")).contains(table), "{name}");
        }
    }
    let output = run(&["preset", "binanse"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("did you mean `binance`?"), "{}", told(&output));
}
