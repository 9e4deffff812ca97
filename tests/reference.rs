//! A second implementation of the venue's rules, naive and in exact decimals, played against the venue.
//!
//! `world` draws small worlds and turns them into what the venue takes; `model` is the rules as `docs/methods.md` has
//! them, looking at every account whenever anything happens, with `margin` and `adl`; `drive` gives both the same
//! commands, legal and illegal, and compares what is told and what everybody holds after each. `model`, `margin` and
//! `adl` use nothing of this crate (a test holds that); a world that differs is shrunk before it is shown.

mod adl;
mod drive;
mod margin;
mod model;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use drive::Counts;
use world::World;

use crate::lab;

/// Plays one world; a panic of either side is a difference too.
fn play(world: &World) -> Result<Counts, String> {
    catch_unwind(AssertUnwindSafe(|| drive::play(world))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panic: {}", text.or(panic.downcast_ref::<&str>().map(|&text| text.into())).unwrap_or_default()))
    })
}

/// The least world that still differs, by leaving out steps and holdings as long as that is possible.
fn shrink(mut world: World, mut difference: String) -> (World, String) {
    loop {
        let mut smaller = Vec::new();
        for i in 0..world.steps.len() {
            let mut less = world.clone();
            less.steps.remove(i);
            smaller.push(less);
        }
        for i in 0..world.holdings.len() {
            let mut less = world.clone();
            less.holdings.remove(i);
            smaller.push(less);
        }
        let Some(found) = smaller.into_iter().find_map(|less| play(&less).err().map(|why| (less, why))) else {
            return (world, difference);
        };
        (world, difference) = found;
    }
}

/// Plays the worlds of these numbers on two threads.
fn play_all(seeds: std::ops::Range<u64>) -> Counts {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut counts = Counts::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(counts);
            }
            let world = World::draw(seed);
            match play(&world) {
                Ok(of_one) => counts.add(of_one),
                Err(difference) => {
                    next.store(seeds.end, Ordering::Relaxed);
                    return Err(Box::new((world, difference)));
                }
            }
        }
    };
    let results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut counts = Counts::default();
    for result in results {
        match result {
            Ok(of_one) => counts.add(of_one),
            Err(found) => {
                let (world, difference) = shrink(found.0, found.1);
                panic!("world {}: {difference}\n{world:#?}", world.seed);
            }
        }
    }
    counts
}

#[test]
fn venue_and_model_agree_on_every_small_world() {
    let counts = play_all(0..20_000);
    // Each mechanism is met often enough for a difference to show.
    assert!(counts.refused > 10_000, "{counts:?}");
    assert!(counts.orders > 10_000 && counts.fills > 10_000, "{counts:?}");
    assert!(counts.rounds > 3_000 && counts.deleveraged > 3_000, "{counts:?}");
    assert!(counts.takeovers > 1_000 && counts.tickets > 1_000, "{counts:?}");
    assert!(counts.exhausted > 1_000 && counts.unfunded > 1_000 && counts.funded > 1_000, "{counts:?}");
}

/// `model`, `margin` and `adl` are written from the definitions: whatever they took from the crate would agree with it.
#[test]
fn the_model_uses_nothing_of_the_crate() {
    for file in ["model", "margin", "adl"] {
        let text = std::fs::read_to_string(lab::root().join(format!("tests/reference/{file}.rs"))).unwrap();
        assert!(text.contains("use super::"), "{file} was read");
        assert!(!text.contains("flashcrash"), "{file} uses the crate");
    }
}

/// `cargo test --test main a_million_worlds -- --ignored --nocapture`
#[test]
#[ignore = "minutes"]
fn venue_and_model_agree_on_a_million_worlds() {
    let began = Instant::now();
    let counts = play_all(1_000_000..2_000_000);
    println!("{:.0} s: {counts:?}", began.elapsed().as_secs_f64());
}
