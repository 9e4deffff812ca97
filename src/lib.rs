//! `flashcrash`: a discrete-event Monte Carlo simulator of flash crashes on perpetual-futures exchanges.
//!
//! The way of a path through the crate: a [`scenario`] file is checked into data; [`sim`] draws an index from
//! [`market`], accounts from [`traders`], runs the clock and carries orders from the [`venue`] to the book and back;
//! what happens is told as [`facts`] to observers. An [`experiment`] runs many paths and sums them up; a [`folder`]
//! keeps the results, and a [`report`] draws them. Money is integers ([`money`]), randomness is addressed ([`rng`]),
//! whatever can be written in a scenario is declared once ([`registry`]), and what is wrong is told with its place
//! ([`fault`]). Beside all that stands a margin calculator, [`position`].
#![forbid(unsafe_code)]
// Standard exp, ln and pow differ between systems, and the order of a std hash map between runs.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]
// Tests compare floats that must be equal to the bit, count with small numbers, and hand over spans that are none.
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        clippy::reversed_empty_ranges
    )
)]

pub mod experiment;
pub mod facts;
pub mod fault;
pub mod folder;
pub mod market;
pub mod money;
pub mod position;
pub mod registry;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod sim;
pub mod stats;
pub mod study;
pub mod traders;
pub mod venue;
