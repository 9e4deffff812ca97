//! What a user writes about a position (a JSON object, a CSV row, options) and what it means.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fraction::{Fraction, parse, parse_share, show, whole, zero};
use super::{Ask, CrossBankruptcy, Limit, MaintenanceAt, MarginMode, Reserve, Score, Side, Tier};
use crate::fault::did_you_mean;
use crate::registry::{Node, Raw};
use crate::venue::adl::POLICIES;
use crate::venue::presets::{self, Contract, PRESETS, Preset};
use crate::venue::rules::Trigger;

/// Keys of one position, with their meaning.
pub const KEYS: &[(&str, &str)] = &[
    ("id", "label of the position, given back"),
    ("account", "positions of one cross account in a table support each other"),
    ("venue", "preset whose tiers, trigger, contract and ADL score hold"),
    ("contract", "`linear` (default) or `inverse`"),
    ("symbol", "asset, as BTC or BTCUSDT: chooses the tiers of the venue"),
    ("tiers", "list of {notional_floor, maintenance_rate, max_leverage, deduction}, or of [floor, rate, max_leverage]"),
    ("maintenance_rate", "in place of tiers: maintenance margin as a share of notional"),
    ("deduction", "beside `maintenance_rate`: what is subtracted"),
    ("side", "`long` or `short`"),
    ("quantity", "units of the asset (linear) or contracts (inverse), above 0"),
    ("face", "value of one contract, 1 where absent"),
    ("entry_price", "average entry price"),
    ("mark_price", "mark; the entry price where absent"),
    ("collateral", "money posted for the position"),
    ("leverage", "in place of collateral: entry value ÷ leverage; beside it, only for the initial margin"),
    ("margin_mode", "`isolated` (default) or `cross`"),
    ("wallet", "cross: cash of the account"),
    ("other_maintenance", "cross: maintenance margin of the account's other positions"),
    ("other_unrealised", "cross: their unrealised profit"),
    ("taker_fee", "closing fee that counts in the liquidation test, as at OKX"),
    ("contract_unit", "inverse: the value of one contract is rounded to whole units of this, as at BitMEX to 1e-8"),
    ("reserve_rate", "share of entry value and collateral that is set aside for the closing fee, as at BitMEX"),
    ("fee_reserve", "in place of `reserve_rate`: the amount"),
    ("tick", "price step, for the safe ticks"),
    ("trigger", "`below` or `at_or_below`: whether equity equal to maintenance is liquidated"),
    ("maintenance_at", "`mark` (default) or `entry`"),
    ("cross_bankruptcy", "`all` (default) or `proportional`"),
    ("adl", "ADL policy of the score; the venue's, or `profit_leverage`"),
    ("rate_per_unit", "added to maintenance rates for each unit of quantity, as at Deribit"),
    ("initial_rate", "initial margin as a share of notional, in place of a leverage"),
    ("initial_rate_per_unit", "added to `initial_rate` for each unit of quantity"),
    ("maintenance_fraction", "in place of `maintenance_rate`: this share of `initial_rate`, as at dYdX"),
    (
        "open_interest",
        "open interest in units of the caps: beyond the lower one `initial_rate` rises, to 1 at the upper",
    ),
    ("open_interest_lower", "lower cap of open interest"),
    ("open_interest_upper", "upper cap of open interest"),
    ("execution", "asks for `limit_price` of a forced order now: `bankruptcy`, `zero_price` or `fillable_price`"),
    (
        "spread_to_maintenance",
        "of a fillable price: its greatest distance from the mark ÷ maintenance; 1.5 where absent",
    ),
    ("bankruptcy_adjustment", "of a fillable price: factor on 1 − equity ÷ maintenance; 1 where absent"),
];

/// One position as written: names and literal texts.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    texts: Vec<(String, String)>,
    /// As JSON, so that a number is given back as a number.
    id: Option<serde_json::Value>,
    tiers: Option<Vec<TierText>>,
}

#[derive(Clone, Debug, Default)]
struct TierText {
    floor: String,
    rate: String,
    max_leverage: Option<String>,
    deduction: Option<String>,
}

/// A JSON object with its values as they stand in the text, so that 0.1 is a tenth.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The literal of a number or the content of a text; `None` for null.
fn scalar(key: &str, raw: &RawValue) -> Result<Option<String>, String> {
    let literal = raw.get();
    match literal.as_bytes().first() {
        Some(b'"') => serde_json::from_str(literal).map(Some).map_err(|error| format!("`{key}`: {error}")),
        Some(b'-' | b'0'..=b'9') => Ok(Some(literal.to_owned())),
        Some(b'n') => Ok(None),
        Some(b't' | b'f') => Err(format!("`{key}` cannot be true or false")),
        Some(b'[') => Err(format!("`{key}` cannot be a list")),
        _ => Err(format!("`{key}` cannot be an object")),
    }
}

fn tier_texts(raw: &RawValue) -> Result<Vec<TierText>, String> {
    let items: Vec<Box<RawValue>> = serde_json::from_str(raw.get()).map_err(|_| "`tiers` must be a list".to_owned())?;
    items.iter().enumerate().map(|(i, item)| tier_text(i + 1, item)).collect()
}

fn tier_text(number: usize, item: &RawValue) -> Result<TierText, String> {
    let mut tier = TierText::default();
    if item.get().starts_with('[') {
        let cells: Vec<Box<RawValue>> =
            serde_json::from_str(item.get()).map_err(|error| format!("tier {number}: {error}"))?;
        let cell = |i: usize| cells.get(i).map_or(Ok(None), |cell| scalar("tiers", cell));
        if !(2..=3).contains(&cells.len()) {
            return Err(format!(
                "tier {number} has {} values: write [floor, rate] or [floor, rate, max_leverage]",
                cells.len()
            ));
        }
        tier.floor = cell(0)?.unwrap_or_default();
        tier.rate = cell(1)?.unwrap_or_default();
        tier.max_leverage = cell(2)?;
        return Ok(tier);
    }
    let pairs: Pairs =
        serde_json::from_str(item.get()).map_err(|_| format!("tier {number} must be an object or a list"))?;
    for (key, raw) in &pairs.0 {
        let value = scalar(key, raw)?;
        match key.as_str() {
            "notional_floor" => tier.floor = value.unwrap_or_default(),
            "maintenance_rate" => tier.rate = value.unwrap_or_default(),
            "max_leverage" => tier.max_leverage = value,
            "deduction" => tier.deduction = value,
            _ => {
                let known = ["notional_floor", "maintenance_rate", "max_leverage", "deduction"];
                return Err(format!("unknown key `{key}` in tier {number}: {}", hint(key, known)));
            }
        }
    }
    Ok(tier)
}

fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match did_you_mean(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

impl Fields {
    /// Reads one JSON object.
    ///
    /// # Errors
    /// What is wrong, in one line.
    pub fn from_json(line: &str) -> Result<Self, String> {
        let pairs: Pairs = serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
        let mut fields = Self::default();
        for (key, raw) in &pairs.0 {
            if key == "id" && scalar(key, raw)?.is_some() {
                let id = serde_json::from_str(raw.get()).map_err(|error| format!("`id`: {error}"))?;
                if fields.id.replace(id).is_some() {
                    return Err("`id` stands twice".to_owned());
                }
            } else if key == "tiers" && raw.get().starts_with('[') {
                if fields.tiers.replace(tier_texts(raw)?).is_some() {
                    return Err("`tiers` stands twice".to_owned());
                }
            } else if let Some(value) = scalar(key, raw)? {
                fields.set(key, value)?;
            } else {
                Self::known(key)?;
            }
        }
        Ok(fields)
    }

    fn known(key: &str) -> Result<(), String> {
        if KEYS.iter().any(|(name, _)| *name == key) {
            return Ok(());
        }
        Err(format!("unknown key `{key}`: {}", hint(key, KEYS.iter().map(|(name, _)| *name))))
    }

    /// Sets a key to a literal text.
    ///
    /// # Errors
    /// Where the key is unknown, stands twice or is no single value.
    pub fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        Self::known(key)?;
        if key == "tiers" {
            return Err("`tiers` must be a list".to_owned());
        }
        if key == "id" && self.id.is_none() {
            self.id = Some(value.into());
            return Ok(());
        }
        if key == "id" || self.get(key).is_some() {
            return Err(format!("`{key}` stands twice"));
        }
        self.texts.push((key.to_owned(), value));
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.texts.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn number(&self, key: &str, bound: Bound) -> Result<Option<Fraction>, String> {
        self.get(key).map(|text| number(key, text, bound)).transpose()
    }

    fn needed(&self, key: &str, bound: Bound) -> Result<Fraction, String> {
        self.number(key, bound)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, String> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim())).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("`{key}` cannot be \"{text}\": write {}", words.join(" or "))
        })
    }

    /// Checks what was written.
    ///
    /// # Errors
    /// The first fault, in one line.
    pub fn ask(&self) -> Result<Ask, String> {
        let preset = self.get("venue").map(find_preset).transpose()?;
        let venue = preset.map(Preset::venue);
        let said = self.choice("contract", &[("linear", Contract::Linear), ("inverse", Contract::Inverse)])?;
        let contract = match (preset, said) {
            (Some(preset), Some(said)) if preset.contract != said => {
                return Err(format!("the contracts of `{}` are not of this kind: leave `contract` out", preset.name));
            }
            (Some(preset), _) => preset.contract,
            (None, said) => said.unwrap_or(Contract::Linear),
        };
        let triggers = [("below", Trigger::Below), ("at_or_below", Trigger::AtOrBelow)];
        let trigger = match (self.choice("trigger", &triggers)?, venue) {
            (Some(trigger), _) => trigger,
            (None, Some(venue)) if text_of(venue, "trigger").as_deref() == Some("at_or_below") => Trigger::AtOrBelow,
            (None, _) => Trigger::Below,
        };
        let side = self.choice("side", &[("long", Side::Long), ("short", Side::Short)])?;
        let side = side.ok_or("`side` is missing: write \"long\" or \"short\"")?;
        let quantity = self.needed("quantity", Bound::Above)?;
        let entry_price = self.needed("entry_price", Bound::Above)?;
        let mark_price = self.number("mark_price", Bound::Above)?.unwrap_or_else(|| entry_price.clone());
        let modes = [("isolated", MarginMode::Isolated), ("cross", MarginMode::Cross)];
        let margin_mode = self.choice("margin_mode", &modes)?.unwrap_or(MarginMode::Isolated);
        let collateral = self.number("collateral", Bound::AtLeast)?;
        let leverage = self.number("leverage", Bound::Above)?;
        let wallet = self.number("wallet", Bound::Any)?;
        match margin_mode {
            MarginMode::Isolated if collateral.is_none() && leverage.is_none() => {
                return Err("`collateral` or `leverage` is missing".to_owned());
            }
            MarginMode::Cross if wallet.is_none() && collateral.is_none() && leverage.is_none() => {
                return Err("`wallet` is missing: cross margin stands on the cash of the account".to_owned());
            }
            _ => {}
        }
        let at = [("mark", MaintenanceAt::Mark), ("entry", MaintenanceAt::Entry)];
        let bankruptcies = [("all", CrossBankruptcy::All), ("proportional", CrossBankruptcy::Proportional)];
        let usual = if preset.is_some_and(|preset| preset.name == "dydx-v4") {
            CrossBankruptcy::Proportional
        } else {
            CrossBankruptcy::All
        };
        let taker_fee = self.number("taker_fee", Bound::Share)?.unwrap_or_else(zero);
        let initial_rate = self.initial_rate(&quantity)?;
        let mut tiers = self.tiers(preset, venue)?;
        if let Some(per_unit) = self.number("rate_per_unit", Bound::AtLeast)? {
            // A deduction keeps schedules continuous, and a rate that all tiers share does not change that.
            tiers.iter_mut().for_each(|tier| tier.rate += &per_unit * &quantity);
        }
        if tiers.iter().any(|tier| &tier.rate + &taker_fee >= whole(1)) {
            return Err("maintenance rate and `taker_fee` together must be below 1".to_owned());
        }
        Ok(Ask {
            id: self.id.clone(),
            account: self.get("account").map(str::to_owned),
            symbol: self.get("symbol").map(str::to_owned),
            contract,
            face: self.number("face", Bound::Above)?.unwrap_or_else(|| whole(1)),
            tiers,
            trigger,
            maintenance_at: self.choice("maintenance_at", &at)?.unwrap_or(MaintenanceAt::Mark),
            cross_bankruptcy: self.choice("cross_bankruptcy", &bankruptcies)?.unwrap_or(usual),
            score: self.score(venue)?,
            side,
            quantity,
            entry_price,
            mark_price,
            collateral,
            leverage,
            margin_mode,
            wallet,
            other_maintenance: self.number("other_maintenance", Bound::AtLeast)?.unwrap_or_else(zero),
            other_unrealised: self.number("other_unrealised", Bound::Any)?.unwrap_or_else(zero),
            taker_fee,
            tick: self.number("tick", Bound::Above)?,
            initial_rate,
            reserve: self.reserve()?,
            contract_unit: self.contract_unit(contract)?,
            limit: self.limit()?,
        })
    }

    fn contract_unit(&self, contract: Contract) -> Result<Option<Fraction>, String> {
        let unit = self.number("contract_unit", Bound::Above)?;
        if unit.is_some() && contract == Contract::Linear {
            return Err("`contract_unit` belongs to inverse contracts".to_owned());
        }
        Ok(unit)
    }

    fn reserve(&self) -> Result<Option<Reserve>, String> {
        let rate = self.number("reserve_rate", Bound::Share)?;
        let amount = self.number("fee_reserve", Bound::AtLeast)?;
        match (rate, amount) {
            (Some(_), Some(_)) => Err("`reserve_rate` and `fee_reserve` exclude each other".to_owned()),
            (rate, amount) => Ok(rate.map(Reserve::Rate).or(amount.map(Reserve::Amount))),
        }
    }

    /// The rate of `initial_rate` for this quantity and open interest: base + (1 − base)·(interest − lower) ÷ (upper −
    /// lower), from the base to 1 (dYdX v4, `liquidity_tier.go`).
    fn initial_rate(&self, quantity: &Fraction) -> Result<Option<Fraction>, String> {
        let base = self.number("initial_rate", Bound::Positive)?;
        let per_unit = self.number("initial_rate_per_unit", Bound::AtLeast)?;
        let interest = self.number("open_interest", Bound::AtLeast)?;
        let lower = self.number("open_interest_lower", Bound::AtLeast)?;
        let upper = self.number("open_interest_upper", Bound::AtLeast)?;
        let Some(base) = base else {
            let other = ["initial_rate_per_unit", "open_interest"].into_iter().find(|key| self.get(key).is_some());
            return other.map_or(Ok(None), |key| Err(format!("`{key}` needs `initial_rate`")));
        };
        let base = base + per_unit.map_or_else(zero, |per_unit| per_unit * quantity);
        match (interest, lower, upper) {
            (None, None, None) => Ok(Some(base)),
            (Some(interest), Some(lower), Some(upper)) if lower < upper => {
                let beyond = ((interest - &lower) / (upper - lower)).max(zero());
                Ok(Some((&base + beyond * (whole(1) - &base)).min(whole(1)).max(base)))
            }
            _ => Err("`open_interest` needs `open_interest_lower` below `open_interest_upper`".to_owned()),
        }
    }

    fn limit(&self) -> Result<Option<Limit>, String> {
        let spread = self.number("spread_to_maintenance", Bound::AtLeast)?;
        let adjustment = self.number("bankruptcy_adjustment", Bound::AtLeast)?;
        let words = [("bankruptcy", 0), ("zero_price", 1), ("fillable_price", 2)];
        Ok(self.choice("execution", &words)?.map(|word| match word {
            0 => Limit::Bankruptcy,
            1 => Limit::ZeroPrice,
            _ => Limit::Fillable {
                spread: spread.unwrap_or_else(|| whole(3) / whole(2)),
                adjustment: adjustment.unwrap_or_else(|| whole(1)),
            },
        }))
    }

    fn score(&self, venue: Option<&Node>) -> Result<Option<Score>, String> {
        if let Some(kind) = self.get("adl") {
            if !POLICIES.entries.iter().any(|entry| entry.kind == kind) {
                let known: Vec<&str> = POLICIES.entries.iter().map(|entry| entry.kind).collect();
                return Err(format!("unknown ADL policy \"{kind}\": {}", hint(kind, known)));
            }
            return Ok(Score::of_policy(kind, |_| None));
        }
        let Some(venue) = venue else { return Ok(Some(Score::ProfitLeverage)) };
        let Some(adl) = venue.get("adl") else { return Ok(None) };
        Ok(text_of(adl, "kind").and_then(|kind| Score::of_policy(&kind, |key| text_of(adl, key))))
    }

    /// Own tiers, own rate, or those of the venue for the symbol.
    fn tiers(&self, preset: Option<&Preset>, venue: Option<&Node>) -> Result<Vec<Tier>, String> {
        let rate = match (self.number("maintenance_rate", Bound::Share)?, self.get("maintenance_fraction")) {
            (Some(_), Some(_)) => {
                return Err("`maintenance_rate` and `maintenance_fraction` exclude each other".to_owned());
            }
            (rate, None) => rate,
            (None, Some(_)) => {
                let fraction = self.needed("maintenance_fraction", Bound::Share)?;
                Some(fraction * self.needed("initial_rate", Bound::Positive)?)
            }
        };
        let deduction = self.number("deduction", Bound::AtLeast)?;
        match (&self.tiers, rate, preset, venue) {
            (Some(_), Some(_), _, _) => Err("`tiers` and `maintenance_rate` exclude each other".to_owned()),
            (Some(_), None, _, _) if deduction.is_some() => {
                Err("`deduction` belongs to `maintenance_rate`; tiers have their own".to_owned())
            }
            (Some(tiers), None, _, _) => schedule(tiers),
            (None, Some(rate), _, _) => {
                let deduction = deduction.unwrap_or_else(zero);
                Ok(vec![Tier { floor: zero(), rate, deduction, max_leverage: None }])
            }
            (None, None, Some(preset), Some(venue)) => {
                if deduction.is_some() {
                    return Err("`deduction` needs `maintenance_rate`".to_owned());
                }
                schedule(&preset_tiers(preset, venue, self.get("symbol"))?)
            }
            (None, None, _, _) => Err("`venue`, `tiers` or `maintenance_rate` is missing".to_owned()),
        }
    }
}

/// What a number may be.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Any,
    /// 0 or more.
    AtLeast,
    /// Above 0.
    Above,
    /// From 0 to below 1; percentages are taken too.
    Share,
    /// Above 0 and at most 1; percentages are taken too.
    Positive,
}

fn number(key: &str, text: &str, bound: Bound) -> Result<Fraction, String> {
    let value = if matches!(bound, Bound::Share | Bound::Positive) { parse_share(text) } else { parse(text) };
    let value = value.ok_or_else(|| format!("`{key}` of \"{text}\" is not a decimal number"))?;
    let (holds, right) = match bound {
        Bound::Any => (true, ""),
        Bound::AtLeast => (value >= zero(), "0 or more"),
        Bound::Above => (value > zero(), "above 0"),
        Bound::Share => (value >= zero() && value < whole(1), "from 0 to below 1"),
        Bound::Positive => (value > zero() && value <= whole(1), "above 0 and at most 1"),
    };
    if holds { Ok(value) } else { Err(format!("`{key}` of {text} must be {right}")) }
}

fn find_preset(name: &str) -> Result<&'static Preset, String> {
    presets::find(name.trim())
        .ok_or_else(|| format!("unknown venue \"{name}\": {}", hint(name, PRESETS.iter().map(|preset| preset.name))))
}

/// A text or number of a table of a preset.
fn text_of(node: &Node, key: &str) -> Option<String> {
    match &node.get(key)?.raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::Number(literal) => Some(literal.replace('_', "")),
        _ => None,
    }
}

/// The tiers of a preset for a symbol: those of its asset, or those that name none.
fn preset_tiers(preset: &Preset, venue: &Node, symbol: Option<&str>) -> Result<Vec<TierText>, String> {
    let Some(Raw::List(tiers)) = venue.get("tiers").map(|tiers| &tiers.raw) else {
        return Err(format!("the preset `{}` has no tiers: this is a defect, please report it", preset.name));
    };
    let mut assets: Vec<Option<String>> = tiers.iter().map(|tier| text_of(tier, "asset")).collect();
    assets.dedup();
    let asked = symbol.map(presets::asset_of);
    let chosen = match asked {
        Some(asked) if assets.contains(&Some(asked.clone())) => Some(asked),
        _ if assets.contains(&None) => None,
        None if assets.len() == 1 => assets[0].clone(),
        asked => {
            let known: Vec<&str> = assets.iter().flatten().map(String::as_str).collect();
            return Err(match asked {
                Some(asked) => {
                    format!("`{}` has no tiers for \"{asked}\": known are {}", preset.name, known.join(", "))
                }
                None => format!("`symbol` is missing: `{}` has tiers for {}", preset.name, known.join(", ")),
            });
        }
    };
    let of_asset = tiers.iter().filter(|tier| text_of(tier, "asset") == chosen);
    Ok(of_asset
        .map(|tier| TierText {
            floor: text_of(tier, "notional_floor").unwrap_or_default(),
            rate: text_of(tier, "maintenance_rate").unwrap_or_default(),
            max_leverage: text_of(tier, "max_leverage"),
            deduction: text_of(tier, "deduction"),
        })
        .collect())
}

/// An ascending schedule with its deductions: d₀ = 0, dₙ = dₙ₋₁ + floorₙ·(rateₙ − rateₙ₋₁).
fn schedule(texts: &[TierText]) -> Result<Vec<Tier>, String> {
    let mut tiers: Vec<Tier> = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let in_tier = |fault: String| format!("tier {}: {fault}", i + 1);
        let floor = number("notional_floor", &text.floor, Bound::AtLeast).map_err(in_tier)?;
        let rate = number("maintenance_rate", &text.rate, Bound::Share).map_err(in_tier)?;
        let most = text.max_leverage.as_ref().map(|most| number("max_leverage", most, Bound::Above));
        let max_leverage = most.transpose().map_err(in_tier)?;
        let deduction = match tiers.last() {
            None if floor > zero() => return Err(in_tier("the first tier must start at a notional of 0".to_owned())),
            None => zero(),
            Some(before) if floor <= before.floor => {
                return Err(in_tier("each tier must start above the one before".to_owned()));
            }
            Some(before) if rate < before.rate => {
                return Err(in_tier("a maintenance rate must not fall from tier to tier".to_owned()));
            }
            Some(before) => &before.deduction + &floor * (&rate - &before.rate),
        };
        if let Some(given) = &text.deduction
            && number("deduction", given, Bound::AtLeast).map_err(in_tier)? != deduction
        {
            return Err(in_tier(format!(
                "`deduction` is {given}, but it follows from the tiers as {}",
                show(&deduction)
            )));
        }
        tiers.push(Tier { floor, rate, deduction, max_leverage });
    }
    if tiers.is_empty() { Err("`tiers` is empty".to_owned()) } else { Ok(tiers) }
}
