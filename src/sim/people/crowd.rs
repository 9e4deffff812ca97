//! Accounts of one role that wait for the same value of a signal with the same limit, asked one for all.
//!
//! Whoever of them finds no price within the limit finds none for the others: until the book has moved none is asked who
//! has tried before. Who has not may want nothing at all, and then waits for something else. They stand as bits, so that joining, leaving and the first of them cost no more for many than for few.

/// Who waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub list: usize,
    pub key: i64,
    pub role: u32,
    pub tried: Tried,
}

/// Whether an account has tried what it waits for since anything else happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    NotYet,
    InVain,
}

#[derive(Debug)]
pub(super) struct Crowd {
    pub of: Waits,
    /// Nobody finds a price in this instant.
    pub shut: bool,
    /// What a lot may be worth so that all of them still want one.
    pub least: f64,
    /// The first position of the role, and a bit for each.
    begin: u32,
    members: Vec<u64>,
    count: u32,
    /// No member stands in a word before this one.
    from: usize,
}

impl Crowd {
    pub fn new(of: Waits, begin: u32, end: u32) -> Self {
        let members = vec![0; (end - begin).div_ceil(u64::BITS) as usize];
        Self { of, shut: false, least: f64::INFINITY, begin, members, count: 0, from: 0 }
    }

    /// Starts a path: nobody waits.
    pub fn begin(&mut self) {
        (self.shut, self.least) = (false, f64::INFINITY);
        if self.count > 0 {
            self.members.fill(0);
        }
        (self.count, self.from) = (0, 0);
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first position.
    pub fn first(&self) -> Option<u32> {
        let behind = self.members[self.from..].iter().zip(self.from..);
        let (word, at) = behind.filter(|_| self.count > 0).find(|(word, _)| **word != 0)?;
        Some(self.begin + u32::try_from(at).ok()? * u64::BITS + word.trailing_zeros())
    }

    fn place(&self, position: u32) -> (usize, u64) {
        let at = position - self.begin;
        ((at / u64::BITS) as usize, 1 << (at % u64::BITS))
    }

    pub fn join(&mut self, position: u32, worth: f64) {
        let (word, bit) = self.place(position);
        self.count += u32::from(self.members[word] & bit == 0);
        self.members[word] |= bit;
        self.from = self.from.min(word);
        self.least = self.least.min(worth);
    }

    pub fn leave(&mut self, position: u32) {
        let (word, bit) = self.place(position);
        if self.members[word] & bit == 0 {
            return;
        }
        self.members[word] ^= bit;
        self.count -= 1;
        if self.count == 0 {
            (self.from, self.least) = (self.members.len(), f64::INFINITY);
        }
        while self.from < self.members.len() && self.members[self.from] == 0 {
            self.from += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_crowd_is_the_lowest_position_that_has_not_left() {
        let mut crowd = Crowd::new(Waits { list: 0, key: 0, role: 0, tried: Tried::InVain }, 10, 400);
        assert_eq!((crowd.first(), crowd.is_empty()), (None, true));
        for position in [300, 75, 74, 73, 399] {
            crowd.join(position, f64::INFINITY);
        }
        for first in [73, 74, 75, 300, 399] {
            assert_eq!(crowd.first(), Some(first));
            crowd.leave(first);
        }
        assert_eq!((crowd.first(), crowd.is_empty()), (None, true));
        crowd.join(20, 5.0);
        crowd.join(20, 3.0);
        crowd.leave(11);
        assert_eq!((crowd.first(), crowd.least), (Some(20), 3.0));
        crowd.leave(20);
        assert_eq!((crowd.first(), crowd.least), (None, f64::INFINITY));
    }
}
