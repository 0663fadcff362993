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
use crate::run::told;
use crate::types::ServerId;
use crate::world::World;
use crate::world::bounds::Bounds;
use crate::world::model::{ElectionModel, for_stateright};

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

impl Server {
    /// Does what a step says, in stateright's terms.
    fn obey(&self, step: Step, out: &mut Out<Self>) {
        if step.persist {
            out.save(step.state.ballot);
        }
        match step.outgoing {
            Outgoing::Nothing => {}
            Outgoing::Reply { to, message } => out.send(actor(to), message),
            Outgoing::Broadcast { message } => {
                for other in self.cluster.others(self.id) {
                    out.send(actor(other), message);
                }
            }
        }
        if step.restart_timer {
            let timer = step.state.timer();
            out.cancel_timer(match timer {
                Timer::Election => Timer::Heartbeat,
                Timer::Heartbeat => Timer::Election,
            });
            out.set_timer(timer, model_timeout());
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
    type Timer = Timer;
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

    fn on_timeout(&self, _: Id, state: &mut Cow<State>, _: &Timer, out: &mut Out<Self>) {
        self.handle(state, Event::Timeout, out);
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
            .actors(cluster.servers().map(|id| Server { id, cluster }))
            .init_network(Network::new_unordered_duplicating([]))
            .max_crashes(usize::from(cluster.size()));
        Self { bounds, inner }
    }

    /// The one or two actions of stateright that make up a move.
    fn inner_actions(
        state: &ActorWorld,
        server: ServerId,
        trigger: Trigger,
    ) -> Vec<ActorModelAction<Message, Timer, ()>> {
        let id = actor(server);
        match trigger {
            Trigger::Restart => vec![ActorModelAction::Crash(id), ActorModelAction::Recover(id)],
            Trigger::Event(Event::Timeout) => {
                vec![ActorModelAction::Timeout(id, state.state(server).timer())]
            }
            Trigger::Event(Event::Receive { from, message }) => {
                vec![ActorModelAction::Deliver { src: actor(from), dst: id, msg: message }]
            }
        }
    }

    /// What may happen, whether or not it changes anything.
    fn triggers(&self, state: &ActorWorld) -> Vec<(ServerId, Trigger)> {
        let mut actions = Vec::new();
        self.inner.actions(&state.0, &mut actions);
        let triggers = actions.into_iter().filter_map(|action| match action {
            ActorModelAction::Timeout(id, _) => {
                let id = server(id);
                let states = state.0.actor_states.iter();
                let terms = states.map(|state| state.ballot.current_term);
                let allowed = self.bounds.allow_timeout(state.state(id), terms);
                allowed.then_some((id, Trigger::Event(Event::Timeout)))
            }
            ActorModelAction::Crash(id) => Some((server(id), Trigger::Restart)),
            ActorModelAction::Deliver { src, dst, msg: message } => {
                let event = Event::Receive { from: server(src), message };
                Some((server(dst), Trigger::Event(event)))
            }
            ActorModelAction::Drop(_)
            | ActorModelAction::Recover(_)
            | ActorModelAction::SelectRandom { .. } => None,
        });
        triggers.collect()
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

    /// Stateright's sequence diagram, in our words and laid out to be read.
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
        for timer in [Timer::Election, Timer::Heartbeat] {
            svg = svg.replace(&format!(">Timeout({timer:?})<"), &format!(">{timer:?} timeout<"));
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
mod tests {
    use std::collections::HashSet;

    use stateright::actor::{Command, Out};

    use super::*;
    use crate::cluster::Cluster;
    use crate::types::Term;
    use crate::world::WorldModel;
    use crate::world::bounds::{Replies, Terms};
    use crate::world::properties::SAFETY;

    /// What S1 of three outputs for a message of S2; nothing but its ballot and its role is known.
    fn outputs(state: State, message: Message) -> (bool, usize) {
        let server = Server { id: ServerId::FIRST, cluster: Cluster::new(3).unwrap() };
        let mut out = Out::new();
        server.on_msg(Id::from(0), &mut Cow::Owned(state), Id::from(1), message, &mut out);
        let saves = out.iter().any(|command| matches!(command, Command::Save(_)));
        (saves, out.len())
    }

    #[test]
    fn a_ballot_is_saved_if_the_step_says_so_and_not_otherwise() {
        let server = Server { id: ServerId::FIRST, cluster: Cluster::new(3).unwrap() };
        let follower = server.start(None).state;
        let term = Term::new(1);
        // A vote, and its answer; the timer starts again.
        assert_eq!(outputs(follower, Message::RequestVote { term }), (true, 4));
        // The answer to a heartbeat of its own term.
        let ballot = Ballot { current_term: term, voted_for: None };
        let message = Message::AppendEntries { term };
        assert_eq!(outputs(State { ballot, ..follower }, message), (false, 3));
        // What is stale has no effect at all.
        let message = Message::AppendEntriesResponse { term: Term::ZERO };
        assert_eq!(outputs(State { ballot, ..follower }, message), (false, 0));
    }

    fn election(replies: Replies) -> ActorElection {
        let (cluster, terms) = (Cluster::new(2).unwrap(), Terms::UpTo(Term::new(2)));
        ActorElection::new(Bounds { cluster, terms, replies })
    }

    #[test]
    fn actors_do_what_worlds_do() {
        for replies in [Replies::Useful, Replies::All] {
            let (actors, mut todo) = (election(replies), election(replies).init_states());
            let (worlds, mut seen) = (WorldModel::new(actors.bounds), HashSet::new());
            while let Some(state) = todo.pop() {
                let (world, steps) = (state.to_world(), actors.next_steps(&state));
                let found = steps.iter().map(|(a_move, after)| (*a_move, after.to_world()));
                let expected: HashSet<_> = worlds.successors(&world).into_iter().collect();
                assert_eq!(found.collect::<HashSet<_>>(), expected, "{world}");
                if seen.insert(world) {
                    todo.extend(steps.into_iter().map(|(_, after)| after));
                }
            }
        }
    }

    #[test]
    fn a_run_is_told_in_our_words() {
        let actors = election(Replies::All);
        let start = actors.init_states().remove(0);
        let (campaign, after) = actors.next_steps(&start).remove(0);
        assert_eq!(actors.format_action(&campaign), campaign.to_string());
        assert!(actors.format_step(&start, campaign).unwrap().starts_with("S1 hears no leader"));
        assert_eq!(format!("{after:?}"), actors.world(&after).to_string());
    }

    #[test]
    fn a_run_is_drawn_in_our_words() {
        let (actors, mut moves) = (election(Replies::All), Vec::new());
        let start = actors.init_states().remove(0);
        let (campaign, asked) = actors.next_steps(&start).remove(0);
        actors.actions(&asked, &mut moves);
        moves.retain(|it| it.action == Action::ReceiveRequestVote);
        let path = Path::from_actions(&actors, start, &[campaign, moves[0]]).unwrap();
        let svg = actors.as_svg(path).unwrap();
        let words = [">S1<", ">S2<", ">Election timeout<", ">RequestVote (term 1)<"];
        assert!(words.iter().all(|words| svg.contains(words)), "{svg}");
    }

    #[test]
    fn stateright_judges_each_property_of_safety() {
        let names = election(Replies::All).properties().into_iter().map(|property| property.name);
        assert!(names.eq(SAFETY.map(|property| property.to_string())));
    }
}
