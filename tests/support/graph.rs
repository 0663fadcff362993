//! The reachable graph of a model, written out, so that two models can be compared edge for edge.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

use raft_model::action::Action;
use raft_model::run::told;
use raft_model::search::Coverage;
use raft_model::world::ElectionModel;
use raft_model::world::World;

/// What can be reached, in terms of worlds. An edge is a world, the name of an action and another
/// world; who acts need not be said, since it is who changes or sends.
pub struct Graph {
    /// Whose graph it is.
    name: &'static str,
    worlds: Vec<World>,
    numbers: HashMap<World, usize>,
    initial: BTreeSet<usize>,
    /// The edges out of each world.
    edges: Vec<BTreeSet<(Action, usize)>>,
}

impl Graph {
    /// A graph without worlds.
    pub fn empty(name: &'static str) -> Self {
        let (worlds, numbers) = (Vec::new(), HashMap::new());
        Self { name, worlds, numbers, initial: BTreeSet::new(), edges: Vec::new() }
    }

    /// The graph of a model.
    pub fn of<M: ElectionModel>(name: &'static str, model: &M) -> Self {
        let mut graph = Self::empty(name);
        let mut states = model.init_states();
        for state in &states {
            let number = graph.number(model.world(state).into_owned());
            graph.initial.insert(number);
        }
        let mut before = 0;
        while before < states.len() {
            for (a_move, state) in model.next_steps(&states[before]) {
                let after = graph.number(model.world(&state).into_owned());
                graph.edges[before].insert((a_move.action, after));
                if after == states.len() {
                    states.push(state);
                }
            }
            before += 1;
        }
        graph
    }

    /// The number of a world, which is added if it is new.
    pub fn number(&mut self, world: World) -> usize {
        let new = self.worlds.len();
        let number = *self.numbers.entry(world).or_insert_with_key(|world| {
            self.worlds.push(world.clone());
            new
        });
        if number == new {
            self.edges.push(BTreeSet::new());
        }
        number
    }

    /// Adds a world in which runs start.
    pub fn add_initial(&mut self, world: usize) {
        self.initial.insert(world);
    }

    /// Adds an edge.
    pub fn add_edge(&mut self, before: usize, action: Action, after: usize) {
        self.edges[before].insert((action, after));
    }

    /// How large it is. The depth is that of a search, breadth first.
    pub fn coverage(&self) -> Coverage {
        let mut seen: HashSet<usize> = self.initial.iter().copied().collect();
        let mut level: Vec<usize> = seen.iter().copied().collect();
        let mut depth = 0;
        while !level.is_empty() {
            depth += 1;
            let next = level.iter().flat_map(|&world| &self.edges[world]);
            level = next.map(|&(_, after)| after).filter(|&after| seen.insert(after)).collect();
        }
        assert_eq!(seen.len(), self.worlds.len(), "every world of {} can be reached", self.name);
        let edges = self.edges.iter().map(BTreeSet::len).sum();
        Coverage { states: self.worlds.len(), edges, depth }
    }

    /// The edges out of a world, with the worlds that they lead to.
    fn edges(&self, world: usize) -> HashSet<(Action, &World)> {
        self.edges[world].iter().map(|&(action, after)| (action, &self.worlds[after])).collect()
    }

    /// The first difference to another graph, in words: a world, and what only one of the two can
    /// do there. If there is none, they are the same: they start in the same worlds, and go on to
    /// the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let starts = |graph: &Self| -> HashSet<World> {
            graph.initial.iter().map(|&number| graph.worlds[number].clone()).collect()
        };
        for (here, there) in [(self, other), (other, self)] {
            if let Some(world) = starts(here).difference(&starts(there)).next() {
                return Some(format!("a run starts only in {}\n{world}", here.name));
            }
        }
        self.worlds.iter().enumerate().find_map(|(number, world)| {
            let ours = self.edges(number);
            let theirs = other.edges(*other.numbers.get(world)?);
            let (only_ours, only_theirs) = (only(&ours, &theirs), only(&theirs, &ours));
            let mut text = format!("in\n{world}");
            for (name, edges) in [(self.name, &only_ours), (other.name, &only_theirs)] {
                for (action, after) in edges {
                    let _ = writeln!(text, "only in {name}: {action} to");
                    let _ = write!(text, "{}", told(world, after));
                }
            }
            (!only_ours.is_empty() || !only_theirs.is_empty()).then_some(text)
        })
    }
}

fn only<'a>(
    here: &HashSet<(Action, &'a World)>,
    there: &HashSet<(Action, &'a World)>,
) -> Vec<(Action, &'a World)> {
    let mut only: Vec<_> = here.difference(there).copied().collect();
    only.sort_by_key(|(action, after)| (*action, after.to_string()));
    only
}
