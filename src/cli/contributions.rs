//! `flashcrash contributions`: what each account of a position book contributes.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use flashcrash::fault::Failure;
use flashcrash::folder::study::pretty;
use flashcrash::report;
use flashcrash::study::contributions::{contributions as study, removals};

use super::StudyArgs;
use super::study::{Base, Found, Interrupted, Plan, Study, described, extent};
use super::told::{after, joined, named};

#[derive(Debug, Args)]
pub struct ContributionsArgs {
    /// Scenario with a position book
    file: PathBuf,
    /// Accounts with the largest parts that are shown
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Do not run the book again without each of them
    #[arg(long)]
    keep_all: bool,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn contributions(args: &ContributionsArgs) -> Result<(), Failure> {
    let (base, first) = Base::load(&args.file, &args.study)?;
    let (seed, paths) = extent(&args.study, &first);
    let about = joined(described(&first), json!({"top": args.top, "removals": !args.keep_all}));
    let name = &first.name;
    let plan = Plan { kind: "contributions", name, seed, paths, about, interrupted: Interrupted::Forgotten };
    let session = Study::begin(&args.study, plan)?;
    session.expect(1);
    let top = usize::from(args.top);
    let found = study(&first, &session.runs())?;
    session.staged.write("accounts_risk.csv", &found.csv())?;
    let mut files = "accounts_risk.csv".to_owned();
    let mut removed = None;
    let mut json = found.to_json();
    if !args.keep_all {
        let largest = found.largest(top);
        session.expect(largest.len() as u64 + 1);
        let cells = removals(&largest, &|| base.with(&[]), &session.runs())?;
        session.staged.write("removals.csv", &cells.csv())?;
        let told = cells.to_json();
        session.staged.write("removals.json", &pretty(&told))?;
        json["removals"] = told;
        files.push_str(", removals.csv, removals.json");
        removed = Some(cells);
    }
    session.quiet_down();
    let text = format!(
        "{}: who would cause it, seed {seed}\n{}",
        first.name,
        report::contributions::text(&found, removed.as_ref(), top)
    );
    let next = after("contributions", &named(&args.file, &args.study.set.settings()?, args.study.seed));
    session.finish(|_| false, Found { text: &text, json, files: &files, next })
}
