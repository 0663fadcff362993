//! What servers do, looked up.
//!
//! What a server does follows from its own state and the event, and from nothing else. Of both
//! there are few within bounds: so the specification is asked once for each, when it first comes
//! up, and its answer is kept as bits to change.

use std::sync::OnceLock;

use super::changes::Change;
use super::layout::{Layout, Packed};
use crate::action::{Action, Envelope, Move, Trigger};
use crate::election::{Effect, Event, State};
use crate::types::ServerId;
use crate::world::Handlers;
use crate::world::bounds::Bounds;
use crate::world::properties::{Addition, Property};

/// What comes of a step: the bits of the world that change, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome<const W: usize> {
    pub(super) server: ServerId,
    pub(super) action: Action,
    /// The message that is sent, if one is.
    pub(super) sent: Packed<W>,
    /// The bits of the server that become others.
    pub(super) flipped: Packed<W>,
    /// What becomes of leases, where worlds tell of them.
    pub(super) effect: Option<Effect>,
    /// Whether a packed world can tell what happens: a ballot that changes is persisted, and what
    /// is sent is of a term within the bounds.
    is_sound: bool,
    /// The properties that it could violate, as bits.
    pub(super) about: u8,
}

impl<const W: usize> Outcome<W> {
    /// The world after it; the same one if it changes nothing.
    #[inline]
    pub(super) fn after(&self, layout: &Layout, world: &Packed<W>) -> Packed<W> {
        let Self { server, action, sent, flipped, effect, .. } = self;
        assert!(self.is_sound, "server {server} forgot to persist, or left the bounds: {action}");
        let mut after = Packed::EMPTY;
        for word in 0..W {
            after.0[word] = (world.0[word] ^ flipped.0[word]) | sent.0[word];
        }
        match effect {
            None => after,
            Some(effect) => layout.affected(after, *server, *effect),
        }
    }
}

/// What a server in some state does for some trigger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachedStep<const W: usize> {
    pub(crate) a_move: Move,
    /// The message that arrives, if one does.
    pub(super) received: Packed<W>,
    pub(super) outcome: Outcome<W>,
}

impl<const W: usize> CachedStep<W> {
    /// The world after it; `None` if it cannot happen, or changes nothing.
    #[inline]
    pub(crate) fn after(&self, layout: &Layout, world: &Packed<W>) -> Option<Packed<W>> {
        if !world.has_all_of(&self.received) {
            return None;
        }
        let after = self.outcome.after(layout, world);
        (after != *world).then_some(after)
    }

    /// What happens to the server by itself, which the bounds may forbid.
    #[inline]
    pub(crate) const fn own_event(&self) -> Option<Event> {
        match self.a_move.trigger {
            Trigger::Event(
                event @ (Event::Timeout { .. } | Event::HandOver { .. } | Event::TermHeard { .. }),
            ) => Some(event),
            Trigger::Event(Event::Receive { .. }) | Trigger::Restart | Trigger::LoseDisk => None,
        }
    }
}

/// All that may happen to a server in some state, if it changes anything.
#[derive(Debug)]
pub(crate) struct Cached<const W: usize> {
    /// Step by step.
    pub(crate) steps: Box<[CachedStep<W>]>,
    /// By what comes of it, without what the bounds forbid in any world.
    pub(crate) changes: Box<[Change<W>]>,
}

/// All that is cached so far: for each server, by the bits of its state.
#[derive(Debug)]
pub(crate) struct StepCache<const W: usize>(Vec<Vec<OnceLock<Cached<W>>>>);

impl<const W: usize> StepCache<W> {
    /// Nothing yet.
    pub(crate) fn new(layout: &Layout) -> Self {
        let of_server =
            || (0..1 << layout.bits_of_a_server()).map(|_| OnceLock::new()).collect::<Vec<_>>();
        Self(layout.cluster().servers().map(|_| of_server()).collect())
    }

    /// What may happen to a server as it is in this world.
    #[inline(always)] // three times for each world
    pub(crate) fn of(
        &self,
        world: &Packed<W>,
        id: ServerId,
        layout: &Layout,
        bounds: &Bounds,
        handlers: Handlers,
    ) -> &Cached<W> {
        let cached = &self.0[id.index()][layout.bits_of(world, id)];
        match cached.get() {
            Some(cached) => cached,
            None => cached
                .get_or_init(|| Cached::of(layout.state(world, id), id, layout, bounds, handlers)),
        }
    }
}

impl<const W: usize> Cached<W> {
    #[cold]
    fn of(
        before: State,
        id: ServerId,
        layout: &Layout,
        bounds: &Bounds,
        handlers: Handlers,
    ) -> Self {
        let steps = compute(before, id, layout, bounds, handlers);
        let changes = Change::all(&steps, before, layout, bounds);
        Self { steps, changes }
    }
}

/// Asks the specification what a server in this state does, for every trigger that there can be.
fn compute<const W: usize>(
    before: State,
    id: ServerId,
    layout: &Layout,
    bounds: &Bounds,
    handlers: Handlers,
) -> Box<[CachedStep<W>]> {
    let cached_step = |trigger: Trigger, received: Packed<W>| {
        let (step, envelope) = handlers.act(bounds, id, &before, before.ballot, trigger);
        let place = envelope.map(|envelope| layout.place(envelope));
        let is_stored = step.persist || step.state.ballot == before.ballot;
        let is_sound = (is_stored || step.state.role.is_returning())
            && layout.has(step.state)
            && place != Some(None);
        let bit = place.flatten().flatten();
        let effect = Effect::of(&bounds.server(id), trigger.event(), &step);
        let effect = layout.has_leases().then_some(effect).filter(|effect| effect.matters());
        let changes = step.state != before || envelope.is_some() || effect.is_some();
        let a_move = Move::of(id, &before, trigger, &step);
        let added = Addition { before, after: step.state, sent: envelope, effect };
        let outcome = Outcome {
            server: id,
            action: a_move.action,
            sent: bit.map_or(Packed::EMPTY, Packed::of_bit),
            flipped: layout.flipped(id, before, if is_sound { step.state } else { before }),
            effect,
            is_sound,
            about: Property::about(&added),
        };
        changes.then_some(CachedStep { a_move, received, outcome })
    };
    let own = bounds.own_events(id, layout.attempts(&before)).map(Trigger::Event);
    let own = own.chain(bounds.comes_up(id, &before));
    let told = before.role.is_returning().then(|| layout.terms_told(id)).into_iter().flatten();
    let own = own.chain(told.map(Trigger::Event)).map(|trigger| (trigger, Packed::EMPTY));
    let deliveries = layout.messages().flat_map(|(bit, envelope): (usize, Envelope)| {
        let to_this = envelope.deliveries(bounds.cluster).filter(move |(to, _)| *to == id);
        to_this.map(move |(_, event)| (Trigger::Event(event), Packed::of_bit(bit)))
    });
    own.chain(deliveries).filter_map(|(trigger, received)| cached_step(trigger, received)).collect()
}
