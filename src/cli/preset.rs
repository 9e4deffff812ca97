//! `flashcrash preset`: the rule books of exchanges inside the program.

use clap::Args;

use flashcrash::fault::{Failure, Faults, did_you_mean};
use flashcrash::venue::presets::{self, PRESETS};

use super::print;

#[derive(Debug, Args)]
pub struct PresetArgs {
    /// Name of the preset; all names with their meaning where absent
    name: Option<String>,
}

pub fn preset(args: &PresetArgs) -> Result<(), Failure> {
    let Some(name) = &args.name else {
        let lines: Vec<String> =
            PRESETS.iter().map(|preset| format!("{:<22} {}\n", preset.name, preset.about)).collect();
        return print(&lines.concat());
    };
    if let Some(preset) = presets::find(name) {
        return print(preset.text);
    }
    let hint = match did_you_mean(name, PRESETS.iter().map(|preset| preset.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`flashcrash preset` lists them".to_owned(),
    };
    Err(Faults::usage(format!("unknown preset `{name}`"), hint).into())
}
