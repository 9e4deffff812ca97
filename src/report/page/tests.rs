//! The page of synthetic folders.
