//! What every liquidation rule and every ADL policy of the lists must keep on cross accounts, through the venue: small
//! worlds of cross and isolated positions, each played under every rule and under every policy.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::adl::{POLICIES, Policy};
use super::super::liquidation::RULES;
use super::cross::{CONTRACTS, World, fill, open, told, worlds};
use super::rounds::Recorder;
use super::*;
use crate::facts::Via;

/// Lots of each account in each contract, kept from the facts alone. An account has one position in a contract.
type Lots = BTreeMap<(u32, u16), i64>;

/// What the facts of a path contradict, if anything, and the first round: lots needed and placed.
#[derive(Debug, Default)]
struct Seen {
    lots: Lots,
    /// Accounts with an order in this instant.
    busy: Vec<u32>,
    taken: i64,
    first: Option<(Qty, Qty)>,
    orders: u32,
    rounds: u32,
}

impl Seen {
    fn see(&mut self, facts: &[Fact]) -> Result<(), String> {
        for fact in facts {
            match *fact {
                Fact::OrderOpened { contract, account, qty, .. } => {
                    self.orders += 1;
                    self.busy.push(account);
                    let held = self.lots.get(&(account, contract)).copied().unwrap_or(0);
                    if qty.0 == 0 || qty.0.signum() != held.signum() || qty.0.abs() > held.abs() {
                        return Err(format!("an order for {} of {held} lots", qty.0));
                    }
                }
                Fact::Traded { party: Party::Trader(account), contract, qty, via, order, .. } => {
                    let held = self.lots.entry((account, contract)).or_default();
                    // Forced or deleveraged lots leave a position; nothing crosses to the other side of it.
                    let leaves = order.is_some() || via == Via::Adl;
                    if leaves && (qty.0.signum() == held.signum() || qty.0.abs() > held.abs()) {
                        return Err(format!("{} lots of {held} traded via {via:?}", qty.0));
                    }
                    if via == Via::Adl && order.is_none() {
                        self.taken += qty.0.abs();
                        if self.busy.contains(&account) {
                            return Err(format!("account {account} is deleveraged beside its own order"));
                        }
                    }
                    *held += qty.0;
                }
                Fact::Round { needed, placed, .. } => {
                    self.rounds += 1;
                    self.first.get_or_insert((needed, placed));
                    if placed.0 != std::mem::take(&mut self.taken) || placed > needed {
                        return Err(format!("{placed:?} placed of {needed:?}, which is not what winners gave"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Plays a world under its own rules with another liquidation rule and policy. Stops after the first round where that is
/// all that is asked.
fn played(world: &World, rule: usize, policy: Policy, until_round: bool) -> Result<Seen, String> {
    let Some((mut opened, rules)) = open(world) else { return Ok(Seen::default()) };
    let register = opened.release();
    drop(opened);
    let rules = Rules { adl: policy, liquidation: RULES.entries[rule].build_default(), ..(*rules).clone() };
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(register, Telling::Told);
    let mut seen = Seen::default();
    seen.see(venue.facts())?;
    let mut standing = [Price(100); CONTRACTS];
    for (i, (marks, _)) in (1i64..).zip(&world.refreshes) {
        let now = Nanos(i);
        for (contract, mark) in (0u16..).zip(told(&mut venue, now, &mut standing, marks)) {
            if !venue.is_halted(contract, now) {
                venue.apply(Command::Mark { now, contract, mark }).unwrap();
            }
        }
        venue.apply(Command::Refreshed { now }).unwrap();
        venue.facts().clear();
        seen.busy.clear();
        let mut next = venue.apply(Command::Check { now }).unwrap();
        loop {
            let facts = std::mem::take(venue.facts());
            seen.see(&facts)?;
            let Next::Order(order) = next else { break };
            let mark = standing[usize::from(order.contract)].0;
            next = venue.apply(Command::Fill(fill(world, &order, mark))).unwrap();
        }
        if until_round && seen.first.is_some() {
            return Ok(seen);
        }
        // The instant is over: nobody owes anything.
        for id in 0..u32::try_from(venue.ledger().register().holdings.account.len()).unwrap() {
            let position = venue.ledger().position(id);
            let wallet = venue.ledger().wallet(position.account);
            if position.collateral.0 < 0 || wallet.0 < 0 {
                return Err(format!("account {} ends an instant with {wallet:?} and {position:?}", position.account));
            }
        }
    }
    Ok(seen)
}

fn policy(at: usize) -> Policy {
    *POLICIES.entries[at].build_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_rule_and_no_policy_takes_more_than_a_position_or_touches_who_is_being_liquidated(world in worlds()) {
        for rule in 0..RULES.entries.len() {
            let seen = played(&world, rule, policy(world.policy), false);
            prop_assert!(seen.is_ok(), "{}: {}", RULES.entries[rule].kind, seen.unwrap_err());
        }
        for at in 0..POLICIES.entries.len() {
            let seen = played(&world, world.rule, policy(at), false);
            prop_assert!(seen.is_ok(), "{}: {}", POLICIES.entries[at].kind, seen.unwrap_err());
        }
    }

    /// The recorder is shown everybody who is eligible; every policy places as much as they hold, or all that is needed.
    #[test]
    fn a_residue_of_cross_accounts_remains_only_where_no_eligible_winner_is_left(world in worlds()) {
        let recorder = Recorder::default();
        let seen = played(&world, world.rule, Policy::Sharing(Box::new(recorder.clone())), true).unwrap();
        let Some((needed, placed)) = seen.first else { return Ok(()) };
        let held: Qty = recorder.0.lock().unwrap()[0].1.iter().map(|winner| winner.qty.abs()).sum();
        prop_assert_eq!(placed, needed.min(held));
        for at in 0..POLICIES.entries.len() {
            let seen = played(&world, world.rule, policy(at), true).unwrap();
            prop_assert_eq!(seen.first, Some((needed, placed)), "{}", POLICIES.entries[at].kind);
        }
    }
}

/// The worlds are not so tame that the suite sees nothing.
#[test]
fn the_worlds_of_the_suite_have_orders_and_rounds_on_cross_accounts() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut orders, mut rounds) = (0, 0);
    for _ in 0..100 {
        let world = worlds().new_tree(&mut runner).unwrap().current();
        let seen = played(&world, 0, policy(0), false).unwrap();
        (orders, rounds) = (orders + seen.orders, rounds + seen.rounds);
    }
    assert!(orders > 200 && rounds > 30, "{orders} orders, {rounds} rounds");
}
