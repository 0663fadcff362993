//! How the keys of a cluster are replaced while everything goes wrong: in steps, each on one server
//! after the other, and none before all have taken the last one.

use raft_model::types::ServerId;

use super::Options;
use crate::session::{Key, Keys};

/// How many steps each server has taken.
#[derive(Debug)]
pub(super) struct Rotation {
    steps: Vec<u32>,
    has_key: bool,
}

impl Rotation {
    pub(super) fn new(options: &Options) -> Self {
        Self { steps: vec![0; options.servers.into()], has_key: options.has_key }
    }

    /// The keys with which all begin, if they have some.
    pub(super) fn first(&self) -> Option<Keys> {
        self.has_key.then(|| after(0)).flatten()
    }

    /// A server takes the next step, if it is its turn: what it accepts from now on.
    pub(super) fn step(&mut self, server: ServerId) -> Option<Keys> {
        let slowest = self.steps.iter().copied().min()?;
        let step = self.steps.get_mut(server.index())?;
        if *step > slowest || !self.has_key {
            return None;
        }
        *step += 1;
        after(*step)
    }
}

/// What is accepted after so many steps: the key, then the next one too, then that seals.
fn after(steps: u32) -> Option<Keys> {
    let number = u8::try_from(steps / 3 % 200).ok()?;
    let [old, new] = [number, number + 1].map(|number| Key::new([number; 32]));
    match steps % 3 {
        0 => Some(Keys::one(old)),
        1 => Keys::two(old, new).ok(),
        _ => Keys::two(new, old).ok(),
    }
}
