//! A scenario: the file as written, checked into data that nothing later has to doubt.

mod check;
mod correlation;
mod keys;
mod opening;
mod people;
mod preset;
mod reference;
mod venue;
mod waterfall;

use std::sync::Arc;

use crate::fault::Source;
use crate::market::book::{Book, Reference};
use crate::market::flow::Background;
use crate::market::funding::FundingRule;
use crate::market::index::IndexRule;
use crate::market::mark::MarkRule;
use crate::market::math;
use crate::market::process::common_jump::CommonJump;
use crate::market::process::{Direction, Grid, PriceProcess};
use crate::money::{Multiplier, Nanos, Price, Quantum};
use crate::registry::Setting;
use crate::traders::Accounts;
use crate::venue::rules::Rules;

pub use check::{load, load_with, parse};
pub use opening::{OpeningContract, OpeningRules};
pub use reference::{listing, listing_json, reference, schema};

/// A checked scenario. Everything in it is valid; nothing in it changes during a run.
#[derive(Debug)]
pub struct Scenario {
    /// File stem, unless the file names it.
    pub name: String,
    /// What it shows: the second line of the file.
    pub about: String,
    /// The file as it was written.
    pub source: Arc<Source>,
    /// Keys set beside the file.
    pub settings: Vec<Setting>,
    /// Every file it refers to.
    pub files: Vec<Arc<Source>>,
    /// SHA-256 over the scenario and every referenced file, hexadecimal.
    pub hash: String,
    pub paths: u64,
    pub seed: u64,
    pub clock: Clock,
    pub direction: Direction,
    pub currency: String,
    /// Smallest unit of the settlement currency.
    pub cash_unit: Quantum,
    pub assets: Vec<Asset>,
    /// Lower triangular Cholesky factor of the correlation matrix of the assets, row by row.
    pub correlation: Vec<Vec<f64>>,
    /// Whether permanent impact in one asset moves the index of others.
    pub cross_impact: bool,
    pub common_jump: Option<CommonJump>,
    pub funding: Option<FundingRule>,
    pub rules: Rules,
    pub accounts: Accounts,
}

/// The clocks of the path and of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    pub horizon: Nanos,
    /// Grid of the index.
    pub step: Nanos,
    pub mark_interval: Nanos,
    pub check_interval: Nanos,
}

impl Scenario {
    /// Forced orders and others never move the price.
    pub fn without_feedback(&mut self) {
        for asset in &mut self.assets {
            asset.book = asset.book.infinitely_deep();
        }
    }

    /// Quotes stay where they are under stress.
    pub fn without_withdrawal(&mut self) {
        for asset in &mut self.assets {
            asset.book = asset.book.steadfast();
        }
    }

    /// Nobody does anything of their own accord.
    pub fn without_behaviours(&mut self) {
        self.accounts.calm();
    }
}

impl Clock {
    #[must_use]
    pub fn grid(&self) -> Grid {
        Grid {
            step: self.step,
            steps: usize::try_from(self.horizon.0 / self.step.0).expect("a horizon has a countable number of steps"),
        }
    }

    /// Steps between two refreshes of the mark.
    #[must_use]
    pub fn steps_per_mark(&self) -> usize {
        usize::try_from(self.mark_interval.0 / self.step.0).expect("a mark interval has a countable number of steps")
    }
}

/// One asset: its contract and its market.
#[derive(Debug)]
pub struct Asset {
    pub symbol: String,
    pub tick: Quantum,
    pub lot: Quantum,
    pub multiplier: Multiplier,
    /// What orders are worth to the book.
    pub reference: Reference,
    /// Opening index and mark.
    pub open: Price,
    /// Weight s of the recorded log-return that the index follows; 1 where the process is not a recorded crash.
    pub exogenous_share: f64,
    pub process: Box<dyn PriceProcess>,
    pub book: Box<dyn Book>,
    pub mark: Box<dyn MarkRule>,
    /// The index that the mark uses; the process itself where there is none.
    pub index: Option<IndexRule>,
    /// What a common jump is multiplied by.
    pub jump_beta: f64,
    pub background: Option<Background>,
}

impl Scenario {
    /// By how much the log index of asset j moves for a permanent move of 1 in that of asset i, row i: ρ·σ_j/σ_i by the nominal
    /// volatilities of the processes, 1 on the diagonal, and 0 where σ_i is.
    #[must_use]
    pub fn passage(&self) -> Vec<Vec<f64>> {
        let factor = &self.correlation;
        let variance: Vec<f64> = self.assets.iter().map(|asset| asset.process.variance_rate()).collect();
        let passed = |i: usize, j: usize| {
            if i == j {
                return 1.0;
            }
            let correlation: f64 = factor[i].iter().zip(&factor[j]).map(|(a, b)| a * b).sum();
            if !self.cross_impact || correlation == 0.0 || variance[i] == 0.0 {
                return 0.0;
            }
            correlation * math::sqrt(variance[j] / variance[i])
        };
        (0..factor.len()).map(|i| (0..factor.len()).map(|j| passed(i, j)).collect()).collect()
    }
}
