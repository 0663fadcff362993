//! The way to a violation, backwards from level to level.

use super::store::Store;
use super::{DiskError, Way};
use crate::packed::{Packed, PackedView};
use crate::search::worker::Task;
use crate::world::properties::Property;

/// The worlds on a shortest way to one of this level, from which a step violates the property.
pub(super) fn way_to<const W: usize>(
    task: Task<'_, W>,
    store: &Store,
    property: Property,
    level: usize,
) -> Result<Way<W>, DiskError> {
    let model = task.model;
    let mut way: Vec<Packed<W>> = Vec::new();
    for run in store.checkpoint.levels[..level].iter().rev() {
        let leads_on = |world: &Packed<W>| {
            let mut leads_on = false;
            let before = PackedView(model.layout(), world);
            model.for_each_successor(world, |a_move, unreduced, after| {
                leads_on |= match way.last() {
                    Some(next) => after == *next,
                    None => {
                        let unreduced = PackedView(model.layout(), &unreduced);
                        !property.holds(&before, a_move.server, &unreduced)
                    }
                };
            });
            leads_on
        };
        let mut worlds = store.read::<W>(run)?;
        let found = loop {
            if let Some(why) = task.control.stopped() {
                return Ok(Err(why));
            }
            let world = worlds.next().expect("a world of each level leads on")?;
            if leads_on(&world) {
                break world;
            }
        };
        way.push(found);
    }
    way.reverse();
    Ok(Ok(way))
}
