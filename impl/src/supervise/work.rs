//! The command that a supervisor runs: a process group of its own, which does not outlive it.
//!
//! Between the supervisor and the command stands a short program, this one again ([`enter`]). It
//! asks the kernel to be killed when the supervisor ends, waits for a byte that lets it go on, and
//! becomes the command. So nothing runs that the node does not guard yet, and nothing is left
//! behind by a supervisor that is killed at any moment.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};

use raft_model::types::{ServerId, Term};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getppid, kill_process_group,
    set_parent_process_death_signal, waitid,
};

/// The hidden command that [`enter`] is for.
pub const ENTER: &str = "enter";

/// A command, and what it is told.
#[derive(Clone, Debug)]
pub(super) struct Task<'a> {
    pub(super) command: &'a [OsString],
    pub(super) server: ServerId,
    pub(super) token: Term,
    /// The longest time that it may go on when its node falls silent, in milliseconds.
    pub(super) lease_ms: u64,
}

/// A process group that works, or is about to. It is killed when this value is dropped.
#[derive(Debug)]
pub(super) struct Work {
    child: Child,
    group: Pid,
    has_ended: bool,
}

impl Work {
    /// Prepares it. It does nothing until [`Work::go`].
    ///
    /// To be called by the thread that lives as long as the supervisor: the kernel kills the
    /// command when this thread ends.
    pub(super) fn prepare(task: &Task<'_>) -> io::Result<Self> {
        // This program, even if its file was replaced meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("raft-node")
            .args([ENTER, &std::process::id().to_string(), "--"])
            .args(task.command);
        command.env("RAFT_SERVER", task.server.number().to_string());
        command.env("RAFT_TERM", task.token.number().to_string());
        command.env("RAFT_LEASE_MS", task.lease_ms.to_string());
        let child = command.process_group(0).stdin(Stdio::piped()).spawn()?;
        let group = Pid::from_child(&child);
        Ok(Self { child, group, has_ended: false })
    }

    /// The number of its group.
    pub(super) fn group(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Lets it begin.
    pub(super) fn go(&mut self) -> io::Result<()> {
        match self.child.stdin.take() {
            Some(mut gate) => gate.write_all(b"g"),
            None => Ok(()),
        }
    }

    /// Sends a signal to the whole group.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal); // it may have ended
    }

    /// How it ended, if it has. What is left of its group is killed first, as long as nobody else
    /// can have its number.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if waitid(WaitId::Pid(self.group), options)?.is_none() {
            return Ok(None);
        }
        self.signal(Signal::KILL);
        self.has_ended = true;
        self.child.wait().map(Some)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.has_ended {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Becomes this command, as soon as the supervisor with this number lets it. It comes back only if
/// it cannot.
///
/// # Errors
///
/// If there is no such command, or it cannot be run.
pub fn enter(supervisor: i32, command: &[OsString]) -> io::Result<Infallible> {
    let [program, arguments @ ..] = command else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // If it has ended before that, nobody tells.
    if getppid().map(|parent| parent.as_raw_nonzero().get()) != Some(supervisor) {
        return Err(io::Error::other("its supervisor has ended"));
    }
    if io::stdin().read_exact(&mut [0]).is_err() {
        return Err(io::Error::other("its supervisor does not want it any more"));
    }
    Err(Command::new(program).args(arguments).stdin(Stdio::null()).exec())
}

/// The exit code that tells how a command ended, as shells have it.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
