//! One world stands for all that differ in names only, and for no other.

use std::collections::{HashMap, HashSet, VecDeque};

use super::*;
use crate::cluster::Protocol;
use crate::reduce::PackedModel;
use crate::reduce::Reductions;
use crate::types::{Attempt, Beats, Round, Term};
use crate::world::bounds::{Bounds, Limits, Replies, Terms};

type Model = PackedModel<4>;

fn bounds(servers: u8, max_term: u64) -> Bounds {
    let cluster = Cluster::new(servers).unwrap();
    Bounds::new(cluster, Terms::UpTo(Term::new(max_term)), Replies::All)
}

fn reachable(model: &Model) -> HashSet<Packed<4>> {
    let mut reached = HashSet::from([model.initial()]);
    let mut todo = VecDeque::from([model.initial()]);
    while let Some(world) = todo.pop_front() {
        model.for_each_successor(&world, |_, _, after| {
            if reached.insert(after) {
                todo.push_back(after);
            }
        });
    }
    reached
}

/// The world under each of the N! renamings.
fn images(layout: &Layout, world: &Packed<4>) -> HashSet<Packed<4>> {
    let servers: Vec<_> = layout.cluster().servers().map(|server| (0, server)).collect();
    let states = layout.states(world);
    let mut images = HashSet::new();
    in_every_order(&mut servers.clone(), 0, &mut |servers| {
        let order = servers.iter().map(|(_, server)| *server);
        let names = Renaming::in_order(layout.cluster(), order);
        images.insert(renamed(layout, &states, world, &names));
    });
    images
}

/// Worlds that differ in names only have one form, and it is one of them: tried with every
/// renaming of some worlds of each number of images that there is.
#[test]
fn the_form_does_not_depend_on_names() {
    for (bounds, reductions) in [
        (bounds(4, 1), Reductions::NONE),
        (bounds(4, 2), Reductions { messages: true, ..Reductions::NONE }),
        (bounds(5, 1), Reductions { messages: true, ..Reductions::NONE }),
    ] {
        let model = Model::new(bounds, reductions).unwrap();
        let layout = model.layout();
        let mut tried: HashMap<usize, usize> = HashMap::new();
        for world in reachable(&model) {
            let images = images(layout, &world);
            let tried = tried.entry(images.len()).or_default();
            *tried += 1;
            if *tried <= 200 {
                let form = reduce(layout, &layout.states(&world), &world);
                assert!(images.contains(&form));
                assert!(
                    images.iter().all(|image| reduce(layout, &layout.states(image), image) == form)
                );
            }
        }
        assert!(tried.len() > 3, "worlds of few symmetries only: {tried:?}");
    }
}

/// Every world of the full graph is an image of just one form.
#[test]
fn the_images_of_all_forms_are_all_worlds() {
    for (bounds, reductions) in [
        (bounds(3, 1), Reductions::NONE),
        (bounds(2, 2), Reductions::NONE),
        (bounds(4, 2), Reductions { messages: true, ..Reductions::NONE }),
    ] {
        let full = Model::new(bounds, reductions).unwrap();
        let model = Model::new(bounds, Reductions { symmetry: true, ..reductions }).unwrap();
        let images_of = |world: &Packed<4>| images(model.layout(), world).len();
        let images: usize = reachable(&model).iter().map(images_of).sum();
        assert_eq!(images, reachable(&full).len(), "{bounds:?}");
    }
}

/// The pairs of servers of which one can take the place of the other, if all get the right new
/// names, and the world is the same.
fn alike(layout: &Layout, world: &Packed<4>) -> HashSet<(ServerId, ServerId)> {
    let mut servers: Vec<_> = layout.cluster().servers().map(|server| (0, server)).collect();
    let mut alike = HashSet::new();
    in_every_order(&mut servers, 0, &mut |servers| {
        let order: Vec<_> = servers.iter().map(|&(_, server)| server).collect();
        let names = Renaming::in_order(layout.cluster(), order.iter().copied());
        if renamed(layout, &layout.states(world), world, &names) == *world {
            alike.extend(order.into_iter().zip(layout.cluster().servers()));
        }
    });
    alike
}

/// So few orders have to be tried.
#[test]
fn servers_have_the_same_signature_only_if_one_can_take_the_place_of_the_other() {
    for (bounds, reductions) in [
        (bounds(3, 1), Reductions::NONE),
        (bounds(4, 1), Reductions { messages: true, ..Reductions::NONE }),
        (bounds(3, 2), Reductions { messages: true, ..Reductions::NONE }),
    ] {
        let model = Model::new(bounds, reductions).unwrap();
        let layout = model.layout();
        for world in reachable(&model) {
            let signatures = signatures(layout, &layout.states(&world), &world);
            let alike = alike(layout, &world);
            for one in layout.cluster().servers() {
                for other in layout.cluster().servers() {
                    let are_same = signatures[one.index()] == signatures[other.index()];
                    let told = layout.unpack(&world);
                    assert_eq!(are_same, alike.contains(&(one, other)), "{one} {other}\n{told}");
                }
            }
        }
    }
}

/// Something that can be said of a server, and of another one that it has to do with.
type Fact = Box<dyn Fn(&Layout, &mut Packed<4>, ServerId, ServerId)>;

fn facts() -> Vec<Fact> {
    let mut facts: Vec<Fact> = vec![Box::new(|_, _, _, _| ())];
    let states = [
        |_, _| (1, None, Role::FOLLOWER),
        |_, _| (2, None, Role::FOLLOWER),
        |_, _| (0, None, Role::LEADER),
        |one, _| (0, Some(one), Role::FOLLOWER),
        |_, other| (0, Some(other), Role::FOLLOWER),
        |_, _| (0, None, Role::Candidate { votes: ServerSet::EMPTY }),
        |one, _| (0, None, Role::Candidate { votes: ServerSet::only(one) }),
        |_, other| (0, None, Role::Candidate { votes: ServerSet::only(other) }),
        |one, other| (0, None, Role::Candidate { votes: ServerSet::only(one).with(other) }),
    ];
    for state in states {
        facts.push(Box::new(move |layout, world, one, other| {
            let (term, voted_for, role) = state(one, other);
            let ballot = Ballot { current_term: Term::new(term), voted_for };
            layout.set_state(world, one, State { ballot, role });
        }));
    }
    for term in [1, 2].map(Term::new) {
        for message in [
            Message::RequestVote { term, hand_over: false },
            Message::AppendEntries { term, round: Round::FIRST },
        ] {
            facts.push(Box::new(move |layout, world, from, _| {
                layout.send(world, Envelope { from, to: None, message });
            }));
        }
        for message in [
            Message::RequestVoteResponse { term, vote_granted: true },
            Message::RequestVoteResponse { term, vote_granted: false },
            Message::AppendEntriesResponse { term, round: None },
        ] {
            facts.push(Box::new(move |layout, world, one, other| {
                layout.send(world, Envelope { from: one, to: Some(other), message });
            }));
            facts.push(Box::new(move |layout, world, one, other| {
                layout.send(world, Envelope { from: other, to: Some(one), message });
            }));
        }
    }
    facts
}

/// S1 has to do with S3, and S2 with S4.
#[test]
fn whatever_can_be_said_of_a_server_sets_it_apart() {
    let layout = Layout::new(&bounds(4, 2), 2);
    let servers: Vec<_> = layout.cluster().servers().collect();
    for (number, of_one) in facts().into_iter().enumerate() {
        for (other_number, of_other) in facts().into_iter().enumerate() {
            let mut world = Packed::EMPTY;
            of_one(&layout, &mut world, servers[0], servers[2]);
            of_other(&layout, &mut world, servers[1], servers[3]);
            let signatures = signatures(&layout, &layout.states(&world), &world);
            let are_same = signatures[0] == signatures[1];
            assert_eq!(are_same, number == other_number, "{}", layout.unpack(&world));
        }
    }
}

/// Some of the servers, S1 first.
fn first(many: u8) -> ServerSet {
    (1..=many).map(|number| ServerId::new(number).unwrap()).collect()
}

/// All that a server can be, but for names.
fn roles() -> Vec<Role> {
    let mut roles = vec![Role::Follower { contact: false }, Role::Follower { contact: true }];
    for some in (0..=4).map(first) {
        roles.push(Role::Candidate { votes: some });
        roles.push(Role::PreCandidate { attempt: Attempt::FIRST, votes: some });
        for number in 0..3 {
            let (round, beats) = (Round::FIRST, Beats::new(number));
            roles.push(Role::Leader { round, answered: some, beats });
            let newest = Term::new(number.into());
            roles.push(Role::Returning { heard: some, newest });
        }
    }
    roles
}

#[test]
fn what_a_server_is_sets_it_apart_whatever_the_others_are() {
    let cluster = Cluster::with(4, Protocol::GUARDED).unwrap();
    let limits = Limits { patience: Beats::new(3), leases: true, ..Limits::SMALL };
    let lost_disks = first(4);
    let layout = Layout::merging(&Bounds { cluster, limits, lost_disks, ..bounds(4, 2) }, 2);
    let mut said = HashSet::new();
    let mut say = |state: State, lease: Lease| {
        let mut world = Packed::<24>::EMPTY;
        layout.set_state(&mut world, ServerId::FIRST, state);
        layout.set_leases(&mut world, &[lease, Lease::NONE, Lease::NONE, Lease::NONE]);
        let own = own(&layout, &layout.states(&world), &world)[0];
        assert!(said.insert(own), "{state:?} {lease:?} is taken for another");
    };
    for (term, vote) in (0..3).flat_map(|term| [None, Some(1), Some(2)].map(|vote| (term, vote))) {
        let voted_for = vote.map(|vote| ServerId::new(vote).unwrap());
        let ballot = Ballot { current_term: Term::new(term), voted_for };
        // Whoever returns has no ballot.
        for role in roles().into_iter().filter(|it| !it.is_returning() || ballot == Ballot::INITIAL)
        {
            say(State { ballot, role }, Lease::NONE);
        }
    }
    let state = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
    let since = [None, Some(first(0)), Some(first(1)), Some(first(4))];
    for (open, valid) in since.iter().flat_map(|&open| since.map(|valid| (open, valid))) {
        if (open, valid) != (None, None) {
            say(state, Lease { open, valid });
        }
    }
}
