//! `flashcrash position` and `flashcrash preset` as a user runs them.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use flashcrash::position::Fields;
use proptest::prelude::*;

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
    assert!(lines[1].starts_with(r#"{"error": "`side` cannot be \"up\": write \"long\" or \"short\""#), "{}", lines[1]);
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
    let told = told(&output);
    assert!(
        told.contains("`quantity` of \"x\" is not a decimal number") && told.contains("positions.csv:3:1"),
        "{told}"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let line = r#"{"side":"up","entry":"x","quantity":"y","leverage":-3,"tiers":7,"tick":0}"#;
    let output = run(&["position", "--batch"], line);
    let answer: serde_json::Value = serde_json::from_str(out(&output).trim()).unwrap();
    let known = answer["error"].as_str().unwrap();
    let (start, end) = (known.find(": known are").unwrap(), known.find("; `tiers`").unwrap());
    assert_eq!(
        format!("{}{}", &known[..start], &known[end..]),
        "unknown key `entry`; `tiers` must be a list; `side` cannot be \"up\": write \"long\" or \"short\"; \
         `quantity` of \"y\" is not a decimal number; `entry_price` is missing; `leverage` of -3 must be above 0; \
         `tick` of 0 must be above 0"
    );
    let output = run(&["position", "--side", "up", "--quantity", "y", "--tick", "0"], "");
    let told_faults = told(&output).matches("error: ").count();
    assert_eq!(told_faults, 6, "{}", told(&output));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("positions.csv");
    let rows = "long,x,0,3\nlong,1,100,3\nshort,1\nnone,1,100,3\n";
    std::fs::write(&file, format!("side,quantity,entry_price,leverage\n{rows}")).unwrap();
    let output = run(&["position", "--csv", file.to_str().unwrap(), "--maintenance-rate", "0.01"], "");
    let places: Vec<&str> = ["2:1", "2:1", "4:1", "5:1"].into();
    let told = told(&output);
    let found: Vec<&str> = told.lines().filter_map(|line| line.split("positions.csv:").nth(1)).collect();
    assert_eq!(found, places, "{told}");
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

/// One answer for a line, as the batch gives it.
fn answered(line: &str) -> serde_json::Value {
    let text = Fields::from_json(line).and_then(|fields| fields.ask()).map_or_else(
        |wrong| serde_json::json!({ "error": wrong.to_string() }).to_string(),
        |ask| ask.answer().json(ask.id.as_ref()),
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error} in {text}"))
}

#[test]
fn odd_inputs_are_told_in_one_line_each() {
    let with = |more: &str| format!("{SOUND},{more}}}");
    let without = |key: &str| format!("{SOUND}}}").replace(&format!("\"{key}\""), "\"symbol\"");
    let cases = [
        (with("\"colateral\":1"), "unknown key `colateral`: did you mean `collateral`?"),
        (with("\"maintainance_rate\":1"), "did you mean `maintenance_rate`?"),
        (with("\"collateral\":11"), "`collateral` stands twice"),
        (with("\"taker_fee\":\"NaN\""), "`taker_fee` of \"NaN\" is not a decimal number"),
        (with("\"tick\":\"inf\""), "`tick` of \"inf\" is not a decimal number"),
        (with("\"tick\":0"), "`tick` of 0 must be above 0"),
        (with("\"tick\":1e999999999999"), "is not a decimal number"),
        (with("\"wallet\":[1]"), "`wallet` cannot be a list"),
        (with("\"wallet\":{}"), "`wallet` cannot be an object"),
        (with("\"wallet\":true"), "`wallet` cannot be true or false"),
        (with("\"mark_price\":-5"), "`mark_price` of -5 must be above 0"),
        (with("\"deduction\":-5"), "`deduction` of -5 must be 0 or more"),
        (with("\"taker_fee\":1"), "`taker_fee` of 1 must be from 0 to below 1"),
        (with("\"taker_fee\":0.99"), "maintenance rate and `taker_fee` together must be below 1"),
        (with("\"margin_mode\":\"hedged\""), "write \"isolated\" or \"cross\""),
        (with("\"venue\":\"binanse\""), "did you mean `binance`?"),
        (with("\"venue\":\"bitmex\",\"contract\":\"linear\""), "leave `contract` out"),
        (with("\"adl\":\"profit_leverag\""), "did you mean `profit_leverage`?"),
        (with("\"tiers\":[]"), "exclude each other"),
        (with("\"reserve_rate\":0.1,\"fee_reserve\":1"), "exclude each other"),
        (without("side"), "`side` is missing"),
        (without("quantity"), "`quantity` is missing"),
        (without("entry_price"), "`entry_price` is missing"),
        (without("collateral"), "`collateral` or `leverage` is missing"),
        (without("maintenance_rate"), "`venue`, `tiers` or `maintenance_rate` is missing"),
        (without("collateral").replace('}', ",\"margin_mode\":\"cross\"}"), "`wallet` is missing"),
        ("{}".to_owned(), "is missing"),
        ("null".to_owned(), "not a JSON object"),
        ("{\"side\":NaN}".to_owned(), "not a JSON object"),
        (format!("{}1{}", "[".repeat(500), "]".repeat(500)), "not a JSON object"),
        (SOUND.to_owned(), "not a JSON object"),
    ];
    for (line, told) in cases {
        let answer = answered(&line);
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{line} is sound: {answer}"));
        assert!(error.contains(told) && !error.contains('\n'), "{line}: {error}");
    }
}

#[test]
fn numbers_and_texts_say_the_same_and_null_is_absent() {
    let plain = answered(&format!("{SOUND},\"tick\":0.5,\"taker_fee\":0.0005}}"));
    let texts = r#"{"maintenance_rate":"0.01","side":"LONG","quantity":"1.000","entry_price":"1e2","collateral":"+10","tick":".5","taker_fee":"5E-4","wallet":null,"venue":null}"#;
    assert_eq!(plain, answered(texts));
    // 10 + p − 100 = 0.0105·p
    assert_eq!(plain["liquidation_price"].as_f64(), Some(90.0 / 0.9895));
}

/// What Binance, OKX and Hyperliquid publish, with every key beside the position: 10.72 + 0.47 − 1.3 in a cross account.
#[test]
fn keys_of_a_cross_account_and_of_fees_enter_the_published_formulas() {
    let cross = r#"{"contract":"linear","maintenance_rate":"0.004","deduction":0,"side":"short","quantity":0.005,"entry_price":9451.53,"margin_mode":"cross","wallet":10.72,"other_maintenance":1.3,"other_unrealised":0.47}"#;
    let expected = (10.72 - 1.3 + 0.47 + 0.005 * 9451.53) / (0.005 * 1.004);
    let found = answered(cross)["liquidation_price"].as_f64().unwrap();
    assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    // Isolated, neither counts.
    let isolated = answered(&cross.replace("\"margin_mode\":\"cross\",", "\"collateral\":10,"));
    assert_eq!(isolated["equity"], 10);
    // OKX: (E − W/q) ÷ (1 − (rate + fee)).
    let okx = r#"{"contract":"linear","maintenance_rate":0.004,"taker_fee":0.0005,"side":"long","quantity":2,"entry_price":30000,"leverage":10}"#;
    let found = answered(okx)["liquidation_price"].as_f64().unwrap();
    assert!((found / (27_000.0 / (1.0 - 0.0045)) - 1.0).abs() < 1e-12, "{found}");
}

#[test]
fn every_preset_answers_every_question() {
    for preset in flashcrash::venue::presets::PRESETS {
        for side in ["long", "short"] {
            for margin in ["\"leverage\":5", "\"margin_mode\":\"cross\",\"wallet\":100000", "\"collateral\":1000"] {
                let line = format!(
                    r#"{{"venue":"{}","symbol":"BTC","side":"{side}","quantity":"3","entry_price":50000,"mark_price":49000,"tick":0.5,{margin}}}"#,
                    preset.name
                );
                let answer = answered(&line);
                let keys = [
                    "notional",
                    "tier",
                    "initial_margin",
                    "maintenance_margin",
                    "unrealised_pnl",
                    "equity",
                    "margin_ratio",
                    "liquidation_price",
                    "bankruptcy_price",
                    "liquidation_tick",
                    "bankruptcy_tick",
                    "effective_leverage",
                    "adl_score",
                ];
                for key in keys {
                    assert!(answer.get(key).is_some(), "{line}: {key} in {answer}");
                }
                assert!(answer["notional"].as_f64().is_some_and(|notional| notional > 0.0), "{line}: {answer}");
            }
        }
    }
}

fn scraps() -> impl Strategy<Value = String> {
    let keys = flashcrash::position::written::KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    let values = vec![
        "1",
        "0",
        "-1",
        "0.1",
        "1e400",
        "1e-400",
        "\"1e308\"",
        "\"\"",
        "\"long\"",
        "\"short\"",
        "\"cross\"",
        "\"inverse\"",
        "\"binance\"",
        "\"BTC\"",
        "\"0.4 %\"",
        "null",
        "true",
        "[[0,0.01],[10,\"0.5\",2]]",
        "{}",
        "\"\\u0000\"",
        "99999999999999999999999999",
        "\"zero_price\"",
        "\"fillable_price\"",
        "\"proportional\"",
        "\"entry\"",
    ];
    let pair = (prop::sample::select(keys), prop::sample::select(values));
    prop::collection::vec(pair, 0..14).prop_map(|pairs| {
        let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!(
            "{{\"side\":\"long\",\"quantity\":2,\"entry_price\":3,\"maintenance_rate\":0.1,\"leverage\":2,{}}}",
            pairs.join(",")
        )
        .replace(",}", "}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever stands in a line, it is answered by one JSON object.
    #[test]
    fn no_line_panics(line in prop_oneof![scraps(), any::<String>()]) {
        prop_assert!(answered(&line).is_object());
        // Without what the scraps bring twice.
        let bare = line.replacen("\"side\":\"long\",\"quantity\":2,\"entry_price\":3,\"maintenance_rate\":0.1,\"leverage\":2,", "", 1);
        prop_assert!(answered(&bare).is_object());
    }
}
