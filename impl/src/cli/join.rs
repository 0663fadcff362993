//! `raft-node join --after-lost-disk`: how a server comes back whose disk is lost.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use raft_model::types::ServerSet;
use raft_node::disk::{DataDir, boot_after_loss};
use raft_node::join::ask;
use raft_node::node::StartError;
use raft_node::recorder::Trace;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::keys::resolve;
use super::prepare::{Given, hand_file_to_the_owner_of, hand_to_the_owner_of};
use super::{Failure, hint, is_readable};

/// How often it says who has not answered.
const TOLD: Duration = Duration::from_secs(5);

/// Give a server whose disk is lost a new ballot, and end. Then start it with `raft-node run`.
///
/// It asks EVERY other server of the cluster, witnesses too, for its current term, and waits until
/// all have answered: any one of them may be the candidate that this server voted for and forgot.
/// The server then starts in the newest of these terms, and does not vote in it. If it writes a
/// trace, that is told there.
///
/// It is for a disk that is gone. An old backup or a copy is no lost disk: throw that away first.
/// And it is for one server: if two have lost their disks, the cluster has to become a new one.
///
/// Exit code: 0 if the ballot is on the disk; 1 if not all have answered, or the disk refuses; 2 if
/// it was told something wrong; 3 if there is a ballot; 130 if it was interrupted.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The disk of this server is lost, and its ballot with it: that has to be said
    #[arg(long, required = true)]
    after_lost_disk: bool,
    /// Give up if not all have answered within this time. Default: wait until interrupted
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    give_up_after: Option<u32>,
}

/// Why there is no ballot.
#[derive(Debug, thiserror::Error)]
enum NotBack {
    #[error(
        "{0} did not answer, and nothing was written. Every other server has to: one that is down \
         may be the candidate that this server voted for. Start it, look at its address and at the \
         firewall, and try again. If its disk is lost, too, stop all servers and bootstrap a new \
         cluster, with another name"
    )]
    Silent(ServerSet),
    #[error(
        "a cluster of one has nobody who could tell its term. If nothing acts on its leadership any \
         more, bootstrap a new cluster, with another name"
    )]
    Alone,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let Args { given, after_lost_disk: _, give_up_after } = args;
    let keys = given.all()?;
    let data = keys.data()?.to_owned();
    let (stop, _stopper) = super::stop_at_signals(&[SIGINT, SIGTERM])?;
    let is_stopped = |time| is_readable(&stop, time);
    let config = keys
        .config(|servers| resolve(servers, |time| !is_stopped(time)).ok_or(Failure::Interrupted))?;
    let cluster_keys = keys.cluster_keys()?;
    if cluster_keys.is_none() && config.needs_key(keys.insecure) {
        return Err(hint::start(StartError::NoKey));
    }
    if config.server().cluster.size() == 1 {
        return Err(Failure::input(NotBack::Alone));
    }
    let dir = DataDir::create(&data).map_err(hint::store)?;
    dir.check_new().map_err(hint::store)?;
    let open = |file: &PathBuf| Trace::open(file, &config, keys.rotation());
    let trace = keys.trace.as_ref().map(open).transpose().map_err(Failure::other)?;
    let start = Instant::now();
    let (mut told_at, mut silent, mut interrupted) = (None, ServerSet::EMPTY, false);
    let returned = ask(&config, cluster_keys.as_ref(), |missing| {
        silent = missing;
        if told_at.is_none_or(|at: Instant| at.elapsed() >= TOLD) {
            told_at = Some(Instant::now());
            let _ = writeln!(io::stderr(), "waiting for the terms of {missing}");
        }
        interrupted = is_stopped(Duration::ZERO);
        let is_late =
            give_up_after.is_some_and(|time| start.elapsed() >= Duration::from_secs(time.into()));
        !interrupted && !is_late
    });
    let Some((returned, ballot)) =
        returned.map_err(Failure::other)?.and_then(|it| it.ballot().map(|ballot| (it, ballot)))
    else {
        return Err(match interrupted {
            true => Failure::Interrupted,
            false => Failure::other(NotBack::Silent(silent)),
        });
    };
    // What it did stands in its trace before it takes effect, as of a node.
    let boot = boot_after_loss();
    if let Some((trace, file)) = trace.zip(keys.trace.as_ref()) {
        trace.tell(boot, returned.steps()).map_err(Failure::other)?;
        hand_file_to_the_owner_of(&data, file).map_err(Failure::other)?;
    }
    let store = dir.join(&config, boot, ballot).map_err(hint::store)?;
    hand_to_the_owner_of(&data).map_err(Failure::other)?;
    super::printed(writeln!(
        io::stdout(),
        "{}: {} of {} is back in term {}, in which it does not vote. Start it.",
        store.path().display(),
        config.server().id,
        config.cluster_name(),
        ballot.current_term,
    ))
}
