//! What a fund-size study found: `fund_size.json`, `curve.csv`, `grid.csv`.

use serde_json::{Value, json};

use super::{Header, Metric};
use crate::stats::Estimate;

/// Which event the fund is to make rare, and how rare.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// `p_fund_exhausted` or `p_adl`.
    pub metric: String,
    /// Greatest probability allowed, above 0 and below 1.
    pub share: f64,
}

/// How the curve came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// From the critical fund of every path of one run.
    OnePass,
    /// Simulated at each fund, and why.
    Grid(String),
}

/// A probability at one fund.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Settlement currency.
    pub fund: f64,
    pub p: Estimate,
}

/// A simulated fund with its metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    pub fund: f64,
    pub metrics: Vec<Metric>,
    /// Mean loss per crash that the fund did not carry: venue, backstop, socialised, unfunded, and what ADL spared the book.
    pub beyond: Estimate,
    /// r·F + λ·κ·E\[loss beyond the fund\], a year; `None` where no cost of capital was given.
    pub cost: Option<Estimate>,
}

impl Simulated {
    #[must_use]
    pub fn estimate(&self, name: &str) -> Option<Estimate> {
        self.metrics.iter().find(|metric| metric.name == name)?.estimate
    }
}

/// What a fund costs, and how often it is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Cost of capital a year, r.
    pub capital: f64,
    /// Weight of a loss that others bear, κ.
    pub social_weight: f64,
    /// Crashes of this kind a year, λ.
    pub crashes_per_year: f64,
}

/// The whole study.
#[derive(Clone, Debug, PartialEq)]
pub struct FundSize {
    pub header: Header,
    pub target: Target,
    pub confidence: f64,
    pub method: Method,
    /// Point estimate of the smallest fund that meets the target; `None` where none was found.
    pub estimate: Option<f64>,
    /// The fund that meets it at the confidence; `None` where there are too few paths or no fund does.
    pub sufficient: Option<f64>,
    /// Paths without which no fund can be called sufficient.
    pub paths_needed: u64,
    /// Mean open interest.
    pub open_interest: Option<f64>,
    /// Fund of the scenario.
    pub fund_open: f64,
    pub curve: Vec<Point>,
    pub grid: Vec<Simulated>,
    pub cost: Option<Cost>,
    /// The simulated fund of least cost.
    pub cheapest: Option<f64>,
    /// The fund of least cost if losses did not depend on the fund: VaR at 1 − r/(λκ), or 0.
    pub cheapest_if_independent: Option<f64>,
}

/// Metrics that depend on the fund through the book, in the table of simulated funds.
pub const SIMULATED: [&str; 5] =
    ["p_fund_exhausted", "p_adl", "adl_notional_mean", "adl_accounts_mean", "unfunded_deficit_mean"];

impl FundSize {
    #[must_use]
    pub fn to_json(&self) -> Value {
        let told = |e: Estimate| json!({"estimate": e.estimate, "low": e.low, "high": e.high, "level": e.level});
        let grid: Vec<Value> = self
            .grid
            .iter()
            .map(|cell| {
                let mut value = json!({"fund": cell.fund, "loss_beyond_mean": told(cell.beyond)});
                for name in SIMULATED {
                    value[name] = cell.estimate(name).map_or(Value::Null, told);
                }
                value["cost_per_year"] = cell.cost.map_or(Value::Null, told);
                value
            })
            .collect();
        json!({
            "manifest": self.header.to_json(),
            "target": {"metric": self.target.metric, "share": self.target.share},
            "confidence": self.confidence,
            "method": match &self.method { Method::OnePass => "one pass".to_owned(), Method::Grid(why) => format!("simulated on a grid: {why}") },
            "fund_estimate": self.estimate,
            "fund_sufficient": self.sufficient,
            "fund_sufficient_to_open_interest": self.sufficient.zip(self.open_interest).map(|(fund, oi)| fund / oi),
            "paths_needed": self.paths_needed,
            "open_interest_mean": self.open_interest,
            "fund_open": self.fund_open,
            "cost": self.cost.map(|cost| json!({
                "capital_cost": cost.capital,
                "social_weight": cost.social_weight,
                "crashes_per_year": cost.crashes_per_year,
                "fund_of_least_cost": self.cheapest,
                "fund_of_least_cost_if_losses_did_not_depend_on_it": self.cheapest_if_independent,
            })),
            "grid": grid,
        })
    }

    /// What the curve is of.
    #[must_use]
    pub fn curve_metric(&self) -> &str {
        match self.method {
            Method::OnePass => "p_fund_exhausted",
            Method::Grid(_) => &self.target.metric,
        }
    }

    /// `curve.csv`: P(exhausted), or the target where every fund is simulated, for each fund, with its interval.
    #[must_use]
    pub fn curve_csv(&self) -> String {
        let mut text = format!("fund,{},low,high\n", self.curve_metric());
        for Point { fund, p } in &self.curve {
            text.push_str(&format!("{fund},{},{},{}\n", p.estimate, p.low, p.high));
        }
        text
    }

    /// `grid.csv`: what was simulated at each fund; estimate, low and high of every metric. Unbounded ends are empty.
    #[must_use]
    pub fn grid_csv(&self) -> String {
        let mut text = String::from("fund");
        for name in SIMULATED.iter().chain(&["loss_beyond_mean", "cost_per_year"]) {
            text.push_str(&format!(",{name},{name}_low,{name}_high"));
        }
        text.push('\n');
        for cell in &self.grid {
            text.push_str(&cell.fund.to_string());
            let estimates = SIMULATED.iter().map(|name| cell.estimate(name)).chain([Some(cell.beyond), cell.cost]);
            for estimate in estimates {
                let ends = estimate.map(|e| [e.estimate, e.low, e.high]);
                for at in 0..3 {
                    let number = ends.map(|ends| ends[at]).filter(|x| x.is_finite());
                    text.push_str(&number.map_or_else(|| ",".to_owned(), |x| format!(",{x}")));
                }
            }
            text.push('\n');
        }
        text
    }
}
