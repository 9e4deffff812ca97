//! One integration binary, a module per concern.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::float_cmp)]

mod addressed;
mod audited;
mod commands;
mod conformance;
mod determinism;
mod feedback;
mod folders;
mod golden;
mod lab;
mod traces;
mod worked;

mod architecture;
mod conformance_venues;
mod documents;
mod faults;
mod fuzz;
mod studies;
