//! The trace of a server: what it did, one record a line, so that it can be done again.
//!
//! A trace is a text file, or several, of which each goes on where another ends. Each time the
//! server comes up it adds a [`Header`], and from then on a [`Record`] for every step that changes
//! the server or sends something. A file that goes on begins with a header, too, which says with
//! which step. A record is written before
//! the step takes effect (persist, send, restart the timer), so nothing that a server did is
//! missing, and at most the last record of a killed server tells of a step that did not happen. A
//! server that goes on without its trace says so there, with an [`End`].
//!
//! A line is a JSON object whose last field, `crc`, is the CRC-32 of the object without it, in
//! eight hexadecimal digits. So an edited or damaged line does not pass for a record. Whole numbers
//! from 2^53 on are strings, since JavaScript would round them.

pub mod behaviour;
pub mod clocks;
mod input;
pub mod picture;
pub mod reader;
pub mod replay;
pub mod rule;
pub mod tail;
mod version1;

use serde::{Deserialize, Serialize};

use crate::action::Trigger;
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Outgoing, Server, State, Step};
use crate::message::Message;
use crate::number;
use crate::types::{Attempt, Beats, ServerId, Term};

/// The version of the format that this module writes. It also reads version 1, which knows no
/// guards (see `version1`).
pub const VERSION: u32 = 2;

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// A server comes up.
    Header(Header),
    /// A server takes a step.
    Step(Record),
    /// A server goes on, and its trace does not.
    End(End),
}

/// Who wrote the records that follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of this format, at most [`VERSION`].
    pub version: u32,
    /// The name of the cluster.
    pub cluster: String,
    /// The number of servers, and their guards.
    pub servers: Cluster,
    /// Their addresses, S1 first.
    pub addresses: Vec<String>,
    /// The server.
    pub server: ServerId,
    /// Which run of the server this is: greater than those before it.
    #[serde(with = "number")]
    pub boot: u64,
    /// The period of heartbeats, in milliseconds.
    #[serde(with = "number")]
    pub heartbeat_ms: u64,
    /// The shortest and the longest election timeout, in milliseconds.
    pub election_ms: (u64, u64),
    /// The program that wrote it, and its version.
    pub program: String,
    /// The number of the step that follows: 0, unless the run began before, in another file or
    /// further up in this one.
    #[serde(default, skip_serializing_if = "is_zero", with = "number")]
    pub sequence: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where the trace of a run ends that went on: its later steps are recorded nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The server.
    pub server: ServerId,
    /// Its run, as in the header.
    #[serde(with = "number")]
    pub boot: u64,
    /// The number of the first step that is not recorded.
    #[serde(with = "number")]
    pub sequence: u64,
    /// When: microseconds since 1970 by the machine's clock.
    #[serde(with = "number")]
    pub wall_us: u64,
    /// Why, in a few words.
    pub reason: String,
}

/// One step of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The server.
    pub server: ServerId,
    /// Its run, as in the header.
    #[serde(with = "number")]
    pub boot: u64,
    /// The number of the step in this run, from 0. Only recorded steps are counted.
    #[serde(with = "number")]
    pub sequence: u64,
    /// When: microseconds since 1970 by the machine's clock, which may jump.
    #[serde(with = "number")]
    pub wall_us: u64,
    /// When: microseconds since this run began, by a clock that does not jump.
    #[serde(with = "number")]
    pub monotonic_us: u64,
    /// Why.
    pub cause: Cause,
    /// What the server did, as [`Server::start`] or [`Server::step`] said.
    pub step: Step,
}

/// Why a server took a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Cause {
    /// It came up.
    Start {
        /// The ballot that it found on its disk.
        stored: Ballot,
    },
    /// It came up without its disk, to be told the terms of all others. That is a run, too: it ends
    /// when there is a ballot again, with which the next one starts.
    LoseDisk,
    /// Another server has told its term, since the disk of this one is lost.
    HearTerm {
        /// The state before it.
        before: State,
        /// Who told it.
        from: ServerId,
        /// Its current term.
        term: Term,
    },
    /// Its timer fired.
    Timeout {
        /// The state before it.
        before: State,
        /// The number for what it may ask.
        attempt: Attempt,
    },
    /// It was told to hand over.
    HandOver {
        /// The state before it.
        before: State,
        /// Who shall lead.
        to: ServerId,
    },
    /// A message arrived.
    Receive {
        /// The state before it.
        before: State,
        /// Who sent it.
        from: ServerId,
        /// What it says.
        message: Message,
        /// In which step it was sent.
        sent_in: StepId,
    },
}

/// One recorded step of a server, of which only the server is not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepId {
    /// The run of the server.
    #[serde(with = "number")]
    pub boot: u64,
    /// The number of the step in that run.
    #[serde(with = "number")]
    pub sequence: u64,
}

impl Header {
    /// How many heartbeats the server waits for its quorum as a leader: see [`patience`].
    pub fn patience(&self) -> Beats {
        patience(self.heartbeat_ms, self.election_ms.0)
    }

    /// Whether what follows is in a version of the format that this module reads.
    pub const fn is_readable(&self) -> bool {
        1 <= self.version && self.version <= VERSION
    }
}

/// How many heartbeats of this period fit into an election timeout, both in milliseconds: that many
/// a leader waits for its quorum. At least one, and at most what can be counted.
pub fn patience(heartbeat_ms: u64, election_ms: u64) -> Beats {
    let beats = election_ms.checked_div(heartbeat_ms).unwrap_or(u64::MAX).max(1);
    Beats::new(u8::try_from(beats).unwrap_or(u8::MAX))
}

impl Record {
    /// Which step this is.
    pub const fn id(&self) -> StepId {
        StepId { boot: self.boot, sequence: self.sequence }
    }

    /// What the specification says that the server does, in a run that begins with this header.
    pub fn expected(&self, header: &Header) -> Step {
        let (cluster, patience) = (header.servers, header.patience());
        self.cause.step_of(&Server { id: self.server, cluster, patience })
    }
}

impl Cause {
    /// What the specification says that a server does for this cause.
    pub fn step_of(&self, server: &Server) -> Step {
        match (*self, self.before().zip(self.event())) {
            (Self::Start { stored }, _) => server.start(Some(stored)),
            (Self::LoseDisk, _) => server.lose_disk(),
            (_, Some((before, event))) => server.step(before, event),
            (_, None) => unreachable!("whatever happens to a server but its start is an event"),
        }
    }

    /// What happened to the server; that it came up is no event.
    pub const fn event(&self) -> Option<Event> {
        match *self {
            Self::Start { .. } | Self::LoseDisk => None,
            Self::HearTerm { from, term, .. } => Some(Event::TermHeard { from, term }),
            Self::Timeout { attempt, .. } => Some(Event::Timeout { attempt }),
            Self::HandOver { to, .. } => Some(Event::HandOver { to }),
            Self::Receive { from, message, .. } => Some(Event::Receive { from, message }),
        }
    }

    /// The same, and that it came up.
    pub fn trigger(&self) -> Trigger {
        match self {
            Self::LoseDisk => Trigger::LoseDisk,
            _ => self.event().map_or(Trigger::Restart, Trigger::Event),
        }
    }

    /// Whether a step for this cause is recorded: if it changes the server or sends something.
    pub fn is_recorded(&self, step: &Step) -> bool {
        self.before() != Some(step.state) || step.outgoing != Outgoing::Nothing
    }

    /// The ballot before the step.
    pub const fn ballot_before(&self) -> Ballot {
        match *self {
            Self::Start { stored } => stored,
            Self::LoseDisk => Ballot::INITIAL,
            Self::HearTerm { before, .. }
            | Self::Timeout { before, .. }
            | Self::HandOver { before, .. }
            | Self::Receive { before, .. } => before.ballot,
        }
    }

    /// The state before the step; for a server that comes up there is none.
    pub const fn before(&self) -> Option<State> {
        match *self {
            Self::Start { .. } | Self::LoseDisk => None,
            Self::HearTerm { before, .. }
            | Self::Timeout { before, .. }
            | Self::HandOver { before, .. }
            | Self::Receive { before, .. } => Some(before),
        }
    }
}

/// Whether a server with the first ballot may come to the second one.
pub fn may_become(ballot: Ballot, later: Ballot) -> bool {
    let keeps_its_vote = ballot.voted_for.is_none() || ballot.voted_for == later.voted_for;
    later.current_term > ballot.current_term
        || (later.current_term == ballot.current_term && keeps_its_vote)
}

/// Why a line is not one of a trace.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It does not end in a checksum.
    #[error("it does not end with its checksum")]
    NoChecksum,
    /// It is not what was written.
    #[error("it was changed: its checksum is {found:?}, and should be {expected:?}")]
    Checksum {
        /// What stands in the line.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// It is not a header or a record.
    #[error("it is no line of a trace: {0}")]
    Json(#[from] serde_json::Error),
    /// It says what a line says, but in other words.
    #[error("it is no line of a trace: it is written in another way")]
    OtherText,
}

/// What stands before the checksum, and after it.
const CRC: (&str, &str) = (",\"crc\":\"", "\"}");

impl Line {
    /// The text of the line, with the newline at its end.
    pub fn to_text(&self) -> String {
        let mut text = self.body();
        let crc = crc32fast::hash(text.as_bytes());
        text.pop(); // the closing brace
        text + &format!("{}{crc:08x}{}\n", CRC.0, CRC.1)
    }

    /// Reads a line, without the newline at its end.
    ///
    /// # Errors
    ///
    /// [`LineError`] if the text is not exactly as [`Line::to_text`] wrote it.
    pub fn from_text(text: &str) -> Result<Self, LineError> {
        let (body, found) = text
            .strip_suffix(CRC.1)
            .and_then(|text| text.split_at_checked(text.len().checked_sub(8)?))
            .and_then(|(body, found)| Some((body.strip_suffix(CRC.0)?, found)))
            .ok_or(LineError::NoChecksum)?;
        let body = body.to_owned() + "}";
        let expected = format!("{:08x}", crc32fast::hash(body.as_bytes()));
        if found != expected {
            return Err(LineError::Checksum { found: found.to_owned(), expected });
        }
        match serde_json::from_str::<Self>(&body) {
            Ok(line) if line.is_written(&body) => Ok(line),
            Ok(_) => Err(LineError::OtherText),
            Err(error) => version1::read(&body).ok_or(LineError::Json(error)),
        }
    }

    /// Whether this is how it is written, or was when all numbers were numbers.
    fn is_written(&self, body: &str) -> bool {
        let written = self.body();
        written == body || number::with_strings(body).is_some_and(|today| today == written)
    }

    fn body(&self) -> String {
        serde_json::to_string(self).expect("a line has no keys but strings")
    }
}

#[cfg(test)]
mod tests;
