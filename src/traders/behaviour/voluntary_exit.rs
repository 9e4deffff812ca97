//! Voluntary exit: every account closes its position at a rate that depends on how it stands.
//!
//! Hazard per hour h = h₀·f·(1 + c·d⁺): h₀ the rate of an account in profit; f = 1 in profit, `losing_factor` at a loss,
//! `deep_factor` at a loss beyond `deep_loss` of the cost; d the adverse move of the traded price since the opening.
//! 1 + c·d⁺ is common to all accounts of a side, so their time runs faster by it (Λ = ∫ 1 + c·d⁺ dt); in it f is left and
//! drawn exactly by thinning (Lewis and Shedler 1979): candidates come at the greatest rate that h₀·f can have, and each is
//! taken with probability f over its greatest value.
//!
//! Defaults: 0.276 % of positions an hour, losing ones at 0.67 times the rate of winning ones, and at four times the mean
//! rate beyond −30 % (Hyperliquid positions of July and August 2026, one study, not reviewed; see `docs/methods.md`).

use super::stop_loss::AT_ONCE;
use super::{Act, Answer, Behaviour, Cast, Cue, Exponential, SLIPPAGE, Seen, Then};
use crate::market::distribution::Distribution;
use crate::registry::{Entry, Key, Need, Shape};

const SECONDS_AN_HOUR: f64 = 3_600.0;

#[derive(Debug)]
struct VoluntaryExit {
    losing_factor: f64,
    deep_loss: f64,
    deep_factor: f64,
    drawdown_factor: f64,
    slippage: f64,
    /// The greatest f.
    greatest: f64,
    /// Candidates, a second of Λ.
    candidates: Exponential,
}

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "voluntary_exit",
    about: "closes the position at a rate an hour that depends on profit and loss and on the fall so far",
    keys: &[
        Key {
            name: "per_hour",
            shape: Shape::Number { unit: "an hour", min: 0.000_001, max: 1000.0 },
            need: Need::Default("0.00276"),
            about: "hazard of closing, of an account in profit",
        },
        Key {
            name: "losing_factor",
            shape: Shape::Number { unit: "", min: 0.0, max: 100.0 },
            need: Need::Default("0.67"),
            about: "multiple of that rate for an account at a loss",
        },
        Key {
            name: "deep_loss",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0.3"),
            about: "loss as a share of the cost from which `deep_factor` holds",
        },
        Key {
            name: "deep_factor",
            shape: Shape::Number { unit: "", min: 0.0, max: 1000.0 },
            need: Need::Default("4"),
            about: "multiple of the rate beyond `deep_loss`",
        },
        Key {
            name: "drawdown_factor",
            shape: Shape::Number { unit: "", min: 0.0, max: 10_000.0 },
            need: Need::Default("0"),
            about: "the rate is multiplied by 1 + this × adverse move of the traded price since the opening",
        },
        SLIPPAGE,
    ],
    build: |values, _| {
        let number = |key| values.number(key);
        let (losing_factor, deep_factor, drawdown_factor) =
            (number("losing_factor"), number("deep_factor"), number("drawdown_factor"));
        let greatest = deep_factor.max(losing_factor).max(1.0);
        Some(Box::new(VoluntaryExit {
            losing_factor,
            deep_loss: number("deep_loss"),
            deep_factor,
            drawdown_factor,
            slippage: number("slippage"),
            greatest,
            candidates: Exponential { rate: number("per_hour") * greatest / SECONDS_AN_HOUR },
        }))
    },
};

impl VoluntaryExit {
    /// f.
    fn standing(&self, seen: &Seen) -> f64 {
        if seen.profit >= 0.0 {
            1.0
        } else if seen.profit > -self.deep_loss {
            self.losing_factor
        } else {
            self.deep_factor
        }
    }
}

impl Behaviour for VoluntaryExit {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(1.0)
    }

    fn cue(&self) -> Cue {
        Cue::Exposure { factor: self.drawdown_factor }
    }

    fn level(&self) -> &dyn Distribution {
        &self.candidates
    }

    fn delay_s(&self) -> &dyn Distribution {
        &AT_ONCE
    }

    fn act(&self, seen: &Seen, draw: &mut dyn FnMut() -> f64) -> Answer {
        if seen.lots == 0.0 {
            return Answer::once(Act::Nothing);
        }
        if draw() * self.greatest < self.standing(seen) {
            return Answer::once(Act::close(seen.lots, seen.closing_limit(self.slippage)));
        }
        Answer { act: Act::Nothing, then: Then::Further(self.candidates.quantile(draw())) }
    }
}
