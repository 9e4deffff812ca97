//! Amounts of a real book that lie between cash units: refused, or rounded against their accounts and counted.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::money::{Cash, Quantum};

/// What happens to an amount that is not a whole number of cash units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// It is a fault.
    Refuse,
    /// The signed cost goes up (a long has paid more, a short has got less), collateral and wallet go down: no account
    /// opens with more equity than its row says.
    AgainstAccount,
}

/// What rounding has taken from the accounts of a book, in the settlement currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rounded {
    /// Rows in which anything was rounded.
    pub rows: usize,
    /// Line of the last of them.
    last: usize,
    pub cost: Decimal,
    pub collateral: Decimal,
    pub wallet: Decimal,
}

/// The amount of a row that is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Cost,
    Collateral,
    Wallet,
}

impl Rounded {
    /// Notes what one amount of a line has lost.
    pub(super) fn note(&mut self, line: usize, part: Part, lost: Decimal) {
        self.rows += usize::from(self.last != line);
        self.last = line;
        let sum = match part {
            Part::Cost => &mut self.cost,
            Part::Collateral => &mut self.collateral,
            Part::Wallet => &mut self.wallet,
        };
        // Each loss is below one cash unit, and a sum of even 2³² of them far from the end of what a decimal holds.
        *sum = sum.saturating_add(lost);
    }

    /// What all of it comes to, in words: two digits, rounded up, since a sum of losses is not to look smaller than it is.
    #[must_use]
    pub fn told(&self, currency: &str) -> String {
        let parts = [("entry costs", self.cost), ("collateral", self.collateral), ("wallets", self.wallet)];
        let lost = parts.into_iter().filter(|(_, sum)| !sum.is_zero()).map(|(what, sum)| {
            let sum = sum.round_sf_with_strategy(2, RoundingStrategy::AwayFromZero).unwrap_or(sum);
            format!("{what} by {} {currency} in all", sum.normalize())
        });
        lost.collect::<Vec<_>>().join(", ")
    }
}

/// Cash units of an amount ≥ 0, rounded; also by how much it was moved. `None` where it leaves 64 bits.
pub(super) fn rounded(unit: Quantum, amount: Decimal, towards: Towards) -> Option<(Cash, Decimal)> {
    let below = unit.floor(amount)?;
    let units = match towards {
        Towards::Less => below,
        Towards::More if unit.show(below) < amount => below.checked_add(1)?,
        Towards::More => below,
    };
    Some((Cash(units), (unit.show(units) - amount).abs()))
}

/// Which way an amount without a sign is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Towards {
    Less,
    More,
}

/// The price next to `entry` at which `quantity` costs a whole number of cash units and that can be written in decimals:
/// with quantity ÷ unit = a/b in lowest terms these are the multiples of b/(2^x·5^y), the two powers being all of those in a.
pub(super) fn nearest_price(quantity: Decimal, unit: Quantum, entry: Decimal) -> Option<Decimal> {
    let (quantity, unit) = (quantity.normalize(), unit.size().normalize());
    let shifted = |number: Decimal, by: u32| number.mantissa().checked_mul(10_i128.checked_pow(by)?);
    let (a, b) = (shifted(quantity, unit.scale())?, shifted(unit, quantity.scale())?);
    let common = greatest_common_divisor(a, b);
    let (a, b) = (a.checked_div(common)?, b.checked_div(common)?);
    let mut rest = a;
    for prime in [2, 5] {
        while rest != 0 && rest % prime == 0 {
            rest /= prime;
        }
    }
    let powers = Decimal::try_from_i128_with_scale(a.checked_div(rest)?, 0).ok()?;
    let step = Decimal::try_from_i128_with_scale(b, 0).ok()?.checked_div(powers)?;
    let steps = entry.checked_div(step)?.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    let near = steps.max(Decimal::ONE).checked_mul(step)?.normalize();
    // A step of very many digits may itself have been rounded.
    let units = quantity.checked_mul(near)?.checked_div(unit)?;
    (units.is_integer() && units.to_i64().is_some()).then_some(near)
}

/// Greatest common divisor of two numbers above 0.
fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn micro() -> Quantum {
        Quantum::new(dec!(0.000001)).unwrap()
    }

    #[test]
    fn amounts_move_by_less_than_a_cash_unit_and_whole_ones_not_at_all() {
        let amount = dec!(106504.31222280057);
        assert_eq!(rounded(micro(), amount, Towards::Less), Some((Cash(106_504_312_222), dec!(0.00000080057))));
        assert_eq!(rounded(micro(), amount, Towards::More), Some((Cash(106_504_312_223), dec!(0.00000019943))));
        for towards in [Towards::Less, Towards::More] {
            assert_eq!(rounded(micro(), dec!(1.5), towards), Some((Cash(1_500_000), dec!(0))));
            assert_eq!(rounded(micro(), dec!(9999999999900000), towards), None);
        }
    }

    #[test]
    fn the_nearest_price_that_fits_is_the_nearest() {
        // 1.101 × p in millionths: 1,101,000 = 1101·2³·5³, so p in thousandths.
        assert_eq!(nearest_price(dec!(1.101), micro(), dec!(96734.16187357)), Some(dec!(96734.162)));
        // 3 × p: 3,000,000 = 3·2⁶·5⁶, in millionths; 8: 8,000,000 = 2⁹·5⁶, in eighths of a millionth.
        assert_eq!(nearest_price(dec!(3), micro(), dec!(1.00000051)), Some(dec!(1.000001)));
        assert_eq!(nearest_price(dec!(8), micro(), dec!(1.00000051)), Some(dec!(1.0000005)));
        // Numbers of very many digits have none that can be told, and do no harm.
        let fine = Quantum::new(dec!(0.0000000000000000000000000007)).unwrap();
        assert_eq!(nearest_price(dec!(0.3), fine, dec!(1)), None);
        // A price of 0 is none.
        assert_eq!(nearest_price(dec!(0.001), micro(), dec!(0.0000001)), Some(dec!(0.001)));
        // 0.5 × p in hundredths: 50 = 2·5², steps of 1/50.
        assert_eq!(nearest_price(dec!(0.5), Quantum::new(dec!(0.01)).unwrap(), dec!(3.03)), Some(dec!(3.04)));
    }

    #[test]
    fn a_row_counts_once_however_many_of_its_amounts_are_rounded() {
        let mut all = Rounded::default();
        all.note(2, Part::Cost, dec!(0.0000004));
        all.note(2, Part::Wallet, dec!(0.0000005));
        all.note(4, Part::Cost, dec!(0.00000081));
        assert_eq!(all.rows, 2);
        assert_eq!(all.told("USDT"), "entry costs by 0.0000013 USDT in all, wallets by 0.0000005 USDT in all");
    }
}
