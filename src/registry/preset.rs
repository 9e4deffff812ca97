//! What the lists of presets share: named pieces of TOML inside the program that a scenario can start from.

use std::sync::Arc;

use crate::fault::Source;

/// The text of a preset as a source that is named after it.
#[must_use]
pub fn preset_source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { name: format!("preset {name}"), text: text.to_owned() })
}

/// The names of a list of presets with their meanings, for the key that chooses one.
macro_rules! preset_choices {
    ($presets:ident) => {
        &{
            let mut choices = [("", ""); $presets.len()];
            let mut i = 0;
            while i < $presets.len() {
                choices[i] = ($presets[i].name, $presets[i].about);
                i += 1;
            }
            choices
        }
    };
}

pub(crate) use preset_choices;
