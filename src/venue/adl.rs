//! ADL policies: which winners close against losers that the book and the fund cannot carry.
//!
//! A policy proposes; the venue decides who is eligible, matches losers and posts. A [`Ranking`] closes winners whole,
//! best score first; a [`Sharing`] takes a part from each. Formulas and their sources stand in the file of each policy.

use std::fmt::Debug;

use super::margin::Tiers;
use crate::facts::Side;
use crate::money::{Cash, Price, Qty};
use crate::registry::{Entry, EntryInfo, FamilyInfo, plug_ins};

/// A winner as a policy sees it, with the mark frozen at the last refresh.
#[derive(Clone, Copy, Debug)]
pub struct Winner {
    pub account: u32,
    pub qty: Qty,
    pub cost: Cash,
    pub collateral: Cash,
    /// Value at the mark, signed like `qty`.
    pub value: Cash,
    /// Maintenance margin at the mark, rounded up.
    pub maintenance: Cash,
    /// Sequence number of the opening of the position: lower is older. By it the venue finds the position.
    pub opened: u32,
}

impl Winner {
    #[must_use]
    pub fn unrealised(&self) -> Cash {
        self.value - self.cost
    }

    #[must_use]
    pub fn equity(&self) -> Cash {
        self.collateral + self.unrealised()
    }
}

/// What holds for all winners of one round.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Longs where the value of a winner grows with its profit, shorts where it falls: of an inverse contract, whose longs
    /// are worth fewer coins when they gain, the other side than that of its lots.
    pub side: Side,
    /// Mark frozen at the last refresh.
    pub mark: Price,
    /// Worst ADL price of the round for a winner: the highest for shorts, the lowest for longs.
    pub price: Price,
    /// Lots that all losers of the round need placed.
    pub needed: Qty,
    /// Value of those lots, each at its loser's ADL price; positive.
    pub cash: Cash,
    /// Accounts of the venue, numbered from 0.
    pub accounts: u32,
    /// Differs from round to round and from path to path, and is the same whenever a path is replayed.
    pub salt: u64,
}

/// What a holder gains by splitting an account in two, each with half of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sybil {
    /// Nothing: both halves together give what the whole gave, up to rounding to lots.
    Resistant,
    /// There are rounds in which the halves together give less than the whole.
    Splittable,
}

/// A policy that closes winners whole, best score first. Ties go to the lower account id.
pub trait Ranking: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn Ranking>;

    fn sybil(&self) -> Sybil;

    fn score(&self, winner: &Winner, round: &Round) -> i128;

    /// Whether scores ask for [`Winner::maintenance`]; a policy that says no is shown none, which spares a division a winner.
    fn asks_for_maintenance(&self) -> bool {
        true
    }

    /// What its score moves with: a search divides positions by these, and opens few where the bounds of small regions
    /// lie near the scores in them.
    fn axes(&self) -> &'static [Axis] {
        &[Axis::Cost, Axis::Collateral]
    }

    /// An upper bound of the score of any eligible winner in a region; `None` where none can be eligible. A policy that
    /// cannot bound its score returns `i128::MAX`, and then everybody is looked at.
    fn bound(&self, _region: &Region<'_>, _round: &Round) -> Option<i128> {
        Some(i128::MAX)
    }
}

/// What positions are told apart by where a search divides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Cost per lot.
    Cost,
    /// Collateral per lot.
    Collateral,
    Lots,
    /// The order of their opening, which is that of their accounts.
    Opened,
}

/// Winners with these costs and collaterals per lot (least, greatest), at one mark.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    pub side: Side,
    pub cost_per_lot: (i64, i64),
    pub collateral_per_lot: (i64, i64),
    /// Value of a lot at the mark.
    pub value_per_lot: i64,
    /// Lots of the largest position.
    pub most_lots: i64,
    /// Tiers of the contract.
    pub tiers: &'a Tiers,
    /// Sequence number of the oldest position.
    pub oldest: u32,
    /// First and last account.
    pub accounts: (u32, u32),
}

impl Region<'_> {
    /// Greatest maintenance margin per lot, rounded up: that of the largest position, since maintenance is convex in
    /// notional and 0 at 0.
    #[must_use]
    pub fn most_maintenance(&self) -> i128 {
        let (value, lots) = (i128::from(self.value_per_lot), i128::from(self.most_lots.max(1)));
        match i64::try_from(value * lots) {
            // Rounded up twice, as a winner's is rounded up to a whole unit before it is divided by its lots.
            Ok(most) => div_ceil(i128::from(self.tiers.maintenance(Cash(most)).0), lots) + 1,
            Err(_) => value,
        }
    }

    /// Greatest unrealised profit per lot.
    #[must_use]
    pub fn most_profit(&self) -> i128 {
        let value = i128::from(self.value_per_lot);
        match self.side {
            Side::Long => value - i128::from(self.cost_per_lot.0),
            Side::Short => i128::from(self.cost_per_lot.1) - value,
        }
    }

    /// Least equity per lot.
    #[must_use]
    pub fn least_equity(&self) -> i128 {
        let value = i128::from(self.value_per_lot);
        let profit = match self.side {
            Side::Long => value - i128::from(self.cost_per_lot.1),
            Side::Short => i128::from(self.cost_per_lot.0) - value,
        };
        i128::from(self.collateral_per_lot.0) + profit
    }

    /// Greatest effective leverage in billionths, rounded up; `None` where equity may be 0 or less.
    #[must_use]
    pub fn most_leverage(&self) -> Option<i128> {
        let equity = self.least_equity();
        (equity > 0).then(|| billionths_ceil(i128::from(self.value_per_lot), equity))
    }

    /// Greatest unrealised profit ÷ cost in billionths, rounded up; `None` where the cost may be 0.
    #[must_use]
    pub fn most_gain(&self) -> Option<i128> {
        // At a given value the ratio rises with the cost of a short and falls with that of a long.
        let cost = match self.side {
            Side::Long => self.cost_per_lot.0,
            Side::Short => self.cost_per_lot.1,
        };
        (cost > 0).then(|| billionths_ceil(self.most_profit(), i128::from(cost)))
    }
}

/// A policy that takes a part from every winner; all fill at the quantity-weighted price of the round.
pub trait Sharing: Send + Sync + Debug {
    fn boxed_clone(&self) -> Box<dyn Sharing>;

    fn sybil(&self) -> Sybil;

    /// Whether the policy shares out haircuts, which are all 0 where the ADL price is the mark.
    fn price_need(&self) -> PriceNeed {
        PriceNeed::Any
    }

    /// Writes the lots taken from each winner (in account order); they sum to the lesser of what the round needs and all
    /// there is. [`Shares`] works them out from a weight of each winner.
    fn share(&self, winners: &[Winner], round: &Round, shares: &mut Shares);
}

/// Which ADL prices a policy makes sense at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceNeed {
    Any,
    /// Any price but the mark: the policy equalises haircuts, and at the mark there are none.
    OffMark,
}

/// An ADL policy of either kind.
#[derive(Debug)]
pub enum Policy {
    Ranking(Box<dyn Ranking>),
    Sharing(Box<dyn Sharing>),
}

impl Policy {
    #[must_use]
    pub fn sybil(&self) -> Sybil {
        match self {
            Self::Ranking(policy) => policy.sybil(),
            Self::Sharing(policy) => policy.sybil(),
        }
    }

    #[must_use]
    pub fn price_need(&self) -> PriceNeed {
        match self {
            Self::Ranking(_) => PriceNeed::Any,
            Self::Sharing(policy) => policy.price_need(),
        }
    }

    /// Lots taken from each of the eligible winners, in the order of `winners`. This is the definition that the venue's
    /// search for the best winners must agree with, and what a calculator shows.
    #[must_use]
    pub fn plan(&self, winners: &[Winner], round: &Round) -> Vec<Qty> {
        let mut order: Vec<usize> = (0..winners.len()).collect();
        let mut plan = vec![Qty::ZERO; winners.len()];
        match self {
            Self::Ranking(policy) => {
                order.sort_by_key(|&i| (std::cmp::Reverse(policy.score(&winners[i], round)), winners[i].account));
                let mut left = round.needed;
                for i in order {
                    plan[i] = left.min(winners[i].qty.abs());
                    left -= plan[i];
                }
            }
            Self::Sharing(policy) => {
                order.sort_by_key(|&i| winners[i].account);
                let sorted: Vec<Winner> = order.iter().map(|&i| winners[i]).collect();
                let mut shares = Shares::default();
                policy.share(&sorted, round, &mut shares);
                for (i, lots) in order.into_iter().zip(shares.lots) {
                    plan[i] = lots;
                }
            }
        }
        plan
    }
}

impl Clone for Policy {
    fn clone(&self) -> Self {
        match self {
            Self::Ranking(policy) => Self::Ranking(policy.boxed_clone()),
            Self::Sharing(policy) => Self::Sharing(policy.boxed_clone()),
        }
    }
}

/// Ratios in scores are rounded down to billionths.
const BILLION: i128 = 1_000_000_000;
const BILLION_64: u64 = 1_000_000_000;

/// Effective leverage in billionths: |value at the mark| ÷ equity; `None` where equity is 0 or less, which ranks last.
fn leverage(winner: &Winner) -> Option<i128> {
    leverage_in(BILLION_64, winner)
}

/// The same in such parts of 1, rounded down.
fn leverage_in(parts: u64, winner: &Winner) -> Option<i128> {
    let equity = winner.equity();
    (equity.0 > 0).then(|| ratio_in(parts, winner.value, equity))
}

/// Unrealised profit ÷ cost in billionths, rounded down.
fn gain(winner: &Winner) -> i128 {
    billionths_floor(winner.unrealised(), winner.cost)
}

/// ⌊|part| ÷ |whole|⌋ in billionths; of 0 as of 1.
#[inline]
fn billionths(part: Cash, whole: Cash) -> i128 {
    ratio_in(BILLION_64, part, whole)
}

/// The same in such parts of 1.
#[inline]
fn ratio_in(parts: u64, part: Cash, whole: Cash) -> i128 {
    let (part, whole) = (part.0.unsigned_abs(), whole.0.unsigned_abs().max(1));
    // The usual case: a division of 64 bits takes a fraction of the time of one of 128.
    let quotient = match part.checked_mul(parts) {
        Some(product) => u128::from(product / whole),
        None => u128::from(part) * u128::from(parts) / u128::from(whole),
    };
    quotient.cast_signed()
}

/// part ÷ |whole| in billionths, rounded down; of 0 as of 1.
#[inline]
fn billionths_floor(part: Cash, whole: Cash) -> i128 {
    if part.0 >= 0 {
        return billionths(part, whole);
    }
    div_floor(i128::from(part.0) * BILLION, i128::from(whole.0).abs().max(1))
}

/// ⌈part ÷ whole⌉ in billionths. The whole must not be zero.
#[inline]
fn billionths_ceil(part: i128, whole: i128) -> i128 {
    // The usual case: a division of 64 bits takes a fraction of the time of one of 128.
    if let (Ok(part), Ok(whole)) = (u64::try_from(part), u64::try_from(whole))
        && let Some(product) = part.checked_mul(1_000_000_000)
    {
        return i128::from(product.div_ceil(whole));
    }
    div_ceil(part * BILLION, whole)
}

/// The product of two factors of a score.
#[inline]
fn product(a: i128, b: i128) -> i128 {
    // The usual case: of two words no product overflows, and one multiplication makes it.
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => i128::from(a) * i128::from(b),
        _ => a * b,
    }
}

#[cfg(test)]
mod conformance;
mod water_filling;

pub use water_filling::Shares;

use crate::money::{div_ceil, div_floor};

plug_ins! {
    /// All ADL policies. One line a policy.
    POLICIES: Policy, &INFO, [
        profit_leverage,
        pro_rata,
        binance,
        hyperliquid,
        pnl_ratio,
        entry_price,
        largest_profit,
        largest_position,
        fifo,
        random,
        capped_pro_rata,
        risk_aware_pro_rata,
        min_max,
        leverage_levelling,
    ]
}

pub static INFO: FamilyInfo = FamilyInfo {
    name: "ADL policy",
    about: "Which winners are deleveraged, and by how much.",
    entries: || POLICIES.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: true,
};
