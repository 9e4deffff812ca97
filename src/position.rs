//! A margin calculator: tier, margins, liquidation and bankruptcy price of one position, as exact fractions.
//!
//! All is a function of the account's equity along the price. With y = price for a linear contract and y = 1 ÷ price for
//! an inverse one, both are lines in y:
//!
//! equity(y) = balance + σ·Q·(y − y₀), with σ = side for linear and −side for inverse, Q = quantity × face,
//! maintenance(y) = max over tiers of (rate·Q·y − deduction).
//!
//! As maintenance is a maximum of lines, the first price of liquidation is the first over tiers of each line's own; no
//! search is needed. `src/venue/margin.rs` has the same in integers, and a test compares the two.

pub mod fraction;
mod score;
pub mod written;

pub use score::Score;
pub use written::{Fields, Wrong};

use fraction::{Fraction, show, whole, zero};

use crate::venue::presets::Contract;
use crate::venue::rules::Trigger;

/// Long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Long,
    Short,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginMode {
    /// The position stands alone with its collateral.
    Isolated,
    /// The wallet and all other positions stand behind it.
    Cross,
}

/// The price that maintenance is computed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenanceAt {
    Mark,
    /// Fixed when the position is opened (Bybit before September 2025, lfest).
    Entry,
}

/// How the equity of a cross account bears on the bankruptcy price of one of its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossBankruptcy {
    /// All of it: the price at which the account has nothing left (Binance).
    All,
    /// The share of the position in the account's maintenance margin (dYdX v4).
    Proportional,
}

/// The worst price of a forced order in the book, found at the mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    Bankruptcy,
    /// Lighter: a fill there leaves equity ÷ maintenance as it is.
    ZeroPrice,
    /// dYdX v4: from the mark by up to spread × maintenance, the nearer the account is to bankruptcy.
    Fillable {
        spread: Fraction,
        adjustment: Fraction,
    },
}

/// Money posted beside the collateral for the closing fee. It counts as equity and as maintenance alike, so it moves no
/// price (BitMEX: `posComm`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserve {
    Amount(Fraction),
    /// A share of entry value and collateral together.
    Rate(Fraction),
}

/// One tier: from `floor` of notional on, maintenance = rate × notional − deduction.
#[derive(Clone, Debug)]
pub struct Tier {
    pub floor: Fraction,
    pub rate: Fraction,
    pub deduction: Fraction,
    pub max_leverage: Option<Fraction>,
}

/// A checked question.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Label of the line, given back.
    pub id: Option<serde_json::Value>,
    /// Positions of one cross account in a table support each other.
    pub account: Option<String>,
    pub symbol: Option<String>,
    pub contract: Contract,
    /// What one contract is worth: 1 unit of the asset (linear) or of the quote currency (inverse).
    pub face: Fraction,
    /// From the lowest notional to the highest; at least one.
    pub tiers: Vec<Tier>,
    pub trigger: Trigger,
    pub maintenance_at: MaintenanceAt,
    pub cross_bankruptcy: CrossBankruptcy,
    /// The venue's ADL score; `None` where it does not rank by one.
    pub score: Option<Score>,
    pub side: Side,
    pub quantity: Fraction,
    pub entry_price: Fraction,
    pub mark_price: Fraction,
    pub collateral: Option<Fraction>,
    pub leverage: Option<Fraction>,
    pub margin_mode: MarginMode,
    pub wallet: Option<Fraction>,
    pub other_maintenance: Fraction,
    pub other_unrealised: Fraction,
    /// Counts as a part of the maintenance rate in the liquidation test (OKX, Gate).
    pub taker_fee: Fraction,
    pub tick: Option<Fraction>,
    /// Initial margin ÷ notional, where it is stated.
    pub initial_rate: Option<Fraction>,
    /// Money set aside for the closing fee, where it is asked for.
    pub reserve: Option<Reserve>,
    /// The unit that the value of one inverse contract is rounded to, where it is.
    pub contract_unit: Option<Fraction>,
    /// Which limit of a forced order is asked for.
    pub limit: Option<Limit>,
}

/// What there is to say about a position. `None` stands for a thing that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Value at the mark, in the settlement currency.
    pub notional: Fraction,
    /// The tier of that value, from 1.
    pub tier: usize,
    /// Notional ÷ leverage, or ÷ the greatest leverage of the tier.
    pub initial_margin: Option<Fraction>,
    pub maintenance_margin: Fraction,
    pub unrealised_pnl: Fraction,
    /// Of the account in cross margin.
    pub equity: Fraction,
    /// Equity ÷ maintenance margin, both of the account in cross margin; none without maintenance.
    pub margin_ratio: Option<Fraction>,
    /// The price at which equity is the maintenance margin.
    pub liquidation_price: Option<Fraction>,
    /// The price at which equity is 0.
    pub bankruptcy_price: Option<Fraction>,
    /// The first tick, in the direction of loss, at which the venue liquidates.
    pub liquidation_tick: Option<Fraction>,
    /// The last tick, in the direction of loss, at which equity is 0 or more.
    pub bankruptcy_tick: Option<Fraction>,
    pub effective_leverage: Option<Fraction>,
    pub adl_score: Option<Fraction>,
    /// The worst price of a forced order, where one was asked for.
    pub limit_price: Option<Option<Fraction>>,
    /// What is set aside for the closing fee, where one was asked for.
    pub fee_reserve: Option<Fraction>,
}

impl Ask {
    /// y of a price. The value of a rounded contract is that of the nearest unit, ties up.
    fn coordinate(&self, price: &Fraction) -> Fraction {
        match (self.contract, &self.contract_unit) {
            (Contract::Linear, _) => price.clone(),
            (Contract::Inverse, None) => price.recip(),
            (Contract::Inverse, Some(unit)) => {
                let half = whole(1) / whole(2);
                (&self.face / price / unit + half).floor() * unit / &self.face
            }
        }
    }

    /// The price of y, where it is above 0. Of rounded contracts the last value that is no nearer to bankruptcy counts:
    /// BitMEX posts `⌊1e8 ÷ ⌈value of a contract⌉⌋` of a short.
    fn price(&self, y: &Fraction) -> Option<Fraction> {
        let y = match &self.contract_unit {
            None => y.clone(),
            Some(unit) => {
                let units = y * &self.face / unit;
                (if self.rises() { units.ceil() } else { units.floor() }) * unit / &self.face
            }
        };
        (y > zero()).then(|| match self.contract {
            Contract::Linear => y,
            Contract::Inverse => y.recip(),
        })
    }

    /// Whether equity rises with y.
    fn rises(&self) -> bool {
        (self.side == Side::Long) == (self.contract == Contract::Linear)
    }

    /// Units of value for each y: quantity × face.
    fn units(&self) -> Fraction {
        &self.quantity * &self.face
    }

    fn value(&self, price: &Fraction) -> Fraction {
        self.units() * self.coordinate(price)
    }

    #[must_use]
    pub fn unrealised(&self) -> Fraction {
        let gain = self.units() * (self.coordinate(&self.mark_price) - self.coordinate(&self.entry_price));
        if self.rises() { gain } else { -gain }
    }

    /// Cash behind the position, without any unrealised profit. Isolated: the collateral, or entry value ÷ leverage.
    /// Cross: the wallet and whatever collateral is posted beside it.
    fn balance(&self) -> Fraction {
        let by_leverage =
            || self.leverage.as_ref().map_or_else(zero, |leverage| self.value(&self.entry_price) / leverage);
        match (self.margin_mode, &self.collateral, &self.wallet) {
            (MarginMode::Isolated, Some(collateral), _) => collateral.clone(),
            (MarginMode::Isolated, None, _) | (MarginMode::Cross, None, None) => by_leverage(),
            (MarginMode::Cross, Some(collateral), wallet) => collateral + wallet.clone().unwrap_or_else(zero),
            (MarginMode::Cross, None, Some(wallet)) => wallet.clone(),
        }
    }

    fn tier_at(&self, notional: &Fraction) -> usize {
        self.tiers.iter().skip(1).take_while(|tier| tier.floor <= *notional).count()
    }

    fn maintenance_of(&self, notional: &Fraction) -> Fraction {
        let tier = &self.tiers[self.tier_at(notional)];
        &tier.rate * notional - &tier.deduction
    }

    /// What is set aside for the closing fee.
    fn fee_reserve(&self) -> Option<Fraction> {
        self.reserve.as_ref().map(|reserve| match reserve {
            Reserve::Amount(amount) => amount.clone(),
            Reserve::Rate(rate) => rate * (self.value(&self.entry_price) + self.balance()),
        })
    }

    /// Maintenance margin of the position at its mark, with what is set aside for the closing fee.
    #[must_use]
    pub fn maintenance(&self) -> Fraction {
        self.bare_maintenance() + self.fee_reserve().unwrap_or_else(zero)
    }

    /// The same without the reserve.
    fn bare_maintenance(&self) -> Fraction {
        match self.maintenance_at {
            MaintenanceAt::Mark => self.maintenance_of(&self.value(&self.mark_price)),
            MaintenanceAt::Entry => self.maintenance_of(&self.value(&self.entry_price)),
        }
    }

    /// What others of the account add to equity and to maintenance.
    fn others(&self) -> (Fraction, Fraction) {
        match self.margin_mode {
            MarginMode::Isolated => (zero(), zero()),
            MarginMode::Cross => (self.other_unrealised.clone(), self.other_maintenance.clone()),
        }
    }

    /// Where balance + σQ(y − y₀) = rate·Q·y + constant, over all lines of maintenance the first in the direction of loss.
    fn liquidation(&self, balance: &Fraction, other_maintenance: &Fraction) -> Option<Fraction> {
        let units = self.units();
        let start = &units * self.coordinate(&self.entry_price);
        let lines: Vec<(Fraction, Fraction)> = match self.maintenance_at {
            MaintenanceAt::Mark => {
                self.tiers.iter().map(|tier| (&tier.rate + &self.taker_fee, -tier.deduction.clone())).collect()
            }
            MaintenanceAt::Entry => vec![(self.taker_fee.clone(), self.bare_maintenance())],
        };
        let one = whole(1);
        let crossings = lines.into_iter().map(|(rate, constant)| {
            if self.rises() {
                (&start - balance + constant + other_maintenance) / (&units * (&one - rate))
            } else {
                (balance + &start - constant - other_maintenance) / (&units * (&one + rate))
            }
        });
        let first = if self.rises() { crossings.max() } else { crossings.min() };
        self.price(&first?)
    }

    /// Where the equity that bears on this position is used up.
    fn bankruptcy(&self, balance: &Fraction, equity: &Fraction, maintenance: &Fraction) -> Option<Fraction> {
        let (from, equity) = match (self.margin_mode, self.cross_bankruptcy) {
            (MarginMode::Cross, CrossBankruptcy::Proportional) => {
                let all = maintenance + &self.other_maintenance;
                if all == zero() {
                    return None;
                }
                (&self.mark_price, equity * maintenance / all)
            }
            _ => (&self.entry_price, balance.clone()),
        };
        let step = equity / self.units();
        let from = self.coordinate(from);
        self.price(&if self.rises() { from - step } else { from + step })
    }

    /// The limit of a forced order at the mark; `None` where there is no such price.
    fn limit_price(&self, limit: &Limit, equity: &Fraction, answered: &Answer) -> Option<Fraction> {
        let y = self.coordinate(&self.mark_price);
        let all = &answered.maintenance_margin + self.others().1;
        if all == zero() {
            return None;
        }
        // In y, against the position.
        let distance = match limit {
            Limit::Bankruptcy => return answered.bankruptcy_price.clone(),
            // y·rate·equity ÷ maintenance (docs.lighter.xyz, "Liquidations").
            Limit::ZeroPrice => &y * &self.tiers[answered.tier - 1].rate * equity / all,
            // clamp(adjustment·(1 − equity ÷ maintenance), 0, 1)·spread·maintenance of the position, for each unit
            // (v4-chain@84d4664, protocol/x/clob/keeper/liquidations.go).
            Limit::Fillable { spread, adjustment } => {
                let near = (adjustment * (whole(1) - equity / all)).max(zero()).min(whole(1));
                near * spread * &answered.maintenance_margin / self.units()
            }
        };
        self.price(&if self.rises() { y - distance } else { y + distance })
    }

    /// The first tick in the direction of loss at which the test holds.
    fn liquidation_tick(&self, price: &Fraction) -> Option<Fraction> {
        let tick = self.tick.as_ref()?;
        let ticks = price / tick;
        let one = whole(1);
        if self.contract_unit.is_some() {
            // As posted: towards the mark.
            return self.bankruptcy_tick(price);
        }
        let ticks = match (self.side, self.trigger) {
            (Side::Long, Trigger::Below) => ticks.ceil() - one,
            (Side::Long, Trigger::AtOrBelow) => ticks.floor(),
            (Side::Short, Trigger::Below) => ticks.floor() + one,
            (Side::Short, Trigger::AtOrBelow) => ticks.ceil(),
        };
        (ticks > zero()).then(|| ticks * tick)
    }

    /// The last tick in the direction of loss at which equity is 0 or more.
    fn bankruptcy_tick(&self, price: &Fraction) -> Option<Fraction> {
        let tick = self.tick.as_ref()?;
        let ticks = price / tick;
        let ticks = if self.side == Side::Long { ticks.ceil() } else { ticks.floor() };
        (ticks > zero()).then(|| ticks * tick)
    }

    /// Computes all of it.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let notional = self.value(&self.mark_price);
        let tier = self.tier_at(&notional);
        let (other_unrealised, other_maintenance) = self.others();
        let unrealised_pnl = self.unrealised();
        let behind = self.balance() + other_unrealised;
        // A reserve for the closing fee counts on both sides of the test and is gone at bankruptcy.
        let fee_reserve = self.fee_reserve();
        let bare = &behind + &unrealised_pnl;
        let equity = &bare + fee_reserve.clone().unwrap_or_else(zero);
        let maintenance_margin = self.maintenance();
        let all_maintenance = &maintenance_margin + &other_maintenance;
        let leverage = self.leverage.as_ref().or(self.tiers[tier].max_leverage.as_ref());
        let per_equity = |amount: Fraction| (equity > zero()).then(|| amount / &equity);
        let liquidation_price = self.liquidation(&behind, &other_maintenance);
        let bankruptcy_price = self.bankruptcy(&behind, &bare, &maintenance_margin);
        let adl_score = self.score.and_then(|score| score.of(self, &equity, &maintenance_margin));
        let by_rate = self.initial_rate.as_ref().map(|rate| &notional * rate);
        let mut answer = Answer {
            tier: tier + 1,
            initial_margin: by_rate.or_else(|| leverage.map(|leverage| &notional / leverage)),
            limit_price: None,
            margin_ratio: (all_maintenance > zero()).then(|| &equity / &all_maintenance),
            effective_leverage: per_equity(notional.clone()),
            liquidation_tick: liquidation_price.as_ref().and_then(|price| self.liquidation_tick(price)),
            bankruptcy_tick: bankruptcy_price.as_ref().and_then(|price| self.bankruptcy_tick(price)),
            notional,
            maintenance_margin,
            unrealised_pnl,
            equity,
            liquidation_price,
            bankruptcy_price,
            adl_score,
            fee_reserve,
        };
        if let Some(limit) = &self.limit {
            answer.limit_price = Some(self.limit_price(limit, &answer.equity, &answer));
        }
        answer
    }
}

/// Lets the cross positions of one account support each other: each gets the maintenance and profit of the others.
pub fn join_accounts(asks: &mut [Ask]) {
    let shared = |ask: &Ask| ask.margin_mode == MarginMode::Cross && ask.account.is_some();
    let sums: Vec<Option<(Fraction, Fraction)>> = asks
        .iter()
        .enumerate()
        .map(|(i, ask)| {
            let others =
                asks.iter().enumerate().filter(|(j, other)| *j != i && shared(other) && other.account == ask.account);
            shared(ask).then(|| {
                others.fold((zero(), zero()), |(maintenance, profit), (_, other)| {
                    (maintenance + other.maintenance(), profit + other.unrealised())
                })
            })
        })
        .collect();
    for (ask, sum) in asks.iter_mut().zip(sums) {
        if let Some((maintenance, profit)) = sum {
            ask.other_maintenance += maintenance;
            ask.other_unrealised += profit;
        }
    }
}

impl Answer {
    /// Names and values in the order of the documentation; numbers as decimals of at most 20 digits.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Option<String>)> {
        let some = |value: &Fraction| Some(show(value));
        let maybe = |value: &Option<Fraction>| value.as_ref().map(show);
        let mut fields = vec![
            ("notional", some(&self.notional)),
            ("tier", Some(self.tier.to_string())),
            ("initial_margin", maybe(&self.initial_margin)),
            ("maintenance_margin", some(&self.maintenance_margin)),
            ("unrealised_pnl", some(&self.unrealised_pnl)),
            ("equity", some(&self.equity)),
            ("margin_ratio", maybe(&self.margin_ratio)),
            ("liquidation_price", maybe(&self.liquidation_price)),
            ("bankruptcy_price", maybe(&self.bankruptcy_price)),
            ("liquidation_tick", maybe(&self.liquidation_tick)),
            ("bankruptcy_tick", maybe(&self.bankruptcy_tick)),
            ("effective_leverage", maybe(&self.effective_leverage)),
            ("adl_score", maybe(&self.adl_score)),
        ];
        // Only where it was asked for.
        fields.extend(self.limit_price.as_ref().map(|price| ("limit_price", maybe(price))));
        fields.extend(self.fee_reserve.as_ref().map(|reserve| ("fee_reserve", some(reserve))));
        fields
    }

    /// One JSON object; the label of the line stands first where it has one.
    #[must_use]
    pub fn json(&self, id: Option<&serde_json::Value>) -> String {
        let id = id.map(|id| format!("\"id\": {id}"));
        let fields = self.fields().into_iter().map(|(name, value)| {
            // A printed fraction is a JSON number as it stands, but readers refuse what a float cannot hold.
            let beyond = |text: &String| {
                text.rsplit_once('e').and_then(|(_, exponent)| exponent.parse().ok()).is_some_and(|e: i32| e > 300)
            };
            match value {
                Some(text) if beyond(&text) => format!("\"{name}\": \"{text}\""),
                value => format!("\"{name}\": {}", value.unwrap_or_else(|| "null".to_owned())),
            }
        });
        let fields: Vec<String> = id.into_iter().chain(fields).collect();
        format!("{{{}}}", fields.join(", "))
    }

    /// From the mark to a price, in percent of the mark.
    #[must_use]
    pub fn distance_pct(price: &Option<Fraction>, mark: &Fraction) -> Option<String> {
        // A tenth of a basis point is enough for the eye.
        price.as_ref().map(|price| show(&(((price - mark) * whole(100_000) / mark).round() / whole(1_000))))
    }
}

#[cfg(test)]
mod tests;
