//! `raft-model explore`.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

use raft_model::actor::ActorElection;
use raft_model::cluster::Cluster;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use stateright::Model;

use super::Failure;
use super::exit::Exit;

/// The arguments of `explore`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many servers the cluster has, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "3")]
    servers: Cluster,
    /// The last term in which an election may start; terms begin at 0.
    #[arg(long, value_name = "T", value_parser = super::max_term, default_value = "2")]
    max_term: Term,
    /// Where to serve the page. Whoever can reach it can read it.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
    address: SocketAddr,
}

/// Serves the Explorer until the process is stopped.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    // The Explorer panics where it cannot listen, so try before it does. Port 0 is any free one.
    let listened = TcpListener::bind(args.address).and_then(|listener| listener.local_addr());
    let address = listened.map_err(|error| {
        Failure::Input(format!(
            "cannot serve at {}: {error}; choose another address with --address",
            args.address
        ))
    })?;
    // The Explorer would serve files of a folder ./ui instead of its own page.
    std::env::set_current_dir("/").map_err(|error| Failure::Input(error.to_string()))?;
    writeln!(io::stdout(), "Explore the election at http://{address}/ (stop with Ctrl-C)")?;
    let bounds = Bounds::new(args.servers, Terms::UpTo(args.max_term), Replies::Useful);
    ActorElection::new(bounds).checker().serve(address);
    Ok(Exit::Holds)
}
