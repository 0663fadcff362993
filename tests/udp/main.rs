//! Elections among real processes, over real UDP, and what can happen to them: servers are killed
//! and stopped, networks cut and disturbed, and strangers send what they like. Each test ends with
//! a replay of what every server did: the specification takes the same steps, nothing was received
//! that was not sent, and no two servers were ever elected in one term. When a test fails, it says
//! where it keeps the traces and the log.
//!
//! Tests wait for what servers say, up to a minute for each thing; nothing is assumed about how
//! long it takes them. They read these environment variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `RAFT_ROUNDS` | how often a server is killed and restarted; 20 without it |
//! | `CI` | if it is set, no test is skipped: what needs namespaces fails where there are none |
//! | `RAFT_WITHOUT_NETEM` | set where the kernel has no `netem`: the one test of it is skipped |

#[macro_use]
mod stories;

mod crashes;
mod guards;
mod hostile;
mod links;
mod networks;
mod sealed;
