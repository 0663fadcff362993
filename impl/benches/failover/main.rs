//! How long a cluster is without a leader after its leader was killed, or was told to stop; and
//! the same of etcd, with the same timeouts, on the same machine, in the same minutes.
//!
//! In each round the leader of three servers on loopback gets SIGKILL, or SIGTERM, at another
//! moment between two heartbeats. The time runs from just before that until another server is the
//! leader, as that server wrote down; both moments are read from the machine's clock. Then the old
//! leader starts again, and the next round begins when everybody follows. With etcd the two take
//! turns of some rounds each, so that whatever else the machine does meets both.
//!
//! Then it is measured what lies behind these times: how many waits for the disk are one behind
//! another in an election, and how long each takes; and what a cluster costs, with a key and
//! without.

mod ballot;
mod etcd;
mod key;
mod node;
mod report;
mod rest;
mod waits;
mod writer;

use std::error::Error;
use std::io::{self, IsTerminal as _};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use clap::{Parser, ValueEnum};
use raft_node::session::{Key, Keys, file};
use rustix::process::Signal;

use crate::report::Sample;
use crate::rest::Rest;
use crate::writer::Writer;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long to wait for what should take a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look at what the servers wrote. Nothing that is measured depends on it.
const PERIOD: Duration = Duration::from_millis(5);

/// How many rounds one has in turn.
const TURN: u32 = 25;

/// Measures how long a cluster is without a leader after kill -9 of its leader, or after SIGTERM.
#[derive(Parser)]
struct Args {
    /// How often the leader is killed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Tell the leader to stop, by SIGTERM, so that it hands over; instead of kill -9
    #[arg(long)]
    stop: bool,
    /// Milliseconds between two heartbeats
    #[arg(long, value_name = "MS", default_value_t = 10)]
    heartbeat: u64,
    /// Milliseconds without a leader until a server campaigns
    #[arg(long, value_name = "MIN..MAX", default_value = "50..65", value_parser = range)]
    election: (u64, u64),
    /// Measures this, too: three servers of `etcd`, whose timeouts are MIN to twice MIN
    #[arg(long, value_name = "PROGRAM")]
    with: Option<Peer>,
    /// What else uses the disk; `both`: first nothing, then a writer
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Disk::Quiet)]
    disk: Disk,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    Etcd,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Disk {
    /// Nothing
    Quiet,
    /// A thread that writes a block and waits for the disk, again and again
    Busy,
    /// The one, and then the other
    Both,
}

impl Disk {
    /// Begins to use the disk in this way, until the value is dropped; and what it is called.
    fn begin(self) -> Result<(&'static str, Option<Writer>)> {
        Ok(match self {
            Self::Busy => ("busy", Some(Writer::start()?)),
            Self::Quiet | Self::Both => ("quiet", None),
        })
    }
}

fn range(text: &str) -> std::result::Result<(u64, u64), String> {
    let numbers =
        text.split_once("..").and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    numbers.ok_or_else(|| "write it as 50..65, in milliseconds".into())
}

/// The times of a cluster, in milliseconds.
#[derive(Clone, Copy)]
struct Timing {
    heartbeat: u64,
    election: (u64, u64),
}

/// A leader that the others follow.
#[derive(Clone, Copy)]
struct Leader {
    /// Its number, from 0.
    server: usize,
    term: u64,
}

/// Three servers that elect.
trait Cluster {
    /// The leader, as soon as every other server follows it.
    fn settled(&mut self) -> Result<Leader>;
    /// Sends a signal to a server.
    fn signal(&mut self, server: usize, signal: Signal) -> Result<()>;
    /// When another server became the leader of a later term, as soon as that has happened.
    fn elected_after(&mut self, old: Leader) -> Result<(SystemTime, Leader)>;
    /// Starts a server again that has ended, or does now.
    fn restart(&mut self, server: usize) -> Result<()>;
    /// The process of a server.
    fn process(&self, server: usize) -> Result<u32>;
}

fn main() -> Result<()> {
    let args = Args::parse();
    let timing = Timing { heartbeat: args.heartbeat, election: args.election };
    println!(
        "3 servers on loopback, heartbeat {} ms, election timeouts {}..{} ms, {} rounds each:\n\
         milliseconds from just before {} of the leader until another one leads\n",
        args.heartbeat,
        args.election.0,
        args.election.1,
        args.rounds,
        if args.stop { "SIGTERM" } else { "kill -9" }
    );
    report::head();
    let disks = match args.disk {
        Disk::Both => vec![Disk::Quiet, Disk::Busy],
        disk => vec![disk],
    };
    for &disk in &disks {
        let (name, _writer) = disk.begin()?;
        let (ours, peers) = measure(&args, timing)?;
        let ours = ours.print("raft-node", name);
        if let Some(peers) = peers {
            ours.compare(&peers.print("etcd", name));
        }
    }
    println!("\nEvery trace of raft-node was replayed: no term has two leaders.");

    if args.stop {
        return Ok(());
    }
    waits::print()?;
    ballot::print(&disks)?;
    key::print()?;
    println!("\nAt rest, with traces, over {} s:", rest::WATCHED.as_secs());
    at_rest(timing, args.with.is_some())
}

/// What a cluster costs with a key and without; and what one of etcd does.
fn at_rest(timing: Timing, with_etcd: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("key");
    file::create(&key, &Keys::one(Key::random()?))?;
    Rest::head();
    let plain = Rest::of(|folder| node::Nodes::start(timing, folder, None))?.print("raft-node");
    let sealed = Rest::of(|folder| node::Nodes::start(timing, folder, Some(&key)))?;
    sealed.print("with a key").compare(&plain);
    if with_etcd {
        let peers = Rest::of(|folder| etcd::Members::start(timing, folder))?.print("etcd");
        plain.compare(&peers);
    }
    Ok(())
}

/// So many rounds of our servers, and of etcd's, in turns.
fn measure(args: &Args, timing: Timing) -> Result<(Sample, Option<Sample>)> {
    let signal = if args.stop { Signal::TERM } else { Signal::KILL };
    let (mut ours, mut peers) = (Sample::default(), args.with.map(|_| Sample::default()));
    while ours.len() < args.rounds {
        let rounds = TURN.min(args.rounds - ours.len());
        let folder = tempfile::tempdir()?;
        let mut nodes = node::Nodes::start(timing, folder.path(), None)?;
        turn(&mut nodes, &mut ours, rounds, (signal, timing))?;
        nodes.replay()?;
        if let Some(peers) = &mut peers {
            let folder = tempfile::tempdir()?;
            turn(
                &mut etcd::Members::start(timing, folder.path())?,
                peers,
                rounds,
                (signal, timing),
            )?;
        }
        if io::stderr().is_terminal() {
            eprint!("\rround {} of {}\x1b[K\r", ours.len(), args.rounds);
        }
    }
    Ok((ours, peers))
}

fn turn(
    cluster: &mut impl Cluster,
    sample: &mut Sample,
    rounds: u32,
    (signal, timing): (Signal, Timing),
) -> Result<()> {
    let until = sample.len() + rounds;
    while sample.len() < until {
        cluster.settled()?;
        // Multiples of the golden ratio spread the kills evenly between two heartbeats.
        let phase = (f64::from(sample.len()) * 0.618_034).fract();
        sleep(Duration::from_millis(timing.heartbeat).mul_f64(phase));
        let old = cluster.settled()?;
        let told_at = SystemTime::now();
        cluster.signal(old.server, signal)?;
        let (elected_at, new) = cluster.elected_after(old)?;
        cluster.restart(old.server)?;
        // It had ceased to lead just before, if another one was the leader already.
        if let Ok(time) = elected_at.duration_since(told_at) {
            sample.push(time, new.term - old.term);
        }
    }
    Ok(())
}

/// Asks until there is an answer.
fn wait<T>(what: &str, mut answer: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(answer) = answer()? {
            return Ok(answer);
        }
        sleep(PERIOD);
    }
    Err(format!("waited in vain for {what}").into())
}
