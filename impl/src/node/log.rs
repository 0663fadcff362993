//! The log of a node. It is written from its status: nobody reads from it who leads.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use raft_model::election::{Role, Rule, Server};
use raft_model::trace::Cause;
use raft_model::types::ServerId;

use super::unanswered::Unanswered;
use crate::clock::Moment;
use crate::config::Config;
use crate::counters::is_worth_a_line;
use crate::status::{Authentication, Status};

/// The server comes up.
pub(super) fn start(config: &Config, status: &Status, ballot: &Path) {
    let Server { cluster, .. } = config.server();
    let addresses = cluster.servers().filter_map(|id| {
        let address = config.address_of(id)?;
        Some(format!("{id}={address}"))
    });
    let witnesses = Some(cluster.witnesses()).filter(|them| !them.is_empty());
    tracing::info!(
        rule = ?Rule::Started,
        pid = std::process::id(),
        cluster = %config.cluster_name(),
        servers = %addresses.collect::<Vec<_>>().join(","),
        protocol = %cluster.protocol(),
        witnesses = witnesses.map(tracing::field::display),
        heartbeat = ?config.heartbeat(),
        election = ?config.election_timeout(),
        authentication = status.authentication.name(),
        keys = names(status).map(tracing::field::display),
        ballot = %ballot.display(),
        term = %status.term(),
        voted_for = status.voted_for().map(tracing::field::display),
    );
    if status.authentication == Authentication::Insecure {
        tracing::warn!(
            "insecure: datagrams are not authenticated, so whoever reaches this network can depose \
             leaders and elect two"
        );
    }
}

/// The names of the keys that are accepted.
fn names(status: &Status) -> Option<String> {
    let names: Vec<_> = status.authentication.keys().map(|key| key.to_string()).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// Its keys have changed, or not.
pub(super) fn keys(are_set: bool, status: &Status) {
    if are_set {
        tracing::info!(keys = names(status).map(tracing::field::display), "keys read again");
    } else {
        tracing::warn!("it was started without a key, and takes none until it is started again");
    }
}

/// One line a step, after it was obeyed. What changes nothing is for the curious, and so are most
/// elections of a server that nobody answers.
pub(super) fn step(
    unanswered: &mut Unanswered,
    before: &Status,
    status: &Status,
    cause: Cause,
    rule: Rule,
) {
    let begun = unanswered.step(before.state.role, rule, Moment::now());
    let (from, to) = match cause {
        Cause::Start { .. } | Cause::LoseDisk => return,
        Cause::Timeout { .. } => (None, None),
        Cause::HandOver { to, .. } => (None, Some(to)),
        Cause::Receive { from, .. } | Cause::HearTerm { from, .. } => (Some(from), None),
    };
    let role = status.state.role;
    let votes = match role {
        Role::PreCandidate { votes, .. } | Role::Candidate { votes } => Some(votes),
        Role::Follower { .. } | Role::Leader { .. } | Role::Returning { .. } => None,
    };
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                ?rule,
                term = %status.term(),
                %role,
                voted_for = status.voted_for().map(tracing::field::display),
                votes = votes.map(tracing::field::display),
                leader = status.leader.map(tracing::field::display),
                from = from.map(tracing::field::display),
                to = to.map(tracing::field::display),
                elections_begun = begun.filter(|&begun| begun > 1),
            )
        };
    }
    if begun.is_some() && status.is_news_after(before) {
        line!(info);
    } else {
        line!(debug);
    }
}

/// Whether there is something to act on has changed, or something held the server up.
pub(super) fn lease_and_stalls(before: &Status, status: &Status) {
    match (before.leadership, status.leadership) {
        (None, Some(lease)) => tracing::info!(term = %lease.term(), "leadership confirmed"),
        (Some(lease), None) => tracing::info!(term = %lease.term(), "leadership over"),
        _ => {}
    }
    if before.stalls != status.stalls {
        let longest = status.stalls.longest;
        let late = status.stalls.late_timers - before.stalls.late_timers;
        if late > 0 && is_worth_a_line(status.stalls.late_timers) {
            let count = status.stalls.late_timers;
            tracing::warn!(count, ?longest, "held up for half an election timeout");
        }
        let slow = status.stalls.slow_saves - before.stalls.slow_saves;
        if slow > 0 && is_worth_a_line(status.stalls.slow_saves) {
            let count = status.stalls.slow_saves;
            tracing::warn!(count, ?longest, "the disk takes half an election timeout to save");
        }
    }
}

/// What became of a datagram that was to be sent; the latter happened so often.
pub(super) fn sent(to: ServerId, address: SocketAddr, result: io::Result<()>, count: u64) {
    match result {
        Ok(()) => tracing::trace!(%to, "sent"),
        Err(error) => {
            let error = error.to_string(); // so that it stands in quotes
            tracing::debug!(%to, error, "not sent");
            if is_worth_a_line(count) {
                tracing::warn!(%to, %address, error, count, "datagrams not sent");
            }
        }
    }
}
