//! Each mechanism beyond the plain waterfall on the worked example: A long 10 from 100 on 95 of collateral, so bankrupt at
//! 91 with 5 to spare; mark 89; bids of 3 at 92, 3 at 90 and 4 at 85.

use super::super::rules::{
    AdlPrice, AdlTrigger, BackstopPrice, BackstopRules, Band, BandOf, Drawdown, FeeCap, Interruptions, PoolRules,
    Socialise, Span, Waterfall,
};
use super::*;
use crate::facts::{Paid, Via};

/// Signed lots, entry, collateral and wallet.
type Person = (i64, i64, i64, i64);

const A: Person = (10, 100, 95, 0);
/// The winner of the worked example.
const B: Person = (-10, 105, 500, 0);

/// A venue and a ladder of bids.
struct Street {
    venue: Venue,
    bids: Vec<(i64, i64)>,
    facts: Vec<Fact>,
}

impl Street {
    fn new(rules: Rules, people: &[Person]) -> Self {
        let mut holdings = Holdings::default();
        for (account, &(qty, entry, collateral, wallet)) in (0u32..).zip(people) {
            holdings.wallet.push(Cash(wallet));
            holdings.account.push(account);
            holdings.contract.push(0);
            holdings.qty.push(Qty(qty));
            holdings.cost.push(Cash(qty * entry));
            holdings.collateral.push(Cash(collateral));
        }
        let mut register = Register::default();
        let opens = vec![Price(100); rules.contracts.len()];
        register.rebuild(&mut holdings, &rules, &opens).unwrap();
        let mut venue = Venue::new(Arc::new(rules));
        venue.open(Arc::new(register), Telling::Told);
        let bids = vec![(92, 3), (90, 3), (85, 4)];
        Self { venue, bids, facts: Vec::new() }
    }

    fn mark(&mut self, now: i64, mark: i64) {
        self.venue.apply(Command::Mark { now: Nanos(now), contract: 0, mark: Price(mark) }).unwrap();
    }

    fn value(&self, lots: i64) -> i64 {
        let mut left = lots;
        self.bids
            .iter()
            .map(|&(price, size)| {
                let n = left.min(size);
                left -= n;
                n * price
            })
            .sum()
    }

    /// One check instant; returns the orders that came to the book.
    fn check(&mut self, now: i64) -> Vec<Order> {
        let mut orders = Vec::new();
        let mut next = self.venue.apply(Command::Check { now: Nanos(now) }).unwrap();
        while let Next::Order(order) = next {
            orders.push(order);
            let s = |lots| order.shortfall(Multiplier::Linear(1), Qty(lots), Cash(self.value(lots)));
            let within = |bid: &&(i64, i64)| order.limit.is_none_or(|limit| bid.0 >= limit.0);
            let most = order.lots.0.min(self.bids.iter().filter(within).map(|bid| bid.1).sum());
            let lots = (0..=most).rev().find(|&x| order.budget.is_none_or(|budget| s(x) <= budget)).unwrap();
            let fill = Fill { lots: Qty(lots), cash: Cash(self.value(lots)), uncut: s(most) };
            let mut left = lots;
            for bid in &mut self.bids {
                let n = left.min(bid.1);
                bid.1 -= n;
                left -= n;
            }
            next = self.venue.apply(Command::Fill(fill)).unwrap();
        }
        self.facts.append(self.venue.facts());
        orders
    }

    fn fund(&self) -> i64 {
        self.venue.ledger().fund().0
    }

    fn adl_lots(&self) -> i64 {
        self.facts.iter().map(|fact| if let Fact::Deleveraged { qty, .. } = fact { qty.0 } else { 0 }).sum()
    }

    /// Who paid for the orders that are closed.
    fn paid(&self) -> Vec<Paid> {
        self.facts
            .iter()
            .filter_map(|fact| if let Fact::OrderClosed { disposal, .. } = fact { Some(disposal.paid) } else { None })
            .collect()
    }

    /// Results of a vault's sales and who bore them.
    fn vault_results(&self) -> Vec<(i64, Paid)> {
        self.facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::BackstopClosed { result, paid, .. } => Some((result.0, *paid)),
                _ => None,
            })
            .collect()
    }
}

fn rules(fund: i64, waterfall: Waterfall) -> Rules {
    Rules { fund: FundRules { open: Cash(fund), floor: Cash(0) }, waterfall, ..example_rules() }
}

/// The worked example at mark 89, its one check done.
fn played(rules: Rules, people: &[Person]) -> Street {
    let mut street = Street::new(rules, people);
    street.mark(1, 89);
    street.check(1);
    street
}

fn paid(fund: i64, backstop: i64, socialised: i64, deficit: i64) -> Paid {
    Paid {
        fund: Cash(fund),
        venue: Cash(0),
        backstop: Cash(backstop),
        socialised: Cash(socialised),
        deficit: Cash(deficit),
    }
}

#[test]
fn at_the_mark_the_loser_lacks_what_the_winner_keeps() {
    // The book takes 8 for 716, the fund pays 7. The last 2 close at 89, 2 below bankruptcy each: 3 more of the fund, 1
    // of nobody.
    let mark = Waterfall { adl_price: AdlPrice::Mark, ..Waterfall::default() };
    let street = played(rules(10, mark), &[A, B]);
    assert_eq!((street.adl_lots(), street.fund()), (2, 0));
    assert_eq!(street.paid(), [paid(10, 0, 0, 1)]);
    // B bought back 2 of its short from 105 at 89: 32 realised, no haircut.
    assert_eq!(street.venue.ledger().position(1).collateral, Cash(532));
    let haircuts: i64 =
        street.facts.iter().map(|f| if let Fact::Deleveraged { haircut, .. } = f { haircut.0 } else { 0 }).sum();
    assert_eq!(haircuts, 0);
    assert_eq!(street.venue.ledger().wallet(0), Cash(0));
}

#[test]
fn losers_close_at_the_mark_while_the_fund_can_pay_for_it() {
    // As above the last 2 lots cost 4 at the mark, and the fund has 3 left: they close at 91, which costs nobody anything.
    let funded = Waterfall { adl_price: AdlPrice::MarkWhileFunded, ..Waterfall::default() };
    let street = played(rules(10, funded.clone()), &[A, B]);
    assert_eq!((street.adl_lots(), street.fund(), street.paid()), (2, 3, vec![paid(7, 0, 0, 0)]));
    // With one more it can pay. (The book takes 8 as well: 9 would cost 13.)
    let street = played(rules(11, funded.clone()), &[A, B]);
    assert_eq!((street.adl_lots(), street.fund(), street.paid()), (2, 0, vec![paid(11, 0, 0, 0)]));
    // The drawdown stops the book and not the promise: 30 lots sold for 300k, and 5 at the mark for 50k.
    let mut waterfall = funded;
    waterfall.fund.drawdown = Some(DRAWDOWN);
    let mut rules = rules(1_000_000, waterfall);
    rules.contracts[0].tiers = tiers_of(1_000_000);
    let mut street = Street::new(rules, &[(35, 100_000, 35_000, 0), (-35, 120_000, 5_000_000, 0)]);
    street.bids = vec![(89_000, 1_000)];
    street.mark(1, 89_000);
    street.check(1);
    assert_eq!((street.adl_lots(), street.fund(), street.paid()), (5, 650_000, vec![paid(350_000, 0, 0, 0)]));
    assert_eq!(street.venue.budget(0), Cash(0), "the trigger is on");
}

#[test]
fn a_bankruptcy_price_far_from_the_mark_gives_way_to_it() {
    // 91 is 2.2 % from 89.
    let within = |share: i64| AdlPrice::BankruptcyNearMark { within: Ratio(share) };
    let of = |share| played(rules(10, Waterfall { adl_price: within(share), ..Waterfall::default() }), &[A, B]).paid();
    assert_eq!(of(50_000_000), [paid(7, 0, 0, 0)]);
    assert_eq!(of(20_000_000), [paid(10, 0, 0, 1)]);
}

const DRAWDOWN: Drawdown = Drawdown { start: Ratio(300_000_000), stop: Ratio(250_000_000), window: Nanos(1_000) };

#[test]
fn at_the_oracle_a_better_price_than_bankruptcy_repays_the_fund() {
    let oracle = Waterfall { adl_price: AdlPrice::Oracle, ..Waterfall::default() };
    let mut street = Street::new(rules(10, oracle), &[A, B]);
    street.venue.apply(Command::Index { now: Nanos(1), contract: 0, index: Price(94) }).unwrap();
    street.mark(1, 89);
    street.check(1);
    // The fund paid 7 for the book; 2 lots at 94 bring 6 over bankruptcy, which go back to it.
    assert_eq!((street.adl_lots(), street.fund()), (2, 9));
    assert_eq!(street.paid(), [paid(1, 0, 0, 0)]);
}

/// Pool 1M, loss 350k, start share 30 %: the fund pays 300k and ADL spares 50k. 35 lots lose 10k each at a flat fill.
#[test]
fn the_drawdown_trigger_stops_the_fund_at_its_share_and_adl_bears_the_rest() {
    let share = |percent: i64| Ratio(percent * 10_000_000);
    let mut waterfall = Waterfall::default();
    waterfall.fund.drawdown = Some(Drawdown { start: share(30), stop: share(25), window: Nanos(1_000) });
    let people = [(35, 100_000, 35_000, 0), (-35, 120_000, 5_000_000, 0)];
    let mut rules = rules(1_000_000, waterfall);
    rules.contracts[0].tiers = margin::Tiers::new(vec![margin::Tier {
        floor: Cash(0),
        rate: Ratio(1_000_000),
        max_leverage: Ratio(100_000_000_000),
    }])
    .unwrap();
    let mut street = Street::new(rules, &people);
    street.bids = vec![(89_000, 1_000)];
    street.mark(1, 89_000);
    let orders = street.check(1);
    assert_eq!(orders[0].budget, Some(Cash(300_000)));
    assert_eq!((street.fund(), street.adl_lots()), (700_000, 5));
    let avoided = street.facts.iter().find_map(|fact| match fact {
        Fact::OrderClosed { disposal, .. } => Some(disposal.book_cost_avoided),
        _ => None,
    });
    assert_eq!(avoided, Some(Cash(50_000)));
    let switched =
        |fact: &&Fact| matches!(fact, Fact::Drawdown { on: true, peak: Cash(1_000_000), balance: Cash(700_000), .. });
    assert_eq!(street.facts.iter().filter(switched).count(), 1);
    // The trigger is on: nothing more is paid until the fall is under 25 %, or the peak has left the window.
    assert_eq!(street.venue.budget(0), Cash(0));
    street.venue.now = Nanos(1_002);
    street.venue.watch_drawdown();
    assert_eq!(street.venue.budget(0), Cash(210_000), "30 % of 700,000");
}

#[test]
fn only_accounts_below_zero_are_deleveraged_once_they_lack_the_tolerance() {
    // The book takes 6 on A's own equity; at the mark the other 4 stand at 5 − 4·2 = −3.
    let lacking = |tolerance| {
        let adl_trigger = AdlTrigger::NegativeAccountValue { tolerance: Cash(tolerance) };
        let street = played(rules(0, Waterfall { adl_trigger, ..Waterfall::default() }), &[A, B]);
        (street.adl_lots(), street.paid())
    };
    assert_eq!(lacking(3), (4, vec![paid(0, 0, 0, 0)]));
    // Not enough: the 4 are sold at 85, 24 below bankruptcy less the 5 to spare.
    assert_eq!(lacking(4), (0, vec![paid(0, 0, 0, 19)]));
}

#[test]
fn where_the_book_must_be_exhausted_no_budget_stops_the_sale() {
    let adl_trigger = AdlTrigger::BookExhausted;
    let street = played(rules(10, Waterfall { adl_trigger, ..Waterfall::default() }), &[A, B]);
    assert_eq!((street.adl_lots(), street.paid()), (0, vec![paid(10, 0, 0, 9)]));
    // Limited at 91 the book takes 3, and ADL the other 7 at 91: A keeps 5 and the 3 that it sold better.
    let limited =
        Rules { execution: Execution::Bankruptcy, ..rules(10, Waterfall { adl_trigger, ..Waterfall::default() }) };
    let street = played(limited, &[A, B]);
    assert_eq!((street.adl_lots(), street.paid()), (7, vec![paid(0, 0, 0, 0)]));
    assert_eq!(street.venue.ledger().wallet(0), Cash(8));
}

fn vault(capital: i64, loss_cap: i64) -> BackstopRules {
    BackstopRules {
        // Two thirds.
        threshold: Some(Ratio(666_666_667)),
        capital: Cash(capital),
        loss_cap: Cash(loss_cap),
        margin_rate: Ratio(0),
        slice: Qty(0),
        adl_price: BackstopPrice::Mark,
    }
}

fn with_vault(fund: i64, vault: BackstopRules) -> Rules {
    let mut rules = rules(fund, Waterfall { backstops: vec![vault], ..Waterfall::default() });
    rules.position_layers = vec![PositionLayer::Book, PositionLayer::Backstop, PositionLayer::Adl];
    rules
}

/// What the vault holds, and what it has.
fn held(street: &Street) -> (i64, i64) {
    let vault = &street.venue.ledger().backstops[0];
    (vault.positions[0].0.0, vault.cash.0)
}

#[test]
fn a_position_below_the_threshold_passes_the_book_and_goes_to_the_vault_with_its_margin() {
    // Equity is 95 − 110 = −15 at the mark: the vault takes 10 at 91.
    let street = played(with_vault(0, vault(100, 100)), &[A, B]);
    assert_eq!((held(&street), street.adl_lots()), ((10, 100), 0));
    assert_eq!((street.bids[0], street.paid()), ((92, 3), vec![paid(0, 0, 0, 0)]));
    assert!(street.facts.contains(&Fact::Inventory { mark_to_market: Cash(-20) }));
    assert!(street.venue.was_strained());
}

#[test]
fn a_vault_takes_no_more_than_its_loss_cap_and_its_own_margin_bear() {
    // Each lot stands 2 under its cost: a cap of 10 bears 5, and ADL takes the rest at 91.
    let street = played(with_vault(0, vault(100, 10)), &[A, B]);
    assert_eq!((held(&street), street.adl_lots()), ((5, 100), 5));
    // 100 − 2n ≥ 10 % of 89n up to n = 9.
    let margin = BackstopRules { margin_rate: Ratio(100_000_000), ..vault(100, 100) };
    assert_eq!(held(&played(with_vault(0, margin), &[A, B])), (9, 100));
}

#[test]
fn above_the_threshold_the_book_comes_first_and_the_vault_takes_what_it_leaves() {
    // At 91 equity is 5, over half of maintenance 9.1: the book takes 6 on A's equity, the vault the other 4.
    let half = BackstopRules { threshold: Some(Ratio(500_000_000)), ..vault(100, 100) };
    let mut street = Street::new(with_vault(0, half), &[A, B]);
    street.mark(1, 91);
    street.check(1);
    assert_eq!((held(&street), street.value(10)), ((4, 100), 4 * 85));
}

#[test]
fn a_vault_works_its_inventory_off_in_slices_and_bears_the_loss() {
    let sold = BackstopRules { slice: Qty(4), ..vault(100, 100) };
    let mut street = played(with_vault(0, sold), &[A, B]);
    let orders = street.check(2);
    assert_eq!((orders[0].lots, orders[0].bankruptcy, orders[0].budget), (Qty(4), Price(91), Some(Cash(100))));
    // 3 at 92 and 1 at 90 bring 366, 2 over cost; the next 4 are 2 at 90 and 2 at 85: 350, 14 under it.
    street.check(3);
    assert_eq!(street.vault_results(), [(2, paid(0, 0, 0, 0)), (-14, paid(0, 14, 0, 0))]);
    assert_eq!(held(&street), (2, 88));
}

#[test]
fn a_vault_beyond_its_loss_cap_is_deleveraged_at_the_mark_and_the_layers_pay_the_rest() {
    let mut street = played(with_vault(6, vault(100, 30)), &[A, B]);
    assert_eq!(held(&street).0, 10);
    street.mark(2, 87);
    // 10 lots from 91 at 87: 40 lost, of which the vault bears 30, the fund 6 and nobody 4.
    street.check(2);
    assert_eq!((held(&street), street.adl_lots(), street.fund()), ((0, 70), 10, 0));
    assert_eq!(street.vault_results(), [(-40, paid(6, 30, 0, 4))]);
    // At its takeover price it loses nothing more.
    let fixed = BackstopRules { adl_price: BackstopPrice::Takeover, ..vault(100, 30) };
    let mut street = played(with_vault(6, fixed), &[A, B]);
    street.mark(2, 87);
    street.check(2);
    assert_eq!((held(&street), street.vault_results()), ((0, 100), vec![(0, paid(0, 0, 0, 0))]));
}

#[test]
fn a_vault_pays_as_a_cash_layer_up_to_its_loss_cap() {
    let mut rules = rules(4, Waterfall { backstops: vec![vault(100, 10)], ..Waterfall::default() });
    rules.position_layers = vec![PositionLayer::Book];
    rules.cash_layers = vec![CashLayer::Fund, CashLayer::Backstop];
    assert_eq!(played(rules, &[A, B]).paid(), [paid(4, 10, 0, 5)]);
}

/// A lacks 19 with an empty fund; B stands 160 in profit at 89, C (short 5 from 97) 40.
fn socialised(socialise: Socialise, people: &[Person]) -> Street {
    let mut rules = rules(0, Waterfall { socialise, ..Waterfall::default() });
    rules.position_layers = vec![PositionLayer::Book];
    rules.cash_layers = vec![CashLayer::Fund, CashLayer::Socialise];
    played(rules, people)
}

const C: Person = (-5, 97, 500, 0);

#[test]
fn winners_bear_a_loss_in_proportion_to_their_profit_rounded_down() {
    // ⌊19·160/200⌋ = 15 and ⌊19·40/200⌋ = 3; the last unit is nobody's.
    let street = socialised(Socialise::Profit, &[A, B, C]);
    assert_eq!(street.paid(), [paid(0, 0, 18, 1)]);
    let (b, c) = (street.venue.ledger().position(1), street.venue.ledger().position(2));
    // B closes and opens 1 lot at 89 to realise 16, C as well to realise 8; their lots are what they were.
    assert_eq!((b.qty, b.cost, b.collateral), (Qty(-10), Cash(-1034), Cash(501)));
    assert_eq!((c.qty, c.cost, c.collateral), (Qty(-5), Cash(-477), Cash(505)));
    let legs = street.facts.iter().filter(|fact| matches!(fact, Fact::Traded { via: Via::Socialised, .. })).count();
    assert_eq!((legs, b.state), (4, State::Rearmed));
}

#[test]
fn the_claims_of_an_instant_are_met_together_and_in_turn() {
    // Two losers of 5 from 100 on 45, bankrupt at 91: the first sells 3 at 92 and 2 at 90 for 456, the second 1 at 90 and
    // 4 at 85 for 430, which is 25 short.
    let half = (5, 100, 45, 0);
    let street = socialised(Socialise::Profit, &[half, half, B, C]);
    // ⌊25·160/200⌋ = 20 and ⌊25·40/200⌋ = 5.
    assert_eq!(street.paid(), [paid(0, 0, 0, 0), paid(0, 0, 25, 0)]);
    assert_eq!(
        (street.venue.ledger().position(2).cost, street.venue.ledger().position(3).cost),
        (Cash(-1018), Cash(-477))
    );
}

#[test]
fn what_does_not_come_together_is_for_the_next_layer() {
    let mut rules = rules(10, Waterfall::default());
    rules.position_layers = vec![PositionLayer::Book];
    rules.cash_layers = vec![CashLayer::Socialise, CashLayer::Fund];
    // The fund pays 7 for the 8 lots that its budget allows. The other 2 at 85 are 12 short: ⌊12·160/200⌋ = 9 and
    // ⌊12·40/200⌋ = 2 of the winners, 1 of the fund.
    assert_eq!(played(rules, &[A, B, C]).paid(), [paid(8, 0, 11, 0)]);
}

#[test]
fn nobody_gives_more_than_his_profit() {
    assert_eq!(socialised(Socialise::Profit, &[A, (-4, 90, 100, 0)]).paid(), [paid(0, 0, 4, 15)]);
}

#[test]
fn every_position_bears_a_loss_by_its_lots_on_both_sides() {
    // 15 lots beside A's: ⌊19·10/25⌋ = 7 of B, ⌊19·5/25⌋ = 3 of C, ⌊19·10/25⌋ = 7 of a long without profit.
    let street = socialised(Socialise::Base, &[A, B, C, (10, 89, 400, 0)]);
    assert_eq!(street.paid(), [paid(0, 0, 17, 2)]);
    assert_eq!(street.venue.ledger().position(3).collateral, Cash(393));
}

#[test]
fn free_cash_bears_a_loss_up_to_the_haircut() {
    // A tenth of 100 and of 31: 10 and 3.
    let most = Ratio(100_000_000);
    let people = [A, (-10, 105, 500, 100), (-5, 97, 500, 31)];
    let street = socialised(Socialise::Withdrawals { most }, &people);
    assert_eq!(street.paid(), [paid(0, 0, 13, 6)]);
    assert_eq!((street.venue.ledger().wallet(1), street.venue.ledger().wallet(2)), (Cash(90), Cash(28)));
}

#[test]
fn a_pool_pays_for_its_contracts_alone() {
    let mut rules = rules(30, Waterfall::default());
    rules.contracts.push(rules.contracts[0].clone());
    let pool = |contract, open| PoolRules { open: Cash(open), floor: Cash(0), contracts: vec![contract] };
    rules.waterfall.fund.pools = vec![pool(0, 10), pool(1, 20)];
    // As the example with a fund of 10: 7 are paid, 2 lots deleveraged.
    let street = played(rules, &[A, B]);
    assert_eq!((street.fund(), street.adl_lots()), (23, 2));
    assert!(street.facts.contains(&Fact::PoolMoved { pool: 0, change: Cash(-7), balance: Cash(3) }));
    assert_eq!((street.venue.budget(0), street.venue.budget(1)), (Cash(3), Cash(20)));
}

#[test]
fn a_draw_cap_binds_before_the_fund_is_empty() {
    let mut waterfall = Waterfall::default();
    waterfall.fund.draw_cap = Some(Cash(10));
    let street = played(rules(100, waterfall), &[A, B]);
    assert_eq!((street.fund(), street.adl_lots(), street.venue.budget(0)), (93, 2, Cash(3)));
}

#[test]
fn the_engine_takes_no_more_than_its_net_cap() {
    // 45 % of 1,000 are 5 lots at 89; the other 5 are deleveraged.
    let mut rules = rules(1_000, Waterfall::default());
    rules.waterfall.fund.net_position_cap = Some(Ratio(450_000_000));
    rules.position_layers = vec![PositionLayer::Engine, PositionLayer::Adl];
    let street = played(rules, &[A, B]);
    assert_eq!(street.venue.tickets(0).collect::<Vec<_>>(), [(Qty(5), Price(91))]);
    assert_eq!(street.adl_lots(), 5);
}

#[test]
fn a_fund_with_an_overdraft_pays_below_zero() {
    let mut rules = rules(10, Waterfall::default());
    rules.fund.floor = Cash(-20);
    let street = played(rules, &[A, B]);
    assert_eq!((street.fund(), street.adl_lots(), street.paid()), (-9, 0, vec![paid(19, 0, 0, 0)]));
}

#[test]
fn a_fee_capped_at_the_surplus_leaves_a_partly_closed_position_its_bankruptcy_price() {
    let entry = liquidation::RULES.entries.iter().find(|entry| entry.kind == "restore_margin").unwrap();
    let charged = |fee_cap| {
        let mut rules = rules(0, Waterfall { fee_cap, ..Waterfall::default() });
        rules.liquidation = entry.build_default();
        // 100 of the 49,500 that are closed.
        rules.liquidation_fee = Ratio(2_020_202);
        let mut street = Street::new(rules, &[(10, 10_000, 1_500, 0)]);
        street.bids = vec![(9_860, 5)];
        street.mark(1, 9_900);
        street.check(1);
        let position = street.venue.ledger().position(0);
        (street.fund(), position.collateral.0)
    };
    assert_eq!(charged(FeeCap::Equity), (100, 700));
    // The 5 lots left close at 9,850 with 800 + 49,250 − 50,000 = 50.
    assert_eq!(charged(FeeCap::Surplus), (50, 750));
}

#[test]
fn what_winners_keep_can_be_rounded_down_in_place_of_what_they_give() {
    // Of 160 and 40 the 200 − 19 leave ⌊160·181/200⌋ = 144 and ⌊40·181/200⌋ = 36: 16 and 4 are given, and the last keeps
    // the one that is too much.
    let street = socialised(Socialise::Payout, &[A, B, C]);
    assert_eq!(street.paid(), [paid(0, 0, 19, 0)]);
    let left = |id| {
        let position = street.venue.ledger().position(id);
        position.collateral.0 + position.qty.0 * 89 - position.cost.0
    };
    assert_eq!((left(1), left(2)), (500 + 160 - 16, 500 + 40 - 3));
}

#[test]
fn the_funds_fee_takes_what_the_missing_margin_leaves() {
    // 10 lots at 90 have 90 of maintenance (10 %) and equity of 81: 1 % of notional is missing, 9 % are left, 0.95 of which
    // are 8.55 %: 76.95 of 900, rounded up. The taker fee of 2 % comes first and leaves 6.65 %, 59.85.
    let charged = |taker_fee: i64, fee_cap| {
        let mut rules = rules(0, Waterfall { fee_cap, ..Waterfall::default() });
        rules.contracts[0].tiers = tiers_of(100_000_000);
        rules.taker_fee = Ratio(taker_fee);
        rules.liquidation_fee = Ratio(500_000_000);
        let mut street = Street::new(rules, &[(10, 100, 181, 0)]);
        street.bids = vec![(90, 10)];
        street.mark(1, 90);
        street.check(1);
        street.fund()
    };
    assert_eq!(charged(0, FeeCap::MissingMargin), 77);
    assert_eq!(charged(20_000_000, FeeCap::MissingMargin), 60);
    assert_eq!(charged(0, FeeCap::Equity), 81);
}

fn tiers_of(rate: i64) -> margin::Tiers {
    margin::Tiers::new(vec![margin::Tier { floor: Cash(0), rate: Ratio(rate), max_leverage: Ratio(1) }]).unwrap()
}

const SECOND: i64 = 1_000_000_000;

fn interrupted(interruptions: Interruptions, people: &[Person]) -> Street {
    let mut street = Street::new(Rules { interruptions, ..rules(100, Waterfall::default()) }, people);
    street.mark(SECOND, 89);
    street
}

/// Orders opened so far.
fn opened(street: &Street) -> usize {
    street.facts.iter().filter(|fact| matches!(fact, Fact::OrderOpened { .. })).count()
}

#[test]
fn capacity_limits_the_orders_of_a_second() {
    let capacity = Interruptions { capacity: Some(2), ..Interruptions::default() };
    let mut street = interrupted(capacity, &[A, A, A, A, A, B]);
    let mut at = |time| {
        street.check(time);
        opened(&street)
    };
    // A full second's worth at first, then one every half second, and never more than two saved up.
    assert_eq!([at(SECOND), at(SECOND * 5 / 4), at(SECOND * 3 / 2), at(SECOND * 10)], [2, 2, 3, 5]);
}

#[test]
fn in_an_outage_nothing_is_liquidated_and_nothing_forgotten() {
    let span = Span { at: Nanos(SECOND), length: Nanos(SECOND) };
    let outage = Interruptions { outages: vec![span], ..Interruptions::default() };
    let mut street = interrupted(outage, &[A, B]);
    assert_eq!((street.check(SECOND).len(), street.check(2 * SECOND - 1).len()), (0, 0));
    assert!(!street.venue.is_idle());
    assert_eq!(street.check(2 * SECOND).len(), 1);
}

#[test]
fn a_halted_contract_keeps_its_orders() {
    let span = Span { at: Nanos(SECOND), length: Nanos(SECOND) };
    let halts = |of| Interruptions { halts: vec![(of, span)], ..Interruptions::default() };
    for (of, orders) in [(None, 0), (Some(0), 0), (Some(1), 1)] {
        assert_eq!(interrupted(halts(of), &[A, B]).check(SECOND).len(), orders, "{of:?}");
    }
    let mut street = interrupted(halts(Some(0)), &[A, B]);
    assert!(street.venue.is_halted(0, Nanos(SECOND)) && !street.venue.is_halted(0, Nanos(2 * SECOND)));
    street.check(SECOND);
    assert_eq!(street.check(2 * SECOND).len(), 1);
}

#[test]
fn no_order_trades_beyond_the_band_and_one_that_meets_it_halts_the_contract() {
    let width = Ratio(100_000_000);
    let band = Band { of: BandOf::Index, width, window: Nanos(60 * SECOND), halt: Nanos(5 * SECOND) };
    let rules = Rules {
        interruptions: Interruptions { band: Some(band), ..Interruptions::default() },
        ..rules(100, Waterfall::default())
    };
    let mut street = Street::new(rules, &[A, B]);
    for (time, index) in [(0, 100), (SECOND, 99)] {
        street.venue.apply(Command::Index { now: Nanos(time), contract: 0, index: Price(index) }).unwrap();
    }
    street.mark(SECOND, 89);
    // The mean index is 99.5, and 90 % of it 89.55: the bids at 92 and 90 are taken, and those at 85 are not.
    let orders = street.check(SECOND);
    assert_eq!((orders.len(), orders[0].limit), (1, Some(Price(90))));
    assert_eq!((street.adl_lots(), street.bids[2]), (4, (85, 4)));
    let until = Nanos(6 * SECOND);
    assert!(street.facts.contains(&Fact::Halted { contract: Some(0), until }));
    assert!(street.venue.is_halted(0, Nanos(6 * SECOND - 1)) && !street.venue.is_halted(0, until));
}

#[test]
fn a_band_around_the_mark_follows_it() {
    let band = Band { of: BandOf::Mark, width: Ratio(50_000_000), window: Nanos(SECOND), halt: Nanos(0) };
    let rules = Rules {
        interruptions: Interruptions { band: Some(band), ..Interruptions::default() },
        ..rules(100, Waterfall::default())
    };
    assert!(!rules.needs_index());
    let mut street = Street::new(rules, &[A, B]);
    // 95 % of a mark of 89 is 84.55: the bids at 92, 90 and 85 are all within it, however far the index is.
    street.mark(SECOND, 89);
    let orders = street.check(SECOND);
    assert_eq!((orders.len(), orders[0].limit), (1, Some(Price(85))));
    assert_eq!((street.adl_lots(), street.bids[2]), (0, (85, 0)));
}

#[test]
fn under_an_unlimited_fund_nothing_else_bears_a_loss_or_limits_it() {
    let mut rules = with_vault(10, vault(100, 100));
    rules.cash_layers = vec![CashLayer::Backstop, CashLayer::Fund, CashLayer::Socialise];
    rules.waterfall.adl_price = AdlPrice::Mark;
    rules.waterfall.adl_trigger = AdlTrigger::NegativeAccountValue { tolerance: Cash(0) };
    rules.waterfall.fund.draw_cap = Some(Cash(1));
    rules.waterfall.fund.net_position_cap = Some(Ratio(1));
    rules.waterfall.fund.drawdown = Some(Drawdown { start: Ratio(1), stop: Ratio(1), window: Nanos(1) });
    rules.waterfall.fee_cap = FeeCap::Surplus;
    rules.interruptions.capacity = Some(3);
    let unlimited = rules.with_unlimited_fund();
    assert_eq!(
        (unlimited.position_layers.as_slice(), unlimited.cash_layers.as_slice()),
        (&[PositionLayer::Book][..], &[CashLayer::Fund][..])
    );
    assert_eq!(unlimited.waterfall, Waterfall { fee_cap: FeeCap::Surplus, ..Waterfall::default() });
    assert_eq!(unlimited.interruptions, rules.interruptions);
    // The whole shortfall of 19 is the fund's.
    let street = played(unlimited, &[A, B]);
    assert_eq!((street.paid(), street.adl_lots()), (vec![paid(19, 0, 0, 0)], 0));
}
