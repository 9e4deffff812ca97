//! Running a sweep so that it can be stopped at any moment: every finished cell is in a file of its own.

use std::path::{Path, PathBuf};

use super::Sweep;
use crate::experiment::Sink;
use crate::experiment::shard::{Shard, ShardWriter};
use crate::experiment::summary::Summary;
use crate::fault::{Failure, Faults};
use crate::folder::study::{Cell, Staged, Study, pretty};
use crate::registry::Setting;
use crate::scenario::{self, Scenario};
use crate::study::{Rows, Run, Runs, comparable, correct};

/// Rows of the base cell, kept until the sweep is finished.
const BASE: &str = "base.rows";

/// Whether a file of the unfinished folder has no place in the finished one.
#[must_use]
pub fn is_passing(name: &str) -> bool {
    name == BASE || name.starts_with("cell-")
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
        scenario::load_with(&self.scenario, &settings)
    }

    /// Checks every cell and returns label and hash of each.
    ///
    /// # Errors
    /// The faults of the first cell that is not sound, or cells that cannot be compared.
    pub fn check(&self) -> Result<Vec<(String, String)>, Failure> {
        let (base, _) = self.cell(self.sweep.base)?;
        (0..self.sweep.cells())
            .map(|cell| {
                let (scenario, _) = self.cell(cell)?;
                comparable(&base, &scenario)?;
                Ok((self.sweep.label(cell), scenario.hash))
            })
            .collect()
    }

    /// Runs the cells that are not finished yet and puts all together.
    ///
    /// Everything passes through its file, so that a sweep that was stopped ends with the bytes of one that was not.
    ///
    /// # Errors
    /// A broken path, an interruption, or a file that cannot be written.
    pub fn run(&self, staged: &Staged, runs: &Runs<'_>) -> Result<Study, Failure> {
        let file = |cell: usize| format!("cell-{cell:05}.json");
        let base_at = self.sweep.base;
        let base = self.base(staged, runs)?;
        let write = |at: usize, cell: &Cell| staged.write(&file(at), &pretty(&cell.to_json()));
        let values = |at: usize| (self.sweep.label(at), self.sweep.values(at));
        let (label, own) = values(base_at);
        write(base_at, &base.cell(label, own, None))?;
        for at in (0..self.sweep.cells()).filter(|at| *at != base_at) {
            if read(staged, &file(at)).is_some() {
                (runs.progress)(runs.paths);
                continue;
            }
            let (scenario, _) = self.cell(at)?;
            let (label, own) = values(at);
            write(at, &runs.run(&scenario)?.cell(label, own, Some(&base)))?;
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
    fn base(&self, staged: &Staged, runs: &Runs<'_>) -> Result<Run, Failure> {
        let path = staged.path(BASE);
        if let Ok(shard) = Shard::open(&path)
            && shard.range == (0..runs.paths)
        {
            let mut sink = Rows { rows: Vec::new(), summary: Summary::new(shard.header.adverse) };
            shard.deliver(&mut sink)?;
            (runs.progress)(runs.paths);
            return Ok(Run::of(shard.header, sink.rows, &sink.summary));
        }
        let (scenario, _) = self.cell(self.sweep.base)?;
        let run = runs.run(&scenario)?;
        let mut writer = ShardWriter::create(&path, &run.header, 0..runs.paths, &[])?;
        writer.rows(&run.rows)?;
        writer.finish()?;
        Ok(run)
    }
}

fn read(staged: &Staged, name: &str) -> Option<Cell> {
    Cell::from_json(&serde_json::from_str(&staged.written(name)?).ok()?)
}
