//! Leases without clocks: what their safety needs to know of time is an order of events.
//!
//! A contact lasts one minimum election timeout by the clock of the server that keeps it. A lease
//! lasts a little less, by the clock of the leader, counted from the opening of its round: so much
//! less that it is the shorter one however the clocks' rates differ within their bound. So one fact
//! about time is all there is: **when a contact ends, every round that was opened before this
//! contact began gives no lease any more.** Nothing else ends a lease here, and nothing else bounds
//! a contact: whatever real clocks do, this order has it. (Tests have clocks that tick, and drift,
//! beside worlds that know no such order: `reduce/ticks`.)
//!
//! A lease that was handed out stays valid whatever becomes of the server: it crashes, it is
//! deposed. Only who hands over waits until it is over; that is what
//! [`crate::election::Event::HandOver`] promises. What a step means for leases, [`Effect`] says.

use crate::election::Effect;
use crate::run::Lease;
use crate::types::{ServerId, ServerSet};

impl Effect {
    /// Whether any leases could change by it.
    pub(crate) fn matters(self) -> bool {
        self != Self::default()
    }

    /// The leases after such a step of this server.
    pub(crate) fn apply(self, id: ServerId, leases: &mut [Lease]) {
        if self.loses_contact {
            let ended = |since: Option<ServerSet>| since.filter(|since| !since.contains(id));
            for lease in &mut *leases {
                *lease = Lease { open: ended(lease.open), valid: ended(lease.valid) };
            }
        }
        if let Some(begins) = self.contact {
            let changed =
                |since: ServerSet| if begins { since.with(id) } else { since.without(id) };
            for lease in &mut *leases {
                lease.open = lease.open.map(changed);
                lease.valid = lease.valid.map(changed);
            }
        }
        let own = &mut leases[id.index()];
        if self.gives_up {
            own.valid = None;
        }
        if self.closes {
            own.open = None;
        }
        if self.opens {
            own.open = Some(ServerSet::EMPTY);
        }
        if self.confirms {
            own.valid = own.open;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Cluster, Protocol};
    use crate::election::{Ballot, Event, Role, Server, State};
    use crate::message::Message;
    use crate::types::{Attempt, Beats, Round, Term};

    /// S1 of so many servers with check-quorum.
    fn server(servers: u8) -> Server {
        let cluster = Cluster::with(servers, Protocol::CHECK_QUORUM).unwrap();
        Server { id: ServerId::FIRST, cluster, patience: Beats::ZERO.next() }
    }

    /// What each of these means that happen to it one after the other.
    fn effects<const N: usize>(server: &Server, events: [Event; N]) -> [Effect; N] {
        let mut state = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
        events.map(|event| {
            let step = server.step(state, event);
            state = step.state;
            Effect::of(server, Some(event), &step)
        })
    }

    fn timeout() -> Event {
        Event::Timeout { attempt: Attempt::FIRST }
    }

    fn receive(message: Message) -> Event {
        Event::Receive { from: ServerId::new(2).unwrap(), message }
    }

    #[test]
    fn a_round_is_open_while_its_leader_leads() {
        let mut leases = [Lease::default(); 2];
        let vote = Message::RequestVoteResponse { term: Term::new(1), vote_granted: true };
        let answer =
            Message::AppendEntriesResponse { term: Term::new(1), round: Some(Round::FIRST) };
        let newer = Message::RequestVoteResponse { term: Term::new(2), vote_granted: false };
        let events = [timeout(), receive(vote), receive(answer), receive(newer)];
        let told = effects(&server(2), events).map(|effect| {
            effect.apply(ServerId::FIRST, &mut leases);
            let Lease { open, valid } = leases[0];
            (open.is_some(), valid.is_some())
        });
        assert_eq!(told, [(false, false), (true, false), (true, true), (false, true)]);
    }

    #[test]
    fn a_contact_begins_anew_only_where_its_timer_does() {
        let term = Term::new(1);
        let heartbeat = receive(Message::AppendEntries { term, round: Round::FIRST });
        let request = receive(Message::RequestVote { term, hand_over: false });
        let events = [heartbeat, request, heartbeat, timeout(), request];
        let told = effects(&server(3), events).map(|effect| effect.contact);
        assert_eq!(told, [Some(true), None, Some(true), Some(false), Some(false)]);
    }
}
