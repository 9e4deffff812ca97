//! Displacements of orders to come.
//!
//! x follows from N alone, and N after a row of orders is a sum. One power takes longer than all else that an order needs,
//! but the powers of many do not wait for each other. So those of a row are found together, and an order that leaves the
//! book where it was expected takes what was found; any other has its own power.

use super::UNIT;
use crate::market::math;

#[derive(Clone, Debug, Default)]
pub(super) struct Ahead {
    /// N after each order.
    pub moved: Vec<f64>,
    /// |x| there.
    size: Vec<f64>,
    /// Those before have come.
    next: usize,
}

impl Ahead {
    pub fn clear(&mut self) {
        self.moved.clear();
        self.size.clear();
        self.next = 0;
    }

    /// |x| = 1 %·(|N|/D)^(1/κ) of all.
    pub fn find(&mut self, depth: f64, inverse_kappa: f64) {
        self.size.extend(self.moved.iter().map(|moved| moved.abs() / depth));
        math::pow_all(&mut self.size, inverse_kappa);
        self.size.iter_mut().for_each(|x| *x *= UNIT);
    }

    /// x at N, where that is the next of the orders to come.
    #[inline]
    pub fn displacement(&self, moved: f64) -> Option<f64> {
        let size = *self.moved.get(self.next).filter(|next| **next == moved).and(self.size.get(self.next))?;
        Some(if moved < 0.0 { -size } else { size })
    }

    /// An order has left the book at N.
    #[inline]
    pub fn pass(&mut self, moved: f64) {
        self.next += usize::from(self.moved.get(self.next) == Some(&moved));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_ahead_is_there_for_the_order_that_comes_next_and_for_no_other() {
        // D = 100 at κ = 2: 100 sold is 1 % down, 400 is 2 % up.
        let mut ahead = Ahead { moved: vec![-100.0, 400.0, 0.0], ..Ahead::default() };
        ahead.find(100.0, 0.5);
        let near = |found: Option<f64>, x: f64| found.is_some_and(|found| (found - x).abs() < 1e-15);
        assert!(near(ahead.displacement(-100.0), -0.01));
        assert_eq!(ahead.displacement(400.0), None, "not its turn");
        ahead.pass(-99.0);
        assert!(near(ahead.displacement(-100.0), -0.01), "what came instead takes nobody's turn");
        ahead.pass(-100.0);
        assert!(near(ahead.displacement(400.0), 0.02));
        ahead.pass(400.0);
        assert_eq!(ahead.displacement(0.0), Some(0.0));
        ahead.pass(0.0);
        assert_eq!(ahead.displacement(0.0), None, "none is left");
    }
}
