//! Worked examples from venues' own documents and public test suites, as far as this version's rules reach:
//! linear contracts, isolated margin, full closes, insurance fund, ADL at the bankruptcy price.
//!
//! The rows lie outside of this project, in `shared/conformance/cases.csv` beside one of the folders above it; without
//! them the test says so and passes, except on CI. `docs/validation.md` lists what is run and what is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use flashcrash::facts::{Fact, Party, Via};
use flashcrash::money::{Cash, Multiplier, Price, Qty, Ratio};
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use flashcrash::venue::margin::{Tier, Tiers, bankruptcy};
use flashcrash::venue::rules::Trigger;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use crate::lab::{self, Cashbook};

/// One row of the file.
struct Case {
    id: String,
    venue: String,
    kind: String,
    inputs: Value,
    expected: String,
    tolerance: String,
}

/// The file, in `shared/` beside one of the folders above the project.
fn file() -> Option<PathBuf> {
    lab::root().ancestors().map(|folder| folder.join("shared/conformance/cases.csv")).find(|path| path.is_file())
}

fn cases(path: &PathBuf) -> Vec<Case> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let columns = reader.headers().unwrap().clone();
    let cell =
        |row: &csv::StringRecord, name: &str| row[columns.iter().position(|column| column == name).unwrap()].to_owned();
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            Case {
                id: cell(&row, "id"),
                venue: cell(&row, "venue"),
                kind: cell(&row, "kind"),
                inputs: serde_json::from_str(&cell(&row, "inputs")).unwrap(),
                expected: cell(&row, "expected"),
                tolerance: cell(&row, "tolerance"),
            }
        })
        .collect()
}

fn decimal(text: &str) -> Decimal {
    text.parse().or_else(|_| Decimal::from_scientific(text)).unwrap_or_else(|_| panic!("{text} is no number"))
}

impl Case {
    fn maybe(&self, key: &str) -> Option<Decimal> {
        self.inputs.get(key).filter(|value| value.is_number()).map(|value| decimal(&value.to_string()))
    }

    fn number(&self, key: &str) -> Decimal {
        self.maybe(key).unwrap_or_else(|| panic!("{} has no number `{key}`", self.id))
    }

    fn text(&self, key: &str) -> &str {
        self.inputs.get(key).and_then(Value::as_str).unwrap_or("")
    }

    fn allowed(&self, expected: Decimal) -> Decimal {
        match self.tolerance.strip_prefix("rel:") {
            Some(share) => decimal(share) * expected.abs(),
            None => decimal(&self.tolerance),
        }
    }

    /// Compares a number, `grain` being how fine it could be at all.
    fn assert_close(&self, what: &str, found: Decimal, grain: Decimal) {
        let expected = decimal(&self.expected);
        let off = (found - expected).abs();
        let allowed = self.allowed(expected) + grain;
        assert!(off <= allowed, "{}: {what} is {found}, not {expected}: {off} off, {allowed} allowed", self.id);
    }
}

// ---------------------------------------------------------------------------------------------- scope

/// Whether rows of a kind are run here and nowhere else.
pub fn is_run(kind: &str) -> bool {
    kind == "waterfall"
}

/// How a row is run.
#[derive(Clone, Copy)]
enum Rule {
    LiquidationAtMark(Trigger),
    LiquidationAtEntry,
    Bankruptcy,
    Deduction,
    Maintenance,
    MaintenanceRate,
    Waterfall,
}

/// What this version's rules reach, or why they do not.
fn scope(case: &Case) -> Result<Rule, &'static str> {
    let venue = case.venue.split('(').next().unwrap_or_default();
    let cross = case.text("mode").starts_with("cross");
    // The wallet backs the position too, beside the margin posted on it.
    let backed_by_wallet = case.maybe("position_margin").is_some() && case.maybe("wallet_balance").is_some();
    match (venue, case.kind.as_str()) {
        (_, "funding" | "funding_cap" | "funding_index" | "funding_settle") => Err("funding"),
        (_, _) if case.text("contract") == "inverse" => Err("inverse contracts"),
        ("binance" | "bybit" | "hyperliquid", _) if cross || backed_by_wallet => Err("cross margin"),
        ("binance", "liq_price") => Ok(Rule::LiquidationAtMark(Trigger::AtOrBelow)),
        ("hyperliquid", "liq_price") => Ok(Rule::LiquidationAtMark(Trigger::Below)),
        ("bybit", "liq_price") => Ok(Rule::LiquidationAtEntry),
        ("bybit", "bankruptcy_price") => Ok(Rule::Bankruptcy),
        ("binance" | "bybit", "maint_amount") => Ok(Rule::Deduction),
        ("bybit", "maint_margin") => Ok(Rule::Maintenance),
        ("hyperliquid", "maint_margin_rate") => Ok(Rule::MaintenanceRate),
        // Of two positions, and of one whose cash is below 0: in `conformance_ledger.rs`.
        ("dango", "waterfall") if case.inputs["alice"].get("qty").is_none() => Err("cross margin"),
        ("dango", "waterfall") if case.inputs.get("bob").is_none() => Err("negative cash"),
        ("dango", "waterfall") => Ok(Rule::Waterfall),
        ("binance" | "bybit" | "hyperliquid", _) => Err("marks, fund pools and their triggers"),
        _ => Err("other venues"),
    }
}

#[test]
fn documented_examples_come_out_as_documented() {
    let Some(path) = file() else {
        assert!(!lab::on_ci(), "shared/conformance/cases.csv is missing");
        println!("skipped: no shared/conformance/cases.csv above {}", lab::root().display());
        return;
    };
    let cases = cases(&path);
    let (mut ran, mut left) = (BTreeMap::<String, Vec<&str>>::new(), BTreeMap::<&str, u32>::new());
    for case in &cases {
        match scope(case) {
            Ok(rule) => {
                check(case, rule);
                ran.entry(format!("{} {}", case.venue, case.kind)).or_default().push(&case.id);
            }
            Err(reason) => *left.entry(reason).or_default() += 1,
        }
    }
    let (reproduced, out) = (ran.values().map(Vec::len).sum::<usize>(), left.values().sum::<u32>());
    println!("conformance: {reproduced} rows reproduced of {reproduced} in scope, {} in the file", cases.len());
    let document = fs::read_to_string(lab::root().join("docs/validation.md")).unwrap();
    for (what, ids) in &ran {
        println!("  {:3} {what}: {}", ids.len(), ids.join(" "));
        for id in ids {
            assert!(document.contains(&format!("`{id}`")), "docs/validation.md does not list {id}");
        }
    }
    println!("not in scope: {out}");
    for (reason, count) in &left {
        println!("  {count:3} {reason}");
    }
    // Fewer would mean that rows silently left the scope.
    assert!(reproduced >= 66, "{reproduced} rows in scope");
}

fn check(case: &Case, rule: Rule) {
    match rule {
        Rule::LiquidationAtMark(trigger) => liquidation_at_mark(case, trigger),
        Rule::LiquidationAtEntry => liquidation_at_entry(case),
        Rule::Bankruptcy => {
            let position = Position::of(case);
            let (tick, _) = bankruptcy(ONE, position.lots, position.cost, position.collateral);
            case.assert_close("bankruptcy price", position.price(tick), position.tick);
        }
        Rule::Deduction => deduction(case),
        Rule::Maintenance => {
            let position = Position::of(case);
            let tiers = schedule(ratio(case.number("mmr")), position.units(case.number("deduction")));
            let maintenance = position.amount(tiers.maintenance(position.cost.abs()));
            case.assert_close("maintenance margin", maintenance, position.unit);
        }
        Rule::MaintenanceRate => {
            // Half of the initial margin at the greatest leverage, as a rate of this program's tiers.
            let tiers = schedule(half_of_initial(case.number("max_leverage")), 0);
            let notional = Cash(1_000_000_000);
            let rate = Decimal::from(tiers.maintenance(notional).0) / Decimal::from(notional.0);
            case.assert_close("maintenance rate", rate, Decimal::new(1, 9));
        }
        Rule::Waterfall => waterfall(case),
    }
}

// ---------------------------------------------------------------------------------------------- positions

const ONE: Multiplier = Multiplier::Linear(1);

/// A position in whole lots, ticks and units so fine that rounding to them stays below the tolerance.
struct Position {
    lots: Qty,
    cost: Cash,
    collateral: Cash,
    tick: Decimal,
    unit: Decimal,
}

fn whole(value: Decimal) -> i64 {
    value.round().to_i64().unwrap_or_else(|| panic!("{value} leaves 64 bits"))
}

impl Position {
    fn of(case: &Case) -> Self {
        let entry = case.number("entry");
        let qty = case.maybe("qty").or_else(|| case.maybe("size")).unwrap_or(Decimal::ONE);
        let short = match case.text("side") {
            "short" => true,
            "long" | "" => false,
            other => panic!("{}: side {other}", case.id),
        };
        let posted = ["wallet_balance", "isolated_margin"].iter().find_map(|key| case.maybe(key));
        let collateral = posted.or_else(|| Some(qty * entry / case.maybe("leverage")?)).unwrap_or(Decimal::ZERO);
        let lot = Decimal::new(1, qty.normalize().scale());
        let lots = whole(qty / lot);
        // Ticks as fine as 10¹¹ of them to the entry, and 10¹⁷ units to the position.
        let (mut places, limit) = (0, Decimal::from(100_000_000_000i64));
        let fits = |places: u32| {
            let ticks = entry * Decimal::from(10i64.pow(places));
            ticks <= limit && ticks * Decimal::from(lots) <= limit * Decimal::from(1_000_000)
        };
        while places < 12 && fits(places + 1) {
            places += 1;
        }
        let tick = Decimal::new(1, places);
        assert!((entry / tick).is_integer(), "{}: entry {entry} is finer than {tick}", case.id);
        let unit = tick * lot;
        let lots = Qty(if short { -lots } else { lots });
        let cost = ONE.value(lots, Price(whole(entry / tick)));
        Self { lots, cost, collateral: Cash(whole(collateral / unit)), tick, unit }
    }

    fn price(&self, ticks: Price) -> Decimal {
        Decimal::from(ticks.0) * self.tick
    }

    fn amount(&self, cash: Cash) -> Decimal {
        Decimal::from(cash.0) * self.unit
    }

    fn units(&self, amount: Decimal) -> i64 {
        whole(amount / self.unit)
    }
}

fn ratio(rate: Decimal) -> Ratio {
    Ratio(whole(rate * Decimal::from(Ratio::ONE.0)))
}

fn tier(floor: i64, rate: Ratio) -> Tier {
    Tier { floor: Cash(floor), rate, max_leverage: Ratio(125 * Ratio::ONE.0) }
}

/// A schedule whose upper tier has this rate and this deduction, in units: below its floor maintenance is next to
/// nothing, so that the floor is deduction ÷ rate.
fn schedule(rate: Ratio, deduction: i64) -> Tiers {
    let mut tiers = vec![tier(0, if deduction == 0 { rate } else { Ratio(1) })];
    if deduction > 0 {
        let floor = i128::from(deduction) * i128::from(Ratio::ONE.0) / i128::from(rate.0 - 1);
        tiers.push(tier(i64::try_from(floor).unwrap(), rate));
    }
    Tiers::new(tiers).unwrap()
}

/// Hyperliquid: maintenance is half of the initial margin at the greatest leverage.
fn half_of_initial(max_leverage: Decimal) -> Ratio {
    ratio(Decimal::ONE / (Decimal::TWO * max_leverage))
}

// ---------------------------------------------------------------------------------------------- rules

/// Binance, Hyperliquid: equity at the mark against rate × notional at the mark − deduction.
fn liquidation_at_mark(case: &Case, trigger: Trigger) {
    let position = Position::of(case);
    let rate = if let Some(rate) = case.maybe("mmr") {
        ratio(rate)
    } else {
        let rate = half_of_initial(case.number("max_leverage"));
        assert_eq!(rate, ratio(case.number("maint_rate")), "{}", case.id);
        rate
    };
    let tiers = schedule(rate, position.units(case.maybe("cum").unwrap_or_default()));
    let tick = tiers.liquidation_tick(trigger, ONE, position.lots, position.cost, position.collateral);
    let mut price = position.price(tick);
    if let Some(buffer) = case.maybe("buffer") {
        // Freqtrade's own safety margin, on top of the venue's price: raw + buffer × (entry − raw).
        price += buffer * (case.number("entry") - price);
    }
    case.assert_close("liquidation price", price, position.tick);
}

/// Bybit until September 2025: maintenance stays what it was at the entry, LP = E ∓ (IM − MM)/q. So the price is that at
/// which the collateral above it is used up.
fn liquidation_at_entry(case: &Case) {
    let position = Position::of(case);
    let tiers = schedule(ratio(case.number("mmr")), position.units(case.maybe("mm_deduction").unwrap_or_default()));
    let free = position.collateral - tiers.maintenance(position.cost.abs());
    let (tick, _) = bankruptcy(ONE, position.lots, position.cost, free);
    case.assert_close("liquidation price", position.price(tick), position.tick);
}

/// Deductions follow from the tiers: what the tier before had, and floor × the step in the rate.
fn deduction(case: &Case) {
    let unit = Decimal::new(1, 6);
    let [floor, before] = ["floor", "prev_cum"].map(|key| whole(case.maybe(key).unwrap_or_default() / unit));
    let before = if before == 0 { whole(case.maybe("prev_deduction").unwrap_or_default() / unit) } else { before };
    let mut tiers = schedule(ratio(case.number("prev_mmr")), before).tiers().to_vec();
    tiers.push(tier(floor, ratio(case.number("mmr"))));
    let tiers = Tiers::new(tiers).unwrap();
    let deduction = Decimal::from_i128_with_scale(*tiers.deductions().last().unwrap(), 9) * unit;
    case.assert_close("deduction", deduction, unit);
}

/// Dango: a whole path. Alice is in breach once the oracle has jumped; the book holds so many lots at the oracle, the
/// insurance fund plenty; what the book does not take is deleveraged against Bob at Alice's bankruptcy price.
fn waterfall(case: &Case) {
    let alice = &case.inputs["alice"];
    let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{}: {value} is not whole", case.id));
    let (oracle, entry, bids) = (&case.inputs["oracle"], &alice["entry"], number(&case.inputs["book_qty_at_oracle"]));
    let long = alice["side"] == "long";
    let (side, other, ladder, away, way) = if long {
        ("long", "short", "bids", "asks = [{ price = 9_000, quantity = 1 }]", "down")
    } else {
        ("short", "long", "asks", "bids = [{ price = 1, quantity = 1 }]", "up")
    };
    let levels =
        if bids == 0 { away.to_owned() } else { format!("{ladder} = [{{ price = {oracle}, quantity = {bids} }}]") };
    let text = format!(
        r#"#:schema ./schema.json
# A waterfall from book to insurance fund and ADL.
[scenario]
horizon = "1 min"
step = "1 min"
direction = "{way}"
currency = "USD"
[[assets]]
symbol = "ETH"
tick = 1
lot = 1
open = {entry}
mark = "index"
process = {{ kind = "waypoints", volatility = 0, anchors = [{{ at = "0 s", price = {entry} }}, {{ at = "1 min", price = {oracle} }}] }}
book = {{ kind = "levels", {levels} }}
[venue]
mark_interval = "1 min"
cash_layers = ["fund"]
liquidation = "restore_margin"
execution = "bankruptcy_or_mark"
liquidation_fee = {fee}
surplus_to = "trader"
[[venue.tiers]]
notional_floor = 0
max_leverage = 19
maintenance_rate = {rate}
[venue.fund]
open = 100_000
[accounts]
file = "two.csv"
"#,
        fee = case.inputs["liq_fee"],
        rate = case.inputs["mmr"],
    );
    let bob = &case.inputs["bob"];
    let book = format!(
        "account,symbol,side,quantity,entry_price,collateral\nAlice,ETH,{side},{},{entry},{}\nBob,ETH,{other},{},{},{}\n",
        alice["qty"], alice["margin"], bob["qty"], bob["entry"], bob["margin"]
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.csv"), book).unwrap();
    let (scenario, _) = lab::read_in(&text, folder.path());
    let stage = Stage::new(&scenario, 1).unwrap();
    let mut cashbook = Cashbook::default();
    let wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
    let row = Worker::new(&stage).run(0, wanted, &mut [&mut cashbook]).unwrap();

    let expected: Value = serde_json::from_str(&case.expected).unwrap();
    let money = |units: i64| Decimal::from(units) * Decimal::new(1, 6);
    let mut bobs_lots = if long { -number(&bob["qty"]) } else { number(&bob["qty"]) };
    let (mut closed, mut deleveraged, mut tick) = (0, 0, 0);
    for (_, fact) in &cashbook.facts {
        match fact {
            Fact::Traded { party: Party::Trader(0), qty, via: Via::Book | Via::Adl, .. } => closed += qty.0.abs(),
            Fact::Traded { party: Party::Trader(1), qty, via: Via::Adl, .. } => {
                bobs_lots += qty.0;
                deleveraged += qty.0.abs();
            }
            Fact::OrderOpened { bankruptcy, .. } => tick = bankruptcy.0,
            _ => {}
        }
    }
    for (what, found) in [
        ("close_qty", Decimal::from(closed)),
        ("bankruptcy_price", Decimal::from(tick)),
        ("adl_qty", Decimal::from(deleveraged)),
        ("alice_margin", money(cashbook.of(Party::Trader(0)))),
        ("bob_margin", money(cashbook.of(Party::Trader(1)))),
        ("bob_qty", Decimal::from(bobs_lots)),
        ("insurance_delta", money(row.fund_close - row.fund_open)),
        ("bad_debt", money(row.shortfall)),
    ] {
        let expected = decimal(&expected[what].to_string());
        assert!((found - expected).abs() <= decimal(&case.tolerance), "{}: {what} is {found}, not {expected}", case.id);
    }
}
