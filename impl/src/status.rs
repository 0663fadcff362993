//! What a server knows, as one value. Whoever shows it (the log, the demonstration, a program that
//! asks) reads it here: nobody works out a second time who leads.

use std::time::Duration;

use raft_model::cluster::Cluster;
use raft_model::election::{Outgoing, Role, Rule, State, Step};
use raft_model::message::Message;
use raft_model::trace::Cause;
use raft_model::types::{ServerId, Term};

use crate::clock::Moment;
use crate::counters::Counters;
use crate::leadership::Leadership;
use crate::wire::Rejection;

/// How many elections are remembered.
const ELECTIONS: usize = 8;

/// What a server knows after a step: a fold over its steps, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The server.
    pub server: ServerId,
    /// Its term, its vote and its role.
    pub state: State,
    /// Who leads its term, as far as it has heard. A leader that was deposed names itself until it
    /// hears of a later term.
    pub leader: Option<ServerId>,
    /// What became of datagrams.
    pub datagrams: Counters,
    /// What it did to be elected.
    pub elections: Elections,
    /// What held it up.
    pub stalls: Stalls,
    pub(crate) leadership: Option<Leadership>,
    peers: [Peer; Cluster::MAX_SIZE as usize], // by `ServerId::index`
    beat: Moment,                              // when its last heartbeat left
}

/// What a server knows of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// When a message of it arrived last; `None` if none has.
    pub last_heard: Option<Moment>,
    /// From the last heartbeat before an answer to that answer; `None` if this server has not led.
    pub round_trip: Option<Duration>,
    /// How many answers of it have arrived.
    pub answered: u64,
    /// How many datagrams from its address were rejected.
    pub rejected: u64,
}

/// Elections that a server took part in, and those that it knows of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elections {
    /// How often it campaigned.
    pub campaigns: u64,
    /// How often it was elected.
    pub won: u64,
    last: [Option<Election>; ELECTIONS],
}

impl Elections {
    /// The last leaders that it knows of, the latest first.
    pub fn last(&self) -> impl Iterator<Item = Election> + '_ {
        self.last.iter().flatten().copied()
    }
}

/// A leader, and when a server came to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Election {
    /// The term.
    pub term: Term,
    /// Who leads it.
    pub leader: ServerId,
    /// When this server was elected, or heard of the other one.
    pub known: Moment,
}

/// What held a server up for longer than half the shortest election timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// How often a timer fired that late: the machine, or the process, did not get on.
    pub late_timers: u64,
    /// How often a ballot took that long to reach the disk.
    pub slow_saves: u64,
    /// The longest of all.
    pub longest: Duration,
}

impl Status {
    /// A server in this state that has heard of nobody.
    pub fn new(server: ServerId, state: State) -> Self {
        Self {
            server,
            state,
            leader: None,
            datagrams: Counters::default(),
            elections: Elections::default(),
            stalls: Stalls::default(),
            leadership: None,
            peers: [Peer::default(); _],
            beat: Moment::default(),
        }
    }

    /// What it knows after one more step, which had this cause.
    #[must_use]
    pub fn after(mut self, cause: Cause, step: &Step, now: Moment) -> Self {
        let before = self;
        let is_same_term = step.state.ballot.current_term == self.term();
        self.state = step.state;
        self.leader = match (step.rule, cause) {
            (_, Cause::Start { .. }) => None,
            (Rule::HeartbeatAccepted | Rule::SteppedDown, Cause::Receive { from, .. }) => {
                Some(from)
            }
            _ if step.state.role.is_leader() => Some(self.server),
            // A term has one leader at most: who was heard of stands until the term is over, or
            // this server itself has left office.
            _ => self.leader.filter(|&leader| is_same_term && leader != self.server),
        };
        if let Cause::Receive { from, message, .. } = cause {
            self.hear(from, message, now);
        }
        if let Outgoing::Broadcast { message: Message::AppendEntries { .. } } = step.outgoing {
            self.beat = now;
        }
        self.elections.campaigns += u64::from(step.rule == Rule::Campaigned);
        self.elections.won += u64::from(step.rule == Rule::Elected);
        if let Some(leader) = self.leader
            && (before.leader, before.term()) != (self.leader, self.term())
        {
            let term = self.term();
            self.elections.last.rotate_right(1);
            self.elections.last[0] = Some(Election { term, leader, known: now });
        }
        self
    }

    fn hear(&mut self, from: ServerId, message: Message, now: Moment) {
        let peer = &mut self.peers[from.index()];
        peer.last_heard = Some(now);
        match message {
            Message::AppendEntriesResponse { .. } => {
                peer.answered += 1;
                peer.round_trip = Some(now.since(self.beat));
            }
            Message::RequestVoteResponse { .. } | Message::PreVoteResponse { .. } => {
                peer.answered += 1;
            }
            Message::RequestVote { .. }
            | Message::AppendEntries { .. }
            | Message::PreVote { .. }
            | Message::HandOver { .. } => {}
        }
    }

    /// What it knows after a datagram was rejected that came from the address of that server.
    pub(crate) fn reject(&mut self, reason: Rejection, from: Option<ServerId>) {
        self.datagrams.reject(reason);
        if let Some(from) = from {
            self.peers[from.index()].rejected += 1;
        }
    }

    /// Whether it knows something else than before. How a leader fares with its round does not
    /// count, and neither does how long its lease is: that changes with every heartbeat.
    pub fn is_news_after(&self, before: &Self) -> bool {
        let news = |status: &Self| {
            let Self { state, leader, leadership, .. } = *status;
            let role = if state.role.is_leader() { Role::LEADER } else { state.role };
            (State { role, ..state }, leader, leadership.is_some())
        };
        news(self) != news(before)
    }

    /// The latest term that it has seen.
    pub const fn term(&self) -> Term {
        self.state.ballot.current_term
    }

    /// Who has its vote in this term.
    pub const fn voted_for(&self) -> Option<ServerId> {
        self.state.ballot.voted_for
    }

    /// Whether it has promised to help nobody to office, and the time is not over. Of a leader that
    /// is not said: as long as it leads, it helps nobody either.
    pub const fn is_in_contact(&self) -> bool {
        matches!(self.state.role, Role::Follower { contact: true })
    }

    /// How long what it may hand out is valid; zero if it may hand out nothing. The clock is read
    /// in this call.
    pub fn lease_left(&self) -> Duration {
        self.leadership.map_or(Duration::ZERO, |leadership| leadership.remaining())
    }

    /// What it knows of another server; of itself, nothing.
    pub fn peer(&self, server: ServerId) -> &Peer {
        &self.peers[server.index()]
    }
}

#[cfg(test)]
mod tests {
    use raft_model::cluster::Protocol;
    use raft_model::election::{Ballot, Server};
    use raft_model::types::{Attempt, Beats, Round, ServerSet};

    use super::*;
    use crate::testing::{SENT_IN, server};

    const NOW: Moment = Moment::after_start(Duration::from_secs(60));
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
            Self(self.0.after(cause, &cause.step_of(&id), NOW))
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
        assert!(!later.is_news_after(&elected));
        assert!(later.is_news_after(&Story::begin().0));
        assert!(later.is_news_after(&Status { leader: None, ..elected }));
    }

    #[test]
    fn a_server_that_comes_back_has_heard_of_nobody() {
        let follows =
            Story::begin().hears(3, Message::AppendEntries { term: ONE, round: Round::FIRST });
        let stored = follows.0.state.ballot;
        assert_eq!(follows.takes(Cause::Start { stored }).leader(), None);
    }

    #[test]
    fn it_remembers_the_last_leaders_and_what_it_did_to_lead() {
        let elected = Story::begin().times_out().hears(2, VOTE);
        let heartbeat = Message::AppendEntries { term: TWO, round: Round::FIRST };
        let elections = elected.times_out().hears(3, heartbeat).hears(3, heartbeat).0.elections;
        assert_eq!((elections.campaigns, elections.won), (1, 1));
        let last: Vec<_> = elections.last().map(|it| (it.term, it.leader)).collect();
        assert_eq!(last, [(TWO, server(3)), (ONE, server(1))]);
    }

    #[test]
    fn it_knows_when_it_heard_whom_and_how_many_answered() {
        let Story(status) = Story::begin()
            .times_out()
            .hears(2, VOTE)
            .hears(3, Message::AppendEntriesResponse { term: ONE, round: None });
        let heard = Peer { last_heard: Some(NOW), answered: 1, ..Peer::default() };
        assert_eq!(*status.peer(server(2)), heard);
        assert_eq!(*status.peer(server(3)), Peer { round_trip: Some(Duration::ZERO), ..heard });
        assert_eq!(*status.peer(server(1)), Peer::default());
    }
}
