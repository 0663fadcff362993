//! Which bit of a packed world stands for what.

use std::cmp::Ordering;

use super::server::ServerCodec;
use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::types::{ServerId, Term};
use crate::world::World;

/// A world in `W` words, to be read with its [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packed<const W: usize>(pub [u64; W]);

impl<const W: usize> Packed<W> {
    pub(crate) const EMPTY: Self = Self([0; W]);

    fn set(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// A number that says with near certainty which world this is, the same in every process and
    /// every build. Two worlds have the same one with a probability of 2^-64.
    pub fn fingerprint(&self) -> u64 {
        self.0.iter().fold(0, |so_far, word| mix(so_far ^ word))
    }
}

/// Spreads the bits of a number over all of another, and no two numbers over the same one
/// (splitmix64).
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
    cluster: Cluster,
    /// The last term that there is room for.
    room: u8,
    codec: ServerCodec,
    /// Where the messages begin: servers come first, none of them across two words.
    messages: usize,
    /// Where each server's bits are: in which word, and how far up.
    places: Vec<(usize, u32)>,
    /// What each message bit stands for.
    envelopes: Vec<Envelope>,
    /// The bit of each message, by its [`Layout::key`].
    bits: Vec<u16>,
    merges_responses: bool,
}

const NO_BIT: u16 = u16::MAX;

/// How many kinds of messages are told apart.
const KINDS: usize = 5;

/// A message of each kind, of this term.
const fn kinds(term: Term) -> [Message; KINDS] {
    [
        Message::RequestVote { term },
        Message::AppendEntries { term },
        Message::RequestVoteResponse { term, vote_granted: true },
        Message::RequestVoteResponse { term, vote_granted: false },
        Message::AppendEntriesResponse { term },
    ]
}

/// Its place among [`kinds`].
const fn kind(message: Message) -> usize {
    match message {
        Message::RequestVote { .. } => 0,
        Message::AppendEntries { .. } => 1,
        Message::RequestVoteResponse { vote_granted: true, .. } => 2,
        Message::RequestVoteResponse { vote_granted: false, .. } => 3,
        Message::AppendEntriesResponse { .. } => 4,
    }
}

impl Layout {
    /// A layout that tells all messages apart.
    pub fn new(cluster: Cluster, room: u8) -> Self {
        let mut layout = Self::without_messages(cluster, room);
        for from in cluster.servers() {
            for term in layout.terms() {
                let (requests, responses): (Vec<_>, Vec<_>) =
                    kinds(term).into_iter().partition(|message| message.is_request());
                for message in requests {
                    layout.add(Envelope { from, to: None, message });
                }
                for to in cluster.others(from).map(Some) {
                    for &message in &responses {
                        layout.add(Envelope { from, to, message });
                    }
                }
            }
        }
        layout
    }

    /// A layout for worlds whose messages are reduced (see [`reduce`](crate::reduce)): a request
    /// has a term 0 too, and all responses other than votes that have a receiver and a term in
    /// common are one.
    pub fn merging(cluster: Cluster, room: u8) -> Self {
        let mut layout = Self { merges_responses: true, ..Self::without_messages(cluster, room) };
        for from in cluster.servers() {
            let clamped = Message::RequestVote { term: Term::ZERO };
            layout.add(Envelope { from, to: None, message: clamped });
            for term in layout.terms() {
                layout.add(Envelope { from, to: None, message: Message::RequestVote { term } });
                layout.add(Envelope { from, to: None, message: Message::AppendEntries { term } });
                for to in cluster.others(from).map(Some) {
                    let message = Message::RequestVoteResponse { term, vote_granted: true };
                    layout.add(Envelope { from, to, message });
                }
            }
        }
        for to in cluster.servers() {
            for term in layout.terms() {
                let response = Message::AppendEntriesResponse { term };
                let refusal = Message::RequestVoteResponse { term, vote_granted: false };
                let mut bit = None;
                for from in cluster.others(to) {
                    let envelope = |message| Envelope { from, to: Some(to), message };
                    let bit = *bit.get_or_insert_with(|| layout.add(envelope(response)));
                    for message in [response, refusal] {
                        let key = layout.key(envelope(message));
                        layout.bits[key] = u16::try_from(bit).expect("few messages");
                    }
                }
            }
        }
        layout
    }

    fn without_messages(cluster: Cluster, room: u8) -> Self {
        let codec = ServerCodec::new(cluster, room);
        let server_bits = codec.bits();
        let servers_in_a_word = (u64::BITS / server_bits) as usize;
        let places = (0..usize::from(cluster.size())).map(|server| {
            let slot = u32::try_from(server % servers_in_a_word).expect("below 64");
            (server / servers_in_a_word, slot * server_bits)
        });
        let places: Vec<_> = places.collect();
        let (last_word, last) = *places.last().expect("a cluster has a server");
        Self {
            cluster,
            room,
            codec,
            messages: last_word * 64 + (last + server_bits) as usize,
            places,
            envelopes: Vec::new(),
            bits: vec![NO_BIT; KINDS * 8 * 8 * (usize::from(room) + 1)],
            merges_responses: false,
        }
    }

    fn key(&self, Envelope { from, to, message }: Envelope) -> usize {
        let to = to.map_or(0, |to| usize::from(to.number()));
        let term = usize::try_from(message.term().number()).expect("a term within bounds");
        let terms = usize::from(self.room) + 1;
        ((kind(message) * 8 + usize::from(from.number())) * 8 + to) * terms + term
    }

    /// Gives a message a bit of its own.
    fn add(&mut self, envelope: Envelope) -> usize {
        let bit = self.messages + self.envelopes.len();
        let key = self.key(envelope);
        self.bits[key] = u16::try_from(bit).expect("few messages");
        self.envelopes.push(envelope);
        bit
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

    /// Whether terms go so far.
    pub(super) const fn has(&self, term: Term) -> bool {
        term.number() <= self.room as u64
    }

    /// The bit of a message, if it can be sent within the bounds.
    pub(super) fn bit(&self, envelope: Envelope) -> Option<usize> {
        let bit = self.bits[self.has(envelope.message.term()).then(|| self.key(envelope))?];
        (bit != NO_BIT).then_some(bit.into())
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
        Term::new(self.room as u64)
    }

    /// The terms in which messages are sent.
    fn terms(&self) -> impl Iterator<Item = Term> + use<> {
        (1..=u64::from(self.room)).map(Term::new)
    }
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
        let mut states = [State { ballot: Ballot::INITIAL, role: Role::Follower }; MAX_SERVERS];
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

    /// Where the state of a server is, in which word and under which mask, and the bits of this
    /// one.
    pub(super) fn bits_with(&self, server: ServerId, state: State) -> (usize, u64, u64) {
        let (word, up) = self.places[server.index()];
        (word, self.codec.mask() << up, self.codec.encode(state) << up)
    }

    /// Changes the state of a server.
    pub fn set_state<const W: usize>(&self, world: &mut Packed<W>, server: ServerId, state: State) {
        let (word, mask, bits) = self.bits_with(server, state);
        world.0[word] = world.0[word] & !mask | bits;
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

    /// Adds a message to a world.
    pub fn send<const W: usize>(&self, world: &mut Packed<W>, envelope: Envelope) {
        world.set(self.bit(envelope).expect("it can be sent within the bounds"));
    }

    /// The servers of a world, and no messages.
    pub fn without_sent<const W: usize>(&self, world: &Packed<W>) -> Packed<W> {
        let mut rest = *world;
        for (index, word) in rest.0.iter_mut().enumerate() {
            *word &= !self.messages_in(index);
        }
        rest
    }

    /// Packs a world.
    pub fn pack<const W: usize>(&self, world: &World) -> Packed<W> {
        let mut packed = Packed::EMPTY;
        for (server, state) in world.states() {
            assert_eq!(world.stored[server.index()], state.ballot, "a ballot was not stored");
            self.set_state(&mut packed, server, *state);
        }
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
        }
    }
}
