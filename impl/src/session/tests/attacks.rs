//! Somebody between the servers records, forges, repeats and floods.

use raft_model::message::Message;
use raft_model::types::Term;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// No bit of it can be changed, and what was forged uses up no number.
#[test]
fn a_datagram_that_was_changed_anywhere_is_refused() {
    let (mut one, mut two) = pair();
    let sealed = one.seals(2, b"I lead");
    for at in 0..sealed.len() {
        let _ = two.hears(&tampered(&sealed, at), one.address, NOW).unwrap_err();
        two.sessions.outbox().for_each(drop);
    }
    for length in 0..sealed.len() {
        let _ = two.hears(&sealed[..length], one.address, NOW).unwrap_err();
    }
    assert_eq!(two.opens(&sealed, one.address), frame(1, b"I lead"));
    let far = {
        let mut far = one.seals(2, b"later");
        far[24..32].copy_from_slice(&u64::MAX.to_be_bytes());
        far
    };
    assert_eq!(two.opens(&far, one.address), Err(Rejection::Unauthenticated));
    let next = one.seals(2, b"next");
    assert_eq!(two.opens(&next, one.address), frame(1, b"next"), "the window has not moved");
}

#[test]
fn nothing_comes_back_to_its_sender_or_reaches_another_server() {
    let (mut one, mut two) = pair();
    let mut three = Side::new(3, 300);
    greet(&mut one, &mut three, NOW.after(Duration::from_secs(1)));
    let sealed = one.seals(2, b"I lead");
    let [to_one, to_three] = [two.seals(1, b"x"), one.seals(3, b"x")];
    for (side, true_one) in [(&mut one, to_one), (&mut three, to_three)] {
        assert_eq!(side.opens(&sealed, two.address), Err(Rejection::OtherReceiver));
        // Nor under the header of a datagram that does belong there.
        let forged = [&true_one[..24], &sealed[24..]].concat();
        assert_eq!(side.opens(&forged, two.address), Err(Rejection::Unauthenticated));
    }
}

/// All that has to be the same on all servers is part of what seals.
#[test]
fn clusters_with_one_key_do_not_understand_each_other() {
    let (mut one, _) = pair();
    let sealed = one.seals(2, b"I lead");
    let hello = {
        one.sessions.greet(&one.config, NOW.after(Duration::from_secs(1)));
        one.sessions.outbox().next().unwrap().bytes
    };
    let other_name = Settings { cluster: "other".into(), ..settings(2) };
    let other_guards = Settings { protocol: crate::Protocol::FIGURE2, ..settings(2) };
    let other_witness = Settings { witnesses: vec![3], ..settings(2) };
    let mut other_size = settings(2);
    other_size.servers.pop();
    for settings in [other_name, other_guards, other_witness, other_size] {
        let mut two = Side::with(settings, &Keys::one(Key::new([1; 32])), 200);
        let own = two.seals_hello(1);
        let reasons = [Rejection::OtherSession, Rejection::Unauthenticated];
        for (bytes, reason) in [&sealed, &hello].into_iter().zip(reasons) {
            assert_eq!(two.opens(bytes, one.address), Err(Rejection::OtherCluster));
            // Nor if it claims to be of this cluster.
            let claims = [&bytes[..8], &own[8..12], &bytes[12..]].concat();
            assert_eq!(two.hears(&claims, one.address, NOW), Err(reason));
            two.sessions.outbox().for_each(drop);
        }
    }
}

#[test]
fn another_key_is_told_from_a_forgery() {
    let (mut one, _) = pair();
    let sealed = one.seals(2, b"I lead");
    let mut two = Side::with(settings(2), &Keys::one(Key::new([2; 32])), 200);
    assert_eq!(two.opens(&sealed, one.address), Err(Rejection::OtherKey));
    let (mut one, mut two) = pair();
    let hello = one.seals_hello(2);
    let forged = tampered(&hello, 63);
    assert_eq!(two.opens(&forged, one.address), Err(Rejection::Unauthenticated));
}

#[test]
fn a_plain_frame_is_refused_where_there_is_a_key() {
    let (one, mut two) = pair();
    let config = Config::new(settings(2)).unwrap();
    let message = Message::HandOver { term: Term::new(1) };
    let plain = crate::testing::datagram(&config, 1, message);
    assert_eq!(two.opens(&plain, one.address), Err(Rejection::Unauthenticated));
}

/// Whatever was said before one side came up again is refused after it, from wherever it comes.
#[test]
fn nothing_from_before_a_restart_of_either_side_is_believed() {
    let (mut one, mut two) = pair();
    let received = one.seals(2, b"has arrived");
    two.opens(&received, one.address).unwrap();
    let old = [received, one.seals(2, b"was held back")];
    let later = NOW.after(Duration::from_secs(10));

    let mut one_again = Side::new(1, 101);
    greet(&mut one_again, &mut two, later);
    for old in &old {
        assert_eq!(two.hears(old, one.address, later), Err(Rejection::OtherSession));
    }
    two.sessions.outbox().for_each(drop);

    let mut two_again = Side::new(2, 201);
    for old in &old {
        assert_eq!(two_again.hears(old, one.address, later), Err(Rejection::OtherSession));
    }
    two_again.sessions.outbox().for_each(drop);
    greet(&mut one_again, &mut two_again, later.after(Duration::from_secs(10)));
    for old in &old {
        let error = two_again.hears(old, one.address, later).unwrap_err();
        assert_eq!(error, Rejection::OtherSession);
    }
}

/// Data of a server that was started again is the reason to ask it, and then it is understood.
#[test]
fn a_server_that_comes_back_is_asked_since_what_it_hears_is_of_another_run() {
    let (mut one, _) = pair();
    let mut two = Side::new(2, 201);
    let heartbeat = one.says(2, b"I lead", NOW);
    let later = NOW.after(Duration::from_secs(1));
    assert_eq!(two.hears(&heartbeat[0].bytes, one.address, later), Err(Rejection::OtherSession));
    let hello = two.sessions.outbox().collect();
    exchange(&mut two, &mut one, hello, later);
    let sealed = one.seals(2, b"I lead");
    assert_eq!(two.opens(&sealed, one.address), frame(1, b"I lead"));
}

/// A hello says only that somebody asked, at some time.
#[test]
fn a_recorded_hello_changes_no_session() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    let greetings = greet(&mut one, &mut two, NOW);
    let mut one_again = Side::new(1, 101);
    let later = NOW.after(Duration::from_secs(10));
    greet(&mut one_again, &mut two, later);
    for old in greetings.iter().filter(|it| it.to == server(2)) {
        let _ = two.hears(&old.bytes, one.address, later.after(Duration::from_secs(1)));
    }
    two.sessions.outbox().for_each(drop);
    let sealed = one_again.seals(2, b"still I");
    assert_eq!(two.opens(&sealed, one.address), frame(1, b"still I"));
}

#[test]
fn an_answer_counts_once_and_only_to_what_was_asked_just_now() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    let hello = one.seals_hello(2);
    two.hears(&hello, one.address, NOW).unwrap();
    let answer = two.sessions.outbox().next_back().unwrap().bytes;
    let late = NOW.after(Duration::from_secs(6));
    assert_eq!(one.hears(&answer, two.address, late), Err(Rejection::Unasked));
    let forged = tampered(&answer, 40); // another run
    assert_eq!(one.hears(&forged, two.address, NOW), Err(Rejection::Unauthenticated));
    one.hears(&answer, two.address, NOW).unwrap();
    assert_eq!(one.hears(&answer, two.address, NOW), Err(Rejection::Unasked));
}

/// Asked again, the same run keeps what it has seen.
#[test]
fn saying_hello_again_forgets_nothing() {
    let (mut one, mut two) = pair();
    let sealed = one.seals(2, b"I lead");
    two.opens(&sealed, one.address).unwrap();
    let later = NOW.after(Duration::from_secs(10));
    greet(&mut two, &mut one, later);
    assert_eq!(two.hears(&sealed, one.address, later), Err(Rejection::Replayed));
}

#[test]
fn a_flood_of_hellos_is_answered_a_few_times_and_from_home_as_before() {
    let (mut one, mut two) = pair();
    let hello = one.seals_hello(2);
    let mut refused = 0;
    for _ in 0..1000 {
        refused += usize::from(two.hears(&hello, attacker(), NOW) == Err(Rejection::Throttled));
    }
    assert_eq!((refused, two.sessions.outbox().count()), (1000 - 16, 16));
    assert_eq!(two.hears(&hello, one.address, NOW), Ok(Opened::Greeting));
    assert_eq!(two.sessions.outbox().count(), 1);
}

#[test]
fn a_flood_of_unknown_sessions_is_one_hello() {
    let (mut one, _) = pair();
    let mut two = Side::new(2, 201);
    let sealed = one.seals(2, b"I lead");
    for n in 0..1000 {
        let mut other = sealed.clone();
        other[16..24].copy_from_slice(&u64::to_be_bytes(n));
        assert_eq!(two.hears(&other, one.address, NOW), Err(Rejection::OtherSession));
    }
    assert_eq!(two.sessions.outbox().count(), 1);
}

/// Random bytes, and random bytes after the beginning of a true datagram.
#[test]
fn whatever_arrives_is_refused_and_nothing_panics() {
    let mut random = StdRng::seed_from_u64(1);
    let (mut one, mut two) = pair();
    let true_ones = [one.seals(2, b"I lead"), one.seals_hello(2)];
    for _ in 0..100_000 {
        let begin = &true_ones[random.random_range(0..2)];
        let begin = &begin[..random.random_range(0..begin.len() - 1)];
        let rest: Vec<u8> = (0..random.random_range(1..120)).map(|_| random.random()).collect();
        let _ = two.hears(&[begin, &rest].concat(), one.address, NOW).unwrap_err();
        two.sessions.outbox().for_each(drop);
    }
    assert_eq!(two.opens(&true_ones[0], one.address), frame(1, b"I lead"));
}
