//! What the outside world does to a contract: the index, the book that forced orders push, the mark.
//!
//! Everything here is `f64` and knows nothing of accounts. Each family of plug-ins is a trait with a list; a plug-in
//! is one file with its keys, formula, source and tests, and one line in the list.

pub mod book;
mod columns;
pub mod distribution;
pub mod flow;
pub mod funding;
pub mod index;
pub mod mark;
pub mod math;
pub mod process;
pub mod volatility;
