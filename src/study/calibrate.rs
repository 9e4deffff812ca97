//! A book's parameters from recorded snapshots: depth and its exponent, and with trades how fast and how far it recovers.
//!
//! The book of the simulator holds N(x) = D·(|x|/1 %)^κ within a distance x of the mid on either side (`docs/methods.md`).
//! So on a snapshot ln N is a straight line in ln(x/1 %): the slope is κ, its height at 1 % ln D. A trade of V moves the
//! mid at once by x₀ = 1 %·(V/D)^(1/κ); then N decays with its half-life h, x therefore as x₀·2^(−τ/(hκ)), and the share p
//! of what decays stays in the index: the mid is moved by R(τ)·x₀ with R(τ) = p + (1 − p)·2^(−τ/(hκ)) a time τ later.
//! h and p are fitted to the mean response by least squares. Trades that come in bursts of one side make p look larger.

use std::path::Path;

use rust_decimal::prelude::ToPrimitive;

use crate::fault::{Failure, Faults};
use crate::stats::Estimate;
use crate::stats::bootstrap::{splitmix, unit};

/// Level of every interval.
const LEVEL: f64 = 0.95;
const RESAMPLES: usize = 999;
/// One per cent, the distance that depth is told at.
const AT: f64 = 0.01;
/// Lags at which a response is looked at.
const LAGS: usize = 12;
/// Half-lives that are tried.
const GRID: usize = 240;

/// One side of the book at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub time_s: f64,
    pub mid: f64,
    /// (distance from the mid as a share of it, notional within), of both sides.
    pub depths: Vec<(f64, f64)>,
}

/// A trade that took liquidity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trade {
    pub time_s: f64,
    /// +1 for a buy, −1 for a sale.
    pub sign: f64,
    pub notional: f64,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibrated {
    /// Notional of one side within 1 % of the mid.
    pub depth: Estimate,
    pub kappa: Estimate,
    pub snapshots: usize,
    pub response: Option<Response>,
}

/// How the book recovers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response {
    pub half_life_s: Estimate,
    pub permanent: Estimate,
    pub trades: usize,
}

/// Reads snapshots: `time_s,mid,side,distance,depth`, a row for each distance; rows of one time are one snapshot. Sides are
/// `bid` and `ask`, distances shares of the mid, depths the notional within them.
///
/// # Errors
/// A file that cannot be read; a column, line or value that is missing or wrong.
pub fn read_snapshots(path: &Path) -> Result<Vec<Snapshot>, Failure> {
    let mut found: Vec<Snapshot> = Vec::new();
    let columns = ["time_s", "mid", "side", "distance", "depth"];
    read(path, &columns, &mut |line| {
        let (time_s, mid) = (line.number("time_s")?, line.positive("mid")?);
        line.one_of("side", &["bid", "ask"])?;
        let depth = (line.positive("distance")?, line.positive("depth")?);
        match found.last_mut() {
            Some(last) if last.time_s == time_s => last.depths.push(depth),
            Some(last) if last.time_s > time_s => {
                return Err(line.wrong("time_s", "comes after a later one", "sort the file by time"));
            }
            _ => found.push(Snapshot { time_s, mid, depths: vec![depth] }),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads trades: `time_s,side,notional`, sides `buy` and `sell`.
///
/// # Errors
/// As for [`read_snapshots`].
pub fn read_trades(path: &Path) -> Result<Vec<Trade>, Failure> {
    let mut found: Vec<Trade> = Vec::new();
    read(path, &["time_s", "side", "notional"], &mut |line| {
        let side = line.one_of("side", &["buy", "sell"])?;
        let trade = Trade {
            time_s: line.number("time_s")?,
            sign: if side == 0 { 1.0 } else { -1.0 },
            notional: line.positive("notional")?,
        };
        if found.last().is_some_and(|last| last.time_s > trade.time_s) {
            return Err(line.wrong("time_s", "comes after a later one", "sort the file by time"));
        }
        found.push(trade);
        Ok(())
    })?;
    Ok(found)
}

/// A line of a table with its columns.
struct Line<'a> {
    file: String,
    number: u64,
    names: &'a [String],
    record: &'a csv::StringRecord,
}

impl Line<'_> {
    fn text(&self, name: &str) -> &str {
        self.names.iter().position(|known| known == name).and_then(|at| self.record.get(at)).unwrap_or("").trim()
    }

    fn wrong(&self, name: &str, what: &str, hint: &str) -> Failure {
        Faults::usage(format!("{}, line {}: `{name}` of \"{}\" {what}", self.file, self.number, self.text(name)), hint)
            .into()
    }

    fn number(&self, name: &str) -> Result<f64, Failure> {
        let number = self.text(name).parse::<f64>().ok().filter(|x| x.is_finite());
        number.ok_or_else(|| self.wrong(name, "is no number", "write decimals such as 12.5, without separators"))
    }

    fn positive(&self, name: &str) -> Result<f64, Failure> {
        let number = self.number(name)?;
        if number > 0.0 { Ok(number) } else { Err(self.wrong(name, "is not above 0", "leave such rows out")) }
    }

    fn one_of(&self, name: &str, words: &[&str]) -> Result<usize, Failure> {
        let found = words.iter().position(|word| *word == self.text(name));
        found.ok_or_else(|| self.wrong(name, "is unknown", &format!("it takes {}", words.join(" or "))))
    }
}

fn read(path: &Path, columns: &[&str], take: &mut dyn FnMut(&Line<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    let file = path.display().to_string();
    let damaged = |error: &csv::Error| Failure::from(Faults::usage(format!("{file}: {error}"), "save it as plain CSV"));
    let input = std::fs::File::open(path).map_err(Failure::file(path))?;
    let mut reader = csv::Reader::from_reader(input);
    let names: Vec<String> =
        reader.headers().map_err(|error| damaged(&error))?.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(missing) = columns.iter().find(|column| names.iter().all(|name| name != *column)) {
        return Err(Faults::usage(
            format!("{file}: column `{missing}` is missing"),
            format!("the first line names the columns: {}", columns.join(",")),
        )
        .into());
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| damaged(&error))? {
        let number = record.position().map_or(0, csv::Position::line);
        take(&Line { file: file.clone(), number, names: &names, record: &record })?;
    }
    Ok(())
}

/// Depth and exponent, and with trades half-life and permanent share; every interval by resampling blocks of the record.
///
/// # Errors
/// Too few snapshots or trades to say anything.
pub fn calibrate(snapshots: &[Snapshot], trades: &[Trade]) -> Result<Calibrated, Failure> {
    let wrong = |what: &str, hint: &str| Failure::from(Faults::usage(what, hint));
    let lines: Vec<(f64, f64)> = snapshots.iter().filter_map(|snapshot| line(&snapshot.depths)).collect();
    if lines.len() < 8 {
        return Err(wrong(
            "fewer than eight snapshots have two distances or more",
            "record depth within several distances, as 0.1 %, 0.5 %, 1 % and 2 %, at more moments",
        ));
    }
    let mut next = splitmix(0xB00C);
    let middle = |at: &[usize], pick: fn((f64, f64)) -> f64| {
        let mut values: Vec<f64> = at.iter().map(|&i| pick(lines[i])).collect();
        median(&mut values)
    };
    let all: Vec<usize> = (0..lines.len()).collect();
    let (mut heights, mut slopes) = (Vec::new(), Vec::new());
    for _ in 0..RESAMPLES {
        let drawn = blocks(lines.len(), &mut next);
        heights.push(libm::exp(middle(&drawn, |line| line.0)));
        slopes.push(middle(&drawn, |line| line.1));
    }
    let depth = interval(libm::exp(middle(&all, |line| line.0)), &mut heights);
    let kappa = interval(middle(&all, |line| line.1), &mut slopes);
    if kappa.estimate <= 0.0 {
        return Err(wrong(
            "depth does not grow with distance",
            "`depth` is the notional within a distance, cumulative",
        ));
    }
    let response = if trades.is_empty() {
        None
    } else {
        let found = respond(snapshots, trades, depth.estimate, kappa.estimate, &mut next);
        Some(found.ok_or_else(|| {
            wrong(
                "too few trades have snapshots before and after them",
                "record snapshots every second or so through the trades, and for minutes after them",
            )
        })?)
    };
    Ok(Calibrated { depth, kappa, snapshots: lines.len(), response })
}

/// (ln D, κ) of one snapshot by least squares; `None` where all distances are the same.
fn line(depths: &[(f64, f64)]) -> Option<(f64, f64)> {
    let points: Vec<(f64, f64)> =
        depths.iter().map(|&(distance, depth)| (libm::log(distance / AT), libm::log(depth))).collect();
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let xx: f64 = points.iter().map(|p| (p.0 - mx) * (p.0 - mx)).sum();
    let xy: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    // Distances a thousandth apart say nothing about a slope.
    (xx > 1e-6).then(|| (my - xy / xx * mx, xy / xx))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    if n.is_multiple_of(2) { 0.5 * (values[n / 2 - 1] + values[n / 2]) } else { values[n / 2] }
}

/// n places drawn in blocks of 2·∛n neighbours, as neighbours are alike (Künsch 1989).
fn blocks(n: usize, next: &mut impl FnMut() -> u64) -> Vec<usize> {
    let length = libm::ceil(2.0 * libm::cbrt(n as f64)).to_usize().unwrap_or(1).clamp(1, n);
    let mut drawn = Vec::with_capacity(n + length);
    while drawn.len() < n {
        let start = libm::floor(unit(next()) * (n - length + 1) as f64).to_usize().unwrap_or(0);
        drawn.extend(start..start + length);
    }
    drawn.truncate(n);
    drawn
}

/// The percentile interval.
fn interval(estimate: f64, resampled: &mut [f64]) -> Estimate {
    resampled.sort_unstable_by(f64::total_cmp);
    let cut = libm::floor((1.0 - LEVEL) / 2.0 * (resampled.len() as f64 + 1.0)).to_usize().unwrap_or(1).max(1);
    Estimate {
        estimate,
        low: resampled[cut - 1].min(estimate),
        high: resampled[resampled.len() - cut].max(estimate),
        level: LEVEL,
        standard_error: None,
    }
}

/// What one trade did: its first displacement, and the displacement at each lag.
struct Impact {
    first: f64,
    later: [f64; LAGS],
}

fn respond(
    snapshots: &[Snapshot],
    trades: &[Trade],
    depth: f64,
    kappa: f64,
    next: &mut impl FnMut() -> u64,
) -> Option<Response> {
    let mut gaps: Vec<f64> = snapshots.windows(2).map(|pair| pair[1].time_s - pair[0].time_s).collect();
    let shortest = median(&mut gaps);
    let longest = snapshots.last()?.time_s - snapshots.first()?.time_s;
    // Ten minutes, or a quarter of a shorter record.
    let last = (0.25 * longest).min(600.0);
    if !(shortest > 0.0 && last > 4.0 * shortest) {
        return None;
    }
    let mut lags = [0.0; LAGS];
    for (i, lag) in lags.iter_mut().enumerate() {
        *lag = shortest * libm::exp(libm::log(last / shortest) * i as f64 / (LAGS - 1) as f64);
    }
    let mid_at = |time: f64| -> Option<f64> {
        let after = snapshots.partition_point(|snapshot| snapshot.time_s <= time);
        after.checked_sub(1).map(|at| snapshots[at].mid)
    };
    let end = snapshots.last()?.time_s;
    let impacts: Vec<Impact> = trades
        .iter()
        .filter(|trade| trade.time_s + last <= end)
        .filter_map(|trade| {
            // The snapshot of the very moment may show the trade already.
            let before = snapshots.partition_point(|snapshot| snapshot.time_s < trade.time_s).checked_sub(1)?;
            let mid = snapshots[before].mid;
            let first = AT * libm::exp(libm::log(trade.notional / depth) / kappa);
            let mut later = [0.0; LAGS];
            for (moved, lag) in later.iter_mut().zip(lags) {
                *moved = trade.sign * (mid_at(trade.time_s + lag)? / mid - 1.0);
            }
            Some(Impact { first, later })
        })
        .collect();
    if impacts.len() < 20 {
        return None;
    }
    let fitted = |drawn: &[usize]| {
        let first: f64 = drawn.iter().map(|&i| impacts[i].first).sum();
        let mut response = [0.0; LAGS];
        for &i in drawn {
            response.iter_mut().zip(impacts[i].later).for_each(|(sum, moved)| *sum += moved / first);
        }
        fit(&lags, &response, kappa)
    };
    let all: Vec<usize> = (0..impacts.len()).collect();
    let (half_life, permanent) = fitted(&all);
    let (mut half_lives, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..RESAMPLES {
        let (half_life, permanent) = fitted(&blocks(impacts.len(), next));
        half_lives.push(half_life);
        shares.push(permanent);
    }
    Some(Response {
        half_life_s: interval(half_life, &mut half_lives),
        permanent: interval(permanent, &mut shares),
        trades: impacts.len(),
    })
}

/// (h, p) with the least squares of R(τ) = p + (1 − p)·2^(−τ/(hκ)): for each h of a grid the best p in closed form.
fn fit(lags: &[f64; LAGS], response: &[f64; LAGS], kappa: f64) -> (f64, f64) {
    let (low, high) = (libm::log(lags[0] / 8.0), libm::log(lags[LAGS - 1] * 2.0));
    let mut best = (f64::INFINITY, 1.0, 0.0);
    for i in 0..GRID {
        let half_life = libm::exp(low + (high - low) * i as f64 / (GRID - 1) as f64);
        let left = lags.map(|lag| libm::exp2(-lag / (half_life * kappa)));
        let (mut numerator, mut denominator) = (0.0, 0.0);
        for (r, e) in response.iter().zip(left) {
            numerator += (r - e) * (1.0 - e);
            denominator += (1.0 - e) * (1.0 - e);
        }
        let permanent = (numerator / denominator).clamp(0.0, 1.0);
        let squares: f64 =
            response.iter().zip(left).map(|(r, e)| r - permanent - (1.0 - permanent) * e).map(|d| d * d).sum();
        if squares < best.0 {
            best = (squares, half_life, permanent);
        }
    }
    (best.1, best.2)
}

/// The parameters as a fragment of a scenario, every figure with its interval and source.
#[must_use]
pub fn fragment(found: &Calibrated, source: &str) -> String {
    let digits = |x: f64| {
        let exact: Option<rust_decimal::Decimal> = rust_decimal::prelude::FromPrimitive::from_f64(x);
        exact.and_then(|x| x.round_sf(4)).map_or_else(|| x.to_string(), |x| x.normalize().to_string())
    };
    let told = |e: Estimate| format!("95 % interval {} … {}", digits(e.low), digits(e.high));
    let mut text = format!(
        "# From {} snapshots of {source}.\n[assets.book]\nkind = \"depth\"\n# One side within 1 % of the mid; {}.\ndepth_1pct = {}\n\
         # {}.\nkappa = {}\n",
        found.snapshots,
        told(found.depth),
        digits(found.depth.estimate),
        told(found.kappa),
        digits(found.kappa.estimate)
    );
    if let Some(Response { half_life_s, permanent, trades }) = found.response {
        text.push_str(&format!(
            "# From the mid after {trades} trades; {}.\nhalf_life = \"{} s\"\n# {}.\npermanent = {}\n",
            told(half_life_s),
            digits(half_life_s.estimate),
            told(permanent),
            digits(permanent.estimate)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::normal;

    /// Snapshots of a book of 50M with exponent 1.2, each with noise of its own.
    fn recorded(seed: u64, count: u32) -> Vec<Snapshot> {
        let mut next = splitmix(seed);
        (0..count)
            .map(|i| {
                let level = libm::exp(0.2 * normal(&mut next));
                let depths = [0.001, 0.003, 0.01, 0.02, 0.05].map(|distance: f64| {
                    let depth = 5e7 * level * libm::exp(1.2 * libm::log(distance / AT) + 0.05 * normal(&mut next));
                    (distance, depth)
                });
                Snapshot { time_s: f64::from(i), mid: 100.0, depths: depths.into() }
            })
            .collect()
    }

    #[test]
    fn a_straight_line_is_found_exactly() {
        let (height, slope) = line(&[(0.005, 1e6 * 0.5_f64.powf(1.5)), (0.02, 1e6 * 2.0_f64.powf(1.5))]).unwrap();
        assert!((height - 1e6_f64.ln()).abs() < 1e-9 && (slope - 1.5).abs() < 1e-12);
        assert_eq!(line(&[(0.01, 5.0), (0.01, 7.0)]), None);
    }

    #[test]
    fn depth_and_exponent_are_covered() {
        let mut covered = [0; 2];
        for seed in 0..60 {
            let found = calibrate(&recorded(seed, 120), &[]).unwrap();
            covered[0] += u32::from(found.depth.low <= 5e7 && 5e7 <= found.depth.high);
            covered[1] += u32::from(found.kappa.low <= 1.2 && 1.2 <= found.kappa.high);
        }
        // Percentile intervals of a median of 120 in blocks: a little under 95 % of 60.
        assert!(covered.iter().all(|&count| count >= 51), "{covered:?} of 60");
    }

    #[test]
    fn half_life_and_permanent_share_are_found_again() {
        // Trades every 300 s on one side or the other, h = 40 s, p = 0.3, noise of the mid a tenth of the impact.
        let mut next = splitmix(8);
        let mut snapshots = recorded(1, 12_000);
        let trades: Vec<Trade> = (1..39)
            .map(|i| Trade {
                time_s: f64::from(i) * 300.0,
                sign: if next() & 1 == 0 { 1.0 } else { -1.0 },
                notional: 5e6,
            })
            .collect();
        let first = AT * (0.1_f64).powf(1.0 / 1.2);
        for snapshot in &mut snapshots {
            let moved: f64 = trades
                .iter()
                .filter(|trade| trade.time_s <= snapshot.time_s)
                .map(|trade| {
                    let left = libm::exp2(-(snapshot.time_s - trade.time_s) / (40.0 * 1.2));
                    trade.sign * first * (0.3 + 0.7 * left)
                })
                .sum();
            snapshot.mid = 100.0 * (1.0 + moved) * (1.0 + 0.1 * first * normal(&mut next));
        }
        let found = calibrate(&snapshots, &trades).unwrap().response.unwrap();
        assert_eq!(found.trades, 37, "the last one has no ten minutes after it");
        assert!(found.permanent.low <= 0.3 && 0.3 <= found.permanent.high, "{found:?}");
        assert!(found.half_life_s.low <= 40.0 && 40.0 <= found.half_life_s.high, "{found:?}");
        assert!(found.half_life_s.high < 400.0, "{found:?}");
    }

    #[test]
    fn an_exact_response_is_fitted_exactly() {
        let mut lags = [0.0; LAGS];
        lags.iter_mut().enumerate().for_each(|(i, lag)| *lag = 1.6_f64.powi(i32::try_from(i).unwrap()));
        let response = lags.map(|lag| 0.2 + 0.8 * libm::exp2(-lag / (15.0 * 1.13)));
        let (half_life, permanent) = fit(&lags, &response, 1.13);
        assert!((half_life / 15.0 - 1.0).abs() < 0.03 && (permanent - 0.2).abs() < 0.01, "{half_life} {permanent}");
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("snapshots.csv");
        let head = "time_s,mid,side,distance,depth\n";
        for (text, expected) in [
            ("time_s,mid,side,distance\n", "column `depth` is missing"),
            (&format!("{head}0,100,bid,0.01,x\n"), "line 2: `depth` of \"x\" is no number"),
            (&format!("{head}0,100,bid,0.01,5\n1,100,top,0.01,5\n"), "line 3: `side` of \"top\" is unknown"),
            (&format!("{head}0,100,bid,0,5\n"), "`distance` of \"0\" is not above 0"),
            (&format!("{head}5,100,bid,0.01,5\n1,100,bid,0.01,5\n"), "comes after a later one"),
        ] {
            std::fs::write(&path, text).unwrap();
            let told = read_snapshots(&path).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
        let few = calibrate(&recorded(1, 3), &[]).unwrap_err().to_string();
        assert!(few.contains("fewer than eight snapshots"), "{few}");
    }

    #[test]
    fn the_fragment_is_a_book_of_a_scenario() {
        let found = calibrate(&recorded(2, 50), &[]).unwrap();
        let text = fragment(&found, "snapshots.csv");
        assert!(text.contains("[assets.book]\nkind = \"depth\"") && text.contains("95 % interval"), "{text}");
        let table: toml::Table = text.parse().unwrap();
        let book = &table["assets"]["book"];
        assert!(book["kappa"].as_float().unwrap() > 1.1);
    }
}
