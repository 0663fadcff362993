//! The configuration of a node: each key is a key of `node.toml`, a flag, and a variable of the
//! environment. A flag is stronger than the environment, and that than the file.

mod address;
mod file;
mod size;

use std::env;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Parser as _;
use raft_model::cluster::Protocol;
use raft_node::config::{Config, ConfigError, Settings};
use raft_node::recorder::Rotation;
use raft_node::session;
use serde::Deserialize;

use self::address::has_names;
pub(super) use self::address::{Moving, Place, Server, resolve};
use self::file::read;
use self::size::Size;
use super::{Failure, hint};

/// The credential of systemd that holds the key of the cluster.
const CREDENTIAL: &str = "cluster-key";

/// What a node is told, as far as it was told.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Keys {
    /// Name of the cluster: 1 to 32 letters, digits, '-', '_' or '.'
    #[arg(long, value_name = "NAME", env = "RAFT_CLUSTER", hide_env_values = true)]
    pub(super) cluster: Option<String>,
    /// Number of this server
    #[arg(
        long,
        value_name = "NUMBER",
        env = "RAFT_ID",
        hide_env_values = true,
        value_parser = address::number
    )]
    pub(super) id: Option<u8>,
    /// Number and address of a server, IP:PORT or NAME:PORT, as all servers can reach it. Once for
    /// each of the 1 to 7 servers, this one included; the same list on every machine
    #[arg(
        long = "server",
        value_name = "NUMBER=ADDRESS",
        env = "RAFT_SERVERS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    #[serde(default, deserialize_with = "file::table")]
    pub(super) servers: Vec<Server>,
    /// Where this server receives, if that is another address than the one in the list: behind
    /// NAT, or 0.0.0.0:7000 for all of its addresses
    #[arg(long, value_name = "IP:PORT", env = "RAFT_LISTEN", hide_env_values = true)]
    #[serde(default, deserialize_with = "file::text")]
    pub(super) listen: Option<Place>,
    /// Directory for the ballot of this server, of no other, on a disk of its own machine
    #[arg(long, value_name = "DIR", env = "RAFT_DATA", hide_env_values = true)]
    pub(super) data: Option<PathBuf>,
    /// File with the key of the cluster, the same on all servers: `raft-node keygen` makes one. If
    /// none is given: the systemd credential `cluster-key`
    #[arg(long, value_name = "FILE", env = "RAFT_KEY", hide_env_values = true)]
    pub(super) key: Option<PathBuf>,
    /// Run without a key though others may reach the servers: whoever is on their network can
    /// pretend to be one of them
    #[arg(long)]
    #[serde(default)]
    pub(super) insecure: bool,
    /// How the servers elect, the same on all of them: figure2, pre-vote, check-quorum, or guarded,
    /// which is both [default: guarded]
    #[arg(long, value_name = "PROTOCOL", env = "RAFT_PROTOCOL", hide_env_values = true)]
    #[serde(default, deserialize_with = "file::text")]
    pub(super) protocol: Option<Protocol>,
    /// Number of a server that votes and never leads, the same on all of them; give it again for
    /// several
    #[arg(
        long = "witness",
        value_name = "NUMBER",
        env = "RAFT_WITNESSES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    #[serde(default)]
    pub(super) witnesses: Vec<u8>,
    /// Milliseconds between two heartbeats of a leader; less than half of the election minimum
    /// [default: 50]
    #[arg(long, value_name = "MS", env = "RAFT_HEARTBEAT", hide_env_values = true)]
    pub(super) heartbeat: Option<u64>,
    /// Milliseconds without a leader until a server campaigns, drawn anew each time [default:
    /// 150..225]
    #[arg(long, value_name = "MIN..MAX", env = "RAFT_ELECTION", hide_env_values = true)]
    #[serde(default, deserialize_with = "file::text")]
    pub(super) election: Option<Range>,
    /// How much clocks may gain or lose, in percent: what a lease assumes of all servers [default:
    /// 1]
    #[arg(long, value_name = "PERCENT", env = "RAFT_CLOCK_ERROR", hide_env_values = true)]
    pub(super) clock_error: Option<Percent>,
    /// Seed of the random election timeouts, to repeat a run's timeouts [default: random]
    #[arg(long, value_name = "NUMBER", env = "RAFT_SEED", hide_env_values = true)]
    pub(super) seed: Option<u64>,
    /// Add a record of every step to this file, for `raft-model replay`. It ends when it cannot be
    /// written any more
    #[arg(long, value_name = "FILE", env = "RAFT_TRACE", hide_env_values = true)]
    pub(super) trace: Option<PathBuf>,
    /// Bytes after which the trace goes on in a new file, as 64M: FILE becomes FILE.1, later
    /// FILE.2, ...; also of one that `raft-node trace start` begins [default: it grows without end]
    #[arg(long, value_name = "BYTES", env = "RAFT_TRACE_SIZE", hide_env_values = true)]
    #[serde(default, deserialize_with = "file::text")]
    pub(super) trace_size: Option<Size>,
    /// How many of the files FILE.1, FILE.2, ... are kept; older ones are removed [default: all]
    #[arg(long, value_name = "COUNT", env = "RAFT_TRACE_KEEP", hide_env_values = true)]
    pub(super) trace_keep: Option<NonZero<u32>>,
    /// Stop when the trace cannot be written, so that it holds whatever the server did
    #[arg(long)]
    #[serde(default)]
    pub(super) trace_required: bool,
    /// Seconds to wait for the address of this server, if it is not there yet when the server is
    /// started: the network may still come up [default: 0]
    #[arg(long, value_name = "SECONDS", env = "RAFT_WAIT_FOR_ADDRESS", hide_env_values = true)]
    pub(super) wait_for_address: Option<u64>,
    /// Answer over HTTP at this address: a page at /, and /leader, /status, /healthz, /readyz and
    /// /metrics. Neither encrypted nor with a password, so for trusted networks
    #[arg(long, value_name = "IP:PORT", env = "RAFT_HTTP", hide_env_values = true)]
    #[serde(default, deserialize_with = "file::text")]
    pub(super) http: Option<SocketAddr>,
    /// Number of a server and where it answers over HTTP, as browsers reach it: the page at / shows
    /// what each of them knows. Once for each; the same list on every machine
    #[arg(
        long = "http-server",
        value_name = "NUMBER=ADDRESS",
        env = "RAFT_HTTP_SERVERS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    #[serde(default, deserialize_with = "file::table")]
    pub(super) http_servers: Vec<Server>,
    /// How much is logged: off, warn, info, debug (every step) or trace (every datagram) [default:
    /// info]
    #[arg(long, value_name = "LEVEL", env = "RAFT_LOG", hide_env_values = true)]
    pub(super) log: Option<String>,
}

impl Keys {
    /// These keys, and where they say nothing, those.
    pub(super) fn over(self, weaker: Self) -> Self {
        Self {
            cluster: self.cluster.or(weaker.cluster),
            id: self.id.or(weaker.id),
            servers: or(self.servers, weaker.servers),
            listen: self.listen.or(weaker.listen),
            data: self.data.or(weaker.data),
            key: self.key.or(weaker.key),
            insecure: self.insecure || weaker.insecure,
            protocol: self.protocol.or(weaker.protocol),
            witnesses: or(self.witnesses, weaker.witnesses),
            heartbeat: self.heartbeat.or(weaker.heartbeat),
            election: self.election.or(weaker.election),
            clock_error: self.clock_error.or(weaker.clock_error),
            seed: self.seed.or(weaker.seed),
            trace: self.trace.or(weaker.trace),
            trace_required: self.trace_required || weaker.trace_required,
            trace_size: self.trace_size.or(weaker.trace_size),
            trace_keep: self.trace_keep.or(weaker.trace_keep),
            wait_for_address: self.wait_for_address.or(weaker.wait_for_address),
            http: self.http.or(weaker.http),
            http_servers: or(self.http_servers, weaker.http_servers),
            log: self.log.or(weaker.log),
        }
    }

    /// Those that the environment sets.
    pub(super) fn of_environment() -> Self {
        #[derive(clap::Parser)]
        struct Environment {
            #[command(flatten)]
            keys: Keys,
        }
        Environment::parse_from(["raft-node"]).keys
    }

    /// These keys, and what the file says besides.
    pub(super) fn with_file(self, file: Option<&Path>) -> Result<Self, Failure> {
        match file {
            Some(file) => Ok(self.over(read(file).map_err(Failure::input)?)),
            None => Ok(self),
        }
    }

    /// The directory of the ballot.
    pub(super) fn data(&self) -> Result<&Path, Failure> {
        self.data.as_deref().ok_or_else(|| missing("data", "--data"))
    }

    /// The keys of the cluster, if it has one: those of the file, or of the credential that systemd
    /// hands to the service.
    pub(super) fn cluster_keys(&self) -> Result<Option<session::Keys>, Failure> {
        let credential = env::var_os("CREDENTIALS_DIRECTORY")
            .map(|directory| Path::new(&directory).join(CREDENTIAL))
            .filter(|path| path.exists());
        let keys = match (&self.key, credential) {
            (Some(path), _) => session::file::read(path),
            (None, Some(path)) => session::file::read_credential(&path),
            (None, None) => return Ok(None),
        };
        if self.insecure {
            return Err(Failure::input(KeyError::InsecureKey));
        }
        keys.map(Some).map_err(Failure::input)
    }

    /// When the trace goes on in a new file.
    pub(super) fn rotation(&self) -> Rotation {
        Rotation { size: self.trace_size.map(|size| size.0), keep: self.trace_keep }
    }

    /// The configuration, with each name resolved by this. What comes first is what is wrong.
    pub(super) fn config(
        &self,
        resolve: impl FnOnce(&[Server]) -> Result<Vec<(u8, SocketAddr)>, Failure>,
    ) -> Result<Config, Failure> {
        let cluster = self.cluster.clone().ok_or_else(|| missing("cluster", "--cluster"))?;
        let id = self.id.ok_or_else(|| missing("id", "--id"))?;
        if self.servers.is_empty() {
            return Err(missing("servers", "--server, once for each"));
        }
        if self.insecure && self.key.is_some() {
            return Err(Failure::input(KeyError::InsecureKey));
        }
        if self.trace_required && self.trace.is_none() {
            return Err(Failure::input(KeyError::NoTrace));
        }
        if !self.http_servers.is_empty() && self.http.is_none() {
            return Err(Failure::input(KeyError::NoHttp));
        }
        let is_unknown = |it: &&Server| self.servers.iter().all(|other| other.number != it.number);
        if let Some(Server { number, .. }) = self.http_servers.iter().find(is_unknown) {
            return Err(Failure::input(KeyError::UnknownHttpServer(*number)));
        }
        let ms = Duration::from_millis;
        let listen = self.listen.as_ref().map(|place| {
            place.address().ok_or_else(|| Failure::input(KeyError::ListenName(place.to_string())))
        });
        let listen = listen.transpose()?;
        let usual = Settings::new(cluster, id, resolve(&self.servers)?);
        let settings = Settings {
            protocol: self.protocol.unwrap_or(usual.protocol),
            witnesses: self.witnesses.clone(),
            heartbeat: self.heartbeat.map_or(usual.heartbeat, ms),
            election_timeout: self
                .election
                .map_or(usual.election_timeout.clone(), |Range(min, max)| ms(min)..=ms(max)),
            clock_error_ppm: self.clock_error.map_or(usual.clock_error_ppm, |it| it.0),
            seed: self.seed,
            listen,
            ..usual
        };
        Config::new(settings).map_err(|error| match error {
            ConfigError::MixedReach { .. } if has_names(&self.servers) => {
                Failure::input(KeyError::LocalNames(error))
            }
            error => hint::config(error),
        })
    }
}

/// A list that was given, or else the other one.
fn or<T>(strong: Vec<T>, weak: Vec<T>) -> Vec<T> {
    if strong.is_empty() { weak } else { strong }
}

fn missing(key: &'static str, flag: &'static str) -> Failure {
    Failure::input(KeyError::Missing { key, flag })
}

/// Milliseconds, as `150..225`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range(pub(super) u64, pub(super) u64);

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        super::range(text).map(|(min, max)| Self(min, max))
    }
}

/// Percent, as parts of a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Percent(pub(super) u32);

impl TryFrom<f64> for Percent {
    type Error = String;

    fn try_from(percent: f64) -> Result<Self, String> {
        if !(0.0..100.0).contains(&percent) {
            return Err("it is at least 0 and less than 100 percent".into());
        }
        // It fits: there are a million parts in 100 percent.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let ppm = (percent * 10_000.0).round() as u32;
        Ok(Self(ppm.min(999_999)))
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent: f64 = text.parse().map_err(|_| "write it as 1 or 0.05, in percent")?;
        percent.try_into()
    }
}

/// What is wrong with keys that are not wrong each for itself.
#[derive(Debug, thiserror::Error)]
enum KeyError {
    #[error(
        "nothing says what `{key}` is: give {flag}, or the key {key} in the file of --config \
         (`raft-node init` writes one)"
    )]
    Missing { key: &'static str, flag: &'static str },
    #[error("insecure is for servers without a key: take it out, or the key")]
    InsecureKey,
    #[error("trace-required needs a trace: give --trace, or the key trace")]
    NoTrace,
    #[error("http-servers are for the page of this server: give --http, or the key http")]
    NoHttp,
    #[error("http-servers: there is no server {0} in the list of servers")]
    UnknownHttpServer(u8),
    #[error("listen {0:?}: a server receives at an IP address of its machine, as 0.0.0.0:7000")]
    ListenName(String),
    #[error(
        "{0}\nThe name of this machine may stand for a loopback address in its /etc/hosts: give an \
         IP address, or correct that"
    )]
    LocalNames(ConfigError),
}

#[cfg(test)]
mod tests;
