//! The guards that keep a healthy leader in office: contact, and pre-vote (Ongaro, "Consensus:
//! Bridging Theory and Practice", §4.2.3 and §9.6).
//!
//! **Contact**, with check-quorum. A server that has heard its leader, or has just started, or has
//! just left office, is *in contact*: it promises to help nobody to office for one minimum election
//! timeout. So a server that returns from a cut, with whatever term, disturbs nobody whose leader
//! is there. It begins anew with every heartbeat of the current leader; and only time ends it. A
//! newer term that comes from a response moves the term, and the contact runs on. Who restarts may
//! have promised, who leaves office has answered its own rounds: both are in contact. A leader is,
//! as long as it leads.
//!
//! **Pre-vote.** Before it campaigns, a server asks whether it would be elected. Nothing is written
//! and no term moves for it. A yes is said exactly if a vote would be given at that moment. A no
//! tells the term of whoever says it: that alone lets a server come back that lags behind.

use super::election::{Ballot, Role, Rule, Server, State};
use super::message::Message;
use super::step::Decision;
use super::types::{Attempt, ServerId, ServerSet, Term};

impl Role {
    /// What a server is that has given its vote: who only asked whether it would be elected has
    /// found somebody to vote for.
    pub(super) const fn after_vote(self) -> Self {
        match self {
            Self::PreCandidate { .. } => Self::FOLLOWER,
            Self::Follower { .. }
            | Self::Candidate { .. }
            | Self::Leader { .. }
            | Self::Returning { .. } => self,
        }
    }
}

/// A minimum election timeout has passed since the server was last in contact.
pub(super) const fn lose_contact(before: State) -> Decision {
    Decision::quiet(State { role: Role::FOLLOWER, ..before }, Rule::ContactLost)
}

impl Server {
    /// A follower that is in contact from now on, if there is contact in this cluster. Whoever
    /// becomes one starts its timer again.
    pub(super) fn in_contact_anew(&self, ballot: Ballot) -> State {
        let contact = self.cluster.protocol().check_quorum();
        State { ballot, role: Role::Follower { contact } }
    }

    fn is_in_contact(&self, role: Role) -> bool {
        match role {
            Role::Follower { contact } => contact,
            Role::PreCandidate { .. } | Role::Candidate { .. } | Role::Returning { .. } => false,
            Role::Leader { .. } => self.cluster.protocol().check_quorum(),
        }
    }

    /// What is decided before a term is adopted: whether to vote at all, and all about pre-votes.
    pub(super) fn guarded(
        &self,
        before: State,
        from: ServerId,
        message: Message,
    ) -> Option<Decision> {
        match message {
            Message::RequestVote { hand_over: false, .. } if self.is_in_contact(before.role) => {
                let term = before.ballot.current_term;
                let refusal = Message::RequestVoteResponse { term, vote_granted: false };
                Some(Decision::quiet(before, Rule::ContactKept).reply(from, refusal))
            }
            Message::PreVote { term, attempt } => {
                Some(self.answer_pre_vote(before, from, term, attempt))
            }
            Message::PreVoteResponse { term, vote_granted: true, attempt } => {
                Some(self.count_pre_vote(before, from, term, attempt))
            }
            Message::RequestVote { .. }
            | Message::RequestVoteResponse { .. }
            | Message::AppendEntries { .. }
            | Message::AppendEntriesResponse { .. }
            | Message::PreVoteResponse { vote_granted: false, .. }
            | Message::HandOver { .. } => None,
        }
    }

    /// Would it be elected in the next term? Its ballot stays as it is. A cluster of one need not
    /// ask.
    pub(super) fn pre_campaign(&self, before: State, attempt: Attempt) -> Decision {
        let Some(term) = before.ballot.current_term.next() else {
            return Decision::quiet(before, Rule::TermsExhausted);
        };
        let votes = ServerSet::only(self.id);
        if self.cluster.is_quorum(votes) {
            return self.campaign(before, false);
        }
        let state = State { role: Role::PreCandidate { attempt, votes }, ..before };
        Decision::quiet(state, Rule::PreCampaigned).broadcast(Message::PreVote { term, attempt })
    }

    /// Somebody asks whether it would be elected in this term. (TLA+ `ReceivePreVote`.)
    fn answer_pre_vote(
        &self,
        before: State,
        from: ServerId,
        term: Term,
        attempt: Attempt,
    ) -> Decision {
        let Ballot { current_term, voted_for } = before.ballot;
        let is_free = match voted_for {
            None => true,
            Some(candidate) => candidate == from,
        };
        let would_vote = current_term < term || (current_term == term && is_free);
        let vote_granted = would_vote && !self.is_in_contact(before.role);
        let (rule, term) = if vote_granted {
            (Rule::PreVoteGranted, term)
        } else {
            (Rule::PreVoteRefused, current_term)
        };
        Decision::quiet(before, rule)
            .reply(from, Message::PreVoteResponse { term, vote_granted, attempt })
    }

    /// Somebody would have voted for this server. It counts for the attempt that it answers, in the
    /// term after which it was asked; a quorum starts the campaign in the same step. (TLA+
    /// `ReceivePreVoteResponse`.)
    fn count_pre_vote(
        &self,
        before: State,
        from: ServerId,
        term: Term,
        attempt: Attempt,
    ) -> Decision {
        match before.role {
            Role::PreCandidate { attempt: asked, votes }
                if asked == attempt && before.ballot.current_term.next() == Some(term) =>
            {
                let votes = votes.with(from);
                if self.cluster.is_quorum(votes) {
                    return self.campaign(before, false);
                }
                let role = Role::PreCandidate { attempt, votes };
                Decision::quiet(State { role, ..before }, Rule::PreVoteCounted)
            }
            Role::PreCandidate { .. }
            | Role::Follower { .. }
            | Role::Candidate { .. }
            | Role::Leader { .. }
            | Role::Returning { .. } => Decision::quiet(before, Rule::PreVoteNotCounted),
        }
    }
}
