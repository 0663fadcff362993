//! The set of the worlds that were reached, whole or by their fingerprints.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::packed::Packed;

/// What a set of worlds keeps of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// The world: no two worlds can be taken for one.
    #[default]
    Exact,
    /// 64 bits of it, which saves memory: see [`Keys::odds_of_a_loss`].
    Fingerprints,
}

impl Keys {
    /// How many bits are kept of each world of `W` words.
    pub const fn bits<const W: usize>(self) -> usize {
        match self {
            Self::Exact => W * 64,
            Self::Fingerprints => 64,
        }
    }

    /// The probability that of so many worlds two were taken for one, so that at least one of them
    /// was not looked at (an upper bound).
    #[allow(clippy::cast_precision_loss, reason = "the odds need few digits")]
    pub fn odds_of_a_loss(self, worlds: usize) -> f64 {
        match self {
            Self::Exact => 0.0,
            Self::Fingerprints => ((worlds as f64).powi(2) / 2.0_f64.powi(65)).min(1.0),
        }
    }
}

/// Worlds that were reached.
pub(super) enum Seen<const W: usize> {
    Exact(Shards<Packed<W>>),
    Fingerprints(Shards<u64>),
}

impl<const W: usize> Seen<W> {
    pub(super) fn new(keys: Keys) -> Self {
        match keys {
            Keys::Exact => Self::Exact(Shards::new()),
            Keys::Fingerprints => Self::Fingerprints(Shards::new()),
        }
    }

    /// Adds a world with this fingerprint, and says whether it is new.
    pub(super) fn insert(&mut self, world: &Packed<W>, fingerprint: u64) -> bool {
        match self {
            Self::Exact(shards) => shards.insert(*world, fingerprint, Packed::fingerprint),
            Self::Fingerprints(shards) => shards.insert(fingerprint, fingerprint, |key| *key),
        }
    }
}

/// A hash table in parts of different sizes: each has its own share of the hashes, the last almost
/// twice that of the first. A part doubles when it is full, and so they never do so at the same
/// time: neither is much copied at once, nor is half of all room ever empty.
pub(super) struct Shards<K> {
    shards: Vec<HashTable<K>>,
    /// The part of a hash, by [`BITS`](Self::BITS) of its bits.
    of_bits: Vec<u8>,
}

impl<K: Eq> Shards<K> {
    const COUNT: u8 = 64;
    /// A table indexes by the low bits, and tells entries apart by the high ones; these are
    /// between.
    const SHIFT: u32 = 44;
    const BITS: u32 = 12;

    fn new() -> Self {
        let of_bits = (0..1 << Self::BITS).map(|bits| {
            let share: f64 = f64::from(bits) / f64::from(1 << Self::BITS);
            // Equal steps of the logarithm are shares that grow by an equal factor.
            let part = (1.0 + share).log2() * f64::from(Self::COUNT);
            (0..Self::COUNT).rev().find(|&shard| f64::from(shard) <= part).unwrap_or(0)
        });
        Self {
            shards: (0..Self::COUNT).map(|_| HashTable::new()).collect(),
            of_bits: of_bits.collect(),
        }
    }

    fn insert(&mut self, key: K, hash: u64, hash_of: impl Fn(&K) -> u64) -> bool {
        let bits = (hash >> Self::SHIFT) & ((1 << Self::BITS) - 1);
        let shard = self.of_bits[usize::try_from(bits).expect("few bits")];
        match self.shards[usize::from(shard)].entry(hash, |other| *other == key, hash_of) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(key);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_known_in_either_form() {
        for keys in [Keys::Exact, Keys::Fingerprints] {
            let mut seen = Seen::<2>::new(keys);
            let worlds = || (0..100_000).map(|number| Packed([number, number % 7]));
            assert!(worlds().all(|world| seen.insert(&world, world.fingerprint())), "{keys:?}");
            assert!(!worlds().any(|world| seen.insert(&world, world.fingerprint())), "{keys:?}");
        }
    }

    #[test]
    fn exact_keys_tell_worlds_of_one_fingerprint_apart() {
        let (one, other) = (Packed([1]), Packed([2]));
        let mut exact = Seen::<1>::new(Keys::Exact);
        assert!(exact.insert(&one, 7) && exact.insert(&other, 7));
        let mut fingerprints = Seen::<1>::new(Keys::Fingerprints);
        assert!(fingerprints.insert(&one, 7) && !fingerprints.insert(&other, 7));
    }

    #[test]
    fn the_odds_of_a_loss_are_those_of_a_shared_birthday() {
        assert_eq!(Keys::Exact.odds_of_a_loss(usize::MAX), 0.0);
        let odds = Keys::Fingerprints.odds_of_a_loss(100_000_000);
        assert!((0.000_27..0.000_28).contains(&odds), "{odds}");
    }

    #[test]
    fn a_part_doubles_when_the_others_do_not() {
        let mut shards = Shards::new();
        for number in 0..100_000 {
            let hash = Packed([number]).fingerprint();
            assert!(shards.insert(hash, hash, |key| *key));
        }
        let sizes: Vec<_> = shards.shards.iter().map(HashTable::len).collect();
        let [first, last] = [&sizes[..16], &sizes[48..]].map(|part| part.iter().sum::<usize>());
        assert!(sizes.iter().all(|size| *size > 700), "{sizes:?}");
        assert!((1.5..1.8).contains(&(last as f64 / first as f64)), "{first} and {last}");
    }
}
