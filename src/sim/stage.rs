//! What all workers share: rule books, opening marks, and the register of a population that is the same on every path.

use std::sync::Arc;

use crate::fault::{Failure, Faults};
use crate::money::{Cash, Multiplier, Price, Qty, Ratio};
use crate::scenario::Scenario;
use crate::traders::{Accounts, Generated, Opening, Population, Redraw};
use crate::venue::register::{Holdings, Register, at_mark};
use crate::venue::rules::Rules;

/// A scenario and a seed, ready for workers.
#[derive(Debug)]
pub struct Stage<'s> {
    pub scenario: &'s Scenario,
    pub seed: u64,
    pub(super) rules: Arc<Rules>,
    /// The same with a fund without limit, for the fund need.
    pub(super) unlimited: Arc<Rules>,
    pub(super) opens: Vec<Price>,
    leverage_tiers: Vec<Vec<(Cash, f64)>>,
    buffer: Ratio,
    pub(super) population: Source<'s>,
}

/// Where the accounts of a path come from.
#[derive(Debug)]
pub(super) enum Source<'s> {
    /// The same register on every path, sorted whole.
    Shared { register: Arc<Register>, redrawn: u32 },
    /// Drawn anew for each path.
    Drawn(&'s Generated),
}

impl<'s> Stage<'s> {
    /// Prepares a scenario; draws and registers a population that all paths share.
    ///
    /// # Errors
    /// Where such a population cannot be drawn.
    pub fn new(scenario: &'s Scenario, seed: u64) -> Result<Self, Failure> {
        let rules = Arc::new(scenario.rules.clone());
        let leverage = |ratio: Ratio| ratio.to_f64();
        let leverage_tiers = rules
            .contracts
            .iter()
            .map(|contract| contract.tiers.tiers().iter().map(|tier| (tier.floor, leverage(tier.max_leverage))).collect())
            .collect();
        let buffer = match &scenario.accounts {
            Accounts::Generated(generated) => generated.opening_buffer,
            Accounts::Loaded(_) => Ratio::ZERO,
        };
        let mut stage = Self {
            scenario,
            seed,
            unlimited: Arc::new(rules.with_unlimited_fund()),
            rules,
            opens: scenario.assets.iter().map(|asset| asset.open).collect(),
            leverage_tiers,
            buffer,
            population: Source::Shared { register: Arc::default(), redrawn: 0 },
        };
        stage.population = match &scenario.accounts {
            Accounts::Loaded(loaded) => stage.share(loaded.population.clone())?,
            Accounts::Generated(generated) if generated.redraw == Redraw::Fixed => {
                let mut population = Population::default();
                stage.draw(generated, 0, &mut population)?;
                stage.share(population)?
            }
            Accounts::Generated(generated) => Source::Drawn(generated),
        };
        Ok(stage)
    }

    /// Names of the accounts where they came from a file.
    #[must_use]
    pub fn account_names(&self) -> &[String] {
        match &self.scenario.accounts {
            Accounts::Loaded(loaded) => &loaded.population.names,
            Accounts::Generated(_) => &[],
        }
    }

    pub(super) fn draw(&self, generated: &Generated, path: u64, population: &mut Population) -> Result<(), Failure> {
        generated.draw(self.seed, path, self, population).map_err(|undrawable| {
            Failure::Faults(Faults::usage(
                format!("{}: {undrawable}", self.scenario.source.name),
                "lower the leverage, narrow the entry offsets or lower the tiers' maintenance rates",
            ))
        })
    }

    fn share(&self, mut population: Population) -> Result<Source<'s>, Failure> {
        let mut register = Register::default();
        let redrawn = population.redrawn;
        self.register(&mut population, &mut register)?;
        register.sort();
        Ok(Source::Shared { register: Arc::new(register), redrawn })
    }

    /// Turns a population into a register, swapping buffers.
    pub(super) fn register(&self, population: &mut Population, register: &mut Register) -> Result<(), Failure> {
        let mut holdings = Holdings {
            wallet: std::mem::take(&mut population.wallet),
            account: std::mem::take(&mut population.account),
            contract: std::mem::take(&mut population.contract),
            qty: std::mem::take(&mut population.qty),
            cost: std::mem::take(&mut population.cost),
            collateral: std::mem::take(&mut population.collateral),
        };
        let registered = register.rebuild(&mut holdings, &self.rules, &self.opens);
        let Holdings { wallet, account, contract, qty, cost, collateral } = holdings;
        (population.wallet, population.account, population.contract) = (wallet, account, contract);
        (population.qty, population.cost, population.collateral) = (qty, cost, collateral);
        registered.map_err(|bad| Failure::Faults(Faults::usage(format!("{}: {bad}", self.scenario.source.name), "")))
    }
}

impl Opening for Stage<'_> {
    fn contract(&self, contract: u16) -> (Multiplier, Price) {
        let at = usize::from(contract);
        (self.rules.contracts[at].multiplier, self.opens[at])
    }

    fn leverage_tiers(&self, contract: u16) -> &[(Cash, f64)] {
        &self.leverage_tiers[usize::from(contract)]
    }

    fn accepts(&self, contract: u16, qty: Qty, cost: Cash, collateral: Cash) -> bool {
        let at = usize::from(contract);
        let rules = &self.rules.contracts[at];
        let (equity, notional) = at_mark(rules, qty, cost, collateral, self.opens[at]);
        rules.tiers.covers(equity, notional, self.buffer)
    }
}
