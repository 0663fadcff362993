//! `raft-model check`.

mod hosts;
mod report;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use raft_model::actor::ActorElection;
use raft_model::cluster::Cluster;
use raft_model::mutant::Mutant;
use raft_model::reduce::Reductions;
use raft_model::search::parallel::Crew;
use raft_model::search::peers::{Peers, PeersError};
use raft_model::search::{Control, Findings, Keys, Stop, opinion, parallel, search_until};
use raft_model::types::Term;
use raft_model::world::ElectionModel;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::properties::SAFETY;
use raft_model::world::{Handlers, WorldModel};

use super::watch::watched;
use super::{Failure, with_packed};
use report::{Key, Report};

/// The arguments of `check`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many servers the cluster has, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "5")]
    servers: Cluster,
    /// The last term in which an election may start; terms begin at 0.
    #[arg(long, value_name = "T", value_parser = super::max_term, default_value = "2")]
    max_term: Term,
    /// Bound not the terms but their spread: an election may start in a term less than --max-term
    /// above the lowest server's. Runs of any number of terms are covered. (timely, stateright)
    #[arg(long)]
    window: bool,
    /// Which replies the model keeps.
    #[arg(long, value_enum, default_value_t = Replies::All)]
    replies: Replies,
    /// What searches. Default: timely; world for a mutant.
    #[arg(long, value_enum, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// Keep states apart that behave alike. Repeat it for several reductions; without a name: all.
    #[arg(long, value_enum, value_name = "REDUCTION", num_args = 0..=1, require_equals = true,
        default_missing_value = "all")]
    no_reduce: Vec<NoReduce>,
    /// How many threads search in each process. Default: one for each core. (timely, stateright)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Keep 64 bits of each state. A state may be lost then; the report says with what odds.
    /// (timely)
    #[arg(long)]
    fingerprints: bool,
    /// Stop, with exit code 3, when this process has so much memory.
    #[arg(long, value_name = "MIB")]
    max_memory: Option<usize>,
    /// Search together with other processes: a file with the `host:port` of each, one a line. Start
    /// each with the same arguments, but for --process. Their links are not authenticated: for
    /// trusted networks only. (timely)
    #[arg(long, value_name = "FILE", requires = "process")]
    hosts: Option<PathBuf>,
    /// Which line of --hosts is this process, from 0.
    #[arg(long, value_name = "I", requires = "hosts")]
    process: Option<usize>,
    /// For how long another process may be missing or silent before this one gives up.
    #[arg(long, value_name = "SECONDS", default_value = "60", requires = "hosts",
        value_parser = clap::value_parser!(u64).range(1..))]
    peer_timeout: u64,
    /// Check an election that is wrong on purpose, to see a property fail. `mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant_parser(),
        hide_possible_values = true, conflicts_with = "engine")]
    mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What searches.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Packed and reduced states, on all cores and on several machines.
    Timely,
    /// Stateright's own search of the same states: a second opinion.
    Stateright,
    /// The direct model, one state after the other: servers and the set of sent messages.
    World,
    /// The same election on stateright's network and crashes, instead of ours: slower.
    Actor,
}

impl Engine {
    const fn name(self) -> &'static str {
        match self {
            Self::Timely => "timely",
            Self::Stateright => "stateright",
            Self::World => "world",
            Self::Actor => "actor",
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Timely => "packed states, breadth first, by workers on timely dataflow",
            Self::Stateright => "packed states, breadth first, by stateright's own checker",
            Self::World => "servers, their disks and the set of sent messages",
            Self::Actor => "stateright's model of actors, of which the direct model is a copy",
        }
    }

    /// Whether it searches packed states.
    const fn is_packed(self) -> bool {
        matches!(self, Self::Timely | Self::Stateright)
    }
}

/// What is not reduced.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NoReduce {
    /// Nothing is.
    All,
    /// Messages that cannot matter any more, or matter only a little.
    Messages,
    /// Worlds that differ only in the names of servers.
    Symmetry,
}

impl Args {
    fn engine(&self) -> Engine {
        let raw = if self.mutant.is_some() { Engine::World } else { Engine::Timely };
        self.engine.unwrap_or(raw)
    }

    fn bounds(&self) -> Bounds {
        let terms =
            if self.window { Terms::Window(self.max_term) } else { Terms::UpTo(self.max_term) };
        Bounds { cluster: self.servers, terms, replies: self.replies }
    }

    fn reductions(&self) -> Reductions {
        let is_on = |which| {
            self.engine().is_packed()
                && !self.no_reduce.iter().any(|off| [which, NoReduce::All].contains(off))
        };
        Reductions { messages: is_on(NoReduce::Messages), symmetry: is_on(NoReduce::Symmetry) }
    }

    fn workers(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        self.workers.map_or_else(cores, usize::from)
    }

    fn keys(&self) -> Keys {
        if self.fingerprints { Keys::Fingerprints } else { Keys::Exact }
    }

    fn crew(&self) -> Result<Crew, Failure> {
        let peers = match (&self.hosts, self.process) {
            (Some(file), Some(process)) => Some(self.peers(file, process)?),
            _ => None,
        };
        Ok(Crew { workers: self.workers(), peers, keys: self.keys() })
    }

    fn peers(&self, file: &Path, process: usize) -> Result<Peers, Failure> {
        let hosts = hosts::hosts(file)?;
        if process >= hosts.len() {
            let last = hosts.len() - 1;
            return Err(Failure::Input(format!(
                "{} names processes 0 to {last}, not {process}",
                file.display()
            )));
        }
        Ok(Peers { hosts, process, patience: Duration::from_secs(self.peer_timeout) })
    }

    /// Refuses options that the engine would ignore.
    fn validate(&self) -> Result<(), Failure> {
        let engine = self.engine();
        for (is_given, option, is_heeded) in [
            (self.hosts.is_some(), "--hosts", engine == Engine::Timely),
            (self.fingerprints, "--fingerprints", engine == Engine::Timely),
            (self.workers.is_some(), "--workers", engine.is_packed()),
            (!self.no_reduce.is_empty(), "--no-reduce", engine.is_packed()),
            (self.window, "--window", engine.is_packed()),
        ] {
            if is_given && !is_heeded {
                let name = engine.name();
                return Err(Failure::Input(format!("--engine {name} knows nothing of {option}")));
            }
        }
        if self.window && !self.reductions().messages {
            let why = "--window needs messages to be reduced: stale ones would pile up for ever";
            return Err(Failure::Input(why.to_owned()));
        }
        Ok(())
    }
}

/// Runs the check and prints what it found.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    args.validate()?;
    let (report, cost) = watched(args.max_memory, |control| find(args, control))?;
    let text = if args.json {
        format!("{:#}\n", report::as_json(args, &report, cost))
    } else {
        report::as_table(args, &report, cost)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(match report.findings.stopped {
        _ if report.findings.is_violated() => ExitCode::from(1),
        Some(why) => ended_by(why),
        None => ExitCode::SUCCESS,
    })
}

/// The exit code of a check that was stopped.
pub(super) fn ended_by(why: Stop) -> ExitCode {
    ExitCode::from(match why {
        Stop::Interrupted => 130,
        Stop::OutOfMemory => 3,
    })
}

fn find(args: &Args, control: &Arc<Control>) -> Result<Report, Failure> {
    let report = |findings| Report {
        findings,
        has_edges: true,
        reductions: args.reductions(),
        key: Key::Whole,
        workers: 1,
    };
    Ok(match args.engine() {
        Engine::Timely => {
            let crew = args.crew()?;
            no_verdict_after_a_panic();
            with_packed!(args.bounds(), args.reductions(), WORDS, model => {
                let model = Arc::new(model);
                let outcome = parallel::search(&model, &SAFETY, &crew, control)?;
                Report {
                    key: Key::Bits(crew.keys.bits::<WORDS>(), crew.keys),
                    workers: crew.workers * crew.peers.as_ref().map_or(1, |p| p.hosts.len()),
                    ..report(outcome.findings(&model, &SAFETY, control))
                }
            })
        }
        Engine::Stateright => with_packed!(args.bounds(), args.reductions(), _WORDS, model => {
            let opinion = opinion::ask_stateright(model.clone(), args.workers(), control);
            Report {
                has_edges: false,
                key: Key::Bits(64, Keys::Fingerprints),
                workers: args.workers(),
                ..report(opinion.findings(&model, &SAFETY, control))
            }
        }),
        Engine::World => {
            let handlers = args.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers);
            report(one_by_one(&WorldModel { bounds: args.bounds(), handlers }, control))
        }
        Engine::Actor => report(one_by_one(&ActorElection::new(args.bounds()), control)),
    })
}

fn one_by_one(model: &impl ElectionModel, control: &Control) -> Findings {
    search_until(model, &SAFETY, |coverage| {
        control.covers(coverage);
        control.stopped()
    })
}

/// A worker that panics would leave the others waiting for it for ever.
fn no_verdict_after_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let why = text.or_else(|| payload.downcast_ref().copied()).unwrap_or("it panicked");
        let why = match why.strip_prefix("timely communication error: ") {
            Some(why) => format!("another process is gone ({why})"),
            None => why.to_string(),
        };
        let _ = writeln!(io::stderr(), "\nerror: the search broke off without a verdict: {why}");
        process::exit(4);
    }));
}

impl From<PeersError> for Failure {
    fn from(error: PeersError) -> Self {
        match error {
            PeersError::Stopped(why) => Self::Stopped(why),
            error @ (PeersError::Listen { .. } | PeersError::Different { .. }) => {
                Self::Input(error.to_string())
            }
            error => Self::Peers(error.to_string()),
        }
    }
}
