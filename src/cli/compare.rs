//! `flashcrash compare`: scenarios on the same shocks.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::{Value, json};

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::VERSION;
use flashcrash::folder::study::{Staged, pretty};
use flashcrash::registry::Setting;
use flashcrash::report;
use flashcrash::scenario::{self, Scenario};
use flashcrash::study::Runs;
use flashcrash::study::compare::compare as compare_scenarios;

use super::run::{cores, progress_bar, stop_on_interrupt};
use super::{StudyArgs, print, warn};

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Scenario files; the first is the base
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One more scenario: the first file with these keys set, as venue.adl.kind=pro_rata; several are separated by `;`
    #[arg(long, value_name = "SETTINGS")]
    with: Vec<String>,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn compare(args: &CompareArgs) -> Result<(), Failure> {
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
        let (scenario, _) = scenario::load_with(&args.files[0], &[common.clone(), own].concat())?;
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
    let (seed, paths) = (args.study.seed.unwrap_or(first.seed), args.study.paths.unwrap_or(first.paths).max(2));
    let names: Vec<&str> = scenarios.iter().map(|(_, scenario)| scenario.name.as_str()).collect();
    let out =
        args.study.out.clone().unwrap_or_else(|| Path::new("output").join(format!("compare-{}", names.join("-"))));
    let manifest = json!({
        "program": "flashcrash",
        "kind": "compare",
        "version": VERSION,
        "seed": seed,
        "paths": paths,
        "scenarios": scenarios.iter().map(|(label, scenario)| described(label, scenario)).collect::<Vec<_>>(),
    });

    let stop = stop_on_interrupt()?;
    let staged = Staged::create(&out, &manifest)?;
    let bar = progress_bar(paths * scenarios.len() as u64, args.study.quiet);
    let runs = Runs {
        seed,
        paths,
        threads: args.study.threads.map_or_else(cores, usize::from),
        stop: &stop,
        progress: &|done| bar.inc(done),
    };
    let compared = compare_scenarios(&scenarios, &runs);
    bar.finish_and_clear();
    let study = compared?;
    staged.write("compare.json", &pretty(&study.to_json()))?;
    staged.write("compare.csv", &study.csv())?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    staged.finish(|_| false)?;
    if args.study.quiet {
        return Ok(());
    }
    print(&format!(
        "{}\nWritten to {}: compare.json, compare.csv, manifest.json\n",
        report::sweep::comparison(&study),
        out.display()
    ))
}

/// A scenario in a manifest.
pub(super) fn described(label: &str, scenario: &Scenario) -> Value {
    json!({
        "label": label,
        "scenario": scenario.name,
        "scenario_hash": scenario.hash,
        "set": scenario.settings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
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
