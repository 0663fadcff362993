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

use crate::action::Envelope;
use crate::election::Role;
use crate::message::Message;
use crate::packed::{Layout, Packed};
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
    world: &Packed<W>,
) -> Packed<W> {
    let mut reduced = layout.without_sent(world);
    for envelope in layout.sent(world) {
        if let Some(rest) = what_matters(layout, last_term, world, envelope) {
            layout.send(&mut reduced, rest);
        }
    }
    reduced
}

fn what_matters<const W: usize>(
    layout: &Layout,
    last_term: LastTerm,
    world: &Packed<W>,
    envelope: Envelope,
) -> Option<Envelope> {
    let Envelope { from, to, message } = envelope;
    match to {
        Some(to) => response(layout, world, from, to, message),
        None if can_act(layout, world, from, message) => Some(envelope),
        None => {
            let sender = layout.state(world, from);
            let is_dead = LastTerm::Is(sender.ballot.current_term) == last_term;
            let clamped = Message::RequestVote { term: Term::ZERO };
            (!is_dead && layout.cluster().size() > 1).then_some(Envelope {
                from,
                to: None,
                message: clamped,
            })
        }
    }
}

fn response<const W: usize>(
    layout: &Layout,
    world: &Packed<W>,
    from: ServerId,
    to: ServerId,
    message: Message,
) -> Option<Envelope> {
    let receiver = layout.state(world, to);
    let term = message.term();
    if receiver.ballot.current_term < term {
        let message = Message::AppendEntriesResponse { term };
        return Some(Envelope { from, to: Some(to), message });
    }
    let is_wanted = matches!(receiver.role, Role::Candidate { votes } if !votes.contains(from));
    let is_vote = matches!(message, Message::RequestVoteResponse { vote_granted: true, .. });
    (is_vote && is_wanted && receiver.ballot.current_term == term).then_some(Envelope {
        from,
        to: Some(to),
        message,
    })
}

/// Whether a request can still change one of its receivers.
fn can_act<const W: usize>(
    layout: &Layout,
    world: &Packed<W>,
    from: ServerId,
    message: Message,
) -> bool {
    let term = message.term();
    layout.cluster().others(from).any(|id| {
        let receiver = layout.state(world, id);
        let current_term = receiver.ballot.current_term;
        current_term < term
            || (current_term == term
                && match message {
                    Message::RequestVote { .. } => receiver.ballot.voted_for.is_none(),
                    _ => matches!(receiver.role, Role::Candidate { .. }),
                })
    })
}
