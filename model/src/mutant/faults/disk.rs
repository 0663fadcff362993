//! Mistakes about what survives a crash.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};

pub(super) fn start_without_vote(server: &Server, stored: Option<Ballot>) -> Step {
    server.start(stored.map(|ballot| Ballot { voted_for: None, ..ballot }))
}

pub(super) fn start_afresh(server: &Server, _: Option<Ballot>) -> Step {
    server.start(None)
}

/// It takes its own vote for a won election.
pub(super) fn start_as_leader(server: &Server, stored: Option<Ballot>) -> Step {
    let step = server.start(stored);
    match step.state.ballot.voted_for {
        Some(candidate) if candidate == server.id => {
            Step { state: State { role: Role::LEADER, ..step.state }, ..step }
        }
        _ => step,
    }
}

/// Only a new term is written, and the vote that is given with it.
pub(super) fn vote_not_persisted(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    let is_newer = before.ballot.current_term < step.state.ballot.current_term;
    Step { persist: step.persist && is_newer, ..step }
}

pub(super) fn own_vote_not_persisted(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::Campaigned => Step { persist: false, ..step },
        _ => step,
    }
}

/// Only a vote is written, and the term that it is given in.
pub(super) fn term_not_persisted(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    Step { persist: step.persist && step.state.ballot.voted_for.is_some(), ..step }
}

/// A crash between sending and writing: what was sent is out, what was to be written is lost.
pub(super) fn persisted_after_sending(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.outgoing {
        Outgoing::Nothing => step,
        _ => Step { persist: false, ..step },
    }
}
