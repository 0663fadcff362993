//! The reference model: [`Server`] as a stateright [`Actor`], and stateright's [`ActorModel`] of a
//! cluster of them.
//!
//! [`ActorElection`] wraps the `ActorModel` for three reasons. Crash and recovery are one action,
//! so that no half-dead leader is seen in between. The network forgets which message was delivered
//! last, since that is no state of anything. And moves that change nothing are not offered.

use std::borrow::Cow;
use std::fmt;

use stateright::actor::{
    Actor, ActorModel, ActorModelAction, ActorModelState, Id, Network, Out, model_timeout,
};
use stateright::{Model, Path, Property};

use crate::action::Envelope;
use crate::action::{Action, Move, Trigger};
use crate::election::{Ballot, Event, Outgoing, Rule, Server, State, Step, Timer};
use crate::message::Message;
use crate::run::{Lease, told};
use crate::types::{Attempt, ServerId};
use crate::world::World;
use crate::world::bounds::Bounds;
use crate::world::model::{ElectionModel, for_stateright, next_attempt};

/// Labels that are not hidden by arrows, and arrows that stand out.
const DIAGRAM_STYLE: &str = "<style>\
    svg { margin: 20px; overflow: visible } \
    .svg-event-label { transform: translate(13px, 13px); \
        paint-order: stroke; stroke: #142b46; stroke-width: 5px } \
    .svg-actor-timeline, .svg-event-line { stroke: #6f9fc0 } \
    .svg-event-shape { fill: #6f9fc0; stroke: none } \
    </style>";

/// Stateright numbers actors from 0, servers are numbered from 1.
fn actor(server: ServerId) -> Id {
    Id::from(server.index())
}

fn server(actor: Id) -> ServerId {
    let number = u8::try_from(usize::from(actor) + 1).ok().and_then(ServerId::new);
    number.expect("every actor is a server")
}

/// What happens to an actor by itself: stateright calls all of it timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// The timer that runs, which fires. It may lead to the first attempt.
    Timer(Timer),
    /// The same, for a later attempt.
    Fires(Timer, Attempt),
    /// It is told to hand over.
    HandOver(ServerId),
}

impl Server {
    /// Does what a step says, in stateright's terms.
    fn obey(&self, step: Step, out: &mut Out<Self>) {
        if step.persist {
            out.save(step.state.ballot);
        }
        match step.outgoing {
            Outgoing::Nothing => {}
            Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                out.send(actor(to), message);
            }
            Outgoing::Broadcast { message } => {
                for other in self.cluster.others(self.id) {
                    out.send(actor(other), message);
                }
            }
        }
        if step.restart_timer {
            let timer = step.state.timer();
            for other in [Timer::Contact, Timer::Election, Timer::Heartbeat] {
                if other != timer {
                    out.cancel_timer(Alarm::Timer(other));
                }
            }
            out.set_timer(Alarm::Timer(timer), model_timeout());
        }
    }

    fn handle(&self, state: &mut Cow<State>, event: Event, out: &mut Out<Self>) {
        let step = self.step(**state, event);
        if step.state != **state {
            *state.to_mut() = step.state;
        }
        self.obey(step, out);
    }
}

impl Actor for Server {
    type Msg = Message;
    type Timer = Alarm;
    type State = State;
    type Storage = Ballot;
    type Random = ();

    fn on_start(&self, _: Id, stored: &Option<Ballot>, out: &mut Out<Self>) -> State {
        let step = self.start(*stored);
        self.obey(step, out);
        step.state
    }

    fn on_msg(
        &self,
        _: Id,
        state: &mut Cow<State>,
        src: Id,
        message: Message,
        out: &mut Out<Self>,
    ) {
        self.handle(state, Event::Receive { from: server(src), message }, out);
    }

    fn on_timeout(&self, _: Id, state: &mut Cow<State>, alarm: &Alarm, out: &mut Out<Self>) {
        let event = match *alarm {
            Alarm::Timer(_) => Event::Timeout { attempt: Attempt::FIRST },
            Alarm::Fires(_, attempt) => Event::Timeout { attempt },
            Alarm::HandOver(to) => Event::HandOver { to },
        };
        self.handle(state, event, out);
    }

    fn name(&self) -> String {
        self.id.to_string()
    }
}

/// All states that a cluster of actors can reach within bounds.
pub struct ActorElection {
    bounds: Bounds,
    inner: ActorModel<Server>,
}

/// A state of the cluster, shown the way people speak of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ActorWorld(ActorModelState<Server>);

impl ActorWorld {
    fn state(&self, server: ServerId) -> &State {
        &self.0.actor_states[server.index()]
    }

    /// A broadcast, which stateright keeps as one message a receiver, is one message again.
    fn to_world(&self) -> World {
        let sent = self.0.network.iter_all().map(|envelope| Envelope {
            from: server(envelope.src),
            to: (!envelope.msg.is_request()).then(|| server(envelope.dst)),
            message: *envelope.msg,
        });
        World {
            servers: self.0.actor_states.iter().map(|state| **state).collect(),
            stored: self.0.actor_storages.iter().map(|b| b.unwrap_or(Ballot::INITIAL)).collect(),
            sent: sent.collect(),
            leases: vec![Lease::NONE; self.0.actor_states.len()],
        }
    }
}

impl fmt::Debug for ActorWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_world(), f)
    }
}

impl ActorElection {
    /// The model of a cluster.
    pub fn new(bounds: Bounds) -> Self {
        let Bounds { cluster, .. } = bounds;
        let inner = ActorModel::new((), ())
            .actors(cluster.servers().map(|id| bounds.server(id)))
            .init_network(Network::new_unordered_duplicating([]))
            .max_crashes(usize::from(cluster.size()));
        Self { bounds, inner }
    }

    /// The one or two actions of stateright that make up a move.
    fn inner_actions(
        state: &ActorWorld,
        server: ServerId,
        trigger: Trigger,
    ) -> Vec<ActorModelAction<Message, Alarm, ()>> {
        let id = actor(server);
        match trigger {
            Trigger::Restart => vec![ActorModelAction::Crash(id), ActorModelAction::Recover(id)],
            Trigger::Event(Event::Timeout { attempt }) => {
                let timer = state.state(server).timer();
                let alarm = match attempt {
                    Attempt::FIRST => Alarm::Timer(timer),
                    _ => Alarm::Fires(timer, attempt),
                };
                vec![ActorModelAction::Timeout(id, alarm)]
            }
            Trigger::Event(Event::HandOver { to }) => {
                vec![ActorModelAction::Timeout(id, Alarm::HandOver(to))]
            }
            // (Its storage is never lost.)
            Trigger::LoseDisk | Trigger::Event(Event::TermHeard { .. }) => Vec::new(),
            Trigger::Event(Event::Receive { from, message }) => {
                vec![ActorModelAction::Deliver { src: actor(from), dst: id, msg: message }]
            }
        }
    }

    /// What may happen, whether or not it changes anything.
    fn triggers(&self, state: &ActorWorld) -> Vec<(ServerId, Trigger)> {
        let mut actions = Vec::new();
        self.inner.actions(&state.0, &mut actions);
        let terms = || state.0.actor_states.iter().map(|state| state.ballot.current_term);
        let triggers = actions.into_iter().flat_map(|action| match action {
            // A server has one timer running, at any time.
            ActorModelAction::Timeout(id, _) => {
                let id = server(id);
                let events = self.bounds.own_events(id, [self.next_attempt(state, id)]);
                let allow = |event: &Event| self.bounds.allow(state.state(id), *event, terms());
                events.filter(allow).map(|event| (id, Trigger::Event(event))).collect()
            }
            ActorModelAction::Crash(id) => vec![(server(id), Trigger::Restart)],
            ActorModelAction::Deliver { src, dst, msg: message } => {
                let event = Event::Receive { from: server(src), message };
                vec![(server(dst), Trigger::Event(event))]
            }
            ActorModelAction::Drop(_)
            | ActorModelAction::Recover(_)
            | ActorModelAction::SelectRandom { .. } => Vec::new(),
        });
        triggers.collect()
    }

    fn next_attempt(&self, state: &ActorWorld, id: ServerId) -> Attempt {
        if !self.bounds.cluster.protocol().pre_vote() {
            return Attempt::FIRST;
        }
        next_attempt(&state.to_world(), id)
    }

    /// The state after a server does what it does for this trigger; `None` if nothing changes.
    fn apply(&self, before: &ActorWorld, id: ServerId, trigger: Trigger) -> Option<ActorWorld> {
        let mut after = before.clone();
        for action in Self::inner_actions(before, id, trigger) {
            after = ActorWorld(self.inner.next_state(&after.0, action)?);
        }
        if let Network::UnorderedDuplicating(sent, last_delivered) = &mut after.0.network {
            *last_delivered = None;
            sent.retain(|envelope| {
                let was_there =
                    before.0.network.iter_all().any(|old| old.to_cloned_msg() == *envelope);
                was_there || self.bounds.replies.keep(trigger, envelope.msg)
            });
        }
        (after != *before).then_some(after)
    }

    /// The name of what a server did, and the rule by which it did it.
    fn label(
        &self,
        before: &ActorWorld,
        id: ServerId,
        trigger: Trigger,
        after: &ActorWorld,
    ) -> Move {
        let (state, after) = (before.state(id), after.state(id));
        let (action, rule) = match trigger {
            Trigger::Restart => (Action::Restart, Rule::Started),
            Trigger::LoseDisk => (Action::LoseDisk, Rule::DiskLost),
            Trigger::Event(event) => {
                let rule = self.inner.actors[id.index()].step(*state, event).rule;
                (Action::of(state, event, after), rule)
            }
        };
        Move { server: id, trigger, action, rule }
    }
}

impl Model for ActorElection {
    type State = ActorWorld;
    type Action = Move;

    fn init_states(&self) -> Vec<ActorWorld> {
        self.inner.init_states().into_iter().map(ActorWorld).collect()
    }

    fn next_steps(&self, before: &ActorWorld) -> Vec<(Move, ActorWorld)> {
        let steps = self.triggers(before).into_iter().filter_map(|(id, trigger)| {
            let after = self.apply(before, id, trigger)?;
            Some((self.label(before, id, trigger, &after), after))
        });
        steps.collect()
    }

    fn actions(&self, before: &ActorWorld, actions: &mut Vec<Move>) {
        actions.extend(self.next_steps(before).into_iter().map(|(a_move, _)| a_move));
    }

    fn next_state(&self, before: &ActorWorld, a_move: Move) -> Option<ActorWorld> {
        self.apply(before, a_move.server, a_move.trigger)
    }

    fn format_action(&self, a_move: &Move) -> String {
        a_move.to_string()
    }

    fn format_step(&self, before: &ActorWorld, a_move: Move) -> Option<String> {
        let after = self.next_state(before, a_move)?;
        let sentence = crate::words::sentence(&a_move, after.state(a_move.server));
        let (before, after) = (before.to_world(), after.to_world());
        Some(format!("{sentence}.\n\n{}", told(&before, &after)))
    }

    /// Stateright's sequence diagram, in our words and laid out to be read. It knows no later
    /// attempts and no hand-overs: of runs with such there is none.
    fn as_svg(&self, path: Path<ActorWorld, Move>) -> Option<String> {
        let states = path.clone().into_states();
        let moves = path.into_actions();
        let actions: Vec<_> = states
            .iter()
            .zip(&moves)
            .flat_map(|(state, a_move)| Self::inner_actions(state, a_move.server, a_move.trigger))
            .collect();
        let initial = self.inner.init_states().swap_remove(0);
        let path = Path::from_actions(&self.inner, initial, &actions)?;
        // Its view box is larger than the picture, which shrinks the text.
        let mut svg = self.inner.as_svg(path)?.replacen(" viewbox=", " data-viewbox=", 1);
        svg = svg.replacen("<defs>", &format!("<defs>{DIAGRAM_STYLE}"), 1);
        for id in self.bounds.cluster.servers() {
            svg = svg.replace(&format!(">{} {id}<", id.index()), &format!(">{id}<"));
        }
        for action in &actions {
            if let ActorModelAction::Timeout(_, alarm) = action {
                let says = match alarm {
                    Alarm::Timer(timer) | Alarm::Fires(timer, _) => format!("{timer:?} timeout"),
                    Alarm::HandOver(to) => format!("hand over to {to}"),
                };
                svg = svg.replace(&format!(">Timeout({alarm:?})<"), &format!(">{says}<"));
            }
        }
        for a_move in moves {
            if let Trigger::Event(Event::Receive { message, .. }) = a_move.trigger {
                svg = svg.replace(&format!(">{message:?}<"), &format!(">{message}<"));
            }
        }
        Some(svg)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        for_stateright()
    }
}

impl ElectionModel for ActorElection {
    fn world<'a>(&self, state: &'a ActorWorld) -> Cow<'a, World> {
        Cow::Owned(state.to_world())
    }
}

#[cfg(test)]
mod tests;
