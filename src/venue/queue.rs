//! Who waits for a forced order, first in first out.

use super::ledger::Slot;
use crate::money::Nanos;

/// A position that breached, and when its order is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub position: u32,
    pub slot: Slot,
    pub ready: Nanos,
}

/// The queue: a list that is read from its front, since what is taken out of a ring costs twice as much.
#[derive(Debug, Default)]
pub(super) struct Queue {
    list: Vec<Queued>,
    /// What lies before has been taken.
    first: usize,
}

impl Queue {
    pub fn clear(&mut self) {
        self.list.clear();
        self.first = 0;
    }

    pub fn is_empty(&self) -> bool {
        self.first == self.list.len()
    }

    /// Those who wait, in their turn.
    pub fn waiting(&self) -> &[Queued] {
        &self.list[self.first..]
    }

    pub fn push(&mut self, queued: Queued) {
        if self.list.len() == self.list.capacity() {
            self.make_room(1);
        }
        self.list.push(queued);
    }

    /// Takes the first who waits, where its order is due.
    #[inline]
    pub fn next_due(&mut self, now: Nanos) -> Option<Queued> {
        let queued = *self.list.get(self.first)?;
        (queued.ready <= now).then(|| {
            self.first += 1;
            queued
        })
    }

    /// Takes one of those who wait, by its place among them.
    pub fn take(&mut self, at: usize) -> Queued {
        self.list.remove(self.first + at)
    }

    /// Forgets who has been taken, where those are most and so many more would not fit.
    pub fn make_room(&mut self, more: usize) {
        if self.list.len() + more > self.list.capacity() && self.first > self.list.len() / 2 {
            self.list.drain(..self.first);
            self.first = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_come_in_their_turn_and_the_list_stays_as_short_as_those_who_wait() {
        let mut queue = Queue::default();
        let mut next = 0;
        for position in 0..10_000 {
            queue.push(Queued { position, slot: Slot::default(), ready: Nanos(i64::from(position) + 9) });
            if let Some(queued) = queue.next_due(Nanos(i64::from(position))) {
                assert_eq!(queued.position, next);
                next += 1;
            }
            assert_eq!(queue.waiting().first().map(|queued| queued.position), Some(next));
        }
        assert_eq!((next, queue.waiting().len()), (9_991, 9));
        assert!(queue.list.capacity() < 100);
        assert_eq!(queue.take(2).position, 9_993);
        let left: Vec<u32> = queue.waiting().iter().map(|queued| queued.position).collect();
        assert_eq!(left, [9_991, 9_992, 9_994, 9_995, 9_996, 9_997, 9_998, 9_999]);
        while queue.next_due(Nanos(20_000)).is_some() {}
        assert!(queue.is_empty());
    }
}
