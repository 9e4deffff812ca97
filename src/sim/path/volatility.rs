//! What the venue is told of realised volatility.

use super::{Lane, contract_id};
use crate::money::{Nanos, Price, Ratio};
use crate::venue::{Command, Refused};

impl Lane {
    /// Realised volatility of every index at a refresh, where the rule book has steps of maintenance for it.
    pub(super) fn note_volatility(&mut self, now: Nanos) -> Result<(), Refused> {
        let Some(window) = self.window else { return Ok(()) };
        for (c, (realised, state)) in self.realised.iter_mut().zip(&self.assets).enumerate() {
            let volatility = realised.note(now, state.index, window);
            // Beyond what 64 bits hold it is beyond every step.
            let volatility = Ratio(Price::nearest(volatility * 1e9).map_or(i64::MAX, |share| share.0));
            self.venue.apply(Command::Volatility { now, contract: contract_id(c), volatility })?;
        }
        Ok(())
    }
}
