//! The calm phase on fixed links: what happens between a timer and the next one.

use std::cell::Cell;
use std::collections::HashSet;

use super::relative::plain;
use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Handlers, Role, Server, State, Step, Timer};
use crate::message::Message;
use crate::packed::States;
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet};
use crate::world::links::Links;

/// In which orders messages arrive that are under way together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    /// In every order.
    Every,
    /// First in, first out.
    Fifo,
}

/// A network that is calm, over these links.
#[derive(Clone, Copy, Debug)]
pub struct Calm {
    /// The servers, and their protocol.
    pub cluster: Cluster,
    /// Who hears whom.
    pub links: Links,
    /// What drives the servers.
    pub handlers: Handlers,
    /// In which orders messages arrive.
    pub orders: Orders,
    /// Up to how many terms apart the terms of two servers are told apart, if no third one is
    /// between them.
    pub gap: u64,
}

/// What happens, so that it can be done once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    /// A server's timer fires; if it leads, it is the last heartbeat that it waits for.
    Fired(ServerId),
    /// A leader's heartbeat timer fires.
    Beat(ServerId),
    /// Of what is under way, the one in this place arrives.
    Arrived(usize),
}

/// A moment of the calm phase.
#[derive(Clone, Debug)]
pub(super) struct Now {
    pub(super) servers: States,
    /// What is under way, each to one server, in the order in which it was sent.
    pub(super) under_way: Vec<Envelope>,
    /// How many servers have come to office since the last timer fired.
    pub(super) elections: u8,
    /// What was done since, if that is asked for.
    pub(super) done: Option<Vec<Did>>,
}

impl Now {
    pub(super) const fn quiet(servers: States) -> Self {
        Self { servers, under_way: Vec::new(), elections: 0, done: None }
    }

    fn note(&mut self, did: Did) {
        if let Some(done) = &mut self.done {
            done.push(did);
        }
    }
}

/// Beyond any patience: who waits so long never leaves office.
const PATIENT: Beats = Beats::new(u8::MAX);
/// The next heartbeat is the last one that it waits for.
const IMPATIENT: Beats = Beats::ZERO.next();

/// That a server's timer fires. Nothing is under way then, so that no earlier question can be
/// mistaken for this one.
const TIMEOUT: Event = Event::Timeout { attempt: Attempt::FIRST };

/// How often leaders may say that they lead before they are taken for never coming to rest.
const BEATS: usize = 1000;

/// A calm phase that is gone through.
pub(super) struct Phase {
    pub(super) calm: Calm,
    /// The servers that have links. The others are as good as dead: nothing happens to them.
    pub(super) linked: ServerSet,
    /// Whether a quorum has ever answered a round.
    pub(super) has_lease: Cell<bool>,
}

impl Phase {
    pub(super) fn of(calm: Calm) -> Self {
        let alone = calm.links.alone(calm.cluster);
        let linked = calm.cluster.servers().filter(|&id| !alone.contains(id)).collect();
        Self { calm, linked, has_lease: Cell::new(false) }
    }

    /// What a server does.
    pub(super) fn step(&self, id: ServerId, state: State, event: Event, patience: Beats) -> Step {
        let server = Server { id, cluster: self.calm.cluster, patience };
        let step = (self.calm.handlers.step)(&server, state, event);
        if server.confirms_round(&step) {
            self.has_lease.set(true);
        }
        step
    }

    fn act(&self, now: &mut Now, id: ServerId, event: Event, patience: Beats) {
        let Calm { cluster, links, .. } = self.calm;
        let before = now.servers[id.index()];
        let step = self.step(id, before, event, patience);
        now.elections += u8::from(!before.role.is_leader() && step.state.role.is_leader());
        now.servers[id.index()] = plain(step.state);
        let sent = Envelope::of(id, step.outgoing).into_iter();
        let sent = sent.flat_map(|envelope| {
            let message = match envelope.message {
                // All answers to older rounds have arrived.
                Message::AppendEntries { term, .. } => {
                    Message::AppendEntries { term, round: Round::FIRST }
                }
                other => other,
            };
            let receivers = envelope.deliveries(cluster).map(|(to, _)| to);
            let heard = receivers.filter(move |&to| links.carry(id, to));
            heard.map(move |to| Envelope { from: id, to: Some(to), message })
        });
        now.under_way.extend(sent);
    }

    fn arrive(&self, now: &mut Now, place: usize) {
        let Envelope { from, to, message } = now.under_way.remove(place);
        now.note(Did::Arrived(place));
        let to = to.expect("it is for one server");
        self.act(now, to, Event::Receive { from, message }, PATIENT);
    }

    /// Everything that is under way arrives, and what comes of it.
    fn quieted(&self, mut now: Now) -> Vec<Now> {
        if self.calm.orders == Orders::Fifo {
            while !now.under_way.is_empty() {
                self.arrive(&mut now, 0);
            }
            return vec![now];
        }
        let mut ends = Vec::new();
        let mut seen = HashSet::new();
        let mut todo = vec![now];
        while let Some(now) = todo.pop() {
            let mut under_way = now.under_way.clone();
            under_way.sort_unstable();
            if !seen.insert((now.servers, under_way, now.elections)) {
                continue;
            }
            if now.under_way.is_empty() {
                ends.push(now);
                continue;
            }
            for place in 0..now.under_way.len() {
                let is_new = !now.under_way[..place].contains(&now.under_way[place]);
                if is_new {
                    let mut after = now.clone();
                    self.arrive(&mut after, place);
                    todo.push(after);
                }
            }
        }
        ends
    }

    /// Everything arrives, and leaders say that they lead, until that changes nothing any more.
    pub(super) fn settled(&self, now: Now) -> Vec<Now> {
        let mut found: Vec<Now> = Vec::new();
        let mut seen = HashSet::new();
        let mut todo = self.quieted(now);
        while let Some(quiet) = todo.pop() {
            if !seen.insert((quiet.servers, quiet.elections)) {
                continue;
            }
            assert!(seen.len() < BEATS, "leaders never come to rest on {}", self.calm.links);
            let mut beaten = quiet.clone();
            for id in self.calm.cluster.servers() {
                if quiet.servers[id.index()].role.is_leader() {
                    beaten.note(Did::Beat(id));
                    self.act(&mut beaten, id, TIMEOUT, PATIENT);
                }
            }
            let (same, others): (Vec<_>, Vec<_>) =
                self.quieted(beaten).into_iter().partition(|now| now.servers == quiet.servers);
            if !same.is_empty() {
                found.push(quiet);
            }
            todo.extend(others);
        }
        found
    }

    /// What comes of it when a server's timer fires, while nothing is under way.
    pub(super) fn fired(&self, mut now: Now, id: ServerId) -> Vec<Now> {
        now.note(Did::Fired(id));
        self.act(&mut now, id, TIMEOUT, IMPATIENT);
        self.settled(now)
    }

    /// Whose timers may fire, of servers with links: of those that no heartbeat starts anew; and of
    /// leaders who leave office by it, since no quorum answers them.
    pub(super) fn may_fire(&self, servers: &States) -> ServerSet {
        let may_fire = |id: &ServerId| {
            let state = servers[id.index()];
            match state.timer() {
                Timer::Heartbeat => {
                    let step = self.step(*id, state, TIMEOUT, IMPATIENT);
                    !step.state.role.is_leader()
                }
                Timer::Contact | Timer::Election => !self.is_held(servers, *id),
            }
        };
        self.linked.iter().filter(may_fire).collect()
    }

    fn is_held(&self, servers: &States, id: ServerId) -> bool {
        self.calm.cluster.others(id).any(|leader| {
            let State { ballot, role } = servers[leader.index()];
            let Role::Leader { round, .. } = role else { return false };
            let message = Message::AppendEntries { term: ballot.current_term, round };
            let event = Event::Receive { from: leader, message };
            self.calm.links.carry(leader, id)
                && self.step(id, servers[id.index()], event, PATIENT).restart_timer
        })
    }

    /// The leader that a quorum follows, over links both ways, if there is one.
    pub(super) fn useful(&self, servers: &States) -> Option<ServerId> {
        let Calm { cluster, links, .. } = self.calm;
        cluster.servers().find(|&id| {
            let leader = servers[id.index()];
            let follows = |other: &ServerId| {
                let State { ballot, role } = servers[other.index()];
                matches!(role, Role::Follower { .. })
                    && ballot.current_term == leader.ballot.current_term
                    && links.both_ways(id).contains(*other)
            };
            let followers: ServerSet = cluster.others(id).filter(follows).collect();
            leader.role.is_leader() && cluster.is_quorum(followers.with(id))
        })
    }

    /// A server that has just been elected: what becomes of a candidate that gets its last vote.
    pub(super) fn elected(&self, id: ServerId, ballot: Ballot) -> State {
        let cluster = self.calm.cluster;
        let mut votes = ServerSet::only(id);
        for from in cluster.others(id) {
            if cluster.is_quorum(votes.with(from)) {
                let term = ballot.current_term;
                let message = Message::RequestVoteResponse { term, vote_granted: true };
                let candidate = State { ballot, role: Role::Candidate { votes } };
                let arrives = Event::Receive { from, message };
                return plain(self.step(id, candidate, arrives, PATIENT).state);
            }
            votes = votes.with(from);
        }
        State { ballot, role: Role::FOLLOWER }
    }
}
