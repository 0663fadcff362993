//! What a server with a key seals, and what it opens.

use std::net::SocketAddr;

use super::{Engine, Output};
use crate::clock::Moment;
use crate::session::{Datagram, Keys, Opened, RunId, Sessions};
use crate::status::Authentication;
use crate::wire::{Frame, Origin, Received, Rejection};

impl Engine {
    /// It has just come up, in this run, and the cluster has a key: whatever it says is sealed, and
    /// what is not is refused. It says hello to all others.
    #[must_use]
    pub fn with_keys(mut self, keys: &Keys, run: RunId, now: Moment) -> Self {
        let mut sessions = Sessions::new(&self.config, keys, run, now);
        sessions.greet(&self.config, now);
        self.sessions = Some(sessions);
        self.post();
        self
    }

    /// It has no key, and is to run all the same though others may reach it.
    #[must_use]
    pub const fn insecure(mut self) -> Self {
        self.status.authentication = Authentication::Insecure;
        self
    }

    /// From now on these keys are accepted, and the first one seals. Whether that is so: a server
    /// that has no key gets none while it runs, since the others would not understand it.
    pub fn set_keys(&mut self, keys: &Keys) -> bool {
        if let Some(sessions) = &mut self.sessions {
            sessions.set_keys(keys);
            self.post();
        }
        self.sessions.is_some()
    }

    /// The message in a datagram; none in a hello.
    pub(super) fn open(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        now: Moment,
    ) -> Result<Option<Received>, Rejection> {
        let (frame, origin) = match &mut self.sessions {
            None => (Frame::decode(bytes)?, Origin::Address(source)),
            Some(sessions) => match sessions.receive(bytes, source, &self.config, now)? {
                Opened::Frame(from, frame) => (Frame::decode(&frame)?, Origin::Session(from)),
                Opened::Greeting => return Ok(None),
            },
        };
        frame.admit(&self.config, origin).map(Some)
    }

    /// Sends what there is to be sent in sessions, and shows which there are.
    pub(super) fn post(&mut self) {
        let Some(sessions) = &mut self.sessions else { return };
        let sealed = sessions.outbox().map(|Datagram { to, address, bytes }| Output::Send {
            to,
            address,
            datagram: bytes,
        });
        self.outputs.extend(sealed);
        self.status.authentication = sessions.authentication();
    }
}
