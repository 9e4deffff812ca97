//! `flashcrash merge`: shards into the folder of the single run.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use flashcrash::experiment::SERIES_PATHS;
use flashcrash::experiment::shard::{Shard, in_order};
use flashcrash::experiment::tilted::Asked;
use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::{Header, Writer, relative};
use flashcrash::report;
use flashcrash::scenario;
use flashcrash::sim::stage::Stage;

use super::SetArgs;
use super::run::{Collector, InFull, Tables, Tilted, finish, summary};
use super::told::{Ending, next};

#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Files that `run --paths A..B --shard-out FILE` wrote, in any order; together they hold the paths from 0
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The scenario that the shards were run from: some paths are replayed from it
    #[arg(long)]
    scenario: PathBuf,
    #[command(flatten)]
    set: SetArgs,
    /// Output folder; output/NAME where absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write `paths.parquet`, `series.parquet` and `trace/N/events.parquet` too
    #[arg(long)]
    parquet: bool,
    /// `summary.json` on standard output in place of the table
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// No table
    #[arg(long, short)]
    quiet: bool,
}

pub fn merge(args: &MergeArgs) -> Result<(), Failure> {
    let tables = Tables::asked(args.parquet)?;
    let shards = args.files.iter().map(|file| Shard::open(file)).collect::<Result<Vec<_>, _>>()?;
    let shards = in_order(shards)?;
    let (Some(first), Some(last)) = (shards.first(), shards.last()) else { return Ok(()) };
    let paths = last.range.end;
    // Where the shards were run the scenario may lie elsewhere; the commands of the page are for whoever merges.
    let file = relative(&args.scenario.display().to_string());
    let header = Header { file, paths, series_paths: paths.min(SERIES_PATHS), ..first.header.clone() };
    let out = args.out.clone().unwrap_or_else(|| Path::new("output").join(&header.scenario));
    let (scenario, _) = scenario::load_with(&args.scenario, &args.set.settings()?)?;
    if scenario.hash != header.hash {
        return Err(Faults::usage(
            format!("{} is not the scenario of these shards: its hash is {}", args.scenario.display(), scenario.hash),
            format!("the shards were run from a scenario with the hash {}", header.hash),
        )
        .into());
    }
    let ending = Ending::of(args.json, args.quiet);
    let mut stage = Stage::new(&scenario, header.seed)?;
    if let Some(tilt) = &header.tilt {
        let Asked::Given(tilt) = Asked::parse(tilt)? else {
            return Err(Faults::usage("these shards do not say what they were tilted by", "run them again").into());
        };
        stage.tilt = Some(tilt);
        let mut tilted = Tilted::create(&out, header)?;
        for shard in &shards {
            shard.deliver(&mut tilted)?;
        }
        let in_full = InFull { stage: &stage, asked: &[], tables };
        let text = tilted.finish(&out, &in_full, &AtomicBool::new(false))?;
        return ending.tell(|| text, || summary(&out));
    }
    let mut collector = Collector::new(Writer::create(&out, header)?, first.times.clone());
    for shard in &shards {
        shard.deliver(&mut collector)?;
    }
    let done = finish(collector, &InFull { stage: &stage, asked: &[], tables }, &AtomicBool::new(false))?;
    let commands = next(&done.next(&args.scenario, &args.set.settings()?, Some(stage.seed)));
    ending.tell(|| report::headline(&done.header, &done.metrics, &out) + &commands, || summary(&out))
}
