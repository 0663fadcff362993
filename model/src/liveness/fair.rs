//! Fair cycles: whether a graph has an infinite run that is fair and does not stay in good states.
//!
//! An infinite run ends up in one strongly connected component, and goes round there for ever. So
//! the graph is cut into components (Tarjan), and each is judged as a whole. It is no home of a
//! fair run if a class that is owed weak fairness is possible at all of its states and its moves
//! all lead out. If a class that is owed strong fairness is possible somewhere and its moves all
//! lead out, a fair run can only live in the rest, without the states where it is possible: the
//! rest is cut into components again (Emerson and Lei, "Modalities for Model Checking: Branching
//! Time Logic Strikes Back", for Streett conditions). A component that passes is fair by going
//! through all of it.
//!
//! A run may also stay where it is for ever, if no move that is owed to anybody is possible there.
//! That is the cycle of no moves, and any single state is a component.
//!
//! Nothing here recurses: graphs of many million edges are searched in flat arrays.

use std::collections::{HashMap, HashSet, VecDeque};

use super::class::Classes;
use super::components::Components;
use super::runs::Runs;

/// What is owed to classes of moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fairness {
    /// A move is made again and again, if one is possible from some time on.
    pub weak: Classes,
    /// A move is made again and again, if one is possible again and again.
    pub strong: Classes,
}

/// What was possible and what was made, on a way or in a component.
pub(crate) struct Account {
    /// The classes that were possible everywhere.
    pub(crate) always: Classes,
    /// The classes that were possible somewhere.
    pub(crate) ever: Classes,
    /// The classes of the moves that were made.
    pub(crate) made: Classes,
}

impl Account {
    pub(crate) const EMPTY: Self =
        Self { always: Classes::ALL, ever: Classes::NONE, made: Classes::NONE };

    pub(crate) fn visit(&mut self, possible: Classes) {
        self.always = self.always.and(possible);
        self.ever = self.ever.or(possible);
    }

    /// Whom it is not fair to pass over for ever: moves of these classes are always possible.
    pub(crate) fn owed_weakly(&self, fairness: &Fairness) -> Classes {
        fairness.weak.and(self.always).without(self.made)
    }

    /// To whom something is owed.
    pub(crate) fn owed(&self, fairness: &Fairness) -> Classes {
        self.owed_weakly(fairness).or(self.owed_strongly(fairness))
    }

    /// Whom it is not fair to pass over again and again.
    fn owed_strongly(&self, fairness: &Fairness) -> Classes {
        fairness.strong.and(self.ever).without(self.made)
    }
}

/// A cycle of a graph: where it starts, and its moves, each with where it leads; the last one back
/// to the start. A run that stays where it is makes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Where it starts.
    pub start: u32,
    /// Classes of moves, and where they lead.
    pub moves: Vec<(u8, u32)>,
}

/// How many starts are tried for a short cycle.
const STARTS: usize = 32;

/// A fair cycle that only goes through nodes that are `inside`, and through one that is `bad`, if
/// there is any. Of those it is one with the lowest start, or nearly so.
pub fn fair_cycle(
    runs: &impl Runs,
    fairness: &Fairness,
    inside: impl Fn(u32) -> bool,
    bad: impl Fn(u32) -> bool,
) -> Option<Cycle> {
    let component = fair_component(runs, fairness, inside, &bad)?;
    let members: HashSet<u32> = component.iter().copied().collect();
    let mut starts: Vec<u32> = component.into_iter().filter(|&node| bad(node)).collect();
    starts.sort_unstable();
    let cycles = starts.iter().take(STARTS);
    let cycles = cycles.map(|&start| go_round(runs, fairness, &members, start, |_| true));
    cycles.min_by_key(|cycle| cycle.moves.len())
}

/// The nodes from which some run comes to a goal.
pub fn can_reach(runs: &impl Runs, goal: impl Fn(u32) -> bool) -> Vec<bool> {
    let nodes = u32::try_from(runs.edges().nodes()).expect("fewer than 2^32 nodes");
    let mut can = vec![false; nodes as usize];
    let all: Vec<u32> = (0..nodes).collect();
    // A component is found after all those to which it leads.
    for component in Components::new(nodes).of(runs, &all).iter() {
        let reaches = |node: u32| goal(node) || runs.moves(node).any(|(_, to)| can[to as usize]);
        if component.iter().any(|&node| reaches(node)) {
            component.iter().for_each(|&node| can[node as usize] = true);
        }
    }
    can
}

/// How many nodes a run can come to from this one.
pub(super) fn reachable(runs: &impl Runs, from: u32) -> usize {
    let mut reached = HashSet::from([from]);
    let mut todo = vec![from];
    while let Some(node) = todo.pop() {
        todo.extend(runs.moves(node).map(|(_, to)| to).filter(|&to| reached.insert(to)));
    }
    reached.len()
}

/// The fair component that has the lowest bad node, if there is a fair component with a bad node.
fn fair_component(
    runs: &impl Runs,
    fairness: &Fairness,
    inside: impl Fn(u32) -> bool,
    bad: impl Fn(u32) -> bool,
) -> Option<Vec<u32>> {
    let nodes = u32::try_from(runs.edges().nodes()).expect("fewer than 2^32 nodes");
    let mut components = Components::new(nodes);
    let mut todo = vec![(0..nodes).filter(|&node| inside(node)).collect::<Vec<_>>()];
    let mut best: Option<(u32, Vec<u32>)> = None;
    while let Some(nodes) = todo.pop() {
        for component in components.of(runs, &nodes).iter() {
            let bad = component.iter().copied().filter(|&node| bad(node)).min();
            let Some(lowest) = bad.filter(|&bad| best.as_ref().is_none_or(|best| bad < best.0))
            else {
                continue;
            };
            let mut account = Account::EMPTY;
            for &node in component {
                let mut possible = runs.left_out(node);
                for (class, to) in runs.moves(node) {
                    possible.insert(class);
                    if components.are_together(node, to) {
                        account.made.insert(class);
                    }
                }
                account.visit(possible);
            }
            if !account.owed_weakly(fairness).is_empty() {
                continue;
            }
            let leads_out = account.owed_strongly(fairness);
            if leads_out.is_empty() {
                best = Some((lowest, component.to_vec()));
            } else {
                let rest = component.iter().copied();
                let rest = rest.filter(|&node| runs.possible(node).and(leads_out).is_empty());
                todo.push(rest.collect());
            }
        }
    }
    best.map(|(_, component)| component)
}

/// A fair cycle through a node of a fair component: to whatever is still owed, the nearest first,
/// past a node that it has to visit, and back.
pub(crate) fn go_round(
    runs: &impl Runs,
    fairness: &Fairness,
    members: &HashSet<u32>,
    start: u32,
    visits: impl Fn(u32) -> bool,
) -> Cycle {
    let mut moves: Vec<(u8, u32)> = Vec::new();
    let mut at = start;
    let mut account = Account::EMPTY;
    account.visit(runs.possible(start));
    let mut was_there = visits(start);
    loop {
        let owed = account.owed(fairness);
        let weakly = account.owed_weakly(fairness);
        if owed.is_empty() && was_there && at == start {
            return Cycle { start, moves };
        }
        let way = nearest(runs, members, at, |class, node| {
            if owed.is_empty() && was_there {
                return node == start;
            }
            if !was_there && visits(node) {
                return true;
            }
            // What is not possible everywhere is not owed weakly.
            owed.contains(class) || !weakly.without(runs.possible(node)).is_empty()
        });
        at = way.last().expect("a fair component has what it owes").1;
        for &(class, node) in &way {
            account.made.insert(class);
            account.visit(runs.possible(node));
            was_there |= visits(node);
        }
        moves.extend(way);
    }
}

/// The shortest way within a component whose last move pays.
fn nearest(
    runs: &impl Runs,
    members: &HashSet<u32>,
    from: u32,
    pays: impl Fn(u8, u32) -> bool,
) -> Vec<(u8, u32)> {
    let mut arrivals: HashMap<u32, (u8, u32)> = HashMap::new();
    let mut todo = VecDeque::from([from]);
    while let Some(node) = todo.pop_front() {
        for (class, to) in runs.moves(node).filter(|(_, to)| members.contains(to)) {
            if pays(class, to) {
                let mut way = vec![(class, to)];
                let mut at = node;
                while at != from {
                    let (class, before) = arrivals[&at];
                    way.push((class, at));
                    at = before;
                }
                way.reverse();
                return way;
            }
            if to != from && !arrivals.contains_key(&to) {
                arrivals.insert(to, (class, node));
                todo.push_back(to);
            }
        }
    }
    Vec::new()
}
