//! `flashcrash merge`: shards into the folder of the single run.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use flashcrash::experiment::SERIES_PATHS;
use flashcrash::experiment::shard::{Shard, in_order};
use flashcrash::fault::Failure;
use flashcrash::folder::{Header, Writer};
use flashcrash::report;

use super::print;
use super::run::{Collector, finish};

#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Files that `run --paths A..B --shard-out FILE` wrote, in any order; together they hold the paths from 0
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Output folder; output/NAME where absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// No table
    #[arg(long, short)]
    quiet: bool,
}

pub fn merge(args: &MergeArgs) -> Result<(), Failure> {
    let shards = args.files.iter().map(|file| Shard::open(file)).collect::<Result<Vec<_>, _>>()?;
    let shards = in_order(shards)?;
    let (Some(first), Some(last)) = (shards.first(), shards.last()) else { return Ok(()) };
    let paths = last.range.end;
    let header = Header { paths, series_paths: paths.min(SERIES_PATHS), ..first.header.clone() };
    let out = args.out.clone().unwrap_or_else(|| Path::new("output").join(&header.scenario));
    let mut collector = Collector::new(Writer::create(&out, header)?, first.times.clone());
    for shard in &shards {
        shard.deliver(&mut collector)?;
    }
    let (header, metrics) = finish(collector, &AtomicBool::new(false))?;
    if args.quiet { Ok(()) } else { print(&report::headline(&header, &metrics, &out)) }
}
