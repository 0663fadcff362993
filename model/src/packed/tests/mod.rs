//! Packed worlds are worlds, and do what worlds do: tried on every world of small graphs, and on
//! the parts of large ones.

mod room;

use std::collections::{BTreeSet, HashSet};

use super::{Layout, Packed, PackedView, StepCache, mix};
use crate::action::{Action, Envelope};
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, Server, State, Step};
use crate::message::Message;
use crate::types::{Round, ServerId, Term};
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::properties::View;
use crate::world::{Handlers, World, WorldModel};

/// Enough words for every layout of these tests.
const W: usize = 24;

fn bounds(servers: u8, last_term: u8) -> Bounds {
    let terms = Terms::UpTo(Term::new(last_term.into()));
    Bounds::new(Cluster::new(servers).unwrap(), terms, Replies::All)
}

/// Every world that can be reached within bounds, and what can happen there.
fn reachable(bounds: Bounds) -> Vec<(World, HashSet<(Action, World)>)> {
    let model = WorldModel::new(bounds);
    let mut seen = HashSet::from([model.initial()]);
    let mut todo = vec![model.initial()];
    let mut reached = Vec::new();
    while let Some(world) = todo.pop() {
        let successors = model.successors(&world);
        let new = successors.iter().map(|(_, after)| after);
        todo.extend(new.filter(|&after| seen.insert(after.clone())).cloned());
        let successors = successors.into_iter().map(|(a_move, after)| (a_move.action, after));
        reached.push((world, successors.collect()));
    }
    reached
}

/// Small graphs: a lone server, two that send every kind of message, three in one term.
fn graphs() -> impl Iterator<Item = (Layout, Bounds)> {
    let sizes = [(1, 2), (2, 2), (3, 1)].into_iter();
    sizes.map(|(servers, last_term)| {
        let bounds = bounds(servers, last_term);
        (Layout::new(&bounds, last_term), bounds)
    })
}

/// Layouts of every shape: of one word and of many, with and without servers in a second word.
fn layouts() -> impl Iterator<Item = Layout> {
    let sizes = [(1, 1), (2, 3), (3, 2), (5, 3), (7, 9)].into_iter();
    sizes.flat_map(|(servers, last_term)| {
        let bounds = bounds(servers, last_term);
        [Layout::new(&bounds, last_term), Layout::merging(&bounds, last_term)]
    })
}

#[test]
fn a_packed_world_is_read_as_the_world_that_it_is() {
    for (layout, bounds) in graphs() {
        for (world, _) in reachable(bounds) {
            assert_eq!(layout.unpack(&layout.pack::<W>(&world)), world);
        }
    }
}

#[test]
fn the_properties_see_of_a_packed_world_what_they_see_of_the_world() {
    for (layout, bounds) in graphs() {
        for (world, successors) in reachable(bounds) {
            let packed = layout.pack::<W>(&world);
            let view = PackedView(&layout, &packed);
            assert_eq!(view.cluster(), world.cluster());
            for (id, &state) in world.states() {
                assert_eq!((view.state(id), view.stored(id)), (state, state.ballot), "{world}");
            }
            assert_eq!(view.sent().collect::<BTreeSet<_>>(), world.sent);
            for (_, after) in successors {
                let packed = layout.pack::<W>(&after);
                let sent: Vec<_> = PackedView(&layout, &packed).sent_since(&view).collect();
                assert_eq!(sent, after.sent_since(&world).collect::<Vec<_>>(), "{after}");
            }
        }
    }
}

/// What is kept of steps, as a model asks for it: a timer that the bounds hold does not fire.
fn successors(
    layout: &Layout,
    steps: &StepCache<W>,
    bounds: &Bounds,
    world: &World,
) -> HashSet<(Action, World)> {
    let packed = layout.pack::<W>(world);
    let terms = || world.servers.iter().map(|state| state.ballot.current_term);
    let mut found = HashSet::new();
    for (id, state) in world.states() {
        let may = |event| bounds.allow(state, event, terms());
        let steps = steps.of(&packed, id, layout, bounds, Handlers::RAFT).steps.iter();
        for step in steps.filter(|step| step.own_event().is_none_or(may)) {
            assert_eq!(step.a_move.server, id);
            assert_eq!(step.own_event().is_some(), step.a_move.action == Action::Timeout);
            let after = step.after(layout, &packed);
            let after = after.map(|after| (step.a_move.action, layout.unpack(&after)));
            found.extend(after);
        }
    }
    found
}

/// The same by what comes of steps, and how many steps that is.
fn changes(
    layout: &Layout,
    steps: &StepCache<W>,
    bounds: &Bounds,
    world: &World,
) -> (HashSet<(Action, World)>, usize) {
    let packed = layout.pack::<W>(world);
    let (mut found, mut all) = (HashSet::new(), 0);
    for id in layout.cluster().servers() {
        for change in &steps.of(&packed, id, layout, bounds, Handlers::RAFT).changes {
            let (after, ways) = (change.after(layout, &packed), change.ways(&packed));
            if ways > 0 && after != packed {
                assert_eq!((change.server(), change.asks), (id, None));
                found.insert((change.action(), layout.unpack(&after)));
                all += ways;
            }
        }
    }
    (found, all)
}

#[test]
fn a_packed_world_does_what_the_world_does() {
    for (layout, bounds) in graphs() {
        let steps = StepCache::new(&layout);
        for (world, expected) in reachable(bounds) {
            assert_eq!(successors(&layout, &steps, &bounds, &world), expected, "{world}");
            let all = WorldModel::new(bounds).successors(&world).len();
            assert_eq!(changes(&layout, &steps, &bounds, &world), (expected, all), "{world}");
        }
    }
}

/// Tries all that two servers do of which the first is in term 1, by handlers that may be wrong.
fn try_steps_in_term_1(room: u8, handlers: Handlers) {
    let bounds = bounds(2, room);
    let layout = Layout::new(&bounds, room);
    let ballot = Ballot { current_term: Term::new(1), voted_for: None };
    let mut world = Packed::<W>::EMPTY;
    layout.set_state(&mut world, ServerId::FIRST, State { ballot, role: Role::FOLLOWER });
    let steps = StepCache::new(&layout);
    for step in &steps.of(&world, ServerId::FIRST, &layout, &bounds, handlers).steps {
        let _ = step.after(&layout, &world);
    }
}

#[test]
#[should_panic(expected = "left the bounds")]
fn a_step_to_a_term_without_room_leads_to_no_packed_world() {
    try_steps_in_term_1(1, Handlers::RAFT);
}

#[test]
#[should_panic(expected = "forgot to persist")]
fn a_step_that_forgets_a_new_ballot_leads_to_no_packed_world() {
    let step = |server: &Server, state, event| Step { persist: false, ..server.step(state, event) };
    try_steps_in_term_1(2, Handlers { step, ..Handlers::RAFT });
}

/// A state with a bit in each of its fields.
fn full(layout: &Layout) -> State {
    let last = layout.cluster().servers().last();
    let votes = layout.cluster().servers().collect();
    let ballot = Ballot { current_term: layout.room(), voted_for: last };
    State { ballot, role: Role::Candidate { votes } }
}

/// Every server in that state, and no messages.
fn all_full(layout: &Layout) -> Packed<W> {
    let mut world = Packed::EMPTY;
    for id in layout.cluster().servers() {
        layout.set_state(&mut world, id, full(layout));
    }
    world
}

#[test]
fn each_server_has_bits_of_its_own() {
    for layout in layouts() {
        let (blank, full) = (layout.state(&Packed::<W>::EMPTY, ServerId::FIRST), full(&layout));
        for id in layout.cluster().servers() {
            let mut world = Packed::<W>::EMPTY;
            layout.set_state(&mut world, id, full);
            for other in layout.cluster().servers() {
                let expected = if other == id { full } else { blank };
                assert_eq!(layout.state(&world, other), expected, "{other} after {id} was set");
            }
            assert_eq!(layout.sent(&world).next(), None, "nobody has sent anything");
            layout.set_state(&mut world, id, blank);
            assert_eq!(world, Packed::EMPTY, "what {id} was is forgotten");
        }
    }
}

#[test]
fn each_message_has_a_bit_of_its_own() {
    for layout in layouts() {
        let servers = all_full(&layout);
        for (bit, envelope) in layout.messages() {
            assert_eq!(layout.place(envelope), Some(Some(bit)));
            let mut world = servers;
            layout.send(&mut world, envelope);
            assert!(layout.sent(&world).eq([envelope]), "of {envelope}");
            assert_eq!(layout.without_sent(&world), servers, "after {envelope}");
            assert_eq!(layout.keeping(&world, |it| it == envelope), world, "{envelope} is kept");
            assert_eq!(layout.keeping(&world, |it| it != envelope), servers, "without {envelope}");
        }
    }
}

#[test]
fn no_bit_lies_idle() {
    for layout in layouts() {
        let world = all_full(&layout);
        let last = (0..W * 64).rfind(|bit| world.0[bit / 64] >> (bit % 64) & 1 == 1).unwrap();
        let messages = layout.messages().map(|(bit, _)| bit);
        assert!(messages.eq(last + 1..layout.len()), "the last bit of a server is {last}");
        assert!(!layout.is_empty());
    }
}

#[test]
fn there_is_a_message_of_every_kind_from_everybody_to_everybody_in_every_term() {
    for (servers, last_term) in [(1, 1), (2, 3), (5, 3)] {
        let layout = Layout::new(&bounds(servers, last_term), last_term);
        let others = usize::from(servers) - 1;
        let expected = usize::from(servers) * usize::from(last_term) * (2 + 3 * others);
        let messages: HashSet<_> = layout.messages().map(|(_, envelope)| envelope).collect();
        assert_eq!(messages.len(), expected, "{servers} servers, {last_term} terms");
        for envelope in messages {
            for beyond in last_term + 1..last_term + 4 {
                let message = envelope.message.with_term(Term::new(beyond.into()));
                let bit = layout.place(Envelope { message, ..envelope });
                assert_eq!(bit, None, "there is no term {beyond}");
            }
        }
    }
}

#[test]
fn what_nobody_sends_has_no_bit() {
    for layout in layouts() {
        for from in layout.cluster().servers() {
            for term in (0..=layout.room().number()).map(Term::new) {
                for message in [
                    Message::RequestVote { term, hand_over: false },
                    Message::AppendEntries { term, round: Round::FIRST },
                ] {
                    for to in layout.cluster().servers().map(Some) {
                        let bit = layout.place(Envelope { from, to, message });
                        assert_eq!(bit, None, "a request goes to everybody, not to {to:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn responses_that_are_merged_are_one() {
    for (servers, last_term) in [(2, 3), (3, 2), (7, 1)] {
        let bounds = bounds(servers, last_term);
        let (cluster, layout) = (bounds.cluster, Layout::merging(&bounds, last_term));
        assert!(layout.merges_responses() && !Layout::new(&bounds, last_term).merges_responses());
        for to in cluster.servers() {
            for term in (1..=last_term.into()).map(Term::new) {
                let response = Message::AppendEntriesResponse { term, round: None };
                let refusal = Message::RequestVoteResponse { term, vote_granted: false };
                let mut world = Packed::<W>::EMPTY;
                for from in cluster.others(to) {
                    for message in [response, refusal] {
                        layout.send(&mut world, Envelope { from, to: Some(to), message });
                    }
                }
                let from = cluster.others(to).next().unwrap();
                assert!(layout.sent(&world).eq([Envelope {
                    from,
                    to: Some(to),
                    message: response
                }]));
            }
        }
    }
}

/// The first numbers of splitmix64 from 0, as its authors give them.
#[test]
fn numbers_are_mixed_the_same_way_everywhere() {
    let steps = (0..3_u64).map(|step| step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let expected = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
    assert!(steps.map(mix).eq(expected));
}

#[test]
fn a_fingerprint_is_made_of_every_bit() {
    let fingerprints = (0..128).map(|bit| {
        let mut world = Packed::<2>::EMPTY;
        world.0[bit / 64] = 1 << (bit % 64);
        world.fingerprint()
    });
    let mut fingerprints: HashSet<_> = fingerprints.collect();
    assert!(fingerprints.insert(Packed::<2>::EMPTY.fingerprint()));
    assert!(fingerprints.insert(Packed([u64::MAX; 2]).fingerprint()));
    assert_eq!(fingerprints.len(), 130);
}
