//! A hash table of worlds, or of their fingerprints, that is fast where it is larger than a cache.
//!
//! Memory answers many questions at once, and each of them late. So keys are added in batches: at
//! first the place of each is read, and nothing depends on what is found there; then all of them
//! are in a cache.
//!
//! Keys lie in the order of their hashes, as far as there is room. So a part that grows is copied
//! from one end to the other, and not here and there.

use std::hint::black_box;

/// Keys of `W` words, each of which has a hash.
pub(super) struct Table<const W: usize> {
    parts: Vec<Part<W>>,
    hash_of: fn(&[u64; W]) -> u64,
    /// Whether the key without a bit is there: in a part, it would be taken for a free place.
    has_zero: bool,
}

impl<const W: usize> Table<W> {
    /// Parts grow one after the other, so that little is copied at once.
    const PARTS: usize = 64;

    pub(super) fn new(hash_of: fn(&[u64; W]) -> u64) -> Self {
        let part = || Part { places: vec![[0; W]; Part::<W>::FIRST], taken: 0 };
        Self { parts: (0..Self::PARTS).map(|_| part()).collect(), hash_of, has_zero: false }
    }

    /// The part of a hash, and what is left of the hash.
    #[inline]
    fn part_of(hash: u64) -> (usize, u64) {
        let bits = Self::PARTS.ilog2();
        (usize::try_from(hash >> (u64::BITS - bits)).expect("few bits"), hash << bits)
    }

    /// Reads where a key of this hash would be.
    #[inline]
    pub(super) fn look(&self, hash: u64) {
        let (part, hash) = Self::part_of(hash);
        let part = &self.parts[part];
        black_box(part.places[part.home(hash)][0]);
    }

    /// Adds a key of this hash, and says whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, key: [u64; W], hash: u64) -> bool {
        if key == [0; W] {
            return !std::mem::replace(&mut self.has_zero, true);
        }
        let (part, rest) = Self::part_of(hash);
        let part = &mut self.parts[part];
        if part.is_full() {
            part.grow(self.hash_of);
        }
        part.insert(key, rest)
    }
}

/// A part of the table.
struct Part<const W: usize> {
    /// A key each; zero where there is none.
    places: Vec<[u64; W]>,
    taken: usize,
}

impl<const W: usize> Part<W> {
    const FIRST: usize = 64;

    /// Where a key of this hash is, or as soon after as there was room.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let scaled = u128::from(hash) * self.places.len() as u128;
        usize::try_from(scaled >> 64).expect("less than the places")
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.taken >= self.places.len() / 5 * 4
    }

    #[inline]
    fn insert(&mut self, key: [u64; W], hash: u64) -> bool {
        let mut at = self.home(hash);
        loop {
            let place = &mut self.places[at];
            if *place == key {
                return false;
            }
            if *place == [0; W] {
                *place = key;
                self.taken += 1;
                return true;
            }
            at += 1;
            if at == self.places.len() {
                at = 0;
            }
        }
    }

    /// Makes half as much room again.
    #[cold]
    fn grow(&mut self, hash_of: fn(&[u64; W]) -> u64) {
        let places = vec![[0; W]; self.places.len() / 2 * 3];
        let old = std::mem::replace(self, Self { places, taken: 0 });
        for key in old.places {
            if key != [0; W] {
                self.insert(key, Table::<W>::part_of(hash_of(&key)).1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::mix;

    #[test]
    fn what_was_added_is_known_however_often_the_table_grows() {
        let mut table = Table::<2>::new(|[a, b]| mix(a ^ mix(*b)));
        let keys = || (0..100_000).map(|number| [number, number % 7]);
        let mut insert = |key: [u64; 2]| table.insert(key, (table.hash_of)(&key));
        assert!(keys().all(&mut insert), "they are new");
        assert!(!keys().any(&mut insert), "they are known");
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let mut table = Table::<1>::new(|_| u64::MAX);
        let added: Vec<_> = [1, 2, 0, 1, 0].map(|key| table.insert([key], u64::MAX)).into();
        assert_eq!(added, [true, true, true, false, false]);
    }

    #[test]
    fn no_more_room_is_taken_than_two_keys_need_for_each() {
        let mut table = Table::<1>::new(|[key]| *key);
        for number in 1..100_000 {
            table.insert([mix(number)], mix(number));
            let places: usize = table.parts.iter().map(|part| part.places.len()).sum();
            assert!(number < 10_000 || (places as u64) < 2 * number, "{places} of {number}");
        }
    }
}
