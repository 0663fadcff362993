//! What a server keeps of another one: always the same few bytes, whoever sends how much.

use std::net::SocketAddr;
use std::time::Duration;

use super::bucket::Bucket;
use super::envelope::Challenge;
use super::key::RunId;
use super::secrets::{Greeting, Secrets, Session};
use super::window::Window;
use crate::clock::Moment;
use raft_model::types::ServerId;

/// How long after a hello the next one may follow, whatever is to be sent or arrives.
pub(super) const SELDOM: Duration = Duration::from_millis(50);

/// The same after a hello of the other one: if it has just come up, the last one was lost. Two that
/// come up together ask each other once.
pub(super) const AT_ONCE: Duration = Duration::from_millis(5);

/// Answers to hellos, the same from the address of a server and from all others together: whoever
/// repeats hellos from elsewhere uses up nothing of a server that comes up.
const ANSWERS: (u32, Duration) = (16, Duration::from_millis(10));

/// How long a challenge may be answered. One that is late for longer is asked again.
const CHALLENGE: Duration = Duration::from_secs(5);

/// Another server.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: ServerId,
    own: ServerId,
    /// What seals greetings, by this server and by the other, for each key.
    pub(super) greetings: Vec<(Greeting, Greeting)>,
    /// What is known since it answered.
    pub(super) known: Option<Known>,
    /// How many datagrams were sealed: never set back, whatever becomes of runs and keys.
    pub(super) sealed: u64,
    challenges: u64,
    outstanding: Option<(Challenge, Moment)>,
    /// What is to be said to it when its run is known, and since when.
    pub(super) waiting: Option<(Vec<u8>, Moment)>,
    /// Where its last datagram that opened came from.
    pub(super) source: Option<SocketAddr>,
    asked: Option<Moment>,
    pub(super) answers: Bucket,
    pub(super) answers_elsewhere: Bucket,
}

/// The run of another server, and what follows from it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) run: RunId,
    /// What seals, by the first key.
    pub(super) sends: Session,
    /// What opens, by each key.
    pub(super) opens: Vec<Session>,
    pub(super) window: Window,
}

impl Peer {
    pub(super) fn new(own: ServerId, id: ServerId, keys: &[Secrets], now: Moment) -> Self {
        let mut peer = Self {
            id,
            own,
            greetings: Vec::new(),
            known: None,
            sealed: 0,
            challenges: 0,
            outstanding: None,
            waiting: None,
            source: None,
            asked: None,
            answers: Bucket::new(ANSWERS.0, ANSWERS.1, now),
            answers_elsewhere: Bucket::new(ANSWERS.0, ANSWERS.1, now),
        };
        peer.greet_by(keys);
        peer
    }

    fn greet_by(&mut self, keys: &[Secrets]) {
        let both =
            |key: &Secrets| (key.greeting(self.own, self.id), key.greeting(self.id, self.own));
        self.greetings = keys.iter().map(both).collect();
    }

    /// From now on these keys count. Its run stays known, and what it has sent stays seen.
    pub(super) fn rekey(&mut self, keys: &[Secrets], run: RunId) {
        self.greet_by(keys);
        if let Some(Known { run: other, window, .. }) = self.known.take() {
            self.knows(keys, run, other, window);
        }
    }

    /// It is in this run, and has said this much in it.
    pub(super) fn knows(&mut self, keys: &[Secrets], run: RunId, other: RunId, window: Window) {
        let (own, it) = ((self.own, run), (self.id, other));
        let opens = keys.iter().map(|key| key.session(it, own)).collect();
        let Some(first) = keys.first() else { return };
        self.known = Some(Known { run: other, sends: first.session(own, it), opens, window });
    }

    /// Whether it may be asked, so long after the last time; that is noted.
    pub(super) fn may_be_asked(&mut self, pause: Duration, now: Moment) -> bool {
        let may_be = self.asked.is_none_or(|asked| now.since(asked) >= pause);
        if may_be {
            self.asked = Some(now);
        }
        may_be
    }

    /// What it has to answer: something new, unless it was asked a short while ago.
    pub(super) fn challenge(&mut self, first: &Secrets, run: RunId, now: Moment) -> Challenge {
        match self.outstanding {
            Some((challenge, since)) if now.since(since) < CHALLENGE => challenge,
            _ => {
                self.challenges += 1;
                let challenge = first.challenge(run, self.id, self.challenges);
                self.outstanding = Some((challenge, now));
                challenge
            }
        }
    }

    /// Whether it was asked this, and may still answer.
    pub(super) fn is_asked(&self, challenge: Challenge, now: Moment) -> bool {
        self.outstanding
            .is_some_and(|(asked, since)| asked == challenge && now.since(since) < CHALLENGE)
    }

    /// It has answered: another answer to the same is none.
    pub(super) fn has_answered(&mut self) {
        self.outstanding = None;
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use raft_model::cluster::Protocol;

    use super::*;
    use crate::session::Key;
    use crate::session::secrets::Cluster;
    use crate::testing::{NOW, config_by, server};

    #[test]
    fn a_challenge_stands_for_a_while_and_is_answered_once() {
        let secrets =
            Secrets::new(&Key::new([1; 32]), &Cluster::of(&config_by(3, Protocol::GUARDED)));
        let mut peer = Peer::new(server(1), server(2), slice::from_ref(&secrets), NOW);
        let (late, over) = (NOW.after(CHALLENGE - Duration::from_nanos(1)), NOW.after(CHALLENGE));
        let challenge = |peer: &mut Peer, now| peer.challenge(&secrets, RunId([7; 16]), now);
        let first = challenge(&mut peer, NOW);
        assert_eq!(challenge(&mut peer, late), first);
        assert!(peer.is_asked(first, late) && !peer.is_asked(first, over));
        let second = challenge(&mut peer, over);
        assert!(second != first && peer.is_asked(second, over) && !peer.is_asked(first, over));
        peer.has_answered();
        assert!(!peer.is_asked(second, over));
    }
}
