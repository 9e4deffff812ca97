//! Numbered footnotes under a table: what an estimate is flagged with.

use std::fmt::Write as _;

use crate::folder::Flag;

/// The flags that the cells of a table refer to, numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Footnotes(Vec<Flag>);

impl Footnotes {
    /// The marks of a cell, `[1][3]`, in ascending order.
    pub fn marks(&mut self, flags: &[Flag]) -> String {
        let number = |flag: &Flag| {
            let known = self.0.iter().position(|known| known == flag);
            known.unwrap_or_else(|| {
                self.0.push(*flag);
                self.0.len() - 1
            })
        };
        let mut numbers: Vec<usize> = flags.iter().map(number).collect();
        numbers.sort_unstable();
        numbers.iter().fold(String::new(), |mut marks, number| {
            let _ = write!(marks, "[{}]", number + 1);
            marks
        })
    }

    /// The notes, a line each, after an empty one; nothing where there is none.
    pub fn lines(&self) -> String {
        let mut text = String::from(if self.0.is_empty() { "" } else { "\n" });
        for (at, flag) in self.0.iter().enumerate() {
            let _ = writeln!(text, "  [{}] {}", at + 1, flag.about());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_ascend_and_each_note_stands_once() {
        let mut notes = Footnotes::default();
        assert_eq!(notes.lines(), "");
        assert_eq!(notes.marks(&[Flag::ThinTail]), "[1]");
        assert_eq!(notes.marks(&[Flag::TailDominated, Flag::ThinTail]), "[1][2]");
        assert_eq!(notes.marks(&[]), "");
        let lines: Vec<String> = notes.lines().lines().map(|line| line.chars().take(17).collect()).collect();
        assert_eq!(lines, ["", "  [1] thin tail: ", "  [2] tail-domina"]);
    }
}
