//! Worlds in which a calm phase may begin: any terms, and any leaders, of which no two lead the
//! same term.

use super::calm::Phase;
use crate::election::{Ballot, Event, Role, State};
use crate::message::Message;
use crate::packed::States;
use crate::types::{Beats, Round, ServerId, ServerSet, Term};

/// In how many terms the servers may begin, from 0 on.
pub(super) const fn terms(size: u8) -> u64 {
    if size <= 3 { 3 } else { 2 }
}

/// All of them, with nothing under way. What servers without links have done before is in the votes
/// of others; they themselves are drawn as servers that never ran.
pub(super) fn beginnings(phase: &Phase, terms: u64) -> Vec<States> {
    let cluster = phase.calm.cluster;
    let size = cluster.size();
    let mut found = Vec::new();
    for code in 0..terms.pow(size.into()) {
        let term = |id: ServerId| code / terms.pow(u32::from(id.number()) - 1) % terms;
        for leaders in (0..1_u8 << size).map(ServerSet::from_bits) {
            let of_term = |number: u64| leaders.iter().filter(|&id| term(id) == number).count();
            if of_term(0) == 0 && (1..terms).all(|number| of_term(number) <= 1) {
                found.push(beginning(phase, leaders, term));
            }
        }
    }
    found
}

fn beginning(phase: &Phase, leaders: ServerSet, term: impl Fn(ServerId) -> u64) -> States {
    let never_ran = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
    let mut servers = [never_ran; ServerId::MAX as usize];
    for id in phase.linked.iter() {
        let leader = leaders.iter().find(|&leader| term(leader) == term(id));
        // Whoever is in a term without a leader has campaigned for it, in vain.
        let voted_for = leader.or_else(|| (term(id) > 0).then_some(id));
        let ballot = Ballot { current_term: Term::new(term(id)), voted_for };
        servers[id.index()] = match leader {
            None => State { ballot, ..never_ran },
            Some(leader) if leader == id => phase.elected(id, ballot),
            Some(from) => {
                let message =
                    Message::AppendEntries { term: ballot.current_term, round: Round::FIRST };
                let heard = Event::Receive { from, message };
                phase.step(id, State { ballot, ..never_ran }, heard, Beats::ZERO).state
            }
        };
    }
    servers
}
