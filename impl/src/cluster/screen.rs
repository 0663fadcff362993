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

    /// Shows these lines, as many as fit, and of each as many words as fit.
    pub(super) fn draw(&mut self, mut lines: Vec<String>) -> io::Result<()> {
        if self.suspend.swap(false, Ordering::Relaxed) {
            put(LEAVE)?;
            emulate_default_handler(SIGTSTP)?; // until the shell continues this process
            put(ENTER)?;
            self.shown.clear();
        }
        let size =
            tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
        let (rows, columns) = size.map_or((24, 80), |size| (size.ws_row, size.ws_col));
        lines.truncate(rows.into());
        for line in &mut lines {
            line.truncate(fitting(line, columns.into()).len());
        }
        if lines != self.shown {
            // Over the old picture, without clearing it first: that would flicker.
            put(&format!("\x1b[H{}\x1b[m\x1b[K\x1b[J", lines.join("\x1b[m\x1b[K\r\n")))?;
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

/// The beginning of a line that fits, without half a word at its end: half of the number of a
/// process is the number of another one.
fn fitting(line: &str, columns: usize) -> &str {
    let (mut width, mut end, mut is_colour) = (0, 0, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '\x1b' => is_colour = true,
            _ if is_colour => is_colour = letter != 'm',
            _ => {
                if letter == ' ' {
                    end = at;
                }
                width += 1;
                if width > columns {
                    return &line[..end];
                }
            }
        }
    }
    line
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_cut() {
        let line = "kill -9 1142735";
        for (columns, expected) in
            [(15, line), (14, "kill -9"), (8, "kill -9"), (6, "kill"), (3, "")]
        {
            assert_eq!(fitting(line, columns), expected, "{columns}");
        }
    }

    #[test]
    fn a_colour_takes_no_room() {
        let line = "  \x1b[1;32mS1 leads in term 12.\x1b[0m";
        assert_eq!(fitting(line, 22), line);
        assert_eq!(fitting(line, 21), "  \x1b[1;32mS1 leads in term");
    }
}
