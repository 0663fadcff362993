//! What a server has on its disk before it speaks, as the system sees it: `strace` writes down in
//! which order a process calls it. (Whether each wait is needed: `impl/src/disk/crashes.rs`.)

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::node::{free_addresses, raft_node};
use support::skipped::skip;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether `strace` is installed. The test is skipped otherwise.
fn has_strace() -> bool {
    let version = Command::new("strace").arg("--version").output();
    if let Err(error) = &version {
        skip(&format!("strace: {error}"), "`apt-get install strace` brings it");
    }
    version.is_ok()
}

/// Starts S1 of two under `strace`, as a new server. It stops when its standard input is closed.
fn start(peer: &UdpSocket, folder: &Path) -> Child {
    let calls = "trace=?mkdir,mkdirat,?rename,renameat,renameat2,pwrite64,fsync,fdatasync,sendto";
    let mut command = Command::new("strace");
    command.args(["--follow-forks", "--decode-fds=path", "--string-limit=0", "-e", calls, "-o"]);
    command.arg(folder.join("calls")).arg(raft_node());
    command.args(["run", "--cluster=test", "--id=1", "--bootstrap", "--stop-with-stdin"]);
    command.arg("--protocol=figure2"); // no pre-vote, which waits for no disk, comes before it
    command.arg(format!("--server=1={}", free_addresses(1)[0]));
    command.arg(format!("--server=2={}", peer.local_addr().unwrap()));
    command.arg("--data").arg(folder.join("data")).stdin(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn wait_for_the_end(mut child: Child) {
    drop(child.stdin.take());
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a call does, in a few words, with paths as seen from this folder. The signal handlers of
/// the program send too, to nobody outside.
fn words(line: &str, folder: &Path) -> Option<String> {
    let folder = folder.to_str().unwrap();
    let line = line.replace(&format!("{folder}/"), "/").replace(folder, "/");
    let (call, arguments) = line.split_once('(')?;
    let paths = arguments.split(['"', '<', '>']).filter(|word| word.starts_with('/'));
    let paths = paths.collect::<Vec<_>>().join(" to ");
    let (_, call) = call.rsplit_once(' ')?; // after the number of the process
    match call {
        "pwrite64" if arguments.contains(", 4096, 0)") => Some(format!("write A of {paths}")),
        "pwrite64" if arguments.contains(", 4096, 4096)") => Some(format!("write B of {paths}")),
        "mkdir" | "mkdirat" => Some(format!("create {paths}")),
        "rename" | "renameat" | "renameat2" => Some(format!("rename {paths}")),
        "fsync" | "fdatasync" => Some(format!("wait for {paths}")),
        "sendto" => arguments.contains("sin_port").then(|| "send".to_owned()),
        _ => Some(line),
    }
}

#[test]
fn a_server_waits_for_the_disk_before_it_asks_for_a_vote() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = start(&peer, folder.path());
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let asked = peer.recv(&mut [0; 100]);
    wait_for_the_end(server);
    asked.unwrap();

    let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
    let calls: Vec<_> = calls.lines().filter_map(|line| words(line, folder.path())).collect();
    let created = [
        "create /data",
        "wait for /",
        "write A of /data/ballot.new",
        "write B of /data/ballot.new",
        "wait for /data/ballot.new",
        "rename /data/ballot.new to /data/ballot",
    ];
    let opened = [
        "wait for /data/ballot",
        "write B of /data/ballot",
        "wait for /data/ballot",
        "write A of /data/ballot",
        "wait for /data/ballot",
        "wait for /data",
        // No wait: who finds nothing about the original trusts what is there.
        "rename /data/original.new to /data/original",
    ];
    let voted_for_itself =
        ["write A of /data/ballot", "write B of /data/ballot", "wait for /data/ballot", "send"];
    let expected = [&created[..], &opened, &voted_for_itself].concat();
    assert_eq!(calls[..expected.len().min(calls.len())], expected);
}
