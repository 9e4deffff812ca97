//! The main job with accounts that act of their own accord: `scenarios/flash-crash.toml` with all ten behaviours at once.

use std::path::Path;

use flashcrash::scenario::Scenario;

/// How many accounts take part, and how often.
#[derive(Clone, Copy, Debug)]
pub struct People {
    pub name: &'static str,
    /// Share of the accounts of a group in each behaviour that has one.
    share: f64,
    /// The same of arbitrage capital.
    capital: f64,
    /// Exits an hour.
    hazard: f64,
}

/// The same accounts with the same wallets, and three settings of about 430, 2,200 and 10,500 own orders a path.
pub const SETTINGS: [People; 4] = [
    People { name: "none", share: 0.0, capital: 0.0, hazard: 0.0 },
    People { name: "light", share: 0.021, capital: 0.0021, hazard: 0.0021 },
    People { name: "middle", share: 0.12, capital: 0.012, hazard: 0.012 },
    People { name: "heavy", share: 1.0, capital: 0.5, hazard: 0.1 },
];

const BEHAVIOURS: &str = include_str!("behaviours.toml");

impl People {
    /// What a group is given: its part of the file, or the first line of it where nobody does anything.
    fn of(self, group: &str) -> String {
        let after = BEHAVIOURS.split(&format!("\n# {group}\n")).nth(1).expect("each group has a part");
        let part = after.split("\n# ").next().unwrap_or_default();
        if self.share == 0.0 {
            return part.lines().next().unwrap_or_default().to_owned();
        }
        part.replace("SHARE", &self.share.to_string())
            .replace("CAPITAL", &self.capital.to_string())
            .replace("HAZARD", &self.hazard.to_string())
    }

    /// The scenario.
    pub fn scenario(self, shipped: &Path) -> Scenario {
        let text = std::fs::read_to_string(shipped).expect("the shipped scenario is there");
        let mut groups = text.split("\n[[traders]]\n");
        let mut text = groups.next().unwrap_or_default().to_owned();
        for group in groups {
            let name = group.split('"').nth(1).expect("a group begins with its name");
            text.push_str(&format!("\n[[traders]]\n{group}\n{}\n", self.of(name)));
        }
        super::world::read(&text, Path::new("."))
    }
}
