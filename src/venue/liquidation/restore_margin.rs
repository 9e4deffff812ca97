//! The smallest close after which the position is healthy again.
//!
//! Dango closes ⌈deficit ÷ (oracle price × maintenance rate)⌉; Orderly and Aftermath go back to the initial margin.
//! The close is planned at the mark; a worse fill can leave the position in breach, and then it is seen again at the next
//! mark. Drift counts the fees that closing costs, base = shortage ÷ (price·(rate − fees)), and frees a share of a large
//! shortage at a time (protocol-v2@0ae3e3b, `math/liquidation.rs`); its share grows with the time since liquidation began,
//! here it is the same at every check.

use super::{Breached, LiquidationRule};
use crate::money::{Cash, Qty, Ratio, div_ceil, div_floor, narrow};
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};
use crate::venue::cross::Standing;
use crate::venue::rules::Trigger;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Maintenance,
    Initial,
}

#[derive(Clone, Copy, Debug)]
struct RestoreMargin {
    to: To,
    fee: Ratio,
    share: Ratio,
    whole_below: Cash,
}

pub const ENTRY: Entry<dyn LiquidationRule> = Entry {
    kind: "restore_margin",
    about: "closes as few lots as bring equity back to a margin",
    keys: &[
        Key {
            name: "to",
            shape: Shape::Choice(&[
                ("maintenance", "until the position no longer breaches"),
                ("initial", "until equity covers notional ÷ greatest leverage of its tier"),
            ]),
            need: Need::Default("\"maintenance\""),
            about: "the margin that equity must cover again",
        },
        Key {
            name: "fee",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0"),
            about: "fees that the plan counts on, as a share of the notional closed; they must be below the maintenance rate to restore anything",
        },
        Key {
            name: "share",
            shape: Shape::Share { min: 0.000_001, max: 1.0 },
            need: Need::Default("1"),
            about: "share of what is missing of the maintenance margin that one order restores (Drift)",
        },
        Key {
            name: "whole_below",
            shape: Shape::Amount { unit: "settlement currency" },
            need: Need::Default("0"),
            about: "missing margin below which all of it is restored at once (Drift: 50 USD)",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn LiquidationRule>> {
    let to = if values.text("to") == "initial" { To::Initial } else { To::Maintenance };
    let whole_below = reading.cash_floor(values, "whole_below")?;
    Some(Box::new(RestoreMargin { to, fee: values.ratio("fee"), share: values.ratio("share"), whole_below }))
}

impl LiquidationRule for RestoreMargin {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        let equity = breached.equity + self.spared(breached);
        breached.least_by_tier(|closed| {
            let fees = i128::from(self.fee.0) * i128::from(breached.notional(closed).0);
            let left = breached.notional(breached.lots() - closed);
            match self.to {
                To::Maintenance => {
                    let needed = breached.rules.tiers.maintenance_billionths(left) + breached.others.maintenance;
                    !Standing { equity, maintenance: needed + fees }.breaches(breached.trigger)
                }
                To::Initial => {
                    let free = equity - breached.others.initial;
                    let needed = breached.rules.tiers.initial_billionths(left);
                    !Standing { equity: free, maintenance: needed + fees }.breaches(Trigger::Below)
                }
            }
        })
    }
}

impl RestoreMargin {
    /// What of the missing margin later orders restore: ⌊(1 − share) · missing⌋ of a large one.
    fn spared(&self, breached: &Breached<'_>) -> Cash {
        if self.share == Ratio::ONE {
            return Cash::ZERO;
        }
        let one = i128::from(Ratio::ONE.0);
        let missing = div_ceil(breached.missing_billionths(), one).max(0);
        if missing < i128::from(self.whole_below.0) {
            return Cash::ZERO;
        }
        Cash(narrow(div_floor(missing * (one - i128::from(self.share.0)), one)))
    }
}
