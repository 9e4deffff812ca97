//! How far the fund falls from its peak, and how large it must be for that fall to stay within a share of the peak.

use crate::money::{Cash, Nanos, Ratio, div_ceil, narrow};
use crate::venue::peak::Peak;
use crate::venue::rules::Drawdown;

/// Follows n(t), cumulative inflow less payouts, and its greatest value m(t) within the window.
#[derive(Clone, Debug)]
pub(super) struct Fall {
    /// Share of the peak at which the fund stops.
    share: Ratio,
    window: Nanos,
    flow: Cash,
    peak: Peak,
    enough: Option<i64>,
}

impl Fall {
    pub fn new(rule: Drawdown) -> Self {
        Self { share: rule.start, window: rule.window, flow: Cash::ZERO, peak: Peak::default(), enough: None }
    }

    pub fn begin(&mut self) {
        (self.flow, self.enough) = (Cash::ZERO, None);
        self.peak.clear();
    }

    /// The fund gains `amount`, or pays it.
    pub fn change(&mut self, now: Nanos, amount: i64) {
        self.peak.leave(self.flow, now, self.window);
        self.flow += Cash(amount);
        let peak = self.peak.at(self.flow, now, self.window);
        let fall = i128::from((peak - self.flow).0);
        if fall > 0 {
            // Least F with m − n ≤ ⌊a·(F + m)⌋.
            let enough =
                div_ceil(fall * i128::from(Ratio::ONE.0), i128::from(self.share.0.max(1))) - i128::from(peak.0);
            self.enough = self.enough.max(Some(narrow(enough)));
        }
    }

    /// The least opening fund that this path never stops by its fall, max over t of (m − n)/a − m; `None` where the fund
    /// never falls.
    pub fn enough(&self) -> Option<i64> {
        self.enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Drawdown =
        Drawdown { start: Ratio(300_000_000), stop: Ratio(300_000_000), window: Nanos(10 * 1_000_000_000) };

    fn after(changes: &[(i64, i64)]) -> Option<i64> {
        let mut fall = Fall::new(RULE);
        changes.iter().for_each(|&(second, amount)| fall.change(Nanos(second * 1_000_000_000), amount));
        fall.enough()
    }

    /// A fall of 30 needs 30 ÷ 30 % = 100; of 31, 103.33, so 104.
    #[test]
    fn a_fall_from_the_opening_needs_its_share_of_the_opening() {
        assert_eq!(after(&[(1, -30)]), Some(100));
        assert_eq!(after(&[(1, -31)]), Some(104));
        assert_eq!(after(&[(1, 5)]), None);
    }

    /// An inflow of 10 lifts the peak: 30 below it need a peak of 100, so an opening of 90. After the window the peak is
    /// what is left, and 6 more need a peak of 20 at −20.
    #[test]
    fn the_peak_counts_within_its_window_alone() {
        assert_eq!(after(&[(1, 10), (2, -30)]), Some(90));
        assert_eq!(after(&[(1, 10), (2, -30), (3, -6)]), Some(110));
        assert_eq!(after(&[(1, 10), (2, -30), (13, -6)]), Some(90));
    }
}
