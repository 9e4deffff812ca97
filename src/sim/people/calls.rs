//! Accounts in the order in which a rising signal wakes them, sorted only as far as the signal comes.

/// An account to be woken: at which value of the signal, by which role, on which position. The order of the derive is the
/// order of waking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Call {
    pub key: i64,
    pub position: u32,
    pub role: u32,
    /// Place of the level that was drawn for it, of roles that act by it.
    pub drawn: u32,
}

/// Of a call whose role does not act by its level.
pub(super) const NOT_DRAWN: u32 = u32::MAX;

/// Calls by ascending key. Sorting is incremental (calls are spread over slices of keys, and slices sorted by a quicksort that
/// stops at the front), so a signal that never comes near costs one comparison, and one that reaches k of n calls costs about
/// n + k·ln k.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// Calls before this one are in their final place.
    sorted: usize,
    /// Ends of the segments behind it, nearest last; each holds nothing greater than what follows it.
    ends: Vec<usize>,
    least: Option<i64>,
    /// Room to spread calls in.
    spread: Vec<Call>,
}

/// Segments of so many calls are sorted at once.
const SEGMENT: usize = 64;

/// Slices of keys, a power of two.
const SLICES: usize = 128;

impl Calls {
    pub fn clear(&mut self) {
        self.calls.clear();
        self.ends.clear();
        (self.sorted, self.least) = (0, None);
    }

    /// A key that no call at or after `cursor` lies below, read without sorting; the greatest past the end.
    pub fn bound(&self, cursor: usize) -> i64 {
        if cursor < self.sorted || cursor >= self.calls.len() {
            return self.calls.get(cursor).map_or(i64::MAX, |call| call.key);
        }
        match self.sorted.checked_sub(1) {
            Some(last) => self.calls[last].key,
            None => self.least.unwrap_or(i64::MAX),
        }
    }

    pub fn push(&mut self, call: Call) {
        self.least = Some(self.least.map_or(call.key, |least| least.min(call.key)));
        self.calls.push(call);
    }

    /// The call at `cursor`, where its key is no greater than `signal`.
    pub fn reached(&mut self, cursor: usize, signal: i64) -> Option<Call> {
        if self.least.is_none_or(|least| least > signal) {
            return None;
        }
        while cursor >= self.sorted {
            if self.sorted == self.calls.len() {
                return None;
            }
            match self.ends.last() {
                None if self.sorted == 0 && self.calls.len() > SLICES => self.spread(),
                None => self.ends.push(self.calls.len()),
                Some(&end) if end <= self.sorted => {
                    self.ends.pop();
                }
                Some(&end) if end - self.sorted <= SEGMENT => {
                    self.calls[self.sorted..end].sort_unstable();
                    self.sorted = end;
                }
                Some(&end) => {
                    let part = (end - self.sorted) / 4;
                    self.calls[self.sorted..end].select_nth_unstable(part);
                    self.ends.push(self.sorted + part);
                }
            }
        }
        Some(self.calls[cursor]).filter(|call| call.key <= signal)
    }

    /// Puts all calls into equal slices of the range of their keys, each a segment.
    fn spread(&mut self) {
        let (least, greatest) = self
            .calls
            .iter()
            .fold((i64::MAX, i64::MIN), |(least, greatest), call| (least.min(call.key), greatest.max(call.key)));
        let bits = u64::BITS - greatest.abs_diff(least).leading_zeros();
        let narrow = bits.saturating_sub(SLICES.trailing_zeros());
        let slice = |call: &Call| usize::try_from(call.key.abs_diff(least) >> narrow).expect("fewer than the slices");
        // Of each slice the end, and then the place of its last call that is not yet put there.
        let mut ends = [0; SLICES];
        self.calls.iter().for_each(|call| ends[slice(call)] += 1);
        let mut end = 0;
        for of_slice in &mut ends {
            end += *of_slice;
            *of_slice = end;
        }
        self.ends.extend(ends.iter().rev());
        self.spread.clear();
        self.spread.extend_from_slice(&self.calls);
        for call in &self.spread {
            let place = &mut ends[slice(call)];
            *place -= 1;
            self.calls[*place] = *call;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_in_ascending_order_and_no_further_than_the_signal() {
        // Spread evenly, all but one in a corner, all the same, and as far apart as keys can be.
        let laws: [fn(i64) -> i64; 4] = [
            |i| (i * 7_919) % 1_009,
            |i| i * 7_919 % 97 + 1_000_000 * (i / 999),
            |_| 3,
            |i| (i * 7_919 % 5 - 2) * (i64::MAX / 2),
        ];
        for law in laws {
            let mut calls = Calls::default();
            let mut keys: Vec<i64> = (0..1_000).map(law).collect();
            for (position, &key) in (0u32..).zip(&keys) {
                calls.push(Call { key, position, role: 0, drawn: NOT_DRAWN });
            }
            keys.sort_unstable();
            let mut cursor = 0;
            for signal in [i64::MIN, -1, 3, 3, 400, 2_000_000, i64::MAX] {
                while let Some(call) = calls.reached(cursor, signal) {
                    assert_eq!(call.key, keys[cursor]);
                    cursor += 1;
                }
                assert_eq!(cursor, keys.iter().filter(|&&key| key <= signal).count(), "signal {signal}");
            }
        }
    }

    #[test]
    fn calls_that_are_entered_later_come_after_all_before() {
        let mut calls = Calls::default();
        let enter = |calls: &mut Calls, keys: std::ops::Range<u32>| {
            keys.for_each(|key| calls.push(Call { key: key.into(), position: key, role: 0, drawn: NOT_DRAWN }));
        };
        enter(&mut calls, 0..500);
        for cursor in 0..300 {
            assert!(calls.reached(cursor, 1_000).is_some());
        }
        enter(&mut calls, 500..1_000);
        for cursor in 300..1_000 {
            assert_eq!(calls.reached(cursor, 1_000).map(|call| call.key), i64::try_from(cursor).ok());
        }
        assert_eq!(calls.reached(1_000, 1_000), None);
    }

    #[test]
    fn only_what_a_signal_comes_near_is_sorted() {
        let mut calls = Calls::default();
        for position in 0..100_000u32 {
            calls.push(Call {
                key: i64::from(position.wrapping_mul(2_654_435_761) >> 8),
                position,
                role: 0,
                drawn: NOT_DRAWN,
            });
        }
        assert_eq!(calls.reached(0, -1), None);
        assert_eq!(calls.sorted, 0);
        assert!(calls.reached(0, 1_000_000).is_some());
        assert!(calls.sorted <= SEGMENT, "{}", calls.sorted);
    }
}
