//! Hedge: a position that stands against a holding of spot, so that ADL leaves the holding exposed; the account then sells
//! it elsewhere, which moves the index.
//!
//! A short of q lots hedges q lots of spot. When ADL closes c of them the hedge of c lots is broken; after the delay the
//! account sells sell_share·c lots of spot at the index I, V = sell_share·c·I in all. Spot moves by ln I → ln I − 1 %·V/D,
//! D the depth of one side of the spot market within 1 %, and stays there: a minute after ordinary flow 84 % of its impact
//! is still there after four hours (see `docs/methods.md`). A long that hedges a short holding is the mirror image.

use super::{Act, Answer, Behaviour, Cast, Cue, DELAY, SHARE, Same, Seen, Then, delay};
use crate::market::distribution::Distribution;
use crate::registry::{Entry, Key, Need, Shape};

/// Depth is quoted for a move of 1 %.
const UNIT: f64 = 0.01;

#[derive(Debug)]
struct Hedge {
    share: f64,
    sell_share: f64,
    /// In cash units.
    spot_depth: f64,
    delay: Box<dyn Distribution>,
}

const NO_LEVEL: Same = Same(0.0);

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "hedge",
    about: "the position hedges spot that is sold elsewhere when ADL breaks the hedge, which moves the index",
    keys: &[
        SHARE,
        Key {
            name: "sell_share",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("1"),
            about: "part of the exposed spot that is sold; 0 only counts the broken hedges",
        },
        Key {
            name: "spot_depth_1pct",
            shape: Shape::PositiveAmount { unit: "settlement currency" },
            need: Need::Required,
            about: "notional of one side within 1 % of the mid, over all spot markets in the index",
        },
        DELAY,
    ],
    build: |values, reading| {
        let (depth, delay) = (reading.cash_floor(values, "spot_depth_1pct"), delay(values, reading));
        Some(Box::new(Hedge {
            share: values.number("share"),
            sell_share: values.number("sell_share"),
            spot_depth: depth?.0.max(1) as f64,
            delay: delay?,
        }))
    },
};

impl Behaviour for Hedge {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::HedgeBroken
    }

    fn level(&self) -> &dyn Distribution {
        &NO_LEVEL
    }

    fn delay_s(&self) -> &dyn Distribution {
        &*self.delay
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        // A short holds the spot that it hedges and sells it; a long owes it and buys it back.
        let notional = -seen.sign * self.sell_share * seen.closed_lots * seen.index * seen.multiplier;
        let log_move = -UNIT * notional / self.spot_depth;
        let act = if notional == 0.0 { Act::Nothing } else { Act::SellSpot { notional, log_move } };
        Answer { act, then: Then::Rearm(0.0) }
    }
}
