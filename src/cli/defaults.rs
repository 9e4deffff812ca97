//! Keys that a scenario leaves to their defaults, for readers of its report.

use serde_json::Value as Json;

use flashcrash::fault::Faults;
use flashcrash::folder::{Defaulted, Written};
use flashcrash::registry::{self, Node, Raw};
use flashcrash::scenario::{self, Scenario};

/// The scenario's text and its defaults, which the schema knows.
pub fn written(scenario: &Scenario) -> Written {
    let mut defaults = Vec::new();
    // A key set beside the file is not left to its default either.
    let (_, node) = registry::parse_with(&scenario.source, &scenario.settings, &mut Faults::default());
    let schema = scenario::schema();
    walk(&schema, &schema, &node, "", &mut defaults);
    Written { text: scenario.source.text.clone(), defaults }
}

/// Compares what stands in a table with what its part of the whole schema says could.
fn walk(whole: &Json, schema: &Json, value: &Node, place: &str, out: &mut Vec<Defaulted>) {
    match &value.raw {
        Raw::Table(_) => {
            let schema = alternative(defined(whole, schema), value);
            let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
            for (key, property) in properties {
                let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                match value.get(key) {
                    Some(value) => walk(whole, property, value, &inner, out),
                    // What a preset says is no default.
                    None if value.get("preset").is_some() => {}
                    None => out.extend(property.get("default").map(|default| Defaulted {
                        table: place.to_owned(),
                        key: key.clone(),
                        value: default.to_string(),
                        about: property.get("description").and_then(Json::as_str).unwrap_or("").to_owned(),
                    })),
                }
            }
        }
        Raw::List(list) => {
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
fn alternative<'a>(schema: &'a Json, table: &Node) -> &'a Json {
    let Some(Node { raw: Raw::Text(kind), .. }) = table.get("kind") else { return schema };
    let any = schema.get("anyOf").and_then(Json::as_array);
    any.and_then(|any| any.iter().find(|one| one["properties"]["kind"]["const"].as_str() == Some(kind)))
        .unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrash::registry::Setting;

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

    #[test]
    fn a_key_set_beside_the_file_is_no_default_and_not_in_its_text() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/classroom.toml");
        let settings = [Setting::parse("venue.latency=1 s").unwrap()];
        let (scenario, _) = scenario::load_with(&path, &settings).unwrap();
        let told = written(&scenario);
        assert_eq!(told.text, std::fs::read_to_string(&path).unwrap());
        let venue: Vec<&str> =
            told.defaults.iter().filter(|one| one.table == "venue").map(|one| one.key.as_str()).collect();
        assert!(!venue.contains(&"latency") && !venue.is_empty(), "{venue:?}");
        assert_eq!(
            written(&scenario::load(&path).unwrap().0).defaults.len(),
            told.defaults.len() + 1,
            "one default less"
        );
    }
}
