//! The values that the specification is about: servers, sets of them, and terms.
//!
//! The [specification](crate::election) uses them through equality, the order of terms,
//! [`Term::ZERO`] and `next` of what is counted, [`ServerSet::EMPTY`], [`ServerSet::only`] and
//! [`ServerSet::with`], and through nothing else: the proof replaces these types by symbols that
//! can do no more. Everybody else may use all that stands here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::number;

/// One server of the cluster, by its number: 1 for S1 and so on up to [`ServerId::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct ServerId(u8);

impl ServerId {
    /// The largest number of a server.
    pub const MAX: u8 = 7;

    /// S1, which every cluster has.
    pub const FIRST: Self = Self(1);

    /// The server with this number, from 1 to [`Self::MAX`]; `None` for any other number.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// The first so many, at most [`Self::MAX`].
    #[inline]
    pub(crate) fn first(many: u8) -> impl Iterator<Item = Self> {
        (0..many.min(Self::MAX)).map(|index| Self(index + 1))
    }

    /// Its number, from 1 to [`Self::MAX`].
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
#[error("there is no server {0}: servers are numbered from 1 to {max}", max = ServerId::MAX)]
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

    /// This set without this server.
    #[must_use]
    pub const fn without(self, server: ServerId) -> Self {
        Self(self.0 & !(1 << server.index()))
    }

    /// Who is a member of this set, or of the other.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this server is a member.
    pub const fn contains(self, server: ServerId) -> bool {
        self.0 & 1 << server.index() != 0
    }

    /// The members as bits, for formats of bytes: S1's is the lowest.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set with these bits. The highest one stands for nobody.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & ((1 << ServerId::MAX) - 1))
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
        ServerId::first(ServerId::MAX).filter(move |&server| self.contains(server))
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
pub struct Term(#[serde(with = "number")] u64);

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

macro_rules! counted {
    ($($(#[$says:meta])* $name:ident($number:ty), $first:ident = $begins:literal;)*) => { $(
        $(#[$says])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "number")] $number);

        impl $name {
            /// The first one.
            pub const $first: Self = Self($begins);

            /// The one with this number.
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn number(self) -> $number {
                self.0
            }

            /// The one after this. Nothing lives long enough to count through all of them.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.wrapping_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )* };
}

counted! {
    /// A round of a leader: the heartbeats that ask the same question, whether a quorum still
    /// follows. Rounds are counted anew in every term, and compared only for equality.
    Round(u64), FIRST = 1;

    /// Which time it is that a server asks whether it would be elected. A server never uses a
    /// number again within an election timeout, whether or not it has restarted in between.
    /// Compared only for equality.
    Attempt(u64), FIRST = 1;

    /// Heartbeats, counted since a round was opened.
    Beats(u8), ZERO = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets() -> impl Iterator<Item = ServerSet> {
        (0..1_u8 << ServerId::MAX).map(ServerSet)
    }

    fn servers() -> impl Iterator<Item = ServerId> {
        ServerId::first(ServerId::MAX)
    }

    #[test]
    fn a_union_has_the_members_of_both() {
        for (one, other) in sets().flat_map(|one| sets().map(move |other| (one, other))) {
            let both: ServerSet = one.iter().chain(other.iter()).collect();
            assert_eq!(one.union(other), both);
        }
    }

    #[test]
    fn a_set_has_the_members_that_were_put_in() {
        for set in sets() {
            assert_eq!(set.iter().collect::<ServerSet>(), set);
            assert_eq!(set.iter().count(), set.len() as usize);
            assert_eq!(set.is_empty(), set == ServerSet::EMPTY);
            for new in servers() {
                for server in servers() {
                    let expected = set.contains(server) || server == new;
                    assert_eq!(set.with(new).contains(server), expected, "{set} with {new}");
                    let expected = set.contains(server) && server != new;
                    assert_eq!(set.without(new).contains(server), expected, "{set} without {new}");
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
    fn numbers_become_servers_and_back() {
        for number in 1..=ServerId::MAX {
            let server = ServerId::try_from(number).unwrap();
            assert_eq!((server.number(), u8::from(server)), (number, number));
            assert_eq!(server.index(), usize::from(number) - 1);
        }
        for number in [0, 8] {
            assert_eq!(ServerId::new(number), None);
            assert_eq!(ServerId::try_from(number), Err(NoSuchServer(number)));
        }
    }

    #[test]
    fn sets_are_written_as_lists_and_read_from_them() {
        for set in sets() {
            let list = Vec::from(set);
            assert!(list.iter().copied().eq(set.iter()));
            assert_eq!(ServerSet::from(list), set);
        }
    }

    #[cfg(feature = "check")]
    #[test]
    fn sets_are_packed_as_their_bits() {
        for bits in 0..1_u8 << ServerId::MAX {
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
