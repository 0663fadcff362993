//! What comes out of an engine, and in which order. The test is its clock and its disk.

use raft_model::cluster::Protocol;
use raft_model::election::{Role, Timer};
use raft_model::types::{Round, Term};

use super::*;
use crate::session::{Key, Keys, RunId};
use crate::testing::{self, NOW, Rig, server};
use crate::wire::{Origin, TermAnswer, TermQuestion};

const ONE: Term = Term::new(1);
const TWO: Term = Term::new(2);
const REQUEST: Message = Message::RequestVote { term: ONE, hand_over: false };
const VOTE: Message = Message::RequestVoteResponse { term: ONE, vote_granted: true };
const HEARTBEAT: Message = Message::AppendEntries { term: ONE, round: Round::FIRST };

/// S1 of three, which elect as in Figure 2.
fn rig() -> Rig {
    Rig::new(&testing::config_by(3, Protocol::FIGURE2))
}

/// The outputs of an engine until it waits.
fn outputs(engine: &mut Engine) -> Vec<&'static str> {
    std::iter::from_fn(|| engine.poll())
        .map(|output| match output {
            Output::Record { .. } => "record",
            Output::Save(_) => "save",
            Output::Send { .. } => "send",
            Output::Obeyed { .. } => "obeyed",
        })
        .collect()
}

#[test]
fn a_step_is_recorded_then_saved_then_sent() {
    let Rig { mut engine, .. } = rig();
    engine.wake(engine.deadline());
    assert_eq!(outputs(&mut engine), ["record", "save"], "and nothing until it is durable");
    engine.saved(NOW);
    assert_eq!(outputs(&mut engine), ["send", "send", "obeyed"]);
}

#[test]
fn the_timer_starts_again_when_the_save_is_finished() {
    let Rig { mut engine, .. } = rig();
    let due = engine.deadline();
    engine.wake(due);
    outputs(&mut engine);
    assert_eq!(engine.deadline(), due);
    let late = due.after(Duration::from_secs(5));
    engine.saved(late);
    let timeout = engine.deadline().since(late);
    assert!(engine.config().election_timeout().contains(&timeout), "{timeout:?}");
}

#[test]
fn a_step_that_changes_nothing_and_says_nothing_is_not_recorded_and_not_numbered() {
    let mut rig = rig();
    let sequence = rig.engine.next_sequence();
    assert_eq!(sequence, 1, "it has come up");
    rig.hears(2, VOTE); // of a term that it is not in, and then once more
    rig.hears(2, VOTE);
    assert_eq!(rig.engine.next_sequence(), sequence + 1);
}

#[test]
fn what_an_earlier_run_promised_is_kept_and_saved_until_it_is_over() {
    let config = testing::config(3);
    let (promise, own) = (Duration::from_secs(1), *config.election_timeout().start());
    let mut engine = Engine::start(&config, 2, Ballot::INITIAL, promise, NOW);
    outputs(&mut engine);
    assert_eq!(engine.deadline(), NOW.after(promise));
    let two = config.address_of(server(2)).unwrap();
    engine.receive(&testing::datagram(&config, 2, HEARTBEAT), two, NOW).unwrap();
    outputs(&mut engine);
    engine.saved(NOW);
    assert_eq!(engine.deadline(), NOW.after(promise), "no heartbeat shortens it");
    assert_eq!((engine.promise(NOW), engine.promise(NOW.after(promise))), (promise, own));
}

/// Which timer a step starts, if any: election timeouts are far longer than heartbeats.
fn started(rig: &mut Rig, happens: impl FnOnce(&mut Rig)) -> Option<Timer> {
    let before = rig.engine.deadline();
    rig.now = rig.now.after(Duration::from_millis(1));
    happens(rig);
    let time = rig.engine.deadline().since(rig.now);
    if rig.engine.deadline() == before {
        None
    } else if time == rig.engine.config().heartbeat() {
        Some(Timer::Heartbeat)
    } else if time == *rig.engine.config().election_timeout().start() {
        Some(Timer::Contact)
    } else {
        Some(Timer::Election)
    }
}

#[test]
fn a_vote_starts_the_election_timer_again_and_a_refusal_does_not() {
    let mut rig = rig();
    let election = started(&mut rig, |rig| drop(rig.hears(2, REQUEST)));
    assert_eq!(election, Some(Timer::Election));
    assert_eq!(started(&mut rig, |rig| drop(rig.hears(3, REQUEST))), None);
}

#[test]
fn who_is_elected_starts_the_heartbeat_timer_and_again_with_each_heartbeat() {
    let mut rig = rig();
    rig.wakes();
    assert_eq!(started(&mut rig, |rig| drop(rig.hears(2, VOTE))), Some(Timer::Heartbeat));
    assert_eq!(started(&mut rig, |rig| drop(rig.wakes())), Some(Timer::Heartbeat));
    let newer = Message::AppendEntriesResponse { term: TWO, round: None };
    assert_eq!(started(&mut rig, |rig| drop(rig.hears(2, newer))), Some(Timer::Election));
}

#[test]
fn contact_begins_at_the_start_and_with_each_heartbeat_and_lasts_the_shortest_timeout() {
    let mut rig = Rig::new(&testing::config(3));
    let shortest = *rig.engine.config().election_timeout().start();
    assert_eq!(rig.engine.deadline(), NOW.after(shortest));
    assert_eq!(started(&mut rig, |rig| drop(rig.hears(2, HEARTBEAT))), Some(Timer::Contact));
}

#[test]
fn the_end_of_a_batch_is_heard_in_the_state_that_its_beginning_led_to() {
    let mut rig = rig();
    rig.wakes();
    rig.hears(2, VOTE);
    let refusal = Message::RequestVoteResponse { term: ONE, vote_granted: false };
    assert_eq!(rig.hears(2, REQUEST), [(server(2), refusal)]);
    assert_eq!(rig.engine.status().state.role, Role::LEADER);
}

#[test]
fn a_lone_server_leads_once_its_contact_is_over() {
    let mut rig = Rig::new(&testing::config(1));
    rig.wakes();
    assert_eq!(rig.engine.status().state.role, Role::FOLLOWER);
    rig.wakes();
    assert!(rig.engine.status().state.role.is_leader());
    assert_eq!(rig.saved, [rig.engine.status().state.ballot]);
}

#[test]
fn what_is_rejected_is_counted_for_the_server_at_that_address() {
    let Rig { mut engine, .. } = rig();
    let config = engine.config().clone();
    let two = config.address_of(server(2)).unwrap();
    assert_eq!(engine.receive(b"hello", two, NOW), Err(Rejection::Magic));
    let frame = testing::datagram(&config, 3, HEARTBEAT);
    assert_eq!(engine.receive(&frame, two, NOW), Err(Rejection::SenderAddress));
    let stranger = "127.0.0.1:9".parse().unwrap();
    assert_eq!(engine.receive(&frame, stranger, NOW), Err(Rejection::SenderAddress));
    let status = engine.status();
    assert_eq!(status.datagrams.rejected(Rejection::SenderAddress), 2);
    let of = |server| status.datagrams.rejected_from(server).map(|(_, count)| count).sum::<u64>();
    assert_eq!([Some(server(2)), Some(server(3)), None].map(of), [2, 0, 1]);
}

/// S2 leads, then it asks for the term, as who has lost its disk; and with a key it says hello.
#[test]
fn messages_questions_and_greetings_are_counted_as_what_they_are() {
    let mut rig = rig();
    rig.hears(2, HEARTBEAT);
    rig.hears(2, HEARTBEAT);
    let config = rig.engine.config().clone();
    let two = config.address_of(server(2)).unwrap();
    let of_two = testing::config_of(2, 3, Protocol::FIGURE2);
    let question = TermQuestion::encode(&of_two, server(1), 77);
    rig.engine.receive(&question, two, NOW).unwrap();
    let Some(Output::Send { datagram, .. }) = rig.engine.poll() else { panic!("no answer") };
    let answer = TermAnswer::decode(&datagram, &of_two, Origin::Address(config.own_address()));
    assert_eq!(answer, Some(TermAnswer { from: server(1), nonce: 77, term: ONE }));
    let counts = |engine: &Engine| {
        let datagrams = &engine.status().datagrams;
        (datagrams.received, datagrams.greetings)
    };
    assert_eq!(counts(&rig.engine), (3, 0));

    let sealed = |config: &Config, run| {
        Engine::start(config, 1, Ballot::INITIAL, Duration::ZERO, NOW).with_keys(
            &Keys::one(Key::new([1; 32])),
            RunId::of(run),
            NOW,
        )
    };
    let (mut engine, mut other) = (sealed(&config, 100), sealed(&of_two, 200));
    let hello = std::iter::from_fn(|| other.poll()).find_map(|it| match it {
        Output::Send { to, datagram, .. } if to == server(1) => Some(datagram),
        _ => None,
    });
    engine.receive(&hello.unwrap(), two, NOW).unwrap();
    assert_eq!(counts(&engine), (0, 1));
}

#[test]
fn what_became_of_datagrams_is_counted() {
    let Rig { mut engine, .. } = rig();
    assert_eq!([true, true, true, false, false].map(|it| engine.sent(it)), [1, 2, 3, 1, 2]);
    engine.not_received();
    engine.not_received();
    let datagrams = &engine.status().datagrams;
    assert_eq!((datagrams.sent, datagrams.not_sent, datagrams.errors), (3, 2, 2));
}

#[test]
fn what_holds_it_up_for_half_the_shortest_timeout_is_counted() {
    let Rig { mut engine, .. } = rig();
    let half = *engine.config().election_timeout().start() / 2;
    let late = engine.deadline().after(half);
    engine.wake(late);
    outputs(&mut engine);
    engine.saved(late.after(half));
    assert_eq!(engine.status().stalls, crate::status::Stalls::default());
    let more = half + Duration::from_millis(1);
    let late = engine.deadline().after(more);
    engine.wake(late);
    outputs(&mut engine);
    engine.saved(late.after(2 * more));
    let stalls = engine.status().stalls;
    assert_eq!((stalls.late_timers, stalls.slow_saves, stalls.longest), (1, 1, 2 * more));
    let Status { delays, saves, .. } = engine.status();
    assert_eq!(
        [delays, saves].map(|it| (it.count(), it.sum())),
        [(2, half + more), (2, half + 2 * more)]
    );
}

#[test]
fn attempts_of_two_runs_or_steps_differ() {
    let config = testing::config(3);
    let attempt = |boot, sequence| {
        let mut engine = Engine::start(&config, boot, Ballot::INITIAL, Duration::ZERO, NOW);
        engine.sequence = sequence;
        engine.next_attempt().number()
    };
    assert_ne!(attempt(1, 1), attempt(2, 1));
    assert_ne!(attempt(1, 1), attempt(1, 2));
    let many = 1 << 32 | 7;
    assert_eq!(attempt(2, many) >> 32, 2, "whatever the step, it is an attempt of that run");
}

/// S1 of three with both guards, elected, and a round answered by S2.
fn confirmed() -> Rig {
    let mut rig = Rig::new(&testing::config(3));
    rig.is_elected();
    assert_eq!(rig.engine.status().leadership, None, "nobody has answered");
    rig.hears(2, Message::AppendEntriesResponse { term: ONE, round: Some(Round::FIRST) });
    rig
}

#[test]
fn a_lease_is_counted_from_the_opening_of_the_round_however_late_its_answer() {
    let config = testing::config(3);
    let mut rig = Rig::new(&config);
    rig.is_elected();
    let opened = rig.now;
    rig.now = rig.now.after(Duration::from_millis(40));
    rig.hears(2, Message::AppendEntriesResponse { term: ONE, round: Some(Round::FIRST) });
    let lease = config.clock_error().lease(Duration::from_millis(150));
    let until = rig.engine.status().leadership.map(|leadership| leadership.until());
    assert_eq!(until, Some(opened.after(lease)));
}

#[test]
fn a_lease_counts_the_shortest_promise_of_those_that_answered() {
    let mut rig = Rig::new(&testing::config(5));
    let config = rig.engine.config().clone();
    rig.engine.status = Status::new(&config.server(), rig.engine.status.state);
    rig.wakes();
    let [(_, Message::PreVote { attempt, .. }), ..] = rig.wakes()[..] else { panic!() };
    for from in [2, 3] {
        rig.hears(from, Message::PreVoteResponse { term: ONE, vote_granted: true, attempt });
    }
    (2..=3).for_each(|from| drop(rig.hears(from, VOTE)));
    let opened = rig.now;
    for (from, promise) in [(2, 200), (3, 20)] {
        let promise = Duration::from_millis(promise);
        let message = Message::AppendEntriesResponse { term: ONE, round: Some(Round::FIRST) };
        let bytes = testing::datagram(&config, from, message);
        let frame = Frame { promise, ..Frame::decode(&bytes).unwrap() };
        let address = config.address_of(server(from)).unwrap();
        rig.engine.receive(&frame.encode(), address, rig.now).unwrap();
    }
    let until = rig.engine.status().leadership.map(|leadership| leadership.until());
    assert_eq!(until, Some(opened.after(config.clock_error().lease(Duration::from_millis(20)))));
}

#[test]
fn an_answer_promises_the_shortest_timeout_of_its_sender() {
    let mut rig = Rig::new(&testing::config(3));
    rig.hears(2, HEARTBEAT);
    let config = rig.engine.config().clone();
    let address = config.address_of(server(2)).unwrap();
    rig.engine.receive(&testing::datagram(&config, 2, HEARTBEAT), address, NOW).unwrap();
    let promises = std::iter::from_fn(|| rig.engine.poll()).filter_map(|output| match output {
        Output::Send { datagram, .. } => Some(Frame::decode(&datagram).unwrap().promise),
        Output::Record { .. } | Output::Save(_) | Output::Obeyed { .. } => None,
    });
    assert_eq!(promises.collect::<Vec<_>>(), [*config.election_timeout().start()]);
}

#[test]
fn a_lease_that_is_not_renewed_is_over_and_the_engine_wakes_for_it() {
    let mut rig = confirmed();
    let until = rig.engine.status().leadership.unwrap().until();
    assert!(rig.engine.deadline() <= until);
    (0..100).find(|_| {
        rig.wakes();
        rig.now >= until
    });
    assert_eq!((rig.now, rig.engine.status().leadership), (until, None));
}

#[test]
fn who_is_deposed_hands_out_nothing_more() {
    let mut rig = confirmed();
    assert!(rig.engine.status().leadership.is_some());
    rig.hears(3, Message::AppendEntriesResponse { term: TWO, round: None });
    assert_eq!(rig.engine.status().leadership, None);
}

#[test]
fn a_term_that_is_not_durable_is_not_handed_out() {
    let mut rig = Rig::new(&testing::config(1));
    rig.wakes();
    rig.now = rig.engine.deadline();
    rig.engine.wake(rig.now);
    assert!(rig.engine.status().state.role.is_leader());
    assert_eq!(rig.engine.status().leadership, None);
    outputs(&mut rig.engine);
    rig.engine.saved(rig.now);
    assert!(rig.engine.status().leadership.is_some());
}

#[test]
fn without_check_quorum_there_is_no_lease() {
    let mut rig = Rig::new(&testing::config_by(3, Protocol::PRE_VOTE));
    rig.is_elected();
    rig.hears(2, Message::AppendEntriesResponse { term: ONE, round: None });
    assert_eq!(rig.engine.status().leadership, None);
}

#[test]
fn a_leader_that_gives_up_waits_until_what_it_handed_out_is_over() {
    let mut rig = confirmed();
    rig.engine.give_up(None, rig.now).unwrap();
    assert_eq!(rig.engine.status().leadership, None);
    assert!(rig.engine.is_leaving());
    let over = rig.now.after(Duration::from_millis(7));
    rig.engine.released(over);
    assert_eq!(rig.engine.deadline(), over);
    assert_eq!(rig.wakes(), [(server(2), Message::HandOver { term: ONE })]);
    assert_eq!(rig.engine.status().state.role, Role::Follower { contact: true });
    assert!(!rig.engine.is_leaving());
}

#[test]
fn who_is_deposed_meanwhile_hands_over_no_more() {
    let mut rig = confirmed();
    rig.engine.give_up(None, rig.now).unwrap();
    rig.engine.released(rig.now);
    rig.hears(3, Message::AppendEntriesResponse { term: TWO, round: None });
    assert!(!rig.engine.is_leaving());
    let handed_over = |said: Vec<(ServerId, Message)>| {
        said.iter().any(|(_, message)| matches!(message, Message::HandOver { .. }))
    };
    assert!((0..5).all(|_| !handed_over(rig.wakes())));
}

#[test]
fn the_follower_that_answered_last_shall_lead() {
    let mut rig = Rig::new(&testing::config(3));
    assert_eq!(rig.engine.check_successor(None), Ok(server(2)), "nobody has answered");
    rig.is_elected();
    for from in [2, 3] {
        let round = Some(Round::FIRST);
        rig.hears(from, Message::AppendEntriesResponse { term: ONE, round });
        assert_eq!(rig.engine.check_successor(None), Ok(server(from)));
    }
    rig.hears(2, VOTE);
    assert_eq!(rig.engine.check_successor(None), Ok(server(3)), "that answers no heartbeat");
}

#[test]
fn who_cannot_take_over_is_refused_with_the_reason() {
    let mut follower = Rig::new(&testing::config(3));
    let refused = follower.engine.give_up(None, NOW);
    assert_eq!(refused, Err(HandOverError::NotLeading { leader: None }));
    for number in [1, 4] {
        let server = server(number);
        let refused = follower.engine.give_up(Some(server), NOW);
        assert_eq!(refused, Err(HandOverError::CannotLead { server }));
    }
    let mut lone = Rig::new(&testing::config(1));
    assert_eq!(lone.engine.give_up(None, NOW), Err(HandOverError::NobodyElse));
    let mut bare = Rig::new(&testing::config_by(3, Protocol::PRE_VOTE));
    assert_eq!(bare.engine.give_up(None, NOW), Err(HandOverError::NoCheckQuorum));
}
