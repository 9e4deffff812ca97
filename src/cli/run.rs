//! `flashcrash run`: the paths of a scenario into an output folder.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use flashcrash::experiment::replay::{Choice, Replay};
use flashcrash::experiment::summary::Summary;
use flashcrash::experiment::{self, Audited, Plan, Sink};
use flashcrash::facts::{Outcome, Sample};
use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::series::Series;
use flashcrash::folder::{self, Adverse, Header, Writer};
use flashcrash::market::process::Direction;
use flashcrash::report::{self, House};
use flashcrash::scenario::{self, Scenario};
use flashcrash::sim::path::{Worker, output_times};
use flashcrash::sim::stage::Stage;

use super::{defaults, print, warn};

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario file
    file: PathBuf,
    /// Number of paths; the scenario's where absent
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    paths: Option<u64>,
    /// Seed of all randomness; the scenario's where absent
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; all cores where absent. Results do not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Output folder; output/NAME where absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// Keep this path in full too, as `trace/N`; may be given more than once
    #[arg(long, value_name = "N")]
    trace: Vec<u64>,
    /// Rebuild the ledger of every path from its facts and check every invariant after every event
    #[arg(long)]
    audit: bool,
    /// No progress and no table
    #[arg(long, short)]
    quiet: bool,
}

pub fn run(args: &RunArgs) -> Result<(), Failure> {
    let (scenario, warnings) = scenario::load(&args.file)?;
    warn(&warnings);
    let paths = args.paths.unwrap_or(scenario.paths);
    if let Some(beyond) = args.trace.iter().find(|&&path| path >= paths) {
        return Err(Faults::usage(
            format!("`--trace {beyond}`: this run has the paths 0 to {}", paths - 1),
            "name one of them, or run more with `--paths`",
        )
        .into());
    }
    let stage = Stage::new(&scenario, args.seed.unwrap_or(scenario.seed))?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("output").join(&scenario.name));

    let stop = stop_on_interrupt()?;
    let writer = Writer::create(&out, header(&stage, paths))?;
    let outputs = output_times(scenario.clock.horizon, scenario.clock.mark_interval);
    let mut collector = Collector {
        writer,
        summary: Summary::new(adverse(&scenario)),
        series: Series::new(outputs),
        choice: Choice::default(),
    };
    let threads = args.threads.map_or_else(cores, usize::from);
    let plan = Plan { paths: 0..paths, threads, audit: if args.audit { Audited::Yes } else { Audited::No } };
    let bar = progress_bar(paths, args.quiet);
    let ran = experiment::run(&stage, &plan, &mut collector, &stop, &|done| bar.inc(done));
    bar.finish_and_clear();
    ran?;

    let Collector { mut writer, summary, series, choice } = collector;
    let header = writer.header().clone();
    let metrics = summary.metrics(&header, |visit| writer.read_rows(visit))?;
    writer.series(&series)?;
    writer.summary(&metrics)?;
    writer.written(&defaults::written(&scenario))?;
    let mut worker = Worker::new(&stage);
    for (path, roles) in choice.finish(&args.trace, |visit| writer.read_rows(visit))? {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        let replay = Replay::run(&mut worker, &stage, path, roles)?;
        writer.trace(&replay.frames, &replay.stories, &mut |out| replay.write_log(out))?;
    }
    report::draw(writer.staged(), &House::default())?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    writer.finish()?;
    if args.quiet {
        return Ok(());
    }
    let mut text = report::headline(&header, &metrics, &out);
    if args.audit {
        text.push_str(&format!("\naudit: every invariant held after every event of {paths} paths\n"));
    }
    text.push_str(&format!(
        "\nnext: flashcrash trace {} --path 0    (one crash, event by event)\n",
        args.file.display()
    ));
    print(&text)
}

/// Everything a run delivers, on its way into the folder and the summary.
struct Collector {
    writer: Writer,
    summary: Summary,
    series: Series,
    choice: Choice,
}

impl Sink for Collector {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        for row in rows {
            self.summary.add(row);
            self.choice.see(row);
        }
        self.writer.rows(rows)
    }

    fn series(&mut self, samples: Vec<Sample>) {
        self.series.push(samples);
    }
}

fn adverse(scenario: &Scenario) -> Adverse {
    match scenario.direction {
        Direction::Down => Adverse::Down,
        Direction::Up => Adverse::Up,
    }
}

fn header(stage: &Stage<'_>, paths: u64) -> Header {
    let scenario = stage.scenario;
    let first = &scenario.assets[0];
    Header {
        scenario: scenario.name.clone(),
        about: scenario.about.clone(),
        hash: scenario.hash.clone(),
        seed: stage.seed,
        paths,
        series_paths: paths.min(experiment::SERIES_PATHS),
        version: folder::VERSION.to_owned(),
        currency: scenario.currency.clone(),
        cash_unit: scenario.cash_unit,
        symbol: first.symbol.clone(),
        tick: first.tick,
        adverse: adverse(scenario),
        accounts: scenario.accounts.count(),
        horizon: scenario.clock.horizon,
        fund_open: scenario.rules.fund.open,
        fund_floor: scenario.rules.fund.floor,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn progress_bar(paths: u64, quiet: bool) -> ProgressBar {
    let shown = !quiet && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} paths, {per_sec}, {eta} left");
    ProgressBar::with_draw_target(Some(paths), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A flag that Ctrl-C raises: the run ends between two paths, and what was half written is removed.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed)).map_err(|error| {
        Failure::Faults(Faults::usage(
            format!("cannot watch for Ctrl-C: {error}"),
            "run in a shell that allows signals",
        ))
    })?;
    Ok(stop)
}
