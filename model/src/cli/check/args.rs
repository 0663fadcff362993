//! What `check` is asked for.

use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use raft_model::cluster::{Cluster, Protocol};
use raft_model::mutant::Mutant;
use raft_model::reduce::Reductions;
use raft_model::search::Keys;
use raft_model::search::disk::Disk;
use raft_model::search::parallel::Crew;
use raft_model::search::peers::Peers;
use raft_model::types::{Beats, ServerId, ServerSet, Term};
use raft_model::world::Handlers;
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};
use raft_model::world::properties::Property;

use super::hosts;
use crate::cli;
use crate::cli::Failure;
use crate::cli::memory::Limit;

/// The arguments of `check`.
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// How many servers the cluster has, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = cli::cluster, default_value = "5")]
    pub(super) servers: Cluster,
    /// How they elect: figure2, pre-vote, check-quorum, or guarded, which is both. Default:
    /// figure2; for a mutant, the one that it is about.
    #[arg(long, value_name = "PROTOCOL")]
    pub(super) protocol: Option<Protocol>,
    /// A server that votes and never campaigns. Repeat it for several.
    #[arg(long, value_name = "NUMBER", value_parser = cli::server)]
    pub(super) witness: Vec<ServerId>,
    /// A server that may lose its disk, as often as it likes, and come back by asking all others.
    /// Repeat it for several. Nothing is reduced then. (timely, disk, world)
    #[arg(long, value_name = "NUMBER", value_parser = cli::server)]
    pub(super) lost_disk: Vec<ServerId>,
    /// The last term in which an election may start; terms begin at 0. How high it may be depends
    /// on the number of servers, and a value that is too high is answered with that.
    #[arg(long, value_name = "T", value_parser = cli::max_term, default_value = "2")]
    pub(super) max_term: Term,
    /// Bound not the terms but their spread: an election may start in a term less than --max-term
    /// above the lowest server's. Runs of any number of terms are covered.
    /// (timely, disk, stateright)
    #[arg(long)]
    pub(super) window: bool,
    /// Which replies the model keeps.
    #[arg(long, value_enum, default_value_t = Replies::All)]
    pub(super) replies: Replies,
    /// Leaders may be told to hand over, to anybody and at any time.
    #[arg(long)]
    pub(super) hand_over: bool,
    /// Do not look at leases: fewer states, and what is said of them is not judged. (check-quorum,
    /// guarded)
    #[arg(long)]
    pub(super) no_leases: bool,
    /// How many heartbeats a leader waits for a quorum to answer. Default: 1. (check-quorum,
    /// guarded)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=15))]
    pub(super) patience: Option<u8>,
    /// How many rounds a leader opens in a term, where messages are not reduced; in the last round
    /// its timer does not fire. Default: 2. (check-quorum, guarded)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=15))]
    pub(super) rounds: Option<u64>,
    /// How many times a server asks for pre-votes in a term, where messages are not reduced.
    /// Default: 1. (pre-vote, guarded)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=15))]
    pub(super) attempts: Option<u64>,
    /// What searches. Default: timely; disk with --disk; world for a mutant of figure2.
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(super) engine: Option<Engine>,
    /// Judge only this property, and search until it is violated. Repeat it for several: until one
    /// of them is. Default: all.
    #[arg(long, value_name = "NAME", value_parser = property)]
    pub(super) property: Vec<Property>,
    /// Keep states apart that behave alike. Repeat it for several reductions; without a name: all.
    #[arg(long, value_enum, value_name = "REDUCTION", num_args = 0..=1, require_equals = true,
        default_missing_value = "all")]
    pub(super) no_reduce: Vec<NoReduce>,
    /// More than can happen, in fewer states: any server may hear of any term that another has
    /// reached. What holds then holds; what breaks is undecided. With check-quorum this covers
    /// guarded, too. (timely, disk)
    #[arg(long)]
    pub(super) free_news: bool,
    /// How many threads search in each process. Default: one for each core.
    /// (timely, disk, stateright)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) workers: Option<u16>,
    /// Keep 64 bits of each state. A state may be lost then; the report says with what odds.
    /// (timely)
    #[arg(long)]
    pub(super) fingerprints: bool,
    #[command(flatten)]
    pub(super) memory: Limit,
    /// Keep the states in this folder, and only as many in memory as --max-memory lets: a graph may
    /// be larger than memory, and takes longer. After each level, and in one process at least every
    /// five minutes, the folder is a checkpoint. It is made if it is not there. With --hosts each
    /// process has its own.
    #[arg(long, value_name = "DIR")]
    pub(super) disk: Option<PathBuf>,
    /// Go on with the search that --disk has, however it ended. Give the same arguments again;
    /// --workers and --max-memory may be others. With --hosts: all processes, from the last level
    /// that all have finished.
    #[arg(long, requires = "disk")]
    pub(super) resume: bool,
    /// Search together with other processes: a file with the `host:port` of each, one a line. Start
    /// each with the same arguments, but for --process. Their links are not authenticated: for
    /// trusted networks, or through ssh. (timely, disk)
    #[arg(long, value_name = "FILE", requires = "process")]
    pub(super) hosts: Option<PathBuf>,
    /// Which line of --hosts is this process, from 0.
    #[arg(long, value_name = "I", requires = "hosts")]
    pub(super) process: Option<usize>,
    /// For how long another process may be missing or silent before this one gives up.
    #[arg(long, value_name = "SECONDS", default_value = "60", requires = "hosts",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) peer_timeout: u64,
    /// Check an election that is wrong on purpose, to see a property fail. `mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = cli::mutant)]
    pub(super) mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

/// What searches.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// Packed and reduced states, on all cores and on several machines.
    Timely,
    /// The same states, in files instead of memory. It needs --disk.
    Disk,
    /// Stateright's own search of the same states: a second opinion.
    Stateright,
    /// The direct model, one state after the other: servers and the set of sent messages.
    World,
    /// The same election on stateright's network and crashes, instead of ours: slower.
    Actor,
}

impl Engine {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Timely => "timely",
            Self::Disk => "disk",
            Self::Stateright => "stateright",
            Self::World => "world",
            Self::Actor => "actor",
        }
    }

    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Timely => "packed states, breadth first, by workers on timely dataflow",
            Self::Disk => "packed states, breadth first, in sorted files that are merged",
            Self::Stateright => "packed states, breadth first, by stateright's own checker",
            Self::World => "servers, their disks and the set of sent messages",
            Self::Actor => "stateright's model of actors, of which the direct model is a copy",
        }
    }

    /// Whether it searches packed states.
    pub(super) const fn is_packed(self) -> bool {
        self.is_ours() || matches!(self, Self::Stateright)
    }

    /// Whether it searches them as we do.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::Timely | Self::Disk)
    }
}

/// What is not reduced.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NoReduce {
    /// Nothing is.
    All,
    /// Messages that cannot matter any more, or matter only a little.
    Messages,
    /// Ways in which guarded servers come to the same.
    Outcomes,
    /// In which order guarded servers do what takes nothing away.
    AtOnce,
    /// Worlds that differ only in the names of servers.
    Symmetry,
}

impl Args {
    pub(super) fn engine(&self) -> Engine {
        let is_raw = self.mutant.is_some_and(|mutant| mutant.protocol == Protocol::FIGURE2);
        self.engine.unwrap_or(match self.disk {
            Some(_) => Engine::Disk,
            None if is_raw => Engine::World,
            None => Engine::Timely,
        })
    }

    pub(super) fn protocol(&self) -> Protocol {
        let default = self.mutant.map_or(Protocol::FIGURE2, |mutant| mutant.protocol);
        self.protocol.unwrap_or(default)
    }

    pub(super) fn handlers(&self) -> Handlers {
        self.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers)
    }

    pub(super) fn cluster(&self) -> Result<Cluster, Failure> {
        cli::with_witnesses(self.servers, self.protocol(), &self.witness)
    }

    /// What bounds the search. [`Args::validate`] comes first.
    pub(super) fn bounds(&self) -> Bounds {
        let terms =
            if self.window { Terms::Window(self.max_term) } else { Terms::UpTo(self.max_term) };
        let cluster = self.cluster().ok().expect("the cluster is valid");
        let small = Limits::SMALL;
        let limits = Limits {
            hand_over: self.hand_over,
            rounds: self.rounds.unwrap_or(small.rounds),
            attempts: self.attempts.unwrap_or(small.attempts),
            patience: self.patience.map_or(small.patience, Beats::new),
            leases: !self.no_leases && self.engine() != Engine::Actor,
        };
        Bounds {
            limits,
            lost_disks: self.lost_disks(),
            ..Bounds::new(cluster, terms, self.replies)
        }
    }

    /// Who may lose its disk.
    pub(super) fn lost_disks(&self) -> ServerSet {
        self.lost_disk.iter().copied().collect()
    }

    /// Where a server may return to an older term, nothing is reduced: what is stale may matter
    /// again.
    pub(super) fn reductions(&self) -> Reductions {
        let is_on = |which| {
            self.engine().is_packed()
                && self.lost_disk.is_empty()
                && !self.no_reduce.iter().any(|off| [which, NoReduce::All].contains(off))
        };
        let messages = is_on(NoReduce::Messages);
        Reductions {
            messages,
            outcomes: messages && self.reduces_outcomes() && is_on(NoReduce::Outcomes),
            symmetry: is_on(NoReduce::Symmetry),
            free_news: self.free_news,
            // What is let happen beyond that covers both.
            at_once: messages
                && self.reduces_outcomes()
                && !self.free_news
                && is_on(NoReduce::AtOnce),
        }
    }

    /// Whether outcomes can be reduced. A mutant is about ways in which something happens.
    pub(super) fn reduces_outcomes(&self) -> bool {
        self.protocol() != Protocol::FIGURE2 && !self.window && self.mutant.is_none()
    }

    pub(super) fn workers(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        self.workers.map_or_else(cores, usize::from)
    }

    pub(super) fn keys(&self) -> Keys {
        if self.fingerprints { Keys::Fingerprints } else { Keys::Exact }
    }

    /// The properties that are judged.
    pub(super) fn properties(&self) -> Vec<Property> {
        let is_judged =
            |property: &Property| self.property.is_empty() || self.property.contains(property);
        Property::of(&self.bounds()).into_iter().filter(is_judged).collect()
    }

    /// Where the search keeps its states, if not in memory.
    pub(super) fn on_disk(&self) -> Option<Disk> {
        Some(Disk {
            folder: self.disk.clone()?,
            resume: self.resume,
            workers: self.workers(),
            // The rest is for the search itself, and for the system's cache of files.
            room: self.memory.bytes().map_or(1 << 30, |bytes| bytes / 2),
            election: self.mutant.map_or("the specification", |mutant| mutant.name).to_owned(),
            says: |note| {
                let _ = writeln!(io::stderr(), "note: {note}");
            },
        })
    }

    /// The processes that search together, if there are several.
    pub(super) fn peers(&self) -> Result<Option<Peers>, Failure> {
        let (Some(file), Some(process)) = (&self.hosts, self.process) else { return Ok(None) };
        let hosts = hosts::hosts(file)?;
        if process >= hosts.len() {
            let (named, last) = (file.display(), hosts.len() - 1);
            let why = format!("{named} names processes 0 to {last}, not {process}");
            return Err(Failure::Input(why));
        }
        let patience = Duration::from_secs(self.peer_timeout);
        Ok(Some(Peers { hosts, process, patience }))
    }

    pub(super) fn crew(&self) -> Result<Crew, Failure> {
        Ok(Crew { workers: self.workers(), peers: self.peers()?, keys: self.keys() })
    }
}

/// Reads the name of a property.
fn property(text: &str) -> Result<Property, String> {
    let all = Property::ALL;
    let named = all.into_iter().find(|property| property.to_string() == text);
    named.ok_or_else(|| format!("the properties are {}", all.map(|p| p.to_string()).join(", ")))
}
