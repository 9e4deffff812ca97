//! Keys set beside the file: `--set venue.fund.open=5_000_000`, and the axes of a sweep.
//!
//! A setting is put behind the end of the file as a line of its own. So it is checked like any other key, and a
//! scenario with settings has a hash of its own. Its faults are shown where it was written: in a text named `--set`, whose
//! line n is the n-th setting.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::written::{Node, Raw, Word};
use crate::fault::{Fault, Faults, Place, Severity, Source, did_you_mean};

/// A key by its path, and what is written there in place of the file's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Steps from the root: names of keys, and for lists a number from 0 or the `name` or `symbol` of an entry.
    pub key: String,
    /// A TOML value; what is none counts as text.
    pub literal: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.literal)
    }
}

impl Setting {
    /// Reads `key.path=value`.
    ///
    /// # Errors
    /// A text without `=` or with an empty step.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let wrong = |what: &str| {
            Faults::usage(
                format!("`{text}` {what}"),
                "write a key by its path, `=` and a value, as in `venue.fund.open=5_000_000` or `assets.0.book.kappa=1.2`",
            )
        };
        let (key, literal) = text.split_once('=').ok_or_else(|| wrong("sets nothing"))?;
        let setting = Self { key: key.trim().to_owned(), literal: literal.trim().to_owned() };
        if setting.key.split('.').any(|step| step.trim().is_empty()) {
            return Err(wrong("has an empty step in its path"));
        }
        if setting.literal.is_empty() {
            return Err(wrong("has no value"));
        }
        Ok(setting)
    }

    /// The value with spans from 0, and its text as it is shown.
    fn value(&self) -> (Node, String) {
        let probe = Arc::new(Source { name: String::new(), text: format!("{PROBE}{}", self.literal) });
        let mut faults = Faults::default();
        let table = Node::parse(&probe, &mut faults);
        match table.get("x") {
            Some(node) if !faults.is_fatal() && !self.literal.contains(['\n', '\r', '#']) => {
                let mut node = node.clone();
                shift(&mut node, &|at| at.saturating_sub(PROBE.len()));
                (node, self.literal.clone())
            }
            // A bare word, a share in per cent, a time: text without its quotes.
            _ => {
                let shown = format!("{:?}", self.literal);
                (Node { span: 0..shown.len(), raw: Raw::Text(self.literal.clone()) }, shown)
            }
        }
    }
}

const PROBE: &str = "x = ";

/// What the settings of a scenario are called where faults point at them.
pub const SET: &str = "--set";

/// Which part of a setting a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Key,
    Value,
}

/// Moves faults that lie behind the end of the file to the settings that were put there. `checked` is what
/// [`parse_with`] returned for `file` and `settings`.
#[must_use]
pub fn placed(faults: Faults, file: &Source, checked: &Arc<Source>, settings: &[Setting]) -> Faults {
    if checked.text.len() == file.text.len() {
        return faults;
    }
    let text: String = settings.iter().map(|setting| format!("{setting}\n")).collect();
    let source = Arc::new(Source { name: SET.to_owned(), text });
    let lines = lines(settings, checked.text.len());
    faults.at(|place| {
        let begin = place.span.start;
        let at = lines.iter().rposition(|line| line.start <= begin).filter(|_| Arc::ptr_eq(&place.source, checked))?;
        let (line, setting) = (&lines[at], &settings[at]);
        let start: usize = settings[..at].iter().map(|setting| setting.to_string().len() + 1).sum();
        let value = start + setting.key.len() + 1;
        let span = if begin < line.start + setting.key.len() {
            let shift = |at: usize| start + at.saturating_sub(line.start).min(setting.key.len());
            shift(begin)..shift(place.span.end)
        } else if line.shown == setting.literal {
            let shift = |at: usize| value + at.saturating_sub(line.value).min(setting.literal.len());
            shift(begin)..shift(place.span.end)
        } else {
            value..value + setting.literal.len()
        };
        Some(Place { source: Arc::clone(&source), span })
    })
}

/// The setting that a place of [`placed`] lies in, by its number from 0, and in which part of it.
#[must_use]
pub fn setting_at(place: &Place) -> Option<(usize, Part)> {
    if place.source.name != SET {
        return None;
    }
    let before = place.source.text.get(..place.span.start)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    let part = if line.contains('=') { Part::Value } else { Part::Key };
    Some((before.matches('\n').count(), part))
}

/// A setting as a line behind the end of a file.
struct Line {
    start: usize,
    /// Where its value begins.
    value: usize,
    shown: String,
}

/// The lines of settings that end a text of this length.
fn lines(settings: &[Setting], end: usize) -> Vec<Line> {
    let mut at = end;
    let mut lines: Vec<Line> = settings
        .iter()
        .rev()
        .map(|setting| {
            let (_, shown) = setting.value();
            let head = setting.key.len() + " = ".len();
            at -= head + shown.len() + 1;
            Line { start: at, value: at + head, shown }
        })
        .collect();
    lines.reverse();
    lines
}

/// A step of a path and where it stands.
struct Step<'a> {
    text: &'a str,
    span: Range<usize>,
}

/// Parses a text and puts the settings in. The source returned is the text with the settings behind its end; it is the
/// same source where there are none.
pub fn parse_with(source: &Arc<Source>, settings: &[Setting], faults: &mut Faults) -> (Arc<Source>, Node) {
    let mut node = Node::parse(source, faults);
    if settings.is_empty() || faults.is_fatal() {
        return (Arc::clone(source), node);
    }
    let mut text = source.text.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str("# Set beside the file:\n");
    let mut values = Vec::with_capacity(settings.len());
    for setting in settings {
        let start = text.len();
        let (mut value, shown) = setting.value();
        text.push_str(&format!("{} = {shown}\n", setting.key));
        let offset = start + setting.key.len() + " = ".len();
        shift(&mut value, &|at| at + offset);
        values.push((start, value));
    }
    let whole = Arc::new(Source { name: source.name.clone(), text });
    for (setting, (start, value)) in settings.iter().zip(values) {
        let mut at = start;
        let steps: Vec<Step<'_>> = setting
            .key
            .split('.')
            .map(|text| {
                let span = at..at + text.len();
                at = span.end + 1;
                Step { text: text.trim(), span }
            })
            .collect();
        if let Err((span, message, hint)) = put(&mut node, &steps, value) {
            let place = Some(Place { source: Arc::clone(&whole), span });
            faults.push(Fault { severity: Severity::Error, message, place, hint });
        }
    }
    (whole, node)
}

/// Puts a value where the steps lead. Keys that are not there are made: the check that follows knows which may be.
fn put(node: &mut Node, steps: &[Step<'_>], value: Node) -> Result<(), (Range<usize>, String, String)> {
    let Some((step, rest)) = steps.split_first() else {
        *node = value;
        return Ok(());
    };
    if let Raw::Text(kind) = &node.raw {
        // `mark = "median"` is short for a table with that kind.
        let kind = Node { span: node.span.clone(), raw: Raw::Text(kind.clone()) };
        node.raw = Raw::Table(vec![(Word { text: "kind".into(), span: node.span.clone() }, kind)]);
    }
    let what = node.what();
    match &mut node.raw {
        Raw::Table(entries) => {
            let at = entries.iter().position(|(word, _)| word.text == step.text).unwrap_or_else(|| {
                let word = Word { text: step.text.to_owned(), span: step.span.clone() };
                entries.push((word, Node { span: step.span.clone(), raw: Raw::Table(Vec::new()) }));
                entries.len() - 1
            });
            if rest.is_empty() {
                // What is wrong with the value is wrong here, not where the file has the key.
                entries[at].0.span = step.span.clone();
            }
            put(&mut entries[at].1, rest, value)
        }
        Raw::List(items) => {
            let names: Vec<Option<String>> = items.iter().map(name_of).collect();
            let found = match step.text.parse::<usize>() {
                Ok(number) => Some(number).filter(|&number| number < items.len()),
                Err(_) => names.iter().position(|name| name.as_deref() == Some(step.text)),
            };
            let Some(at) = found else {
                let known: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
                let hint = match did_you_mean(step.text, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if items.is_empty() => "the list is empty".to_owned(),
                    None if known.is_empty() => format!("its entries are 0 to {}", items.len() - 1),
                    None => format!("its entries are 0 to {}, or {}", items.len() - 1, known.join(", ")),
                };
                return Err((step.span.clone(), format!("the list has no entry `{}`", step.text), hint));
            };
            put(&mut items[at], rest, value)
        }
        _ => Err((
            step.span.clone(),
            format!("`{}` leads into {what}, which has no keys", step.text),
            "end the path one step earlier, and set the whole value".into(),
        )),
    }
}

/// What an entry of a list calls itself.
fn name_of(node: &Node) -> Option<String> {
    ["name", "symbol"].iter().find_map(|key| match node.get(key).map(|node| &node.raw) {
        Some(Raw::Text(text)) => Some(text.clone()),
        _ => None,
    })
}

fn shift(node: &mut Node, to: &dyn Fn(usize) -> usize) {
    let moved = |span: &Range<usize>| to(span.start)..to(span.end);
    node.span = moved(&node.span);
    match &mut node.raw {
        Raw::List(items) => items.iter_mut().for_each(|item| shift(item, to)),
        Raw::Table(entries) => {
            for (word, node) in entries {
                word.span = moved(&word.span);
                shift(node, to);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Paint;

    const FILE: &str =
        "mark = \"median\"\n[venue.fund]\nopen = 5\n[[assets]]\nsymbol = \"BTC\"\n[[assets]]\nsymbol = \"ETH\"";

    fn set(settings: &[&str]) -> (Arc<Source>, Node, String) {
        let source = Arc::new(Source { name: "crash.toml".into(), text: FILE.into() });
        let settings: Vec<Setting> = settings.iter().map(|text| Setting::parse(text).unwrap()).collect();
        let mut faults = Faults::default();
        let (checked, node) = parse_with(&source, &settings, &mut faults);
        let faults = placed(faults, &source, &checked, &settings);
        (checked, node, faults.render(Paint::Plain))
    }

    fn at<'a>(node: &'a Node, path: &str) -> &'a Node {
        path.split('.').fold(node, |node, step| match &node.raw {
            Raw::List(items) => &items[step.parse::<usize>().unwrap()],
            _ => node.get(step).unwrap_or_else(|| panic!("no {step}")),
        })
    }

    #[test]
    fn a_setting_replaces_or_adds_a_key_and_has_a_place() {
        let (source, node, faults) = set(&[
            "venue.fund.open=7_000",
            "assets.ETH.tick=0.1",
            "assets.0.book={ kind = \"depth\", kappa = 2 }",
            "mark.window=30 s",
        ]);
        assert_eq!(faults, "");
        let shown = |path: &str| &source.text[at(&node, path).span.clone()];
        assert_eq!(shown("venue.fund.open"), "7_000");
        assert_eq!(shown("assets.1.tick"), "0.1");
        assert_eq!(shown("assets.0.book.kappa"), "2");
        // A time needs no quotes, and a bare kind becomes a table.
        assert!(matches!(&at(&node, "mark.window").raw, Raw::Text(text) if text == "30 s"));
        assert_eq!(shown("mark.window"), "\"30 s\"");
        assert!(matches!(&at(&node, "mark.kind").raw, Raw::Text(text) if text == "median"));
        assert!(source.text.starts_with(FILE) && source.text.contains("\n# Set beside the file:\nvenue.fund.open = "));
    }

    #[test]
    fn nothing_set_is_the_file_itself() {
        let (source, _, _) = set(&[]);
        assert_eq!(source.text, FILE);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_with_its_place() {
        let (_, _, faults) = set(&["assets.BTG.tick=1", "venue.fund.open.x=1", "assets.2.tick=1"]);
        insta::assert_snapshot!(faults, @r"
        error: the list has no entry `BTG`
         --> --set:1:8
          |
        1 | assets.BTG.tick=1
          |        ^^^
          |
          = help: did you mean `BTC`?

        error: `x` leads into a number, which has no keys
         --> --set:2:17
          |
        2 | venue.fund.open.x=1
          |                 ^
          |
          = help: end the path one step earlier, and set the whole value

        error: the list has no entry `2`
         --> --set:3:8
          |
        3 | assets.2.tick=1
          |        ^
          |
          = help: its entries are 0 to 1, or BTC, ETH
        ");
    }

    #[test]
    fn a_place_within_a_value_is_that_of_the_value_as_it_was_set() {
        let file = Source { name: "crash.toml".into(), text: FILE.into() };
        let settings = ["mark.window=30 s", "venue.fund.open = 7_000"].map(|text| Setting::parse(text).unwrap());
        let (checked, node) = parse_with(&Arc::new(file), &settings, &mut Faults::default());
        let file = Source { name: "crash.toml".into(), text: FILE.into() };
        let shown = |span: Range<usize>| {
            let place = Some(Place { source: Arc::clone(&checked), span });
            let fault = Fault { severity: Severity::Error, message: String::new(), place, hint: String::new() };
            let mut faults = Faults::default();
            faults.push(fault);
            let faults = placed(faults, &file, &checked, &settings);
            let place = faults.iter().next().unwrap().place.clone().unwrap();
            (place.source.name.clone(), place.source.text[place.span.clone()].to_owned(), setting_at(&place))
        };
        let value = |path: &str| shown(at(&node, path).span.clone());
        assert_eq!(value("mark.window"), ("--set".into(), "30 s".into(), Some((0, Part::Value))));
        assert_eq!(value("venue.fund.open"), ("--set".into(), "7_000".into(), Some((1, Part::Value))));
        // The key of a value that is replaced is the one that was set, and what the file has stays where it is.
        let Raw::Table(fund) = &at(&node, "venue.fund").raw else { panic!("a table") };
        assert_eq!(shown(fund[0].0.span.clone()), ("--set".into(), "open".into(), Some((1, Part::Key))));
        assert_eq!(shown(0..4), ("crash.toml".into(), "mark".into(), None));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for text in ["venue.fund.open", "venue..open=1", "=1", "a.b="] {
            assert!(Setting::parse(text).is_err(), "{text}");
        }
        assert_eq!(Setting::parse("a.b = x=1").unwrap(), Setting { key: "a.b".into(), literal: "x=1".into() });
    }
}
