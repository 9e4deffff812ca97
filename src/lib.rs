//! `flashcrash`: a discrete-event Monte Carlo simulator of flash crashes on perpetual-futures exchanges.
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
