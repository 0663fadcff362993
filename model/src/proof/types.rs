//! [`crate::types`] once more, for clusters of every size and for every term at once: the names are
//! the same, the values are symbols, and whatever is asked about them is put to the
//! [`oracle`](super::oracle).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::oracle::{Question, Symbol};

const NO_VALUE: &str = "a symbol has no value";

macro_rules! symbols {
    ($($(#[$says:meta])* $name:ident is compared by $is:ident;)*) => { $(
        $(#[$says])*
        #[derive(Clone, Copy)]
        pub(super) struct $name(Symbol);

        impl $name {
            /// The one with this name.
            pub(super) fn named(name: &str) -> Self {
                Self(Symbol::named(name))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.$is(other.0)
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.text())
            }
        }

        // What the election derives and never uses, since it cannot be said of a symbol.

        impl Hash for $name {
            fn hash<H: Hasher>(&self, _: &mut H) {
                panic!("{NO_VALUE}")
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(ser::Error::custom(NO_VALUE))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(de::Error::custom(NO_VALUE))
            }
        }
    )* };
}

symbols! {
    /// Some server.
    ServerId is compared by is_server;
    /// Some term.
    Term is compared by is_term;
    /// Some set of servers.
    ServerSet is compared by is_set;
    /// Some round.
    Round is compared by is_round;
    /// Some attempt.
    Attempt is compared by is_perhaps;
    /// Some number of heartbeats.
    Beats is compared by is_perhaps;
}

macro_rules! not_ordered {
    ($($name:ident),*) => { $(
        impl Ord for $name {
            fn cmp(&self, _: &Self) -> Ordering {
                panic!("{NO_VALUE}")
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
    )* };
}

// Messages derive an order, which the election never uses.
not_ordered!(Round, Attempt);

// For the election nothing depends on which they are: any two may be the same one, or not.

impl Round {
    /// The first round of a term.
    pub(super) const FIRST: Self = Self(Symbol::FIRST);

    /// The round after this one.
    pub(super) fn next(self) -> Self {
        Self(self.0.next_round())
    }
}

impl Attempt {
    /// The first attempt, of which only mutants know.
    pub(super) const FIRST: Self = Self(Symbol::FIRST);
}

impl Beats {
    /// No heartbeat.
    pub(super) const ZERO: Self = Self(Symbol::FIRST);

    /// One more.
    pub(super) fn next(self) -> Self {
        Self(self.0.following())
    }
}

impl Term {
    /// The term in which servers start.
    pub(super) const ZERO: Self = Self(Symbol::ZERO);

    /// A later term, or none if there is no later one.
    pub(super) fn next(self) -> Option<Self> {
        self.0.later().map(Self)
    }
}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0.is_older(other.0) {
            Ordering::Less
        } else if other.0.is_older(self.0) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    // One question instead of two.

    fn lt(&self, other: &Self) -> bool {
        self.0.is_older(other.0)
    }

    fn gt(&self, other: &Self) -> bool {
        other.0.is_older(self.0)
    }

    fn le(&self, other: &Self) -> bool {
        !other.0.is_older(self.0)
    }

    fn ge(&self, other: &Self) -> bool {
        !self.0.is_older(other.0)
    }
}

impl ServerSet {
    /// The set of nobody.
    pub(super) const EMPTY: Self = Self(Symbol::NOBODY);

    /// The set that has this server as its only member.
    pub(super) fn only(server: ServerId) -> Self {
        Self(Symbol::set(&format!("(= s {server:?})")))
    }

    /// This set and this server.
    pub(super) fn with(self, server: ServerId) -> Self {
        Self(Symbol::set(&format!("(or ({self:?} s) (= s {server:?}))")))
    }

    /// Whether it contains every server.
    pub(super) fn is_everybody(self) -> bool {
        self.0.is_so(Question::Everybody)
    }

    /// Whether it contains a quorum.
    pub(super) fn is_quorum(self) -> bool {
        self.0.is_so(Question::Quorum)
    }
}
