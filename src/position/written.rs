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
    /// What was wrong while it was read.
    wrong: Wrong,
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

/// All that is wrong with one position, each fault in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong(Vec<String>);

impl Wrong {
    /// A fault that leaves nothing else to look at.
    #[must_use]
    pub fn one(fault: impl Into<String>) -> Self {
        Self(vec![fault.into()])
    }

    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.0
    }

    /// Of each key the first fault counts, and a key that is faulty is not missing.
    fn tell(&mut self, fault: String) {
        let keys = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let told: Vec<String> = self.0.iter().filter_map(|fault| keys(fault).into_iter().next()).collect();
        let about = if fault.contains("missing") { keys(&fault) } else { keys(&fault).into_iter().take(1).collect() };
        if !about.iter().any(|key| told.contains(key)) {
            self.0.push(fault);
        }
    }

    /// The value, or its fault kept.
    fn hear<T>(&mut self, read: Result<T, String>) -> Option<T> {
        read.map_err(|fault| self.tell(fault)).ok()
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Fields {
    /// Reads one JSON object. What is wrong with its keys is kept for [`Fields::ask`].
    ///
    /// # Errors
    /// Where the line is no JSON object.
    pub fn from_json(line: &str) -> Result<Self, Wrong> {
        let pairs: Pairs =
            serde_json::from_str(line).map_err(|error| Wrong::one(format!("not a JSON object: {error}")))?;
        let mut fields = Self::default();
        for (key, raw) in &pairs.0 {
            let read = fields.take(key, raw);
            fields.wrong.hear(read);
        }
        Ok(fields)
    }

    fn take(&mut self, key: &str, raw: &RawValue) -> Result<(), String> {
        if key == "id" && scalar(key, raw)?.is_some() {
            let id = serde_json::from_str(raw.get()).map_err(|error| format!("`id`: {error}"))?;
            if self.id.replace(id).is_some() {
                return Err("`id` stands twice".to_owned());
            }
        } else if key == "tiers" && raw.get().starts_with('[') {
            if self.tiers.replace(tier_texts(raw)?).is_some() {
                return Err("`tiers` stands twice".to_owned());
            }
        } else {
            Self::known(key)?;
            if let Some(value) = scalar(key, raw)? {
                self.put(key, value)?;
            }
        }
        Ok(())
    }

    fn known(key: &str) -> Result<(), String> {
        if KEYS.iter().any(|(name, _)| *name == key) {
            return Ok(());
        }
        Err(format!("unknown key `{key}`: {}", hint(key, KEYS.iter().map(|(name, _)| *name))))
    }

    /// Sets a key to a literal text. A key that is unknown, stands twice or is no single value is kept as a fault for
    /// [`Fields::ask`].
    pub fn set(&mut self, key: &str, value: String) {
        let put = Self::known(key).and_then(|()| self.put(key, value));
        self.wrong.hear(put);
    }

    fn put(&mut self, key: &str, value: String) -> Result<(), String> {
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

    /// Checks what was written.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn ask(&self) -> Result<Ask, Wrong> {
        let mut reading = Reading { fields: self, wrong: self.wrong.clone() };
        let ask = reading.ask();
        ask.filter(|_| reading.wrong.0.is_empty()).ok_or(reading.wrong)
    }
}

/// What was written, on its way to a question, with the faults found so far.
struct Reading<'a> {
    fields: &'a Fields,
    wrong: Wrong,
}

impl Reading<'_> {
    fn number(&mut self, key: &str, bound: Bound) -> Option<Fraction> {
        let text = self.fields.get(key)?;
        self.wrong.hear(number(key, text, bound))
    }

    fn needed(&mut self, key: &str, bound: Bound) -> Option<Fraction> {
        if self.fields.get(key).is_none() {
            self.wrong.tell(format!("`{key}` is missing"));
        }
        self.number(key, bound)
    }

    fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.fields.get(key)?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim())).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong.tell(format!("`{key}` cannot be \"{text}\": write {}", words.join(" or ")));
        }
        found
    }

    /// The question, where all that it needs is there; what is there is told if it is wrong.
    fn ask(&mut self) -> Option<Ask> {
        let preset = self.fields.get("venue").and_then(|name| self.wrong.hear(find_preset(name)));
        let venue = preset.map(Preset::venue);
        let said = self.choice("contract", &[("linear", Contract::Linear), ("inverse", Contract::Inverse)]);
        if let (Some(preset), Some(said)) = (preset, said)
            && preset.contract != said
        {
            let fault = format!("the contracts of `{}` are not of this kind: leave `contract` out", preset.name);
            self.wrong.tell(fault);
        }
        let contract = preset.map(|preset| preset.contract).or(said).unwrap_or(Contract::Linear);
        let triggers = [("below", Trigger::Below), ("at_or_below", Trigger::AtOrBelow)];
        let trigger = match (self.choice("trigger", &triggers), venue) {
            (Some(trigger), _) => trigger,
            (None, Some(venue)) if text_of(venue, "trigger").as_deref() == Some("at_or_below") => Trigger::AtOrBelow,
            (None, _) => Trigger::Below,
        };
        if self.fields.get("side").is_none() {
            self.wrong.tell("`side` is missing: write \"long\" or \"short\"".to_owned());
        }
        let side = self.choice("side", &[("long", Side::Long), ("short", Side::Short)]);
        let quantity = self.needed("quantity", Bound::Above);
        let entry_price = self.needed("entry_price", Bound::Above);
        let mark_price = self.number("mark_price", Bound::Above).or_else(|| entry_price.clone());
        let modes = [("isolated", MarginMode::Isolated), ("cross", MarginMode::Cross)];
        let margin_mode = self.choice("margin_mode", &modes).unwrap_or(MarginMode::Isolated);
        let collateral = self.number("collateral", Bound::AtLeast);
        let leverage = self.number("leverage", Bound::Above);
        let wallet = self.number("wallet", Bound::Any);
        match margin_mode {
            MarginMode::Isolated if collateral.is_none() && leverage.is_none() => {
                self.wrong.tell("`collateral` or `leverage` is missing".to_owned());
            }
            MarginMode::Cross if wallet.is_none() && collateral.is_none() && leverage.is_none() => {
                let fault = "`wallet` is missing: cross margin stands on the cash of the account";
                self.wrong.tell(fault.to_owned());
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
        let taker_fee = self.number("taker_fee", Bound::Share).unwrap_or_else(zero);
        let initial_rate = self.initial_rate(quantity.as_ref());
        let mut tiers = self.tiers(preset, venue);
        let per_unit = self.number("rate_per_unit", Bound::AtLeast);
        if let (Some(tiers), Some(per_unit), Some(quantity)) = (&mut tiers, per_unit, &quantity) {
            // A deduction keeps schedules continuous, and a rate that all tiers share does not change that.
            tiers.iter_mut().for_each(|tier| tier.rate += &per_unit * quantity);
        }
        if tiers.iter().flatten().any(|tier| &tier.rate + &taker_fee >= whole(1)) {
            self.wrong.tell("maintenance rate and `taker_fee` together must be below 1".to_owned());
        }
        let face = self.number("face", Bound::Above).unwrap_or_else(|| whole(1));
        let maintenance_at = self.choice("maintenance_at", &at).unwrap_or(MaintenanceAt::Mark);
        let cross_bankruptcy = self.choice("cross_bankruptcy", &bankruptcies).unwrap_or(usual);
        let score = self.score(venue);
        let other_maintenance = self.number("other_maintenance", Bound::AtLeast).unwrap_or_else(zero);
        let other_unrealised = self.number("other_unrealised", Bound::Any).unwrap_or_else(zero);
        let tick = self.number("tick", Bound::Above);
        let reserve = self.reserve();
        let contract_unit = self.contract_unit(contract);
        let limit = self.limit();
        Some(Ask {
            id: self.fields.id.clone(),
            account: self.fields.get("account").map(str::to_owned),
            symbol: self.fields.get("symbol").map(str::to_owned),
            contract,
            face,
            tiers: tiers?,
            trigger,
            maintenance_at,
            cross_bankruptcy,
            score,
            side: side?,
            quantity: quantity?,
            entry_price: entry_price?,
            mark_price: mark_price?,
            collateral,
            leverage,
            margin_mode,
            wallet,
            other_maintenance,
            other_unrealised,
            taker_fee,
            tick,
            initial_rate,
            reserve,
            contract_unit,
            limit,
        })
    }

    fn contract_unit(&mut self, contract: Contract) -> Option<Fraction> {
        let unit = self.number("contract_unit", Bound::Above)?;
        if contract == Contract::Linear {
            self.wrong.tell("`contract_unit` belongs to inverse contracts".to_owned());
        }
        Some(unit)
    }

    fn reserve(&mut self) -> Option<Reserve> {
        let rate = self.number("reserve_rate", Bound::Share);
        let amount = self.number("fee_reserve", Bound::AtLeast);
        if rate.is_some() && amount.is_some() {
            self.wrong.tell("`reserve_rate` and `fee_reserve` exclude each other".to_owned());
        }
        rate.map(Reserve::Rate).or(amount.map(Reserve::Amount))
    }

    /// The rate of `initial_rate` for this quantity and open interest: base + (1 − base)·(interest − lower) ÷ (upper −
    /// lower), from the base to 1 (dYdX v4, `liquidity_tier.go`).
    fn initial_rate(&mut self, quantity: Option<&Fraction>) -> Option<Fraction> {
        let base = self.number("initial_rate", Bound::Positive);
        let per_unit = self.number("initial_rate_per_unit", Bound::AtLeast);
        let interest = self.number("open_interest", Bound::AtLeast);
        let lower = self.number("open_interest_lower", Bound::AtLeast);
        let upper = self.number("open_interest_upper", Bound::AtLeast);
        let Some(base) = base else {
            let others = ["initial_rate_per_unit", "open_interest"];
            for key in others.into_iter().filter(|key| self.fields.get(key).is_some()) {
                self.wrong.tell(format!("`{key}` needs `initial_rate`"));
            }
            return None;
        };
        let base = base + per_unit.zip(quantity).map_or_else(zero, |(per_unit, quantity)| per_unit * quantity);
        match (interest, lower, upper) {
            (None, None, None) => Some(base),
            (Some(interest), Some(lower), Some(upper)) if lower < upper => {
                let beyond = ((interest - &lower) / (upper - lower)).max(zero());
                Some((&base + beyond * (whole(1) - &base)).min(whole(1)).max(base))
            }
            _ => {
                let fault = "`open_interest` needs `open_interest_lower` below `open_interest_upper`";
                self.wrong.tell(fault.to_owned());
                None
            }
        }
    }

    fn limit(&mut self) -> Option<Limit> {
        let spread = self.number("spread_to_maintenance", Bound::AtLeast);
        let adjustment = self.number("bankruptcy_adjustment", Bound::AtLeast);
        let words = [("bankruptcy", 0), ("zero_price", 1), ("fillable_price", 2)];
        self.choice("execution", &words).map(|word| match word {
            0 => Limit::Bankruptcy,
            1 => Limit::ZeroPrice,
            _ => Limit::Fillable {
                spread: spread.unwrap_or_else(|| whole(3) / whole(2)),
                adjustment: adjustment.unwrap_or_else(|| whole(1)),
            },
        })
    }

    fn score(&mut self, venue: Option<&Node>) -> Option<Score> {
        if let Some(kind) = self.fields.get("adl") {
            if !POLICIES.entries.iter().any(|entry| entry.kind == kind) {
                let known: Vec<&str> = POLICIES.entries.iter().map(|entry| entry.kind).collect();
                self.wrong.tell(format!("`adl` of \"{kind}\" is no ADL policy: {}", hint(kind, known)));
            }
            return Score::of_policy(kind, |_| None);
        }
        let Some(venue) = venue else { return Some(Score::ProfitLeverage) };
        let adl = venue.get("adl")?;
        Score::of_policy(&text_of(adl, "kind")?, |key| text_of(adl, key))
    }

    /// Own tiers, own rate, or those of the venue for the symbol.
    fn tiers(&mut self, preset: Option<&Preset>, venue: Option<&Node>) -> Option<Vec<Tier>> {
        let written = self.number("maintenance_rate", Bound::Share);
        let rate = if self.fields.get("maintenance_fraction").is_none() {
            written
        } else {
            if written.is_some() {
                self.wrong.tell("`maintenance_rate` and `maintenance_fraction` exclude each other".to_owned());
            }
            let fraction = self.needed("maintenance_fraction", Bound::Share);
            let initial = self.needed("initial_rate", Bound::Positive);
            fraction.zip(initial).map(|(fraction, initial)| fraction * initial)
        };
        let deduction = self.number("deduction", Bound::AtLeast);
        let tiers = match (&self.fields.tiers, rate, preset, venue) {
            (Some(_), Some(_), _, _) => Err("`tiers` and `maintenance_rate` exclude each other".to_owned()),
            (Some(_), None, _, _) if deduction.is_some() => {
                Err("`deduction` belongs to `maintenance_rate`; tiers have their own".to_owned())
            }
            (Some(tiers), None, _, _) => schedule(tiers),
            (None, Some(rate), _, _) => {
                let deduction = deduction.unwrap_or_else(zero);
                Ok(vec![Tier { floor: zero(), rate, deduction, max_leverage: None }])
            }
            (None, None, Some(_), Some(_)) if deduction.is_some() => {
                Err("`deduction` needs `maintenance_rate`".to_owned())
            }
            (None, None, Some(preset), Some(venue)) => {
                preset_tiers(preset, venue, self.fields.get("symbol")).and_then(|texts| schedule(&texts))
            }
            (None, None, _, _) => Err("`venue`, `tiers` or `maintenance_rate` is missing".to_owned()),
        };
        self.wrong.hear(tiers)
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
    presets::find(name.trim()).ok_or_else(|| {
        format!("`venue` of \"{name}\" is not known: {}", hint(name, PRESETS.iter().map(|preset| preset.name)))
    })
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
