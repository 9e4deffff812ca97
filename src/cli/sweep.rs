//! `flashcrash sweep`: a scenario over axes of its keys.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::{Value, json};

use flashcrash::fault::Failure;
use flashcrash::folder::VERSION;
use flashcrash::folder::study::{Staged, pretty};
use flashcrash::report;
use flashcrash::study::Runs;
use flashcrash::study::sweep::run::{Plan, is_passing};

use super::run::{cores, progress_bar, stop_on_interrupt};
use super::{StudyArgs, print, warn};

#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Scenario with a table `[sweep]`, or a sweep of its own that names a scenario
    file: PathBuf,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn sweep(args: &SweepArgs) -> Result<(), Failure> {
    let plan = Plan::load(&args.file, args.study.set.settings()?)?;
    let (scenario, warnings) = plan.cell(plan.sweep.base)?;
    warn(&warnings);
    let seed = args.study.seed.or(plan.sweep.seed).unwrap_or(scenario.seed);
    let paths = args.study.paths.or(plan.sweep.paths).unwrap_or(scenario.paths).max(2);
    let cells: Vec<Value> =
        plan.check()?.into_iter().map(|(label, hash)| json!({"label": label, "scenario_hash": hash})).collect();
    let count = cells.len() as u64;
    let manifest = json!({
        "program": "flashcrash",
        "kind": "sweep",
        "version": VERSION,
        "scenario": scenario.name,
        "seed": seed,
        "paths": paths,
        "base": plan.sweep.label(plan.sweep.base),
        "cells": cells,
    });
    let out = args.study.out.clone().unwrap_or_else(|| Path::new("output").join(format!("sweep-{}", plan.name)));

    let stop = stop_on_interrupt()?;
    let staged = Staged::resume(&out, &manifest)?;
    let bar = progress_bar(paths * count, args.study.quiet);
    let runs = Runs {
        seed,
        paths,
        threads: args.study.threads.map_or_else(cores, usize::from),
        stop: &stop,
        progress: &|done| bar.inc(done),
    };
    let swept = plan.run(&staged, &runs);
    bar.finish_and_clear();
    if matches!(swept, Err(Failure::Interrupted)) {
        eprintln!("finished cells are kept: the same command goes on from here");
    }
    let study = swept?;
    staged.write("sweep.json", &pretty(&study.to_json()))?;
    staged.write("sweep.csv", &study.csv())?;
    let charts = report::sweep::draw(&study, &staged.path(""))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    staged.finish(is_passing)?;
    if args.study.quiet {
        return Ok(());
    }
    print(&format!(
        "{}\nWritten to {}: sweep.json, sweep.csv, manifest.json; charts {} (.svg, .png)\n",
        report::sweep::table(&study),
        out.display(),
        charts.join(", ")
    ))
}
