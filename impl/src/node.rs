//! A running server: wait, step, obey.
//!
//! One thread, one socket, one deadline. Everything that this server decides is decided by
//! [`Server::step`]; this module only does what each step says, in the order that the specification
//! asks for.

use std::io;
use std::os::fd::BorrowedFd;

use raft_model::election::{Outgoing, Role, Rule, Server, Step};
use raft_model::trace::{Cause, StepId};
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
    sequence: u64, // of the next step that is recorded, or would be
}

impl Node {
    /// The server that has this socket and this ballot.
    pub fn new(link: Link, store: Store) -> Self {
        let server = link.config().server();
        let Step { state, .. } = server.start(Some(store.ballot()));
        let status = Status::new(server.id, state);
        let clock = Clock::new(link.config());
        Self { server, status, clock, link, store, recorder: None, sequence: 0 }
    }

    /// The same server, with a trace of what it does.
    #[must_use]
    pub fn recorded_by(self, recorder: Recorder) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Runs until `stop` becomes readable, or its other end is closed.
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
        while self.wait(stop)? {
            // Messages first: a server that was paused hears that there is a leader before it
            // campaigns. They come in bounded batches, so the timer is late at most, never lost.
            for Received { from, message, sent_in } in self.link.receive() {
                self.step(Cause::Receive { before: self.status.state, from, message, sent_in })?;
            }
            if self.clock.is_due() {
                self.step(Cause::Timeout { before: self.status.state })?;
            }
        }
        Ok(())
    }

    /// Waits for a datagram or the deadline; false when it is time to stop.
    fn wait(&self, stop: BorrowedFd<'_>) -> Result<bool, NodeError> {
        let mut fds =
            [PollFd::new(&self.link, PollFlags::IN), PollFd::from_borrowed_fd(stop, PollFlags::IN)];
        // It fits: the configuration allows no time longer than an hour.
        let timeout = Timespec::try_from(self.clock.remaining()).ok();
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
            Outgoing::Reply { to, message } => self.link.send(to, message, id),
            Outgoing::Broadcast { message } => {
                for to in self.server.cluster.others(self.server.id) {
                    self.link.send(to, message, id);
                }
            }
        }
        if step.restart_timer {
            self.clock.restart(step.state.timer());
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
            heartbeat = ?config.heartbeat(),
            election = ?config.election_timeout(),
            ballot = %self.store.path().display(),
            term = %self.status.term(),
            voted_for = self.status.voted_for().map(tracing::field::display),
        );
    }

    /// One line a step, after it was obeyed. What changes nothing is for the curious.
    fn log(&self, before: Status, cause: Cause, rule: Rule) {
        let from = match cause {
            Cause::Start { .. } => return self.log_start(),
            Cause::Timeout { .. } => None,
            Cause::Receive { from, .. } => Some(from),
        };
        let role = self.status.state.role;
        let votes = if let Role::Candidate { votes } = role { Some(votes) } else { None };
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
                )
            };
        }
        if self.status == before {
            line!(debug);
        } else {
            line!(info);
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
mod tests {
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use raft_model::message::Message;
    use raft_model::types::Term;

    use super::*;
    use crate::recorder::Trace;
    use crate::testing::{self, SENT_IN, said, server};

    const REQUEST: Message = Message::RequestVote { term: Term::new(1) };

    /// S1 of two servers that has never run, and the socket of the other.
    fn node_and_peer(dir: &tempfile::TempDir) -> (Node, Link) {
        let [one, two] = testing::links();
        let config = one.config().clone();
        (Node::new(one, testing::bootstrapped(dir, &config)), two)
    }

    fn receive(node: &mut Node, message: Message) -> Result<(), NodeError> {
        let (before, from, sent_in) = (node.status.state, server(2), SENT_IN);
        node.step(Cause::Receive { before, from, message, sent_in })
    }

    fn timeout(node: &mut Node) {
        node.step(Cause::Timeout { before: node.status.state }).unwrap();
    }

    #[test]
    fn a_lone_server_leads_at_its_first_timeout() {
        let dir = tempfile::tempdir().unwrap();
        let (config, link) = testing::lone();
        let mut node = Node::new(link, testing::bootstrapped(&dir, &config));
        timeout(&mut node);
        assert_eq!(node.status.state.role, Role::Leader);
        assert_eq!(node.store.ballot(), node.status.state.ballot);
    }

    #[test]
    fn a_vote_is_on_the_disk_when_the_answer_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = node_and_peer(&dir);
        receive(&mut node, REQUEST).unwrap();

        let answer = Message::RequestVoteResponse { term: Term::new(1), vote_granted: true };
        assert_eq!(said(peer.receive()), [(server(1), answer)]);
        let config = node.link.config().clone();
        drop(node);
        let ballot = testing::reopened(&dir, &config).ballot();
        assert_eq!((ballot.current_term, ballot.voted_for), (Term::new(1), Some(server(2))));
    }

    #[test]
    fn nothing_is_sent_when_the_ballot_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = node_and_peer(&dir);
        let read_only = File::open(node.store.path()).unwrap();
        node.store.replace_file(read_only);

        assert!(matches!(receive(&mut node, REQUEST), Err(NodeError::Store(_))));
        assert_eq!(said(peer.receive()), []);
    }

    #[test]
    fn a_step_that_cannot_be_recorded_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (node, mut peer) = node_and_peer(&dir);
        let path = dir.path().join("trace");
        let trace = Trace::open(&path, node.link.config()).unwrap();
        let mut recorder = trace.begin(node.store.boot()).unwrap();
        recorder.replace_file(File::open(&path).unwrap()); // read-only
        let mut node = node.recorded_by(recorder);
        let (state, ballot) = (node.status.state, fs::read(node.store.path()).unwrap());

        assert!(matches!(receive(&mut node, REQUEST), Err(NodeError::Recorder(_))));
        assert_eq!(said(peer.receive()), []);
        assert_eq!(node.status.state, state);
        assert!(node.clock.is_due(), "the timer was not restarted");
        assert!(fs::read(node.store.path()).unwrap() == ballot, "nothing was saved");
    }

    #[test]
    fn a_campaign_asks_everybody_else() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = node_and_peer(&dir);
        timeout(&mut node);
        assert_eq!(said(peer.receive()), [(server(1), REQUEST)]);
    }

    #[test]
    fn a_vote_restarts_the_timer() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, _peer) = node_and_peer(&dir);
        assert!(node.clock.is_due());
        receive(&mut node, REQUEST).unwrap();
        assert!(!node.clock.is_due());
    }

    #[test]
    fn it_stops_when_told_to() {
        let dir = tempfile::tempdir().unwrap();
        let (node, _peer) = node_and_peer(&dir);
        let (stop, stopper) = UnixStream::pair().unwrap();
        drop(stopper);
        node.run(stop.as_fd()).unwrap();
    }

    #[test]
    fn a_server_that_comes_back_keeps_its_vote() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = node_and_peer(&dir);
        timeout(&mut node);
        assert_eq!(said(peer.receive()).len(), 1);

        let Node { link, store, .. } = node;
        drop(store);
        let config = link.config().clone();
        let mut node = Node::new(link, testing::reopened(&dir, &config));
        receive(&mut node, REQUEST).unwrap();
        let answer = Message::RequestVoteResponse { term: Term::new(1), vote_granted: false };
        assert_eq!(said(peer.receive()), [(server(1), answer)]);
    }
}
