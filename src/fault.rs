//! What can go wrong, told to the person who can mend it.
//!
//! A fault in an input carries its place (file, line, column), the line itself, what is wrong and what would be
//! right; all faults of an input are reported at once. A broken invariant carries the command that replays the path.

pub mod command;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A text that faults can point into: a scenario, a position book, a bar file.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As the user wrote it on the command line or in the scenario.
    pub name: String,
    pub text: String,
}

/// The text of a file.
///
/// # Errors
/// Where it is not UTF-8: the line and the byte at which it stops being so, in words.
pub fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let (at, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let before = &bytes[..at];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|&&byte| byte != b'\n').count();
        format!("byte {column} of line {line}, 0x{:02x}, is not UTF-8", bytes[at])
    })
}

/// A place in a source, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub source: Arc<Source>,
    pub span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    /// Printed, never fatal.
    Warning,
}

/// One thing that is wrong in an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; `None` for faults of the command line.
    pub place: Option<Place>,
    /// What would be right; may be empty.
    pub hint: String,
}

/// All faults found, in the order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// A fault without a place, for the command line.
    #[must_use]
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self(vec![Fault { severity: Severity::Error, message: message.into(), place: None, hint: hint.into() }])
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds those that are not among them yet.
    pub fn extend_once(&mut self, other: Self) {
        let seen = |place: Option<&Place>| place.map(|place| (place.source.name.clone(), place.span.clone()));
        for fault in other.0 {
            let same = |known: &Fault| {
                known.message == fault.message && seen(known.place.as_ref()) == seen(fault.place.as_ref())
            };
            if !self.0.iter().any(same) {
                self.0.push(fault);
            }
        }
    }

    /// The same faults, each at the place that is found for it; where none is, it stays.
    #[must_use]
    pub fn at(mut self, find: impl Fn(&Place) -> Option<Place>) -> Self {
        for fault in &mut self.0 {
            if let Some(place) = fault.place.as_ref().and_then(&find) {
                fault.place = Some(place);
            }
        }
        self
    }

    /// True where something is wrong beyond warnings.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.0.iter().any(|fault| fault.severity == Severity::Error)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// The text a person reads: one block a fault with place, line, caret and hint, in the order of the places.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let renderer = match paint {
            Paint::Plain => Renderer::plain(),
            Paint::Colour => Renderer::styled(),
        };
        let mut sorted: Vec<&Fault> = self.0.iter().collect();
        sorted.sort_by_key(|fault| fault.place.as_ref().map(|place| (place.source.name.clone(), place.span.start)));
        let mut text = String::new();
        for fault in sorted {
            text.push_str(&fault.render(&renderer));
            text.push_str("\n\n");
        }
        text
    }
}

/// Whether a rendering carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Colour,
}

impl Fault {
    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        if let Some(place) = &self.place {
            // Only the lines concerned are handed over: a position book may have a million.
            let text = place.source.text.as_str();
            let span = clamp(text, place.span.clone());
            let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
            let first_line_end = text[span.start..].find('\n').map_or(text.len(), |at| span.start + at);
            let within = span.start - start..span.end.min(first_line_end).max(span.start) - start;
            let line = 1 + text[..start].bytes().filter(|&b| b == b'\n').count();
            group = group.element(
                Snippet::source(&text[start..first_line_end])
                    .line_start(line)
                    .path(place.source.name.as_str())
                    .annotation(AnnotationKind::Primary.span(within)),
            );
        }
        if !self.hint.is_empty() {
            group = group.element(Level::HELP.message(self.hint.as_str()));
        }
        renderer.render(&[group])
    }

    /// Line and column (in characters), both from 1.
    #[must_use]
    pub fn line_column(&self) -> Option<(usize, usize)> {
        let place = self.place.as_ref()?;
        let text = place.source.text.as_str();
        let span = clamp(text, place.span.clone());
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        Some((1 + text[..start].matches('\n').count(), 1 + text[start..span.start].chars().count()))
    }
}

/// A span that surely lies within the text and on character borders.
fn clamp(text: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// The nearest of `known` to a misspelt `word`, if any is near enough to suggest.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// An invariant that did not hold on one path. The command replays exactly that path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path {path} of seed {seed} broke an invariant: {message}\n  replay: {replay}")]
pub struct Broken {
    pub path: u64,
    pub seed: u64,
    pub message: String,
    pub replay: String,
}

/// Why a command could not be carried out. The kind decides the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something in the scenario, its files or the command line is wrong.
    #[error("{}", .0.render(Paint::Plain))]
    Faults(Faults),
    /// The program found itself wrong.
    #[error("{0}")]
    Broken(Box<Broken>),
    /// A file could not be read or written.
    #[error("{}: {cause}", .path.display())]
    File { path: PathBuf, cause: std::io::Error },
    /// Stopped by the user; nothing half-written is left.
    #[error("stopped; nothing was written")]
    Interrupted,
}

impl Failure {
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Faults(_) => 1,
            Self::Broken(_) => 2,
            Self::File { .. } => 3,
            Self::Interrupted => 130,
        }
    }

    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { path, cause }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, span: Range<usize>) -> Fault {
        let source = Arc::new(Source { name: "crash.toml".into(), text: text.into() });
        Fault {
            severity: Severity::Error,
            message: "unknown key `dept`".into(),
            place: Some(Place { source, span }),
            hint: "did you mean `depth`?".into(),
        }
    }

    #[test]
    fn a_fault_shows_place_line_and_caret() {
        let mut faults = Faults::default();
        faults.push(fault("a = 1\ndept = 2\n", 6..10));
        insta::assert_snapshot!(faults.render(Paint::Plain), @r"
        error: unknown key `dept`
         --> crash.toml:2:1
          |
        2 | dept = 2
          | ^^^^
          |
          = help: did you mean `depth`?
        ");
    }

    #[test]
    fn spans_outside_the_text_never_panic() {
        for (text, span) in [("", 0..9), ("é", 1..1), ("a\nb", 3..99), ("abc", std::ops::Range { start: 2, end: 1 })] {
            let fault = fault(text, span);
            let _ = fault.line_column();
            let mut faults = Faults::default();
            faults.push(fault);
            assert!(faults.render(Paint::Plain).contains("unknown key"));
        }
    }

    #[test]
    fn a_file_in_another_encoding_is_told_with_its_line_and_byte() {
        let told = text_of(b"account\nZo\xeb,1\n".to_vec()).unwrap_err();
        assert_eq!(told, "byte 3 of line 2, 0xeb, is not UTF-8");
        assert_eq!(text_of("é".into()).unwrap(), "é");
        // A character cut off at the end of the file.
        assert_eq!(text_of(b"a\xc3".to_vec()).unwrap_err(), "byte 2 of line 1, 0xc3, is not UTF-8");
    }

    #[test]
    fn near_words_are_suggested_and_far_ones_not() {
        assert_eq!(did_you_mean("dept", ["depth", "levels"]), Some("depth"));
        assert_eq!(did_you_mean("banana", ["depth", "levels"]), None);
    }
}
