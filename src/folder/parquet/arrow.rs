//! The Arrow schema in a Parquet file: the place from which readers take what is said about each column.
//!
//! An encapsulated IPC message (https://arrow.apache.org/docs/format/Columnar.html, "Encapsulated message format") with
//! one `Schema`, in base64, under the key `ARROW:schema`. Written by hand over `flatbuffers`: the crate that has it
//! costs ten times the rest of Parquet. Slots and codes are those of `Schema.fbs` and `Message.fbs`, format V5.

use flatbuffers::{FlatBufferBuilder, TableFinishedWIPOffset, WIPOffset};

use super::{Column, Kind, PRECISION};

/// The key under which readers look for it.
pub(super) const KEY: &str = "ARROW:schema";

type Builder = FlatBufferBuilder<'static>;
type Table = WIPOffset<TableFinishedWIPOffset>;

/// Where field number n of a table stands in its vtable.
const fn slot(n: u16) -> u16 {
    4 + 2 * n
}

/// The schema of these columns as it stands in a file.
pub(super) fn schema(columns: &[Column]) -> String {
    let mut builder = FlatBufferBuilder::new();
    let fields: Vec<Table> = columns.iter().map(|column| field(&mut builder, column)).collect();
    let fields = builder.create_vector(&fields);
    let start = builder.start_table();
    builder.push_slot_always(slot(1), fields);
    let schema = builder.end_table(start);
    let start = builder.start_table();
    // Version V5, a header of type `Schema`, no body.
    builder.push_slot_always(slot(0), 4_i16);
    builder.push_slot_always(slot(1), 1_u8);
    builder.push_slot_always(slot(2), schema);
    let message = builder.end_table(start);
    builder.finish(message, None);
    let content = builder.finished_data();
    let padded = content.len().next_multiple_of(8);
    let mut framed = vec![0xff; 4];
    framed.extend(i32::try_from(padded).expect("a schema is small").to_le_bytes());
    framed.extend(content);
    framed.resize(8 + padded, 0);
    base64(&framed)
}

fn field(builder: &mut Builder, column: &Column) -> Table {
    let name = builder.create_string(&column.name);
    let said: Vec<Table> = if column.unit.is_empty() { Vec::new() } else { vec![pair(builder, "unit", &column.unit)] };
    let said = builder.create_vector(&said);
    let none: Vec<Table> = Vec::new();
    let children = builder.create_vector(&none);
    let start = builder.start_table();
    let code: u8 = match column.kind {
        Kind::Whole => {
            builder.push_slot_always(slot(0), 64_i32);
            builder.push_slot_always(slot(1), true);
            2
        }
        Kind::Float => {
            // Double precision.
            builder.push_slot_always(slot(0), 2_i16);
            3
        }
        Kind::Text => 5,
        Kind::Flag => 6,
        Kind::Decimal(scale) => {
            builder.push_slot_always(slot(0), PRECISION.cast_signed());
            builder.push_slot_always(slot(1), i32::from(scale));
            builder.push_slot_always(slot(2), 128_i32);
            7
        }
    };
    let kind = builder.end_table(start);
    let start = builder.start_table();
    builder.push_slot_always(slot(0), name);
    builder.push_slot_always(slot(1), true);
    builder.push_slot_always(slot(2), code);
    builder.push_slot_always(slot(3), kind);
    builder.push_slot_always(slot(5), children);
    builder.push_slot_always(slot(6), said);
    builder.end_table(start)
}

fn pair(builder: &mut Builder, key: &str, value: &str) -> Table {
    let (key, value) = (builder.create_string(key), builder.create_string(value));
    let start = builder.start_table();
    builder.push_slot_always(slot(0), key);
    builder.push_slot_always(slot(1), value);
    builder.end_table(start)
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain(&[0; 3]).take(3).fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for at in 0..4 {
            let letter = char::from(LETTERS[word >> (18 - 6 * at) & 63]);
            text.push(if at > chunk.len() { '=' } else { letter });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
