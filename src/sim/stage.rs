//! What all workers share: rule books, opening marks, and the register of a population that is the same on every path.

use std::fmt;
use std::sync::Arc;

use super::people::Troupe;
use super::tilt::Tilt;
use crate::fault::{Failure, Faults};
use crate::money::Price;
use crate::scenario::{Asset, OpeningRules, Scenario};
use crate::traders::{Accounts, Generated, LargestSize, Population, Redraw};
use crate::venue::register::{Holdings, Register};
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
    /// What accounts do of their own accord.
    pub(super) troupe: Troupe<'s>,
    opening: OpeningRules,
    /// Importance sampling, where it was asked for.
    pub tilt: Option<Tilt>,
    pub(super) population: Source<'s>,
}

/// Where the accounts of a path come from.
#[derive(Clone, Debug)]
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
        let mut stage = Self {
            scenario,
            seed,
            unlimited: Arc::new(rules.with_unlimited_fund()),
            rules,
            opens: scenario.assets.iter().map(|asset| asset.open).collect(),
            troupe: Troupe::new(scenario, seed),
            opening: scenario.opening(),
            tilt: None,
            population: Source::Shared { register: Arc::default(), redrawn: 0 },
        };
        stage.population = match &scenario.accounts {
            Accounts::Loaded(loaded) => stage.share(loaded.population.clone())?,
            Accounts::Generated(generated) if generated.redraw == Redraw::Fixed => {
                let mut population = Population::default();
                stage.draw(generated, 0, None, &mut population)?;
                stage.share(population)?
            }
            Accounts::Generated(generated) => Source::Drawn(generated),
        };
        Ok(stage)
    }

    /// The stage of another scenario that draws the same accounts and prices: those that all paths share are not drawn,
    /// registered and kept a second time.
    #[must_use]
    pub fn beside(&self, scenario: &'s Scenario) -> Self {
        let rules = Arc::new(scenario.rules.clone());
        Self {
            scenario,
            seed: self.seed,
            unlimited: Arc::new(rules.with_unlimited_fund()),
            rules,
            opens: self.opens.clone(),
            troupe: Troupe::new(scenario, self.seed),
            opening: scenario.opening(),
            tilt: self.tilt,
            population: self.population.clone(),
        }
    }

    /// Everything that decides which accounts and prices are drawn, as one text: stages of one seed that agree in it draw
    /// the same on every path, and register it the same.
    pub fn draws(scenario: &Scenario, out: &mut dyn fmt::Write) -> fmt::Result {
        let Scenario { clock, direction, correlation, common_jump, accounts, rules, .. } = scenario;
        write!(out, "{clock:?} {direction:?} {correlation:?} {common_jump:?} {accounts:?} {:?} ", scenario.opening())?;
        // Named one by one, so that whoever adds a rule decides here whether accounts are drawn or registered by it.
        let Rules {
            contracts,
            trigger,
            position_order,
            cross_bankruptcy,
            execution,
            waterfall,
            interruptions,
            dynamic,
            liquidation: _,
            position_layers: _,
            cash_layers: _,
            fund: _,
            venue_capital: _,
            taker_fee: _,
            liquidation_fee: _,
            surplus_to: _,
            engine_slice: _,
            latency: _,
            adl: _,
            adl_eligible: _,
        } = rules;
        write!(out, "{contracts:?} {trigger:?} {position_order:?} {cross_bankruptcy:?} ")?;
        write!(out, "{execution:?} {waterfall:?} {interruptions:?} {dynamic:?}")?;
        for asset in &scenario.assets {
            let Asset { tick, lot, multiplier, open, exogenous_share, process, index, jump_beta, .. } = asset;
            write!(
                out,
                " {tick:?} {lot:?} {multiplier:?} {open:?} {exogenous_share:?} {process:?} {index:?} {jump_beta:?}"
            )?;
        }
        Ok(())
    }

    /// The same stage with a fund without limit: its actual run is the one that tells what a path needs.
    #[must_use]
    pub fn with_unlimited_fund(&self) -> Self {
        Self {
            scenario: self.scenario,
            seed: self.seed,
            rules: Arc::clone(&self.unlimited),
            unlimited: Arc::clone(&self.unlimited),
            opens: self.opens.clone(),
            troupe: Troupe::new(self.scenario, self.seed),
            opening: self.opening.clone(),
            tilt: self.tilt,
            population: self.population.clone(),
        }
    }

    /// Names of the accounts where they came from a file.
    #[must_use]
    pub fn account_names(&self) -> &[String] {
        match &self.scenario.accounts {
            Accounts::Loaded(loaded) => &loaded.population.names,
            Accounts::Generated(_) => &[],
        }
    }

    /// Draws the accounts of a path; returns the density of the law that `size` names over the original one.
    pub(super) fn draw(
        &self,
        generated: &Generated,
        path: u64,
        size: Option<LargestSize>,
        population: &mut Population,
    ) -> Result<f64, Failure> {
        generated.draw_leaning(self.seed, path, &self.opening, size, population).map_err(|undrawable| {
            Failure::Faults(Faults::usage(
                format!("{}: {undrawable}", self.scenario.source.name),
                "lower the leverage, narrow the entry offsets or lower the tiers' maintenance rates",
            ))
        })
    }

    /// What all parties bring and what all positions cost must leave room for every sum of a path.
    fn within_64_bits(&self, population: &Population) -> Result<(), Failure> {
        /// A quarter, as much as the fund without limit holds: both together can still change hands.
        const MOST: i128 = i64::MAX as i128 / 4;
        let Population { wallet, collateral, cost, qty, .. } = population;
        let cash = wallet.iter().chain(collateral).chain([&self.rules.fund.open, &self.rules.venue_capital]);
        let vaults = self.rules.waterfall.backstops.iter().map(|backstop| &backstop.capital);
        let cash: i128 = cash.chain(vaults).map(|cash| i128::from(cash.0)).sum();
        let cost: i128 = cost.iter().map(|cost| i128::from(cost.0).abs()).sum();
        let lots: i128 = qty.iter().map(|qty| i128::from(qty.0).abs()).sum();
        if cash.max(cost).max(lots) <= MOST {
            return Ok(());
        }
        Err(Failure::Faults(Faults::usage(
            format!("{}: all accounts together are too large to be counted in 64 bits", self.scenario.source.name),
            format!(
                "cash, cost and lots may each add up to {MOST} units: use a coarser `cash_unit`, `tick` or `lot`, or check \
                 the amounts"
            ),
        )))
    }

    fn share(&self, mut population: Population) -> Result<Source<'s>, Failure> {
        self.within_64_bits(&population)?;
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
            cross: std::mem::take(&mut population.cross),
        };
        let registered = register.rebuild(&mut holdings, &self.rules, &self.opens);
        let Holdings { wallet, account, contract, qty, cost, collateral, cross } = holdings;
        (population.wallet, population.account, population.contract) = (wallet, account, contract);
        (population.qty, population.cost, population.collateral, population.cross) = (qty, cost, collateral, cross);
        registered.map_err(|bad| Failure::Faults(Faults::usage(format!("{}: {bad}", self.scenario.source.name), "")))
    }
}
