//! Charts and tables of synthetic folders: the ordinary one and every awkward one.

use rust_decimal::dec;

use super::charts::{Data, all};
use super::scene::tests::{assert_readable, boxes};
use super::scene::{Scene, Shape};
use super::*;
use crate::facts::{Column, Conduct, Outcome, Sample};
use crate::folder::schema::{BEHAVIOURS, CHARTS};
use crate::folder::series::Series;
use crate::folder::trace::{Deleveraged, Frames, LiquidationMap, Story, Traced};
use crate::folder::{AdlFrom, Adverse, Flag, Header, Metric, VERSION, Writer};
use crate::money::{Cash, Nanos, Quantum, Ratio};
use crate::stats::Estimate;
use crate::stats::bootstrap::{normal, splitmix, unit};
use crate::stats::moments::{Moments, Pairs};
use crate::stats::proportion;
use crate::stats::quantile::{Selector, Share};

/// How the fund need of a path is drawn, in whole dollars.
type Need = fn(f64, f64) -> f64;

pub(super) struct Case {
    pub(super) name: &'static str,
    paths: u64,
    need: Need,
    fund: f64,
    /// Depth of the crash as a share of the price; negative for a rise.
    depth: f64,
    open: f64,
    tick: rust_decimal::Decimal,
}

pub(super) fn cases() -> Vec<Case> {
    let crash = Case {
        name: "flash-crash",
        paths: 2_000,
        need: |u, z| if u < 0.2 { 0.0 } else { 1.2e6 * (0.7 * z).exp() },
        fund: 2e6,
        depth: 0.12,
        open: 114_500.0,
        tick: dec!(0.1),
    };
    vec![
        Case { name: "quiet-day", need: |_, _| 0.0, depth: 0.0, ..crash },
        Case { name: "one-path", paths: 1, ..crash },
        Case { name: "mostly-zero", need: |u, z| if u < 0.97 { 0.0 } else { 3e5 * (0.9 * z).exp() }, ..crash },
        Case { name: "nine-decades", need: |_, z| 1e4 * (5.0 * z).exp(), ..crash },
        Case { name: "short-squeeze", depth: -0.3, ..crash },
        Case {
            name: "small-coin",
            open: 0.934,
            tick: dec!(0.00001),
            depth: 0.02,
            fund: 5e3,
            need: |_, z| 900.0 + 40.0 * z,
            ..crash
        },
        Case { name: "vast-fund", fund: 1.2e9, ..crash },
        Case { name: "no-fund", fund: 0.0, ..crash },
        Case { name: "behaviours", ..crash },
        crash,
    ]
}

pub(super) struct Drawn {
    pub(super) header: Header,
    pub(super) metrics: Vec<Metric>,
    pub(super) rows: Vec<Outcome>,
    series: Series,
    pub(super) traces: Vec<Traced>,
    pub(super) conduct: Vec<(Column, Estimate)>,
}

fn dollars(amount: f64) -> i64 {
    (amount * 1e6).round() as i64
}

/// Two paths in full: one without ADL, one with winners who pay, one who gains and ties.
fn traces(case: &Case) -> Vec<Traced> {
    if case.depth == 0.0 {
        return Vec::new();
    }
    let times: Vec<f64> = (0..=60).map(|i| f64::from(i) * 30.0).collect();
    let column = |from: f64, to: f64| times.iter().map(|t| from + (to - from) * t / 1_800.0).collect::<Vec<f64>>();
    let frames = |path: u64, winners: u32| Frames {
        path,
        roles: vec![if winners > 0 { "worst fund need" } else { "median fund need" }.into()],
        fund_need: f64::from(winners) * 1e5,
        time_s: times.clone(),
        index: column(case.open, case.open * (1.0 - case.depth)),
        traded: column(case.open, case.open * (1.0 - 1.2 * case.depth)),
        mark: column(case.open, case.open * (1.0 - 1.1 * case.depth)),
        displacement: column(0.0, -0.02),
        depth_left: column(1.0, 0.1),
        fund: column(case.fund, 0.0),
        maker: column(0.0, 1e5),
        venue: column(0.0, 0.0),
        backstop: column(0.0, 0.0),
        deficit: column(0.0, 0.0),
        liquidated_long: column(0.0, 2e7),
        liquidated_short: column(0.0, 1e6),
        adl: column(0.0, f64::from(winners) * 1e4),
        open_interest: column(9e8, 3e8),
        leverage: column(9.5, 3.2),
        orders: (0..=60).collect(),
        // Ten steps to each side; those below the open are passed one after another and are empty then.
        map: LiquidationMap {
            low: case.open * (1.0 - 1.5 * case.depth.abs()),
            step: case.open * 0.15 * case.depth.abs(),
            open: case.open,
            steps: (0..20_usize)
                .map(|at| {
                    let mut changes = vec![(0, 1e6 * (at + 1) as f64)];
                    changes.extend((at < 10).then(|| (6 * (10 - at), 0.0)).filter(|(frame, _)| *frame < 50));
                    changes
                })
                .collect(),
        },
        queue: vec![Vec::new(); 61],
        deleveraged: (0..winners)
            .map(|account| Deleveraged {
                account,
                notional: 1e4,
                haircut: f64::from(account) * 37.0 - 50.0,
                unrealised: 5_000.0,
            })
            .collect(),
        names: Vec::new(),
    };
    let venue = Story { account: None, name: "venue".into(), liquidated: 0.0, deleveraged: 0.0, events: Vec::new() };
    [(0, 0), (7, 40)]
        .map(|(path, winners)| Traced { frames: frames(path, winners), stories: vec![venue.clone()] })
        .to_vec()
}

/// A folder's content for a case: the shapes are plausible, the numbers mean nothing.
pub(super) fn draw_case(case: &Case) -> Drawn {
    let mut next = splitmix(42);
    let times: Vec<Nanos> = (0..=180).map(|i| Nanos(i * 10_000_000_000)).collect();
    let mut series = Series::new(times.clone());
    let tick = Quantum::new(case.tick).unwrap().to_f64();
    let quiet = case.depth == 0.0;
    let mut rows = Vec::new();
    for path in 0..case.paths {
        let need = (case.need)(unit(next()), normal(&mut next));
        let (severity, extra) = ((0.25 * normal(&mut next)).exp(), (0.3 * normal(&mut next)).exp());
        let scale = if quiet { 0.0 } else { severity * 22e6 };
        let mut samples = Vec::new();
        for time in &times {
            let t = time.seconds() / 1_800.0;
            let fall = if t < 0.3 {
                0.0
            } else {
                (1.0 - ((t - 0.4) / 0.1).powi(2)).max(0.0) + 0.4 * (1.0 - (-(t - 0.3) * 20.0).exp())
            };
            let noise = 0.0006 * normal(&mut next);
            let index = case.open * (1.0 - case.depth * severity * fall * 0.7 + noise);
            let done = if t < 0.3 { 0.0 } else { 1.0 - (-(t - 0.3) * 25.0).exp() };
            let (long, short) = if case.depth >= 0.0 { (0.96, 0.04) } else { (0.07, 0.93) };
            samples.push(Sample {
                index_exogenous: (index / tick) as i64,
                index: (index / tick) as i64,
                traded: ((index - case.open * case.depth * severity * fall * 0.2 * extra) / tick) as i64,
                fund: dollars((case.fund - need * done).max(0.0)),
                liquidated_long: dollars(scale * done * long),
                liquidated_short: dollars(scale * done * short),
                adl: 0,
                depth_left: (1e9 * (1.0 - 0.8 * done * severity.min(1.0))) as i64,
            });
        }
        let lowest = samples.iter().map(|s| s.traded).min().unwrap();
        rows.push(Outcome {
            path,
            liquidations: i64::from(!quiet) * 700,
            liquidated_notional: dollars(scale),
            fund_need: dollars(need.max(0.0)),
            fund_draw: dollars(need.clamp(0.0, case.fund)),
            adl_events: i64::from(need > case.fund),
            traded_low: lowest,
            exhausted_at_s: (need > case.fund).then_some(700_000_000_000),
            ..Outcome::default()
        });
        if path < 300 {
            series.push(samples);
        }
    }
    let header = Header {
        scenario: case.name.into(),
        about: "A picture in a test.".into(),
        file: format!("{}.toml", case.name),
        set: Vec::new(),
        hash: "3f9ac1".repeat(10),
        seed: 20_251_010,
        paths: case.paths,
        series_paths: case.paths.min(300),
        version: VERSION.into(),
        currency: "USDT".into(),
        cash_unit: Quantum::new(dec!(0.000001)).unwrap(),
        symbol: "BTCUSDT".into(),
        tick: Quantum::new(case.tick).unwrap(),
        adverse: if case.depth >= 0.0 { Adverse::Down } else { Adverse::Up },
        accounts: 20_000,
        horizon: Nanos(1_800_000_000_000),
        fund_open: Cash(dollars(case.fund)),
        fund_floor: Cash(0),
        adl: Some(if case.name == "vast-fund" {
            AdlFrom::Fall { start: Ratio(300_000_000), stop: Ratio(250_000_000) }
        } else {
            AdlFrom::Floor
        }),
        inverse: false,
        behaviours: case.name == "behaviours",
        tilt: None,
    };
    let metrics = metrics(&rows, quiet, case.depth);
    let conduct = if header.behaviours { conduct() } else { Vec::new() };
    Drawn { header, metrics, rows, series, traces: traces(case), conduct }
}

/// Every column of what accounts do has moved something, the last amounts the least.
fn conduct() -> Vec<(Column, Estimate)> {
    let mean = |at: usize| {
        let estimate = 9e6 / (1.0 + at as f64 * at as f64);
        Estimate { estimate, low: 0.9 * estimate, high: 1.2 * estimate, level: 0.95, standard_error: None }
    };
    Conduct::COLUMNS.iter().enumerate().map(|(at, column)| (*column, mean(at))).collect()
}

fn metrics(rows: &[Outcome], quiet: bool, depth: f64) -> Vec<Metric> {
    let p99 = Share::percent(99);
    let n = rows.len() as u64;
    let mut need = Histogram::default();
    rows.iter().for_each(|row| need.add(row.fund_need));
    let mut selector = Selector::for_shares(&need, &[p99], 0.95);
    rows.iter().for_each(|row| selector.see(row.fund_need));
    let share = |event: fn(&Outcome) -> bool| proportion(rows.iter().filter(|row| event(row)).count() as u64, n, 0.95);
    let mean = |value: fn(&Outcome) -> i64, unit: f64| {
        let mut moments = Moments::default();
        rows.iter().for_each(|row| moments.add(value(row)));
        moments.mean(0.95).map(|e| e.times(unit).at_least(0.0))
    };
    let mut ratio = Pairs::default();
    rows.iter().for_each(|row| ratio.add(row.traded_low + 130, row.traded_low));
    let long = if depth >= 0.0 { 0.96 } else { 0.07 };
    let metric = |name: &str, unit: &str, estimate: Option<Estimate>, flags: &[Flag]| Metric {
        name: name.into(),
        unit: unit.into(),
        estimate,
        flags: flags.to_vec(),
    };
    let ratio = Estimate { estimate: 1.232, low: 1.214, high: 1.251, level: 0.95, standard_error: Some(0.01) };
    vec![
        metric("p_fund_exhausted", "share", share(|row| row.exhausted_at_s.is_some()), &[]),
        metric("p_adl", "share", share(|row| row.adl_events > 0), &[]),
        metric("fund_draw_mean", "USDT", mean(|row| row.fund_draw, 1e-6), &[Flag::Censored]),
        metric("fund_need_mean", "USDT", mean(|row| row.fund_need, 1e-6), &[Flag::TailDominated]),
        metric("fund_need_var_99", "USDT", selector.value_at_risk(p99, 0.95).map(|e| e.times(1e-6).at_least(0.0)), &[]),
        metric(
            "fund_need_es_99",
            "USDT",
            selector.expected_shortfall(p99, 0.95).map(|e| e.times(1e-6).at_least(0.0)),
            &[Flag::ThinTail],
        ),
        metric("liquidated_notional_mean", "USDT", mean(|row| row.liquidated_notional, 1e-6), &[]),
        metric("liquidations_mean", "orders", mean(|row| row.liquidations, 1.0), &[Flag::Identical]),
        metric("liquidated_long_share", "share", (!quiet).then(|| Estimate::exact(long, 0.95)), &[]),
        metric("unfunded_deficit_mean", "USDT", mean(|row| row.unfunded_deficit, 1e-6), &[]),
        metric("cascade_amplification", "ratio", None, &[]),
        metric("price_amplification", "ratio", (!quiet).then_some(ratio), &[]),
    ]
}

/// Hands over what charts and page are made from.
pub(super) fn with_data<T>(drawn: &Drawn, make: impl FnOnce(&Data<'_>) -> T) -> T {
    let mut need = Histogram::default();
    drawn.rows.iter().for_each(|row| need.add(row.fund_need));
    let bands = drawn.series.bands();
    make(&Data {
        header: &drawn.header,
        metrics: &drawn.metrics,
        bands: &bands,
        need: &need,
        traces: &drawn.traces,
        what_if: None,
        conduct: &drawn.conduct,
    })
}

fn scenes(drawn: &Drawn) -> Vec<(&'static str, Scene)> {
    with_data(drawn, |data| all(data).iter().map(|plot| (plot.name, plot.scene())).collect())
}

fn write(drawn: &Drawn, dir: &Path) {
    let mut writer = Writer::create(dir, drawn.header.clone()).unwrap();
    writer.rows(&drawn.rows).unwrap();
    writer.series(&drawn.series).unwrap();
    writer.conduct(&drawn.conduct).unwrap();
    writer.summary(&drawn.metrics).unwrap();
    for trace in &drawn.traces {
        writer.trace(&trace.frames, &trace.stories, &mut |_| Ok(())).unwrap();
    }
    draw(writer.staged(), &House::default()).unwrap();
    writer.finish().unwrap();
}

#[test]
fn no_text_of_any_chart_touches_another_or_leaves_the_picture() {
    for case in cases() {
        for (name, scene) in scenes(&draw_case(&case)) {
            println!("{} {name}", case.name);
            assert_readable(&scene);
            for (text, _) in boxes(&scene) {
                let bytes = text.as_bytes();
                let exponent = bytes.windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1] == b'e');
                assert!(!exponent && !text.contains("NaN") && !text.contains("inf"), "`{text}`");
            }
        }
    }
}

#[test]
fn both_sides_have_their_bands_and_a_quiet_day_has_none() {
    let areas = |case: &Case, chart: usize| {
        let scene = &scenes(&draw_case(case))[chart].1;
        scene.shapes.iter().filter(|shape| matches!(shape, Shape::Area { .. })).count()
    };
    let (quiet, crash) = (&cases()[0], &cases()[9]);
    // Two swatches of the legend, and two bands for each side.
    assert_eq!((areas(crash, 1), areas(quiet, 1)), (6, 2));
    assert_eq!((areas(crash, 0), areas(quiet, 0)), (4, 2));
    // The bars hold all paths that need something, none of them twice.
    let drawn = draw_case(crash);
    let needy = drawn.rows.iter().filter(|row| row.fund_need > 0).count() as f64 / drawn.rows.len() as f64;
    let scene = scenes(&drawn).swap_remove(3).1;
    let bars: Vec<f64> = scene
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Area { points, .. } => Some(points[0].1 - points[1].1),
            _ => None,
        })
        .collect();
    let tick = |text: &str| boxes(&scene).iter().find(|(label, _)| label == text).map(|(_, b)| b[1]).unwrap();
    let unit = (tick("0 %") - tick("10 %")) / 0.1;
    assert!(
        (bars.iter().sum::<f64>() / unit - needy).abs() < 1e-6,
        "{} against {needy}",
        bars.iter().sum::<f64>() / unit
    );
}

#[test]
fn titles_state_the_finding() {
    let titles = |name: &str| {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        let scenes = scenes(&draw_case(&case));
        scenes.iter().map(|(name, scene)| format!("{name}: {}", boxes(scene)[0].0)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(titles("flash-crash"), @r"
    fund: The fund of 2M USDT is exhausted on 18 % of the crashes (95 %: 17 % … 20 %)
    liquidations: 22.7M USDT are liquidated per crash on average (95 %: 22.4M … 22.9M), 96 % of it long
    price: Liquidations deepen the fall by 23 % (95 %: 21 % … 25 %)
    fund_need: One crash in a hundred needs a fund above 5.12M USDT; the venue has 2M USDT
    exceedance: 18 % of the crashes need more than the 2M USDT at hand (95 %: 17 % … 20 %)
    adl: Winners are deleveraged on 18 % of the crashes (95 %: 17 % … 20 %)
    haircut: Half of the 38 winners who pay on path 7 give up 14 % of their profit or more
    lorenz: The top 4 of 40 deleveraged on path 7 bear 20 % of the loss against the mark
    liquidation_map: The mark of path 7 passes liquidation prices of 49M USDT; 210M stand within 18 % of the opening
    open_interest: Open interest falls by 67 % on path 7, from 900M to 300M USDT
    leverage: Leverage goes from 9.5x to 3.2x on path 7
    ");
    insta::assert_snapshot!(titles("quiet-day"), @r"
    fund: No forced order on any path: the fund of 2M USDT stays untouched
    liquidations: No position is liquidated on any path
    price: The index never moves against the crowd: nothing to amplify
    fund_need: No path needs the fund: 0 of 2,000 paths
    exceedance: No path needs the fund: 0 of 2,000 paths
    adl: Nobody is deleveraged (95 %: on less than 0.18 %)
    haircut: Nobody pays a haircut
    lorenz: Nobody pays by ADL
    liquidation_map: No path is kept in full
    open_interest: No path is kept in full
    leverage: No path is kept in full
    ");
    insta::assert_snapshot!(titles("short-squeeze"), @r"
    fund: The fund of 2M USDT is exhausted on 18 % of the crashes (95 %: 17 % … 20 %)
    liquidations: 22.7M USDT are liquidated per crash on average (95 %: 22.4M … 22.9M), 93 % of it short
    price: Liquidations heighten the rise by 23 % (95 %: 21 % … 25 %)
    fund_need: One crash in a hundred needs a fund above 5.12M USDT; the venue has 2M USDT
    exceedance: 18 % of the crashes need more than the 2M USDT at hand (95 %: 17 % … 20 %)
    adl: Winners are deleveraged on 18 % of the crashes (95 %: 17 % … 20 %)
    haircut: Half of the 38 winners who pay on path 7 give up 14 % of their profit or more
    lorenz: The top 4 of 40 deleveraged on path 7 bear 20 % of the loss against the mark
    liquidation_map: The mark of path 7 passes liquidation prices of 98M USDT; 210M stand within 45 % of the opening
    open_interest: Open interest falls by 67 % on path 7, from 900M to 300M USDT
    leverage: Leverage goes from 9.5x to 3.2x on path 7
    ");
}

/// The chart of behaviours stands only where there are any, and every chart that the folder's list names is drawn.
#[test]
fn the_charts_are_those_of_the_list() {
    let names = |name: &str| {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        with_data(&draw_case(&case), |data| all(data).iter().map(|plot| plot.name).collect::<Vec<_>>())
    };
    let listed: Vec<&str> = CHARTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names("behaviours"), listed);
    assert_eq!(names("flash-crash"), listed[..listed.len() - 1]);
}

#[test]
fn levels_of_the_fund_say_where_adl_takes_over() {
    let legend = |name: &str| {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        with_data(&draw_case(&case), |data| {
            let legend = all(data).swap_remove(0).legend;
            legend.into_iter().skip(3).map(|(_, text)| text).collect::<Vec<_>>()
        })
    };
    assert_eq!(legend("flash-crash"), ["floor, where ADL takes over, 0 USDT"]);
    // 30 % and 25 % of 1.2 billion below it.
    assert_eq!(
        legend("vast-fund"),
        ["floor, 0 USDT", "ADL starts 30 % below the peak, 840M USDT", "ends 25 % below it, 900M USDT"]
    );
}

#[test]
fn the_table_is_aligned_and_footnoted() {
    let case = cases().pop().unwrap();
    let drawn = draw_case(&case);
    insta::assert_snapshot!(headline(&drawn.header, &drawn.metrics, Path::new("output/flash-crash")), @r"
    flash-crash: 2,000 paths, seed 20251010, fund 2M USDT

      per crash of this scenario              95 % interval
      crashes that exhaust the fund  18.4 %  16.8 % … 20.2 %
      crashes with ADL               18.4 %  16.8 % … 20.2 %
      fund draw, mean                1.023M  0.992M … 1.055M  USDT    [1]
      fund need, mean                1.227M  1.177M … 1.277M  USDT    [2]
      fund need, VaR 99 %             5.12M   4.73M … 5.55M   USDT
      fund need, ES 99 %              6.31M   5.44M … 7.17M   USDT    [3]
      liquidated notional, mean      22.67M  22.42M … 22.92M  USDT
      liquidations, mean                700     700 … 700     orders  [4]
      unfunded deficit, mean              0       0 … 0       USDT
      cascade amplification               –
      price amplification             1.232   1.214 … 1.251

      – undefined here: a ratio over nothing

      [1] censored by the fund: it cannot exceed what the fund may pay; read fund_need instead
      [2] tail-dominated: 1 % of the paths carry over half; bootstrap-t, no coverage claimed (heavy tail: interval too narrow)
      [3] thin tail: fewer than 10 paths lie beyond the quantile; run more
      [4] identical on every path: no sampling error to show

    Written to output/flash-crash: report.html (open it in a browser), 11 charts (.svg, .png), summary.json, paths.csv, series.csv
    ");
}

#[test]
fn a_folder_is_drawn_again_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("crash");
    write(&draw_case(&cases()[1]), &target);
    let names = CHARTS.iter().filter(|(name, _)| *name != BEHAVIOURS);
    let read = || {
        let both = |name: &str| ["svg", "png"].map(|end| fs::read(target.join(format!("{name}.{end}"))).unwrap());
        names.clone().map(|(name, _)| both(name)).collect::<Vec<_>>()
    };
    let first = read();
    fs::remove_file(target.join("fund.svg")).unwrap();
    draw(&target, &House::default()).unwrap();
    assert!(first == read());
    assert!(fs::read_dir(&target).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.')));
}

/// Writes every case below the temporary folder, to be looked at.
#[test]
#[ignore = "for the eye"]
fn pictures() {
    for case in cases() {
        let dir = std::env::temp_dir().join("flashcrash-charts").join(case.name);
        write(&draw_case(&case), &dir);
    }
}
