//! Datagrams that no server has sent, or not now: they change neither the leader nor the term. The
//! cluster talks through a relay, so that a datagram can come from the very address of a server.

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::time::Duration;

use raft_model::cluster::Protocol;
use raft_model::message::Message;
use raft_model::trace::StepId;
use raft_model::types::{Attempt, Round, ServerId, Term};
use raft_node::config::ClusterName;
use raft_node::wire::{Frame, Rejection};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use support::cluster::{Cluster, Leadership, NAME, Step, Timing};
use support::relay::Relay;

/// A term that nobody reaches: who believed a frame of it would go there.
pub(crate) const FAR: Term = Term::new(1_000_000);

pub(crate) fn id(number: usize) -> ServerId {
    ServerId::new(u8::try_from(number).unwrap()).unwrap()
}

/// What server `from` would send to server `to`.
pub(crate) fn frame(from: usize, to: usize, message: Message) -> Frame {
    let (cluster, sent_in) = (ClusterName::new(NAME).unwrap(), StepId { boot: 1, sequence: 1 });
    let guards = Protocol::GUARDED.bits();
    let (servers, witnesses, promise) = (3, 0, Duration::from_millis(150));
    let (from, to) = (id(from), id(to));
    Frame { cluster, servers, guards, witnesses, from, to, message, promise, sent_in }
}

/// Every message of that term.
pub(crate) fn messages(term: Term) -> [Message; 11] {
    let (round, attempt) = (Round::FIRST, Attempt::FIRST);
    [
        Message::RequestVote { term, hand_over: false },
        Message::RequestVote { term, hand_over: true },
        Message::RequestVoteResponse { term, vote_granted: true },
        Message::RequestVoteResponse { term, vote_granted: false },
        Message::AppendEntries { term, round },
        Message::AppendEntriesResponse { term, round: None },
        Message::AppendEntriesResponse { term, round: Some(round) },
        Message::PreVote { term, attempt },
        Message::PreVoteResponse { term, vote_granted: true, attempt },
        Message::PreVoteResponse { term, vote_granted: false, attempt },
        Message::HandOver { term },
    ]
}

/// A frame in which one byte is another, with the checksum that belongs to it.
fn with_byte(frame: &Frame, index: usize, byte: u8) -> Vec<u8> {
    let mut bytes = frame.encode();
    bytes.truncate(bytes.len() - 4);
    bytes[index] = byte;
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// Datagrams for a server from the address of another, and why each is rejected.
fn hostile(from: usize, to: usize) -> Vec<(Vec<u8>, Rejection)> {
    let heartbeat = frame(from, to, Message::AppendEntries { term: FAR, round: Round::FIRST });
    let vote = frame(from, to, Message::RequestVoteResponse { term: FAR, vote_granted: true });
    let order = frame(from, to, Message::HandOver { term: FAR });
    let of_no_round = Message::AppendEntries { term: FAR, round: Round::new(0) };
    let third = 6 - from - to;
    let other_name = ClusterName::new("Test").unwrap();
    let (bytes, rest) = (heartbeat.encode(), 8 + NAME.len()); // where the witnesses stand
    let mut flipped = bytes.clone();
    flipped[rest + 4] ^= 1; // the term
    let mut datagrams = vec![
        (b"hello, is this a Raft cluster?".to_vec(), Rejection::Magic),
        (vec![0; 60_000], Rejection::Magic),
        ([&bytes[..], &[0]].concat(), Rejection::TrailingBytes),
        ([&bytes[..], &bytes].concat(), Rejection::TrailingBytes),
        ([&bytes[..], &vec![0; 60_000]].concat(), Rejection::TrailingBytes),
        (flipped, Rejection::Checksum),
        (with_byte(&heartbeat, 4, 1), Rejection::Version),
        (with_byte(&heartbeat, 4, 4), Rejection::NoKey),
        (with_byte(&heartbeat, rest + 1, 0), Rejection::ServerNumber),
        (with_byte(&heartbeat, rest + 1, 8), Rejection::ServerNumber),
        (with_byte(&order, rest + 3, 8), Rejection::Kind),
        (with_byte(&vote, rest + 12, 2), Rejection::Flag),
        (Frame { cluster: other_name, ..heartbeat.clone() }.encode(), Rejection::OtherCluster),
        (Frame { servers: 2, ..heartbeat.clone() }.encode(), Rejection::OtherCluster),
        (Frame { servers: 5, ..heartbeat.clone() }.encode(), Rejection::OtherCluster),
        (Frame { guards: 0, ..heartbeat.clone() }.encode(), Rejection::OtherCluster),
        (Frame { witnesses: 1, ..heartbeat.clone() }.encode(), Rejection::OtherCluster),
        (frame(from, to, of_no_round).encode(), Rejection::NoRound),
        (Frame { to: id(third), ..heartbeat.clone() }.encode(), Rejection::OtherReceiver),
        (Frame { from: id(to), ..heartbeat.clone() }.encode(), Rejection::FromSelf),
        (Frame { from: id(4), ..heartbeat.clone() }.encode(), Rejection::UnknownSender),
    ];
    datagrams.extend((0..bytes.len()).map(|len| (bytes[..len].to_vec(), Rejection::Truncated)));
    // From the address of one server, in the name of the other.
    let forged = messages(FAR).map(|message| frame(third, to, message).encode());
    datagrams.extend(forged.map(|bytes| (bytes, Rejection::SenderAddress)));
    datagrams
}

/// What each server has rejected, by reason.
type Rejected = BTreeMap<usize, BTreeMap<String, u64>>;

/// Waits until a server has rejected one more datagram than before, and it was for this reason.
fn rejects(cluster: &mut Cluster<Relay>, counts: &mut Rejected, server: usize, reason: Rejection) {
    let before = counts.entry(server).or_default();
    let total = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
    let now = cluster.until(&format!("S{server} to reject: {reason}"), |cluster| {
        let status = cluster.status(server)?;
        assert!(status.term < FAR, "believed: {status:?}");
        Some(status.datagrams.rejected).filter(|now| total(now) > total(before))
    });
    *before.entry(reason.name().to_owned()).or_default() += 1;
    assert_eq!(&now, before, "S{server} has not rejected {reason}, and nothing else");
}

/// Fails unless all follow this leader, and nobody has been in another term meanwhile.
pub(crate) fn assert_undisturbed(
    cluster: &mut Cluster<Relay>,
    since: usize,
    leadership: Leadership,
) {
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), leadership);
    let elsewhere = |step: &&Step| step.term() != leadership.term;
    assert_eq!(cluster.seen()[since..].iter().find(elsewhere), None);
}

#[test]
fn what_no_server_sends_is_rejected_and_counted() {
    let mut cluster = Cluster::<Relay>::start(3, Timing::Patient);
    let leadership = cluster.agreed(0, &[1, 2, 3]);
    let before = cluster.seen().len();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut counts = Rejected::new();
    for to in 1..=3 {
        let from = 1 + to % 3;
        for (bytes, reason) in hostile(from, to) {
            cluster.network.inject((from, to), &bytes);
            rejects(&mut cluster, &mut counts, to, reason);
        }
        for message in messages(FAR) {
            let bytes = frame(from, to, message).encode();
            stranger.send_to(&bytes, cluster.network.own_address(to)).unwrap();
            rejects(&mut cluster, &mut counts, to, Rejection::SenderAddress);
        }
    }
    assert_undisturbed(&mut cluster, before, leadership);

    for (server, counts) in counts {
        let all = Rejection::ALL.into_iter().filter(|reason| !reason.needs_key());
        let all: BTreeSet<_> = all.map(|reason| reason.name().to_owned()).collect();
        assert!(counts.keys().eq(&all), "S{server} was not told all: {counts:?}");
    }
    cluster.replayed();
}

/// A message that comes again, however late, is one that the network has repeated: it is believed,
/// and changes nothing.
#[test]
fn what_servers_sent_before_changes_nothing_when_it_comes_again() {
    let mut cluster = Cluster::<Relay>::start(3, Timing::Patient);
    let first = cluster.agreed(0, &[1, 2, 3]);
    cluster.kill(first.leader);
    let second = cluster.agreed(first.term, &cluster.others(&[first.leader]));
    cluster.restart(first.leader);
    let leadership = cluster.agreed(second.term - 1, &[1, 2, 3]);

    let before = cluster.seen().len();
    let mut history = cluster.network.history();
    let says = |message: Message| {
        history.iter().any(|old| Frame::decode(&old.bytes).unwrap().message == message)
    };
    for term in [first.term, leadership.term].map(Term::new) {
        assert!(
            says(Message::RequestVote { term, hand_over: false })
                && says(Message::AppendEntries { term, round: Round::FIRST })
        );
        assert!(says(Message::RequestVoteResponse { term, vote_granted: true }));
    }
    history.shuffle(&mut StdRng::seed_from_u64(1));
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut counts = Rejected::new();
    // Not so many at a time that a server cannot keep up; when it has rejected what a stranger
    // sends after them, it has received them.
    for old in history.chunks(50) {
        for old in old {
            cluster.network.inject(old.link, &old.bytes);
        }
        for server in 1..=3 {
            stranger.send_to(b"and now?", cluster.network.own_address(server)).unwrap();
            rejects(&mut cluster, &mut counts, server, Rejection::Magic);
        }
    }
    assert_undisturbed(&mut cluster, before, leadership);
    cluster.replayed();
}
