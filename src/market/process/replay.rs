//! Recorded bars, replayed.
//!
//! A bar of open, high, low and close is walked open → adverse extreme → other extreme → close, in four knots at 0, ⅓, ⅔
//! and the whole of its length: in a crash down the low comes first, in a crash up the high. Bars do not say which
//! extreme came first; adverse first makes the longest way against the positions that suffer. Knots are moved to the
//! nearest grid point, so that no extreme falls between two points; where several share one, the most adverse stands.
//! Between knots ln I is straight. After the last bar it stays at its close.
//!
//! With `block` every path is put together anew from blocks of that many consecutive bars, each starting at a bar drawn
//! uniformly, the record joined into a ring (circular block bootstrap); a block opens where the one before it closed, and
//! within a block everything stays as recorded. Source: Politis and Romano, "A circular block-resampling procedure for
//! stationary data", in: LePage and Billard (eds.), "Exploring the Limits of Bootstrap" (1992).

use super::{Direction, Draws, PriceProcess};
use crate::market::columns::{Cell, Columns, FileFaults, number};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};
use crate::rng::Stream;

#[derive(Clone, Debug)]
struct Replay {
    bars: Vec<Bar>,
    length: Nanos,
    order: Order,
    /// Mean square of the log return from close to close, a second.
    variance_rate: f64,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    /// As recorded, once.
    Recorded,
    /// In blocks of so many bars.
    Blocks(usize),
}

/// Filling gaps stops at this many bars: a mistyped date would make billions.
const MOST_BARS: usize = 10_000_000;

/// One bar; prices as ln of their ratio to the first open.
#[derive(Clone, Copy, Debug)]
struct Bar {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
}

const fn column(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, shape: Shape::Text, need: Need::Default(default), about }
}

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "replay",
    about: "recorded bars from a CSV file: the same on every path, or joined anew from random blocks",
    keys: &[
        Key {
            name: "file",
            shape: Shape::File,
            need: Need::Required,
            about: "a CSV file with a header, beside the scenario",
        },
        column(
            "time",
            "\"time_utc\"",
            "column of the start of each bar: 2025-10-10T20:57:00Z, or seconds or milliseconds since 1970",
        ),
        column("open", "\"open\"", "column of the first price"),
        column("high", "\"high\"", "column of the highest price"),
        column("low", "\"low\"", "column of the lowest price"),
        column("close", "\"close\"", "column of the last price"),
        Key {
            name: "bar",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Optional,
            about: "length of a bar; where absent, the most usual distance between rows",
        },
        Key {
            name: "gaps",
            shape: Shape::Choice(&[
                ("refuse", "a row that is missing is a fault"),
                ("hold", "the price stands still over rows that are missing"),
            ]),
            need: Need::Default("\"refuse\""),
            about: "what happens where bars are missing",
        },
        Key {
            name: "block",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Optional,
            about: "length of a block of bars: each path is then joined from blocks drawn at random (bootstrap); where absent, the record is replayed",
        },
    ],
    build,
};

const PRICES: [&str; 4] = ["open", "high", "low", "close"];

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn PriceProcess>> {
    let source = values.file("file");
    let names: Vec<String> = ["time"].iter().chain(&PRICES).map(|key| values.text(key)).collect();
    let wanted: Vec<(&str, std::ops::Range<usize>)> =
        names.iter().zip(["time"].iter().chain(&PRICES)).map(|(name, key)| (name.as_str(), values.span(key))).collect();
    let mut faults = FileFaults::new(&source);
    let columns = Columns::read(&source, &wanted, &mut faults, reading)?;
    let times: Vec<Option<Nanos>> = columns.rows.iter().map(|cells| time_of(&cells[0])).collect();
    let length = values.maybe_time("bar").or_else(|| usual_distance(&times));
    if length.is_none() && columns.rows.len() == 1 {
        reading.fault(
            &values.span("file"),
            "one bar alone does not say how long it is",
            "add the key `bar`, as \"1 min\"",
        );
    }

    let mut bars = Vec::with_capacity(columns.rows.len());
    let mut timing = Timing { before: None, length, holds: values.text("gaps") == "hold" };
    for (cells, time) in columns.rows.iter().zip(times) {
        let missing = timing.check(&cells[0], time, bars.len(), &mut faults, reading);
        let held = bars.last().map_or(1.0, |bar: &Bar| bar.close);
        bars.resize(bars.len() + missing, Bar { open: held, high: held, low: held, close: held });
        if let Some(bar) = bar_of(cells, &names, &mut faults, reading) {
            bars.push(bar);
        }
    }
    if !faults.is_empty() {
        return None;
    }
    let length = length?;
    let order = match values.maybe_time("block") {
        None => Order::Recorded,
        Some(block) => Order::Blocks(blocks(block, length, bars.len(), values, reading)?),
    };
    let base = math::ln(bars[0].open);
    for bar in &mut bars {
        for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
            *price = math::ln(*price) - base;
        }
    }
    let mut before = 0.0;
    let mut squares = 0.0;
    for bar in &bars {
        squares += (bar.close - before) * (bar.close - before);
        before = bar.close;
    }
    let variance_rate = squares / (bars.len() as f64 * length.seconds());
    Some(Box::new(Replay { bars, length, order, variance_rate }))
}

/// Bars in a block: a whole number of them, at most the record.
fn blocks(block: Nanos, length: Nanos, bars: usize, values: &Values, reading: &mut Reading) -> Option<usize> {
    let count = usize::try_from(block.0 / length.0).unwrap_or(usize::MAX);
    if block.0 % length.0 != 0 {
        let hint = format!("take a multiple of {length}");
        reading.fault(
            &values.span("block"),
            format!("`block` of {block} is no whole number of bars of {length}"),
            hint,
        );
        return None;
    }
    if count > bars {
        let hint = format!("the file holds {bars} bars of {length}");
        reading.fault(&values.span("block"), format!("`block` of {block} is longer than the record"), hint);
        return None;
    }
    Some(count)
}

/// What is known of the times of rows so far.
#[derive(Debug)]
struct Timing {
    before: Option<Nanos>,
    length: Option<Nanos>,
    /// Whether missing bars are allowed.
    holds: bool,
}

impl Timing {
    /// Each bar starts one length after the one before. How many bars are missing between them, where that is allowed;
    /// `bars` are there already.
    fn check(
        &mut self,
        cell: &Cell<'_>,
        time: Option<Nanos>,
        bars: usize,
        faults: &mut FileFaults,
        reading: &mut Reading,
    ) -> usize {
        let Some(time) = time else {
            let message = format!("\"{}\" is no time", cell.text);
            let hint = "write 2025-10-10T20:57:00Z, or seconds or milliseconds since 1970";
            faults.note(reading, &cell.span, message, hint);
            return 0;
        };
        let Some(earlier) = self.before.replace(time) else { return 0 };
        let distance = Nanos(time.0.saturating_sub(earlier.0));
        if distance.0 == 0 {
            faults.note(reading, &cell.span, "this bar stands twice", "keep one row a bar");
        } else if distance.0 < 0 {
            faults.note(
                reading,
                &cell.span,
                format!("this bar starts {} before the row above it", Nanos(-distance.0)),
                "sort the rows by time",
            );
        } else if let Some(length) = self.length.filter(|&length| length != distance) {
            let missing = usize::try_from(distance.0 / length.0 - 1).unwrap_or(usize::MAX);
            if self.holds && distance.0 % length.0 == 0 {
                if bars.saturating_add(missing) <= MOST_BARS {
                    return missing;
                }
                let message = format!("{missing} bars are missing above this one");
                faults.note(reading, &cell.span, message, format!("more than {MOST_BARS} bars are not held"));
                return 0;
            }
            let message = format!("this bar starts {distance} after the one above it, a bar is {length} long");
            let hint = "fill the gap, let `gaps = \"hold\"` fill it, or set `bar` to the length of a bar";
            faults.note(reading, &cell.span, message, hint);
        }
        0
    }
}

fn bar_of(cells: &[Cell<'_>], names: &[String], faults: &mut FileFaults, reading: &mut Reading) -> Option<Bar> {
    let mut prices = [None; 4];
    for ((price, cell), name) in prices.iter_mut().zip(&cells[1..]).zip(&names[1..]) {
        *price = number(cell, name, faults, reading);
        if price.is_some_and(|x| x <= 0.0) {
            faults.note(reading, &cell.span, format!("`{name}` = {} is no price", cell.text), "prices are above 0");
            *price = None;
        }
    }
    let [Some(open), Some(high), Some(low), Some(close)] = prices else { return None };
    if high < open.max(close).max(low) {
        faults.note(
            reading,
            &cells[2].span,
            format!("the highest price {high} lies below another price of its bar"),
            "high is the greatest of the four",
        );
    }
    if low > open.min(close) {
        faults.note(
            reading,
            &cells[3].span,
            format!("the lowest price {low} lies above another price of its bar"),
            "low is the least of the four",
        );
    }
    Some(Bar { open, high, low, close })
}

/// The most frequent positive distance between neighbouring rows, the shorter one of equals.
fn usual_distance(times: &[Option<Nanos>]) -> Option<Nanos> {
    let mut distances: Vec<i64> = times
        .windows(2)
        .filter_map(|pair| pair[1]?.0.checked_sub(pair[0]?.0))
        .filter(|&distance| distance > 0)
        .collect();
    distances.sort_unstable();
    let mut best: Option<(usize, i64)> = None;
    for run in distances.chunk_by(|a, b| a == b) {
        if best.is_none_or(|(count, _)| run.len() > count) {
            best = Some((run.len(), run[0]));
        }
    }
    best.map(|(_, distance)| Nanos(distance))
}

/// Seconds since 1970 as time: an ISO date and time in UTC, or a number of seconds or, above 10¹¹, milliseconds.
fn time_of(cell: &Cell<'_>) -> Option<Nanos> {
    let text = cell.text;
    if let Ok(number) = text.parse::<i64>() {
        let scale = if number.unsigned_abs() > 100_000_000_000 { 1_000_000 } else { 1_000_000_000 };
        return number.checked_mul(scale).filter(|&nanos| nanos >= 0).map(Nanos);
    }
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(whole);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute) = (whole(clock.next()?)?, whole(clock.next()?)?);
    let (second, nanos) = match clock.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (whole(seconds)?, 0),
            Some((seconds, fraction)) => (whole(seconds)?, fraction_nanos(fraction)?),
        },
    };
    let sound =
        (1_970..=2_200).contains(&year) && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !sound || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Nanos(seconds * 1_000_000_000 + nanos))
}

/// Digits only: no sign, at most nine.
fn whole(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn fraction_nanos(digits: &str) -> Option<i64> {
    let value = whole(digits)?;
    let missing = 9 - u32::try_from(digits.len()).ok()?;
    Some(value * 10_i64.pow(missing))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1 January 1970 in the Gregorian calendar, counting years from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719_468
}

impl Replay {
    /// The knots of a bar in the order in which they are walked.
    fn knots(bar: &Bar, direction: Direction) -> [f64; 4] {
        match direction {
            Direction::Down => [bar.open, bar.low, bar.high, bar.close],
            Direction::Up => [bar.open, bar.high, bar.low, bar.close],
        }
    }
}

/// The bars of one path, one after the other, each with the level that it starts from added.
#[derive(Debug)]
struct Walk<'a> {
    bars: &'a [Bar],
    order: Order,
    /// The next bar, and how many of the block are left.
    next: usize,
    left: usize,
    /// Level of the last close, and what is added to the recorded levels.
    close: f64,
    shift: f64,
}

impl Walk<'_> {
    fn bar(&mut self, stream: &mut Stream) -> Option<Bar> {
        if let Order::Blocks(length) = self.order {
            let ends = self.left == 0;
            if ends {
                self.left = length;
                // Multiply and shift: every bar alike, to 1 in 2⁶⁴ bars.
                let drawn = (u128::from(stream.word()) * self.bars.len() as u128) >> 64;
                self.next = usize::try_from(drawn).unwrap_or(0);
            }
            if ends || self.next == self.bars.len() {
                self.next %= self.bars.len();
                self.shift = self.close - self.bars[self.next].open;
            }
            self.left -= 1;
        }
        let mut bar = *self.bars.get(self.next)?;
        self.next += 1;
        for level in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
            *level += self.shift;
        }
        self.close = bar.close;
        Some(bar)
    }
}

impl PriceProcess for Replay {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        let (step, steps) = (draws.grid.step.0, draws.grid.steps);
        let adverse = draws.direction.sign();
        log_index.fill(0.0);
        let mut walk = Walk { bars: &self.bars, order: self.order, next: 0, left: 0, close: 0.0, shift: 0.0 };
        // The last knot set, at its grid point.
        let (mut at, mut level) = (0, 0.0);
        'bars: for i in 0_i64.. {
            let Some(bar) = walk.bar(draws.stream) else { break };
            for (part, knot) in (0_i64..).zip(Self::knots(&bar, draws.direction)) {
                let time = i128::from(i) * i128::from(self.length.0) + i128::from(part) * i128::from(self.length.0) / 3;
                let nearest = usize::try_from((time + i128::from(step / 2)) / i128::from(step)).unwrap_or(usize::MAX);
                // The start of a path is the first open by definition: a later knot never lands there.
                let place = if i == 0 && part == 0 { 0 } else { nearest.max(1) };
                if place == at {
                    if place <= steps && (knot - level) * adverse > 0.0 {
                        level = knot;
                        log_index[place] = level;
                    }
                    continue;
                }
                let slope = (knot - level) / (place - at) as f64;
                let last = place.min(steps);
                for (j, point) in log_index[at + 1..=last].iter_mut().enumerate() {
                    *point = level + slope * (j + 1) as f64;
                }
                if place > steps {
                    at = steps;
                    break 'bars;
                }
                log_index[place] = knot;
                (at, level) = (place, knot);
            }
        }
        log_index[at.min(steps) + 1..].fill(level);
    }

    fn variance_rate(&self) -> f64 {
        self.variance_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reading_of_times(text in "[0-9TZ:. +-]{0,30}") {
            let time = time_of(&Cell { text: &text, span: 0..0 });
            assert!(time.is_none_or(|time| time.0 >= 0));
        }
    }
}
