//! Every crash, at every point, with everything that the disk may have lost by then; and that no
//! wait for the disk is one too many.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use raft_model::types::Term;

use super::memory::{Disk, Memory, Plan};
use super::*;
use crate::testing::{config, server};

const DIRECTORY: &str = "/data";

const PROMISE: Duration = Duration::from_millis(150);

/// A server on a disk, and the term that it has acted in.
#[derive(Clone, Debug, Default)]
struct Server {
    disk: Memory,
    acted_in: Option<u64>,
}

/// What must not happen.
type Wrong = String;

impl Server {
    /// Runs the program, as a person does: with `--bootstrap` only if the server has never run. It
    /// saves this many ballots, each of the next term. Returns whether it lived so long.
    fn run(&mut self, saves: u64) -> Result<bool, Wrong> {
        let disk: Disk = Rc::new(RefCell::new(std::mem::take(&mut self.disk)));
        let result = self.live(&disk, saves);
        self.disk = disk.take();
        match result {
            Ok(Some(found)) => Err(format!("it acted in {:?} and finds {found}", self.acted_in)),
            Ok(None) => Ok(true),
            Err(StoreError::Io { .. }) if self.disk.plan.left == Some(0) => Ok(false),
            // A disk that refused a write and then shows it cannot be seen through: a refusal is
            // the worst that may come of it.
            Err(_) if self.disk.has_failed => Ok(false),
            Err(error) => Err(format!("it acted in {:?} and says {error}", self.acted_in)),
        }
    }

    /// Returns a term that it finds and has left already.
    fn live(&mut self, disk: &Disk, saves: u64) -> Result<Option<u64>, StoreError> {
        let (path, owner) = (Path::new(DIRECTORY), Owner::of(&config(3)));
        if self.acted_in.is_none() && check_new(disk, path).is_ok() {
            create_dir(disk, path)?;
            create(disk, path, &Slot::first(owner.clone()))?;
        }
        let mut slots = open(disk, path, &owner, PROMISE)?;
        let found = slots.ballot().current_term.number();
        if Some(found) < self.acted_in {
            return Ok(Some(found));
        }
        self.acted_in = Some(found);
        for term in found + 1..=found + saves {
            let voted_for = Some(server(1));
            let ballot = Ballot { current_term: Term::new(term), voted_for };
            slots.save(ballot, PROMISE).map_err(StoreError::io(path, "write"))?;
            self.acted_in = Some(term);
        }
        Ok(None)
    }

    /// Every way in which such a run can end: it is killed, before any of its operations or in one
    /// that fails, or never; and then the power fails, or does not. One wait may be left out.
    fn fates(&self, saves: u64, left_out: Option<usize>) -> Result<Vec<Self>, Wrong> {
        let mut fates = Vec::new();
        for fails in [false, true] {
            for left in 0.. {
                let mut server = self.clone();
                server.disk.plan = Plan { left: Some(left), fails, left_out };
                let is_done = server.run(saves)?;
                fates.extend(server.without_power());
                if is_done {
                    server.without_power().iter().try_for_each(Self::survives_decay)?;
                    break;
                }
                fates.push(Self { disk: server.disk.killed(), ..server });
            }
        }
        Ok(fates)
    }

    fn without_power(&self) -> Vec<Self> {
        let disks = self.disk.without_power().into_iter();
        disks.map(|disk| Self { disk, ..self.clone() }).collect()
    }

    /// What it acted on stands in both slots, so either may decay.
    fn survives_decay(&self) -> Result<(), Wrong> {
        for place in [Place::A, Place::B] {
            let mut server = Self { disk: self.disk.decayed(place), ..self.clone() };
            server.run(0).map_err(|wrong| format!("slot {place:?} decayed: {wrong}"))?;
        }
        Ok(())
    }
}

/// A server that has acted in term 1.
fn old() -> Server {
    let mut server = Server::default();
    assert_eq!(server.run(1), Ok(true));
    Server { disk: server.disk.killed(), ..server }
}

/// A server runs, crashes, runs, crashes, and runs. In each of the first two runs, one wait may be
/// left out.
fn two_crashes(server: &Server, left_out: [Option<usize>; 2]) -> Result<(), Wrong> {
    for first in server.fates(2, left_out[0])? {
        for saves in [0, 1] {
            for mut second in first.fates(saves, left_out[1])? {
                second.run(0)?;
            }
        }
    }
    Ok(())
}

#[test]
fn no_two_crashes_lose_what_was_acted_upon() {
    assert_eq!(two_crashes(&Server::default(), [None; 2]), Ok(()));
    assert_eq!(two_crashes(&old(), [None; 2]), Ok(()));
}

#[test]
fn a_crash_during_the_repair_of_a_decayed_slot_loses_nothing() {
    for place in [Place::A, Place::B] {
        let decayed = Server { disk: old().disk.decayed(place), ..old() };
        for mut crashed in decayed.fates(1, None).unwrap() {
            assert!(crashed.run(0).is_ok(), "{place:?}");
        }
    }
}

/// Without this wait of its first run, two crashes of a new server lose something.
#[track_caller]
fn a_new_server_needs(wait: usize) {
    assert!(two_crashes(&Server::default(), [Some(wait), None]).is_err(), "nobody misses it");
}

/// Without this wait of the run after its first crash, another crash of an old server loses
/// something.
#[track_caller]
fn an_old_server_needs(wait: usize) {
    assert!(two_crashes(&old(), [None, Some(wait)]).is_err(), "nobody misses it");
}

#[test]
fn the_wait_for_the_name_of_the_directory_is_needed() {
    a_new_server_needs(1);
}

#[test]
fn the_wait_for_the_first_ballot_is_needed() {
    a_new_server_needs(2);
}

#[test]
fn the_wait_for_the_name_of_the_ballot_is_needed() {
    a_new_server_needs(6);
}

#[test]
fn the_wait_for_what_an_opening_finds_is_needed() {
    an_old_server_needs(1);
}

#[test]
fn both_waits_for_what_an_opening_writes_are_needed() {
    an_old_server_needs(2);
    an_old_server_needs(3);
}

#[test]
fn the_wait_of_a_save_is_needed() {
    an_old_server_needs(5);
}

#[test]
fn there_are_no_other_waits() {
    let mut new = Server::default();
    assert_eq!(new.run(1), Ok(true));
    assert_eq!(new.disk.waits, 2 + 4 + 1, "to be created, to be opened, to be saved");
}
