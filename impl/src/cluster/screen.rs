//! A terminal that is drawn on from its first line, and is afterwards as it was before.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::tcgetwinsize;
use signal_hook::SigId;
use signal_hook::consts::SIGTSTP;
use signal_hook::low_level::{emulate_default_handler, unregister};

/// Takes another page of the terminal, hides the cursor and cuts long lines off.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";

/// Undoes it.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// The terminal at the standard output, until this value is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    shown: Vec<String>,
    suspend: Arc<AtomicBool>, // Ctrl-Z was pressed
    handler: SigId,
}

impl Screen {
    pub(super) fn enter() -> io::Result<Self> {
        let suspend = Arc::new(AtomicBool::new(false));
        let handler = signal_hook::flag::register(SIGTSTP, Arc::clone(&suspend))?;
        let screen = Self { shown: Vec::new(), suspend, handler };
        put(ENTER)?;
        Ok(screen)
    }

    /// Shows these lines, as many as fit.
    pub(super) fn draw(&mut self, mut lines: Vec<String>) -> io::Result<()> {
        if self.suspend.swap(false, Ordering::Relaxed) {
            put(LEAVE)?;
            emulate_default_handler(SIGTSTP)?; // until the shell continues this process
            put(ENTER)?;
            self.shown.clear();
        }
        let rows = tcgetwinsize(io::stdout()).map_or(24, |size| size.ws_row);
        lines.truncate(rows.into());
        if lines != self.shown {
            // Over the old picture, without clearing it first: that would flicker.
            put(&format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n")))?;
            self.shown = lines;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        unregister(self.handler);
        let _ = put(LEAVE); // there may be no terminal any more
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
