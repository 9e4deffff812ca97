//! Bisection over whole numbers.

/// The last number on the way from `good` to `bad`, up or down, at which a condition holds that changes once between them:
/// it holds at `good` and not at `bad`, neither of which is asked.
pub(super) fn last_that_holds(mut good: i64, mut bad: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while bad.abs_diff(good) > 1 {
        let middle = i64::midpoint(good, bad);
        if holds(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}
