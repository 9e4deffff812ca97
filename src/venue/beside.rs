//! What few entries of a list have, in a list beside it: so the many that have none of it stay small.

/// Where [`Beside`] keeps what an entry has, or that it has nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub const NONE: Self = Self(u32::MAX);
}

/// What few entries have, by the [`Place`] that each keeps; the others count as having the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside<T>(Vec<T>);

impl<T: Copy + Default> Beside<T> {
    /// Forgets everything, and with it what every place means.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What an entry has.
    #[inline]
    pub fn get(&self, place: Place) -> T {
        match place {
            Place::NONE => T::default(),
            Place(at) => self.0[at as usize],
        }
    }

    /// The same for change: it is kept from now on.
    #[inline]
    pub fn of(&mut self, place: &mut Place) -> &mut T {
        if *place == Place::NONE {
            *place = Place(u32::try_from(self.0.len()).expect("entries are numbered in 32 bits"));
            self.0.push(T::default());
        }
        &mut self.0[place.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_changed_is_kept_and_each_entry_has_its_own() {
        let mut beside = Beside::default();
        let mut places = [Place::NONE; 3];
        *beside.of(&mut places[2]) = 7;
        *beside.of(&mut places[0]) += 5;
        *beside.of(&mut places[2]) += 1;
        assert_eq!(places.map(|place| beside.get(place)), [5, 0, 8]);
        assert_eq!((beside.0.len(), places[1]), (2, Place::NONE));
        beside.clear();
        let mut place = Place::NONE;
        assert_eq!(*beside.of(&mut place), 0);
    }
}
