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
use super::{Draws, PriceProcess};
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
        let step_s = draws.grid.step_seconds();
        self.diffusion.fill(step_s, draws.brownian, log_index);
        self.jumps.add(step_s, draws.stream, log_index);
    }

    fn variance_rate(&self) -> f64 {
        self.diffusion.sigma * self.diffusion.sigma + self.jumps.variance()
    }
}
