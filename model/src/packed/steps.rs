//! What servers do, looked up.
//!
//! What a server does follows from its own state and the event, and from nothing else. Of both
//! there are few within bounds: so the specification is asked once for each, when it first comes
//! up, and its answer is kept as bits to write.

use std::sync::OnceLock;

use super::layout::{Layout, Packed};
use crate::action::Envelope;
use crate::action::{Move, Trigger};
use crate::election::{Effect, Event, State};
use crate::types::ServerId;
use crate::world::Handlers;
use crate::world::bounds::Bounds;

/// Some bits of one word of a world.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    word: usize,
    mask: u64,
}

impl Bits {
    fn of(bit: usize) -> Self {
        Self { word: bit / 64, mask: 1 << (bit % 64) }
    }
}

/// What a server in some state does for some trigger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachedStep {
    pub(crate) a_move: Move,
    /// The message that arrives, if one does.
    received: Bits,
    /// The message that is sent, if one is.
    sent: Bits,
    /// Where the state of the server is, and its bits afterwards.
    server: Bits,
    state: u64,
    /// What becomes of leases, where worlds tell of them.
    effect: Option<Effect>,
    /// Whether a packed world can tell what happens: a ballot that changes is persisted, and what
    /// is sent is of a term within the bounds.
    is_sound: bool,
}

impl CachedStep {
    /// The world after it; `None` if it cannot happen, or changes nothing.
    #[inline]
    pub(crate) fn after<const W: usize>(
        &self,
        layout: &Layout,
        world: &Packed<W>,
    ) -> Option<Packed<W>> {
        if world.0[self.received.word] & self.received.mask != self.received.mask {
            return None;
        }
        assert!(self.is_sound, "{:?} forgot to persist, or left the bounds", self.a_move);
        let mut after = *world;
        let word = &mut after.0[self.server.word];
        *word = *word & !self.server.mask | self.state;
        after.0[self.sent.word] |= self.sent.mask;
        if let Some(effect) = self.effect {
            layout.affect(&mut after, self.a_move.server, effect);
        }
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

/// All that is cached so far: for each server, by the bits of its state.
#[derive(Debug)]
pub(crate) struct StepCache(Vec<Vec<OnceLock<Box<[CachedStep]>>>>);

impl StepCache {
    /// Nothing yet.
    pub(crate) fn new(layout: &Layout) -> Self {
        let of_server =
            || (0..1 << layout.bits_of_a_server()).map(|_| OnceLock::new()).collect::<Vec<_>>();
        Self(layout.cluster().servers().map(|_| of_server()).collect())
    }

    /// All that may happen to a server as it is in this world, if it changes anything.
    #[inline]
    pub(crate) fn of<const W: usize>(
        &self,
        world: &Packed<W>,
        id: ServerId,
        layout: &Layout,
        bounds: &Bounds,
        handlers: Handlers,
    ) -> &[CachedStep] {
        let cached = &self.0[id.index()][layout.bits_of(world, id)];
        cached.get_or_init(|| compute(layout.state(world, id), id, layout, bounds, handlers))
    }
}

/// Asks the specification what a server in this state does, for every trigger that there can be.
fn compute(
    before: State,
    id: ServerId,
    layout: &Layout,
    bounds: &Bounds,
    handlers: Handlers,
) -> Box<[CachedStep]> {
    let cached_step = |trigger: Trigger, received: Bits| {
        let (step, envelope) = handlers.act(bounds, id, &before, before.ballot, trigger);
        let place = envelope.map(|envelope| layout.place(envelope));
        let is_stored = step.persist || step.state.ballot == before.ballot;
        let is_sound = (is_stored || step.state.role.is_returning())
            && layout.has(step.state)
            && place != Some(None);
        let bit = place.flatten().flatten();
        let (word, mask, state) = layout.bits_with(id, if is_sound { step.state } else { before });
        let effect = Effect::of(&bounds.server(id), trigger.event(), &step);
        let effect = layout.has_leases().then_some(effect).filter(|effect| effect.matters());
        let changes = step.state != before || envelope.is_some() || effect.is_some();
        changes.then(|| CachedStep {
            a_move: Move::of(id, &before, trigger, &step),
            received,
            sent: bit.map_or_else(Bits::default, Bits::of),
            server: Bits { word, mask },
            state,
            effect,
            is_sound,
        })
    };
    let own = bounds.own_events(id, layout.attempts(&before)).map(Trigger::Event);
    let own = own.chain(bounds.comes_up(id, &before));
    let told = before.role.is_returning().then(|| layout.terms_told(id)).into_iter().flatten();
    let own = own.chain(told.map(Trigger::Event)).map(|trigger| (trigger, Bits::default()));
    let deliveries = layout.messages().flat_map(|(bit, envelope): (usize, Envelope)| {
        let to_this = envelope.deliveries(bounds.cluster).filter(move |(to, _)| *to == id);
        to_this.map(move |(_, event)| (Trigger::Event(event), Bits::of(bit)))
    });
    own.chain(deliveries).filter_map(|(trigger, received)| cached_step(trigger, received)).collect()
}
