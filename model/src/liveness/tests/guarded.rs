//! What is assumed and judged of servers behind guards.

use super::{explored, verdicts};
use crate::action::Trigger;
use crate::cluster::{Cluster, Protocol};
use crate::election::{Ballot, Event, Role, State};
use crate::liveness::assumptions::{ASSUMPTIONS, Assumption, Assumptions};
use crate::liveness::class::{Class, Kind};
use crate::liveness::graph::Note;
use crate::message::Message;
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};
use crate::world::links::Links;

/// Behind guards a window is wider for calm phases than for what comes before, since whoever is in
/// contact lets others go ahead; and one more thing is assumed.
#[test]
fn behind_guards_each_assumption_is_needed_but_that_heartbeats_hold() {
    let cluster = Cluster::with(2, Protocol::GUARDED).unwrap();
    let hostile = explored::<4>(cluster, 2);
    for (assumption, weak) in [
        (Assumption::MessagesFirst, ["holds", "6+4", "6+4"]),
        // A leader's last heartbeat arrives again as soon as somebody has lost contact.
        (Assumption::HeartbeatsHold, ["holds"; 3]),
        (Assumption::RestartsEnd, ["holds", "0+4", "0+4"]),
        (Assumption::RepeatsEnd, ["holds", "11+3", "11+3"]),
        (Assumption::MajorityLives, ["0+0", "2+1", "2+1"]),
        (Assumption::TimersFire, ["holds", "0+0", "0+0"]),
        (Assumption::MessagesArrive, ["holds", "3+0", "3+0"]),
    ] {
        let without = Assumptions::ALL.without(assumption, cluster);
        assert_eq!(verdicts(&hostile, without), weak, "{assumption:?}");
    }
}

/// By check-quorum alone two servers can depose each other for ever, if their timers fire so.
#[test]
fn check_quorum_alone_is_not_live() {
    let hostile = explored::<4>(Cluster::with(2, Protocol::CHECK_QUORUM).unwrap(), 2);
    assert_eq!(verdicts(&hostile, Assumptions::ALL), ["holds", "8+3", "8+3"]);
}

#[test]
fn only_behind_guards_repeats_have_to_end() {
    for assumption in ASSUMPTIONS {
        assert!(assumption.is_of(Protocol::GUARDED), "{assumption:?}");
        let is_needed = assumption != Assumption::RepeatsEnd;
        assert_eq!(assumption.is_of(Protocol::FIGURE2), is_needed, "{assumption:?}");
    }
}

/// What is said of pre-votes, and of heartbeats, to a server in term 2.
#[test]
fn messages_of_guards_are_of_these_classes() {
    let [from, to] = [1, 2].map(|number| ServerId::new(number).unwrap());
    let ballot = Ballot { current_term: Term::new(2), voted_for: None };
    let before = State { ballot, role: Role::FOLLOWER };
    let (attempt, round) = (Attempt::FIRST, Some(Round::FIRST));
    let term = Term::new;
    for (message, kind) in [
        (Message::PreVote { term: term(1), attempt }, Kind::StaleRequest),
        (Message::PreVote { term: term(2), attempt }, Kind::PreVote),
        (Message::PreVote { term: term(3), attempt }, Kind::PreVote),
        (
            Message::PreVoteResponse { term: term(3), vote_granted: true, attempt },
            Kind::PreVoteGranted,
        ),
        (Message::HandOver { term: term(2) }, Kind::HandOver),
        (Message::AppendEntriesResponse { term: term(2), round }, Kind::Answer),
        (Message::AppendEntriesResponse { term: term(2), round: None }, Kind::Vote),
        (Message::RequestVote { term: term(1), hand_over: false }, Kind::StaleRequest),
    ] {
        let trigger = Trigger::Event(Event::Receive { from, message });
        let class = Class::of(to, &before, trigger);
        assert_eq!(class, Class::Link { kind, from, to }, "{message:?}");
    }
}

/// A leader's heartbeats wait for messages only while it waits for answers.
#[test]
fn a_leader_that_waits_for_answers_sends_no_heartbeat_before_messages_arrive() {
    let leader = ServerId::FIRST;
    let cluster = Cluster::with(2, Protocol::GUARDED).unwrap();
    let hasty = Assumptions::ALL.without(Assumption::MessagesFirst, cluster);
    for (assumptions, is_busy, waits, may) in [
        (Assumptions::ALL, true, true, false),
        (Assumptions::ALL, true, false, true),
        (Assumptions::ALL, false, true, true),
        (hasty, true, true, true),
    ] {
        let await_answers = if waits { ServerSet::only(leader) } else { ServerSet::EMPTY };
        let note = Note { is_busy, await_answers, ..Note::default() };
        assert_eq!(assumptions.allow(note, Class::HeartbeatTimer(leader)), may, "{note:?}");
    }
}

#[test]
fn only_by_check_quorum_a_leader_waits_for_answers() {
    let leader = ServerId::FIRST;
    let waits = |protocol, answered| {
        let cluster = Cluster::with(3, protocol).unwrap();
        let role = Role::Leader { round: Round::FIRST, answered, beats: Beats::ZERO };
        let state = |id| State {
            ballot: Ballot { current_term: Term::new(1), voted_for: None },
            role: if id == leader { role } else { Role::FOLLOWER },
        };
        Note::of(cluster, Links::ALL, state).await_answers == ServerSet::only(leader)
    };
    let all: ServerSet = Cluster::new(3).unwrap().servers().collect();
    assert!(waits(Protocol::CHECK_QUORUM, ServerSet::only(leader)));
    assert!(!waits(Protocol::CHECK_QUORUM, all));
    assert!(!waits(Protocol::FIGURE2, ServerSet::EMPTY));
}
