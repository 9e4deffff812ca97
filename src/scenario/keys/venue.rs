//! Keys of `[venue]` and the tables in it.

use super::{ANY_TIME, MONEY, RATE, SOME_TIME, key};
use crate::market::funding;
use crate::registry::{Key, Need, Shape};
use crate::venue::{adl, liquidation, presets};

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
