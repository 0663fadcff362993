//! The one timer of a server: how long it runs, and when it fires.
//!
//! It may fire late, which costs time and never safety. Contact alone must not end early: others
//! count on it.

use std::ops::RangeInclusive;
use std::time::Duration;

use raft_model::election::{Rule, Timer};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::clock::Moment;
use crate::config::Config;

/// The timer of a server.
#[derive(Debug)]
pub struct Countdown {
    heartbeat: Duration,
    election_timeout: RangeInclusive<Duration>,
    random: StdRng,
    promised: Moment,
    end: Moment,
}

impl Countdown {
    /// A timer with the configured times. It is due until it is restarted; but as long as promises
    /// of an earlier run may not be over, contact does not end.
    pub fn new(config: &Config, promised: Moment) -> Self {
        Self {
            promised,
            heartbeat: config.heartbeat(),
            election_timeout: config.election_timeout(),
            random: config.seed().map_or_else(rand::make_rng, |seed| {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                // Servers with equal timeouts would split every vote (§5.2).
                bytes[8] = config.server().id.number();
                StdRng::from_seed(bytes)
            }),
            end: Moment::default(),
        }
    }

    /// Starts again at this moment, as this timer: an election timeout is drawn anew each time
    /// (§5.2). After the rule [`Rule::ContactLost`] the server has waited the shortest one already,
    /// and waits what is random of it.
    pub fn restart(&mut self, timer: Timer, rule: Rule, now: Moment) {
        let shortest = *self.election_timeout.start();
        let time = match timer {
            Timer::Contact => shortest,
            Timer::Election if rule == Rule::ContactLost => self.draw().saturating_sub(shortest),
            Timer::Election => self.draw(),
            Timer::Heartbeat => self.heartbeat,
        };
        self.end = now.after(time);
        if timer == Timer::Contact {
            self.end = self.end.max(self.promised);
        }
    }

    fn draw(&mut self) -> Duration {
        self.random.random_range(self.election_timeout.clone())
    }

    /// Until when contact does not end in any case.
    pub const fn promised(&self) -> Moment {
        self.promised
    }

    /// When it fires.
    pub const fn end(&self) -> Moment {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    const NOW: Moment = Moment::after_start(Duration::from_secs(60));

    fn countdown(id: u8, seed: Option<u64>) -> Countdown {
        let address = |n: u8| format!("127.0.0.1:700{n}").parse().unwrap();
        let servers = (1..=3).map(|n| (n, address(n))).collect();
        let settings = Settings { seed, ..Settings::new("test", id, servers) };
        Countdown::new(&Config::new(settings).unwrap(), Moment::default())
    }

    /// The first times that this timer would wait for.
    fn draws(mut countdown: Countdown) -> Vec<Duration> {
        (0..20).map(|_| countdown.draw()).collect()
    }

    #[test]
    fn it_is_due_until_it_is_started() {
        let mut countdown = countdown(1, None);
        assert!(countdown.end() <= NOW);
        countdown.restart(Timer::Heartbeat, Rule::HeartbeatSent, NOW);
        assert_eq!(countdown.end(), NOW.after(Duration::from_millis(50)));
    }

    #[test]
    fn contact_lasts_the_shortest_timeout_and_what_is_random_comes_after_it() {
        let mut countdown = countdown(1, Some(7));
        let (shortest, longest) = (Duration::from_millis(150), Duration::from_millis(300));
        countdown.restart(Timer::Contact, Rule::HeartbeatAccepted, NOW);
        assert_eq!(countdown.end(), NOW.after(shortest));
        for _ in 0..100 {
            countdown.restart(Timer::Election, Rule::ContactLost, NOW);
            assert!(countdown.end().since(NOW) <= longest - shortest);
            countdown.restart(Timer::Election, Rule::PreCampaigned, NOW);
            assert!((shortest..=longest).contains(&countdown.end().since(NOW)));
        }
    }

    #[test]
    fn contact_outlasts_what_an_earlier_run_promised() {
        let mut countdown = countdown(1, Some(7));
        countdown.promised = NOW.after(Duration::from_secs(1));
        for later in [0, 500, 900] {
            let now = NOW.after(Duration::from_millis(later));
            countdown.restart(Timer::Contact, Rule::HeartbeatAccepted, now);
            let own = now.after(Duration::from_millis(150));
            assert_eq!(countdown.end(), countdown.promised.max(own));
        }
    }

    #[test]
    fn a_seed_repeats_the_timeouts() {
        assert_eq!(draws(countdown(1, Some(7))), draws(countdown(1, Some(7))));
        assert_ne!(draws(countdown(1, Some(7))), draws(countdown(1, Some(8))));
        assert_ne!(draws(countdown(1, None)), draws(countdown(1, None)));
    }

    #[test]
    fn servers_that_share_a_seed_draw_different_timeouts() {
        assert_ne!(draws(countdown(1, Some(7))), draws(countdown(2, Some(7))));
    }

    #[test]
    fn election_timeouts_differ() {
        let times = draws(countdown(1, Some(7)));
        assert!(times.iter().any(|&time| time != times[0]));
    }
}
