//! The command line: one type for each verb's arguments, one function for each verb.
//!
//! Only this file prints. A fault goes to standard error, a result to standard output.

mod book;
mod breakpoint;
mod calibrate;
mod compare;
mod contributions;
mod defaults;
mod fund_size;
mod manual;
mod merge;
mod position;
mod preset;
mod report;
mod run;
mod screen;
mod study;
mod sweep;
mod told;
mod trace;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use serde_json::json;

use flashcrash::fault::{Failure, Faults, Paint, Severity};
use flashcrash::folder::opening::Opened;
use flashcrash::registry::Setting;
use flashcrash::scenario::{self, Scenario};
use flashcrash::sim::stage::Stage;
use flashcrash::study::sweep::Sweep;
use flashcrash::study::sweep::run::Plan;
use flashcrash::traders::Accounts;

/// Monte Carlo simulator of flash crashes on perpetual-futures exchanges: liquidations, insurance fund, auto-deleveraging.
#[derive(Debug, Parser)]
#[command(name = "flashcrash", version, about, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the paths of a scenario: tables, series and charts into an output folder
    Run(run::RunArgs),
    /// Run scenarios on the same shocks and tell what differs
    Compare(compare::CompareArgs),
    /// Put shards together into the folder of the single run
    Merge(merge::MergeArgs),
    /// Run a scenario over axes of its keys, every cell on the same shocks; stopped, the same command goes on
    Sweep(sweep::SweepArgs),
    /// How large the insurance fund must be for a stated probability
    FundSize(fund_size::FundSizeArgs),
    /// What each account of a position book contributes, and what changes without the largest
    Contributions(contributions::ContributionsArgs),
    /// Find how far a key must go until a probability reaches 5, 50 and 95 %
    Breakpoint(breakpoint::BreakpointArgs),
    /// Fit a book's parameters to recorded depth and trades, with intervals
    Calibrate(calibrate::CalibrateArgs),
    /// Print every event of one path, one line each
    Trace(trace::TraceArgs),
    /// Tier, margins, liquidation and bankruptcy price of a position, or of many
    Position(Box<position::PositionArgs>),
    /// Print the rule book of an exchange or a population as TOML, or list them
    Preset(preset::PresetArgs),
    /// Draw the accounts of a scenario once: a position book as CSV, with a table and pictures of it
    Book(book::BookArgs),
    /// Draw the charts and the page of a finished output folder again
    Report(report::ReportArgs),
    /// Check a scenario and its files; show every fault with its place
    Check(CheckArgs),
    /// List every kind of price process, book, mark rule, distribution, liquidation rule and ADL policy with its keys
    List(ListArgs),
    /// Print the JSON schema of scenario files, for editors
    Schema,
    /// Print the reference of all keys and kinds as Markdown
    Reference,
    /// Print completions for a shell
    Completions(manual::CompletionsArgs),
    /// Print the manual page, in roff
    Man,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Scenario files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    set: SetArgs,
    /// What each file holds and all faults as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What every study takes: how many paths, of which seed, on how many threads, and where to.
#[derive(Debug, Args)]
struct StudyArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Number of paths of each scenario or cell; the scenario's where absent
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=10_000_000))]
    paths: Option<u64>,
    /// Seed of all randomness; the scenario's where absent
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; all cores where absent. Results do not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Output folder; output/VERB-NAME where absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// What was found as JSON in place of the table
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// No progress and no table
    #[arg(long, short)]
    quiet: bool,
}

/// Keys set beside the file.
#[derive(Debug, Args)]
struct SetArgs {
    /// Set a key by its path, as venue.fund.open=5_000_000; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl SetArgs {
    fn settings(&self) -> Result<Vec<Setting>, Faults> {
        self.settings.iter().map(|text| Setting::parse(text)).collect()
    }
}

#[derive(Debug, Args)]
struct ListArgs {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Carries out the command of the process's own arguments and returns its exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no faults; a closed pipe while printing them is none either.
            let code = u8::from(error.use_stderr());
            let _ = error.print();
            return code;
        }
    };
    let done = match cli.verb {
        Verb::Run(args) => run::run(&args),
        Verb::Compare(args) => compare::compare(&args),
        Verb::Merge(args) => merge::merge(&args),
        Verb::Sweep(args) => sweep::sweep(&args),
        Verb::FundSize(args) => fund_size::fund_size(&args),
        Verb::Contributions(args) => contributions::contributions(&args),
        Verb::Breakpoint(args) => breakpoint::breakpoint(&args),
        Verb::Calibrate(args) => calibrate::calibrate(&args),
        Verb::Trace(args) => trace::trace(&args),
        Verb::Position(args) => position::position(&args),
        Verb::Preset(args) => preset::preset(&args),
        Verb::Book(args) => book::book(&args),
        Verb::Report(args) => report::report(&args),
        Verb::Check(args) => check(&args),
        Verb::List(args) => list(&args),
        Verb::Schema => schema(),
        Verb::Reference => print(&scenario::reference()),
        Verb::Completions(args) => manual::completions(&args),
        Verb::Man => manual::man(),
    };
    match done {
        Ok(()) => 0,
        Err(failure) => {
            complain(&failure);
            failure.exit_code()
        }
    }
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let settings = args.set.settings()?;
    let mut faults = Faults::default();
    let mut unread = Vec::new();
    let mut told = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        match sound(file, &settings).and_then(described) {
            Ok((scenario, warnings, opened, _)) if args.json => {
                told.push(json!({
                    "file": name, "sound": true, "scenario": scenario.name, "scenario_hash": scenario.hash,
                    "paths": scenario.paths, "seed": scenario.seed, "accounts": scenario.accounts.count(),
                    "opening": opened, "faults": as_json(&warnings),
                }));
            }
            Ok((scenario, warnings, _, told)) => {
                warn(&warnings);
                print(&summary(&scenario, &told))?;
            }
            Err(Failure::Faults(found)) => {
                told.push(json!({ "file": name, "sound": false, "faults": as_json(&found) }));
                faults.extend(found);
            }
            Err(other) => {
                let unreadable = json!({
                    "severity": "error", "message": other.to_string(), "file": name,
                    "line": null, "column": null, "hint": "",
                });
                told.push(json!({ "file": name, "sound": false, "faults": [unreadable] }));
                unread.push(other);
            }
        }
    }
    if args.json {
        print(&pretty(&json!(told)))?;
    }
    let Some(last) = unread.pop() else {
        return if faults.is_empty() { Ok(()) } else { Err(faults.into()) };
    };
    warn(&faults);
    unread.iter().for_each(complain);
    Err(last)
}

/// The scenario of a file, its warnings, and what its sweep varies, in a line; a file with a sweep alone is checked with
/// the scenario that it names.
fn sound(file: &Path, settings: &[Setting]) -> Result<(Scenario, Faults, String), Failure> {
    if !Sweep::is_in(file)? {
        let (scenario, warnings) = scenario::load_with(file, settings)?;
        return Ok((scenario, warnings, String::new()));
    }
    let plan = match Plan::load(file, settings.to_vec()) {
        Ok(plan) => plan,
        // What is wrong with the scenario beside its sweep is told with it.
        Err(Failure::Faults(mut faults)) => {
            if let Err(Failure::Faults(more)) = scenario::load_with(file, settings)
                && !Sweep::names_another(file)?
            {
                faults.extend(more);
            }
            return Err(faults.into());
        }
        Err(failure) => return Err(failure),
    };
    let (scenario, warnings) = scenario::load_with(&plan.scenario, settings)?;
    plan.check()?;
    let axes: Vec<&str> = plan.sweep.axes.iter().map(|axis| axis.name.as_str()).collect();
    let swept = format!("  sweep `{}` of {} cells over {}\n", plan.name, plan.sweep.cells(), axes.join(" and "));
    Ok((scenario, warnings, swept))
}

/// A scenario with what its first path opens with, as numbers and in words, before what its sweep varies; also finds what
/// only shows when it is staged.
fn described(
    (scenario, warnings, swept): (Scenario, Faults, String),
) -> Result<(Scenario, Faults, Vec<Opened>, String), Failure> {
    let stage = Stage::new(&scenario, scenario.seed)?;
    let (opened, told) = run::opening(&stage)?;
    Ok((scenario, warnings, opened, told + &swept))
}

/// Faults for a program: severity, message, place and hint of each.
fn as_json(faults: &Faults) -> Vec<serde_json::Value> {
    faults
        .iter()
        .map(|fault| {
            let (line, column) = fault.line_column().unzip();
            json!({
                "severity": match fault.severity { Severity::Error => "error", Severity::Warning => "warning" },
                "message": fault.message,
                "file": fault.place.as_ref().map(|place| place.source.name.as_str()),
                "line": line,
                "column": column,
                "hint": fault.hint,
            })
        })
        .collect()
}

/// So many of them: `1 path`, `2 paths`.
fn counted(many: u64, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}

/// What a checked scenario holds, in a few lines.
fn summary(scenario: &Scenario, opening: &str) -> String {
    let mut lines = vec![format!("{}: sound", scenario.source.name)];
    if !scenario.about.is_empty() {
        lines.push(format!("  {}", scenario.about));
    }
    let grid = scenario.clock.grid();
    lines.push(format!(
        "  {} of {} in {}, seed {}",
        counted(scenario.paths, "path"),
        scenario.clock.horizon,
        counted(grid.steps as u64, "step"),
        scenario.seed
    ));
    for asset in &scenario.assets {
        let (open, tick, lot) = (asset.tick.show(asset.open.0), asset.tick.size(), asset.lot.size());
        let (symbol, currency) = (&asset.symbol, &scenario.currency);
        lines.push(if asset.multiplier.is_linear() {
            format!("  {symbol} opens at {open} {currency}, tick {tick}, lot {lot}")
        } else {
            format!("  {symbol} opens at {open}, the price of 1 {currency}; tick {tick}, lot {lot}")
        });
    }
    match &scenario.accounts {
        Accounts::Generated(generated) => {
            for group in &generated.groups {
                let symbol = &scenario.assets[usize::from(group.contract)].symbol;
                let kinds: Vec<&str> = group.behaviours.iter().map(|behaviour| behaviour.kind()).collect();
                let own = if kinds.is_empty() { String::new() } else { format!("; {}", kinds.join(", ")) };
                let token = group.token.map_or_else(String::new, |token| {
                    format!(", collateral in {}", scenario.assets[usize::from(token.contract)].symbol)
                });
                lines.push(format!(
                    "  {} `{}` in {symbol}, {} % long{token}{own}",
                    counted(u64::from(group.count), "account"),
                    group.name,
                    libm::rint(group.long_share * 10_000.0) / 100.0
                ));
            }
        }
        Accounts::Loaded(loaded) => {
            let population = &loaded.population;
            lines.push(format!(
                "  {} with {} from {}",
                counted(population.accounts() as u64, "account"),
                counted(population.positions() as u64, "position"),
                loaded.source.name
            ));
        }
    }
    lines.extend(opening.lines().map(str::to_owned));
    lines.push(format!("  hash {}", scenario.hash));
    lines.join("\n") + "\n"
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    if args.json {
        return print(&pretty(&scenario::listing_json()));
    }
    print(&scenario::listing())
}

fn schema() -> Result<(), Failure> {
    print(&pretty(&scenario::schema()))
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Writes to standard output. A reader that has gone away is no fault.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::File { path: "standard output".into(), cause })
        }
        _ => Ok(()),
    }
}

/// Colour for what goes to a terminal, unless the user wants none.
fn colours() -> Paint {
    // https://no-color.org: any value but the empty one switches colour off.
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain { Paint::Plain } else { Paint::Colour }
}

fn paint() -> Paint {
    if io::stderr().is_terminal() { colours() } else { Paint::Plain }
}

fn warn(faults: &Faults) {
    // Nothing can be told where standard error itself is closed.
    let _ = write!(io::stderr(), "{}", faults.render(paint()));
}

fn complain(failure: &Failure) {
    match failure {
        Failure::Faults(faults) => warn(faults),
        other => {
            let _ = writeln!(io::stderr(), "error: {other}");
        }
    }
}
