//! A real position book from a CSV file, checked cell by cell.

mod faults;
mod rounding;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use self::faults::{Book, Kind};
use self::rounding::{Part, Towards, nearest_price, rounded};
pub use self::rounding::{Rounded, Rounding};
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

/// How a book is read.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub cash_unit: Quantum,
    pub rounding: Rounding,
    /// Whether a position in breach at the opening mark is liquidated at once rather than a fault.
    pub liquidate_at_open: bool,
}

/// Reads a position book. Faults go to `reading`, each with its row and column, three of a kind and the others counted;
/// `None` where there is any.
///
/// A position that fails `opening` is a fault unless `terms` let it be liquidated.
pub fn load<O: Opening + ?Sized>(
    source: &Arc<Source>,
    contracts: &[Contract],
    terms: Terms,
    opening: &O,
    reading: &mut Reading,
) -> Option<Loaded> {
    let mut book = Book::new(source, reading);
    let found = read(contracts, terms, opening, &mut book);
    let rounded = book.rounded.clone();
    book.close();
    found.map(|loaded| Loaded { rounded, ..loaded })
}

fn read<O: Opening + ?Sized>(contracts: &[Contract], terms: Terms, opening: &O, book: &mut Book<'_>) -> Option<Loaded> {
    let source = Arc::clone(&book.source);
    let liquidate_at_open = terms.liquidate_at_open;
    let mut lines = rows(&source.text);
    let Some(header) = lines.next() else {
        book.fault(
            ("account", "has no column"),
            &(0..0),
            "the position book is empty",
            format!("its first line names the columns: {}", header_line()),
        );
        return None;
    };
    if let [only] = header.cells.as_slice()
        && let Some(mark) = [';', '\t', '|'].into_iter().find(|&mark| only.text.contains(mark))
    {
        let name = if mark == '\t' { "tabs".to_owned() } else { format!("`{mark}`") };
        book.fault(
            ("account", "is not followed by a comma"),
            &header.span,
            format!("the cells are separated by {name}"),
            format!("separate them by commas, and write decimals with a point: {}", header_line()),
        );
        return None;
    }
    let columns = columns_of(&header, book)?;
    let mut accounts: Accounts = Accounts::default();
    let mut positions: Vec<Position> = Vec::new();
    let mut taken: BTreeMap<(u32, u16), usize> = BTreeMap::new();
    for row in lines {
        let reader = RowReader { row: &row, columns: &columns, contracts, terms };
        let Some(found) = reader.position(&mut accounts, book) else { continue };
        if let Some(line) = taken.insert((found.account, found.contract), row.line) {
            let (account, symbol) =
                (&accounts.names[found.account as usize], &contracts[usize::from(found.contract)].symbol);
            reader.fault(
                ("account", "has a second position in one contract"),
                format!("a second position of account `{account}` in {symbol}"),
                format!("the first is in line {line}: net them into one row, or give the second an account of its own"),
                book,
            );
            continue;
        }
        if !liquidate_at_open
            && !found.cross
            && !opening.accepts(found.contract, found.qty, found.cost, found.collateral)
        {
            let Contract { symbol, open, .. } = &contracts[usize::from(found.contract)];
            let account = &accounts.names[found.account as usize];
            reader.fault(
                ("collateral", "leaves the account in breach of its maintenance margin at the opening mark"),
                format!("account `{account}` is in breach of its maintenance margin in {symbol} at the opening mark {open}"),
                "post more collateral, check `entry_price` and `open`, or set `liquidate_at_open = true` in `[accounts]`",
                book,
            );
        }
        positions.push(found);
    }
    positions.sort_by_key(|position| position.account);
    let mut wallets = accounts.wallets();
    for held in positions.iter().filter(|held| contracts[usize::from(held.contract)].is_token) {
        // A holding is a position that cost what the token is worth at the opening, and so much of the account is the token.
        let wallet = &mut wallets[held.account as usize];
        if let Some(sum) = wallet.0.checked_add(held.cost.0) {
            *wallet = Cash(sum);
        } else {
            let kind = ("quantity", "of a token is beyond what can be held");
            book.fault(kind, &held.row, "this holding is beyond what can be held", "take a coarser `cash_unit`");
        }
    }
    if !liquidate_at_open {
        check_cross_accounts(&positions, &wallets, &accounts.names, opening, book);
    }
    if positions.is_empty() && book.is_sound() {
        book.fault(
            ("account", "stands in no row"),
            &header.span,
            "the position book has no positions",
            "add a line for each position below the column names",
        );
    }
    if !book.is_sound() {
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
    let (behaviours, rounded) = (Arc::default(), Rounded::default());
    Some(Loaded { population, source, rows: places, rounded, liquidate_at_open, behaviours })
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
                ("wallet", "leaves its cross account in breach of its maintenance margin at the opening marks"),
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
                let kind = (COLUMNS[at].name, "stands twice");
                book.fault(kind, &cell.span, format!("column `{}` stands twice", cell.text), "remove one of the two");
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
        let kind = ("account", "stands beside columns that are unknown");
        book.fault(kind, &span, format!("unknown column `{name}`"), hint);
    }
    for (column, at) in COLUMNS.iter().zip(&found) {
        if column.needed && at.is_none() {
            book.fault(
                (column.name, "is missing"),
                &header.span,
                format!("column `{}` is missing", column.name),
                format!("the columns are {}", header_line()),
            );
        }
    }
    book.is_sound().then_some(found)
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
    terms: Terms,
}

impl RowReader<'_> {
    /// Notes a fault at the cell that it is about, or at the row where that is absent.
    fn fault(&self, kind: Kind, message: impl Into<String>, hint: impl Into<String>, book: &mut Book<'_>) {
        book.fault(kind, &self.span(kind.0), message, hint);
    }

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
                ("account", "has more cells than there are columns"),
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
            self.decimal("collateral", book).and_then(|amount| self.cash(Part::Collateral, amount, book))
        };
        if cross == Some(true) && collateral.is_some_and(|collateral| collateral > Cash::ZERO) {
            self.fault(
                ("collateral", "is not 0 in a cross position"),
                "a cross position has no collateral of its own",
                "write the account's cash as `wallet` and 0 here, or make the position isolated",
                book,
            );
            return None;
        }
        let wallet = match self.text("wallet") {
            None => Some(None),
            Some(_) => self.decimal("wallet", book).and_then(|amount| self.cash(Part::Wallet, amount, book)).map(Some),
        };
        let lots = contract.zip(quantity).and_then(|(contract, quantity)| self.lots(contract, quantity, book));
        let entry = entry.filter(|entry| {
            if *entry <= Decimal::ZERO {
                let message = format!("`entry_price` cannot be {entry}");
                self.fault(("entry_price", "is not above 0"), message, "a price is above 0", book);
            }
            *entry > Decimal::ZERO
        });
        let cost = match (lots, quantity, entry) {
            (Some(lots), Some(quantity), Some(entry)) => match contract.map(|c| &self.contracts[usize::from(c)]) {
                Some(Contract { multiplier: Multiplier::Inverse(_), lot, .. }) => {
                    self.inverse_cost(lots, lot.size(), entry, book)
                }
                _ => self.cost(quantity, entry, sign, book),
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
            self.fault(
                ("entry_price", "stands beside a token"),
                format!("`{}` is a token held as collateral, and has no entry price", token.symbol),
                format!("leave the cell empty, or write the opening mark {}", token.open),
                book,
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
            let hint = "write long, or make it a contract: leave out its `haircut`";
            self.fault(("side", "of a token is short"), message, hint, book);
            return None;
        }
        if cross == Some(false) {
            let message = format!("`{symbol}` is a token held as collateral: it backs a whole account");
            let hint = "write cross, here and for the positions that it is to back";
            self.fault(("margin_mode", "of a token is not cross"), message, hint, book);
            return None;
        }
        Some(())
    }

    fn needed(&self, name: &'static str, expects: &str, book: &mut Book<'_>) -> Option<&str> {
        let text = self.text(name);
        if text.is_none() {
            book.fault(
                (name, "is empty"),
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
            let kind = ("symbol", "is that of no asset of the scenario");
            self.fault(kind, format!("the scenario has no asset `{symbol}`"), hint, book);
        }
        found.map(|at| u16::try_from(at).expect("assets are countable"))
    }

    fn side(&self, book: &mut Book<'_>) -> Option<i64> {
        match self.needed("side", "long or short", book)? {
            "long" => Some(1),
            "short" => Some(-1),
            other => {
                let message = format!("`side` cannot be \"{other}\"");
                self.fault(("side", "is neither long nor short"), message, "it takes long or short", book);
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
                self.fault(
                    ("margin_mode", "is neither isolated nor cross"),
                    format!("`margin_mode` cannot be \"{other}\""),
                    "it takes isolated or cross",
                    book,
                );
                None
            }
        }
    }

    fn decimal(&self, name: &'static str, book: &mut Book<'_>) -> Option<Decimal> {
        let text = self.needed(name, "a decimal number", book)?;
        let number = Decimal::from_str_exact(text.trim_start_matches('+')).ok();
        if number.is_none() {
            self.fault(
                (name, "is no decimal number"),
                format!("`{name}` cannot be \"{text}\""),
                "it takes a decimal number such as 12.5, without exponent or thousands separator",
                book,
            );
        }
        number
    }

    /// An amount in whole cash units: exactly, or rounded down where that is asked for.
    fn cash(&self, part: Part, amount: Decimal, book: &mut Book<'_>) -> Option<Cash> {
        let name = if part == Part::Wallet { "wallet" } else { "collateral" };
        let unit = self.terms.cash_unit;
        if amount < Decimal::ZERO {
            self.fault((name, "is below 0"), format!("`{name}` cannot be {amount}"), "an amount is 0 or more", book);
            return None;
        }
        let Some((cash, lost)) = rounded(unit, amount, Towards::Less) else {
            self.beyond(name, format!("`{name}` of {amount}"), book);
            return None;
        };
        if lost.is_zero() {
            return Some(cash);
        }
        if self.terms.rounding == Rounding::Refuse {
            self.fault(
                (name, "is not a whole number of cash units"),
                format!("`{name}` of {amount} is not a whole number of cash units"),
                format!(
                    "the cash unit is {}: {} would fit, or let `rounding = \"against_account\"` in `[accounts]` round it down",
                    unit.size(),
                    unit.show(cash.0)
                ),
                book,
            );
            return None;
        }
        book.rounded.note(self.row.line, part, lost);
        Some(cash)
    }

    /// Notes an amount that 64 bits of cash units do not hold.
    fn beyond(&self, column: &'static str, what: String, book: &mut Book<'_>) {
        let unit = self.terms.cash_unit;
        self.fault(
            (column, "is beyond what can be held"),
            format!("{what} is beyond what can be held"),
            format!(
                "at a cash unit of {} no amount is above {}: check the number, or take a coarser `cash_unit`",
                unit.size(),
                Decimal::from(i64::MAX).checked_mul(unit.size()).unwrap_or(Decimal::MAX).trunc()
            ),
            book,
        );
    }

    fn lots(&self, contract: u16, quantity: Decimal, book: &mut Book<'_>) -> Option<i64> {
        let Contract { symbol, lot, .. } = &self.contracts[usize::from(contract)];
        if quantity <= Decimal::ZERO {
            self.fault(
                ("quantity", "is not above 0"),
                format!("`quantity` cannot be {quantity}"),
                "it is above 0; `side` says whether the position is long or short",
                book,
            );
            return None;
        }
        let lots = lot.exact(quantity);
        if lots.is_none() {
            match lot.floor(quantity).map(|lots| lot.show(lots.max(1))) {
                Some(near) => self.fault(
                    ("quantity", "is not a whole number of lots"),
                    format!("`quantity` of {quantity} is not a whole number of lots"),
                    format!("the lot of {symbol} is {}: {near} would fit", lot.size()),
                    book,
                ),
                None => self.fault(
                    ("quantity", "is beyond what can be held"),
                    format!("`quantity` of {quantity} is beyond what can be held"),
                    format!(
                        "it is more lots of {} than 64 bits hold: check the number, or take a coarser `lot`",
                        lot.size()
                    ),
                    book,
                ),
            }
        }
        lots
    }

    /// Lots × what one is worth at the entry price, in whole cash units of the coin; its sign is that of a short.
    fn inverse_cost(&self, lots: i64, lot: Decimal, entry: Decimal, book: &mut Book<'_>) -> Option<Cash> {
        let units = lot.checked_div(entry).and_then(|coin| coin.checked_div(self.terms.cash_unit.size()));
        let per_lot = units.and_then(|units| {
            units.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().filter(|units| *units > 0)
        });
        let cost = per_lot.and_then(|units| units.checked_mul(lots)).map(|cost| Cash(-cost));
        if cost.is_none() {
            self.fault(
                ("entry_price", "makes a lot worth less than one cash unit, or all of them too much"),
                format!("at an entry price of {entry} a lot is worth less than one cash unit, or all of them too much"),
                format!("the cash unit is {}, the lot {lot}", self.terms.cash_unit.size()),
                book,
            );
        }
        cost
    }

    /// Quantity × entry price without its sign, in whole cash units, though the price itself need not lie on a tick: exactly,
    /// or rounded so that the signed cost goes up, where that is asked for.
    fn cost(&self, quantity: Decimal, entry: Decimal, sign: Option<i64>, book: &mut Book<'_>) -> Option<Cash> {
        let unit = self.terms.cash_unit;
        let towards = if sign == Some(-1) { Towards::Less } else { Towards::More };
        let product = quantity.checked_mul(entry);
        let Some((product, (cost, lost))) = product.and_then(|cost| Some((cost, rounded(unit, cost, towards)?))) else {
            let told = product.map_or_else(String::new, |product| format!(" of {}", product.normalize()));
            self.beyond("entry_price", format!("quantity × entry price{told}"), book);
            return None;
        };
        if lost.is_zero() {
            return Some(cost);
        }
        let product = product.normalize();
        if self.terms.rounding == Rounding::Refuse {
            let fits =
                nearest_price(quantity, unit, entry).map_or_else(String::new, |near| format!("{near} would fit, or "));
            self.fault(
                ("entry_price", "× quantity is not a whole number of cash units"),
                format!("quantity × entry price is {product}, not a whole number of cash units"),
                format!(
                    "the cash unit is {}: {fits}let `rounding = \"against_account\"` in `[accounts]` round the cost",
                    unit.size()
                ),
                book,
            );
            return None;
        }
        if cost.is_zero() {
            self.fault(
                ("entry_price", "× quantity is less than one cash unit"),
                format!("quantity × entry price is {product}, less than one cash unit"),
                format!("the cash unit is {}: take a finer one, or leave the row out", unit.size()),
                book,
            );
            return None;
        }
        book.rounded.note(self.row.line, Part::Cost, lost);
        Some(cost)
    }

    fn note_wallet(&self, accounts: &mut Accounts, account: u32, wallet: Cash, book: &mut Book<'_>) -> Option<()> {
        let known = &mut accounts.wallets[account as usize];
        match known {
            Some((before, line)) if *before != wallet => {
                let hint = format!(
                    "line {line} says {}: give it once, or the same in every row",
                    self.terms.cash_unit.show(before.0)
                );
                let kind = ("wallet", "is not the same in all rows of an account");
                self.fault(kind, "this account already has another wallet", hint, book);
                None
            }
            _ => {
                *known = Some((wallet, self.row.line));
                Some(())
            }
        }
    }
}
