//! What all studies have in common on the command line: seed and paths, the manifest, the folder, progress, the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use flashcrash::fault::{Failure, Faults, Place, Source};
use flashcrash::folder::VERSION;
use flashcrash::folder::study::Staged;
use flashcrash::registry::{Setting, setting_at};
use flashcrash::scenario::{self, Scenario};
use flashcrash::study::Runs;

use super::run::{cores, progress_bar, stop_on_interrupt};
use super::told::{Ending, Next, joined, next};
use super::{StudyArgs, warn};

/// What a study is, before it begins.
pub(super) struct Plan<'a> {
    /// As the verb is called.
    pub kind: &'static str,
    /// Last part of the default folder's name.
    pub name: &'a str,
    pub seed: u64,
    pub paths: u64,
    /// What stands in the manifest beside program, version, kind, seed and paths.
    pub about: Value,
    pub interrupted: Interrupted,
}

/// What becomes of a study that is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    Forgotten,
    /// The same command goes on.
    Resumed,
}

/// What a study found, as it is told.
pub(super) struct Found<'a> {
    /// For a person.
    pub text: &'a str,
    /// For a program.
    pub json: Value,
    /// Names of the files.
    pub files: &'a str,
    /// Commands that a user might want next.
    pub next: Vec<Next>,
}

/// A study on its way into its folder.
pub(super) struct Study {
    pub staged: Staged,
    pub seed: u64,
    pub paths: u64,
    out: PathBuf,
    threads: usize,
    ending: Ending,
    stop: Arc<AtomicBool>,
    bar: Bar,
    count: Box<dyn Fn(u64) + Sync>,
}

/// A progress bar that leaves the screen with the study, however that ends.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Seed and number of paths of a study: as asked for on the command line, else the scenario's.
pub(super) fn extent(args: &StudyArgs, scenario: &Scenario) -> (u64, u64) {
    (args.seed.unwrap_or(scenario.seed), args.paths.unwrap_or(scenario.paths).max(2))
}

/// A scenario as a manifest names it.
pub(super) fn described(scenario: &Scenario) -> Value {
    json!({
        "scenario": scenario.name,
        "scenario_hash": scenario.hash,
        "set": scenario.settings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

impl Study {
    /// Starts the folder of a study.
    pub(super) fn begin(args: &StudyArgs, plan: Plan<'_>) -> Result<Self, Failure> {
        let Plan { kind, name, seed, paths, about, interrupted } = plan;
        let head = json!({"program": "flashcrash", "version": VERSION, "kind": kind, "seed": seed, "paths": paths});
        let manifest = joined(head, about);
        let out = args.out.clone().unwrap_or_else(|| Path::new("output").join(format!("{kind}-{name}")));
        let stop = stop_on_interrupt()?;
        let staged = match interrupted {
            Interrupted::Forgotten => Staged::create(&out, &manifest)?,
            Interrupted::Resumed => Staged::resume(&out, &manifest)?,
        };
        let bar = progress_bar(0, args.quiet);
        let counted = bar.clone();
        Ok(Self {
            staged,
            seed,
            paths,
            out,
            threads: args.threads.map_or_else(cores, usize::from),
            ending: Ending::of(args.json, args.quiet),
            stop,
            bar: Bar(bar),
            count: Box::new(move |done| counted.inc(done)),
        })
    }

    pub(super) fn runs(&self) -> Runs<'_> {
        Runs { seed: self.seed, paths: self.paths, threads: self.threads, stop: &self.stop, progress: &*self.count }
    }

    /// Says that so many runs come next.
    pub(super) fn expect(&self, runs: u64) {
        self.bar.0.inc_length(runs * self.paths);
    }

    /// Takes the progress bar away.
    pub(super) fn quiet_down(&self) {
        self.bar.0.finish_and_clear();
    }

    /// Puts the folder in its place and prints what was found. Files for which `passing` holds are left out.
    pub(super) fn finish(self, passing: impl Fn(&str) -> bool, found: Found<'_>) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        self.staged.finish(passing)?;
        let Found { text, json, files, next: commands } = found;
        let out = self.out.display();
        self.ending
            .tell(|| format!("{text}\nWritten to {out}: {files}, manifest.json\n{}", next(&commands)), || Ok(json))
    }
}

/// A scenario file with the keys that are set for the whole study.
pub(super) struct Base<'a> {
    file: &'a Path,
    common: Vec<Setting>,
}

/// A scenario with keys from `--set` and then from elsewhere, as an option that `called` names; faults stand in the one or
/// the other. Warnings were shown before.
pub(super) fn load_beside(file: &Path, common: &[Setting], own: &[Setting], called: &str) -> Result<Scenario, Failure> {
    match scenario::load_with(file, &[common, own].concat()) {
        Ok((scenario, _)) => Ok(scenario),
        Err(Failure::Faults(faults)) => {
            let text: String = own.iter().map(|setting| format!("{setting}\n")).collect();
            let source = Arc::new(Source { name: called.to_owned(), text });
            let before: usize = common.iter().map(|setting| setting.to_string().len() + 1).sum();
            let moved = faults.at(|place| {
                setting_at(place).filter(|(number, _)| *number >= common.len())?;
                let span = place.span.start - before..place.span.end - before;
                Some(Place { source: Arc::clone(&source), span })
            });
            Err(moved.into())
        }
        Err(failure) => Err(failure),
    }
}

impl<'a> Base<'a> {
    /// The file, and the scenario as it stands; its warnings are shown.
    pub(super) fn load(file: &'a Path, args: &StudyArgs) -> Result<(Self, Scenario), Failure> {
        let base = Self { file, common: args.set.settings()? };
        let (scenario, warnings) = scenario::load_with(file, &base.common)?;
        warn(&warnings);
        Ok((base, scenario))
    }

    /// The scenario with more keys set; warnings were shown before.
    pub(super) fn with(&self, settings: &[Setting]) -> Result<Scenario, Failure> {
        load_beside(self.file, &self.common, settings, "key of the study")
    }
}

/// A share that must lie strictly between two bounds.
pub(super) fn within(name: &str, value: f64, low: f64, high: f64, example: &str) -> Result<(), Faults> {
    if value > low && value < high {
        return Ok(());
    }
    Err(Faults::usage(format!("`{name}` must lie between {low} and {high}"), format!("write `{example}`")))
}
