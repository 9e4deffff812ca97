//! The waterfall beyond book, ADL, engine and fund, and what interrupts it.

use rust_decimal::Decimal;

use super::check::{AssetDraft, is_written};
use super::venue::{cash, find_asset};
use crate::fault::did_you_mean;
use crate::money::{Cash, Qty, Quantum, Ratio};
use crate::registry::{Reading, Values};
use crate::venue::adl::{Policy, PriceNeed};
use crate::venue::margin::Tiers;
use crate::venue::rules::{
    AdlPrice, AdlTrigger, BackstopPrice, BackstopRules, Band, BandOf, CashLayer, Drawdown, DynamicMaintenance, FeeCap,
    FundLimits, FundRules, Interruptions, PoolRules, PositionLayer, Socialise, Span, VolatilityStep, Waterfall,
};

/// What `[venue.adl]` says beside the policy and who is eligible.
pub(super) struct AdlDraft {
    price: AdlPrice,
    trigger: AdlTrigger,
    drawdown: Option<Drawdown>,
}

/// Reads the price and the triggers of ADL.
pub(super) fn adl(
    values: &Values,
    policy: &Policy,
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Option<AdlDraft> {
    let price = match values.maybe_text("price")?.as_str() {
        "mark" => AdlPrice::Mark,
        "oracle" => AdlPrice::Oracle,
        "oracle_while_solvent" => AdlPrice::OracleWhileSolvent,
        "mark_while_funded" => AdlPrice::MarkWhileFunded,
        _ => AdlPrice::Bankruptcy,
    };
    let near = values.maybe_number("mark_beyond").map(|_| values.ratio("mark_beyond"));
    let price = match (price, near) {
        (AdlPrice::Bankruptcy, Some(within)) => AdlPrice::BankruptcyNearMark { within },
        (_, Some(_)) => {
            reading.fault(
                &values.span("mark_beyond"),
                "`mark_beyond` belongs to ADL at the bankruptcy price",
                "leave it out, or set `price` to \"bankruptcy\"",
            );
            return None;
        }
        (price, None) => price,
    };
    let at_mark = matches!(price, AdlPrice::Mark | AdlPrice::MarkWhileFunded | AdlPrice::BankruptcyNearMark { .. });
    if at_mark && policy.price_need() == PriceNeed::OffMark {
        reading.fault(
            &values.span(if near.is_some() { "mark_beyond" } else { "price" }),
            "this policy shares out haircuts, and at the mark there are none",
            "set `price` to \"bankruptcy\" or \"oracle\", or choose another policy",
        );
    }
    let tolerance = cash(values, "tolerance", cash_unit, reading)?;
    let trigger = match values.maybe_text("trigger")?.as_str() {
        "negative_account_value" => AdlTrigger::NegativeAccountValue { tolerance },
        "book_exhausted" => AdlTrigger::BookExhausted,
        _ => AdlTrigger::Residue,
    };
    if is_written(values, "tolerance") && !matches!(trigger, AdlTrigger::NegativeAccountValue { .. }) {
        reading.warn(
            &values.span("tolerance"),
            "this tolerance is never asked for",
            "it belongs to `trigger = \"negative_account_value\"`",
        );
    }
    let start = values.maybe_number("drawdown_start").map(|_| values.ratio("drawdown_start"));
    let stop = values.maybe_number("drawdown_stop").map(|_| values.ratio("drawdown_stop"));
    if let (None, Some(_)) = (start, stop) {
        reading.fault(
            &values.span("drawdown_stop"),
            "`drawdown_stop` without `drawdown_start`",
            "say at which fall of the fund ADL starts, as `drawdown_start = \"30 %\"`",
        );
    }
    if let (Some(start), Some(stop)) = (start, stop)
        && stop > start
    {
        reading.fault(
            &values.span("drawdown_stop"),
            format!("`drawdown_stop` of {} is above `drawdown_start` of {}", shown(stop), shown(start)),
            "ADL stops at a smaller fall than it starts at",
        );
    }
    let window = values.maybe_time("drawdown_window")?;
    let drawdown = start.map(|start| Drawdown { start, stop: stop.unwrap_or(start), window });
    Some(AdlDraft { price, trigger, drawdown })
}

/// A share as it would be written.
fn shown(share: Ratio) -> Decimal {
    Decimal::new(share.0, 9).normalize()
}

/// Reads what remains of the waterfall.
pub(super) fn waterfall(
    values: &Values,
    (position_layers, cash_layers): (&[PositionLayer], &[CashLayer]),
    (fund, adl): (FundRules, AdlDraft),
    assets: &[AssetDraft],
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Option<Waterfall> {
    let backstops = backstops(values, cash_unit, reading)?;
    let is_layer = position_layers.contains(&PositionLayer::Backstop) || cash_layers.contains(&CashLayer::Backstop);
    if is_layer && backstops.is_empty() {
        let key = if position_layers.contains(&PositionLayer::Backstop) { "position_layers" } else { "cash_layers" };
        reading.fault(
            &values.span(key),
            format!("\"backstop\" in `{key}`, but there is no vault"),
            "add a table `[[venue.backstop]]` with its `capital`",
        );
    }
    if !is_layer && !backstops.is_empty() {
        reading.warn(
            &values.span("backstop"),
            "this vault never acts",
            "add \"backstop\" to `position_layers` or `cash_layers`",
        );
    }
    let socialises = cash_layers.contains(&CashLayer::Socialise);
    let most = values.has("withdrawal_haircut").then(|| values.ratio("withdrawal_haircut"))?;
    let socialise = match values.maybe_text("socialise")?.as_str() {
        "base" => Socialise::Base,
        "payout" => Socialise::Payout,
        "withdrawals" => Socialise::Withdrawals { most },
        _ => Socialise::Profit,
    };
    if is_written(values, "socialise") && !socialises {
        reading.warn(&values.span("socialise"), "nobody is asked for this", "add \"socialise\" to `cash_layers`");
    }
    if is_written(values, "withdrawal_haircut") && !(socialises && matches!(socialise, Socialise::Withdrawals { .. })) {
        reading.warn(
            &values.span("withdrawal_haircut"),
            "this share is never taken",
            "it belongs to `socialise = \"withdrawals\"` with \"socialise\" in `cash_layers`",
        );
    }
    let fee_cap = match values.maybe_text("fee_cap")?.as_str() {
        "surplus" => FeeCap::Surplus,
        "missing_margin" => FeeCap::MissingMargin,
        _ => FeeCap::Equity,
    };
    let limits = limits(&values.maybe_table("fund")?, fund, adl.drawdown, assets, cash_unit, reading)?;
    Some(Waterfall { adl_price: adl.price, adl_trigger: adl.trigger, fund: limits, backstops, socialise, fee_cap })
}

fn backstops(values: &Values, cash_unit: Option<Quantum>, reading: &mut Reading) -> Option<Vec<BackstopRules>> {
    let mut vaults = Vec::new();
    for table in values.tables("backstop") {
        let capital = cash(&table, "capital", cash_unit, reading)?;
        let loss_cap = match table.maybe_decimal("loss_cap") {
            Some(_) => cash(&table, "loss_cap", cash_unit, reading)?,
            None => capital,
        };
        if loss_cap > capital {
            reading.fault(
                &table.span("loss_cap"),
                format!("`loss_cap` of {} is above the capital", table.decimal("loss_cap")),
                "a vault cannot lose more than it has: lower it or leave it out",
            );
        }
        vaults.push(BackstopRules {
            threshold: table.maybe_number("threshold").map(|_| table.ratio("threshold")),
            capital,
            loss_cap,
            margin_rate: table.has("margin_rate").then(|| table.ratio("margin_rate"))?,
            slice: table.maybe_count("slice").map(Qty)?,
            adl_price: match table.maybe_text("adl_price")?.as_str() {
                "takeover_price" => BackstopPrice::Takeover,
                _ => BackstopPrice::Mark,
            },
        });
    }
    Some(vaults)
}

fn limits(
    fund: &Values,
    rules: FundRules,
    drawdown: Option<Drawdown>,
    assets: &[AssetDraft],
    cash_unit: Option<Quantum>,
    reading: &mut Reading,
) -> Option<FundLimits> {
    let draw_cap = match fund.maybe_decimal("draw_cap") {
        Some(_) => Some(cash(fund, "draw_cap", cash_unit, reading)?),
        None => None,
    };
    Some(FundLimits {
        pools: pools(fund, rules, assets, reading)?,
        drawdown,
        net_position_cap: fund.maybe_number("net_position_cap").map(|_| fund.ratio("net_position_cap")),
        draw_cap,
    })
}

/// Parts of the fund by their shares; the last one takes what rounding leaves.
fn pools(fund: &Values, rules: FundRules, assets: &[AssetDraft], reading: &mut Reading) -> Option<Vec<PoolRules>> {
    let tables = fund.tables("pools");
    if tables.is_empty() {
        return Some(Vec::new());
    }
    let mut pool_of: Vec<bool> = vec![false; assets.len()];
    let mut pools = Vec::new();
    let (mut open, mut floor, mut shares) = (rules.open, rules.floor, Ratio(0));
    for (i, table) in tables.iter().enumerate() {
        let mut contracts = Vec::new();
        for (span, symbol) in table.texts("assets") {
            let Some(at) = assets.iter().position(|asset| asset.symbol.as_deref() == Some(symbol.as_str())) else {
                let known: Vec<&str> = assets.iter().filter_map(|asset| asset.symbol.as_deref()).collect();
                let hint = match did_you_mean(&symbol, known.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("the scenario has {}", known.join(", ")),
                };
                reading.fault(&span, format!("the scenario has no asset `{symbol}`"), hint);
                continue;
            };
            if std::mem::replace(&mut pool_of[at], true) {
                reading.fault(&span, format!("`{symbol}` is in two pools"), "each asset has one pool");
            }
            contracts.extend(u16::try_from(at));
        }
        let share = table.has("share").then(|| table.ratio("share"))?;
        shares += share;
        let part = |of: Cash, left: Cash| if i + 1 == tables.len() { left } else { share.of_floor(of) };
        let pool = PoolRules { open: part(rules.open, open), floor: part(rules.floor, floor), contracts };
        open -= pool.open;
        floor -= pool.floor;
        pools.push(pool);
    }
    if shares != Ratio::ONE {
        reading.fault(
            &fund.span("pools"),
            format!("the shares of the pools sum to {}, not to 1", shown(shares)),
            "`share` is a pool's part of `open` and of `floor`",
        );
    }
    if let Some(missing) = pool_of.iter().position(|is_in| !is_in) {
        let symbol = assets[missing].symbol.clone().unwrap_or_default();
        reading.fault(
            &fund.span("pools"),
            format!("no pool pays for `{symbol}`"),
            "add it to the `assets` of one of them",
        );
    }
    Some(pools)
}

/// Reads the steps of maintenance with volatility.
pub(super) fn dynamic(
    table: &Values,
    assets: &[AssetDraft],
    tiers: &[Option<Tiers>],
    reading: &mut Reading,
) -> Option<DynamicMaintenance> {
    let window = table.maybe_time("window");
    let mut steps: Vec<VolatilityStep> = Vec::new();
    let rows = table.tables("steps");
    let mut sound = true;
    for row in &rows {
        if !row.has("volatility") || !row.has("multiplier") {
            sound = false;
            continue;
        }
        let step = VolatilityStep { volatility: row.ratio("volatility"), multiplier: row.ratio("multiplier") };
        if let Some(before) = steps.last() {
            let (key, last) = if step.volatility <= before.volatility {
                ("volatility", before.volatility)
            } else {
                ("multiplier", before.multiplier)
            };
            if step.volatility <= before.volatility || step.multiplier < before.multiplier {
                reading.fault(
                    &row.span(key),
                    "steps are written from the lowest volatility to the highest, and maintenance does not fall",
                    format!("the step before has {}", shown(last)),
                );
                sound = false;
            }
        }
        for (asset, tiers) in assets.iter().zip(tiers) {
            if let Some(tiers) = tiers.as_ref().filter(|tiers| tiers.scaled_by(step.multiplier).is_none()) {
                let symbol = asset.symbol.clone().unwrap_or_default();
                reading.fault(
                    &row.span("multiplier"),
                    format!("at {} times the tiers a maintenance rate of `{symbol}` reaches 1", shown(step.multiplier)),
                    format!("the greatest rate of its tiers is {}", shown(tiers.greatest_rate())),
                );
                sound = false;
            }
        }
        steps.push(step);
    }
    if rows.is_empty() && table.has("steps") {
        reading.fault(&table.span("steps"), "`steps` is empty", "add a step, or leave `dynamic_maintenance` out");
        sound = false;
    }
    (sound && table.has("steps")).then_some(DynamicMaintenance { window: window?, steps })
}

/// Reads capacity, outages, halts and the band.
pub(super) fn interruptions(values: &Values, assets: &[AssetDraft], reading: &mut Reading) -> Option<Interruptions> {
    let span = |table: &Values| Some(Span { at: table.maybe_time("at")?, length: table.maybe_time("for")? });
    let outages: Option<Vec<Span>> = values.tables("outage").iter().map(span).collect();
    let mut halts = Vec::new();
    for table in values.tables("halt") {
        let of = match table.maybe_text("asset") {
            Some(symbol) => {
                let Some(at) = find_asset(&symbol, (&table, "asset"), assets, reading) else { continue };
                u16::try_from(at).ok()
            }
            None => None,
        };
        halts.push((of, span(&table)?));
    }
    let band = match values.maybe_table("band") {
        Some(table) => Some(Band {
            of: if table.maybe_text("of").as_deref() == Some("mark") { BandOf::Mark } else { BandOf::Index },
            width: table.has("width").then(|| table.ratio("width"))?,
            window: table.maybe_time("window")?,
            halt: table.maybe_time("halt")?,
        }),
        None => None,
    };
    Some(Interruptions { capacity: values.maybe_count("capacity"), outages: outages?, halts, band })
}
