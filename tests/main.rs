//! One integration binary, a module per concern.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::float_cmp)]

// Plug-ins that documents print name these as they do in the crate.
use flashcrash::{money, registry};

mod addressed;
mod architecture;
mod attribution;
mod audited;
mod behaviours;
mod book;
mod commands;
mod conformance;
mod conformance_ledger;
mod conformance_venues;
mod conformance_waterfall;
mod contributions;
mod determinism;
mod documents;
mod dynamic_maintenance;
mod extending;
mod faults;
mod feedback;
mod folders;
mod fuzz;
mod golden;
mod lab;
mod laboratories;
mod market;
mod mechanisms;
mod memory;
mod parquet;
mod pictures;
mod position;
mod presets;
mod proofs;
mod rare;
mod readme;
mod reference;
mod report;
mod studies;
mod stylised;
mod traces;
mod worked;
