//! Merton's jump diffusion: geometric Brownian motion with normal jumps of the logarithm at Poisson times.
//!
//! d ln I = (μ − σ²/2 − λκ) dt + σ dW + dΣJ with J ~ N(m, s²), λ jumps a day and κ = exp(m + s²/2) − 1, which keeps
//! E I_t = I_0·exp(μ·t). Times between jumps are exponential; a jump shows at the first grid point at or after its time,
//! so its time and size do not depend on the step. Source: Merton, "Option pricing when underlying stock returns are
//! discontinuous", Journal of Financial Economics 3 (1976).

use rand_distr::{Distribution as _, Exp1, StandardNormal};

use super::gbm::{DRIFT, Diffusion, VOLATILITY};
use super::{Draws, Lean, PriceProcess, Tiltable};
use crate::market::math;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Clone, Copy, Debug)]
struct JumpDiffusion {
    diffusion: Diffusion,
    /// Jumps a second.
    intensity: f64,
    jump_mean: f64,
    jump_sd: f64,
}

const DAY_S: f64 = 86_400.0;

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "jump_diffusion",
    about: "Merton: geometric Brownian motion with normal jumps at Poisson times",
    keys: &[
        DRIFT,
        VOLATILITY,
        Key {
            name: "intensity",
            shape: Shape::Number { unit: "a day", min: 0.0, max: 1e6 },
            need: Need::Default("1.0"),
            about: "expected number of jumps",
        },
        Key {
            name: "jump_mean",
            shape: Shape::Number { unit: "", min: -10.0, max: 10.0 },
            need: Need::Default("-0.05"),
            about: "mean of a jump of the natural logarithm, with its sign (`direction` does not turn it round)",
        },
        Key {
            name: "jump_sd",
            shape: Shape::Number { unit: "", min: 0.0, max: 10.0 },
            need: Need::Default("0.03"),
            about: "standard deviation of a jump of the natural logarithm",
        },
    ],
    build: |values, _| {
        let (jump_mean, jump_sd) = (values.number("jump_mean"), values.number("jump_sd"));
        let intensity = values.number("intensity") / DAY_S;
        let mut diffusion = Diffusion::annual(values.number("drift"), values.number("volatility"));
        diffusion.drift -= intensity * (math::exp(jump_mean + 0.5 * jump_sd * jump_sd) - 1.0);
        Some(Box::new(JumpDiffusion { diffusion, intensity, jump_mean, jump_sd }))
    },
};

impl PriceProcess for JumpDiffusion {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        self.jump(self.intensity, draws, log_index);
    }

    fn tiltable(&self) -> Vec<Tiltable> {
        (self.intensity > 0.0).then_some(Tiltable::Jumps).into_iter().collect()
    }

    /// With N jumps in T seconds the density of intensity m·λ over that of λ is m^N·exp(−(m − 1)·λ·T).
    fn fill_leaning(&self, draws: Draws<'_>, lean: &dyn Fn(Tiltable) -> Option<Lean>, log_index: &mut [f64]) -> f64 {
        let Some(lean) = lean(Tiltable::Jumps) else {
            self.fill(draws, log_index);
            return 1.0;
        };
        let strength = lean.strength();
        let seconds = draws.grid.step_seconds() * draws.grid.steps as f64;
        let intensity = match lean {
            Lean::Original(_) => self.intensity,
            Lean::Tilted(_) => self.intensity * strength,
        };
        let jumps = f64::from(self.jump(intensity, draws, log_index));
        math::exp(jumps * math::ln(strength) - (strength - 1.0) * self.intensity * seconds)
    }
}

impl JumpDiffusion {
    /// The path with this many jumps a second; returns how many there were. The drift stays that of the original law.
    fn jump(&self, intensity: f64, draws: Draws<'_>, log_index: &mut [f64]) -> u32 {
        let step_s = draws.grid.step_seconds();
        self.diffusion.fill(step_s, draws.brownian, log_index);
        let mut jumps = 0;
        if intensity == 0.0 {
            return jumps;
        }
        let generator = draws.stream.generator();
        let mut next_s: f64 = Exp1.sample(generator);
        next_s /= intensity;
        let mut jumped = 0.0;
        for (i, point) in log_index.iter_mut().enumerate().skip(1) {
            let now_s = i as f64 * step_s;
            while next_s <= now_s {
                let size: f64 = StandardNormal.sample(generator);
                jumped += self.jump_mean + self.jump_sd * size;
                let wait: f64 = Exp1.sample(generator);
                next_s += wait / intensity;
                jumps += 1;
            }
            *point += jumped;
        }
        jumps
    }
}
