//! The messages that can be sent within bounds, and a bit for each of them.

use super::layout::Layout;
use crate::action::Envelope;
use crate::cluster::Protocol;
use crate::message::Message;
use crate::types::{Attempt, Round, ServerId, Term};
use crate::world::bounds::{Bounds, Limits};

/// What there is room for in a packed world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The last term.
    pub(super) term: u8,
    /// The last round of a leader.
    pub(super) round: u8,
    /// The last attempt in a term; 0 without pre-vote.
    pub(super) attempt: u8,
    /// The most heartbeats since a round was opened.
    pub(super) beats: u8,
}

/// The round of a heartbeat that is not the open one of its sender, where rounds are counted from
/// that.
pub(crate) const OUTDATED_ROUND: Round = Round::new(0);
/// The attempt of a pre-vote whose sender has given up since, or asks again.
pub(crate) const OUTDATED_ATTEMPT: Attempt = Attempt::new(0);

pub(super) const NO_BIT: u16 = u16::MAX;
/// Of a message that can be sent, and of which nothing can come.
pub(super) const DEAD: u16 = NO_BIT - 1;

/// Every message that servers of a cluster send in these bounds, as of term 0.
fn alphabet(bounds: &Bounds) -> Vec<Message> {
    let term = Term::ZERO;
    let Limits { hand_over, rounds, attempts, .. } = bounds.limits;
    let protocol = bounds.cluster.protocol();
    let rounds = if protocol.check_quorum() { rounds } else { 1 };
    let rounds = || (1..=rounds).map(Round::new);
    let attempts = if protocol.pre_vote() { attempts } else { 0 };
    let attempts = || (1..=attempts).map(Attempt::new);
    let mut messages = vec![Message::RequestVote { term, hand_over: false }];
    messages.extend(rounds().map(|round| Message::AppendEntries { term, round }));
    messages.extend(attempts().map(|attempt| Message::PreVote { term, attempt }));
    for vote_granted in [true, false] {
        messages.push(Message::RequestVoteResponse { term, vote_granted });
        messages.extend(attempts().map(|attempt| Message::PreVoteResponse {
            term,
            vote_granted,
            attempt,
        }));
    }
    messages.push(Message::AppendEntriesResponse { term, round: None });
    if protocol.check_quorum() {
        let answer = |round| Message::AppendEntriesResponse { term, round: Some(round) };
        messages.extend(rounds().map(answer));
    }
    if hand_over {
        messages.push(Message::RequestVote { term, hand_over: true });
        messages.push(Message::HandOver { term });
    }
    messages
}

/// Whether a server says this of term 0, too: it refuses in its own term, whatever was asked.
fn is_said_in_term_0(message: &Message) -> bool {
    matches!(
        message,
        Message::RequestVoteResponse { vote_granted: false, .. }
            | Message::PreVoteResponse { vote_granted: false, .. }
    )
}

/// What a server in term 0 answers to requests that were reduced; of which nothing can come.
fn clamped_answers(protocol: Protocol) -> Vec<Message> {
    let term = Term::ZERO;
    let mut answers = Vec::new();
    if protocol.check_quorum() {
        answers.push(Message::RequestVoteResponse { term, vote_granted: false });
    }
    if protocol.pre_vote() {
        for attempt in [OUTDATED_ATTEMPT, Attempt::FIRST] {
            answers.extend([true, false].map(|vote_granted| Message::PreVoteResponse {
                term,
                vote_granted,
                attempt,
            }));
        }
    }
    answers
}

impl Layout {
    /// A layout that tells all messages apart, with room for terms up to this one.
    pub fn new(bounds: &Bounds, room: u8) -> Self {
        let protocol = bounds.cluster.protocol();
        let numbered = |is_on: bool, last: u64| if is_on { few(last) } else { 0 };
        let mut layout = Self::without_messages(
            bounds,
            Room {
                term: room,
                round: numbered(protocol.check_quorum(), bounds.limits.rounds).max(1),
                attempt: numbered(protocol.pre_vote(), bounds.limits.attempts),
                beats: 0,
            },
        );
        for from in layout.cluster.servers() {
            for term in layout.terms() {
                let of_term = alphabet(bounds).into_iter().map(|message| message.with_term(term));
                let (requests, others): (Vec<_>, Vec<_>) =
                    of_term.partition(|message| message.is_request());
                for message in requests {
                    layout.add(Envelope { from, to: None, message });
                }
                for to in layout.cluster.others(from).map(Some) {
                    for &message in &others {
                        layout.add(Envelope { from, to, message });
                    }
                }
            }
            let others = layout.cluster.others(from).filter(|_| protocol != Protocol::FIGURE2);
            for to in others.map(Some) {
                for message in alphabet(bounds).into_iter().filter(is_said_in_term_0) {
                    layout.add(Envelope { from, to, message });
                }
            }
        }
        layout
    }

    /// A layout for worlds whose messages are reduced (see [`reduce`](crate::reduce)): a request
    /// has a term 0 too; all responses other than votes and answers that have a receiver and a term
    /// in common are one, and so are orders; rounds and attempts are the present one, the next, or
    /// outdated.
    pub fn merging(bounds: &Bounds, room: u8) -> Self {
        let cluster = bounds.cluster;
        let protocol = cluster.protocol();
        let room = Room {
            term: room,
            round: if protocol.check_quorum() { 2 } else { 1 },
            attempt: if protocol.pre_vote() { 2 } else { 0 },
            beats: 0,
        };
        let mut layout = Self::without_messages(bounds, room);
        layout.merges_responses = true;
        for from in cluster.servers() {
            layout.add(Envelope { from, to: None, message: layout.clamped_request() });
            for to in cluster.others(from).map(Some) {
                for message in clamped_answers(protocol) {
                    layout.put(Envelope { from, to, message }, DEAD.into());
                }
            }
            for term in layout.terms() {
                layout.add_requests(bounds, from, term);
                for to in cluster.others(from) {
                    layout.add_votes_and_answers(from, to, term);
                }
            }
        }
        for to in cluster.servers() {
            for term in layout.terms() {
                layout.add_merged(bounds, to, term);
            }
        }
        layout
    }

    /// The requests of a server in a term.
    fn add_requests(&mut self, bounds: &Bounds, from: ServerId, term: Term) {
        let broadcast = |message| Envelope { from, to: None, message };
        self.add(broadcast(Message::RequestVote { term, hand_over: false }));
        if bounds.limits.hand_over {
            self.add(broadcast(Message::RequestVote { term, hand_over: true }));
        }
        let heartbeat = |round| broadcast(Message::AppendEntries { term, round });
        let bit = self.add(heartbeat(Round::FIRST));
        if self.cluster.protocol().check_quorum() {
            self.put(heartbeat(Round::FIRST.next()), bit);
            self.add(heartbeat(OUTDATED_ROUND));
        }
        if self.cluster.protocol().pre_vote() {
            let pre_vote = |attempt| broadcast(Message::PreVote { term, attempt });
            let bit = self.add(pre_vote(Attempt::FIRST));
            self.put(pre_vote(Attempt::FIRST.next()), bit);
            self.add(pre_vote(OUTDATED_ATTEMPT));
        }
    }

    /// What is counted by whom it comes from. What answers an outdated question is dead.
    fn add_votes_and_answers(&mut self, from: ServerId, to: ServerId, term: Term) {
        let envelope = |message| Envelope { from, to: Some(to), message };
        self.add(envelope(Message::RequestVoteResponse { term, vote_granted: true }));
        if self.cluster.protocol().check_quorum() {
            let answer =
                |round| envelope(Message::AppendEntriesResponse { term, round: Some(round) });
            self.add(answer(Round::FIRST));
            self.put(answer(OUTDATED_ROUND), DEAD.into());
        }
        if self.cluster.protocol().pre_vote() {
            let vote =
                |attempt| envelope(Message::PreVoteResponse { term, vote_granted: true, attempt });
            self.add(vote(Attempt::FIRST));
            self.put(vote(OUTDATED_ATTEMPT), DEAD.into());
        }
    }

    /// What is one whoever it comes from.
    fn add_merged(&mut self, bounds: &Bounds, to: ServerId, term: Term) {
        let mut merged = vec![
            Message::AppendEntriesResponse { term, round: None },
            Message::RequestVoteResponse { term, vote_granted: false },
        ];
        if self.cluster.protocol().pre_vote() {
            for attempt in [OUTDATED_ATTEMPT, Attempt::FIRST] {
                merged.push(Message::PreVoteResponse { term, vote_granted: false, attempt });
            }
        }
        let orders = bounds.limits.hand_over.then(|| vec![Message::HandOver { term }]);
        for kind in [Some(merged), orders].into_iter().flatten() {
            let mut bit = None;
            for from in self.cluster.others(to) {
                let envelope = |message| Envelope { from, to: Some(to), message };
                let bit = *bit.get_or_insert_with(|| self.add(envelope(kind[0])));
                for &message in &kind {
                    self.put(envelope(message), bit);
                }
            }
        }
    }

    /// How many kinds of messages are told apart.
    pub(super) fn kinds(&self) -> usize {
        6 + 2 * (usize::from(self.room.round) + 1) + 3 * (usize::from(self.room.attempt) + 1)
    }

    /// The number of a message's kind, if there is room for it.
    fn kind(&self, message: Message) -> Option<usize> {
        let round = |round: Round| {
            let round = usize::try_from(round.number()).ok()?;
            (round <= self.room.round.into()).then_some(6 + 2 * round)
        };
        let attempt = |attempt: Attempt| {
            let attempt = usize::try_from(attempt.number()).ok()?;
            let rounds = 2 * (usize::from(self.room.round) + 1);
            (attempt <= self.room.attempt.into()).then_some(6 + rounds + 3 * attempt)
        };
        match message {
            Message::RequestVote { hand_over: false, .. } => Some(0),
            Message::RequestVote { hand_over: true, .. } => Some(1),
            Message::RequestVoteResponse { vote_granted: true, .. } => Some(2),
            Message::RequestVoteResponse { vote_granted: false, .. } => Some(3),
            Message::AppendEntriesResponse { round: None, .. } => Some(4),
            Message::HandOver { .. } => Some(5),
            Message::AppendEntries { round: of, .. } => round(of),
            Message::AppendEntriesResponse { round: Some(of), .. } => Some(round(of)? + 1),
            Message::PreVote { attempt: of, .. } => attempt(of),
            Message::PreVoteResponse { vote_granted, attempt: of, .. } => {
                Some(attempt(of)? + 1 + usize::from(vote_granted))
            }
        }
    }

    pub(super) fn key(&self, Envelope { from, to, message }: Envelope) -> Option<usize> {
        let to = to.map_or(0, |to| usize::from(to.number()));
        let term = usize::try_from(message.term().number()).ok()?;
        let terms = usize::from(self.room.term) + 1;
        let place = (self.kind(message)? * 8 + usize::from(from.number())) * 8 + to;
        (term < terms).then_some(place * terms + term)
    }

    /// Gives a message a bit of its own.
    fn add(&mut self, envelope: Envelope) -> usize {
        let bit = self.messages + self.envelopes.len();
        self.envelopes.push(envelope);
        self.put(envelope, bit);
        bit
    }

    /// Gives a message this bit.
    fn put(&mut self, envelope: Envelope, bit: usize) {
        let key = self.key(envelope).expect("there is room for it");
        self.bits[key] = u16::try_from(bit).expect("few messages");
    }

    /// The request that stands for one that can only be refused: every server of a term after 0
    /// refuses it, and no other one changes by it.
    pub(crate) const fn clamped_request(&self) -> Message {
        let term = Term::ZERO;
        if self.cluster.protocol().pre_vote() {
            Message::PreVote { term, attempt: OUTDATED_ATTEMPT }
        } else {
            Message::RequestVote { term, hand_over: false }
        }
    }
}

/// A bound on rounds or attempts.
fn few(number: u64) -> u8 {
    u8::try_from(number).expect("few rounds and attempts")
}
