//! What is found by looking at worlds.

use super::store::Store;
use super::{CHUNK, DiskError};
use crate::packed::Packed;
use crate::search::link::owner;
use crate::search::outcome::Level;
use crate::search::peers::Peers;
use crate::search::successors::Successors;
use crate::search::worker::Task;

/// Which worlds a process owns.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// Its number.
    pub(super) me: usize,
    /// How many there are.
    pub(super) of: usize,
}

impl Share {
    /// Those of a process that searches alone.
    pub(super) const ALL: Self = Self { me: 0, of: 1 };

    /// That of this process.
    pub(super) fn of(peers: &Peers) -> Self {
        Self { me: peers.process, of: peers.hosts.len() }
    }

    pub(super) fn owns<const W: usize>(self, world: &Packed<W>) -> bool {
        self.of == 1 || owner(world.fingerprint(), self.of) == self.me
    }
}

/// Adds those successors of these worlds that this process owns; `successors` is of the same
/// search. Says what was found, and of each process the successors that it owns.
pub(super) fn look_at<const W: usize>(
    task: Task<'_, W>,
    worlds: &[Packed<W>],
    share: Share,
    successors: &mut Successors<W>,
    pending: &mut Vec<Packed<W>>,
) -> (Level, Vec<Vec<Packed<W>>>) {
    let mut found = Level::default();
    let mut of_others = vec![Vec::new(); if share.of == 1 { 0 } else { share.of }];
    for world in worlds {
        successors.take(task, world, &mut found);
        for (fingerprint, world) in successors.worlds.drain(..) {
            let to = owner(fingerprint, share.of);
            match of_others.get_mut(to) {
                Some(theirs) if to != share.me => theirs.push(world),
                _ => pending.push(world),
            }
        }
    }
    for theirs in &mut of_others {
        theirs.sort_unstable();
        theirs.dedup();
    }
    (found, of_others)
}

/// Looks at the first levels once more: another version of this program may know another graph.
pub(super) fn knows_the_graph<const W: usize>(
    task: Task<'_, W>,
    store: &Store,
    share: Share,
) -> Result<(), DiskError> {
    let checkpoint = &store.checkpoint;
    let mut successors = Successors::new(task);
    let mut states = 0;
    for (number, (run, level)) in checkpoint.levels.iter().zip(&checkpoint.finished).enumerate() {
        states += level.states;
        if states > CHUNK {
            break;
        }
        let worlds = store.read(run)?.collect::<Result<Vec<_>, _>>()?;
        let (found, _) = look_at(task, &worlds, share, &mut successors, &mut Vec::new());
        let counts = |level: &Level| (level.states, level.edges, level.generated);
        if counts(&found) != counts(level) {
            let difference = format!(
                "level {} had {} edges there, and has {} here: this program is another version",
                number + 1,
                level.edges,
                found.edges,
            );
            return Err(DiskError::Different { folder: store.folder().into(), difference });
        }
    }
    Ok(())
}
