//! Which keys matter: Morris's elementary effects over ranges of scenario keys.
//!
//! The ranges are mapped to a grid of p = 4 levels in 0 … 1. A trajectory starts at a random point of the grid and moves
//! one key after another, in random order, by Δ = p/(2(p − 1)) = 2/3; every move gives one elementary effect
//! (y(x + Δ·eᵢ) − y(x))/Δ of the metric y. Over r trajectories μ* is the mean of their absolute values (how much a key
//! matters), μ their mean, σ their standard deviation (how much that depends on the other keys). Every point meets the
//! same shocks. Morris (1991), Factorial sampling plans; Campolongo, Cariboni, Saltelli (2007) for μ*.

use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::Runs;
use crate::experiment::summary::{LEVEL, seed as seed_of};
use crate::fault::{Failure, Faults, Source, did_you_mean};
use crate::folder::schema::METRICS;
use crate::folder::screening::{Effect, Screening, Visited};
use crate::registry::{Key, Need, Node, Raw, Reading, Setting, Shape, read};
use crate::scenario::Scenario;
use crate::stats::Estimate;
use crate::stats::bootstrap::{splitmix, unit};

/// Steps between the lowest and the highest level of the grid.
const STEPS: u64 = 3;
/// Steps of one move, p/2.
const MOVE: u64 = 2;
/// Resamples of the trajectories.
const RESAMPLES: usize = 1_000;

const ANY: Shape = Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY };

/// What `[screen]` takes beside `ranges`.
const SCREEN: &[Key] = &[
    Key {
        name: "scenario",
        shape: Shape::Text,
        need: Need::Optional,
        about: "scenario file, where the ranges stand in a file of their own",
    },
    Key {
        name: "metric",
        shape: Shape::Text,
        need: Need::Default("\"fund_need_mean\""),
        about: "metric of the summary whose changes count",
    },
    Key {
        name: "trajectories",
        shape: Shape::Count { min: 2, max: 1_000 },
        need: Need::Default("8"),
        about: "elementary effects of each key",
    },
    Key {
        name: "paths",
        shape: Shape::Count { min: 2, max: 10_000_000 },
        need: Need::Optional,
        about: "paths of each point; the scenario's where absent",
    },
];

/// What `[[screen.ranges]]` takes.
const RANGE: &[Key] = &[
    Key { name: "key", shape: Shape::Text, need: Need::Required, about: "key by its path, as `venue.fund.open`" },
    Key { name: "name", shape: Shape::Text, need: Need::Optional, about: "how the chart calls it" },
    Key { name: "from", shape: ANY, need: Need::Required, about: "one end" },
    Key { name: "to", shape: ANY, need: Need::Required, about: "the other end" },
    Key {
        name: "scale",
        shape: Shape::Choice(&[("linear", "equal differences"), ("log", "equal ratios")]),
        need: Need::Default("\"linear\""),
        about: "how the four levels are spread",
    },
    Key {
        name: "whole",
        shape: Shape::Flag,
        need: Need::Default("false"),
        about: "whether the key takes whole numbers only",
    },
];

/// One key and its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranged {
    pub key: String,
    pub name: String,
    /// The literal of each level.
    pub levels: Vec<String>,
}

/// A screening as written and checked, without its scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub scenario: Option<String>,
    pub metric: String,
    pub trajectories: u64,
    pub paths: Option<u64>,
    pub ranges: Vec<Ranged>,
}

impl Question {
    /// Reads the table `[screen]` of a file.
    ///
    /// # Errors
    /// A file that cannot be read, and every fault of the table.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(Failure::file(path))?;
        Ok(Self::parse(&Arc::new(Source { name: path.display().to_string(), text }))?)
    }

    /// The same from a text.
    ///
    /// # Errors
    /// Every fault of the table.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Faults> {
        let mut reading = Reading::new(Arc::clone(source), Path::new("."));
        let node = Node::parse(source, &mut reading.faults);
        if reading.faults.is_fatal() {
            return Err(reading.faults);
        }
        let question = if let Some(table) = node.get("screen") {
            read_screen(table, &mut reading)
        } else {
            let hint = "add `[screen]` with `[[screen.ranges]]`, each with `key`, `from` and `to`";
            reading.fault(&(0..0), "there is nothing to screen", hint);
            None
        };
        match question {
            Some(question) if !reading.faults.is_fatal() => Ok(question),
            _ => Err(reading.faults),
        }
    }

    /// Points that are run.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.trajectories * (self.ranges.len() as u64 + 1)
    }
}

fn read_screen(node: &Node, reading: &mut Reading) -> Option<Question> {
    let (rest, raw) = node.split(&["ranges"]);
    let values = read(&rest, SCREEN, "`[screen]`", reading)?;
    let tables: &[Node] = match raw.get("ranges") {
        Some(Node { raw: Raw::List(tables), .. }) if tables.len() > 1 => tables,
        _ => {
            let hint = "add `[[screen.ranges]]` with `key`, `from` and `to`, once for each key";
            reading.fault(&node.span, "a screening compares two keys or more", hint);
            return None;
        }
    };
    let ranges: Vec<Option<Ranged>> = tables.iter().map(|table| read_range(table, reading)).collect();
    let ranges: Vec<Ranged> = ranges.into_iter().collect::<Option<_>>()?;
    for (at, range) in ranges.iter().enumerate() {
        if ranges[..at].iter().any(|other| other.key == range.key) {
            reading.fault(&tables[at].span, format!("`{}` has two ranges", range.key), "leave one of them out");
            return None;
        }
    }
    let metric = values.text("metric");
    if METRICS.iter().all(|info| info.name != metric) {
        let names = METRICS.iter().map(|info| info.name);
        let hint = did_you_mean(&metric, names).map_or_else(
            || "it takes a metric of `summary.json`, as fund_need_mean".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        reading.fault(&values.span("metric"), format!("there is no metric `{metric}`"), hint);
        return None;
    }
    let count = |name: &str| values.maybe_count(name).and_then(|count| u64::try_from(count).ok());
    Some(Question {
        scenario: values.maybe_text("scenario"),
        metric,
        trajectories: count("trajectories").unwrap_or(8),
        paths: count("paths"),
        ranges,
    })
}

fn read_range(node: &Node, reading: &mut Reading) -> Option<Ranged> {
    let values = read(node, RANGE, "a range", reading)?;
    let key = values.text("key");
    if let Err(faults) = Setting::parse(&format!("{key}=0")) {
        let hint = faults.iter().next().map(|fault| fault.hint.clone()).unwrap_or_default();
        reading.fault(&values.span("key"), format!("`{key}` is no path of a key"), hint);
        return None;
    }
    let (from, to) = (values.number("from"), values.number("to"));
    let is_log = values.text("scale") == "log";
    if is_log && (from <= 0.0 || to <= 0.0) {
        reading.fault(&values.span("from"), "equal ratios need values above 0", "use `scale = \"linear\"`");
        return None;
    }
    let whole = values.flag("whole");
    let level = |step: u64| {
        let share = step as f64 / STEPS as f64;
        let x = if is_log {
            libm::exp(libm::log(from) + share * (libm::log(to) - libm::log(from)))
        } else {
            from + share * (to - from)
        };
        let exact = Decimal::from_f64(x)?;
        let rounded = if whole { exact.round() } else { exact.round_sf(6)? };
        Some(rounded.normalize().to_string())
    };
    let levels: Option<Vec<String>> = (0..=STEPS).map(level).collect();
    match levels {
        Some(levels) if levels.windows(2).all(|pair| pair[0] != pair[1]) => {
            Some(Ranged { name: values.maybe_text("name").unwrap_or_else(|| key.clone()), key, levels })
        }
        _ => {
            reading.fault(
                &values.span("to"),
                "this range has no four different levels",
                "let `from` and `to` lie further apart",
            );
            None
        }
    }
}

/// One move: the point it starts from, the key that moves, and where that key goes.
type Moves = (Vec<u64>, Vec<(usize, u64)>);

/// A trajectory: a start, and each key once in random order, up or down by the move that stays on the grid.
fn trajectory(keys: usize, next: &mut impl FnMut() -> u64) -> Moves {
    // The upper half of a product of 64 bits each: even but for one part in 2⁶⁴/count.
    let mut below = |count: u64| u64::try_from((u128::from(next()) * u128::from(count)) >> 64).unwrap_or(0);
    let start: Vec<u64> = (0..keys).map(|_| below(STEPS + 1)).collect();
    let mut order: Vec<usize> = (0..keys).collect();
    for i in (1..keys).rev() {
        let j = usize::try_from(below(i as u64 + 1)).unwrap_or(0);
        order.swap(i, j);
    }
    // With four levels and a move of two, exactly one direction stays on the grid.
    let moves = order
        .into_iter()
        .map(|key| (key, if start[key] + MOVE <= STEPS { start[key] + MOVE } else { start[key] - MOVE }));
    let moves: Vec<(usize, u64)> = moves.collect();
    (start, moves)
}

/// Runs the screening.
///
/// # Errors
/// Faults of the scenario at one of the points, a metric without estimate there, a broken path or an interruption.
pub fn screen(
    question: &Question,
    load: &dyn Fn(&[Setting]) -> Result<Scenario, Failure>,
    runs: &Runs<'_>,
) -> Result<Screening, Failure> {
    let keys = question.ranges.len();
    let mut next = splitmix(seed_of("screen") ^ runs.seed);
    let mut effects: Vec<Vec<f64>> = vec![Vec::new(); keys];
    let mut visited = Vec::new();
    let mut header = None;
    let unit_of = METRICS.iter().find(|info| info.name == question.metric).map(|info| info.unit);
    let mut measure = |point: &[u64]| -> Result<f64, Failure> {
        let literal = |(range, &level): (&Ranged, &u64)| Setting {
            key: range.key.clone(),
            literal: range.levels[usize::try_from(level).unwrap_or(0)].clone(),
        };
        let settings: Vec<Setting> = question.ranges.iter().zip(point).map(literal).collect();
        let run = runs.run(&load(&settings)?)?;
        let found = run.metrics.iter().find(|metric| metric.name == question.metric).and_then(|metric| metric.estimate);
        let Some(estimate) = found else {
            return Err(Faults::usage(
                format!("`{}` has no estimate at {}", question.metric, joined(&settings)),
                "screen by a probability or a mean",
            )
            .into());
        };
        visited.push(Visited { values: settings.into_iter().map(|setting| setting.literal).collect(), estimate });
        header.get_or_insert(run.header);
        Ok(estimate.estimate)
    };
    let step = MOVE as f64 / STEPS as f64;
    for _ in 0..question.trajectories {
        let (mut point, moves) = trajectory(keys, &mut next);
        let mut before = measure(&point)?;
        for (key, level) in moves {
            let up = level > point[key];
            point[key] = level;
            let after = measure(&point)?;
            effects[key].push(if up { after - before } else { before - after } / step);
            before = after;
        }
    }
    let header = header.ok_or_else(|| Faults::usage("nothing was screened", "add ranges"))?;
    let mut ranked: Vec<Effect> = question
        .ranges
        .iter()
        .zip(&effects)
        .map(|(range, effects)| {
            let sizes: Vec<f64> = effects.iter().map(|x| x.abs()).collect();
            Effect {
                key: range.key.clone(),
                name: range.name.clone(),
                from: range.levels[0].clone(),
                to: range.levels[range.levels.len() - 1].clone(),
                size: resampled(&sizes, &format!("screen {}", range.key)),
                mean: mean(effects),
                spread: spread(effects),
            }
        })
        .collect();
    ranked.sort_by(|a, b| b.size.estimate.total_cmp(&a.size.estimate).then(a.key.cmp(&b.key)));
    let unit = unit_of.map(|unit| unit.text(&header.currency)).unwrap_or_default();
    Ok(Screening {
        header,
        metric: question.metric.clone(),
        unit,
        trajectories: question.trajectories,
        keys: question.ranges.iter().map(|range| range.key.clone()).collect(),
        effects: ranked,
        visited,
    })
}

fn joined(settings: &[Setting]) -> String {
    settings.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn spread(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|x| (x - middle) * (x - middle)).sum();
    libm::sqrt(squares / (values.len() as f64 - 1.0).max(1.0))
}

/// The mean with the percentile interval of resampled trajectories.
fn resampled(values: &[f64], name: &str) -> Estimate {
    use rust_decimal::prelude::ToPrimitive;
    let mut next = splitmix(seed_of(name));
    let count = values.len();
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let draw = |_| values[libm::floor(unit(next()) * count as f64).to_usize().unwrap_or(0).min(count - 1)];
            (0..count).map(draw).sum::<f64>() / count as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let cut = (RESAMPLES - 1) / 40;
    Estimate {
        estimate: mean(values),
        low: means[cut],
        high: means[RESAMPLES - 1 - cut],
        level: LEVEL,
        standard_error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Paint;

    fn parse(text: &str) -> Result<Question, String> {
        let source = Arc::new(Source { name: "ranges.toml".into(), text: text.into() });
        Question::parse(&source).map_err(|faults| faults.render(Paint::Plain))
    }

    const TWO: &str = "[screen]\n[[screen.ranges]]\nkey = \"a\"\nfrom = 0\nto = 3\n[[screen.ranges]]\nkey = \"b\"\n";

    #[test]
    fn a_range_has_four_levels() {
        let question = parse(&format!("{TWO}from = 1\nto = 1000\nscale = \"log\"\nwhole = true")).unwrap();
        assert_eq!(question.ranges[0].levels, ["0", "1", "2", "3"]);
        assert_eq!(question.ranges[1].levels, ["1", "10", "100", "1000"]);
        assert_eq!((question.metric.as_str(), question.trajectories, question.points()), ("fund_need_mean", 8, 24));
    }

    #[test]
    fn faults_of_a_screening_have_their_place() {
        for (text, expected) in [
            ("a = 1", "there is nothing to screen"),
            ("[screen]", "two keys or more"),
            (&format!("{TWO}from = 1\nto = 1"), "no four different levels"),
            (&format!("{TWO}from = 0\nto = 1\nscale = \"log\""), "values above 0"),
            (&format!("{TWO}from = 0\nto = 1\n[screen.x]"), "unknown key `x`"),
            (&format!("{}from = 0\nto = 1", TWO.replace("\"b\"", "\"a\"")), "`a` has two ranges"),
            (
                &format!("{}from = 0\nto = 1", TWO.replace("[screen]", "[screen]\nmetric = \"p_ald\"")),
                "did you mean `p_adl`?",
            ),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn a_trajectory_moves_every_key_once_by_two_levels() {
        let mut next = splitmix(4);
        let mut starts = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let (start, moves) = trajectory(3, &mut next);
            let mut order: Vec<usize> = moves.iter().map(|(key, _)| *key).collect();
            starts.insert((start.clone(), order.clone()));
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2]);
            assert!(moves.iter().all(|&(key, level)| level <= STEPS && level.abs_diff(start[key]) == MOVE));
        }
        assert!(starts.len() > 100, "{} different starts", starts.len());
    }

    #[test]
    fn effects_of_a_known_function_are_what_they_should_be() {
        // Effects −2, 4 and 1: μ* = 7/3, μ = 1, σ = 3.
        let effects = [-2.0_f64, 4.0, 1.0];
        assert!((mean(&effects) - 1.0).abs() < 1e-12 && (spread(&effects) - 3.0).abs() < 1e-12);
        let size = resampled(&effects.map(f64::abs), "x");
        assert!((size.estimate - 7.0 / 3.0).abs() < 1e-12 && size.low >= 1.0 && size.high <= 4.0, "{size:?}");
    }
}
