//! The worked example of `docs/methods.md` as facts, written by hand: the observers' tests share it.
//!
//! Long A (account 0) holds 10 lots at 100 with collateral 95, so b = 91 and s = 5. Short B (account 1) holds 10 at
//! 105. Bids: 3 at 92, 3 at 90, 4 at 85. The fund holds 10.

use crate::facts::{Disposal, Fact, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Nanos, Price, Qty};

pub const A: Party = Party::Trader(0);
pub const B: Party = Party::Trader(1);
pub const CLEARING: Party = Party::Clearing(0);

/// Facts of one instant, in one batch.
pub type Batch = (Nanos, Vec<Fact>);

pub fn posted(from: Party, to: Party, amount: i64, why: Why) -> Fact {
    Fact::Posted { from, to, amount: Cash(amount), why }
}

pub fn traded(party: Party, qty: i64, cash: i64, via: Via) -> Fact {
    let order = (party == A && via != Via::Opening).then_some(0);
    Fact::Traded { party, contract: 0, qty: Qty(qty), cash: Cash(cash), order, via, ticket: None }
}

pub fn ticket(qty: i64, cash: i64, tick: i64, via: Via) -> Fact {
    let ticket = Some(Price(tick));
    Fact::Traded { party: Party::Engine, contract: 0, qty: Qty(qty), cash: Cash(cash), order: None, via, ticket }
}

pub fn marked(mark: i64) -> Fact {
    Fact::Marked { contract: 0, mark: Price(mark) }
}

pub fn priced(index_exogenous: i64, index: i64, traded: i64) -> Fact {
    Fact::Priced { contract: 0, index_exogenous: Price(index_exogenous), index: Price(index), traded: Price(traded) }
}

/// Deposits, the fund at `fund`, and the positions of A and B against the maker, whose flat remainder (it sold at 100
/// and bought at 105) is realised at once.
pub fn opening(fund: i64) -> Batch {
    let facts = vec![
        posted(Party::World, A, 95, Why::Deposit),
        posted(Party::World, B, 200, Why::Deposit),
        posted(Party::World, Party::Fund, fund, Why::Deposit),
        traded(A, 10, 1_000, Via::Opening),
        traded(Party::Maker, -10, -1_000, Via::Opening),
        traded(B, -10, -1_050, Via::Opening),
        traded(Party::Maker, 10, 1_050, Via::Opening),
        posted(Party::Maker, CLEARING, 50, Why::Realised),
        marked(100),
        priced(100, 100, 100),
    ];
    (Nanos::ZERO, facts)
}

pub fn order_opened() -> Fact {
    Fact::OrderOpened {
        order: 0,
        contract: 0,
        account: 0,
        qty: Qty(10),
        bankruptcy: Price(91),
        surplus: Cash(5),
        mark: Price(92),
    }
}

pub fn order_closed(disposal: Disposal) -> Fact {
    Fact::OrderClosed { order: 0, contract: 0, account: 0, disposal }
}

/// Fund 10: the book takes 8, the fund pays S(8) = 7, B gives 2 at 91, and A ends at 0. Three batches: the opening,
/// the fill in the book, the ADL round.
pub fn fund_of_ten() -> Vec<Batch> {
    let at = Nanos::SECOND;
    let book = vec![
        priced(92, 92, 92),
        marked(92),
        Fact::Breached { contract: 0, account: 0, trigger: Price(93), mark: Price(92) },
        order_opened(),
        traded(A, -8, -716, Via::Book),
        traded(Party::Maker, 8, 716, Via::Book),
        posted(A, CLEARING, 84, Why::Realised),
        Fact::Exhausted { order: Some(0), contract: 0 },
        posted(Party::Fund, A, 7, Why::Shortfall),
        priced(92, 92, 85),
    ];
    let adl = vec![
        Fact::Round { contract: 0, losers: Side::Long, needed: Qty(2), placed: Qty(2), mark: Price(92) },
        traded(A, -2, -182, Via::Adl),
        posted(A, CLEARING, 18, Why::Realised),
        traded(B, 2, 182, Via::Adl),
        posted(CLEARING, B, 28, Why::Realised),
        // B buys 2 at 91, below the mark of 92: a gift of 2.
        Fact::Deleveraged {
            contract: 0,
            account: 1,
            qty: Qty(2),
            price: Price(91),
            notional: Cash(184),
            haircut: Cash(-2),
            unrealised: Cash(26),
        },
        order_closed(Disposal {
            to_book: Cash(736),
            to_adl: Cash(184),
            paid: Paid { fund: Cash(7), ..Paid::default() },
            book_cost_avoided: Cash(12),
            ..Disposal::default()
        }),
    ];
    vec![opening(10), (at, book), (at, adl)]
}

/// Fund 10 and no ADL: the book takes 8 as before, the engine the last 2 at 91. A second later it sells them at 85:
/// a loss of 12, of which the fund pays its last 3, the venue 4 and nobody 5.
pub fn takeover() -> Vec<Batch> {
    let [(_, mut opened), book, _] = <[Batch; 3]>::try_from(fund_of_ten()).expect("the example has three batches");
    opened.push(posted(Party::World, Party::Venue, 4, Why::Deposit));
    let taken = vec![
        traded(A, -2, -182, Via::Takeover),
        posted(A, CLEARING, 18, Why::Realised),
        ticket(2, 182, 91, Via::Takeover),
        Fact::TookOver { order: 0, contract: 0, qty: Qty(2), bankruptcy: Price(91) },
        order_closed(Disposal {
            to_book: Cash(736),
            to_engine: Cash(184),
            paid: Paid { fund: Cash(7), ..Paid::default() },
            ..Disposal::default()
        }),
        Fact::Inventory { mark_to_market: Cash(2) },
    ];
    let sold = vec![
        marked(86),
        Fact::Inventory { mark_to_market: Cash(-10) },
        ticket(-2, -170, 91, Via::Book),
        traded(Party::Maker, 2, 170, Via::Book),
        posted(Party::Engine, CLEARING, 12, Why::Realised),
        posted(Party::Fund, Party::Engine, 3, Why::Shortfall),
        posted(Party::Venue, Party::Engine, 4, Why::Shortfall),
        posted(Party::Deficit, Party::Engine, 5, Why::Shortfall),
        Fact::TicketClosed {
            contract: 0,
            qty: Qty(2),
            bankruptcy: Price(91),
            result: Cash(-12),
            paid: Paid { fund: Cash(3), venue: Cash(4), deficit: Cash(5), ..Paid::default() },
        },
        Fact::Inventory { mark_to_market: Cash(0) },
    ];
    vec![(Nanos::ZERO, opened), book, (Nanos::SECOND, taken), (Nanos::SECOND * 2, sold)]
}

/// As the takeover, but by a vault with a capital of 10 that may lose 8: it takes the last 2 lots at 91 and sells them at
/// 85. Of the loss of 12 it bears 8, and the venue gives it 4.
pub fn backstop() -> Vec<Batch> {
    let [(_, mut opened), book, _] = <[Batch; 3]>::try_from(fund_of_ten()).expect("the example has three batches");
    let vault = Party::Backstop(0);
    opened.push(posted(Party::World, Party::Venue, 4, Why::Deposit));
    opened.push(posted(Party::World, vault, 10, Why::Deposit));
    let taken = vec![
        traded(A, -2, -182, Via::Backstop),
        posted(A, CLEARING, 18, Why::Realised),
        traded(vault, 2, 182, Via::Backstop),
        Fact::BackstopTook { backstop: 0, order: 0, contract: 0, qty: Qty(2), cash: Cash(182) },
        order_closed(Disposal {
            to_book: Cash(736),
            to_backstop: Cash(184),
            paid: Paid { fund: Cash(7), ..Paid::default() },
            ..Disposal::default()
        }),
        Fact::Inventory { mark_to_market: Cash(2) },
    ];
    let sold = vec![
        marked(86),
        Fact::Inventory { mark_to_market: Cash(-10) },
        traded(vault, -2, -170, Via::Book),
        traded(Party::Maker, 2, 170, Via::Book),
        posted(vault, CLEARING, 12, Why::Realised),
        posted(Party::Venue, vault, 4, Why::Shortfall),
        Fact::BackstopClosed {
            backstop: 0,
            contract: 0,
            qty: Qty(2),
            result: Cash(-12),
            paid: Paid { backstop: Cash(8), venue: Cash(4), ..Paid::default() },
        },
        Fact::Inventory { mark_to_market: Cash(0) },
    ];
    vec![(Nanos::ZERO, opened), book, (Nanos::SECOND, taken), (Nanos::SECOND * 2, sold)]
}
