//! The network of a simulation. It loses, repeats, delays and reorders datagrams, is cut, and has
//! somebody on it who records all and brings some of it again.

use std::collections::VecDeque;
use std::net::SocketAddr;

use raft_model::cluster::Cluster;
use raft_model::types::ServerId;
use rand::RngExt;

use super::judge::Violation;
use super::world::{Event, MILLISECOND, World};
use crate::session::numbered;

/// How many datagrams are recorded.
const RECORDED: usize = 4096;

/// A datagram under way, and what its receiver cannot know for sure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parcel {
    pub(super) from: ServerId,
    /// Which run of its sender has sent it.
    pub(super) run: u64,
    pub(super) source: SocketAddr,
    pub(super) to: ServerId,
    /// Which run its receiver was in then.
    pub(super) to_run: u64,
    address: SocketAddr,
    pub(super) datagram: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Network {
    /// By receiver, bit by bit, whom it hears.
    pub(super) hears: [u8; Cluster::MAX_SIZE as usize],
    /// Where servers are. Each knows what it was when it was started.
    pub(super) addresses: Vec<SocketAddr>,
    recorded: VecDeque<Parcel>,
}

impl Network {
    pub(super) fn new(addresses: Vec<SocketAddr>) -> Self {
        Self { hears: [u8::MAX; _], addresses, recorded: VecDeque::new() }
    }

    fn is_heard(&self, from: ServerId, to: ServerId) -> bool {
        self.hears[to.index()] >> from.index() & 1 == 1
    }

    /// From now on a server is where no server was before.
    pub(super) fn moves(&mut self, server: ServerId) {
        let port = self.addresses.iter().map(SocketAddr::port).max().unwrap_or(0) + 1;
        if let Some(address) = self.addresses.get_mut(server.index()) {
            address.set_port(port);
        }
    }
}

impl World {
    pub(super) fn send(
        &mut self,
        from: ServerId,
        to: ServerId,
        address: SocketAddr,
        datagram: Vec<u8>,
    ) -> Result<(), Violation> {
        if let Some(name) = numbered(&datagram) {
            self.judge.seals(from, name, &datagram)?;
        }
        let (Some(sender), Some(receiver)) = (self.machines.get(&from), self.machines.get(&to))
        else {
            return Ok(());
        };
        let (run, to_run, source) = (sender.starts, receiver.starts, sender.config.own_address());
        let parcel = Parcel { from, run, source, to, to_run, address, datagram };
        if self.network.recorded.len() == RECORDED {
            self.network.recorded.pop_front();
        }
        self.network.recorded.push_back(parcel.clone());
        if !self.network.is_heard(from, to) || self.random.random_ratio(1, 50) {
            return Ok(());
        }
        let copies = if self.random.random_ratio(1, 50) { 2 } else { 1 };
        for _ in 0..copies {
            let longest = match self.random.random_range(0..100) {
                0..90 => 2,
                90..98 => 50,
                _ => 1500,
            };
            let time = self.random.random_range(MILLISECOND / 20..longest * MILLISECOND);
            self.at(self.now + time, Event::Arrives(parcel.clone()));
        }
        Ok(())
    }

    pub(super) fn arrives(&mut self, parcel: Parcel) -> Result<(), Violation> {
        let Parcel { from, to, address, .. } = parcel;
        if self.network.is_heard(from, to)
            && self.network.addresses.get(to.index()) == Some(&address)
            && let Some(machine) = self.machines.get_mut(&to)
        {
            if machine.returning.is_some() {
                return self.is_told(&parcel);
            }
            machine.arrives(parcel);
            self.turn(to)?;
        }
        Ok(())
    }

    /// Some of what was recorded for a server comes again, old and new, in any order.
    pub(super) fn replay(&mut self, server: ServerId, count: u32) {
        let all: Vec<_> =
            self.network.recorded.iter().filter(|it| it.to == server).cloned().collect();
        for _ in 0..count.min(u32::try_from(all.len()).unwrap_or(count)) {
            let parcel = all[self.random.random_range(0..all.len())].clone();
            let time = self.random.random_range(0..50 * MILLISECOND);
            self.at(self.now + time, Event::Arrives(parcel));
        }
    }
}
