//! The rules of the venue: tiers, layers, fees, fund, ADL.

use std::ops::Range;

use rust_decimal::Decimal;

use super::check::{AssetDraft, is_written};
use super::keys;
use super::waterfall::{self, AdlDraft};
use crate::fault::did_you_mean;
use crate::money::{Cash, Qty, Quantum, Ratio};
use crate::registry::{Raw, Reading, Values, read_partly};
use crate::venue::adl::{POLICIES, Policy};
use crate::venue::liquidation::RULES;
use crate::venue::margin::{Tier, Tiers};
use crate::venue::rules::{
    CashLayer, ContractRules, CrossBankruptcy, Eligible, Execution, FundRules, PositionLayer, PositionOrder, Rules,
    SurplusTo, Trigger,
};

/// The rules as far as they are sound.
pub(super) struct RulesDraft {
    /// Tiers of each asset.
    pub tiers: Vec<Option<Tiers>>,
    pub trigger: Option<Trigger>,
    /// Where `adl` stands among the position layers.
    pub adl: Option<Range<usize>>,
    rules: Option<Rules>,
}

impl RulesDraft {
    pub fn rules(self) -> Option<Rules> {
        self.rules
    }
}

/// Reads `[venue]`.
pub(super) fn rules(
    values: &Values,
    assets: &[AssetDraft],
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> RulesDraft {
    reading.cash_unit = cash_unit;
    let tiers = tiers(values, assets, cash_unit, reading);
    let trigger =
        values.maybe_text("trigger").map(|word| if word == "below" { Trigger::Below } else { Trigger::AtOrBelow });
    let layers = position_layers(values, reading);
    let adl_at = layers
        .as_ref()
        .and_then(|layers| layers.iter().find(|(_, layer)| *layer == PositionLayer::Adl))
        .map(|(span, _)| span.clone());
    let cash_layers = cash_layers(values, reading);
    if cash_layers.as_ref().is_some_and(|layers| layers.contains(&CashLayer::Socialise))
        && assets.iter().any(|asset| asset.haircut.is_some())
    {
        reading.fault(
            &values.span("cash_layers"),
            "\"socialise\" shares a loss among those who hold the same contract, and nobody trades against a token",
            "leave out \"socialise\", or the asset with a `haircut`",
        );
    }
    let venue_capital = cash(values, "capital", cash_unit, reading);
    if let (Some(capital), Some(layers)) = (venue_capital, &cash_layers)
        && capital > Cash::ZERO
        && !layers.contains(&CashLayer::Venue)
    {
        reading.warn(&values.span("capital"), "this capital never pays anything", "add \"venue\" to `cash_layers`");
    }
    let fund = values.maybe_table("fund").and_then(|fund| fund_rules(&fund, cash_unit, reading));
    let liquidation = values.maybe_node("liquidation").and_then(|node| RULES.choose(&node, reading));
    let adl = adl(values, cash_unit, reading);
    let contracts = assets.iter().zip(&tiers).map(|(asset, tiers)| {
        let (multiplier, tiers) = (asset.multiplier?, tiers.clone()?);
        Some(ContractRules { multiplier, tiers })
    });
    let surplus_to =
        values.maybe_text("surplus_to").map(|word| if word == "fund" { SurplusTo::Fund } else { SurplusTo::Trader });
    let rate = |key| values.has(key).then(|| values.ratio(key));
    let contracts: Option<Vec<ContractRules>> = contracts.collect();
    let interruptions = waterfall::interruptions(values, assets, reading);
    let dynamic = match values.maybe_table("dynamic_maintenance") {
        Some(table) => waterfall::dynamic(&table, assets, &tiers, reading).map(Some),
        None => Some(None),
    };
    let (adl, extra) = adl.map_or((None, None), |(policy, eligible, extra)| (Some((policy, eligible)), Some(extra)));
    let waterfall = match (&layers, &cash_layers, fund, extra) {
        (Some(layers), Some(cash_layers), Some(fund), Some(extra)) => {
            let layers: Vec<PositionLayer> = layers.iter().map(|(_, layer)| *layer).collect();
            waterfall::waterfall(values, (&layers, cash_layers), (fund, extra), assets, cash_unit, reading)
        }
        _ => None,
    };
    let finish = || {
        let (policy, adl_eligible) = adl?;
        Some(Rules {
            contracts: contracts?,
            trigger: trigger?,
            position_order: match values.maybe_text("position_order")?.as_str() {
                "upnl_asc" => PositionOrder::Loss,
                "largest" => PositionOrder::Notional,
                _ => PositionOrder::Maintenance,
            },
            cross_bankruptcy: match values.maybe_text("cross_bankruptcy")?.as_str() {
                "proportional" => CrossBankruptcy::Proportional,
                _ => CrossBankruptcy::Sequential,
            },
            liquidation: liquidation?,
            position_layers: layers?.into_iter().map(|(_, layer)| layer).collect(),
            cash_layers: cash_layers?,
            fund: fund?,
            venue_capital: venue_capital?,
            taker_fee: rate("taker_fee")?,
            liquidation_fee: rate("liquidation_fee")?,
            surplus_to: surplus_to?,
            execution: match values.maybe_text("execution")?.as_str() {
                "bankruptcy" => Execution::Bankruptcy,
                "bankruptcy_or_mark" => Execution::BankruptcyOrMark,
                "zero_price" => Execution::ZeroPrice,
                "fillable_price" => Execution::FillablePrice,
                _ => Execution::Market,
            },
            engine_slice: values.maybe_count("engine_slice").map(Qty),
            latency: values.maybe_time("latency")?,
            adl: policy,
            adl_eligible,
            waterfall: waterfall?,
            interruptions: interruptions?,
            dynamic: dynamic?,
        })
    };
    RulesDraft { rules: finish(), tiers, trigger, adl: adl_at }
}

/// An amount of money as whole cash units.
pub(super) fn cash(values: &Values, key: &str, unit: Option<Quantum>, reading: &mut Reading) -> Option<Cash> {
    let amount = values.maybe_decimal(key)?;
    let unit = unit?;
    let cash = unit.exact(amount).map(Cash);
    if cash.is_none() {
        let (wrong, hint) = match unit.floor(amount) {
            Some(units) => (
                "is not a whole number of cash units",
                format!("the cash unit is {}: {} would fit", unit.size(), unit.show(units)),
            ),
            None => (
                "is beyond what can be held",
                format!("at a cash unit of {} it is more than 64 bits hold: use a coarser `cash_unit`", unit.size()),
            ),
        };
        reading.fault(&values.span(key), format!("`{key}` of {amount} {wrong}"), hint);
    }
    cash
}

// ---------------------------------------------------------------------------------------------- tiers

struct TierDraft {
    values: Values,
    tier: Option<Tier>,
    /// Whether it follows from `then` of the table.
    step: bool,
}

/// The tier of a table and those in steps above it.
fn drafts(table: Values, cash_unit: Option<Quantum>, reading: &mut Reading) -> Vec<TierDraft> {
    let tier = tier(&table, cash_unit, reading);
    let Some(then) = table.maybe_table("then") else { return vec![TierDraft { values: table, tier, step: false }] };
    let steps = match tier {
        Some(tier) => steps(tier, &then, cash_unit, reading),
        None => None,
    };
    let mut drafts = vec![TierDraft { values: table, tier, step: false }];
    match steps {
        Some(steps) => {
            let step = |tier| TierDraft { values: drafts[0].values.clone(), tier: Some(tier), step: true };
            let steps: Vec<TierDraft> = steps.into_iter().map(step).collect();
            drafts.extend(steps);
        }
        None => drafts[0].tier = None,
    }
    drafts
}

/// Tiers above one, each with so much more of both rates; OKX (notices of March 2022 and May 2023): one more tier every N
/// contracts, maintenance and initial rate 0.5 % higher, leverage = 1 ÷ initial rate.
fn steps(below: Tier, then: &Values, cash_unit: Option<Quantum>, reading: &mut Reading) -> Option<Vec<Tier>> {
    let one = i128::from(Ratio::ONE.0);
    let from = cash(then, "from", cash_unit, reading);
    let every = cash(then, "every", cash_unit, reading);
    let rate = then.has("maintenance_rate").then(|| then.ratio("maintenance_rate"));
    let initial = then.has("initial_rate").then(|| then.ratio("initial_rate"));
    let (from, every, count, rate, initial) = (from?, every?, then.maybe_count("count")?, rate?, initial?);
    let margin = crate::money::div_ceil(one * one, i128::from(below.max_leverage.0.max(1)));
    let mut tiers = Vec::new();
    for number in 1..=count {
        let floor = i128::from(from.0) + i128::from(every.0) * i128::from(number - 1);
        let tier_rate = i128::from(below.rate.0) + i128::from(rate.0) * i128::from(number);
        let tier_margin = margin + i128::from(initial.0) * i128::from(number);
        if tier_rate >= tier_margin.min(one) || i64::try_from(floor).is_err() {
            reading.fault(
                &then.span("count"),
                format!(
                    "step {number} leaves no margin between the maintenance rate and the initial one, or no notional"
                ),
                "take fewer steps, or smaller ones",
            );
            return None;
        }
        let whole = |value: i128| crate::money::narrow(value);
        tiers.push(Tier {
            floor: Cash(whole(floor)),
            rate: Ratio(whole(tier_rate)),
            max_leverage: Ratio(whole(one * one / tier_margin)),
        });
    }
    Some(tiers)
}

/// The tiers of each asset: its own, or else those that name no asset.
fn tiers(
    values: &Values,
    assets: &[AssetDraft],
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Vec<Option<Tiers>> {
    if !values.has("tiers") {
        return assets.iter().map(|_| None).collect();
    }
    let mut general: Vec<TierDraft> = Vec::new();
    let mut own: Vec<Vec<TierDraft>> = assets.iter().map(|_| Vec::new()).collect();
    for table in values.tables("tiers") {
        let asset = table.maybe_text("asset").map(|symbol| find_asset(&symbol, (&table, "asset"), assets, reading));
        if let Some(at) = asset.flatten().filter(|&at| assets[at].haircut.is_some()) {
            let symbol = assets[at].symbol.clone().unwrap_or_default();
            reading.fault(
                &table.span("asset"),
                format!("`{symbol}` is a token held as collateral, which has no tiers"),
                "its `haircut` says what of it counts as margin: leave this table out",
            );
            continue;
        }
        let drafts = drafts(table, cash_unit, reading);
        match asset {
            None => general.extend(drafts),
            Some(Some(at)) => own[at].extend(drafts),
            Some(None) => {}
        }
    }
    let shared = (!general.is_empty()).then(|| schedule(&general, cash_unit, reading));
    let mut schedules = Vec::with_capacity(assets.len());
    for (asset, own) in assets.iter().zip(&own) {
        if let Some(haircut) = asset.haircut {
            schedules.push(haircuts(haircut));
            continue;
        }
        schedules.push(match (own.is_empty(), &shared) {
            (false, _) => schedule(own, cash_unit, reading),
            (true, Some(shared)) => shared.clone(),
            (true, None) => {
                let symbol = asset.symbol.clone().unwrap_or_default();
                let message = format!("asset `{symbol}` has no margin tiers");
                reading.fault(
                    &asset.span,
                    message,
                    format!(
                        "add `[[venue.tiers]]` with `asset = \"{symbol}\"`, or one without `asset`, which holds for all"
                    ),
                );
                None
            }
        });
    }
    schedules
}

/// One haircut whatever the holding: as much is asked of it at the opening as later.
fn haircuts(rate: Ratio) -> Option<Tiers> {
    let tier = Tier { floor: Cash::ZERO, rate, max_leverage: Ratio(ratio_of_one(rate)) };
    Tiers::new(vec![tier]).ok().map(Tiers::into_haircuts)
}

/// The index of an asset that a table names under this key.
pub(super) fn find_asset(
    symbol: &str,
    (table, key): (&Values, &str),
    assets: &[AssetDraft],
    reading: &mut Reading,
) -> Option<usize> {
    let found = assets.iter().position(|asset| asset.symbol.as_deref() == Some(symbol));
    if found.is_none() {
        let known: Vec<&str> = assets.iter().filter_map(|asset| asset.symbol.as_deref()).collect();
        let hint = match did_you_mean(symbol, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the scenario has {}", known.join(", ")),
        };
        reading.fault(&table.span(key), format!("the scenario has no asset `{symbol}`"), hint);
    }
    found
}

fn tier(table: &Values, cash_unit: Option<Quantum>, reading: &mut Reading) -> Option<Tier> {
    let floor = cash(table, "notional_floor", cash_unit, reading);
    let rate = table.has("maintenance_rate").then(|| table.ratio("maintenance_rate"));
    let most = table.has("max_leverage").then(|| table.ratio("max_leverage"));
    if let (Some(rate), Some(most)) = (rate, most)
        && i128::from(rate.0) * i128::from(most.0) >= i128::from(Ratio::ONE.0) * i128::from(Ratio::ONE.0)
        && rate < Ratio::ONE
    {
        let leverage = table.number("max_leverage");
        reading.fault(
            &table.span("max_leverage"),
            format!("an account at `max_leverage` of {leverage} would be in breach at once: its margin of {} is no more than the maintenance rate", Ratio(ratio_of_one(most))
                .to_f64()),
            "1 ÷ `max_leverage` must exceed `maintenance_rate`",
        );
    }
    Some(Tier { floor: floor?, rate: rate?, max_leverage: most? })
}

/// 1 ÷ leverage in billionths, for display.
fn ratio_of_one(leverage: Ratio) -> i64 {
    1_000_000_000_000_000_000 / leverage.0.max(1)
}

/// One ascending schedule; every fault is located at its tier.
fn schedule(drafts: &[TierDraft], cash_unit: Option<Quantum>, reading: &mut Reading) -> Option<Tiers> {
    let tiers: Option<Vec<Tier>> = drafts.iter().map(|draft| draft.tier).collect();
    let tiers = tiers?;
    for (pair, draft) in tiers.windows(2).zip(&drafts[1..]) {
        if pair[1].max_leverage > pair[0].max_leverage {
            reading.fault(
                &draft.values.span("max_leverage"),
                "the greatest leverage must not rise from tier to tier",
                format!("the tier before allows {}", pair[0].max_leverage.to_f64()),
            );
        }
    }
    match Tiers::new(tiers) {
        Ok(tiers) => {
            for (draft, deduction) in drafts.iter().zip(tiers.deductions()).filter(|(draft, _)| !draft.step) {
                compare_deduction(&draft.values, *deduction, cash_unit, reading);
            }
            Some(tiers)
        }
        Err(bad) => {
            let at = &drafts[bad.tier.min(drafts.len() - 1)].values;
            let key = if bad.message.contains("rate") { "maintenance_rate" } else { "notional_floor" };
            let before = bad.tier.checked_sub(1).map(|i| &drafts[i].values);
            let hint = match (before, key) {
                (Some(before), "notional_floor") => {
                    before.maybe_decimal(key).map(|floor| format!("the tier before starts at {floor}"))
                }
                (Some(before), _) => before.maybe_number(key).map(|rate| format!("the tier before has {rate}")),
                (None, _) => None,
            };
            reading.fault(
                &at.span(key),
                bad.message,
                hint.unwrap_or_else(|| "tiers are written from the lowest notional to the highest".to_owned()),
            );
            None
        }
    }
}

/// A deduction that is given must be the one that makes maintenance continuous.
fn compare_deduction(table: &Values, computed: i128, cash_unit: Option<Quantum>, reading: &mut Reading) {
    let (Some(given), Some(unit)) = (table.maybe_decimal("deduction"), cash_unit) else { return };
    // Deductions are billionths of a cash unit.
    let exact = Decimal::try_from_i128_with_scale(computed, 9).ok().and_then(|units| units.checked_mul(unit.size()));
    let Some(exact) = exact else { return };
    if given != exact {
        let exact = exact.normalize();
        reading.fault(
            &table.span("deduction"),
            format!("`deduction` is {given}, but it follows from the tiers as {exact}"),
            format!(
                "write {exact} or leave it out; any other number makes maintenance margin jump at the tier's floor"
            ),
        );
    }
}

// ---------------------------------------------------------------------------------------------- layers, fund, ADL

/// Words of a list without repetition, with their places.
fn layers<T>(
    values: &Values,
    key: &str,
    layer: impl Fn(&str) -> T,
    reading: &mut Reading,
) -> Option<Vec<(Range<usize>, T)>> {
    if !values.has(key) {
        return None;
    }
    let mut words = values.texts(key);
    if !is_written(values, key) {
        // The places within a default lie in no file of the user's.
        for (span, _) in &mut words {
            *span = values.span.clone();
        }
    }
    for (i, (span, word)) in words.iter().enumerate() {
        if words[..i].iter().any(|(_, before)| before == word) {
            reading.fault(
                span,
                format!("\"{word}\" stands twice in `{key}`"),
                "name each layer once, in the order in which they act",
            );
        }
    }
    Some(words.into_iter().map(|(span, word)| (span, layer(&word))).collect())
}

fn position_layers(values: &Values, reading: &mut Reading) -> Option<Vec<(Range<usize>, PositionLayer)>> {
    let found = layers(
        values,
        "position_layers",
        |word| match word {
            "book" => PositionLayer::Book,
            "adl" => PositionLayer::Adl,
            "backstop" => PositionLayer::Backstop,
            _ => PositionLayer::Engine,
        },
        reading,
    )?;
    if found.is_empty() {
        reading.fault(
            &values.span("position_layers"),
            "`position_layers` is empty",
            "somebody must take the lots of a forced order, as [\"book\", \"adl\"]",
        );
    }
    Some(found)
}

fn cash_layers(values: &Values, reading: &mut Reading) -> Option<Vec<CashLayer>> {
    let layer = |word: &str| match word {
        "fund" => CashLayer::Fund,
        "backstop" => CashLayer::Backstop,
        "socialise" => CashLayer::Socialise,
        _ => CashLayer::Venue,
    };
    let found = layers(values, "cash_layers", layer, reading)?;
    Some(found.into_iter().map(|(_, layer)| layer).collect())
}

fn fund_rules(fund: &Values, cash_unit: Option<Quantum>, reading: &mut Reading) -> Option<FundRules> {
    let open = cash(fund, "open", cash_unit, reading);
    let floor = cash(fund, "floor", cash_unit, reading);
    let overdraft = cash(fund, "overdraft", cash_unit, reading);
    let (open, floor, overdraft) = (open?, floor?, overdraft?);
    if floor > Cash::ZERO && overdraft > Cash::ZERO {
        reading.fault(
            &fund.span("overdraft"),
            "a fund with a floor has no overdraft",
            "payouts end at `floor`, or at `overdraft` below 0: write one of them",
        );
    }
    if floor > open {
        let (open, floor) = (fund.decimal("open"), fund.decimal("floor"));
        reading.fault(
            &fund.span("floor"),
            format!("`floor` of {floor} is above the opening fund of {open}"),
            "the fund could never pay: lower `floor` or raise `open`",
        );
    }
    Some(FundRules { open, floor: floor - overdraft })
}

fn adl(values: &Values, cash_unit: Option<Quantum>, reading: &mut Reading) -> Option<(Policy, Eligible, AdlDraft)> {
    let node = values.maybe_node("adl")?;
    let names: Vec<&str> = keys::ADL.iter().map(|key| key.name).collect();
    let (mut rest, common) = node.split(&names);
    // A misspelt common key would otherwise be told only the keys of the policy.
    if let Raw::Table(entries) = &mut rest.raw {
        entries.retain(|(word, _)| {
            let near = did_you_mean(&word.text, names.iter().copied());
            if let Some(near) = near {
                reading.fault(
                    &word.span,
                    format!("unknown key `{}` in `adl`", word.text),
                    format!("did you mean `{near}`?"),
                );
            }
            near.is_none()
        });
    }
    let common = read_partly(&common, keys::ADL, "`adl`", reading);
    let policy = POLICIES.choose(&rest, reading);
    let (common, policy) = (common?, policy?);
    let eligible = match common.maybe_text("eligible")?.as_str() {
        "profit_at_adl_price" => Eligible::ProfitAtAdlPrice,
        "profit_at_mark" => Eligible::ProfitAtMark,
        _ => Eligible::SolventAfter,
    };
    let rest = waterfall::adl(&common, &policy, cash_unit, reading)?;
    Some((*policy, eligible, rest))
}
