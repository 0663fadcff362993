//! What time it is on this machine: how long ago it started, sleep included.
//!
//! The clock is `CLOCK_BOOTTIME`. It never jumps, and unlike [`std::time::Instant`] it goes on
//! while the machine is suspended. So a lease that ended in its sleep has ended when it wakes.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Whole microseconds, as times are written down everywhere.
pub(crate) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A moment, as one machine counts it. Those of two machines cannot be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration); // since the machine started

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self::read(|clock| {
            let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
            Duration::new(tv_sec.try_into().unwrap_or(0), tv_nsec.try_into().unwrap_or(0))
        })
    }

    /// Now, on a machine with these clocks.
    pub(crate) fn read(clocks: impl FnOnce(ClockId) -> Duration) -> Self {
        Self(clocks(ClockId::Boottime))
    }

    /// So long after the machine started.
    pub const fn after_start(time: Duration) -> Self {
        Self(time)
    }

    /// How long after the start of the machine that is.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// So much later.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    /// So much earlier, but not before the start of the machine.
    #[must_use]
    pub const fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time))
    }

    /// How long ago `earlier` is; zero if it is still to come.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on() {
        let before = Moment::now();
        assert!(before > Moment::default() && Moment::now() >= before);
    }

    #[test]
    fn it_is_read_on_the_clock_that_counts_sleep() {
        let read = Moment::read(|clock| match clock {
            ClockId::Boottime => Duration::from_secs(70),
            _ => Duration::from_secs(60), // it slept for ten seconds
        });
        assert_eq!(read.since_start(), Duration::from_secs(70));
    }

    #[test]
    fn what_is_still_to_come_is_no_time_ago() {
        let second = Duration::from_secs(1);
        let one = Moment::after_start(second);
        assert_eq!(one.after(second).since(one), second);
        assert_eq!(one.since(one.after(second)), Duration::ZERO);
    }
}
