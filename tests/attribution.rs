//! What each part of the market adds, on the same shocks.

use std::sync::atomic::AtomicBool;

use flashcrash::folder::attribution::{Attribution, Effect};
use flashcrash::scenario::Scenario;
use flashcrash::study::{Runs, attribute};

use crate::lab;

const PANIC: &str = "\n[[traders.behaviours]]\nkind = \"panic\"\nfall = 0.02\nshare = 0.5\n";

/// A crash of a thousand accounts on a thin book that withdraws; some of them panic.
fn crash() -> String {
    let text = lab::text_of("flash-crash");
    let text = lab::edit(&text, "horizon = \"30 min\"", "horizon = \"15 min\"");
    let text = lab::edit(&text, "min = 0.02, max = 0.1 }", "min = 0.05, max = 0.12 }");
    let text = lab::edit(&text, "depth_1pct = 122_000_000", "depth_1pct = 4_000_000");
    let text = lab::edit(&text, "count = 17_000", "count = 900");
    let second = text.find("\n[[traders]]\nname = \"professionals\"").unwrap();
    format!("{}{PANIC}", &text[..second])
}

fn attributed(text: &str) -> Attribution {
    let load = || -> Result<Scenario, _> { Ok(lab::read(text)) };
    let (stop, paths) = (AtomicBool::new(false), 12);
    let runs = Runs { seed: 1, paths, threads: 2, stop: &stop, progress: &|_| () };
    attribute::attribute(&load, &runs).unwrap()
}

fn effect<'a>(found: &'a Attribution, name: &str) -> &'a Effect {
    found.effects.iter().find(|effect| effect.name == name).unwrap()
}

#[test]
fn in_order_the_parts_add_up_and_nothing_moves_a_price_without_feedback() {
    let text = crash();
    let found = attributed(&text);
    assert_eq!(found.parts, ["feedback", "withdrawal", "behaviours"]);
    for effect in &found.effects {
        let sum: f64 = effect.added.iter().map(|added| added.in_order.estimate).sum();
        let whole = effect.on.estimate - effect.off.estimate;
        assert!((sum - whole).abs() <= 1e-9 * whole.abs().max(1.0), "{}: {sum} against {whole}", effect.name);
        // What is added last to all others is what the last part adds in order; the first part's first is its own.
        assert_eq!(effect.added[2].last_in, effect.added[2].in_order, "{}", effect.name);
        assert_eq!(effect.added[0].first_in, effect.added[0].in_order, "{}", effect.name);
    }
    let moved = effect(&found, "traded_move");
    // With all parts off the traded price is the exogenous index.
    let rows = lab::run(&lab::read(&text), 12, flashcrash::experiment::Audited::No).rows;
    let exogenous = rows.iter().map(|row| (row.price_open - row.index_exogenous_low) as f64 / row.price_open as f64);
    let exogenous = exogenous.sum::<f64>() / 12.0 * 100.0;
    assert!((moved.off.estimate - exogenous).abs() < 1e-6, "{} against {exogenous}", moved.off.estimate);
    // Neither withdrawal nor behaviours move a price that nothing moves; on a book that is moved both do.
    for part in [1, 2] {
        let first = moved.added[part].first_in;
        assert_eq!((first.estimate, first.low, first.high), (0.0, 0.0, 0.0));
    }
    assert!(moved.added[0].first_in.low > 0.0, "{:?}", moved.added[0]);
    assert!(moved.added[1].last_in.low > 0.0, "{:?}", moved.added[1]);
    // Who panics is not liquidated: alone, behaviours take away from liquidations.
    assert!(effect(&found, "liquidated_notional").added[2].first_in.high < 0.0);
}

#[test]
fn without_behaviours_there_are_two_parts() {
    let found = attributed(&lab::edit(&crash(), PANIC, ""));
    assert_eq!(found.parts, ["feedback", "withdrawal"]);
    assert_eq!(found.effects[0].added.len(), 2);
}

#[test]
fn what_is_written_is_what_is_read() {
    let found = attributed(&crash());
    assert_eq!(Attribution::from_json(&found.to_json()), Some(found.clone()));
    let rows = found.csv().lines().count();
    assert_eq!(rows, 1 + found.effects.len() * (2 + 3 * found.parts.len()));
}

#[test]
fn a_run_with_attribution_tells_it_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("crash.toml"), folder.path().join("out"));
    std::fs::write(&file, crash()).unwrap();
    let (file, out_) = (file.to_str().unwrap(), out.to_str().unwrap());
    let mut command = lab::flashcrash(&["run", file, "--paths", "6", "--attribute", "--out", out_]);
    let told = String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap();
    for words in ["added first", "in order", "added last", "all parts off", "feedback", "withdrawal", "behaviours"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    for name in ["attribution.json", "attribution.csv", "attribution.svg", "attribution.png"] {
        assert!(out.join(name).exists(), "{name}");
    }
    // The page shows the picture and, for those who do not see it, the same table.
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    let figure = page.split("<figure class=\"drawn\">").nth(1).unwrap().split("</figure>").next().unwrap();
    assert!(figure.contains("<svg") && figure.contains("added last") && figure.contains("all parts off"));
}
