//! The proof once more for small clusters, without a solver: every world that satisfies the
//! invariant, reachable or not, everything that can happen, and the step that runs.
//!
//! A step of a server changes nothing but that server and its own messages, and depends on nothing
//! else but the message that arrives. So one server is everything that it can be, it has said
//! everything that it can have said, and the others have given it every vote; what else they are
//! makes no difference, and they are in a term later than all of these.

use std::collections::{BTreeMap, BTreeSet};

use super::super::invariant::INVARIANT;
use crate::action::Envelope;
use crate::action::Trigger;
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Role, State};
use crate::message::Message;
use crate::mutant::{Catch, MUTANTS};
use crate::run::Lease;
use crate::types::{Attempt, Round, ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::properties::Property::LeaseSafety;
use crate::world::{Handlers, World, WorldModel};

const TERMS: [Term; 3] = [Term::new(0), Term::new(1), Term::new(2)];
const LATER: Term = Term::new(3);
const ME: ServerId = ServerId::FIRST;

fn envelope(from: ServerId, to: Option<ServerId>, message: Message) -> Envelope {
    Envelope { from, to, message }
}

fn granted(from: ServerId, term: Term, to: ServerId) -> Envelope {
    envelope(from, Some(to), Message::RequestVoteResponse { term, vote_granted: true })
}

/// All that a server can have said in a term, as far as others remember it.
fn said(cluster: Cluster, term: Term) -> Vec<Vec<Envelope>> {
    let requested = envelope(ME, None, Message::RequestVote { term, hand_over: false });
    let led = envelope(ME, None, Message::AppendEntries { term, round: Round::FIRST });
    let mut all = vec![vec![], vec![requested], vec![led], vec![requested, led]];
    all.extend(cluster.others(ME).map(|candidate| vec![granted(ME, term, candidate)]));
    all
}

/// Every choice of one element from each list, put together.
fn choices(lists: &[Vec<Vec<Envelope>>]) -> Vec<BTreeSet<Envelope>> {
    let mut all = vec![BTreeSet::new()];
    for list in lists {
        all = all
            .iter()
            .flat_map(|chosen| {
                list.iter().map(move |more| chosen.iter().chain(more).copied().collect())
            })
            .collect();
    }
    all
}

/// All states of a server.
fn states(cluster: Cluster) -> Vec<State> {
    let mut states = Vec::new();
    let sets = (0..1 << cluster.size()).map(ServerSet::from_bits);
    let candidates: Vec<_> = sets.map(|votes| Role::Candidate { votes }).collect();
    for current_term in TERMS {
        for voted_for in cluster.servers().map(Some).chain([None]) {
            let ballot = Ballot { current_term, voted_for };
            let roles = [Role::FOLLOWER, Role::LEADER].into_iter().chain(candidates.clone());
            states.extend(roles.map(|role| State { ballot, role }));
        }
    }
    states
}

fn world(cluster: Cluster, state: State, sent: BTreeSet<Envelope>) -> World {
    let other = Ballot { current_term: LATER, voted_for: None };
    let mut servers = vec![State { ballot: other, role: Role::FOLLOWER }; cluster.size().into()];
    servers[ME.index()] = state;
    let stored = servers.iter().map(|state| state.ballot).collect();
    let leases = vec![Lease::NONE; servers.len()];
    World { servers, stored, sent, leases }
}

/// The conjuncts that do not hold.
fn broken(world: &World) -> impl Iterator<Item = &'static str> {
    INVARIANT.iter().filter(|conjunct| !(conjunct.holds)(world)).map(|conjunct| conjunct.name)
}

/// Every world that satisfies the invariant.
fn worlds(cluster: Cluster) -> Vec<World> {
    let own = choices(&TERMS.map(|term| said(cluster, term)));
    let given = |term, voter| vec![vec![], vec![granted(voter, term, ME)]];
    let lists: Vec<_> =
        TERMS.iter().flat_map(|&term| cluster.others(ME).map(move |s| given(term, s))).collect();
    let given = choices(&lists);
    let mut worlds = Vec::new();
    // What others have said can only help those that they gave votes to, and hurts nobody else.
    const NEED_VOTES: [&str; 3] = ["GrantedIsVote", "LeaderWasElected", "HeartbeatElected"];
    for state in states(cluster) {
        for own in &own {
            let alone = world(cluster, state, own.clone());
            if broken(&alone).any(|name| !NEED_VOTES.contains(&name)) {
                continue;
            }
            for given in &given {
                let sent = own.union(given).copied().collect();
                let world = world(cluster, state, sent);
                if broken(&world).next().is_none() {
                    worlds.push(world);
                }
            }
        }
    }
    worlds
}

/// Everything that can happen to the server: each with the world in which it does, to which the
/// message that arrives was added, with the votes that its sender needs.
fn happenings(world: &World) -> Vec<(World, Trigger)> {
    let cluster = world.cluster();
    let mut all = vec![
        (world.clone(), Trigger::Restart),
        (world.clone(), Trigger::Event(Event::Timeout { attempt: Attempt::FIRST })),
    ];
    for from in cluster.others(ME) {
        for term in TERMS {
            let mut receive = |message, sent: &[Envelope]| {
                let mut world = world.clone();
                world.sent.extend(sent);
                if broken(&world).next().is_none() {
                    all.push((world, Trigger::Event(Event::Receive { from, message })));
                }
            };
            let request = Message::RequestVote { term, hand_over: false };
            receive(request, &[envelope(from, None, request)]);
            let heartbeat = Message::AppendEntries { term, round: Round::FIRST };
            let mut sent = vec![envelope(from, None, heartbeat)];
            let voters = cluster.others(from).filter(|&s| s != ME);
            let voters = voters.filter(|&s| !world.sent.contains(&granted(s, term, ME)));
            sent.extend(voters.map(|voter| granted(voter, term, from)));
            receive(heartbeat, &sent);
            receive(Message::RequestVoteResponse { term, vote_granted: false }, &[]);
            receive(Message::AppendEntriesResponse { term, round: None }, &[]);
            if world.sent.contains(&granted(from, term, ME)) {
                receive(Message::RequestVoteResponse { term, vote_granted: true }, &[]);
            }
        }
    }
    all
}

/// How many worlds, how many steps, and which conjuncts were left how often.
fn induction(servers: u8, handlers: Handlers) -> (usize, usize, BTreeMap<&'static str, usize>) {
    let cluster = Cluster::new(servers).unwrap();
    let bounds = Bounds::new(cluster, Terms::UpTo(LATER), Replies::All);
    let model = WorldModel { bounds, handlers };
    let worlds = worlds(cluster);
    let mut steps = 0;
    let mut left = BTreeMap::new();
    for world in &worlds {
        for (before, trigger) in happenings(world) {
            steps += 1;
            let (_, _, after) = model.apply(&before, ME, trigger);
            if after != before {
                for name in broken(&after) {
                    *left.entry(name).or_default() += 1;
                }
            }
        }
    }
    (worlds.len(), steps, left)
}

#[test]
fn no_step_of_two_or_three_servers_leaves_the_invariant() {
    let found = [2, 3].map(|servers| induction(servers, Handlers::RAFT));
    let none = BTreeMap::new;
    assert_eq!(found, [(2_409, 31_763, none()), (55_860, 1_276_800, none())]);
}

#[test]
fn of_two_servers_the_mutants_that_break_safety_leave_it() {
    let mut unseen = Vec::new();
    for mutant in MUTANTS {
        let (_, _, left) = induction(2, mutant.handlers);
        // The invariant of the election knows nothing of leases.
        let is_unsafe = matches!(mutant.caught_by, Catch::Safety(of) if of != LeaseSafety);
        assert!(is_unsafe || left.is_empty(), "{}: {left:?}", mutant.name);
        if is_unsafe && left.is_empty() {
            unseen.push(mutant.name);
        }
    }
    // Two servers need each other's vote: so neither has a rival in a term that the other leads, or
    // a vote too many to count. And these elect as in Figure 2: nobody asks for pre-votes.
    assert_eq!(
        unseen,
        [
            "vote-cleared-on-step-down",
            "duplicate-vote-counted",
            "quorum-of-two",
            "pre-vote-clears-vote",
            "pre-vote-counts-as-vote"
        ]
    );
}
