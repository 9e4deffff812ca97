//! Every file, column and metric of an output folder with its unit and meaning: the source of `output/README.md`.

use std::fmt::Write as _;

use super::Flag;
use super::rows;
use super::series::BANDS;
use crate::facts::{Column, Conduct, Sample, Unit};

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// Between 0 and 1, of paths or of an amount.
    Share,
    /// Dimensionless.
    Ratio,
    /// A number of what is named.
    Number(&'static str),
    /// The settlement currency.
    Currency,
    PercentagePoints,
    Seconds,
}

impl MetricUnit {
    /// As written in `summary.json`.
    #[must_use]
    pub fn text(self, currency: &str) -> String {
        match self {
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Number(what) => what,
            Self::Currency => currency,
            Self::PercentagePoints => "percentage points",
            Self::Seconds => "s",
        }
        .to_string()
    }
}

/// A metric of `summary.json`.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    pub name: &'static str,
    pub unit: MetricUnit,
    pub about: &'static str,
}

const fn metric(name: &'static str, unit: MetricUnit, about: &'static str) -> MetricInfo {
    MetricInfo { name, unit, about }
}

use MetricUnit::{Currency, Number, PercentagePoints, Ratio, Seconds, Share};

/// The metrics of `summary.json`, in order.
pub const METRICS: &[MetricInfo] = &[
    metric("p_fund_exhausted", Share, "paths on which the fund's budget alone cut a forced order or sale short"),
    metric("p_adl", Share, "paths with at least one ADL lot"),
    metric("p_liquidation", Share, "paths with at least one forced order"),
    metric("p_unfunded_deficit", Share, "paths on which some loss was paid by no layer"),
    metric("fund_draw_mean", Currency, "fund_draw per path"),
    metric("fund_draw_var_99", Currency, "99 % quantile of fund_draw; censored by the fund"),
    metric("fund_need_mean", Currency, "fund_need per path"),
    metric("fund_need_var_99", Currency, "99 % quantile of fund_need: one path in a hundred needs more"),
    metric("fund_need_es_99", Currency, "mean fund_need of the worst 1 % of the paths"),
    metric("fund_need_to_open_interest", Share, "sum of fund_need over sum of open interest"),
    metric("fund_paid_mean", Currency, "gross payments of the fund per path"),
    metric("fund_received_mean", Currency, "gross income of the fund per path"),
    metric("fund_net_change_mean", Currency, "fund_close less fund_open per path"),
    metric("inventory_hole_mean", Currency, "inventory_hole per path"),
    metric("liquidations_mean", Number("orders"), "forced orders per path"),
    metric("liquidated_accounts_mean", Number("accounts"), "distinct liquidated accounts per path"),
    metric("liquidated_notional_mean", Currency, "liquidated notional per path"),
    metric("liquidated_to_open_interest", Share, "sum of liquidated notional over sum of open interest"),
    metric("liquidated_long_share", Share, "long part of the sum of liquidated notional"),
    metric("adl_events_mean", Number("rounds"), "ADL rounds per path"),
    metric("adl_accounts_mean", Number("accounts"), "distinct deleveraged winners per path"),
    metric("adl_notional_mean", Currency, "ADL notional per path, winners' side"),
    metric("adl_share_of_liquidated", Share, "part of the sum of liquidated notional that left through ADL"),
    metric("adl_haircut_mean", Currency, "what winners lost against the mark per path"),
    metric("adl_haircut_to_notional", Ratio, "sum of haircuts over sum of ADL notional"),
    metric("shortfall_mean", Currency, "cash needed to bring losers to zero per path"),
    metric("unfunded_deficit_mean", Currency, "what no layer paid per path"),
    metric("fees_waived_mean", Currency, "fees that liquidated accounts could not pay per path"),
    metric(
        "cascade_amplification",
        Ratio,
        "sum of liquidated notional over the same at infinite depth, paths run in pairs",
    ),
    metric("price_amplification", Ratio, "sum of adverse traded moves over sum of adverse exogenous moves"),
    metric(
        "impact_excess_mean",
        PercentagePoints,
        "adverse traded move less adverse exogenous move, of the opening price",
    ),
    metric(
        "taker_volume_mean",
        Currency,
        "notional traded in the first asset's book on the leg per path; 0 without `gross_flow`",
    ),
    metric(
        "taker_sell_share",
        Share,
        "taker sells over volume on the leg, in the first asset's book; null without `gross_flow`",
    ),
    metric("forced_share_of_volume", Share, "forced orders over the same volume; null without `gross_flow`"),
    metric(
        "exhausted_at_s_q05",
        Seconds,
        "time by which 5 % of all paths have exhausted the fund; null where fewer do",
    ),
    metric("exhausted_at_s_q25", Seconds, "the same for 25 %"),
    metric("exhausted_at_s_q50", Seconds, "the same for 50 %"),
    metric("redrawn_share", Share, "accounts whose entry was drawn again to pass the opening margin check"),
];

/// The charts, each written as `.svg` and `.png`.
pub const CHARTS: [(&str, &str); 12] = [
    (
        "fund",
        "the insurance fund over time: median, 25–75 % and 5–95 % of the paths, its floor, and where ADL takes over",
    ),
    ("liquidations", "cumulative liquidated notional over time: shorts above zero, longs below"),
    ("price", "index and traded price over time, and below them the depth left in the book"),
    ("fund_need", "distribution of the fund that a path needs, with VaR, ES and the fund at hand marked"),
    ("exceedance", "share of the paths that need at least so much, both axes logarithmic, with its interval"),
    ("adl", "cumulative ADL notional over time"),
    ("haircut", "share of its profit that each deleveraged winner gave up, on the kept path with the most ADL"),
    ("lorenz", "share of what winners gave up by their rank (Lorenz curve), on the same path"),
    (
        "liquidation_map",
        "notional of open positions by liquidation price, over time, with the mark; on the kept path that needs the largest fund",
    ),
    ("open_interest", "open interest over time, on the same path"),
    ("leverage", "notional over equity of all positions, on the same path"),
    (BEHAVIOURS, "where some accounts have behaviours: what they trade and move of their own accord, with intervals"),
];

/// The chart that only scenarios with behaviours have.
pub const BEHAVIOURS: &str = "behaviours";

/// The unit of a column, in words.
const fn unit(column: &Column) -> &'static str {
    match column.unit {
        Unit::Count => "count",
        Unit::Cash => "settlement currency",
        Unit::Price => "price",
        Unit::Seconds => "s",
    }
}

fn sentence(about: &str) -> String {
    let about = about.trim().replace('|', "\\|");
    let mut letters = about.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if about.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// The text of `output/README.md`.
#[must_use]
pub fn readme() -> String {
    let mut text = String::from(HEAD);
    for column in rows::schema() {
        let _ = writeln!(text, "| `{}` | {} | {} |", column.name, unit(&column), sentence(column.about));
    }
    text.push_str(CONDUCT);
    for column in Conduct::COLUMNS {
        let _ = writeln!(text, "| `{}` | {} | {} |", column.name, unit(column), sentence(column.about));
    }
    text.push_str(SERIES);
    let suffixes: Vec<String> =
        BANDS.iter().map(|(share, suffix)| format!("`_{suffix}` ({:.0} %)", share.to_f64() * 100.0)).collect();
    let _ = writeln!(text, "Each column but the first comes five times, ending in {}.\n", suffixes.join(", "));
    text.push_str(
        "| column | unit | meaning |\n|---|---|---|\n| `time_s` | s | Simulated time since the start of the path. |\n",
    );
    for column in Sample::COLUMNS {
        let _ = writeln!(text, "| `{}_…` | {} | {} |", column.name, unit(&column), sentence(column.about));
    }
    text.push_str(METRICS_HEAD);
    for metric in METRICS {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            metric.name,
            metric.unit.text("settlement currency"),
            sentence(metric.about)
        );
    }
    text.push_str("\n`flags`, where present:\n\n");
    for flag in Flag::ALL {
        let _ = writeln!(text, "* `{}`: {}", flag.name(), sentence(flag.about()));
    }
    text.push_str(PARQUET);
    text.push_str("\n## Charts\n\nEach as `.svg` and as `.png` (1400 × 800).\n\n| file | shows |\n|---|---|\n");
    for (name, about) in CHARTS {
        let _ = writeln!(text, "| `{name}` | {} |", sentence(about));
    }
    text
}

const HEAD: &str = "# Output folders

<!-- Generated from the column lists in src/folder/schema.rs and src/facts.rs; a test compares. -->

`flashcrash run SCENARIO` writes `output/<scenario>/`. A folder appears whole or not at all, and replaces only a folder
that flashcrash wrote. It holds no time stamp, thread count, host name or absolute path: the same scenario, seed and
version write the same bytes.

Amounts are exact decimals in the settlement currency, prices exact decimals, times seconds of simulated time. Price
columns are of the first asset.

| file | content |
|---|---|
| `manifest.json` | What was run: program, version, scenario, its file, the keys set beside it (`set`) and the SHA-256 of both, seed, paths, currency, smallest cash unit, tick, adverse direction, accounts, horizon, fund and its floor. |
| `summary.json` | Metrics with their intervals. |
| `paths.csv` | One row a path. |
| `series.csv` | Bands over time. |
| `scenario.toml`, `defaults.json` | The scenario as it was written, and every key that neither it nor `--set` sets, with its default. |
| `what_if.json` | Of a run of one path: the same path with half the leverage cap. |
| `trace/N/events.jsonl` | Every event of path N in the format of `flashcrash trace --json`; above 1,000 accounts without the openings of those that nothing happened to. |
| `trace/N/frames.json` | What can be drawn of path N at each output time: prices, displacement, depth left, balances, open interest, leverage, the positions nearest to liquidation, notional by liquidation price; rounded for display. |
| `trace/N/stories.jsonl` | The stories of up to 2,000 accounts of path N in sentences: deleveraged winners, the first losers, then the largest. |
| `attribution.json`, `attribution.csv` | With `run --attribute`: what feedback, withdrawal of quotes and behaviours each add, first, in order and last, with paired intervals; drawn as `attribution.svg` and `.png`. |
| `behaviours.csv` | Where some accounts have behaviours: the mean a path of each column about them, with its 95 % interval. |
| `paths.parquet`, `series.parquet`, `trace/N/events.parquet` | With `--parquet`: the same tables for pandas, Polars and DuckDB; see [Parquet](#parquet). |
| `report.html` | All of it on one page that needs no network. |
| `*.svg`, `*.png` | Charts. `flashcrash report FOLDER` draws charts and page again. |

The paths in `trace` are the one with the worst fund need, that with the median, the first with ADL, and those that
`run --trace N` named; they are replayed after the last path.

## paths.csv

| column | unit | meaning |
|---|---|---|
";

const CONDUCT: &str = "
Where some accounts have behaviours, these columns follow (`behaviours` of the manifest):

| column | unit | meaning |
|---|---|---|
";

const SERIES: &str = "
## series.csv

Exact quantiles X_(⌈αn⌉) over the first paths (`series_paths` of the manifest) at each output time.
";

const METRICS_HEAD: &str = "
## summary.json

`{\"scenario\", \"scenario_hash\", \"seed\", \"paths\", \"version\", \"metrics\": {NAME: {\"estimate\", \"low\", \"high\", \"level\", \"unit\"}}}`,
with `standard_error` and `flags` where they apply. A metric that is undefined (a ratio over nothing) is `null`; a bound
that the paths cannot give is `null`. Every probability is per crash of this scenario. Formulas stand in
`docs/methods.md`.

| metric | unit | meaning |
|---|---|---|
";

const PARQUET: &str = "
## Parquet

`run --parquet` and `merge --parquet` write `paths.parquet`, `series.parquet` and `trace/N/events.parquet`, `sweep --parquet` and
`compare --parquet` the table of the study; `report FOLDER --parquet` makes them of an older folder. Every value is that of the CSV
(or of the log) beside it, and the same run writes the same bytes.

* Amounts, prices and times are decimals of 128 bits and 38 digits, so nothing is lost: pandas shows Python's `Decimal`
  (`read_parquet(…, dtype_backend=\"pyarrow\")` keeps them in columns), Polars `Decimal`, DuckDB `DECIMAL`. Counts are integers of 64
  bits; estimates, p-values and weights are doubles. What is empty is null. An axis of a sweep is a double where all its values are numbers.
* The unit of a column is in its metadata, `pyarrow.parquet.read_schema(FILE).field(\"fund_need\").metadata`, and in the file's under
  `unit:fund_need` (DuckDB: `parquet_kv_metadata('FILE')`), with the scenario, its hash, the seed, the currency and the first symbol.
* `events.parquet` has one row a fact and one column a field, `paid` as `paid_fund`, `paid_venue`, …; first line and totals of the log
  are left out.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/output/README.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        if written != readme() {
            let fresh = std::env::temp_dir().join("flashcrash-output-README.md");
            std::fs::write(&fresh, readme()).unwrap();
            panic!("output/README.md is out of date: copy {} over it", fresh.display());
        }
    }

    #[test]
    fn metric_names_are_unique() {
        let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
    }
}
