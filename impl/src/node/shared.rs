//! What the thread of a node and those who ask it have in common. Nobody who asks can hold it up.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::mpsc::Sender;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use event_listener::{Event, EventListener};
use raft_model::types::ServerId;

use super::Reply;
use super::trace;
use crate::clock::Moment;
use crate::leadership::Leadership;
use crate::recorder::{Progress, Run};
use crate::session::Keys;
use crate::status::Status;

/// What a node is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// To hand over, to this server if one is named.
    GiveUp { to: Option<ServerId>, reply: Reply },
    /// To say whether it could hand over.
    CheckGiveUp { to: Option<ServerId>, reply: Reply },
    /// To find that server at this address.
    SetAddress { server: ServerId, address: SocketAddr },
    /// To accept these keys, and to seal with the first.
    SetKeys(Keys),
    /// To begin or end its trace, or to go on in a new file.
    Trace(trace::Order),
    /// To hand over if it leads, and to stop; to stop at once if it does so already.
    Leave,
    /// To stop at once.
    Stop,
}

pub(super) struct Shared {
    pub(super) run: Run,
    status: ArcSwap<Status>,
    /// The trace that is being written, or the last one.
    trace: ArcSwapOption<Progress>,
    /// Until when something is valid that was handed out: nanoseconds since the machine started.
    handed_out: AtomicU64,
    has_stopped: AtomicBool,
    changed: Event,
    commands: Sender<Command>,
    wake: OwnedFd,
}

impl Shared {
    pub(super) fn new(run: Run, status: Status, commands: Sender<Command>, wake: OwnedFd) -> Self {
        Self {
            run,
            status: ArcSwap::from_pointee(status),
            trace: ArcSwapOption::empty(),
            handed_out: AtomicU64::new(0),
            has_stopped: AtomicBool::new(false),
            changed: Event::new(),
            commands,
            wake,
        }
    }

    pub(super) fn status(&self) -> Status {
        **self.status.load()
    }

    /// What becomes of the trace, if there is one.
    pub(super) fn trace(&self) -> Option<Arc<Progress>> {
        self.trace.load_full()
    }

    /// From now on this is the trace.
    pub(super) fn set_trace(&self, trace: Option<Arc<Progress>>) {
        self.trace.store(trace);
    }

    /// What may be handed out now. Why nothing is valid after [`Shared::handed_out_until`]: it is
    /// noted first, and then looked whether it still may be handed out. The node first stops, and
    /// then looks what was noted. Whatever comes first, one of the two sees the other.
    pub(super) fn hand_out(&self) -> Option<Leadership> {
        let leadership = self.status.load().leadership?;
        self.handed_out.fetch_max(nanoseconds(leadership.until()), Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let now = self.status.load().leadership?;
        leadership.handed_out(Moment::now()).filter(|it| it.term() == now.term())
    }

    /// Until when something is valid that was handed out before a status without a leadership was
    /// published.
    pub(super) fn handed_out_until(&self) -> Moment {
        fence(Ordering::SeqCst);
        Moment::after_start(Duration::from_nanos(self.handed_out.load(Ordering::SeqCst)))
    }

    /// Shows this from now on, and wakes those who wait for news.
    pub(super) fn publish(&self, status: Status, is_news: bool) {
        self.status.store(Arc::new(status));
        if is_news {
            self.changed.notify(usize::MAX);
        }
    }

    /// The thread has ended, and knows nothing more.
    pub(super) fn stop(&self) {
        let mut last = self.status();
        last.leadership = None;
        self.has_stopped.store(true, Ordering::SeqCst);
        self.publish(last, true);
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.has_stopped.load(Ordering::SeqCst)
    }

    pub(super) fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Asks the thread to do this.
    pub(super) fn command(&self, command: Command) {
        // It may have ended.
        if self.commands.send(command).is_ok() {
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }

    /// Becomes readable when there is a command.
    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

fn nanoseconds(moment: Moment) -> u64 {
    u64::try_from(moment.since_start().as_nanos()).unwrap_or(u64::MAX)
}
