//! How a node is started.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Instant;

use rustix::event::EventfdFlags;

use super::Node;
use super::driver::Driver;
use super::shared::Shared;
use super::trace;
use crate::clock::Moment;
use crate::config::Config;
use crate::disk::{DataDir, Store, StoreError};
use crate::engine::Engine;
use crate::link::{Link, LinkError};
use crate::recorder::{Recorder, RecorderError, Rotation, Run, Trace};
use crate::session::{KeyError, Keys, RunId};

/// A node that is to be started.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    config: Config,
    data: PathBuf,
    is_new: bool,
    trace: trace::Settings,
    keys: Option<Keys>,
    is_insecure: bool,
}

impl Builder {
    pub(super) fn new(config: Config) -> Self {
        let data = PathBuf::from(config.cluster_name().as_str());
        let trace = trace::Settings::default();
        Self { config, data, is_new: false, trace, keys: None, is_insecure: false }
    }

    /// The directory for the ballot of this server, of no other, on a disk of its own machine. If
    /// none is given: one of the name of the cluster, in the current directory.
    pub fn data(mut self, directory: impl AsRef<Path>) -> Self {
        self.data = directory.as_ref().to_owned();
        self
    }

    /// The server has never run before, so it has no ballot yet. Only then: a server that forgot
    /// its votes can elect a second leader.
    pub fn bootstrap(mut self, is_new: bool) -> Self {
        self.is_new = is_new;
        self
    }

    /// The key of the cluster, or two while one replaces the other: see [`crate::session`]. Without
    /// one the node starts only if all servers are on this machine, or if it is
    /// [`Builder::insecure`].
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Whether the node runs without a key though others may reach it: on a network on which nobody
    /// is who is not to be trusted. It says so in its log and in its status.
    pub fn insecure(mut self, is_insecure: bool) -> Self {
        self.is_insecure = is_insecure;
        self
    }

    /// Writes a trace of what the server does to this file, for `raft-model replay`. If that cannot
    /// be written any more, the trace ends, and the server goes on.
    pub fn trace(mut self, file: impl AsRef<Path>) -> Self {
        self.trace.file = Some(file.as_ref().to_owned());
        self
    }

    /// Whether the server stops when its trace cannot be written: nothing that it does is missing
    /// there then.
    pub fn needs_trace(mut self, needs_trace: bool) -> Self {
        self.trace.is_needed = needs_trace;
        self
    }

    /// When the trace goes on in a new file: this one, and one that [`Node::start_trace`] begins.
    /// If nothing is said, never by itself.
    pub fn trace_rotation(mut self, rotation: Rotation) -> Self {
        self.trace.rotation = rotation;
        self
    }

    /// Starts the server, in a thread of its own.
    ///
    /// # Errors
    ///
    /// [`StartError`]. A new server has no ballot then, and can be started as new again, unless
    /// only the trace or the thread failed.
    pub fn start(self) -> Result<Node, StartError> {
        let name = format!("raft-{}", self.config.server().id);
        let (config, data, trace) = (self.config.clone(), self.data.clone(), self.trace.clone());
        let (driver, shared) = self.driver()?;
        let thread = std::thread::Builder::new().name(name).spawn(|| driver.run());
        let thread = thread.map_err(StartError::System)?;
        Ok(Node { config, data, trace, shared, thread: Mutex::new(Some(thread)) })
    }

    /// What the thread of the node does, and how it is spoken to.
    pub(super) fn driver(self) -> Result<(Driver, Arc<Shared>), StartError> {
        let Self { config, data, is_new, trace, keys, is_insecure } = self;
        let trace::Settings { file, rotation, is_needed } = trace;
        if keys.is_none() && config.needs_key(is_insecure) {
            return Err(StartError::NoKey);
        }
        let run = RunId::random()?;
        // The ballot of a new server comes last, so that what fails before can simply be tried
        // again. Only the header of its trace, which has the number of the run, comes after it.
        let data = if is_new { DataDir::create(&data) } else { DataDir::lock(&data) }?;
        if is_new {
            data.check_new()?;
        }
        let link = Link::bind(&config)?;
        let trace = file.map(|path| Trace::open(&path, &config, rotation)).transpose()?;
        if is_new && let Some(trace) = &trace {
            trace.check_new()?;
        }
        let store = if is_new { data.bootstrap(&config) } else { data.open(&config) }?;
        let trace = trace.map(|trace| Self::begin(trace, &store, is_needed)).transpose()?;

        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| StartError::System(error.into()))?;
        let (sender, commands) = channel();
        let (boot, ballot, promise) = (store.boot(), store.ballot(), store.promise());
        let engine = Engine::start(&config, boot, ballot, promise, Moment::now());
        let engine = match &keys {
            Some(keys) => engine.with_keys(keys, run, Moment::now()),
            None if config.is_on_one_machine() => engine,
            None => engine.insecure(),
        };
        let run = Run { server: config.server().id, boot, started: Instant::now() };
        let shared = Arc::new(Shared::new(run, *engine.status(), sender, wake));
        let trace = (trace, is_needed);
        let driver = Driver::new(engine, link, store, trace, Arc::clone(&shared), commands);
        Ok((driver, shared))
    }

    fn begin(trace: Trace, store: &Store, needs_trace: bool) -> Result<Recorder, RecorderError> {
        trace.check_ballot(store.boot(), store.ballot())?;
        let recorder = trace.begin(store.boot())?;
        if needs_trace { Ok(recorder) } else { recorder.in_background() }
    }
}

/// Why a node does not start. Each message says what to do. Nothing runs then, no datagram was
/// sent, and no vote has changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no ballot to work with. Nothing was created; what lies there was left alone.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others may reach the servers, and they have no key.
    #[error(
        "the servers have no key, so whoever reaches their network could pretend to be one of them"
    )]
    NoKey,
    /// There are no random numbers for the sessions of this run.
    #[error(transparent)]
    Random(#[from] KeyError),
    /// The address cannot be used. A new server has no ballot yet.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The trace cannot be used. A new server has no ballot yet, unless the file could be opened
    /// and then not be written.
    #[error(transparent)]
    Trace(#[from] RecorderError),
    /// The system gives no thread, or no way to wake it. A new server has its ballot by now, and is
    /// not new any more.
    #[error("cannot start the thread of the server: {0}")]
    System(io::Error),
}
