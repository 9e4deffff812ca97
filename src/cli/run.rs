//! `flashcrash run`: the paths of a scenario into an output folder.

use std::fs;
use std::io::{self, IsTerminal};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use flashcrash::experiment::conduct::Means;
use flashcrash::experiment::replay::{Choice, Replay};
use flashcrash::experiment::shard::ShardWriter;
use flashcrash::experiment::summary::Summary;
use flashcrash::experiment::tilted::{self, Asked, Tried, WeightedSummary};
use flashcrash::experiment::until::{self, Until};
use flashcrash::experiment::what_if;
use flashcrash::experiment::{self, Audited, Plan, Sink};
use flashcrash::facts::{Outcome, Sample};
use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::attribution::Attribution;
use flashcrash::folder::opening::Opened;
use flashcrash::folder::parquet;
use flashcrash::folder::series::Series;
use flashcrash::folder::study::{Staged, Study, pretty, typed};
use flashcrash::folder::tilted::WeightedRows;
use flashcrash::folder::what_if::WhatIf;
use flashcrash::folder::{Header, Metric, Writer};
use flashcrash::money::Nanos;
use flashcrash::registry::Setting;
use flashcrash::report::tilted::Trial;
use flashcrash::report::{self, House};
use flashcrash::scenario;
use flashcrash::sim::path::{Worker, output_times};
use flashcrash::sim::stage::Stage;
use flashcrash::study::{Runs, attribute};
use flashcrash::traders::{Accounts, Redraw};

use super::told::{Ending, Next, named, next};
use super::{SetArgs, defaults, warn};

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario file
    file: PathBuf,
    #[command(flatten)]
    set: SetArgs,
    /// Number of paths; the scenario's where absent. A..B runs paths A to B − 1 for `--shard-out`
    #[arg(long, value_name = "N|A..B", value_parser = paths_of)]
    paths: Option<Paths>,
    /// Write these paths to one file for `flashcrash merge` instead of a folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "until"])]
    shard_out: Option<PathBuf>,
    /// Go on until a metric is known so well, as "p_adl ±0.001" or "fund_need_mean ±5 %"; `--paths` is then the most
    #[arg(long, value_name = "CONDITION")]
    until: Option<String>,
    /// Seed of all randomness; the scenario's where absent
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; all cores where absent. Results do not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Output folder; output/NAME where absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// Draw rare crashes more often and weigh them: `auto`, or rates of the drop and its (short) duration, a shift of the noise
    /// of the fall in standard deviations, strengths above 1 of the jumps or the size of the largest account, as
    /// drop=10,duration=5,noise=1
    #[arg(long, value_name = "TILT", num_args = 0..=1, require_equals = true, default_missing_value = "auto", conflicts_with = "until")]
    tilt: Option<String>,
    /// Probability for which `--tilt` is chosen
    #[arg(long, value_name = "METRIC", default_value = "p_fund_exhausted", value_parser = ["p_fund_exhausted", "p_adl", "p_unfunded_deficit"])]
    tilt_for: String,
    /// Keep this path in full too, as `trace/N`; may be given more than once
    #[arg(long, value_name = "N")]
    trace: Vec<u64>,
    /// Rebuild the ledger of every path from its facts and check every invariant after every event
    #[arg(long)]
    audit: bool,
    /// Run the same shocks with feedback, withdrawal of quotes and behaviours switched off, in every combination, and tell
    /// what each adds
    #[arg(long, conflicts_with = "shard_out")]
    attribute: bool,
    /// Write `paths.parquet`, `series.parquet` and `trace/N/events.parquet` too
    #[arg(long, conflicts_with = "shard_out")]
    parquet: bool,
    /// `summary.json` on standard output in place of the table
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// No progress and no table
    #[arg(long, short)]
    quiet: bool,
}

/// The paths of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paths {
    First(u64),
    Range(u64, u64),
}

fn paths_of(text: &str) -> Result<Paths, String> {
    const MOST: u64 = 1_000_000_000;
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok().filter(|&n| n <= MOST);
    let told = || format!("write a number from 1 to {MOST}, or a range A..B with A below B");
    match text.split_once("..") {
        Some((from, to)) => match (number(from), number(to)) {
            (Some(from), Some(to)) if from < to => Ok(Paths::Range(from, to)),
            _ => Err(told()),
        },
        None => number(text).filter(|&n| n > 0).map(Paths::First).ok_or_else(told),
    }
}

pub fn run(args: &RunArgs) -> Result<(), Failure> {
    let settings = args.set.settings()?;
    let tables = Tables::asked(args.parquet)?;
    let until = args.until.as_deref().map(Until::parse).transpose()?;
    let (scenario, warnings) = scenario::load_with(&args.file, &settings)?;
    warn(&warnings);
    let mut stage = Stage::new(&scenario, args.seed.unwrap_or(scenario.seed))?;
    let ending = Ending::of(args.json, args.quiet);
    let stop = stop_on_interrupt()?;
    let tried = tilt(args, &mut stage, &stop)?;
    let range = match args.paths {
        None => 0..scenario.paths,
        Some(Paths::First(paths)) => 0..paths,
        Some(Paths::Range(from, to)) => from..to,
    };
    if let Some(file) = &args.shard_out {
        return shard(args, &stage, file, range, &stop);
    }
    if matches!(args.paths, Some(Paths::Range(..))) {
        return Err(Faults::usage(
            "a range of paths is part of a run, and has no folder of its own",
            "add `--shard-out FILE`, and `flashcrash merge` the files",
        )
        .into());
    }
    let paths = range.end;
    if let Some(beyond) = args.trace.iter().find(|&&path| path >= paths) {
        return Err(Faults::usage(
            format!("`--trace {beyond}`: this run has the paths 0 to {}", paths - 1),
            "name one of them, or run more with `--paths`",
        )
        .into());
    }
    let out = args.out.clone().unwrap_or_else(|| Path::new("output").join(&scenario.name));

    if stage.tilt.is_some() {
        let mut folder = Tilted::create(&out, experiment::header(&stage, paths))?;
        let bar = progress_bar(paths, args.quiet);
        let ran = experiment::run(&stage, &args.plan(range), &mut folder, &stop, &|done| bar.inc(done));
        bar.finish_and_clear();
        ran?;
        let in_full = InFull { stage: &stage, asked: &args.trace, tables };
        let text = folder.finish(&out, &in_full, &stop)?;
        let told = || {
            let chosen = stage.tilt.map(|tilt| tilt.to_string()).unwrap_or_default();
            let trials: Vec<Trial> = tried
                .iter()
                .map(|tried| Trial {
                    tilt: tried.tilt.to_string(),
                    paths: tried.paths,
                    events: tried.events,
                    relative_variance: tried.relative_variance(),
                })
                .collect();
            report::tilted::pilot(&trials, &chosen) + &text
        };
        return ending.tell(told, || summary(&out));
    }
    let outputs = output_times(scenario.clock.horizon, scenario.clock.mark_interval);
    let mut collector = Collector::new(Writer::create(&out, experiment::header(&stage, paths))?, outputs);
    let bar = progress_bar(paths, args.quiet);
    let ran = match &until {
        None => {
            experiment::run(&stage, &args.plan(range), &mut collector, &stop, &|done| bar.inc(done)).map(|()| paths)
        }
        Some(until) => run_until(args, &stage, until, &mut collector, &stop, &|done| bar.inc(done)),
    };
    bar.finish_and_clear();
    let done = ran?;
    if done < paths {
        collector.writer.settle(done, done.min(experiment::SERIES_PATHS))?;
    }
    let attributed = if args.attribute { Some(attribution(args, &stage, done, &collector, &stop)?) } else { None };
    let conduct = collector.conduct.clone();
    let finished = finish(collector, &InFull { stage: &stage, asked: &args.trace, tables }, &stop)?;
    let Finished { header, metrics, .. } = &finished;
    let mut text = report::headline(header, metrics, &out);
    text.push_str(&report::conduct::table(&conduct.estimates(header), &header.currency));
    text.push_str(&format!("\n{}", opening(&stage)?.1));
    if let Some(until) = &until {
        let asked = args.until.as_deref().unwrap_or_default();
        let reached = metrics.iter().find(|metric| metric.name == until.metric).and_then(|metric| metric.estimate);
        text.push_str(&match reached {
            Some(_) if done < paths => format!("\n{asked}: reached after {done} paths\n"),
            _ => format!(
                "\n{asked}: not known so well after {done} paths, the most allowed; it is judged after every 1,000\n"
            ),
        });
    }
    if let Some(found) = attributed {
        text.push_str(&format!("\n{}", report::attribution::table(&found)));
    }
    if args.audit {
        text.push_str(&format!("\naudit: every invariant held after every event of {done} paths\n"));
    }
    text.push_str(&next(&finished.next(&args.file, &settings, args.seed)));
    ending.tell(|| text, || summary(&out))
}

/// What the paths open with, as numbers and in words: the first of them where each has accounts of its own.
pub(super) fn opening(stage: &Stage<'_>) -> Result<(Vec<Opened>, String), Failure> {
    let which = match &stage.scenario.accounts {
        Accounts::Generated(generated) if generated.redraw == Redraw::Resampled => " path 0",
        Accounts::Generated(_) | Accounts::Loaded(_) => "",
    };
    let opened = experiment::opening::opened(stage, 0)?;
    let told = report::opening::lines(&opened, &stage.scenario.currency, which);
    Ok((opened, told))
}

/// `--attribute`: what each part of the market adds, beside the tables of the run.
fn attribution(
    args: &RunArgs,
    stage: &Stage<'_>,
    paths: u64,
    collector: &Collector,
    stop: &AtomicBool,
) -> Result<Attribution, Failure> {
    let settings = args.set.settings()?;
    let bar = progress_bar(paths * attribute::runs(stage.scenario), args.quiet);
    let runs = Runs {
        seed: stage.seed,
        paths,
        threads: args.threads.map_or_else(cores, usize::from),
        stop,
        progress: &|done| bar.inc(done),
    };
    let load = || scenario::load_with(&args.file, &settings).map(|(scenario, _)| scenario);
    let found = attribute::attribute(&load, &runs);
    bar.finish_and_clear();
    let found = found?;
    found.write(collector.writer.staged())?;
    Ok(found)
}

impl RunArgs {
    fn plan(&self, paths: Range<u64>) -> Plan {
        Plan {
            paths,
            threads: self.threads.map_or_else(cores, usize::from),
            audit: if self.audit { Audited::Yes } else { Audited::No },
        }
    }
}

/// Runs blocks of paths until the condition is met; returns how many were run.
fn run_until(
    args: &RunArgs,
    stage: &Stage<'_>,
    until: &Until,
    collector: &mut Collector,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64, Failure> {
    let most = collector.writer.header().paths;
    let mut done = 0;
    while done < most {
        let next = most.min(done + until::EVERY);
        experiment::run(stage, &args.plan(done..next), collector, stop, progress)?;
        done = next;
        if until.is_met(&collector.summary, collector.writer.header()) {
            break;
        }
    }
    Ok(done)
}

/// `--tilt`: sets the tilt of the stage; what the pilot tried where it chose.
fn tilt(args: &RunArgs, stage: &mut Stage<'_>, stop: &AtomicBool) -> Result<Vec<Tried>, Failure> {
    let Some(asked) = args.tilt.as_deref().map(Asked::parse).transpose()? else { return Ok(Vec::new()) };
    let (tilt, tried) = match asked {
        Asked::Given(tilt) => (tilt, Vec::new()),
        Asked::Auto => {
            let threads = args.threads.map_or_else(cores, usize::from);
            tilted::pilot(stage.scenario, stage.seed, &args.tilt_for, threads, stop, &|_| ())?
        }
    };
    tilted::check(stage.scenario, &tilt)?;
    stage.tilt = Some(tilt);
    Ok(tried)
}

/// A run of importance sampling on its way into its folder.
pub(super) struct Tilted {
    staged: Staged,
    header: Header,
    rows: WeightedRows,
    summary: WeightedSummary,
    choice: Choice,
}

impl Tilted {
    pub(super) fn create(out: &Path, header: Header) -> Result<Self, Failure> {
        let staged = Staged::create(out, &header.to_json())?;
        let rows = WeightedRows::create(&staged.path("paths.csv"), &header)?;
        let (summary, choice) = (WeightedSummary::new(header.adverse), Choice::default());
        Ok(Self { staged, header, rows, summary, choice })
    }

    /// Replays the chosen paths, puts the folder in its place and returns what it says.
    pub(super) fn finish(self, out: &Path, in_full: &InFull<'_>, stop: &AtomicBool) -> Result<String, Failure> {
        let InFull { stage, asked, tables } = in_full;
        let told = self.summary.metrics(&self.header);
        let mut worker = Worker::new(stage);
        for (path, roles) in self.choice.of_weighted(asked) {
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            let replay = Replay::run(&mut worker, stage, path, roles)?;
            self.staged.trace(&replay.frames, &replay.stories, &mut |out| replay.write_log(out))?;
        }
        tables.write(&self.staged.path(""), &self.header)?;
        self.staged.write("summary.json", &pretty(&told.to_json(&self.header)))?;
        self.staged.finish(|_| false)?;
        Ok(report::tilted::text(&self.header, &told, out))
    }
}

impl Sink for Tilted {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        for row in rows {
            self.summary.add(row);
            self.choice.see(row);
        }
        self.rows.rows(rows)
    }

    fn series(&mut self, _: Vec<Sample>) {}
}

/// `--shard-out`: rows and samples of a range into one file.
fn shard(args: &RunArgs, stage: &Stage<'_>, file: &Path, range: Range<u64>, stop: &AtomicBool) -> Result<(), Failure> {
    let clock = &stage.scenario.clock;
    // Bands count every path once, so weighted paths have none.
    let times = if stage.tilt.is_some() { Vec::new() } else { output_times(clock.horizon, clock.mark_interval) };
    let header = experiment::header(stage, range.end - range.start);
    let mut writer = ShardWriter::create(file, &header, range.clone(), &times)?;
    let bar = progress_bar(range.end - range.start, args.quiet);
    let ran = experiment::run(stage, &args.plan(range.clone()), &mut writer, stop, &|done| bar.inc(done));
    bar.finish_and_clear();
    ran?;
    writer.finish()?;
    let file = file.display();
    Ending::of(args.json, args.quiet).tell(
        || format!("paths {}..{} of {} written to {file}\n", range.start, range.end, header.scenario),
        || {
            let paths = [range.start, range.end];
            Ok(json!({"scenario": header.scenario, "scenario_hash": header.hash, "paths": paths, "file": file.to_string()}))
        },
    )
}

/// What is kept in full beside the tables: paths replayed from a scenario.
pub(super) struct InFull<'a> {
    pub stage: &'a Stage<'a>,
    /// Paths asked for beside the first with ADL, the median and the worst.
    pub asked: &'a [u64],
    pub tables: Tables,
}

/// Which tables a folder gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    Csv,
    CsvAndParquet,
}

impl Tables {
    /// What `--parquet` asks for, as far as this build can do it.
    pub(super) fn asked(parquet: bool) -> Result<Self, Failure> {
        if !parquet {
            return Ok(Self::Csv);
        }
        parquet::check()?;
        Ok(Self::CsvAndParquet)
    }

    /// Writes what is wanted beside the finished CSV and logs of a folder.
    pub(super) fn write(self, dir: &Path, header: &Header) -> Result<(), Failure> {
        match self {
            Self::Csv => Ok(()),
            Self::CsvAndParquet => parquet::folder(dir, header),
        }
    }

    /// The same for the table of a study; returns how the list of its files goes on.
    pub(super) fn beside(self, study: &Study, csv: &Path) -> Result<String, Failure> {
        match self {
            Self::Csv => Ok(String::new()),
            Self::CsvAndParquet => {
                typed(study, csv)?;
                let name = csv.with_extension("parquet");
                Ok(name.file_name().map_or_else(String::new, |name| format!(", {}", name.display())))
            }
        }
    }
}

/// Writes what the rows say together, replays the chosen paths, draws it all, and puts the folder in its place.
pub(super) fn finish(collector: Collector, in_full: &InFull<'_>, stop: &AtomicBool) -> Result<Finished, Failure> {
    let Collector { mut writer, summary, series, choice, conduct } = collector;
    let header = writer.header().clone();
    writer.conduct(&conduct.estimates(&header))?;
    let metrics = summary.metrics(&header, |visit| writer.read_rows(visit))?;
    writer.series(&series)?;
    // The samples of a thousand paths are most of what a run keeps, and nobody asks for them again.
    drop(series);
    writer.summary(&metrics)?;
    let worst = choice.worst();
    let chosen = choice.finish(summary.fund_need(), in_full.asked, |visit| writer.read_rows(visit))?;
    drop(summary);
    let InFull { stage, tables, .. } = in_full;
    writer.written(&defaults::written(stage.scenario))?;
    if header.paths == 1
        && let Some(what_if) = half_the_cap(stage)?
    {
        writer.what_if(&what_if)?;
    }
    let mut worker = Worker::new(stage);
    for (path, roles) in chosen {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        let replay = Replay::run(&mut worker, stage, path, roles)?;
        writer.trace(&replay.frames, &replay.stories, &mut |out| replay.write_log(out))?;
    }
    tables.write(writer.staged(), &header)?;
    report::draw(writer.staged(), &House::default())?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    writer.finish()?;
    Ok(Finished { header, metrics, worst })
}

/// A run whose folder is in its place.
pub(super) struct Finished {
    pub header: Header,
    pub metrics: Vec<Metric>,
    /// Path with the worst fund need.
    worst: Option<u64>,
}

impl Finished {
    /// What a user might want next: the worst path; then why, or how large the fund must be; then what a change does.
    pub(super) fn next(&self, file: &Path, settings: &[Setting], seed: Option<u64>) -> Vec<Next> {
        let (scenario, path) = (named(file, settings, seed), self.worst.unwrap_or(0));
        let trace = format!("flashcrash trace {scenario} --path {path}");
        if self.header.paths == 1 {
            return vec![
                (trace.clone(), "this crash, event by event"),
                (format!("{trace} --story 0"), "the story of one account"),
                (format!("flashcrash run {scenario} --paths 1000"), "what such crashes do on average"),
            ];
        }
        let estimate = |name: &str| {
            self.metrics.iter().find(|metric| metric.name == name)?.estimate.map(|estimate| estimate.estimate)
        };
        if estimate("p_liquidation") == Some(0.0) {
            return vec![
                (trace, "one path, event by event; on none is anybody liquidated"),
                (format!("flashcrash book {scenario}"), "at which prices somebody would be"),
            ];
        }
        let mut commands = vec![
            (trace, "the worst crash, event by event"),
            (format!("flashcrash fund-size {scenario} --target 'p_adl <= 0.01'"), "how large the fund must be"),
        ];
        let (open, need) = (self.header.fund_open.0, estimate("fund_need_var_99").filter(|need| *need > 0.0));
        let other = match (open, need) {
            (0, None) => None,
            (0, Some(need)) => {
                Some((libm::ceil(need).to_string(), "what a fund that carries 99 % of such crashes changes"))
            }
            _ => {
                let twice = self.header.cash_unit.show(open).checked_mul(2.into()).unwrap_or_default();
                Some((twice.normalize().to_string(), "what a fund of twice the size changes"))
            }
        };
        commands.extend(
            other.map(|(fund, why)| (format!("flashcrash compare {scenario} --with venue.fund.open={fund}"), why)),
        );
        commands
    }
}

/// The numbers of a finished folder.
pub(super) fn summary(out: &Path) -> Result<Value, Failure> {
    let path = out.join("summary.json");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    serde_json::from_str(&text).map_err(|error| Failure::file(&path)(error.into()))
}

/// What the one path comes to with half the leverage cap; `None` where that cannot be asked of the scenario.
fn half_the_cap(stage: &Stage<'_>) -> Result<Option<WhatIf>, Failure> {
    let scenario = stage.scenario;
    let Some(cap) = what_if::cap(stage).filter(|cap| *cap >= 2.0) else { return Ok(None) };
    let half = cap / 2.0;
    let more = match &scenario.accounts {
        Accounts::Loaded(_) => vec![format!("accounts.leverage_cap={half}")],
        Accounts::Generated(_) => {
            vec![format!("population.leverage_cap={half}"), "population.cap_keeps=notional".into()]
        }
    };
    let more: Vec<Setting> = more.iter().map(|text| Setting::parse(text)).collect::<Result<_, _>>()?;
    // A question on the side: where nobody could open under it, the run stands without its answer.
    let Ok((halved, _)) =
        scenario::load_with(Path::new(&scenario.source.name), &[scenario.settings.clone(), more].concat())
    else {
        return Ok(None);
    };
    match Stage::new(&halved, stage.seed) {
        Ok(halved) => what_if::half_the_cap(stage, &halved, 0).map(Some),
        Err(_) => Ok(None),
    }
}

/// Everything a run delivers, on its way into the folder and the summary.
pub(super) struct Collector {
    writer: Writer,
    summary: Summary,
    series: Series,
    choice: Choice,
    conduct: Means,
}

impl Collector {
    pub(super) fn new(writer: Writer, outputs: Vec<Nanos>) -> Self {
        Self {
            summary: Summary::new(writer.header().adverse),
            writer,
            series: Series::new(outputs),
            choice: Choice::default(),
            conduct: Means::default(),
        }
    }
}

impl Sink for Collector {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        for row in rows {
            self.summary.add(row);
            self.choice.see(row);
            self.conduct.add(row);
        }
        self.writer.rows(rows)
    }

    fn series(&mut self, samples: Vec<Sample>) {
        self.series.push(samples);
    }
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub(super) fn progress_bar(paths: u64, quiet: bool) -> ProgressBar {
    let shown = !quiet && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} paths, {rate} a second, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate);
    ProgressBar::with_draw_target(Some(paths), target).with_style(style)
}

/// Paths a second without digits that nobody reads.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let rate = state.per_sec();
    let _ = if rate < 10.0 {
        write!(out, "{rate:.1}")
    } else {
        write!(out, "{}", HumanCount(rate.round().to_u64().unwrap_or(0)))
    };
}

/// A flag that Ctrl-C raises: the run ends between two paths, and what was half written is removed.
pub(super) fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
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
