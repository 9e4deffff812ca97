//! Who trades: groups of generated accounts, or a position book.

pub(super) mod preset;

use std::ops::Range;

use rust_decimal::Decimal;

use super::Scenario;
use super::check::{AssetDraft, is_written, line_of, units_per_currency};
use super::keys::POPULATION;
use super::opening::{OpeningContract, OpeningRules};
use super::venue::{RulesDraft, find_asset};
use crate::market::distribution::{DISTRIBUTIONS, Distribution};
use crate::money::{Quantum, Ratio};
use crate::registry::{Node, Raw, Reading, Values, read_partly};
use crate::traders::behaviour::{BEHAVIOURS, Behaviour, Wallet};
use crate::traders::{
    Accounts, Balance, CapKeeps, Cause, Contract, Generated, Group, Loaded, MarginMode, Population, Redraw, Rounding,
    SizeIs, Terms, Token, load,
};

/// Reads `[[traders]]` with `[population]`, or `[accounts]`.
pub(super) fn accounts(
    node: &Node,
    root: &Values,
    assets: &[AssetDraft],
    rules: Option<&RulesDraft>,
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Option<Accounts> {
    // The nodes say what was written, even where it was not sound.
    match (node.get("traders"), node.get("accounts")) {
        (None, None) => {
            reading.fault(
                &node.span,
                "the scenario has no accounts",
                "add groups `[[traders]]`, or `[accounts]` with `file = \"….csv\"`",
            );
            None
        }
        (Some(_), Some(accounts)) => {
            reading.fault(
                &accounts.span,
                "the scenario has both `[[traders]]` and `[accounts]`",
                "keep one: accounts are drawn, or they come from a file",
            );
            None
        }
        (Some(_), None) => generated(root, assets, rules, cash_unit, reading).map(Accounts::Generated),
        (None, Some(_)) => {
            if let Some(population) = node.get("population") {
                reading.fault(
                    &population.span,
                    "`[population]` says how `[[traders]]` are drawn, but accounts come from a file",
                    "remove it",
                );
            }
            loaded(&root.maybe_table("accounts")?, root, assets, rules, cash_unit, reading)
        }
    }
}

// ---------------------------------------------------------------------------------------------- generated

fn generated(
    root: &Values,
    assets: &[AssetDraft],
    rules: Option<&RulesDraft>,
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Option<Generated> {
    let absent = Node { span: 0..0, raw: Raw::Table(Vec::new()) };
    let population =
        root.maybe_table("population").or_else(|| read_partly(&absent, POPULATION, "`population`", reading))?;
    if population.has("leverage_cap") && !population.has("cap_keeps") {
        reading.fault(
            &population.span("leverage_cap"),
            "`leverage_cap` needs `cap_keeps`",
            "add `cap_keeps = \"notional\"` (positions stay, more collateral is posted) or `cap_keeps = \"collateral\"` (positions are smaller)",
        );
    }
    let tables = if root.has("traders") { root.tables("traders") } else { Vec::new() };
    let mut groups: Vec<Option<Group>> = Vec::new();
    let mut names: Vec<(String, Range<usize>)> = Vec::new();
    let mut total: i64 = 0;
    for values in &tables {
        if let Some(name) = values.maybe_text("name") {
            if let Some((_, first)) = names.iter().find(|(before, _)| *before == name) {
                let line = line_of(reading, first);
                reading.fault(
                    &values.span("name"),
                    format!("a second group `{name}`"),
                    format!("the first is in line {line}: give each group a name of its own"),
                );
            }
            names.push((name, values.span("name")));
        }
        let each = if values.has("collateral_token") { 2 } else { 1 };
        total = total.saturating_add(values.maybe_count("count").unwrap_or(0).saturating_mul(each));
        groups.push(group(values, assets, reading));
    }
    if total > i64::from(u32::MAX) {
        reading.fault(&root.span("traders"), format!("{total} accounts are more than {}", u32::MAX), "lower `count`");
    }
    if root.has("traders") && tables.is_empty() {
        reading.fault(
            &root.span("traders"),
            "there must be at least one group of traders",
            "add a table `[[traders]]`",
        );
    }
    let groups: Option<Vec<Group>> = groups.into_iter().collect();
    let groups = groups?;
    let scale = population.maybe_text("balance").as_deref() == Some("scale");
    for (contract, asset) in assets.iter().enumerate() {
        one_sided(contract, asset, &groups, scale, &population, rules, reading);
    }
    Some(Generated {
        groups,
        redraw: if population.maybe_text("redraw")? == "fixed" { Redraw::Fixed } else { Redraw::Resampled },
        balance: if scale { Balance::Scale } else { Balance::Maker },
        top_share: population.maybe_number("top_share"),
        leverage_cap: population.maybe_number("leverage_cap"),
        cap_keeps: match population.maybe_text("cap_keeps").as_deref() {
            Some("collateral") => CapKeeps::Collateral,
            _ => CapKeeps::Notional,
        },
        opening_buffer: population.has("opening_buffer").then(|| population.ratio("opening_buffer"))?,
        units_per_currency: units_per_currency(cash_unit?),
    })
}

fn group(values: &Values, assets: &[AssetDraft], reading: &mut Reading) -> Option<Group> {
    let contract = match values.maybe_text("asset") {
        Some(symbol) => find_asset(&symbol, (values, "asset"), assets, reading).inspect(|&at| {
            if assets[at].haircut.is_some() {
                reading.fault(
                    &values.span("asset"),
                    format!("`{symbol}` is a token held as collateral, which nobody trades on leverage"),
                    "name a contract here, and the token as `collateral_token`",
                );
            }
        }),
        None if is_written(values, "asset") => None,
        None if contracts(assets).count() == 1 => assets.iter().position(|asset| asset.haircut.is_none()),
        None => {
            if contracts(assets).count() > 1 {
                let known: Vec<&str> = contracts(assets).filter_map(|asset| asset.symbol.as_deref()).collect();
                reading.fault(
                    &values.span,
                    "this group does not say which asset it trades",
                    format!("add `asset`, one of {}", known.join(", ")),
                );
            }
            None
        }
    };
    let leverage = distribution(values, "leverage", Bound::Above(0.0), reading);
    let size = distribution(values, "size", Bound::Above(0.0), reading);
    let entry_offset = distribution(values, "entry_offset", Bound::Above(-1.0), reading);
    let wallet = distribution(values, "wallet", Bound::From(0.0), reading);
    let behaviours = behaviours(values, reading);
    if let Some(wallet) = &wallet {
        warn_of_empty_wallets(values, wallet.support().1, behaviours.iter().flatten(), reading);
    }
    let token = token(values, assets, reading);
    Some(Group {
        name: values.maybe_text("name")?,
        contract: u16::try_from(contract?).ok()?,
        count: u32::try_from(values.maybe_count("count")?).ok()?,
        long_share: values.maybe_number("long_share")?,
        leverage: leverage?,
        size: size?,
        size_is: if values.maybe_text("size_is")? == "notional" { SizeIs::Notional } else { SizeIs::Collateral },
        entry_offset: entry_offset?,
        wallet: wallet?,
        margin_mode: if values.maybe_text("margin_mode")? == "cross" {
            MarginMode::Cross
        } else {
            MarginMode::Isolated
        },
        behaviours: behaviours?,
        token,
    })
}

fn contracts(assets: &[AssetDraft]) -> impl Iterator<Item = &AssetDraft> {
    assets.iter().filter(|asset| asset.haircut.is_none())
}

/// The token that the collateral of a group is held in, if any; also `None` where it is not sound, which is told.
fn token(values: &Values, assets: &[AssetDraft], reading: &mut Reading) -> Option<Token> {
    let Some(symbol) = values.maybe_text("collateral_token") else {
        if values.has("collateral_share") && !is_written(values, "collateral_token") {
            let hint = "add `collateral_token`, the symbol of an asset with a `haircut`";
            reading.fault(&values.span("collateral_share"), "`collateral_share` of which token?", hint);
        }
        return None;
    };
    let at = find_asset(&symbol, (values, "collateral_token"), assets, reading)?;
    if assets[at].haircut.is_none() {
        reading.fault(
            &values.span("collateral_token"),
            format!("`{symbol}` is a contract, and not held as collateral"),
            "name an asset with a `haircut`, or give it one",
        );
    }
    if values.maybe_text("margin_mode").as_deref() == Some("isolated") {
        let at = if is_written(values, "margin_mode") { "margin_mode" } else { "collateral_token" };
        reading.fault(
            &values.span(at),
            "collateral in a token backs a whole account, not one isolated position",
            "write `margin_mode = \"cross\"`",
        );
    }
    if values.has("behaviours") && !values.nodes("behaviours").is_empty() {
        reading.fault(
            &values.span("behaviours"),
            "accounts that hold a token cannot act of their own accord",
            "leave `behaviours` out of this group, or let its collateral be cash",
        );
    }
    Some(Token { contract: u16::try_from(at).ok()?, share: values.maybe_number("collateral_share").unwrap_or(1.0) })
}

/// What the accounts of a group or a book do of their own accord; `None` where one of them is not sound.
fn behaviours(values: &Values, reading: &mut Reading) -> Option<Vec<Box<dyn Behaviour>>> {
    let nodes = values.nodes("behaviours");
    let chosen: Vec<_> = nodes.iter().map(|node| BEHAVIOURS.choose(node, reading)).collect();
    chosen.into_iter().collect()
}

/// An account that pays from its wallet does nothing where there is none.
fn warn_of_empty_wallets<'a>(
    values: &Values,
    most: f64,
    behaviours: impl Iterator<Item = &'a Box<dyn Behaviour>>,
    reading: &mut Reading,
) {
    if most > 0.0 {
        return;
    }
    for behaviour in behaviours.filter(|behaviour| behaviour.needs_wallet() == Wallet::Needed) {
        reading.warn(
            &values.span("behaviours"),
            format!("`{}` has no effect: the accounts of this group have no free cash", behaviour.kind()),
            "give the group a `wallet`",
        );
    }
}

/// What every draw of a column must satisfy.
#[derive(Clone, Copy)]
enum Bound {
    Above(f64),
    From(f64),
}

fn distribution(values: &Values, key: &str, bound: Bound, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let node = values.maybe_node(key)?;
    let built = DISTRIBUTIONS.choose(&node, reading)?;
    let (low, high) = built.support();
    let (sound, right) = match bound {
        // An open bound is met by a support that only tends to it, as a log-normal's does to 0.
        Bound::Above(bound) => (low >= bound && high > bound, format!("above {bound}")),
        Bound::From(bound) => (low >= bound, format!("{bound} or more")),
    };
    if !sound {
        let drawn = if low < high { format!("`{key}` can be as low as {low}") } else { format!("`{key}` is {low}") };
        reading.fault(
            &values.span(key),
            drawn,
            format!("every value must be {right}: choose or truncate the distribution so that it is"),
        );
    }
    Some(built)
}

/// Where every account of a contract is on one side, nothing can be balanced and nobody deleveraged.
fn one_sided(
    contract: usize,
    asset: &AssetDraft,
    groups: &[Group],
    scale: bool,
    population: &Values,
    rules: Option<&RulesDraft>,
    reading: &mut Reading,
) {
    let mine = || groups.iter().filter(|group| usize::from(group.contract) == contract);
    if mine().next().is_none() {
        return;
    }
    let side = match (mine().all(|group| group.long_share >= 1.0), mine().all(|group| group.long_share <= 0.0)) {
        (true, _) => "long",
        (_, true) => "short",
        _ => return,
    };
    let symbol = asset.symbol.as_deref().unwrap_or_default();
    if scale {
        reading.fault(
            &population.span("balance"),
            format!("`balance = \"scale\"` has nothing to balance: every account in `{symbol}` is {side}"),
            "use \"maker\", or a `long_share` between 0 and 1",
        );
    } else {
        warn_of_no_winners(
            rules,
            symbol,
            side,
            "give some group a `long_share` between 0 and 1 to have winners",
            reading,
        );
    }
}

/// The same of a position book, as of an excerpt of one that holds the longs alone.
fn warn_of_one_sided_book(population: &Population, contracts: &[Contract], rules: &RulesDraft, reading: &mut Reading) {
    for (at, contract) in contracts.iter().enumerate().filter(|(_, contract)| !contract.is_token) {
        let mine = || population.contract.iter().zip(&population.qty).filter(move |(of, _)| usize::from(**of) == at);
        let side = match (mine().any(|(_, qty)| qty.0 > 0), mine().any(|(_, qty)| qty.0 < 0)) {
            (true, false) => "long",
            (false, true) => "short",
            _ => continue,
        };
        let other = if side == "long" { "short" } else { "long" };
        let hint = format!("add the {other} accounts of the book, who would be the winners");
        warn_of_no_winners(Some(rules), &contract.symbol, side, &hint, reading);
    }
}

/// Where ADL is a layer and one side of a contract has no account.
fn warn_of_no_winners(rules: Option<&RulesDraft>, symbol: &str, side: &str, mend: &str, reading: &mut Reading) {
    if let Some(at) = rules.and_then(|rules| rules.adl.clone()) {
        reading.warn(
            &at,
            format!("nobody can be deleveraged: every account in `{symbol}` is {side}"),
            format!("what book and fund cannot carry becomes unfunded deficit; {mend}"),
        );
    }
}

/// Draws the first path, so that a population that cannot be drawn is found before a run.
pub(super) fn try_draw(scenario: &Scenario, node: &Node, reading: &mut Reading) {
    let Accounts::Generated(generated) = &scenario.accounts else { return };
    let mut population = Population::default();
    let Err(undrawable) = generated.draw(scenario.seed, 0, &scenario.opening(), &mut population) else { return };
    let hint = match undrawable.cause {
        Cause::NeverAccepted { .. } => {
            "an account holds at least one lot: use a smaller `lot`, larger sizes, lower `leverage` or a smaller `opening_buffer`"
        }
        Cause::OutOfRange { .. } => "truncate the distribution, or use a coarser `cash_unit`, `tick` or `lot`",
        Cause::RedrawnTooOften { .. } => {
            "entries lie too far from the opening mark for this leverage: narrow `entry_offset` or lower `leverage`"
        }
    };
    let tables = node.get("traders").map(|traders| &traders.raw);
    let at = match tables {
        Some(Raw::List(groups)) => groups.get(undrawable.group).map_or(0..0, |group| group.span.clone()),
        _ => 0..0,
    };
    reading.fault(&at, undrawable.to_string(), hint);
}

// ---------------------------------------------------------------------------------------------- loaded

fn loaded(
    values: &Values,
    root: &Values,
    assets: &[AssetDraft],
    rules: Option<&RulesDraft>,
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Option<Accounts> {
    let (file, liquidate_at_open, rules) =
        (values.maybe_file("file")?, values.maybe_flag("liquidate_at_open")?, rules?);
    let contracts: Option<Vec<Contract>> = assets
        .iter()
        .map(|asset| {
            let open: Decimal = asset.tick?.show(asset.open?.0);
            let multiplier = asset.multiplier?;
            let is_token = asset.haircut.is_some();
            Some(Contract { symbol: asset.symbol.clone()?, lot: asset.lot?, multiplier, open, is_token })
        })
        .collect();
    let opening: Option<Vec<OpeningContract>> = assets
        .iter()
        .zip(&rules.tiers)
        .map(|(asset, tiers)| Some(OpeningContract::new(asset.multiplier?, asset.open?, tiers.clone()?)))
        .collect();
    let opening = OpeningRules::new(opening?, rules.trigger?, Ratio(0));
    let behaviours = behaviours(values, reading);
    let contracts = contracts?;
    let cash_unit = cash_unit?;
    let rounding = match values.maybe_text("rounding").as_deref() {
        Some("against_account") => Rounding::AgainstAccount,
        _ => Rounding::Refuse,
    };
    let terms = Terms { cash_unit, rounding, liquidate_at_open };
    let mut loaded = load(&file, &contracts, terms, &opening, reading)?;
    warn_of_rounding(values, &loaded, root, cash_unit, reading);
    loaded.behaviours = behaviours?.into();
    warn_of_one_sided_book(&loaded.population, &contracts, rules, reading);
    let held = loaded.population.contract.iter().any(|&c| contracts[usize::from(c)].is_token);
    if held && !loaded.behaviours.is_empty() {
        reading.fault(
            &values.span("behaviours"),
            "accounts that hold a token cannot act of their own accord",
            "leave `behaviours` out, or the rows of the token",
        );
    }
    if let Some(cap) = values.maybe_number("leverage_cap")
        && loaded.population.cap_leverage(cap).is_none()
    {
        reading.fault(
            &values.span("leverage_cap"),
            format!("at a `leverage_cap` of {cap} some collateral is beyond what can be held"),
            "raise it, or take a coarser `cash_unit`",
        );
        return None;
    }
    Some(Accounts::Loaded(std::sync::Arc::new(loaded)))
}

/// What was rounded is told once, with how much it comes to.
fn warn_of_rounding(values: &Values, loaded: &Loaded, root: &Values, cash_unit: Quantum, reading: &mut Reading) {
    let Loaded { rounded, rows, source, .. } = loaded;
    if rounded.rows == 0 {
        return;
    }
    let currency = root.maybe_table("scenario").and_then(|head| head.maybe_text("currency")).unwrap_or_default();
    reading.warn(
        &values.span("rounding"),
        format!(
            "{} of {} rows of `{}` are rounded against their accounts: {}",
            rounded.rows,
            rows.len(),
            source.name,
            rounded.told(&currency)
        ),
        format!("no amount moves by a cash unit of {} {currency}; a finer `cash_unit` rounds less", cash_unit.size()),
    );
}
