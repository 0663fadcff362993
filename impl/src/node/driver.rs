//! The thread of a node: it gives its engine a socket, a clock and a disk.
//!
//! It waits for a datagram, a deadline or a command, and does what the engine says, in that order.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::shared::{Command, Shared};
use super::unanswered::Unanswered;
use super::warnings::{Warning, Warnings};
use super::{NodeError, Reply, log};
use crate::clock::Moment;
use crate::disk::Store;
use crate::engine::{Engine, HandOverError, Output};
use crate::link::{Arrival, BATCH, Link};
use crate::recorder::Recorder;
use crate::status::Status;
use crate::wire::Rejection;

/// Whatever is waited for, a wait ends after that time: a machine that slept is noticed then.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

pub(super) struct Driver {
    pub(super) engine: Engine,
    pub(super) link: Link,
    pub(super) store: Store,
    pub(super) trace: Option<Recorder>,
    pub(super) needs_trace: bool,
    pub(super) shared: Arc<Shared>,
    commands: Receiver<Command>,
    published: Status,
    warnings: Warnings,
    unanswered: Unanswered,
    replies: Vec<Reply>, // to those who want this leader to give up
    stop: Option<Stop>,
}

/// A server that was told to stop.
#[derive(Clone, Copy)]
struct Stop {
    latest: Moment,
    gave_up: bool,
}

impl Driver {
    pub(super) fn new(
        engine: Engine,
        link: Link,
        store: Store,
        (trace, needs_trace): (Option<Recorder>, bool),
        shared: Arc<Shared>,
        commands: Receiver<Command>,
    ) -> Self {
        shared.set_trace(trace.as_ref().map(|trace| Arc::clone(trace.progress())));
        let published = *engine.status();
        Self {
            engine,
            link,
            store,
            trace,
            needs_trace,
            shared,
            commands,
            published,
            warnings: Warnings::default(),
            unanswered: Unanswered::default(),
            replies: Vec::new(),
            stop: None,
        }
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self) -> Result<(), NodeError> {
        let _span = tracing::error_span!("server", id = %self.published.server).entered();
        let result = self.serve();
        tracing::info!("stopped: {}", self.engine.status().datagrams);
        result
    }

    pub(super) fn serve(&mut self) -> Result<(), NodeError> {
        log::start(self.engine.config(), &self.published, self.store.path());
        self.obey()?;
        while !self.has_to_stop() {
            self.wait()?;
            self.turn()?;
        }
        Ok(())
    }

    /// Takes the messages that are there, then what is due. A server that was paused so hears that
    /// there is a leader before it campaigns. Messages come in bounded batches: the timer is late
    /// at most, never lost.
    pub(super) fn turn(&mut self) -> Result<(), NodeError> {
        let mut has_news = false; // a flood of what is rejected is shown once a turn
        for _ in 0..BATCH {
            let Some(arrival) = self.link.receive() else { break };
            match arrival {
                Arrival::Datagram(bytes, source) => {
                    if let Err(reason) = self.engine.receive(&bytes, source, Moment::now()) {
                        tracing::debug!(%source, reason = %Quoted(reason), "datagram rejected");
                        self.warn_of_rejected(reason, source);
                        has_news = true;
                        self.do_outputs()?; // it may be a reason to say hello
                    } else {
                        self.obey()?;
                        has_news = false;
                    }
                }
                Arrival::Error(error) => {
                    self.engine.not_received();
                    let error = error.to_string(); // so that it stands in quotes
                    tracing::debug!(error, "not received");
                }
            }
        }
        let now = Moment::now();
        if self.engine.deadline() <= now {
            self.engine.wake(now);
            self.obey()?;
        } else if has_news {
            self.publish();
        }
        Ok(())
    }

    /// Waits for a datagram, a deadline or a command.
    pub(super) fn wait(&self) -> Result<(), NodeError> {
        let deadline = self.engine.deadline();
        let deadline = self.stop.map_or(deadline, |stop| deadline.min(stop.latest));
        let time = deadline.since(Moment::now()).min(LONGEST_WAIT);
        let timeout = Timespec::try_from(time).ok();
        let wake = self.shared.wake();
        let mut fds =
            [PollFd::new(&self.link, PollFlags::IN), PollFd::from_borrowed_fd(wake, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(NodeError::Wait(error.into())),
        }
    }

    /// Does what the engine wants done, and shows what it knows then.
    pub(super) fn obey(&mut self) -> Result<(), NodeError> {
        self.do_outputs()?;
        self.publish();
        Ok(())
    }

    fn do_outputs(&mut self) -> Result<(), NodeError> {
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Record { id, cause, step } => {
                    if let Some(trace) = &mut self.trace {
                        trace.record(id.sequence, cause, step)?;
                    }
                }
                Output::Save(ballot) => {
                    let promise = self.engine.promise(Moment::now());
                    self.store.save(ballot, promise)?;
                    self.engine.saved(Moment::now());
                }
                Output::Send { to, address, datagram } => {
                    let result = self.link.send(&datagram, address);
                    let count = self.engine.sent(result.is_ok());
                    log::sent(to, address, result, count);
                }
                Output::Obeyed { cause, rule } => {
                    log::step(
                        &mut self.unanswered,
                        &self.published,
                        self.engine.status(),
                        cause,
                        rule,
                    );
                }
            }
        }
        Ok(())
    }

    fn warn_of_rejected(&mut self, reason: Rejection, source: SocketAddr) {
        let (status, config) = (self.engine.status(), self.engine.config());
        let known = config.server_at(source);
        let of_it = known.map(|it| status.datagrams.rejected_from(Some(it)).map(|(_, n)| n).sum());
        let count = status.datagrams.rejected(reason);
        if let Some(warning) = self.warnings.rejected(reason, source, count, of_it) {
            warning.say();
        }
    }

    fn publish(&mut self) {
        let status = *self.engine.status();
        let longest = *self.engine.config().election_timeout().end();
        let warnings = self.warnings.after(&self.published, &status, longest, Moment::now());
        warnings.into_iter().for_each(Warning::say);
        let is_news = status.is_news_after(&self.published);
        log::lease_and_stalls(&self.published, &status);
        self.shared.publish(status, is_news);
        self.published = status;
        if !self.engine.is_leaving() {
            for reply in self.replies.drain(..) {
                let _ = reply.send(Ok(())); // who asked may not wait any more
            }
        }
    }

    /// Does what it is asked to do. Whether that is to end.
    fn has_to_stop(&mut self) -> bool {
        // First: what is asked from here on wakes the thread again.
        let _ = rustix::io::read(self.shared.wake(), &mut [0; 8]);
        loop {
            match self.commands.try_recv() {
                Ok(Command::GiveUp { to, reply }) => match self.engine.give_up(to, Moment::now()) {
                    Ok(()) => self.release(Some(reply)),
                    Err(error) => drop(reply.send(Err(error))),
                },
                Ok(Command::CheckGiveUp { to, reply }) => {
                    let _ = reply.send(self.engine.check_give_up(to).map(drop));
                }
                Ok(Command::SetAddress { server, address }) => {
                    self.engine.set_address(server, address);
                }
                Ok(Command::SetKeys(keys)) => {
                    let are_set = self.engine.set_keys(&keys);
                    log::keys(are_set, self.engine.status());
                    self.publish();
                }
                Ok(Command::Trace(order)) => self.obey_trace(order),
                Ok(Command::Leave) if self.stop.is_none() => {
                    let time = 2 * *self.engine.config().election_timeout().start();
                    self.stop = Some(Stop { latest: Moment::now().after(time), gave_up: false });
                }
                Ok(Command::Leave | Command::Stop) | Err(TryRecvError::Disconnected) => {
                    return true;
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        self.stop.is_some_and(|stop| self.has_left(stop))
    }

    /// Whether a server that was told to stop can do so now: it does not lead, and if it did,
    /// another one does, or too much time has passed. In between it serves as always. So its vote
    /// helps the next leader; and if it is elected itself, since its order was lost, it hands over
    /// again.
    fn has_left(&mut self, stop: Stop) -> bool {
        let Status { server, leader, state, .. } = *self.engine.status();
        let now = Moment::now();
        if state.role.is_leader() && !self.engine.is_leaving() {
            if self.engine.give_up(None, now).is_err() {
                return true;
            }
            self.stop = Some(Stop { gave_up: true, ..stop });
            self.release(None);
            return false;
        }
        !stop.gave_up || stop.latest <= now || leader.is_some_and(|leader| leader != server)
    }

    /// Nothing is handed out from now on, and the engine is told when all that was is over.
    fn release(&mut self, reply: Option<Reply>) {
        self.publish();
        self.replies.extend(reply);
        self.engine.released(self.shared.handed_out_until());
    }
}

/// A text in quotes, made only if somebody reads it.
struct Quoted(Rejection);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        for reply in self.replies.drain(..) {
            let _ = reply.send(Err(HandOverError::Stopped));
        }
        self.shared.stop();
    }
}
