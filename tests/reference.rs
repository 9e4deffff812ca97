//! A second implementation of the venue's rules, naive and in exact decimals, played against the venue.
//!
//! `world` is what a small world holds, `draw` draws one, and `translate` puts it into what the venue takes. `model` is the
//! rules as `docs/methods.md` has them, looking at every account whenever anything happens, with `margin`, `orders`, `own`,
//! `purses`, `stops`, `vaults` and `adl`. `drive` gives both the same commands, legal and illegal, and compares what is told and
//! what everybody holds after each, by `watched` and `desk`. The model uses nothing of this crate (a test holds that); a
//! world that differs is shrunk before it is shown.

mod adl;
mod desk;
mod draw;
mod drive;
mod margin;
mod model;
mod orders;
mod own;
mod purses;
mod stops;
mod translate;
mod vaults;
mod watched;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use desk::Counts;
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
fn play_all(seeds: std::ops::Range<u64>, draw: fn(u64) -> World) -> Counts {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut counts = Counts::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(counts);
            }
            let world = draw(seed);
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
    let counts = play_all(0..20_000, World::draw);
    // Each mechanism is met often enough for a difference to show.
    assert!(counts.refused > 100_000, "{counts:?}");
    assert!(counts.orders > 60_000 && counts.cross > 15_000 && counts.fills > 100_000, "{counts:?}");
    assert!(counts.rounds > 40_000 && counts.deleveraged > 30_000, "{counts:?}");
    assert!(counts.takeovers > 25_000 && counts.tickets > 15_000, "{counts:?}");
    assert!(counts.vault_takeovers > 7_000 && counts.vault_sales > 4_000, "{counts:?}");
    assert!(counts.drawdowns > 1_000 && counts.exhausted > 30_000, "{counts:?}");
    assert!(counts.socialised > 4_000 && counts.borne_by_vaults > 4_000, "{counts:?}");
    assert!(counts.unfunded > 15_000 && counts.funded > 3_000, "{counts:?}");
}

#[test]
fn they_agree_where_accounts_act_of_their_own_accord() {
    let counts = play_all(0..20_000, World::draw_with_own_orders);
    assert!(counts.acted > 80_000 && counts.orders > 60_000 && counts.deleveraged > 30_000, "{counts:?}");
}

#[test]
fn they_agree_where_the_venue_is_interrupted_and_maintenance_moves() {
    let counts = play_all(0..20_000, World::draw_disturbed);
    assert!(counts.orders > 40_000 && counts.cross > 10_000 && counts.deleveraged > 20_000, "{counts:?}");
    assert!(counts.halted > 5_000 && counts.banded > 1_000 && counts.scaled > 10_000, "{counts:?}");
}

/// Whatever the model took from the crate would agree with it.
#[test]
fn the_model_uses_nothing_of_the_crate() {
    for file in ["world", "desk", "model", "margin", "orders", "own", "purses", "stops", "vaults", "adl"] {
        let text = std::fs::read_to_string(lab::root().join(format!("tests/reference/{file}.rs"))).unwrap();
        assert!(text.contains("pub "), "{file} was read");
        assert!(!text.contains("flashcrash"), "{file} uses the crate");
    }
}

/// `cargo test --release --test main a_million_worlds -- --ignored --nocapture`
#[test]
#[ignore = "minutes"]
fn venue_and_model_agree_on_a_million_worlds() {
    let began = Instant::now();
    let counts = play_all(1_000_000..2_000_000, World::draw);
    println!("{:.0} s: {counts:?}", began.elapsed().as_secs_f64());
}

/// `cargo test --release --test main half_a_million -- --ignored --nocapture`
#[test]
#[ignore = "minutes"]
fn they_agree_on_half_a_million_disturbed_worlds() {
    let began = Instant::now();
    let counts = play_all(1_000_000..1_500_000, World::draw_disturbed);
    println!("{:.0} s: {counts:?}", began.elapsed().as_secs_f64());
}
