//! `flashcrash compare`: scenarios on the same shocks.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::study::pretty;
use flashcrash::registry::Setting;
use flashcrash::report;
use flashcrash::scenario::{self, Scenario};
use flashcrash::study::compare::compare as compare_scenarios;

use super::run::Tables;
use super::study::{Found, Interrupted, Plan, Study, described, extent, load_beside};
use super::told::{after, joined, named};
use super::{StudyArgs, warn};

/// Bytes of a folder's name beyond which it is cut; systems take 255.
const LONGEST_NAME: usize = 120;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Scenario files; the first is the base
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One more scenario: the first file with these keys set, as venue.adl.kind=pro_rata; several are separated by `;`
    #[arg(long, value_name = "SETTINGS")]
    with: Vec<String>,
    /// Write `compare.parquet` too
    #[arg(long)]
    parquet: bool,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let tables = Tables::asked(args.parquet)?;
    let common = args.study.set.settings()?;
    let mut scenarios: Vec<(String, Scenario)> = Vec::new();
    for file in &args.files {
        let (scenario, warnings) = scenario::load_with(file, &common)?;
        warn(&warnings);
        let label = label(&scenarios, &scenario.name);
        scenarios.push((label, scenario));
    }
    for with in &args.with {
        let own: Vec<Setting> =
            with.split(';').filter(|text| !text.trim().is_empty()).map(Setting::parse).collect::<Result<_, _>>()?;
        let scenario = load_beside(&args.files[0], &common, &own, "--with")?;
        let label = label(&scenarios, with.trim());
        scenarios.push((label, scenario));
    }
    if scenarios.len() < 2 {
        return Err(Faults::usage(
            "there is only one scenario",
            "name a second file, or set keys beside the first: `--with venue.adl.kind=pro_rata`",
        )
        .into());
    }
    let first = &scenarios[0].1;
    let (seed, paths) = extent(&args.study, first);
    let told = |(label, scenario): &(String, Scenario)| joined(json!({"label": label}), described(scenario));
    let about = json!({"scenarios": scenarios.iter().map(told).collect::<Vec<_>>()});
    let name = folder_name(&scenarios);
    let plan = Plan { kind: "compare", name: &name, seed, paths, about, interrupted: Interrupted::Forgotten };
    let session = Study::begin(&args.study, plan)?;
    session.expect(scenarios.len() as u64);
    let study = compare_scenarios(&scenarios, &session.runs())?;
    session.quiet_down();
    let json = study.to_json();
    session.staged.write("compare.json", &pretty(&json))?;
    session.staged.write("compare.csv", &study.csv())?;
    let tables = tables.beside(&study, &session.staged.path("compare.csv"))?;
    let next = after("compare", &named(&args.files[0], &common, args.study.seed));
    let text = report::sweep::comparison(&study);
    let files = format!("compare.json, compare.csv{tables}");
    session.finish(|_| false, Found { text: &text, json, files: &files, next })
}

/// What tells one comparison from another, as the last part of a folder's name: what is compared, so that two of one file
/// under different keys do not replace each other.
fn folder_name(scenarios: &[(String, Scenario)]) -> String {
    let plain = |label: &str| -> String {
        let kept = label.chars().map(|c| if c.is_alphanumeric() || "._=".contains(c) { c } else { '-' });
        kept.collect::<String>().split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    };
    let name = scenarios.iter().map(|(label, _)| plain(label)).collect::<Vec<_>>().join("-");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    // Cut, it would not tell them apart any more; the hashes do.
    let mut all = Sha256::new();
    scenarios.iter().for_each(|(_, scenario)| all.update(&scenario.hash));
    let hash: String = all.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let start: String = name.chars().take(LONGEST_NAME / 4).collect();
    format!("{start}-{hash}")
}

/// A label that no other scenario has.
fn label(taken: &[(String, Scenario)], wanted: &str) -> String {
    let is_free = |label: &str| taken.iter().all(|(known, _)| known != label);
    if is_free(wanted) {
        return wanted.to_owned();
    }
    let mut number = 2;
    while !is_free(&format!("{wanted} ({number})")) {
        number += 1;
    }
    // Two files of one name are told apart; which is which stands in the manifest.
    let _ = writeln!(io::stderr(), "warning: a second `{wanted}` is called `{wanted} ({number})`");
    format!("{wanted} ({number})")
}
