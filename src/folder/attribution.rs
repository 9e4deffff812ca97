//! `attribution.json` and `attribution.csv`: what each part of the market adds to a crash.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::study::{pretty, quoted};
use super::{damaged, read_json};
use crate::fault::Failure;
use crate::stats::Estimate;

/// What parts of the market add, by metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    pub scenario: String,
    pub seed: u64,
    pub paths: u64,
    pub version: String,
    /// The parts, in the order in which they are switched on.
    pub parts: Vec<String>,
    pub effects: Vec<Effect>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub name: String,
    /// What it is, for a title.
    pub label: String,
    pub unit: String,
    /// Mean with all parts off, and with all on.
    pub off: Estimate,
    pub on: Estimate,
    /// One for each part.
    pub added: Vec<Added>,
}

/// What one part adds: differences of means, path by path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Added {
    /// To a market in which all parts are off.
    pub first_in: Estimate,
    /// To one in which those before it are on.
    pub in_order: Estimate,
    /// To one in which all others are on.
    pub last_in: Estimate,
}

fn bounds(estimate: Estimate) -> Value {
    json!({
        "estimate": estimate.estimate, "low": estimate.low, "high": estimate.high, "level": estimate.level,
        "standard_error": estimate.standard_error,
    })
}

fn estimate(value: &Value) -> Option<Estimate> {
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    Some(Estimate {
        estimate: number("estimate")?,
        low: number("low").unwrap_or(f64::NEG_INFINITY),
        high: number("high").unwrap_or(f64::INFINITY),
        level: number("level")?,
        standard_error: number("standard_error"),
    })
}

impl Attribution {
    #[must_use]
    pub fn to_json(&self) -> Value {
        let effect = |effect: &Effect| {
            let added: Vec<Value> = self
                .parts
                .iter()
                .zip(&effect.added)
                .map(|(part, added)| {
                    json!({
                        "part": part, "first_in": bounds(added.first_in), "in_order": bounds(added.in_order),
                        "last_in": bounds(added.last_in),
                    })
                })
                .collect();
            json!({
                "metric": effect.name, "label": effect.label, "unit": effect.unit, "off": bounds(effect.off),
                "on": bounds(effect.on), "added": added,
            })
        };
        json!({
            "scenario": self.scenario, "seed": self.seed, "paths": self.paths, "version": self.version,
            "parts": self.parts, "effects": self.effects.iter().map(effect).collect::<Vec<_>>(),
        })
    }

    /// Reads what [`Attribution::to_json`] wrote.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let added = |value: &Value| {
            let at = |key: &str| estimate(value.get(key)?);
            Some(Added { first_in: at("first_in")?, in_order: at("in_order")?, last_in: at("last_in")? })
        };
        let effect = |value: &Value| {
            Some(Effect {
                name: text(value, "metric")?,
                label: text(value, "label")?,
                unit: text(value, "unit")?,
                off: estimate(value.get("off")?)?,
                on: estimate(value.get("on")?)?,
                added: value.get("added")?.as_array()?.iter().map(added).collect::<Option<_>>()?,
            })
        };
        Some(Self {
            scenario: text(value, "scenario")?,
            seed: value.get("seed")?.as_u64()?,
            paths: value.get("paths")?.as_u64()?,
            version: text(value, "version")?,
            parts: value
                .get("parts")?
                .as_array()?
                .iter()
                .map(|part| Some(part.as_str()?.to_owned()))
                .collect::<Option<_>>()?,
            effects: value.get("effects")?.as_array()?.iter().map(effect).collect::<Option<_>>()?,
        })
    }

    /// Reads `attribution.json` of a folder; `None` where it has none.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn read(dir: &Path) -> Result<Option<Self>, Failure> {
        let path = dir.join("attribution.json");
        if !path.exists() {
            return Ok(None);
        }
        let found = Self::from_json(&read_json(&path)?);
        found.map(Some).ok_or_else(|| damaged(&path, "a key is missing or wrong"))
    }

    /// Writes both files into a folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), Failure> {
        for (name, content) in [("attribution.json", pretty(&self.to_json())), ("attribution.csv", self.csv())] {
            let path = dir.join(name);
            fs::write(&path, content).map_err(Failure::file(&path))?;
        }
        Ok(())
    }

    /// A row for each metric and part; `off` and `on` rows hold the means themselves.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("metric,unit,part,way,estimate,low,high\n");
        let mut row = |effect: &Effect, part: &str, way: &str, of: Estimate| {
            let number = |x: f64| if x.is_finite() { format!("{x}") } else { String::new() };
            text.push_str(&format!(
                "{},{},{},{way},{},{},{}\n",
                effect.name,
                quoted(&effect.unit),
                quoted(part),
                number(of.estimate),
                number(of.low),
                number(of.high)
            ));
        };
        for effect in &self.effects {
            row(effect, "all", "off", effect.off);
            for (part, added) in self.parts.iter().zip(&effect.added) {
                row(effect, part, "first_in", added.first_in);
                row(effect, part, "in_order", added.in_order);
                row(effect, part, "last_in", added.last_in);
            }
            row(effect, "all", "on", effect.on);
        }
        text
    }
}
