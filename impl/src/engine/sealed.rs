//! What a server with a key seals, and what it opens.

use std::net::SocketAddr;

use raft_model::types::ServerId;

use super::{Engine, Output};
use crate::clock::Moment;
use crate::session::{Datagram, Keys, RunId, Sessions, Voice};
use crate::status::Authentication;
use crate::wire::{Frame, Received, Rejection, TermQuestion};

/// What another server says.
pub(super) enum Heard {
    Message(Received),
    Question(TermQuestion),
    /// A hello, or the answer to one.
    Greeting,
}

impl Engine {
    /// It has just come up, in this run, and the cluster has a key: whatever it says is sealed, and
    /// what is not is refused. It says hello to all others.
    #[must_use]
    pub fn with_keys(mut self, keys: &Keys, run: RunId, now: Moment) -> Self {
        let mut sessions = Sessions::new(&self.config, keys, run, now);
        sessions.greet(&self.config, now);
        self.voice = Voice::Sealed(sessions);
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
        let has_keys = self.voice.set_keys(keys);
        self.post();
        has_keys
    }

    /// What is in a datagram.
    pub(super) fn open(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        now: Moment,
    ) -> Result<Heard, Rejection> {
        let heard = self.voice.hear(bytes, source, &self.config, now)?;
        let Some((frame, origin)) = heard else { return Ok(Heard::Greeting) };
        if let Some(question) = TermQuestion::decode(&frame, &self.config, origin) {
            return Ok(Heard::Question(question));
        }
        Frame::decode(&frame)?.admit(&self.config, origin).map(Heard::Message)
    }

    /// Sends this to another server.
    pub(super) fn dispatch(&mut self, to: ServerId, frame: Vec<u8>, now: Moment) {
        self.voice.say(to, frame, &self.config, now);
        self.post();
    }

    /// Sends what there is to be sent, and shows which sessions there are.
    pub(super) fn post(&mut self) {
        let sends = self.voice.outbox().map(|Datagram { to, address, bytes }| Output::Send {
            to,
            address,
            datagram: bytes,
        });
        self.outputs.extend(sends);
        if let Some(authentication) = self.voice.authentication() {
            self.status.authentication = authentication;
        }
    }
}
