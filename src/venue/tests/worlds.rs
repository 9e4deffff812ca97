//! Random small worlds: what the trigger index finds is what a scan of all accounts finds, in the same order.

use proptest::prelude::*;

use super::super::register::{self, Holdings};
use super::super::rules::{ContractRules, Eligible, Execution, FundRules, Interruptions, SurplusTo, Trigger as Test};
use super::extras::{Extras, extras};
use super::*;
use crate::money::{Multiplier, Ratio};

#[derive(Clone, Debug)]
pub(super) struct World {
    /// (entry, lots, collateral, contract, long)
    people: Vec<(i64, i64, i64, u16, bool)>,
    /// (contract, mark)
    pub(super) marks: Vec<(u16, i64)>,
    fund: i64,
    at_or_below: bool,
    latency: i64,
    layers: usize,
    policy: usize,
    rule: usize,
    fees: (i64, i64),
    capacity: i64,
    slippage: i64,
    extras: Extras,
}

const LAYERS: [&[PositionLayer]; 6] = [
    &[PositionLayer::Book, PositionLayer::Adl],
    &[PositionLayer::Adl, PositionLayer::Book],
    &[PositionLayer::Engine, PositionLayer::Adl],
    &[PositionLayer::Book, PositionLayer::Engine, PositionLayer::Adl],
    &[PositionLayer::Book],
    &[PositionLayer::Engine],
];

impl World {
    pub(super) fn accounts(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap()
    }
}

pub(super) fn worlds() -> impl Strategy<Value = World> {
    let person = (60i64..140, 1i64..30, 5i64..900, 0u16..2, any::<bool>());
    let people = proptest::collection::vec(person, 1..25);
    let marks = proptest::collection::vec((0u16..2, 40i64..160), 1..25);
    let choices = (0..adl::POLICIES.entries.len(), 0..liquidation::RULES.entries.len());
    let rules = (any::<bool>(), 0i64..3, 0..LAYERS.len(), choices, (0i64..20, 0i64..20));
    (people, marks, 0i64..600, rules, 0i64..60, 0i64..12, extras()).prop_map(
        |(people, marks, fund, rules, capacity, slippage, extras)| {
            let (at_or_below, latency, layers, (policy, rule), fees) = rules;
            World { people, marks, fund, at_or_below, latency, layers, policy, rule, fees, capacity, slippage, extras }
        },
    )
}

pub(super) fn open(world: &World) -> (Venue, Arc<Rules>) {
    let tier = |floor, rate| margin::Tier { floor: Cash(floor), rate: Ratio(rate), max_leverage: Ratio(1) };
    let tiers = margin::Tiers::new(vec![tier(0, 10_000_000), tier(700, 25_000_000), tier(2_000, 100_000_000)]).unwrap();
    let mut rules = Rules {
        contracts: vec![ContractRules { multiplier: Multiplier::Linear(1), tiers }; 2],
        trigger: if world.at_or_below { Test::AtOrBelow } else { Test::Below },
        position_order: rules::PositionOrder::Maintenance,
        cross_bankruptcy: rules::CrossBankruptcy::Sequential,
        liquidation: liquidation::RULES.entries[world.rule].build_default(),
        position_layers: LAYERS[world.layers].to_vec(),
        cash_layers: vec![CashLayer::Fund, CashLayer::Venue],
        fund: FundRules { open: Cash(world.fund), floor: Cash(world.fund / 4) },
        venue_capital: Cash(world.fund / 2),
        taker_fee: Ratio(world.fees.0 * 100_000),
        liquidation_fee: Ratio(world.fees.1 * 1_000_000),
        execution: [
            Execution::Market,
            Execution::Bankruptcy,
            Execution::BankruptcyOrMark,
            Execution::ZeroPrice,
            Execution::FillablePrice,
        ][world.marks.len() % 5],
        surplus_to: if world.at_or_below { SurplusTo::Fund } else { SurplusTo::Trader },
        engine_slice: (world.latency == 1).then_some(Qty(7)),
        latency: Nanos(world.latency),
        adl: *adl::POLICIES.entries[world.policy].build_default(),
        adl_eligible: [Eligible::ProfitAtAdlPrice, Eligible::ProfitAtMark, Eligible::SolventAfter]
            [world.people.len() % 3],
        waterfall: Waterfall::default(),
        interruptions: Interruptions::default(),
        dynamic: None,
    };
    world.extras.onto(&mut rules);
    let rules = Arc::new(rules);
    let mut holdings = Holdings::default();
    for (account, &(entry, lots, collateral, contract, long)) in (0u32..).zip(&world.people) {
        let qty = Qty(if long { lots } else { -lots });
        holdings.wallet.push(Cash(i64::from(account)));
        holdings.account.push(account);
        holdings.contract.push(contract);
        holdings.qty.push(qty);
        holdings.cost.push(Multiplier::Linear(1).value(qty, Price(entry)));
        holdings.collateral.push(Cash(collateral));
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &[Price(100), Price(100)]).unwrap();
    let mut venue = Venue::new(Arc::clone(&rules));
    venue.open(Arc::new(register), Telling::Told);
    (venue, rules)
}

/// A book that takes so many lots of an order, each at a price worse than the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope {
    /// By how many twentieths of a tick a price is worse than the one before.
    pub slippage: i64,
    /// Lots.
    pub capacity: i64,
}

impl Slope {
    /// The greatest fill that an order's limit and budget allow.
    pub fn fill(self, order: &Order, mark: i64, k: Multiplier) -> Fill {
        let price = |lot: i64| match order.side {
            Side::Long => (mark - self.slippage * lot / 20).max(1),
            Side::Short => mark + self.slippage * lot / 20,
        };
        let cash = |lots: i64| (0..lots).map(|lot| k.notional(Qty(1), Price(price(lot)))).sum::<Cash>();
        let s = |lots| order.shortfall(k, Qty(lots), cash(lots));
        let within = |lot: i64| match (order.limit, order.side) {
            (None, _) => true,
            (Some(limit), Side::Long) => price(lot) >= limit.0,
            (Some(limit), Side::Short) => price(lot) <= limit.0,
        };
        let most = (0..order.lots.0.min(self.capacity)).take_while(|&lot| within(lot)).count();
        let most = i64::try_from(most).unwrap();
        let lots = (0..=most).rev().find(|&x| order.budget.is_none_or(|budget| s(x) <= budget)).unwrap();
        Fill { lots: Qty(lots), cash: cash(lots), uncut: s(most) }
    }
}

/// What the book of a world makes of an order.
pub(super) fn fill(world: &World, order: &Order, mark: i64) -> Fill {
    let &World { slippage, capacity, .. } = world;
    Slope { slippage, capacity }.fill(order, mark, Multiplier::Linear(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_trigger_index_finds_what_a_scan_finds_in_the_same_order(world in worlds()) {
        let (mut venue, rules) = open(&world);
        venue.facts().clear();
        let mut marks = [100, 100];
        for (i, &(contract, mark)) in (1i64..).zip(&world.marks) {
            let now = Nanos(i);
            venue.apply(Command::Index { now, contract, index: Price(mark + 3) }).unwrap();
            if venue.is_halted(contract, now) {
                continue;
            }
            let mut expected: Vec<(i64, u32)> = Vec::new();
            for side in SIDES {
                let mut of_side = Vec::new();
                for id in 0..u32::try_from(world.people.len()).unwrap() {
                    let position = venue.ledger().position(id);
                    let watched = matches!(position.state, State::Listed | State::Rearmed);
                    if !watched || position.contract != contract || Side::of(position.qty) != side {
                        continue;
                    }
                    let of = &rules.contracts[usize::from(contract)];
                    let Position { qty, cost, collateral, .. } = position;
                    if register::breaches(of, rules.trigger, qty, cost, collateral, Price(mark)) {
                        let tick = of.tiers.liquidation_tick(rules.trigger, of.multiplier, qty, cost, collateral);
                        of_side.push((if side == Side::Long { -tick.0 } else { tick.0 }, id));
                    }
                }
                of_side.sort_unstable();
                expected.extend(of_side);
            }
            marks[usize::from(contract)] = mark;
            venue.apply(Command::Mark { now: Nanos(i), contract, mark: Price(mark) }).unwrap();
            let found: Vec<u32> = venue
                .facts()
                .drain(..)
                .filter_map(|fact| if let Fact::Breached { account, .. } = fact { Some(account) } else { None })
                .collect();
            prop_assert_eq!(&found, &expected.iter().map(|(_, id)| *id).collect::<Vec<_>>());
            let mut next = venue.apply(Command::Check { now: Nanos(i) }).unwrap();
            while let Next::Order(order) = next {
                next = venue.apply(Command::Fill(fill(&world, &order, marks[usize::from(order.contract)]))).unwrap();
            }
            // Whoever is not in the queue is watched or closed.
            for position in venue.ledger().touched() {
                let waits = venue.queue.waiting().iter().any(|queued| queued.position == position.id);
                prop_assert_eq!(waits, position.state == State::Queued, "position {}", position.id);
            }
        }
    }

    /// Every path of every rule set passes the audit, which shares no code with the ledger.
    #[test]
    fn every_small_world_passes_the_audit(world in worlds()) {
        use crate::facts::Observer as _;
        let (mut venue, rules) = open(&world);
        let mut audit = crate::sim::audit::Audit::new(&[Multiplier::Linear(1), Multiplier::Linear(1)], rules.fund.floor);
        audit.begin();
        let facts = std::mem::take(venue.facts());
        audit.see(Nanos(0), &facts);
        let mut marks = [100, 100];
        let mut log = Vec::new();
        for (i, &(contract, mark)) in (1i64..).zip(&world.marks) {
            let now = Nanos(i);
            venue.apply(Command::Index { now, contract, index: Price(mark + 3) }).unwrap();
            if venue.is_halted(contract, now) {
                continue;
            }
            marks[usize::from(contract)] = mark;
            venue.facts().push(Fact::Marked { contract, mark: Price(mark) });
            venue.apply(Command::Mark { now, contract, mark: Price(mark) }).unwrap();
            // A refresh is an event of its own.
            let facts = std::mem::take(venue.facts());
            audit.see(now, &facts);
            let mut next = venue.apply(Command::Check { now }).unwrap();
            loop {
                let facts = std::mem::take(venue.facts());
                audit.see(now, &facts);
                log.extend(facts);
                let Next::Order(order) = next else { break };
                next = venue.apply(Command::Fill(fill(&world, &order, marks[usize::from(order.contract)]))).unwrap();
            }
        }
        if let Err(violation) = audit.finish() {
            prop_assert!(false, "{}\n{:#?}", violation, log);
        }
    }
}
