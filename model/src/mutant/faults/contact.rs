//! Mistakes about contact: when it begins, what it forbids, and when it ends.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;

/// It may have promised not to vote before it crashed.
pub(super) fn forgotten_on_restart(server: &Server, stored: Option<Ballot>) -> Step {
    let step = server.start(stored);
    match stored {
        None => step,
        Some(_) => Step { state: State { role: Role::FOLLOWER, ..step.state }, ..step },
    }
}

/// Heartbeats are followed, and no promise is made.
pub(super) fn not_begun_by_heartbeat(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::HeartbeatAccepted | Rule::SteppedDown => out_of_contact(before, step),
        _ => step,
    }
}

/// It answered its own rounds, and forgets that when it no longer leads.
pub(super) fn not_begun_by_leaving_office(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (_, Rule::HeartbeatAccepted | Rule::SteppedDown) => step,
        (Role::Leader { .. }, _) => out_of_contact(before, step),
        _ => step,
    }
}

/// Whoever asks a follower is answered as if the leader had sent it.
pub(super) fn vote_granted(server: &Server, before: State, event: Event) -> Step {
    match before.role {
        Role::Follower { .. } => server.step(before, flagged(event, true)),
        _ => server.step(before, event),
    }
}

/// The same of a leader: a candidate of a newer term deposes it.
pub(super) fn adopted_by_leader(server: &Server, before: State, event: Event) -> Step {
    match before.role {
        Role::Leader { .. } => server.step(before, flagged(event, true)),
        _ => server.step(before, event),
    }
}

/// It refuses in contact, but takes over the term that it was asked in.
pub(super) fn term_moved(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule, event) {
        (
            Role::Follower { .. },
            Rule::ContactKept,
            Event::Receive { from, message: Message::RequestVote { term, .. } },
        ) if before.ballot.current_term < term => {
            let ballot = Ballot { current_term: term, voted_for: None };
            let message = Message::RequestVoteResponse { term, vote_granted: false };
            let outgoing = Outgoing::Reply { to: from, message };
            Step { state: State { ballot, ..before }, persist: true, outgoing, ..step }
        }
        _ => step,
    }
}

/// A refusal lengthens the contact, so that whoever asks again and again keeps it up.
pub(super) fn renewed_by_refusal(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Follower { .. }, Rule::ContactKept) => Step { restart_timer: true, ..step },
        _ => step,
    }
}

/// A newer term ends it, and not time.
pub(super) fn ended_by_newer_term(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Follower { .. }, Rule::NewerTermAdopted) => out_of_contact(before, step),
        _ => step,
    }
}

/// A vote ends it, which is given in contact to whom leadership was handed over.
pub(super) fn ended_by_vote(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Follower { .. }, Rule::VoteGranted) => out_of_contact(before, step),
        _ => step,
    }
}

/// Nothing ends it.
pub(super) fn never_ended(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::ContactLost => {
            Step { restart_timer: true, ..super::ignored(before, Rule::ContactKept) }
        }
        _ => step,
    }
}

/// A stale heartbeat draws no answer, so that its leader never hears that its term is over.
pub(super) fn stale_heartbeat_ignored(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, event) {
        (
            Rule::StaleRequestRefused,
            Event::Receive { message: Message::AppendEntries { .. }, .. },
        ) => super::ignored(before, Rule::StaleResponseIgnored),
        _ => step,
    }
}

/// The voters do not look at whether leadership was handed over.
pub(super) fn flag_ignored(server: &Server, before: State, event: Event) -> Step {
    server.step(before, flagged(event, false))
}

/// The event; if it is a request for the vote, so flagged.
const fn flagged(event: Event, hand_over: bool) -> Event {
    match event {
        Event::Receive { from, message: Message::RequestVote { term, .. } } => {
            Event::Receive { from, message: Message::RequestVote { term, hand_over } }
        }
        _ => event,
    }
}

/// The step, but that a follower is not in contact after it.
fn out_of_contact(before: State, step: Step) -> Step {
    match step.state.role {
        Role::Follower { .. } => {
            super::leaving(before, step, State { role: Role::FOLLOWER, ..step.state })
        }
        _ => step,
    }
}
