//! What a server is told when it starts. [`Settings`] are the values as somebody wrote them;
//! [`Config`] is what the rest of the crate takes, and can only be made of settings that are valid.

mod clock_error;
mod error;
mod name;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::Server;
use raft_model::trace::patience;
use raft_model::types::{Beats, ServerId};

pub use self::clock_error::ClockError;
pub use self::error::ConfigError;
pub use self::name::ClusterName;

/// The values that make up a configuration, not yet checked.
///
/// Everything but `id` and `seed` must be the same on all servers of the cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the cluster, see [`ClusterName`]. Two clusters that can reach each other's
    /// addresses, or ever did, need different names.
    pub cluster: String,
    /// The number of this server.
    pub id: u8,
    /// Number and address of every server, this one included: 1 to 7 servers, numbered from 1
    /// without gaps, in any order. Each address is the one that the others see as its source.
    pub servers: Vec<(u8, SocketAddr)>,
    /// Where this server receives, if not at its address in `servers`: behind NAT, or at all
    /// addresses of its machine. The others still see its address in `servers` as the source.
    pub listen: Option<SocketAddr>,
    /// How the servers elect: with both guards, unless there is a reason for another protocol.
    pub protocol: Protocol,
    /// The numbers of the witnesses: servers that vote and never campaign, on machines that could
    /// not bear the service. Not all of them.
    pub witnesses: Vec<u8>,
    /// How often a leader says that it is alive, from 1 ms. Less than half the shortest election
    /// timeout, so that the loss of one heartbeat starts no election, and a leader with
    /// check-quorum says so at least twice before it misses its quorum.
    pub heartbeat: Duration,
    /// The range that election timeouts are drawn from, at most [`Config::MAX_TIMEOUT`]. The
    /// shortest should be well above the time of a round trip and two writes to disk, and the range
    /// wide enough that two servers seldom time out together (§5.2, §5.6).
    pub election_timeout: RangeInclusive<Duration>,
    /// How much a clock may gain or lose, in parts of a million of the true time: what a lease
    /// assumes of the clocks of all servers. Less than 1,000,000; [`ClockError::DEFAULT`] is one in
    /// a hundred, far more than clocks that work.
    pub clock_error_ppm: u32,
    /// Where the random election timeouts begin, for runs to compare. The number of the server is
    /// mixed in, so all servers may share a seed. `None` asks the operating system.
    pub seed: Option<u64>,
}

impl Settings {
    /// These servers, with both guards, a heartbeat of 50 ms, and election timeouts of 150 to 225
    /// ms. The paper has 150 to 300 ms (§9.3). Behind pre-votes two servers that time out together
    /// seldom split a vote, so half the width serves: of 150 leaders that were killed 149 or 150
    /// were replaced by the first campaign, as with the paper's width, in 151 ms and not 179 (the
    /// median), on a disk where a save takes 20 ms, too. With a third of the minimum it was 98 of
    /// 100 there. `cargo bench --bench failover -- --heartbeat 50 --election 150..200` measures it.
    pub fn new(cluster: impl Into<String>, id: u8, servers: Vec<(u8, SocketAddr)>) -> Self {
        Self {
            cluster: cluster.into(),
            id,
            servers,
            listen: None,
            protocol: Protocol::GUARDED,
            witnesses: Vec::new(),
            heartbeat: Duration::from_millis(50),
            election_timeout: Duration::from_millis(150)..=Duration::from_millis(225),
            clock_error_ppm: ClockError::DEFAULT.ppm(),
            seed: None,
        }
    }
}

/// A configuration that is valid.
#[derive(Clone, Debug)]
pub struct Config {
    cluster_name: ClusterName,
    server: Server,
    addresses: Vec<SocketAddr>, // by `ServerId::index`
    listen: Option<SocketAddr>,
    heartbeat: Duration,
    election_timeout: RangeInclusive<Duration>,
    clock_error: ClockError,
    seed: Option<u64>,
}

impl Config {
    /// The longest election timeout: one hour.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

    /// The configuration that these settings describe.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that is wrong.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let Settings { cluster, id, servers, protocol, witnesses, .. } = settings;
        let Settings { listen, heartbeat, election_timeout, clock_error_ppm: ppm, seed, .. } =
            settings;
        let cluster_name =
            ClusterName::new(cluster.clone()).ok_or(ConfigError::ClusterName(cluster))?;
        let size = u8::try_from(servers.len()).unwrap_or(u8::MAX);
        let cluster = Cluster::with(size, protocol)?;
        let addresses = addresses(cluster, servers)?;
        check_listen(listen, addresses[0])?;
        let cluster = with_witnesses(cluster, &witnesses)?;
        let id = ServerId::new(id)
            .filter(|&id| cluster.contains(id))
            .ok_or(ConfigError::UnknownId { id, size: cluster.size() })?;
        check_timing(heartbeat, &election_timeout)?;
        let clock_error = ClockError::of_ppm(ppm).ok_or(ConfigError::ClockError { ppm })?;
        let patience = beats(heartbeat, &election_timeout);
        let server = Server { id, cluster, patience };
        Ok(Self {
            cluster_name,
            server,
            addresses,
            listen,
            heartbeat,
            election_timeout,
            clock_error,
            seed,
        })
    }

    /// The same server with other election timeouts, which are valid if those of
    /// [`Settings::election_timeout`] would be.
    #[cfg(feature = "daemon")] // the simulator
    pub(crate) fn with_timeouts(&self, election_timeout: RangeInclusive<Duration>) -> Self {
        let patience = beats(self.heartbeat, &election_timeout);
        let server = Server { patience, ..self.server };
        Self { server, election_timeout, ..self.clone() }
    }

    /// The same server, of which, and of all others, somebody has moved to these addresses.
    #[cfg(feature = "daemon")] // the simulator
    pub(crate) fn with_addresses(&self, addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, ..self.clone() }
    }

    /// The name of the cluster.
    pub fn cluster_name(&self) -> &ClusterName {
        &self.cluster_name
    }

    /// Which server this is, in which cluster: what the specification wants to know.
    pub fn server(&self) -> Server {
        self.server
    }

    /// The address of a server, if it belongs to the cluster.
    pub fn address_of(&self, server: ServerId) -> Option<SocketAddr> {
        self.addresses.get(server.index()).copied()
    }

    /// The address of this server.
    pub fn own_address(&self) -> SocketAddr {
        self.addresses[self.server.id.index()]
    }

    /// Where this server receives.
    pub fn listen_address(&self) -> SocketAddr {
        self.listen.unwrap_or(self.own_address())
    }

    /// Whether nobody on another machine can pretend to be a server: all addresses are loopback,
    /// and no system takes a datagram from outside that claims to come from there.
    pub fn is_on_one_machine(&self) -> bool {
        self.addresses.iter().all(|&address| is_loopback(address))
    }

    /// Whether servers need a key: others can reach them, and nobody has said that these may.
    pub fn needs_key(&self, is_insecure: bool) -> bool {
        !is_insecure && !self.is_on_one_machine()
    }

    /// From now on that server is at this address, if it is another one and of the same kind.
    pub(crate) fn set_address(&mut self, server: ServerId, address: SocketAddr) {
        if server != self.server.id && address.is_ipv4() == self.own_address().is_ipv4() {
            self.addresses[server.index()] = address;
        }
    }

    /// How often a leader says that it is alive.
    pub fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// The range that election timeouts are drawn from; not empty.
    pub fn election_timeout(&self) -> RangeInclusive<Duration> {
        self.election_timeout.clone()
    }

    /// How much a clock may gain or lose.
    pub fn clock_error(&self) -> ClockError {
        self.clock_error
    }

    /// The server at this address.
    pub fn server_at(&self, address: SocketAddr) -> Option<ServerId> {
        self.server.cluster.servers().find(|&server| self.address_of(server) == Some(address))
    }

    /// Where the random election timeouts begin.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }
}

fn beats(heartbeat: Duration, election_timeout: &RangeInclusive<Duration>) -> Beats {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    patience(ms(heartbeat), ms(*election_timeout.start()))
}

/// The cluster in which the servers of these numbers are witnesses.
fn with_witnesses(cluster: Cluster, numbers: &[u8]) -> Result<Cluster, ConfigError> {
    let unknown = |&number: &u8| ConfigError::UnknownWitness { number, size: cluster.size() };
    let witnesses: Result<_, _> = numbers
        .iter()
        .map(|number| ServerId::new(*number).ok_or_else(|| unknown(number)))
        .collect();
    cluster.with_witnesses(witnesses?).map_err(ConfigError::Witnesses)
}

/// The addresses in the order of the servers' numbers.
fn addresses(
    cluster: Cluster,
    mut servers: Vec<(u8, SocketAddr)>,
) -> Result<Vec<SocketAddr>, ConfigError> {
    servers.sort_by_key(|&(number, _)| number);
    for (expected, &(number, address)) in (1..).zip(&servers) {
        if number == 0 || number > Cluster::MAX_SIZE {
            return Err(ConfigError::NoSuchNumber { number });
        }
        if number < expected {
            return Err(ConfigError::DuplicateNumber { number });
        }
        if number > expected {
            return Err(ConfigError::Gap { missing: expected, size: cluster.size() });
        }
        if !is_of_one_host(address) {
            return Err(ConfigError::UnusableAddress { number, address });
        }
        if is_mapped(address) {
            return Err(ConfigError::MappedAddress { number, address });
        }
        if address.is_ipv4() != servers[0].1.is_ipv4() {
            return Err(ConfigError::MixedFamilies { number, address });
        }
        if is_loopback(address) != is_loopback(servers[0].1) {
            let (one, other) = (servers[0], (number, address));
            let (inside, outside) = if is_loopback(one.1) { (one, other) } else { (other, one) };
            return Err(ConfigError::MixedReach { inside, outside });
        }
        if let Some(&(first, _)) = servers.iter().find(|&&(n, a)| n < number && a == address) {
            return Err(ConfigError::DuplicateAddress { first, second: number, address });
        }
    }
    Ok(servers.into_iter().map(|(_, address)| address).collect())
}

/// Whether one host can be there: broadcast reaches nobody who is meant.
fn is_of_one_host(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast
}

/// Whether it is an IPv4 address in the spelling of IPv6.
fn is_mapped(address: SocketAddr) -> bool {
    address.ip().to_canonical() != address.ip()
}

fn check_listen(listen: Option<SocketAddr>, other: SocketAddr) -> Result<(), ConfigError> {
    match listen {
        Some(address)
            if address.port() == 0
                || address.ip().is_multicast()
                || address.is_ipv4() != other.is_ipv4() =>
        {
            Err(ConfigError::UnusableListen { address, other })
        }
        _ => Ok(()),
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn check_timing(
    heartbeat: Duration,
    election_timeout: &RangeInclusive<Duration>,
) -> Result<(), ConfigError> {
    let (&min, &max) = (election_timeout.start(), election_timeout.end());
    if heartbeat < Duration::from_millis(1) {
        return Err(ConfigError::HeartbeatTooShort { heartbeat });
    }
    if min >= max {
        return Err(ConfigError::EmptyElectionRange { min, max });
    }
    if max > Config::MAX_TIMEOUT {
        return Err(ConfigError::ElectionTooLong { max });
    }
    if heartbeat >= min / 2 {
        return Err(ConfigError::HeartbeatTooLong { heartbeat, min });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
