//! Which positions and accounts a path has touched, and where the ledger keeps them.

/// An index from what was touched to its entry, emptied in constant time.
#[derive(Clone, Debug, Default)]
pub(in crate::venue) struct Touched {
    epoch: u32,
    entries: Vec<Entry>,
    len: u32,
}

/// Stamp and slot lie together, so that a look at either costs one line of cache.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    stamp: u32,
    slot: u32,
}

impl Touched {
    pub fn reset(&mut self, size: usize) {
        self.len = 0;
        if self.entries.len() != size || self.epoch == u32::MAX {
            self.entries.clear();
            self.entries.resize(size, Entry::default());
            self.epoch = 0;
        }
        self.epoch += 1;
    }

    #[inline]
    pub fn find(&self, id: u32) -> Option<usize> {
        let entry = self.entries[id as usize];
        (entry.stamp == self.epoch).then_some(entry.slot as usize)
    }

    /// Stamps `id`, whatever its slot.
    pub fn mark(&mut self, id: u32) {
        if self.find(id).is_none() {
            self.add(id);
        }
    }

    /// Gives `id`, which has none, the next slot.
    pub fn add(&mut self, id: u32) -> usize {
        let slot = self.len;
        self.entries[id as usize] = Entry { stamp: self.epoch, slot };
        self.len += 1;
        slot as usize
    }
}
