//! Whoever answers for a node: a thread that accepts, and one for each connection.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use raft_model::types::ServerId;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use super::lead::Acting;
use super::{Answer, Request, SOCKET, Snapshot, line, socket};
use crate::Node;
use crate::engine::HandOverError;
use crate::recorder::TraceError;

/// How many may be connected at a time.
const CONNECTIONS: usize = 64;

/// How long a request may be, in bytes.
pub(super) const LONGEST: u64 = 1 << 13;

/// How long somebody who asked may take to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long those who act for a node may take to end, before it gives up.
const RELEASE: Duration = Duration::from_secs(10);

/// What changes how much the program logs; it says why it does not.
pub type Levels = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The socket of a node, until this value is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    stop: Arc<OwnedFd>,
    answerer: Arc<Answerer>,
    thread: Option<JoinHandle<()>>,
}

/// What every connection needs.
pub(super) struct Answerer {
    pub(super) node: Weak<Node>,
    pub(super) acting: Acting,
    levels: Option<Levels>,
    connected: AtomicUsize,
}

impl Server {
    /// Answers from now on for this node, in its data directory. Without `levels` the log stays as
    /// it is.
    ///
    /// # Errors
    ///
    /// If there can be no socket in that directory. The node runs on.
    pub fn open(node: &Arc<Node>, levels: Option<Levels>) -> io::Result<Self> {
        let listener = socket::listener(node.data())?;
        let path = node.data().join(SOCKET);
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let node = Arc::downgrade(node);
        let (acting, connected) = (Acting::default(), AtomicUsize::new(0));
        let answerer = Arc::new(Answerer { node, acting, levels, connected });
        let answers = Arc::clone(&answerer);
        let stopped = Arc::clone(&stop);
        let accept = move || {
            while wait(&listener, &stopped) {
                if let Ok((stream, _)) = listener.accept() {
                    answers.connect(stream);
                }
            }
        };
        let thread = thread::Builder::new().name("raft-control".to_owned()).spawn(accept)?;
        Ok(Self { path, stop, answerer, thread: Some(thread) })
    }

    /// Asks whoever acts for this node to end for good, and waits until nobody does any more, or
    /// for ten seconds: for a node that is to stop, and leads as long as that takes.
    pub fn release(&self) {
        self.answerer.acting.release(RELEASE);
    }
}

/// Until somebody wants to connect. False if it is time to stop.
fn wait(listener: &UnixListener, stop: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(stop, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) | Err(Errno::INTR) => fds[0].revents().is_empty(),
        Err(_) => false,
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        let _ = std::fs::remove_file(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Answerer {
    /// Serves this connection in a thread of its own.
    fn connect(self: &Arc<Self>, stream: UnixStream) {
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let this = Arc::clone(self);
        if self.connected.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
            self.connected.fetch_sub(1, Ordering::Relaxed);
            let _ = say(&stream, &Answer::Error("too many are connected; try again".to_owned()));
            return;
        }
        let serve = move || {
            let _ = this.serve(&stream); // who does not listen does not matter
            this.connected.fetch_sub(1, Ordering::Relaxed);
        };
        let thread = thread::Builder::new().name("raft-asked".to_owned()).spawn(serve);
        if thread.is_err() {
            self.connected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Answers one request after the other, until there is none.
    fn serve(&self, stream: &UnixStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(());
            }
            match serde_json::from_slice(&line) {
                Ok(Request::Watch { every_ms }) => return self.watch(stream, every_ms),
                Ok(Request::Lead { guard }) => return self.lead(stream, lines, guard),
                Ok(request) => say(stream, &self.answer(&request))?,
                Err(error) => {
                    say(stream, &Answer::Error(format!("not a request: {error}")))?;
                    return Ok(());
                }
            }
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let Some(node) = self.node.upgrade() else {
            return Answer::Error("the node has stopped".to_owned());
        };
        let done = match request {
            Request::Status | Request::Watch { .. } | Request::Lead { .. } => {
                return Answer::Status(Box::new(Snapshot::of(&node)));
            }
            Request::HandOver { to } => self.give_up(&node, Some(*to)),
            Request::StepDown => self.give_up(&node, None),
            Request::LogLevel { level } => match &self.levels {
                Some(levels) => levels(level),
                None => Err("this program keeps its log as it is".to_owned()),
            },
            Request::TraceStart { file } => told(node.start_trace(file.as_deref()).map(drop)),
            Request::TraceStop => told(node.stop_trace()),
            Request::TraceRotate => told(node.rotate_trace()),
        };
        done.map_or_else(Answer::Error, |()| Answer::Done)
    }

    /// Lets first whoever acts for the node end in peace.
    fn give_up(&self, node: &Node, to: Option<ServerId>) -> Result<(), String> {
        let told = |error: HandOverError| error.to_string();
        node.check_hand_over(to).map_err(told)?;
        self.acting.release(RELEASE);
        let result = to.map_or_else(|| node.step_down(), |to| node.hand_over(to));
        self.acting.resume();
        result.map_err(told)
    }

    fn watch(&self, stream: &UnixStream, every_ms: u64) -> io::Result<()> {
        let every = Duration::from_millis(every_ms.max(10));
        let Some(mut watch) = self.node.upgrade().map(|node| node.watch()) else { return Ok(()) };
        while watch.next_within(every) != Some(None) {
            say(stream, &self.answer(&Request::Status))?;
        }
        Ok(())
    }
}

fn told(result: Result<(), TraceError>) -> Result<(), String> {
    result.map_err(|error| error.to_string())
}

pub(super) fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    stream.write_all(&line(answer)?)
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer").finish_non_exhaustive()
    }
}
