//! Serving several stages in turn: rule books come and go, memory and what was learnt of a register stay.

use std::sync::Arc;

use super::{Lane, Until, Worker};
use crate::sim::stage::Stage;
use crate::venue::rules::Rules;

impl<'s> Worker<'s> {
    /// Runs a path no farther than until its fund is exhausted and lots are deleveraged, in this order or the other: of its
    /// row only whether it was liquidated, exhausted and deleveraged holds then, and what it needs of a fund.
    #[must_use]
    pub fn until_decided(mut self) -> Self {
        self.actual.until = Until::Decided;
        self
    }

    /// Runs the paths to come by the rules of another stage, whose scenario differs from the one that this worker was made
    /// for in the fund's size and in ADL alone: accounts, prices, books and behaviours are the same there.
    ///
    /// Nothing of a path depends on who ran before in the same memory. What is spared is that memory a second time, which no
    /// cache holds together with the first, and the search trees of an ADL round, which are a register's and not a rule's.
    pub fn serve(&mut self, stage: &'s Stage<'s>) {
        self.stage = stage;
        for lane in [&mut self.actual, &mut self.deep] {
            lane.govern(&stage.rules);
        }
        self.unlimited.govern(&stage.unlimited);
    }
}

impl Lane {
    fn govern(&mut self, rules: &Arc<Rules>) {
        self.needs_index = rules.needs_index();
        self.venue.govern(Arc::clone(rules));
    }
}
