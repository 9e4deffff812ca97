//! How a breakpoint moves with another key, as a table and as a chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::frame::{Axis, Frame, Swatch, Words};
use super::number::{Style, grouped, percent, short, with_interval};
use super::scene::{Colour, Dash, Scene};
use super::sweep::value;
use crate::fault::Failure;
use crate::folder::frontier::{Frontier, Passing, Reached};
use crate::stats::Estimate;

const STYLES: [(Colour, Dash); 3] =
    [(Colour::BLUE, Dash::Solid), (Colour::VERMILLION, Dash::Dashed), (Colour::PURPLE, Dash::Dotted)];

fn levels(found: &Frontier) -> Vec<f64> {
    let mut levels: Vec<f64> = found.points.iter().map(|point| point.level).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
}

/// Where a level is passed, in words; `range` is what was looked at.
#[must_use]
pub fn passing(at: &Passing, range: (f64, f64)) -> String {
    let (from, to) = (value(range.0), value(range.1));
    let told = |p: &Estimate| {
        let [p, low, high] = with_interval(*p, Style::Percent);
        format!("{p} ({low} … {high})")
    };
    let crossed = |at: &Estimate| {
        let low = if at.low.is_finite() { value(at.low) } else { format!("below {from}") };
        let high = if at.high.is_finite() { value(at.high) } else { format!("above {to}") };
        format!("{}   (95 %: {low} … {high})", value(at.estimate))
    };
    match at {
        Passing::Rises(at) => format!("at {}", crossed(at)),
        Passing::Falls(at) => format!("falls to this at {}", crossed(at)),
        Passing::Beyond { end, p } if *end <= range.0 => {
            format!("already {} at {from}: to find it, begin lower than `--from {}`", told(p), range.0)
        }
        Passing::Beyond { p, .. } => format!("still {} at {to}: to find it, go on beyond `--to {}`", told(p), range.1),
        Passing::Never { most, p } => {
            format!("not reached between {from} and {to}: at most {}, at {}", told(p), value(*most))
        }
    }
}

/// The frontier as text, a row for each value and level.
#[must_use]
pub fn text(found: &Frontier) -> String {
    let mut text = format!(
        "{}: {} at which {} reaches a level, {} paths a point, seed {}\n\n",
        found.header.scenario,
        found.key,
        found.metric,
        grouped(found.header.paths as f64, 0),
        found.header.seed
    );
    let wide = found.points.iter().map(|point| point.across.chars().count()).max().unwrap_or(0).max(found.across.len());
    let _ = writeln!(text, "  {:wide$}  {:>7}  {} (95 %)", found.across, "level", found.key);
    for Reached { across, level, at } in &found.points {
        let told = passing(at, (found.from, found.to));
        let _ = writeln!(text, "  {across:wide$}  {:>7}  {told}", percent(*level));
    }
    text
}

/// The chart: one line a level.
#[must_use]
pub fn chart(found: &Frontier) -> Scene {
    let number = |text: &str| text.replace('_', "").parse::<f64>().ok().filter(|x| x.is_finite());
    let mut places: Vec<(f64, String)> =
        found.points.iter().filter_map(|point| Some((number(&point.across)?, point.across.clone()))).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    places.dedup_by(|a, b| a.0 == b.0);
    let (least, most) = (places.first().map_or(0.0, |p| p.0), places.last().map_or(1.0, |p| p.0));
    let is_log = least > 0.0 && most > 8.0 * least;
    let x_of = |x: f64| if is_log { libm::log10(x) } else { x };
    let air = if most > least { 0.06 * (x_of(most) - x_of(least)) } else { 1.0 };
    let x = Axis {
        low: x_of(least) - air,
        high: x_of(most) + air,
        ticks: places.iter().map(|(x, _)| (x_of(*x), short(*x))).collect(),
    };
    let title = title(found);
    let all = levels(found);
    let shown = &all[..all.len().min(STYLES.len())];
    let mut legend = Vec::new();
    for (level, (colour, dash)) in shown.iter().zip(STYLES) {
        legend.push((Swatch::Line(colour, dash), format!("{} of the crashes", percent(*level))));
    }
    let caption = format!(
        "scenario {} · seed {} · {} paths a point · bands: 95 % · flashcrash {}",
        found.header.scenario,
        found.header.seed,
        grouped(found.header.paths as f64, 0),
        found.header.version
    );
    let words = Words {
        title,
        subtitle: "Above a line the event is more frequent than its level; a value that is not reached has no point"
            .into(),
        legend,
        y_axis: found.key.clone(),
        x_axis: found.across.clone(),
        caption: &caption,
    };
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, x, Axis::amounts(found.from, found.to));
    for (level, (colour, dash)) in shown.iter().zip(STYLES) {
        let mut points: Vec<(f64, f64, f64, f64)> = found
            .points
            .iter()
            .filter(|point| point.level == *level)
            .filter_map(|point| {
                let at = point.at.value()?;
                let bound = |x: f64| x.clamp(found.from, found.to);
                Some((x_of(number(&point.across)?), at.estimate, bound(at.low), bound(at.high)))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let column = |pick: fn(&(f64, f64, f64, f64)) -> f64| points.iter().map(pick).collect::<Vec<f64>>();
        let (xs, ys) = (column(|p| p.0), column(|p| p.1));
        frame.band(&mut scene, &xs, &column(|p| p.2), &column(|p| p.3), colour.faint(0.2));
        frame.curve(&mut scene, &xs, &ys, colour, 3.0, dash);
        for (x, _, low, high) in &points {
            frame.curve(&mut scene, &[*x, *x], &[*low, *high], colour, 2.0, Dash::Solid);
        }
    }
    scene
}

/// The finding: where the level nearest to a half is reached at the first value of the other key and at the last.
fn title(found: &Frontier) -> String {
    let event = match found.metric.as_str() {
        "p_fund_exhausted" => "exhaust the fund",
        "p_adl" => "see ADL",
        "p_liquidation" => "liquidate somebody",
        "p_unfunded_deficit" => "leave a deficit",
        other => other,
    };
    // The last steps of keys say enough beside the names of the axes.
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let across = |text: &str| text.replace('_', "").parse::<f64>().map_or_else(|_| text.to_owned(), short);
    let half = levels(found).into_iter().min_by(|a, b| (a - 0.5).abs().total_cmp(&(b - 0.5).abs()));
    let of = |point: &&Reached| Some(point.level) == half;
    let told = |point: &Reached| {
        let at = match &point.at {
            Passing::Rises(at) | Passing::Falls(at) => format!("at {}", value(at.estimate)),
            Passing::Beyond { end, .. } if *end <= found.from => format!("below {}", value(*end)),
            Passing::Beyond { end, .. } => format!("above {}", value(*end)),
            Passing::Never { .. } => format!("at none up to {}", value(found.to)),
        };
        format!("{at} with {} {}", last(&found.across), across(&point.across))
    };
    let mut points = found.points.iter().filter(of);
    match (half, points.next(), points.next_back()) {
        (Some(level), Some(first), Some(end)) => format!(
            "{} of the crashes {event} at some {}: {}, {}",
            percent(level),
            last(&found.key),
            told(first),
            told(end)
        ),
        (Some(level), Some(first), None) => {
            format!("{} of the crashes {event} at some {}: {}", percent(level), last(&found.key), told(first))
        }
        _ => format!("{} at which the crashes {event}", found.key),
    }
}

/// Draws the chart into a folder; returns its name.
///
/// # Errors
/// It cannot be written.
pub fn draw(found: &Frontier, dir: &Path) -> Result<&'static str, Failure> {
    let scene = chart(found);
    let svg = dir.join("frontier.svg");
    fs::write(&svg, scene.svg()?).map_err(Failure::file(&svg))?;
    scene.png(&dir.join("frontier.png"))?;
    Ok("frontier")
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::assert_readable;
    use super::*;
    use crate::folder::tests::header;

    #[test]
    fn the_chart_can_be_read_and_the_table_says_what_is_not_reached() {
        let estimate =
            |x: f64, high: f64| Estimate { estimate: x, low: x * 0.9, high, level: 0.95, standard_error: None };
        let at = |x: f64| Passing::Rises(estimate(x, f64::INFINITY));
        let never = Passing::Never { most: 0.25, p: estimate(0.2, 0.3) };
        let point = |across: &str, level: f64, at| Reached { across: across.into(), level, at };
        let found = Frontier {
            header: header(),
            key: "assets.0.process.drop".into(),
            from: 0.02,
            to: 0.3,
            across: "assets.0.book.depth_1pct".into(),
            metric: "p_fund_exhausted".into(),
            points: vec![
                point("1_000_000", 0.05, at(0.05)),
                point("1_000_000", 0.5, at(0.07)),
                point("20_000_000", 0.05, at(0.11)),
                point("20_000_000", 0.5, never),
            ],
        };
        assert_eq!(
            title(&found),
            "50 % of the crashes exhaust the fund at some drop: at 0.07 with depth_1pct 1M, at none up to 0.3 with depth_1pct 20M"
        );
        assert_readable(&chart(&found));
        assert_readable(&chart(&Frontier { points: vec![point("x", 0.5, never)], ..found.clone() }));
        let text = text(&found);
        assert!(text.contains("not reached between 0.02 and 0.3: at most 20.0 % (18.0 % … 30.0 %), at 0.25"), "{text}");
        assert!(text.contains("at 0.05   (95 %: 0.045 … above 0.3)"), "{text}");
    }

    #[test]
    fn a_level_that_is_not_passed_within_the_range_is_told_with_what_to_do() {
        let p = Estimate { estimate: 0.62, low: 0.48, high: 0.75, level: 0.95, standard_error: None };
        let range = (1_000.0, 30e6);
        assert_eq!(
            passing(&Passing::Beyond { end: 1_000.0, p }, range),
            "already 62 % (48 % … 75 %) at 1000: to find it, begin lower than `--from 1000`"
        );
        assert_eq!(
            passing(&Passing::Beyond { end: 30e6, p }, range),
            "still 62 % (48 % … 75 %) at 30M: to find it, go on beyond `--to 30000000`"
        );
        let fund = Estimate { estimate: 20e6, low: 19e6, high: f64::INFINITY, level: 0.95, standard_error: None };
        assert_eq!(passing(&Passing::Falls(fund), range), "falls to this at 20M   (95 %: 19M … above 30M)");
    }
}
