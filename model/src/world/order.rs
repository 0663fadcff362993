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
