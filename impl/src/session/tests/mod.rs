//! Servers that speak to each other in sessions, and somebody between them who records and forges.

use std::net::SocketAddr;
use std::time::Duration;

mod attacks;

use raft_model::types::ServerId;

use super::*;
use crate::clock::Moment;
use crate::config::{Config, Settings};
use crate::testing::{NOW, server};
use crate::wire::Rejection;

const ATTACKER: &str = "127.0.0.9:666";

fn settings(id: u8) -> Settings {
    let address = |number: u8| SocketAddr::from(([127, 0, 0, 1], 7000 + u16::from(number)));
    Settings::new("test", id, (1..=3).map(|number| (number, address(number))).collect())
}

/// A server of the cluster, with its sessions.
struct Side {
    config: Config,
    sessions: Sessions,
    address: SocketAddr,
}

impl Side {
    fn new(id: u8, run: u128) -> Self {
        Self::with(settings(id), &Keys::one(Key::new([1; 32])), run)
    }

    fn with(settings: Settings, keys: &Keys, run: u128) -> Self {
        let config = Config::new(settings).unwrap();
        let sessions = Sessions::new(&config, keys, RunId::of(run), NOW);
        Self { address: config.own_address(), config, sessions }
    }

    fn has_session(&self, with: ServerId) -> bool {
        self.sessions.authentication().has_session(with) == Some(true)
    }

    fn says(&mut self, to: u8, frame: &[u8], now: Moment) -> Vec<Datagram> {
        self.sessions.send(server(to), frame.to_vec(), &self.config, now);
        self.sessions.outbox().collect()
    }

    fn seals_hello(&mut self, to: u8) -> Vec<u8> {
        self.sessions.greet(&self.config, NOW.after(Duration::from_secs(1)));
        let hello = self.sessions.outbox().find(|it| it.to == server(to)).unwrap();
        hello.bytes
    }

    /// What it says to data for another server, which it can seal.
    fn seals(&mut self, to: u8, frame: &[u8]) -> Vec<u8> {
        let [datagram] = self.says(to, frame, NOW).try_into().unwrap();
        datagram.bytes
    }

    fn hears(&mut self, bytes: &[u8], from: SocketAddr, now: Moment) -> Result<Opened, Rejection> {
        self.sessions.receive(bytes, from, &self.config, now)
    }

    /// What it believes of this, if it says nothing to it.
    fn opens(&mut self, bytes: &[u8], from: SocketAddr) -> Result<Opened, Rejection> {
        let opened = self.hears(bytes, from, NOW);
        assert_eq!(self.sessions.outbox().count(), 0, "it says something");
        opened
    }
}

fn frame(from: u8, text: &[u8]) -> Result<Opened, Rejection> {
    Ok(Opened::Frame(server(from), text.to_vec()))
}

/// Brings what both have to say to the other, until nobody has. Everything that was under way.
fn exchange(one: &mut Side, two: &mut Side, first: Vec<Datagram>, now: Moment) -> Vec<Datagram> {
    let (mut under_way, mut all) = (first, Vec::new());
    while !under_way.is_empty() {
        assert!(all.len() < 20, "they never end: {all:?}");
        let mut next = Vec::new();
        for datagram in under_way {
            let to_two = datagram.to == two.config.server().id;
            let (from, to) = if to_two { (&*one, &mut *two) } else { (&*two, &mut *one) };
            let source = from.address;
            if datagram.address == to.address {
                let _ = to.hears(&datagram.bytes, source, now);
            }
            next.extend(to.sessions.outbox());
            all.push(datagram);
        }
        under_way = next;
    }
    all
}

/// Two servers that know each other.
fn pair() -> (Side, Side) {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    greet(&mut one, &mut two, NOW);
    (one, two)
}

fn greet(one: &mut Side, two: &mut Side, now: Moment) -> Vec<Datagram> {
    one.sessions.greet(&one.config, now);
    let (one_id, two_id) = (one.config.server().id, two.config.server().id);
    let first = one.sessions.outbox().filter(|it| it.to == two_id).collect();
    let all = exchange(one, two, first, now);
    assert!(one.has_session(two_id) && two.has_session(one_id));
    all
}

fn attacker() -> SocketAddr {
    ATTACKER.parse().unwrap()
}

fn tampered(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn two_servers_know_each_other_after_four_short_datagrams() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    let greetings = greet(&mut one, &mut two, NOW);
    assert_eq!(greetings.iter().map(|it| it.bytes.len()).collect::<Vec<_>>(), [64; 4]);
    let sealed = one.seals(2, b"I lead");
    assert_eq!(two.opens(&sealed, one.address), frame(1, b"I lead"));
    assert!(!sealed.windows(6).any(|part| part == b"I lead"));
    let sealed = two.seals(1, b"I follow");
    assert_eq!(one.opens(&sealed, two.address), frame(2, b"I follow"));
}

#[test]
fn two_that_come_up_together_ask_each_other_once() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    for side in [&mut one, &mut two] {
        side.sessions.greet(&side.config, NOW);
    }
    let between = |it: &Datagram| [1, 2].map(server).contains(&it.to);
    let mut both: Vec<_> = one.sessions.outbox().filter(between).collect();
    both.extend(two.sessions.outbox().filter(between));
    let all = exchange(&mut one, &mut two, both, NOW);
    assert_eq!(all.len(), 4);
    assert!(one.has_session(server(2)) && two.has_session(server(1)));
}

#[test]
fn what_is_said_first_waits_for_the_answer() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    let first = one.says(2, b"older", NOW);
    assert_eq!(first.len(), 1);
    assert_eq!(one.says(2, b"vote for me", NOW), []);
    let all = exchange(&mut one, &mut two, first, NOW);
    let sealed = &all.last().unwrap().bytes;
    assert_eq!(sealed.len(), 32 + b"vote for me".len() + 16);
    assert_eq!(two.hears(sealed, one.address, NOW), Err(Rejection::Replayed), "it has come");
}

#[test]
fn what_has_waited_too_long_is_not_said_any_more() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    let hello = one.says(2, b"vote for me", NOW);
    let all = exchange(&mut one, &mut two, hello, NOW.after(Duration::from_secs(1)));
    assert!(all.iter().all(|it| it.bytes.len() == 64), "{all:?}");
}

#[test]
fn each_datagram_is_believed_once() {
    let (mut one, mut two) = pair();
    let [a, b] = [b"a", b"b"].map(|it| one.seals(2, it));
    assert_eq!(two.opens(&b, one.address), frame(1, b"b"));
    assert_eq!(two.opens(&a, one.address), frame(1, b"a"), "it was overtaken");
    for old in [&a, &b] {
        assert_eq!(two.opens(old, one.address), Err(Rejection::Replayed));
        assert_eq!(two.opens(old, attacker()), Err(Rejection::Replayed));
    }
}

#[test]
fn a_server_is_spoken_to_where_it_last_spoke_from_and_where_it_should_be() {
    let (mut one, mut two) = pair();
    let (home, elsewhere) = (one.address, "127.0.0.7:7001".parse().unwrap());
    let sealed = one.seals(2, b"I moved");
    two.opens(&tampered(&sealed, 40), elsewhere).unwrap_err();
    two.opens(&sealed, elsewhere).unwrap();
    let to: Vec<_> = two.says(1, b"there", NOW).into_iter().map(|it| it.address).collect();
    assert_eq!(to, [home, elsewhere]);
    // Who only repeats what was said does not move anybody.
    let sealed = one.seals(2, b"home again");
    two.opens(&sealed, home).unwrap();
    two.opens(&sealed, attacker()).unwrap_err();
    assert_eq!(two.says(1, b"there", NOW).len(), 1);
}

#[test]
fn a_server_that_started_anew_is_asked_once_at_each_place_where_it_may_be() {
    let home = Side::new(1, 100).address;
    let [elsewhere, third] = ["127.0.0.7:7001", "127.0.0.8:7001"].map(|it| it.parse().unwrap());
    for (asks_from, asked_at) in [
        (home, vec![home, elsewhere]),
        (elsewhere, vec![home, elsewhere]),
        (third, vec![home, elsewhere, third]),
    ] {
        let (mut one, mut two) = pair();
        let sealed = one.seals(2, b"I moved");
        two.opens(&sealed, elsewhere).unwrap();
        let hello = Side::new(1, 101).seals_hello(2);
        two.hears(&hello, asks_from, NOW.after(Duration::from_secs(10))).unwrap();
        let mut said: Vec<_> = two.sessions.outbox().map(|it| it.address).collect();
        assert_eq!(said.pop(), Some(asks_from), "the answer");
        assert_eq!(said, asked_at, "asked from {asks_from}");
    }
}

#[test]
fn a_key_is_replaced_while_they_go_on() {
    let (mut one, mut two) = pair();
    let [old, new] = [1, 2].map(|number| Key::new([number; 32]));
    let both = |a: &Key, b: &Key| Keys::two(a.clone(), b.clone()).unwrap();
    let held_back = one.seals(2, b"by the old key");
    for keys in [both(&old, &new), both(&new, &old), Keys::one(new.clone())] {
        for turn in 0..2 {
            let side = if turn == 0 { &mut one } else { &mut two };
            side.sessions.set_keys(&keys);
            let sealed = one.seals(2, b"still here");
            assert_eq!(two.opens(&sealed, one.address), frame(1, b"still here"));
            assert_eq!(two.opens(&sealed, one.address), Err(Rejection::Replayed));
            let sealed = two.seals(1, b"and I");
            assert_eq!(one.opens(&sealed, two.address), frame(2, b"and I"));
        }
    }
    assert_eq!(two.opens(&held_back, one.address), Err(Rejection::OtherKey));
}

#[test]
fn who_has_no_key_gets_none() {
    let keys = Keys::one(Key::new([1; 32]));
    let (mut plain, mut sealed) = (Voice::PLAIN, Voice::Sealed(Side::new(1, 100).sessions));
    assert!(!plain.set_keys(&keys));
    assert!(sealed.set_keys(&keys));
    assert_eq!(plain.authentication(), None);
    assert_eq!(sealed.authentication().unwrap().keys().count(), 1);
}

/// Two datagrams with one nonce give away what authenticates them.
#[test]
fn no_number_is_used_twice_in_a_run_whatever_becomes_of_keys_and_peers() {
    let (mut one, mut two) = pair();
    let number = |sealed: &[u8]| u64::from_be_bytes(sealed[24..32].try_into().unwrap());
    let mut last = 0;
    let mut later = NOW;
    for round in 0..20_u8 {
        match round % 4 {
            0 => one.sessions.set_keys(&Keys::one(Key::new([1; 32]))),
            1 => {
                later = later.after(Duration::from_secs(10));
                two = Side::new(2, 300 + u128::from(round));
                greet(&mut two, &mut one, later);
            }
            2 => {
                later = later.after(Duration::from_secs(10));
                greet(&mut one, &mut two, later);
            }
            _ => {}
        }
        for _ in 0..3 {
            let now = number(&one.seals(2, b"I lead"));
            assert!(now > last, "{now} after {last}");
            last = now;
        }
    }
}

/// What was agreed on once is agreed on for ever: these bytes are read by every later version. They
/// were made by another program, after the RFCs.
#[test]
fn datagrams_of_version_4_are_what_they_always_were() {
    let (mut one, mut two) = (Side::new(1, 100), Side::new(2, 200));
    let greetings = greet(&mut one, &mut two, NOW);
    let sealed = one.seals(2, b"I lead");
    let said = greetings.iter().map(|it| &it.bytes).chain([&sealed]);
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|it| format!("{it:02x}")).collect::<String>();
    let golden = include_str!("../golden/version4.txt");
    assert_eq!(said.map(hex).collect::<Vec<_>>(), golden.lines().collect::<Vec<_>>());
}
