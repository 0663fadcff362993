//! A cluster whose time goes on when it is told to, for whoever wants the traces of one.

use std::time::Duration;

use raft_model::types::ServerId;

use super::world::World;
use super::{Options, Violation};

/// Servers on a network that loses, repeats and delays, without faults but those asked for.
#[derive(Debug)]
pub struct Session {
    world: World,
}

impl Session {
    /// Starts the servers for the first time. Everything follows from the seed and what is asked.
    ///
    /// # Errors
    ///
    /// If that breaks a rule already.
    pub fn start(options: &Options, seed: u64) -> Result<Self, Violation> {
        let mut world = World::new(seed, options);
        for server in world.machines.keys().copied().collect::<Vec<_>>() {
            world.start(server)?;
        }
        Ok(Self { world })
    }

    /// Lets so much time pass.
    ///
    /// # Errors
    ///
    /// The rule that was broken.
    pub fn run(&mut self, time: Duration) -> Result<(), Violation> {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.world.until(self.world.now.saturating_add(nanoseconds))
    }

    /// Kills a server, and starts it again.
    ///
    /// # Errors
    ///
    /// The rule that was broken.
    pub fn restart(&mut self, server: ServerId) -> Result<(), Violation> {
        if let Some(machine) = self.world.machines.get_mut(&server) {
            machine.kill();
        }
        self.world.start(server)
    }

    /// What a server has recorded, a line each; nothing of one that is not in the cluster.
    pub fn trace(&self, server: ServerId) -> &str {
        self.world.machines.get(&server).map_or("", |machine| &machine.trace)
    }
}
