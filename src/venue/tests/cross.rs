//! Cross accounts, inverse contracts and funding: small worlds against a scan of every account at every mark, and
//! through the audit.

use proptest::prelude::*;

use super::super::register::{self, Holdings};
use super::super::rules::{
    ContractRules, CrossBankruptcy, DynamicMaintenance, PositionOrder, Trigger as Test, VolatilityStep,
};
use super::extras::{Extras, extras};
use super::worlds::Slope;
use super::*;
use crate::facts::Observer as _;
use crate::money::{Multiplier, Ratio};
use crate::venue::rules::MarginMode;

const OPEN: i64 = 100;
pub(super) const CONTRACTS: usize = 3;

#[derive(Clone, Debug)]
pub(super) struct World {
    /// Wallet, and per contract (entry, lots, collateral, cross) where it holds a position; negative lots are short.
    people: Vec<(i64, Vec<Option<(i64, i64, i64, bool)>>)>,
    /// One refresh: marks of all contracts and the funding per lot that falls due before it.
    pub refreshes: Vec<([i64; CONTRACTS], [i64; CONTRACTS])>,
    inverse: bool,
    at_or_below: bool,
    order: usize,
    proportional: bool,
    layers: usize,
    pub policy: usize,
    pub rule: usize,
    fund: i64,
    to_fund: bool,
    latency: i64,
    capacity: i64,
    slippage: i64,
    extras: Extras,
    /// Steps of maintenance, and the volatility of each contract at each refresh, in percent; no steps for half of the worlds.
    steps: bool,
    volatility: Vec<[i64; CONTRACTS]>,
    /// Whether the last contract is a token held as collateral.
    token: bool,
}

const LAYERS: [&[PositionLayer]; 4] = [
    &[PositionLayer::Book, PositionLayer::Adl],
    &[PositionLayer::Adl, PositionLayer::Book],
    &[PositionLayer::Engine, PositionLayer::Adl],
    &[PositionLayer::Book],
];

pub(super) fn worlds() -> impl Strategy<Value = World> {
    let lots = prop_oneof![1i64..30, -30i64..-1];
    let position = proptest::option::weighted(0.6, (60i64..140, lots, 5i64..900, any::<bool>()));
    let person = (0i64..1_500, proptest::collection::vec(position, CONTRACTS));
    let people = proptest::collection::vec(person, 1..12);
    let marks = proptest::array::uniform3(60i64..150);
    let funding = prop_oneof![Just([0; CONTRACTS]), proptest::array::uniform3(-3i64..4)];
    let refreshes = proptest::collection::vec((marks, funding), 1..20);
    let rules = (any::<[bool; 4]>(), 0..3usize, 0..LAYERS.len(), 0..adl::POLICIES.entries.len());
    let more = (0..liquidation::RULES.entries.len(), 0i64..900, 0i64..3, 0i64..60, 0i64..12);
    let volatility = proptest::collection::vec(proptest::array::uniform3(0i64..8), 20);
    let dynamic = (any::<[bool; 2]>(), volatility);
    (people, refreshes, rules, more, extras(), dynamic).prop_map(|(people, refreshes, rules, more, extras, dynamic)| {
        let ([steps, token], volatility) = dynamic;
        let ([inverse, at_or_below, proportional, to_fund], order, layers, policy) = rules;
        let (rule, fund, latency, capacity, slippage) = more;
        World {
            people,
            refreshes,
            inverse,
            at_or_below,
            order,
            proportional,
            layers,
            policy,
            rule,
            fund,
            to_fund,
            latency,
            capacity,
            slippage,
            extras,
            steps,
            volatility,
            token,
        }
    })
}

/// An inverse lot is worth about as much as a linear one: f/100 = 100.
fn multiplier(world: &World) -> Multiplier {
    if world.inverse { Multiplier::Inverse(10_000) } else { Multiplier::Linear(1) }
}

pub(super) fn open(world: &World) -> Option<(Venue, Arc<Rules>)> {
    let tier = |floor, rate| margin::Tier { floor: Cash(floor), rate: Ratio(rate), max_leverage: Ratio(1) };
    let tiers = margin::Tiers::new(vec![tier(0, 10_000_000), tier(700, 25_000_000), tier(2_000, 100_000_000)]).unwrap();
    let k = multiplier(world);
    let mut rules = example_rules();
    rules.contracts = vec![ContractRules { multiplier: k, tiers: tiers.clone() }; CONTRACTS];
    if world.token {
        rules.contracts[CONTRACTS - 1].tiers = tiers.into_haircuts();
    }
    rules.trigger = if world.at_or_below { Test::AtOrBelow } else { Test::Below };
    rules.position_order = [PositionOrder::Maintenance, PositionOrder::Loss, PositionOrder::Notional][world.order];
    rules.cross_bankruptcy =
        if world.proportional { CrossBankruptcy::Proportional } else { CrossBankruptcy::Sequential };
    rules.liquidation = liquidation::RULES.entries[world.rule].build_default();
    rules.position_layers = LAYERS[world.layers].to_vec();
    rules.fund = FundRules { open: Cash(world.fund), floor: Cash(world.fund / 4) };
    rules.venue_capital = Cash(world.fund / 2);
    rules.taker_fee = Ratio(1_000_000);
    rules.liquidation_fee = Ratio(5_000_000);
    rules.surplus_to = if world.to_fund { SurplusTo::Fund } else { SurplusTo::Trader };
    rules.latency = Nanos(world.latency);
    rules.adl = *adl::POLICIES.entries[world.policy].build_default();
    world.extras.onto(&mut rules);
    if world.steps {
        let step = |volatility: i64, multiplier: i64| VolatilityStep {
            volatility: Ratio(volatility * 10_000_000),
            multiplier: Ratio(multiplier * 10_000_000),
        };
        // Maintenance grows by a half from 3 % on, by four from 6 % on: never to 100 %.
        let steps = vec![step(3, 150), step(6, 500)];
        rules.dynamic = Some(DynamicMaintenance { window: Nanos(5), steps });
    }
    let rules = Arc::new(rules);
    let mut holdings = Holdings::default();
    for (account, (wallet, positions)) in (0u32..).zip(&world.people) {
        holdings.wallet.push(Cash(*wallet));
        for (contract, position) in (0u16..).zip(positions) {
            let Some((entry, lots, collateral, cross)) = *position else { continue };
            holdings.account.push(account);
            holdings.contract.push(contract);
            holdings.qty.push(Qty(lots));
            holdings.cost.push(k.value(Qty(lots), Price(entry)));
            holdings.collateral.push(Cash(if cross { 0 } else { collateral }));
            holdings.cross.push(cross);
        }
    }
    if holdings.account.is_empty() {
        return None;
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(OPEN); CONTRACTS]).unwrap();
    let mut venue = Venue::new(Arc::clone(&rules));
    venue.open(Arc::new(register), Telling::Told);
    Some((venue, rules))
}

pub(super) fn fill(world: &World, order: &Order, mark: i64) -> Fill {
    let &World { slippage, capacity, .. } = world;
    Slope { slippage, capacity }.fill(order, mark, multiplier(world))
}

/// Tells the indices of a refresh; the marks that stand after it, where a halted contract keeps its own.
pub(super) fn told(
    venue: &mut Venue,
    now: Nanos,
    standing: &mut [Price; CONTRACTS],
    marks: &[i64; CONTRACTS],
) -> [Price; CONTRACTS] {
    for (contract, &mark) in (0u16..).zip(marks) {
        venue.apply(Command::Index { now, contract, index: Price(mark + 3) }).unwrap();
        if !venue.is_halted(contract, now) {
            standing[usize::from(contract)] = Price(mark);
        }
    }
    *standing
}

/// Tells the volatilities of a refresh; the rules with what maintenance is then.
fn shaken(venue: &mut Venue, rules: &Rules, world: &World, at: i64) -> Rules {
    let mut scaled = rules.clone();
    let at_refresh = world.volatility[usize::try_from(at - 1).unwrap() % world.volatility.len()];
    for (contract, &percent) in (0u16..).zip(&at_refresh) {
        let volatility = Ratio(percent * 10_000_000);
        venue.apply(Command::Volatility { now: Nanos(at), contract, volatility }).unwrap();
        let steps = rules.dynamic.iter().flat_map(|dynamic| &dynamic.steps);
        if let Some(step) = steps.rev().find(|step| step.volatility <= volatility) {
            let tiers = &mut scaled.contracts[usize::from(contract)].tiers;
            *tiers = tiers.scaled_by(step.multiplier).unwrap();
        }
    }
    scaled
}

/// Accounts and isolated positions in breach, by a scan of all of them: (cross, account or position).
fn in_breach(venue: &Venue, rules: &Rules, world: &World, marks: &[Price], now: Nanos) -> Vec<(bool, u32)> {
    let mut found = Vec::new();
    let count = venue.ledger().register().holdings.account.len();
    for account in 0..u32::try_from(world.people.len()).unwrap() {
        let (mut equity, mut maintenance) = (i128::from(venue.ledger().wallet(account).0) * 1_000_000_000, 0i128);
        let (mut any, mut waiting) = (false, false);
        let mut halted = false;
        for id in 0..u32::try_from(count).unwrap() {
            let position = venue.ledger().position(id);
            if position.account != account || position.qty.is_zero() {
                continue;
            }
            let c = usize::from(position.contract);
            let stands = venue.is_halted(position.contract, now);
            halted |= stands && position.mode == MarginMode::Cross;
            let of = &rules.contracts[c];
            let value = of.multiplier.value(position.qty, marks[c]);
            let gain = value - position.cost - position.owed;
            if position.mode == MarginMode::Cross {
                any = true;
                waiting |= position.state == State::Queued;
                equity += i128::from(gain.0) * 1_000_000_000;
                maintenance += of.tiers.maintenance_scaled(value.abs()) * i128::from(1_000_000_000 / of.tiers.scale());
            } else if !stands
                && position.state != State::Queued
                && register::breaches(
                    of,
                    rules.trigger,
                    position.qty,
                    position.cost + position.owed,
                    position.collateral,
                    marks[c],
                )
            {
                found.push((false, id));
            }
        }
        let breaches = if rules.trigger == Test::Below { equity < maintenance } else { equity <= maintenance };
        // An account with a position in a halted contract is judged when that trades again, or another leaves its bound.
        if any && !waiting && breaches && !halted {
            found.push((true, account));
        }
    }
    found.sort_unstable();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Nobody is overlooked and nobody taken too early, whatever funding falls due between the marks and however maintenance
    /// moves with volatility.
    #[test]
    fn bounds_and_shifted_triggers_find_what_a_scan_finds(world in worlds()) {
        let Some((mut venue, rules)) = open(&world) else { return Ok(()) };
        let mut standing = [Price(OPEN); CONTRACTS];
        for (i, (marks, funding)) in (1i64..).zip(&world.refreshes) {
            let now = Nanos(i);
            for (contract, &per_lot) in (0u16..).zip(funding) {
                venue.apply(Command::Funding { now, contract, per_lot: Cash(per_lot) }).unwrap();
            }
            let rules = shaken(&mut venue, &rules, &world, i);
            let prices = told(&mut venue, now, &mut standing, marks);
            let expected = in_breach(&venue, &rules, &world, &prices, now);
            let waited = venue.queue.waiting().len();
            for (contract, &mark) in (0u16..).zip(&prices) {
                if !venue.is_halted(contract, now) {
                    venue.apply(Command::Mark { now, contract, mark }).unwrap();
                }
            }
            venue.apply(Command::Refreshed { now }).unwrap();
            let mut found: Vec<(bool, u32)> = venue
                .queue
                .waiting()
                .iter()
                .skip(waited)
                .map(|queued| {
                    let position = venue.ledger().position(queued.position);
                    let cross = position.mode == MarginMode::Cross;
                    (cross, if cross { position.account } else { queued.position })
                })
                .collect();
            found.sort_unstable();
            found.retain(|&(cross, account)| {
                let mut legs = venue.ledger().legs(account);
                !cross || !legs.any(|leg| venue.is_halted(leg.contract, now))
            });
            prop_assert_eq!(found, expected, "refresh {}, touched {:?}", i, venue.ledger().touched());
            let mut next = venue.apply(Command::Check { now }).unwrap();
            while let Next::Order(order) = next {
                let mark = standing[usize::from(order.contract)].0;
                next = venue.apply(Command::Fill(fill(&world, &order, mark))).unwrap();
            }
        }
    }

    /// Every world passes the audit, which shares no code with the ledger.
    #[test]
    fn every_small_world_passes_the_audit(world in worlds()) {
        let Some((mut venue, rules)) = open(&world) else { return Ok(()) };
        let mut standing = [Price(OPEN); CONTRACTS];
        let mut audit = crate::sim::audit::Audit::new(&[multiplier(&world); CONTRACTS], rules.fund.floor);
        audit.begin();
        let mut log = Vec::new();
        let facts = std::mem::take(venue.facts());
        audit.see(Nanos(0), &facts);
        for (i, (marks, funding)) in (1i64..).zip(&world.refreshes) {
            let now = Nanos(i);
            for (contract, &per_lot) in (0u16..).zip(funding) {
                venue.apply(Command::Funding { now, contract, per_lot: Cash(per_lot) }).unwrap();
            }
            shaken(&mut venue, &rules, &world, i);
            for (contract, mark) in (0u16..).zip(told(&mut venue, now, &mut standing, marks)) {
                if !venue.is_halted(contract, now) {
                    venue.facts().push(Fact::Marked { contract, mark });
                    venue.apply(Command::Mark { now, contract, mark }).unwrap();
                }
            }
            venue.apply(Command::Refreshed { now }).unwrap();
            // A refresh is an event of its own.
            let facts = std::mem::take(venue.facts());
            audit.see(now, &facts);
            log.extend(facts);
            let mut next = venue.apply(Command::Check { now }).unwrap();
            loop {
                let facts = std::mem::take(venue.facts());
                audit.see(now, &facts);
                log.extend(facts);
                let Next::Order(order) = next else { break };
                let mark = standing[usize::from(order.contract)].0;
                next = venue.apply(Command::Fill(fill(&world, &order, mark))).unwrap();
            }
        }
        if let Err(violation) = audit.finish() {
            prop_assert!(false, "{}\n{:#?}", violation, log);
        }
    }
}
