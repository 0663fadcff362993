//! What a node does at SIGHUP: it logs as much as its configuration says by now, accepts the keys
//! that are in its file of keys by now, and goes on with its trace in a new file.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread;

use raft_node::Node;
use raft_node::control::Levels;
use signal_hook::consts::SIGHUP;

use super::keys::Keys;
use super::log::USUAL;
use super::{Failure, stop_at_signals};

/// Until a node can do something about them, signals wait here, and end nobody.
pub(super) struct Hangups(UnixStream);

impl Hangups {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self(stop_at_signals(&[SIGHUP])?.0))
    }

    /// Does what they ask for, for as long as the node runs, in a thread of its own.
    pub(super) fn watch(mut self, node: &Arc<Node>, source: Source, levels: Levels) {
        let node = Arc::downgrade(node);
        thread::spawn(move || {
            while self.0.read_exact(&mut [0]).is_ok() {
                reload(&node, &source, &levels);
            }
        });
    }
}

/// Where the keys come from.
pub(super) struct Source {
    /// Those of the command line and the environment, which are stronger.
    pub(super) given: Keys,
    pub(super) file: Option<PathBuf>,
}

fn reload(node: &Weak<Node>, source: &Source, levels: &Levels) {
    let keys = source.given.clone().with_file(source.file.as_deref());
    let cluster_keys = keys.as_ref().ok().map(Keys::cluster_keys);
    let level = keys.map(|keys| keys.log.unwrap_or_else(|| USUAL.to_owned()));
    match level.map_err(|error| error.to_string()).and_then(|level| levels(&level).map(|()| level))
    {
        Ok(level) => tracing::info!(%level, "SIGHUP: log level read again"),
        Err(error) => tracing::warn!(%error, "SIGHUP: the log level stays as it is"),
    }
    let Some(node) = node.upgrade() else { return };
    match cluster_keys {
        Some(Ok(Some(keys))) => node.set_keys(keys),
        Some(Err(error)) => tracing::warn!(%error, "SIGHUP: the keys stay as they are"),
        Some(Ok(None)) | None => {}
    }
    if node.trace().is_some_and(|trace| trace.ended.is_none()) {
        match node.rotate_trace() {
            Ok(()) => tracing::info!("SIGHUP: the trace goes on in a new file"),
            Err(error) => tracing::warn!(%error, "SIGHUP: the trace goes on in the old file"),
        }
    }
}
