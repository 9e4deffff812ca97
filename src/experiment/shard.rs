//! A part of an experiment in a file of its own, so that many machines can share the paths.
//!
//! A shard is a line that names the format, a line of JSON (what it is about and which paths), the rows and samples as
//! little-endian integers, and the SHA-256 of all of that. Merged shards give the bytes of the single run, because rows
//! are integers and every sum over them is.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{SERIES_PATHS, Sink};
use crate::facts::{Conduct, Outcome, Sample};
use crate::fault::{Failure, Faults};
use crate::folder::Header;
use crate::money::Nanos;

const MAGIC: &[u8] = b"flashcrash shard 2\n";
const DIGEST: usize = 32;
/// Number, whether and when exhausted, and the values of [`Outcome::COLUMNS`] and [`Conduct::COLUMNS`].
const ROW: usize = 8 * (3 + Outcome::COLUMNS.len() + Conduct::COLUMNS.len());
const SAMPLE: usize = 8 * Sample::COLUMNS.len();

/// Writes a shard beside its place and moves it there when it is complete; dropped before, it leaves nothing.
#[derive(Debug)]
pub struct ShardWriter {
    target: PathBuf,
    fresh: PathBuf,
    out: BufWriter<File>,
    sha: Sha256,
    samples: Vec<Vec<Sample>>,
    finished: bool,
}

impl ShardWriter {
    /// Starts a shard of these paths. The number of paths in the header does not count.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(target: &Path, header: &Header, range: Range<u64>, times: &[Nanos]) -> Result<Self, Failure> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".fresh");
        let fresh = target.with_file_name(name);
        let out = BufWriter::new(File::create(&fresh).map_err(Failure::file(&fresh))?);
        let mut writer =
            Self { target: target.to_owned(), fresh, out, sha: Sha256::new(), samples: Vec::new(), finished: false };
        let about = json!({
            "manifest": header.to_json(),
            "from": range.start,
            "to": range.end,
            "times_ns": times.iter().map(|time| time.0).collect::<Vec<_>>(),
        });
        writer.put(MAGIC)?;
        writer.put(format!("{about}\n").as_bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sha.update(bytes);
        self.out.write_all(bytes).map_err(Failure::file(&self.fresh))
    }

    /// Puts the shard in its place.
    ///
    /// # Errors
    /// It cannot be written or moved.
    pub fn finish(mut self) -> Result<(), Failure> {
        for sample in std::mem::take(&mut self.samples).into_iter().flatten() {
            let bytes: Vec<u8> = sample.values().iter().flat_map(|value| value.to_le_bytes()).collect();
            self.put(&bytes)?;
        }
        let digest = self.sha.finalize_reset();
        self.out.write_all(&digest).and_then(|()| self.out.flush()).map_err(Failure::file(&self.fresh))?;
        fs::rename(&self.fresh, &self.target).map_err(Failure::file(&self.target))?;
        self.finished = true;
        Ok(())
    }
}

impl Sink for ShardWriter {
    fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
        let mut bytes = Vec::with_capacity(rows.len() * ROW);
        for row in rows {
            bytes.extend(row.path.to_le_bytes());
            bytes.extend(i64::from(row.exhausted_at_s.is_some()).to_le_bytes());
            bytes.extend(row.exhausted_at_s.unwrap_or(0).to_le_bytes());
            row.values().iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            row.conduct.values().iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        self.put(&bytes)
    }

    fn series(&mut self, samples: Vec<Sample>) {
        self.samples.push(samples);
    }
}

impl Drop for ShardWriter {
    fn drop(&mut self) {
        if !self.finished {
            // An error here has nowhere to go; the next command writes over what is left.
            let _ = fs::remove_file(&self.fresh);
        }
    }
}

/// A shard whose every byte was checked.
#[derive(Clone, Debug)]
pub struct Shard {
    pub path: PathBuf,
    pub header: Header,
    pub range: Range<u64>,
    /// Output times of the samples.
    pub times: Vec<Nanos>,
    /// Where the rows begin in the file.
    rows_at: u64,
    series: u64,
}

impl Shard {
    /// Opens a shard and checks it to the last byte.
    ///
    /// # Errors
    /// A file that is missing, no shard, cut short or altered.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::from(Faults::usage(
                format!("`{}` {what}", path.display()),
                "a shard is what `flashcrash run --paths A..B --shard-out FILE` writes; run that part again",
            ))
        };
        let file = File::open(path).map_err(Failure::file(path))?;
        let length = file.metadata().map_err(Failure::file(path))?.len();
        let mut input = BufReader::new(file);
        let mut sha = Sha256::new();
        let mut magic = vec![0; MAGIC.len()];
        let known = input.read_exact(&mut magic).is_ok() && magic == MAGIC;
        if !known {
            return Err(wrong("is no shard of this format".into()));
        }
        sha.update(&magic);
        let mut left = length.saturating_sub((MAGIC.len() + DIGEST) as u64);
        let mut buffer = vec![0; 1 << 16];
        let mut line: Option<Vec<u8>> = Some(Vec::new());
        let mut about = Vec::new();
        while left > 0 {
            let wanted = usize::try_from(left.min(buffer.len() as u64)).unwrap_or(0);
            input.read_exact(&mut buffer[..wanted]).map_err(Failure::file(path))?;
            sha.update(&buffer[..wanted]);
            if let Some(text) = &mut line {
                match buffer[..wanted].iter().position(|&byte| byte == b'\n') {
                    Some(end) => {
                        text.extend(&buffer[..end]);
                        about = line.take().unwrap_or_default();
                    }
                    None => text.extend(&buffer[..wanted]),
                }
            }
            left -= wanted as u64;
        }
        let mut digest = [0; DIGEST];
        if input.read_exact(&mut digest).is_err() || sha.finalize()[..] != digest {
            return Err(wrong("is cut short or was altered: its checksum does not fit".into()));
        }
        let rows_at = (MAGIC.len() + about.len() + 1) as u64;
        let shard = serde_json::from_slice(&about)
            .ok()
            .and_then(|value: Value| Self::about(path, &value, rows_at))
            .ok_or_else(|| wrong("has a header that this version cannot read".into()))?;
        let rows = (shard.range.end - shard.range.start).checked_mul(ROW as u64);
        let samples = shard.series * (shard.times.len() * SAMPLE) as u64;
        let told = rows.and_then(|rows| rows.checked_add(rows_at + samples + DIGEST as u64));
        if told != Some(length) {
            return Err(wrong("has another length than its header says".into()));
        }
        Ok(shard)
    }

    fn about(path: &Path, value: &Value, rows_at: u64) -> Option<Self> {
        let range = value.get("from")?.as_u64()?..value.get("to")?.as_u64()?;
        let times: Vec<Nanos> =
            value.get("times_ns")?.as_array()?.iter().map(|t| t.as_i64().map(Nanos)).collect::<Option<_>>()?;
        // Without output times no samples were kept.
        let kept = SERIES_PATHS.min(range.end).saturating_sub(range.start);
        let series = if times.is_empty() { 0 } else { kept };
        (range.start <= range.end).then_some(())?;
        Some(Self {
            path: path.to_owned(),
            header: Header::from_json(value.get("manifest")?)?,
            range,
            times,
            rows_at,
            series,
        })
    }

    /// Hands rows and samples to a sink, in the order of the paths.
    ///
    /// # Errors
    /// The file cannot be read any more, or what the sink reports.
    pub fn deliver(&self, sink: &mut dyn Sink) -> Result<(), Failure> {
        const BATCH: u64 = 1_024;
        let failed = || Failure::file(&self.path);
        let mut input = BufReader::new(File::open(&self.path).map_err(failed())?);
        std::io::copy(&mut (&mut input).take(self.rows_at), &mut std::io::sink()).map_err(failed())?;
        let mut next = |bytes: &mut [u8]| input.read_exact(bytes).map_err(failed());
        let (mut row, mut rows) = (vec![0; ROW], Vec::new());
        for path in self.range.clone() {
            next(&mut row)?;
            rows.push(row_of(&row));
            if rows.len() as u64 == BATCH || path + 1 == self.range.end {
                sink.rows(&rows)?;
                rows.clear();
            }
        }
        let mut sample = vec![0; SAMPLE];
        for _ in 0..self.series {
            let mut samples = Vec::with_capacity(self.times.len());
            for _ in &self.times {
                next(&mut sample)?;
                samples.push(Sample::from_values(integers(&sample)));
            }
            sink.series(samples);
        }
        Ok(())
    }
}

fn integers<const N: usize>(bytes: &[u8]) -> [i64; N] {
    let mut values = [0; N];
    for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(8)) {
        *value = i64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    }
    values
}

fn row_of(bytes: &[u8]) -> Outcome {
    let [path, exhausted, at]: [i64; 3] = integers(bytes);
    let conduct = Conduct::from_values(integers(&bytes[24 + 8 * Outcome::COLUMNS.len()..]));
    let row = Outcome::from_values(path.cast_unsigned(), integers(&bytes[24..]), (exhausted != 0).then_some(at));
    Outcome { conduct, ..row }
}

/// The shards of one run in the order of their paths.
///
/// # Errors
/// Shards of different runs or versions, paths that stand in two of them, and paths that stand in none.
pub fn in_order(mut shards: Vec<Shard>) -> Result<Vec<Shard>, Failure> {
    shards.sort_by_key(|shard| (shard.range.start, shard.range.end));
    let told = |shard: &Shard| format!("`{}` (paths {}..{})", shard.path.display(), shard.range.start, shard.range.end);
    let wrong = |message: String, hint: &str| Err(Failure::from(Faults::usage(message, hint)));
    let Some(first) = shards.first() else {
        return wrong("there are no shards".into(), "name the files to merge");
    };
    let mut next = 0;
    let mut last = first;
    for shard in &shards {
        let (a, b) = (&first.header, &shard.header);
        for (what, differs) in [
            ("version", a.version != b.version),
            ("scenario", a.hash != b.hash || a.scenario != b.scenario),
            ("seed", a.seed != b.seed),
            ("output times", first.times != shard.times),
        ] {
            if differs {
                return wrong(
                    format!("{} and {} are of another {what}", told(first), told(shard)),
                    "merge shards of one scenario, seed and version",
                );
            }
        }
        if shard.range.start < next {
            return wrong(format!("{} and {} overlap", told(last), told(shard)), "leave one of them out");
        }
        if shard.range.start > next {
            return wrong(
                format!("paths {next}..{} are missing before {}", shard.range.start, told(shard)),
                "run them with `--paths A..B --shard-out FILE`",
            );
        }
        next = shard.range.end;
        last = shard;
    }
    Ok(shards)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::header;

    fn rows(range: Range<u64>) -> Vec<Outcome> {
        range
            .map(|path| {
                let mut row = Outcome { path, fund_need: -7 - path as i64, ..Outcome::default() };
                row.exhausted_at_s = (path % 2 == 1).then_some(path as i64);
                row
            })
            .collect()
    }

    fn write(path: &Path, header: &Header, range: Range<u64>) {
        let mut writer = ShardWriter::create(path, header, range.clone(), &[Nanos(0), Nanos(5)]).unwrap();
        writer.rows(&rows(range.clone())).unwrap();
        for path in range {
            writer.series(vec![Sample { fund: path as i64, ..Sample::default() }; 2]);
        }
        writer.finish().unwrap();
    }

    #[derive(Default)]
    struct All(Vec<Outcome>, Vec<Vec<Sample>>);

    impl Sink for All {
        fn rows(&mut self, rows: &[Outcome]) -> Result<(), Failure> {
            self.0.extend_from_slice(rows);
            Ok(())
        }
        fn series(&mut self, samples: Vec<Sample>) {
            self.1.push(samples);
        }
    }

    #[test]
    fn what_is_written_is_what_is_delivered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.shard");
        write(&path, &header(), 2..5);
        let shard = Shard::open(&path).unwrap();
        assert_eq!((shard.range.clone(), &shard.header), (2..5, &header()));
        let mut all = All::default();
        shard.deliver(&mut all).unwrap();
        assert_eq!(all.0, rows(2..5));
        assert_eq!(all.1.iter().map(|path| path[1].fund).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_shard_that_was_altered_or_cut_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.shard");
        write(&path, &header(), 0..3);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(37) {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            fs::write(&path, altered).unwrap();
            assert!(Shard::open(&path).is_err(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Shard::open(&path).is_err(), "cut at {at}");
        }
        fs::write(&path, &whole).unwrap();
        assert!(Shard::open(&path).is_ok());
    }

    #[test]
    fn overlaps_gaps_and_strangers_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut count = 0;
        let mut shard = |header: &Header, range: Range<u64>| {
            count += 1;
            let path = dir.path().join(format!("{count}.shard"));
            write(&path, header, range);
            Shard::open(&path).unwrap()
        };
        let ours = header();
        let sorted = in_order(vec![shard(&ours, 5..9), shard(&ours, 0..5)]).unwrap();
        assert_eq!(sorted.iter().map(|shard| shard.range.start).collect::<Vec<_>>(), [0, 5]);
        let seed = Header { seed: 8, ..header() };
        let hash = Header { hash: "ab".repeat(32), ..header() };
        let version = Header { version: "0.0.9".into(), ..header() };
        for (set, expected) in [
            (vec![shard(&ours, 0..5), shard(&ours, 4..9)], "overlap"),
            (vec![shard(&ours, 0..5), shard(&ours, 6..9)], "paths 5..6 are missing"),
            (vec![shard(&ours, 3..9)], "paths 0..3 are missing"),
            (vec![shard(&ours, 0..5), shard(&seed, 5..9)], "another seed"),
            (vec![shard(&ours, 0..5), shard(&hash, 5..9)], "another scenario"),
            (vec![shard(&ours, 0..5), shard(&version, 5..9)], "another version"),
            (vec![], "no shards"),
        ] {
            let failure = in_order(set).unwrap_err().to_string();
            assert!(failure.contains(expected), "{failure}");
        }
    }
}
