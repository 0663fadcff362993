//! The two forms of the invariant say the same of every world, and both hold in those that can be
//! reached.

use std::collections::{BTreeMap, HashSet};

use super::super::invariant::{Conjunct, INVARIANT, SAFETY, loses_disk};
use super::laws::quorums;
use super::meaning::{Formula, Structure, Value};
use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::types::{Round, ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::{World, WorldModel};

impl Structure for World {
    fn all_of(&self, sort: &str) -> Vec<Value> {
        match sort {
            "Server" => self.cluster().servers().map(|server| server.number().into()).collect(),
            "Term" => (0..=4).collect(),
            "Quorum" => quorums(self.cluster()),
            _ => panic!("{sort} is no sort"),
        }
    }

    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        let server = |number: Value| ServerId::new(u8::try_from(number).unwrap()).unwrap();
        let state = |number: Value| self.state(server(number));
        let stored = |number: Value| self.stored[server(number).index()];
        let sent = |from: Value, to: Option<Value>, message| {
            self.sent.contains(&Envelope { from: server(from), to: to.map(server), message })
        };
        let is = match (name, arguments) {
            ("current_term", &[s]) => return Some(state(s).ballot.current_term.number()),
            ("stored_term", &[s]) => return Some(stored(s).current_term.number()),
            ("voted_for", &[s, c]) => state(s).ballot.voted_for == Some(server(c)),
            ("stored_vote", &[s, c]) => stored(s).voted_for == Some(server(c)),
            ("candidate", &[s]) => matches!(state(s).role, Role::Candidate { .. }),
            ("leader", &[s]) => state(s).role.is_leader(),
            ("votes", &[s, c]) => match state(s).role {
                Role::Candidate { votes } => votes.contains(server(c)),
                _ => false,
            },
            ("returning", &[s]) => state(s).role.is_returning(),
            ("heard", &[s, c]) => match state(s).role {
                Role::Returning { heard, .. } => heard.contains(server(c)),
                _ => false,
            },
            ("newest", &[s]) => match state(s).role {
                Role::Returning { newest, .. } => return Some(newest.number()),
                _ => return Some(0),
            },
            ("zero", &[]) => return Some(0),
            ("loses_disk", &[s]) => loses_disk(server(s)),
            ("request_vote", &[s, t]) => {
                sent(s, None, Message::RequestVote { term: Term::new(t), hand_over: false })
            }
            ("append_entries", &[s, t]) => {
                sent(s, None, Message::AppendEntries { term: Term::new(t), round: Round::FIRST })
            }
            ("vote_granted", &[s, t, c]) => {
                let term = Term::new(t);
                sent(s, Some(c), Message::RequestVoteResponse { term, vote_granted: true })
            }
            ("older", &[a, b]) => a < b,
            ("member", &[s, quorum]) => {
                ServerSet::from_bits(u8::try_from(quorum).unwrap()).contains(server(s))
            }
            _ => return None,
        };
        Some(is.into())
    }
}

pub(super) fn bounds(servers: u8, max_term: u64, replies: Replies) -> Bounds {
    Bounds::new(Cluster::new(servers).unwrap(), Terms::UpTo(Term::new(max_term)), replies)
}

pub(super) fn reachable(bounds: Bounds) -> HashSet<World> {
    let model = WorldModel::new(bounds);
    let mut seen = HashSet::from([model.initial()]);
    let mut to_visit = vec![model.initial()];
    while let Some(world) = to_visit.pop() {
        for (_, after) in model.successors(&world) {
            if seen.insert(after.clone()) {
                to_visit.push(after);
            }
        }
    }
    seen
}

/// The same, if the second server may lose its disk.
#[test]
fn the_invariant_holds_where_a_disk_is_lost() {
    let loser = ServerId::new(2).unwrap();
    for (servers, max_term, replies) in [(2, 2, Replies::All), (3, 1, Replies::Useful)] {
        let lost_disks = ServerSet::only(loser);
        let reached = reachable(Bounds { lost_disks, ..bounds(servers, max_term, replies) });
        assert!(reached.iter().any(|world| world.state(loser).role.is_returning()));
        for world in &reached {
            for conjunct in conjuncts() {
                assert!((conjunct.holds)(world), "{} in {world:?}", conjunct.name);
            }
        }
    }
}

fn conjuncts() -> impl Iterator<Item = &'static Conjunct> {
    INVARIANT.iter().chain(&SAFETY)
}

#[test]
fn the_invariant_holds_in_every_reachable_world() {
    for (servers, max_term, replies, worlds) in [
        (1, 2, Replies::All, 5),
        (2, 2, Replies::All, 901),
        (3, 1, Replies::All, 1425),
        (3, 2, Replies::Useful, 88_277),
    ] {
        let reached = reachable(bounds(servers, max_term, replies));
        assert_eq!(reached.len(), worlds);
        for world in &reached {
            for conjunct in conjuncts() {
                assert!((conjunct.holds)(world), "{} in {world:?}", conjunct.name);
            }
        }
    }
}

/// Worlds that differ from a world in one thing, which may well be impossible.
pub(super) fn changed(world: &World) -> Vec<World> {
    let mut changed = Vec::new();
    let cluster = world.cluster();
    for (server, State { ballot, role }) in world.states() {
        let mut put = |state: State, stored: Ballot| {
            let mut world = world.clone();
            world.servers[server.index()] = state;
            world.stored[server.index()] = stored;
            changed.push(world);
        };
        let stored = world.stored[server.index()];
        for voted_for in cluster.servers().map(Some).chain([None]) {
            let ballot = Ballot { voted_for, ..*ballot };
            put(State { ballot, role: *role }, stored);
            put(State { ballot, role: *role }, ballot);
        }
        for current_term in [0, 1, 2, 3].map(Term::new) {
            let ballot = Ballot { current_term, ..*ballot };
            put(State { ballot, role: *role }, stored);
            put(State { ballot, role: *role }, ballot);
        }
        let everybody: ServerSet = cluster.servers().collect();
        for role in [Role::FOLLOWER, Role::Candidate { votes: everybody }, Role::LEADER] {
            put(State { ballot: *ballot, role }, stored);
        }
        for (heard, newest) in [(everybody, 0), (everybody, 1), (ServerSet::only(server), 0)] {
            let role = Role::Returning { heard, newest: Term::new(newest) };
            put(State { ballot: *ballot, role }, stored);
            put(State { ballot: Ballot::INITIAL, role }, Ballot::INITIAL);
        }
    }
    for from in cluster.servers() {
        for term in [0, 1, 2, 3].map(Term::new) {
            let granted = Message::RequestVoteResponse { term, vote_granted: true };
            let requests = [
                Message::RequestVote { term, hand_over: false },
                Message::AppendEntries { term, round: Round::FIRST },
            ];
            let requests = requests.map(|message| Envelope { from, to: None, message });
            let others = cluster.others(from);
            let granted = others.map(|to| Envelope { from, to: Some(to), message: granted });
            for envelope in requests.into_iter().chain(granted) {
                let mut world = world.clone();
                world.sent.insert(envelope);
                changed.push(world);
            }
        }
    }
    changed
}

#[test]
fn formulas_and_predicates_say_the_same() {
    let formulas: Vec<_> = conjuncts().map(|c| (c, Formula::read(c.formula))).collect();
    let mut seen: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for (servers, max_term) in [(2, 2), (3, 1)] {
        let mut worlds: Vec<_> =
            reachable(bounds(servers, max_term, Replies::Useful)).into_iter().collect();
        // In an order that does not change, a part of them.
        worlds.sort_by_key(|world| format!("{world:?}"));
        for world in worlds.iter().step_by(17) {
            for world in changed(world) {
                for (conjunct, formula) in &formulas {
                    let is_so = (conjunct.holds)(&world);
                    let name = conjunct.name;
                    assert_eq!(formula.holds(&world), is_so, "{name} in {world:?}");
                    seen.entry(name).or_default()[usize::from(is_so)] = true;
                }
            }
        }
    }
    for (name, seen) in seen {
        // In Rust there is no ballot with two votes.
        let expected = if name == "VotedForUnique" { [false, true] } else { [true, true] };
        assert_eq!(seen, expected, "{name} was not seen both false and true");
    }
}
