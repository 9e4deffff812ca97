//! `flashcrash trace`: every event of one path.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use flashcrash::experiment::tilted::{self, Asked};
use flashcrash::experiment::{pair_of, replay};
use flashcrash::fault::{Failure, Faults};
use flashcrash::scenario::{self, Scenario};
use flashcrash::sim::path::{Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use flashcrash::sim::tilt::Tilt;
use flashcrash::sim::trace::{Format, Legend, Trace};

use super::{SetArgs, print, warn};

#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Scenario file
    file: PathBuf,
    #[command(flatten)]
    set: SetArgs,
    /// Number of the path, from 0
    #[arg(long, default_value_t = 0)]
    path: u64,
    /// Seed of all randomness; the scenario's where absent
    #[arg(long)]
    seed: Option<u64>,
    /// The path as importance sampling drew it: the strengths in the manifest of that run, as drop=10,duration=5
    #[arg(long, value_name = "TILT")]
    tilt: Option<String>,
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,
    /// The story of one account in sentences, by its name or number
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "json")]
    story: Option<String>,
}

pub fn trace(args: &TraceArgs) -> Result<(), Failure> {
    let (scenario, warnings) = scenario::load_with(&args.file, &args.set.settings()?)?;
    warn(&warnings);
    let seed = args.seed.unwrap_or(scenario.seed);
    let mut stage = Stage::new(&scenario, seed)?;
    stage.tilt = tilt(args, &scenario)?;
    if let Some(account) = &args.story {
        return tell(&stage, args.path, account);
    }
    let legend = Legend::of(&scenario, stage.account_names());
    let format = if args.json { Format::Json } else { Format::Text };
    let mut trace = Trace::new(BufWriter::new(io::stdout().lock()), format, legend);
    trace.begin(args.path, seed);
    // As in a run, so that the totals are those of its row.
    let wanted = Wanted { series: Series::Skip, pair: pair_of(&stage, args.path) };
    let row = Worker::new(&stage).run(args.path, wanted, &mut [&mut trace])?;
    match trace.finish(&row).and_then(|mut out| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::File { path: "standard output".into(), cause })
        }
        _ => Ok(()),
    }
}

/// `--tilt`: what the run was tilted by.
fn tilt(args: &TraceArgs, scenario: &Scenario) -> Result<Option<Tilt>, Failure> {
    match args.tilt.as_deref().map(Asked::parse).transpose()? {
        None => Ok(None),
        Some(Asked::Given(tilt)) => {
            tilted::check(scenario, &tilt)?;
            Ok(Some(tilt))
        }
        Some(Asked::Auto) => Err(Faults::usage(
            "one path does not say what its run was tilted by",
            "take the strengths from `tilt` in the run's manifest.json, as `--tilt=drop=10,duration=5`",
        )
        .into()),
    }
}

/// Prints what happened to one account, in the words of the report.
fn tell(stage: &Stage<'_>, path: u64, account: &str) -> Result<(), Failure> {
    let names = stage.account_names();
    let count = stage.scenario.accounts.count();
    let named = names.iter().position(|name| name == account);
    let found = named.or_else(|| account.parse::<usize>().ok()).and_then(|id| u32::try_from(id).ok());
    let unknown = || {
        let known = match names {
            [] => "accounts are numbered".to_owned(),
            [first, ..] => format!("accounts have names, as `{first}`, and numbers"),
        };
        Failure::from(Faults::usage(
            format!("there is no account `{account}`"),
            format!("{known} from 0 to {}", count.saturating_sub(1)),
        ))
    };
    let id = found.filter(|&id| u64::from(id) < count).ok_or_else(unknown)?;
    let story = replay::story(stage, path, id)?.ok_or_else(unknown)?;
    let mut text =
        format!("{} on path {path} of seed {}, amounts in {}\n", story.name, stage.seed, stage.scenario.currency);
    for (at, sentence) in &story.events {
        text.push_str(&format!("{:>10} s  {sentence}\n", at.0 as f64 / 1e9));
    }
    if story.liquidated.is_zero() && story.deleveraged.is_zero() {
        text.push_str("              nothing is forced on it\n");
    }
    print(&text)
}
