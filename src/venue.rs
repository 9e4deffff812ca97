//! The venue: a pure, deterministic state machine over exact money.

pub mod adl;
pub mod liquidation;
pub mod margin;
pub mod rules;
