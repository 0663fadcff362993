//! Exact reductions: of worlds that behave alike, one stands for all.
//!
//! Each is a function from worlds to worlds that keeps what a world can do: what the reduced world
//! can reach in a step is, reduced, what the world itself can reach (a bisimulation). The argument
//! stands with each of them; [`bisimulation`] tests it mechanically, at as many worlds as it is
//! given. The arguments are about the specification: a mutant is searched for violations of
//! safety, and counted, without reductions. For liveness mutants are reduced too, and each run
//! that fails is replayed in the direct model.

mod bisimulation;
mod messages;
mod model;
mod relative;
mod symmetry;
#[cfg(test)]
mod tests;
mod window;

pub use bisimulation::{Difference, bisimulation, bisimulation_by};
pub use model::{PackedModel, Reduce};

use crate::packed::{Layout, Packed};
use crate::world::bounds::{Bounds, Terms};
use messages::LastTerm;

/// Which reductions are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reductions {
    /// Dead messages are left out, stale requests clamped, newer responses merged. Then, in a
    /// window of terms ([`Terms::Window`]), terms are counted from the lowest one.
    pub messages: bool,
    /// Worlds that differ in the names of servers are one.
    pub symmetry: bool,
    /// Any server may come to know of any term that another has reached, whether or not somebody
    /// told it: see [`Reductions::FREE_NEWS`].
    pub free_news: bool,
}

impl Reductions {
    /// No reduction.
    pub const NONE: Self = Self { messages: false, symmetry: false, free_news: false };

    /// All but that of names, where it matters who is who.
    pub const MESSAGES: Self = Self { messages: true, ..Self::NONE };

    /// All reductions.
    pub const EXACT: Self = Self { messages: true, symmetry: true, free_news: false };

    /// All reductions, and more than can happen, in fewer worlds: refusals, and requests that can
    /// only be refused, need not be kept where every server may hear of a newer term anyway. What
    /// holds here holds; what breaks here need not break in truth.
    ///
    /// By check-quorum this also covers both guards. What only pre-vote has forbids: a server that
    /// is not in contact may campaign here whenever its timer fires, whether or not anybody would
    /// vote for it. And what a refused pre-vote tells is news.
    pub const FREE_NEWS: Self = Self { free_news: true, ..Self::EXACT };

    /// The world that stands for this one.
    pub fn reduce<const W: usize>(
        self,
        bounds: &Bounds,
        layout: &Layout,
        world: &Packed<W>,
    ) -> Packed<W> {
        let (mut world, mut states) = (*world, layout.states(world));
        if self.messages {
            world = match bounds.terms {
                Terms::UpTo(last) => {
                    let last = LastTerm::Is(last);
                    messages::reduce(layout, self.free_news, last, &mut states, &world)
                }
                Terms::Window(_) => {
                    let rest = messages::reduce(
                        layout,
                        self.free_news,
                        LastTerm::None,
                        &mut states,
                        &world,
                    );
                    window::reduce(layout, &mut states, &rest)
                }
            };
        }
        if self.symmetry {
            world = symmetry::reduce(layout, &states, &world);
        }
        world
    }
}
