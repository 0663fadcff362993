//! Ways worth going, kept: to what each mutant breaks, and round the lassos of liveness.
//!
//! Some take minutes to find. So they stand in `ways.txt` as links, a name and a link a line, and
//! `tests/explorer_ways.rs` walks each, judges it, and finds them anew where it is asked to.

use std::sync::Arc;

use super::begin::Begin;
use super::beside::first_difference;
use super::codes::{Cause, Code};
use super::scenario::{self, Play, SCRIPTS};
use super::setting::Setting;
use super::walk::{self, Place, Walker, written};
use crate::cluster::{Cluster, Protocol};
use crate::liveness::assumptions::{ASSUMPTIONS, Assumption, Assumptions};
use crate::liveness::lasso::{End, Lasso};
use crate::liveness::{Hostile, LIVENESS, Verdict};
use crate::mutant::Mutant;
use crate::mutant::hunt::{Found, Hunt, rungs};
use crate::reduce::{PackedModel, Reductions};
use crate::run::{Run, World};
use crate::search::{Control, Stop};
use crate::topology::{Calm, NAMED, Orders, Survey, judge};
use crate::types::{Beats, Term};
use crate::world::Handlers;
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::links::Links;

const WAYS: &str = include_str!("ways.txt");

/// The link that is kept under this name.
pub fn kept(name: &str) -> Option<&'static str> {
    WAYS.lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(kept, _)| *kept == name)
        .map(|(_, link)| link)
}

/// The name of the way to what catches a mutant.
pub fn of_mutant(mutant: &Mutant) -> String {
    format!("mutant {}", mutant.name)
}

/// The name of the lasso that there is without an assumption.
pub fn of_lasso(protocol: Protocol, without: Assumption) -> String {
    format!("lasso {protocol} {}", without.name())
}

/// The lassos that there may be: protocols, and what is not assumed.
pub fn lassos() -> impl Iterator<Item = (Protocol, Assumption)> {
    [Protocol::FIGURE2, Protocol::GUARDED].into_iter().flat_map(|protocol| {
        ASSUMPTIONS
            .into_iter()
            .filter(move |one| one.is_of(protocol))
            .map(move |one| (protocol, one))
    })
}

/// Looks for the way to what catches a mutant: its counterexample, its lasso, the first step that
/// the specification does not make; or else that one in the scenario that tells of it, or in the
/// last term. For a mutant that no path shows, the beginning of its scenario.
///
/// # Errors
///
/// Why it was stopped.
pub fn find_mutant(
    mutant: &Mutant,
    hunt: &mut Hunt,
    control: &Arc<Control>,
) -> Result<Option<String>, Stop> {
    let rungs = rungs(mutant.protocol);
    Ok(match hunt.find(mutant, rungs.len(), control)? {
        Found::Safety { bounds, counterexample, .. } => {
            let setting = within(bounds, bounds.terms.last(), Some(*mutant));
            Some(format!("{setting}&path={}", written(&codes(&counterexample))))
        }
        Found::Liveness { bounds, lasso, .. } => Some(round(&lasso, bounds, Some(*mutant))),
        Found::Counts { bounds, .. } => first_unlike(mutant, bounds),
        Found::Nothing => {
            let rung = rungs.last();
            rung.and_then(|rung| first_unlike(mutant, rung.bounds)).or_else(|| of_test(mutant))
        }
    })
}

/// Looks for a run on which a property of liveness fails without an assumption.
///
/// # Errors
///
/// Why it was stopped.
///
/// # Panics
///
/// Never: three servers in a window of two terms fit.
pub fn find_lasso(
    protocol: Protocol,
    without: Assumption,
    control: &Control,
) -> Result<Option<String>, Stop> {
    let cluster = Cluster::with(3, protocol).expect("a cluster of three");
    let bounds = Bounds::new(cluster, Terms::Window(Term::new(2)), Replies::All);
    let model = PackedModel::<4>::new(bounds, Reductions::MESSAGES).expect("small bounds fit");
    let hostile = Hostile::explore(&model, control)?;
    let findings = hostile.judge(Assumptions::ALL.without(without, cluster), control)?;
    let mut fails = LIVENESS.iter().filter_map(|property| {
        findings.verdicts.iter().find_map(|(of, verdict)| match verdict {
            Verdict::Fails(lasso) if of == property => Some(lasso),
            _ => None,
        })
    });
    Ok(fails.next_back().map(|lasso| round(lasso, bounds, None)))
}

/// The name of a run on which no leader stays over these links.
pub fn of_topology(protocol: Protocol, size: u8, links: &str) -> String {
    format!("links {protocol} {size} {links}")
}

/// The named links that some server reaches a quorum on, under each protocol.
pub fn topologies() -> impl Iterator<Item = (Protocol, u8, &'static str, &'static str)> {
    let named = NAMED.into_iter().filter(|(size, ..)| *size <= 5);
    named.flat_map(|(size, links, name)| Protocol::ALL.map(|of| (of, size, links, name)))
}

/// Looks for a run on which no leader stays over these links, from a beginning of all servers.
///
/// # Errors
///
/// Why it was stopped.
///
/// # Panics
///
/// If links are none between so many servers.
pub fn find_topology(
    protocol: Protocol,
    size: u8,
    links: &str,
    control: &Control,
) -> Result<Option<String>, Stop> {
    let cluster = Cluster::with(size, protocol).expect("a cluster has this size");
    let links = Links::parse(cluster, links).expect("links between its servers");
    if links.centres(cluster).is_empty() {
        return Ok(None); // nobody could
    }
    let orders = if size <= 3 { Orders::Every } else { Orders::Fifo };
    let (gap, handlers) = (Survey::gap(size), Handlers::RAFT);
    let calm = Calm { cluster, links, handlers, orders, gap };
    let Some(Ok(lasso)) = judge(calm, control)?.lasso else { return Ok(None) };
    let cuts = cluster.servers().flat_map(|to| cluster.others(to).map(move |from| (from, to)));
    let cuts = cuts.filter(|&(from, to)| !links.carry(from, to));
    let mut path: Vec<_> =
        cuts.map(|(from, server)| Code { server, cause: Cause::Cut(from) }).collect();
    path.extend(codes(&lasso.stem));
    let stem = path.len();
    path.extend(codes(&lasso.cycle));
    // Leaders lose patience when the run needs it: not every run is one of a fixed patience.
    let found = [1, 2, 3].into_iter().find_map(|patience| {
        let setting = Setting {
            replies: Replies::All,
            patience: Beats::new(patience),
            begin: Some(Begin::of(&lasso.stem.initial)),
            ..Setting::new(cluster, Term::new(u64::MAX))
        };
        let worlds = walk::worlds(&setting, &path);
        let last = lasso.cycle.last();
        let is_it = worlds.len() == path.len() + 1
            && worlds.last().is_some_and(|world| world.servers == last.servers);
        is_it.then_some(setting)
    });
    Ok(found.map(|setting| {
        format!("{setting}&path={}&at={stem}&loop={stem}&about=LeaderStable", written(&path))
    }))
}

fn within(bounds: Bounds, last_term: Term, mutant: Option<Mutant>) -> Setting {
    Setting {
        replies: bounds.replies,
        hand_over: bounds.limits.hand_over,
        patience: bounds.limits.patience,
        mutant,
        ..Setting::new(bounds.cluster, last_term)
    }
}

fn codes(run: &Run) -> Vec<Code> {
    run.steps().map(|(before, a_move, _)| Code::of(before, a_move)).collect()
}

/// A lasso as a link: its last steps repeat from the step `loop` on.
fn round(lasso: &Lasso, bounds: Bounds, mutant: Option<Mutant>) -> String {
    let mut path = codes(&lasso.stem);
    let stem = path.len();
    let mut worlds: Vec<&World> = lasso.stem.moves.iter().map(|(_, world)| world).collect();
    if let End::Cycle { cycle, .. } = &lasso.end {
        path.extend(codes(cycle));
        worlds.extend(cycle.moves.iter().map(|(_, world)| world));
    }
    let terms =
        worlds.iter().flat_map(|world| &world.servers).map(|state| state.ballot.current_term);
    let last = terms.max().unwrap_or(Term::ZERO).max(bounds.terms.last());
    let setting = within(bounds, last, mutant);
    format!("{setting}&path={}&at={stem}&loop={stem}&about={}", written(&path), lasso.property)
}

fn first_unlike(mutant: &Mutant, bounds: Bounds) -> Option<String> {
    let setting = within(bounds, bounds.terms.last(), Some(*mutant));
    let path = first_difference(&setting, &setting.without_mutant(), |_| false);
    path.map(|path| format!("{setting}&path={}", written(&path)))
        .or_else(|| in_scenario(mutant))
        .or_else(|| in_last_term(mutant))
}

/// Where a mutant can be looked at that no path tells from the specification: a test does.
fn of_test(mutant: &Mutant) -> Option<String> {
    let setting = Setting { mutant: Some(*mutant), ..in_its_scenario(mutant)?.pop()?.setting };
    Some(format!("{setting}&path="))
}

fn in_its_scenario(mutant: &Mutant) -> Option<Vec<Play>> {
    let (_, script) = SCRIPTS.iter().find(|(name, _)| Some(*name) == mutant.scenario)?;
    Some(scenario::play(Handlers::RAFT, script).ok()?.1)
}

/// The first timer that fires in the last term that there is.
fn in_last_term(mutant: &Mutant) -> Option<String> {
    let cluster = Cluster::with(3, mutant.protocol).ok()?;
    let last = Term::new(u64::MAX);
    let mutant = Some(*mutant);
    let setting = Setting { first_term: last, mutant, ..Setting::new(cluster, last) };
    let code = Code { server: cluster.servers().next()?, cause: Cause::Timer(None) };
    let differs = Walker::new(&setting).does_otherwise(&setting.initial(), code);
    differs.then(|| format!("{setting}&path={code}"))
}

/// The scenario that tells of a mutant, up to the first step that the specification does not make.
fn in_scenario(mutant: &Mutant) -> Option<String> {
    in_its_scenario(mutant)?.into_iter().find_map(|play| {
        let setting = Setting { mutant: Some(*mutant), ..play.setting };
        let walker = Walker::new(&setting);
        let mut place = Place::from(setting.initial());
        for (number, &code) in (1..).zip(&play.path) {
            walker.impossible(&place, code).is_none().then_some(())?;
            if walker.does_otherwise(&place.world, code) {
                return Some(format!("{setting}&path={}", written(&play.path[..number])));
            }
            place = walker.step(&place, code).1;
        }
        None
    })
}
