//! How a fault takes effect, and how all of them end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use raft_model::types::ServerId;

use super::fault::{Fault, What};
use super::judge::Violation;
use super::machine::{self, Death};
use super::world::{Event, MILLISECOND, RECOVERY, World};
use crate::config::ClockError;
use crate::disk::memory::{Disk, Memory, Plan};
use crate::disk::slot::Owner;
use crate::disk::slots::Place;

impl World {
    /// Something goes wrong. What cannot is not counted: nobody kills a server that is down.
    pub(super) fn strike(&mut self, fault: &Fault) -> Result<(), Violation> {
        let Fault { server, what, .. } = *fault;
        let now = self.now;
        let valid = self.valid_moment(server);
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        let is_about_a_server =
            !matches!(what, What::Links { .. } | What::ClockRate { .. } | What::ClockStep { .. });
        let is_there =
            machine.is_up() || matches!(what, What::LostDisk { .. }) && machine.returning.is_some();
        if is_about_a_server && (!is_there || machine.held.is_some()) {
            return Ok(());
        }
        self.outcome.count(what.kind());
        match what {
            What::Crash { effects, down } => {
                machine.dies = Some(Death { effects, down, chance: None });
            }
            What::PowerLoss { effects, operations, down, chance } => {
                machine.plan(Plan { left: Some(operations), fails: false, left_out: None });
                machine.dies = Some(Death { effects, down, chance: Some(chance) });
            }
            What::DiskError { operations, loses, down } => {
                machine.plan(Plan { left: Some(operations), fails: loses, left_out: None });
                machine.dies = Some(Death { effects: u32::MAX, down, chance: None });
            }
            What::DiskStall { time } => machine.stall = time,
            What::Pause { time } | What::Suspend { time } => {
                let sleeps = matches!(what, What::Suspend { .. });
                machine.held = Some((now + time, sleeps));
                if sleeps {
                    machine.clocks.sleep(time);
                }
                self.at(now + time, Event::GoesOn { server });
            }
            What::ClockRate { ppm } => {
                machine.clocks.gain(ppm, now);
                self.reckon(server, valid);
                self.turn(server)?; // its timers end at other moments
            }
            What::ClockStep { microseconds } => machine.clocks.wall_us = microseconds,
            What::Links { hears } => self.network.hears = hears,
            What::Replay { count } => self.replay(server, count),
            What::Rotation => {
                if let Some(keys) = self.rotation.step(server) {
                    machine.keys = Some(keys.clone());
                    if let Some(process) = &mut machine.process {
                        process.engine.set_keys(&keys);
                    }
                }
            }
            What::Decay { down, .. }
            | What::WrongBallot { down }
            | What::Move { down }
            | What::LostDisk { down } => self.stops(server, what, down)?,
        }
        Ok(())
    }

    /// The server is stopped for so long, and that happens meanwhile.
    fn stops(&mut self, server: ServerId, what: What, down: u64) -> Result<(), Violation> {
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        machine.kill();
        match what {
            What::Decay { second, .. } => {
                machine.disk = machine.disk.decayed(if second { Place::B } else { Place::A });
            }
            What::WrongBallot { .. } => {
                let other = self.machines.keys().copied().find(|&other| other != server);
                self.believes_no_other(server, other)?;
            }
            What::Move { .. } => self.network.moves(server),
            What::LostDisk { .. } => machine.is_lost = true,
            _ => {}
        }
        self.at(self.now + down, Event::Starts { server });
        Ok(())
    }

    /// A server refuses the ballot of another one.
    fn believes_no_other(
        &self,
        server: ServerId,
        other: Option<ServerId>,
    ) -> Result<(), Violation> {
        let (Some(machine), Some(other)) =
            (self.machines.get(&server), other.and_then(|other| self.machines.get(&other)))
        else {
            return Ok(());
        };
        let disk: Disk = Rc::new(RefCell::new(Memory::default()));
        let created = machine::open(&disk, &Owner::of(&other.config), Duration::ZERO, true);
        if created.is_ok()
            && machine::open(&disk, &Owner::of(&machine.config), Duration::ZERO, false).is_ok()
        {
            return Err(Violation::BallotBelieved { server });
        }
        Ok(())
    }

    /// Everything works from now on, and somebody must lead before too long.
    pub(super) fn calm_down(&mut self) -> Result<(), Violation> {
        let now = self.now;
        self.calm = Some(now);
        self.network.hears = [u8::MAX; _];
        self.at(now + RECOVERY, Event::End);
        for server in self.machines.keys().copied().collect::<Vec<_>>() {
            let valid = self.valid_moment(server);
            let Some(machine) = self.machines.get_mut(&server) else { continue };
            machine.dies = None;
            machine.stall = 0;
            machine.plan(Plan::default());
            if self.options.clock_error_ppm > ClockError::DEFAULT.ppm() {
                machine.clocks.gain(0, now);
                self.reckon(server, valid);
            }
            self.at(now + 1000 * MILLISECOND, Event::Starts { server });
            self.turn(server)?;
        }
        Ok(())
    }
}
