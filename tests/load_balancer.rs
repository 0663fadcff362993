//! `/leader` behind haproxy, as it is packaged, under load: leaders hand over, are killed and
//! paused, and whoever is answered was answered by a server with a lease.
//!
//! Each answer carries the fencing token. What was answered with one token was answered before
//! anything with the next: so no two servers had a lease, whatever the load balancer thought.
//! `RAFT_ROUNDS` says how many leaders are lost; 6 without it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raft_node::control::{Client, Request};
use serde_json::Value;
use support::binary::mortal;
use support::cluster::{Cluster, Timing};
use support::skipped::skip;
use support::waiting::rounds;
use support::web::{Web, agent};
use tempfile::TempDir;

/// How many ask at a time.
const CLIENTS: usize = 4;

/// How many answers each leader gives before it is lost.
const EACH: usize = 100;

/// How long a client waits at most, and a leader to hand over.
const PATIENCE: Duration = Duration::from_secs(10);

/// haproxy, which ends with this value.
struct Balancer {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Balancer {
    /// Runs the packaged configuration, with these servers; `None` if there is no haproxy.
    fn start(servers: &[SocketAddr]) -> Option<Self> {
        let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("impl/packaging/haproxy.cfg");
        let mut text = fs::read_to_string(packaged).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut put = |before: &str, now: &str| {
            assert!(text.contains(before), "{before} is not in the configuration");
            text = text.replace(before, now);
        };
        put("bind :8000", &format!("bind {address}"));
        for (number, server) in (1..).zip(servers) {
            put(&format!("10.0.0.{number}:9000 check port 8080"), &format!("{server} check"));
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let mut command = mortal("KILL");
        command.arg("haproxy").args(["-db", "-q", "-f"]).arg(&file).stdout(Stdio::null());
        if Command::new("haproxy").arg("-v").stdout(Stdio::null()).status().is_err() {
            skip("haproxy is not here", "`apt-get install haproxy` brings it");
            return None;
        }
        Some(Self { process: command.spawn().unwrap(), address, _folder: folder })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many answers there were, by token.
type Counts = Mutex<BTreeMap<u64, usize>>;

/// A request that a server answered which may act as the leader.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answered {
    asked: Instant,
    answered: Instant,
    token: u64,
}

/// Asks again and again, until it is told to stop, and counts the answers of each token. How many
/// times nobody had a lease, too.
fn ask(url: &str, counts: &Counts, stop: &AtomicBool) -> (Vec<Answered>, u64) {
    let agent = agent(PATIENCE);
    let (mut all, mut refused) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = agent.get(url).call().ok().filter(|answer| answer.status() == 200);
        let body = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok());
        let Some(body) = body else {
            refused += 1;
            thread::sleep(Duration::from_millis(2));
            continue;
        };
        let answered = Instant::now();
        let body: Value = serde_json::from_str(&body).unwrap();
        let token = body["fencing_token"].as_str().unwrap().parse().unwrap();
        *counts.lock().unwrap().entry(token).or_default() += 1;
        all.push(Answered { asked, answered, token });
    }
    (all, refused)
}

/// Two answers of which the later one has the lower token, if there are such.
fn out_of_order(all: &[Answered]) -> Option<(Answered, Answered)> {
    let (mut by_asked, mut by_answered) = (all.to_vec(), all.to_vec());
    by_asked.sort_by_key(|it| it.asked);
    by_answered.sort_by_key(|it| it.answered);
    let mut over = by_answered.into_iter().peekable();
    let mut highest = None::<Answered>;
    by_asked.into_iter().find_map(|now| {
        while let Some(before) = over.next_if(|it| it.answered < now.asked) {
            highest = highest.filter(|it| it.token >= before.token).or(Some(before));
        }
        highest.filter(|before| before.token > now.token).map(|before| (before, now))
    })
}

/// The leader is lost in one of three ways; the server is back when this is over.
fn lose(cluster: &mut Cluster<Web>, round: u32, leader: usize, term: u64) {
    let rest = cluster.others(&[leader]);
    match round % 3 {
        0 => {
            let mut client = Client::connect(&cluster.data(leader), PATIENCE).unwrap();
            // It may have been deposed a moment ago.
            let _ = client.order(&Request::StepDown);
        }
        1 => {
            cluster.kill(leader);
            cluster.agreed(term, &rest);
            cluster.restart(leader);
        }
        _ => {
            cluster.pause(leader);
            cluster.agreed(term, &rest);
            cluster.resume(leader);
        }
    }
}

#[test]
fn whoever_is_answered_is_answered_by_a_server_with_a_lease() {
    let mut cluster = Cluster::<Web>::start(3, Timing::Quick);
    let servers: Vec<_> = (1..=3).map(|server| cluster.network.http(server)).collect();
    let Some(balancer) = Balancer::start(&servers) else { return };
    let url = format!("http://{}/leader", balancer.address);
    let (counts, stop) = (Counts::default(), AtomicBool::new(false));
    let (answers, refused) = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| ask(&url, &counts, &stop))).collect();
        let mut before = 0;
        for round in 0..rounds(6) {
            let now = cluster.agreed(before, &[1, 2, 3]);
            cluster.until("answers of the leader", |_| {
                counts.lock().unwrap().get(&now.term).filter(|&&count| count >= EACH).map(drop)
            });
            lose(&mut cluster, round, now.leader, now.term);
            before = now.term;
        }
        stop.store(true, Ordering::Relaxed);
        let heard = clients.into_iter().map(|client| client.join().unwrap());
        heard.fold((Vec::new(), 0), |(mut all, refused), (more, again)| {
            all.extend(more);
            (all, refused + again)
        })
    });
    assert_eq!(out_of_order(&answers), None, "of {}", answers.len());
    println!("{} answers with a lease, {refused} times there was none", answers.len());
}

#[test]
fn an_answer_that_comes_too_late_would_be_noticed() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let answer =
        |asked, answered, token| Answered { asked: at(asked), answered: at(answered), token };
    let [one, two] = [answer(0, 10, 1), answer(5, 15, 2)];
    assert!(out_of_order(&[one, two, answer(12, 20, 1)]).is_none(), "asked before two was over");
    let (before, now) = out_of_order(&[answer(16, 20, 1), one, two]).unwrap();
    assert_eq!((before.token, now.token), (2, 1));
}
