//! Mistakes about being a follower, a candidate or a leader.

use super::super::election::{Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;
use super::super::types::Round;

/// Its timer fires, and it goes on waiting for votes.
pub(super) fn candidate_waits(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (Role::Candidate { .. }, Event::Timeout { .. }) => waiting(before),
        _ => server.step(before, event),
    }
}

/// Its timer fires, and it goes on waiting for the one that has its vote.
pub(super) fn voter_waits(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (Role::Follower { .. }, Event::Timeout { .. }) if before.ballot.voted_for.is_some() => {
            waiting(before)
        }
        _ => server.step(before, event),
    }
}

pub(super) fn candidate_stays(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::SteppedDown => super::ignored(before, Rule::RivalIgnored),
        _ => step,
    }
}

pub(super) fn candidate_gives_up(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Candidate { .. }, Rule::RefusalHeard) => following(step),
        _ => step,
    }
}

pub(super) fn leader_gives_up_refusing(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Leader { .. }, Rule::VoteRefused) => Step { restart_timer: true, ..following(step) },
        _ => step,
    }
}

pub(super) fn leader_gives_up_answered(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Leader { .. }, Rule::HeartbeatAnswered) => {
            Step { restart_timer: true, ..following(step) }
        }
        _ => step,
    }
}

/// A heartbeat that was due goes out after all, in the term that has just deposed the leader.
pub(super) fn deposed_heartbeat(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Leader { .. }, Rule::NewerTermAdopted) => {
            let message = Message::AppendEntries {
                term: step.state.ballot.current_term,
                round: Round::FIRST,
            };
            Step { outgoing: Outgoing::Broadcast { message }, ..step }
        }
        _ => step,
    }
}

/// It waits for its timer before it says that it leads.
pub(super) fn no_first_heartbeat(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::Elected => Step { outgoing: Outgoing::Nothing, ..step },
        _ => step,
    }
}

/// It says once that it leads, and never again.
pub(super) fn no_heartbeats(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::HeartbeatSent => Step { outgoing: Outgoing::Nothing, ..step },
        _ => step,
    }
}

/// The timer fires, and nothing comes of it.
const fn waiting(before: State) -> Step {
    Step { restart_timer: true, ..super::ignored(before, Rule::TermsExhausted) }
}

const fn following(step: Step) -> Step {
    Step { state: State { role: Role::FOLLOWER, ..step.state }, ..step }
}
