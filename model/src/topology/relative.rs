//! Terms, rounds and attempts, counted from what matters now.

use crate::election::{Ballot, Role, State};
use crate::packed::States;
use crate::types::{Attempt, Beats, Round, ServerSet, Term};

/// The state, with its open round and its present attempt as the first one, and no heartbeats
/// counted. They are compared for equality only, and nothing older is under way.
pub(super) const fn plain(State { ballot, role }: State) -> State {
    let role = match role {
        Role::Leader { answered, .. } => {
            Role::Leader { round: Round::FIRST, answered, beats: Beats::ZERO }
        }
        Role::PreCandidate { votes, .. } => Role::PreCandidate { attempt: Attempt::FIRST, votes },
        Role::Follower { .. } | Role::Candidate { .. } | Role::Returning { .. } => role,
    };
    State { ballot, role }
}

/// The servers, with the lowest term of some of them as term 0, and none of their terms further
/// than `gap` above the one before.
pub(super) fn relative(servers: &States, of: ServerSet, gap: u64) -> States {
    let mut terms: Vec<Term> =
        of.iter().map(|id| servers[id.index()].ballot.current_term).collect();
    terms.sort_unstable();
    terms.dedup();
    let mut moved = vec![0_u64; terms.len()];
    for place in 1..terms.len() {
        let apart = terms[place].number() - terms[place - 1].number();
        moved[place] = moved[place - 1] + apart.min(gap);
    }
    let mut relative = *servers;
    for id in of.iter() {
        let state = &mut relative[id.index()];
        let place = terms.binary_search(&state.ballot.current_term).expect("one of them");
        let ballot = Ballot { current_term: Term::new(moved[place]), ..state.ballot };
        *state = State { ballot, role: plain(*state).role };
    }
    relative
}
