//! What the tests of several modules need.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use raft_model::cluster::Protocol;
use raft_model::message::Message;
use raft_model::trace::StepId;
use raft_model::types::{ServerId, Term};
use tempfile::TempDir;

use crate::config::{Config, Settings};
use crate::disk::{DataDir, Store};
use crate::link::Link;
use crate::wire::Received;

pub(crate) const TERM: Term = Term::new(5);

pub(crate) const SENT_IN: StepId = StepId { boot: 3, sequence: 17 };

/// Who said what.
pub(crate) fn said(received: Vec<Received>) -> Vec<(ServerId, Message)> {
    received.into_iter().map(|Received { from, message, .. }| (from, message)).collect()
}

pub(crate) fn server(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// A configuration of the first of so many servers, for tests that use no socket.
pub(crate) fn config(size: u8) -> Config {
    config_by(size, Protocol::GUARDED)
}

/// The same by another protocol.
pub(crate) fn config_by(size: u8, protocol: Protocol) -> Config {
    let address = |number: u8| SocketAddr::from(([127, 0, 0, 1], 7000 + u16::from(number)));
    let servers = (1..=size).map(|number| (number, address(number))).collect();
    Config::new(Settings { protocol, ..Settings::new("test", 1, servers) }).unwrap()
}

/// Both servers of a cluster of two that elect as in Figure 2, at addresses of their own.
pub(crate) fn links() -> [Link; 2] {
    links_by(Protocol::FIGURE2)
}

/// The same by another protocol.
pub(crate) fn links_by(protocol: Protocol) -> [Link; 2] {
    let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let addresses = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    let servers = vec![(1, addresses[0]), (2, addresses[1])];
    let config = |id| {
        // So long that no test is slow enough for its timer to fire.
        let election_timeout = Duration::from_secs(1000)..=Duration::from_secs(2000);
        let settings = Settings::new("test", id, servers.clone());
        Config::new(Settings { protocol, election_timeout, ..settings }).unwrap()
    };
    let [one, two] = sockets;
    [Link::of(&config(1), one).unwrap(), Link::of(&config(2), two).unwrap()]
}

/// A cluster of one.
pub(crate) fn lone() -> (Config, Link) {
    let config = config(1);
    let link = Link::of(&config, UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    (config, link)
}

pub(crate) fn bootstrapped(dir: &TempDir, config: &Config) -> Store {
    DataDir::create(dir.path()).unwrap().bootstrap(config).unwrap()
}

pub(crate) fn reopened(dir: &TempDir, config: &Config) -> Store {
    DataDir::lock(dir.path()).unwrap().open(config).unwrap()
}
