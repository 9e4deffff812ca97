//! `flashcrash preset`: the rule books of exchanges and the populations inside the program.

use clap::Args;
use serde_json::json;

use flashcrash::fault::{Failure, Faults, did_you_mean};
use flashcrash::traders::presets as populations;
use flashcrash::venue::presets;

use super::{pretty, print};

#[derive(Debug, Args)]
pub struct PresetArgs {
    /// Name of the preset; all names with their meaning where absent
    name: Option<String>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub fn preset(args: &PresetArgs) -> Result<(), Failure> {
    let venues = presets::PRESETS.iter().map(|preset| (preset.name, preset.about));
    let people = populations::PRESETS.iter().map(|preset| (preset.name, preset.about));
    let Some(name) = &args.name else {
        if args.json {
            let list = |presets: Vec<(&str, &str)>| {
                presets.iter().map(|(name, about)| json!({"name": name, "about": about})).collect::<Vec<_>>()
            };
            return print(&pretty(&json!({"venues": list(venues.collect()), "populations": list(people.collect())})));
        }
        let line = |(name, about): (&str, &str)| format!("{name:<22} {about}\n");
        let (venues, people): (Vec<String>, Vec<String>) = (venues.map(line).collect(), people.map(line).collect());
        return print(&format!(
            "Rule books, for `preset` in [venue]:\n\n{}\nPopulations, for `preset` in [[traders]]:\n\n{}",
            venues.concat(),
            people.concat()
        ));
    };
    let found = presets::find(name).map(|preset| preset.text);
    if let Some(text) = found.or_else(|| populations::find(name).map(|preset| preset.text)) {
        let table = toml::from_str::<toml::Table>(text).ok().filter(|_| args.json);
        return table.map_or_else(|| print(text), |table| print(&pretty(&json!(table))));
    }
    let hint = match did_you_mean(name, venues.chain(people).map(|(name, _)| name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`flashcrash preset` lists them".to_owned(),
    };
    Err(Faults::usage(format!("unknown preset `{name}`"), hint).into())
}
