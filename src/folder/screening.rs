//! What a screening found: `screen.json`, `screen.csv`, `points.csv`.

use serde_json::{Value, json};

use super::Header;
use super::study::quoted;
use crate::stats::Estimate;

/// How much one key matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub key: String,
    pub name: String,
    /// The ends of its range as literals.
    pub from: String,
    pub to: String,
    /// μ*: mean size of an elementary effect, the change of the metric over the whole range.
    pub size: Estimate,
    /// μ, with its sign.
    pub mean: f64,
    /// σ: how much the effect depends on the other keys.
    pub spread: f64,
}

/// One point that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Visited {
    /// A literal for each key.
    pub values: Vec<String>,
    pub estimate: Estimate,
}

/// The whole screening.
#[derive(Clone, Debug, PartialEq)]
pub struct Screening {
    pub header: Header,
    pub metric: String,
    pub unit: String,
    pub trajectories: u64,
    /// In the order of the ranges.
    pub keys: Vec<String>,
    /// The largest first.
    pub effects: Vec<Effect>,
    pub visited: Vec<Visited>,
}

impl Screening {
    #[must_use]
    pub fn to_json(&self) -> Value {
        let effects: Vec<Value> = self
            .effects
            .iter()
            .map(|effect| {
                json!({
                    "key": effect.key,
                    "name": effect.name,
                    "from": effect.from,
                    "to": effect.to,
                    "mu_star": effect.size.estimate,
                    "low": effect.size.low,
                    "high": effect.size.high,
                    "level": effect.size.level,
                    "mu": effect.mean,
                    "sigma": effect.spread,
                })
            })
            .collect();
        json!({
            "manifest": self.header.to_json(),
            "metric": self.metric,
            "unit": self.unit,
            "trajectories": self.trajectories,
            "effects": effects,
        })
    }

    /// `screen.csv`: a row for each key, the largest effect first.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("key,from,to,mu_star,mu_star_low,mu_star_high,mu,sigma\n");
        for effect in &self.effects {
            let Estimate { estimate, low, high, .. } = effect.size;
            text.push_str(&format!(
                "{},{},{},{estimate},{low},{high},{},{}\n",
                quoted(&effect.key),
                quoted(&effect.from),
                quoted(&effect.to),
                effect.mean,
                effect.spread
            ));
        }
        text
    }

    /// `points.csv`: every point with the metric there and its interval, in the order of the trajectories.
    #[must_use]
    pub fn points_csv(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(|key| quoted(key)).collect();
        let mut text = format!("{},{1},{1}_low,{1}_high\n", names.join(","), self.metric);
        let number = |x: f64| if x.is_finite() { x.to_string() } else { String::new() };
        for Visited { values, estimate } in &self.visited {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            let ends = [estimate.estimate, estimate.low, estimate.high].map(number).join(",");
            text.push_str(&format!("{},{ends}\n", values.join(",")));
        }
        text
    }
}
