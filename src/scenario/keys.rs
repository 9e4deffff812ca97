//! Every key that a scenario file can hold, with its meaning and unit.
//!
//! These lists are the only place where the keys are named: the reading, `scenarios/schema.json`,
//! `docs/reference.md` and `flashcrash list` all come from them.

mod venue;

pub use venue::{ADL, BACKSTOP, BAND, FUND, HALT, OUTAGE, POOL, TIER, VENUE};

use crate::market::process::common_jump;
use crate::market::{book, distribution, index, mark, process};
use crate::money::Nanos;
use crate::registry::{FamilyInfo, Key, Need, Shape};
use crate::traders::behaviour;
use crate::traders::presets as populations;

const fn key(name: &'static str, shape: Shape, need: Need, about: &'static str) -> Key {
    Key { name, shape, need, about }
}

const MONEY: &str = "settlement currency";
const SOME_TIME: Shape = Shape::Time { min: Nanos(1) };
const ANY_TIME: Shape = Shape::Time { min: Nanos(0) };
const RATE: Shape = Shape::Share { min: 0.0, max: 1.0 };

/// The tables at the top of a scenario.
pub const ROOT: &[Key] = &[
    key("scenario", Shape::Table(SCENARIO), Need::Required, "`[scenario]`: how long, how fine, how often"),
    key(
        "assets",
        Shape::List(&Shape::Table(ASSET)),
        Need::Required,
        "`[[assets]]`: a contract and its market, once for each",
    ),
    key("market", Shape::Table(MARKET), Need::Default("{}"), "`[market]`: what the assets have in common"),
    key("venue", Shape::Table(VENUE), Need::Required, "`[venue]`: the rules of the exchange"),
    key(
        "population",
        Shape::Table(POPULATION),
        Need::Optional,
        "`[population]`: how the accounts of `[[traders]]` are drawn",
    ),
    key(
        "traders",
        Shape::List(&Shape::Table(TRADERS)),
        Need::Optional,
        "`[[traders]]`: a group of generated accounts, once for each",
    ),
    key(
        "accounts",
        Shape::Table(ACCOUNTS),
        Need::Optional,
        "`[accounts]`: a position book from a file, in place of `[[traders]]`",
    ),
];

/// `[scenario]`
pub const SCENARIO: &[Key] = &[
    key("name", Shape::Text, Need::Optional, "name of the output folder; the file's stem where absent"),
    key(
        "paths",
        Shape::Count { min: 1, max: 1_000_000_000 },
        Need::Default("1000"),
        "paths of a run, unless the command line says otherwise",
    ),
    key(
        "seed",
        Shape::Count { min: 0, max: i64::MAX },
        Need::Default("1"),
        "seed of all randomness, unless the command line says otherwise",
    ),
    key("horizon", SOME_TIME, Need::Required, "length of a path; a whole number of steps, at most 10 million"),
    key(
        "step",
        SOME_TIME,
        Need::Default("\"1 s\""),
        "grid of the index; `mark_interval` and `check_interval` are whole numbers of steps",
    ),
    key(
        "direction",
        Shape::Choice(&[("down", "prices fall"), ("up", "prices rise")]),
        Need::Default("\"down\""),
        "which way the crash goes, and so which moves count as adverse",
    ),
    key("currency", Shape::Text, Need::Default("\"USDT\""), "name of the settlement currency, for display"),
    key(
        "cash_unit",
        Shape::PositiveAmount { unit: MONEY },
        Need::Default("0.000001"),
        "smallest unit of money; tick × lot of every asset is a whole number of them",
    ),
];

/// `[[assets]]`
pub const ASSET: &[Key] = &[
    key("symbol", Shape::Text, Need::Required, "name of the contract, as \"BTC\""),
    key(
        "tick",
        Shape::PositiveAmount { unit: "price" },
        Need::Required,
        "smallest step of the price, in settlement currency for one unit of the asset",
    ),
    key(
        "contract",
        Shape::Choice(&[
            ("linear", "worth quantity × price, settled in the quote currency"),
            (
                "inverse",
                "worth quantity ÷ price, settled in the coin: a lot's value is rounded to the nearest `cash_unit`",
            ),
        ]),
        Need::Default("\"linear\""),
        "what a position is worth",
    ),
    key(
        "lot",
        Shape::PositiveAmount { unit: "asset" },
        Need::Required,
        "smallest quantity, in units of the asset; of an inverse contract in units of the quote currency",
    ),
    key(
        "open",
        Shape::PositiveAmount { unit: "price" },
        Need::Required,
        "index and mark at the start; a whole number of ticks",
    ),
    key(
        "exogenous_share",
        Shape::Share { min: 0.01, max: 1.0 },
        Need::Default("1"),
        "part of the recorded log-return that the index follows; the rest is left to forced orders",
    ),
    key("process", Shape::Plugin(&process::PROCESS_INFO), Need::Required, "how the exogenous index moves"),
    key(
        "book",
        Shape::Plugin(&book::BOOK_INFO),
        Need::Required,
        "what forced orders are paid and how they move the price",
    ),
    key("mark", Shape::Plugin(&mark::MARK_INFO), Need::Default("\"index\""), "the price at which margin is computed"),
    key(
        "index",
        Shape::Table(index::KEYS),
        Need::Optional,
        "`[assets.index]`: the index that the mark uses, made of several venues; where absent, it is the process itself",
    ),
    key(
        "haircut",
        Shape::Share { min: 0.000_001, max: 0.99 },
        Need::Optional,
        "share of its value that does not count as margin: makes the asset a token that accounts hold as collateral, and no contract; the first asset is a contract",
    ),
    key(
        "jump_beta",
        Shape::Number { unit: "", min: -10.0, max: 10.0 },
        Need::Default("1.0"),
        "what a jump of `[market.common_jump]` is multiplied by in this asset",
    ),
    key(
        "gross_flow",
        Shape::Number { unit: "settlement currency a minute", min: 0.0, max: 1e15 },
        Need::Default("0"),
        "notional that others trade in this book, for volumes and the sell share; 0 counts none (first asset only)",
    ),
    key(
        "flow_impact",
        Shape::Share { min: 0.000_001, max: 10.0 },
        Need::Default("0.018"),
        "log move of the exogenous index that goes with 100 million of net taker flow of others",
    ),
    key(
        "flow_thinning",
        Shape::Number { unit: "", min: 0.0, max: 2.0 },
        Need::Default("0"),
        "exponent with which `flow_impact` rises as depth is withdrawn: times depth left to the power minus this",
    ),
    key(
        "flow_imbalance",
        Shape::Plugin(DISTRIBUTION),
        Need::Default("0"),
        "net taker flow of others that moves no price, as a share of `gross_flow`; drawn anew every minute",
    ),
];

/// `[market]`
pub const MARKET: &[Key] = &[
    key(
        "correlation",
        Shape::List(&Shape::List(&Shape::Number { unit: "", min: -1.0, max: 1.0 })),
        Need::Optional,
        "correlation of the assets' Brownian motions, one row an asset in the order of `[[assets]]`; independent where absent",
    ),
    key(
        "cross_impact",
        Shape::Flag,
        Need::Default("true"),
        "whether the permanent impact of forced orders in one asset moves the index of the others, by correlation × ratio of volatilities",
    ),
    key(
        "common_jump",
        Shape::Table(common_jump::KEYS),
        Need::Optional,
        "`[market.common_jump]`: jumps that come to all assets at once",
    ),
];

/// `[population]`
pub const POPULATION: &[Key] = &[
    key(
        "redraw",
        Shape::Choice(&[
            ("resampled", "accounts are drawn anew on every path"),
            ("fixed", "one draw, the same on every path"),
        ]),
        Need::Default("\"resampled\""),
        "whether accounts differ from path to path",
    ),
    key(
        "balance",
        Shape::Choice(&[
            ("maker", "the market maker holds the difference"),
            ("scale", "every position of the heavier side is made smaller by the same share"),
        ]),
        Need::Default("\"maker\""),
        "what happens where longs and shorts differ",
    ),
    key(
        "top_share",
        Shape::Share { min: 0.000_001, max: 0.99 },
        Need::Optional,
        "part of its side's open interest that the largest account of each contract holds, and nobody more of theirs: larger positions are cut, or the largest is grown, at their leverage",
    ),
    key(
        "leverage_cap",
        Shape::Number { unit: "", min: 0.01, max: 1000.0 },
        Need::Optional,
        "greatest leverage of any account, beside the caps of the tiers",
    ),
    key(
        "cap_keeps",
        Shape::Choice(&[
            ("notional", "the position stays, more collateral is posted"),
            ("collateral", "the collateral stays, the position is smaller"),
        ]),
        Need::Optional,
        "what stays as drawn where a cap on leverage binds; required with `leverage_cap`, else \"notional\"",
    ),
    key(
        "opening_buffer",
        Shape::Share { min: 0.0, max: 10.0 },
        Need::Default("0.05"),
        "an account opens with equity of at least (1 + this) × maintenance margin at the opening mark",
    ),
];

const DISTRIBUTION: &FamilyInfo = &distribution::DISTRIBUTION_INFO;

/// `[[traders]]`
pub const TRADERS: &[Key] = &[
    key(
        "preset",
        Shape::Choice(populations::CHOICES),
        Need::Optional,
        "groups of a recorded venue in place of this table: every other key written here overrides theirs, `count` is the number of all of them, `name` stands before theirs (`flashcrash preset NAME` prints them)",
    ),
    key("group", Shape::Text, Need::Optional, "takes only this group of `preset`"),
    key("name", Shape::Text, Need::Required, "name of the group"),
    key("asset", Shape::Text, Need::Optional, "symbol it trades; may be absent where the scenario has one asset"),
    key("count", Shape::Count { min: 1, max: 10_000_000 }, Need::Required, "accounts in the group"),
    key("long_share", RATE, Need::Required, "share of the accounts that are long"),
    key(
        "leverage",
        Shape::Plugin(DISTRIBUTION),
        Need::Required,
        "desired leverage: entry notional ÷ collateral; the tiers and `leverage_cap` may lower it",
    ),
    key("size", Shape::Plugin(DISTRIBUTION), Need::Required, "size of an account, in settlement currency"),
    key(
        "size_is",
        Shape::Choice(&[("collateral", "the collateral posted"), ("notional", "the entry notional")]),
        Need::Required,
        "what `size` counts",
    ),
    key("entry_offset", Shape::Plugin(DISTRIBUTION), Need::Default("0"), "entry price ÷ opening mark − 1"),
    key(
        "wallet",
        Shape::Plugin(DISTRIBUTION),
        Need::Default("0"),
        "free cash beside the position, in settlement currency",
    ),
    key(
        "margin_mode",
        Shape::Choice(&[
            ("isolated", "the collateral of the position alone"),
            ("cross", "the account's wallet, which holds the collateral too"),
        ]),
        Need::Default("\"isolated\""),
        "what backs a position",
    ),
    key(
        "collateral_token",
        Shape::Text,
        Need::Optional,
        "symbol of an asset with a `haircut` that the collateral is held in; cash where absent; needs `margin_mode = \"cross\"`",
    ),
    key(
        "collateral_share",
        Shape::Share { min: 0.000_001, max: 1.0 },
        Need::Optional,
        "share of the collateral that is held in the token, at least one lot; all of it where absent",
    ),
    BEHAVIOURS,
];

const BEHAVIOUR: &Shape = &Shape::Plugin(&behaviour::BEHAVIOUR_INFO);
const BEHAVIOURS: Key = key(
    "behaviours",
    Shape::List(BEHAVIOUR),
    Need::Default("[]"),
    "`[[….behaviours]]`: what the accounts do of their own accord, once for each",
);

/// `[accounts]`
pub const ACCOUNTS: &[Key] = &[
    key(
        "file",
        Shape::File,
        Need::Required,
        "position book: a CSV file with account, symbol, side, quantity, entry_price, collateral, margin_mode, wallet",
    ),
    key(
        "rounding",
        Shape::Choice(&[
            ("refuse", "it is a fault"),
            (
                "against_account",
                "quantity × entry price is rounded up for a long and down for a short, collateral and wallet down",
            ),
        ]),
        Need::Default("\"refuse\""),
        "what happens to an amount of the book that is not a whole number of cash units",
    ),
    key(
        "leverage_cap",
        Shape::Number { unit: "", min: 0.01, max: 1000.0 },
        Need::Optional,
        "greatest leverage of any position, entry value ÷ collateral: positions stay, and those above it post more collateral",
    ),
    key(
        "liquidate_at_open",
        Shape::Flag,
        Need::Default("false"),
        "accept positions that are in breach at the opening mark, and liquidate them at once",
    ),
    BEHAVIOURS,
];
