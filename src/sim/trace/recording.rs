//! Keeps every fact of one path, for whoever must know the end before writing the beginning.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Format, Legend, Trace};
use crate::facts::{AccountId, Fact, Observer, Outcome, Party, Via, Why};
use crate::money::Nanos;

/// Openings of untouched accounts are left out of a kept log above so many accounts: they would be half of it.
const SMALL: usize = 1_000;

/// All batches of facts of a path, in order.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    batches: Vec<(Nanos, Vec<Fact>)>,
}

impl Observer for Recording {
    fn see(&mut self, time: Nanos, facts: &[Fact]) {
        self.batches.push((time, facts.to_vec()));
    }
}

impl Recording {
    #[must_use]
    pub fn batches(&self) -> &[(Nanos, Vec<Fact>)] {
        &self.batches
    }

    /// Accounts that something happened to after the opening: a breach, an order, a trade, ADL.
    #[must_use]
    pub fn touched(&self) -> BTreeSet<AccountId> {
        let mut touched = BTreeSet::new();
        for fact in self.batches.iter().flat_map(|(_, facts)| facts) {
            match *fact {
                Fact::Breached { account, .. }
                | Fact::OrderOpened { account, .. }
                | Fact::OrderDropped { account, .. }
                | Fact::Acted { account, .. }
                | Fact::Deleveraged { account, .. } => {
                    touched.insert(account);
                }
                Fact::Traded { party: Party::Trader(account), via, .. } if via != Via::Opening => {
                    touched.insert(account);
                }
                _ => {}
            }
        }
        touched
    }

    /// Writes the log in the JSON form of [`Trace`], without the openings of accounts that nothing happened to where
    /// there are more than a thousand accounts.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_log<W: Write>(
        &self,
        out: W,
        legend: &Legend,
        seed: u64,
        row: &Outcome,
        touched: &BTreeSet<AccountId>,
    ) -> io::Result<W> {
        let mut trace = Trace::new(out, Format::Json, legend.clone());
        trace.begin(row.path, seed);
        let openings = self.batches.first().map_or(0, |(_, facts)| {
            facts
                .iter()
                .filter(|fact| matches!(fact, Fact::Traded { party: Party::Trader(_), via: Via::Opening, .. }))
                .count()
        });
        let kept = |fact: &&Fact| match **fact {
            Fact::Traded { party: Party::Trader(account), via: Via::Opening, .. }
            | Fact::Posted { from: Party::World, to: Party::Trader(account), why: Why::Deposit, .. } => {
                openings <= SMALL || touched.contains(&account)
            }
            _ => true,
        };
        for (time, facts) in &self.batches {
            let facts: Vec<Fact> = facts.iter().filter(kept).copied().collect();
            trace.see(*time, &facts);
        }
        trace.finish(row)
    }
}
