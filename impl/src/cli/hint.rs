//! Errors of the library, and what whoever typed the command can do about them. The library knows
//! no arguments; here each error gets those that it is about.

use std::borrow::Cow;
use std::error::Error;

use raft_node::cluster;
use raft_node::config::ConfigError;
use raft_node::disk::StoreError;
use raft_node::disk::slot::Owner;
use raft_node::disk::slots::Untrusted;
use raft_node::node::StartError;
use raft_node::recorder::RecorderError;

use super::Failure;

/// An error, and a line that says what to type.
#[derive(Debug, thiserror::Error)]
#[error("{error}\n{hint}")]
struct Hinted {
    error: Box<dyn Error>,
    hint: Cow<'static, str>,
}

fn hinted(error: impl Error + 'static, hint: impl Into<Cow<'static, str>>) -> Hinted {
    Hinted { error: Box::new(error), hint: hint.into() }
}

pub(super) fn config(error: ConfigError) -> Failure {
    let hint = match error {
        ConfigError::ClusterName(_) => "Correct --cluster.",
        ConfigError::UnknownId { .. } => "Correct --id, or the list of --server.",
        ConfigError::Cluster(_)
        | ConfigError::NoSuchNumber { .. }
        | ConfigError::DuplicateNumber { .. }
        | ConfigError::Gap { .. }
        | ConfigError::UnusableAddress { .. }
        | ConfigError::MappedAddress { .. }
        | ConfigError::MixedFamilies { .. }
        | ConfigError::MixedReach { .. }
        | ConfigError::DuplicateAddress { .. } => "Correct the list of --server.",
        ConfigError::UnusableListen { .. } => "Correct --listen.",
        ConfigError::UnknownWitness { .. } | ConfigError::Witnesses(_) => "Correct --witness.",
        ConfigError::ClockError { .. } => "Correct --clock-error.",
        ConfigError::HeartbeatTooShort { .. } => "Correct --heartbeat.",
        ConfigError::HeartbeatTooLong { .. } => "Correct --heartbeat or --election.",
        ConfigError::EmptyElectionRange { .. } | ConfigError::ElectionTooLong { .. } => {
            "Correct --election."
        }
    };
    Failure::input(hinted(error, hint))
}

pub(super) fn cluster(error: cluster::Error) -> Failure {
    match error {
        cluster::Error::Config(error) => config(error),
        error @ (cluster::Error::Traces(_) | cluster::Error::NoTraces { .. }) => {
            Failure::input(hinted(error, "Give --trace another directory."))
        }
        error => Failure::other(error),
    }
}

pub(super) fn start(error: StartError) -> Failure {
    match error {
        StartError::Store(error) => store(error),
        StartError::Trace(error) => trace(error),
        StartError::NoKey => Failure::input(hinted(
            error,
            "Make one by `raft-node keygen`, bring it to all servers, and give it by --key. On a \
             network on which nobody is who is not to be trusted: --insecure.",
        )),
        StartError::Link(_) | StartError::System(_) | StartError::Random(_) => {
            Failure::other(error)
        }
    }
}

pub(super) fn store(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::NoBallot { .. } => {
            "First check --data. Then: a server that has never run is started once with \
             --bootstrap; one whose disk is lost comes back by `raft-node join --after-lost-disk`."
        }
        StoreError::AlreadyBootstrapped { .. } => {
            "Start it by `raft-node run`, without --bootstrap."
        }
        StoreError::Untrusted { reason: Untrusted::Owner(theirs, ours), .. } => {
            let hint = other_owner(theirs, ours);
            return Failure::disk(hinted(error, hint));
        }
        StoreError::Untrusted { reason: Untrusted::Version(_), .. } => {
            return Failure::disk(error);
        }
        StoreError::Untrusted { .. } => {
            "First check --data. Then empty the directory: the server comes back by `raft-node join \
             --after-lost-disk`."
        }
        StoreError::Copied { .. } => {
            "If the server has moved here, and will never run on the old directory again: \
             `raft-node adopt`. A backup or an old snapshot: empty the directory, then `raft-node \
             join --after-lost-disk`."
        }
        StoreError::Io { .. } => return Failure::other(error),
        StoreError::Locked { .. } => {
            return Failure::other(hinted(error, "Give each server a --data of its own."));
        }
    };
    Failure::disk(hinted(error, hint))
}

/// Either it is another ballot, or what differs was not meant to.
fn other_owner(theirs: &Owner, ours: &Owner) -> String {
    let [their_cluster, our_cluster] = [theirs, ours].map(|owner| owner.servers);
    let flags = [
        (theirs.cluster != ours.cluster, "--cluster"),
        (theirs.server != ours.server, "--id"),
        (their_cluster.size() != our_cluster.size(), "the list of --server"),
        (their_cluster.protocol() != our_cluster.protocol(), "--protocol"),
        (their_cluster.witnesses() != our_cluster.witnesses(), "--witness"),
    ];
    let flags: Vec<_> =
        flags.into_iter().filter_map(|(differs, flag)| differs.then_some(flag)).collect();
    format!("Correct --data, or {}.", flags.join(" and "))
}

fn trace(error: RecorderError) -> Failure {
    match error {
        RecorderError::HasRun { .. } => Failure::disk(hinted(
            error,
            "First check --data. Start a server that has run without --bootstrap.",
        )),
        RecorderError::Foreign { .. } => Failure::disk(hinted(error, "Correct --trace.")),
        RecorderError::LostBallot { .. } => Failure::disk(hinted(
            error,
            "First check --data and --trace: they may be of different servers.",
        )),
        RecorderError::Locked { .. } | RecorderError::Io { .. } => {
            Failure::other(hinted(error, "Correct --trace."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_model::cluster::{Cluster, Protocol};
    use raft_model::types::{ServerId, ServerSet};
    use raft_node::config::ClusterName;

    #[test]
    fn who_has_the_ballot_of_another_is_told_which_flags_differ() {
        let [one, three] = [1, 3].map(|number| ServerId::new(number).unwrap());
        let servers = Cluster::with(3, Protocol::GUARDED).unwrap();
        let ours = Owner { cluster: ClusterName::new("demo").unwrap(), servers, server: one };
        let with = |servers| Owner { servers, ..ours.clone() };
        let witness = with(servers.with_witnesses(ServerSet::only(three)).unwrap());
        let figure2 = with(Cluster::with(3, Protocol::FIGURE2).unwrap());
        let five = with(Cluster::with(5, Protocol::GUARDED).unwrap());
        let other =
            Owner { cluster: ClusterName::new("other").unwrap(), server: three, ..ours.clone() };
        for (theirs, flags) in [
            (witness, "--witness"),
            (figure2, "--protocol"),
            (five, "the list of --server"),
            (other, "--cluster and --id"),
        ] {
            assert_eq!(other_owner(&theirs, &ours), format!("Correct --data, or {flags}."));
        }
    }
}
