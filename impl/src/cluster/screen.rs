//! A terminal that is drawn on from its first line, and is afterwards as it was before.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
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
    typing: Option<Termios>, // how the terminal at the standard input was before
}

impl Screen {
    pub(super) fn enter() -> io::Result<Self> {
        let suspend = Arc::new(AtomicBool::new(false));
        let handler = signal_hook::flag::register(SIGTSTP, Arc::clone(&suspend))?;
        let typing = tcgetattr(io::stdin()).ok(); // where it is no terminal, nothing is typed
        let screen = Self { shown: Vec::new(), suspend, handler, typing };
        screen.take()?;
        Ok(screen)
    }

    /// Whether keys can be read from the standard input, each as it is typed.
    pub(super) fn has_keys(&self) -> bool {
        self.typing.is_some()
    }

    fn take(&self) -> io::Result<()> {
        if let Some(mut typing) = self.typing.clone() {
            typing.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(io::stdin(), OptionalActions::Now, &typing)?;
        }
        put(ENTER)
    }

    fn give_back(&self) -> io::Result<()> {
        if let Some(typing) = &self.typing {
            tcsetattr(io::stdin(), OptionalActions::Now, typing)?;
        }
        put(LEAVE)
    }

    /// Shows the lines of a picture so wide, as many as fit, and of each as many words as fit.
    pub(super) fn draw(&mut self, picture: impl FnOnce(usize) -> Vec<String>) -> io::Result<()> {
        if self.suspend.swap(false, Ordering::Relaxed) {
            self.give_back()?;
            emulate_default_handler(SIGTSTP)?; // until the shell continues this process
            self.take()?;
            self.shown.clear();
        }
        let (rows, columns) = size();
        let mut lines = picture(columns.into());
        lines.resize(rows.into(), String::new());
        for line in &mut lines {
            shorten(line, columns.into());
        }
        if lines != self.shown {
            put(&over(&lines))?;
            self.shown = lines;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        unregister(self.handler);
        let _ = self.give_back(); // there may be no terminal any more
    }
}

/// All lines over those that were there. Each is cleared before it is written, not after: at the
/// end of a full line the cursor stands on its last letter, and would clear that. The whole screen
/// is never cleared: that would flicker.
fn over(lines: &[String]) -> String {
    format!("\x1b[H\x1b[K{}\x1b[m", lines.join("\x1b[m\r\n\x1b[K"))
}

/// Makes a line fit: what is too long ends behind a word, with a mark. Half of the number of a
/// process would be the number of another one.
fn shorten(line: &mut String, columns: usize) {
    // Where the words end behind which there is room for the mark.
    let (mut width, mut end, mut is_colour) = (0, 0, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '\x1b' => is_colour = true,
            _ if is_colour => is_colour = letter != 'm',
            _ => {
                if letter == ' ' && width < columns {
                    end = at;
                }
                width += 1;
            }
        }
    }
    if width > columns {
        line.truncate(end);
        line.truncate(line.trim_end().len());
        line.push('…');
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How many rows and columns the terminal has.
pub(super) fn size() -> (u16, u16) {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or((24, 80), |size| (size.ws_row, size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(line: &str, columns: usize) -> String {
        let mut line = line.to_owned();
        shorten(&mut line, columns);
        line
    }

    #[test]
    fn no_number_is_cut() {
        let line = "kill -9 1142735";
        for (columns, expected) in
            [(15, line), (14, "kill -9…"), (8, "kill -9…"), (7, "kill…"), (5, "kill…"), (4, "…")]
        {
            assert_eq!(short(line, columns), expected, "{columns}");
        }
        assert_eq!(short("leader       12", 14), "leader…", "no gap before the mark");
    }

    #[test]
    fn nothing_is_cleared_behind_a_line() {
        let text = over(&["kill -9 32136".to_owned(), "kill -9 32137".to_owned()]);
        for line in text.split("\r\n") {
            let (_, behind) = line.split_once("kill -9 3213").unwrap();
            assert!(!behind.contains("\x1b[K") && !behind.contains("\x1b[J"), "{line:?}");
        }
        assert_eq!(text.matches("\x1b[Kkill").count(), 2, "each is cleared before: {text:?}");
    }

    #[test]
    fn a_colour_takes_no_room() {
        let line = "  \x1b[1;32mS1 leads in term 12.\x1b[0m";
        assert_eq!(short(line, 22), line);
        assert_eq!(short(line, 21), "  \x1b[1;32mS1 leads in term…");
    }
}
