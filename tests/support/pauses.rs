//! Leaders that are stopped and continued, and what they say then to a program that asks them ten
//! thousand times a second.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::binary;
use crate::node::free_addresses;

const PATIENCE: Duration = Duration::from_secs(60);

/// Answers that are one leadership, by one server: it said so from the first to the last of these
/// moments, and each was said to be valid until its end.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    pub server: usize,
    pub term: u64,
    pub first: u64,
    pub last: u64,
    pub until: u64,
}

/// Three servers of one cluster, each a process.
pub struct Asked {
    _folder: TempDir,
    processes: Vec<Child>,
    lines: Receiver<Answers>,
    pub answers: Vec<Answers>,
}

impl Asked {
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let addresses = free_addresses(3);
        let program = binary::example("raft-node", "asks");
        let (sender, lines) = channel();
        let processes = (0..3).map(|server| {
            let mut process = start(&program, server, folder.path(), &addresses);
            let output = BufReader::new(process.stdout.take().unwrap());
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in output.lines().map_while(Result::ok) {
                    let _ = sender.send(read(server, &line));
                }
            });
            process
        });
        Self { processes: processes.collect(), _folder: folder, lines, answers: Vec::new() }
    }

    /// Stops the leader for so long, and continues it once another leads in its place.
    pub fn pause_the_leader(&mut self, time: Duration) {
        self.answers.extend(self.lines.try_iter());
        let leader = self.next_after(self.answers.len(), |_| true);
        let pid = Pid::from_child(&self.processes[leader.server]);
        kill_process(pid, Signal::STOP).unwrap();
        let seen = self.answers.len();
        self.next_after(seen, |answers| answers.server != leader.server);
        std::thread::sleep(time);
        kill_process(pid, Signal::CONT).unwrap();
        std::thread::sleep(time / 2);
    }

    /// The next answers that are like this, after so many that were there before.
    fn next_after(&mut self, seen: usize, mut is_it: impl FnMut(&Answers) -> bool) -> Answers {
        let deadline = Instant::now() + PATIENCE;
        let mut at = seen;
        loop {
            while at < self.answers.len() {
                if is_it(&self.answers[at]) {
                    return self.answers[at];
                }
                at += 1;
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(answers) => self.answers.push(answers),
                Err(RecvTimeoutError::Timeout) => panic!("nobody says that it leads"),
                Err(RecvTimeoutError::Disconnected) => panic!("all servers have ended"),
            }
        }
    }

    /// The answers of two servers that were valid at one moment, if there are any.
    pub fn clash(&self) -> Option<(Answers, Answers)> {
        clash(&self.answers)
    }
}

/// The same of any answers. A value that was handed out is valid until its end.
pub fn clash(answers: &[Answers]) -> Option<(Answers, Answers)> {
    let mut sorted = answers.to_vec();
    sorted.sort_by_key(|answers| answers.first);
    let mut latest: Vec<Answers> = Vec::new(); // of each server that which ends last
    for now in sorted {
        if let Some(&before) =
            latest.iter().find(|before| before.server != now.server && before.until > now.first)
        {
            return Some((before, now));
        }
        match latest.iter_mut().find(|before| before.server == now.server) {
            Some(before) if before.until < now.until => *before = now,
            Some(_) => {}
            None => latest.push(now),
        }
    }
    None
}

impl Drop for Asked {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn start(program: &Path, server: usize, folder: &Path, addresses: &[SocketAddr]) -> Child {
    let mut command = binary::mortal("KILL");
    command.arg(program).arg((server + 1).to_string()).arg(folder.join(server.to_string()));
    command.args(addresses.iter().map(SocketAddr::to_string));
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn read(server: usize, line: &str) -> Answers {
    let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    let [term, first, last, until] = numbers[..] else { panic!("{line}") };
    Answers { server, term, first, last, until }
}
