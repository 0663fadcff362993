//! The one timer of a server: a deadline, and how far away the next one is.
//!
//! It counts on [`Instant`], which never goes backwards but stands still while the machine is
//! suspended. An election needs no more: a timer that fires late costs time, never safety.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use raft_model::election::{Rule, Timer};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::config::Config;

/// The timer of a server.
#[derive(Debug)]
pub struct Clock {
    heartbeat: Duration,
    election_timeout: RangeInclusive<Duration>,
    random: StdRng,
    deadline: Instant,
}

impl Clock {
    /// A timer with the configured times. It is due until it is restarted.
    pub fn new(config: &Config) -> Self {
        Self {
            heartbeat: config.heartbeat(),
            election_timeout: config.election_timeout(),
            random: config.seed().map_or_else(rand::make_rng, |seed| {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                // Servers with equal timeouts would split every vote (§5.2).
                bytes[8] = config.server().id.number();
                StdRng::from_seed(bytes)
            }),
            deadline: Instant::now(),
        }
    }

    /// Starts again, as this timer: an election timeout is drawn anew each time (§5.2). After the
    /// rule [`Rule::ContactLost`] the server has waited the shortest one already, and waits what is
    /// random of it.
    pub fn restart(&mut self, timer: Timer, rule: Rule) {
        let shortest = *self.election_timeout.start();
        let time = match timer {
            Timer::Contact => shortest,
            Timer::Election if rule == Rule::ContactLost => self.draw().saturating_sub(shortest),
            Timer::Election => self.draw(),
            Timer::Heartbeat => self.heartbeat,
        };
        self.deadline = Instant::now() + time;
    }

    fn draw(&mut self) -> Duration {
        self.random.random_range(self.election_timeout.clone())
    }

    /// The time until it fires; zero when it is due.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Lets it fire after this time, whatever is configured.
    #[cfg(test)]
    pub(crate) fn fire_in(&mut self, time: Duration) {
        self.deadline = Instant::now() + time;
    }

    /// Whether it fires now.
    pub fn is_due(&self) -> bool {
        self.remaining().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn clock(id: u8, seed: Option<u64>) -> Clock {
        let address = |n: u8| format!("127.0.0.1:700{n}").parse().unwrap();
        let servers = (1..=3).map(|n| (n, address(n))).collect();
        Clock::new(&Config::new(Settings { seed, ..Settings::new("test", id, servers) }).unwrap())
    }

    /// The first times that this clock would wait for.
    fn draws(mut clock: Clock) -> Vec<Duration> {
        (0..20).map(|_| clock.random.random_range(clock.election_timeout.clone())).collect()
    }

    #[test]
    fn a_restarted_timer_is_not_due() {
        let mut clock = clock(1, None);
        assert!(clock.is_due());
        clock.election_timeout = Duration::from_secs(1000)..=Duration::from_secs(2000);
        clock.restart(Timer::Election, Rule::Started);
        assert!(clock.remaining() > Duration::from_secs(500));
        clock.heartbeat = Duration::ZERO;
        clock.restart(Timer::Heartbeat, Rule::HeartbeatSent);
        assert!(clock.is_due());
    }

    #[test]
    fn contact_lasts_the_shortest_timeout_and_what_is_random_comes_after_it() {
        let mut clock = clock(1, Some(7));
        clock.election_timeout = Duration::from_secs(1000)..=Duration::from_secs(1010);
        clock.restart(Timer::Contact, Rule::HeartbeatAccepted);
        assert!(clock.remaining() > Duration::from_secs(900));
        clock.restart(Timer::Election, Rule::ContactLost);
        assert!(clock.remaining() <= Duration::from_secs(10));
        clock.restart(Timer::Election, Rule::PreCampaigned);
        assert!(clock.remaining() > Duration::from_secs(900));
    }

    #[test]
    fn a_seed_repeats_the_timeouts() {
        assert_eq!(draws(clock(1, Some(7))), draws(clock(1, Some(7))));
        assert_ne!(draws(clock(1, Some(7))), draws(clock(1, Some(8))));
        assert_ne!(draws(clock(1, None)), draws(clock(1, None)));
    }

    #[test]
    fn servers_that_share_a_seed_draw_different_timeouts() {
        assert_ne!(draws(clock(1, Some(7))), draws(clock(2, Some(7))));
    }

    #[test]
    fn election_timeouts_differ_and_stay_in_their_range() {
        let clock = clock(1, Some(7));
        let range = clock.election_timeout.clone();
        let times = draws(clock);
        assert!(times.iter().all(|time| range.contains(time)));
        assert!(times.iter().any(|&time| time != times[0]));
    }
}
