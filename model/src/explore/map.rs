//! All states as a map: classes of them, what leads from one to another, and where a path is.
//!
//! A **phase** is the highest term and what it has come to: somebody stands, several, one leads.
//! Nine circles stand for a hundred thousand states. Raw states are laid out by levels: how far
//! each is from the start.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde_json::{Value, json};

use super::codes::Code;
use super::setting::Setting;
use super::walk::Walker;
use crate::action::Move;
use crate::cluster::Protocol;
use crate::election::Role;
use crate::reduce::{Packed, PackedModel, Reductions};
use crate::run::World;
use crate::search::{Control, Coverage};
use crate::types::Term;
use crate::world::WorldModel;
use crate::world::bounds::{Bounds, Limits};

/// How many states are looked at.
pub const MOST: usize = 300_000;
/// How many steps between states are drawn; beyond that, only how each was reached first.
pub const MOST_DRAWN: usize = 40_000;

/// What the highest term has come to, in the order in which that happens.
pub const STAGES: [&str; 6] =
    ["nobody stands", "somebody asks", "one stands", "several stand", "one leads", "two lead"];

/// The phase of a world: its highest term, and the number of its stage.
pub fn phase(world: &World) -> (Term, usize) {
    let highest = world.servers.iter().map(|state| state.ballot.current_term).max();
    let highest = highest.unwrap_or(Term::ZERO);
    let of_term = || world.servers.iter().filter(|state| state.ballot.current_term == highest);
    let leaders = of_term().filter(|state| state.role.is_leader()).count();
    let standing = of_term().filter(|state| matches!(state.role, Role::Candidate { .. })).count();
    let asks = world.servers.iter().any(|state| matches!(state.role, Role::PreCandidate { .. }));
    let stage = match (leaders, standing, asks) {
        (0, 0, false) => 0,
        (0, 0, true) => 1,
        (0, 1, _) => 2,
        (0, _, _) => 3,
        (1, _, _) => 4,
        _ => 5,
    };
    (highest, stage)
}

/// Who leads, in which order of terms: "S1 of 1, S2 of 2".
pub(super) fn leaders(world: &World) -> String {
    let leading = world.states().filter(|(_, state)| state.role.is_leader());
    let mut leading: Vec<_> = leading.map(|(id, state)| (state.ballot.current_term, id)).collect();
    leading.sort_unstable();
    let named = leading.iter().map(|(term, id)| format!("{id} leads {term}"));
    let named: Vec<_> = named.collect();
    if named.is_empty() { "nobody leads".to_owned() } else { named.join(", ") }
}

/// States that can be looked at, one after the other.
trait Space: Send + Sync {
    type State: Clone + Eq + Hash + Send + Sync;
    fn state(&self, world: &World) -> Self::State;
    fn world(&self, state: &Self::State) -> World;
    fn successors(&self, state: &Self::State) -> Vec<Self::State>;
}

impl<const W: usize> Space for PackedModel<W> {
    type State = Packed<W>;

    fn state(&self, world: &World) -> Packed<W> {
        self.reduce(world)
    }

    fn world(&self, state: &Packed<W>) -> World {
        self.layout().unpack(state)
    }

    fn successors(&self, state: &Packed<W>) -> Vec<Packed<W>> {
        let mut found = Vec::new();
        self.for_each_successor(state, |_: Move, _, reduced| found.push(reduced));
        found
    }
}

/// Whole worlds, for mutants: reductions are argued for the specification only.
impl Space for WorldModel {
    type State = World;

    fn state(&self, world: &World) -> World {
        world.clone()
    }

    fn world(&self, state: &World) -> World {
        state.clone()
    }

    fn successors(&self, state: &World) -> Vec<World> {
        Self::successors(self, state).into_iter().map(|(_, after)| after).collect()
    }
}

/// A map that was made.
pub trait Map: Send + Sync {
    /// Its size, its classes, and the steps between them, by `phase` or by `leaders`.
    fn classes(&self, by_leaders: bool) -> Value;
    /// Its states: the level, the phase, and how they hang together.
    fn states(&self) -> Value;
    /// The number of the state that stands for a world, if it is on the map.
    fn place(&self, world: &World) -> Option<u32>;
    /// A shortest way to a state.
    fn way_to(&self, node: u32) -> Option<Vec<Code>>;
}

struct Made<S: Space> {
    space: S,
    setting: Setting,
    states: Vec<S::State>,
    numbers: HashMap<S::State, u32>,
    levels: Vec<u16>,
    parents: Vec<u32>,
    edges: Vec<(u32, u32)>,
    is_whole: bool,
}

/// Whether its worlds are reduced: those of mutants, and of other beginnings, are whole.
fn is_reduced(setting: &Setting) -> bool {
    setting.mutant.is_none() && setting.begins_anew()
}

/// Makes the map of a setting. Nothing, if a state does not fit.
pub fn make(setting: &Setting, control: &Control) -> Option<Arc<dyn Map>> {
    let limits = Limits { rounds: 2, attempts: 1, ..setting.bounds().limits };
    let bounds = Bounds { limits, ..setting.bounds() };
    if setting.last_term.number() > 50 {
        return None;
    }
    if !is_reduced(setting) {
        let model = WorldModel { bounds, handlers: setting.model().handlers };
        return Some(Arc::new(explored(model, setting, control)));
    }
    let reductions = match setting.cluster.protocol() {
        Protocol::FIGURE2 => Reductions::EXACT,
        _ => Reductions::GUARDED,
    };
    if let Some(model) = PackedModel::<4>::new(bounds, reductions) {
        return Some(Arc::new(explored(model, setting, control)));
    }
    let model = PackedModel::<8>::new(bounds, reductions)?;
    Some(Arc::new(explored(model, setting, control)))
}

fn explored<S: Space>(space: S, setting: &Setting, control: &Control) -> Made<S> {
    let begin = space.state(&setting.initial());
    let mut made = Made {
        numbers: HashMap::from([(begin.clone(), 0)]),
        states: vec![begin],
        levels: vec![0],
        parents: vec![0],
        edges: Vec::new(),
        is_whole: true,
        setting: setting.clone(),
        space,
    };
    let mut at = 0;
    while at < made.states.len() {
        if at % 1024 == 0 {
            let depth = usize::from(made.levels[at]) + 1;
            control.covers(Coverage { states: at, edges: made.edges.len(), depth });
            if control.stopped().is_some() {
                made.is_whole = false;
                break;
            }
        }
        let from = u32::try_from(at).expect("few states");
        let mut reached = Vec::new();
        for after in made.space.successors(&made.states[at]) {
            let next = u32::try_from(made.states.len()).expect("few states");
            let number = match made.numbers.get(&after) {
                Some(&number) => number,
                None if made.states.len() >= MOST => {
                    made.is_whole = false;
                    continue;
                }
                None => {
                    made.numbers.insert(after.clone(), next);
                    made.states.push(after);
                    made.levels.push(made.levels[at].saturating_add(1));
                    made.parents.push(from);
                    next
                }
            };
            if number != from {
                reached.push(number);
            }
        }
        reached.sort_unstable();
        reached.dedup();
        made.edges.extend(reached.into_iter().map(|to| (from, to)));
        at += 1;
    }
    made
}

impl<S: Space> Map for Made<S> {
    fn classes(&self, by_leaders: bool) -> Value {
        let mut classes: Vec<(Value, usize, usize)> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let class_of = self.states.iter().enumerate().map(|(node, state)| {
            let world = self.space.world(state);
            let (term, stage) = phase(&world);
            let name = if by_leaders { leaders(&world) } else { format!("{term} {stage}") };
            let class = *numbers.entry(name.clone()).or_insert_with(|| {
                let told = json!({ "name": name, "term": super::tell::term(term), "stage": stage });
                classes.push((told, 0, node));
                classes.len() - 1
            });
            classes[class].1 += 1;
            class
        });
        let class_of: Vec<_> = class_of.collect();
        let mut arrows: HashMap<(usize, usize), usize> = HashMap::new();
        for &(from, to) in &self.edges {
            let arrow = (class_of[from as usize], class_of[to as usize]);
            if arrow.0 != arrow.1 {
                *arrows.entry(arrow).or_default() += 1;
            }
        }
        let mut arrows: Vec<_> = arrows.into_iter().collect();
        arrows.sort_unstable();
        let told = classes.into_iter().map(|(mut told, count, node)| {
            told["count"] = json!(count);
            told["node"] = json!(node);
            told
        });
        json!({
            "states": self.states.len(),
            "steps": self.edges.len(),
            "levels": self.levels.iter().max().map_or(0, |&last| last + 1),
            "whole": self.is_whole,
            "reduced": is_reduced(&self.setting),
            "stages": STAGES,
            "classes": told.collect::<Value>(),
            "arrows": arrows.iter().map(|((from, to), n)| json!([from, to, n])).collect::<Value>(),
        })
    }

    fn states(&self) -> Value {
        let stages: Vec<_> =
            self.states.iter().map(|state| phase(&self.space.world(state)).1).collect();
        let all_drawn = self.edges.len() <= MOST_DRAWN;
        let edges: Vec<u32> = if all_drawn {
            self.edges.iter().flat_map(|&(from, to)| [from, to]).collect()
        } else {
            (1..).zip(&self.parents[1..]).flat_map(|(to, &from)| [from, to]).collect()
        };
        json!({
            "levels": self.levels,
            "stages": stages,
            "edges": edges,
            "all_edges": all_drawn,
            "steps": self.edges.len(),
            "whole": self.is_whole,
        })
    }

    fn place(&self, world: &World) -> Option<u32> {
        self.numbers.get(&self.space.state(world)).copied()
    }

    /// States stand for many worlds: the way is walked in whole ones.
    fn way_to(&self, node: u32) -> Option<Vec<Code>> {
        let mut nodes = vec![node];
        while let Some(&last) = nodes.last()
            && last != 0
        {
            nodes.push(*self.parents.get(last as usize)?);
        }
        let walker = Walker::new(&self.setting);
        let mut world = self.setting.initial();
        let mut path = Vec::new();
        for &node in nodes.iter().rev().skip(1) {
            let goal = &self.states[node as usize];
            let successors = walker.model().successors(&world).into_iter();
            let (a_move, after) =
                successors.into_iter().find(|(_, after)| self.space.state(after) == *goal)?;
            path.push(Code::of(&world, &a_move));
            world = after;
        }
        Some(path)
    }
}
