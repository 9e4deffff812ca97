//! The published index on hand-worked prices: weights, outliers, staleness, lag, the venue's own book.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::fault::{Paint, Source};
use crate::registry::{Node, read};

fn reading(text: &str) -> (Option<IndexRule>, Reading) {
    let source = Arc::new(Source { name: "x.toml".into(), text: text.to_owned() });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    let node = Node::parse(&source, &mut reading.faults);
    let rule = read(&node, KEYS, "`index`", &mut reading)
        .and_then(|values| IndexRule::of(&values, OwnBook::FollowsIndex, &mut reading));
    (rule.filter(|_| !reading.faults.is_fatal()), reading)
}

fn rule(text: &str) -> IndexRule {
    let (rule, reading) = reading(text);
    rule.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}

const ADDRESS: Address = Address { seed: 7, path: 2, asset: 0, direction: Direction::Down };

/// The index at each of the refreshes, a second apart, where the process stands at 100, less 1 at each, and the own mid at 90.
fn walked(rule: &IndexRule, refreshes: usize) -> Vec<f64> {
    let exogenous: Vec<f64> = (0..refreshes).map(|i| 100.0 - i as f64).collect();
    let mut factors = vec![f64::NAN];
    rule.draw(ADDRESS, refreshes, Nanos::SECOND, &mut factors);
    let mut published = Published::default();
    published.reset(100.0);
    (0..refreshes)
        .map(|i| {
            published.refresh(
                rule,
                Feeds {
                    refresh: i,
                    now: Nanos::SECOND * i64::try_from(i).unwrap(),
                    factors: &factors,
                    exogenous: &exogenous[..=i],
                    step: Nanos::SECOND,
                    permanent: 1.0,
                    own: 90.0,
                },
            )
        })
        .collect()
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
}

#[test]
fn one_constituent_without_rules_is_the_index_to_the_bit() {
    let index = walked(&rule("venues = [{ name = \"all\" }]"), 5);
    assert_eq!(index, [100.0, 99.0, 98.0, 97.0, 96.0]);
}

#[test]
fn weights_and_lags_are_those_that_are_asked() {
    let index = walked(&rule("venues = [{ name = \"a\", weight = 3 }, { name = \"late\", lag = \"2500 ms\" }]"), 5);
    // Two whole steps behind: 100, 100, 100, 99, 98.
    for (found, wanted) in index.iter().zip([100.0, 99.25, 98.5, 97.5, 96.5]) {
        near(*found, wanted);
    }
}

/// Three venues, one of which loses a fifth at 2 s for 3 s and gets half of it back in a second.
fn dislocated(rules: &str) -> Vec<f64> {
    walked(
        &rule(&format!(
            "{rules}venues = [{{ name = \"a\" }}, {{ name = \"b\" }}, {{ name = \"c\", dislocation = 0.2, dislocation_at = 2, \
             dislocation_lasts = \"3 s\", dislocation_half_life = \"1 s\" }}]"
        )),
        7,
    )
}

#[test]
fn a_dislocation_of_one_venue_reaches_the_index_by_its_weight_unless_a_rule_keeps_it_out() {
    let kept = dislocated("");
    near(kept[1], 99.0);
    near(kept[2], 98.0 * 2.8 / 3.0);
    near(kept[5], 95.0 * 2.8 / 3.0);
    // A second after it begins to recover half of the log is left.
    near(kept[6], 94.0 * (2.0 + 0.8_f64.sqrt()) / 3.0);
    let dropped = dislocated("outliers = \"drop\"\n");
    near(dropped[2], 98.0);
    // 10.6 % off is out too, with a band of 11 % it is in.
    near(dropped[6], 94.0);
    near(dislocated("outliers = \"drop\"\nband = 0.11\n")[6], kept[6]);
    let capped = dislocated("outliers = \"cap\"\nband = \"3 %\"\n");
    near(capped[2], 98.0 * 2.97 / 3.0);
    near(capped[1], 99.0);
}

#[test]
fn where_more_than_one_venue_is_off_the_median_is_the_index() {
    let text = "outliers = \"drop\"\nvenues = [{ name = \"a\", weight = 10 }, { name = \"b\", dislocation = 0.1 }, \
                { name = \"c\", dislocation = 0.3 }]";
    near(walked(&rule(text), 1)[0], 90.0);
}

#[test]
fn a_silent_feed_counts_until_it_is_stale_and_then_no_more() {
    let text = "stale_after = \"2 s\"\nvenues = [{ name = \"a\" }, { name = \"b\", outage_at = \"1 s\", outage_lasts = \"4 s\" }]";
    // b stays at 100 from 0 s on; aged 3 s and more it is out; back at 5 s.
    for (found, wanted) in walked(&rule(text), 7).iter().zip([100.0, 99.5, 99.0, 97.0, 96.0, 95.0, 94.0]) {
        near(*found, wanted);
    }
    let all = "stale_after = \"1 s\"\nvenues = [{ name = \"a\", outage_at = \"2 s\" }]";
    assert_eq!(walked(&rule(all), 6), [100.0, 99.0, 99.0, 99.0, 99.0, 99.0]);
}

#[test]
fn the_own_book_can_be_a_constituent() {
    let index = walked(&rule("venues = [{ name = \"others\" }, { name = \"own\", own = true }]"), 3);
    assert_eq!(index, [95.0, 94.5, 94.0]);
}

#[test]
fn noise_is_stationary_with_its_deviation_and_half_life_and_moves_no_other_venue() {
    let text = "venues = [{ name = \"a\", noise = 0.01, noise_half_life = \"3 s\" }, { name = \"b\", noise = 0.002 }]";
    let mut factors = Vec::new();
    let (mut squares, mut products) = (vec![], vec![]);
    for path in 0..2_000 {
        rule(text).draw(Address { path, ..ADDRESS }, 41, Nanos::SECOND, &mut factors);
        let log: Vec<f64> = factors[..41].iter().map(|x| x.ln()).collect();
        squares.push((log[0].powi(2) + log[20].powi(2) + log[40].powi(2)) / 3.0);
        products.push(f64::midpoint(log[0] * log[3], log[20] * log[23]));
    }
    for (values, wanted) in [(squares, 1e-4), (products, 0.5e-4)] {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let error = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
        assert!((mean - wanted).abs() < 2.576 * error, "{mean:e} ± {error:e}, not {wanted:e}");
        assert!(error < 0.05 * wanted);
    }
    let mut alone = Vec::new();
    rule(text).draw(ADDRESS, 41, Nanos::SECOND, &mut factors);
    rule("venues = [{ name = \"a\" }, { name = \"b\", noise = 0.002 }]").draw(ADDRESS, 41, Nanos::SECOND, &mut alone);
    assert_eq!(factors[41..], alone[41..]);
}

#[test]
fn wrong_indices_are_located() {
    let text = [
        reading("venues = []"),
        reading("outliers = \"dropp\"\nvenues = [{ name = \"a\", weight = 0 }]"),
        reading("venues = [{ name = \"a\", dislocation = 1.5, dislocation_at = -1, outage_lasts = \"1 s\" }]"),
        reading("venues = [{ name = \"a\", own = true, noise = 0.1 }]"),
        reading("band = 0.05"),
    ]
    .map(|(rule, reading)| {
        assert!(rule.is_none());
        reading.faults.render(Paint::Plain)
    })
    .concat();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("error") || line.contains("-->") || line.contains("help"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    error: an index without venues
     --> x.toml:1:10
      = help: add a table `[[assets.index.venues]]`
    error: `outliers` cannot be "dropp"
     --> x.toml:1:12
      = help: did you mean "drop"?
    error: `weight` cannot be 0
     --> x.toml:2:34
      = help: it takes a number from 0.000001 to 1000000
    error: `dislocation` can become 1.5
     --> x.toml:1:39
      = help: every value must be from 0 to 0.999999
    error: `dislocation_at` can become -1
     --> x.toml:1:61
      = help: every value must be 0 or more, and finite
    error: an outage without a start
     --> x.toml:1:80
      = help: add `outage_at`, or leave this out
    error: the venue's own book has its price from its orders alone
     --> x.toml:1:31
      = help: leave out `noise`, `lag` and `dislocation` here
    error: `index` lacks the table `venues`
     --> x.toml:1:1
      = help: add `[[assets.index.venues]]`: the constituents, once for each
    "#);
}
