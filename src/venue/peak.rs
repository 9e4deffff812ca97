//! The greatest balance within a window: what a fall is measured from.

use std::collections::VecDeque;

use crate::money::{Cash, Nanos};

/// Balances of the past that could still be the greatest, each with the time until which it stood: descending.
#[derive(Clone, Debug, Default)]
pub struct Peak {
    past: VecDeque<(Nanos, Cash)>,
}

impl Peak {
    pub fn clear(&mut self) {
        self.past.clear();
    }

    /// The greatest of the current balance and those that stood within `window` before `now`.
    #[must_use]
    pub fn at(&self, balance: Cash, now: Nanos, window: Nanos) -> Cash {
        let oldest = now - window;
        let past = self.past.iter().find(|(until, _)| *until >= oldest);
        past.map_or(balance, |(_, past)| balance.max(*past))
    }

    /// `balance` stood until `now`.
    pub fn leave(&mut self, balance: Cash, now: Nanos, window: Nanos) {
        let oldest = now - window;
        while self.past.front().is_some_and(|(until, _)| *until < oldest) {
            self.past.pop_front();
        }
        while self.past.back().is_some_and(|(_, past)| *past <= balance) {
            self.past.pop_back();
        }
        self.past.push_back((now, balance));
    }
}
