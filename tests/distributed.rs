//! One search by several processes, here on one machine: start each with the same arguments, a file
//! of hosts, and its own number. And what happens when one of them is missing, lost or silent.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use support::binary;
use support::namespaces::Namespaces;
use support::network::{Faulty, Network};
use support::skipped::skip;
use support::waiting::eventually;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir, tempdir};

/// A file that names so many free addresses of this machine, one a line.
fn hosts(count: usize) -> NamedTempFile {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let lines = listeners.iter().map(|listener| format!("{}\n", listener.local_addr().unwrap()));
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), lines.collect::<String>()).unwrap();
    file
}

/// A running process, which does not outlive its test.
struct Running(Option<Child>);

impl Running {
    fn end(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }

    fn signal(&self, signal: Signal) {
        let id = self.0.as_ref().unwrap().id();
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(arguments: &[&str]) -> Running {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("check").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(Some(command.spawn().expect("raft-model starts")))
}

/// Starts the process of this number.
fn start_one_of(hosts: &NamedTempFile, process: usize, arguments: &[&str]) -> Running {
    let process = process.to_string();
    let hosts = hosts.path().to_str().unwrap();
    start(&[arguments, &["--hosts", hosts, "--process", &process]].concat())
}

fn report(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// A search that takes longer than any test.
const LONG: [&str; 8] =
    ["--servers", "5", "--max-term", "3", "--no-reduce", "--workers", "1", "--json"];

#[test]
fn an_address_that_cannot_be_is_refused_at_once() {
    let table = [
        ("127.0.0.1:7101\n127.0.0.1:71010\n", "line 2: \"127.0.0.1:71010\" has the port \"71010\""),
        ("127.0.0.1:7101\n127.0.0.1:0\n", "line 2: \"127.0.0.1:0\" has the port \"0\""),
        ("127.0.0.1\n127.0.0.1:7102\n", "line 1: \"127.0.0.1\" has no port"),
        (
            "127.0.0.1:7101\n\nno.such.name.invalid:7102\n",
            "line 3: \"no.such.name.invalid:7102\" is",
        ),
        ("127.0.0.1:7101\nlocalhost:7101\n", "line 2: \"localhost:7101\" is also in line 1"),
    ];
    for (text, words) in table {
        let hosts = NamedTempFile::new().unwrap();
        fs::write(hosts.path(), text).unwrap();
        let output = start_one_of(&hosts, 0, &["--peer-timeout", "100"]).end();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        let name = hosts.path().to_str().unwrap();
        assert!(stderr.contains(&format!("{name}, {words}")), "no {words:?} in: {stderr}");
    }
}

#[test]
fn three_processes_find_what_one_finds() {
    for reduced in
        ["--no-reduce=all", "--no-reduce=messages", "--no-reduce=symmetry", "--fingerprints"]
    {
        let arguments =
            ["--servers", "3", "--max-term", "2", "--replies", "useful", "--json", reduced];
        let alone = report(&start(&[&arguments[..], &["--workers", "1"]].concat()).end());
        let hosts = hosts(3);
        let together: Vec<_> = (0..3)
            .map(|process| {
                start_one_of(&hosts, process, &[&arguments[..], &["--workers", "2"]].concat())
            })
            .collect();
        for process in together {
            let found = report(&process.end());
            for key in ["states", "edges", "depth", "levels", "exhaustive", "properties"] {
                assert_eq!(found[key], alone[key], "{key} with {reduced}");
            }
            assert_eq!(found["workers"], 6);
        }
    }
}

/// What a process says that ends without a verdict.
fn no_verdict(output: &Output) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(4), "{error}");
    assert!(output.stdout.is_empty(), "no verdict is printed");
    error
}

#[test]
fn a_missing_process_is_named_after_a_while() {
    let hosts = hosts(2);
    let alone = start_one_of(&hosts, 0, &["--peer-timeout", "1"]);
    let error = no_verdict(&alone.end());
    assert!(error.contains("process 1 (127.0.0.1:"), "{error}");
    assert!(error.contains("did not come within 1 s"), "{error}");
}

#[test]
fn processes_that_check_different_things_name_what_differs() {
    let hosts = hosts(2);
    let one = start_one_of(&hosts, 0, &["--max-term", "1"]);
    let other = start_one_of(&hosts, 1, &["--max-term", "2"]);
    for (process, there, here) in [(one, "2", "1"), (other, "1", "2")] {
        let output = process.end();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        let what = format!("its range of terms is up to {there}, and here it is up to {here}");
        assert!(error.contains("runs another check: ") && error.contains(&what), "{error}");
    }
}

#[test]
fn a_process_that_dies_ends_the_search_of_the_others() {
    let hosts = hosts(2);
    let survivor = start_one_of(&hosts, 0, &LONG);
    let victim = start_one_of(&hosts, 1, &LONG);
    thread::sleep(Duration::from_secs(3)); // they are in the middle of it
    victim.signal(Signal::KILL);
    let error = no_verdict(&survivor.end());
    assert!(error.contains("another process is gone"), "{error}");
}

#[test]
fn a_process_that_falls_silent_ends_the_search_of_the_others() {
    let hosts = hosts(2);
    let arguments = [&LONG[..], &["--peer-timeout", "3"]].concat();
    let survivor = start_one_of(&hosts, 0, &arguments);
    let victim = start_one_of(&hosts, 1, &arguments);
    thread::sleep(Duration::from_secs(2));
    victim.signal(Signal::STOP);
    let error = no_verdict(&survivor.end());
    assert!(error.contains("another process has been silent for 3 s"), "{error}");
}

#[test]
fn ctrl_c_ends_all_processes_and_says_what_was_covered() {
    let hosts = hosts(2);
    let (one, other) = (start_one_of(&hosts, 0, &LONG), start_one_of(&hosts, 1, &LONG));
    thread::sleep(Duration::from_secs(3));
    one.signal(Signal::INT);
    for output in [one.end(), other.end()] {
        assert_eq!(output.status.code(), Some(130));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["stopped"], "interrupted");
        assert_eq!(found["exhaustive"], false);
        assert!(found["states"].as_u64().unwrap() > 0);
        assert_eq!(found["properties"][0]["holds"], Value::Null);
    }
}

/// A search that takes a few seconds on disk, and what it finds in memory.
const SHORT: [&str; 7] =
    ["--servers", "3", "--replies", "useful", "--no-reduce", "--workers=1", "--json"];

/// How many levels a process has finished.
fn levels(folder: &Path) -> Option<usize> {
    let text = fs::read_to_string(folder.join("checkpoint.json")).ok()?;
    let checkpoint: Value = serde_json::from_str(&text).expect("it is replaced as a whole");
    Some(checkpoint["finished"].as_array().expect("the finished levels").len())
}

/// Two processes with a folder each.
struct Pair {
    folders: [TempDir; 2],
    hosts: NamedTempFile,
}

impl Pair {
    fn new(hosts: NamedTempFile) -> Self {
        Self { folders: [(); 2].map(|()| tempdir().unwrap()), hosts }
    }

    /// Starts both, each by its own command.
    fn start(&self, command: impl Fn(usize) -> Command, options: &[&str]) -> [Running; 2] {
        [0, 1].map(|process| {
            let mut command = command(process);
            command.arg("check").args(SHORT).args(options).arg("--disk");
            command.arg(self.folders[process].path()).arg("--hosts").arg(self.hosts.path());
            command.args(["--process", &process.to_string()]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            Running(Some(command.spawn().expect("raft-model starts")))
        })
    }

    /// Waits until both have finished so many levels.
    fn have_finished(&self, expected: usize) {
        for folder in &self.folders {
            let has = || levels(folder.path()).filter(|finished| *finished >= expected);
            eventually("finished levels", has);
        }
    }

    /// They go on, from what was written before, and find what one finds in memory.
    fn go_on(&self, command: impl Fn(usize) -> Command) {
        let written = |folder: &TempDir| {
            fs::metadata(folder.path().join("level-2.run")).unwrap().modified().unwrap()
        };
        let before = self.folders.each_ref().map(written);
        let alone = report(&start(&SHORT).end());
        for process in self.start(command, &["--resume"]) {
            let found = report(&process.end());
            for key in ["states", "edges", "depth", "levels", "exhaustive", "properties"] {
                assert_eq!(found[key], alone[key], "{key}");
            }
            assert_eq!((&found["engine"], &found["workers"]), (&"disk".into(), &2.into()));
        }
        assert_eq!(self.folders.each_ref().map(written), before, "they began anew");
    }
}

/// The folder of one of them also loses its last level: they go on from the one before.
#[test]
fn processes_on_disk_of_which_one_is_killed_go_on_from_what_all_have() {
    let pair = Pair::new(hosts(2));
    let command = |_| Command::new(binary::built("raft-model"));
    let [survivor, victim] = pair.start(command, &[]);
    pair.have_finished(6);
    victim.signal(Signal::KILL);
    let error = no_verdict(&survivor.end());
    assert!(error.contains("another process is gone"), "{error}");
    drop(victim);
    let folder = pair.folders[0].path();
    let newest = || levels(folder).map(|finished| format!("level-{}.run", finished + 1));
    fs::remove_file(folder.join(newest().unwrap())).unwrap();
    pair.go_on(command);
}

#[test]
fn processes_on_disk_whose_link_is_severed_both_end_and_go_on_when_it_is_mended() {
    if let Err(reason) = Namespaces::permitted() {
        skip(&reason, "run it as root, with iproute2");
        return;
    }
    let mut network = Namespaces::new(2);
    let file = NamedTempFile::new().unwrap();
    let addresses = [1, 2].map(|server| format!("{}\n", network.address(server, server)));
    fs::write(file.path(), addresses.concat()).unwrap();
    let pair = Pair::new(file);
    let program = binary::built("raft-model");
    let both = pair.start(|process| network.command(process + 1, &program), &["--peer-timeout=3"]);
    pair.have_finished(6);
    network.partition(&[&[1], &[2]]);
    for process in both {
        let error = no_verdict(&process.end());
        assert!(error.contains("another process has been silent for 3 s"), "{error}");
    }
    network.heal();
    pair.go_on(|process| network.command(process + 1, &program));
}
