//! Who would cause it, as a table.

use std::fmt::Write as _;

use super::columns::{Align, aligned};
use super::number::{Style, percent, short};
use super::sweep::in_brackets;
use crate::folder::contributions::Contributions;
use crate::folder::study::Study;
use crate::stats::Estimate;

/// The accounts with the largest shares of the expected shortfall, and what happens without each.
#[must_use]
pub fn text(found: &Contributions, removals: Option<&Study>, count: usize) -> String {
    let largest = found.largest(count);
    let mut text = format!(
        "\nExpected shortfall of the fund need at 99 %: {} {}, {} paths",
        found.es_estimate.map_or_else(|| short(found.es), |e| in_brackets(e, Style::Amount)),
        found.currency,
        super::number::grouped(found.paths as f64, 0)
    );
    if found.es_of_nobody != 0.0 {
        let _ = write!(text, " ({} of it from the venue's own inventory)", short(found.es_of_nobody));
    }
    text.push('\n');
    for flag in &found.es_flags {
        let _ = writeln!(text, "  {}", flag.about());
    }
    if largest.is_empty() {
        text.push_str("No account adds to it.\n");
        return text;
    }
    let together: f64 = largest.iter().map(|part| part.es_share.estimate).sum();
    let _ =
        writeln!(text, "The {} accounts with the largest parts make up {} of it:\n", largest.len(), percent(together));
    let mut head: Vec<String> =
        ["account", "share of ES", "P(liquidated)", "shortfall, mean", "P(ADL)", "haircut, mean"]
            .map(Into::into)
            .into();
    if removals.is_some() {
        head.extend(["ES without it", "P(exhausted) without it"].map(String::from));
    }
    let mut rows = vec![head];
    for part in largest {
        let mut row = vec![
            part.account.clone(),
            in_brackets(part.es_share, Style::Percent),
            in_brackets(part.p_liquidated, Style::Percent),
            in_brackets(part.shortfall, Style::Amount),
            in_brackets(part.p_deleveraged, Style::Percent),
            in_brackets(part.haircut, Style::Amount),
        ];
        if let Some(study) = removals {
            let label = format!("without {}", part.account);
            let cell = study.cells.iter().find(|cell| cell.label == label);
            let change = |name: &str, style: Style| {
                let difference: Option<Estimate> = cell.and_then(|cell| cell.contrast(name)).map(|c| c.difference);
                difference.map_or_else(|| "–".to_owned(), |difference| signed(difference, style))
            };
            row.push(change("fund_need_es_99", Style::Amount));
            row.push(change("p_fund_exhausted", Style::Percent));
        }
        rows.push(row);
    }
    text.push_str(&aligned("  ", &rows, &[Align::Left, Align::Right]));
    text.push_str(
        "\n  The share of ES is of runs with a fund without limit, where nobody is deleveraged and the price may fall further; the\n  \
         other columns are of the runs as they are. So an account that is never liquidated there may have a share here.\n",
    );
    if removals.is_some() {
        text.push_str(
            "  Without it: the same shocks on the book without that account's positions, less the whole book; 95 % intervals.\n",
        );
    }
    text
}

/// A difference with its sign; percentages become percentage points.
fn signed(difference: Estimate, style: Style) -> String {
    let text = in_brackets(difference, style);
    let plus = if difference.estimate > 0.0 { "+" } else { "" };
    format!("{plus}{}", text.replace(" %", " pp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Flag;
    use crate::folder::contributions::Part;

    fn found() -> Contributions {
        let around = |x: f64| Estimate { estimate: x, low: x * 0.9, high: x * 1.1, level: 0.95, standard_error: None };
        let none = around(0.0);
        let part = Part {
            account: "a".into(),
            number: 0,
            p_liquidated: none,
            shortfall: none,
            es_part: 2e6,
            es_share: around(0.2),
            p_deleveraged: around(0.1),
            haircut: none,
        };
        Contributions {
            currency: "USDT".into(),
            paths: 100,
            es: 1e7,
            es_estimate: Some(around(1e7)),
            es_flags: vec![Flag::ThinTail],
            es_of_nobody: 0.0,
            accounts: vec![part],
        }
    }

    #[test]
    fn the_expected_shortfall_has_its_interval_and_what_it_is_worth() {
        let text = text(&found(), None, 20);
        let head = "\nExpected shortfall of the fund need at 99 %: 10.0M (9.0M … 11.0M) USDT, 100 paths\n  \
                    thin tail: fewer than 10 paths lie beyond the quantile; run more\n";
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("never liquidated there may have a share here"), "{text}");
    }
}
