//! A power-law book with impact, resilience, withdrawal of quotes and a permanent share.
//!
//! Its state is one signed displacement x of the mid from the index I: mid = I·(1 + x). Notional that stands between
//! the index and x: N(x) = sgn(x)·D·(|x|/1 %)^κ, D the depth of one side within 1 %. An order with reference notional
//! V = lots·I moves x to N⁻¹(N(x) ± V/W), W the withdrawal factor, and trades at the mean of I·(1 + x) over that move in
//! N, less (sells) or plus (buys) the half-spread h·I. As G(N) = |N|·|x|·κ/(κ + 1) is the integral of x dN, its value is
//!
//!   V ± W·[G(N₁) − G(N₀)] ± h·V,
//!
//! exact also where x passes 0 (N is odd, G is even), additive over immediate parts, increasing and convex for a buyer,
//! increasing and concave for a seller: marginal prices I·(1 + x ± h) are positive and monotone.
//!
//! Quotes far from the mid may stay while those near it leave: beyond a distance u the factor is w = max(W, s) in place of W.
//! Then V = ∫ w dN over the move, and G is replaced by E(N) = ∫ x·w dN: both are of two pieces that join at N(u).
//!
//! Everything is in tick·lots, so D is divided by the value of one tick·lot. Exponent: κ has median 1.16 (quartiles
//! 1.05 and 1.36) in recorded books and 1/κ agrees with the exponent of returns in volume; see `docs/methods.md`.

use std::collections::VecDeque;
use std::sync::Arc;

mod ahead;

use super::{Book, Offer, Place, Reference, Refresh, SLACK, Taker};
use crate::market::distribution::{DISTRIBUTION_INFO, DISTRIBUTIONS, Distribution};
use crate::market::math;
use crate::money::{Cash, Nanos};
use crate::registry::{Entry, Key, Need, Shape, Values};
use ahead::Ahead;

/// Checked parameters.
#[derive(Clone, Copy, Debug)]
struct Parameters {
    /// D in the settlement currency.
    depth_1pct: f64,
    kappa: f64,
    half_life_s: f64,
    /// Share of a decay that enters the index.
    permanent: f64,
    /// h at full depth, as a share of the index.
    half_spread: f64,
    /// η of h = h₀·W^(−η).
    spread_widening: f64,
    max_displacement: f64,
    withdrawal: Option<Withdrawal>,
    standing: Option<Standing>,
    extent: Extent,
}

/// W = floor + (1 − floor)/(1 + (|r|/r½)^p + (v/v½)^p).
///
/// r is the log return of the index over the window, v the notional executed in it ÷ D; r½ and v½ each halve the depth
/// alone. Smooth, without a threshold, 1 where nothing happened; no kink was found in records.
#[derive(Clone, Copy, Debug)]
struct Withdrawal {
    floor: f64,
    window_s: f64,
    half_return: f64,
    half_volume: f64,
    exponent: f64,
}

/// Quotes that stay beyond a distance from the index.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// u, as a share of the index.
    from: f64,
    /// s, least share of the depth that is left there.
    share: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Finite,
    /// Orders never move the price; spread and withdrawal go on.
    Infinite,
}

const WITHDRAWAL: &[(&str, &str)] = &[
    (
        "smooth",
        "depth left = floor + (1 − floor)/(1 + (|return|/withdrawal_return)^p + (executed/withdrawal_volume)^p)",
    ),
    ("off", "depth stays whole"),
];

pub const ENTRY: Entry<dyn Book> = Entry {
    kind: "depth",
    about: "power-law depth with impact that decays, quotes that are withdrawn under stress, and a permanent share",
    keys: &[
        Key {
            name: "depth_1pct",
            shape: Shape::Positive { unit: "settlement currency" },
            need: Need::Required,
            about: "notional of one side within 1 % of the mid in calm times",
        },
        Key {
            name: "depth_factor",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Default("1"),
            about: "what a path multiplies `depth_1pct` by, and divides `flow_impact` by: how deep the book of the day is",
        },
        Key {
            name: "kappa",
            shape: Shape::Number { unit: "", min: 0.5, max: 3.0 },
            need: Need::Default("1.16"),
            about: "exponent of cumulative depth: notional within u of the mid grows as u to the power kappa",
        },
        Key {
            name: "half_life",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Default("\"60 s\""),
            about: "time in which half of the consumed notional is quoted again",
        },
        Key {
            name: "permanent",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0.1"),
            about: "share of a displacement that enters the index as it decays",
        },
        Key {
            name: "half_spread",
            shape: Shape::Share { min: 0.0, max: 0.1 },
            need: Need::Default("0.0001"),
            about: "half the distance of best bid and best ask in calm times, as a share of the index",
        },
        Key {
            name: "spread_widening",
            shape: Shape::Number { unit: "", min: 0.0, max: 2.0 },
            need: Need::Default("0.5"),
            about: "exponent with which the spread widens as depth is withdrawn: half-spread times depth left to the power minus this",
        },
        Key {
            name: "max_displacement",
            shape: Shape::Share { min: 0.01, max: 0.9 },
            need: Need::Default("0.5"),
            about: "greatest displacement from the index, as a share of it; nothing fills beyond",
        },
        Key {
            name: "withdrawal",
            shape: Shape::Choice(WITHDRAWAL),
            need: Need::Default("\"smooth\""),
            about: "whether quotes are withdrawn under stress",
        },
        Key {
            name: "withdrawal_floor",
            shape: Shape::Share { min: 0.000_001, max: 1.0 },
            need: Need::Default("0.01"),
            about: "least share of depth that is left",
        },
        Key {
            name: "withdrawal_window",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Default("\"5 min\""),
            about: "time over which the return of the index and executed notional count",
        },
        Key {
            name: "withdrawal_return",
            shape: Shape::Share { min: 0.000_001, max: 10.0 },
            need: Need::Default("0.01"),
            about: "move of the log index over the window that alone halves the depth",
        },
        Key {
            name: "withdrawal_volume",
            shape: Shape::Positive { unit: "depth_1pct" },
            need: Need::Default("1.5"),
            about: "notional executed by forced orders over the window that alone halves the depth",
        },
        Key {
            name: "withdrawal_exponent",
            shape: Shape::Number { unit: "", min: 0.5, max: 8.0 },
            need: Need::Default("2.0"),
            about: "how sharply depth falls beyond these: p in the formula",
        },
        Key {
            name: "standing_share",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0"),
            about: "least share of the depth beyond `standing_from` that is left, whatever is withdrawn nearer by",
        },
        Key {
            name: "standing_from",
            shape: Shape::Share { min: 0.000_1, max: 0.9 },
            need: Need::Default("0.04"),
            about: "distance from the index beyond which `standing_share` of the depth stays",
        },
    ],
    build: |values, reading| {
        let factor = DISTRIBUTIONS.choose(&values.node("depth_factor"), reading)?;
        let (least, greatest) = factor.support();
        if least < LEAST_FACTOR || (greatest > 1.0 / LEAST_FACTOR && greatest.is_finite()) {
            let wrong = if least < LEAST_FACTOR { least } else { greatest };
            reading.fault(
                &values.span("depth_factor"),
                format!("`depth_factor` can become {wrong}"),
                format!(
                    "every value must be from {LEAST_FACTOR} to {}: cut the distribution by its `min` and `max`",
                    1.0 / LEAST_FACTOR
                ),
            );
            return None;
        }
        let withdrawal = (values.text("withdrawal") == "smooth").then(|| Withdrawal {
            floor: values.number("withdrawal_floor"),
            window_s: values.time("withdrawal_window").seconds(),
            half_return: values.number("withdrawal_return"),
            half_volume: values.number("withdrawal_volume"),
            exponent: values.number("withdrawal_exponent"),
        });
        let parameters = Parameters {
            depth_1pct: values.number("depth_1pct"),
            kappa: values.number("kappa"),
            half_life_s: values.time("half_life").seconds(),
            permanent: values.number("permanent"),
            half_spread: values.number("half_spread"),
            spread_widening: values.number("spread_widening"),
            max_displacement: values.number("max_displacement"),
            standing: withdrawal.and_then(|_| Standing::of(values)),
            withdrawal,
            extent: Extent::Finite,
        };
        // A factor that is always 1 is none, so that nothing is drawn for it.
        let factor = ((least, greatest) != (1.0, 1.0)).then(|| Arc::from(factor));
        Some(Box::new(Depth { factor_law: factor, ..Depth::new(parameters) }))
    },
};

/// Least `depth_factor`, and the inverse of the greatest.
const LEAST_FACTOR: f64 = 0.000_1;

impl Standing {
    fn of(values: &Values) -> Option<Self> {
        let share = values.number("standing_share");
        (share > 0.0).then(|| Self { from: values.number("standing_from"), share })
    }
}

/// Depth is quoted for a move of 1 %.
const UNIT: f64 = 0.01;

#[derive(Clone, Debug)]
struct Depth {
    parameters: Parameters,
    /// What a path multiplies D by; `None` where that is always 1.
    factor_law: Option<Arc<dyn Distribution>>,
    factor: f64,
    inverse_kappa: f64,
    /// κ/(κ + 1).
    integral_share: f64,
    reference: Reference,
    /// D in tick·lots.
    depth: f64,
    /// N at the greatest displacement, in tick·lots.
    limit: f64,
    /// N at the distance from which on quotes stay.
    standing: f64,
    at: Place,
    withdrawn: f64,
    /// h, once somebody has asked for it since the last refresh.
    half_spread: Option<f64>,
    /// Seconds since the start of the path, at the last refresh.
    now_s: f64,
    /// Reference notional of all orders so far, in tick·lots.
    executed: f64,
    /// Refreshes within the window: time, ln of the index, executed notional. The first one is the last at or before
    /// the start of the window.
    history: VecDeque<(f64, f64, f64)>,
    /// Where orders to come will leave the book, as far as they have been told of.
    ahead: Ahead,
    /// The last elapsed time and the factor of N over it: refreshes are nearly always equally far apart.
    decay: (f64, f64),
}

impl Depth {
    fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            factor_law: None,
            factor: 1.0,
            inverse_kappa: 1.0 / parameters.kappa,
            integral_share: parameters.kappa / (parameters.kappa + 1.0),
            reference: Reference::PerTickLot(1.0),
            depth: 0.0,
            limit: 0.0,
            standing: 0.0,
            at: Place::default(),
            withdrawn: 1.0,
            half_spread: Some(parameters.half_spread),
            now_s: 0.0,
            executed: 0.0,
            history: VecDeque::new(),
            ahead: Ahead::default(),
            decay: (0.0, 1.0),
        }
    }

    /// The same book with other parameters.
    fn with(&self, parameters: Parameters) -> Box<dyn Book> {
        Box::new(Self { factor_law: self.factor_law.clone(), ..Self::new(parameters) })
    }

    /// x = sgn(N)·1 %·(|N|/D)^(1/κ).
    #[inline]
    fn displacement_at(&self, moved: f64) -> f64 {
        if moved == 0.0 {
            return 0.0;
        }
        let x = UNIT * math::pow(moved.abs() / self.depth, self.inverse_kappa);
        if moved < 0.0 { -x } else { x }
    }

    /// G(N) = ∫ x dN = |N|·|x|·κ/(κ + 1).
    fn integral_at(&self, moved: f64, displacement: f64) -> f64 {
        moved.abs() * displacement.abs() * self.integral_share
    }

    /// x and G are always found from N, so that a state reached in two ways is the same state.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn place(&self, moved: f64) -> Place {
        let displacement = self.ahead.displacement(moved).unwrap_or_else(|| self.displacement_at(moved));
        Place { moved, displacement, integral: self.integral_at(moved, displacement) }
    }

    fn move_to(&mut self, moved: f64) {
        self.at = self.place(moved);
    }

    /// What taking `lots` lots is worth, and where it leaves the book.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn trade(&self, index: f64, taker: Taker, lots: i64) -> (f64, Place) {
        let unit = self.per_lot(index);
        let value = lots as f64 * unit;
        let standing = self.standing_factor();
        let after = self.place(self.moved_by(taker, value, standing));
        let impact = match standing {
            None => self.withdrawn * (after.integral - self.at.integral),
            Some(factor) => self.weighed(after, factor) - self.weighed(self.at, factor),
        };
        let traded = value + taker.sign() * (impact + self.half_spread() * value);
        let in_tick_lots = match self.reference {
            Reference::PerTickLot(_) => traded,
            Reference::PerLot(_) => traded * (index / unit),
        };
        (in_tick_lots, after)
    }

    /// Reference notional of one lot in the units of N: tick·lots, or lots where a lot is worth the same at any price.
    fn per_lot(&self, index: f64) -> f64 {
        match self.reference {
            Reference::PerTickLot(_) => index,
            Reference::PerLot(_) => 1.0,
        }
    }

    /// x at which the next lot of a taker trades at `limit` ticks: limit/I − 1, less (buys) or plus (sells) the half-spread.
    fn displacement_of(&self, index: f64, taker: Taker, limit: f64) -> f64 {
        let (bid, ask) = self.touch(index);
        limit / index - 1.0 - taker.sign() * 0.5 * (ask - bid) / index
    }

    /// Reference notional that is quoted between the mid and the greatest displacement.
    #[inline]
    fn room(&self, taker: Taker, standing: Option<f64>) -> f64 {
        if self.parameters.extent == Extent::Infinite {
            return f64::INFINITY;
        }
        match standing {
            None => self.withdrawn * (self.limit - taker.sign() * self.at.moved),
            Some(factor) => self.taken_by(self.limit, factor) - taker.sign() * self.taken_by(self.at.moved, factor),
        }
    }

    /// N after an order of reference notional `value`.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn moved_by(&self, taker: Taker, value: f64, standing: Option<f64>) -> f64 {
        self.moved_from(self.at.moved, taker, value, standing)
    }

    /// The same where N was `before`.
    #[expect(clippy::inline_always, reason = "once an order")]
    #[inline(always)]
    fn moved_from(&self, before: f64, taker: Taker, value: f64, standing: Option<f64>) -> f64 {
        if self.parameters.extent == Extent::Infinite {
            return 0.0;
        }
        let (push, moved) = match standing {
            None => {
                let push = taker.sign() * value / self.withdrawn;
                (push, before + push)
            }
            Some(factor) => {
                let moved = self.reaching(self.taken_by(before, factor) + taker.sign() * value, factor);
                (moved - before, moved)
            }
        };
        // What rounding leaves of an order that takes another one back is nothing; a steep power would make a move of it.
        let noise = 8.0 * f64::EPSILON * before.abs().max(push.abs());
        if moved.abs() <= noise { 0.0 } else { moved }
    }

    /// w beyond the distance from which on quotes stay; `None` where it is that of the whole book.
    fn standing_factor(&self) -> Option<f64> {
        self.parameters.standing.map(|standing| standing.share).filter(|&share| share > self.withdrawn)
    }

    /// ∫ w dN from 0 to N: the notional that is quoted up to there.
    #[inline(never)]
    fn taken_by(&self, moved: f64, factor: f64) -> f64 {
        let near = moved.clamp(-self.standing, self.standing);
        self.withdrawn * near + factor * (moved - near)
    }

    /// N at which so much is taken.
    #[inline(never)]
    fn reaching(&self, taken: f64, factor: f64) -> f64 {
        let edge = self.withdrawn * self.standing;
        let near = taken.clamp(-edge, edge);
        near / self.withdrawn + (taken - near) / factor
    }

    /// E(N) = ∫ x·w dN, of the book as it stands.
    #[inline(never)]
    fn weighed(&self, at: Place, factor: f64) -> f64 {
        if at.moved.abs() <= self.standing {
            return self.withdrawn * at.integral;
        }
        let edge = self.integral_at(self.standing, self.displacement_at(self.standing));
        factor * at.integral - (factor - self.withdrawn) * edge
    }

    fn refresh_withdrawal(&mut self, index: f64) {
        let Some(law) = self.parameters.withdrawal else { return };
        let ln_index = math::ln(index);
        self.history.push_back((self.now_s, ln_index, self.executed));
        let start_s = self.now_s - law.window_s;
        while self.history.len() > 1 && self.history[1].0 <= start_s {
            self.history.pop_front();
        }
        let (_, ln_before, executed_before) = self.history[0];
        let fall = power((ln_index - ln_before).abs() / law.half_return, law.exponent);
        let volume = power((self.executed - executed_before) / self.depth / law.half_volume, law.exponent);
        self.withdrawn = law.floor + (1.0 - law.floor) / (1.0 + fall + volume);
        self.half_spread = None;
    }

    /// h: most refreshes pass without anybody asking for it, and it costs a power.
    #[inline]
    fn half_spread(&self) -> f64 {
        self.half_spread.unwrap_or_else(|| self.widened_spread())
    }

    /// h = h₀·W^(−η), at most what keeps every fill above zero.
    #[inline(never)]
    fn widened_spread(&self) -> f64 {
        let widest = 0.5 * (1.0 - self.parameters.max_displacement);
        let widening = math::pow(self.withdrawn, -self.parameters.spread_widening);
        (self.parameters.half_spread * widening).min(widest)
    }
}

/// x^p; the usual p = 2 needs no logarithm.
fn power(x: f64, exponent: f64) -> f64 {
    if exponent == 2.0 { x * x } else { math::pow(x, exponent) }
}

impl Book for Depth {
    fn boxed_clone(&self) -> Box<dyn Book> {
        Box::new(self.clone())
    }

    fn infinitely_deep(&self) -> Box<dyn Book> {
        self.with(Parameters { extent: Extent::Infinite, ..self.parameters })
    }

    fn steadfast(&self) -> Box<dyn Book> {
        self.with(Parameters { withdrawal: None, ..self.parameters })
    }

    fn depth_factor(&self, u: f64) -> Option<f64> {
        let law = self.factor_law.as_ref()?;
        Some(law.quantile(u).clamp(LEAST_FACTOR, 1.0 / LEAST_FACTOR))
    }

    fn set_depth_factor(&mut self, factor: f64) {
        self.factor = factor;
    }

    fn reset(&mut self, index: f64, reference: Reference) {
        self.reference = reference;
        let (Reference::PerTickLot(worth) | Reference::PerLot(worth)) = reference;
        self.depth = self.parameters.depth_1pct / worth * self.factor;
        self.limit = self.depth * math::pow(self.parameters.max_displacement / UNIT, self.parameters.kappa);
        if let Some(standing) = self.parameters.standing {
            self.standing = self.depth * math::pow(standing.from / UNIT, self.parameters.kappa);
        }
        self.ahead.clear();
        self.move_to(0.0);
        self.withdrawn = 1.0;
        self.half_spread = Some(self.parameters.half_spread);
        self.now_s = 0.0;
        self.executed = 0.0;
        self.history.clear();
        if self.parameters.withdrawal.is_some() {
            self.history.push_back((0.0, math::ln(index), 0.0));
        }
    }

    fn refresh(&mut self, refresh: Refresh) -> f64 {
        let elapsed_s = refresh.elapsed_s;
        self.now_s += elapsed_s;
        let before = self.at.displacement;
        if self.at.moved != 0.0 && elapsed_s > 0.0 {
            if self.decay.0 != elapsed_s {
                self.decay = (elapsed_s, math::exp(-std::f64::consts::LN_2 * elapsed_s / self.parameters.half_life_s));
            }
            self.move_to(self.at.moved * self.decay.1);
            if self.at.displacement.abs() < 1e-15 {
                self.move_to(0.0);
            }
        }
        self.refresh_withdrawal(refresh.index);
        self.parameters.permanent * (before - self.at.displacement)
    }

    fn mid(&self, index: f64) -> f64 {
        index * (1.0 + self.at.displacement)
    }

    fn touch(&self, index: f64) -> (f64, f64) {
        let half_spread = self.half_spread();
        (index * (1.0 + self.at.displacement - half_spread), index * (1.0 + self.at.displacement + half_spread))
    }

    fn displacement(&self) -> f64 {
        self.at.displacement
    }

    /// W·[(|x| + 1 %)^κ − |x|^κ]/(1 %)^κ.
    fn depth_left(&self) -> f64 {
        let x = self.at.displacement.abs() / UNIT;
        let kappa = self.parameters.kappa;
        if let Some(factor) = self.standing_factor() {
            let to = self.depth * math::pow(x + 1.0, kappa);
            return (self.taken_by(to, factor) - self.taken_by(self.at.moved.abs(), factor)) / self.depth;
        }
        if x == 0.0 {
            // What the powers of 1 and 0 come to.
            return self.withdrawn;
        }
        self.withdrawn * (math::pow(x + 1.0, kappa) - math::pow(x, kappa))
    }

    /// Where κ is at least 1, (x + 1)^κ − x^κ is so too, and quotes that stay only add: W.
    fn least_depth_left(&self) -> f64 {
        if self.parameters.kappa >= 1.0 { self.withdrawn } else { self.depth_left() }
    }

    fn capacity(&self, index: f64, taker: Taker) -> i64 {
        let lots = (self.room(taker, self.standing_factor()) / self.per_lot(index)).max(0.0);
        if lots.is_nan() {
            return 0;
        }
        Cash::floor(lots).map_or(i64::MAX, |lots| lots.0)
    }

    fn quote(&self, index: f64, taker: Taker, lots: i64) -> f64 {
        self.trade(index, taker, lots).0
    }

    fn stays_within(&self, index: f64, taker: Taker, lots: i64, limit: f64) -> bool {
        let room = taker.sign() * self.displacement_of(index, taker, limit) / UNIT;
        if room <= 0.0 || room.is_nan() {
            return false;
        }
        // Less than room^κ, without a power.
        let exponent = self.parameters.kappa;
        let least = if room >= 1.0 {
            if exponent >= 1.0 { room } else { 1.0 }
        } else if exponent <= 1.0 {
            room
        } else if exponent <= 2.0 {
            room * room
        } else {
            room * room * room
        };
        let moved = self.moved_by(taker, lots as f64 * self.per_lot(index), self.standing_factor());
        taker.sign() * moved <= (1.0 - SLACK) * self.depth * least
    }

    /// (∫ w dN to the limit − ∫ w dN to the mid)/lot.
    fn lots_within(&self, index: f64, taker: Taker, limit: f64) -> Option<f64> {
        if self.parameters.extent == Extent::Infinite {
            return None;
        }
        let to = self.displacement_of(index, taker, limit);
        let size = self.depth * math::pow(to.abs() / UNIT, self.parameters.kappa);
        let to = if to < 0.0 { -size } else { size };
        let value = match self.standing_factor() {
            None => self.withdrawn * (to - self.at.moved),
            Some(factor) => self.taken_by(to, factor) - self.taken_by(self.at.moved, factor),
        };
        Some(taker.sign() * value / self.per_lot(index))
    }

    fn take(&mut self, index: f64, taker: Taker, lots: i64) -> f64 {
        let offer = self.offer(index, taker, lots);
        self.accept(&offer);
        offer.value
    }

    fn offer(&mut self, index: f64, taker: Taker, lots: i64) -> Offer {
        if lots == 0 {
            return Offer { index, taker, lots, value: 0.0, after: self.at };
        }
        // What its capacity surely bears is seen without finding it.
        let room = (1.0 - SLACK) * self.room(taker, self.standing_factor());
        let is_borne = lots as f64 * self.per_lot(index) <= room;
        let lots = if is_borne { lots } else { lots.min(self.capacity(index, taker)) };
        self.half_spread = Some(self.half_spread());
        let (value, after) = self.trade(index, taker, lots);
        self.ahead.pass(after.moved);
        Offer { index, taker, lots, value, after }
    }

    fn foresee(&mut self, index: f64, orders: &[(Taker, i64)]) {
        self.ahead.clear();
        if self.parameters.extent == Extent::Infinite {
            return;
        }
        let (unit, standing) = (self.per_lot(index), self.standing_factor());
        let mut ahead = std::mem::take(&mut self.ahead);
        let mut moved = self.at.moved;
        ahead.moved.extend(orders.iter().map(|&(taker, lots)| {
            moved = self.moved_from(moved, taker, lots as f64 * unit, standing);
            moved
        }));
        ahead.find(self.depth, self.inverse_kappa);
        self.ahead = ahead;
    }

    fn accept(&mut self, offer: &Offer) {
        self.at = offer.after;
        self.executed += offer.lots as f64 * self.per_lot(offer.index);
    }
}
