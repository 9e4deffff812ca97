//! Price processes: how the exogenous index moves.

use std::fmt::Debug;

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

/// A price process. It holds its checked parameters and nothing of a path.
pub trait PriceProcess: Send + Sync + Debug {
    /// Writes ln(I_t / I_0) at every grid point into `log_index` (length `grid.steps + 1`, first entry 0).
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]);

    /// Nominal variance of the log return a second: of noise and jumps in the long run, without the one fall of a crash.
    /// Its root says by how much this asset moves with another one.
    fn variance_rate(&self) -> f64;
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
