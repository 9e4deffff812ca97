//! The pictures of the price processes in docs/methods.md: they are what is drawn today.
//!
//! After an intended change:
//!
//! ```text
//! cargo test --test main pictures -- --ignored
//! ```

use std::path::Path;
use std::sync::Arc;

use flashcrash::fault::{Paint, Source};
use flashcrash::market::process::{Direction, Draws, Grid, Noise, PROCESSES, PriceProcess};
use flashcrash::money::Nanos;
use flashcrash::registry::{Node, Reading};
use flashcrash::rng::{Purpose, Stream};
use plotters::element::BitMapElement;
use plotters::prelude::*;
use plotters::style::register_font;

use crate::lab;

/// File, what is written, hours, and the process.
const PICTURES: [(&str, &str, f64, &str); 11] = [
    ("gbm", "gbm: volatility 0.6 a year", 6.0, "{ kind = \"gbm\" }"),
    (
        "jump-diffusion",
        "jump_diffusion: Kou, 8 jumps a day",
        24.0,
        "{ kind = \"jump_diffusion\", intensity = 8, jump_law = \"double_exponential\", up_mean = 0.01, down_mean = 0.02 }",
    ),
    (
        "stochastic-volatility",
        "stochastic_volatility: Heston, half-life 2 h",
        24.0,
        "{ kind = \"stochastic_volatility\", half_life = \"2 h\", vol_of_vol = 40 }",
    ),
    (
        "garch",
        "garch: 1 min, 0.12 + 0.87, Student t of 4 degrees",
        24.0,
        "{ kind = \"garch\", degrees_of_freedom = 4, alpha = 0.12, beta = 0.87 }",
    ),
    (
        "hawkes-jumps",
        "hawkes_jumps: each jump sets off 0.8 more, half-life 3 min",
        24.0,
        "{ kind = \"hawkes_jumps\", volatility = 0.3, branching = 0.8, half_life = \"3 min\", intensity = 12 }",
    ),
    (
        "regime-switching",
        "regime_switching: 0.3 for 2 h, 2.5 for 15 min",
        24.0,
        "{ kind = \"regime_switching\", regimes = [{ volatility = 0.3, duration = \"2 h\" }, { volatility = 2.5, duration = \"15 min\" }] }",
    ),
    (
        "flash-crash",
        "flash_crash: v, drop 2 to 10 %, recovery 30 to 80 %",
        0.5,
        "{ kind = \"flash_crash\", drop = { kind = \"uniform\", min = 0.02, max = 0.1 }, duration = { kind = \"uniform\", min = 300, max = 1_200 }, start = 60, recovery_share = { kind = \"uniform\", min = 0.3, max = 0.8 }, recovery_half_life = \"4 min\" }",
    ),
    (
        "two-stage",
        "flash_crash: two_stage, plateau of 40 %",
        0.5,
        "{ kind = \"flash_crash\", shape = \"two_stage\", drop = 0.1, duration = 1_200, start = 60, recovery_half_life = \"4 min\" }",
    ),
    (
        "grind",
        "flash_crash: grind of five legs",
        6.0,
        "{ kind = \"flash_crash\", shape = \"grind\", drop = 0.15, duration = 18_000, start = 900, recovery_share = 0.1 }",
    ),
    (
        "waypoints",
        "waypoints: three anchors, severity 1",
        0.5,
        "{ kind = \"waypoints\", volatility = 1.0, anchors = [{ at = \"0 s\", price = 100 }, { at = \"10 min\", price = 96 }, { at = \"15 min\", price = 89 }, { at = \"25 min\", price = 95 }] }",
    ),
    (
        "replay",
        "replay: an hour of minute bars joined anew in blocks of 10 min",
        1.0,
        "{ kind = \"replay\", file = \"bars.csv\", block = \"10 min\" }",
    ),
];

const PATHS: u64 = 400;
const POINTS: usize = 240;
const SHOWN: usize = 5;
const SIZE: (u32, u32) = (640, 290);

fn process(text: &str, base: &Path) -> Box<dyn PriceProcess> {
    let source = Arc::new(Source { name: "picture.toml".into(), text: format!("x = {text}\n") });
    let mut reading = Reading::new(Arc::clone(&source), base);
    let node = Node::parse(&source, &mut reading.faults);
    let built = PROCESSES.choose(node.get("x").unwrap(), &mut reading);
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}

/// Log index of one path at `POINTS` + 1 times, on steps of a tenth of their distance.
fn path(process: &dyn PriceProcess, hours: f64, path: u64) -> Vec<f64> {
    const FINE: usize = 10;
    let step = Nanos((hours * 3.6e12 / (POINTS * FINE) as f64) as i64);
    let grid = Grid { step, steps: POINTS * FINE };
    let mut noise = Noise::default();
    noise.draw(1, path, grid, step, &[vec![1.0]]);
    let mut stream = Stream::new(1, Purpose::Process, (0, 0), path);
    let mut log_index = vec![0.0; grid.steps + 1];
    let draws =
        Draws { grid, direction: Direction::Down, per_mark: 1, brownian: noise.increments(0), stream: &mut stream };
    process.fill(draws, &mut log_index);
    log_index.into_iter().step_by(FINE).collect()
}

/// An hour of minute bars from one path of a GARCH process.
fn bars(folder: &Path) {
    let log_index = path(process("{ kind = \"garch\", volatility = 1 }", folder).as_ref(), 1.0, 7);
    let mut text = "time_utc,open,high,low,close\n".to_owned();
    for (i, bar) in log_index.windows(5).step_by(4).enumerate() {
        let prices: Vec<f64> = bar.iter().map(|x| 100.0 * x.exp()).collect();
        let (low, high) = prices.iter().fold((f64::MAX, f64::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        text.push_str(&format!("{},{},{high},{low},{}\n", 60 * i, prices[0], prices[4]));
    }
    std::fs::write(folder.join("bars.csv"), text).unwrap();
}

#[test]
#[ignore = "draws docs/img/process-*.png"]
fn every_process_has_its_picture() {
    draw(&lab::root().join("docs/img"));
}

#[test]
fn no_picture_of_a_process_is_stale() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path());
    for (name, ..) in PICTURES {
        let file = format!("process-{name}.png");
        let [shown, drawn] =
            [lab::root().join("docs/img"), folder.path().into()].map(|place| std::fs::read(place.join(&file)).unwrap());
        assert!(shown == drawn, "docs/img/{file} is stale: `cargo test --test main pictures -- --ignored` draws it");
    }
}

fn draw(into: &Path) {
    register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).ok().unwrap();
    let folder = tempfile::tempdir().unwrap();
    bars(folder.path());
    for (name, title, hours, text) in PICTURES {
        let process = process(text, folder.path());
        let paths: Vec<Vec<f64>> = (0..PATHS).map(|i| path(process.as_ref(), hours, i)).collect();
        let at = |i: usize| {
            let mut here: Vec<f64> = paths.iter().map(|path| 100.0 * path[i].exp()).collect();
            here.sort_by(f64::total_cmp);
            here
        };
        let quantile = |here: &[f64], share: f64| here[(share * PATHS as f64) as usize - 1];
        let columns: Vec<Vec<f64>> = (0..=POINTS).map(at).collect();
        let shown = &paths[..SHOWN];
        let all = shown.iter().flatten().map(|x| 100.0 * x.exp());
        let band = columns.iter().flat_map(|here| [quantile(here, 0.05), quantile(here, 0.95)]);
        let (low, high) = all.chain(band).fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        let air = 0.04 * (high - low);

        let file = into.join(format!("process-{name}.png"));
        let mut pixels = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
        let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
        area.fill(&WHITE).unwrap();
        let unit = if hours > 1.0 { ("hours", 1.0) } else { ("minutes", 60.0) };
        let x = |i: usize| hours * unit.1 * i as f64 / POINTS as f64;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 19))
            .margin(8)
            .margin_right(26)
            .x_label_area_size(40)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..hours * unit.1, low - air..high + air)
            .unwrap();
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc(unit.0)
            .y_desc("index, open = 100")
            .y_labels(6)
            // Ticks of whole numbers need no decimals.
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| if high - low < 6.0 { format!("{y:.1}") } else { format!("{y:.0}") })
            .label_style(("sans-serif", 14))
            .draw()
            .unwrap();
        let lower = columns.iter().enumerate().map(|(i, here)| (x(i), quantile(here, 0.05)));
        let upper = columns.iter().enumerate().rev().map(|(i, here)| (x(i), quantile(here, 0.95)));
        let band: Vec<(f64, f64)> = lower.chain(upper).collect();
        chart.draw_series([Polygon::new(band, RGBColor(204, 204, 255))]).unwrap();
        for (i, path) in shown.iter().enumerate() {
            let colour = [
                RGBColor(0, 114, 178),
                RGBColor(213, 94, 0),
                RGBColor(0, 130, 100),
                RGBColor(148, 60, 120),
                RGBColor(90, 90, 90),
            ][i];
            let points = path.iter().enumerate().map(|(i, level)| (x(i), 100.0 * level.exp()));
            chart.draw_series(LineSeries::new(points, colour)).unwrap();
        }
        area.present().unwrap();
        drop(chart);
        drop(area);
        // Six shades a channel: half the bytes of the file.
        for channel in &mut pixels {
            *channel = channel.saturating_add(25) / 51 * 51;
        }
        let area = BitMapBackend::new(&file, SIZE).into_drawing_area();
        area.draw(&BitMapElement::with_owned_buffer((0, 0), SIZE, pixels).unwrap()).unwrap();
        area.present().unwrap();
        let size = std::fs::metadata(&file).unwrap().len();
        println!("{name}: {size} bytes");
        assert!(size < 60_000, "{name}: {size} bytes");
    }
}
