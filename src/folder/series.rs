//! `series.csv`: bands over time.

use std::fs;
use std::path::Path;

use super::decimal::Scale;
use super::rows::{self, Scales};
use super::{Header, damaged, parquet};
use crate::facts::Sample;
use crate::fault::Failure;
use crate::money::Nanos;
use crate::stats::quantile::{Share, of_sorted};

/// The bands and how their columns end.
pub const BANDS: [(Share, &str); 5] = [
    (Share::percent(5), "p05"),
    (Share::percent(25), "p25"),
    (Share::percent(50), "p50"),
    (Share::percent(75), "p75"),
    (Share::percent(95), "p95"),
];

/// Samples of the kept paths at the output times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    times: Vec<Nanos>,
    /// Path by path, each as long as `times`.
    samples: Vec<Vec<Sample>>,
}

impl Series {
    #[must_use]
    pub const fn new(times: Vec<Nanos>) -> Self {
        Self { times, samples: Vec::new() }
    }

    /// Adds a path. The bands do not depend on the order of the paths.
    ///
    /// # Panics
    /// Where the path has not one sample for each time: a defect of the caller.
    pub fn push(&mut self, path: Vec<Sample>) {
        assert_eq!(path.len(), self.times.len(), "one sample for each output time");
        self.samples.push(path);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The exact quantiles X_(⌈αn⌉) over the paths at each time.
    #[must_use]
    pub fn bands(&self) -> Bands {
        let mut columns = [(); Sample::COLUMNS.len()].map(|()| Vec::with_capacity(self.times.len()));
        let mut values = Vec::with_capacity(self.samples.len());
        for time in 0..self.times.len() {
            for (column, bands) in columns.iter_mut().enumerate() {
                values.clear();
                values.extend(self.samples.iter().map(|path| path[time].values()[column]));
                values.sort_unstable();
                bands.push(BANDS.map(|(share, _)| of_sorted(&values, share).unwrap_or(0)));
            }
        }
        Bands { times: if self.samples.is_empty() { Vec::new() } else { self.times.clone() }, columns }
    }
}

/// The content of `series.csv`: for each column of `Sample` and each time the values of `BANDS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    pub times: Vec<Nanos>,
    columns: [Vec<[i64; BANDS.len()]>; Sample::COLUMNS.len()],
}

impl Bands {
    /// The bands of one series by the name of its column, one array a time.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[[i64; BANDS.len()]]> {
        let at = Sample::COLUMNS.iter().position(|column| column.name == name)?;
        if self.times.is_empty() { Some(&[]) } else { Some(&self.columns[at]) }
    }

    pub(super) fn encode(&self, scales: Scales) -> Vec<u8> {
        let mut out = names().join(",").into_bytes();
        out.push(b'\n');
        for (row, time) in self.times.iter().enumerate() {
            Scale::SECONDS.write(time.0, &mut out);
            for (column, bands) in Sample::COLUMNS.iter().zip(&self.columns) {
                for value in bands[row] {
                    out.push(b',');
                    scales.of(column.unit).write(value, &mut out);
                }
            }
            out.push(b'\n');
        }
        out
    }

    pub(super) fn read(path: &Path, header: &Header) -> Result<Self, Failure> {
        let scales = Scales::new(header)
            .ok_or_else(|| damaged(path, "the cash unit or tick of the manifest has too many digits"))?;
        let text = fs::read_to_string(path).map_err(Failure::file(path))?;
        let mut lines = text.lines();
        if lines.next() != Some(names().join(",").as_str()) {
            return Err(damaged(path, "the first line does not name the columns of this version"));
        }
        let mut times = Vec::new();
        let mut columns = [(); Sample::COLUMNS.len()].map(|()| Vec::new());
        for (at, line) in lines.enumerate() {
            let place = |what: &str| damaged(path, &format!("line {}: {what}", at + 2));
            let mut cells = line.split(',');
            let mut next = |scale: Scale| {
                cells.next().and_then(|text| scale.read(text)).ok_or_else(|| place("a value is missing or wrong"))
            };
            times.push(Nanos(next(Scale::SECONDS)?));
            for (column, bands) in Sample::COLUMNS.iter().zip(&mut columns) {
                let mut band = [0; BANDS.len()];
                for value in &mut band {
                    *value = next(scales.of(column.unit))?;
                }
                bands.push(band);
            }
        }
        Ok(Self { times, columns })
    }
}

/// Names of the columns of `series.csv`, in order.
pub(super) fn names() -> Vec<String> {
    let mut names = vec!["time_s".to_string()];
    for column in Sample::COLUMNS {
        names.extend(BANDS.iter().map(|(_, suffix)| format!("{}_{suffix}", column.name)));
    }
    names
}

/// The columns of `series.csv` as a typed table has them; `None` where a unit has too many digits.
pub(super) fn typed(header: &Header) -> Option<Vec<parquet::Column>> {
    let mut all = vec![parquet::Column::new("time_s", "s", parquet::Kind::Decimal(9))];
    for column in Sample::COLUMNS {
        for (_, suffix) in BANDS {
            all.push(rows::typed_as(&column, format!("{}_{suffix}", column.name), header)?);
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::header;

    #[test]
    fn bands_are_order_statistics_over_the_paths() {
        let mut series = Series::new(vec![Nanos(0), Nanos(1_500_000_000)]);
        // 1..20 in a mixed order: ranks ⌈0.05·20⌉ = 1, 5, 10, 15, 19.
        for path in 0..20 {
            let value = (path * 7) % 20 + 1;
            series.push(vec![
                Sample { fund: value, ..Sample::default() },
                Sample { fund: 100 * value, ..Sample::default() },
            ]);
        }
        let bands = series.bands();
        assert_eq!(bands.column("fund").unwrap(), [[1, 5, 10, 15, 19], [100, 500, 1_000, 1_500, 1_900]]);
        assert_eq!(bands.column("banana"), None);
    }

    #[test]
    fn bands_survive_their_file() {
        let mut series = Series::new(vec![Nanos(0), Nanos(1)]);
        series.push(vec![Sample { index: 5, fund: -3, depth_left: 7, ..Sample::default() }; 2]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("series.csv");
        let bytes = series.bands().encode(Scales::new(&header()).unwrap());
        fs::write(&path, &bytes).unwrap();
        assert_eq!(Bands::read(&path, &header()).unwrap(), series.bands());
        assert!(String::from_utf8(bytes).unwrap().contains("\n0.000000001,"));
        fs::write(&path, names().join(",") + "\n0,1\n").unwrap();
        assert!(Bands::read(&path, &header()).unwrap_err().to_string().contains("line 2"));
    }

    #[test]
    fn no_kept_path_makes_an_empty_file_not_a_file_of_zeros() {
        let series = Series::new(vec![Nanos(0)]);
        assert!(series.bands().times.is_empty());
        let text = String::from_utf8(series.bands().encode(Scales::new(&header()).unwrap())).unwrap();
        assert_eq!(text.lines().count(), 1);
    }
}
