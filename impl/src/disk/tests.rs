use std::fs;
use std::os::unix::fs::FileExt as _;

use raft_model::cluster::Protocol;
use raft_model::types::{ServerId, ServerSet, Term};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::config::Settings;
use crate::disk::slot::{SLOT_SIZE, Slot, seal};
use crate::disk::slots::Place;
use crate::testing::{bootstrapped, config, config_by, reopened, server};

const PROMISE: Duration = Duration::from_millis(150); // by `config`

/// A ballot of this term with a vote for this server.
fn ballot(term: u64, candidate: u8) -> Ballot {
    Ballot { current_term: Term::new(term), voted_for: Some(server(candidate)) }
}

/// The directory of S1 of three, which has saved these ballots one after the other.
fn saved<const N: usize>(ballots: [Ballot; N]) -> TempDir {
    let dir = tempdir().unwrap();
    let mut store = bootstrapped(&dir, &config(3));
    for ballot in ballots {
        store.save(ballot, PROMISE).unwrap();
    }
    dir
}

fn file(dir: &TempDir) -> File {
    File::options().read(true).write(true).open(dir.path().join("ballot")).unwrap()
}

/// Both slots, as they are on the disk.
fn slots(dir: &TempDir) -> [[u8; SLOT_SIZE]; 2] {
    [Place::A, Place::B].map(|place| {
        let mut block = [0; SLOT_SIZE];
        file(dir).read_exact_at(&mut block, place.offset()).unwrap();
        block
    })
}

fn overwrite(dir: &TempDir, place: Place, block: &[u8]) {
    file(dir).write_all_at(block, place.offset()).unwrap();
}

fn slot(generation: u64, ballot: Ballot) -> Slot {
    Slot { generation, ballot, promise: PROMISE, ..Slot::first(Owner::of(&config(3))) }
}

fn open(dir: &TempDir) -> Result<Store, StoreError> {
    DataDir::lock(dir.path())?.open(&config(3))
}

/// Why the ballot in this directory is refused. A refusal changes nothing.
fn refusal(dir: &TempDir) -> Untrusted {
    let before = fs::read(dir.path().join("ballot")).unwrap();
    let Err(StoreError::Untrusted { reason, .. }) = open(dir) else { panic!("not refused") };
    assert_eq!(fs::read(dir.path().join("ballot")).unwrap(), before);
    reason
}

#[test]
fn a_new_server_has_not_voted() {
    let dir = saved([]);
    assert_eq!(reopened(&dir, &config(3)).ballot(), Ballot::INITIAL);
}

#[test]
fn what_was_saved_last_is_found() {
    let dir = saved([ballot(1, 2), ballot(7, 3)]);
    assert_eq!(reopened(&dir, &config(3)).ballot(), ballot(7, 3));
}

#[test]
fn at_rest_both_slots_are_equal() {
    let dir = saved([ballot(1, 2), ballot(2, 1)]);
    let [a, b] = slots(&dir);
    assert_eq!(a, b);
}

#[test]
fn a_slot_torn_by_a_crash_leaves_the_other() {
    let torn = |place, old: Ballot, new: Ballot| {
        let dir = saved([old]);
        let mut block = slot(3, new).encode();
        let [before, _] = slots(&dir);
        block[60..].copy_from_slice(&before[60..]);
        overwrite(&dir, place, &block);
        dir
    };
    // A is torn: the new ballot was not acted upon.
    let dir = torn(Place::A, ballot(1, 2), ballot(0x1_0000_0002, 3));
    assert_eq!(open(&dir).unwrap().ballot(), ballot(1, 2));
    // B is torn: A is complete.
    let dir = torn(Place::B, ballot(1, 2), ballot(0x1_0000_0002, 3));
    overwrite(&dir, Place::A, &slot(3, ballot(0x1_0000_0002, 3)).encode());
    assert_eq!(open(&dir).unwrap().ballot(), ballot(0x1_0000_0002, 3));
}

#[test]
fn a_crash_between_the_two_writes_leaves_the_newer_ballot_and_both_slots_get_it() {
    for newer in [Place::A, Place::B] {
        let dir = saved([ballot(1, 2)]);
        overwrite(&dir, newer, &slot(3, ballot(2, 3)).encode());
        assert_eq!(open(&dir).unwrap().ballot(), ballot(2, 3));
        assert_eq!(slots(&dir), [slot(4, ballot(2, 3)).encode(); 2]);
    }
}

#[test]
fn a_save_after_a_repair_counts_on() {
    let dir = saved([ballot(1, 2)]);
    overwrite(&dir, Place::A, &[0; SLOT_SIZE]);
    open(&dir).unwrap().save(ballot(3, 1), PROMISE).unwrap();
    assert_eq!(open(&dir).unwrap().ballot(), ballot(3, 1));
}

#[test]
fn two_damaged_slots_are_refused() {
    let dir = saved([ballot(7, 3)]);
    overwrite(&dir, Place::A, &[0; SLOT_SIZE]);
    overwrite(&dir, Place::B, &[0xff; SLOT_SIZE]);
    assert_eq!(refusal(&dir), Untrusted::BothDamaged);
}

#[test]
fn a_ballot_of_any_other_size_is_refused() {
    let dir = saved([ballot(7, 3)]);
    let whole = 2 * SLOT_SIZE as u64;
    for size in (0..whole).rev().chain([whole + 1, 1 << 30]) {
        file(&dir).set_len(size).unwrap();
        let reason = open(&dir).unwrap_err();
        let is_size = matches!(
            reason,
            StoreError::Untrusted { reason: Untrusted::Size(found), .. } if found == size
        );
        assert!(is_size, "{size}: {reason}");
        assert_eq!(file(&dir).metadata().unwrap().len(), size);
    }
}

#[test]
fn the_ballot_of_another_server_or_cluster_is_refused() {
    let addresses: Vec<_> =
        (1..=3).map(|number| (number, config(3).address_of(server(number)).unwrap())).collect();
    for (cluster, id) in [("test", 2), ("other", 1)] {
        let other = Config::new(Settings::new(cluster, id, addresses.clone())).unwrap();
        let dir = tempdir().unwrap();
        drop(bootstrapped(&dir, &other));
        let (theirs, ours) = (Owner::of(&other), Owner::of(&config(3)));
        assert_eq!(refusal(&dir), Untrusted::Owner(theirs, ours));
    }
}

#[test]
fn a_ballot_of_another_version_is_refused_even_beside_a_good_one() {
    let dir = saved([ballot(7, 3)]);
    let [mut block, _] = slots(&dir);
    block[11] = 5;
    seal(&mut block);
    overwrite(&dir, Place::B, &block);
    assert_eq!(refusal(&dir), Untrusted::Version(5));
}

#[test]
fn a_ballot_of_the_first_version_is_read_as_one_without_guards() {
    let (dir, figure2) = (saved([ballot(7, 3)]), config_by(3, Protocol::FIGURE2));
    let owner = Owner::of(&figure2);
    let block = Slot { owner: owner.clone(), ..slot(4, ballot(7, 3)) }.encode_as(1);
    assert_eq!(block[64], 0);
    for place in [Place::A, Place::B] {
        overwrite(&dir, place, &block);
    }
    assert_eq!(refusal(&dir), Untrusted::Owner(owner, Owner::of(&config(3))), "it has guards");
    assert_eq!(reopened(&dir, &figure2).ballot(), ballot(7, 3));
    // From now on it is one of today's.
    assert_eq!(slots(&dir).map(|block| block[11]), [4, 4]);
}

#[test]
fn a_ballot_of_the_second_version_is_read_as_one_that_promised_nothing() {
    let dir = saved([ballot(7, 3)]);
    let block = slot(4, ballot(7, 3)).encode_as(2);
    assert_eq!(block[66..74], [0; 8]);
    for place in [Place::A, Place::B] {
        overwrite(&dir, place, &block);
    }
    let store = open(&dir).unwrap();
    assert_eq!((store.ballot(), store.promise()), (ballot(7, 3), PROMISE));
}

#[test]
fn a_ballot_of_the_third_version_is_read_with_its_promise() {
    let dir = saved([ballot(7, 3)]);
    let block = Slot { promise: 3 * PROMISE, ..slot(4, ballot(8, 3)) }.encode_as(3);
    assert_eq!(block[508..512], [0; 4], "its checksum stands at the end");
    assert_ne!(block[SLOT_SIZE - 4..], [0; 4]);
    for place in [Place::A, Place::B] {
        overwrite(&dir, place, &block);
    }
    let store = open(&dir).unwrap();
    assert_eq!((store.ballot(), store.promise()), (ballot(8, 3), 3 * PROMISE));
}

#[test]
fn all_that_a_save_changes_stands_in_one_sector() {
    let dir = saved([ballot(1, 2)]);
    let [before, _] = slots(&dir);
    open(&dir).unwrap().save(ballot(u64::MAX, 3), 2 * PROMISE).unwrap();
    let [after, _] = slots(&dir);
    assert_ne!(before[..512], after[..512]);
    assert_eq!(before[512..], after[512..]);
}

#[test]
fn what_was_promised_with_longer_timeouts_stands_until_a_save_says_otherwise() {
    let dir = saved([]);
    let longer = 3 * PROMISE;
    open(&dir).unwrap().save(ballot(1, 1), longer).unwrap();
    assert_eq!(open(&dir).unwrap().promise(), longer);
    let mut store = open(&dir).unwrap();
    assert_eq!(store.promise(), longer);
    store.save(ballot(2, 1), PROMISE).unwrap();
    drop(store);
    assert_eq!(open(&dir).unwrap().promise(), PROMISE);
}

#[test]
fn guards_that_the_first_version_did_not_know_are_damage() {
    let dir = saved([ballot(7, 3)]);
    let mut block = slot(4, ballot(7, 3)).encode_as(1);
    block[64] = 1;
    seal(&mut block);
    for place in [Place::A, Place::B] {
        overwrite(&dir, place, &block);
    }
    assert_eq!(refusal(&dir), Untrusted::BothDamaged);
}

#[test]
fn a_ballot_of_other_witnesses_is_refused() {
    let dir = saved([ballot(7, 3)]);
    let servers = config(3).server().cluster;
    let witness = ServerSet::only(ServerId::new(2).unwrap());
    let servers = servers.with_witnesses(witness).unwrap();
    let owner = Owner { servers, ..Owner::of(&config(3)) };
    let block = Slot { owner: owner.clone(), ..slot(4, ballot(7, 3)) }.encode();
    assert_eq!(block[65], 0b10);
    for place in [Place::A, Place::B] {
        overwrite(&dir, place, &block);
    }
    assert_eq!(refusal(&dir), Untrusted::Owner(owner, Owner::of(&config(3))));
}

#[test]
fn slots_that_contradict_each_other_are_refused() {
    let dir = saved([ballot(7, 3)]);
    overwrite(&dir, Place::B, &slot(2, ballot(7, 2)).encode());
    assert_eq!(refusal(&dir), Untrusted::Different);
}

#[test]
fn a_disk_that_lost_a_confirmed_write_is_refused() {
    let dir = saved([ballot(7, 3)]);
    overwrite(&dir, Place::A, &slot(4, ballot(9, 3)).encode());
    assert_eq!(refusal(&dir), Untrusted::LostWrites(4, 2));
}

#[test]
fn a_generation_that_could_overflow_is_refused() {
    let dir = saved([ballot(7, 3)]);
    for place in [Place::A, Place::B] {
        overwrite(&dir, place, &slot(u64::MAX, ballot(7, 3)).encode());
    }
    assert_eq!(refusal(&dir), Untrusted::Generation(u64::MAX));
}

#[test]
fn a_missing_ballot_is_never_taken_for_a_blank_one() {
    let dir = tempdir().unwrap();
    assert!(matches!(open(&dir), Err(StoreError::NoBallot { .. })));
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "it may be the wrong directory");
    let missing = dir.path().join("missing");
    assert!(matches!(DataDir::lock(&missing), Err(StoreError::NoBallot { .. })));
    assert!(!missing.exists());
}

#[test]
fn a_ballot_is_never_replaced_by_a_blank_one() {
    let dir = saved([ballot(7, 3)]);
    let again = DataDir::create(dir.path()).unwrap().bootstrap(&config(3));
    assert!(matches!(again, Err(StoreError::AlreadyBootstrapped { .. })));
    assert_eq!(open(&dir).unwrap().ballot(), ballot(7, 3));
}

#[test]
fn bootstrap_creates_the_directory() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("new");
    let store = DataDir::create(&path).unwrap().bootstrap(&config(3)).unwrap();
    assert_eq!(store.path(), path.join("ballot"));
}

#[test]
fn a_directory_has_one_server_at_a_time() {
    let dir = tempdir().unwrap();
    let store = bootstrapped(&dir, &config(3));
    assert!(matches!(open(&dir), Err(StoreError::Locked { .. })));
    drop(store);
    open(&dir).unwrap();
}

#[test]
fn a_save_that_fails_says_so() {
    let dir = saved([]);
    let mut store = open(&dir).unwrap();
    store.replace_file(File::open(store.path()).unwrap());
    assert!(matches!(store.save(ballot(1, 1), PROMISE), Err(StoreError::Io { .. })));
}

#[test]
fn every_run_has_a_greater_number_than_the_one_before() {
    let dir = saved([ballot(1, 2)]);
    let first = open(&dir).unwrap().boot();
    let mut second = open(&dir).unwrap();
    assert!(second.boot() > first);
    let boot = second.boot();
    second.save(ballot(2, 3), PROMISE).unwrap();
    assert_eq!(second.boot(), boot, "a save begins no run");
    drop(second);
    assert!(open(&dir).unwrap().boot() > boot);
}

#[test]
fn a_cluster_of_another_size_is_another_cluster() {
    let dir = saved([ballot(1, 2)]);
    let opened = DataDir::lock(dir.path()).unwrap().open(&config(5));
    assert!(matches!(opened, Err(StoreError::Untrusted { reason: Untrusted::Owner(..), .. })));
}

/// A child that was started in between may hold on to what its parent had open.
#[test]
fn a_directory_that_is_given_up_is_free_whoever_has_its_lock_open() {
    let dir = saved([]);
    let given_up = DataDir::lock(dir.path()).unwrap();
    let _of_a_child = given_up._lock.try_clone().unwrap();
    drop(given_up);
    DataDir::lock(dir.path()).unwrap();
}

#[test]
fn what_is_no_directory_is_not_one_without_a_ballot() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    assert!(matches!(DataDir::lock(&path), Err(StoreError::Io { .. })));
}

#[test]
fn a_directory_with_a_ballot_is_not_new() {
    let dir = saved([]);
    let again = DataDir::create(dir.path()).unwrap();
    assert!(matches!(again.check_new(), Err(StoreError::AlreadyBootstrapped { .. })));
}

#[test]
fn a_directory_that_cannot_be_created_is_named() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("no parent").join("data");
    let error = DataDir::create(&path).unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()) && error.contains("create"), "{error}");
}

#[test]
fn only_a_ballot_that_is_not_there_is_no_ballot() {
    let dir = tempdir().unwrap();
    let open = || DataDir::create(dir.path()).unwrap().open(&config(3));
    assert!(matches!(open(), Err(StoreError::NoBallot { .. })));
    fs::create_dir(dir.path().join("ballot")).unwrap();
    assert!(matches!(open(), Err(StoreError::Io { .. })));
}

#[test]
fn what_stands_in_the_way_of_a_new_file_is_told_by_why_it_stays() {
    let dir = tempdir().unwrap();
    let error = System.create(dir.path()).unwrap_err();
    assert_ne!(error.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn who_comes_back_begins_a_run_with_a_greater_number_than_any_that_was_counted() {
    let (dir, boot) = (tempdir().unwrap(), boot_after_loss());
    assert!(boot > 1_767_225_600_000_000_000, "{boot}: nanoseconds since 1970, and it is 2026");
    let store = DataDir::create(dir.path()).unwrap().join(&config(3), boot, ballot(7, 1)).unwrap();
    assert_eq!((store.boot(), store.ballot()), (boot, ballot(7, 1)));
}
