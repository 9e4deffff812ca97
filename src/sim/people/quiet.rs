//! Bounds within which nobody is woken: most refreshes pass by with a few comparisons.
//!
//! After a refresh at which nobody was woken each list says how far the prices may go before anybody in it can be: prices
//! themselves, and for what depends on prices that are to come (returns over a window, clocks that run faster in a fall)
//! the worst that can come while they stay within bounds. Floats are compared a little early and signals then decide.

use super::Moves;
use super::play::View;
use crate::facts::ContractId;
use crate::money::{Cash, Nanos};

/// How far a price goes at most until all lists are looked at again, as a share of it: the less, the more refreshes look,
/// the more, the nearer must the worst be taken.
const FAR: f64 = 0.004;

/// What a number and its negative stay below.
type Ends = [f64; 2];

#[derive(Clone, Copy, Debug)]
struct Band {
    traded: Ends,
    mark: Ends,
    gap: Ends,
}

#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// Nobody acts before, and no clock wakes anybody.
    until: Nanos,
    /// Of each contract.
    bands: Vec<Band>,
}

fn is_within(ends: &Ends, at: f64) -> bool {
    at < ends[0] && -at < ends[1]
}

fn end(moves: Moves) -> usize {
    match moves {
        Moves::Up => 0,
        Moves::Down => 1,
    }
}

fn lower(ends: &mut Ends, moves: Moves, alarm: f64) {
    let end = &mut ends[end(moves)];
    *end = end.min(alarm);
}

impl Quiet {
    /// Starts a path, at whose first refresh everybody is looked at.
    pub fn begin(&mut self, contracts: usize) {
        self.stir();
        self.bands.resize(contracts, Band { traded: [0.0; 2], mark: [0.0; 2], gap: [0.0; 2] });
    }

    /// All are looked at again.
    pub fn stir(&mut self) {
        self.until = Nanos(i64::MIN);
    }

    #[inline]
    pub fn is_early(&self, now: Nanos) -> bool {
        now < self.until
    }

    #[inline]
    pub fn holds(&self, contract: usize, view: View, gap: f64) -> bool {
        let band = &self.bands[contract];
        is_within(&band.traded, view.traded) && is_within(&band.mark, view.mark) && is_within(&band.gap, gap)
    }

    /// Bounds without anybody who waits but for an act at `next`.
    pub fn start(&mut self, views: &[View], next: Nanos) {
        self.until = next;
        let open = [f64::INFINITY; 2];
        let bands = views.iter().map(|view| {
            let far = view.traded.abs() * FAR;
            Band { traded: [view.traded + far, far - view.traded], mark: open, gap: open }
        });
        self.bands.clear();
        self.bands.extend(bands);
    }

    /// The traded price at its end.
    pub fn furthest(&self, contract: ContractId, moves: Moves) -> f64 {
        moves.of(self.bands[usize::from(contract)].traded[end(moves)])
    }

    /// Somebody may be woken once the traded price, as it rises, reaches this; and the same of mark and gap.
    pub fn traded(&mut self, contract: ContractId, moves: Moves, alarm: f64) {
        lower(&mut self.bands[usize::from(contract)].traded, moves, alarm);
    }

    pub fn mark(&mut self, contract: ContractId, moves: Moves, alarm: f64) {
        lower(&mut self.bands[usize::from(contract)].mark, moves, alarm);
    }

    pub fn gap(&mut self, contract: ContractId, moves: Moves, alarm: f64) {
        lower(&mut self.bands[usize::from(contract)].gap, moves, alarm);
    }

    /// Somebody acts at this time, or may be woken.
    pub fn until(&mut self, at: Nanos) {
        self.until = self.until.min(at);
    }

    /// The same after so many seconds, a little less so that no rounding matters.
    pub fn for_seconds(&mut self, now: Nanos, seconds: f64) {
        if let Some(at) = Cash::floor(seconds * 0.999_999e9).and_then(|nanos| now.0.checked_add(nanos.0)) {
            self.until(Nanos(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Side;
    use crate::sim::people::Gauge;
    use crate::traders::behaviour::Watched;

    #[test]
    fn an_alarm_never_comes_after_its_signal() {
        let gauges = [
            (Gauge::Price { contract: 0, watched: Watched::Mark }, 1.0),
            (Gauge::Exposure { contract: 0, side: Side::Long, factor: 0 }, 1e-9),
        ];
        for (gauge, unit) in gauges {
            for key in [-1_000_000_007, -1, 0, 1, 3_000_000, 935_421, 10_000_000_000_000, 4_611_686_018_427_387_905] {
                let stands = unit * key as f64;
                assert!(gauge.alarm(key) <= stands, "{gauge:?} {key}");
                assert!(gauge.alarm(key) >= stands - 1.01 * unit - 1e-11 * stands.abs(), "{gauge:?} {key}");
            }
            assert!(gauge.alarm(i64::MAX).is_infinite());
        }
    }

    #[test]
    fn bounds_hold_until_a_price_or_a_time_leaves_them() {
        let view = |traded: f64, mark: f64| View { traded, mark };
        let mut quiet = Quiet::default();
        quiet.begin(1);
        assert!(!quiet.is_early(Nanos::ZERO));
        quiet.start(&[view(1_000.0, 1_000.0)], Nanos::SECOND * 90);
        quiet.traded(0, Moves::Down, -997.0);
        quiet.mark(0, Moves::Up, 1_050.0);
        quiet.gap(0, Moves::Up, 0.003);
        // Four in a thousand upwards, where nobody waits nearer.
        for (traded, mark, gap, holds) in [
            (1_000.0, 1_000.0, 0.0, true),
            (1_003.9, 1_049.0, 0.002, true),
            (1_004.1, 1_000.0, 0.0, false),
            (997.0, 1_000.0, 0.0, false),
            (1_000.0, 1_050.0, 0.0, false),
            (1_000.0, 1_000.0, 0.003, false),
            (1_000.0, 1_000.0, -0.5, true),
        ] {
            assert_eq!(quiet.holds(0, view(traded, mark), gap), holds, "{traded} {mark} {gap}");
        }
        assert_eq!((quiet.furthest(0, Moves::Up), quiet.furthest(0, Moves::Down)), (1_004.0, 997.0));
        quiet.for_seconds(Nanos::SECOND * 10, 70.0);
        assert!(quiet.is_early(Nanos::SECOND * 79) && !quiet.is_early(Nanos::SECOND * 80));
        quiet.for_seconds(Nanos::SECOND * 10, f64::INFINITY);
        quiet.until(Nanos::SECOND * 85);
        assert!(!quiet.is_early(Nanos::SECOND * 80));
        quiet.stir();
        assert!(!quiet.is_early(Nanos::ZERO));
    }
}
