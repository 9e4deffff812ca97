//! Writes the log of one path: every fact a line, for a person or for a program.
//!
//! The text form is read from left to right: time, what happened, to whom, how much, and the fund after it. The JSON
//! form has one object a line with stable field names; amounts, prices and quantities are exact decimals in strings,
//! so nothing is lost to a float. Both end with the totals, which are the path's row of `paths.csv`. The format is
//! described in `docs/methods.md`.

pub mod recording;
pub mod story;

use std::borrow::Cow;
use std::io::{self, Write};

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use crate::facts::{
    AccountId, Conduct, ContractId, Deed, Disposal, Fact, Observer, Outcome, Paid, Party, Side, Unit, Via, Why,
};
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

// ---------------------------------------------------------------------------------------------- text

fn verb(qty: Qty) -> &'static str {
    if qty.0 >= 0 { "buys" } else { "sells" }
}

fn side_of(qty: Qty) -> &'static str {
    side(Side::of(qty))
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Long => "long",
        Side::Short => "short",
    }
}

fn why(why: Why) -> &'static str {
    match why {
        Why::Deposit => "deposit",
        Why::Realised => "realised",
        Why::TakerFee => "taker_fee",
        Why::LiquidationFee => "liquidation_fee",
        Why::Surplus => "surplus",
        Why::Shortfall => "shortfall",
        Why::Repayment => "repayment",
        Why::Inventory => "inventory",
        Why::Rounding => "rounding",
        Why::Funding => "funding",
        Why::Settled => "settled",
        Why::Withdrawal => "withdrawal",
    }
}

fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Traded => "traded",
        Deed::ToppedUp => "topped_up",
        Deed::Withdrew => "withdrew",
        Deed::HedgeBroken => "hedge_broken",
        Deed::SoldSpot => "sold_spot",
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Opening => "opening",
        Via::Book => "book",
        Via::Adl => "adl",
        Via::Takeover => "takeover",
        Via::Backstop => "backstop",
        Via::Socialised => "socialised",
    }
}

/// Who paid, without the zeros.
fn payers(legend: &Legend, paid: &Paid) -> String {
    let named = [
        ("fund", paid.fund),
        ("venue", paid.venue),
        ("backstop", paid.backstop),
        ("winners", paid.socialised),
        ("nobody", paid.deficit),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(who, amount)| format!("{who} {}", legend.cash(*amount)))
        .collect();
    if parts.is_empty() { "no shortfall".into() } else { format!("shortfall paid by {}", parts.join(", ")) }
}

/// Where the lots went, without the zeros.
fn ways(legend: &Legend, disposal: &Disposal) -> String {
    let named = [
        ("book", disposal.to_book),
        ("engine", disposal.to_engine),
        ("backstop", disposal.to_backstop),
        ("ADL", disposal.to_adl),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(where_to, amount)| format!("{where_to} {}", legend.cash(*amount)))
        .collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

/// One fact in words.
fn sentence(legend: &Legend, fact: &Fact) -> String {
    match *fact {
        Fact::Posted { from, to, amount, why: reason } => {
            format!(
                "{} pays {} {} ({})",
                legend.party(from),
                legend.party(to),
                legend.cash(amount),
                why(reason).replace('_', " ")
            )
        }
        Fact::Traded { party, contract, qty, cash, order, via: how, ticket } => {
            let order = order.map_or(String::new(), |id| format!(", order {id}"));
            let ticket = ticket.map_or(String::new(), |tick| format!(", ticket at {}", legend.price(contract, tick)));
            format!(
                "{} {} {} {} for {} ({}{order}{ticket})",
                legend.party(party),
                verb(qty),
                legend.qty(contract, qty.abs()),
                legend.symbol(contract),
                legend.cash(cash.abs()),
                via(how),
            )
        }
        Fact::Priced { contract, index_exogenous, index, traded } => format!(
            "{} index {} (exogenous {}), traded {}",
            legend.symbol(contract),
            legend.price(contract, index),
            legend.price(contract, index_exogenous),
            legend.price(contract, traded)
        ),
        Fact::Funding { contract, per_lot } => {
            let (payer, receiver) = if per_lot.0 > 0 { ("longs", "shorts") } else { ("shorts", "longs") };
            format!(
                "funding in {}: {payer} owe {receiver} {} a lot",
                legend.symbol(contract),
                legend.cash(per_lot.abs())
            )
        }
        Fact::TicketsFunded { contract, owed, ref paid } => format!(
            "the engine owes funding of {} on its tickets in {}: {}",
            legend.cash(owed),
            legend.symbol(contract),
            payers(legend, paid)
        ),
        Fact::Marked { contract, mark } => format!("{} mark {}", legend.symbol(contract), legend.price(contract, mark)),
        Fact::Breached { contract, account, trigger, mark } => format!(
            "{} breaches its maintenance margin in {}: trigger {}, mark {}",
            legend.account(account),
            legend.symbol(contract),
            legend.price(contract, trigger),
            legend.price(contract, mark)
        ),
        Fact::OrderOpened { order, contract, account, qty, bankruptcy, surplus, mark } => format!(
            "order {order} closes {} {} {} of {}: mark {}, bankruptcy {}, surplus there {}",
            side_of(qty),
            legend.qty(contract, qty.abs()),
            legend.symbol(contract),
            legend.account(account),
            legend.price(contract, mark),
            legend.price(contract, bankruptcy),
            legend.cash(surplus)
        ),
        Fact::OrderDropped { contract, account } => {
            format!("{} is healthy again in {}; nothing is closed", legend.account(account), legend.symbol(contract))
        }
        Fact::Exhausted { order, contract } => {
            let who = order.map_or_else(|| "a sale of inventory".to_owned(), |id| format!("order {id}"));
            format!("the fund's budget cuts {who} in {} short", legend.symbol(contract))
        }
        Fact::OrderClosed { order, account, ref disposal, .. } => format!(
            "order {order} of {} is done: {}; {}; fees waived {}",
            legend.account(account),
            ways(legend, disposal),
            payers(legend, &disposal.paid),
            legend.cash(disposal.fees_waived)
        ),
        Fact::TakeoverRefused { order, contract, qty } => format!(
            "order {order}: the fund's equity does not let the engine take {} {}",
            legend.qty(contract, qty),
            legend.symbol(contract),
        ),
        Fact::TookOver { order, contract, qty, bankruptcy } => format!(
            "the engine takes over {} {} {} of order {order} at {}",
            side_of(qty),
            legend.qty(contract, qty.abs()),
            legend.symbol(contract),
            legend.price(contract, bankruptcy)
        ),
        Fact::TicketClosed { contract, qty, bankruptcy, result, ref paid } => format!(
            "the engine closes {} {} of its ticket at {}: result {}; {}",
            legend.qty(contract, qty.abs()),
            legend.symbol(contract),
            legend.price(contract, bankruptcy),
            legend.cash(result),
            payers(legend, paid)
        ),
        Fact::BackstopTook { backstop, order, contract, qty, cash } => format!(
            "backstop {backstop} takes over {} {} {} of order {order} for {}",
            side_of(qty),
            legend.qty(contract, qty.abs()),
            legend.symbol(contract),
            legend.cash(cash.abs())
        ),
        Fact::BackstopClosed { backstop, contract, qty, result, ref paid } => format!(
            "backstop {backstop} closes {} {}: result {}; {}",
            legend.qty(contract, qty.abs()),
            legend.symbol(contract),
            legend.cash(result),
            payers(legend, paid)
        ),
        Fact::PoolMoved { pool, change, balance } => {
            format!("pool {pool} of the fund moves by {} to {}", legend.cash(change), legend.cash(balance))
        }
        Fact::Drawdown { pool, on, peak, balance } => format!(
            "the drawdown of pool {pool} of the fund from {} to {} {}",
            legend.cash(peak),
            legend.cash(balance),
            if on { "starts ADL" } else { "no longer asks for ADL" }
        ),
        Fact::MaintenanceScaled { contract, multiplier, volatility } => format!(
            "maintenance margin of {} is {} times that of its tiers, at a volatility of {} %",
            legend.symbol(contract),
            share(multiplier),
            (share(volatility) * Decimal::ONE_HUNDRED).normalize()
        ),
        Fact::Halted { contract, until } => {
            let what = contract.map_or("the venue", |id| legend.symbol(id));
            format!("{what} stands still until {} s", seconds(until))
        }
        Fact::Round { contract, losers, needed, placed, mark } => format!(
            "ADL round of {} losers in {}: {} of {} placed at mark {}",
            side(losers),
            legend.symbol(contract),
            legend.qty(contract, placed.abs()),
            legend.qty(contract, needed.abs()),
            legend.price(contract, mark)
        ),
        Fact::Deleveraged { contract, account, qty, price, notional, haircut, .. } => format!(
            "{} is deleveraged of {} {} at {}: notional {}, haircut {}",
            legend.account(account),
            legend.qty(contract, qty.abs()),
            legend.symbol(contract),
            legend.price(contract, price),
            legend.cash(notional),
            legend.cash(haircut)
        ),
        Fact::Inventory { mark_to_market } => {
            format!("inventory stands at {}", legend.cash(mark_to_market))
        }
        Fact::Acted { contract, account, by, deed: what, qty, amount } => {
            let (who, symbol, amount) = (legend.account(account), legend.symbol(contract), legend.cash(amount));
            let lots = legend.qty(contract, qty.abs());
            let told = match what {
                Deed::Traded => format!("{} {lots} {symbol} of its own accord: notional {amount}", verb(qty)),
                Deed::ToppedUp => format!("pays {amount} from its wallet into its position in {symbol}"),
                Deed::Withdrew => format!("withdraws {amount} from its position in {symbol}"),
                Deed::HedgeBroken => format!("loses its hedge of {lots} {symbol} to ADL: notional {amount}"),
                Deed::SoldSpot => format!("sells spot of {symbol} for {amount}"),
            };
            format!("{who} {told} ({})", by.replace('_', " "))
        }
        Fact::SpotMoved { contract, from, to } => format!(
            "spot moves the index of {} from {} to {}",
            legend.symbol(contract),
            legend.price(contract, from),
            legend.price(contract, to)
        ),
        Fact::Horizon { horizon_mark } => {
            format!("the path ends; inventory left is worth {}", legend.cash(horizon_mark))
        }
    }
}

// ---------------------------------------------------------------------------------------------- JSON

fn paid_fields(legend: &Legend, paid: &Paid) -> Json {
    json!({
        "fund": legend.cash(paid.fund),
        "venue": legend.cash(paid.venue),
        "backstop": legend.cash(paid.backstop),
        "socialised": legend.cash(paid.socialised),
        "deficit": legend.cash(paid.deficit),
    })
}

/// One fact as fields, the first of which is its name.
fn fields(legend: &Legend, fact: &Fact) -> Vec<(&'static str, Json)> {
    let cash = |amount| Json::from(legend.cash(amount));
    let price = |id, value| Json::from(legend.price(id, value));
    let qty = |id, value| Json::from(legend.qty(id, value));
    let symbol = |id| Json::from(legend.symbol(id));
    match *fact {
        Fact::Posted { from, to, amount, why: reason } => vec![
            ("fact", "posted".into()),
            ("from", legend.party_id(from).into()),
            ("to", legend.party_id(to).into()),
            ("amount", cash(amount)),
            ("why", why(reason).into()),
        ],
        Fact::Traded { party, contract, qty: lots, cash: total, order, via: how, ticket } => vec![
            ("fact", "traded".into()),
            ("party", legend.party_id(party).into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("cash", cash(total)),
            ("order", order.into()),
            ("via", via(how).into()),
            ("ticket", ticket.map(|tick| legend.price(contract, tick)).into()),
        ],
        Fact::Priced { contract, index_exogenous, index, traded } => vec![
            ("fact", "priced".into()),
            ("symbol", symbol(contract)),
            ("index_exogenous", price(contract, index_exogenous)),
            ("index", price(contract, index)),
            ("traded", price(contract, traded)),
        ],
        Fact::Funding { contract, per_lot } => {
            vec![("fact", "funding".into()), ("symbol", symbol(contract)), ("per_lot", cash(per_lot))]
        }
        Fact::TicketsFunded { contract, owed, ref paid } => vec![
            ("fact", "tickets_funded".into()),
            ("symbol", symbol(contract)),
            ("owed", cash(owed)),
            ("paid", paid_fields(legend, paid)),
        ],
        Fact::Marked { contract, mark } => {
            vec![("fact", "marked".into()), ("symbol", symbol(contract)), ("mark", price(contract, mark))]
        }
        Fact::Breached { contract, account, trigger, mark } => vec![
            ("fact", "breached".into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("trigger", price(contract, trigger)),
            ("mark", price(contract, mark)),
        ],
        Fact::OrderOpened { order, contract, account, qty: lots, bankruptcy, surplus, mark } => vec![
            ("fact", "order_opened".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("qty", qty(contract, lots)),
            ("bankruptcy", price(contract, bankruptcy)),
            ("surplus", cash(surplus)),
            ("mark", price(contract, mark)),
        ],
        Fact::OrderDropped { contract, account } => {
            vec![("fact", "order_dropped".into()), ("symbol", symbol(contract)), ("account", account.into())]
        }
        Fact::Exhausted { order, contract } => {
            vec![("fact", "exhausted".into()), ("order", order.into()), ("symbol", symbol(contract))]
        }
        Fact::OrderClosed { order, contract, account, ref disposal } => vec![
            ("fact", "order_closed".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("to_book", cash(disposal.to_book)),
            ("to_engine", cash(disposal.to_engine)),
            ("to_backstop", cash(disposal.to_backstop)),
            ("to_adl", cash(disposal.to_adl)),
            ("paid", paid_fields(legend, &disposal.paid)),
            ("fees_waived", cash(disposal.fees_waived)),
            ("book_cost_avoided", cash(disposal.book_cost_avoided)),
        ],
        Fact::TakeoverRefused { order, contract, qty: lots } => vec![
            ("fact", "takeover_refused".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
        ],
        Fact::TookOver { order, contract, qty: lots, bankruptcy } => vec![
            ("fact", "took_over".into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("bankruptcy", price(contract, bankruptcy)),
        ],
        Fact::TicketClosed { contract, qty: lots, bankruptcy, result, ref paid } => vec![
            ("fact", "ticket_closed".into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("bankruptcy", price(contract, bankruptcy)),
            ("result", cash(result)),
            ("paid", paid_fields(legend, paid)),
        ],
        Fact::BackstopTook { backstop, order, contract, qty: lots, cash: total } => vec![
            ("fact", "backstop_took".into()),
            ("backstop", backstop.into()),
            ("order", order.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("cash", cash(total)),
        ],
        Fact::BackstopClosed { backstop, contract, qty: lots, result, ref paid } => vec![
            ("fact", "backstop_closed".into()),
            ("backstop", backstop.into()),
            ("symbol", symbol(contract)),
            ("qty", qty(contract, lots)),
            ("result", cash(result)),
            ("paid", paid_fields(legend, paid)),
        ],
        Fact::PoolMoved { pool, change, balance } => vec![
            ("fact", "pool_moved".into()),
            ("pool", pool.into()),
            ("change", cash(change)),
            ("balance", cash(balance)),
        ],
        Fact::Drawdown { pool, on, peak, balance } => vec![
            ("fact", "drawdown".into()),
            ("pool", pool.into()),
            ("on", on.into()),
            ("peak", cash(peak)),
            ("balance", cash(balance)),
        ],
        Fact::MaintenanceScaled { contract, multiplier, volatility } => vec![
            ("fact", "maintenance_scaled".into()),
            ("symbol", symbol(contract)),
            ("multiplier", share(multiplier).to_string().into()),
            ("volatility", share(volatility).to_string().into()),
        ],
        Fact::Halted { contract, until } => vec![
            ("fact", "halted".into()),
            ("symbol", contract.map(|id| legend.symbol(id).to_owned()).into()),
            ("until", seconds(until).into()),
        ],
        Fact::Round { contract, losers, needed, placed, mark } => vec![
            ("fact", "round".into()),
            ("symbol", symbol(contract)),
            ("losers", side(losers).into()),
            ("needed", qty(contract, needed)),
            ("placed", qty(contract, placed)),
            ("mark", price(contract, mark)),
        ],
        Fact::Deleveraged { contract, account, qty: lots, price: at, notional, haircut, unrealised } => vec![
            ("fact", "deleveraged".into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("qty", qty(contract, lots)),
            ("price", price(contract, at)),
            ("notional", cash(notional)),
            ("haircut", cash(haircut)),
            ("unrealised", cash(unrealised)),
        ],
        Fact::Inventory { mark_to_market } => {
            vec![("fact", "inventory".into()), ("mark_to_market", cash(mark_to_market))]
        }
        Fact::Acted { contract, account, by, deed: what, qty: lots, amount } => vec![
            ("fact", "acted".into()),
            ("symbol", symbol(contract)),
            ("account", account.into()),
            ("by", by.into()),
            ("deed", deed(what).into()),
            ("qty", qty(contract, lots)),
            ("amount", cash(amount)),
        ],
        Fact::SpotMoved { contract, from, to } => vec![
            ("fact", "spot_moved".into()),
            ("symbol", symbol(contract)),
            ("from_price", price(contract, from)),
            ("to_price", price(contract, to)),
        ],
        Fact::Horizon { horizon_mark } => vec![("fact", "horizon".into()), ("horizon_mark", cash(horizon_mark))],
    }
}

#[cfg(test)]
mod tests;
