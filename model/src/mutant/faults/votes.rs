//! Mistakes about giving and counting votes.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;
use super::super::types::{Round, ServerId};

pub(super) fn given_twice(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { message: Message::RequestVote { .. }, .. } => {
            server.step(without_vote(before), event)
        }
        _ => server.step(before, event),
    }
}

/// It answers, and does not write down whom it has answered.
pub(super) fn not_recorded(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    if !matches!(step.rule, Rule::VoteGranted) {
        return step;
    }
    let ballot = if before.ballot.current_term < step.state.ballot.current_term {
        Ballot { voted_for: None, ..step.state.ballot }
    } else {
        before.ballot
    };
    with_ballot(before, step, ballot)
}

pub(super) fn own_not_recorded(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::Campaigned => {
            with_ballot(before, step, Ballot { voted_for: None, ..step.state.ballot })
        }
        _ => step,
    }
}

pub(super) fn cleared_on_step_down(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::SteppedDown => {
            with_ballot(before, step, Ballot { voted_for: None, ..step.state.ballot })
        }
        _ => step,
    }
}

pub(super) fn cleared_by_heartbeat(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::HeartbeatAccepted => {
            with_ballot(before, step, Ballot { voted_for: None, ..step.state.ballot })
        }
        _ => step,
    }
}

/// It gives up its leadership to a candidate of its own term.
pub(super) fn given_by_leader(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (
            Role::Leader { .. },
            Event::Receive { message: Message::RequestVote { term, .. }, .. },
        ) if term == before.ballot.current_term => {
            let follower = State { role: Role::FOLLOWER, ..without_vote(before) };
            Step { restart_timer: true, ..server.step(follower, event) }
        }
        _ => server.step(before, event),
    }
}

pub(super) fn stale_counted(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (
            Role::Candidate { .. },
            Event::Receive {
                from,
                message: Message::RequestVoteResponse { term, vote_granted: true },
            },
        ) if term < before.ballot.current_term => {
            server.step(before, vote(from_current(before, true), from))
        }
        _ => server.step(before, event),
    }
}

pub(super) fn refusal_counted(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { from, message: Message::RequestVoteResponse { term, .. } } => {
            let granted = Message::RequestVoteResponse { term, vote_granted: true };
            server.step(before, vote(granted, from))
        }
        _ => server.step(before, event),
    }
}

/// The size of the quorum is a setting, and its default is one.
pub(super) fn quorum_of_one(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    if matches!(step.rule, Rule::Campaigned) { elected(step) } else { step }
}

/// It was written for three servers.
pub(super) fn quorum_of_two(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    if matches!(step.rule, Rule::VoteCounted) { elected(step) } else { step }
}

/// Who has not answered when the timer fires again is taken for dead.
pub(super) fn quorum_of_those_alive(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (Role::Candidate { .. }, Event::Timeout { .. }) => {
            elected(super::ignored(before, Rule::Elected))
        }
        _ => server.step(before, event),
    }
}

pub(super) fn refused_when_asked_again(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { from, message: Message::RequestVote { term, .. } }
            if term == before.ballot.current_term && is_vote_of(before, from) =>
        {
            refusal(before, super::ignored(before, Rule::VoteRefused), from)
        }
        _ => server.step(before, event),
    }
}

pub(super) fn refused_to_everybody(server: &Server, before: State, event: Event) -> Step {
    let step = not_recorded(server, before, event);
    match (step.rule, event) {
        (Rule::VoteGranted, Event::Receive { from, .. }) => {
            let restart_timer = before.timer() != step.state.timer();
            let step = Step { rule: Rule::VoteRefused, restart_timer, ..step };
            refusal(step.state, step, from)
        }
        _ => step,
    }
}

pub(super) fn never_counted(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { from, message: Message::RequestVoteResponse { term, .. } } => {
            let refused = Message::RequestVoteResponse { term, vote_granted: false };
            server.step(before, vote(refused, from))
        }
        _ => server.step(before, event),
    }
}

/// It enters the newer term with the vote that it gave in the older one.
pub(super) fn kept_in_newer_term(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { message, .. } if before.ballot.current_term < message.term() => {
            let ballot = Ballot { current_term: message.term(), ..before.ballot };
            let step = server.step(State { ballot, role: Role::FOLLOWER }, event);
            let restart_timer = step.restart_timer || before.timer() != step.state.timer();
            Step { persist: true, restart_timer, ..step }
        }
        _ => server.step(before, event),
    }
}

/// It notes its term before it looks at the request, and answers with that.
pub(super) fn answered_in_older_term(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.outgoing {
        Outgoing::Reply { to, message: Message::RequestVoteResponse { vote_granted, .. } } => {
            let message = from_current(before, vote_granted);
            Step { outgoing: Outgoing::Reply { to, message }, ..step }
        }
        _ => step,
    }
}

const fn without_vote(state: State) -> State {
    State { ballot: Ballot { voted_for: None, ..state.ballot }, ..state }
}

/// The step, but that it leaves this ballot.
fn with_ballot(before: State, step: Step, ballot: Ballot) -> Step {
    Step { state: State { ballot, ..step.state }, persist: ballot != before.ballot, ..step }
}

fn is_vote_of(state: State, candidate: ServerId) -> bool {
    match state.ballot.voted_for {
        Some(voted_for) => voted_for == candidate,
        None => false,
    }
}

/// An answer to a request, in the current term of a server.
const fn from_current(state: State, vote_granted: bool) -> Message {
    Message::RequestVoteResponse { term: state.ballot.current_term, vote_granted }
}

const fn vote(message: Message, from: ServerId) -> Event {
    Event::Receive { from, message }
}

const fn refusal(state: State, step: Step, to: ServerId) -> Step {
    Step { outgoing: Outgoing::Reply { to, message: from_current(state, false) }, ..step }
}

/// The step, but that it elects.
const fn elected(step: Step) -> Step {
    let message =
        Message::AppendEntries { term: step.state.ballot.current_term, round: Round::FIRST };
    Step {
        state: State { role: Role::LEADER, ..step.state },
        rule: Rule::Elected,
        outgoing: Outgoing::Broadcast { message },
        restart_timer: true,
        ..step
    }
}
