//! The index that a venue publishes: a weighted mean of the prices of several venues, with a rule against outliers and a
//! time after which a silent feed counts no more.
//!
//! Constituent v trades at p_v(t) = I(t − lag_v)·e^(β_v(t)): I the index of the process, with all permanent impact so far, and β_v
//! its own log basis. β is a stationary Ornstein-Uhlenbeck noise (exact at mark refreshes: β ← β·2^(−Δ/half-life) +
//! noise·√(1 − 4^(−Δ/half-life))·N), plus a dislocation where one is given: d·(−ln(1 − size)) from its start on, d = −1 for a
//! crash down and +1 for one up, which after `dislocation_lasts` decays with its half-life. A constituent may be the
//! venue itself: then p is the mid of its own book, and forced orders reach the index at once. Where the asset is a token held as
//! collateral the own book may have a dislocation too: then everything in that book is bought and sold at e^(β) of what it would be.
//!
//! While its feed is out a constituent keeps its last price, and from an age above `stale_after` on it has weight 0. Of the
//! live ones m is the unweighted median. `drop`: prices further than `band` from m have weight 0, and where more than one is,
//! the index is m. `cap`: they count as m·(1 ± band). `keep`: nothing. Where nothing is live the index stands still. Without this
//! table the index is I itself.
//!
//! Published rules: Binance 2020: constituents more than 5 % from the median weigh 0, more than one: the median, feeds silent for
//! 10 s weigh 0; in 2026 a cap of 3 % (1 % for majors) and 5 min were reported. Orderly: a cap of 5 % around the median.

use rand_distr::{Distribution as _, StandardNormal};

use super::distribution::{DISTRIBUTION_INFO, DISTRIBUTIONS, Distribution};
use super::math;
use super::process::Direction;
use crate::money::Nanos;
use crate::registry::{Key, Need, Reading, Shape, Values};
use crate::rng::{Purpose, Stream, open_unit};

/// `[assets.index]`
pub const KEYS: &[Key] = &[
    Key {
        name: "venues",
        shape: Shape::List(&Shape::Table(VENUE)),
        need: Need::Required,
        about: "`[[assets.index.venues]]`: the constituents, once for each",
    },
    Key {
        name: "outliers",
        shape: Shape::Choice(&[
            ("keep", "every live price counts"),
            (
                "drop",
                "a price further than `band` from the median weighs nothing; if more than one is, the median is the index",
            ),
            ("cap", "a price further than `band` from the median counts as if it stood there"),
        ]),
        need: Need::Default("\"keep\""),
        about: "what happens to a constituent far from the others",
    },
    Key {
        name: "band",
        shape: Shape::Share { min: 0.0001, max: 10.0 },
        need: Need::Default("0.05"),
        about: "greatest distance from the median of the live prices, as a share of it",
    },
    Key {
        name: "stale_after",
        shape: Shape::Time { min: Nanos(0) },
        need: Need::Default("\"10 s\""),
        about: "age of a price from which on it weighs nothing",
    },
];

/// `[[assets.index.venues]]`
pub const VENUE: &[Key] = &[
    Key { name: "name", shape: Shape::Text, need: Need::Required, about: "name of the constituent" },
    Key {
        name: "weight",
        shape: Shape::Number { unit: "", min: 1e-6, max: 1e6 },
        need: Need::Default("1.0"),
        about: "weight against the other constituents, before the rules",
    },
    Key {
        name: "own",
        shape: Shape::Flag,
        need: Need::Default("false"),
        about: "whether it is the venue itself: the mid of its own book",
    },
    Key {
        name: "lag",
        shape: Shape::Time { min: Nanos(0) },
        need: Need::Default("\"0 s\""),
        about: "how far its price lies behind; rounded down to whole steps",
    },
    Key {
        name: "noise",
        shape: Shape::Share { min: 0.0, max: 1.0 },
        need: Need::Default("0.0"),
        about: "standard deviation of its own deviation from the index, in log price",
    },
    Key {
        name: "noise_half_life",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Default("\"10 s\""),
        about: "time in which half of such a deviation is gone",
    },
    Key {
        name: "dislocation",
        shape: Shape::Plugin(&DISTRIBUTION_INFO),
        need: Need::Default("0"),
        about: "share of the price that this venue alone loses, 0 to below 1; in a crash up it rises by size/(1 − size)",
    },
    Key {
        name: "dislocation_at",
        shape: Shape::Plugin(&DISTRIBUTION_INFO),
        need: Need::Default("0"),
        about: "seconds from the start of the path to the dislocation",
    },
    Key {
        name: "dislocation_lasts",
        shape: Shape::Time { min: Nanos(0) },
        need: Need::Default("\"30 s\""),
        about: "how long the whole dislocation stays",
    },
    Key {
        name: "dislocation_half_life",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Default("\"30 s\""),
        about: "time in which half of it is gone after that",
    },
    Key {
        name: "outage_at",
        shape: Shape::Time { min: Nanos(0) },
        need: Need::Optional,
        about: "when its feed goes silent: the last price stays until it is stale",
    },
    Key {
        name: "outage_lasts",
        shape: Shape::Time { min: Nanos(1) },
        need: Need::Optional,
        about: "how long the feed is silent; to the end where absent",
    },
];

/// The checked rule of an index.
#[derive(Debug)]
pub struct IndexRule {
    venues: Vec<Constituent>,
    /// The constituent that is the venue itself, where its book may have a dislocation.
    dislocated: Option<usize>,
    outliers: Outliers,
    band: f64,
    stale_after: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outliers {
    Keep,
    Drop,
    Cap,
}

#[derive(Debug)]
struct Constituent {
    weight: f64,
    own: bool,
    lag: Nanos,
    noise: f64,
    noise_half_life_s: f64,
    size: Box<dyn Distribution>,
    at_s: Box<dyn Distribution>,
    lasts_s: f64,
    half_life_s: f64,
    /// From and until when the feed is silent.
    outage: Option<(Nanos, Nanos)>,
}

/// Whether the venue's own book may stand away from all other markets by more than its orders do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnBook {
    /// Of a contract: its price is the index and what orders make of it.
    FollowsIndex,
    /// Of a token held as collateral.
    MayDislocate,
}

/// A drawn value that must lie between two bounds.
fn drawn(values: &Values, key: &str, max: f64, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let distribution = DISTRIBUTIONS.choose(&values.node(key), reading)?;
    let (least, greatest) = distribution.support();
    if least >= 0.0 && greatest <= max {
        return Some(distribution);
    }
    let wrong = if least < 0.0 { least } else { greatest };
    let bound = if max == f64::MAX { "0 or more, and finite".to_owned() } else { format!("from 0 to {max}") };
    reading.fault(&values.span(key), format!("`{key}` can become {wrong}"), format!("every value must be {bound}"));
    None
}

impl IndexRule {
    /// Reads `[assets.index]`; a table that was read partly gives none.
    pub fn of(values: &Values, book: OwnBook, reading: &mut Reading) -> Option<Self> {
        let written = if values.has("venues") { values.tables("venues") } else { Vec::new() };
        if !values.is_whole(KEYS) || !written.iter().all(|venue| venue.is_whole(VENUE)) {
            // What is wrong there has been told.
            return None;
        }
        if written.is_empty() {
            reading.fault(&values.span("venues"), "an index without venues", "add a table `[[assets.index.venues]]`");
        }
        let mut venues = Vec::new();
        for venue in &written {
            if venue.has("outage_lasts") && !venue.has("outage_at") {
                let hint = "add `outage_at`, or leave this out";
                reading.fault(&venue.span("outage_lasts"), "an outage without a start", hint);
            }
            let from = venue.maybe_time("outage_at");
            let lasts = venue.maybe_time("outage_lasts").unwrap_or(Nanos::MAX);
            let size = drawn(venue, "dislocation", 0.999_999, reading);
            let at_s = drawn(venue, "dislocation_at", f64::MAX, reading);
            let (Some(size), Some(at_s)) = (size, at_s) else { continue };
            let dislocated = size.support().1 > 0.0;
            let noisy = venue.number("noise") > 0.0 || !venue.time("lag").is_zero();
            if venue.flag("own") && (noisy || (dislocated && book == OwnBook::FollowsIndex)) {
                let message = "the venue's own book has its price from its orders alone";
                let hint = match book {
                    OwnBook::FollowsIndex => "leave out `noise`, `lag` and `dislocation` here",
                    OwnBook::MayDislocate => "leave out `noise` and `lag` here",
                };
                reading.fault(&venue.span("own"), message, hint);
            }
            venues.push(Constituent {
                weight: venue.number("weight"),
                own: venue.flag("own"),
                lag: venue.time("lag"),
                noise: venue.number("noise"),
                noise_half_life_s: venue.time("noise_half_life").seconds(),
                size,
                at_s,
                lasts_s: venue.time("dislocation_lasts").seconds(),
                half_life_s: venue.time("dislocation_half_life").seconds(),
                outage: from.map(|from| (from, Nanos(from.0.saturating_add(lasts.0)))),
            });
        }
        let outliers = match values.text("outliers").as_str() {
            "drop" => Outliers::Drop,
            "cap" => Outliers::Cap,
            _ => Outliers::Keep,
        };
        (venues.len() == written.len() && !venues.is_empty()).then(|| Self {
            dislocated: venues.iter().position(|venue| venue.own && venue.size.support().1 > 0.0),
            venues,
            outliers,
            band: values.number("band"),
            stale_after: values.time("stale_after"),
        })
    }

    /// Whether the venue's own book is a constituent.
    #[must_use]
    pub fn holds_own(&self) -> bool {
        self.venues.iter().any(|venue| venue.own)
    }

    /// What the price in the venue's own book is multiplied by at a refresh, of what [`IndexRule::draw`] drew.
    #[must_use]
    pub fn own_factor(&self, factors: &[f64], refresh: usize) -> f64 {
        self.dislocated.map_or(1.0, |v| factors[v * (factors.len() / self.venues.len()) + refresh])
    }

    /// Draws e^β of every constituent at every refresh of one path, constituent by constituent, from streams of their own:
    /// (`Process`, (asset, 1 + constituent), path).
    pub fn draw(&self, address: Address, refreshes: usize, interval: Nanos, factors: &mut Vec<f64>) {
        factors.clear();
        for (v, venue) in (1_u32..).zip(&self.venues) {
            let mut stream = Stream::new(address.seed, Purpose::Process, (address.asset, v), address.path);
            let size = venue.size.quantile(open_unit(stream.word()));
            let at_s = venue.at_s.quantile(open_unit(stream.word()));
            let depth = -math::ln(1.0 - size) * address.direction.sign();
            let kept = math::exp(-std::f64::consts::LN_2 * interval.seconds() / venue.noise_half_life_s);
            let fresh = math::sqrt(1.0 - kept * kept);
            let mut deviation = 0.0;
            for i in 0..refreshes {
                if venue.noise > 0.0 {
                    let normal: f64 = StandardNormal.sample(stream.generator());
                    deviation = if i == 0 { normal } else { kept * deviation + fresh * normal };
                }
                let since_s = i as f64 * interval.seconds() - at_s;
                let left = if since_s < 0.0 {
                    0.0
                } else {
                    let decayed_s = (since_s - venue.lasts_s).max(0.0);
                    math::exp(-std::f64::consts::LN_2 * decayed_s / venue.half_life_s)
                };
                factors.push(math::exp(venue.noise * deviation + depth * left));
            }
        }
    }
}

/// Where the draws of an index come from.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub seed: u64,
    pub path: u64,
    pub asset: u32,
    pub direction: Direction,
}

/// What a published index sees at a refresh.
#[derive(Clone, Copy, Debug)]
pub struct Feeds<'a> {
    /// Number of the refresh, from 0, and its time.
    pub refresh: usize,
    pub now: Nanos,
    /// What [`IndexRule::draw`] drew.
    pub factors: &'a [f64],
    /// Exogenous index at the grid points so far, ticks, the last one now.
    pub exogenous: &'a [f64],
    pub step: Nanos,
    /// Permanent impact so far, as a factor.
    pub permanent: f64,
    /// Mid of the venue's own book.
    pub own: f64,
}

/// The published index on one path.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Last price of each constituent and its time.
    last: Vec<(f64, Nanos)>,
    live: Vec<(f64, f64)>,
    sorted: Vec<f64>,
    index: f64,
}

impl Published {
    /// Back to the start of a path with the index at `index` ticks.
    pub fn reset(&mut self, index: f64) {
        self.last.clear();
        self.index = index;
    }

    /// The index at a refresh, in ticks. Called at every refresh, first at time 0.
    pub fn refresh(&mut self, rule: &IndexRule, feeds: Feeds<'_>) -> f64 {
        let refreshes = feeds.factors.len() / rule.venues.len();
        let now = feeds.exogenous.len() - 1;
        self.last.resize(rule.venues.len(), (self.index, Nanos::ZERO));
        self.live.clear();
        for (v, (venue, last)) in rule.venues.iter().zip(&mut self.last).enumerate() {
            let silent = venue.outage.is_some_and(|(from, until)| from <= feeds.now && feeds.now < until);
            if !silent {
                let price = if venue.own {
                    feeds.own
                } else {
                    let behind = usize::try_from(venue.lag.0 / feeds.step.0).unwrap_or(usize::MAX);
                    let exogenous = feeds.exogenous[now.saturating_sub(behind)];
                    exogenous * feeds.permanent * feeds.factors[v * refreshes + feeds.refresh]
                };
                *last = (price, feeds.now);
            }
            if feeds.now - last.1 <= rule.stale_after {
                self.live.push((last.0, venue.weight));
            }
        }
        if !self.live.is_empty() {
            self.index = self.combine(rule);
        }
        self.index
    }

    /// The weighted mean of the live prices under the rule against outliers.
    fn combine(&mut self, rule: &IndexRule) -> f64 {
        if rule.outliers != Outliers::Keep {
            self.sorted.clear();
            self.sorted.extend(self.live.iter().map(|(price, _)| price));
            self.sorted.sort_unstable_by(f64::total_cmp);
            let n = self.sorted.len();
            let median = 0.5 * (self.sorted[(n - 1) / 2] + self.sorted[n / 2]);
            let (low, high) = (median * (1.0 - rule.band), median * (1.0 + rule.band));
            if rule.outliers == Outliers::Cap {
                for (price, _) in &mut self.live {
                    *price = price.max(low).min(high);
                }
            } else {
                let before = self.live.len();
                self.live.retain(|(price, _)| (low..=high).contains(price));
                if self.live.len() + 1 < before || self.live.is_empty() {
                    return median;
                }
            }
        }
        let weight: f64 = self.live.iter().map(|(_, weight)| weight).sum();
        self.live.iter().map(|(price, weight)| price * weight).sum::<f64>() / weight
    }
}

#[cfg(test)]
mod tests;
