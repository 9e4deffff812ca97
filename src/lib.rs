//! `flashcrash`: a discrete-event Monte Carlo simulator of flash crashes on perpetual-futures exchanges.
#![forbid(unsafe_code)]

pub mod facts;
pub mod fault;
pub mod market;
pub mod money;
pub mod registry;
pub mod rng;
pub mod scenario;
pub mod sim;
pub mod traders;
pub mod venue;
