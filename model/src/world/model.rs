//! The direct model: what all servers and the network can do; and what searches ask of a model.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::Hash;

use stateright::{Model, Property as StaterightProperty};

use super::bounds::Bounds;
use super::properties::Property;
use super::{Handlers, World};

use crate::action::{Move, Trigger};
use crate::election::{Ballot, Effect, Event, Step};
use crate::message::Message;
use crate::run::Lease;
use crate::types::{Attempt, ServerId};

/// All worlds that servers can reach within bounds.
#[derive(Clone, Debug)]
pub struct WorldModel {
    /// What bounds it.
    pub bounds: Bounds,
    /// What drives it.
    pub handlers: Handlers,
}

impl WorldModel {
    /// The model of the specification.
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, handlers: Handlers::RAFT }
    }

    /// The world in which every server has come up for the first time.
    pub fn initial(&self) -> World {
        let cluster = self.bounds.cluster;
        let ballots: Vec<_> = cluster.servers().map(|_| Ballot::INITIAL).collect();
        let start = |id| (self.handlers.start)(&self.bounds.server(id), None).state;
        World {
            servers: cluster.servers().map(start).collect(),
            stored: ballots,
            sent: BTreeSet::new(),
            leases: cluster.servers().map(|_| Lease::NONE).collect(),
        }
    }

    /// What may happen in a world, whether or not it changes anything.
    pub(crate) fn triggers(&self, world: &World) -> impl Iterator<Item = (ServerId, Trigger)> {
        let terms = || world.servers.iter().map(|state| state.ballot.current_term);
        let own = world.states().flat_map(move |(server, state)| {
            let events = self.bounds.own_events(server, [next_attempt(world, server)]);
            let allowed = events.filter(move |&event| self.bounds.allow(state, event, terms()));
            allowed.map(move |event| (server, Trigger::Event(event)))
        });
        let restarts = world.states().flat_map(|(server, state)| {
            self.bounds.comes_up(server, state).map(move |trigger| (server, trigger))
        });
        let deliveries = world.sent.iter().flat_map(|e| e.deliveries(self.bounds.cluster));
        let deliveries = deliveries.map(|(server, event)| (server, Trigger::Event(event)));
        let returning = world.states().filter(|(_, state)| state.role.is_returning());
        let told = returning.flat_map(|(server, _)| {
            let tell = world
                .states()
                .filter(move |&(other, state)| other != server && !state.role.is_returning());
            tell.map(move |(from, state)| {
                let event = Event::TermHeard { from, term: state.ballot.current_term };
                (server, Trigger::Event(event))
            })
        });
        own.chain(restarts).chain(told).chain(deliveries)
    }

    /// What a server does for this trigger, by which step, and the world after it: persist, then
    /// send.
    pub fn apply(&self, world: &World, id: ServerId, trigger: Trigger) -> (Move, Step, World) {
        let stored = world.stored[id.index()];
        let before = world.state(id);
        let (step, sent) = self.handlers.act(&self.bounds, id, before, stored, trigger);
        let mut after = world.clone();
        after.servers[id.index()] = step.state;
        if step.persist {
            after.stored[id.index()] = step.state.ballot;
        } else if matches!(trigger, Trigger::LoseDisk) {
            after.stored[id.index()] = Ballot::INITIAL;
        }
        after.sent.extend(sent);
        if self.bounds.has_leases() {
            let effect = Effect::of(&self.bounds.server(id), trigger.event(), &step);
            effect.apply(id, &mut after.leases);
        }
        (Move::of(id, before, trigger, &step), step, after)
    }

    /// Every move that changes the world, and the world after it.
    pub fn successors(&self, world: &World) -> Vec<(Move, World)> {
        self.triggers(world)
            .map(|(server, trigger)| self.apply(world, server, trigger))
            .filter(|(_, _, after)| after != world)
            .map(|(a_move, _, after)| (a_move, after))
            .collect()
    }
}

/// The number of the next attempt of a server: one that it has not used in its term.
pub(crate) fn next_attempt(world: &World, server: ServerId) -> Attempt {
    let current_term = world.state(server).ballot.current_term;
    let asked = world.sent.iter().filter_map(|envelope| match envelope.message {
        Message::PreVote { term, attempt }
            if envelope.from == server && current_term.next() == Some(term) =>
        {
            Some(attempt)
        }
        _ => None,
    });
    asked.max().map_or(Attempt::FIRST, Attempt::next)
}

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

    fn next_state(&self, world: &World, Move { server, trigger, .. }: Move) -> Option<World> {
        Some(self.apply(world, server, trigger).2)
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
