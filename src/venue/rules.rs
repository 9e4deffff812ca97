//! The rule book of a venue as checked data.

use super::adl::Policy;
use super::liquidation::LiquidationRule;
use super::margin::Tiers;
use crate::money::{Cash, Multiplier, Nanos, Qty, Ratio};

/// Rules of one contract.
#[derive(Clone, Debug)]
pub struct ContractRules {
    pub multiplier: Multiplier,
    pub tiers: Tiers,
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
}

/// Who pays a shortfall, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashLayer {
    Fund,
    Venue,
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

/// Everything that decides what the venue does.
#[derive(Clone, Debug)]
pub struct Rules {
    pub contracts: Vec<ContractRules>,
    pub trigger: Trigger,
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
}
