//! Mistakes about terms: which is newer, and what follows from it.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;
use super::super::types::{Round, Term};

pub(super) fn role_kept(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match event {
        Event::Receive { .. } if before.ballot.current_term < step.state.ballot.current_term => {
            Step { state: State { role: before.role, ..step.state }, ..step }
        }
        _ => step,
    }
}

/// "Not older" where it should say "newer".
pub(super) fn equal_resets(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { message, .. } if before.ballot.current_term == message.term() => {
            entering(server, before, event, message.term())
        }
        _ => server.step(before, event),
    }
}

/// "Other" where it should say "newer".
pub(super) fn set_back(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { message, .. } if message.term() < before.ballot.current_term => {
            entering(server, before, event, message.term())
        }
        _ => server.step(before, event),
    }
}

/// A request for the vote is granted without a look at its term.
pub(super) fn older_request_granted(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, event) {
        (
            Rule::StaleRequestRefused,
            Event::Receive { from, message: Message::RequestVote { term, .. } },
        ) => {
            let message = Message::RequestVoteResponse { term, vote_granted: true };
            let outgoing = Outgoing::Reply { to: from, message };
            Step { rule: Rule::VoteGranted, outgoing, restart_timer: true, ..step }
        }
        _ => step,
    }
}

/// A heartbeat is taken for the current leader's without a look at its term.
pub(super) fn older_heartbeat_accepted(server: &Server, before: State, event: Event) -> Step {
    let term = before.ballot.current_term;
    match event {
        Event::Receive { from, message: Message::AppendEntries { term: older, .. } }
            if older < term =>
        {
            let message = Message::AppendEntries { term, round: Round::FIRST };
            server.step(before, Event::Receive { from, message })
        }
        _ => server.step(before, event),
    }
}

/// A follower asks for votes in the term that it is in.
pub(super) fn campaign_in_current(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Follower { .. }, Rule::Campaigned) => {
            let term = before.ballot.current_term;
            let ballot = Ballot { current_term: term, ..step.state.ballot };
            Step {
                state: State { ballot, ..step.state },
                persist: ballot != before.ballot,
                outgoing: Outgoing::Broadcast {
                    message: Message::RequestVote { term, hand_over: false },
                },
                ..step
            }
        }
        _ => step,
    }
}

/// A candidate that was not elected asks once more in the same term.
pub(super) fn retry_in_current(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (Role::Candidate { .. }, Event::Timeout { .. }) => {
            let message =
                Message::RequestVote { term: before.ballot.current_term, hand_over: false };
            let outgoing = Outgoing::Broadcast { message };
            Step { outgoing, restart_timer: true, ..super::ignored(before, Rule::Campaigned) }
        }
        _ => server.step(before, event),
    }
}

/// It campaigns in the term after the next.
pub(super) fn skipped(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, before.ballot.current_term.next()) {
        (Rule::Campaigned, Some(current_term)) => {
            let ballot = Ballot { current_term, ..before.ballot };
            let later = server.step(State { ballot, ..before }, event);
            if matches!(later.rule, Rule::Campaigned) { later } else { step }
        }
        _ => step,
    }
}

/// After the last term comes the first.
pub(super) fn wrapped(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::TermsExhausted => {
            let ballot = Ballot { current_term: Term::ZERO, voted_for: None };
            Step { state: State { ballot, role: Role::FOLLOWER }, persist: true, ..step }
        }
        _ => step,
    }
}

pub(super) fn ignored_by_leader(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (Role::Leader { .. }, Event::Receive { message, .. })
            if before.ballot.current_term < message.term() =>
        {
            super::ignored(before, Rule::RivalIgnored)
        }
        _ => server.step(before, event),
    }
}

pub(super) fn ignored_in_answers(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::NewerTermAdopted => super::ignored(before, Rule::StaleResponseIgnored),
        _ => step,
    }
}

pub(super) fn stale_request_dropped(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::StaleRequestRefused => super::ignored(before, Rule::StaleResponseIgnored),
        _ => step,
    }
}

/// The refusal carries the term of the request, from which its sender learns nothing.
pub(super) fn stale_request_told_its_own(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, event) {
        (Rule::StaleRequestRefused, Event::Receive { from, message }) => {
            let term = message.term();
            let message = match message {
                Message::RequestVote { .. } => {
                    Message::RequestVoteResponse { term, vote_granted: false }
                }
                _ => Message::AppendEntriesResponse { term, round: None },
            };
            Step { outgoing: Outgoing::Reply { to: from, message }, ..step }
        }
        _ => step,
    }
}

/// The step of a server that first becomes a follower that has not voted in this term.
fn entering(server: &Server, before: State, event: Event, term: Term) -> Step {
    let ballot = Ballot { current_term: term, voted_for: None };
    let step = server.step(State { ballot, role: Role::FOLLOWER }, event);
    let persist = step.state.ballot != before.ballot;
    let restart_timer = step.restart_timer || before.timer() != step.state.timer();
    Step { persist, restart_timer, ..step }
}
