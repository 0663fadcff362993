//! A run that violates a property of liveness: the way to a cycle, and the cycle.
//!
//! The graph is one of packed and reduced worlds with classes for edges. So that nobody has to
//! trust that, a run is lifted out of it, step by step, into the direct model with all its messages
//! and terms, and everything that makes it a violation is looked at again there ([`Lasso::of`]).

use std::fmt;

use super::assumptions::Assumptions;
use super::class::{Class, Classes, Numbering};
use super::fair::{Account, reachable};
use super::graph::{Graph, Note, canonical, let_happen};
use super::{Calm, Property, Violation};
use crate::action::{Envelope, Move};
use crate::cluster::Cluster;
use crate::packed::Packed;
use crate::reduce::PackedModel;
use crate::run::Run;
use crate::types::Term;
use crate::world::bounds::{Bounds, Terms};
use crate::world::links::Links;
use crate::world::{World, WorldModel};

/// A run that violates a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso {
    /// The property.
    pub property: Property,
    /// Of which servers it is a run.
    pub cluster: Cluster,
    /// What is assumed of the calm phase, and holds.
    pub assumptions: Assumptions,
    /// The hostile phase, from the world in which everything begins.
    pub stem: Run,
    /// The calm phase.
    pub end: End,
}

/// How a violating run goes on for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Whatever it does: none of so many worlds that it can still reach has a leader.
    Trap {
        /// How many worlds of the graph can still be reached.
        reachable: usize,
    },
    /// By these moves, again and again, in terms that are higher each time. If there are none,
    /// nothing ever happens again.
    Cycle {
        /// Once round.
        cycle: Box<Run>,
        /// The classes of its moves.
        made: Classes,
        /// The classes to which something is owed, and of which a move was possible at some world.
        ever: Classes,
        /// Of those the classes of which one was possible at every world.
        always: Classes,
    },
}

/// What is wrong with a run that was taken for a violation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuted {
    /// It needs more terms or servers than the direct model is packed for here.
    #[error("the run needs more than {0} terms")]
    TooLong(Term),
    /// The specification does not do that.
    #[error("step {0} of the run cannot be made in the direct model")]
    NoSuchStep(usize),
    /// It does something that the calm phase does not do.
    #[error("step {0} of the cycle is none of the calm phase: {1}")]
    NotCalm(usize, Class),
    /// It does not come back.
    #[error("the cycle does not close")]
    Open,
    /// It is not fair.
    #[error("the cycle passes over {0} for ever")]
    Unfair(Class),
    /// It does what the property asks for.
    #[error("the cycle does not violate the property")]
    NoViolation,
}

/// Words for a world that is lifted: room for all terms of a run.
const WORDS: usize = 16;

impl Lasso {
    /// The run that a violation stands for, in the direct model, where it is seen to be one: every
    /// step is made by the functions of the model; the cycle obeys the assumptions, is fair,
    /// violates the property, comes back to a world that behaves like the one where it began, and
    /// can be made a second time from there.
    ///
    /// `hostile` is the graph of all worlds; that of the calm phase is another one if links are
    /// missing.
    ///
    /// # Errors
    ///
    /// What does not hold of the run. Then the graph is wrong.
    pub fn of<const W: usize>(
        property: Property,
        hostile: &Graph<W>,
        calm: &Calm<W>,
        violation: &Violation,
    ) -> Result<Self, Refuted> {
        let Calm { graph, assumptions } = *calm;
        let start = match violation {
            Violation::Trap(node) => *node,
            Violation::Cycle(cycle) => cycle.start,
        };
        let way = graph.way_to(start);
        let mut run = Follower::new(graph);
        if assumptions.links != Links::ALL || graph.assumed().is_some() {
            // The roots of this graph are the worlds of the hostile one, as those links see them.
            let root = graph.worlds()[way[0] as usize];
            let is_it = |world| graph.root(hostile, world) == root;
            let mut worlds = (0..).zip(hostile.worlds());
            let (before, _) = worlds.find(|(_, world)| is_it(world)).expect("roots are worlds");
            run.walk(hostile, &hostile.way_to(before)[1..])?;
            run.links = assumptions.links;
        }
        run.walk(graph, &way[1..])?;
        let stem = run.take();
        let end = match violation {
            Violation::Trap(node) => End::Trap { reachable: reachable(calm, *node) },
            Violation::Cycle(cycle) => run.go_round(property, &assumptions, graph, &cycle.moves)?,
        };
        let cluster = hostile.model().bounds().cluster;
        Ok(Self { property, cluster, assumptions, stem, end })
    }

    /// How many steps lead to the cycle, and how many it has.
    pub fn lengths(&self) -> (usize, usize) {
        match &self.end {
            End::Trap { .. } => (self.stem.moves.len(), 0),
            End::Cycle { cycle, .. } => (self.stem.moves.len(), cycle.moves.len()),
        }
    }
}

/// Follows a run of a graph in the direct model.
struct Follower {
    model: WorldModel,
    /// Packs what the direct model has, with as many terms as there is room for.
    wide: PackedModel<WORDS>,
    numbering: Numbering,
    links: Links,
    /// How many moves were made.
    length: usize,
    /// Those that were made last.
    run: Run,
}

impl Follower {
    fn new<const W: usize>(graph: &Graph<W>) -> Self {
        let packed = graph.model();
        let wide = |room| {
            let room = Term::new(room);
            let wide = PackedModel::with_room(*packed.bounds(), packed.reductions(), room)?;
            Some((wide, Terms::UpTo(room)))
        };
        let (wide, terms) = (1..=100).rev().find_map(wide).expect("a term fits");
        let bounds = Bounds { terms, ..packed.direct().bounds };
        let model = WorldModel { bounds, handlers: packed.handlers() };
        let run = Run::from(model.initial());
        let (numbering, links) = (graph.numbering().clone(), Links::ALL);
        Self { model, wide, numbering, links, length: 0, run }
    }

    /// The world that stands for one of the direct model.
    fn reduced(&self, world: &World) -> Packed<WORDS> {
        canonical(&self.wide, self.links, &self.wide.pack(world))
    }

    /// The moves that the links allow, but for those that cannot matter; each with its class, the
    /// world after it, and the world that stands for that.
    fn moves(&self) -> Vec<(u8, Move, World, Packed<WORDS>)> {
        let world = self.run.last();
        let here = self.reduced(world);
        let dead = self.links.alone(self.model.bounds.cluster);
        let moves = self.model.successors(world).into_iter();
        let moves = moves.filter(|(a_move, _)| !dead.contains(a_move.server));
        let moves = moves.filter_map(|(a_move, mut after)| {
            let before = world.state(a_move.server);
            let is_heard = |sent: &Envelope| {
                world.sent.contains(sent)
                    || sent.to.is_none_or(|to| self.links.carry(sent.from, to))
            };
            after.sent.retain(is_heard);
            let reduced = self.reduced(&after);
            let matters = reduced != here || after.state(a_move.server) != before;
            let class = self
                .numbering
                .class_of(a_move.server, before, a_move.trigger, |id| *world.state(id));
            let matters = matters && let_happen(self.links, dead, class);
            matters.then_some((self.numbering.code(class), a_move, after, reduced))
        });
        moves.collect()
    }

    /// Makes a move that leads to a world like this one of the graph, of this class if one is
    /// given.
    fn step<const W: usize>(
        &mut self,
        graph: &Graph<W>,
        class: Option<u8>,
        node: u32,
    ) -> Result<(), Refuted> {
        let goal = graph.model().layout().unpack(&graph.worlds()[node as usize]);
        let goal = self.reduced(&goal);
        let highest = self.run.last().states().map(|(_, state)| state.ballot.current_term).max();
        let last = self.model.bounds.terms.last();
        if highest >= Some(last) {
            return Err(Refuted::TooLong(last));
        }
        let step = self.moves().into_iter().find(|(other, _, _, reduced)| {
            class.is_none_or(|class| class == *other) && *reduced == goal
        });
        let (_, a_move, after, _) = step.ok_or(Refuted::NoSuchStep(self.length + 1))?;
        self.length += 1;
        self.run.moves.push((a_move, after));
        Ok(())
    }

    /// What was done since this was asked last.
    fn take(&mut self) -> Run {
        let rest = Run::from(self.run.last().clone());
        std::mem::replace(&mut self.run, rest)
    }

    fn walk<const W: usize>(&mut self, graph: &Graph<W>, way: &[u32]) -> Result<(), Refuted> {
        way.iter().try_for_each(|&node| self.step(graph, None, node))
    }

    /// Makes the moves of a cycle, twice, and looks at them.
    fn go_round<const W: usize>(
        &mut self,
        property: Property,
        assumptions: &Assumptions,
        graph: &Graph<W>,
        cycle: &[(u8, u32)],
    ) -> Result<End, Refuted> {
        let start = self.reduced(self.run.last());
        let mut account = Account::EMPTY;
        let mut is_led = false;
        let mut is_stable = true;
        // Without a move, the world where nothing happens any more is looked at all the same.
        for number in 0..cycle.len().max(1) {
            let note = self.note();
            is_led |= note.is_led;
            is_stable &= note.is_stable;
            let possible = self.possible(assumptions, note);
            account.visit(possible);
            if let Some(&(class, node)) = cycle.get(number) {
                if !possible.contains(class) {
                    return Err(Refuted::NotCalm(number + 1, self.numbering.class(class)));
                }
                self.step(graph, Some(class), node)?;
                account.made.insert(class);
            }
        }
        let round = self.take();
        if self.reduced(self.run.last()) != start {
            return Err(Refuted::Open);
        }
        cycle.iter().try_for_each(|&(class, node)| self.step(graph, Some(class), node))?;
        let fairness = assumptions.fairness(&self.numbering);
        if let Some(code) = account.owed(&fairness).codes().next() {
            return Err(Refuted::Unfair(self.numbering.class(code)));
        }
        let is_violated = match property {
            Property::LeaderPossible => false,
            Property::LeaderElected => !is_led,
            Property::LeaderStable => !is_stable,
        };
        if !is_violated {
            return Err(Refuted::NoViolation);
        }
        let owed = fairness.weak.or(fairness.strong);
        let (made, ever, always) = (account.made, account.ever.and(owed), account.always.and(owed));
        Ok(End::Cycle { cycle: Box::new(round), made, ever, always })
    }

    fn note(&self) -> Note {
        let is_awaited = |class: &u8| self.numbering.class(*class).is_awaited();
        let is_busy = self.moves().iter().any(|(class, ..)| is_awaited(class));
        let cluster = self.model.bounds.cluster;
        Note { is_busy, ..Note::of(cluster, self.links, |id| *self.run.last().state(id)) }
    }

    /// The classes of moves that the calm phase has here.
    fn possible(&self, assumptions: &Assumptions, note: Note) -> Classes {
        let is_allowed = |class: &u8| assumptions.allow(note, self.numbering.class(*class));
        self.moves().into_iter().map(|(class, ..)| class).filter(is_allowed).collect()
    }
}

/// The story of a run that violates a property of liveness.
impl fmt::Display for Lasso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.stem.moves.len();
        write!(f, "{}", self.stem)?;
        let cluster = self.cluster;
        let (links, dead) = (self.assumptions.links, self.assumptions.links.alone(cluster));
        if !dead.is_empty() {
            writeln!(f, "     Never to move again: {dead}.")?;
        }
        if links != Links::ALL.without(dead) {
            writeln!(f, "     From here on servers hear each other so: {links} (A is S1).")?;
        }
        let (cycle, made, ever, always) = match &self.end {
            End::Trap { reachable } => {
                return writeln!(f, "     None of the {reachable} worlds to come has a leader.");
            }
            End::Cycle { cycle, made, ever, always } => (cycle, *made, *ever, *always),
        };
        if cycle.moves.is_empty() {
            writeln!(f, "     Nothing happens any more.")?;
        } else {
            writeln!(
                f,
                "     What follows repeats for ever, in terms that may be higher each time."
            )?;
            write!(f, "{}", cycle.numbered(step + 1))?;
            writeln!(f, "     And so on, as after step {step}.")?;
        }
        let numbering = Numbering::of(cluster);
        let named = |classes: Classes| {
            let names = numbering.names(classes);
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        writeln!(f, "     The assumptions hold, and the run is fair. Fairness is for:")?;
        writeln!(f, "       what happens         {}", named(made.and(ever)))?;
        writeln!(f, "       what could, at times {}", named(ever.without(made).without(always)))?;
        writeln!(f, "       what always could    {}", named(always.without(made)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::class::Kind;
    use super::*;
    use crate::cluster::Cluster;
    use crate::reduce::Reductions;
    use crate::search::Control;
    use crate::types::ServerId;
    use crate::world::bounds::Replies;

    /// Under a reduction that takes all worlds for one, every run seems to come back. S2 can give
    /// S1 its vote once, and the vote that it gives again changes nothing.
    #[test]
    fn a_cycle_that_can_be_gone_round_only_once_is_refuted() {
        let cluster = Cluster::new(2).unwrap();
        let terms = Terms::Window(Term::new(2));
        let bounds = Bounds::new(cluster, terms, Replies::All);
        let model = PackedModel::<2>::new(bounds, Reductions::MESSAGES).unwrap();
        let roots = [model.initial()];
        let graph = Graph::explore(&model, &roots, Links::ALL, &Control::default()).unwrap();
        let mut follower = Follower::new(&graph);
        let timer = graph.numbering().code(Class::ElectionTimer(ServerId::FIRST));
        let (_, campaigned) = graph.edges().of(0).find(|(class, _)| *class == timer).unwrap();
        follower.walk(&graph, &[campaigned]).unwrap();

        follower.wide = follower.wide.reducing_with(|_, _, _, _| Packed([0; WORDS]));
        let asked = Class::Link {
            kind: Kind::RequestVote,
            from: ServerId::FIRST,
            to: ServerId::new(2).unwrap(),
        };
        let cycle = [(graph.numbering().code(asked), 0)];
        let refuted = follower.go_round(Property::LeaderElected, &Assumptions::ALL, &graph, &cycle);
        assert_eq!(refuted, Err(Refuted::NoSuchStep(3)));
    }
}
