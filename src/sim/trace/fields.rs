//! One fact as the fields of a JSON object.

use serde_json::{Value as Json, json};

use super::sentence::{deed, side, via, why};
use super::{Legend, seconds, share};
use crate::facts::{Fact, Paid};

fn paid_fields(legend: &Legend, paid: &Paid) -> Json {
    json!({
        "fund": legend.cash(paid.fund),
        "venue": legend.cash(paid.venue),
        "backstop": legend.cash(paid.backstop),
        "socialised": legend.cash(paid.socialised),
        "deficit": legend.cash(paid.deficit),
    })
}

/// One fact as fields, the first of which is its name.
pub(super) fn fields(legend: &Legend, fact: &Fact) -> Vec<(&'static str, Json)> {
    let cash = |amount| Json::from(legend.cash(amount));
    let price = |id, value| Json::from(legend.price(id, value));
    let qty = |id, value| Json::from(legend.qty(id, value));
    let symbol = |id| Json::from(legend.symbol(id));
    match *fact {
        Fact::Posted { from, to, amount, why: reason } => vec![
            ("fact", "posted".into()),
            ("from", legend.party_id(from).into()),
            ("to", legend.party_id(to).into()),
            ("amount", cash(amount)),
            ("why", why(reason).into()),
        ],
        Fact::Traded { party, contract, qty: lots, cash: total, order, via: how, ticket } => vec![
            ("fact", "traded".into()),
            ("party", legend.party_id(party).into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("cash", cash(total)),
            ("order", order.into()),
            ("via", via(how).into()),
            ("ticket", ticket.map(|tick| legend.price(contract, tick)).into()),
        ],
        Fact::Priced { contract, index_exogenous, index, traded } => vec![
            ("fact", "priced".into()),
            ("symbol", symbol(contract)),
            ("index_exogenous", price(contract, index_exogenous)),
            ("index", price(contract, index)),
            ("traded", price(contract, traded)),
        ],
        Fact::Funding { contract, per_lot } => {
            vec![("fact", "funding".into()), ("symbol", symbol(contract)), ("per_lot", cash(per_lot))]
        }
        Fact::TicketsFunded { contract, owed, ref paid } => vec![
            ("fact", "tickets_funded".into()),
            ("symbol", symbol(contract)),
            ("owed", cash(owed)),
            ("paid", paid_fields(legend, paid)),
        ],
        Fact::Marked { contract, mark } => {
            vec![("fact", "marked".into()), ("symbol", symbol(contract)), ("mark", price(contract, mark))]
        }
        Fact::Breached { contract, account, trigger, mark } => vec![
            ("fact", "breached".into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("trigger", price(contract, trigger)),
            ("mark", price(contract, mark)),
        ],
        Fact::OrderOpened { order, contract, account, qty: lots, bankruptcy, surplus, mark } => vec![
            ("fact", "order_opened".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("qty", qty(contract, lots)),
            ("bankruptcy", price(contract, bankruptcy)),
            ("surplus", cash(surplus)),
            ("mark", price(contract, mark)),
        ],
        Fact::OrderDropped { contract, account } => {
            vec![("fact", "order_dropped".into()), ("symbol", symbol(contract)), ("account", account.into())]
        }
        Fact::Exhausted { order, contract } => {
            vec![("fact", "exhausted".into()), ("order", order.into()), ("symbol", symbol(contract))]
        }
        Fact::OrderClosed { order, contract, account, ref disposal } => vec![
            ("fact", "order_closed".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("to_book", cash(disposal.to_book)),
            ("to_engine", cash(disposal.to_engine)),
            ("to_backstop", cash(disposal.to_backstop)),
            ("to_adl", cash(disposal.to_adl)),
            ("paid", paid_fields(legend, &disposal.paid)),
            ("fees_waived", cash(disposal.fees_waived)),
            ("book_cost_avoided", cash(disposal.book_cost_avoided)),
        ],
        Fact::TakeoverRefused { order, contract, qty: lots } => vec![
            ("fact", "takeover_refused".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
        ],
        Fact::TookOver { order, contract, qty: lots, bankruptcy } => vec![
            ("fact", "took_over".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("bankruptcy", price(contract, bankruptcy)),
        ],
        Fact::TicketClosed { contract, qty: lots, bankruptcy, result, ref paid } => vec![
            ("fact", "ticket_closed".into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("bankruptcy", price(contract, bankruptcy)),
            ("result", cash(result)),
            ("paid", paid_fields(legend, paid)),
        ],
        Fact::BackstopTook { backstop, order, contract, qty: lots, cash: total } => vec![
            ("fact", "backstop_took".into()),
            ("backstop", backstop.into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("cash", cash(total)),
        ],
        Fact::BackstopClosed { backstop, contract, qty: lots, result, ref paid } => vec![
            ("fact", "backstop_closed".into()),
            ("backstop", backstop.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("result", cash(result)),
            ("paid", paid_fields(legend, paid)),
        ],
        Fact::PoolMoved { pool, change, balance } => vec![
            ("fact", "pool_moved".into()),
            ("pool", pool.into()),
            ("change", cash(change)),
            ("balance", cash(balance)),
        ],
        Fact::Drawdown { pool, on, peak, balance } => vec![
            ("fact", "drawdown".into()),
            ("pool", pool.into()),
            ("on", on.into()),
            ("peak", cash(peak)),
            ("balance", cash(balance)),
        ],
        Fact::MaintenanceScaled { contract, multiplier, volatility } => vec![
            ("fact", "maintenance_scaled".into()),
            ("symbol", symbol(contract)),
            ("multiplier", share(multiplier).to_string().into()),
            ("volatility", share(volatility).to_string().into()),
        ],
        Fact::Halted { contract, until } => vec![
            ("fact", "halted".into()),
            ("symbol", contract.map(|id| legend.symbol(id).to_owned()).into()),
            ("until", seconds(until).into()),
        ],
        Fact::Round { contract, losers, needed, placed, mark } => vec![
            ("fact", "round".into()),
            ("symbol", symbol(contract)),
            ("losers", side(losers).into()),
            ("needed", qty(contract, needed)),
            ("placed", qty(contract, placed)),
            ("mark", price(contract, mark)),
        ],
        Fact::Deleveraged { contract, account, qty: lots, price: at, notional, haircut, unrealised } => vec![
            ("fact", "deleveraged".into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("qty", qty(contract, lots)),
            ("price", price(contract, at)),
            ("notional", cash(notional)),
            ("haircut", cash(haircut)),
            ("unrealised", cash(unrealised)),
        ],
        Fact::Inventory { mark_to_market } => {
            vec![("fact", "inventory".into()), ("mark_to_market", cash(mark_to_market))]
        }
        Fact::Acted { contract, account, by, deed: what, qty: lots, amount } => vec![
            ("fact", "acted".into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("by", by.into()),
            ("deed", deed(what).into()),
            ("qty", qty(contract, lots)),
            ("amount", cash(amount)),
        ],
        Fact::SpotMoved { contract, from, to } => vec![
            ("fact", "spot_moved".into()),
            ("symbol", symbol(contract)),
            ("from_price", price(contract, from)),
            ("to_price", price(contract, to)),
        ],
        Fact::Horizon { horizon_mark } => vec![("fact", "horizon".into()), ("horizon_mark", cash(horizon_mark))],
    }
}
