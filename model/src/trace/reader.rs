//! Reading traces from files, line by line.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::trace::input::{self, Input};
use crate::trace::rule::Rule;
use crate::trace::{self, Line, LineError};

/// The longest line that is read, in bytes: far more than a header or a record needs, and so little
/// that no file can exhaust the memory.
pub(super) const LONGEST_LINE: u64 = 1 << 16;

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

    /// An error that names this line, and the rule that it breaks.
    pub(crate) fn refused(&self, rule: Rule, what: String) -> ReplayError {
        ReplayError::Refused { place: self.clone(), rule, what }
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
    /// A file is another one than a moment ago.
    #[error("{} was changed while it was replayed", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// A line is not as it was written.
    #[error("{place}: {what}")]
    Damage {
        /// Where.
        place: Place,
        /// What is wrong with it.
        what: String,
    },
    /// A trace tells what cannot have happened.
    #[error("{place}: {what}\n  {rule:?}: {}", rule.says())]
    Refused {
        /// Where.
        place: Place,
        /// The rule that is broken.
        rule: Rule,
        /// What is wrong, with what is recorded and what is expected.
        what: String,
    },
}

/// Hands over every line of these traces, and where it stands.
pub(super) fn each_line(
    paths: &[PathBuf],
    mut visit: impl FnMut(Place, Line),
) -> Result<(), ReplayError> {
    for path in paths {
        let mut reader = Reader::open(path)?;
        while let Some((place, line)) = reader.next()? {
            visit(place, line);
        }
    }
    Ok(())
}

/// What messages call it.
fn named(path: &Path) -> Arc<Path> {
    #[cfg(feature = "check")]
    if path == Path::new(input::STDIN) {
        return Path::new("standard input").into();
    }
    path.into()
}

/// The lines of one trace. A line that is cut off, at the end of the file or where the server came
/// up again, is passed over with a note: the server was killed while it wrote it, or its disk was
/// full.
pub struct Reader {
    file: Arc<Path>,
    lines: BufReader<Box<dyn Read + Send>>,
    /// How many bytes were read, and how many are still to come at most.
    length: u64,
    left: u64,
    line: usize,
    text: String,
    /// The header at the beginning, until it is asked for.
    first: Option<(Place, Line)>,
    notes: Vec<String>,
}

impl Reader {
    /// Opens a trace, which may be compressed by gzip or zstd; `-` is the standard input. If a
    /// server is adding to it, what it adds from now on is not read.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Io`], or [`ReplayError::NotATrace`] if it does not begin like one.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        Self::open_first(path, u64::MAX)
    }

    /// Opens a trace as if it ended after so many bytes.
    pub(crate) fn open_first(path: &Path, length: u64) -> Result<Self, ReplayError> {
        let file = named(path);
        let error = |error| ReplayError::Io { file: file.to_path_buf(), error };
        let not_a_trace =
            |what: &str| ReplayError::NotATrace { file: file.to_path_buf(), what: what.to_owned() };
        let Some(Input { bytes, length: there }) = input::open(path).map_err(error)? else {
            return Err(not_a_trace("it is no regular file"));
        };
        let mut reader = Self {
            file: Arc::clone(&file),
            lines: BufReader::with_capacity(1 << 16, bytes),
            length: 0,
            left: there.min(length),
            line: 0,
            text: String::new(),
            first: None,
            notes: Vec::new(),
        };
        if !reader.read_line()? {
            return Err(not_a_trace("it is empty"));
        }
        match reader.parsed() {
            Ok(Line::Header(header)) if header.is_readable() => {
                reader.first = Some((reader.place(), Line::Header(header)));
                Ok(reader)
            }
            Ok(Line::Header(header)) => Err(not_a_trace(&format!(
                "it has version {}, and this program reads versions 1 to {}",
                header.version,
                trace::VERSION
            ))),
            Ok(Line::Step(_) | Line::End(_)) => Err(not_a_trace("it does not begin with a header")),
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
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if !self.read_line()? {
            return Ok(None);
        }
        match self.parsed() {
            Ok(line) => Ok(Some((self.place(), line))),
            Err(LineError::NoChecksum) => self.after_a_cut(),
            Err(error) => Err(self.place().damage(error.to_string())),
        }
    }

    /// A line is cut off: then the trace ends, or the server came up again and wrote a header. It
    /// may have died of that as well.
    fn after_a_cut(&mut self) -> Result<Option<(Place, Line)>, ReplayError> {
        let cut = self.place();
        loop {
            let place = self.place();
            self.notes.push(format!(
                "{place}: cut off; the server was killed as it wrote it, or its disk was full"
            ));
            if !self.read_line()? {
                return Ok(None);
            }
            match self.parsed() {
                Ok(line @ Line::Header(_)) => return Ok(Some((self.place(), line))),
                Err(LineError::NoChecksum) if self.begins_like_a_header() => {}
                _ => return Err(cut.damage(LineError::NoChecksum.to_string())),
            }
        }
    }

    fn begins_like_a_header(&self) -> bool {
        const START: &str = "{\"header\":{";
        let text = self.text.trim_end_matches('\n');
        text.starts_with(START) || START.starts_with(text)
    }

    /// How many bytes it has read. At the end: as many as there were when it was opened.
    pub(crate) const fn length(&self) -> u64 {
        self.length
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
        let limit = LONGEST_LINE.min(self.left);
        match self.lines.by_ref().take(limit).read_line(&mut self.text) {
            Ok(length) if length as u64 == LONGEST_LINE && !self.text.ends_with('\n') => {
                Err(self.no_line("it is longer than any line of a trace"))
            }
            Ok(length) => {
                self.length += length as u64;
                self.left -= length as u64;
                Ok(length > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.no_line("it is not text"))
            }
            Err(error) => Err(ReplayError::Io { file: self.file.to_path_buf(), error }),
        }
    }

    fn no_line(&self, what: &str) -> ReplayError {
        if self.line == 1 {
            let what = format!("line 1: {what}");
            return ReplayError::NotATrace { file: self.file.to_path_buf(), what };
        }
        self.place().damage(what.to_owned())
    }
}
