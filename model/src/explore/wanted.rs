//! States that one may want to see, and a shortest way to each.

use super::codes::Code;
use super::setting::Setting;
use super::shortest::shortest;
use super::walk::Walker;
use crate::election::{Role, State};
use crate::run::World;
use crate::types::{ServerId, Term};

/// How many worlds are looked at.
pub const MOST: usize = 200_000;

/// A state that one may want to see.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a sentence without its end.
    pub says: &'static str,
    /// Whether there can be one only behind guards.
    pub guarded: bool,
    is_it: fn(&World) -> bool,
}

const fn wanted(name: &'static str, says: &'static str, is_it: fn(&World) -> bool) -> Wanted {
    Wanted { name, says, guarded: false, is_it }
}

const fn guarded(name: &'static str, says: &'static str, is_it: fn(&World) -> bool) -> Wanted {
    Wanted { guarded: true, ..wanted(name, says, is_it) }
}

/// All of them.
pub const WANTED: &[Wanted] = &[
    wanted("a leader", "somebody was elected", |world| leaders(world).count() > 0),
    wanted("everybody follows", "one leads, and all others follow in its term", everybody_follows),
    wanted("two candidates", "two stand in the same term", two_candidates),
    wanted("a split vote", "everybody has voted in a term, and nobody has a quorum", split_vote),
    wanted("an old leader", "one leads, and another one leads in a later term", |world| {
        leaders(world).count() > 1
    }),
    wanted("a leader nobody follows", "all others have gone on to later terms", nobody_follows),
    wanted("a candidate too late", "one stands in a term that the others have left", too_late),
    guarded(
        "two pre-candidates",
        "two ask at the same time whether they would be elected",
        |world| roles(world, |role| matches!(role, Role::PreCandidate { .. })) > 1,
    ),
    guarded("a lease", "a leader may act on its leadership", |world| leases(world).count() > 0),
    guarded(
        "a lease after office",
        "the lease of a server goes on that does not lead any more",
        |world| leases(world).any(|id| !world.state(id).role.is_leader()),
    ),
    guarded("a leader without answer", "a leader has asked, and no quorum has answered", |world| {
        roles(world, |role| matches!(role, Role::Leader { beats, .. } if beats.number() > 0)) > 0
    }),
    guarded(
        "nobody in contact",
        "everybody has heard no leader for an election timeout",
        |world| roles(world, |role| role == Role::FOLLOWER) == world.servers.len(),
    ),
];

impl Wanted {
    /// That of this name.
    pub fn named(name: &str) -> Option<Self> {
        WANTED.iter().find(|wanted| wanted.name == name).copied()
    }

    /// A shortest way there; nothing, if there is none among [`MOST`] worlds.
    pub fn find(
        self,
        setting: &Setting,
        is_stopped: impl FnMut(usize) -> bool,
    ) -> Option<Vec<Code>> {
        let walker = Walker::new(setting);
        let next = |world: &World| {
            let successors = walker.model().successors(world).into_iter();
            successors.map(|(a_move, after)| (Code::of(world, &a_move), after)).collect()
        };
        shortest(setting.initial(), MOST, is_stopped, next, |_, _, after| (self.is_it)(after))
    }
}

fn leaders(world: &World) -> impl Iterator<Item = &State> {
    world.servers.iter().filter(|state| state.role.is_leader())
}

fn leases(world: &World) -> impl Iterator<Item = ServerId> {
    world.states().map(|(id, _)| id).filter(|id| world.leases[id.index()].valid.is_some())
}

fn roles(world: &World, is_it: impl Fn(Role) -> bool) -> usize {
    world.servers.iter().filter(|state| is_it(state.role)).count()
}

fn terms(world: &World) -> impl Iterator<Item = Term> {
    world.servers.iter().map(|state| state.ballot.current_term)
}

fn candidates(world: &World) -> impl Iterator<Item = Term> {
    let stands = |state: &&State| matches!(state.role, Role::Candidate { .. });
    world.servers.iter().filter(stands).map(|state| state.ballot.current_term)
}

fn everybody_follows(world: &World) -> bool {
    let is_at_home = |leader: &State| {
        let same_term = |state: &State| state.ballot.current_term == leader.ballot.current_term;
        let follows = |state: &State| matches!(state.role, Role::Follower { .. });
        let others = world.servers.iter().filter(|state| !state.role.is_leader());
        world.servers.iter().all(same_term) && others.clone().all(follows)
    };
    let heard = world.servers.len() < 2
        || world
            .sent
            .iter()
            .any(|e| matches!(e.message, crate::message::Message::AppendEntries { .. }));
    heard && leaders(world).count() == 1 && leaders(world).all(is_at_home)
}

fn two_candidates(world: &World) -> bool {
    candidates(world).any(|term| candidates(world).filter(|&other| other == term).count() > 1)
}

fn split_vote(world: &World) -> bool {
    let term = terms(world).max();
    let has_voted =
        |state: &State| Some(state.ballot.current_term) == term && state.ballot.voted_for.is_some();
    let votes = |id: ServerId| {
        world.servers.iter().filter(|state| state.ballot.voted_for == Some(id)).count()
    };
    world.servers.iter().all(has_voted)
        && world.states().all(|(id, _)| 2 * votes(id) <= world.servers.len())
}

fn nobody_follows(world: &World) -> bool {
    leaders(world).any(|leader| {
        terms(world).filter(|&term| term > leader.ballot.current_term).count() + 1
            == world.servers.len()
    })
}

fn too_late(world: &World) -> bool {
    world.servers.len() > 1
        && candidates(world)
            .any(|of| terms(world).filter(|&term| term > of).count() + 1 == world.servers.len())
}
