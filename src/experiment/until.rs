//! A run that goes on until a metric is known well enough.
//!
//! Whether it is known is judged at every 1,000th path, so the result does not depend on threads. A probability must rest
//! on 20 events, or on paths enough that their absence says something: 3/tolerance (the rule of three).

use crate::experiment::summary::{Quantity, Summary, quantity};
use crate::fault::Faults;
use crate::fault::did_you_mean;
use crate::folder::Header;
use crate::folder::schema::METRICS;

/// Paths between two judgements.
pub const EVERY: u64 = 1_000;

/// Events that a probability must rest on.
const EVENTS: f64 = 20.0;

/// A metric and how far either end of its 95 % interval may be from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    pub metric: String,
    pub tolerance: Tolerance,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// In the unit of the metric.
    Absolute(f64),
    /// As a share of the estimate.
    Relative(f64),
}

impl Until {
    /// Reads `p_adl ±0.001` or `fund_need_mean ±5 %`; `+-` stands for ±.
    ///
    /// # Errors
    /// An unknown metric, one that cannot be followed, or no tolerance above 0.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let wrong = |what: String, hint: String| Faults::usage(format!("`{text}`: {what}"), hint);
        let shape = || "write a metric and its tolerance, as in \"p_adl ±0.001\" or \"fund_need_mean ±5 %\"".to_owned();
        let (metric, tolerance) = text
            .split_once('±')
            .or_else(|| text.split_once("+-"))
            .ok_or_else(|| wrong("there is no ±".into(), shape()))?;
        let metric = metric.trim();
        let followed =
            |name: &str| matches!(quantity(name), Some(Quantity::Event(_) | Quantity::Mean(_) | Quantity::Ratio(_)));
        if !followed(metric) {
            let names = METRICS.iter().map(|info| info.name).filter(|name| followed(name));
            let hint = match did_you_mean(metric, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it takes {}", names.collect::<Vec<_>>().join(", ")),
            };
            return Err(wrong(format!("`{metric}` is no probability, mean or ratio"), hint));
        }
        let tolerance = tolerance.trim();
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite() && *x > 0.0);
        let parsed = match tolerance.strip_suffix('%') {
            Some(share) => number(share).map(|x| Tolerance::Relative(x / 100.0)),
            None => number(tolerance).map(Tolerance::Absolute),
        };
        let tolerance = parsed.ok_or_else(|| wrong(format!("`{tolerance}` is no tolerance above 0"), shape()))?;
        Ok(Self { metric: metric.to_owned(), tolerance })
    }

    /// Whether the paths so far are enough.
    #[must_use]
    pub fn is_met(&self, summary: &Summary, header: &Header) -> bool {
        let Some(estimate) = summary.metric(&self.metric, header) else { return false };
        let allowed = match self.tolerance {
            Tolerance::Absolute(x) => x,
            Tolerance::Relative(share) => share * estimate.estimate.abs(),
        };
        let off = (estimate.high - estimate.estimate).max(estimate.estimate - estimate.low);
        let paths = summary.paths() as f64;
        let rests = match quantity(&self.metric) {
            Some(Quantity::Event(_)) => {
                let events = estimate.estimate * paths;
                events >= EVENTS || matches!(self.tolerance, Tolerance::Absolute(x) if paths >= 3.0 / x)
            }
            _ => true,
        };
        rests && off <= allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Outcome;
    use crate::folder::Adverse;
    use crate::folder::tests::header;

    #[test]
    fn a_condition_is_a_metric_and_a_tolerance() {
        for (text, metric, tolerance) in [
            ("p_adl ±0.001", "p_adl", Tolerance::Absolute(0.001)),
            ("p_adl+-0.01", "p_adl", Tolerance::Absolute(0.01)),
            ("fund_need_mean ± 5 %", "fund_need_mean", Tolerance::Relative(0.05)),
        ] {
            assert_eq!(Until::parse(text).unwrap(), Until { metric: metric.into(), tolerance });
        }
        for (text, expected) in [
            ("p_adl", "there is no ±"),
            ("p_ald ±0.1", "did you mean `p_adl`?"),
            ("fund_need_var_99 ±1", "is no probability, mean or ratio"),
            ("p_adl ±0", "no tolerance above 0"),
            ("p_adl ±x", "no tolerance above 0"),
        ] {
            let told = Until::parse(text).unwrap_err().render(crate::fault::Paint::Plain);
            assert!(told.contains(expected), "{told}");
        }
    }

    fn summary(paths: u64, events: u64) -> Summary {
        let mut summary = Summary::new(Adverse::Down);
        for path in 0..paths {
            summary.add(&Outcome { path, adl_events: i64::from(path < events), ..Outcome::default() });
        }
        summary
    }

    #[test]
    fn a_probability_is_known_when_its_interval_is_narrow_and_rests_on_events() {
        let met = |text: &str, paths, events| Until::parse(text).unwrap().is_met(&summary(paths, events), &header());
        // 100 of 1,000: Clopper-Pearson 0.0821 … 0.1203, off by at most 0.0203.
        assert!(met("p_adl ±0.021", 1_000, 100));
        assert!(!met("p_adl ±0.020", 1_000, 100));
        assert!(met("p_adl ±21 %", 1_000, 100));
        // No event in 1,000: below 0.0037, but only 3/0.003 paths make that an answer.
        assert!(met("p_adl ±0.004", 1_000, 0));
        assert!(!met("p_adl ±0.004", 700, 0));
        // 19 of 1,000: 0.0115 … 0.0295, off by 56 %, but 19 events are too few to believe that.
        assert!(!met("p_adl ±60 %", 1_000, 19));
        assert!(met("p_adl ±60 %", 1_000, 20));
        assert!(!met("p_adl ±50 %", 1_000, 0), "nothing is known relative to nothing");
    }
}
