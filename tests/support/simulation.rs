//! A cluster in one process, with a clock of its own, that writes the traces that real nodes would
//! write. It is for tests of what reads traces.

use raft_model::cluster::Cluster;
use raft_model::election::{Ballot, Outgoing, Role, State, Timer};
use raft_model::message::Message;
use raft_model::trace::{Cause, Header, Line, Record, StepId, VERSION};
use raft_model::types::{Attempt, ServerId};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::bounds;

/// Heartbeats are due every so many steps of the simulation.
const HEARTBEAT: u64 = 20;

/// A cluster, and what each of its servers has written.
pub struct Simulation {
    cluster: Cluster,
    random: StdRng,
    now: u64,
    servers: Vec<Simulated>,
    under_way: Vec<Letter>,
}

struct Simulated {
    state: State,
    stored: Ballot,
    boot: u64,
    sequence: u64,
    due: u64,
    trace: Vec<Line>,
}

struct Letter {
    to: ServerId,
    from: ServerId,
    message: Message,
    sent_in: StepId,
}

impl Simulation {
    pub fn new(size: u8, seed: u64) -> Self {
        let cluster = Cluster::new(size).unwrap();
        let stored = Ballot::INITIAL;
        let state = State { ballot: stored, role: Role::FOLLOWER };
        let server = |_| Simulated { state, stored, boot: 0, sequence: 0, due: 0, trace: vec![] };
        let servers = cluster.servers().map(server).collect();
        let random = StdRng::seed_from_u64(seed);
        let mut simulation = Self { cluster, random, now: 0, servers, under_way: vec![] };
        for server in cluster.servers() {
            simulation.restart(server);
        }
        simulation
    }

    /// Lets this many moments pass: in each a message arrives, is lost or arrives and stays under
    /// way, and timers that are due fire.
    pub fn run(&mut self, moments: u64) {
        for _ in 0..moments {
            self.now += 1;
            for server in self.cluster.servers() {
                let Simulated { state: before, due, .. } = self.servers[server.index()];
                if due <= self.now {
                    self.step(server, Cause::Timeout { before, attempt: Attempt::FIRST });
                }
            }
            if !self.under_way.is_empty() {
                let index = self.random.random_range(0..self.under_way.len());
                let Letter { to, from, message, sent_in } = self.under_way[index];
                if self.random.random_ratio(9, 10) {
                    self.under_way.swap_remove(index);
                }
                if self.random.random_ratio(19, 20) {
                    let before = self.servers[to.index()].state;
                    self.step(to, Cause::Receive { before, from, message, sent_in });
                }
            }
        }
    }

    /// A server is killed, and comes up again.
    pub fn restart(&mut self, id: ServerId) {
        let (cluster, now) = (self.cluster, self.now);
        let server = &mut self.servers[id.index()];
        server.boot += 10;
        server.sequence = 0;
        server.trace.push(Line::Header(Header {
            version: VERSION,
            cluster: "simulated".to_owned(),
            servers: cluster,
            addresses: cluster.servers().map(|id| format!("127.0.0.1:{}", id.number())).collect(),
            server: id,
            boot: server.boot,
            heartbeat_ms: 20,
            election_ms: (100, 200),
            program: format!("simulation at {now}"),
        }));
        let stored = server.stored;
        self.step(id, Cause::Start { stored });
    }

    fn step(&mut self, id: ServerId, cause: Cause) {
        let server = &mut self.servers[id.index()];
        let record = Record {
            server: id,
            boot: server.boot,
            sequence: server.sequence,
            wall_us: 1_000_000 + self.now,
            monotonic_us: self.now,
            cause,
            step: cause.step_of(&bounds::server(id, self.cluster)),
        };
        let step = record.step;
        if cause.is_recorded(&step) {
            server.trace.push(Line::Step(record));
            server.sequence += 1;
        }
        server.state = step.state;
        server.stored = step.state.ballot;
        if step.restart_timer {
            server.due = self.now
                + match step.state.timer() {
                    Timer::Contact => 5 * HEARTBEAT,
                    Timer::Election => self.random.random_range(5 * HEARTBEAT..10 * HEARTBEAT),
                    Timer::Heartbeat => HEARTBEAT,
                };
        }
        let (receivers, message) = match step.outgoing {
            Outgoing::Nothing => return,
            Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                (vec![to], message)
            }
            Outgoing::Broadcast { message } => (self.cluster.others(id).collect(), message),
        };
        let sent_in = record.id();
        let letter = |to| Letter { to, from: id, message, sent_in };
        self.under_way.extend(receivers.into_iter().map(letter));
    }

    /// What a server has written.
    pub fn trace(&self, server: ServerId) -> &[Line] {
        &self.servers[server.index()].trace
    }
}

/// The text of a trace.
pub fn text(lines: &[Line]) -> String {
    lines.iter().map(Line::to_text).collect()
}

/// The traces of three servers, of which S2 dies after it wrote a record, before it did what the
/// record says. And that record.
pub fn with_a_step_that_did_not_happen() -> (Vec<String>, Line) {
    let mut simulation = Simulation::new(3, 5);
    simulation.run(60); // nobody's timer has fired yet
    let mut lines = simulation.trace(id(2)).to_vec();
    let Some(&Line::Step(last)) = lines.last() else { unreachable!() };
    let before = last.step.state;
    let cause = Cause::Timeout { before, attempt: Attempt::FIRST };
    let step = cause.step_of(&bounds::server(last.server, Cluster::new(3).unwrap()));
    let record = Record { sequence: last.sequence + 1, cause, step, ..last };
    assert!(record.step.persist && record.step.outgoing != Outgoing::Nothing);
    simulation.restart(id(2));
    let restarted = simulation.trace(id(2))[lines.len()..].to_vec();
    let campaign = Line::Step(record);
    lines.push(campaign.clone());
    lines.extend(restarted);
    let traces = vec![text(simulation.trace(id(1))), text(&lines), text(simulation.trace(id(3)))];
    (traces, campaign)
}

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// Writes the traces of S1, S2 … to files.
pub fn write(folder: &TempDir, traces: &[String]) -> Vec<PathBuf> {
    let write = |(number, trace): (usize, &String)| {
        let path = folder.path().join(format!("{number}.trace"));
        fs::write(&path, trace).unwrap();
        path
    };
    (1..).zip(traces).map(write).collect()
}
