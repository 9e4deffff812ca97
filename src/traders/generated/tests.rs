use super::*;
use crate::market::distribution::Distribution;
use crate::money::Ratio;

#[derive(Debug)]
struct Uniform(f64, f64);

impl Distribution for Uniform {
    fn quantile(&self, u: f64) -> f64 {
        self.0 + (self.1 - self.0) * u
    }
    fn support(&self) -> (f64, f64) {
        (self.0, self.1)
    }
}

fn fixed(value: f64) -> Box<dyn Distribution> {
    Box::new(Uniform(value, value))
}

fn between(low: f64, high: f64) -> Box<dyn Distribution> {
    Box::new(Uniform(low, high))
}

/// A venue at 1,000 ticks with a lot·tick of one cash unit, maintenance of `rate` and these leverage tiers.
struct World {
    rate: f64,
    tiers: Vec<(Cash, f64)>,
}

impl World {
    fn easy() -> Self {
        Self { rate: 0.005, tiers: vec![(Cash(0), 100.0)] }
    }
}

impl Opening for World {
    fn accepts_cross(&self, _: &[(u16, Qty, Cash)], _: Cash) -> bool {
        true
    }

    fn contract(&self, _contract: u16) -> (Multiplier, Price) {
        (Multiplier::Linear(1), Price(1_000))
    }
    fn leverage_tiers(&self, _contract: u16) -> &[(Cash, f64)] {
        &self.tiers
    }
    fn accepts(&self, _contract: u16, qty: Qty, cost: Cash, collateral: Cash) -> bool {
        let value = Multiplier::Linear(1).value(qty, Price(1_000));
        (collateral + value - cost).0 as f64 >= self.rate * value.0.abs() as f64
    }
}

fn group(count: u32) -> Group {
    Group {
        name: "all".into(),
        contract: 0,
        count,
        long_share: 0.5,
        leverage: fixed(10.0),
        size: fixed(50_000.0),
        size_is: SizeIs::Notional,
        entry_offset: fixed(0.0),
        wallet: fixed(0.0),
        margin_mode: MarginMode::Isolated,
        token: None,
        behaviours: Vec::new(),
    }
}

fn generated(group: Group) -> Generated {
    Generated {
        groups: vec![group],
        redraw: Redraw::Resampled,
        balance: Balance::Maker,
        top_share: None,
        leverage_cap: None,
        cap_keeps: CapKeeps::Notional,
        opening_buffer: Ratio(0),
        units_per_currency: 1.0,
    }
}

fn draw(generated: &Generated, path: u64, world: &World) -> Population {
    let mut out = Population::default();
    generated.draw(7, path, world, &mut out).unwrap();
    out
}

/// The first account of a group with this size, leverage and cap.
fn first(
    size: f64,
    size_is: SizeIs,
    leverage: f64,
    cap: Option<f64>,
    keeps: CapKeeps,
    world: &World,
) -> (i64, i64, i64) {
    let group = Group { size: fixed(size), size_is, leverage: fixed(leverage), long_share: 1.0, ..group(1) };
    let generated = Generated { leverage_cap: cap, cap_keeps: keeps, ..generated(group) };
    let population = draw(&generated, 0, world);
    (population.qty[0].0, population.cost[0].0, population.collateral[0].0)
}

#[test]
fn lots_are_rounded_down_and_collateral_up() {
    let easy = World::easy();
    // 50,999 of notional at 1,000 a lot: 50 lots; 50,000 ÷ 7 = 7,142.86.
    assert_eq!(first(50_999.0, SizeIs::Notional, 7.0, None, CapKeeps::Notional, &easy), (50, 50_000, 7_143));
    // 7,142 of collateral × 7 = 49,994: 49 lots, and the collateral stays.
    assert_eq!(first(7_142.0, SizeIs::Collateral, 7.0, None, CapKeeps::Notional, &easy), (49, 49_000, 7_142));
    // Less than a lot is one lot.
    assert_eq!(first(10.0, SizeIs::Notional, 2.0, None, CapKeeps::Notional, &easy), (1, 1_000, 500));
}

#[test]
fn a_cap_keeps_what_it_is_told_to_keep() {
    let easy = World::easy();
    let capped = |size, size_is, keeps| first(size, size_is, 20.0, Some(5.0), keeps, &easy);
    assert_eq!(capped(100_000.0, SizeIs::Notional, CapKeeps::Notional), (100, 100_000, 20_000));
    assert_eq!(capped(5_000.0, SizeIs::Collateral, CapKeeps::Notional), (100, 100_000, 20_000));
    assert_eq!(capped(100_000.0, SizeIs::Notional, CapKeeps::Collateral), (25, 25_000, 5_000));
    assert_eq!(capped(5_000.0, SizeIs::Collateral, CapKeeps::Collateral), (25, 25_000, 5_000));
}

#[test]
fn the_tier_of_the_notional_caps_leverage() {
    let world = World { rate: 0.005, tiers: vec![(Cash(0), 50.0), (Cash(100_000), 10.0), (Cash(500_000), 4.0)] };
    let kept =
        |collateral, leverage| first(collateral, SizeIs::Collateral, leverage, None, CapKeeps::Collateral, &world).0;
    // 1,000 × 50 = 50,000 stays in the first tier.
    assert_eq!(kept(1_000.0, 80.0), 50);
    // 4,000 × 50 = 200,000 would reach the second tier, whose 10 throws it back to 40,000: the floor of 100,000 binds.
    assert_eq!(kept(4_000.0, 80.0), 99);
    // 20,000 × 10 = 200,000 is in the second tier.
    assert_eq!(kept(20_000.0, 80.0), 200);
    // 200,000 × 4 = 800,000 is in the third.
    assert_eq!(kept(200_000.0, 80.0), 800);
    // Where the notional stays, its tier is known: 200,000 ÷ 10.
    let posted = first(200_000.0, SizeIs::Notional, 80.0, None, CapKeeps::Notional, &world);
    assert_eq!(posted, (200, 200_000, 20_000));
}

#[test]
fn longs_are_spread_evenly_and_their_count_is_the_share() {
    let population = draw(&generated(Group { long_share: 0.3, ..group(10) }), 0, &World::easy());
    let long: Vec<bool> = population.qty.iter().map(|qty| qty.0 > 0).collect();
    assert_eq!(long, [false, false, false, true, false, false, true, false, false, true]);
    assert_eq!(population.account, (0..10).collect::<Vec<u32>>());
}

fn spread(count: u32) -> Group {
    Group {
        leverage: between(2.0, 50.0),
        size: between(10_000.0, 90_000.0),
        entry_offset: between(-0.05, 0.05),
        wallet: between(0.0, 100.0),
        ..group(count)
    }
}

#[test]
fn no_draw_shifts_another() {
    let easy = World::easy();
    let whole = draw(&generated(spread(600)), 3, &easy);
    // One account less: all others are as they were.
    let fewer = draw(&generated(spread(599)), 3, &easy);
    assert_eq!(whole.cost[..599], fewer.cost);
    assert_eq!(whole.collateral[..599], fewer.collateral);
    // Another distribution of leverage, or a cap: sizes, entries and wallets are as they were.
    let other = draw(&generated(Group { leverage: between(1.0, 3.0), ..spread(600) }), 3, &easy);
    let entries = |population: &Population| -> Vec<i64> {
        population.cost.iter().zip(&population.qty).map(|(c, q)| c.0 / q.0).collect()
    };
    let capped = draw(&Generated { leverage_cap: Some(2.5), ..generated(spread(600)) }, 3, &easy);
    let same = whole.redrawn == 0;
    assert_eq!(whole.wallet, other.wallet);
    assert_eq!(whole.wallet, capped.wallet);
    assert_eq!(entries(&other), entries(&capped));
    assert_eq!(other.qty, capped.qty);
    // Accounts whose entry was accepted at once are the same at any leverage.
    let agree = entries(&whole).iter().zip(entries(&other)).filter(|(a, b)| **a == *b).count();
    assert_eq!(600 - agree, usize::try_from(whole.redrawn).unwrap(), "{same}");
    assert!(whole.redrawn > 0);
    // A fixed column costs no draw and shifts none.
    let fixed_wallet = draw(&generated(Group { wallet: fixed(5.0), ..spread(600) }), 3, &easy);
    assert_eq!(whole.cost, fixed_wallet.cost);
}

#[test]
fn paths_and_groups_differ_and_a_fixed_population_does_not() {
    let easy = World::easy();
    assert_ne!(draw(&generated(spread(50)), 1, &easy).cost, draw(&generated(spread(50)), 2, &easy).cost);
    let fixed = Generated { redraw: Redraw::Fixed, ..generated(spread(50)) };
    assert_eq!(draw(&fixed, 1, &easy).cost, draw(&fixed, 2, &easy).cost);
    let two = Generated { groups: vec![spread(50), spread(50)], ..generated(group(1)) };
    let two = draw(&two, 1, &easy);
    assert_ne!(two.cost[..50], two.cost[50..]);
    assert_eq!(two.account[99], 99);
}

#[test]
fn an_entry_that_would_be_in_breach_is_drawn_again_and_counted() {
    // At leverage 10 a long that entered 9.5 % above the mark keeps 0.5 % of margin: less than 1 %.
    let world = World { rate: 0.01, ..World::easy() };
    let group = Group { entry_offset: between(0.0, 0.2), ..group(4_000) };
    let population = draw(&generated(group), 0, &world);
    // Half are long, and a long entered at p fails where p·0.9 > 990: beyond an offset of 10 %, so about half of them.
    assert!((900..1_100).contains(&population.redrawn), "{}", population.redrawn);
    let accepted =
        (0..4_000).all(|j| world.accepts(0, population.qty[j], population.cost[j], population.collateral[j]));
    assert!(accepted);
    // A redraw takes no other account's draw: those accepted at once keep theirs in a world without margin.
    let lax = World { rate: -10.0, ..World::easy() };
    let group = Group { entry_offset: between(0.0, 0.2), ..self::group(4_000) };
    let unchecked = draw(&generated(group), 0, &lax);
    let (mut kept, mut drawn_again) = (0, 0);
    for j in 0..4_000 {
        if world.accepts(0, unchecked.qty[j], unchecked.cost[j], unchecked.collateral[j]) {
            assert_eq!((unchecked.qty[j], unchecked.cost[j]), (population.qty[j], population.cost[j]));
            kept += 1;
        } else {
            drawn_again += 1;
        }
    }
    assert_eq!((kept + drawn_again, drawn_again), (4_000, population.redrawn));
}

#[test]
fn a_redraw_is_word_i_of_its_own_column() {
    // Only longs that enter at most 10 % above the mark are accepted; half of all draws are not.
    let world = World { rate: 0.01, ..World::easy() };
    let group = Group { entry_offset: between(0.0, 0.2), ..group(300) };
    let population = draw(&generated(group), 4, &world);
    let mut redrawn = 0;
    for j in (1..300).step_by(2) {
        let offset = |column| {
            let mut stream = Stream::new(7, Purpose::Population, (0, column), 4);
            stream.seek(j as u64);
            0.2 * open_unit(stream.word())
        };
        let entry = |column| Price::nearest(1_000.0 * (1.0 + offset(column))).unwrap();
        let accepted = |column: &u32| {
            let lots = Qty(50_000 / entry(*column).0);
            let cost = Multiplier::Linear(1).value(lots, entry(*column));
            world.accepts(0, lots, cost, Cash(div_ceil(i128::from(cost.0), 10).try_into().unwrap()))
        };
        let columns = std::iter::once(2).chain(17..=32);
        let column = columns.clone().find(accepted).expect("one of 17 draws is accepted");
        assert_eq!(population.cost[j].0 / population.qty[j].0, entry(column).0, "account {j}");
        redrawn += u32::from(column != 2);
    }
    assert_eq!(redrawn, population.redrawn);
    assert!(redrawn > 30);
}

#[test]
fn a_fixed_entry_in_breach_becomes_the_opening_mark() {
    let world = World { rate: 0.01, ..World::easy() };
    let population = draw(&generated(Group { entry_offset: fixed(0.15), ..group(4) }), 0, &world);
    // Shorts entered at 1,150 are in profit; longs would be in breach and enter at 1,000.
    assert_eq!(population.redrawn, 2);
    let prices: Vec<i64> = population.cost.iter().zip(&population.qty).map(|(c, q)| c.0 / q.0).collect();
    assert_eq!(prices, [1_150, 1_000, 1_150, 1_000]);
}

#[test]
fn what_cannot_be_drawn_names_its_group_and_account() {
    let strict = World { rate: 0.2, ..World::easy() };
    let cause = |group, world: &World| generated(group).draw(7, 5, world, &mut Population::default()).unwrap_err();
    let never = cause(group(3), &strict);
    assert_eq!((never.group, never.path), (0, 5));
    assert_eq!(never.cause, Cause::NeverAccepted { account: 0, lots: 50, leverage: 10.0 });
    let often = cause(Group { entry_offset: fixed(0.5), long_share: 0.6, ..group(10) }, &World::easy());
    assert_eq!(often.cause, Cause::RedrawnTooOften { redrawn: 6, accounts: 10 });
    let huge = cause(Group { size: fixed(1e300), ..group(2) }, &World::easy());
    assert!(matches!(huge.cause, Cause::OutOfRange { account: 0, .. }), "{huge}");
    let nan = cause(Group { size: fixed(f64::NAN), ..group(2) }, &World::easy());
    assert!(matches!(nan.cause, Cause::OutOfRange { account: 0, .. }), "{nan}");
}

#[test]
fn scaling_makes_both_sides_equal_and_never_raises_leverage() {
    let easy = World::easy();
    let group = || Group { long_share: 0.7, ..spread(500) };
    let before = draw(&generated(group()), 1, &easy);
    let after = draw(&Generated { balance: Balance::Scale, ..generated(group()) }, 1, &easy);
    assert_ne!(before.qty.iter().map(|qty| qty.0).sum::<i64>(), 0);
    assert_eq!(after.qty.iter().map(|qty| qty.0).sum::<i64>(), 0);
    for j in 0..500 {
        let entry = before.cost[j].0 / before.qty[j].0;
        assert_eq!(after.cost[j].0, entry * after.qty[j].0);
        if before.qty[j].0 < 0 {
            assert_eq!((after.qty[j], after.collateral[j]), (before.qty[j], before.collateral[j]));
        }
        let leverage = |p: &Population| p.cost[j].0.abs() as f64 / p.collateral[j].0 as f64;
        assert!(leverage(&after) <= leverage(&before) + 1e-12);
    }
}

#[test]
fn buffers_are_used_again() {
    let mut out = Population::default();
    let generated = generated(spread(1_000));
    generated.draw(7, 0, &World::easy(), &mut out).unwrap();
    let capacity = out.cost.capacity();
    let place = out.cost.as_ptr();
    for path in 1..5 {
        generated.draw(7, path, &World::easy(), &mut out).unwrap();
    }
    assert_eq!((out.cost.capacity(), out.cost.as_ptr(), out.cost.len()), (capacity, place, 1_000));
}

/// Lots of the accounts of one side, in their order.
fn side(population: &Population, sign: i64) -> Vec<i64> {
    population.qty.iter().map(|q| q.0 * sign).filter(|q| *q > 0).collect()
}

#[test]
fn the_largest_account_holds_the_share_that_it_is_told_to() {
    let easy = World::easy();
    let spread = || Group { size: between(50_000.0, 950_000.0), leverage: between(2.0, 20.0), ..group(600) };
    let plain = draw(&generated(spread()), 3, &easy);
    let with = |share, world: &World| draw(&Generated { top_share: Some(share), ..generated(spread()) }, 3, world);
    let top = (0..600).rev().max_by_key(|&j| plain.qty[j].0.abs()).unwrap();
    let sign = plain.qty[top].0.signum();
    // Grown: 300 accounts a side, a tenth and three quarters of it in one.
    for share in [0.1, 0.75] {
        let drawn = with(share, &easy);
        let (held, all) = (drawn.qty[top].0.abs(), side(&drawn, sign).iter().sum::<i64>());
        assert!((held as f64 - share * all as f64).abs() <= 0.5, "{share}: {held} of {all}");
        let leverage = |one: &Population| one.cost[top].0 as f64 / one.collateral[top].0 as f64;
        assert!((leverage(&drawn) / leverage(&plain) - 1.0).abs() < 0.01);
        for j in (0..600).filter(|&j| j != top) {
            let of = |one: &Population| (one.qty[j], one.cost[j], one.collateral[j]);
            assert_eq!(of(&drawn), of(&plain), "all others stay");
        }
    }
    // Above ten million the tier allows twice: the collateral is half of the cost.
    let strict = World { tiers: vec![(Cash(0), 100.0), (Cash(10_000_000), 2.0)], ..World::easy() };
    let drawn = with(0.75, &strict);
    assert_eq!(drawn.collateral[top].0, (drawn.cost[top].0.abs() + 1) / 2);
    // Cut: the largest held 0.6 % of its side; now many hold 0.4 % each, and nobody more on either side.
    let drawn = with(0.004, &easy);
    for sign in [1, -1] {
        let (before, lots) = (side(&plain, sign), side(&drawn, sign));
        let (most, all) = (*lots.iter().max().unwrap(), lots.iter().sum::<i64>() as f64);
        let cut = lots.iter().filter(|q| **q == most).count() as f64;
        assert!(most as f64 <= 0.004 * all && (most + 1) as f64 > 0.004 * (all + cut), "{most} of {all}");
        assert!(lots.iter().zip(&before).all(|(now, before)| *now == (*before).min(most)));
    }
    // Fewer accounts than the share asks for: all as small as the smallest.
    assert_eq!(side(&with(0.000_1, &easy), 1).iter().max(), side(&plain, 1).iter().min());
}

#[test]
fn the_level_of_a_cut_is_the_one_worked_by_hand() {
    // Longs of 100, 40, 30 and 30 lots; half of a side at most: L = ½(L + 100) gives 100; a third: L = ⅓(L + 100), 50.
    let population = || Population {
        wallet: vec![Cash(0); 4],
        account: (0..4).collect(),
        contract: vec![0; 4],
        qty: [100, 40, 30, 30].map(Qty).to_vec(),
        cost: [100_000, 40_000, 30_000, 30_000].map(Cash).to_vec(),
        collateral: [9_999, 4_000, 3_000, 3_000].map(Cash).to_vec(),
        ..Population::default()
    };
    for (share, lots, collateral) in [
        (0.5, [100, 40, 30, 30], 9_999),
        (1.0 / 3.0 + 1e-9, [50, 40, 30, 30], 5_000),
        // L = 0.3·(2L + 60): 45; 45 is above 40, so L = 0.3·(L + 100) = 42.86: 42.
        (0.3, [42, 40, 30, 30], 4_200),
        (0.1, [30, 30, 30, 30], 3_000),
    ] {
        let mut out = population();
        cut_to_share(share, 0, 1, &mut out);
        assert_eq!(out.qty, lots.map(Qty), "{share}");
        assert_eq!((out.cost[0], out.collateral[0]), (Cash(lots[0] * 1_000), Cash(collateral)));
        cut_to_share(share, 0, -1, &mut out);
        assert_eq!(out.qty, lots.map(Qty), "the other side is empty");
    }
}

#[test]
fn an_account_alone_on_its_side_stays_as_it_was_drawn_and_a_monstrous_share_is_told() {
    let easy = World::easy();
    let two = |share| Generated { top_share: Some(share), ..generated(group(2)) };
    assert_eq!(draw(&two(0.9), 0, &easy).qty, draw(&generated(group(2)), 0, &easy).qty);
    // The second tier allows nothing that the book accepts.
    let bare = World { rate: 0.9, tiers: vec![(Cash(0), 1.0)] };
    let error = Generated { top_share: Some(0.5), ..generated(Group { size: fixed(2e17), ..group(80) }) }
        .draw(7, 0, &bare, &mut Population::default())
        .unwrap_err();
    assert!(matches!(error.cause, Cause::OutOfRange { what: "a quantity in lots", .. }), "{error}");
}

#[test]
fn a_group_holds_its_token_behind_each_position_and_other_groups_keep_their_draws() {
    let cross = |token| Group { margin_mode: MarginMode::Cross, token, wallet: fixed(7.0), ..spread(3) };
    let token = crate::traders::Token { contract: 1, share: 0.4 };
    let of = |token| Generated { groups: vec![cross(token), spread(2)], ..generated(cross(None)) };
    let plain = draw(&of(None), 3, &World::easy());
    let held = draw(&of(Some(token)), 3, &World::easy());
    assert_eq!(held.wallet, plain.wallet, "a token is worth what it takes the place of");
    assert_eq!(held.account, [0, 0, 1, 1, 2, 2, 3, 4]);
    assert_eq!(held.contract, [0, 1, 0, 1, 0, 1, 0, 0]);
    assert_eq!(held.cross, [true, true, true, true, true, true, false, false]);
    for (account, j) in [(0, 0), (1, 2), (2, 4), (3, 6), (4, 7)] {
        assert_eq!(
            (held.qty[j], held.cost[j], held.account[j]),
            (plain.qty[account], plain.cost[account], account as u32)
        );
    }
    for j in [1, 3, 5] {
        // Two fifths of what was posted beside the seven of free cash, in lots worth 1,000 each, at least one.
        let posted = plain.wallet[j / 2].0 - 7;
        let lots = (posted * 2 / 5 / 1_000).max(1);
        assert_eq!((held.qty[j], held.cost[j], held.collateral[j]), (Qty(lots), Cash(lots * 1_000), Cash(0)));
    }
}
