//! `flashcrash report`: everything that can be drawn from a finished folder, drawn again.

use std::path::PathBuf;

use clap::Args;

use flashcrash::fault::Failure;
use flashcrash::folder::Folder;
use flashcrash::report;

use super::print;

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Output folder of a run
    folder: PathBuf,
    /// No table
    #[arg(long, short)]
    quiet: bool,
}

pub fn report(args: &ReportArgs) -> Result<(), Failure> {
    // Opening repairs what an interrupted command left; only then is there one folder to draw.
    let folder = Folder::open(&args.folder)?;
    report::draw(&args.folder)?;
    if args.quiet { Ok(()) } else { print(&report::headline(&folder.header, &folder.metrics, &args.folder)) }
}
