//! One graph after the other, each within its share of the time.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_model::growth::{Estimate, Family, Guess, Known};
use raft_model::reduce::Reductions;
use raft_model::search::parallel::{self, Crew};
use raft_model::search::{Control, Keys, Outcome, Stop};
use raft_model::world::bounds::Bounds;
use raft_model::world::properties::Property;

use super::Args;
use crate::cli::amount::as_f64;
use crate::cli::{Failure, memory, with_packed};

/// How often it is looked whether the time of a search is over.
const PERIOD: Duration = Duration::from_millis(10);

/// All that was found.
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// Threads that searched.
    pub(super) workers: usize,
    /// Why there are not more rows.
    pub(super) stopped: Option<Stop>,
}

/// What a graph is like.
pub(super) struct Row {
    pub(super) protocol: Protocol,
    pub(super) servers: u8,
    pub(super) max_term: u64,
    /// What was searched: all of it, if there is no estimate.
    pub(super) found: Known,
    /// Whether a property of safety broke. Then the search ended there.
    pub(super) is_violated: bool,
    /// How long that took.
    pub(super) seconds: f64,
    /// The most memory that this process had meanwhile, in bytes, where the system tells.
    pub(super) memory: Option<usize>,
    pub(super) estimate: Option<Whole>,
}

/// What the whole graph may be like.
pub(super) struct Whole {
    pub(super) size: Estimate,
    pub(super) edges: f64,
    pub(super) seconds: f64,
    /// In bytes.
    pub(super) memory: Option<f64>,
}

/// An estimate that may be wrong by more than this is none.
const TOO_VAGUE: f64 = 100.0;

impl Row {
    /// The estimate, if it tells anything.
    pub(super) fn told(&self) -> Option<&Whole> {
        self.estimate.as_ref().filter(|whole| whole.size.factor <= TOO_VAGUE)
    }
}

/// What was found of a graph until the search ended or was stopped.
struct Searched {
    outcome: Outcome,
    seconds: f64,
    /// In bytes: what the process had before, and the most that it had.
    memory: Option<(usize, usize)>,
    /// Bytes of a state, at least.
    key: usize,
}

/// Searches graphs that grow, and estimates the first of each kind that takes too long.
pub(super) fn measure(args: &Args, control: &Arc<Control>) -> Result<Table, Failure> {
    let (started, terms) = (Instant::now(), args.max_term.number());
    let (protocols, sizes) = (args.protocols(), args.sizes());
    // Clusters whose graphs grow by terms, until one takes all the time that is left to it.
    let mut clusters = u32::try_from(protocols.len() * sizes.len()).unwrap_or(u32::MAX);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut table = Table { rows: Vec::new(), workers, stopped: None };
    for protocol in protocols {
        let mut family = Family::new();
        for &servers in &sizes {
            let begun = Instant::now();
            let rest = args.budget().saturating_sub(started.elapsed());
            let share = rest / clusters;
            clusters -= 1;
            for term in 1..=terms {
                let share = share.saturating_sub(begun.elapsed());
                control.begins(format!("{protocol}, {servers} servers, up to {term}: "));
                let bounds = args.bounds(protocol, servers, term);
                let searched = search(bounds, workers, share, control)?;
                table.stopped = control.stopped();
                let guess = Guess::of(&family, servers, term);
                let row = row(bounds, searched, &guess);
                let is_whole = row.estimate.is_none();
                if is_whole {
                    family.insert((servers, term), row.found.clone());
                }
                // What was cut short by somebody says nothing of the time.
                if is_whole || table.stopped.is_none() {
                    table.rows.push(row);
                }
                if table.stopped.is_some() {
                    return Ok(table);
                }
                if !is_whole {
                    break;
                }
            }
        }
    }
    Ok(table)
}

/// Searches as `check` does, for so long.
fn search(
    bounds: Bounds,
    workers: usize,
    share: Duration,
    control: &Control,
) -> Result<Searched, Failure> {
    let own = Arc::new(Control::default());
    let started = Instant::now();
    let before = memory::now();
    thread::scope(|scope| {
        let searching = scope.spawn(|| outcome(bounds, workers, &own));
        let mut most = before;
        while !searching.is_finished() {
            control.depth.store(own.depth.load(Relaxed), Relaxed);
            control.states.store(own.states.load(Relaxed), Relaxed);
            most = most.max(memory::now());
            if let Some(why) = control.stopped() {
                own.stop(why);
            } else if started.elapsed() > share {
                own.stop(Stop::Interrupted);
            }
            thread::park_timeout(PERIOD);
        }
        let seconds = started.elapsed().as_secs_f64();
        let (outcome, key) = searching.join().expect("a panic ends the process")?;
        Ok(Searched { outcome, seconds, memory: before.zip(most), key })
    })
}

/// What a search finds, and how many bytes it keeps of a state.
fn outcome(
    bounds: Bounds,
    workers: usize,
    control: &Arc<Control>,
) -> Result<(Outcome, usize), Failure> {
    let reductions = Reductions::of(bounds.cluster.protocol());
    let crew = Crew { workers, peers: None, keys: Keys::Exact };
    with_packed!([2, 3, 4, 8], bounds, reductions, WORDS, model => {
        let found = parallel::search(&Arc::new(model), &Property::of(&bounds), &crew, control)?;
        Ok((found, crew.keys.bits::<WORDS>() / 8))
    })
}

fn row(bounds: Bounds, searched: Searched, guess: &Guess) -> Row {
    let Searched { outcome, seconds, memory, key } = searched;
    let is_violated = outcome.violated.contains(&true);
    let states = as_f64(outcome.coverage.states.max(1));
    let edges = outcome.coverage.edges;
    let estimate = (outcome.stopped.is_some()).then(|| {
        // The last level was not finished.
        let finished = outcome.levels.len().saturating_sub(1);
        let size = guess.given(&outcome.levels[..finished]);
        let each = |bytes: usize| (as_f64(bytes) / states).max(as_f64(key));
        let whole = |(before, most): (usize, usize)| {
            as_f64(before) + each(most.saturating_sub(before)) * size.states
        };
        Whole {
            size,
            edges: size.states * size.fan_out.unwrap_or(as_f64(edges) / states),
            seconds: seconds * size.states / states,
            memory: memory.map(whole),
        }
    });
    Row {
        protocol: bounds.cluster.protocol(),
        servers: bounds.cluster.size(),
        max_term: bounds.terms.last().number(),
        found: Known { levels: outcome.levels, edges },
        is_violated,
        seconds,
        memory: memory.map(|(_, most)| most),
        estimate,
    }
}
