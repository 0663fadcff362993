//! What servers do, by what comes of it.
//!
//! Of the many messages that can arrive at a server, few make a difference, and many make the same.
//! So all steps of a server with one outcome are one [`Change`]: the messages any of which leads to
//! it, and the bits of the world that it changes. A search asks for changes, and never looks at a
//! message of which nothing comes.

use super::layout::{Layout, Packed};
use super::steps::{CachedStep, Outcome};
use crate::action::Action;
use crate::election::{Event, Rule, State};
use crate::types::ServerId;
use crate::world::bounds::{Bounds, Terms};

/// What a server in some state may do, for one reason or several.
#[derive(Clone, Debug)]
pub(crate) struct Change<const W: usize> {
    outcome: Outcome,
    /// The messages any of which leads to it; none if it needs no message.
    received: Packed<W>,
    /// By which rule the server does it, if it needs no message.
    pub(crate) by_itself: Option<Rule>,
    /// What happens to the server by itself, if the world has to be asked whether it may.
    pub(crate) asks: Option<Event>,
}

impl<const W: usize> Change<W> {
    /// All changes that there can be of a server in this state, given all its steps.
    pub(super) fn all(
        steps: &[CachedStep],
        before: State,
        layout: &Layout,
        bounds: &Bounds,
    ) -> Box<[Self]> {
        // Nothing but its own state says whether it may happen.
        let is_settled = matches!(bounds.terms, Terms::UpTo(_)) && !layout.counts_attempts();
        let mut changes: Vec<Self> = Vec::new();
        for step in steps {
            let own = step.own_event();
            let is_forbidden = |event| !bounds.allow(&before, event, std::iter::empty());
            if is_settled && own.is_some_and(is_forbidden) {
                continue;
            }
            let mut received = Packed::EMPTY;
            received.0[step.received.word] |= step.received.mask;
            let is_same = |other: &&mut Self| {
                [other.received, received].iter().all(|messages| *messages != Packed::EMPTY)
                    && other.outcome == step.outcome
            };
            match changes.iter_mut().find(is_same) {
                Some(change) => change.received.0[step.received.word] |= step.received.mask,
                None => {
                    let asks = own.filter(|_| !is_settled);
                    let by_itself = (received == Packed::EMPTY).then_some(step.a_move.rule);
                    changes.push(Self { outcome: step.outcome, received, by_itself, asks });
                }
            }
        }
        changes.into()
    }

    /// In how many ways it can come about in a world, but for what the world has to be asked.
    #[inline]
    pub(crate) fn ways(&self, world: &Packed<W>) -> usize {
        if self.received == Packed::EMPTY {
            return 1;
        }
        let arrives = world.0.iter().zip(self.received.0).map(|(sent, received)| sent & received);
        // Most are none or one, and processors of today may count bits slowly.
        let count = |bits: u64| match bits & bits.wrapping_sub(1) {
            0 => usize::from(bits != 0),
            _ => bits.count_ones() as usize,
        };
        arrives.map(count).sum()
    }

    /// The world after it; the same one if it changes nothing.
    #[inline]
    pub(crate) fn after(&self, layout: &Layout, world: &Packed<W>) -> Packed<W> {
        self.outcome.after(layout, world)
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
