//! Whole waterfalls from documents, as scenarios of a few accounts, read off `flashcrash trace --json`; figures by hand.

use serde_json::Value as Json;

use crate::lab;

/// Every line of the trace of path 0.
fn trace(name: &str) -> Vec<Json> {
    let file = format!("scenarios/lab/{name}.toml");
    let output = lab::flashcrash(&["trace", &file, "--path", "0", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The fields of every fact of a kind, in order. Accounts are numbers, from 0 in the order of the file.
fn told(lines: &[Json], fact: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of_kind = lines.iter().filter(|line| line["fact"] == fact);
    of_kind.map(|line| fields.iter().map(|field| text(&line[*field])).collect()).collect()
}

/// What a party has in the end.
fn cash(lines: &[Json], party: &str) -> f64 {
    let amount = |line: &Json| line["amount"].as_str().unwrap().parse::<f64>().unwrap();
    let posted = lines.iter().filter(|line| line["fact"] == "posted");
    posted.fold(0.0, |sum, line| {
        sum + if line["to"] == party { amount(line) } else { 0.0 }
            - if line["from"] == party { amount(line) } else { 0.0 }
    })
}

/// Equity 2,180 − 10·200 = 180 under a maintenance of 900: 720 ÷ 90 a lot = 8 lots. Bankrupt at 1,800 − 18 = 1,782. Five
/// lots are bought at 1,800, three by Bob at 1,782, who makes 3·218 = 654. Fee 0.1 % of 8·1,800 = 14.40.
#[test]
fn dango_restores_the_margin_with_book_and_adl() {
    let lines = trace("dango-restore");
    assert_eq!(told(&lines, "order_opened", &["account", "qty", "bankruptcy"]), [["0", "8", "1782"]]);
    assert_eq!(told(&lines, "deleveraged", &["account", "qty", "price", "haircut"]), [["1", "3", "1782", "-54"]]);
    assert!((cash(&lines, "trader:0") - 511.6).abs() < 1e-9);
    assert!((cash(&lines, "trader:1") - 10_654.0).abs() < 1e-9);
    assert!((cash(&lines, "fund") - 1_014.4).abs() < 1e-9);
}

/// At 48,600 equity is 20,000 − 14,000 = 6,000 under 1.25 % of 486,000 = 6,075: 2 of 10 BTC are sold. At 48,400, ten
/// seconds later, 4,400 stands against 4,840 for the other 8, bankrupt at 50,000 − 17,200/8, which are sold at once. No fee;
/// 4,400 are left.
#[test]
fn hyperliquid_sends_a_fifth_and_then_within_thirty_seconds_all() {
    let lines = trace("hyperliquid-cooldown");
    let orders = told(&lines, "order_opened", &["time_s", "account", "qty", "bankruptcy", "mark"]);
    assert_eq!(orders, [["10", "0", "2", "48000", "48600"], ["20", "0", "8", "47850", "48400"]]);
    assert_eq!(told(&lines, "order_closed", &["to_book", "to_adl"]), [["97200", "0"], ["387200", "0"]]);
    assert!((cash(&lines, "trader:0") - 4_400.0).abs() < 1e-9);
    assert!(cash(&lines, "fund").abs() < 1e-9);
}

/// At 660 the longs gain 32 % each and rank by leverage alone: 2, 5, 4, 1, 6, 3. Of 20 lots at 650 account 2 gives its 10
/// and account 5 half of its 20, each 10·10 below the mark.
#[test]
fn bitmex_closes_the_first_account_whole_and_the_second_by_half() {
    let lines = trace("bitmex-adl");
    assert_eq!(told(&lines, "order_opened", &["account", "qty", "bankruptcy"]), [["6", "-20", "650"]]);
    let winners = told(&lines, "deleveraged", &["account", "qty", "price", "haircut", "unrealised"]);
    assert_eq!(winners, [["1", "10", "650", "100", "1600"], ["4", "10", "650", "100", "3200"]]);
    // 500 and 10·150 of profit; 1,200 and as much.
    assert!((cash(&lines, "trader:1") - 2_000.0).abs() < 1e-9);
    assert!((cash(&lines, "trader:4") - 2_700.0).abs() < 1e-9);
    assert!(cash(&lines, "trader:6").abs() < 1e-9);
}
