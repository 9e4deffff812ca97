//! Exact amounts: integers that move money, and the one boundary where decimals become integers.
//!
//! Prices are whole ticks, quantities whole lots, cash whole units of the settlement currency. A product of
//! quantity, price and multiplier is exact, so nothing is rounded unless a function's name says which way.
//! Arithmetic that leaves `i64` panics with the word "overflow": the simulator turns that into a broken path
//! with its replay command, never into a wrapped number.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

pub mod proportion;

macro_rules! amount {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            pub const ZERO: Self = Self(0);
            pub const MAX: Self = Self(i64::MAX);
            pub const MIN: Self = Self(i64::MIN);

            #[must_use]
            pub const fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// Zero where the amount is negative.
            #[must_use]
            pub fn positive_part(self) -> Self {
                Self(self.0.max(0))
            }

            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self(0), Add::add)
            }
        }
    };
}

amount! {
    /// A price in ticks of its contract.
    Price
}
amount! {
    /// A signed quantity in lots: long positive, short negative.
    Qty
}
amount! {
    /// An amount in the smallest unit of the settlement currency (micro-USDT, satoshi).
    Cash
}
amount! {
    /// A share or rate in billionths.
    Ratio
}
amount! {
    /// Simulated time in nanoseconds since the start of the path.
    Nanos
}

impl Price {
    /// The tick nearest to `ticks`, ties to even. `None` where `ticks` is not finite or leaves ±2⁶².
    #[must_use]
    #[inline]
    pub fn nearest(ticks: f64) -> Option<Self> {
        nearest(ticks).or_else(|| nearest_of_large(ticks)).map(Self)
    }
}

impl Cash {
    /// The total of a fill, rounded down; `None` where it is not finite or leaves ±2⁶².
    #[must_use]
    #[inline]
    pub fn floor(units: f64) -> Option<Self> {
        // Some whole number next to it, and one less where that lies above.
        nearest(units).or_else(|| whole(units)).map(|near| Self(near - i64::from(near as f64 > units)))
    }

    /// An amount, rounded towards zero; `None` where it is not finite or leaves ±2⁶².
    #[must_use]
    #[inline]
    pub fn towards_zero(units: f64) -> Option<Self> {
        if units < 0.0 { Self::ceil(units) } else { Self::floor(units) }
    }

    /// The total of a fill, rounded up; `None` where it is not finite or leaves ±2⁶².
    #[must_use]
    #[inline]
    pub fn ceil(units: f64) -> Option<Self> {
        nearest(units).or_else(|| whole(units)).map(|near| Self(near + i64::from((near as f64) < units)))
    }
}

/// The whole number nearest to x, ties to even, where |x| < 2⁵¹: in few operations, since prices and fills are.
#[inline]
fn nearest(x: f64) -> Option<i64> {
    // Adding 1.5·2⁵² leaves no bit for a fraction, so the addition itself rounds to nearest, ties to even, and counts in
    // the last bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    const EXACT: f64 = 2_251_799_813_685_248.0; // 2⁵¹
    (x.abs() < EXACT).then(|| (x + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()).cast_signed())
}

#[inline(never)]
fn nearest_of_large(x: f64) -> Option<i64> {
    whole(libm::rint(x))
}

/// The one place where a float of any size becomes an integer: its whole part, towards zero.
#[inline(never)]
#[allow(clippy::cast_possible_truncation)]
fn whole(x: f64) -> Option<i64> {
    const LIMIT: f64 = 4.611_686_018_427_388e18; // 2⁶²
    // Neither NaN nor an infinity is within the limit.
    (x.abs() <= LIMIT).then_some(x as i64)
}

impl Nanos {
    pub const SECOND: Self = Self(1_000_000_000);

    /// Seconds as a float, for price processes and charts.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 * 1e-9
    }
}

impl Mul<i64> for Nanos {
    type Output = Self;
    fn mul(self, times: i64) -> Self {
        Self(self.0 * times)
    }
}

/// `12.5 s`, `2 min`: the largest unit in which the time has few digits.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = Decimal::new(self.0, 9).normalize();
        write!(f, "{value} s")
    }
}

const BILLION: i64 = 1_000_000_000;

impl Ratio {
    pub const ONE: Self = Self(1_000_000_000);

    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// `self × amount`, rounded towards +∞.
    #[must_use]
    #[inline]
    pub fn of_ceil(self, amount: Cash) -> Cash {
        // The usual case: a product that fits, of two numbers of no sign, needs one division.
        if let Some(product) = self.0.checked_mul(amount.0)
            && let Ok(product) = u64::try_from(product)
        {
            // Below 2⁶³ there is room for a billion more.
            return Cash(((product + (BILLION - 1).unsigned_abs()) / BILLION.unsigned_abs()).cast_signed());
        }
        self.of_ceil_in_parts(amount)
    }

    #[inline(never)]
    fn of_ceil_in_parts(self, amount: Cash) -> Cash {
        let (whole, rest) = self.parts(amount);
        Cash(whole + (rest + (BILLION - 1)).div_euclid(BILLION))
    }

    /// `self × amount`, rounded towards −∞.
    #[must_use]
    pub fn of_floor(self, amount: Cash) -> Cash {
        let (whole, rest) = self.parts(amount);
        Cash(whole + rest.div_euclid(BILLION))
    }

    /// rate × amount as whole units and billionths, in 64 bits: the amount is cut at a billion, so that neither product
    /// of a rate up to 9 overflows before the result does.
    fn parts(self, amount: Cash) -> (i64, i64) {
        (self.0 * amount.0.div_euclid(BILLION), self.0 * amount.0.rem_euclid(BILLION))
    }
}

/// Quotient rounded towards −∞. The divisor must not be zero.
#[must_use]
pub const fn div_floor(a: i128, b: i128) -> i128 {
    let q = a / b;
    // A second division would cost as much as the first.
    let r = a - q * b;
    if r != 0 && ((r < 0) != (b < 0)) { q - 1 } else { q }
}

/// Quotient rounded towards +∞. The divisor must not be zero.
#[must_use]
pub const fn div_ceil(a: i128, b: i128) -> i128 {
    let q = a / b;
    let r = a - q * b;
    if r != 0 && ((r < 0) == (b < 0)) { q + 1 } else { q }
}

/// Back from a product to an amount.
///
/// # Panics
/// Where the value leaves `i64`: a broken path, reported with its replay command.
#[must_use]
pub fn narrow(value: i128) -> i64 {
    match i64::try_from(value) {
        Ok(value) => value,
        Err(_) => panic!("overflow: {value} does not fit 64 bits; use a coarser tick, lot or cash unit"),
    }
}

/// What lots are worth in the settlement currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplier {
    /// Cash units per lot and tick (`k` in `docs/methods.md`): value q·p·k, exact.
    Linear(i64),
    /// Cash units times ticks per lot (`f`): settled in the coin. One lot is worth f/p, rounded to the nearest cash unit
    /// (ties up), so values add up exactly over lots; q lots are worth −q·⌊f/p + ½⌋.
    Inverse(i64),
}

impl Multiplier {
    /// Value of holding `qty` lots at `price`. Signed like `qty` where linear; of the opposite sign where inverse, since
    /// a rising price makes the coin that a contract is worth fewer.
    ///
    /// # Panics
    /// Where the value leaves 64 bits: a broken path.
    #[must_use]
    #[inline]
    pub fn value(self, qty: Qty, price: Price) -> Cash {
        if let Self::Linear(k) = self
            && let Some(value) = qty.0.checked_mul(price.0).and_then(|x| x.checked_mul(k))
        {
            return Cash(value);
        }
        self.wide_value(qty, price)
    }

    /// The same by way of 128 bits.
    #[inline(never)]
    fn wide_value(self, qty: Qty, price: Price) -> Cash {
        match self {
            Self::Linear(k) => Cash(narrow(i128::from(qty.0) * i128::from(price.0) * i128::from(k))),
            Self::Inverse(f) => {
                let price = i128::from(price.0.max(1));
                let lot = (2 * i128::from(f) + price) / (2 * price);
                Cash(narrow(-i128::from(qty.0) * lot))
            }
        }
    }

    /// The same as [`value`](Self::value), `None` where it leaves 64 bits.
    #[must_use]
    #[inline]
    pub fn checked_value(self, qty: Qty, price: Price) -> Option<Cash> {
        let lot = match self {
            Self::Linear(k) => price.0.checked_mul(k)?,
            Self::Inverse(_) => self.value(Qty(1), price).0,
        };
        lot.checked_mul(qty.0).map(Cash)
    }

    /// What so many lots are worth at `price`, without a sign.
    #[must_use]
    #[inline]
    pub fn notional(self, lots: Qty, price: Price) -> Cash {
        self.value(lots, price).abs()
    }

    /// The price in ticks at which `lots` > 0 trade for `amount` in total.
    #[must_use]
    pub fn average(self, lots: Qty, amount: Cash) -> f64 {
        match self {
            Self::Linear(k) => amount.0 as f64 / (lots.0 as f64 * k as f64),
            Self::Inverse(f) => lots.0 as f64 * f as f64 / amount.0 as f64,
        }
    }

    /// Cash units of a total of `value` tick·lots for `lots` > 0 lots, before rounding.
    #[must_use]
    pub fn units(self, lots: Qty, value: f64) -> f64 {
        match self {
            Self::Linear(k) => value * k as f64,
            Self::Inverse(f) => lots.0 as f64 * lots.0 as f64 * f as f64 / value,
        }
    }

    /// Whether value has the sign of the lots.
    #[must_use]
    pub fn is_linear(self) -> bool {
        matches!(self, Self::Linear(_))
    }

    /// The signed cash of a leg of `qty` lots that trades for `amount` ≥ 0 in total.
    #[must_use]
    pub fn signed(self, qty: Qty, amount: Cash) -> Cash {
        if (qty.0 > 0) == self.is_linear() { amount } else { -amount }
    }
}

/// A quantum in the user's terms (0.1 USDT a tick, 0.001 BTC a lot, 0.000001 USDT a cash unit): the only way
/// from decimals to integers and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantum(Decimal);

impl Quantum {
    /// `None` unless positive.
    #[must_use]
    pub fn new(size: Decimal) -> Option<Self> {
        (size > Decimal::ZERO).then(|| Self(size.normalize()))
    }

    #[must_use]
    pub const fn size(self) -> Decimal {
        self.0
    }

    /// `amount` as a whole number of quanta; `None` where it is not one or leaves `i64`.
    #[must_use]
    pub fn exact(self, amount: Decimal) -> Option<i64> {
        let quotient = amount.checked_div(self.0)?;
        if !quotient.is_integer() || quotient.checked_mul(self.0)? != amount {
            return None;
        }
        quotient.to_i64()
    }

    /// `amount` in quanta, rounded down; `None` where it leaves `i64`.
    #[must_use]
    pub fn floor(self, amount: Decimal) -> Option<i64> {
        amount.checked_div(self.0)?.floor().to_i64()
    }

    /// The decimal that `count` quanta are, without superfluous zeros.
    #[must_use]
    pub fn show(self, count: i64) -> Decimal {
        (Decimal::from(count) * self.0).normalize()
    }

    /// The size as a float, for prices and statistics only.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().expect("a decimal has a nearest float")
    }

    /// Cash units per lot and tick: `tick × lot ÷ unit`, or `None` where that is not whole.
    #[must_use]
    pub fn inverse_multiplier(tick: Self, lot: Self, unit: Self) -> Option<Multiplier> {
        let product = tick.0.checked_mul(unit.0)?;
        Self(product).exact(lot.0).filter(|f| *f > 0).map(Multiplier::Inverse)
    }

    #[must_use]
    pub fn multiplier(tick: Self, lot: Self, unit: Self) -> Option<Multiplier> {
        unit.exact(tick.0.checked_mul(lot.0)?).map(Multiplier::Linear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn division_rounds_by_its_name_on_all_four_sign_pairs() {
        for (a, b, floor, ceil) in
            [(7, 2, 3, 4), (-7, 2, -4, -3), (7, -2, -4, -3), (-7, -2, 3, 4), (6, 3, 2, 2), (-6, 3, -2, -2)]
        {
            assert_eq!((div_floor(a, b), div_ceil(a, b)), (floor, ceil), "{a}/{b}");
        }
    }

    #[test]
    fn prices_round_to_nearest_with_ties_to_even() {
        assert_eq!(Price::nearest(2.5), Some(Price(2)));
        assert_eq!(Price::nearest(3.5), Some(Price(4)));
        assert_eq!(Price::nearest(-2.6), Some(Price(-3)));
        assert_eq!(Price::nearest(f64::NAN), None);
        assert_eq!(Price::nearest(1e19), None);
    }

    #[test]
    fn a_tenth_is_a_tenth() {
        let tick = Quantum::new(dec!(0.1)).unwrap();
        assert_eq!(tick.exact(dec!(114_500.3)), Some(1_145_003));
        assert_eq!(tick.exact(dec!(0.05)), None);
        assert_eq!(tick.show(1_145_003).to_string(), "114500.3");
    }

    #[test]
    fn tick_times_lot_must_be_whole_cash_units() {
        let q = |d| Quantum::new(d).unwrap();
        assert_eq!(Quantum::multiplier(q(dec!(0.1)), q(dec!(0.001)), q(dec!(0.000001))), Some(Multiplier::Linear(100)));
        assert_eq!(Quantum::multiplier(q(dec!(0.1)), q(dec!(0.001)), q(dec!(0.01))), None);
    }

    #[test]
    fn rounding_of_floats_agrees_with_the_definitions() {
        let mut magnitude = 0.1;
        for i in 0..4500 {
            magnitude *= 1.01;
            let x = if i % 2 == 0 { magnitude } else { -magnitude };
            for y in [x, libm::floor(x), libm::floor(x) + 0.5] {
                let exact = |z: f64| rust_decimal::prelude::ToPrimitive::to_i64(&z).unwrap();
                assert_eq!(Cash::floor(y), Some(Cash(exact(libm::floor(y)))), "floor {y}");
                assert_eq!(Cash::towards_zero(y), Some(Cash(exact(libm::trunc(y)))), "towards zero {y}");
                assert_eq!(Cash::ceil(y), Some(Cash(exact(libm::ceil(y)))), "ceil {y}");
                assert_eq!(Price::nearest(y), Some(Price(exact(libm::rint(y)))), "nearest {y}");
            }
        }
    }

    #[test]
    fn a_rate_of_an_amount_rounds_as_named() {
        let rate = Ratio(1_500_000); // 0.15 %
        assert_eq!(rate.of_ceil(Cash(1_001)), Cash(2));
        assert_eq!(rate.of_floor(Cash(1_001)), Cash(1));
        for amount in [-7, -1_000_000_007, 0, 999, 1_000_000_000, 123_456_789_012_345] {
            let exact = i128::from(rate.0) * i128::from(amount);
            assert_eq!(i128::from(rate.of_ceil(Cash(amount)).0), div_ceil(exact, 1_000_000_000), "{amount}");
            assert_eq!(i128::from(rate.of_floor(Cash(amount)).0), div_floor(exact, 1_000_000_000), "{amount}");
        }
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn an_overflow_is_never_a_wrap() {
        let _ = Multiplier::Linear(i64::MAX).value(Qty(2), Price(1));
    }
}
