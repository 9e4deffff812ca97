//! Take-profit: closes the position at the market once a price has moved in its favour by a distance.
//!
//! Target of a long: max(entry, opening mark)·(1 + distance); of a short: min(entry, opening mark)·(1 − distance).

use super::stop_loss::{Resting, WATCHES};
use super::{Behaviour, CLOSES, Cue, SHARE, SLIPPAGE};
use crate::market::distribution::DISTRIBUTION_INFO;
use crate::registry::{Entry, Key, Need, Shape};

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
    build: |values, reading| Resting::of("take_profit", Cue::Gain, values, reading),
};
