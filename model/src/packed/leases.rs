//! The leases of a packed world: for each server two sets, each of which may be none.

use super::{Layout, Packed};
use crate::cluster::Cluster;
use crate::election::Effect;
use crate::run::Lease;
use crate::types::{ServerId, ServerSet};

/// How many bits the lease of a server takes.
pub(super) const fn lease_bits(cluster: Cluster) -> u32 {
    2 * (1 + cluster.size() as u32)
}

impl Layout {
    /// What is known of the lease of a server.
    pub(crate) fn lease<const W: usize>(&self, world: &Packed<W>, server: ServerId) -> Lease {
        let Some(&(word, up)) = self.leases.get(server.index()) else { return Lease::NONE };
        let bits = world.0[word] >> up;
        let half = lease_bits(self.cluster()) / 2;
        let set = |bits: u64| {
            let [members, ..] = (bits >> 1 & ((1 << (half - 1)) - 1)).to_le_bytes();
            (bits & 1 == 1).then(|| ServerSet::from_bits(members))
        };
        Lease { open: set(bits), valid: set(bits >> half) }
    }

    /// Whether one world tells the same of leases as another.
    pub(crate) fn has_leases_of<const W: usize>(&self, one: &Packed<W>, other: &Packed<W>) -> bool {
        let mask = (1 << lease_bits(self.cluster())) - 1;
        let differs = |(word, up): (usize, u32)| (one.0[word] ^ other.0[word]) >> up & mask != 0;
        !self.leases.iter().any(|&place| differs(place))
    }

    /// Changes the leases of all servers, if worlds tell of them.
    pub(crate) fn set_leases<const W: usize>(&self, world: &mut Packed<W>, leases: &[Lease]) {
        let size = lease_bits(self.cluster());
        let bits = |set: Option<ServerSet>| set.map_or(0, |set| u64::from(set.bits()) << 1 | 1);
        for (&(word, up), lease) in self.leases.iter().zip(leases) {
            let bits = bits(lease.open) | bits(lease.valid) << (size / 2);
            world.0[word] = world.0[word] & !(((1 << size) - 1) << up) | bits << up;
        }
    }

    /// Whether worlds tell of leases.
    pub(crate) const fn has_leases(&self) -> bool {
        !self.leases.is_empty()
    }

    /// The world after what a step of a server does to the leases.
    pub(super) fn affected<const W: usize>(
        &self,
        mut world: Packed<W>,
        id: ServerId,
        effect: Effect,
    ) -> Packed<W> {
        let mut leases = [Lease::NONE; Cluster::MAX_SIZE as usize];
        for server in self.cluster().servers() {
            leases[server.index()] = self.lease(&world, server);
        }
        effect.apply(id, &mut leases);
        self.set_leases(&mut world, &leases);
        world
    }
}
