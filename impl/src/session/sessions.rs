//! The sessions of a server with all others: a value, without a socket and a clock.

use std::net::SocketAddr;
use std::time::Duration;
use std::vec::Drain;

use raft_model::types::ServerId;

use super::envelope::{Body, Challenge, Envelope, TAG};
use super::key::{Keys, RunId};
use super::peer::{AT_ONCE, Known, Peer, SELDOM};
use super::secrets::{Cluster, Secrets};
use super::window::Window;
use crate::clock::Moment;
use crate::config::Config;
use crate::status::Authentication;
use crate::wire::Rejection;

/// What waits for an answer longer than that is not worth sending any more.
const WAITING: Duration = Duration::from_secs(1);

/// Bytes for the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// To whom.
    pub to: ServerId,
    /// Where that is.
    pub address: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a datagram was that can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A frame of this server.
    Frame(ServerId, Vec<u8>),
    /// A hello, or the answer to one: what there was to do is done.
    Greeting,
}

/// What a server knows of the runs of all others, and what it makes of that.
#[derive(Debug)]
pub struct Sessions {
    own: ServerId,
    run: RunId,
    cluster: Cluster,
    keys: Vec<Secrets>, // the first one seals
    peers: Vec<Peer>,
    outbox: Vec<Datagram>,
}

impl Sessions {
    /// The server with this configuration comes up, in a run that never was before.
    pub fn new(config: &Config, keys: &Keys, run: RunId, now: Moment) -> Self {
        let own = config.server().id;
        let cluster = Cluster::of(config);
        let keys: Vec<_> = keys.iter().map(|key| Secrets::new(key, &cluster)).collect();
        let others = config.server().cluster.others(own);
        let peers = others.map(|id| Peer::new(own, id, &keys, now)).collect();
        Self { own, run, cluster, keys, peers, outbox: Vec::new() }
    }

    /// From now on these keys are accepted, and the first one seals. Nobody has to be asked again.
    pub fn set_keys(&mut self, keys: &Keys) {
        self.keys = keys.iter().map(|key| Secrets::new(key, &self.cluster)).collect();
        for peer in &mut self.peers {
            peer.rekey(&self.keys, self.run);
        }
    }

    /// The keys that are accepted, and the servers with which there is a session.
    pub fn authentication(&self) -> Authentication {
        let mut ids = self.keys.iter().map(|key| key.id);
        let known = self.peers.iter().filter(|peer| peer.known.is_some()).map(|peer| peer.id);
        match ids.next() {
            None => Authentication::Insecure, // there is one
            Some(seals) => Authentication::Key { seals, opens: ids.next(), with: known.collect() },
        }
    }

    /// What is to be sent, in this order; nothing of it may be sent twice.
    pub fn outbox(&mut self) -> Drain<'_, Datagram> {
        self.outbox.drain(..)
    }

    /// Asks all others for their runs.
    pub fn greet(&mut self, config: &Config, now: Moment) {
        for id in config.server().cluster.others(self.own) {
            self.ask((id, None), SELDOM, config, now);
        }
    }

    /// Seals a frame for another server. If its run is not known, it is asked, and the frame waits.
    pub fn send(&mut self, to: ServerId, frame: Vec<u8>, config: &Config, now: Moment) {
        let Some(at) = self.place(to) else { return };
        if self.peers[at].known.is_some() {
            self.seal(at, frame, config);
        } else {
            self.peers[at].waiting = Some((frame, now));
            self.ask((to, None), SELDOM, config, now);
        }
    }

    /// What a datagram is.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if it counts as lost. It has changed nothing then, but that this server may
    /// say hello.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        config: &Config,
        now: Moment,
    ) -> Result<Opened, Rejection> {
        let (envelope, length, tag) = Envelope::decode(bytes)?;
        envelope.admit(config, self.cluster.checksum())?;
        let key = self.keys.iter().position(|key| key.id == envelope.key);
        let key = key.ok_or(Rejection::OtherKey)?;
        let at = self.place(envelope.from).ok_or(Rejection::UnknownSender)?;
        let sealed = &bytes[..bytes.len() - TAG];
        match envelope.body {
            Body::Data { session, number } => {
                let (header, body) = sealed.split_at(length);
                let opened = self.open(at, key, (session, number), header, body, tag);
                if opened == Err(Rejection::OtherSession) {
                    self.ask((envelope.from, Some(source)), SELDOM, config, now);
                }
                opened.inspect(|_| self.peers[at].source = Some(source))
            }
            Body::Hello { run, challenge } => {
                self.peers[at].greetings[key].1.verify(sealed, &tag)?;
                self.greeted(at, run, challenge, source, config, now)
            }
            Body::Answer { challenge, run } => {
                if !self.peers[at].is_asked(challenge, now) {
                    return Err(Rejection::Unasked);
                }
                self.peers[at].greetings[key].1.verify(sealed, &tag)?;
                self.peers[at].source = Some(source);
                self.answered(at, run, config, now);
                Ok(Opened::Greeting)
            }
        }
    }

    fn open(
        &mut self,
        at: usize,
        key: usize,
        (session, number): ([u8; 8], u64),
        header: &[u8],
        body: &[u8],
        tag: [u8; TAG],
    ) -> Result<Opened, Rejection> {
        let Peer { id, known, .. } = &mut self.peers[at];
        let Known { opens, window, .. } = known.as_mut().ok_or(Rejection::OtherSession)?;
        if opens[key].id != session {
            return Err(Rejection::OtherSession);
        }
        window.check(number)?;
        let mut frame = body.to_vec();
        opens[key].open(number, header, &mut frame, tag)?;
        window.accept(number); // only now: whoever forges a number must not use it up
        Ok(Opened::Frame(*id, frame))
    }

    /// Another server asks. It may have asked long ago, so nothing changes: it is answered, and
    /// asked in turn if it may be in another run than the one that is known.
    fn greeted(
        &mut self,
        at: usize,
        run: RunId,
        challenge: Challenge,
        source: SocketAddr,
        config: &Config,
        now: Moment,
    ) -> Result<Opened, Rejection> {
        let peer = &mut self.peers[at];
        let id = peer.id;
        let is_home = config.address_of(id) == Some(source) || peer.source == Some(source);
        let answers = if is_home { &mut peer.answers } else { &mut peer.answers_elsewhere };
        if !answers.take(now) {
            return Err(Rejection::Throttled);
        }
        // First the question: so its answer is there before what the other one has to say.
        if peer.known.as_ref().is_none_or(|known| known.run != run) {
            self.ask((id, Some(source)), AT_ONCE, config, now);
        }
        let bytes = self.greeting(at, Body::Answer { challenge, run: self.run });
        self.outbox.push(Datagram { to: id, address: source, bytes });
        Ok(Opened::Greeting)
    }

    /// Another server has answered what it was asked just now: it is in this run.
    fn answered(&mut self, at: usize, run: RunId, config: &Config, now: Moment) {
        let peer = &mut self.peers[at];
        peer.has_answered();
        if peer.known.as_ref().is_none_or(|known| known.run != run) {
            peer.knows(&self.keys, self.run, run, Window::NEW);
        }
        if let Some((frame, since)) = peer.waiting.take()
            && now.since(since) < WAITING
        {
            self.seal(at, frame, config);
        }
    }

    /// Asks a server for its run, where it should be, where it was, and where something came from
    /// that may be of it.
    fn ask(
        &mut self,
        (to, from): (ServerId, Option<SocketAddr>),
        pause: Duration,
        config: &Config,
        now: Moment,
    ) {
        let Some(at) = self.place(to) else { return };
        let peer = &mut self.peers[at];
        if !peer.may_be_asked(pause, now) {
            return;
        }
        let challenge = peer.challenge(&self.keys[0], self.run, now);
        let bytes = self.greeting(at, Body::Hello { run: self.run, challenge });
        for address in self.addresses(at, from, config) {
            self.outbox.push(Datagram { to, address, bytes: bytes.clone() });
        }
    }

    fn greeting(&self, at: usize, body: Body) -> Vec<u8> {
        let mut bytes = self.envelope(at, body).encode();
        let tag = self.peers[at].greetings[0].0.tag(&bytes);
        bytes.extend(tag);
        bytes
    }

    fn seal(&mut self, at: usize, mut frame: Vec<u8>, config: &Config) {
        let peer = &mut self.peers[at];
        let Some(known) = &peer.known else { return };
        peer.sealed += 1;
        let (session, number) = (known.sends.id, peer.sealed);
        let mut bytes = self.envelope(at, Body::Data { session, number }).encode();
        let Peer { id: to, known: Some(known), .. } = &self.peers[at] else { return };
        let tag = known.sends.seal(number, &bytes, &mut frame);
        bytes.extend(frame);
        bytes.extend(tag);
        for address in self.addresses(at, None, config) {
            self.outbox.push(Datagram { to: *to, address, bytes: bytes.clone() });
        }
    }

    /// Where a server is: as configured, and where it last spoke from, if that is elsewhere. So
    /// whoever copies what it says and is quicker cannot draw away what is meant for it.
    fn addresses(
        &self,
        at: usize,
        from: Option<SocketAddr>,
        config: &Config,
    ) -> impl Iterator<Item = SocketAddr> + use<> {
        let peer = &self.peers[at];
        let configured = config.address_of(peer.id);
        let source = peer.source.filter(|_| peer.source != configured);
        let from = from.filter(|_| from != configured && from != source);
        [configured, source, from].into_iter().flatten()
    }

    fn envelope(&self, at: usize, body: Body) -> Envelope {
        let Peer { id: to, .. } = self.peers[at];
        let cluster = self.cluster.checksum();
        Envelope { from: self.own, to, cluster, key: self.keys[0].id, body }
    }

    fn place(&self, peer: ServerId) -> Option<usize> {
        self.peers.iter().position(|it| it.id == peer)
    }
}
