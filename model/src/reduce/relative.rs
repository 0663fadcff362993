//! Rounds and attempts, counted from the present one of their server: that is the first one, and
//! all others are outdated. They are compared for equality only, so nothing else matters of them.

use std::borrow::Cow;

use crate::action::Envelope;
use crate::cluster::Protocol;
use crate::election::{Role, State};
use crate::message::Message;
use crate::packed::{OUTDATED_ATTEMPT, OUTDATED_ROUND};
use crate::types::{Attempt, Round, ServerId, Term};
use crate::world::World;

/// The state, with its open round, or its present attempt, as the first one.
pub(super) const fn state(State { ballot, role }: State) -> State {
    let role = match role {
        Role::Leader { answered, beats, .. } => {
            Role::Leader { round: Round::FIRST, answered, beats }
        }
        Role::PreCandidate { votes, .. } => Role::PreCandidate { attempt: Attempt::FIRST, votes },
        Role::Follower { .. } | Role::Candidate { .. } | Role::Returning { .. } => role,
    };
    State { ballot, role }
}

/// The world, with the rounds and attempts of its servers counted from the present ones.
pub(super) fn world(protocol: Protocol, world: &World) -> Cow<'_, World> {
    if protocol == Protocol::FIGURE2 {
        return Cow::Borrowed(world);
    }
    let sent = world.sent.iter().map(|envelope| relative(protocol, world, *envelope));
    Cow::Owned(World {
        servers: world.servers.iter().map(|server| state(*server)).collect(),
        stored: world.stored.clone(),
        sent: sent.collect(),
        leases: world.leases.clone(),
    })
}

fn relative(protocol: Protocol, world: &World, envelope: Envelope) -> Envelope {
    // Whose question it is.
    let asker = envelope.to.unwrap_or(envelope.from);
    let round = |term, round| {
        let is_open = !protocol.check_quorum() || open_round(world, asker, term) == Some(round);
        if is_open { Round::FIRST } else { OUTDATED_ROUND }
    };
    let attempt = |term, attempt| {
        let is_present = present_attempt(world, asker, term) == Some(attempt);
        if is_present { Attempt::FIRST } else { OUTDATED_ATTEMPT }
    };
    let message = match envelope.message {
        Message::AppendEntries { term, round: of } => {
            Message::AppendEntries { term, round: round(term, of) }
        }
        Message::AppendEntriesResponse { term, round: Some(of) } => {
            Message::AppendEntriesResponse { term, round: Some(round(term, of)) }
        }
        Message::PreVote { term, attempt: of } => {
            Message::PreVote { term, attempt: attempt(term, of) }
        }
        Message::PreVoteResponse { term, vote_granted, attempt: of } => {
            Message::PreVoteResponse { term, vote_granted, attempt: attempt(term, of) }
        }
        Message::RequestVote { .. }
        | Message::RequestVoteResponse { .. }
        | Message::AppendEntriesResponse { round: None, .. }
        | Message::HandOver { .. } => envelope.message,
    };
    Envelope { message, ..envelope }
}

/// The open round of a server, if it leads this term.
fn open_round(world: &World, server: ServerId, term: Term) -> Option<Round> {
    let State { ballot, role } = world.state(server);
    match role {
        Role::Leader { round, .. } if ballot.current_term == term => Some(*round),
        _ => None,
    }
}

/// The present attempt of a server, if it asks about this term.
fn present_attempt(world: &World, server: ServerId, term: Term) -> Option<Attempt> {
    let State { ballot, role } = world.state(server);
    match role {
        Role::PreCandidate { attempt, .. } if ballot.current_term.next() == Some(term) => {
            Some(*attempt)
        }
        _ => None,
    }
}
