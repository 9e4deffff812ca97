//! A scenario as a command line names it, in words that a shell reads back.

use std::fmt::Write as _;

/// A scenario file with the keys that were set beside it, each as `key=value`.
#[must_use]
pub fn scenario(file: &str, settings: &[String]) -> String {
    let mut text = quoted(file);
    for setting in settings {
        let _ = write!(text, " --set {}", quoted(setting));
    }
    text
}

/// A word as a shell reads it back.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=:,+".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_set() {
        let settings = ["venue.adl.kind=pro_rata".to_owned(), "assets.0.book={ kind = \"depth\" }".to_owned()];
        assert_eq!(
            scenario("my crash.toml", &settings),
            "'my crash.toml' --set venue.adl.kind=pro_rata --set 'assets.0.book={ kind = \"depth\" }'"
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
