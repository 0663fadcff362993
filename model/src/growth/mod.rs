//! How large a search becomes, before it is over.
//!
//! A state is reached by many small things that happen, so the states of the levels of a search lie
//! about as a **bell** does: few at first, most in the middle, few at the end ([`Bell`]). Three
//! numbers tell a bell: all its states, its middle, and how wide it is. What is known of them comes
//! from two sides, and [`Guess::given`] weighs it:
//!
//! * **Smaller bounds.** Of the same servers in two smaller ranges of terms, or of fewer servers in
//!   the same terms, the numbers are known in full; their logarithms go on by about as much again.
//! * **The first levels** of the search itself. The later ones count for more: the first grow
//!   faster than a bell does.
//!
//! Each side is believed as far as it was right where the truth is known: `tests/growth.rs` makes
//! estimates of bounds that it then searches in full, and prints both. A search about which nothing
//! else is known is a bell from about its middle on; before that, its end cannot be told from its
//! beginning, and the [`Estimate`] says so by its factor.

mod bell;
mod guess;
#[cfg(test)]
mod tests;

pub use bell::Bell;
pub use guess::{Estimate, Guess};

use std::collections::BTreeMap;

/// A graph that was searched in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The states of each level.
    pub levels: Vec<usize>,
    /// Distinct triples of a state, the name of an action and a successor.
    pub edges: usize,
}

impl Known {
    /// All its states.
    pub fn states(&self) -> usize {
        self.levels.iter().sum()
    }
}

/// Graphs that differ only in how many servers there are, and in the last term.
pub type Family = BTreeMap<(u8, u64), Known>;
