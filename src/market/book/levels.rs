//! An explicit ladder of bids and asks, for laboratories worked by hand.
//!
//! Prices are whole ticks and quantities whole lots, so a ladder that stands still fills in whole tick·lots, exactly
//! (up to 2⁵³). An order walks the ladder from the best level; what it ate is gone until a refresh, if it comes back at
//! all. A side without a level is quoted at the index, or at the other side's best price where that is worse.

use super::{Book, Reference, Refresh, Taker};
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    price: f64,
    lots: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    /// Prices stay where they were written.
    Fixed,
    /// Prices move in proportion to the index since the start of the path.
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refill {
    Never,
    AtRefresh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Finite,
    /// Fills at the index and the first half-spread, whatever the quantity.
    Infinite,
}

/// One side, best level first.
#[derive(Clone, Debug, Default)]
struct Side {
    levels: Vec<Level>,
    /// Lots eaten so far from the best level on.
    eaten: i64,
    total: i64,
}

#[derive(Clone, Debug)]
struct Levels {
    bids: Side,
    asks: Side,
    anchor: Anchor,
    refill: Refill,
    extent: Extent,
    /// The index at the start of the path.
    opened_at: f64,
    /// The index at the last refresh, which the displacement refers to.
    index: f64,
}

const LEVEL: &[Key] = &[
    Key { name: "price", shape: Shape::Count { min: 1, max: MOST }, need: Need::Required, about: "price in ticks" },
    Key {
        name: "quantity",
        shape: Shape::Count { min: 1, max: MOST },
        need: Need::Required,
        about: "quantity in lots",
    },
];

/// Products of prices and quantities up to this stay far inside `i64`, and a price is a float exactly.
const MOST: i64 = 1_000_000_000_000;

pub const ENTRY: Entry<dyn Book> = Entry {
    kind: "levels",
    about: "an explicit ladder of bids and asks, for laboratories worked by hand",
    keys: &[
        Key {
            name: "bids",
            shape: Shape::List(&Shape::Table(LEVEL)),
            need: Need::Optional,
            about: "what stands to buy, in any order",
        },
        Key {
            name: "asks",
            shape: Shape::List(&Shape::Table(LEVEL)),
            need: Need::Optional,
            about: "what stands to sell, in any order",
        },
        Key {
            name: "anchor",
            shape: Shape::Choice(&[
                ("fixed", "prices stay as written"),
                ("index", "prices move in proportion to the index since the start of the path"),
            ]),
            need: Need::Default("\"fixed\""),
            about: "whether the ladder follows the index",
        },
        Key {
            name: "refill",
            shape: Shape::Choice(&[
                ("never", "what is eaten stays gone"),
                ("refresh", "the ladder is whole again at every refresh of the mark"),
            ]),
            need: Need::Default("\"never\""),
            about: "whether eaten levels come back",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn Book>> {
    let bids = side(values, "bids", reading);
    let asks = side(values, "asks", reading);
    let (mut bids, asks) = (bids?, asks?);
    bids.levels.reverse();
    if bids.levels.is_empty() && asks.levels.is_empty() {
        reading.fault(
            &values.span,
            "this book has neither bids nor asks",
            "give at least one level, as bids = [{ price = 92, quantity = 3 }]",
        );
        return None;
    }
    if let (Some(bid), Some(ask)) = (bids.levels.first(), asks.levels.first())
        && bid.price >= ask.price
    {
        let message = format!("the best ask {} does not lie above the best bid {}", ask.price, bid.price);
        reading.fault(&values.span("asks"), message, "bids stand below asks, or they would have traded");
        return None;
    }
    let anchor = if values.text("anchor") == "index" { Anchor::Index } else { Anchor::Fixed };
    let refill = if values.text("refill") == "refresh" { Refill::AtRefresh } else { Refill::Never };
    Some(Box::new(Levels { bids, asks, anchor, refill, extent: Extent::Finite, opened_at: 1.0, index: 1.0 }))
}

/// The levels of one side by ascending price; a fault where a price stands twice or the quantities overflow.
fn side(values: &Values, key: &str, reading: &mut Reading) -> Option<Side> {
    let mut written: Vec<Values> = values.tables(key);
    written.sort_by_key(|level| level.count("price"));
    for pair in written.windows(2) {
        if pair[0].count("price") == pair[1].count("price") {
            let message = format!("the price {} stands twice in `{key}`", pair[1].count("price"));
            reading.fault(&pair[1].span("price"), message, "add the quantities up into one level");
            return None;
        }
    }
    let levels: Vec<Level> = written
        .iter()
        .map(|level| Level { price: level.count("price") as f64, lots: level.count("quantity") })
        .collect();
    // A scenario of a million levels of the greatest quantity would still fit.
    let Some(total) = levels.iter().try_fold(0_i64, |sum, level| sum.checked_add(level.lots)) else {
        reading.fault(&values.span(key), format!("the quantities of `{key}` do not fit 64 bits"), "use coarser lots");
        return None;
    };
    Some(Side { levels, eaten: 0, total })
}

impl Side {
    fn left(&self) -> i64 {
        self.total - self.eaten
    }

    /// The best price that still has a lot.
    fn best(&self) -> Option<f64> {
        let mut eaten = self.eaten;
        for level in &self.levels {
            if eaten < level.lots {
                return Some(level.price);
            }
            eaten -= level.lots;
        }
        None
    }

    /// Σ price·lots of the next `lots` lots.
    fn value(&self, lots: i64) -> f64 {
        let (mut eaten, mut wanted, mut value) = (self.eaten, lots, 0.0);
        for level in &self.levels {
            let here = (level.lots - eaten).max(0).min(wanted);
            eaten = (eaten - level.lots).max(0);
            value += level.price * here as f64;
            wanted -= here;
            if wanted == 0 {
                break;
            }
        }
        value
    }
}

impl Levels {
    /// What ladder prices are multiplied by.
    fn scale(&self, index: f64) -> f64 {
        match self.anchor {
            Anchor::Fixed => 1.0,
            Anchor::Index => index / self.opened_at,
        }
    }

    fn side(&self, taker: Taker) -> &Side {
        match taker {
            Taker::Sells => &self.bids,
            Taker::Buys => &self.asks,
        }
    }

    /// Half the distance of the whole ladder's best prices as a share of their mid; 0 where a side is missing.
    fn first_half_spread(&self) -> f64 {
        match (self.bids.levels.first(), self.asks.levels.first()) {
            (Some(bid), Some(ask)) => (ask.price - bid.price) / (ask.price + bid.price),
            _ => 0.0,
        }
    }
}

impl Book for Levels {
    fn boxed_clone(&self) -> Box<dyn Book> {
        Box::new(self.clone())
    }

    fn infinitely_deep(&self) -> Box<dyn Book> {
        Box::new(Self { extent: Extent::Infinite, ..self.clone() })
    }

    fn reset(&mut self, index: f64, _reference: Reference) {
        self.bids.eaten = 0;
        self.asks.eaten = 0;
        self.opened_at = index;
        self.index = index;
    }

    fn refresh(&mut self, refresh: Refresh) -> f64 {
        self.index = refresh.index;
        if self.refill == Refill::AtRefresh {
            self.bids.eaten = 0;
            self.asks.eaten = 0;
        }
        0.0
    }

    fn mid(&self, index: f64) -> f64 {
        let (bid, ask) = self.touch(index);
        match self.extent {
            Extent::Finite => 0.5 * (bid + ask),
            Extent::Infinite => index,
        }
    }

    fn touch(&self, index: f64) -> (f64, f64) {
        if self.extent == Extent::Infinite {
            let half = self.first_half_spread() * index;
            return (index - half, index + half);
        }
        let scale = self.scale(index);
        match (self.bids.best(), self.asks.best()) {
            (Some(bid), Some(ask)) => (bid * scale, ask * scale),
            (Some(bid), None) => (bid * scale, index.max(bid * scale)),
            (None, Some(ask)) => (index.min(ask * scale), ask * scale),
            (None, None) => (index, index),
        }
    }

    fn displacement(&self) -> f64 {
        self.mid(self.index) / self.index - 1.0
    }

    /// Lots left ÷ lots at the start, of the side of which less is left.
    fn depth_left(&self) -> f64 {
        let share = |side: &Side| if side.total == 0 { 1.0 } else { side.left() as f64 / side.total as f64 };
        match self.extent {
            Extent::Finite => share(&self.bids).min(share(&self.asks)),
            Extent::Infinite => 1.0,
        }
    }

    fn capacity(&self, _index: f64, taker: Taker) -> i64 {
        match self.extent {
            Extent::Finite => self.side(taker).left(),
            Extent::Infinite => i64::MAX,
        }
    }

    fn quote(&self, index: f64, taker: Taker, lots: i64) -> f64 {
        match self.extent {
            Extent::Finite => self.side(taker).value(lots) * self.scale(index),
            Extent::Infinite => lots as f64 * index * (1.0 + taker.sign() * self.first_half_spread()),
        }
    }

    fn take(&mut self, index: f64, taker: Taker, lots: i64) -> f64 {
        let value = self.quote(index, taker, lots);
        match taker {
            _ if self.extent == Extent::Infinite => {}
            Taker::Sells => self.bids.eaten += lots,
            Taker::Buys => self.asks.eaten += lots,
        }
        value
    }
}
