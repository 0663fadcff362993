//! Whoever is stopped in the middle of its work as the leader writes nothing more once another
//! leader has written: the database knows the newer token. The workers are those of
//! `impl/examples/worker.rs`, and the database is PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use support::binary::{example, mortal};
use support::database::Database;
use support::network::{Loopback, Network as _};
use tempfile::TempDir;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a leader is stopped.
const ROUNDS: u32 = 50;

/// The shortest election timeout, in milliseconds.
const TIMEOUT: &str = "60";

/// The fence lets nobody through who is late, and this is certain: each leader has found its
/// leadership valid and is about to write when it is stopped.
#[test]
fn a_leader_that_is_stopped_between_its_check_and_its_write_is_refused() {
    let Some(mut workers) = Workers::start(&["--by-hand"]) else { return };
    let mut last = 0;
    for _ in 0..ROUNDS {
        let Stop { token, newer, outcome } = workers.stop_one_that_is_ready(last, |_| ());
        assert_eq!(outcome, Word::Refused { token }, "after a write with token {newer}");
        last = newer;
    }
    workers.settle();
    let rows = workers.rows();
    assert_eq!(stale(&rows), []);
    assert_eq!(rows, workers.acted(), "all that was acted is there, and nothing else");
    workers.report("between check and write");
}

/// The same of workers that nobody holds up: they are stopped wherever they are.
#[test]
fn a_leader_that_is_stopped_anywhere_writes_nothing_stale() {
    let Some(mut workers) = Workers::start(&[]) else { return };
    let mut random = StdRng::seed_from_u64(1);
    let mut last = 0;
    for _ in 0..ROUNDS {
        let (leader, token) = workers.wait_for("a leader at work", |said| match said.word {
            Word::Acted { token, .. } if token >= last => Some((said.worker, token)),
            _ => None,
        });
        sleep(Duration::from_micros(random.random_range(0..3000)));
        workers.stop(leader);
        last = workers.acted_after(token);
        workers.go_on(leader);
        workers.wait_for("the old leader to notice", |said| {
            let knows = said.word == Word::Standby || said.word.token() > Some(token);
            (said.worker == leader && knows).then_some(())
        });
    }
    // Nobody writes any more; and what was written last is perhaps not said.
    for worker in 1..=3 {
        workers.stop(worker);
    }
    let rows = workers.rows();
    assert_eq!(stale(&rows), []);
    let missing = workers.acted().into_iter().find(|acted| !rows.contains(acted));
    assert_eq!(missing, None, "it was acted, and is not there");
    workers.report("anywhere");
}

/// That a stale write is refused by the fence, and would be seen if it were not.
#[test]
fn a_fence_that_forgets_the_newest_token_lets_a_stale_write_in() {
    let Some(mut workers) = Workers::start(&["--by-hand"]) else { return };
    let Stop { token, outcome, .. } = workers.stop_one_that_is_ready(0, |database| {
        let forgot = database.connect().execute("UPDATE fence SET token = 0", &[]);
        assert_eq!(forgot.unwrap(), 1);
    });
    let Word::Acted { row, .. } = outcome else { panic!("with {token}: {outcome:?}") };
    assert_eq!(stale(&workers.rows()), [(row, token)]);
}

/// The rows with a token that is lower than one before them.
fn stale(rows: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut highest = 0;
    let is_stale = |&(_, token): &(i64, i64)| {
        highest = highest.max(token);
        token < highest
    };
    rows.iter().copied().filter(is_stale).collect()
}

/// What a worker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// It has no leadership.
    Standby,
    /// Its leadership was over when it was about to write.
    Late { token: i64 },
    /// Its leadership was valid, and it waits to be told to write.
    Ready { token: i64 },
    /// It has written this row.
    Acted { token: i64, row: i64 },
    /// The database knows a newer token.
    Refused { token: i64 },
    /// Nothing any more.
    Ended,
}

impl Word {
    fn read(line: &str) -> Self {
        let mut parts = line.split([' ', '=']);
        let name = parts.next();
        let numbers: Vec<i64> = parts.filter_map(|part| part.parse().ok()).collect();
        match (name, &numbers[..]) {
            (Some("standby"), []) => Self::Standby,
            (Some("late"), &[token]) => Self::Late { token },
            (Some("ready"), &[token]) => Self::Ready { token },
            (Some("acted"), &[token, row]) => Self::Acted { token, row },
            (Some("refused"), &[token]) => Self::Refused { token },
            _ => panic!("a worker says {line:?}"),
        }
    }

    const fn is_outcome(self) -> bool {
        matches!(self, Self::Acted { .. } | Self::Refused { .. })
    }

    const fn token(self) -> Option<i64> {
        match self {
            Self::Standby | Self::Ended => None,
            Self::Late { token }
            | Self::Ready { token }
            | Self::Acted { token, .. }
            | Self::Refused { token } => Some(token),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Said {
    worker: usize,
    word: Word,
}

/// A leader was stopped, and went on when another one had written.
#[derive(Debug)]
struct Stop {
    /// The token of the leader.
    token: i64,
    /// The token of the other one's write.
    newer: i64,
    /// What became of the leader's write.
    outcome: Word,
}

/// Three workers and their database. They die with this value.
struct Workers {
    children: Vec<Child>, // by number, from 1
    lines: Receiver<Said>,
    said: Vec<Said>,
    /// Who waits to be told to write, and with which token.
    ready: BTreeMap<usize, i64>,
    /// Who was told to write, and has not said what became of it.
    told: BTreeSet<usize>,
    database: Database,
    _directory: TempDir,
}

impl Workers {
    /// Starts them, unless there is no database.
    fn start(more: &[&str]) -> Option<Self> {
        let database = Database::start()?;
        let program = example("raft-node", "worker");
        let directory = tempfile::Builder::new().prefix("raft-workers-").tempdir().unwrap();
        let network = Loopback::new(3);
        let (sender, lines) = channel();
        let start = |worker: usize| {
            let mut command = mortal("KILL");
            command.arg(&program).args(["--bootstrap", "--every", "1"]);
            command.args(["--timeout", TIMEOUT]).args(more);
            command.args(["--id", &worker.to_string()]);
            command.arg("--data").arg(directory.path().join(format!("S{worker}")));
            command.args(["--database", &database.parameters()]);
            for other in 1..=3 {
                command.args(["--server", &network.address(other, worker).to_string()]);
            }
            let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let (stdout, sender) = (child.stdout.take().unwrap(), sender.clone());
            std::thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                let words = lines.map(|line| Word::read(&line)).chain([Word::Ended]);
                for word in words {
                    let _ = sender.send(Said { worker, word }); // the test may have ended
                }
            });
            child
        };
        let children = (1..=3).map(start).collect();
        let (said, ready, told) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Some(Self { children, lines, said, ready, told, database, _directory: directory })
    }

    /// Stops a leader that has a token as high as the last one and is about to write, tells it to
    /// write, and lets it go on when another one has written, and this was done.
    fn stop_one_that_is_ready(&mut self, last: i64, then: impl FnOnce(&Database)) -> Stop {
        let deadline = Instant::now() + PATIENCE;
        let (leader, token) = loop {
            self.tell_all_to_write(|token| token < last);
            if let Some(found) = self.ready.pop_first() {
                break found;
            }
            self.next("a leader that is ready", deadline);
        };
        self.stop(leader);
        self.tell_to_write(leader);
        let newer = self.acted_after(token);
        then(&self.database);
        self.go_on(leader);
        let outcome = self.wait_for("what becomes of the old write", |Said { worker, word }| {
            (worker == leader && word.is_outcome()).then_some(word)
        });
        Stop { token, newer, outcome }
    }

    /// Waits until somebody has written with a token after this one, and says with which.
    fn acted_after(&mut self, token: i64) -> i64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.tell_all_to_write(|_| true);
            let said = self.next("another leader at work", deadline);
            if let Word::Acted { token: newer, .. } = said.word
                && newer > token
            {
                return newer;
            }
        }
    }

    fn wait_for<T>(&mut self, what: &str, mut wanted: impl FnMut(Said) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.next(what, deadline);
            if let Some(found) = wanted(said) {
                return found;
            }
        }
    }

    /// What is said next; fails after the deadline even if much is said.
    fn next(&mut self, what: &str, deadline: Instant) -> Said {
        let left = deadline.saturating_duration_since(Instant::now());
        let said = self.lines.recv_timeout(left).ok().filter(|_| !left.is_zero());
        let said = said.unwrap_or_else(|| panic!("waited in vain for {what}"));
        let Said { worker, word } = said;
        assert_ne!(word, Word::Ended, "S{worker}");
        if let Word::Ready { token } = word {
            self.ready.insert(worker, token);
        } else if word.is_outcome() {
            self.told.remove(&worker);
        }
        self.said.push(said);
        said
    }

    /// Tells those that wait with such a token to write.
    fn tell_all_to_write(&mut self, with: impl Fn(i64) -> bool) {
        for (worker, token) in std::mem::take(&mut self.ready) {
            if with(token) {
                self.tell_to_write(worker);
            } else {
                self.ready.insert(worker, token);
            }
        }
    }

    fn tell_to_write(&mut self, worker: usize) {
        let stdin = self.children[worker - 1].stdin.as_mut().unwrap();
        stdin.write_all(b"\n").unwrap();
        self.told.insert(worker);
    }

    /// Waits until everybody who was told to write has said what became of it.
    fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.told.is_empty() {
            self.next("what becomes of the last writes", deadline);
        }
    }

    /// Stops a worker as `kill -STOP` does, and waits until it does nothing any more.
    fn stop(&self, worker: usize) {
        let process = self.signal(worker, Signal::STOP);
        let deadline = Instant::now() + PATIENCE;
        let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
        while !waitpid(Some(process), options).unwrap().is_some_and(|(_, status)| status.stopped())
        {
            assert!(Instant::now() < deadline, "S{worker} does not stop");
            sleep(Duration::from_micros(100));
        }
    }

    fn go_on(&self, worker: usize) {
        self.signal(worker, Signal::CONT);
    }

    fn signal(&self, worker: usize, signal: Signal) -> Pid {
        let process = Pid::from_child(&self.children[worker - 1]);
        kill_process(process, signal).unwrap();
        process
    }

    /// Number and token of each row, in the order in which they were committed.
    fn rows(&self) -> Vec<(i64, i64)> {
        let rows = self.database.connect().query("SELECT id, token FROM work ORDER BY id", &[]);
        rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The same as the workers have told it.
    fn acted(&self) -> Vec<(i64, i64)> {
        let acted = self.said.iter().filter_map(|said| match said.word {
            Word::Acted { token, row } => Some((row, token)),
            _ => None,
        });
        let mut acted: Vec<_> = acted.collect();
        acted.sort_unstable();
        acted
    }

    fn report(&self, wherever: &str) {
        let count = |is: fn(Word) -> bool| self.said.iter().filter(|said| is(said.word)).count();
        println!(
            "{ROUNDS} leaders stopped {wherever}: {} rows written, {} writes refused by the \
             database, {} not tried since the leadership was over, 0 stale",
            self.acted().len(),
            count(|word| matches!(word, Word::Refused { .. })),
            count(|word| matches!(word, Word::Late { .. })),
        );
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
