//! A graph in flat arrays, and which of its edges runs may take.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::class::Classes;
use crate::packed::Packed;

/// The edges of a graph, node by node. Each belongs to a class.
#[derive(Clone, Debug)]
pub struct Edges {
    /// Where each node's edges begin, and where those of the last one end.
    pub(crate) first: Vec<u32>,
    pub(crate) to: Vec<u32>,
    pub(crate) class: Vec<u8>,
}

impl Edges {
    /// The edges of no nodes.
    pub fn new() -> Self {
        Self { first: vec![0], to: Vec::new(), class: Vec::new() }
    }

    /// Adds an edge to the next node.
    pub fn push(&mut self, class: u8, to: u32) {
        self.class.push(class);
        self.to.push(to);
    }

    /// The next node has all its edges.
    pub fn end_node(&mut self) {
        self.first.push(u32::try_from(self.to.len()).expect("fewer than 2^32 edges"));
    }

    /// The number of nodes that have all their edges.
    pub fn nodes(&self) -> usize {
        self.first.len() - 1
    }

    /// The number of edges.
    pub fn len(&self) -> usize {
        self.to.len()
    }

    /// Whether there is no edge.
    pub fn is_empty(&self) -> bool {
        self.to.is_empty()
    }

    /// The edges of a node: their classes, and where they lead.
    pub fn of(&self, node: u32) -> impl Iterator<Item = (u8, u32)> {
        let node = node as usize;
        let range = self.first[node] as usize..self.first[node + 1] as usize;
        self.class[range.clone()].iter().copied().zip(self.to[range].iter().copied())
    }
}

impl Default for Edges {
    fn default() -> Self {
        Self::new()
    }
}

/// The number of a world among others, and whether it is a new one, which is added to them.
pub(crate) fn number<const W: usize>(
    numbers: &mut HashTable<u32>,
    worlds: &mut Vec<Packed<W>>,
    world: Packed<W>,
) -> (u32, bool) {
    let hash_of = |number: &u32| worlds[*number as usize].fingerprint();
    let is_it = |number: &u32| worlds[*number as usize] == world;
    match numbers.entry(world.fingerprint(), is_it, hash_of) {
        Entry::Occupied(number) => (*number.get(), false),
        Entry::Vacant(vacant) => {
            let number = u32::try_from(worlds.len()).expect("fewer than 2^32 worlds");
            vacant.insert(number);
            worlds.push(world);
            (number, true)
        }
    }
}

/// A graph, and which of its edges runs may take.
pub trait Runs {
    /// All edges.
    fn edges(&self) -> &Edges;

    /// Whether runs may take the edges of this class at this node.
    fn allows(&self, node: u32, class: u8) -> bool;

    /// The classes of which a move is possible at this node that the graph does not have: bounds
    /// left it out.
    fn left_out(&self, node: u32) -> Classes;

    /// The edges of a node that runs may take.
    fn moves(&self, node: u32) -> impl Iterator<Item = (u8, u32)> {
        self.edges().of(node).filter(move |&(class, _)| self.allows(node, class))
    }

    /// The classes of which a move is possible at a node.
    fn possible(&self, node: u32) -> Classes {
        self.moves(node).map(|(class, _)| class).collect::<Classes>().or(self.left_out(node))
    }
}
