//! Distributions of account attributes, each by its inverse distribution function.

use std::fmt::Debug;

use crate::registry::{Entry, EntryInfo, Family, FamilyInfo};

/// A distribution of a positive or signed attribute. One uniform makes one draw, so that every draw has an address.
pub trait Distribution: Send + Sync + Debug {
    /// The value below which a share `u` in (0, 1) lies.
    fn quantile(&self, u: f64) -> f64;

    /// `values[i] = quantile(open_unit(words[i]))` for a whole column.
    fn fill(&self, words: &[u64], values: &mut [f64]) {
        for (value, &word) in values.iter_mut().zip(words) {
            *value = self.quantile(crate::rng::open_unit(word));
        }
    }

    /// The least and the greatest value it can take.
    fn support(&self) -> (f64, f64);
}
