//! The two copies of the ballot, and why neither a crash nor a damaged block loses a vote.
//!
//! The file holds the ballot twice, in two **slots** of [`SLOT_SIZE`] bytes, A and then B. Each
//! slot has a checksum over all its bytes and a *generation*, which every save and every opening
//! increases by one. A save writes both slots, and waits until the disk confirms them; only then
//! does it return, and only then may the server act on the ballot. An election waits for the disk
//! once at the candidate and once at the voter. Neither write touches the other slot or the size of
//! the file.
//!
//! Why that is safe. When a server acts on a ballot, both slots hold it.
//!
//! * **A crash during a save** finds each slot as it was or as it shall be, in any order, but for
//!   the one that the disk is writing when the power fails, which can be torn. The server has not
//!   acted on the new ballot yet, so both are right, and the higher generation is taken. A slot
//!   changes in one sector only. So a disk tears both only if it damages what it does not write;
//!   that is refused, like any other damage to both, and forgets no vote.
//! * **One damaged slot**, torn, decayed or unreadable, may have held the latest ballot acted upon;
//!   so the other holds that ballot too, or, if the damage is that of a crash during a save, one
//!   that is newer.
//! * **Opening** the file acts on what it finds, so it makes the rule above true again first. It
//!   waits until what it found is durable, since a process that was killed may have left it on its
//!   way. Then it writes the ballot to the other slot, and then to its own: in this order one slot
//!   is whole at every moment. The second write is for the case that the one found never arrives,
//!   since after a failed write the system may show bytes that are not on the disk. Each has its
//!   own wait: the slot that is not being written may be torn already, by the crash before.
//! * **Anything else** is refused: two damaged slots, a file of another size, server, cluster or
//!   version, two different ballots of one generation, generations more than one apart, which only
//!   a disk leaves behind that has failed or loses confirmed writes, and one that no server lives
//!   to write.

use std::io;
use std::time::Duration;

use raft_model::election::Ballot;

use crate::disk::files::SlotFile;
use crate::disk::slot::{Damage, Owner, SLOT_SIZE, Slot};

/// At a save a nanosecond, the next would come after three hundred years: so none overflows.
const LAST_GENERATION: u64 = u64::MAX / 2;

/// Which of the two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    A,
    B,
}

impl Place {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub(crate) const fn offset(self) -> u64 {
        match self {
            Self::A => 0,
            Self::B => SLOT_SIZE as u64,
        }
    }
}

/// The two slots, both with the same ballot.
#[derive(Debug)]
pub(crate) struct Slots<F> {
    file: F,
    slot: Slot,
}

impl<F: SlotFile> Slots<F> {
    /// Reads the ballot of this server, and makes both slots hold it, as a new generation.
    ///
    /// The server promises so much from now on; what it promised before stands, too.
    pub(crate) fn open(mut file: F, owner: &Owner, promise: Duration) -> Result<Self, Refusal> {
        let (place, slot) = read(&file, owner)?;
        file.sync()?; // it may have been read on its way to the disk
        let mut slots = Self { file, slot };
        slots.slot.generation += 1;
        slots.slot.promise = slots.slot.promise.max(promise);
        for place in [place.other(), place] {
            slots.write(place)?;
            slots.file.sync()?;
        }
        Ok(slots)
    }

    pub(crate) fn ballot(&self) -> Ballot {
        self.slot.ballot
    }

    pub(crate) fn generation(&self) -> u64 {
        self.slot.generation
    }

    /// The longest that others may count on.
    pub(crate) fn promise(&self) -> Duration {
        self.slot.promise
    }

    /// When it returns without an error, both slots hold this ballot. After an error they hold
    /// nobody knows what.
    pub(crate) fn save(&mut self, ballot: Ballot, promise: Duration) -> io::Result<()> {
        self.slot.ballot = ballot;
        self.slot.promise = promise;
        self.slot.generation += 1;
        for place in [Place::A, Place::B] {
            self.write(place)?;
        }
        self.file.sync()
    }

    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: F) {
        self.file = file;
    }

    fn write(&mut self, place: Place) -> io::Result<()> {
        self.file.write(place, &self.slot.encode())
    }
}

/// The slot that holds the ballot, and where it stands.
fn read(file: &impl SlotFile, owner: &Owner) -> Result<(Place, Slot), Refusal> {
    let size = file.size()?;
    if size != 2 * SLOT_SIZE as u64 {
        return Err(Untrusted::Size(size).into());
    }
    let slot = |place| -> Result<Option<Slot>, Refusal> {
        // A block that the power failed on may not even be readable: damage like any other.
        let Ok(block) = file.read(place) else { return Ok(None) };
        match Slot::decode(&block) {
            Ok(slot) if slot.owner != *owner => {
                Err(Untrusted::Owner(slot.owner, owner.clone()).into())
            }
            Ok(slot) if slot.generation > LAST_GENERATION => {
                Err(Untrusted::Generation(slot.generation).into())
            }
            Ok(slot) => Ok(Some(slot)),
            Err(Damage::Version(version)) => Err(Untrusted::Version(version).into()),
            Err(Damage::Checksum) => Ok(None),
        }
    };
    match (slot(Place::A)?, slot(Place::B)?) {
        (Some(a), Some(b)) => match (a.generation, b.generation) {
            (x, y) if x == y && a != b => Err(Untrusted::Different.into()),
            (x, y) if x.abs_diff(y) > 1 => Err(Untrusted::LostWrites(x, y).into()),
            (x, y) if x < y => Ok((Place::B, b)),
            _ => Ok((Place::A, a)),
        },
        (Some(a), None) => Ok((warned(Place::A, owner), a)),
        (None, Some(b)) => Ok((warned(Place::B, owner), b)),
        (None, None) => Err(Untrusted::BothDamaged.into()),
    }
}

fn warned(whole: Place, owner: &Owner) -> Place {
    tracing::warn!(
        "{owner}: slot {:?} of the ballot is damaged; slot {whole:?} holds the ballot, and \
         replaces it",
        whole.other(),
    );
    whole
}

/// Why the slots cannot be opened.
#[derive(Debug)]
pub(crate) enum Refusal {
    Io(io::Error),
    Untrusted(Untrusted),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Untrusted> for Refusal {
    fn from(reason: Untrusted) -> Self {
        Self::Untrusted(reason)
    }
}

/// Why a ballot cannot be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The file has another size than two slots.
    #[error(
        "the ballot has {0} bytes instead of {size}, so it is not whole. {LOST}: {RESTORE}",
        size = 2 * SLOT_SIZE
    )]
    Size(u64),
    /// It belongs to another server.
    #[error("the ballot is that of {0}, not of {1}")]
    Owner(Owner, Owner),
    /// It was written by a program that knows more.
    #[error(
        "the ballot has version {0} of the format, which this program cannot read. Run the program that wrote it"
    )]
    Version(u32),
    /// No slot is whole.
    #[error("both copies of the ballot are damaged. {LOST}: {RESTORE}")]
    BothDamaged,
    /// The slots cannot both be what this program wrote.
    #[error("the two copies of the ballot contradict each other. {LOST}: {RESTORE}")]
    Different,
    /// A confirmed write is missing.
    #[error(
        "the two copies of the ballot are of generations {0} and {1}: the disk has lost writes. \
         {LOST}: {RESTORE}"
    )]
    LostWrites(u64, u64),
    /// It was not counted up to.
    #[error(
        "the ballot is of generation {0}, so it was not written by a server. {LOST}: {RESTORE}"
    )]
    Generation(u64),
}

/// What is left to do for a server that has forgotten its votes.
pub(crate) const RESTORE: &str = "keep this server out of the cluster, until it has joined it as one \
                                  whose disk is lost";

const LOST: &str = "The votes of this server are lost, and without them it may vote twice in one \
                    term and elect a second leader";

#[cfg(test)]
mod tests;
