//! How long a cluster is without a leader after its leader was killed, or was told to stop.
//!
//! In each round the leader of three servers on loopback gets SIGKILL, or SIGTERM, at another
//! moment between two heartbeats. The time runs from just before that until the step that makes
//! another server the leader, as its trace says; both moments are read from the machine's clock.
//! Then the old leader starts again, and the next round begins when everybody has answered one.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use raft_model::election::Rule;
use raft_model::trace::replay::replay;
use raft_model::trace::tail::Tail;
use raft_model::trace::{Line, Record};
use raft_model::types::{ServerId, Term};
use raft_node::cluster::servers::{Servers, free_addresses};
use raft_node::config::{Config, Settings};
use rustix::process::Signal;

/// How long to wait for what should take a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look into the traces. Nothing that is measured depends on it.
const PERIOD: Duration = Duration::from_millis(5);

/// How long the leader is watched at rest.
const REST: Duration = Duration::from_secs(5);

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
    #[arg(long, value_name = "MIN..MAX", default_value = "50..100", value_parser = range)]
    election: (u64, u64),
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let numbers =
        text.split_once("..").and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    numbers.ok_or_else(|| "write it as 50..100, in milliseconds".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let Args { rounds, stop, heartbeat, election: (min, max), .. } = Args::parse();
    let signal = if stop { Signal::TERM } else { Signal::KILL };
    let config = Config::new(Settings {
        heartbeat: Duration::from_millis(heartbeat),
        election_timeout: Duration::from_millis(min)..=Duration::from_millis(max),
        ..Settings::new("failover", 1, free_addresses(3)?)
    })?;
    println!(
        "3 servers on loopback, heartbeat {heartbeat} ms, election timeouts {min}..{max} ms, {rounds} \
         rounds:\nfrom just before {} of the leader until another one leads, by its trace\n",
        if stop { "SIGTERM" } else { "kill -9" }
    );

    let directory = tempfile::tempdir()?;
    let mut cluster = Cluster::start(config, directory.path())?;
    let mut failovers = Vec::new();
    while failovers.len() < rounds as usize {
        if io::stderr().is_terminal() {
            eprint!("\rround {} of {rounds}\x1b[K", failovers.len() + 1);
        }
        failovers.extend(cluster.round(failovers.len(), signal)?);
    }
    let leader = cluster.settled()?.server;
    let process = cluster.servers.process(leader).ok_or("the leader does not run")?;
    let rest = at_rest(process);
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }

    failovers.sort_by_key(|failover| failover.time);
    let rank = |percent: usize| failovers[(failovers.len() * percent).div_ceil(100).max(1) - 1];
    for (name, percent) in [("min", 0), ("p50", 50), ("p99", 99), ("max", 100)] {
        println!("  {name}  {:8.1} ms", rank(percent).time.as_secs_f64() * 1e3);
    }
    let at_once = failovers.iter().filter(|failover| failover.terms == 1).count();
    println!("\nThe first campaign was won in {at_once} of {rounds} rounds.");
    match rest {
        Ok((cpu, rss)) => println!(
            "The leader at rest, over {} s: {cpu:.2} % of a CPU, {rss:.1} MiB resident; its trace \
             included.",
            REST.as_secs()
        ),
        Err(error) => println!("The leader at rest: not known here ({error})."),
    }

    let traces: Vec<PathBuf> =
        cluster.servers.ids().map(|server| cluster.servers.trace(server)).collect();
    drop(cluster);
    let report = replay(&traces)?;
    println!(
        "All traces replayed: {} steps in {} runs, {} messages; the specification takes the same \
         steps,\nand no term has two leaders.",
        report.records, report.runs, report.received
    );
    Ok(())
}

/// Share of a CPU in per cent, and resident memory in MiB, of a process that is left alone.
fn at_rest(process: u32) -> Result<(f64, f64), Box<dyn Error>> {
    let folder = Path::new("/proc").join(process.to_string());
    // Nanoseconds on a CPU, of all threads.
    let busy = || -> Result<f64, Box<dyn Error>> {
        let mut seconds = 0.0;
        for thread in fs::read_dir(folder.join("task"))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            seconds += text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9;
        }
        Ok(seconds)
    };
    let (started, before) = (Instant::now(), busy()?);
    sleep(REST);
    let share = 100.0 * (busy()? - before) / started.elapsed().as_secs_f64();
    let status = fs::read_to_string(folder.join("status"))?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    Ok((share, kilobytes.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0))
}

/// One change of the leader.
#[derive(Clone, Copy)]
struct Failover {
    time: Duration,
    /// How many terms it took: more than one after a split vote.
    terms: u64,
}

/// A leader that the others follow.
#[derive(Clone, Copy)]
struct Leader {
    server: ServerId,
    term: Term,
}

struct Cluster {
    servers: Servers,
    tails: Vec<Tail>,          // by `ServerId::index`
    last: Vec<Option<Record>>, // likewise: of this run of the server
}

impl Cluster {
    fn start(config: Config, directory: &Path) -> io::Result<Self> {
        let program = Path::new(env!("CARGO_BIN_EXE_raft-node"));
        let mut servers = Servers::new(program, config, directory, directory);
        let tails = servers.ids().map(|server| Tail::new(servers.trace(server))).collect();
        for server in servers.ids() {
            servers.start(server)?;
        }
        Ok(Self { last: servers.ids().map(|_| None).collect(), servers, tails })
    }

    /// Ends the leader by this signal, and starts it again. `None` if it had just ceased to be the
    /// leader.
    fn round(&mut self, number: usize, signal: Signal) -> Result<Option<Failover>, Box<dyn Error>> {
        self.settled()?;
        // Multiples of the golden ratio spread the kills evenly between two heartbeats.
        let phase = (number as f64 * 0.618_034).fract();
        sleep(self.servers.config().heartbeat().mul_f64(phase));
        let old = self.settled()?;

        let told_at = SystemTime::now();
        self.servers.signal(old.server, signal)?;
        let elected = self.wait("a new leader", |_, records| {
            records.iter().copied().find(|record| {
                let term = record.step.state.ballot.current_term;
                record.step.rule == Rule::Elected && record.server != old.server && term > old.term
            })
        })?;
        self.servers.kill(old.server)?; // it has ended, or does now
        self.last[old.server.index()] = None;
        self.servers.start(old.server)?;

        let elected_at = UNIX_EPOCH + Duration::from_micros(elected.wall_us);
        let terms = elected.step.state.ballot.current_term.number() - old.term.number();
        Ok(elected_at.duration_since(told_at).ok().map(|time| Failover { time, terms }))
    }

    /// The leader, as soon as every other server has answered it.
    fn settled(&mut self) -> Result<Leader, Box<dyn Error>> {
        self.wait("a leader that everybody follows", |last, _| {
            let records: Vec<Record> = last.iter().copied().collect::<Option<_>>()?;
            let leader = records.iter().find(|record| record.step.state.role.is_leader())?;
            let term = leader.step.state.ballot.current_term;
            let follows = |record: &Record| {
                record.step.rule == Rule::HeartbeatAccepted
                    && record.step.state.ballot.current_term == term
            };
            let all_follow =
                records.iter().all(|record| record.server == leader.server || follows(record));
            all_follow.then_some(Leader { server: leader.server, term })
        })
    }

    /// Reads the traces until this is found in the last record of each server, or in the new ones.
    fn wait<T>(
        &mut self,
        what: &str,
        find: impl Fn(&[Option<Record>], &[Record]) -> Option<T>,
    ) -> Result<T, Box<dyn Error>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let mut records = Vec::new();
            for tail in &mut self.tails {
                records.extend(tail.lines()?.into_iter().filter_map(|line| match line {
                    Line::Header(_) => None,
                    Line::Step(record) => Some(record),
                }));
            }
            for &record in &records {
                self.last[record.server.index()] = Some(record);
            }
            if let Some(found) = find(&self.last, &records) {
                return Ok(found);
            }
            sleep(PERIOD);
        }
        Err(format!("waited in vain for {what}").into())
    }
}
