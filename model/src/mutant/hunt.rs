//! What catches a mutant: a search of its graph at growing bounds, first for a property of safety
//! that breaks, then for a run on which nobody is elected or stays, then for a size that is not
//! that of the specification's graph.

use crate::cluster::Cluster;
use crate::liveness::assumptions::Assumptions;
use crate::liveness::lasso::{End, Lasso};
use crate::liveness::{Hostile, Property as Liveness, Verdict};
use crate::mutant::{Catch, Mutant};
use crate::reduce::PackedModel;
use crate::reduce::Reductions;
use crate::run::Run;
use crate::search::{Control, Coverage, Findings, Stop, search_until};
use crate::types::Term;
use crate::world::bounds::Terms::{self, UpTo, Window};
use crate::world::bounds::{Bounds, Replies};
use crate::world::properties::{Property, SAFETY};
use crate::world::{Handlers, WorldModel};

/// The bounds at which mutants are looked for, smallest first. Not every mistake can be made by two
/// servers, or in one term; and of three servers any two are a quorum. Nothing is reduced, since
/// that is argued for the specification only.
pub const BOUNDS: [Bounds; 5] = [
    bounds(2, UpTo(Term::new(1)), Replies::All),
    bounds(2, UpTo(Term::new(2)), Replies::All),
    bounds(3, UpTo(Term::new(1)), Replies::All),
    bounds(4, UpTo(Term::new(1)), Replies::Useful),
    bounds(3, UpTo(Term::new(2)), Replies::Useful),
];

/// The same for liveness.
pub const WINDOWS: [Bounds; 2] =
    [bounds(2, Window(Term::new(2)), Replies::All), bounds(3, Window(Term::new(2)), Replies::All)];

const fn bounds(servers: u8, terms: Terms, replies: Replies) -> Bounds {
    let Ok(cluster) = Cluster::new(servers) else { panic!("no cluster has this size") };
    Bounds::new(cluster, terms, replies)
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
        counterexample: Run,
    },
    /// No property of safety breaks, but one of liveness.
    Liveness {
        /// The first that does.
        property: Liveness,
        /// Where.
        bounds: Bounds,
        /// A run on which it does, seen to be one in the direct model.
        lasso: Box<Lasso>,
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
    /// Looks at the first so many of [`BOUNDS`]; then at [`WINDOWS`], if the catalogue says that
    /// the mutant is not live.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    pub fn find(
        &mut self,
        mutant: &Mutant,
        rungs: usize,
        control: &Control,
    ) -> Result<Found, Stop> {
        let mut differs = None;
        for (rung, bounds) in BOUNDS.into_iter().enumerate().take(rungs) {
            let findings = searched(bounds, mutant.handlers, &SAFETY, control)?;
            if let Some((property, counterexample)) = findings.violations().next() {
                let (property, counterexample) = (*property, counterexample.clone());
                return Ok(Found::Safety { property, bounds, counterexample });
            }
            let expected = self.expected(rung, control)?;
            if findings.coverage != expected && differs.is_none() {
                differs = Some(Found::Counts { bounds, coverage: findings.coverage, expected });
            }
        }
        if let Catch::Liveness(_) = mutant.caught_by
            && let Some(found) = not_live(mutant, control)?
        {
            return Ok(found);
        }
        Ok(differs.unwrap_or(Found::Nothing))
    }

    fn expected(&mut self, rung: usize, control: &Control) -> Result<Coverage, Stop> {
        while self.expected.len() <= rung {
            let bounds = BOUNDS[self.expected.len()];
            let findings = searched(bounds, Handlers::RAFT, &[], control)?;
            self.expected.push(findings.coverage);
        }
        Ok(self.expected[rung])
    }
}

fn searched(
    bounds: Bounds,
    handlers: Handlers,
    properties: &[Property],
    control: &Control,
) -> Result<Findings, Stop> {
    let findings = search_until(&WorldModel { bounds, handlers }, properties, |coverage| {
        control.covers(coverage);
        control.stopped()
    });
    match findings.stopped {
        Some(why) => Err(why),
        None => Ok(findings),
    }
}

/// A run that goes round for ever, though all that is assumed holds of it. A trap is none: that
/// nothing else can be reached from it rests on the reductions.
fn not_live(mutant: &Mutant, control: &Control) -> Result<Option<Found>, Stop> {
    for bounds in WINDOWS {
        let model = PackedModel::<2>::new(bounds, Reductions::MESSAGES).expect("small bounds fit");
        let hostile = Hostile::explore(&model.driven_by(mutant.handlers), control)?;
        for (property, verdict) in hostile.judge(Assumptions::ALL, control)?.verdicts {
            if let Verdict::Fails(lasso) = verdict
                && let End::Cycle { .. } = lasso.end
            {
                return Ok(Some(Found::Liveness { property, bounds, lasso }));
            }
        }
    }
    Ok(None)
}
