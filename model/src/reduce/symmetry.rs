//! Server symmetry: servers differ only in their names, so worlds that are equal but for the names
//! behave alike, and one of them stands for all.
//!
//! The one that stands for all is the least among those in which the servers are sorted by their
//! [`signature`]: what can be said of a server without naming one. Servers of equal signature are
//! tried in every order, so the form is exact; the signature only keeps these orders few.

use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::packed::{Layout, Packed, States, mix};
use crate::types::{ServerId, ServerSet};

const MAX: usize = Cluster::MAX_SIZE as usize;

/// New names for the servers: the new one of each, by its old index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renaming([ServerId; MAX]);

impl Renaming {
    /// The renaming that makes the first of these the first server of the cluster, and so on.
    fn in_order(cluster: Cluster, servers: impl Iterator<Item = ServerId>) -> Self {
        let mut names = [ServerId::FIRST; MAX];
        for (new, old) in cluster.servers().zip(servers) {
            names[old.index()] = new;
        }
        Self(names)
    }

    #[inline]
    fn of(&self, server: ServerId) -> ServerId {
        self.0[server.index()]
    }

    fn of_set(&self, servers: ServerSet) -> ServerSet {
        servers.iter().map(|server| self.of(server)).collect()
    }
}

/// The world with its servers renamed.
pub(super) fn renamed<const W: usize>(
    layout: &Layout,
    states: &States,
    world: &Packed<W>,
    names: &Renaming,
) -> Packed<W> {
    let mut renamed = Packed::EMPTY;
    for id in layout.cluster().servers() {
        let State { ballot: Ballot { current_term, voted_for }, role } = states[id.index()];
        let voted_for = voted_for.map(|candidate| names.of(candidate));
        let role = match role {
            Role::Candidate { votes } => Role::Candidate { votes: names.of_set(votes) },
            Role::Follower | Role::Leader => role,
        };
        let state = State { ballot: Ballot { current_term, voted_for }, role };
        layout.set_state(&mut renamed, names.of(id), state);
    }
    for Envelope { from, to, message } in layout.sent(world) {
        let to = to.map(|to| names.of(to));
        layout.send(&mut renamed, Envelope { from: names.of(from), to, message });
    }
    renamed
}

/// The world that stands for all that differ from this one in the names of the servers.
pub(super) fn reduce<const W: usize>(
    layout: &Layout,
    states: &States,
    world: &Packed<W>,
) -> Packed<W> {
    let mut servers: [(u64, ServerId); MAX] = [(u64::MAX, ServerId::FIRST); MAX];
    let size = usize::from(layout.cluster().size());
    let signatures = signatures(layout, states, world);
    for server in layout.cluster().servers() {
        servers[server.index()] = (signatures[server.index()], server);
    }
    servers[..size].sort_unstable();
    let mut least = None;
    in_every_order(&mut servers[..size], 0, &mut |servers| {
        let order = servers.iter().map(|(_, server)| *server);
        let names = Renaming::in_order(layout.cluster(), order);
        let renamed = renamed(layout, states, world, &names);
        least = Some(least.map_or(renamed, |least: Packed<W>| least.min(renamed)));
    });
    least.expect("there is an order")
}

/// Calls `tried` with every order of the servers that keeps the signatures sorted.
fn in_every_order(
    servers: &mut [(u64, ServerId)],
    from: usize,
    tried: &mut impl FnMut(&[(u64, ServerId)]),
) {
    if from == servers.len() {
        return tried(servers);
    }
    let signature = servers[from].0;
    for next in from..servers.len() {
        if servers[next].0 != signature {
            break;
        }
        servers.swap(from, next);
        in_every_order(servers, from + 1, tried);
        servers.swap(from, next);
    }
}

/// What can be said of each server without naming one: first of itself and its messages, then also
/// of the servers that it has to do with.
fn signatures<const W: usize>(layout: &Layout, states: &States, world: &Packed<W>) -> [u64; MAX] {
    let mut own = [0; MAX];
    for id in layout.cluster().servers() {
        let State { ballot, role } = states[id.index()];
        let vote = match ballot.voted_for {
            None => 0,
            Some(candidate) if candidate == id => 1,
            Some(_) => 2,
        };
        let role = match role {
            Role::Follower => 0,
            Role::Leader => 1,
            Role::Candidate { votes } => 2 + u64::from(votes.len()),
        };
        own[id.index()] = mix(ballot.current_term.number() << 8 | vote << 4 | role);
    }
    let mut signatures = own;
    let mut relate = |a: ServerId, b: ServerId, how: u64| {
        signatures[a.index()] =
            signatures[a.index()].wrapping_add(mix(own[b.index()] ^ how.wrapping_mul(0x9e37)));
    };
    for id in layout.cluster().servers() {
        let State { ballot, role } = states[id.index()];
        if let Some(candidate) = ballot.voted_for {
            relate(id, candidate, 1);
            relate(candidate, id, 2);
        }
        if let Role::Candidate { votes } = role {
            for voter in votes.iter() {
                relate(id, voter, 3);
                relate(voter, id, 4);
            }
        }
    }
    for Envelope { from, to, message } in layout.sent(world) {
        let (kind, is_anonymous) = match message {
            Message::RequestVote { .. } => (5, false),
            Message::AppendEntries { .. } => (6, false),
            Message::RequestVoteResponse { vote_granted, .. } => {
                (7 + u64::from(vote_granted), false)
            }
            Message::AppendEntriesResponse { .. } => (9, layout.merges_responses()),
        };
        let how = kind << 16 | message.term().number() << 24;
        match to {
            None => relate(from, from, how),
            Some(to) if is_anonymous => relate(to, to, how),
            Some(to) => {
                relate(from, to, how);
                relate(to, from, how | 1);
            }
        }
    }
    signatures
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet, VecDeque};

    use super::*;
    use crate::reduce::PackedModel;
    use crate::reduce::Reductions;
    use crate::types::Term;
    use crate::world::bounds::{Bounds, Replies, Terms};

    type Model = PackedModel<4>;

    fn bounds(servers: u8, max_term: u64) -> Bounds {
        let cluster = Cluster::new(servers).unwrap();
        Bounds { cluster, terms: Terms::UpTo(Term::new(max_term)), replies: Replies::All }
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
                    assert!(images.iter().all(|image| reduce(
                        layout,
                        &layout.states(image),
                        image
                    ) == form));
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
                        assert_eq!(
                            are_same,
                            alike.contains(&(one, other)),
                            "{one} {other}\n{told}"
                        );
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
            |_, _| (1, None, Role::Follower),
            |_, _| (2, None, Role::Follower),
            |_, _| (0, None, Role::Leader),
            |one, _| (0, Some(one), Role::Follower),
            |_, other| (0, Some(other), Role::Follower),
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
            for message in [Message::RequestVote { term }, Message::AppendEntries { term }] {
                facts.push(Box::new(move |layout, world, from, _| {
                    layout.send(world, Envelope { from, to: None, message });
                }));
            }
            for message in [
                Message::RequestVoteResponse { term, vote_granted: true },
                Message::RequestVoteResponse { term, vote_granted: false },
                Message::AppendEntriesResponse { term },
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
        let layout = Layout::new(Cluster::new(4).unwrap(), 2);
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
}
