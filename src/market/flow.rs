//! Flow of others: what trades in a book beside forced orders, so that volumes can be compared with records.
//!
//! Net taker flow b of others over a time goes with the exogenous return r: ln(1 + r) = λ·b, λ = 1.8 % per 100M USD by
//! default (recorded crashes since September 2021: 1.2 to 2.4 % per 100M USD of net taker selling on Binance). Their gross
//! flow g is a rate. In every interval takers buy (v + b)/2 and sell (v − b)/2 with v = max(g, |b|), so that buys less sells
//! are b and their sum is v. It moves no price: r is what already happened.
//!
//! Records are noisier than that: of the net flow of a minute only a part goes with its return. n, the rest as a share of
//! the gross flow, is drawn anew every minute: b = ln(1 + r)/λ + n·g. And as quotes leave, less flow goes with the same
//! return: λ is `impact`·L^(−θ), L the depth left at the start of the interval, and goes with 1/depth of the day.

use super::book::Taker;
use super::distribution::Distribution;
use super::math;
use crate::money::Nanos;
use crate::rng::{Purpose, Stream, open_unit};

/// The notional to which an impact is quoted.
const QUOTED: f64 = 100e6;

/// Parameters of one asset.
#[derive(Debug)]
pub struct Background {
    /// g, in settlement currency a minute.
    pub gross_a_minute: f64,
    /// λ at whole depth, log return per 100 million of net flow.
    pub impact: f64,
    /// θ, by which λ rises as quotes leave.
    pub thinning: f64,
    /// Law of n; `None` where that is always 0.
    pub imbalance: Option<Box<dyn Distribution>>,
}

/// What one interval has of its own.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    pub elapsed_s: f64,
    /// Exogenous index at its start and end.
    pub before: f64,
    pub after: f64,
    /// Depth of the day over the depth that λ is for.
    pub depth_factor: f64,
    /// L at its start.
    pub depth_left: f64,
    /// n of its minute.
    pub imbalance: f64,
}

impl Background {
    /// n of every minute up to the horizon; empty where it is always 0.
    pub fn draw(&self, seed: u64, path: u64, horizon: Nanos, minutes: &mut Vec<f64>) {
        minutes.clear();
        let Some(law) = &self.imbalance else { return };
        let mut stream = Stream::new(seed, Purpose::Flow, (0, 0), path);
        minutes.extend((0..=horizon.0 / MINUTE.0).map(|_| law.quantile(open_unit(stream.word()))));
    }
}

/// n of the minute in which an interval starts.
#[must_use]
pub fn of_minute(minutes: &[f64], start: Nanos) -> f64 {
    usize::try_from(start.0 / MINUTE.0).ok().and_then(|at| minutes.get(at)).copied().unwrap_or(0.0)
}

const MINUTE: Nanos = Nanos(60_000_000_000);

/// Volume and taker sells so far, in settlement currency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flow {
    pub volume: f64,
    pub sells: f64,
}

impl Flow {
    /// Adds one order of so much.
    pub fn trade(&mut self, taker: Taker, amount: f64) {
        self.volume += amount;
        if taker == Taker::Sells {
            self.sells += amount;
        }
    }

    /// Adds the flow of an interval.
    pub fn add(&mut self, background: &Background, interval: Interval) {
        let Interval { elapsed_s, before, after, depth_factor, depth_left, imbalance } = interval;
        let gross = background.gross_a_minute * elapsed_s / 60.0;
        let mut net = math::ln(after / before) / background.impact * QUOTED;
        if background.thinning != 0.0 {
            net *= math::pow(depth_left, background.thinning);
        }
        net = net * depth_factor + imbalance * gross;
        let volume = gross.max(net.abs());
        self.volume += volume;
        self.sells += 0.5 * (volume - net);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::distribution::DISTRIBUTIONS;
    use crate::registry::{Node, Reading};

    fn others(thinning: f64) -> Background {
        Background { gross_a_minute: 600e6, impact: 0.018, thinning, imbalance: None }
    }

    /// An interval with this log return in a whole book.
    fn over(elapsed_s: f64, log_return: f64) -> Interval {
        let after = 100.0 * log_return.exp();
        Interval { elapsed_s, before: 100.0, after, depth_factor: 1.0, depth_left: 1.0, imbalance: 0.0 }
    }

    #[test]
    fn a_thinned_book_of_a_thin_day_takes_less_flow_for_the_same_move() {
        // At a quarter of the depth and θ = ½ half of 100M, in a book of half the usual depth half of that: 25M.
        let mut flow = Flow::default();
        flow.add(&others(0.5), Interval { depth_factor: 0.5, depth_left: 0.25, ..over(60.0, -0.018) });
        assert!((flow.volume - 600e6).abs() < 1.0 && (2.0 * flow.sells - flow.volume - 25e6).abs() < 1.0, "{flow:?}");
        // Without θ the depth left does not matter.
        let mut flow = Flow::default();
        flow.add(&others(0.0), Interval { depth_left: 0.25, ..over(60.0, -0.018) });
        assert!((2.0 * flow.sells - flow.volume - 100e6).abs() < 1.0, "{flow:?}");
    }

    #[test]
    fn an_imbalance_is_net_flow_without_a_move() {
        // A twentieth of 600M more bought than sold, no return: sells are 285M.
        let mut flow = Flow::default();
        flow.add(&others(0.0), Interval { imbalance: 0.05, ..over(60.0, 0.0) });
        assert!((flow.volume - 600e6).abs() < 1.0 && (flow.sells - 285e6).abs() < 1.0, "{flow:?}");
    }

    #[test]
    fn every_minute_has_an_imbalance_of_its_own_and_every_path_others() {
        let source = std::sync::Arc::new(crate::fault::Source {
            name: "x.toml".into(),
            text: "x = { kind = \"normal\", mean = 0, sd = 0.15, min = -1, max = 1 }\n".into(),
        });
        let mut reading = Reading::new(std::sync::Arc::clone(&source), std::path::Path::new("."));
        let node = Node::parse(&source, &mut reading.faults);
        let law = DISTRIBUTIONS.choose(node.get("x").unwrap(), &mut reading);
        let background = Background { imbalance: law, ..others(0.0) };
        let draw = |path| {
            let mut minutes = vec![9.0];
            background.draw(1, path, MINUTE * 999, &mut minutes);
            minutes
        };
        let minutes = draw(0);
        assert_eq!(minutes.len(), 1_000);
        // The standard deviation of 1,000 draws lies within 8 % of 0.15 in 999 of 1,000 seeds.
        let sd = (minutes.iter().map(|n| n * n).sum::<f64>() / 1_000.0).sqrt();
        assert!((sd / 0.15 - 1.0).abs() < 0.08, "{sd}");
        assert_eq!(draw(0), minutes);
        assert_ne!(draw(1), minutes);
        assert_eq!(of_minute(&minutes, Nanos(59_999_999_999)), minutes[0]);
        assert_eq!(of_minute(&minutes, MINUTE), minutes[1]);
        assert_eq!(of_minute(&[], MINUTE), 0.0);
    }

    #[test]
    fn buys_less_sells_are_the_net_flow_and_their_sum_is_the_gross_one() {
        // 100M USD of net selling move the index by −1.8 %: with 600M a minute, sells are 350M and buys 250M.
        let background = others(0.0);
        let mut flow = Flow::default();
        flow.add(&background, over(60.0, -0.018));
        assert!((flow.volume - 600e6).abs() < 1.0 && (flow.sells - 350e6).abs() < 1.0, "{flow:?}");
        // The other way round, half a minute: buys are 200M of 300M.
        let mut flow = Flow::default();
        flow.add(&background, over(30.0, 0.018));
        assert!((flow.volume - 300e6).abs() < 1.0 && (flow.sells - 100e6).abs() < 1.0, "{flow:?}");
        // A move that needs more than the gross flow is all one-sided.
        let mut flow = Flow::default();
        flow.add(&background, over(1.0, -0.018));
        assert!((flow.volume - 100e6).abs() < 1.0 && (flow.sells - 100e6).abs() < 1.0, "{flow:?}");
    }
}
