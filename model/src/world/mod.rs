//! The direct model: all servers, what they have on disk, and every message ever sent.
//!
//! The network is the set of sent messages. A message is never taken out of it, so it may be
//! delivered never (loss), twice (duplication), or after younger ones (delay, reordering).
//!
//! A crash and the recovery from it are one action,
//! [`Action::Restart`](crate::action::Action::Restart): the stored ballot is kept, everything else
//! is as [`Server::start`] gives it. A server that is down for a while is one whose messages are
//! late and whose timer is silent.

pub mod bounds;
pub mod model;
pub mod properties;
pub mod story;

pub use model::{ElectionModel, WorldModel};

use std::collections::BTreeSet;

use crate::action::{Envelope, Trigger};
pub use crate::election::Handlers;
use crate::election::{Ballot, Event, Server, State, Step};
use crate::types::{Cluster, ServerId};
use crate::world::bounds::Bounds;

/// The state of everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Each server's state, S1 first.
    pub servers: Vec<State>,
    /// Each server's ballot on disk, S1 first. It is written only when a step says `persist`, so
    /// that a step that forgets to say it can be seen.
    pub stored: Vec<Ballot>,
    /// Every message ever sent.
    pub sent: BTreeSet<Envelope>,
}

impl World {
    /// The cluster that this is the world of.
    pub fn cluster(&self) -> Cluster {
        let size = u8::try_from(self.servers.len()).unwrap_or(u8::MAX);
        Cluster::new(size).expect("a world is made from a cluster")
    }

    /// The servers and their states.
    pub fn states(&self) -> impl Iterator<Item = (ServerId, &State)> {
        self.cluster().servers().zip(&self.servers)
    }

    /// The state of one server.
    pub fn state(&self, server: ServerId) -> &State {
        &self.servers[server.index()]
    }

    /// The messages that can be delivered, each with who would receive it.
    fn deliveries(&self) -> impl Iterator<Item = (ServerId, Event)> {
        self.sent.iter().flat_map(|envelope| envelope.deliveries(self.cluster()))
    }
}

impl Handlers {
    /// What a server does for this trigger, and the message that the network keeps of it.
    #[inline] // the packed model does little else
    pub(crate) fn act(
        self,
        bounds: &Bounds,
        id: ServerId,
        before: &State,
        stored: Ballot,
        trigger: Trigger,
    ) -> (Step, Option<Envelope>) {
        let server = Server { id, cluster: bounds.cluster };
        let step = match trigger {
            Trigger::Restart => (self.start)(&server, Some(stored)),
            Trigger::Event(event) => (self.step)(&server, *before, event),
        };
        let sent = Envelope::of(id, step.outgoing);
        let sent = sent.filter(|sent| bounds.replies.keep(trigger, sent.message));
        (step, sent)
    }
}
