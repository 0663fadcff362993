//! What a search takes of a world: its distinct successors, and what it counts and judges of the
//! steps to them.

use super::worker::{Level, Task};
use crate::action::Action;
use crate::packed::{Change, Packed, PackedView};
use crate::world::properties::Property;

/// The successors of some worlds, with their fingerprints.
pub(super) struct Successors<const W: usize> {
    pub(super) worlds: Vec<(u64, Packed<W>)>,
    /// By which actions the last world comes to its successors, which are the last.
    actions: Vec<Action>,
}

impl<const W: usize> Successors<W> {
    pub(super) const fn new() -> Self {
        Self { worlds: Vec::new(), actions: Vec::new() }
    }

    /// Takes those of another world.
    pub(super) fn take(&mut self, task: Task<'_, W>, world: &Packed<W>, found: &mut Level) {
        self.actions.clear();
        let first = self.worlds.len();
        let before = PackedView(task.model.layout(), world);
        task.model.for_each_change(world, |change, ways, unreduced, after| {
            found.generated += ways;
            found.violated |= judge(task.properties, change, &before, unreduced);
            let (fingerprint, action) = (after.fingerprint(), change.action());
            for ((of_known, known), by) in self.worlds[first..].iter().zip(&self.actions) {
                if (*of_known, *by) == (fingerprint, action) && known == after {
                    return;
                }
            }
            self.actions.push(action);
            self.worlds.push((fingerprint, *after));
        });
        found.states += 1;
        found.edges += self.actions.len();
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
