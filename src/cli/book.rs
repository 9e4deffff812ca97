//! `flashcrash book`: the accounts of a scenario as a position book, with a table and pictures of it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use flashcrash::experiment;
use flashcrash::fault::Failure;
use flashcrash::folder::VERSION;
use flashcrash::folder::study::Staged;
use flashcrash::report;
use flashcrash::scenario;
use flashcrash::sim::stage::Stage;

use super::told::{Ending, after, named, next};
use super::{SetArgs, pretty, warn};

#[derive(Debug, Args)]
pub struct BookArgs {
    /// Scenario file
    file: PathBuf,
    #[command(flatten)]
    set: SetArgs,
    /// Path whose accounts are drawn, from 0
    #[arg(long, default_value_t = 0)]
    path: u64,
    /// Seed of all randomness; the scenario's where absent
    #[arg(long)]
    seed: Option<u64>,
    /// Output folder; output/book-NAME where absent
    #[arg(long)]
    out: Option<PathBuf>,
    /// The figures as JSON in place of the table
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// No table
    #[arg(long, short)]
    quiet: bool,
}

pub fn book(args: &BookArgs) -> Result<(), Failure> {
    let (scenario, warnings) = scenario::load_with(&args.file, &args.set.settings()?)?;
    warn(&warnings);
    let stage = Stage::new(&scenario, args.seed.unwrap_or(scenario.seed))?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("output").join(format!("book-{}", scenario.name)));
    let book = experiment::book::draw(&stage, args.path)?;
    let summary = book.summary();
    let told = book.to_json(&summary);
    let staged = Staged::create(
        &out,
        &json!({
            "program": "flashcrash",
            "kind": "book",
            "version": VERSION,
            "scenario": scenario.name,
            "scenario_hash": scenario.hash,
            "seed": stage.seed,
            "path": args.path,
        }),
    )?;
    staged.write("book.csv", &book.csv())?;
    staged.write("book.json", &pretty(&told))?;
    report::book::draw(&book, &summary, &staged.path(""))?;
    staged.finish(|_| false)?;
    let next = next(&after("book", &named(&args.file, &args.set.settings()?, args.seed)));
    Ending::of(args.json, args.quiet).tell(|| report::book::text(&book, &summary, &out) + &next, || Ok(told))
}
