//! Which positions and accounts a path has touched, and where the ledger keeps them.

use crate::facts::counted::Distinct;

/// An index from what was touched to its entry, emptied in constant time.
#[derive(Clone, Debug, Default)]
pub(in crate::venue) struct Touched {
    /// Who has an entry: most are asked for who have none, and this lies in the first level of cache.
    members: Distinct,
    slots: Vec<u32>,
    len: u32,
}

impl Touched {
    pub fn reset(&mut self, size: usize) {
        self.members.empty();
        self.len = 0;
        // What stands in a slot counts for members alone.
        self.slots.resize(size, 0);
    }

    /// The slot of one that has an entry.
    #[inline]
    pub fn find(&self, id: u32) -> Option<usize> {
        self.members.contains(id).then(|| self.slots[id as usize] as usize)
    }

    #[inline]
    pub fn holds(&self, id: u32) -> bool {
        self.members.contains(id)
    }

    /// Gives `id` the next slot, if it has none.
    pub fn mark(&mut self, id: u32) {
        if !self.holds(id) {
            self.add(id);
        }
    }

    /// Gives `id`, which has none, the next slot.
    #[inline]
    pub fn add(&mut self, id: u32) -> usize {
        let slot = self.len;
        self.members.insert(id);
        self.slots[id as usize] = slot;
        self.len += 1;
        slot as usize
    }
}
