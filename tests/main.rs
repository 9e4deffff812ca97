//! One integration binary, a module per concern.

mod documents;
mod faults;
