//! Reductions keep what worlds can do, and leave few of them: tried where every world can be looked
//! at in a moment.

use std::collections::HashSet;

use super::{Difference, PackedModel, Reduce, Reductions, bisimulation};
use crate::action::Envelope;
use crate::cluster::{Cluster, Protocol};
use crate::election::{Ballot, Handlers, Outgoing, Role, Rule, State, Step};
use crate::message::Message;
use crate::packed::{Packed, PackedView};
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};
use crate::world::WorldModel;
use crate::world::bounds::{Bounds, Limits, Replies, Terms};
use crate::world::properties::View;

type Model = PackedModel<4>;

const SYMMETRY: Reductions = Reductions { symmetry: true, ..Reductions::NONE };

fn up_to(servers: u8, last_term: u64) -> Bounds {
    let cluster = Cluster::new(servers).unwrap();
    Bounds::new(cluster, Terms::UpTo(Term::new(last_term)), Replies::All)
}

fn window(servers: u8, size: u64) -> Bounds {
    Bounds { terms: Terms::Window(Term::new(size)), ..up_to(servers, size) }
}

fn of(servers: u8, last_term: u64, protocol: Protocol) -> Bounds {
    let cluster = Cluster::with(servers, protocol).unwrap();
    Bounds { cluster, ..up_to(servers, last_term) }
}

/// Two servers behind these guards, in one term.
fn behind(protocol: Protocol, limits: Limits) -> Bounds {
    Bounds { limits, ..of(2, 1, protocol) }
}

fn asking_twice() -> Bounds {
    behind(Protocol::PRE_VOTE, Limits { attempts: 2, ..Limits::SMALL })
}

fn of_three_rounds() -> Bounds {
    let patience = Beats::new(2);
    behind(Protocol::CHECK_QUORUM, Limits { rounds: 3, patience, leases: true, ..Limits::SMALL })
}

/// Every world that a model can reach.
fn reachable(model: &Model) -> HashSet<Packed<4>> {
    let mut reached = HashSet::from([model.initial()]);
    let mut todo = vec![model.initial()];
    while let Some(world) = todo.pop() {
        model.for_each_successor(&world, |_, _, after| {
            if reached.insert(after) {
                todo.push(after);
            }
        });
    }
    reached
}

/// How many worlds can do what the worlds that stand for them can do, and the first that cannot.
fn compare(
    bounds: Bounds,
    reductions: Reductions,
    reduce: Reduce<4>,
) -> (usize, Option<Difference>) {
    let last = bounds.terms.last();
    // A window goes on beyond its first terms, and so must the raw model.
    let raw = Model::with_room(bounds, Reductions::NONE, last.next().unwrap()).unwrap();
    let reduced = Model::new(bounds, reductions).unwrap().reducing_with(reduce);
    bisimulation(&raw, &reduced, last)
}

#[test]
fn a_model_does_what_the_worlds_do_that_it_packs() {
    let hand_over = Limits { hand_over: true, rounds: 1, leases: true, ..Limits::SMALL };
    for bounds in [
        asking_twice(),
        of_three_rounds(),
        behind(Protocol::CHECK_QUORUM, hand_over),
        Bounds { lost_disks: ServerSet::only(ServerId::FIRST), ..up_to(2, 1) },
    ] {
        let (model, worlds) =
            (Model::new(bounds, Reductions::NONE).unwrap(), WorldModel::new(bounds));
        for packed in reachable(&model) {
            let world = model.layout().unpack(&packed);
            let view = PackedView(model.layout(), &packed);
            for id in bounds.cluster.servers() {
                assert_eq!(view.lease(id), world.leases[id.index()], "{world}");
            }
            let moves: HashSet<_> = worlds
                .successors(&world)
                .into_iter()
                .map(|(a_move, after)| (a_move, model.layout().pack::<4>(&after)))
                .collect();
            let mut found = HashSet::new();
            model.for_each_successor(&packed, |a_move, after, _| {
                found.insert((a_move, after));
            });
            assert_eq!(found, moves, "{world}");
            let (mut changes, mut all) = (HashSet::new(), 0);
            model.for_each_change(&packed, |change, ways, after, _| {
                changes.insert((change.server(), change.action(), after));
                all += ways;
            });
            let named = moves.iter().map(|(it, after)| (it.server, it.action, *after));
            assert_eq!((changes, all), (named.collect(), moves.len()), "{world}");
        }
    }
}

#[test]
fn what_stands_for_a_guarded_world_can_do_what_the_world_can() {
    for (bounds, worlds) in [(asking_twice(), 2657), (of_three_rounds(), 816)] {
        for reductions in [Reductions::MESSAGES, Reductions::EXACT, Reductions::GUARDED] {
            let raw = Model::new(bounds, Reductions::NONE).unwrap();
            let reduced = Model::new(bounds, reductions).unwrap();
            let found = bisimulation(&raw, &reduced, bounds.terms.last());
            assert_eq!(found, (worlds, None), "{bounds:?} {reductions:?}");
        }
    }
}

#[test]
fn what_stands_for_a_world_can_do_what_the_world_can() {
    for (servers, last_term) in [(1, 2), (2, 2), (3, 1)] {
        let worlds = reachable(&Model::new(up_to(servers, last_term), Reductions::NONE).unwrap());
        for reductions in [Reductions::MESSAGES, SYMMETRY, Reductions::EXACT] {
            let found = compare(up_to(servers, last_term), reductions, Reductions::reduce);
            assert_eq!(found, (worlds.len(), None), "{reductions:?}");
        }
        let (_, difference) =
            compare(window(servers, last_term), Reductions::EXACT, Reductions::reduce);
        assert_eq!(difference, None, "in a window");
    }
}

#[test]
fn a_reduction_that_forgets_all_messages_is_noticed() {
    let forgetful: Reduce<4> = |_, _, layout, world| layout.without_sent(world);
    let (_, difference) = compare(up_to(2, 1), Reductions::MESSAGES, forgetful);
    assert!(!difference.expect("nobody can vote").lost.is_empty());
}

#[test]
fn each_reduction_leaves_so_few_worlds() {
    for (bounds, reductions, expected) in [
        (up_to(1, 2), Reductions::MESSAGES, 5),
        (up_to(2, 2), Reductions::NONE, 901),
        (up_to(2, 2), Reductions::MESSAGES, 69),
        (up_to(3, 1), SYMMETRY, 263),
        (up_to(3, 2), Reductions::EXACT, 369),
        (window(1, 2), Reductions::MESSAGES, 3),
        (window(2, 3), Reductions::MESSAGES, 285),
        (window(2, 3), Reductions::EXACT, 144),
    ] {
        let worlds = reachable(&Model::new(bounds, reductions).unwrap()).len();
        assert_eq!(worlds, expected, "{bounds:?} {reductions:?}");
    }
}

#[test]
fn each_reduction_leaves_so_few_guarded_worlds() {
    let leases = Limits { leases: true, hand_over: true, ..Limits::SMALL };
    for (bounds, expected) in [
        (behind(Protocol::PRE_VOTE, Limits::SMALL), [60, 33, 32, 11, 26]),
        (behind(Protocol::CHECK_QUORUM, leases), [75, 40, 32, 28, 38]),
        (behind(Protocol::GUARDED, leases), [167, 88, 80, 41, 68]),
        (of(2, 2, Protocol::PRE_VOTE), [587, 299, 217, 39, 123]),
        (of(4, 1, Protocol::CHECK_QUORUM), [14129, 772, 454, 271, 678]),
        (of(3, 1, Protocol::GUARDED), [6059, 1092, 600, 215, 378]),
    ] {
        let worlds = [
            Reductions::MESSAGES,
            Reductions::EXACT,
            Reductions::GUARDED,
            Reductions::SAFETY,
            Reductions::FREE_NEWS,
        ]
        .map(|reductions| reachable(&Model::new(bounds, reductions).unwrap()).len());
        assert_eq!(worlds, expected, "{bounds:?}");
    }
}

#[test]
fn without_guards_a_reduction_is_as_good_as_exact() {
    assert_eq!(Reductions::of(Protocol::FIGURE2), Reductions::EXACT);
    assert_eq!(Reductions::of(Protocol::GUARDED), Reductions::SAFETY);
    let [exact, guarded] = [Reductions::EXACT, Reductions::GUARDED]
        .map(|reductions| reachable(&Model::new(up_to(2, 2), reductions).unwrap()));
    assert_eq!(exact, guarded);
}

/// What stands for a world of three servers in which S1 is this, and nobody else has done anything
/// but send this.
fn standing_for(state: State, from: u8, to: Option<u8>, message: Message) -> Packed<4> {
    let model = Model::new(of(3, 2, Protocol::GUARDED), Reductions::MESSAGES).unwrap();
    let mut world = model.direct().initial();
    (world.servers[0], world.stored[0]) = (state, state.ballot);
    let id = |number| ServerId::new(number).unwrap();
    world.sent.insert(Envelope { from: id(from), to: to.map(id), message });
    model.reduce(&world)
}

fn in_term(term: u64, role: Role) -> State {
    State { ballot: Ballot { current_term: Term::new(term), voted_for: None }, role }
}

/// A vote, too, if its receiver has lost its disk, or was given it by mistake.
#[test]
fn an_answer_of_a_newer_term_tells_nothing_but_that_term() {
    let term = Term::new(1);
    let [vote, refusal, news] = [
        Message::RequestVoteResponse { term, vote_granted: true },
        Message::RequestVoteResponse { term, vote_granted: false },
        Message::AppendEntriesResponse { term, round: None },
    ]
    .map(|message| standing_for(in_term(0, Role::FOLLOWER), 2, Some(1), message));
    assert_eq!([vote, refusal], [news; 2]);
}

#[test]
fn a_yes_to_a_pre_vote_of_an_earlier_term_is_as_good_as_none() {
    let votes = ServerSet::only(ServerId::FIRST);
    let asks = in_term(1, Role::PreCandidate { attempt: Attempt::FIRST, votes });
    let yes = |term, attempt| {
        let term = Term::new(term);
        standing_for(
            asks,
            2,
            Some(1),
            Message::PreVoteResponse { term, vote_granted: true, attempt },
        )
    };
    let late = Attempt::FIRST.next();
    assert_eq!(yes(1, Attempt::FIRST), yes(1, late), "another term");
    assert_eq!(yes(1, Attempt::FIRST), yes(2, late), "another attempt");
    assert_ne!(yes(1, Attempt::FIRST), yes(2, Attempt::FIRST), "the present one");
}

#[test]
fn a_heartbeat_of_an_earlier_term_is_outdated_whatever_its_round() {
    let (answered, beats) = (ServerSet::only(ServerId::FIRST), Beats::ZERO);
    let leads = in_term(2, Role::Leader { round: Round::FIRST, answered, beats });
    let heartbeat = |term, round| {
        standing_for(leads, 1, None, Message::AppendEntries { term: Term::new(term), round })
    };
    let [open, other] = [Round::FIRST, Round::FIRST.next()];
    assert_eq!(heartbeat(1, open), heartbeat(1, other));
    assert_ne!(heartbeat(2, open), heartbeat(2, other));
}

#[test]
fn what_a_lone_server_says_is_heard_by_nobody() {
    for bounds in [up_to(1, 2), window(1, 2)] {
        let model = Model::new(bounds, Reductions::MESSAGES).unwrap();
        for world in reachable(&model) {
            assert_eq!(model.layout().sent(&world).next(), None, "{bounds:?}");
        }
    }
}

#[test]
fn a_world_that_does_not_fit_has_no_model() {
    assert!(PackedModel::<1>::new(up_to(3, 2), Reductions::NONE).is_none());
    assert!(PackedModel::<2>::new(up_to(3, 2), Reductions::NONE).is_some());
}

#[test]
fn a_model_with_as_much_room_as_another_one_reduces_as_before() {
    let forgetful: Reduce<4> = |_, _, layout, world| layout.without_sent(world);
    let model = Model::new(up_to(2, 1), Reductions::MESSAGES).unwrap().reducing_with(forgetful);
    let again = model.with_room_of(&model).unwrap();
    assert_eq!(reachable(&again), reachable(&model));
}

#[test]
fn a_model_says_what_it_was_made_with() {
    for reductions in [Reductions::NONE, Reductions::EXACT] {
        let model = Model::new(window(2, 3), reductions).unwrap();
        assert_eq!((*model.bounds(), model.reductions()), (window(2, 3), reductions));
    }
}

#[test]
fn step_by_step_nothing_is_done_at_once() {
    let bounds = of(3, 1, Protocol::GUARDED);
    let [model, steps] =
        [Reductions::SAFETY, Reductions::GUARDED].map(|it| Model::new(bounds, it).unwrap());
    assert_eq!(model.clone().step_by_step().reductions(), Reductions::GUARDED);
    assert_eq!(reachable(&model.step_by_step()), reachable(&steps));
}

/// An election in which nothing ever happens.
const IDLE: Handlers = Handlers {
    step: |_, state, _| Step {
        state,
        rule: Rule::Started,
        persist: false,
        outgoing: Outgoing::Nothing,
        restart_timer: false,
    },
    ..Handlers::RAFT
};

#[test]
fn another_election_does_not_remember_the_steps_of_the_first() {
    let model = Model::new(up_to(2, 1), Reductions::NONE).unwrap();
    assert_eq!(reachable(&model).len(), 33);
    assert_eq!(reachable(&model.driven_by(IDLE)).len(), 1);
}

#[test]
fn a_timer_is_held_whose_election_would_leave_the_bounds() {
    let model = Model::new(up_to(2, 1), Reductions::NONE).unwrap();
    let mut campaigns = Vec::new();
    model.for_each_step(&model.initial(), |a_move, after| campaigns.push((a_move.server, after)));
    assert_eq!(campaigns.len(), 2);
    for (id, world) in campaigns {
        assert_eq!(model.held_by_bounds(&world), ServerSet::only(id), "it is in the last term");
    }
    assert_eq!(model.held_by_bounds(&model.initial()), ServerSet::EMPTY);
}
