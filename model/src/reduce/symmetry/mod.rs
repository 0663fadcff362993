//! Server symmetry: servers differ only in their names, so worlds that are equal but for the names
//! behave alike, and one of them stands for all. Witnesses differ from the others in what they do:
//! the names of witnesses are exchanged among themselves.
//!
//! The one that stands for all is the least among those in which the servers are sorted by their
//! [`signature`]: what can be said of a server without naming one. Servers of equal signature are
//! tried in every order, so the form is exact; the signature only keeps these orders few.

use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::packed::{Layout, Packed, States, mix};
use crate::run::Lease;
use crate::types::{ServerId, ServerSet};

const MAX: usize = Cluster::MAX_SIZE as usize;

/// New names for the servers: the new one of each, by its old index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renaming([ServerId; MAX]);

impl Renaming {
    /// The renaming that makes the first of these the first server of the cluster, and so on: first
    /// those that are no witnesses, and then the witnesses, as they are given.
    fn in_order(cluster: Cluster, servers: impl Iterator<Item = ServerId>) -> Self {
        let mut names = [ServerId::FIRST; MAX];
        let of =
            |is_witness| cluster.servers().filter(move |&id| cluster.is_witness(id) == is_witness);
        for (new, old) in of(false).chain(of(true)).zip(servers) {
            names[old.index()] = new;
        }
        Self(names)
    }

    /// The new name of a server.
    #[inline]
    pub(super) fn of(&self, server: ServerId) -> ServerId {
        self.0[server.index()]
    }

    fn of_set(&self, servers: ServerSet) -> ServerSet {
        servers.iter().map(|server| self.of(server)).collect()
    }
}

/// All new names that there are.
#[cfg(test)]
pub(super) fn every_renaming(cluster: Cluster) -> Vec<Renaming> {
    let mut servers: Vec<_> = cluster.servers().map(|server| (0, server)).collect();
    let mut every = Vec::new();
    in_every_order(&mut servers, 0, &mut |servers| {
        every.push(Renaming::in_order(cluster, servers.iter().map(|(_, server)| *server)));
    });
    every
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
            Role::PreCandidate { attempt, votes } => {
                Role::PreCandidate { attempt, votes: names.of_set(votes) }
            }
            Role::Leader { round, answered, beats } => {
                Role::Leader { round, answered: names.of_set(answered), beats }
            }
            Role::Returning { heard, newest } => {
                Role::Returning { heard: names.of_set(heard), newest }
            }
            Role::Follower { .. } => role,
        };
        let state = State { ballot: Ballot { current_term, voted_for }, role };
        layout.set_state(&mut renamed, names.of(id), state);
    }
    if layout.has_leases() {
        let mut leases = [Lease::NONE; MAX];
        for id in layout.cluster().servers() {
            let Lease { open, valid } = layout.lease(world, id);
            let of = |since: Option<ServerSet>| since.map(|since| names.of_set(since));
            leases[names.of(id).index()] = Lease { open: of(open), valid: of(valid) };
        }
        layout.set_leases(&mut renamed, &leases);
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
    let mut servers = [((false, u64::MAX), ServerId::FIRST); MAX];
    let cluster = layout.cluster();
    let size = usize::from(cluster.size());
    let signatures = signatures(layout, states, world);
    for server in cluster.servers() {
        let signature = (cluster.is_witness(server), signatures[server.index()]);
        servers[server.index()] = (signature, server);
    }
    servers[..size].sort_unstable();
    let mut least = None;
    in_every_order(&mut servers[..size], 0, &mut |servers| {
        let order = servers.iter().map(|(_, server)| *server);
        let names = Renaming::in_order(cluster, order);
        let renamed = renamed(layout, states, world, &names);
        least = Some(least.map_or(renamed, |least: Packed<W>| least.min(renamed)));
    });
    least.expect("there is an order")
}

/// Calls `tried` with every order of the servers that keeps the signatures sorted.
fn in_every_order<S: Copy + PartialEq>(
    servers: &mut [(S, ServerId)],
    from: usize,
    tried: &mut impl FnMut(&[(S, ServerId)]),
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

/// Whose votes or answers a server has counted.
const fn counted(role: Role) -> ServerSet {
    match role {
        Role::Follower { .. } => ServerSet::EMPTY,
        Role::PreCandidate { votes, .. } | Role::Candidate { votes } => votes,
        Role::Leader { answered, .. } => answered,
        Role::Returning { heard, .. } => heard,
    }
}

/// What can be said of each server alone, without naming one.
#[inline]
fn own<const W: usize>(layout: &Layout, states: &States, world: &Packed<W>) -> [u64; MAX] {
    let mut own = [0; MAX];
    for id in layout.cluster().servers() {
        let State { ballot, role } = states[id.index()];
        let vote = match ballot.voted_for {
            None => 0,
            Some(candidate) if candidate == id => 1,
            Some(_) => 2,
        };
        let role = match role {
            Role::Follower { contact: false } => 0,
            Role::Leader { answered, beats, .. } => {
                1 + (u64::from(answered.len()) << 16) + (u64::from(beats.number()) << 20)
            }
            Role::Candidate { votes } => 2 + u64::from(votes.len()),
            Role::PreCandidate { votes, .. } => 2 + u64::from(votes.len()) + (1 << 24),
            Role::Follower { contact: true } => 1 << 25,
            Role::Returning { heard, newest } => {
                2 + u64::from(heard.len()) + (1 << 26) + (newest.number() << 28)
            }
        };
        own[id.index()] = mix(ballot.current_term.number() << 32 ^ vote << 4 ^ role);
    }
    if layout.has_leases() {
        for id in layout.cluster().servers() {
            let Lease { open, valid } = layout.lease(world, id);
            let about = |since: Option<ServerSet>| since.map_or(0, |since| 1 + since.len());
            own[id.index()] = mix(own[id.index()] ^ u64::from(about(open) << 8 | about(valid)));
        }
    }
    own
}

/// What can be said of each server without naming one: of itself, its messages, and the servers
/// that it has to do with.
fn signatures<const W: usize>(layout: &Layout, states: &States, world: &Packed<W>) -> [u64; MAX] {
    let own = own(layout, states, world);
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
        for voter in counted(role).iter() {
            relate(id, voter, 3);
            relate(voter, id, 4);
        }
    }
    for Envelope { from, to, message } in layout.sent(world) {
        let merges = layout.merges_responses();
        let (kind, is_anonymous) = match message {
            Message::RequestVote { hand_over: false, .. } => (5, false),
            Message::AppendEntries { round, .. } => (6 + (round.number() << 8), false),
            Message::RequestVoteResponse { vote_granted, .. } => {
                (7 + u64::from(vote_granted), false)
            }
            Message::AppendEntriesResponse { round: None, .. } => (9, merges),
            Message::AppendEntriesResponse { round: Some(round), .. } => {
                (10 + (round.number() << 8), false)
            }
            Message::RequestVote { hand_over: true, .. } => (11, false),
            Message::PreVote { attempt, .. } => (12 + (attempt.number() << 8), false),
            Message::PreVoteResponse { vote_granted, attempt, .. } => {
                (13 + u64::from(vote_granted) + (attempt.number() << 8), false)
            }
            Message::HandOver { .. } => (15, merges),
        };
        let how = kind << 16 ^ message.term().number() << 40;
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
mod tests;
