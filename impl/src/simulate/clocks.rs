//! The clocks of a simulated machine: they gain, lose, and stand still.

use std::time::Duration;

use rustix::time::ClockId;

use crate::clock::Moment;

const MILLION: u128 = 1_000_000;

/// What time it is on a machine. Each time is in nanoseconds; the true one is that of the
/// simulation.
#[derive(Clone, Debug)]
pub(super) struct Clocks {
    since: u64, // the true time since when it goes at this rate
    passed: u64,
    rate: u128, // nanoseconds in a true millisecond
    slept: u64,
    /// What its clock on the wall shows beyond the true time, in microseconds.
    pub(super) wall_us: u64,
}

impl Clocks {
    /// A machine starts now.
    pub(super) const fn start(now: u64) -> Self {
        Self { since: now, passed: 0, rate: MILLION, slept: 0, wall_us: 0 }
    }

    /// From now on it gains so many parts of a million, or loses them.
    pub(super) fn gain(&mut self, ppm: i32, now: u64) {
        self.passed = self.passed(now);
        self.since = now;
        self.rate = MILLION.saturating_add_signed(ppm.into());
    }

    fn passed(&self, now: u64) -> u64 {
        self.passed + to_u64(u128::from(now.saturating_sub(self.since)) * self.rate / MILLION)
    }

    /// It was suspended for so long.
    pub(super) const fn sleep(&mut self, time: u64) {
        self.slept += time;
    }

    /// What a program reads.
    pub(super) fn read(&self, now: u64) -> Moment {
        let passed = self.passed(now);
        Moment::read(|clock| match clock {
            ClockId::Boottime => Duration::from_nanos(passed),
            _ => Duration::from_nanos(passed.saturating_sub(self.slept)),
        })
    }

    /// The true time at which a program reads this or more, at the present rate.
    pub(super) fn reads_at(&self, moment: Moment, now: u64) -> u64 {
        let left = moment.since(self.read(now)).as_nanos();
        now.saturating_add(to_u64((left * MILLION).div_ceil(self.rate)))
    }
}

fn to_u64(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_gains_is_ahead_and_one_that_loses_is_behind() {
        let mut clocks = Clocks::start(1_000);
        assert_eq!(clocks.read(3_000), Moment::after_start(Duration::from_nanos(2_000)));
        clocks.gain(100_000, 3_000);
        assert_eq!(clocks.read(13_000), Moment::after_start(Duration::from_nanos(13_000)));
        clocks.gain(-500_000, 13_000);
        assert_eq!(clocks.read(15_000), Moment::after_start(Duration::from_nanos(14_000)));
    }

    #[test]
    fn what_is_read_at_a_moment_is_not_before_it() {
        let mut clocks = Clocks::start(0);
        clocks.gain(-9_999, 0);
        for nanos in [1, 999, 1_000_000_007] {
            let moment = Moment::after_start(Duration::from_nanos(nanos));
            let at = clocks.reads_at(moment, 0);
            assert!(clocks.read(at) >= moment && clocks.read(at - 1) < moment);
        }
    }
}
