//! A server of a Raft leader election as a process of its own: it talks to the others over UDP and
//! keeps its ballot on disk.
//!
//! What a server does is said elsewhere: [`raft_model::election`] is the specification that was
//! checked, and this crate calls that very code. Here stands only what the specification asks of
//! its caller: to obey each step in the order persist, send, restart the timer. Read in this order:
//!
//! | module | subject |
//! |---|---|
//! | [`config`] | who is in the cluster, and the timing; validated once |
//! | [`wire`] | a message as bytes of a datagram; what is rejected, and why |
//! | [`disk`] | the data directory: lock, first start, ballot |
//! | [`disk::slots`], [`disk::slot`] | its two copies: no crash or damage loses a vote |
//! | [`clock`] | the one timer |
//! | [`link`] | the one socket |
//! | [`recorder`] | the trace of what the server did, for replay |
//! | [`status`] | what a server knows: its term, role and vote, and who leads |
//! | [`node`] | the loop: wait, step, obey; and how a leader leaves |
//! | [`cluster`] | apart from that: a cluster of processes on this machine, to look at |
//!
//! To run a server inside another program:
//!
//! ```no_run
//! use std::os::{fd::AsFd, unix::net::UnixStream};
//! use raft_node::{config::{Config, Settings}, disk::DataDir, link::Link, node::Node};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let servers = vec![(1, "10.0.0.1:7000".parse()?), (2, "10.0.0.2:7000".parse()?)];
//! let config = Config::new(Settings::new("orders", 1, servers))?;
//! let data = DataDir::create("/var/lib/orders".as_ref())?;
//! let link = Link::bind(&config)?;
//! let store = data.bootstrap(&config)?; // the first time only; then `data.open(&config)`
//! let (stop, _stopper) = UnixStream::pair()?; // write a byte to `_stopper` to stop the node
//! Node::new(link, store).run(stop.as_fd())?;
//! # Ok(())
//! # }
//! ```
//!
//! What is assumed: the servers and the network between them are not malicious (datagrams are
//! checked, not authenticated), nobody restores an old copy of a data directory, and the disk keeps
//! what it has confirmed.
//!
//! What is deliberately absent: a log, changes of membership, a lease. Who leads here was elected
//! in its term, and with check-quorum a quorum answered it not long ago; that nobody has been
//! elected in a later term since, only the others know.

pub mod clock;
pub mod cluster;
pub mod config;
pub mod disk;
pub mod link;
pub mod node;
pub mod recorder;
pub mod status;
pub mod wire;

#[cfg(test)]
mod testing;
