//! Worked examples of venues about who pays a loss and how much is closed: fees from the missing margin, drawdowns of the
//! fund, socialised losses, settlement at the oracle; and what of funding and tiers follows from other figures.
//!
//! As in the module beside it, each row becomes a contract in units so fine that its decimals are whole, with the accounts
//! that it names.

use std::path::Path;
use std::sync::Arc;

use flashcrash::facts::Fact;
use flashcrash::fault::{Faults, Source};
use flashcrash::market::funding::{self, Accrual, FundingRule};
use flashcrash::money::{Cash, Multiplier, Nanos, Qty, Ratio};
use flashcrash::position::Fields;
use flashcrash::position::fraction::show;
use flashcrash::registry::{Node, Reading};
use flashcrash::venue::Order;
use flashcrash::venue::rules::{AdlPrice, CashLayer, Drawdown, FeeCap, PositionLayer, Rules, Socialise, Trigger};
use flashcrash::venue::{Fill, ledger::Ledger};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::conformance_ledger::{
    Held, closed, expected, near, nobody, number, play, play_from, rules, units, with_rule,
};
use crate::conformance_venues::Row;
use crate::lab;

const BILLIONTH: Decimal = Decimal::from_parts(1, 0, 0, false, 9);

/// Runs a row; `false` where its kind is none of these.
pub fn run(row: &Row) -> bool {
    let inputs = &row.inputs;
    let perpetual = inputs.get("asset_weight").is_none();
    match (row.kind.as_str(), row.venue.as_str()) {
        ("partial_liq", "drift") if inputs.get("slots").is_some() => share_of_shortage(row),
        ("partial_liq", "drift") if perpetual => restored_with_fee(row),
        ("liq_fee", "drift") if inputs.get("max_if_fee").is_some() && perpetual => fee_of_missing_margin(row),
        ("socialized_loss", "drift") if inputs.get("base_long").is_some() => socialised_by_base(row),
        ("socialized_loss", "drift" | "paradex") => socialised_on_cash(row),
        ("socialized_loss", "vega") => socialised_on_payouts(row),
        ("adl_trigger", "bybit" | "okx") => drawdown(row),
        // An account whose cash and position have the same sign cannot come into liquidation.
        ("deleverage", "dydx_v4") if inputs.get("at").is_some() && inputs["liquidated"]["side"] == "short" => {
            at_oracle(row);
        }
        ("funding_cap", "binance" | "dydx_v4") => funding_cap(row),
        ("funding_index", "dydx_v4") => funding_index(row),
        ("tier_rule", "okx") => tiers_in_steps(row),
        ("fee_reserve", "bitmex") => fee_reserve(row),
        ("liq_price", "bitmex") => posted_price(row),
        ("maint_margin", "bitmex") => maintenance_with_reserve(row),
        _ => return false,
    }
    true
}

fn ratio(value: &Json) -> Ratio {
    Ratio(units(number(value), BILLIONTH))
}

/// Equity of a position of one contract at a mark.
fn equity(ledger: &Ledger, id: u32, mark: i64, k: i64) -> i64 {
    let position = ledger.position(id);
    position.collateral.0 + position.qty.0 * mark * k - position.cost.0
}

/// A book that takes everything at a price: at once where the budget allows it, else without limit.
fn at_price(price: i64, k: i64) -> impl FnMut(&Order) -> Fill {
    move |order| {
        let cash = Cash(order.lots.0 * price * k);
        let uncut = order.shortfall(Multiplier::Linear(k), order.lots, cash);
        if order.budget.is_some_and(|budget| uncut > budget) {
            return Fill { lots: Qty(0), cash: Cash(0), uncut };
        }
        Fill { lots: order.lots, cash, uncut }
    }
}

// ---------------------------------------------------------------------------------------------- how much is closed

/// Lots of a billionth closed of ten units with this margin missing, where a rule counts fees.
fn restored_with_fee(row: &Row) {
    let inputs = &row.inputs;
    let mark = units(number(&inputs["price"]) * number(&inputs["usdc_price"]), Decimal::ONE);
    let lots = units(Decimal::TEN, BILLIONTH);
    let rate = ratio(&inputs["margin_ratio"]);
    let equity = rate.of_floor(Cash(lots * mark)).0 - units(number(&inputs["margin_shortage"]), BILLIONTH);
    let fees = number(&inputs["liquidator_fee"]) + number(&inputs["if_fee"]);
    let rules = with_rule(rules(Multiplier::Linear(1), rate), "restore_margin", &format!("fee = {fees}"));
    near(row, "base to close", Decimal::from(closed(rules, lots, mark, equity)) * BILLIONTH, &expected(row));
}

/// The part of what restores the margin that one order may close.
fn share_of_shortage(row: &Row) {
    let inputs = &row.inputs;
    let micro = 1_000_000;
    let missing = units(number(&inputs["margin_shortage"]), Decimal::ONE);
    let share = number(&inputs["initial_pct"]) + number(&inputs["slots"]) / number(&inputs["duration"]);
    let of = |share: Decimal, missing: i64| {
        let keys = format!("share = {share}\nwhole_below = {}", 50 * micro);
        let rules = with_rule(rules(Multiplier::Linear(1), Ratio(100_000_000)), "restore_margin", &keys);
        Decimal::from(closed(rules, 10_000 * micro, 1, (1_000 - missing) * micro))
    };
    near(row, "share", of(share, missing) / of(Decimal::ONE, missing), &expected(row));
    // From 50 USD on it is the share.
    assert_eq!(of(share, 50) / of(Decimal::ONE, 50), share, "{}", row.id);
}

/// The fund's fee of a position that closes at the mark, as a rate.
fn fee_of_missing_margin(row: &Row) {
    let inputs = &row.inputs;
    let k = 1_000_000;
    let (lots, price) = (units(number(&inputs["base"]), Decimal::ONE), units(number(&inputs["price"]), Decimal::ONE));
    let notional = lots * price * k;
    let rate = ratio(&inputs["margin_ratio"]);
    let mut rules = rules(Multiplier::Linear(k), rate);
    rules.position_layers = vec![PositionLayer::Book];
    rules.taker_fee = ratio(&inputs["liquidator_fee"]);
    rules.liquidation_fee = ratio(&inputs["max_if_fee"]);
    rules.waterfall.fee_cap = FeeCap::MissingMargin;
    let missing = units(number(&inputs["margin_shortage"]), Decimal::ONE) * k;
    let equity = rate.of_floor(Cash(notional)).0 - missing;
    let played = play(rules, &[(0, 0, lots, notional, equity)], &[0], &[], &[price], at_price(price, k));
    near(row, "rate", Decimal::from(played.venue.ledger().fund().0) / Decimal::from(notional), &expected(row));
}

// ---------------------------------------------------------------------------------------------- who pays

fn socialising(k: i64, socialise: Socialise) -> Rules {
    let mut rules = rules(Multiplier::Linear(k), Ratio(1_000_000));
    rules.position_layers = vec![PositionLayer::Book];
    rules.cash_layers = vec![CashLayer::Fund, CashLayer::Socialise];
    rules.waterfall.socialise = socialise;
    rules
}

const NANO: i64 = 1_000_000_000;

/// One lot that lacks a loss at the mark of 1,000, in cash units of a billionth.
fn lacking(account: u32, loss: i64) -> Held {
    (account, 0, 1, 2_000 * NANO, 1_000 * NANO - loss)
}

/// Drift: so much of each unit of base, long and short, rounded up to a millionth.
fn socialised_by_base(row: &Row) {
    let inputs = &row.inputs;
    let whole = |key: &str| units(number(&inputs[key]), Decimal::ONE);
    let (long, short) = (whole("base_long"), whole("base_short"));
    let open = |account, lots: i64| (account, 0, lots, lots * 1_000 * NANO, 1_000 * NANO);
    let held = [lacking(0, whole("loss") * NANO), open(1, long), open(2, -short)];
    let played = play(socialising(NANO, Socialise::Base), &held, &[0; 3], &[], &[1_000], at_price(1_000, NANO));
    let gave = |id: u32| Decimal::from(1_000 * NANO - equity(played.venue.ledger(), id, 1_000, NANO)) * BILLIONTH;
    // Either side gives as much a unit, to a billionth of a unit of cash.
    let (by_long, by_short) = (gave(1) / Decimal::from(long), gave(2) / Decimal::from(short));
    assert!((by_long - by_short).abs() <= BILLIONTH, "{}: {by_long} and {by_short}", row.id);
    let micro = Decimal::new(1, 6);
    near(row, "per unit of base", (by_long / micro).ceil() * micro, &expected(row));
}

/// Drift's depositors and Paradex's withdrawals: the same share of everybody's cash.
fn socialised_on_cash(row: &Row) {
    let inputs = &row.inputs;
    let other = Decimal::from(2);
    let (loss, wallet) = if let Some(total) = inputs.get("total_deposits") {
        (number(&inputs["loss"]), number(total) / Decimal::from(3))
    } else {
        // A factor of a quarter is a loss of a quarter of all that could be withdrawn.
        let free = number(&inputs["withdraw"]);
        (number(&inputs["factor"]) * free * Decimal::from(3), free)
    };
    let nano = |amount: Decimal| units(amount, BILLIONTH);
    let rules = socialising(NANO, Socialise::Withdrawals { most: Ratio::ONE });
    let wallets = [0, nano(wallet), nano(wallet * other)];
    let played = play(rules, &[lacking(0, nano(loss))], &wallets, &[], &[1_000], at_price(1_000, NANO));
    let left = Decimal::from(played.venue.ledger().wallet(1).0) * BILLIONTH;
    match expected(row) {
        Json::Object(amounts) => {
            near(row, "paid out", left, &amounts["paid"]);
            near(row, "kept back", wallet - left, &amounts["to_fund"]);
        }
        share => near(row, "share", (wallet - left) / wallet, &share),
    }
}

/// Vega: what winners keep is rounded down, the remainder goes to one of them; here to the last, so accounts are numbered
/// accordingly.
fn socialised_on_payouts(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let whole = |value: &Json| units(number(value), Decimal::ONE);
    let mark = 10_000;
    let mut rules = socialising(1, Socialise::Payout);
    rules.fund.open = Cash(whole(&inputs["insurance"]));
    let mut held: Vec<Held> = Vec::new();
    for loser in inputs["loser"].as_object().unwrap().values() {
        held.push((held.len() as u32, 0, 1, mark + whole(&loser["loss"]), whole(&loser["pays"])));
    }
    let mut winners: Vec<(&String, i64)> =
        inputs["winners"].as_object().unwrap().iter().map(|(name, gain)| (name, whole(gain))).collect();
    winners.sort_by_key(|(_, gain)| (*gain == 80, 0));
    winners.rotate_right(1);
    let first = held.len() as u32;
    for &(_, gain) in &winners {
        held.push((held.len() as u32, 0, -1, -(mark + gain), 100_000));
    }
    let wallets = vec![0; held.len()];
    let played = play(rules, &held, &wallets, &[], &[mark], at_price(mark, 1));
    let ledger = played.venue.ledger();
    for (id, (name, gain)) in (first..).zip(&winners) {
        if let Some(haircut) = expected.get(format!("{name}_haircut")) {
            let gave = 100_000 + gain - equity(ledger, id, mark, 1);
            near(row, name, Decimal::from(gave), haircut);
        }
    }
    if let Some(fund) = expected.get("fund_after") {
        near(row, "the fund", Decimal::from(ledger.fund().0), fund);
    }
}

/// A pool that falls by a share of its peak pays no more: lots of 10,000 each, and what ADL takes over.
fn drawdown(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let first = |names: [&str; 2]| {
        names.iter().find_map(|name| inputs.get(*name)).map(|value| units(number(value), Decimal::ONE))
    };
    let peak = first(["pool_balance_8h_max", "fund_8h_avg"]).unwrap();
    let loss = first(["symbol_pnl_drop", ""]).unwrap_or_else(|| peak - first(["fund_now", ""]).unwrap());
    let start = inputs.get("threshold").map_or(Ratio(300_000_000), |share| Ratio(-ratio(share).0));
    let (lot, mark) = (10_000, 100_000);
    let lots = loss / lot;
    let bankruptcy = mark + lot;
    let mut rules = rules(Multiplier::Linear(1), Ratio(1_000_000));
    rules.fund.open = Cash(peak);
    rules.waterfall.fund.drawdown = Some(Drawdown { start, stop: start, window: Nanos(8 * 3_600 * NANO) });
    let held =
        [(0, 0, lots, lots * 2 * bankruptcy, lots * bankruptcy), (1, 0, -lots, -lots * 2 * bankruptcy, 1_000_000_000)];
    let played = play(rules, &held, &[0, 0], &[], &[mark], |order| {
        let most = order.budget.map_or(order.lots.0, |budget| (budget.0 / lot).min(order.lots.0));
        let cash = |lots: i64| Cash(lots * mark);
        let uncut = order.shortfall(Multiplier::Linear(1), order.lots, cash(order.lots.0));
        Fill { lots: Qty(most), cash: cash(most), uncut }
    });
    let on = played.facts.iter().any(|fact| matches!(fact, Fact::Drawdown { on: true, .. }));
    assert_eq!(Json::from(on), expected["triggered"], "{}", row.id);
    let avoided: i64 = played
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::OrderClosed { disposal, .. } => Some(disposal.book_cost_avoided.0),
            _ => None,
        })
        .sum();
    let fund = played.venue.ledger().fund().0;
    if let Some(ratio) = expected.get("pnl_ratio") {
        near(row, "profit ratio", Decimal::from(fund - peak - avoided) / Decimal::from(peak), ratio);
    }
    if let Some(absorbed) = expected.get("adl_absorbs") {
        near(row, "what ADL spares the pool", Decimal::from(avoided), absorbed);
    }
    if let Some(threshold) = expected.get("threshold") {
        near(row, "where the pool stops", Decimal::from(fund), threshold);
    }
}

/// dYdX in final settlement: accounts close at the oracle price, those below zero do not. The mark has moved away from the
/// oracle, so that the account is in liquidation.
fn at_oracle(row: &Row) {
    let (liquidated, offsetting) = (&row.inputs["liquidated"], &row.inputs["offsetting"]);
    let (k, oracle) = (1_000_000, 50_000);
    let cash = units(number(&liquidated["usdc"]), Decimal::ONE);
    let mark = oracle.max(cash - 1);
    let mut rules = rules(Multiplier::Linear(k), Ratio(1_000_000));
    rules.position_layers = vec![PositionLayer::Adl];
    rules.waterfall.adl_price = AdlPrice::OracleWhileSolvent;
    rules.trigger = Trigger::Below;
    let account = |id: u32, of: &Json, lots: i64| {
        let cash = units(number(&of["usdc"]), Decimal::new(1, 6));
        let collateral = (cash + lots * mark * k).max(0);
        (id, 0, lots, collateral - cash, collateral)
    };
    let held = [account(0, liquidated, -1), account(1, offsetting, 1)];
    let played = play_from(rules, &held, &[0, 0], &[], &[oracle], &[mark], nobody);
    let price = played.facts.iter().find_map(|fact| match fact {
        Fact::Deleveraged { account: 1, price, .. } => Some(price.0),
        _ => None,
    });
    let ledger = played.venue.ledger();
    if row.expected == "error" {
        assert_ne!(price, Some(oracle), "{}: closed at the oracle price", row.id);
        // Below zero at the oracle it still closes at its bankruptcy price, where somebody can.
        let beyond = cash < oracle;
        assert_eq!(price, beyond.then_some(cash), "{}", row.id);
        return;
    }
    assert_eq!(price, Some(oracle), "{}", row.id);
    let expected = expected(row);
    for (id, name) in [(0, "liquidated"), (1, "offsetting")] {
        near(row, name, Decimal::from(ledger.wallet(id).0) / Decimal::from(k), &expected[name]);
    }
}

// ---------------------------------------------------------------------------------------------- funding and tiers

fn funding_rule(text: &str) -> FundingRule {
    let source = Arc::new(Source { name: "row".into(), text: text.to_owned() });
    let node = Node::parse(&source, &mut Faults::default());
    let mut reading = Reading::new(source, Path::new("."));
    let values = flashcrash::registry::read(&node, funding::KEYS, "funding", &mut reading).unwrap();
    FundingRule::of(&values).unwrap()
}

/// A cap that follows from the margin rates of the first tier.
fn funding_cap(row: &Row) {
    let inputs = &row.inputs;
    let float = |key: &str| inputs.get(key).map(|value| value.as_f64().unwrap());
    let (key, initial, maintenance) = match float("first_tier_mmr") {
        Some(maintenance) => ("cap_of_maintenance", 1.0, maintenance),
        None => ("cap_of_spread", float("imf").unwrap(), float("imf").unwrap() * float("mm_fraction").unwrap()),
    };
    let rule = funding_rule(&format!("{key} = {}", inputs["factor"])).of_margin(initial, maintenance);
    for premium in [-100.0, 100.0] {
        let rate = Decimal::try_from(rule.rate(premium).abs()).unwrap();
        near(row, "cap", rate, &expected(row));
    }
}

/// What a unit owes, in the index's own units, rounded towards zero.
fn funding_index(row: &Row) {
    let inputs = &row.inputs;
    let whole = |key: &str| inputs[key].as_i64().unwrap();
    let rule = funding_rule(&format!("interval = \"{} s\"\ninterest = 0\nclamp = 0\ncap = 10", whole("seconds")));
    // Both the quote currency and the index are counted in millionths.
    let scale =
        Decimal::from_scientific(&format!("1e{}", whole("exponent") + whole("atomic_resolution") + 12)).unwrap();
    let lot = (number(&inputs["price"]) * scale).try_into().unwrap();
    let mut accrual = Accrual::default();
    accrual.note(1.0 + whole("rate8h_ppm") as f64 / 1e6, 1.0);
    near(row, "index", Decimal::from(accrual.pay(&rule, lot).unwrap().0), &expected(row));
}

/// OKX: beyond the third tier each has so many contracts and so much of both rates more.
fn tiers_in_steps(row: &Row) {
    let (inputs, expected) = (&row.inputs, expected(row));
    let (third, step) = (&inputs["tier3"], &inputs["step"]);
    let written = format!(
        "max_leverage = {}\nmaintenance_rate = {}\nthen = {{ from = {}, every = {}, count = 2, maintenance_rate = {}, initial_rate = {} }}",
        Decimal::ONE / number(&third["imr"]),
        third["mmr"],
        third["max_contracts"],
        step["contracts"],
        step["mmr"],
        step["imr"],
    );
    let text = lab::edit(lab::TINY, "max_leverage = 100\nmaintenance_rate = \"0.5 %\"", &written);
    let scenario = lab::read(&text);
    let tiers = scenario.rules.contracts[0].tiers.tiers();
    assert_eq!(tiers.len(), 3, "{}", row.id);
    let share = |ratio: Ratio| Decimal::new(ratio.0, 9);
    near(row, "maintenance", share(tiers[1].rate), &expected["mmr"]);
    near(row, "initial", Decimal::ONE / share(tiers[1].max_leverage), &expected["imr"]);
    near(row, "leverage", share(tiers[1].max_leverage), &expected["max_leverage"]);
    near(row, "contracts", Decimal::from(tiers[2].floor.0) * scenario.cash_unit.size(), &expected["max_contracts"]);
}

/// BitMEX sets the closing fee on value and margin aside.
fn fee_reserve(row: &Row) {
    let inputs = &row.inputs;
    let margin: Decimal = ["pos_init", "pos_cross"].iter().filter_map(|key| inputs.get(*key)).map(number).sum();
    let question = json!({
        "maintenance_rate": 0, "side": "long", "quantity": 1, "entry_price": inputs["pos_cost"],
        "collateral": margin.to_string(), "reserve_rate": inputs["taker"]
    });
    let answer = Fields::from_json(&question.to_string()).and_then(|fields| fields.ask()).unwrap().answer();
    near(row, "reserve", show(&answer.fee_reserve.unwrap()).parse().unwrap(), &expected(row));
}

/// What BitMEX posts as the price of liquidation: the value of a contract rounded to a satoshi. Maintenance is fixed at the
/// entry, so a deduction says the rest of a round rate.
fn posted_price(row: &Row) {
    let inputs = &row.inputs;
    let satoshi = Decimal::new(1, 8);
    let amount = |key: &str| number(&inputs[key]) * satoshi;
    let cost = amount("pos_cost_sat");
    let rate = Decimal::new(6, 3);
    let question = json!({
        "contract": "inverse", "contract_unit": satoshi.to_string(), "side": inputs["side"], "quantity": inputs["qty"],
        // The nearest tick to the average entry: a contract is worth the same there.
        "entry_price": ((number(&inputs["qty"]) / cost / number(&inputs["tick"])).round() * number(&inputs["tick"])).to_string(),
        "collateral": amount("pos_margin_sat").to_string(), "maintenance_at": "entry", "maintenance_rate": rate.to_string(),
        "deduction": (rate * cost - amount("pos_maint_sat")).to_string(), "tick": inputs["tick"]
    });
    let answer = Fields::from_json(&question.to_string()).and_then(|fields| fields.ask()).unwrap().answer();
    assert_eq!(show(&answer.notional).parse::<Decimal>().unwrap(), cost, "{}", row.id);
    near(row, "price", show(&answer.liquidation_tick.unwrap()).parse().unwrap(), &expected(row));
}

/// The reserve is a part of maintenance.
fn maintenance_with_reserve(row: &Row) {
    let inputs = &row.inputs;
    let question = json!({
        "maintenance_rate": inputs["maint_req"], "maintenance_at": "entry", "side": "short", "quantity": 1,
        "entry_price": inputs["pos_cost_sat"], "collateral": 0, "fee_reserve": inputs["pos_comm_sat"]
    });
    let answer = Fields::from_json(&question.to_string()).and_then(|fields| fields.ask()).unwrap().answer();
    near(row, "maintenance", show(&answer.maintenance_margin).parse().unwrap(), &expected(row));
}
