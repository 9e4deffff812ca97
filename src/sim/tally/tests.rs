use super::*;
use crate::facts::{Disposal, Paid};
use crate::money::Qty;
use crate::sim::worked::{self, Batch, posted, priced};

fn start(series: Series) -> Start {
    Start { path: 7, fund: Cash(10), price: Price(100), series, direction: Direction::Down }
}

fn tally(batches: &[Batch]) -> (Outcome, Tally) {
    let mut tally = Tally::new(&[Multiplier::Linear(1)], &[]);
    tally.begin(start(Series::Skip));
    batches.iter().for_each(|(time, facts)| tally.see(*time, facts));
    (tally.finish(), tally)
}

#[test]
fn the_worked_example_is_counted_as_worked() {
    let (row, tally) = tally(&worked::fund_of_ten());
    assert!(tally.fund_was_binding());
    let expected = Outcome {
        path: 7,
        liquidations: 1,
        liquidated_accounts: 1,
        liquidated_notional: 920,
        to_book: 736,
        to_adl: 184,
        liquidated_long_notional: 920,
        fund_open: 10,
        fund_close: 3,
        fund_min: 3,
        fund_draw: 7,
        fund_need: 7,
        fund_need_cash: 7,
        fund_paid: 7,
        adl_events: 1,
        adl_accounts: 1,
        adl_notional: 184,
        adl_gift: 2,
        shortfall: 7,
        book_cost_avoided: 12,
        price_open: 100,
        index_exogenous_low: 92,
        index_exogenous_high: 100,
        index_low: 92,
        index_high: 100,
        traded_low: 85,
        traded_high: 100,
        traded_close: 85,
        infinite_depth_notional: -1,
        leg_from: 100,
        leg_to: 85,
        half_retrace_s: -1_000_000_000,
        depth_left_min: 1_000_000_000,
        exhausted_at_s: Some(1_000_000_000),
        ..Outcome::default()
    };
    assert_eq!(row, expected);
}

#[test]
fn a_takeover_counts_its_lots_once_and_its_losses_by_layer() {
    let (row, tally) = tally(&worked::takeover());
    assert_eq!((row.liquidated_notional, row.to_book, row.to_engine), (920, 736, 184));
    // The engine's sale: 2 lots at the mark of 86.
    assert_eq!(row.inventory_sold, 172);
    assert_eq!(row.inventory_hole, 10);
    assert_eq!((row.fund_paid, row.venue_paid, row.unfunded_deficit, row.shortfall), (10, 4, 5, 19));
    assert_eq!((row.fund_close, row.fund_min, row.fund_draw), (0, 0, 10));
    assert!(tally.fund_was_binding());
}

#[test]
fn what_a_vault_bears_is_its_loss_and_what_layers_give_it_is_theirs() {
    let (row, tally) = tally(&worked::backstop());
    assert_eq!((row.backstop_loss, row.venue_paid, row.fund_paid, row.shortfall), (8, 4, 7, 19));
    assert_eq!((row.to_backstop, row.inventory_sold, row.inventory_hole), (184, 172, 10));
    assert!(tally.fund_was_binding());
}

#[test]
fn a_repayment_lowers_what_was_paid_and_is_no_income() {
    let facts = vec![
        posted(Party::Fund, worked::A, 9, Why::Shortfall),
        posted(worked::A, Party::Fund, 2, Why::Repayment),
        posted(Party::Deficit, worked::A, 5, Why::Shortfall),
        posted(worked::A, Party::Deficit, 5, Why::Repayment),
        posted(worked::A, Party::Fund, 3, Why::LiquidationFee),
        posted(worked::A, Party::Fund, 1, Why::Surplus),
    ];
    let (row, tally) = tally(&[(Nanos::SECOND, facts)]);
    assert_eq!((row.fund_paid, row.fund_received, row.shortfall, row.unfunded_deficit), (7, 4, 7, 0));
    assert_eq!(row.fund_close, row.fund_open + row.fund_received - row.fund_paid);
    // The draw is the lowest point, which lies between the payment and its repayment.
    assert_eq!((row.fund_draw, row.fund_min), (9, 1));
    assert!(!tally.fund_was_binding());
}

#[test]
fn an_engine_that_gains_pays_the_fund_and_no_layer() {
    let facts = vec![posted(Party::Engine, Party::Fund, 6, Why::Inventory)];
    let (row, _) = tally(&[(Nanos::SECOND, facts)]);
    assert_eq!((row.fund_received, row.fund_paid, row.shortfall, row.fund_draw), (6, 0, 0, 0));
}

#[test]
fn inventory_left_at_the_horizon_counts_in_the_draw_alone() {
    let facts = vec![
        posted(Party::Fund, worked::A, 4, Why::Shortfall),
        posted(worked::A, Party::Fund, 3, Why::LiquidationFee),
        Fact::Horizon { horizon_mark: Cash(-5) },
    ];
    let (row, _) = tally(&[(Nanos::SECOND, facts)]);
    // n falls to −4, ends at −1, and at −6 with the valuation.
    assert_eq!((row.fund_draw, row.fund_need_cash, row.fund_min, row.fund_close), (6, 4, 6, 9));
    // A valuation that only repairs part of the fall changes nothing.
    let facts = vec![
        posted(Party::Fund, worked::A, 4, Why::Shortfall),
        posted(worked::A, Party::Fund, 3, Why::LiquidationFee),
        Fact::Horizon { horizon_mark: Cash(-2) },
    ];
    assert_eq!(tally(&[(Nanos::SECOND, facts)]).0.fund_draw, 4);
}

#[test]
fn accounts_are_counted_once_a_path_and_anew_on_the_next() {
    let opened = |order, account| Fact::OrderOpened {
        order,
        contract: 0,
        account,
        qty: Qty(1),
        bankruptcy: Price(90),
        surplus: Cash(0),
        mark: Price(91),
    };
    let given = |account| Fact::Deleveraged {
        contract: 0,
        account,
        qty: Qty(1),
        price: Price(90),
        notional: Cash(91),
        haircut: Cash(1),
        unrealised: Cash(1),
    };
    let facts = [opened(0, 3), opened(1, 9), opened(2, 3), given(3), given(4), given(4)];
    let mut tally = Tally::new(&[Multiplier::Linear(1)], &[]);
    for _ in 0..3 {
        tally.begin(start(Series::Skip));
        tally.see(Nanos::SECOND, &facts);
        let row = tally.finish();
        assert_eq!((row.liquidations, row.liquidated_accounts, row.adl_accounts, row.adl_haircut), (3, 2, 2, 3));
    }
}

#[test]
fn a_sample_shows_all_that_happened_up_to_its_time() {
    let mut tally = Tally::new(&[Multiplier::Linear(1)], &[Nanos(0), Nanos(10), Nanos(20), Nanos(30)]);
    tally.begin(start(Series::Keep));
    tally.see(Nanos(0), &[priced(101, 102, 103)]);
    tally.depth_left(Nanos(5), 900);
    tally.see(Nanos(10), &[priced(90, 91, 92), posted(Party::Fund, worked::A, 4, Why::Shortfall)]);
    tally.see(Nanos(11), &[priced(80, 81, 82)]);
    tally.finish();
    let told: Vec<_> = tally
        .samples()
        .iter()
        .map(|sample| (sample.index_exogenous, sample.index, sample.traded, sample.fund, sample.depth_left))
        .collect();
    assert_eq!(
        told,
        [(101, 102, 103, 10, 1_000_000_000), (90, 91, 92, 6, 900), (80, 81, 82, 6, 900), (80, 81, 82, 6, 900)]
    );
}

#[test]
fn series_split_liquidations_by_side() {
    let mut tally = Tally::new(&[Multiplier::Linear(1)], &[Nanos::SECOND]);
    tally.begin(start(Series::Keep));
    let opened = |order, qty| Fact::OrderOpened {
        order,
        contract: 0,
        account: order,
        qty: Qty(qty),
        bankruptcy: Price(90),
        surplus: Cash(0),
        mark: Price(91),
    };
    let closed = |order, to_book, to_adl| Fact::OrderClosed {
        order,
        contract: 0,
        account: order,
        disposal: Disposal {
            to_book: Cash(to_book),
            to_adl: Cash(to_adl),
            paid: Paid::default(),
            ..Disposal::default()
        },
    };
    tally.see(Nanos(5), &[opened(0, 3), opened(1, -2), closed(1, 40, 4), closed(0, 90, 0)]);
    let row = tally.finish();
    assert_eq!((row.liquidated_notional, row.liquidated_long_notional), (134, 90));
    assert_eq!((tally.samples()[0].liquidated_long, tally.samples()[0].liquidated_short), (90, 44));
}

#[test]
fn prices_of_other_assets_do_not_enter_the_row() {
    let other = Fact::Priced { contract: 1, index_exogenous: Price(1), index: Price(1), traded: Price(1) };
    let (row, _) = tally(&[(Nanos::SECOND, vec![other])]);
    assert_eq!((row.index_low, row.traded_low, row.traded_close), (100, 100, 100));
}

#[test]
fn a_quiet_path_draws_nothing() {
    let (row, tally) = tally(&[]);
    assert_eq!((row.fund_close, row.fund_min, row.fund_draw, row.fund_need, row.exhausted_at_s), (10, 10, 0, 0, None));
    assert!(!tally.fund_was_binding());
}

#[test]
fn the_first_exhaustion_counts_and_alone_makes_the_fund_binding() {
    let exhausted = vec![Fact::Exhausted { order: None, contract: 0 }];
    let (row, tally) = tally(&[(Nanos(7), exhausted.clone()), (Nanos(9), exhausted)]);
    assert_eq!(row.exhausted_at_s, Some(7));
    assert!(tally.fund_was_binding());
}

#[test]
fn a_book_that_opens_away_from_the_index_never_traded_at_the_index() {
    let (row, _) = tally(&[(Nanos::ZERO, vec![priced(100, 100, 98)]), (Nanos(1), vec![priced(97, 97, 95)])]);
    assert_eq!((row.traded_low, row.traded_high, row.traded_close), (95, 98, 95));
    assert_eq!((row.index_low, row.index_high), (97, 100));
}

#[test]
fn a_depth_is_asked_for_only_where_it_may_be_the_least_or_is_shown() {
    let mut tally = Tally::new(&[Multiplier::Linear(1)], &[]);
    tally.begin(start(Series::Skip));
    tally.depth_left(Nanos(1), 900);
    // A billionth is left for the rounding of the bound.
    assert!(tally.wants_depth(900) && !tally.wants_depth(901));
    tally.begin(start(Series::Keep));
    assert!(tally.wants_depth(1_000_000_000));
}

#[test]
fn what_the_ledger_counts_makes_the_same_row_as_the_facts_that_tell_it() {
    let facts = worked::fund_of_ten();
    let (told, _) = tally(&facts);
    let (mut quiet, mut counted) = (Tally::new(&[Multiplier::Linear(1)], &[]), Counted::default());
    quiet.begin(start(Series::Skip));
    counted.begin();
    let mut long = false;
    for (time, facts) in &facts {
        let mut left = Vec::new();
        for fact in facts {
            match *fact {
                Fact::Posted { from, to, amount, why } => counted.posted(from, to, amount, why),
                Fact::OrderOpened { account, qty, .. } => {
                    counted.opened(account);
                    long = qty > Qty::ZERO;
                }
                Fact::OrderClosed { ref disposal, .. } => {
                    counted.closed(if long { Side::Long } else { Side::Short }, disposal);
                }
                Fact::Deleveraged { account, notional, haircut, .. } => {
                    counted.deleveraged(account, notional, haircut);
                }
                ref other => left.push(*other),
            }
        }
        quiet.see_beside(*time, &left, &counted);
    }
    assert_eq!(quiet.finish_with(&mut counted), told);
}
