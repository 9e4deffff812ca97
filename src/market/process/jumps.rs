//! Jumps of the logarithm: their sizes, their keys, and jumps at Poisson times. Shared by all processes that jump.
//!
//! Normal (Merton 1976): J ~ N(m, s²), E J = m, E J² = m² + s², E e^J = exp(m + s²/2).
//! Double exponential (Kou, "A jump-diffusion model for option pricing", Management Science 48 (2002)): with probability p
//! a rise of mean u, else a fall of mean d, both exponential. E J = p·u − (1 − p)·d, E J² = 2(p·u² + (1 − p)·d²),
//! E e^J = p/(1 − u) + (1 − p)/(1 + d), which asks for u < 1.

use rand_distr::{Distribution as _, Exp1, StandardNormal};

use crate::market::math;
use crate::registry::{Key, Need, Shape, Values};
use crate::rng::{Stream, open_unit};

pub(super) const DAY_S: f64 = 86_400.0;

/// The key of a number of jumps a day.
pub(super) const fn intensity(default: &'static str, about: &'static str) -> Key {
    Key {
        name: "intensity",
        shape: Shape::Number { unit: "a day", min: 0.0, max: 1e6 },
        need: Need::Default(default),
        about,
    }
}

pub(super) const LAW: Key = Key {
    name: "jump_law",
    shape: Shape::Choice(&[
        ("normal", "normal, by `jump_mean` and `jump_sd` (Merton)"),
        ("double_exponential", "exponential upwards and downwards, by `up_share`, `up_mean` and `down_mean` (Kou)"),
    ]),
    need: Need::Default("\"normal\""),
    about: "how sizes of jumps of the natural logarithm are distributed; `direction` does not turn them round",
};

pub(super) const MEAN: Key = Key {
    name: "jump_mean",
    shape: Shape::Number { unit: "", min: -10.0, max: 10.0 },
    need: Need::Default("-0.05"),
    about: "mean of a jump of the natural logarithm, with its sign (`direction` does not turn it round)",
};

pub(super) const SD: Key = Key {
    name: "jump_sd",
    shape: Shape::Number { unit: "", min: 0.0, max: 10.0 },
    need: Need::Default("0.03"),
    about: "standard deviation of a jump of the natural logarithm",
};

pub(super) const UP_SHARE: Key = Key {
    name: "up_share",
    shape: Shape::Share { min: 0.0, max: 1.0 },
    need: Need::Default("0.3"),
    about: "share of jumps that go up, where `jump_law` is \"double_exponential\"",
};

pub(super) const UP_MEAN: Key = Key {
    name: "up_mean",
    shape: Shape::Share { min: 0.0, max: 0.99 },
    need: Need::Default("0.02"),
    about: "mean size of a jump up of the natural logarithm, where `jump_law` is \"double_exponential\"",
};

pub(super) const DOWN_MEAN: Key = Key {
    name: "down_mean",
    shape: Shape::Share { min: 0.0, max: 10.0 },
    need: Need::Default("0.04"),
    about: "mean size of a jump down of the natural logarithm, where `jump_law` is \"double_exponential\"",
};

/// The distribution of a jump of the natural logarithm.
#[derive(Clone, Copy, Debug)]
pub(super) enum JumpSize {
    Normal { mean: f64, sd: f64 },
    DoubleExponential { up_share: f64, up_mean: f64, down_mean: f64 },
}

impl JumpSize {
    pub fn of(values: &Values) -> Self {
        if values.text("jump_law") == "normal" {
            Self::Normal { mean: values.number("jump_mean"), sd: values.number("jump_sd") }
        } else {
            Self::DoubleExponential {
                up_share: values.number("up_share"),
                up_mean: values.number("up_mean"),
                down_mean: values.number("down_mean"),
            }
        }
    }

    /// E J².
    pub fn second_moment(self) -> f64 {
        match self {
            Self::Normal { mean, sd } => mean * mean + sd * sd,
            Self::DoubleExponential { up_share, up_mean, down_mean } => {
                2.0 * (up_share * up_mean * up_mean + (1.0 - up_share) * down_mean * down_mean)
            }
        }
    }

    /// κ_J = E e^J − 1, by which a jump raises the expected price.
    pub fn growth(self) -> f64 {
        match self {
            Self::Normal { mean, sd } => math::exp(mean + 0.5 * sd * sd) - 1.0,
            Self::DoubleExponential { up_share, up_mean, down_mean } => {
                up_share / (1.0 - up_mean) + (1.0 - up_share) / (1.0 + down_mean) - 1.0
            }
        }
    }

    pub fn sample(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Normal { mean, sd } => {
                let normal: f64 = StandardNormal.sample(stream.generator());
                mean + sd * normal
            }
            Self::DoubleExponential { up_share, up_mean, down_mean } => {
                let up = open_unit(stream.word()) < up_share;
                let size = waiting(stream);
                if up { up_mean * size } else { -down_mean * size }
            }
        }
    }
}

/// A standard exponential.
pub(super) fn waiting(stream: &mut Stream) -> f64 {
    Exp1.sample(stream.generator())
}

/// Jumps at the times of a Poisson process.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoissonJumps {
    /// Jumps a second.
    pub intensity: f64,
    pub size: JumpSize,
}

impl PoissonJumps {
    /// From the keys of this file.
    pub fn of(values: &Values) -> Self {
        Self { intensity: values.number("intensity") / DAY_S, size: JumpSize::of(values) }
    }

    /// λ·κ_J: what the drift of ln I gives up a second so that the expected price stays as asked.
    pub fn compensation(&self) -> f64 {
        self.intensity * self.size.growth()
    }

    /// λ·E J²: variance of ln I a second.
    pub fn variance(&self) -> f64 {
        self.intensity * self.size.second_moment()
    }

    /// Adds the jumps of one path. Waiting times and sizes are drawn in turn, so neither depends on the step; a jump shows
    /// at the first grid point at or after its time.
    pub fn add(&self, step_s: f64, stream: &mut Stream, log_index: &mut [f64]) {
        self.add_at(self.intensity, step_s, stream, log_index);
    }

    /// The same with this many jumps a second; returns how many there were.
    pub fn add_at(&self, intensity: f64, step_s: f64, stream: &mut Stream, log_index: &mut [f64]) -> u32 {
        let mut jumps = 0;
        if intensity == 0.0 {
            return jumps;
        }
        let mut next_s = waiting(stream) / intensity;
        let mut jumped = 0.0;
        for (i, point) in log_index.iter_mut().enumerate().skip(1) {
            let now_s = i as f64 * step_s;
            while next_s <= now_s {
                jumped += self.size.sample(stream);
                next_s += waiting(stream) / intensity;
                jumps += 1;
            }
            *point += jumped;
        }
        jumps
    }
}
