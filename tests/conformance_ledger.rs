//! Worked examples of venues that ask where money goes after a fill: played through the venue itself.
//!
//! Each row becomes a contract in units so fine that its decimals are whole, the accounts that it names, and one mark;
//! the book is the row's execution price. What a row leaves open (a maintenance rate, where only the fill matters) is set
//! so that the account named is liquidated.

use std::path::Path;
use std::sync::Arc;

use flashcrash::facts::{Fact, Party, Via};
use flashcrash::fault::{Faults, Source};
use flashcrash::money::{Cash, Multiplier, Nanos, Price, Qty, Quantum, Ratio};
use flashcrash::registry::{Entry, Node, Reading, read};
use flashcrash::venue::adl::POLICIES;
use flashcrash::venue::ledger::Telling;
use flashcrash::venue::liquidation::RULES;
use flashcrash::venue::margin::{Tier, Tiers};
use flashcrash::venue::register::{Holdings, Register};
use flashcrash::venue::rules::{
    CashLayer, ContractRules, CrossBankruptcy, Eligible, Execution, PositionLayer, Rules, SurplusTo,
};
use flashcrash::venue::{Command, Fill, Next, Order, Refused, Venue};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value as Json;

use crate::conformance_venues::Row;
use crate::lab;

/// Runs a row; `false` where its kind is none of these.
pub fn run(row: &Row) -> bool {
    let inputs = &row.inputs;
    match (row.kind.as_str(), row.venue.as_str()) {
        ("fund_flow" | "bad_debt", _) => fund_flow(row),
        ("fund_valid", "dydx_v4") => fund_valid(row),
        ("adl_haircut", "flox") => adl_haircut(row),
        ("deleverage", "dydx_v4") if inputs.get("at").is_none() => {
            if inputs.get("prices").is_some() {
                deleverage_of_cross(row);
            } else {
                deleverage(row);
            }
        }
        // Drift's own fees come on top of the price; a rule that counts them is not here.
        ("partial_liq", "drift") if inputs["liquidator_fee"] == 0 && inputs["if_fee"] == 0 => restored(row),
        ("partial_liq", "dydx_v4") => partial(row),
        ("inverse_pnl", "bitmex") => inverse_pnl(row),
        ("funding_settle", "dydx_v4") | ("funding", "injective") => funding(row),
        ("funding", "paradex") if inputs.get("position_btc").is_some() => funding(row),
        ("waterfall", "dango") if inputs["alice"].get("qty").is_none() => waterfall_of_cross(row),
        ("waterfall", "dango") if inputs.get("bob").is_none() => waterfall_on_equity(row),
        _ => return false,
    }
    true
}

pub fn number(value: &Json) -> Decimal {
    let text = value.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).unwrap_or_else(|_| panic!("{text} is no number"))
}

/// A decimal as a whole number of parts.
pub fn units(value: Decimal, part: Decimal) -> i64 {
    let count = value / part;
    assert!(count.is_integer(), "{value} is no whole number of {part}");
    count.to_i64().unwrap()
}

pub fn near(row: &Row, what: &str, found: Decimal, expected: &Json) {
    let expected = number(expected);
    let allowed: Decimal = row.tolerance.parse().or_else(|_| Decimal::from_scientific(&row.tolerance)).unwrap();
    assert!((found - expected).abs() <= allowed, "{}: {what} is {found}, not {expected}", row.id);
}

pub fn expected(row: &Row) -> Json {
    serde_json::from_str(&row.expected).unwrap_or_else(|_| Json::String(row.expected.clone()))
}

const MICRO: Decimal = Decimal::from_parts(1, 0, 0, false, 6);
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// A venue with one contract that liquidates at `rate` of maintenance, sells into the book and deleverages, has no fees
/// and an empty fund.
pub fn rules(multiplier: Multiplier, rate: Ratio) -> Rules {
    let scenario = lab::read(&lab::text_of("classroom"));
    let mut rules = Rules::clone(&scenario.rules);
    let tier = Tier { floor: Cash(0), rate, max_leverage: Ratio(1_000_000_000) };
    rules.contracts = vec![ContractRules { multiplier, tiers: Tiers::new(vec![tier]).unwrap() }];
    rules.liquidation = RULES.entries.iter().find(|entry| entry.kind == "full").unwrap().build_default();
    rules.adl = *POLICIES.entries.iter().find(|entry| entry.kind == "fifo").unwrap().build_default();
    rules.position_layers = vec![PositionLayer::Book, PositionLayer::Adl];
    rules.cash_layers = vec![CashLayer::Fund];
    rules.fund.open = Cash(0);
    rules.fund.floor = Cash(0);
    rules.venue_capital = Cash(0);
    rules.taker_fee = Ratio(0);
    rules.liquidation_fee = Ratio(0);
    rules.surplus_to = SurplusTo::Trader;
    rules.execution = Execution::Market;
    rules.latency = Nanos(0);
    rules.adl_eligible = Eligible::SolventAfter;
    rules
}

/// One position: account, contract, lots, cost, collateral.
pub type Held = (u32, u16, i64, i64, i64);

pub struct Played {
    pub venue: Venue,
    pub facts: Vec<Fact>,
}

/// Opens the accounts, brings the marks, and fills the orders.
pub fn play(
    rules: Rules,
    held: &[Held],
    wallets: &[i64],
    cross: &[bool],
    marks: &[i64],
    fill: impl FnMut(&Order) -> Fill,
) -> Played {
    play_from(rules, held, wallets, cross, marks, marks, fill)
}

/// The same from other opening marks; the index stays there.
pub fn play_from(
    rules: Rules,
    held: &[Held],
    wallets: &[i64],
    cross: &[bool],
    opening: &[i64],
    marks: &[i64],
    mut fill: impl FnMut(&Order) -> Fill,
) -> Played {
    let mut holdings = Holdings {
        wallet: wallets.iter().map(|&cash| Cash(cash)).collect(),
        cross: cross.to_vec(),
        ..Holdings::default()
    };
    for &(account, contract, lots, cost, collateral) in held {
        holdings.account.push(account);
        holdings.contract.push(contract);
        holdings.qty.push(Qty(lots));
        holdings.cost.push(Cash(cost));
        holdings.collateral.push(Cash(collateral));
    }
    let opening: Vec<Price> = opening.iter().map(|&mark| Price(mark)).collect();
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &opening).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Silent);
    let now = Nanos(1);
    for (contract, &mark) in (0u16..).zip(marks) {
        venue.apply(Command::Mark { now, contract, mark: Price(mark) }).unwrap();
    }
    venue.apply(Command::Refreshed { now }).unwrap();
    let mut next = venue.apply(Command::Check { now }).unwrap();
    while let Next::Order(order) = next {
        next = venue.apply(Command::Fill(fill(&order))).unwrap();
    }
    let facts = std::mem::take(venue.facts());
    Played { venue, facts }
}

/// No book at all.
pub fn nobody(_: &Order) -> Fill {
    Fill { lots: Qty(0), cash: Cash(0), uncut: Cash(0) }
}

/// A position that goes bankrupt at one price is sold at another: what comes into the fund, or goes out of it.
fn fund_flow(row: &Row) {
    let inputs = &row.inputs;
    let long = inputs["side"] == "long";
    // dYdX states the quote amounts of a tenth of a bitcoin.
    let lot = if inputs.get("fill_quote").is_some() { Decimal::new(1, 1) } else { Decimal::ONE };
    let price = |value: &Json| number(value) / lot;
    let first = |names: [&str; 2]| names.iter().find_map(|name| inputs.get(*name)).unwrap();
    let tick = if row.kind == "bad_debt" { Decimal::new(1, 3) } else { CENT };
    let bankruptcy = units(price(first(["bankruptcy_price", "bankruptcy_quote"])), tick);
    let executed = units(price(first(["exec_price", "fill_quote"])), tick);
    let k = units(tick * lot, MICRO);
    let mut rules = rules(Multiplier::Linear(k), Ratio(900_000_000));
    rules.position_layers = vec![PositionLayer::Book];
    rules.fund.open = Cash(k * bankruptcy);
    match inputs.get("max_fee") {
        Some(fee) => rules.liquidation_fee = Ratio(units(number(fee), Decimal::new(1, 9))),
        None => rules.surplus_to = SurplusTo::Fund,
    }
    // Half as much again of the price as margin, so that it goes bankrupt where the row says.
    let entry = if long { 2 * bankruptcy } else { bankruptcy / 2 };
    let sign = if long { 1 } else { -1 };
    let held = (0, 0, sign, sign * entry * k, (entry - bankruptcy).abs() * k);
    let open = rules.fund.open;
    let played = play(rules, &[held], &[0], &[], &[executed], |order| {
        assert_eq!(order.bankruptcy, Price(bankruptcy), "{}", row.id);
        let cash = Cash(executed * k);
        Fill { lots: Qty(1), cash, uncut: order.shortfall(Multiplier::Linear(k), Qty(1), cash) }
    });
    let flow = Decimal::from((played.venue.ledger().fund() - open).0) * MICRO;
    match row.expected.as_str() {
        "inflow" => assert!(flow > Decimal::ZERO, "{}: {flow}", row.id),
        "outflow" => assert!(flow < Decimal::ZERO, "{}: {flow}", row.id),
        _ if row.kind == "bad_debt" => near(row, "bad debt", -flow, &expected(row)),
        _ => near(row, "flow into the fund", flow, &expected(row)),
    }
}

/// Whether the fund may pay: a fill is refused where its shortfall is beyond the budget.
fn fund_valid(row: &Row) {
    let fund = units(number(&row.inputs["fund"]), MICRO);
    let change = units(number(&row.inputs["delta"]), MICRO);
    let k = 1_000_000;
    let mut rules = rules(Multiplier::Linear(k), Ratio(900_000_000));
    rules.fund.open = Cash(fund);
    let bankruptcy = 20_000;
    let mut register = Register::default();
    let mut holdings = Holdings {
        wallet: vec![Cash(0)],
        account: vec![0],
        contract: vec![0],
        qty: vec![Qty(1)],
        cost: vec![Cash(2 * bankruptcy * k)],
        collateral: vec![Cash(bankruptcy * k)],
        ..Holdings::default()
    };
    register.rebuild(&mut holdings, &rules, &[Price(bankruptcy)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Silent);
    let now = Nanos(1);
    venue.apply(Command::Mark { now, contract: 0, mark: Price(bankruptcy) }).unwrap();
    venue.apply(Command::Check { now }).unwrap();
    let fill = Fill { lots: Qty(1), cash: Cash(bankruptcy * k + change), uncut: Cash(0) };
    let valid = match venue.apply(Command::Fill(fill)) {
        Ok(_) => true,
        Err(Refused::OverBudget { .. }) => false,
        Err(other) => panic!("{}: {other}", row.id),
    };
    assert_eq!(Json::from(valid), row.expected.to_lowercase().parse::<bool>().unwrap(), "{}", row.id);
}

/// A winner keeps what is left of its profit when it closes at the bankrupt account's price.
fn adl_haircut(row: &Row) {
    let inputs = &row.inputs;
    let amount = |key: &str| units(number(&inputs[key]), Decimal::ONE);
    let (mark, profit, deficit) = (1_000, amount("winner_upnl"), amount("deficit"));
    let entry = mark + profit;
    let mut rules = rules(Multiplier::Linear(1), Ratio(10_000_000));
    rules.position_layers = vec![PositionLayer::Adl];
    let held = [(0, 0, 1, entry, entry - mark - deficit), (1, 0, -1, -entry, amount("winner_equity"))];
    let played = play(rules, &held, &[0, 0], &[], &[mark], nobody);
    near(row, "what the winner keeps", Decimal::from(played.venue.ledger().wallet(1).0), &expected(row));
}

/// Cash of an account and one bitcoin: collateral and cost that have this equity at a mark.
fn dydx_account(account: u32, of: &Json, mark: i64) -> Held {
    let k = 1_000_000;
    let lots = if of["side"] == "long" { 1 } else { -1 };
    let cash = units(number(&of["usdc"]), MICRO);
    let collateral = (cash + lots * mark * k).max(0);
    (account, 0, lots, collateral - cash, collateral)
}

/// The offsetting account takes the liquidated one's bitcoin at its bankruptcy price, unless it would be bankrupt itself.
fn deleverage(row: &Row) {
    let (liquidated, offsetting) = (&row.inputs["liquidated"], &row.inputs["offsetting"]);
    let k = 1_000_000;
    let cash = units(number(&liquidated["usdc"]), Decimal::ONE);
    // Beyond the bankruptcy price of the liquidated account, a short, so that it alone is liquidated.
    assert_eq!(liquidated["side"], "short", "{}", row.id);
    let mark = cash + cash / 100;
    let mut rules = rules(Multiplier::Linear(k), Ratio(1_000_000));
    rules.position_layers = vec![PositionLayer::Adl];
    let held = [dydx_account(0, liquidated, mark), dydx_account(1, offsetting, mark)];
    let played = play(rules, &held, &[0, 0], &[], &[mark], nobody);
    let placed = played.facts.iter().any(|fact| matches!(fact, Fact::Deleveraged { account: 1, .. }));
    if row.expected == "error" {
        assert!(!placed, "{}: the bankruptcy prices do not overlap", row.id);
        return;
    }
    assert!(placed, "{}: nobody was deleveraged", row.id);
    let ledger = played.venue.ledger();
    assert_eq!((ledger.wallet(0), ledger.position(0).collateral), (Cash(0), Cash(0)), "{}", row.id);
    near(row, "the offsetting account's cash", Decimal::from(ledger.wallet(1).0) * MICRO, &expected(row));
}

/// The same of one position of two: equity is shared by maintenance.
fn deleverage_of_cross(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let k = 1_000_000;
    let price = |name: &str| units(number(&inputs["prices"][name]), Decimal::ONE);
    let amount = |value: &Json| units(number(value), Decimal::ONE);
    let marks = [price("BTC"), price("ETH")];
    let mut rules = rules(Multiplier::Linear(k), Ratio(100_000_000));
    rules.contracts.push(rules.contracts[0].clone());
    rules.position_layers = vec![PositionLayer::Adl];
    rules.cross_bankruptcy = CrossBankruptcy::Proportional;
    let (liquidated, offsetting) = (&inputs["liquidated"], &inputs["offsetting"]);
    let lots = [amount(&liquidated["BTC"]), amount(&liquidated["ETH"])];
    // Entries at the marks: the wallet is then the equity, which is cash and what the lots are worth.
    let worth: i64 = lots.iter().zip(marks).map(|(lots, mark)| lots * mark).sum();
    let wallet = (amount(&liquidated["usdc"]) + worth) * k;
    let bitcoin = amount(&offsetting["BTC"]);
    let held = [
        (0, 0, lots[0], lots[0] * marks[0] * k, 0),
        (0, 1, lots[1], lots[1] * marks[1] * k, 0),
        (1, 0, bitcoin, bitcoin * marks[0] * k, (amount(&offsetting["usdc"]) + bitcoin * marks[0]) * k),
    ];
    let played = play(rules, &held, &[wallet, 0], &[true, true, false], &marks, nobody);
    let leg = played.facts.iter().find_map(|fact| match fact {
        Fact::Traded { party: Party::Trader(0), contract: 0, cash, via: Via::Adl, .. } => Some(cash.0),
        _ => None,
    });
    let paid = Decimal::from(leg.unwrap_or_else(|| panic!("{}: nobody was deleveraged", row.id))) * MICRO;
    near(row, "bankruptcy quote", paid, &expected["bankruptcy_quote"]);
    near(row, "the liquidated account's cash", number(&liquidated["usdc"]) - paid, &expected["liquidated_usdc"]);
    let offset = Decimal::from(played.venue.ledger().wallet(1).0) * MICRO;
    near(row, "the offsetting account's cash", offset, &expected["offsetting_usdc"]);
}

/// Lots that a rule closes of a position which opens at the mark, in whole lots; the book is empty.
pub fn closed(rules: Rules, lots: i64, mark: i64, equity: i64) -> i64 {
    let Multiplier::Linear(k) = rules.contracts[0].multiplier else { unreachable!() };
    let played = play(rules, &[(0, 0, lots, lots * mark * k, equity)], &[0], &[], &[mark], nobody);
    let opened = played.facts.iter().find_map(|fact| match fact {
        Fact::OrderOpened { qty, .. } => Some(qty.0),
        _ => None,
    });
    opened.expect("the position is liquidated")
}

pub fn with_rule(mut rules: Rules, kind: &str, keys: &str) -> Rules {
    rules.liquidation = with(RULES.entries.iter().find(|entry| entry.kind == kind).unwrap(), keys);
    rules
}

/// A plug-in with these keys.
pub fn with<T: ?Sized>(entry: &Entry<T>, keys: &str) -> Box<T> {
    let source = Arc::new(Source { name: "row".into(), text: keys.to_owned() });
    let node = Node::parse(&source, &mut Faults::default());
    let mut reading = Reading::new(source, Path::new("."));
    reading.cash_unit = Quantum::new(Decimal::ONE);
    let values = read(&node, entry.keys, entry.kind, &mut reading).unwrap();
    (entry.build)(&values, &mut reading).unwrap()
}

/// Drift: as much is closed as frees the margin that is missing. A lot is the exchange's own step of 1e-9.
fn restored(row: &Row) {
    let inputs = &row.inputs;
    let step = Decimal::new(1, 9);
    let mark = units(number(&inputs["price"]) * number(&inputs["usdc_price"]), Decimal::ONE);
    let lots = units(Decimal::TEN, step);
    let rate = units(number(&inputs["margin_ratio"]), step);
    let maintenance = (i128::from(lots) * i128::from(mark) * i128::from(rate) / 1_000_000_000) as i64;
    let equity = maintenance - units(number(&inputs["margin_shortage"]), step);
    let rules = with_rule(rules(Multiplier::Linear(1), Ratio(rate)), "restore_margin", "");
    near(row, "base to close", Decimal::from(closed(rules, lots, mark, equity)) * step, &expected(row));
}

/// dYdX: a share of the position, or all of a small one.
fn partial(row: &Row) {
    let inputs = &row.inputs;
    let notional = units(number(&inputs["position_notional"]), Decimal::ONE);
    let least = inputs.get("min_notional").map_or(0, |least| units(number(least), Decimal::ONE));
    let keys = format!("share = {}\nabove = {least}", inputs["max_portion"]);
    let rules = with_rule(rules(Multiplier::Linear(1), Ratio(500_000_000)), "partial_fraction", &keys);
    let found = Decimal::from(closed(rules, notional, 1, 0));
    match expected(row) {
        Json::Object(bounds) => {
            near(row, "least", found, &bounds["min"]);
            near(row, "most", found, &bounds["max"]);
        }
        single => near(row, "notional closed", found, &single),
    }
}

/// Dango with the row's fee and maintenance rate, in thousandths of a dollar.
fn dango(row: &Row) -> Rules {
    let billionth = Decimal::new(1, 9);
    let mut rules = rules(Multiplier::Linear(1_000), Ratio(units(number(&row.inputs["mmr"]), billionth)));
    rules.liquidation_fee = Ratio(units(number(&row.inputs["liq_fee"]), billionth));
    rules.execution = Execution::BankruptcyOrMark;
    rules.fund.open = Cash(1_000_000);
    with_rule(rules, "restore_margin", "")
}

/// Dango, two positions of one account without a book: the greater maintenance first, each at what is left.
fn waterfall_of_cross(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let whole = |value: &Json| units(number(value), Decimal::ONE);
    let mut rules = dango(row);
    rules.contracts.push(rules.contracts[0].clone());
    rules.cross_bankruptcy = CrossBankruptcy::Sequential;
    let open = rules.fund.open;
    let alice = &inputs["alice"];
    let marks = [whole(&inputs["oracle_eth"]), whole(&inputs["oracle_btc"])];
    let mut held: Vec<Held> = Vec::new();
    for (account, sign) in [(0, 1), (1, -1)] {
        for (contract, lots, entry) in [(0, "ETH", "entry_eth"), (1, "BTC", "entry_btc")] {
            let lots = sign * whole(&alice[lots]);
            held.push((account, contract, lots, lots * whole(&alice[entry]) * 1_000, 0));
        }
    }
    let wallets = [whole(&alice["margin"]) * 1_000, whole(&inputs["bob_margin"]) * 1_000];
    let played = play(rules, &held, &wallets, &[true; 4], &marks, nobody);
    let opened: Vec<(u16, i64)> = played
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::OrderOpened { contract, bankruptcy, .. } => Some((*contract, bankruptcy.0)),
            _ => None,
        })
        .collect();
    assert_eq!(opened, [(1, whole(&expected["bp_btc"])), (0, whole(&expected["bp_eth"]))], "{}", row.id);
    let ledger = played.venue.ledger();
    let money = |cash: Cash| Decimal::new(cash.0, 3);
    near(row, "Alice's margin", money(ledger.wallet(0)), &expected["alice_margin"]);
    near(row, "Bob's margin", money(ledger.wallet(1)), &expected["bob_margin"]);
    near(row, "the fund's change", money(ledger.fund() - open), &expected["insurance_delta"]);
}

/// Dango, cash below 0 that profit makes good. Cash of positions here is never below 0, so the entry is moved instead: a
/// cost higher by as much is the same equity at every price, and a close releases its share of that.
fn waterfall_on_equity(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let whole = |value: &Json| units(number(value), Decimal::ONE);
    let alice = &inputs["alice"];
    let (lots, margin, mark) = (whole(&alice["qty"]), whole(&alice["margin"]), whole(&inputs["oracle"]));
    let rules = dango(row);
    let open = rules.fund.open;
    let cost = (lots * whole(&alice["entry"]) - margin) * 1_000;
    let bids = whole(&inputs["book_qty_at_oracle"]);
    let played = play(rules, &[(0, 0, lots, cost, 0)], &[0], &[], &[mark], |order| {
        assert_eq!(Decimal::from(order.bankruptcy.0), number(&expected["bankruptcy_price"]), "{}", row.id);
        let sold = order.lots.0.min(bids);
        Fill { lots: Qty(sold), cash: Cash(sold * mark * 1_000), uncut: Cash(0) }
    });
    let ledger = played.venue.ledger();
    let money = |cash: Cash| Decimal::new(cash.0, 3);
    let closed = lots - ledger.position(0).qty.0;
    near(row, "closed", Decimal::from(closed), &expected["close_qty"]);
    // Of the margin below 0 the open lots still carry their part in their cost.
    let carried = Decimal::from(margin * (lots - closed)) / Decimal::from(lots);
    near(row, "Alice's margin", money(ledger.position(0).collateral) + carried, &expected["alice_margin"]);
    near(row, "the fund's change", money(ledger.fund() - open), &expected["insurance_delta"]);
}

/// BitMEX: value less cost, each contract to the satoshi. Of the second row, which is not rounded by contract, all
/// contracts are one lot.
fn inverse_pnl(row: &Row) {
    let inputs = &row.inputs;
    let amount = |key: &str| units(number(&inputs[key]), Decimal::ONE);
    let (contracts, tick) = (amount("qty"), Decimal::new(1, 1));
    let by_contract = inputs.get("contract").is_some();
    let lot = if by_contract { 1 } else { contracts.abs() };
    // 1 USD a contract, in satoshi times ticks.
    let multiplier = Multiplier::Inverse(lot * 100_000_000 * 10);
    let value = multiplier.value(Qty(contracts / lot), Price(units(number(&inputs["mark"]), tick)));
    near(row, "value", Decimal::from(value.0), &inputs["mark_value_sat"]);
    let cost = amount("pos_cost_sat");
    near(row, "profit", Decimal::from(value.0 - cost), &expected(row));
}

/// Funding that falls due on one position, in the units of the row: positive where the account receives it.
fn funded(lots: i64, per_lot: i64) -> i64 {
    let mut register = Register::default();
    let mut holdings = Holdings {
        wallet: vec![Cash(0)],
        account: vec![0],
        contract: vec![0],
        qty: vec![Qty(lots)],
        cost: vec![Cash(lots * 100)],
        collateral: vec![Cash(0)],
        ..Holdings::default()
    };
    let rules = rules(Multiplier::Linear(1), Ratio(1_000_000));
    register.rebuild(&mut holdings, &rules, &[Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Silent);
    venue.apply(Command::Funding { now: Nanos(1), contract: 0, per_lot: Cash(per_lot) }).unwrap();
    -venue.ledger().position(0).owed.0
}

/// dYdX and Paradex: an index of funding per unit, of which a position settles the difference; Injective: a rate of the
/// notional.
fn funding(row: &Row) {
    let inputs = &row.inputs;
    if row.kind == "funding_settle" {
        let whole = |key: &str| units(number(&inputs[key]), Decimal::ONE);
        let settled = funded(whole("quantums"), whole("funding_index") - whole("position_index"));
        near(row, "settlement", Decimal::from(settled), &expected(row));
    } else if row.venue == "paradex" {
        // A share of the premium of eight hours, on lots of half a bitcoin.
        let index = number(&inputs["premium_usdc_per_btc_8h"]) * number(&inputs["seconds"]) / Decimal::from(28_800);
        near(row, "index", index, &expected(row)["index_delta"]);
        let profit = funded(1, units(index * number(&inputs["position_btc"]), MICRO));
        near(row, "profit", Decimal::from(profit) * MICRO, &expected(row)["pnl"]);
    } else {
        let due = units(number(&inputs["notional"]) * number(&inputs["rate"]), MICRO);
        let lots = if inputs["side"] == "short" { -1 } else { 1 };
        // Stated for a long without a sign: what it pays.
        let sign = if inputs.get("side").is_none() { -1 } else { 1 };
        near(row, "payment", Decimal::from(sign * funded(lots, due)) * MICRO, &expected(row));
    }
}
