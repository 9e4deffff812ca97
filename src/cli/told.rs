//! What a verb prints at its end: the table and what to do next for a person, the numbers as JSON for a program.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::Path;

use serde_json::{Map, Value, json};

use flashcrash::fault::{Failure, Paint, command};
use flashcrash::registry::Setting;
use flashcrash::stats::Estimate;

use super::{colours, pretty, print};

/// How a verb ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Table,
    Json,
    Silent,
}

impl Ending {
    /// As asked for by `--json` and `--quiet`.
    pub const fn of(json: bool, quiet: bool) -> Self {
        match (json, quiet) {
            (true, _) => Self::Json,
            (false, true) => Self::Silent,
            (false, false) => Self::Table,
        }
    }

    /// Prints the one or the other.
    pub fn tell(
        self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Result<Value, Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Silent => Ok(()),
            Self::Json => print(&pretty(&json()?)),
            Self::Table => {
                let paint = if io::stdout().is_terminal() { colours() } else { Paint::Plain };
                print(&styled(&text(), paint))
            }
        }
    }
}

/// A command that a user might want next, and what for.
pub type Next = (String, &'static str);

/// The commands as the last lines of a table.
pub fn next(commands: &[Next]) -> String {
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let mut text = String::from("\nnext:\n");
    for (command, why) in commands {
        let _ = writeln!(text, "  {command:<width$}   {why}");
    }
    text
}

/// A scenario file with the keys that were set beside it, as the next command line names it.
pub fn named(file: &Path, settings: &[Setting], seed: Option<u64>) -> String {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let mut text = command::scenario(&file.display().to_string(), &settings);
    if let Some(seed) = seed {
        let _ = write!(text, " --seed {seed}");
    }
    text
}

/// What usually comes after a verb on this scenario: three of the others.
pub fn after(verb: &str, scenario: &str) -> Vec<Next> {
    let menu = [
        ("run", "", "its tables, charts and page"),
        ("fund-size", " --target 'p_adl <= 0.01'", "how large the fund must be"),
        ("compare", " --with KEY=VALUE", "what a change does on the same shocks"),
        ("trace", " --path 0", "one crash, event by event"),
    ];
    let others = menu.iter().filter(|(name, ..)| *name != verb).take(3);
    others.map(|(name, more, why)| (format!("flashcrash {name} {scenario}{more}"), *why)).collect()
}

/// Bold what names the result, faint what explains it.
fn styled(text: &str, paint: Paint) -> String {
    if paint == Paint::Plain {
        return text.to_owned();
    }
    let mut out = String::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
        let inner = words.trim_start();
        let faint = inner.starts_with('[')
            || inner.starts_with('–')
            || inner.starts_with("Written to")
            || inner.ends_with("interval");
        let _ = match (at == 0 || inner == "next:", faint && !inner.is_empty()) {
            (true, _) => write!(out, "\u{1b}[1m{words}\u{1b}[0m{end}"),
            (false, true) => write!(out, "\u{1b}[2m{words}\u{1b}[0m{end}"),
            (false, false) => write!(out, "{words}{end}"),
        };
    }
    out
}

/// An estimate as every file has it; a bound that is not known is `null`.
pub fn estimate(estimate: Estimate) -> Value {
    json!({"estimate": estimate.estimate, "low": estimate.low, "high": estimate.high, "level": estimate.level})
}

/// Two objects as one.
pub fn joined(first: Value, second: Value) -> Value {
    let fields = |value: Value| if let Value::Object(fields) = value { fields } else { Map::new() };
    Value::Object(fields(first).into_iter().chain(fields(second)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_and_takes_nothing_from_the_text() {
        let text = "crash: 2 paths\n\n  per crash   95 % interval\n  fund need   3M\n\n  [1] censored\n\nnext:\n  flashcrash list   x\n";
        assert_eq!(styled(text, Paint::Plain), text);
        let coloured = styled(text, Paint::Colour);
        assert!(coloured.starts_with("\u{1b}[1mcrash: 2 paths\u{1b}[0m\n\n\u{1b}[2m  per crash"));
        assert!(coloured.contains("\n  fund need   3M\n"));
        assert_eq!(coloured.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[0m", ""), text);
    }

    #[test]
    fn the_next_commands_can_be_pasted_into_a_shell() {
        let settings = [Setting::parse("venue.adl.kind=pro_rata").unwrap()];
        let file = Path::new("my crash.toml");
        assert_eq!(named(file, &settings, Some(7)), "'my crash.toml' --set venue.adl.kind=pro_rata --seed 7");
        let told = next(&[("flashcrash list".into(), "every kind"), ("flashcrash man".into(), "the manual")]);
        assert_eq!(told, "\nnext:\n  flashcrash list   every kind\n  flashcrash man    the manual\n");
    }
}
