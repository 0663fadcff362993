//! Messages that cannot matter any more, or that matter only a little.
//!
//! Terms only grow, and a server reacts to a message according to how the message's term compares
//! to its own. So what a message can still do, now or later, only shrinks:
//!
//! * **Responses.** One of a *newer* term than its receiver's makes the receiver adopt that term,
//!   whatever else it says and whoever sent it: such responses are **merged**, only receiver and
//!   term are kept. One of the receiver's *own* term does something only if it grants a vote that
//!   the receiver, as a candidate, has not counted; once that is not so, it never is again in this
//!   term. All others are **dead**.
//! * **Requests.** As long as some receiver can vote for it, or follow or step down because of it,
//!   a request is kept. After that, all that can come of it is a refusal that carries a newer term
//!   than its sender's: its own term does not matter any more, nor its kind, since refusals are
//!   merged. Such requests are **clamped**: only the sender is kept, as a request of term 0, which
//!   every server refuses. And if its sender is in the last term of the bounds, no refusal can
//!   matter to it either, and the request is **dead**.

use std::cmp::Ordering;

use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Role, State};
use crate::message::Message;
use crate::packed::{Layout, Packed, States};
use crate::types::{ServerId, Term};

/// Which requests of the past are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastTerm {
    /// Those of a server in this term, in which no refusal can tell it of a newer one.
    Is(Term),
    /// None: there is always a newer term.
    None,
}

/// The world without dead messages, with stale requests clamped and newer responses merged.
pub(super) fn reduce<const W: usize>(
    layout: &Layout,
    last_term: LastTerm,
    states: &States,
    world: &Packed<W>,
) -> Packed<W> {
    let mut reduced = layout.without_sent(world);
    for envelope in layout.sent(world) {
        if let Some(rest) = what_matters(layout.cluster(), last_term, states, envelope) {
            layout.send(&mut reduced, rest);
        }
    }
    reduced
}

fn what_matters(
    cluster: Cluster,
    last_term: LastTerm,
    states: &States,
    envelope: Envelope,
) -> Option<Envelope> {
    let Envelope { from, to, message } = envelope;
    let acts_on = |to: ServerId| acts_on(&states[to.index()], from, message);
    match to {
        Some(to) if !acts_on(to) => None,
        Some(to) if states[to.index()].ballot.current_term < message.term() => {
            let merged = Message::AppendEntriesResponse { term: message.term() };
            Some(Envelope { message: merged, ..envelope })
        }
        None if !cluster.others(from).any(acts_on) => {
            let is_dead = LastTerm::Is(states[from.index()].ballot.current_term) == last_term;
            let clamped = Message::RequestVote { term: Term::ZERO };
            (!is_dead && cluster.size() > 1).then_some(Envelope { message: clamped, ..envelope })
        }
        Some(_) | None => Some(envelope),
    }
}

/// Whether a message can still change this receiver; that it is answered does not count.
fn acts_on(receiver: &State, from: ServerId, message: Message) -> bool {
    let counted = match receiver.role {
        Role::Candidate { votes } => Some(votes),
        Role::Follower | Role::Leader => None,
    };
    let acts_in_its_term = || match message {
        Message::RequestVote { .. } => receiver.ballot.voted_for.is_none(),
        Message::RequestVoteResponse { vote_granted, .. } => {
            vote_granted && counted.is_some_and(|votes| !votes.contains(from))
        }
        Message::AppendEntries { .. } => counted.is_some(),
        Message::AppendEntriesResponse { .. } => false,
    };
    match message.term().cmp(&receiver.ballot.current_term) {
        Ordering::Greater => true,
        Ordering::Equal => acts_in_its_term(),
        Ordering::Less => false,
    }
}
