//! Worlds as a few machine words.
//!
//! A [`Layout`] numbers everything that a world of given bounds can hold: some bits for each server,
//! and one bit for each message that can ever be sent. So a [`Packed`] world is `Copy`, compares and
//! hashes as words, and a successor is a few words away: unpack one server, let it
//! [`step`](Server::step), pack it, and set the bit of what it sends.
//!
//! The stored ballots are not packed: every step of the specification persists a ballot that
//! changes, so they always equal the ballots of the servers, which [`Layout::pack`] and every
//! successor assert. A mutant for which this does not hold needs the [`WorldModel`].
//!
//! [`WorldModel`]: crate::world::WorldModel

use crate::action::{Action, Cause, Move};
use crate::bounds::Bounds;
use crate::election::{Ballot, Event, Outgoing, Role, Server, State, Step};
use crate::message::Message;
use crate::reduce::Reductions;
use crate::types::{Cluster, ServerId, ServerSet, Term};
use crate::world::{Envelope, World, WorldModel};

/// A world in `W` words, to be read with its [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packed<const W: usize>(pub [u64; W]);

impl<const W: usize> Packed<W> {
    pub(crate) const EMPTY: Self = Self([0; W]);

    fn set(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }
}

/// How a world of given bounds is packed.
#[derive(Clone, Debug)]
pub struct Layout {
    cluster: Cluster,
    max_term: u8,
    /// Bits for a term.
    term_bits: u32,
    /// Where the messages begin: servers come first, none of them across two words.
    messages: usize,
    servers_in_a_word: usize,
    server_bits: u32,
    /// What each message bit stands for.
    envelopes: Vec<Envelope>,
    /// The bit of each message, by its [`Layout::key`].
    bits: Vec<u16>,
    merges_responses: bool,
}

const VOTED_FOR_BITS: u32 = 3;
const ROLE_BITS: u32 = 2;
const NO_BIT: u16 = u16::MAX;

/// The kinds of messages, by number.
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
    pub fn new(bounds: &Bounds) -> Self {
        let Bounds { cluster, max_term, .. } = *bounds;
        let terms = || (1..=max_term.number()).map(Term::new);
        let mut layout = Self::without_messages(bounds);
        for from in cluster.servers() {
            for term in terms() {
                layout.add(Envelope { from, to: None, message: Message::RequestVote { term } });
                layout.add(Envelope { from, to: None, message: Message::AppendEntries { term } });
                for to in cluster.others(from).map(Some) {
                    for vote_granted in [true, false] {
                        let message = Message::RequestVoteResponse { term, vote_granted };
                        layout.add(Envelope { from, to, message });
                    }
                    let message = Message::AppendEntriesResponse { term };
                    layout.add(Envelope { from, to, message });
                }
            }
        }
        layout
    }

    /// A layout for worlds whose messages are reduced (see [`reduce`](crate::reduce)): a request has
    /// a term 0 too, and all responses other than votes that have a receiver and a term in common
    /// are one.
    pub fn merging(bounds: &Bounds) -> Self {
        let Bounds { cluster, max_term, .. } = *bounds;
        let terms = || (1..=max_term.number()).map(Term::new);
        let mut layout = Self { merges_responses: true, ..Self::without_messages(bounds) };
        for from in cluster.servers() {
            let clamped = Message::RequestVote { term: Term::ZERO };
            layout.add(Envelope { from, to: None, message: clamped });
            for term in terms() {
                layout.add(Envelope { from, to: None, message: Message::RequestVote { term } });
                layout.add(Envelope { from, to: None, message: Message::AppendEntries { term } });
                for to in cluster.others(from).map(Some) {
                    let message = Message::RequestVoteResponse { term, vote_granted: true };
                    layout.add(Envelope { from, to, message });
                }
            }
        }
        for to in cluster.servers() {
            for term in terms() {
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

    fn without_messages(bounds: &Bounds) -> Self {
        let Bounds { cluster, max_term, .. } = *bounds;
        let max_term = u8::try_from(max_term.number()).expect("packed worlds have few terms");
        let term_bits = u8::BITS - max_term.leading_zeros();
        let server_bits = term_bits + VOTED_FOR_BITS + ROLE_BITS + u32::from(cluster.size());
        let servers_in_a_word = (u64::BITS / server_bits) as usize;
        let words = usize::from(cluster.size()).div_ceil(servers_in_a_word);
        let last = usize::from(cluster.size()) - (words - 1) * servers_in_a_word;
        Self {
            cluster,
            max_term,
            term_bits,
            messages: (words - 1) * 64 + last * server_bits as usize,
            servers_in_a_word,
            server_bits,
            envelopes: Vec::new(),
            bits: vec![NO_BIT; 5 * 8 * 8 * (usize::from(max_term) + 1)],
            merges_responses: false,
        }
    }

    fn key(&self, Envelope { from, to, message }: Envelope) -> usize {
        let to = to.map_or(0, |to| usize::from(to.number()));
        let term = usize::try_from(message.term().number()).expect("a term within bounds");
        let terms = usize::from(self.max_term) + 1;
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

    fn bit(&self, envelope: Envelope) -> usize {
        let bit = self.bits[self.key(envelope)];
        debug_assert_ne!(bit, NO_BIT, "{envelope} cannot be sent within these bounds");
        usize::from(bit)
    }

    /// Where a server's bits are: in which word, and how far up.
    fn place(&self, server: ServerId) -> (usize, u32) {
        let (word, slot) =
            (server.index() / self.servers_in_a_word, server.index() % self.servers_in_a_word);
        (word, u32::try_from(slot).expect("below 64") * self.server_bits)
    }
}

/// Reading and writing the parts of a packed world.
impl Layout {
    /// The state of a server.
    pub fn state<const W: usize>(&self, world: &Packed<W>, server: ServerId) -> State {
        let (word, up) = self.place(server);
        let mut bits = world.0[word] >> up;
        let mut take = |count: u32| {
            let taken = bits & ((1 << count) - 1);
            bits >>= count;
            taken
        };
        let current_term = Term::new(take(self.term_bits));
        let voted_for = ServerId::new(take(VOTED_FOR_BITS).to_le_bytes()[0]);
        let role = take(ROLE_BITS);
        let votes = ServerSet::from_bits(take(self.cluster.size().into()).to_le_bytes()[0]);
        State {
            ballot: Ballot { current_term, voted_for },
            role: match role {
                0 => Role::Follower,
                1 => Role::Candidate { votes },
                _ => Role::Leader,
            },
        }
    }

    /// Changes the state of a server.
    pub fn set_state<const W: usize>(&self, world: &mut Packed<W>, server: ServerId, state: State) {
        let (role, votes) = match state.role {
            Role::Follower => (0, ServerSet::EMPTY),
            Role::Candidate { votes } => (1, votes),
            Role::Leader => (2, ServerSet::EMPTY),
        };
        let voted_for = state.ballot.voted_for.map_or(0, ServerId::number);
        let mut bits = u64::from(votes.bits());
        bits = bits << ROLE_BITS | role;
        bits = bits << VOTED_FOR_BITS | u64::from(voted_for);
        bits = bits << self.term_bits | state.ballot.current_term.number();
        let (word, up) = self.place(server);
        let mask = ((1 << self.server_bits) - 1) << up;
        world.0[word] = world.0[word] & !mask | bits << up;
    }

    /// The messages of a world.
    pub fn sent<const W: usize>(&self, world: &Packed<W>) -> impl Iterator<Item = Envelope> {
        self.message_bits(world).map(|bit| self.envelopes[bit - self.messages])
    }

    fn message_bits<const W: usize>(&self, world: &Packed<W>) -> impl Iterator<Item = usize> {
        let first = self.messages;
        world.0.into_iter().enumerate().skip(first / 64).flat_map(move |(index, word)| {
            let below = if index == first / 64 { (1 << (first % 64)) - 1 } else { 0 };
            let mut rest = word & !below;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(index * 64 + bit as usize)
            })
        })
    }

    /// Adds a message to a world.
    pub fn send<const W: usize>(&self, world: &mut Packed<W>, envelope: Envelope) {
        world.set(self.bit(envelope));
    }

    /// The servers of a world, and no messages.
    pub fn without_sent<const W: usize>(&self, world: &Packed<W>) -> Packed<W> {
        let mut rest = Packed::EMPTY;
        for server in self.cluster.servers() {
            self.set_state(&mut rest, server, self.state(world, server));
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
        let servers: Vec<_> = self.cluster.servers().map(|s| self.state(packed, s)).collect();
        World {
            stored: servers.iter().map(|state| state.ballot).collect(),
            servers,
            sent: self.sent(packed).collect(),
        }
    }
}

/// All worlds that servers can reach within bounds, packed and reduced.
#[derive(Clone, Debug)]
pub struct PackedModel<const W: usize> {
    bounds: Bounds,
    reductions: Reductions,
    /// If not the terms are bounded but their spread: by this.
    spread: Option<Term>,
    reduce: Reduce<W>,
    layout: Layout,
}

/// A function that finds the world that stands for another: [`Reductions::reduce`], or a wrong one.
pub type Reduce<const W: usize> = fn(Reductions, &Bounds, &Layout, &Packed<W>) -> Packed<W>;

impl<const W: usize> PackedModel<W> {
    /// The model, if a world of these bounds fits into `W` words.
    pub fn new(bounds: Bounds, reductions: Reductions) -> Option<Self> {
        let layout =
            if reductions.messages { Layout::merging(&bounds) } else { Layout::new(&bounds) };
        let spread = reductions.window.then_some(bounds.max_term);
        let reduce = Reductions::reduce;
        (layout.len() <= W * 64).then_some(Self { bounds, reductions, spread, reduce, layout })
    }

    /// The same model within other bounds, if it fits.
    pub fn with_bounds(&self, bounds: Bounds) -> Option<Self> {
        Some(Self::new(bounds, self.reductions)?.reducing_with(self.reduce))
    }

    /// The same model with another reduction, to see what is wrong with that.
    #[must_use]
    pub fn reducing_with(self, reduce: Reduce<W>) -> Self {
        Self { reduce, ..self }
    }

    /// The same model, in which an election may start if its term is at most `spread - 1` above the
    /// lowest term of a server (or above 1, if that is less).
    #[must_use]
    pub fn with_spread(self, spread: Term) -> Self {
        Self { spread: Some(spread), ..self }
    }

    /// What bounds the model.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Which reductions are on.
    pub const fn reductions(&self) -> Reductions {
        self.reductions
    }

    fn allow_timeout(&self, world: &Packed<W>, state: &State) -> bool {
        let Some(spread) = self.spread else { return self.bounds.allow_timeout(state) };
        let term_of = |id| self.layout.state(world, id).ballot.current_term.number();
        let lowest = self.bounds.cluster.servers().map(term_of).min().unwrap_or(0).max(1);
        state.role == Role::Leader
            || state.ballot.current_term.number() < lowest - 1 + spread.number()
    }

    /// The world in which every server has come up for the first time.
    pub fn initial(&self) -> Packed<W> {
        self.reduce(&WorldModel::new(self.bounds).initial())
    }

    /// The packed world that stands for a world.
    pub fn reduce(&self, world: &World) -> Packed<W> {
        self.reduced(&self.layout.pack(world))
    }

    fn reduced(&self, world: &Packed<W>) -> Packed<W> {
        (self.reduce)(self.reductions, &self.bounds, &self.layout, world)
    }

    /// How its worlds are packed.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Every move that changes the world, the world after it, and the world that stands for that.
    pub fn for_each_successor(
        &self,
        world: &Packed<W>,
        mut found: impl FnMut(Move, Packed<W>, Packed<W>),
    ) {
        let mut consider = |id: ServerId, before: State, cause: Cause| {
            if let Some((a_move, after)) = self.apply(world, id, before, cause) {
                let reduced = self.reduced(&after);
                if reduced != *world {
                    found(a_move, after, reduced);
                }
            }
        };
        for id in self.bounds.cluster.servers() {
            let state = self.layout.state(world, id);
            if self.allow_timeout(world, &state) {
                consider(id, state, Cause::Event(Event::Timeout));
            }
            consider(id, state, Cause::Restart);
        }
        for Envelope { from, to, message } in self.layout.sent(world) {
            for id in self.bounds.cluster.others(from) {
                if to.is_none_or(|to| to == id) {
                    let state = self.layout.state(world, id);
                    consider(id, state, Cause::Event(Event::Receive { from, message }));
                }
            }
        }
    }

    /// One step of the specification; `None` if nothing changes.
    fn apply(
        &self,
        world: &Packed<W>,
        id: ServerId,
        before: State,
        cause: Cause,
    ) -> Option<(Move, Packed<W>)> {
        let cluster = self.bounds.cluster;
        let server = Server { id, cluster };
        let step = match cause {
            Cause::Restart => server.start(Some(before.ballot)),
            Cause::Event(event) => server.step(before, event),
        };
        let Step { state, rule, persist, outgoing, .. } = step;
        assert!(persist || state.ballot == before.ballot, "{rule:?} forgot to persist");
        let mut after = *world;
        if state != before {
            self.layout.set_state(&mut after, id, state);
        }
        match outgoing {
            Outgoing::Nothing => {}
            Outgoing::Reply { to, message } => {
                if self.bounds.replies.keep(cause, message) {
                    self.layout.send(&mut after, Envelope { from: id, to: Some(to), message });
                }
            }
            Outgoing::Broadcast { message } => {
                self.layout.send(&mut after, Envelope { from: id, to: None, message });
            }
        }
        if after == *world {
            return None;
        }
        let action = match cause {
            Cause::Restart => Action::Restart,
            Cause::Event(event) => Action::of(&before, event, &state),
        };
        Some((Move { server: id, cause, action, rule }, after))
    }
}
