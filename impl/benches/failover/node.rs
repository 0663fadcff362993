//! Three of our servers. Who leads is read from their traces.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use raft_model::election::Rule;
use raft_model::trace::replay::replay;
use raft_model::trace::tail::Tail;
use raft_model::trace::{Cause, Line, Record};
use raft_model::types::ServerId;
use raft_node::cluster::servers::{Servers, free_addresses};
use raft_node::config::{Config, Settings};
use rustix::process::Signal;

use crate::{Cluster, Leader, Result, Timing, wait};

pub(crate) struct Nodes {
    servers: Servers,
    tails: Vec<Tail>,          // by `ServerId::index`
    last: Vec<Option<Record>>, // likewise: of this run of the server
    /// Likewise: when its timer fired last.
    fired: Vec<Duration>,
    /// Likewise: how long it took from there to its last election.
    campaigns: Vec<Duration>,
    /// Elections that nobody has asked for yet.
    elected: Vec<Record>,
}

impl Nodes {
    /// With a key in this file, or without.
    pub(crate) fn start(timing: Timing, folder: &Path, key: Option<&Path>) -> Result<Self> {
        let (min, max) = timing.election;
        let config = Config::new(Settings {
            heartbeat: Duration::from_millis(timing.heartbeat),
            election_timeout: Duration::from_millis(min)..=Duration::from_millis(max),
            ..Settings::new("failover", 1, free_addresses(3)?)
        })?;
        let program = Path::new(env!("CARGO_BIN_EXE_raft-node"));
        let mut servers = Servers::new(program, config, folder, folder);
        if let Some(key) = key {
            servers = servers.with_key(key);
        }
        let tails = servers.ids().map(|server| Tail::new(servers.trace(server))).collect();
        for server in servers.ids() {
            servers.start(server)?;
        }
        let (last, fired) = (vec![None; 3], vec![Duration::ZERO; 3]);
        Ok(Self { servers, tails, last, campaigns: fired.clone(), fired, elected: Vec::new() })
    }

    /// Ends all, and does again what their traces say.
    pub(crate) fn replay(self) -> Result<()> {
        let traces: Vec<PathBuf> =
            self.servers.ids().map(|server| self.servers.trace(server)).collect();
        drop(self.servers);
        replay(&traces)?;
        Ok(())
    }

    fn id(&self, server: usize) -> Result<ServerId> {
        Ok(self.servers.ids().nth(server).ok_or("three servers")?)
    }

    /// Reads what was recorded since the last time.
    fn read(&mut self) -> Result<()> {
        for tail in &mut self.tails {
            for line in tail.lines()? {
                let Line::Step(record) = line else { continue };
                let (server, now) =
                    (record.server.index(), Duration::from_micros(record.monotonic_us));
                self.last[server] = Some(record);
                if record.step.rule == Rule::Elected {
                    self.elected.push(record);
                    self.campaigns[server] = now - self.fired[server];
                } else if matches!(record.cause, Cause::Timeout { .. }) {
                    self.fired[server] = now;
                }
            }
        }
        Ok(())
    }

    /// How long the last election of this server took, from the timer that fired.
    pub(crate) fn campaign(&self, server: usize) -> Duration {
        self.campaigns[server]
    }

    /// The leader that the others followed in their last step.
    fn followed(&self) -> Option<Leader> {
        let records: Vec<Record> = self.last.iter().copied().collect::<Option<_>>()?;
        let leader = records.iter().find(|record| record.step.state.role.is_leader())?;
        let term = leader.step.state.ballot.current_term;
        let follows = |record: &Record| {
            record.step.rule == Rule::HeartbeatAccepted
                && record.step.state.ballot.current_term == term
        };
        let all = records.iter().all(|record| record.server == leader.server || follows(record));
        all.then_some(Leader { server: leader.server.index(), term: term.number() })
    }
}

impl Cluster for Nodes {
    fn settled(&mut self) -> Result<Leader> {
        wait("a leader that everybody follows", || {
            self.read()?;
            Ok(self.followed())
        })
    }

    fn signal(&mut self, server: usize, signal: Signal) -> Result<()> {
        Ok(self.servers.signal(self.id(server)?, signal)?)
    }

    fn elected_after(&mut self, old: Leader) -> Result<(SystemTime, Leader)> {
        wait("a new leader", || {
            self.read()?;
            let new = self.elected.drain(..).find_map(|record| {
                let (server, term) = (record.server.index(), record.step.state.ballot.current_term);
                let new = Leader { server, term: term.number() };
                let at = UNIX_EPOCH + Duration::from_micros(record.wall_us);
                (new.term > old.term && new.server != old.server).then_some((at, new))
            });
            Ok(new)
        })
    }

    fn restart(&mut self, server: usize) -> Result<()> {
        let id = self.id(server)?;
        self.servers.kill(id)?; // it has ended, or does now
        self.last[server] = None;
        self.servers.start(id)?;
        Ok(())
    }

    fn process(&self, server: usize) -> Result<u32> {
        Ok(self.servers.process(self.id(server)?).ok_or("the leader does not run")?)
    }
}
