//! `raft-node lead`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use raft_node::control::{Client, ClientError, Snapshot};
use raft_node::supervise::{self, Margins, Restart, Supervisor};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

use super::control::Running;
use super::log::Log;
use super::{Failure, is_readable, stop_at_signals};

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLE: &str = "\
Example: raft-node lead --data /var/lib/orders -- /usr/bin/orders --listen 80, on each machine \
beside its node. Of all these commands one runs at a time, if each node has one `lead`.

CMD is a process group of its own, without standard input. In its environment: RAFT_TERM, the \
fencing token, which is higher for each later leader; RAFT_LEASE_MS, the longest time that it may \
go on when its node falls silent; RAFT_SERVER, the number of this server. When its node leads no \
more, or does not answer, CMD gets SIGTERM, and what is left of its group SIGKILL, before another \
server can lead. How long that takes follows from the node's election minimum: with 150 ms, CMD \
has some 30 to 100 ms to end. Give the servers longer ones if it needs more. A node that is told \
to stop or to hand over waits up to ten seconds for CMD to end.

Whatever becomes of the node, CMD ends in time. When this supervisor is killed, the kernel kills \
CMD, and the node its group; when it is stopped, the node kills the group. Not covered: node, \
supervisor and CMD stopped together and continued later, node and supervisor both stopped, and \
processes that leave the group. For these, let whatever CMD writes to refuse a RAFT_TERM lower \
than one that it has seen.

The hook runs with leading, following or none as its argument, and RAFT_TERM, RAFT_LEADER and \
RAFT_SERVER in its environment: at the start and at each change, one run at a time, in order; \
what changed meanwhile is told as one. Nobody waits for it.

SIGTERM, SIGINT or SIGHUP end CMD and then this; a second one does not wait. When it ends, the \
node leaves office, so that another one runs its command, unless --stay.

Exit code: that of CMD if it ended by itself (128 and the signal if it was killed, 126 if it \
cannot be run, 127 if it is not found, be it at the start), 0 after a signal, 1 if something else fails, 2 if it was \
told something wrong. A node that does not run is waited for.";

/// Run a command only while the node of this machine leads.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    node: Running,
    /// How long before the end of its lease CMD gets SIGTERM [default: a third of the lease]
    #[arg(long, value_name = "MS")]
    stop_before: Option<u64>,
    /// How long before the end of its lease CMD is killed [default: a tenth of the lease, at least
    /// 10 and at most 1000]
    #[arg(long, value_name = "MS")]
    kill_before: Option<u64>,
    /// How long CMD may take to end while the node still leads; then it is killed
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    stop_timeout: u64,
    /// Whether CMD is run again when it has ended by itself
    #[arg(long, value_name = "WHEN", default_value = "never")]
    restart: Restart,
    /// How long after it has ended
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    restart_delay: u64,
    /// Leave the node in office at the end, although CMD does not run any more
    #[arg(long)]
    stay: bool,
    /// A program that is run at each change of who leads
    #[arg(long, value_name = "PROGRAM")]
    on_change: Option<OsString>,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD", required_unless_present = "on_change")]
    command: Vec<OsString>,
}

/// Runs it, and says with which code to exit.
pub(super) fn run(args: Args) -> Result<u8, Failure> {
    let _log = Log::begin(std::env::var("RAFT_LOG").ok().as_deref())?;
    if let Some(program) = args.command.first()
        && !is_there(program)
    {
        return Ok(cannot_run(program, &rustix::io::Errno::NOENT.into()));
    }
    let (stop, _stopper) = stop_at_signals(&[SIGTERM, SIGINT, SIGHUP])?;
    let (children, _ended) = stop_at_signals(&[SIGCHLD])?;
    let Some(node) = find(&args, &stop)? else { return Ok(0) };
    let timing = timing(&args, &node)?;
    let supervisor = Supervisor {
        data: args.node.data()?,
        command: args.command,
        margins: timing.margins,
        lease: timing.lease,
        period: timing.period,
        restart: args.restart,
        restart_delay: Duration::from_millis(args.restart_delay),
        hook: args.on_change,
        stays: args.stay,
    };
    supervisor.run(stop, children).map_err(Failure::other)
}

/// Whether there is such a program, now: a mistake in its name is better known before it is needed.
fn is_there(program: &OsStr) -> bool {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return path.is_file();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(path).is_file())
}

/// The node, once it is there. `None` if a signal comes first.
fn find(args: &Args, stop: &UnixStream) -> Result<Option<Snapshot>, Failure> {
    let (data, mut has_said) = (args.node.data()?, false);
    loop {
        let asked = Client::connect(&data, PATIENCE).and_then(|mut it| it.status());
        match asked {
            Ok(snapshot) => return Ok(Some(snapshot)),
            Err(error @ (ClientError::NoNode { .. } | ClientError::Ended { .. })) => {
                if !has_said {
                    tracing::warn!("{error}. Waiting for it");
                }
                has_said = true;
            }
            Err(error) => return Err(Failure::other(error)),
        }
        if is_readable(stop, Duration::from_millis(200)) {
            return Ok(None);
        }
    }
}

struct Timing {
    lease: Duration,
    period: Duration,
    margins: Margins,
}

/// When a command ends, in a cluster with these timeouts.
fn timing(args: &Args, node: &Snapshot) -> Result<Timing, Failure> {
    let ms = Duration::from_millis;
    let (lease, heartbeat) =
        (Duration::from_micros(node.lease_us), Duration::from_micros(node.heartbeat_us));
    if lease.is_zero() {
        return Err(Failure::input(TimingError::NoLease(node.status.protocol.clone())));
    }
    let period = (heartbeat / 2).clamp(ms(5), ms(1000));
    let kill = args.kill_before.map_or((lease / 10).clamp(ms(10), ms(1000)), ms);
    let stop = args.stop_before.map_or((lease / 3).max(kill), ms);
    if stop < kill {
        return Err(Failure::input(TimingError::Order { stop, kill }));
    }
    // What is left of a lease right before the answer that renews it.
    let left = lease.saturating_sub(heartbeat + period);
    if left <= stop {
        return Err(Failure::input(TimingError::Short { stop, left, lease }));
    }
    Ok(Timing { lease, period, margins: Margins { stop, kill, patience: ms(args.stop_timeout) } })
}

#[derive(Debug, thiserror::Error)]
enum TimingError {
    #[error(
        "the servers of this cluster elect by {0}, which gives no leases: use check-quorum or \
         guarded"
    )]
    NoLease(String),
    #[error("--stop-before {stop:?} is less than --kill-before {kill:?}")]
    Order { stop: Duration, kill: Duration },
    #[error(
        "a lease of this cluster is {lease:?} long, and {left:?} of it are left when it is renewed: \
         --stop-before {stop:?} would end the command again and again. Give less, or the servers \
         longer election timeouts"
    )]
    Short { stop: Duration, left: Duration, lease: Duration },
}

/// Becomes a command, for a supervisor.
#[derive(clap::Args)]
pub(super) struct Enter {
    supervisor: i32,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) fn enter(args: &Enter) -> u8 {
    let Err(error) = supervise::enter(args.supervisor, &args.command);
    cannot_run(args.command.first().map_or(OsStr::new(""), OsString::as_os_str), &error)
}

/// Says so, and which exit code that is.
fn cannot_run(program: &OsStr, error: &io::Error) -> u8 {
    let _ = writeln!(io::stderr(), "error: cannot run {}: {error}", program.display());
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}
