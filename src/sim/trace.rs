//! Writes the log of one path: every fact a line, for a person or for a program.
//!
//! The text form is read from left to right: time, what happened, to whom, how much, and the fund after it. The JSON
//! form has one object a line with stable field names; amounts, prices and quantities are exact decimals in strings,
//! so nothing is lost to a float. Both end with the totals, which are the path's row of `paths.csv`. The format is
//! described in `docs/methods.md`.

mod fields;
pub mod recording;
mod sentence;
pub mod story;

use std::borrow::Cow;
use std::io::{self, Write};

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use fields::fields;
use sentence::sentence;

use crate::facts::{AccountId, Conduct, ContractId, Fact, Observer, Outcome, Party, Unit, Via, Why};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty, Quantum, Ratio};
use crate::scenario::Scenario;

/// Whom the log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person: one sentence a fact.
    Text,
    /// For a program: one JSON object a line.
    Json,
}

/// How the integers of one contract are shown.
#[derive(Clone, Debug)]
pub struct Contract {
    pub symbol: String,
    pub tick: Quantum,
    pub lot: Quantum,
    pub multiplier: Multiplier,
}

/// What turns integers back into what the user wrote.
#[derive(Clone, Debug)]
pub struct Legend {
    pub currency: String,
    pub cash_unit: Quantum,
    pub contracts: Vec<Contract>,
    /// Names of accounts by id; empty where they were drawn.
    pub accounts: Vec<String>,
    /// Whether accounts do anything of their own accord, so that the totals tell of it.
    pub behaviours: bool,
}

impl Legend {
    /// The legend of a scenario whose accounts have these names.
    #[must_use]
    pub fn of(scenario: &Scenario, accounts: &[String]) -> Self {
        Self {
            currency: scenario.currency.clone(),
            cash_unit: scenario.cash_unit,
            contracts: scenario
                .assets
                .iter()
                .map(|asset| Contract {
                    symbol: asset.symbol.clone(),
                    tick: asset.tick,
                    lot: asset.lot,
                    multiplier: asset.multiplier,
                })
                .collect(),
            accounts: accounts.to_vec(),
            behaviours: scenario.accounts.behave(),
        }
    }

    fn contract(&self, id: ContractId) -> &Contract {
        &self.contracts[usize::from(id)]
    }

    fn multiplier(&self, id: ContractId) -> Multiplier {
        self.contract(id).multiplier
    }

    fn symbol(&self, id: ContractId) -> &str {
        &self.contract(id).symbol
    }

    fn cash(&self, amount: Cash) -> String {
        self.cash_unit.show(amount.0).to_string()
    }

    fn price(&self, id: ContractId, price: Price) -> String {
        self.contract(id).tick.show(price.0).to_string()
    }

    fn qty(&self, id: ContractId, qty: Qty) -> String {
        self.contract(id).lot.show(qty.0).to_string()
    }

    /// A quantity without its sign, of what: a lot of an inverse contract is money, not the coin that it is named after.
    fn lots(&self, id: ContractId, qty: Qty) -> String {
        let unit = if self.multiplier(id).is_linear() { "" } else { " contracts" };
        format!("{} {}{unit}", self.qty(id, qty.abs()), self.symbol(id))
    }

    /// The name of an account, or its number.
    fn account(&self, id: AccountId) -> Cow<'_, str> {
        match self.accounts.get(id as usize) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("account {id}")),
        }
    }

    fn party(&self, party: Party) -> Cow<'_, str> {
        match party {
            Party::Trader(id) => self.account(id),
            Party::Clearing(id) => Cow::Owned(format!("clearing of {}", self.symbol(id))),
            other => Cow::Owned(self.party_id(other)),
        }
    }

    /// The stable name of a party in JSON.
    fn party_id(&self, party: Party) -> String {
        match party {
            Party::Trader(id) => format!("trader:{id}"),
            Party::Maker => "maker".into(),
            Party::Engine => "engine".into(),
            Party::Backstop(j) => format!("backstop:{j}"),
            Party::Fund => "fund".into(),
            Party::Fees => "fees".into(),
            Party::Venue => "venue".into(),
            Party::Clearing(id) => format!("clearing:{}", self.symbol(id)),
            Party::Rounding => "rounding".into(),
            Party::Deficit => "deficit".into(),
            Party::World => "world".into(),
        }
    }

    /// A value of `paths.csv` as it is printed there.
    fn column(&self, unit: Unit, value: i64) -> String {
        match unit {
            Unit::Count => value.to_string(),
            Unit::Cash => self.cash(Cash(value)),
            Unit::Price => self.price(0, Price(value)),
            Unit::Seconds => seconds(Nanos(value)),
        }
    }
}

/// Seconds as an exact decimal.
fn seconds(time: Nanos) -> String {
    Decimal::new(time.0, 9).normalize().to_string()
}

/// A ratio as a decimal.
fn share(of: Ratio) -> Decimal {
    Decimal::new(of.0, 9).normalize()
}

/// Writes the log of one path.
///
/// An error of the writer is kept and told by [`Trace::finish`]; nothing is written after it.
#[derive(Debug)]
pub struct Trace<W: Write> {
    out: W,
    format: Format,
    legend: Legend,
    error: Option<io::Error>,
    fund: Cash,
    batch: u64,
}

impl<W: Write> Trace<W> {
    #[must_use]
    pub fn new(out: W, format: Format, legend: Legend) -> Self {
        Self { out, format, legend, error: None, fund: Cash::ZERO, batch: 0 }
    }

    /// Writes the first line: which path, and in what units.
    pub fn begin(&mut self, path: u64, seed: u64) {
        (self.fund, self.batch) = (Cash::ZERO, 0);
        let legend = &self.legend;
        let line = match self.format {
            Format::Text => format!("path {path} of seed {seed}, amounts in {}", legend.currency),
            Format::Json => {
                let contracts: Vec<Json> = legend
                    .contracts
                    .iter()
                    .map(|contract| {
                        json!({
                            "symbol": contract.symbol,
                            "tick": contract.tick.size().to_string(),
                            "lot": contract.lot.size().to_string(),
                            "contract": if contract.multiplier.is_linear() { "linear" } else { "inverse" },
                        })
                    })
                    .collect();
                json!({
                    "fact": "path", "path": path, "seed": seed, "currency": legend.currency,
                    "cash_unit": legend.cash_unit.size().to_string(), "contracts": contracts, "accounts": legend.accounts,
                })
                .to_string()
            }
        };
        self.line(&line);
    }

    /// Writes the totals of the path and flushes.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(mut self, row: &Outcome) -> io::Result<W> {
        let legend = &self.legend;
        let conduct = if legend.behaviours { Conduct::COLUMNS } else { &[] };
        let values = Outcome::COLUMNS.iter().zip(row.values()).chain(conduct.iter().zip(row.conduct.values()));
        let exhausted = row.exhausted_at_s.map(|at| seconds(Nanos(at)));
        let text = match self.format {
            Format::Text => {
                let mut text = format!("totals of path {}", row.path);
                for (column, value) in values {
                    text.push_str(&format!("\n  {:<24} {}", column.name, legend.column(column.unit, value)));
                }
                text.push_str(&format!("\n  {:<24} {}", "exhausted_at_s", exhausted.as_deref().unwrap_or("never")));
                text
            }
            Format::Json => {
                let mut line = Map::new();
                line.insert("fact".into(), "totals".into());
                line.insert("path".into(), row.path.into());
                for (column, value) in values {
                    line.insert(column.name.into(), legend.column(column.unit, value).into());
                }
                line.insert("exhausted_at_s".into(), exhausted.into());
                Json::Object(line).to_string()
            }
        };
        self.line(&text);
        match self.error {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| self.out),
        }
    }

    fn line(&mut self, text: &str) {
        if self.error.is_none()
            && let Err(error) = writeln!(self.out, "{text}")
        {
            self.error = Some(error);
        }
    }

    /// Writes an opening as two lines: its sixty thousand facts would bury the crash. JSON has them all.
    fn opening(&mut self, time: Nanos, facts: &[Fact]) {
        let (mut deposits, mut depositors) = (Cash::ZERO, 0u64);
        let mut positions = vec![(0u64, Qty::ZERO); self.legend.contracts.len()];
        for fact in facts {
            match *fact {
                Fact::Posted { from: Party::World, to: Party::Trader(_), amount, .. } => {
                    deposits += amount;
                    depositors += 1;
                }
                Fact::Traded { party: Party::Trader(_), contract, qty, via: Via::Opening, .. } => {
                    let (count, long) = &mut positions[usize::from(contract)];
                    *count += 1;
                    *long += qty.positive_part();
                }
                _ => {}
            }
        }
        let at = seconds(time);
        if depositors > 0 {
            let line = format!("{at:>10} s  {depositors} accounts deposit {}", self.legend.cash(deposits));
            self.line(&line);
        }
        for (i, &(count, long)) in positions.iter().enumerate().filter(|(_, (count, _))| *count > 0) {
            let id = ContractId::try_from(i).unwrap_or(ContractId::MAX);
            let (symbol, long) = (self.legend.symbol(id), self.legend.qty(id, long));
            let line = format!("{at:>10} s  {count} positions in {symbol}, {long} of them long");
            self.line(&line);
        }
    }

    /// Whether the text form leaves this fact to the summary of the opening.
    fn in_opening(&self, fact: &Fact) -> bool {
        self.legend.accounts.is_empty()
            && match fact {
                Fact::Traded { via: Via::Opening, .. } => true,
                Fact::Posted { from: Party::World, to: Party::Trader(_), why: Why::Deposit, .. } => true,
                Fact::Posted { from, to, why: Why::Realised, .. } => {
                    self.batch == 1 && (*from == Party::Maker || *to == Party::Maker)
                }
                _ => false,
            }
    }
}

impl<W: Write> Observer for Trace<W> {
    fn see(&mut self, time: Nanos, facts: &[Fact]) {
        if self.error.is_some() {
            return;
        }
        self.batch += 1;
        let at = seconds(time);
        if self.format == Format::Text && facts.iter().any(|fact| self.in_opening(fact)) {
            self.opening(time, facts);
        }
        for fact in facts {
            let moved = match *fact {
                Fact::Posted { from: Party::Fund, amount, .. } => -amount,
                Fact::Posted { to: Party::Fund, amount, .. } => amount,
                _ => Cash::ZERO,
            };
            self.fund += moved;
            let line = match self.format {
                Format::Text if self.in_opening(fact) => continue,
                Format::Text => {
                    let after = match fact {
                        Fact::Posted { from: Party::Fund, .. }
                        | Fact::Posted { to: Party::Fund, .. }
                        | Fact::OrderClosed { .. }
                        | Fact::TicketClosed { .. } => format!(" | fund {}", self.legend.cash(self.fund)),
                        _ => String::new(),
                    };
                    format!("{at:>10} s  {}{after}", sentence(&self.legend, fact))
                }
                Format::Json => {
                    let mut line = Map::new();
                    line.insert("time_s".into(), at.clone().into());
                    line.insert("event".into(), self.batch.into());
                    for (name, value) in fields(&self.legend, fact) {
                        line.insert(name.into(), value);
                    }
                    line.insert("fund_after".into(), self.legend.cash(self.fund).into());
                    Json::Object(line).to_string()
                }
            };
            self.line(&line);
        }
    }
}

#[cfg(test)]
mod tests;
