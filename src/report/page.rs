//! `report.html`: one file that opens without a network, from a template that a house may replace.
//!
//! The page draws its own charts: a few hundred lines of script over the same descriptions as the pictures, where a
//! chart library would be four megabytes of somebody else's code. It holds no time, no random name and no address, so
//! one folder makes the same bytes each time.

use minijinja::Environment;
use serde_json::{Value as Json, json};

use super::attribution;
use super::charts::{Data, paths};
use super::findings::findings;
use super::number::{Style, grouped, short, with_interval};
use super::plot::Plot;
use crate::facts::{Outcome, Unit};
use crate::fault::{Failure, Faults};
use crate::folder::attribution::Attribution;
use crate::folder::schema::METRICS;
use crate::folder::trace::{ASKED, Frames, Traced};
use crate::folder::{Adverse, Written};

const TEMPLATE: &str = include_str!("page/template.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");
const GLOSSARY: &str = include_str!("../../docs/glossary.md");

/// Paths in the table of the worst.
const WORST: usize = 10;

/// What the paths in full may take of the page, bytes: the page stays under six million.
const TRACES: usize = 4_800_000;

/// How the page looks where a house has its own style.
#[derive(Clone, Debug, Default)]
pub struct House {
    /// Name and text of a template in place of the built-in one.
    pub template: Option<(String, String)>,
    pub theme: Theme,
    /// Rules behind the built-in ones.
    pub css: String,
}

/// Light, dark, or as the reader's system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The paths that need the most, from the rows as they come; memory does not grow with paths.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    rows: Vec<Outcome>,
}

impl Worst {
    pub fn see(&mut self, row: &Outcome) {
        let order = |row: &Outcome| (-row.fund_need, -row.liquidated_notional, row.path);
        if self.rows.len() == WORST && self.rows.last().is_some_and(|last| order(row) > order(last)) {
            return;
        }
        let at = self.rows.partition_point(|known| order(known) < order(row));
        self.rows.insert(at, row.clone());
        self.rows.truncate(WORST);
    }
}

/// What some folders have beside their numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct More<'a> {
    /// The scenario as it was written.
    pub written: Option<&'a Written>,
    /// What each part of the market adds.
    pub attribution: Option<&'a Attribution>,
}

/// Renders the page.
///
/// # Errors
/// A template that cannot be read or rendered, with its line.
pub fn render(
    data: &Data<'_>,
    plots: &[Plot],
    worst: &Worst,
    more: &More<'_>,
    house: &House,
) -> Result<String, Failure> {
    let (name, text) = house.template.as_ref().map_or(("report.html", TEMPLATE), |(name, text)| (name, text));
    let broken = |error: minijinja::Error| {
        let line = error.line().map_or_else(String::new, |line| format!(":{line}"));
        Failure::from(Faults::usage(
            format!("{name}{line}: the template cannot be rendered: {error}"),
            "start from the template in src/report/page/template.html",
        ))
    };
    let mut environment = Environment::new();
    // Whatever a house calls its file, names of scenarios and accounts are text, not markup.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_template("page", text).map_err(broken)?;
    let page = environment.get_template("page").map_err(broken)?;
    let mut context = context(data, plots, worst, more, house);
    if let Some(found) = more.attribution {
        context["attribution"] = json!({
            "title": attribution::title(found),
            "svg": attribution::waterfall(found).svg()?,
            "table": attribution::table(found),
        });
    }
    page.render(minijinja::value::Serde(context)).map_err(broken)
}

/// Everything that a template may show.
fn context(data: &Data<'_>, plots: &[Plot], worst: &Worst, more: &More<'_>, house: &House) -> Json {
    let header = data.header;
    let (extreme, traded): (&str, fn(&Outcome) -> i64) = match header.adverse {
        Adverse::Down => ("traded low", |row| row.traded_low),
        Adverse::Up => ("traded high", |row| row.traded_high),
    };
    let price_places = usize::try_from(header.tick.size().scale()).unwrap_or(0);
    let amount = |units: i64| short(data.cash(units));
    let rows: Vec<Json> = worst
        .rows
        .iter()
        .map(|row| {
            json!({
                "path": row.path,
                "traced": data.traces.iter().any(|trace| trace.frames.path == row.path),
                "fund_need": amount(row.fund_need),
                "fund_draw": amount(row.fund_draw),
                "exhausted": row.exhausted_at_s.map_or_else(|| "never".into(), |at| format!("{} s", short(at as f64 / 1e9))),
                "orders": grouped(row.liquidations as f64, 0),
                "liquidated": amount(row.liquidated_notional),
                "adl": amount(row.adl_notional),
                "adl_accounts": grouped(row.adl_accounts as f64, 0),
                "deficit": amount(row.unfunded_deficit),
                "extreme": grouped(traded(row) as f64 * header.tick.to_f64(), price_places),
            })
        })
        .collect();
    let glossary = glossary();
    let command = header.command();
    let short_hash: String = header.hash.chars().take(12).collect();
    json!({
        "theme": house.theme.name(),
        "style": format!("{STYLE}{}", house.css),
        "script": SCRIPT,
        "header": {
            "scenario": header.scenario,
            "about": header.about,
            "hash": header.hash,
            "short_hash": short_hash,
            "seed": header.seed.to_string(),
            "paths": paths(header.paths),
            "accounts": grouped(header.accounts as f64, 0),
            "horizon": span(header.horizon.seconds()),
            "version": header.version,
            "currency": header.currency,
            "file": command,
            "extreme": extreme,
        },
        "findings": findings(data, worst.rows.first()),
        "charts": plots.iter().map(|plot| json!({ "name": plot.name, "title": plot.title, "subtitle": plot.subtitle })).collect::<Vec<_>>(),
        "caption": plots.first().map(|plot| plot.caption.clone()),
        "traces": data.traces.iter().map(|trace| json!({ "path": trace.frames.path, "roles": trace.frames.roles.join(", ") })).collect::<Vec<_>>(),
        "worst": rows,
        "metrics": metrics(data),
        "behaviours": behaviours(data),
        "attribution": Json::Null,
        "scenario": more.written.map(|written| json!({ "text": written.text, "defaults": written.defaults, "set": header.set })),
        "reproduce": reproduce(data, &command, more),
        "glossary": glossary,
        "data": embedded(data, plots, &glossary, &command),
    })
}

/// The command that makes this page again.
fn reproduce(data: &Data<'_>, command: &str, more: &More<'_>) -> String {
    let header = data.header;
    let mut text = format!("flashcrash run {command} --paths {} --seed {}", header.paths, header.seed);
    for trace in data.traces.iter().filter(|trace| trace.frames.roles.iter().any(|role| role == ASKED)) {
        text.push_str(&format!(" --trace {}", trace.frames.path));
    }
    if more.attribution.is_some() {
        text.push_str(" --attribute");
    }
    text
}

/// A stretch of time in the largest unit that it is a whole number of.
fn span(seconds: f64) -> String {
    for (unit, name) in [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min")] {
        let many = seconds / unit;
        if many >= 1.0 && many.fract() == 0.0 {
            return format!("{} {name}", grouped(many, 0));
        }
    }
    format!("{} s", short(seconds))
}

/// The data of the script, with nothing in it that could end its element.
fn embedded(data: &Data<'_>, plots: &[Plot], glossary: &[Json], command: &str) -> String {
    let header = data.header;
    let charts: Vec<Json> = plots.iter().map(Plot::json).collect();
    let whole = json!({
        "file": command,
        "seed": header.seed.to_string(),
        "currency": header.currency,
        "price_unit": data.price_unit(),
        "price_places": header.tick.size().scale(),
        "cash_places": header.cash_unit.size().scale().min(2),
        "charts": charts,
        "glossary": glossary,
        "traces": traces(data.traces),
    });
    whole.to_string().replace('<', "\\u003c")
}

/// Frames and as many stories as fit, the same share for each path.
fn traces(traces: &[Traced]) -> Vec<Json> {
    let each = TRACES / traces.len().max(1);
    traces
        .iter()
        .map(|trace| {
            // Who was deleveraged is drawn above already.
            let frames = Frames { deleveraged: Vec::new(), ..trace.frames.clone() };
            let frames = json!(frames);
            let mut room = each.saturating_sub(frames.to_string().len());
            let mut stories = Vec::new();
            for story in &trace.stories {
                let story = json!(story);
                // What an escaped character takes is a bound that is never reached: sentences have none.
                let size = story.to_string().len() + 1;
                if size > room {
                    break;
                }
                room -= size;
                stories.push(story);
            }
            json!({ "frames": frames, "omitted": trace.stories.len() - stories.len(), "stories": stories })
        })
        .collect()
}

fn metrics(data: &Data<'_>) -> Vec<Json> {
    let about = |name: &str| METRICS.iter().find(|info| info.name == name).map_or("", |info| info.about);
    data.metrics
        .iter()
        .map(|metric| {
            let style = match metric.unit.as_str() {
                "share" => Style::Percent,
                unit if unit == data.header.currency => Style::Amount,
                _ => Style::Plain,
            };
            let [estimate, low, high] = metric
                .estimate
                .map_or_else(|| ["–", "", ""].map(String::from), |estimate| with_interval(estimate, style));
            let unit = if style == Style::Percent { "" } else { metric.unit.as_str() };
            json!({
                "name": metric.name,
                "estimate": estimate,
                "low": low,
                "high": high,
                "unit": unit,
                "about": about(&metric.name),
                "flags": metric.flags.iter().map(|flag| flag.about()).collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// What accounts did of their own accord, one row a column.
fn behaviours(data: &Data<'_>) -> Vec<Json> {
    data.conduct
        .iter()
        .map(|(column, mean)| {
            let (style, unit) = match column.unit {
                Unit::Cash => (Style::Amount, data.header.currency.as_str()),
                Unit::Price => (Style::Plain, "price"),
                Unit::Seconds => (Style::Plain, "s"),
                Unit::Count => (Style::Plain, ""),
            };
            let [estimate, low, high] = with_interval(*mean, style);
            json!({ "name": column.name, "estimate": estimate, "low": low, "high": high, "unit": unit, "about": column.about.trim() })
        })
        .collect()
}

/// The entries of `docs/glossary.md`: `**Term, another word.** What it means.` A line may hold several.
fn glossary() -> Vec<Json> {
    let mut entries = Vec::new();
    for block in GLOSSARY.split("\n\n").skip(1) {
        let block = block.replace('\n', " ");
        let mut rest = block.trim();
        while let Some((term, after)) = rest.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
            let (text, next) = after.find(" **").map_or((after, ""), |at| (&after[..at], after[at..].trim_start()));
            let term = term.trim_end_matches('.');
            let words: Vec<&str> =
                term.split(", ").filter(|word| word.chars().count() > 2 && *word != "unfunded").collect();
            let text = text.replace(['*', '`'], "");
            entries.push(json!({ "term": term, "words": words, "text": text.trim() }));
            rest = next;
        }
    }
    entries
}

#[cfg(test)]
mod tests;
