//! Which bit of a packed world stands for what.

use std::cmp::Ordering;

use super::alphabet::{DEAD, NO_BIT, Room};
use super::leases::lease_bits;
use super::server::ServerCodec;
use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Role, State, Timer};
use crate::message::Message;
use crate::types::{Attempt, Beats, ServerId, Term};
use crate::world::World;
use crate::world::bounds::{Bounds, Limits};

/// A world in `W` words, to be read with its [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packed<const W: usize>(pub [u64; W]);

impl<const W: usize> Packed<W> {
    pub(crate) const EMPTY: Self = Self([0; W]);

    fn set(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// Nothing but this bit.
    pub(super) fn of_bit(bit: usize) -> Self {
        let mut world = Self::EMPTY;
        world.set(bit);
        world
    }

    /// Adds the bits of another one.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether all bits of another one are here.
    #[inline]
    pub(super) fn has_all_of(&self, other: &Self) -> bool {
        (0..W).all(|word| self.0[word] & other.0[word] == other.0[word])
    }

    /// A number that says with near certainty which world this is, the same in every process and
    /// every build. Two worlds have the same one with a probability of 2^-64.
    #[inline]
    pub fn fingerprint(&self) -> u64 {
        let mut so_far = 0;
        for word in self.0 {
            so_far = mix(so_far ^ word);
        }
        so_far
    }
}

/// Spreads the bits of a number over all of another, and no two numbers over the same one
/// (splitmix64).
#[inline]
pub(crate) const fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const MAX_SERVERS: usize = Cluster::MAX_SIZE as usize;

/// The state of each server of a world, by [`ServerId::index`].
pub(crate) type States = [State; MAX_SERVERS];

/// How a world is packed.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) cluster: Cluster,
    pub(super) room: Room,
    codec: ServerCodec,
    /// Where the messages begin: servers come first, none of them across two words.
    pub(super) messages: usize,
    /// Where each server's bits are: in which word, and how far up.
    places: Vec<(usize, u32)>,
    /// Where the bits of each server's lease are, if worlds tell of leases.
    pub(super) leases: Vec<(usize, u32)>,
    /// What each message bit stands for.
    pub(super) envelopes: Vec<Envelope>,
    /// The bit of each message, by its [`Layout::key`].
    pub(super) bits: Vec<u16>,
    pub(super) merges_responses: bool,
}

impl Layout {
    /// The bits of the servers only.
    pub(super) fn without_messages(bounds: &Bounds, room: Room) -> Self {
        let cluster = bounds.cluster;
        let beats = bounds.limits.patience.number().saturating_sub(1);
        let beats = if cluster.protocol().check_quorum() { beats } else { 0 };
        let room = Room { beats, ..room };
        let codec = ServerCodec::new(cluster, room, !bounds.lost_disks.is_empty());
        let servers = usize::from(cluster.size());
        let (places, end) = placed(servers, codec.bits(), 0);
        let leases = if bounds.has_leases() { servers } else { 0 };
        let (leases, end) = placed(leases, lease_bits(cluster), end);
        let mut layout = Self {
            cluster,
            room,
            codec,
            messages: end,
            places,
            leases,
            envelopes: Vec::new(),
            bits: Vec::new(),
            merges_responses: false,
        };
        layout.bits = vec![NO_BIT; layout.kinds() * 8 * 8 * (usize::from(room.term) + 1)];
        layout
    }

    /// A layout for servers between which nothing is under way, in terms up to this one. They count
    /// rounds and attempts from the present one, and no heartbeats.
    pub(crate) fn of_servers(bounds: &Bounds, last_term: u8) -> Self {
        let attempt = u8::from(bounds.cluster.protocol().pre_vote());
        let room = Room { term: last_term, round: 1, attempt, beats: 0 };
        let limits = Limits { patience: Beats::ZERO, leases: false, ..bounds.limits };
        Self::without_messages(&Bounds { limits, ..*bounds }, room)
    }

    /// The servers.
    pub const fn cluster(&self) -> Cluster {
        self.cluster
    }

    /// Whether responses other than votes are kept without their sender.
    pub(crate) const fn merges_responses(&self) -> bool {
        self.merges_responses
    }

    /// How many bits a world takes.
    pub fn len(&self) -> usize {
        self.messages + self.envelopes.len()
    }

    /// Whether a world takes no bits, which never is so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is room for this state.
    pub(super) fn has(&self, State { ballot, role }: State) -> bool {
        let Room { term, round: rounds, attempt: attempts, beats: most } = self.room;
        ballot.current_term.number() <= term.into()
            && match role {
                Role::Leader { round, beats, .. } => {
                    round.number() <= rounds.into() && beats.number() <= most
                }
                Role::PreCandidate { attempt, .. } => attempt.number() <= attempts.into(),
                Role::Returning { newest, .. } => newest.number() <= term.into(),
                Role::Follower { .. } | Role::Candidate { .. } => true,
            }
    }

    /// The numbers that the next attempt of a server in this state may have.
    pub(crate) fn attempts(&self, state: &State) -> impl Iterator<Item = Attempt> + use<> {
        let last = match state.role {
            Role::PreCandidate { attempt, .. } if self.merges_responses => attempt.number(),
            _ if self.merges_responses || state.timer() != Timer::Election => 0,
            _ => u64::from(self.room.attempt.max(1)) - 1,
        };
        let first = if self.merges_responses { last } else { 0 };
        (first + 1..=last + 1).map(Attempt::new)
    }

    /// Whether messages say which attempt of a server is its next one.
    pub(super) const fn counts_attempts(&self) -> bool {
        !self.merges_responses && self.room.attempt > 0
    }

    /// Whether this is the number of the next attempt of a server: one that it has not used in its
    /// term, while it has used all before.
    pub(crate) fn is_next_attempt<const W: usize>(
        &self,
        world: &Packed<W>,
        id: ServerId,
        state: &State,
        attempt: Attempt,
    ) -> bool {
        let Some(term) = state.ballot.current_term.next() else { return true };
        if !self.counts_attempts() || state.timer() != Timer::Election {
            return true;
        }
        let was_used = |number| {
            let message = Message::PreVote { term, attempt: Attempt::new(number) };
            self.was_sent(world, Envelope { from: id, to: None, message })
        };
        (1..attempt.number()).all(was_used) && !was_used(attempt.number())
    }

    /// Where a message is kept: in this bit, or nowhere if it is dead as soon as it is sent; `None`
    /// if it cannot be sent within the bounds.
    pub(super) fn place(&self, envelope: Envelope) -> Option<Option<usize>> {
        match self.bits[self.key(envelope)?] {
            NO_BIT => None,
            DEAD => Some(None),
            bit => Some(Some(bit.into())),
        }
    }

    /// Every message that can be sent, and its bit.
    pub(super) fn messages(&self) -> impl Iterator<Item = (usize, Envelope)> {
        (self.messages..).zip(self.envelopes.iter().copied())
    }

    /// How many bits the state of a server takes.
    pub(super) const fn bits_of_a_server(&self) -> u32 {
        self.codec.bits()
    }

    /// The last term that there is room for.
    pub(crate) const fn room(&self) -> Term {
        Term::new(self.room.term as u64)
    }

    /// Every term that another server can tell to this one.
    pub(super) fn terms_told(&self, to: ServerId) -> impl Iterator<Item = Event> + use<> {
        let terms = (0..=u64::from(self.room.term)).map(Term::new);
        let others = self.cluster.others(to);
        others.flat_map(move |from| terms.clone().map(move |term| Event::TermHeard { from, term }))
    }

    /// The terms in which messages are sent.
    pub(super) fn terms(&self) -> impl Iterator<Item = Term> + use<> {
        (1..=u64::from(self.room.term)).map(Term::new)
    }
}

/// Places for so many fields of so many bits, from a bit on, none across two words; and the first
/// bit after them.
pub(super) fn placed(count: usize, bits: u32, from: usize) -> (Vec<(usize, u32)>, usize) {
    let size = bits as usize;
    let mut end = from;
    let places = (0..count).map(|_| {
        let start = if end % 64 + size > 64 { end.next_multiple_of(64) } else { end };
        end = start + size;
        (start / 64, u32::try_from(start % 64).expect("below 64"))
    });
    (places.collect(), end)
}

/// Reading and writing the parts of a packed world.
impl Layout {
    /// The state of a server.
    #[inline]
    pub fn state<const W: usize>(&self, world: &Packed<W>, server: ServerId) -> State {
        let (word, up) = self.places[server.index()];
        self.codec.decode(world.0[word] >> up)
    }

    /// The states of all servers, by [`ServerId::index`]; those that the cluster lacks are as
    /// servers that never ran.
    #[inline]
    pub(crate) fn states<const W: usize>(&self, world: &Packed<W>) -> States {
        let mut states = [State { ballot: Ballot::INITIAL, role: Role::FOLLOWER }; MAX_SERVERS];
        for (state, &(word, up)) in states.iter_mut().zip(&self.places) {
            *state = self.codec.decode(world.0[word] >> up);
        }
        states
    }

    /// The bits of the state of a server, as a number.
    #[inline]
    pub(super) fn bits_of<const W: usize>(&self, world: &Packed<W>, server: ServerId) -> usize {
        let (word, up) = self.places[server.index()];
        let bits = (world.0[word] >> up) & self.codec.mask();
        usize::try_from(bits).expect("as many as there are states of a server")
    }

    /// The bits of a server that are others in another state.
    pub(super) fn flipped<const W: usize>(
        &self,
        server: ServerId,
        before: State,
        after: State,
    ) -> Packed<W> {
        let (word, up) = self.places[server.index()];
        let mut flipped = Packed::EMPTY;
        flipped.0[word] = (self.codec.encode(before) ^ self.codec.encode(after)) << up;
        flipped
    }

    /// Changes the state of a server.
    pub fn set_state<const W: usize>(&self, world: &mut Packed<W>, server: ServerId, state: State) {
        let (word, up) = self.places[server.index()];
        world.0[word] &= !(self.codec.mask() << up);
        world.0[word] |= self.codec.encode(state) << up;
    }

    /// The messages of a world.
    pub fn sent<const W: usize>(&self, world: &Packed<W>) -> impl Iterator<Item = Envelope> {
        self.message_bits(*world).map(|bit| self.envelopes[bit - self.messages])
    }

    /// The messages that a world has, and an earlier one has not.
    pub fn sent_since<const W: usize>(
        &self,
        world: &Packed<W>,
        earlier: &Packed<W>,
    ) -> impl Iterator<Item = Envelope> {
        let mut new = *world;
        for (word, earlier) in new.0.iter_mut().zip(earlier.0) {
            *word &= !earlier;
        }
        self.message_bits(new).map(|bit| self.envelopes[bit - self.messages])
    }

    /// Which bits of a word stand for messages; those below them are of servers.
    #[inline]
    fn messages_in(&self, word: usize) -> u64 {
        match word.cmp(&(self.messages / 64)) {
            Ordering::Less => 0,
            Ordering::Equal => u64::MAX << (self.messages % 64),
            Ordering::Greater => u64::MAX,
        }
    }

    fn message_bits<const W: usize>(&self, world: Packed<W>) -> impl Iterator<Item = usize> {
        let (mut words, mut index) = (world.0, self.messages / 64);
        if let Some(shared) = words.get_mut(index) {
            *shared &= self.messages_in(index);
        }
        std::iter::from_fn(move || {
            while *words.get(index)? == 0 {
                index += 1;
            }
            let bit = words[index].trailing_zeros();
            words[index] &= words[index] - 1;
            Some(index * 64 + bit as usize)
        })
    }

    /// Whether a world has this message.
    pub fn was_sent<const W: usize>(&self, world: &Packed<W>, envelope: Envelope) -> bool {
        let bit = self.place(envelope).flatten();
        bit.is_some_and(|bit| world.0[bit / 64] >> (bit % 64) & 1 == 1)
    }

    /// Adds a message to a world.
    pub fn send<const W: usize>(&self, world: &mut Packed<W>, envelope: Envelope) {
        if let Some(bit) = self.place(envelope).expect("it can be sent within the bounds") {
            world.set(bit);
        }
    }

    /// The servers of a world, and no messages.
    pub fn without_sent<const W: usize>(&self, world: &Packed<W>) -> Packed<W> {
        let mut rest = *world;
        for (index, word) in rest.0.iter_mut().enumerate() {
            *word &= !self.messages_in(index);
        }
        rest
    }

    /// The world, and of its messages those that are kept.
    pub fn keeping<const W: usize>(
        &self,
        world: &Packed<W>,
        is_kept: impl Fn(Envelope) -> bool,
    ) -> Packed<W> {
        let mut rest = self.without_sent(world);
        self.sent(world).filter(|&it| is_kept(it)).for_each(|it| self.send(&mut rest, it));
        rest
    }

    /// Packs a world.
    pub fn pack<const W: usize>(&self, world: &World) -> Packed<W> {
        let mut packed = Packed::EMPTY;
        for (server, state) in world.states() {
            assert_eq!(world.stored[server.index()], state.ballot, "a ballot was not stored");
            self.set_state(&mut packed, server, *state);
        }
        self.set_leases(&mut packed, &world.leases);
        for &envelope in &world.sent {
            self.send(&mut packed, envelope);
        }
        packed
    }

    /// The world that was packed.
    pub fn unpack<const W: usize>(&self, packed: &Packed<W>) -> World {
        let servers = self.states(packed)[..self.places.len()].to_vec();
        World {
            stored: servers.iter().map(|state| state.ballot).collect(),
            servers,
            sent: self.sent(packed).collect(),
            leases: self.cluster.servers().map(|server| self.lease(packed, server)).collect(),
        }
    }
}
