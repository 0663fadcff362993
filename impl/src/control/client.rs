//! Whoever asks a node.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Answer, Request, Snapshot, line, socket};

/// A connection to a running node, for as many questions as one likes: a thousand a second cost
/// little.
///
/// After an error it is of no further use, except after [`ClientError::Refused`].
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    data: PathBuf,
    line: Vec<u8>,
}

impl Client {
    /// Connects to the node with this data directory, and waits for each of its answers for so
    /// long.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no node runs there, or not for this user.
    pub fn connect(data: &Path, patience: Duration) -> Result<Self, ClientError> {
        let (stream, data) = (socket::stream(data), data.to_owned());
        let stream = stream.and_then(|stream| {
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => Ok(Self { stream: BufReader::new(stream), data, line: Vec::new() }),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ClientError::NoNode { data }
                }
                io::ErrorKind::PermissionDenied => ClientError::NotAllowed { data },
                io::ErrorKind::WouldBlock => ClientError::Silent { data },
                _ => ClientError::Io { data, error },
            }),
        }
    }

    /// What the node knows.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if it does not say.
    pub fn status(&mut self) -> Result<Snapshot, ClientError> {
        self.ask(&Request::Status)?;
        self.next_status()
    }

    /// From now on [`Client::next_status`] tells what the node knows: at once, at each change, and
    /// after so long without one.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the node cannot be asked.
    pub fn watch(&mut self, every: Duration) -> Result<(), ClientError> {
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        self.ask(&Request::Watch { every_ms })
    }

    /// The next status of a node that is watched.
    ///
    /// # Errors
    ///
    /// [`ClientError::Ended`] once the node has stopped.
    pub fn next_status(&mut self) -> Result<Snapshot, ClientError> {
        match self.answer()? {
            Answer::Status(snapshot) => Ok(*snapshot),
            Answer::Error(reason) => Err(ClientError::Refused(reason)),
            Answer::Done | Answer::Leading(_) => Err(self.strange()),
        }
    }

    /// Lets the node do something, and waits until it has.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the reason if it does not.
    pub fn order(&mut self, request: &Request) -> Result<(), ClientError> {
        self.ask(request)?;
        match self.answer()? {
            Answer::Done => Ok(()),
            Answer::Error(reason) => Err(ClientError::Refused(reason)),
            Answer::Status(_) | Answer::Leading(_) => Err(self.strange()),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<(), ClientError> {
        let sent = line(request).and_then(|line| self.stream.get_mut().write_all(&line));
        sent.map_err(|error| self.io(error))
    }

    fn answer(&mut self) -> Result<Answer, ClientError> {
        self.line.clear();
        let read = self.stream.read_until(b'\n', &mut self.line);
        match read {
            Ok(_) if self.line.ends_with(b"\n") => {
                serde_json::from_slice(&self.line).map_err(|_| self.strange())
            }
            Ok(_) => Err(ClientError::Ended { data: self.data.clone() }),
            Err(error) => Err(self.io(error)),
        }
    }

    fn io(&self, error: io::Error) -> ClientError {
        let data = self.data.clone();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Silent { data },
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                ClientError::Ended { data }
            }
            _ => ClientError::Io { data, error },
        }
    }

    fn strange(&self) -> ClientError {
        ClientError::Strange { data: self.data.clone() }
    }
}

/// Why a node does not answer. Unless it is [`ClientError::Refused`], whether it does what it was
/// told is not known.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no node runs on {}: check the directory, or start one there", data.display())]
    NoNode {
        /// The data directory.
        data: PathBuf,
    },
    /// The socket belongs to somebody else.
    #[error(
        "the node on {} does not listen to this user: ask it as the user that started it",
        data.display()
    )]
    NotAllowed {
        /// The data directory.
        data: PathBuf,
    },
    /// It does not answer in time.
    #[error("the node on {} does not answer: it is paused, or held up", data.display())]
    Silent {
        /// The data directory.
        data: PathBuf,
    },
    /// It has stopped.
    #[error("the node on {} has stopped", data.display())]
    Ended {
        /// The data directory.
        data: PathBuf,
    },
    /// It says something else than what was asked.
    #[error("the node on {} speaks another language: its version is another one", data.display())]
    Strange {
        /// The data directory.
        data: PathBuf,
    },
    /// It does not do that.
    #[error("{0}")]
    Refused(String),
    /// The system refuses.
    #[error("cannot ask the node on {}: {error}", data.display())]
    Io {
        /// The data directory.
        data: PathBuf,
        /// Why.
        error: io::Error,
    },
}
