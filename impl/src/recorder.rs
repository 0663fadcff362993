//! The trace of a running server: see [`raft_model::trace`] for what stands in it and why.
//!
//! A record is handed to the system with one write and not synced: it survives the death of the
//! process, not that of the machine.
//!
//! A trace that is required is written before each step takes effect, and a server that cannot
//! write it stops: nothing that it did is missing. Any other is written in the background, so that
//! no disk holds up the server. If the disk fails or falls behind, the trace ends there, and the
//! server goes on; if the process is killed, its last moments are missing.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use raft_model::election::Step;
use raft_model::trace::{Cause, Header, Line, Record, StepId, VERSION};
use raft_model::types::ServerId;

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
        let Self { file, path, header, found } = self;
        let mut recorder = Recorder { sink: Sink::File(file), path, started: Instant::now() };
        let newline = if found.is_torn { "\n" } else { "" };
        let header = Line::Header(Header { boot, ..header });
        let written = recorder.write(newline.to_owned() + &header.to_text());
        if written.is_err()
            && let Sink::File(file) = &recorder.sink
        {
            // Half a header at the beginning of a file would be taken for something foreign.
            let _ = file.set_len(found.length);
        }
        written.map(|()| recorder)
    }
}

/// How many records may wait to be written.
const BEHIND: usize = 4096;

/// How long the end of a trace is waited for.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// A trace that is being written.
#[derive(Debug)]
pub struct Recorder {
    sink: Sink,
    path: PathBuf,
    started: Instant,
}

/// Where the lines go.
#[derive(Debug)]
enum Sink {
    File(File),
    /// To a thread that writes them, and that says when it has ended.
    Thread(SyncSender<String>, Receiver<Infallible>),
    /// Nowhere: the trace has ended.
    Ended,
}

impl Recorder {
    /// The same trace, written by a thread of its own.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Io`] if the system gives no thread.
    pub fn in_background(mut self) -> Result<Self, RecorderError> {
        let Sink::File(mut file) = std::mem::replace(&mut self.sink, Sink::Ended) else {
            return Ok(self);
        };
        let (sender, lines) = sync_channel::<String>(BEHIND);
        let (ended, has_ended) = channel();
        let path = self.path.clone();
        let write = move || {
            let _ended = ended;
            for line in lines {
                if let Err(error) = file.write_all(line.as_bytes()) {
                    let path = path.display();
                    tracing::error!("{path}: cannot write the trace: {error}. It ends here");
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("raft-trace".to_owned());
        thread.spawn(write).map_err(RecorderError::io(&self.path))?;
        self.sink = Sink::Thread(sender, has_ended);
        Ok(self)
    }

    /// Adds a step.
    pub(crate) fn record(
        &mut self,
        server: ServerId,
        id: StepId,
        cause: Cause,
        step: Step,
    ) -> Result<(), RecorderError> {
        let StepId { boot, sequence } = id;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_us = microseconds(since_1970.as_micros());
        let monotonic_us = microseconds(self.started.elapsed().as_micros());
        let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
        self.write(Line::Step(record).to_text())
    }

    /// Another file in place of the trace, to see what happens when the disk refuses.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: File) {
        self.sink = Sink::File(file);
    }

    fn write(&mut self, line: String) -> Result<(), RecorderError> {
        match &mut self.sink {
            Sink::File(file) => {
                return file.write_all(line.as_bytes()).map_err(RecorderError::io(&self.path));
            }
            Sink::Thread(lines, _) => match lines.try_send(line) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(_)) => {
                    let path = self.path.display();
                    tracing::error!("{path}: the disk is too slow for the trace, which ends here");
                }
                Err(TrySendError::Disconnected(_)) => {} // and has said why
            },
            Sink::Ended => {}
        }
        self.sink = Sink::Ended;
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Sink::Thread(lines, ended) = std::mem::replace(&mut self.sink, Sink::Ended) {
            drop(lines);
            let _ = ended.recv_timeout(LAST_WRITES);
        }
    }
}

fn microseconds(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What a run of this number begins with.
pub(crate) fn header(config: &Config, boot: u64) -> Header {
    let server = config.server();
    let address = |id| config.address_of(id).map(|address| address.to_string());
    let milliseconds = |time: Duration| microseconds(time.as_millis());
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
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::config;

    fn opened(path: &Path, servers: u8, boot: u64) -> Result<Recorder, RecorderError> {
        Trace::open(path, &config(servers))?.begin(boot)
    }

    #[test]
    fn each_run_adds_a_header() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        opened(&path, 3, 1).unwrap();
        opened(&path, 3, 2).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let boots: Vec<_> = text
            .lines()
            .map(|line| match Line::from_text(line).unwrap() {
                Line::Header(header) => header.boot,
                Line::Step(_) => panic!("nothing has happened"),
            })
            .collect();
        assert_eq!(boots, [1, 2]);
    }

    #[test]
    fn a_header_tells_the_timing_in_milliseconds() {
        let Header { heartbeat_ms, election_ms, .. } = header(&config(3), 1);
        assert_eq!((heartbeat_ms, election_ms), (50, (150, 300)));
    }

    #[test]
    fn a_line_that_was_cut_off_gets_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        let mut recorder = opened(&path, 3, 1).unwrap();
        recorder.write("{\"step\":{\"serv".to_owned()).unwrap();
        opened(&path, 3, 2).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().nth(1), Some("{\"step\":{\"serv"));
        assert!(Line::from_text(text.lines().nth(2).unwrap()).is_ok());
    }

    #[test]
    fn another_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        for other in ["Dear diary\n", "\n", "no newline"] {
            fs::write(&path, other).unwrap();
            assert!(matches!(opened(&path, 3, 1), Err(RecorderError::Foreign { .. })));
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
        fs::remove_file(&path).unwrap();
        opened(&path, 5, 1).unwrap();
        assert!(matches!(opened(&path, 3, 2), Err(RecorderError::Foreign { .. })));
    }

    #[test]
    fn a_server_with_a_trace_is_not_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        let open = || Trace::open(&path, &config(3)).unwrap();
        open().check_new().unwrap();
        open().check_new().unwrap(); // no run began in the one before
        open().begin(1).unwrap();
        assert!(matches!(open().check_new(), Err(RecorderError::HasRun { .. })));
    }

    #[test]
    fn a_trace_in_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        let header = Header { version: VERSION + 1, ..header(&config(3), 1) };
        fs::write(&path, Line::Header(header).to_text()).unwrap();
        assert!(matches!(opened(&path, 3, 2), Err(RecorderError::Foreign { .. })));
    }
}
