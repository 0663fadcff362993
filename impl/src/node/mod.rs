//! A server that runs in a thread of its own, for a program that wants to know whether it leads.

mod builder;
mod driver;
mod log;
mod shared;
mod trace;
mod unanswered;
mod warnings;
mod watch;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use raft_model::types::ServerId;

pub use self::builder::{Builder, StartError};
use self::shared::{Command, Shared};
pub use self::watch::Watch;
use crate::config::Config;
use crate::disk::StoreError;
use crate::engine::HandOverError;
use crate::leadership::Leadership;
use crate::recorder::RecorderError;
use crate::session::Keys;
use crate::status::Status;

/// A running server. All methods may be called from any thread, and none of them holds the server
/// up. [`Node::hand_over`], [`Node::step_down`], [`Node::shutdown`] and [`Node::wait`] make their
/// caller wait; the others return at once. The server stops when this value is dropped, without a
/// hand-over.
pub struct Node {
    config: Config,
    data: PathBuf,
    trace: trace::Settings,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<Result<(), NodeError>>>>,
}

impl Node {
    /// How to start one.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// Its configuration, as it was when it was started.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The directory of its ballot.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What this server may act on as the leader, if it leads and a quorum has confirmed that not
    /// too long ago. The clock is read in this call. Always `None` without check-quorum.
    pub fn leadership(&self) -> Option<Leadership> {
        self.shared.hand_out()
    }

    /// What the server knows.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Tells what is known now, and then of each change.
    pub fn watch(&self) -> Watch {
        Watch::new(Arc::clone(&self.shared))
    }

    /// Gives up leadership in favour of another server, and waits until this one has left office:
    /// as long as what it handed out is valid, and it hands out nothing more. Who comes to office
    /// is for the others to decide; [`Node::watch`] tells.
    ///
    /// # Errors
    ///
    /// [`HandOverError`]; this server still leads then, if it did.
    pub fn hand_over(&self, to: ServerId) -> Result<(), HandOverError> {
        self.give_up(Some(to))
    }

    /// The same in favour of the follower that answered last.
    ///
    /// # Errors
    ///
    /// [`HandOverError`]; this server still leads then, if it did.
    pub fn step_down(&self) -> Result<(), HandOverError> {
        self.give_up(None)
    }

    /// Whether this server would give up now if it were told to, in favour of this server or of the
    /// follower that answered last. Nothing changes.
    ///
    /// # Errors
    ///
    /// As [`Node::hand_over`].
    pub fn check_hand_over(&self, to: Option<ServerId>) -> Result<(), HandOverError> {
        let (reply, answer) = sync_channel(1);
        self.shared.command(Command::CheckGiveUp { to, reply });
        answer.recv().unwrap_or(Err(HandOverError::Stopped))
    }

    /// Whether its thread gets on: it says so within this time. One that waits for a disk does not.
    pub fn gets_on(&self, patience: Duration) -> bool {
        let (reply, answer) = sync_channel(1);
        self.shared.command(Command::CheckGiveUp { to: None, reply });
        answer.recv_timeout(patience).is_ok()
    }

    /// From now on that server is at this address: messages go there, and are believed from there.
    /// An address of the other IP version is ignored, and so is one for this server itself.
    pub fn set_address(&self, server: ServerId, address: SocketAddr) {
        self.shared.command(Command::SetAddress { server, address });
    }

    /// From now on the node accepts these keys, and seals with the first. No session ends. A node
    /// that was started without a key ignores them, and says so in its log: it would understand
    /// nobody.
    pub fn set_keys(&self, keys: Keys) {
        self.shared.command(Command::SetKeys(keys));
    }

    fn give_up(&self, to: Option<ServerId>) -> Result<(), HandOverError> {
        let (reply, answer) = sync_channel(1);
        self.shared.command(Command::GiveUp { to, reply });
        answer.recv().unwrap_or(Err(HandOverError::Stopped))
    }

    /// Asks the server to stop, and does not wait. A leader with check-quorum hands over first, and
    /// stays until another server leads, or for two minimum election timeouts. Asked again, it
    /// stops at once.
    pub fn begin_shutdown(&self) {
        self.shared.command(Command::Leave);
    }

    /// Asks the server to stop as [`Node::begin_shutdown`], and waits until it has.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if it had stopped by itself.
    pub fn shutdown(self) -> Result<(), NodeError> {
        self.begin_shutdown();
        self.wait()
    }

    /// Waits until the server has stopped, by itself or since it was asked to. Of several that
    /// wait, one is told why.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if it stopped by itself.
    pub fn wait(&self) -> Result<(), NodeError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        match thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.command(Command::Stop);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join(); // whoever wanted to know would have waited
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// What answers a program that asked a leader to give up.
type Reply = SyncSender<Result<(), HandOverError>>;

/// Why a server cannot go on. It has stopped, and its ballot is what the last step left that took
/// effect: the same server can be started again when the reason is gone.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The ballot cannot be written.
    #[error("{0}. The server stopped before it acted on the new ballot")]
    Store(#[from] StoreError),
    /// The trace cannot be written.
    #[error("{0}. The server stopped before it took the step that is missing in the trace")]
    Recorder(#[from] RecorderError),
    /// The system cannot wait for datagrams.
    #[error("cannot wait for datagrams: {0}")]
    Wait(io::Error),
}

#[cfg(test)]
mod tests;
