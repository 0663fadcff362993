//! `raft-node run`.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(feature = "http")]
use raft_model::types::ServerId;
use raft_node::Node;
use raft_node::cluster::ONE_REQUEST;
use raft_node::control;
use raft_node::node::{Builder, StartError};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::keys::{Keys, Moving, Server, resolve};
use super::log::Log;
use super::reload::{Hangups, Source};
use super::{Failure, hint, is_readable, service};

/// How often an address is tried that is not there yet.
const AGAIN: Duration = Duration::from_millis(500);

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

On real machines, write the keys to a file: raft-node init.

Log: one line on stderr for each step that changes the server, with the rule that it applied; \
--log says how much, and `raft-node log-level` changes it. While no election leads to a leader, \
the first, second, fourth, … has its lines (elections_begun counts them), then one a minute; \
the others are at debug.

At SIGHUP it reads the log level from its configuration again, and the key of the cluster, and \
goes on with its trace in a new file; if somebody has renamed the old one, that keeps its name. \
Nothing else is read again.

At SIGINT or SIGTERM a leader hands over to another server, if the protocol has check-quorum, \
and stays until that one leads, or for twice the election minimum. Another signal, at least a \
second later, stops it at once, as the first one does any other server.

Exit code: 0 after SIGINT or SIGTERM; 1 if the server cannot run or go on, but may if it is \
started again later (its address is in use or not there yet, the disk is full or refuses, \
another process has its directory); 2 if it was told something wrong; 3 if a person has to look, \
since what lies on its disk is not what should (no ballot or a damaged one, a ballot of another \
server).";

/// Run one server of a cluster, until SIGINT or SIGTERM.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// A file with the keys that are not given here: `raft-node init` writes one
    #[arg(long, value_name = "FILE", env = "RAFT_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
    /// Create the ballot of a server that has never run before. Only then: a server that forgot its
    /// votes can elect a second leader
    #[arg(long)]
    bootstrap: bool,
    /// Stop when standard input ends as well. Whoever starts a server with a pipe there is not
    /// survived by it, not even after kill -9
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
}

/// Runs the server.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let source = Source { given: args.keys, file: args.config };
    let keys = source.given.clone().with_file(source.file.as_deref())?;
    let log = Log::begin(keys.log.as_deref())?;
    let data = keys.data()?.to_owned();
    let hangups = Hangups::new()?;
    let (mut stop, stopper) = super::stop_at_signals(&[SIGINT, SIGTERM])?;
    if args.stop_with_stdin {
        thread::spawn(move || stop_at_end_of_stdin(stopper));
    }
    let goes_on = |time| !is_readable(&stop, time);
    let config = match keys.config(|servers| resolve(servers, goes_on).ok_or(Failure::Said)) {
        Err(Failure::Said) => return Ok(()), // a signal came first
        found => found?,
    };
    let mut builder = Node::builder(config).data(&data).bootstrap(args.bootstrap);
    builder = builder.insecure(keys.insecure).trace_rotation(keys.rotation());
    if let Some(keys) = keys.cluster_keys()? {
        builder = builder.keys(keys);
    }
    if let Some(trace) = keys.trace {
        builder = builder.trace(trace).needs_trace(keys.trace_required);
    }
    let patience = Duration::from_secs(keys.wait_for_address.unwrap_or(0));
    let Some(node) = started(&builder, patience, goes_on) else {
        return Ok(());
    };
    let node = Arc::new(node.map_err(hint::start)?);
    hangups.watch(&node, source, log.levels());
    let _http =
        keys.http.map(|address| http(&node, address, &keys.http_servers, &log)).transpose()?;
    Moving(keys.servers).watch(Arc::downgrade(&node));
    let control = control::Server::open(&node, Some(log.levels()))
        .inspect_err(|error| tracing::warn!(%error, "nobody can ask this node: no control socket"));
    let control = control.ok().map(Arc::new);
    service::started(&node);
    let (stopped, asked) = (Arc::clone(&node), control.as_ref().map(Arc::downgrade));
    thread::spawn(move || {
        if stop.read_exact(&mut [0]).is_err() {
            return;
        }
        let requested = Instant::now();
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
            if requested.elapsed() < ONE_REQUEST {
                continue;
            }
            stopped.begin_shutdown();
            stopped.begin_shutdown(); // at once
        }
    });
    node.wait().map_err(Failure::other)
}

/// The node, once its address is there, or this time is over; `None` if it is time to stop.
fn started(
    builder: &Builder,
    patience: Duration,
    mut goes_on: impl FnMut(Duration) -> bool,
) -> Option<Result<Node, StartError>> {
    let start = Instant::now();
    let said = Once::new();
    loop {
        let result = builder.clone().start();
        match &result {
            Err(StartError::Link(error))
                if error.is_missing_address() && start.elapsed() < patience =>
            {
                said.call_once(|| {
                    tracing::warn!("{} is not there yet; waiting for it", error.address);
                });
            }
            _ => return Some(result),
        }
        if !goes_on(AGAIN) {
            return None;
        }
    }
}

#[cfg(feature = "http")]
fn http(
    node: &Arc<Node>,
    address: SocketAddr,
    servers: &[Server],
    log: &Log,
) -> Result<raft_node::http::Server, Failure> {
    let servers =
        servers.iter().filter_map(|it| Some((ServerId::new(it.number)?, it.place.to_string())));
    let server = raft_node::http::Server::open(node, address, servers.collect(), log.dropped());
    server.map_err(|error| Failure::Http { address, error })
}

#[cfg(not(feature = "http"))]
fn http(_: &Arc<Node>, address: SocketAddr, _: &[Server], _: &Log) -> Result<(), Failure> {
    let error = io::Error::other("this program was built without it");
    Err(Failure::Http { address, error })
}

/// The system closes a pipe when the process at its other end dies, however it dies. Then nobody is
/// left to hand over to.
fn stop_at_end_of_stdin(mut stopper: UnixStream) {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let _ = stopper.write_all(b"xx"); // at once; what fails here has stopped already
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use raft_node::config::{Config, Settings};

    use super::*;

    #[test]
    fn a_server_waits_for_its_address_for_as_long_as_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = "192.0.2.1:7000".parse().unwrap(); // an address of examples
        let config = Config::new(Settings::new("late", 1, vec![(1, nowhere)])).unwrap();
        let builder = Node::builder(config).data(folder.path()).bootstrap(true).insecure(true);
        let asked = Cell::new(0);
        let twice = |_| {
            asked.set(asked.get() + 1);
            asked.get() < 2
        };
        let at_once = started(&builder, Duration::ZERO, twice);
        assert!(matches!(at_once, Some(Err(StartError::Link(_)))) && asked.get() == 0);
        assert!(started(&builder, Duration::from_secs(60), twice).is_none() && asked.get() == 2);
    }
}
