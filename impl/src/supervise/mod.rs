//! A command that runs only while the node of this machine leads: `raft-node lead -- CMD`.
//!
//! The supervisor asks the node again and again, over its [control socket](crate::control), what
//! may be acted on. It counts the lease down by itself, on the clock that goes on while the machine
//! sleeps, and from the moment before it asked. So whatever becomes of the node, killed, stopped or
//! hung, the command is told to end, and killed, before the lease can end.
//!
//! The other way round the node guards the command: when the supervisor is killed or stopped and
//! asks no more, the node kills the process group ([`Guard`]), and the kernel kills the command
//! itself when the supervisor ends.
//!
//! What this does not cover: node, supervisor and command stopped together and continued later (a
//! frozen machine or container); a node *and* a supervisor that are stopped at the same time;
//! processes that have left the group. A command that must not act late even then passes on its
//! fencing token, `RAFT_TERM`, to whatever it acts upon, which refuses a token lower than one it
//! has seen.

mod ask;
mod decide;
mod hook;
mod work;

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use self::ask::Conversation;
pub use self::decide::Margins;
use self::decide::{Decider, Order};
use self::hook::{Hook, News};
pub use self::work::{ENTER, enter};
use self::work::{Task, Work};
use crate::clock::{Moment, microseconds};
use crate::control::{Client, Guard, Leading, Request};

/// How often a node is looked for that is not there.
const LOOK: Duration = Duration::from_millis(100);

/// How long a node may take to say what its timing is, or to leave office.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be run, and how.
#[derive(Clone, Debug)]
pub struct Supervisor {
    /// The data directory of the node.
    pub data: PathBuf,
    /// The command, and its arguments; empty if there are only hooks to be run.
    pub command: Vec<OsString>,
    /// When it ends.
    pub margins: Margins,
    /// How long a lease is, at most.
    pub lease: Duration,
    /// How often the node is asked.
    pub period: Duration,
    /// Whether it is run again when it has ended by itself, and how.
    pub restart: Restart,
    /// How long after that.
    pub restart_delay: Duration,
    /// A program that is run at each change.
    pub hook: Option<OsString>,
    /// Whether the node stays in office when the supervisor ends.
    pub stays: bool,
}

/// Whether a command is run again that has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Restart {
    /// The supervisor ends, with the exit code of the command.
    Never,
    /// If its exit code is not 0.
    OnFailure,
    /// In any case.
    Always,
}

impl Supervisor {
    /// Runs the command whenever the node leads. Each byte that can be read from `stop` is a
    /// request to end, and the second does not wait; `children` becomes readable when a process has
    /// ended.
    ///
    /// What comes back is the exit code: that of the command if it ended by itself, 0 if it was
    /// told to.
    ///
    /// # Errors
    ///
    /// If the system refuses what a supervisor needs.
    pub fn run(self, stop: UnixStream, children: UnixStream) -> io::Result<u8> {
        stop.set_nonblocking(true)?;
        children.set_nonblocking(true)?;
        let timer = timerfd_create(
            TimerfdClockId::Boottime,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let (decider, hook) = (Decider::new(self.margins), Hook::new(self.hook.clone()));
        let mut running = Running {
            supervisor: self,
            stop,
            children,
            timer,
            decider,
            hook,
            conversation: None,
            work: None,
            asks_at: Moment::default(),
            last: None,
            requests: 0,
        };
        if running.supervisor.command.is_empty() {
            running.decider.quit(); // there are only hooks
        }
        running.serve()
    }
}

struct Running {
    supervisor: Supervisor,
    stop: UnixStream,
    children: UnixStream,
    timer: OwnedFd,
    decider: Decider,
    hook: Hook,
    conversation: Option<Conversation>,
    work: Option<Work>,
    asks_at: Moment,
    last: Option<Leading>,
    requests: u32,
}

impl Running {
    fn serve(mut self) -> io::Result<u8> {
        loop {
            self.hear();
            if let Some(code) = self.look_after_work()? {
                return Ok(self.end(code));
            }
            self.hook.look();
            let next = loop {
                match self.decider.next(Moment::now()) {
                    Order::Wait(until) => break until,
                    order => self.obey(order)?,
                }
            };
            if self.requests > 0 && !self.decider.has_work() {
                return Ok(self.end(0));
            }
            self.ask();
            let until = next.map_or(self.asks_at, |next| next.min(self.asks_at));
            self.wait(until)?;
        }
    }

    /// Until something can be read, a child has ended, or this moment has come.
    fn wait(&mut self, until: Moment) -> io::Result<()> {
        let time = until.since_start().max(Duration::from_nanos(1)); // zero would mean never
        let it_value = Timespec::try_from(time).map_err(io::Error::other)?;
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let spec = Itimerspec { it_interval, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec)?;
        let mut fds = vec![
            PollFd::new(&self.timer, PollFlags::IN),
            PollFd::new(&self.stop, PollFlags::IN),
            PollFd::new(&self.children, PollFlags::IN),
        ];
        fds.extend(self.conversation.as_ref().map(|it| PollFd::new(it, PollFlags::IN)));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let _ = self.children.read(&mut [0; 64]);
        if self.stop.read(&mut [0]).is_ok_and(|count| count > 0) {
            self.requests += 1;
            self.decider.quit();
            if self.requests > 1
                && let Some(work) = &self.work
            {
                work.signal(Signal::KILL);
            }
        }
        Ok(())
    }

    /// Asks the node, if it is time, and no question is open.
    fn ask(&mut self) {
        let now = Moment::now();
        if now < self.asks_at || self.conversation.as_ref().is_some_and(Conversation::is_open) {
            self.asks_at = self.asks_at.max(now.after(self.supervisor.period));
            return;
        }
        if self.conversation.is_none() {
            self.conversation = Conversation::open(&self.supervisor.data).ok();
        }
        let guard = self.guard();
        let asked = self.conversation.as_mut().map(|it| it.ask(guard).is_ok());
        if asked == Some(false) {
            self.conversation = None;
        }
        let time = if self.conversation.is_some() { self.supervisor.period } else { LOOK };
        self.asks_at = now.after(time);
    }

    fn guard(&self) -> Option<Guard> {
        // After this supervisor would have killed it, and before the end.
        let before_us = microseconds(self.supervisor.margins.kill / 2);
        self.work.as_ref().map(|work| Guard { group: work.group(), before_us })
    }

    /// Takes the answer of the node, if there is one.
    fn hear(&mut self) {
        let Some(conversation) = &mut self.conversation else { return };
        match conversation.answer() {
            Ok(None) => {}
            Ok(Some((question, leading))) => {
                let own = self.work.as_ref().map(Work::group);
                let is_guarded = own.is_some() && question.guard.map(|it| it.group) == own;
                self.decider.hear(question.asked, &leading, is_guarded);
                if self.last.is_none() {
                    tracing::info!(server = %leading.server, "the node answers");
                }
                self.hook.tell(News::new(&leading));
                self.last = Some(leading);
            }
            Err(error) => {
                if self.last.take().is_some() {
                    tracing::warn!(%error, "the node does not answer any more");
                }
                self.conversation = None;
            }
        }
    }

    fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Wait(_) => {}
            Order::Prepare(token) => {
                let Some(Leading { server, .. }) = self.last else { return Ok(()) };
                let command = &self.supervisor.command;
                let lease_ms = u64::try_from(self.supervisor.lease.as_millis()).unwrap_or(u64::MAX);
                self.work = Some(Work::prepare(&Task { command, server, token, lease_ms })?);
                self.asks_at = Moment::default(); // so that it is guarded soon
            }
            Order::Go => {
                if let Some(work) = &mut self.work {
                    tracing::info!(group = work.group(), "this server leads: the command runs");
                    let _ = work.go(); // if it has ended, that is seen
                }
            }
            Order::Terminate => {
                tracing::info!("the command is told to end");
                self.signal(Signal::TERM);
                self.signal(Signal::CONT); // who is stopped hears it, too
            }
            Order::Kill => {
                tracing::warn!("the command is killed");
                self.signal(Signal::KILL);
            }
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        if let Some(work) = &self.work {
            work.signal(signal);
        }
    }

    /// The exit code of this supervisor, if its work has ended for good.
    fn look_after_work(&mut self) -> io::Result<Option<u8>> {
        let Some(work) = &mut self.work else { return Ok(None) };
        let Some(status) = work.ended()? else { return Ok(None) };
        self.work = None;
        let code = work::code(status);
        let by_itself = !self.decider.is_ending(Moment::now());
        let mut rests_until = Moment::default();
        if by_itself {
            tracing::info!(%status, "the command has ended by itself");
            match self.supervisor.restart {
                Restart::OnFailure if !status.success() => {}
                Restart::Always => {}
                Restart::Never | Restart::OnFailure => return Ok(Some(code)),
            }
            rests_until = Moment::now().after(self.supervisor.restart_delay);
        } else {
            tracing::info!(%status, "the command has ended");
        }
        self.decider.ended(rests_until);
        self.asks_at = Moment::default(); // so that the node knows that nobody acts any more
        Ok(None)
    }

    /// Nobody acts any more: so the node need not lead, and another may.
    fn end(self, code: u8) -> u8 {
        let leads = self.last.is_some_and(|last| last.lease.is_some() && !last.gives_up);
        let data = self.supervisor.data;
        drop(self.conversation);
        if leads && !self.supervisor.stays && !self.supervisor.command.is_empty() {
            let left = Client::connect(&data, PATIENCE)
                .and_then(|mut client| client.order(&Request::StepDown));
            match left {
                Ok(()) => tracing::info!("this server has left office"),
                Err(error) => tracing::info!("this server stays in office: {error}"),
            }
        }
        code
    }
}
