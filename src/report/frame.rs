//! The parts that all charts share: title, legend, axes, caption.

use super::number::{grouped, labels, multiples, ticks};
use super::scene::{Anchor, Colour, Dash, HEIGHT, Scene, Shape, WIDTH, Weight, text_width};

const LEFT: f64 = 36.0;
const RIGHT: f64 = WIDTH - 36.0;
const BOTTOM: f64 = HEIGHT - 108.0;
const LABEL: f64 = 17.0;
/// Between two panels.
const PANEL_GAP: f64 = 52.0;

/// What a legend shows beside its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Swatch {
    Line(Colour, Dash),
    Area(Colour),
}

/// What stands around the plot.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    /// The finding, in a sentence.
    pub title: String,
    /// What is drawn.
    pub subtitle: String,
    pub legend: Vec<(Swatch, String)>,
    pub y_axis: String,
    pub x_axis: String,
    pub caption: &'a str,
}

/// Tick positions and labels of an axis, and the range it spans.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis over these values with some air, its labels with suffixes.
    #[must_use]
    pub fn amounts(low: f64, high: f64) -> Self {
        let (low, high) = aired(low, high);
        let (at, step) = ticks(low, high, 7);
        let texts = labels(&at, step);
        Self { low, high, ticks: at.into_iter().zip(texts).collect() }
    }

    /// The same, for what is drawn to both sides of zero and has no sign itself.
    #[must_use]
    pub fn mirrored(low: f64, high: f64) -> Self {
        let mut axis = Self::amounts(low, high);
        for (_, text) in &mut axis.ticks {
            *text = text.trim_start_matches('−').to_string();
        }
        axis
    }

    /// Prices in full digits: thousands would hide what happens between them.
    #[must_use]
    pub fn prices(low: f64, high: f64) -> Self {
        let (low, high) = aired(low, high);
        let (at, step) = ticks(low, high, 7);
        // As many decimals as tell two ticks apart.
        let places = (0..=8)
            .find(|&places| at.iter().all(|&tick| (grouped_value(tick, places) - tick).abs() < step * 1e-6))
            .unwrap_or(8);
        let texts: Vec<String> = at.iter().map(|&tick| grouped(tick, places)).collect();
        Self { low, high, ticks: at.into_iter().zip(texts).collect() }
    }

    /// Shares as percentages from zero.
    #[must_use]
    pub fn shares(high: f64) -> Self {
        let high = if high > 0.0 { high * 1.06 } else { 1.0 };
        let (at, step) = ticks(0.0, high * 100.0, 6);
        let texts = labels(&at, step);
        Self {
            low: 0.0,
            high,
            ticks: at.into_iter().zip(texts).map(|(tick, text)| (tick / 100.0, format!("{text} %"))).collect(),
        }
    }

    /// The same for a low panel.
    #[must_use]
    pub fn few_shares(high: f64) -> Self {
        let (at, step) = ticks(0.0, high * 106.0, 3);
        let ticks = at.iter().zip(labels(&at, step)).map(|(tick, text)| (tick / 100.0, format!("{text} %"))).collect();
        Self { low: 0.0, high: high * 1.06, ticks }
    }

    /// Shares to both sides of zero as percentages.
    #[must_use]
    pub fn distances(reach: f64) -> Self {
        let (at, step) = ticks(-reach * 100.0, reach * 100.0, 10);
        let ticks = at.iter().zip(labels(&at, step)).map(|(tick, text)| {
            let sign = if *tick > step * 0.5 { "+" } else { "" };
            (tick / 100.0, format!("{sign}{text} %"))
        });
        Self { low: -reach, high: reach, ticks: ticks.collect() }
    }

    /// Classes side by side, each one unit wide, with its name in its middle.
    #[must_use]
    pub fn classes(names: &[&str]) -> Self {
        let ticks: Vec<(f64, String)> =
            names.iter().scan(0.5, |at, name| Some((std::mem::replace(at, *at + 1.0), (*name).to_owned()))).collect();
        Self { low: 0.0, high: ticks.len() as f64, ticks }
    }

    /// Seconds from 0, in the unit that suits the horizon; also the name of the unit.
    #[must_use]
    pub fn time(horizon: f64) -> (Self, &'static str) {
        const STEPS: [f64; 17] = [
            1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
            21_600.0, 43_200.0,
        ];
        let horizon = if horizon > 0.0 { horizon } else { 1.0 };
        let (unit, name) = match horizon {
            h if h <= 240.0 => (1.0, "seconds"),
            h if h <= 14_400.0 => (60.0, "minutes"),
            _ => (3_600.0, "hours"),
        };
        // Whole units wherever there are four of them.
        let least = if horizon >= 4.0 * unit { 1.0 } else { 0.25 };
        let step = STEPS.into_iter().find(|step| horizon / step <= 12.0 && step / unit >= least);
        let (at, step) = match step {
            Some(step) if horizon >= 5.0 => (multiples(0.0, horizon, step), step),
            _ => ticks(0.0, horizon, 8),
        };
        let scaled: Vec<f64> = at.iter().map(|tick| tick / unit).collect();
        let places = (0..=8)
            .find(|&places| scaled.iter().all(|&tick| (grouped_value(tick, places) - tick).abs() < step / unit * 1e-3));
        let texts = scaled.iter().map(|&tick| grouped(tick, places.unwrap_or(2)));
        (Self { low: 0.0, high: horizon, ticks: at.iter().copied().zip(texts).collect() }, name)
    }

    fn share(&self, x: f64) -> f64 {
        ((x - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// `x` rounded to so many decimals.
fn grouped_value(x: f64, places: usize) -> f64 {
    format!("{x:.places$}").parse().unwrap_or(x)
}

/// A range that is never empty, with 4 % of air where it does not end at zero.
fn aired(low: f64, high: f64) -> (f64, f64) {
    if high <= low {
        return if low == 0.0 { (0.0, 1.0) } else { (low - low.abs() * 0.1, low + low.abs() * 0.1) };
    }
    let air = 0.04 * (high - low);
    (if low == 0.0 { 0.0 } else { low - air }, if high == 0.0 { 0.0 } else { high + air })
}

/// The plot area with its axes.
#[derive(Clone, Debug)]
pub struct Frame {
    x: Axis,
    y: Axis,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Frame {
    /// Puts words and axes into a scene; curves are added through the frame afterwards.
    #[must_use]
    pub fn new(scene: &mut Scene, words: &Words<'_>, x: Axis, y: Axis) -> Self {
        Self::split(scene, words, x, y, None).0
    }

    /// The same with a second, lower panel over the same abscissa: the name of its ordinate and the axis.
    #[must_use]
    pub fn split(
        scene: &mut Scene,
        words: &Words<'_>,
        x: Axis,
        y: Axis,
        lower: Option<(&str, Axis)>,
    ) -> (Self, Option<Self>) {
        let below = surround(scene, words);
        let width = |axis: &Axis| {
            axis.ticks.iter().map(|(_, text)| text_width(text, LABEL, Weight::Regular)).fold(0.0, f64::max)
        };
        let widest = lower.as_ref().map_or(0.0, |(_, axis)| width(axis)).max(width(&y));
        let (left, top, right) = (LEFT + widest + 12.0, below + 56.0, RIGHT - 14.0);
        let Some((name, axis)) = lower else {
            let frame = Self { left, top, right, bottom: BOTTOM, x, y };
            frame.ordinate(scene);
            frame.abscissa(scene);
            return (frame, None);
        };
        // Seven tenths for the upper panel; the gap has room for the name of the lower one.
        let bottom = libm::rint(top + 0.7 * (BOTTOM - top - PANEL_GAP));
        let upper = Self { left, top, right, bottom, x: x.clone(), y };
        let lower = Self { left, top: bottom + PANEL_GAP, right, bottom: BOTTOM, x, y: axis };
        upper.ordinate(scene);
        lower.ordinate(scene);
        scene.text((LEFT, lower.top - 22.0), name, LABEL, Colour::GREY, Anchor::Left);
        for (at, _) in &upper.x.ticks {
            let x = upper.x(*at);
            scene.line(vec![(x, bottom), (x, bottom + 5.0)], Colour::GREY, 1.0, Dash::Solid);
        }
        scene.line(vec![(left, bottom), (right, bottom)], Colour::GREY, 1.5, Dash::Solid);
        lower.abscissa(scene);
        (upper, Some(lower))
    }

    /// Lines and labels of the ordinate.
    fn ordinate(&self, scene: &mut Scene) {
        for (at, text) in &self.y.ticks {
            let y = self.y(*at);
            let colour = if at.abs() < 1e-12 * self.y.high.abs() { Colour::GREY } else { Colour::GRID };
            scene.line(vec![(self.left, y), (self.right, y)], colour, 1.0, Dash::Solid);
            scene.text((self.left - 10.0, y), text.as_str(), LABEL, Colour::INK, Anchor::Right);
        }
    }

    /// Ticks and labels of the abscissa. Labels that would touch their left neighbour are left out; their tick stays.
    fn abscissa(&self, scene: &mut Scene) {
        let mut free = 0.0;
        for (at, text) in &self.x.ticks {
            let x = self.x(*at);
            scene.line(vec![(x, self.bottom), (x, self.bottom + 7.0)], Colour::GREY, 1.0, Dash::Solid);
            let half = text_width(text, LABEL, Weight::Regular) / 2.0;
            if x - half >= free && x + half <= WIDTH {
                scene.text((x, self.bottom + 22.0), text.as_str(), LABEL, Colour::INK, Anchor::Centre);
                free = x + half + 14.0;
            }
        }
        scene.line(vec![(self.left, self.bottom), (self.right, self.bottom)], Colour::GREY, 1.5, Dash::Solid);
    }

    #[must_use]
    pub fn x(&self, x: f64) -> f64 {
        self.left + self.x.share(x) * (self.right - self.left)
    }

    #[must_use]
    pub fn y(&self, y: f64) -> f64 {
        self.bottom - self.y.share(y) * (self.bottom - self.top)
    }

    /// A band between two curves over the same abscissae.
    pub fn band(&self, scene: &mut Scene, x: &[f64], low: &[f64], high: &[f64], colour: Colour) {
        if x.len() < 2 {
            return;
        }
        let mut points: Vec<(f64, f64)> = x.iter().zip(high).map(|(&x, &y)| (self.x(x), self.y(y))).collect();
        points.extend(x.iter().zip(low).rev().map(|(&x, &y)| (self.x(x), self.y(y))));
        // A band without height is nothing to fill.
        if low.iter().zip(high).any(|(low, high)| high != low) {
            scene.area(points, colour);
        }
    }

    pub fn curve(&self, scene: &mut Scene, x: &[f64], y: &[f64], colour: Colour, width: f64, dash: Dash) {
        let points: Vec<(f64, f64)> = x.iter().zip(y).map(|(&x, &y)| (self.x(x), self.y(y))).collect();
        scene.line(points, colour, width, dash);
    }

    /// A line across the whole plot at this ordinate.
    pub fn level(&self, scene: &mut Scene, y: f64, colour: Colour, width: f64, dash: Dash) {
        scene.line(vec![(self.left, self.y(y)), (self.right, self.y(y))], colour, width, dash);
    }

    /// A line over the whole height at this abscissa.
    pub fn upright(&self, scene: &mut Scene, x: f64, colour: Colour, width: f64, dash: Dash) {
        scene.line(vec![(self.x(x), self.bottom), (self.x(x), self.top)], colour, width, dash);
    }

    /// A bar from zero.
    pub fn bar(&self, scene: &mut Scene, from: f64, to: f64, height: f64, colour: Colour) {
        let (left, right, top, foot) = (self.x(from), self.x(to), self.y(height), self.y(0.0));
        // A gap of a pixel tells neighbours apart; a thin bar keeps a pixel of its own.
        let right = (right - 1.0).max(left + 1.0);
        scene.area(vec![(left, foot), (left, top), (right, top), (right, foot)], colour);
    }

    /// An interval: an upright line with ends.
    pub fn whisker(&self, scene: &mut Scene, x: f64, low: f64, high: f64) {
        let (x, low, high) = (self.x(x), self.y(low), self.y(high));
        scene.line(vec![(x, low), (x, high)], Colour::INK, 2.0, Dash::Solid);
        for end in [low, high] {
            scene.line(vec![(x - 7.0, end), (x + 7.0, end)], Colour::INK, 2.0, Dash::Solid);
        }
    }

    /// Rectangles side by side: from, to, low, high.
    pub fn tiles(&self, scene: &mut Scene, tiles: &[[f64; 4]], colour: Colour) {
        for [from, to, low, high] in tiles {
            let (left, right, top, foot) = (self.x(*from), self.x(*to), self.y(*high), self.y(*low));
            if right > left && foot > top {
                scene.area(vec![(left, foot), (left, top), (right, top), (right, foot)], colour);
            }
        }
    }

    /// A sentence in the middle of an empty plot.
    pub fn note(&self, scene: &mut Scene, text: &str) {
        scene.text(
            (f64::midpoint(self.left, self.right), f64::midpoint(self.top, self.bottom) + 31.0),
            text,
            22.0,
            Colour::GREY,
            Anchor::Centre,
        );
    }

    /// A word in the plot, near its left edge.
    pub fn word(&self, scene: &mut Scene, at: WordAt, text: &str) {
        let y = match at {
            WordAt::Top => self.top + 16.0,
            WordAt::Bottom => self.bottom - 16.0,
        };
        scene.text((self.left + 12.0, y), text, 18.0, Colour::INK, Anchor::Left);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordAt {
    Top,
    Bottom,
}

/// Title, subtitle, legend, names of the axes and caption; returns the middle of the legend's last row.
fn surround(scene: &mut Scene, words: &Words<'_>) -> f64 {
    let mut size = 29.0;
    while size > 17.0 && text_width(&words.title, size, Weight::Bold) > RIGHT - LEFT {
        size -= 1.0;
    }
    scene.shapes.push(Shape::Text {
        at: (LEFT, 42.0),
        text: words.title.clone(),
        size,
        weight: Weight::Bold,
        colour: Colour::INK,
        anchor: Anchor::Left,
    });
    let mut size = 18.0;
    while size > 12.0 && text_width(&words.subtitle, size, Weight::Regular) > RIGHT - LEFT {
        size -= 0.5;
    }
    scene.text((LEFT, 76.0), words.subtitle.as_str(), size, Colour::GREY, Anchor::Left);
    let below = legend(scene, &words.legend, 110.0);
    scene.text((LEFT, below + 32.0), words.y_axis.as_str(), LABEL, Colour::GREY, Anchor::Left);
    scene.text((RIGHT, HEIGHT - 54.0), words.x_axis.as_str(), LABEL, Colour::GREY, Anchor::Right);
    let mut size = 14.0;
    while size > 9.0 && text_width(words.caption, size, Weight::Regular) > RIGHT - LEFT {
        size -= 0.5;
    }
    scene.text((LEFT, HEIGHT - 20.0), words.caption, size, Colour::GREY, Anchor::Left);
    below
}

/// Draws the legend in rows from `y`; returns the middle of its last row.
fn legend(scene: &mut Scene, items: &[(Swatch, String)], mut y: f64) -> f64 {
    let mut x = LEFT;
    for (swatch, text) in items {
        let width = 52.0 + text_width(text, LABEL, Weight::Regular);
        if x > LEFT && x + width > RIGHT {
            x = LEFT;
            y += 27.0;
        }
        match *swatch {
            Swatch::Line(colour, dash) => scene.line(vec![(x, y), (x + 40.0, y)], colour, 3.0, dash),
            Swatch::Area(colour) => {
                scene.area(vec![(x, y - 8.0), (x + 40.0, y - 8.0), (x + 40.0, y + 8.0), (x, y + 8.0)], colour);
            }
        }
        scene.text((x + 50.0, y), text.as_str(), LABEL, Colour::INK, Anchor::Left);
        x += width + 30.0;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn time_is_told_in_the_unit_of_its_horizon() {
        for (horizon, unit, expected) in [
            (60.0, "seconds", vec!["0", "5", "10", "15", "20", "25", "30", "35", "40", "45", "50", "55", "60"]),
            (1_800.0, "minutes", vec!["0", "5", "10", "15", "20", "25", "30"]),
            (86_400.0, "hours", vec!["0", "2", "4", "6", "8", "10", "12", "14", "16", "18", "20", "22", "24"]),
            (0.5, "seconds", vec!["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        ] {
            let (axis, name) = Axis::time(horizon);
            assert_eq!(name, unit);
            if unit == "seconds" && horizon > 1.0 {
                assert!(texts(&axis).len() <= 13 && texts(&axis).last() == Some(&"60"));
            } else {
                assert_eq!(texts(&axis), expected);
            }
        }
    }

    #[test]
    fn an_axis_over_one_value_is_not_empty() {
        for axis in
            [Axis::amounts(0.0, 0.0), Axis::amounts(5e6, 5e6), Axis::prices(114_500.0, 114_500.0), Axis::shares(0.0)]
        {
            assert!(axis.high > axis.low && axis.ticks.len() >= 2, "{axis:?}");
        }
    }

    #[test]
    fn prices_keep_their_digits_and_mirrored_axes_lose_their_signs() {
        assert_eq!(texts(&Axis::prices(0.912, 0.934)), ["0.915", "0.920", "0.925", "0.930"]);
        assert_eq!(texts(&Axis::mirrored(-2e6, 1e6)), ["2.0M", "1.5M", "1.0M", "0.5M", "0", "0.5M", "1.0M"]);
    }

    #[test]
    fn crowded_labels_make_room_and_long_words_shrink_or_wrap() {
        let crowded = |count: u32| Axis {
            low: 0.0,
            high: f64::from(count),
            ticks: (0..=count).map(|i| (f64::from(i), format!("{i} thousand units"))).collect(),
        };
        let caption = "scenario with a very long name indeed · ".repeat(6);
        let words = Words {
            title: "A finding that takes many more words than anybody would wish to read in a single line of a chart"
                .into(),
            subtitle: "what is drawn".into(),
            legend: (0..9)
                .map(|i| (Swatch::Line(Colour::INK, Dash::Solid), format!("curve {i} with a name of its own")))
                .collect(),
            y_axis: "USDT".into(),
            x_axis: "time".into(),
            caption: &caption,
        };
        let mut scene = Scene::default();
        let frame = Frame::new(&mut scene, &words, crowded(60), Axis::amounts(0.0, 1e6));
        crate::report::scene::tests::assert_readable(&scene);
        assert!(frame.x(60.0) > frame.x(0.0) && frame.y(1e6) < frame.y(0.0));
    }
}
