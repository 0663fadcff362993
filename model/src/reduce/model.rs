//! The model that searches run on: packed worlds, each reduced to the one that stands for it.

use std::sync::Arc;

use super::Reductions;
use crate::action::Move;
use crate::packed::{Layout, Packed, States, StepCache};
use crate::types::{ServerId, ServerSet, Term};
use crate::world::bounds::Bounds;
use crate::world::{Handlers, World, WorldModel};

/// All worlds that servers can reach within bounds, packed and reduced.
#[derive(Clone, Debug)]
pub struct PackedModel<const W: usize> {
    bounds: Bounds,
    reductions: Reductions,
    reduce: Reduce<W>,
    handlers: Handlers,
    layout: Layout,
    steps: Arc<StepCache>,
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
        let cluster = bounds.cluster;
        let layout = if reductions.messages {
            Layout::merging(cluster, room)
        } else {
            Layout::new(cluster, room)
        };
        let reduce = Reductions::reduce;
        let handlers = Handlers::RAFT;
        (layout.len() <= W * 64).then(|| {
            let steps = Arc::new(StepCache::new(&layout));
            Self { bounds, reductions, reduce, handlers, layout, steps }
        })
    }

    /// The same model with as much room for terms as another one has, if it fits.
    pub fn with_room_of<const V: usize>(&self, other: &PackedModel<V>) -> Option<Self> {
        let model = Self::with_room(self.bounds, self.reductions, other.layout.room())?;
        Some(model.reducing_with(self.reduce).driven_by(self.handlers))
    }

    /// The same model with another reduction, to see what is wrong with that.
    #[must_use]
    pub fn reducing_with(self, reduce: Reduce<W>) -> Self {
        Self { reduce, ..self }
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

    /// Which reductions are on.
    pub const fn reductions(&self) -> Reductions {
        self.reductions
    }

    fn allow_timeout(&self, states: &States, id: ServerId) -> bool {
        let term_of = |id: ServerId| states[id.index()].ballot.current_term;
        let terms = self.bounds.cluster.servers().map(term_of);
        self.bounds.allow_timeout(&states[id.index()], terms)
    }

    /// The world in which every server has come up for the first time.
    pub fn initial(&self) -> Packed<W> {
        self.reduce(&WorldModel::new(self.bounds).initial())
    }

    /// The packed world that stands for a world.
    pub fn reduce(&self, world: &World) -> Packed<W> {
        self.reduced(&self.layout.pack(world))
    }

    /// The packed world that stands for a packed one.
    pub fn reduced(&self, world: &Packed<W>) -> Packed<W> {
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
        self.for_each_step(world, |a_move, after| {
            let reduced = self.reduced(&after);
            if reduced != *world {
                found(a_move, after, reduced);
            }
        });
    }

    /// Every move that changes the world, and the world after it before that is reduced.
    pub fn for_each_step(&self, world: &Packed<W>, mut found: impl FnMut(Move, Packed<W>)) {
        let Self { layout, bounds, handlers, .. } = self;
        debug_assert_eq!(layout.pack(&layout.unpack(world)), *world, "it is read as another world");
        let states = layout.states(world);
        for id in bounds.cluster.servers() {
            let is_held = !self.allow_timeout(&states, id);
            for cached in self.steps.of(world, id, layout, bounds, *handlers) {
                if is_held && cached.is_timeout() {
                    continue;
                }
                if let Some(after) = cached.after(world) {
                    found(cached.a_move, after);
                }
            }
        }
    }

    /// The servers whose election timers may not fire within the bounds, though they run.
    pub fn held_by_bounds(&self, world: &Packed<W>) -> ServerSet {
        let states = self.layout.states(world);
        let is_held = |id: &ServerId| !self.allow_timeout(&states, *id);
        self.bounds.cluster.servers().filter(is_held).collect()
    }
}
