//! What guarded servers do in several ways, with one outcome.
//!
//! Where there are guards, worlds differ in much of which nothing depends any more, and messages
//! have the same outcome as others, or as what can happen anyway:
//!
//! * **A restart** makes its server a follower that is in contact anew. So does a heartbeat to
//!   whoever is in its term and does not lead it, and that is all, if no answer to it counts. An
//!   **outdated heartbeat** is kept only as long as it can bring somebody into its term. (While its
//!   sender leads, `messages` says so already.) And while a quorum has answered the open round, or
//!   will have by an answer that is under way, no further answer counts: there the heartbeat of the
//!   open round brings everybody into the term, just as outdated ones do, and those are dead.
//! * **A refusal** is drawn by a clamped request from everybody of a newer term than its sender's.
//!   By any other request that was sent in the sender's term or before, too: it is stale there, or
//!   refused in contact, and it stays until it is clamped itself. So next to one that is kept, the
//!   clamped one of the same sender is dead. And next to either, an outdated pre-vote is: it draws
//!   some of these refusals.
//! * **A quorum** is completed by anybody. If one yes, or one answer, is missing and one is under
//!   way, then it does not matter whose it is, nor who else says it again: whatever can come, the
//!   first that arrives completes the quorum. So all are taken to be under way. None is taken back
//!   before that, or they all are dead together. Once a quorum has answered a round, it does not
//!   matter who, and no other answer to it changes anything: a second confirmation of a round
//!   finds the lease that the first one gave, with as much left of it. (Votes stay apart: they are
//!   evidence of what properties are about.)
//! * **A vote** is given once a term. Whose it is matters to a candidate that has not counted it,
//!   and would be told again. To nobody else: everybody who asks in that term draws no vote, or one
//!   that counts nowhere. So the vote is as if the server had kept it to itself.
//!
//! None of this says in which way something happened. So it is not for liveness, where fairness is
//! owed to those ways; nor for mutants, which are about such ways.

use super::messages::Matters;
use crate::action::Envelope;
use crate::election::{Role, State};
use crate::message::Message;
use crate::packed::{OUTDATED_ATTEMPT, OUTDATED_ROUND, Packed, States};
use crate::types::{Attempt, Round, ServerId, ServerSet, Term};

/// The world, its messages reduced by [`messages`](super::messages), with one of those that have
/// the same outcomes; and `states`, those of its servers, as they are in it.
pub(super) fn reduce<const W: usize>(
    matters: &Matters<'_>,
    states: &mut States,
    world: &Packed<W>,
) -> Packed<W> {
    let layout = matters.layout;
    let mut reduced = layout.without_sent(world);
    let mut under_way = UnderWay::default();
    for envelope in layout.sent(world) {
        if let Some(kept) = under_way.take(matters, envelope) {
            layout.send(&mut reduced, kept);
        }
    }
    for id in layout.cluster().servers() {
        under_way.put_back(matters, id, &mut reduced);
        let state = state(matters, id);
        states[id.index()] = state;
        layout.set_state(&mut reduced, id, state);
    }
    reduced
}

/// Messages that are looked at together, by the one server that each is about.
#[derive(Clone, Copy, Default)]
struct UnderWay {
    /// Who has sent a request that may do more than draw a refusal.
    requests: ServerSet,
    /// Who has sent one that was clamped.
    clamped: ServerSet,
    /// Who has sent a pre-vote that is outdated.
    pre_votes: ServerSet,
    /// Who leads, and has sent heartbeats that are outdated.
    heartbeats: ServerSet,
    /// Whose quorum a yes or an answer completes that is under way.
    completing: ServerSet,
}

impl UnderWay {
    /// Takes one of these messages; what is none of them is to be kept.
    fn take(&mut self, matters: &Matters<'_>, envelope: Envelope) -> Option<Envelope> {
        let Envelope { from, to, message } = envelope;
        if message == matters.layout.clamped_request() {
            self.clamped = self.clamped.with(from);
            return None;
        }
        match (message, to) {
            (Message::PreVote { attempt: OUTDATED_ATTEMPT, .. }, _) => {
                self.pre_votes = self.pre_votes.with(from);
                return None;
            }
            (Message::AppendEntries { term, round: OUTDATED_ROUND }, _) => {
                return self.take_outdated(matters, envelope, term);
            }
            (Message::RequestVote { .. } | Message::AppendEntries { .. }, _) => {
                self.requests = self.requests.with(from);
            }
            (
                Message::AppendEntriesResponse { round: Some(_), .. }
                | Message::PreVoteResponse { vote_granted: true, .. },
                Some(to),
            ) => match Quorum::of(matters, to) {
                Quorum::Complete => return None,
                Quorum::OneMissing => {
                    self.completing = self.completing.with(to);
                    return None;
                }
                Quorum::MoreMissing => {}
            },
            _ => {}
        }
        Some(envelope)
    }

    /// Takes an outdated heartbeat.
    fn take_outdated(
        &mut self,
        matters: &Matters<'_>,
        envelope: Envelope,
        term: Term,
    ) -> Option<Envelope> {
        let from = envelope.from;
        let State { ballot, role } = matters.state(from);
        if role.is_leader() && ballot.current_term == term {
            self.heartbeats = self.heartbeats.with(from);
            return None;
        }
        let is_behind = |id| matters.state(id).ballot.current_term < term;
        if matters.cluster().others(from).any(is_behind) {
            self.requests = self.requests.with(from);
            return Some(envelope);
        }
        if matters.clamped(envelope).is_some() {
            self.clamped = self.clamped.with(from);
        }
        None
    }

    /// Puts back what is left of the messages about a server.
    fn put_back<const W: usize>(&self, matters: &Matters<'_>, id: ServerId, world: &mut Packed<W>) {
        let mut send = |from, to, message| {
            matters.layout.send(world, Envelope { from, to, message });
        };
        let State { ballot, role } = matters.state(id);
        let term = ballot.current_term;
        let is_complete = matches!(Quorum::of(matters, id), Quorum::Complete);
        let is_completing = self.completing.contains(id);
        if self.heartbeats.contains(id) && !is_complete && !is_completing {
            send(id, None, Message::AppendEntries { term, round: OUTDATED_ROUND });
        }
        if !self.requests.contains(id) {
            if self.clamped.contains(id) {
                send(id, None, matters.layout.clamped_request());
            } else if self.pre_votes.contains(id) {
                let term = term.next().expect("it was asked about");
                send(id, None, Message::PreVote { term, attempt: OUTDATED_ATTEMPT });
            }
        }
        if is_completing {
            let attempt = Attempt::FIRST;
            let (counted, message) = match (role, term.next()) {
                (Role::PreCandidate { votes, .. }, Some(term)) => {
                    (votes, Message::PreVoteResponse { term, vote_granted: true, attempt })
                }
                (Role::Leader { answered, .. }, _) => {
                    (answered, Message::AppendEntriesResponse { term, round: Some(Round::FIRST) })
                }
                _ => unreachable!("it counts neither votes nor answers"),
            };
            for from in matters.cluster().others(id).filter(|&from| !counted.contains(from)) {
                send(from, Some(id), message);
            }
        }
    }
}

/// How much a server lacks that counts yeses or answers.
enum Quorum {
    Complete,
    OneMissing,
    MoreMissing,
}

impl Quorum {
    fn of(matters: &Matters<'_>, id: ServerId) -> Self {
        let (Role::PreCandidate { votes: counted, .. } | Role::Leader { answered: counted, .. }) =
            matters.state(id).role
        else {
            return Self::MoreMissing;
        };
        let cluster = matters.cluster();
        if cluster.is_quorum(counted) {
            return Self::Complete;
        }
        let completes = |other| {
            let counted_then = counted.with(other);
            counted_then != counted && cluster.is_quorum(counted_then)
        };
        if cluster.others(id).any(completes) { Self::OneMissing } else { Self::MoreMissing }
    }
}

/// The state of a server, without who has answered a round that a quorum has answered, and whom the
/// server gave a vote that nobody counts any more.
fn state(matters: &Matters<'_>, id: ServerId) -> State {
    let State { mut ballot, mut role } = matters.state(id);
    if let Role::Leader { answered, .. } = &mut role
        && matters.cluster().is_quorum(*answered)
    {
        *answered = matters.cluster().servers().collect();
    }
    let is_uncounted = |candidate| {
        let state = matters.state(candidate);
        state.ballot.current_term == ballot.current_term
            && matches!(state.role, Role::Candidate { votes } if !votes.contains(id))
    };
    if ballot.voted_for.is_some_and(|candidate| !is_uncounted(candidate)) {
        ballot.voted_for = Some(id);
    }
    State { ballot, role }
}
