//! `flashcrash position`: the margin calculator.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use flashcrash::fault::{Failure, Fault, Faults, Place, Severity, Source};
use flashcrash::position::fraction::show;
use flashcrash::position::{Answer, Ask, Fields, Wrong, join_accounts};
use flashcrash::report::columns::{Align, aligned};

use super::print;

/// Tier, margins, liquidation and bankruptcy price of a position
#[derive(Debug, Args)]
pub struct PositionArgs {
    /// Preset whose tiers hold, as "binance" (see `flashcrash preset`)
    #[arg(long)]
    venue: Option<String>,
    /// linear or inverse, where no venue is named
    #[arg(long)]
    contract: Option<String>,
    /// Asset, as BTC or BTCUSDT
    #[arg(long)]
    symbol: Option<String>,
    /// Maintenance margin as a share of notional, in place of tiers
    #[arg(long)]
    maintenance_rate: Option<String>,
    /// What is subtracted from rate × notional
    #[arg(long)]
    deduction: Option<String>,
    /// long or short
    #[arg(long)]
    side: Option<String>,
    /// Units of the asset, or contracts of an inverse contract
    #[arg(long)]
    quantity: Option<String>,
    /// Value of one contract; 1 where absent
    #[arg(long)]
    face: Option<String>,
    /// Average entry price
    #[arg(long)]
    entry_price: Option<String>,
    /// Mark price; the entry price where absent
    #[arg(long)]
    mark_price: Option<String>,
    /// Money posted for the position
    #[arg(long)]
    collateral: Option<String>,
    /// Entry value ÷ collateral, in place of the collateral
    #[arg(long)]
    leverage: Option<String>,
    /// isolated or cross
    #[arg(long)]
    margin_mode: Option<String>,
    /// Cash of a cross account
    #[arg(long, allow_hyphen_values = true)]
    wallet: Option<String>,
    /// Maintenance margin of the other positions of a cross account
    #[arg(long)]
    other_maintenance: Option<String>,
    /// Unrealised profit of the other positions of a cross account
    #[arg(long, allow_hyphen_values = true)]
    other_unrealised: Option<String>,
    /// Closing fee that counts in the liquidation test
    #[arg(long)]
    taker_fee: Option<String>,
    /// Price step, for the safe ticks
    #[arg(long)]
    tick: Option<String>,
    /// below or at_or_below
    #[arg(long)]
    trigger: Option<String>,
    /// mark or entry: the price that maintenance is computed at
    #[arg(long)]
    maintenance_at: Option<String>,
    /// all or proportional
    #[arg(long)]
    cross_bankruptcy: Option<String>,
    /// ADL policy of the score
    #[arg(long)]
    adl: Option<String>,
    /// One JSON object a position, for programs
    #[arg(long)]
    json: bool,
    /// One JSON object a line in, one a line out, in order; from standard input where no file is named
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with_all = ["json", "csv"])]
    batch: Option<PathBuf>,
    /// Positions from a CSV file whose header names the keys; `account` joins the cross positions of one account
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl PositionArgs {
    /// Key and text of each option that was given.
    fn given(&self) -> Vec<(&'static str, &String)> {
        [
            ("venue", &self.venue),
            ("contract", &self.contract),
            ("symbol", &self.symbol),
            ("maintenance_rate", &self.maintenance_rate),
            ("deduction", &self.deduction),
            ("side", &self.side),
            ("quantity", &self.quantity),
            ("face", &self.face),
            ("entry_price", &self.entry_price),
            ("mark_price", &self.mark_price),
            ("collateral", &self.collateral),
            ("leverage", &self.leverage),
            ("margin_mode", &self.margin_mode),
            ("wallet", &self.wallet),
            ("other_maintenance", &self.other_maintenance),
            ("other_unrealised", &self.other_unrealised),
            ("taker_fee", &self.taker_fee),
            ("tick", &self.tick),
            ("trigger", &self.trigger),
            ("maintenance_at", &self.maintenance_at),
            ("cross_bankruptcy", &self.cross_bankruptcy),
            ("adl", &self.adl),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| (key, value)))
        .collect()
    }
}

pub fn position(args: &PositionArgs) -> Result<(), Failure> {
    let given = args.given();
    if let Some(file) = &args.batch {
        if !given.is_empty() {
            return Err(Faults::usage("`--batch` takes no other options", "write them as keys of each line").into());
        }
        return if file == Path::new("-") {
            batch(io::stdin().lock())
        } else {
            batch(BufReader::new(File::open(file).map_err(Failure::file(file))?))
        };
    }
    if let Some(file) = &args.csv {
        return table(file, &given, args.json);
    }
    let mut fields = Fields::default();
    for (key, value) in given {
        fields.set(key, value.clone());
    }
    let ask = fields.ask().map_err(|wrong| {
        let mut faults = Faults::default();
        for fault in wrong.faults() {
            faults.extend(Faults::usage(as_option(fault), "`flashcrash position --help` lists the options"));
        }
        Failure::from(faults)
    })?;
    let answer = ask.answer();
    print(&if args.json { answer.json(None) + "\n" } else { sheet(&ask, &answer) })
}

/// A fault of a key, told as one of an option: `entry_price` is --entry-price on the command line.
fn as_option(fault: &str) -> String {
    match fault.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        Some((key, rest)) => format!("`--{}`{rest}", key.replace('_', "-")),
        None => fault.to_owned(),
    }
}

/// One answer a line, each at once, so that a program may wait for it.
fn batch(mut input: impl BufRead) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let (mut lines, mut faulty) = (0u64, 0u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes).map_err(Failure::file("standard input"))? == 0 {
            break;
        }
        lines += 1;
        let answer = std::str::from_utf8(&bytes)
            .map_err(|_| Wrong::one("the line is not UTF-8 text"))
            .and_then(|line| Fields::from_json(line.trim()))
            .and_then(|fields| fields.ask())
            .map(|ask| ask.answer().json(ask.id.as_ref()));
        let text = answer.unwrap_or_else(|wrong| {
            faulty += 1;
            format!("{{\"error\": {}}}", serde_json::Value::from(wrong.to_string()))
        });
        if let Err(cause) = writeln!(out, "{text}").and_then(|()| out.flush()) {
            // A reader that has gone away is no fault.
            if cause.kind() == io::ErrorKind::BrokenPipe {
                return Ok(());
            }
            return Err(Failure::File { path: "standard output".into(), cause });
        }
    }
    if faulty == 0 {
        return Ok(());
    }
    let count = if faulty == 1 { "1 line is".to_owned() } else { format!("{faulty} lines are") };
    Err(Faults::usage(format!("{count} faulty of {lines}"), "each has its `error` in the output").into())
}

/// Positions of a CSV file; options hold for every row that leaves the column empty.
fn table(file: &Path, given: &[(&'static str, &String)], json: bool) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file).map_err(Failure::file(file))?;
    let source = Arc::new(Source { name: file.display().to_string(), text });
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source.text.as_bytes());
    let mut faults = Faults::default();
    let mut tell = |position: Option<&csv::Position>, message: String| {
        let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
        let rest = source.text.get(start..).unwrap_or_default();
        // A record may begin with the end of the line before it.
        let start = source.text.len() - rest.trim_start().len();
        let end = start + rest.trim_start().find('\n').unwrap_or(rest.trim_start().len());
        faults.push(Fault {
            severity: Severity::Error,
            message,
            place: Some(Place { source: Arc::clone(&source), span: start..end }),
            hint: "the header names the keys of `flashcrash position`".to_owned(),
        });
    };
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            tell(error.position(), error.to_string());
            return Err(faults.into());
        }
    };
    let mut asks: Vec<Ask> = Vec::new();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                tell(error.position(), error.to_string());
                continue;
            }
        };
        let mut fields = Fields::default();
        for (key, cell) in header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty()) {
            fields.set(key, cell.to_owned());
        }
        for (key, value) in given {
            let column = header.iter().position(|name| name == *key).and_then(|i| row.get(i));
            if column.is_none_or(str::is_empty) {
                fields.set(key, (*value).clone());
            }
        }
        match fields.ask() {
            Ok(ask) => asks.push(ask),
            Err(wrong) => wrong.faults().iter().for_each(|fault| tell(row.position(), fault.clone())),
        }
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    join_accounts(&mut asks);
    let answers: Vec<Answer> = asks.iter().map(Ask::answer).collect();
    if json {
        let lines: Vec<String> =
            asks.iter().zip(&answers).map(|(ask, answer)| answer.json(ask.id.as_ref()) + "\n").collect();
        return print(&lines.concat());
    }
    print(&columns(&asks, &answers))
}

/// A number for the eye: at most ten significant digits.
fn short(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let Some(point) = text.find('.').filter(|_| digits > 10 && !text.contains('e')) else { return text.to_owned() };
    let units = text[..point].trim_start_matches(['-', '0']).len();
    let decimals = 10usize.saturating_sub(units).max(2);
    let value: flashcrash::position::fraction::Fraction = match flashcrash::position::fraction::parse(text) {
        Some(value) => value,
        None => return text.to_owned(),
    };
    let scale = flashcrash::position::fraction::parse(&format!("1e{decimals}")).unwrap_or_else(|| value.clone());
    show(&((value * &scale).round() / scale))
}

fn name(ask: &Ask) -> String {
    let side = if ask.side == flashcrash::position::Side::Long { "long" } else { "short" };
    let symbol = ask.symbol.clone().unwrap_or_default();
    // The quantity of an inverse contract is money, not the coin that it is named after.
    let unit = if ask.contract == flashcrash::venue::presets::Contract::Inverse { " contracts" } else { "" };
    format!("{side} {} {symbol}{unit} from {}", show(&ask.quantity), show(&ask.entry_price)).replace("  ", " ")
}

/// One position, one line a number.
fn sheet(ask: &Ask, answer: &Answer) -> String {
    let mut text = format!("{}, mark {}\n", name(ask), show(&ask.mark_price));
    for (key, value) in answer.fields() {
        let value = value.map_or_else(|| "–".to_owned(), |value| short(&value));
        let distance = match key {
            "liquidation_price" => Answer::distance_pct(&answer.liquidation_price, &ask.mark_price),
            "bankruptcy_price" => Answer::distance_pct(&answer.bankruptcy_price, &ask.mark_price),
            _ => None,
        };
        let distance = distance.map_or_else(String::new, |pct| format!("   ({pct} % from the mark)"));
        let label = key.replace('_', " ");
        text.push_str(&format!("  {label:<20}{value:>20}{distance}\n"));
    }
    text
}

/// Several positions, one line each.
fn columns(asks: &[Ask], answers: &[Answer]) -> String {
    let mut rows: Vec<Vec<String>> = vec![
        [
            "position",
            "notional",
            "tier",
            "initial",
            "maintenance",
            "equity",
            "ratio",
            "liquidation",
            "distance %",
            "bankruptcy",
            "leverage",
            "ADL score",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (ask, answer) in asks.iter().zip(answers) {
        let value = |value: &Option<_>| value.as_ref().map_or_else(|| "–".to_owned(), |value| short(&show(value)));
        let label = match (&ask.id, &ask.account) {
            (Some(id), _) => id.as_str().map_or_else(|| id.to_string(), str::to_owned),
            (None, Some(account)) => format!("{account}: {}", name(ask)),
            (None, None) => name(ask),
        };
        rows.push(vec![
            label,
            short(&show(&answer.notional)),
            answer.tier.to_string(),
            value(&answer.initial_margin),
            short(&show(&answer.maintenance_margin)),
            short(&show(&answer.equity)),
            value(&answer.margin_ratio),
            value(&answer.liquidation_price),
            Answer::distance_pct(&answer.liquidation_price, &ask.mark_price).unwrap_or_else(|| "–".to_owned()),
            value(&answer.bankruptcy_price),
            value(&answer.effective_leverage),
            value(&answer.adl_score),
        ]);
    }
    aligned("", &rows, &[Align::Left, Align::Right])
}
