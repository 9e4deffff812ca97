//! One path, from its number to its row: clock, market, venue, and who watches.

pub mod audit;
mod fill;
pub mod path;
pub mod stage;
pub mod tally;
pub mod trace;
