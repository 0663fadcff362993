//! The command line of `raft-node`.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use raft_node::config::{Config, ConfigError, Settings};
use raft_node::link::{Link, LinkError};
use raft_node::node::{Node, NodeError};
use raft_node::recorder::{Recorder, RecorderError};
use raft_node::store::{DataDir, StoreError};
use signal_hook::consts::{SIGINT, SIGTERM};
use tracing_subscriber::filter::LevelFilter;

/// Raft leader election over UDP.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Run),
}

const EXAMPLE: &str = "\
Example: three servers on one machine, each in a terminal of its own. Leave out --bootstrap when you
start a server again.

  S='--server 1=127.0.0.1:7001 --server 2=127.0.0.1:7002 --server 3=127.0.0.1:7003'
  raft-node run --cluster demo $S --id 1 --data /tmp/demo1 --bootstrap
  raft-node run --cluster demo $S --id 2 --data /tmp/demo2 --bootstrap
  raft-node run --cluster demo $S --id 3 --data /tmp/demo3 --bootstrap

Then kill -9 the one that says role=leader, and watch the others elect another.

Log: one line on stderr for each step that changes the server, with the rule that it applied. The
environment variable RAFT_LOG sets how much: off, warn, info (the default), debug (every step) or
trace (every datagram).

Exit code: 0 after SIGINT or SIGTERM, 1 if the server cannot run or cannot go on (ballot, lock,
address, disk), 2 if it was told something wrong.";

/// Run one server of a cluster, until SIGINT or SIGTERM.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
struct Run {
    /// Name of the cluster: 1 to 32 letters, digits, '-', '_' or '.'
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Number of this server
    #[arg(long, value_name = "NUMBER")]
    id: u8,
    /// Number and address of a server; once for each of the 1 to 7 servers, this one included
    #[arg(long = "server", value_name = "NUMBER=IP:PORT", required = true, value_parser = server)]
    servers: Vec<(u8, SocketAddr)>,
    /// Directory for the ballot of this server, of no other, on a disk of its own machine
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Milliseconds between two heartbeats of a leader; less than half of the election minimum
    #[arg(long, value_name = "MS", default_value_t = 50)]
    heartbeat: u64,
    /// Milliseconds without a leader until a server campaigns, drawn anew each time
    #[arg(long, value_name = "MIN..MAX", default_value = "150..300", value_parser = range)]
    election: (u64, u64),
    /// Seed of the random election timeouts, for runs to compare [default: from the system]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Add a record of every step to this file, for `raft-model replay`; it grows without end
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Create the ballot of a server that has never run before. Only then: a server that forgot its
    /// votes can elect a second leader
    #[arg(long)]
    bootstrap: bool,
}

fn server(text: &str) -> Result<(u8, SocketAddr), String> {
    let (number, address) = text.split_once('=').ok_or("write it as 1=127.0.0.1:7001")?;
    let number = number.parse().map_err(|_| format!("{number:?} is not the number of a server"))?;
    let address = address.parse().map_err(|_| {
        format!("{address:?} is not an IP address and port such as 127.0.0.1:7001 or [::1]:7001")
    })?;
    Ok((number, address))
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let numbers =
        text.split_once("..").and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    numbers.ok_or_else(|| "write it as 150..300, in milliseconds".into())
}

fn main() -> ExitCode {
    let Cli { command: Command::Run(args) } = Cli::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be listening.
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(args: Run) -> Result<(), Failure> {
    let level = std::env::var("RAFT_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_max_level(level.parse::<LevelFilter>().map_err(|_| Failure::Log(level))?)
        .with_writer(io::stderr)
        .with_target(false)
        .log_internal_errors(false) // they would go to the stderr that just failed, and panic
        .init();

    let (min, max) = args.election;
    let config = Config::new(Settings {
        cluster: args.cluster,
        id: args.id,
        servers: args.servers,
        heartbeat: Duration::from_millis(args.heartbeat),
        election_timeout: Duration::from_millis(min)..=Duration::from_millis(max),
        seed: args.seed,
    })?;
    let (stop, stopper) = UnixStream::pair().map_err(Failure::Signals)?;
    for signal in [SIGINT, SIGTERM] {
        let stopper = stopper.try_clone().map_err(Failure::Signals)?;
        signal_hook::low_level::pipe::register(signal, stopper).map_err(Failure::Signals)?;
    }

    // The ballot of a new server comes last, so that what fails before can simply be tried again.
    let data =
        if args.bootstrap { DataDir::create(&args.data) } else { DataDir::lock(&args.data) }?;
    let link = Link::bind(&config)?;
    let store = if args.bootstrap { data.bootstrap(&config) } else { data.open(&config) }?;
    let boot = store.boot();
    let node = Node::new(link, store);
    let node = match args.trace {
        Some(path) => node.recorded_by(Recorder::open(&path, &config, boot)?),
        None => node,
    };
    Ok(node.run(stop.as_fd())?)
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}\n\nFor more information, try 'raft-node run --help'.")]
    Config(#[from] ConfigError),
    #[error("RAFT_LOG={0:?}: write off, warn, info, debug or trace")]
    Log(String),
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl Failure {
    const fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Log(_) => 2,
            Self::Signals(_)
            | Self::Link(_)
            | Self::Store(_)
            | Self::Recorder(_)
            | Self::Node(_) => 1,
        }
    }
}
