//! What the tests of several modules need.

use std::net::SocketAddr;
use std::time::Duration;

use raft_model::cluster::Protocol;
use raft_model::election::{Ballot, Server};
use raft_model::message::Message;
use raft_model::trace::StepId;
use raft_model::types::{ServerId, Term};
use tempfile::TempDir;

use crate::clock::Moment;
use crate::config::{Config, Settings};
use crate::disk::{DataDir, Store};
use crate::engine::{Engine, Output};
use crate::wire::Frame;

pub(crate) const SENT_IN: StepId = StepId { boot: 3, sequence: 17 };

pub(crate) fn server(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// A configuration of the first of so many servers, for tests that use no socket.
pub(crate) fn config(size: u8) -> Config {
    config_by(size, Protocol::GUARDED)
}

/// The same by another protocol.
pub(crate) fn config_by(size: u8, protocol: Protocol) -> Config {
    config_of(1, size, protocol)
}

/// The same of another server.
pub(crate) fn config_of(id: u8, size: u8, protocol: Protocol) -> Config {
    let address = |number: u8| SocketAddr::from(([127, 0, 0, 1], 7000 + u16::from(number)));
    let servers = (1..=size).map(|number| (number, address(number))).collect();
    Config::new(Settings { protocol, ..Settings::new("test", id, servers) }).unwrap()
}

/// When the stories of tests begin.
pub(crate) const NOW: Moment = Moment::after_start(Duration::from_secs(60));

/// What this server of the configured cluster would send to the configured one, as bytes, with a
/// promise of its shortest election timeout.
pub(crate) fn datagram(config: &Config, from: u8, message: Message) -> Vec<u8> {
    let Server { id: to, cluster, .. } = config.server();
    let frame = Frame {
        cluster: config.cluster_name().clone(),
        servers: cluster.size(),
        guards: cluster.protocol().bits(),
        witnesses: cluster.witnesses().bits(),
        from: server(from),
        to,
        message,
        promise: *config.election_timeout().start(),
        sent_in: SENT_IN,
    };
    frame.encode()
}

/// An engine whose clock and disk are a test's.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) now: Moment,
    pub(crate) saved: Vec<Ballot>,
}

impl Rig {
    /// S1 has just come up, and has never voted.
    pub(crate) fn new(config: &Config) -> Self {
        let engine = Engine::start(config, 1, Ballot::INITIAL, Duration::ZERO, NOW);
        let mut rig = Self { engine, now: NOW, saved: Vec::new() };
        rig.said();
        rig
    }

    /// Its timer, or whatever else is due next, is due.
    pub(crate) fn wakes(&mut self) -> Vec<(ServerId, Message)> {
        self.now = self.engine.deadline().max(self.now);
        self.engine.wake(self.now);
        self.said()
    }

    /// It hears this.
    pub(crate) fn hears(&mut self, from: u8, message: Message) -> Vec<(ServerId, Message)> {
        let config = self.engine.config().clone();
        let address = config.address_of(server(from)).unwrap();
        self.engine.receive(&datagram(&config, from, message), address, self.now).unwrap();
        self.said()
    }

    /// What it says, once all that it saves is saved.
    fn said(&mut self) -> Vec<(ServerId, Message)> {
        let mut said = Vec::new();
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Record { .. } | Output::Obeyed { .. } => {}
                Output::Save(ballot) => {
                    self.saved.push(ballot);
                    self.engine.saved(self.now);
                }
                Output::Send { to, datagram, .. } => {
                    said.push((to, Frame::decode(&datagram).unwrap().message));
                }
            }
        }
        said
    }

    /// It asks, is voted for, and leads the first term.
    pub(crate) fn is_elected(&mut self) {
        let asks = |said: Vec<(ServerId, Message)>| match said.first() {
            Some((_, Message::PreVote { attempt, .. })) => Some(Some(*attempt)),
            Some((_, Message::RequestVote { .. })) => Some(None),
            _ => None,
        };
        let attempt = (0..10).find_map(|_| asks(self.wakes())).expect("it does not campaign");
        let term = Term::new(1);
        if let Some(attempt) = attempt {
            self.hears(2, Message::PreVoteResponse { term, vote_granted: true, attempt });
        }
        self.hears(2, Message::RequestVoteResponse { term, vote_granted: true });
        assert!(self.engine.status().state.role.is_leader());
    }
}

pub(crate) fn bootstrapped(dir: &TempDir, config: &Config) -> Store {
    DataDir::create(dir.path()).unwrap().bootstrap(config).unwrap()
}

pub(crate) fn reopened(dir: &TempDir, config: &Config) -> Store {
    DataDir::lock(dir.path()).unwrap().open(config).unwrap()
}
