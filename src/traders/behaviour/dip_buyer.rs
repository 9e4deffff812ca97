//! Dip buyer: adds to its position as the traded price moves against it, with its wallet as budget.
//!
//! The wallet at the opening is spent in equal parts: the first when the price has moved against the position by `fall`
//! since the opening, each further one after another `step`. A part of w cash buys w·leverage of notional.

use super::{Act, Answer, Behaviour, Cast, Cue, DELAY, SHARE, SLIPPAGE, Seen, Then, Wallet, delay, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct DipBuyer {
    share: f64,
    fall: Box<dyn Distribution>,
    step: f64,
    parts: u32,
    leverage: f64,
    delay: Box<dyn Distribution>,
    slippage: f64,
}

/// Leverage of what a wallet buys.
pub(super) const LEVERAGE: Key = Key {
    name: "leverage",
    shape: Shape::Number { unit: "", min: 0.01, max: 1000.0 },
    need: Need::Default("3"),
    about: "notional bought over the cash of the wallet that goes with it",
};

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "dip_buyer",
    about: "adds to the position as the traded price moves against it, until its wallet is spent",
    keys: &[
        SHARE,
        Key {
            name: "fall",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "adverse move of the traded price since the opening at which it first buys, as a share",
        },
        Key {
            name: "step",
            shape: Shape::Share { min: 0.000_1, max: 1.0 },
            need: Need::Default("0.01"),
            about: "further move between two purchases",
        },
        Key {
            name: "parts",
            shape: Shape::Count { min: 1, max: 1000 },
            need: Need::Default("5"),
            about: "equal parts in which the wallet is spent",
        },
        LEVERAGE,
        DELAY,
        SLIPPAGE,
    ],
    build: |values, reading| {
        let (fall, delay) = (drawn(values, "fall", 0.0, 0.999, reading), delay(values, reading));
        Some(Box::new(DipBuyer {
            share: values.number("share"),
            fall: fall?,
            step: values.number("step"),
            parts: u32::try_from(values.count("parts")).unwrap_or(u32::MAX),
            leverage: values.number("leverage"),
            delay: delay?,
            slippage: values.number("slippage"),
        }))
    },
};

impl Behaviour for DipBuyer {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::Dip
    }

    fn level(&self) -> &dyn Distribution {
        &*self.fall
    }

    fn delay_s(&self) -> &dyn Distribution {
        &*self.delay
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        let margin = (seen.opened_wallet / f64::from(self.parts)).min(seen.wallet);
        if margin < 1.0 {
            return Answer::once(Act::Nothing);
        }
        let bought = seen.acted + 1;
        let then =
            if bought < self.parts { Then::Rearm(seen.level + self.step * f64::from(bought)) } else { Then::Rest };
        let lots = margin * self.leverage / seen.lot_value();
        Answer { act: Act::Open { lots, limit: seen.opening_limit(self.slippage), margin }, then }
    }

    fn needs_wallet(&self) -> Wallet {
        Wallet::Needed
    }
}
