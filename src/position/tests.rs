use proptest::prelude::*;

use super::fraction::parse;
use super::*;
use crate::money::{Cash, Multiplier, Price, Qty, Ratio};
use crate::venue::margin::{self, Tiers};

fn answer(line: &str) -> Answer {
    Fields::from_json(line).and_then(|fields| fields.ask()).unwrap_or_else(|fault| panic!("{line}: {fault}")).answer()
}

fn fault(line: &str) -> String {
    match Fields::from_json(line).and_then(|fields| fields.ask()) {
        Ok(_) => panic!("{line} is sound"),
        Err(wrong) => wrong.to_string(),
    }
}

fn f(text: &str) -> Fraction {
    parse(text).unwrap()
}

/// Long 1 BTC from 20,000 at 50x and a rate of 0.5 %: liquidated where 400 + p − 20,000 = 0.005·p, p = 19,600 ÷ 0.995.
#[test]
fn a_linear_long_is_liquidated_where_equity_meets_maintenance() {
    let line = r#"{"contract":"linear","maintenance_rate":0.005,"side":"long","quantity":1,"entry_price":20000,"leverage":50,"tick":"0.5"}"#;
    let found = answer(line);
    assert_eq!(found.liquidation_price, Some(f("19600") / f("0.995")));
    assert_eq!(found.bankruptcy_price, Some(f("19600")));
    // 19,698.49…: the first tick below it.
    assert_eq!(found.liquidation_tick, Some(f("19698")));
    assert_eq!(found.bankruptcy_tick, Some(f("19600")));
    assert_eq!(found.initial_margin, Some(f("400")));
    assert_eq!(found.maintenance_margin, f("100"));
    assert_eq!(found.margin_ratio, Some(f("4")));
    assert_eq!(found.effective_leverage, Some(f("50")));
    assert_eq!(found.adl_score, Some(f("0")));
}

#[test]
fn an_answer_has_its_keys_in_order_and_plain_numbers() {
    let line = r#"{"id":"a \"1\"","maintenance_rate":"0.5 %","side":"long","quantity":"3","entry_price":"100","collateral":100}"#;
    let ask = Fields::from_json(line).unwrap().ask().unwrap();
    assert_eq!(
        ask.answer().json(ask.id.as_ref()),
        "{\"id\": \"a \\\"1\\\"\", \"notional\": 300, \"tier\": 1, \"initial_margin\": null, \"maintenance_margin\": 1.5, \
         \"unrealised_pnl\": 0, \"equity\": 100, \"margin_ratio\": 66.666666666666666667, \"liquidation_price\": 67.001675041876046901, \
         \"bankruptcy_price\": 66.666666666666666667, \"liquidation_tick\": null, \"bankruptcy_tick\": null, \
         \"effective_leverage\": 3, \"adl_score\": 0}"
    );
}

/// What cannot happen is null: a long with more collateral than its value, an inverse short at 1x.
#[test]
fn a_position_that_cannot_be_liquidated_has_no_price() {
    let long =
        answer(r#"{"maintenance_rate":0.01,"side":"long","quantity":1,"entry_price":100,"collateral":100,"tick":1}"#);
    assert_eq!((long.liquidation_price, long.liquidation_tick, long.bankruptcy_price), (None, None, None));
    let short = r#"{"contract":"inverse","maintenance_rate":0.01,"side":"short","quantity":1000,"entry_price":100,"leverage":1}"#;
    assert_eq!(answer(short).liquidation_price, None);
    // Half covered: liquidated where 5 − 10 + 1000/p = 10/p, p = 990 ÷ 5.
    assert_eq!(answer(&short.replace("\"leverage\":1", "\"leverage\":2")).liquidation_price, Some(f("198")));
}

/// 2000 contracts sold at 10,713.5, 9,334 satoshi each (BitMEX, /position, 14 July 2019): the value at bankruptcy is
/// (18,668,000 − 3,733,600 − 71,429) ÷ 2000 = 7431.49, posted at 7432; of liquidation 7478.16, at 7479.
#[test]
fn prices_of_rounded_contracts_are_those_that_are_posted() {
    let line = r#"{"contract":"inverse","contract_unit":"1e-8","side":"short","quantity":2000,"entry_price":"10713.5","tick":0.5,
        "collateral":"0.03805029","reserve_rate":0.00075,"maintenance_rate":0.005,"maintenance_at":"entry"}"#;
    let found = answer(line);
    assert_eq!((found.notional, found.liquidation_price), (f("0.18668"), Some(f("1e8") / f("7479"))));
    assert_eq!((found.liquidation_tick, found.bankruptcy_tick), (Some(f("13370.5")), Some(f("13455"))));
    // A long mirrored: its loss is a rising value, and the unit below counts.
    let long = answer(&line.replace("short", "long"));
    assert_eq!(long.bankruptcy_price, Some(f("1e8") / f("11236")), "(18,668,000 + 3,805,029) ÷ 2000 = 11236.5");
    assert!(fault(&line.replace("inverse", "linear")).contains("belongs to inverse contracts"));
}

/// Of a strict test, equality survives: entry 100, collateral 25, maintenance fixed at 25 − 24 = 1 gives a price of exactly 76.
#[test]
fn the_safe_tick_follows_the_trigger() {
    let line = r#"{"maintenance_rate":0.01,"maintenance_at":"entry","side":"long","quantity":1,"entry_price":100,"collateral":25,"tick":1}"#;
    assert_eq!(answer(line).liquidation_price, Some(f("76")));
    assert_eq!(answer(line).liquidation_tick, Some(f("75")));
    let loose = line.replace("\"tick\":1", "\"tick\":1,\"trigger\":\"at_or_below\"");
    assert_eq!(answer(&loose).liquidation_tick, Some(f("76")));
    let short = line.replace("long", "short");
    assert_eq!(answer(&short).liquidation_tick, Some(f("125")));
    assert_eq!(answer(&loose.replace("long", "short")).liquidation_tick, Some(f("124")));
}

#[test]
fn tiers_of_a_venue_are_found_by_symbol() {
    let line =
        r#"{"venue":"binance","symbol":"BTCUSDT","side":"long","quantity":100,"entry_price":100000,"leverage":20}"#;
    let found = answer(line);
    // 10M: fourth tier, 1 % less 11,450.
    assert_eq!(found.tier, 4);
    assert_eq!(found.maintenance_margin, f("88550"));
    assert!(fault(&line.replace("BTCUSDT", "NOPE")).contains("known are BTC, ETH, SOL, XRP"));
    assert!(fault(&line.replace("binance", "binnance")).contains("did you mean `binance`?"));
    let bitmex = answer(&line.replace("binance", "bitmex").replace("BTCUSDT", "XBTUSD"));
    assert_eq!(bitmex.notional, f("0.001"));
}

#[test]
fn every_preset_answers_for_its_first_asset() {
    for preset in crate::venue::presets::PRESETS {
        let line = format!(
            r#"{{"venue":"{}","symbol":"BTC","side":"long","quantity":1,"entry_price":100000,"leverage":5,"tick":0.1}}"#,
            preset.name
        );
        let found = answer(&line);
        assert!(found.liquidation_price.is_some() && found.bankruptcy_price.is_some(), "{}", preset.name);
        let ranks = preset.venue().get("adl").is_some() && preset.name != "dydx-v4";
        assert_eq!(found.adl_score.is_some(), ranks, "{}", preset.name);
    }
}

/// The Binance score of 2020: profit 100 of a wallet of 1,000 is 0.1; maintenance 10 of equity 1,100 is 1/110.
#[test]
fn the_score_is_that_of_the_venue() {
    let line = r#"{"venue":"binance","symbol":"BTC","maintenance_rate":0.01,"side":"long","quantity":10,"entry_price":90,"mark_price":100,"collateral":1000}"#;
    assert_eq!(answer(line).adl_score, Some(f("0.1") * f("10") / f("1100")));
    let other = line.replace("\"venue\":\"binance\",", "");
    assert_eq!(answer(&other).adl_score, Some(f("100") / f("900") * f("1000") / f("1100")));
}

#[test]
fn positions_of_one_cross_account_support_each_other() {
    let read = |line: &str| Fields::from_json(line).unwrap().ask().unwrap();
    let mut asks = [
        read(
            r#"{"account":"a","margin_mode":"cross","wallet":100,"maintenance_rate":0.01,"side":"long","quantity":1,"entry_price":1000}"#,
        ),
        read(
            r#"{"account":"a","margin_mode":"cross","wallet":100,"maintenance_rate":0.05,"side":"short","quantity":2,"entry_price":200,"mark_price":190}"#,
        ),
        read(
            r#"{"account":"b","margin_mode":"cross","wallet":100,"maintenance_rate":0.01,"side":"long","quantity":1,"entry_price":1000}"#,
        ),
    ];
    join_accounts(&mut asks);
    // The short of 2 at 190 has a profit of 20 and needs 0.05·380 = 19.
    assert_eq!((&asks[0].other_unrealised, &asks[0].other_maintenance), (&f("20"), &f("19")));
    assert_eq!((&asks[1].other_unrealised, &asks[1].other_maintenance), (&f("0"), &f("10")));
    assert_eq!(asks[2].other_maintenance, f("0"));
    // 120 + p − 1000 = 0.01 p + 19.
    assert_eq!(asks[0].answer().liquidation_price, Some(f("899") / f("0.99")));
}

#[test]
fn a_faulty_line_says_what_is_wrong_and_what_would_be_right() {
    let sound = r#"{"maintenance_rate":0.01,"side":"long","quantity":1,"entry_price":100,"collateral":10}"#;
    for (from, to, told) in [
        ("\"quantity\":1", "\"quantity\":-1", "`quantity` of -1 must be above 0"),
        ("\"quantity\":1", "\"quantity\":\"x\"", "`quantity` of \"x\" is not a decimal number"),
        ("\"quantity\":1", "\"quantity\":true", "`quantity` cannot be true or false"),
        ("\"quantity\":1", "\"quantity\":[1]", "`quantity` cannot be a list"),
        ("\"quantity\":1", "\"quantity\":{}", "`quantity` cannot be an object"),
        ("\"quantity\":1", "\"quantity\":null", "`quantity` is missing"),
        ("\"quantity\":1", "\"quantitty\":1", "unknown key `quantitty`: did you mean `quantity`?"),
        ("\"quantity\":1", "\"quantity\":1,\"quantity\":2", "`quantity` stands twice"),
        ("\"long\"", "\"up\"", "`side` cannot be \"up\": write \"long\" or \"short\""),
        (",\"collateral\":10", "", "`collateral` or `leverage` is missing"),
        ("\"maintenance_rate\":0.01,", "", "`venue`, `tiers` or `maintenance_rate` is missing"),
        ("0.01", "1", "`maintenance_rate` of 1 must be from 0 to below 1"),
        ("\"maintenance_rate\":0.01", "\"tiers\":[]", "`tiers` is empty"),
        (
            "\"maintenance_rate\":0.01",
            "\"tiers\":[[0,0.01],[0,0.02]]",
            "tier 2: each tier must start above the one before",
        ),
        ("\"maintenance_rate\":0.01", "\"tiers\":5", "`tiers` must be a list"),
        (
            "\"maintenance_rate\":0.01",
            "\"tiers\":[[0,0.01],{\"notional_floor\":100,\"maintenance_rate\":0.02,\"deduction\":2}]",
            "tier 2: `deduction` is 2, but it follows from the tiers as 1",
        ),
        ("{", "", "not a JSON object"),
        ("}", "", "not a JSON object"),
    ] {
        assert!(sound.contains(from));
        let found = fault(&sound.replacen(from, to, 1));
        assert!(found.starts_with(told), "{found}\nexpected: {told}");
    }
    for line in ["", "[]", "1", "null", "\"x\"", "{\"a\":{\"b\":[{}]}}"] {
        let _ = fault(line);
    }
}

proptest! {
    /// The venue's integers and these fractions are two codes for one definition.
    #[test]
    fn ticks_are_those_of_the_venue(
        lots in 1i64..2_000, entry in 1i64..4_000, collateral in 0i64..2_000_000, long: bool, strict: bool,
        floors in (1i64..200_000, 1i64..200_000), rates in (1i64..200, 0i64..200, 0i64..300),
    ) {
        let list = [(0, rates.0), (floors.0, rates.0 + rates.1), (floors.0 + floors.1, rates.0 + rates.1 + rates.2)];
        let tier = |&(floor, rate): &(i64, i64)| {
            margin::Tier { floor: Cash(floor), rate: Ratio(rate * 1_000_000), max_leverage: Ratio::ONE }
        };
        let tiers = Tiers::new(list.iter().map(tier).collect()).unwrap();
        let k = Multiplier::Linear(1);
        let qty = Qty(if long { lots } else { -lots });
        let cost = k.value(qty, Price(entry));
        let trigger = if strict { Trigger::Below } else { Trigger::AtOrBelow };
        let tick = tiers.liquidation_tick(trigger, k, qty, cost, Cash(collateral));
        let (bankruptcy, _) = margin::bankruptcy(k, qty, cost, Cash(collateral));
        let schedule: Vec<String> = list.iter().map(|(floor, rate)| format!("[{floor},{rate}e-3]")).collect();
        let line = format!(
            r#"{{"tiers":[{}],"side":"{}","quantity":{lots},"entry_price":{entry},"collateral":{collateral},"tick":1,"trigger":"{}"}}"#,
            schedule.join(","),
            if long { "long" } else { "short" },
            if strict { "below" } else { "at_or_below" },
        );
        let found = answer(&line);
        let above_zero = |price: Price| (price.0 > 0).then(|| whole(price.0));
        prop_assert_eq!(found.liquidation_tick, above_zero(tick));
        // The venue takes the lowest tick where a long has something left at any price; the calculator has none to show.
        let is_covered = long && Cash(collateral) >= cost;
        prop_assert_eq!(found.bankruptcy_tick, if is_covered { None } else { above_zero(bankruptcy) });
        prop_assert_eq!(found.maintenance_margin.ceil(), whole(tiers.maintenance(cost.abs()).0));
    }

    /// Inverse contracts have no second code in the venue yet: the price is where the definition holds.
    #[test]
    fn at_the_liquidation_price_equity_is_maintenance(
        quantity in 1i64..10_000_000, entry in 1i64..200_000, leverage in 2i64..100, long: bool, inverse: bool,
        wallet in -50i64..50,
    ) {
        let (side, contract) = (if long { "long" } else { "short" }, if inverse { "inverse" } else { "linear" });
        let ask = |mark: &str| {
            let line = format!(
                r#"{{"contract":"{contract}","tiers":[[0,0.004],[100,0.005],[10000,"1 %"]],"side":"{side}","quantity":{quantity},
                "entry_price":{entry},"mark_price":"{mark}","leverage":{leverage},"other_unrealised":{wallet},"other_maintenance":3,
                "margin_mode":"cross"}}"#
            );
            Fields::from_json(&line).unwrap().ask().unwrap()
        };
        let mut at = ask(&entry.to_string());
        if let Some(price) = at.answer().liquidation_price {
            at.mark_price = price;
            let there = at.answer();
            prop_assert_eq!(&there.equity, &(&there.maintenance_margin + whole(3)));
            prop_assert_eq!(there.liquidation_price.as_ref(), Some(&at.mark_price));
            if let Some(price) = there.bankruptcy_price {
                at.mark_price = price;
                prop_assert_eq!(at.answer().equity, zero());
            }
        }
    }

    #[test]
    fn nothing_that_is_written_panics(line in "\\PC{0,80}", key in 0..written::KEYS.len(), value in "\\PC{0,20}") {
        let _ = Fields::from_json(&line).map(|fields| fields.ask());
        let sound = format!(r#"{{"maintenance_rate":0.01,"side":"long","quantity":1,"entry_price":100,"collateral":10,"{}":{value}}}"#, written::KEYS[key].0);
        let _ = Fields::from_json(&sound).map(|fields| fields.ask().map(|ask| ask.answer()));
    }
}
