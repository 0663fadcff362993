//! Mistakes about a server that has lost its disk.

use super::super::election::{Ballot, Event, Role, Rule, Server, State, Step};
use super::super::types::Term;

/// It is back when it has heard a quorum, itself included.
pub(super) fn back_after_quorum(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.state.role {
        Role::Returning { heard, newest }
            if matches!(step.rule, Rule::TermHeard) && server.cluster.is_quorum(heard) =>
        {
            back(server, newest)
        }
        _ => step,
    }
}

/// Back in this term, as the specification would be.
fn back(server: &Server, newest: Term) -> Step {
    let spent = Ballot { current_term: newest, voted_for: Some(server.id) };
    Step { rule: Rule::Returned, persist: true, ..server.start(Some(spent)) }
}

/// It may vote in the newest term that it has heard of.
pub(super) fn newest_vote_unspent(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::Returned => {
            let ballot = Ballot { voted_for: None, ..step.state.ballot };
            Step { state: State { ballot, ..step.state }, ..step }
        }
        _ => step,
    }
}
