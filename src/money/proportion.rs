//! Parts of an amount by weight, exact, with one division for all of them.

/// An amount shared among weights that come to `whole`: of a weight w the part amount·w ÷ whole.
///
/// With amount = a·whole + b and m = ⌊b·2⁶⁴ ÷ whole⌋ what b·w ÷ whole exceeds m·w ÷ 2⁶⁴ by is below w ÷ 2⁶⁴, hence below 1:
/// ⌊m·w ÷ 2⁶⁴⌋ is the quotient or one less, and the remainder tells which.
#[derive(Clone, Copy, Debug)]
pub struct Proportion {
    whole: u128,
    /// a and b above.
    times: u64,
    rest: u64,
    /// m above.
    scaled: u64,
}

impl Proportion {
    /// # Panics
    /// Where `whole` is 0 or above 2¹²⁷.
    #[must_use]
    pub fn new(amount: u64, whole: u128) -> Self {
        assert!(whole <= 1 << 127, "overflow: the weights of a proportion come to more than 2¹²⁷");
        let word = |x: u128| u64::try_from(x).expect("a quotient is not above what is divided by a whole number");
        let (times, rest) = (u128::from(amount) / whole, u128::from(amount) % whole);
        Self { whole, times: word(times), rest: word(rest), scaled: word((rest << 64) / whole) }
    }

    /// ⌊amount·weight ÷ whole⌋.
    #[must_use]
    #[inline]
    pub fn floor(&self, weight: u64) -> u128 {
        self.divide(weight).0
    }

    /// ⌈amount·weight ÷ whole⌉.
    #[must_use]
    #[inline]
    pub fn ceil(&self, weight: u64) -> u128 {
        let (quotient, is_exact) = self.divide(weight);
        quotient + u128::from(!is_exact)
    }

    /// The quotient rounded down, and whether nothing remains.
    #[inline]
    fn divide(&self, weight: u64) -> (u128, bool) {
        if self.whole <= 1 << 63 && self.times == 0 {
            // The usual case: what is below 2·whole fits 64 bits too.
            let word = |x: u128| u64::try_from(x).expect("below 2⁶⁴");
            let whole = word(self.whole);
            let near = word((u128::from(self.scaled) * u128::from(weight)) >> 64);
            let over = self.rest.wrapping_mul(weight).wrapping_sub(near.wrapping_mul(whole));
            let is_less = over >= whole;
            return (u128::from(near) + u128::from(is_less), over == if is_less { whole } else { 0 });
        }
        self.divide_wide(weight)
    }

    fn divide_wide(&self, weight: u64) -> (u128, bool) {
        let weight = u128::from(weight);
        let near = (u128::from(self.scaled) * weight) >> 64;
        // Below 2·whole, so the difference fits 128 bits where a product does not.
        let over = (u128::from(self.rest) * weight).wrapping_sub(near.wrapping_mul(self.whole));
        let is_less = over >= self.whole;
        let remainder = if is_less { over - self.whole } else { over };
        // Both factors are below 2⁶⁴ and the quotient of the rest below the weight.
        (u128::from(self.times) * weight + near + u128::from(is_less), remainder == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers of all sizes, as often small as at the limit.
    fn word() -> impl Strategy<Value = u64> {
        (0u32..64, any::<u64>(), any::<bool>())
            .prop_map(|(shift, word, inverted)| if inverted { u64::MAX - (word >> shift) } else { word >> shift })
    }

    #[test]
    fn sevenths_of_ten_round_by_their_names() {
        let sevenths = Proportion::new(10, 7);
        assert_eq!([0, 1, 2, 7, 14].map(|weight| sevenths.floor(weight)), [0, 1, 2, 10, 20]);
        assert_eq!([0, 1, 2, 7, 14].map(|weight| sevenths.ceil(weight)), [0, 2, 3, 10, 20]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_part_is_the_quotient_of_the_product(amount in word(), weight in word(), low in word(), high in 0u32..64) {
            // Up to 2¹²⁶, with the low word anywhere.
            let whole = (u128::from(low) << high >> 1).max(1);
            let proportion = Proportion::new(amount, whole);
            let product = u128::from(amount) * u128::from(weight);
            prop_assert_eq!(proportion.floor(weight), product / whole);
            prop_assert_eq!(proportion.ceil(weight), product.div_ceil(whole));
        }

        /// Weights that are no more than the whole, products next to a multiple of it.
        #[test]
        fn a_part_next_to_a_whole_number_is_rounded_right(whole in word(), part in word(), off in -2i64..3) {
            let whole = whole.max(1);
            let amount = part.wrapping_add_signed(off);
            let proportion = Proportion::new(amount, u128::from(whole));
            for weight in [whole, whole - 1, whole / 2, part] {
                let product = u128::from(amount) * u128::from(weight);
                prop_assert_eq!(proportion.floor(weight), product / u128::from(whole));
                prop_assert_eq!(proportion.ceil(weight), product.div_ceil(u128::from(whole)));
            }
        }
    }
}
