//! Whole paths of markets: several assets, an index of several venues, the flow of others, the step.

use flashcrash::experiment::Audited;
use flashcrash::facts::{Fact, Outcome, Party, Via};
use flashcrash::scenario::Scenario;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;

use crate::lab::{self, Cashbook, edit};

/// The prices of each contract in turn: (exogenous, index, traded), in ticks, at every refresh and order of a path.
fn prices(scenario: &Scenario, path: u64) -> Vec<(usize, [f64; 3])> {
    let stage = Stage::new(scenario, scenario.seed).unwrap();
    let mut book = Cashbook::default();
    Worker::new(&stage).run(path, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut book]).unwrap();
    book.facts
        .iter()
        .filter_map(|(_, fact)| match *fact {
            Fact::Priced { contract, index_exogenous, index, traded } => {
                Some((usize::from(contract), [index_exogenous, index, traded].map(|price| price.0 as f64)))
            }
            _ => None,
        })
        .collect()
}

/// Marks of the first contract at every refresh of a path.
fn marks(scenario: &Scenario, path: u64) -> Vec<f64> {
    let stage = Stage::new(scenario, scenario.seed).unwrap();
    let mut book = Cashbook::default();
    Worker::new(&stage).run(path, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut book]).unwrap();
    let marked = book.facts.iter().filter_map(|(_, fact)| match *fact {
        Fact::Marked { contract: 0, mark } => Some(mark.0 as f64),
        _ => None,
    });
    marked.collect()
}

/// The flash crash in BTC, and ETH beside it, in which nobody trades.
fn two_assets(market: &str) -> String {
    let text = lab::text_of("flash-crash");
    let text = edit(
        &text,
        "\n[venue]\n",
        &format!(
            "\n[[assets]]\nsymbol = \"ETH\"\ntick = 0.001\nlot = 0.1\nopen = 4_000\nprocess = {{ kind = \"gbm\", volatility = 1.2 }}\n\
             book = {{ kind = \"depth\", depth_1pct = 58_000_000 }}\nmark = \"mid\"\n\n[market]\n{market}\n\n[venue]\n"
        ),
    );
    text.replace("count = 17_000", "asset = \"BTC\"\ncount = 1_700")
        .replace("count = 2_960", "asset = \"BTC\"\ncount = 2_960")
        .replace("count = 40\n", "asset = \"BTC\"\ncount = 40\n")
}

/// How far the permanent part has moved the log index of both assets at the end of a path.
fn moved(market: &str) -> [f64; 2] {
    let mut last = [0.0; 2];
    for (contract, [exogenous, index, _]) in prices(&lab::read(&two_assets(market)), 0) {
        last[contract] = (index / exogenous).ln();
    }
    last
}

#[test]
fn permanent_impact_passes_to_a_correlated_asset_by_correlation_and_volatilities() {
    let market = "correlation = [[1, 0.8], [0.8, 1]]";
    let [own, other] = moved(market);
    assert!(own < -1e-4, "{own}");
    // σ of 1.2 against 0.8: 0.8 · 1.5 = 1.2. Ticks of a millionth leave five digits.
    assert!((other / own - 1.2).abs() < 0.01, "{other} for {own}");
    assert_eq!(moved("correlation = [[1, 0.8], [0.8, 1]]\ncross_impact = false")[1], 0.0);
    assert_eq!(moved("")[1], 0.0);
    let [own, other] = moved("correlation = [[1, -0.5], [-0.5, 1]]");
    assert!((other / own + 0.75).abs() < 0.01, "{other} for {own}");
}

#[test]
fn a_common_jump_comes_to_all_assets_at_once_in_proportion_to_their_betas() {
    let market = "common_jump = { at = 900, jump_mean = -0.03, jump_sd = 0 }";
    let text = edit(&two_assets(market), "open = 4_000\n", "open = 4_000\njump_beta = 1.5\n");
    let without = prices(&lab::read(&two_assets("")), 0);
    let with = prices(&lab::read(&text), 0);
    let at = |prices: &[(usize, [f64; 3])], wanted: usize, second: usize| {
        let mut seen = prices.iter().filter(|(contract, _)| *contract == wanted).map(|(_, prices)| prices[0]);
        // Orders tell prices too; the exogenous index changes at refreshes only.
        let mut last = seen.next().unwrap();
        let mut changes = 0;
        for price in seen {
            if changes == second {
                break;
            }
            changes += usize::from(price != last);
            last = price;
        }
        last
    };
    for (contract, beta) in [(0, 1.0), (1, 1.5)] {
        let before = (at(&with, contract, 600) / at(&without, contract, 600)).ln();
        let after = (at(&with, contract, 1_600) / at(&without, contract, 1_600)).ln();
        assert!(before.abs() < 1e-5, "{contract}: {before}");
        assert!((after + 0.03 * beta).abs() < 0.003, "{contract}: {after}");
    }
}

/// The quiet day with the mark on an index of three venues, one of which loses a tenth after ten minutes.
fn stop_run(rules: &str) -> String {
    let text = edit(&lab::text_of("quiet-day"), "mark = { kind = \"median\", window = \"30 s\" }", "mark = \"index\"");
    let index = format!(
        "[assets.index]\n{rules}\n[[assets.index.venues]]\nname = \"a\"\n[[assets.index.venues]]\nname = \"b\"\n\
         [[assets.index.venues]]\nname = \"c\"\ndislocation = 0.1\ndislocation_at = 600\ndislocation_lasts = \"1 min\"\n\n[venue]\n"
    );
    edit(&text, "[venue]\n", &index)
}

#[test]
fn a_dislocation_of_one_venue_reaches_the_mark_or_does_not_as_the_rule_says() {
    let plain = edit(&lab::text_of("quiet-day"), "mark = { kind = \"median\", window = \"30 s\" }", "mark = \"index\"");
    let plain = marks(&lab::read(&plain), 1);
    for (rules, fall) in
        [("outliers = \"keep\"", 0.1 / 3.0), ("outliers = \"drop\"", 0.0), ("outliers = \"cap\"\nband = \"3 %\"", 0.01)]
    {
        let marks = marks(&lab::read(&stop_run(rules)), 1);
        assert_eq!(marks.len(), plain.len());
        for (i, (with, without)) in marks.iter().zip(&plain).enumerate() {
            let wanted = if (600..660).contains(&i) { 1.0 - fall } else { 1.0 };
            if !(660..1_200).contains(&i) {
                assert!((with / without - wanted).abs() < 1e-5, "{rules}: {i}: {}", with / without);
            }
        }
    }
}

#[test]
fn a_stop_run_in_one_constituent_liquidates_those_whom_a_rule_against_outliers_spares() {
    let text = lab::text_of("index-dislocation");
    let liquidated = |rule: &str| {
        let text = edit(&text, "outliers = \"keep\"", &format!("outliers = \"{rule}\""));
        lab::run(&lab::read(&text), 24, Audited::No).rows
    };
    let (kept, dropped, capped) = (liquidated("keep"), liquidated("drop"), liquidated("cap"));
    for ((kept, dropped), capped) in kept.iter().zip(&dropped).zip(&capped) {
        assert!(kept.liquidations > 5 * dropped.liquidations.max(20), "path {}", kept.path);
        assert!(kept.liquidations > 4 * capped.liquidations, "path {}", kept.path);
        // The market itself is the same one.
        assert_eq!(kept.index_exogenous_low, dropped.index_exogenous_low);
    }
    let sum = |rows: &[Outcome]| rows.iter().map(|row| row.liquidations).sum::<i64>();
    assert!(sum(&capped) > sum(&dropped), "a cap lets a part of it through");
}

#[test]
fn an_index_of_the_own_book_closes_the_loop() {
    let text = lab::text_of("flash-crash");
    let mark = "[assets.mark]\nkind = \"median\"\nwindow = \"30 s\"\n";
    let with = |index: &str| {
        let text = edit(&text, mark, &format!("[assets.mark]\nkind = \"index\"\n{index}"));
        lab::run(&lab::read(&edit(&text, "permanent = 0.1", "permanent = 0")), 40, Audited::No).rows
    };
    let others = with("[[assets.index.venues]]\nname = \"others\"\n");
    let own = with("[[assets.index.venues]]\nname = \"own\"\nown = true\n");
    let sum = |rows: &[Outcome]| rows.iter().map(|row| row.liquidated_notional).sum::<i64>();
    assert!(sum(&own) as f64 > 1.05 * sum(&others) as f64, "{} against {}", sum(&own), sum(&others));
    assert_eq!(sum(&others), sum(&with("")), "one venue without rules is the index itself");
}

#[test]
fn what_a_taker_pays_or_gets_in_the_book_is_what_the_maker_gets_or_pays() {
    let scenario = lab::read(&lab::text_of("flash-crash").replace("count = 17_000", "count = 1_700"));
    let stage = Stage::new(&scenario, scenario.seed).unwrap();
    let mut book = Cashbook::default();
    Worker::new(&stage).run(0, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut book]).unwrap();
    let mut fills = std::collections::BTreeMap::<Option<u32>, (i64, i64, bool)>::new();
    for (_, fact) in &book.facts {
        if let Fact::Traded { party, qty, cash, order, via: Via::Book, .. } = *fact {
            let sums = fills.entry(order).or_default();
            (sums.0, sums.1) = (sums.0 + qty.0, sums.1 + cash.0);
            sums.2 |= party == Party::Maker;
        }
    }
    assert!(fills.len() > 50, "{} orders", fills.len());
    for (order, (lots, cash, maker)) in fills {
        assert_eq!((lots, cash, maker), (0, 0, true), "{order:?}");
    }
}

#[test]
fn the_sell_share_follows_from_net_flow_gross_flow_and_forced_orders() {
    let text = edit(
        &lab::text_of("flash-crash"),
        "open = 100_000\n",
        "open = 100_000\ngross_flow = 900_000_000\nflow_impact = 0.018\n",
    );
    let scenario = lab::read(&text);
    let rows = lab::run(&scenario, 60, Audited::No).rows;
    let plain = lab::run(&lab::read(&lab::text_of("flash-crash")), 60, Audited::No).rows;
    let (mut volume, mut sells, mut shares) = (0.0, 0.0, 0);
    for (row, plain) in rows.iter().zip(&plain) {
        // What is counted changes nothing else.
        let counted = Outcome { taker_volume: 0, taker_sells: 0, forced_volume: 0, ..row.clone() };
        assert_eq!(counted, *plain);
        // Fills against marks of the moment.
        let at_mark = (row.to_book + row.inventory_sold) as f64;
        assert!(row.forced_volume as f64 <= 1.02 * at_mark, "path {}", row.path);
        // Buys less sells of others are the net flow of the leg. It would be ln(low/high)/λ · 100M where the traded price fell as
        // the exogenous one did; forced orders deepen the traded one, so it is at most that.
        let others = (row.taker_volume - row.forced_volume) as f64 / 1e6;
        let net = 2.0 * (row.taker_sells - row.forced_volume) as f64 / 1e6 - others;
        let whole = (row.leg_from as f64 / row.leg_to as f64).ln() / 0.018 * 100e6;
        assert!(net > 0.0 && net < 1.1 * whole, "path {}: {net} of {whole}", row.path);
        // At least the gross flow of the time that the fall took: 5 to 20 minutes, or part of it.
        assert!((1e9..25e9).contains(&others), "path {}: {others}", row.path);
        volume += row.taker_volume as f64;
        sells += row.taker_sells as f64;
        shares += i32::from(row.forced_volume > 0);
    }
    assert!(shares > 10, "{shares} paths with forced orders on their leg");
    // A crash is no one-way street: 54 to 61 % of what was traded on recorded legs were taker sells.
    assert!((0.505..0.65).contains(&(sells / volume)), "{}", sells / volume);
}

#[test]
fn halving_the_step_keeps_the_liquidations_under_every_process() {
    let text = lab::text_of("flash-crash").replace("count = 17_000", "count = 1_700");
    let from = text.find("[assets.process]").unwrap();
    let to = from + text[from..].find("\n\n").unwrap();
    for process in [
        "kind = \"stochastic_volatility\"\nvolatility = 12\nvol_of_vol = 3000\nhalf_life = \"5 min\"",
        "kind = \"garch\"\nvolatility = 12",
        "kind = \"hawkes_jumps\"\nintensity = 500",
        "kind = \"jump_diffusion\"\nintensity = 300\njump_law = \"double_exponential\"",
    ] {
        let text = format!("{}[assets.process]\n{process}{}", &text[..from], &text[to..]);
        let coarse = lab::run(&lab::read(&text), 24, Audited::No).rows;
        let fine = lab::run(&lab::read(&edit(&text, "step = \"1 s\"", "step = \"250 ms\"")), 24, Audited::No).rows;
        assert!(coarse.iter().any(|row| row.liquidations > 0), "{process}");
        for (a, b) in coarse.iter().zip(&fine) {
            assert!((a.index_exogenous_low - b.index_exogenous_low).abs() <= 1, "{process}: path {}", a.path);
            assert_eq!(
                (a.liquidations, a.adl_accounts),
                (b.liquidations, b.adl_accounts),
                "{process}: path {}",
                a.path
            );
        }
    }
}
