//! Folders of studies: several runs side by side, and what differs between them.
//!
//! They appear whole or not at all as other folders do. A study that takes long is written so that the same command
//! goes on where it was stopped: what is finished stands in the hidden sibling until all is.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::parquet::{self, Column, Kind};
use super::swap::Places;
use super::trace::{self, Frames, Story};
use super::{Header, Metric, metrics_from_json, read_json, summary_to_json};
use crate::fault::Failure;
use crate::stats::Estimate;

/// What the tables and sentences of a study are about; corrections for several comparisons count these.
pub const HEADLINE: [&str; 13] = [
    "p_fund_exhausted",
    "p_adl",
    "fund_need_mean",
    "fund_need_var_99",
    "fund_need_es_99",
    "liquidated_notional_mean",
    "liquidations_mean",
    "adl_notional_mean",
    "adl_accounts_mean",
    "unfunded_deficit_mean",
    "cascade_amplification",
    "price_amplification",
    "impact_excess_mean",
];

/// A folder of a study while it is written.
#[derive(Debug)]
pub struct Staged {
    places: Places,
    /// What becomes of the unfinished folder.
    left: Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Removed,
    Kept,
}

impl Staged {
    /// Starts a folder that will replace `dir`; dropped without [`Staged::finish`], it leaves nothing.
    ///
    /// # Errors
    /// `dir` holds something that this program did not write, or a file cannot be created.
    pub fn create(dir: &Path, manifest: &Value) -> Result<Self, Failure> {
        let staged = Self { places: Places::new(dir)?, left: Left::Removed };
        staged.places.begin()?;
        staged.write("manifest.json", &pretty(manifest))?;
        Ok(staged)
    }

    /// The same, going on with what an interrupted command of the same manifest left; it is kept until finished.
    ///
    /// # Errors
    /// As for [`Staged::create`].
    pub fn resume(dir: &Path, manifest: &Value) -> Result<Self, Failure> {
        let places = Places::new(dir)?;
        super::swap::repair(dir)?;
        if !places.is_begun(&pretty(manifest)) {
            let mut staged = Self::create(dir, manifest)?;
            staged.left = Left::Kept;
            return Ok(staged);
        }
        Ok(Self { places, left: Left::Kept })
    }

    /// Where it is being written.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.places.partial.join(name)
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<(), Failure> {
        let fresh = self.path(&format!(".{name}.fresh"));
        fs::write(&fresh, content).map_err(Failure::file(&fresh))?;
        fs::rename(&fresh, self.path(name)).map_err(Failure::file(&fresh))
    }

    /// Writes `trace/N/`; `log` fills its `events.jsonl`.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn trace(
        &self,
        frames: &Frames,
        stories: &[Story],
        log: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        trace::write(&self.places.partial, frames, stories, log)
    }

    /// The text of a file that was written before an interruption.
    #[must_use]
    pub fn written(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// Puts the folder in its place without the files for which `passing` holds, and without what an interruption left.
    ///
    /// # Errors
    /// A file cannot be removed or moved.
    pub fn finish(mut self, passing: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let dir = &self.places.partial;
        let entries = fs::read_dir(dir).map_err(Failure::file(dir))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if passing(&name) || name.ends_with(".fresh") {
                fs::remove_file(entry.path()).map_err(Failure::file(entry.path()))?;
            }
        }
        self.places.commit()?;
        self.left = Left::Kept;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.left == Left::Removed {
            // An error here has nowhere to go; the next command removes what is left.
            let _ = self.places.discard_partial();
        }
    }
}

/// A metric of one run against the same of another, in the metric's unit: this run less the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    pub name: String,
    pub difference: Estimate,
    pub p_value: f64,
    /// Holm's over the headline metrics of the whole study; `None` for the rest.
    pub adjusted: Option<f64>,
}

/// Level below which an adjusted p-value counts as significant.
pub const SIGNIFICANT: f64 = 0.05;

impl Contrast {
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.adjusted.is_some_and(|p| p < SIGNIFICANT)
    }
}

/// One run of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub label: String,
    /// One value for each axis of the study, as written in the scenario.
    pub values: Vec<String>,
    pub header: Header,
    pub metrics: Vec<Metric>,
    /// Against the base; empty for the base itself.
    pub contrasts: Vec<Contrast>,
    /// Every path has the same outcome as in the base.
    pub identical: bool,
}

impl Cell {
    /// A metric that is defined, by name.
    #[must_use]
    pub fn estimate(&self, name: &str) -> Option<Estimate> {
        self.metrics.iter().find(|metric| metric.name == name)?.estimate
    }

    #[must_use]
    pub fn contrast(&self, name: &str) -> Option<&Contrast> {
        self.contrasts.iter().find(|contrast| contrast.name == name)
    }

    /// What stands in a file while a study is unfinished.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let contrasts: Vec<Value> = self
            .contrasts
            .iter()
            .map(|c| {
                json!({
                    "metric": c.name,
                    "difference": c.difference.estimate,
                    "low": c.difference.low,
                    "high": c.difference.high,
                    "level": c.difference.level,
                    "standard_error": c.difference.standard_error,
                    "p_value": c.p_value,
                    "p_adjusted": c.adjusted,
                })
            })
            .collect();
        let mut value = summary_to_json(&self.header, &self.metrics, &[]);
        value["label"] = json!(self.label);
        value["values"] = json!(self.values);
        value["manifest"] = self.header.to_json();
        value["identical"] = json!(self.identical);
        value["differences"] = json!(contrasts);
        value
    }

    /// Reads what [`Cell::to_json`] wrote.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let contrast = |value: &Value| {
            let number = |key: &str| value.get(key).and_then(Value::as_f64);
            Some(Contrast {
                name: value.get("metric")?.as_str()?.to_string(),
                difference: Estimate {
                    estimate: number("difference")?,
                    low: number("low").unwrap_or(f64::NEG_INFINITY),
                    high: number("high").unwrap_or(f64::INFINITY),
                    level: number("level")?,
                    standard_error: number("standard_error"),
                },
                p_value: number("p_value")?,
                adjusted: number("p_adjusted"),
            })
        };
        Some(Self {
            label: value.get("label")?.as_str()?.to_string(),
            values: value
                .get("values")?
                .as_array()?
                .iter()
                .map(|text| text.as_str().map(String::from))
                .collect::<Option<_>>()?,
            header: Header::from_json(value.get("manifest")?)?,
            metrics: metrics_from_json(value)?,
            contrasts: value.get("differences")?.as_array()?.iter().map(contrast).collect::<Option<_>>()?,
            identical: value.get("identical")?.as_bool()?,
        })
    }
}

/// Several runs on the same shocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// What it is called.
    pub name: String,
    /// Keys that vary, and how each is called in charts.
    pub axes: Vec<String>,
    pub cells: Vec<Cell>,
    /// The cell that the others are compared with.
    pub base: usize,
}

impl Study {
    #[must_use]
    pub fn base(&self) -> &Cell {
        &self.cells[self.base]
    }

    /// `compare.json`, `sweep.json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "axes": self.axes,
            "base": self.base().label,
            "cells": self.cells.iter().map(Cell::to_json).collect::<Vec<_>>(),
        })
    }

    /// Reads what [`Study::to_json`] wrote.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let value = read_json(path)?;
        let read = || {
            let cells: Vec<Cell> =
                value.get("cells")?.as_array()?.iter().map(Cell::from_json).collect::<Option<_>>()?;
            let base = value.get("base")?.as_str()?;
            Some(Self {
                name: value.get("name")?.as_str()?.to_string(),
                axes: value.get("axes")?.as_array()?.iter().filter_map(|a| a.as_str().map(String::from)).collect(),
                base: cells.iter().position(|cell| cell.label == base)?,
                cells,
            })
        };
        read().ok_or_else(|| super::damaged(path, "a key is missing or wrong"))
    }

    /// `compare.csv`, `sweep.csv`: a row for each cell and metric, with the estimate, its interval, and the difference
    /// from the base with its interval and p-values. What is undefined or unbounded is empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("cell");
        for axis in &self.axes {
            text.push_str(&format!(",{}", quoted(axis)));
        }
        text.push_str(
            ",metric,unit,estimate,low,high,difference,difference_low,difference_high,p_value,p_adjusted,identical,flags\n",
        );
        // A p-value of 1e-28 is not written as 28 zeros.
        let text_of = |x: f64| if x != 0.0 && x.abs() < 1e-4 { format!("{x:e}") } else { format!("{x}") };
        let number = |x: Option<f64>| x.filter(|x| x.is_finite()).map_or_else(String::new, text_of);
        for cell in &self.cells {
            for metric in &cell.metrics {
                let contrast = cell.contrast(&metric.name);
                let mut fields = vec![quoted(&cell.label)];
                fields.extend(cell.values.iter().map(|value| quoted(&plain(value))));
                fields.extend([metric.name.clone(), quoted(&metric.unit)]);
                fields.extend([
                    number(metric.estimate.map(|e| e.estimate)),
                    number(metric.estimate.map(|e| e.low)),
                    number(metric.estimate.map(|e| e.high)),
                    number(contrast.map(|c| c.difference.estimate)),
                    number(contrast.map(|c| c.difference.low)),
                    number(contrast.map(|c| c.difference.high)),
                    number(contrast.map(|c| c.p_value)),
                    number(contrast.and_then(|c| c.adjusted)),
                    if cell.contrasts.is_empty() { String::new() } else { cell.identical.to_string() },
                    metric.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" + "),
                ]);
                text.push_str(&fields.join(","));
                text.push('\n');
            }
        }
        text
    }
}

/// A value of an axis as other programs read it: a number without the underscores of a scenario.
fn plain(value: &str) -> String {
    let number = value.replace('_', "");
    if number.parse::<f64>().is_ok() { number } else { value.to_owned() }
}

/// The Parquet of a study's table, beside it: values of an axis are numbers where all of them are.
///
/// # Errors
/// As for [`parquet::folder`].
pub fn typed(study: &Study, csv: &Path) -> Result<(), Failure> {
    let mut columns = vec![Column::new("cell", "", Kind::Text)];
    for (at, axis) in study.axes.iter().enumerate() {
        let mut values = study.cells.iter().filter_map(|cell| cell.values.get(at));
        let kind = if values.all(|value| plain(value).parse::<f64>().is_ok()) { Kind::Float } else { Kind::Text };
        columns.push(Column::new(axis.clone(), "", kind));
    }
    columns.extend(["metric", "unit"].map(|name| Column::new(name, "", Kind::Text)));
    let measured = ["estimate", "low", "high", "difference", "difference_low", "difference_high"];
    columns.extend(measured.map(|name| Column::new(name, "as the column `unit` says", Kind::Float)));
    columns.extend(["p_value", "p_adjusted"].map(|name| Column::new(name, "share", Kind::Float)));
    columns.extend([Column::new("identical", "", Kind::Flag), Column::new("flags", "", Kind::Text)]);
    parquet::table(csv, &columns, &parquet::about(&study.base().header))
}

/// A CSV field; quoted where it must be.
#[must_use]
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// JSON as it stands in files.
#[must_use]
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::header;

    pub(crate) fn cell(label: &str) -> Cell {
        let estimate = Estimate { estimate: 0.25, low: 0.125, high: 0.5, level: 0.95, standard_error: None };
        Cell {
            label: label.into(),
            values: vec!["5, or so".into()],
            header: header(),
            metrics: vec![Metric {
                name: "p_adl".into(),
                unit: "share".into(),
                estimate: Some(estimate),
                flags: vec![],
            }],
            contrasts: vec![],
            identical: false,
        }
    }

    fn study() -> Study {
        let difference = Estimate { high: f64::INFINITY, ..cell("").estimate("p_adl").unwrap() };
        let contrast = Contrast { name: "p_adl".into(), difference, p_value: 0.01, adjusted: Some(0.02) };
        let other = Cell { contrasts: vec![contrast], ..cell("b") };
        Study { name: "caps".into(), axes: vec!["cap".into()], cells: vec![cell("a"), other], base: 0 }
    }

    #[test]
    fn a_study_survives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.json");
        fs::write(&path, pretty(&study().to_json())).unwrap();
        assert_eq!(Study::read(&path).unwrap(), study());
    }

    #[test]
    fn the_table_has_a_row_for_each_cell_and_metric() {
        insta::assert_snapshot!(study().csv(), @r#"
        cell,cap,metric,unit,estimate,low,high,difference,difference_low,difference_high,p_value,p_adjusted,identical,flags
        a,"5, or so",p_adl,share,0.25,0.125,0.5,,,,,,,
        b,"5, or so",p_adl,share,0.25,0.125,0.5,0.25,0.125,,0.01,0.02,false,
        "#);
    }

    #[test]
    fn an_interrupted_study_goes_on_only_under_its_own_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("caps");
        let manifest = |seed: u64| json!({"program": "flashcrash", "seed": seed});
        let staged = Staged::resume(&target, &manifest(1)).unwrap();
        staged.write("cell-0.json", "done").unwrap();
        drop(staged);
        assert_eq!(Staged::resume(&target, &manifest(1)).unwrap().written("cell-0.json").as_deref(), Some("done"));
        let staged = Staged::resume(&target, &manifest(2)).unwrap();
        assert_eq!(staged.written("cell-0.json"), None, "another seed begins anew");
        staged.write("cell-0.json", "done").unwrap();
        staged.write("sweep.csv", "table").unwrap();
        staged.finish(|name| name.starts_with("cell-")).unwrap();
        let mut names: Vec<_> = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["manifest.json", "sweep.csv"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no stray folder");
    }

    #[test]
    fn a_dropped_comparison_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(Staged::create(&dir.path().join("x"), &json!({"program": "flashcrash"})).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
