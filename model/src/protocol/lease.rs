//! What leadership rests on, with check-quorum: rounds, the lease that they give, and hand-over
//! (Ongaro, "Consensus: Bridging Theory and Practice", §6.2, §6.4 and §3.10).
//!
//! **Rounds.** The heartbeats of a leader carry a round, and their answers return it. A round is
//! repeated until a quorum has answered it; the next one opens with the next heartbeat. A leader
//! whose round is not answered within its patience leaves office, and is silent.
//!
//! **The lease.** Whoever answers a round is in contact for one minimum election timeout from then
//! on, and helps nobody to office. So when a quorum has answered a round, nobody else is elected
//! until one such time after that round was *opened*, however late the answers came. The
//! specification reads no clock: it says which step opens a round ([`Step::opens_round`]) and which
//! one has it answered by a quorum ([`Server::confirms_round`]). The caller notes the time before
//! it sends, and counts from there.
//!
//! **Hand-over.** A leader that gives up does so for good: it can be elected again only in a later
//! term. All that was handed out of its lease is over by then, which its caller answers for. So
//! whoever it asks may be elected although the others are in contact, and its request says so. A
//! witness is not asked, and takes over from nobody.

use super::election::{Role, Rule, Server, State, Step};
use super::message::Message;
use super::step::Decision;
use super::types::{Beats, Round, ServerId, ServerSet};

impl Step {
    /// Whether it opens a round: a lease is counted from the moment before this step sends.
    pub const fn opens_round(&self) -> bool {
        matches!(self.rule, Rule::Elected | Rule::RoundOpened)
    }
}

impl Server {
    /// Whether this step of the server has its open round answered by a quorum. In a cluster of one
    /// the leader's own answer is enough.
    pub fn confirms_round(&self, step: &Step) -> bool {
        match step.state.role {
            Role::Leader { answered, .. } if self.cluster.protocol().check_quorum() => {
                (step.opens_round() || matches!(step.rule, Rule::RoundAnswered))
                    && self.cluster.is_quorum(answered)
            }
            Role::Leader { .. }
            | Role::Follower { .. }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. }
            | Role::Returning { .. } => false,
        }
    }

    /// A leader that has just opened this round, and answered it itself.
    pub(super) fn opened(&self, round: Round) -> Role {
        if self.cluster.protocol().check_quorum() {
            Role::Leader { round, answered: ServerSet::only(self.id), beats: Beats::ZERO }
        } else {
            Role::LEADER
        }
    }

    /// The heartbeat timer fires. An answered round is followed by the next, another one is
    /// repeated, for as long as the server is patient.
    pub(super) fn heartbeat(
        &self,
        before: State,
        round: Round,
        answered: ServerSet,
        beats: Beats,
    ) -> Decision {
        let term = before.ballot.current_term;
        if !self.cluster.protocol().check_quorum() {
            return Decision::quiet(before, Rule::HeartbeatSent)
                .broadcast(Message::AppendEntries { term, round });
        }
        if self.cluster.is_quorum(answered) {
            let round = round.next();
            return Decision::quiet(
                State { role: self.opened(round), ..before },
                Rule::RoundOpened,
            )
            .broadcast(Message::AppendEntries { term, round });
        }
        let beats = beats.next();
        if beats == self.patience {
            return Decision::quiet(self.in_contact_anew(before.ballot), Rule::QuorumLost);
        }
        let role = Role::Leader { round, answered, beats };
        Decision::quiet(State { role, ..before }, Rule::HeartbeatSent)
            .broadcast(Message::AppendEntries { term, round })
    }

    /// The answer to a heartbeat of this term. It counts for the round that it answers, if that is
    /// open: one to an older round promises less. (TLA+ `ReceiveAppendEntriesResponse`.)
    pub(super) fn count_answer(
        &self,
        state: State,
        from: ServerId,
        answers: Option<Round>,
    ) -> Decision {
        match (state.role, answers) {
            (Role::Leader { round, answered, beats }, Some(answers)) if round == answers => {
                let answered = answered.with(from);
                let role = Role::Leader { round, answered, beats };
                let rule = if self.cluster.is_quorum(answered) {
                    Rule::RoundAnswered
                } else {
                    Rule::AnswerCounted
                };
                Decision::quiet(State { role, ..state }, rule)
            }
            _ => Decision::quiet(state, Rule::HeartbeatAnswered),
        }
    }

    /// The leader gives up, before anybody is asked to take over. In the last term nobody could,
    /// and a witness never. (TLA+ `HandOver`.)
    pub(super) fn hand_over(&self, before: State, to: ServerId) -> Decision {
        let term = before.ballot.current_term;
        let is_possible = term.next().is_some() && !self.cluster.is_witness(to);
        if !before.role.is_leader() || !is_possible {
            return Decision::quiet(before, Rule::HandOverIgnored);
        }
        Decision::quiet(self.in_contact_anew(before.ballot), Rule::HandedOver)
            .order(to, Message::HandOver { term })
    }

    /// The leader of this term has given up, and asks this server to take over: it campaigns at
    /// once, in contact or not. A leader of this term would be another one. (TLA+
    /// `ReceiveHandOver`.)
    pub(super) fn receive_hand_over(&self, state: State) -> Decision {
        if state.role.is_leader() {
            return Decision::quiet(state, Rule::RivalIgnored);
        }
        if self.cluster.is_witness(self.id) {
            return Decision::quiet(state, Rule::HandOverIgnored);
        }
        self.campaign(state, true)
    }
}
