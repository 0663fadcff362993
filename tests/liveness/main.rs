//! Liveness, and why its verdicts can be believed: fair cycles are found where a naive search finds
//! them, another model gives the same verdicts, and a run that is no violation is refuted.

mod naive;
mod raw;

use std::hash::Hash;
use support::bounds;
use support::counts;

use raft_model::action::Move;
use raft_model::cluster::Cluster;
use raft_model::election::{Role, State};
use raft_model::liveness::assumptions::{
    ASSUMPTIONS, Assumption, Assumptions, Strength, last_servers,
};
use raft_model::liveness::class::{Class, Classes};
use raft_model::liveness::fair::Cycle;
use raft_model::liveness::lasso::{End, Lasso, Refuted};
use raft_model::liveness::runs::Runs as _;
use raft_model::liveness::{Calm, Hostile, LIVENESS, Property, Verdict, Violation};
use raft_model::reduce::PackedModel;
use raft_model::reduce::{Reductions, bisimulation_by};
use raft_model::search::Control;
use raft_model::types::{ServerId, ServerSet, Term};
use raft_model::world::bounds::{Bounds, Replies, Terms};

fn model(servers: u8, window: u64) -> PackedModel<2> {
    let bounds = bounds::window(servers, window, Replies::All);
    PackedModel::new(bounds, Reductions::MESSAGES).unwrap()
}

fn hostile(servers: u8, window: u64) -> Hostile<2> {
    Hostile::explore(&model(servers, window), &Control::default()).unwrap()
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
        let hostile = hostile(counts.servers, counts.window);
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
    assert_eq!(BUYS.map(|row| row.0), ASSUMPTIONS);
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
            assert_eq!(verdicts(&hostile, Assumptions { dead, ..Assumptions::ALL }), ["holds"; 3]);
        }
    }
}

#[test]
fn what_a_window_cuts_off_is_not_claimed() {
    // In a window of one term, no election can follow one that nobody won.
    assert_eq!(verdicts(&hostile(2, 1), Assumptions::ALL), ["cut"; 3]);
}

/// A campaign that the window has no room for is one that a run could make: fairness is judged as
/// if the graph had it.
#[test]
fn what_a_window_leaves_out_counts_as_possible() {
    let hostile = hostile(2, 2);
    let assumptions =
        Assumptions { messages_first: false, heartbeats_hold: false, ..Assumptions::ALL };
    let (graph, calm) = (hostile.graph(), Calm::new(hostile.graph(), assumptions));
    let mut cut = 0;
    for (node, world) in (0..).zip(graph.worlds()) {
        let world = graph.model().layout().unpack(world);
        let terms = || world.servers.iter().map(|state| state.ballot.current_term.number());
        let beyond = terms().min().unwrap().max(1) + 2;
        let is_held = |(_, state): &(ServerId, &State)| {
            state.role != Role::Leader && state.ballot.current_term.number() + 1 == beyond
        };
        let held = world.states().filter(is_held).map(|(id, _)| Class::ElectionTimer(id));
        let held: Classes = held.map(|class| graph.numbering().code(class)).collect();
        assert_eq!(calm.left_out(node), held, "{world}");
        cut += usize::from(!held.is_empty());
    }
    assert!(cut > 0, "this window cuts nothing off");
}

/// The run on which a property fails without an assumption, with two servers, as the graph has it.
fn failing(hostile: &Hostile<2>, assumptions: Assumptions) -> Violation {
    let calm = Calm::new(hostile.graph(), assumptions);
    calm.judge(Property::LeaderElected).unwrap().expect("it fails")
}

#[test]
fn a_run_that_is_no_violation_is_refuted() {
    let hostile = hostile(2, 3);
    let split = Assumptions { messages_first: false, ..Assumptions::ALL };
    let violation = failing(&hostile, split);
    let Violation::Cycle(cycle) = &violation else { panic!("it is a cycle") };
    let check = |property, assumptions, cycle: Cycle| {
        let calm = Calm::new(hostile.graph(), assumptions);
        Lasso::of(property, hostile.graph(), &calm, &Violation::Cycle(cycle)).map(|_| ())
    };
    assert_eq!(check(Property::LeaderElected, split, cycle.clone()), Ok(()));

    let half = Cycle { moves: cycle.moves[..1].to_vec(), ..cycle.clone() };
    assert_eq!(check(Property::LeaderElected, split, half), Err(Refuted::Open));

    let mut elsewhere = cycle.clone();
    elsewhere.moves[0].1 = 0;
    let refuted = check(Property::LeaderElected, split, elsewhere);
    assert_eq!(refuted, Err(Refuted::NoSuchStep(3)));

    // The second server campaigns before the request of the first one has arrived.
    let timer = hostile.graph().numbering().class(cycle.moves[1].0);
    let refuted = check(Property::LeaderElected, Assumptions::ALL, cycle.clone());
    assert_eq!(refuted, Err(Refuted::NotCalm(2, timer)));

    let stays = Cycle { moves: Vec::new(), ..cycle.clone() };
    let Err(Refuted::Unfair(_)) = check(Property::LeaderElected, split, stays) else {
        panic!("somebody is passed over");
    };

    let strongly = split.with_strong_fairness();
    let Err(Refuted::Unfair(_)) = check(Property::LeaderElected, strongly, cycle.clone()) else {
        panic!("messages are passed over");
    };

    // A run that stays where a leader is stable.
    let calm = Calm::new(hostile.graph(), Assumptions { timers: Strength::None, ..split });
    let nodes = 0..u32::try_from(hostile.graph().worlds().len()).unwrap();
    let refuted = nodes.map(|start| {
        let cycle = Violation::Cycle(Cycle { start, moves: Vec::new() });
        Lasso::of(Property::LeaderStable, hostile.graph(), &calm, &cycle).map(|_| ())
    });
    assert!(refuted.into_iter().any(|refuted| refuted == Err(Refuted::NoViolation)));
}

#[test]
fn a_run_for_ever_is_told_as_a_story() {
    let hostile = hostile(2, 2);
    let assumptions = Assumptions { restarts_end: false, ..Assumptions::ALL };
    let findings = hostile.judge(assumptions, &Control::default()).unwrap();
    let (_, Verdict::Fails(lasso)) = &findings.verdicts[1] else { panic!("it fails") };
    assert!(matches!(&lasso.end, End::Cycle { cycle, .. } if cycle.moves.len() == 3));
    let story = "  \
0. Everybody starts.
       S1  term 0  follower   has not voted
       S2  term 0  follower   has not voted
  1. S1 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]
     > S1  term 1  candidate  voted for S1  has votes of {S1}
       S2  term 0  follower   has not voted
       sent S1 → all: RequestVote (term 1)
  2. S2 grants S1 its vote in term 1.  [ReceiveRequestVote by VoteGranted]
       S1  term 1  candidate  voted for S1  has votes of {S1}
     > S2  term 1  follower   voted for S1
       sent S2 → S1: RequestVoteResponse (term 1, vote granted)
     What follows repeats for ever, in terms that may be higher each time.
  3. S1 crashes and comes up again.  [Restart by Started]
     > S1  term 1  follower   voted for S1
       S2  term 1  follower   voted for S1
  4. S1 hears no leader: it campaigns in term 2 and votes for itself.  [Timeout by Campaigned]
     > S1  term 2  candidate  voted for S1  has votes of {S1}
       S2  term 1  follower   voted for S1
       sent S1 → all: RequestVote (term 2)
  5. S2 grants S1 its vote in term 2.  [ReceiveRequestVote by VoteGranted]
       S1  term 2  candidate  voted for S1  has votes of {S1}
     > S2  term 2  follower   voted for S1
       sent S2 → S1: RequestVoteResponse (term 2, vote granted)
     And so on, as after step 2.
     The assumptions hold, and the run is fair. Fairness is for:
       what happens         S1's election timer, RequestVote S1 → S2
       what could, at times S2's election timer, vote S2 → S1
       what always could    nothing
";
    assert_eq!(lasso.to_string(), story);
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
    // Whose response it was is told apart before responses are merged, and not after.
    assert!(!offer_the_same(2, 3, |a_move, _| a_move.trigger));
}

/// Compares what the graph says with what the direct model says.
fn compare(raw: Bounds, window: u64, rows: impl IntoIterator<Item = Assumptions>) {
    let hostile = hostile(raw.cluster.size(), window);
    let raw = raw::Raw::explore(raw);
    for assumptions in rows {
        let findings = hostile.judge(assumptions, &Control::default()).unwrap();
        let holds = findings.verdicts.map(|(_, verdict)| verdict == Verdict::Holds);
        assert_eq!(raw.judge(&assumptions), holds, "{assumptions:?}");
    }
}

#[test]
fn the_direct_model_of_two_servers_gives_the_same_verdicts() {
    let cluster = Cluster::new(2).unwrap();
    let raw = Bounds { cluster, terms: Terms::UpTo(Term::new(3)), replies: Replies::All };
    let rows = ASSUMPTIONS.map(|assumption| Assumptions::ALL.without(assumption, cluster));
    compare(raw, 3, [Assumptions::ALL].into_iter().chain(rows));
}

#[test]
fn the_direct_model_of_three_servers_gives_the_same_verdicts() {
    let cluster = Cluster::new(3).unwrap();
    let raw = Bounds { cluster, terms: Terms::UpTo(Term::new(2)), replies: Replies::Useful };
    let dead = last_servers(cluster, 1);
    let rows = ASSUMPTIONS.map(|assumption| Assumptions::ALL.without(assumption, cluster));
    compare(
        raw,
        2,
        [Assumptions::ALL, Assumptions { dead, ..Assumptions::ALL }].into_iter().chain(rows),
    );
}
