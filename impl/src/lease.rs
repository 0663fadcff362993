//! The lease: until when what a leader hands out is valid.
//!
//! The specification says which step opens a round and which one has it answered by a quorum, and
//! was checked with that alone (`LeaseSafety`). Here stand the times. Whoever answers a round
//! promises to help nobody to office for a while, its own minimum election timeout, and its answer
//! says how long that is. So when a quorum has answered, nobody else comes to office before the
//! shortest of these promises is over, counted from the moment *before the round was sent*: each
//! promise was given later. The leader's own belongs to them, since it answers its own rounds.
//!
//! Clocks differ. If none gains or loses more than a share ρ of the true time, a promise of `p` on
//! the fastest clock and a lease of `p × (1 − ρ) / (1 + ρ)` on the slowest end together. This is
//! the one assumption on time.

use std::time::Duration;

use raft_model::cluster::Cluster;
use raft_model::election::{Role, Rule, Server, Step};
use raft_model::trace::Cause;
use raft_model::types::ServerSet;

use crate::clock::Moment;
use crate::config::{ClockError, Config};
use crate::leadership::Leadership;

/// The open round of a leader, and the lease that the rounds before it gave.
#[derive(Clone, Debug)]
pub struct Lease {
    own: Duration,
    clock_error: ClockError,
    opened: Moment,
    promises: [Duration; Cluster::MAX_SIZE as usize], // by `ServerId::index`, for the open round
    leadership: Option<Leadership>,
}

impl Lease {
    /// That of a server that does not lead.
    pub fn new(config: &Config) -> Self {
        Self {
            own: *config.election_timeout().start(),
            clock_error: config.clock_error(),
            opened: Moment::default(),
            promises: [Duration::ZERO; _],
            leadership: None,
        }
    }

    /// Takes note of a step. The clock was read before the step sends anything; the promise is that
    /// of the message that caused it.
    pub fn take(
        &mut self,
        server: &Server,
        cause: Cause,
        step: &Step,
        promise: Duration,
        now: Moment,
    ) {
        if step.opens_round() {
            self.opened = now;
            self.promises[server.id.index()] = self.own;
        }
        if let Cause::Receive { from, .. } = cause
            && let Rule::AnswerCounted | Rule::RoundAnswered = step.rule
        {
            self.promises[from.index()] = promise;
        }
        match step.state.role {
            Role::Leader { answered, .. } => {
                if server.confirms_round(step) {
                    let until = self.opened.after(self.clock_error.lease(self.shortest(answered)));
                    let term = step.state.ballot.current_term;
                    // What an earlier round of this term gave rests on its own quorum.
                    let until = self.leadership.map_or(until, |lease| lease.until().max(until));
                    self.leadership = Some(Leadership::new(term, until));
                }
            }
            Role::Follower { .. }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. }
            | Role::Returning { .. } => {
                self.leadership = None;
            }
        }
    }

    fn shortest(&self, answered: ServerSet) -> Duration {
        let promises = answered.iter().map(|server| self.promises[server.index()]);
        promises.min().unwrap_or(Duration::ZERO)
    }

    /// What may be handed out at this moment.
    pub fn leadership(&self, now: Moment) -> Option<Leadership> {
        self.leadership.filter(|leadership| leadership.is_valid_at(now))
    }
}
