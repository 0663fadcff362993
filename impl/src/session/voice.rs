//! How a server speaks and hears: in sessions where there is a key, in plain where there is none.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::vec::Drain;

use raft_model::types::ServerId;

use super::key::Keys;
use super::sessions::{Datagram, Opened, Sessions};
use crate::clock::Moment;
use crate::config::Config;
use crate::status::Authentication;
use crate::wire::{Origin, Rejection};

/// What there is between a server and the network.
#[derive(Debug)]
pub(crate) enum Voice {
    /// Without a key: what is to be sent.
    Plain(Vec<Datagram>),
    /// With one.
    Sealed(Sessions),
}

/// A frame, and how it is known who has said it.
pub(crate) type Said<'a> = (Cow<'a, [u8]>, Origin);

impl Voice {
    /// Without a key, and nothing is said.
    pub(crate) const PLAIN: Self = Self::Plain(Vec::new());

    /// Says this to another server, as soon as that can be.
    pub(crate) fn say(&mut self, to: ServerId, frame: Vec<u8>, config: &Config, now: Moment) {
        match self {
            Self::Plain(outbox) => {
                let address = config.address_of(to);
                outbox.extend(address.map(|address| Datagram { to, address, bytes: frame }));
            }
            Self::Sealed(sessions) => sessions.send(to, frame, config, now),
        }
    }

    /// What another server says, and how it is known who that is; nothing in a hello. There may be
    /// something to be sent afterwards.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if it counts as lost.
    pub(crate) fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
        source: SocketAddr,
        config: &Config,
        now: Moment,
    ) -> Result<Option<Said<'a>>, Rejection> {
        match self {
            Self::Plain(_) => Ok(Some((Cow::Borrowed(bytes), Origin::Address(source)))),
            Self::Sealed(sessions) => match sessions.receive(bytes, source, config, now)? {
                Opened::Frame(from, frame) => Ok(Some((Cow::Owned(frame), Origin::Session(from)))),
                Opened::Greeting => Ok(None),
            },
        }
    }

    /// What is to be sent, in this order.
    pub(crate) fn outbox(&mut self) -> Drain<'_, Datagram> {
        match self {
            Self::Plain(outbox) => outbox.drain(..),
            Self::Sealed(sessions) => sessions.outbox(),
        }
    }

    /// From now on these keys are accepted. Whether that is so: without a key it gets none.
    pub(crate) fn set_keys(&mut self, keys: &Keys) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Sealed(sessions) => {
                sessions.set_keys(keys);
                true
            }
        }
    }

    /// By what servers are known, if it is by keys.
    pub(crate) fn authentication(&self) -> Option<Authentication> {
        match self {
            Self::Plain(_) => None,
            Self::Sealed(sessions) => Some(sessions.authentication()),
        }
    }
}
