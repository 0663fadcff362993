//! `raft-model growth`.

mod plot;
mod report;
mod rows;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};

use super::Failure;
use super::exit::Exit;
use super::memory::Limit;
use super::paper;
use super::watch::watched;

/// The arguments of `growth`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How they elect: figure2, pre-vote, check-quorum or guarded. Repeat it for several. Default:
    /// all.
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Vec<Protocol>,
    /// How many servers the cluster has, from 1 to 7. Repeat it for several. Default: 2, 3, 4, 5.
    #[arg(long, value_name = "N", value_parser = super::cluster)]
    servers: Vec<Cluster>,
    /// The last term in which an election may start; smaller ones come first.
    #[arg(long, value_name = "T", value_parser = super::max_term, default_value = "4")]
    max_term: Term,
    /// For how long it searches in all. Whatever is not done in its share of that is estimated.
    #[arg(long, value_name = "SECONDS", default_value = "20",
        value_parser = clap::value_parser!(u64).range(1..))]
    budget: u64,
    /// Leaders may be told to hand over, to anybody and at any time, as with `check --hand-over`.
    #[arg(long)]
    hand_over: bool,
    #[command(flatten)]
    memory: Limit,
    /// Draw how states grow: an SVG file, to be written anew.
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn protocols(&self) -> Vec<Protocol> {
        super::protocols(&self.protocol, None)
    }

    /// The sizes of the clusters, each once.
    fn sizes(&self) -> Vec<u8> {
        let mut sizes: Vec<u8> = self.servers.iter().map(|cluster| cluster.size()).collect();
        if sizes.is_empty() {
            sizes = vec![2, 3, 4, 5];
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// What `check` would be bounded by.
    fn bounds(&self, protocol: Protocol, servers: u8, last: u64) -> Bounds {
        let cluster = Cluster::with(servers, protocol).expect("the size of a cluster");
        let limits = Limits { hand_over: self.hand_over, leases: true, ..Limits::SMALL };
        Bounds { limits, ..Bounds::new(cluster, Terms::UpTo(Term::new(last)), Replies::All) }
    }

    const fn budget(&self) -> Duration {
        Duration::from_secs(self.budget)
    }
}

/// Searches what can be searched, estimates what comes next, and prints both.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let (table, cost) = watched(args.memory, |control| rows::measure(args, control));
    let table = table?;
    if let Some(file) = &args.svg {
        let written = fs::write(file, plot::draw(args, &table.rows));
        written
            .map_err(|error| Failure::Input(format!("cannot write {}: {error}", file.display())))?;
    }
    if args.json {
        writeln!(io::stdout(), "{:#}", report::as_json(args, &table, cost))?;
    } else {
        paper::print(&report::as_table(args, &table, cost))?;
    }
    Ok(match table.stopped {
        _ if table.rows.iter().any(|row| row.is_violated) => Exit::Fails,
        Some(why) => why.into(),
        None => Exit::Holds,
    })
}
