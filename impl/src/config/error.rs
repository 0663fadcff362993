//! What can be wrong with settings.

use std::net::SocketAddr;
use std::time::Duration;

use raft_model::cluster::{Cluster, ClusterError};

use super::{ClusterName, Config};

/// A setting that is wrong. Each message says which, why, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The name of the cluster is empty, too long, or has other characters.
    #[error(
        "cluster name {0:?}: it has 1 to {max} ASCII letters, digits, '-', '_' or '.'",
        max = ClusterName::MAX_LEN
    )]
    ClusterName(String),
    /// No servers, or too many.
    #[error("number of servers: {0}; give each server once, this one included")]
    Cluster(#[from] ClusterError),
    /// A server number that no server can have.
    #[error("server {number}: servers are numbered from 1 to {max}", max = Cluster::MAX_SIZE)]
    NoSuchNumber {
        /// That number.
        number: u8,
    },
    /// Two servers with one number.
    #[error("server {number} is given twice; each server has a number of its own")]
    DuplicateNumber {
        /// That number.
        number: u8,
    },
    /// A number between two others is missing.
    #[error("server {missing} is missing; the {size} servers are numbered 1 to {size}")]
    Gap {
        /// The first missing number.
        missing: u8,
        /// How many servers there are.
        size: u8,
    },
    /// An address that others cannot send to.
    #[error(
        "server {number} at {address}: the others must be able to send to this very address and \
         see it as the source, so it has an IP address of one host and a port other than 0"
    )]
    UnusableAddress {
        /// The server.
        number: u8,
        /// Its address.
        address: SocketAddr,
    },
    /// An address at which the servers cannot be heard.
    #[error(
        "listen at {address}: it has a port other than 0, and the IP version of the servers, as \
         {other} has"
    )]
    UnusableListen {
        /// That address.
        address: SocketAddr,
        /// The address of a server.
        other: SocketAddr,
    },
    /// An IPv4 address in the spelling of IPv6.
    #[error(
        "server {number} at {address}: this is an IPv4 address; write it as {}",
        SocketAddr::new(.address.ip().to_canonical(), .address.port())
    )]
    MappedAddress {
        /// The server.
        number: u8,
        /// Its address.
        address: SocketAddr,
    },
    /// IPv4 and IPv6 in one cluster.
    #[error(
        "server {number} at {address}: server 1 has an address of the other IP version; one socket \
         reaches all servers, so use IPv4 for all of them or IPv6 for all of them"
    )]
    MixedFamilies {
        /// The first server of the other family.
        number: u8,
        /// Its address.
        address: SocketAddr,
    },
    /// Addresses of which no socket reaches both.
    #[error(
        "server {} at {} can only be reached from its own machine, and server {} at {} is not on it",
        .inside.0, .inside.1, .outside.0, .outside.1
    )]
    MixedReach {
        /// A server at a loopback address.
        inside: (u8, SocketAddr),
        /// A server at another.
        outside: (u8, SocketAddr),
    },
    /// Two servers with one address.
    #[error("servers {first} and {second} have the same address {address}; each needs its own")]
    DuplicateAddress {
        /// The server with the lower number.
        first: u8,
        /// The other.
        second: u8,
        /// Their address.
        address: SocketAddr,
    },
    /// This server's number is not in the list.
    #[error("id {id}: this server must be one of the {size} servers of the cluster, 1 to {size}")]
    UnknownId {
        /// That number.
        id: u8,
        /// How many servers there are.
        size: u8,
    },
    /// A witness that is no server.
    #[error("witness {number}: a witness is one of the {size} servers of the cluster, 1 to {size}")]
    UnknownWitness {
        /// Its number.
        number: u8,
        /// How many servers there are.
        size: u8,
    },
    /// Witnesses that no cluster has.
    #[error("witnesses: {0}")]
    Witnesses(ClusterError),
    /// A heartbeat period below a millisecond.
    #[error("heartbeat of {heartbeat:?}: at least 1 ms")]
    HeartbeatTooShort {
        /// That period.
        heartbeat: Duration,
    },
    /// A heartbeat that comes too late to hold off elections.
    #[error(
        "heartbeat of {heartbeat:?}: it must be less than half of the shortest election timeout, \
         {min:?}, so that the loss of one heartbeat starts no election"
    )]
    HeartbeatTooLong {
        /// That period.
        heartbeat: Duration,
        /// The shortest election timeout.
        min: Duration,
    },
    /// A clock that tells nothing.
    #[error(
        "clock error of {ppm} parts of a million: it must be less than 1000000, the whole time"
    )]
    ClockError {
        /// That error.
        ppm: u32,
    },
    /// No room for chance.
    #[error(
        "election timeouts from {min:?} to {max:?}: the first must be less than the second, \
         because servers that time out together split their votes"
    )]
    EmptyElectionRange {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// An election timeout that nobody would wait for.
    #[error("election timeouts up to {max:?}: at most {limit:?}", limit = Config::MAX_TIMEOUT)]
    ElectionTooLong {
        /// The longest.
        max: Duration,
    },
}
