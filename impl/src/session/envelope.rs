//! The bytes around what servers say when they have a key: version 4 of the format.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | `RAFT` |
//! | 1 | version of this format: 4 |
//! | 1 | 1 hello, 2 answer, 3 data |
//! | 1 | number of the server that sends |
//! | 1 | number of the server that receives |
//! | 4 | check sum of the cluster: its name, size, guards, witnesses |
//! | 4 | name of the key, see [`KeyId`] |
//!
//! | after that | bytes | field |
//! |---|---|---|
//! | hello | 16, 16 | run of the sender, its challenge |
//! | answer | 16, 16 | the challenge, run of the sender |
//! | data | 8, 8 | name of the session, number of the datagram |
//! | data | n | a frame as in [`crate::wire`], encrypted |
//! | all | 16 | tag: of all that stands before, and of the frame |
//!
//! A receiver first looks at what costs nothing: whether length, cluster, receiver and key can be
//! right. None of it is believed before the tag is verified.

use raft_model::types::ServerId;

use super::key::{KeyId, RunId};
use crate::config::Config;
use crate::wire::{MAGIC, Rejection};

pub(super) const VERSION: u8 = crate::wire::SEALED;
const PLAIN: u8 = crate::wire::VERSION;

/// Bytes of the header.
pub(super) const HEADER: usize = 16;
/// Bytes before the frame, in data.
pub(super) const DATA: usize = HEADER + 16;
/// Bytes of a tag.
pub(super) const TAG: usize = 16;
/// Bytes of a hello, and of an answer.
pub(super) const GREETING: usize = HEADER + 32 + TAG;

const HELLO: u8 = 1;
const ANSWER: u8 = 2;
const SEALED: u8 = 3;

pub(super) type Challenge = [u8; 16];

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Who sends it, and what has to be answered.
    Hello { run: RunId, challenge: Challenge },
    /// What was asked, and who answers.
    Answer { challenge: Challenge, run: RunId },
    /// A frame follows.
    Data { session: [u8; 8], number: u64 },
}

/// All that stands before a frame, or before a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) from: ServerId,
    pub(super) to: ServerId,
    pub(super) cluster: [u8; 4],
    pub(super) key: KeyId,
    pub(super) body: Body,
}

impl Envelope {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(super::MAX_DATAGRAM);
        let (kind, first, second) = match &self.body {
            Body::Hello { run, challenge } => (HELLO, &run.0[..], &challenge[..]),
            Body::Answer { challenge, run } => (ANSWER, &challenge[..], &run.0[..]),
            Body::Data { session, number } => (SEALED, &session[..], &number.to_be_bytes()[..]),
        };
        bytes.extend(MAGIC);
        bytes.extend([VERSION, kind, self.from.number(), self.to.number()]);
        bytes.extend(self.cluster);
        bytes.extend(self.key.0);
        bytes.extend(first);
        bytes.extend(second);
        bytes
    }

    /// What these bytes claim to be, how much of them says so, and the tag at their end.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, usize, [u8; TAG]), Rejection> {
        let (rest, tag) = bytes.split_last_chunk::<TAG>().ok_or(Rejection::Truncated)?;
        let (header, rest) = rest.split_first_chunk::<HEADER>().ok_or(Rejection::Truncated)?;
        let &[m, a, g, i, version, kind, from, to, ref more @ ..] = header;
        let [c0, c1, c2, c3, k0, k1, k2, k3] = *more;
        if [m, a, g, i] != MAGIC {
            return Err(Rejection::Magic);
        }
        match version {
            VERSION => {}
            PLAIN => return Err(Rejection::Unauthenticated),
            _ => return Err(Rejection::Version),
        }
        let length = if kind == SEALED { DATA } else { GREETING - TAG };
        let (body, after) = rest.split_at_checked(length - HEADER).ok_or(Rejection::Truncated)?;
        if kind != SEALED && !after.is_empty() {
            return Err(Rejection::TrailingBytes);
        }
        let (first, second) = body.split_at(body.len() / 2);
        let long = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_err(|_| Rejection::Truncated);
        let short = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).map_err(|_| Rejection::Truncated);
        let body = match kind {
            HELLO => Body::Hello { run: RunId(long(first)?), challenge: long(second)? },
            ANSWER => Body::Answer { challenge: long(first)?, run: RunId(long(second)?) },
            SEALED => {
                let number = u64::from_be_bytes(short(second)?);
                Body::Data { session: short(first)?, number }
            }
            _ => return Err(Rejection::Kind),
        };
        let envelope = Self {
            from: ServerId::new(from).ok_or(Rejection::ServerNumber)?,
            to: ServerId::new(to).ok_or(Rejection::ServerNumber)?,
            cluster: [c0, c1, c2, c3],
            key: KeyId([k0, k1, k2, k3]),
            body,
        };
        Ok((envelope, length, *tag))
    }

    /// Whether it can be for this server, which is of this cluster.
    pub(super) fn admit(&self, config: &Config, cluster: [u8; 4]) -> Result<(), Rejection> {
        let own = config.server();
        if self.cluster != cluster {
            return Err(Rejection::OtherCluster);
        }
        if self.to != own.id {
            return Err(Rejection::OtherReceiver);
        }
        if self.from == own.id {
            return Err(Rejection::FromSelf);
        }
        if !own.cluster.contains(self.from) {
            return Err(Rejection::UnknownSender);
        }
        Ok(())
    }
}

/// A session, and the number of a datagram in it.
#[cfg(feature = "daemon")]
pub(crate) type Numbered = ([u8; 8], u64);

/// Which datagram of which session this is, if it is one.
#[cfg(feature = "daemon")]
pub(crate) fn numbered(bytes: &[u8]) -> Option<Numbered> {
    match Envelope::decode(bytes) {
        Ok((Envelope { body: Body::Data { session, number }, .. }, ..)) => Some((session, number)),
        _ => None,
    }
}
