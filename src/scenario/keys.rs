//! Every key that a scenario file can hold, with its meaning and unit.
//!
//! These lists are the only place where the keys are named: the reading, `scenarios/schema.json`,
//! `docs/reference.md` and `flashcrash list` all come from them.

use crate::market::process::common_jump;
use crate::market::{book, distribution, funding, index, mark, process};
use crate::money::Nanos;
use crate::registry::{FamilyInfo, Key, Need, Shape};
use crate::traders::behaviour;
use crate::traders::presets as populations;
use crate::venue::{adl, liquidation, presets};

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

/// `[venue]`
pub const VENUE: &[Key] = &[
    key(
        "preset",
        Shape::Choice(presets::CHOICES),
        Need::Optional,
        "rule book of a venue that this table starts from; every key written here overrides it (`flashcrash preset NAME` prints it)",
    ),
    key(
        "mark_interval",
        SOME_TIME,
        Need::Default("\"1 s\""),
        "time between two refreshes of the mark; a whole number of steps",
    ),
    key(
        "check_interval",
        SOME_TIME,
        Need::Optional,
        "time between two rounds of liquidation, a whole number of steps; `mark_interval` where absent",
    ),
    key("latency", ANY_TIME, Need::Default("\"0 s\""), "time from a breach to the forced order"),
    key(
        "trigger",
        Shape::Choice(&[("below", "equity < maintenance margin"), ("at_or_below", "equity ≤ maintenance margin")]),
        Need::Default("\"below\""),
        "when a position is in breach",
    ),
    key(
        "position_layers",
        Shape::List(&Shape::Choice(&[
            ("book", "sold into the order book, as far as the fund can pay for it"),
            ("adl", "closed against winners, at the price of `[venue.adl]`"),
            ("engine", "taken over by the venue at the bankruptcy price and sold later"),
            ("backstop", "taken over with the margin left by the vaults of `[[venue.backstop]]`"),
        ])),
        Need::Default("[\"book\", \"adl\"]"),
        "who takes the lots of a forced order, in order",
    ),
    key(
        "cash_layers",
        Shape::List(&Shape::Choice(&[
            ("fund", "the insurance fund, down to its floor"),
            ("venue", "the venue's own capital, down to 0"),
            ("backstop", "the vaults of `[[venue.backstop]]`, up to their loss caps"),
            ("socialise", "other accounts, by the rule of `socialise`"),
        ])),
        Need::Default("[\"fund\", \"venue\"]"),
        "who pays what a closed account cannot, in order; what is left is unfunded deficit",
    ),
    key(
        "capital",
        Shape::Amount { unit: MONEY },
        Need::Default("0"),
        "the venue's own money at the start, for the cash layer `venue`",
    ),
    key(
        "taker_fee",
        RATE,
        Need::Default("0"),
        "fee on the mark notional of a forced order, as far as equity can pay it",
    ),
    key(
        "liquidation_fee",
        RATE,
        Need::Default("0"),
        "liquidation fee on the same notional, paid to the fund after the taker fee",
    ),
    key(
        "fee_cap",
        Shape::Choice(&[
            ("equity", "what equity is left"),
            ("surplus", "what would be left if the rest closed at the bankruptcy price (dYdX)"),
            (
                "missing_margin",
                "equity, and a liquidation fee of 0.95 × (maintenance rate − taker fee − missing margin ÷ notional) (Drift)",
            ),
        ]),
        Need::Default("\"equity\""),
        "what fees of a forced order are capped at",
    ),
    key(
        "surplus_to",
        Shape::Choice(&[("trader", "stays in the account"), ("fund", "goes to the insurance fund")]),
        Need::Required,
        "who receives what equity is left after a liquidation and its fees",
    ),
    key(
        "position_order",
        Shape::Choice(&[
            ("mm_desc", "greatest maintenance margin first"),
            ("upnl_asc", "greatest unrealised loss first"),
            ("largest", "greatest notional first"),
        ]),
        Need::Default("\"mm_desc\""),
        "in which order the positions of a cross account are closed",
    ),
    key(
        "cross_bankruptcy",
        Shape::Choice(&[
            ("sequential", "all that is left goes to the position being closed"),
            ("proportional", "shared out by maintenance margin"),
        ]),
        Need::Default("\"sequential\""),
        "which part of a cross account's equity decides the bankruptcy price of a position",
    ),
    key(
        "execution",
        Shape::Choice(&[
            ("market", "at any price"),
            ("bankruptcy", "no worse than the bankruptcy tick"),
            ("bankruptcy_or_mark", "no worse than the bankruptcy tick, or than the mark where equity is below 0"),
            ("zero_price", "no worse than the price that leaves equity ÷ maintenance as it is (Lighter)"),
            ("fillable_price", "no worse than dYdX's fillable price, between mark and bankruptcy"),
        ]),
        Need::Default("\"market\""),
        "worst price of a forced order in the book; what it leaves goes on to the next layer",
    ),
    key(
        "engine_slice",
        Shape::Count { min: 1, max: i64::MAX },
        Need::Optional,
        "most lots that the engine sells of its inventory at one check; all of it where absent",
    ),
    key(
        "tiers",
        Shape::List(&Shape::Table(TIER)),
        Need::Required,
        "`[[venue.tiers]]`: margin tiers from the lowest notional to the highest, once for each",
    ),
    key(
        "liquidation",
        Shape::Plugin(&liquidation::INFO),
        Need::Default("\"full\""),
        "how much of a position in breach is closed",
    ),
    key(
        "funding",
        Shape::Table(funding::KEYS),
        Need::Optional,
        "`[venue.funding]`: payments between longs and shorts; none where absent",
    ),
    key("fund", Shape::Table(FUND), Need::Required, "`[venue.fund]`: the insurance fund"),
    key(
        "backstop",
        Shape::List(&Shape::Table(BACKSTOP)),
        Need::Default("[]"),
        "`[[venue.backstop]]`: a vault that takes positions over, once for each",
    ),
    key(
        "socialise",
        Shape::Choice(&[
            ("profit", "winners of the contract, in proportion to min(unrealised profit, equity) (Deribit)"),
            ("payout", "the same, but what each keeps is rounded down, not what each gives (Vega)"),
            ("base", "every position of the contract by its lots, as far as its equity goes (Drift)"),
            ("withdrawals", "free cash of all accounts in proportion to it (Paradex)"),
        ]),
        Need::Default("\"profit\""),
        "who bears what the cash layer `socialise` takes",
    ),
    key(
        "withdrawal_haircut",
        RATE,
        Need::Default("1"),
        "share of an account's free cash that one shortfall may take, with `socialise = \"withdrawals\"`",
    ),
    key(
        "capacity",
        Shape::Count { min: 1, max: 1_000_000_000 },
        Need::Optional,
        "forced orders that the venue can open in a second; without limit where absent",
    ),
    key(
        "outage",
        Shape::List(&Shape::Table(OUTAGE)),
        Need::Default("[]"),
        "`[[venue.outage]]`: a stretch of time without liquidations, once for each",
    ),
    key(
        "halt",
        Shape::List(&Shape::Table(HALT)),
        Need::Default("[]"),
        "`[[venue.halt]]`: a stretch of time in which marks and fills stand still, once for each",
    ),
    key(
        "dynamic_maintenance",
        Shape::Table(DYNAMIC),
        Need::Optional,
        "`[venue.dynamic_maintenance]`: maintenance margin that rises in steps with realised volatility; by the tiers alone where absent",
    ),
    key("band", Shape::Table(BAND), Need::Optional, "`[venue.band]`: a price band for forced orders"),
    key(
        "adl",
        Shape::PluginWith(&adl::INFO, ADL),
        Need::Default("{ kind = \"profit_leverage\" }"),
        "which winners are deleveraged",
    ),
];

/// `[[venue.tiers]]`
pub const TIER: &[Key] = &[
    key(
        "asset",
        Shape::Text,
        Need::Optional,
        "symbol that the tier belongs to; where absent, every asset without tiers of its own",
    ),
    key(
        "notional_floor",
        Shape::Amount { unit: MONEY },
        Need::Required,
        "notional from which the tier holds; 0 for the first",
    ),
    key(
        "max_leverage",
        Shape::Number { unit: "", min: 0.01, max: 1000.0 },
        Need::Required,
        "greatest leverage an account may open with",
    ),
    key(
        "maintenance_rate",
        Shape::Share { min: 0.0, max: 1.0 },
        Need::Required,
        "maintenance margin as a share of notional, before the deduction",
    ),
    key(
        "deduction",
        Shape::Amount { unit: MONEY },
        Need::Optional,
        "what is subtracted from rate × notional; it follows from the tiers, and is compared where given",
    ),
    key(
        "then",
        Shape::Table(TIER_STEPS),
        Need::Optional,
        "tiers in equal steps above this one, as at OKX beyond its third tier",
    ),
];

/// `then` of `[[venue.tiers]]`
pub const TIER_STEPS: &[Key] = &[
    key("from", Shape::PositiveAmount { unit: MONEY }, Need::Required, "notional from which the first of them holds"),
    key("every", Shape::PositiveAmount { unit: MONEY }, Need::Required, "notional from each of them to the next"),
    key("count", Shape::Count { min: 1, max: 1_000 }, Need::Required, "how many there are"),
    key(
        "maintenance_rate",
        Shape::Share { min: 0.0, max: 1.0 },
        Need::Required,
        "what each adds to the maintenance rate of the one before",
    ),
    key(
        "initial_rate",
        Shape::Share { min: 0.0, max: 1.0 },
        Need::Required,
        "what each adds to the initial margin of the one before, 1 ÷ its greatest leverage",
    ),
];

/// `[venue.fund]`
pub const FUND: &[Key] = &[
    key("open", Shape::Amount { unit: MONEY }, Need::Required, "the insurance fund at the start"),
    key("floor", Shape::Amount { unit: MONEY }, Need::Default("0"), "balance that payouts never take the fund below"),
    key(
        "overdraft",
        Shape::Amount { unit: MONEY },
        Need::Default("0"),
        "how far below 0 payouts may take the fund, in place of a floor (Dango)",
    ),
    key(
        "net_position_cap",
        Shape::Share { min: 0.0, max: 1000.0 },
        Need::Optional,
        "greatest net notional of the engine's inventory as a share of the fund (Binance); without limit where absent",
    ),
    key(
        "draw_cap",
        Shape::Amount { unit: MONEY },
        Need::Optional,
        "most that the fund pays for one asset on a path, net of repayments (Drift); without limit where absent",
    ),
    key(
        "pools",
        Shape::List(&Shape::Table(POOL)),
        Need::Default("[]"),
        "`[[venue.fund.pools]]`: parts of the fund that pay for some assets only; one fund for all where absent",
    ),
];

/// `[[venue.fund.pools]]`
pub const POOL: &[Key] = &[
    key(
        "assets",
        Shape::List(&Shape::Text),
        Need::Required,
        "symbols that the pool pays for; each asset is in one pool",
    ),
    key("share", RATE, Need::Required, "part of the fund and of its floor; the shares of all pools sum to 1"),
];

/// `[[venue.backstop]]`
pub const BACKSTOP: &[Key] = &[
    key("capital", Shape::Amount { unit: MONEY }, Need::Required, "the vault's money at the start"),
    key(
        "threshold",
        Shape::Share { min: 0.0, max: 10.0 },
        Need::Optional,
        "takes a position at once where equity at the mark is below this share of maintenance (Hyperliquid: 2/3); where absent, whatever the layers before leave",
    ),
    key("loss_cap", Shape::Amount { unit: MONEY }, Need::Optional, "most that it loses; all its capital where absent"),
    key(
        "margin_rate",
        RATE,
        Need::Default("0"),
        "its own margin: it takes lots while its equity is at least this share of the notional that it holds",
    ),
    key(
        "slice",
        Shape::Count { min: 0, max: i64::MAX },
        Need::Default("0"),
        "most lots of an asset that it sells at one check; 0 holds them to the horizon",
    ),
    key(
        "adl_price",
        Shape::Choice(&[
            ("mark", "the mark; what that costs beyond the loss cap is paid by the cash layers"),
            ("takeover_price", "its average cost"),
        ]),
        Need::Default("\"mark\""),
        "price at which its losing positions are deleveraged once it has lost more than its cap at the marks",
    ),
];

/// `[[venue.outage]]`
pub const OUTAGE: &[Key] = &[
    key("at", ANY_TIME, Need::Required, "when it begins"),
    key("for", SOME_TIME, Need::Required, "how long it lasts"),
];

/// `[[venue.halt]]`
pub const HALT: &[Key] = &[
    key("at", ANY_TIME, Need::Required, "when it begins"),
    key("for", SOME_TIME, Need::Required, "how long it lasts"),
    key("asset", Shape::Text, Need::Optional, "symbol that it holds for; every asset where absent"),
];

/// `[venue.dynamic_maintenance]`
pub const DYNAMIC: &[Key] = &[
    key(
        "window",
        SOME_TIME,
        Need::Default("\"10 min\""),
        "time over which volatility is realised: the root of the sum of squared returns of the index from refresh to refresh",
    ),
    key(
        "steps",
        Shape::List(&Shape::Table(VOLATILITY_STEP)),
        Need::Required,
        "from the lowest volatility to the highest; below the first the tiers hold as written",
    ),
];

/// `steps` of `[venue.dynamic_maintenance]`
pub const VOLATILITY_STEP: &[Key] = &[
    key(
        "volatility",
        Shape::Share { min: 0.000_001, max: 10.0 },
        Need::Required,
        "realised volatility of the window from which the step holds; not annualised: 80 % a year is 0.25 % in 5 minutes",
    ),
    key(
        "multiplier",
        Shape::Number { unit: "", min: 1.0, max: 1000.0 },
        Need::Required,
        "maintenance margin ÷ that of the tiers; at no step may a maintenance rate reach 1",
    ),
];

/// `[venue.band]`
pub const BAND: &[Key] = &[
    key("width", RATE, Need::Required, "no forced order trades further than this share from the mean of the window"),
    key(
        "of",
        Shape::Choice(&[
            ("index", "the published index"),
            ("mark", "the mark, which follows the venue's own price in part"),
        ]),
        Need::Default("\"index\""),
        "the price whose mean the band lies around",
    ),
    key(
        "window",
        SOME_TIME,
        Need::Default("\"1 min\""),
        "window of the mean; the last price alone where it is `mark_interval`",
    ),
    key(
        "halt",
        ANY_TIME,
        Need::Default("\"0 s\""),
        "how long marks and fills of the asset stand still once an order has met the band; 0 s for not at all",
    ),
];

/// What `[venue.adl]` takes beside the keys of its kind.
pub const ADL: &[Key] = &[
    key(
        "eligible",
        Shape::Choice(&[
            ("profit_at_adl_price", "profit above 0 at the ADL price, and solvent after closing there"),
            ("profit_at_mark", "profit above 0 at the mark, and solvent after closing at the ADL price"),
            ("solvent_after", "solvent after closing at the ADL price"),
        ]),
        Need::Default("\"profit_at_adl_price\""),
        "which accounts may be deleveraged",
    ),
    key(
        "price",
        Shape::Choice(&[
            ("bankruptcy", "the loser's bankruptcy price (Binance, BitMEX, Bybit, dYdX)"),
            ("mark", "the mark; what the loser then lacks is paid by the cash layers (OKX, Hyperliquid)"),
            (
                "mark_while_funded",
                "the mark while the fund can pay what that costs it, whatever its drawdown; else the bankruptcy price (OKX)",
            ),
            ("oracle", "the index, likewise (GMX)"),
            (
                "oracle_while_solvent",
                "the index, or the loser's bankruptcy price where the index lies beyond it (dYdX in final settlement)",
            ),
        ]),
        Need::Default("\"bankruptcy\""),
        "price at which winners close against losers",
    ),
    key(
        "mark_beyond",
        Shape::Share { min: 0.000_001, max: 10.0 },
        Need::Optional,
        "with `price = \"bankruptcy\"`: a loser whose bankruptcy price lies further than this share from the mark closes at the mark (Bybit: 5 %)",
    ),
    key(
        "trigger",
        Shape::Choice(&[
            ("residue", "whatever the layers before it leave"),
            (
                "negative_account_value",
                "accounts below 0 at the mark, once they lack `tolerance` together (Hyperliquid)",
            ),
            ("book_exhausted", "what the book cannot take within the order's limit; no budget stops the book (Dango)"),
        ]),
        Need::Default("\"residue\""),
        "which lots are deleveraged",
    ),
    key(
        "tolerance",
        Shape::Amount { unit: MONEY },
        Need::Default("0"),
        "what accounts below 0 lack together at a check before any of them is deleveraged",
    ),
    key(
        "drawdown_start",
        Shape::Share { min: 0.000_001, max: 1.0 },
        Need::Optional,
        "the fund pays no more once it has fallen by this share of its peak in the window (Bybit, OKX: 30 %)",
    ),
    key(
        "drawdown_stop",
        RATE,
        Need::Optional,
        "it pays again when the fall is below this share (Bybit: 25 %); `drawdown_start` where absent",
    ),
    key("drawdown_window", SOME_TIME, Need::Default("\"8 h\""), "window of the peak"),
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
