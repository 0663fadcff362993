//! Mistakes about witnesses.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;
use super::super::types::ServerSet;

/// A witness campaigns when its timer fires, and does not even ask before.
pub(super) fn campaigns(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::WitnessWaits => campaigning(server, step, false),
        _ => step,
    }
}

/// A witness that is asked to take over does so.
pub(super) fn takes_over(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match event {
        Event::Receive { message: Message::HandOver { term }, .. }
            if server.cluster.is_witness(server.id)
                && step.state.ballot.current_term == term
                && matches!(step.rule, Rule::HandOverIgnored) =>
        {
            campaigning(server, step, true)
        }
        _ => step,
    }
}

/// The step, but that the server campaigns after it.
fn campaigning(server: &Server, step: Step, hand_over: bool) -> Step {
    let Some(term) = step.state.ballot.current_term.next() else { return step };
    let ballot = Ballot { current_term: term, voted_for: Some(server.id) };
    Step {
        state: State { ballot, role: Role::Candidate { votes: ServerSet::only(server.id) } },
        rule: Rule::Campaigned,
        persist: true,
        outgoing: Outgoing::Broadcast { message: Message::RequestVote { term, hand_over } },
        restart_timer: true,
    }
}
