//! What the program ends with. There is no other list: commands return it, `--help` prints it, and
//! a test holds the guide `evidence.md` to that.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::paper::{self, HANG};

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Holds = 0,
    Fails = 1,
    Unusable = 2,
    OutOfMemory = 3,
    NoVerdict = 4,
    /// What Rust's own programs end with, too.
    Panicked = 101,
    /// What shells say of Ctrl-C, too.
    Interrupted = 130,
}

const ALL: [Exit; 7] = [
    Exit::Holds,
    Exit::Fails,
    Exit::Unusable,
    Exit::OutOfMemory,
    Exit::NoVerdict,
    Exit::Panicked,
    Exit::Interrupted,
];

impl Exit {
    const fn says(self) -> &'static str {
        match self {
            Self::Holds => "everything holds, or each mutant is caught as the catalogue says",
            Self::Fails => {
                "a property is violated, a proof has a gap, a trace tells what cannot have \
                 happened, or a mutant is not caught as the catalogue says"
            }
            Self::Unusable => {
                "the command line or the input is wrong, a solver is missing, or the output cannot \
                 be written"
            }
            Self::OutOfMemory => "no verdict: it has as much memory as --max-memory allows",
            Self::NoVerdict => {
                "no verdict: another process was missing or lost, runs that could matter leave the \
                 window of terms, or a property breaks where more was let happen than can"
            }
            Self::Panicked => {
                "no verdict: it panicked, so this program or the edited protocol has a mistake"
            }
            Self::Interrupted => "no verdict: Ctrl-C or SIGTERM ended it",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// All of them, for `--help`.
pub(super) fn table() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in ALL {
        let line = format!("  {:>3}  {HANG}{}", exit as u8, exit.says());
        let _ = writeln!(text, "{}", paper::wrapped(&line, 80));
    }
    text
}
