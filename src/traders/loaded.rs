//! A real position book from a CSV file, checked cell by cell.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::table::{Row, rows};
use super::{Loaded, Opening, Population};
use crate::fault::{Source, did_you_mean};
use crate::money::{Cash, Multiplier, Qty, Quantum};
use crate::registry::Reading;

/// What a position book must know of a contract.
#[derive(Clone, Debug)]
pub struct Contract {
    pub symbol: String,
    pub lot: Quantum,
    pub multiplier: Multiplier,
    /// Opening mark.
    pub open: Decimal,
    /// Whether it is a token that accounts hold as collateral, and no contract.
    pub is_token: bool,
}

/// Faults shown of one file; a book with the wrong column would otherwise fill the screen.
const MOST_FAULTS: usize = 100;

const COLUMNS: [Column; 8] = [
    Column::needed("account"),
    Column::needed("symbol"),
    Column::needed("side"),
    Column::needed("quantity"),
    Column::needed("entry_price"),
    Column::needed("collateral"),
    Column::optional("margin_mode"),
    Column::optional("wallet"),
];

#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    needed: bool,
}

impl Column {
    const fn needed(name: &'static str) -> Self {
        Self { name, needed: true }
    }

    const fn optional(name: &'static str) -> Self {
        Self { name, needed: false }
    }
}

/// One checked row, still in file order.
struct Position {
    account: u32,
    contract: u16,
    qty: Qty,
    cost: Cash,
    collateral: Cash,
    cross: bool,
    row: Range<usize>,
}

/// Notes faults of one file and stops after [`MOST_FAULTS`].
struct Book<'a> {
    source: Arc<Source>,
    reading: &'a mut Reading,
    faults: usize,
}

impl Book<'_> {
    fn fault(&mut self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.faults += 1;
        if self.faults <= MOST_FAULTS {
            self.reading.fault_in(Arc::clone(&self.source), span, message, hint);
        }
    }
}

/// Reads a position book. Faults go to `reading`, each with its row and column, at most a hundred; `None` where there is any.
///
/// A position that fails `opening` is a fault unless `liquidate_at_open`.
pub fn load<O: Opening + ?Sized>(
    source: &Arc<Source>,
    contracts: &[Contract],
    cash_unit: Quantum,
    opening: &O,
    liquidate_at_open: bool,
    reading: &mut Reading,
) -> Option<Loaded> {
    let mut book = Book { source: Arc::clone(source), reading, faults: 0 };
    let mut lines = rows(&source.text);
    let Some(header) = lines.next() else {
        book.fault(
            &(0..0),
            "the position book is empty",
            format!("its first line names the columns: {}", header_line()),
        );
        return None;
    };
    let columns = columns_of(&header, &mut book)?;
    let mut accounts: Accounts = Accounts::default();
    let mut positions: Vec<Position> = Vec::new();
    let mut taken: BTreeMap<(u32, u16), usize> = BTreeMap::new();
    for row in lines {
        let reader = RowReader { row: &row, columns: &columns, contracts, cash_unit };
        let Some(found) = reader.position(&mut accounts, &mut book) else { continue };
        if let Some(line) = taken.insert((found.account, found.contract), row.line) {
            let (account, symbol) =
                (&accounts.names[found.account as usize], &contracts[usize::from(found.contract)].symbol);
            let span = reader.span("account");
            book.fault(
                &span,
                format!("a second position of account `{account}` in {symbol}"),
                format!("the first is in line {line}: net them into one row, or give the second an account of its own"),
            );
            continue;
        }
        if !liquidate_at_open
            && !found.cross
            && !opening.accepts(found.contract, found.qty, found.cost, found.collateral)
        {
            let Contract { symbol, open, .. } = &contracts[usize::from(found.contract)];
            let account = &accounts.names[found.account as usize];
            let span = reader.span("collateral");
            book.fault(
                &span,
                format!("account `{account}` is in breach of its maintenance margin in {symbol} at the opening mark {open}"),
                "post more collateral, check `entry_price` and `open`, or set `liquidate_at_open = true` in `[accounts]`",
            );
        }
        positions.push(found);
    }
    positions.sort_by_key(|position| position.account);
    let mut wallets = accounts.wallets();
    for held in positions.iter().filter(|held| contracts[usize::from(held.contract)].is_token) {
        // A holding is a position that cost what the token is worth at the opening, and so much of the account is the token.
        let wallet = &mut wallets[held.account as usize];
        match wallet.0.checked_add(held.cost.0) {
            Some(sum) => *wallet = Cash(sum),
            None => book.fault(&held.row, "this holding is beyond what can be held", "take a coarser `cash_unit`"),
        }
    }
    if !liquidate_at_open {
        check_cross_accounts(&positions, &wallets, &accounts.names, opening, &mut book);
    }
    if positions.is_empty() && book.faults == 0 {
        book.fault(
            &header.span,
            "the position book has no positions",
            "add a line for each position below the column names",
        );
    }
    if book.faults > 0 {
        let hidden = book.faults.saturating_sub(MOST_FAULTS);
        if hidden > 0 {
            let end = source.text.len();
            book.reading.fault_in(
                Arc::clone(source),
                &(end..end),
                format!("{hidden} more faults of `{}` are not shown", source.name),
                "mend those above first",
            );
        }
        return None;
    }
    let mut population = Population { wallet: wallets, names: accounts.names, ..Population::default() };
    let mut places = Vec::with_capacity(positions.len());
    if positions.iter().any(|position| position.cross) {
        population.cross = positions.iter().map(|position| position.cross).collect();
    }
    for Position { account, contract, qty, cost, collateral, row, .. } in positions {
        population.account.push(account);
        population.contract.push(contract);
        population.qty.push(qty);
        population.cost.push(cost);
        population.collateral.push(collateral);
        places.push(row);
    }
    Some(Loaded { population, source: Arc::clone(source), rows: places, liquidate_at_open, behaviours: Arc::default() })
}

/// A cross account in breach at the opening mark is a fault at its first position.
fn check_cross_accounts<O: Opening + ?Sized>(
    positions: &[Position],
    wallets: &[Cash],
    names: &[String],
    opening: &O,
    book: &mut Book<'_>,
) {
    for of_one in positions.chunk_by(|a, b| a.account == b.account) {
        let crossed: Vec<&Position> = of_one.iter().filter(|position| position.cross).collect();
        let Some(first) = crossed.first() else { continue };
        let legs: Vec<(u16, Qty, Cash)> =
            crossed.iter().map(|position| (position.contract, position.qty, position.cost)).collect();
        if !opening.accepts_cross(&legs, wallets[first.account as usize]) {
            book.fault(
                &first.row,
                format!(
                    "cross account `{}` is in breach of its maintenance margin at the opening marks",
                    names[first.account as usize]
                ),
                "give it a larger `wallet`, check `entry_price` and `open`, or set `liquidate_at_open = true` in `[accounts]`",
            );
        }
    }
}

fn header_line() -> String {
    COLUMNS.map(|column| column.name).join(",")
}

/// Where each column of [`COLUMNS`] stands; `None` where a needed one is missing.
fn columns_of(header: &Row<'_>, book: &mut Book<'_>) -> Option<[Option<usize>; COLUMNS.len()]> {
    let mut found = [None; COLUMNS.len()];
    let mut strangers: Vec<(Range<usize>, String)> = Vec::new();
    for (i, cell) in header.cells.iter().enumerate() {
        match COLUMNS.iter().position(|column| column.name == cell.text) {
            Some(at) if found[at].is_some() => {
                book.fault(&cell.span, format!("column `{}` stands twice", cell.text), "remove one of the two");
            }
            Some(at) => found[at] = Some(i),
            None => strangers.push((cell.span.clone(), cell.text.to_string())),
        }
    }
    let missing = |found: &[Option<usize>; COLUMNS.len()]| -> Vec<&'static str> {
        let absent = COLUMNS.iter().zip(found).filter(|(_, at)| at.is_none());
        absent.map(|(column, _)| column.name).collect()
    };
    for (span, name) in strangers {
        let hint = match did_you_mean(&name, missing(&found)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the columns are {}", header_line()),
        };
        book.fault(&span, format!("unknown column `{name}`"), hint);
    }
    for (column, at) in COLUMNS.iter().zip(&found) {
        if column.needed && at.is_none() {
            book.fault(
                &header.span,
                format!("column `{}` is missing", column.name),
                format!("the columns are {}", header_line()),
            );
        }
    }
    (book.faults == 0).then_some(found)
}

/// Accounts in the order of their first row.
#[derive(Default)]
struct Accounts {
    ids: BTreeMap<String, u32>,
    names: Vec<String>,
    /// The wallet of each account and the line that says so.
    wallets: Vec<Option<(Cash, usize)>>,
}

impl Accounts {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = u32::try_from(self.names.len()).expect("a file has fewer than 2³² rows");
        self.ids.insert(name.to_owned(), id);
        self.names.push(name.to_owned());
        self.wallets.push(None);
        id
    }

    fn wallets(&self) -> Vec<Cash> {
        self.wallets.iter().map(|wallet| wallet.map_or(Cash::ZERO, |(cash, _)| cash)).collect()
    }
}

struct RowReader<'a> {
    row: &'a Row<'a>,
    columns: &'a [Option<usize>; COLUMNS.len()],
    contracts: &'a [Contract],
    cash_unit: Quantum,
}

impl RowReader<'_> {
    fn at(&self, name: &str) -> Option<usize> {
        let column = COLUMNS.iter().position(|column| column.name == name).expect("a column of the list");
        self.columns[column]
    }

    /// The text of a cell; `None` where the file has no such column, or the row no such cell, or it is empty.
    fn text(&self, name: &str) -> Option<&str> {
        let cell = self.row.cells.get(self.at(name)?)?;
        (!cell.text.is_empty()).then_some(&*cell.text)
    }

    /// Where a cell stands; the row where it is absent.
    fn span(&self, name: &str) -> Range<usize> {
        let cell = self.at(name).and_then(|at| self.row.cells.get(at));
        cell.filter(|cell| !cell.text.is_empty()).map_or_else(|| self.row.span.clone(), |cell| cell.span.clone())
    }

    /// Checks every cell of the row, so that all its faults are noted.
    fn position(&self, accounts: &mut Accounts, book: &mut Book<'_>) -> Option<Position> {
        let header = self.columns.iter().flatten().count();
        if self.row.cells.len() > header {
            let extra = self.row.cells[header].span.clone();
            book.fault(
                &extra,
                format!("line {} has {} cells, but there are {header} columns", self.row.line, self.row.cells.len()),
                "write numbers without thousands separators: 1000, not 1,000",
            );
            return None;
        }
        let account = self.needed("account", "a name or number", book);
        let contract = self.contract(book);
        let sign = self.side(book);
        let quantity = self.decimal("quantity", book);
        let token = contract.map(|c| &self.contracts[usize::from(c)]).filter(|contract| contract.is_token);
        let entry = match token {
            Some(token) => self.token_entry(token, book),
            None => self.decimal("entry_price", book),
        };
        let cross = self.margin_mode(book);
        if let Some(token) = token {
            self.check_holding(token, sign, cross, book)?;
        }
        let collateral = if cross == Some(true) && self.text("collateral").is_none() {
            Some(Cash::ZERO)
        } else {
            self.decimal("collateral", book).and_then(|amount| self.cash("collateral", amount, book))
        };
        if cross == Some(true) && collateral.is_some_and(|collateral| collateral > Cash::ZERO) {
            book.fault(
                &self.span("collateral"),
                "a cross position has no collateral of its own",
                "write the account's cash as `wallet` and 0 here, or make the position isolated",
            );
            return None;
        }
        let wallet = match self.text("wallet") {
            None => Some(None),
            Some(_) => self.decimal("wallet", book).and_then(|amount| self.cash("wallet", amount, book)).map(Some),
        };
        let lots = contract.zip(quantity).and_then(|(contract, quantity)| self.lots(contract, quantity, book));
        let entry = entry.filter(|entry| {
            if *entry <= Decimal::ZERO {
                book.fault(&self.span("entry_price"), format!("`entry_price` cannot be {entry}"), "a price is above 0");
            }
            *entry > Decimal::ZERO
        });
        let cost = match (lots, quantity, entry) {
            (Some(lots), Some(quantity), Some(entry)) => match contract.map(|c| &self.contracts[usize::from(c)]) {
                Some(Contract { multiplier: Multiplier::Inverse(_), lot, .. }) => {
                    self.inverse_cost(lots, lot.size(), entry, book)
                }
                _ => self.cost(quantity, entry, book),
            },
            _ => None,
        };
        let account = accounts.id(account?);
        if let Some(wallet) = wallet? {
            self.note_wallet(accounts, account, wallet, book)?;
        }
        let sign = sign?;
        Some(Position {
            account,
            contract: contract?,
            qty: Qty(sign * lots?),
            cost: Cash(sign * cost?.0),
            collateral: collateral?,
            cross: cross?,
            row: self.row.span.clone(),
        })
    }

    /// A holding is worth what its token is: it has no entry price of its own.
    fn token_entry(&self, token: &Contract, book: &mut Book<'_>) -> Option<Decimal> {
        if self.text("entry_price").is_some() && self.decimal("entry_price", book)? != token.open {
            book.fault(
                &self.span("entry_price"),
                format!("`{}` is a token held as collateral, and has no entry price", token.symbol),
                format!("leave the cell empty, or write the opening mark {}", token.open),
            );
            return None;
        }
        Some(token.open)
    }

    /// A token is held, not owed, and backs the whole account.
    fn check_holding(
        &self,
        token: &Contract,
        sign: Option<i64>,
        cross: Option<bool>,
        book: &mut Book<'_>,
    ) -> Option<()> {
        let symbol = &token.symbol;
        if sign == Some(-1) {
            let message = format!("`{symbol}` is a token held as collateral, and nobody is short of it here");
            book.fault(&self.span("side"), message, "write long, or make it a contract: leave out its `haircut`");
            return None;
        }
        if cross == Some(false) {
            let message = format!("`{symbol}` is a token held as collateral: it backs a whole account");
            book.fault(
                &self.span("margin_mode"),
                message,
                "write cross, here and for the positions that it is to back",
            );
            return None;
        }
        Some(())
    }

    fn needed(&self, name: &str, expects: &str, book: &mut Book<'_>) -> Option<&str> {
        let text = self.text(name);
        if text.is_none() {
            book.fault(
                &self.row.span,
                format!("line {} has no `{name}`", self.row.line),
                format!("it takes {expects}"),
            );
        }
        text
    }

    fn contract(&self, book: &mut Book<'_>) -> Option<u16> {
        let symbol = self.needed("symbol", "the symbol of one of `[[assets]]`", book)?;
        let found = self.contracts.iter().position(|contract| contract.symbol == symbol);
        if found.is_none() {
            let known = || self.contracts.iter().map(|contract| contract.symbol.as_str());
            let hint = match did_you_mean(symbol, known()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the scenario has {}", known().collect::<Vec<_>>().join(", ")),
            };
            book.fault(&self.span("symbol"), format!("the scenario has no asset `{symbol}`"), hint);
        }
        found.map(|at| u16::try_from(at).expect("assets are countable"))
    }

    fn side(&self, book: &mut Book<'_>) -> Option<i64> {
        match self.needed("side", "long or short", book)? {
            "long" => Some(1),
            "short" => Some(-1),
            other => {
                book.fault(&self.span("side"), format!("`side` cannot be \"{other}\""), "it takes long or short");
                None
            }
        }
    }

    /// Whether the account's wallet backs the position.
    fn margin_mode(&self, book: &mut Book<'_>) -> Option<bool> {
        match self.text("margin_mode") {
            None | Some("isolated") => Some(false),
            Some("cross") => Some(true),
            Some(other) => {
                book.fault(
                    &self.span("margin_mode"),
                    format!("`margin_mode` cannot be \"{other}\""),
                    "it takes isolated or cross",
                );
                None
            }
        }
    }

    fn decimal(&self, name: &str, book: &mut Book<'_>) -> Option<Decimal> {
        let text = self.needed(name, "a decimal number", book)?;
        let number = Decimal::from_str_exact(text.trim_start_matches('+')).ok();
        if number.is_none() {
            book.fault(
                &self.span(name),
                format!("`{name}` cannot be \"{text}\""),
                "it takes a decimal number such as 12.5, without exponent or thousands separator",
            );
        }
        number
    }

    fn cash(&self, name: &str, amount: Decimal, book: &mut Book<'_>) -> Option<Cash> {
        let unit = self.cash_unit.size();
        if amount < Decimal::ZERO {
            book.fault(&self.span(name), format!("`{name}` cannot be {amount}"), "an amount is 0 or more");
            return None;
        }
        let cash = self.cash_unit.exact(amount).map(Cash);
        if cash.is_none() {
            book.fault(
                &self.span(name),
                format!("`{name}` of {amount} is not a whole number of cash units"),
                format!("the cash unit is {unit}"),
            );
        }
        cash
    }

    fn lots(&self, contract: u16, quantity: Decimal, book: &mut Book<'_>) -> Option<i64> {
        let Contract { symbol, lot, .. } = &self.contracts[usize::from(contract)];
        if quantity <= Decimal::ZERO {
            book.fault(
                &self.span("quantity"),
                format!("`quantity` cannot be {quantity}"),
                "it is above 0; `side` says whether the position is long or short",
            );
            return None;
        }
        let lots = lot.exact(quantity);
        if lots.is_none() {
            let near = lot.floor(quantity).map(|lots| lot.show(lots.max(1)));
            let hint = match near {
                Some(near) => format!("the lot of {symbol} is {}: {near} would fit", lot.size()),
                None => format!("the lot of {symbol} is {}", lot.size()),
            };
            book.fault(&self.span("quantity"), format!("`quantity` of {quantity} is not a whole number of lots"), hint);
        }
        lots
    }

    /// Lots × what one is worth at the entry price, in whole cash units of the coin; its sign is that of a short.
    fn inverse_cost(&self, lots: i64, lot: Decimal, entry: Decimal, book: &mut Book<'_>) -> Option<Cash> {
        let units = lot.checked_div(entry).and_then(|coin| coin.checked_div(self.cash_unit.size()));
        let per_lot = units.and_then(|units| {
            units.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().filter(|units| *units > 0)
        });
        let cost = per_lot.and_then(|units| units.checked_mul(lots)).map(|cost| Cash(-cost));
        if cost.is_none() {
            book.fault(
                &self.span("entry_price"),
                format!("at an entry price of {entry} a lot is worth less than one cash unit, or all of them too much"),
                format!("the cash unit is {}, the lot {lot}", self.cash_unit.size()),
            );
        }
        cost
    }

    /// Quantity × entry price: whole cash units, though the price itself need not lie on a tick.
    fn cost(&self, quantity: Decimal, entry: Decimal, book: &mut Book<'_>) -> Option<Cash> {
        let cost = quantity.checked_mul(entry).and_then(|cost| self.cash_unit.exact(cost)).map(Cash);
        if cost.is_none() {
            let product = quantity
                .checked_mul(entry)
                .map_or_else(|| "too large".to_owned(), |product| product.normalize().to_string());
            book.fault(
                &self.span("entry_price"),
                format!("quantity × entry price is {product}, not a whole number of cash units"),
                format!(
                    "round `entry_price` so that quantity × price is a multiple of the cash unit {}",
                    self.cash_unit.size()
                ),
            );
        }
        cost
    }

    fn note_wallet(&self, accounts: &mut Accounts, account: u32, wallet: Cash, book: &mut Book<'_>) -> Option<()> {
        let known = &mut accounts.wallets[account as usize];
        match known {
            Some((before, line)) if *before != wallet => {
                let hint = format!(
                    "line {line} says {}: give it once, or the same in every row",
                    self.cash_unit.show(before.0)
                );
                book.fault(&self.span("wallet"), "this account already has another wallet", hint);
                None
            }
            _ => {
                *known = Some((wallet, self.row.line));
                Some(())
            }
        }
    }
}
