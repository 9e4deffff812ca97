//! Both books on hand-worked orders, and the laws that fixed orders at fixed times obey.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::fault::{Paint, Source};
use crate::money::Price;
use crate::registry::{Node, Reading};
use crate::rng::{Purpose, Stream, open_unit};

fn read(text: &str) -> (Option<Box<dyn Book>>, Reading) {
    let source = Arc::new(Source { name: "x.toml".into(), text: format!("book = {text}\n") });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    let node = Node::parse(&source, &mut reading.faults);
    let built = BOOKS.choose(node.get("book").unwrap(), &mut reading);
    (built, reading)
}

fn built(text: &str) -> Box<dyn Book> {
    let (built, reading) = read(text);
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}

/// BTC: a tick of 0.1 USDT, a lot of 0.001 BTC, a cash unit of 10⁻⁶ USDT: k = 100, a tick·lot is 10⁻⁴ USDT.
const INDEX: f64 = 1_145_003.0;
const NOTIONAL: f64 = 1e-4;
const K: f64 = 100.0;

/// A depth book of 122M USDT a side with further keys, at the start of a path.
fn depth(keys: &str) -> Box<dyn Book> {
    let mut book = built(&format!("{{ kind = \"depth\", depth_1pct = 122e6{keys} }}"));
    book.reset(INDEX, Reference::PerTickLot(NOTIONAL));
    book
}

/// Lots of a notional in USDT.
fn lots(usdt: f64) -> i64 {
    Price::nearest(usdt / NOTIONAL / INDEX).unwrap().0
}

fn refreshed(book: &mut dyn Book, elapsed_s: f64, index: f64) -> f64 {
    book.refresh(Refresh { elapsed_s, index })
}

#[test]
fn every_book_of_the_list_builds_and_keeps_the_laws_of_a_book() {
    let samples = [
        ("depth", "{ kind = \"depth\", depth_1pct = 122e6 }"),
        (
            "levels",
            "{ kind = \"levels\", bids = [{ price = 1145000, quantity = 50000 }], asks = [{ price = 1145006, quantity = 50000 }] }",
        ),
    ];
    for entry in BOOKS.entries {
        let (_, text) = samples
            .iter()
            .find(|(kind, _)| *kind == entry.kind)
            .unwrap_or_else(|| panic!("{} has no sample here", entry.kind));
        let mut book = built(text);
        book.reset(INDEX, Reference::PerTickLot(NOTIONAL));
        assert_eq!(refreshed(book.as_mut(), 0.0, INDEX), 0.0);
        let (bid, ask) = book.touch(INDEX);
        assert!(bid <= book.mid(INDEX) && book.mid(INDEX) <= ask, "{}", entry.kind);
        assert!((book.depth_left() - 1.0).abs() < 1e-12, "{}", entry.kind);
        for taker in [Taker::Sells, Taker::Buys] {
            assert_eq!(book.quote(INDEX, taker, 0), 0.0, "{}", entry.kind);
            assert!(book.capacity(INDEX, taker) > 0, "{}", entry.kind);
            let said = book.quote(INDEX, taker, 100);
            let mut copy = book.boxed_clone();
            assert_eq!(copy.take(INDEX, taker, 100), said, "{}", entry.kind);
            assert!(copy.capacity(INDEX, taker) < book.capacity(INDEX, taker));
            copy.reset(INDEX, Reference::PerTickLot(NOTIONAL));
            assert_eq!(copy.quote(INDEX, taker, 100), said, "{}", entry.kind);
            assert_eq!(book.infinitely_deep().displacement(), 0.0);
        }
    }
}

/// What a row of orders is offered and leaves behind, each in turn.
fn filled(book: &mut dyn Book, orders: &[(Taker, i64)]) -> Vec<(i64, u64, u64)> {
    let mut fill = |&(taker, lots): &(Taker, i64)| {
        let offer = book.offer(INDEX, taker, lots);
        book.accept(&offer);
        (offer.lots, offer.value.to_bits(), book.displacement().to_bits())
    };
    orders.iter().map(&mut fill).collect()
}

#[test]
fn orders_are_filled_alike_whether_or_not_they_were_foreseen() {
    let mut stream = Stream::new(7, Purpose::Bootstrap, (2, 0), 0);
    let books = ["", ", kappa = 0.7", ", standing_share = 0.3, standing_from = 0.001", ", max_displacement = 0.02"];
    for keys in books {
        let mut book = depth(keys);
        // Quotes are withdrawn, so that some of those that stay are reached.
        refreshed(book.as_mut(), 60.0, INDEX * 0.97);
        for _ in 0..50 {
            let orders: Vec<(Taker, i64)> = (0..20)
                .map(|_| {
                    let taker = if stream.word().is_multiple_of(3) { Taker::Buys } else { Taker::Sells };
                    (taker, lots(1e7 * open_unit(stream.word())))
                })
                .collect();
            let mut unforeseen = book.boxed_clone();
            let expected = filled(unforeseen.as_mut(), &orders);
            let mut foreseen = book.boxed_clone();
            foreseen.foresee(INDEX, &orders);
            assert_eq!(filled(foreseen.as_mut(), &orders), expected, "all as told{keys}");
            // The fifth is not sent, and the tenth is cut short.
            let mut sent = orders.clone();
            sent[9].1 /= 2;
            sent.remove(4);
            let expected = filled(book.boxed_clone().as_mut(), &sent);
            book.foresee(INDEX, &orders);
            assert_eq!(filled(book.as_mut(), &sent), expected, "otherwise than told{keys}");
            refreshed(book.as_mut(), 1_000.0, INDEX * 0.97);
        }
    }
}

#[test]
fn one_percent_costs_the_quoted_depth_and_the_average_fill_is_in_closed_form() {
    // κ = 1 is linear: 122M moves 1 % and fills at half of it.
    let mut book = depth(", kappa = 1.0, half_spread = 0, withdrawal = \"off\"");
    let size = lots(122e6);
    let value = size as f64 * INDEX;
    let paid = book.take(INDEX, Taker::Sells, size);
    let x = 0.01 * value * NOTIONAL / 122e6;
    assert!((book.displacement() + x).abs() < 1e-15, "{}", book.displacement());
    assert!((paid / value - (1.0 - 0.5 * x)).abs() < 1e-14);
    // κ = 1.16: the mean of x over the move in N is κ/(κ + 1) of its end.
    let mut book = depth(", half_spread = 0.001, withdrawal = \"off\"");
    let paid = book.take(INDEX, Taker::Buys, size);
    let x = book.displacement();
    assert!((x - 0.01).abs() < 1e-7 && (paid / value - (1.0 + x * 1.16 / 2.16 + 0.001)).abs() < 1e-14);
}

/// The sum over thin slices of lots at the mid of each slice.
fn by_slices(book: &mut dyn Book, taker: Taker, size: i64, slices: i64) -> f64 {
    let mut value = 0.0;
    for _ in 0..slices {
        let before = book.mid(INDEX);
        book.take(INDEX, taker, size / slices);
        value += 0.5 * (before + book.mid(INDEX)) * (size / slices) as f64;
    }
    value
}

#[test]
fn the_closed_form_is_the_integral_also_through_zero() {
    for (first, taker, size) in [
        (-200e6, Taker::Buys, 500e6),
        (150e6, Taker::Sells, 400e6),
        (0.0, Taker::Sells, 300e6),
        (-50e6, Taker::Sells, 100e6),
    ] {
        let mut book = depth(", kappa = 1.36, half_spread = 0, withdrawal = \"off\"");
        let pre = if first < 0.0 { Taker::Sells } else { Taker::Buys };
        book.take(INDEX, pre, lots(f64::abs(first)));
        let size = lots(size) / 20_000 * 20_000;
        let said = book.quote(INDEX, taker, size);
        let summed = by_slices(book.as_mut(), taker, size, 20_000);
        assert!((said / summed - 1.0).abs() < 1e-8, "{first} {taker:?}: {said} against {summed}");
    }
}

#[test]
fn two_immediate_halves_cost_what_the_whole_costs_to_a_cash_unit() {
    let mut stream = Stream::new(4, Purpose::Bootstrap, (0, 0), 0);
    for _ in 0..500 {
        let mut draw = || open_unit(stream.word());
        let mut whole = depth(", withdrawal_window = \"60 s\"");
        // A state that has a history: an order, a decay, a fall of the index.
        whole.take(INDEX, Taker::Sells, lots(300e6 * draw()));
        refreshed(whole.as_mut(), 20.0 * draw(), INDEX * (1.0 - 0.05 * draw()));
        let index = INDEX * 0.97;
        let taker = if draw() < 0.5 { Taker::Sells } else { Taker::Buys };
        let size = lots(1e6 * draw()) * 2;
        let mut halves = whole.boxed_clone();
        let parts = halves.take(index, taker, size / 2) + halves.take(index, taker, size / 2);
        let once = whole.take(index, taker, size);
        assert!(((parts - once) * K).abs() <= 1.0, "{} cash units", (parts - once) * K);
        assert!((halves.displacement() - whole.displacement()).abs() < 1e-14);
    }
}

#[test]
fn buying_back_at_once_restores_the_displacement_and_costs_twice_the_half_spread() {
    for keys in ["", ", kappa = 0.5", ", kappa = 3.0"] {
        for start in [0.0, 40e6, 400e6] {
            let mut book = depth(keys);
            book.take(INDEX, Taker::Sells, lots(start));
            let before = book.displacement();
            let size = lots(250e6);
            let received = book.take(INDEX, Taker::Sells, size);
            let paid = book.take(INDEX, Taker::Buys, size);
            assert!((book.displacement() - before).abs() < 1e-12, "{keys} {start}: {}", book.displacement() - before);
            let spread = 2.0 * 0.0001 * size as f64 * INDEX;
            assert!(
                ((paid - received - spread) * K).abs() <= 1.0,
                "{keys} {start}: {}",
                (paid - received - spread) * K
            );
        }
    }
}

#[test]
fn orders_taken_back_in_other_pieces_leave_nothing_even_where_depth_is_steep() {
    for i in 1..100 {
        let mut book = depth(", kappa = 3.0, withdrawal = \"off\"");
        let index = INDEX * (1.0 - 0.001_234_5 * f64::from(i));
        let sizes = [123_457, 7 * i64::from(i), 99_991];
        for size in sizes {
            book.take(index, Taker::Sells, size);
        }
        book.take(index, Taker::Buys, sizes.iter().sum());
        assert!(book.displacement().abs() < 1e-12, "{i}: {}", book.displacement());
    }
}

#[test]
fn a_withdrawn_book_moves_as_if_the_order_were_larger_by_what_is_gone() {
    // A return of exactly the half-return with floor 0.01 leaves W = 0.505.
    let keys = ", withdrawal_return = 0.02, half_spread = 0";
    let left = 0.01 + 0.99 / 2.0;
    let (mut whole, mut thin) = (depth(keys), depth(keys));
    let fallen = INDEX * (-0.02f64).exp();
    refreshed(thin.as_mut(), 1.0, fallen);
    let size = 1_010_000;
    let paid = thin.take(fallen, Taker::Sells, size);
    let larger = whole.take(fallen, Taker::Sells, 2_000_000);
    assert!((thin.displacement() / whole.displacement() - 1.0).abs() < 1e-12);
    // The same move, so the same average discount.
    assert!((paid / size as f64 - larger / 2e6).abs() < 1e-6 * fallen * left);
    assert!(
        (thin.capacity(fallen, Taker::Buys) as f64 / whole.capacity(fallen, Taker::Buys) as f64 - left).abs() < 1e-6
    );
}

#[test]
fn proceeds_grow_with_every_lot_and_ever_more_slowly() {
    let mut book = depth("");
    refreshed(book.as_mut(), 1.0, INDEX * 0.93);
    book.take(INDEX, Taker::Buys, lots(1e6));
    let most = book.capacity(INDEX, Taker::Sells);
    let mut marginal = f64::INFINITY;
    for i in 0..400 {
        let at = most / 400 * i;
        let steps = [0, 1, 1_000].map(|more| book.quote(INDEX, Taker::Sells, at + more));
        assert!(steps[1] > steps[0] && steps[2] > steps[1], "{at}");
        let now = (steps[2] - steps[0]) / 1_000.0;
        assert!(now <= marginal * (1.0 + 1e-9), "{at}: {now} after {marginal}");
        marginal = now;
    }
    assert!(marginal > 0.0);
}

#[test]
fn nothing_fills_beyond_the_greatest_displacement() {
    for taker in [Taker::Sells, Taker::Buys] {
        let mut book = depth(", max_displacement = 0.3, withdrawal = \"off\"");
        book.take(INDEX, Taker::Buys, lots(100e6));
        let most = book.capacity(INDEX, taker);
        book.take(INDEX, taker, most);
        assert!((book.displacement() - 0.3 * taker.sign()).abs() < 1e-8, "{}", book.displacement());
        assert_eq!(book.capacity(INDEX, taker), 0);
    }
    // D·30^1.16 for a side from 0.
    let book = depth(", max_displacement = 0.3, withdrawal = \"off\"");
    let usdt = book.capacity(INDEX, Taker::Sells) as f64 * INDEX * NOTIONAL;
    assert!((usdt / (122e6 * 30f64.powf(1.16)) - 1.0).abs() < 1e-6, "{usdt}");
}

#[test]
fn consumed_notional_halves_in_a_half_life_and_a_fall_that_decays_leaves_the_index_lower() {
    let mut book = depth(", half_life = \"30 s\", permanent = 0.1, withdrawal = \"off\"");
    book.take(INDEX, Taker::Sells, lots(122e6));
    let x0 = book.displacement();
    assert!(x0 < -0.009_9);
    let change = refreshed(book.as_mut(), 30.0, INDEX);
    let x1 = book.displacement();
    // Half the notional is 0.5^(1/1.16) of the displacement.
    assert!((x1 / x0 - 0.5f64.powf(1.0 / 1.16)).abs() < 1e-12);
    assert!((change - 0.1 * (x0 - x1)).abs() < 1e-16 && change < 0.0, "{change}");
    // Whatever the intervals, all of it in the end passes a tenth of the displacement.
    let mut total = change;
    for _ in 0..10_000 {
        total += refreshed(book.as_mut(), 1.7, INDEX);
    }
    assert!((total - 0.1 * x0).abs() < 1e-13, "{total}");
    assert_eq!(book.displacement(), 0.0);
    // A squeeze up that decays leaves it higher.
    book.take(INDEX, Taker::Buys, lots(10e6));
    assert!(refreshed(book.as_mut(), 1.0, INDEX) > 0.0);
}

#[test]
fn decay_does_not_depend_on_how_often_it_is_refreshed() {
    let after = |refreshes: u32| {
        let mut book = depth(", withdrawal = \"off\"");
        book.take(INDEX, Taker::Sells, lots(122e6));
        for _ in 0..refreshes {
            refreshed(book.as_mut(), 90.0 / f64::from(refreshes), INDEX);
        }
        book.displacement()
    };
    assert!((after(1) - after(90)).abs() < 1e-13 && (after(1) - after(7)).abs() < 1e-13);
}

/// Fixed orders at fixed times: sells, now and then a buy, one order every 5 s.
fn low_of_fixed_orders(depth_usdt: f64, seed: u64) -> f64 {
    let mut book =
        built(&format!("{{ kind = \"depth\", depth_1pct = {depth_usdt}, permanent = 0, withdrawal = \"off\" }}"));
    book.reset(INDEX, Reference::PerTickLot(NOTIONAL));
    let mut stream = Stream::new(seed, Purpose::Bootstrap, (1, 0), 0);
    let mut low: f64 = 0.0;
    for _ in 0..200 {
        let taker = if open_unit(stream.word()) < 0.7 { Taker::Sells } else { Taker::Buys };
        book.take(INDEX, taker, lots(40e6 * open_unit(stream.word())));
        low = low.min(book.displacement());
        refreshed(book.as_mut(), 5.0, INDEX);
    }
    low
}

#[test]
fn twice_the_depth_never_deepens_the_low_of_fixed_orders() {
    for seed in 0..20 {
        let lows: Vec<f64> = [60e6, 120e6, 240e6, 480e6].map(|depth| low_of_fixed_orders(depth, seed)).into();
        assert!(lows.windows(2).all(|pair| pair[0] < pair[1]), "{lows:?}");
        assert!(lows[0] < -0.02, "{lows:?}");
    }
}

#[test]
fn a_million_times_the_depth_trades_at_the_index_on_ticks() {
    let mut book = built("{ kind = \"depth\", depth_1pct = 122e12, permanent = 0 }");
    book.reset(INDEX, Reference::PerTickLot(NOTIONAL));
    for i in 0..200 {
        let index = INDEX - f64::from(1_000 * i);
        refreshed(book.as_mut(), 1.0, index);
        book.take(index, Taker::Sells, lots(1e5));
        assert_eq!(Price::nearest(book.mid(index)), Price::nearest(index));
    }
}

#[test]
fn an_infinitely_deep_book_keeps_its_spread_and_withdrawal_and_never_moves() {
    let finite = depth(", spread_widening = 1.0");
    let mut book = finite.infinitely_deep();
    book.reset(INDEX, Reference::PerTickLot(NOTIONAL));
    let value = 1_000.0 * INDEX;
    assert!((book.take(INDEX, Taker::Sells, 1_000) - value * (1.0 - 0.0001)).abs() < 1e-3);
    assert_eq!((book.displacement(), book.capacity(INDEX, Taker::Sells)), (0.0, i64::MAX));
    assert_eq!(refreshed(book.as_mut(), 1.0, INDEX * 0.99f64.powi(2)), 0.0);
    let (bid, ask) = book.touch(INDEX);
    assert!((ask - bid) / INDEX > 5.0 * 0.0002 * 0.9, "{}", (ask - bid) / INDEX);
    assert_eq!(book.mid(INDEX), INDEX);
}

#[test]
fn depth_is_whole_in_calm_and_halves_at_the_return_and_at_the_volume_that_are_asked() {
    let keys = ", withdrawal_floor = 0.01, withdrawal_return = 0.02, withdrawal_volume = 0.5, spread_widening = 0.5";
    let half = 0.01 + 0.99 / 2.0;
    let mut book = depth(keys);
    refreshed(book.as_mut(), 1.0, INDEX);
    assert_eq!(book.depth_left(), 1.0);
    for fall in [-0.02_f64, 0.02] {
        let mut book = depth(keys);
        refreshed(book.as_mut(), 1.0, INDEX * fall.exp());
        assert!((book.depth_left() - half).abs() < 1e-12, "{}", book.depth_left());
        let (bid, ask) = book.touch(INDEX);
        assert!(((ask - bid) / INDEX - 0.0002 / half.sqrt()).abs() < 1e-12);
    }
    let mut book = depth(keys);
    book.take(INDEX, Taker::Sells, lots(30.5e6));
    book.take(INDEX, Taker::Buys, lots(30.5e6));
    refreshed(book.as_mut(), 1.0, INDEX);
    assert!((book.depth_left() - half).abs() < 1e-4, "{}", book.depth_left());
    // The deepest fall leaves the floor.
    let mut book = depth(keys);
    refreshed(book.as_mut(), 1.0, INDEX * 0.05);
    assert!(book.depth_left() > 0.01 && book.depth_left() < 0.010_1);
    assert_eq!(depth(", withdrawal = \"off\"").depth_left(), 1.0);
}

#[test]
fn depth_left_follows_the_power_law_beside_the_displacement() {
    let mut book = depth(", withdrawal = \"off\"");
    book.take(INDEX, Taker::Sells, lots(122e6 * 3f64.powf(1.16)));
    let wanted = 4f64.powf(1.16) - 3f64.powf(1.16);
    assert!((book.depth_left() - wanted).abs() < 1e-6, "{}", book.depth_left());
    // The bound from below is the depth where nothing is consumed: 1 here, and below κ = 1 there is none but itself.
    assert_eq!(book.least_depth_left(), 1.0);
    let mut concave = depth(", kappa = 0.8, withdrawal = \"off\"");
    concave.take(INDEX, Taker::Sells, lots(122e6 * 3f64.powf(0.8)));
    assert!(concave.depth_left() < 1.0 && concave.least_depth_left() == concave.depth_left());
}

#[test]
fn withdrawal_is_frozen_between_refreshes_and_forgets_after_its_window() {
    let mut book = depth(", withdrawal_window = \"10 s\", withdrawal_return = 0.01, permanent = 0");
    refreshed(book.as_mut(), 1.0, INDEX);
    let touch = book.touch(INDEX);
    book.take(INDEX, Taker::Sells, lots(500e6));
    let frozen = book.touch(INDEX);
    // The mid moved, the spread did not.
    assert!((frozen.1 - frozen.0 - (touch.1 - touch.0)).abs() < 1e-6);
    let mut seen = Vec::new();
    for _ in 0..12 {
        refreshed(book.as_mut(), 1.0, INDEX);
        let (bid, ask) = book.touch(INDEX);
        seen.push((ask - bid) / INDEX / 0.0002);
    }
    // The order at 1 s counts at the refreshes at 2 … 11 s, and at 12 s no more, though the price is still displaced.
    assert!(seen[..10].iter().all(|&wider| wider > 1.5), "{seen:?}");
    assert!(seen[10..].iter().all(|&wider| (wider - 1.0).abs() < 1e-9), "{seen:?}");
    assert!(book.displacement() < -0.01);
}

#[test]
fn a_path_does_not_depend_on_the_path_before_it() {
    let mut used = depth("");
    for i in 0..400 {
        used.take(INDEX, Taker::Sells, 500);
        refreshed(used.as_mut(), 0.5 + f64::from(i % 3), INDEX * (1.0 - 0.0002 * f64::from(i)));
    }
    used.reset(INDEX, Reference::PerTickLot(NOTIONAL));
    let mut fresh = depth("");
    for book in [&mut used, &mut fresh] {
        book.take(INDEX, Taker::Sells, 7_000);
        refreshed(book.as_mut(), 1.0, INDEX * 0.98);
    }
    assert_eq!(used.quote(INDEX, Taker::Sells, 999), fresh.quote(INDEX, Taker::Sells, 999));
    assert_eq!((used.displacement(), used.depth_left()), (fresh.displacement(), fresh.depth_left()));
}

/// The worked example of docs/methods.md: a long of 10 lots with b = 91 and a surplus of 5.
fn ladder(keys: &str) -> Box<dyn Book> {
    let mut book = built(&format!(
        "{{ kind = \"levels\", bids = [{{ price = 92, quantity = 3 }}, {{ price = 85, quantity = 4 }}, {{ price = 90, quantity = 3 }}]{keys} }}"
    ));
    book.reset(100.0, Reference::PerTickLot(1.0));
    book
}

#[test]
fn a_ladder_fills_level_by_level_in_whole_numbers() {
    let mut book = ladder("");
    assert_eq!(book.quote(100.0, Taker::Sells, 7), 3.0 * 92.0 + 3.0 * 90.0 + 85.0);
    let shortfall = |lots: i64| (91.0 * lots as f64 - 5.0 - book.quote(100.0, Taker::Sells, lots)).max(0.0);
    assert_eq!([6, 7, 8, 9, 10].map(shortfall), [0.0, 1.0, 7.0, 13.0, 19.0]);
    assert_eq!((book.capacity(100.0, Taker::Sells), book.capacity(100.0, Taker::Buys)), (10, 0));
    assert_eq!(book.take(100.0, Taker::Sells, 4), 3.0 * 92.0 + 90.0);
    assert_eq!(book.take(100.0, Taker::Sells, 4), 2.0 * 90.0 + 2.0 * 85.0);
    assert_eq!((book.capacity(100.0, Taker::Sells), book.depth_left()), (2, 0.2));
    assert_eq!(book.touch(100.0), (85.0, 100.0));
    refreshed(book.as_mut(), 1.0, 90.0);
    assert_eq!(book.touch(90.0), (85.0, 90.0));
    assert!((book.displacement() - (87.5 / 90.0 - 1.0)).abs() < 1e-15);
    book.take(90.0, Taker::Sells, 2);
    assert_eq!(book.touch(90.0), (90.0, 90.0));
    book.reset(100.0, Reference::PerTickLot(1.0));
    assert_eq!(book.quote(100.0, Taker::Sells, 10), 886.0);
}

#[test]
fn a_ladder_may_refill_and_follow_the_index() {
    let mut book = ladder(
        ", asks = [{ price = 101, quantity = 5 }, { price = 103, quantity = 5 }], refill = \"refresh\", anchor = \"index\"",
    );
    assert_eq!(book.take(100.0, Taker::Buys, 7), 5.0 * 101.0 + 2.0 * 103.0);
    assert_eq!(book.touch(100.0), (92.0, 103.0));
    assert_eq!(refreshed(book.as_mut(), 1.0, 50.0), 0.0);
    assert_eq!(book.touch(50.0), (46.0, 50.5));
    assert_eq!(book.quote(50.0, Taker::Sells, 4), 0.5 * (3.0 * 92.0 + 90.0));
    let deep = book.infinitely_deep();
    assert_eq!((deep.mid(50.0), deep.displacement(), deep.depth_left()), (50.0, 0.0, 1.0));
    assert!((deep.quote(50.0, Taker::Sells, 193) - 193.0 * 50.0 * (1.0 - 9.0 / 193.0)).abs() < 1e-9);
}

#[test]
fn wrong_books_are_located() {
    let faults = |text: &str| {
        let (built, reading) = read(text);
        assert!(built.is_none());
        reading.faults.render(Paint::Plain)
    };
    let text = [
        faults("{ kind = \"depth\", depth_1pct = 0, kapa = 1, permanent = \"120 %\" }"),
        faults("{ kind = \"levels\" }"),
        faults("{ kind = \"levels\", bids = [{ price = 92, quantity = 0 }] }"),
        faults("{ kind = \"levels\", bids = [{ price = 92, quantity = 1 }, { price = 92, quantity = 2 }] }"),
        faults("{ kind = \"levels\", bids = [{ price = 92, quantity = 1 }], asks = [{ price = 92, quantity = 2 }] }"),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: `depth_1pct` cannot be 0
     --> x.toml:1:39
      |
    1 | book = { kind = "depth", depth_1pct = 0, kapa = 1, permanent = "120 %" }
      |                                       ^
      |
      = help: it takes a number above 0 (settlement currency)

    error: unknown key `kapa` in book "depth"
     --> x.toml:1:42
      |
    1 | book = { kind = "depth", depth_1pct = 0, kapa = 1, permanent = "120 %" }
      |                                          ^^^^
      |
      = help: did you mean `kappa`?

    error: `permanent` cannot be "120 %"
     --> x.toml:1:64
      |
    1 | book = { kind = "depth", depth_1pct = 0, kapa = 1, permanent = "120 %" }
      |                                                                ^^^^^^^
      |
      = help: it takes a share from 0 to 1, as 0.05 or "5 %"

    error: this book has neither bids nor asks
     --> x.toml:1:8
      |
    1 | book = { kind = "levels" }
      |        ^^^^^^^^^^^^^^^^^^^
      |
      = help: give at least one level, as bids = [{ price = 92, quantity = 3 }]

    error: `quantity` cannot be 0
     --> x.toml:1:60
      |
    1 | book = { kind = "levels", bids = [{ price = 92, quantity = 0 }] }
      |                                                            ^
      |
      = help: it takes a whole number from 1 to 1000000000000

    error: the price 92 stands twice in `bids`
     --> x.toml:1:75
      |
    1 | book = { kind = "levels", bids = [{ price = 92, quantity = 1 }, { price = 92, quantity = 2 }] }
      |                                                                           ^^
      |
      = help: add the quantities up into one level

    error: the best ask 92 does not lie above the best bid 92
     --> x.toml:1:73
      |
    1 | book = { kind = "levels", bids = [{ price = 92, quantity = 1 }], asks = [{ price = 92, quantity = 2 }] }
      |                                                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: bids stand below asks, or they would have traded
    "#);
}

#[test]
fn the_depth_of_the_day_is_a_factor_on_the_depth() {
    let text = "{ kind = \"depth\", depth_1pct = 100_000_000, depth_factor = { kind = \"uniform\", min = 0.5, max = 2.5 }, withdrawal = \"off\" }";
    let drawn = built(text);
    assert_eq!([0.0, 0.25, 1.0].map(|u| drawn.depth_factor(u)), [Some(0.5), Some(1.0), Some(2.5)]);
    // Half as deep: the same order twice as large in units of the book. Forms without forced impact or withdrawal keep it.
    let half = built("{ kind = \"depth\", depth_1pct = 50_000_000, withdrawal = \"off\" }");
    assert_eq!(half.depth_factor(0.3), None);
    for (mut drawn, mut half) in [(drawn.boxed_clone(), half.boxed_clone()), (drawn.steadfast(), half.steadfast())] {
        assert_eq!(drawn.depth_factor(0.25), Some(1.0));
        drawn.set_depth_factor(0.5);
        for book in [&mut drawn, &mut half] {
            book.reset(INDEX, Reference::PerTickLot(NOTIONAL));
            book.take(INDEX, Taker::Sells, 1_000);
        }
        assert!((drawn.displacement() / half.displacement() - 1.0).abs() < 1e-12);
    }
    assert_eq!(drawn.infinitely_deep().depth_factor(0.25), Some(1.0));
}

/// A book of a tick·lot a unit with κ = 1: N(x) = 100·x/1 %, of which a hundredth is left within 4 % and a tenth beyond.
fn standing() -> Box<dyn Book> {
    let mut book = built(
        "{ kind = \"depth\", depth_1pct = 100e6, kappa = 1, half_spread = 0, withdrawal_return = 0.000_001, \
         withdrawal_floor = 0.01, standing_share = 0.1, standing_from = 0.04 }",
    );
    book.reset(5e5, Reference::PerTickLot(1e-6));
    // Any move of the index empties such a book.
    book.refresh(Refresh { elapsed_s: 1.0, index: 1e6 });
    book
}

#[test]
fn quotes_far_from_the_mid_stand_while_those_near_it_are_withdrawn() {
    let book = standing();
    let index = 1e6;
    // 100M USDT within 1 %, of which a hundredth is left; a lot is worth one USDT.
    assert!((book.depth_left() - 0.01).abs() < 1e-5, "{}", book.depth_left());
    // 4M take the book to −4 %; a further 10M one more per cent, at −4.5 % in the mean.
    let of = |usdt: f64| Price::nearest(usdt).unwrap().0;
    let mut sold = standing();
    sold.take(index, Taker::Sells, of(4e6));
    assert!((sold.displacement() + 0.04).abs() < 1e-5, "{}", sold.displacement());
    assert!((sold.depth_left() - 0.1).abs() < 1e-4, "{}", sold.depth_left());
    assert!((sold.least_depth_left() - 0.01).abs() < 1e-5);
    let paid = sold.take(index, Taker::Sells, of(10e6));
    assert!((sold.displacement() + 0.05).abs() < 1e-5, "{}", sold.displacement());
    assert!((paid / (of(10e6) as f64 * index) - 0.955).abs() < 1e-5, "{paid}");
    // In one order the same: 14M at −2 % for 4M and −4.5 % for 10M.
    let mut whole = standing();
    let together = whole.take(index, Taker::Sells, of(4e6) + of(10e6));
    let wanted = 1.0 - (4.0 * 0.02 + 10.0 * 0.045) / 14.0;
    assert!((together / (of(14e6) as f64 * index) - wanted).abs() < 1e-5);
    assert!((whole.displacement() - sold.displacement()).abs() < 1e-12);
    // Bought back at once, the book is where it was, and what came and went is the same.
    let back = whole.take(index, Taker::Buys, of(4e6) + of(10e6));
    assert!(whole.displacement().abs() < 1e-12 && (back / together - 1.0).abs() < 1e-12);
    // To the greatest displacement of 50 %: 4M and 46 % at a tenth, 460M.
    assert!((book.capacity(index, Taker::Sells) as f64 / of(464e6) as f64 - 1.0).abs() < 1e-4);
}

#[test]
fn what_is_told_of_a_limit_without_quotes_is_what_quotes_say() {
    // An order's last lot by its quotes, as the search for the greatest fill within a limit has it.
    let holds = |book: &dyn Book, taker: Taker, lots: i64, limit: f64| {
        let last = book.quote(INDEX, taker, lots) - book.quote(INDEX, taker, lots - 1);
        if taker == Taker::Sells { last >= limit } else { last <= limit }
    };
    let mut draws = Stream::new(3, Purpose::Bootstrap, (0, 0), 0);
    let mut draw = || open_unit(draws.word());
    let (mut bounded, mut ended) = (0, 0);
    for keys in ["", ", kappa = 0.5", ", kappa = 3", ", kappa = 1.6, standing_share = 0.3, standing_from = 0.02"] {
        for _ in 0..200 {
            let mut book = depth(keys);
            // Somewhere, with quotes withdrawn by a move of the index.
            let started = if draw() < 0.5 { Taker::Sells } else { Taker::Buys };
            book.take(INDEX, started, lots(200e6 * draw()));
            refreshed(book.as_mut(), 1.0, INDEX * (0.98 + 0.04 * draw()));
            let taker = if draw() < 0.5 { Taker::Sells } else { Taker::Buys };
            let (most, limit) = (lots(50e6 * draw()), book.mid(INDEX) * (0.95 + 0.1 * draw()));
            if book.stays_within(INDEX, taker, most, limit) {
                assert!(holds(book.as_ref(), taker, most, limit), "{keys}: {most} lots within {limit}");
                bounded += 1;
            }
            let end = book.lots_within(INDEX, taker, limit).unwrap();
            if end > 1.0 {
                // Quotes of many lots are rounded to more than a lot's move.
                let room = 1.0 + 1e-5 * end;
                let (inside, outside) = (lots_of(end - room), lots_of(end + room) + 1);
                assert!(inside < 1 || holds(book.as_ref(), taker, inside, limit), "{keys}: {inside} of {end}");
                assert!(!holds(book.as_ref(), taker, outside, limit), "{keys}: {outside} of {end}");
                ended += 1;
            } else if end < 0.25 {
                assert!(!holds(book.as_ref(), taker, 1, limit), "{keys}: one lot of {end}");
            }
        }
    }
    assert!(bounded > 100 && ended > 200, "{bounded} bounds and {ended} ends prove too little");
}

/// Whole lots.
fn lots_of(lots: f64) -> i64 {
    Price::nearest(lots.floor()).unwrap().0
}
