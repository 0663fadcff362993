//! What `raft-node` says when it cannot run: the exit code, and a message that names the input and
//! what is wrong with it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use raft_node::control::Client;
use rustix::process::{Pid, Signal, kill_process};
use support::node::{free_addresses, raft_node};

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// The arguments of the only server of a cluster, at a free address.
fn lone(data: &Path) -> Vec<String> {
    let address = free_addresses(1)[0];
    let text = format!("run --cluster test --id 1 --server 1={address} --data");
    let data = data.to_str().unwrap().to_owned();
    text.split(' ').map(str::to_owned).chain([data]).collect()
}

fn run(arguments: &[String], more: &[&str]) -> Output {
    Command::new(raft_node()).args(arguments).args(more).output().unwrap()
}

/// Runs it, and expects this exit code and all these words on stderr.
fn fails(arguments: &[String], more: &[&str], code: i32, words: &[&str]) {
    let output = run(arguments, more);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{more:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{more:?}: no {word:?} in: {stderr}");
    }
}

/// The leader of a cluster of one. It dies with this value.
struct Started {
    child: Child,
    arguments: Vec<String>,
}

impl Started {
    /// Starts it on this data. When another process has just taken its address, it tries another;
    /// nothing has been bootstrapped then.
    fn new(data: &Path) -> Self {
        Self::leading(data, &[])
    }

    /// The same with more arguments.
    fn leading(data: &Path, more: &[&str]) -> Self {
        Self::when(data, more, "it leads", |started| started.leads(data))
    }

    /// The same, when it has said this word in its log.
    fn saying(data: &Path, more: &[&str], word: &str) -> Self {
        Self::when(data, more, word, |started| started.says(word))
    }

    fn when(
        data: &Path,
        more: &[&str],
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> Self {
        let attempts = (0..10).find_map(|_| {
            let arguments = lone(data);
            let mut command = Command::new(raft_node());
            command.args(&arguments).args(more).arg("--bootstrap").env_remove("RAFT_LOG");
            let child = command.stderr(Stdio::piped()).spawn().unwrap();
            let mut started = Self { child, arguments };
            is_so(&mut started).then_some(started)
        });
        attempts.unwrap_or_else(|| panic!("not one of ten servers, ever: {what:?}"))
    }

    /// Asks it until it leads; false if it ends before.
    fn leads(&mut self, data: &Path) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            let client = Client::connect(data, PATIENCE);
            if client.and_then(|mut it| it.status()).is_ok_and(|it| it.status.is_leader()) {
                return true;
            }
            assert!(Instant::now() < deadline, "it does not lead");
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Reads its log until this word; false if it ends before.
    fn says(&self, word: &str) -> bool {
        self.log_until(word).last().is_some_and(|line| line.contains(word))
    }

    /// Its log until this word, or its end.
    fn log_until(&self, word: &str) -> Vec<String> {
        let stderr = self.child.stderr.as_ref().unwrap().as_fd().try_clone_to_owned().unwrap();
        let (sender, said) = channel();
        let wanted = word.to_owned();
        std::thread::spawn(move || {
            let mut seen = Vec::new();
            for line in BufReader::new(File::from(stderr)).lines().map_while(Result::ok) {
                let is_last = line.contains(&wanted);
                seen.push(line);
                if is_last {
                    break;
                }
            }
            sender.send(seen)
        });
        said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("waited in vain for {word:?}"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_shows_three_servers() {
    let output = run(&["run".into(), "--help".into()], &[]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--id 3 --data /tmp/demo3"));
}

#[test]
fn bad_input_is_named_and_exits_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let lone = lone(dir.path());
    let same = lone.iter().find_map(|it| Some(format!("2={}", it.strip_prefix("1=")?))).unwrap();
    let table: [(&[&str], &[&str]); 15] = [
        (&["--id", "2"], &["cannot be used multiple times"]),
        (&["--server", "1=127.0.0.1:7009"], &["server 1 is given twice", "--server"]),
        (&["--server", "3=127.0.0.1:7009"], &["server 2 is missing", "--server"]),
        (&["--server", "2=local host:7009"], &["local host:7009", "is not an address such as"]),
        (&["--server", "2=127.0.0.1:70090"], &["127.0.0.1:70090", "port from 1 to 65535"]),
        (&["--server", "2=127.0.0.1"], &["127.0.0.1", "has no port"]),
        (&["--server", &same], &["servers 1 and 2 have the same address", "--server"]),
        (&["--server", "2=10.1.2.3:7009"], &["server 2 at 10.1.2.3:7009 is not on it"]),
        (&["--server", "two=127.0.0.1:7009"], &["\"two\" is not the number of a server"]),
        (&["--server", "2=127.0.0.1:0"], &["server 2 at 127.0.0.1:0"]),
        (&["--heartbeat", "0"], &["heartbeat", "at least 1 ms", "Correct --heartbeat"]),
        (&["--heartbeat", "100"], &["heartbeat of 100ms", "150ms"]),
        (&["--election", "300..150"], &["300ms", "150ms", "Correct --election"]),
        (&["--election", "soon"], &["soon", "150..225"]),
        (&["--protocol", "paxos"], &["\"paxos\" is no protocol", "guarded, which is both"]),
    ];
    for (more, words) in table {
        fails(&lone, more, 2, words);
    }
    assert!(!dir.path().join("lock").exists(), "bad input touches no data");
}

#[test]
fn an_id_outside_the_cluster_exits_with_2() {
    let mut arguments = lone(Path::new("unused"));
    let id = arguments.iter().position(|argument| argument == "--id").unwrap();
    arguments[id + 1] = "2".into();
    fails(&arguments, &[], 2, &["id 2", "one of the 1 servers", "Correct --id"]);
    arguments[id + 1] = "one".into();
    fails(&arguments, &[], 2, &["\"one\" is not the number of a server"]);
}

#[test]
fn an_unknown_log_level_exits_with_2() {
    let mut command = Command::new(raft_node());
    let output = command.args(lone(Path::new("unused"))).env("RAFT_LOG", "loud").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("loud"));
}

#[test]
fn a_server_without_a_ballot_asks_for_bootstrap() {
    let dir = tempfile::tempdir().unwrap();
    fails(&lone(dir.path()), &[], 3, &["there is no ballot", "--data", "--bootstrap"]);
    assert!(!dir.path().join("lock").exists());
}

#[test]
fn a_server_with_a_ballot_refuses_bootstrap() {
    let dir = tempfile::tempdir().unwrap();
    drop(Started::new(dir.path()));
    fails(
        &lone(dir.path()),
        &["--bootstrap"],
        3,
        &["there is a ballot already", "without --bootstrap"],
    );
}

#[test]
fn a_ballot_of_another_cluster_says_what_to_correct() {
    let dir = tempfile::tempdir().unwrap();
    drop(Started::new(dir.path()));
    let mut arguments = lone(dir.path());
    let name = arguments.iter().position(|argument| argument == "test").unwrap();
    arguments[name] = "other".into();
    let words = ["of cluster \"test\"", "not of", "\"other\"", "Correct --data, or --cluster."];
    fails(&arguments, &[], 3, &words);
}

#[test]
fn a_ballot_of_another_protocol_says_what_to_correct() {
    let dir = tempfile::tempdir().unwrap();
    drop(Started::leading(dir.path(), &["--protocol", "figure2"]));
    let words = ["(figure2, no witness), not", "(guarded, no witness)", "or --protocol."];
    fails(&lone(dir.path()), &[], 3, &words);
}

#[test]
fn a_directory_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Started::new(dir.path());
    fails(
        &lone(dir.path()),
        &[],
        1,
        &[dir.path().to_str().unwrap(), "another process", "--data of its own"],
    );
}

#[test]
fn an_address_in_use_is_refused_and_leaves_nothing_bootstrapped() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = Started::new(dirs[0].path());
    let mut arguments = first.arguments.clone();
    *arguments.last_mut().unwrap() = dirs[1].path().to_str().unwrap().into();
    fails(&arguments, &["--bootstrap"], 1, &["cannot receive at 127.0.0.1:", "in use"]);
    assert!(!dirs[1].path().join("ballot").exists());
}

#[test]
fn a_trace_that_cannot_be_used_leaves_nothing_bootstrapped() {
    let dir = tempfile::tempdir().unwrap();
    let diary = dir.path().join("diary");
    fs::write(&diary, "Dear diary\n").unwrap();
    for (trace, code) in [(diary.to_str().unwrap(), 3), ("/nowhere/trace", 1)] {
        fails(&lone(dir.path()), &["--trace", trace, "--bootstrap"], code, &[trace, "--trace"]);
        assert!(!dir.path().join("ballot").exists());
    }
}

#[test]
fn a_server_that_has_a_trace_refuses_bootstrap() {
    let dir = tempfile::tempdir().unwrap();
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    let trace = trace.to_str().unwrap();
    drop(Started::leading(&data, &["--trace", trace]));
    let again = ["--trace", trace, "--bootstrap"];
    fails(&lone(&data), &again, 3, &["there is a ballot already"]);
    fs::remove_dir_all(&data).unwrap();
    let words = [
        trace,
        "server 1 has run before",
        "keep this server out",
        "remove the trace",
        "check --data",
    ];
    fails(&lone(&data), &again, 3, &words);
    assert!(!data.join("ballot").exists());
}

#[test]
fn the_log_says_who_leads() {
    let dir = tempfile::tempdir().unwrap();
    drop(Started::saying(
        dir.path(),
        &[],
        "rule=Elected term=1 role=leader voted_for=S1 leader=S1",
    ));
}

#[test]
fn a_server_that_nobody_answers_says_so_more_and_more_seldom() {
    let dir = tempfile::tempdir().unwrap();
    let silent = format!("2={}", free_addresses(1)[0]);
    let mut log = Vec::new();
    let more = ["--server", &silent, "--heartbeat", "4", "--election", "10..20"];
    Started::when(dir.path(), &more, "16 elections", |started| {
        log = started.log_until("elections_begun=16");
        log.last().is_some_and(|line| line.contains("elections_begun=16"))
    });
    let elections: Vec<_> = log.iter().filter(|line| line.contains("rule=PreCampaigned")).collect();
    assert_eq!(elections.len(), 5, "1, 2, 4, 8, 16: {log:#?}");
}

#[test]
fn what_cannot_be_sent_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let everybody = "127.255.255.255:7009"; // only with leave
    let server = format!("2={everybody}");
    let warning = format!("datagrams not sent to=S2 address={everybody} error=\"Permission denied");
    drop(Started::saying(dir.path(), &["--server", &server], &warning));
}

#[test]
fn sigint_and_sigterm_end_it_with_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Started::new(dir.path());
        server.signal(signal);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn who_waits_for_a_name_or_an_address_waits_until_it_is_told_to_stop() {
    let name = format!("2={}:7000", "x".repeat(64)); // longer than names can be
    let address = ["--listen", "192.0.2.1:7000", "--wait-for-address", "60"]; // of examples
    for (more, word) in
        [(&["--server", &name][..], "no address yet for"), (&address, "is not there yet")]
    {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Started::saying(dir.path(), more, word);
        assert!(server.child.try_wait().unwrap().is_none(), "it waits, and says so: {word}");
        server.signal(Signal::TERM);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{word}");
    }
}

#[test]
fn its_last_words_are_what_it_counted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Started::new(dir.path());
    server.signal(Signal::TERM);
    assert!(server.says("stopped: sent=0 not_sent=0 received=0 errors=0"));
}

#[test]
fn a_closed_stderr_does_not_end_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Started::new(dir.path());
    drop(server.child.stderr.take());
    server.signal(Signal::TERM); // it logs that it stops
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
