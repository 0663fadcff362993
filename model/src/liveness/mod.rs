//! Liveness: that leaders are elected, and that they stay; and what that takes.
//!
//! No election is live without assumptions: split votes can repeat for ever, and so can crashes
//! (Fischer, Lynch and Paterson, "Impossibility of Distributed Consensus with One Faulty Process").
//! So there are two phases. In the **hostile** one anything may happen: timers fire at any time,
//! messages are lost, late, repeated and out of order, servers restart. It ends at some time, in
//! any world that it can reach, and the **calm** one begins, for which [`Assumptions`] are made. A
//! property is judged on all infinite runs of the calm phase from all those worlds.
//!
//! The graph holds all worlds within a window of terms ([`reduce`](crate::reduce)): terms are
//! unbounded, their spread over the servers is bounded. Where the window forbids a campaign that a
//! run could start, the graph is **cut**: if a run at such a world could matter, nothing is
//! claimed. Server symmetry is not used, since fairness is owed to each server.
//!
//! * [`assumptions`]: what the calm phase is like
//! * [`class`]: classes of moves, to which fairness is owed
//! * [`graph`]: all worlds and moves, kept
//! * [`fair`]: the search for fair cycles, component by component (`components`)
//! * [`lasso`]: a run that violates a property, replayed through the specification
//! * [`undisturbed`]: beside all that, a property of finite runs: who comes back disturbs nobody

pub mod assumptions;
pub mod class;
pub(crate) mod components;
pub mod fair;
pub mod graph;
pub mod lasso;
pub mod runs;
#[cfg(test)]
mod tests;
pub mod undisturbed;

use std::fmt;

use crate::cluster::Protocol;
use crate::reduce::PackedModel;
use crate::search::{Control, Coverage, Stop};
use crate::types::ServerId;
use crate::world::links::Links;
use assumptions::Assumptions;
use class::{Class, Classes};
use fair::{Cycle, can_reach, fair_cycle};
use graph::Graph;
use lasso::{Lasso, Refuted};
use runs::{Edges, Runs};

/// A property of liveness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// There always is a way to a leader.
    LeaderPossible,
    /// The way is taken.
    LeaderElected,
    /// There the run stays.
    LeaderStable,
}

/// The properties of liveness.
pub const LIVENESS: [Property; 3] =
    [Property::LeaderPossible, Property::LeaderElected, Property::LeaderStable];

impl Property {
    /// What it says, in a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Self::LeaderPossible => "a server leads the highest term, or one still can come to",
            Self::LeaderElected => "at some time a server leads the highest term",
            Self::LeaderStable => {
                "from some time on it leads, and everybody else follows in its term"
            }
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How many terms a calm phase behind guards may spread beyond the window of the hostile one. A
/// server in contact refuses who is ahead of it, whose timer then fires once more. Where terms may
/// spread without end, it would be for nothing.
const MORE_TERMS: u64 = 2;

/// Everything that can be reached in the hostile phase: where calm phases begin.
#[derive(Clone, Debug)]
pub struct Hostile<const W: usize>(Graph<W>);

/// What was found of one calm phase.
#[derive(Clone, Debug)]
pub struct Findings {
    /// What is assumed of it.
    pub assumptions: Assumptions,
    /// Its worlds. A move is a state, a class and a successor.
    pub coverage: Coverage,
    /// The worlds at which the window forbids a campaign that a run could start.
    pub cut: usize,
    /// What was found of each property.
    pub verdicts: [(Property, Verdict); 3],
}

/// What was found of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds on all runs.
    Holds,
    /// Here is a run on which it does not.
    Fails(Box<Lasso>),
    /// No such run was found, but runs that could matter are cut at so many worlds.
    NotEstablished {
        /// The worlds at which a run could leave the window of terms.
        cut: usize,
    },
    /// A run was found that the direct model does not have: the graph is wrong. The arguments for
    /// the reductions are about the specification; for a mutant they may not hold.
    Refuted(Refuted),
}

impl<const W: usize> Hostile<W> {
    /// Explores the worlds of a model.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    pub fn explore(model: &PackedModel<W>, control: &Control) -> Result<Self, Stop> {
        Graph::explore(model, &[model.initial()], Links::ALL, control).map(Self)
    }

    /// Its graph.
    pub const fn graph(&self) -> &Graph<W> {
        &self.0
    }

    /// Judges the properties on all calm phases that begin in one of its worlds.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    pub fn judge(&self, assumptions: Assumptions, control: &Control) -> Result<Findings, Stop> {
        let [findings] = self.judge_each([assumptions], control)?;
        Ok(findings)
    }

    /// The same for several calm phases that differ in nothing but fairness.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    ///
    /// # Panics
    ///
    /// If they differ in more.
    pub fn judge_each<const N: usize>(
        &self,
        each: [Assumptions; N],
        control: &Control,
    ) -> Result<[Findings; N], Stop> {
        let hostile = &self.0;
        let links = each.first().map_or(Links::ALL, |assumptions| assumptions.links);
        let linked;
        let has_guards = hostile.model().bounds().cluster.protocol() != Protocol::FIGURE2;
        let graph = if has_guards && let Some(&assumptions) = each.first() {
            let more_terms = if assumptions.keep_terms_together() { MORE_TERMS } else { 0 };
            linked = Graph::explore_calm(hostile, assumptions, more_terms, control)?;
            &linked
        } else if links == Links::ALL {
            hostile
        } else {
            linked = Graph::explore(hostile.model(), hostile.worlds(), links, control)?;
            &linked
        };
        Ok(each.map(|assumptions| Calm::new(graph, assumptions).findings(hostile)))
    }
}

/// Where a property fails in a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// From this world no leader can be elected.
    Trap(u32),
    /// A fair run goes round here for ever.
    Cycle(Cycle),
}

/// The calm phase of a graph.
#[derive(Clone, Copy, Debug)]
pub struct Calm<'a, const W: usize> {
    graph: &'a Graph<W>,
    assumptions: Assumptions,
}

impl<'a, const W: usize> Calm<'a, W> {
    /// The phase in which this is assumed.
    ///
    /// # Panics
    ///
    /// If the graph is one of other links.
    pub fn new(graph: &'a Graph<W>, assumptions: Assumptions) -> Self {
        assert_eq!(graph.links(), assumptions.links, "the graph is one of other links");
        let is_of = |assumed: Assumptions| assumed.unfair() == assumptions.unfair();
        assert!(graph.assumed().is_none_or(is_of), "the graph is one of another calm phase");
        Self { graph, assumptions }
    }

    /// What there is to find of every property.
    fn findings(&self, hostile: &Graph<W>) -> Findings {
        let verdicts = LIVENESS.map(|property| {
            let verdict = match self.judge(property) {
                Err(cut) => Verdict::NotEstablished { cut },
                Ok(None) => Verdict::Holds,
                Ok(Some(violation)) => match Lasso::of(property, hostile, self, &violation) {
                    Ok(lasso) => Verdict::Fails(Box::new(lasso)),
                    Err(refuted) => Verdict::Refuted(refuted),
                },
            };
            (property, verdict)
        });
        let Self { graph, assumptions } = *self;
        Findings { assumptions, coverage: graph.coverage(), cut: self.cut(|_| true), verdicts }
    }

    /// Judges a property: nothing, if it holds; or where it does not.
    ///
    /// # Errors
    ///
    /// If it seems to hold, but runs that could matter are cut: at so many worlds.
    pub fn judge(&self, property: Property) -> Result<Option<Violation>, usize> {
        let is_led = |node| self.graph.note_of(node).is_led;
        let is_stable = |node| self.graph.note_of(node).is_stable;
        let fairness = self.assumptions.fairness(self.graph.numbering());
        let cycle = match property {
            Property::LeaderPossible => return self.leader_possible(),
            Property::LeaderElected => fair_cycle(self, &fairness, |n| !is_led(n), |_| true),
            Property::LeaderStable => fair_cycle(self, &fairness, |_| true, |n| !is_stable(n)),
        };
        if let Some(cycle) = cycle {
            return Ok(Some(Violation::Cycle(cycle)));
        }
        // A run that has come to a leader has been given what LeaderElected promises.
        self.unless_cut(|node| property == Property::LeaderStable || !is_led(node))
    }

    fn leader_possible(&self) -> Result<Option<Violation>, usize> {
        let is_led = |node| self.graph.note_of(node).is_led;
        if !can_reach(self, is_led).contains(&false) {
            return Ok(None);
        }
        // Where a run is cut, it may come to a leader beyond.
        let perhaps = can_reach(self, |node| is_led(node) || self.is_cut(node));
        match (0..).zip(perhaps).find(|(_, perhaps)| !perhaps) {
            Some((node, _)) => Ok(Some(Violation::Trap(node))),
            None => self.unless_cut(|_| true),
        }
    }

    fn unless_cut(&self, inside: impl Fn(u32) -> bool) -> Result<Option<Violation>, usize> {
        match self.cut(inside) {
            0 => Ok(None),
            cut => Err(cut),
        }
    }

    /// At how many of some worlds the window forbids a campaign that a run could start.
    fn cut(&self, inside: impl Fn(u32) -> bool) -> usize {
        let nodes = 0..u32::try_from(self.graph.worlds().len()).expect("fewer than 2^32 worlds");
        nodes.filter(|&node| inside(node) && self.is_cut(node)).count()
    }

    fn is_cut(&self, node: u32) -> bool {
        self.campaigns_left_out(node).next().is_some()
    }

    /// Servers that may campaign, for whose term the window has no room.
    fn campaigns_left_out(&self, node: u32) -> impl Iterator<Item = ServerId> {
        let note = self.graph.note_of(node);
        note.held.iter().filter(move |&id| self.assumptions.allow(note, Class::ElectionTimer(id)))
    }
}

impl<const W: usize> Runs for Calm<'_, W> {
    fn edges(&self) -> &Edges {
        self.graph.edges()
    }

    fn allows(&self, node: u32, class: u8) -> bool {
        self.assumptions.allow(self.graph.note_of(node), self.graph.numbering().class(class))
    }

    /// A server that may campaign can, though the window has no room for its term.
    fn left_out(&self, node: u32) -> Classes {
        let numbering = self.graph.numbering();
        let left_out = self.campaigns_left_out(node);
        left_out.map(|id| numbering.code(Class::ElectionTimer(id))).collect()
    }
}
