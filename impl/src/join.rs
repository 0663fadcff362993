//! How a server comes back that has lost its disk: it asks every other one for its current term,
//! and takes the ballot that the [specification](raft_model::election::Server::lose_disk) gives it.
//!
//! It is no node meanwhile: nobody hears of it but by these questions, and nothing is written.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use raft_model::election::{Ballot, Event, Role, Server, State, Step};
use raft_model::trace::Cause;
use raft_model::types::{ServerId, ServerSet};
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::Moment;
use crate::config::Config;
use crate::link::{Arrival, Link, LinkError};
use crate::session::{Datagram, KeyError, Keys, RunId, Sessions, Voice};
use crate::wire::{Rejection, TermAnswer, TermQuestion};

/// How often whoever has not answered is asked again.
pub(crate) const AGAIN: Duration = Duration::from_millis(200);

/// A server that has lost its disk, and asks: a value, as [`Engine`](crate::engine::Engine) is one.
#[derive(Debug)]
pub struct Returning {
    config: Config,
    server: Server,
    voice: Voice,
    nonces: BTreeMap<ServerId, u64>,
    state: State,
    steps: Vec<(Cause, Step)>,
}

impl Returning {
    /// It comes up, and has asked nobody yet. What it draws for its questions, nobody may guess.
    /// With keys, it is known by this run.
    pub(crate) fn start(
        config: &Config,
        keys: Option<(&Keys, RunId)>,
        random: &mut StdRng,
        now: Moment,
    ) -> Self {
        let server = config.server();
        let sealed = |(keys, run)| Voice::Sealed(Sessions::new(config, keys, run, now));
        let (cause, others) = (Cause::LoseDisk, server.cluster.others(server.id));
        let step = cause.step_of(&server);
        Self {
            config: config.clone(),
            server,
            voice: keys.map_or(Voice::PLAIN, sealed),
            nonces: others.map(|to| (to, random.random())).collect(),
            state: step.state,
            steps: vec![(cause, step)],
        }
    }

    /// Who has not told its term yet.
    pub fn missing(&self) -> ServerSet {
        let Role::Returning { heard, .. } = self.state.role else { return ServerSet::EMPTY };
        self.nonces.keys().copied().filter(|&to| !heard.contains(to)).collect()
    }

    /// The ballot with which it is back, once all have told theirs.
    pub fn ballot(&self) -> Option<Ballot> {
        (!self.state.role.is_returning()).then_some(self.state.ballot)
    }

    /// What it did, for its trace.
    pub fn steps(&self) -> &[(Cause, Step)] {
        &self.steps
    }

    /// Asks whoever has not told its term.
    pub(crate) fn ask(&mut self, now: Moment) {
        for to in self.missing().iter() {
            let question = TermQuestion::encode(&self.config, to, self.nonces[&to]);
            self.voice.say(to, question, &self.config, now);
        }
    }

    /// A datagram has arrived.
    pub(crate) fn hear(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        now: Moment,
    ) -> Result<(), Rejection> {
        let heard = self.voice.hear(bytes, source, &self.config, now)?;
        let answer =
            heard.and_then(|(frame, origin)| TermAnswer::decode(&frame, &self.config, origin));
        if let Some(TermAnswer { from, nonce, term }) = answer
            && self.nonces.get(&from) == Some(&nonce)
        {
            let before = self.state;
            let cause = Cause::HearTerm { before, from, term };
            let step = self.server.step(before, Event::TermHeard { from, term });
            if cause.is_recorded(&step) {
                self.steps.push((cause, step));
            }
            self.state = step.state;
        }
        Ok(())
    }

    /// What is to be sent, in this order.
    pub(crate) fn outbox(&mut self) -> impl Iterator<Item = Datagram> + '_ {
        self.voice.outbox()
    }
}

/// Asks every other server for its current term until all have answered, or `goes_on` says no: it
/// is called five times a second, with those that have not answered. With keys, it asks and is
/// answered in sessions, as a node.
///
/// # Errors
///
/// [`AskError`] if it cannot ask.
pub fn ask(
    config: &Config,
    keys: Option<&Keys>,
    mut goes_on: impl FnMut(ServerSet) -> bool,
) -> Result<Option<Returning>, AskError> {
    let link = Link::bind(config)?;
    let keys = keys.map(|keys| RunId::random().map(|run| (keys, run))).transpose()?;
    let mut returning = Returning::start(config, keys, &mut rand::make_rng(), Moment::now());
    while returning.ballot().is_none() {
        if !goes_on(returning.missing()) {
            return Ok(None);
        }
        returning.ask(Moment::now());
        let until = Moment::now().after(AGAIN);
        while Moment::now() < until && returning.ballot().is_none() {
            for Datagram { address, bytes, .. } in returning.outbox() {
                let _ = link.send(&bytes, address); // if it is lost, it is asked again
            }
            let timeout = Timespec::try_from(until.since(Moment::now())).ok();
            let _ = poll(&mut [PollFd::new(&link, PollFlags::IN)], timeout.as_ref());
            if let Some(Arrival::Datagram(bytes, source)) = link.receive() {
                let _ = returning.hear(&bytes, source, Moment::now());
            }
        }
    }
    Ok(Some(returning))
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The address of this server is in use, or is none of this machine.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The system has no random numbers.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use raft_model::cluster::Protocol;
    use raft_model::types::Term;
    use rand::SeedableRng as _;

    use super::*;
    use crate::config::Settings;
    use crate::testing::{self, NOW, config_of, server};
    use crate::wire::Origin;

    /// S1 of three has lost its disk.
    fn returning() -> Returning {
        let config = testing::config(3);
        Returning::start(&config, None, &mut StdRng::seed_from_u64(1), NOW)
    }

    /// Whom it asks.
    fn asks(returning: &mut Returning) -> Vec<Datagram> {
        returning.ask(NOW);
        returning.outbox().collect()
    }

    /// What this server answers, to what it was asked.
    fn answer(question: &Datagram, term: u64) -> (Vec<u8>, SocketAddr) {
        let Datagram { to, bytes, .. } = question;
        let config = config_of(to.number(), 3, Protocol::GUARDED);
        let from = config.address_of(server(1)).unwrap();
        let question = TermQuestion::decode(bytes, &config, Origin::Address(from)).unwrap();
        (question.answer(&config, Term::new(term)), config.own_address())
    }

    fn causes(returning: &Returning) -> Vec<Cause> {
        returning.steps().iter().map(|&(cause, _)| cause).collect()
    }

    #[test]
    fn who_has_lost_its_disk_asks_until_all_others_have_told_their_terms() {
        let mut returning = returning();
        let questions = asks(&mut returning);
        assert_eq!(questions.iter().map(|it| it.to.number()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(returning.missing(), [server(2), server(3)].into_iter().collect());
        let (bytes, source) = answer(&questions[1], 7);
        returning.hear(&bytes, source, NOW).unwrap();
        assert_eq!(returning.missing(), [server(2)].into_iter().collect());
        assert_eq!(returning.ballot(), None);
        let [again] = asks(&mut returning).try_into().unwrap();
        assert_eq!(again, questions[0]);
        let (bytes, source) = answer(&again, 4);
        returning.hear(&bytes, source, NOW).unwrap();
        assert_eq!(returning.missing(), ServerSet::EMPTY);
        assert_eq!(returning.ballot().unwrap().current_term, Term::new(7));
        let told = |cause| match cause {
            Cause::HearTerm { from, term, .. } => Some((from.number(), term.number())),
            _ => None,
        };
        let told: Vec<_> = causes(&returning).into_iter().map(told).collect();
        assert_eq!(told, [None, Some((3, 7)), Some((2, 4))]);
    }

    /// It asks anew each time that it comes up, and nobody knows what it draws.
    #[test]
    fn an_answer_to_another_question_tells_nothing() {
        let mut returning = returning();
        let config = testing::config(3);
        let mut before = Returning::start(&config, None, &mut StdRng::seed_from_u64(2), NOW);
        let (bytes, source) = answer(&asks(&mut before)[0], 7);
        returning.hear(&bytes, source, NOW).unwrap();
        returning.hear(b"hello", source, NOW).unwrap();
        assert_eq!(causes(&returning), [Cause::LoseDisk]);
    }

    /// Over the network, of two servers: the other one does not hear the first time.
    #[test]
    fn whoever_is_asked_over_the_network_brings_it_back() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        other.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let own = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let servers = vec![(1, own), (2, other.local_addr().unwrap())];
        let of = |id| Config::new(Settings::new("test", id, servers.clone())).unwrap();
        let two = of(2);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut bytes = [0; 100];
                for is_heard in [false, true] {
                    let (length, from) = other.recv_from(&mut bytes).unwrap();
                    let origin = Origin::Address(from);
                    let question = TermQuestion::decode(&bytes[..length], &two, origin).unwrap();
                    if is_heard {
                        other.send_to(&question.answer(&two, Term::new(5)), from).unwrap();
                    }
                }
            });
            let mut waits = Vec::new();
            let returned = ask(&of(1), None, |missing| {
                waits.push(missing);
                waits.len() < 25
            });
            let ballot = returned.unwrap().unwrap().ballot().unwrap();
            assert_eq!(ballot.current_term, Term::new(5));
            assert_eq!(waits, vec![[server(2)].into_iter().collect(); 2]);
        });
    }

    #[test]
    fn who_is_told_to_asks_no_longer() {
        let own = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let nobody = "127.0.0.1:9".parse().unwrap();
        let servers = vec![(1, own), (2, nobody)];
        let config = Config::new(Settings::new("test", 1, servers)).unwrap();
        assert!(ask(&config, None, |_| false).unwrap().is_none());
    }
}
