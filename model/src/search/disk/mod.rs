//! Breadth-first search of graphs that are larger than memory, and that outlive their process.
//!
//! The worlds of each level are a sorted file, a *run*. The successors of a level are collected in
//! memory, as many as there is room for, sorted, and written as runs too. At its end they are
//! merged: what is in none of the runs of the levels so far is the next level. Nothing is looked up
//! anywhere, files are read and written from one end to the other, and states are compared as they
//! are.
//!
//! So the folder is a checkpoint, too: see `store.rs`. And it knows the way to a violation,
//! backwards from level to level. Processes that search together have a folder each: see
//! `others.rs`.

mod levels;
mod look;
mod merge;
mod others;
mod run;
mod store;
#[cfg(test)]
mod tests;
mod way;

use std::io;
use std::panic::panic_any;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use timely::worker::Worker;

use super::outcome::Level;
use super::parallel::{builders, lines, on_all_threads, settings};
use super::peers::{Peers, PeersError};
use super::worker::Task;
use super::{Control, Findings, Keys, Outcome, Stop};
use crate::packed::Packed;
use crate::reduce::PackedModel;
use crate::world::properties::Property;
use levels::Search;
use look::{Share, knows_the_graph};
use others::Others;
pub use store::CHECKPOINT;
use store::Store;

/// Where a search keeps its worlds, and how it goes about it.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The folder; it is made if it is not there.
    pub folder: PathBuf,
    /// Whether the search that is there goes on. Otherwise there must be none.
    pub resume: bool,
    /// How many threads search.
    pub workers: usize,
    /// How many bytes of successors are kept in memory.
    pub room: usize,
    /// A name for what drives the servers.
    pub election: String,
    /// Whom to tell that some of what is there cannot be used.
    pub says: fn(&str),
}
/// Why a search on disk could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// A file or a folder cannot be used.
    #[error("cannot use {path}: {error}", path = .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not what was written.
    #[error("{} is damaged: start anew in another folder", .0.display())]
    Damaged(PathBuf),
    /// There is a search already.
    #[error("{} has a search already: --resume goes on with it", .0.display())]
    Occupied(PathBuf),
    /// There is no search that could go on.
    #[error("{} has no search to resume", .0.display())]
    Nothing(PathBuf),
    /// Another process searches there.
    #[error("another process searches in {}", .0.display())]
    InUse(PathBuf),
    /// The search that is there is another one.
    #[error("{} has another check: {difference}", .folder.display())]
    Different {
        /// Where.
        folder: PathBuf,
        /// The first setting that differs.
        difference: String,
    },
    /// The processes did not come together.
    #[error(transparent)]
    Peers(#[from] PeersError),
}

impl DiskError {
    fn of(path: &Path, error: io::Error) -> Self {
        Self::Unusable { path: path.into(), error }
    }
}

/// What a search on disk found.
#[derive(Clone, Debug)]
pub struct OnDisk<const W: usize> {
    /// What was covered, and what is violated.
    pub outcome: Outcome,
    /// What the files say of each property that is violated. Of what was done at once they do not
    /// have every step.
    ways: Option<Vec<(Property, Way<W>)>>,
}

/// The worlds on a shortest way to one from which a step violates a property, or why that was not
/// told.
type Way<const W: usize> = Result<Vec<Packed<W>>, Stop>;

/// How often a search is saved, if there is much room.
const OFTEN: Duration = Duration::from_secs(300);
/// How many worlds are looked at between two looks at the clock.
const CHUNK: usize = 1 << 14;
/// Of how many runs of successors one is made.
const MANY: usize = 128;

/// Searches the states of a model, maybe with other processes.
///
/// A process that searches with others and cannot use its folder any more panics with a
/// [`DiskError`]: what holds for [`parallel::search`](super::parallel::search) holds here.
///
/// # Errors
///
/// If the folder cannot be used, or has another search, or if the processes do not come together.
pub fn search<const W: usize>(
    model: &Arc<PackedModel<W>>,
    properties: &[Property],
    disk: &Disk,
    peers: Option<&Peers>,
    control: &Arc<Control>,
) -> Result<OnDisk<W>, DiskError> {
    let common = settings(model, properties)
        + &lines([("election", disk.election.clone()), ("place of states", "disk".to_owned())]);
    let share = peers.map_or(Share::ALL, Share::of);
    let own = lines([("process", format!("{} of {}", share.me, share.of))]);
    let initial = Some(model.initial()).filter(|initial| share.owns(initial));
    let mut store = Store::open(disk, format!("{common}{own}"), initial)?;
    let task = Task { model, properties, keys: Keys::Exact, control, patience: None };
    knows_the_graph(task, &store, share)?;
    if let Some(peers) = peers {
        let levels = together(model, properties, disk, store, peers, common, control)?;
        let outcome = Outcome::of(&levels, properties.len());
        return Ok(OnDisk { outcome, ways: None });
    }
    let levels = Search::new(task, disk, &mut store, None).run()?;
    let outcome = Outcome::of(&levels, properties.len());
    if model.reductions().at_once {
        return Ok(OnDisk { outcome, ways: None });
    }
    let violated = properties.iter().zip(&outcome.violated);
    let violated = violated.filter_map(|(property, violated)| violated.then_some(*property));
    let way = |property| Ok((property, way::way_to(task, &store, property, levels.len())?));
    let ways = Some(violated.map(way).collect::<Result<_, DiskError>>()?);
    Ok(OnDisk { outcome, ways })
}

/// Searches with others; what all of them found, level by level.
fn together<const W: usize>(
    model: &Arc<PackedModel<W>>,
    properties: &[Property],
    disk: &Disk,
    store: Store,
    peers: &Peers,
    settings: String,
    control: &Arc<Control>,
) -> Result<Vec<Level>, PeersError> {
    let (builders, links) = builders(1, Some(peers), settings, control)?;
    let (model, properties, disk) = (Arc::clone(model), properties.to_vec(), disk.clone());
    let (control, patience, store) = (Arc::clone(control), peers.patience, Mutex::new(store));
    let run = move |worker: &mut Worker| {
        let task = Task {
            model: &model,
            properties: &properties,
            keys: Keys::Exact,
            control: &control,
            patience: Some(patience),
        };
        let others = Others::new(worker, patience, &control);
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let levels = Search::new(task, &disk, &mut store, Some(others)).run();
        levels.unwrap_or_else(|error| panic_any(error))
    };
    Ok(on_all_threads(builders, links, Box::new(run)))
}

impl<const W: usize> OnDisk<W> {
    /// The same as the findings of a model, with the way to each violation told of whole worlds. If
    /// it is not in the files, it is searched for in memory.
    pub fn findings(
        &self,
        model: &PackedModel<W>,
        properties: &[Property],
        control: &Control,
    ) -> Findings {
        let Some(ways) = &self.ways else {
            return self.outcome.findings(model, properties, control);
        };
        self.outcome.findings_along(model, properties, |property| {
            let way = ways.iter().find(|(violated, _)| *violated == property);
            way.expect("there is a way to each violation").1.clone().map(Some)
        })
    }
}
