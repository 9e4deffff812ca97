//! `flashcrash trace`: every event of one path.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use flashcrash::experiment::PAIRED_PATHS;
use flashcrash::fault::Failure;
use flashcrash::scenario;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use flashcrash::sim::trace::{Format, Legend, Trace};

use super::{SetArgs, warn};

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
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,
}

pub fn trace(args: &TraceArgs) -> Result<(), Failure> {
    let (scenario, warnings) = scenario::load_with(&args.file, &args.set.settings()?)?;
    warn(&warnings);
    let seed = args.seed.unwrap_or(scenario.seed);
    let stage = Stage::new(&scenario, seed)?;
    let legend = Legend::of(&scenario, stage.account_names());
    let format = if args.json { Format::Json } else { Format::Text };
    let mut trace = Trace::new(BufWriter::new(io::stdout().lock()), format, legend);
    trace.begin(args.path, seed);
    // As in a run, so that the totals are those of its row.
    let pair = if args.path < PAIRED_PATHS { Pair::WithInfiniteDepth } else { Pair::Alone };
    let row = Worker::new(&stage).run(args.path, Wanted { series: Series::Skip, pair }, &mut [&mut trace])?;
    match trace.finish(&row).and_then(|mut out| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::File { path: "standard output".into(), cause })
        }
        _ => Ok(()),
    }
}
