//! Two million datagrams of an attacker in ten seconds, at three nodes with a key: half of them
//! forged, half recorded from this very cluster, before and after restarts of each side. Then the
//! heartbeats of a leader that has died come again, and it is looked how long the next election
//! takes. What it costs to be safe from that is measured by the benchmark `failover`.
//!
//! `cargo bench --bench attack -- [seconds [thousands of datagrams]]`

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use support::cluster::{Cluster, Leadership, Timing};
use support::relay::{Datagram, Injector, Link, Relay, send_all};

const ALL: [usize; 3] = [1, 2, 3];

type Nodes = Cluster<Relay>;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    let seconds = numbers.first().copied().unwrap_or(10);
    let count = 1000 * numbers.get(1).copied().unwrap_or(2000);
    attack(seconds, count);
    dead_leader();
}

/// A cluster in which the leader and a follower were started again, and what it has said.
fn recorded() -> (Nodes, Leadership, Vec<Datagram>) {
    let mut cluster = Nodes::start_with_key(3, Timing::Patient);
    let first = cluster.agreed(0, &ALL);
    thread::sleep(Duration::from_secs(2));
    cluster.kill(first.leader);
    let second = cluster.agreed(first.term, &cluster.others(&[first.leader]));
    cluster.restart(first.leader);
    cluster.agreed(second.term - 1, &ALL);
    let follower = cluster.others(&[first.leader, second.leader])[0];
    cluster.kill(follower);
    cluster.restart(follower);
    let leadership = cluster.agreed(0, &ALL);
    thread::sleep(Duration::from_secs(2));
    let history = cluster.network.history();
    (cluster, leadership, history)
}

/// Something like a recorded datagram.
fn forged(old: &Datagram, random: &mut StdRng) -> Datagram {
    let Datagram { link, mut bytes } = old.clone();
    let length = bytes.len();
    match random.random_range(0..5) {
        0 => bytes[length - 1] ^= 1,
        1 => bytes[31] = random.random(), // its number, or its challenge
        2 => bytes[16] = random.random(), // its session, or its run
        3 => bytes[4] = 3,                // plain
        _ => bytes.iter_mut().for_each(|it| *it = random.random()),
    }
    Datagram { link, bytes }
}

/// What a server has refused, by reason, and seconds on a CPU.
type State = (BTreeMap<String, u64>, f64);

fn state(cluster: &mut Nodes) -> Vec<State> {
    let each = |server| {
        let status = cluster.until("a status", |cluster| cluster.status(server));
        let mut counts = status.datagrams.rejected;
        counts.insert("greetings answered or counted".to_owned(), status.datagrams.greetings);
        let path = format!("/proc/{}/task", cluster.process(server));
        let busy: f64 = fs::read_dir(path).unwrap().map(|it| busy(&it.unwrap().path())).sum();
        (counts, busy)
    };
    ALL.into_iter().map(each).collect()
}

fn busy(thread: &std::path::Path) -> f64 {
    let text = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    text.split(' ').next().unwrap().parse::<f64>().unwrap_or(0.0) / 1e9
}

fn share(before: &[State], after: &[State], seconds: f64) {
    let share = |(before, after): (&State, &State)| 100.0 * (after.1 - before.1) / seconds;
    let all: Vec<_> = before.iter().zip(after).map(share).collect();
    println!("  per cent of a CPU: S1 {:.1}, S2 {:.1}, S3 {:.1}", all[0], all[1], all[2]);
}

/// How many datagrams leave by one call of the system.
const BURST: usize = 32;

/// Sends so many datagrams in so many seconds, from the addresses of servers and from another one.
/// How many the system took.
fn flood(
    (seconds, count): (u64, u64),
    (forged, recorded): (&[Datagram], &[Datagram]),
    (network, homes): (&Injector, [SocketAddr; 3]),
) -> u64 {
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let [forged, recorded] = [forged, recorded].map(by_link);
    let mut random = StdRng::seed_from_u64(2);
    let (time, start) = (Duration::from_secs(seconds), Instant::now());
    let (mut sent, mut said) = (0, 0);
    while said < count {
        while start.elapsed() < time.mul_f64(said as f64 / count as f64) {
            thread::sleep(Duration::from_micros(200));
        }
        let number = said / BURST as u64;
        let from = if number.is_multiple_of(2) { &forged } else { &recorded };
        let (link, datagrams) = &from[random.random_range(0..from.len())];
        let any = |_| datagrams[random.random_range(0..datagrams.len())];
        let burst: Vec<_> = (0..BURST).map(any).collect();
        let taken = if number % 4 < 2 {
            network.inject(*link, &burst)
        } else {
            send_all(&stranger, homes[link.1 - 1], &burst)
        };
        (sent, said) = (sent + taken as u64, said + BURST as u64);
    }
    sent
}

fn by_link(datagrams: &[Datagram]) -> Vec<(Link, Vec<&[u8]>)> {
    let mut all = BTreeMap::<Link, Vec<&[u8]>>::new();
    datagrams.iter().for_each(|it| all.entry(it.link).or_default().push(&it.bytes));
    all.into_iter().collect()
}

fn attack(seconds: u64, count: u64) {
    let (mut cluster, leadership, history) = recorded();
    println!("\n{count} datagrams in {seconds} s: half forged, half of {} recorded", history.len());
    let rest = state(&mut cluster);
    thread::sleep(Duration::from_secs(5));
    let before = state(&mut cluster);
    println!("at rest:");
    share(&rest, &before, 5.0);
    let mut random = StdRng::seed_from_u64(1);
    let any = |random: &mut StdRng| random.random_range(0..history.len());
    let mut forged_one = |_| {
        let old = &history[any(&mut random)];
        forged(old, &mut random)
    };
    let forged: Vec<_> = (0..10_000).map(&mut forged_one).collect();
    let homes = ALL.map(|server| cluster.network.own_address(server));
    let network = cluster.network.injector();
    let (mut lost, mut looks, start) = (0, 0, Instant::now());
    let sent = thread::scope(|scope| {
        let (datagrams, network) = ((&forged[..], &history[..]), &network);
        let attacker = scope.spawn(move || flood((seconds, count), datagrams, (network, homes)));
        while !attacker.is_finished() {
            let Some(status) = cluster.status(leadership.leader) else { continue };
            looks += 1;
            lost += u64::from(status.leadership.is_none());
            thread::sleep(Duration::from_millis(10));
        }
        attacker.join().unwrap()
    });
    let took = start.elapsed().as_secs_f64();
    let after = state(&mut cluster);
    println!("under attack: {sent} sent in {took:.1} s");
    share(&before, &after, took);
    let busy: f64 = before.iter().zip(&after).map(|(before, after)| after.1 - before.1).sum();
    println!("  {:.1} µs of a CPU for each datagram", 1e6 * busy / sent as f64);
    told(&before, &after, sent);
    println!("  the lease was missing in {lost} of {looks} looks");
    let now = cluster.agreed(0, &ALL);
    println!("  before {leadership:?}, after {now:?}");
    assert_eq!(now, leadership);
}

/// What became of the datagrams, by reason.
fn told(before: &[State], after: &[State], sent: u64) {
    let mut counted = BTreeMap::<&str, u64>::new();
    for (before, after) in before.iter().zip(after) {
        for (reason, count) in &after.0 {
            *counted.entry(reason).or_default() += count - before.0.get(reason).unwrap_or(&0);
        }
    }
    let total: u64 = counted.values().sum();
    counted.iter().for_each(|(reason, count)| println!("  {count:>9}  {reason}"));
    println!("  {total:>9}  of {sent}; what is missing, the system dropped: a socket had no room");
}

/// How many elections are measured, in each way.
const ELECTIONS: usize = 30;

/// How long elections take, without and with the recorded heartbeats of the leader that died.
fn dead_leader() {
    println!("\nmilliseconds from kill -9 of the leader to the next one:");
    for replays in [false, true] {
        let mut cluster = Nodes::start_with_key(3, Timing::Patient);
        let mut times = Vec::new();
        for _ in 0..ELECTIONS {
            let Leadership { leader, term } = cluster.agreed(0, &ALL);
            thread::sleep(Duration::from_millis(500));
            let others = cluster.others(&[leader]);
            let history = cluster.network.history();
            let old: Vec<_> = history.into_iter().filter(|it| it.link.0 == leader).collect();
            cluster.kill(leader);
            let start = Instant::now();
            cluster.until("another leader", |cluster| {
                if replays {
                    for it in old.iter().rev().take(100) {
                        cluster.network.inject(it.link, &it.bytes);
                    }
                }
                let all: Vec<_> = others.iter().filter_map(|&it| cluster.status(it)).collect();
                all.iter().any(|it| it.is_leader() && it.term.number() > term).then_some(())
            });
            times.push(start.elapsed().as_millis());
            cluster.restart(leader);
        }
        times.sort_unstable();
        let [min, median, max] = [0, ELECTIONS / 2, ELECTIONS - 1].map(|rank| times[rank]);
        let name = if replays { "its heartbeats come again" } else { "undisturbed" };
        println!("  {name:<28} {median} at the median of {ELECTIONS}, {min} to {max}");
        cluster.replayed();
    }
}
