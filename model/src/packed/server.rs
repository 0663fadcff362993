//! The bits of a server: one description of them, for writing and for reading.

use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::types::{ServerId, ServerSet, Term};

/// Bits for a server, or for none.
const SERVER_BITS: u32 = 3;
/// Bits for the name of a role.
const ROLE_BITS: u32 = 2;

/// How the states of a cluster's servers are packed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerCodec {
    term_bits: u32,
    set_bits: u32,
}

/// Takes the fields of a server one by one, from the lowest bits on.
trait Fields {
    /// A field of so many bits: a writer takes it, and returns it; a reader returns the one that it
    /// finds instead.
    fn field(&mut self, bits: u32, value: u64) -> u64;
}

/// The bits so far, and how many.
struct Writer(u64, u32);

impl Fields for Writer {
    #[inline(always)]
    fn field(&mut self, bits: u32, value: u64) -> u64 {
        debug_assert!(value >> bits == 0, "{value} does not fit into {bits} bits");
        self.0 |= value << self.1;
        self.1 += bits;
        value
    }
}

/// The bits that are left.
struct Reader(u64);

impl Fields for Reader {
    #[inline(always)]
    fn field(&mut self, bits: u32, _: u64) -> u64 {
        let value = self.0 & ((1 << bits) - 1);
        self.0 >>= bits;
        value
    }
}

impl ServerCodec {
    /// For terms up to `last_term`.
    pub(super) fn new(cluster: Cluster, last_term: u8) -> Self {
        let term_bits = u8::BITS - last_term.leading_zeros();
        Self { term_bits, set_bits: cluster.size().into() }
    }

    /// How many bits a server takes.
    pub(super) const fn bits(&self) -> u32 {
        self.term_bits + SERVER_BITS + ROLE_BITS + self.set_bits
    }

    /// All of them set.
    pub(super) const fn mask(&self) -> u64 {
        (1 << self.bits()) - 1
    }

    /// What a server is packed as: every field in its order, and the state that they make.
    #[inline(always)] // so that a reader does nothing with what it is given
    fn describe(&self, fields: &mut impl Fields, state: State) -> State {
        let State { ballot: Ballot { current_term, voted_for }, role } = state;
        let current_term = Term::new(fields.field(self.term_bits, current_term.number()));
        let voted_for = fields.field(SERVER_BITS, voted_for.map_or(0, |id| id.number().into()));
        let (name, votes) = match role {
            Role::Follower => (0, ServerSet::EMPTY),
            Role::Candidate { votes } => (1, votes),
            Role::Leader => (2, ServerSet::EMPTY),
        };
        let name = fields.field(ROLE_BITS, name);
        let votes = fields.field(self.set_bits, votes.bits().into());
        let role = match name {
            0 => Role::Follower,
            1 => Role::Candidate { votes: ServerSet::from_bits(low_byte(votes)) },
            2 => Role::Leader,
            _ => unreachable!("no role is packed so"),
        };
        State {
            ballot: Ballot { current_term, voted_for: ServerId::new(low_byte(voted_for)) },
            role,
        }
    }

    /// The bits of a server in this state.
    #[inline]
    pub(super) fn encode(&self, state: State) -> u64 {
        let mut writer = Writer(0, 0);
        self.describe(&mut writer, state);
        debug_assert_eq!(self.decode(writer.0), state, "it is read as another state");
        writer.0
    }

    /// The state of a server with these bits; those above do not matter.
    #[inline]
    pub(super) fn decode(&self, bits: u64) -> State {
        // What a reader is given makes no difference.
        self.describe(&mut Reader(bits), State { ballot: Ballot::INITIAL, role: Role::Follower })
    }
}

#[inline]
const fn low_byte(bits: u64) -> u8 {
    bits.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state that a server of this cluster can have, up to a term.
    fn states(cluster: Cluster, last_term: u8) -> impl Iterator<Item = State> {
        let votes_for = move || cluster.servers().map(Some).chain([None]);
        let sets = (0..1_u8 << cluster.size()).map(ServerSet::from_bits);
        let roles = sets.map(|votes| Role::Candidate { votes });
        let roles: Vec<_> = roles.chain([Role::Follower, Role::Leader]).collect();
        (0..=u64::from(last_term)).map(Term::new).flat_map(move |current_term| {
            let roles = roles.clone();
            votes_for().flat_map(move |voted_for| {
                let ballot = Ballot { current_term, voted_for };
                roles.clone().into_iter().map(move |role| State { ballot, role })
            })
        })
    }

    #[test]
    #[should_panic = "no role is packed so"]
    fn bits_of_no_role_are_not_read() {
        let codec = ServerCodec::new(Cluster::new(1).unwrap(), 1);
        codec.decode(0b11 << (codec.term_bits + SERVER_BITS));
    }

    #[test]
    fn every_state_is_read_as_it_was_written_and_has_bits_of_its_own() {
        for (size, last_term) in [(1, 1), (3, 2), (5, 3), (7, 9)] {
            let cluster = Cluster::new(size).unwrap();
            let codec = ServerCodec::new(cluster, last_term);
            let mut seen = std::collections::HashSet::new();
            for state in states(cluster, last_term) {
                let bits = codec.encode(state);
                assert_eq!(codec.decode(bits | !codec.mask()), state, "{bits:b}");
                assert!(
                    bits <= codec.mask() && seen.insert(bits),
                    "{state} has the bits of another"
                );
            }
        }
    }
}
