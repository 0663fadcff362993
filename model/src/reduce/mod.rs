//! Exact reductions: of worlds that behave alike, one stands for all.
//!
//! Each is a function from worlds to worlds that keeps what a world can do: what the reduced world
//! can reach in a step is, reduced, what the world itself can reach (a bisimulation). The argument
//! stands with each of them; [`bisimulation`] tests it mechanically, at as many worlds as it is
//! given. Only what is done [at once](Reductions::at_once) is less than that, and enough for
//! safety; [`seen_steps`] tests it. The arguments are about the specification: a mutant is searched
//! for violations of safety, and counted, without reductions. For liveness mutants are reduced too,
//! and each run that fails is replayed in the direct model.

mod at_once;
mod bisimulation;
mod messages;
mod model;
mod outcomes;
mod relative;
mod seen;
mod symmetry;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod ticks;
mod window;

pub use bisimulation::{Difference, bisimulation, bisimulation_by};
pub use model::{PackedModel, Reduce};
pub use seen::{Seen, SeenStep, seen_steps};

use crate::cluster::Protocol;
use crate::packed::Layout;
pub use crate::packed::Packed;
use crate::world::bounds::{Bounds, Terms};
use messages::{LastTerm, Matters};

/// Which reductions are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reductions {
    /// Dead messages are left out, stale requests clamped, newer responses merged. Then, in a
    /// window of terms ([`Terms::Window`]), terms are counted from the lowest one.
    pub messages: bool,
    /// Of what guarded servers can do in several ways with one outcome, one is left. Without guards
    /// it does nothing, and neither does it where messages are not reduced.
    pub outcomes: bool,
    /// Worlds that differ in the names of servers are one.
    pub symmetry: bool,
    /// Any server may come to know of any term that another has reached, whether or not somebody
    /// told it: see [`Reductions::FREE_NEWS`].
    pub free_news: bool,
    /// What takes nothing away is done before anything else: answers that change nobody, questions,
    /// counts. It keeps what can break, not how long that takes: for safety only, and where
    /// messages are reduced.
    pub at_once: bool,
}

impl Reductions {
    /// No reduction.
    pub const NONE: Self = Self {
        messages: false,
        outcomes: false,
        symmetry: false,
        free_news: false,
        at_once: false,
    };

    /// All but that of names, where it matters who is who.
    pub const MESSAGES: Self = Self { messages: true, ..Self::NONE };

    /// All reductions of servers without guards. Of guarded ones, those that say in which way
    /// something happened.
    pub const EXACT: Self = Self { symmetry: true, ..Self::MESSAGES };

    /// All reductions that keep what a world can do, step by step.
    pub const GUARDED: Self = Self { outcomes: true, ..Self::EXACT };

    /// All reductions that keep what a property of safety can see.
    pub const SAFETY: Self = Self { at_once: true, ..Self::GUARDED };

    /// Those of [`Reductions::GUARDED`], and more than can happen, in fewer worlds: refusals, and
    /// requests that can only be refused, need not be kept where every server may hear of a newer
    /// term anyway. What holds here holds; what breaks here need not break in truth.
    ///
    /// By check-quorum this also covers both guards. What only pre-vote has forbids: a server that
    /// is not in contact may campaign here whenever its timer fires, whether or not anybody would
    /// vote for it. And what a refused pre-vote tells is news.
    pub const FREE_NEWS: Self = Self { free_news: true, ..Self::GUARDED };

    /// Those by which safety is judged of servers that elect so.
    pub fn of(protocol: Protocol) -> Self {
        if protocol == Protocol::FIGURE2 { Self::EXACT } else { Self::SAFETY }
    }

    /// The world that stands for this one.
    pub fn reduce<const W: usize>(
        self,
        bounds: &Bounds,
        layout: &Layout,
        world: &Packed<W>,
    ) -> Packed<W> {
        let (mut world, mut states) = (*world, layout.states(world));
        if self.messages {
            let last_term = match bounds.terms {
                Terms::UpTo(last) => LastTerm::Is(last),
                Terms::Window(_) => LastTerm::None,
            };
            let of = states;
            let matters = Matters { layout, news_is_free: self.free_news, last_term, states: &of };
            world = messages::reduce(&matters, &mut states, &world);
            if self.outcomes && layout.cluster().protocol() != Protocol::FIGURE2 {
                let of = states;
                let matters = Matters { states: &of, ..matters };
                world = outcomes::reduce(&matters, &mut states, &world);
            }
            if matches!(bounds.terms, Terms::Window(_)) {
                world = window::reduce(layout, &mut states, &world);
            }
        }
        if self.symmetry {
            world = symmetry::reduce(layout, &states, &world);
        }
        world
    }
}
