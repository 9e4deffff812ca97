//! What the paths open with, in a few lines for a terminal.

use std::fmt::Write as _;

use super::number::{grouped, percent, short};
use crate::folder::opening::{MUCH, Opened};

/// Two or three lines a contract: OI, D and OI/D together; the makers' share of opposite interest, with a warning above a
/// tenth. `which` names the path where paths differ, and is empty where they do not.
#[must_use]
pub fn lines(opened: &[Opened], currency: &str, which: &str) -> String {
    let mut text = String::new();
    for one in opened {
        let depth = match one.interest_to_depth() {
            Some(ratio) => format!(
                "depth within 1 % {} (one side, at rest), OI/D {}",
                short(one.depth),
                grouped(ratio, if ratio < 10.0 { 2 } else { 1 })
            ),
            None => "an empty book".to_owned(),
        };
        let _ = writeln!(
            text,
            "  {} opens{which} with open interest {} {currency}, {depth}",
            one.symbol,
            short(one.interest())
        );
        let (heavy, makers) = if one.long > one.short { ("longs", "short") } else { ("shorts", "long") };
        if one.maker() == 0.0 {
            let _ = writeln!(text, "  the makers open with nothing: longs and shorts are equal");
            continue;
        }
        let share = percent(one.maker_share());
        let _ = writeln!(text, "  the makers open {makers} {}, {share} of what faces the {heavy}", short(one.maker()));
        if one.maker_share() > MUCH {
            let _ = writeln!(
                text,
                "  warning: that is more than {}, and makers are never deleveraged: ADL finds fewer winners than the {heavy} have opponents",
                percent(MUCH)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(long: f64, short: f64, depth: f64) -> [Opened; 1] {
        [Opened { symbol: "TOY".into(), long, short, depth }]
    }

    #[test]
    fn interest_and_depth_stand_together_and_much_in_the_hands_of_makers_is_warned_about() {
        insta::assert_snapshot!(lines(&opened(422e6, 358.7e6, 122e6), "USD", " path 0"), @r"
        TOY opens path 0 with open interest 422M USD, depth within 1 % 122M (one side, at rest), OI/D 3.46
        the makers open short 63.3M, 15 % of what faces the longs
        warning: that is more than 10 %, and makers are never deleveraged: ADL finds fewer winners than the longs have opponents
        ");
        insta::assert_snapshot!(lines(&opened(90.0, 100.0, 4.0), "USD", ""), @r"
        TOY opens with open interest 100 USD, depth within 1 % 4 (one side, at rest), OI/D 25.0
        the makers open long 10, 10 % of what faces the shorts
        ");
        insta::assert_snapshot!(lines(&opened(100.0, 100.0, 0.0), "USD", ""), @r"
        TOY opens with open interest 100 USD, an empty book
        the makers open with nothing: longs and shorts are equal
        ");
    }
}
