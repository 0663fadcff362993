//! The cluster: how many servers it has, what a quorum of them is, which of them are witnesses, and
//! by which protocol they elect.
//!
//! The [specification](crate::election) asks of it who are a quorum or everybody, who is a witness,
//! and whether there are guards, and nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::{ServerId, ServerSet};

/// How the servers of a cluster elect: as in the paper's Figure 2, behind none, one or both of two
/// guards. All servers must agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocol {
    pre_vote: bool,
    check_quorum: bool,
}

impl Protocol {
    /// The election of the paper's Figure 2, without guards.
    pub const FIGURE2: Self = Self::new(false, false);
    /// Whoever wants to be elected first asks whether it would be.
    pub const PRE_VOTE: Self = Self::new(true, false);
    /// Whoever hears a leader helps nobody else to office, and a leader that a quorum does not
    /// answer leaves office.
    pub const CHECK_QUORUM: Self = Self::new(false, true);
    /// Both guards.
    pub const GUARDED: Self = Self::new(true, true);

    /// Every protocol.
    pub const ALL: [Self; 4] = [Self::FIGURE2, Self::PRE_VOTE, Self::CHECK_QUORUM, Self::GUARDED];

    /// The protocol with these guards.
    pub const fn new(pre_vote: bool, check_quorum: bool) -> Self {
        Self { pre_vote, check_quorum }
    }

    /// Whether a server asks whether it would be elected before it campaigns.
    pub const fn pre_vote(self) -> bool {
        self.pre_vote
    }

    /// Whether followers stay in contact with their leader, and a leader with its quorum.
    pub const fn check_quorum(self) -> bool {
        self.check_quorum
    }

    /// Its name: `figure2`, `pre-vote`, `check-quorum`, or `guarded` for both guards.
    pub const fn name(self) -> &'static str {
        match (self.pre_vote, self.check_quorum) {
            (false, false) => "figure2",
            (true, false) => "pre-vote",
            (false, true) => "check-quorum",
            (true, true) => "guarded",
        }
    }

    /// The guards as a number, for formats of bytes: 1 for pre-vote and 2 for check-quorum, added.
    pub const fn bits(self) -> u8 {
        self.pre_vote as u8 | (self.check_quorum as u8) << 1
    }

    /// The protocol with this number; `None` if there is none.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits > 3 { None } else { Some(Self::new(bits & 1 != 0, bits & 2 != 0)) }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no protocol has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no protocol: there are figure2, pre-vote, check-quorum, and guarded, which is both"
)]
pub struct NoSuchProtocol(String);

impl FromStr for Protocol {
    type Err = NoSuchProtocol;

    fn from_str(name: &str) -> Result<Self, NoSuchProtocol> {
        let named = Self::ALL.into_iter().find(|protocol| protocol.name() == name);
        named.ok_or_else(|| NoSuchProtocol(name.to_owned()))
    }
}

/// The configuration of a cluster, the same on every server: S1 to S*size*, their protocol, and who
/// of them is a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Cluster {
    size: u8,
    protocol: Protocol,
    witnesses: ServerSet,
}

impl Cluster {
    /// The largest cluster.
    pub const MAX_SIZE: u8 = ServerId::MAX;

    /// A cluster of this many servers that elect as in Figure 2.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Size`] unless `size` is from 1 to [`Cluster::MAX_SIZE`].
    pub const fn new(size: u8) -> Result<Self, ClusterError> {
        Self::with(size, Protocol::FIGURE2)
    }

    /// A cluster of this many servers that elect by this protocol.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Size`] unless `size` is from 1 to [`Cluster::MAX_SIZE`].
    pub const fn with(size: u8, protocol: Protocol) -> Result<Self, ClusterError> {
        if size >= 1 && size <= Self::MAX_SIZE {
            Ok(Self { size, protocol, witnesses: ServerSet::EMPTY })
        } else {
            Err(ClusterError::Size(size))
        }
    }

    /// The same cluster, in which these servers, and no others, are witnesses: they vote, and never
    /// campaign. So a third machine that could not bear the service still makes a quorum of three.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoSuchWitness`] if one of them does not belong to the cluster,
    /// [`ClusterError::OnlyWitnesses`] if nobody is left who could lead.
    pub fn with_witnesses(self, witnesses: ServerSet) -> Result<Self, ClusterError> {
        if let Some(witness) = witnesses.iter().find(|&witness| !self.contains(witness)) {
            return Err(ClusterError::NoSuchWitness { witness, size: self.size });
        }
        if self.servers().all(|server| witnesses.contains(server)) {
            return Err(ClusterError::OnlyWitnesses);
        }
        Ok(Self { witnesses, ..self })
    }

    /// Who votes and never campaigns.
    pub const fn witnesses(self) -> ServerSet {
        self.witnesses
    }

    /// Whether this server votes and never campaigns.
    pub const fn is_witness(self, server: ServerId) -> bool {
        self.witnesses.contains(server)
    }

    /// The number of servers, from 1 to [`Cluster::MAX_SIZE`].
    pub const fn size(self) -> u8 {
        self.size
    }

    /// How they elect.
    pub const fn protocol(self) -> Protocol {
        self.protocol
    }

    /// The servers, in the order of their numbers.
    #[inline]
    pub fn servers(self) -> impl Iterator<Item = ServerId> {
        ServerId::first(self.size)
    }

    /// Every server but this one, in the order of their numbers.
    pub fn others(self, server: ServerId) -> impl Iterator<Item = ServerId> {
        self.servers().filter(move |&other| other != server)
    }

    /// Whether this server belongs to the cluster.
    pub const fn contains(self, server: ServerId) -> bool {
        server.number() <= self.size
    }

    /// Whether these are all servers.
    pub const fn is_everybody(self, servers: ServerSet) -> bool {
        servers.len() == self.size as u32
    }

    /// Whether these votes elect: more than half of the cluster (§5.2). Any two quorums have a
    /// server in common, which is all that safety needs of them.
    pub const fn is_quorum(self, votes: ServerSet) -> bool {
        2 * votes.len() > self.size as u32
    }
}

/// "3 servers", "3 servers (guarded)", "3 servers (guarded, witness S3)"
impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, protocol, witnesses } = self;
        write!(f, "{size} server{}", if *size == 1 { "" } else { "s" })?;
        if *protocol == Protocol::FIGURE2 && witnesses.is_empty() {
            return Ok(());
        }
        write!(f, " ({protocol}")?;
        for witness in witnesses.iter() {
            write!(f, ", witness {witness}")?;
        }
        f.write_str(")")
    }
}

/// What no cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No cluster has this size.
    #[error("a cluster has 1 to {max} servers, not {0}", max = Cluster::MAX_SIZE)]
    Size(u8),
    /// A witness has a number that no server of the cluster has.
    #[error("{witness} cannot be a witness: the cluster has {size} servers, from S1 on")]
    NoSuchWitness {
        /// The witness.
        witness: ServerId,
        /// How many servers there are.
        size: u8,
    },
    /// Everybody is a witness.
    #[error("all servers are witnesses: somebody has to be able to lead")]
    OnlyWitnesses,
}

/// A cluster as it is written: by its size alone, which means Figure 2 without witnesses, or with
/// its guards, and witnesses if there are any.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Written {
    Size(u8),
    Guarded {
        size: u8,
        pre_vote: bool,
        check_quorum: bool,
        #[serde(default, skip_serializing_if = "is_empty")]
        witnesses: ServerSet,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_empty(witnesses: &ServerSet) -> bool {
    witnesses.is_empty()
}

impl TryFrom<Written> for Cluster {
    type Error = ClusterError;

    fn try_from(written: Written) -> Result<Self, ClusterError> {
        match written {
            Written::Size(size) => Self::new(size),
            Written::Guarded { size, pre_vote, check_quorum, witnesses } => {
                Self::with(size, Protocol::new(pre_vote, check_quorum))?.with_witnesses(witnesses)
            }
        }
    }
}

impl From<Cluster> for Written {
    fn from(Cluster { size, protocol, witnesses }: Cluster) -> Self {
        let Protocol { pre_vote, check_quorum } = protocol;
        match protocol {
            Protocol::FIGURE2 if witnesses.is_empty() => Self::Size(size),
            _ => Self::Guarded { size, pre_vote, check_quorum, witnesses },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sets of the servers of a cluster.
    fn subsets(cluster: Cluster) -> Vec<ServerSet> {
        cluster.servers().fold(vec![ServerSet::EMPTY], |sets, server| {
            sets.iter().flat_map(|set| [*set, set.with(server)]).collect()
        })
    }

    #[test]
    fn quorums_by_cluster_size() {
        // (size, votes that elect): more than half, also in clusters of even size.
        let table = [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)];
        for (size, needed) in table {
            let cluster = Cluster::new(size).unwrap();
            for votes in subsets(cluster) {
                assert_eq!(cluster.is_quorum(votes), votes.len() >= needed, "{votes} of {size}");
            }
        }
    }

    #[test]
    fn any_two_quorums_share_a_server() {
        for size in 1..=Cluster::MAX_SIZE {
            let cluster = Cluster::new(size).unwrap();
            let mut quorums = subsets(cluster);
            quorums.retain(|&votes| cluster.is_quorum(votes));
            for a in &quorums {
                for b in &quorums {
                    assert!(a.iter().any(|server| b.contains(server)), "{a} and {b} of {size}");
                }
            }
        }
    }

    #[test]
    fn a_cluster_has_the_servers_up_to_its_size() {
        let everybody = Cluster::new(Cluster::MAX_SIZE).unwrap();
        for size in 1..=Cluster::MAX_SIZE {
            let cluster = Cluster::new(size).unwrap();
            let servers: Vec<_> = cluster.servers().collect();
            assert!(servers.iter().map(|server| server.number()).eq(1..=size));
            for server in everybody.servers() {
                assert_eq!(cluster.contains(server), servers.contains(&server));
                let others = servers.iter().copied().filter(|&other| other != server);
                assert!(cluster.others(server).eq(others));
            }
        }
        assert_eq!(Cluster::new(0), Err(ClusterError::Size(0)));
        assert_eq!(Cluster::new(8), Err(ClusterError::Size(8)));
    }

    #[test]
    fn a_cluster_without_guards_is_written_by_its_size() {
        let three = Cluster::new(3).unwrap();
        assert_eq!(serde_json::to_string(&three).unwrap(), "3");
        assert_eq!(format!("{three}, {}", three.protocol()), "3 servers, figure2");
        let read = |text: &str| serde_json::from_str::<Cluster>(text);
        let written = ["3", r#"{"size":3,"pre_vote":false,"check_quorum":false}"#];
        assert_eq!(written.map(|text| read(text).unwrap()), [three; 2]);
        let too_many = r#"{"size":8,"pre_vote":true,"check_quorum":false}"#;
        assert!(["0", "8", r#"{"size":3}"#, too_many].map(read).iter().all(Result::is_err));
    }

    #[test]
    fn a_cluster_with_guards_is_written_with_them() {
        let guarded = Cluster::with(3, Protocol::CHECK_QUORUM).unwrap();
        let text = r#"{"size":3,"pre_vote":false,"check_quorum":true}"#;
        assert_eq!(serde_json::to_string(&guarded).unwrap(), text);
        assert_eq!(serde_json::from_str::<Cluster>(text).unwrap(), guarded);
        assert_eq!(guarded.to_string(), "3 servers (check-quorum)");
    }

    #[test]
    fn witnesses_are_members_and_not_all_of_them() {
        let [one, two, three, four] = [1, 2, 3, 4].map(|number| ServerId::new(number).unwrap());
        let cluster = Cluster::with(3, Protocol::GUARDED).unwrap();
        let with = |who: &[ServerId]| cluster.with_witnesses(who.iter().copied().collect());
        let some = with(&[one, three]).unwrap();
        assert_eq!(some.witnesses(), [one, three].into_iter().collect());
        assert_eq!([one, two, three].map(|id| some.is_witness(id)), [true, false, true]);
        assert_eq!(some.with_witnesses(ServerSet::EMPTY), Ok(cluster));
        let stranger = ClusterError::NoSuchWitness { witness: four, size: 3 };
        assert_eq!(with(&[three, four]), Err(stranger));
        assert_eq!(with(&[one, two, three]), Err(ClusterError::OnlyWitnesses));
    }

    #[test]
    fn a_cluster_with_witnesses_is_written_with_them() {
        for (protocol, text, says) in [
            (
                Protocol::GUARDED,
                r#"{"size":3,"pre_vote":true,"check_quorum":true,"witnesses":[3]}"#,
                "3 servers (guarded, witness S3)",
            ),
            (
                Protocol::FIGURE2,
                r#"{"size":3,"pre_vote":false,"check_quorum":false,"witnesses":[3]}"#,
                "3 servers (figure2, witness S3)",
            ),
        ] {
            let witness = ServerSet::only(ServerId::new(3).unwrap());
            let cluster = Cluster::with(3, protocol).unwrap().with_witnesses(witness).unwrap();
            assert_eq!(serde_json::to_string(&cluster).unwrap(), text);
            assert_eq!(serde_json::from_str::<Cluster>(text).unwrap(), cluster);
            assert_eq!(cluster.to_string(), says);
            for (wrong, why) in [("[4]", "S4 cannot be a witness"), ("[1,2,3]", "all servers")] {
                let text = text.replace("[3]", wrong);
                let error = serde_json::from_str::<Cluster>(&text).unwrap_err().to_string();
                assert!(error.contains(why), "{error}");
            }
        }
    }

    #[test]
    fn every_protocol_has_a_name_and_a_number() {
        for (bits, protocol) in (0..).zip(Protocol::ALL) {
            assert_eq!((protocol.bits(), Protocol::from_bits(bits)), (bits, Some(protocol)));
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
            assert_eq!(protocol.pre_vote(), bits & 1 != 0);
            assert_eq!(protocol.check_quorum(), bits & 2 != 0);
        }
        assert!((4..=u8::MAX).all(|bits| Protocol::from_bits(bits).is_none()));
        assert_eq!("raft".parse::<Protocol>(), Err(NoSuchProtocol("raft".to_owned())));
    }
}
