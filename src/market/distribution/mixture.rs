//! Several distributions, each with its weight: retail and whales in one column, round leverages beside a smooth rest.
//!
//! The distribution function is that of the parts weighted, F(x) = Σ w_i·F_i(x), Σ w_i = 1, and F⁻¹(u) is found by bracketing:
//! it lies between the least and the greatest of the parts' F_i⁻¹(u). To draw a part first and then from it would have the
//! same law, but not the same ranks: a greater word would not give a greater value, and who is the largest account, or what
//! the tail of a drop is, is chosen by words.

use super::Distribution;
use super::cumulative::{Cumulative, weights};
use crate::registry::{Entry, EntryInfo, FamilyInfo, Key, Need, Node, Raw, Reading, Shape, Values};

#[derive(Debug)]
struct Mixture {
    /// Shares of the whole and what they are drawn from.
    parts: Vec<(f64, Box<dyn Distribution>)>,
    /// Cells of a 64th of all uniforms, and F⁻¹ at their inner ends: a search starts within its cell.
    cells: Cumulative,
    knots: Vec<f64>,
}

const CELLS: u32 = 64;

/// A value whose share is above the one asked for by this part of it is that value: uniforms are no finer.
const RESOLUTION: f64 = 2.0 * f64::EPSILON;

pub const ENTRY: Entry<dyn Distribution> = Entry {
    kind: "mixture",
    about: "one of several distributions, each with its weight",
    keys: &[
        Key {
            name: "of",
            shape: Shape::List(&Shape::Plugin(&PART_INFO)),
            need: Need::Required,
            about: "the distributions, of any kind but this one; a bare number is a fixed value",
        },
        Key {
            name: "weights",
            shape: Shape::List(&Shape::Number { unit: "", min: 0.0, max: f64::INFINITY }),
            need: Need::Optional,
            about: "weight of each distribution, of any sum; equal where absent",
        },
    ],
    build,
};

/// What a part can be. A mixture of mixtures is a mixture, so nothing is lost, and lists of keys stay finite.
static PART_INFO: FamilyInfo = FamilyInfo {
    name: "part of a mixture",
    about: "What a part of a mixture is drawn from.",
    entries: || {
        let all = super::DISTRIBUTIONS.entries.iter().map(Entry::info);
        all.filter(|entry| entry.kind != ENTRY.kind).collect::<Vec<EntryInfo>>()
    },
    shorthand: super::DISTRIBUTION_INFO.shorthand,
    bare_kind: false,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let nodes = values.nodes("of");
    if nodes.is_empty() {
        reading.fault(&values.span("of"), "`of` is empty", "give at least one distribution");
        return None;
    }
    let weights = weights(values, nodes.len(), "distributions", reading);
    let parts: Vec<Option<Box<dyn Distribution>>> = nodes.iter().map(|node| part(node, reading)).collect();
    let parts: Option<Vec<_>> = parts.into_iter().collect();
    let (weights, total) = weights?;
    let parts =
        weights.into_iter().map(|weight| weight / total).zip(parts?).filter(|(share, _)| *share > 0.0).collect();
    let end = |j: u32| f64::from(j) / f64::from(CELLS);
    let cells = Cumulative::new((1..=CELLS).map(end).collect());
    let mut mixture = Mixture { parts, cells, knots: Vec::new() };
    mixture.knots = (1..CELLS).map(|j| mixture.quantile(end(j))).collect();
    Some(Box::new(mixture))
}

fn part(node: &Node, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    if let Some(Node { raw: Raw::Text(kind), span }) = node.get("kind")
        && kind == ENTRY.kind
    {
        reading.fault(
            span,
            "a mixture in a mixture",
            "list its distributions in the outer one, each with the product of both weights",
        );
        return None;
    }
    super::DISTRIBUTIONS.choose(node, reading)
}

impl Mixture {
    /// Two values between which F⁻¹(u) lies.
    fn bracket(&self, u: f64) -> (f64, f64) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (_, part) in &self.parts {
            let x = part.quantile(u);
            (low, high) = (low.min(x), high.max(x));
        }
        let cell = self.cells.cell(u);
        if let Some(&knot) = cell.checked_sub(1).and_then(|before| self.knots.get(before)) {
            low = low.max(knot);
        }
        if let Some(&knot) = self.knots.get(cell) {
            high = high.min(knot);
        }
        (low, high)
    }
}

impl Distribution for Mixture {
    /// The least x with F(x) ≥ u. Every third step halves what floats lie between the ends, the others are the chord's
    /// (regula falsi, Illinois variant: Dowell and Jarratt, BIT 11 (1971)), so a step of F is found as well as a slope.
    fn quantile(&self, u: f64) -> f64 {
        let (mut low, mut high) = self.bracket(u);
        let (mut beneath, mut excess) = (self.share_at_most(low) - u, self.share_at_most(high) - u);
        if beneath >= 0.0 {
            return low;
        }
        // What the upper end weighs in a chord: less than its excess once it has stayed where it is.
        let mut above = excess;
        let mut moved = Moved::Neither;
        for step in 1_u32.. {
            let (first, last) = (ordinal(low), ordinal(high));
            if excess <= RESOLUTION * u || last - first <= 1 {
                break;
            }
            let chord = low + (high - low) * (beneath / (beneath - above));
            let x = if step % 3 == 0 || step > CHORDS || chord <= low || chord >= high {
                of_ordinal(first + (last - first) / 2)
            } else {
                chord
            };
            let beyond = self.share_at_most(x) - u;
            if beyond >= 0.0 {
                (high, excess, above) = (x, beyond, beyond);
                if moved == Moved::High {
                    beneath *= 0.5;
                }
                moved = Moved::High;
            } else {
                (low, beneath) = (x, beyond);
                if moved == Moved::Low {
                    above *= 0.5;
                }
                moved = Moved::Low;
            }
        }
        high
    }

    fn share_at_most(&self, x: f64) -> f64 {
        self.parts.iter().map(|(share, part)| share * part.share_at_most(x)).sum()
    }

    fn support(&self) -> (f64, f64) {
        self.parts
            .iter()
            .map(|(_, part)| part.support())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), of| (low.min(of.0), high.max(of.1)))
    }
}

/// Which end of a bracket moved last: the other one weighs half where it stays twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    Neither,
    Low,
    High,
}

/// After so many steps only halving goes on: F jumps here.
const CHORDS: u32 = 24;

/// Place of a finite float among all floats, ascending.
fn ordinal(x: f64) -> i128 {
    let magnitude = i128::from(x.to_bits() & (u64::MAX >> 1));
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

fn of_ordinal(place: i128) -> f64 {
    let bits = u64::try_from(place.unsigned_abs()).unwrap_or(0);
    let magnitude = f64::from_bits(bits);
    if place < 0 { -magnitude } else { magnitude }
}
