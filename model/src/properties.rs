//! What must never happen, as named predicates.
//!
//! They are judged on raw worlds. There the set of sent messages remembers the past: a heartbeat
//! says who led a term once, a vote says who was voted for.

use stateright::Property as StaterightProperty;

use crate::election::{Ballot, Role};
use crate::message::Message;
use crate::search::ElectionModel;
use crate::types::{ServerId, ServerSet, Term};
use crate::world::World;

/// A property of safety: it holds in every reachable world, or of every step from one.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// How it is judged.
    pub judge: Judge,
}

/// What a property is judged on.
#[derive(Clone, Copy, Debug)]
pub enum Judge {
    /// On each world.
    World(fn(&World) -> bool),
    /// On each step: the world before it and the world after it.
    Step(fn(&World, &World) -> bool),
}

/// At most one leader a term, ever (§5.2, Figure 3).
pub const ELECTION_SAFETY: Property = Property {
    name: "ElectionSafety",
    says: "no two servers ever lead the same term, at the same time or at different times",
    judge: Judge::World(|world| {
        let leaders: Vec<_> = leaders_ever(world).collect();
        leaders.iter().all(|a| leaders.iter().all(|b| a.0 != b.0 || a.1 == b.1))
    }),
};

/// A server has one vote a term (§5.2).
pub const VOTE_ONCE_PER_TERM: Property = Property {
    name: "VoteOncePerTerm",
    says: "no server ever grants two candidates its vote in one term",
    judge: Judge::World(|world| {
        let votes: Vec<_> = votes_ever(world).collect();
        votes.iter().all(|a| {
            votes
                .iter()
                .all(|b| (a.voter, a.term) != (b.voter, b.term) || a.candidate == b.candidate)
        })
    }),
};

/// Nobody leads on its own authority (§5.2).
pub const LEADER_HAS_QUORUM: Property = Property {
    name: "LeaderHasQuorum",
    says: "who leads was granted its term by a quorum",
    judge: Judge::World(|world| {
        let mut leaders = world.states().filter(|(_, state)| state.role == Role::Leader);
        leaders.all(|(leader, state)| {
            let term = state.ballot.current_term;
            let voters: ServerSet = votes_ever(world)
                .filter(|vote| vote.term == term && vote.candidate == leader)
                .map(|vote| vote.voter)
                .collect();
            world.cluster().is_quorum(voters)
        })
    }),
};

/// Raft's clock does not run backwards (§5.1).
pub const TERM_NEVER_DECREASES: Property = Property {
    name: "TermNeverDecreases",
    says: "the durable term of a server only grows, and so does the term that it acts in",
    judge: Judge::Step(|before, after| {
        let stored =
            |world: &World| world.stored.iter().map(|b| b.current_term).collect::<Vec<_>>();
        let current =
            |world: &World| world.servers.iter().map(|s| s.ballot.current_term).collect::<Vec<_>>();
        let grows =
            |before: Vec<Term>, after: Vec<Term>| before.iter().zip(&after).all(|(b, a)| b <= a);
        grows(stored(before), stored(after)) && grows(current(before), current(after))
    }),
};

/// The properties of safety.
pub const SAFETY: [Property; 4] =
    [ELECTION_SAFETY, VOTE_ONCE_PER_TERM, LEADER_HAS_QUORUM, TERM_NEVER_DECREASES];

/// Who has led which term: those that lead, and those whose first heartbeat left in the step in
/// which they won.
fn leaders_ever(world: &World) -> impl Iterator<Item = (Term, ServerId)> {
    let leading = world
        .states()
        .filter(|(_, state)| state.role == Role::Leader)
        .map(|(server, state)| (state.ballot.current_term, server));
    let have_led = world.sent.iter().filter_map(|envelope| match envelope.message {
        Message::AppendEntries { term } => Some((term, envelope.from)),
        _ => None,
    });
    leading.chain(have_led)
}

/// One vote.
struct Vote {
    voter: ServerId,
    term: Term,
    candidate: ServerId,
}

/// Every vote of which there is evidence: in a ballot, in a granting response, or in the request
/// of a candidate, which has voted for itself.
fn votes_ever(world: &World) -> impl Iterator<Item = Vote> {
    let on_ballot = |(voter, ballot): (ServerId, &Ballot)| {
        let term = ballot.current_term;
        ballot.voted_for.map(|candidate| Vote { voter, term, candidate })
    };
    let remembered =
        world.states().map(|(server, state)| (server, &state.ballot)).filter_map(on_ballot);
    let stored = world.cluster().servers().zip(&world.stored).filter_map(on_ballot);
    let sent = world.sent.iter().filter_map(|envelope| match (envelope.message, envelope.to) {
        (Message::RequestVoteResponse { term, vote_granted: true }, Some(candidate)) => {
            Some(Vote { voter: envelope.from, term, candidate })
        }
        (Message::RequestVote { term }, _) => {
            Some(Vote { voter: envelope.from, term, candidate: envelope.from })
        }
        _ => None,
    });
    remembered.chain(stored).chain(sent)
}

/// The same properties for stateright's own checkers and its Explorer. Stateright judges states
/// only: a property of steps is judged on all steps that leave a state.
pub(crate) fn for_stateright<M: ElectionModel>() -> Vec<StaterightProperty<M>> {
    vec![
        StaterightProperty::always(ELECTION_SAFETY.name, |model, state| {
            holds(&ELECTION_SAFETY, model, state)
        }),
        StaterightProperty::always(VOTE_ONCE_PER_TERM.name, |model, state| {
            holds(&VOTE_ONCE_PER_TERM, model, state)
        }),
        StaterightProperty::always(LEADER_HAS_QUORUM.name, |model, state| {
            holds(&LEADER_HAS_QUORUM, model, state)
        }),
        StaterightProperty::always(TERM_NEVER_DECREASES.name, |model, state| {
            holds(&TERM_NEVER_DECREASES, model, state)
        }),
    ]
}

fn holds<M: ElectionModel>(property: &Property, model: &M, state: &M::State) -> bool {
    let world = model.world(state);
    match property.judge {
        Judge::World(holds) => holds(&world),
        Judge::Step(holds) => {
            model.next_steps(state).iter().all(|(_, after)| holds(&world, &model.world(after)))
        }
    }
}
