//! The model that searches run on: packed worlds, each reduced to the one that stands for it.

use std::sync::Arc;

use super::{Reductions, at_once, relative};
use crate::action::{Envelope, Move};
use crate::election::{Event, Rule, State};
use crate::message::Message;
use crate::packed::{Change, Layout, Packed, States, StepCache};
use crate::types::{Attempt, ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Limits};
use crate::world::{Handlers, World, WorldModel};

/// All worlds that servers can reach within bounds, packed and reduced.
#[derive(Clone, Debug)]
pub struct PackedModel<const W: usize> {
    bounds: Bounds,
    /// The same, without those limits that bound nothing where messages are reduced.
    effective: Bounds,
    reductions: Reductions,
    /// None where nothing is reduced.
    reduce: Option<Reduce<W>>,
    handlers: Handlers,
    layout: Layout,
    steps: Arc<StepCache<W>>,
}

/// A function that finds the world that stands for another: [`Reductions::reduce`], or a wrong one.
pub type Reduce<const W: usize> = fn(Reductions, &Bounds, &Layout, &Packed<W>) -> Packed<W>;

impl<const W: usize> PackedModel<W> {
    /// The model, if a world of these bounds fits into `W` words.
    pub fn new(bounds: Bounds, reductions: Reductions) -> Option<Self> {
        Self::with_room(bounds, reductions, bounds.terms.last())
    }

    /// The same, whose worlds have room for terms up to this one. A window needs more of it than
    /// its size where terms are not counted from the lowest one.
    pub fn with_room(bounds: Bounds, reductions: Reductions, room: Term) -> Option<Self> {
        let room = u8::try_from(room.number()).ok()?;
        let layout = if reductions.messages {
            Layout::merging(&bounds, room)
        } else {
            Layout::new(&bounds, room)
        };
        let reduce = (reductions != Reductions::NONE).then_some(Reductions::reduce as Reduce<W>);
        let handlers = Handlers::RAFT;
        (layout.len() <= W * 64).then(|| {
            let steps = Arc::new(StepCache::new(&layout));
            let mut model =
                Self { bounds, effective: bounds, reductions, reduce, handlers, layout, steps };
            if reductions.messages {
                model.effective = model.unlimited();
            }
            model
        })
    }

    /// The same model with as much room for terms as another one has, if it fits.
    pub fn with_room_of<const V: usize>(&self, other: &PackedModel<V>) -> Option<Self> {
        let model = Self::with_room(self.bounds, self.reductions, other.layout.room())?;
        Some(Self { reduce: self.reduce, ..model }.driven_by(self.handlers))
    }

    /// The same model with another reduction, to see what is wrong with that.
    #[must_use]
    pub fn reducing_with(self, reduce: Reduce<W>) -> Self {
        Self { reduce: Some(reduce), ..self }
    }

    /// The same model of another election: one that is wrong, to see that the search notices. It
    /// has to persist every ballot that changes, or it panics.
    #[must_use]
    pub fn driven_by(self, handlers: Handlers) -> Self {
        let steps = Arc::new(StepCache::new(&self.layout));
        Self { handlers, steps, ..self }
    }

    /// What drives it.
    pub const fn handlers(&self) -> Handlers {
        self.handlers
    }

    /// What bounds the model.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The whole worlds that its worlds stand for.
    pub const fn direct(&self) -> WorldModel {
        WorldModel { bounds: self.effective, handlers: self.handlers }
    }

    /// Its bounds, without those on rounds and attempts.
    const fn unlimited(&self) -> Bounds {
        let limits = Limits { rounds: u64::MAX, attempts: u64::MAX, ..self.bounds.limits };
        Bounds { limits, ..self.bounds }
    }

    /// Which reductions are on.
    pub const fn reductions(&self) -> Reductions {
        self.reductions
    }

    /// Whether the bounds let this happen to a server.
    fn allow(&self, world: &Packed<W>, states: &States, id: ServerId, event: Event) -> bool {
        let state = &states[id.index()];
        let is_its_turn = match event {
            Event::Timeout { attempt } => self.layout.is_next_attempt(world, id, state, attempt),
            Event::HandOver { .. } | Event::Receive { .. } => true,
            Event::TermHeard { from, term } => {
                let State { ballot, role } = states[from.index()];
                !role.is_returning() && ballot.current_term == term
            }
        };
        let term_of = |id: ServerId| states[id.index()].ballot.current_term;
        let terms = self.bounds.cluster.servers().map(term_of);
        is_its_turn && self.effective.allow(state, event, terms)
    }

    /// The world in which every server has come up for the first time.
    pub fn initial(&self) -> Packed<W> {
        self.reduce(&self.direct().initial())
    }

    /// The packed world that stands for a world.
    pub fn reduce(&self, world: &World) -> Packed<W> {
        self.reduced(&self.pack(world))
    }

    /// A world, packed, and not reduced but for rounds and attempts: where messages are, they are
    /// told apart only as far as it matters.
    pub fn pack(&self, world: &World) -> Packed<W> {
        if !self.reductions.messages {
            return self.layout.pack(world);
        }
        self.layout.pack(&relative::world(self.bounds.cluster.protocol(), world))
    }

    /// The packed world that stands for a packed one.
    pub fn reduced(&self, world: &Packed<W>) -> Packed<W> {
        let reduce = |world: &Packed<W>| match self.reduce {
            Some(reduce) => reduce(self.reductions, &self.bounds, &self.layout, world),
            None => *world,
        };
        let reduced = reduce(world);
        if !self.reductions.at_once {
            return reduced;
        }
        // First reduced: what answers an older question does not answer one that is asked now.
        let settled = self.settled(&reduced);
        if settled == reduced { reduced } else { reduce(&settled) }
    }

    /// The world after everything that is [free](at_once::is_free).
    fn settled(&self, world: &Packed<W>) -> Packed<W> {
        let mut settled = *world;
        loop {
            let before = settled;
            for id in self.bounds.cluster.servers() {
                settled = self.settled_by(&settled, id);
            }
            if settled == before {
                return settled;
            }
        }
    }

    /// The world after what one server does that is free, up to the first step that changes it.
    fn settled_by(&self, world: &Packed<W>, id: ServerId) -> Packed<W> {
        let Self { layout, effective, handlers, .. } = self;
        let before = layout.state(world, id);
        let mut settled = *world;
        for change in &self.steps.of(world, id, layout, effective, *handlers).changes {
            let keeps = change.keeps_server();
            if !change.can_be(&settled)
                || change.is_void(&settled)
                || !at_once::is_free(change.rule, &before, !keeps)
                || self.is_forbidden(change, world, id)
            {
                continue;
            }
            let after = change.after(layout, &settled);
            if layout.has_leases_of(&after, world) {
                settled = after;
                if !keeps {
                    break;
                }
            }
        }
        settled
    }

    /// Whether the bounds keep a server from this change.
    #[inline]
    fn is_forbidden(&self, change: &Change<W>, world: &Packed<W>, id: ServerId) -> bool {
        let is_allowed = |event| self.allow(world, &self.layout.states(world), id, event);
        change.asks.is_some_and(|event| !is_allowed(event))
    }

    /// Whether a step by this rule need not be tried.
    #[inline]
    fn is_needless(&self, rule: Rule, before: impl FnOnce() -> State) -> bool {
        let protocol = self.bounds.cluster.protocol();
        self.reductions.at_once && at_once::is_needless(protocol, rule, &before())
    }

    /// The same model, in which nothing is done at once: there every step is told.
    #[must_use]
    pub fn step_by_step(self) -> Self {
        let reductions = Reductions { at_once: false, ..self.reductions };
        Self { reductions, ..self }
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
        self.for_each_step(world, |a_move, after| {
            let reduced = self.reduced(&after);
            if reduced != *world {
                found(a_move, after, reduced);
            }
        });
    }

    /// The same by what comes of moves: the change that they are, how many moves it is, the world
    /// after it, and the world that stands for that. Both by value: what has an address is written
    /// to memory, and waited for when it is read.
    pub(crate) fn for_each_change(
        &self,
        world: &Packed<W>,
        mut found: impl FnMut(&Change<W>, usize, Packed<W>, Packed<W>),
    ) {
        let Self { layout, effective, handlers, .. } = self;
        let offered = &self.offered(world);
        for id in effective.cluster.servers() {
            for change in &self.steps.of(world, id, layout, effective, *handlers).changes {
                if !change.can_be(offered) || change.is_void(offered) {
                    continue;
                }
                if self.is_needless(change.rule, || layout.state(world, id))
                    || self.is_forbidden(change, world, id)
                {
                    continue;
                }
                let after = change.after(layout, offered);
                if change.has_effect() && after == *offered {
                    continue;
                }
                let reduced = self.reduce.map_or(after, |_| self.reduced(&{ after }));
                if reduced != *world {
                    found(change, change.ways(offered), after, reduced);
                }
            }
        }
    }

    /// Every move that changes the world, and the world after it before that is reduced.
    pub fn for_each_step(&self, world: &Packed<W>, mut found: impl FnMut(Move, Packed<W>)) {
        let Self { layout, effective, handlers, .. } = self;
        let states = layout.states(world);
        let offered = &self.offered(world);
        for id in effective.cluster.servers() {
            for cached in &self.steps.of(world, id, layout, effective, *handlers).steps {
                let own = cached.own_event();
                if own.is_some_and(|event| !self.allow(world, &states, id, event))
                    || self.is_needless(cached.a_move.rule, || states[id.index()])
                {
                    continue;
                }
                if let Some(after) = cached.after(layout, offered) {
                    found(cached.a_move, after);
                }
            }
        }
    }

    /// The world, with all messages that may arrive there.
    #[inline]
    fn offered(&self, world: &Packed<W>) -> Packed<W> {
        let layout = &self.layout;
        debug_assert_eq!(layout.pack(&layout.unpack(world)), *world, "it is read as another world");
        if self.reductions.free_news { self.with_news(world) } else { *world }
    }

    /// The world, with a response to every server for each newer term that another has reached.
    fn with_news(&self, world: &Packed<W>) -> Packed<W> {
        let Self { layout, .. } = self;
        let mut offered = *world;
        let states = layout.states(world);
        let servers = || self.bounds.cluster.servers();
        let term_of = |id: ServerId| states[id.index()].ballot.current_term;
        let highest = servers().map(term_of).max().unwrap_or(Term::ZERO);
        for to in servers() {
            let Some(from) = self.bounds.cluster.others(to).next() else { break };
            for term in term_of(to).number() + 1..=highest.number() {
                let term = Term::new(term);
                let message = Message::AppendEntriesResponse { term, round: None };
                layout.send(&mut offered, Envelope { from, to: Some(to), message });
            }
        }
        offered
    }

    /// Whether what bounds rounds and attempts keeps a timer from firing in this world.
    pub fn is_cut(&self, world: &Packed<W>) -> bool {
        let states = self.layout.states(world);
        let servers = || self.bounds.cluster.servers();
        let terms = || servers().map(|id| states[id.index()].ballot.current_term);
        let unlimited = self.unlimited();
        self.held_by_bounds(world).iter().any(|id| {
            let event = Event::Timeout { attempt: Attempt::FIRST };
            unlimited.allow(&states[id.index()], event, terms())
        })
    }

    /// The servers whose timers may not fire within the bounds, though they run.
    pub fn held_by_bounds(&self, world: &Packed<W>) -> ServerSet {
        let states = self.layout.states(world);
        let is_held = |id: &ServerId| {
            let attempts = self.layout.attempts(&states[id.index()]);
            let mut timeouts = attempts.map(|attempt| Event::Timeout { attempt });
            !timeouts.any(|event| self.allow(world, &states, *id, event))
        };
        self.bounds.cluster.servers().filter(is_held).collect()
    }
}
