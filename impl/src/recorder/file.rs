//! The file of a trace: who may write it, and when it goes on in another one.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZero;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use raft_model::trace::{End, Header, Line};

use super::{RecorderError, numbered, wall_us};
use crate::lock::Locked;

/// When a trace goes on in a new file, and how many of the old ones stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// In bytes: how long a file becomes at most, unless its first record is longer. `None`: it
    /// grows without end.
    pub size: Option<u64>,
    /// How many files are kept besides the newest. `None`: all.
    pub keep: Option<NonZero<u32>>,
}

/// A file that is open for this trace, and for nobody else.
#[derive(Debug)]
pub(super) struct TraceFile {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    file: Locked,
    rotation: Rotation,
    /// Whether nothing stood there when it was opened.
    pub(super) was_empty: bool,
    /// Whether its last line is cut off.
    is_torn: bool,
    has_records: bool, // since it was opened
}

impl TraceFile {
    /// Opens or creates it. What stands there is kept.
    pub(super) fn open(
        path: &Path,
        header: Header,
        rotation: Rotation,
    ) -> Result<Self, RecorderError> {
        let options = File::options().create(true).append(true).read(true).clone();
        let file = options.open(path).map_err(RecorderError::io(path))?;
        // A pipe that nobody reads would hold up the server.
        if !file.metadata().map_err(RecorderError::io(path))?.is_file() {
            return Err(RecorderError::Foreign { path: path.to_owned() });
        }
        let mut file = match Locked::new(file) {
            Ok(file) => file,
            Err(TryLockError::WouldBlock) => {
                return Err(RecorderError::Locked { path: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(RecorderError::io(path)(error)),
        };
        let found = continues(&mut file, &header).map_err(RecorderError::io(path))?;
        let Some((was_empty, is_torn)) = found else {
            return Err(RecorderError::Foreign { path: path.to_owned() });
        };
        let path = path.to_owned();
        Ok(Self { path, header, file, rotation, was_empty, is_torn, has_records: false })
    }

    /// From here on the run goes on, with the step of this number.
    pub(super) fn begin(&mut self, sequence: u64) -> Result<(), RecorderError> {
        let newline = if self.is_torn { "\n" } else { "" };
        let header = Header { sequence, ..self.header.clone() };
        let text = newline.to_owned() + &Line::Header(header).to_text();
        self.append(&text).map_err(RecorderError::io(&self.path))?;
        self.is_torn = false;
        Ok(())
    }

    /// Adds the record of a step, in a new file if this one is long enough.
    pub(super) fn write(&mut self, sequence: u64, record: &str) -> Result<(), RecorderError> {
        let path = self.path.clone();
        let length = self.file.metadata().map_err(RecorderError::io(&path))?.len();
        let too_long = |size| length.saturating_add(record.len() as u64) > size;
        if length == 0 {
            self.begin(sequence)?; // it was copied and truncated
        } else if self.has_records && self.rotation.size.is_some_and(too_long) {
            self.rotate(sequence)?;
        }
        self.append(record).map_err(RecorderError::io(&path))?;
        while self.is_all_of_it(record).map_err(RecorderError::io(&path))? {
            self.file.set_len(0).map_err(RecorderError::io(&path))?;
            self.begin(sequence)?;
            self.append(record).map_err(RecorderError::io(&path))?;
        }
        self.has_records = true;
        Ok(())
    }

    /// Whether the file was truncated just before this was added: then it has lost its header.
    fn is_all_of_it(&self, record: &str) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() == record.len() as u64)
    }

    /// Goes on in a new file. The old one gets a number, unless it has another name by now.
    pub(super) fn rotate(&mut self, sequence: u64) -> Result<(), RecorderError> {
        let path = self.path.clone();
        let io = RecorderError::io(&path);
        if self.has_its_name().map_err(&io)? {
            fs::rename(&path, numbered::next(&path).map_err(&io)?).map_err(&io)?;
        }
        let mut new = Self::open(&path, self.header.clone(), self.rotation)?;
        new.begin(sequence)?;
        *self = new;
        self.rotation.keep.map_or(Ok(()), |count| numbered::keep(&path, count)).map_err(&io)
    }

    /// Says that the run goes on and this does not. On a disk that is full or broken that may be
    /// impossible, and then it ends as that of a killed server.
    pub(super) fn end(&mut self, sequence: u64, reason: &str) {
        let Header { server, boot, .. } = self.header;
        let end = End { server, boot, sequence, wall_us: wall_us(), reason: reason.to_owned() };
        let _ = self.append(&Line::End(end).to_text());
    }

    fn has_its_name(&self) -> io::Result<bool> {
        let own = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Adds a line, or nothing: one that is cut off makes room, and half a header at the beginning
    /// of a file would be taken for something foreign.
    fn append(&self, line: &str) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let result = (&*self.file).write_all(line.as_bytes());
        if result.is_err() && self.file.metadata().is_ok_and(|it| it.len() > length) {
            let _ = self.file.set_len(length);
        }
        result
    }

    /// Another file in its place, to see what happens when the disk refuses.
    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) {
        self.file = Locked::without_lock(file);
    }
}

/// Whether a file in which a trace can go on is empty, and whether its last line is cut off. It is
/// empty, or the trace of this server.
fn continues(file: &mut Locked, header: &Header) -> io::Result<Option<(bool, bool)>> {
    if file.metadata()?.len() == 0 {
        return Ok(Some((true, false)));
    }
    let mut file: &File = file;
    let mut first = Vec::new();
    BufReader::new(file).take(1 << 16).read_until(b'\n', &mut first)?;
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
    Ok(Some((false, last != *b"\n")))
}
