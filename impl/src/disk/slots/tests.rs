//! Every flipped bit, and blocks that cannot be read. Crashes are in `disk/crashes.rs`.

use raft_model::types::{ServerId, Term};

use super::*;
use crate::testing::config;

/// Two slots in memory.
struct Memory {
    blocks: [[u8; SLOT_SIZE]; 2],
    unreadable: Option<Place>,
}

impl SlotFile for &mut Memory {
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
        self.blocks[place as usize] = *block;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ballot(term: u64) -> Ballot {
    Ballot { current_term: Term::new(term), voted_for: ServerId::new(1) }
}

fn owner() -> Owner {
    Owner::of(&config(3))
}

#[test]
fn a_slot_that_cannot_be_read_is_replaced_by_the_other() {
    for place in [Place::A, Place::B] {
        let mut memory = Memory { blocks: [generation(1); 2], unreadable: Some(place) };
        let slots = Slots::open(&mut memory, &owner(), Duration::ZERO).unwrap();
        assert_eq!(slots.ballot(), ballot(1));
        assert!(memory.blocks[0] == memory.blocks[1], "both slots are written anew");
    }
}

const BITS: usize = 8 * SLOT_SIZE;

/// A slot of each generation, with a ballot of the term of the same number.
fn generation(number: u64) -> [u8; SLOT_SIZE] {
    Slot { generation: number, ballot: ballot(number), ..Slot::first(owner()) }.encode()
}

/// The term that an opening finds after these bits were flipped; `None` if it refuses. It leaves
/// both slots equal, or everything as it was.
fn found_with_flipped<const N: usize>(
    blocks: [[u8; SLOT_SIZE]; 2],
    bits: [(Place, usize); N],
) -> Option<u64> {
    let mut memory = Memory { blocks, unreadable: None };
    for (place, bit) in bits {
        memory.blocks[place as usize][bit / 8] ^= 1 << (bit % 8);
    }
    let before = memory.blocks;
    match Slots::open(&mut memory, &owner(), Duration::ZERO)
        .map(|slots| slots.ballot().current_term.number())
    {
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

#[test]
fn the_last_generation_is_read_and_the_next_refused() {
    let opened = |number| {
        let mut memory = Memory { blocks: [generation(number); 2], unreadable: None };
        Slots::open(&mut memory, &owner(), Duration::ZERO).is_ok()
    };
    assert!(opened(LAST_GENERATION) && !opened(LAST_GENERATION + 1));
}

#[test]
fn a_refusal_tells_whose_the_ballot_is() {
    let [theirs, ours] = [5, 3].map(|servers| Owner::of(&config(servers)));
    let refusal = Untrusted::Owner(theirs, ours).to_string();
    assert_eq!(
        refusal,
        "the ballot is that of server 1 of cluster \"test\" of 5 servers (guarded, no witness), \
         not of server 1 of cluster \"test\" of 3 servers (guarded, no witness)"
    );
}
