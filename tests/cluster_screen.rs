//! `raft-node cluster` on a terminal: what it shows, and what the keys do.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use support::node::raft_node;
use tempfile::TempDir;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster on a terminal of 40 columns.
struct Terminal {
    script: Child,
    shown: Receiver<String>,
    directory: TempDir,
}

impl Terminal {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = format!("stty cols 40 rows 24; exec {} cluster", raft_node().display());
        let mut command = Command::new("script"); // it runs a program on a terminal of its own
        command.args(["--quiet", "--return", "--command", &program, "/dev/null"]);
        command
            .env("TMPDIR", directory.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut script = command.spawn().unwrap();
        let (sender, shown) = channel();
        let mut stdout = script.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                let _ = sender.send(String::from_utf8_lossy(&bytes[..count]).into_owned());
            }
        });
        Self { script, shown, directory }
    }

    fn types(&self, keys: &str) {
        self.script.stdin.as_ref().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is shown, from now on.
    fn shows(&self, words: &str) {
        let mut all = String::new();
        let deadline = Instant::now() + PATIENCE;
        while !all.contains(words) {
            let patience = deadline.saturating_duration_since(Instant::now());
            let Ok(more) = self.shown.recv_timeout(patience) else {
                panic!("waited in vain for {words:?}: {all}");
            };
            all += &more;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn keys_kill_and_pause_and_continue_a_server() {
    let mut terminal = Terminal::start();
    terminal.shows(" leads in term ");
    terminal.types("q");
    terminal.shows("q is no key. Type k, p or c, then 1-3.");
    terminal.types("k1");
    terminal.shows("S1             -  down"); // no process
    terminal.types("p2");
    terminal.shows("S2 is paused");
    terminal.types("c2");
    terminal.shows("S2 goes on");
    terminal.types("\x03"); // Ctrl-C
    terminal.shows("The traces are gone. To keep them: --trace");
    assert_eq!(terminal.script.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_dir(terminal.directory.path()).unwrap().count(), 0);
}

#[test]
fn a_server_that_a_key_paused_does_not_keep_the_cluster_from_stopping() {
    let mut terminal = Terminal::start();
    terminal.shows(" leads in term ");
    terminal.types("p1");
    terminal.shows("S1 is paused");
    terminal.types("\x03");
    terminal.shows("The traces are gone.");
    assert_eq!(terminal.script.wait().unwrap().code(), Some(0));
}
