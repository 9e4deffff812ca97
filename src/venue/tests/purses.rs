//! What the comparison with the reference model found of cross accounts, vaults and who pays, as cases worked by hand.

use super::super::register::Holdings;
use super::super::rules::{
    AdlPrice, BackstopPrice, BackstopRules, ContractRules, CrossBankruptcy, PositionOrder, Socialise, Span,
};
use super::*;
use crate::facts::Paid;
use crate::money::Multiplier;

/// Account, contract, lots, entry, collateral; no collateral for a position that its wallet backs.
type Held = (u32, u16, i64, i64, Option<i64>);

/// A venue on these positions with one contract for each mark, of which a fraction of 1,000 of the notional is maintenance.
fn venue(rules: Rules, permille: i64, wallets: &[i64], positions: &[Held], marks: &[i64]) -> Venue {
    venue_at(rules, Ratio(permille * 1_000_000), wallets, positions, marks)
}

fn venue_at(mut rules: Rules, rate: Ratio, wallets: &[i64], positions: &[Held], marks: &[i64]) -> Venue {
    let multiplier = rules.contracts[0].multiplier;
    let tier = margin::Tier { floor: Cash(0), rate, max_leverage: Ratio(2_000_000_000) };
    let tiers = margin::Tiers::new(vec![tier]).unwrap();
    rules.contracts = marks.iter().map(|_| ContractRules { multiplier, tiers: tiers.clone() }).collect();
    let mut holdings = Holdings { wallet: wallets.iter().map(|&cash| Cash(cash)).collect(), ..Holdings::default() };
    for &(account, contract, lots, entry, collateral) in positions {
        holdings.account.push(account);
        holdings.contract.push(contract);
        holdings.qty.push(Qty(lots));
        holdings.cost.push(multiplier.value(Qty(lots), Price(entry)));
        holdings.collateral.push(Cash(collateral.unwrap_or(0)));
        holdings.cross.push(collateral.is_none());
    }
    let mut register = Register::default();
    register.rebuild(&mut holdings, &rules, &vec![Price(100); marks.len()]).unwrap();
    let mut venue = Venue::new(Arc::new(rules));
    venue.open(Arc::new(register), Telling::Told);
    venue
}

/// One refresh and its check; each order is answered by the fills given (lots, cash), in turn, then by nothing.
fn instant(venue: &mut Venue, now: i64, marks: &[i64], fills: &[(i64, i64)]) -> Vec<Order> {
    let now = Nanos(now);
    for (contract, &mark) in (0u16..).zip(marks) {
        venue.apply(Command::Mark { now, contract, mark: Price(mark) }).unwrap();
    }
    venue.apply(Command::Refreshed { now }).unwrap();
    let mut fills = fills.iter();
    let mut orders = Vec::new();
    let mut next = venue.apply(Command::Check { now }).unwrap();
    while let Next::Order(order) = next {
        orders.push(order);
        let &(lots, cash) = fills.next().unwrap_or(&(0, 0));
        next = venue.apply(Command::Fill(Fill { lots: Qty(lots), cash: Cash(cash), uncut: Cash(0) })).unwrap();
    }
    orders
}

fn layered(layers: &[PositionLayer], fund: i64) -> Rules {
    let mut rules = example_rules();
    rules.position_layers = layers.to_vec();
    rules.fund.open = Cash(fund);
    rules
}

fn opened(venue: &mut Venue) -> Vec<(u16, i64, i64)> {
    let found = venue.facts().iter().filter_map(|fact| match fact {
        Fact::OrderOpened { contract, bankruptcy, surplus, .. } => Some((*contract, bankruptcy.0, surplus.0)),
        _ => None,
    });
    found.collect()
}

fn closed(venue: &mut Venue) -> Vec<Paid> {
    let found = venue.facts().iter().filter_map(|fact| match fact {
        Fact::OrderClosed { disposal, .. } => Some(disposal.paid),
        _ => None,
    });
    found.collect()
}

/// Two longs of 10 from 100 on a wallet of 195, marks 90 and 100, a tenth of maintenance: equity 95, maintenance
/// 90 + 100, so a ratio of a half. The larger is closed first. At 100 − 0.1·100·½ = 95 it leaves 45 for the 90 of the
/// other: a half again. dYdX's price lies half of 1.5·10 away: 7 ticks.
#[test]
fn the_limit_of_a_cross_position_follows_equity_and_maintenance_of_its_account() {
    for (execution, limit) in [(Execution::ZeroPrice, 95), (Execution::FillablePrice, 93)] {
        let rules = Rules { execution, ..layered(&[PositionLayer::Book], 0) };
        let mut venue = venue(rules, 100, &[195], &[(0, 0, 10, 100, None), (0, 1, 10, 100, None)], &[100, 100]);
        let orders = instant(&mut venue, 1, &[90, 100], &[]);
        assert_eq!((orders[0].contract, orders[0].limit), (1, Some(Price(limit))), "{execution:?}");
    }
}

/// An isolated long, bankrupt at 91 with 5 to spare, waits for ADL when the order on a cross position of its account
/// opens: the 5 are its own.
#[test]
fn what_an_isolated_order_has_left_is_not_handed_on_to_a_cross_position_of_its_account() {
    let positions = [(0, 0, 10, 100, Some(95)), (0, 1, 10, 100, None)];
    let mut venue = venue(layered(&[PositionLayer::Book, PositionLayer::Adl], 0), 10, &[5], &positions, &[100, 100]);
    // Neither finds anything in the book, and ADL nobody; then all ten are sold, 5 under their bankruptcy price.
    let orders = instant(&mut venue, 1, &[89, 100], &[(0, 0), (0, 0), (10, 905)]);
    assert_eq!(opened(&mut venue), [(0, 91, 5), (1, 100, 5)]);
    assert_eq!(orders[2].surplus, Cash(5));
    assert_eq!(closed(&mut venue), [Paid::default(); 2]);
}

/// Equity 150 of a wallet of 250, maintenance 100 + 90, a tenth. Four lots of the larger position must go before 150 cover
/// 60 + 90.
#[test]
fn back_to_maintenance_is_that_of_the_whole_account() {
    let mut rules = layered(&[PositionLayer::Book], 0);
    let restore = liquidation::RULES.entries.iter().find(|entry| entry.kind == "restore_margin");
    rules.liquidation = restore.unwrap().build_default();
    let positions = [(0, 0, 10, 100, None), (0, 1, 10, 100, None)];
    let mut venue = venue(rules, 100, &[250], &positions, &[100, 100]);
    let orders = instant(&mut venue, 1, &[100, 90], &[]);
    assert_eq!((orders[0].contract, orders[0].lots), (0, Qty(4)));
}

/// Equity −10 is shared out, −5 each. The first is sold 2 above its mark, a gain of 20: equity 10 covers the 9 of the
/// second, which stays open.
#[test]
fn a_cross_account_that_its_first_order_made_healthy_keeps_its_other_positions() {
    let mut rules = layered(&[PositionLayer::Book], 0);
    rules.cross_bankruptcy = CrossBankruptcy::Proportional;
    let mut venue = venue(rules, 10, &[190], &[(0, 0, 10, 100, None), (0, 1, 10, 100, None)], &[100, 100]);
    instant(&mut venue, 1, &[90, 90], &[(10, 920)]);
    // −5 at 90: 91 brings 10, so 5 to spare.
    assert_eq!(opened(&mut venue), [(0, 91, 5)]);
    assert_eq!(venue.ledger().position(1).qty, Qty(10));
    assert_eq!(venue.ledger().wallet(0), Cash(190 - 80));
}

/// A lot that has lost 20 stands first; the account has 500 for it, five times its worth. At the lowest price, 1, it
/// leaves 500 − 100 + 1.
#[test]
fn no_bankruptcy_tick_lies_below_the_lowest_price() {
    let mut rules = layered(&[PositionLayer::Book], 0);
    rules.position_order = PositionOrder::Loss;
    let mut venue = venue(rules, 100, &[520], &[(0, 0, 1, 120, None), (0, 1, 100, 100, None)], &[100, 100]);
    instant(&mut venue, 1, &[100, 100], &[]);
    assert_eq!(opened(&mut venue)[0], (0, 1, 401));
    // A lot of 100 coin·ticks is worth nothing from 201 on: 100/201 + ½ < 1.
    assert_eq!(margin::bankruptcy(Multiplier::Inverse(100), Qty(1), Cash(0), Cash(-5)), (Price(201), Cash(-5)));
    // At 1 it is worth 100, which is as much as a short can gain.
    assert_eq!(margin::bankruptcy(Multiplier::Inverse(100), Qty(-1), Cash(0), Cash(-105)), (Price(1), Cash(-5)));
}

fn vault(threshold: Option<Ratio>, capital: i64, loss_cap: i64, margin_rate: i64) -> BackstopRules {
    BackstopRules {
        threshold,
        capital: Cash(capital),
        loss_cap: Cash(loss_cap),
        margin_rate: Ratio(margin_rate * 10_000_000),
        slice: Qty(10),
        adl_price: BackstopPrice::Mark,
    }
}

/// ⌊14,241/100 + ½⌋ = 142 coins are lost to the vault at a tick of 100, and at 100 it sells without loss; at 101 it would
/// seem to gain one a lot.
#[test]
fn a_vault_sells_inverse_lots_from_the_tick_that_it_took_them_at() {
    let mut rules = layered(&[PositionLayer::Backstop], 0);
    rules.contracts[0].multiplier = Multiplier::Inverse(14_241);
    rules.waterfall.backstops = vec![vault(None, 1_000, 1_000, 0)];
    // From 119 (120 a lot) on 22 a lot.
    let mut venue = venue(rules, 12, &[0], &[(0, 0, 24, 119, Some(24 * 22))], &[100]);
    instant(&mut venue, 1, &[90], &[]);
    assert_eq!(opened(&mut venue), [(0, 100, 0)]);
    let orders = instant(&mut venue, 2, &[100], &[]);
    assert_eq!(orders[0].bankruptcy, Price(100));
}

/// Equity −15 is below any share of maintenance. ADL finds nobody; the book behind it is not asked, neither before ADL nor
/// after, and the vault behind that takes all.
#[test]
fn a_position_below_a_vaults_threshold_passes_the_book_on_both_sides_of_adl() {
    let mut rules = layered(&[PositionLayer::Adl, PositionLayer::Book, PositionLayer::Backstop], 0);
    rules.waterfall.backstops = vec![vault(Some(Ratio::ONE), 1_000, 1_000, 0)];
    let mut venue = venue(rules, 10, &[0], &[(0, 0, 10, 100, Some(95))], &[100]);
    let orders = instant(&mut venue, 1, &[89], &[]);
    assert_eq!(orders, []);
    assert_eq!(venue.ledger().backstops[0].positions[0].0, Qty(10));
}

/// The vault took 10 lots at 91; at 90 it has 90 of the 100 that it must keep. Lots that are bankrupt at 88 bring 2 each:
/// 5 mend it, and with 6 its margin is 102 of 16·90·0.07 = 100.8, with 7 it would be 104 of 107.1.
#[test]
fn a_vault_below_its_floor_takes_lots_that_bring_it_back_over_it() {
    let mut rules = layered(&[PositionLayer::Backstop], 0);
    rules.waterfall.backstops = vec![vault(None, 100, 0, 7)];
    rules.waterfall.backstops[0].slice = Qty(0);
    let positions = [(0, 0, 10, 100, Some(90)), (1, 0, 10, 100, Some(120))];
    let mut venue = venue(rules, 30, &[0, 0], &positions, &[100]);
    instant(&mut venue, 1, &[91], &[]);
    assert_eq!(venue.ledger().backstops[0].positions[0].0, Qty(10));
    instant(&mut venue, 2, &[90], &[]);
    assert_eq!(venue.ledger().backstops[0].positions[0].0, Qty(16));
}

/// ADL before the book, at the mark of 89: the five lots that the winner takes lack 5 beyond the 5 to spare, which the
/// fund pays. The other five are then sold for 460, 5 more than at 91: the fund gets its 5 back.
#[test]
fn a_sale_within_the_budget_repays_what_was_paid_before_it() {
    let mut rules = layered(&[PositionLayer::Adl, PositionLayer::Book], 10);
    rules.waterfall.adl_price = AdlPrice::Mark;
    let positions = [(0, 0, 10, 100, Some(95)), (1, 0, -5, 105, Some(500))];
    let mut venue = venue(rules, 10, &[0, 0], &positions, &[100]);
    instant(&mut venue, 1, &[89], &[(0, 0), (5, 460)]);
    assert_eq!((closed(&mut venue), venue.ledger().fund()), (vec![Paid::default()], Cash(10)));
}

/// The engine holds 10 lots from 91. At 80 it sells none, and the only winner takes them at the mark: 110 are lacking.
/// Account 0 has a position that could bear them, and an order of its own in the same instant: it is not asked.
#[test]
fn a_claim_of_the_engine_is_not_met_by_an_account_with_an_order_in_the_instant() {
    let mut rules = layered(&[PositionLayer::Engine, PositionLayer::Adl], 0);
    rules.waterfall.adl_price = AdlPrice::Mark;
    rules.waterfall.socialise = Socialise::Base;
    rules.cash_layers = vec![CashLayer::Socialise];
    let positions = [
        (0, 0, 10, 100, Some(195)),
        (0, 0, -5, 100, Some(900)),
        (1, 0, 10, 100, Some(90)),
        (2, 0, -10, 100, Some(900)),
    ];
    let mut venue = venue(rules, 10, &[0, 0, 0], &positions, &[100]);
    instant(&mut venue, 1, &[91], &[]);
    venue.facts().clear();
    instant(&mut venue, 2, &[80], &[]);
    let tickets: Vec<Paid> = venue
        .facts()
        .iter()
        .filter_map(|fact| match fact {
            Fact::TicketClosed { paid, .. } => Some(*paid),
            _ => None,
        })
        .collect();
    assert_eq!(tickets, [Paid { deficit: Cash(110), ..Paid::default() }]);
}

/// A wallet of 3 and a loss of 4 in a contract that stands still leave −1: the long of 10 from 100 is bankrupt at 101,
/// with 9 to spare there. Two lots of it are sold at 96: of S = 202 − 9 −
/// 192 the fund pays 1, and the wallet stands at 3 − 8 + 1. No position has a profit, so what it lacks is socialised.
#[test]
fn what_a_wallet_lacks_when_its_order_ends_is_socialised_too() {
    let mut rules = layered(&[PositionLayer::Book], 1);
    rules.cash_layers = vec![CashLayer::Socialise, CashLayer::Fund];
    rules.waterfall.socialise = Socialise::Base;
    rules.interruptions.halts = vec![(Some(1), Span { at: Nanos(0), length: Nanos(10) })];
    rules.liquidation = Box::new(TwoLots);
    let positions = [(0, 0, 10, 100, None), (0, 1, 1, 104, None), (1, 0, -3, 100, Some(500))];
    let mut venue = venue(rules, 100, &[3, 0], &positions, &[100, 100]);
    instant(&mut venue, 1, &[96, 100], &[(2, 192)]);
    assert_eq!(closed(&mut venue), [Paid { fund: Cash(1), socialised: Cash(4), ..Paid::default() }]);
    assert_eq!(venue.ledger().wallet(0), Cash(0));
}

#[derive(Debug)]
struct TwoLots;

impl liquidation::LiquidationRule for TwoLots {
    fn boxed_clone(&self) -> Box<dyn liquidation::LiquidationRule> {
        Box::new(Self)
    }

    fn plan(&self, _: &liquidation::Breached<'_>) -> Qty {
        Qty(2)
    }
}

/// Two positions with the same maintenance, 9.0000009 each, share an equity of 10: 5 each, not the 4 of quotients of rounded
/// margins. At 90 that is half a tick a lot.
#[test]
fn a_cross_accounts_equity_is_shared_out_exactly() {
    let mut rules = layered(&[PositionLayer::Book], 0);
    rules.cross_bankruptcy = CrossBankruptcy::Proportional;
    let positions = [(0, 0, 10, 100, None), (0, 1, 10, 100, None)];
    let mut venue = venue_at(rules, Ratio(10_000_001), &[210], &positions, &[100, 100]);
    instant(&mut venue, 1, &[90, 90], &[]);
    assert_eq!(opened(&mut venue)[0], (0, 90, 5));
}

/// Account 0 lacks 55 when its long is sold for 850. Account 1 has two shorts with a profit of 80 each and a long that has
/// lost 155: with its wallet of 20 it is worth 25, and gives no more than that with both. Two lots realise 32 for it.
#[test]
fn positions_of_one_cross_account_give_its_equity_once() {
    let mut rules = layered(&[PositionLayer::Book], 0);
    rules.cash_layers = vec![CashLayer::Socialise];
    let positions = [(0, 0, 10, 100, Some(95)), (1, 0, -5, 105, None), (1, 0, -5, 105, None), (1, 0, 5, 120, None)];
    let mut venue = venue(rules, 10, &[0, 20], &positions, &[100]);
    instant(&mut venue, 1, &[89], &[(0, 0), (10, 850)]);
    assert_eq!(closed(&mut venue), [Paid { socialised: Cash(25), deficit: Cash(30), ..Paid::default() }]);
    assert_eq!(venue.ledger().wallet(1), Cash(20 + 32 - 25));
}

/// The engine holds 10 lots from 91, at 80: equity 10 − 110. Of 200 lots that are bankrupt at 79 a hundred would bring it back to
/// 0, but its net position may be worth 5,600: 60 more, which leave −40. So it takes none.
#[test]
fn lots_within_the_net_cap_that_leave_the_engine_below_its_floor_are_refused() {
    let mut rules = layered(&[PositionLayer::Engine], 10);
    rules.waterfall.fund.net_position_cap = Some(Ratio(560 * Ratio::ONE.0));
    let positions = [(0, 0, 10, 100, Some(90)), (1, 0, 200, 100, Some(4_200))];
    let mut venue = venue(rules, 20, &[0, 0], &positions, &[100]);
    instant(&mut venue, 1, &[91], &[]);
    venue.facts().clear();
    instant(&mut venue, 2, &[80], &[]);
    let refused = venue.facts().iter().find_map(|fact| match fact {
        Fact::TakeoverRefused { qty, .. } => Some(qty.0),
        _ => None,
    });
    assert_eq!(refused, Some(200));
}

/// A lot of 37,584 coin·ticks is worth 235 at 160, so 3 lots 705 with 17.625 of maintenance. An account below zero sells at
/// 1.5·17.625·160/705 = 6 ticks from the mark, exactly.
#[test]
fn the_fillable_price_is_rounded_once() {
    let mut rules = layered(&[PositionLayer::Book], 0);
    rules.execution = Execution::FillablePrice;
    rules.contracts[0].multiplier = Multiplier::Inverse(37_584);
    let mut venue = venue(rules, 25, &[0], &[(0, 0, -3, 116, Some(98))], &[100]);
    let orders = instant(&mut venue, 1, &[160], &[]);
    assert_eq!(orders[0].limit, Some(Price(166)));
}

/// A wallet of 1,000 backs 85 lots that need 850 and one of another contract. More of that may be opened until equity is not
/// above 850 + 150: 13, though its own leverage would allow 19.
#[test]
fn a_cross_account_opens_no_more_than_the_maintenance_of_its_other_positions_leaves() {
    let positions = [(0, 0, 1, 100, None), (0, 1, 85, 100, None)];
    let mut venue = venue(layered(&[PositionLayer::Book], 0), 100, &[1_000], &positions, &[100, 100]);
    let wanted = voluntary::OwnOrder { qty: Qty(50), limit: Price(100), margin: Cash::ZERO };
    let own = Own { position: 0, by: "test", action: voluntary::Action::Order(wanted) };
    let next = venue.apply(Command::Own { now: Nanos(1), own }).unwrap();
    let Next::Order(order) = next else { panic!("{next:?}") };
    assert_eq!(order.lots, Qty(13));
}

fn act(venue: &mut Venue, position: u32, action: voluntary::Action, fill: Option<(i64, i64)>) {
    let own = Own { position, by: "test", action };
    venue.apply(Command::Own { now: Nanos(1), own }).unwrap();
    if let Some((lots, cash)) = fill {
        venue.apply(Command::Fill(Fill { lots: Qty(lots), cash: Cash(cash), uncut: Cash::ZERO })).unwrap();
    }
}

/// A wallet of 100 backs 10 lots that need 10. When 95 of it become the collateral of an isolated position, 5 are left, and no
/// mark need move for that to be a breach.
#[test]
fn a_wallet_that_pays_into_an_isolated_position_may_leave_its_cross_positions_in_breach() {
    let positions = [(0, 0, 10, 100, Some(100)), (0, 1, 10, 100, None)];
    let mut venue = venue(layered(&[PositionLayer::Book], 0), 10, &[100], &positions, &[100, 100]);
    act(&mut venue, 0, voluntary::Action::TopUp(Cash(95)), None);
    instant(&mut venue, 1, &[100, 100], &[]);
    assert_eq!(opened(&mut venue).len(), 1);
}

/// Account 2 closes its cross short, a round passes it over, and it opens it again at 105: at 80 it is the only winner.
#[test]
fn a_cross_position_that_was_closed_and_is_open_again_is_a_winner() {
    let order = |qty, limit| {
        voluntary::Action::Order(voluntary::OwnOrder { qty: Qty(qty), limit: Price(limit), margin: Cash::ZERO })
    };
    let positions =
        [(0, 0, 10, 100, Some(95)), (1, 0, 10, 100, Some(200)), (2, 0, -10, 105, None), (3, 0, -10, 101, Some(500))];
    let mut venue = venue(layered(&[PositionLayer::Adl], 0), 10, &[0, 0, 2_000, 0], &positions, &[100]);
    act(&mut venue, 2, order(10, 110), Some((10, 1_000)));
    instant(&mut venue, 1, &[89], &[]);
    act(&mut venue, 2, order(-10, 80), Some((10, 1_050)));
    venue.facts().clear();
    instant(&mut venue, 2, &[79], &[]);
    let winners = venue.facts().iter().filter_map(|fact| match fact {
        Fact::Deleveraged { account, qty, .. } => Some((*account, qty.0)),
        _ => None,
    });
    assert_eq!(winners.collect::<Vec<_>>(), [(2, 10)]);
}

/// A long that is worth less than it needs waits for its order; the account may not pay into its other position meanwhile.
#[test]
fn an_account_with_a_position_that_waits_for_its_order_cannot_act_with_another() {
    let positions = [(0, 0, 10, 100, Some(95)), (0, 1, 10, 100, Some(500))];
    let rules = Rules { latency: Nanos(5), ..layered(&[PositionLayer::Book], 0) };
    for (mark, left) in [(89, 50), (100, 20)] {
        let mut venue = venue(rules.clone(), 10, &[50], &positions, &[100, 100]);
        instant(&mut venue, 1, &[mark, 100], &[]);
        act(&mut venue, 1, voluntary::Action::TopUp(Cash(30)), None);
        assert_eq!(venue.ledger().wallet(0), Cash(left), "at {mark}");
    }
}
