//! One fact as a sentence, and the words for what facts hold.

use rust_decimal::Decimal;

use super::{Legend, seconds, share};
use crate::facts::{Deed, Disposal, Fact, Paid, Side, Via, Why};
use crate::money::Qty;

pub(super) fn verb(qty: Qty) -> &'static str {
    if qty.0 >= 0 { "buys" } else { "sells" }
}

pub(super) fn side_of(qty: Qty) -> &'static str {
    side(Side::of(qty))
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Long => "long",
        Side::Short => "short",
    }
}

pub(super) fn why(why: Why) -> &'static str {
    match why {
        Why::Deposit => "deposit",
        Why::Realised => "realised",
        Why::TakerFee => "taker_fee",
        Why::LiquidationFee => "liquidation_fee",
        Why::Surplus => "surplus",
        Why::Shortfall => "shortfall",
        Why::Repayment => "repayment",
        Why::Inventory => "inventory",
        Why::Rounding => "rounding",
        Why::Funding => "funding",
        Why::Settled => "settled",
        Why::Withdrawal => "withdrawal",
    }
}

pub(super) fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Traded => "traded",
        Deed::ToppedUp => "topped_up",
        Deed::Withdrew => "withdrew",
        Deed::HedgeBroken => "hedge_broken",
        Deed::SoldSpot => "sold_spot",
    }
}

pub(super) fn via(via: Via) -> &'static str {
    match via {
        Via::Opening => "opening",
        Via::Book => "book",
        Via::Adl => "adl",
        Via::Takeover => "takeover",
        Via::Backstop => "backstop",
        Via::Socialised => "socialised",
    }
}

/// Who paid, without the zeros.
pub(super) fn payers(legend: &Legend, paid: &Paid) -> String {
    let named = [
        ("fund", paid.fund),
        ("venue", paid.venue),
        ("backstop", paid.backstop),
        ("winners", paid.socialised),
        ("nobody", paid.deficit),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(who, amount)| format!("{who} {}", legend.cash(*amount)))
        .collect();
    if parts.is_empty() { "no shortfall".into() } else { format!("shortfall paid by {}", parts.join(", ")) }
}

/// Where the lots went, without the zeros.
pub(super) fn ways(legend: &Legend, disposal: &Disposal) -> String {
    let named = [
        ("book", disposal.to_book),
        ("engine", disposal.to_engine),
        ("backstop", disposal.to_backstop),
        ("ADL", disposal.to_adl),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(where_to, amount)| format!("{where_to} {}", legend.cash(*amount)))
        .collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

/// One fact in words.
pub(super) fn sentence(legend: &Legend, fact: &Fact) -> String {
    match *fact {
        Fact::Posted { from, to, amount, why: reason } => {
            format!(
                "{} pays {} {} ({})",
                legend.party(from),
                legend.party(to),
                legend.cash(amount),
                why(reason).replace('_', " ")
            )
        }
        Fact::Traded { party, contract, qty, cash, order, via: how, ticket } => {
            let order = order.map_or(String::new(), |id| format!(", order {id}"));
            let ticket = ticket.map_or(String::new(), |tick| format!(", ticket at {}", legend.price(contract, tick)));
            format!(
                "{} {} {} for {} ({}{order}{ticket})",
                legend.party(party),
                verb(qty),
                legend.lots(contract, qty),
                legend.cash(cash.abs()),
                via(how),
            )
        }
        Fact::Priced { contract, index_exogenous, index, traded } => format!(
            "{} index {} (exogenous {}), traded {}",
            legend.symbol(contract),
            legend.price(contract, index),
            legend.price(contract, index_exogenous),
            legend.price(contract, traded)
        ),
        Fact::Funding { contract, per_lot } => {
            let (payer, receiver) = if per_lot.0 > 0 { ("longs", "shorts") } else { ("shorts", "longs") };
            format!(
                "funding in {}: {payer} owe {receiver} {} a lot",
                legend.symbol(contract),
                legend.cash(per_lot.abs())
            )
        }
        Fact::TicketsFunded { contract, owed, ref paid } => format!(
            "the engine owes funding of {} on its tickets in {}: {}",
            legend.cash(owed),
            legend.symbol(contract),
            payers(legend, paid)
        ),
        Fact::Marked { contract, mark } => format!("{} mark {}", legend.symbol(contract), legend.price(contract, mark)),
        Fact::Breached { contract, account, trigger, mark } => format!(
            "{} breaches its maintenance margin in {}: trigger {}, mark {}",
            legend.account(account),
            legend.symbol(contract),
            legend.price(contract, trigger),
            legend.price(contract, mark)
        ),
        Fact::OrderOpened { order, contract, account, qty, bankruptcy, surplus, mark } => format!(
            "order {order} closes {} {} of {}: mark {}, bankruptcy {}, surplus there {}",
            side_of(qty),
            legend.lots(contract, qty),
            legend.account(account),
            legend.price(contract, mark),
            legend.price(contract, bankruptcy),
            legend.cash(surplus)
        ),
        Fact::OrderDropped { contract, account } => {
            format!("{} is healthy again in {}; nothing is closed", legend.account(account), legend.symbol(contract))
        }
        Fact::Exhausted { order, contract } => {
            let who = order.map_or_else(|| "a sale of inventory".to_owned(), |id| format!("order {id}"));
            format!("the fund's budget cuts {who} in {} short", legend.symbol(contract))
        }
        Fact::OrderClosed { order, account, ref disposal, .. } => format!(
            "order {order} of {} is done: {}; {}; fees waived {}",
            legend.account(account),
            ways(legend, disposal),
            payers(legend, &disposal.paid),
            legend.cash(disposal.fees_waived)
        ),
        Fact::TakeoverRefused { order, contract, qty } => {
            format!("order {order}: the fund's equity does not let the engine take {}", legend.lots(contract, qty))
        }
        Fact::TookOver { order, contract, qty, bankruptcy } => format!(
            "the engine takes over {} {} of order {order} at {}",
            side_of(qty),
            legend.lots(contract, qty),
            legend.price(contract, bankruptcy)
        ),
        Fact::TicketClosed { contract, qty, bankruptcy, result, ref paid } => format!(
            "the engine closes {} of its ticket at {}: result {}; {}",
            legend.lots(contract, qty),
            legend.price(contract, bankruptcy),
            legend.cash(result),
            payers(legend, paid)
        ),
        Fact::BackstopTook { backstop, order, contract, qty, cash } => format!(
            "backstop {backstop} takes over {} {} of order {order} for {}",
            side_of(qty),
            legend.lots(contract, qty),
            legend.cash(cash.abs())
        ),
        Fact::BackstopClosed { backstop, contract, qty, result, ref paid } => format!(
            "backstop {backstop} closes {}: result {}; {}",
            legend.lots(contract, qty),
            legend.cash(result),
            payers(legend, paid)
        ),
        Fact::PoolMoved { pool, change, balance } => {
            format!("pool {pool} of the fund moves by {} to {}", legend.cash(change), legend.cash(balance))
        }
        Fact::Drawdown { pool, on, peak, balance } => format!(
            "the drawdown of pool {pool} of the fund from {} to {} {}",
            legend.cash(peak),
            legend.cash(balance),
            if on { "starts ADL" } else { "no longer asks for ADL" }
        ),
        Fact::MaintenanceScaled { contract, multiplier, volatility } => format!(
            "maintenance margin of {} is {} times that of its tiers, at a volatility of {} %",
            legend.symbol(contract),
            share(multiplier),
            (share(volatility) * Decimal::ONE_HUNDRED).normalize()
        ),
        Fact::Halted { contract, until } => {
            let what = contract.map_or("the venue", |id| legend.symbol(id));
            format!("{what} stands still until {} s", seconds(until))
        }
        Fact::Round { contract, losers, needed, placed, mark } => format!(
            "ADL round of {} losers in {}: {} of {} placed at mark {}",
            side(losers),
            legend.symbol(contract),
            legend.qty(contract, placed.abs()),
            legend.qty(contract, needed.abs()),
            legend.price(contract, mark)
        ),
        Fact::Deleveraged { contract, account, qty, price, notional, haircut, .. } => format!(
            "{} is deleveraged of {} at {}: notional {}, haircut {}",
            legend.account(account),
            legend.lots(contract, qty),
            legend.price(contract, price),
            legend.cash(notional),
            legend.cash(haircut)
        ),
        Fact::Inventory { mark_to_market } => {
            format!("inventory stands at {}", legend.cash(mark_to_market))
        }
        Fact::Acted { contract, account, by, deed: what, qty, amount } => {
            let (who, symbol, amount) = (legend.account(account), legend.symbol(contract), legend.cash(amount));
            let lots = legend.lots(contract, qty);
            let told = match what {
                Deed::Traded => format!("{} {lots} of its own accord: notional {amount}", verb(qty)),
                Deed::ToppedUp => format!("pays {amount} from its wallet into its position in {symbol}"),
                Deed::Withdrew => format!("withdraws {amount} from its position in {symbol}"),
                Deed::HedgeBroken => format!("loses its hedge of {lots} to ADL: notional {amount}"),
                Deed::SoldSpot => format!("sells spot of {symbol} for {amount}"),
            };
            format!("{who} {told} ({})", by.replace('_', " "))
        }
        Fact::SpotMoved { contract, from, to } => format!(
            "spot moves the index of {} from {} to {}",
            legend.symbol(contract),
            legend.price(contract, from),
            legend.price(contract, to)
        ),
        Fact::Horizon { horizon_mark } => {
            format!("the path ends; inventory left is worth {}", legend.cash(horizon_mark))
        }
    }
}
