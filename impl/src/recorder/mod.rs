//! The trace of a running server: see [`raft_model::trace`] for what stands in it and why.
//!
//! A record is handed to the system with one write and not synced: it survives the death of the
//! process, not that of the machine.
//!
//! A trace that is required is written before each step takes effect, and a server that cannot
//! write it stops: nothing that it did is missing. Any other is written in the background, so that
//! no disk holds up the server. If the disk fails or falls behind, the trace ends there with a
//! record of that, and the server goes on; if the process is killed, its last moments are missing.

mod background;

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use raft_model::election::Step;
use raft_model::trace::{Cause, Header, Line, Record, VERSION};
use raft_model::types::ServerId;

use self::background::Background;
use crate::clock::microseconds;
use crate::config::Config;

/// A trace in which a run can begin.
///
/// It is opened before the ballot, so that a server whose trace cannot be used leaves no ballot
/// behind; and only the ballot tells the number of the run.
#[derive(Debug)]
pub struct Trace {
    file: File,
    path: PathBuf,
    header: Header, // with no run yet
    found: Found,
}

impl Trace {
    /// Opens or creates the trace of this server. What stands there is kept.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Foreign`] if the file holds something else than the trace of this server,
    /// [`RecorderError::Io`] if it cannot be used. It is left as it was found.
    pub fn open(path: &Path, config: &Config) -> Result<Self, RecorderError> {
        let header = header(config, 0);
        let open = || File::options().create(true).append(true).read(true).open(path);
        let mut file = open().map_err(RecorderError::io(path))?;
        let found = continues(&mut file, &header).map_err(RecorderError::io(path))?;
        let path = path.to_owned();
        match found {
            Some(found) => Ok(Self { file, path, header, found }),
            None => Err(RecorderError::Foreign { path }),
        }
    }

    /// Makes sure that no run has begun in it.
    ///
    /// # Errors
    ///
    /// [`RecorderError::HasRun`] if one has: then this server had a ballot.
    pub fn check_new(&self) -> Result<(), RecorderError> {
        if self.found.length == 0 {
            return Ok(());
        }
        Err(RecorderError::HasRun { path: self.path.clone(), server: self.header.server })
    }

    /// Begins the run of this number.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Io`] if it cannot be written. It is left as it was found.
    pub fn begin(self, boot: u64) -> Result<Recorder, RecorderError> {
        let Self { mut file, path, header, found } = self;
        let newline = if found.is_torn { "\n" } else { "" };
        let server = header.server;
        let header = newline.to_owned() + &Line::Header(Header { boot, ..header }).to_text();
        if let Err(error) = file.write_all(header.as_bytes()) {
            // Half a header at the beginning of a file would be taken for something foreign.
            let _ = file.set_len(found.length);
            return Err(RecorderError::io(&path)(error));
        }
        let run = Run { server, boot };
        Ok(Recorder { sink: Sink::File(file), path, run, started: Instant::now() })
    }
}

/// A trace that is being written.
#[derive(Debug)]
pub struct Recorder {
    sink: Sink,
    path: PathBuf,
    run: Run,
    started: Instant,
}

/// Whose steps they are.
#[derive(Clone, Copy, Debug)]
struct Run {
    server: ServerId,
    boot: u64,
}

/// Where the lines go.
#[derive(Debug)]
enum Sink {
    File(File),
    Background(Background),
}

impl Recorder {
    /// The same trace, written by a thread of its own.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Io`] if the system gives no thread.
    pub fn in_background(self) -> Result<Self, RecorderError> {
        let Self { sink: Sink::File(file), path, run, started } = self else { return Ok(self) };
        let background = Background::start(file, &path, run).map_err(RecorderError::io(&path))?;
        Ok(Self { sink: Sink::Background(background), path, run, started })
    }

    /// Adds a step of this number in the run.
    pub(crate) fn record(
        &mut self,
        sequence: u64,
        cause: Cause,
        step: Step,
    ) -> Result<(), RecorderError> {
        let Run { server, boot } = self.run;
        let wall_us = wall_us();
        let monotonic_us = microseconds(self.started.elapsed());
        let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
        self.write(sequence, Line::Step(record).to_text())
    }

    /// Another file in place of the trace, to see what happens when the disk refuses.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: File) {
        self.sink = Sink::File(file);
    }

    fn write(&mut self, sequence: u64, line: String) -> Result<(), RecorderError> {
        match &mut self.sink {
            Sink::File(file) => {
                file.write_all(line.as_bytes()).map_err(RecorderError::io(&self.path))
            }
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
    }
}

/// A file that a trace can go on in.
#[derive(Debug)]
struct Found {
    length: u64,
    /// Whether its last line is cut off.
    is_torn: bool,
}

/// What a trace goes on in, if the file is empty or the trace of this server.
fn continues(file: &mut File, header: &Header) -> io::Result<Option<Found>> {
    let metadata = file.metadata()?;
    // A pipe that nobody reads would hold up the server.
    if !metadata.is_file() {
        return Ok(None);
    }
    let length = metadata.len();
    if length == 0 {
        return Ok(Some(Found { length, is_torn: false }));
    }
    let mut first = Vec::new();
    BufReader::new(&mut *file).take(1 << 16).read_until(b'\n', &mut first)?;
    let is_own = matches!(
        std::str::from_utf8(&first).map(|text| Line::from_text(text.trim_end_matches('\n'))),
        Ok(Ok(Line::Header(old)))
            if (old.version, &old.cluster, old.servers, old.server)
                == (header.version, &header.cluster, header.servers, header.server)
    );
    if !is_own {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(Some(Found { length, is_torn: last != *b"\n" }))
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
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests;
