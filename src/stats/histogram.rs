//! A signed log-linear histogram of integers: buckets 1/1024 of their value wide, integer counts and sums.

use std::collections::BTreeMap;

/// Values below this are kept one to a bucket.
const LINEAR: u64 = 1 << BITS;
const BITS: u32 = 10;

/// Counts and sums by bucket. Values of magnitude below 2,048 are exact; larger ones share a bucket with values at
/// most 1/1024 away. `merge` is associative and commutative to the byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    n: u64,
    /// Smallest and largest value.
    range: Option<(i64, i64)>,
    buckets: BTreeMap<i32, Bucket>,
}

/// The values of one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    pub count: u64,
    pub sum: i128,
}

impl Bucket {
    #[must_use]
    pub fn mean(self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

/// The bucket of a value; ordered like the values.
#[must_use]
pub fn key(value: i64) -> i32 {
    let magnitude = value.unsigned_abs();
    let key = if magnitude < LINEAR {
        i32::try_from(magnitude).expect("below 1,024")
    } else {
        let exponent = magnitude.ilog2();
        let mantissa = (magnitude >> (exponent - BITS)) - LINEAR;
        let octave = u64::from(exponent - BITS + 1);
        i32::try_from(octave * LINEAR + mantissa).expect("at most 55 octaves of 1,024")
    };
    if value < 0 { -key } else { key }
}

/// Smallest and largest value of a bucket.
#[must_use]
pub fn bounds(key: i32) -> (i64, i64) {
    let at = u64::from(key.unsigned_abs());
    let (first, last) = if at < 2 * LINEAR {
        (at, at)
    } else {
        // Octave o holds 1,024 buckets, each of 2^(o − 1) values.
        let octave = at / LINEAR;
        let width = 1_u64 << (octave - 1);
        let first = (LINEAR + at % LINEAR) * width;
        (first, first + (width - 1))
    };
    let signed = |magnitude: u64| i64::try_from(magnitude).unwrap_or(i64::MAX);
    // The one magnitude beyond 63 bits is that of the smallest integer.
    if key >= 0 { (signed(first), signed(last)) } else { (0_i64.saturating_sub_unsigned(last), -signed(first)) }
}

impl Histogram {
    pub fn add(&mut self, value: i64) {
        self.n += 1;
        self.range = Some(self.range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        let bucket = self.buckets.entry(key(value)).or_default();
        bucket.count += 1;
        bucket.sum += i128::from(value);
    }

    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.range = match (self.range, other.range) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        for (&key, bucket) in &other.buckets {
            let mine = self.buckets.entry(key).or_default();
            mine.count += bucket.count;
            mine.sum += bucket.sum;
        }
    }

    #[must_use]
    pub const fn count(&self) -> u64 {
        self.n
    }

    /// True where there are two values or more and all are the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.n > 1 && self.range.is_some_and(|(low, high)| low == high)
    }

    /// Buckets in ascending order of their values.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = (i32, Bucket)> + '_ {
        self.buckets.iter().map(|(&key, &bucket)| (key, bucket))
    }

    /// The bucket that holds the value of this rank (1 is the smallest), and how many values lie in lower buckets.
    #[must_use]
    pub fn find(&self, rank: u64) -> Option<(i32, u64)> {
        let mut below = 0;
        for (key, bucket) in self.buckets() {
            if rank > below && rank <= below + bucket.count {
                return Some((key, below));
            }
            below += bucket.count;
        }
        None
    }

    /// Sum of all values in buckets above `key`.
    #[must_use]
    pub fn sum_above(&self, key: i32) -> i128 {
        self.buckets.range(key + 1..).map(|(_, bucket)| bucket.sum).sum()
    }

    /// True where the largest 1 % of the values (rounded up) carry over half of the sum of all values, which must be
    /// positive. The bucket that the cut falls into counts at its mean.
    #[must_use]
    pub fn is_tail_dominated(&self) -> bool {
        tail_dominates(self.n, || self.buckets.values())
    }
}

fn tail_dominates<'a, I: DoubleEndedIterator<Item = &'a Bucket>>(n: u64, buckets: impl Fn() -> I) -> bool {
    let total: i128 = buckets().map(|bucket| bucket.sum).sum();
    if total <= 0 || n < 2 {
        return false;
    }
    let mut left = n.div_ceil(100);
    let mut carried = 0.0;
    for bucket in buckets().rev() {
        if bucket.count >= left {
            carried += bucket.mean() * left as f64;
            break;
        }
        carried += bucket.sum as f64;
        left -= bucket.count;
    }
    carried > 0.5 * total as f64
}

/// The same in buckets sixteen times as wide, 1/64 of their value: what a bootstrap resamples. A summary holds one for
/// every mean, so this is what keeps its size from growing over the first million paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    n: u64,
    cells: BTreeMap<i32, Bucket>,
}

/// Histogram buckets to a cell.
const COARSENESS: i32 = 16;

impl Cells {
    pub fn add(&mut self, value: i64) {
        self.n += 1;
        let key = key(value);
        // Zero stays alone: an event that did not happen is not a small event.
        let group = if key == 0 { 0 } else { key.signum() * (key.abs() / COARSENESS + 1) };
        let cell = self.cells.entry(group).or_default();
        cell.count += 1;
        cell.sum += i128::from(value);
    }

    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (&key, theirs) in &other.cells {
            let mine = self.cells.entry(key).or_default();
            mine.count += theirs.count;
            mine.sum += theirs.sum;
        }
    }

    /// (mean, count) of each cell, in ascending order.
    #[must_use]
    pub fn weighted(&self) -> Vec<(f64, u64)> {
        self.cells.values().map(|cell| (cell.mean(), cell.count)).collect()
    }

    /// As [`Histogram::is_tail_dominated`].
    #[must_use]
    pub fn is_tail_dominated(&self) -> bool {
        tail_dominates(self.n, || self.cells.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(values: &[i64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &value in values {
            histogram.add(value);
        }
        histogram
    }

    #[test]
    fn buckets_are_exact_when_small_and_a_thousandth_wide_when_large() {
        assert_eq!([key(0), key(1), key(1_023), key(1_024), key(2_047)], [0, 1, 1_023, 1_024, 2_047]);
        assert_eq!((key(2_048), key(2_049), key(2_050)), (2_048, 2_048, 2_049));
        assert_eq!(key(-5), -5);
        assert_eq!(key(i64::MIN), -key(i64::MAX) - 1);
    }

    proptest! {
        #[test]
        fn bounds_are_the_outermost_values_of_a_bucket(value in any::<i64>(), small in -5_000_i64..5_000) {
            for value in [value, small, value >> 20] {
                let (low, high) = bounds(key(value));
                prop_assert!(low <= value && value <= high, "{} in {}..={}", value, low, high);
                prop_assert_eq!((key(low), key(high)), (key(value), key(value)));
                prop_assert!(low == i64::MIN || key(low - 1) < key(value));
                prop_assert!(high == i64::MAX || key(high + 1) > key(value));
            }
        }

        #[test]
        fn keys_are_ordered_like_values_and_near_values_share_them(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(a <= b, key(a) <= key(b) && (key(a) != key(b) || a <= b));
            if key(a) == key(b) {
                prop_assert!(a.abs_diff(b) <= a.unsigned_abs().min(b.unsigned_abs()) / 1024);
            }
        }

        #[test]
        fn merging_is_associative_and_commutative(
            a in prop::collection::vec(any::<i64>(), 0..20),
            b in prop::collection::vec(any::<i64>(), 0..20),
            c in prop::collection::vec(any::<i64>(), 0..20),
        ) {
            let (x, y, z) = (histogram(&a), histogram(&b), histogram(&c));
            let mut left = x.clone();
            left.merge(&y);
            left.merge(&z);
            let mut right = z;
            right.merge(&y);
            right.merge(&x);
            prop_assert_eq!(&left, &right);
            prop_assert_eq!(left, histogram(&[a, b, c].concat()));
        }
    }

    #[test]
    fn the_tail_flag_turns_on_above_one_half() {
        // 100 values: the top one carries 99 of 198, not over half; 100 of 199 is over.
        let mut values = vec![1; 99];
        values.push(99);
        assert!(!histogram(&values).is_tail_dominated());
        values[99] = 100;
        assert!(histogram(&values).is_tail_dominated());
        assert!(!histogram(&[0, 0, 0]).is_tail_dominated());
        assert!(!histogram(&[7]).is_tail_dominated());
    }

    #[test]
    fn values_of_one_bucket_are_not_the_same_value() {
        assert_eq!(key(4_096), key(4_097));
        assert!(!histogram(&[4_096, 4_097]).is_constant());
        assert!(histogram(&[4_097, 4_097]).is_constant());
        assert!(!histogram(&[4_097]).is_constant(), "one value shows no scatter");
    }

    #[test]
    fn ranks_are_found_in_their_buckets() {
        let data = histogram(&[-3, 0, 0, 5, 1_000_000]);
        assert_eq!(data.find(1), Some((-3, 0)));
        assert_eq!(data.find(3), Some((0, 1)));
        assert_eq!(data.find(5), Some((key(1_000_000), 4)));
        assert_eq!(data.find(6), None);
        assert_eq!(data.find(0), None);
        assert_eq!(data.sum_above(0), 1_000_005);
    }

    #[test]
    fn cells_keep_count_and_sum_and_leave_zero_alone() {
        let mut cells = Cells::default();
        [0, 0, 1, 2, 3, -1].into_iter().for_each(|value| cells.add(value));
        assert_eq!(cells.weighted(), vec![(-1.0, 1), (0.0, 2), (2.0, 3)]);
        let mut twice = cells.clone();
        twice.merge(&cells);
        assert_eq!(twice.weighted(), vec![(-1.0, 2), (0.0, 4), (2.0, 6)]);
    }
}
