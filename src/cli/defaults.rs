//! Keys that a scenario leaves to their defaults, for readers of its report.

use serde_json::Value as Json;

use flashcrash::folder::{Defaulted, Written};
use flashcrash::scenario::{self, Scenario};

/// The scenario's text and its defaults, which the schema knows.
pub fn written(scenario: &Scenario) -> Written {
    let text = scenario.source.text.clone();
    let mut defaults = Vec::new();
    if let Ok(table) = toml::from_str::<toml::Table>(&text) {
        walk(&scenario::schema(), &toml::Value::Table(table), "", &mut defaults);
    }
    Written { text, defaults }
}

/// Compares what stands in a table with what the schema says could.
fn walk(schema: &Json, value: &toml::Value, place: &str, out: &mut Vec<Defaulted>) {
    match value {
        toml::Value::Table(table) => {
            let schema = alternative(schema, table);
            let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
            for (key, property) in properties {
                let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                match table.get(key) {
                    Some(value) => walk(property, value, &inner, out),
                    // What a preset says is no default.
                    None if table.contains_key("preset") => {}
                    None => out.extend(property.get("default").map(|default| Defaulted {
                        table: place.to_owned(),
                        key: key.clone(),
                        value: default.to_string(),
                        about: property.get("description").and_then(Json::as_str).unwrap_or("").to_owned(),
                    })),
                }
            }
        }
        toml::Value::Array(list) => {
            let Some(items) = schema.get("items") else { return };
            for (at, item) in list.iter().enumerate() {
                walk(items, item, &format!("{place}[{at}]"), out);
            }
        }
        _ => {}
    }
}

/// Of the kinds of a plug-in, the one that the table names.
fn alternative<'a>(schema: &'a Json, table: &toml::Table) -> &'a Json {
    let kind = table.get("kind").and_then(toml::Value::as_str);
    let any = schema.get("anyOf").and_then(Json::as_array);
    any.and_then(|any| any.iter().find(|one| one["properties"]["kind"]["const"].as_str() == kind && kind.is_some()))
        .unwrap_or(schema)
}
