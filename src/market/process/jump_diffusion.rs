//! Jump diffusion: geometric Brownian motion with jumps of the logarithm at Poisson times, normal (Merton) or double
//! exponential (Kou).
//!
//! d ln I = (μ − σ²/2 − λκ_J) dt + σ dW + dΣJ, λ jumps a day and κ_J = E e^J − 1 (both laws of J stand in `jumps.rs`),
//! which keeps E I_t = I_0·exp(μ·t). Times between jumps are exponential; a jump shows at the first grid point at or
//! after its time, so its time and size do not depend on the step. Exact in law on the grid. Sources: Merton, "Option
//! pricing when underlying stock returns are discontinuous", Journal of Financial Economics 3 (1976); Kou, "A
//! jump-diffusion model for option pricing", Management Science 48 (2002).

use super::gbm::{DRIFT, Diffusion, VOLATILITY};
use super::jumps::{self, PoissonJumps};
use super::{Draws, Lean, Leant, PriceProcess, Tiltable};
use crate::market::math;
use crate::registry::Entry;

#[derive(Clone, Copy, Debug)]
struct JumpDiffusion {
    diffusion: Diffusion,
    jumps: PoissonJumps,
}

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "jump_diffusion",
    about: "geometric Brownian motion with jumps at Poisson times, normal (Merton) or double exponential (Kou)",
    keys: &[
        DRIFT,
        VOLATILITY,
        jumps::intensity("1.0", "expected number of jumps"),
        jumps::LAW,
        jumps::MEAN,
        jumps::SD,
        jumps::UP_SHARE,
        jumps::UP_MEAN,
        jumps::DOWN_MEAN,
    ],
    build: |values, _| {
        let jumps = PoissonJumps::of(values);
        let mut diffusion = Diffusion::annual(values.number("drift"), values.number("volatility"));
        diffusion.drift -= jumps.compensation();
        Some(Box::new(JumpDiffusion { diffusion, jumps }))
    },
};

impl PriceProcess for JumpDiffusion {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        self.jump(self.jumps.intensity, draws, log_index);
    }

    fn tiltable(&self) -> Vec<Tiltable> {
        (self.jumps.intensity > 0.0).then_some(Tiltable::Jumps).into_iter().collect()
    }

    /// With N jumps in T seconds the density of intensity m·λ over that of λ is m^N·exp(−(m − 1)·λ·T).
    fn fill_leaning(&self, draws: Draws<'_>, lean: &dyn Fn(Tiltable) -> Option<Lean>, log_index: &mut [f64]) -> Leant {
        let Some(lean) = lean(Tiltable::Jumps) else {
            self.fill(draws, log_index);
            return Leant::default();
        };
        let strength = lean.strength();
        let seconds = draws.grid.step_seconds() * draws.grid.steps as f64;
        let intensity = match lean {
            Lean::Original(_) => self.jumps.intensity,
            Lean::Tilted(_) => self.jumps.intensity * strength,
        };
        let jumps = f64::from(self.jump(intensity, draws, log_index));
        let expected = self.jumps.intensity * seconds;
        let mut leant = Leant::default();
        leant.note(
            Tiltable::Jumps,
            math::exp(jumps * math::ln(strength) - (strength - 1.0) * expected),
            jumps / expected,
        );
        leant
    }

    fn variance_rate(&self) -> f64 {
        self.diffusion.sigma * self.diffusion.sigma + self.jumps.variance()
    }
}

impl JumpDiffusion {
    /// The path with this many jumps a second; returns how many there were. The drift stays that of the original law.
    fn jump(&self, intensity: f64, draws: Draws<'_>, log_index: &mut [f64]) -> u32 {
        let step_s = draws.grid.step_seconds();
        self.diffusion.fill(step_s, draws.brownian, log_index);
        self.jumps.add_at(intensity, step_s, draws.stream, log_index)
    }
}
