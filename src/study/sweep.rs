//! Sweeps: one scenario over axes of its keys, every cell on the same shocks.
//!
//! A `[sweep]` table names the axes; the cells are their product, the first axis slowest. Axes over several keys at
//! once are linked: their values move together.

mod reuse;
pub mod run;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::fault::{Failure, Faults, Place, Source};
use crate::registry::{Key, Need, Node, Part, Raw, Reading, Setting, Shape, Values, read, setting_at};

/// What `[sweep]` takes beside `axes` and `base`.
const SWEEP: &[Key] = &[
    Key {
        name: "scenario",
        shape: Shape::Text,
        need: Need::Optional,
        about: "scenario file, where the sweep stands in a file of its own",
    },
    Key {
        name: "paths",
        shape: Shape::Count { min: 2, max: 10_000_000 },
        need: Need::Optional,
        about: "paths of each cell; the scenario's where absent",
    },
    Key {
        name: "seed",
        shape: Shape::Count { min: 0, max: i64::MAX },
        need: Need::Optional,
        about: "seed of every cell; the scenario's where absent",
    },
    Key {
        name: "metrics",
        shape: Shape::Choice(&[
            ("all", "every metric"),
            ("probabilities", "how likely exhaustion, ADL and liquidation are, and what is needed of a fund"),
        ]),
        need: Need::Default("\"all\""),
        about: "what is asked of each cell; `probabilities` runs no path farther than it takes to tell them",
    },
];

/// What `[[sweep.axes]]` takes beside `values`.
const AXIS: &[Key] = &[
    Key { name: "key", shape: Shape::Text, need: Need::Optional, about: "key by its path, as `venue.fund.open`" },
    Key {
        name: "keys",
        shape: Shape::List(&Shape::Text),
        need: Need::Optional,
        about: "several keys that move together; then each value is a list, one for each key",
    },
    Key {
        name: "name",
        shape: Shape::Text,
        need: Need::Optional,
        about: "how charts call the axis; the key where absent",
    },
    Key { name: "from", shape: ANY, need: Need::Optional, about: "first value of a range" },
    Key { name: "to", shape: ANY, need: Need::Optional, about: "last value of a range" },
    Key {
        name: "steps",
        shape: Shape::Count { min: 2, max: 1_000 },
        need: Need::Optional,
        about: "number of values of a range",
    },
    Key {
        name: "scale",
        shape: Shape::Choice(&[("linear", "equal differences"), ("log", "equal ratios, rounded to three digits")]),
        need: Need::Default("\"linear\""),
        about: "how the values of a range are spread",
    },
];

const ANY: Shape = Shape::Number { unit: "", min: f64::NEG_INFINITY, max: f64::INFINITY };

/// More cells than anybody looks at.
const MOST_CELLS: usize = 10_000;

/// One axis: what it sets, and the points along it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    pub name: String,
    pub keys: Vec<String>,
    /// For each point one literal for each key.
    pub points: Vec<Vec<String>>,
    /// Where the keys stand in the file.
    key_places: Vec<Place>,
    /// Where each point stands; the range where they are those of one.
    point_places: Vec<Place>,
}

impl Axis {
    /// A point as it is shown: the value of the first key, without quotes.
    #[must_use]
    pub fn shown(&self, point: usize) -> String {
        let values: Vec<&str> = self.points[point].iter().map(|literal| literal.trim_matches('"')).collect();
        // Linked keys usually take the same value, which is then said once.
        if values.windows(2).all(|pair| pair[0] == pair[1]) { values[0].to_owned() } else { values.join(" / ") }
    }
}

/// What a sweep asks of its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metrics {
    #[default]
    All,
    /// [`PROBABILITIES`] alone.
    Probabilities,
}

/// Metrics that a path tells by the time at which its fund is exhausted and lots are deleveraged, or that are the same
/// under every fund.
pub const PROBABILITIES: [&str; 7] = [
    "p_fund_exhausted",
    "p_adl",
    "p_liquidation",
    "fund_need_mean",
    "fund_need_var_99",
    "fund_need_es_99",
    "fund_need_to_open_interest",
];

/// A sweep as written and checked, without its scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Scenario file, relative to the sweep's own; the sweep's own where absent.
    pub scenario: Option<String>,
    pub paths: Option<u64>,
    pub seed: Option<u64>,
    pub axes: Vec<Axis>,
    pub metrics: Metrics,
    /// Number of the cell that the others are compared with.
    pub base: usize,
}

impl Sweep {
    /// Reads the sweep of a file: its table `[sweep]`, or the whole file where that has no such table.
    ///
    /// # Errors
    /// A file that cannot be read, and every fault of the sweep.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(Failure::file(path))?;
        let source = Arc::new(Source { name: path.display().to_string(), text });
        Ok(Self::parse(&source)?)
    }

    /// Whether a file has a sweep. One that is not TOML has none: what is wrong with it is told where it is read.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn is_in(path: &Path) -> Result<bool, Failure> {
        Ok(table_of(path)?.is_some())
    }

    /// Whether the sweep of a file names the scenario that it is over.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn names_another(path: &Path) -> Result<bool, Failure> {
        Ok(table_of(path)?.is_some_and(|table| table.get("scenario").is_some()))
    }

    /// The same from a text.
    ///
    /// # Errors
    /// Every fault of the sweep.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Faults> {
        let mut reading = Reading::new(Arc::clone(source), Path::new("."));
        let node = Node::parse(source, &mut reading.faults);
        if reading.faults.is_fatal() {
            return Err(reading.faults);
        }
        let sweep = if let Some(table) = node.get("sweep") {
            read_sweep(table, &mut reading)
        } else {
            let hint = "add `[sweep]` with `[[sweep.axes]]`, each with `key` and `values`";
            reading.fault(&(0..0), "there is nothing to sweep", hint);
            None
        };
        match sweep {
            Some(sweep) if !reading.faults.is_fatal() => Ok(sweep),
            _ => Err(reading.faults),
        }
    }

    #[must_use]
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.points.len()).product()
    }

    /// The point on each axis of a cell.
    #[must_use]
    pub fn points(&self, mut cell: usize) -> Vec<usize> {
        let mut points: Vec<usize> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let point = cell % axis.points.len();
                cell /= axis.points.len();
                point
            })
            .collect();
        points.reverse();
        points
    }

    /// The keys that a cell sets.
    #[must_use]
    pub fn settings(&self, cell: usize) -> Vec<Setting> {
        let set = |(axis, point): (&Axis, usize)| -> Vec<Setting> {
            axis.keys
                .iter()
                .zip(&axis.points[point])
                .map(|(key, literal)| Setting { key: key.clone(), literal: literal.clone() })
                .collect()
        };
        self.axes.iter().zip(self.points(cell)).flat_map(set).collect()
    }

    /// Faults of a cell whose settings stand behind `common` others, at the places of the axes that they come from.
    #[must_use]
    pub fn placed(&self, faults: Faults, cell: usize, common: usize) -> Faults {
        let points = self.points(cell);
        let keys = self
            .axes
            .iter()
            .zip(points)
            .flat_map(|(axis, point)| axis.key_places.iter().map(move |key| (key, &axis.point_places[point])));
        let places: Vec<(&Place, &Place)> = keys.collect();
        faults.at(|place| {
            let (number, part) = setting_at(place)?;
            let (key, value) = places.get(number.checked_sub(common)?)?;
            Some(if part == Part::Key { (*key).clone() } else { (*value).clone() })
        })
    }

    /// The value on each axis of a cell, as shown.
    #[must_use]
    pub fn values(&self, cell: usize) -> Vec<String> {
        self.axes.iter().zip(self.points(cell)).map(|(axis, point)| axis.shown(point)).collect()
    }

    /// What a cell is called.
    #[must_use]
    pub fn label(&self, cell: usize) -> String {
        let parts: Vec<String> =
            self.axes.iter().zip(self.values(cell)).map(|(axis, value)| format!("{} {value}", axis.name)).collect();
        parts.join(", ")
    }
}

/// The table `[sweep]` of a file, where it has one.
fn table_of(path: &Path) -> Result<Option<Node>, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::file(path))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let source = Arc::new(Source { name: path.display().to_string(), text });
    Ok(Node::parse(&source, &mut Faults::default()).get("sweep").cloned())
}

fn read_sweep(node: &Node, reading: &mut Reading) -> Option<Sweep> {
    let (rest, raw) = node.split(&["axes", "base"]);
    let values = read(&rest, SWEEP, "`[sweep]`", reading);
    let tables: &[Node] = match raw.get("axes") {
        Some(Node { raw: Raw::List(tables), .. }) if !tables.is_empty() => tables,
        other => {
            let span = other.map_or_else(|| node.span.clone(), |node| node.span.clone());
            let hint = "add `[[sweep.axes]]` with `key` and `values`, once for each axis";
            reading.fault(&span, "a sweep needs at least one axis", hint);
            return None;
        }
    };
    let axes: Vec<Option<Axis>> = tables.iter().map(|table| read_axis(table, reading)).collect();
    let axes: Vec<Axis> = axes.into_iter().collect::<Option<_>>()?;
    let mut keys: Vec<&String> = axes.iter().flat_map(|axis| &axis.keys).collect();
    keys.sort();
    if let Some([twice, _]) = keys.array_windows::<2>().find(|[a, b]| a == b) {
        let message = format!("`{twice}` stands on two axes");
        reading.fault(&node.span, message, "a cell can set a key only once");
        return None;
    }
    let count = axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.points.len()));
    if count.is_none_or(|count| count > MOST_CELLS) {
        reading.fault(&node.span, format!("these axes make more than {MOST_CELLS} cells"), "leave some values out");
        return None;
    }
    let values = values?;
    let mut sweep = Sweep {
        scenario: values.maybe_text("scenario"),
        paths: values.maybe_count("paths").and_then(|count| u64::try_from(count).ok()),
        seed: values.maybe_count("seed").and_then(|count| u64::try_from(count).ok()),
        axes,
        metrics: if values.text("metrics") == "probabilities" { Metrics::Probabilities } else { Metrics::All },
        base: 0,
    };
    if let Some(base) = raw.get("base") {
        sweep.base = read_base(base, &sweep, reading)?;
    }
    Some(sweep)
}

/// `base = [20, "notional"]`: one value an axis.
fn read_base(node: &Node, sweep: &Sweep, reading: &mut Reading) -> Option<usize> {
    let Raw::List(items) = &node.raw else {
        reading.fault(&node.span, "`base` must be a list", "write one value for each axis, as `base = [20, \"fund\"]`");
        return None;
    };
    let wanted: Vec<String> = items.iter().map(|item| literal(item, reading).trim_matches('"').to_owned()).collect();
    let same = |cell: &usize| {
        let shown = sweep.values(*cell);
        shown.len() == wanted.len()
            && shown.iter().zip(&wanted).all(|(a, b)| a == b || number(a) == number(b) && number(a).is_some())
    };
    let found = (0..sweep.cells()).find(same);
    if found.is_none() {
        let axes: Vec<String> = sweep
            .axes
            .iter()
            .map(|axis| {
                let points: Vec<String> = (0..axis.points.len()).map(|point| axis.shown(point)).collect();
                format!("{}: {}", axis.name, points.join(", "))
            })
            .collect();
        reading.fault(&node.span, "`base` is no cell of the sweep", format!("the axes are {}", axes.join("; ")));
    }
    found
}

fn number(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok()
}

/// A value as it stands in the file.
fn literal(node: &Node, reading: &Reading) -> String {
    match &node.raw {
        Raw::Text(text) => format!("{text:?}"),
        _ => reading.source.text.get(node.span.clone()).unwrap_or_default().to_owned(),
    }
}

fn read_axis(node: &Node, reading: &mut Reading) -> Option<Axis> {
    let (rest, raw) = node.split(&["values"]);
    let values = read(&rest, AXIS, "an axis", reading)?;
    let (spans, keys): (Vec<Range<usize>>, Vec<String>) = match (values.maybe_text("key"), values.texts("keys")) {
        (Some(key), keys) if keys.is_empty() => (vec![values.span("key")], vec![key]),
        (None, keys) if !keys.is_empty() => keys.into_iter().unzip(),
        _ => {
            reading.fault(
                &node.span,
                "an axis takes either `key` or `keys`",
                "name what it varies, as `key = \"venue.fund.open\"`",
            );
            return None;
        }
    };
    for key in &keys {
        if let Err(faults) = Setting::parse(&format!("{key}=0")) {
            let hint = faults.iter().next().map(|fault| fault.hint.clone()).unwrap_or_default();
            reading.fault(&node.span, format!("`{key}` is no path of a key"), hint);
            return None;
        }
    }
    let (points, point_spans): (Vec<Vec<String>>, Vec<Range<usize>>) = if let Some(list) = raw.get("values") {
        if values.has("from") || values.has("to") || values.has("steps") {
            reading.fault(&list.span, "an axis takes either `values` or a range", "leave out `from`, `to` and `steps`");
            return None;
        }
        let points = listed(list, keys.len(), reading)?;
        let items: &[Node] = if let Raw::List(items) = &list.raw { items } else { &[] };
        (points, items.iter().map(|item| item.span.clone()).collect())
    } else {
        let points = range(node, &values, reading)?;
        let spans = vec![values.span("from"); points.len()];
        (points.into_iter().map(|value| vec![value; keys.len()]).collect(), spans)
    };
    let places = |spans: Vec<Range<usize>>| {
        spans.into_iter().map(|span| Place { source: Arc::clone(&reading.source), span }).collect()
    };
    let (key_places, point_places) = (places(spans), places(point_spans));
    let name = values.maybe_text("name").unwrap_or_else(|| keys.join(" = "));
    Some(Axis { name, keys, points, key_places, point_places })
}

fn listed(list: &Node, keys: usize, reading: &mut Reading) -> Option<Vec<Vec<String>>> {
    let Raw::List(items) = &list.raw else {
        reading.fault(&list.span, "`values` must be a list", "write `values = [5, 10, 25]`");
        return None;
    };
    if items.is_empty() {
        reading.fault(&list.span, "`values` is empty", "write at least one value");
        return None;
    }
    let mut points: Vec<Vec<String>> = Vec::with_capacity(items.len());
    for item in items {
        let point = match &item.raw {
            Raw::List(parts) if keys > 1 => parts.iter().map(|part| literal(part, reading)).collect(),
            _ if keys > 1 => Vec::new(),
            _ => vec![literal(item, reading)],
        };
        if point.len() != keys {
            reading.fault(
                &item.span,
                format!("this axis sets {keys} keys"),
                "write a list with one value for each key",
            );
            return None;
        }
        if points.contains(&point) {
            reading.fault(&item.span, "the same point twice", "leave one of them out");
            return None;
        }
        points.push(point);
    }
    Some(points)
}

/// The values of a range, exact in decimals where it is linear.
fn range(node: &Node, values: &Values, reading: &mut Reading) -> Option<Vec<String>> {
    let (Some(from), Some(to), Some(steps)) =
        (values.maybe_number("from"), values.maybe_number("to"), values.maybe_count("steps"))
    else {
        reading.fault(&node.span, "an axis lacks its values", "add `values = […]`, or `from`, `to` and `steps`");
        return None;
    };
    let is_log = values.text("scale") == "log";
    if is_log && (from <= 0.0 || to <= 0.0) {
        reading.fault(&values.span("from"), "equal ratios need values above 0", "use `scale = \"linear\"`");
        return None;
    }
    let (Some(first), Some(last), false) = (Decimal::from_f64(from), Decimal::from_f64(to), from == to) else {
        reading.fault(
            &values.span("from"),
            "this range has no length or no decimal form",
            "let `from` and `to` differ",
        );
        return None;
    };
    let last_step = steps - 1;
    let value = |i: i64| {
        if i == 0 || i == last_step {
            return if i == 0 { first } else { last };
        }
        if is_log {
            let share = i.to_f64().unwrap_or(0.0) / last_step.to_f64().unwrap_or(1.0);
            let x = libm::exp(libm::log(from) + share * (libm::log(to) - libm::log(from)));
            return Decimal::from_f64(x).and_then(|x| x.round_sf(3)).unwrap_or(first);
        }
        // Beyond 28 digits there is nothing between the ends.
        let part = Decimal::from(i).checked_div(Decimal::from(last_step));
        let way = last.checked_sub(first).zip(part).and_then(|(length, part)| length.checked_mul(part));
        way.and_then(|way| first.checked_add(way)).map_or(last, |x| x.round_dp(12))
    };
    let mut points: Vec<String> = (0..steps).map(|i| value(i).normalize().to_string()).collect();
    points.dedup();
    Some(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Paint;

    fn parse(text: &str) -> Result<Sweep, String> {
        let source = Arc::new(Source { name: "caps.toml".into(), text: text.into() });
        Sweep::parse(&source).map_err(|faults| faults.render(Paint::Plain))
    }

    const CAPS: &str = r#"
[sweep]
paths = 200
base = [20.0, "notional", 2]

[[sweep.axes]]
key = "population.leverage_cap"
name = "leverage cap"
values = [5, 20]

[[sweep.axes]]
key = "population.cap_keeps"
values = ["notional", "collateral"]

[[sweep.axes]]
keys = ["assets.0.book.depth_1pct", "assets.1.book.depth_1pct"]
from = 1
to = 2
steps = 3
"#;

    #[test]
    fn cells_are_the_product_of_the_axes() {
        let sweep = parse(CAPS).unwrap();
        assert_eq!(sweep.cells(), 12);
        assert_eq!(sweep.values(0), ["5", "notional", "1"]);
        assert_eq!(sweep.values(4), ["5", "collateral", "1.5"]);
        assert_eq!(
            sweep.label(11),
            "leverage cap 20, population.cap_keeps collateral, assets.0.book.depth_1pct = assets.1.book.depth_1pct 2"
        );
        assert_eq!(sweep.base, 8, "20.0 is 20");
        let set: Vec<String> = sweep.settings(4).iter().map(ToString::to_string).collect();
        assert_eq!(
            set,
            [
                "population.leverage_cap=5",
                "population.cap_keeps=\"collateral\"",
                "assets.0.book.depth_1pct=1.5",
                "assets.1.book.depth_1pct=1.5"
            ]
        );
    }

    #[test]
    fn a_range_of_equal_ratios_is_rounded_and_ends_where_it_should() {
        let sweep =
            parse("[sweep]\n[[sweep.axes]]\nkey = \"a\"\nfrom = 5\nto = 125\nsteps = 5\nscale = \"log\"").unwrap();
        // 5·25^(1/4) = 11.18, 25, 55.9.
        assert_eq!((0..5).map(|i| sweep.axes[0].shown(i)).collect::<Vec<_>>(), ["5", "11.2", "25", "55.9", "125"]);
    }

    #[test]
    fn a_range_of_equal_differences_is_exact_and_never_overflows() {
        let axis = |from: &str, to: &str| {
            let text = format!("[sweep]\n[[sweep.axes]]\nkey = \"a\"\nfrom = {from}\nto = {to}\nsteps = 4");
            parse(&text)
                .map(|sweep| (0..sweep.axes[0].points.len()).map(|i| sweep.axes[0].shown(i)).collect::<Vec<_>>())
        };
        assert_eq!(axis("0.1", "0.4").unwrap(), ["0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(axis("-7e28", "7e28").unwrap().len(), 2);
        assert!(axis("1", "1e300").is_err());
    }

    #[test]
    fn faults_of_a_sweep_have_their_place() {
        for (text, expected) in [
            ("a = 1", "there is nothing to sweep"),
            ("[sweep]", "needs at least one axis"),
            ("[sweep]\nmetrics = \"some\"\n[[sweep.axes]]\nkey = \"a\"\nvalues = [1]", "probabilities"),
            ("[sweep]\n[[sweep.axes]]\nkey = \"a\"", "lacks its values"),
            ("[sweep]\n[[sweep.axes]]\nvalues = [1]", "either `key` or `keys`"),
            ("[sweep]\n[[sweep.axes]]\nkey = \"a\"\nvalues = [1, 1]", "the same point twice"),
            ("[sweep]\n[[sweep.axes]]\nkey = \"a..b\"\nvalues = [1, 1]", "no path of a key"),
            ("[sweep]\n[[sweep.axes]]\nkeys = [\"a\", \"b\"]\nvalues = [1]", "sets 2 keys"),
            ("[sweep]\n[[sweep.axes]]\nkey = \"a\"\nvalus = [1]", "unknown key `valus`"),
            ("[sweep]\nbase = [3]\n[[sweep.axes]]\nkey = \"a\"\nvalues = [1]", "the axes are a: 1"),
            ("[sweep]\n[[sweep.axes]]\nkey = \"a\"\nfrom = 0\nto = 2\nsteps = 3\nscale = \"log\"", "values above 0"),
            (
                "[sweep]\n[[sweep.axes]]\nkey = \"a\"\nvalues = [1]\n[[sweep.axes]]\nkey = \"a\"\nvalues = [2]",
                "stands on two axes",
            ),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
