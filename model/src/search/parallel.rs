//! Breadth-first search by several workers: threads of one process, or of several processes on one
//! or more machines. The code is the same for all of them; see `worker.rs` for how they share the
//! work, and `peers.rs` for how processes find each other.

use std::any::Any;
use std::sync::Arc;

use timely::WorkerConfig;
use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{AllocatorBuilder, Hooks};
use timely::execute::execute_from;
use timely::worker::Worker;

use super::peers::{self, Peers, PeersError};
use super::seen::Keys;
use super::worker::{self, Level, Task};
use super::{Control, Coverage, Outcome};
use crate::reduce::PackedModel;
use crate::world::properties::Property;

/// Who searches, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crew {
    /// The workers of each process, one thread each.
    pub workers: usize,
    /// The processes, if there are several.
    pub peers: Option<Peers>,
    /// What is kept of each state.
    pub keys: Keys,
}

/// Searches the states of a model.
///
/// A worker that panics leaves the others waiting for it: install a panic hook that ends the
/// process (see [`std::panic::set_hook`]). Workers panic when another process is lost or silent.
///
/// # Errors
///
/// If the processes do not come together.
///
/// # Panics
///
/// If a worker panics, or if there are no properties or more than eight.
pub fn search<const W: usize>(
    model: &Arc<PackedModel<W>>,
    properties: &[Property],
    crew: &Crew,
    control: &Arc<Control>,
) -> Result<Outcome, PeersError> {
    assert!((1..=8).contains(&properties.len()), "from one to eight properties");
    let hooks = Hooks::default();
    let threads =
        ProcessBuilder::new_typed_vector(crew.workers, hooks.refill.clone(), hooks.spill.clone());
    let (builders, links): (Vec<_>, Box<dyn Any + Send>) = match &crew.peers {
        None => (threads.into_iter().map(AllocatorBuilder::Process).collect(), Box::new(())),
        Some(peers) => {
            let streams = peers::connect(peers, &settings(model, properties, crew), control)?;
            let (builders, links) = initialize_networking_from_sockets(
                threads,
                streams,
                peers.process,
                crew.workers,
                hooks,
            )?;
            (builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(links))
        }
    };

    let (model, control) = (Arc::clone(model), Arc::clone(control));
    let (keys, patience) = (crew.keys, crew.peers.as_ref().map(|peers| peers.patience));
    let judged = properties.to_vec();
    let run = move |worker: &mut Worker| {
        let task = Task { model: &model, properties: &judged, keys, control: &control, patience };
        worker::run(worker, task)
    };
    Ok(outcome(&on_all_threads(builders, links, Box::new(run)), properties.len()))
}

/// What all processes have to agree on: a name and a value a line.
fn settings<const W: usize>(
    model: &PackedModel<W>,
    properties: &[Property],
    crew: &Crew,
) -> String {
    let (bounds, reductions) = (model.bounds(), model.reductions());
    let hosts = crew.peers.as_ref().map(|peers| peers.hosts.join(" ")).unwrap_or_default();
    let judged: Vec<_> = properties.iter().map(ToString::to_string).collect();
    [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("number of servers", bounds.cluster.size().to_string()),
        ("range of terms", bounds.terms.to_string()),
        ("kind of replies", bounds.replies.to_string()),
        ("reduction of messages", reductions.messages.to_string()),
        ("reduction of outcomes", reductions.outcomes.to_string()),
        ("reduction by symmetry", reductions.symmetry.to_string()),
        ("choice of what is done at once", reductions.at_once.to_string()),
        ("list of properties", judged.join(" ")),
        ("kind of keys", format!("{:?}", crew.keys).to_lowercase()),
        ("number of workers in a process", crew.workers.to_string()),
        ("list of hosts", hosts),
    ]
    .map(|(name, value)| format!("{name}: {value}\n"))
    .concat()
}

/// What every thread runs. It is boxed so that timely is compiled once, and not for every width of
/// worlds.
type Run = Box<dyn Fn(&mut Worker) -> Vec<Level> + Send + Sync>;

/// Runs this on every thread. All of them find the same.
fn on_all_threads(
    builders: Vec<AllocatorBuilder>,
    links: Box<dyn Any + Send>,
    run: Run,
) -> Vec<Level> {
    let threads = execute_from(builders, links, WorkerConfig::default(), run);
    let found = threads.expect("threads can be started").join().swap_remove(0);
    found.expect("no worker panics")
}

/// What the workers found, level by level.
fn outcome(levels: &[Level], properties: usize) -> Outcome {
    let violated = levels.iter().fold(0, |violated, level| violated | level.violated);
    Outcome {
        coverage: Coverage {
            states: levels.iter().map(|level| level.states).sum(),
            edges: levels.iter().map(|level| level.edges).sum(),
            depth: levels.len(),
        },
        levels: levels.iter().map(|level| level.states).collect(),
        generated: levels.iter().map(|level| level.generated).sum(),
        exhaustive: levels.last().is_some_and(Level::is_last),
        stopped: levels.iter().find_map(|level| level.stopped),
        violated: (0..properties).map(|number| violated & (1 << number) != 0).collect(),
    }
}
