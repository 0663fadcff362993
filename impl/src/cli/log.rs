//! The log of the program.

use std::io;

use raft_node::control::Levels;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

use super::Failure;

/// How many lines of the log may wait for somebody to read them.
const LINES: usize = 4096;

/// What is logged, unless something else is wanted.
pub(super) const USUAL: &str = "info";

/// The log on standard error, written by a thread of its own: if nobody reads there, lines are
/// dropped and counted, and the server goes on.
pub(super) struct Log {
    level: reload::Handle<LevelFilter, Registry>,
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

impl Log {
    /// What is at least that important is logged; `info` unless something else is wanted.
    pub(super) fn begin(level: Option<&str>) -> Result<Self, Failure> {
        let level = level.unwrap_or(USUAL);
        let level = level.parse::<LevelFilter>().map_err(|_| Failure::Log(level.to_owned()))?;
        let (lines, writer) =
            NonBlockingBuilder::default().buffered_lines_limit(LINES).finish(io::stderr());
        let dropped = lines.error_counter();
        let (filter, level) = reload::Layer::new(level);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(lines)
            .with_target(false)
            .log_internal_errors(false); // they would go to the stderr that just failed, and panic
        tracing_subscriber::registry().with(filter).with(lines).init();
        Ok(Self { level, dropped, _writer: writer })
    }

    /// How many lines were dropped, since nobody read them.
    #[cfg(feature = "http")] // its metrics say so
    pub(super) fn dropped(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let dropped = self.dropped.clone();
        move || u64::try_from(dropped.dropped_lines()).unwrap_or(u64::MAX)
    }

    /// Changes how much is logged from then on.
    pub(super) fn levels(&self) -> Levels {
        let handle = self.level.clone();
        Box::new(move |level| {
            let parsed = level.parse::<LevelFilter>();
            let level = parsed.map_err(|_| Failure::Log(level.to_owned()).to_string())?;
            handle.reload(level).map_err(|error| error.to_string())
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let dropped = self.dropped.dropped_lines();
        if dropped > 0 {
            tracing::warn!(dropped, "lines of this log are missing, since nobody read them");
        }
    }
}
