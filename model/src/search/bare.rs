//! What no search is faster than: the same keys, put into the same table, and nothing else.

use super::seen::{Keys, Seen};
use crate::packed::Packed;
use crate::reduce::PackedModel;

/// The worlds that a search looks up, in the order in which one worker does: the initial one, and
/// of each world the successors, known or not.
#[derive(Debug)]
pub struct Bare<const W: usize>(Vec<Packed<W>>);

/// How many worlds are looked up together.
const TOGETHER: usize = 256;

impl<const W: usize> Bare<W> {
    /// Those of this model. They are all kept: of a large graph that is much.
    pub fn of(model: &PackedModel<W>) -> Self {
        let mut seen = Seen::new(Keys::Exact);
        let mut worlds = vec![model.initial()];
        let mut level = worlds.clone();
        seen.insert_all(&with_fingerprints(&worlds), &mut Vec::new());
        while !level.is_empty() {
            let mut next = Vec::new();
            for world in level {
                let from = worlds.len();
                model.for_each_change(&world, |_, _, _, after| {
                    if !worlds[from..].contains(&after) {
                        worlds.push(after);
                    }
                });
                seen.insert_all(&with_fingerprints(&worlds[from..]), &mut next);
            }
            level = next;
        }
        Self(worlds)
    }

    /// Puts them into a table, and says how many of them are distinct.
    pub fn insert(&self) -> usize {
        let (mut seen, mut new, mut distinct) = (Seen::new(Keys::Exact), Vec::new(), 0);
        for worlds in self.0.chunks(TOGETHER) {
            seen.insert_all(&with_fingerprints(worlds), &mut new);
            distinct += new.drain(..).len();
        }
        distinct
    }
}

fn with_fingerprints<const W: usize>(worlds: &[Packed<W>]) -> Vec<(u64, Packed<W>)> {
    worlds.iter().map(|world| (world.fingerprint(), *world)).collect()
}
