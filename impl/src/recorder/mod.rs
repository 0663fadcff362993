//! The trace of a running server: see [`raft_model::trace`] for what stands in it and why.
//!
//! A record is handed to the system with one write and not synced: it survives the death of the
//! process, not that of the machine.
//!
//! A trace that is required is written before each step takes effect, and a server that cannot
//! write it stops: nothing that it did is missing. Any other is written in the background, so that
//! no disk holds up the server. If the disk fails, the trace ends there with a record of that, and
//! the server goes on; if it falls behind, the trace says which steps are missing; if the process
//! is killed, its last moments are.
//!
//! A trace that is to stay on goes on in a new file when the one is long enough: see [`Rotation`].
//! Each begins with a header that says with which step. One process at a time writes a file. If
//! somebody else renames it, the trace goes on in a new one when it is told to rotate; if somebody
//! copies and truncates it, at its beginning.

mod background;
mod evidence;
mod file;
mod numbered;
mod progress;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use raft_model::election::{Ballot, Step};
use raft_model::trace::{Cause, Header, Line, Record, VERSION};
use raft_model::types::ServerId;

use self::background::Background;
use self::evidence::Evidence;
pub use self::file::Rotation;
use self::file::TraceFile;
pub(crate) use self::progress::Progress;
pub use self::progress::TraceStatus;
use crate::clock::microseconds;
use crate::config::Config;

/// A trace in which a run can begin.
///
/// It is opened before the ballot, so that a server whose trace cannot be used leaves no ballot
/// behind; and only the ballot tells the number of the run.
#[derive(Debug)]
pub struct Trace {
    file: TraceFile, // with no run yet
}

impl Trace {
    /// Opens or creates the trace of this server. What stands there is kept.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Foreign`] if the file holds something else than the trace of this server,
    /// [`RecorderError::Locked`] if another process writes it, [`RecorderError::Io`] if it cannot
    /// be used. It is left as it was found.
    pub fn open(path: &Path, config: &Config, rotation: Rotation) -> Result<Self, RecorderError> {
        Ok(Self { file: TraceFile::open(path, header(config, 0), rotation)? })
    }

    /// Makes sure that no run has begun in it.
    ///
    /// # Errors
    ///
    /// [`RecorderError::HasRun`] if one has: then this server had a ballot.
    pub fn check_new(&self) -> Result<(), RecorderError> {
        let path = self.file.path.clone();
        let older = numbered::all(&path).map_err(RecorderError::io(&path))?;
        if self.file.was_empty && older.is_empty() {
            return Ok(());
        }
        Err(RecorderError::HasRun { path, server: self.file.header.server })
    }

    /// Makes sure that what stands in it does not contradict the ballot with which the run of this
    /// number begins.
    ///
    /// # Errors
    ///
    /// [`RecorderError::LostBallot`] if this server had another ballot, which it must not forget.
    pub fn check_ballot(&self, boot: u64, ballot: Ballot) -> Result<(), RecorderError> {
        let path = &self.file.path;
        match Evidence::in_trace(path).against(boot, ballot) {
            None => Ok(()),
            Some(what) => Err(RecorderError::LostBallot { path: path.clone(), what }),
        }
    }

    /// Begins the run of this number.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Io`] if it cannot be written. It is left as it was found.
    pub fn begin(mut self, boot: u64) -> Result<Recorder, RecorderError> {
        self.file.header.boot = boot;
        self.file.begin(0)?;
        let run = Run { server: self.file.header.server, boot, started: Instant::now() };
        let progress = Arc::new(Progress::of(self.file.path.clone()));
        Ok(Recorder { sink: Sink::File(self.file), run, progress })
    }

    /// Tells the whole run of this number, of a server that has come back from a lost disk.
    ///
    /// # Errors
    ///
    /// As of [`Trace::begin`].
    pub fn tell(self, boot: u64, steps: &[(Cause, Step)]) -> Result<(), RecorderError> {
        let mut recorder = self.begin(boot)?;
        (0..)
            .zip(steps)
            .try_for_each(|(number, &(cause, step))| recorder.record(number, cause, step))
    }

    /// Goes on with a run that has begun, in the background, with the step of this number.
    pub(crate) fn go_on(mut self, run: Run, sequence: u64) -> Result<Recorder, RecorderError> {
        self.file.header.boot = run.boot;
        let path = self.file.path.clone();
        let progress = Arc::new(Progress::of(path.clone()));
        let sink = Background::start(self.file, Some(sequence), Arc::clone(&progress))
            .map_err(RecorderError::io(&path))?;
        Ok(Recorder { sink: Sink::Background(sink), run, progress })
    }
}

/// A trace that is being written.
#[derive(Debug)]
pub struct Recorder {
    sink: Sink,
    run: Run,
    progress: Arc<Progress>,
}

/// Whose steps they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) server: ServerId,
    pub(crate) boot: u64,
    pub(crate) started: Instant,
}

/// Where the lines go.
#[derive(Debug)]
enum Sink {
    File(TraceFile),
    Background(Background),
}

/// Who waits until something has been done.
pub(crate) type Answer = SyncSender<Result<(), TraceError>>;

impl Recorder {
    /// The same trace, written by a thread of its own.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Io`] if the system gives no thread.
    pub fn in_background(self) -> Result<Self, RecorderError> {
        let Self { sink: Sink::File(file), run, progress } = self else { return Ok(self) };
        let path = file.path.clone();
        let background = Background::start(file, None, Arc::clone(&progress));
        let sink = Sink::Background(background.map_err(RecorderError::io(&path))?);
        Ok(Self { sink, run, progress })
    }

    /// Adds a step of this number in the run.
    pub(crate) fn record(
        &mut self,
        sequence: u64,
        cause: Cause,
        step: Step,
    ) -> Result<(), RecorderError> {
        let Run { server, boot, started } = self.run;
        let wall_us = wall_us();
        let monotonic_us = microseconds(started.elapsed());
        let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
        self.write(sequence, Line::Step(record).to_text())
    }

    /// Goes on in a new file, before the step of this number.
    pub(crate) fn rotate(&mut self, sequence: u64, answer: Answer) {
        match &mut self.sink {
            Sink::File(file) => {
                let _ = answer.send(file.rotate(sequence).map_err(TraceError::from));
            }
            Sink::Background(background) => background.rotate(sequence, answer),
        }
    }

    /// Ends before the step of this number, though the server goes on. Dropping it may take a
    /// moment.
    pub(crate) fn stop(&mut self, sequence: u64) {
        if let Sink::Background(background) = &mut self.sink {
            background.stop(sequence);
        }
    }

    pub(crate) const fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Another file in place of the trace, to see what happens when the disk refuses.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, new: std::fs::File) {
        if let Sink::File(file) = &mut self.sink {
            file.replace_file(new);
        }
    }

    fn write(&mut self, sequence: u64, line: String) -> Result<(), RecorderError> {
        match &mut self.sink {
            Sink::File(file) => file.write(sequence, &line),
            Sink::Background(background) => {
                background.write(sequence, line);
                Ok(())
            }
        }
    }
}

fn wall_us() -> u64 {
    microseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// What a run of this number begins with.
pub(crate) fn header(config: &Config, boot: u64) -> Header {
    let server = config.server();
    let address = |id| config.address_of(id).map(|address| address.to_string());
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let election = config.election_timeout();
    Header {
        version: VERSION,
        cluster: config.cluster_name().as_str().to_owned(),
        servers: server.cluster,
        addresses: server.cluster.servers().filter_map(address).collect(),
        server: server.id,
        boot,
        heartbeat_ms: milliseconds(config.heartbeat()),
        election_ms: (milliseconds(*election.start()), milliseconds(*election.end())),
        program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        sequence: 0,
    }
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The file holds something else.
    #[error(
        "{}: this is not the trace of this server. Give each server a file of its own, one that \
         does not exist yet or that it wrote itself", .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A server that is said to be new has run before.
    #[error(
        "{}: server {} has run before, since this is its trace. If its ballot is gone, the votes it \
         gave are lost, and with a new one it may vote twice in one term and elect a second leader: \
         {RESTORE}. If all of this is a demonstration that begins anew, remove the trace, too",
        .path.display(),
        .server.number(), RESTORE = crate::disk::slots::RESTORE
    )]
    HasRun {
        /// Its trace.
        path: PathBuf,
        /// The server.
        server: ServerId,
    },
    /// The trace tells of a ballot that the server has forgotten.
    #[error(
        "{}: the ballot of this server is not the one that it had: {what}. The votes that it gave \
         since are lost, and it may vote twice in one term and elect a second leader: {RESTORE}",
        .path.display(),
        RESTORE = crate::disk::slots::RESTORE
    )]
    LostBallot {
        /// Its trace.
        path: PathBuf,
        /// What stands there.
        what: String,
    },
    /// Another process writes it.
    #[error(
        "{}: another process writes this trace. Give each server a file of its own",
        .path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error(
        "{}: cannot write the trace: {source}. Remove the cause, or give another file",
        .path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RecorderError {
    /// Without the file, and what to do.
    fn in_short(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("cannot write: {source}"),
            other => other.to_string(),
        }
    }

    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Why a trace is not started, stopped or rotated. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// There is none.
    #[error("this server writes no trace: start one")]
    Off,
    /// There is one.
    #[error("this server writes a trace already, {}: stop that first", .file)]
    On {
        /// The file.
        file: String,
    },
    /// The server may not go on without it.
    #[error("this server was told to write a trace of all that it does, and does not stop that")]
    Required,
    /// The server has stopped, or its trace has ended.
    #[error("the trace has ended")]
    Ended,
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] RecorderError),
}

#[cfg(test)]
mod tests;
