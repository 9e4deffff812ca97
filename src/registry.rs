//! One list of keys for everything a user can write.
//!
//! Every section of a scenario and every plug-in declares its keys once, as data ([`Key`]). From that one list come
//! the typed reading with all faults at once, "did you mean", the defaults, the JSON schema, `flashcrash list` and
//! `docs/reference.md`. A plug-in is an [`Entry`]: its kind, its meaning, its keys and its constructor; a family of
//! plug-ins is a slice of entries.

mod preset;
mod reading;
mod schema;
mod setting;
mod values;
mod written;

pub(crate) use preset::preset_choices;
pub use preset::preset_source;
pub use reading::{Reading, read, read_partly};
pub use schema::{definitions, family_schema, schema};
pub use setting::{Part, Setting, parse_with, placed, setting_at};
pub use values::Values;
pub use written::{Node, Raw, Word};

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;

use self::reading::read_ignoring;
use crate::fault::{Source, did_you_mean};
use crate::money::{Nanos, Quantum};

/// One key that a user may write.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub need: Need,
    /// What it means, in one line, with its unit.
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Need {
    Required,
    /// May be absent, and then it has no value.
    Optional,
    /// May be absent; then as if this TOML literal were written.
    Default(&'static str),
}

/// What values a key takes. Bounds are inclusive unless the name says otherwise.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A finite float between bounds, in the named unit.
    Number {
        unit: &'static str,
        min: f64,
        max: f64,
    },
    /// A float strictly above zero, in the named unit.
    Positive {
        unit: &'static str,
    },
    /// A share or rate: 0.004 or "0.4 %".
    Share {
        min: f64,
        max: f64,
    },
    /// An exact decimal of zero or more, in the named unit.
    Amount {
        unit: &'static str,
    },
    /// An exact decimal strictly above zero, in the named unit.
    PositiveAmount {
        unit: &'static str,
    },
    /// A whole number between bounds.
    Count {
        min: i64,
        max: i64,
    },
    /// A time: "250 ms", "1 s", "8 h".
    Time {
        min: Nanos,
    },
    Flag,
    Text,
    /// A file beside the scenario; its text is read at once.
    File,
    /// One of some words, each with its meaning.
    Choice(&'static [(&'static str, &'static str)]),
    /// A list of values of one shape.
    List(&'static Shape),
    /// A table with keys of its own.
    Table(&'static [Key]),
    /// A plug-in: a table with `kind`, or a bare number or name where the family has a shorthand.
    Plugin(&'static FamilyInfo),
    /// A plug-in whose table also takes these keys, whatever its kind.
    PluginWith(&'static FamilyInfo, &'static [Key]),
}

impl Shape {
    /// The unit in which a value counts; empty where it has none.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Number { unit, .. }
            | Self::Positive { unit }
            | Self::Amount { unit }
            | Self::PositiveAmount { unit } => unit,
            _ => "",
        }
    }

    /// What would be right, in words: the tail of a hint and a cell of the reference.
    #[must_use]
    pub fn expects(self) -> String {
        let with = |unit: &str| if unit.is_empty() { String::new() } else { format!(" ({unit})") };
        match self {
            Self::Number { unit, min, max } => match (min.is_finite(), max.is_finite()) {
                (true, true) => format!("a number from {min} to {max}{}", with(unit)),
                (true, false) => format!("a number of {min} or more{}", with(unit)),
                (false, true) => format!("a number of {max} or less{}", with(unit)),
                (false, false) => format!("a number{}", with(unit)),
            },
            Self::Positive { unit } => format!("a number above 0{}", with(unit)),
            Self::Share { min, max } => format!("a share from {min} to {max}, as 0.05 or \"5 %\""),
            Self::Amount { unit } => format!("an amount of 0 or more{}", with(unit)),
            Self::PositiveAmount { unit } => format!("an amount above 0{}", with(unit)),
            Self::Count { min, max } if max == i64::MAX => format!("a whole number of {min} or more"),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Time { min: Nanos(1) } => "a time above 0, as \"250 ms\", \"1 s\", \"8 h\"".into(),
            Self::Time { min } if min.0 > 0 => format!("a time of at least {min}, as \"250 ms\", \"1 s\", \"8 h\""),
            Self::Time { .. } => "a time, as \"250 ms\", \"1 s\", \"8 h\"".into(),
            Self::Flag => "true or false".into(),
            Self::Text => "text".into(),
            Self::File => "a file name".into(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::List(of) => format!("a list, each {}", of.expects()),
            Self::Table(_) => "a table".into(),
            Self::Plugin(family) | Self::PluginWith(family, _) => family.expects(),
        }
    }
}

/// The face of a family: enough to document it, without its constructors.
#[derive(Debug)]
pub struct FamilyInfo {
    /// As in "unknown price process".
    pub name: &'static str,
    pub about: &'static str,
    pub entries: fn() -> Vec<EntryInfo>,
    /// The kind and key that a bare value stands for: `leverage = 10` for `{ kind = "fixed", value = 10 }`.
    pub shorthand: Option<(&'static str, &'static str)>,
    /// Whether a bare text is a kind without keys: `mark = "index"`.
    pub bare_kind: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct EntryInfo {
    pub kind: &'static str,
    pub about: &'static str,
    pub keys: &'static [Key],
}

impl FamilyInfo {
    fn expects(&self) -> String {
        let kinds: Vec<&str> = (self.entries)().iter().map(|entry| entry.kind).collect();
        let mut text = format!("a {} {{ kind = … }}, one of {}", self.name, kinds.join(", "));
        if let Some((kind, _)) = self.shorthand {
            let _ = write!(text, "; a bare value means kind = \"{kind}\"");
        }
        text
    }
}

/// A plug-in of the family `T`: one kind a user can choose.
pub struct Entry<T: ?Sized + 'static> {
    pub kind: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    pub keys: &'static [Key],
    /// Builds it from values that already satisfy `keys`; what only it can check goes to the reading as faults.
    pub build: fn(&Values, &mut Reading) -> Option<Box<T>>,
}

impl<T: ?Sized> Entry<T> {
    #[must_use]
    pub const fn info(&self) -> EntryInfo {
        EntryInfo { kind: self.kind, about: self.about, keys: self.keys }
    }

    /// The plug-in with all its defaults, for tests.
    ///
    /// # Panics
    /// Where a key is required.
    #[must_use]
    pub fn build_default(&self) -> Box<T> {
        let source = Arc::new(Source { name: self.kind.to_owned(), text: String::new() });
        let mut reading = Reading::new(source, Path::new("."));
        reading.cash_unit = Quantum::new(Decimal::ONE);
        let empty = Node { span: 0..0, raw: Raw::Table(Vec::new()) };
        let values = read(&empty, self.keys, self.kind, &mut reading).expect("every key has a default");
        (self.build)(&values, &mut reading).expect("the defaults are valid")
    }
}

/// A family's list: each name is a file beside the list, declared as a module, whose `ENTRY` is entered. So a plug-in is one
/// file and one line. (`cargo fmt` does not look behind it: `.ci/run` formats these files by name.)
macro_rules! plug_ins {
    ($(#[$meta:meta])* $list:ident: $of:ty, $info:expr, [$($name:ident),+ $(,)?]) => {
        $(mod $name;)+

        $(#[$meta])*
        pub const $list: $crate::registry::Family<$of> =
            $crate::registry::Family { info: $info, entries: &[$($name::ENTRY),+] };
    };
}
pub(crate) use plug_ins;

/// A family of plug-ins: its face and its constructors.
pub struct Family<T: ?Sized + 'static> {
    pub info: &'static FamilyInfo,
    pub entries: &'static [Entry<T>],
}

impl<T: ?Sized> Family<T> {
    /// Builds the plug-in that a node asks for: a table with `kind`, or the family's shorthand.
    pub fn choose(&self, node: &Node, reading: &mut Reading) -> Option<Box<T>> {
        let family = self.info;
        if let (Raw::Number(_), Some((kind, key))) = (&node.raw, family.shorthand) {
            let word = Word { text: key.to_owned(), span: node.span.clone() };
            let table = Node { span: node.span.clone(), raw: Raw::Table(vec![(word, node.clone())]) };
            return self.build(kind, &table, &node.span, reading);
        }
        if let (Raw::Text(kind), true) = (&node.raw, family.bare_kind) {
            let table = Node { span: node.span.clone(), raw: Raw::Table(Vec::new()) };
            return self.build(kind, &table, &node.span, reading);
        }
        match node.get("kind") {
            None => {
                reading.fault(&node.span, format!("this {} lacks the key `kind`", family.name), family.expects());
                None
            }
            Some(Node { raw: Raw::Text(kind), span }) => self.build(kind, node, span, reading),
            Some(other) => {
                reading.fault(&other.span, format!("`kind` cannot be {}", other.what()), family.expects());
                None
            }
        }
    }

    fn build(&self, kind: &str, table: &Node, at: &Range<usize>, reading: &mut Reading) -> Option<Box<T>> {
        let name = self.info.name;
        let Some(entry) = self.entries.iter().find(|entry| entry.kind == kind) else {
            let hint = match did_you_mean(kind, self.entries.iter().map(|entry| entry.kind)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => self.info.expects(),
            };
            reading.fault(at, format!("unknown {name} \"{kind}\""), hint);
            return None;
        };
        let what = format!("{name} \"{kind}\"");
        let values = read_ignoring(table, entry.keys, &what, &["kind"], reading)?;
        (entry.build)(&values, reading)
    }
}
