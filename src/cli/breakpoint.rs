//! `flashcrash breakpoint`: how far a key must go until the fund is exhausted.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use flashcrash::fault::{Failure, Faults};
use flashcrash::folder::frontier::{Frontier, Reached};
use flashcrash::folder::study::pretty;
use flashcrash::registry::Setting;
use flashcrash::report;
use flashcrash::scenario::Scenario;
use flashcrash::study::breakpoint::{Question, breakpoint as study};

use super::StudyArgs;
use super::study::{Base, Found, Interrupted, Plan, Study, described, extent};
use super::told::{after, joined, named};

#[derive(Debug, Args)]
pub struct BreakpointArgs {
    /// Scenario file
    file: PathBuf,
    /// Key that is moved, by its path, as assets.0.process.drop; `drop` is short for that
    #[arg(long)]
    key: String,
    /// Where to begin
    #[arg(long)]
    from: f64,
    /// Where to end
    #[arg(long)]
    to: f64,
    /// Probability that is watched
    #[arg(long, default_value = "p_fund_exhausted", value_parser = ["p_fund_exhausted", "p_adl", "p_liquidation", "p_unfunded_deficit"])]
    metric: String,
    /// Shares to be reached
    #[arg(long, value_delimiter = ',', default_values_t = [0.05, 0.5, 0.95])]
    levels: Vec<f64>,
    /// A frontier instead: the breakpoint at each of these values of another key, as
    /// assets.0.book.depth_1pct=50_000_000,100_000_000; `depth` is short for that key
    #[arg(long, value_name = "KEY=VALUES")]
    across: Option<String>,
    #[command(flatten)]
    study: StudyArgs,
}

pub fn breakpoint(args: &BreakpointArgs) -> Result<(), Failure> {
    let question = question(args)?;
    let (base, first) = Base::load(&args.file, &args.study)?;
    if let Some(across) = &args.across {
        return frontier(args, &question, across, (&base, &first));
    }
    let (seed, paths) = extent(&args.study, &first);
    let about = joined(
        described(&first),
        json!({"key": question.key, "from": question.from, "to": question.to, "metric": question.metric}),
    );
    let plan = Plan { kind: "breakpoint", name: &first.name, seed, paths, about, interrupted: Interrupted::Forgotten };
    let session = Study::begin(&args.study, plan)?;
    let (cells, reached) =
        study(&question, &|settings| base.with(settings), &session.runs(), &|more| session.expect(more))?;
    session.quiet_down();
    let levels: Vec<_> =
        reached.iter().map(|reached| joined(json!({"level": reached.level}), reached.at.to_json())).collect();
    let told = json!({"levels": levels, "points": cells.to_json()});
    session.staged.write("breakpoint.json", &pretty(&told))?;
    session.staged.write("breakpoint.csv", &cells.csv())?;
    let charts = super::sweep::draw(&cells, &session.staged.path(""), &args.study)?;
    let mut text =
        format!("{}: {} against {}, {paths} paths a point, seed {seed}\n\n", first.name, question.metric, question.key);
    for reached in &reached {
        let share = format!("{} %", (reached.level * 1e6).round() / 1e4);
        let at = report::frontier::passing(&reached.at, (question.from, question.to));
        let _ = writeln!(text, "  {share:>6}  {at}");
    }
    let files = format!("breakpoint.json, breakpoint.csv; charts {} (.svg, .png)", charts.join(", "));
    let next = after("breakpoint", &named(&args.file, &args.study.set.settings()?, args.study.seed));
    session.finish(|_| false, Found { text: &text, json: told, files: &files, next })
}

/// `--across`: the same question at several values of another key.
fn frontier(
    args: &BreakpointArgs,
    question: &Question,
    across: &str,
    (base, first): (&Base<'_>, &Scenario),
) -> Result<(), Failure> {
    let (name, values) = across.split_once('=').unwrap_or((across, ""));
    let name = if name.trim() == "depth" { "assets.0.book.depth_1pct" } else { name.trim() };
    let values: Vec<&str> = values.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
    if values.is_empty() {
        return Err(Faults::usage(
            format!("`--across {across}` has no values"),
            "write a key and its values: `--across depth=50_000_000,100_000_000`",
        )
        .into());
    }
    let settings: Vec<Setting> =
        values.iter().map(|value| Setting::parse(&format!("{name}={value}"))).collect::<Result<_, _>>()?;
    for setting in &settings {
        base.with(std::slice::from_ref(setting))?;
    }
    let (seed, paths) = extent(&args.study, first);
    let about = joined(
        described(first),
        json!({"key": question.key, "from": question.from, "to": question.to, "metric": question.metric,
               "levels": question.levels, "across": name, "values": values}),
    );
    let plan = Plan { kind: "frontier", name: &first.name, seed, paths, about, interrupted: Interrupted::Forgotten };
    let session = Study::begin(&args.study, plan)?;
    let mut points = Vec::new();
    let mut header = None;
    for (setting, value) in settings.iter().zip(&values) {
        let load = |more: &[Setting]| base.with(&[std::slice::from_ref(setting), more].concat());
        let (cells, reached) = study(question, &load, &session.runs(), &|more| session.expect(more))?;
        header.get_or_insert_with(|| cells.base().header.clone());
        points.extend(reached.iter().map(|reached| Reached {
            across: (*value).to_owned(),
            level: reached.level,
            at: reached.at,
        }));
    }
    session.quiet_down();
    let Some(header) = header else { return Err(Faults::usage("nothing was run", "name values").into()) };
    let found = Frontier {
        header,
        key: question.key.clone(),
        from: question.from,
        to: question.to,
        across: name.to_owned(),
        metric: question.metric.clone(),
        points,
    };
    let json = found.to_json();
    session.staged.write("frontier.json", &pretty(&json))?;
    session.staged.write("frontier.csv", &found.csv())?;
    let chart = report::frontier::draw(&found, &session.staged.path(""))?;
    let files = format!("frontier.json, frontier.csv; chart {chart} (.svg, .png)");
    let next = after("breakpoint", &named(&args.file, &args.study.set.settings()?, args.study.seed));
    session.finish(|_| false, Found { text: &report::frontier::text(&found), json, files: &files, next })
}

fn question(args: &BreakpointArgs) -> Result<Question, Faults> {
    // The one key that is asked for by its last step alone.
    let key = if args.key == "drop" { "assets.0.process.drop".to_owned() } else { args.key.clone() };
    Setting::parse(&format!("{key}=0"))?;
    let sound = args.from.is_finite() && args.to.is_finite() && args.from < args.to;
    if !sound {
        return Err(Faults::usage("`--from` must be a number below `--to`", "write `--from 0.02 --to 0.3`"));
    }
    if args.levels.is_empty() || args.levels.iter().any(|level| !(*level > 0.0 && *level <= 1.0)) {
        return Err(Faults::usage("a level is a share above 0 and at most 1", "write `--levels 0.05,0.5,0.95`"));
    }
    Ok(Question { key, from: args.from, to: args.to, metric: args.metric.clone(), levels: args.levels.clone() })
}
