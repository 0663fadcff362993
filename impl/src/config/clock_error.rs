//! What a lease assumes of clocks.

use std::time::Duration;

/// How much a clock may gain or lose: its ρ, as a share of the true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockError {
    ppm: u32,
}

impl ClockError {
    /// One in a hundred.
    pub const DEFAULT: Self = Self { ppm: 10_000 };

    /// So many parts of a million, if that is less than all.
    pub const fn of_ppm(ppm: u32) -> Option<Self> {
        if ppm < 1_000_000 { Some(Self { ppm }) } else { None }
    }

    /// In parts of a million.
    pub const fn ppm(self) -> u32 {
        self.ppm
    }

    /// The lease that a promise of so long gives: on the slowest clock it ends no later than the
    /// promise does on the fastest.
    pub fn lease(self, promise: Duration) -> Duration {
        let ppm = u128::from(self.ppm);
        let nanoseconds = promise.as_nanos() * (1_000_000 - ppm) / (1_000_000 + ppm);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_on_the_slowest_clock_ends_before_a_promise_on_the_fastest() {
        let promise = Duration::from_millis(150);
        assert_eq!(ClockError::of_ppm(0).map(|error| error.lease(promise)), Some(promise));
        assert_eq!(ClockError::DEFAULT.lease(promise), Duration::from_nanos(147_029_702));
        for ppm in [1, 100, 10_000, 500_000, 999_999] {
            let lease = ClockError::of_ppm(ppm).unwrap().lease(promise).as_nanos();
            let (slow, fast) = (u128::from(1_000_000 - ppm), u128::from(1_000_000 + ppm));
            // In true time: lease / (1 - error), promise / (1 + error).
            assert!(lease * fast <= promise.as_nanos() * slow, "{ppm}");
        }
        assert_eq!(ClockError::of_ppm(1_000_000), None);
        assert_eq!(ClockError::of_ppm(999_999).map(ClockError::ppm), Some(999_999));
    }
}
