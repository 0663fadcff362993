//! How often something may be done.

use std::time::Duration;

use crate::clock::Moment;

/// What may be done so many times at once, and again after a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    most: u32,
    every: Duration,
    left: u32,
    since: Moment, // when the last one came in
}

impl Bucket {
    /// One that is full.
    pub(super) const fn new(most: u32, every: Duration, now: Moment) -> Self {
        Self { most, every, left: most, since: now }
    }

    /// Whether it may be done now; that is noted.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        let earned = now.since(self.since).as_nanos() / self.every.as_nanos().max(1);
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        if earned >= self.most - self.left {
            self.left = self.most;
            self.since = now;
        } else {
            self.left += earned;
            self.since = self.since.after(self.every * earned);
        }
        let is_allowed = self.left > 0;
        self.left -= u32::from(is_allowed);
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    const EVERY: Duration = Duration::from_millis(10);

    fn taken(bucket: &mut Bucket, times: usize, now: Moment) -> usize {
        (0..times).filter(|_| bucket.take(now)).count()
    }

    #[test]
    fn it_is_empty_after_so_many_and_fills_again() {
        let mut bucket = Bucket::new(3, EVERY, NOW);
        assert_eq!(taken(&mut bucket, 10, NOW), 3);
        assert_eq!(taken(&mut bucket, 10, NOW.after(EVERY / 2)), 0);
        assert_eq!(taken(&mut bucket, 10, NOW.after(EVERY * 2)), 2);
        assert_eq!(taken(&mut bucket, 10, NOW.after(EVERY * 100)), 3);
        assert_eq!(taken(&mut bucket, 1, NOW.after(EVERY * 102)), 1);
        assert_eq!(taken(&mut bucket, 10, NOW.after(EVERY * 105)), 3, "no more than it holds");
    }

    /// Whoever asks all the time gets as many as whoever asks now and then.
    #[test]
    fn asking_in_vain_costs_nothing() {
        let mut bucket = Bucket::new(2, EVERY, NOW);
        let asked = (0..10_000_u32).map(|n| NOW.after(Duration::from_micros(10) * n));
        let count = asked.filter(|&now| bucket.take(now)).count();
        assert_eq!(count, 2 + 9); // and one every 10 ms within 100 ms
    }
}
