//! What real servers did, as the page reads it: runs that are over, and a cluster that runs.
//!
//! * [`recorded`]: whole traces, replayed first, since no picture is drawn of what did not happen
//! * [`live`]: traces that grow, followed at their ends

pub mod live;
pub mod recorded;

use serde_json::{Value, json};

use super::codes::arrival;
use super::tell;
use crate::action::{Envelope, Move};
use crate::cluster::Cluster;
use crate::run::Lease;
use crate::run::sentence;
use crate::trace::{Cause, Header, Record};

/// How many steps are kept, the last ones.
pub const MOST: usize = 20_000;

/// What a header says of a whole cluster.
fn cluster(header: &Header) -> Value {
    json!({
        "name": header.cluster,
        "servers": header.servers.size(),
        "protocol": header.servers.protocol().name(),
        "witnesses": header.servers.witnesses(),
        "heartbeat_ms": header.heartbeat_ms,
        "election_ms": header.election_ms,
    })
}

/// A step, when it was taken, and what it received and sent.
fn step(record: &Record, cluster: Cluster) -> Value {
    let trigger = record.cause.trigger();
    let before = record.cause.before().unwrap_or(record.step.state);
    let a_move = Move::of(record.server, &before, trigger, &record.step);
    let says = match record.cause {
        Cause::Start { .. } => format!("{} comes up", record.server),
        _ => sentence(&a_move, &record.step.state),
    };
    let sends = Envelope::of(record.server, record.step.outgoing).map(|envelope| {
        let to: Vec<_> =
            envelope.to.map_or_else(|| cluster.others(record.server).collect(), |to| vec![to]);
        let mut value = tell::envelope(&envelope);
        value["to"] = json!(to);
        value
    });
    let received = match record.cause {
        Cause::Receive { from, message, sent_in, .. } => {
            let mut value = tell::message(message);
            value["code"] = json!(arrival(from, message));
            value["from"] = json!(from);
            value["sent_in"] = json!([sent_in.boot, sent_in.sequence]);
            Some(value)
        }
        _ => None,
    };
    json!({
        "us": record.wall_us,
        "server": record.server,
        "id": [record.boot, record.sequence],
        "starts": record.cause.before().is_none(),
        "rule": record.step.rule,
        "says": says,
        "state": tell::server(&record.step.state, record.step.state.ballot, Lease::NONE),
        "sends": sends,
        "received": received,
    })
}
