//! What three servers do on a few links.

use std::collections::BTreeMap;

use super::graph::Graph;
use super::lasso::Lasso;
use super::*;
use crate::cluster::{Cluster, Protocol};
use crate::election::Handlers;
use crate::liveness::fair::Cycle;
use crate::liveness::runs::Runs as _;
use crate::search::Control;
use crate::world::links::Links;

fn calm(links: &str, protocol: Protocol) -> Calm {
    let cluster = Cluster::with(3, protocol).unwrap();
    let links = Links::parse(cluster, links).unwrap();
    Calm { cluster, links, handlers: Handlers::RAFT, orders: Orders::Every, gap: 3 }
}

fn judged(calm: Calm) -> Finding {
    judge(calm, &Control::default()).unwrap()
}

fn on(links: &str, protocol: Protocol) -> Finding {
    judged(calm(links, protocol))
}

#[test]
fn every_name_is_one_of_links() {
    for (size, links, called) in NAMED {
        let cluster = Cluster::new(size).unwrap();
        assert_eq!(name(cluster, Links::parse(cluster, links).unwrap()), Some(called), "{links}");
    }
}

/// Two servers that hear each other only through a third take the leadership from each other.
#[test]
fn figure_2_flaps_on_a_bridge_and_guards_do_not() {
    let finding = on("A-C B-C", Protocol::FIGURE2);
    assert_eq!((finding.verdict, finding.leaders), (Verdict::Fails, None));
    let lasso = finding.lasso.unwrap().unwrap();
    assert_eq!(lasso.useful.to_string(), "{S1, S2}");
    let finding = on("A-C B-C", Protocol::GUARDED);
    assert_eq!((finding.verdict, finding.leaders), (Verdict::Always, Some(1)));
    assert!(finding.has_lease && finding.lasso.is_none());
}

/// A leader that hears nobody, and is heard by all, stays, and leads nobody.
#[test]
fn a_deaf_leader_gives_way_only_by_check_quorum() {
    let finding = on("A-B A<C B<C", Protocol::FIGURE2);
    assert_eq!(finding.verdict, Verdict::Fails);
    let lasso = finding.lasso.unwrap().unwrap();
    assert!(lasso.cycle.moves.is_empty() && lasso.useful.is_empty(), "{lasso}");
    assert_eq!(on("A-B A<C B<C", Protocol::GUARDED).verdict, Verdict::Always);
}

#[test]
fn without_a_centre_there_is_no_leader_and_no_lease() {
    for links in ["A>B A<C B>C", "no links"] {
        for protocol in Protocol::ALL {
            let finding = on(links, protocol);
            assert_eq!(finding.verdict, Verdict::Fails);
            assert!(!finding.has_lease && finding.centres.is_empty());
        }
    }
}

/// The first level is where it begins: without links, that is everywhere.
#[test]
fn a_graph_is_as_deep_as_it_has_levels() {
    let depths = ["no links", "A-C B-C"].map(|links| on(links, Protocol::FIGURE2).coverage.depth);
    assert_eq!(depths, [1, 3]);
}

/// The most elections before one leader stays, if it does, and the edges of the graph.
fn elections(orders: Orders, links: &str) -> [(Option<usize>, usize); 3] {
    [Protocol::FIGURE2, Protocol::CHECK_QUORUM, Protocol::GUARDED].map(|protocol| {
        let found = judged(Calm { orders, ..calm(links, protocol) });
        (found.elections, found.coverage.edges)
    })
}

/// Where messages arrive in the order in which they were sent, less can happen.
#[test]
fn so_many_are_elected_before_one_stays() {
    let all = "A-B A-C B-C";
    assert_eq!(elections(Orders::Every, all), [(Some(2), 150), (None, 2322), (Some(2), 810)]);
    assert_eq!(elections(Orders::Fifo, all), [(Some(2), 150), (None, 1311), (Some(1), 465)]);
    let bridge = "A-C B-C";
    assert_eq!(elections(Orders::Every, bridge), [(None, 210), (None, 1287), (Some(2), 554)]);
    assert_eq!(elections(Orders::Fifo, bridge), [(None, 210), (None, 1008), (Some(1), 437)]);
}

/// What is said of runs that make one move or none, and of those that come back by two.
fn said_of_short_runs(calm: Calm) -> BTreeMap<String, usize> {
    let graph = Graph::explore(calm, 3, &Control::default()).unwrap();
    let mut said = BTreeMap::new();
    let mut say = |start, moves: &[(u8, u32)]| {
        let what = match Lasso::of(&graph, &Cycle { start, moves: moves.to_vec() }) {
            Ok(lasso) => {
                format!("{:?}, {} fire, {} lead", lasso.lengths(), lasso.fire, lasso.useful)
            }
            Err(refuted) => refuted.to_string(),
        };
        *said.entry(what).or_default() += 1;
    };
    for start in 0..graph.nodes() {
        say(start, &[]);
        for (class, to) in graph.moves(start) {
            (0..3).for_each(|any| say(start, &[(any, to)]));
            let back = graph.moves(to).filter(|&(_, next)| next == start);
            back.for_each(|back| say(start, &[(class, to), back]));
        }
    }
    said
}

#[track_caller]
fn is_said(links: &str, protocol: Protocol, expected: &[(&str, usize)]) {
    let expected = expected.iter().map(|&(what, times)| (what.to_owned(), times)).collect();
    assert_eq!(said_of_short_runs(calm(links, protocol)), expected);
}

#[test]
fn a_run_that_is_none_is_refused_and_it_is_said_why() {
    let expected = [
        ("(5, 12), {S1, S2} fire, {S1, S2} lead", 2),
        ("in real terms, step 0 leads elsewhere", 156),
        ("in real terms, step 3 leads elsewhere", 108),
        ("in real terms, step 5 leads elsewhere", 48),
        ("in real terms, step 6 leads elsewhere", 48),
        ("in real terms, step 9 leads elsewhere", 14),
        ("in real terms, step 10 leads elsewhere", 5),
        ("in real terms, step 11 leads elsewhere", 4),
        ("in real terms, step 14 leads elsewhere", 6),
        ("in real terms, step 16 leads elsewhere", 2),
        ("on the cycle a leader stays", 8),
        ("the cycle does not close in real terms", 6),
        ("the cycle passes over the timer of S1 for ever", 77),
        ("the cycle passes over the timer of S2 for ever", 21),
        ("the timer of S1 cannot fire there, in real terms", 71),
        ("the timer of S2 cannot fire there, in real terms", 71),
        ("the timer of S3 cannot fire there, in real terms", 91),
    ];
    is_said("A-C B-C", Protocol::FIGURE2, &expected);
}

/// Here a leader can lose its quorum; S1 hears nobody.
#[test]
fn nor_is_a_run_believed_that_leads_elsewhere_when_a_leader_gives_up() {
    let expected = [
        ("in real terms, step 0 leads elsewhere", 34),
        ("in real terms, step 1 leads elsewhere", 20),
        ("in real terms, step 2 leads elsewhere", 12),
        ("in real terms, step 3 leads elsewhere", 22),
        ("in real terms, step 4 leads elsewhere", 16),
        ("in real terms, step 5 leads elsewhere", 14),
        ("in real terms, step 6 leads elsewhere", 24),
        ("in real terms, step 7 leads elsewhere", 20),
        ("in real terms, step 8 leads elsewhere", 8),
        ("in real terms, step 9 leads elsewhere", 2),
        ("in real terms, step 10 leads elsewhere", 2),
        ("on the cycle a leader stays", 4),
        ("the cycle passes over the timer of S2 for ever", 75),
        ("the cycle passes over the timer of S3 for ever", 15),
        ("the timer of S1 cannot fire there, in real terms", 120),
        ("the timer of S2 cannot fire there, in real terms", 23),
        ("the timer of S3 cannot fire there, in real terms", 23),
    ];
    is_said("B-C", Protocol::GUARDED, &expected);
}

fn story(links: &str) -> String {
    on(links, Protocol::FIGURE2).lasso.unwrap().unwrap().to_string()
}

#[test]
fn a_run_on_which_no_leader_stays_is_told() {
    let expected = "  0. The network is calm from here on. Servers hear each other so: B>C
     (A is S1, B is S2, C is S3).
     Without links, and so as good as dead: {S1}.
       S1  term 0  follower       has not voted
       S2  term 1  leader         voted for S2
       S3  term 0  follower       has not voted
  1. S2 says that it leads term 1.  [Timeout by HeartbeatSent]
       S1  term 0  follower       has not voted
       S2  term 1  leader         voted for S2
       S3  term 0  follower       has not voted
       sent S2 → all: AppendEntries (term 1)
  2. S3 follows S2, the leader of term 1.  [ReceiveAppendEntries by HeartbeatAccepted]
       S1  term 0  follower       has not voted
       S2  term 1  leader         voted for S2
     > S3  term 1  follower       has not voted
       sent S3 → S2: AppendEntriesResponse (term 1)
     Nothing changes any more, whatever is sent.
     Each timer fires that always may; here, those of nobody.
     A quorum follows, over links both ways, at times: nobody.
";
    assert_eq!(story("B>C"), expected);
}

#[test]
fn a_run_that_repeats_is_told_as_far_as_it_does() {
    let told = story("A>B B-C");
    let told: Vec<&str> = told.lines().filter(|line| !line.starts_with("       ")).collect();
    let expected = [
        "  0. The network is calm from here on. Servers hear each other so: A>B B-C",
        "     (A is S1, B is S2, C is S3).",
        "  1. S1 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]",
        "     > S1  term 1  candidate      voted for S1  has votes of {S1}",
        "  2. S2 refuses S1 its vote: term 1 has it already.  [ReceiveRequestVote by VoteRefused]",
        "     What follows repeats for ever, in terms that may be higher each time.",
    ];
    assert_eq!(told[..6], expected);
    let expected = [
        " 10. S2 refuses S1 its vote: term 3 has it already.  [ReceiveRequestVote by VoteRefused]",
        "     And so on, as after step 2.",
        "     Each timer fires that always may; here, those of {S1, S2}.",
        "     A quorum follows, over links both ways, at times: {S2}.",
    ];
    assert_eq!(told[told.len() - 4..], expected);
}

#[test]
fn verdicts_are_called_in_the_table_as_it_explains() {
    let verdicts = [Verdict::Always, Verdict::AlmostSurely, Verdict::Fails];
    assert_eq!(verdicts.map(|verdict| verdict.to_string()), ["ok", "a.s.", "FAILS"]);
}
