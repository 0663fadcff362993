//! All worlds that a calm phase comes to, looked at when nothing is under way.

use hashbrown::HashTable;

use super::beginnings::beginnings;
use super::calm::{Calm, Now, Phase};
use super::relative::relative;
use crate::liveness::class::Classes;
use crate::liveness::runs::{Edges, Runs, number};
use crate::packed::{Layout, Packed, States};
use crate::search::{Control, Coverage, Stop};
use crate::types::{ServerId, Term};
use crate::world::bounds::{Bounds, Replies, Terms};

/// A world: the servers.
type World = Packed<2>;

/// All worlds, and the timers that lead from one to the next. The class of an edge is the index of
/// the server whose timer fires.
pub(super) struct Graph {
    pub(super) phase: Phase,
    layout: Layout,
    worlds: Vec<World>,
    edges: Edges,
    /// How many servers come to office, at most, on each edge.
    pub(super) elections: Vec<u8>,
    /// Whom a quorum follows, over links both ways.
    pub(super) useful: Vec<Option<ServerId>>,
    /// The class of the edge by which a world was reached first, and from where; or the beginning
    /// from which it is without a timer.
    reached: Vec<Reached>,
    /// Where calm phases begin.
    beginnings: Vec<States>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Reached {
    Begins(usize),
    By(u8, u32),
}

impl Graph {
    /// Explores a calm phase that begins in these many terms.
    pub(super) fn explore(calm: Calm, terms: u64, control: &Control) -> Result<Self, Stop> {
        let last = calm.gap * u64::from(calm.cluster.size() - 1);
        let bounds = Bounds::new(calm.cluster, Terms::UpTo(Term::new(last)), Replies::All);
        let last = u8::try_from(last).expect("few terms");
        let phase = Phase::of(calm);
        let mut graph = Self {
            layout: Layout::of_servers(&bounds, last),
            worlds: Vec::new(),
            edges: Edges::new(),
            elections: Vec::new(),
            useful: Vec::new(),
            reached: Vec::new(),
            beginnings: beginnings(&phase, terms),
            phase,
            depth: 0,
        };
        let mut numbers = HashTable::new();
        for number in 0..graph.beginnings.len() {
            let begins = Now::quiet(graph.beginnings[number]);
            for now in graph.phase.settled(begins) {
                graph.number(&mut numbers, &now.servers, Reached::Begins(number));
            }
        }
        let (mut next, mut end_of_level) = (0, graph.worlds.len());
        while next < graph.worlds.len() {
            if next == end_of_level {
                (graph.depth, end_of_level) = (graph.depth + 1, graph.worlds.len());
            }
            graph.leave(&mut numbers, u32::try_from(next).expect("few worlds"));
            next += 1;
            if next % 1024 == 0 {
                control.covers(graph.coverage());
                if let Some(why) = control.stopped() {
                    return Err(why);
                }
            }
        }
        graph.depth += 1;
        Ok(graph)
    }

    /// Finds what follows a world.
    fn leave(&mut self, numbers: &mut HashTable<u32>, node: u32) {
        let servers = self.servers(node);
        for id in self.phase.may_fire(&servers).iter() {
            let class = u8::try_from(id.index()).expect("few servers");
            let from = self.edges.len();
            for now in self.phase.fired(Now::quiet(servers), id) {
                let to = self.number(numbers, &now.servers, Reached::By(class, node));
                self.add(from, class, to, now.elections);
            }
        }
        self.edges.end_node();
    }

    /// Adds an edge, unless it is there already; then it keeps the most elections.
    fn add(&mut self, from: usize, class: u8, to: u32, elections: u8) {
        let known = self.edges.to[from..].iter().zip(&mut self.elections[from..]);
        match known.into_iter().find(|(other, _)| **other == to) {
            Some((_, known)) => *known = elections.max(*known),
            None => {
                self.edges.push(class, to);
                self.elections.push(elections);
            }
        }
    }

    fn number(&mut self, numbers: &mut HashTable<u32>, servers: &States, reached: Reached) -> u32 {
        let servers = self.relative(servers);
        let mut world = Packed([0; 2]);
        for id in self.phase.calm.cluster.servers() {
            self.layout.set_state(&mut world, id, servers[id.index()]);
        }
        let (number, is_new) = number(numbers, &mut self.worlds, world);
        if is_new {
            self.useful.push(self.phase.useful(&servers));
            self.reached.push(reached);
        }
        number
    }

    /// The servers as they are kept: terms relative.
    pub(super) fn relative(&self, servers: &States) -> States {
        relative(servers, self.phase.linked, self.phase.calm.gap)
    }

    /// The servers of a world.
    pub(super) fn servers(&self, node: u32) -> States {
        self.layout.states(&self.worlds[node as usize])
    }

    /// Where a way to a world begins; and the timers and worlds on it.
    pub(super) fn way_to(&self, node: u32) -> (States, Vec<(u8, u32)>, u32) {
        let mut way = Vec::new();
        let mut at = node;
        loop {
            match self.reached[at as usize] {
                Reached::By(class, from) => {
                    way.push((class, at));
                    at = from;
                }
                Reached::Begins(number) => {
                    way.reverse();
                    return (self.beginnings[number], way, at);
                }
            }
        }
    }

    /// Its size. An edge is a state, a server whose timer fires, and a successor.
    pub(super) fn coverage(&self) -> Coverage {
        Coverage { states: self.worlds.len(), edges: self.edges.len(), depth: self.depth }
    }

    /// The number of worlds.
    pub(super) fn nodes(&self) -> u32 {
        u32::try_from(self.worlds.len()).expect("fewer than 2^32 worlds")
    }

    /// The edges of a node: where each leads, and how many servers come to office on it.
    pub(super) fn elections_of(&self, node: u32) -> impl Iterator<Item = (u32, u8)> {
        let [first, end] = [0, 1].map(|next| self.edges.first[node as usize + next] as usize);
        self.edges.to[first..end].iter().copied().zip(self.elections[first..end].iter().copied())
    }
}

impl Runs for Graph {
    fn edges(&self) -> &Edges {
        &self.edges
    }

    fn allows(&self, _: u32, _: u8) -> bool {
        true
    }

    fn left_out(&self, _: u32) -> Classes {
        Classes::NONE
    }
}
