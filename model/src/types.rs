//! The values that the specification is about: servers, sets of them, terms and the cluster with
//! its quorum rule.
//!
//! [`election`](crate::election) uses these types only through equality, order,
//! [`Term::next`], [`ServerSet::only`], [`ServerSet::with`] and [`Cluster::is_quorum`]. Nothing
//! that it concludes depends on anything else that stands here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One server of the cluster, by its number: 1 for S1 and so on up to [`Cluster::MAX_SIZE`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct ServerId(u8);

impl ServerId {
    /// S1, which every cluster has.
    pub const FIRST: Self = Self(1);

    /// The server with this number, from 1 to [`Cluster::MAX_SIZE`]; `None` for any other number.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= Cluster::MAX_SIZE { Some(Self(number)) } else { None }
    }

    /// Its number, from 1 to [`Cluster::MAX_SIZE`].
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its place in an array with one entry a server, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}", self.0)
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A number that no server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no server {0}: servers are numbered from 1 to {max}", max = Cluster::MAX_SIZE)]
pub struct NoSuchServer(pub u8);

impl TryFrom<u8> for ServerId {
    type Error = NoSuchServer;

    fn try_from(number: u8) -> Result<Self, NoSuchServer> {
        Self::new(number).ok_or(NoSuchServer(number))
    }
}

impl From<ServerId> for u8 {
    fn from(server: ServerId) -> Self {
        server.0
    }
}

/// A set of servers. Votes are kept as a set and never as a counter: a vote that is delivered
/// twice is still one vote.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<ServerId>", into = "Vec<ServerId>")]
pub struct ServerSet(u8); // bit `index()` for each member

impl ServerSet {
    /// The set of nobody.
    pub const EMPTY: Self = Self(0);

    /// The set that has this server as its only member.
    #[must_use]
    pub const fn only(server: ServerId) -> Self {
        Self(1 << server.index())
    }

    /// This set and, if it was no member yet, this server.
    #[must_use]
    pub const fn with(self, server: ServerId) -> Self {
        Self(self.0 | 1 << server.index())
    }

    /// Whether this server is a member.
    pub const fn contains(self, server: ServerId) -> bool {
        self.0 & 1 << server.index() != 0
    }

    /// The members as bits: S1's is the lowest.
    #[cfg(feature = "check")]
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The set with these bits.
    #[cfg(feature = "check")]
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The number of members.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether nobody is a member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = ServerId> {
        (1..=Cluster::MAX_SIZE)
            .filter_map(ServerId::new)
            .filter(move |&server| self.contains(server))
    }
}

impl FromIterator<ServerId> for ServerSet {
    fn from_iter<I: IntoIterator<Item = ServerId>>(servers: I) -> Self {
        servers.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl From<Vec<ServerId>> for ServerSet {
    fn from(servers: Vec<ServerId>) -> Self {
        servers.into_iter().collect()
    }
}

impl From<ServerSet> for Vec<ServerId> {
    fn from(set: ServerSet) -> Self {
        set.iter().collect()
    }
}

impl fmt::Display for ServerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(|server| server.to_string()).collect();
        write!(f, "{{{}}}", names.join(", "))
    }
}

impl fmt::Debug for ServerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Raft's logical clock (§5.1). Every server starts in term 0; the first election is for term 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(u64);

impl Term {
    /// The term in which servers start, in which nobody can be elected.
    pub const ZERO: Self = Self(0);

    /// The term with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The term after this one; `None` when the 2⁶⁴ terms are used up.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The configuration of a cluster, the same on every server: S1 to S*size*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Cluster {
    size: u8,
}

impl Cluster {
    /// The largest cluster.
    pub const MAX_SIZE: u8 = 7;

    /// A cluster of this many servers.
    ///
    /// # Errors
    ///
    /// [`ClusterSizeError`] unless `size` is from 1 to [`Cluster::MAX_SIZE`].
    pub const fn new(size: u8) -> Result<Self, ClusterSizeError> {
        if size >= 1 && size <= Self::MAX_SIZE {
            Ok(Self { size })
        } else {
            Err(ClusterSizeError(size))
        }
    }

    /// The number of servers, from 1 to [`Cluster::MAX_SIZE`].
    pub const fn size(self) -> u8 {
        self.size
    }

    /// The servers, in the order of their numbers.
    pub fn servers(self) -> impl Iterator<Item = ServerId> {
        (1..=self.size).filter_map(ServerId::new)
    }

    /// Every server but this one, in the order of their numbers.
    pub fn others(self, server: ServerId) -> impl Iterator<Item = ServerId> {
        self.servers().filter(move |&other| other != server)
    }

    /// Whether this server belongs to the cluster.
    pub const fn contains(self, server: ServerId) -> bool {
        server.number() <= self.size
    }

    /// Whether these votes elect: more than half of the cluster (§5.2). Any two quorums have a
    /// server in common, which is all that safety needs of them.
    pub const fn is_quorum(self, votes: ServerSet) -> bool {
        2 * votes.len() > self.size as u32
    }
}

/// A size that no cluster can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cluster has 1 to {max} servers, not {0}", max = Cluster::MAX_SIZE)]
pub struct ClusterSizeError(pub u8);

impl TryFrom<u8> for Cluster {
    type Error = ClusterSizeError;

    fn try_from(size: u8) -> Result<Self, ClusterSizeError> {
        Self::new(size)
    }
}

impl From<Cluster> for u8 {
    fn from(cluster: Cluster) -> Self {
        cluster.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sets of the servers of a cluster.
    fn subsets(cluster: Cluster) -> impl Iterator<Item = ServerSet> {
        (0..1_u8 << cluster.size()).map(ServerSet)
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
            let quorums: Vec<_> = subsets(cluster).filter(|&v| cluster.is_quorum(v)).collect();
            for a in &quorums {
                for b in &quorums {
                    assert!(a.iter().any(|server| b.contains(server)), "{a} and {b} of {size}");
                }
            }
        }
    }

    #[test]
    fn a_set_has_the_members_that_were_put_in() {
        let all = Cluster::new(Cluster::MAX_SIZE).unwrap();
        for set in subsets(all) {
            assert_eq!(set.iter().collect::<ServerSet>(), set);
            assert_eq!(set.iter().count(), set.len() as usize);
            assert_eq!(set.is_empty(), set == ServerSet::EMPTY);
            for new in all.servers() {
                for server in all.servers() {
                    let expected = set.contains(server) || server == new;
                    assert_eq!(set.with(new).contains(server), expected, "{set} with {new}");
                }
            }
        }
    }

    #[test]
    fn a_vote_counts_once() {
        let server = ServerId::new(3).unwrap();
        let once = ServerSet::only(server);
        assert_eq!(once.with(server), once);
        assert_eq!(once.len(), 1);
    }

    #[test]
    fn terms_run_out_quietly() {
        assert_eq!(Term::ZERO.next(), Some(Term::new(1)));
        assert_eq!(Term::new(u64::MAX).next(), None);
    }

    #[test]
    fn sizes_and_numbers_out_of_range_are_refused() {
        assert_eq!(Cluster::new(0), Err(ClusterSizeError(0)));
        assert_eq!(Cluster::new(8), Err(ClusterSizeError(8)));
        assert_eq!(ServerId::new(0), None);
        assert_eq!(ServerId::new(8), None);
    }

    #[test]
    fn numbers_become_servers_and_clusters_and_back() {
        for number in 1..=Cluster::MAX_SIZE {
            let server = ServerId::try_from(number).unwrap();
            assert_eq!((server.number(), u8::from(server)), (number, number));
            assert_eq!(server.index(), usize::from(number) - 1);
            let cluster = Cluster::try_from(number).unwrap();
            assert_eq!((cluster.size(), u8::from(cluster)), (number, number));
        }
        assert_eq!(ServerId::try_from(8), Err(NoSuchServer(8)));
        assert_eq!(Cluster::try_from(8), Err(ClusterSizeError(8)));
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
    }

    #[test]
    fn sets_are_written_as_lists_and_read_from_them() {
        for set in subsets(Cluster::new(Cluster::MAX_SIZE).unwrap()) {
            let list = Vec::from(set);
            assert!(list.iter().copied().eq(set.iter()));
            assert_eq!(ServerSet::from(list), set);
        }
    }

    #[cfg(feature = "check")]
    #[test]
    fn sets_are_packed_as_their_bits() {
        for bits in 0..1_u8 << Cluster::MAX_SIZE {
            let set = ServerSet::from_bits(bits);
            assert_eq!(set.bits(), bits);
            for server in set.iter() {
                assert_eq!(set.bits() & ServerSet::only(server).bits(), 1 << server.index());
            }
            assert_eq!(set.len(), bits.count_ones());
        }
    }

    #[test]
    fn debug_output_is_what_is_displayed() {
        let [one, three] = [1, 3].map(|number| ServerId::new(number).unwrap());
        let set = ServerSet::only(one).with(three);
        let term = Term::new(7);
        assert_eq!(format!("{one} {set} {term}"), "S1 {S1, S3} 7");
        assert_eq!(format!("{one:?} {set:?} {term:?}"), "S1 {S1, S3} 7");
    }
}
