//! Mistakes about pre-vote: what a question does to whoever is asked, and which answers count.

use super::super::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use super::super::message::Message;
use super::super::types::{Attempt, ServerId, Term};

/// It does not ask, and campaigns.
pub(super) fn skipped(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    if !matches!(step.rule, Rule::PreCampaigned) {
        return step;
    }
    let asked_to = Message::HandOver { term: before.ballot.current_term };
    let step = server.step(before, Event::Receive { from: server.id, message: asked_to });
    let term = step.state.ballot.current_term;
    let message = Message::RequestVote { term, hand_over: false };
    Step { outgoing: Outgoing::Broadcast { message }, ..step }
}

/// Whoever is asked about a newer term enters it.
pub(super) fn term_adopted(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { from, message: Message::PreVote { term, .. } }
            if before.ballot.current_term < term =>
        {
            let entered = server.step(before, news(from, term)).state;
            let step = server.step(entered, event);
            super::leaving(before, step, step.state)
        }
        _ => server.step(before, event),
    }
}

/// It enters that term as a follower that has promised nothing.
pub(super) fn contact_ended(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive { message: Message::PreVote { term, .. }, .. }
            if before.ballot.current_term < term =>
        {
            let ballot = Ballot { current_term: term, voted_for: None };
            let step = server.step(State { ballot, role: Role::FOLLOWER }, event);
            super::leaving(before, step, step.state)
        }
        _ => server.step(before, event),
    }
}

/// Every attempt is the first: a yes to an earlier one counts for a later one.
pub(super) fn attempts_alike(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Timeout { .. } => server.step(before, Event::Timeout { attempt: Attempt::FIRST }),
        _ => server.step(before, event),
    }
}

/// A follower says yes, whether or not it hears its leader.
pub(super) fn granted_in_contact(server: &Server, before: State, event: Event) -> Step {
    match before.role {
        Role::Follower { .. } => {
            answering(server, before, State { role: Role::FOLLOWER, ..before }, event)
        }
        _ => server.step(before, event),
    }
}

/// A leader would vote for whoever asks.
pub(super) fn granted_by_leader(server: &Server, before: State, event: Event) -> Step {
    match before.role {
        Role::Leader { .. } => {
            answering(server, before, State { role: Role::FOLLOWER, ..before }, event)
        }
        _ => server.step(before, event),
    }
}

/// Whoever has voted in a term would vote once more in it.
pub(super) fn vote_ignored(server: &Server, before: State, event: Event) -> Step {
    let ballot = Ballot { voted_for: None, ..before.ballot };
    answering(server, before, State { ballot, ..before }, event)
}

/// A no is silence.
pub(super) fn refusal_not_sent(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::PreVoteRefused => super::ignored(before, Rule::PreVoteRefused),
        _ => step,
    }
}

/// A no is heard, and its term is not.
pub(super) fn refusal_not_heard(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive {
            message: Message::PreVoteResponse { vote_granted: false, .. }, ..
        } => super::ignored(before, Rule::RefusalHeard),
        _ => server.step(before, event),
    }
}

/// A yes is taken for news: it carries a newer term.
pub(super) fn yes_adopted(server: &Server, before: State, event: Event) -> Step {
    match event {
        Event::Receive {
            from,
            message: Message::PreVoteResponse { term, vote_granted: true, .. },
        } if before.ballot.current_term < term => server.step(before, news(from, term)),
        _ => server.step(before, event),
    }
}

/// A yes that comes when it stands already is taken for a vote.
pub(super) fn yes_is_vote(server: &Server, before: State, event: Event) -> Step {
    match (before.role, event) {
        (
            Role::Candidate { .. },
            Event::Receive {
                from,
                message: Message::PreVoteResponse { term, vote_granted: true, .. },
            },
        ) => {
            let message = Message::RequestVoteResponse { term, vote_granted: true };
            server.step(before, Event::Receive { from, message })
        }
        _ => server.step(before, event),
    }
}

/// It forgets whom it has voted for when it asks.
pub(super) fn vote_cleared(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::PreCampaigned => {
            let ballot = Ballot { voted_for: None, ..step.state.ballot };
            super::leaving(before, step, State { ballot, ..step.state })
        }
        _ => step,
    }
}

/// It votes for another one, and asks on for itself.
pub(super) fn asked_on_after_vote(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.rule) {
        (Role::PreCandidate { .. }, Rule::VoteGranted)
            if before.ballot.current_term == step.state.ballot.current_term =>
        {
            Step { state: State { role: before.role, ..step.state }, ..step }
        }
        _ => step,
    }
}

/// The step of a server that answers a pre-vote as one in another state would, and stays as it is.
fn answering(server: &Server, before: State, other: State, event: Event) -> Step {
    match event {
        Event::Receive { message: Message::PreVote { .. }, .. } => {
            Step { state: before, ..server.step(other, event) }
        }
        _ => server.step(before, event),
    }
}

/// Somebody tells of this term.
const fn news(from: ServerId, term: Term) -> Event {
    let message = Message::AppendEntriesResponse { term, round: None };
    Event::Receive { from, message }
}
