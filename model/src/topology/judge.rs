//! What is found on some links: whether a leader stays, on which runs, and how often somebody comes
//! to office.

use std::collections::HashSet;
use std::fmt;

use super::beginnings::terms;
use super::calm::Calm;
use super::graph::Graph;
use super::lasso::{Lasso, Refuted};
use crate::liveness::components::{Components, Members};
use crate::liveness::fair::{Account, Cycle, Fairness, go_round};
use crate::liveness::runs::Runs as _;
use crate::search::{Control, Coverage, Stop};
use crate::types::{ServerId, ServerSet};

/// Whether a useful leader stays: one that a quorum follows, over links both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There are runs, which cannot be left, on which none ever does.
    Fails,
    /// On almost all runs: on all, if timers are random. On a fair one none may.
    AlmostSurely,
    /// On all fair runs.
    Always,
}

/// "ok", "a.s.", "FAILS"
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "ok",
            Self::AlmostSurely => "a.s.",
            Self::Fails => "FAILS",
        })
    }
}

/// What was found of one protocol on some links.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The size of the graph: worlds in which nothing is under way, and timers between them.
    pub coverage: Coverage,
    /// The servers that are linked both ways to a quorum.
    pub centres: ServerSet,
    /// Whether a useful leader stays.
    pub verdict: Verdict,
    /// Whether somebody who is linked both ways to a leader that stays may never follow it.
    pub excludes: bool,
    /// How many leaders a quorum comes to follow on a run, one after the other, at most; none:
    /// there is no end to it.
    pub leaders: Option<usize>,
    /// How many times a server is elected on a run, at most; none: there is no end to it. Whoever
    /// is elected in a lower term than a server that it hears leaves office at once.
    pub elections: Option<usize>,
    /// Whether a leader ever had a round answered by a quorum, and so a lease.
    pub has_lease: bool,
    /// A run on which no useful leader stays, if there is one; or why it is none.
    pub lasso: Option<Result<Box<Lasso>, Refuted>>,
}

/// Where a useful leader does not stay: a component, and whether a run in it has to stay there.
type Bad = (bool, Vec<u32>);

/// Judges a protocol on some links.
///
/// # Errors
///
/// Why it was stopped.
pub fn judge(calm: Calm, control: &Control) -> Result<Finding, Stop> {
    let graph = Graph::explore(calm, terms(calm.cluster.size()), control)?;
    let all: Vec<u32> = (0..graph.nodes()).collect();
    let mut components = Components::new(graph.nodes());
    let members = components.of(&graph, &all);
    let fairness = fairness(calm);
    let mut finding = Finding {
        coverage: graph.coverage(),
        centres: calm.links.centres(calm.cluster),
        verdict: Verdict::Always,
        excludes: false,
        leaders: most(&graph, &members, |from, to, _| {
            let [before, after] = [from, to].map(|node| graph.useful[node as usize]);
            usize::from(after.is_some() && before != after)
        }),
        elections: most(&graph, &members, |_, _, elections| elections),
        has_lease: graph.phase.has_lease.get(),
        lasso: None,
    };
    let mut bad: Vec<Bad> = Vec::new();
    for component in members.iter() {
        let is_inside = |(from, to): (u32, u32)| components.are_together(from, to);
        let Some(is_end) = is_home(&graph, component, is_inside, &fairness) else { continue };
        match lasting(&graph, component) {
            Some(leader) => finding.excludes |= excludes(&graph, component, leader),
            None => bad.push((is_end, component.to_vec())),
        }
    }
    finding.verdict = match bad.iter().map(|(is_end, _)| is_end).max() {
        None => Verdict::Always,
        Some(false) => Verdict::AlmostSurely,
        Some(true) => Verdict::Fails,
    };
    // What cannot be left says more.
    bad.retain(|(is_end, _)| *is_end || finding.verdict == Verdict::AlmostSurely);
    finding.lasso = shown(&graph, &fairness, bad);
    Ok(finding)
}

/// How many components, and how many starts in each, are tried for a run that is one in real terms,
/// too.
const TRIES: usize = 16;

/// A run that goes round in one of these components: the smaller, the better.
fn shown(
    graph: &Graph,
    fairness: &Fairness,
    mut bad: Vec<Bad>,
) -> Option<Result<Box<Lasso>, Refuted>> {
    bad.sort_by_key(|(_, component)| (component.len(), component.iter().min().copied()));
    let cycles = bad.iter().take(TRIES).flat_map(|(_, nodes)| cycles(graph, fairness, nodes));
    let mut refuted = None;
    for cycle in cycles {
        match Lasso::of(graph, &cycle) {
            Ok(lasso) => return Some(Ok(Box::new(lasso))),
            Err(why) => refuted = refuted.or(Some(why)),
        }
    }
    refuted.map(Err)
}

/// Every server's timer fires, if it always may.
pub(super) fn fairness(calm: Calm) -> Fairness {
    let classes = 0..calm.cluster.size();
    Fairness { weak: classes.collect(), strong: std::iter::empty().collect() }
}

/// Whether a fair run can stay in a component for ever; and if so, whether it has to.
fn is_home(
    graph: &Graph,
    component: &[u32],
    is_inside: impl Fn((u32, u32)) -> bool,
    fairness: &Fairness,
) -> Option<bool> {
    let mut account = Account::EMPTY;
    let mut is_end = true;
    for &node in component {
        account.visit(graph.possible(node));
        for (class, to) in graph.moves(node) {
            if is_inside((node, to)) {
                account.made.insert(class);
            } else {
                is_end = false;
            }
        }
    }
    account.owed_weakly(fairness).is_empty().then_some(is_end)
}

/// The leader that is useful in all of a component.
fn lasting(graph: &Graph, component: &[u32]) -> Option<ServerId> {
    let useful = |&node: &u32| graph.useful[node as usize];
    let first = component.first().and_then(useful);
    first.filter(|_| component.iter().all(|node| useful(node) == first))
}

/// Whether somebody who is linked both ways to the leader is nowhere in its term.
fn excludes(graph: &Graph, component: &[u32], leader: ServerId) -> bool {
    let linked = graph.phase.calm.links.both_ways(leader);
    let mut others = graph.phase.calm.cluster.others(leader).filter(|&id| linked.contains(id));
    others.any(|id| {
        !component.iter().any(|&node| {
            let servers = graph.servers(node);
            let term = |id: ServerId| servers[id.index()].ballot.current_term;
            term(id) == term(leader)
        })
    })
}

/// Fair cycles of a component on which no leader stays, the shortest first.
fn cycles(graph: &Graph, fairness: &Fairness, component: &[u32]) -> Vec<Cycle> {
    let members: HashSet<u32> = component.iter().copied().collect();
    let useful = |node: u32| graph.useful[node as usize];
    let mut starts: Vec<u32> = component.to_vec();
    starts.sort_unstable_by_key(|&node| (useful(node).is_some(), node));
    let cycle = |start: u32| {
        let changes = |node| useful(start).is_none() || useful(node) != useful(start);
        go_round(graph, fairness, &members, start, changes)
    };
    let mut cycles: Vec<_> = starts.into_iter().take(TRIES).map(cycle).collect();
    cycles.sort_by_key(|cycle| cycle.moves.len());
    cycles
}

/// The most that can be counted on any run; none, if there is no end to it. A component is found
/// after all those to which it leads. An edge counts by its ends, and how many are elected on it.
fn most(
    graph: &Graph,
    members: &Members,
    count: impl Fn(u32, u32, usize) -> usize,
) -> Option<usize> {
    let mut of = vec![0_usize; graph.nodes() as usize];
    let mut most: Vec<usize> = Vec::new();
    for (number, component) in members.iter().enumerate() {
        component.iter().for_each(|&node| of[node as usize] = number);
        let mut best = 0;
        for &node in component {
            for (to, elections) in graph.elections_of(node) {
                let counted = count(node, to, elections.into());
                match of[to as usize] {
                    home if home == number && counted > 0 => return None,
                    home if home == number => {}
                    other => best = best.max(most[other] + counted),
                }
            }
        }
        most.push(best);
    }
    most.into_iter().max()
}
