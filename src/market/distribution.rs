//! Distributions of account attributes, each by its inverse distribution function.

use std::fmt::Debug;

use crate::registry::{Entry, EntryInfo, Family, FamilyInfo};

mod aged_entry;
mod cumulative;
mod discrete;
mod empirical;
mod fixed;
mod lognormal;
mod lognormal_pareto;
mod mixture;
mod normal;
mod pareto;
mod uniform;

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

    /// P(X ≤ x), the inverse of [`Distribution::quantile`]: a mixture asks its parts. Kinds that know it in closed form say so;
    /// otherwise it is searched for, in 53 quantiles.
    fn share_at_most(&self, x: f64) -> f64 {
        searched_share(self, x)
    }

    /// The least and the greatest value it can take.
    fn support(&self) -> (f64, f64);
}

/// All distributions. One line a distribution.
pub const DISTRIBUTIONS: Family<dyn Distribution> = Family {
    info: &DISTRIBUTION_INFO,
    entries: &[
        fixed::ENTRY,
        uniform::ENTRY,
        normal::ENTRY,
        lognormal::ENTRY,
        pareto::ENTRY,
        lognormal_pareto::ENTRY,
        aged_entry::ENTRY,
        discrete::ENTRY,
        empirical::ENTRY,
        mixture::ENTRY,
    ],
};

pub static DISTRIBUTION_INFO: FamilyInfo = FamilyInfo {
    name: "distribution",
    about: "What values an attribute takes, in the unit of the key that it stands under.",
    entries: || DISTRIBUTIONS.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: Some(("fixed", "value")),
    bare_kind: false,
};

/// The greatest share whose quantile is at most `x`, by bisection to the last of the 53 bits of a uniform.
fn searched_share<D: Distribution + ?Sized>(distribution: &D, x: f64) -> f64 {
    let (least, greatest) = distribution.support();
    if x >= greatest {
        return 1.0;
    }
    if x < least {
        return 0.0;
    }
    let (mut within, mut beyond) = (0.0, 1.0);
    for _ in 0..53 {
        let middle = 0.5 * (within + beyond);
        if distribution.quantile(middle) <= x {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    within
}

/// Uniforms of a column of words, for the distributions that work on whole columns.
fn fill_uniforms(words: &[u64], values: &mut [f64]) {
    for (value, &word) in values.iter_mut().zip(words) {
        *value = crate::rng::open_unit(word);
    }
}

#[cfg(test)]
mod tests;
