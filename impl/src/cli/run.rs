//! `raft-node run`.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use raft_node::Node;
use raft_node::config::{Config, Settings};
use raft_node::control;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::log::Log;
use super::{Election, Failure, hint, service};

const EXAMPLE: &str = "\
Example: three servers on one machine, each in a terminal of its own. Leave out --bootstrap when \
you start a server again.

  S='--server 1=127.0.0.1:7001 --server 2=127.0.0.1:7002'
  S=\"$S --server 3=127.0.0.1:7003\"
  raft-node run --cluster demo $S --id 1 --data /tmp/demo1 --bootstrap
  raft-node run --cluster demo $S --id 2 --data /tmp/demo2 --bootstrap
  raft-node run --cluster demo $S --id 3 --data /tmp/demo3 --bootstrap

Then kill -9 the one that says role=leader, and watch the others elect another. With kill alone \
it hands over before it stops, and nobody has to wait.

Log: one line on stderr for each step that changes the server, with the rule that it applied. \
The environment variable RAFT_LOG sets how much: off, warn, info (the default), debug (every \
step) or trace (every datagram).

At SIGINT or SIGTERM a leader hands over to another server, if the protocol has check-quorum, \
and stays until that one leads, or for twice the election minimum. A second signal stops it at \
once, as the first one does any other server.

Exit code: 0 after SIGINT or SIGTERM; 1 if the server cannot run or go on, but may if it is \
started again later (its address is in use or not there yet, the disk is full or refuses, \
another process has its directory); 2 if it was told something wrong; 3 if a person has to look, \
since what lies on its disk is not what should (no ballot or a damaged one, a ballot of another \
server).";

/// Run one server of a cluster, until SIGINT or SIGTERM.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Name of the cluster: 1 to 32 letters, digits, '-', '_' or '.'
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Number of this server
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    id: u8,
    /// Number and address of a server: an IP address, no host name. Once for each of the 1 to 7
    /// servers, this one included; the same list on every machine
    #[arg(long = "server", value_name = "NUMBER=IP:PORT", required = true, value_parser = server)]
    servers: Vec<(u8, SocketAddr)>,
    /// Directory for the ballot of this server, of no other, on a disk of its own machine
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    election: Election,
    /// Seed of the random election timeouts, to repeat a run's timeouts [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How much clocks may gain or lose, in percent: what a lease assumes of all servers
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = clock_error)]
    clock_error: u32,
    /// Add a record of every step to this file, for `raft-model replay`; it grows without end. It
    /// ends when it cannot be written any more
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Stop when the trace cannot be written, so that it holds whatever the server did
    #[arg(long, requires = "trace")]
    trace_required: bool,
    /// Create the ballot of a server that has never run before. Only then: a server that forgot its
    /// votes can elect a second leader
    #[arg(long)]
    bootstrap: bool,
    /// Stop when standard input ends as well. Whoever starts a server with a pipe there is not
    /// survived by it, not even after kill -9
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
}

fn number(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("{text:?} is not the number of a server"))
}

fn server(text: &str) -> Result<(u8, SocketAddr), String> {
    let (number, address) = text.split_once('=').ok_or("write it as 1=127.0.0.1:7001")?;
    let number = self::number(number)?;
    let address = address.parse().map_err(|_| wrong_address(address))?;
    Ok((number, address))
}

/// Percent as parts of a million.
pub(super) fn clock_error(text: &str) -> Result<u32, String> {
    let percent: f64 = text.parse().map_err(|_| "write it as 1 or 0.05, in percent")?;
    if !(0.0..100.0).contains(&percent) {
        return Err("it is at least 0 and less than 100 percent".into());
    }
    // It fits: there are a million parts in 100 percent.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ppm = (percent * 10_000.0).round() as u32;
    Ok(ppm.min(999_999))
}

/// What is wrong with what should be an address.
fn wrong_address(text: &str) -> String {
    match text.rsplit_once(':') {
        Some((host, port)) if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() => {
            format!("{text:?} has the port {port:?}; give a number from 1 to 65535")
        }
        None if text.parse::<IpAddr>().is_ok() => format!("{text:?} has no port"),
        _ => format!("{text:?} is not an IP address and port such as 127.0.0.1:7001 or [::1]:7001"),
    }
}

/// Runs the server.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let log = Log::begin()?;
    let config = Config::new(Settings {
        cluster: args.cluster,
        id: args.id,
        servers: args.servers,
        protocol: args.election.protocol,
        witnesses: args.election.witnesses.clone(),
        heartbeat: args.election.heartbeat(),
        election_timeout: args.election.timeout(),
        clock_error_ppm: args.clock_error,
        seed: args.seed,
    });
    let config = config.map_err(hint::config)?;
    let (mut stop, stopper) = super::stop_at_signals(&[SIGINT, SIGTERM])?;
    if args.stop_with_stdin {
        thread::spawn(move || stop_at_end_of_stdin(stopper));
    }
    let mut builder = Node::builder(config).data(&args.data).bootstrap(args.bootstrap);
    if let Some(trace) = args.trace {
        builder = builder.trace(trace).needs_trace(args.trace_required);
    }
    let node = Arc::new(builder.start().map_err(hint::start)?);
    let control = control::Server::open(&node, Some(log.levels()))
        .inspect_err(|error| tracing::warn!(%error, "nobody can ask this node: no control socket"));
    let control = control.ok().map(Arc::new);
    service::started(&node);
    let (stopped, asked) = (Arc::clone(&node), control.as_ref().map(Arc::downgrade));
    thread::spawn(move || {
        if stop.read_exact(&mut [0]).is_err() {
            return;
        }
        service::stopping();
        let first = Arc::clone(&stopped);
        thread::spawn(move || {
            // Whoever acts for a leader ends first, as long as it leads.
            if let Some(control) = asked.and_then(|it| it.upgrade())
                && first.check_hand_over(None).is_ok()
            {
                control.release();
            }
            first.begin_shutdown();
        });
        while stop.read_exact(&mut [0]).is_ok() {
            stopped.begin_shutdown();
            stopped.begin_shutdown(); // at once
        }
    });
    node.wait().map_err(Failure::other)
}

/// The system closes a pipe when the process at its other end dies, however it dies. Then nobody is
/// left to hand over to.
fn stop_at_end_of_stdin(mut stopper: UnixStream) {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let _ = stopper.write_all(b"xx"); // at once; what fails here has stopped already
}
