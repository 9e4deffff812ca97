//! Columns of a CSV file, each cell with its place, so that a fault can point at the very cell.
//!
//! The `csv` crate tells where a record starts but not where a cell stands, hence this reader. It knows commas,
//! quoted cells within one line, a byte order mark, blank lines, and lines that start with `#` as comments.

use std::ops::Range;
use std::sync::Arc;

use crate::fault::Source;
use crate::registry::Reading;

/// Faults of one file beyond this number are not listed.
pub(super) const MOST_FAULTS: usize = 100;

/// One cell: its text without quotes and blanks, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    pub text: &'a str,
    pub span: Range<usize>,
}

/// The rows of a CSV file with a header, only the wanted columns, in the wanted order.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub rows: Vec<Vec<Cell<'a>>>,
}

/// Collects the faults of one file up to [`MOST_FAULTS`].
#[derive(Debug)]
pub(super) struct FileFaults {
    source: Arc<Source>,
    found: usize,
}

impl FileFaults {
    pub fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), found: 0 }
    }

    /// Notes a fault at a place of the file.
    pub fn note(
        &mut self,
        reading: &mut Reading,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found += 1;
        if self.found < MOST_FAULTS {
            reading.fault_in(Arc::clone(&self.source), span, message, hint);
        } else if self.found == MOST_FAULTS {
            let hint = "mend those above first; faults after this row are not listed";
            reading.fault_in(Arc::clone(&self.source), span, message, hint);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found == 0
    }
}

impl<'a> Columns<'a> {
    /// Reads the columns named in `wanted`; each name comes with the place in the scenario that asks for it, where a
    /// missing column is reported. Rows of another length are noted and left out, so that the caller can report the rest
    /// too; `None` where there is nothing to look at.
    pub fn read(
        source: &'a Arc<Source>,
        wanted: &[(&str, Range<usize>)],
        faults: &mut FileFaults,
        reading: &mut Reading,
    ) -> Option<Self> {
        let text = source.text.as_str();
        let mut lines = lines(text);
        let Some((header, header_span)) = lines.next() else {
            faults.note(
                reading,
                &(0..text.len().min(1)),
                format!("`{}` is empty", source.name),
                "a header and at least one row are expected",
            );
            return None;
        };
        let mut places = Vec::with_capacity(wanted.len());
        for (name, asked) in wanted {
            let mut found = header.iter().enumerate().filter(|(_, cell)| cell.text == *name);
            match (found.next(), found.next()) {
                (Some((place, _)), None) => places.push(place),
                (Some(_), Some((_, second))) => {
                    faults.note(
                        reading,
                        &second.span,
                        format!("column `{name}` stands twice in the header"),
                        "name each column once",
                    );
                }
                (None, _) => {
                    let names: Vec<&str> = header.iter().map(|cell| cell.text).collect();
                    let hint = match crate::fault::did_you_mean(name, names.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its columns are {}", names.join(", ")),
                    };
                    reading.fault(asked, format!("`{}` has no column `{name}`", source.name), hint);
                }
            }
        }
        if places.len() < wanted.len() {
            return None;
        }
        let mut rows = Vec::new();
        for (cells, span) in lines {
            if cells.len() == header.len() {
                rows.push(places.iter().map(|&place| cells[place].clone()).collect());
            } else {
                let message = format!("this row has {} cells and the header {}", cells.len(), header.len());
                faults.note(reading, &span, message, "give every row a cell for every column");
            }
        }
        if rows.is_empty() {
            if faults.is_empty() {
                faults.note(
                    reading,
                    &header_span,
                    format!("`{}` has no row", source.name),
                    "at least one row below the header is expected",
                );
            }
            return None;
        }
        Some(Self { rows })
    }
}

/// A finite number, or a fault at its cell.
pub(super) fn number(cell: &Cell<'_>, column: &str, faults: &mut FileFaults, reading: &mut Reading) -> Option<f64> {
    let value = cell.text.parse::<f64>().ok().filter(|x| x.is_finite());
    if value.is_none() {
        let message = if cell.text.is_empty() {
            format!("`{column}` is empty here")
        } else {
            format!("`{column}` cannot be \"{}\"", cell.text)
        };
        faults.note(reading, &cell.span, message, "a finite number is expected");
    }
    value
}

/// The lines that say something, cut into cells, each with its place.
fn lines(text: &str) -> impl Iterator<Item = (Vec<Cell<'_>>, Range<usize>)> {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut start = bom;
    text[bom..]
        .split_inclusive('\n')
        .map(move |line| {
            let at = start;
            start += line.len();
            (line.trim_end_matches(['\n', '\r']), at)
        })
        .filter(|(line, _)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(line, at)| (cells(line, at), at..at + line.len()))
}

fn cells(line: &str, at: usize) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (i, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                cells.push(cell(line, start..i, at));
                start = i + 1;
            }
            _ => {}
        }
    }
    cells.push(cell(line, start..line.len(), at));
    cells
}

fn cell(line: &str, span: Range<usize>, at: usize) -> Cell<'_> {
    let text = line[span.clone()].trim();
    let text = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
    Cell { text, span: at + span.start..at + span.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_know_their_place_through_quotes_comments_blanks_and_marks() {
        let text = "\u{feff}# source\r\na,\"b, c\" , d\r\n\r\n1, 2,3";
        let lines: Vec<_> = lines(text).collect();
        assert_eq!(lines.len(), 2);
        let texts: Vec<&str> = lines[0].0.iter().map(|cell| cell.text).collect();
        assert_eq!(texts, ["a", "b, c", "d"]);
        for (cell, raw) in lines[1].0.iter().zip(["1", " 2", "3"]) {
            assert_eq!(&text[cell.span.clone()], raw);
        }
        assert_eq!(&text[lines[1].1.clone()], "1, 2,3");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader_and_every_cell_lies_in_it(text in "[x,y\"#\\n\\r é\u{feff}0-9.eE+-]{0,60}") {
            let source = Arc::new(Source { name: "d.csv".into(), text: format!("x,y\n{text}") });
            let mut reading = Reading::new(Arc::clone(&source), std::path::Path::new("."));
            let mut faults = FileFaults::new(&source);
            if let Some(columns) = Columns::read(&source, &[("y", 0..1), ("x", 0..1)], &mut faults, &mut reading) {
                for cell in columns.rows.iter().flatten() {
                    assert!(source.text[cell.span.clone()].contains(cell.text));
                    let _ = number(cell, "x", &mut faults, &mut reading);
                }
            }
            let _ = reading.faults.render(crate::fault::Paint::Plain);
        }
    }
}
