//! Flow of others: what trades in a book beside forced orders, so that volumes can be compared with records.
//!
//! Net taker flow b of others over a time goes with the exogenous return r: ln(1 + r) = λ·b, λ = 1.8 % per 100M USD by
//! default (recorded crashes since September 2021: 1.2 to 2.4 % per 100M USD of net taker selling on Binance). Their gross
//! flow g is a rate. In every interval takers buy (v + b)/2 and sell (v − b)/2 with v = max(g, |b|), so that buys less sells
//! are b and their sum is v. It moves no price: r is what already happened.

use super::book::Taker;
use super::math;

/// The notional to which an impact is quoted.
const QUOTED: f64 = 100e6;

/// Parameters of one asset.
#[derive(Clone, Copy, Debug)]
pub struct Background {
    /// g, in settlement currency a minute.
    pub gross_a_minute: f64,
    /// λ, log return per 100 million of net flow.
    pub impact: f64,
}

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

    /// Adds an interval over which the exogenous index went from `before` to `after`.
    pub fn add(&mut self, background: Background, elapsed_s: f64, before: f64, after: f64) {
        let net = math::ln(after / before) / background.impact * QUOTED;
        let volume = (background.gross_a_minute * elapsed_s / 60.0).max(net.abs());
        self.volume += volume;
        self.sells += 0.5 * (volume - net);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buys_less_sells_are_the_net_flow_and_their_sum_is_the_gross_one() {
        // 100M USD of net selling move the index by −1.8 %: with 600M a minute, sells are 350M and buys 250M.
        let background = Background { gross_a_minute: 600e6, impact: 0.018 };
        let mut flow = Flow::default();
        flow.add(background, 60.0, 100.0, 100.0 * (-0.018_f64).exp());
        assert!((flow.volume - 600e6).abs() < 1.0 && (flow.sells - 350e6).abs() < 1.0, "{flow:?}");
        // The other way round, half a minute: buys are 200M of 300M.
        let mut flow = Flow::default();
        flow.add(background, 30.0, 100.0, 100.0 * 0.018_f64.exp());
        assert!((flow.volume - 300e6).abs() < 1.0 && (flow.sells - 100e6).abs() < 1.0, "{flow:?}");
        // A move that needs more than the gross flow is all one-sided.
        let mut flow = Flow::default();
        flow.add(background, 1.0, 100.0, 100.0 * (-0.018_f64).exp());
        assert!((flow.volume - 100e6).abs() < 1.0 && (flow.sells - 100e6).abs() < 1.0, "{flow:?}");
    }
}
