//! `flashcrash sweep`: a scenario over axes of its keys.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::study::{Study as Swept, pretty};
use flashcrash::report;
use flashcrash::study::Runs;
use flashcrash::study::sweep::Metrics;
use flashcrash::study::sweep::run::{Plan as Sweep, is_passing};

use super::run::{Tables, cores, progress_bar, stop_on_interrupt};
use super::study::{Found, Interrupted, Plan, Study};
use super::told::{Ending, after, named};
use super::{StudyArgs, screen, warn};

#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Scenario with a table `[sweep]`, or a sweep of its own that names a scenario
    file: PathBuf,
    /// Run only these cells, from 0, for `--shard-out`; all where absent
    #[arg(long, value_name = "A..B", value_parser = range, requires = "shard_out")]
    cells: Option<(u64, u64)>,
    /// Run only these paths of them, for `--shard-out`; all where absent
    #[arg(long, value_name = "A..B", value_parser = range, requires = "shard_out")]
    range: Option<(u64, u64)>,
    /// Write the rows into this folder for `--shards` instead of finishing the sweep
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["out", "shards"])]
    shard_out: Option<PathBuf>,
    /// Run nothing: put together what `--shard-out` wrote into this folder
    #[arg(long, value_name = "FOLDER")]
    shards: Option<PathBuf>,
    /// Rank the keys of `[screen]` by their effect on a metric instead (Morris)
    #[arg(long, conflicts_with_all = ["shard_out", "shards"])]
    screen: bool,
    /// Write `sweep.parquet` too
    #[arg(long, conflicts_with_all = ["shard_out", "screen"])]
    parquet: bool,
    #[command(flatten)]
    study: StudyArgs,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    match text.split_once("..").map(|(from, to)| (number(from), number(to))) {
        Some((Some(from), Some(to))) if from < to => Ok((from, to)),
        _ => Err("write a range A..B with A below B".to_owned()),
    }
}

pub fn sweep(args: &SweepArgs) -> Result<(), Failure> {
    let tables = Tables::asked(args.parquet)?;
    if args.screen {
        return screen::screen(&args.file, &args.study);
    }
    let sweep = Sweep::load(&args.file, args.study.set.settings()?)?;
    let checked = sweep.check()?;
    let (scenario, warnings) = sweep.cell(sweep.sweep.base)?;
    warn(&warnings);
    let seed = args.study.seed.or(sweep.sweep.seed).unwrap_or(scenario.seed);
    let paths = args.study.paths.or(sweep.sweep.paths).unwrap_or(scenario.paths).max(2);
    let cells: Vec<Value> =
        checked.iter().map(|cell| json!({"label": cell.label, "scenario_hash": cell.hash})).collect();
    let count = cells.len() as u64;
    if let Some(folder) = &args.shard_out {
        return shards(args, &sweep, folder, (seed, paths));
    }
    let mut about = json!({"scenario": scenario.name, "base": sweep.sweep.label(sweep.sweep.base), "cells": cells});
    if sweep.sweep.metrics == Metrics::Probabilities {
        about["metrics"] = json!("probabilities");
    }
    let interrupted = if args.shards.is_some() { Interrupted::Forgotten } else { Interrupted::Resumed };
    let plan = Plan { kind: "sweep", name: &sweep.name, seed, paths, about, interrupted };
    let session = Study::begin(&args.study, plan)?;
    session.expect(count);
    let swept = match &args.shards {
        Some(folder) => sweep.merge(&checked, &session.staged, &shard_files(folder)?, &session.runs()),
        None => sweep.run(&checked, &session.staged, &session.runs()),
    };
    session.quiet_down();
    if matches!(swept, Err(Failure::Interrupted)) && args.shards.is_none() {
        eprintln!("finished cells are kept: the same command goes on from here");
    }
    let study = swept?;
    let json = study.to_json();
    session.staged.write("sweep.json", &pretty(&json))?;
    session.staged.write("sweep.csv", &study.csv())?;
    let tables = tables.beside(&study, &session.staged.path("sweep.csv"))?;
    let charts = draw(&study, &session.staged.path(""), &args.study)?;
    let files = format!("sweep.json, sweep.csv{tables}; charts {} (.svg, .png)", charts.join(", "));
    let next = after("sweep", &named(&sweep.scenario, &args.study.set.settings()?, args.study.seed));
    session.finish(is_passing, Found { text: &report::sweep::table(&study), json, files: &files, next })
}

/// Draws the charts of a sweep, two at a time where there are two threads; returns their names.
pub(super) fn draw(study: &Swept, dir: &Path, args: &StudyArgs) -> Result<Vec<String>, Failure> {
    let pictures = report::sweep::pictures(study);
    let threads = args.threads.map_or_else(cores, usize::from);
    for pair in pictures.chunks(threads.clamp(1, 2)) {
        match pair {
            [first, second] => {
                let (first, second) = rayon::join(|| first.draw(dir), || second.draw(dir));
                first.and(second)?;
            }
            alone => alone.iter().try_for_each(|picture| picture.draw(dir))?,
        }
    }
    Ok(pictures.into_iter().map(|picture| picture.name).collect())
}

/// `--shard-out`: some paths of some cells into files.
fn shards(args: &SweepArgs, sweep: &Sweep, folder: &Path, (seed, paths): (u64, u64)) -> Result<(), Failure> {
    let cells = sweep.sweep.cells();
    let (first, last) = args.cells.unwrap_or((0, cells as u64));
    let (from, to) = args.range.unwrap_or((0, paths));
    let within = usize::try_from(first).ok().zip(usize::try_from(last).ok()).filter(|(_, last)| *last <= cells);
    let Some((first, last)) = within else {
        return Err(Faults::usage(
            format!("`--cells {first}..{last}`: this sweep has {cells} cells"),
            format!("write a range within 0..{cells}"),
        )
        .into());
    };
    if to > paths {
        return Err(Faults::usage(
            format!("`--range {from}..{to}`: every cell has {paths} paths"),
            "name some of them, or run more with `--paths`",
        )
        .into());
    }
    let stop = stop_on_interrupt()?;
    let bar = progress_bar((to - from) * (last - first) as u64, args.study.quiet);
    let threads = args.study.threads.map_or_else(cores, usize::from);
    let runs = Runs { seed, paths, threads, stop: &stop, progress: &|done| bar.inc(done) };
    let ran = sweep.run_shards(folder, first..last, from..to, &runs);
    bar.finish_and_clear();
    let count = ran?;
    Ending::of(args.study.json, args.study.quiet).tell(
        || format!("paths {from}..{to} of {count} cells written to {}\n", folder.display()),
        || Ok(json!({"paths": [from, to], "cells": count, "folder": folder.display().to_string()})),
    )
}

/// The shards in a folder, by name.
fn shard_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(Failure::file(folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // A shard that is being written, or was interrupted, is hidden.
    files.retain(|file| file.extension().is_some_and(|ending| ending == "shard") && !is_hidden(file));
    files.sort();
    Ok(files)
}

fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}
