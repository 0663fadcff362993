//! The mechanical check that reductions keep what worlds can do.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

use super::PackedModel;
use crate::action::Move;
use crate::election::State;
use crate::packed::Packed;
use crate::types::Term;
use crate::world::World;

/// A world at which a reduction is not exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The world.
    pub world: World,
    /// The reduced world.
    pub reduced: World,
    /// What only the world can reach, reduced.
    pub lost: Vec<World>,
    /// What only the reduced world can reach.
    pub invented: Vec<World>,
}

/// Checks at every world of `raw` that can be reached in terms up to `max_term` that the world of
/// `reduced` that stands for it can do, reduced, what the world can do. Where the limits on rounds
/// and attempts [cut](PackedModel::is_cut) what `raw` can do, nothing is compared. Returns how many
/// worlds were checked, and the first difference.
///
/// # Panics
///
/// If the reduced worlds of `raw` do not fit into `W` words.
pub fn bisimulation<const W: usize>(
    raw: &PackedModel<W>,
    reduced: &PackedModel<W>,
    max_term: Term,
) -> (usize, Option<Difference>) {
    bisimulation_by(raw, reduced, max_term, |_, _| ())
}

/// The same, where moves that are told apart by a label also have to be alike: it is given a move,
/// and the state of the server before it.
///
/// # Panics
///
/// If the reduced worlds of `raw` do not fit into `W` words.
pub fn bisimulation_by<const W: usize, L: Eq + Hash>(
    raw: &PackedModel<W>,
    reduced: &PackedModel<W>,
    max_term: Term,
    label: impl Fn(Move, &State) -> L,
) -> (usize, Option<Difference>) {
    // Before its terms are moved down, a world may hold higher terms than the reduced model does.
    let wide = reduced.with_room_of(raw).expect("it fits");
    let initial = raw.initial();
    let mut reached = HashSet::from([initial]);
    let mut todo = VecDeque::from([initial]);
    let mut checked = 0;
    let reduce = |world: &Packed<W>| {
        let world = wide.reduce(&raw.layout().unpack(world));
        reduced.reduce(&wide.layout().unpack(&world))
    };
    let is_within = |world: &Packed<W>| {
        let mut servers = raw.bounds().cluster.servers();
        servers.all(|id| raw.layout().state(world, id).ballot.current_term <= max_term)
    };
    while let Some(world) = todo.pop_front() {
        let is_cut = raw.is_cut(&world);
        checked += usize::from(!is_cut);
        let stands_for_it = reduce(&world);
        let mut can = HashSet::new();
        raw.for_each_successor(&world, |a_move, after, _| {
            let before = raw.layout().state(&world, a_move.server);
            let stands_for_after = reduce(&after);
            if stands_for_after != stands_for_it {
                can.insert((label(a_move, &before), stands_for_after));
            }
            if is_within(&after) && reached.insert(after) {
                todo.push_back(after);
            }
        });
        let mut reduced_can = HashSet::new();
        reduced.for_each_successor(&stands_for_it, |a_move, _, after| {
            let before = reduced.layout().state(&stands_for_it, a_move.server);
            reduced_can.insert((label(a_move, &before), after));
        });
        if can != reduced_can && !is_cut {
            let unpack = |worlds: Vec<&(L, Packed<W>)>| {
                worlds.into_iter().map(|(_, world)| reduced.layout().unpack(world)).collect()
            };
            let difference = Difference {
                world: raw.layout().unpack(&world),
                reduced: reduced.layout().unpack(&stands_for_it),
                lost: unpack(can.difference(&reduced_can).collect()),
                invented: unpack(reduced_can.difference(&can).collect()),
            };
            return (checked, Some(difference));
        }
    }
    (checked, None)
}
