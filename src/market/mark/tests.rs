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
    "#);
}
