//! How a server comes back that has lost its disk: it asks every other one for its current term,
//! and takes the ballot that the [specification](raft_model::election::Server::lose_disk) gives it.
//!
//! It is no node meanwhile: nobody hears of it but by these questions, and nothing is written.

use std::collections::BTreeMap;
use std::time::Duration;

use raft_model::election::{Ballot, Event, Role, Rule, Server, State};
use raft_model::types::{ServerId, ServerSet};
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::Moment;
use crate::config::Config;
use crate::link::{Arrival, Link, LinkError};
use crate::wire::{TermAnswer, TermQuestion};

/// How often whoever has not answered is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// Asks every other server for its current term until all have answered, or `goes_on` says no: it
/// is called five times a second, with those that have not answered.
///
/// # Errors
///
/// [`LinkError`] if the address of this server is in use, or is none of this machine.
pub fn ask(
    config: &Config,
    mut goes_on: impl FnMut(ServerSet) -> bool,
) -> Result<Option<Ballot>, LinkError> {
    let link = Link::bind(config)?;
    let server = config.server();
    let Server { id, cluster, .. } = server;
    let mut random: StdRng = rand::make_rng();
    let nonces: BTreeMap<_, u64> = cluster.others(id).map(|to| (to, random.random())).collect();
    let mut state = server.lose_disk().state;
    while let Role::Returning { heard, .. } = state.role {
        let missing: ServerSet = cluster.others(id).filter(|&to| !heard.contains(to)).collect();
        if !goes_on(missing) {
            return Ok(None);
        }
        for to in missing.iter() {
            let question = TermQuestion::encode(config, to, nonces[&to]);
            // What cannot be sent is a question without an answer.
            let _ = config.address_of(to).map(|address| link.send(&question, address));
        }
        let until = Moment::now().after(AGAIN);
        while Moment::now() < until && state.role.is_returning() {
            state = heard_within(&link, config, &server, &nonces, state, until);
        }
    }
    Ok(Some(state.ballot))
}

/// The state after what arrives before this time, if anything does.
fn heard_within(
    link: &Link,
    config: &Config,
    server: &Server,
    nonces: &BTreeMap<ServerId, u64>,
    state: State,
    until: Moment,
) -> State {
    let timeout = Timespec::try_from(until.since(Moment::now())).ok();
    let _ = poll(&mut [PollFd::new(link, PollFlags::IN)], timeout.as_ref());
    let Some(Arrival::Datagram(bytes, source)) = link.receive() else { return state };
    match TermAnswer::decode(&bytes, config, source) {
        Some(TermAnswer { from, nonce, term }) if nonces.get(&from) == Some(&nonce) => {
            let step = server.step(state, Event::TermHeard { from, term });
            debug_assert!(step.persist == matches!(step.rule, Rule::Returned));
            step.state
        }
        _ => state,
    }
}
