//! Mistakes about the number of votes. A fault may only ask whether votes are a quorum, so these
//! two are none: they count servers.

use crate::cluster::Cluster;
use crate::election::{Event, Role, Server, State, Step};
use crate::message::Message;

use super::Fault;

pub(super) const HALF_IS_A_QUORUM: Fault = Fault::of_step("half-is-a-quorum", half_elects);
pub(super) const DUPLICATE_VOTE_COUNTED: Fault =
    Fault::of_step("duplicate-vote-counted", duplicate_counted);

fn half_elects(server: &Server, before: State, event: Event) -> Step {
    let size = server.cluster.size();
    // Half of an even number of servers is more than half of one server less.
    match Cluster::new(size - 1) {
        Ok(cluster) if size.is_multiple_of(2) => Server { cluster, ..*server }.step(before, event),
        _ => server.step(before, event),
    }
}

/// A set of votes stands for their number here: one that arrives again is put down to a server that
/// has not voted yet.
fn duplicate_counted(server: &Server, before: State, event: Event) -> Step {
    let Event::Receive { from, message: message @ Message::RequestVoteResponse { .. } } = event
    else {
        return server.step(before, event);
    };
    let counted = match before.role {
        Role::Candidate { votes } if votes.contains(from) => {
            server.cluster.servers().find(|&other| !votes.contains(other))
        }
        _ => None,
    };
    server.step(before, Event::Receive { from: counted.unwrap_or(from), message })
}
