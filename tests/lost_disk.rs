//! A server that has lost its disk: it is silent until all others have told their terms, and then
//! votes for nobody in a term in which it may have voted. Whoever comes back earlier elects two
//! leaders of one term.

use raft_model::action::{Envelope, Move, Trigger};
use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Ballot, Event, Outgoing, Role, Rule, Server, State};
use raft_model::explore::walk::parse;
use raft_model::message::Message;
use raft_model::mutant::{Catch, MUTANTS, Mutant};
use raft_model::search::search;
use raft_model::types::{Attempt, ServerId, ServerSet, Term};
use raft_model::world::bounds::{Bounds, Replies};
use raft_model::world::properties::Property;
use raft_model::world::{World, WorldModel};
use support::bounds::{self, up_to};

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

fn set(numbers: &[u8]) -> ServerSet {
    numbers.iter().map(|&number| id(number)).collect()
}

/// S1 of three servers behind both guards.
fn server() -> Server {
    bounds::server(id(1), Cluster::with(3, Protocol::GUARDED).unwrap())
}

fn told(from: u8, term: u64) -> Event {
    Event::TermHeard { from: id(from), term: Term::new(term) }
}

/// So many servers up to term 1, of whom these may lose their disks.
fn losing(servers: u8, losers: &[u8]) -> Bounds {
    Bounds { lost_disks: set(losers), ..up_to(servers, 1, Replies::Useful) }
}

#[test]
fn it_takes_no_notice_of_anything_but_terms() {
    let lost = server().lose_disk();
    assert_eq!((lost.rule, lost.persist), (Rule::DiskLost, false));
    assert_eq!(lost.state.ballot, Ballot::INITIAL);
    let term = Term::new(7);
    let from = id(2);
    for event in [
        Event::Timeout { attempt: Attempt::FIRST },
        Event::HandOver { to: from },
        Event::Receive { from, message: Message::RequestVote { term, hand_over: true } },
        Event::Receive { from, message: Message::PreVote { term, attempt: Attempt::FIRST } },
        Event::Receive { from, message: Message::HandOver { term } },
    ] {
        let step = server().step(lost.state, event);
        assert_eq!((step.rule, step.state), (Rule::NotBack, lost.state), "{event:?}");
        assert_eq!((step.persist, step.outgoing), (false, Outgoing::Nothing), "{event:?}");
    }
}

#[test]
fn it_is_back_in_the_newest_term_and_has_spent_the_vote_of_that() {
    let lost = server().lose_disk().state;
    let one = server().step(lost, told(2, 5));
    assert_eq!((one.rule, one.persist), (Rule::TermHeard, false), "nothing is written before");
    let again = server().step(one.state, told(2, 6));
    assert_eq!(again.rule, Rule::TermHeard, "one server does not stand for two");
    let back = server().step(again.state, told(3, 4));
    assert_eq!((back.rule, back.persist, back.restart_timer), (Rule::Returned, true, true));
    assert_eq!(back.state.role, Role::Follower { contact: true });
    let spent = Ballot { current_term: Term::new(6), voted_for: Some(id(1)) };
    assert_eq!(back.state.ballot, spent);
    let late = server().step(back.state, told(3, 9));
    assert_eq!((late.rule, late.state), (Rule::TermNotAsked, back.state));
    for (asked_in, granted) in [(6, false), (7, true)] {
        let state = State { role: Role::FOLLOWER, ..back.state };
        let message = Message::RequestVote { term: Term::new(asked_in), hand_over: false };
        let step = server().step(state, Event::Receive { from: id(2), message });
        assert_eq!(step.rule == Rule::VoteGranted, granted, "term {asked_in}");
    }
}

/// All worlds that can be reached.
fn reachable(model: &WorldModel) -> Vec<World> {
    let mut seen = std::collections::HashSet::from([model.initial()]);
    let mut worlds = vec![model.initial()];
    let mut next = 0;
    while next < worlds.len() {
        for (_, after) in model.successors(&worlds[next]) {
            if seen.insert(after.clone()) {
                worlds.push(after);
            }
        }
        next += 1;
    }
    worlds
}

/// If all others answer. Whoever has heard some needs no more than the rest, in any order; and
/// nothing but another loss takes away what it has heard.
#[test]
fn it_comes_back_whatever_happens_meanwhile_and_votes() {
    let model = WorldModel::new(losing(3, &[1]));
    let (mut returning, mut votes) = (0, 0);
    for world in reachable(&model) {
        let steps = model.successors(&world);
        let heard_by = |world: &World| match world.state(id(1)).role {
            Role::Returning { heard, .. } => heard,
            _ => set(&[1, 2, 3]),
        };
        if let Role::Returning { heard, .. } = world.state(id(1)).role {
            returning += 1;
            for other in [2, 3].map(id).into_iter().filter(|&other| !heard.contains(other)) {
                let hears = steps.iter().any(|(_, after)| heard_by(after).contains(other));
                assert!(hears, "{other} cannot tell its term in\n{world}");
            }
            for (a_move, after) in &steps {
                let keeps = heard.iter().all(|other| heard_by(after).contains(other));
                assert!(keeps || a_move.rule == Rule::DiskLost, "{a_move} in\n{world}");
            }
        }
        let is_back = world.stored[0].voted_for == Some(id(1));
        let grants = |(a_move, after): &&(Move, World)| {
            a_move.server == id(1) && a_move.rule == Rule::VoteGranted && after != &world
        };
        votes += usize::from(is_back) * steps.iter().filter(grants).count();
    }
    assert!(returning > 0 && votes > 0, "{returning} worlds, {votes} votes");
}

/// What breaks on this path. What was never sent does not arrive.
fn broken_on(model: &WorldModel, path: &str) -> Vec<Property> {
    let (mut world, mut broken) = (model.initial(), Vec::new());
    for code in parse(path).unwrap() {
        let trigger = code.trigger(&world).unwrap();
        if let Trigger::Event(Event::Receive { from, message }) = trigger {
            let is_it = |sent: &Envelope| {
                (sent.from, sent.message) == (from, message)
                    && sent.to.is_none_or(|to| to == code.server)
            };
            if !world.sent.iter().any(is_it) {
                continue;
            }
        }
        let (_, _, after) = model.apply(&world, code.server, trigger);
        let properties = Property::of(&model.bounds).into_iter();
        broken.extend(properties.filter(|it| !it.holds(&world, code.server, &after)));
        world = after;
    }
    broken
}

/// Two leaders of term 1: S1 votes for S2, loses its disk, and comes back too early, before S3
/// asks it.
const TOO_EARLY: [(&str, u8, &str); 4] = [
    ("back-after-quorum", 3, "2t,1q2.1,1w,1r3,3t,1q3.1,2v1.1,3v1.1"),
    (
        "back-after-meeting-quorums",
        5,
        "2t,1q2.1,1w,1r3,1r4,1r5,3t,1q3.1,4q3.1,3v1.1,3v4.1,5q2.1,2v1.1,2v5.1",
    ),
    ("newest-vote-unspent", 3, "2t,1q2.1,1w,1r2,1r3,3t,1q3.1,2v1.1,3v1.1"),
    ("old-answer-believed", 3, "2t,1q2.1,1w,1r3,3t,1q3.1,2v1.1,3v1.1"),
];

/// The catalogue says that this file notices them.
#[test]
fn whoever_comes_back_too_early_elects_two_leaders() {
    let caught = MUTANTS.iter().filter(|mutant| mutant.caught_by == Catch::Test("lost_disk"));
    let names: Vec<_> = caught.map(|mutant| mutant.name).collect();
    assert_eq!(names, TOO_EARLY.map(|(name, ..)| name));
    for (name, servers, path) in TOO_EARLY {
        let bounds = losing(servers, &[1]);
        let handlers = Mutant::named(name).unwrap().handlers;
        let broken = broken_on(&WorldModel { bounds, handlers }, path);
        assert_eq!(broken, [Property::GrantOncePerTerm, Property::ElectionSafety], "{name}");
        let broken = broken_on(&WorldModel::new(bounds), path);
        assert_eq!(broken, [], "the specification, where {name} is wrong");
    }
}

#[test]
fn the_search_finds_who_comes_back_too_early() {
    let steps = |name: &str| {
        let handlers = Mutant::named(name).unwrap().handlers;
        let model = WorldModel { bounds: losing(3, &[1]), handlers };
        let findings = search(&model, &[Property::GrantOncePerTerm], |_| ());
        findings.violations().next().map(|(_, run)| run.moves.len())
    };
    assert_eq!(steps("back-after-quorum"), Some(6));
    assert_eq!(steps("newest-vote-unspent"), Some(7));
    assert_eq!(steps("old-answer-believed"), Some(6));
    assert_eq!(steps("back-after-meeting-quorums"), None, "of three, these are all others");
}

/// The rule rests on the others: what S1 voted, S2 knew, and S2 loses its disk, too. The vote is
/// known to nobody, while the message that tells it is under way.
#[test]
fn two_servers_that_lose_their_disks_can_elect_two_leaders() {
    let path = "2t,2w,2r1,2r3,1q2.1,1w,1r2,1r3,3t,1q3.1,3v1.1,2t,2v1.1";
    let broken = broken_on(&WorldModel::new(losing(3, &[1, 2])), path);
    assert_eq!(broken, [Property::GrantOncePerTerm, Property::ElectionSafety]);
}
