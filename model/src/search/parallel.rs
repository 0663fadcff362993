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

use super::outcome::Level;
use super::peers::{self, Peers, PeersError};
use super::seen::Keys;
use super::worker::{self, Task};
use super::{Control, Outcome};
use crate::reduce::PackedModel;
use crate::world::bounds::Limits;
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
    let settings = settings(model, properties) + &of_crew(crew);
    let (builders, links) = builders(crew.workers, crew.peers.as_ref(), settings, control)?;
    let (model, control) = (Arc::clone(model), Arc::clone(control));
    let (keys, patience) = (crew.keys, crew.peers.as_ref().map(|peers| peers.patience));
    let judged = properties.to_vec();
    let run = move |worker: &mut Worker| {
        let task = Task { model: &model, properties: &judged, keys, control: &control, patience };
        worker::run(worker, task)
    };
    Ok(Outcome::of(&on_all_threads(builders, links, Box::new(run)), properties.len()))
}

/// So many threads in this process, and their links to those of others, who have the same settings.
pub(super) fn builders(
    workers: usize,
    peers: Option<&Peers>,
    settings: String,
    control: &Control,
) -> Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>), PeersError> {
    let hooks = Hooks::default();
    let threads =
        ProcessBuilder::new_typed_vector(workers, hooks.refill.clone(), hooks.spill.clone());
    let Some(peers) = peers else {
        let threads = threads.into_iter().map(AllocatorBuilder::Process);
        return Ok((threads.collect(), Box::new(())));
    };
    let settings = settings + &lines([("list of hosts", peers.hosts.join(" "))]);
    let streams = peers::connect(peers, &settings, control)?;
    let (builders, links) =
        initialize_networking_from_sockets(threads, streams, peers.process, workers, hooks)?;
    Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(links)))
}

/// What is searched: a name and a value a line.
pub(super) fn settings<const W: usize>(model: &PackedModel<W>, properties: &[Property]) -> String {
    let (bounds, reductions) = (model.bounds(), model.reductions());
    let Limits { hand_over, rounds, attempts, patience, leases } = bounds.limits;
    let judged: Vec<_> = properties.iter().map(ToString::to_string).collect();
    let packing = crc32fast::hash(format!("{:?}", model.layout()).as_bytes());
    lines([
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("number of servers", bounds.cluster.size().to_string()),
        ("protocol", bounds.cluster.protocol().to_string()),
        ("set of witnesses", bounds.cluster.witnesses().to_string()),
        ("set of servers that may lose their disks", bounds.lost_disks.to_string()),
        ("range of terms", bounds.terms.to_string()),
        ("kind of replies", bounds.replies.to_string()),
        ("hand-over", hand_over.to_string()),
        ("number of rounds", rounds.to_string()),
        ("number of attempts", attempts.to_string()),
        ("patience", patience.number().to_string()),
        ("look at leases", leases.to_string()),
        ("reduction of messages", reductions.messages.to_string()),
        ("reduction of outcomes", reductions.outcomes.to_string()),
        ("reduction by symmetry", reductions.symmetry.to_string()),
        ("choice of what is done at once", reductions.at_once.to_string()),
        ("news", if reductions.free_news { "free" } else { "told" }.to_owned()),
        ("list of properties", judged.join(" ")),
        ("packing of states", format!("{W} words, {packing:08x}")),
    ])
}

/// What processes that search together have to agree on besides.
fn of_crew(crew: &Crew) -> String {
    lines([
        ("place of states", "memory".to_owned()),
        ("kind of keys", format!("{:?}", crew.keys).to_lowercase()),
        ("number of workers in a process", crew.workers.to_string()),
    ])
}

/// A name and a value a line.
pub(super) fn lines<const N: usize>(settings: [(&str, String); N]) -> String {
    settings.map(|(name, value)| format!("{name}: {value}\n")).concat()
}

/// What every thread runs. It is boxed so that timely is compiled once, and not for every width of
/// worlds.
pub(super) type Run = Box<dyn Fn(&mut Worker) -> Vec<Level> + Send + Sync>;

/// Runs this on every thread. All of them find the same.
pub(super) fn on_all_threads(
    builders: Vec<AllocatorBuilder>,
    links: Box<dyn Any + Send>,
    run: Run,
) -> Vec<Level> {
    let threads = execute_from(builders, links, WorkerConfig::default(), run);
    let found = threads.expect("threads can be started").join().swap_remove(0);
    found.expect("no worker panics")
}
