//! Mistakes about rounds, the lease that they give, and hand-over.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;
use super::super::types::{Attempt, Beats, Round};

/// Any answer counts for the open round, be it to an older one.
pub(super) fn late_answer_counted(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (
            Role::Leader { round, .. },
            Event::Receive {
                from,
                message: Message::AppendEntriesResponse { term, round: Some(_) },
            },
        ) => {
            let message = Message::AppendEntriesResponse { term, round: Some(round) };
            server.step(before, Event::Receive { from, message })
        }
        _ => server.step(before, event),
    }
}

/// A refusal says which round it refuses. Its receiver may yet come to lead the term of it.
pub(super) fn round_of_refused(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, event) {
        (
            Rule::StaleRequestRefused,
            Event::Receive { from, message: Message::AppendEntries { round, .. } },
        ) => {
            let term = before.ballot.current_term;
            let message = Message::AppendEntriesResponse { term, round: Some(round) };
            Step { outgoing: Outgoing::Reply { to: from, message }, ..step }
        }
        _ => step,
    }
}

/// Who has voted for it has answered it, though nobody has promised anything by that.
pub(super) fn votes_are_answers(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule, event) {
        (Role::Candidate { votes }, Rule::Elected, Event::Receive { from, .. }) => {
            let answered = votes.with(from);
            let role = Role::Leader { round: Round::FIRST, answered, beats: Beats::ZERO };
            Step { state: State { role, ..step.state }, ..step }
        }
        _ => step,
    }
}

/// The lease is counted from the answer, and not from what it answers.
pub(super) fn counted_from_answer(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::RoundAnswered => Step { rule: Rule::RoundOpened, ..step },
        _ => step,
    }
}

/// Nobody answers, and it leads on.
pub(super) fn quorum_not_missed(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Leader { round, answered, .. }, Rule::QuorumLost) => {
            let role = Role::Leader { round, answered, beats: Beats::ZERO };
            repeating(State { role, ..before }, round)
        }
        _ => step,
    }
}

/// One round is enough: it is never followed by the next.
pub(super) fn round_kept_open(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Leader { round, .. }, Rule::RoundOpened) => repeating(before, round),
        _ => step,
    }
}

/// It asks another one to take over, and leads on until it hears of that.
pub(super) fn office_kept(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::HandedOver => Step { state: before, ..step },
        _ => step,
    }
}

/// Whoever is asked to take over obeys, whichever leader it was.
pub(super) fn stale_order_obeyed(server: &Server, before: State, event: Event) -> Step {
    let current_term = before.ballot.current_term;
    match event {
        Event::Receive { from, message: Message::HandOver { term } } if term < current_term => {
            let message = Message::HandOver { term: current_term };
            server.step(before, Event::Receive { from, message })
        }
        _ => server.step(before, event),
    }
}

/// Its request says nothing of the order.
pub(super) fn order_not_told(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, event) {
        (Rule::Campaigned, Event::Receive { .. }) => asking(step, false),
        _ => step,
    }
}

/// A candidate that was not elected speaks of an order again, had it one or not.
pub(super) fn order_told_again(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::Candidate { .. }, Rule::Campaigned) => asking(step, true),
        _ => step,
    }
}

/// Whoever is asked to take over does what it does when its timer fires: it asks first.
pub(super) fn order_asked_about(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (step.rule, event) {
        (Rule::Campaigned, Event::Receive { message: Message::HandOver { term }, .. }) => {
            let ballot = if before.ballot.current_term < term {
                Ballot { current_term: term, voted_for: None }
            } else {
                before.ballot
            };
            let follower = State { ballot, role: Role::FOLLOWER };
            let asked = server.step(follower, Event::Timeout { attempt: Attempt::FIRST });
            super::leaving(before, asked, asked.state)
        }
        _ => step,
    }
}

/// The timer of a leader fires, and it sends this round once more.
const fn repeating(state: State, round: Round) -> Step {
    let message = Message::AppendEntries { term: state.ballot.current_term, round };
    let outgoing = Outgoing::Broadcast { message };
    Step { outgoing, restart_timer: true, ..super::ignored(state, Rule::HeartbeatSent) }
}

/// The step of a server that campaigns, and whose request is so flagged.
const fn asking(step: Step, hand_over: bool) -> Step {
    let message = Message::RequestVote { term: step.state.ballot.current_term, hand_over };
    Step { outgoing: Outgoing::Broadcast { message }, ..step }
}
