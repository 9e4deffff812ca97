//! How a breakpoint moves with another key: `frontier.json`, `frontier.csv`.

use serde_json::{Value, json};

use super::Header;
use super::study::quoted;
use crate::stats::Estimate;

/// Where a level is reached at one value of the other key.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Value of the other key, as written.
    pub across: String,
    pub level: f64,
    /// `None` where it is not reached within the range.
    pub at: Option<Estimate>,
}

/// The whole frontier.
#[derive(Clone, Debug, PartialEq)]
pub struct Frontier {
    pub header: Header,
    /// Key whose breakpoint is sought.
    pub key: String,
    pub from: f64,
    pub to: f64,
    /// Key that is set to several values.
    pub across: String,
    /// Probability that is watched.
    pub metric: String,
    /// Value by value, and level by level within.
    pub points: Vec<Reached>,
}

impl Frontier {
    #[must_use]
    pub fn to_json(&self) -> Value {
        let points: Vec<Value> = self
            .points
            .iter()
            .map(|point| {
                json!({
                    "across": point.across,
                    "level": point.level,
                    "value": point.at.map(|at| at.estimate),
                    "low": point.at.map(|at| at.low),
                    "high": point.at.map(|at| at.high),
                })
            })
            .collect();
        json!({
            "manifest": self.header.to_json(),
            "key": self.key,
            "from": self.from,
            "to": self.to,
            "across": self.across,
            "metric": self.metric,
            "points": points,
        })
    }

    /// `frontier.csv`: the value at which each level is reached, with its interval; empty where it is not.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = format!("{},level,{},low,high\n", quoted(&self.across), quoted(&self.key));
        let number = |x: Option<f64>| x.filter(|x| x.is_finite()).map_or_else(String::new, |x| x.to_string());
        for Reached { across, level, at } in &self.points {
            let ends = [at.map(|at| at.estimate), at.map(|at| at.low), at.map(|at| at.high)].map(number).join(",");
            text.push_str(&format!("{},{level},{ends}\n", quoted(across)));
        }
        text
    }
}
