//! Worlds and messages, as the page reads them.

use serde_json::{Value, json};

use super::codes::{arrival, letter};
use crate::action::Envelope;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::run::{Lease, World};
use crate::types::Term;

/// Numbers above this are not kept by JavaScript; such a term is told as text.
const EXACT: u64 = 1 << 53;

pub(super) fn term(term: Term) -> Value {
    if term.number() < EXACT { json!(term) } else { json!(term.to_string()) }
}

/// All servers of a world.
pub(super) fn servers(world: &World) -> Value {
    let indices = 0..world.servers.len();
    indices.map(|at| server(&world.servers[at], world.stored[at], world.leases[at])).collect()
}

/// One server: what it is, and what of that is not on its disk.
pub(super) fn server(state: &State, stored: Ballot, lease: Lease) -> Value {
    let Ballot { current_term, voted_for } = state.ballot;
    let mut value = json!({
        "term": term(current_term),
        "voted": voted_for,
        "role": state.role.name(),
        "says": state.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    });
    match state.role {
        Role::Follower { contact } => value["contact"] = json!(contact),
        Role::PreCandidate { votes, attempt } => {
            value["votes"] = json!(votes);
            value["attempt"] = json!(attempt);
        }
        Role::Candidate { votes } => value["votes"] = json!(votes),
        Role::Leader { round, answered, beats } => {
            value["round"] = json!(round);
            value["answered"] = json!(answered);
            value["beats"] = json!(beats);
        }
        Role::Returning { heard, newest } => {
            value["heard"] = json!(heard);
            value["newest"] = term(newest);
        }
    }
    if stored != state.ballot {
        value["disk"] = json!({ "term": term(stored.current_term), "voted": stored.voted_for });
    }
    if lease.valid.is_some() {
        value["lease"] = json!(true);
    }
    value
}

pub(super) fn message(message: Message) -> Value {
    json!({
        "kind": letter(message).to_string(),
        "term": term(message.term()),
        "says": message.to_string(),
    })
}

/// A message with its addresses; `to` is nobody for a broadcast.
pub(super) fn envelope(Envelope { from, to, message }: &Envelope) -> Value {
    let mut value = self::message(*message);
    value["code"] = json!(arrival(*from, *message));
    value["from"] = json!(from);
    value["to"] = json!(to);
    value
}
