//! Small worlds: a venue's rules, a dozen accounts, and what the venue is told in what order.

use std::fmt;

/// A share or rate in billionths, as both sides hold it.
pub type Billionths = i64;

pub const SECOND: i64 = 1_000_000_000;

#[derive(Clone, Debug)]
pub struct World {
    pub seed: u64,
    pub contracts: Vec<Contract>,
    pub wallets: Vec<i64>,
    pub holdings: Vec<Holding>,
    /// Whether equity at maintenance exactly is a breach.
    pub at_or_below: bool,
    pub position_order: PositionOrder,
    pub equity_of: EquityOf,
    pub closing: Closing,
    pub limit: Limit,
    pub position_layers: Vec<Disposer>,
    pub cash_layers: Vec<Payer>,
    pub fund: i64,
    /// Below 0 where payouts may overdraw the fund.
    pub floor: i64,
    /// Parts of fund and floor; none where the fund is one.
    pub pools: Vec<Pool>,
    pub drawdown: Option<Drawdown>,
    /// Net notional of the engine's inventory ÷ fund.
    pub net_cap: Option<Billionths>,
    /// What the fund pays for one contract.
    pub draw_cap: Option<i64>,
    pub venue_capital: i64,
    pub vaults: Vec<Vault>,
    pub interruptions: Interruptions,
    /// Ascending.
    pub volatility_steps: Vec<VolatilityStep>,
    pub socialise: Socialise,
    pub taker_fee: Billionths,
    pub liquidation_fee: Billionths,
    pub fee_cap: FeeCap,
    pub surplus_to_fund: bool,
    pub slice: Option<i64>,
    pub latency: i64,
    pub policy: Policy,
    pub eligible: Eligible,
    pub adl_price: AdlPrice,
    pub adl_trigger: AdlTrigger,
    /// Lots that each side of each book holds after a mark, and by how many ticks ÷ 20 each further lot is worse.
    pub capacity: i64,
    pub slope: i64,
    /// Fills at any price and of any size that the budget allows, in place of the book's.
    pub wild: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Contract {
    /// Cash units per lot and tick; of an inverse contract cash units times ticks per lot.
    pub multiplier: i64,
    /// Whether it settles in the coin: a lot is worth multiplier ÷ price.
    pub inverse: bool,
    pub open: i64,
    pub tiers: Vec<Bracket>,
    /// Whether it is a token that accounts hold as collateral: closed after the account's contracts, and never by ADL.
    pub token: bool,
}

impl Contract {
    /// What a lot trades for at a price: of an inverse contract to the nearest cash unit, ties up.
    pub fn lot(&self, price: i64) -> i64 {
        if self.inverse { (2 * self.multiplier + price) / (2 * price) } else { self.multiplier * price }
    }

    /// The same with so many times the maintenance rates, each rounded up.
    pub fn with_maintenance(&self, times: Billionths) -> Self {
        let raised = |tier: &Bracket| {
            let product = i128::from(tier.rate) * i128::from(times);
            let up = i128::from(product % 1_000_000_000 > 0);
            Bracket { rate: i64::try_from(product / 1_000_000_000 + up).unwrap(), ..*tier }
        };
        Self { tiers: self.tiers.iter().map(raised).collect(), ..self.clone() }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Bracket {
    pub floor: i64,
    pub rate: Billionths,
    pub max_leverage: Billionths,
}

#[derive(Clone, Copy, Debug)]
pub struct Holding {
    pub account: usize,
    pub contract: usize,
    /// Whether the account's wallet backs it, and no collateral of its own.
    pub cross: bool,
    /// Signed.
    pub lots: i64,
    pub cost: i64,
    pub collateral: i64,
}

/// In which order the positions of a cross account are closed: the greatest first of what is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionOrder {
    Maintenance,
    Loss,
    Notional,
}

/// Which part of a cross account's equity decides the bankruptcy tick of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EquityOf {
    /// All that is left.
    Account,
    /// In proportion to maintenance margin.
    Position,
}

/// How much of a breached position is closed.
#[derive(Clone, Copy, Debug)]
pub enum Closing {
    Full,
    Fraction {
        percent: i64,
        above: i64,
        cooldown: i64,
    },
    StepDown {
        tiers: usize,
        whole_up_to: usize,
    },
    /// Back to a margin: of what is missing a share, or all where that is below an amount.
    Restore {
        initial: bool,
        percent: i64,
        whole_below: i64,
        /// Fees that the plan counts on, hundredths of a per cent of the notional closed.
        fee: i64,
    },
    ShareOfAll {
        step_percent: i64,
        target_percent: i64,
    },
}

/// The worst price in the book before ADL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    None,
    Bankruptcy,
    BankruptcyOrMark,
    ZeroPrice,
    Fillable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposer {
    Book,
    Adl,
    Engine,
    Vaults,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    Fund,
    Venue,
    Vaults,
    Others,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub open: i64,
    pub floor: i64,
    pub contracts: Vec<usize>,
}

/// From a realised volatility on, maintenance is so many times that of the tiers.
#[derive(Clone, Debug)]
pub struct VolatilityStep {
    pub from: Billionths,
    pub times: Billionths,
    /// The contracts as they are then.
    pub contracts: Vec<Contract>,
}

/// What keeps the venue from liquidating.
#[derive(Clone, Debug, Default)]
pub struct Interruptions {
    /// Forced orders that can begin in a second.
    pub capacity: Option<i64>,
    pub outages: Vec<Span>,
    /// Of one contract, or of all.
    pub halts: Vec<(Option<usize>, Span)>,
    pub band: Option<Band>,
}

#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub at: i64,
    pub length: i64,
}

impl Span {
    pub fn holds(&self, now: i64) -> bool {
        (self.at..self.at + self.length).contains(&now)
    }
}

/// No forced order trades further than a share from a mean price.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// Whether the mean is that of the mark, and not of the index.
    pub of_mark: bool,
    pub width: Billionths,
    pub window: i64,
    /// How long a contract stands still when an order has met the band.
    pub halt: i64,
}

/// ADL once the fund has fallen by a share of its peak.
#[derive(Clone, Copy, Debug)]
pub struct Drawdown {
    pub start: Billionths,
    pub stop: Billionths,
    pub window: i64,
}

/// A backstop's rules.
#[derive(Clone, Copy, Debug)]
pub struct Vault {
    /// Takes positions with less equity than this share of maintenance; none for whatever is left.
    pub threshold: Option<Billionths>,
    pub capital: i64,
    pub loss_cap: i64,
    /// Equity ÷ notional of its inventory that a takeover must leave.
    pub margin_rate: Billionths,
    /// Lots sold at a check; 0 holds them.
    pub slice: i64,
    /// Whether its losing positions are deleveraged at its average cost, not at the mark.
    pub adl_at_cost: bool,
}

/// Who bears a socialised loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socialise {
    Profit,
    /// By profit, with what each keeps rounded down.
    Payout,
    Base,
    Withdrawals {
        most: Billionths,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeCap {
    Equity,
    /// What is left if the rest closes at the bankruptcy tick.
    Surplus,
    /// Equity, and a rate that leaves a close something of the margin that it frees.
    MissingMargin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    ProfitLeverage,
    Binance,
    HyperliquidDocumented,
    HyperliquidObserved,
    ProfitOverCost,
    ProfitOverCollateral,
    ProfitOverEquity,
    EntryPrice,
    LargestProfit,
    LargestPosition,
    Fifo,
    Random,
    ProRata,
    CappedProRata,
    RiskAware { power: u32 },
    MinMax,
    LeverageLevelling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligible {
    ProfitAtAdlPrice,
    ProfitAtMark,
    SolventAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdlPrice {
    Bankruptcy,
    Mark,
    Oracle,
    /// The index, or the bankruptcy tick where that is beyond it.
    OracleWhileSolvent,
    /// The mark while the fund can pay for it.
    MarkWhileFunded,
    /// The bankruptcy tick, or the mark where they are further apart than a share of it.
    BankruptcyNearMark {
        within: Billionths,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdlTrigger {
    Residue,
    NegativeAccountValue { tolerance: i64 },
    BookExhausted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The index of a contract; the contract may not be one, and the price not a price.
    Index {
        contract: usize,
        price: i64,
    },
    /// A mark, likewise.
    Mark {
        after: i64,
        contract: usize,
        price: i64,
    },
    /// The realised volatility of a contract, which may not be one.
    Volatility {
        contract: usize,
        volatility: Billionths,
    },
    /// All marks are in: those of the contracts that have not moved are told once more.
    Refreshed,
    Check {
        after: i64,
    },
    /// Funding falls due; the contract may not be one.
    Funding {
        after: i64,
        contract: usize,
        per_lot: i64,
    },
    /// An account acts on a position of its own; the position may not be one.
    Own {
        position: usize,
        action: Action,
    },
    /// A fill that nobody asked for.
    Stray,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Signed lots, no worse than a price, with cash that comes with what is opened or goes with what is closed.
    Order {
        lots: i64,
        limit: i64,
        margin: i64,
    },
    TopUp {
        amount: i64,
    },
    /// As far as equity stays at a share of maintenance.
    Withdraw {
        amount: i64,
        keep: Billionths,
    },
}

/// As a scenario writes it.
impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "\"full\""),
            Self::Fraction { percent, above, cooldown } => write!(
                f,
                "{{ kind = \"partial_fraction\", share = \"{percent} %\", above = {above}, cooldown = \"{} s\" }}",
                cooldown / SECOND
            ),
            Self::StepDown { tiers, whole_up_to } => {
                write!(f, "{{ kind = \"tier_step_down\", tiers = {tiers}, whole_up_to = {whole_up_to} }}")
            }
            Self::Restore { initial, percent, whole_below, fee } => {
                let to = if *initial { "initial" } else { "maintenance" };
                write!(
                    f,
                    "{{ kind = \"restore_margin\", to = \"{to}\", share = \"{percent} %\", whole_below = {whole_below}, fee = \"0.{fee:02} %\" }}"
                )
            }
            Self::ShareOfAll { step_percent, target_percent } => {
                write!(f, "{{ kind = \"share_of_all\", step = \"{step_percent} %\", target = \"{target_percent} %\" }}")
            }
        }
    }
}

/// As a scenario writes it.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProfitLeverage => "\"profit_leverage\"",
            Self::Binance => "\"binance\"",
            Self::HyperliquidDocumented => "{ kind = \"hyperliquid\", form = \"documented\" }",
            Self::HyperliquidObserved => "{ kind = \"hyperliquid\", form = \"observed\" }",
            Self::ProfitOverCost => "{ kind = \"pnl_ratio\", over = \"cost\" }",
            Self::ProfitOverCollateral => "{ kind = \"pnl_ratio\", over = \"collateral\" }",
            Self::ProfitOverEquity => "{ kind = \"pnl_ratio\", over = \"equity\" }",
            Self::EntryPrice => "\"entry_price\"",
            Self::LargestProfit => "\"largest_profit\"",
            Self::LargestPosition => "\"largest_position\"",
            Self::Fifo => "\"fifo\"",
            Self::Random => "\"random\"",
            Self::ProRata => "\"pro_rata\"",
            Self::CappedProRata => "\"capped_pro_rata\"",
            Self::RiskAware { power } => return write!(f, "{{ kind = \"risk_aware_pro_rata\", power = {power} }}"),
            Self::MinMax => "\"min_max\"",
            Self::LeverageLevelling => "\"leverage_levelling\"",
        })
    }
}
