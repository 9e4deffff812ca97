//! The index of each asset along a path: drawn, moved for good by impact, published by the venue.

use super::{Context, Lane, on_tick};
use crate::market::index::Feeds;
use crate::market::math;
use crate::money::{Cash, Nanos, Price, Qty};

/// What changes of an asset during a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AssetState {
    /// Permanent part of impact so far, as a log and as a factor.
    permanent: f64,
    pub factor: f64,
    /// What the venue's own market stands away from all others by: 1 where nothing says so.
    pub local: f64,
    pub exogenous: f64,
    pub index: f64,
    /// Both on ticks, once they are told.
    ticks: Option<(Price, Price)>,
    /// Lots and cash of the last fill since the last refresh.
    pub last: Option<(Qty, Cash)>,
    /// When the mark was last refreshed, and the traded price as last told: both stay through a halt.
    pub refreshed: Nanos,
    pub traded: Price,
}

impl AssetState {
    /// At the opening.
    pub fn at(open: Price) -> Self {
        let index = open.0 as f64;
        Self {
            permanent: 0.0,
            factor: 1.0,
            local: 1.0,
            exogenous: index,
            index,
            ticks: None,
            last: None,
            refreshed: Nanos::ZERO,
            traded: open,
        }
    }

    pub fn move_to(&mut self, exogenous: f64) {
        self.exogenous = exogenous;
        self.index = exogenous * self.factor * self.local;
        self.ticks = None;
    }

    /// Both on ticks.
    #[inline]
    pub fn ticks(&mut self) -> (Price, Price) {
        self.ticks.unwrap_or_else(|| self.find_ticks())
    }

    fn find_ticks(&mut self) -> (Price, Price) {
        let tick = on_tick(self.exogenous);
        *self.ticks.insert((tick, if self.index == self.exogenous { tick } else { on_tick(self.index) }))
    }

    /// A permanent move of the log index.
    pub fn shift(&mut self, log_move: f64) {
        self.permanent += log_move;
        self.factor = math::exp(self.permanent);
        self.move_to(self.exogenous);
    }
}

impl Lane {
    /// The index at the last grid point that is not after `now`.
    pub(super) fn move_index(&mut self, context: &Context<'_>, now: Nanos) {
        if self.now == now {
            return;
        }
        self.now = now;
        let step = context.stage.scenario.clock.step;
        let at = usize::try_from(now.0 / step.0).expect("time is never negative");
        for (state, index) in self.assets.iter_mut().zip(context.index) {
            state.move_to(index[at]);
        }
    }

    /// Lets a permanent move of one asset's log index enter its own and those of the others.
    pub(super) fn pass(&mut self, from: usize, passed: f64) {
        if passed == 0.0 {
            return;
        }
        for (state, share) in self.assets.iter_mut().zip(&self.passage[from]) {
            if *share != 0.0 {
                state.shift(share * passed);
            }
        }
    }

    /// The index that the venue publishes for an asset, given the mid of its own book.
    pub(super) fn published_index(&mut self, context: &Context<'_>, now: Nanos, c: usize, own: f64) -> f64 {
        let scenario = context.stage.scenario;
        let Some(rule) = &scenario.assets[c].index else { return self.assets[c].index };
        let at = |interval: Nanos| usize::try_from(now.0 / interval.0).expect("time is never negative");
        let feeds = Feeds {
            refresh: at(scenario.clock.mark_interval),
            now,
            factors: &context.factors[c],
            exogenous: &context.index[c][..=at(scenario.clock.step)],
            step: scenario.clock.step,
            permanent: self.assets[c].factor,
            own,
        };
        self.published[c].refresh(rule, feeds)
    }

    /// How far the venue's own markets stand away from all others from this refresh on.
    pub(super) fn dislocate(&mut self, context: &Context<'_>, now: Nanos) {
        let clock = context.stage.scenario.clock;
        for (state, (asset, factors)) in
            self.assets.iter_mut().zip(context.stage.scenario.assets.iter().zip(context.factors))
        {
            if let Some(rule) = &asset.index {
                let refresh = usize::try_from(now.0 / clock.mark_interval.0).expect("time is never negative");
                state.local = rule.own_factor(factors, refresh);
            }
        }
    }
}
