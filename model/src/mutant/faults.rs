//! What a mistake does: it calls the functions of the specification, and changes what goes in or what
//! comes out.
//!
//! Like the specification, it imports only from `super::`, and uses servers, terms and sets of votes
//! through no more than equality, order, `Term::next`, `ServerSet::only`, `ServerSet::with` and
//! `Cluster::is_quorum`: so that it can be compiled once more against other types, such as symbols.

use super::election::{Ballot, Event, Server, State, Step};
use super::message::Message;

/// An election with a mistake in it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// In place of [`Server::start`].
    pub start: fn(&Server, Option<Ballot>) -> Step,
    /// In place of [`Server::step`].
    pub step: fn(&Server, State, Event) -> Step,
}

impl Fault {
    const fn of_start(name: &'static str, start: fn(&Server, Option<Ballot>) -> Step) -> Self {
        Self { name, start, step: Server::step }
    }

    const fn of_step(name: &'static str, step: fn(&Server, State, Event) -> Step) -> Self {
        Self { name, start: Server::start, step }
    }
}

/// All faults.
pub const FAULTS: [Fault; 4] = [
    Fault::of_start("vote-forgotten-on-restart", start_without_vote),
    Fault::of_start("disk-forgotten-on-restart", start_afresh),
    Fault::of_step("vote-given-twice", step_voting_again),
    Fault::of_step("no-step-down", step_keeping_role),
];

fn start_without_vote(server: &Server, stored: Option<Ballot>) -> Step {
    server.start(stored.map(|ballot| Ballot { voted_for: None, ..ballot }))
}

fn start_afresh(server: &Server, _: Option<Ballot>) -> Step {
    server.start(None)
}

fn step_voting_again(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { message: Message::RequestVote { .. }, .. } => {
            let ballot = Ballot { voted_for: None, ..before.ballot };
            server.step(State { ballot, ..before }, event)
        }
        _ => server.step(before, event),
    }
}

fn step_keeping_role(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match event {
        Event::Receive { .. } if before.ballot.current_term < step.state.ballot.current_term => {
            Step { state: State { role: before.role, ..step.state }, ..step }
        }
        _ => step,
    }
}
