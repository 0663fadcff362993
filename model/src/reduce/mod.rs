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
}

impl Reductions {
    /// No reduction.
    pub const NONE: Self = Self { messages: false, symmetry: false };

    /// All but that of names, where it matters who is who.
    pub const MESSAGES: Self = Self { messages: true, symmetry: false };

    /// All reductions.
    pub const EXACT: Self = Self { messages: true, symmetry: true };

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
                Terms::UpTo(last) => messages::reduce(layout, LastTerm::Is(last), &states, &world),
                Terms::Window(_) => {
                    let rest = messages::reduce(layout, LastTerm::None, &states, &world);
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
