//! What a server knows after which steps, and how that is shown.

use raft_model::cluster::Protocol;
use raft_model::election::Ballot;
use raft_model::types::{Attempt, Beats, Round, ServerSet};

use super::*;
use crate::session::{Key, Keys};
use crate::testing::{Rig, SENT_IN, config_by, server};
use crate::wire::Rejection;

const NOW: Moment = Moment::after_start(Duration::from_secs(60));
const ONE: Term = Term::new(1);
const TWO: Term = Term::new(2);
const VOTE: Message = Message::RequestVoteResponse { term: ONE, vote_granted: true };

/// S1 of three, which takes these steps one after the other.
struct Story(Status);

impl Story {
    fn begin() -> Self {
        let state = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
        Self(Status::new(&Self::server(Protocol::FIGURE2), state))
    }

    fn takes(self, cause: Cause) -> Self {
        self.takes_by(Protocol::FIGURE2, cause)
    }

    fn takes_by(self, protocol: Protocol, cause: Cause) -> Self {
        Self(self.0.after(cause, &cause.step_of(&Self::server(protocol)), NOW))
    }

    fn server(protocol: Protocol) -> Server {
        let cluster = Cluster::with(3, protocol).unwrap();
        Server { id: server(1), cluster, patience: Beats::ZERO.next() }
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
    let gone = elected.takes_by(Protocol::CHECK_QUORUM, Cause::HandOver { before, to: server(2) });
    assert_eq!((gone.leader(), gone.0.term()), (None, ONE));
}

#[test]
fn who_stands_for_election_follows_nobody_though_the_term_has_a_leader() {
    let heartbeat = Message::AppendEntries { term: ONE, round: Round::FIRST };
    let mut rig = Rig::new(&config_by(3, Protocol::GUARDED));
    rig.hears(3, heartbeat);
    assert_eq!(rig.engine.status().follows(), Some(server(3)));
    while matches!(rig.engine.status().state.role, Role::Follower { .. }) {
        rig.wakes();
    }
    let status = rig.engine.status();
    assert_eq!((status.leader, status.follows()), (Some(server(3)), None));
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
    let follows = elected.times_out().hears(3, heartbeat).hears(3, heartbeat);
    let elections = follows.hears(3, heartbeat).0.elections;
    assert_eq!((elections.campaigns, elections.won), (1, 1));
    let last: Vec<_> = elections.last().map(|it| (it.term, it.leader)).collect();
    assert_eq!(last, [(TWO, server(3)), (ONE, server(1))]);
}

#[test]
fn it_knows_which_keys_it_accepts_and_with_whom_it_has_a_session() {
    let [seals, opens] = [1, 2].map(|number| {
        let keys = Keys::one(Key::new([number; 32]));
        keys.ids().next().unwrap()
    });
    let with = ServerSet::only(server(2));
    let replaced = Authentication::Key { seals, opens: Some(opens), with };
    assert!(replaced.keys().eq([seals, opens]));
    assert!(Authentication::Key { seals, opens: None, with }.keys().eq([seals]));
    assert_eq!([2, 3].map(|id| replaced.has_session(server(id))), [Some(true), Some(false)]);
    for without in [Authentication::Loopback, Authentication::Insecure] {
        assert_eq!((without.keys().count(), without.has_session(server(2))), (0, None));
    }
}

/// Steps may be late, by so many; runs may not.
#[test]
fn it_counts_messages_of_an_earlier_run_and_of_long_before() {
    let mut peer = Peer::default();
    let mut went_back = |boot, sequence| {
        peer.is_counted(StepId { boot, sequence });
        peer.went_back
    };
    assert_eq!([went_back(2, 9 + LATE), went_back(2, 9)], [0, 0]);
    assert_eq!([went_back(2, 8), went_back(1, 9 + LATE), went_back(2, 10 + LATE)], [1, 2, 2]);
    assert_eq!([went_back(3, 1), went_back(2, 11 + LATE), went_back(3, 2)], [2, 3, 3]);
}

#[test]
fn it_knows_whether_it_has_promised_and_for_how_long_it_leads() {
    let Story(mut status) = Story::begin();
    for contact in [false, true] {
        status.state.role = Role::Follower { contact };
        assert_eq!(status.is_in_contact(), contact);
    }
    assert_eq!(status.lease_left(), Duration::ZERO);
    let until = Moment::now().after(Duration::from_secs(3600));
    status.leadership = Some(Leadership::new(ONE, until));
    assert!(status.lease_left() > Duration::ZERO);
}

#[test]
fn it_knows_when_it_heard_whom_and_how_many_answered() {
    let Story(status) = Story::begin()
        .times_out()
        .hears(2, VOTE)
        .hears(3, Message::AppendEntriesResponse { term: ONE, round: None });
    let (last_heard, last_answered) = (Some(NOW), Some(NOW));
    let latest = Some(SENT_IN);
    let heard = Peer { last_heard, answered: 1, last_answered, latest, ..Peer::default() };
    assert_eq!(*status.peer(server(2)), heard);
    let three = status.peer(server(3));
    assert_eq!((three.last_heard, three.answered), (Some(NOW), 1));
    assert_eq!((three.round_trip, three.round_trips.count()), (Some(Duration::ZERO), 1));
    assert_eq!(*status.peer(server(1)), Peer::default());
}

/// The round trips to S3 of a leader whose heartbeats leave every 50 ms, when these answers come so
/// many milliseconds after it was elected: how many there were, and the last one.
fn round_trips(protocol: Protocol, answers: &[(u64, u8, Option<Round>)]) -> (u64, Option<u128>) {
    let mut rig = Rig::new(&config_by(3, protocol));
    rig.is_elected();
    let (elected, term) = (rig.now, rig.engine.status().term());
    for &(ms, from, round) in answers {
        let arrives = elected.after(Duration::from_millis(ms));
        while rig.engine.deadline() < arrives {
            rig.wakes();
        }
        rig.now = arrives;
        rig.hears(from, Message::AppendEntriesResponse { term, round });
    }
    let peer = rig.engine.status().peer(server(3));
    (peer.round_trips.count(), peer.round_trip.map(|it| it.as_millis()))
}

#[test]
fn a_round_trip_is_as_long_as_it_was_also_if_the_next_round_is_open() {
    let [first, second] = [Round::FIRST, Round::FIRST.next()].map(Some);
    let timed = |answers: &[_]| round_trips(Protocol::CHECK_QUORUM, answers);
    assert_eq!(timed(&[(1, 2, first), (80, 3, first)]), (1, Some(80)));
    assert_eq!(timed(&[(1, 2, first), (80, 3, first), (90, 3, second)]), (2, Some(40)));
    assert_eq!(timed(&[(80, 3, first), (90, 3, first)]), (1, Some(80)), "it was sent twice");
    assert_eq!(timed(&[(80, 3, None)]), (0, None), "a refusal");
}

#[test]
fn without_rounds_each_heartbeat_is_timed_by_its_answer() {
    let timed = |answers: &[_]| round_trips(Protocol::FIGURE2, answers);
    assert_eq!(timed(&[(1, 3, None), (53, 3, None)]), (2, Some(3)));
}

/// S1, which leads, has heard S2 a while ago, and has seen much.
fn seen_much() -> Status {
    let Story(mut status) = Story::begin()
        .times_out()
        .hears(2, VOTE)
        .hears(2, Message::AppendEntriesResponse { term: ONE, round: None });
    status.leadership = Some(Leadership::new(ONE, NOW.after(Duration::from_millis(140))));
    status.datagrams.sent = 7;
    (0..3).for_each(|_| status.datagrams.reject(Rejection::SenderAddress, Some(server(3))));
    status.stalls =
        Stalls { late_timers: 1, slow_saves: 2, longest: Duration::from_micros(81_500) };
    status
}

#[test]
fn its_report_has_these_names_and_units() {
    let report = Report::new(&seen_much(), NOW.after(Duration::from_millis(8)));
    let json = serde_json::to_value(&report).unwrap();
    let expected = serde_json::json!({
        "server": 1,
        "servers": 3,
        "protocol": "figure2",
        "witnesses": [],
        "role": "leader",
        "term": "1",
        "voted_for": 1,
        "leader": 1,
        "in_contact": false,
        "leadership": { "fencing_token": "1", "left_us": 132_000 },
        "peers": [
            { "server": 2, "heard_us_ago": 8000, "round_trip_us": 0, "answered": 2, "rejected": 0, "went_back": 0, "session": null },
            { "server": 3, "heard_us_ago": null, "round_trip_us": null, "answered": 0, "rejected": 3, "went_back": 0, "session": null },
        ],
        "authentication": "loopback",
        "keys": [],
        "datagrams": {
            "sent": 7, "not_sent": 0, "received": 0, "greetings": 0, "errors": 0,
            "rejected": { "sender_address": 3 },
        },
        "elections": {
            "campaigns": 1, "won": 1,
            "last": [{ "term": "1", "leader": 1, "known_us_ago": 8000 }],
        },
        "stalls": { "late_timers": 1, "slow_saves": 2, "longest_us": 81_500 },
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report, "and is read back");
}

#[test]
fn a_report_says_nothing_of_a_leadership_that_is_over() {
    let over = Report::new(&seen_much(), NOW.after(Duration::from_millis(140)));
    assert_eq!((over.leadership, over.is_leader()), (None, true));
    assert!(!Report::new(&Story::begin().0, NOW).is_leader());
}

#[test]
fn a_term_that_javascript_would_round_is_not_rounded() {
    let mut report = Report::new(&seen_much(), NOW);
    report.term = Term::new(u64::MAX);
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains(r#""term":"18446744073709551615""#), "{json}");
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn it_is_shown_to_people_like_this() {
    let shown = Report::new(&seen_much(), NOW.after(Duration::from_millis(8))).to_string();
    let expected = "\
S1 leads in term 1.
Leadership    valid for 132 ms, fencing token 1
Vote          for S1
Cluster       3 servers, figure2

peer  heard           round trip      answered    rejected
S2    8.0 ms ago      0 us                   2           0
S3    never           -                      0           3

Elections     campaigned: 1, won: 1
              S1 in term 1, 8.0 ms ago
Datagrams     7 sent, 0 received
              not authenticated: loopback
              3 rejected: sender_address
Held up       late timers: 1, slow saves: 2
              for 81 ms at most
";
    assert_eq!(shown, expected);
}

#[test]
fn who_leads_is_shown_first() {
    let first = |status: &Status| status.to_string().lines().next().unwrap().to_owned();
    let Story(mut status) = Story::begin();
    assert_eq!(first(&status), "S1 is a follower in term 0; it knows no leader.");
    status.leader = Some(server(1));
    assert_eq!(first(&status), "S1 is a follower in term 0; S1 leads.", "it was deposed");
    assert_eq!(first(&seen_much()), "S1 leads in term 1.");
    let other = Status { leader: Some(server(2)), ..seen_much() };
    assert_eq!(first(&other), "S1 is a leader in term 1; S2 leads.");
}

#[test]
fn what_has_not_happened_is_not_shown() {
    let mut report = Report::new(&Story::begin().0, NOW);
    let has = |report: &Report, words: &str| report.to_string().contains(words);
    let all = ["came after a later one", "errors instead", "Held up"];
    assert_eq!(all.map(|words| has(&report, words)), [false; 3]);
    (report.peers[1].went_back, report.datagrams.errors) = (3, 2);
    report.stalls.late_timers = 1;
    let all =
        ["S3    3 messages of an earlier run came", "0 not sent, 2 errors", "timers: 1, slow"];
    assert_eq!(all.map(|words| has(&report, words)), [true; 3], "{report}");
}

#[test]
fn however_much_it_has_seen_80_columns_are_enough() {
    let mut report = Report::new(&seen_much(), NOW);
    let (most, long) = (Term::new(u64::MAX), 1 << 53);
    (report.term, report.role, report.leader) = (most, "pre-candidate".into(), Some(server(7)));
    report.leadership = Some(report::Lease { fencing_token: most, left_us: long });
    report.witnesses = [2, 3, 4, 5, 6, 7].map(server).into();
    report.protocol = Protocol::CHECK_QUORUM.name().into();
    for peer in &mut report.peers {
        (peer.heard_us_ago, peer.round_trip_us) = (Some(long), Some(long));
        (peer.answered, peer.rejected) = (long, long);
    }
    report.elections.last[0].term = most;
    report.datagrams.rejected = [("sender_address".to_owned(), u64::MAX)].into();
    (report.datagrams.sent, report.datagrams.received) = (long, long);
    report.stalls = report::Stalls { late_timers: long, slow_saves: long, longest_us: long };
    let shown = report.to_string();
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}
