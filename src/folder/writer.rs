//! Writes an output folder. It appears under its name at [`Writer::finish`], complete, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::conduct;
use super::rows::{Encoder, Scales};
use super::series::Series;
use super::swap::Places;
use super::trace::{Frames, Story};
use super::what_if::WhatIf;
use super::{Header, Metric, Written, damaged, rows, summary_to_json, trace, write_json};
use crate::facts::{Column, Outcome};
use crate::fault::{Failure, Faults};
use crate::stats::Estimate;

/// A folder being written, in a hidden sibling of its final place. Dropped without `finish`, it leaves nothing.
#[derive(Debug)]
pub struct Writer {
    places: Places,
    header: Header,
    scales: Scales,
    encoder: Encoder,
    /// Unbuffered, so that whoever reads the staged folder sees every row; `rows` writes whole chunks.
    paths: File,
    buffer: Vec<u8>,
    finished: bool,
}

impl Writer {
    /// Starts a folder that will replace `dir`; what an interrupted command left there is repaired first.
    ///
    /// # Errors
    /// `dir` holds something that this program did not write, or a file cannot be created. Nothing is changed then.
    pub fn create(dir: &Path, header: Header) -> Result<Self, Failure> {
        let scales = Scales::new(&header)
            .ok_or_else(|| Faults::usage("the cash unit or the tick has more than 18 digits", "use a coarser one"))?;
        let places = Places::new(dir)?;
        places.begin()?;
        match Self::start(places.clone(), header, scales) {
            Ok(writer) => Ok(writer),
            Err(failure) => {
                let _ = places.discard_partial();
                Err(failure)
            }
        }
    }

    fn start(places: Places, header: Header, scales: Scales) -> Result<Self, Failure> {
        write_json(&places.partial.join("manifest.json"), &header.to_json())?;
        let path = places.partial.join("paths.csv");
        let mut paths = File::create(&path).map_err(Failure::file(&path))?;
        let encoder = Encoder::new(scales, &header);
        paths.write_all(encoder.header().as_bytes()).map_err(Failure::file(&path))?;
        Ok(Self { places, header, scales, encoder, paths, buffer: Vec::new(), finished: false })
    }

    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Says how many paths there are after all, where that was not known at the start.
    ///
    /// # Errors
    /// The manifest cannot be written.
    pub fn settle(&mut self, paths: u64, series_paths: u64) -> Result<(), Failure> {
        (self.header.paths, self.header.series_paths) = (paths, series_paths);
        write_json(&self.places.partial.join("manifest.json"), &self.header.to_json())
    }

    /// Where the folder is being written, for those who add charts to it.
    #[must_use]
    pub fn staged(&self) -> &Path {
        &self.places.partial
    }

    /// Appends rows to `paths.csv`, in path order.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn rows(&mut self, outcomes: &[Outcome]) -> Result<(), Failure> {
        self.buffer.clear();
        for outcome in outcomes {
            self.encoder.encode(outcome, &mut self.buffer);
        }
        let path = self.places.partial.join("paths.csv");
        self.paths.write_all(&self.buffer).map_err(Failure::file(path))
    }

    /// Shows all rows written so far again: the second pass that exact quantiles need.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_rows(&self, visit: &mut dyn FnMut(&Outcome)) -> Result<(), Failure> {
        let path = self.places.partial.join("paths.csv");
        rows::read(&path, &self.header, visit)
    }

    /// Writes `series.csv`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn series(&mut self, series: &Series) -> Result<(), Failure> {
        let path = self.places.partial.join("series.csv");
        fs::write(&path, series.bands().encode(self.scales)).map_err(Failure::file(&path))
    }

    /// Writes `behaviours.csv`, where anybody can do anything.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn conduct(&mut self, means: &[(Column, Estimate)]) -> Result<(), Failure> {
        conduct::write(means, &self.places.partial)
    }

    /// Writes `summary.json`; what accounts did of their own accord stands in it where [`Self::conduct`] wrote it before.
    ///
    /// # Errors
    /// The file cannot be written, or `behaviours.csv` is damaged.
    pub fn summary(&mut self, metrics: &[Metric]) -> Result<(), Failure> {
        let means = conduct::read(&self.places.partial)?;
        write_json(&self.places.partial.join("summary.json"), &summary_to_json(&self.header, metrics, &means))
    }

    /// Writes `scenario.toml` and `defaults.json`.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn written(&mut self, written: &Written) -> Result<(), Failure> {
        let path = self.places.partial.join("scenario.toml");
        fs::write(&path, &written.text).map_err(Failure::file(&path))?;
        let path = self.places.partial.join("defaults.json");
        let list = serde_json::to_value(&written.defaults).map_err(|error| damaged(&path, &error.to_string()))?;
        write_json(&path, &list)
    }

    /// Writes `what_if.json`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn what_if(&mut self, what_if: &WhatIf) -> Result<(), Failure> {
        let path = self.places.partial.join("what_if.json");
        let value = serde_json::to_value(what_if).map_err(|error| damaged(&path, &error.to_string()))?;
        write_json(&path, &value)
    }

    /// Writes `trace/N/`; `log` fills its `events.jsonl`.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn trace(
        &mut self,
        frames: &Frames,
        stories: &[Story],
        log: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        trace::write(&self.places.partial, frames, stories, log)
    }

    /// Puts the folder in its place.
    ///
    /// # Errors
    /// A file cannot be written or moved, or somebody else put something in the place meanwhile.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.places.commit()?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // An error here has nowhere to go; the next command removes what is left.
            let _ = self.places.discard_partial();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Sample;
    use crate::folder::Folder;
    use crate::folder::tests::header;
    use crate::money::Nanos;

    fn outcomes() -> Vec<Outcome> {
        (0..3)
            .map(|path| {
                let mut values = [0; Outcome::COLUMNS.len()];
                for (at, value) in values.iter_mut().enumerate() {
                    *value = i64::try_from(path * 1_000_003 + at as u64 * 77_777_777).unwrap() - 40_000;
                }
                Outcome::from_values(path, values, (path == 1).then_some(61_000_000_001))
            })
            .collect()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("deep/er/crash");
        let mut writer = Writer::create(&target, header()).unwrap();
        writer.rows(&outcomes()[..2]).unwrap();
        let mut seen = 0;
        writer.read_rows(&mut |_| seen += 1).unwrap();
        assert_eq!(seen, 2);
        writer.rows(&outcomes()[2..]).unwrap();
        let mut staged = Vec::new();
        rows::read(&writer.staged().join("paths.csv"), &header(), &mut |row| staged.push(row.clone())).unwrap();
        assert_eq!(staged, outcomes(), "charts are drawn before the end and need every row");
        let mut series = Series::new(vec![Nanos(0)]);
        series.push(vec![Sample { fund: 9, ..Sample::default() }]);
        writer.series(&series).unwrap();
        let metric = Metric { name: "p_adl".into(), unit: String::new(), estimate: None, flags: vec![] };
        writer.summary(std::slice::from_ref(&metric)).unwrap();
        assert!(!target.exists(), "nothing appears before the end");
        writer.finish().unwrap();

        let folder = Folder::open(&target).unwrap();
        assert_eq!(folder.header, header());
        assert_eq!(folder.metrics, [metric]);
        let mut rows = Vec::new();
        folder.rows(&mut |row| rows.push(row.clone())).unwrap();
        assert_eq!(rows, outcomes());
        assert_eq!(folder.series().unwrap(), series.bands());
        let mut names: Vec<_> = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["manifest.json", "paths.csv", "series.csv", "summary.json"]);
    }

    #[test]
    fn a_dropped_writer_leaves_the_old_folder_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("crash");
        let mut writer = Writer::create(&target, header()).unwrap();
        writer.summary(&[]).unwrap();
        writer.finish().unwrap();
        let mut writer = Writer::create(&target, Header { seed: 8, ..header() }).unwrap();
        writer.rows(&outcomes()).unwrap();
        drop(writer);
        assert_eq!(Folder::open(&target).unwrap().header.seed, 7);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_run_replaces_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("crash");
        for seed in [7, 8] {
            let mut writer = Writer::create(&target, Header { seed, ..header() }).unwrap();
            writer.summary(&[]).unwrap();
            writer.finish().unwrap();
        }
        assert_eq!(Folder::open(&target).unwrap().header.seed, 8);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let failure = Folder::open(&dir.path().join("nowhere")).unwrap_err();
        assert!(failure.to_string().contains("does not exist"), "{failure}");
        assert_eq!(failure.exit_code(), 1);
    }

    /// The rows of a large run: `cargo test --lib ten_thousand -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn ten_thousand_rows_cost() {
        let dir = tempfile::tempdir().unwrap();
        let rows: Vec<Outcome> = (0..10_000)
            .map(|path| {
                let mut values = [0; Outcome::COLUMNS.len()];
                for (at, value) in values.iter_mut().enumerate() {
                    *value = i64::try_from((path + 1) * 1_234_567_891 % (1_000_003 * (at as u64 + 1) * 9_999)).unwrap();
                }
                Outcome::from_values(path, values, None)
            })
            .collect();
        let mut writer = Writer::create(&dir.path().join("crash"), header()).unwrap();
        let start = std::time::Instant::now();
        rows.chunks(500).for_each(|chunk| writer.rows(chunk).unwrap());
        let written = start.elapsed();
        let mut seen = 0;
        writer.read_rows(&mut |_| seen += 1).unwrap();
        println!("write {written:?}, read again {:?}, {seen} rows", start.elapsed().saturating_sub(written));
    }
}
