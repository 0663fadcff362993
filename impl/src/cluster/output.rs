//! Where a cluster is shown: on a screen, or as lines.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::frame::{Look, frame};
use super::screen::{Screen, size};
use super::view::{Happening, View};

/// Where it is shown.
pub(super) enum Output {
    /// Each happening is a line, for files and programs, and for a terminal that only writes.
    Lines,
    Screen(Screen),
}

impl Output {
    pub(super) fn open() -> io::Result<Self> {
        let can_draw = is_set("TERM", |term| term != "dumb");
        if can_draw && io::stdout().is_terminal() {
            Screen::enter().map(Self::Screen)
        } else {
            Ok(Self::Lines)
        }
    }

    /// Whether somebody can type at it.
    pub(super) fn has_keys(&self) -> bool {
        matches!(self, Self::Screen(screen) if screen.has_keys())
    }

    /// Shows what has happened, and on a screen how it stands.
    pub(super) fn show(
        &mut self,
        happenings: &[Happening],
        view: &View,
        now: Duration,
        is_stopping: bool,
        wrong_key: Option<&str>,
    ) -> io::Result<()> {
        match self {
            Self::Screen(screen) => {
                let has_keys = screen.has_keys();
                let colour = !is_set("NO_COLOR", |_| true);
                screen.draw(|columns| {
                    let look = Look { is_stopping, has_keys, wrong_key, colour, columns };
                    frame(view, now, look)
                })
            }
            Self::Lines => {
                let mut out = io::stdout().lock();
                for happening in happenings {
                    writeln!(out, "{happening}")?;
                }
                Ok(())
            }
        }
    }

    /// Leaves the screen, if it is one, and says how many columns that has.
    pub(super) fn leave(self) -> Option<usize> {
        match self {
            Self::Screen(_) => Some(size().1.into()),
            Self::Lines => None,
        }
    }
}

/// Whether the environment has this, not empty, and as it is to be.
fn is_set(name: &str, is_it: impl Fn(&std::ffi::OsStr) -> bool) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && is_it(&value))
}
