//! `trace/N/events.parquet`: the log of a kept path as one table, a row for each fact, a column for each field that any
//! fact has.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use super::super::{Header, damaged};
use super::{Column, Kind, Value, about, write};
use crate::fault::Failure;

/// What a field of the log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Text,
    Whole,
    Flag,
    Seconds,
    Cash,
    /// Of the contract that `symbol` names.
    Price,
    Quantity,
}

/// Every field of the log in the order of the columns. Those of `paid` are written `paid_NAME`.
const FIELDS: &[(&str, Of)] = &[
    ("time_s", Of::Seconds),
    ("event", Of::Whole),
    ("fact", Of::Text),
    ("symbol", Of::Text),
    ("account", Of::Whole),
    ("order", Of::Whole),
    ("party", Of::Text),
    ("from", Of::Text),
    ("to", Of::Text),
    ("why", Of::Text),
    ("via", Of::Text),
    ("by", Of::Text),
    ("deed", Of::Text),
    ("losers", Of::Text),
    ("backstop", Of::Whole),
    ("pool", Of::Whole),
    ("on", Of::Flag),
    ("until", Of::Seconds),
    ("qty", Of::Quantity),
    ("needed", Of::Quantity),
    ("placed", Of::Quantity),
    ("index_exogenous", Of::Price),
    ("index", Of::Price),
    ("traded", Of::Price),
    ("mark", Of::Price),
    ("trigger", Of::Price),
    ("bankruptcy", Of::Price),
    ("ticket", Of::Price),
    ("price", Of::Price),
    ("from_price", Of::Price),
    ("to_price", Of::Price),
    ("amount", Of::Cash),
    ("cash", Of::Cash),
    ("notional", Of::Cash),
    ("haircut", Of::Cash),
    ("unrealised", Of::Cash),
    ("surplus", Of::Cash),
    ("per_lot", Of::Cash),
    ("owed", Of::Cash),
    ("result", Of::Cash),
    ("to_book", Of::Cash),
    ("to_engine", Of::Cash),
    ("to_backstop", Of::Cash),
    ("to_adl", Of::Cash),
    ("paid_fund", Of::Cash),
    ("paid_venue", Of::Cash),
    ("paid_backstop", Of::Cash),
    ("paid_socialised", Of::Cash),
    ("paid_deficit", Of::Cash),
    ("fees_waived", Of::Cash),
    ("book_cost_avoided", Of::Cash),
    ("change", Of::Cash),
    ("balance", Of::Cash),
    ("peak", Of::Cash),
    ("mark_to_market", Of::Cash),
    ("horizon_mark", Of::Cash),
    ("fund_after", Of::Cash),
];

/// Writes `events.parquet` beside every `trace/N/events.jsonl` of a folder.
pub(super) fn folder(dir: &Path, header: &Header) -> Result<(), Failure> {
    let place = dir.join("trace");
    if !place.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(&place).map_err(Failure::file(&place))? {
        let log = entry.map_err(Failure::file(&place))?.path().join("events.jsonl");
        if log.is_file() {
            beside(&log, header)?;
        }
    }
    Ok(())
}

/// Writes the Parquet of one log beside it.
fn beside(log: &Path, header: &Header) -> Result<(), Failure> {
    let mut lines = BufReader::new(File::open(log).map_err(Failure::file(log))?).lines();
    let mut number = 0;
    let mut next_line = || -> Result<Option<(u64, Map<String, Json>)>, Failure> {
        let Some(line) = lines.next() else { return Ok(None) };
        number += 1;
        let line = line.map_err(Failure::file(log))?;
        let fields = serde_json::from_str(&line).map_err(|error| damaged(log, &format!("line {number}: {error}")))?;
        Ok(Some((number, fields)))
    };
    let first = next_line()?.map(|(_, fields)| fields).unwrap_or_default();
    let opened = opening(&first, header).ok_or_else(|| damaged(log, "line 1 does not say which path it is of"))?;
    let Opening { path, columns } = opened;
    let mut about = about(header);
    about.push(("path".to_owned(), path.to_string()));
    let mut next = |row: &mut Vec<Value>| -> Result<bool, Failure> {
        let Some((line, fields)) = next_line()? else { return Ok(false) };
        if fields.get("fact").is_some_and(|fact| fact == "totals") {
            return Ok(false);
        }
        let place = |what: &str| damaged(log, &format!("line {line}: {what}"));
        row.push(Value::Whole(path));
        row.resize(columns.len(), Value::Null);
        let mut set = |name: &str, json: &Json| {
            let at = columns.iter().position(|column| column.name == name);
            let at = at.ok_or_else(|| place(&format!("the field `{name}` has no column")))?;
            row[at] = read(columns[at].kind, json).ok_or_else(|| place(&format!("`{name}` is {json}")))?;
            Ok::<(), Failure>(())
        };
        for (name, json) in &fields {
            match json {
                Json::Object(parts) => {
                    parts.iter().try_for_each(|(part, json)| set(&format!("{name}_{part}"), json))?;
                }
                json => set(name, json)?,
            }
        }
        Ok(true)
    };
    write(&log.with_extension("parquet"), &columns, &about, &mut next)
}

/// What the first line of a log says.
struct Opening {
    path: i64,
    columns: Vec<Column>,
}

fn opening(first: &Map<String, Json>, header: &Header) -> Option<Opening> {
    let contracts = first.get("contracts")?.as_array()?;
    // One column holds the prices of all contracts, so it has the digits of the finest tick.
    let finest = |key: &str| -> Option<u8> {
        let scale = |contract: &Json| Some(contract.get(key)?.as_str()?.parse::<Decimal>().ok()?.scale());
        let scales = contracts.iter().map(scale).collect::<Option<Vec<u32>>>()?;
        u8::try_from(scales.into_iter().max().unwrap_or(0)).ok()
    };
    let (tick, lot) = (finest("tick")?, finest("lot")?);
    let cash = u8::try_from(header.cash_unit.size().scale()).ok()?;
    let column = |(name, of): &(&str, Of)| match of {
        Of::Text => Column::new(*name, "", Kind::Text),
        Of::Whole => Column::new(*name, "", Kind::Whole),
        Of::Flag => Column::new(*name, "", Kind::Flag),
        Of::Seconds => Column::new(*name, "s", Kind::Decimal(9)),
        Of::Cash => Column::new(*name, header.currency.clone(), Kind::Decimal(cash)),
        Of::Price => Column::new(*name, "price of `symbol`", Kind::Decimal(tick)),
        Of::Quantity => Column::new(*name, "quantity of `symbol`", Kind::Decimal(lot)),
    };
    let mut columns = vec![Column::new("path", "", Kind::Whole)];
    columns.extend(FIELDS.iter().map(column));
    Some(Opening { path: first.get("path")?.as_i64()?, columns })
}

fn read(kind: Kind, json: &Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Null),
        Json::Bool(flag) => (kind == Kind::Flag).then_some(Value::Flag(*flag)),
        Json::Number(number) => (kind == Kind::Whole).then(|| number.as_i64().map(Value::Whole))?,
        Json::String(text) => Value::read(kind, text),
        Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_column() {
        let mut names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIELDS.len());
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        assert_eq!(read(Kind::Whole, &Json::from(3)), Some(Value::Whole(3)));
        assert_eq!(read(Kind::Decimal(2), &Json::from("1.5")), Some(Value::Decimal(150)));
        assert_eq!(read(Kind::Decimal(2), &Json::from(1.5)), None);
        assert_eq!(read(Kind::Text, &Json::Null), Some(Value::Null));
        assert_eq!(read(Kind::Text, &Json::from(true)), None);
    }
}
