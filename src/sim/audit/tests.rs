use super::*;
use crate::facts::{Disposal, Side, Via, Why};
use crate::money::Price;
use crate::sim::worked::{self, A, B, Batch, CLEARING, posted, traded};

fn verdict_with_floor(batches: &[Batch], floor: i64) -> Result<Audit, String> {
    let mut audit = Audit::new(&[Multiplier::Linear(1)], Cash(floor));
    audit.begin();
    for (time, facts) in batches {
        audit.see(*time, facts);
    }
    audit.finish().map(|()| audit)
}

fn verdict(batches: &[Batch]) -> Result<Audit, String> {
    verdict_with_floor(batches, 0)
}

/// The stream with one fact replaced by others; the fact must be there.
fn with(mut batches: Vec<Batch>, old: Fact, new: &[Fact]) -> Vec<Batch> {
    for (_, facts) in &mut batches {
        if let Some(at) = facts.iter().position(|fact| *fact == old) {
            facts.splice(at..=at, new.iter().copied());
            return batches;
        }
    }
    panic!("{old:?} is not in the stream")
}

/// The stream with one fact changed by hand in the batch where `is` finds it.
fn changed(mut batches: Vec<Batch>, change: impl Fn(&mut Fact)) -> Vec<Batch> {
    let before = batches.clone();
    batches.iter_mut().flat_map(|(_, facts)| facts).for_each(change);
    assert_ne!(before, batches, "nothing was changed");
    batches
}

#[track_caller]
fn caught(batches: &[Batch], message: &str) {
    match verdict(batches) {
        Ok(_) => panic!("not caught; expected: {message}"),
        Err(told) => assert!(told.contains(message), "told: {told}\nexpected: {message}"),
    }
}

fn held(qty: i64, cost: i64) -> Position {
    Position { qty, cost, ..Position::default() }
}

#[test]
fn the_worked_example_holds_at_every_party() {
    let audit = verdict(&worked::fund_of_ten()).unwrap();
    for (party, cash) in [
        (A, 0),
        (B, 228),
        (Party::Maker, -50),
        (Party::Fund, 3),
        (CLEARING, 124),
        (Party::Deficit, 0),
        (Party::World, -305),
    ] {
        assert_eq!(audit.cash(party), Cash(cash), "{party:?}");
    }
    assert_eq!(audit.position(A, 0), (Qty(0), Cash(0)));
    assert_eq!(audit.position(B, 0), (Qty(-8), Cash(-840)));
    assert_eq!(audit.position(Party::Maker, 0), (Qty(8), Cash(716)));
}

#[test]
fn a_takeover_and_its_sale_hold() {
    let audit = verdict(&worked::takeover()).unwrap();
    for (party, cash) in [(A, 0), (Party::Engine, 0), (Party::Fund, 0), (Party::Venue, 0), (Party::Deficit, -5)] {
        assert_eq!(audit.cash(party), Cash(cash), "{party:?}");
    }
    assert_eq!(audit.position(Party::Engine, 0), (Qty(0), Cash(0)));
}

#[test]
fn a_vault_bears_its_loss_up_to_its_cap() {
    let audit = verdict(&worked::backstop()).unwrap();
    for (party, cash) in [(A, 0), (Party::Backstop(0), 2), (Party::Venue, 0), (Party::Fund, 3), (Party::Deficit, 0)] {
        assert_eq!(audit.cash(party), Cash(cash), "{party:?}");
    }
    assert_eq!((audit.paid.backstop, audit.paid.venue, audit.paid.total()), (Cash(8), Cash(4), Cash(19)));
}

#[test]
fn a_vault_that_tells_something_else_than_its_legs_is_caught() {
    let took = |qty| Fact::BackstopTook { backstop: 0, order: 0, contract: 0, qty: Qty(qty), cash: Cash(182) };
    caught(&with(worked::backstop(), took(2), &[took(1)]), "backstops took 1 lots more than is told");
    let bore = changed(worked::backstop(), |fact| {
        if let Fact::BackstopClosed { paid, .. } = fact {
            (paid.backstop, paid.venue) = (Cash(9), Cash(3));
        }
    });
    caught(&bore, "backstops lost or were given what their sales do not tell");
    let gift = posted(Party::Venue, Party::Backstop(0), 4, Why::Shortfall);
    caught(&with(worked::backstop(), gift, &[]), "the cash of backstop 0 is -2");
    let value = |mark| Fact::Inventory { mark_to_market: Cash(mark) };
    caught(&with(worked::backstop(), value(2), &[value(3)]), "inventory is said to stand at 3, its tickets at 2");
}

#[test]
fn pools_that_do_not_sum_to_the_fund_are_caught() {
    let moved = |change, balance| Fact::PoolMoved { pool: 0, change: Cash(change), balance: Cash(balance) };
    let told = |change, balance| {
        let mut stream = worked::fund_of_ten();
        stream[0].1.push(moved(10, 10));
        stream[1].1.push(moved(change, balance));
        stream
    };
    verdict(&told(-7, 3)).unwrap();
    caught(&told(-6, 4), "the pools of the fund hold 4, the fund 3");
    caught(&told(-7, 4), "pool 0 of the fund is said to hold 4, its changes sum to 3");
}

#[test]
fn an_overdraft_has_an_end() {
    let overdrawn = |amount| {
        with(
            worked::fund_of_ten(),
            posted(Party::World, Party::Fund, 10, Why::Deposit),
            &[posted(Party::World, Party::Fund, amount, Why::Deposit)],
        )
    };
    assert!(verdict_with_floor(&overdrawn(5), -2).is_ok());
    assert!(verdict_with_floor(&overdrawn(4), -2).unwrap_err().contains("takes the fund to -3, below its floor of -2"));
}

#[test]
fn a_path_begins_with_an_empty_ledger() {
    let mut audit = Audit::new(&[Multiplier::Linear(1)], Cash(0));
    for _ in 0..2 {
        for stream in [worked::fund_of_ten(), worked::takeover()] {
            audit.begin();
            stream.iter().for_each(|(time, facts)| audit.see(*time, facts));
            assert_eq!(audit.finish(), Ok(()));
        }
    }
    // A violation of the last path is forgotten as well.
    audit.begin();
    audit.see(Nanos::ZERO, &[posted(A, B, 1, Why::Surplus)]);
    assert!(audit.finish().is_err());
    audit.begin();
    assert_eq!(audit.finish(), Ok(()));
}

#[test]
fn a_partial_close_releases_its_share_rounded_up_on_both_sides() {
    // ⌈100/3⌉ = 34 and ⌈−100/3⌉ = −33: against the account both times.
    let mut long = held(3, 100);
    assert_eq!((long.trade(-1, -40), long), (6, held(2, 66)));
    let mut short = held(-3, -100);
    assert_eq!((short.trade(1, 30), short), (3, held(-2, -67)));
}

#[test]
fn a_fill_through_zero_splits_its_cash_against_the_account() {
    // Sells 5 for 151: the closing 3 bring ⌈−90.6⌉ = −90, the opening 2 have the rest.
    let mut long = held(3, 100);
    assert_eq!((long.trade(-5, -151), long), (-10, held(-2, -61)));
    // Buys 5 for 151: the closing 3 cost ⌈90.6⌉ = 91.
    let mut short = held(-3, -100);
    assert_eq!((short.trade(5, 151), short), (9, held(2, 60)));
}

#[test]
fn a_leg_without_its_counterparty_is_caught() {
    let stream = with(worked::fund_of_ten(), traded(Party::Maker, 8, 716, Via::Book), &[]);
    caught(&stream, "positions of contract 0 sum to -8 lots, not 0");
}

#[test]
fn a_profit_posted_wrong_by_one_unit_is_caught() {
    let stream =
        with(worked::fund_of_ten(), posted(A, CLEARING, 84, Why::Realised), &[posted(A, CLEARING, 83, Why::Realised)]);
    caught(&stream, "realised by the legs: -84 of Trader(0) in contract 0; posted: -83");
}

#[test]
fn a_profit_that_is_not_posted_is_caught() {
    let stream = with(worked::fund_of_ten(), posted(CLEARING, B, 28, Why::Realised), &[]);
    caught(&stream, "realised by the legs: 28 of Trader(1) in contract 0; posted: nothing");
}

#[test]
fn a_profit_posted_to_somebody_else_is_caught() {
    let stream = with(
        worked::fund_of_ten(),
        posted(CLEARING, B, 28, Why::Realised),
        &[posted(CLEARING, Party::Fund, 28, Why::Realised)],
    );
    caught(&stream, "realised by the legs: 28 of Trader(1)");
}

#[test]
fn cash_taken_from_clearing_is_caught() {
    let mut stream = worked::fund_of_ten();
    stream[1].1.push(posted(CLEARING, Party::Fund, 3, Why::Surplus));
    caught(&stream, "clearing of contract 0 holds 131 and costs sum to -134: not 0 together");
}

#[test]
fn a_fill_at_two_prices_for_its_two_sides_is_caught() {
    let stream = with(
        worked::fund_of_ten(),
        traded(Party::Maker, 8, 716, Via::Book),
        &[traded(Party::Maker, 8, 700, Via::Book)],
    );
    caught(&stream, "clearing of contract 0");
}

#[test]
fn a_maker_left_flat_with_a_remainder_is_caught() {
    let stream = with(worked::fund_of_ten(), posted(Party::Maker, CLEARING, 50, Why::Realised), &[]);
    caught(&stream, "the maker opens flat in contract 0 with an unrealised remainder of -50");
}

#[test]
fn a_payout_below_the_floor_is_caught() {
    assert!(verdict_with_floor(&worked::fund_of_ten(), 3).is_ok());
    let told = verdict_with_floor(&worked::fund_of_ten(), 4).unwrap_err();
    assert!(told.contains("a payout of 7 (Shortfall) takes the fund to 3, below its floor of 4"), "{told}");
}

#[test]
fn a_trader_below_zero_without_an_order_is_caught() {
    let mut stream = worked::fund_of_ten();
    stream[0].1.push(posted(B, Party::Fees, 201, Why::TakerFee));
    caught(&stream, "account 1 has cash of -1 and no unfinished order");
}

#[test]
fn a_trader_deeper_below_zero_than_its_rest_can_cover_is_caught() {
    // All ten lots go into the book for 886 and nobody pays yet: A stands at 95 − 114 = −19 with nothing left.
    let mut stream = worked::fund_of_ten();
    stream[1].1.truncate(4);
    stream[1].1.extend([
        traded(A, -10, -886, Via::Book),
        traded(Party::Maker, 10, 886, Via::Book),
        posted(A, CLEARING, 114, Why::Realised),
    ]);
    caught(&stream, "account 0 has cash of -19, and -19 if the rest closes at bankruptcy");
}

#[test]
fn a_trader_left_below_zero_is_caught() {
    let stream = with(
        worked::fund_of_ten(),
        posted(Party::Fund, A, 7, Why::Shortfall),
        &[posted(Party::Fund, A, 6, Why::Shortfall)],
    );
    caught(&stream, "account 0 has cash of -1 and no unfinished order");
}

#[test]
fn an_unfinished_order_is_caught_at_the_end_of_its_instant() {
    let mut stream = worked::fund_of_ten();
    stream[2].1.pop();
    caught(&stream, "order 0 is unfinished at the end of its instant");
    stream.push((Nanos::SECOND * 2, vec![worked::priced(90, 90, 90)]));
    caught(&stream, "at 1 s: order 0 is unfinished");
}

#[test]
fn an_order_that_closes_with_lots_left_is_caught() {
    let mut stream = worked::fund_of_ten();
    let closed = stream[2].1.pop().unwrap();
    stream[2].1.clear();
    stream[2].1.push(closed);
    caught(&stream, "order 0 closed with 2 lots left");
}

#[test]
fn a_disposal_that_its_legs_deny_is_caught() {
    let stream = changed(worked::fund_of_ten(), |fact| {
        if let Fact::OrderClosed { disposal, .. } = fact {
            disposal.to_book = Cash(735);
        }
    });
    caught(&stream, "order 0 says that 735 of notional went to the book; its legs say 736");
}

#[test]
fn a_payment_that_the_order_does_not_tell_is_caught() {
    let stream = changed(worked::fund_of_ten(), |fact| {
        if let Fact::OrderClosed { disposal, .. } = fact {
            disposal.paid.fund = Cash(6);
        }
    });
    caught(&stream, "layers paid for account 0 what its orders do not tell");
}

#[test]
fn a_payment_told_under_another_layer_is_caught() {
    let stream = changed(worked::takeover(), |fact| {
        if let Fact::TicketClosed { paid, .. } = fact {
            (paid.fund, paid.deficit) = (paid.deficit, paid.fund);
        }
    });
    caught(&stream, "layers paid for the engine what its tickets do not tell");
}

#[test]
fn a_repayment_lowers_what_the_fund_paid() {
    // The fund pays 2 too much and gets them back in the same order: the order tells 7.
    let pays = posted(Party::Fund, A, 7, Why::Shortfall);
    let stream = with(
        worked::fund_of_ten(),
        pays,
        &[posted(Party::Fund, A, 9, Why::Shortfall), posted(A, Party::Fund, 2, Why::Repayment)],
    );
    assert!(verdict(&stream).is_ok());
    // The same money under another name is not a repayment.
    let stream = with(
        worked::fund_of_ten(),
        pays,
        &[posted(Party::Fund, A, 9, Why::Shortfall), posted(A, Party::Fund, 2, Why::Surplus)],
    );
    caught(&stream, "layers paid for account 0");
}

#[test]
fn more_deleveraging_than_the_position_holds_is_caught() {
    let mut stream = worked::fund_of_ten();
    stream[2].1.insert(0, traded(B, 11, 1_001, Via::Adl));
    caught(&stream, "account 1 was made to trade 11 lots (Adl), but holds -10");
}

#[test]
fn a_forced_trade_that_enlarges_a_position_is_caught() {
    let mut stream = worked::fund_of_ten();
    stream[2].1.insert(0, traded(B, -1, -91, Via::Adl));
    caught(&stream, "account 1 was made to trade -1 lots (Adl), but holds -10");
}

#[test]
fn a_haircut_that_the_fill_denies_is_caught() {
    let stream = changed(worked::fund_of_ten(), |fact| {
        if let Fact::Deleveraged { haircut, .. } = fact {
            *haircut = Cash(2);
        }
    });
    caught(
        &stream,
        "haircut: -2 }); as told: Some(Given { contract: 0, account: 1, lots: 2, notional: 184, haircut: 2 })",
    );
}

#[test]
fn a_winner_that_is_not_told_of_is_caught() {
    let mut stream = worked::fund_of_ten();
    stream[2].1.retain(|fact| !matches!(fact, Fact::Deleveraged { .. }));
    caught(&stream, "as told: None");
}

#[test]
fn a_round_that_its_winners_deny_is_caught() {
    let placed = |lots| {
        changed(worked::fund_of_ten(), |fact| {
            if let Fact::Round { placed, .. } = fact {
                *placed = Qty(lots);
            }
        })
    };
    caught(&placed(1), "ADL rounds of contract 0 placed 1 lots, winners gave 2");
    caught(&placed(3), "an ADL round placed 3 of 2 lots");
}

#[test]
fn parties_that_must_not_owe_are_caught() {
    for (party, message) in [
        (Party::Rounding, "the cash of rounding is -1"),
        (Party::Venue, "the cash of venue is -1"),
        (Party::Fees, "the cash of fees is -1"),
        (Party::Backstop(0), "the cash of backstop 0 is -1"),
        (Party::Engine, "the engine holds cash of -1"),
    ] {
        let mut stream = worked::fund_of_ten();
        stream[1].1.push(posted(party, B, 1, Why::Rounding));
        caught(&stream, message);
    }
    // Maker and Deficit may; the deficit is then told at the end, as nobody says that it paid a shortfall.
    let mut stream = worked::fund_of_ten();
    stream[1].1.push(posted(Party::Maker, B, 1, Why::Funding));
    assert!(verdict(&stream).is_ok());
    stream[1].1.push(posted(Party::Deficit, B, 1, Why::Funding));
    caught(&stream, "the unfunded deficit is 1, its payments 0");
}

#[test]
fn a_negative_posting_is_caught() {
    let mut stream = worked::fund_of_ten();
    stream[1].1.push(posted(B, Party::Fund, -1, Why::Surplus));
    caught(&stream, "a posting of -1 from Trader(1) to Fund");
}

#[test]
fn a_ticket_closed_beyond_its_lots_is_caught() {
    let sale = worked::ticket(-2, -170, 91, Via::Book);
    let stream = with(worked::takeover(), sale, &[worked::ticket(-3, -255, 91, Via::Book)]);
    caught(&stream, "the engine closed -3 lots of its tickets at tick 91, which hold 2");
    let stream = with(worked::takeover(), sale, &[worked::ticket(-2, -170, 90, Via::Book)]);
    caught(&stream, "the engine closed -2 lots of its tickets at tick 90, which hold 0");
}

#[test]
fn a_ticket_opened_off_its_tick_is_caught() {
    let stream = with(
        worked::takeover(),
        worked::ticket(2, 182, 91, Via::Takeover),
        &[worked::ticket(2, 184, 91, Via::Takeover)],
    );
    caught(&stream, "the engine took 2 lots at tick 91 for 184, not 182");
}

#[test]
fn tickets_of_opposite_sides_never_net() {
    // A long and a short ticket at one tick: the engine is flat in lots and still holds both.
    let mut audit = Audit::new(&[Multiplier::Linear(1)], Cash(0));
    audit.begin();
    for (qty, cash) in [(2, 182), (-2, -182)] {
        let leg = worked::ticket(qty, cash, 91, Via::Takeover);
        assert_eq!(audit.fact(&leg), Ok(()));
    }
    assert_eq!(audit.position(Party::Engine, 0), (Qty(0), Cash(0)));
    assert_eq!(audit.fact(&worked::ticket(2, 180, 91, Via::Book)), Ok(()), "closes the short ticket");
    assert!(audit.fact(&worked::ticket(1, 90, 91, Via::Book)).is_err(), "no short lots are left");
    assert_eq!(audit.legs.iter().map(|leg| leg.3).sum::<i64>(), 2);
}

#[test]
fn inventory_valued_wrong_is_caught() {
    let stream = with(
        worked::takeover(),
        Fact::Inventory { mark_to_market: Cash(2) },
        &[Fact::Inventory { mark_to_market: Cash(3) }],
    );
    caught(&stream, "inventory is said to stand at 3, its tickets at 2");
}

#[test]
fn a_ticket_result_that_its_legs_deny_is_caught() {
    let stream = changed(worked::takeover(), |fact| {
        if let Fact::TicketClosed { result, .. } = fact {
            *result = Cash(-11);
        }
    });
    caught(&stream, "closed tickets report -11, the engine's legs realise -12");
}

#[test]
fn an_order_at_another_mark_than_the_mark_is_caught() {
    let stream = with(worked::fund_of_ten(), worked::marked(92), &[worked::marked(93)]);
    caught(&stream, "order 0 opened at mark 92, but the mark is 93");
}

#[test]
fn time_never_runs_backwards() {
    let mut stream = worked::fund_of_ten();
    stream.push((Nanos::ZERO, vec![]));
    caught(&stream, "a batch of 0 s comes late");
}

#[test]
fn two_orders_of_one_account_settle_together() {
    // The chain of an account's open orders is walked from any end.
    let mut audit = Audit::new(&[Multiplier::Linear(1), Multiplier::Linear(1)], Cash(0));
    audit.begin();
    let open = |contract, qty: i64, cash: i64| {
        [(A, qty, cash), (Party::Maker, -qty, -cash)].map(|(party, qty, cash)| Fact::Traded {
            party,
            contract,
            qty: Qty(qty),
            cash: Cash(cash),
            order: None,
            via: Via::Opening,
            ticket: None,
        })
    };
    audit.see(Nanos::ZERO, &[&open(0, 1, 10)[..], &open(1, 1, 20)[..]].concat());
    let opened = |order, contract, mark| Fact::OrderOpened {
        order,
        contract,
        account: 0,
        qty: Qty(1),
        bankruptcy: Price(mark),
        surplus: Cash(0),
        mark: Price(mark),
    };
    let sold = |order: u32, contract, cash: i64| {
        [(A, -1, -cash, Some(order)), (Party::Maker, 1, cash, None)].map(|(party, qty, cash, order)| Fact::Traded {
            party,
            contract,
            qty: Qty(qty),
            cash: Cash(cash),
            order,
            via: Via::Book,
            ticket: None,
        })
    };
    let closed = |order, contract, to_book| Fact::OrderClosed {
        order,
        contract,
        account: 0,
        disposal: Disposal { to_book: Cash(to_book), ..Disposal::default() },
    };
    let mut facts = vec![opened(0, 0, 10), opened(1, 1, 20)];
    facts.extend(sold(0, 0, 10));
    facts.extend(sold(1, 1, 20));
    facts.extend([closed(0, 0, 10), closed(1, 1, 20)]);
    audit.see(Nanos::SECOND, &facts);
    assert_eq!(audit.finish(), Ok(()));
    assert_eq!(audit.orders_of, [0]);
}

#[test]
fn a_row_that_the_ledger_denies_is_caught() {
    let audit = verdict(&worked::fund_of_ten()).unwrap();
    let row = Outcome {
        liquidations: 1,
        liquidated_notional: 920,
        to_book: 736,
        to_adl: 184,
        fund_open: 10,
        fund_close: 3,
        fund_paid: 7,
        shortfall: 7,
        ..Outcome::default()
    };
    assert_eq!(audit.agree(&row), Ok(()));
    let wrong = Outcome { shortfall: 8, ..row };
    assert_eq!(audit.agree(&wrong), Err("the row has shortfall 8, the audit 7".into()));
}

#[test]
fn a_takeover_told_with_other_lots_is_caught() {
    let stream = changed(worked::takeover(), |fact| {
        if let Fact::TookOver { qty, .. } = fact {
            *qty = Qty(3);
        }
    });
    caught(&stream, "takeovers of 3 lots reported, 2 lots traded");
}

#[test]
fn an_account_below_zero_at_the_end_of_its_instant_is_caught_though_nothing_touched_it_last() {
    // Two lots at 100 with 10 of cash. The first sells at 85, which the second would make good at b = 105; it sells at
    // its cost of 100 instead, so no posting tells of it.
    let deal = |qty: i64, cash: i64, order, via| {
        [(A, qty, cash, order), (Party::Maker, -qty, -cash, None)].map(|(party, qty, cash, order)| Fact::Traded {
            party,
            contract: 0,
            qty: Qty(qty),
            cash: Cash(cash),
            order,
            via,
            ticket: None,
        })
    };
    let [bought, sold] = deal(2, 200, None, Via::Opening);
    let opened = Fact::OrderOpened {
        order: 0,
        contract: 0,
        account: 0,
        qty: Qty(2),
        bankruptcy: Price(105),
        surplus: Cash(0),
        mark: Price(100),
    };
    let [first, first_maker] = deal(-1, -85, Some(0), Via::Book);
    let [second, second_maker] = deal(-1, -100, Some(0), Via::Book);
    let closed = worked::order_closed(Disposal { to_book: Cash(200), ..Disposal::default() });
    let stream = vec![
        (Nanos::ZERO, vec![posted(Party::World, A, 10, Why::Deposit), bought, sold, worked::marked(100)]),
        (
            Nanos::SECOND,
            vec![
                opened,
                first,
                posted(A, CLEARING, 15, Why::Realised),
                first_maker,
                posted(CLEARING, Party::Maker, 15, Why::Realised),
            ],
        ),
        (Nanos::SECOND, vec![second, second_maker, closed]),
    ];
    caught(&stream, "account 0 ends the instant with cash of -5");
}

/// The running sums and the tables are held against each other, so that a fault of the audit itself shows.
#[test]
fn the_audit_sees_its_own_sums_go_wrong() {
    let spoilt = |spoil: fn(&mut Audit)| {
        let mut audit = Audit::new(&[Multiplier::Linear(1)], Cash(0));
        audit.begin();
        let stream = worked::fund_of_ten();
        for (time, facts) in &stream {
            audit.see(*time, facts);
        }
        spoil(&mut audit);
        audit.see(
            Nanos::SECOND * 2,
            &[Fact::Round { contract: 0, losers: Side::Long, needed: Qty(0), placed: Qty(0), mark: Price(92) }],
        );
        audit.finish().unwrap_err()
    };
    assert!(
        spoilt(|audit| audit.contracts[0].unrealised[1] += 1)
            .contains("unrealised profit of contract 0 at 1000003 ticks is 125")
    );
    assert!(spoilt(|audit| audit.held += 1).contains("all parties hold 306, the world gave 305 and took 0"));
    assert!(spoilt(|audit| audit.fund += 1).contains("all parties hold 306, deposits less withdrawals are 305"));
    assert!(
        spoilt(|audit| audit.contracts[0].traders[1].cost += 1)
            .contains("all positions of contract 0 at 92 ticks stand at 123")
    );
    let trader = spoilt(|audit| (audit.traders[0], audit.fund) = (audit.traders[0] - 1, audit.fund + 1));
    assert!(trader.contains("account 0 ends the path with cash of -1"), "{trader}");
}
