//! A message as the bytes of one datagram, and which datagrams are believed.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | `RAFT` |
//! | 1 | version of this format: 3 |
//! | 1 + n | name of the cluster: its length, then its bytes |
//! | 1 | number of servers in the cluster |
//! | 1 | their guards, as [`Protocol::bits`](raft_model::cluster::Protocol::bits) |
//! | 1 | their witnesses, as [`ServerSet::bits`](raft_model::types::ServerSet::bits) |
//! | 1 | number of the server that sends |
//! | 1 | number of the server that receives |
//! | 1 | kind, see below |
//! | 8 | term, most significant byte first |
//! | 0 or 1 | flag, 0 or 1 |
//! | 0 or 8 | number |
//! | 0 or 8 | promise, in microseconds |
//! | 8 + 8 | run of the sender, and number of the step in which it sends this, for traces |
//! | 4 | CRC-32 of everything before, most significant byte first |
//!
//! | kind | message | flag | number | promise |
//! |---|---|---|---|---|
//! | 1 | `RequestVote` | whether leadership was handed over | | |
//! | 2 | its response | whether the vote is granted | | |
//! | 3 | `AppendEntries` | | the round | |
//! | 4 | its response | | the round, 0 for none | how long its sender stays in contact |
//! | 5 | `PreVote` | | the attempt | |
//! | 6 | its response | whether the vote would be granted | the attempt | |
//! | 7 | `HandOver` | | | |
//!
//! A question for a term and its answer are kinds 8 and 9, and have a form of their own
//! ([`TermQuestion`]).
//!
//! With a key, a frame travels sealed, in a datagram of version 4: see [`crate::session`].
//!
//! The promise is no part of the protocol: a lease counts the shortest of the quorum that it rests
//! on (see [`crate::lease`]).
//!
//! The network may lose, repeat, delay and reorder datagrams: the specification was checked under
//! exactly that. It may not invent them. A flipped bit that turns a refusal into a vote would, and
//! the 16 bits of UDP's own checksum are few; hence the CRC. A datagram that is not exactly a
//! frame, or not from where it claims to come, counts as lost, under its [`Rejection`]. So does one
//! of an older version: whoever sends it would not read what this program sends.

mod rejection;
mod term;

use std::net::SocketAddr;
use std::time::Duration;

use raft_model::election::Server;
use raft_model::message::Message;
use raft_model::trace::StepId;
use raft_model::types::{Attempt, Round, ServerId, Term};

pub use self::rejection::Rejection;
pub use self::term::{TermAnswer, TermQuestion};
use crate::clock::microseconds;
use crate::config::{ClusterName, Config};

/// The longest frame, in bytes: an `AppendEntriesResponse` in a cluster with the longest name.
pub const MAX_FRAME: usize = 4 + 1 + 1 + ClusterName::MAX_LEN + 6 + 8 + 8 + 8 + 16 + 4;

pub(crate) const MAGIC: [u8; 4] = *b"RAFT";
pub(crate) const VERSION: u8 = 3;
/// The version of what is around a frame when the cluster has a key, see [`crate::session`].
pub(crate) const SEALED: u8 = 4;

const REQUEST_VOTE: u8 = 1;
const REQUEST_VOTE_RESPONSE: u8 = 2;
const APPEND_ENTRIES: u8 = 3;
const APPEND_ENTRIES_RESPONSE: u8 = 4;
const PRE_VOTE: u8 = 5;
const PRE_VOTE_RESPONSE: u8 = 6;
const HAND_OVER: u8 = 7;

/// What one datagram says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The name of the cluster that it belongs to.
    pub cluster: ClusterName,
    /// The number of servers in that cluster, as far as the sender knows.
    pub servers: u8,
    /// The guards of that cluster, as [`Protocol::bits`](raft_model::cluster::Protocol::bits).
    pub guards: u8,
    /// The witnesses of that cluster, as [`ServerSet::bits`](raft_model::types::ServerSet::bits).
    pub witnesses: u8,
    /// Who sends it.
    pub from: ServerId,
    /// Who receives it.
    pub to: ServerId,
    /// The message.
    pub message: Message,
    /// How long its sender stays in contact from now on, whole microseconds: in the answer to a
    /// heartbeat, and zero in everything else.
    pub promise: Duration,
    /// The step in which it is sent. It is no part of the protocol: traces name it, so that what
    /// one server received can be found among what another sent.
    pub sent_in: StepId,
}

impl Frame {
    /// The frame as bytes, at most [`MAX_FRAME`].
    pub fn encode(&self) -> Vec<u8> {
        let name = self.cluster.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(MAX_FRAME);
        bytes.extend(MAGIC);
        bytes.push(VERSION);
        bytes.extend(u8::try_from(name.len())); // at most `ClusterName::MAX_LEN`
        bytes.extend(name);
        bytes.extend([self.servers, self.guards, self.witnesses]);
        bytes.extend([self.from.number(), self.to.number(), kind(self.message)]);
        bytes.extend(self.message.term().number().to_be_bytes());
        let (flag, number) = fields(self.message);
        bytes.extend(flag.map(u8::from));
        bytes.extend(number.into_iter().flat_map(u64::to_be_bytes));
        if has_promise(kind(self.message)) {
            bytes.extend(microseconds(self.promise).to_be_bytes());
        }
        bytes.extend(self.sent_in.boot.to_be_bytes());
        bytes.extend(self.sent_in.sequence.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// The frame that these bytes are, from the first to the last.
    ///
    /// # Errors
    ///
    /// [`Rejection`] for anything that [`Frame::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Rejection> {
        let mut rest = Reader(bytes);
        if rest.take()? != MAGIC {
            return Err(Rejection::Magic);
        }
        match rest.byte()? {
            VERSION => {}
            SEALED => return Err(Rejection::NoKey),
            _ => return Err(Rejection::Version),
        }
        let len = rest.byte()?;
        let name = rest.slice(len.into())?;
        let [servers, guards, witnesses, from, to, kind] = rest.take()?;
        let term = u64::from_be_bytes(rest.take()?);
        let flag = if has_flag(kind) { Some(rest.byte()?) } else { None };
        let number = if has_number(kind) { Some(u64::from_be_bytes(rest.take()?)) } else { None };
        let promise = if has_promise(kind) { u64::from_be_bytes(rest.take()?) } else { 0 };
        let boot = u64::from_be_bytes(rest.take()?);
        let sequence = u64::from_be_bytes(rest.take()?);
        let checked = &bytes[..bytes.len() - rest.0.len()];
        let checksum = u32::from_be_bytes(rest.take()?);
        if !rest.0.is_empty() {
            return Err(Rejection::TrailingBytes);
        }
        if checksum != crc32fast::hash(checked) {
            return Err(Rejection::Checksum);
        }
        Ok(Self {
            // A name that no cluster can have is in any case not that of this cluster.
            cluster: std::str::from_utf8(name)
                .ok()
                .and_then(ClusterName::new)
                .ok_or(Rejection::OtherCluster)?,
            servers,
            guards,
            witnesses,
            from: ServerId::new(from).ok_or(Rejection::ServerNumber)?,
            to: ServerId::new(to).ok_or(Rejection::ServerNumber)?,
            message: message(kind, Term::new(term), flag, number)?,
            promise: Duration::from_micros(promise),
            sent_in: StepId { boot, sequence },
        })
    }

    /// What it says, if the frame is meant for the server with this configuration and
    /// comes from where it should.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if this server has to ignore it.
    pub fn admit(self, config: &Config, origin: Origin) -> Result<Received, Rejection> {
        let Server { id: own, cluster, .. } = config.server();
        // Servers that count quorums of different sizes, or keep other promises, are no cluster.
        if self.cluster != *config.cluster_name()
            || self.servers != cluster.size()
            || self.guards != cluster.protocol().bits()
            || self.witnesses != cluster.witnesses().bits()
        {
            return Err(Rejection::OtherCluster);
        }
        if self.to != own {
            return Err(Rejection::OtherReceiver);
        }
        // The specification counts on messages of others: an own vote is counted without one.
        if self.from == own {
            return Err(Rejection::FromSelf);
        }
        let address = config.address_of(self.from).ok_or(Rejection::UnknownSender)?;
        match origin {
            Origin::Address(source) if source != address => Err(Rejection::SenderAddress),
            Origin::Session(server) if server != self.from => Err(Rejection::Unauthenticated),
            Origin::Address(_) | Origin::Session(_) => {
                let Self { from, message, promise, sent_in, .. } = self;
                Ok(Received { from, message, promise, sent_in })
            }
        }
    }
}

/// How it is known who has sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By the address from which it came, which has to be that of its sender.
    Address(SocketAddr),
    /// By the session in which it came: it was sealed by this server, wherever that is now.
    Session(ServerId),
}

/// What this server was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub from: ServerId,
    /// What it says.
    pub message: Message,
    /// How long its sender promised to stay in contact.
    pub promise: Duration,
    /// In which step of the sender.
    pub sent_in: StepId,
}

const fn kind(message: Message) -> u8 {
    match message {
        Message::RequestVote { .. } => REQUEST_VOTE,
        Message::RequestVoteResponse { .. } => REQUEST_VOTE_RESPONSE,
        Message::AppendEntries { .. } => APPEND_ENTRIES,
        Message::AppendEntriesResponse { .. } => APPEND_ENTRIES_RESPONSE,
        Message::PreVote { .. } => PRE_VOTE,
        Message::PreVoteResponse { .. } => PRE_VOTE_RESPONSE,
        Message::HandOver { .. } => HAND_OVER,
    }
}

const fn has_flag(kind: u8) -> bool {
    matches!(kind, REQUEST_VOTE | REQUEST_VOTE_RESPONSE | PRE_VOTE_RESPONSE)
}

const fn has_number(kind: u8) -> bool {
    matches!(kind, APPEND_ENTRIES | APPEND_ENTRIES_RESPONSE | PRE_VOTE | PRE_VOTE_RESPONSE)
}

const fn has_promise(kind: u8) -> bool {
    kind == APPEND_ENTRIES_RESPONSE
}

/// What a message has beside its kind and its term: a truth value, a number.
const fn fields(message: Message) -> (Option<bool>, Option<u64>) {
    match message {
        Message::RequestVote { hand_over, .. } => (Some(hand_over), None),
        Message::RequestVoteResponse { vote_granted, .. } => (Some(vote_granted), None),
        Message::AppendEntries { round, .. }
        | Message::AppendEntriesResponse { round: Some(round), .. } => (None, Some(round.number())),
        Message::AppendEntriesResponse { round: None, .. } => (None, Some(NO_ROUND)),
        Message::PreVote { attempt, .. } => (None, Some(attempt.number())),
        Message::PreVoteResponse { vote_granted, attempt, .. } => {
            (Some(vote_granted), Some(attempt.number()))
        }
        Message::HandOver { .. } => (None, None),
    }
}

/// Instead of the number of a round: they begin with 1.
const NO_ROUND: u64 = 0;

const fn message(
    kind: u8,
    term: Term,
    flag: Option<u8>,
    number: Option<u64>,
) -> Result<Message, Rejection> {
    let flag = match flag {
        None => None,
        Some(flag @ (0 | 1)) => Some(flag == 1),
        Some(_) => return Err(Rejection::Flag),
    };
    Ok(match (kind, flag, number) {
        (REQUEST_VOTE, Some(hand_over), None) => Message::RequestVote { term, hand_over },
        (REQUEST_VOTE_RESPONSE, Some(vote_granted), None) => {
            Message::RequestVoteResponse { term, vote_granted }
        }
        (APPEND_ENTRIES, None, Some(NO_ROUND)) => return Err(Rejection::NoRound),
        (APPEND_ENTRIES, None, Some(round)) => {
            Message::AppendEntries { term, round: Round::new(round) }
        }
        (APPEND_ENTRIES_RESPONSE, None, Some(NO_ROUND)) => {
            Message::AppendEntriesResponse { term, round: None }
        }
        (APPEND_ENTRIES_RESPONSE, None, Some(round)) => {
            Message::AppendEntriesResponse { term, round: Some(Round::new(round)) }
        }
        (PRE_VOTE, None, Some(attempt)) => {
            Message::PreVote { term, attempt: Attempt::new(attempt) }
        }
        (PRE_VOTE_RESPONSE, Some(vote_granted), Some(attempt)) => {
            Message::PreVoteResponse { term, vote_granted, attempt: Attempt::new(attempt) }
        }
        (HAND_OVER, None, None) => Message::HandOver { term },
        _ => return Err(Rejection::Kind),
    })
}

/// The bytes that are still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn slice(&mut self, len: usize) -> Result<&'a [u8], Rejection> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Rejection::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Rejection> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Rejection::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Rejection> {
        self.take().map(|[byte]| byte)
    }
}

#[cfg(test)]
mod tests;
