//! One copy of the ballot, as the bytes of a block of its own on the disk.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | `RAFTVOTE` |
//! | 8 | 4 | version of this format: 4 |
//! | 12 | 1 | number of the server |
//! | 13 | 1 | number of the server that has its vote, or 0 |
//! | 14 | 1 | length of the name of the cluster |
//! | 15 | 32 | name of the cluster, then zeros |
//! | 47 | 1 | number of servers in the cluster |
//! | 48 | 8 | generation |
//! | 56 | 8 | current term |
//! | 64 | 1 | guards of the cluster, as [`Protocol::bits`] |
//! | 65 | 1 | witnesses of the cluster, as [`ServerSet::bits`] |
//! | 66 | 8 | promise, in microseconds |
//! | 74 | 434 | zeros |
//! | 508 | 4 | CRC-32 of everything before |
//! | 512 | 3584 | zeros |
//!
//! Numbers have their most significant byte first. A later version keeps the first two fields and
//! the checksum where they are. Older ones are read, too: version 3 has its checksum in the last
//! four bytes of the block, version 2 knows no promise, and version 1 neither guards nor witnesses
//! either. Where they are now, those have zeros, which mean none.
//!
//! Whatever changes from one ballot to the next stands in the first 512 bytes. Disks write so many
//! at once, so a block is torn only if the disk was writing that sector when the power failed.
//!
//! The promise is how long a server may have said that it stays in contact, when it ran before. A
//! lease may count on it even if the server comes back with shorter timeouts.

use std::fmt;
use std::time::Duration;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Ballot, Server};
use raft_model::types::{ServerId, ServerSet, Term};

use crate::clock::microseconds;
use crate::config::{ClusterName, Config};

/// The size of a slot in bytes: a sector of today's disks, so that writing one touches no other.
pub const SLOT_SIZE: usize = 4096;

const MAGIC: [u8; 8] = *b"RAFTVOTE";
const VERSION: u32 = 4;

/// Whose ballot it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name of the cluster.
    pub cluster: ClusterName,
    /// Its servers, of which a quorum of more or fewer need not meet those that it voted in, and
    /// their guards and witnesses, since promises that others rely on depend on them.
    pub servers: Cluster,
    /// The server.
    pub server: ServerId,
}

impl Owner {
    /// The server with this configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let Server { id: server, cluster: servers, .. } = config.server();
        Self { cluster: config.cluster_name().clone(), servers, server }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, servers, server } = self;
        write!(f, "server {} of cluster {:?} of ", server.number(), cluster.as_str())?;
        // Whoever compares two of these sees what was left to its default, too.
        let (size, protocol) = (servers.size(), servers.protocol());
        write!(f, "{size} server{} ({protocol}", if size == 1 { "" } else { "s" })?;
        if servers.witnesses().is_empty() {
            f.write_str(", no witness")?;
        }
        for witness in servers.witnesses().iter() {
            write!(f, ", witness {witness}")?;
        }
        f.write_str(")")
    }
}

/// One copy of the ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) owner: Owner,
    pub(crate) generation: u64,
    pub(crate) ballot: Ballot,
    /// The longest that others may count on, whole microseconds.
    pub(crate) promise: Duration,
}

/// Why a block is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Its bytes are not what was written.
    Checksum,
    /// They are, but in another version of the format.
    Version(u32),
}

impl Slot {
    /// That of a server that has never run.
    pub(crate) fn first(owner: Owner) -> Self {
        Self { owner, generation: 0, ballot: Ballot::INITIAL, promise: Duration::ZERO }
    }

    /// That of a server that came back in this run: opening it begins the run.
    pub(crate) fn after_loss(owner: Owner, boot: u64, ballot: Ballot) -> Self {
        Self { generation: boot.saturating_sub(1), ballot, ..Self::first(owner) }
    }

    pub(crate) fn encode(&self) -> [u8; SLOT_SIZE] {
        self.encode_as(VERSION)
    }

    /// As a program that knew this version wrote it.
    pub(crate) fn encode_as(&self, version: u32) -> [u8; SLOT_SIZE] {
        let name = self.owner.cluster.as_str().as_bytes();
        let voted_for = self.ballot.voted_for.map_or(0, ServerId::number);
        let mut block = [0; SLOT_SIZE];
        block[0..8].copy_from_slice(&MAGIC);
        block[8..12].copy_from_slice(&version.to_be_bytes());
        block[12] = self.owner.server.number();
        block[13] = voted_for;
        block[14] = name.len().to_le_bytes()[0]; // at most `ClusterName::MAX_LEN`
        block[15..15 + name.len()].copy_from_slice(name);
        block[47] = self.owner.servers.size();
        block[48..56].copy_from_slice(&self.generation.to_be_bytes());
        block[56..64].copy_from_slice(&self.ballot.current_term.number().to_be_bytes());
        block[64] = self.owner.servers.protocol().bits();
        block[65] = self.owner.servers.witnesses().bits();
        if version > 2 {
            block[66..74].copy_from_slice(&microseconds(self.promise).to_be_bytes());
        }
        seal(&mut block);
        block
    }

    pub(crate) fn decode(block: &[u8; SLOT_SIZE]) -> Result<Self, Damage> {
        let mut sealed = *block;
        seal(&mut sealed);
        if field(block, 0) != MAGIC || sealed != *block {
            return Err(Damage::Checksum);
        }
        let version = version(block);
        let protocol = match version {
            1 => Some(Protocol::FIGURE2),
            2..=VERSION => Protocol::from_bits(block[64]),
            _ => None,
        };
        let Some(protocol) = protocol else {
            return Err(Damage::Version(version));
        };
        // Only what `encode` writes is a slot: whatever else a block may hold, it is not a ballot.
        let is_written = |slot: &Self| slot.encode_as(version) == *block;
        Self::parse(block, protocol).filter(is_written).ok_or(Damage::Checksum)
    }

    fn parse(block: &[u8; SLOT_SIZE], protocol: Protocol) -> Option<Self> {
        let [server, voted_for, len] = field(block, 12);
        let name = block.get(15..15 + usize::from(len))?;
        let term = Term::new(u64::from_be_bytes(field(block, 56)));
        let witnesses = ServerSet::from_bits(block[65]);
        Some(Self {
            owner: Owner {
                cluster: ClusterName::new(std::str::from_utf8(name).ok()?)?,
                servers: Cluster::with(block[47], protocol).ok()?.with_witnesses(witnesses).ok()?,
                server: ServerId::new(server)?,
            },
            generation: u64::from_be_bytes(field(block, 48)),
            ballot: Ballot { current_term: term, voted_for: ServerId::new(voted_for) },
            promise: Duration::from_micros(u64::from_be_bytes(field(block, 66))),
        })
    }
}

/// The version that a block says it has, before anything is known of its bytes.
fn version(block: &[u8; SLOT_SIZE]) -> u32 {
    u32::from_be_bytes(field(block, 8))
}

/// Writes the checksum of a block where its version has it.
pub(crate) fn seal(block: &mut [u8; SLOT_SIZE]) {
    let at = if version(block) < 4 { SLOT_SIZE - 4 } else { 508 };
    let checksum = crc32fast::hash(&block[..at]);
    block[at..at + 4].copy_from_slice(&checksum.to_be_bytes());
}

fn field<const N: usize>(block: &[u8; SLOT_SIZE], offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&block[offset..offset + N]);
    bytes
}
