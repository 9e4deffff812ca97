//! `flashcrash`: a discrete-event Monte Carlo simulator of flash crashes on perpetual-futures exchanges.
#![forbid(unsafe_code)]

pub mod experiment;
pub mod facts;
pub mod fault;
pub mod folder;
pub mod market;
pub mod money;
pub mod registry;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod stats;
pub mod traders;
pub mod venue;
