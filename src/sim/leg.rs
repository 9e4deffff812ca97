//! The leg of a path: its deepest fall from a high to a later low of the traded price, or in a crash up its highest rise.
//!
//! Recorded crashes are told by such legs: how far, how much was traded on the way and in which direction, how long until
//! half of it was won back, how much of the book was left.

use crate::facts::Outcome;
use crate::market::process::Direction;
use crate::money::{Cash, Nanos, Price};

/// What had been traded in the first asset's book by a moment, in cash units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    pub volume: Cash,
    /// Part of it in which the taker sold.
    pub sells: Cash,
    /// Part of it that forced orders traded.
    pub forced: Cash,
}

/// Follows the traded price of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    direction: Direction,
    /// Best price so far (highest in a crash down) and what had been traded then.
    best: (Price, Traded),
    from: Price,
    to: Price,
    /// What was traded on the leg.
    traded: Traded,
    low_at: Nanos,
    /// Time from the end of the leg until half of it was won back.
    retraced: Option<Nanos>,
    depth_left: i64,
}

impl Leg {
    pub fn new(direction: Direction, open: Price) -> Self {
        Self {
            direction,
            best: (open, Traded::default()),
            from: open,
            to: open,
            traded: Traded::default(),
            low_at: Nanos::ZERO,
            retraced: None,
            depth_left: 1_000_000_000,
        }
    }

    /// Takes note of the traded price at a refresh or after an order.
    pub fn see(&mut self, now: Nanos, price: Price, so_far: Traded) {
        let better = match self.direction {
            Direction::Down => price >= self.best.0,
            Direction::Up => price <= self.best.0,
        };
        if better {
            self.best = (price, so_far);
        }
        // By ratio, so that legs from different heights compare: best/price against from/to, in whole ticks.
        let product = |a: Price, b: Price| i128::from(a.0) * i128::from(b.0);
        let deeper = match self.direction {
            Direction::Down => product(self.best.0, self.to) > product(self.from, price),
            Direction::Up => product(self.best.0, self.to) < product(self.from, price),
        };
        if deeper {
            let (from, before) = self.best;
            (self.from, self.to, self.low_at, self.retraced) = (from, price, now, None);
            self.traded = Traded {
                volume: so_far.volume - before.volume,
                sells: so_far.sells - before.sells,
                forced: so_far.forced - before.forced,
            };
        } else if self.retraced.is_none() && self.from != self.to {
            let twice = 2 * price.0 - self.from.0 - self.to.0;
            let back = match self.direction {
                Direction::Down => twice >= 0,
                Direction::Up => twice <= 0,
            };
            if back {
                self.retraced = Some(now - self.low_at);
            }
        }
    }

    /// Takes note of the depth left, in billionths of normal.
    pub fn see_depth(&mut self, share: i64) {
        self.depth_left = self.depth_left.min(share);
    }

    /// Whether a depth of no less than this many billionths may be the least so far.
    pub fn may_lower_depth(&self, least: i64) -> bool {
        least < self.depth_left
    }

    /// Writes the leg into the row.
    pub fn write(&self, row: &mut Outcome) {
        row.leg_from = self.from.0;
        row.leg_to = self.to.0;
        row.half_retrace_s = self.retraced.map_or(NEVER, |time| time.0);
        row.depth_left_min = self.depth_left;
        row.taker_volume = self.traded.volume.0;
        row.taker_sells = self.traded.sells.0;
        row.forced_volume = self.traded.forced.0;
    }
}

/// One second before 0: nothing was won back before the horizon.
const NEVER: i64 = -1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(direction: Direction, prices: &[i64]) -> Outcome {
        let mut leg = Leg::new(direction, Price(prices[0]));
        for (i, &price) in (0_i64..).zip(prices) {
            let traded = Traded { volume: Cash(10 * i), sells: Cash(6 * i), forced: Cash(i) };
            leg.see(Nanos::SECOND * i, Price(price), traded);
        }
        let mut row = Outcome::default();
        leg.write(&mut row);
        row
    }

    #[test]
    fn the_leg_is_the_deepest_fall_from_a_high_to_a_later_low() {
        // From 100 a fall of a tenth to 90; from 110, at 4 s, one of two elevenths to 90 again, at 6 s; half back, 100, at 9 s.
        let row = walked(Direction::Down, &[100, 95, 90, 105, 110, 99, 90, 92, 99, 100, 120]);
        assert_eq!((row.leg_from, row.leg_to, row.half_retrace_s), (110, 90, 3_000_000_000));
        assert_eq!((row.taker_volume, row.taker_sells, row.forced_volume), (20, 12, 2));
    }

    #[test]
    fn the_leg_of_a_crash_up_is_the_mirror_image() {
        let row = walked(Direction::Up, &[100, 120, 118, 90, 110, 100, 99]);
        assert_eq!((row.leg_from, row.leg_to, row.half_retrace_s), (90, 110, 1_000_000_000));
        assert_eq!(row.taker_volume, 10);
        // By ratio: 90 to 110 beats 100 to 120.
        assert_eq!(walked(Direction::Up, &[90, 100, 120]).leg_from, 90);
    }

    #[test]
    fn what_is_never_won_back_is_minus_a_second_and_a_still_price_has_no_leg() {
        assert_eq!(walked(Direction::Down, &[100, 80, 89, 85]).half_retrace_s, -1_000_000_000);
        let row = walked(Direction::Down, &[100, 100, 101, 103]);
        assert_eq!((row.leg_from, row.leg_to, row.taker_volume), (100, 100, 0));
    }

    #[test]
    fn a_second_fall_as_deep_starts_no_new_leg_and_a_deeper_one_does() {
        let row = walked(Direction::Down, &[100, 90, 100, 90]);
        assert_eq!((row.taker_volume, row.half_retrace_s), (10, 1_000_000_000));
        let row = walked(Direction::Down, &[100, 90, 100, 89]);
        assert_eq!((row.leg_to, row.taker_volume, row.half_retrace_s), (89, 10, -1_000_000_000));
    }
}
