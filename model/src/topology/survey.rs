//! Every protocol on every class of links, by several threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::calm::{Calm, Orders};
use super::judge::{Finding, judge};
use super::named::name;
use crate::cluster::{Cluster, Protocol};
use crate::election::Handlers;
use crate::search::{Control, Stop};
use crate::types::ServerSet;
use crate::world::links::Links;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Survey {
    /// How many servers there are.
    pub size: u8,
    /// The links.
    pub links: Vec<Links>,
    /// The protocols.
    pub protocols: Vec<Protocol>,
    /// What drives the servers.
    pub handlers: Handlers,
    /// In which orders messages arrive.
    pub orders: Orders,
    /// See [`Calm::gap`].
    pub gap: u64,
}

/// What was found on some links.
#[derive(Clone, Debug)]
pub struct Row {
    /// The links.
    pub links: Links,
    /// What they are called.
    pub name: Option<&'static str>,
    /// The servers that are linked both ways to a quorum.
    pub centres: ServerSet,
    /// What was found of each protocol.
    pub findings: Vec<Finding>,
}

impl Survey {
    /// How far apart terms are told apart among so many servers, usually: so far that no terms of
    /// servers with both guards ever are further apart.
    pub const fn gap(size: u8) -> u64 {
        if size <= 3 { 3 } else { 2 }
    }

    /// The specification on all links of so many servers; in every order of messages, if they are
    /// few.
    pub fn of(cluster: Cluster, directed: bool) -> Self {
        Self {
            size: cluster.size(),
            links: Links::classes(cluster, directed),
            protocols: Protocol::ALL.to_vec(),
            handlers: Handlers::RAFT,
            orders: if cluster.size() <= 3 { Orders::Every } else { Orders::Fifo },
            gap: Self::gap(cluster.size()),
        }
    }

    /// Judges every protocol on all links. The findings come in the order of the links, and of the
    /// protocols.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    ///
    /// # Panics
    ///
    /// If no cluster has so many servers.
    pub fn judge(&self, control: &Control) -> Result<Vec<Row>, Stop> {
        let jobs: Vec<(Links, Protocol)> = self
            .links
            .iter()
            .flat_map(|&links| self.protocols.iter().map(move |&protocol| (links, protocol)))
            .collect();
        let found = Mutex::new(vec![None; jobs.len()]);
        let next = AtomicUsize::new(0);
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let work = || -> Result<(), Stop> {
            while let Some((number, &(links, protocol))) = {
                let number = next.fetch_add(1, Relaxed);
                jobs.get(number).map(|job| (number, job))
            } {
                let of = jobs.len();
                control.begins(format!("{number} of {of}, {protocol} on {links}, "));
                let finding = judge(self.calm(links, protocol), control)?;
                found.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(finding);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
        })?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut found = found.into_iter().map(|finding| finding.expect("every job was done"));
        let rows = self.links.iter().map(|&links| {
            let cluster = self.cluster(Protocol::FIGURE2);
            let findings = found.by_ref().take(self.protocols.len()).collect();
            let centres = links.centres(cluster);
            Row { links, name: name(cluster, links), centres, findings }
        });
        Ok(rows.collect())
    }

    fn cluster(&self, protocol: Protocol) -> Cluster {
        Cluster::with(self.size, protocol).expect("a cluster of that size")
    }

    /// The calm phase on some links, by a protocol.
    fn calm(&self, links: Links, protocol: Protocol) -> Calm {
        let Self { handlers, orders, gap, .. } = *self;
        Calm { cluster: self.cluster(protocol), links, handlers, orders, gap }
    }
}
