//! Importance sampling: rare crashes are drawn more often, and every path carries the weight that makes up for it.
//!
//! With probability ε a path is drawn as it always is, otherwise from a tilted law; its weight is the density of the
//! original law over that of the mixture, w = 1/(ε + (1 − ε)·r), r the density of the tilted law over the original one
//! at what was drawn. So no weight passes 1/ε (Hesterberg 1995, "Weighted average importance sampling and defensive
//! mixture distributions"), and the mean of w·1{event} is unbiased whatever the tilt.

use std::fmt;

use crate::market::process::{Lean, PARTS, Tiltable};
use crate::rng::{Purpose, Stream, open_unit};
use crate::traders::LargestSize;

/// Share of the paths drawn from the original law.
pub const DEFENSIVE: f64 = 0.1;

/// Bits behind the point of a weight.
pub const WEIGHT_BITS: u32 = 40;

/// What is made more frequent, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tilt {
    /// Drop of a flash crash: with u = 1 − s the uniform behind it, s becomes an exponential with this rate, cut at 1.
    pub drop: Option<f64>,
    /// Its duration: the same at the lower end, with s the uniform itself.
    pub duration: Option<f64>,
    /// Intensity of jumps, multiplied by this.
    pub jumps: Option<f64>,
    /// Shift of the noise in each part of the fall, against the crowd, in standard deviations of that part.
    pub noise: Option<[f64; PARTS]>,
    /// Size of one account: with u = 1 − s the uniform behind it, s becomes s to this power; the account is one of the group with the largest sizes.
    pub size: Option<f64>,
}

/// How one path is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    tilt: Tilt,
    is_tilted: bool,
    /// Chooses the account whose size is tilted.
    account: f64,
}

/// As it is written: `drop=10,noise=0.2/0.2/0.5/1/1/0.2/0/0,size=2`.
impl fmt::Display for Tilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { drop, duration, jumps, noise, size } = self;
        let one = |name: &str, x: &Option<f64>| x.map(|x| format!("{name}={x}"));
        let parts = |noise: &[f64; PARTS]| noise.map(|x| x.to_string()).join("/");
        let noise = noise.as_ref().map(|noise| format!("noise={}", parts(noise)));
        let told = [one("drop", drop), one("duration", duration), one("jumps", jumps), noise, one("size", size)];
        f.write_str(&told.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

impl Tilt {
    /// Names of what can be tilted, each with whether this tilts it.
    #[must_use]
    pub fn named(&self) -> [(&'static str, bool); 5] {
        let Self { drop, duration, jumps, noise, size } = self;
        [
            ("drop", drop.is_some()),
            ("duration", duration.is_some()),
            ("jumps", jumps.is_some()),
            ("noise", noise.is_some()),
            ("size", size.is_some()),
        ]
    }

    /// The strength of what a price process can tilt.
    #[must_use]
    pub fn of(&self, what: Tiltable) -> Option<f64> {
        match what {
            Tiltable::Drop => self.drop,
            Tiltable::Duration => self.duration,
            Tiltable::Jumps => self.jumps,
            Tiltable::Noise(part) => self.noise.map(|noise| noise[usize::from(part)]),
        }
    }

    /// Tilts something by a strength.
    pub fn set(&mut self, what: Tiltable, strength: f64) {
        match what {
            Tiltable::Drop => self.drop = Some(strength),
            Tiltable::Duration => self.duration = Some(strength),
            Tiltable::Jumps => self.jumps = Some(strength),
            Tiltable::Noise(part) => self.noise.get_or_insert_default()[usize::from(part)] = strength,
        }
    }

    pub(super) fn draw(self, seed: u64, path: u64) -> Draw {
        let mut stream = Stream::new(seed, Purpose::Tilt, (0, 0), path);
        let is_tilted = open_unit(stream.word()) >= DEFENSIVE;
        Draw { tilt: self, is_tilted, account: open_unit(stream.word()) }
    }
}

impl Draw {
    pub(super) fn is_tilted(&self) -> bool {
        self.is_tilted
    }

    fn lean(&self, strength: f64) -> Lean {
        if self.is_tilted { Lean::Tilted(strength) } else { Lean::Original(strength) }
    }

    /// How the price process of an asset is drawn; the first asset that can be tilted is.
    pub(super) fn of(&self, what: Tiltable) -> Option<Lean> {
        self.tilt.of(what).map(|strength| self.lean(strength))
    }

    pub(super) fn size(&self) -> Option<LargestSize> {
        self.tilt.size.map(|strength| LargestSize { lean: self.lean(strength), account: self.account })
    }
}

/// The weight of a path in units of 2⁻⁴⁰.
pub(super) fn weight(ratio: f64) -> i64 {
    use rust_decimal::prelude::ToPrimitive;
    let weight = 1.0 / (DEFENSIVE + (1.0 - DEFENSIVE) * ratio);
    let one = (1_u64 << WEIGHT_BITS) as f64;
    libm::rint(weight * one).to_i64().expect("a weight lies between 0 and 10")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_weight_passes_the_bound_and_an_untilted_density_weighs_one() {
        assert_eq!(weight(1.0), 1 << WEIGHT_BITS);
        assert_eq!(weight(0.0), 10 << WEIGHT_BITS);
        assert_eq!(weight(f64::INFINITY), 0);
    }

    #[test]
    fn a_tenth_of_the_paths_is_drawn_as_always() {
        let tilt = Tilt { drop: Some(4.0), ..Tilt::default() };
        let original = (0..20_000).filter(|&path| !tilt.draw(3, path).is_tilted).count();
        assert!((1_850..2_150).contains(&original), "{original}");
    }
}
