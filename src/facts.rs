//! What happened: the vocabulary that the venue writes and observers, traces and reports read.

use crate::money::{Cash, Nanos, Price, Qty, Ratio};

pub mod counted;

/// Index of an account.
pub type AccountId = u32;
/// Index of a contract.
pub type ContractId = u16;
/// Number of a forced order within its path, from 0.
pub type OrderId = u32;

/// Who holds cash or positions. The order is that of `docs/methods.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    Trader(AccountId),
    /// Outside liquidity: the counterparty of every fill in the book and of the opening positions.
    Maker,
    /// The liquidation engine, which holds tickets at their bankruptcy ticks.
    Engine,
    Backstop(u16),
    /// The insurance fund.
    Fund,
    /// Taker fees.
    Fees,
    /// The venue's own equity.
    Venue,
    /// Unrealised profit and loss of one contract.
    Clearing(ContractId),
    /// Remainders of rounding; never negative.
    Rounding,
    /// Pays what no layer paid: −cash is the unfunded deficit.
    Deficit,
    /// Deposits and withdrawals.
    World,
}

/// Why cash was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    Deposit,
    /// Realised profit (from `Clearing`) or loss (to it).
    Realised,
    TakerFee,
    LiquidationFee,
    /// Equity left after a liquidation and its fees.
    Surplus,
    /// A cash layer brings the account to zero.
    Shortfall,
    /// A later gain of the same order repays a cash layer.
    Repayment,
    /// Result of a sale of the engine's inventory.
    Inventory,
    Rounding,
    Funding,
    /// Unrealised profit of one position of a cross account pays what its wallet lacks: the position's cost rises by it.
    Settled,
    /// A trader takes cash off the venue.
    Withdrawal,
}

/// What an account did of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Traded lots in the book; the amount is their notional at the mark.
    Traded,
    /// Moved an amount from its wallet to the collateral of its position.
    ToppedUp,
    /// Took an amount of collateral off the venue.
    Withdrew,
    /// ADL closed lots that hedged a holding of spot; the amount is their notional at the mark.
    HedgeBroken,
    /// Sold an amount of spot elsewhere (bought, where negative).
    SoldSpot,
}

/// One thing that happened, at the time of the batch it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Cash moved; `amount` ≥ 0.
    Posted { from: Party, to: Party, amount: Cash, why: Why },
    /// One leg of a trade: `party` bought `qty` > 0 lots (or sold, `qty` < 0) for `cash` in total, signed like `qty`.
    /// The legs of a contract sum to zero lots within a batch. A leg of `Party::Engine` names the bankruptcy tick of
    /// the ticket that it opens or closes.
    Traded {
        party: Party,
        contract: ContractId,
        qty: Qty,
        cash: Cash,
        order: Option<OrderId>,
        via: Via,
        ticket: Option<Price>,
    },
    /// Prices of a contract at a mark refresh and after each order, all on ticks.
    Priced { contract: ContractId, index_exogenous: Price, index: Price, traded: Price },
    /// Funding fell due: a long owes so much for each lot, a short receives it (both reversed where negative).
    Funding { contract: ContractId, per_lot: Cash },
    /// The mark of a contract was refreshed.
    Marked { contract: ContractId, mark: Price },
    /// A position breached its maintenance margin at this mark.
    Breached { contract: ContractId, account: AccountId, trigger: Price, mark: Price },
    /// A forced order began on a position that still breaches.
    OrderOpened {
        order: OrderId,
        contract: ContractId,
        account: AccountId,
        qty: Qty,
        bankruptcy: Price,
        surplus: Cash,
        mark: Price,
    },
    /// A queued position was healthy again when its turn came.
    OrderDropped { contract: ContractId, account: AccountId },
    /// The fund's budget alone cut a sale short.
    Exhausted { order: Option<OrderId>, contract: ContractId },
    /// A forced order has disposed of all its lots. Notional values at the mark of the moment, by destination;
    /// cash as paid net of repayments.
    OrderClosed { order: OrderId, contract: ContractId, account: AccountId, disposal: Disposal },
    /// The engine took over lots at the bankruptcy tick.
    TookOver { order: OrderId, contract: ContractId, qty: Qty, bankruptcy: Price },
    /// The fund's equity did not allow the engine to take these lots.
    TakeoverRefused { order: OrderId, contract: ContractId, qty: Qty },
    /// The engine sold or was deleveraged of lots of a ticket; `result` is its gain (or loss) against the ticket.
    TicketClosed { contract: ContractId, qty: Qty, bankruptcy: Price, result: Cash, paid: Paid },
    /// The engine owed funding on its tickets, which cash layers paid.
    TicketsFunded { contract: ContractId, owed: Cash, paid: Paid },
    /// An ADL round placed lots; `needed` is what losers had, `placed` what winners took.
    Round { contract: ContractId, losers: Side, needed: Qty, placed: Qty, mark: Price },
    /// One winner was deleveraged: `haircut` = lots·k·(ADL price − mark), signed so that a loss to the winner is positive.
    Deleveraged {
        contract: ContractId,
        account: AccountId,
        qty: Qty,
        price: Price,
        notional: Cash,
        haircut: Cash,
        unrealised: Cash,
    },
    /// Mark-to-market of the inventory of engine and backstops against its cost, whenever it may have changed.
    Inventory { mark_to_market: Cash },
    /// An account did something of its own accord; `by` is the kind of the behaviour, `qty` the lots that it bought (or
    /// sold, negative).
    Acted { contract: ContractId, account: AccountId, by: &'static str, deed: Deed, qty: Qty, amount: Cash },
    /// Trade in spot elsewhere moved the index.
    SpotMoved { contract: ContractId, from: Price, to: Price },
    /// A backstop took over lots of an order for `cash`, signed like `qty`.
    BackstopTook { backstop: u16, order: OrderId, contract: ContractId, qty: Qty, cash: Cash },
    /// A backstop sold or was deleveraged of lots; `result` is its gain or loss, of which `paid` is what it bore and what
    /// the cash layers gave beyond its loss cap.
    BackstopClosed { backstop: u16, contract: ContractId, qty: Qty, result: Cash, paid: Paid },
    /// Cash of one pool of a divided fund changed.
    PoolMoved { pool: u16, change: Cash, balance: Cash },
    /// The fund's drawdown reached its start share (or fell below its stop share).
    Drawdown { pool: u16, on: bool, peak: Cash, balance: Cash },
    /// Maintenance margin of a contract is `multiplier` times that of its tiers from now on, at a realised volatility.
    MaintenanceScaled { contract: ContractId, multiplier: Ratio, volatility: Ratio },
    /// A contract stands still, or the venue does not liquidate, until a time.
    Halted { contract: Option<ContractId>, until: Nanos },
    /// The path ends; inventory left is valued at the cost of walking the book (negative is a loss), posted to nobody.
    Horizon { horizon_mark: Cash },
}

/// How lots left a loser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Opening,
    Book,
    Adl,
    Takeover,
    /// Taken over by a backstop.
    Backstop,
    /// Closed and opened again at the mark, to realise a profit that is socialised.
    Socialised,
}

/// A long or a short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Long,
    Short,
}

impl Side {
    #[must_use]
    pub fn of(qty: Qty) -> Self {
        if qty.0 >= 0 { Self::Long } else { Self::Short }
    }

    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Long => Self::Short,
            Self::Short => Self::Long,
        }
    }
}

/// Who paid a shortfall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    pub fund: Cash,
    pub venue: Cash,
    pub backstop: Cash,
    pub socialised: Cash,
    /// What no layer paid.
    pub deficit: Cash,
}

impl Paid {
    #[must_use]
    pub fn total(&self) -> Cash {
        self.fund + self.venue + self.backstop + self.socialised + self.deficit
    }
}

/// Where the lots of one forced order went (notional at the mark of the moment) and who paid its shortfall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disposal {
    pub to_book: Cash,
    pub to_engine: Cash,
    pub to_backstop: Cash,
    pub to_adl: Cash,
    pub paid: Paid,
    /// Fees that equity could not pay.
    pub fees_waived: Cash,
    /// S(q) − S(x*): what dumping the rest into the book would have cost.
    pub book_cost_avoided: Cash,
}

impl Disposal {
    /// Lots left the order by a layer.
    ///
    /// # Panics
    /// Where no order loses lots that way.
    pub fn add(&mut self, via: Via, notional: Cash) {
        match via {
            Via::Book => self.to_book += notional,
            Via::Takeover => self.to_engine += notional,
            Via::Backstop => self.to_backstop += notional,
            Via::Adl => self.to_adl += notional,
            Via::Opening | Via::Socialised => unreachable!("{via:?} closes no lots of a forced order"),
        }
    }
}

/// A batch of facts of one instant.
pub trait Observer {
    /// Called once an event with all that happened in it.
    fn see(&mut self, time: Nanos, facts: &[Fact]);
}

/// What a column of `paths.csv` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    Count,
    /// Settlement currency, stored in cash units.
    Cash,
    /// Ticks of the first asset's price, printed as a price.
    Price,
    /// Nanoseconds, printed as seconds.
    Seconds,
}

/// A column of the path outcome.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub unit: Unit,
    pub about: &'static str,
}

macro_rules! outcome {
    ($($(#[doc = $about:literal])+ $name:ident: $unit:ident,)+) => {
        /// One path in integers: a row of `paths.csv`.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Outcome {
            /// Number of the path.
            pub path: u64,
            $($(#[doc = $about])+ pub $name: i64,)+
            /// Time of the first forced order or sale that the fund's budget alone cut short, nanoseconds.
            pub exhausted_at_s: Option<i64>,
            /// What accounts did of their own accord.
            pub conduct: Conduct,
            /// Weight of the path under importance sampling in units of 2⁻⁴⁰; `None` where every path counts once.
            pub weight: Option<i64>,
            /// Least opening fund that its fall from the peak never stops; `None` where no fall stops the fund, or it
            /// never falls. Not a column: only the study of fund sizes asks for it.
            pub fall_fund: Option<i64>,
        }

        impl Outcome {
            /// The columns between `path` and `exhausted_at_s`, in order.
            pub const COLUMNS: &'static [Column] = &[
                $(Column { name: stringify!($name), unit: Unit::$unit, about: concat!($($about),+) },)+
            ];

            /// The values of `COLUMNS`.
            #[must_use]
            pub fn values(&self) -> [i64; Self::COLUMNS.len()] {
                [$(self.$name,)+]
            }

            /// The outcome with these values of `COLUMNS`.
            #[must_use]
            pub fn from_values(path: u64, values: [i64; Self::COLUMNS.len()], exhausted_at_s: Option<i64>) -> Self {
                let [$($name,)+] = values;
                Self { path, $($name,)+ exhausted_at_s, conduct: Conduct::default(), weight: None, fall_fund: None }
            }

            /// One value by the name of its column.
            #[must_use]
            pub fn value(&self, name: &str) -> Option<i64> {
                Self::COLUMNS.iter().position(|column| column.name == name).map(|at| self.values()[at])
            }
        }
    };
}

outcome! {
    /// Forced orders.
    liquidations: Count,
    /// Distinct accounts with a forced order.
    liquidated_accounts: Count,
    /// Lots that forcibly left losers, at the mark of the moment: to_book + to_engine + to_backstop + to_adl.
    liquidated_notional: Cash,
    /// Part of it sold into the book.
    to_book: Cash,
    /// Part of it taken over by the engine.
    to_engine: Cash,
    /// Part of it taken by backstops.
    to_backstop: Cash,
    /// Part of it closed against deleveraged winners.
    to_adl: Cash,
    /// Part of it that was long.
    liquidated_long_notional: Cash,
    /// Engine and backstop inventory sold later, at the mark of the moment.
    inventory_sold: Cash,
    /// Insurance fund at the start.
    fund_open: Cash,
    /// Insurance fund at the horizon, cash.
    fund_close: Cash,
    /// Lowest balance of the fund.
    fund_min: Cash,
    /// Deepest fall of the fund's cumulative result below its start, with inventory left valued at the horizon.
    fund_draw: Cash,
    /// The same with an unlimited fund that takes every shortfall, and no ADL: the fund this path needs.
    fund_need: Cash,
    /// The same without the valuation of inventory left at the horizon.
    fund_need_cash: Cash,
    /// Gross payments by the fund.
    fund_paid: Cash,
    /// Gross income of the fund: fees and surplus.
    fund_received: Cash,
    /// Greatest unrealised loss on the inventory of engine and backstops.
    inventory_hole: Cash,
    /// Valuation of inventory left at the horizon, by walking the book (negative is a loss).
    horizon_mark: Cash,
    /// ADL rounds with at least one lot.
    adl_events: Count,
    /// Distinct deleveraged winners.
    adl_accounts: Count,
    /// Lots closed on the winners' side at the mark of the round.
    adl_notional: Cash,
    /// What winners lost against the mark; gifts not deducted.
    adl_haircut: Cash,
    /// What winners gained against the mark.
    adl_gift: Cash,
    /// Cash needed to bring losers to zero: fund + venue + backstop + socialised + unfunded.
    shortfall: Cash,
    /// Paid from the venue's own equity.
    venue_paid: Cash,
    /// Loss of backstops.
    backstop_loss: Cash,
    /// Taken from winners by socialisation.
    socialised: Cash,
    /// What no layer paid.
    unfunded_deficit: Cash,
    /// Trading fees paid by liquidated accounts.
    taker_fees: Cash,
    /// Fees that liquidated accounts could not pay.
    fees_waived: Cash,
    /// Shortfall that ADL spared the book: S(q) − S(x*).
    book_cost_avoided: Cash,
    /// Open interest at the start (long side at the opening mark).
    open_interest: Cash,
    /// Accounts whose entry was drawn again to pass the opening margin check.
    redrawn: Count,
    /// Opening price of the first asset.
    price_open: Price,
    /// Lowest index without the permanent part of impact.
    index_exogenous_low: Price,
    /// Highest index without the permanent part of impact.
    index_exogenous_high: Price,
    /// Lowest index.
    index_low: Price,
    /// Highest index.
    index_high: Price,
    /// Lowest traded price.
    traded_low: Price,
    /// Highest traded price.
    traded_high: Price,
    /// Traded price at the horizon.
    traded_close: Price,
    /// Liquidated notional of the same path at infinite depth; −1 where the pair was not run.
    infinite_depth_notional: Cash,
    /// Traded price at the start of the path's leg: its deepest fall from a high to a later low (in a crash up, its highest rise).
    leg_from: Price,
    /// Traded price at the end of the leg.
    leg_to: Price,
    /// Time from the end of the leg until half of it was won back; −1 where it was not.
    half_retrace_s: Seconds,
    /// Least depth left within 1 % on the adverse side, share of normal × 1e9.
    depth_left_min: Count,
    /// Notional traded in the first asset's book on the leg, by others and by forced orders; this and the next two are 0 where its `gross_flow` is.
    taker_volume: Cash,
    /// Part of it in which the taker sold.
    taker_sells: Cash,
    /// Part of it that forced orders traded.
    forced_volume: Cash,
}

macro_rules! conduct {
    ($($(#[doc = $about:literal])+ $name:ident: $unit:ident,)+) => {
        /// What accounts did of their own accord on one path: further columns of `paths.csv`, written only where some
        /// group of the scenario has a behaviour.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Conduct {
            $($(#[doc = $about])+ pub $name: i64,)+
        }

        impl Conduct {
            /// The columns, in order.
            pub const COLUMNS: &'static [Column] = &[
                $(Column { name: stringify!($name), unit: Unit::$unit, about: concat!($($about),+) },)+
            ];

            /// The values of `COLUMNS`.
            #[must_use]
            pub fn values(&self) -> [i64; Self::COLUMNS.len()] {
                [$(self.$name,)+]
            }

            /// The block with these values of `COLUMNS`.
            #[must_use]
            pub fn from_values(values: [i64; Self::COLUMNS.len()]) -> Self {
                let [$($name,)+] = values;
                Self { $($name,)+ }
            }
        }
    };
}

conduct! {
    /// Orders that accounts sent of their own accord and that traded at least one lot.
    voluntary_orders: Count,
    /// Distinct accounts that did anything of their own accord.
    voluntary_accounts: Count,
    /// Lots sold by such orders, at the mark of the moment.
    voluntary_sold: Cash,
    /// Lots bought by such orders, at the mark of the moment.
    voluntary_bought: Cash,
    /// Part of both that stop-loss orders traded.
    stop_loss_notional: Cash,
    /// Part of both that take-profit orders traded.
    take_profit_notional: Cash,
    /// Part of both that voluntary exits traded.
    voluntary_exit_notional: Cash,
    /// Part of both that panicking accounts traded.
    panic_notional: Cash,
    /// Part of both that dip buyers traded.
    dip_buyer_notional: Cash,
    /// Part of both that arbitrage capital traded.
    arbitrage_notional: Cash,
    /// Part of both that accounts traded which came back after a liquidation or ADL.
    re_entry_notional: Cash,
    /// Times that an account moved cash from its wallet to its position.
    top_ups: Count,
    /// Cash moved so.
    topped_up: Cash,
    /// Collateral that accounts took off the venue.
    withdrawn: Cash,
    /// Lots that hedged a holding of spot and were closed by ADL, at the mark of the moment.
    hedge_broken: Cash,
    /// Spot that these accounts sold elsewhere, less what they bought.
    spot_sold: Cash,
    /// How far that lowered the index of the first asset (raised, where negative): the second round.
    spot_fall: Price,
}

impl Conduct {
    /// The column of the notional that behaviours of one kind trade; `None` for a kind without one of its own.
    #[must_use]
    pub fn notional_of(&mut self, by: &str) -> Option<&mut i64> {
        Some(match by {
            "stop_loss" => &mut self.stop_loss_notional,
            "take_profit" => &mut self.take_profit_notional,
            "voluntary_exit" => &mut self.voluntary_exit_notional,
            "panic" => &mut self.panic_notional,
            "dip_buyer" => &mut self.dip_buyer_notional,
            "arbitrage" => &mut self.arbitrage_notional,
            "re_entry" => &mut self.re_entry_notional,
            _ => return None,
        })
    }
}

/// What a series of `series.csv` holds at one output time, first asset where it is a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Ticks.
    pub index_exogenous: i64,
    pub index: i64,
    pub traded: i64,
    /// Cash units.
    pub fund: i64,
    pub liquidated_long: i64,
    pub liquidated_short: i64,
    pub adl: i64,
    /// Depth left, billionths of normal.
    pub depth_left: i64,
}

impl Sample {
    /// Name, unit and meaning of each series.
    pub const COLUMNS: [Column; 8] = [
        Column { name: "index_exogenous", unit: Unit::Price, about: "index without the permanent part of impact" },
        Column { name: "index", unit: Unit::Price, about: "index" },
        Column { name: "traded", unit: Unit::Price, about: "traded price (mid of the book)" },
        Column { name: "fund", unit: Unit::Cash, about: "insurance fund, cash" },
        Column { name: "liquidated_long", unit: Unit::Cash, about: "cumulative notional of liquidated longs" },
        Column { name: "liquidated_short", unit: Unit::Cash, about: "cumulative notional of liquidated shorts" },
        Column { name: "adl", unit: Unit::Cash, about: "cumulative ADL notional" },
        Column {
            name: "depth_left",
            unit: Unit::Count,
            about: "depth left within 1 % on the adverse side, share of normal × 1e9",
        },
    ];

    /// The sample with these values of `COLUMNS`.
    #[must_use]
    pub fn from_values(values: [i64; 8]) -> Self {
        let [index_exogenous, index, traded, fund, liquidated_long, liquidated_short, adl, depth_left] = values;
        Self { index_exogenous, index, traded, fund, liquidated_long, liquidated_short, adl, depth_left }
    }

    #[must_use]
    pub fn values(&self) -> [i64; 8] {
        [
            self.index_exogenous,
            self.index,
            self.traded,
            self.fund,
            self.liquidated_long,
            self.liquidated_short,
            self.adl,
            self.depth_left,
        ]
    }
}
