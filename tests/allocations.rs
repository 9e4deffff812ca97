//! A path allocates nothing once its worker has run the like: memory is reused from path to path, and never asked for
//! in the loop. The crate `allocation-counter` counts what this thread asks for.

#[path = "../benches/paths/people.rs"]
mod people;
#[path = "../benches/paths/world.rs"]
mod world;

use std::path::Path;

use flashcrash::scenario::Scenario;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use world::{ADL_ONLY, FIXED_BOOK, FUNDING, World};

const SMALL: World = World { far: 1_800, near: 200, steps: 120, far_long: 0.2, ..FIXED_BOOK };

/// What running the paths 0 to 4 asks for, after they were run once.
fn allocations(scenario: &Scenario) -> u64 {
    let stage = Stage::new(scenario, 1).expect("its accounts can be drawn");
    let mut worker = Worker::new(&stage);
    let mut run = || {
        (0..5)
            .map(|path| {
                let wanted = Wanted { series: Series::Skip, pair: Pair::WithInfiniteDepth };
                worker.run(path, wanted, &mut []).expect("no invariant breaks").liquidations
            })
            .sum::<i64>()
    };
    assert!(run() >= 500, "a world without liquidations proves nothing");
    allocation_counter::measure(|| assert!(run() >= 500)).count_total
}

#[test]
fn a_path_on_a_fixed_book_allocates_nothing() {
    assert_eq!(allocations(&SMALL.scenario()), 0);
}

#[test]
fn a_path_with_accounts_drawn_anew_allocates_nothing() {
    assert_eq!(allocations(&World { redraw: "resampled", ..SMALL }.scenario()), 0);
}

#[test]
fn a_path_with_funding_allocates_nothing() {
    assert_eq!(allocations(&World { funding: FUNDING, ..SMALL }.scenario()), 0);
}

#[test]
fn a_path_with_adl_rounds_allocates_nothing() {
    assert_eq!(allocations(&World { layers: ADL_ONLY, ..SMALL }.scenario()), 0);
}

#[test]
fn a_path_on_which_accounts_act_allocates_nothing() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/flash-crash.toml");
    for setting in &people::SETTINGS[2..] {
        assert_eq!(allocations(&setting.scenario(&shipped)), 0, "{}", setting.name);
    }
}

#[test]
fn what_is_counted_is_seen() {
    assert!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 100]))).count_total >= 1);
}
