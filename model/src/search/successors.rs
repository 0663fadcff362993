//! What a search takes of a world: its distinct successors, and what it counts and judges of the
//! steps to them.

use super::outcome::Level;
use super::worker::Task;
use crate::action::Action;
use crate::packed::{Change, Packed, PackedView};
use crate::world::properties::Property;

/// The successors of some worlds, with their fingerprints.
pub(super) struct Successors<const W: usize> {
    pub(super) worlds: Vec<(u64, Packed<W>)>,
    /// The distinct edges from the last world.
    edges: Vec<(u64, Action, Packed<W>)>,
}

impl<const W: usize> Successors<W> {
    pub(super) const fn new() -> Self {
        Self { worlds: Vec::new(), edges: Vec::new() }
    }

    /// Takes those of another world.
    pub(super) fn take(&mut self, task: Task<'_, W>, world: &Packed<W>, found: &mut Level) {
        self.edges.clear();
        let before = PackedView(task.model.layout(), world);
        task.model.for_each_change(world, |change, ways, unreduced, after| {
            found.generated += ways;
            found.violated |= judge(task.properties, change, &before, &unreduced);
            let edge = (after.fingerprint(), change.action(), after);
            if !self.edges.contains(&edge) {
                self.edges.push(edge);
                self.worlds.push((edge.0, after));
            }
        });
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
    after: &Packed<W>,
) -> u8 {
    let mut violated = 0;
    for (number, property) in properties.iter().enumerate() {
        let is_about = property.is_one_of(change.about());
        // What it is not about it cannot violate.
        if (is_about || cfg!(debug_assertions))
            && !property.holds(before, change.server(), &PackedView(before.0, after))
        {
            debug_assert!(is_about, "{property} is violated by {change:?}");
            violated |= 1 << number;
        }
    }
    violated
}
