//! A picture as a list of shapes, drawn alike into SVG and PNG. All of plotters is in this file.

use std::path::Path;
use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{BitMapElement, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};
use rust_decimal::prelude::ToPrimitive;

use crate::fault::Failure;

/// Size of every picture in its own units; a PNG has one pixel a unit.
pub const WIDTH: f64 = 1400.0;
pub const HEIGHT: f64 = 800.0;

/// A PNG is drawn this many times larger and [averaged](halved): plotters does not smooth the edges of areas.
const OVERSAMPLE: u8 = 2;

/// How far a text must sink, in its size, for the middle of its capitals to stand on its point: the bitmap backend centres
/// the box of the line, the SVG backend the small letters.
const SINK_PNG: f64 = 0.16;
const SINK_SVG: f64 = 0.09;

/// Colours of Okabe and Ito (2008), told apart under every kind of colour blindness, and of different lightness, so
/// that they survive a black-and-white print.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    rgb: (u8, u8, u8),
    opacity: f64,
}

impl Colour {
    pub const INK: Self = Self::opaque(34, 34, 34);
    pub const WHITE: Self = Self::opaque(255, 255, 255);
    pub const GREY: Self = Self::opaque(100, 100, 100);
    pub const GRID: Self = Self::opaque(226, 226, 226);
    pub const BLUE: Self = Self::opaque(0, 114, 178);
    pub const VERMILLION: Self = Self::opaque(213, 94, 0);
    pub const PURPLE: Self = Self::opaque(148, 60, 120);

    const fn opaque(r: u8, g: u8, b: u8) -> Self {
        Self { rgb: (r, g, b), opacity: 1.0 }
    }

    /// What style sheets call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = [
            (Self::INK, "ink"),
            (Self::GRID, "grid"),
            (Self::BLUE, "blue"),
            (Self::VERMILLION, "vermillion"),
            (Self::PURPLE, "purple"),
        ];
        known.iter().find(|(colour, _)| colour.rgb == self.rgb).map_or("grey", |(_, name)| name)
    }

    #[must_use]
    pub const fn opacity(self) -> f64 {
        self.opacity
    }

    /// The colour at this share of its strength.
    #[must_use]
    pub const fn faint(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Which part of a text stands at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Left,
    Centre,
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    Solid,
    Dashed,
    Dotted,
}

/// One thing to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Text centred vertically on its point.
    Text {
        at: (f64, f64),
        text: String,
        size: f64,
        weight: Weight,
        colour: Colour,
        anchor: Anchor,
    },
    Line {
        points: Vec<(f64, f64)>,
        colour: Colour,
        width: f64,
        dash: Dash,
    },
    Area {
        points: Vec<(f64, f64)>,
        colour: Colour,
    },
}

/// The shapes of a picture, the later over the earlier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    pub shapes: Vec<Shape>,
}

impl Scene {
    pub fn text(&mut self, at: (f64, f64), text: impl Into<String>, size: f64, colour: Colour, anchor: Anchor) {
        self.shapes.push(Shape::Text { at, text: text.into(), size, weight: Weight::Regular, colour, anchor });
    }

    pub fn line(&mut self, points: Vec<(f64, f64)>, colour: Colour, width: f64, dash: Dash) {
        self.shapes.push(Shape::Line { points, colour, width, dash });
    }

    pub fn area(&mut self, points: Vec<(f64, f64)>, colour: Colour) {
        self.shapes.push(Shape::Area { points, colour });
    }

    /// Draws the scene as an SVG text.
    ///
    /// # Errors
    /// What the drawing library reports.
    pub fn svg(&self) -> Result<String, Failure> {
        let mut text = String::new();
        let backend = SVGBackend::with_string(&mut text, (pixel(WIDTH), pixel(HEIGHT)));
        self.draw(&backend.into_drawing_area(), 1.0, SINK_SVG).map_err(|error| failed(Path::new("a chart"), &error))?;
        Ok(text)
    }

    /// Draws the scene into a PNG file, whose name must end in `.png`.
    ///
    /// # Errors
    /// The file cannot be written, or what the drawing library reports.
    pub fn png(&self, path: &Path) -> Result<(), Failure> {
        let (width, height, by) = (pixel::<usize>(WIDTH), pixel::<usize>(HEIGHT), usize::from(OVERSAMPLE));
        let mut large = vec![0; width * height * by * by * 3];
        {
            let scale = f64::from(OVERSAMPLE);
            let backend = BitMapBackend::with_buffer(&mut large, (pixel(WIDTH * scale), pixel(HEIGHT * scale)));
            self.draw(&backend.into_drawing_area(), scale, SINK_PNG).map_err(|error| failed(path, &error))?;
        }
        let small = halved(&large, width);
        let picture = BitMapElement::<_>::with_owned_buffer((0, 0), (pixel(WIDTH), pixel(HEIGHT)), small)
            .ok_or_else(|| failed(path, "the picture has the wrong size"))?;
        let backend = BitMapBackend::new(path, (pixel(WIDTH), pixel(HEIGHT))).into_drawing_area();
        backend.draw(&picture).map_err(|error| failed(path, &error.to_string()))?;
        backend.present().map_err(|error| failed(path, &error.to_string()))
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, scale: f64, sink: f64) -> Result<(), String> {
        fonts()?;
        let point = |(x, y): (f64, f64)| (pixel::<i32>(x * scale), pixel::<i32>(y * scale));
        let told = |error: &dyn std::fmt::Display| error.to_string();
        area.fill(&RGBColor(255, 255, 255)).map_err(|error| told(&error))?;
        for shape in &self.shapes {
            match shape {
                Shape::Text { at, text, size, weight, colour, anchor } => {
                    let at = point((at.0, at.1 + sink * size));
                    area.draw_text(text, &style(*size * scale, *weight, *colour, *anchor), at)
                        .map_err(|error| told(&error))?;
                }
                Shape::Line { points, colour, width, dash } => {
                    let style = ShapeStyle { color: ink(*colour), filled: false, stroke_width: pixel(width * scale) };
                    for part in dashes(points, *dash) {
                        let part: Vec<(i32, i32)> = part.into_iter().map(point).collect();
                        area.draw(&PathElement::new(part, style)).map_err(|error| told(&error))?;
                    }
                }
                Shape::Area { points, colour } => {
                    let points: Vec<(i32, i32)> = points.iter().copied().map(point).collect();
                    let style = ShapeStyle { color: ink(*colour), filled: true, stroke_width: 0 };
                    area.draw(&Polygon::new(points, style)).map_err(|error| told(&error))?;
                }
            }
        }
        area.present().map_err(|error| told(&error))
    }
}

/// A picture of half the size, each pixel the mean of four; `width` is the smaller one's.
fn halved(large: &[u8], width: usize) -> Vec<u8> {
    let mut small = vec![0; large.len() / 4];
    // Two rows of the large picture make one of the small.
    for (row, pair) in small.chunks_exact_mut(width * 3).zip(large.chunks_exact(width * 12)) {
        let (upper, lower) = pair.split_at(width * 6);
        let squares = upper.as_chunks::<6>().0.iter().zip(lower.as_chunks::<6>().0);
        for (pixel, (upper, lower)) in row.as_chunks_mut::<3>().0.iter_mut().zip(squares) {
            for (c, channel) in pixel.iter_mut().enumerate() {
                // Written out: a map and a sum over an array of four are calls, a hundred instructions a channel.
                let (above, below) = (u16::from(upper[c]), u16::from(lower[c]));
                let sum = above + u16::from(upper[c + 3]) + below + u16::from(lower[c + 3]);
                [*channel, _] = (sum / 4).to_le_bytes();
            }
        }
    }
    small
}

/// Width of a text in picture units.
#[must_use]
pub fn text_width(text: &str, size: f64, weight: Weight) -> f64 {
    if fonts().is_err() {
        return 0.0;
    }
    let style = style(size, weight, Colour::INK, Anchor::Left);
    style.font.layout_box(text).map_or(0.0, |((left, _), (right, _))| f64::from(right - left))
}

fn style<'a>(size: f64, weight: Weight, colour: Colour, anchor: Anchor) -> TextStyle<'a> {
    let weight = match weight {
        Weight::Regular => FontStyle::Normal,
        Weight::Bold => FontStyle::Bold,
    };
    let side = match anchor {
        Anchor::Left => HPos::Left,
        Anchor::Centre => HPos::Center,
        Anchor::Right => HPos::Right,
    };
    ("sans-serif", size, weight).into_font().color(&ink(colour)).pos(Pos::new(side, VPos::Center))
}

fn ink(colour: Colour) -> plotters::style::RGBAColor {
    let (r, g, b) = colour.rgb;
    RGBColor(r, g, b).mix(colour.opacity)
}

/// Registers the fonts once; a machine may have none of its own, and text without a font fails.
fn fonts() -> Result<(), String> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = *DONE.get_or_init(|| {
        register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font("sans-serif", FontStyle::Bold, dejavu::sans::bold()).is_ok()
    });
    if done { Ok(()) } else { Err("the built-in font is damaged".into()) }
}

/// The nearest pixel; 0 for what is not a number.
fn pixel<T: TryFrom<i32> + Default>(x: f64) -> T {
    let x = libm::rint(x).to_i32().unwrap_or(0);
    T::try_from(x).unwrap_or_default()
}

fn failed(path: &Path, what: &str) -> Failure {
    Failure::file(path)(std::io::Error::other(format!("cannot draw: {what}")))
}

/// Cuts a line into its dashes.
fn dashes(points: &[(f64, f64)], dash: Dash) -> Vec<Vec<(f64, f64)>> {
    let (on, off) = match dash {
        Dash::Solid => return vec![points.to_vec()],
        Dash::Dashed => (11.0, 6.0),
        Dash::Dotted => (3.0, 5.0),
    };
    let mut parts = Vec::new();
    let mut part: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = libm::hypot(to.0 - from.0, to.1 - from.1);
            if length <= left {
                left -= length;
                if drawing {
                    part.push(to);
                }
                break;
            }
            let share = left / length;
            from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            if drawing {
                part.push(from);
                parts.push(std::mem::take(&mut part));
            } else {
                part = vec![from];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if drawing && part.len() > 1 {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// (left, top, right, bottom) of every text.
    pub(in crate::report) fn boxes(scene: &Scene) -> Vec<(String, [f64; 4])> {
        let texts = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Text { at, text, size, weight, anchor, .. } => {
                let width = text_width(text, *size, *weight);
                let left = match anchor {
                    Anchor::Left => at.0,
                    Anchor::Centre => at.0 - width / 2.0,
                    Anchor::Right => at.0 - width,
                };
                Some((text.clone(), [left, at.1 - 0.55 * size, left + width, at.1 + 0.55 * size]))
            }
            _ => None,
        });
        texts.collect()
    }

    /// No text leaves the picture or touches another.
    pub(in crate::report) fn assert_readable(scene: &Scene) {
        let boxes = boxes(scene);
        for (at, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
            assert!(*left >= 0.0 && *right <= WIDTH && *top >= 0.0 && *bottom <= HEIGHT, "`{text}` leaves the picture");
            for (other, b) in &boxes[at + 1..] {
                let apart = *right <= b[0] || b[2] <= *left || *bottom <= b[1] || b[3] <= *top;
                assert!(apart, "`{text}` touches `{other}`");
            }
        }
    }

    #[test]
    fn a_dashed_line_keeps_its_length_in_dashes_and_gaps() {
        let parts = dashes(&[(0.0, 0.0), (20.0, 0.0), (34.0, 0.0)], Dash::Dashed);
        assert_eq!(parts, [vec![(0.0, 0.0), (11.0, 0.0)], vec![(17.0, 0.0), (20.0, 0.0), (28.0, 0.0)]]);
        assert!(dashes(&[], Dash::Dotted).is_empty());
    }

    #[test]
    fn a_pixel_is_the_mean_of_its_four_rounded_down() {
        // Two rows of two squares: (0, 1; 2, 4) makes 1, (255, 255; 255, 254) makes 254, in every channel.
        let row = |samples: [u8; 4]| samples.into_iter().flat_map(|x| [x; 3]);
        let large: Vec<u8> = row([0, 1, 255, 255]).chain(row([2, 4, 255, 254])).collect();
        assert_eq!(halved(&large, 2), [1, 1, 1, 254, 254, 254]);
    }

    #[test]
    fn both_formats_carry_the_text() {
        let mut scene = Scene::default();
        scene.text((700.0, 400.0), "Fund", 60.0, Colour::INK, Anchor::Centre);
        assert!(scene.svg().unwrap().contains("Fund"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        scene.png(&path).unwrap();
        let with = std::fs::read(&path).unwrap();
        Scene::default().png(&path).unwrap();
        assert_ne!(with, std::fs::read(&path).unwrap(), "a PNG without its font is blank");
        // PNG header: width and height.
        assert_eq!(with[16..24], [0, 0, 5, 120, 0, 0, 3, 32]);
    }
}
