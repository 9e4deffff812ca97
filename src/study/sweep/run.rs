//! Running a sweep so that it can be stopped at any moment: every finished cell is in a file of its own.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Sweep;
use super::reuse::{self, Member, Shown};
use crate::experiment::shard::{Shard, ShardWriter, in_order};
use crate::experiment::summary::Summary;
use crate::experiment::{self, Audited, Sink};
use crate::facts::{Outcome, Sample};
use crate::fault::{Failure, Faults};
use crate::folder::study::{Cell, Staged, Study, pretty};
use crate::registry::Setting;
use crate::scenario::{self, Scenario};
use crate::sim::stage::Stage;
use crate::study::{Rows, Run, Runs, comparable, correct};

/// Rows of the base cell, kept until the sweep is finished.
const BASE: &str = "base.rows";

/// Whether a file of the unfinished folder has no place in the finished one.
#[must_use]
pub fn is_passing(name: &str) -> bool {
    name == BASE || name.starts_with("cell-")
}

/// A sweep has no bands over time.
struct RowsOnly<'a>(&'a mut ShardWriter);

impl Sink for RowsOnly<'_> {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        self.0.rows(rows)
    }

    fn series(&mut self, _: Vec<Sample>) {}
}

/// A cell whose scenario is sound, without the scenario: what is kept of all cells of a sweep.
#[derive(Clone, Debug)]
pub struct Checked {
    pub label: String,
    /// Hash of its scenario.
    pub hash: String,
    /// Cells of one name draw the same.
    draws: [u8; 32],
}

/// A sweep over a scenario, with what every cell has in common.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub sweep: Sweep,
    pub scenario: PathBuf,
    /// Keys set in every cell, before those of the axes.
    pub common: Vec<Setting>,
}

impl Plan {
    /// The plan of a file; the scenario is the file itself unless the sweep names another.
    ///
    /// # Errors
    /// Every fault of the sweep.
    pub fn load(path: &Path, common: Vec<Setting>) -> Result<Self, Failure> {
        let sweep = Sweep::load(path)?;
        let scenario = match &sweep.scenario {
            Some(file) => path.parent().unwrap_or_else(|| Path::new("")).join(file),
            None => path.to_owned(),
        };
        let name = path.file_stem().map_or_else(|| "sweep".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self { name, sweep, scenario, common })
    }

    /// The checked scenario of a cell.
    ///
    /// # Errors
    /// Every fault of the scenario with the keys of the cell set.
    pub fn cell(&self, cell: usize) -> Result<(Scenario, Faults), Failure> {
        let settings = [self.common.clone(), self.sweep.settings(cell)].concat();
        match scenario::load_with(&self.scenario, &settings) {
            Err(Failure::Faults(faults)) => Err(self.sweep.placed(faults, cell, self.common.len()).into()),
            Ok((scenario, warnings)) => Ok((scenario, self.sweep.placed(warnings, cell, self.common.len()))),
            failed => failed,
        }
    }

    /// Checks every cell, which are read side by side.
    ///
    /// # Errors
    /// The faults of all cells that are not sound, each once; cells that cannot be compared; a file that cannot be read.
    pub fn check(&self) -> Result<Vec<Checked>, Failure> {
        let base = self.cell(self.sweep.base);
        let check = |cell: usize| {
            let (scenario, _) = self.cell(cell)?;
            if let Ok((base, _)) = &base {
                comparable(base, &scenario)?;
            }
            let draws = reuse::draws(&scenario);
            Ok(Checked { label: self.sweep.label(cell), hash: scenario.hash, draws })
        };
        let all: Vec<Result<Checked, Failure>> = (0..self.sweep.cells()).into_par_iter().map(check).collect();
        let mut faults = Faults::default();
        let mut checked = Vec::with_capacity(all.len());
        for cell in all {
            match cell {
                Ok(cell) => checked.push(cell),
                Err(Failure::Faults(found)) => faults.extend_once(found),
                Err(failure) => return Err(failure),
            }
        }
        if faults.is_empty() { Ok(checked) } else { Err(faults.into()) }
    }

    /// Runs the cells that are not finished yet and puts all together; `checked` are all of them.
    ///
    /// Everything passes through its file, so that a sweep that was stopped ends with the bytes of one that was not.
    ///
    /// # Errors
    /// A broken path, an interruption, or a file that cannot be written.
    pub fn run(&self, checked: &[Checked], staged: &Staged, runs: &Runs<'_>) -> Result<Study, Failure> {
        let mut groups = Groups::of(self, checked);
        let base = self.base(staged, runs, &mut groups)?;
        let known = || (runs.progress)(runs.paths);
        let order = groups.order();
        self.assemble(staged, &base, &order, &known, &mut |at| groups.run(self, staged, at, runs))
    }

    /// Runs the paths of a range in every cell of another, each into a file of its own in `folder` for
    /// [`Plan::merge`]; a file that is whole is not run again.
    ///
    /// # Errors
    /// A broken path, an interruption, or a file that cannot be written.
    pub fn run_shards(
        &self,
        folder: &Path,
        cells: Range<usize>,
        paths: Range<u64>,
        runs: &Runs<'_>,
    ) -> Result<usize, Failure> {
        std::fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        let count = cells.len();
        for at in cells {
            let file = folder.join(format!("cell-{at:05}-paths-{}-{}.shard", paths.start, paths.end));
            let (scenario, _) = self.cell(at)?;
            let stage = Stage::new(&scenario, runs.seed)?;
            let header = experiment::header(&stage, paths.end - paths.start);
            if let Ok(shard) = Shard::open(&file)
                && (&shard.header, &shard.range) == (&header, &paths)
            {
                (runs.progress)(paths.end - paths.start);
                continue;
            }
            let mut writer = ShardWriter::create(&file, &header, paths.clone(), &[])?;
            let plan = experiment::Plan { paths: paths.clone(), threads: runs.threads, audit: Audited::No };
            let mut rows_only = RowsOnly(&mut writer);
            experiment::run(&stage, &plan, &mut rows_only, runs.stop, runs.progress)?;
            writer.finish()?;
        }
        Ok(count)
    }

    /// Puts shards of all cells together: the bytes of [`Plan::run`].
    ///
    /// # Errors
    /// Shards that are damaged, of no cell of this sweep, of another seed or version, that overlap, or a cell without all
    /// of its paths.
    pub fn merge(
        &self,
        checked: &[Checked],
        staged: &Staged,
        files: &[PathBuf],
        runs: &Runs<'_>,
    ) -> Result<Study, Failure> {
        let mut by_cell: BTreeMap<String, Vec<Shard>> = BTreeMap::new();
        for file in files {
            let shard = Shard::open(file)?;
            by_cell.entry(shard.header.hash.clone()).or_default().push(shard);
        }
        let strange = by_cell.iter().find(|(hash, _)| checked.iter().all(|known| known.hash != **hash));
        if let Some(shard) = strange.and_then(|(_, shards)| shards.first()) {
            return Err(Faults::usage(
                format!("`{}` is of no cell of this sweep", shard.path.display()),
                "the scenario, the sweep or a key set beside them has changed: run that shard again, or leave it out",
            )
            .into());
        }
        let mut cell = |at: usize| -> Result<Run, Failure> {
            let Checked { label, hash, .. } = &checked[at];
            let missing = |from: u64, to: u64| {
                Faults::usage(
                    format!("paths {from}..{to} of cell {at} ({label}) are missing"),
                    format!("run them with `--cells {at}..{} --range {from}..{to} --shard-out FOLDER`", at + 1),
                )
            };
            let shards = match by_cell.get(hash) {
                Some(shards) => in_order(shards.clone())?,
                None => return Err(missing(0, runs.paths).into()),
            };
            let (Some(first), Some(last)) = (shards.first(), shards.last()) else {
                return Err(missing(0, runs.paths).into());
            };
            if last.range.end < runs.paths {
                return Err(missing(last.range.end, runs.paths).into());
            }
            if last.range.end > runs.paths || first.header.seed != runs.seed {
                return Err(Faults::usage(
                    format!(
                        "`{}` has seed {} and paths up to {}, the sweep seed {} and {} paths",
                        last.path.display(),
                        first.header.seed,
                        last.range.end,
                        runs.seed,
                        runs.paths
                    ),
                    "give the sweep the `--seed` and `--paths` that its shards were run with",
                )
                .into());
            }
            let header = crate::folder::Header {
                paths: runs.paths,
                series_paths: runs.paths.min(experiment::SERIES_PATHS),
                ..first.header.clone()
            };
            let mut sink = Rows { rows: Vec::new(), summary: Summary::new(header.adverse) };
            for shard in &shards {
                shard.deliver(&mut sink)?;
            }
            (runs.progress)(runs.paths);
            Ok(self.sweep.metrics.of(header, sink.rows))
        };
        let base = cell(self.sweep.base)?;
        let order: Vec<usize> = (0..self.sweep.cells()).collect();
        self.assemble(staged, &base, &order, &|| (), &mut cell)
    }

    /// Writes every cell that is not written yet, and reads them all.
    fn assemble(
        &self,
        staged: &Staged,
        base: &Run,
        order: &[usize],
        known: &dyn Fn(),
        run: &mut dyn FnMut(usize) -> Result<Run, Failure>,
    ) -> Result<Study, Failure> {
        let base_at = self.sweep.base;
        let write = |at: usize, cell: &Cell| staged.write(&file(at), &pretty(&cell.to_json()));
        let values = |at: usize| (self.sweep.label(at), self.sweep.values(at));
        let (label, own) = values(base_at);
        write(base_at, &base.cell(label, own, None))?;
        for at in order.iter().copied().filter(|at| *at != base_at) {
            if read(staged, &file(at)).is_some() {
                known();
                continue;
            }
            let (label, own) = values(at);
            write(at, &run(at)?.cell(label, own, Some(base)))?;
        }
        let mut cells = Vec::with_capacity(self.sweep.cells());
        for at in 0..self.sweep.cells() {
            let cell = read(staged, &file(at)).ok_or_else(|| {
                Faults::usage(format!("`{}` vanished while it was needed", file(at)), "run the sweep again")
            })?;
            cells.push(cell);
        }
        correct(&mut cells);
        let axes = self.sweep.axes.iter().map(|axis| axis.name.clone()).collect();
        Ok(Study { name: self.name.clone(), axes, cells, base: base_at })
    }

    /// The base cell's rows, from its file where that is whole.
    fn base(&self, staged: &Staged, runs: &Runs<'_>, groups: &mut Groups) -> Result<Run, Failure> {
        let path = staged.path(BASE);
        if let Ok(shard) = Shard::open(&path)
            && shard.range == (0..runs.paths)
        {
            let mut sink = Rows { rows: Vec::new(), summary: Summary::new(shard.header.adverse) };
            shard.deliver(&mut sink)?;
            (runs.progress)(runs.paths);
            return Ok(self.sweep.metrics.of(shard.header, sink.rows));
        }
        let run = groups.run(self, staged, self.sweep.base, runs)?;
        let mut writer = ShardWriter::create(&path, &run.header, 0..runs.paths, &[])?;
        writer.rows(&run.rows)?;
        writer.finish()?;
        Ok(run)
    }
}

/// Cells that draw the same, and what those that were run have shown.
struct Groups {
    /// For each cell what it draws, and its family within that.
    cells: Vec<([u8; 32], usize)>,
    /// Run together with one that was asked for, and not asked for yet.
    done: BTreeMap<usize, Run>,
    /// The last cells of a family that were run, and the base: others of the family may follow.
    shown: Vec<Shown>,
}

impl Groups {
    fn of(plan: &Plan, checked: &[Checked]) -> Self {
        let mut known: Vec<Vec<String>> = Vec::new();
        let mut cells = Vec::with_capacity(checked.len());
        for (at, &Checked { draws, .. }) in checked.iter().enumerate() {
            let settings = plan.sweep.settings(at);
            let rest: Vec<String> =
                settings.iter().filter(|setting| !reuse::is_of_family(setting)).map(ToString::to_string).collect();
            let family = known.iter().position(|other| *other == rest).unwrap_or_else(|| {
                known.push(rest);
                known.len() - 1
            });
            cells.push((draws, family));
        }
        Self { cells, done: BTreeMap::new(), shown: Vec::new() }
    }

    /// Cells of one group and one family follow each other.
    fn order(&self) -> Vec<usize> {
        let first = |draws: &[u8; 32]| self.cells.iter().position(|(other, _)| other == draws);
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        order.sort_by_key(|&at| (first(&self.cells[at].0), self.cells[at].1, at));
        order
    }

    /// Runs a cell together with those that draw the same and are not finished, as many as there is room for.
    fn run(&mut self, plan: &Plan, staged: &Staged, at: usize, runs: &Runs<'_>) -> Result<Run, Failure> {
        if let Some(run) = self.done.remove(&at) {
            return Ok(run);
        }
        let (draws, family) = self.cells[at];
        let member = |at: usize| -> Result<Member, Failure> {
            let (scenario, _) = plan.cell(at)?;
            Ok(Member { at, scenario, family: self.cells[at].1 })
        };
        let first = member(at)?;
        let room = reuse::together(runs);
        let is_open = |other: &usize| {
            let same = *other != at && *other != plan.sweep.base && self.cells[*other].0 == draws;
            same && read(staged, &file(*other)).is_none()
        };
        let others: Vec<usize> = self.order().into_iter().filter(is_open).take(room - 1).collect();
        let others: Vec<Result<Member, Failure>> = others.into_par_iter().map(member).collect();
        let mut members = vec![first];
        for other in others {
            members.push(other?);
        }
        reuse::order(&mut members);
        let ran = reuse::run(&members, plan.sweep.metrics, runs, &self.shown)?;
        // Only a family that goes on is worth its memory.
        self.shown.retain(|shown| shown.family == family || shown.is_of_base);
        let mut found = None;
        for (member, (run, known)) in members.iter().zip(ran) {
            let is_of_base = member.at == plan.sweep.base;
            if is_of_base || members.last().is_some_and(|last| last.at == member.at) {
                let mut shown = Shown::of(member, &run, known);
                shown.is_of_base = is_of_base;
                self.shown.push(shown);
            }
            if member.at == at {
                found = Some(run);
            } else {
                self.done.insert(member.at, run);
            }
        }
        Ok(found.expect("the cell that was asked for is one of those run"))
    }
}

/// The file of a finished cell.
fn file(cell: usize) -> String {
    format!("cell-{cell:05}.json")
}

fn read(staged: &Staged, name: &str) -> Option<Cell> {
    Cell::from_json(&serde_json::from_str(&staged.written(name)?).ok()?)
}
