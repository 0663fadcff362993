//! Strongly connected components: Tarjan's algorithm, without recursion, on parts of a graph.

use super::runs::Runs;

/// Finds the components of one part of a graph after the other.
pub(crate) struct Components {
    /// The part of the graph that each node belongs to; parts are taken out of each other.
    part: Vec<u32>,
    parts: u32,
    /// When each node was reached, in the part that is looked at.
    reached: Vec<u32>,
    /// The earliest node that is known to be in a component with this one.
    low: Vec<u32>,
    /// The component of each node; nodes that wait for theirs have none.
    component: Vec<u32>,
    components: u32,
}

/// The components of a part, one after the other.
pub(crate) struct Members {
    nodes: Vec<u32>,
    ends: Vec<usize>,
}

impl Members {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.nodes[start..end])
    }
}

const NONE: u32 = u32::MAX;

impl Components {
    pub(crate) fn new(nodes: u32) -> Self {
        let none = || vec![NONE; nodes as usize];
        Self {
            part: none(),
            parts: 0,
            reached: none(),
            low: none(),
            component: none(),
            components: 0,
        }
    }

    /// Whether two nodes are in one component.
    pub(crate) fn are_together(&self, node: u32, other: u32) -> bool {
        self.component[node as usize] == self.component[other as usize]
    }

    /// The strongly connected components of the part of the graph that has these nodes.
    pub(crate) fn of(&mut self, runs: &impl Runs, nodes: &[u32]) -> Members {
        let part = self.parts;
        self.parts += 1;
        for &node in nodes {
            let node = node as usize;
            (self.part[node], self.reached[node], self.component[node]) = (part, NONE, NONE);
        }
        let mut members = Members { nodes: Vec::with_capacity(nodes.len()), ends: Vec::new() };
        let mut time = 0;
        let mut waiting: Vec<u32> = Vec::new();
        let mut way: Vec<(u32, u32)> = Vec::new(); // nodes, and which of their edges is next
        let edges = runs.edges();
        for &root in nodes {
            if self.reached[root as usize] != NONE {
                continue;
            }
            self.arrive(root, &mut time, &mut waiting);
            way.push((root, edges.first[root as usize]));
            while let Some((node, next)) = way.last_mut() {
                let (node, edge) = (*node, *next as usize);
                if edge < edges.first[node as usize + 1] as usize {
                    *next += 1;
                    let to = edges.to[edge];
                    if self.part[to as usize] != part || !runs.allows(node, edges.class[edge]) {
                        continue;
                    }
                    if self.reached[to as usize] == NONE {
                        self.arrive(to, &mut time, &mut waiting);
                        way.push((to, edges.first[to as usize]));
                    } else if self.component[to as usize] == NONE {
                        self.lower(node, self.reached[to as usize]);
                    }
                    continue;
                }
                way.pop();
                if let Some(&(before, _)) = way.last() {
                    self.lower(before, self.low[node as usize]);
                }
                if self.low[node as usize] == self.reached[node as usize] {
                    while let Some(member) = waiting.pop() {
                        self.component[member as usize] = self.components;
                        members.nodes.push(member);
                        if member == node {
                            break;
                        }
                    }
                    self.components += 1;
                    members.ends.push(members.nodes.len());
                }
            }
        }
        members
    }

    fn arrive(&mut self, node: u32, time: &mut u32, waiting: &mut Vec<u32>) {
        self.reached[node as usize] = *time;
        self.low[node as usize] = *time;
        *time += 1;
        waiting.push(node);
    }

    fn lower(&mut self, node: u32, low: u32) {
        let known = &mut self.low[node as usize];
        *known = low.min(*known);
    }
}
