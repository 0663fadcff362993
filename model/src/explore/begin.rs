//! Where a path begins, if not where everybody comes up for the first time: in these terms, some of
//! them led, with nothing under way. So the runs begin that [`topology`](crate::topology) finds.

use std::fmt;
use std::str::FromStr;

use super::setting::Setting;
use crate::election::{Ballot, Event, Role, State};
use crate::message::Message;
use crate::types::{Round, ServerId, ServerSet, Term};
use crate::world::{World, WorldModel};

/// The term of each server, S1 first, and who leads; written as `1l.1.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    terms: Vec<Term>,
    leaders: ServerSet,
}

impl Begin {
    /// What these servers are in, if each term has one leader at most.
    pub fn of(world: &World) -> Self {
        let leads = |(_, state): &(ServerId, &State)| state.role.is_leader();
        Self {
            terms: world.servers.iter().map(|state| state.ballot.current_term).collect(),
            leaders: world.states().filter(leads).map(|(id, _)| id).collect(),
        }
    }

    /// Whether it says of so many servers what they are.
    pub(super) fn is_of(&self, size: u8) -> bool {
        self.terms.len() == usize::from(size)
    }

    /// The world: whoever leads was elected, the others of its term have heard it; and who is in a
    /// term without a leader has campaigned for it, in vain.
    pub(super) fn world(&self, setting: &Setting, model: &WorldModel) -> World {
        let mut world = model.initial();
        for (id, &term) in setting.cluster.servers().zip(&self.terms) {
            let same = |leader: &ServerId| self.terms.get(leader.index()) == Some(&term);
            let leader = self.leaders.iter().find(same);
            let voted_for = leader.or_else(|| (term > Term::ZERO).then_some(id));
            let ballot = Ballot { current_term: term, voted_for };
            let before = State { ballot, role: Role::FOLLOWER };
            let state = match leader {
                None => before,
                Some(leader) if leader == id => elected(setting, model, id, ballot),
                Some(from) => {
                    let message = Message::AppendEntries { term, round: Round::FIRST };
                    let heard = Event::Receive { from, message };
                    (model.handlers.step)(&model.bounds.server(id), before, heard).state
                }
            };
            world.servers[id.index()] = state;
            world.stored[id.index()] = ballot;
        }
        world
    }
}

/// The server, after the vote that completed its quorum.
fn elected(setting: &Setting, model: &WorldModel, id: ServerId, ballot: Ballot) -> State {
    let votes = setting.cluster.servers().collect();
    let before = State { ballot, role: Role::Candidate { votes } };
    let Some(from) = setting.cluster.others(id).next() else { return before };
    let message = Message::RequestVoteResponse { term: ballot.current_term, vote_granted: true };
    let server = model.bounds.server(id);
    (model.handlers.step)(&server, before, Event::Receive { from, message }).state
}

impl fmt::Display for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            let leads = self.leaders.iter().any(|leader| leader.index() == at);
            write!(f, "{dot}{term}{}", if leads { "l" } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for Begin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "the terms of all servers are wanted, and an l behind those that lead";
        let mut begin = Self { terms: Vec::new(), leaders: ServerSet::EMPTY };
        for (number, part) in (1..).zip(text.split('.')) {
            let id = ServerId::new(number).ok_or(WRONG)?;
            let term = part.strip_suffix('l');
            begin.terms.push(Term::new(term.unwrap_or(part).parse().map_err(|_| WRONG)?));
            if term.is_some() {
                begin.leaders = begin.leaders.with(id);
            }
        }
        let led = begin.leaders.iter().map(|id| begin.terms[id.index()]);
        let mut led: Vec<_> = led.collect();
        led.sort_unstable();
        let is_led_once = led.windows(2).all(|two| two[0] != two[1]);
        let is_right = is_led_once && led.first().is_none_or(|&term| term > Term::ZERO);
        is_right.then_some(begin).ok_or("a term has one leader at most, and term 0 has none")
    }
}
