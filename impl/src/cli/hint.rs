//! Errors of the library, and what whoever typed the command can do about them. The library knows
//! no arguments; here each error gets those that it is about.

use std::error::Error;

use raft_node::config::ConfigError;
use raft_node::disk::StoreError;
use raft_node::disk::slots::Untrusted;
use raft_node::node::StartError;
use raft_node::recorder::RecorderError;

use super::Failure;

/// An error, and a line that says what to type.
#[derive(Debug, thiserror::Error)]
#[error("{error}\n{hint}")]
struct Hinted {
    error: Box<dyn Error>,
    hint: &'static str,
}

fn hinted(error: impl Error + 'static, hint: &'static str) -> Hinted {
    Hinted { error: Box::new(error), hint }
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

pub(super) fn start(error: StartError) -> Failure {
    match error {
        StartError::Store(error) => store(error),
        StartError::Trace(error) => trace(error),
        StartError::Link(_) | StartError::System(_) => Failure::other(error),
    }
}

fn store(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::NoBallot { .. } => {
            "First check --data. A server that has never run is started once with --bootstrap."
        }
        StoreError::AlreadyBootstrapped { .. } => "Start this server without --bootstrap.",
        StoreError::Untrusted { reason: Untrusted::Owner(..), .. } => {
            "Correct --data, --id, --cluster, --protocol or the list of --server."
        }
        StoreError::Untrusted { reason: Untrusted::Version(_), .. } => {
            return Failure::disk(error);
        }
        StoreError::Untrusted { .. } => {
            "First check --data. A new cluster has a new --cluster, and each server a new --data, \
             with --bootstrap."
        }
        StoreError::Io { .. } => return Failure::other(error),
        StoreError::Locked { .. } => {
            return Failure::other(hinted(error, "Give each server a --data of its own."));
        }
    };
    Failure::disk(hinted(error, hint))
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
