//! Take-profit: closes the position at the market once a price has moved in its favour by a distance.
//!
//! Target of a long: max(entry, opening mark)·(1 + distance); of a short: min(entry, opening mark)·(1 − distance).

use super::stop_loss::{AT_ONCE, WATCHES, watched};
use super::{Act, Answer, Behaviour, CLOSES, Cast, Cue, SHARE, SLIPPAGE, Seen, Watched, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct TakeProfit {
    share: f64,
    distance: Box<dyn Distribution>,
    watched: Watched,
    closes: f64,
    slippage: f64,
}

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "take_profit",
    about: "closes the position at the market once a price has moved in its favour by a distance",
    keys: &[
        SHARE,
        Key {
            name: "distance",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "favourable move that triggers it, as a share of the better of entry price and opening mark",
        },
        WATCHES,
        CLOSES,
        SLIPPAGE,
    ],
    build: |values, reading| {
        Some(Box::new(TakeProfit {
            share: values.number("share"),
            distance: drawn(values, "distance", 0.0, 0.999, reading)?,
            watched: watched(values),
            closes: values.number("closes"),
            slippage: values.number("slippage"),
        }))
    },
};

impl Behaviour for TakeProfit {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::Gain(self.watched)
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
