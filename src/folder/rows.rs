//! `paths.csv`: one path a row.

use std::fs::File;
use std::path::Path;

use super::decimal::Scale;
use super::{Header, damaged, parquet};
use crate::facts::{Column, Conduct, Outcome, Unit};
use crate::fault::Failure;
use crate::money::Quantum;

/// The first columns, in the order that other programs were promised; the rest of `Outcome::COLUMNS` follows.
const FIRST: [&str; 29] = [
    "path",
    "liquidations",
    "liquidated_accounts",
    "liquidated_notional",
    "to_book",
    "to_engine",
    "to_backstop",
    "to_adl",
    "fund_open",
    "fund_close",
    "fund_min",
    "fund_draw",
    "fund_need",
    "fund_paid",
    "fund_received",
    "inventory_hole",
    "adl_events",
    "adl_accounts",
    "adl_notional",
    "shortfall",
    "venue_paid",
    "backstop_loss",
    "socialised",
    "unfunded_deficit",
    "index_exogenous_low",
    "index_low",
    "traded_low",
    "traded_high",
    "exhausted_at_s",
];

/// Where a column's value stands in an `Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Path,
    /// Index into `Outcome::COLUMNS`.
    Value(usize),
    ExhaustedAt,
    /// Index into `Conduct::COLUMNS`.
    Conduct(usize),
}

/// A column as written: name, unit, meaning, source.
fn columns(header: &Header) -> Vec<(Column, Source)> {
    let mut all = always();
    if header.behaviours {
        all.extend(Conduct::COLUMNS.iter().enumerate().map(|(at, column)| (*column, Source::Conduct(at))));
    }
    all
}

/// Those that every table has.
fn always() -> Vec<(Column, Source)> {
    let path = Column {
        name: "path",
        unit: Unit::Count,
        about: "Number of the path; `flashcrash trace SCENARIO --path N` replays it.",
    };
    let exhausted_at = Column {
        name: "exhausted_at_s",
        unit: Unit::Seconds,
        about: "Time of the first forced order or sale that the fund's budget alone cut short; empty where there was none.",
    };
    let mut all = vec![(path, Source::Path), (exhausted_at, Source::ExhaustedAt)];
    all.extend(Outcome::COLUMNS.iter().enumerate().map(|(at, column)| (*column, Source::Value(at))));
    // A stable sort: columns that were not promised a place keep their order behind those that were.
    all.sort_by_key(|(column, _)| FIRST.iter().position(|name| *name == column.name).unwrap_or(FIRST.len()));
    all
}

/// The columns that every `paths.csv` has, in order.
#[must_use]
pub fn schema() -> Vec<Column> {
    always().into_iter().map(|(column, _)| column).collect()
}

/// The columns of `paths.csv` as a typed table has them; `None` where a unit has too many digits.
pub(super) fn typed(header: &Header) -> Option<Vec<parquet::Column>> {
    let mut all = columns(header)
        .iter()
        .map(|(column, _)| typed_as(column, column.name.to_owned(), header))
        .collect::<Option<Vec<_>>>()?;
    if header.tilt.is_some() {
        // A count of 2⁻⁴⁰, which a float holds exactly.
        all.push(parquet::Column::new("weight", "", parquet::Kind::Float));
    }
    Some(all)
}

/// A column under a name, typed by its unit.
pub(super) fn typed_as(column: &Column, name: String, header: &Header) -> Option<parquet::Column> {
    use parquet::Kind;
    let decimal = |quantum: Quantum| u8::try_from(quantum.size().scale()).ok().map(Kind::Decimal);
    Some(match column.unit {
        Unit::Count => parquet::Column::new(name, "count", Kind::Whole),
        Unit::Cash => parquet::Column::new(name, header.currency.clone(), decimal(header.cash_unit)?),
        Unit::Price => parquet::Column::new(name, format!("price of {}", header.symbol), decimal(header.tick)?),
        Unit::Seconds => parquet::Column::new(name, "s", Kind::Decimal(9)),
    })
}

/// How each unit is printed in one folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scales {
    cash: Scale,
    price: Scale,
}

impl Scales {
    /// `None` where the cash unit or the tick has more than 18 digits.
    pub(super) fn new(header: &Header) -> Option<Self> {
        Some(Self { cash: Scale::new(header.cash_unit)?, price: Scale::new(header.tick)? })
    }

    pub(super) const fn of(&self, unit: Unit) -> Scale {
        match unit {
            Unit::Count => Scale::WHOLE,
            Unit::Cash => self.cash,
            Unit::Price => self.price,
            Unit::Seconds => Scale::SECONDS,
        }
    }
}

/// Turns outcomes into the bytes of `paths.csv`.
#[derive(Debug)]
pub(super) struct Encoder {
    columns: Vec<(Scale, Source)>,
    names: Vec<&'static str>,
}

impl Encoder {
    pub(super) fn new(scales: Scales, header: &Header) -> Self {
        let all = columns(header);
        Self {
            columns: all.iter().map(|(column, source)| (scales.of(column.unit), *source)).collect(),
            names: all.iter().map(|(column, _)| column.name).collect(),
        }
    }

    pub(super) fn header(&self) -> String {
        self.names.join(",") + "\n"
    }

    pub(super) fn encode(&self, outcome: &Outcome, out: &mut Vec<u8>) {
        let (values, conduct) = (outcome.values(), outcome.conduct.values());
        for (at, (scale, source)) in self.columns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match source {
                Source::Path => scale.write(i64::try_from(outcome.path).expect("a path number below 2⁶³"), out),
                Source::Value(index) => scale.write(values[*index], out),
                Source::Conduct(index) => scale.write(conduct[*index], out),
                Source::ExhaustedAt => {
                    if let Some(time) = outcome.exhausted_at_s {
                        scale.write(time, out);
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

/// Shows every row of a `paths.csv`; columns are found by their names, so older and newer files with more can be read.
pub(super) fn read(path: &Path, header: &Header, visit: &mut dyn FnMut(&Outcome)) -> Result<(), Failure> {
    let scales = Scales::new(header)
        .ok_or_else(|| damaged(path, "the cash unit or tick of the manifest has too many digits"))?;
    let file = File::open(path).map_err(Failure::file(path))?;
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(file);
    let names = reader.headers().map_err(|error| damaged(path, &error.to_string()))?.clone();
    let mut wanted = Vec::new();
    for (column, source) in columns(header) {
        let at = names
            .iter()
            .position(|name| name == column.name)
            .ok_or_else(|| damaged(path, &format!("column `{}` is missing", column.name)))?;
        wanted.push((at, column.name, scales.of(column.unit), source));
    }
    let mut record = csv::StringRecord::new();
    let mut line = 1;
    while reader.read_record(&mut record).map_err(|error| damaged(path, &error.to_string()))? {
        line += 1;
        let mut number = 0;
        let mut values = [0; Outcome::COLUMNS.len()];
        let mut conduct = [0; Conduct::COLUMNS.len()];
        let mut exhausted_at = None;
        for &(at, name, scale, source) in &wanted {
            let text = record.get(at).unwrap_or("");
            if source == Source::ExhaustedAt && text.is_empty() {
                continue;
            }
            let value = scale.read(text).ok_or_else(|| {
                damaged(path, &format!("line {line}, column `{name}`: `{text}` is not a whole number of its unit"))
            })?;
            match source {
                Source::Path => number = value,
                Source::Value(index) => values[index] = value,
                Source::Conduct(index) => conduct[index] = value,
                Source::ExhaustedAt => exhausted_at = Some(value),
            }
        }
        let number =
            u64::try_from(number).map_err(|_| damaged(path, &format!("line {line}: a negative path number")))?;
        let row = Outcome::from_values(number, values, exhausted_at);
        visit(&Outcome { conduct: Conduct::from_values(conduct), ..row });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::header;

    #[test]
    fn the_promised_columns_come_first_and_each_column_comes_once() {
        let names: Vec<&str> = schema().iter().map(|column| column.name).collect();
        assert_eq!(names[..29], FIRST);
        assert_eq!(names.len(), Outcome::COLUMNS.len() + 2);
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
    }

    #[test]
    fn units_are_printed_as_decimals_of_the_currency_price_and_seconds() {
        let encoder = Encoder::new(Scales::new(&header()).unwrap(), &header());
        let outcome = Outcome {
            path: 4,
            liquidations: 12,
            fund_need: 1_500_000,
            traded_low: 1_099_995,
            exhausted_at_s: Some(61_500_000_000),
            ..Outcome::default()
        };
        let mut line = Vec::new();
        encoder.encode(&outcome, &mut line);
        let line = String::from_utf8(line).unwrap();
        let cell = |name: &str| {
            let at = encoder.header().trim_end().split(',').position(|column| column == name).unwrap();
            line.trim_end().split(',').nth(at).unwrap().to_string()
        };
        assert_eq!(
            ["path", "liquidations", "fund_need", "traded_low", "exhausted_at_s"].map(cell),
            ["4", "12", "1.5", "109999.5", "61.5"]
        );
    }

    #[test]
    fn what_accounts_did_of_their_own_accord_is_written_behind_the_rest_and_read_again() {
        let header = Header { behaviours: true, ..header() };
        let encoder = Encoder::new(Scales::new(&header).unwrap(), &header);
        assert!(encoder.header().ends_with(",hedge_broken,spot_sold,spot_fall\n"));
        let mut values = [0; Conduct::COLUMNS.len()];
        (1..).zip(&mut values).for_each(|(at, value)| *value = at * 1_000_001);
        let row = Outcome { path: 3, conduct: Conduct::from_values(values), ..Outcome::default() };
        let mut bytes = encoder.header().into_bytes();
        encoder.encode(&row, &mut bytes);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("paths.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut rows = Vec::new();
        read(&path, &header, &mut |row| rows.push(row.clone())).unwrap();
        assert_eq!(rows, [row]);
    }

    #[test]
    fn damage_is_named_by_line_and_column() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("paths.csv");
        let encoder = Encoder::new(Scales::new(&header()).unwrap(), &header());
        let mut bytes = encoder.header().into_bytes();
        encoder.encode(&Outcome::default(), &mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        for (broken, expected) in [
            (
                text.replacen("\n0,0,", "\n0,zero,", 1),
                "line 2, column `liquidations`: `zero` is not a whole number of its unit",
            ),
            (text.replacen("\n0,", "\n-1,", 1), "line 2: a negative path number"),
            (text.replacen("fund_need,", "fund_knead,", 1), "column `fund_need` is missing"),
            (text.replacen("\n0,0,", "\n0,", 1), "record 1"),
        ] {
            std::fs::write(&path, broken).unwrap();
            let message = read(&path, &header(), &mut |_| ()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
