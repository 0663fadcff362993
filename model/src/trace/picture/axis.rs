//! The axis of time. Between two heartbeats lie fifty milliseconds, and in an election within one
//! building two messages lie a tenth of one apart: where steps of an election are too close to be
//! told from each other, time is stretched.

/// How far apart the steps of an election are drawn at least.
const APART: f64 = 26.0;
/// How wide a picture is, but for what is stretched: it fits a screen.
const WIDTH: f64 = 1240.0;
/// How far apart the marks of the axis are at least, where time is not stretched.
const MARKS: f64 = 90.0;

/// Where times are drawn.
pub(super) struct Axis {
    /// Times and where they are drawn; straight lines between them.
    knots: Vec<(u64, f64)>,
    /// Stretches of time that are drawn wider than others.
    pub(super) stretched: Vec<(u64, u64)>,
    /// From one mark to the next.
    pub(super) mark: u64,
}

impl Axis {
    /// An axis from a time to another, on which the times that `matter` are apart; they are in
    /// order. It is so many screens wide.
    pub(super) fn new(from: u64, to: u64, left: f64, screens: u32, matter: &[u64]) -> Self {
        let span = (to - from).max(1);
        let microsecond = WIDTH * f64::from(screens) / span as f64;
        let mut knots = vec![(from, left)];
        let mut stretched: Vec<(u64, u64)> = Vec::new();
        let mut x = left;
        let mut before = from;
        for (index, &time) in matter.iter().enumerate() {
            let width = (time - before) as f64 * microsecond;
            if index > 0 && width < APART && time > before {
                x += APART;
                match stretched.last_mut() {
                    Some((_, end)) if *end == before => *end = time,
                    _ => stretched.push((before, time)),
                }
            } else {
                x += width;
            }
            knots.push((time, x));
            before = time;
        }
        knots.push((from + span, x + (from + span - before) as f64 * microsecond));
        let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        let is_wide = |&step: &u64| step as f64 * microsecond >= MARKS;
        let mark = steps.take(50).find(is_wide).unwrap_or(span);
        Self { knots, stretched, mark }
    }

    /// Where a time is drawn; times beyond an end of the axis at that end.
    pub(super) fn x(&self, time: u64) -> f64 {
        let next = self.knots.partition_point(|&(knot, _)| knot <= time);
        let (Some(&(from, left)), Some(&(to, right))) =
            (self.knots.get(next.wrapping_sub(1)), self.knots.get(next))
        else {
            return if next == 0 { self.knots[0].1 } else { self.right() };
        };
        left + (right - left) * (time - from) as f64 / (to - from) as f64
    }

    /// Where the axis ends.
    pub(super) fn right(&self) -> f64 {
        self.knots[self.knots.len() - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_to_the_right() {
        let matter = [2_000_000, 2_000_100, 2_000_101, 2_500_000];
        let axis = Axis::new(1_000_000, 4_000_000, 50.0, 1, &matter);
        let times = [0, 1_000_000, 1_500_000, 2_000_000, 2_000_050, 2_000_100, 2_000_101];
        let xs: Vec<f64> = times.into_iter().map(|time| axis.x(time)).collect();
        assert_eq!((xs[0], xs[1]), (50.0, 50.0));
        assert!(xs[1..].is_sorted_by(|a, b| a < b), "{xs:?}");
        assert_eq!((axis.x(4_000_000), axis.x(u64::MAX)), (axis.right(), axis.right()));
    }

    #[test]
    fn steps_that_matter_are_apart() {
        let matter = [1_000_000, 1_000_100, 1_000_101, 2_000_000];
        let axis = Axis::new(0, 4_000_000, 0.0, 1, &matter);
        assert_eq!(axis.x(1_000_000), WIDTH / 4.0);
        assert_eq!(axis.x(1_000_101), WIDTH / 4.0 + 2.0 * APART);
        assert_eq!(axis.stretched, [(1_000_000, 1_000_101)]);
        assert_eq!(axis.mark, 500_000);
    }

    #[test]
    fn a_run_of_any_length_fits_a_screen_or_as_many_as_one_wants() {
        for (to, screens) in [(1_000, 1), (10_000_000, 1), (3_600_000_000, 1), (10_000_000, 7)] {
            let axis = Axis::new(0, to, 0.0, screens, &[]);
            assert!((axis.right() - WIDTH * f64::from(screens)).abs() < 1e-6, "{to} {screens}");
        }
    }

    #[test]
    fn a_run_of_a_moment_has_a_width() {
        let axis = Axis::new(7, 7, 0.0, 1, &[7]);
        assert_eq!((axis.x(7), axis.right()), (0.0, WIDTH));
    }
}
