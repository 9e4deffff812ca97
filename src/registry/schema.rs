//! The JSON schema of everything that can be written, from the same lists of keys.

use serde_json::{Value as Json, json};

use super::{FamilyInfo, Key, Need, Shape};

/// The JSON schema of a table with these keys.
#[must_use]
pub fn schema(keys: &[Key], about: &str) -> Json {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for key in keys {
        properties.insert(key.name.into(), key_schema(key));
        if matches!(key.need, Need::Required) {
            required.push(key.name);
        }
    }
    let mut schema =
        json!({ "type": "object", "description": about, "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn key_schema(key: &Key) -> Json {
    let mut schema = shape_schema(key.shape);
    let unit = key.shape.unit();
    let about = if unit.is_empty() { key.about.to_owned() } else { format!("{} [{unit}]", key.about) };
    schema["description"] = json!(about);
    if let Need::Default(literal) = key.need {
        let parsed: Option<Json> = toml::from_str::<toml::Table>(&format!("x = {literal}"))
            .ok()
            .and_then(|table| serde_json::to_value(&table["x"]).ok());
        if let Some(value) = parsed {
            schema["default"] = value;
        }
    }
    schema
}

fn shape_schema(shape: Shape) -> Json {
    match shape {
        Shape::Number { min, max, .. } => {
            let mut schema = json!({ "type": "number" });
            if min.is_finite() {
                schema["minimum"] = json!(min);
            }
            if max.is_finite() {
                schema["maximum"] = json!(max);
            }
            schema
        }
        Shape::Positive { .. } | Shape::PositiveAmount { .. } => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Shape::Share { min, max } => {
            json!({ "anyOf": [{ "type": "number", "minimum": min, "maximum": max }, { "type": "string", "pattern": "^\\s*[-+0-9._eE]+\\s*%\\s*$" }] })
        }
        Shape::Amount { .. } => json!({ "type": "number", "minimum": 0 }),
        Shape::Count { min, max } => {
            let mut schema = json!({ "type": "integer", "minimum": min });
            if max != i64::MAX {
                schema["maximum"] = json!(max);
            }
            schema
        }
        Shape::Time { .. } => json!({ "type": "string", "pattern": "^\\s*[0-9._]+\\s*(ns|us|ms|s|min|h|d)\\s*$" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Text | Shape::File => json!({ "type": "string", "minLength": 1 }),
        Shape::Choice(words) => {
            let one_of: Vec<Json> =
                words.iter().map(|(word, about)| json!({ "const": word, "description": about })).collect();
            json!({ "oneOf": one_of })
        }
        Shape::List(of) => json!({ "type": "array", "items": shape_schema(*of) }),
        Shape::Table(keys) => schema(keys, ""),
        // By name, since a family may stand within itself, and distributions stand everywhere. Beside a `$ref` nothing else
        // counts, so it stands in a list of its own.
        Shape::Plugin(family) => json!({ "allOf": [{ "$ref": format!("#/definitions/{}", defined_as(family)) }] }),
        Shape::PluginWith(family, with) => family_schema(family, with),
    }
}

/// The JSON schema of a plug-in: one alternative a kind, and the shorthand. Every kind also takes the keys `with`.
#[must_use]
pub fn family_schema(family: &FamilyInfo, with: &[Key]) -> Json {
    let mut any: Vec<Json> = Vec::new();
    if family.shorthand.is_some() {
        any.push(json!({ "type": "number" }));
    }
    for entry in (family.entries)() {
        let mut table = schema(entry.keys, entry.about);
        table["properties"]["kind"] = json!({ "const": entry.kind });
        for key in with {
            table["properties"][key.name] = key_schema(key);
        }
        let mut required: Vec<Json> = vec![json!("kind")];
        required.extend(table["required"].as_array().cloned().unwrap_or_default());
        table["required"] = json!(required);
        any.push(table);
        let free = entry.keys.iter().all(|key| !matches!(key.need, Need::Required));
        if family.bare_kind && free {
            any.push(json!({ "const": entry.kind, "description": entry.about }));
        }
    }
    json!({ "description": family.about, "anyOf": any })
}

fn defined_as(family: &FamilyInfo) -> String {
    family.name.replace(' ', "_")
}

/// The JSON schemas of all families that these keys choose from, for `definitions` at the root.
#[must_use]
pub fn definitions(keys: &[Key]) -> Json {
    let mut families: Vec<&'static FamilyInfo> = Vec::new();
    keys.iter().for_each(|key| collect(key.shape, &mut families));
    families.sort_by_key(|family| family.name);
    let schemas = families.into_iter().map(|family| (defined_as(family), family_schema(family, &[])));
    Json::Object(schemas.collect())
}

/// The families that a shape refers to, and those that they refer to.
fn collect(shape: Shape, families: &mut Vec<&'static FamilyInfo>) {
    match shape {
        Shape::List(of) => collect(*of, families),
        Shape::Table(keys) => keys.iter().for_each(|key| collect(key.shape, families)),
        Shape::Plugin(family) if families.iter().all(|known| known.name != family.name) => {
            families.push(family);
            collect_of(family, families);
        }
        Shape::PluginWith(family, with) => {
            collect_of(family, families);
            with.iter().for_each(|key| collect(key.shape, families));
        }
        _ => {}
    }
}

fn collect_of(family: &FamilyInfo, families: &mut Vec<&'static FamilyInfo>) {
    for entry in (family.entries)() {
        entry.keys.iter().for_each(|key| collect(key.shape, families));
    }
}
