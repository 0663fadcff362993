//! A trace that is written by a thread of its own, so that the server never waits for it.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use raft_model::trace::{End, Line};

use super::{Run, wall_us};

/// How many records may wait to be written.
const BEHIND: usize = 4096;

/// How long the end of a trace is waited for.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// A number of a step, and its record.
type Numbered = (u64, String);

/// The server's side.
#[derive(Debug)]
pub(super) struct Background {
    /// Nothing once the trace has ended.
    lines: Option<SyncSender<Numbered>>,
    /// The first step that found no room, if one did.
    no_room_for: Arc<OnceLock<u64>>,
    has_ended: Receiver<Infallible>,
    path: PathBuf,
}

/// The thread's side.
struct Writer {
    file: File,
    path: PathBuf,
    run: Run,
}

impl Background {
    pub(super) fn start(file: File, path: &Path, run: Run) -> io::Result<Self> {
        let (sender, lines) = sync_channel(BEHIND);
        let (ended, has_ended) = channel();
        let path = path.to_owned();
        let mut writer = Writer { file, path: path.clone(), run };
        let no_room_for = Arc::new(OnceLock::new());
        let missing = Arc::clone(&no_room_for);
        let write = move || {
            let _ended = ended;
            if let Err((sequence, error)) = writer.write(&lines) {
                writer.end(sequence, &format!("cannot write: {error}"));
            } else if let Some(&sequence) = missing.get() {
                writer.end(sequence, "the disk is too slow");
            }
        };
        std::thread::Builder::new().name("raft-trace".to_owned()).spawn(write)?;
        Ok(Self { lines: Some(sender), no_room_for, has_ended, path })
    }

    /// Adds a line, unless the trace has ended, or ends since there is no room for it.
    pub(super) fn write(&mut self, sequence: u64, line: String) {
        let Some(lines) = &self.lines else { return };
        match lines.try_send((sequence, line)) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => {
                let _ = self.no_room_for.set(sequence);
                let path = self.path.display();
                tracing::error!("{path}: the disk is too slow for the trace, which ends here");
            }
            Err(TrySendError::Disconnected(_)) => {} // and has said why
        }
        self.lines = None;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.lines = None;
        let _ = self.has_ended.recv_timeout(LAST_WRITES);
    }
}

impl Writer {
    /// Writes until there is nothing more, or a step cannot be written.
    fn write(&mut self, lines: &Receiver<Numbered>) -> Result<(), (u64, io::Error)> {
        for (sequence, line) in lines {
            let length = self.file.metadata().map_or(u64::MAX, |it| it.len());
            if let Err(error) = self.file.write_all(line.as_bytes()) {
                // A line that is cut off makes room for the record of the end.
                if self.file.metadata().is_ok_and(|it| it.len() > length) {
                    let _ = self.file.set_len(length);
                }
                let path = self.path.display();
                tracing::error!("{path}: cannot write the trace: {error}. It ends here");
                return Err((sequence, error));
            }
        }
        Ok(())
    }

    /// Says in the trace that it ends. On a disk that is full or broken that may be impossible, and
    /// then it ends as that of a killed server.
    fn end(&mut self, sequence: u64, reason: &str) {
        let Run { server, boot } = self.run;
        let end = End { server, boot, sequence, wall_us: wall_us(), reason: reason.to_owned() };
        let _ = self.file.write_all(Line::End(end).to_text().as_bytes());
    }
}
