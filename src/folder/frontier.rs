//! How a breakpoint moves with another key: `frontier.json`, `frontier.csv`.

use serde_json::{Value, json};

use super::Header;
use super::study::quoted;
use crate::stats::Estimate;

/// Where a probability passes a level as a key moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Passing {
    /// It rises to the level at this value of the key.
    Rises(Estimate),
    /// It falls to the level at this value of the key.
    Falls(Estimate),
    /// It is above the level already where it is least, at this end of the range: the level is passed outside, if at all.
    Beyond { end: f64, p: Estimate },
    /// It is below the level everywhere; where it is greatest, and how great.
    Never { most: f64, p: Estimate },
}

impl Passing {
    /// The value of the key, where the level is passed within the range.
    #[must_use]
    pub const fn value(&self) -> Option<Estimate> {
        match self {
            Self::Rises(at) | Self::Falls(at) => Some(*at),
            Self::Beyond { .. } | Self::Never { .. } => None,
        }
    }

    /// For programs: which of these, the value with its interval, or else the probability where it was looked at.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let at = self.value();
        let (found, probability) = match self {
            Self::Rises(_) => ("rises", Value::Null),
            Self::Falls(_) => ("falls", Value::Null),
            Self::Beyond { end, p } => ("beyond the range", told(*end, *p)),
            Self::Never { most, p } => ("never", told(*most, *p)),
        };
        json!({
            "found": found,
            "value": at.map(|at| at.estimate),
            "low": at.map(|at| at.low),
            "high": at.map(|at| at.high),
            "probability": probability,
        })
    }
}

fn told(at: f64, p: Estimate) -> Value {
    json!({"at": at, "estimate": p.estimate, "low": p.low, "high": p.high})
}

/// Where a level is passed at one value of the other key.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Value of the other key, as written.
    pub across: String,
    pub level: f64,
    pub at: Passing,
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
                let mut value = json!({"across": point.across, "level": point.level});
                if let (Value::Object(fields), Value::Object(more)) = (&mut value, point.at.to_json()) {
                    fields.extend(more);
                }
                value
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

    /// `frontier.csv`: the value at which each level is passed, with its interval; empty where it is not.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = format!("{},level,{},low,high\n", quoted(&self.across), quoted(&self.key));
        let number = |x: Option<f64>| x.filter(|x| x.is_finite()).map_or_else(String::new, |x| x.to_string());
        for Reached { across, level, at } in &self.points {
            let at = at.value();
            let ends = [at.map(|at| at.estimate), at.map(|at| at.low), at.map(|at| at.high)].map(number).join(",");
            text.push_str(&format!("{},{level},{ends}\n", quoted(across)));
        }
        text
    }
}
