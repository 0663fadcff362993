//! What a server knows, as one value. Whoever shows it (the log, the demonstration, a program that
//! asks) reads it here: nobody works out a second time who leads.

use raft_model::election::{Role, Rule, State, Step};
use raft_model::trace::Cause;
use raft_model::types::{ServerId, Term};

/// What a server knows after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The server.
    pub server: ServerId,
    /// Its term, its vote and its role.
    pub state: State,
    /// Who leads its term, as far as it has heard. A leader that was deposed names itself until it
    /// hears of a later term.
    pub leader: Option<ServerId>,
}

impl Status {
    /// A server in this state that has heard of nobody.
    pub const fn new(server: ServerId, state: State) -> Self {
        Self { server, state, leader: None }
    }

    /// What it knows after one more step, which had this cause.
    #[must_use]
    pub fn after(self, cause: Cause, step: &Step) -> Self {
        let is_same_term = step.state.ballot.current_term == self.term();
        let leader = match (step.rule, cause) {
            (_, Cause::Start { .. }) => None,
            (Rule::HeartbeatAccepted | Rule::SteppedDown, Cause::Receive { from, .. }) => {
                Some(from)
            }
            _ if step.state.role.is_leader() => Some(self.server),
            // A term has one leader at most: who was heard of stands until the term is over, or
            // this server itself has left office.
            _ => self.leader.filter(|&leader| is_same_term && leader != self.server),
        };
        Self { state: step.state, leader, ..self }
    }

    /// Whether it knows something else than before. How a leader fares with its round does not
    /// count: that changes with every heartbeat.
    pub fn is_news_after(self, before: Self) -> bool {
        let without_round = |status: Self| match status.state.role {
            Role::Leader { .. } => {
                Self { state: State { role: Role::LEADER, ..status.state }, ..status }
            }
            Role::Follower { .. } | Role::PreCandidate { .. } | Role::Candidate { .. } => status,
        };
        without_round(self) != without_round(before)
    }

    /// The latest term that it has seen.
    pub const fn term(&self) -> Term {
        self.state.ballot.current_term
    }

    /// Who has its vote in this term.
    pub const fn voted_for(&self) -> Option<ServerId> {
        self.state.ballot.voted_for
    }
}

#[cfg(test)]
mod tests {
    use raft_model::cluster::{Cluster, Protocol};
    use raft_model::election::{Ballot, Server};
    use raft_model::message::Message;
    use raft_model::types::{Attempt, Beats, Round, ServerSet};

    use super::*;
    use crate::testing::{SENT_IN, server};

    const ONE: Term = Term::new(1);
    const TWO: Term = Term::new(2);
    const VOTE: Message = Message::RequestVoteResponse { term: ONE, vote_granted: true };

    /// S1 of three, which takes these steps one after the other.
    struct Story(Status);

    impl Story {
        fn begin() -> Self {
            let state = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
            Self(Status::new(server(1), state))
        }

        fn takes(self, cause: Cause) -> Self {
            self.takes_by(Protocol::FIGURE2, cause)
        }

        fn takes_by(self, protocol: Protocol, cause: Cause) -> Self {
            let cluster = Cluster::with(3, protocol).unwrap();
            let id = Server { id: server(1), cluster, patience: Beats::ZERO.next() };
            Self(self.0.after(cause, &cause.step_of(&id)))
        }

        fn times_out(self) -> Self {
            let before = self.0.state;
            self.takes(Cause::Timeout { before, attempt: Attempt::FIRST })
        }

        fn hears(self, from: u8, message: Message) -> Self {
            let (before, from, sent_in) = (self.0.state, server(from), SENT_IN);
            self.takes(Cause::Receive { before, from, message, sent_in })
        }

        fn leader(&self) -> Option<u8> {
            self.0.leader.map(ServerId::number)
        }
    }

    #[test]
    fn it_knows_its_term_its_role_and_its_vote() {
        let Story(status) =
            Story::begin().hears(2, Message::RequestVote { term: ONE, hand_over: false });
        let known = (status.term(), status.voted_for(), status.state.role);
        assert_eq!(known, (ONE, Some(server(2)), Role::FOLLOWER));
    }

    #[test]
    fn a_candidate_is_not_yet_a_leader() {
        assert_eq!(Story::begin().times_out().leader(), None);
    }

    #[test]
    fn who_is_elected_leads() {
        let elected = Story::begin().times_out().hears(2, VOTE);
        assert_eq!(elected.leader(), Some(1));
        assert_eq!(elected.times_out().leader(), Some(1), "and with its next heartbeat, still");
    }

    #[test]
    fn who_is_followed_leads() {
        let heartbeat = Message::AppendEntries { term: ONE, round: Round::FIRST };
        assert_eq!(Story::begin().hears(3, heartbeat).leader(), Some(3));
        assert_eq!(Story::begin().times_out().hears(3, heartbeat).leader(), Some(3));
    }

    #[test]
    fn a_message_of_the_same_term_changes_no_leader() {
        let follows =
            Story::begin().hears(3, Message::AppendEntries { term: ONE, round: Round::FIRST });
        assert_eq!(
            follows.hears(2, Message::RequestVote { term: ONE, hand_over: false }).leader(),
            Some(3)
        );
    }

    #[test]
    fn nobody_leads_a_new_term() {
        let follows =
            || Story::begin().hears(3, Message::AppendEntries { term: ONE, round: Round::FIRST });
        assert_eq!(follows().times_out().leader(), None);
        assert_eq!(
            follows().hears(2, Message::RequestVote { term: TWO, hand_over: false }).leader(),
            None
        );
        let deposed = Story::begin().times_out().hears(2, VOTE);
        assert_eq!(
            deposed.hears(3, Message::RequestVote { term: TWO, hand_over: false }).leader(),
            None
        );
    }

    #[test]
    fn who_has_handed_over_leads_no_more() {
        let elected = Story::begin().times_out().hears(2, VOTE);
        let before = elected.0.state;
        let gone =
            elected.takes_by(Protocol::CHECK_QUORUM, Cause::HandOver { before, to: server(2) });
        assert_eq!((gone.leader(), gone.0.term()), (None, ONE));
    }

    #[test]
    fn what_changes_with_every_heartbeat_is_no_news() {
        let elected = Story::begin().times_out().hears(2, VOTE).0;
        let role = Role::Leader {
            round: Round::FIRST.next(),
            answered: ServerSet::only(server(2)),
            beats: Beats::ZERO.next(),
        };
        let later = Status { state: State { role, ..elected.state }, ..elected };
        assert!(!later.is_news_after(elected));
        assert!(later.is_news_after(Story::begin().0));
        assert!(later.is_news_after(Status { leader: None, ..elected }));
    }

    #[test]
    fn a_server_that_comes_back_has_heard_of_nobody() {
        let follows =
            Story::begin().hears(3, Message::AppendEntries { term: ONE, round: Round::FIRST });
        let stored = follows.0.state.ballot;
        assert_eq!(follows.takes(Cause::Start { stored }).leader(), None);
    }
}
