//! One path, from its number to its row: clock, market, venue, and who watches.
//!
//! Three observers see every fact. [`audit::Audit`] rebuilds the ledger and proves that no money was made or lost,
//! [`tally::Tally`] counts the row of `paths.csv`, and [`trace::Trace`] writes the log.

pub mod audit;
mod fill;
pub mod leg;
pub mod path;
mod people;
pub mod stage;
pub mod tally;
pub mod tilt;
pub mod trace;

#[cfg(test)]
mod worked;
