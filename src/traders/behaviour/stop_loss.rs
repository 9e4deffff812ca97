//! Stop-loss: closes the position at the market once a price has moved against it by a distance.
//!
//! Stop of a long: min(entry, opening mark)·(1 − distance); of a short: max(entry, opening mark)·(1 + distance). An
//! order that stood beyond the opening mark would have fired before the path.

use super::{Act, Answer, Behaviour, CLOSES, Cast, Cue, SHARE, SLIPPAGE, Same, Seen, Watched, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::registry::{Entry, Key, Need, Shape, Values};

#[derive(Debug)]
struct StopLoss {
    share: f64,
    distance: Box<dyn Distribution>,
    watched: Watched,
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

pub(super) fn watched(values: &Values) -> Watched {
    if values.text("watches") == "mark" { Watched::Mark } else { Watched::Traded }
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
    build: |values, reading| {
        Some(Box::new(StopLoss {
            share: values.number("share"),
            distance: drawn(values, "distance", 0.0, 0.999, reading)?,
            watched: watched(values),
            closes: values.number("closes"),
            slippage: values.number("slippage"),
        }))
    },
};

impl Behaviour for StopLoss {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::Loss(self.watched)
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
