//! A cluster of `raft-node` processes: started, killed, stopped, listened to, and in the end
//! replayed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_model::election::Rule;
use raft_model::trace::reader::Reader;
use raft_model::trace::replay::{Report, replay};
use raft_model::trace::{Line as TraceLine, Record};
use raft_model::types::Term;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::network::Network;
use crate::node::raft_node;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of every cluster here.
pub const NAME: &str = "test";

/// The period of heartbeats, in milliseconds.
const HEARTBEAT: u32 = 50;

/// The election timeouts of a cluster.
#[derive(Clone, Copy)]
pub enum Timing {
    /// Elections follow soon on a fault, and servers on a busy machine seldom miss the heartbeats
    /// of a leader that lives.
    Quick,
    /// Nobody misses the heartbeats of a leader that lives: for tests in which no election may
    /// happen.
    Patient,
}

impl Timing {
    /// The shortest and the longest election timeout, in milliseconds.
    const fn election(self) -> (u32, u32) {
        match self {
            Self::Quick => (300, 600),
            Self::Patient => (1500, 3000),
        }
    }

    /// How many heartbeats a leader sends while somebody waits for the longest election timeout.
    pub const fn heartbeats_in_an_election_timeout(self) -> u32 {
        self.election().1 / HEARTBEAT
    }
}

/// One line of the log of one server.
#[derive(Clone, Debug)]
pub struct Line {
    /// The number of the server.
    pub server: usize,
    /// The whole line.
    pub text: String,
}

impl Line {
    /// The value of a field `name=value`.
    fn field(&self, name: &str) -> Option<&str> {
        self.text.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The term in which the server is, in a line that tells of a step.
    pub fn term(&self) -> Option<u64> {
        self.field("term")?.parse().ok()
    }

    /// Whether it tells of a step by this rule.
    pub fn is(&self, rule: Rule) -> bool {
        self.field("rule") == Some(&format!("{rule:?}"))
    }

    /// Whether it tells that the server follows.
    pub fn is_follower(&self) -> bool {
        self.field("role") == Some("follower")
    }

    /// Whether it tells that the server leads.
    pub fn is_leader(&self) -> bool {
        self.field("role") == Some("leader")
    }

    /// Whom the server holds for the leader of the term.
    pub fn leader(&self) -> Option<usize> {
        self.field("leader")?.strip_prefix('S')?.parse().ok()
    }
}

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
    running: BTreeMap<usize, Running>,
    directory: TempDir,
    sender: Sender<Line>,
    lines: Receiver<Line>,
    seen: Vec<Line>,
}

struct Running {
    child: Child,
    log: JoinHandle<()>,
}

impl<N: Network> Cluster<N> {
    /// Starts the servers of a new cluster, with both guards.
    pub fn start(size: usize, timing: Timing) -> Self {
        Self::start_by(Protocol::GUARDED, size, timing)
    }

    /// The same by this protocol.
    pub fn start_by(protocol: Protocol, size: usize, timing: Timing) -> Self {
        let (sender, lines) = channel();
        let mut cluster = Self {
            network: N::new(size),
            protocol,
            size,
            timing,
            running: BTreeMap::new(),
            directory: tempfile::Builder::new().prefix("raft-traces-").tempdir().unwrap(),
            sender,
            lines,
            seen: Vec::new(),
        };
        for server in 1..=size {
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

    /// The next line of any server that is as wanted; fails when there is none for long.
    pub fn wait_for(&mut self, what: &str, mut wanted: impl FnMut(&Line) -> bool) -> Line {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("waited in vain for {what}");
            };
            self.seen.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Waits until one of these servers leads in a term after this one, and all the others of them
    /// follow it: each of them has to say so from now on. On a slow machine that may take several
    /// elections.
    pub fn agreed(&mut self, after: u64, servers: &[usize]) -> Leadership {
        self.read();
        let mut said: BTreeMap<usize, Line> = BTreeMap::new();
        let agreement = |said: &BTreeMap<usize, Line>| {
            let found = said.values().find(|line| line.is_leader())?;
            let (leader, term) = (found.server, found.term()?);
            let follows = |server: &usize| {
                said.get(server).is_some_and(|line| {
                    line.is_follower() && line.term() == Some(term) && line.leader() == Some(leader)
                })
            };
            let all = servers.iter().all(|server| *server == leader || follows(server));
            (all && term > after).then_some(Leadership { leader, term })
        };
        let what =
            format!("one of {servers:?} to lead after term {after}, and the others to follow");
        let mut agreed = None;
        self.wait_for(&what, |line| {
            if servers.contains(&line.server) && line.field("role").is_some() {
                said.insert(line.server, line.clone());
            }
            agreed = agreement(&said);
            agreed.is_some()
        });
        agreed.expect("waited for")
    }

    /// Waits until these servers, together, have campaigned so many times, each time in a later
    /// term. With pre-vote they only ask whether they would be elected, and no term moves. Nobody
    /// of them may be elected.
    pub fn campaign_in_vain(&mut self, servers: &[usize], times: usize) {
        self.read();
        let asks = self.protocol.pre_vote();
        let rule = if asks { Rule::PreCampaigned } else { Rule::Campaigned };
        let mut terms = BTreeMap::<usize, Vec<u64>>::new();
        self.wait_for(&format!("{servers:?} to campaign in vain"), |line| {
            if servers.contains(&line.server) {
                assert!(!line.is(Rule::Elected), "S{} is elected: {}", line.server, line.text);
                if line.is(rule) {
                    terms.entry(line.server).or_default().extend(line.term());
                }
            }
            terms.values().map(Vec::len).sum::<usize>() == times
        });
        for (server, terms) in terms {
            let in_order = terms.is_sorted_by(|a, b| if asks { a == b } else { a < b });
            assert!(in_order, "S{server} campaigns in terms {terms:?}");
        }
    }

    /// All lines that servers have written up to now.
    pub fn seen(&mut self) -> &[Line] {
        self.read();
        &self.seen
    }

    /// The last term in which a server has said to be.
    pub fn last_term(&self, server: usize) -> u64 {
        let mut lines = self.seen.iter().rev().filter(|line| line.server == server);
        lines.find_map(Line::term).expect("it has said something")
    }

    /// Stops every server at once, by two signals, and listens to its last words.
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
    pub fn replayed(mut self) -> Report {
        self.terminate();
        let report = replay(&self.traces()).unwrap_or_else(|error| panic!("replay: {error}"));
        assert_eq!(report.on_trust, 0, "every message was sent by a server with a trace");
        for line in self.seen.iter().filter(|line| line.is(Rule::Elected)) {
            let term = Term::new(line.term().expect("a step has a term"));
            let leader = report.elected.get(&term).map(|leader| usize::from(leader.number()));
            assert_eq!(leader, Some(line.server), "in no trace: {}", line.text);
        }
        report
    }

    /// The steps that a server has recorded.
    pub fn records(&self, server: usize) -> Vec<Record> {
        let mut reader = Reader::open(&self.trace(server)).unwrap();
        let lines = std::iter::from_fn(|| reader.next().unwrap());
        let records = lines.filter_map(|(_, line)| match line {
            TraceLine::Header(_) => None,
            TraceLine::Step(record) => Some(record),
        });
        records.collect()
    }

    /// The trace of each server.
    pub fn traces(&self) -> Vec<PathBuf> {
        self.servers().into_iter().map(|server| self.trace(server)).collect()
    }

    fn trace(&self, server: usize) -> PathBuf {
        self.directory.path().join(format!("S{server}.trace"))
    }

    fn signal(&self, server: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.running[&server].child), signal).unwrap();
    }

    /// Waits until a server that got a signal has ended, and reads what it has written.
    fn end(&mut self, server: usize) -> ExitStatus {
        let Running { mut child, log } = self.running.remove(&server).expect("it runs");
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
        log.join().expect("lines are read");
        self.read();
        status
    }

    /// Reads what has been written up to now.
    fn read(&mut self) {
        self.seen.extend(self.lines.try_iter());
    }

    fn run(&mut self, server: usize, more: &[&str]) {
        let mut command = self.network.command(server, raft_node());
        command.args(["run", "--cluster", NAME, "--id", &server.to_string()]);
        for other in 1..=self.size {
            command.arg(format!("--server={other}={}", self.network.address(other, server)));
        }
        command.args(["--protocol", self.protocol.name()]);
        let (min, max) = self.timing.election();
        command.args(["--heartbeat", &HEARTBEAT.to_string()]);
        command.args(["--election", &format!("{min}..{max}")]);
        command.arg("--data").arg(self.directory.path().join(format!("S{server}")));
        command.arg("--trace").arg(self.trace(server)).arg("--trace-required").args(more);
        // Every step, also those that change nothing: so a server that is content is heard too.
        let mut child = command.env("RAFT_LOG", "debug").stderr(Stdio::piped()).spawn().unwrap();
        let (stderr, sender) = (child.stderr.take().unwrap(), self.sender.clone());
        let log = std::thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                // The test may have ended.
                let _ = sender.send(Line { server, text });
            }
        });
        self.running.insert(server, Running { child, log });
        self.wait_for(&format!("S{server} to start"), |line| {
            assert!(!line.text.starts_with("error:"), "S{}: {}", line.server, line.text);
            line.server == server && line.is(Rule::Started)
        });
    }
}

impl<N> Drop for Cluster<N> {
    fn drop(&mut self) {
        for running in self.running.values_mut() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        if std::thread::panicking() {
            self.seen.extend(self.lines.try_iter());
            let log = self.seen.iter().fold(String::new(), |mut log, Line { server, text }| {
                let _ = writeln!(log, "S{server} {text}");
                log
            });
            self.directory.disable_cleanup(true);
            let path = self.directory.path().display();
            let _ = std::fs::write(self.directory.path().join("log"), log);
            eprintln!("kept: {path}/log, and for `raft-model replay`: {path}/*.trace");
        }
    }
}
