//! Reading a table against its keys: every fault noted with its place, every sound value typed.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::values::{Value, Values};
use super::{Key, Need, Node, Raw, Shape};
use crate::fault::{Fault, Faults, Place, Severity, Source, did_you_mean, text_of};
use crate::money::{Cash, Nanos, Quantum};

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
        match std::fs::read(&path).map(text_of) {
            Ok(Ok(text)) => {
                let file = Arc::new(Source { name: name.to_owned(), text });
                self.files.push(Arc::clone(&file));
                Some(file)
            }
            Ok(Err(wrong)) => {
                self.fault(&node.span, format!("`{name}`: {wrong}"), "a CSV file is expected here: save it as UTF-8");
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

/// Reads a table against its keys. Every fault is noted; `None` where any of them leaves a key without a value.
pub fn read(node: &Node, keys: &'static [Key], what: &str, reading: &mut Reading) -> Option<Values> {
    read_ignoring(node, keys, what, &[], reading)
}

/// Reads a table against its keys and keeps what is sound, so that rules between keys can still be checked beside the
/// faults already noted. `None` only where it is no table. Keys that are not sound are absent: use the `maybe_` forms.
pub fn read_partly(node: &Node, keys: &'static [Key], what: &str, reading: &mut Reading) -> Option<Values> {
    read_known(node, keys, what, &[], reading)
}

pub(super) fn read_ignoring(
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
        let seconds = match (shape, &node.raw) {
            (Shape::Plugin(family) | Shape::PluginWith(family, _), Raw::Text(text)) if family.shorthand.is_some() => {
                time(text)
            }
            _ => None,
        };
        let hint = match seconds {
            // What a distribution draws is a plain number, also where it is a time.
            Some(time) => {
                let number = time.to_string();
                format!(
                    "a distribution counts seconds: write {}, without quotes and unit",
                    number.trim_end_matches(" s")
                )
            }
            None => format!("it takes {}{bare}", shape.expects()),
        };
        reading.fault(&node.span, format!("`{name}` cannot be {found}"), hint);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Paint;
    use crate::money::Ratio;
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
