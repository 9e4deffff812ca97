//! Parquet beside the tables: the same rows, typed.
//!
//! A Parquet file is made from the finished CSV (or the finished log of events), so it can say nothing else, takes no
//! more memory than a group of rows, and can be made of an old folder. Amounts, prices and times are exact decimals of
//! 128 bits, counts are integers, estimates are floats; what is empty is null. Every column carries its unit, in the
//! Arrow schema (`field.metadata`) and in the file's own list (`unit:NAME`). Nothing in a file depends on when or where
//! it was written.

#[cfg(feature = "parquet")]
mod arrow;
pub mod events;
#[cfg(feature = "parquet")]
mod file;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{Header, damaged, rows, series};
use crate::fault::{Failure, Faults};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer of 64 bits.
    Whole,
    /// An exact decimal of 38 digits, so many of them behind the point.
    Decimal(u8),
    Float,
    Text,
    Flag,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// In words, as in `output/README.md`; empty for names and texts.
    pub unit: String,
    pub kind: Kind,
}

impl Column {
    #[must_use]
    pub fn new(name: impl Into<String>, unit: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), unit: unit.into(), kind }
    }
}

/// A value of a row on its way into its column.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Whole(i64),
    /// In units of the last digit.
    Decimal(i128),
    Float(f64),
    Text(String),
    Flag(bool),
}

/// Digits that a decimal column holds.
const PRECISION: u32 = 38;

/// Says whether this build can write Parquet.
///
/// # Errors
/// Where it was built without.
pub fn check() -> Result<(), Faults> {
    if cfg!(feature = "parquet") {
        return Ok(());
    }
    Err(Faults::usage(
        "this build of flashcrash writes no Parquet",
        "build it with `--features parquet`, or leave `--parquet` out",
    ))
}

/// Writes `paths.parquet`, `series.parquet` and each `trace/N/events.parquet` of a folder, from the files beside them.
/// `dir` may be the unfinished folder of a writer.
///
/// # Errors
/// A build without Parquet, a table that is damaged, or a file that cannot be written; what stood there stays then.
pub fn folder(dir: &Path, header: &Header) -> Result<(), Failure> {
    beside(&dir.join("paths.csv"), rows::typed(header), header)?;
    if dir.join("series.csv").is_file() {
        beside(&dir.join("series.csv"), series::typed(header), header)?;
    }
    events::folder(dir, header)
}

/// Writes the Parquet of a CSV beside it. The columns must be those of its first line; `header` is what the rows are of.
///
/// # Errors
/// As for [`folder`].
pub fn beside(csv: &Path, columns: Option<Vec<Column>>, header: &Header) -> Result<(), Failure> {
    let columns = columns.ok_or_else(|| damaged(csv, "its unit has too many digits"))?;
    table(csv, &columns, &about(header))
}

/// The same for a table of several runs, about which `about` tells.
///
/// # Errors
/// As for [`folder`].
pub fn table(csv: &Path, columns: &[Column], about: &[(String, String)]) -> Result<(), Failure> {
    let input = File::open(csv).map_err(Failure::file(csv))?;
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(input);
    let names = reader.headers().map_err(|error| damaged(csv, &error.to_string()))?.clone();
    if !names.iter().eq(columns.iter().map(|column| column.name.as_str())) {
        return Err(damaged(csv, "the first line does not name the columns of this version"));
    }
    let mut record = csv::StringRecord::new();
    let mut line = 1;
    let mut next = |row: &mut Vec<Value>| -> Result<bool, Failure> {
        if !reader.read_record(&mut record).map_err(|error| damaged(csv, &error.to_string()))? {
            return Ok(false);
        }
        line += 1;
        for (column, text) in columns.iter().zip(&record) {
            row.push(Value::read(column.kind, text).ok_or_else(|| {
                damaged(csv, &format!("line {line}, column `{}`: `{text}` does not fit it", column.name))
            })?);
        }
        Ok(true)
    };
    write(&csv.with_extension("parquet"), columns, about, &mut next)
}

/// What stands in a file about the run it is of.
#[must_use]
pub fn about(header: &Header) -> Vec<(String, String)> {
    let mut about = vec![
        ("scenario".to_owned(), header.scenario.clone()),
        ("scenario_hash".to_owned(), header.hash.clone()),
        ("seed".to_owned(), header.seed.to_string()),
        ("currency".to_owned(), header.currency.clone()),
        ("symbol".to_owned(), header.symbol.clone()),
    ];
    about.extend(header.tilt.iter().map(|tilt| ("tilt".to_owned(), tilt.clone())));
    about
}

/// Writes rows into a hidden file and moves it to its place, so that nothing half-written is ever found there.
fn write(
    path: &Path,
    columns: &[Column],
    about: &[(String, String)],
    next: &mut dyn FnMut(&mut Vec<Value>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    check()?;
    let fresh = hidden(path);
    let written =
        put(&fresh, columns, about, next).and_then(|()| fs::rename(&fresh, path).map_err(Failure::file(path)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(feature = "parquet")]
use file::put;

#[cfg(not(feature = "parquet"))]
fn put(
    _: &Path,
    _: &[Column],
    _: &[(String, String)],
    _: &mut dyn FnMut(&mut Vec<Value>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    Ok(check()?)
}

fn hidden(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.fresh"))
}

impl Value {
    /// A field of a CSV; `None` where it does not fit the kind.
    fn read(kind: Kind, text: &str) -> Option<Self> {
        if text.is_empty() && kind != Kind::Text {
            return Some(Self::Null);
        }
        match kind {
            Kind::Whole => text.parse().ok().map(Self::Whole),
            Kind::Decimal(scale) => unscaled(text, scale).map(Self::Decimal),
            Kind::Float => text.parse().ok().map(Self::Float),
            Kind::Text => Some(Self::Text(text.to_owned())),
            Kind::Flag => text.parse().ok().map(Self::Flag),
        }
    }
}

/// A decimal as a count of its last digit; `None` where it has more digits than the column.
fn unscaled(text: &str, scale: u8) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    if whole.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', missing)) {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    (value < 10_i128.pow(PRECISION)).then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_counted_in_its_last_digit() {
        assert_eq!(unscaled("1234.5", 6), Some(1_234_500_000));
        assert_eq!(unscaled("-0.000001", 6), Some(-1));
        assert_eq!(unscaled("0", 18), Some(0));
        assert_eq!(unscaled(&"9".repeat(38), 0), Some(10_i128.pow(38) - 1));
        for text in ["", "-", ".5", "1.2345678", "1e3", "x", &"9".repeat(39)] {
            assert_eq!(unscaled(text, 6), None, "{text}");
        }
    }

    #[test]
    fn what_is_empty_is_null_and_what_does_not_fit_is_refused() {
        assert_eq!(Value::read(Kind::Decimal(2), ""), Some(Value::Null));
        assert_eq!(Value::read(Kind::Text, ""), Some(Value::Text(String::new())));
        assert_eq!(Value::read(Kind::Flag, "true"), Some(Value::Flag(true)));
        assert_eq!(Value::read(Kind::Float, "1e-3"), Some(Value::Float(0.001)));
        assert_eq!(Value::read(Kind::Whole, "1.5"), None);
        assert_eq!(Value::read(Kind::Flag, "yes"), None);
    }
}
