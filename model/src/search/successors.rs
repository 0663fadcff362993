//! What a search takes of a world: its distinct successors, and what it counts and judges of the
//! steps to them.

use super::outcome::Level;
use super::seen::push_if;
use super::worker::Task;
use crate::packed::{Change, Packed, PackedView};
use crate::world::properties::Property;

/// How many worlds are remembered: as many as a fast cache has room for.
const REMEMBERED: usize = 1 << 14;

/// The successors of some worlds, with their fingerprints.
pub(super) struct Successors<const W: usize> {
    pub(super) worlds: Vec<(u64, Packed<W>)>,
    /// The distinct edges from the last world: the fingerprint of its successor, the number of the
    /// action, the successor. Whole words, since what is written in parts is waited for when it is
    /// read as a whole.
    edges: Vec<(u64, u64, Packed<W>)>,
    /// Worlds that were among them of late, each where its fingerprint leads to. What can happen in
    /// either order comes to one world twice, in a short time.
    remembered: Vec<Packed<W>>,
    /// The properties that are judged, as bits.
    judged: u8,
}

impl<const W: usize> Successors<W> {
    /// None yet.
    pub(super) fn new(task: Task<'_, W>) -> Self {
        Self {
            worlds: Vec::new(),
            edges: Vec::new(),
            // It is known from the beginning.
            remembered: vec![task.model.initial(); REMEMBERED],
            judged: Property::bits(task.properties.iter().copied()),
        }
    }

    /// Takes those of another world.
    pub(super) fn take(&mut self, task: Task<'_, W>, world: &Packed<W>, found: &mut Level) {
        self.edges.clear();
        let before = PackedView(task.model.layout(), world);
        task.model.for_each_change(world, |change, ways, unreduced, after| {
            found.generated += ways;
            // What a change is not about it cannot violate.
            if change.about() & self.judged != 0 || cfg!(debug_assertions) {
                found.violated |= judge(task.properties, change, &before, unreduced);
            }
            let (fingerprint, action) = (after.fingerprint(), change.action() as u64);
            for (of_known, by, known) in &self.edges {
                if (*of_known, *by) == (fingerprint, action) && *known == after {
                    return;
                }
            }
            self.edges.push((fingerprint, action, after));
        });
        for (fingerprint, _, after) in &self.edges {
            let slot =
                usize::try_from(fingerprint % REMEMBERED as u64).expect("few are remembered");
            let is_new = self.remembered[slot] != *after;
            self.remembered[slot] = *after;
            push_if(&mut self.worlds, (*fingerprint, *after), is_new);
        }
        found.states += 1;
        found.edges += self.edges.len();
    }
}

/// The properties that a change of a world violates: a bit for each.
#[inline]
fn judge<const W: usize>(
    properties: &[Property],
    change: &Change<W>,
    before: &PackedView<'_, W>,
    after: Packed<W>,
) -> u8 {
    let mut violated = 0;
    for (number, property) in properties.iter().enumerate() {
        let is_about = property.is_one_of(change.about());
        if (is_about || cfg!(debug_assertions))
            && !property.holds(before, change.server(), &PackedView(before.0, &after))
        {
            debug_assert!(is_about, "{property} is violated by {change:?}");
            violated |= 1 << number;
        }
    }
    violated
}
