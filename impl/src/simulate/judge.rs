//! What must never happen, looked at in every instant of a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use raft_model::types::ServerId;

use super::network::Parcel;
use crate::leadership::Leadership;
use crate::session::{Numbered, numbered};

/// A rule that was broken, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Two servers' leaderships are valid at the same moment.
    #[error(
        "two leaderships are valid at once: {first} handed out one of term {old}, and {second} one of term {new} before that was over"
    )]
    TwoLeaders {
        /// Whose is older.
        first: ServerId,
        /// Its term.
        old: u64,
        /// Whose is newer.
        second: ServerId,
        /// Its term.
        new: u64,
    },
    /// A fencing token is lower than one before.
    #[error("{server} hands out the token {token} after somebody had {before}")]
    TokenWentBack {
        /// The server.
        server: ServerId,
        /// Its token.
        token: u64,
        /// The earlier one.
        before: u64,
    },
    /// Two servers have one fencing token.
    #[error("{server} hands out the token {token}, which {other} had in a run before")]
    TokenReused {
        /// The server.
        server: ServerId,
        /// The token.
        token: u64,
        /// Who had it before.
        other: ServerId,
    },
    /// A server hands out a leadership that is over, by its own clock.
    #[error("{server} hands out a leadership that is over")]
    Stale {
        /// The server.
        server: ServerId,
    },
    /// A server has refused its own ballot.
    #[error("{server} refuses its ballot: {reason}")]
    BallotRefused {
        /// The server.
        server: ServerId,
        /// What it says.
        reason: String,
    },
    /// A server has accepted a ballot that is not its own.
    #[error("{server} has started on the ballot of another server")]
    BallotBelieved {
        /// The server.
        server: ServerId,
    },
    /// A server has believed a datagram twice.
    #[error("{server} believes twice what {from} has sent once")]
    BelievedTwice {
        /// The server.
        server: ServerId,
        /// Who had sent it.
        from: ServerId,
    },
    /// A server has believed what an earlier run has sent, or was sent to an earlier run of it.
    #[error("{server} believes what {from} has sent before one of them was started again")]
    BelievedOld {
        /// The server.
        server: ServerId,
        /// Who had sent it.
        from: ServerId,
    },
    /// A server has sealed two datagrams with one number.
    #[error("{server} has sealed two datagrams with one number")]
    NumberReused {
        /// The server.
        server: ServerId,
    },
    /// All faults are over, and nobody leads.
    #[error("nobody leads, {seconds} s after the last fault")]
    NobodyLeads {
        /// How long was waited.
        seconds: u64,
    },
    /// What the servers recorded is no run of the specification.
    #[error("the traces are refused: {0}")]
    Replay(String),
}

impl Violation {
    /// Whether it is the same rule, whoever broke it.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What was handed out so far.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// By server, until when by true time something of it is valid, and its term.
    valid: BTreeMap<ServerId, (u64, u64)>,
    newest: Option<(u64, (ServerId, u64))>, // a token, who had it, and in which of its runs
    /// How many leaderships were handed out, each renewal counted.
    pub(super) handed_out: u64,
    /// What was sealed, by session and number.
    sealed: HashMap<Numbered, u64>,
    believed: BTreeMap<ServerId, Believed>,
}

/// What one run of a server has believed.
#[derive(Debug, Default)]
struct Believed {
    run: u64,
    all: HashSet<Numbered>,
    /// The latest run of each other server of which it has believed something.
    latest: BTreeMap<ServerId, u64>,
}

impl Judge {
    /// A server hands this out in a run of it at this true time, and it is valid until another one.
    pub(super) fn hands_out(
        &mut self,
        (server, run): (ServerId, u64),
        leadership: Leadership,
        now: u64,
        until: u64,
    ) -> Result<(), Violation> {
        self.handed_out += 1;
        let token = leadership.fencing_token();
        if until <= now {
            return Err(Violation::Stale { server });
        }
        let mut others = self.valid.iter().filter(|(other, _)| **other != server);
        if let Some((&first, &(_, old))) = others.find(|(_, (until, _))| *until > now) {
            return Err(Violation::TwoLeaders { first, old, second: server, new: token });
        }
        match self.newest {
            Some((before, _)) if token < before => {
                return Err(Violation::TokenWentBack { server, token, before });
            }
            Some((before, (other, in_run)))
                if token == before && (other, in_run) != (server, run) =>
            {
                return Err(Violation::TokenReused { server, token, other });
            }
            _ => self.newest = Some((token, (server, run))),
        }
        let (latest, _) = self.valid.get(&server).copied().unwrap_or_default();
        self.valid.insert(server, (latest.max(until), token));
        Ok(())
    }

    /// A server sends a datagram of this session and number: the same bytes each time.
    pub(super) fn seals(
        &mut self,
        server: ServerId,
        name: Numbered,
        bytes: &[u8],
    ) -> Result<(), Violation> {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        if *self.sealed.entry(name).or_insert(hash) == hash {
            Ok(())
        } else {
            Err(Violation::NumberReused { server })
        }
    }

    /// The receiver of a datagram believes it, in this run.
    pub(super) fn believes(&mut self, run: u64, parcel: &Parcel) -> Result<(), Violation> {
        let Some(name) = numbered(&parcel.datagram) else { return Ok(()) };
        let (server, from) = (parcel.to, parcel.from);
        let believed = self.believed.entry(server).or_default();
        if believed.run != run {
            *believed = Believed { run, ..Believed::default() };
        }
        let latest = believed.latest.entry(from).or_default();
        if parcel.to_run != run || parcel.run < *latest {
            return Err(Violation::BelievedOld { server, from });
        }
        *latest = parcel.run;
        if !believed.all.insert(name) {
            return Err(Violation::BelievedTwice { server, from });
        }
        Ok(())
    }

    /// Until when by true time something is valid that this server handed out.
    pub(super) fn valid_until(&self, server: ServerId) -> u64 {
        self.valid.get(&server).map_or(0, |&(until, _)| until)
    }

    /// Its clock goes at another rate: what is valid ends at another true time.
    pub(super) fn reckon(&mut self, server: ServerId, until: u64) {
        if let Some((valid, _)) = self.valid.get_mut(&server) {
            *valid = until;
        }
    }

    /// The machine of a server is gone, and whoever had something of it.
    pub(super) fn forget(&mut self, server: ServerId) {
        self.valid.remove(&server);
    }
}

#[cfg(test)]
mod tests {
    use raft_model::types::Term;

    use super::*;
    use crate::clock::Moment;
    use crate::testing::server;

    fn hands_out(judge: &mut Judge, from: u8, term: u64, now: u64) -> Result<(), Violation> {
        let leadership = Leadership::new(Term::new(term), Moment::default());
        judge.hands_out((server(from), 1), leadership, now, now + 10)
    }

    #[test]
    fn each_rule_is_seen_to_be_broken() {
        let mut judge = Judge::default();
        assert_eq!(hands_out(&mut judge, 1, 5, 0), Ok(()));
        assert_eq!(hands_out(&mut judge, 1, 5, 4), Ok(()));
        let (first, second) = (server(1), server(2));
        let two = Violation::TwoLeaders { first, old: 5, second, new: 6 };
        assert_eq!(hands_out(&mut judge, 2, 6, 13), Err(two));
        assert_eq!(hands_out(&mut judge, 2, 6, 14), Ok(()));
        let back = Violation::TokenWentBack { server: first, token: 5, before: 6 };
        assert_eq!(hands_out(&mut judge, 1, 5, 30), Err(back));
        let reused = Violation::TokenReused { server: first, token: 6, other: second };
        assert_eq!(hands_out(&mut judge, 1, 6, 30), Err(reused));
        let leadership = Leadership::new(Term::new(6), Moment::default());
        let reused = Violation::TokenReused { server: second, token: 6, other: second };
        assert_eq!(judge.hands_out((second, 2), leadership, 30, 40), Err(reused));
        let stale = judge.hands_out((first, 1), leadership, 50, 50);
        assert_eq!(stale, Err(Violation::Stale { server: first }));
        assert_eq!(judge.handed_out, 8);
    }

    #[test]
    fn what_was_handed_out_outlives_its_process_and_not_its_machine() {
        let mut judge = Judge::default();
        hands_out(&mut judge, 1, 5, 0).unwrap();
        judge.reckon(server(1), 12);
        assert_eq!(judge.valid_until(server(1)), 12);
        judge.forget(server(1));
        assert_eq!(hands_out(&mut judge, 2, 6, 1), Ok(()));
    }
}
