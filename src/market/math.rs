//! Elementary functions, the same bits on every system.
//!
//! The standard library's exp, ln and pow come from the platform and differ between systems by a last digit; these
//! are the pure-Rust `libm`, or plain IEEE additions, products and quotients, which every system rounds alike.

// Constants stand as they are printed in their sources.
#![allow(clippy::excessive_precision)]

/// Seconds of a year of 365 days, in which annual drifts and volatilities count: these markets never close.
pub const YEAR_S: f64 = 31_536_000.0;

/// Natural logarithm; −∞ at 0, NaN below. Bit for bit that of `libm`.
#[must_use]
#[inline]
pub fn ln(x: f64) -> f64 {
    if is_normal(x) { ln_normal(x) } else { libm::log(x) }
}

/// Whether a number is positive and has all its bits.
#[inline]
fn is_normal(x: f64) -> bool {
    // The bits of numbers above zero are in the order of the numbers.
    (f64::MIN_POSITIVE.to_bits()..f64::INFINITY.to_bits()).contains(&x.to_bits())
}

/// ln x of a positive normal number: the operations of `libm`, without its questions about other numbers and without its
/// call.
///
/// x = 2^k·(1 + f) with √2/2 < 1 + f < √2, s = f/(2 + f), and ln(1 + f) = f − f²/2 + s·(f²/2 + R(s²)), R a polynomial
/// that is off by less than 2^−58.45: `e_log.c` of the C library of FreeBSD.
#[inline]
fn ln_normal(x: f64) -> f64 {
    /// The upper half of the bits of √2/2, with the lower half of zeros.
    const LEAST: u64 = 0x3fe6_a09e << 32;
    const ONE: u64 = 0x3ff0_0000 << 32;
    const MANTISSA: u64 = (1 << 52) - 1;
    const TWO_52: f64 = 4_503_599_627_370_496.0;
    const R: [f64; 7] = [
        6.666_666_666_666_735_130e-1,
        3.999_999_999_940_941_908e-1,
        2.857_142_874_366_239_149e-1,
        2.222_219_843_214_978_396e-1,
        1.818_357_216_161_805_012e-1,
        1.531_383_769_920_937_332e-1,
        1.479_819_860_511_658_591e-1,
    ];
    // No sum of bits overflows; said so, a loop over it becomes vector code.
    let bits = x.to_bits().wrapping_add(ONE - LEAST);
    // A whole number below 2⁵² in the last bits of 2⁵² is added to it: no cast is needed.
    let k = f64::from_bits((bits >> 52) | TWO_52.to_bits()) - (TWO_52 + 1_023.0);
    let f = f64::from_bits((bits & MANTISSA).wrapping_add(LEAST)) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (R[1] + w * (R[3] + w * R[5]));
    let odd = z * (R[0] + w * (R[2] + w * (R[4] + w * R[6])));
    s * (half_square + (odd + even)) + k * LN2_LOWER - half_square + f + k * LN2_UPPER
}

// ln 2 in two parts, so that a whole number times the upper one is exact.
const LN2_UPPER: f64 = 6.931_471_803_691_238_164_90e-1;
const LN2_LOWER: f64 = 1.908_214_929_270_587_700_02e-10;

/// Square root, correctly rounded; NaN below 0.
#[must_use]
pub fn sqrt(x: f64) -> f64 {
    libm::sqrt(x)
}

/// e to the power x, within two units of the last place.
#[must_use]
#[inline]
pub fn exp(x: f64) -> f64 {
    if x.abs() <= EXP_BOUND { exp_bounded(x) } else { libm::exp(x) }
}

/// x to the power y for x ≥ 0: exp(y·ln x), and 1 where y is 0.
#[must_use]
#[expect(clippy::inline_always, reason = "once an order, in few operations")]
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 { 1.0 } else { exp(y * ln(x)) }
}

/// Within this bound e^x is a normal number and needs no care with its exponent.
const EXP_BOUND: f64 = 700.0;

/// e^x for |x| ≤ 700 without a branch, so that a loop over it becomes vector code.
///
/// x = k·ln 2 + r with |r| ≤ ln 2 / 2, e^x = 2^k·e^r, and e^r by its series to the 13th power (remainder below 4e-18).
/// ln 2 is split in two so that k·(upper part) is exact, as in the C library of FreeBSD.
#[inline]
fn exp_bounded(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to a whole number and leaves it in the low bits of the sum: no cast is needed.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2_UPPER) - k * LN2_LOWER;
    let r2 = r * r;
    let r4 = r2 * r2;
    let r8 = r4 * r4;
    let low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    let middle = (1.0 / 720.0 + r * (1.0 / 5_040.0)) + r2 * (1.0 / 40_320.0 + r * (1.0 / 362_880.0));
    let high =
        (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) + r2 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    // 1 and r are added last, so that the rounding of the small terms stays small.
    let power = 1.0 + (r + r2 * (low + r4 * middle + r8 * high));
    f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// Replaces every value by its exponential; bit for bit what [`exp`] gives.
pub fn exp_all(values: &mut [f64]) {
    for chunk in values.chunks_mut(CHUNK) {
        if chunk.iter().all(|x| x.abs() <= EXP_BOUND) {
            for x in chunk {
                *x = exp_bounded(*x);
            }
        } else {
            for x in chunk {
                *x = exp(*x);
            }
        }
    }
}

/// Raises every value to the power y; bit for bit what [`pow`] gives.
pub fn pow_all(values: &mut [f64], y: f64) {
    for chunk in values.chunks_mut(CHUNK) {
        if y != 0.0 && chunk.iter().all(|x| is_normal(*x)) {
            for x in chunk.iter_mut() {
                *x = y * ln_normal(*x);
            }
            exp_all(chunk);
        } else {
            for x in chunk {
                *x = pow(*x, y);
            }
        }
    }
}

/// Loops over columns go in pieces that stay in the first cache.
const CHUNK: usize = 128;

/// Standard normal distribution function Φ(x), by the complementary error function, so that the lower tail keeps
/// its relative accuracy.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Inverse Φ⁻¹(p) of the standard normal distribution function for p in (0, 1); −∞ at 0, ∞ at 1, NaN outside.
///
/// Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988),
/// routine PPND16: relative accuracy about 1 part in 10¹⁶.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= BODY { quantile_body(q) } else { quantile_tail(p, q) }
}

/// Replaces every uniform by its normal quantile; bit for bit what [`normal_quantile`] gives.
///
/// The body holds 85 % of all draws and has no branch, so it runs over everything in vector code; the tails are
/// then done again one by one.
pub fn normal_quantile_all(values: &mut [f64]) {
    let mut uniforms = [0.0; CHUNK];
    for chunk in values.chunks_mut(CHUNK) {
        let uniforms = &mut uniforms[..chunk.len()];
        uniforms.copy_from_slice(chunk);
        for x in chunk.iter_mut() {
            *x = quantile_body(*x - 0.5);
        }
        for (x, &p) in chunk.iter_mut().zip(uniforms.iter()) {
            let q = p - 0.5;
            if q.abs() > BODY {
                *x = quantile_tail(p, q);
            }
        }
    }
}

/// Half the width of the body, in probability.
const BODY: f64 = 0.425;

#[inline]
fn horner<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum * x + coefficients[i];
    }
    sum
}

#[inline]
fn quantile_body(q: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ];
    const B: [f64; 8] = [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083_0e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061_0e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561_0e3,
    ];
    let r = 0.180_625 - q * q;
    q * (horner(r, A) / horner(r, B))
}

fn quantile_tail(p: f64, q: f64) -> f64 {
    const C: [f64; 8] = [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ];
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return if tail < 0.0 { f64::NAN } else { q * f64::INFINITY };
    }
    let r = sqrt(-ln(tail));
    let z = if r <= 5.0 { horner(r - 1.6, C) / horner(r - 1.6, D) } else { horner(r - 5.0, E) / horner(r - 5.0, F) };
    if q < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, relative: f64) {
        assert!((found - wanted).abs() <= relative * wanted.abs(), "{found:e} is not {wanted:e}");
    }

    #[test]
    fn exp_is_within_two_last_places_of_libm_over_its_whole_range() {
        let mut x = -745.0;
        while x < 709.7 {
            near(exp(x), libm::exp(x), 2.0 * f64::EPSILON);
            x += 0.003_137;
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn ln_is_that_of_libm_to_the_bit() {
        let same = |x: f64| assert_eq!(ln(x).to_bits(), libm::log(x).to_bits(), "{x:e}");
        for x in [0.0, 1.0, f64::INFINITY, f64::MIN_POSITIVE, f64::MIN_POSITIVE / 8.0, 5e-324, f64::MAX] {
            same(x);
        }
        assert!(ln(-1.0).is_nan() && ln(-0.0) == f64::NEG_INFINITY && ln(f64::NAN).is_nan());
        // Around 1, where terms cancel, around √2 and √2/2, where the power of two changes, and everywhere else.
        for around in [1.0, std::f64::consts::SQRT_2, std::f64::consts::FRAC_1_SQRT_2, 4e9, 3e-7] {
            for step in 0..20_000_u64 {
                same(f64::from_bits(f64::to_bits(around) + step));
                same(f64::from_bits(f64::to_bits(around) - step));
                same(f64::from_bits(f64::to_bits(around) + (step << 33)));
                same(f64::from_bits(f64::to_bits(around) - (step << 33)));
            }
        }
        for i in 0..200_000_u64 {
            let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
            same(f64::from_bits(bits.min(f64::INFINITY.to_bits())));
        }
    }

    #[test]
    fn pow_is_exp_of_y_ln_x_and_keeps_the_ends() {
        near(pow(50.0, 1.16), 93.498_620_885_358_72, 1e-13);
        near(pow(2.0, 10.0), 1_024.0, 1e-14);
        assert_eq!(pow(0.0, 1.16), 0.0);
        assert_eq!(pow(0.0, 0.0), 1.0);
        assert_eq!(pow(1.0, 0.862), 1.0);
    }

    /// Values of Abramowitz and Stegun, table 26.1, and of the test in the paper of AS 241.
    #[test]
    fn normal_values_are_those_of_the_tables() {
        near(normal_cdf(1.0), 0.841_344_746_068_542_9, 1e-15);
        near(normal_cdf(-3.0), 1.349_898_031_630_094_6e-3, 1e-14);
        near(normal_quantile(0.25), -0.674_489_750_196_081_7, 1e-15);
        near(normal_quantile(0.001), -3.090_232_306_167_813_5, 1e-15);
        near(normal_quantile(1e-20), -9.262_340_089_798_408, 1e-15);
        near(normal_quantile(0.975), 1.959_963_984_540_054_2, 1e-15);
        assert_eq!(normal_quantile(0.5), 0.0);
    }

    #[test]
    fn the_quantile_inverts_the_distribution_function_in_body_and_tails() {
        let mut p = 1e-16;
        while p < 0.5 {
            // Φ magnifies a relative error of z by about z² in the tail.
            let z = normal_quantile(p);
            near(normal_cdf(z), p, 1e-15 * (4.0 + z * z));
            p *= 1.013;
        }
        for p in [0.075, 0.3, 0.074_999] {
            near(normal_quantile(1.0 - p), -normal_quantile(p), 1e-14);
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.1).is_nan() && normal_quantile(-0.1).is_nan());
    }

    #[test]
    fn columns_give_the_same_bits_as_single_values() {
        let mut uniforms: Vec<f64> =
            (0..1_000_u64).map(|i| crate::rng::open_unit(i.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        let singles: Vec<f64> = uniforms.iter().map(|&p| normal_quantile(p)).collect();
        normal_quantile_all(&mut uniforms);
        assert_eq!(uniforms, singles);
        let mut powers: Vec<f64> = singles.iter().map(|z| z * 300.0).collect();
        assert!(powers.iter().any(|x| x.abs() > EXP_BOUND));
        let singles: Vec<f64> = powers.iter().map(|&x| exp(x)).collect();
        exp_all(&mut powers);
        assert_eq!(powers, singles);
        // Normal numbers alone, and among others that are not: infinities, numbers below the least normal one, 0.
        let bases = [&singles[..300], &[0.0, 1.0, 5e-324, f64::MAX], &singles[700..]].concat();
        for y in [0.862, 1.0, 0.0, -2.5, 300.0] {
            let singles: Vec<f64> = bases.iter().map(|&x| pow(x, y)).collect();
            let mut together = bases.clone();
            pow_all(&mut together, y);
            assert_eq!(together, singles, "to the power {y}");
        }
    }
}
