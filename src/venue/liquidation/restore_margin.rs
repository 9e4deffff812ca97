//! The smallest close after which the position is healthy again.
//!
//! Dango closes ⌈deficit ÷ (oracle price × maintenance rate)⌉; Orderly and Aftermath go back to the initial margin.
//! The close is planned at the mark and before fees; a worse fill can leave the position in breach, and then it is
//! seen again at the next mark.

use super::{Breached, LiquidationRule};
use crate::money::{Cash, Qty, Ratio};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Maintenance,
    Initial,
}

#[derive(Clone, Copy, Debug)]
struct RestoreMargin {
    to: To,
}

pub const ENTRY: Entry<dyn LiquidationRule> = Entry {
    kind: "restore_margin",
    about: "closes as few lots as bring equity back to a margin",
    keys: &[Key {
        name: "to",
        shape: Shape::Choice(&[
            ("maintenance", "until the position no longer breaches"),
            ("initial", "until equity covers notional ÷ greatest leverage of its tier"),
        ]),
        need: Need::Default("\"maintenance\""),
        about: "the margin that equity must cover again",
    }],
    build: |values, _| {
        let to = if values.text("to") == "initial" { To::Initial } else { To::Maintenance };
        Some(Box::new(RestoreMargin { to }))
    },
};

impl LiquidationRule for RestoreMargin {
    fn boxed_clone(&self) -> Box<dyn LiquidationRule> {
        Box::new(*self)
    }

    fn plan(&self, breached: &Breached<'_>) -> Qty {
        match self.to {
            To::Maintenance => breached.least(|closed| breached.is_healthy_after(closed)),
            To::Initial => breached.least(|closed| covers_initial(breached, breached.lots() - closed)),
        }
    }
}

/// equity × greatest leverage ≥ notional of what is left.
fn covers_initial(breached: &Breached<'_>, lots: i64) -> bool {
    let Cash(notional) = breached.notional(lots);
    let tiers = &breached.rules.tiers;
    let Ratio(leverage) = tiers.tiers()[tiers.tier_of(Cash(notional))].max_leverage;
    let equity = i128::from((breached.equity - breached.others.initial).0);
    equity >= 0 && equity * i128::from(leverage) >= i128::from(notional) * i128::from(Ratio::ONE.0)
}
