//! Messages that cannot matter any more, or that matter only a little.
//!
//! Terms only grow, and a server reacts to a message according to how the message's term compares
//! to its own. So what a message can still do, now or later, only shrinks:
//!
//! * **Responses.** One of a *newer* term than its receiver's makes the receiver adopt that term,
//!   whatever else it says and whoever sent it: such responses are **merged**, only receiver and
//!   term are kept. One of the receiver's *own* term does something only if it grants a vote that
//!   the receiver, as a candidate, has not counted, or answers its open round and was not counted;
//!   once that is not so, it never is again in this term. A yes to a pre-vote does something only
//!   if it answers the present attempt and was not counted. All others are **dead**.
//! * **Requests.** As long as some receiver can vote for it, or follow or step down because of it,
//!   a request is kept. After that, all that can come of it is a refusal that carries a newer term
//!   than its sender's: its own term does not matter any more, nor its kind, since refusals are
//!   merged. Such requests are **clamped**: only the sender is kept, as a request of term 0, which
//!   every server refuses that can tell its sender something. And if its sender is in the last term
//!   of the bounds, no refusal can matter to it either, and the request is **dead**.
//! * **Pre-votes.** One whose attempt is over can draw a refusal, but only from servers that would
//!   not vote for its sender: it is kept, as an **outdated** one, until its sender has reached the
//!   term that it asked about. From then on whoever can tell its sender something refuses it, and
//!   it is clamped. While its sender asks anew in the same term, the new request draws all that the
//!   old one can, and the old one is dead.
//! * **Rounds** are counted from the open one of a leader in office: opening a round makes every
//!   answer under way an answer to an older one, which is dead, and every heartbeat under way an
//!   **outdated** one. That one brings its receiver into contact and draws an answer that does not
//!   count. So to a receiver of its own term it does what a restart does; it is kept only as long
//!   as it can bring somebody into its term. Of a sender that does not lead its term all rounds are
//!   outdated.
//! * **Orders** to hand over are obeyed whoever gave them: only receiver and term are kept, until
//!   the receiver is in a later term.

use std::cmp::Ordering;

use super::relative;
use crate::action::Envelope;
use crate::cluster::{Cluster, Protocol};
use crate::election::{Role, State};
use crate::message::Message;
use crate::packed::{Layout, OUTDATED_ATTEMPT, OUTDATED_ROUND, Packed, States};
use crate::types::{Attempt, Round, ServerId, Term};

/// Which requests of the past are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastTerm {
    /// Those of a server in this term, in which no refusal can tell it of a newer one.
    Is(Term),
    /// None: there is always a newer term.
    None,
}

/// The world without dead messages, with stale requests clamped and newer responses merged; and
/// `states`, those of its servers, as they are in it.
pub(super) fn reduce<const W: usize>(
    matters: &Matters<'_>,
    states: &mut States,
    world: &Packed<W>,
) -> Packed<W> {
    let layout = matters.layout;
    let mut reduced = layout.without_sent(world);
    for envelope in layout.sent(world) {
        for rest in matters.what(envelope).into_iter().flatten() {
            layout.send(&mut reduced, rest);
        }
    }
    if layout.cluster().protocol() != Protocol::FIGURE2 {
        for id in layout.cluster().servers() {
            let state = &mut states[id.index()];
            *state = relative::state(*state);
            layout.set_state(&mut reduced, id, *state);
        }
    }
    reduced
}

/// What is left of the messages of a world.
#[derive(Clone, Copy)]
pub(super) struct Matters<'a> {
    pub(super) layout: &'a Layout,
    /// Whether every server may hear of a newer term anyway.
    pub(super) news_is_free: bool,
    pub(super) last_term: LastTerm,
    /// The states of the servers.
    pub(super) states: &'a States,
}

impl Matters<'_> {
    pub(super) fn cluster(&self) -> Cluster {
        self.layout.cluster()
    }

    pub(super) fn state(&self, server: ServerId) -> State {
        self.states[server.index()]
    }

    /// What is left of a message: nothing, itself, another one, or two.
    fn what(&self, envelope: Envelope) -> [Option<Envelope>; 2] {
        let Envelope { from, to, message } = envelope;
        let acts_on =
            |to: ServerId| acts_on(self.cluster().protocol(), &self.state(to), from, message);
        if let Some(to) = to {
            let merges = self.state(to).ballot.current_term < message.term() && is_merged(message);
            let message = match merges {
                true => Message::AppendEntriesResponse { term: message.term(), round: None },
                false => message,
            };
            let is_kept = acts_on(to) && !(merges && self.news_is_free);
            return [is_kept.then_some(Envelope { message, ..envelope }), None];
        }
        match message {
            Message::PreVote { term, attempt } => [self.pre_vote(envelope, term, attempt), None],
            _ if !self.cluster().others(from).any(acts_on) => [self.clamped(envelope), None],
            Message::AppendEntries { term, round } if self.cluster().protocol().check_quorum() => {
                self.heartbeat(from, term, round)
            }
            _ => [Some(envelope), None],
        }
    }

    /// What is left of a request that can only be refused.
    pub(super) fn clamped(&self, envelope: Envelope) -> Option<Envelope> {
        let current_term = self.state(envelope.from).ballot.current_term;
        let is_dead = self.news_is_free || LastTerm::Is(current_term) == self.last_term;
        let message = self.layout.clamped_request();
        (!is_dead && self.cluster().size() > 1).then_some(Envelope { message, ..envelope })
    }

    fn pre_vote(&self, envelope: Envelope, term: Term, attempt: Attempt) -> Option<Envelope> {
        let State { ballot, role } = self.state(envelope.from);
        if term <= ballot.current_term {
            return self.clamped(envelope);
        }
        if matches!(role, Role::PreCandidate { .. }) {
            return (attempt != OUTDATED_ATTEMPT).then_some(envelope);
        }
        let message = Message::PreVote { term, attempt: OUTDATED_ATTEMPT };
        Some(Envelope { message, ..envelope })
    }

    fn heartbeat(&self, from: ServerId, term: Term, round: Round) -> [Option<Envelope>; 2] {
        let of_round = |round| {
            let message = Message::AppendEntries { term, round };
            Some(Envelope { from, to: None, message })
        };
        let State { ballot, role } = self.state(from);
        let open = match role {
            Role::Leader { round, .. } if ballot.current_term == term => round,
            _ => return [of_round(OUTDATED_ROUND), None],
        };
        let is_open = round != OUTDATED_ROUND;
        let has_opened = open != Round::FIRST; // so the first one is both
        let mut others = self.cluster().others(from);
        let is_outdated =
            (has_opened || !is_open) && others.any(|id| self.state(id).ballot.current_term < term);
        [
            if is_open { of_round(Round::FIRST) } else { None },
            if is_outdated { of_round(OUTDATED_ROUND) } else { None },
        ]
    }
}

/// Whether all that matters of it, if it is of a newer term than its receiver's, is that term.
const fn is_merged(message: Message) -> bool {
    match message {
        Message::RequestVoteResponse { .. }
        | Message::AppendEntriesResponse { .. }
        | Message::PreVoteResponse { vote_granted: false, .. } => true,
        Message::PreVoteResponse { vote_granted: true, .. }
        | Message::HandOver { .. }
        | Message::RequestVote { .. }
        | Message::AppendEntries { .. }
        | Message::PreVote { .. } => false,
    }
}

/// Whether a message can still change this receiver; that it is answered does not count.
fn acts_on(protocol: Protocol, receiver: &State, from: ServerId, message: Message) -> bool {
    let State { ballot, role } = receiver;
    let (term, current_term) = (message.term(), ballot.current_term);
    if let Message::PreVoteResponse { vote_granted: true, attempt, .. } = message {
        let is_present = attempt == Attempt::FIRST && current_term.next() == Some(term);
        return is_present
            && matches!(role, Role::PreCandidate { attempt: Attempt::FIRST, votes }
                if !votes.contains(from));
    }
    let acts_in_its_term = || match message {
        Message::RequestVote { .. } => ballot.voted_for.is_none(),
        Message::RequestVoteResponse { vote_granted, .. } => {
            vote_granted && matches!(role, Role::Candidate { votes } if !votes.contains(from))
        }
        Message::AppendEntries { .. } => match role {
            Role::PreCandidate { .. } | Role::Candidate { .. } => true,
            // With guards it can come into contact, or ask and be told.
            Role::Follower { .. } => protocol != Protocol::FIGURE2,
            Role::Leader { .. } | Role::Returning { .. } => false,
        },
        Message::AppendEntriesResponse { round, .. } => match role {
            Role::Leader { round: Round::FIRST, answered, .. } => {
                round == Some(Round::FIRST) && !answered.contains(from)
            }
            Role::Leader { .. }
            | Role::Follower { .. }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. }
            | Role::Returning { .. } => false,
        },
        Message::HandOver { .. } => true,
        Message::PreVote { .. } | Message::PreVoteResponse { .. } => false,
    };
    match term.cmp(&current_term) {
        Ordering::Greater => true,
        Ordering::Equal => acts_in_its_term(),
        Ordering::Less => false,
    }
}
