//! Rounds and attempts, counted from the present one of their server: that is the first one, and
//! all others are outdated. They are compared for equality only, so nothing else matters of them.

use std::borrow::Cow;

use crate::action::Envelope;
use crate::cluster::Protocol;
use crate::election::{Role, State};
use crate::message::Message;
use crate::packed::{OUTDATED_ATTEMPT, OUTDATED_ROUND};
use crate::types::{Attempt, Round};
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
    // Of who asked. What it asked in another term is over, whatever its number: see `messages`.
    let role = world.state(envelope.to.unwrap_or(envelope.from)).role;
    let round = |of| {
        let is_open = matches!(role, Role::Leader { round, .. } if round == of);
        if is_open || !protocol.check_quorum() { Round::FIRST } else { OUTDATED_ROUND }
    };
    let attempt = |of| {
        let is_present = matches!(role, Role::PreCandidate { attempt, .. } if attempt == of);
        if is_present { Attempt::FIRST } else { OUTDATED_ATTEMPT }
    };
    let message = match envelope.message {
        Message::AppendEntries { term, round: of } => {
            Message::AppendEntries { term, round: round(of) }
        }
        Message::AppendEntriesResponse { term, round: Some(of) } => {
            Message::AppendEntriesResponse { term, round: Some(round(of)) }
        }
        Message::PreVote { term, attempt: of } => Message::PreVote { term, attempt: attempt(of) },
        Message::PreVoteResponse { term, vote_granted, attempt: of } => {
            Message::PreVoteResponse { term, vote_granted, attempt: attempt(of) }
        }
        Message::RequestVote { .. }
        | Message::RequestVoteResponse { .. }
        | Message::AppendEntriesResponse { round: None, .. }
        | Message::HandOver { .. } => envelope.message,
    };
    Envelope { message, ..envelope }
}
