//! A running server: wait, step, obey.
//!
//! One thread, one socket, one deadline. Everything that this server decides is decided by
//! [`Server::step`]; this module only does what each step says, in the order that the specification
//! asks for.

mod leave;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use raft_model::election::{Outgoing, Role, Rule, Server, Step};
use raft_model::trace::{Cause, StepId};
use raft_model::types::{Attempt, ServerId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::clock::Clock;
use crate::disk::{Store, StoreError};
use crate::link::Link;
use crate::recorder::{Recorder, RecorderError};
use crate::status::Status;
use crate::wire::Received;

/// A server that runs.
#[derive(Debug)]
pub struct Node {
    server: Server,
    status: Status,
    clock: Clock,
    link: Link,
    store: Store,
    recorder: Option<Recorder>,
    sequence: u64,              // of the next step that is recorded, or would be
    follower: Option<ServerId>, // who was the last to answer a heartbeat
}

impl Node {
    /// The server that has this socket and this ballot.
    pub fn new(link: Link, store: Store) -> Self {
        let server = link.config().server();
        let Step { state, .. } = server.start(Some(store.ballot()));
        let status = Status::new(server.id, state);
        let clock = Clock::new(link.config());
        let (recorder, sequence, follower) = (None, 0, None);
        Self { server, status, clock, link, store, recorder, sequence, follower }
    }

    /// The same server, with a trace of what it does.
    #[must_use]
    pub fn recorded_by(self, recorder: Recorder) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Runs until something can be read from `stop`: each byte is a request to stop. After the
    /// first, a leader with check-quorum hands over, and stays until another one leads, or for two
    /// minimum election timeouts. The second does not wait, and neither does the end of `stop`.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the ballot cannot be written; nothing has been sent then that depends on
    /// it. Trouble with the network is no error.
    pub fn run(mut self, stop: BorrowedFd<'_>) -> Result<(), NodeError> {
        let _span = tracing::error_span!("server", id = %self.server.id).entered();
        let result = self.serve(stop);
        tracing::info!("stopped: {}", self.link.counters());
        result
    }

    fn serve(&mut self, stop: BorrowedFd<'_>) -> Result<(), NodeError> {
        self.step(Cause::Start { stored: self.store.ballot() })?;
        while self.wait(stop, Duration::MAX)? {
            self.turn()?;
        }
        if leave::take_request(stop) { self.leave(stop) } else { Ok(()) }
    }

    /// Takes the messages that are there, then the timer if it is due. A server that was paused so
    /// hears that there is a leader before it campaigns. Messages come in bounded batches: the
    /// timer is late at most, never lost.
    fn turn(&mut self) -> Result<(), NodeError> {
        for Received { from, message, sent_in } in self.link.receive() {
            self.step(Cause::Receive { before: self.status.state, from, message, sent_in })?;
        }
        if self.clock.is_due() {
            let attempt = self.next_attempt();
            self.step(Cause::Timeout { before: self.status.state, attempt })?;
        }
        Ok(())
    }

    /// A number that no earlier attempt of this server had: runs and steps are counted upwards.
    fn next_attempt(&self) -> Attempt {
        Attempt::new(self.store.boot() << 32 | self.sequence & u64::from(u32::MAX))
    }

    /// Waits for a datagram or the timer, at most for so long; false when it is time to stop.
    fn wait(&self, stop: BorrowedFd<'_>, at_most: Duration) -> Result<bool, NodeError> {
        let mut fds =
            [PollFd::new(&self.link, PollFlags::IN), PollFd::from_borrowed_fd(stop, PollFlags::IN)];
        // It fits: the configuration allows no time longer than an hour.
        let timeout = Timespec::try_from(self.clock.remaining().min(at_most)).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(fds[1].revents().is_empty()),
            Err(error) => Err(NodeError::Wait(error.into())),
        }
    }

    /// One step. It is recorded before it takes effect: whatever a server did stands in its trace.
    fn step(&mut self, cause: Cause) -> Result<(), NodeError> {
        let step = cause.step_of(&self.server);
        let id = StepId { boot: self.store.boot(), sequence: self.sequence };
        if cause.is_recorded(&step) {
            self.sequence += 1;
            if let Some(recorder) = &mut self.recorder {
                recorder.record(self.server.id, id, cause, step)?;
            }
        }
        self.obey(&step, id)?;
        let before = self.status;
        self.status = before.after(cause, &step);
        if let Cause::Receive { from, .. } = cause
            && let Rule::HeartbeatAnswered | Rule::AnswerCounted | Rule::RoundAnswered = step.rule
        {
            self.follower = Some(from);
        }
        self.log(before, cause, step.rule);
        Ok(())
    }

    /// Persist, send, restart the timer. A crash between two of these is a lost message.
    fn obey(&mut self, step: &Step, id: StepId) -> Result<(), NodeError> {
        if step.persist {
            self.store.save(step.state.ballot)?;
        }
        match step.outgoing {
            Outgoing::Nothing => {}
            Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                self.link.send(to, message, id);
            }
            Outgoing::Broadcast { message } => {
                for to in self.server.cluster.others(self.server.id) {
                    self.link.send(to, message, id);
                }
            }
        }
        if step.restart_timer {
            self.clock.restart(step.state.timer(), step.rule);
        }
        Ok(())
    }

    fn log_start(&self) {
        let config = self.link.config();
        let addresses = self.server.cluster.servers().filter_map(|id| {
            let address = config.address_of(id)?;
            Some(format!("{id}={address}"))
        });
        tracing::info!(
            rule = ?Rule::Started,
            pid = std::process::id(),
            cluster = %config.cluster_name(),
            servers = %addresses.collect::<Vec<_>>().join(","),
            protocol = %self.server.cluster.protocol(),
            witnesses = Some(self.server.cluster.witnesses()).filter(|them| !them.is_empty()).map(tracing::field::display),
            heartbeat = ?config.heartbeat(),
            election = ?config.election_timeout(),
            ballot = %self.store.path().display(),
            term = %self.status.term(),
            voted_for = self.status.voted_for().map(tracing::field::display),
        );
    }

    /// One line a step, after it was obeyed. What changes nothing is for the curious.
    fn log(&self, before: Status, cause: Cause, rule: Rule) {
        let (from, to) = match cause {
            Cause::Start { .. } => return self.log_start(),
            Cause::Timeout { .. } => (None, None),
            Cause::HandOver { to, .. } => (None, Some(to)),
            Cause::Receive { from, .. } => (Some(from), None),
        };
        let role = self.status.state.role;
        let votes = match role {
            Role::PreCandidate { votes, .. } | Role::Candidate { votes } => Some(votes),
            Role::Follower { .. } | Role::Leader { .. } => None,
        };
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    ?rule,
                    term = %self.status.term(),
                    %role,
                    voted_for = self.status.voted_for().map(tracing::field::display),
                    votes = votes.map(tracing::field::display),
                    leader = self.status.leader.map(tracing::field::display),
                    from = from.map(tracing::field::display),
                    to = to.map(tracing::field::display),
                )
            };
        }
        if self.status.is_news_after(before) {
            line!(info);
        } else {
            line!(debug);
        }
    }
}

/// Why a server cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The ballot cannot be written.
    #[error("{0}. The server stopped before it acted on the new ballot")]
    Store(#[from] StoreError),
    /// The trace cannot be written.
    #[error("{0}. The server stopped before it took the step that is missing in the trace")]
    Recorder(#[from] RecorderError),
    /// The system cannot wait for datagrams.
    #[error("cannot wait for datagrams: {0}")]
    Wait(io::Error),
}

#[cfg(test)]
mod tests;
