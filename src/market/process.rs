//! Price processes: how the exogenous index moves.

use std::fmt::Debug;

use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, EntryInfo, Family, FamilyInfo};
use crate::rng::Stream;

pub mod common_jump;
mod flash_crash;
mod garch;
mod gbm;
mod hawkes_jumps;
mod jump_diffusion;
mod jumps;
mod noise;
mod regime_switching;
mod replay;
mod stochastic_volatility;
mod waypoints;

pub use noise::Noise;

/// The times on which an index is drawn: `steps + 1` points, `step` apart, the first at time 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub step: Nanos,
    pub steps: usize,
}

impl Grid {
    #[must_use]
    pub fn time(&self, i: usize) -> Nanos {
        self.step * i64::try_from(i).expect("a grid index fits 63 bits")
    }

    #[must_use]
    pub fn step_seconds(&self) -> f64 {
        self.step.seconds()
    }
}

/// The direction of the crash: which way is adverse. Processes that have a drop go up instead where it is `Up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Down,
    Up,
}

impl Direction {
    /// −1 for a crash down, +1 for a crash up.
    #[must_use]
    pub fn sign(self) -> f64 {
        match self {
            Self::Down => -1.0,
            Self::Up => 1.0,
        }
    }
}

/// What a process is given for one path of one asset.
pub struct Draws<'a> {
    pub grid: Grid,
    pub direction: Direction,
    /// Steps in a mark interval, at least 1: the clock of what must not change when the step is halved.
    pub per_mark: usize,
    /// Increments of a standard Brownian motion over each step, in √seconds, correlated between assets: `grid.steps` of them.
    pub brownian: &'a [f64],
    /// The process's own stream for this asset and path: jumps, drawn parameters, second factors.
    pub stream: &'a mut Stream,
}

/// What of a process importance sampling can make more frequent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiltable {
    /// The depth of its one fall.
    Drop,
    /// How short a time that fall takes.
    Duration,
    /// How often it jumps.
    Jumps,
    /// How far its noise drifts against the crowd in one of [`PARTS`] equal parts of the fall, from 0.
    Noise(u8),
}

/// Parts of a fall in which its noise is tilted apart: what makes a crash worse is where it meets the crowd's positions.
pub const PARTS: usize = 8;

impl Tiltable {
    /// Each of them.
    pub const ALL: [Self; 3 + PARTS] = [
        Self::Drop,
        Self::Duration,
        Self::Jumps,
        Self::Noise(0),
        Self::Noise(1),
        Self::Noise(2),
        Self::Noise(3),
        Self::Noise(4),
        Self::Noise(5),
        Self::Noise(6),
        Self::Noise(7),
    ];

    /// Its place in [`Tiltable::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Drop => 0,
            Self::Duration => 1,
            Self::Jumps => 2,
            Self::Noise(part) => 3 + usize::from(part),
        }
    }

    /// The strength under which the tilted law is the original one.
    #[must_use]
    pub const fn neutral(self) -> f64 {
        match self {
            Self::Jumps => 1.0,
            Self::Drop | Self::Duration | Self::Noise(_) => 0.0,
        }
    }
}

/// What leaning did to a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leant {
    /// Density of the tilted law over the original one at what was drawn.
    pub ratio: f64,
    /// In the order of [`Tiltable::ALL`], for what was leaned: the statistic in which its tilts are an exponential family, so
    /// that its mean over paths says which strength they look like. Of jumps and noise that mean is the strength itself.
    pub statistics: [Option<f64>; Tiltable::ALL.len()],
}

impl Default for Leant {
    fn default() -> Self {
        Self { ratio: 1.0, statistics: [None; Tiltable::ALL.len()] }
    }
}

impl Leant {
    fn note(&mut self, what: Tiltable, density: f64, statistic: f64) {
        self.ratio *= density;
        self.statistics[what.index()] = Some(statistic);
    }
}

/// From which law a path is drawn, and the strength of the tilted one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lean {
    Original(f64),
    Tilted(f64),
}

impl Lean {
    #[must_use]
    pub fn strength(self) -> f64 {
        match self {
            Self::Original(strength) | Self::Tilted(strength) => strength,
        }
    }

    /// The share s beyond a uniform towards the rare end, as drawn, and the density there of the tilted law over the original
    /// one.
    ///
    /// Tilted by strength λ, s is an exponential cut at 1, with density λ·e^(−λs)/(1 − e^(−λ)): near the end, as far as 1/λ,
    /// it is as even as the original. So the paths are spread over what a corner of two such shares holds, where a power
    /// law crowds them at its very edge.
    #[must_use]
    pub fn share_near(self, s: f64) -> (f64, f64) {
        let strength = self.strength();
        if strength == 0.0 {
            return (s, 1.0);
        }
        let whole = 1.0 - math::exp(-strength);
        let share = match self {
            Self::Original(_) => s,
            Self::Tilted(_) => (-math::ln(1.0 - s * whole) / strength).min(1.0),
        };
        (share, strength * math::exp(-strength * share) / whole)
    }

    /// The strength of [`Lean::share_near`] under which the mean of s is this: 1/λ − 1/(e^λ − 1), by bisection.
    #[must_use]
    pub fn near_of_mean(mean: f64, strongest: f64) -> f64 {
        let at = |strength: f64| {
            // Beyond 700 the second part is nothing, and e^λ no number.
            let second = if strength > 700.0 { 0.0 } else { 1.0 / (math::exp(strength) - 1.0) };
            1.0 / strength - second
        };
        let (mut low, mut high) = (1e-3, strongest);
        if mean >= at(low) {
            return 0.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if at(middle) > mean { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }

    /// The share above a uniform, s = 1 − u, as drawn, and the density there of the tilted law over the original one.
    ///
    /// Tilted by strength k, s is a uniform to the power k: P(s ≤ x) = x^(1/k), so that what happens once in 10,000 draws
    /// happens k = 4 times as far down, once in ten; its density is s^(1/k − 1)/k.
    #[must_use]
    pub fn share_above(self, u: f64) -> (f64, f64) {
        /// Below this, 1 − s is 1.
        const LEAST: f64 = 1.0 / 9_007_199_254_740_992.0;
        let share = match self {
            Self::Original(_) => 1.0 - u,
            Self::Tilted(strength) => math::pow(1.0 - u, strength),
        }
        .max(LEAST);
        let strength = self.strength();
        (share, math::pow(share, 1.0 / strength - 1.0) / strength)
    }
}

/// A price process. It holds its checked parameters and nothing of a path.
pub trait PriceProcess: Send + Sync + Debug {
    /// Writes ln(I_t / I_0) at every grid point into `log_index` (length `grid.steps + 1`, first entry 0).
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]);

    /// Nominal variance of the log return a second: of noise and jumps in the long run, without the one fall of a crash.
    /// Its root says by how much this asset moves with another one.
    fn variance_rate(&self) -> f64;
    /// What importance sampling can make more frequent.
    fn tiltable(&self) -> Vec<Tiltable> {
        Vec::new()
    }

    /// As `fill`, from the laws that `lean` names (`None`: as it is); returns the density of the tilted law over the
    /// original one at what was drawn, whichever it was drawn from. With nothing to tilt both are the same.
    fn fill_leaning(&self, draws: Draws<'_>, lean: &dyn Fn(Tiltable) -> Option<Lean>, log_index: &mut [f64]) -> Leant {
        let _ = lean;
        self.fill(draws, log_index);
        Leant::default()
    }
}

/// All price processes. One line a process.
pub const PROCESSES: Family<dyn PriceProcess> = Family {
    info: &PROCESS_INFO,
    entries: &[
        gbm::ENTRY,
        jump_diffusion::ENTRY,
        stochastic_volatility::ENTRY,
        garch::ENTRY,
        hawkes_jumps::ENTRY,
        regime_switching::ENTRY,
        flash_crash::ENTRY,
        waypoints::ENTRY,
        replay::ENTRY,
    ],
};

pub static PROCESS_INFO: FamilyInfo = FamilyInfo {
    name: "price process",
    about: "How the index moves before the venue's own forced orders push it.",
    entries: || PROCESSES.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: false,
};

#[cfg(test)]
mod tests;
