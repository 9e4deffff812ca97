//! What each account of a position book contributes: `accounts_risk.csv`.

use serde_json::{Value, json};

use super::Flag;
use super::study::quoted;
use crate::stats::Estimate;

/// The last row: what the venue's own inventory adds, which is no account's.
pub const NOBODY: &str = "(inventory)";

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// As the book calls it.
    pub account: String,
    /// Its place in the book, from 0.
    pub number: usize,
    /// Share of the paths with a forced order of this account.
    pub p_liquidated: Estimate,
    /// Mean cash per path that was needed to bring it to zero, settlement currency.
    pub shortfall: Estimate,
    /// Its part of the expected shortfall of the fund need, settlement currency; negative where its fees and surplus
    /// exceed what the fund pays for it.
    pub es_part: f64,
    /// The same over the whole expected shortfall.
    pub es_share: Estimate,
    /// Share of the paths on which it was deleveraged.
    pub p_deleveraged: Estimate,
    /// Mean loss against the mark by ADL per path, settlement currency.
    pub haircut: Estimate,
}

/// All accounts of a book, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    pub currency: String,
    pub paths: u64,
    /// Expected shortfall of the fund need at 99 %, settlement currency.
    pub es: f64,
    /// The same with its interval, as the summary of a run has it.
    pub es_estimate: Option<Estimate>,
    pub es_flags: Vec<Flag>,
    /// The part of it that comes from the venue's own inventory.
    pub es_of_nobody: f64,
    pub accounts: Vec<Part>,
}

impl Contributions {
    /// The accounts with the largest shares of the expected shortfall, the largest first; only those that add to it.
    #[must_use]
    pub fn largest(&self, count: usize) -> Vec<&Part> {
        let mut parts: Vec<&Part> = self.accounts.iter().filter(|part| part.es_part > 0.0).collect();
        parts.sort_by(|a, b| b.es_part.total_cmp(&a.es_part).then(a.number.cmp(&b.number)));
        parts.truncate(count);
        parts
    }

    /// For programs: the rows of `accounts_risk.csv` as objects, bounds that are not known `null`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let told = |e: Estimate| json!({"estimate": e.estimate, "low": e.low, "high": e.high, "level": e.level});
        let account = |part: &Part| {
            json!({
                "account": part.account,
                "p_liquidated": told(part.p_liquidated),
                "shortfall_mean": told(part.shortfall),
                "es_99_share": told(part.es_share),
                "es_99_part": part.es_part,
                "p_adl": told(part.p_deleveraged),
                "haircut_mean": told(part.haircut),
            })
        };
        json!({
            "currency": self.currency,
            "paths": self.paths,
            "fund_need_es_99": self.es,
            "fund_need_es_99_low": self.es_estimate.map(|e| e.low),
            "fund_need_es_99_high": self.es_estimate.map(|e| e.high),
            "flags": self.es_flags.iter().map(|flag| flag.name()).collect::<Vec<_>>(),
            "of_inventory": self.es_of_nobody,
            "accounts": self.accounts.iter().map(account).collect::<Vec<_>>(),
        })
    }

    /// `accounts_risk.csv`: a row for each account, estimates with the ends of their 95 % intervals, and a last row for the
    /// venue's own inventory.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("account");
        for name in ["p_liquidated", "shortfall_mean", "es_99_share", "p_adl", "haircut_mean"] {
            text.push_str(&format!(",{name},{name}_low,{name}_high"));
            if name == "es_99_share" {
                text.push_str(",es_99_part");
            }
        }
        text.push('\n');
        for part in &self.accounts {
            text.push_str(&quoted(&part.account));
            let number = |x: f64| if x.is_finite() { format!(",{x}") } else { ",".to_owned() };
            let mut put = |e: Estimate| [e.estimate, e.low, e.high].map(|x| text.push_str(&number(x)));
            put(part.p_liquidated);
            put(part.shortfall);
            put(part.es_share);
            text.push_str(&number(part.es_part));
            let mut put = |e: Estimate| [e.estimate, e.low, e.high].map(|x| text.push_str(&number(x)));
            put(part.p_deleveraged);
            put(part.haircut);
            text.push('\n');
        }
        let share = if self.es > 0.0 { self.es_of_nobody / self.es } else { 0.0 };
        text.push_str(&format!("{NOBODY},,,,,,,{share},,,{},,,,,,\n", self.es_of_nobody));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(account: &str, number: usize, es_part: f64) -> Part {
        let estimate = Estimate { estimate: 0.25, low: 0.125, high: f64::INFINITY, level: 0.95, standard_error: None };
        Part {
            account: account.into(),
            number,
            p_liquidated: estimate,
            shortfall: estimate,
            es_part,
            es_share: estimate,
            p_deleveraged: estimate,
            haircut: estimate,
        }
    }

    #[test]
    fn accounts_stand_in_the_order_of_the_book_and_rank_by_their_part() {
        let accounts = vec![part("a,b", 0, 2.0), part("c", 1, -1.0), part("d", 2, 5.0)];
        let found = Contributions {
            currency: "USDT".into(),
            paths: 4,
            es: 6.0,
            es_estimate: None,
            es_flags: vec![],
            es_of_nobody: 0.0,
            accounts,
        };
        assert_eq!(found.largest(5).iter().map(|part| part.account.as_str()).collect::<Vec<_>>(), ["d", "a,b"]);
        insta::assert_snapshot!(found.csv().lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
        account,p_liquidated,p_liquidated_low,p_liquidated_high,shortfall_mean,shortfall_mean_low,shortfall_mean_high,es_99_share,es_99_share_low,es_99_share_high,es_99_part,p_adl,p_adl_low,p_adl_high,haircut_mean,haircut_mean_low,haircut_mean_high
        "a,b",0.25,0.125,,0.25,0.125,,0.25,0.125,,2,0.25,0.125,,0.25,0.125,
        "#);
    }
}
