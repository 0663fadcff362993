//! `raft-node cluster`: what it says without a terminal, and what it leaves behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_model::trace::reader::Reader;
use raft_model::trace::replay::replay;
use raft_model::trace::{Header, Line};
use raft_model::types::Term;
use rustix::process::{Pid, Signal, kill_process};
use support::node::raft_node;
use tempfile::TempDir;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster that runs, with its traces in `directory/traces` and everything else in
/// `directory/temporary`.
struct Demonstration {
    parent: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    directory: TempDir,
}

/// Who leads, as a line says.
struct Leader {
    server: String,
    term: u64,
    process: i32,
}

fn command(directory: &TempDir) -> Command {
    let temporary = directory.path().join("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = Command::new(raft_node());
    command.arg("cluster").arg("--trace").arg(directory.path().join("traces"));
    command.env("TMPDIR", temporary);
    command
}

impl Demonstration {
    fn start() -> Self {
        Self::with(&[])
    }

    /// The same with more arguments.
    fn with(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command(&directory);
        let mut parent = command.args(more).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(parent.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { parent, lines, seen: Vec::new(), directory }
    }

    /// The first line in which this is found, of those that were and those to come.
    fn wait_for<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        if let Some(found) = self.seen.iter().find_map(|line| find(line)) {
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(patience) else {
                panic!("waited in vain for {what}:\n{}", self.seen.join("\n"));
            };
            let found = find(&line);
            self.seen.push(line);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// The first leader in a term after this one.
    fn leader(&mut self, after: u64) -> Leader {
        self.wait_for("a leader", |line| leader(line).filter(|leader| leader.term > after))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.parent), signal).unwrap();
    }

    /// How it ends, which it does soon.
    fn exit_code(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("the end of the program", || {
            status = self.parent.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    fn traces(&self) -> [PathBuf; 3] {
        [1, 2, 3].map(|n| self.directory.path().join(format!("traces/S{n}.trace")))
    }

    /// What the trace of a server begins with.
    fn header(trace: &Path) -> Header {
        let (_, line) = Reader::open(trace).unwrap().next().unwrap().unwrap();
        let Line::Header(header) = line else { panic!("a trace begins with a header") };
        header
    }

    /// The addresses of the servers, S1 first.
    fn addresses(&self) -> Vec<String> {
        Self::header(&self.traces()[0]).addresses
    }

    /// Waits until no server is there any more: its address is free then, whoever waits for its
    /// process.
    fn wait_until_gone(&self) {
        let addresses = self.addresses();
        assert_eq!(addresses.len(), 3);
        for address in addresses {
            eventually(&address, || UdpSocket::bind(&address).is_ok());
        }
    }

    fn is_tidy(&self) -> bool {
        fs::read_dir(self.directory.path().join("temporary")).unwrap().next().is_none()
    }
}

impl Drop for Demonstration {
    fn drop(&mut self) {
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}

fn leader(line: &str) -> Option<Leader> {
    let (before, after) = line.split_once(" leads in term ")?;
    let (term, _) = after.split_once(',')?;
    let (_, process) = after.split_once("; process ")?;
    let server = before.split(' ').next_back()?.to_owned();
    Some(Leader { server, term: term.parse().ok()?, process: process.parse().ok()? })
}

fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happens() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pid(process: i32) -> Pid {
    Pid::from_raw(process).unwrap()
}

#[test]
fn a_killed_leader_is_replaced_and_comes_back_and_all_of_it_replays() {
    let mut cluster = Demonstration::start();
    let old = cluster.leader(0);
    kill_process(pid(old.process), Signal::KILL).unwrap();
    let new = cluster.leader(old.term);
    let server = &old.server;
    let comes_back = format!(" {server} runs again");
    cluster.wait_for("the killed server to run", |line| line.contains(&comes_back).then_some(()));
    // On a slow machine, it may be the one that is elected.
    let roles =
        [" is a follower in term ", " leads in term "].map(|role| format!(" {server}{role}"));
    cluster.wait_for("the killed server to reach the new term", |line| {
        let (_, rest) = roles.iter().find_map(|role| line.split_once(role))?;
        let term: u64 = rest.split(',').next()?.parse().ok()?;
        (term >= new.term).then_some(())
    });
    let killed = format!(" {server} (process {}) was killed by SIGKILL", old.process);
    assert!(cluster.seen.iter().any(|line| line.contains(&killed)), "{:?}", cluster.seen);
    cluster.wait_for("why leadership moved", |line| {
        let (_, candidate) = line.split_once(" heard nothing for ")?;
        let (_, term) = candidate.split_once(" ms, and is a candidate in term ")?;
        (term.parse::<u64>().ok()? > old.term).then_some(())
    });

    cluster.signal(Signal::INT);
    assert_eq!(cluster.exit_code(), Some(0));
    cluster.wait_for("how to replay", |line| line.contains("raft-model replay").then_some(()));
    cluster.wait_until_gone();
    assert!(cluster.is_tidy());

    let report = replay(&cluster.traces()).unwrap();
    assert_eq!((report.runs, report.on_trust), (4, 0));
    for leader in [old, new] {
        let elected = report.elected[&Term::new(leader.term)];
        assert_eq!(elected.to_string(), leader.server);
    }
}

#[test]
fn a_leader_that_is_stopped_hands_over() {
    let mut cluster = Demonstration::with(&["--election", "1500..3000"]);
    let old = cluster.leader(0);
    kill_process(pid(old.process), Signal::TERM).unwrap();
    let next = old.term + 1;
    let goes = format!("; it no longer leads in term {}: it has handed over", old.term);
    cluster.wait_for("the leader to go", |line| line.ends_with(&goes).then_some(()));
    let comes = format!(" takes over from {}, and is a candidate in term {next}", old.server);
    cluster.wait_for("another to come", |line| line.ends_with(&comes).then_some(()));
    assert_eq!(cluster.leader(old.term).term, next);
    cluster.signal(Signal::INT);
    assert_eq!(cluster.exit_code(), Some(0));
}

#[test]
fn all_its_servers_have_the_protocol_that_it_is_given() {
    for (arguments, protocol) in
        [(&[][..], Protocol::GUARDED), (&["--protocol", "figure2"], Protocol::FIGURE2)]
    {
        let mut cluster = Demonstration::with(arguments);
        cluster.leader(0);
        let protocols = cluster.traces().map(|trace| Demonstration::header(&trace));
        assert_eq!(protocols.map(|header| header.servers.protocol()), [protocol; 3]);
    }
}

#[test]
fn its_servers_are_told_who_is_a_witness_and_how_wrong_clocks_may_be() {
    let mut cluster = Demonstration::with(&["--witness", "3", "--clock-error", "0.05"]);
    cluster.leader(0);
    for trace in cluster.traces() {
        let witnesses = Demonstration::header(&trace).servers.witnesses();
        assert_eq!(witnesses.to_string(), "{S3}", "{}", trace.display());
    }
    let command = fs::read(format!("/proc/{}/cmdline", cluster.leader(0).process)).unwrap();
    let words = String::from_utf8(command).unwrap().replace('\0', " ");
    assert!(words.contains("--clock-error 0.05 "), "{words}");
}

#[test]
fn sigterm_and_sighup_end_it_with_0_and_leave_nothing_behind() {
    for signal in [Signal::TERM, Signal::HUP] {
        let mut cluster = Demonstration::start();
        cluster.leader(0);
        cluster.signal(signal);
        assert_eq!(cluster.exit_code(), Some(0), "{signal:?}");
        cluster.wait_until_gone();
        assert!(cluster.is_tidy(), "{signal:?}");
    }
}

#[test]
fn a_second_signal_that_comes_later_kills_who_does_not_stop() {
    let mut cluster = Demonstration::start();
    let leader = cluster.leader(0);
    kill_process(pid(leader.process), Signal::STOP).unwrap();
    cluster.signal(Signal::TERM);
    cluster.signal(Signal::TERM); // as `timeout` does: to the program, and to its group
    let number: usize = leader.server[1..].parse().unwrap();
    let other = &cluster.addresses()[if number == 1 { 1 } else { 0 }];
    eventually("the others to stop", || UdpSocket::bind(other).is_ok());
    assert!(cluster.parent.try_wait().unwrap().is_none(), "two at once are one");

    eventually("a signal that comes later", || {
        cluster.signal(Signal::INT);
        cluster.parent.try_wait().unwrap().is_some()
    });
    assert_eq!(cluster.exit_code(), Some(1));
    cluster.wait_until_gone();
    assert!(cluster.is_tidy());
}

#[test]
fn no_server_outlives_it() {
    let mut cluster = Demonstration::start();
    cluster.leader(0);
    cluster.signal(Signal::KILL);
    assert_eq!(cluster.exit_code(), None);
    cluster.wait_until_gone();
}

#[test]
fn it_ends_when_nobody_reads_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let mut parent = command(&directory).stdout(Stdio::piped()).spawn().unwrap();
    drop(parent.stdout.take());
    let mut status = None;
    eventually("its end", || {
        status = parent.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

fn fails(command: &mut Command, code: i32, words: &[&str]) {
    let Output { status, stderr, .. } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in: {stderr}");
    }
}

#[test]
fn traces_that_are_there_already_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("traces/S2.trace");
    fs::create_dir(directory.path().join("traces")).unwrap();
    fs::write(&trace, "Dear diary\n").unwrap();
    let traces = directory.path().join("traces");
    fails(&mut command(&directory), 2, &[traces.to_str().unwrap(), "--trace another directory"]);
    assert!(fs::read_dir(directory.path().join("temporary")).unwrap().next().is_none());
    assert_eq!(fs::read_dir(traces).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(&trace).unwrap(), "Dear diary\n");
}

#[test]
fn a_place_for_traces_that_is_no_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let traces = directory.path().join("traces");
    fs::write(&traces, "Dear diary\n").unwrap();
    let words = [traces.to_str().unwrap(), "no directory for traces", "--trace another directory"];
    fails(&mut command(&directory), 2, &words);
}

#[test]
fn bad_input_exits_with_2_and_starts_nothing() {
    let table: [(&[&str], &[&str]); 7] = [
        (&["--size", "0"], &["--size", "1..=7"]),
        (&["--size", "8"], &["--size", "1..=7"]),
        (&["--heartbeat", "100"], &["heartbeat of 100ms", "150ms"]),
        (&["--election", "soon"], &["soon", "150..225"]),
        (&["--protocol", "paxos"], &["\"paxos\" is no protocol"]),
        (&["--witness", "4"], &["S4 cannot be a witness", "Correct --witness"]),
        (&["--clock-error", "100"], &["less than 100 percent"]),
    ];
    for (more, words) in table {
        let directory = tempfile::tempdir().unwrap();
        fails(command(&directory).args(more), 2, words);
        assert!(!directory.path().join("traces").exists());
    }
}
