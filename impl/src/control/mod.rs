//! How a running node is spoken to by other programs of its machine: a Unix socket in its data
//! directory, named [`SOCKET`]. Its file mode, 0600, says who may: the user of the node.
//!
//! Both sides send JSON, one value a line. A [`Request`] is answered by an [`Answer`], in order;
//! one connection may ask as often as it likes. [`Client`] asks, [`Server`] answers, in threads of
//! its own: it reads what the node last published, so that nobody who asks holds it up.
//!
//! ```sh
//! echo '{"do":"status"}' | socat - UNIX-CONNECT:/var/lib/orders/control
//! ```

mod client;
mod lead;
mod server;
pub(crate) mod socket;

use std::io;
use std::path::PathBuf;

use raft_model::types::ServerId;
use serde::{Deserialize, Serialize};

pub use self::client::{Client, ClientError};
pub use self::lead::{Guard, Leading};
pub use self::server::{Levels, Server};
use crate::Node;
use crate::clock::{Moment, microseconds};
use crate::recorder::TraceStatus;
use crate::status::Report;
use crate::status::report::Lease;

/// The name of the socket in the data directory.
pub const SOCKET: &str = "control";

/// What a node is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What it knows. Answered by one [`Answer::Status`].
    Status,
    /// What it knows now, and at each change, and after so many milliseconds without one. Answered
    /// by one [`Answer::Status`] after the other; nothing else is answered on this connection.
    Watch {
        /// Milliseconds, at least 10.
        every_ms: u64,
    },
    /// To give up leadership in favour of this server. Answered once it has left office.
    HandOver {
        /// Who shall lead.
        to: ServerId,
    },
    /// To give up leadership in favour of the follower that answered last.
    StepDown,
    /// What may be acted on as the leader. Answered by one [`Answer::Leading`]. From then on this
    /// connection asks nothing else.
    Lead {
        /// The processes that act on it. If this question does not come again in time, or the
        /// connection ends, the node kills them.
        guard: Option<Guard>,
    },
    /// To log from now on what is at least that important.
    LogLevel {
        /// `off`, `warn`, `info`, `debug` or `trace`.
        level: String,
    },
    /// To write a trace from now on.
    TraceStart {
        /// To this file; `null`: to the usual one.
        file: Option<PathBuf>,
    },
    /// To end the trace, and to go on without.
    TraceStop,
    /// To go on with the trace in a new file.
    TraceRotate,
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What it knows.
    Status(Box<Snapshot>),
    /// What may be acted on.
    Leading(Leading),
    /// It has done that.
    Done,
    /// It has not done that, for this reason.
    Error(String),
}

/// A request or an answer, as it is sent: a line.
pub(crate) fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// What a node knows, and which process it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The name of the cluster.
    pub cluster: String,
    /// The number of the process.
    pub process: u32,
    /// The program and its version.
    pub program: String,
    /// The address of this server, as the others know it.
    pub address: String,
    /// How often a leader says that it is alive, in microseconds.
    pub heartbeat_us: u64,
    /// The shortest and the longest election timeout, in microseconds.
    pub election_us: (u64, u64),
    /// How long a lease is, at most, in microseconds; 0 if the protocol gives none.
    pub lease_us: u64,
    /// The trace that it writes; `null` if it writes none.
    #[serde(default)]
    pub trace: Option<TraceStatus>,
    /// What it knows.
    #[serde(flatten)]
    pub status: Report,
}

impl Snapshot {
    /// What this node knows at the moment. The leadership in it is handed out: whoever reads it may
    /// act on it, and a node that gives up waits until it is over.
    pub fn of(node: &Node) -> Self {
        let config = node.config();
        let election = config.election_timeout();
        let lease = config.clock_error().lease(*election.start());
        let has_leases = config.server().cluster.protocol().check_quorum();
        let leadership = node.leadership().map(|it| Lease::new(it, it.asked()));
        Self {
            cluster: config.cluster_name().to_string(),
            process: std::process::id(),
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            address: config.own_address().to_string(),
            heartbeat_us: microseconds(config.heartbeat()),
            election_us: (microseconds(*election.start()), microseconds(*election.end())),
            lease_us: if has_leases { microseconds(lease) } else { 0 },
            trace: node.trace(),
            status: Report { leadership, ..Report::new(&node.status(), Moment::now()) },
        }
    }
}

#[cfg(test)]
mod tests;
