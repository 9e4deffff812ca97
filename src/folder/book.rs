//! A position book: every account as it stands at the opening of a path, and what it adds up to.
//!
//! `book.csv` is in the format of `[accounts] file`, exact to the last unit, so a scenario that loads it starts from the
//! same accounts. `book.json` holds the figures; they are rounded only where they are shown.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Header;
use crate::money::{Cash, Multiplier, Price, Qty, Quantum};

/// A contract as the book sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub symbol: String,
    pub tick: Quantum,
    pub lot: Quantum,
    pub multiplier: Multiplier,
    /// Opening mark.
    pub mark: Price,
    /// Whether it is a token that accounts hold as collateral, and no contract.
    pub is_token: bool,
}

/// One position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub account: u32,
    pub contract: u16,
    /// Lots, long > 0.
    pub qty: Qty,
    pub cost: Cash,
    /// Isolated collateral; 0 where the wallet backs the position.
    pub collateral: Cash,
    /// Whether the account's wallet backs it.
    pub cross: bool,
    /// Equity of the position, or of its cross account.
    pub equity: Cash,
    /// Liquidation tick; 0 or less where no fall reaches it.
    pub liquidation: Price,
}

/// All positions of one path at its opening.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    pub header: Header,
    pub path: u64,
    pub contracts: Vec<Listed>,
    /// Names of the accounts; their numbers where empty.
    pub names: Vec<String>,
    /// Free cash of each account.
    pub wallet: Vec<Cash>,
    /// In the order of their accounts.
    pub positions: Vec<Held>,
}

/// Distances from the mark at which the summary counts what has been liquidated, share of the mark.
pub const DISTANCES: [f64; 10] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3];

/// Shares at which quantiles are given.
pub const QUANTILES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// One side of the book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    pub positions: usize,
    /// At the opening mark, settlement currency.
    pub notional: f64,
    pub collateral: f64,
    /// Quantiles of leverage, each position weighted by its notional; `None` where there is none.
    pub leverage: Option<[f64; QUANTILES.len()]>,
    /// Notional over equity of the whole side; infinite where equity is not above 0.
    pub leverage_of_all: f64,
    /// Part of the side's notional in its largest position.
    pub top_share: f64,
    /// Notional whose liquidation price lies within each of [`DISTANCES`].
    pub within: [f64; DISTANCES.len()],
}

/// What a book adds up to.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub accounts: usize,
    pub long: Side,
    pub short: Side,
    /// The heavier side of each contract, added up.
    pub open_interest: f64,
    /// What the makers hold against the crowd: notional of shorts less that of longs.
    pub maker: f64,
    /// Quantiles of what an account has posted and free.
    pub margin: [f64; QUANTILES.len()],
    pub margin_mean: f64,
    pub margin_max: f64,
    /// Part of all notional, both sides, that the largest account, the largest ten and the largest 1 % hold.
    pub top: [f64; 3],
}

/// A position in the settlement currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub account: u32,
    pub is_long: bool,
    /// At the opening mark.
    pub notional: f64,
    pub collateral: f64,
    /// Collateral and unrealised profit at the opening mark.
    pub equity: f64,
    /// Liquidation price ÷ mark − 1; `None` where no fall reaches it.
    pub distance: Option<f64>,
}

impl Seen {
    /// Notional over equity; infinite where equity is not above 0.
    #[must_use]
    pub fn leverage(&self) -> f64 {
        if self.equity > 0.0 { self.notional / self.equity } else { f64::INFINITY }
    }
}

impl Book {
    /// The positions in contracts.
    fn traded(&self) -> impl Iterator<Item = &Held> {
        self.positions.iter().filter(|held| !self.contracts[usize::from(held.contract)].is_token)
    }

    /// Cash of each account, without what its tokens are worth at the opening.
    fn cash(&self) -> Vec<Cash> {
        let mut cash = self.wallet.clone();
        for held in self.positions.iter().filter(|held| self.contracts[usize::from(held.contract)].is_token) {
            cash[held.account as usize] -= held.cost;
        }
        cash
    }

    /// The positions in contracts as a reader sees them.
    pub fn seen(&self) -> impl Iterator<Item = Seen> {
        let unit = self.header.cash_unit.to_f64();
        self.traded().map(move |held| {
            let listed = &self.contracts[usize::from(held.contract)];
            let value = listed.multiplier.notional(held.qty, listed.mark);
            let away = (held.liquidation.0 - listed.mark.0) as f64 / listed.mark.0 as f64;
            Seen {
                account: held.account,
                is_long: held.qty.0 > 0,
                notional: value.0.abs() as f64 * unit,
                collateral: held.collateral.0 as f64 * unit,
                equity: held.equity.0 as f64 * unit,
                distance: (held.liquidation.0 > 0).then_some(away),
            }
        })
    }

    /// `book.csv`: the columns of `[accounts] file`, one row a position.
    ///
    /// Amounts are exact. The entry price is cost ÷ quantity, which ends after finitely many digits for every position that
    /// was drawn on a tick or loaded without rounding; one that was rounded is read back with `rounding = "against_account"`.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet\n");
        let unit = self.header.cash_unit;
        let cash = self.cash();
        for held in &self.positions {
            let listed = &self.contracts[usize::from(held.contract)];
            let quantity = listed.lot.show(held.qty.0.abs());
            let entry = entry(held, listed, unit);
            let side = if held.qty.0 > 0 { "long" } else { "short" };
            let (collateral, wallet) = (unit.show(held.collateral.0), unit.show(cash[held.account as usize].0));
            text.push_str(&format!(
                "{},{},{side},{quantity},{entry},{collateral},{},{wallet}\n",
                cell(&self.name(held.account)),
                cell(&listed.symbol),
                if held.cross { "cross" } else { "isolated" },
            ));
        }
        text
    }

    /// What an account is called.
    #[must_use]
    pub fn name(&self, account: u32) -> String {
        self.names.get(account as usize).cloned().unwrap_or_else(|| account.to_string())
    }

    #[must_use]
    pub fn summary(&self) -> Summary {
        let seen: Vec<Seen> = self.seen().collect();
        let side = |long: bool| Side::of(seen.iter().filter(|one| one.is_long == long).copied().collect());
        let (long, short) = (side(true), side(false));
        let unit = self.header.cash_unit.to_f64();
        let mut interest = 0.0;
        for (c, _) in self.contracts.iter().enumerate() {
            let of = |long: bool| -> f64 {
                let mine = self.traded().zip(&seen).filter(|(held, _)| usize::from(held.contract) == c);
                mine.filter(|(_, one)| one.is_long == long).map(|(_, one)| one.notional).sum()
            };
            interest += of(true).max(of(false));
        }
        let mut margin: Vec<f64> = self.wallet.iter().map(|cash| cash.0 as f64 * unit).collect();
        let mut held: Vec<f64> = vec![0.0; self.wallet.len()];
        for one in &seen {
            margin[one.account as usize] += one.collateral;
            held[one.account as usize] += one.notional;
        }
        margin.sort_by(f64::total_cmp);
        held.sort_by(|a, b| b.total_cmp(a));
        let all: f64 = held.iter().sum();
        let top = |count: usize| if all > 0.0 { held.iter().take(count).sum::<f64>() / all } else { 0.0 };
        Summary {
            accounts: self.wallet.len(),
            open_interest: interest,
            maker: short.notional - long.notional,
            margin: QUANTILES.map(|share| weighted(margin.iter().map(|x| (*x, 1.0)), share).unwrap_or(0.0)),
            margin_mean: margin.iter().sum::<f64>() / margin.len().max(1) as f64,
            margin_max: margin.last().copied().unwrap_or(0.0),
            top: [top(1), top(10), top(held.len().div_ceil(100))],
            long,
            short,
        }
    }

    /// `book.json`.
    #[must_use]
    pub fn to_json(&self, summary: &Summary) -> Value {
        let finite = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
        let quantiles = |values: &[f64]| {
            let pairs = QUANTILES.iter().zip(values).map(|(share, x)| (format!("p{:02.0}", share * 100.0), finite(*x)));
            Value::Object(pairs.collect())
        };
        let side = |side: &Side| {
            let within: Vec<Value> = DISTANCES
                .iter()
                .zip(side.within)
                .map(|(distance, notional)| json!({ "distance": distance, "notional": notional }))
                .collect();
            json!({
                "positions": side.positions,
                "notional": side.notional,
                "collateral": side.collateral,
                "leverage": side.leverage.map(|values| quantiles(&values)),
                "leverage_of_all": finite(side.leverage_of_all),
                "top_share": side.top_share,
                "liquidated_within": within,
            })
        };
        json!({
            "scenario": self.header.scenario,
            "scenario_hash": self.header.hash,
            "version": self.header.version,
            "seed": self.header.seed,
            "path": self.path,
            "currency": self.header.currency,
            "marks": self.contracts.iter().map(|c| json!({ "symbol": c.symbol, "mark": c.tick.show(c.mark.0).to_string() })).collect::<Vec<_>>(),
            "accounts": summary.accounts,
            "positions": self.positions.len(),
            "open_interest": summary.open_interest,
            "maker": summary.maker,
            "margin": { "quantiles": quantiles(&summary.margin), "mean": summary.margin_mean, "max": summary.margin_max },
            "top_share": { "largest": summary.top[0], "ten": summary.top[1], "one_per_cent": summary.top[2] },
            "long": side(&summary.long),
            "short": side(&summary.short),
        })
    }
}

impl Side {
    fn of(seen: Vec<Seen>) -> Self {
        let notional: f64 = seen.iter().map(|one| one.notional).sum();
        let equity: f64 = seen.iter().map(|one| one.equity).sum();
        let mut by_leverage: Vec<(f64, f64)> = seen.iter().map(|one| (one.leverage(), one.notional)).collect();
        by_leverage.sort_by(|a, b| a.0.total_cmp(&b.0));
        let quantiles = QUANTILES.map(|share| weighted(by_leverage.iter().copied(), share));
        let largest = seen.iter().map(|one| one.notional).fold(0.0, f64::max);
        let within = DISTANCES.map(|reach| {
            seen.iter().filter(|one| one.distance.is_some_and(|away| away.abs() <= reach)).map(|one| one.notional).sum()
        });
        Self {
            positions: seen.len(),
            notional,
            collateral: seen.iter().map(|one| one.collateral).sum(),
            leverage: quantiles[0].map(|_| quantiles.map(|x| x.unwrap_or(0.0))),
            leverage_of_all: if equity > 0.0 { notional / equity } else { f64::INFINITY },
            top_share: if notional > 0.0 { largest / notional } else { 0.0 },
            within,
        }
    }
}

/// The least value below or at which a share of the weight lies; `values` ascend. `None` where there are none.
fn weighted(values: impl Iterator<Item = (f64, f64)> + Clone, share: f64) -> Option<f64> {
    let total: f64 = values.clone().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let mut last = None;
    for (value, weight) in values {
        sum += weight;
        last = Some(value);
        if sum >= share * total {
            break;
        }
    }
    last
}

/// Entry price of a position: cost ÷ quantity. Where that has no end (the cost was rounded) it is cut so that a book that
/// rounds against its accounts rounds it to the same cost: below the quotient for a long, above it for a short.
fn entry(held: &Held, listed: &Listed, unit: Quantum) -> Decimal {
    let quantity = listed.lot.show(held.qty.0.abs());
    let cost = unit.show(held.cost.0.abs());
    let quotient = match listed.multiplier {
        Multiplier::Linear(_) => cost.checked_div(quantity),
        Multiplier::Inverse(_) => quantity.checked_div(cost),
    };
    let Some(quotient) = quotient else { return Decimal::ZERO };
    if !listed.multiplier.is_linear() || quantity.checked_mul(quotient) == Some(cost) {
        return quotient.normalize();
    }
    let digits = quotient.scale().saturating_sub(1);
    let below = quotient.trunc_with_scale(digits);
    let entry = if held.qty.0 > 0 { below } else { below + Decimal::new(1, digits) };
    entry.normalize()
}

/// A cell of a CSV file, in quotes where its text asks for it.
fn cell(text: &str) -> String {
    // A line break would end the row for every reader that goes by lines.
    let text = text.replace(['\n', '\r'], " ");
    if text.contains([',', '"']) || text.trim() != text || text.starts_with('#') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::folder::tests::header;
    use rust_decimal::dec;

    /// Marks of 100 USD, lot 1, cash unit a millionth; three longs and two shorts of known figures.
    pub(crate) fn book() -> Book {
        let quantum = |size| Quantum::new(size).unwrap();
        let held = |account, qty: i64, entry: i64, collateral: i64, liquidation: i64| Held {
            account,
            contract: 0,
            qty: Qty(qty),
            cost: Cash(qty * entry * 1_000_000),
            collateral: Cash(collateral * 1_000_000),
            cross: false,
            equity: Cash((collateral + qty * (100 - entry)) * 1_000_000),
            liquidation: Price(liquidation),
        };
        Book {
            header: header(),
            path: 0,
            contracts: vec![Listed {
                symbol: "TOY".into(),
                tick: quantum(dec!(1)),
                lot: quantum(dec!(1)),
                multiplier: Multiplier::Linear(1_000_000),
                mark: Price(100),
                is_token: false,
            }],
            names: vec!["Anna, A.".into()],
            wallet: vec![Cash(5_000_000), Cash(0), Cash(0), Cash(0), Cash(0)],
            positions: vec![
                held(0, 10, 100, 50, 99),
                held(1, 30, 90, 100, 92),
                held(2, 60, 110, 3_000, 0),
                held(3, -40, 100, 800, 115),
                held(4, -20, 105, 200, 104),
            ],
        }
    }

    #[test]
    fn a_book_adds_up_to_what_is_worked_by_hand() {
        let book = book();
        let summary = book.summary();
        // 10 + 30 + 60 and 40 + 20 lots at 100.
        assert_eq!((summary.long.notional, summary.short.notional), (10_000.0, 6_000.0));
        assert_eq!((summary.open_interest, summary.maker), (10_000.0, -4_000.0));
        // Equities 50, 100 + 300, 3,000 − 600; 800, 200 + 100.
        assert_eq!(summary.long.leverage_of_all, 10_000.0 / 2_850.0);
        // Leverages 20, 7.5, 2.5 with weights 10, 30, 60 %.
        assert_eq!(summary.long.leverage, Some([2.5, 2.5, 2.5, 7.5, 7.5]));
        assert_eq!(summary.short.leverage, Some([5.0, 5.0, 5.0, 20.0 / 3.0 * 3.0 / 3.0, 20.0 / 3.0]));
        assert_eq!((summary.long.top_share, summary.short.top_share), (0.6, 4_000.0 / 6_000.0));
        // Longs at 1 and 8 % and never; shorts at 15 and 4 %.
        assert_eq!(summary.long.within, [0.0, 1e3, 1e3, 1e3, 1e3, 1e3, 4e3, 4e3, 4e3, 4e3]);
        assert_eq!(summary.short.within, [0.0, 0.0, 0.0, 0.0, 2e3, 2e3, 2e3, 6e3, 6e3, 6e3]);
        assert_eq!(summary.margin, [55.0, 100.0, 200.0, 800.0, 3_000.0]);
        assert_eq!((summary.margin_mean, summary.margin_max), (4_155.0 / 5.0, 3_000.0));
        assert_eq!(summary.top, [0.375, 1.0, 0.375]);
        let json = book.to_json(&summary);
        assert_eq!(json["long"]["liquidated_within"][1], json!({ "distance": 0.01, "notional": 1_000.0 }));
        assert_eq!(json["margin"]["quantiles"]["p50"], 200.0);
    }

    #[test]
    fn the_file_is_that_of_a_position_book() {
        insta::assert_snapshot!(book().csv(), @r#"
        account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet
        "Anna, A.",TOY,long,10,100,50,isolated,5
        1,TOY,long,30,90,100,isolated,0
        2,TOY,long,60,110,3000,isolated,0
        3,TOY,short,40,100,800,isolated,0
        4,TOY,short,20,105,200,isolated,0
        "#);
    }

    #[test]
    fn an_empty_side_and_a_position_under_water_are_told_without_nonsense() {
        let mut one = book();
        one.positions.truncate(1);
        (one.positions[0].collateral, one.positions[0].equity) = (Cash(-1), Cash(-1));
        let summary = one.summary();
        assert_eq!((summary.short.leverage, summary.short.top_share), (None, 0.0));
        assert!(summary.long.leverage_of_all.is_infinite());
        assert_eq!(one.to_json(&summary)["long"]["leverage_of_all"], Value::Null);
    }
}
