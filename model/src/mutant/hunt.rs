//! What catches a mutant: a search of its graph at growing bounds, first for a property of safety
//! that breaks, then for a run on which nobody is elected or stays, then for a size that is not
//! that of the specification's graph.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cluster::{Cluster, Protocol};
use crate::liveness::assumptions::Assumptions;
use crate::liveness::lasso::{End, Lasso};
use crate::liveness::{Hostile, Property as Liveness, Verdict as Liveliness};
use crate::mutant::{Catch, Mutant};
use crate::reduce::PackedModel;
use crate::reduce::Reductions;
use crate::run::Run;
use crate::search::parallel::{self, Crew};
use crate::search::{Control, Coverage, Findings, Keys, Stop, Verdict, search_until};
use crate::types::Term;
use crate::world::bounds::Terms::{self, UpTo, Window};
use crate::world::bounds::{Bounds, Limits, Replies};
use crate::world::properties::Property;
use crate::world::{Handlers, WorldModel};

/// Where mutants are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The bounds.
    pub bounds: Bounds,
    /// What is reduced there.
    pub reductions: Reductions,
}

/// Where mutants of this protocol are looked for, smallest first.
///
/// Reductions are argued for the specification only. So nothing is reduced where that can be
/// afforded: by Figure 2, and of two guarded servers. Further on what is found in reduced worlds
/// counts if whole worlds do the same; what is not found says nothing.
pub fn rungs(protocol: Protocol) -> Vec<Rung> {
    if protocol == Protocol::FIGURE2 {
        return BOUNDS.map(|bounds| Rung { bounds, reductions: Reductions::NONE }).to_vec();
    }
    let rung = |servers, max_term, limits, reductions| {
        let cluster = Cluster::with(servers, protocol).expect("a cluster can have this size");
        let terms = UpTo(Term::new(max_term));
        let bounds = Bounds { limits, ..Bounds::new(cluster, terms, Replies::All) };
        Rung { bounds, reductions }
    };
    let all = Limits { hand_over: true, leases: true, ..Limits::SMALL };
    let mut rungs = vec![
        rung(2, 1, Limits::SMALL, Reductions::NONE),
        rung(3, 1, all, Reductions::EXACT),
        rung(3, 2, all, Reductions::EXACT),
    ];
    if !protocol.pre_vote() {
        rungs.push(rung(3, 3, all, Reductions::EXACT));
    }
    rungs
}

/// The bounds at which mutants of Figure 2 are looked for. Not every mistake can be made by two
/// servers, or in one term; and of three servers any two are a quorum.
const BOUNDS: [Bounds; 5] = [
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
    expected: HashMap<(Protocol, usize), Coverage>,
}

impl Hunt {
    /// Looks at the first so many of the [`rungs`] of its protocol; then at [`WINDOWS`], if the
    /// catalogue says that the mutant is not live.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    pub fn find(
        &mut self,
        mutant: &Mutant,
        first: usize,
        control: &Arc<Control>,
    ) -> Result<Found, Stop> {
        let mut differs = None;
        for (number, rung) in rungs(mutant.protocol).into_iter().enumerate().take(first) {
            let bounds = rung.bounds;
            let findings = searched(rung, mutant.handlers, control)?;
            if let Some((property, counterexample)) = findings.violations().next() {
                let (property, counterexample) = (*property, counterexample.clone());
                return Ok(Found::Safety { property, bounds, counterexample });
            }
            let expected = self.expected(number, rung, control)?;
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

    fn expected(
        &mut self,
        number: usize,
        rung: Rung,
        control: &Arc<Control>,
    ) -> Result<Coverage, Stop> {
        let key = (rung.bounds.cluster.protocol(), number);
        if let Some(&coverage) = self.expected.get(&key) {
            return Ok(coverage);
        }
        let coverage = searched(rung, Handlers::RAFT, control)?.coverage;
        self.expected.insert(key, coverage);
        Ok(coverage)
    }
}

/// What breaks there. Where a property breaks in reduced worlds only, it is not looked at any more.
fn searched(rung: Rung, handlers: Handlers, control: &Arc<Control>) -> Result<Findings, Stop> {
    let mut properties = Property::of(&rung.bounds);
    loop {
        let findings = findings(rung, handlers, &properties, control)?;
        let is_unconfirmed =
            |property: &Property| findings.verdicts.contains(&(*property, Verdict::Unconfirmed));
        if findings.is_violated() || !properties.iter().any(is_unconfirmed) {
            return Ok(findings);
        }
        properties.retain(|property| !is_unconfirmed(property));
    }
}

fn findings(
    Rung { bounds, reductions }: Rung,
    handlers: Handlers,
    properties: &[Property],
    control: &Arc<Control>,
) -> Result<Findings, Stop> {
    let findings = if reductions == Reductions::NONE {
        search_until(&WorldModel { bounds, handlers }, properties, |coverage| {
            control.covers(coverage);
            control.stopped()
        })
    } else {
        let model = PackedModel::<4>::new(bounds, reductions).expect("small bounds fit");
        let model = Arc::new(model.driven_by(handlers));
        let crew = Crew { workers: 1, peers: None, keys: Keys::Exact };
        let outcome = parallel::search(&model, properties, &crew, control);
        outcome.expect("one process is enough").findings(&model, properties, control)
    };
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
            if let Liveliness::Fails(lasso) = verdict
                && let End::Cycle { .. } = lasso.end
            {
                return Ok(Some(Found::Liveness { property, bounds, lasso }));
            }
        }
    }
    Ok(None)
}
