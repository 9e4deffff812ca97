//! `flashcrash sweep --screen`: which keys matter.

use std::path::Path;

use serde_json::json;

use flashcrash::fault::Failure;
use flashcrash::folder::study::pretty;
use flashcrash::report;
use flashcrash::study::screen::{Question, screen as study};

use super::StudyArgs;
use super::study::{Base, Found, Interrupted, Plan, Study, described, extent};
use super::told::{after, joined, named};

pub(super) fn screen(file: &Path, args: &StudyArgs) -> Result<(), Failure> {
    let question = Question::load(file)?;
    let scenario = match &question.scenario {
        Some(named) => file.parent().unwrap_or_else(|| Path::new("")).join(named),
        None => file.to_owned(),
    };
    let (base, first) = Base::load(&scenario, args)?;
    let (seed, all) = extent(args, &first);
    let paths = args.paths.or(question.paths).unwrap_or(all).max(2);
    let ranges: Vec<_> =
        question.ranges.iter().map(|range| json!({"key": range.key, "levels": range.levels})).collect();
    let about = joined(
        described(&first),
        json!({"metric": question.metric, "trajectories": question.trajectories, "ranges": ranges}),
    );
    let name = &first.name;
    let plan = Plan { kind: "screen", name, seed, paths, about, interrupted: Interrupted::Forgotten };
    let session = Study::begin(args, plan)?;
    session.expect(question.points());
    let found = study(&question, &|settings| base.with(settings), &session.runs())?;
    session.quiet_down();
    let json = found.to_json();
    session.staged.write("screen.json", &pretty(&json))?;
    session.staged.write("screen.csv", &found.csv())?;
    session.staged.write("points.csv", &found.points_csv())?;
    let chart = report::screening::draw(&found, &session.staged.path(""))?;
    let files = format!("screen.json, screen.csv, points.csv; chart {chart} (.svg, .png)");
    let next = after("sweep", &named(&scenario, &args.set.settings()?, args.seed));
    session.finish(|_| false, Found { text: &report::screening::text(&found), json, files: &files, next })
}
