//! Stop-loss: closes the position at the market once a price has moved against it by a distance.
//!
//! Stop of a long: min(entry, opening mark)·(1 − distance); of a short: max(entry, opening mark)·(1 + distance). An
//! order that stood beyond the opening mark would have fired before the path.

use super::{Act, Answer, Behaviour, CLOSES, Cast, Cue, SHARE, SLIPPAGE, Same, Seen, Watched, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

/// An order that rests at the venue until a price reaches it, then closes at the market: a stop-loss or a take-profit.
#[derive(Debug)]
pub(super) struct Resting {
    kind: &'static str,
    share: f64,
    distance: Box<dyn Distribution>,
    cue: Cue,
    closes: f64,
    slippage: f64,
}

/// The price that an order watches.
pub(super) const WATCHES: Key = Key {
    name: "watches",
    shape: Shape::Choice(&[("traded", "the mid of the book"), ("mark", "the mark price")]),
    need: Need::Default("\"traded\""),
    about: "the price that triggers the order",
};

impl Resting {
    /// Reads an order of this kind, which `cue` wakes.
    pub(super) fn of(
        kind: &'static str,
        cue: fn(Watched) -> Cue,
        values: &Values,
        reading: &mut Reading,
    ) -> Option<Box<dyn Behaviour>> {
        Some(Box::new(Self {
            kind,
            share: values.number("share"),
            distance: drawn(values, "distance", 0.0, 0.999, reading)?,
            cue: cue(if values.text("watches") == "mark" { Watched::Mark } else { Watched::Traded }),
            closes: values.number("closes"),
            slippage: values.number("slippage"),
        }))
    }
}

/// No delay: the order waits at the venue.
pub(super) const AT_ONCE: Same = Same(0.0);

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "stop_loss",
    about: "closes the position at the market once a price has moved against it by a distance",
    keys: &[
        SHARE,
        Key {
            name: "distance",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "adverse move that triggers it, as a share of the worse of entry price and opening mark",
        },
        WATCHES,
        CLOSES,
        SLIPPAGE,
    ],
    build: |values, reading| Resting::of("stop_loss", Cue::Loss, values, reading),
};

impl Behaviour for Resting {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        self.cue
    }

    fn level(&self) -> &dyn Distribution {
        &*self.distance
    }

    fn delay_s(&self) -> &dyn Distribution {
        &AT_ONCE
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        Answer::once(Act::close(self.closes * seen.lots, seen.closing_limit(self.slippage)))
    }
}
