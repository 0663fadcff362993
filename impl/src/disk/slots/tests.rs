//! Every crash that a disk with whole slots allows, one after the other; and every flipped bit.

use raft_model::types::{ServerId, Term};

use super::*;
use crate::testing::config;

/// Two slots in memory. After so many more writes the power fails, in the middle of the next.
#[derive(Clone)]
struct Memory {
    blocks: [[u8; SLOT_SIZE]; 2],
    writes_left: usize,
    /// How many bytes of the last write still reach the disk.
    torn_at: usize,
    unreadable: Option<Place>,
}

impl Disk for Memory {
    fn size(&self) -> io::Result<u64> {
        Ok(2 * SLOT_SIZE as u64)
    }

    fn read(&self, place: Place) -> io::Result<[u8; SLOT_SIZE]> {
        match self.unreadable {
            Some(unreadable) if unreadable == place => Err(io::ErrorKind::Other.into()),
            _ => Ok(self.blocks[place as usize]),
        }
    }

    fn write(&mut self, place: Place, block: &[u8; SLOT_SIZE]) -> io::Result<()> {
        let len = if self.writes_left == 0 { self.torn_at } else { SLOT_SIZE };
        let slot = &mut self.blocks[place as usize];
        slot[..len].copy_from_slice(&block[..len]);
        if (1..SLOT_SIZE).contains(&len) {
            slot[len] ^= 0xff; // caught in the middle: neither the old byte nor the new one
        }
        self.writes_left = self.writes_left.checked_sub(1).ok_or(io::ErrorKind::Other)?;
        Ok(())
    }
}

/// Where a write may be torn: nothing arrives, part of each field, all but the checksum,
/// everything.
const TEARS: [usize; 7] = [0, 52, 60, 64, 2048, SLOT_SIZE - 2, SLOT_SIZE];

fn ballot(term: u64) -> Ballot {
    Ballot { current_term: Term::new(term), voted_for: ServerId::new(1) }
}

fn owner() -> Owner {
    Owner::of(&config(3))
}

/// Every way in which the power can fail next, the last being that it does not.
fn failures(blocks: [[u8; SLOT_SIZE]; 2]) -> impl Iterator<Item = Memory> {
    let tears = move |writes_left| {
        TEARS.map(|torn_at| Memory { blocks, writes_left, torn_at, unreadable: None })
    };
    (0..6).flat_map(tears)
}

/// Opens the ballot and saves these terms until the power fails. Returns what is on the disk then,
/// and the term that was acted upon last.
fn run(memory: Memory, terms: &[u64]) -> ([[u8; SLOT_SIZE]; 2], u64) {
    let mut acted_upon = 0;
    let mut memory = memory;
    let opened = Slots::open(&mut memory, &owner());
    assert!(!matches!(opened, Err(Refusal::Untrusted(_))), "refused after a crash: {opened:?}");
    if let Ok(mut slots) = opened {
        acted_upon = slots.ballot().current_term.number();
        for &term in terms {
            if slots.save(ballot(term)).is_err() {
                break;
            }
            acted_upon = term;
        }
    }
    (memory.blocks, acted_upon)
}

impl Disk for &mut Memory {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn read(&self, place: Place) -> io::Result<[u8; SLOT_SIZE]> {
        (**self).read(place)
    }

    fn write(&mut self, place: Place, block: &[u8; SLOT_SIZE]) -> io::Result<()> {
        (**self).write(place, block)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the power fails in write {} after {} bytes", self.writes_left, self.torn_at)
    }
}

fn calm(blocks: [[u8; SLOT_SIZE]; 2]) -> Memory {
    Memory { blocks, writes_left: usize::MAX, torn_at: 0, unreadable: None }
}

/// What a calm restart finds.
fn found(blocks: [[u8; SLOT_SIZE]; 2]) -> u64 {
    run(calm(blocks), &[]).1
}

fn at_rest(term: u64) -> [[u8; SLOT_SIZE]; 2] {
    [Slot { owner: owner(), generation: 1, ballot: ballot(term) }.encode(); 2]
}

#[test]
fn no_two_crashes_lose_a_ballot_that_was_acted_upon() {
    for first in failures(at_rest(1)) {
        let (blocks, acted_upon) = run(first.clone(), &[2, 3]);
        assert!(found(blocks) >= acted_upon, "{first:?}");
        for second in failures(blocks) {
            let (blocks, later) = run(second.clone(), &[4]);
            assert!(found(blocks) >= acted_upon.max(later), "{first:?}, {second:?}");
        }
    }
}

#[test]
fn a_crash_during_the_repair_of_a_decayed_slot_loses_nothing() {
    for decayed in [Place::A, Place::B] {
        let mut blocks = at_rest(1);
        blocks[decayed as usize][100] ^= 1;
        for crash in failures(blocks) {
            let (blocks, acted_upon) = run(crash.clone(), &[2]);
            assert!(found(blocks) >= acted_upon.max(1), "{decayed:?}, {crash:?}");
        }
    }
}

#[test]
fn after_a_crash_and_a_restart_either_slot_may_decay() {
    for crash in failures(at_rest(1)) {
        let (blocks, _) = run(crash.clone(), &[2]);
        let (blocks, acted_upon) = run(calm(blocks), &[]);
        for decayed in [Place::A, Place::B] {
            let mut blocks = blocks;
            blocks[decayed as usize][100] ^= 1;
            assert_eq!(found(blocks), acted_upon, "{crash:?}, {decayed:?}");
        }
    }
}

#[test]
fn a_slot_that_cannot_be_read_is_replaced_by_the_other() {
    for place in [Place::A, Place::B] {
        let memory = Memory { unreadable: Some(place), ..calm(at_rest(1)) };
        let (blocks, acted_upon) = run(memory, &[]);
        assert_eq!(acted_upon, 1);
        assert!(blocks[0] == blocks[1], "both slots are written anew");
    }
}

const BITS: usize = 8 * SLOT_SIZE;

/// A slot of each generation, with a ballot of the term of the same number.
fn generation(number: u64) -> [u8; SLOT_SIZE] {
    Slot { owner: owner(), generation: number, ballot: ballot(number) }.encode()
}

/// The term that an opening finds after these bits were flipped; `None` if it refuses. It leaves
/// both slots equal, or everything as it was.
fn found_with_flipped<const N: usize>(
    blocks: [[u8; SLOT_SIZE]; 2],
    bits: [(Place, usize); N],
) -> Option<u64> {
    let mut memory = calm(blocks);
    for (place, bit) in bits {
        memory.blocks[place as usize][bit / 8] ^= 1 << (bit % 8);
    }
    let before = memory.blocks;
    match Slots::open(&mut memory, &owner()).map(|slots| slots.ballot().current_term.number()) {
        Ok(term) => {
            assert!(memory.blocks[0] == memory.blocks[1], "{bits:?}: not repaired");
            Some(term)
        }
        Err(Refusal::Untrusted(_)) => {
            assert!(memory.blocks == before, "{bits:?}: refused and changed");
            None
        }
        Err(Refusal::Io(error)) => panic!("{bits:?}: {error}"),
    }
}

#[test]
fn any_one_bit_may_flip_after_a_save() {
    for bit in 0..BITS {
        for place in [Place::A, Place::B] {
            let found = found_with_flipped([generation(2); 2], [(place, bit)]);
            assert_eq!(found, Some(2), "{place:?} {bit}");
        }
    }
}

/// The old ballot was acted upon, the new one was not: both are right. The old one is found only
/// where the new one is damaged, as a torn write is.
#[test]
fn any_one_bit_may_flip_after_a_crash_between_the_two_writes() {
    let crashed = [generation(2), generation(1)];
    for bit in 0..BITS {
        assert_eq!(found_with_flipped(crashed, [(Place::A, bit)]), Some(1), "A {bit}");
        assert_eq!(found_with_flipped(crashed, [(Place::B, bit)]), Some(2), "B {bit}");
    }
}

#[test]
fn any_bit_that_flips_beside_a_torn_slot_is_refused() {
    let mut torn = [generation(2), generation(1)];
    torn[0][60..].copy_from_slice(&generation(1)[60..]);
    for bit in 0..BITS {
        assert_eq!(found_with_flipped(torn, [(Place::B, bit)]), None, "{bit}");
    }
}

#[test]
fn a_bit_that_flips_in_both_slots_is_refused() {
    for bit in 0..BITS {
        let both = [(Place::A, bit), (Place::B, bit)];
        assert_eq!(found_with_flipped([generation(2); 2], both), None, "{bit}");
    }
}
