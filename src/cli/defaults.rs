//! Keys that a scenario leaves to their defaults, for readers of its report.

use serde_json::Value as Json;

use flashcrash::folder::{Defaulted, Written};
use flashcrash::scenario::{self, Scenario};

/// The scenario's text and its defaults, which the schema knows.
pub fn written(scenario: &Scenario) -> Written {
    let text = scenario.source.text.clone();
    let mut defaults = Vec::new();
    if let Ok(table) = toml::from_str::<toml::Table>(&text) {
        let schema = scenario::schema();
        walk(&schema, &schema, &toml::Value::Table(table), "", &mut defaults);
    }
    Written { text, defaults }
}

/// Compares what stands in a table with what its part of the whole schema says could.
fn walk(whole: &Json, schema: &Json, value: &toml::Value, place: &str, out: &mut Vec<Defaulted>) {
    match value {
        toml::Value::Table(table) => {
            let schema = alternative(defined(whole, schema), table);
            let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
            for (key, property) in properties {
                let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                match table.get(key) {
                    Some(value) => walk(whole, property, value, &inner, out),
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
                walk(whole, items, item, &format!("{place}[{at}]"), out);
            }
        }
        _ => {}
    }
}

/// What a part of the schema refers to; itself where it refers to nothing.
fn defined<'a>(whole: &'a Json, schema: &'a Json) -> &'a Json {
    let name = schema.pointer("/allOf/0/$ref").and_then(Json::as_str);
    name.and_then(|name| whole.pointer(name.trim_start_matches('#'))).unwrap_or(schema)
}

/// Of the kinds of a plug-in, the one that the table names.
fn alternative<'a>(schema: &'a Json, table: &toml::Table) -> &'a Json {
    let kind = table.get("kind").and_then(toml::Value::as_str);
    let any = schema.get("anyOf").and_then(Json::as_array);
    any.and_then(|any| any.iter().find(|one| one["properties"]["kind"]["const"].as_str() == kind && kind.is_some()))
        .unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_kinds_that_a_scenario_chooses_are_among_them() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/collateral-oct-2025.toml");
        let (scenario, _) = scenario::load(&path).unwrap();
        let defaults = written(&scenario).defaults;
        let value = |table: &str, key: &str| {
            defaults.iter().find(|one| one.table == table && one.key == key).map(|one| one.value.clone())
        };
        assert_eq!(value("assets[1].book", "kappa").as_deref(), Some("1.16"));
        assert_eq!(value("assets[0].book", "kappa"), None, "it is written");
        assert_eq!(value("venue", "latency").as_deref(), Some("\"0 s\""));
    }
}
