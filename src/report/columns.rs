//! Tables of text: cells under each other, each column as wide as its widest cell.

/// Side of its column on which a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    Centre,
}

/// One line a row, cells two spaces apart and nothing at the end of a line. Columns beyond the last of `aligns` stand as
/// that one does. Rows have as many cells as the first.
#[must_use]
pub fn aligned<R: AsRef<[String]>>(indent: &str, rows: &[R], aligns: &[Align]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.as_ref().len()), 0);
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .as_ref()
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, &width))| match aligns.get(at).or(aligns.last()) {
                Some(Align::Right) => format!("{cell:>width$}"),
                Some(Align::Centre) => format!("{cell:^width$}"),
                Some(Align::Left) | None => format!("{cell:<width$}"),
            })
            .collect();
        text.push_str(format!("{indent}{}", cells.join("  ")).trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other_whatever_letters_they_hold() {
        let rows = [["μ*", "1", "a … b", ""], ["σ", "10", "–", "%"]].map(|row| row.map(String::from));
        let text = aligned("  ", &rows, &[Align::Left, Align::Right, Align::Centre, Align::Left]);
        assert_eq!(text, "  μ*   1  a … b\n  σ   10    –    %\n");
    }

    #[test]
    fn the_last_side_holds_for_all_further_columns() {
        let rows = [["a", "1", "100"], ["b", "22", "3"]].map(|row| row.map(String::from));
        assert_eq!(aligned("", &rows, &[Align::Left, Align::Right]), "a   1  100\nb  22    3\n");
    }
}
