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
}
