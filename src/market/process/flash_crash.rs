//! A flash crash: noise, and on top of it one fall of the log price along a smooth curve, with a recovery.
//!
//! ln I_t = noise_t + d·ℓ·e(t), ℓ = −ln(1 − drop), d = −1 for a crash down and +1 for one up (a crash up is the mirror
//! image in log price: a drop of 50 % becomes a doubling). With τ = (t − start)/duration the envelope is
//! e = s(τ) while 0 ≤ τ ≤ 1 and e = 1 − ρ·(1 − 2^(−(t − start − duration)/half-life)) after it, ρ the recovery share.
//! Drop, duration, start, ρ and the half-life are distributions: on every path one uniform of each is drawn, in that order,
//! from the process's own stream, also where the value is fixed, so that fixing one never moves another.
//!
//! Shapes s(τ), with r(f) = f²(3 − 2f): v τ²; u r(τ); line τ; two_stage f₁·(τ/a)² while τ < a = (1 − p)/2, then f₁ over the
//! plateau of share p, then f₁ + (1 − f₁)·((τ − a − p)/a)²; grind (j + r(n·τ − j))/n with j = ⌊n·τ⌋, n legs with rests.

use super::gbm::{Diffusion, VOLATILITY};
use super::{Draws, Lean, Leant, PARTS, PriceProcess, Tiltable};
use crate::market::distribution::{DISTRIBUTION_INFO, DISTRIBUTIONS, Distribution};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Reading, Shape as KeyShape, Values};
use crate::rng::open_unit;

#[derive(Debug)]
struct FlashCrash {
    noise: Diffusion,
    drop: Box<dyn Distribution>,
    duration_s: Box<dyn Distribution>,
    start_s: Box<dyn Distribution>,
    recovery_share: Box<dyn Distribution>,
    recovery_half_life: HalfLife,
    shape: Shape,
}

#[derive(Debug)]
enum HalfLife {
    Fixed { seconds: f64 },
    Drawn(Box<dyn Distribution>),
}

/// How the fall goes: its share done at a share τ of its duration. A new shape is a word, a line and a formula here.
#[derive(Clone, Copy, Debug)]
enum Shape {
    V,
    U,
    Line,
    /// Share of the fall that is done before the plateau, and share of the duration that the plateau takes.
    TwoStage {
        first: f64,
        plateau: f64,
    },
    /// Number of legs.
    Grind(f64),
}

const SHAPES: &[(&str, &str)] = &[
    ("v", "τ²: falls faster and faster into a sharp low, as on 10 October 2025"),
    ("u", "τ²·(3 − 2τ): slows down into a round low"),
    ("line", "τ: straight in log price"),
    (
        "two_stage",
        "two falls like v, `first_share` of the whole and the rest, with a plateau of `plateau` between them",
    ),
    ("grind", "a slow grind: `legs` equal round falls, each with a rest at its end, and no panic in any"),
];

impl Shape {
    fn of(values: &Values) -> Self {
        match values.text("shape").as_str() {
            "u" => Self::U,
            "line" => Self::Line,
            "two_stage" => Self::TwoStage { first: values.number("first_share"), plateau: values.number("plateau") },
            "grind" => Self::Grind(values.count("legs") as f64),
            _ => Self::V,
        }
    }

    /// For τ from 0 to below 1.
    fn share_done(self, tau: f64) -> f64 {
        match self {
            Self::V => tau * tau,
            Self::U => rounded(tau),
            Self::Line => tau,
            Self::TwoStage { first, plateau } => {
                let stage = 0.5 * (1.0 - plateau);
                if tau < stage {
                    first * (tau / stage) * (tau / stage)
                } else if tau <= stage + plateau {
                    first
                } else {
                    let second = (tau - stage - plateau) / stage;
                    first + (1.0 - first) * second * second
                }
            }
            Self::Grind(legs) => {
                let leg = libm::floor(legs * tau);
                (leg + rounded(legs * tau - leg)) / legs
            }
        }
    }
}

/// f²(3 − 2f): from 0 to 1, flat at both ends.
fn rounded(f: f64) -> f64 {
    f * f * (3.0 - 2.0 * f)
}

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "flash_crash",
    about: "one fall along a smooth curve with a recovery, over noise; fixed, or drawn anew each path",
    keys: &[
        Key {
            name: "drop",
            shape: KeyShape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "depth of the fall as a share of the price, 0 to below 1; in a crash up the rise is drop/(1 − drop)",
        },
        Key {
            name: "duration",
            shape: KeyShape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "seconds from the start of the fall to its low",
        },
        Key {
            name: "start",
            shape: KeyShape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Default("0"),
            about: "seconds from the start of the path to the start of the fall",
        },
        Key {
            name: "recovery_share",
            shape: KeyShape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Default("0.5"),
            about: "share of the fall, in log price, that is won back in the end, 0 to 1",
        },
        Key {
            name: "recovery_half_life",
            shape: KeyShape::Time { min: Nanos(1) },
            need: Need::Default("\"5 min\""),
            about: "time in which half of the recovery is made",
        },
        Key {
            name: "drawn_half_life",
            shape: KeyShape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Optional,
            about: "in place of `recovery_half_life`: the same in seconds, drawn anew each path",
        },
        Key {
            name: "shape",
            shape: KeyShape::Choice(SHAPES),
            need: Need::Default("\"v\""),
            about: "the course of the fall",
        },
        Key {
            name: "first_share",
            shape: KeyShape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("0.5"),
            about: "share of the fall, in log price, that is done before the plateau of \"two_stage\"",
        },
        Key {
            name: "plateau",
            shape: KeyShape::Share { min: 0.0, max: 0.98 },
            need: Need::Default("0.4"),
            about: "share of the duration that the plateau of \"two_stage\" takes",
        },
        Key {
            name: "legs",
            shape: KeyShape::Count { min: 1, max: 1_000 },
            need: Need::Default("5"),
            about: "falls that make up \"grind\"",
        },
        VOLATILITY,
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn PriceProcess>> {
    let drop = parameter(values, "drop", 0.0, 0.999_999, reading);
    let duration_s = parameter(values, "duration", 0.0, f64::MAX, reading);
    let start_s = parameter(values, "start", 0.0, f64::MAX, reading);
    let recovery_share = parameter(values, "recovery_share", 0.0, 1.0, reading);
    let recovery_half_life = if values.has("drawn_half_life") {
        parameter(values, "drawn_half_life", 1e-9, f64::MAX, reading).map(HalfLife::Drawn)
    } else {
        Some(HalfLife::Fixed { seconds: values.time("recovery_half_life").seconds() })
    };
    Some(Box::new(FlashCrash {
        noise: Diffusion::annual(0.0, values.number("volatility")),
        drop: drop?,
        duration_s: duration_s?,
        start_s: start_s?,
        recovery_share: recovery_share?,
        recovery_half_life: recovery_half_life?,
        shape: Shape::of(values),
    }))
}

/// A drawn parameter whose distribution must lie between two bounds.
fn parameter(values: &Values, key: &str, min: f64, max: f64, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let distribution = DISTRIBUTIONS.choose(&values.node(key), reading)?;
    let (least, greatest) = distribution.support();
    if least >= min && greatest <= max {
        return Some(distribution);
    }
    let wrong = if least < min { least } else { greatest };
    let bound = if max == f64::MAX { format!("{min} or more, and finite") } else { format!("from {min} to {max}") };
    let hint = format!("every value must be {bound}: cut the distribution by its `min` and `max`");
    reading.fault(&values.span(key), format!("`{key}` can become {wrong}"), hint);
    None
}

impl PriceProcess for FlashCrash {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        self.fill_leaning(draws, &|_| None, log_index);
    }

    fn tiltable(&self) -> Vec<Tiltable> {
        let is_drawn = |of: &dyn Distribution| of.support().0 < of.support().1;
        let drop = is_drawn(self.drop.as_ref()).then_some(Tiltable::Drop);
        let duration = is_drawn(self.duration_s.as_ref()).then_some(Tiltable::Duration);
        let noise = if self.noise.sigma > 0.0 { PARTS } else { 0 };
        drop.into_iter().chain(duration).chain(Tiltable::ALL[3..].iter().copied().take(noise)).collect()
    }

    fn fill_leaning(&self, draws: Draws<'_>, lean: &dyn Fn(Tiltable) -> Option<Lean>, log_index: &mut [f64]) -> Leant {
        let step_s = draws.grid.step_seconds();
        self.noise.fill(step_s, draws.brownian, log_index);

        let mut leant = Leant::default();
        let mut u = open_unit(draws.stream.word());
        if let Some(lean) = lean(Tiltable::Drop) {
            let (above, density) = lean.share_near(1.0 - u);
            leant.note(Tiltable::Drop, density, above);
            u = 1.0 - above;
        }
        let drop = self.drop.quantile(u);
        let mut u = open_unit(draws.stream.word());
        if let Some(lean) = lean(Tiltable::Duration) {
            // A short fall is the lower end of its distribution.
            let (below, density) = lean.share_near(u);
            leant.note(Tiltable::Duration, density, below);
            u = below;
        }
        let duration_s = self.duration_s.quantile(u);
        let mut draw = |of: &dyn Distribution| of.quantile(open_unit(draws.stream.word()));
        let start_s = draw(self.start_s.as_ref());
        let recovery_share = draw(self.recovery_share.as_ref());
        let half_life_s = match &self.recovery_half_life {
            HalfLife::Fixed { seconds } => *seconds,
            HalfLife::Drawn(distribution) => draw(distribution.as_ref()),
        };

        let depth = -math::ln(1.0 - drop) * draws.direction.sign();
        let low_s = start_s + duration_s;
        // After the low the unrecovered part shrinks by the same factor every step: one exponential a path.
        let decay = math::exp(-std::f64::consts::LN_2 * step_s / half_life_s);
        let mut unrecovered = None;
        for (i, point) in log_index.iter_mut().enumerate().skip(1) {
            let now_s = i as f64 * step_s;
            if now_s < start_s {
                continue;
            }
            if now_s < low_s {
                *point += depth * self.shape.share_done((now_s - start_s) / duration_s);
                continue;
            }
            let left = match unrecovered {
                Some(left) => left * decay,
                None => math::exp(-std::f64::consts::LN_2 * (now_s - low_s) / half_life_s),
            };
            unrecovered = Some(left);
            *point += depth * (1.0 - recovery_share * (1.0 - left));
        }
        let mut from_s = start_s;
        for (number, &part) in (1_u8..).zip(&Tiltable::ALL[3..]) {
            let to_s = start_s + duration_s * (f64::from(number) / PARTS as f64);
            if let Some(lean) = lean(part) {
                self.drift(part, lean, (from_s, to_s), &draws, log_index, &mut leant);
            }
            from_s = to_s;
        }
        leant
    }

    fn variance_rate(&self) -> f64 {
        self.noise.sigma * self.noise.sigma
    }
}

impl FlashCrash {
    /// Lets the noise drift against the crowd through a part of the fall.
    ///
    /// With y the adverse sum of the n increments that begin in it over √(n·Δt), a standard normal, the tilted law is that
    /// of y + θ: every one of them is moved by θ·√(Δt/n). Density over the original one: exp(θ·y − θ²/2) at what was drawn
    /// (Cameron and Martin 1944).
    fn drift(
        &self,
        part: Tiltable,
        lean: Lean,
        (from_s, to_s): (f64, f64),
        draws: &Draws<'_>,
        log_index: &mut [f64],
        leant: &mut Leant,
    ) {
        let step_s = draws.grid.step_seconds();
        let begun = |i: usize, limit: f64| (i as f64) * step_s < limit;
        let steps = draws.brownian.len();
        let first = (0..steps).find(|&i| !begun(i, from_s)).unwrap_or(steps);
        let count = (first..steps).take_while(|&i| begun(i, to_s)).count();
        if count == 0 {
            return;
        }
        let adverse = draws.direction.sign();
        let spread = math::sqrt(count as f64 * step_s);
        let mut y = adverse * draws.brownian[first..first + count].iter().sum::<f64>() / spread;
        let strength = lean.strength();
        if let Lean::Tilted(theta) = lean {
            y += theta;
            let moved = adverse * self.noise.sigma * theta * spread / count as f64;
            for (at, point) in log_index.iter_mut().enumerate().skip(first + 1) {
                *point += moved * (at - first).min(count) as f64;
            }
        }
        leant.note(part, math::exp(strength * y - 0.5 * strength * strength), y);
    }
}
