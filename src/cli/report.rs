//! `flashcrash report`: everything that can be drawn from a finished folder, drawn again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::Folder;
use flashcrash::report::{self, House, Theme};

use super::run::{Tables, summary};
use super::told::Ending;

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Output folder of a run
    folder: PathBuf,
    /// Template of the page in place of the built-in one
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// `auto`, `light` or `dark`, or a style sheet whose rules follow the built-in ones
    #[arg(long, default_value = "auto")]
    theme: PathBuf,
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

pub fn report(args: &ReportArgs) -> Result<(), Failure> {
    // Opening repairs what an interrupted command left; only then is there one folder to draw.
    let tables = Tables::asked(args.parquet)?;
    let folder = Folder::open(&args.folder)?;
    tables.write(&args.folder, &folder.header)?;
    if let Some(tilt) = &folder.header.tilt {
        if args.parquet {
            return Ok(());
        }
        return Err(Faults::usage(
            format!(
                "`{}` holds weighted paths, of which charts and bands would count each once",
                args.folder.display()
            ),
            format!(
                "its figures stand in summary.json; `flashcrash trace {} --seed {} --path N --tilt={tilt}` replays a path",
                folder.header.command(),
                folder.header.seed
            ),
        )
        .into());
    }
    report::draw(&args.folder, &house(args)?)?;
    Ending::of(args.json, args.quiet)
        .tell(|| report::headline(&folder.header, &folder.metrics, &args.folder), || summary(&args.folder))
}

fn house(args: &ReportArgs) -> Result<House, Failure> {
    let read = |path: &Path| fs::read_to_string(path).map_err(Failure::file(path));
    let template = match &args.template {
        Some(path) => Some((path.display().to_string(), read(path)?)),
        None => None,
    };
    let (theme, css) = match args.theme.to_str() {
        Some("auto") => (Theme::Auto, String::new()),
        Some("light") => (Theme::Light, String::new()),
        Some("dark") => (Theme::Dark, String::new()),
        _ if args.theme.extension().is_some_and(|extension| extension == "css") => (Theme::Auto, read(&args.theme)?),
        _ => {
            return Err(Faults::usage(
                format!("`--theme {}` is neither a theme nor a style sheet", args.theme.display()),
                "write auto, light, dark, or a file that ends in .css",
            )
            .into());
        }
    };
    Ok(House { template, theme, css })
}
