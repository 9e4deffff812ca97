//! What a user wrote: TOML values with their places, before anything is made of them.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, Faults, Place, Severity, Source};

/// A value as it stands in the file, with its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Range<usize>,
    pub raw: Raw,
}

#[derive(Clone, Debug)]
pub enum Raw {
    Text(String),
    /// The literal, so that `0.1` is a tenth.
    Number(String),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<(Word, Node)>),
    /// Dates and the like, which no key takes.
    Other(&'static str),
}

/// A key as written.
#[derive(Clone, Debug)]
pub struct Word {
    pub text: String,
    pub span: Range<usize>,
}

impl Node {
    /// Parses a TOML text; all syntax errors become faults.
    pub fn parse(source: &Arc<Source>, faults: &mut Faults) -> Self {
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            faults.push(Fault {
                severity: Severity::Error,
                message: format!("not TOML: {}", error.message().replace('\n', "; ")),
                place: Some(Place { source: Arc::clone(source), span }),
                hint: String::new(),
            });
        }
        let span = table.span();
        Self { span, raw: table_of(table.into_inner()) }
    }

    /// The entry of a table under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.raw {
            Raw::Table(entries) => entries.iter().find(|(word, _)| word.text == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The table without the entries under `names`, and a table of only those; a value that is no table has none of them.
    #[must_use]
    pub fn split(&self, names: &[&str]) -> (Self, Self) {
        let (rest, taken) = match &self.raw {
            Raw::Table(entries) => {
                let (taken, rest) = entries.iter().cloned().partition(|(word, _)| names.contains(&word.text.as_str()));
                (Raw::Table(rest), Raw::Table(taken))
            }
            other => (other.clone(), Raw::Table(Vec::new())),
        };
        (Self { span: self.span.clone(), raw: rest }, Self { span: self.span.clone(), raw: taken })
    }

    /// What kind of value this is, in words.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match &self.raw {
            Raw::Text(_) => "text",
            Raw::Number(_) => "a number",
            Raw::Flag(_) => "true or false",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
            Raw::Other(what) => what,
        }
    }
}

fn table_of(table: DeTable<'_>) -> Raw {
    let mut entries: Vec<(Word, Node)> = table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            (Word { text: key.into_inner().into_owned(), span }, node_of(value))
        })
        .collect();
    entries.sort_by_key(|(word, _)| word.span.start);
    Raw::Table(entries)
}

fn node_of(value: Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let raw = match value.into_inner() {
        DeValue::String(text) => Raw::Text(text.into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Raw::Number(number.as_str().to_owned()),
        DeValue::Integer(_) => Raw::Other("a number that is not decimal"),
        DeValue::Float(number) => Raw::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Raw::Flag(flag),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(items) => Raw::List(items.into_iter().map(node_of).collect()),
        DeValue::Table(table) => table_of(table),
    };
    Node { span, raw }
}
