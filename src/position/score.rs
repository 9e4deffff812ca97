//! ADL scores as exact fractions, for the policies that rank by one. Formulas and sources: `src/venue/adl/`.

use super::fraction::{Fraction, parse, whole, zero};
use super::{Ask, MarginMode, Side};

/// The score of an ADL policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// Profit ÷ cost × effective leverage, in loss ÷ effective leverage.
    ProfitLeverage,
    /// (Profit ÷ wallet) × (maintenance ÷ equity), of the account.
    Binance,
    HyperliquidObserved,
    HyperliquidDocumented,
    ReturnOnCost,
    ReturnOnCollateral,
    ReturnOnEquity,
    /// Entry price, negative for longs.
    EntryPrice,
    LargestProfit,
    LargestPosition,
}

impl Score {
    /// The score of a policy by its kind and its keys; `None` where the policy does not rank by the position alone.
    #[must_use]
    pub fn of_policy(kind: &str, key: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(match kind {
            "profit_leverage" => Self::ProfitLeverage,
            "binance" => Self::Binance,
            "hyperliquid" if key("form").as_deref() == Some("documented") => Self::HyperliquidDocumented,
            "hyperliquid" => Self::HyperliquidObserved,
            "pnl_ratio" => match key("over").as_deref() {
                Some("collateral") => Self::ReturnOnCollateral,
                Some("equity") => Self::ReturnOnEquity,
                _ => Self::ReturnOnCost,
            },
            "entry_price" => Self::EntryPrice,
            "largest_profit" => Self::LargestProfit,
            "largest_position" => Self::LargestPosition,
            _ => return None,
        })
    }

    /// The score at the mark; `None` at equity of 0 or less, which ranks last.
    pub(super) fn of(self, ask: &Ask, equity: &Fraction, maintenance: &Fraction) -> Option<Fraction> {
        let nil = zero();
        if *equity <= nil {
            return None;
        }
        let (value, cost) = (ask.value(&ask.mark_price), ask.value(&ask.entry_price));
        let profit = ask.unrealised();
        let leverage = &value / equity;
        let (other_profit, other_maintenance) = ask.others();
        let at_least = |value: Fraction, least: &Fraction| if value < *least { least.clone() } else { value };
        Some(match self {
            Self::ProfitLeverage if profit > nil => profit / cost * leverage,
            Self::ProfitLeverage => profit / cost / leverage,
            Self::Binance => {
                let profit = at_least(profit + other_profit, &nil);
                let ratio = (maintenance + other_maintenance) / equity;
                profit / at_least(ask.balance(), &whole(1)) * ratio
            }
            Self::HyperliquidObserved => {
                let least = parse("1e-8").unwrap_or_else(zero);
                at_least(profit / cost, &least) * at_least(leverage, &least)
            }
            Self::HyperliquidDocumented if ask.side == Side::Long => &ask.mark_price / &ask.entry_price * leverage,
            Self::HyperliquidDocumented => &ask.entry_price / &ask.mark_price * leverage,
            Self::ReturnOnCost => profit / cost,
            Self::ReturnOnCollateral => {
                let base = match ask.margin_mode {
                    MarginMode::Isolated => ask.balance(),
                    MarginMode::Cross => {
                        ask.collateral.clone().or_else(|| ask.leverage.as_ref().map(|by| cost / by))?
                    }
                };
                if base <= nil {
                    return None;
                }
                profit / base
            }
            Self::ReturnOnEquity => profit / equity,
            Self::EntryPrice if ask.side == Side::Long => -ask.entry_price.clone(),
            Self::EntryPrice => ask.entry_price.clone(),
            Self::LargestProfit => profit,
            Self::LargestPosition => value,
        })
    }
}
