//! Realised volatility of an index: what a venue that raises margins in rough markets looks at.

use std::collections::VecDeque;

use super::math;
use crate::money::Nanos;

/// √Σ r² over the returns r = ln(Iₜ/Iₜ₋₁) of a window, as a share: not annualised, so a steady fall of 5 % in one refresh and
/// noise that adds up to as much count alike.
#[derive(Clone, Debug, Default)]
pub struct Realised {
    last: Option<f64>,
    squares: VecDeque<(Nanos, f64)>,
    sum: f64,
}

impl Realised {
    /// Forgets a path.
    pub fn reset(&mut self) {
        (self.last, self.sum) = (None, 0.0);
        self.squares.clear();
    }

    /// Takes note of the index at a refresh; the volatility of the window that ends there.
    pub fn note(&mut self, now: Nanos, index: f64, window: Nanos) -> f64 {
        if let Some(last) = self.last {
            let square = {
                let change = math::ln(index / last);
                change * change
            };
            self.squares.push_back((now, square));
            self.sum += square;
        }
        self.last = Some(index);
        while let Some(&(time, square)) = self.squares.front()
            && time <= now - window
        {
            self.squares.pop_front();
            self.sum -= square;
        }
        // What is left of a sum of floats after its parts have gone is not quite nothing.
        if self.squares.is_empty() {
            self.sum = 0.0;
        }
        math::sqrt(self.sum.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_returns_add_up_and_leave_the_window() {
        let mut realised = Realised::default();
        let mut at = |time: i64, log: f64| realised.note(Nanos(time), math::exp(log), Nanos(10));
        assert!(at(0, 0.0).abs() < 1e-15, "one price has no return");
        assert!((at(1, 0.03) - 0.03).abs() < 1e-12);
        // 3 % up and 4 % down: 5 %.
        assert!((at(2, -0.01) - 0.05).abs() < 1e-12);
        assert!((at(10, -0.01) - 0.05).abs() < 1e-12, "both returns are less than 10 old");
        assert!((at(11, -0.01) - 0.04).abs() < 1e-12);
        assert!(at(12, -0.01).abs() < 1e-12);
    }
}
