//! A position and the rule by which a close releases its cost and the funding it owes.

/// A position in lots and signed cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) qty: i64,
    pub(super) cost: i64,
    /// Funding owed up to `funded`, the sum of all funding per lot.
    pub(super) owed: i64,
    pub(super) funded: i64,
}

impl Position {
    /// Applies a leg of `qty` signed lots for `cash`, and returns the profit that it realises.
    ///
    /// A close releases ⌈cost·closed/qty⌉ of the signed cost and the same share of the funding owed; a leg through zero
    /// closes with ⌈cash·closed/filled⌉ of its signed cash and opens with the rest. So cost and funding owed after =
    /// before + cash + realised.
    pub(super) fn trade(&mut self, qty: i64, cash: i64) -> i64 {
        if self.qty == 0 || qty == 0 || (self.qty > 0) == (qty > 0) {
            self.qty += qty;
            self.cost += cash;
            return 0;
        }
        let closed = self.qty.abs().min(qty.abs());
        let closing_cash = part_up(cash, closed, qty.abs());
        let released = part_up(self.cost, closed, self.qty.abs());
        let funding = part_up(self.owed, closed, self.qty.abs());
        self.qty += qty;
        self.cost += cash - closing_cash - released;
        self.owed -= funding;
        -closing_cash - released - funding
    }

    /// Counts funding up to a sum per lot.
    pub(super) fn accrue(&mut self, funding: i64) {
        self.owed += self.qty * (funding - self.funded);
        self.funded = funding;
    }

    /// Cost and funding owed.
    pub(super) fn basis(self) -> i64 {
        self.cost + self.owed
    }

    /// Unrealised profit where holding one lot is worth `lot_value`.
    pub(super) fn unrealised(self, lot_value: i128) -> i128 {
        i128::from(self.qty) * lot_value - i128::from(self.basis())
    }
}

/// ⌈amount·part/whole⌉ for 0 ≤ part ≤ whole, whole > 0.
fn part_up(amount: i64, part: i64, whole: i64) -> i64 {
    let product = i128::from(amount) * i128::from(part);
    let (floor, rest) = (product.div_euclid(i128::from(whole)), product.rem_euclid(i128::from(whole)));
    i64::try_from(floor + i128::from(rest > 0)).expect("a part is no larger than the whole")
}
