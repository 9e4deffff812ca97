//! One integration binary, a module per concern.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::float_cmp)]

mod architecture;
mod conformance_venues;
mod documents;
mod faults;
mod position;
mod presets;
