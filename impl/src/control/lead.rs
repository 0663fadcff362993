//! Somebody acts for this node while it leads: a supervisor with a process group. It asks again
//! and again. If it asks no more in time, since it was stopped or killed, the node kills the group.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use raft_model::types::{ServerId, Term};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, getpgrp, kill_process_group};
use serde::{Deserialize, Serialize};

use super::server::{Answerer, LONGEST, say};
use super::{Answer, Request};
use crate::Node;
use crate::clock::Moment;
use crate::status::report::{Lease, decimal};

/// The process group that acts for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Its number.
    pub group: i32,
    /// How long before the end of what was handed out it is killed, in microseconds.
    pub before_us: u64,
}

/// What a node says to whoever acts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leading {
    /// The server.
    pub server: ServerId,
    /// What may be acted on, handed out for whoever asked.
    pub lease: Option<Lease>,
    /// Whether the node is about to give up, as soon as nobody acts for it any more.
    pub gives_up: bool,
    /// Who leads, as far as it has heard.
    pub leader: Option<ServerId>,
    /// The latest term that it has seen.
    #[serde(with = "decimal")]
    pub term: Term,
}

impl Leading {
    fn of(node: &Node, gives_up: bool) -> (Self, Option<Moment>) {
        let handed_out = node.leadership();
        let status = node.status();
        let lease = handed_out.map(|it| Lease::new(it, it.asked()));
        let (server, leader, term) = (status.server, status.leader, status.term());
        (Self { server, lease, gives_up, leader, term }, handed_out.map(|it| it.until()))
    }
}

/// Who acts for a node.
#[derive(Debug, Default)]
pub(super) struct Acting {
    groups: AtomicUsize,
    gives_up: AtomicBool,
}

impl Acting {
    /// Asks all that act to end, and waits until they have, but for so long at most. Nobody begins
    /// anew until [`Acting::resume`].
    pub(super) fn release(&self, patience: Duration) {
        self.gives_up.store(true, Ordering::SeqCst);
        let start = Instant::now();
        while self.groups.load(Ordering::SeqCst) > 0 && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whoever acts for the node may do so again.
    pub(super) fn resume(&self) {
        self.gives_up.store(false, Ordering::SeqCst);
    }
}

/// A group that acts for the node, until this value is dropped.
struct Group<'a> {
    acting: &'a Acting,
    pid: Pid,
    before: Duration,
    /// When it is killed, unless somebody asks before.
    end: Moment,
}

impl<'a> Group<'a> {
    fn new(acting: &'a Acting, guard: &Guard) -> Option<Self> {
        // Numbers up to 1 mean something else to the system, and everybody.
        let pid = Pid::from_raw(guard.group).filter(|&pid| guard.group > 1 && pid != getpgrp())?;
        acting.groups.fetch_add(1, Ordering::SeqCst);
        tracing::info!(group = guard.group, "a process group acts for this server");
        let before = Duration::from_micros(guard.before_us);
        Some(Self { acting, pid, before, end: Moment::default() })
    }

    fn kill(&self, why: &str) {
        let killed = kill_process_group(self.pid, Signal::KILL);
        let group = self.pid.as_raw_nonzero().get();
        match killed {
            Ok(()) => tracing::warn!(group, "killed what acts for this server: {why}"),
            Err(rustix::io::Errno::SRCH) => {} // it has ended
            Err(error) => tracing::error!(group, %error, "cannot kill what acts for this server"),
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        self.acting.groups.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Answerer {
    /// Answers whoever acts for the node, from its first question on, until it asks no more.
    pub(super) fn lead(
        &self,
        stream: &UnixStream,
        mut lines: BufReader<&UnixStream>,
        first: Option<Guard>,
    ) -> io::Result<()> {
        let mut group = None;
        let mut guard = first;
        let mut line = Vec::new();
        loop {
            let Some(answer) = self.leading(guard, &mut group) else {
                return say(stream, &Answer::Error("the node has stopped".to_owned()));
            };
            if let Err(error) = say(stream, &answer) {
                end(group.take(), "its supervisor does not listen");
                return Err(error);
            }
            if let Some(acts) = &group
                && !is_readable(stream, acts.end)
            {
                acts.kill("its supervisor does not ask any more");
                group = None;
            }
            line.clear();
            let read = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            match serde_json::from_slice(&line) {
                Ok(Request::Lead { guard: next }) => guard = next,
                _ => {
                    end(group.take(), "its supervisor has ended");
                    return read.map(drop);
                }
            }
        }
    }

    /// What is handed out for this group, and until when.
    fn leading<'a>(
        &'a self,
        guard: Option<Guard>,
        group: &mut Option<Group<'a>>,
    ) -> Option<Answer> {
        match (guard, &group) {
            (None, _) => *group = None,
            (Some(guard), Some(acts)) if acts.pid.as_raw_nonzero().get() == guard.group => {}
            (Some(guard), _) => match Group::new(&self.acting, &guard) {
                Some(new) => *group = Some(new),
                None => {
                    return Some(Answer::Error(format!("{} is no process group", guard.group)));
                }
            },
        }
        let node = self.node.upgrade()?;
        let gives_up = self.acting.gives_up.load(Ordering::SeqCst);
        let (leading, until) = Leading::of(&node, gives_up);
        if let (Some(acts), Some(until)) = (group, until) {
            acts.end = acts.end.max(until.before(acts.before));
        }
        Some(Answer::Leading(leading))
    }
}

fn end(group: Option<Group<'_>>, why: &str) {
    if let Some(group) = group {
        group.kill(why);
    }
}

/// Whether something can be read before this moment. What came in time is seen in any case.
fn is_readable(stream: &UnixStream, before: Moment) -> bool {
    loop {
        let left = before.since(Moment::now());
        let mut fds = [PollFd::new(stream, PollFlags::IN)];
        match poll(&mut fds, Timespec::try_from(left).ok().as_ref()) {
            Ok(0) if left.is_zero() => return false,
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}
