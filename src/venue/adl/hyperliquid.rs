//! Hyperliquid: profit × leverage in the documented form and in the form observed in its software.
//!
//! Documented: (mark ÷ entry) × (notional ÷ account value) (hyperliquid.gitbook.io, risk pages). For shorts mark ÷ entry
//! is below 1 in profit, so implementations turn it round, as here. Observed: max(|notional| ÷ account value, 1e-8) ×
//! max(max(profit, 0) ÷ entry notional, 1e-8) (OtterSec, osec.io/blog/hyperliquid-risk-engine, 22 June 2026).

use super::{Policy, Ranking, Region, Round, Sybil, Winner, billionths, billionths_ceil, gain, leverage, product};
use crate::facts::Side;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Documented,
    Observed,
}

#[derive(Clone, Copy, Debug)]
struct Hyperliquid {
    form: Form,
}

pub const ENTRY: Entry<Policy> = Entry {
    kind: "hyperliquid",
    about: "highest profit × leverage first, in one of Hyperliquid's two forms",
    keys: &[Key {
        name: "form",
        shape: Shape::Choice(&[
            ("observed", "max(profit ÷ entry notional, 1e-8) × max(notional ÷ account value, 1e-8)"),
            ("documented", "(mark ÷ entry, for shorts entry ÷ mark) × (notional ÷ account value)"),
        ]),
        need: Need::Default("\"observed\""),
        about: "which of the two forms",
    }],
    build: |values, _| {
        let form = if values.text("form") == "documented" { Form::Documented } else { Form::Observed };
        Some(Box::new(Policy::Ranking(Box::new(Hyperliquid { form }))))
    },
};

/// 1e-8 in billionths: the least value of either factor in the observed form.
const LEAST: i128 = 10;

impl Ranking for Hyperliquid {
    fn boxed_clone(&self) -> Box<dyn Ranking> {
        Box::new(*self)
    }

    fn sybil(&self) -> Sybil {
        Sybil::Resistant
    }

    fn score(&self, winner: &Winner, round: &Round) -> i128 {
        let Some(leverage) = leverage(winner) else { return i128::MIN };
        match self.form {
            Form::Observed => product(gain(winner).max(LEAST), leverage.max(LEAST)),
            Form::Documented => {
                let ratio = match round.side {
                    Side::Long => billionths(winner.value, winner.cost),
                    Side::Short => billionths(winner.cost, winner.value),
                };
                product(ratio, leverage)
            }
        }
    }

    fn asks_for_maintenance(&self) -> bool {
        false
    }

    fn bound(&self, region: &Region<'_>, _round: &Round) -> Option<i128> {
        let Some(leverage) = region.most_leverage() else { return Some(i128::MAX) };
        match self.form {
            Form::Observed => {
                let gain = if region.most_profit() <= 0 { Some(LEAST) } else { region.most_gain() };
                Some(gain.map_or(i128::MAX, |gain| product(gain.max(LEAST), leverage.max(LEAST))))
            }
            Form::Documented => {
                let value = i128::from(region.value_per_lot);
                let (above, below) = match region.side {
                    Side::Long => (value, i128::from(region.cost_per_lot.0)),
                    Side::Short => (i128::from(region.cost_per_lot.1), value),
                };
                Some(if below > 0 { product(billionths_ceil(above, below), leverage) } else { i128::MAX })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{plan_ranked, short, shorts_at};
    use super::*;

    /// At 90, values of 900. Account 0 gains 10 % at 9x, account 1 gains 40 % (entry 150) at 2x: 0.9 and 0.8 in the observed form,
    /// 1.111 · 9 = 10 and 1.667 · 2 = 3.3 in the documented one. Account 2 gains nothing (1e-8) at 18x: last and first.
    #[test]
    fn the_two_forms_rank_differently() {
        let winners = [short(0, 10, 100, 0), short(1, 10, 150, -150), short(2, 10, 90, 50)];
        let round = shorts_at(90, 95, 15);
        assert_eq!(plan_ranked(&Hyperliquid { form: Form::Observed }, &winners, round), [10, 5, 0]);
        let documented = Hyperliquid { form: Form::Documented };
        assert_eq!(plan_ranked(&documented, &winners, round), [5, 0, 10]);
        // Entry ÷ mark for a short: 100/90 · 9.
        assert_eq!(documented.score(&winners[0], &round), 1_111_111_111 * 9_000_000_000);
    }
}
