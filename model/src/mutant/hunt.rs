//! What catches a mutant: a search of its graph at growing bounds, first for a property of safety
//! that breaks, then for a size that is not that of the specification's graph.

use crate::bounds::{Bounds, Replies};
use crate::mutant::Mutant;
use crate::properties::{Property, SAFETY};
use crate::search::{Counterexample, Coverage, Stop, search_until};
use crate::types::{Cluster, Term};
use crate::world::{Handlers, WorldModel};

/// The bounds at which mutants are looked for, smallest first. Not every mistake can be made by two
/// servers, or in one term; three servers have one way to be a quorum too many for some.
pub const BOUNDS: [Bounds; 5] = [
    bounds(2, 1, Replies::All),
    bounds(2, 2, Replies::All),
    bounds(3, 1, Replies::All),
    bounds(4, 1, Replies::Useful),
    bounds(3, 2, Replies::Useful),
];

const fn bounds(servers: u8, max_term: u64, replies: Replies) -> Bounds {
    let Ok(cluster) = Cluster::new(servers) else { panic!("no cluster has this size") };
    Bounds { cluster, max_term: Term::new(max_term), replies }
}

/// What was found of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A property of safety breaks. At no smaller bounds does one.
    Safety {
        /// The first that does.
        property: Property,
        /// Where.
        bounds: Bounds,
        /// A shortest way there.
        counterexample: Counterexample,
    },
    /// No property breaks, but the graph has another size. At no smaller bounds has it.
    Counts {
        /// Where.
        bounds: Bounds,
        /// The size of its graph.
        coverage: Coverage,
        /// The size of the specification's.
        expected: Coverage,
    },
    /// Nothing.
    Nothing,
}

/// Looks for what catches mutants, one after the other.
#[derive(Debug, Default)]
pub struct Hunt {
    /// The sizes of the specification's graphs, as far as they were needed.
    expected: Vec<Coverage>,
}

impl Hunt {
    /// Looks at the first so many of [`BOUNDS`], until `watch` has a reason to stop.
    ///
    /// # Errors
    ///
    /// That reason.
    pub fn find(
        &mut self,
        mutant: &Mutant,
        rungs: usize,
        mut watch: impl FnMut(Coverage) -> Option<Stop>,
    ) -> Result<Found, Stop> {
        let mut differs = None;
        for (rung, bounds) in BOUNDS.into_iter().enumerate().take(rungs) {
            let model = WorldModel { bounds, handlers: mutant.handlers };
            let findings = search_until(&model, &SAFETY, &mut watch);
            if let Some((property, counterexample)) = findings.violations().next() {
                let (property, counterexample) = (*property, counterexample.clone());
                return Ok(Found::Safety { property, bounds, counterexample });
            }
            if let Some(stop) = findings.stopped {
                return Err(stop);
            }
            let expected = self.expected(rung, &mut watch)?;
            if findings.coverage != expected && differs.is_none() {
                differs = Some(Found::Counts { bounds, coverage: findings.coverage, expected });
            }
        }
        Ok(differs.unwrap_or(Found::Nothing))
    }

    fn expected(
        &mut self,
        rung: usize,
        mut watch: impl FnMut(Coverage) -> Option<Stop>,
    ) -> Result<Coverage, Stop> {
        while self.expected.len() <= rung {
            let bounds = BOUNDS[self.expected.len()];
            let model = WorldModel { bounds, handlers: Handlers::RAFT };
            let findings = search_until(&model, &[], &mut watch);
            if let Some(stop) = findings.stopped {
                return Err(stop);
            }
            self.expected.push(findings.coverage);
        }
        Ok(self.expected[rung])
    }
}
