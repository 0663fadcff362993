//! The set of the worlds that were reached, whole or by their fingerprints.

use super::table::Table;
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
    Exact(Table<W>),
    Fingerprints(Table<1>),
}

impl<const W: usize> Seen<W> {
    pub(super) fn new(keys: Keys) -> Self {
        match keys {
            Keys::Exact => Self::Exact(Table::new(|words| Packed(*words).fingerprint())),
            Keys::Fingerprints => Self::Fingerprints(Table::new(|[fingerprint]| *fingerprint)),
        }
    }

    /// Adds worlds, each with its fingerprint, and appends those that are new to others.
    pub(super) fn insert_all(&mut self, worlds: &[(u64, Packed<W>)], new: &mut Vec<Packed<W>>) {
        match self {
            Self::Exact(table) => insert_all(table, worlds, |_, world| world.0, new),
            Self::Fingerprints(table) => {
                insert_all(table, worlds, |fingerprint, _| [fingerprint], new);
            }
        }
    }
}

fn insert_all<const W: usize, const K: usize>(
    table: &mut Table<K>,
    worlds: &[(u64, Packed<W>)],
    key: impl Fn(u64, &Packed<W>) -> [u64; K],
    new: &mut Vec<Packed<W>>,
) {
    worlds.iter().for_each(|(fingerprint, _)| table.look(*fingerprint));
    for (fingerprint, world) in worlds {
        let is_new = table.insert(key(*fingerprint, world), *fingerprint);
        push_if(new, *world, is_new);
    }
}

/// Appends an item, or does not, without a branch: for what cannot be foreseen.
#[inline]
pub(super) fn push_if<T: Copy>(items: &mut Vec<T>, item: T, is_so: bool) {
    let many = items.len();
    items.push(item);
    items.truncate(many + usize::from(is_so));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these worlds are new to whom has seen none.
    fn new<const W: usize>(keys: Keys, worlds: &[(u64, Packed<W>)]) -> usize {
        let mut new = Vec::new();
        Seen::new(keys).insert_all(worlds, &mut new);
        new.len()
    }

    #[test]
    fn a_world_is_new_once_in_either_form() {
        for keys in [Keys::Exact, Keys::Fingerprints] {
            let worlds = (0..100_000).map(|number| Packed([number / 2, number % 2]));
            let worlds: Vec<_> = worlds.map(|world| (world.fingerprint(), world)).collect();
            assert_eq!(new(keys, &worlds), 100_000, "{keys:?}");
            assert_eq!(new(keys, &worlds.repeat(2)), 100_000, "{keys:?}");
        }
    }

    #[test]
    fn exact_keys_tell_worlds_of_one_fingerprint_apart() {
        let worlds = [1, 2].map(|word| (7, Packed([word])));
        assert_eq!([Keys::Exact, Keys::Fingerprints].map(|keys| new(keys, &worlds)), [2, 1]);
    }

    #[test]
    fn the_odds_of_a_loss_are_those_of_a_shared_birthday() {
        assert_eq!(Keys::Exact.odds_of_a_loss(usize::MAX), 0.0);
        let odds = Keys::Fingerprints.odds_of_a_loss(100_000_000);
        assert!((0.000_27..0.000_28).contains(&odds), "{odds}");
    }
}
