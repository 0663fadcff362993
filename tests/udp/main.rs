//! Elections among real processes, over real UDP, while servers are killed and stopped. Each test
//! ends with a replay of what every server did: the specification takes the same steps, nothing was
//! received that was not sent, and no two servers were ever elected in one term. When a test fails,
//! it says where it keeps the traces and the log.
//!
//! Tests wait for what servers say, up to a minute for each thing; nothing is assumed about how long
//! it takes them. They read these environment variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `RAFT_ROUNDS` | how often a server is killed and restarted; 20 without it |

#[path = "../support"]
mod support {
    pub(crate) mod binary;
    pub(crate) mod cluster;
    pub(crate) mod network;
    #[expect(dead_code, reason = "servers here have addresses that are theirs alone")]
    pub(crate) mod node;
}

mod crashes;
