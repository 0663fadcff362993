//! Who watches long work: heeds Ctrl-C, and shows on a terminal how far it is.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

const PERIOD: Duration = Duration::from_millis(100);

/// A thread that watches until it is told to leave.
pub(super) struct Watch {
    leave: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Looks after some work: ten times a second, `tend` is told whether somebody has interrupted it,
    /// and may return a line to show.
    pub(super) fn start(
        mut tend: impl FnMut(bool) -> Option<String> + Send + 'static,
    ) -> io::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The second one ends the process at once, whatever it does.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))?;
            flag::register(signal, Arc::clone(&interrupted))?;
        }
        let leave = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leave);
        let thread = thread::spawn(move || {
            let on_terminal = io::stderr().is_terminal();
            while !told.load(Ordering::Relaxed) {
                let line = tend(interrupted.load(Ordering::Relaxed));
                if on_terminal && let Some(line) = line {
                    let _ = write!(io::stderr(), "\r\x1b[K{line}");
                }
                thread::park_timeout(PERIOD);
            }
            if on_terminal {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        });
        Ok(Self { leave, thread })
    }

    /// The work is over.
    pub(super) fn leave(self) {
        self.leave.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}
