//! Models of the election, as stateright's checkers and ours take them.

use std::borrow::Cow;
use std::hash::Hash;

use stateright::{Model, Property as StaterightProperty};

use crate::action::Move;
use crate::properties::Property;
use crate::world::{World, WorldModel};

/// A model of the election, whose states can be read as worlds.
pub trait ElectionModel: Model<Action = Move, State: Clone + Eq + Hash> {
    /// The world that a state stands for.
    fn world<'a>(&self, state: &'a Self::State) -> Cow<'a, World>;
}

impl ElectionModel for WorldModel {
    fn world<'a>(&self, state: &'a World) -> Cow<'a, World> {
        Cow::Borrowed(state)
    }
}

impl Model for WorldModel {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![self.initial()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Move>) {
        actions.extend(self.successors(world).into_iter().map(|(a_move, _)| a_move));
    }

    fn next_state(&self, world: &World, Move { server, cause, .. }: Move) -> Option<World> {
        Some(self.apply(world, server, cause).2)
    }

    /// The default would apply every move twice.
    fn next_steps(&self, world: &World) -> Vec<(Move, World)> {
        self.successors(world)
    }

    fn properties(&self) -> Vec<StaterightProperty<Self>> {
        for_stateright()
    }
}

/// The same properties for stateright's own checkers and its Explorer. Stateright judges states: so
/// there a state is judged by all steps that leave it.
pub(crate) fn for_stateright<M: ElectionModel>() -> Vec<StaterightProperty<M>> {
    macro_rules! always {
        ($($name:ident),*) => {
            vec![$(StaterightProperty::always(stringify!($name), |model, state| {
                model.next_steps(state).iter().all(|(a_move, after)| {
                    Property::$name.holds(&*model.world(state), a_move.server, &*model.world(after))
                })
            })),*]
        };
    }
    always!(ElectionSafety, VoteOncePerTerm, LeaderHasQuorum, TermNeverDecreases)
}
