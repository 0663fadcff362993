//! Elections that are wrong on purpose, to see that the checks can fail.
//!
//! A mutant wraps the functions of the specification and changes what goes in or what comes out.
//! The specification knows nothing of it.

use crate::election::{Ballot, Event, Server, State, Step};
use crate::message::Message;
use crate::types::Cluster;
use crate::world::Handlers;

/// A mistake that people make.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name on the command line.
    pub name: &'static str,
    /// The mistake, in a sentence.
    pub says: &'static str,
    /// The election with the mistake in it.
    pub handlers: Handlers,
}

/// All mutants.
pub const MUTANTS: [Mutant; 5] = [
    Mutant {
        name: "vote-forgotten-on-restart",
        says: "a server that restarts remembers its term, but not its vote",
        handlers: Handlers { start: start_without_vote, ..Handlers::RAFT },
    },
    Mutant {
        name: "disk-forgotten-on-restart",
        says: "a server that restarts begins as if it had never run",
        handlers: Handlers { start: start_afresh, ..Handlers::RAFT },
    },
    Mutant {
        name: "half-is-a-quorum",
        says: "half of a cluster of even size elects",
        handlers: Handlers { step: step_with_half, ..Handlers::RAFT },
    },
    Mutant {
        name: "vote-given-twice",
        says: "a server grants its vote to whoever asks, however often in a term",
        handlers: Handlers { step: step_voting_again, ..Handlers::RAFT },
    },
    Mutant {
        name: "no-step-down",
        says: "a server that sees a newer term adopts it, but stays what it was",
        handlers: Handlers { step: step_keeping_role, ..Handlers::RAFT },
    },
];

fn start_without_vote(server: &Server, stored: Option<Ballot>) -> Step {
    server.start(stored.map(|ballot| Ballot { voted_for: None, ..ballot }))
}

fn start_afresh(server: &Server, _: Option<Ballot>) -> Step {
    server.start(None)
}

fn step_with_half(server: &Server, before: State, event: Event) -> Step {
    let size = server.cluster.size();
    // Half of an even number of servers is more than half of one server less.
    match Cluster::new(size - 1) {
        Ok(cluster) if size.is_multiple_of(2) => Server { cluster, ..*server }.step(before, event),
        _ => server.step(before, event),
    }
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
