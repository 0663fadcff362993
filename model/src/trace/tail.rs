//! A trace that is read while it grows.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::reader::LONGEST_LINE;
use super::{Header, Line, LineError};

/// How much is read at a time, so that nobody waits long for a reader that has fallen behind.
const CHUNK: u64 = 1 << 20;

/// The end of a trace.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    from: u64,
    file: Option<File>,
    rest: Vec<u8>,     // of a line of which more is to come
    is_in_midst: bool, // of a line, whose beginning was not read
}

impl Tail {
    /// What will be added to this trace from now on. The file need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        let from = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self { path, from, file: None, rest: Vec::new(), is_in_midst: false }
    }

    /// The last lines of this trace, of at most so many bytes, and what will be added to it.
    pub fn recent(path: PathBuf, bytes: u64) -> Self {
        let tail = Self::new(path);
        let from = tail.from.saturating_sub(bytes);
        Self { from, is_in_midst: from > 0, ..tail }
    }

    /// The header at the beginning of the trace, if one stands there already.
    pub fn header(&self) -> Option<Header> {
        let mut text = Vec::new();
        let file = self.path.is_file().then(|| File::open(&self.path).ok()).flatten()?;
        file.take(LONGEST_LINE).read_to_end(&mut text).ok()?;
        let end = text.iter().position(|&byte| byte == b'\n')?;
        match Line::from_text(std::str::from_utf8(&text[..end]).ok()?) {
            Ok(Line::Header(header)) => Some(header),
            Ok(Line::Step(_) | Line::End(_)) | Err(_) => None,
        }
    }

    /// The lines that were added since the last time. A line that is cut off, since the server was
    /// killed as it wrote it, is left out.
    ///
    /// # Errors
    ///
    /// [`TailError`] if the file cannot be read, or holds something else than lines of a trace.
    pub fn lines(&mut self) -> Result<Vec<Line>, TailError> {
        let io = |path: &Path, error| TailError::Io { path: path.to_owned(), error };
        let Self { path, from, file, rest, is_in_midst } = self;
        // Who opens a pipe waits for its writer. A server refuses anything but a file.
        if file.is_none() && path.is_file() {
            match File::open(&*path).and_then(|mut file| {
                file.seek(SeekFrom::Start(*from))?;
                Ok(file)
            }) {
                Ok(opened) => *file = Some(opened),
                Err(error) => return Err(io(path, error)),
            }
        }
        if let Some(open) = file {
            let read = open.take(CHUNK).read_to_end(rest).map_err(|error| io(path, error))?;
            if read == 0 && has_gone(open, path) {
                // A new file takes its place, or this one begins anew. What is cut off stays so.
                (*file, *from) = (None, 0);
                rest.push(b'\n');
            }
        }
        let complete = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let mut lines = Vec::new();
        for bytes in rest[..complete].split_inclusive(|&byte| byte == b'\n') {
            if std::mem::take(is_in_midst) {
                continue;
            }
            let text = String::from_utf8_lossy(&bytes[..bytes.len() - 1]);
            match Line::from_text(&text) {
                Ok(line) => lines.push(line),
                Err(LineError::NoChecksum) => {}
                Err(error) => return Err(TailError::Damage { path: path.clone(), error }),
            }
        }
        rest.drain(..complete);
        if rest.len() as u64 > LONGEST_LINE {
            let error = LineError::NoChecksum;
            return Err(TailError::Damage { path: path.clone(), error });
        }
        Ok(lines)
    }
}

/// Whether this file is not any more what the path names, or is shorter than what was read of it.
fn has_gone(mut file: &File, path: &Path) -> bool {
    let (Ok(named), Ok(open), Ok(read)) =
        (fs::metadata(path), file.metadata(), file.stream_position())
    else {
        return false;
    };
    (named.dev(), named.ino()) != (open.dev(), open.ino()) || open.len() < read
}

/// Why a trace cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The system refuses.
    #[error("{}: cannot read the trace: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line was changed.
    #[error("{}: {error}", path.display())]
    Damage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: LineError,
    },
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::trace::tests::header_of;
    use crate::types::ServerId;

    fn header() -> String {
        Line::Header(header_of(ServerId::FIRST, 1)).to_text()
    }

    #[test]
    fn lines_are_read_once_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        let mut tail = Tail::new(path.clone());
        assert_eq!(tail.lines().unwrap(), []);
        fs::write(&path, header()).unwrap();
        let written = tail.lines().unwrap();
        assert_eq!(written.len(), 1);

        let text = written[0].to_text();
        let (start, end) = text.split_at(text.len() / 2);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(start.as_bytes()).unwrap();
        assert_eq!(tail.lines().unwrap(), []);
        file.write_all(end.as_bytes()).unwrap();
        assert_eq!(tail.lines().unwrap(), written);
        for _ in 0..3 {
            assert_eq!(tail.lines().unwrap(), [], "however often it is asked");
        }
    }

    #[test]
    fn the_last_lines_begin_with_a_whole_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        fs::write(&path, header().repeat(3)).unwrap();
        let length = header().len() as u64;
        for (bytes, lines) in [(0, 0), (length - 1, 0), (length + 1, 1), (3 * length, 3)] {
            let mut tail = Tail::recent(path.clone(), bytes);
            assert_eq!(tail.lines().unwrap().len(), lines, "{bytes} of three times {length}");
            assert!(tail.header().is_some());
        }
    }

    /// The file was renamed and another one begun; or it was copied and begins anew.
    #[test]
    fn a_trace_that_goes_on_in_another_file_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        fs::write(&path, "").unwrap();
        let mut tail = Tail::new(path.clone());
        let renamed = |path: &Path| fs::rename(path, path.with_extension("1")).unwrap();
        let emptied = |path: &Path| fs::write(path, "").unwrap();
        for end in [renamed, emptied, renamed] {
            let mut file = File::options().create(true).append(true).open(&path).unwrap();
            file.write_all((header() + &header()).as_bytes()).unwrap();
            let lines = |tail: &mut Tail| tail.lines().unwrap().len() + tail.lines().unwrap().len();
            assert_eq!(lines(&mut tail), 2);
            end(&path);
            assert_eq!(lines(&mut tail), 0);
        }
    }

    #[test]
    fn what_a_killed_server_left_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        let mut tail = Tail::new(path.clone());
        fs::write(&path, "{\"step\":{\"ser\n").unwrap();
        File::options().append(true).open(&path).unwrap().write_all(header().as_bytes()).unwrap();
        assert_eq!(tail.lines().unwrap().len(), 1);
    }

    #[test]
    fn what_stood_there_before_is_none_of_its_business() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        fs::write(&path, "Dear diary\n").unwrap();
        assert_eq!(Tail::new(path).lines().unwrap(), []);
    }

    #[test]
    fn a_changed_line_and_one_without_end_are_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        for text in ["{\"header\":1,\"crc\":\"00000000\"}\n".to_owned(), "x".repeat(1 << 17)] {
            let mut tail = Tail::new(path.clone());
            fs::write(&path, text).unwrap();
            assert!(matches!(tail.lines(), Err(TailError::Damage { .. })));
            fs::remove_file(&path).unwrap();
        }
    }
}
