//! The node without its socket, its clock and its disk: a value.
//!
//! A datagram, a moment, a finished save go in; datagrams, a save, records, the next deadline come
//! out. Whoever drives it owns the rest: the thread of a [`Node`](crate::node::Node), and the
//! simulator, which so runs the very code that is shipped.
//!
//! Everything that a server decides is decided by [`Server::step`]. The engine keeps the order that
//! the specification asks for: **persist, send, restart the timer**. What a step demands comes out
//! of [`Engine::poll`] one after the other, and nothing of it after a save until that save is
//! reported as finished. The record of a step comes first of all: whatever a server did stands in
//! its trace.

mod hand_over;
mod sealed;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use raft_model::election::{Ballot, Outgoing, Rule, Server, Step};
use raft_model::message::Message;
use raft_model::trace::{Cause, StepId};
use raft_model::types::{Attempt, ServerId};

pub use self::hand_over::HandOverError;
use self::hand_over::Leaving;
use self::sealed::Heard;
use crate::clock::Moment;
use crate::config::Config;
use crate::countdown::Countdown;
use crate::lease::Lease;
use crate::session::Voice;
use crate::status::Status;
use crate::wire::{Frame, Received, Rejection};

/// What a driver does for its engine, in the order in which it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write this step to the trace, if there is one.
    Record {
        /// Which step it is.
        id: StepId,
        /// Why it is taken.
        cause: Cause,
        /// The step.
        step: Step,
    },
    /// Make this ballot durable, then report [`Engine::saved`]. If that fails, nobody knows what is
    /// on the disk: the engine is of no further use.
    Save(Ballot),
    /// Send a datagram, or lose it.
    Send {
        /// To whom.
        to: ServerId,
        /// Where that is.
        address: SocketAddr,
        /// Its bytes.
        datagram: Vec<u8>,
    },
    /// The step has been obeyed; only its timer may have to be restarted.
    Obeyed {
        /// Why it was taken.
        cause: Cause,
        /// The rule that it applied.
        rule: Rule,
    },
}

/// A server that runs, for as long as somebody drives it.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    server: Server,
    boot: u64,
    voice: Voice,
    sequence: u64, // of the next step that is recorded, or would be
    status: Status,
    countdown: Countdown,
    promised: Duration, // by an earlier run
    lease: Lease,
    leaving: Option<Leaving>,
    follower: Option<ServerId>, // who was the last to answer a heartbeat
    saving: Option<Saving>,
    outputs: VecDeque<Output>,
}

/// What waits for a ballot to be durable.
#[derive(Debug)]
struct Saving {
    since: Moment,
    restarts_timer: Option<Rule>,
    has_come_out: bool,
}

impl Engine {
    /// The server with this configuration comes up, in the run of this number, with the ballot that
    /// is on its disk. In an earlier run it may have promised contact for that long, with other
    /// timeouts than now.
    pub fn start(
        config: &Config,
        boot: u64,
        stored: Ballot,
        promise: Duration,
        now: Moment,
    ) -> Self {
        let server = config.server();
        let state = server.start(Some(stored)).state;
        let mut engine = Self {
            config: config.clone(),
            server,
            boot,
            voice: Voice::PLAIN,
            sequence: 0,
            status: Status::new(&server, state),
            countdown: Countdown::new(config, now.after(promise)),
            promised: promise,
            lease: Lease::new(config),
            leaving: None,
            follower: None,
            saving: None,
            outputs: VecDeque::new(),
        };
        engine.step(Cause::Start { stored }, Duration::ZERO, now);
        engine
    }

    /// A datagram has arrived. The clock was read *after* that: contact with its sender is counted
    /// from here on.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if it counts as lost.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        now: Moment,
    ) -> Result<(), Rejection> {
        let opened = self.open(bytes, source, now);
        self.post();
        match opened {
            Ok(Heard::Message(Received { from, message, promise, sent_in })) => {
                self.status.datagrams.received += 1;
                let before = self.status.state;
                self.step(Cause::Receive { before, from, message, sent_in }, promise, now);
            }
            Ok(Heard::Question(question)) => {
                self.status.datagrams.received += 1;
                // Behind everything that waits to be durable: so this term is, when it is sent.
                let answer = question.answer(&self.config, self.status.state.ballot.current_term);
                self.dispatch(question.from, answer, now);
            }
            Ok(Heard::Greeting) => self.status.datagrams.greetings += 1,
            Err(reason) => {
                let server = self.config.server_at(source);
                self.status.datagrams.reject(reason, server);
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Does what is due: at its [`Engine::deadline`] or later.
    pub fn wake(&mut self, now: Moment) {
        if let Some(to) = self.leaves_at(now) {
            self.step(Cause::HandOver { before: self.status.state, to }, Duration::ZERO, now);
        } else if self.countdown.end() <= now {
            let late = now.since(self.countdown.end());
            self.status.delays.observe(late);
            if self.is_stall(late) {
                self.status.stalls.late_timers += 1;
            }
            let (before, attempt) = (self.status.state, self.next_attempt());
            self.step(Cause::Timeout { before, attempt }, Duration::ZERO, now);
        }
        self.show_lease(now);
    }

    /// When it has to be woken, unless something happens before.
    pub fn deadline(&self) -> Moment {
        let lease = self.status.leadership.map(|leadership| leadership.until());
        let leaving = self.leaving.and_then(|leaving| leaving.at);
        [lease, leaving].into_iter().flatten().fold(self.countdown.end(), Moment::min)
    }

    /// The save that [`Engine::poll`] asked for is finished.
    pub fn saved(&mut self, now: Moment) {
        if let Some(Saving { since, restarts_timer, .. }) = self.saving.take() {
            let took = now.since(since);
            self.status.saves.observe(took);
            if self.is_stall(took) {
                self.status.stalls.slow_saves += 1;
            }
            if let Some(rule) = restarts_timer {
                self.countdown.restart(self.status.state.timer(), rule, now);
            }
            self.show_lease(now);
        }
    }

    /// What is to be done next; nothing while a save is not finished.
    pub fn poll(&mut self) -> Option<Output> {
        if self.is_saving() {
            return None;
        }
        let output = self.outputs.pop_front();
        if let (Some(Output::Save(_)), Some(saving)) = (&output, &mut self.saving) {
            saving.has_come_out = true;
        }
        output
    }

    /// Whether it waits for a save to be finished.
    pub fn is_saving(&self) -> bool {
        self.saving.as_ref().is_some_and(|saving| saving.has_come_out)
    }

    /// How long others may count on a promise of this server: its shortest election timeout, or
    /// what an earlier run of it promised, until that is over. It is saved with the ballot.
    pub fn promise(&self, now: Moment) -> Duration {
        let own = *self.config.election_timeout().start();
        if now < self.countdown.promised() { self.promised.max(own) } else { own }
    }

    /// What it knows.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// What became of a datagram that it wanted to be sent.
    pub const fn sent(&mut self, succeeded: bool) -> u64 {
        let counters = &mut self.status.datagrams;
        let count = if succeeded { &mut counters.sent } else { &mut counters.not_sent };
        *count += 1;
        *count
    }

    /// The network reported an error instead of a datagram.
    pub const fn not_received(&mut self) {
        self.status.datagrams.errors += 1;
    }

    /// That server is at this address now. What it says does not depend on where it is.
    pub fn set_address(&mut self, server: ServerId, address: SocketAddr) {
        if self.config.address_of(server) != Some(address) {
            tracing::info!(%server, %address, "is at another address now");
            self.config.set_address(server, address);
        }
    }

    /// The number of the next step that is recorded.
    pub const fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// Its configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// A number that no earlier attempt of this server had: runs and steps are counted upwards.
    fn next_attempt(&self) -> Attempt {
        Attempt::new(self.boot << 32 | self.sequence & u64::from(u32::MAX))
    }

    /// Whether it was held up for so long that others may have given it up.
    fn is_stall(&mut self, time: Duration) -> bool {
        let is_stall = time > *self.config.election_timeout().start() / 2;
        if is_stall {
            self.status.stalls.longest = self.status.stalls.longest.max(time);
        }
        is_stall
    }

    /// One step. The promise is that of the message that causes it.
    fn step(&mut self, cause: Cause, promise: Duration, now: Moment) {
        let step = cause.step_of(&self.server);
        let id = StepId { boot: self.boot, sequence: self.sequence };
        if cause.is_recorded(&step) {
            self.sequence += 1;
            self.outputs.push_back(Output::Record { id, cause, step });
        }
        let restarts_timer = step.restart_timer.then_some(step.rule);
        self.status = self.status.after(cause, &step, now);
        if step.persist {
            self.outputs.push_back(Output::Save(step.state.ballot));
            self.saving = Some(Saving { since: now, restarts_timer, has_come_out: false });
        } else if let Some(rule) = restarts_timer {
            self.countdown.restart(step.state.timer(), rule, now);
        }
        self.send(step.outgoing, id, now);
        self.outputs.push_back(Output::Obeyed { cause, rule: step.rule });

        self.lease.take(&self.server, cause, &step, promise, now);
        if !step.state.role.is_leader() {
            self.leaving = None;
        }
        if let Cause::Receive { from, .. } = cause
            && let Rule::HeartbeatAnswered | Rule::AnswerCounted | Rule::RoundAnswered = step.rule
        {
            self.follower = Some(from);
        }
        self.show_lease(now);
    }

    fn send(&mut self, outgoing: Outgoing, id: StepId, now: Moment) {
        match outgoing {
            Outgoing::Nothing => {}
            Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                self.send_to(to, message, id, now);
            }
            Outgoing::Broadcast { message } => {
                for to in self.server.cluster.others(self.server.id) {
                    self.send_to(to, message, id, now);
                }
            }
        }
    }

    fn send_to(&mut self, to: ServerId, message: Message, sent_in: StepId, now: Moment) {
        let Server { id: from, cluster, .. } = self.server;
        let promise = match message {
            Message::AppendEntriesResponse { round: Some(_), .. } => {
                *self.config.election_timeout().start()
            }
            _ => Duration::ZERO,
        };
        let frame = Frame {
            cluster: self.config.cluster_name().clone(),
            servers: cluster.size(),
            guards: cluster.protocol().bits(),
            witnesses: cluster.witnesses().bits(),
            from,
            to,
            message,
            promise,
            sent_in,
        };
        self.dispatch(to, frame.encode(), now);
    }

    /// What is handed out from now on: nothing by a leader that gives up, and nothing of a term
    /// that is not durable yet.
    fn show_lease(&mut self, now: Moment) {
        let may_hand_out = self.leaving.is_none() && self.saving.is_none();
        self.status.leadership = self.lease.leadership(now).filter(|_| may_hand_out);
    }
}

#[cfg(test)]
mod tests;
