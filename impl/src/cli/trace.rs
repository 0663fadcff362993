//! `raft-node trace`: the trace of a running node.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Subcommand;
use raft_node::control::Request;

use super::control::{Running, ordered};
use super::{Failure, printed};

const EXAMPLE: &str = "\
Example: raft-node trace start --data /tmp/demo1, and later raft-node trace stop; then \
raft-model replay /tmp/demo1/trace.jsonl. `raft-node status` says which trace is written.

Exit code: 0 if it is done, 1 if the node refuses or none runs there, 2 if the command was told \
something wrong.";

/// Begin or end the trace of a running node, or go on with it in a new file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Trace {
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Write a record of every step to a file, in the background.
    ///
    /// It is rotated as --trace-size and --trace-keep said when the node was started.
    Start {
        #[command(flatten)]
        node: Running,
        /// The file; what this server wrote there is kept [default: that of --trace when the node
        /// was started, or trace.jsonl in its data directory]
        file: Option<PathBuf>,
    },
    /// End the trace. The node goes on, and the trace says so
    Stop {
        #[command(flatten)]
        node: Running,
    },
    /// Go on in a new file. The old one becomes FILE.1, FILE.2, ..., or keeps the name that
    /// somebody else gave it
    Rotate {
        #[command(flatten)]
        node: Running,
    },
}

pub(super) fn run(args: Trace) -> Result<(), Failure> {
    match args.order {
        Order::Start { node, file } => {
            // The node has another working directory.
            let file = file.map(std::path::absolute).transpose().map_err(Failure::other)?;
            let file = ordered(&node, &Request::TraceStart { file })?;
            let file = file.map_or(String::new(), |trace| trace.file);
            printed(writeln!(io::stdout(), "The node writes a trace to {file}."))
        }
        Order::Stop { node } => {
            ordered(&node, &Request::TraceStop)?;
            printed(writeln!(io::stdout(), "The node writes no trace."))
        }
        Order::Rotate { node } => {
            let trace = ordered(&node, &Request::TraceRotate)?;
            let file = trace.map_or(String::new(), |trace| trace.file);
            printed(writeln!(io::stdout(), "The node writes on in a new {file}."))
        }
    }
}
