//! Packed worlds, as the properties look at them.

use super::{Layout, Packed};
use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, State};
use crate::run::Lease;
use crate::types::ServerId;
use crate::world::properties::View;

/// A packed world, and how to read it.
#[derive(Clone, Copy, Debug)]
pub struct PackedView<'a, const W: usize>(pub &'a Layout, pub &'a Packed<W>);

impl<const W: usize> View for PackedView<'_, W> {
    fn cluster(&self) -> Cluster {
        self.0.cluster()
    }

    fn state(&self, server: ServerId) -> State {
        self.0.state(self.1, server)
    }

    /// What is packed was stored.
    fn stored(&self, server: ServerId) -> Ballot {
        self.state(server).ballot
    }

    fn sent(&self) -> impl Iterator<Item = Envelope> {
        self.0.sent(self.1)
    }

    fn sent_since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = Envelope> + 'a {
        self.0.sent_since(self.1, earlier.1)
    }

    fn lease(&self, server: ServerId) -> Lease {
        self.0.lease(self.1, server)
    }
}
