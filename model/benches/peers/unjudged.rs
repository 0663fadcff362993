//! The Actor model, without its properties.

use raft_model::actor::ActorElection;
use stateright::{Model, Property};

/// The Actor model with a property that costs nothing: its own would judge every step several
/// times, and flatter the others.
pub(crate) struct Unjudged(pub(crate) ActorElection);

impl Model for Unjudged {
    type State = <ActorElection as Model>::State;
    type Action = <ActorElection as Model>::Action;

    fn init_states(&self) -> Vec<Self::State> {
        self.0.init_states()
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        self.0.actions(state, actions);
    }

    fn next_state(&self, state: &Self::State, action: Self::Action) -> Option<Self::State> {
        self.0.next_state(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("true", |_, _| true)]
    }
}
