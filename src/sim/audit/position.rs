//! A position and the rule by which a close releases its cost.

/// A position in lots and signed cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) qty: i64,
    pub(super) cost: i64,
}

impl Position {
    /// Applies a leg of `qty` signed lots for `cash` signed alike, and returns the profit that it realises.
    ///
    /// A close releases ⌈cost·closed/qty⌉ of the signed cost; a leg through zero closes with ⌈cash·closed/filled⌉ of
    /// its signed cash and opens with the rest. So cost after = cost before + cash + realised.
    pub(super) fn trade(&mut self, qty: i64, cash: i64) -> i64 {
        if self.qty == 0 || qty == 0 || (self.qty > 0) == (qty > 0) {
            self.qty += qty;
            self.cost += cash;
            return 0;
        }
        let closed = self.qty.abs().min(qty.abs());
        let closing_cash = part_up(cash, closed, qty.abs());
        let released = part_up(self.cost, closed, self.qty.abs());
        let realised = -closing_cash - released;
        self.qty += qty;
        self.cost += cash + realised;
        realised
    }

    /// Unrealised profit where holding one lot is worth `lot_value`.
    pub(super) fn unrealised(self, lot_value: i128) -> i128 {
        i128::from(self.qty) * lot_value - i128::from(self.cost)
    }
}

/// ⌈amount·part/whole⌉ for 0 ≤ part ≤ whole, whole > 0.
fn part_up(amount: i64, part: i64, whole: i64) -> i64 {
    let product = i128::from(amount) * i128::from(part);
    let (floor, rest) = (product.div_euclid(i128::from(whole)), product.rem_euclid(i128::from(whole)));
    i64::try_from(floor + i128::from(rest > 0)).expect("a part is no larger than the whole")
}
