//! Monte Carlo: from the outcomes of many paths to estimates.

pub mod summary;
