//! The fund-size study on the terminal and as a chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::columns::{Align, aligned};
use super::frame::{Axis, Frame, Swatch, Words};
use super::number::{Style, grouped, percent, short};
use super::scene::{Colour, Dash, Scene};
use super::sweep::in_brackets;
use crate::fault::Failure;
use crate::folder::fund_size::{FundSize, Method, Point, SIMULATED, Simulated};
use crate::stats::Estimate;

/// What the target asks, in words.
fn event(study: &FundSize) -> &'static str {
    if study.target.metric == "p_adl" { "ADL" } else { "an exhausted fund" }
}

fn share_of_interest(study: &FundSize, fund: f64) -> String {
    study
        .open_interest
        .filter(|interest| *interest > 0.0)
        .map_or_else(String::new, |interest| format!(" ({} of the open interest)", percent(fund / interest)))
}

/// The answer in a sentence.
#[must_use]
pub fn answer(study: &FundSize) -> String {
    let currency = &study.header.currency;
    let odds = percent(study.target.share);
    match study.sufficient {
        Some(fund) => format!(
            "A fund of {} {currency}{} keeps {} to at most {odds} of such crashes, at {} confidence.",
            grouped(libm::ceil(fund), 0),
            share_of_interest(study, fund),
            event(study),
            percent(study.confidence)
        ),
        None if study.header.paths < study.paths_needed => format!(
            "{} paths cannot tell how large a fund must be for {odds}: {} are needed at {} confidence.",
            grouped(study.header.paths as f64, 0),
            grouped(study.paths_needed as f64, 0),
            percent(study.confidence)
        ),
        None => format!(
            "No fund that was simulated keeps {} to at most {odds} of such crashes, at {} confidence.",
            event(study),
            percent(study.confidence)
        ),
    }
}

/// What nobody pays at the fund of the answer: a target of ADL is met also where there is nobody to deleverage.
fn left_over(study: &FundSize) -> String {
    let at = study.sufficient.filter(|_| study.target.metric == "p_adl");
    let distance = |cell: &&Simulated, fund: f64| (cell.fund - fund).abs();
    let cell = at.and_then(|fund| study.grid.iter().min_by(|a, b| distance(a, fund).total_cmp(&distance(b, fund))));
    let Some((cell, deficit)) = cell.and_then(|cell| Some((cell, cell.estimate("unfunded_deficit_mean")?))) else {
        return String::new();
    };
    if deficit.estimate <= 0.0 {
        return String::new();
    }
    let exhausted = cell
        .estimate("p_fund_exhausted")
        .map_or_else(String::new, |p| format!(" and {} of the crashes exhaust it", in_brackets(p, Style::Percent)));
    format!(
        "At this fund {} {} a crash are paid by nobody (unfunded deficit, mean){exhausted}: the target counts ADL alone.\n\
         For a fund that pays: `--target \"p_fund_exhausted <= {}\"`.\n",
        in_brackets(deficit, Style::Amount),
        study.header.currency,
        percent(study.target.share)
    )
}

/// Where all funds have the same outcomes: why, as far as the outcomes say.
fn without_effect(study: &FundSize) -> String {
    let mut pairs = study.grid.windows(2);
    let is_same = |pair: &[Simulated]| {
        pair[0].beyond == pair[1].beyond
            && SIMULATED.iter().all(|name| pair[0].estimate(name) == pair[1].estimate(name))
    };
    if study.grid.len() < 2 || !pairs.all(is_same) {
        return String::new();
    }
    let nothing = |name: &str| study.grid.iter().all(|cell| cell.estimate(name).is_some_and(|e| e.estimate == 0.0));
    let why = match (nothing("fund_need_mean"), nothing("fund_paid_mean")) {
        (true, _) => "no fund is needed in any of these crashes",
        (false, true) => "the fund pays nothing under these `position_layers` and `cash_layers`",
        (false, false) => "the fund pays the same at every size that was tried",
    };
    format!("\n  No simulated fund changes anything: {why}.\n")
}

/// Where more fund makes it worse, each stretch of rising values once.
fn risers(study: &FundSize) -> String {
    let stretches = |of: &dyn Fn(&Simulated) -> Option<Estimate>| -> String {
        let mut found: Vec<(f64, f64)> = Vec::new();
        for pair in study.grid.windows(2) {
            let rises = of(&pair[0]).zip(of(&pair[1])).is_some_and(|(low, high)| high.estimate > low.estimate);
            match found.last_mut() {
                Some(last) if rises && last.1 == pair[0].fund => last.1 = pair[1].fund,
                _ if rises => found.push((pair[0].fund, pair[1].fund)),
                _ => {}
            }
        }
        let told: Vec<String> =
            found.iter().map(|(low, high)| format!("from {} to {}", short(*low), short(*high))).collect();
        told.join(", ")
    };
    let deficit = stretches(&|cell| cell.estimate("unfunded_deficit_mean"));
    let beyond = stretches(&|cell| Some(cell.beyond));
    let told: Vec<String> = [("The unfunded deficit", deficit), ("The loss beyond the fund", beyond)]
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(what, places)| format!("  {what} does not fall everywhere as the fund grows: it rises {places}.\n"))
        .collect();
    if told.is_empty() {
        return String::new();
    }
    format!(
        "\n{}  Fund money pays for selling into the book, which moves the price against the accounts that are left.\n",
        told.concat()
    )
}

/// What the cost does not count at the fund that it names.
fn left_out(study: &FundSize, fund: f64) -> String {
    let cell = study.grid.iter().find(|cell| cell.fund == fund);
    let taken = cell.and_then(|cell| cell.estimate("adl_notional_mean")).filter(|taken| taken.estimate > 0.0);
    taken.map_or_else(String::new, |taken| {
        format!(
            "  The cost does not count what ADL costs winners: at {} it closes {} of their positions a crash.\n",
            short(fund),
            in_brackets(taken, Style::Amount)
        )
    })
}

/// The whole study as text.
#[must_use]
pub fn text(study: &FundSize) -> String {
    let header = &study.header;
    let mut text = format!(
        "{}: {} paths, seed {}; target {} ≤ {}\n\n{}\n",
        header.scenario,
        grouped(header.paths as f64, 0),
        header.seed,
        study.target.metric,
        percent(study.target.share),
        answer(study)
    );
    if let Some(fund) = study.estimate {
        let _ = writeln!(
            text,
            "Best estimate without the margin for sampling error: {} {}.",
            grouped(libm::ceil(fund), 0),
            header.currency
        );
    }
    text.push_str(&left_over(study));
    let _ = writeln!(text, "The fund of the scenario: {} {}.", short(study.fund_open), header.currency);
    match &study.method {
        Method::OnePass => {
            text.push_str(
                "P(exhausted | fund) comes from one run for all funds: a path exhausts every fund below what it needs.\n",
            );
            if study.target.metric == "p_adl" {
                text.push_str("ADL happens only on paths that exhaust the fund, so this fund is enough for ADL too.\n");
            }
        }
        Method::Grid(why) => {
            let _ = writeln!(text, "One run cannot answer for all funds, so each is simulated on its own: {why}.");
        }
    }
    let _ = write!(text, "\nSimulated, on the same shocks, amounts in {}, with 95 % intervals:\n\n", header.currency);
    let mut head: Vec<String> = [
        "fund",
        "P(exhausted)",
        "P(ADL)",
        "ADL notional, mean",
        "ADL accounts, mean",
        "unfunded deficit, mean",
        "loss beyond the fund",
    ]
    .map(String::from)
    .into();
    if study.cost.is_some() {
        head.push("cost a year".into());
    }
    let mut rows = vec![head];
    for cell in &study.grid {
        let mut row = vec![short(cell.fund)];
        for name in SIMULATED {
            let style = match name {
                "p_fund_exhausted" | "p_adl" => Style::Percent,
                "adl_accounts_mean" => Style::Plain,
                _ => Style::Amount,
            };
            row.push(cell.estimate(name).map_or_else(|| "–".into(), |e| in_brackets(e, style)));
        }
        row.push(in_brackets(cell.beyond, Style::Amount));
        row.extend(cell.cost.map(|cost| in_brackets(cost, Style::Amount)));
        rows.push(row);
    }
    text.push_str(&aligned("  ", &rows, &[Align::Right]));
    text.push_str(&without_effect(study));
    text.push_str(&risers(study));
    if let (Some(cost), Some(cheapest)) = (study.cost, study.cheapest) {
        let _ = writeln!(
            text,
            "\n  Of these, {} costs least: {} a year on the fund, {} crashes a year, losses beyond the fund weighing {}.",
            short(cheapest),
            percent(cost.capital),
            cost.crashes_per_year,
            cost.social_weight
        );
        text.push_str(&left_out(study, cheapest));
        if let Some(independent) = study.cheapest_if_independent {
            let _ = writeln!(
                text,
                "  If losses did not depend on the fund it would be {}, the fund need at 1 − r/(λκ).",
                short(independent)
            );
        }
    }
    text
}

/// The curve with the target and the funds marked.
#[must_use]
pub fn chart(study: &FundSize) -> Scene {
    let header = &study.header;
    let amount = |fund: f64| format!("{} {}", short(fund), header.currency);
    let title = match study.sufficient {
        Some(fund) => format!(
            "{} keeps {} to {} of the crashes; the venue has {}",
            amount(fund),
            event(study),
            percent(study.target.share),
            amount(study.fund_open)
        ),
        None => answer(study),
    };
    let (curve, what) = match study.curve_metric() {
        "p_adl" => ("P(ADL)", "Share of crashes with ADL at each fund"),
        _ => ("P(exhausted)", "Share of crashes that exhaust a fund of each size"),
    };
    // A fund of 0 has no place on a logarithmic axis.
    let points: Vec<&Point> = study.curve.iter().filter(|point| point.fund > 0.0).collect();
    let mut legend = vec![
        (Swatch::Line(Colour::BLUE, Dash::Solid), curve.to_owned()),
        (Swatch::Area(Colour::BLUE.faint(0.2)), "95 % interval".to_owned()),
        (Swatch::Line(Colour::VERMILLION, Dash::Dashed), format!("target, {}", percent(study.target.share))),
        (Swatch::Line(Colour::INK, Dash::Solid), format!("fund of the scenario, {}", short(study.fund_open))),
    ];
    if let Some(fund) = study.sufficient {
        let text = format!("sufficient at {} confidence, {}", percent(study.confidence), short(fund));
        legend.push((Swatch::Line(Colour::PURPLE, Dash::Dotted), text));
    }
    let how = match study.method {
        Method::OnePass => "from one run for all funds",
        Method::Grid(_) => "each fund simulated",
    };
    let hash: String = header.hash.chars().take(12).collect();
    let caption =
        format!("scenario {} ({hash}) · seed {} · flashcrash {}", header.scenario, header.seed, header.version);
    let words = Words {
        title,
        subtitle: format!("{what}, {} paths, {how}", grouped(header.paths as f64, 0)),
        legend,
        y_axis: "share of crashes".into(),
        x_axis: format!("fund, {}", header.currency),
        caption: &caption,
    };
    let marks = points.iter().map(|point| point.fund).chain([study.fund_open]).chain(study.sufficient);
    let (low, high) = marks
        .filter(|fund| *fund > 0.0)
        .fold((f64::INFINITY, 0.0_f64), |(low, high), fund| (low.min(fund), high.max(fund)));
    let (low, high) = if high > 0.0 { (low.max(high * 1e-4), high) } else { (1.0, 10.0) };
    let least = (study.target.share / 3.0).min(1.0 / header.paths.max(1) as f64).max(1e-9);
    let mut scene = Scene::default();
    let frame = Frame::new(&mut scene, &words, decades(low, high * 1.1, short), decades(least, 1.0, percent));
    let shown: Vec<&&Point> = points.iter().filter(|point| point.fund >= low).collect();
    let log = |x: f64| libm::log10(x.max(least));
    let xs: Vec<f64> = shown.iter().map(|point| libm::log10(point.fund)).collect();
    let lows: Vec<f64> = shown.iter().map(|point| log(point.p.low)).collect();
    let highs: Vec<f64> = shown.iter().map(|point| log(point.p.high)).collect();
    frame.band(&mut scene, &xs, &lows, &highs, Colour::BLUE.faint(0.2));
    // Where no path needs more there is no point, only the upper end of the interval.
    let seen = shown.iter().take_while(|point| point.p.estimate > 0.0).count();
    let middle: Vec<f64> = shown.iter().map(|point| log(point.p.estimate)).collect();
    frame.curve(&mut scene, &xs[..seen], &middle[..seen], Colour::BLUE, 3.0, Dash::Solid);
    frame.level(&mut scene, libm::log10(study.target.share), Colour::VERMILLION, 2.5, Dash::Dashed);
    if study.fund_open > 0.0 {
        frame.upright(&mut scene, libm::log10(study.fund_open), Colour::INK, 2.5, Dash::Solid);
    }
    if let Some(fund) = study.sufficient.filter(|fund| *fund > 0.0) {
        frame.upright(&mut scene, libm::log10(fund), Colour::PURPLE, 3.0, Dash::Dotted);
    }
    scene
}

/// An axis of powers of ten between two positive values; 2 and 5 are named too where there are few decades.
pub(super) fn decades(low: f64, high: f64, label: fn(f64) -> String) -> Axis {
    let (bottom, top) = (libm::log10(low), libm::log10(high));
    let steps: &[f64] = if top - bottom < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let mut ticks = Vec::new();
    let mut decade = libm::floor(bottom);
    while decade <= top {
        for step in steps {
            let at = decade + libm::log10(*step);
            if at >= bottom - 1e-9 && at <= top + 1e-9 {
                ticks.push((at, label(libm::exp10(decade) * step)));
            }
        }
        decade += 1.0;
    }
    Axis { low: bottom, high: top, ticks }
}

/// Draws the chart into a folder; returns its name.
///
/// # Errors
/// It cannot be written.
pub fn draw(study: &FundSize, dir: &Path) -> Result<&'static str, Failure> {
    let scene = chart(study);
    let svg = dir.join("fund_size.svg");
    fs::write(&svg, scene.svg()?).map_err(Failure::file(&svg))?;
    scene.png(&dir.join("fund_size.png"))?;
    Ok("fund_size")
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::assert_readable;
    use super::*;
    use crate::folder::Metric;
    use crate::folder::fund_size::{Cost, Target};
    use crate::folder::tests::header;
    use crate::stats::proportion;

    fn study(sufficient: Option<f64>) -> FundSize {
        let point = |(fund, hits): (f64, u64)| Point { fund, p: proportion(hits, 3_000, 0.95).unwrap() };
        FundSize {
            header: crate::folder::Header { paths: 3_000, ..header() },
            target: Target { metric: "p_adl".into(), share: 0.001 },
            confidence: 0.95,
            method: Method::OnePass,
            estimate: sufficient,
            sufficient,
            paths_needed: 2_995,
            open_interest: Some(5e8),
            fund_open: 2e6,
            curve: [(0.0, 900), (1e5, 700), (1e6, 300), (1e7, 10), (3e7, 0)].map(point).into(),
            grid: vec![],
            cost: None,
            cheapest: None,
            cheapest_if_independent: None,
        }
    }

    #[test]
    fn the_answer_is_a_sentence() {
        assert_eq!(
            answer(&study(Some(3e7))),
            "A fund of 30,000,000 USDT (6 % of the open interest) keeps ADL to at most 0.1 % of such crashes, at 95 % confidence."
        );
        let few = FundSize { header: header(), ..study(None) };
        assert_eq!(
            answer(&few),
            "3 paths cannot tell how large a fund must be for 0.1 %: 2,995 are needed at 95 % confidence."
        );
    }

    fn simulated(fund: f64, metrics: &[(&str, f64)], beyond: f64) -> Simulated {
        let around = |x: f64| Estimate { estimate: x, low: x * 0.9, high: x * 1.1, level: 0.95, standard_error: None };
        let metric = |(name, x): &(&str, f64)| Metric {
            name: (*name).into(),
            unit: String::new(),
            estimate: Some(around(*x)),
            flags: vec![],
        };
        Simulated { fund, metrics: metrics.iter().map(metric).collect(), beyond: around(beyond), cost: None }
    }

    #[test]
    fn a_fund_that_keeps_adl_rare_and_leaves_a_deficit_says_so_beside_the_number() {
        let at = |fund: f64, deficit: f64| {
            simulated(fund, &[("p_fund_exhausted", 0.4), ("unfunded_deficit_mean", deficit)], deficit)
        };
        let longs = FundSize { grid: vec![at(0.0, 6e6), at(1e6, 5e6)], ..study(Some(0.0)) };
        let told = "At this fund 6.00M (5.40M … 6.60M) USDT a crash are paid by nobody (unfunded deficit, mean) and \
                    40.0 % (36.0 % … 44.0 %) of the crashes exhaust it: the target counts ADL alone.\n\
                    For a fund that pays: `--target \"p_fund_exhausted <= 0.1 %\"`.\n";
        assert!(text(&longs).contains(told), "{}", text(&longs));
        let sound = FundSize { grid: vec![at(0.0, 6e6), at(1e6, 0.0)], ..study(Some(1e6)) };
        assert!(!text(&sound).contains("paid by nobody"), "{}", text(&sound));
        let other = Target { metric: "p_fund_exhausted".into(), share: 0.001 };
        assert!(!text(&FundSize { target: other, ..longs }).contains("paid by nobody"));
    }

    #[test]
    fn a_fund_that_changes_nothing_is_said_to_and_why() {
        let at = |fund: f64, need: f64, paid: f64| {
            simulated(fund, &[("p_adl", 0.2), ("fund_need_mean", need), ("fund_paid_mean", paid)], 3e5)
        };
        let told = |need: f64, paid: f64, p: &[f64]| {
            let grid = p.iter().map(|fund| at(*fund, need, paid)).collect();
            text(&FundSize { grid, ..study(None) })
        };
        let line = "\n  No simulated fund changes anything: the fund pays nothing under these `position_layers` and `cash_layers`.\n";
        assert!(told(1e6, 0.0, &[0.0, 1e6]).contains(line));
        assert!(told(0.0, 0.0, &[0.0, 1e6]).contains("no fund is needed in any of these crashes"));
        assert!(!told(1e6, 0.0, &[0.0]).contains("No simulated fund"), "one fund says nothing of others");
        let differing =
            FundSize { grid: vec![at(0.0, 1e6, 0.0), simulated(1e6, &[("p_adl", 0.1)], 3e5)], ..study(None) };
        assert!(!text(&differing).contains("No simulated fund"));
    }

    #[test]
    fn what_the_cost_leaves_out_and_where_more_fund_makes_it_worse_stands_under_the_table() {
        let at = |fund: f64, beyond: f64| {
            let metrics = [("adl_notional_mean", 2e7), ("unfunded_deficit_mean", 0.0)];
            let cell = simulated(fund, &metrics, beyond);
            Simulated { cost: Some(cell.beyond), ..cell }
        };
        let dear = FundSize {
            grid: vec![at(0.0, 1e5), at(1e6, 3e5), at(5e6, 4e5), at(8e6, 2e5), at(9e6, 3e5)],
            cost: Some(Cost { capital: 0.08, social_weight: 1.0, crashes_per_year: 2.0 }),
            cheapest: Some(0.0),
            ..study(None)
        };
        let text = text(&dear);
        let worse = "  The loss beyond the fund does not fall everywhere as the fund grows: it rises from 0 to 5M, from 8M to 9M.\n  \
                     Fund money pays";
        assert!(text.contains(worse) && !text.contains("The unfunded deficit does"), "{text}");
        let left_out = "  Of these, 0 costs least: 8 % a year on the fund, 2 crashes a year, losses beyond the fund weighing 1.\n  \
                        The cost does not count what ADL costs winners: at 0 it closes 20.0M (18.0M … 22.0M) of their positions a crash.\n";
        assert!(text.contains(left_out), "{text}");
    }

    #[test]
    fn the_chart_can_be_read() {
        for sufficient in [Some(3e7), None] {
            assert_readable(&chart(&study(sufficient)));
        }
        assert_readable(&chart(&FundSize { curve: vec![], fund_open: 0.0, ..study(None) }));
    }
}
