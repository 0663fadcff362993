//! A whole cluster on one machine, each server a process: to look at, to test and to measure.
//!
//! What is shown is what the servers record in their traces, read while they grow. So it is what
//! they did, not what somebody made of it.

mod frame;
mod keys;
mod output;
mod paste;
mod screen;
pub mod servers;
#[cfg(test)]
mod tests;
mod view;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use raft_model::cluster::Protocol;
use raft_model::trace::Line;
use raft_model::trace::tail::{Tail, TailError};
use raft_model::types::ServerId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use self::frame::wrapped;
use self::keys::{Keys, Press};
use self::output::Output;
use self::paste::{quoted, replayer};
use self::servers::Servers;
use self::view::{Happening, View};
use crate::clock::microseconds;
use crate::config::{Config, ConfigError, Settings};

/// Requests to stop that are no farther apart are one: `timeout` sends its signal twice.
pub const ONE_REQUEST: Duration = Duration::from_secs(1);

/// How long between two looks at the servers.
const PERIOD: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// A cluster to look at.
#[derive(Clone, Debug)]
pub struct Demonstration {
    /// The program `raft-node`.
    pub program: PathBuf,
    /// How many servers, 1 to 7.
    pub size: u8,
    /// See [`Settings::protocol`].
    pub protocol: Protocol,
    /// See [`Settings::witnesses`].
    pub witnesses: Vec<u8>,
    /// See [`Settings::heartbeat`].
    pub heartbeat: Duration,
    /// See [`Settings::election_timeout`].
    pub election_timeout: RangeInclusive<Duration>,
    /// See [`Settings::clock_error_ppm`].
    pub clock_error_ppm: u32,
    /// Where the traces are kept, a directory without others; otherwise they are removed at the
    /// end.
    pub traces: Option<PathBuf>,
}

/// Runs a cluster on free addresses of this machine and shows on the standard output what happens
/// in it, until something can be read from `stop`: each byte is a request to stop, and a second,
/// if it comes later than within a second, does not wait. A server that is killed is started again.
///
/// # Errors
///
/// [`Error`] if there is no such cluster, if it cannot run, or if a server had to be killed.
pub fn demonstrate(demonstration: &Demonstration, stop: &UnixStream) -> Result<(), Error> {
    let config = config(demonstration)?;
    if let Some(path) = demonstration.traces.as_ref().filter(|path| has_traces(path)) {
        return Err(Error::Traces(path.clone()));
    }
    let directory = tempfile::Builder::new().prefix("raft-cluster-").tempdir();
    let directory = directory.map_err(Error::io("create a temporary directory"))?;
    let traces = demonstration.traces.clone().unwrap_or_else(|| directory.path().to_owned());
    if let Err(error) = fs::create_dir_all(&traces) {
        return Err(Error::NoTraces { path: traces, error });
    }

    if demonstration.traces.is_some() {
        let (program, traces) = (replayer(&demonstration.program), quoted(&traces));
        let watch = format!("  {program} explore --watch {traces}/*.trace");
        print(["To watch them in a browser:", &watch, ""].into_iter());
    }

    let servers = Servers::new(&demonstration.program, config, directory.path(), &traces);
    let output = Output::open().map_err(Error::io("use the terminal"))?;
    let mut running = Running::new(servers, output);
    let result = running.serve(stop).and_then(|()| running.stop(stop));
    let Running { output, view, .. } = running;
    if let Some(columns) = output.leave() {
        print(view.news.iter().rev().flat_map(|news| wrapped(news, columns))); // the screen is gone
    }
    if matches!(result, Err(Error::Server { .. })) {
        let _ = directory.keep(); // for its log
    }
    if demonstration.traces.is_some() && matches!(result, Ok(()) | Err(Error::Killed(_))) {
        print(
            [
                "\nTo check these runs:".to_owned(),
                format!(
                    "  {} replay {}/*.trace",
                    replayer(&demonstration.program),
                    quoted(&traces)
                ),
            ]
            .iter(),
        );
    }
    result
}

/// Whether a cluster of before has traces in this directory: `*.trace` should be those of one.
fn has_traces(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|it| it == "trace"))
}

/// A configuration of one server of it. Its name is new, so that nobody else's traces and datagrams
/// can pass for those of this cluster.
fn config(demonstration: &Demonstration) -> Result<Config, Error> {
    let addresses = servers::free_addresses(demonstration.size);
    let addresses = addresses.map_err(Error::io("find free addresses"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("demo-{}-{}", now.as_secs(), std::process::id());
    let settings = Settings::new(name, 1, addresses);
    Ok(Config::new(Settings {
        protocol: demonstration.protocol,
        witnesses: demonstration.witnesses.clone(),
        heartbeat: demonstration.heartbeat,
        election_timeout: demonstration.election_timeout.clone(),
        clock_error_ppm: demonstration.clock_error_ppm,
        ..settings
    })?)
}

/// A cluster that runs.
struct Running {
    servers: Servers,
    tails: Vec<Tail>, // by `ServerId::index`
    started: Instant,
    started_us: u64, // the same moment, as traces count
    restart_delay: Duration,
    view: View,
    output: Output,
    keys: Option<Keys>,         // while there may be some
    wrong_key: Option<String>,  // what is wrong with the last one
    requested: Option<Instant>, // when this was last told to stop
}

impl Running {
    fn new(servers: Servers, output: Output) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Long enough that the others elect a leader before, most of the time.
        let election = servers.config().election_timeout();
        Self {
            tails: servers.ids().map(|id| Tail::new(servers.trace(id))).collect(),
            started: Instant::now(),
            started_us: microseconds(now),
            restart_delay: (*election.end() * 3).max(Duration::from_secs(1)),
            view: View::new(servers.ids(), servers.config().server().cluster.witnesses()),
            keys: output.has_keys().then(Keys::default),
            wrong_key: None,
            requested: None,
            servers,
            output,
        }
    }

    /// Until the first request to stop, or until nobody reads the output.
    fn serve(&mut self, stop: &UnixStream) -> Result<(), Error> {
        loop {
            let happenings = self.look()?;
            match self.show(&happenings, false) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                result => result.map_err(Error::io("write to the standard output"))?,
            }
            if self.is_requested(stop)? {
                return Ok(());
            }
        }
    }

    fn show(&mut self, happenings: &[Happening], is_stopping: bool) -> io::Result<()> {
        let (now, wrong_key) = (self.started.elapsed(), self.wrong_key.as_deref());
        self.output.show(happenings, &self.view, now, is_stopping, wrong_key)
    }

    /// Whether somebody wants this to stop, now or within a [`PERIOD`]. Obeys what is typed.
    fn is_requested(&mut self, mut stop: &UnixStream) -> Result<bool, Error> {
        let stdin = io::stdin();
        let mut fds = vec![PollFd::new(stop, PollFlags::IN)];
        fds.extend(self.keys.is_some().then(|| PollFd::new(&stdin, PollFlags::IN)));
        match poll(&mut fds, Some(&PERIOD)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("listen for signals")(error.into())),
        }
        let [is_stop, is_key] =
            [0, 1].map(|index| fds.get(index).is_some_and(|fd| !fd.revents().is_empty()));
        if is_key {
            self.obey_keys().map_err(Error::io("obey what was typed"))?;
        }
        if is_stop {
            stop.read(&mut [0; 64]).map_err(Error::io("listen for signals"))?;
            let is_new = self.requested.is_none_or(|before| before.elapsed() >= ONE_REQUEST);
            if is_new {
                self.requested = Some(Instant::now());
            }
            return Ok(is_new);
        }
        Ok(false)
    }

    fn obey_keys(&mut self) -> io::Result<()> {
        let mut typed = [0; 64];
        let count = rustix::io::read(io::stdin(), &mut typed)?;
        let Some(keys) = self.keys.as_mut().filter(|_| count > 0) else {
            self.keys = None; // the terminal is gone
            return Ok(());
        };
        let typed = String::from_utf8_lossy(&typed[..count]);
        // An arrow and its like are several bytes, and one key.
        let length = typed.find('\x1b').map_or(typed.len(), |escape| escape + 1);
        let size = self.servers.config().server().cluster.size();
        for key in typed[..length].chars() {
            self.wrong_key = match keys.press(key, size) {
                Press::Waits => None,
                Press::Wrong(words) => Some(words),
                Press::Signal(signal, server) => match self.view.servers[server.index()].process {
                    None => Some(format!("{server} does not run.")),
                    Some(_) => {
                        self.servers.signal(server, signal)?;
                        if signal != Signal::KILL {
                            let is_paused = signal == Signal::STOP;
                            self.view.paused(server, is_paused, self.started.elapsed());
                        }
                        None
                    }
                },
            };
        }
        Ok(())
    }

    /// What has happened since the last look, in order.
    fn look(&mut self) -> Result<Vec<Happening>, Error> {
        // First who has ended: then its trace is complete when it is read.
        let mut ended = Vec::new();
        for server in self.servers.ids() {
            let status = self.servers.ended(server).map_err(Error::io("wait for a server"))?;
            ended.extend(status.map(|status| (server, status)));
        }
        let mut happenings = self.read_traces()?;
        let now = self.started.elapsed();
        for (server, status) in ended {
            self.check_end(server, status)?;
            happenings.push(self.view.ended(server, status, now, self.restart_delay));
        }
        for server in self.servers.ids() {
            let status = self.view.servers[server.index()];
            if status.process.is_none() && status.back_at <= now {
                let process = self.servers.start(server).map_err(Error::io("start a server"))?;
                happenings.push(self.view.started(server, process, now));
            }
        }
        happenings.sort_by_key(|happening| happening.at);
        Ok(happenings)
    }

    fn read_traces(&mut self) -> Result<Vec<Happening>, Error> {
        let mut records = Vec::new();
        for tail in &mut self.tails {
            records.extend(tail.lines()?.into_iter().filter_map(|line| match line {
                Line::Header(_) | Line::End(_) => None,
                Line::Step(record) => Some(record),
            }));
        }
        records.sort_by_key(|record| record.wall_us);
        let happenings = records.iter().filter_map(|record| {
            let at = record.wall_us.saturating_sub(self.started_us);
            self.view.stepped(record, Duration::from_micros(at))
        });
        Ok(happenings.collect())
    }

    /// A server that was killed or stopped is started again, however often. One that gave up is
    /// not.
    fn check_end(&self, server: ServerId, status: ExitStatus) -> Result<(), Error> {
        if status.success() || status.code().is_none() {
            return Ok(());
        }
        let log = self.servers.log(server);
        let words = servers::last_line(&log).unwrap_or_else(|error| format!("its log: {error}"));
        Err(Error::Server { server, ending: view::ending(status), words, log })
    }

    /// Stops every server, and waits until they have.
    fn stop(&mut self, stop: &UnixStream) -> Result<(), Error> {
        // Whether anybody can still see it does not matter any more.
        let _ = self.show(&[], true);
        self.servers.terminate().map_err(Error::io("stop the servers"))?;
        for status in self.view.servers.iter().filter(|status| status.is_paused) {
            // It would not hear that it should stop.
            let resumed = self.servers.signal(status.id, Signal::CONT);
            resumed.map_err(Error::io("stop the servers"))?;
        }
        loop {
            for server in self.servers.ids() {
                self.servers.ended(server).map_err(Error::io("wait for a server"))?;
            }
            let left: Vec<_> =
                self.servers.ids().filter(|&id| self.servers.process(id).is_some()).collect();
            if left.is_empty() {
                return Ok(());
            }
            if self.is_requested(stop)? {
                let names: Vec<_> = left.iter().map(ToString::to_string).collect();
                return Err(Error::Killed(names.join(", "))); // with the last of `self.servers`
            }
        }
    }
}

/// At the end, when it does not matter whether anybody listens.
fn print(lines: impl Iterator<Item = impl std::fmt::Display>) {
    let mut out = io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}

/// Why a cluster cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such cluster.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There are traces already where these should be kept.
    #[error(
        "{}: this directory holds traces already (*.trace), and they would pass for those of this \
         cluster",
        .0.display()
    )]
    Traces(PathBuf),
    /// There is no directory for the traces, and none can be created.
    #[error("{}: no directory for traces: {error}", path.display())]
    NoTraces {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A server gave up.
    #[error("{server} {ending}. It said: {words}\nIts log: {}", log.display())]
    Server {
        /// The server.
        server: ServerId,
        /// How it ended.
        ending: String,
        /// The last line of its log.
        words: String,
        /// Its log.
        log: PathBuf,
    },
    /// Servers did not stop before the second request.
    #[error("{0} had to be killed")]
    Killed(String),
    /// A trace cannot be followed.
    #[error(transparent)]
    Tail(#[from] TailError),
    /// The system refuses.
    #[error("cannot {action}: {error}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        error: io::Error,
    },
}

impl Error {
    fn io(action: &str) -> impl Fn(io::Error) -> Self {
        let action = action.to_owned();
        move |error| Self::Io { action: action.clone(), error }
    }
}
