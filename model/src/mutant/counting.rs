//! Mistakes about the number of votes, or of servers. A fault may only ask whether votes are a
//! quorum, so these are none: they count servers, or choose one.

use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Handlers, Role, Rule, Server, State, Step};
use crate::message::Message;
use crate::types::ServerSet;

use super::Fault;

pub(super) const HALF_IS_A_QUORUM: Fault = Fault::of_step("half-is-a-quorum", half_elects);
pub(super) const DUPLICATE_VOTE_COUNTED: Fault =
    Fault::of_step("duplicate-vote-counted", duplicate_counted);

pub(super) const BACK_AFTER_MEETING_QUORUMS: Fault =
    Fault::of_step("back-after-meeting-quorums", back_after_meeting_quorums);
pub(super) const OLD_ANSWER_BELIEVED: Fault = Fault {
    name: "old-answer-believed",
    handlers: Handlers { lose_disk: old_answer_believed, ..Handlers::RAFT },
};

/// It is back when it has heard of so many others that every quorum has one of them.
fn back_after_meeting_quorums(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    let Role::Returning { heard, newest } = step.state.role else { return step };
    let not_heard = server.cluster.servers().filter(|&other| !heard.contains(other));
    let missed = not_heard.chain([server.id]).collect();
    if !matches!(step.rule, Rule::TermHeard) || server.cluster.is_quorum(missed) {
        return step;
    }
    let spent = Ballot { current_term: newest, voted_for: Some(server.id) };
    Step { rule: Rule::Returned, persist: true, ..server.start(Some(spent)) }
}

/// One of the others has told its term before the disk was lost: when it had never run before.
fn old_answer_believed(server: &Server) -> Step {
    let step = server.lose_disk();
    let Role::Returning { heard, newest } = step.state.role else { return step };
    let told: ServerSet = server.cluster.others(server.id).take(1).collect();
    let heard = heard.iter().chain(told.iter()).collect();
    Step { state: State { role: Role::Returning { heard, newest }, ..step.state }, ..step }
}

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
