//! What servers do, by what comes of it.
//!
//! Of the many messages that can arrive at a server, few make a difference, and many make the same.
//! So all steps of a server by one rule with one outcome are one [`Change`]: the messages any of
//! which leads to it, and the bits of the world that it changes. A search asks for changes, and
//! never looks at a message of which nothing comes.

use super::layout::{Layout, Packed};
use super::steps::{CachedStep, Outcome};
use crate::action::Action;
use crate::election::{Event, Rule, State};
use crate::types::ServerId;
use crate::world::bounds::{Bounds, Terms};

/// What a server in some state may do, for one reason or several.
#[derive(Clone, Debug)]
pub(crate) struct Change<const W: usize> {
    outcome: Outcome<W>,
    /// The messages any of which leads to it; none if it needs no message.
    received: Packed<W>,
    /// By which rule the server does it.
    pub(crate) rule: Rule,
    /// What happens to the server by itself, if the world has to be asked whether it may.
    pub(crate) asks: Option<Event>,
    /// Whether all that can come of it is a message.
    only_sends: bool,
}

impl<const W: usize> Change<W> {
    /// All changes that there can be of a server in this state, given all its steps.
    pub(super) fn all(
        steps: &[CachedStep<W>],
        before: State,
        layout: &Layout,
        bounds: &Bounds,
    ) -> Box<[Self]> {
        // Nothing but its own state says whether it may happen.
        let is_bounded = matches!(bounds.terms, Terms::UpTo(_)) && !layout.counts_attempts();
        let is_settled = |event| is_bounded && !matches!(event, Event::TermHeard { .. });
        let mut changes: Vec<Self> = Vec::new();
        for step in steps {
            let own = step.own_event();
            let is_forbidden = |event| !bounds.allow(&before, event, std::iter::empty());
            if own.is_some_and(|event| is_settled(event) && is_forbidden(event)) {
                continue;
            }
            let received = step.received;
            let is_same = |other: &&mut Self| {
                [other.received, received].iter().all(|messages| *messages != Packed::EMPTY)
                    && (other.rule, other.outcome) == (step.a_move.rule, step.outcome)
            };
            match changes.iter_mut().find(is_same) {
                Some(change) => change.received.add(&received),
                None => {
                    let asks = own.filter(|event| !is_settled(*event));
                    let (rule, outcome) = (step.a_move.rule, step.outcome);
                    let only_sends = outcome.flipped == Packed::EMPTY && outcome.effect.is_none();
                    changes.push(Self { outcome, received, rule, asks, only_sends });
                }
            }
        }
        changes.into()
    }

    /// In how many ways it can come about in a world, but for what the world has to be asked.
    #[inline]
    pub(crate) fn ways(&self, world: &Packed<W>) -> usize {
        if self.is_by_itself() {
            return 1;
        }
        (0..W).map(|word| ones(world.0[word] & self.received.0[word])).sum()
    }

    /// Whether it can come about in a world, but for what the world has to be asked.
    #[inline]
    pub(crate) fn can_be(&self, world: &Packed<W>) -> bool {
        self.is_by_itself() || (0..W).any(|word| world.0[word] & self.received.0[word] != 0)
    }

    /// The world after it; the same one if it changes nothing.
    #[inline]
    pub(crate) fn after(&self, layout: &Layout, world: &Packed<W>) -> Packed<W> {
        self.outcome.after(layout, world)
    }

    /// Whether it needs no message.
    #[inline]
    pub(crate) fn is_by_itself(&self) -> bool {
        self.received == Packed::EMPTY
    }

    /// Whether nothing comes of it in this world, leases aside.
    #[inline]
    pub(crate) fn is_void(&self, world: &Packed<W>) -> bool {
        self.only_sends && self.was_sent(world)
    }

    /// Whether it says something of leases: only the world after it tells whether that is new.
    #[inline]
    pub(crate) const fn has_effect(&self) -> bool {
        self.outcome.effect.is_some()
    }

    /// Whether it leaves the server as it is.
    #[inline]
    pub(crate) fn keeps_server(&self) -> bool {
        self.outcome.flipped == Packed::EMPTY
    }

    /// Whether what it sends was sent before; of a server that sends nothing it was.
    #[inline]
    fn was_sent(&self, world: &Packed<W>) -> bool {
        world.has_all_of(&self.outcome.sent)
    }

    /// Who changes.
    pub(crate) const fn server(&self) -> ServerId {
        self.outcome.server
    }

    /// What that is called.
    pub(crate) const fn action(&self) -> Action {
        self.outcome.action
    }

    /// The properties that it could violate, as bits.
    pub(crate) const fn about(&self) -> u8 {
        self.outcome.about
    }
}

/// How many bits are 1. Most are none or one, and processors of today may count bits slowly.
#[inline]
fn ones(bits: u64) -> usize {
    match bits & bits.wrapping_sub(1) {
        0 => usize::from(bits != 0),
        _ => bits.count_ones() as usize,
    }
}
