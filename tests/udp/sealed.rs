//! Clusters with a key: what was forged or recorded changes nothing, a key is replaced while they
//! go on, and servers move. The cluster talks through a relay, which records all that is said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use raft_model::message::Message;
use raft_model::types::{Round, Term};
use raft_node::control::Client;
use raft_node::status::report::Datagrams;
use raft_node::wire::Rejection;
use support::cluster::{Cluster, Timing};
use support::network::{Network, own_ip, port};
use support::node::raft_node;
use support::relay::{Datagram, Relay};

use crate::hostile::{FAR, assert_undisturbed, frame, messages};

const ALL: [usize; 3] = [1, 2, 3];

/// What a server has done with datagrams.
fn datagrams<N: Network>(cluster: &mut Cluster<N>, server: usize) -> Datagrams {
    cluster.until("a status", |cluster| Some(cluster.status(server)?.datagrams))
}

/// How many datagrams a server has refused for these reasons.
fn refused(datagrams: &Datagrams, reasons: &[Rejection]) -> u64 {
    reasons.iter().filter_map(|reason| datagrams.rejected.get(reason.name())).sum()
}

/// Whether a recorded datagram carries a message, and is no hello or answer.
fn is_data(datagram: &Datagram) -> bool {
    datagram.bytes[5] == 3
}

/// Brings these to where they were sent, once more, a few at a time, and waits until each server
/// has refused what it got for one of these reasons.
fn come_again(cluster: &mut Cluster<Relay>, old: &[Datagram], reasons: &[Rejection]) {
    for few in old.chunks(50) {
        let before = ALL.map(|server| refused(&datagrams(cluster, server), reasons));
        for old in few {
            cluster.network.inject(old.link, &old.bytes);
        }
        for (server, before) in ALL.into_iter().zip(before) {
            let count = few.iter().filter(|it| it.link.1 == server).count() as u64;
            cluster.until(&format!("S{server} to refuse {count} for {reasons:?}"), |cluster| {
                (refused(&datagrams(cluster, server), reasons) >= before + count).then_some(())
            });
        }
    }
}

/// Whatever any server has sent, at any time: before the leader died, while it was down, after it
/// came back. Nothing of it is believed a second time.
#[test]
fn what_was_recorded_is_refused_before_and_after_restarts_of_each_side() {
    let mut cluster = Cluster::<Relay>::start_with_key(3, Timing::Patient);
    let first = cluster.agreed(0, &ALL);
    cluster.kill(first.leader);
    let second = cluster.agreed(first.term, &cluster.others(&[first.leader]));
    cluster.restart(first.leader);
    let leadership = cluster.agreed(second.term - 1, &ALL);
    let before = cluster.seen().len();
    let (data, greetings) = cluster.until("heartbeats", |cluster| {
        let history = cluster.network.history();
        let (data, greetings): (Vec<_>, Vec<_>) = history.into_iter().partition(is_data);
        (data.len() > 200).then_some((data, greetings))
    });
    assert!(greetings.len() >= 12, "{}", greetings.len());
    let reasons = [Rejection::Replayed, Rejection::TooOld, Rejection::OtherSession];
    come_again(&mut cluster, &data, &reasons);
    for reason in [Rejection::Replayed, Rejection::OtherSession] {
        let counts = ALL.map(|server| refused(&datagrams(&mut cluster, server), &[reason]));
        assert!(counts.iter().sum::<u64>() > 0, "nothing was refused as {reason}");
    }
    // A hello that comes again is answered, and that is all; its answer, and old ones, are unasked.
    for old in &greetings {
        cluster.network.inject(old.link, &old.bytes);
    }
    come_again(&mut cluster, &data[..50], &reasons);
    assert_undisturbed(&mut cluster, before, leadership);
    cluster.replayed();
}

/// From the very addresses of servers: plain frames, those of another key, and true ones that were
/// changed.
#[test]
fn what_was_forged_is_refused() {
    let mut cluster = Cluster::<Relay>::start_with_key(3, Timing::Patient);
    let leadership = cluster.agreed(0, &ALL);
    let before = cluster.seen().len();
    let history = cluster.network.history();
    let forged = |bytes: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        bytes
    };
    let mut all: Vec<(Datagram, Rejection)> = Vec::new();
    for link in [(1, 2), (2, 3), (3, 1), (leadership.leader, leadership.leader % 3 + 1)] {
        for message in messages(FAR) {
            let bytes = frame(link.0, link.1, message).encode();
            all.push((Datagram { link, bytes }, Rejection::Unauthenticated));
        }
    }
    let of_the_leader = |it: &&Datagram| is_data(it) && it.link.0 == leadership.leader;
    let last = history.iter().rfind(of_the_leader).unwrap();
    let mut add = |change: &dyn Fn(&mut Vec<u8>), reason| {
        all.push((Datagram { bytes: forged(&last.bytes, change), link: last.link }, reason));
    };
    add(&|it| it[12] ^= 1, Rejection::OtherKey);
    add(&|it| it[8] ^= 1, Rejection::OtherCluster);
    add(&|it| it[16] ^= 1, Rejection::OtherSession);
    add(&|it| it[24] ^= 1, Rejection::Unauthenticated); // its number: far ahead
    add(&|_| {}, Rejection::Replayed);
    for (datagram, reason) in all {
        come_again(&mut cluster, &[datagram], &[reason]);
    }
    assert_undisturbed(&mut cluster, before, leadership);
    cluster.replayed();
}

/// A frame in plain of the term that all are in, from anywhere, is no heartbeat.
#[test]
fn a_server_without_the_key_is_not_heard_by_those_that_have_it() {
    let mut cluster = Cluster::<Relay>::start_with_key(3, Timing::Patient);
    let leadership = cluster.agreed(0, &ALL);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let heartbeat = Message::AppendEntries { term: FAR, round: Round::FIRST };
    for server in ALL {
        let from = server % 3 + 1;
        let bytes = frame(from, server, heartbeat).encode();
        stranger.send_to(&bytes, cluster.network.own_address(server)).unwrap();
        cluster.until("it to be refused", |cluster| {
            let datagrams = datagrams(cluster, server);
            (refused(&datagrams, &[Rejection::Unauthenticated]) == 1).then_some(())
        });
    }
    assert_eq!(cluster.agreed(0, &ALL), leadership);
}

/// Whoever holds both keys understands whoever holds one of them.
#[test]
fn a_key_is_replaced_step_by_step_while_the_leader_leads() {
    let mut cluster = Cluster::<Relay>::start_with_key(3, Timing::Patient);
    let leadership = cluster.agreed(0, &ALL);
    let next = cluster.key(4);
    let run = |arguments: &[&str]| {
        let output = Command::new(raft_node()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    run(&["keygen", next.to_str().unwrap()]);
    let keys = |cluster: &mut Cluster<Relay>, server| {
        cluster.until("a status", |cluster| Some(cluster.status(server)?.keys))
    };
    let [old] = keys(&mut cluster, 1).try_into().unwrap();
    let reasons = [Rejection::OtherKey, Rejection::Unauthenticated, Rejection::OtherSession];
    let before = ALL.map(|server| refused(&datagrams(&mut cluster, server), &reasons));
    let mut seen = Vec::new();
    for step in ["accept", "seal", "drop"] {
        for server in ALL {
            let before = keys(&mut cluster, server);
            let file = cluster.key(server);
            run(&["key", "rotate", step, file.to_str().unwrap(), next.to_str().unwrap()]);
            cluster.reload(server);
            let now = cluster.until("other keys", |cluster| {
                cluster.status(server).map(|it| it.keys).filter(|now| *now != before)
            });
            seen.push(now);
            // Heartbeats go on between servers that are at different steps.
            assert_eq!(cluster.agreed(0, &ALL), leadership);
        }
    }
    let new = keys(&mut cluster, 1).pop().unwrap();
    let steps = [vec![old.clone(), new.clone()], vec![new.clone(), old], vec![new]];
    assert_eq!(seen, steps.map(|step| vec![step; 3]).concat());
    let after = ALL.map(|server| refused(&datagrams(&mut cluster, server), &reasons));
    assert_eq!(after, before, "somebody was not understood");
    // What the old key has sealed is nothing now, though it has never come before.
    let old = cluster.network.history().into_iter().find(is_data).unwrap();
    come_again(&mut cluster, &[old], &[Rejection::OtherKey]);
    assert_eq!(cluster.agreed(0, &ALL), leadership);
}

/// A network in which servers move. Each knows the addresses that were in the list when it started.
struct Moving {
    ip: IpAddr,
    moved: BTreeMap<usize, u16>,
}

impl Network for Moving {
    fn new(_size: usize) -> Self {
        Self { ip: own_ip(), moved: BTreeMap::new() }
    }

    fn address(&self, of: usize, _known_to: usize) -> SocketAddr {
        SocketAddr::new(self.ip, self.moved.get(&of).copied().unwrap_or(port(of)))
    }
}

/// Each server is stopped, and comes up at another address, with that in its list. Those that were
/// not started again since then have the old one in theirs.
#[test]
fn servers_move_one_by_one_and_are_heard_where_they_are() {
    let mut cluster = Cluster::<Moving>::start_with_key(3, Timing::Quick);
    cluster.agreed(0, &ALL);
    for server in ALL {
        cluster.stop(server);
        cluster.network.moved.insert(server, port(server) + 100);
        cluster.restart(server);
        let leadership = cluster.agreed(0, &ALL);
        // It leads, too, and those answer that have its old address in their list.
        if leadership.leader != server {
            let data = cluster.data(leadership.leader);
            let to = server.to_string();
            let hand_over = ["hand-over", "--to", &to, "--data", data.to_str().unwrap()];
            cluster.until("it to lead", |cluster| {
                let _ = Command::new(raft_node()).args(hand_over).output().unwrap();
                let status = cluster.status(server)?;
                (status.is_leader() && status.leadership.is_some()).then_some(())
            });
        }
        cluster.agreed(0, &ALL);
    }
    cluster.replayed();
}

/// The fencing tokens that servers hand out, each with its server, in the order in which they were
/// seen by whoever asks.
type Tokens = Vec<(Term, usize)>;

/// Asks a server for a token, a thousand times a second, until that is over.
fn ask(server: usize, data: &Path, tokens: &Mutex<Tokens>, is_over: &AtomicBool) {
    let mut client = None;
    while !is_over.load(Ordering::Relaxed) {
        client = client.or_else(|| Client::connect(data, Duration::from_secs(2)).ok());
        let said = client.as_mut().and_then(|client| client.status().ok());
        match said {
            Some(said) => {
                let lease = said.status.leadership;
                tokens.lock().unwrap().extend(lease.map(|lease| (lease.fencing_token, server)));
            }
            None => client = None,
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sealed and plain frames in one cluster: whoever speaks the one refuses the other, so a majority
/// of either elects, one after the other gets the key, and there is a way back. All the time
/// programs ask every server for a token.
#[test]
fn a_cluster_gets_a_key_by_a_rolling_restart_and_loses_it_again() {
    let mut cluster = Cluster::<Relay>::start(3, Timing::Quick);
    let (tokens, is_over) = (Mutex::new(Tokens::new()), AtomicBool::new(false));
    thread::scope(|scope| {
        for server in ALL {
            let (data, tokens, is_over) = (cluster.data(server), &tokens, &is_over);
            scope.spawn(move || ask(server, &data, tokens, is_over));
        }
        let rolled = catch_unwind(AssertUnwindSafe(|| roll(&mut cluster)));
        is_over.store(true, Ordering::Relaxed);
        rolled.unwrap_or_else(|panic| resume_unwind(panic));
    });
    let tokens = tokens.into_inner().unwrap();
    let owners: BTreeSet<_> = tokens.iter().collect();
    let terms: BTreeSet<_> = tokens.iter().map(|(term, _)| term).collect();
    assert_eq!(owners.len(), terms.len(), "no token is handed out by two");
    for server in ALL {
        let own = tokens.iter().filter(|(_, by)| *by == server);
        assert!(own.is_sorted(), "of one server tokens only grow");
    }
    assert!(terms.len() >= 4, "each majority hands out one: {terms:?}");
    cluster.replayed();
}

fn roll(cluster: &mut Cluster<Relay>) {
    let mut leadership = cluster.agreed(0, &ALL);
    for has_key in [true, false] {
        cluster.has_key = has_key;
        for (server, majority) in [(1, vec![2, 3]), (2, vec![1, 2]), (3, ALL.to_vec())] {
            cluster.stop(server);
            cluster.restart(server);
            leadership = cluster.agreed(leadership.term - 1, &majority);
        }
        let speaks = if has_key { "key" } else { "loopback" };
        for server in ALL {
            let said = cluster.until("a status", |cluster| cluster.status(server));
            assert_eq!(said.authentication, speaks);
        }
    }
}
