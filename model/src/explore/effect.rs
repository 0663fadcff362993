//! What a step changes, in a few words.

use std::fmt::Write as _;

use crate::election::{Role, State};
use crate::run::World;
use crate::types::ServerId;

/// What a step of this server changed, by worlds before and after it; empty, if nothing did.
pub(super) fn effect(before: &World, server: ServerId, after: &World) -> String {
    let mut parts = changes(before.state(server), after.state(server));
    for (index, (was, is)) in before.leases.iter().zip(&after.leases).enumerate() {
        let id = index + 1;
        match (was.valid.is_some(), is.valid.is_some()) {
            (false, true) => parts.push(format!("S{id} has a lease")),
            (true, false) => parts.push(format!("the lease of S{id} is over")),
            (true, true) | (false, false) => {}
        }
    }
    for envelope in after.sent.difference(&before.sent) {
        let to = envelope.to.map_or("all".to_owned(), |to| to.to_string());
        parts.push(format!("sends {to} {}", envelope.message));
    }
    parts.join("; ")
}

fn changes(before: &State, after: &State) -> Vec<String> {
    let mut parts = Vec::new();
    let (was, is) = (before.ballot, after.ballot);
    if before.role.name() != after.role.name() {
        parts.push(format!("becomes {}", after.role));
    }
    if was.current_term != is.current_term {
        parts.push(format!("term {} → {}", was.current_term, is.current_term));
    }
    match (was.voted_for, is.voted_for) {
        (one, other) if one == other && was.current_term == is.current_term => {}
        (_, Some(candidate)) => parts.push(format!("votes for {candidate}")),
        (Some(_), None) => parts.push("has not voted there".to_owned()),
        (None, None) => {}
    }
    let mut more = String::new();
    match (before.role, after.role) {
        (Role::Follower { contact: true }, Role::Follower { contact: false }) => {
            more.push_str("its contact is over");
        }
        (Role::Follower { contact: true }, Role::Follower { contact: true }) => {}
        (_, Role::Follower { contact: true }) => more.push_str("is in contact"),
        (Role::Candidate { votes: was }, Role::Candidate { votes })
        | (Role::PreCandidate { votes: was, .. }, Role::PreCandidate { votes, .. })
            if was != votes =>
        {
            let _ = write!(more, "has votes of {votes}");
        }
        (Role::Leader { answered: was, .. }, Role::Leader { answered, round, .. })
            if was != answered =>
        {
            let _ = write!(more, "round {round} is answered by {answered}");
        }
        _ => {}
    }
    if !more.is_empty() {
        parts.push(more);
    }
    parts
}
