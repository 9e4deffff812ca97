//! Mechanisms that recorded crashes taught, each as its shipped scenario shows it: means over 200 paths with 99 % intervals.

use flashcrash::experiment::Audited;
use flashcrash::facts::{Fact, Outcome, Party, Via};
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;

use crate::lab::{self, Cashbook};

const PATHS: u64 = 200;
/// 99 % of a normal distribution lie within so many standard errors.
const Z99: f64 = 2.576;

/// The mean of values and a 99 % interval around it.
fn interval(values: &[f64]) -> (f64, f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = Z99 * (variance / n).sqrt();
    (mean - half, mean, mean + half)
}

fn rows(text: &str) -> Vec<Outcome> {
    lab::run(&lab::read(text), PATHS, Audited::No).rows
}

fn means(rows: &[Outcome], of: fn(&Outcome) -> f64) -> (f64, f64, f64) {
    interval(&rows.iter().map(of).collect::<Vec<f64>>())
}

/// Cash in millions, of a currency with six digits.
fn millions(cash: i64) -> f64 {
    cash as f64 / 1e12
}

#[test]
fn a_capped_vault_is_deleveraged_while_the_vaults_together_gain() {
    let scenario = lab::read(&lab::text_of("backstop-oct-2025"));
    let stage = Stage::new(&scenario, scenario.seed).unwrap();
    let mut worker = Worker::new(&stage);
    let (mut first, mut together, mut deleveraged) = (Vec::new(), Vec::new(), Vec::new());
    for path in 0..PATHS {
        let mut seen = Cashbook::default();
        worker.run(path, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut seen]).unwrap();
        let (mut results, mut adl, mut unrealised) = ([0.0; 2], 0.0, 0.0);
        for (_, fact) in &seen.facts {
            match *fact {
                Fact::BackstopClosed { backstop, result, .. } => results[usize::from(backstop)] += millions(result.0),
                Fact::Traded { party: Party::Backstop(_), cash, via: Via::Adl, .. } => {
                    adl += millions(cash.0).abs();
                }
                Fact::Inventory { mark_to_market } => unrealised = millions(mark_to_market.0),
                _ => {}
            }
        }
        first.push(results[0]);
        together.push(results[0] + results[1] + unrealised);
        deleveraged.push(adl);
    }
    let (first, together, deleveraged) = (interval(&first), interval(&together), interval(&deleveraged));
    println!("first vault {first:?}, all vaults {together:?}, deleveraged {deleveraged:?}, millions");
    assert!(deleveraged.0 > 1.0, "the capped vault is deleveraged: {deleveraged:?}");
    assert!(together.0 > 0.0, "the vaults together gain: {together:?}");
}

#[test]
fn a_vault_that_shares_its_collateral_bleeds_and_one_with_a_cap_is_deleveraged() {
    let text = lab::text_of("shared-vault");
    let shared = rows(&text);
    let capped = rows(&lab::edit(&text, "capital = 235_000_000\n", "capital = 235_000_000\nloss_cap = 2_000_000\n"));
    let hole = means(&shared, |row| millions(row.inventory_hole));
    let cut = means(&capped, |row| millions(row.inventory_hole));
    println!("hole {hole:?}, with a cap {cut:?}, millions");
    // 10.6 to 13.5M USD are on record; the takeover price and the book were assumed.
    assert!(hole.0 > 9.0 && hole.2 < 13.5, "{hole:?}");
    assert!(shared.iter().all(|row| row.adl_events == 0), "nobody is deleveraged for it");
    assert!(capped.iter().all(|row| row.adl_events > 0));
    assert!(cut.2 < hole.0 / 2.0, "{cut:?} against {hole:?}");
}

#[test]
fn the_engine_lacks_about_twice_on_paper_what_the_fund_ever_lacks() {
    let text = lab::text_of("bitmex-2020");
    let held = rows(&text);
    // 5,652 ÷ 2,606 is 2.17 on record.
    let ratio = |row: &Outcome| row.inventory_hole as f64 / (row.fund_open - row.fund_min) as f64;
    let found = means(&held, ratio);
    let at_once = rows(&lab::edit(&text, "engine_slice = 46_000\n", ""));
    let sold = means(&at_once, ratio);
    println!("hole ÷ decline {found:?}, sold at once {sold:?}");
    assert!(found.0 > 1.9 && found.2 < 2.9, "{found:?}");
    assert!(sold.2 < 1.0, "an engine that sells at once has no hole to hide: {sold:?}");
    assert!(held.iter().all(|row| row.adl_events == 0), "nobody is deleveraged");
}

#[test]
fn five_seconds_without_fills_raise_the_low_and_spare_accounts() {
    let text = lab::text_of("halt");
    let halted = rows(&text);
    let on = rows(&lab::edit(&text, "[[venue.halt]]\nat = \"80 s\"\nfor = \"5 s\"\n", ""));
    let pairs = |of: fn(&Outcome) -> i64| -> Vec<f64> {
        halted.iter().zip(&on).map(|(with, without)| of(with) as f64 / of(without) as f64 - 1.0).collect()
    };
    let low = interval(&pairs(|row| row.traded_low));
    let sold = interval(&pairs(|row| row.liquidated_notional));
    println!("low {low:?}, liquidated {sold:?}, shares of the same crash without a halt");
    assert!(low.0 > 0.0, "{low:?}");
    assert!(sold.2 < 0.0, "{sold:?}");
}

/// The scenario with the index of several venues, whose lines it holds as comments.
fn with_several_venues(text: &str) -> String {
    let (head, rest) = text.split_once("# [[assets.index.venues]]").unwrap();
    let (venues, tail) = rest.split_once("[venue]").unwrap();
    format!("{head}[[assets.index.venues]]{}[venue]{tail}", venues.replace("\n# ", "\n").replace("\n#\n", "\n\n"))
}

#[test]
fn a_token_valued_at_the_venues_own_spot_liquidates_accounts_that_an_index_of_several_venues_spares() {
    let text = lab::text_of("collateral-oct-2025");
    let run = |text: &str| lab::run(&lab::read(text), PATHS, Audited::Yes).rows;
    let (own, several) = (run(&text), run(&with_several_venues(&text)));
    let more = |of: fn(&Outcome) -> f64| {
        interval(&own.iter().zip(&several).map(|(own, several)| of(own) - of(several)).collect::<Vec<f64>>())
    };
    let accounts = more(|row| row.liquidated_accounts as f64);
    let notional = more(|row| millions(row.liquidated_notional));
    let spared = means(&several, |row| row.liquidated_accounts as f64);
    println!(
        "own spot less several venues: accounts {accounts:?}, millions {notional:?}; several: {spared:?} accounts"
    );
    assert!(accounts.0 > 20.0, "{accounts:?}");
    assert!(notional.0 > 0.0, "{notional:?}");
    // With collateral in cash the token's price is nobody's concern: the same accounts, the same paths, to the last unit.
    let cash = |text: &str| run(&lab::edit(text, "collateral_token = \"USDE\"\n", ""));
    assert_eq!(cash(&text), cash(&with_several_venues(&text)));
}

#[test]
fn a_token_pays_no_funding_and_is_no_open_interest() {
    let text = lab::edit(
        &lab::text_of("collateral-oct-2025"),
        "[venue.fund]",
        "[venue.funding]\ninterval = \"10 min\"\nperiod = \"10 min\"\n\n[venue.fund]",
    );
    let scenario = lab::read(&text);
    let stage = Stage::new(&scenario, scenario.seed).unwrap();
    let mut worker = Worker::new(&stage);
    let mut seen = Cashbook::default();
    let row = worker.run(0, Wanted { series: Series::Skip, pair: Pair::Alone }, &mut [&mut seen]).unwrap();
    let funded = |of: u16| {
        seen.facts.iter().filter(|(_, fact)| matches!(fact, Fact::Funding { contract, .. } if *contract == of)).count()
    };
    assert_eq!((funded(0), funded(1)), (6, 0));
    let long = worker.register().contracts[0].long_lots.max(worker.register().contracts[0].short_lots);
    // A thousandth of a bitcoin at 109,254.1.
    assert_eq!(row.open_interest, long.0 * 109_254_100, "all tokens are long, and none of it");
}
