//! Whether somebody is elected, told of two servers: small graphs, in which everything that a run
//! can do is seen at a glance.

mod guarded;
mod naive;

use super::assumptions::{ASSUMPTIONS, Assumption, Assumptions, Strength, last_servers};
use super::class::{Class, Classes};
use super::fair::Cycle;
use super::graph::Note;
use super::lasso::{End, Lasso, Refuted};
use super::runs::{Edges, Runs as _};
use super::{Calm, Hostile, LIVENESS, Property, Verdict, Violation};
use crate::cluster::Cluster;
use crate::election::{Ballot, Role, State};
use crate::reduce::{PackedModel, Reductions};
use crate::search::{Control, Coverage, Stop};
use crate::types::{ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::links::Links;

fn hostile(servers: u8, window: u64) -> Hostile<2> {
    explored(Cluster::new(servers).unwrap(), window)
}

fn explored<const W: usize>(cluster: Cluster, window: u64) -> Hostile<W> {
    let bounds = Bounds::new(cluster, Terms::Window(Term::new(window)), Replies::All);
    let model = PackedModel::new(bounds, Reductions::MESSAGES).unwrap();
    Hostile::explore(&model, &Control::default()).unwrap()
}

/// Verdicts in short: "holds", the lengths of a run on which it fails, or where it is cut.
fn verdicts<const W: usize>(hostile: &Hostile<W>, assumptions: Assumptions) -> [String; 3] {
    let findings = hostile.judge(assumptions, &Control::default()).unwrap();
    findings.verdicts.map(|(_, verdict)| match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Fails(lasso) => {
            let (stem, cycle) = lasso.lengths();
            format!("{stem}+{cycle}")
        }
        Verdict::NotEstablished { cut } => format!("{cut} cut"),
        Verdict::Refuted(refuted) => refuted.to_string(),
    })
}

/// On what runs of two servers the properties fail without an assumption: with weak fairness, and
/// with strong fairness wherever something is owed.
const BUYS: [(Assumption, [&str; 3], [&str; 3]); 6] = [
    (Assumption::MessagesFirst, ["holds", "2+2", "2+2"], ["holds", "6+8", "6+8"]),
    (Assumption::HeartbeatsHold, ["holds", "holds", "4+6"], ["holds", "holds", "4+16"]),
    (Assumption::RestartsEnd, ["holds", "2+3", "2+3"], ["holds", "4+10", "5+17"]),
    (Assumption::MajorityLives, ["0+0", "1+1", "1+1"], ["0+0", "1+1", "1+1"]),
    (Assumption::TimersFire, ["holds", "0+0", "0+0"], ["holds", "0+0", "0+0"]),
    (Assumption::MessagesArrive, ["holds", "1+0", "1+0"], ["holds", "1+0", "1+0"]),
];

#[test]
fn two_servers_need_each_assumption() {
    let hostile = hostile(2, 3);
    for (assumption, weak, strong) in BUYS {
        let without = Assumptions::ALL.without(assumption, Cluster::new(2).unwrap());
        assert_eq!(verdicts(&hostile, without), weak, "{assumption:?}");
        assert_eq!(verdicts(&hostile, without.with_strong_fairness()), strong, "{assumption:?}");
    }
}

#[test]
fn graphs_of_two_servers_have_the_expected_sizes() {
    let hostile = hostile(2, 3);
    assert_eq!(hostile.graph().coverage(), Coverage { states: 285, edges: 1480, depth: 11 });
    let findings = hostile.judge(Assumptions::ALL, &Control::default()).unwrap();
    assert_eq!(findings.verdicts, LIVENESS.map(|property| (property, Verdict::Holds)));
    assert_eq!((findings.cut, findings.coverage), (0, hostile.graph().coverage()));
}

#[test]
fn what_a_window_cuts_off_is_not_claimed() {
    // In a window of one term, no election can follow one that nobody won.
    assert_eq!(verdicts(&hostile(2, 1), Assumptions::ALL), ["6 cut"; 3]);
}

/// A run that has come to a leader has been given what `LeaderElected` promises, whatever follows.
#[test]
fn what_is_cut_off_from_a_leader_matters_only_to_who_wants_it_to_stay() {
    let without = Assumptions { heartbeats_hold: false, ..Assumptions::ALL };
    assert_eq!(verdicts(&hostile(2, 1), without), ["8 cut", "6 cut", "8 cut"]);
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
            state.role != Role::LEADER && state.ballot.current_term.number() + 1 == beyond
        };
        let held = world.states().filter(is_held).map(|(id, _)| Class::ElectionTimer(id));
        let held: Classes = held.map(|class| graph.numbering().code(class)).collect();
        assert_eq!(calm.left_out(node), held, "{world}");
        cut += usize::from(!held.is_empty());
    }
    assert!(cut > 0, "this window cuts nothing off");
}

#[test]
fn a_timer_that_waits_for_messages_is_not_left_out_by_the_window() {
    let hostile = hostile(2, 2);
    let (graph, calm) = (hostile.graph(), Calm::new(hostile.graph(), Assumptions::ALL));
    let nodes = 0..u32::try_from(graph.worlds().len()).unwrap();
    let wait = nodes.filter(|&node| graph.note_of(node).is_busy);
    let held: Vec<_> = wait.filter(|&node| !graph.note_of(node).held.is_empty()).collect();
    assert!(!held.is_empty() && held.iter().all(|&node| calm.left_out(node).is_empty()));
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
    let is_stable = |&node: &u32| hostile.graph().note_of(node).is_stable;
    let start = nodes.filter(is_stable).find(|&node| calm.possible(node).is_empty());
    let start = start.expect("somebody leads, and all messages have arrived");
    for property in [Property::LeaderElected, Property::LeaderStable] {
        let cycle = Violation::Cycle(Cycle { start, moves: Vec::new() });
        let refuted = Lasso::of(property, hostile.graph(), &calm, &cycle).map(|_| ());
        assert_eq!(refuted, Err(Refuted::NoViolation), "{property}");
    }
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
       S1  term 0  follower       has not voted
       S2  term 0  follower       has not voted
  1. S1 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]
     > S1  term 1  candidate      voted for S1  has votes of {S1}
       S2  term 0  follower       has not voted
       sent S1 → all: RequestVote (term 1)
  2. S2 grants S1 its vote in term 1.  [ReceiveRequestVote by VoteGranted]
       S1  term 1  candidate      voted for S1  has votes of {S1}
     > S2  term 1  follower       voted for S1
       sent S2 → S1: RequestVoteResponse (term 1, vote granted)
     What follows repeats for ever, in terms that may be higher each time.
  3. S1 crashes and comes up again.  [Restart by Started]
     > S1  term 1  follower       voted for S1
       S2  term 1  follower       voted for S1
  4. S1 hears no leader: it campaigns in term 2 and votes for itself.  [Timeout by Campaigned]
     > S1  term 2  candidate      voted for S1  has votes of {S1}
       S2  term 1  follower       voted for S1
       sent S1 → all: RequestVote (term 2)
  5. S2 grants S1 its vote in term 2.  [ReceiveRequestVote by VoteGranted]
       S1  term 2  candidate      voted for S1  has votes of {S1}
     > S2  term 2  follower       voted for S1
       sent S2 → S1: RequestVoteResponse (term 2, vote granted)
     And so on, as after step 2.
     The assumptions hold, and the run is fair. Fairness is for:
       what happens         S1's election timer, RequestVote S1 → S2
       what could, at times S2's election timer, vote S2 → S1
       what always could    nothing
";
    assert_eq!(lasso.to_string(), story);
}

/// How the story of a run ends on which a property fails without an assumption.
fn ending(assumption: Assumption, property: Property) -> String {
    let without = Assumptions::ALL.without(assumption, Cluster::new(2).unwrap());
    let findings = hostile(2, 2).judge(without, &Control::default()).unwrap();
    let verdict = findings.verdicts.into_iter().find(|(other, _)| *other == property);
    let Some((_, Verdict::Fails(lasso))) = verdict else { panic!("it fails") };
    let story = lasso.to_string();
    let (_, ending) = story.split_once("  S2  term 0  follower       has not voted\n").unwrap();
    ending.to_owned()
}

#[test]
fn a_run_that_cannot_come_to_a_leader_is_told_as_one() {
    let expected = "     Never to move again: {S2}.
     None of the 2 worlds to come has a leader.
";
    assert_eq!(ending(Assumption::MajorityLives, Property::LeaderPossible), expected);
}

#[test]
fn a_run_that_stays_where_it_is_is_told_as_one() {
    let expected = "     Nothing happens any more.
     The assumptions hold, and the run is fair. Fairness is for:
       what happens         nothing
       what could, at times nothing
       what always could    nothing
";
    assert_eq!(ending(Assumption::TimersFire, Property::LeaderElected), expected);
}

#[test]
fn an_exploration_that_is_stopped_says_why() {
    let control = Control::default();
    control.stop(Stop::Interrupted);
    let stopped = Hostile::explore(hostile(2, 1).graph().model(), &control);
    assert_eq!(stopped.map(|_| ()), Err(Stop::Interrupted));
}

/// S1 leads term 2, and what the others do.
#[test]
fn a_leader_is_stable_once_everybody_else_follows_it() {
    let state = |term: u64, role| {
        let ballot = Ballot { current_term: Term::new(term), voted_for: None };
        State { ballot, role }
    };
    let candidate = Role::Candidate { votes: ServerSet::EMPTY };
    for (other, is_led, is_stable) in [
        (state(2, Role::FOLLOWER), true, true),
        (state(2, candidate), true, false),
        (state(1, Role::FOLLOWER), true, false),
        (state(1, Role::LEADER), true, false),
        (state(3, Role::FOLLOWER), false, false),
        (state(3, Role::LEADER), true, false),
    ] {
        let servers = [state(2, Role::LEADER), other, state(2, Role::FOLLOWER)];
        let cluster = Cluster::new(3).unwrap();
        let note = Note::of(cluster, Links::ALL, |id| servers[id.index()]);
        assert_eq!((note.is_led, note.is_stable), (is_led, is_stable), "{other}");
        let dead = ServerSet::only(ServerId::new(2).unwrap());
        let note = Note::of(cluster, Links::ALL.without(dead), |id| servers[id.index()]);
        assert!(note.is_led && note.is_stable, "nobody asks {other}, who is dead");
    }
}

#[test]
fn the_edges_of_a_node_are_those_that_were_added_to_it() {
    let mut edges = Edges::new();
    assert!(edges.is_empty());
    for node in [&[(1, 1), (2, 0)][..], &[], &[(3, 2)]] {
        node.iter().for_each(|&(class, to)| edges.push(class, to));
        edges.end_node();
    }
    assert_eq!((edges.nodes(), edges.len(), edges.is_empty()), (3, 3, false));
    let of = |node| edges.of(node).collect::<Vec<_>>();
    assert_eq!([of(0), of(1), of(2)], [vec![(1, 1), (2, 0)], vec![], vec![(3, 2)]]);
}

#[test]
fn assumptions_and_properties_have_names_and_say_what_they_are() {
    let names = [
        "messages-first",
        "heartbeats-hold",
        "restarts-end",
        "repeats-end",
        "majority-lives",
        "timers-fire",
        "messages-arrive",
    ];
    assert_eq!(ASSUMPTIONS.map(Assumption::name), names);
    let properties = ["LeaderPossible", "LeaderElected", "LeaderStable"];
    assert_eq!(LIVENESS.map(|property| property.to_string()), properties);
    let sentences = ASSUMPTIONS.iter().flat_map(|one| [one.says(), one.without()]);
    let sentences = sentences.chain(LIVENESS.iter().map(|property| property.says()));
    let words = sentences.map(|sentence| sentence.split(' ').count());
    assert!(words.min() >= Some(3), "these are no sentences");
}

#[test]
fn without_a_living_majority_the_last_servers_are_dead_as_few_as_it_takes() {
    for (size, dead) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4)] {
        let cluster = Cluster::new(size).unwrap();
        let without = Assumptions::ALL.without(Assumption::MajorityLives, cluster);
        let expected = cluster.servers().skip(usize::from(size - dead)).collect();
        assert_eq!(without.links.alone(cluster), expected, "of {size} servers");
        assert_eq!(last_servers(cluster, dead), expected);
    }
}
