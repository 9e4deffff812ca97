//! `flashcrash fund-size`: how large the insurance fund must be.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::fund_size::Cost;
use flashcrash::folder::study::pretty;
use flashcrash::report;
use flashcrash::study::contributions::contributions;
use flashcrash::study::fund_size::{Question, fund_size as study, target};
use flashcrash::traders::Accounts;

use super::StudyArgs;
use super::study::{Base, Found, Interrupted, Plan, Study, described, extent, within};
use super::told::{after, joined, named};

#[derive(Debug, Args)]
pub struct FundSizeArgs {
    /// Scenario file
    file: PathBuf,
    /// What the fund is to achieve: "p_adl <= 0.001" or "p_fund_exhausted <= 0.1 %"
    #[arg(long)]
    target: String,
    /// How sure it must be
    #[arg(long, default_value_t = 0.95)]
    confidence: f64,
    /// Cost of capital a year, as 0.08; also asks for the fund of least cost
    #[arg(long, requires = "crashes_per_year")]
    capital_cost: Option<f64>,
    /// Weight of a loss that others bear against one of the fund
    #[arg(long, default_value_t = 1.0, requires = "capital_cost")]
    social_weight: f64,
    /// How many crashes of this kind there are a year
    #[arg(long, requires = "capital_cost")]
    crashes_per_year: Option<f64>,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn fund_size(args: &FundSizeArgs) -> Result<(), Failure> {
    let question = question(args)?;
    let (base, first) = Base::load(&args.file, &args.study)?;
    let (seed, paths) = extent(&args.study, &first);
    let about = joined(described(&first), json!({"target": args.target, "confidence": args.confidence}));
    let plan = Plan { kind: "fund-size", name: &first.name, seed, paths, about, interrupted: Interrupted::Forgotten };
    let session = Study::begin(&args.study, plan)?;
    let found = study(&question, &|settings| base.with(settings), &session.runs(), &|more| session.expect(more))?;
    let mut text = report::fund_size::text(&found);
    let mut files = "fund_size.json, curve.csv, grid.csv".to_owned();
    if matches!(first.accounts, Accounts::Loaded(_)) {
        session.expect(1);
        let parts = contributions(&first, &session.runs())?;
        session.staged.write("accounts_risk.csv", &parts.csv())?;
        files.push_str(", accounts_risk.csv");
        text.push_str(&report::contributions::text(&parts, None, 20));
    }
    session.quiet_down();
    let json = found.to_json();
    session.staged.write("fund_size.json", &pretty(&json))?;
    session.staged.write("curve.csv", &found.curve_csv())?;
    session.staged.write("grid.csv", &found.grid_csv())?;
    let chart = report::fund_size::draw(&found, &session.staged.path(""))?;
    let files = format!("{files}; chart {chart} (.svg, .png)");
    let next = after("fund-size", &named(&args.file, &args.study.set.settings()?, args.study.seed));
    session.finish(|_| false, Found { text: &text, json, files: &files, next })
}

fn question(args: &FundSizeArgs) -> Result<Question, Faults> {
    let wrong = |what: &str, hint: &str| Err(Faults::usage(what, hint));
    within("--confidence", args.confidence, 0.5, 1.0, "--confidence 0.95")?;
    let cost = match (args.capital_cost, args.crashes_per_year) {
        (Some(capital), Some(crashes_per_year)) => {
            let all = [capital, args.social_weight, crashes_per_year];
            if all.iter().any(|x| !x.is_finite() || *x <= 0.0) {
                return wrong(
                    "cost of capital, social weight and crashes a year must be above 0",
                    "write `--capital-cost 0.08 --crashes-per-year 2`",
                );
            }
            Some(Cost { capital, social_weight: args.social_weight, crashes_per_year })
        }
        _ => None,
    };
    Ok(Question { target: target(&args.target)?, confidence: args.confidence, cost })
}
