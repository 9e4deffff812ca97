//! `flashcrash breakpoint`: how far a key must go until the fund is exhausted.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::json;

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::VERSION;
use flashcrash::folder::study::{Staged, pretty};
use flashcrash::registry::Setting;
use flashcrash::report;
use flashcrash::scenario;
use flashcrash::study::Runs;
use flashcrash::study::breakpoint::{Question, breakpoint as study};

use super::run::{cores, progress_bar, stop_on_interrupt};
use super::{StudyArgs, print, warn};

#[derive(Debug, Args)]
pub struct BreakpointArgs {
    /// Scenario file
    file: PathBuf,
    /// Key that is moved, by its path, as assets.0.process.drop; `drop` is short for that
    #[arg(long)]
    key: String,
    /// Where to begin
    #[arg(long)]
    from: f64,
    /// Where to end
    #[arg(long)]
    to: f64,
    /// Probability that is watched
    #[arg(long, default_value = "p_fund_exhausted", value_parser = ["p_fund_exhausted", "p_adl", "p_liquidation", "p_unfunded_deficit"])]
    metric: String,
    /// Shares to be reached
    #[arg(long, value_delimiter = ',', default_values_t = [0.05, 0.5, 0.95])]
    levels: Vec<f64>,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn breakpoint(args: &BreakpointArgs) -> Result<(), Failure> {
    let common = args.study.set.settings()?;
    let question = question(args)?;
    let (first, warnings) = scenario::load_with(&args.file, &common)?;
    warn(&warnings);
    let (seed, paths) = (args.study.seed.unwrap_or(first.seed), args.study.paths.unwrap_or(first.paths).max(2));
    let out = args.study.out.clone().unwrap_or_else(|| Path::new("output").join(format!("breakpoint-{}", first.name)));
    let manifest = json!({
        "program": "flashcrash",
        "kind": "breakpoint",
        "version": VERSION,
        "scenario": first.name,
        "scenario_hash": first.hash,
        "seed": seed,
        "paths": paths,
        "key": question.key,
        "from": question.from,
        "to": question.to,
        "metric": question.metric,
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
    let (cells, reached) = found?;
    let levels: Vec<_> = reached
        .iter()
        .map(|reached| {
            json!({
                "level": reached.level,
                "value": reached.at.map(|at| at.estimate),
                "low": reached.at.map(|at| at.low),
                "high": reached.at.map(|at| at.high),
            })
        })
        .collect();
    staged.write("breakpoint.json", &pretty(&json!({"levels": levels, "points": cells.to_json()})))?;
    staged.write("breakpoint.csv", &cells.csv())?;
    let charts = report::sweep::draw(&cells, &staged.path(""))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    staged.finish(|_| false)?;
    if args.study.quiet {
        return Ok(());
    }
    let mut text =
        format!("{}: {} against {}, {paths} paths a point, seed {seed}\n\n", first.name, question.metric, question.key);
    for reached in &reached {
        let share = format!("{} %", (reached.level * 1e6).round() / 1e4);
        text.push_str(&match reached.at {
            None => format!("  {share:>6}  not reached between {} and {}\n", question.from, question.to),
            Some(at) => {
                let [value, low, high] = [at.estimate, at.low, at.high].map(report::sweep::value);
                format!("  {share:>6}  at {value}   (95 %: {low} … {high})\n")
            }
        });
    }
    text.push_str(&format!(
        "\nWritten to {}: breakpoint.json, breakpoint.csv, manifest.json; charts {} (.svg, .png)\n",
        out.display(),
        charts.join(", ")
    ));
    print(&text)
}

fn question(args: &BreakpointArgs) -> Result<Question, Faults> {
    // The one key that is asked for by its last step alone.
    let key = if args.key == "drop" { "assets.0.process.drop".to_owned() } else { args.key.clone() };
    Setting::parse(&format!("{key}=0"))?;
    let sound = args.from.is_finite() && args.to.is_finite() && args.from < args.to;
    if !sound {
        return Err(Faults::usage("`--from` must be a number below `--to`", "write `--from 0.02 --to 0.3`"));
    }
    if args.levels.is_empty() || args.levels.iter().any(|level| !(*level > 0.0 && *level <= 1.0)) {
        return Err(Faults::usage("a level is a share above 0 and at most 1", "write `--levels 0.05,0.5,0.95`"));
    }
    Ok(Question { key, from: args.from, to: args.to, metric: args.metric.clone(), levels: args.levels.clone() })
}
