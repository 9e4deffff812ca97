//! From the file as written to a checked scenario: every fault of every section at once.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sha2::{Digest, Sha256};

use super::keys::ROOT;
use super::opening::{OpeningContract, OpeningRules};
use super::{Asset, Clock, Scenario, correlation, people, preset, venue};
use crate::fault::{Failure, Fault, Faults, Place, Severity, Source, text_of};
use crate::market::book::{BOOK_INFO, BOOKS, Reference};
use crate::market::distribution::DISTRIBUTIONS;
use crate::market::flow::Background;
use crate::market::funding::FundingRule;
use crate::market::index::{IndexRule, OwnBook};
use crate::market::mark::MARKS;
use crate::market::process::common_jump::CommonJump;
use crate::market::process::{Direction, PROCESSES};
use crate::money::{Multiplier, Nanos, Price, Qty, Quantum, Ratio};
use crate::registry::{self, Need, Node, Raw, Reading, Setting, Values, read_partly};

/// Paths longer than this many steps are refused: a step costs memory and time whether anything happens or not.
const MOST_STEPS: i64 = 10_000_000;
const MOST_ASSETS: usize = 1_000;

/// Reads and checks a scenario file. The faults beside the scenario are warnings.
///
/// # Errors
/// `Failure::File` where the file cannot be read; `Failure::Faults` with every fault of the scenario and its files.
pub fn load(path: &Path) -> Result<(Scenario, Faults), Failure> {
    load_with(path, &[])
}

/// The same with keys set beside the file.
///
/// # Errors
/// As for [`load`].
pub fn load_with(path: &Path, settings: &[Setting]) -> Result<(Scenario, Faults), Failure> {
    let bytes = std::fs::read(path).map_err(Failure::file(path))?;
    let name = path.display().to_string();
    let text = text_of(bytes)
        .map_err(|wrong| Faults::usage(format!("`{name}`: {wrong}"), "a scenario is a TOML file: save it as UTF-8"))?;
    let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    Ok(parse_with(&Arc::new(Source { name, text }), base, settings)?)
}

/// Checks the text of a scenario; relative file names start from `base`. The faults beside the scenario are warnings.
///
/// # Errors
/// Every fault of the scenario and its files.
pub fn parse(source: &Arc<Source>, base: &Path) -> Result<(Scenario, Faults), Faults> {
    parse_with(source, base, &[])
}

fn parse_with(source: &Arc<Source>, base: &Path, settings: &[Setting]) -> Result<(Scenario, Faults), Faults> {
    let mut faults = Faults::default();
    let (checked, node) = registry::parse_with(source, settings, &mut faults);
    let placed = |faults| registry::placed(faults, source, &checked, settings);
    let mut reading = Reading::new(Arc::clone(&checked), base);
    reading.faults = faults;
    // What a sweep varies is read by the sweep.
    let (node, sweep) = node.split(&["sweep"]);
    if let (Some(Node { raw: Raw::Text(named), span }), None) =
        (sweep.get("sweep").and_then(|sweep| sweep.get("scenario")), node.get("scenario"))
    {
        // Four tables that a sweep need not have would only hide what this file is.
        reading.fault(
            span,
            format!("this is a sweep over `{named}`, not a scenario"),
            format!("name that file here; `flashcrash sweep {}` runs this one", source.name),
        );
        return Err(placed(reading.faults));
    }
    // A setting that leads nowhere was left out, and hides nothing else; what the parser left out does.
    if reading.faults.is_fatal() && checked.text.len() == source.text.len() {
        // What the parser left out would only look like missing keys.
        return Err(placed(reading.faults));
    }
    let node = preset::overlay(node, &mut reading);
    let node = people::preset::overlay(node, &mut reading);
    let scenario =
        read_partly(&node, ROOT, "the scenario", &mut reading).and_then(|root| build(&node, &root, &mut reading));
    match scenario {
        _ if reading.faults.is_fatal() => Err(placed(reading.faults)),
        Some(scenario) => {
            let (source, settings) = (Arc::clone(source), settings.to_vec());
            Ok((Scenario { source, settings, ..scenario }, placed(reading.faults)))
        }
        None => Err(Faults::usage(
            format!("`{}` is incomplete", source.name),
            "this is a defect of the program: please report it",
        )),
    }
}

fn build(node: &Node, root: &Values, reading: &mut Reading) -> Option<Scenario> {
    let head = root.maybe_table("scenario");
    let rules = root.maybe_table("venue");
    let cash_unit = head.as_ref().and_then(|head| head.maybe_decimal("cash_unit")).and_then(Quantum::new);
    let clock = head.as_ref().and_then(|head| clock(head, rules.as_ref(), reading));
    let drafts = assets(node, root, cash_unit, head.as_ref(), reading);
    let market = root.maybe_table("market");
    let correlation = correlation::factor(market.as_ref(), &drafts, reading);
    let cross_impact = market.as_ref().and_then(|market| market.maybe_flag("cross_impact"));
    let common_jump = market.as_ref().and_then(|market| market.maybe_table("common_jump"));
    let common_jump = common_jump.and_then(|values| CommonJump::of(&values, reading));
    let funding = rules.as_ref().and_then(|venue| venue.maybe_table("funding"));
    let funding = funding.map(|values| {
        if let (Some(interval), Some(clock)) = (values.maybe_time("interval"), &clock) {
            whole_refreshes(&values, interval, clock, reading);
        }
        if values.has("cap_of_maintenance") && values.has("cap_of_spread") {
            reading.fault(
                &values.span("cap_of_spread"),
                "`cap_of_maintenance` and `cap_of_spread` exclude each other",
                "the greatest rate follows from one of them: write one",
            );
        }
        FundingRule::of(&values)
    });
    let rules = rules.map(|values| venue::rules(&values, &drafts, cash_unit, reading));
    let accounts = people::accounts(node, root, &drafts, rules.as_ref(), cash_unit, reading);

    if let Some(head) = &head {
        check_name(head, reading);
    }
    let (head, rules, accounts) = (head?, rules?, accounts?);
    let name = head.maybe_text("name").unwrap_or_else(|| stem(&reading.source.name));
    let assets: Option<Vec<Asset>> = drafts.into_iter().map(AssetDraft::finish).collect();
    let scenario = Scenario {
        about: about(&reading.source.text),
        source: Arc::clone(&reading.source),
        settings: Vec::new(),
        files: reading.files.clone(),
        hash: hash(&name, &reading.source.text, &reading.files),
        name,
        paths: unsigned(head.maybe_count("paths")?),
        seed: unsigned(head.maybe_count("seed")?),
        clock: clock?,
        direction: if head.maybe_text("direction")? == "up" { Direction::Up } else { Direction::Down },
        currency: head.maybe_text("currency")?,
        cash_unit: cash_unit?,
        assets: assets?,
        correlation: correlation?,
        cross_impact: cross_impact?,
        common_jump,
        funding: match funding {
            Some(rule) => Some(rule?),
            None => None,
        },
        rules: rules.rules()?,
        accounts,
    };
    if !reading.faults.is_fatal() {
        people::try_draw(&scenario, node, reading);
    }
    Some(scenario)
}

fn whole_refreshes(values: &Values, interval: Nanos, clock: &Clock, reading: &mut Reading) {
    if clock.mark_interval.0 > 0 && interval.0 % clock.mark_interval.0 != 0 {
        reading.fault(
            &values.span("interval"),
            format!("an `interval` of {interval} is not a whole number of mark intervals of {}", clock.mark_interval),
            "funding is paid at mark refreshes",
        );
    }
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).expect("a count with a bound of 0 or more")
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The name is that of the output folder: a scenario from somebody else must not write beside `output/`.
fn check_name(head: &Values, reading: &mut Reading) {
    let Some(name) = head.maybe_text("name") else { return };
    let forbidden = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
    if name.starts_with(['.', ' ']) || name.chars().count() > 100 || name.contains(forbidden) {
        reading.fault(
            &head.span("name"),
            format!("`{}` cannot be the name of an output folder", name.escape_debug()),
            "write a plain name of at most 100 characters, as \"crash-2\"; `--out` chooses another place",
        );
    }
}

/// The second line of a scenario says what it shows.
fn about(text: &str) -> String {
    let second = text.lines().nth(1).unwrap_or_default();
    second.strip_prefix('#').map(|line| line.trim().to_owned()).unwrap_or_default()
}

/// SHA-256 over name, length and bytes of the scenario and of every referenced file, hexadecimal. The scenario counts by
/// its name rather than its path, so that it hashes alike from every folder.
fn hash(name: &str, text: &str, files: &[Arc<Source>]) -> String {
    let mut sha = Sha256::new();
    let mut add = |name: &str, text: &str| {
        for part in [name, text] {
            sha.update((part.len() as u64).to_le_bytes());
            sha.update(part.as_bytes());
        }
    };
    add(name, text);
    for file in files {
        add(&file.name, &file.text);
    }
    sha.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether a key stands in the file rather than being left to its default.
pub(super) fn is_written(values: &Values, key: &str) -> bool {
    values.has(key) && values.span(key) != values.span
}

/// The line of a place, from 1.
pub(super) fn line_of(reading: &Reading, span: &Range<usize>) -> usize {
    let place = Place { source: Arc::clone(&reading.source), span: span.clone() };
    let fault = Fault { severity: Severity::Warning, message: String::new(), place: Some(place), hint: String::new() };
    fault.line_column().map_or(1, |(line, _)| line)
}

// ---------------------------------------------------------------------------------------------- clock

fn clock(head: &Values, rules: Option<&Values>, reading: &mut Reading) -> Option<Clock> {
    let (horizon, step) = (head.maybe_time("horizon"), head.maybe_time("step")?);
    let mark = rules.and_then(|rules| rules.maybe_time("mark_interval"));
    let check = match rules.filter(|rules| rules.has("check_interval")) {
        Some(rules) => rules.maybe_time("check_interval"),
        None => mark,
    };
    let whole = |values: &Values, key: &str, time: Nanos, reading: &mut Reading| {
        if time.0 % step.0 != 0 {
            let below = Nanos(time.0 / step.0 * step.0);
            let above = Nanos(below.0.saturating_add(step.0));
            let hint = if below.0 == 0 {
                format!("\"{above}\" would fit")
            } else {
                format!("\"{below}\" or \"{above}\" would fit")
            };
            reading.fault(
                &values.span(key),
                format!("`{key}` of {time} is not a whole number of steps of {step}"),
                hint,
            );
        }
    };
    if let Some(horizon) = horizon {
        whole(head, "horizon", horizon, reading);
        if horizon.0 / step.0 > MOST_STEPS {
            reading.fault(
                &head.span("horizon"),
                format!("`horizon` is {} steps of {step}, more than {MOST_STEPS}", horizon.0 / step.0),
                "shorten `horizon` or lengthen `step`",
            );
        }
    }
    if let (Some(mark), Some(rules)) = (mark, rules) {
        if step > mark {
            let (values, key) = if is_written(head, "step") { (head, "step") } else { (rules, "mark_interval") };
            let hint = format!(
                "the mark cannot move more often than the index: set `step` to {mark} or less, or `mark_interval` to {step} or more"
            );
            reading.fault(
                &values.span(key),
                format!("`step` of {step} is longer than `mark_interval` of {mark}"),
                hint,
            );
        } else {
            whole(rules, "mark_interval", mark, reading);
        }
        if let (true, Some(check)) = (rules.has("check_interval"), check) {
            whole(rules, "check_interval", check, reading);
        }
    }
    Some(Clock { horizon: horizon?, step, mark_interval: mark?, check_interval: check? })
}

// ---------------------------------------------------------------------------------------------- assets

/// An asset as far as it is sound.
#[derive(Debug)]
pub(super) struct AssetDraft {
    pub symbol: Option<String>,
    pub tick: Option<Quantum>,
    pub lot: Option<Quantum>,
    pub multiplier: Option<Multiplier>,
    reference: Option<Reference>,
    pub open: Option<Price>,
    /// Of a token that is held as collateral.
    pub haircut: Option<Ratio>,
    pub span: Range<usize>,
    exogenous_share: Option<f64>,
    process: Option<Box<dyn crate::market::process::PriceProcess>>,
    book: Option<Box<dyn crate::market::book::Book>>,
    mark: Option<Box<dyn crate::market::mark::MarkRule>>,
    index: Option<IndexRule>,
    jump_beta: Option<f64>,
    background: Option<Background>,
}

impl AssetDraft {
    fn finish(self) -> Option<Asset> {
        Some(Asset {
            symbol: self.symbol?,
            tick: self.tick?,
            lot: self.lot?,
            multiplier: self.multiplier?,
            reference: self.reference?,
            open: self.open?,
            exogenous_share: self.exogenous_share?,
            process: self.process?,
            book: self.book?,
            mark: self.mark?,
            index: self.index,
            jump_beta: self.jump_beta?,
            background: self.background,
        })
    }
}

fn assets(
    node: &Node,
    root: &Values,
    cash_unit: Option<Quantum>,
    head: Option<&Values>,
    reading: &mut Reading,
) -> Vec<AssetDraft> {
    let tables = if root.has("assets") { root.tables("assets") } else { Vec::new() };
    if root.has("assets") && tables.is_empty() {
        reading.fault(&root.span("assets"), "there must be at least one asset", "add a table `[[assets]]`");
    }
    if tables.len() > MOST_ASSETS {
        reading.fault(
            &root.span("assets"),
            format!("{} assets are more than {MOST_ASSETS}", tables.len()),
            "leave some out",
        );
        return Vec::new();
    }
    // A haircut that is not sound still makes a token: one slip of the pen is one fault.
    let is_token = |at: usize| match node.get("assets").map(|assets| &assets.raw) {
        Some(Raw::List(assets)) => assets.get(at).is_some_and(|asset| asset.get("haircut").is_some()),
        _ => false,
    };
    let mut drafts: Vec<AssetDraft> = Vec::new();
    for (at, values) in tables.iter().enumerate() {
        let draft = asset(values, is_token(at), cash_unit, head, reading);
        let same = |other: &&AssetDraft| other.symbol.is_some() && other.symbol == draft.symbol;
        if let (Some(first), Some(symbol)) = (drafts.iter().find(same), &draft.symbol) {
            let line = line_of(reading, &first.span);
            reading.fault(
                &values.span("symbol"),
                format!("a second asset `{symbol}`"),
                format!("the first is in line {line}: give each asset a symbol of its own"),
            );
        }
        drafts.push(draft);
    }
    let is_inverse = |draft: &&AssetDraft| matches!(draft.multiplier, Some(Multiplier::Inverse(_)));
    let is_linear = |draft: &&AssetDraft| matches!(draft.multiplier, Some(Multiplier::Linear(_)));
    if let (Some(inverse), true) = (drafts.iter().find(is_inverse), drafts.iter().any(|draft| is_linear(&draft))) {
        reading.fault(
            &inverse.span,
            "linear and inverse contracts stand together, but all of a scenario's assets settle in one currency",
            "give all of them `contract = \"inverse\"`, or none",
        );
    }
    if let (Some(first), Some(values)) = (drafts.first().filter(|first| first.haircut.is_some()), tables.first()) {
        let symbol = first.symbol.clone().unwrap_or_default();
        reading.fault(
            &values.span("haircut"),
            format!("the first asset is `{symbol}`, a token held as collateral"),
            "put a contract before it: prices in tables and charts are those of the first asset",
        );
    }
    drafts
}

fn asset(
    values: &Values,
    is_token: bool,
    cash_unit: Option<Quantum>,
    head: Option<&Values>,
    reading: &mut Reading,
) -> AssetDraft {
    let quantum = |key| values.maybe_decimal(key).and_then(Quantum::new);
    let (tick, lot) = (quantum("tick"), quantum("lot"));
    let inverse = values.maybe_text("contract").as_deref() == Some("inverse");
    let multiplier = match (tick, lot, cash_unit) {
        (Some(tick), Some(lot), Some(unit)) if inverse => {
            let multiplier = Quantum::inverse_multiplier(tick, lot, unit);
            if multiplier.is_none() {
                reading.fault(
                    &values.span("lot"),
                    format!(
                        "an inverse contract needs a `lot` that is a whole number of tick × cash_unit, and {} is not one of {} × {}",
                        lot.size(),
                        tick.size(),
                        unit.size()
                    ),
                    "for XBTUSD: `tick = 0.5`, `lot = 1` (one contract is 1 USD) and `cash_unit = 0.00000001` (a satoshi)",
                );
            }
            multiplier
        }
        (Some(tick), Some(lot), Some(unit)) => {
            let multiplier = Quantum::multiplier(tick, lot, unit);
            if multiplier.is_none() {
                let (product, hint) = misfit(tick, lot, unit, head.is_some_and(|head| is_written(head, "cash_unit")));
                reading.fault(
                    &values.span("tick"),
                    format!("tick × lot is {product}, not a whole number of cash units of {}", unit.size()),
                    hint,
                );
            }
            multiplier
        }
        _ => None,
    };
    let open = match (values.maybe_decimal("open"), tick) {
        (Some(open), Some(tick)) => {
            let price = tick.exact(open).map(Price);
            if price.is_none() {
                reading.fault(
                    &values.span("open"),
                    format!("`open` of {open} is not a whole number of ticks of {}", tick.size()),
                    near_ticks(tick, open),
                );
            }
            price
        }
        _ => None,
    };
    let multiplier = multiplier.filter(|multiplier| {
        let (Some(price), Some(tick), Some(unit)) = (open, tick, cash_unit) else { return true };
        let worth = price.0 <= 0 || !multiplier.notional(Qty(1), price).is_zero();
        if !worth {
            let least = Decimal::from(price.0) * tick.size() * unit.size();
            reading.fault(
                &values.span("lot"),
                format!(
                    "a lot is worth less than half a cash unit of {} at `open`, so positions would be worth nothing",
                    unit.size()
                ),
                format!("a lot of {} is worth one: take more, or a finer `cash_unit`", least.normalize()),
            );
        }
        worth
    });
    let symbol = values.maybe_text("symbol");
    let sound = || if values.has("haircut") { values.ratio("haircut") } else { Ratio(1) };
    let haircut = is_token.then(sound);
    if haircut.is_some() && inverse {
        reading.fault(
            &values.span("haircut"),
            "a token backs linear contracts alone: the collateral of inverse ones is the coin itself",
            "leave out `haircut`, or `contract = \"inverse\"`",
        );
    }
    let own = if haircut.is_some() { OwnBook::MayDislocate } else { OwnBook::FollowsIndex };
    let index = values.maybe_table("index").and_then(|values| IndexRule::of(&values, own, reading));
    let book_node = values.maybe_node("book");
    let mark_node = values.maybe_node("mark");
    if let (Some(mark), Some(book)) = (&mark_node, &book_node)
        && mark_kind(mark) == Some("index")
        && permanent_share(book) == Some(0.0)
        && !index.as_ref().is_some_and(IndexRule::holds_own)
    {
        let at = if is_written(values, "mark") { values.span("mark") } else { values.span("book") };
        reading.warn(
            &at,
            format!(
                "the loop is open: forced orders move neither the mark nor the index of {}",
                symbol.as_ref().map_or_else(|| "this asset".to_owned(), |symbol| format!("`{symbol}`"))
            ),
            "liquidations cannot cause further ones; set `mark` to a rule that looks at the book, or give the book a `permanent` share above 0",
        );
    }
    AssetDraft {
        tick,
        lot,
        multiplier,
        reference: multiplier.zip(lot).zip(cash_unit).map(|((multiplier, lot), unit)| match multiplier {
            Multiplier::Linear(k) => Reference::PerTickLot(k as f64 * unit.to_f64()),
            Multiplier::Inverse(_) => Reference::PerLot(lot.to_f64()),
        }),
        open,
        haircut,
        span: values.span.clone(),
        exogenous_share: values.maybe_number("exogenous_share"),
        process: values.maybe_node("process").and_then(|node| PROCESSES.choose(&node, reading)),
        book: book_node.and_then(|node| BOOKS.choose(&node, reading)),
        mark: mark_node.and_then(|node| MARKS.choose(&node, reading)),
        index,
        jump_beta: values.maybe_number("jump_beta"),
        background: background(values, reading),
        symbol,
    }
}

/// The flow of others, where there is any.
fn background(values: &Values, reading: &mut Reading) -> Option<Background> {
    let imbalance = values.maybe_node("flow_imbalance").and_then(|node| DISTRIBUTIONS.choose(&node, reading));
    if let Some((least, greatest)) = imbalance.as_ref().map(|law| law.support())
        && (least < -1.0 || greatest > 1.0)
    {
        reading.fault(
            &values.span("flow_imbalance"),
            format!("`flow_imbalance` can become {}", if least < -1.0 { least } else { greatest }),
            "net flow is at most all of the gross flow: cut the distribution to -1 to 1 by its `min` and `max`",
        );
    }
    let gross_a_minute = values.maybe_number("gross_flow").filter(|&gross| gross > 0.0)?;
    Some(Background {
        gross_a_minute,
        impact: values.maybe_number("flow_impact")?,
        thinning: values.maybe_number("flow_thinning")?,
        imbalance: imbalance.filter(|law| law.support() != (0.0, 0.0)),
    })
}

/// tick × lot, and which cash unit, lot or tick would fit the other two.
fn misfit(tick: Quantum, lot: Quantum, unit: Quantum, unit_is_written: bool) -> (String, String) {
    let Some(product) = tick.size().checked_mul(lot.size()).map(|product| product.normalize()) else {
        return ("too large".to_owned(), "use a smaller `tick` or `lot`".to_owned());
    };
    let mut fits: Vec<String> = Vec::new();
    let mut offer = |key: &str, size: Option<Decimal>| {
        if let Some(size) = size.and_then(Quantum::new) {
            let (tick, lot, unit) = match key {
                "tick" => (size, lot, unit),
                "lot" => (tick, size, unit),
                _ => (tick, lot, size),
            };
            if Quantum::multiplier(tick, lot, unit).is_some() {
                let place = if key == "cash_unit" && !unit_is_written { " in `[scenario]`" } else { "" };
                fits.push(format!("`{key} = {}`{place}", size.size()));
            }
        }
    };
    // The smallest multiple of the cash unit above the product, shared out to one factor.
    let whole = product.checked_div(unit.size()).and_then(|units| units.ceil().checked_mul(unit.size()));
    offer("cash_unit", Some(greatest_power_of_ten_within(product)));
    offer("lot", whole.and_then(|whole| whole.checked_div(tick.size())));
    offer("tick", whole.and_then(|whole| whole.checked_div(lot.size())));
    (product.to_string(), format!("this would fit: {}", fits.join(", or ")))
}

/// The greatest power of ten of which `amount` is a whole number.
fn greatest_power_of_ten_within(amount: Decimal) -> Decimal {
    Decimal::new(1, amount.normalize().scale())
}

fn near_ticks(tick: Quantum, price: Decimal) -> String {
    match tick.floor(price) {
        Some(0) => format!("{} would fit", tick.show(1)),
        Some(below) if below < i64::MAX => format!("{} or {} would fit", tick.show(below), tick.show(below + 1)),
        _ => "use a coarser `tick`".to_owned(),
    }
}

fn mark_kind(node: &Node) -> Option<&str> {
    match &node.raw {
        Raw::Text(kind) => Some(kind),
        _ => node.get("kind").and_then(|kind| if let Raw::Text(kind) = &kind.raw { Some(kind.as_str()) } else { None }),
    }
}

/// The share of a fall that a book leaves in the index, as written or by default; 0 where its kind has no such key, and
/// `None` where it cannot be read.
fn permanent_share(book: &Node) -> Option<f64> {
    if let Some(written) = book.get("permanent") {
        return match &written.raw {
            Raw::Number(literal) => literal.replace('_', "").parse().ok(),
            Raw::Text(text) => {
                text.trim().strip_suffix('%').and_then(|share| share.trim().parse::<f64>().ok()).map(|x| x / 100.0)
            }
            _ => None,
        };
    }
    let kind = mark_kind(book)?;
    let entry = (BOOK_INFO.entries)().into_iter().find(|entry| entry.kind == kind)?;
    match entry.keys.iter().find(|key| key.name == "permanent").map(|key| key.need) {
        Some(Need::Default(literal)) => literal.parse().ok(),
        Some(_) => None,
        None => Some(0.0),
    }
}

impl Scenario {
    /// The opening check of this scenario's accounts: the tiers' leverage caps, and maintenance with the opening buffer
    /// of generated accounts (none for a loaded book).
    #[must_use]
    pub fn opening(&self) -> OpeningRules {
        let contracts = self.assets.iter().zip(&self.rules.contracts);
        let contracts = contracts
            .map(|(asset, rules)| OpeningContract::new(asset.multiplier, asset.open, rules.tiers.clone()))
            .collect();
        let buffer = match &self.accounts {
            crate::traders::Accounts::Generated(generated) => generated.opening_buffer,
            crate::traders::Accounts::Loaded(_) => Ratio(0),
        };
        OpeningRules::new(contracts, self.rules.trigger, buffer)
    }
}

/// Cash units in one unit of the settlement currency.
pub(super) fn units_per_currency(unit: Quantum) -> f64 {
    let exact = Decimal::ONE.checked_div(unit.size()).and_then(|units| units.to_f64());
    exact.unwrap_or_else(|| 1.0 / unit.to_f64())
}

#[cfg(test)]
mod tests;
