//! Searches over whole numbers for where a condition ends.

/// The last number on the way from `good` to `bad`, up or down, at which a condition holds that changes once between them:
/// it holds at `good` and not at `bad`, neither of which is asked.
pub(crate) fn last_that_holds(mut good: i64, mut bad: i64, mut holds: impl FnMut(i64) -> bool) -> i64 {
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

/// The same upwards, from `near` outwards in steps that double, so that a search that begins near its end is short. Where
/// `near` does not lie between the two it begins in the middle.
pub(crate) fn last_that_holds_near(mut good: i64, mut bad: i64, near: i64, mut holds: impl FnMut(i64) -> bool) -> i64 {
    let is_between = |at: i64, good: i64, bad: i64| good < at && at < bad;
    let mut next = if is_between(near, good, bad) { near } else { i64::midpoint(good, bad) };
    let mut step = 1_i64;
    // The first step that leads out of what is left is longer than that: bisection does the rest.
    while is_between(next, good, bad) {
        if holds(next) {
            good = next;
            next = next.saturating_add(step);
        } else {
            bad = next;
            next = next.saturating_sub(step);
        }
        step = step.saturating_mul(2);
    }
    last_that_holds(good, bad, holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_from_anywhere_ends_where_bisection_ends() {
        for last in [0, 1, 2, 7, 63, 98, 99] {
            let holds = |at: i64| {
                assert!(at > 0 && at < 100, "0 holds and 100 does not: neither is asked for");
                at <= last
            };
            assert_eq!(last_that_holds(0, 100, holds), last);
            for near in [i64::MIN, 0, 1, last, last + 1, 50, i64::MAX] {
                assert_eq!(last_that_holds_near(0, 100, near, holds), last, "from {near}");
            }
        }
    }

    #[test]
    fn bisection_goes_down_as_well_as_up() {
        assert_eq!(last_that_holds(100, 0, |at| at >= 37), 37);
    }

    #[test]
    fn a_search_that_begins_near_its_end_asks_seldom() {
        let mut asked = 0;
        let found = last_that_holds_near(0, 1_000_000_000, 123_456, |lots| {
            asked += 1;
            lots <= 123_457
        });
        // Up by one and by two, and the one between; bisection alone asks thirty times.
        assert_eq!((found, asked), (123_457, 4));
    }
}
