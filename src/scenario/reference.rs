//! The documents that follow from the lists of keys: JSON schema, reference page and terminal listing.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::keys;
use crate::market::process::common_jump;
use crate::market::{book, distribution, funding, index, mark, process};
use crate::registry::{self, EntryInfo, FamilyInfo, Key, Need, Shape};
use crate::traders::behaviour;
use crate::traders::presets as populations;
use crate::venue::{adl, liquidation, presets};

/// Every family of plug-ins, with the key that chooses from it.
const FAMILIES: [(&FamilyInfo, &str); 7] = [
    (&process::PROCESS_INFO, "`process` in `[[assets]]`"),
    (&book::BOOK_INFO, "`book` in `[[assets]]`"),
    (&mark::MARK_INFO, "`mark` in `[[assets]]`"),
    (&distribution::DISTRIBUTION_INFO, "`leverage`, `size`, `entry_offset` and `wallet` in `[[traders]]`"),
    (&behaviour::BEHAVIOUR_INFO, "`behaviours` in `[[traders]]` and `[accounts]`"),
    (&liquidation::INFO, "`liquidation` in `[venue]`"),
    (&adl::INFO, "`adl` in `[venue]`"),
];

/// Presets: what they are, the table that chooses one, names with meanings.
const PRESETS: [(&str, &str, &[(&str, &str)]); 2] =
    [("RULE BOOKS OF VENUES", "[venue]", presets::CHOICES), ("POPULATIONS", "[[traders]]", populations::CHOICES)];

/// Tables of a scenario: header as written, meaning, keys.
const TABLES: [(&str, &str, &[Key]); 18] = [
    ("[scenario]", "How long, how fine, how often.", keys::SCENARIO),
    ("[[assets]]", "A contract and its market; once for each.", keys::ASSET),
    ("[assets.index]", "The index that the mark uses, made of several venues. Optional.", index::KEYS),
    ("[[assets.index.venues]]", "A constituent of the index; once for each.", index::VENUE),
    ("[market]", "What the assets have in common. Optional.", keys::MARKET),
    ("[market.common_jump]", "Jumps that come to all assets at once. Optional.", common_jump::KEYS),
    ("[venue]", "The rules of the exchange.", keys::VENUE),
    ("[[venue.tiers]]", "A margin tier; once for each, from the lowest notional to the highest.", keys::TIER),
    ("[venue.funding]", "Payments between longs and shorts. Optional.", funding::KEYS),
    ("[venue.fund]", "The insurance fund.", keys::FUND),
    ("[[venue.fund.pools]]", "A part of the fund for some assets. Optional.", keys::POOL),
    ("[[venue.backstop]]", "A vault that takes positions over. Optional.", keys::BACKSTOP),
    ("[[venue.outage]]", "A stretch of time without liquidations. Optional.", keys::OUTAGE),
    ("[[venue.halt]]", "A stretch of time in which marks and fills stand still. Optional.", keys::HALT),
    ("[venue.band]", "A price band for forced orders. Optional.", keys::BAND),
    ("[population]", "How the accounts of `[[traders]]` are drawn. Optional.", keys::POPULATION),
    ("[[traders]]", "A group of generated accounts; once for each.", keys::TRADERS),
    ("[accounts]", "A position book from a file, in place of `[[traders]]`.", keys::ACCOUNTS),
];

/// The JSON schema of a scenario file, for editors; `scenarios/schema.json` is its pretty print.
#[must_use]
pub fn schema() -> Json {
    let mut schema = registry::schema(keys::ROOT, "A flashcrash scenario.");
    let mut whole = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "title": "flashcrash scenario" });
    if let (Some(whole), Some(schema)) = (whole.as_object_mut(), schema.as_object_mut()) {
        whole.append(schema);
    }
    // A preset has what is required of a venue.
    let venue = &mut whole["properties"]["venue"];
    let required = venue.as_object_mut().and_then(|venue| venue.remove("required")).unwrap_or_else(|| json!([]));
    venue["anyOf"] = json!([{ "required": required }, { "required": ["preset"] }]);
    let group = &mut whole["properties"]["traders"]["items"];
    let required = group.as_object_mut().and_then(|group| group.remove("required")).unwrap_or_else(|| json!([]));
    group["anyOf"] = json!([{ "required": required }, { "required": ["preset"] }]);
    // Read by `flashcrash sweep`, which checks it; a run does not look at it.
    whole["properties"]["sweep"] =
        json!({ "type": "object", "description": "axes over keys of the scenario, for `flashcrash sweep`" });
    whole["oneOf"] = json!([{ "required": ["traders"] }, { "required": ["accounts"] }]);
    whole["definitions"] = registry::definitions(keys::ROOT);
    whole
}

/// The reference of every key and kind as Markdown: `docs/reference.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Scenario reference\n\n\
         Generated from the lists of keys in the source; do not edit by hand: `flashcrash reference > docs/reference.md`.\n\n\
         A scenario is a TOML file. Amounts are decimals and exact (`0.1` is a tenth). Shares are written `0.05` or `\"5 %\"`, times \
         `\"250 ms\"`, `\"1 s\"`, `\"2 min\"`, `\"8 h\"`, `\"1 d\"`. File names start from the folder of the scenario. Unknown keys are faults. \
         A scenario has either `[[traders]]` or `[accounts]`.\n\n## Tables\n",
    );
    for (header, about, keys) in TABLES {
        let _ = write!(page, "\n### `{header}`\n\n{about}\n\n");
        rows(&mut page, keys);
        if header == "[venue]" {
            page.push_str("\n`[venue.adl]` also takes, whatever its kind:\n\n");
            rows(&mut page, keys::ADL);
        }
    }
    page.push_str("\n## Kinds\n\nA plug-in is chosen by `kind` in a table: `mark = { kind = \"…\", … }`.\n");
    for (family, chosen_by) in FAMILIES {
        let _ = write!(
            page,
            "\n### {}\n\n{} Chosen by {chosen_by}.{}\n",
            capital(family.name),
            family.about,
            short_forms(family)
        );
        for EntryInfo { kind, about, keys } in (family.entries)() {
            let _ = write!(page, "\n#### `{kind}`\n\n{}\n", sentence(about));
            if !keys.is_empty() {
                page.push('\n');
                rows(&mut page, keys);
            }
            for key in keys.iter().filter(|key| !inner(key.shape).is_empty()) {
                let _ = write!(page, "\nEach table of `{}`:\n\n", key.name);
                rows(&mut page, inner(key.shape));
            }
        }
    }
    page
}

/// The shorter ways to write a plug-in of this family.
fn short_forms(family: &FamilyInfo) -> String {
    let mut text = String::new();
    if let Some((kind, key)) = family.shorthand {
        let _ = write!(text, " A bare number means `{{ kind = \"{kind}\", {key} = … }}`.");
    }
    if family.bare_kind {
        text.push_str(" A bare word means the kind with its defaults.");
    }
    text
}

/// A table of keys.
fn rows(page: &mut String, keys: &[Key]) {
    page.push_str("| key | takes | default | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let default = match key.need {
            Need::Required => "required".to_owned(),
            Need::Optional => "—".to_owned(),
            Need::Default(literal) => format!("`{literal}`"),
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {default} | {} |",
            key.name,
            escaped(&takes(key.shape)),
            escaped(&meaning(key))
        );
    }
}

/// What a key takes, short enough for a cell.
fn takes(shape: Shape) -> String {
    match shape {
        Shape::Plugin(family) | Shape::PluginWith(family, _) => format!("{} (see Kinds)", family.name),
        Shape::List(Shape::Table(_)) => "tables".to_owned(),
        Shape::List(Shape::Choice(words)) => format!("a list of {}", quoted(words)),
        Shape::Choice(words) => quoted(words),
        Shape::Time { .. } => "a time".to_owned(),
        Shape::Share { min, max } => format!("a share from {min} to {max}"),
        shape => shape.expects(),
    }
}

fn quoted(words: &[(&str, &str)]) -> String {
    words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
}

/// The meaning of a key, with that of each word it can be.
fn meaning(key: &Key) -> String {
    let words = match key.shape {
        Shape::Choice(words) => words,
        Shape::List(Shape::Choice(words)) => *words,
        _ => return key.about.to_owned(),
    };
    let each: Vec<String> = words.iter().map(|(word, about)| format!("`{word}`: {about}")).collect();
    format!("{}. {}", key.about, each.join("; "))
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn sentence(text: &str) -> String {
    let text = capital(text);
    if text.ends_with('.') { text } else { text + "." }
}

/// Every family, kind and key for the terminal.
#[must_use]
pub fn listing() -> String {
    let mut text = String::new();
    for (i, (family, chosen_by)) in FAMILIES.into_iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "{}: {}", family.name.to_uppercase(), family.about);
        let _ = writeln!(text, "  chosen by {}", chosen_by.replace('`', ""));
        if family.name == adl::INFO.name {
            text.push_str("  beside the keys of its kind it takes\n");
            lines(&mut text, keys::ADL, 6);
        }
        for EntryInfo { kind, about, keys } in (family.entries)() {
            let _ = writeln!(text, "\n  {kind}\n      {about}");
            lines(&mut text, keys, 6);
        }
    }
    for (head, of, presets) in PRESETS {
        let _ = write!(text, "\n{head}: `flashcrash preset NAME` prints them.\n  chosen by preset in {of}\n\n");
        for (name, about) in presets {
            let _ = writeln!(text, "  {name:<22} {about}");
        }
    }
    text
}

/// One line a key, and below it the keys of its tables.
fn lines(text: &mut String, keys: &[Key], indent: usize) {
    let width = keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    for key in keys {
        let default = match key.need {
            Need::Required => "required".to_owned(),
            Need::Optional => "optional".to_owned(),
            Need::Default(literal) => format!("default {literal}"),
        };
        let unit = key.shape.unit();
        let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
        let words = if let Shape::Choice(_) = key.shape { format!("; {}", key.shape.expects()) } else { String::new() };
        let _ = writeln!(text, "{:indent$}{:width$}  {}{unit} ({default}{words})", "", key.name, key.about);
        lines(text, inner(key.shape), indent + 4);
    }
}

/// The keys of the tables that a key holds.
fn inner(shape: Shape) -> &'static [Key] {
    match shape {
        Shape::Table(keys) => keys,
        Shape::List(Shape::Table(keys)) => keys,
        _ => &[],
    }
}

/// The same for programs.
#[must_use]
pub fn listing_json() -> Json {
    fn describe(keys: &[Key]) -> Vec<Json> {
        keys.iter()
            .map(|key| {
                let (required, default) = match key.need {
                    Need::Required => (true, Json::Null),
                    Need::Optional => (false, Json::Null),
                    Need::Default(literal) => (false, json!(literal)),
                };
                json!({
                    "name": key.name, "about": key.about, "takes": key.shape.expects(), "unit": key.shape.unit(),
                    "required": required, "default": default, "keys": describe(inner(key.shape)),
                })
            })
            .collect()
    }
    let families = FAMILIES.into_iter().map(|(family, chosen_by)| {
        let kinds: Vec<Json> = (family.entries)()
            .into_iter()
            .map(|entry| json!({ "kind": entry.kind, "about": entry.about, "keys": describe(entry.keys) }))
            .collect();
        json!({ "family": family.name, "about": family.about, "chosen_by": chosen_by.replace('`', ""), "kinds": kinds })
    });
    Json::Array(families.collect())
}
