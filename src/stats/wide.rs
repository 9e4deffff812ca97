//! A signed 256-bit integer with the few operations that exact second moments need.

use std::ops::{Add, AddAssign, Neg, Sub};

/// hi·2¹²⁸ + lo in two's complement. Squares of `i64` reach 2¹²⁶, so three of them already leave `i128`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wide {
    hi: i128,
    lo: u128,
}

impl Wide {
    pub const ZERO: Self = Self { hi: 0, lo: 0 };

    /// a·b, exact.
    #[must_use]
    pub fn product(a: i128, b: i128) -> Self {
        let (lo, hi) = unsigned_product(a.unsigned_abs(), b.unsigned_abs());
        let magnitude = Self { hi: i128::try_from(hi).expect("|a·b| ≤ 2²⁵⁴"), lo };
        if (a < 0) == (b < 0) { magnitude } else { -magnitude }
    }

    /// self·n.
    ///
    /// # Panics
    /// On leaving 256 bits, which a count of paths below 2⁶⁴ of 64-bit values cannot reach.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        let negative = self.hi < 0;
        let magnitude = if negative { -self } else { self };
        let (lo, carry) = unsigned_product(magnitude.lo, u128::from(n));
        let hi = magnitude.hi.checked_mul(i128::from(n)).expect("overflow of a 256-bit sum")
            + i128::try_from(carry).expect("a carry below 2⁶⁴");
        let product = Self { hi, lo };
        if negative { -product } else { product }
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.hi == 0 && self.lo == 0
    }

    /// The nearest float but for the last bit.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        const TWO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        // The magnitude first: a small negative number is −2¹²⁸ + nearly 2¹²⁸, which would cancel.
        let magnitude = if self.hi < 0 { -self } else { self };
        let value = magnitude.hi as f64 * TWO_128 + magnitude.lo as f64;
        if self.hi < 0 { -value } else { value }
    }
}

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        Self { hi: value >> 127, lo: value.cast_unsigned() }
    }
}

impl Add for Wide {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (lo, carry) = self.lo.overflowing_add(other.lo);
        Self { hi: self.hi + other.hi + i128::from(carry), lo }
    }
}

impl AddAssign for Wide {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Wide {
    type Output = Self;
    fn neg(self) -> Self {
        let (lo, carry) = (!self.lo).overflowing_add(1);
        Self { hi: !self.hi + i128::from(carry), lo }
    }
}

impl Sub for Wide {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

/// (low, high) halves of a·b, from four products of 64-bit limbs.
fn unsigned_product(a: u128, b: u128) -> (u128, u128) {
    const MASK: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let middle2 = a0 * b1 + (middle & MASK);
    let high = a1 * b1 + (middle >> 64) + (middle2 >> 64);
    ((middle2 << 64) | (low & MASK), high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn squares_of_the_largest_values_add_up() {
        let square = Wide::product(i128::from(i64::MIN), i128::from(i64::MIN));
        let mut sum = Wide::ZERO;
        for _ in 0..8 {
            sum += square;
        }
        // 8·2¹²⁶ = 2¹²⁹ = 2·2¹²⁸.
        assert_eq!(sum, Wide { hi: 2, lo: 0 });
        assert_eq!(sum.to_f64(), 2f64.powi(129));
        assert_eq!(square.times(8), sum);
        assert!((sum - square.times(8)).is_zero());
    }

    #[test]
    fn the_largest_product_is_two_to_the_254() {
        let product = Wide::product(i128::MIN, i128::MIN);
        assert_eq!(product, Wide { hi: 1 << 126, lo: 0 });
    }

    proptest! {
        #[test]
        fn small_results_equal_those_of_i128(a in -(1i128 << 60)..(1i128 << 60), b in -(1i128 << 60)..(1i128 << 60), n in 0u64..100) {
            prop_assert_eq!(Wide::product(a, b), Wide::from(a * b));
            prop_assert_eq!(Wide::from(a) + Wide::from(b), Wide::from(a + b));
            prop_assert_eq!(Wide::from(a) - Wide::from(b), Wide::from(a - b));
            prop_assert_eq!(Wide::from(a).times(n), Wide::from(a * i128::from(n)));
            prop_assert_eq!(Wide::from(a).to_f64(), a as f64);
        }

        /// (a + b)² = a² + 2ab + b² over the whole range that products can have.
        #[test]
        fn the_binomial_identity_holds_beyond_128_bits(a in -(1i128 << 125)..(1i128 << 125), b in -(1i128 << 125)..(1i128 << 125)) {
            let left = Wide::product(a + b, a + b);
            let right = Wide::product(a, a) + Wide::product(a, b).times(2) + Wide::product(b, b);
            prop_assert_eq!(left, right);
        }
    }
}
