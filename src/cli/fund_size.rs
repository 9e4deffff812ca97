//! `flashcrash fund-size`: how large the insurance fund must be.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::json;

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::VERSION;
use flashcrash::folder::fund_size::Cost;
use flashcrash::folder::study::{Staged, pretty};
use flashcrash::registry::Setting;
use flashcrash::report;
use flashcrash::scenario;
use flashcrash::study::Runs;
use flashcrash::study::fund_size::{Question, fund_size as study, target};

use super::run::{cores, progress_bar, stop_on_interrupt};
use super::{StudyArgs, print, warn};

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
    let common = args.study.set.settings()?;
    let question = question(args)?;
    let (first, warnings) = scenario::load_with(&args.file, &common)?;
    warn(&warnings);
    let (seed, paths) = (args.study.seed.unwrap_or(first.seed), args.study.paths.unwrap_or(first.paths).max(2));
    let out = args.study.out.clone().unwrap_or_else(|| Path::new("output").join(format!("fund-size-{}", first.name)));
    let manifest = json!({
        "program": "flashcrash",
        "kind": "fund-size",
        "version": VERSION,
        "scenario": first.name,
        "scenario_hash": first.hash,
        "seed": seed,
        "paths": paths,
        "target": args.target,
        "confidence": args.confidence,
    });
    let stop = stop_on_interrupt()?;
    let staged = Staged::create(&out, &manifest)?;
    let bar = progress_bar(0, args.study.quiet);
    let runs = Runs {
        seed,
        paths,
        threads: args.study.threads.map_or_else(cores, usize::from),
        stop: &stop,
        progress: &|done| bar.inc(done),
    };
    let load = |settings: &[Setting]| {
        scenario::load_with(&args.file, &[common.clone(), settings.to_vec()].concat()).map(|(scenario, _)| scenario)
    };
    let found = study(&question, &load, &runs, &|more| bar.inc_length(more * paths));
    bar.finish_and_clear();
    let found = found?;
    staged.write("fund_size.json", &pretty(&found.to_json()))?;
    staged.write("curve.csv", &found.curve_csv())?;
    staged.write("grid.csv", &found.grid_csv())?;
    let chart = report::fund_size::draw(&found, &staged.path(""))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    staged.finish(|_| false)?;
    if args.study.quiet {
        return Ok(());
    }
    print(&format!(
        "{}\nWritten to {}: fund_size.json, curve.csv, grid.csv, manifest.json; chart {chart} (.svg, .png)\n",
        report::fund_size::text(&found),
        out.display()
    ))
}

fn question(args: &FundSizeArgs) -> Result<Question, Faults> {
    let wrong = |what: &str, hint: &str| Err(Faults::usage(what, hint));
    if !(args.confidence > 0.5 && args.confidence < 1.0) {
        return wrong("`--confidence` must lie between 0.5 and 1", "write `--confidence 0.95`");
    }
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
