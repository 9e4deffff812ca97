//! Margin withdrawal: the largest accounts take out what collateral they may, so that the venue is left with a position
//! that the least adverse move bankrupts.
//!
//! On Hyperliquid a long of 175,000 ETH was left so on 12 March 2025 (the vault lost 4M USD), and a short of 398M JELLY on
//! 26 March 2025 (see `docs/methods.md`). Collateral above keep × maintenance margin leaves the venue.

use super::stop_loss::AT_ONCE;
use super::{Act, Answer, Behaviour, Cast, Cue, Same, Seen};
use crate::market::distribution::Distribution;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct MarginWithdrawal {
    largest: u32,
    at: Same,
    keep: f64,
}

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "margin_withdrawal",
    about: "the largest accounts of the group take all collateral above a margin ratio off the venue",
    keys: &[
        Key {
            name: "largest",
            shape: Shape::Count { min: 1, max: 10_000_000 },
            need: Need::Default("1"),
            about: "so many of the largest accounts by notional at the opening; ties go to the first",
        },
        Key {
            name: "at",
            shape: Shape::Time { min: Nanos(0) },
            need: Need::Required,
            about: "time of the withdrawal, since the start of the path",
        },
        Key {
            name: "keep",
            shape: Shape::Number { unit: "", min: 1.0, max: 1000.0 },
            need: Need::Default("1.05"),
            about: "equity over maintenance margin that the venue makes them leave",
        },
    ],
    build: |values, _| {
        Some(Box::new(MarginWithdrawal {
            largest: u32::try_from(values.count("largest")).unwrap_or(u32::MAX),
            at: Same(values.time("at").seconds()),
            keep: values.number("keep"),
        }))
    },
};

impl Behaviour for MarginWithdrawal {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Largest(self.largest)
    }

    fn cue(&self) -> Cue {
        Cue::Time
    }

    fn level(&self) -> &dyn Distribution {
        &self.at
    }

    fn delay_s(&self) -> &dyn Distribution {
        &AT_ONCE
    }

    fn act(&self, _: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        Answer::once(Act::Withdraw { keep: self.keep })
    }
}
