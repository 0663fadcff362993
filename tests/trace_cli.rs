//! Traces of running nodes: `raft-node trace start`, `stop` and `rotate`, what SIGHUP does to them,
//! and who may write them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use raft_model::trace::replay::replay;
use raft_node::control::{Client, Snapshot};
use rustix::process::{Pid, Signal, kill_process};
use support::browser::eventually;
use support::cluster::{Cluster, Timing};
use support::network::Loopback;
use support::node::{free_addresses, raft_node};
use tempfile::TempDir;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

fn told(arguments: &[&str], data: &Path) -> Output {
    Command::new(raft_node()).args(arguments).arg("--data").arg(data).output().unwrap()
}

/// A command that succeeds.
#[track_caller]
fn does(arguments: &[&str], data: &Path) -> String {
    let output = told(arguments, data);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A command that the node refuses, in these words.
#[track_caller]
fn refused(arguments: &[&str], data: &Path, words: &str) {
    let output = told(arguments, data);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert!(stderr.contains(words), "{arguments:?}: no {words:?} in {stderr}");
}

fn status(data: &Path) -> Result<Snapshot, String> {
    let client = Client::connect(data, PATIENCE);
    client.and_then(|mut it| it.status()).map_err(|error| error.to_string())
}

fn signal(data: &Path, signal: Signal) {
    let process = i32::try_from(status(data).unwrap().process).unwrap();
    kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
}

/// The only server of a cluster. It dies with this value.
struct Lone {
    child: Child,
    data: PathBuf,
}

impl Lone {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let data = folder.join("data");
        let mut command = Command::new(raft_node());
        command.args(["run", "--cluster=test", "--id=1", "--bootstrap"]).args(more);
        command.arg(format!("--server=1={}", free_addresses(1)[0])).arg("--data").arg(&data);
        let log = File::create(folder.join("log")).unwrap();
        let child = command.env_remove("RAFT_LOG").stderr(log).spawn().unwrap();
        let lone = Self { child, data };
        eventually("it to lead", || match status(&lone.data)?.status.is_leader() {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        });
        lone
    }

    fn trace(&self) -> Option<raft_node::recorder::TraceStatus> {
        status(&self.data).unwrap().trace
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the traces of this folder tell together, given in any order.
fn replayed(folder: &Path, suffix: &str) -> raft_model::trace::replay::Report {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_trace = |path: &PathBuf| path.to_str().unwrap().contains(suffix);
    let mut paths: Vec<_> = paths.filter(is_trace).collect();
    paths.sort();
    paths.reverse();
    replay(&paths).unwrap_or_else(|error| panic!("{paths:?}: {error}"))
}

#[test]
fn a_trace_is_begun_and_ended_while_a_node_runs() {
    let folder = TempDir::new().unwrap();
    let lone = Lone::start(folder.path(), &["--heartbeat=20"]);
    assert_eq!(lone.trace(), None);
    refused(&["trace", "stop"], &lone.data, "writes no trace");
    refused(&["trace", "rotate"], &lone.data, "writes no trace");

    let usual = lone.data.join("trace.jsonl");
    let said = does(&["trace", "start"], &lone.data);
    assert_eq!(said, format!("The node writes a trace to {}.\n", usual.display()));
    let trace = lone.trace().expect("it is being written");
    assert_eq!((Path::new(&trace.file), trace.dropped, trace.ended), (&*usual, 0, None));
    let text = does(&["status"], &lone.data);
    assert!(text.contains(&format!("Trace         {}\n", usual.display())), "{text}");
    refused(&["trace", "start"], &lone.data, "writes a trace already");
    does(&["trace", "stop"], &lone.data);
    assert_eq!(lone.trace(), None);
    let other = folder.path().join("diary");
    fs::write(&other, "Dear diary\n").unwrap();
    let other = other.to_str().unwrap();
    refused(&["trace", "start", other], &lone.data, "not the trace of this server");

    does(&["trace", "start"], &lone.data);
    does(&["trace", "rotate"], &lone.data);
    assert!(lone.data.join("trace.jsonl.1").exists());
    drop(lone);
    let report = replayed(&folder.path().join("data"), "trace.jsonl");
    let ended = "the server went on: it was stopped by an order";
    assert!(report.notes.iter().any(|note| note.ends_with(ended)), "{:?}", report.notes);
}

/// Whoever else rotates logs may do so: nothing is missing.
#[test]
fn nothing_is_missing_in_a_trace_that_was_rotated_in_every_way() {
    let mut cluster: Cluster<Loopback> = Cluster::start(3, Timing::Patient);
    let leadership = cluster.agreed(0, &[1, 2, 3]);
    let folder = cluster.data(1).parent().unwrap().to_owned();
    let data = |server: usize| folder.join(format!("S{server}"));
    let file = |name: &str| folder.join(name);
    let records = |name: &str| fs::read_to_string(file(name)).unwrap_or_default().lines().count();
    let has_records = |name: &str| {
        eventually(name, || if records(name) > 3 { Ok(()) } else { Err("none".to_owned()) });
    };
    for server in 1..=3 {
        does(&["trace", "rotate"], &data(server));
        assert!(records(&format!("S{server}.trace.1")) > 1);
        has_records(&format!("S{server}.trace"));
    }
    refused(&["trace", "stop"], &data(1), "does not stop that");

    fs::rename(file("S1.trace"), file("S1.trace.yesterday")).unwrap();
    signal(&data(1), Signal::HUP);
    has_records("S1.trace");
    signal(&data(2), Signal::HUP);
    eventually("another file", || match file("S2.trace.2").exists() {
        true => Ok(()),
        false => Err("none".to_owned()),
    });
    has_records("S2.trace");

    // Between copy and truncation nothing may be lost here, so the server is paused meanwhile.
    cluster.pause(3);
    fs::copy(file("S3.trace"), file("S3.trace.copy")).unwrap();
    File::options().write(true).open(file("S3.trace")).unwrap().set_len(0).unwrap();
    cluster.resume(3);
    has_records("S3.trace");

    assert!(cluster.agreed(0, &[1, 2, 3]).term >= leadership.term);
    cluster.terminate();
    let report = replayed(&folder, ".trace");
    assert_eq!((report.on_trust, report.runs), (0, 3), "{:?}", report.notes);
    fs::remove_file(file("S2.trace.1")).unwrap();
    let paths = ["S1.trace", "S2.trace", "S2.trace.2"].map(file);
    let report = replay(&paths).unwrap();
    assert!(report.on_trust > 0 && report.notes.len() >= 2, "{:?}", report.notes);
}

#[test]
fn a_trace_of_bounded_size_is_rotated_and_its_oldest_files_are_removed() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let bounds = ["--heartbeat=1", "--trace-size=64K", "--trace-keep=2"];
    let trace_it = ["--trace", trace.to_str().unwrap()];
    // Two servers, of which one is not there: this one asks for ever.
    let everybody = format!("--server=2={}", free_addresses(1)[0]);
    let data = folder.path().join("data");
    let mut command = Command::new(raft_node());
    command.args(["run", "--cluster=test", "--id=1", "--bootstrap", "--election=5..6"]);
    command.args(["--protocol=figure2", &everybody]).args(bounds).args(trace_it);
    command.arg(format!("--server=1={}", free_addresses(1)[0])).arg("--data").arg(&data);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let lone = Lone { child, data };
    let numbered = |number: u32| folder.path().join(format!("trace.{number}"));
    eventually("five files", || match numbered(5).exists() && !numbered(3).exists() {
        true => Ok(()),
        false => Err("not yet".to_owned()),
    });
    assert!(numbered(4).metadata().unwrap().len() <= 64 << 10);
    assert_eq!(lone.trace().unwrap().dropped, 0);
    drop(lone);
    let report = replayed(folder.path(), "/trace");
    assert!(report.records > 100 && report.notes[0].contains("in no file that was given"));
}

#[test]
fn a_node_whose_trace_knows_a_later_ballot_is_stopped_for_a_person_to_look() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let trace_it = ["--trace", trace.to_str().unwrap()];
    let lone = Lone::start(folder.path(), &trace_it);
    let data = lone.data.clone();
    drop(lone);
    let ballot = data.join("ballot");
    let backup = fs::read(&ballot).unwrap();
    let run = || {
        let mut command = Command::new(raft_node());
        command.args(["run", "--cluster=test", "--id=1", "--stop-with-stdin"]).args(trace_it);
        command.arg(format!("--server=1={}", free_addresses(1)[0])).arg("--data").arg(&data);
        command.stdin(Stdio::null()).output().unwrap()
    };
    for _ in 0..2 {
        let output = run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    fs::write(&ballot, backup).unwrap();
    let output = run();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("is not the one that it had"), "{stderr}");
}

#[test]
fn at_sighup_the_log_level_is_read_again() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("node.toml");
    fs::write(&config, "log = 'warn'\n").unwrap();
    let lone = Lone::start(folder.path(), &["--config", config.to_str().unwrap()]);
    let is_logged = |level: &str| {
        fs::read_to_string(folder.path().join("log")).unwrap().contains(&format!(" {level} "))
    };
    assert!(!is_logged("INFO"), "it begins with warnings");
    fs::write(&config, "log = 'loud'\n").unwrap();
    signal(&lone.data, Signal::HUP);
    let wait = |level: &str| {
        eventually(level, || if is_logged(level) { Ok(()) } else { Err("none".to_owned()) });
    };
    wait("WARN"); // it says that this is no level, and goes on
    fs::write(&config, "log = 'debug'\n").unwrap();
    signal(&lone.data, Signal::HUP);
    wait("DEBUG");
    assert!(status(&lone.data).is_ok());
}

#[test]
fn an_address_that_is_not_there_yet_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let run = |before: &[&str], wait: &str| {
        let program = raft_node().to_str().unwrap();
        let words: Vec<_> = before.iter().copied().chain([program]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["run", "--cluster=test", "--id=1", "--bootstrap"]);
        command.args(["--server=1=192.0.2.1:7001", "--insecure", "--wait-for-address", wait]);
        command.arg("--data").arg(&data).stderr(Stdio::piped());
        command
    };
    let output = run(&[], "1").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(!data.join("ballot").exists(), "it is still new");

    // It has tried once its directory is there.
    let tried = || {
        let _ = fs::remove_file(data.join("lock"));
        move |data: &Path| {
            eventually("a try", || match data.join("lock").exists() {
                true => Ok(()),
                false => Err("none".to_owned()),
            });
        }
    };
    let has_tried = tried();
    let mut child = run(&[], "1000").spawn().unwrap();
    has_tried(&data);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "a signal ends the wait");

    if !Command::new("unshare").args(["--net", "true"]).status().is_ok_and(|it| it.success()) {
        support::skipped::skip("a namespace for a network needs root", "run the tests as root");
        return;
    }
    let has_tried = tried();
    // Where no address at all was ever there, the kernel lets one be used that is not.
    let up = "ip link set lo up; exec \"$0\" \"$@\"";
    let child = run(&["unshare", "--net", "sh", "-c", up], "1000").spawn().unwrap();
    has_tried(&data);
    let lone = Lone { child, data: data.clone() };
    assert!(status(&data).is_err(), "its address is not there");
    let network = format!("--net=/proc/{}/ns/net", lone.child.id());
    let ip = |words: &str| {
        let mut command = Command::new("nsenter");
        command.args([&network, "ip"]).args(words.split(' '));
        assert!(command.status().unwrap().success(), "ip {words}");
    };
    ip("address add 192.0.2.1/32 dev lo");
    eventually("it to lead", || match status(&data)?.status.is_leader() {
        true => Ok(()),
        false => Err("not yet".to_owned()),
    });
}
