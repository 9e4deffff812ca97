//! Jumps that make further jumps likelier: a diffusion with a self-exciting (Hawkes) jump process.
//!
//! d ln I = (μ − σ²/2 − κ_J·λ_t) dt + σ dW + dΣJ. Jumps come with intensity λ_t = λ₀ + Σ α·e^(−δ(t − t_i)) over earlier jump
//! times t_i; n = α/δ, the branching ratio, is the expected number of jumps that each one sets off directly. Over a long
//! time λ has mean λ₀/(1 − n). As λ_t itself is taken out of the drift, E I_t = I_0·exp(μ·t).
//!
//! Simulated exactly, without thinning: from λ just after a jump (or at the start) the next one comes after
//! min(E₁/λ₀, −ln(1 − δ·E₂/(λ − λ₀))/δ), E standard exponentials, the second infinite where its logarithm has no argument
//! above 0. A jump shows at the first grid point at or after its time; times and sizes do not depend on the step.
//!
//! Sources: Hawkes, "Spectra of some self-exciting and mutually exciting point processes", Biometrika 58 (1971); Dassios
//! and Zhao, "Exact simulation of Hawkes process with exponentially decaying intensity", Electronic Communications in
//! Probability 18 (2013); the same law by thinning: Ogata, "On Lewis' simulation method for point processes", IEEE
//! Transactions on Information Theory 27 (1981).

use super::gbm::{DRIFT, Diffusion, VOLATILITY};
use super::jumps::{self, DAY_S, JumpSize, waiting};
use super::{Draws, PriceProcess};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};
use crate::rng::Stream;

#[derive(Clone, Copy, Debug)]
struct HawkesJumps {
    diffusion: Diffusion,
    /// λ₀, jumps a second.
    base: f64,
    /// n.
    branching: f64,
    /// δ, a second.
    decay: f64,
    /// λ − λ₀ at the start.
    excited: f64,
    size: JumpSize,
}

const STARTS: &[(&str, &str)] =
    &[("mean", "at its long-run mean"), ("base", "at `intensity`, as if nothing had happened for long")];

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "hawkes_jumps",
    about: "a diffusion with self-exciting jumps: one makes further ones likelier, so they come in clusters",
    keys: &[
        DRIFT,
        VOLATILITY,
        jumps::intensity("24.0", "expected number of jumps that nothing sets off: the intensity falls to it in calm"),
        Key {
            name: "branching",
            shape: Shape::Share { min: 0.0, max: 0.99 },
            need: Need::Default("0.7"),
            about: "expected number of jumps that each one sets off directly; 0 makes them a Poisson process",
        },
        Key {
            name: "half_life",
            shape: Shape::Time { min: Nanos(1_000_000) },
            need: Need::Default("\"1 min\""),
            about: "time in which half of the excitation is gone",
        },
        Key {
            name: "start",
            shape: Shape::Choice(STARTS),
            need: Need::Default("\"mean\""),
            about: "intensity at the start",
        },
        jumps::LAW,
        Key { need: Need::Default("-0.002"), ..jumps::MEAN },
        Key { need: Need::Default("0.004"), ..jumps::SD },
        jumps::UP_SHARE,
        Key { need: Need::Default("0.003"), ..jumps::UP_MEAN },
        Key { need: Need::Default("0.005"), ..jumps::DOWN_MEAN },
    ],
    build: |values, _| {
        let base = values.number("intensity") / DAY_S;
        let branching = values.number("branching");
        let excited = if values.text("start") == "mean" { base * branching / (1.0 - branching) } else { 0.0 };
        Some(Box::new(HawkesJumps {
            diffusion: Diffusion::annual(values.number("drift"), values.number("volatility")),
            base,
            branching,
            decay: std::f64::consts::LN_2 / values.time("half_life").seconds(),
            excited,
            size: JumpSize::of(values),
        }))
    },
};

impl HawkesJumps {
    /// Seconds to the next jump, where the intensity is λ₀ + `excited` now. Two draws whatever comes of them.
    fn next(&self, excited: f64, stream: &mut Stream) -> f64 {
        let outside = waiting(stream) / self.base;
        let within = 1.0 - self.decay * waiting(stream) / excited;
        if excited > 0.0 && within > 0.0 { outside.min(-math::ln(within) / self.decay) } else { outside }
    }
}

impl PriceProcess for HawkesJumps {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        let step_s = draws.grid.step_seconds();
        self.diffusion.fill(step_s, draws.brownian, log_index);
        if self.base == 0.0 {
            return;
        }
        let growth = self.size.growth();
        let (mut at_s, mut excited, mut jumped) = (0.0, self.excited, 0.0);
        // Λ = ∫λ dt so far, of which λ₀ in closed form and the excited part piece by piece.
        let mut excitement = 0.0;
        let mut next_s = self.next(excited, draws.stream);
        for (i, point) in log_index.iter_mut().enumerate().skip(1) {
            let now_s = i as f64 * step_s;
            while next_s <= now_s {
                let kept = math::exp(-self.decay * (next_s - at_s));
                excitement += excited * (1.0 - kept) / self.decay;
                excited = excited * kept + self.branching * self.decay;
                at_s = next_s;
                jumped += self.size.sample(draws.stream);
                next_s += self.next(excited, draws.stream);
            }
            let kept = math::exp(-self.decay * (now_s - at_s));
            excitement += excited * (1.0 - kept) / self.decay;
            excited *= kept;
            at_s = now_s;
            *point += jumped - growth * (self.base * now_s + excitement);
        }
    }

    fn variance_rate(&self) -> f64 {
        let jumps = self.base / (1.0 - self.branching) * self.size.second_moment();
        self.diffusion.sigma * self.diffusion.sigma + jumps
    }
}
