//! Reading traces from files, line by line.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::trace::{self, Line, LineError};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: Arc<Path>,
    line: usize,
}

impl Place {
    /// An error that names this line.
    pub(crate) fn damage(&self, what: String) -> ReplayError {
        ReplayError::Damage { place: self.clone(), what }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why traces cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is nothing to replay.
    #[error("no trace was given")]
    NoFiles,
    /// A file cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is something else than a trace.
    #[error("{} is no trace: {what}", file.display())]
    NotATrace {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A trace tells what cannot have happened.
    #[error("{place}: {what}")]
    Damage {
        /// Where.
        place: Place,
        /// What is wrong, with what is recorded and what is expected.
        what: String,
    },
}

/// The lines of one trace. A line that is cut off, at the end of the file or where the server came
/// up again, is passed over with a note: the server was killed while it wrote it.
pub struct Reader {
    file: Arc<Path>,
    lines: BufReader<File>,
    line: usize,
    text: String,
    /// A header that was read to see whether the line before it may be cut off.
    ahead: Option<(Place, Line)>,
    notes: Vec<String>,
}

impl Reader {
    /// Opens a trace.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Io`], or [`ReplayError::NotATrace`] if it does not begin like one.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let error = |error| ReplayError::Io { file: path.to_owned(), error };
        let not_a_trace =
            |what: &str| ReplayError::NotATrace { file: path.to_owned(), what: what.to_owned() };
        let lines = BufReader::with_capacity(1 << 16, File::open(path).map_err(error)?);
        let mut reader = Self {
            file: path.into(),
            lines,
            line: 0,
            text: String::new(),
            ahead: None,
            notes: Vec::new(),
        };
        if !reader.read_line()? {
            return Err(not_a_trace("it is empty"));
        }
        match reader.parsed() {
            Ok(Line::Header(header)) if header.version == trace::VERSION => {
                reader.ahead = Some((reader.place(), Line::Header(header)));
                Ok(reader)
            }
            Ok(Line::Header(header)) => Err(not_a_trace(&format!(
                "it has version {}, and this program reads version {}",
                header.version,
                trace::VERSION
            ))),
            Ok(Line::Step(_)) => Err(not_a_trace("it does not begin with a header")),
            Err(error) => Err(not_a_trace(&format!("line 1: {error}"))),
        }
    }

    /// The next line and where it stands; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Io`], or [`ReplayError::Damage`] if the line was changed.
    #[expect(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<(Place, Line)>, ReplayError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        if !self.read_line()? {
            return Ok(None);
        }
        let place = self.place();
        match self.parsed() {
            Ok(line) => Ok(Some((place, line))),
            Err(error @ LineError::NoChecksum) => {
                let is_last = !self.read_line()?;
                match self.parsed() {
                    Ok(line @ Line::Header(_)) if !is_last => {
                        self.ahead = Some((self.place(), line));
                    }
                    _ if is_last => {}
                    _ => return Err(place.damage(error.to_string())),
                }
                self.notes.push(format!("{place}: cut off; the server was killed as it wrote it"));
                self.next()
            }
            Err(error) => Err(place.damage(error.to_string())),
        }
    }

    /// What was passed over so far.
    pub fn notes(self) -> Vec<String> {
        self.notes
    }

    fn place(&self) -> Place {
        Place { file: Arc::clone(&self.file), line: self.line }
    }

    fn parsed(&self) -> Result<Line, LineError> {
        Line::from_text(self.text.strip_suffix('\n').unwrap_or(&self.text))
    }

    /// Reads a line into `text`; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, ReplayError> {
        self.text.clear();
        self.line += 1;
        match self.lines.read_line(&mut self.text) {
            Ok(length) => Ok(length > 0),
            Err(error) if error.kind() == io::ErrorKind::InvalidData && self.line == 1 => {
                let what = "it is not text".to_owned();
                Err(ReplayError::NotATrace { file: self.file.to_path_buf(), what })
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.place().damage("it is not text".to_owned()))
            }
            Err(error) => Err(ReplayError::Io { file: self.file.to_path_buf(), error }),
        }
    }
}
