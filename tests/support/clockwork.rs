//! A cluster in one process whose clock, network and timers do what a story says, so that it shows
//! what a mistake about timers comes to. Nothing is random.

use raft_model::cluster::Cluster;
use raft_model::election::{Event, Outgoing, Rule, State, Step, Timer};
use raft_model::message::Message;
use raft_model::types::{Attempt, ServerId};
use raft_model::world::Handlers;

use crate::bounds::server;

/// A leader says that it leads every so many moments.
const HEARTBEAT: u64 = 3;

/// What happens to a cluster.
pub struct Story {
    /// For each server how long it waits for a leader, the first time, the second time and so on;
    /// the last of them for ever.
    pub timeouts: &'static [&'static [u64]],
    /// How long a message takes that is sent at a moment by a server to another; `None` if it is
    /// lost.
    pub takes: fn(u64, u8, u8) -> Option<u64>,
    /// How many moments are told.
    pub moments: u64,
}

/// A server in a story.
struct Actor {
    state: State,
    /// When its timer fires, if it has one running.
    due: Option<u64>,
    timeouts: std::slice::Iter<'static, u64>,
    timeout: u64,
}

struct Letter {
    arrives: u64,
    from: ServerId,
    to: ServerId,
    message: Message,
}

impl Story {
    /// Who is elected, with which term, in order.
    pub fn elects(&self, handlers: Handlers) -> Vec<(u8, u64)> {
        let mut elected = Vec::new();
        self.play(handlers, |id, step| {
            if step.rule == Rule::Elected {
                elected.push((id.number(), step.state.ballot.current_term.number()));
            }
        });
        elected
    }

    fn play(&self, handlers: Handlers, mut tell: impl FnMut(ServerId, &Step)) {
        let size = u8::try_from(self.timeouts.len()).unwrap();
        let cluster = Cluster::new(size).unwrap();
        let server = |id| server(id, cluster);
        let mut letters: Vec<Letter> = Vec::new();
        let mut actors: Vec<Actor> = Vec::new();
        for id in cluster.servers() {
            let step = (handlers.start)(&server(id), None);
            let mut actor = Actor {
                state: step.state,
                due: None,
                timeouts: self.timeouts[id.index()].iter(),
                timeout: 0,
            };
            actor.obey(0, &step);
            actors.push(actor);
        }
        for now in 1..=self.moments {
            let mut events = Vec::new();
            letters.retain(|letter| {
                let Letter { arrives, from, to, message } = *letter;
                if arrives == now {
                    events.push((to, Event::Receive { from, message }));
                }
                arrives > now
            });
            events.extend(
                cluster.servers().map(|id| (id, Event::Timeout { attempt: Attempt::FIRST })),
            );
            for (id, event) in events {
                let actor = &mut actors[id.index()];
                if matches!(event, Event::Timeout { .. })
                    && actor.due.take_if(|due| *due == now).is_none()
                {
                    continue;
                }
                let step = (handlers.step)(&server(id), actor.state, event);
                actor.obey(now, &step);
                tell(id, &step);
                let (to, message) = match step.outgoing {
                    Outgoing::Nothing => continue,
                    Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                        (vec![to], message)
                    }
                    Outgoing::Broadcast { message } => (cluster.others(id).collect(), message),
                };
                letters.extend(to.into_iter().filter_map(|to| {
                    let takes = (self.takes)(now, id.number(), to.number())?;
                    Some(Letter { arrives: now + takes, from: id, to, message })
                }));
            }
        }
    }
}

impl Actor {
    fn obey(&mut self, now: u64, step: &Step) {
        self.state = step.state;
        if step.restart_timer {
            let timeout = match step.state.timer() {
                Timer::Contact => self.timeout,
                Timer::Heartbeat => HEARTBEAT,
                Timer::Election => {
                    self.timeout = self.timeouts.next().copied().unwrap_or(self.timeout);
                    self.timeout
                }
            };
            self.due = Some(now + timeout);
        }
    }
}
