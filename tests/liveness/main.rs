//! Liveness, and why its verdicts can be believed: reduced worlds offer the same moves, and another
//! model gives the same verdicts. What two servers tell stands beside the code.

mod raw;

use std::hash::Hash;
use support::bounds;
use support::counts;

use raft_model::action::Move;
use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::State;
use raft_model::liveness::assumptions::{ASSUMPTIONS, Assumption, Assumptions, last_servers};
use raft_model::liveness::class::Class;
use raft_model::liveness::{Hostile, LIVENESS, Verdict};
use raft_model::reduce::PackedModel;
use raft_model::reduce::{Reductions, bisimulation_by};
use raft_model::search::Control;
use raft_model::types::{ServerSet, Term};
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::links::Links;

fn model(servers: u8, window: u64) -> PackedModel<2> {
    let bounds = bounds::window(servers, window, Replies::All);
    PackedModel::new(bounds, Reductions::MESSAGES).unwrap()
}

fn hostile(servers: u8, window: u64) -> Hostile<2> {
    Hostile::explore(&model(servers, window), &Control::default()).unwrap()
}

/// The worlds of servers that elect so, of whom these are witnesses.
fn guarded(bounds: Bounds) -> Hostile<4> {
    let model = PackedModel::new(bounds, Reductions::MESSAGES).unwrap();
    Hostile::explore(&model, &Control::default()).unwrap()
}

/// Verdicts in short: "holds", the lengths of a run on which it fails, or "cut".
fn verdicts(hostile: &Hostile<2>, assumptions: Assumptions) -> [String; 3] {
    let findings = hostile.judge(assumptions, &Control::default()).unwrap();
    findings.verdicts.map(|(_, verdict)| match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Fails(lasso) => {
            let (stem, cycle) = lasso.lengths();
            format!("{stem}+{cycle}")
        }
        Verdict::NotEstablished { .. } => "cut".to_owned(),
        Verdict::Refuted(refuted) => refuted.to_string(),
    })
}

#[test]
fn graphs_have_the_expected_sizes_and_leaders_stay() {
    let mut found = counts::Found::default();
    for counts in counts::liveness().into_iter().filter(|counts| !counts.large) {
        let hostile = guarded(counts.bounds());
        found.liveness(&counts, hostile.graph().coverage());
        let findings = hostile.judge(Assumptions::ALL, &Control::default()).unwrap();
        assert_eq!(findings.verdicts, LIVENESS.map(|property| (property, Verdict::Holds)));
        assert_eq!(findings.cut, 0);
    }
    found.settle();
}

/// What each assumption buys: with three servers in a window of three terms, on what runs
/// properties fail without it; with weak fairness, and with strong fairness wherever something is
/// owed.
const BUYS: [(Assumption, [&str; 3], [&str; 3]); 6] = [
    (Assumption::MessagesFirst, ["holds", "3+3", "3+3"], ["holds", "6+31", "6+31"]),
    (Assumption::HeartbeatsHold, ["holds", "holds", "5+8"], ["holds", "holds", "6+33"]),
    (Assumption::RestartsEnd, ["holds", "3+4", "3+4"], ["holds", "7+21", "7+39"]),
    (Assumption::MajorityLives, ["0+0", "1+1", "1+1"], ["0+0", "1+1", "1+1"]),
    (Assumption::TimersFire, ["holds", "0+0", "0+0"], ["holds", "0+0", "0+0"]),
    (Assumption::MessagesArrive, ["holds", "1+0", "1+0"], ["holds", "1+0", "1+0"]),
];

#[test]
fn each_assumption_is_needed() {
    let needed = ASSUMPTIONS.into_iter().filter(|one| one.is_of(Protocol::FIGURE2));
    assert!(BUYS.iter().map(|row| row.0).eq(needed));
    let hostile = hostile(3, 3);
    for (assumption, weak, strong) in BUYS {
        let without = Assumptions::ALL.without(assumption, Cluster::new(3).unwrap());
        assert_eq!(verdicts(&hostile, without), weak, "{assumption:?}");
        assert_eq!(verdicts(&hostile, without.with_strong_fairness()), strong, "{assumption:?}");
    }
}

#[test]
fn a_dead_minority_keeps_nobody_from_leading() {
    for window in [2, 3] {
        let hostile = hostile(3, window);
        for dead in Cluster::new(3).unwrap().servers() {
            let dead = ServerSet::only(dead);
            assert_eq!(verdicts(&hostile, Assumptions::ALL.with_dead(dead)), ["holds"; 3]);
        }
    }
}

/// Whether worlds that stand for each other offer the same moves, told apart by a label.
fn offer_the_same<L: Eq + Hash>(
    servers: u8,
    window: u64,
    label: impl Fn(Move, &State) -> L,
) -> bool {
    let bounds = *model(servers, window).bounds();
    let last = bounds.terms.last();
    // The window goes on beyond its first terms, and so must the raw model.
    let room = last.next().unwrap();
    let raw = PackedModel::<4>::with_room(bounds, Reductions::NONE, room).unwrap();
    let reduced = PackedModel::new(bounds, model(servers, window).reductions()).unwrap();
    bisimulation_by(&raw, &reduced, last, label).1.is_none()
}

/// Fairness is owed to classes of moves: so the graph has to offer the same as the direct model.
#[test]
fn reduced_worlds_offer_the_same_classes_of_moves() {
    let class = |a_move: Move, before: &State| Class::of(a_move.server, before, a_move.trigger);
    assert!(offer_the_same(2, 3, class));
    assert!(offer_the_same(3, 1, class));
    for (protocol, max_term) in
        [(Protocol::CHECK_QUORUM, 2), (Protocol::PRE_VOTE, 2), (Protocol::GUARDED, 1)]
    {
        let terms = Terms::UpTo(Term::new(max_term));
        let bounds = Bounds::new(Cluster::with(2, protocol).unwrap(), terms, Replies::All);
        let raw = PackedModel::<4>::new(bounds, Reductions::NONE).unwrap();
        let reduced = PackedModel::new(bounds, Reductions::MESSAGES).unwrap();
        let checked = bisimulation_by(&raw, &reduced, Term::new(max_term), class);
        assert_eq!(checked.1, None, "{protocol}");
    }
    // Whose response it was is told apart before responses are merged, and not after.
    assert!(!offer_the_same(2, 3, |a_move, _| a_move.trigger));
}

/// What is assumed on a calm network of three servers with these links.
fn linked(links: &str) -> Assumptions {
    let links = Links::parse(Cluster::new(3).unwrap(), links).unwrap();
    Assumptions { links, ..Assumptions::ALL }
}

/// Two servers that hear each other only through a third take the leadership from each other for
/// ever: whoever campaigns deposes the other, by way of the third. One that hears nobody, and is
/// heard, campaigns for ever.
#[test]
fn on_a_bridge_no_leader_stays() {
    let hostile = hostile(3, 3);
    assert_eq!(verdicts(&hostile, linked("A-C B-C"))[2], "5+10");
    let [.., stable] = verdicts(&hostile, linked("A>C B-C"));
    assert!(stable.contains('+'), "{stable}");
}

/// Compares what the graph says with what the direct model says.
fn compare(raw: Bounds, window: u64, rows: impl IntoIterator<Item = Assumptions>) {
    let hostile = hostile(raw.cluster.size(), window);
    let raw = raw::Raw::explore(raw);
    for assumptions in rows {
        let findings = hostile.judge(assumptions, &Control::default()).unwrap();
        for ((_, verdict), holds) in findings.verdicts.iter().zip(raw.judge(&assumptions)) {
            // On links that are few, the window cuts off what the last term of the raw model does
            // not.
            let is_open = matches!(verdict, Verdict::NotEstablished { .. });
            let is_linked = assumptions.links.alone(raw.cluster()).is_empty();
            let is_undecided = is_open && assumptions.links != Links::ALL && is_linked;
            let is_the_same = holds == (*verdict == Verdict::Holds);
            assert!(is_the_same || is_undecided, "{assumptions:?}: {verdict:?}");
        }
    }
}

#[test]
fn the_direct_model_of_two_servers_gives_the_same_verdicts() {
    let cluster = Cluster::new(2).unwrap();
    let raw = Bounds::new(cluster, Terms::UpTo(Term::new(3)), Replies::All);
    let rows = ASSUMPTIONS.map(|assumption| Assumptions::ALL.without(assumption, cluster));
    compare(raw, 3, [Assumptions::ALL].into_iter().chain(rows));
}

#[test]
fn the_direct_model_of_three_servers_gives_the_same_verdicts() {
    let cluster = Cluster::new(3).unwrap();
    let raw = Bounds::new(cluster, Terms::UpTo(Term::new(2)), Replies::Useful);
    let dead = last_servers(cluster, 1);
    let rows = ASSUMPTIONS.map(|assumption| Assumptions::ALL.without(assumption, cluster));
    let linked = ["A-C B-C", "A-B A<C B<C", "A>C B-C", "A-B"].map(linked);
    compare(
        raw,
        2,
        [Assumptions::ALL, Assumptions::ALL.with_dead(dead)].into_iter().chain(rows).chain(linked),
    );
}
