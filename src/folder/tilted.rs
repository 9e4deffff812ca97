//! Folders of importance sampling: rows with weights, and what they say together.
//!
//! They hold no bands and no charts: those would count every path once.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::rows::{Encoder, Scales};
use super::{Header, Metric, summary_to_json};
use crate::facts::Outcome;
use crate::fault::{Failure, Faults};
use crate::stats::Estimate;

/// What weighted paths say.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    pub metrics: Vec<Metric>,
    /// With its 99 % interval, which must contain 1.
    pub mean_weight: Option<Estimate>,
    /// Effective sample size by metric.
    pub effective: Vec<(String, f64)>,
}

impl Weighted {
    /// `summary.json` with the weights' mean and the effective sample sizes.
    #[must_use]
    pub fn to_json(&self, header: &Header) -> Value {
        let mut value = summary_to_json(header, &self.metrics, &[]);
        value["tilt"] = json!(header.tilt);
        value["mean_weight"] = self
            .mean_weight
            .map_or(Value::Null, |e| json!({"estimate": e.estimate, "low": e.low, "high": e.high, "level": e.level}));
        let sizes: Map<String, Value> = self.effective.iter().map(|(name, size)| (name.clone(), json!(size))).collect();
        value["effective_sample_sizes"] = Value::Object(sizes);
        value
    }
}

/// Writes `paths.csv` with a last column `weight`.
#[derive(Debug)]
pub struct WeightedRows {
    path: PathBuf,
    file: File,
    encoder: Encoder,
    buffer: Vec<u8>,
}

impl WeightedRows {
    /// Starts the file.
    ///
    /// # Errors
    /// It cannot be created, or the units have too many digits.
    pub fn create(path: &Path, header: &Header) -> Result<Self, Failure> {
        let scales = Scales::new(header)
            .ok_or_else(|| Faults::usage("the cash unit or the tick has more than 18 digits", "use a coarser one"))?;
        let encoder = Encoder::new(scales, header);
        let mut file = File::create(path).map_err(Failure::file(path))?;
        let names = format!("{},weight\n", encoder.header().trim_end());
        file.write_all(names.as_bytes()).map_err(Failure::file(path))?;
        Ok(Self { path: path.to_owned(), file, encoder, buffer: Vec::new() })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn rows(&mut self, outcomes: &[Outcome]) -> Result<(), Failure> {
        self.buffer.clear();
        for outcome in outcomes {
            self.encoder.encode(outcome, &mut self.buffer);
            self.buffer.pop();
            // 2⁻⁴⁰ is a power of two, so the decimals are exact.
            let weight = outcome.weight.unwrap_or(0) as f64 / (1_u64 << 40) as f64;
            self.buffer.extend(format!(",{weight}\n").into_bytes());
        }
        self.file.write_all(&self.buffer).map_err(Failure::file(&self.path))
    }
}
