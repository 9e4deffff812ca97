//! One list of keys for everything a user can write.
//!
//! Every section of a scenario and every plug-in declares its keys once, as data ([`Key`]). From that one list come
//! the typed reading with all faults at once, "did you mean", the defaults, the JSON schema, `flashcrash list` and
//! `docs/reference.md`. A plug-in is an [`Entry`]: its kind, its meaning, its keys and its constructor; a family of
//! plug-ins is a slice of entries.

mod preset;
mod schema;
mod setting;
mod written;

pub(crate) use preset::preset_choices;
pub use preset::preset_source;
pub use schema::{definitions, family_schema, schema};
pub use setting::{Setting, parse_with};
pub use written::{Node, Raw, Word};

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::fault::{Fault, Faults, Place, Severity, Source, did_you_mean};
use crate::money::{Cash, Nanos, Quantum, Ratio};

// ---------------------------------------------------------------------------------------------- as declared

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

// ---------------------------------------------------------------------------------------------- reading

/// The state of reading one scenario: where faults point, where files lie, what was read, what is wrong so far.
#[derive(Debug)]
pub struct Reading {
    pub source: Arc<Source>,
    /// The folder that relative file names start from.
    pub base: PathBuf,
    pub faults: Faults,
    /// Every file that the scenario refers to, for its hash.
    pub files: Vec<Arc<Source>>,
    /// The settlement currency's smallest unit, once it is known, for plug-ins that take amounts of money.
    pub cash_unit: Option<Quantum>,
}

impl Reading {
    #[must_use]
    pub fn new(source: Arc<Source>, base: &Path) -> Self {
        Self { source, base: base.to_owned(), faults: Faults::default(), files: Vec::new(), cash_unit: None }
    }

    /// Notes an error at a place of the scenario.
    pub fn fault(&mut self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let source = Arc::clone(&self.source);
        self.fault_in(source, span, message, hint);
    }

    /// Notes an error at a place of another file.
    pub fn fault_in(
        &mut self,
        source: Arc<Source>,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.note(Severity::Error, source, span, message.into(), hint.into());
    }

    /// Notes something doubtful that does not stop a run.
    pub fn warn(&mut self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Warning, Arc::clone(&self.source), span, message.into(), hint.into());
    }

    fn note(&mut self, severity: Severity, source: Arc<Source>, span: &Range<usize>, message: String, hint: String) {
        // What is written once may be read for several groups of a preset.
        let same = |known: &Fault| {
            known.message == message
                && known
                    .place
                    .as_ref()
                    .is_some_and(|at| at.span == *span && !span.is_empty() && at.source.name == source.name)
        };
        if self.faults.iter().any(same) {
            return;
        }
        self.faults.push(Fault { severity, message, place: Some(Place { source, span: span.clone() }), hint });
    }

    /// An amount in whole cash units, rounded down; `None`, with a fault, where it is beyond what can be held, and
    /// without one where the cash unit itself is not sound.
    pub fn cash_floor(&mut self, values: &Values, key: &str) -> Option<Cash> {
        let amount = values.decimal(key);
        let cash = self.cash_unit?.floor(amount).map(Cash);
        if cash.is_none() {
            self.fault(
                &values.span(key),
                format!("`{key}` of {amount} is beyond what can be held"),
                "take a coarser `cash_unit`",
            );
        }
        cash
    }

    fn open(&mut self, node: &Node, name: &str) -> Option<Arc<Source>> {
        let path = self.base.join(name);
        match std::fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => {
                let file = Arc::new(Source { name: name.to_owned(), text });
                self.files.push(Arc::clone(&file));
                Some(file)
            }
            Ok(Err(_)) => {
                self.fault(&node.span, format!("`{name}` is not a UTF-8 text"), "a CSV file is expected here");
                None
            }
            Err(cause) => {
                let hint = format!("file names start from the folder of the scenario, {}", self.base.display());
                self.fault(&node.span, format!("cannot read `{name}`: {cause}"), hint);
                None
            }
        }
    }
}

/// A checked value of a key.
#[derive(Clone, Debug)]
enum Value {
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
    found: Vec<(&'static str, Range<usize>, Value)>,
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

/// Reads a table against its keys. Every fault is noted; `None` where any of them leaves a key without a value.
pub fn read(node: &Node, keys: &'static [Key], what: &str, reading: &mut Reading) -> Option<Values> {
    read_ignoring(node, keys, what, &[], reading)
}

/// Reads a table against its keys and keeps what is sound, so that rules between keys can still be checked beside the
/// faults already noted. `None` only where it is no table. Keys that are not sound are absent: use the `maybe_` forms.
pub fn read_partly(node: &Node, keys: &'static [Key], what: &str, reading: &mut Reading) -> Option<Values> {
    read_known(node, keys, what, &[], reading)
}

fn read_ignoring(
    node: &Node,
    keys: &'static [Key],
    what: &str,
    ignore: &[&str],
    reading: &mut Reading,
) -> Option<Values> {
    let errors = |reading: &Reading| reading.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let before = errors(reading);
    let values = read_known(node, keys, what, ignore, reading)?;
    (errors(reading) == before).then_some(values)
}

fn read_known(node: &Node, keys: &'static [Key], what: &str, ignore: &[&str], reading: &mut Reading) -> Option<Values> {
    let Raw::Table(entries) = &node.raw else {
        reading.fault(&node.span, format!("{what} must be a table, not {}", node.what()), String::new());
        return None;
    };
    let mut meant: Vec<&str> = Vec::new();
    for (word, _) in entries {
        let known = |key: &&Key| key.name == word.text;
        if keys.iter().any(|key| known(&key)) || ignore.contains(&word.text.as_str()) {
            continue;
        }
        let hint = match did_you_mean(&word.text, keys.iter().map(|key| key.name)) {
            Some(near) => {
                meant.push(near);
                format!("did you mean `{near}`?")
            }
            None if keys.is_empty() => format!("{what} has no keys"),
            None => {
                let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                format!("{what} has the keys {}", names.join(", "))
            }
        };
        reading.fault(&word.span, format!("unknown key `{}` in {what}", word.text), hint);
    }
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        match (node.get(key.name), key.need) {
            (Some(written), _) => {
                if let Some(value) = check(written, key.shape, key.name, reading) {
                    found.push((key.name, written.span.clone(), value));
                }
            }
            (None, Need::Default(literal)) => {
                let value = default_value(literal, key, reading);
                found.push((key.name, node.span.clone(), value));
            }
            (None, Need::Optional) => {}
            // One slip of the pen is one fault.
            (None, Need::Required) if meant.contains(&key.name) => {}
            (None, Need::Required) => {
                let (part, hint) = match key.shape {
                    Shape::Table(_) | Shape::List(Shape::Table(_)) => ("table", format!("add {}", key.about)),
                    shape => ("key", format!("add `{} = …`: {}; {}", key.name, key.about, shape.expects())),
                };
                reading.fault(&node.span, format!("{what} lacks the {part} `{}`", key.name), hint);
            }
        }
    }
    Some(Values { span: node.span.clone(), found })
}

/// A default goes through the same checks as what a user writes.
fn default_value(literal: &'static str, key: &Key, reading: &mut Reading) -> Value {
    let source = Arc::new(Source { name: format!("default of `{}`", key.name), text: format!("x = {literal}") });
    let mut inner = Reading::new(Arc::clone(&source), &reading.base);
    let table = Node::parse(&source, &mut inner.faults);
    let node = table.get("x").unwrap_or_else(|| panic!("default of `{}` is not TOML: {literal}", key.name));
    let value = check(node, key.shape, key.name, &mut inner);
    value.unwrap_or_else(|| panic!("default of `{}` is not valid: {literal}", key.name))
}

fn check(node: &Node, shape: Shape, name: &str, reading: &mut Reading) -> Option<Value> {
    let wrong = |reading: &mut Reading| {
        let found = match &node.raw {
            Raw::Number(literal) => literal.clone(),
            Raw::Text(text) => format!("\"{text}\""),
            _ => node.what().to_owned(),
        };
        let quoted = matches!(&node.raw, Raw::Text(text) if float(text).is_some());
        let numeric = !matches!(shape, Shape::Text | Shape::File | Shape::Choice(_) | Shape::Time { .. });
        let bare = if quoted && numeric { "; write the number without quotes" } else { "" };
        reading.fault(&node.span, format!("`{name}` cannot be {found}"), format!("it takes {}{bare}", shape.expects()));
        None
    };
    match (shape, &node.raw) {
        (Shape::Number { min, max, .. }, Raw::Number(literal)) => match float(literal) {
            Some(x) if x >= min && x <= max => Some(Value::Number(x)),
            _ => wrong(reading),
        },
        (Shape::Positive { .. }, Raw::Number(literal)) => match float(literal) {
            Some(x) if x > 0.0 => Some(Value::Number(x)),
            _ => wrong(reading),
        },
        (Shape::Share { min, max }, Raw::Number(_) | Raw::Text(_)) => match share(&node.raw) {
            Some(x) if x >= min && x <= max => Some(Value::Number(x)),
            _ => wrong(reading),
        },
        (Shape::Amount { .. }, Raw::Number(literal)) => match decimal(literal) {
            Some(x) if x >= Decimal::ZERO => Some(Value::Decimal(x)),
            _ => wrong(reading),
        },
        (Shape::PositiveAmount { .. }, Raw::Number(literal)) => match decimal(literal) {
            Some(x) if x > Decimal::ZERO => Some(Value::Decimal(x)),
            _ => wrong(reading),
        },
        (Shape::Count { min, max }, Raw::Number(literal)) => {
            match decimal(literal).filter(Decimal::is_integer).and_then(|x| x.to_i64()) {
                Some(x) if x >= min && x <= max => Some(Value::Count(x)),
                _ => wrong(reading),
            }
        }
        (Shape::Time { min }, Raw::Text(text)) => match time(text) {
            Some(x) if x >= min => Some(Value::Time(x)),
            _ => wrong(reading),
        },
        (Shape::Flag, Raw::Flag(flag)) => Some(Value::Flag(*flag)),
        (Shape::Text, Raw::Text(text)) if !text.is_empty() => Some(Value::Text(text.clone())),
        (Shape::File, Raw::Text(text)) if !text.is_empty() => reading.open(node, text).map(Value::File),
        (Shape::Choice(words), Raw::Text(text)) => {
            if words.iter().any(|(word, _)| word == text) {
                return Some(Value::Text(text.clone()));
            }
            match did_you_mean(text, words.iter().map(|(word, _)| *word)) {
                Some(near) => reading.fault(
                    &node.span,
                    format!("`{name}` cannot be \"{text}\""),
                    format!("did you mean \"{near}\"?"),
                ),
                None => return wrong(reading),
            }
            None
        }
        (Shape::List(of), Raw::List(items)) => {
            let checked: Vec<Option<Value>> = items.iter().map(|item| check(item, *of, name, reading)).collect();
            let spans = items.iter().map(|item| item.span.clone());
            let values: Option<Vec<Value>> = checked.into_iter().collect();
            Some(Value::List(spans.zip(values?).collect()))
        }
        (Shape::Table(keys), Raw::Table(_)) => read_partly(node, keys, &format!("`{name}`"), reading).map(Value::Table),
        (Shape::Plugin(family) | Shape::PluginWith(family, _), raw) => match raw {
            Raw::Table(_) => Some(Value::Node(node.clone())),
            Raw::Text(_) if family.bare_kind => Some(Value::Node(node.clone())),
            Raw::Number(_) if family.shorthand.is_some() => Some(Value::Node(node.clone())),
            _ => wrong(reading),
        },
        _ => wrong(reading),
    }
}

fn float(literal: &str) -> Option<f64> {
    literal.replace('_', "").parse::<f64>().ok().filter(|x| x.is_finite())
}

/// The decimal that a literal says, exactly; exponents are taken too.
fn decimal(literal: &str) -> Option<Decimal> {
    let plain = literal.replace('_', "");
    if plain.contains(['e', 'E']) {
        Decimal::from_scientific(&plain).ok()
    } else {
        Decimal::from_str_exact(plain.trim_start_matches('+')).ok()
    }
}

fn share(raw: &Raw) -> Option<f64> {
    match raw {
        Raw::Number(literal) => float(literal),
        Raw::Text(text) => float(text.trim().strip_suffix('%')?.trim()).map(|x| x / 100.0),
        _ => None,
    }
}

/// `"250 ms"`, `"1.5 h"`: exact to the nanosecond.
fn time(text: &str) -> Option<Nanos> {
    const UNITS: [(&str, i64); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("min", 60_000_000_000),
        ("s", 1_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ];
    let text = text.trim();
    let (unit, nanos) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = decimal(text.strip_suffix(unit)?.trim())?;
    let total = number.checked_mul(Decimal::from(nanos))?;
    (total.is_integer() && total >= Decimal::ZERO).then(|| total.to_i64()).flatten().map(Nanos)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Paint;
    use rust_decimal::dec;

    const KEYS: &[Key] = &[
        Key {
            name: "depth",
            shape: Shape::Positive { unit: "USDT" },
            need: Need::Required,
            about: "depth of one side",
        },
        Key {
            name: "kappa",
            shape: Shape::Number { unit: "", min: 0.5, max: 4.0 },
            need: Need::Default("1.16"),
            about: "exponent",
        },
        Key {
            name: "half_life",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Default("\"60 s\""),
            about: "decay",
        },
        Key { name: "fee", shape: Shape::Share { min: 0.0, max: 1.0 }, need: Need::Optional, about: "fee" },
        Key { name: "fund", shape: Shape::Amount { unit: "USDT" }, need: Need::Optional, about: "fund" },
    ];

    fn reading(text: &str) -> (Option<Values>, Reading) {
        let source = Arc::new(Source { name: "x.toml".into(), text: text.into() });
        let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
        let node = Node::parse(&source, &mut reading.faults);
        let values = read(&node, KEYS, "the book", &mut reading);
        (values, reading)
    }

    #[test]
    fn values_are_typed_exact_and_defaulted() {
        let (values, reading) = reading("depth = 122_000_000\nfee = \"0.05 %\"\nfund = 0.1\n");
        let values = values.unwrap();
        assert!(reading.faults.is_empty());
        assert_eq!(values.number("depth"), 122e6);
        assert_eq!(values.number("kappa"), 1.16);
        assert_eq!(values.time("half_life"), Nanos(60_000_000_000));
        assert_eq!(values.ratio("fee"), Ratio(500_000));
        assert_eq!(values.decimal("fund"), dec!(0.1));
        assert!(!values.has("nothing"));
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let (values, reading) = reading("dept = 1\nkappa = 9\nhalf_life = 60\nfee = \"x\"\nfund = -1\n");
        assert!(values.is_none());
        assert_eq!(reading.faults.len(), 5);
        let text = reading.faults.render(Paint::Plain);
        assert!(text.contains("did you mean `depth`?"), "{text}");
        assert!(text.contains("x.toml:2:9"), "{text}");
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(time("250 ms"), Some(Nanos(250_000_000)));
        assert_eq!(time("1.5 h"), Some(Nanos(5_400_000_000_000)));
        assert_eq!(time("2min"), Some(Nanos(120_000_000_000)));
        assert_eq!(time("1"), None);
        assert_eq!(time("-1 s"), None);
        assert_eq!(time("0.1 ns"), None);
    }
}
