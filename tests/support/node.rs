//! Runs the program `raft-node`, and reads along.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::binary::built;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, built once.
pub(crate) fn raft_node() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("raft-node"))
}

/// Addresses that nobody uses at the moment. Somebody may, a moment later.
pub(crate) fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let sockets: Vec<_> = (0..count).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    sockets.iter().map(|socket| socket.local_addr().unwrap()).collect()
}

/// One line of the log of one server.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The number of the server.
    pub(crate) server: usize,
    /// The whole line.
    pub(crate) text: String,
}

impl Line {
    /// The value of a field `name=value`.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.text.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    pub(crate) fn term(&self) -> Option<u64> {
        self.field("term")?.parse().ok()
    }

    /// Whether it tells of this server's election as the leader.
    pub(crate) fn is_election(&self) -> bool {
        self.field("rule") == Some("Elected")
    }
}

/// Servers of one cluster, each a process with a directory of its own. They die with this value.
pub(crate) struct Cluster {
    addresses: Vec<SocketAddr>,
    directory: tempfile::TempDir,
    running: BTreeMap<usize, Child>,
    sender: Sender<Line>,
    lines: Receiver<Line>,
    seen: Vec<Line>,
}

impl Cluster {
    /// Starts the servers of a new cluster.
    pub(crate) fn start(size: usize) -> Self {
        loop {
            let (sender, lines) = channel();
            let mut cluster = Self {
                addresses: free_addresses(size),
                directory: tempfile::tempdir().unwrap(),
                running: BTreeMap::new(),
                sender,
                lines,
                seen: Vec::new(),
            };
            for server in 1..=size {
                cluster.run(server, &["--bootstrap"]);
            }
            // Another process may have taken one of the addresses: then with others.
            let started = (0..size).all(|_| {
                let line = cluster.wait_for("all servers to start", |line| {
                    line.field("rule") == Some("Started") || line.text.contains("cannot receive at")
                });
                line.field("rule") == Some("Started")
            });
            if started {
                return cluster;
            }
        }
    }

    /// Kills a server as `kill -9` does: it can do nothing about it.
    pub(crate) fn kill(&mut self, server: usize) {
        let mut child = self.running.remove(&server).expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts a server that was killed, on the data it has.
    pub(crate) fn restart(&mut self, server: usize) {
        self.run(server, &[]);
    }

    /// The next line of any server that is as wanted; fails when there is none for long.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&Line) -> bool) -> Line {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if wanted(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("waited in vain for {what}:\n{}", self.log())
                }
            }
        }
    }

    /// Every line read so far.
    pub(crate) fn seen(&self) -> &[Line] {
        &self.seen
    }

    fn log(&self) -> String {
        self.seen.iter().map(|line| format!("S{} {}\n", line.server, line.text)).collect()
    }

    fn run(&mut self, server: usize, more: &[&str]) {
        let addresses =
            (1..).zip(&self.addresses).map(|(n, address)| format!("--server={n}={address}"));
        let mut child = Command::new(raft_node())
            .args(["run", "--cluster", "test", "--id", &server.to_string()])
            .args(addresses)
            .arg("--data")
            .arg(self.directory.path().join(server.to_string()))
            .args(more)
            .env_remove("RAFT_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stderr, sender) = (child.stderr.take().unwrap(), self.sender.clone());
        std::thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                // The test may have ended.
                let _ = sender.send(Line { server, text });
            }
        });
        self.running.insert(server, child);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
