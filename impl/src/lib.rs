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
//! | [`clock`], [`countdown`] | what time it is; the one timer |
//! | [`leadership`], [`lease`] | what a program may act on, and until when it is valid |
//! | [`status`], [`counters`] | what a server knows: its term, role and vote, and who leads |
//! | [`engine`] | the node without its socket, clock and disk: a value |
//! | [`link`] | the one socket |
//! | [`recorder`] | the trace of what the server did, for replay |
//! | [`node`] | the thread that drives the engine, and the handle that a program has of it |
//! | [`simulate`] | many engines on one clock that is not real, and a million faults |
//! | [`cluster`] | apart from that: a cluster of processes on this machine, to look at |
//!
//! To run a server inside another program, and to act only while it leads:
//!
//! ```no_run
//! use raft_node::{Node, config::{Config, Settings}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let address = |number| format!("10.0.0.{number}:7000").parse();
//! let servers = vec![(1, address(1)?), (2, address(2)?), (3, address(3)?)];
//! let config = Config::new(Settings::new("orders", 1, servers))?;
//! let is_new = true; // the first time only
//! let node = Node::builder(config).data("/var/lib/orders").bootstrap(is_new).start()?;
//! loop {
//!     if let Some(leadership) = node.leadership() {
//!         println!("acting with token {}", leadership.fencing_token());
//!     }
//!     std::thread::sleep(std::time::Duration::from_secs(1));
//! }
//! # }
//! ```
//!
//! What is assumed: the servers and the network between them are not malicious (datagrams are
//! checked, not authenticated), nobody restores an old copy of a data directory, the disk keeps
//! what it has confirmed, and no clock gains or loses more than is configured.
//!
//! What is deliberately absent: a log, and changes of membership.

pub mod clock;
pub mod cluster;
pub mod config;
pub mod countdown;
pub mod counters;
pub mod disk;
pub mod engine;
pub mod leadership;
pub mod lease;
pub mod link;
pub mod node;
pub mod recorder;
pub mod simulate;
pub mod status;
pub mod wire;

pub use crate::leadership::Leadership;
pub use crate::node::Node;
pub use crate::status::Status;

#[cfg(test)]
mod testing;
