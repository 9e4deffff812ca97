//! What a path draws before its clock runs: accounts, the exogenous index, and the market of the day.

use std::sync::Arc;

use super::Worker;
use crate::fault::Failure;
use crate::market::index::Address;
use crate::market::math;
use crate::market::process::{Draws, Leant};
use crate::rng::{Purpose, Stream, open_unit};
use crate::sim::stage::{Source, Stage};
use crate::sim::tilt::Draw;

impl Worker<'_> {
    /// Draws the accounts; returns the density of the tilted law over the original one.
    pub(super) fn draw_accounts(&mut self, path: u64, tilt: Option<Draw>) -> Result<f64, Failure> {
        match &self.stage.population {
            Source::Shared { register, .. } => {
                self.register = Arc::clone(register);
                Ok(1.0)
            }
            Source::Drawn(generated) => {
                let size = tilt.and_then(|tilt| tilt.size());
                let ratio = self.stage.draw(generated, path, size, &mut self.population)?;
                self.redrawn = self.population.redrawn;
                // Nobody else holds it between paths, so this is the same memory each time.
                let register = Arc::make_mut(&mut self.register);
                self.stage.register(&mut self.population, register)?;
                Ok(ratio)
            }
        }
    }

    /// How deep the books of the day are, and the flow of others that moves no price.
    pub(super) fn draw_market(&mut self, path: u64) {
        let Stage { scenario, seed, .. } = self.stage;
        for (a, (factor, asset)) in (0u32..).zip(self.depth_factors.iter_mut().zip(&scenario.assets)) {
            // Most books have no factor, and need no stream.
            if asset.book.depth_factor(0.5).is_some() {
                let u = open_unit(Stream::new(*seed, Purpose::Depth, (a, 0), path).word());
                *factor = asset.book.depth_factor(u).unwrap_or(1.0);
            }
        }
        if let Some(background) = scenario.assets.first().and_then(|asset| asset.background.as_ref()) {
            background.draw(*seed, path, scenario.clock.horizon, &mut self.imbalance);
        }
    }

    /// The exogenous index of every asset: open · exp(s · log-return). Returns the density of the tilted law over the
    /// original one; the first asset that can be tilted is.
    pub(super) fn draw_index(&mut self, path: u64, tilt: Option<Draw>) -> f64 {
        let (mut ratio, mut tilted) = (1.0, Vec::new());
        self.leant = Leant::default();
        let Stage { scenario, seed, .. } = self.stage;
        let grid = scenario.clock.grid();
        self.noise.draw(*seed, path, grid, scenario.clock.mark_interval, &scenario.correlation);
        let per_mark = scenario.clock.steps_per_mark();
        if let Some(jump) = &scenario.common_jump {
            self.jumped.resize(grid.steps + 1, 0.0);
            jump.fill(*seed, path, grid, &mut self.jumped);
        }
        self.log_index.resize(grid.steps + 1, 0.0);
        for (a, asset) in (0u32..).zip(&scenario.assets) {
            let at = a as usize;
            let mut stream = Stream::new(*seed, Purpose::Process, (a, 0), path);
            let draws = Draws {
                grid,
                direction: scenario.direction,
                per_mark,
                brownian: self.noise.increments(at),
                stream: &mut stream,
            };
            match tilt {
                None => asset.process.fill(draws, &mut self.log_index),
                Some(tilt) => {
                    let lean = |what| if tilted.contains(&what) { None } else { tilt.of(what) };
                    let leant = asset.process.fill_leaning(draws, &lean, &mut self.log_index);
                    ratio *= leant.ratio;
                    for (known, new) in self.leant.statistics.iter_mut().zip(leant.statistics) {
                        *known = known.or(new);
                    }
                    tilted.extend(asset.process.tiltable());
                }
            }
            let open = asset.open.0 as f64;
            let index = &mut self.index[at];
            index.clear();
            let share = asset.exogenous_share;
            if scenario.common_jump.is_none() {
                index.extend(self.log_index.iter().map(|log| share * log));
            } else {
                let jumped = self.log_index.iter().zip(&self.jumped);
                index.extend(jumped.map(|(log, jumped)| share * log + asset.jump_beta * jumped));
            }
            math::exp_all(index);
            index.iter_mut().for_each(|factor| *factor *= open);
            if let Some(rule) = &asset.index {
                let address = Address { seed: *seed, path, asset: a, direction: scenario.direction };
                let refreshes = grid.steps / per_mark + 1;
                rule.draw(address, refreshes, scenario.clock.mark_interval, &mut self.factors[at]);
            }
        }
        ratio
    }
}
