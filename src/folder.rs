//! The output folder: what stands in each file, and the one writer and reader of all of them.
//!
//! A folder holds results only: no time stamp, thread count, host, absolute path or rate, so that two runs of one
//! scenario and seed write the same bytes. It appears whole or not at all (see [`writer`]).

pub mod attribution;
pub mod book;
pub mod conduct;
pub mod contributions;
pub mod decimal;
pub mod frontier;
pub mod fund_size;
pub mod opening;
pub mod parquet;
pub mod rows;
pub mod schema;
pub mod screening;
pub mod series;
pub mod study;
mod swap;
pub mod tilted;
pub mod trace;
pub mod what_if;
pub mod writer;

use std::fs;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::facts::{Column, Outcome, Unit};
use crate::fault::{Failure, command};
use crate::money::{Cash, Nanos, Quantum, Ratio};
use crate::stats::Estimate;

pub use writer::Writer;

/// Version that stands in every folder written by this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which way prices move against the crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adverse {
    Down,
    Up,
}

/// What a folder is about: the content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub scenario: String,
    /// What the scenario shows, in a sentence.
    pub about: String,
    /// Scenario file as the command named it; its last part where that was an absolute path.
    pub file: String,
    /// Keys set beside the file, each as `key=value`.
    pub set: Vec<String>,
    /// SHA-256 of the scenario and every file it refers to, with the keys set beside it.
    pub hash: String,
    pub seed: u64,
    pub paths: u64,
    /// How many of them, from the first, are in `series.csv`.
    pub series_paths: u64,
    pub version: String,
    /// Settlement currency.
    pub currency: String,
    pub cash_unit: Quantum,
    /// Symbol of the first asset, which price columns are of.
    pub symbol: String,
    /// Tick of the first asset.
    pub tick: Quantum,
    pub adverse: Adverse,
    /// Accounts on each path.
    pub accounts: u64,
    pub horizon: Nanos,
    pub fund_open: Cash,
    pub fund_floor: Cash,
    /// When ADL takes over from the fund; absent where no layer is ADL.
    pub adl: Option<AdlFrom>,
    /// Whether the first contract is inverse: money is the coin, prices are not in it.
    pub inverse: bool,
    /// Whether accounts do anything of their own accord, so that `paths.csv` has the columns of that.
    pub behaviours: bool,
    /// Importance sampling as it was asked for, `drop=4`; absent where every path counts once.
    pub tilt: Option<String>,
}

/// What stops the fund's payments, so that ADL bears the losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdlFrom {
    /// Its floor.
    Floor,
    /// A fall from its peak: begins at one share of the peak, ends below another.
    Fall { start: Ratio, stop: Ratio },
}

/// Something the reader of a metric must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// The top 1 % of the paths carry over half of the sum.
    TailDominated,
    /// The fund's own size cuts the quantity off.
    Censored,
    /// All paths have the same value.
    Identical,
    /// Fewer than ten paths lie beyond the quantile.
    ThinTail,
    /// There are too few paths for one of the bounds.
    Unbounded,
    /// Under importance sampling too few paths carry the estimate, so it is not told.
    FewEffective,
}

impl Flag {
    pub const ALL: [Self; 6] =
        [Self::TailDominated, Self::Censored, Self::Identical, Self::ThinTail, Self::Unbounded, Self::FewEffective];

    /// As written in `summary.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TailDominated => "tail-dominated",
            Self::Censored => "censored",
            Self::Identical => "identical",
            Self::ThinTail => "thin tail",
            Self::Unbounded => "unbounded",
            Self::FewEffective => "few effective paths",
        }
    }

    /// The footnote that explains it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::TailDominated => {
                "tail-dominated: 1 % of the paths carry over half; bootstrap-t, no coverage claimed (heavy tail: interval too narrow)"
            }
            Self::Censored => "censored by the fund: it cannot exceed what the fund may pay; read fund_need instead",
            Self::Identical => "identical on every path: no sampling error to show",
            Self::ThinTail => "thin tail: fewer than 10 paths lie beyond the quantile; run more",
            Self::Unbounded => "too few paths to bound it on that side",
            Self::FewEffective => {
                "under importance sampling: not told, as its effective sample size is below 200 or the weights do not average 1"
            }
        }
    }
}

/// A named estimate; its meaning and unit stand in [`schema::METRICS`].
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub unit: String,
    /// `None` where it is undefined.
    pub estimate: Option<Estimate>,
    pub flags: Vec<Flag>,
}

/// A key that a scenario left to its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaulted {
    /// Where it would stand, as in `assets[0].book`.
    pub table: String,
    pub key: String,
    /// As it would be written.
    pub value: String,
    pub about: String,
}

/// A scenario as a user wrote it, with what it left unsaid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    pub defaults: Vec<Defaulted>,
}

/// A finished folder, opened to be read.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: PathBuf,
    pub header: Header,
    pub metrics: Vec<Metric>,
}

impl Folder {
    /// Opens a folder, first repairing what an interrupted command left.
    ///
    /// # Errors
    /// A folder that is missing, that this program did not write, or whose files are damaged.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        swap::repair(dir)?;
        Self::read(dir)
    }

    /// Reads a folder as it stands, the unfinished one of a [`Writer`] included.
    ///
    /// # Errors
    /// As for [`Folder::open`].
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        if !swap::is_ours(dir) {
            return Err(swap::not_ours(dir));
        }
        let manifest = read_json(&dir.join("manifest.json"))?;
        let header = Header::from_json(&manifest)
            .ok_or_else(|| damaged(&dir.join("manifest.json"), "a key is missing or wrong"))?;
        let summary = dir.join("summary.json");
        let metrics = metrics_from_json(&read_json(&summary)?)
            .ok_or_else(|| damaged(&summary, "a metric is missing or wrong"))?;
        Ok(Self { dir: dir.to_path_buf(), header, metrics })
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A metric that is defined, by name.
    #[must_use]
    pub fn estimate(&self, name: &str) -> Option<Estimate> {
        self.metrics.iter().find(|metric| metric.name == name)?.estimate
    }

    /// Shows every row of `paths.csv` in order.
    ///
    /// # Errors
    /// A file that cannot be read, or a damaged row with its line and column.
    pub fn rows(&self, visit: &mut dyn FnMut(&Outcome)) -> Result<(), Failure> {
        rows::read(&self.dir.join("paths.csv"), &self.header, visit)
    }

    /// Reads the paths that were replayed in full, by ascending number.
    ///
    /// # Errors
    /// A damaged file, with its name.
    pub fn traces(&self) -> Result<Vec<trace::Traced>, Failure> {
        trace::read(&self.dir)
    }

    /// The scenario as it was written, and the keys it left to their defaults; `None` in folders without them.
    ///
    /// # Errors
    /// Files that are there but cannot be read.
    pub fn written(&self) -> Result<Option<Written>, Failure> {
        let (text, defaults) = (self.dir.join("scenario.toml"), self.dir.join("defaults.json"));
        if !text.is_file() || !defaults.is_file() {
            return Ok(None);
        }
        let written = fs::read_to_string(&text).map_err(Failure::file(&text))?;
        let list = fs::read_to_string(&defaults).map_err(Failure::file(&defaults))?;
        let list = serde_json::from_str(&list).map_err(|error| damaged(&defaults, &error.to_string()))?;
        Ok(Some(Written { text: written, defaults: list }))
    }

    /// The one path again with half the leverage cap; `None` in folders without it.
    ///
    /// # Errors
    /// A file that is there but cannot be read.
    pub fn what_if(&self) -> Result<Option<what_if::WhatIf>, Failure> {
        let path = self.dir.join("what_if.json");
        if !path.is_file() {
            return Ok(None);
        }
        let value = read_json(&path)?;
        serde_json::from_value(value).map(Some).map_err(|error| damaged(&path, &error.to_string()))
    }

    /// Reads `behaviours.csv`: means of what accounts did of their own accord; none in folders without it.
    ///
    /// # Errors
    /// A damaged file, with its name and line.
    pub fn conduct(&self) -> Result<Vec<(Column, Estimate)>, Failure> {
        conduct::read(&self.dir)
    }

    /// Reads `series.csv`.
    ///
    /// # Errors
    /// As for [`Folder::rows`].
    pub fn series(&self) -> Result<series::Bands, Failure> {
        series::Bands::read(&self.dir.join("series.csv"), &self.header)
    }
}

impl Header {
    /// As it stands in `manifest.json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut manifest = json!({
            "program": "flashcrash",
            "version": self.version,
            "scenario": self.scenario,
            "about": self.about,
            "scenario_hash": self.hash,
            "seed": self.seed,
            "paths": self.paths,
            "series_paths": self.series_paths,
            "currency": self.currency,
            "cash_unit": self.cash_unit.size().to_string(),
            "symbol": self.symbol,
            "tick": self.tick.size().to_string(),
            "adverse": match self.adverse { Adverse::Down => "down", Adverse::Up => "up" },
            "accounts": self.accounts,
            "horizon_s": Decimal::new(self.horizon.0, 9).normalize().to_string(),
            "fund_open": self.cash_unit.show(self.fund_open.0).to_string(),
            "fund_floor": self.cash_unit.show(self.fund_floor.0).to_string(),
        });
        match self.adl {
            None => {}
            Some(AdlFrom::Floor) => manifest["adl_from"] = json!("floor"),
            Some(AdlFrom::Fall { start, stop }) => {
                manifest["adl_from"] = json!("fall");
                for (key, share) in [("adl_start", start), ("adl_stop", stop)] {
                    manifest[key] = json!(Decimal::new(share.0, 9).normalize().to_string());
                }
            }
        }
        manifest["file"] = json!(self.file);
        if !self.set.is_empty() {
            manifest["set"] = json!(self.set);
        }
        if self.inverse {
            manifest["inverse"] = json!(true);
        }
        if self.behaviours {
            manifest["behaviours"] = json!(true);
        }
        if let Some(tilt) = &self.tilt {
            manifest["tilt"] = json!(tilt);
        }
        manifest
    }

    /// The scenario as a command line names it: its file, and what was set beside it.
    #[must_use]
    pub fn command(&self) -> String {
        command::scenario(&self.file, &self.set)
    }

    /// Reads what [`Header::to_json`] wrote.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str().map(String::from);
        let decimal = |key: &str| text(key)?.parse::<Decimal>().ok();
        let cash_unit = Quantum::new(decimal("cash_unit")?)?;
        let set = value.get("set").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            // Folders of before this key was written were named after their file as a rule.
            file: text("file").or_else(|| Some(format!("{}.toml", text("scenario")?)))?,
            set: set.filter_map(Value::as_str).map(String::from).collect(),
            scenario: text("scenario")?,
            about: text("about")?,
            hash: text("scenario_hash")?,
            seed: value.get("seed")?.as_u64()?,
            paths: value.get("paths")?.as_u64()?,
            series_paths: value.get("series_paths")?.as_u64()?,
            version: text("version")?,
            currency: text("currency")?,
            cash_unit,
            symbol: text("symbol")?,
            tick: Quantum::new(decimal("tick")?)?,
            adverse: match text("adverse")?.as_str() {
                "down" => Adverse::Down,
                "up" => Adverse::Up,
                _ => return None,
            },
            accounts: value.get("accounts")?.as_u64()?,
            horizon: Nanos(Quantum::new(Decimal::new(1, 9))?.exact(decimal("horizon_s")?)?),
            fund_open: Cash(cash_unit.exact(decimal("fund_open")?)?),
            fund_floor: Cash(cash_unit.exact(decimal("fund_floor")?)?),
            adl: match value.get("adl_from") {
                None => None,
                Some(from) if from == "floor" => Some(AdlFrom::Floor),
                Some(_) => {
                    let share = |key: &str| Some(Ratio(Quantum::new(Decimal::new(1, 9))?.exact(decimal(key)?)?));
                    Some(AdlFrom::Fall { start: share("adl_start")?, stop: share("adl_stop")? })
                }
            },
            inverse: value.get("inverse").is_some_and(|on| on == true),
            behaviours: value.get("behaviours").is_some_and(|on| on == true),
            tilt: text("tilt"),
        })
    }
}

/// `summary.json`: who wrote it about what, and the metrics by name. An infinite bound is `null`.
fn summary_to_json(header: &Header, metrics: &[Metric], conduct: &[(Column, Estimate)]) -> Value {
    let told = |estimate: Estimate, unit: &str| {
        json!({
            "estimate": estimate.estimate,
            "low": estimate.low,
            "high": estimate.high,
            "level": estimate.level,
            "unit": unit,
        })
    };
    let mut by_name = Map::new();
    for metric in metrics {
        let value = metric.estimate.map_or(Value::Null, |estimate| {
            let mut value = told(estimate, &metric.unit);
            if let Some(error) = estimate.standard_error {
                value["standard_error"] = json!(error);
            }
            if !metric.flags.is_empty() {
                value["flags"] = metric.flags.iter().map(|flag| flag.name()).collect();
            }
            value
        });
        by_name.insert(metric.name.clone(), value);
    }
    let mut summary = json!({
        "scenario": header.scenario,
        "scenario_hash": header.hash,
        "seed": header.seed,
        "paths": header.paths,
        "version": header.version,
        "metrics": by_name,
    });
    if !conduct.is_empty() {
        let unit = |column: &Column| match column.unit {
            Unit::Cash | Unit::Price => header.currency.as_str(),
            Unit::Seconds => "s",
            Unit::Count => "count",
        };
        summary["behaviours"] =
            conduct.iter().map(|(column, mean)| (column.name.to_owned(), told(*mean, unit(column)))).collect();
    }
    summary
}

fn metrics_from_json(value: &Value) -> Option<Vec<Metric>> {
    let metric = |(name, value): (&String, &Value)| {
        if value.is_null() {
            return Some(Metric { name: name.clone(), unit: String::new(), estimate: None, flags: Vec::new() });
        }
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let written = value.get("flags").and_then(Value::as_array);
        Some(Metric {
            name: name.clone(),
            unit: value.get("unit")?.as_str()?.to_string(),
            estimate: Some(Estimate {
                estimate: number("estimate")?,
                low: number("low").unwrap_or(f64::NEG_INFINITY),
                high: number("high").unwrap_or(f64::INFINITY),
                level: number("level")?,
                standard_error: number("standard_error"),
            }),
            flags: Flag::ALL
                .into_iter()
                .filter(|flag| written.is_some_and(|list| list.iter().any(|text| text.as_str() == Some(flag.name()))))
                .collect(),
        })
    };
    value.get("metrics")?.as_object()?.iter().map(metric).collect()
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file(path))?;
    serde_json::from_str(&text).map_err(|error| damaged(path, &error.to_string()))
}

/// A file as a folder names it: as the command did, but no absolute path.
#[must_use]
pub fn relative(file: &str) -> String {
    let path = Path::new(file);
    match path.file_name() {
        Some(name) if path.is_absolute() => name.to_string_lossy().into_owned(),
        _ => file.to_owned(),
    }
}

fn write_json(path: &Path, value: &Value) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| damaged(path, &error.to_string()))?;
    text.push('\n');
    fs::write(path, text).map_err(Failure::file(path))
}

/// A file that is there but does not hold what it should.
fn damaged(path: &Path, what: &str) -> Failure {
    Failure::file(path)(std::io::Error::new(std::io::ErrorKind::InvalidData, format!("damaged: {what}")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::facts::Conduct;
    use rust_decimal::dec;

    pub(crate) fn header() -> Header {
        Header {
            scenario: "flash-crash".into(),
            about: "A crash in a test.".into(),
            file: "flash-crash.toml".into(),
            set: Vec::new(),
            hash: "0f".repeat(32),
            seed: 7,
            paths: 3,
            series_paths: 3,
            version: VERSION.into(),
            currency: "USDT".into(),
            cash_unit: Quantum::new(dec!(0.000001)).unwrap(),
            symbol: "BTCUSDT".into(),
            tick: Quantum::new(dec!(0.1)).unwrap(),
            adverse: Adverse::Down,
            accounts: 20_000,
            horizon: Nanos(1_800_000_000_000),
            fund_open: Cash(2_000_000_000_000),
            fund_floor: Cash(0),
            adl: Some(AdlFrom::Floor),
            inverse: false,
            behaviours: false,
            tilt: None,
        }
    }

    #[test]
    fn a_header_survives_its_file() {
        let header = Header {
            horizon: Nanos(1_500_000_001),
            fund_floor: Cash(1),
            adl: Some(AdlFrom::Fall { start: Ratio(300_000_000), stop: Ratio(250_000_001) }),
            inverse: true,
            behaviours: true,
            tilt: Some("drop=4".into()),
            set: vec!["venue.fund.open=1000".into(), "venue.adl.kind=pro_rata".into()],
            ..header()
        };
        assert_eq!(Header::from_json(&header.to_json()), Some(header));
    }

    #[test]
    fn a_manifest_of_before_it_named_its_file_is_read() {
        let mut manifest = header().to_json();
        manifest.as_object_mut().unwrap().shift_remove("file").unwrap();
        assert_eq!(Header::from_json(&manifest), Some(header()));
    }

    #[test]
    fn the_summary_has_the_agreed_shape_and_survives_its_file() {
        let metrics = vec![
            Metric {
                name: "p_adl".into(),
                unit: "share".into(),
                estimate: Some(Estimate {
                    estimate: 0.25,
                    low: 0.125,
                    high: f64::INFINITY,
                    level: 0.95,
                    standard_error: None,
                }),
                flags: vec![Flag::Identical, Flag::Unbounded],
            },
            Metric { name: "price_amplification".into(), unit: String::new(), estimate: None, flags: vec![] },
        ];
        let value = summary_to_json(&header(), &metrics, &[]);
        assert_eq!(metrics_from_json(&value), Some(metrics));
        insta::assert_snapshot!(serde_json::to_string_pretty(&value["metrics"]).unwrap(), @r#"
        {
          "p_adl": {
            "estimate": 0.25,
            "low": 0.125,
            "high": null,
            "level": 0.95,
            "unit": "share",
            "flags": [
              "identical",
              "unbounded"
            ]
          },
          "price_amplification": null
        }
        "#);
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["scenario", "scenario_hash", "seed", "paths", "version", "metrics"]);
        let mean = metrics_from_json(&value).unwrap()[0].estimate.unwrap();
        let with = summary_to_json(&header(), &[], &[(Conduct::COLUMNS[2], mean)]);
        assert_eq!(with["behaviours"]["voluntary_sold"]["estimate"], 0.25);
        assert_eq!(with["behaviours"]["voluntary_sold"]["unit"], "USDT");
    }
}
