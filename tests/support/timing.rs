//! How fast the servers of a test elect.

/// The period of heartbeats, in milliseconds.
pub(crate) const HEARTBEAT: u32 = 50;

/// The election timeouts of a cluster.
#[derive(Clone, Copy)]
pub enum Timing {
    /// Elections follow soon on a fault, and servers on a busy machine seldom miss the heartbeats
    /// of a leader that lives.
    Quick,
    /// Nobody misses the heartbeats of a leader that lives: for tests in which no election may
    /// happen.
    Patient,
}

impl Timing {
    /// The shortest and the longest election timeout, in milliseconds.
    pub(crate) const fn election(self) -> (u32, u32) {
        match self {
            Self::Quick => (300, 600),
            Self::Patient => (1500, 3000),
        }
    }

    /// How many heartbeats a leader sends while somebody waits for the longest election timeout.
    pub const fn heartbeats_in_an_election_timeout(self) -> u32 {
        self.election().1 / HEARTBEAT
    }
}
