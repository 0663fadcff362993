//! What has become of a trace, for those who ask.

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What becomes of a trace while it is written.
#[derive(Debug)]
pub(crate) struct Progress {
    file: PathBuf,
    dropped: AtomicU64,
    ended: OnceLock<String>,
}

impl Progress {
    pub(super) const fn of(file: PathBuf) -> Self {
        Self { file, dropped: AtomicU64::new(0), ended: OnceLock::new() }
    }

    pub(super) fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// It ended before the server did.
    pub(super) fn end(&self, reason: String) {
        let _ = self.ended.set(reason);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    pub(crate) fn status(&self) -> TraceStatus {
        TraceStatus {
            file: self.file.display().to_string(),
            dropped: self.dropped.load(Ordering::Relaxed),
            ended: self.ended.get().cloned(),
        }
    }
}

/// The trace of a running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStatus {
    /// The file that is being written.
    pub file: String,
    /// How many steps are missing in it: the disk was too slow, or the trace has ended.
    pub dropped: u64,
    /// Why it has ended, if the server goes on without it.
    pub ended: Option<String>,
}

/// Lines of a status.
impl fmt::Display for TraceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, dropped, ended } = self;
        writeln!(f, "Trace         {file}")?;
        if *dropped > 0 {
            writeln!(f, "              steps missing in it: {dropped}")?;
        }
        match ended {
            Some(reason) => writeln!(f, "              it has ended: {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_is_missing_and_why_a_trace_has_ended() {
        let progress = Progress::of("s1.trace".into());
        assert!(!progress.has_ended());
        assert_eq!(progress.status().to_string(), "Trace         s1.trace\n");
        progress.drop_one();
        progress.end("the disk is full".to_owned());
        assert!(progress.has_ended());
        let shown = "Trace         s1.trace
              steps missing in it: 1
              it has ended: the disk is full
";
        assert_eq!(progress.status().to_string(), shown);
    }
}
