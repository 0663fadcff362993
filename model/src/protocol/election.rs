//! Raft leader election (Ongaro and Ousterhout, "In Search of an Understandable Consensus
//! Algorithm", §5.1, §5.2 and Figure 2), written once.
//!
//! A server is driven by [`Event`]s: its timer fires, a message arrives, it is told to hand over,
//! or what it asked after a lost disk is answered. For each, [`Server::step`] says everything there
//! is to say in one [`Step`]: the state afterwards, which [`Rule`] applied, whether the ballot must
//! be on disk, what to send, and whether the timer starts again. It reads no clock, draws no random
//! number and sends nothing itself. The caller obeys, in this order:
//!
//! 1. **persist** the ballot, if the step says so, and wait until it is durable;
//! 2. **send** what the step sends;
//! 3. **restart the timer**, if the step says so.
//!
//! So a crash between two of these is nothing worse than a lost message.
//!
//! Why at most one server leads a term. Who leads was granted that term by a quorum; two quorums
//! share a server; no server grants two candidates its vote in one term, because the vote stands in
//! its [`Ballot`] before the answer leaves, because nothing that a server does within a term
//! replaces that vote, and because no server returns to an older term. None of this depends on the
//! guards: they keep a server from asking or from voting, and never let it do more. Their rules
//! stand in `guard.rs` (contact and pre-vote) and `lease.rs` (rounds and hand-over). How a server
//! comes back that has lost its ballot stands in `loss.rs`.
//!
//! The module is total: every state and event has a step, never an error. What is stale changes no
//! state; a stale request is answered with the newer term. Beside the handlers stand the names of
//! the actions of `tla/RaftElection.tla`, by which models speak of a step too.

use super::cluster::Cluster;
pub use super::effect::Effect;
use super::guard::lose_contact;
pub use super::handlers::Handlers;
use super::message::Message;
pub use super::rule::Rule;
use super::step::Decision;
pub use super::step::{Event, Outgoing, Step};
use super::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};

/// What a server must never forget (Figure 2, "Persistent state on all servers"). It stands outside
/// the [`Role`], so that no change of role can touch the vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Ballot {
    /// The latest term this server has seen. It only grows.
    pub current_term: Term,
    /// The candidate that has this server's vote in `current_term`, if it has voted.
    pub voted_for: Option<ServerId>,
}

impl Ballot {
    /// The ballot of a server that has never run before.
    pub const INITIAL: Self = Self::of_term(Term::ZERO);

    /// The blank ballot of a term. Nothing else clears `voted_for`, and it is only called with a
    /// term that this server has never been in: that is why a vote, once given, stands. (After a
    /// lost disk the vote is spent at once.)
    pub(super) const fn of_term(term: Term) -> Self {
        Self { current_term: term, voted_for: None }
    }

    /// This ballot, with the vote given to `candidate`.
    pub(super) const fn cast(self, candidate: ServerId) -> Self {
        Self { voted_for: Some(candidate), ..self }
    }
}

/// What a server is at the moment (§5.1), each with only its own data. A crash forgets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Role {
    /// It answers others, and waits for its timer.
    Follower {
        /// Whether it is in contact: it has promised to help nobody to office for one minimum
        /// election timeout, which is not over. Never without check-quorum.
        contact: bool,
    },
    /// It asks whether it would be elected in the next term. Only with pre-vote.
    PreCandidate {
        /// Which time it is that it asks.
        attempt: Attempt,
        /// Who would vote for it, itself included.
        votes: ServerSet,
    },
    /// It stands for election in its current term.
    Candidate {
        /// Who has granted it the vote in this term, itself included.
        votes: ServerSet,
    },
    /// It was elected in its current term. Without check-quorum it is as in [`Role::LEADER`].
    Leader {
        /// The round that is open.
        round: Round,
        /// Who has answered it, the leader included.
        answered: ServerSet,
        /// Heartbeats since it was opened.
        beats: Beats,
    },
    /// It has lost its disk, and with it its ballot. It takes part in nothing until every other
    /// server has told its current term. A crash begins that anew.
    Returning {
        /// Who has told its term since, this server itself included.
        heard: ServerSet,
        /// The newest term told.
        newest: Term,
    },
}

impl Role {
    /// A follower that is not in contact.
    pub const FOLLOWER: Self = Self::Follower { contact: false };

    /// A leader that counts no answers.
    pub const LEADER: Self =
        Self::Leader { round: Round::FIRST, answered: ServerSet::EMPTY, beats: Beats::ZERO };

    /// Whether it leads.
    pub const fn is_leader(&self) -> bool {
        matches!(self, Self::Leader { .. })
    }

    /// Whether it has lost its disk, and is not back.
    pub const fn is_returning(&self) -> bool {
        matches!(self, Self::Returning { .. })
    }
}

/// The state of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct State {
    /// What survives a crash.
    pub ballot: Ballot,
    /// What does not.
    pub role: Role,
}

/// The one timer that a server has running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Fires when contact is over: after exactly the minimum election timeout, never earlier.
    Contact,
    /// Fires after a random time without a leader. The time is drawn anew at every restart of the
    /// timer, so that split votes are rare (§5.2).
    Election,
    /// Fires at a short, fixed period.
    Heartbeat,
}

impl State {
    /// Which timer runs follows from the role; so it is not stored, and cannot be wrong.
    pub const fn timer(&self) -> Timer {
        match self.role {
            Role::Follower { contact: true } => Timer::Contact,
            Role::Follower { contact: false }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. }
            // Nothing comes of it.
            | Role::Returning { .. } => Timer::Election,
            Role::Leader { .. } => Timer::Heartbeat,
        }
    }
}

/// One server: what never changes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Which one it is.
    pub id: ServerId,
    /// The cluster that it belongs to.
    pub cluster: Cluster,
    /// How many heartbeats a leader waits for a quorum to answer: as many as fit into a minimum
    /// election timeout, at least one. A matter of timing: servers may differ, and safety does not
    /// depend on it.
    pub patience: Beats,
}

impl Server {
    /// The server comes up, for the first time or after a crash, with the ballot that it `stored`.
    /// (TLA+ `Restart`.)
    pub fn start(&self, stored: Option<Ballot>) -> Step {
        Step {
            // It may have promised contact before it crashed.
            state: self.in_contact_anew(stored.unwrap_or(Ballot::INITIAL)),
            rule: Rule::Started,
            persist: stored.is_none(),
            outgoing: Outgoing::Nothing,
            restart_timer: true,
        }
    }

    /// The one transition of a server.
    pub fn step(&self, before: State, event: Event) -> Step {
        let Decision { state, rule, outgoing } = match event {
            Event::Timeout { .. } | Event::HandOver { .. } | Event::Receive { .. }
                if before.role.is_returning() =>
            {
                Decision::quiet(before, Rule::NotBack)
            }
            Event::Timeout { attempt } => self.timeout(before, attempt),
            Event::HandOver { to } => self.hand_over(before, to),
            Event::TermHeard { from, term } => self.hear_term(before, from, term),
            Event::Receive { from, message } => self.receive(before, from, message),
        };
        Step {
            state,
            rule,
            // Here and nowhere else, so that no handler can forget it.
            persist: state.ballot != before.ballot,
            outgoing,
            // A server of which another timer must run has the wrong one running.
            restart_timer: rule.restarts_timer() || state.timer() != before.timer(),
        }
    }

    /// The timer fires. (TLA+ `Timeout`.)
    fn timeout(&self, before: State, attempt: Attempt) -> Decision {
        match before.role {
            Role::Follower { contact: true } => lose_contact(before),
            Role::Follower { contact: false }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. } => {
                if self.cluster.is_witness(self.id) {
                    Decision::quiet(before, Rule::WitnessWaits)
                } else if self.cluster.protocol().pre_vote() {
                    self.pre_campaign(before, attempt)
                } else {
                    self.campaign(before, false)
                }
            }
            Role::Leader { round, answered, beats } => {
                self.heartbeat(before, round, answered, beats)
            }
            Role::Returning { .. } => Decision::quiet(before, Rule::NotBack),
        }
    }

    /// A new election, in a new term: an election that is still running ends here, and votes for it
    /// will be stale. (§5.2; Figure 2, "Candidates".)
    pub(super) fn campaign(&self, before: State, hand_over: bool) -> Decision {
        let Some(term) = before.ballot.current_term.next() else {
            return Decision::quiet(before, Rule::TermsExhausted);
        };
        let ballot = Ballot::of_term(term).cast(self.id);
        let votes = ServerSet::only(self.id);
        if self.cluster.is_quorum(votes) {
            return self.lead(ballot); // a cluster of one
        }
        let state = State { ballot, role: Role::Candidate { votes } };
        Decision::quiet(state, Rule::Campaigned).broadcast(Message::RequestVote { term, hand_over })
    }

    /// A quorum has granted its vote. The first heartbeat leaves in the same step: until it
    /// arrives, the others do not know that they have a leader, and campaign. (§5.2.)
    fn lead(&self, ballot: Ballot) -> Decision {
        let term = ballot.current_term;
        let role = self.opened(Round::FIRST);
        Decision::quiet(State { ballot, role }, Rule::Elected)
            .broadcast(Message::AppendEntries { term, round: Round::FIRST })
    }

    /// A message arrives. A question that changes nothing is answered as it is asked (`guard.rs`).
    /// What is older than the current term is refused or ignored; what is newer is adopted first
    /// (§5.1; Figure 2, "All Servers"), so that each handler below sees a message of the server's
    /// own term.
    fn receive(&self, before: State, from: ServerId, message: Message) -> Decision {
        if let Some(decision) = self.guarded(before, from, message) {
            return decision;
        }
        let term = message.term();
        let current_term = before.ballot.current_term;
        if term < current_term {
            return refuse_stale(before, from, message);
        }
        let is_newer = current_term < term;
        let state = if is_newer { self.adopt(before, term) } else { before };
        match message {
            Message::RequestVote { .. } => receive_request_vote(state, from),
            Message::AppendEntries { round, .. } => self.receive_append_entries(state, from, round),
            Message::HandOver { .. } => self.receive_hand_over(state),
            // It answers something that this server asked in an older term. (TLA+
            // `ReceiveNewerTerm`.)
            Message::RequestVoteResponse { .. }
            | Message::AppendEntriesResponse { .. }
            | Message::PreVoteResponse { .. }
                if is_newer =>
            {
                Decision::quiet(state, Rule::NewerTermAdopted)
            }
            Message::RequestVoteResponse { vote_granted: true, .. } => self.count_vote(state, from),
            // (A pre-vote itself was answered before.)
            Message::RequestVoteResponse { vote_granted: false, .. }
            | Message::PreVoteResponse { .. }
            | Message::PreVote { .. } => Decision::quiet(state, Rule::RefusalHeard),
            Message::AppendEntriesResponse { round, .. } => self.count_answer(state, from, round),
        }
    }

    /// A term newer than the current one: whatever the server was, it is a follower there that has
    /// not voted yet. (§5.1; Figure 2, "All Servers".) Only time ends its contact.
    fn adopt(&self, before: State, term: Term) -> State {
        let ballot = Ballot::of_term(term);
        match before.role {
            Role::Follower { .. } => State { ballot, ..before },
            Role::PreCandidate { .. } | Role::Candidate { .. } => {
                State { ballot, role: Role::FOLLOWER }
            }
            Role::Leader { .. } => self.in_contact_anew(ballot),
            // (Of messages it takes no notice.)
            Role::Returning { .. } => before,
        }
    }

    /// A vote of the current term. It counts only for a candidate: a leader needs no more, and
    /// nobody else stands. (§5.2. TLA+ `ReceiveRequestVoteResponse` and `BecomeLeader`.)
    fn count_vote(&self, state: State, from: ServerId) -> Decision {
        let Role::Candidate { votes } = state.role else {
            return Decision::quiet(state, Rule::VoteNotCounted);
        };
        let votes = votes.with(from);
        if self.cluster.is_quorum(votes) {
            return self.lead(state.ballot);
        }
        Decision::quiet(State { role: Role::Candidate { votes }, ..state }, Rule::VoteCounted)
    }

    /// A heartbeat of the current term: its sender was elected, so a candidate has lost and
    /// follows. Only the role changes. A candidate that forgot its vote here could vote again in
    /// the same term, and elect a second leader. (§5.2; Figure 2, "Candidates". TLA+
    /// `ReceiveAppendEntries`.)
    fn receive_append_entries(&self, state: State, from: ServerId, round: Round) -> Decision {
        let rule = match state.role {
            Role::Follower { .. } => Rule::HeartbeatAccepted,
            Role::PreCandidate { .. } | Role::Candidate { .. } => Rule::SteppedDown,
            Role::Leader { .. } => return Decision::quiet(state, Rule::RivalIgnored),
            Role::Returning { .. } => return Decision::quiet(state, Rule::NotBack),
        };
        let term = state.ballot.current_term;
        let round = self.cluster.protocol().check_quorum().then_some(round);
        Decision::quiet(self.in_contact_anew(state.ballot), rule)
            .reply(from, Message::AppendEntriesResponse { term, round })
    }
}

/// A message of an older term. Whoever sent a request learns the newer term from the answer, and
/// steps down; a response answers a question that is no longer asked. (§5.1.)
fn refuse_stale(state: State, from: ServerId, message: Message) -> Decision {
    let term = state.ballot.current_term;
    match message {
        Message::RequestVote { .. } => Decision::quiet(state, Rule::StaleRequestRefused)
            .reply(from, Message::RequestVoteResponse { term, vote_granted: false }),
        Message::AppendEntries { .. } => Decision::quiet(state, Rule::StaleRequestRefused)
            .reply(from, Message::AppendEntriesResponse { term, round: None }),
        Message::HandOver { .. } => Decision::quiet(state, Rule::HandOverIgnored),
        Message::RequestVoteResponse { .. }
        | Message::AppendEntriesResponse { .. }
        | Message::PreVoteResponse { .. }
        | Message::PreVote { .. } => Decision::quiet(state, Rule::StaleResponseIgnored),
    }
}

/// A candidate of the current term asks for the vote. First come, first served; and who has the
/// vote is told so as often as it asks, since the answer may have been lost. A candidate and a
/// leader have voted for themselves, so they refuse every rival. (§5.2; Figure 2, "`RequestVote`
/// RPC". TLA+ `ReceiveRequestVote`.)
fn receive_request_vote(state: State, from: ServerId) -> Decision {
    let term = state.ballot.current_term;
    let (vote_granted, role) = match state.ballot.voted_for {
        None => (true, state.role.after_vote()),
        Some(candidate) => (candidate == from, state.role),
    };
    let decision = if vote_granted {
        Decision::quiet(State { ballot: state.ballot.cast(from), role }, Rule::VoteGranted)
    } else {
        Decision::quiet(state, Rule::VoteRefused)
    };
    decision.reply(from, Message::RequestVoteResponse { term, vote_granted })
}
