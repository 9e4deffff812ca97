//! Maintenance that moves with volatility, through whole paths.

use flashcrash::experiment::Audited;
use flashcrash::facts::Fact;

use crate::lab::{self, TINY, edit};

fn with_steps(volatility: &str) -> String {
    let steps = format!(
        "[venue.dynamic_maintenance]\nwindow = \"5 min\"\nsteps = [{{ volatility = \"{volatility}\", multiplier = 2 }}]\n\n[venue.fund]"
    );
    edit(TINY, "[venue.fund]", &steps)
}

#[test]
fn a_step_that_is_never_reached_changes_no_byte_of_a_row() {
    let plain = lab::run(&lab::read(TINY), 100, Audited::No);
    let calm = lab::run(&lab::read(&with_steps("900 %")), 100, Audited::No);
    assert_eq!(plain.rows, calm.rows);
}

#[test]
fn higher_maintenance_in_a_crash_liquidates_more_and_every_unit_is_accounted_for() {
    let sum = |text: &str| -> i64 {
        let delivered = lab::run(&lab::read(text), 200, Audited::Yes);
        delivered.rows.iter().map(|row| row.liquidations).sum()
    };
    let (plain, scaled) = (sum(TINY), sum(&with_steps("1 %")));
    assert!(scaled > plain, "{scaled} orders with twice the maintenance, {plain} without");
}

/// A fall of a few percent takes a step up, and the window forgets it again.
#[test]
fn steps_are_told_as_they_come_and_go() {
    let scenario = lab::read(&with_steps("1 %"));
    let stage = flashcrash::sim::stage::Stage::new(&scenario, scenario.seed).unwrap();
    let mut worker = flashcrash::sim::path::Worker::new(&stage);
    let wanted = flashcrash::sim::path::Wanted {
        series: flashcrash::sim::tally::Series::Skip,
        pair: flashcrash::sim::path::Pair::Alone,
    };
    let mut book = lab::Cashbook::default();
    worker.run(0, wanted, &mut [&mut book]).unwrap();
    let scaled: Vec<(bool, bool)> = book
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::MaintenanceScaled { multiplier, volatility, .. } => {
                Some((multiplier.0 == 2_000_000_000, volatility.0 >= 10_000_000))
            }
            _ => None,
        })
        .collect();
    assert!(scaled.len() >= 2, "{scaled:?}");
    // Twice where the volatility is 1 % or more, once below; each step is told once.
    assert!(scaled.iter().all(|(twice, rough)| twice == rough), "{scaled:?}");
    assert!(scaled.windows(2).all(|pair| pair[0].0 != pair[1].0), "{scaled:?}");
}
