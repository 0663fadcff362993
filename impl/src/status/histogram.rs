//! How long something took, each time that it happened, as a few numbers.

use std::time::Duration;

const BUCKETS: usize = Histogram::BOUNDS.len() + 1;

/// How often something took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    sum: Duration,
}

impl Histogram {
    /// Where one bucket ends and the next begins: what took exactly as long is in the lower one.
    pub const BOUNDS: [Duration; 13] = [
        Duration::from_micros(100),
        Duration::from_micros(200),
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_millis(2),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(20),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(200),
        Duration::from_millis(500),
        Duration::from_secs(1),
    ];

    /// It took that long once more.
    pub(crate) fn observe(&mut self, time: Duration) {
        self.counts[Self::BOUNDS.partition_point(|&bound| bound < time)] += 1;
        self.sum = self.sum.saturating_add(time);
    }

    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long it took, all times together.
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// How often it took so long at most and longer than the bound before, for each bound; `None`
    /// is the bound of what took longer than all of them.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = Self::BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_where_it_belongs() {
        let mut times = Histogram::default();
        let ms = Duration::from_millis;
        for time in [Duration::ZERO, ms(20), ms(20) + Duration::from_nanos(1), ms(7_000)] {
            times.observe(time);
        }
        let counted: Vec<_> = times.buckets().filter(|&(_, count)| count > 0).collect();
        let first = Some(Histogram::BOUNDS[0]);
        assert_eq!(counted, [(first, 1), (Some(ms(20)), 1), (Some(ms(50)), 1), (None, 1)]);
        assert_eq!((times.count(), times.sum()), (4, ms(7_040) + Duration::from_nanos(1)));
    }

    #[test]
    fn bounds_grow() {
        assert!(Histogram::BOUNDS.is_sorted_by(|lower, higher| lower < higher));
    }
}
