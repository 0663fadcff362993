//! A cluster of `raft-node` processes: started, killed, stopped, asked, and in the end replayed.
//!
//! Who leads is asked at the control socket of each server. What a server did stands in its trace,
//! which is read while it grows. Nothing is read from logs.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_model::election::Rule;
use raft_model::trace::reader::Reader;
use raft_model::trace::replay::{Report as Replayed, replay};
use raft_model::trace::tail::Tail;
use raft_model::trace::{Line, Record};
use raft_model::types::Term;
use raft_node::control::Client;
use raft_node::session::{Key, Keys, file};
use raft_node::status::Report;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::network::Network;
use crate::node::raft_node;
pub use crate::step::Step;
use crate::timing::HEARTBEAT;
pub use crate::timing::Timing;

/// How long a server may take to say what it knows.
const ANSWER: Duration = Duration::from_secs(2);

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of every cluster here.
pub const NAME: &str = "test";

/// A leader, and the term that it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    pub leader: usize,
    pub term: u64,
}

/// Servers of one cluster, each a process with a directory and a trace of its own. They die with
/// this value. If that happens because the test fails, the traces and the log are kept.
pub struct Cluster<N> {
    pub network: N,
    protocol: Protocol,
    size: usize,
    timing: Timing,
    /// Whether servers that are started from now on have a key.
    pub has_key: bool,
    running: BTreeMap<usize, Running>,
    directory: TempDir,
    tails: Vec<Tail>,
    seen: Vec<Step>,
    waiting: Vec<Step>, // read, and not yet seen
    agreed: Vec<Leadership>,
}

struct Running {
    child: Child,
    client: Option<Client>,
}

impl<N: Network> Cluster<N> {
    /// Starts the servers of a new cluster, with both guards.
    pub fn start(size: usize, timing: Timing) -> Self {
        Self::start_by(Protocol::GUARDED, size, timing)
    }

    /// The same by this protocol. They have a key where they need one.
    pub fn start_by(protocol: Protocol, size: usize, timing: Timing) -> Self {
        let network = N::new(size);
        let has_key = !network.address(1, 1).ip().is_loopback();
        Self::start_on(network, protocol, size, timing, has_key)
    }

    /// The servers of a new cluster that has a key, though it might do without.
    pub fn start_with_key(size: usize, timing: Timing) -> Self {
        Self::start_on(N::new(size), Protocol::GUARDED, size, timing, true)
    }

    fn start_on(
        network: N,
        protocol: Protocol,
        size: usize,
        timing: Timing,
        has_key: bool,
    ) -> Self {
        let directory = tempfile::Builder::new().prefix("raft-traces-").tempdir().unwrap();
        let tail = |server| Tail::new(trace(directory.path(), server));
        let mut cluster = Self {
            network,
            protocol,
            size,
            timing,
            has_key,
            running: BTreeMap::new(),
            tails: (1..=size).map(tail).collect(),
            directory,
            seen: Vec::new(),
            waiting: Vec::new(),
            agreed: Vec::new(),
        };
        let keys = Keys::one(Key::random().unwrap());
        for server in 1..=size {
            file::create(&cluster.key(server), &keys).unwrap();
            cluster.run(server, &["--bootstrap"]);
        }
        cluster
    }

    /// The number of every server.
    pub fn servers(&self) -> Vec<usize> {
        (1..=self.size).collect()
    }

    /// The number of every server but these.
    pub fn others(&self, than: &[usize]) -> Vec<usize> {
        (1..=self.size).filter(|server| !than.contains(server)).collect()
    }

    /// Kills a server as `kill -9` does: it can do nothing about it.
    pub fn kill(&mut self, server: usize) {
        self.signal(server, Signal::KILL);
        self.end(server);
    }

    /// Stops a server as `kill` does, which a leader takes its time for.
    pub fn stop(&mut self, server: usize) {
        self.signal(server, Signal::TERM);
        let status = self.end(server);
        assert!(status.success(), "S{server}: {status}");
    }

    /// Starts a server that was killed or stopped, on the data it has.
    pub fn restart(&mut self, server: usize) {
        self.run(server, &[]);
    }

    /// Pauses a server as `kill -STOP` does: it does nothing until it continues.
    pub fn pause(&mut self, server: usize) {
        self.signal(server, Signal::STOP);
    }

    /// Lets a server that was paused go on.
    pub fn resume(&mut self, server: usize) {
        self.signal(server, Signal::CONT);
    }

    /// The next step of any server that is as wanted; fails when there is none for long.
    pub fn wait_for(&mut self, what: &str, mut wanted: impl FnMut(&Step) -> bool) -> Step {
        self.until(what, |cluster| {
            let seen = cluster.seen.len();
            cluster.read();
            // What comes after it is left for the next one that waits.
            let found = (seen..cluster.seen.len()).find(|&at| wanted(&cluster.seen[at]))?;
            let step = cluster.seen[found];
            cluster.waiting.extend(cluster.seen.drain(found + 1..));
            Some(step)
        })
    }

    /// Tries until there is something; fails when there is nothing for long.
    pub fn until<T>(&mut self, what: &str, mut attempt: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = attempt(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What a server knows; nothing if it does not answer.
    pub fn status(&mut self, server: usize) -> Option<Report> {
        let data = self.data(server);
        let running = self.running.get_mut(&server)?;
        let client = running.client.take().or_else(|| Client::connect(&data, ANSWER).ok());
        let mut client = client?;
        let snapshot = client.status().ok()?;
        running.client = Some(client);
        Some(snapshot.status)
    }

    /// Waits until one of these servers leads in a term after this one, and all the others of them
    /// follow it: each of them is asked from now on. On a slow machine that may take several
    /// elections.
    pub fn agreed(&mut self, after: u64, servers: &[usize]) -> Leadership {
        let what =
            format!("one of {servers:?} to lead after term {after}, and the others to follow");
        let agreed = self.until(&what, |cluster| {
            let said: Option<Vec<_>> =
                servers.iter().map(|&server| cluster.status(server)).collect();
            let said = said?;
            let leader = said.iter().find(|it| it.is_leader())?;
            let follows = |it: &Report| {
                it.role == "follower" && (it.leader, it.term) == (Some(leader.server), leader.term)
            };
            let all = said.iter().all(|it| it.server == leader.server || follows(it));
            let (leader, term) = (usize::from(leader.server.number()), leader.term.number());
            (all && term > after).then_some(Leadership { leader, term })
        });
        self.agreed.push(agreed);
        self.read();
        agreed
    }

    /// Waits until these servers, together, have campaigned so many times, each time in a later
    /// term. With pre-vote they only ask whether they would be elected, and no term moves. Nobody
    /// of them may be elected.
    pub fn campaign_in_vain(&mut self, servers: &[usize], times: usize) {
        self.read();
        let asks = self.protocol.pre_vote();
        let rule = if asks { Rule::PreCampaigned } else { Rule::Campaigned };
        let mut terms = BTreeMap::<usize, Vec<u64>>::new();
        self.wait_for(&format!("{servers:?} to campaign in vain"), |step| {
            if servers.contains(&step.server) {
                assert!(!step.is(Rule::Elected), "S{} is elected: {step:?}", step.server);
                if step.is(rule) {
                    terms.entry(step.server).or_default().push(step.term());
                }
            }
            terms.values().map(Vec::len).sum::<usize>() == times
        });
        for (server, terms) in terms {
            let in_order = terms.is_sorted_by(|a, b| if asks { a == b } else { a < b });
            assert!(in_order, "S{server} campaigns in terms {terms:?}");
        }
    }

    /// All steps that servers have recorded up to now.
    pub fn seen(&mut self) -> &[Step] {
        self.read();
        &self.seen
    }

    /// The last term that a server has recorded.
    pub fn last_term(&mut self, server: usize) -> u64 {
        let last = self.seen().iter().rfind(|step| step.server == server);
        last.expect("it has recorded something").term()
    }

    /// Stops every server at once, by two signals.
    pub fn terminate(&mut self) {
        let servers: Vec<_> = self.running.keys().copied().collect();
        for &server in &servers {
            self.signal(server, Signal::TERM);
            self.signal(server, Signal::INT);
        }
        for server in servers {
            self.end(server);
        }
    }

    /// Ends all servers, and replays what every one of them did from the first start on.
    pub fn replayed(mut self) -> Replayed {
        self.terminate();
        let report = replay(&self.traces()).unwrap_or_else(|error| panic!("replay: {error}"));
        assert_eq!(report.on_trust, 0, "every message was sent by a server with a trace");
        for &Leadership { leader, term } in &self.agreed {
            let elected = report.elected.get(&Term::new(term)).map(|it| usize::from(it.number()));
            assert_eq!(elected, Some(leader), "S{leader} in term {term}: in no trace");
        }
        report
    }

    /// The steps that a server has recorded.
    pub fn records(&self, server: usize) -> Vec<Record> {
        let mut reader = Reader::open(&self.trace(server)).unwrap();
        let lines = std::iter::from_fn(|| reader.next().unwrap());
        let records = lines.filter_map(|(_, line)| match line {
            Line::Header(_) | Line::End(_) => None,
            Line::Step(record) => Some(record),
        });
        records.collect()
    }

    /// The trace of each server.
    pub fn traces(&self) -> Vec<PathBuf> {
        self.servers().into_iter().map(|server| self.trace(server)).collect()
    }

    fn trace(&self, server: usize) -> PathBuf {
        trace(self.directory.path(), server)
    }

    /// The data directory of a server.
    pub fn data(&self, server: usize) -> PathBuf {
        self.directory.path().join(format!("S{server}"))
    }

    /// The number of the process of a server that runs.
    pub fn process(&self, server: usize) -> u32 {
        self.running[&server].child.id()
    }

    /// The file with the key of a server.
    pub fn key(&self, server: usize) -> PathBuf {
        self.directory.path().join(format!("S{server}.key"))
    }

    /// Tells a server to read its key again.
    pub fn reload(&self, server: usize) {
        self.signal(server, Signal::HUP);
    }

    /// What a server says on its standard error.
    pub fn log(&self, server: usize) -> PathBuf {
        self.directory.path().join(format!("S{server}.log"))
    }

    fn signal(&self, server: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.running[&server].child), signal).unwrap();
    }

    /// Waits until a server that got a signal has ended, and reads what it has recorded.
    fn end(&mut self, server: usize) -> ExitStatus {
        let Running { mut child, .. } = self.running.remove(&server).expect("it runs");
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("S{server} does not end");
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.read();
        status
    }

    /// Reads what has been recorded up to now.
    fn read(&mut self) {
        self.seen.append(&mut self.waiting);
        for (server, tail) in (1..).zip(&mut self.tails) {
            let lines = tail.lines().unwrap_or_else(|error| panic!("S{server}: {error}"));
            self.seen.extend(lines.into_iter().filter_map(|line| match line {
                Line::Header(_) | Line::End(_) => None,
                Line::Step(record) => Some(Step { server, record }),
            }));
        }
    }

    /// A command for a server, without its trace.
    pub fn command(&self, name: &str, server: usize) -> Command {
        let mut command = self.network.command(server, raft_node());
        command.args([name, "--cluster", NAME, "--id", &server.to_string()]);
        let address = |other| self.network.address(other, server);
        command.args((1..=self.size).map(|other| format!("--server={other}={}", address(other))));
        if self.has_key {
            command.arg("--key").arg(self.key(server));
        }
        let (min, max) = self.timing.election();
        command.args(["--protocol", self.protocol.name(), "--heartbeat", &HEARTBEAT.to_string()]);
        command.args(["--election", &format!("{min}..{max}"), "--data"]).arg(self.data(server));
        command
    }

    fn run(&mut self, server: usize, more: &[&str]) {
        let mut command = self.command("run", server);
        command.arg("--trace").arg(self.trace(server)).arg("--trace-required").args(more);
        let log = File::options().create(true).append(true).open(self.log(server));
        let child = command.stderr(log.unwrap()).spawn().unwrap();
        self.running.insert(server, Running { child, client: None });
        self.until(&format!("S{server} to start"), |cluster| {
            let ended = cluster.running.get_mut(&server)?.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(cluster.log(server)).unwrap_or_default();
            assert!(ended.is_none(), "S{server} ended: {}", log());
            cluster.status(server)
        });
        self.wait_for(&format!("S{server} to record it"), |step| step.server == server);
    }
}

/// The trace of a server.
fn trace(directory: &Path, server: usize) -> PathBuf {
    directory.join(format!("S{server}.trace"))
}

impl<N> Drop for Cluster<N> {
    fn drop(&mut self) {
        for running in self.running.values_mut() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        if std::thread::panicking() {
            self.directory.disable_cleanup(true);
            let path = self.directory.path().display();
            eprintln!("kept: {path}/*.log, and for `raft-model replay`: {path}/*.trace");
        }
    }
}
