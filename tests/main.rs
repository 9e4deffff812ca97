//! One integration binary, a module per concern.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::float_cmp)]

mod architecture;
mod documents;
mod faults;
mod report;
