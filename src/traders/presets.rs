//! Populations of recorded venues as TOML inside the program: groups for `[[traders]]`, with their `[population]`.
//!
//! A preset is read like the groups of a scenario, key by key, so whatever it says can be overridden. Every figure
//! carries its source and date in the file, or says that it is assumed.

use std::sync::{Arc, OnceLock};

use crate::fault::{Faults, Source};
use crate::registry::{Node, Raw, preset_choices, preset_source};

/// The accounts of one venue at one time.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    /// What it is, with the date of its figures, in one line.
    pub about: &'static str,
    /// The TOML text.
    pub text: &'static str,
}

/// All populations, by name. [`CHOICES`] has the same names for the key `preset`.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "bitmex-2019-retail",
        about: "BitMEX XBTUSD of 2018 and 2019: small isolated accounts at 20 to 30 times",
        text: include_str!("presets/bitmex-2019-retail.toml"),
    },
    Preset {
        name: "classroom",
        about: "thirty made-up accounts with round numbers, for teaching",
        text: include_str!("presets/classroom.toml"),
    },
    Preset {
        name: "hyperliquid-2025-cross",
        about: "Hyperliquid of October to December 2025: most at 3 to 7 times, a thin isolated layer near the price",
        text: include_str!("presets/hyperliquid-2025-cross.toml"),
    },
];

/// The names with their meanings, for the key `preset`.
pub const CHOICES: &[(&str, &str)] = preset_choices!(PRESETS);

#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The text as a source that is named after the preset.
    #[must_use]
    pub fn source(&self) -> Arc<Source> {
        preset_source(self.name, self.text)
    }

    /// The whole preset: a table with `population` and `traders`.
    #[must_use]
    pub fn tree(&self) -> &'static Node {
        static PARSED: [OnceLock<Node>; PRESETS.len()] = [const { OnceLock::new() }; PRESETS.len()];
        // Presets are only ever made in the list; a test parses each, so nothing is ever missing.
        let at = PRESETS.iter().position(|preset| preset.name == self.name).unwrap_or(0);
        PARSED[at].get_or_init(|| Node::parse(&self.source(), &mut Faults::default()))
    }

    /// Its groups as written.
    #[must_use]
    pub fn groups(&self) -> &'static [Node] {
        match self.tree().get("traders") {
            Some(Node { raw: Raw::List(groups), .. }) => groups,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_toml_with_groups_and_presets_stand_in_the_order_of_their_names() {
        for preset in PRESETS {
            let mut faults = Faults::default();
            let _ = Node::parse(&preset.source(), &mut faults);
            assert!(faults.is_empty(), "{}: {}", preset.name, faults.render(crate::fault::Paint::Plain));
            assert!(!preset.groups().is_empty() && preset.text.starts_with("# "), "{}", preset.name);
            assert!(
                preset.text.lines().all(|line| !line.starts_with('#') || line.chars().count() <= 125),
                "{}",
                preset.name
            );
        }
        assert!(PRESETS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(CHOICES.iter().zip(PRESETS).all(|(choice, preset)| choice.0 == preset.name));
    }
}
