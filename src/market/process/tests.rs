//! Every price process against theory or hand-worked paths, and every fault it can find.

use std::sync::Arc;

use super::*;
use crate::fault::{Paint, Source};
use crate::registry::{Node, Reading};
use crate::rng::Purpose;

fn read(text: &str, csv: &str) -> (Option<Box<dyn PriceProcess>>, Reading) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bars.csv"), csv).unwrap();
    let source = Arc::new(Source { name: "x.toml".into(), text: format!("x = {text}\n") });
    let mut reading = Reading::new(Arc::clone(&source), folder.path());
    let node = Node::parse(&source, &mut reading.faults);
    let built = PROCESSES.choose(node.get("x").unwrap(), &mut reading);
    (built, reading)
}

fn built_on(text: &str, csv: &str) -> Box<dyn PriceProcess> {
    let (built, reading) = read(text, csv);
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}

fn built(text: &str) -> Box<dyn PriceProcess> {
    built_on(text, "")
}

fn faults(text: &str, csv: &str) -> String {
    let (built, reading) = read(text, csv);
    assert!(built.is_none());
    reading.faults.render(Paint::Plain)
}

const MINUTE: Nanos = Nanos(60_000_000_000);

/// One path, with mark interval = step.
fn path(process: &dyn PriceProcess, grid: Grid, direction: Direction, path: u64) -> Vec<f64> {
    path_of_marks(process, grid, grid.step, direction, path)
}

/// One path with another mark interval.
fn path_of_marks(process: &dyn PriceProcess, grid: Grid, mark: Nanos, direction: Direction, path: u64) -> Vec<f64> {
    let mut noise = Noise::default();
    noise.draw(17, path, grid, mark, &[vec![1.0]]);
    let per_mark = usize::try_from(mark.0 / grid.step.0).unwrap();
    let mut stream = Stream::new(17, Purpose::Process, (0, 0), path);
    let mut log_index = vec![f64::NAN; grid.steps + 1];
    let draws = Draws { grid, direction, per_mark, brownian: noise.increments(0), stream: &mut stream };
    process.fill(draws, &mut log_index);
    log_index
}

/// Mean and variance of the last point over paths.
fn moments(process: &dyn PriceProcess, grid: Grid, paths: u64, of: impl Fn(f64) -> f64) -> (f64, f64) {
    let values: Vec<f64> = (0..paths).map(|i| of(path(process, grid, Direction::Down, i)[grid.steps])).collect();
    let mean = values.iter().sum::<f64>() / paths as f64;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / paths as f64)
}

const SAMPLES: [(&str, &str); 9] = [
    ("gbm", "{ kind = \"gbm\" }"),
    ("jump_diffusion", "{ kind = \"jump_diffusion\" }"),
    ("stochastic_volatility", "{ kind = \"stochastic_volatility\", intensity = 24 }"),
    ("garch", "{ kind = \"garch\" }"),
    ("hawkes_jumps", "{ kind = \"hawkes_jumps\", jump_law = \"double_exponential\" }"),
    (
        "regime_switching",
        "{ kind = \"regime_switching\", regimes = [{ duration = \"10 min\" }, { volatility = 3, duration = \"1 min\" }] }",
    ),
    ("flash_crash", "{ kind = \"flash_crash\", drop = 0.15, duration = 900 }"),
    (
        "waypoints",
        "{ kind = \"waypoints\", anchors = [{ at = \"0 s\", price = 100 }, { at = \"5 min\", price = 80 }] }",
    ),
    ("replay", REPLAY),
];

const REPLAY: &str = "{ kind = \"replay\", file = \"bars.csv\" }";

const BARS: &str = "time_utc,open,high,low,close,volume\n\
    2025-10-10T21:18:00Z,100,104,80,90,7\n\
    2025-10-10T21:19:00Z,90,95,85,92,7\n";

#[test]
fn every_kind_of_the_list_builds_with_its_defaults_and_starts_at_zero() {
    for entry in PROCESSES.entries {
        let (_, text) = SAMPLES
            .iter()
            .find(|(kind, _)| *kind == entry.kind)
            .unwrap_or_else(|| panic!("{} has no sample here", entry.kind));
        let process = built_on(text, BARS);
        for (step_s, steps) in [(1, 1_800), (7, 40), (3_600, 1), (60, 2), (1, 0)] {
            for direction in [Direction::Down, Direction::Up] {
                let grid = Grid { step: Nanos::SECOND * step_s, steps };
                let log_index = path(process.as_ref(), grid, direction, 3);
                assert_eq!(log_index[0], 0.0, "{}", entry.kind);
                assert!(log_index.iter().all(|x| x.is_finite()), "{} on {grid:?}", entry.kind);
                assert_eq!(log_index, path(process.as_ref(), grid, direction, 3), "{}", entry.kind);
                assert!(process.variance_rate() > 0.0, "{}", entry.kind);
            }
        }
    }
}

mod laws;

#[test]
fn gbm_has_the_mean_and_variance_of_theory() {
    // A year in four steps: ln I ~ N(0.3 − 0.18, 0.36), E I = e^0.3.
    let grid = Grid { step: MINUTE * 131_400, steps: 4 };
    let process = built("{ kind = \"gbm\", drift = 0.3, volatility = 0.6 }");
    let (mean, variance) = moments(process.as_ref(), grid, 40_000, |x| x);
    assert!((mean - 0.12).abs() < 4.0 * 0.6 / 200.0, "{mean}");
    assert!((variance / 0.36 - 1.0).abs() < 4.0 * (2.0f64 / 40_000.0).sqrt(), "{variance}");
    let (growth, _) = moments(process.as_ref(), grid, 40_000, f64::exp);
    let sd = (0.6f64.exp() * (0.36f64.exp() - 1.0)).sqrt();
    assert!((growth - 0.3f64.exp()).abs() < 4.0 * sd / 200.0, "{growth}");
}

#[test]
fn jump_diffusion_has_the_moments_of_merton() {
    // One day, λ = 3, J ~ N(−0.05, 0.2²): the jumps have mean −0.15 and variance 3·(0.05² + 0.2²) = 0.1275.
    let grid = Grid { step: MINUTE * 60, steps: 24 };
    let process = built(
        "{ kind = \"jump_diffusion\", drift = 0, volatility = 1.0, intensity = 3, jump_mean = -0.05, jump_sd = 0.2 }",
    );
    let kappa = (-0.05f64 + 0.02).exp() - 1.0;
    let (diffusive, wanted_variance): (f64, f64) = (1.0 / 365.0, 1.0 / 365.0 + 0.1275);
    let wanted_mean = -0.5 * diffusive - 3.0 * kappa - 0.15;
    let (mean, variance) = moments(process.as_ref(), grid, 40_000, |x| x);
    assert!((mean - wanted_mean).abs() < 4.0 * wanted_variance.sqrt() / 200.0, "{mean}, not {wanted_mean}");
    // Four standard errors with the excess kurtosis of the jumps, 0.96.
    assert!((variance / wanted_variance - 1.0).abs() < 0.035, "{variance}, not {wanted_variance}");
    // The compensator makes the expected price flat.
    let (growth, spread) = moments(process.as_ref(), grid, 40_000, f64::exp);
    assert!((growth - 1.0).abs() < 4.0 * spread.sqrt() / 200.0, "{growth}");
}

#[test]
fn jumps_keep_their_times_when_the_step_is_halved() {
    let process =
        built("{ kind = \"jump_diffusion\", volatility = 0, intensity = 200, jump_mean = -0.01, jump_sd = 0.002 }");
    let coarse = path(process.as_ref(), Grid { step: MINUTE * 2, steps: 30 }, Direction::Down, 1);
    let fine = path(process.as_ref(), Grid { step: MINUTE, steps: 60 }, Direction::Down, 1);
    for (i, x) in coarse.iter().enumerate() {
        assert!((x - fine[2 * i]).abs() < 1e-12);
    }
    let jumps = fine.windows(2).filter(|pair| (pair[1] - pair[0]).abs() > 2e-3).count();
    assert!((4..=14).contains(&jumps), "{jumps} jumps in an hour of 200 a day");
}

#[test]
fn a_flash_crash_follows_its_envelope_worked_by_hand() {
    let grid = Grid { step: Nanos::SECOND, steps: 1_200 };
    let text = |shape: &str| {
        format!(
            "{{ kind = \"flash_crash\", volatility = 0, drop = 0.2, start = 100, duration = 200, recovery_share = 0.5, recovery_half_life = \"100 s\", shape = \"{shape}\" }}"
        )
    };
    let low = 0.8f64.ln();
    let v = path(built(&text("v")).as_ref(), grid, Direction::Down, 0);
    // Half-way through the fall a quarter is done; a half-life after the low a quarter of the fall is won back.
    for (at, wanted) in
        [(0, 0.0), (100, 0.0), (200, 0.25), (300, 1.0), (400, 0.75), (500, 0.625), (1_200, 0.5 + 0.5 / 512.0)]
    {
        assert!((v[at] - wanted * low).abs() < 1e-12, "{at}: {} of the fall", v[at] / low);
    }
    let u = path(built(&text("u")).as_ref(), grid, Direction::Down, 0);
    assert!((u[200] - 0.5 * low).abs() < 1e-12 && (u[150] - low * 5.0 / 32.0).abs() < 1e-12);
    let line = path(built(&text("line")).as_ref(), grid, Direction::Down, 0);
    assert!((line[150] - 0.25 * low).abs() < 1e-12);
    let up = path(built(&text("v")).as_ref(), grid, Direction::Up, 0);
    assert!(v.iter().zip(&up).all(|(down, up)| *down == -*up));
    assert!((up[300].exp() - 1.25).abs() < 1e-12);
}

#[test]
fn a_drop_without_duration_is_a_jump_and_nothing_breaks_beyond_the_horizon() {
    let grid = Grid { step: Nanos::SECOND, steps: 10 };
    let jump =
        built("{ kind = \"flash_crash\", volatility = 0, drop = 0.5, duration = 0, start = 4, recovery_share = 0 }");
    let log_index = path(jump.as_ref(), grid, Direction::Down, 0);
    assert_eq!(log_index[3], 0.0);
    assert!((log_index[4] - 0.5f64.ln()).abs() < 1e-15 && log_index[10] == log_index[4]);
    let late = built("{ kind = \"flash_crash\", volatility = 0, drop = 0.5, duration = 10, start = 1e300 }");
    assert_eq!(path(late.as_ref(), grid, Direction::Down, 0), vec![0.0; 11]);
}

#[test]
fn fixing_one_drawn_parameter_leaves_the_others_as_drawn() {
    let grid = Grid { step: Nanos::SECOND, steps: 1_000 };
    let text = |drop: &str, duration: &str| {
        format!(
            "{{ kind = \"flash_crash\", volatility = 0, drop = {drop}, duration = {duration}, start = {{ kind = \"uniform\", min = 0, max = 300 }}, recovery_share = 0 }}"
        )
    };
    let uniform = "{ kind = \"uniform\", min = 0.1, max = 0.3 }";
    let start = |drop: &str, duration: &str, i: u64| {
        path(built(&text(drop, duration)).as_ref(), grid, Direction::Down, i).iter().position(|&x| x < 0.0).unwrap()
    };
    let mut starts = Vec::new();
    for i in 0..20 {
        let free = start(uniform, "{ kind = \"uniform\", min = 100, max = 400 }", i);
        assert_eq!(free, start("0.2", "{ kind = \"uniform\", min = 100, max = 400 }", i));
        assert_eq!(free, start(uniform, "200", i));
        starts.push(free);
    }
    starts.dedup();
    assert!(starts.len() > 15, "starts are drawn anew each path: {starts:?}");
    let process = built(&text(uniform, "10"));
    let depths: Vec<f64> =
        (0..2_000).map(|i| 1.0 - path(process.as_ref(), grid, Direction::Down, i)[1_000].exp()).collect();
    let mean = depths.iter().sum::<f64>() / 2_000.0;
    assert!((mean - 0.2).abs() < 4.0 * 0.2 / 12f64.sqrt() / 2_000f64.sqrt(), "{mean}");
}

#[test]
fn waypoints_are_met_exactly_with_the_law_of_a_bridge_between_them() {
    // Anchors on the grid, between two points of it, twice within one step, and beyond the horizon.
    let text = "{ kind = \"waypoints\", volatility = 2.0, severity = 1.5, anchors = [{ at = \"0 s\", price = 200 }, { at = \"100 s\", price = 180 }, \
        { at = \"150500 ms\", price = 150 }, { at = \"150800 ms\", price = 151 }, { at = \"1000 s\", price = 160 }] }";
    let process = built(text);
    let grid = Grid { step: Nanos::SECOND, steps: 400 };
    let paths: Vec<Vec<f64>> = (0..20_000).map(|i| path(process.as_ref(), grid, Direction::Down, i)).collect();
    let level = |price: f64| 1.5 * (price / 200.0).ln();
    let mean = |at: usize| paths.iter().map(|x| x[at]).sum::<f64>() / 20_000.0;
    let variance = |at: usize| {
        let mean = mean(at);
        paths.iter().map(|x| (x[at] - mean).powi(2)).sum::<f64>() / 20_000.0
    };
    assert!(paths.iter().all(|x| (x[100] - level(180.0)).abs() < 1e-12));
    let per_s = 4.0 / 31_536_000.0;
    for (at, wanted_mean, wanted_variance) in [
        (30, 0.3 * level(180.0), per_s * 30.0 * 70.0 / 100.0),
        (130, level(180.0) + (level(150.0) - level(180.0)) * 30.0 / 50.5, per_s * 30.0 * 20.5 / 50.5),
        (400, level(151.0) + (level(160.0) - level(151.0)) * 249.2 / 849.2, per_s * 249.2 * 600.0 / 849.2),
    ] {
        let error = 4.0 * (wanted_variance / 20_000f64).sqrt();
        assert!((mean(at) - wanted_mean).abs() < error, "{at}: mean {}, not {wanted_mean}", mean(at));
        assert!(
            (variance(at) / wanted_variance - 1.0).abs() < 0.06,
            "{at}: variance {}, not {wanted_variance}",
            variance(at)
        );
    }
    // Around the close pair of anchors the path is pinned to within a step of noise.
    let one_step = 6.0 * per_s.sqrt();
    assert!(
        paths
            .iter()
            .all(|x| (x[150] - level(150.0)).abs() < one_step + 0.03 && (x[151] - level(151.0)).abs() < one_step)
    );
}

#[test]
fn a_drawn_severity_is_one_factor_of_a_whole_path_and_has_its_law() {
    let text = |severity: &str| {
        format!(
            "{{ kind = \"waypoints\", volatility = 0, severity = {severity}, anchors = [{{ at = \"0 s\", price = 200 }}, \
             {{ at = \"100 s\", price = 180 }}, {{ at = \"200 s\", price = 150 }}] }}"
        )
    };
    let grid = Grid { step: Nanos::SECOND, steps: 300 };
    let process = built(&text("{ kind = \"uniform\", min = 0.5, max = 1.5 }"));
    let mut factors: Vec<f64> = (0..4_000)
        .map(|i| {
            let x = path(process.as_ref(), grid, Direction::Down, i);
            let factor = x[100] / 0.9f64.ln();
            assert!((x[200] - factor * 0.75f64.ln()).abs() < 1e-12 && (x[300] - x[200]).abs() < 1e-12, "{i}");
            factor
        })
        .collect();
    factors.sort_by(f64::total_cmp);
    // A uniform's quartiles; four standard errors, √(u(1 − u)/n), are at most 0.032.
    for (share, wanted) in [(0.25, 0.75), (0.5, 1.0), (0.75, 1.25)] {
        let found = factors[(4_000.0 * share) as usize];
        assert!((found - wanted).abs() < 0.032, "{share}: {found}");
    }
    let fixed = built(&text("2"));
    let x = path(fixed.as_ref(), grid, Direction::Down, 0);
    assert!((x[200] - 2.0 * 0.75f64.ln()).abs() < 1e-12);
}

#[test]
fn after_the_last_waypoint_the_noise_runs_free() {
    let process = built(
        "{ kind = \"waypoints\", volatility = 2.0, anchors = [{ at = \"0 s\", price = 1 }, { at = \"50 s\", price = 0.5 }] }",
    );
    let grid = Grid { step: Nanos::SECOND, steps: 150 };
    let (mean, variance) = moments(process.as_ref(), grid, 10_000, |x| x);
    let wanted = 4.0 / 31_536_000.0 * 100.0;
    assert!((mean - 0.5f64.ln()).abs() < 4.0 * (wanted / 10_000f64).sqrt());
    assert!((variance / wanted - 1.0).abs() < 0.06);
}

#[test]
fn bars_are_walked_through_the_adverse_extreme_first() {
    let process = built_on(REPLAY, BARS);
    let grid = Grid { step: Nanos(5_000_000_000), steps: 30 };
    let ln = |price: f64| (price / 100.0f64).ln();
    let down = path(process.as_ref(), grid, Direction::Down, 0);
    for (at, price) in [(0, 100.0), (4, 80.0), (8, 104.0), (12, 90.0), (16, 85.0), (20, 95.0), (24, 92.0), (30, 92.0)] {
        assert!((down[at] - ln(price)).abs() < 1e-12, "{at}: {}", 100.0 * down[at].exp());
    }
    assert!((down[2] - 0.5 * ln(80.0)).abs() < 1e-12);
    let up = path(process.as_ref(), grid, Direction::Up, 0);
    for (at, price) in [(4, 104.0), (8, 80.0), (12, 90.0), (16, 95.0), (20, 85.0)] {
        assert!((up[at] - ln(price)).abs() < 1e-12, "{at}: {}", 100.0 * up[at].exp());
    }
}

#[test]
fn no_extreme_is_lost_on_a_grid_that_does_not_fit_the_bars() {
    let process = built_on(REPLAY, BARS);
    for step_s in [7, 13, 25, 60] {
        let grid = Grid { step: Nanos::SECOND * step_s, steps: usize::try_from(130 / step_s + 1).unwrap() };
        let low = path(process.as_ref(), grid, Direction::Down, 0).into_iter().fold(0.0, f64::min);
        assert!((low - 0.8f64.ln()).abs() < 1e-12, "step {step_s} s: {}", low.exp());
    }
    // A horizon within the first bar stops on the way to its low.
    let short = path(process.as_ref(), Grid { step: Nanos::SECOND, steps: 10 }, Direction::Down, 0);
    assert!((short[10] - 0.5 * 0.8f64.ln()).abs() < 1e-12);
}

#[test]
fn times_are_read_in_three_forms() {
    for form in
        ["1760131080", "1760131080000", "2025-10-10T21:18:00Z", "2025-10-10 21:18", "2025-10-10T21:18:00.000+00:00"]
    {
        let csv = BARS.replace("2025-10-10T21:18:00Z", form).replace("2025-10-10T21:19:00Z", "1760131140");
        assert!(built_on(REPLAY, &csv).fill_is_finite(), "{form}");
    }
    for form in [
        "2025-13-10T21:18:00Z",
        "2025-02-29T00:00:00Z",
        "21:18",
        "2025-10-10T24:00:00Z",
        "-9000000000",
        "1969-12-31T23:59:00Z",
        "99999999999999999999",
    ] {
        let csv = BARS.replace("2025-10-10T21:18:00Z", form);
        let text = faults(REPLAY, &csv);
        assert!(text.contains("bars.csv:2:1"), "{form}: {text}");
    }
}

trait Finite {
    fn fill_is_finite(&self) -> bool;
}

impl Finite for Box<dyn PriceProcess> {
    fn fill_is_finite(&self) -> bool {
        path(self.as_ref(), Grid { step: Nanos::SECOND, steps: 120 }, Direction::Down, 0).iter().all(|x| x.is_finite())
    }
}

#[test]
fn wrong_parameters_are_located() {
    let text = [
        faults("{ kind = \"flash_crash\", drop = 1.2, duration = -5, recovery_share = { kind = \"normal\", mean = 0.5, sd = 0.1 } }", ""),
        faults("{ kind = \"flash_crash\", drop = { kind = \"unifrom\", min = 0, max = 1 }, duration = 1, shape = \"w\" }", ""),
        faults("{ kind = \"waypoints\", anchors = [] }", ""),
        faults("{ kind = \"waypoints\", anchors = [{ at = \"1 s\", price = 1 }, { at = \"1 s\", price = 0 }] }", ""),
        faults("{ kind = \"waypoints\", anchors = [{ at = \"1 s\", price = 1 }, { at = \"1 s\", price = 2 }] }", ""),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: `drop` can become 1.2
     --> x.toml:1:36
      |
    1 | x = { kind = "flash_crash", drop = 1.2, duration = -5, recovery_share = { kind = "normal", mean = 0.5, sd = 0.1 } }
      |                                    ^^^
      |
      = help: every value must be from 0 to 0.999999: cut the distribution by its `min` and `max`

    error: `duration` can become -5
     --> x.toml:1:52
      |
    1 | x = { kind = "flash_crash", drop = 1.2, duration = -5, recovery_share = { kind = "normal", mean = 0.5, sd = 0.1 } }
      |                                                    ^^
      |
      = help: every value must be 0 or more, and finite: cut the distribution by its `min` and `max`

    error: `recovery_share` can become -inf
     --> x.toml:1:73
      |
    1 | x = { kind = "flash_crash", drop = 1.2, duration = -5, recovery_share = { kind = "normal", mean = 0.5, sd = 0.1 } }
      |                                                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: every value must be from 0 to 1: cut the distribution by its `min` and `max`

    error: `shape` cannot be "w"
     --> x.toml:1:98
      |
    1 | x = { kind = "flash_crash", drop = { kind = "unifrom", min = 0, max = 1 }, duration = 1, shape = "w" }
      |                                                                                                  ^^^
      |
      = help: did you mean "u"?

    error: `anchors` is empty
     --> x.toml:1:37
      |
    1 | x = { kind = "waypoints", anchors = [] }
      |                                     ^^
      |
      = help: give at least { at = "0 s", price = … }

    error: `price` cannot be 0
     --> x.toml:1:87
      |
    1 | x = { kind = "waypoints", anchors = [{ at = "1 s", price = 1 }, { at = "1 s", price = 0 }] }
      |                                                                                       ^
      |
      = help: it takes a number above 0 (any: only ratios to the first anchor count)

    error: the first anchor stands at 1 s
     --> x.toml:1:45
      |
    1 | x = { kind = "waypoints", anchors = [{ at = "1 s", price = 1 }, { at = "1 s", price = 2 }] }
      |                                             ^^^^^
      |
      = help: let it stand at "0 s"

    error: the anchor at 1 s does not follow the one at 1 s
     --> x.toml:1:72
      |
    1 | x = { kind = "waypoints", anchors = [{ at = "1 s", price = 1 }, { at = "1 s", price = 2 }] }
      |                                                                        ^^^^^
      |
      = help: sort the anchors by time and give each time once
    "#);
}

#[test]
fn wrong_bars_are_located_all_at_once() {
    let csv = "time_utc,open,high,low,close\n\
        2025-10-10T21:00:00Z,100,101,99,100\n\
        2025-10-10T21:01:00Z,100,101,99,100\n\
        2025-10-10T21:01:00Z,100,101,99,100\n\
        2025-10-10T21:02:00Z,abc,101,NaN,100\n\
        2025-10-10T21:05:00Z,100,101,99,0\n\
        2025-10-10T21:04:00Z,100,90,99,100\n\
        yesterday,100,101,100.5,100\n\
        2025-10-10T21:05:00Z,100\n";
    let text = [
        faults(REPLAY, csv),
        faults(REPLAY, "time_utc,open,high,low,close\n0,1,1,1,1\n"),
        faults(REPLAY, "time,opn,high,low,close\n0,1,1,1,1\n"),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: this bar stands twice
     --> bars.csv:4:1
      |
    4 | 2025-10-10T21:01:00Z,100,101,99,100
      | ^^^^^^^^^^^^^^^^^^^^
      |
      = help: keep one row a bar

    error: `open` cannot be "abc"
     --> bars.csv:5:22
      |
    5 | 2025-10-10T21:02:00Z,abc,101,NaN,100
      |                      ^^^
      |
      = help: a finite number is expected

    error: `low` cannot be "NaN"
     --> bars.csv:5:30
      |
    5 | 2025-10-10T21:02:00Z,abc,101,NaN,100
      |                              ^^^
      |
      = help: a finite number is expected

    error: this bar starts 180 s after the one above it, a bar is 60 s long
     --> bars.csv:6:1
      |
    6 | 2025-10-10T21:05:00Z,100,101,99,0
      | ^^^^^^^^^^^^^^^^^^^^
      |
      = help: fill the gap, let `gaps = "hold"` fill it, or set `bar` to the length of a bar

    error: `close` = 0 is no price
     --> bars.csv:6:33
      |
    6 | 2025-10-10T21:05:00Z,100,101,99,0
      |                                 ^
      |
      = help: prices are above 0

    error: this bar starts 60 s before the row above it
     --> bars.csv:7:1
      |
    7 | 2025-10-10T21:04:00Z,100,90,99,100
      | ^^^^^^^^^^^^^^^^^^^^
      |
      = help: sort the rows by time

    error: the highest price 90 lies below another price of its bar
     --> bars.csv:7:26
      |
    7 | 2025-10-10T21:04:00Z,100,90,99,100
      |                          ^^
      |
      = help: high is the greatest of the four

    error: "yesterday" is no time
     --> bars.csv:8:1
      |
    8 | yesterday,100,101,100.5,100
      | ^^^^^^^^^
      |
      = help: write 2025-10-10T20:57:00Z, or seconds or milliseconds since 1970

    error: the lowest price 100.5 lies above another price of its bar
     --> bars.csv:8:19
      |
    8 | yesterday,100,101,100.5,100
      |                   ^^^^^
      |
      = help: low is the least of the four

    error: this row has 2 cells and the header 5
     --> bars.csv:9:1
      |
    9 | 2025-10-10T21:05:00Z,100
      | ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: give every row a cell for every column

    error: one bar alone does not say how long it is
     --> x.toml:1:31
      |
    1 | x = { kind = "replay", file = "bars.csv" }
      |                               ^^^^^^^^^^
      |
      = help: add the key `bar`, as "1 min"

    error: `bars.csv` has no column `time_utc`
     --> x.toml:1:5
      |
    1 | x = { kind = "replay", file = "bars.csv" }
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: its columns are time, opn, high, low, close

    error: `bars.csv` has no column `open`
     --> x.toml:1:5
      |
    1 | x = { kind = "replay", file = "bars.csv" }
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `opn`?
    "#);
}

#[test]
fn a_bar_file_of_faults_is_cut_at_a_hundred() {
    let csv = format!("time_utc,open,high,low,close\n{}", "x,y,z,v,w\n".repeat(1_000));
    let (_, reading) = read(REPLAY, &csv);
    assert_eq!(reading.faults.len(), 100);
}

#[test]
fn a_million_bars_are_read_and_one_slip_among_them_is_found() {
    use std::fmt::Write as _;
    let mut csv = String::from("time_utc,open,high,low,close\n");
    for i in 0..1_000_000 {
        writeln!(csv, "{},100,101,99,100", 1_760_000_000 + 60 * i).unwrap();
    }
    let (bars, reading) = read(REPLAY, &csv);
    assert!(bars.is_some() && reading.faults.is_empty(), "{}", reading.faults.render(Paint::Plain));
    let row = format!("{},100,101,99,100\n", 1_760_000_000 + 60 * 699_998);
    let twice = csv.replacen(&row, &format!("{row}{row}"), 1);
    let text = faults(REPLAY, &twice);
    assert!(text.contains("this bar stands twice") && text.contains("bars.csv:700001:1"), "{text}");
    assert_eq!(text.matches("error:").count(), 1, "{text}");
}
