//! Fair cycles, found by looking at every set of nodes of a small graph.

use proptest::prelude::*;

use crate::liveness::class::Classes;
use crate::liveness::fair::{Cycle, Fairness, can_reach, fair_cycle};
use crate::liveness::runs::{Edges, Runs};

/// A small graph, and everything that a search is asked about it.
#[derive(Debug)]
struct Small {
    edges: Edges,
    /// The class whose edges may not be taken at each node.
    forbidden: Vec<u8>,
    left_out: Vec<Classes>,
    inside: Vec<bool>,
    bad: Vec<bool>,
    fairness: Fairness,
}

impl Runs for Small {
    fn edges(&self) -> &Edges {
        &self.edges
    }

    fn allows(&self, node: u32, class: u8) -> bool {
        self.forbidden[node as usize] != class
    }

    fn left_out(&self, node: u32) -> Classes {
        self.left_out[node as usize]
    }
}

impl Small {
    fn nodes(&self) -> u32 {
        u32::try_from(self.inside.len()).unwrap()
    }

    fn is_inside(&self, node: u32) -> bool {
        self.inside[node as usize]
    }

    fn is_bad(&self, node: u32) -> bool {
        self.bad[node as usize]
    }

    /// Whether it is fair to be at these nodes and to make moves of these classes again and again.
    fn is_fair(&self, nodes: &[u32], made: Classes) -> bool {
        (0..CLASSES).filter(|&class| !made.contains(class)).all(|class| {
            let is_possible = |node: &u32| self.possible(*node).contains(class);
            let neglected = self.fairness.weak.contains(class) && nodes.iter().all(is_possible)
                || self.fairness.strong.contains(class) && nodes.iter().any(is_possible);
            !neglected
        })
    }

    /// Whether a fair run can go round in exactly these nodes.
    fn is_home(&self, nodes: &[u32]) -> bool {
        let inner = |node: u32| self.moves(node).filter(|(_, to)| nodes.contains(to));
        let made = nodes.iter().flat_map(|&node| inner(node)).map(|(class, _)| class).collect();
        let connected = nodes.iter().all(|&from| {
            let mut reached = vec![from];
            for next in 0.. {
                let Some(&node) = reached.get(next) else { break };
                for (_, to) in inner(node) {
                    if !reached.contains(&to) {
                        reached.push(to);
                    }
                }
            }
            reached.len() == nodes.len()
        });
        connected && self.is_fair(nodes, made)
    }

    fn has_fair_cycle(&self) -> bool {
        (1_u32..1 << self.nodes()).any(|set| {
            let nodes: Vec<u32> = (0..self.nodes()).filter(|node| set >> node & 1 == 1).collect();
            nodes.iter().all(|&node| self.is_inside(node))
                && nodes.iter().any(|&node| self.is_bad(node))
                && self.is_home(&nodes)
        })
    }

    /// Whether a cycle is one, fair, inside, and through a bad node.
    fn is_fair_cycle(&self, cycle: &Cycle) -> bool {
        let mut nodes = vec![cycle.start];
        let mut made = Classes::NONE;
        for &(class, to) in &cycle.moves {
            if !self.moves(*nodes.last().unwrap()).any(|edge| edge == (class, to)) {
                return false;
            }
            made.insert(class);
            nodes.push(to);
        }
        nodes.last() == Some(&cycle.start)
            && nodes.iter().all(|&node| self.is_inside(node))
            && nodes.iter().any(|&node| self.is_bad(node))
            && self.is_fair(&nodes, made)
    }
}

const CLASSES: u8 = 4;

prop_compose! {
    fn small()(nodes in 1_usize..=6)(
        edges in prop::collection::vec((0..nodes, 0..CLASSES, 0..nodes), 0..=3 * nodes),
        // One more than there are classes: nothing is forbidden.
        forbidden in prop::collection::vec(0..=CLASSES, nodes),
        left_out in prop::collection::vec(prop::option::weighted(0.1, 0..CLASSES), nodes),
        inside in prop::collection::vec(prop::bool::weighted(0.9), nodes),
        bad in prop::collection::vec(any::<bool>(), nodes),
        owed in prop::collection::vec(0_u8..3, usize::from(CLASSES)),
    ) -> Small {
        let mut graph = Edges::new();
        for node in 0..inside.len() {
            for &(_, class, to) in edges.iter().filter(|(from, ..)| *from == node) {
                graph.push(class, u32::try_from(to).unwrap());
            }
            graph.end_node();
        }
        let owed = |strength| (0..CLASSES).filter(|&c| owed[usize::from(c)] == strength).collect();
        let left_out = left_out.into_iter().map(|class| class.into_iter().collect()).collect();
        let fairness = Fairness { weak: owed(1), strong: owed(2) };
        Small { edges: graph, forbidden, left_out, inside, bad, fairness }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_fair_cycle_is_found_if_there_is_one(graph in small()) {
        let found = fair_cycle(
            &graph,
            &graph.fairness,
            |node| graph.is_inside(node),
            |node| graph.is_bad(node),
        );
        prop_assert_eq!(found.is_some(), graph.has_fair_cycle());
        if let Some(cycle) = found {
            prop_assert!(graph.is_fair_cycle(&cycle), "{:?}", cycle);
        }
    }

    #[test]
    fn what_can_be_reached_is_found(graph in small()) {
        let can = can_reach(&graph, |node| graph.is_bad(node));
        // Step by step, until nothing is added.
        let mut expected = graph.bad.clone();
        for _ in 0..graph.nodes() {
            for node in 0..graph.nodes() {
                let follows = graph.moves(node).any(|(_, to)| expected[to as usize]);
                expected[node as usize] |= follows;
            }
        }
        prop_assert_eq!(can, expected);
    }
}
