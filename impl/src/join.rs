//! How a server comes back that has lost its disk: it asks every other one for its current term,
//! and takes the ballot that the [specification](raft_model::election::Server::lose_disk) gives it.
//!
//! It is no node meanwhile: nobody hears of it but by these questions, and nothing is written.

use std::collections::BTreeMap;
use std::time::Duration;

use raft_model::election::{Ballot, Event, Role, Rule, Server};
use raft_model::types::{ServerId, ServerSet};
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::Moment;
use crate::config::Config;
use crate::link::{Arrival, Link, LinkError};
use crate::session::{Datagram, KeyError, Keys, RunId, Sessions, Voice};
use crate::wire::{TermAnswer, TermQuestion};

/// How often whoever has not answered is asked again.
const AGAIN: Duration = Duration::from_millis(200);

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
) -> Result<Option<Ballot>, AskError> {
    let server = config.server();
    let Server { id, cluster, .. } = server;
    let mut asker = Asker::new(config, keys)?;
    let mut random: StdRng = rand::make_rng();
    let nonces: BTreeMap<_, u64> = cluster.others(id).map(|to| (to, random.random())).collect();
    let mut state = server.lose_disk().state;
    while let Role::Returning { heard, .. } = state.role {
        let missing: ServerSet = cluster.others(id).filter(|&to| !heard.contains(to)).collect();
        if !goes_on(missing) {
            return Ok(None);
        }
        for to in missing.iter() {
            asker.ask(to, nonces[&to]);
        }
        let until = Moment::now().after(AGAIN);
        while Moment::now() < until && state.role.is_returning() {
            let Some(TermAnswer { from, nonce, term }) = asker.answer(until) else { continue };
            if nonces.get(&from) == Some(&nonce) {
                let step = server.step(state, Event::TermHeard { from, term });
                debug_assert!(step.persist == matches!(step.rule, Rule::Returned));
                state = step.state;
            }
        }
    }
    Ok(Some(state.ballot))
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

/// Whoever asks, and is answered.
struct Asker<'a> {
    config: &'a Config,
    link: Link,
    voice: Voice,
}

impl<'a> Asker<'a> {
    fn new(config: &'a Config, keys: Option<&Keys>) -> Result<Self, AskError> {
        let run = RunId::random()?;
        let sealed = |keys| Voice::Sealed(Sessions::new(config, keys, run, Moment::now()));
        Ok(Self { config, link: Link::bind(config)?, voice: keys.map_or(Voice::PLAIN, sealed) })
    }

    fn ask(&mut self, to: ServerId, nonce: u64) {
        let question = TermQuestion::encode(self.config, to, nonce);
        self.voice.say(to, question, self.config, Moment::now());
        self.post();
    }

    fn post(&mut self) {
        for Datagram { address, bytes, .. } in self.voice.outbox() {
            let _ = self.link.send(&bytes, address); // if it is lost, it is asked again
        }
    }

    /// What arrives before this time, if it is an answer.
    fn answer(&mut self, until: Moment) -> Option<TermAnswer> {
        let timeout = Timespec::try_from(until.since(Moment::now())).ok();
        let _ = poll(&mut [PollFd::new(&self.link, PollFlags::IN)], timeout.as_ref());
        let Some(Arrival::Datagram(bytes, source)) = self.link.receive() else { return None };
        let heard = self.voice.hear(&bytes, source, self.config, Moment::now());
        self.post();
        let (frame, origin) = heard.ok()??;
        TermAnswer::decode(&frame, self.config, origin)
    }
}
