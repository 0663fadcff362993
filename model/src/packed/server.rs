//! The bits of a server: one description of them, for writing and for reading.

use super::alphabet::Room;
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};

/// Bits for a server, or for none.
const SERVER_BITS: u32 = 3;
/// Bits for the name of a role, and where disks are lost.
const ROLE_BITS: u32 = 2;
const ROLE_BITS_OF_LOSERS: u32 = 3;

/// How the states of a cluster's servers are packed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerCodec {
    term_bits: u32,
    set_bits: u32,
    /// For the number of a round or of an attempt, less one.
    number_bits: u32,
    beats_bits: u32,
    has_pre_candidates: bool,
    role_bits: u32,
    /// All of them.
    bits: u32,
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
    /// For the servers of this cluster, as far as there is room for them.
    pub(super) fn new(cluster: Cluster, room: Room, loses_disks: bool) -> Self {
        let bits_up_to = |last: u8| u8::BITS - last.leading_zeros();
        let term_bits = bits_up_to(room.term);
        let set_bits = cluster.size().into();
        let number_bits = bits_up_to(room.round.max(room.attempt).max(1) - 1);
        let beats_bits = bits_up_to(room.beats);
        let role_bits = if loses_disks { ROLE_BITS_OF_LOSERS } else { ROLE_BITS };
        Self {
            term_bits,
            set_bits,
            number_bits,
            beats_bits,
            has_pre_candidates: room.attempt > 0,
            role_bits,
            bits: term_bits + SERVER_BITS + role_bits + set_bits + number_bits + beats_bits,
        }
    }

    /// How many bits a server takes.
    pub(super) const fn bits(&self) -> u32 {
        self.bits
    }

    /// All of them set.
    pub(super) const fn mask(&self) -> u64 {
        (1 << self.bits()) - 1
    }

    /// What a server is packed as: every field in its order, and the state that they make.
    #[inline(always)] // so that a reader does nothing with what it is given
    fn describe(&self, fields: &mut impl Fields, state: State) -> State {
        let State { ballot: Ballot { current_term, voted_for }, role } = state;
        // Who is returning has no term; in its place stands the newest that it has heard.
        let term = match role {
            Role::Returning { newest, .. } => newest,
            _ => current_term,
        };
        let term = Term::new(fields.field(self.term_bits, term.number()));
        let voted_for = fields.field(SERVER_BITS, voted_for.map_or(0, |id| id.number().into()));
        let (name, set, number, beats) = match role {
            Role::Follower { contact } => (0, u8::from(contact), 1, Beats::ZERO),
            Role::Candidate { votes } => (1, votes.bits(), 1, Beats::ZERO),
            Role::Leader { round, answered, beats } => (2, answered.bits(), round.number(), beats),
            Role::PreCandidate { attempt, votes } => {
                (3, votes.bits(), attempt.number(), Beats::ZERO)
            }
            Role::Returning { heard, .. } => (4, heard.bits(), 1, Beats::ZERO),
        };
        let name = fields.field(self.role_bits, name);
        let set = low_byte(fields.field(self.set_bits, set.into()));
        let number = fields.field(self.number_bits, number.wrapping_sub(1)) + 1;
        let beats = Beats::new(low_byte(fields.field(self.beats_bits, beats.number().into())));
        let votes = ServerSet::from_bits(set);
        let role = match name {
            0 => Role::Follower { contact: set != 0 },
            1 => Role::Candidate { votes },
            2 => Role::Leader { round: Round::new(number), answered: votes, beats },
            3 if self.has_pre_candidates => {
                Role::PreCandidate { attempt: Attempt::new(number), votes }
            }
            4 => {
                let role = Role::Returning { heard: votes, newest: term };
                return State { ballot: Ballot::INITIAL, role };
            }
            _ => unreachable!("no role is packed so"),
        };
        State {
            ballot: Ballot { current_term: term, voted_for: ServerId::new(low_byte(voted_for)) },
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
        self.describe(&mut Reader(bits), State { ballot: Ballot::INITIAL, role: Role::FOLLOWER })
    }
}

#[inline]
const fn low_byte(bits: u64) -> u8 {
    bits.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state that a server of this cluster can have for which there is room.
    fn states(cluster: Cluster, room: Room) -> impl Iterator<Item = State> {
        let votes_for = move || cluster.servers().map(Some).chain([None]);
        let mut roles = [false, true].map(|contact| Role::Follower { contact }).to_vec();
        let mut losers = Vec::new();
        for votes in (0..1_u8 << cluster.size()).map(ServerSet::from_bits) {
            roles.push(Role::Candidate { votes });
            let heard = votes;
            let told = (0..=u64::from(room.term)).map(Term::new);
            losers.extend(told.map(|newest| State {
                ballot: Ballot::INITIAL,
                role: Role::Returning { heard, newest },
            }));
            for attempt in (1..=room.attempt.into()).map(Attempt::new) {
                roles.push(Role::PreCandidate { attempt, votes });
            }
            for round in (1..=room.round.into()).map(Round::new) {
                for beats in (0..=room.beats).map(Beats::new) {
                    roles.push(Role::Leader { round, answered: votes, beats });
                }
            }
        }
        let terms = (0..=u64::from(room.term)).map(Term::new);
        let states = terms.flat_map(move |current_term| {
            let roles = roles.clone();
            votes_for().flat_map(move |voted_for| {
                let ballot = Ballot { current_term, voted_for };
                roles.clone().into_iter().map(move |role| State { ballot, role })
            })
        });
        states.chain(losers)
    }

    #[test]
    #[should_panic = "no role is packed so"]
    fn bits_of_no_role_are_not_read() {
        let room = Room { term: 1, round: 1, attempt: 0, beats: 0 };
        let codec = ServerCodec::new(Cluster::new(1).unwrap(), room, false);
        codec.decode(0b11 << (codec.term_bits + SERVER_BITS));
    }

    #[test]
    fn every_state_is_read_as_it_was_written_and_has_bits_of_its_own() {
        let room = |term, round, attempt, beats| Room { term, round, attempt, beats };
        for (size, room) in [
            (1, room(1, 1, 1, 0)),
            (3, room(2, 2, 1, 1)),
            (5, room(3, 1, 2, 0)),
            (5, room(2, 3, 0, 2)),
            (7, room(9, 1, 0, 0)),
        ] {
            let cluster = Cluster::new(size).unwrap();
            let codec = ServerCodec::new(cluster, room, true);
            let mut seen = std::collections::HashSet::new();
            for state in states(cluster, room) {
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
