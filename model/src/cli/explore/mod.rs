//! `raft-model explore`.

mod assets;
mod maps;
mod questions;
mod runs;
mod server;
mod work;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use raft_model::actor::ActorElection;
use raft_model::cluster::{Cluster, Protocol};
use raft_model::explore::first_exercise;
use raft_model::explore::run::recorded::recorded;
use raft_model::explore::setting::Setting;
use raft_model::mutant::Mutant;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use stateright::Model;

use super::Failure;
use super::exit::Exit;
use super::replay;
use maps::Maps;
use runs::Runs;
use server::Shared;
use work::Work;

/// Where the page is, unless something else is said.
const PORT: u16 = 3000;

/// The arguments of `explore`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Traces of the servers of one cluster, which `raft-node run --trace FILE` wrote. The page
    /// opens with what they did, in real time, once the specification has done it again.
    #[arg(value_name = "FILE", conflicts_with = "stateright")]
    files: Vec<PathBuf>,
    /// Follow the traces while they grow: the page shows a cluster that runs.
    #[arg(long, requires = "files")]
    watch: bool,
    /// How many servers the cluster has when the page opens, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "3")]
    servers: Cluster,
    /// How they elect: figure2, pre-vote, check-quorum, or guarded, which is both. Of a mutant: as
    /// the catalogue says.
    #[arg(long, value_name = "PROTOCOL", conflicts_with_all = ["mutant", "stateright"])]
    protocol: Option<Protocol>,
    /// The last term in which an election may start; terms begin at 0.
    #[arg(long, value_name = "T", value_parser = super::max_term, default_value = "2")]
    max_term: Term,
    /// Open with an election that is wrong on purpose; `raft-model mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant, conflicts_with = "stateright")]
    mutant: Option<Mutant>,
    /// Open with an exercise: an election that is wrong, without its name. Find a run that breaks
    /// it.
    #[arg(long, conflicts_with_all = ["mutant", "protocol", "servers", "max_term", "stateright"])]
    exercise: bool,
    /// Where to serve the page: a port of this machine, which only this machine can reach; 0 is any
    /// free one.
    #[arg(long, value_name = "PORT", default_value_t = PORT, conflicts_with = "address")]
    port: u16,
    /// Where to serve the page, if others are to reach it. Whoever can reach it can read it.
    #[arg(long, value_name = "IP:PORT")]
    address: Option<SocketAddr>,
    /// Serve stateright's own Explorer instead, on the actor model by Figure 2.
    #[arg(long)]
    stateright: bool,
    /// Serve the files of the page from this folder, while one works on them.
    #[arg(long, value_name = "DIR", hide = true)]
    assets: Option<PathBuf>,
}

impl Args {
    fn address(&self) -> SocketAddr {
        self.address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, self.port).into())
    }

    /// What the page opens with.
    fn setting(&self) -> Setting {
        let of_mutant = self.mutant.map(|mutant| mutant.protocol);
        let protocol = of_mutant.or(self.protocol).unwrap_or(Protocol::FIGURE2);
        let cluster = Cluster::with(self.servers.size(), protocol);
        let cluster = cluster.expect("a cluster has this size by any protocol");
        Setting { mutant: self.mutant, ..Setting::new(cluster, self.max_term) }
    }
}

/// Serves a page until the process is stopped.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let asked = args.address();
    let cannot_serve = |error: io::Error| {
        let port = asked.port();
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} is in use, perhaps by another explorer; choose another one with \
                 --port, or any free one with --port 0"
            ),
            _ => format!("{error}; choose another address with --address"),
        };
        Failure::Input(format!("cannot serve at {asked}: {why}"))
    };
    let listener = TcpListener::bind(asked).map_err(cannot_serve)?;
    let address = listener.local_addr().map_err(cannot_serve)?;
    if args.stateright {
        return stateright(args, listener, address);
    }
    let runs = match &*args.files {
        [] => Runs::None,
        files if args.watch => Runs::follow(files),
        files => match recorded(files) {
            Ok(_) => Runs::Recorded(files.to_vec()),
            Err(error) => return replay::refused(&error),
        },
    };
    let link = args.setting();
    let fragment = if let Some(first) = first_exercise().filter(|_| args.exercise) {
        format!("#{first}")
    } else if !matches!(runs, Runs::None) {
        "#view=run".to_owned()
    } else if link.to_string() == Setting::usual().to_string() {
        String::new()
    } else {
        format!("#{link}")
    };
    writeln!(
        io::stdout(),
        "Explore the election at http://{address}/{fragment} (stop with Ctrl-C)"
    )?;
    let shared =
        Shared { assets: args.assets.clone(), work: Work::default(), maps: Maps::default(), runs };
    server::serve(listener, shared).map_err(cannot_serve)?;
    Ok(Exit::Holds)
}

/// Serves stateright's page. It listens by itself, and panics where it cannot: that it can, was
/// tried before.
fn stateright(args: &Args, tried: TcpListener, address: SocketAddr) -> Result<Exit, Failure> {
    drop(tried);
    // It would serve files of a folder ./ui instead of its own page.
    std::env::set_current_dir("/").map_err(|error| Failure::Input(error.to_string()))?;
    writeln!(io::stdout(), "Explore the election at http://{address}/ (stop with Ctrl-C)")?;
    let bounds = Bounds::new(args.servers, Terms::UpTo(args.max_term), Replies::Useful);
    ActorElection::new(bounds).checker().serve(address);
    Ok(Exit::Holds)
}
