//! Every mark rule on hand-worked prices.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::fault::{Paint, Source};
use crate::registry::{Node, Reading};

fn read(text: &str) -> (Option<Box<dyn MarkRule>>, Reading) {
    let source = Arc::new(Source { name: "x.toml".into(), text: format!("mark = {text}\n") });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    let node = Node::parse(&source, &mut reading.faults);
    let built = MARKS.choose(node.get("mark").unwrap(), &mut reading);
    (built, reading)
}

fn built(text: &str) -> Box<dyn MarkRule> {
    let (built, reading) = read(text);
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}

fn prices(elapsed_s: f64, index: f64, mid: f64, last: f64) -> Prices {
    Prices { elapsed_s, index, mid, bid: mid - 1.0, ask: mid + 1.0, last }
}

#[test]
fn every_rule_of_the_list_builds_from_its_bare_name_and_is_the_index_when_all_prices_agree() {
    for entry in MARKS.entries {
        let mut rule = built(&format!("\"{}\"", entry.kind));
        for elapsed_s in [0.0, 1.0, 0.5] {
            assert_eq!(rule.mark(prices(elapsed_s, 1_000.25, 1_000.25, 1_000.25)), 1_000.25, "{}", entry.kind);
        }
    }
}

#[test]
fn index_last_and_mid_are_what_they_say() {
    let seen = prices(1.0, 100.0, 98.0, 95.0);
    for (name, wanted) in [("index", 100.0), ("last", 95.0), ("mid", 98.0)] {
        assert_eq!(built(&format!("\"{name}\"")).mark(seen), wanted);
    }
}

#[test]
fn the_averaged_basis_halves_its_distance_in_a_half_life_however_often_it_is_refreshed() {
    for refreshes in [1_u32, 3, 10] {
        let mut rule = built("{ kind = \"ema_basis\", half_life = \"10 s\" }");
        assert_eq!(rule.mark(prices(0.0, 100.0, 100.0, 100.0)), 100.0);
        let mut mark = f64::NAN;
        for _ in 0..refreshes {
            mark = rule.mark(prices(10.0 / f64::from(refreshes), 100.0, 92.0, 80.0));
        }
        assert!((mark - 96.0).abs() < 1e-12, "{refreshes}: {mark}");
        // The index passes through at once, only the basis is averaged.
        assert!((rule.mark(prices(0.0, 50.0, 42.0, 80.0)) - 46.0).abs() < 1e-12);
        rule.reset();
        assert_eq!(rule.mark(prices(5.0, 100.0, 92.0, 80.0)), 92.0);
    }
}

#[test]
fn a_window_has_the_mean_age_of_a_flat_one() {
    // τ = 30 s: after 30 s the old basis weighs 1/e.
    let mut rule = built("{ kind = \"ema_basis\", window = \"60 s\" }");
    rule.mark(prices(0.0, 100.0, 110.0, 100.0));
    let mark = rule.mark(prices(30.0, 100.0, 100.0, 100.0));
    assert!((mark - (100.0 + 10.0 / std::f64::consts::E)).abs() < 1e-12, "{mark}");
}

/// Bases of 0, then 10 from the second sample on, one refresh a second.
fn stepped(rule: &mut dyn MarkRule, seconds: u32) -> f64 {
    rule.mark(prices(0.0, 100.0, 100.0, 100.0));
    let mut mark = f64::NAN;
    for _ in 0..seconds {
        mark = rule.mark(prices(1.0, 100.0, 110.0, 100.0));
    }
    mark
}

#[test]
fn a_flat_average_counts_what_lies_within_its_window_and_no_more() {
    // Thirty samples a second apart (Binance): after 12 s twelve of thirteen are 10, after 29 s one is still 0, after 30 none.
    for (seconds, wanted) in [(12, 100.0 + 120.0 / 13.0), (29, 100.0 + 290.0 / 30.0), (30, 110.0), (45, 110.0)] {
        let mut rule = built("{ kind = \"ema_basis\", average = \"flat\", window = \"30 s\" }");
        let mark = stepped(rule.as_mut(), seconds);
        assert!((mark - wanted).abs() < 1e-12, "{seconds}: {mark}");
        rule.reset();
        assert_eq!(rule.mark(prices(7.0, 100.0, 92.0, 80.0)), 92.0);
    }
    // Sampled every 10 s, a step shows at the next sample, and then as one of its number.
    let mut rule = built("{ kind = \"ema_basis\", average = \"flat\", window = \"30 s\", sampling = \"10 s\" }");
    assert_eq!(stepped(rule.as_mut(), 9), 100.0);
    let mut rule = built("{ kind = \"ema_basis\", average = \"flat\", window = \"30 s\", sampling = \"10 s\" }");
    assert_eq!(stepped(rule.as_mut(), 10), 105.0);
    // Refreshed more often than it is sampled, it takes no further samples.
    let mut rule = built("{ kind = \"ema_basis\", average = \"flat\", window = \"3 s\" }");
    for (elapsed_s, mid, wanted) in [(0.0, 103.0, 103.0), (0.5, 999.0, 103.0), (0.5, 106.0, 104.5), (1.0, 106.0, 105.0)]
    {
        assert_eq!(rule.mark(prices(elapsed_s, 100.0, mid, 100.0)), wanted);
    }
    assert_eq!(rule.mark(prices(1.0, 100.0, 106.0, 100.0)), 106.0);
}

#[test]
fn the_published_marks_forget_a_dislocation_in_their_own_time() {
    // The basis jumps to 10 and stays: Binance has half of it after 15 s, Hyperliquid after 104 s, Bybit after 150 s.
    for (text, seconds) in [
        ("{ kind = \"ema_basis\", average = \"flat\", window = \"30 s\" }", 15),
        ("{ kind = \"ema_basis\", half_life = \"104 s\" }", 104),
        ("{ kind = \"ema_basis\", average = \"flat\", window = \"5 min\" }", 150),
    ] {
        // A full window of calm first.
        let mut rule = built(text);
        for _ in 0..301 {
            rule.mark(prices(1.0, 100.0, 100.0, 100.0));
        }
        let mut mark = f64::NAN;
        for _ in 0..seconds {
            mark = rule.mark(prices(1.0, 100.0, 110.0, 100.0));
        }
        assert!((mark - 105.0).abs() < 1e-9, "{text}: {mark}");
    }
}

#[test]
fn the_third_leg_can_be_the_middle_of_the_book_and_the_last_trade() {
    // bid 95, ask 97: a last trade of 90 counts as 95, one of 99 as 97.
    for (last, wanted) in [(90.0, 96.0), (96.5, 96.5), (99.0, 97.0)] {
        let mut rule = built("{ kind = \"median\", traded = \"book\" }");
        assert_eq!(rule.mark(prices(0.0, 100.0, 96.0, last)), wanted, "{last}");
    }
    let mut rule = built("{ kind = \"median\", traded = \"book\", half_life = \"1000 h\" }");
    rule.mark(prices(0.0, 100.0, 90.0, 90.0));
    // Index 100, index + basis 90, book 95.
    assert!((rule.mark(prices(1.0, 100.0, 96.0, 20.0)) - 95.0).abs() < 1e-9);
}

#[test]
fn the_median_is_the_middle_one_of_three() {
    for (mid, last, wanted) in
        [(96.0, 90.0, 96.0), (96.0, 98.0, 98.0), (96.0, 103.0, 100.0), (104.0, 102.0, 102.0), (104.0, 110.0, 104.0)]
    {
        let mut rule = built("\"median\"");
        assert_eq!(rule.mark(prices(0.0, 100.0, mid, last)), wanted, "{mid} {last}");
    }
}

#[test]
fn wrong_rules_are_located() {
    let faults = |text: &str| {
        let (built, reading) = read(text);
        assert!(built.is_none());
        reading.faults.render(Paint::Plain)
    };
    let text = [
        faults("{ kind = \"median\", half_life = \"1 s\", window = \"2 s\" }"),
        faults("\"indx\""),
        faults("{ kind = \"index\", window = \"1 s\" }"),
        faults("{ kind = \"median\", average = \"flat\", half_life = \"1 s\" }"),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: `half_life` and `window` are both given
     --> x.toml:1:55
      |
    1 | mark = { kind = "median", half_life = "1 s", window = "2 s" }
      |                                                       ^^^^^
      |
      = help: keep one of them

    error: unknown mark rule "indx"
     --> x.toml:1:8
      |
    1 | mark = "indx"
      |        ^^^^^^
      |
      = help: did you mean "index"?

    error: unknown key `window` in mark rule "index"
     --> x.toml:1:26
      |
    1 | mark = { kind = "index", window = "1 s" }
      |                          ^^^^^^
      |
      = help: mark rule "index" has no keys

    error: a flat average has no half-life but a window
     --> x.toml:1:57
      |
    1 | mark = { kind = "median", average = "flat", half_life = "1 s" }
      |                                                         ^^^^^
      |
      = help: write `window`, as "30 s"
    "#);
}
