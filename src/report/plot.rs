//! One description of a chart, which the pictures and the page draw alike.

use serde_json::{Value as Json, json};

use super::frame::{Axis, Frame, Swatch, WordAt, Words};
use super::scene::{Colour, Dash, Scene};

/// How a coordinate is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Seconds since the start.
    Time,
    /// Amounts with suffixes.
    Amount,
    /// The same, drawn to both sides of zero without a sign.
    Mirrored,
    /// Prices in full digits.
    Price,
    /// Shares, shown in per cent.
    Share,
    /// Plain numbers.
    Number,
    /// log₁₀ of an amount.
    LogAmount,
    /// log₁₀ of a share.
    LogShare,
    /// Classes side by side, each one unit wide.
    Class,
}

impl Scale {
    const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Amount => "amount",
            Self::Mirrored => "mirrored",
            Self::Price => "price",
            Self::Share => "share",
            Self::Number => "number",
            Self::LogAmount => "log amount",
            Self::LogShare => "log share",
            Self::Class => "class",
        }
    }
}

/// What is drawn; `of` is the entry of the legend that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    Band {
        of: usize,
        x: Vec<f64>,
        low: Vec<f64>,
        high: Vec<f64>,
        colour: Colour,
    },
    Curve {
        of: usize,
        x: Vec<f64>,
        y: Vec<f64>,
        colour: Colour,
        width: f64,
        dash: Dash,
    },
    Level {
        of: Option<usize>,
        y: f64,
        colour: Colour,
        width: f64,
        dash: Dash,
    },
    Upright {
        of: usize,
        x: f64,
        colour: Colour,
        width: f64,
        dash: Dash,
    },
    Bar {
        from: f64,
        to: f64,
        height: f64,
        colour: Colour,
    },
    /// Rectangles of one colour: from, to, low, high.
    Tiles {
        of: usize,
        tiles: Vec<[f64; 4]>,
        colour: Colour,
    },
    /// An interval over a bar.
    Whisker {
        x: f64,
        low: f64,
        high: f64,
    },
    Word(WordAt, &'static str),
    Note(String),
}

impl Layer {
    /// A Lorenz curve as the first entry of the legend, before the straight line of equal shares as the second.
    pub fn lorenz(x: Vec<f64>, y: Vec<f64>, colour: Colour) -> Vec<Self> {
        let ends = vec![0.0, 1.0];
        let equal =
            Self::Curve { of: 1, x: ends.clone(), y: ends, colour: Colour::GREY, width: 2.0, dash: Dash::Dashed };
        vec![equal, Self::Curve { of: 0, x, y, colour, width: 3.0, dash: Dash::Solid }]
    }
}

/// A second panel under the first, over the same abscissa. Its layers point into the legend that both share.
#[derive(Clone, Debug)]
pub struct Below {
    /// What its curve is called beside a value.
    pub short: &'static str,
    pub y_name: String,
    pub y: Axis,
    pub y_scale: Scale,
    pub layers: Vec<Layer>,
}

/// A chart before it is drawn.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Of its files and its place in the page.
    pub name: &'static str,
    /// The finding, in a sentence.
    pub title: String,
    /// What is drawn.
    pub subtitle: String,
    pub legend: Vec<(Swatch, String)>,
    pub x_name: String,
    pub y_name: String,
    pub caption: String,
    pub x: Axis,
    pub y: Axis,
    pub x_scale: Scale,
    pub y_scale: Scale,
    pub layers: Vec<Layer>,
    pub below: Option<Below>,
}

impl Plot {
    /// Draws it as a picture.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let mut scene = Scene::default();
        let words = Words {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            legend: self.legend.clone(),
            y_axis: self.y_name.clone(),
            x_axis: self.x_name.clone(),
            caption: &self.caption,
        };
        let lower = self.below.as_ref().map(|below| (below.y_name.as_str(), below.y.clone()));
        let (frame, lower) = Frame::split(&mut scene, &words, self.x.clone(), self.y.clone(), lower);
        self.layers.iter().for_each(|layer| layer.draw(&frame, &mut scene));
        if let (Some(frame), Some(below)) = (lower, &self.below) {
            below.layers.iter().for_each(|layer| layer.draw(&frame, &mut scene));
        }
        scene
    }

    /// Describes it to the page, which draws, zooms and reads it.
    #[must_use]
    pub fn json(&self) -> Json {
        let legend: Vec<Json> = self
            .legend
            .iter()
            .map(|(swatch, text)| match *swatch {
                Swatch::Line(colour, dash) => json!({ "text": text, "line": ink(colour), "dash": dash_name(dash) }),
                Swatch::Area(colour) => json!({ "text": text, "area": ink(colour) }),
            })
            .collect();
        let layers = |layers: &[Layer]| layers.iter().map(Layer::json).collect::<Vec<Json>>();
        let axis = |name: &str, scale: Scale, axis: &Axis| {
            let mut told =
                json!({ "name": name, "scale": scale.name(), "low": tidy(axis.low), "high": tidy(axis.high) });
            // Without two ticks it is no scale: one at zero, or nothing to read at all.
            match axis.ticks.as_slice() {
                [] if scale != Scale::Class => told["bare"] = json!("nothing"),
                [_] if scale != Scale::Class => told["bare"] = json!("zero"),
                _ => {}
            }
            if scale == Scale::Class {
                told["classes"] = axis.ticks.iter().map(|(_, name)| name.as_str()).collect();
            }
            told
        };
        let mut told = json!({
            "name": self.name, "title": self.title, "subtitle": self.subtitle, "caption": self.caption,
            "legend": legend, "layers": layers(&self.layers),
            "x": axis(&self.x_name, self.x_scale, &self.x),
            "y": axis(&self.y_name, self.y_scale, &self.y),
        });
        if let Some(below) = &self.below {
            told["below"] = json!({ "short": below.short, "y": axis(&below.y_name, below.y_scale, &below.y), "layers": layers(&below.layers) });
        }
        told
    }
}

impl Layer {
    fn draw(&self, frame: &Frame, scene: &mut Scene) {
        match self {
            Self::Band { x, low, high, colour, .. } => frame.band(scene, x, low, high, *colour),
            Self::Curve { x, y, colour, width, dash, .. } => frame.curve(scene, x, y, *colour, *width, *dash),
            Self::Level { y, colour, width, dash, .. } => frame.level(scene, *y, *colour, *width, *dash),
            Self::Upright { x, colour, width, dash, .. } => frame.upright(scene, *x, *colour, *width, *dash),
            Self::Tiles { tiles, colour, .. } => frame.tiles(scene, tiles, *colour),
            Self::Bar { from, to, height, colour } => frame.bar(scene, *from, *to, *height, *colour),
            Self::Whisker { x, low, high } => frame.whisker(scene, *x, *low, *high),
            Self::Word(at, text) => frame.word(scene, *at, text),
            Self::Note(text) => frame.note(scene, text),
        }
    }

    fn json(&self) -> Json {
        let list = |values: &[f64]| values.iter().map(|&value| tidy(value)).collect::<Vec<Json>>();
        match self {
            Self::Band { of, x, low, high, colour } => {
                json!({ "kind": "band", "of": of, "x": list(x), "low": list(low), "high": list(high), "ink": ink(*colour) })
            }
            Self::Curve { of, x, y, colour, width, dash } => {
                json!({ "kind": "curve", "of": of, "x": list(x), "y": list(y), "ink": ink(*colour), "width": width, "dash": dash_name(*dash) })
            }
            Self::Level { of, y, colour, width, dash } => {
                json!({ "kind": "level", "of": of, "y": tidy(*y), "ink": ink(*colour), "width": width, "dash": dash_name(*dash) })
            }
            Self::Upright { of, x, colour, width, dash } => {
                json!({ "kind": "upright", "of": of, "x": tidy(*x), "ink": ink(*colour), "width": width, "dash": dash_name(*dash) })
            }
            Self::Tiles { of, tiles, colour } => {
                let tiles: Vec<Vec<Json>> = tiles.iter().map(|tile| list(tile)).collect();
                json!({ "kind": "tiles", "of": of, "tiles": tiles, "ink": ink(*colour) })
            }
            Self::Bar { from, to, height, colour } => {
                json!({ "kind": "bar", "from": tidy(*from), "to": tidy(*to), "height": tidy(*height), "ink": ink(*colour) })
            }
            Self::Whisker { x, low, high } => {
                json!({ "kind": "whisker", "at": tidy(*x), "low": tidy(*low), "high": tidy(*high) })
            }
            Self::Word(at, text) => {
                json!({ "kind": "word", "text": text, "at": match at { WordAt::Top => "top", WordAt::Bottom => "bottom" } })
            }
            Self::Note(text) => json!({ "kind": "note", "text": text }),
        }
    }
}

/// The name of a colour, which light and dark style sheets give their own values, and its strength.
fn ink(colour: Colour) -> Json {
    json!([colour.name(), colour.opacity()])
}

const fn dash_name(dash: Dash) -> &'static str {
    match dash {
        Dash::Solid => "solid",
        Dash::Dashed => "dashed",
        Dash::Dotted => "dotted",
    }
}

/// Nine significant digits: a picture needs no more, and whole numbers stay short.
fn tidy(x: f64) -> Json {
    let rounded: f64 = format!("{x:.8e}").parse().unwrap_or(x);
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        // Without the `.0` that a float would print.
        return format!("{rounded:.0}").parse::<i64>().map_or_else(|_| json!(rounded), |whole| json!(whole));
    }
    json!(rounded)
}
