//! The direct model: all servers, what they have on disk, and every message ever sent.
//!
//! The network is the set of sent messages. A message is never taken out of it, so it may be
//! delivered never (loss), twice (duplication), or after younger ones (delay, reordering).
//!
//! A crash and the recovery from it are one action,
//! [`Action::Restart`](crate::action::Action::Restart): the stored ballot is kept, everything else
//! is as [`Server::start`] gives it. A server that is down for a while is one whose messages are
//! late and whose timer is silent.
//!
//! [`Server::start`]: crate::election::Server::start

pub mod bounds;
pub mod links;
pub mod model;
mod order;
pub mod properties;

pub use model::{ElectionModel, WorldModel};

pub use crate::election::Handlers;
pub use crate::run::World;

use crate::action::{Envelope, Trigger};
use crate::election::{Ballot, State, Step};
use crate::types::ServerId;
use crate::world::bounds::Bounds;

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
        let server = bounds.server(id);
        let step = match trigger {
            Trigger::Restart => (self.start)(&server, Some(stored)),
            Trigger::LoseDisk => (self.lose_disk)(&server),
            Trigger::Event(event) => (self.step)(&server, *before, event),
        };
        let sent = Envelope::of(id, step.outgoing);
        let sent = sent.filter(|sent| bounds.replies.keep(trigger, sent.message));
        (step, sent)
    }
}
