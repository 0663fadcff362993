//! Many servers on one clock that is not real, so that a million faults take minutes, and each can
//! be had again by its seed.
//!
//! What runs is what is shipped: the [`Engine`](crate::engine::Engine) with its frames, ballot
//! slots, trace records, lease and status. Simulated are what surrounds it: machines whose clocks
//! gain and lose, that stand still or sleep; disks that are slow, refuse, lose what nobody waited
//! for, or are lost; and a network that loses, repeats, delays and reorders datagrams and is cut in
//! every way, on which somebody repeats what was recorded, keys are replaced and servers move. In
//! every instant it is judged what servers hand out and believe ([`Violation`]), and at the end
//! whether somebody leads again and whether what was recorded is a run of the specification.

mod clocks;
mod fault;
mod judge;
mod lost_disk;
mod machine;
mod network;
mod rotation;
mod session;
mod strike;
mod world;

use std::fs::File;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raft_model::cluster::Protocol;
use raft_model::trace::replay::replay;
use rand::RngExt;
use rand::rngs::StdRng;

pub use self::fault::Kind;
use self::fault::schedule;
pub use self::judge::Violation;
pub use self::session::Session;
use self::world::World;
use crate::config::{ClockError, Config, ConfigError, Settings};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of servers, 1 to 7.
    pub servers: u8,
    /// How they elect.
    pub protocol: Protocol,
    /// The numbers of those that vote and never campaign; not all of them.
    pub witnesses: Vec<u8>,
    /// How many faults are planned for a run. What cannot happen when its time has come, since the
    /// server is down, is left out.
    pub faults: usize,
    /// How much clocks gain or lose at most, in parts of a million. Servers count on
    /// [`ClockError::DEFAULT`].
    pub clock_error_ppm: u32,
    /// Whether the servers have a key. Then somebody repeats what was recorded, keys are replaced,
    /// and servers move.
    pub has_key: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            servers: 3,
            protocol: Protocol::GUARDED,
            witnesses: Vec::new(),
            faults: 100,
            clock_error_ppm: ClockError::DEFAULT.ppm(),
            has_key: true,
        }
    }
}

impl Options {
    /// Whether there can be such a cluster.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what is wrong with it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        Config::new(self.settings(1)).map(|_| ())
    }

    /// What a server is told.
    fn settings(&self, id: u8) -> Settings {
        let address = |number: u8| SocketAddr::from(([10, 0, 0, number], 7000));
        let servers = (1..=self.servers).map(|number| (number, address(number))).collect();
        let (protocol, witnesses) = (self.protocol, self.witnesses.clone());
        Settings { protocol, witnesses, ..Settings::new("simulated", id, servers) }
    }
}

/// What became of a run, or of many.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    counts: [u64; Kind::ALL.len()],
    /// How often somebody was elected.
    pub elections: u64,
    /// How often a leadership was handed out, each renewal counted.
    pub handed_out: u64,
    /// How often a leader gave up since it was asked to.
    pub given_up: u64,
    /// How long it took the servers, by true time.
    pub nanoseconds: u64,
    /// How many records were replayed.
    pub records: u64,
    /// The first rule that was broken.
    pub violation: Option<Violation>,
}

impl Outcome {
    /// How many faults of this kind there were.
    pub fn faults(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// How many faults there were.
    pub fn all_faults(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn count(&mut self, kind: Kind) {
        self.counts[kind as usize] += 1;
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.elections += other.elections;
        self.handed_out += other.handed_out;
        self.given_up += other.given_up;
        self.nanoseconds += other.nanoseconds;
        self.records += other.records;
        self.violation = self.violation.take().or_else(|| other.violation.clone());
    }
}

/// A run that can be had again.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number: everything in it follows from that.
    pub seed: u64,
    /// Which of its faults happen, by their number; all of them if `None`.
    pub only: Option<Vec<usize>>,
}

impl Run {
    /// The faults that happen in it, in order, one line each, with their numbers.
    pub fn faults(&self, options: &Options) -> Vec<(usize, String)> {
        let faults = schedule(self.seed, options);
        self.numbers(faults.len()).into_iter().map(|it| (it, faults[it].to_string())).collect()
    }

    fn numbers(&self, count: usize) -> Vec<usize> {
        let all = || (0..count).collect();
        let mut numbers = self.only.clone().unwrap_or_else(all);
        numbers.retain(|&number| number < count);
        numbers
    }

    /// Runs it. The traces are those of S1, S2, …
    ///
    /// # Errors
    ///
    /// If the traces cannot be written, to be replayed, to a temporary directory.
    pub fn simulate(&self, options: &Options) -> io::Result<(Outcome, Vec<String>)> {
        let all = schedule(self.seed, options);
        let faults: Vec<_> = self.numbers(all.len()).into_iter().map(|it| all[it]).collect();
        let (mut outcome, traces) = World::new(self.seed, options).run(&faults);
        if outcome.violation.is_none() {
            let directory = tempfile::tempdir()?;
            let paths = write_traces(directory.path(), &traces)?;
            match replay(&paths) {
                Ok(report) => outcome.records = report.records,
                Err(error) => outcome.violation = Some(Violation::Replay(error.to_string())),
            }
        }
        Ok((outcome, traces))
    }

    /// The same run with as few of its faults as still break the same rule, and how they do.
    ///
    /// # Errors
    ///
    /// If traces cannot be written.
    pub fn shrunk(
        &self,
        options: &Options,
        mut violation: Violation,
    ) -> io::Result<(Self, Violation)> {
        let mut numbers = self.numbers(options.faults);
        // Until nothing more can be left out: so what is left stays as it is when it is run again.
        loop {
            let before = numbers.len();
            (numbers, violation) = self.shrink(options, numbers, violation)?;
            if numbers.len() == before {
                break;
            }
        }
        Ok((Self { seed: self.seed, only: Some(numbers) }, violation))
    }

    /// Leaves out parts of these faults, ever smaller ones, wherever the same rule is still broken.
    fn shrink(
        &self,
        options: &Options,
        mut numbers: Vec<usize>,
        mut violation: Violation,
    ) -> io::Result<(Vec<usize>, Violation)> {
        let mut part = numbers.len();
        while part > 0 {
            let mut from = 0;
            while from < numbers.len() {
                let to = numbers.len().min(from + part);
                let without = [&numbers[..from], &numbers[to..]].concat();
                let smaller = Self { seed: self.seed, only: Some(without.clone()) };
                match smaller.simulate(options)?.0.violation {
                    Some(found) if found.is_like(&violation) => {
                        (numbers, violation) = (without, found);
                    }
                    _ => from = to,
                }
            }
            part /= 2;
        }
        Ok((numbers, violation))
    }
}

/// Writes traces to `S1.trace`, `S2.trace`, … in a directory that exists.
///
/// # Errors
///
/// If that is impossible, or one of these files is there already.
pub fn write_traces(directory: &Path, traces: &[String]) -> io::Result<Vec<PathBuf>> {
    (1..)
        .zip(traces)
        .map(|(number, trace): (u8, _)| {
            let path = directory.join(format!("S{number}.trace"));
            File::create_new(&path)?.write_all(trace.as_bytes())?;
            Ok(path)
        })
        .collect()
}

/// Election timeouts of a server.
fn timeouts(random: &mut StdRng) -> RangeInclusive<Duration> {
    let shortest = Duration::from_millis([150, 200, 600][random.random_range(0..3)]);
    shortest..=2 * shortest
}

/// Servers with timeouts of their own: who is slower promises more than others count on.
fn configs(random: &mut StdRng, seed: u64, options: &Options) -> Vec<Config> {
    (1..=options.servers)
        .filter_map(|id| {
            let election_timeout = timeouts(random);
            let settings = Settings { election_timeout, seed: Some(seed), ..options.settings(id) };
            Config::new(settings).ok() // the options are valid
        })
        .collect()
}

#[cfg(test)]
mod tests;
