//! `raft-node cluster`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::value_parser;
use raft_model::cluster::Cluster;
use raft_node::cluster::{self, Demonstration};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{Election, Failure, hint};

const EXAMPLE: &str = "\
Example: raft-node cluster, and in another terminal kill -9 of the process that leads. The \
others elect a new leader in a higher term. The killed server starts again on its data, and \
follows. Or kill -STOP the leader: it takes itself for the leader while another is elected, \
until kill -CONT lets it hear of that. The same by keys: k1 kills S1, p1 pauses it, c1 lets it \
go on. With kill alone, the leader hands over before it stops.

Without a terminal (raft-node cluster | cat), each change is one line.

Stop it with Ctrl-C, SIGTERM or SIGHUP; a second one, later than within a second, kills the \
servers that have not stopped yet. No server outlives this program, not even when it is killed. \
The traces grow for as long as it runs.

Exit code: 0 after one of these, 1 if a server cannot run or had to be killed, 2 if it was told \
something wrong.";

/// Run a whole cluster on this machine to look at, until a signal.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// How many servers, from 1 to 7; each is a process
    #[arg(
        long,
        visible_alias = "servers",
        value_name = "N",
        default_value_t = 3,
        value_parser = value_parser!(u8).range(1..=i64::from(Cluster::MAX_SIZE))
    )]
    size: u8,
    #[command(flatten)]
    election: Election,
    /// Keep the trace of each server in this directory, for `raft-model replay`. It must hold no
    /// traces yet [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
}

/// Runs the cluster.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let demonstration = Demonstration {
        program: std::env::current_exe().map_err(Failure::other)?,
        size: args.size,
        protocol: args.election.protocol,
        witnesses: args.election.witnesses.clone(),
        heartbeat: args.election.heartbeat(),
        election_timeout: args.election.timeout(),
        clock_error_ppm: args.election.clock_error.0,
        traces: args.trace,
    };
    let (stop, _stopper) = super::stop_at_signals(&[SIGINT, SIGTERM, SIGHUP])?;
    let result = cluster::demonstrate(&demonstration, &stop);
    if demonstration.traces.is_none() && matches!(result, Ok(()) | Err(cluster::Error::Killed(_))) {
        // Nobody may be listening.
        let _ = writeln!(io::stdout(), "\nThe traces are gone. To keep them: --trace DIR");
    }
    result.map_err(hint::cluster)
}
