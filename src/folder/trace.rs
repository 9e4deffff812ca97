//! `trace/N/`: one path of a run in full, replayed after the last path.
//!
//! `events.jsonl` is the log in the format of `flashcrash trace --json`; `frames.json` is what can be drawn at each
//! output time; `stories.jsonl` has the sentences of the accounts that something happened to, one account a line.
//! The log is exact; frames and stories are rounded to be looked at.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::damaged;
use crate::fault::Failure;

/// The role of a path that `run --trace N` named.
pub const ASKED: &str = "asked for";

/// What can be drawn of a path: columns over time in the settlement currency, prices and shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frames {
    pub path: u64,
    /// Why this path was chosen.
    pub roles: Vec<String>,
    pub fund_need: f64,
    pub time_s: Vec<f64>,
    pub index: Vec<f64>,
    pub traded: Vec<f64>,
    pub mark: Vec<f64>,
    /// Distance of the mid from the index, share of the index.
    pub displacement: Vec<f64>,
    /// Share of normal depth left on the adverse side.
    pub depth_left: Vec<f64>,
    pub fund: Vec<f64>,
    /// Result of the book's makers since the opening, positions at the index.
    pub maker: Vec<f64>,
    /// Paid by the venue's own equity so far.
    pub venue: Vec<f64>,
    pub backstop: Vec<f64>,
    /// Paid by nobody so far.
    pub deficit: Vec<f64>,
    pub liquidated_long: Vec<f64>,
    pub liquidated_short: Vec<f64>,
    pub adl: Vec<f64>,
    /// Long side, all contracts, at the marks.
    pub open_interest: Vec<f64>,
    /// Traders' notional over their equity.
    pub leverage: Vec<f64>,
    /// Forced orders begun so far.
    pub orders: Vec<u64>,
    /// At each time the positions nearest to their liquidation price, nearest first.
    pub queue: Vec<Vec<Queued>>,
    /// Where open positions of the first asset would be liquidated, over time.
    #[serde(default)]
    pub map: LiquidationMap,
    /// Winners that were deleveraged, in the order of their first time.
    pub deleveraged: Vec<Deleveraged>,
    /// Names of the accounts by number; empty where they were drawn.
    pub names: Vec<String>,
}

/// Notional of open positions by liquidation price. Prices are cut into steps whose borders meet at the opening mark, so
/// steps below it hold longs and steps above it shorts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiquidationMap {
    /// Lower border of the first step.
    pub low: f64,
    /// Height of a step.
    pub step: f64,
    /// Opening mark.
    pub open: f64,
    /// For each step the output times (by number) at which its notional, at the liquidation prices, becomes another.
    pub steps: Vec<Vec<(usize, f64)>>,
}

/// A position near its liquidation price: account, quantity (long > 0), liquidation price, notional at the mark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queued(pub u32, pub f64, pub f64, pub f64);

/// A deleveraged winner, summed over its rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deleveraged {
    pub account: u32,
    pub notional: f64,
    /// Loss against the mark; a gain is negative.
    pub haircut: f64,
    /// Unrealised profit of the whole position before its first round.
    pub unrealised: f64,
}

/// The sentences of one account, or of the venue itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// `None` for the venue.
    pub account: Option<u32>,
    pub name: String,
    pub liquidated: f64,
    pub deleveraged: f64,
    /// Seconds and sentence.
    pub events: Vec<(f64, String)>,
}

/// A path of a folder, opened to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    pub frames: Frames,
    /// The most telling first.
    pub stories: Vec<Story>,
}

/// Writes `trace/N/` below `dir`; the log is written by `log`.
pub(super) fn write(
    dir: &Path,
    frames: &Frames,
    stories: &[Story],
    log: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let place = dir.join("trace").join(frames.path.to_string());
    fs::create_dir_all(&place).map_err(Failure::file(&place))?;
    let path = place.join("frames.json");
    let mut text = serde_json::to_string(frames).map_err(|error| damaged(&path, &error.to_string()))?;
    text.push('\n');
    fs::write(&path, text).map_err(Failure::file(&path))?;
    let path = place.join("stories.jsonl");
    let mut out = BufWriter::new(File::create(&path).map_err(Failure::file(&path))?);
    for story in stories {
        let line = serde_json::to_string(story).map_err(|error| damaged(&path, &error.to_string()))?;
        writeln!(out, "{line}").map_err(Failure::file(&path))?;
    }
    out.flush().map_err(Failure::file(&path))?;
    let path = place.join("events.jsonl");
    let mut out = BufWriter::new(File::create(&path).map_err(Failure::file(&path))?);
    log(&mut out).and_then(|()| out.flush()).map_err(Failure::file(&path))
}

/// Reads every `trace/N/` below `dir`, by ascending path; none where there is no `trace`.
pub(super) fn read(dir: &Path) -> Result<Vec<Traced>, Failure> {
    let place = dir.join("trace");
    if !place.is_dir() {
        return Ok(Vec::new());
    }
    let mut numbers = Vec::new();
    for entry in fs::read_dir(&place).map_err(Failure::file(&place))? {
        let name = entry.map_err(Failure::file(&place))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    numbers.into_iter().map(|number| read_one(&place.join(number.to_string()))).collect()
}

fn read_one(place: &Path) -> Result<Traced, Failure> {
    let path = place.join("frames.json");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let frames: Frames = serde_json::from_str(&text).map_err(|error| damaged(&path, &error.to_string()))?;
    if let Some(wrong) = frames.uneven() {
        return Err(damaged(&path, &format!("`{wrong}` has not one value for each time")));
    }
    let path = place.join("stories.jsonl");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let stories = text
        .lines()
        .enumerate()
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| damaged(&path, &format!("line {}: {error}", at + 1)))
        })
        .collect::<Result<_, _>>()?;
    Ok(Traced { frames, stories })
}

impl Frames {
    /// The columns over time by name.
    #[must_use]
    pub fn columns(&self) -> [(&'static str, &[f64]); 16] {
        [
            ("index", &self.index),
            ("traded", &self.traded),
            ("mark", &self.mark),
            ("displacement", &self.displacement),
            ("depth_left", &self.depth_left),
            ("fund", &self.fund),
            ("maker", &self.maker),
            ("venue", &self.venue),
            ("backstop", &self.backstop),
            ("deficit", &self.deficit),
            ("liquidated_long", &self.liquidated_long),
            ("liquidated_short", &self.liquidated_short),
            ("adl", &self.adl),
            ("open_interest", &self.open_interest),
            ("leverage", &self.leverage),
            ("time_s", &self.time_s),
        ]
    }

    /// A column whose length is not that of the times.
    fn uneven(&self) -> Option<&'static str> {
        let n = self.time_s.len();
        let columns = self.columns();
        let uneven = columns.iter().find(|(_, column)| column.len() != n).map(|(name, _)| *name);
        uneven.or((self.orders.len() != n).then_some("orders")).or((self.queue.len() != n).then_some("queue"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(path: u64) -> Frames {
        let two = || vec![1.0, 2.5];
        Frames {
            path,
            roles: vec!["worst need".into()],
            fund_need: 12.5,
            time_s: vec![0.0, 60.0],
            index: two(),
            traded: two(),
            mark: two(),
            displacement: two(),
            depth_left: two(),
            fund: two(),
            maker: two(),
            venue: two(),
            backstop: two(),
            deficit: two(),
            liquidated_long: two(),
            liquidated_short: two(),
            adl: two(),
            open_interest: two(),
            leverage: two(),
            orders: vec![0, 3],
            queue: vec![vec![Queued(3, -1.5, 101.0, 150.0)], vec![]],
            map: LiquidationMap { low: 90.0, step: 5.0, open: 100.0, steps: vec![vec![(0, 7.5), (1, 0.0)], vec![]] },
            deleveraged: vec![Deleveraged { account: 7, notional: 10.0, haircut: -1.0, unrealised: 4.0 }],
            names: vec!["Anna".into()],
        }
    }

    #[test]
    fn traces_survive_their_files_and_come_in_the_order_of_their_paths() {
        let dir = tempfile::tempdir().unwrap();
        let story = Story {
            account: Some(3),
            name: "Anna".into(),
            liquidated: 960.0,
            deleveraged: 0.0,
            events: vec![(60.0, "is liquidated".into())],
        };
        assert_eq!(read(dir.path()).unwrap(), []);
        for path in [10, 9] {
            write(dir.path(), &frames(path), std::slice::from_ref(&story), &mut |out| out.write_all(b"{}\n")).unwrap();
            assert_eq!(fs::read(dir.path().join(format!("trace/{path}/events.jsonl"))).unwrap(), b"{}\n");
        }
        let read = read(dir.path()).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0], Traced { frames: frames(9), stories: vec![story] });
    }

    #[test]
    fn damage_is_named_by_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let short = Frames { adl: vec![0.0], ..frames(4) };
        write(dir.path(), &short, &[], &mut |_| Ok(())).unwrap();
        let told = read(dir.path()).unwrap_err().to_string();
        assert!(told.contains("frames.json") && told.contains("`adl` has not one value for each time"), "{told}");
        write(dir.path(), &frames(4), &[], &mut |_| Ok(())).unwrap();
        fs::write(dir.path().join("trace/4/stories.jsonl"), "{}\n").unwrap();
        let told = read(dir.path()).unwrap_err().to_string();
        assert!(told.contains("stories.jsonl") && told.contains("line 1"), "{told}");
    }
}
