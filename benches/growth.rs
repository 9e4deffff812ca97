//! How time grows with accounts, steps, liquidations, deleveraged accounts, ADL rounds, assets and paths: one of them at a
//! time, the others fixed.
//!
//! `cargo bench --bench growth` prints the rows of the table in `docs/performance.md` and draws the chart beside it.

use std::path::Path;

use flashcrash::facts::Outcome;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;
use plotters::element::BitMapElement;
use plotters::prelude::*;
use plotters::style::register_font;

#[path = "paths/busy.rs"]
mod busy;
#[path = "paths/world.rs"]
mod world;

use world::{ADL_ONLY, FIXED_BOOK, World};

const ALONE: Wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
/// Samples of which the median is taken, and how long each takes at least.
const SAMPLES: usize = 7;
const SAMPLE_MS: f64 = 100.0;
const PICTURE: &str = "docs/performance/growth.png";
/// Of the whole picture, and how many times larger it is drawn before it is averaged: plotters does not smooth edges.
const SIZE: (u32, u32) = (1_400, 760);
const OVERSAMPLE: u32 = 2;

/// One curve: what grows, and the milliseconds at each size.
struct Curve {
    title: &'static str,
    /// What is counted along the abscissa.
    unit: &'static str,
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// The slope of log time on log size from end to end, to two decimals.
    fn exponent(&self) -> f64 {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return f64::NAN };
        let slope = (last.1 / first.1).ln() / (last.0 / first.0).ln();
        // A nought has no sign.
        (slope * 100.0).round() / 100.0 + 0.0
    }
}

/// Milliseconds of `paths` paths of a world, and the row of the first.
fn measure(world: &World, paths: u64) -> (f64, Outcome) {
    let scenario = world.scenario();
    let stage = Stage::new(&scenario, 1).expect("its accounts can be drawn");
    let mut worker = Worker::new(&stage);
    // The first run finds memory, which later paths use again.
    let row = worker.run(0, ALONE, &mut []).expect("no invariant breaks");
    let mut run = |times: u32| {
        let start = busy::nanoseconds();
        for path in (0..times).flat_map(|_| 0..paths) {
            std::hint::black_box(worker.run(path, ALONE, &mut []).expect("no invariant breaks"));
        }
        (busy::nanoseconds() - start) / 1e6
    };
    // The system counts by ticks of some milliseconds, so a sample is as many runs as take fifty of them.
    let mut times = 1;
    while run(times) < SAMPLE_MS {
        times *= 2;
    }
    let mut times: Vec<f64> = (0..SAMPLES).map(|_| run(times) / f64::from(times)).collect();
    times.sort_by(f64::total_cmp);
    (times[SAMPLES / 2], row)
}

/// Measures a curve over worlds, each with its size, or with what its row counts.
fn curve(
    title: &'static str,
    unit: &'static str,
    worlds: impl IntoIterator<Item = World>,
    size: impl Fn(&World, &Outcome) -> usize,
) -> Curve {
    let point = |world: World| {
        let (ms, row) = measure(&world, 1);
        (size(&world, &row) as f64, ms)
    };
    told(Curve { title, unit, points: worlds.into_iter().map(point).collect() })
}

/// Prints the row of the table.
fn told(curve: Curve) -> Curve {
    let sizes: Vec<String> = curve.points.iter().map(|(size, _)| short(*size)).collect();
    let times: Vec<String> = curve.points.iter().map(|(_, ms)| format!("{ms:.3}")).collect();
    println!("| {} | {} | {} | {:.2} |", curve.title, sizes.join(", "), times.join(", "), curve.exponent());
    curve
}

fn short(size: f64) -> String {
    if size >= 10_000.0 && size % 1_000.0 == 0.0 { format!("{:.0}k", size / 1e3) } else { format!("{size:.0}") }
}

fn count(of: i64) -> usize {
    usize::try_from(of).expect("counts are never negative")
}

fn curves() -> Vec<Curve> {
    let adl = World { layers: ADL_ONLY, far_long: 0.1, ..FIXED_BOOK };
    // Few steps and liquidations, so that ten thousand paths take seconds.
    let quiet = World { far: 19_900, near: 100, steps: 60, ..FIXED_BOOK };
    let paths = [1, 10, 100, 1_000, 10_000].map(|paths| (paths as f64, measure(&quiet, paths).0));
    vec![
        curve(
            "accounts",
            "accounts, the same 2,000 liquidated",
            [12, 25, 50, 100, 200, 400].map(|thousand| World { far: thousand * 1_000 - 2_000, ..FIXED_BOOK }),
            |world, _| world.far + world.near,
        ),
        curve(
            "steps",
            "steps, each a mark and a check",
            [360, 720, 1_440, 2_880, 5_760, 11_520, 23_040].map(|steps| World { steps, ..FIXED_BOOK }),
            |world, _| usize::try_from(world.steps).expect("a path is short"),
        ),
        curve(
            "liquidations",
            "liquidations of 100,000 accounts",
            [500, 2_000, 8_000, 32_000].map(|near| World { near, far: 100_000 - near, ..FIXED_BOOK }),
            |_, row| count(row.liquidations),
        ),
        curve(
            "deleveraged accounts",
            "deleveraged accounts, in 35 to 41 rounds",
            [500, 2_000, 8_000, 32_000].map(|near| World { near, far: 100_000 - near, check: 10, ..adl }),
            |_, row| count(row.adl_accounts),
        ),
        curve(
            "ADL rounds",
            "ADL rounds on the same 8,000 losers",
            [120, 40, 12, 4, 1].map(|check| World { near: 8_000, far: 92_000, check, ..adl }),
            |_, row| count(row.adl_events),
        ),
        curve(
            "assets",
            "assets, the same accounts and orders in all",
            [1, 2, 4, 8].map(|assets| World { near: 2_000 / assets, far: 48_000 / assets, assets, ..FIXED_BOOK }),
            |world, _| world.assets,
        ),
        told(Curve { title: "paths", unit: "paths of 20,000 accounts, 60 steps", points: paths.to_vec() }),
    ]
}

/// Small charts side by side, time against size, both logarithmic, over as many decades up as across: a line of slope 1
/// is the diagonal everywhere.
fn draw(curves: &[Curve], into: &Path) {
    register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).ok().expect("the font is sound");
    let (width, height) = (SIZE.0 * OVERSAMPLE, SIZE.1 * OVERSAMPLE);
    let mut large = vec![0; (width * height * 3) as usize];
    let scale = |size: u32| size * OVERSAMPLE;
    let (ink, blue, grey) = (RGBColor(34, 34, 34), RGBColor(0, 114, 178), RGBColor(130, 130, 130));
    let label = ("sans-serif", scale(12)).into_font().color(&ink);
    {
        let area = BitMapBackend::with_buffer(&mut large, (width, height)).into_drawing_area();
        area.fill(&WHITE).expect("the picture is in memory");
        let panels = area.split_evenly((2, 4));
        for (panel, curve) in panels.iter().zip(curves) {
            let (first, last) = (curve.points[0], curve.points[curve.points.len() - 1]);
            let (low, high) =
                curve.points.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, ms)| (low.min(*ms), high.max(*ms)));
            // A little air on both sides; the ordinate is as long, and the curve in its middle.
            let (x0, x1) = (first.0 / 1.3, last.0 * 1.3);
            let (middle, half) = ((low * high).sqrt(), (x1 / x0).sqrt().max((high / low).sqrt() * 1.3));
            let (y0, y1) = (middle / half, middle * half);
            let mut chart = ChartBuilder::on(panel)
                .caption(
                    format!("{}: slope {:.2}", curve.title, curve.exponent()),
                    ("sans-serif", scale(16)).into_font().color(&ink),
                )
                .margin(scale(8))
                .margin_right(scale(16))
                .x_label_area_size(scale(44))
                .y_label_area_size(scale(58))
                .build_cartesian_2d((x0..x1).log_scale(), (y0..y1).log_scale())
                .expect("the ranges are above zero");
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .bold_line_style(RGBColor(226, 226, 226))
                .axis_style(grey)
                .x_labels(4)
                .y_labels(4)
                .x_desc(curve.unit)
                .y_desc("ms")
                .x_label_formatter(&|size| short_power(*size))
                .y_label_formatter(&|ms| short_power(*ms))
                .label_style(label.clone())
                .axis_desc_style(label.clone())
                .draw()
                .expect("the picture is in memory");
            // Slope 1 through the first point, as far as the chart reaches.
            let guide = |size: f64| (size, first.1 * size / first.0);
            let reach = (first.0 * y1 / first.1).min(x1);
            let start = (first.0 * y0 / first.1).max(x0);
            let dashes = 22;
            let at = |i: i32| guide(start * (reach / start).powf(f64::from(i) / f64::from(2 * dashes - 1)));
            for i in 0..dashes {
                let dash = PathElement::new(vec![at(2 * i), at(2 * i + 1)], grey.stroke_width(OVERSAMPLE * 2));
                chart.draw_series([dash]).expect("the picture is in memory");
            }
            let line = PathElement::new(curve.points.clone(), blue.stroke_width(OVERSAMPLE * 2));
            chart.draw_series([line]).expect("the picture is in memory");
            let dots = curve.points.iter().map(|point| Circle::new(*point, scale(4), blue.filled()));
            chart.draw_series(dots).expect("the picture is in memory");
        }
        let note = [
            "Median time of one path",
            "(of all of them in the last chart),",
            "thread's time on a processor.",
            "",
            "Dashed: as steep as the size,",
            "slope 1 through the first point.",
        ];
        for (line, text) in (0i32..).zip(note) {
            let at = (scale(24).cast_signed(), scale(70).cast_signed() + line * scale(24).cast_signed());
            let style = ("sans-serif", scale(15)).into_font().color(&ink);
            panels[7].draw_text(text, &style, at).expect("the picture is in memory");
        }
        area.present().expect("the picture is in memory");
    }
    let small = averaged(&large, width as usize);
    let picture = BitMapElement::<_>::with_owned_buffer((0, 0), SIZE, small).expect("the size is right");
    let area = BitMapBackend::new(into, SIZE).into_drawing_area();
    area.draw(&picture).expect("the picture fits");
    area.present().expect("the folder can be written");
}

/// The mean of each square of samples.
fn averaged(large: &[u8], width: usize) -> Vec<u8> {
    let by = OVERSAMPLE as usize;
    let mut small = Vec::with_capacity(large.len() / by / by);
    for y in (0..large.len() / 3 / width).step_by(by) {
        for x in (0..width).step_by(by) {
            for channel in 0..3 {
                let square = (0..by * by).map(|i| u32::from(large[((y + i / by) * width + x + i % by) * 3 + channel]));
                small.push(u8::try_from(square.sum::<u32>() / (OVERSAMPLE * OVERSAMPLE)).unwrap_or(u8::MAX));
            }
        }
    }
    small
}

/// A tick of a logarithmic axis.
fn short_power(x: f64) -> String {
    match x {
        x if x >= 0.9995e3 => format!("{}k", (x / 1e3 * 10.0).round() / 10.0),
        x => format!("{}", (x * 1e3).round() / 1e3),
    }
}

fn main() {
    let into = Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    let curves = curves();
    std::fs::create_dir_all(into.parent().expect("it lies in a folder")).expect("the folder can be written");
    draw(&curves, &into);
    println!("{PICTURE}");
}
