//! `raft-node status`, `hand-over`, `step-down` and `log-level`: what is said to a running node.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use raft_model::types::ServerId;
use raft_node::control::{Client, ClientError, Request, Snapshot};
use raft_node::recorder::TraceStatus;

use super::keys::Keys;
use super::{Failure, printed};

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a status is shown that does not change.
const EVERY: Duration = Duration::from_secs(1);

/// The terminal from its first line.
const CLEAR: &str = "\x1b[H\x1b[J";

const STATUS: &str = "\
Example: raft-node status --data /tmp/demo1, on the machine of the node and as its user. It says \
what this one server knows: another one may know more, or of a later term. What may be acted on \
is the leadership, and only as long as it is valid.

Exit code: 0 if the node answered, 1 if none runs there or it does not answer, 2 if the command \
was told something wrong.";

/// Show what a running node knows: its role and term, who leads, whom it hears.
#[derive(clap::Args)]
#[command(after_help = STATUS)]
pub(super) struct Status {
    #[command(flatten)]
    node: Running,
    /// Print JSON, one object a line; times are microseconds, terms are strings
    #[arg(long)]
    json: bool,
    /// Go on: at each change, and every second, until the node stops
    #[arg(long)]
    watch: bool,
}

/// Let a leader hand over to another server, and wait until one leads.
///
/// The node hands out no leadership any more, waits until all that it handed out is over, and asks
/// the other server to take over. Exit code: 0 if this one has left office, 1 if not.
#[derive(clap::Args)]
pub(super) struct HandOver {
    #[command(flatten)]
    node: Running,
    /// Number of the server that shall lead [default: the one that answered last]
    #[arg(long, value_name = "NUMBER", value_parser = super::server_id)]
    to: Option<ServerId>,
}

/// Let a leader hand over to the server that answered last: hand-over without --to.
#[derive(clap::Args)]
pub(super) struct StepDown {
    #[command(flatten)]
    node: Running,
}

/// Change how much a running node logs, until it is started again.
#[derive(clap::Args)]
pub(super) struct LogLevel {
    #[command(flatten)]
    node: Running,
    /// off, warn, info, debug (every step) or trace (every datagram)
    level: String,
}

/// The node that is meant.
#[derive(clap::Args)]
pub(super) struct Running {
    /// Data directory of the node, as in `raft-node run`
    #[arg(long, value_name = "DIR", env = "RAFT_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// The file of keys that the node was started with, which names its data directory
    #[arg(long, value_name = "FILE", env = "RAFT_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

impl Running {
    /// The data directory.
    pub(super) fn data(&self) -> Result<PathBuf, Failure> {
        let keys = Keys { data: self.data.clone(), ..Keys::default() };
        let file = self.config.as_deref().filter(|_| self.data.is_none());
        keys.with_file(file)?.data().map(Path::to_owned)
    }

    fn connect(&self) -> Result<Client, Failure> {
        Client::connect(&self.data()?, PATIENCE).map_err(Failure::other)
    }
}

/// Lets the node do something about its trace, and says what has become of that.
pub(super) fn ordered(node: &Running, order: &Request) -> Result<Option<TraceStatus>, Failure> {
    let mut client = node.connect()?;
    client.order(order).map_err(Failure::other)?;
    Ok(client.status().map_err(Failure::other)?.trace)
}

pub(super) fn status(args: &Status) -> Result<(), Failure> {
    let mut client = args.node.connect()?;
    let mut out = io::stdout().lock();
    if !args.watch {
        let snapshot = client.status().map_err(Failure::other)?;
        return printed(show(&mut out, &snapshot, args.json, ""));
    }
    client.watch(EVERY).map_err(Failure::other)?;
    let (before, after) = around(out.is_terminal(), args.json);
    loop {
        let snapshot = client.next_status().map_err(Failure::other)?;
        match show(&mut out, &snapshot, args.json, before).and_then(|()| write!(out, "{after}")) {
            Ok(()) => {}
            result => return printed(result),
        }
    }
}

/// What is written before and after each status of many: a screen shows one, people read them one
/// below the other, a program has each on a line.
const fn around(is_terminal: bool, json: bool) -> (&'static str, &'static str) {
    match (is_terminal, json) {
        (_, true) => ("", ""),
        (true, false) => (CLEAR, ""),
        (false, false) => ("", "\n"),
    }
}

fn show(out: &mut impl Write, it: &Snapshot, json: bool, before: &str) -> io::Result<()> {
    let text = if json {
        serde_json::to_string(it)? + "\n"
    } else {
        let Snapshot { cluster, process, program, address, status, .. } = it;
        let trace = it.trace.as_ref().map_or(String::new(), ToString::to_string);
        format!("{cluster}: process {process}, {program}\n{address}\n\n{status}{trace}")
    };
    write!(out, "{before}{text}")?;
    out.flush()
}

pub(super) fn hand_over(args: &HandOver) -> Result<(), Failure> {
    give_up(&args.node.data()?, args.to)
}

pub(super) fn step_down(args: &StepDown) -> Result<(), Failure> {
    give_up(&args.node.data()?, None)
}

/// Lets the node leave office, and says who leads then.
fn give_up(data: &Path, to: Option<ServerId>) -> Result<(), Failure> {
    let mut client = Client::connect(data, PATIENCE).map_err(Failure::other)?;
    let before = client.status().map_err(Failure::other)?;
    // The node answers when all that it handed out is over, which may take as long as a lease.
    let election = Duration::from_micros(before.election_us.1);
    let patience = PATIENCE + 2 * election;
    let mut client = Client::connect(data, patience).map_err(Failure::other)?;
    let request = to.map_or(Request::StepDown, |to| Request::HandOver { to });
    client.order(&request).map_err(Failure::other)?;
    let next = next_leader(&mut client, &before, 4 * election).map_err(Failure::other)?;
    let server = before.status.server;
    let told = match next {
        Some(it) => {
            format!("{server} has left office; {} leads in term {}.", it.0, it.1)
        }
        None => format!("{server} has left office. It knows of no other leader yet."),
    };
    printed(writeln!(io::stdout(), "{told}"))
}

/// Who leads after this, as soon as the node knows somebody, but for so long at most.
fn next_leader(
    client: &mut Client,
    before: &Snapshot,
    time: Duration,
) -> Result<Option<(ServerId, raft_node::Term)>, ClientError> {
    let start = Instant::now();
    client.watch(Duration::from_millis(50))?;
    loop {
        let now = client.next_status()?.status;
        if now.term > before.status.term
            && let Some(leader) = now.leader
        {
            return Ok(Some((leader, now.term)));
        }
        if start.elapsed() > time {
            return Ok(None);
        }
    }
}

pub(super) fn log_level(args: LogLevel) -> Result<(), Failure> {
    let mut client = args.node.connect()?;
    let told = format!("The node logs {} from now on.", args.level);
    client.order(&Request::LogLevel { level: args.level }).map_err(|error| match error {
        ClientError::Refused(_) => Failure::input(error),
        error => Failure::other(error),
    })?;
    printed(writeln!(io::stdout(), "{told}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_screen_is_cleared_and_only_people_get_an_empty_line() {
        assert_eq!(around(true, false), (CLEAR, ""));
        assert_eq!(around(false, false), ("", "\n"));
        assert_eq!([around(true, true), around(false, true)], [("", ""); 2]);
    }
}
