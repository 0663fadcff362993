//! What takes long says how far it is, where nobody sits at a terminal; and it ends as it is asked.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::{binary, solvers};

/// For how long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that takes long. It does not outlive its test.
struct Long(Child);

impl Long {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(binary::built("raft-model"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("raft-model starts"))
    }

    /// The first line that it says beside its report.
    fn first_line(&mut self) -> String {
        let stderr: ChildStderr = self.0.stderr.take().expect("piped");
        let (send, line) = mpsc::channel();
        thread::spawn(move || send.send(BufReader::new(stderr).lines().next()));
        let line = line.recv_timeout(PATIENCE).expect("it says something");
        line.expect("it does not end before that").expect("UTF-8")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("it runs");
    }

    /// Waits until it heeds signals.
    fn heeds_signals(&self) {
        let deadline = Instant::now() + PATIENCE;
        let status = format!("/proc/{}/status", self.0.id());
        loop {
            let status = fs::read_to_string(&status).expect("it runs");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = u64::from_str_radix(caught.expect("a mask").trim(), 16).expect("a mask");
            let is_caught = |signal: Signal| caught & (1 << (signal.as_raw() - 1)) != 0;
            if is_caught(Signal::INT) && is_caught(Signal::TERM) {
                return;
            }
            assert!(Instant::now() < deadline, "it does not heed signals");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Long {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_engine_says_how_far_it_is() {
    let engines: [(&str, &[&str]); 4] = [
        ("timely", &["--no-reduce"]),
        ("stateright", &["--no-reduce"]),
        ("world", &[]),
        ("actor", &[]),
    ];
    let mut all = engines.map(|(engine, and)| {
        let large = ["check", "--servers", "5", "--max-term", "4", "--engine", engine];
        (engine, Long::start(&[&large[..], and].concat()))
    });
    for (engine, long) in &mut all {
        let line = long.first_line();
        assert!(line.contains(" s: level ") && line.contains(" states, "), "{engine}: {line}");
    }
}

#[test]
fn the_hunt_for_mutants_says_which_of_how_many() {
    let line = Long::start(&["mutants"]).first_line();
    assert!(line.contains(" s: mutant ") && line.contains(" of 9"), "{line}");
}

#[test]
fn a_proof_says_how_many_answers_it_has() {
    if solvers::are_there() {
        let line = Long::start(&["prove", "--solver", "both"]).first_line();
        assert!(line.contains(" s: ") && line.ends_with(" answers"), "{line}");
    }
}

#[test]
fn signals_that_come_together_end_a_search_with_its_table() {
    // As `timeout` in a terminal does it.
    let mut long =
        Long::start(&["check", "--servers", "5", "--max-term", "3", "--engine", "world"]);
    long.heeds_signals();
    for signal in [Signal::TERM, Signal::TERM, Signal::INT] {
        long.signal(signal);
    }
    let mut table = String::new();
    long.0.stdout.take().expect("piped").read_to_string(&mut table).expect("UTF-8");
    let status = long.0.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{status}: {table}");
    assert!(table.contains("This check is not exhaustive: it was interrupted."), "{table}");
}

#[test]
fn a_table_of_growth_that_is_interrupted_shows_what_it_has() {
    let mut long = Long::start(&["growth", "--servers", "7", "--budget", "100000"]);
    long.heeds_signals();
    long.signal(Signal::INT);
    let mut table = String::new();
    long.0.stdout.take().expect("piped").read_to_string(&mut table).expect("UTF-8");
    let status = long.0.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{status}: {table}");
    assert!(table.contains("This table is NOT complete: it was interrupted."), "{table}");
}

#[test]
fn memory_is_limited_without_being_asked_for() {
    let small = ["check", "--servers", "2", "--json"];
    let output = Command::new(binary::built("raft-model")).args(small).output().unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one JSON object");
    let limit = report["memory_limit_bytes"].as_u64().expect("a limit");
    let machine = fs::read_to_string("/proc/meminfo").expect("Linux");
    let total = machine.lines().find_map(|line| line.strip_prefix("MemTotal:")).expect("a total");
    let total: u64 = total.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(limit > 0 && limit <= total * 1024 / 4 * 3, "{limit} of {total} KiB");
}
