//! Worked examples of venues' own documents through the margin calculator, the presets and the ADL policies.
//!
//! The table of examples lies outside the repository. Rows are told apart by what they ask (kind and venue), so a longer
//! table is run as far as its rows are of known kinds; every other row has a reason in [`REASONS`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use flashcrash::fault::{Faults, Source};
use flashcrash::market::funding::{self, FundingRule};
use flashcrash::money::{Cash, Price, Qty};
use flashcrash::position::fraction::{Fraction, parse, show};
use flashcrash::position::{Answer, Ask, Fields, join_accounts};
use flashcrash::registry::{Node, Reading};
use flashcrash::venue::adl::{POLICIES, Policy, Round, Winner};

use crate::{conformance, conformance_ledger, conformance_waterfall};

/// Why rows of a kind (of a venue, where one is named) are not run here.
const REASONS: &[(&str, &str, &str)] = &[
    ("adl_quintile", "", "the display of five lights is not simulated"),
    ("deleverage", "dydx_v4", "final settlement of an account that cannot come into liquidation"),
    ("entry_price", "gmx_v2", "price impact on entry is not simulated"),
    ("funding", "", "funding of pools, and of auctions, is not simulated"),
    (
        "liq_fee",
        "drift",
        "of spot liabilities, which are not simulated, or growing with the time since an account was last active",
    ),
    ("liq_fee", "", "two rates on two notionals; fees here are rates of the notional at the mark"),
    ("mark_price", "", "marks are tested with the market"),
    ("oct10_totals", "", "totals of a paper's table, no mechanism"),
    ("partial_liq", "drift", "spot liabilities are not simulated"),
    ("price_impact", "gmx_v2", "price impact of a pool is not simulated"),
    ("twap", "", "time-weighted means of auctions are not simulated"),
];

pub struct Row {
    pub id: String,
    pub venue: String,
    pub kind: String,
    pub inputs: Json,
    pub expected: String,
    pub tolerance: String,
}

fn table() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/conformance/cases.csv"))
        .find(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "the table of conformance cases is missing");
        println!("skipped: no shared/conformance/cases.csv beside the repository");
    }
    found
}

fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let cell = |i: usize| record[i].to_owned();
            let inputs = serde_json::from_str(&record[3]).unwrap();
            Row { id: cell(0), venue: cell(1), kind: cell(2), inputs, expected: cell(4), tolerance: cell(5) }
        })
        .collect()
}

// ---------------------------------------------------------------------------------------------- asking

fn ask(question: &Json) -> Ask {
    let line = question.to_string();
    Fields::from_json(&line).and_then(|fields| fields.ask()).unwrap_or_else(|fault| panic!("{line}: {fault}"))
}

fn answer(question: &Json) -> Answer {
    ask(question).answer()
}

/// A number of the inputs under the first of several names.
fn first<'a>(inputs: &'a Json, names: &[&str]) -> Option<&'a Json> {
    names.iter().find_map(|name| inputs.get(*name))
}

/// The keys of a row under the names of the calculator.
fn question(row: &Row) -> Json {
    let inputs = &row.inputs;
    let mut question = json!({});
    let mut copy = |key: &str, names: &[&str]| {
        if let Some(value) = first(inputs, names) {
            question[key] = value.clone();
        }
    };
    copy("contract", &["contract"]);
    copy("side", &["side"]);
    copy("quantity", &["qty", "size", "contracts_usd"]);
    copy("entry_price", &["entry"]);
    copy("leverage", &["leverage"]);
    copy("maintenance_rate", &["mmr", "maint_rate"]);
    copy("deduction", &["cum", "mm_deduction", "deduction"]);
    copy("taker_fee", &["taker_fee"]);
    copy("tick", &["tick"]);
    copy("mark_price", &["mark"]);
    copy("other_maintenance", &["tmm_other"]);
    copy("other_unrealised", &["upnl_other"]);
    let cross = inputs.get("mode").and_then(Json::as_str).is_some_and(|mode| mode.starts_with("cross"));
    let margin = ["wallet_balance", "isolated_margin", "margin", "margin_btc", "equity", "position_margin"];
    if cross {
        question["margin_mode"] = json!("cross");
        question["wallet"] = inputs["wallet_balance"].clone();
    } else if let Some(collateral) = first(inputs, &margin) {
        question["collateral"] = collateral.clone();
    }
    if let Some(other) = inputs.get("other") {
        let long = json!({
            "side": "long", "quantity": other["qty"], "entry_price": other["entry"], "mark_price": other["mark"],
            "maintenance_rate": other["mmr"], "deduction": other["cum"], "collateral": 0
        });
        let other = answer(&long);
        question["other_maintenance"] = json!(show(&other.maintenance_margin));
        question["other_unrealised"] = json!(show(&other.unrealised_pnl));
    }
    if question.get("side").is_none() {
        question["side"] = json!("long");
    }
    if question.get("quantity").is_none() {
        question["quantity"] = json!(1);
    }
    if question.get("maintenance_rate").is_none() {
        question["maintenance_rate"] = json!(0);
    }
    // Bybit before September 2025, and what freqtrade made of it: maintenance of the entry value.
    if row.venue.starts_with("bybit") {
        question["maintenance_at"] = json!("entry");
    }
    question
}

fn policy(kind: &str, keys: &str) -> Policy {
    let source = Arc::new(Source { name: "row".into(), text: format!("kind = \"{kind}\"\n{keys}") });
    let node = Node::parse(&source, &mut Faults::default());
    let mut reading = Reading::new(source, Path::new("."));
    *POLICIES.choose(&node, &mut reading).unwrap()
}

/// Amounts of the tables are small decimals: in thousandths they are whole.
fn thousandths(value: &Json) -> i64 {
    (value.as_f64().unwrap() * 1_000.0).round() as i64
}

fn round(needed: i64, mark: i64) -> Round {
    Round {
        side: flashcrash::facts::Side::Short,
        mark: Price(mark),
        price: Price(mark),
        needed: Qty(needed),
        cash: Cash(needed * mark),
        accounts: 100,
        salt: 0,
    }
}

/// [account, qty, entry, collateral] as flox writes a winner.
fn flox_winner(cells: &Json, mark: &Json) -> Winner {
    let qty = cells[1].as_i64().unwrap();
    let at = |price: &Json| Cash(qty * thousandths(price));
    Winner {
        account: cells[0].as_u64().unwrap() as u32,
        qty: Qty(qty),
        cost: at(&cells[2]),
        collateral: Cash(thousandths(&cells[3])),
        value: at(mark),
        maintenance: Cash(0),
        opened: 0,
    }
}

// ---------------------------------------------------------------------------------------------- rows

fn near(row: &Row, found: &Fraction, expected: &str) {
    let number = |text: &str| parse(text).unwrap_or_else(|| panic!("{}: {text} is no number", row.id));
    let expected = number(expected);
    let tolerance = match row.tolerance.strip_prefix("rel:") {
        Some(share) => number(share) * if expected < number("0") { -expected.clone() } else { expected.clone() },
        None => number(&row.tolerance),
    };
    let difference = if *found > expected { found - &expected } else { &expected - found };
    assert!(
        difference <= tolerance,
        "{}: found {}, expected {} ± {}",
        row.id,
        show(found),
        show(&expected),
        row.tolerance
    );
}

fn expected(row: &Row) -> Json {
    serde_json::from_str(&row.expected).unwrap()
}

/// The price of a row, moved towards the entry by freqtrade's buffer where it has one.
fn liquidation_price(row: &Row) {
    let question = question(row);
    let price = answer(&question).liquidation_price.unwrap();
    let entry = parse(&row.inputs["entry"].to_string()).unwrap();
    let buffer =
        row.inputs.get("buffer").map_or_else(|| parse("0").unwrap(), |share| parse(&share.to_string()).unwrap());
    near(row, &(&price + buffer * (entry - &price)), &row.expected);
}

fn bankruptcy_price(row: &Row) {
    let mut question = question(row);
    if let Some(wallet) = row.inputs.get("wallet_balance") {
        question["margin_mode"] = json!("cross");
        question["wallet"] = wallet.clone();
        question["collateral"] = row.inputs["position_margin"].clone();
    }
    near(row, &answer(&question).bankruptcy_price.unwrap(), &row.expected);
}

/// dYdX states quote amounts: positive where the account receives them. Equity is shared by maintenance margin.
fn dydx_bankruptcy(row: &Row) {
    let inputs = &row.inputs;
    let number = |value: &Json| parse(&value.to_string()).unwrap();
    let nil = parse("0").unwrap();
    let answer = answer(&dydx_question(inputs, inputs["close"]["market"].as_str().unwrap()));
    // An amount of quote may be 0 or less; a price may not.
    let delta = number(&inputs["close"]["delta"]);
    if let Some(price) = answer.bankruptcy_price {
        near(row, &(-delta * price), &row.expected);
    } else {
        let stated = parse(&row.expected).unwrap() / -delta;
        assert!(stated <= nil, "{}: a price of {} was not found", row.id, show(&stated));
    }
}

/// A cross account of dYdX as the calculator takes it: entries at the prices, so that the wallet is the equity.
fn dydx_question(inputs: &Json, market: &str) -> Json {
    let number = |value: &Json| parse(&value.to_string()).unwrap();
    let nil = parse("0").unwrap();
    let rate = number(&inputs["mm"]);
    let (mut wallet, mut other) = (number(&inputs["usdc"]), nil.clone());
    for (name, qty) in inputs["positions"].as_object().unwrap() {
        let value = number(qty) * number(&inputs["prices"][name]);
        wallet += &value;
        if name != market {
            other += if value < nil { -(value * &rate) } else { value * &rate };
        }
    }
    let qty = number(&inputs["positions"][market]);
    let long = qty > nil;
    json!({
        "side": if long { "long" } else { "short" },
        "quantity": show(&if long { qty } else { -qty }),
        "entry_price": inputs["prices"][market], "maintenance_rate": inputs["mm"],
        "margin_mode": "cross", "wallet": show(&wallet), "other_maintenance": show(&other),
        "cross_bankruptcy": "proportional"
    })
}

fn dydx_fillable(row: &Row) {
    let inputs = &row.inputs;
    let mut question = dydx_question(inputs, inputs["market"].as_str().unwrap());
    question["execution"] = json!("fillable_price");
    question["spread_to_maintenance"] = inputs["spread_to_mm_ratio"].clone();
    question["bankruptcy_adjustment"] = inputs["bankruptcy_adjustment"].clone();
    near(row, &answer(&question).limit_price.unwrap().unwrap(), &row.expected);
}

/// The rate of a period, or of the interval that is paid, from the premium.
fn funding_rate(row: &Row) {
    let inputs = &row.inputs;
    let number = |names: &[&str]| first(inputs, names).map(|value| value.as_f64().unwrap());
    // Lighter's second row is in percent.
    let percent = inputs.get("premium_pct").is_some();
    let premium = number(&["premium", "premium_index", "premium_pct"])
        .unwrap_or_else(|| number(&["impact_bid"]).unwrap() / number(&["oracle"]).unwrap() - 1.0);
    let interest = number(&["interest", "interest_8h", "interest_pct"]).unwrap();
    let clamp = number(&["clamp", "small_clamp", "small_clamp_pct"]).unwrap();
    let per_period = row.expected.contains("funding_8h") || matches!(row.venue.as_str(), "binance" | "paradex");
    let unit = if percent { 0.01 } else { 1.0 };
    let text = format!(
        "interval = \"{}\"\ninterest = {}\nclamp = {}\ncap = {}",
        if per_period { "8 h" } else { "1 h" },
        interest * unit,
        clamp * unit,
        // A cap of one hour is a cap of eight times as much for the period.
        number(&["big_clamp"]).or(number(&["cap_hourly"]).map(|cap| 8.0 * cap)).unwrap_or(1.0),
    );
    let source = Arc::new(Source { name: "row".into(), text });
    let node = Node::parse(&source, &mut Faults::default());
    let mut reading = Reading::new(source, Path::new("."));
    let values = flashcrash::registry::read(&node, funding::KEYS, "funding", &mut reading).unwrap();
    let rate = FundingRule::of(&values).unwrap().rate(premium * unit) / unit;
    if let Some(places) = inputs.get("truncate_dp") {
        let scale = 10f64.powi(places.as_i64().unwrap() as i32);
        near(row, &parse(&((rate * scale).trunc() / scale).to_string()).unwrap(), &row.expected);
    } else if per_period && row.expected.starts_with('{') {
        near(row, &parse(&premium.to_string()).unwrap(), &expected(row)["premium"].to_string());
        near(row, &parse(&rate.to_string()).unwrap(), &expected(row)["funding_8h"].to_string());
    } else {
        near(row, &parse(&rate.to_string()).unwrap(), &row.expected);
    }
}

/// A question whose rate grows with the size.
fn sized(inputs: &Json, rate: &str, per_unit: &str) -> Json {
    json!({
        "side": "long", "quantity": inputs["size"], "entry_price": inputs["index"], "collateral": 1,
        rate: inputs["base_rate"], per_unit: inputs["slope_per_coin"]
    })
}

/// Initial margin that grows with open interest, and maintenance as a share of its rate.
fn dydx_margin(row: &Row) {
    let inputs = &row.inputs;
    let number = |key: &str| inputs.get(key).map(|value| parse(&value.to_string()).unwrap());
    let million = parse("1e6").unwrap();
    let ten = |exponent: &Json| parse(&format!("1e{exponent}")).unwrap();
    let rate = number("imf").unwrap_or_else(|| number("imf_ppm").unwrap() / &million);
    let mut question = json!({ "side": "long", "collateral": 1, "initial_rate": show(&rate), "maintenance_rate": 0 });
    for (key, name) in
        [("open_interest", "open_interest"), ("lower_cap", "open_interest_lower"), ("upper_cap", "open_interest_upper")]
    {
        if let Some(value) = inputs.get(key).filter(|value| value.is_number()) {
            question[name] = value.clone();
        }
    }
    if inputs.get("open_interest").is_some_and(Json::is_string) {
        // "above upper cap"
        for (name, value) in [("open_interest", 3), ("open_interest_lower", 1), ("open_interest_upper", 2)] {
            question[name] = json!(value);
        }
    }
    let fraction = number("mm_fraction").or_else(|| number("mm_fraction_ppm").map(|fraction| fraction / &million));
    if let Some(fraction) = fraction {
        question.as_object_mut().unwrap().remove("maintenance_rate");
        question["maintenance_fraction"] = json!(show(&fraction));
    }
    question["quantity"] = json!(1);
    question["entry_price"] = first(inputs, &["notional", "notional_quantums"]).cloned().unwrap_or(json!(1));
    match row.kind.as_str() {
        "maint_margin_rate" => near(row, &answer(&question).maintenance_margin, &row.expected),
        // Quantums are whole, and rounded up.
        "initial_margin" if inputs.get("notional_quantums").is_some() => {
            near(row, &answer(&question).initial_margin.unwrap().ceil(), &row.expected);
        }
        "initial_margin" => near(row, &answer(&question).initial_margin.unwrap(), &row.expected),
        _ => {
            // quantums·10^resolution units at price·10^exponent, in millionths of the quote currency.
            let units = number("quantums").unwrap() * ten(&inputs["atomic_resolution"]);
            question["quantity"] = json!(show(&units));
            question["entry_price"] = json!(show(&(number("price").unwrap() * ten(&inputs["exponent"]))));
            let (answer, expected) = (answer(&question), expected(row));
            near(row, &(answer.initial_margin.unwrap() * &million), &expected["imr"].to_string());
            near(row, &(answer.maintenance_margin * &million), &expected["mmr"].to_string());
        }
    }
}

/// The deduction of a tier of a preset, from its maintenance margin at the tier's floor.
fn deduction_of_preset(row: &Row) {
    let inputs = &row.inputs;
    let venue = match (row.venue.as_str(), inputs.get("symbol"), inputs.get("date")) {
        ("binance", None, _) | ("binance", _, Some(_)) => "binance-2020",
        (venue, ..) => venue,
    };
    let symbol = inputs.get("symbol").and_then(Json::as_str).unwrap_or("BTCUSDT");
    let ask = ask(&json!({
        "venue": venue, "symbol": symbol, "side": "long", "quantity": 1, "entry_price": inputs["floor"], "leverage": 1
    }));
    let answer = ask.answer();
    let rate = parse(&inputs["mmr"].to_string()).unwrap();
    assert_eq!(ask.tiers[answer.tier - 1].rate, rate, "{}", row.id);
    near(row, &(answer.notional * rate - answer.maintenance_margin), &row.expected);
}

fn adl_rank(row: &Row) {
    let inputs = &row.inputs;
    match row.venue.as_str() {
        "kucoin" => {
            let mut question = question(row);
            question["quantity"] = json!(1);
            question["collateral"] = json!(100);
            question["adl"] = json!("pnl_ratio");
            near(row, &answer(&question).adl_score.unwrap(), &row.expected);
        }
        _ if inputs.get("tie").is_some() => {
            let winners: Vec<Winner> = inputs["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|account| flox_winner(&json!([account, -10, 100, 100]), &json!(40)))
                .collect();
            let plan = policy("pnl_ratio", "over = \"equity\"").plan(&winners, &round(10, 40_000));
            let first = winners.iter().zip(plan).find(|(_, lots)| lots.0 > 0).unwrap().0.account;
            assert_eq!(first.to_string(), row.expected, "{}", row.id);
        }
        _ => {
            // flox divides by the collateral and calls it equity.
            let policy = policy("pnl_ratio", "over = \"collateral\"");
            let Policy::Ranking(ranking) = &policy else { panic!() };
            let winners: Vec<Winner> = inputs["winners"]
                .as_array()
                .unwrap()
                .iter()
                .map(|winner| flox_winner(winner, &inputs["mark"]))
                .collect();
            let expected = expected(row);
            for winner in &winners {
                let score = ranking.score(winner, &round(1, 40_000));
                let stated = expected["scores"][winner.account.to_string()].as_f64().unwrap();
                assert_eq!(score, (stated * 1e9) as i128, "{}", row.id);
            }
            // As many lots as those closed hold: the others are not touched.
            let closed: Vec<u64> =
                expected["closed"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
            let is_closed = |winner: &Winner| closed.contains(&u64::from(winner.account));
            let needed: i64 = winners.iter().filter(|winner| is_closed(winner)).map(|winner| winner.qty.0.abs()).sum();
            for (winner, lots) in winners.iter().zip(policy.plan(&winners, &round(needed, 40_000))) {
                assert_eq!(lots.0 > 0, is_closed(winner), "{}", row.id);
            }
        }
    }
}

/// A queue over endowments: as many lots as thousandths of profit, in the stated order.
fn queue(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let order: Vec<u64> = inputs["order"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    let profits = inputs["pnl"].as_array().unwrap();
    let winners: Vec<Winner> = (1u32..)
        .zip(profits)
        .filter(|(_, profit)| thousandths(profit) > 0)
        .map(|(account, profit)| Winner {
            account,
            qty: Qty(-thousandths(profit)),
            cost: Cash(-2 * thousandths(profit)),
            collateral: Cash(0),
            value: Cash(-thousandths(profit)),
            maintenance: Cash(0),
            opened: order.iter().position(|id| *id == u64::from(account)).unwrap() as u32,
        })
        .collect();
    let budget = first(inputs, &["haircut_budget", "budget"]).unwrap();
    let plan = policy("fifo", "").plan(&winners, &round(thousandths(budget), 1));
    for (winner, lots) in winners.iter().zip(plan) {
        let i = winner.account as usize - 1;
        let share = first(&expected, &["haircut", "h"]).unwrap()[i].as_f64().unwrap();
        assert_eq!(lots.0 as f64, share * winner.qty.0.abs() as f64, "{}", row.id);
    }
}

/// Both positions of a cross account at a preset's rates.
fn paradex_account(row: &Row) {
    let inputs = &row.inputs;
    let nested = inputs.get("btc").is_some();
    let cell = |asset: &str, key: &str| {
        if nested { inputs[asset][key].clone() } else { inputs[format!("{asset}_{key}")].clone() }
    };
    let mut asks = ["btc", "eth"].map(|asset| {
        let qty = cell(asset, "qty").as_f64().unwrap();
        let entry = if nested { cell(asset, "entry") } else { cell(asset, "mark") };
        ask(&json!({
            "venue": "paradex", "account": "a", "margin_mode": "cross", "wallet": inputs.get("usdc").unwrap_or(&json!(0)),
            "side": if qty > 0.0 { "long" } else { "short" }, "quantity": qty.abs(), "symbol": asset,
            "entry_price": entry, "mark_price": cell(asset, "mark")
        }))
    });
    join_accounts(&mut asks);
    let answers = asks.each_ref().map(Ask::answer);
    if nested {
        let expected = expected(row);
        let profit: Fraction = &answers[0].unrealised_pnl + &answers[1].unrealised_pnl;
        near(row, &profit, &expected["upnl"].to_string());
        near(row, &answers[0].equity, &expected["account_value"].to_string());
    } else {
        near(row, &(&answers[0].maintenance_margin + &asks[0].other_maintenance), &row.expected);
    }
}

/// Runs a row; `false` where its kind is none of these.
fn run(row: &Row) -> bool {
    let inputs = &row.inputs;
    match (row.kind.as_str(), row.venue.as_str()) {
        ("liq_price", "bitmex") => return false,
        ("liq_price", _) => liquidation_price(row),
        ("bankruptcy_price", "dydx_v4") => dydx_bankruptcy(row),
        ("bankruptcy_price", _) => bankruptcy_price(row),
        ("maint_amount", _) => deduction_of_preset(row),
        ("maint_margin", "bybit") => {
            let answer = answer(&{
                let mut question = question(row);
                question["leverage"] = inputs.get("leverage").cloned().unwrap_or(json!(10));
                question
            });
            if let Ok(Json::Object(expected)) = serde_json::from_str(&row.expected) {
                near(row, &answer.notional, &expected["position_value_btc"].to_string());
                near(row, &answer.initial_margin.unwrap(), &expected["im_btc"].to_string());
                near(row, &answer.maintenance_margin, &expected["mm_btc"].to_string());
            } else {
                near(row, &answer.maintenance_margin, &row.expected);
            }
        }
        ("maint_margin", "deribit") if inputs["symbol"] == "BTC_USDC" => {
            let question = json!({
                "venue": "deribit", "symbol": "BTC_USDC", "side": "long", "quantity": inputs["size"],
                "entry_price": inputs["index"], "leverage": 10
            });
            near(row, &answer(&question).maintenance_margin, &row.expected);
        }
        ("maint_margin" | "account", "paradex") => paradex_account(row),
        ("maint_margin_rate", "flox") => {
            let ask = ask(&json!({
                "tiers": inputs["tiers"], "side": "long", "quantity": 1, "entry_price": inputs["notional"], "leverage": 1
            }));
            near(row, &ask.tiers[ask.answer().tier - 1].rate, &row.expected);
        }
        ("maint_margin_rate", "hyperliquid") => {
            let half = parse("0.5").unwrap() / parse(&inputs["max_leverage"].to_string()).unwrap();
            near(row, &half, &row.expected);
            // The preset's tiers follow the same rule.
            for symbol in ["BTC", "ETH", "SOL", "XRP", "DOGE", "OP"] {
                let ask = ask(&json!({
                    "venue": "hyperliquid", "symbol": symbol, "side": "long", "quantity": 1, "entry_price": 1, "leverage": 1
                }));
                for tier in &ask.tiers {
                    let rate = parse("0.5").unwrap() / tier.max_leverage.as_ref().unwrap();
                    // A third of 10 % is written with seven decimals.
                    let difference = show(&((rate - &tier.rate) * parse("1e9").unwrap()));
                    assert!(difference == "0" || difference.starts_with("0.3333"), "{symbol}: {difference}");
                }
            }
        }
        ("initial_margin", "bitmex") => {
            let question = json!({
                "maintenance_rate": 0, "side": "long", "quantity": 1, "entry_price": inputs["pos_cost"], "leverage": inputs["leverage"]
            });
            near(row, &answer(&question).initial_margin.unwrap(), &row.expected);
        }
        ("roe", _) => {
            let (cost, profit) = (inputs["pos_cost"].as_i64().unwrap(), inputs["unrealised_pnl_sat"].as_i64().unwrap());
            let winner = Winner {
                account: 0,
                qty: Qty(1),
                cost: Cash(cost),
                collateral: Cash(inputs["pos_init"].as_i64().unwrap()),
                value: Cash(cost + profit),
                maintenance: Cash(0),
                opened: 0,
            };
            let expected = expected(row);
            for (over, key) in [("cost", "pnl_pct"), ("collateral", "roe_pct")] {
                let Policy::Ranking(ranking) = policy("pnl_ratio", &format!("over = \"{over}\"")) else { panic!() };
                let score = ranking.score(&winner, &round(1, cost)).to_string();
                near(row, &(parse(&score).unwrap() / parse("1e9").unwrap()), &expected[key].to_string());
            }
        }
        ("liq_trigger", _) => {
            let leverage = parse(&inputs["leverage"].to_string()).unwrap();
            let rate = parse(&inputs["mm_fraction_of_im"].to_string()).unwrap() / leverage;
            let answer = answer(&json!({
                "maintenance_rate": show(&rate), "maintenance_at": "entry", "side": inputs["side"], "quantity": 1, "tick": 1,
                "entry_price": inputs["entry"], "leverage": inputs["leverage"]
            }));
            let expected = expected(row);
            near(row, &answer.liquidation_tick.unwrap(), &expected["liquidates_at"].to_string());
        }
        ("fillable_price", "dydx_v4") => dydx_fillable(row),
        ("funding", "binance" | "hyperliquid" | "lighter") => funding_rate(row),
        ("funding", "paradex") if inputs.get("premium").is_some() => funding_rate(row),
        ("maint_margin", "deribit") => {
            let answer = answer(&sized(inputs, "maintenance_rate", "rate_per_unit"));
            near(row, &answer.maintenance_margin, &row.expected);
        }
        ("initial_margin", "deribit") => {
            let mut question = sized(inputs, "initial_rate", "initial_rate_per_unit");
            question["maintenance_rate"] = json!(0);
            near(row, &answer(&question).initial_margin.unwrap(), &row.expected);
        }
        ("initial_margin" | "maint_margin_rate" | "margin_ints", "dydx_v4") => dydx_margin(row),
        ("liquidation", _) => {
            let mut question = question(row);
            question["maintenance_rate"] = inputs["mmr"].clone();
            question["collateral"] = inputs["equity"].clone();
            let answer = answer(&question);
            let liquidated = answer.equity < answer.maintenance_margin;
            assert_eq!(Json::from(liquidated), expected(row)["liquidated"], "{}", row.id);
            // The price says the same.
            let mark = parse(&inputs["mark"].to_string()).unwrap();
            assert_eq!(answer.liquidation_price.is_some_and(|price| mark < price), liquidated, "{}", row.id);
        }
        ("position_margin", _) => {
            // Initial margin and the fee of closing at the bankruptcy price.
            let answer = answer(&json!({
                "maintenance_rate": 0, "side": "long", "quantity": 1, "entry_price": inputs["open_value"], "leverage": inputs["leverage"]
            }));
            let fee = answer.bankruptcy_price.unwrap() * parse(&inputs["taker"].to_string()).unwrap();
            near(row, &(answer.initial_margin.unwrap() + fee), &row.expected);
        }
        ("adl_rank", "flox" | "kucoin") => adl_rank(row),
        ("adl_allocation", _) if inputs["policy"] == "queue" => queue(row),
        _ => return false,
    }
    true
}

#[test]
fn worked_examples_of_venues_hold() {
    let Some(path) = table() else { return };
    let rows = rows(&path);
    let (mut count, mut unknown) = (0, Vec::new());
    let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in &rows {
        let reason =
            REASONS.iter().find(|(kind, venue, _)| row.kind == *kind && (venue.is_empty() || row.venue == *venue));
        if run(row) || conformance_ledger::run(row) || conformance_waterfall::run(row) || conformance::is_run(&row.kind)
        {
            count += 1;
        } else if let Some((_, _, reason)) = reason {
            left.entry(*reason).or_default().push(&row.id);
        } else {
            unknown.push(format!("{} ({}, {})", row.id, row.kind, row.venue));
        }
    }
    for (reason, ids) in &left {
        println!("| {} | {} | {reason} |", ids.len(), ids.join(", "));
    }
    assert!(unknown.is_empty(), "neither run nor given a reason: {unknown:?}");
    println!("{count} of {} rows run", rows.len());
    // The table that the document speaks of.
    if rows.len() == 239 {
        let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md"));
        assert!(document.unwrap().contains(&format!("{count} of 239 rows")), "docs/validation.md: {count} of 239 rows");
    }
}
