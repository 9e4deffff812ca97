//! The writer: rows gathered by column, one group of rows after another.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::{Column, Kind, PRECISION, Value, arrow};
use crate::fault::Failure;
use crate::folder::VERSION;

/// Rows of a group. All columns of a group are in memory at once: about 10 MB of `paths.csv`.
const GROUP: usize = 1 << 14;

/// Bytes of a decimal of 38 digits.
const WIDTH: usize = 16;

/// Writes a whole file; `next` puts one row into an empty vector, or says that there is none.
pub(super) fn put(
    path: &Path,
    columns: &[Column],
    about: &[(String, String)],
    next: &mut dyn FnMut(&mut Vec<Value>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let failed = |error: ParquetError| Failure::file(path)(cause(error));
    let out = File::create(path).map_err(Failure::file(path))?;
    let mut writer =
        SerializedFileWriter::new(out, schema(columns).map_err(failed)?, Arc::new(properties(columns, about)))
            .map_err(failed)?;
    let mut gathered: Vec<Gathered> = columns.iter().map(|column| Gathered::new(column.kind)).collect();
    let mut row = Vec::with_capacity(columns.len());
    let mut is_more = true;
    while is_more {
        let mut count = 0;
        while count < GROUP {
            row.clear();
            is_more = next(&mut row)?;
            if !is_more {
                break;
            }
            assert_eq!(row.len(), columns.len(), "one value for each column");
            gathered.iter_mut().zip(row.drain(..)).for_each(|(column, value)| column.push(value));
            count += 1;
        }
        if count > 0 {
            group(&mut writer, &mut gathered).map_err(failed)?;
        }
    }
    writer.close().map(drop).map_err(failed)
}

fn group(writer: &mut SerializedFileWriter<File>, gathered: &mut [Gathered]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for column in gathered {
        let mut target = group.next_column()?.expect("as many columns as the schema has");
        column.flush(target.untyped())?;
        target.close()?;
    }
    group.close().map(drop)
}

/// What the operating system said, without the library's own words around it.
fn cause(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(inner) => *inner,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    }
}

/// The values of one column of a group, and which of them are there.
struct Gathered {
    values: Values,
    levels: Vec<i16>,
}

enum Values {
    Whole(Vec<i64>),
    Decimal(Vec<FixedLenByteArray>),
    Float(Vec<f64>),
    Text(Vec<ByteArray>),
    Flag(Vec<bool>),
}

impl Gathered {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Whole => Values::Whole(Vec::new()),
            Kind::Decimal(_) => Values::Decimal(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
            Kind::Flag => Values::Flag(Vec::new()),
        };
        Self { values, levels: Vec::new() }
    }

    fn push(&mut self, value: Value) {
        self.levels.push(i16::from(value != Value::Null));
        match (&mut self.values, value) {
            (_, Value::Null) => {}
            (Values::Whole(values), Value::Whole(value)) => values.push(value),
            (Values::Decimal(values), Value::Decimal(value)) => {
                values.push(FixedLenByteArray::from(value.to_be_bytes().to_vec()));
            }
            (Values::Float(values), Value::Float(value)) => values.push(value),
            (Values::Text(values), Value::Text(value)) => values.push(ByteArray::from(value.into_bytes())),
            (Values::Flag(values), Value::Flag(value)) => values.push(value),
            (_, value) => panic!("{value:?} is of another kind than its column"),
        }
    }

    fn flush(&mut self, target: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = Some(self.levels.as_slice());
        match (&mut self.values, target) {
            (Values::Whole(values), ColumnWriter::Int64ColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (Values::Decimal(values), ColumnWriter::FixedLenByteArrayColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (Values::Float(values), ColumnWriter::DoubleColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (Values::Text(values), ColumnWriter::ByteArrayColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (Values::Flag(values), ColumnWriter::BoolColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            _ => unreachable!("the schema was made from the same kinds"),
        }
        self.levels.clear();
        Ok(())
    }
}

fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Whole => (Physical::INT64, None),
            Kind::Decimal(_) => (Physical::FIXED_LEN_BYTE_ARRAY, None),
            Kind::Float => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Flag => (Physical::BOOLEAN, None),
        };
        let builder = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
        let builder = match column.kind {
            Kind::Decimal(scale) => {
                let (scale, precision) = (i32::from(scale), PRECISION.cast_signed());
                builder
                    .with_length(i32::try_from(WIDTH).expect("a small number"))
                    .with_precision(precision)
                    .with_scale(scale)
                    .with_logical_type(Some(LogicalType::decimal(scale, precision)))
            }
            _ => builder.with_logical_type(logical),
        };
        builder.build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
}

fn properties(columns: &[Column], about: &[(String, String)]) -> WriterProperties {
    let mut told = vec![KeyValue::new(arrow::KEY.to_owned(), arrow::schema(columns))];
    let pair = |(key, value): &(String, String)| KeyValue::new(key.clone(), value.clone());
    told.extend(about.iter().map(pair));
    let with_unit = columns.iter().filter(|column| !column.unit.is_empty());
    told.extend(with_unit.map(|column| KeyValue::new(format!("unit:{}", column.name), column.unit.clone())));
    WriterProperties::builder()
        .set_created_by(format!("flashcrash {VERSION}"))
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(GROUP))
        .set_key_value_metadata(Some(told))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_the_file_and_what_the_system_said() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut left = 20_000;
        let mut next = |row: &mut Vec<Value>| {
            left -= 1;
            row.push(Value::Whole(left * 7_919 % 10_007));
            Ok(left > 0)
        };
        let columns = [Column::new("path", "count", Kind::Whole)];
        let failure = put(full, &columns, &[], &mut next).unwrap_err();
        assert_eq!(failure.exit_code(), 3);
        let told = failure.to_string();
        assert!(told.contains("/dev/full") && told.contains("No space left on device"), "{told}");
    }
}
