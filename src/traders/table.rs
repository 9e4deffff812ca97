//! CSV with the place of every cell, so that a fault can point at it.

use std::borrow::Cow;
use std::ops::Range;

/// One cell: what it says, and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    pub text: Cow<'a, str>,
    pub span: Range<usize>,
}

/// One line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Line number in the file, from 1.
    pub line: usize,
    /// The line without its end.
    pub span: Range<usize>,
    pub cells: Vec<Cell<'a>>,
}

/// The lines of a CSV text that hold something: commas between cells, blanks round them trimmed, `"` round a cell that
/// holds a comma, `""` for a quote within. A cell never spans lines. Empty lines and lines that start with `#` are left out.
pub fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    let mut at = 0;
    text.split_inclusive('\n').enumerate().filter_map(move |(i, line)| {
        // Spreadsheets put a byte order mark before the first line.
        let mark = if i == 0 && line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let start = at + mark;
        at += line.len();
        let line = line[mark..].trim_end_matches(['\n', '\r']);
        let holds = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        holds.then(|| Row { line: i + 1, span: start..start + line.len(), cells: cells(line, start) })
    })
}

fn cells(line: &str, start: usize) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    let mut from = 0;
    let mut quoted = false;
    // Commas and quotes are single bytes in UTF-8, so byte positions fall on character borders.
    for (i, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                cells.push(cell(line, from..i, start));
                from = i + 1;
            }
            _ => {}
        }
    }
    cells.push(cell(line, from..line.len(), start));
    cells
}

fn cell(line: &str, within: Range<usize>, start: usize) -> Cell<'_> {
    let raw = &line[within.clone()];
    let trimmed = raw.trim();
    let from = within.start + (raw.len() - raw.trim_start().len());
    let span = start + from..start + from + trimmed.len();
    let text = match trimmed.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => Cow::Owned(inner.replace("\"\"", "\"")),
        None => Cow::Borrowed(trimmed),
    };
    Cell { text, span }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_know_their_places() {
        let text = "account, qty\r\n\n# a comment\n\"a,b\" ,  2\n";
        let rows: Vec<Row<'_>> = rows(text).collect();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(rows[1].cells[0].text, "a,b");
        assert_eq!(&text[rows[1].cells[0].span.clone()], "\"a,b\"");
        assert_eq!(&text[rows[1].cells[1].span.clone()], "2");
        assert_eq!(&text[rows[0].cells[1].span.clone()], "qty");
    }

    #[test]
    fn a_byte_order_mark_and_stray_quotes_do_no_harm() {
        let text = "\u{feff}account\n\"\n\"é\"\"x\"\n";
        let rows: Vec<Row<'_>> = rows(text).collect();
        assert_eq!(rows[0].cells[0].text, "account");
        assert_eq!(rows[1].cells[0].text, "\"");
        assert_eq!(rows[2].cells[0].text, "é\"x");
    }
}
