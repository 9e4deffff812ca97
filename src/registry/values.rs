//! The checked values of a table, each by its type.

use std::ops::Range;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Key, Need, Node};
use crate::fault::Source;
use crate::money::{Nanos, Ratio};

/// A checked value of a key.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(f64),
    Decimal(Decimal),
    Count(i64),
    Time(Nanos),
    Flag(bool),
    Text(String),
    File(Arc<Source>),
    List(Vec<(Range<usize>, Value)>),
    Table(Values),
    Node(Node),
}

/// The checked values of one table. Asking for a key that its list does not declare, or by another type, is a
/// programming error and panics; what a user writes never does.
#[derive(Clone, Debug)]
pub struct Values {
    /// The whole table (or its header), for faults that concern several keys.
    pub span: Range<usize>,
    pub(super) found: Vec<(&'static str, Range<usize>, Value)>,
}

macro_rules! getter {
    ($(#[$meta:meta])* $name:ident, $maybe:ident, $variant:ident, $type:ty) => {
        $(#[$meta])*
        ///
        /// # Panics
        /// Where the key is optional and absent, undeclared or of another shape: use the `maybe_` form for optional keys.
        #[must_use]
        pub fn $name(&self, key: &str) -> $type {
            self.$maybe(key).unwrap_or_else(|| panic!("key `{key}` is declared without a value"))
        }

        /// The same where the key is optional.
        ///
        /// # Panics
        /// Where the key has another shape.
        #[must_use]
        pub fn $maybe(&self, key: &str) -> Option<$type> {
            match self.find(key) {
                None => None,
                Some((_, Value::$variant(value))) => Some(value.clone()),
                Some(_) => panic!("key `{key}` is declared with another shape"),
            }
        }
    };
}

impl Values {
    fn find(&self, key: &str) -> Option<(&Range<usize>, &Value)> {
        self.found.iter().find(|(name, _, _)| *name == key).map(|(_, span, value)| (span, value))
    }

    getter!(/// A number, positive number or share as a float.
        number, maybe_number, Number, f64);
    getter!(/// An exact amount.
        decimal, maybe_decimal, Decimal, Decimal);
    getter!(/// A whole number.
        count, maybe_count, Count, i64);
    getter!(/// A time.
        time, maybe_time, Time, Nanos);
    getter!(/// A switch.
        flag, maybe_flag, Flag, bool);
    getter!(/// A text or chosen word.
        text, maybe_text, Text, String);
    getter!(/// A file that was read.
        file, maybe_file, File, Arc<Source>);
    getter!(/// A table with keys of its own.
        table, maybe_table, Table, Values);
    getter!(/// A plug-in as written, for [`Family::choose`].
        node, maybe_node, Node, Node);

    /// A share exactly, in billionths.
    #[must_use]
    pub fn ratio(&self, key: &str) -> Ratio {
        ratio_of(self.number(key))
    }

    /// A list of numbers with their places.
    #[must_use]
    pub fn numbers(&self, key: &str) -> Vec<(Range<usize>, f64)> {
        self.list(key, |value| match value {
            Value::Number(x) => Some(*x),
            _ => None,
        })
    }

    /// A list of exact amounts with their places.
    #[must_use]
    pub fn decimals(&self, key: &str) -> Vec<(Range<usize>, Decimal)> {
        self.list(key, |value| match value {
            Value::Decimal(x) => Some(*x),
            _ => None,
        })
    }

    /// A list of texts with their places.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<(Range<usize>, String)> {
        self.list(key, |value| match value {
            Value::Text(x) => Some(x.clone()),
            _ => None,
        })
    }

    /// A list of plug-ins as written, for [`Family::choose`].
    #[must_use]
    pub fn nodes(&self, key: &str) -> Vec<Node> {
        let nodes = self.list(key, |value| if let Value::Node(node) = value { Some(node.clone()) } else { None });
        nodes.into_iter().map(|(_, node)| node).collect()
    }

    /// A list of tables.
    #[must_use]
    pub fn tables(&self, key: &str) -> Vec<Values> {
        self.list(key, |value| match value {
            Value::Table(x) => Some(x.clone()),
            _ => None,
        })
        .into_iter()
        .map(|(_, table)| table)
        .collect()
    }

    /// A list of lists of numbers (a matrix), row by row with the place of each row.
    #[must_use]
    pub fn rows(&self, key: &str) -> Vec<(Range<usize>, Vec<f64>)> {
        self.list(key, |value| match value {
            Value::List(row) => {
                row.iter().map(|(_, x)| if let Value::Number(x) = x { Some(*x) } else { None }).collect()
            }
            _ => None,
        })
    }

    /// The elements of a list that is empty where the key is absent.
    fn list<T>(&self, key: &str, take: impl Fn(&Value) -> Option<T>) -> Vec<(Range<usize>, T)> {
        match self.find(key) {
            None => Vec::new(),
            Some((_, Value::List(items))) => items
                .iter()
                .map(|(span, item)| {
                    let item = take(item).unwrap_or_else(|| panic!("list `{key}` is declared with another shape"));
                    (span.clone(), item)
                })
                .collect(),
            Some(_) => panic!("key `{key}` is not a list"),
        }
    }

    /// Where a key stands; the table itself where it was left to its default.
    #[must_use]
    pub fn span(&self, key: &str) -> Range<usize> {
        self.find(key).map_or_else(|| self.span.clone(), |(span, _)| span.clone())
    }

    /// Whether every one of these keys that needs a value has one: what was read partly may lack some.
    #[must_use]
    pub fn is_whole(&self, keys: &[Key]) -> bool {
        keys.iter().all(|key| matches!(key.need, Need::Optional) || self.has(key.name))
    }

    /// Whether the key has a value, written or by default.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }
}

fn ratio_of(x: f64) -> Ratio {
    // Shares are read as floats of at most 15 digits; the nearest billionth is what was written.
    Ratio(crate::money::Price::nearest(x * 1e9).map_or(0, |p| p.0))
}
