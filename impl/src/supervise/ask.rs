//! The conversation of a supervisor with its node. It never waits: whoever counts down a lease
//! reads and writes what it can.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::clock::Moment;
use crate::control::{self, Answer, Guard, Leading, Request, socket};

/// More than any answer has, in bytes.
const LONGEST: usize = 1 << 16;

/// A connection at which one question may be open.
#[derive(Debug)]
pub(super) struct Conversation {
    stream: UnixStream,
    open: Option<Question>,
    read: Vec<u8>,
}

/// A question, and the moment before it was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) asked: Moment,
    pub(super) guard: Option<Guard>,
}

impl Conversation {
    /// With the node of this directory, if it is there and can be reached at once.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let stream = socket::stream(data)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, open: None, read: Vec::new() })
    }

    /// Whether an answer is still to come.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Asks what may be acted on, if no other question is open.
    ///
    /// # Errors
    ///
    /// If the node is gone, or reads nothing: the conversation is over.
    pub(super) fn ask(&mut self, guard: Option<Guard>) -> io::Result<()> {
        let line = control::line(&Request::Lead { guard })?;
        self.open = Some(Question { asked: Moment::now(), guard });
        self.stream.write_all(&line) // it fits into the buffer, where nothing else is
    }

    /// The answer, if it has come.
    ///
    /// # Errors
    ///
    /// If the node is gone, or says something else: the conversation is over.
    pub(super) fn answer(&mut self) -> io::Result<Option<(Question, Leading)>> {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.read.extend(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            if self.read.len() > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
        }
        let Some(end) = self.read.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let line: Vec<_> = self.read.drain(..=end).collect();
        match (serde_json::from_slice(&line), self.open.take()) {
            (Ok(Answer::Leading(leading)), Some(question)) => Ok(Some((question, leading))),
            (Ok(Answer::Error(error)), _) => Err(io::Error::other(error)),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }
}

impl AsFd for Conversation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
