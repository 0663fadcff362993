//! The term window: terms are counted from the lowest term of a server, which becomes 1.
//!
//! The specification only compares terms and goes on to the next, so that a world with all its
//! terms moved by the same number does the same. What remains after [`messages`](super::messages)
//! is of no lower term than the lowest server's, but for clamped requests, whose term 0 stands for
//! "older than every server" and stays.

use crate::action::Envelope;
use crate::packed::{Layout, Packed, States};
use crate::types::{ServerId, Term};

/// The world, and the states of its servers, with terms moved down so that the lowest server is in
/// term 1; in term 0 if it has never left it.
pub(super) fn reduce<const W: usize>(
    layout: &Layout,
    states: &mut States,
    world: &Packed<W>,
) -> Packed<W> {
    let term_of = |id: ServerId| states[id.index()].ballot.current_term.number();
    let lowest = layout.cluster().servers().map(term_of).min().unwrap_or(0);
    if lowest < 2 {
        return *world;
    }
    let moved = |term: Term| match term.number() {
        0 => Term::ZERO,
        number => Term::new(number - (lowest - 1)),
    };
    let mut reduced = layout.without_sent(world);
    for id in layout.cluster().servers() {
        let state = &mut states[id.index()];
        state.ballot.current_term = moved(state.ballot.current_term);
        layout.set_state(&mut reduced, id, *state);
    }
    for envelope in layout.sent(world) {
        let message = envelope.message.with_term(moved(envelope.message.term()));
        layout.send(&mut reduced, Envelope { message, ..envelope });
    }
    reduced
}
