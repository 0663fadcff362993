//! Leadership for a program that runs on 3 to 5 machines: one of them leads, and each knows for how
//! long it may act on that.
//!
//! ```no_run
//! use raft_node::{Node, config::{Config, Settings}, session};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let address = |number| format!("10.0.0.{number}:7000").parse();
//! let servers = vec![(1, address(1)?), (2, address(2)?), (3, address(3)?)];
//! let config = Config::new(Settings::new("orders", 1, servers))?;
//! let is_new = true; // the first time only
//! let key = session::file::read("/etc/orders.key".as_ref())?; // `raft-node keygen` makes it
//! let node = Node::builder(config).keys(key).data("/var/lib/orders").bootstrap(is_new).start()?;
//! for status in node.watch() {
//!     println!("{:?} leads term {}", status.leader, status.term());
//!     while let Some(leadership) = node.leadership() {
//!         println!("acting with token {}", leadership.fencing_token());
//!         std::thread::sleep(std::time::Duration::from_secs(1));
//!     }
//! }
//! # Ok(node.wait()?)
//! # }
//! ```
//!
//! | first read | what it is |
//! |---|---|
//! | [`guide`] | how to run it on three machines, how to embed it, how we know |
//! | [`config::Settings`], [`config::Config`] | who is in the cluster; timing; validated once |
//! | [`node::Builder`] | what starts a server: its data, whether it is new, its key, its trace |
//! | [`Node`] | the handle of a running server: asked, watched, told to hand over, stopped |
//! | [`Leadership`] | what a program may act on, and until when: a value that ends by itself |
//! | [`Status`], [`status::Report`] | what the server knows, for programs, for people and as JSON |
//! | [`node::Watch`] | each change of that, for code that blocks and code that awaits |
//! | [`control`] | the same over a Unix socket, from other processes of the machine |
//!
//! **`bootstrap`** is right once in the life of a server: when it has never run, and its data
//! directory is empty. It creates the ballot, which remembers for whom the server voted. A server
//! that comes back and finds no ballot must not be started with it: it could vote twice in a term,
//! and help a second leader to office. If its disk is lost, leave it out (see [`guide::operator`]).
//!
//! What is assumed: whoever has the key of the cluster is not malicious (without one: whoever is on
//! its network; see [`guide::security`]), nobody restores an old copy of a data directory, the disk
//! keeps what it has confirmed, and no clock gains or loses more than is configured.
//!
//! What is deliberately absent: a log, and changes of membership.
//!
//! # Features
//!
//! `daemon` is the program `raft-node`: its command line, [`supervise`], [`cluster`] and
//! [`simulate`]; `http` is [`http`]. Both are on by default. A program that embeds a server does
//! without: `default-features = false`.
//!
//! # Inside
//!
//! What a server does is said elsewhere: [`raft_model::election`] is the specification that was
//! checked, and this crate calls that very code. Here stands only what the specification asks of
//! its caller: to obey each step in the order persist, send, restart the timer. Read in this order:
//!
//! | module | subject |
//! |---|---|
//! | [`config`] | who is in the cluster, and the timing |
//! | [`wire`] | a message as bytes of a datagram; what is rejected, and why |
//! | [`session`] | datagrams that only a holder of the key can have written, each believed once |
//! | [`disk`] | the data directory: lock, first start, ballot |
//! | [`disk::slots`], [`disk::slot`] | its two copies: no crash or damage loses a vote |
//! | [`clock`], [`countdown`] | what time it is; the one timer |
//! | [`leadership`], [`lease`] | what a program may act on, and until when it is valid |
//! | [`status`], [`counters`] | what a server knows: its term, role and vote, and who leads |
//! | [`engine`] | the node without its socket, clock and disk: a value |
//! | [`link`] | the one socket |
//! | [`join`] | how a server comes back that has lost its disk |
//! | [`recorder`] | the trace of what the server did, for replay |
//! | [`node`] | the thread that drives the engine, and the handle that a program has of it |
//! | [`control`] | a socket at which a running node is asked and told; a thread of its own |
//! | [`http`] | for load balancers, probes and Prometheus; a thread of its own |
//! | [`supervise`] | a command that runs only while a node leads |
//! | [`simulate`] | many engines on one clock that is not real, and a million faults |
//! | [`cluster`] | apart from that: a cluster of processes on this machine, to look at |

pub mod clock;
#[cfg(feature = "daemon")]
pub mod cluster;
pub mod config;
pub mod control;
pub mod countdown;
pub mod counters;
pub mod disk;
pub mod engine;
pub mod guide;
#[cfg(feature = "http")]
pub mod http;
pub mod join;
pub mod leadership;
pub mod lease;
pub mod link;
mod lock;
pub mod node;
pub mod recorder;
pub mod session;
#[cfg(feature = "daemon")]
pub mod simulate;
pub mod status;
#[cfg(feature = "daemon")]
pub mod supervise;
pub mod wire;

/// How many servers, how they elect, and which of them never lead.
pub use raft_model::cluster::{Cluster, ClusterError, Protocol};
/// What [`Status::state`] consists of.
pub use raft_model::election::{Ballot, Role, State};
/// Servers by their numbers, sets of them, and terms.
pub use raft_model::types::{ServerId, ServerSet, Term};

pub use crate::leadership::Leadership;
pub use crate::node::Node;
pub use crate::status::Status;

#[cfg(test)]
mod testing;
