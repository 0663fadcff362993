//! A hash table of worlds, or of their fingerprints, that is fast where it is larger than a cache.
//!
//! Memory answers many questions at once, and each of them late. So keys are added in batches: at
//! first the place of each is read, and nothing depends on what is found there; then all of them
//! are in a cache.
//!
//! A key lies in the *line* of its hash, which is as long as what a cache reads at once, or in the
//! next one that has room. All keys of a line are compared without a branch, since where a key is
//! cannot be foreseen.
//!
//! Lines are in the order of their hashes. So a part that grows is copied from one end to the
//! other, and not here and there.

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
        let parts = (0..Self::PARTS).map(|_| Part::new(Part::<W>::FIRST)).collect();
        Self { parts, hash_of, has_zero: false }
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
    /// Where the first line begins: the memory in front of it belongs to a line of a cache that
    /// begins before.
    first: usize,
    lines: usize,
    taken: usize,
}

impl<const W: usize> Part<W> {
    const BYTES: usize = 64;
    /// The keys of a line.
    const LINE: usize =
        if Self::BYTES > size_of::<[u64; W]>() { Self::BYTES / size_of::<[u64; W]>() } else { 1 };
    /// So many lines are not copied once more for the sake of memory.
    const MANY: usize = 16 * Self::FIRST;
    /// The lines of a part at first.
    const FIRST: usize = 1024 / Self::LINE;

    /// So many lines without a key.
    fn new(lines: usize) -> Self {
        let places = vec![[0; W]; (lines + 1) * Self::LINE - 1];
        // Keys of some lengths do not fit into a line, and begin anywhere.
        let first = Some(places.as_ptr().align_offset(Self::BYTES)).filter(|n| *n < Self::LINE);
        Self { places, first: first.unwrap_or(0), lines, taken: 0 }
    }

    /// Where the line of a hash begins.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let scaled = u128::from(hash) * self.lines as u128;
        let line = usize::try_from(scaled >> 64).expect("less than the lines");
        self.first + line * Self::LINE
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.taken >= self.lines * Self::LINE / 5 * 4
    }

    /// Adds a key where its hash leads to, and says whether it is new.
    #[inline]
    fn insert(&mut self, key: [u64; W], hash: u64) -> bool {
        let mut at = self.home(hash);
        loop {
            let line = &mut self.places[at..at + Self::LINE];
            let (mut same, mut free) = (0_u64, 0_u64);
            for (number, place) in line.iter().enumerate() {
                same |= u64::from(*place == key) << number;
                free |= u64::from(*place == [0; W]) << number;
            }
            let is_new = same == 0;
            let to = if is_new { free } else { same };
            if to != 0 {
                // A key that is there is written again: which are new cannot be foreseen, either.
                line[to.trailing_zeros() as usize] = key;
                self.taken += usize::from(is_new);
                return is_new;
            }
            at += Self::LINE;
            if at >= self.first + self.lines * Self::LINE {
                at = self.first;
            }
        }
    }

    /// Makes as much room again; where that is much, half as much.
    #[cold]
    fn grow(&mut self, hash_of: fn(&[u64; W]) -> u64) {
        let more = if self.lines < Self::MANY { self.lines } else { self.lines / 2 };
        let old = std::mem::replace(self, Self::new(self.lines + more));
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
    fn no_more_room_is_taken_than_two_keys_need_for_each_where_they_are_many() {
        let mut table = Table::<1>::new(|[key]| *key);
        for number in 1..3_000_000 {
            table.insert([mix(number)], mix(number));
            let places: usize = table.parts.iter().map(|part| part.places.len()).sum();
            let many = if number < 1_000_000 { 1 << 21 } else { 2 * number };
            assert!(places as u64 <= many, "{places} of {number}");
        }
    }
}
