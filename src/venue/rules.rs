//! The rule book of a venue as checked data.

use super::adl::Policy;
use super::liquidation::LiquidationRule;
use super::margin::Tiers;
use crate::facts::Side;
use crate::money::{Cash, Multiplier, Nanos, Price, Qty, Ratio};

/// Rules of one contract.
#[derive(Clone, Debug)]
pub struct ContractRules {
    pub multiplier: Multiplier,
    pub tiers: Tiers,
}

impl ContractRules {
    /// The trigger line of a position: the side that its equity has on a line on which it moves linearly, and a price's
    /// place on that line. A linear contract is its own; an inverse long is a short of the coin's worth of a lot.
    #[must_use]
    pub fn line(&self, side: Side, price: Price) -> (Side, i64) {
        let place = match self.multiplier {
            Multiplier::Linear(_) => price.0,
            Multiplier::Inverse(_) => self.multiplier.notional(Qty(1), price).0,
        };
        (self.line_side(side), place)
    }

    /// The side of a position on its trigger line: those who suffer from a fall are longs.
    #[must_use]
    pub fn line_side(&self, side: Side) -> Side {
        if self.multiplier.is_linear() { side } else { side.opposite() }
    }

    /// Where on the trigger line an isolated position, or the only one of a cross account, breaches: the first place, in
    /// the direction of loss, at which the venue's test holds.
    #[must_use]
    #[inline]
    pub fn trigger(&self, trigger: Trigger, qty: Qty, cost: Cash, backing: Cash) -> i64 {
        let (qty, k) = match self.multiplier {
            Multiplier::Linear(_) => (qty, self.multiplier),
            // −q lots of a linear contract whose price is the coin's worth of a lot.
            Multiplier::Inverse(_) => (-qty, Multiplier::Linear(1)),
        };
        self.tiers.liquidation_tick(trigger, k, qty, cost, backing).0
    }

    /// Cash units of a lot for each step on that line.
    #[must_use]
    pub fn per_step(&self) -> i64 {
        match self.multiplier {
            Multiplier::Linear(k) => k,
            Multiplier::Inverse(_) => 1,
        }
    }
}

/// What backs a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarginMode {
    /// Its own collateral alone.
    #[default]
    Isolated,
    /// The account's wallet and the unrealised profit of its other cross positions.
    Cross,
}

/// In which order the positions of a cross account are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionOrder {
    /// Greatest maintenance margin first.
    Maintenance,
    /// Greatest unrealised loss first.
    Loss,
    /// Greatest notional first.
    Notional,
}

/// How the equity of a cross account is shared out to its positions, which decides their bankruptcy ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossBankruptcy {
    /// By their maintenance margins.
    Proportional,
    /// All that is left goes to the position being closed.
    Sequential,
}

/// When a position breaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// equity < maintenance margin
    Below,
    /// equity ≤ maintenance margin
    AtOrBelow,
}

/// Who disposes of the lots of a forced order, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionLayer {
    Book,
    Adl,
    Engine,
    Backstop,
}

/// Who pays a shortfall, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashLayer {
    Fund,
    Venue,
    Backstop,
    Socialise,
}

/// The worst price at which a forced order trades in the book, before ADL; lots beyond it are a residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// No limit.
    Market,
    /// The bankruptcy tick: Kraken, Injective.
    Bankruptcy,
    /// The bankruptcy tick, or the mark where equity is already below 0: Dango.
    BankruptcyOrMark,
    /// The price at which a fill leaves equity ÷ maintenance as it is: Lighter's zero price.
    ZeroPrice,
    /// dYdX's fillable price: mark ∓ clamp(1 − equity ÷ maintenance, 0, 1) × 1.5 × maintenance per lot.
    FillablePrice,
}

/// Where equity goes that a liquidation leaves after fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SurplusTo {
    Trader,
    Fund,
}

/// Who may be deleveraged, judged at the worst ADL price of the round for the winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligible {
    /// Profit above 0 at the ADL price, and solvent after closing there.
    ProfitAtAdlPrice,
    /// Profit above 0 at the mark, and solvent after closing at the ADL price.
    ProfitAtMark,
    /// Solvent after closing at the ADL price.
    SolventAfter,
}

/// The fund at the opening, and the balance that payouts never take it below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundRules {
    pub open: Cash,
    pub floor: Cash,
}

/// The price at which winners close against losers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdlPrice {
    /// The loser's bankruptcy tick: Binance, BitMEX, Bybit, dYdX.
    #[default]
    Bankruptcy,
    /// The mark frozen at the last refresh: OKX, Hyperliquid. What a loser then lacks is paid by the cash layers.
    Mark,
    /// The index at the last refresh: GMX.
    Oracle,
    /// The index, or the loser's bankruptcy tick where the index lies beyond it: dYdX in final settlement, where an account
    /// below zero does not close at the oracle price.
    OracleWhileSolvent,
    /// The mark while the fund can pay what that costs it, whatever its drawdown; else the loser's bankruptcy tick: OKX.
    MarkWhileFunded,
    /// The loser's bankruptcy tick, or the mark where that is further away than this share of it: Bybit.
    BankruptcyNearMark { within: Ratio },
}

/// Which lots that the layers before ADL leave are deleveraged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdlTrigger {
    /// All of them.
    #[default]
    Residue,
    /// Those of accounts below 0 at the mark, once what they lack together reaches the tolerance: Hyperliquid.
    NegativeAccountValue { tolerance: Cash },
    /// Those that the book could not take within the order's limit; its budget does not stop a sale: Dango.
    BookExhausted,
}

/// ADL once the fund has fallen by a share of its peak in a window: Bybit, OKX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawdown {
    /// On from this share of the peak on.
    pub start: Ratio,
    /// Off below this share.
    pub stop: Ratio,
    pub window: Nanos,
}

/// A vault that takes positions over with the margin left in them: Hyperliquid's liquidator, Lighter's LLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackstopRules {
    /// Takes positions whose equity at the mark is below this share of maintenance; `None` for whatever is left.
    pub threshold: Option<Ratio>,
    pub capital: Cash,
    /// What it may lose of its capital.
    pub loss_cap: Cash,
    /// Its own margin: equity ÷ notional of its inventory after a takeover.
    pub margin_rate: Ratio,
    /// Lots that it sells at a check instant; 0 holds the inventory to the horizon.
    pub slice: Qty,
    pub adl_price: BackstopPrice,
}

/// The price at which a backstop beyond its loss cap is deleveraged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackstopPrice {
    Mark,
    /// Its average cost, on the tick that is no better for it.
    Takeover,
}

/// Who bears a socialised loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Socialise {
    /// Winners of the contract, in proportion to min(unrealised profit⁺, equity⁺): Deribit.
    #[default]
    Profit,
    /// The same, but what each keeps is rounded down in place of what each gives: Vega.
    Payout,
    /// Every position of the contract, by its lots, as far as its equity goes: Drift.
    Base,
    /// Free cash of all accounts, up to this share of it: Paradex's charge on withdrawals.
    Withdrawals { most: Ratio },
}

/// What a liquidation fee is capped at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeeCap {
    #[default]
    Equity,
    /// Equity if what is left of the position closes at its bankruptcy tick: dYdX.
    Surplus,
    /// Equity, and the rate of the fund's fee at what the missing margin leaves of the maintenance rate: Drift.
    MissingMargin,
}

/// A part of the fund that pays for some contracts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRules {
    pub open: Cash,
    pub floor: Cash,
    pub contracts: Vec<u16>,
}

/// What binds the fund beside its floor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FundLimits {
    /// Pools of contracts; none for a single fund. Each contract is in one of them.
    pub pools: Vec<PoolRules>,
    pub drawdown: Option<Drawdown>,
    /// Net notional of the engine's inventory ÷ fund: Binance.
    pub net_position_cap: Option<Ratio>,
    /// What the fund pays for one contract on a path: Drift.
    pub draw_cap: Option<Cash>,
}

/// The waterfall beyond book, engine, fund and ADL at the bankruptcy price. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waterfall {
    pub adl_price: AdlPrice,
    pub adl_trigger: AdlTrigger,
    pub fund: FundLimits,
    pub backstops: Vec<BackstopRules>,
    pub socialise: Socialise,
    pub fee_cap: FeeCap,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub at: Nanos,
    pub length: Nanos,
}

impl Span {
    #[must_use]
    pub fn holds(&self, now: Nanos) -> bool {
        now >= self.at && now < self.at + self.length
    }
}

/// No order trades further than a share from the mean of a price over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    pub of: BandOf,
    pub width: Ratio,
    pub window: Nanos,
    /// How long a contract stands still once an order has met its band; 0 for not at all.
    pub halt: Nanos,
}

/// The price that a band lies around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandOf {
    Index,
    /// The mark, which follows the venue's own price in part: so does the band.
    Mark,
}

/// What keeps the venue from liquidating. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interruptions {
    /// Forced orders that can be opened in a second; `None` without limit.
    pub capacity: Option<i64>,
    /// The venue does not liquidate.
    pub outages: Vec<Span>,
    /// Marks and fills stand still: of one contract, or of all.
    pub halts: Vec<(Option<u16>, Span)>,
    pub band: Option<Band>,
}

/// From a realised volatility on, maintenance is so many times that of the tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolatilityStep {
    pub volatility: Ratio,
    /// 1 or more.
    pub multiplier: Ratio,
}

/// Maintenance that moves in steps with realised volatility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicMaintenance {
    /// Over which the volatility is realised.
    pub window: Nanos,
    /// Ascending in volatility and in multiplier; at no step does a maintenance rate reach 1.
    pub steps: Vec<VolatilityStep>,
}

/// Everything that decides what the venue does.
#[derive(Clone, Debug)]
pub struct Rules {
    pub contracts: Vec<ContractRules>,
    pub trigger: Trigger,
    pub position_order: PositionOrder,
    pub cross_bankruptcy: CrossBankruptcy,
    pub liquidation: Box<dyn LiquidationRule>,
    pub position_layers: Vec<PositionLayer>,
    pub cash_layers: Vec<CashLayer>,
    pub fund: FundRules,
    /// The venue's own equity at the opening.
    pub venue_capital: Cash,
    /// Rates on the mark notional of all lots a forced order disposes of.
    pub taker_fee: Ratio,
    pub liquidation_fee: Ratio,
    pub surplus_to: SurplusTo,
    pub execution: Execution,
    /// How many lots the engine sells of its inventory at a check instant; `None` for all.
    pub engine_slice: Option<Qty>,
    /// From a breach to its forced order.
    pub latency: Nanos,
    pub adl: Policy,
    pub adl_eligible: Eligible,
    pub waterfall: Waterfall,
    pub interruptions: Interruptions,
    /// `None` for maintenance by the tiers alone.
    pub dynamic: Option<DynamicMaintenance>,
}
