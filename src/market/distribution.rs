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

#[derive(Debug)]
struct Uniform(f64, f64);

impl Distribution for Uniform {
    fn quantile(&self, u: f64) -> f64 {
        self.0 + (self.1 - self.0) * u
    }
    fn support(&self) -> (f64, f64) {
        (self.0, self.1)
    }
}

const ANY: crate::registry::Shape =
    crate::registry::Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY };

pub const DISTRIBUTIONS: Family<dyn Distribution> = Family {
    info: &DISTRIBUTION_INFO,
    entries: &[
        Entry {
            kind: "fixed",
            about: "always the same value",
            keys: &[crate::registry::Key {
                name: "value",
                shape: ANY,
                need: crate::registry::Need::Required,
                about: "the value",
            }],
            build: |v, _| Some(Box::new(Uniform(v.number("value"), v.number("value")))),
        },
        Entry {
            kind: "uniform",
            about: "every value between two bounds equally often",
            keys: &[
                crate::registry::Key {
                    name: "min",
                    shape: ANY,
                    need: crate::registry::Need::Required,
                    about: "least value",
                },
                crate::registry::Key {
                    name: "max",
                    shape: ANY,
                    need: crate::registry::Need::Required,
                    about: "greatest value",
                },
            ],
            build: |v, _| Some(Box::new(Uniform(v.number("min"), v.number("max")))),
        },
    ],
};

pub static DISTRIBUTION_INFO: FamilyInfo = FamilyInfo {
    name: "distribution",
    about: "How an attribute of accounts is distributed.",
    entries: || DISTRIBUTIONS.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: Some(("fixed", "value")),
    bare_kind: false,
};
