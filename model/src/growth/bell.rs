//! The bell, and which one fits some levels best.

use std::f64::consts::TAU;

/// About how many states each level of a search has: so many in all, most of them in the middle.
///
/// It is told by three logarithms: of all states; of the level that is the middle, the first being
/// 1; and of the variance of the levels, in units of the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bell(pub(super) [f64; 3]);

/// How far the states of the last known level may be from the bell, as a logarithm; each level
/// before it by a factor more.
const ROUGHNESS: f64 = 0.2;
const FORGETTING: f64 = 1.2;
/// More levels than these tell nothing new.
const MEMORY: usize = 12;
/// It has settled after far fewer steps.
const STEPS: usize = 60;

impl Bell {
    /// The bell of a graph that is known in full.
    ///
    /// # Panics
    ///
    /// If there is no level.
    pub fn of(levels: &[usize]) -> Self {
        let numbered = || (1..).map(f64::from).zip(levels.iter().map(|&states| as_f64(states)));
        let states: f64 = numbered().map(|(_, states)| states).sum();
        let middle = numbered().map(|(level, states)| level * states).sum::<f64>() / states;
        let squares: f64 =
            numbered().map(|(level, states)| (level - middle).powi(2) * states).sum();
        // A single level is no bell.
        let variance = (squares / states).max(0.1);
        Self([states.ln(), middle.ln(), (variance / middle).ln()])
    }

    /// The logarithm of the states of a level.
    pub(super) fn at(&self, level: usize) -> f64 {
        let (distance, variance) = self.distance(level);
        self.0[0] - (TAU * variance).ln() / 2.0 - distance * distance / (2.0 * variance)
    }

    /// The last level that has a state.
    pub fn depth(&self) -> f64 {
        let variance = (self.0[1] + self.0[2]).exp();
        let highest = self.0[0] - (TAU * variance).ln() / 2.0;
        self.0[1].exp() + (2.0 * variance * highest.max(0.0)).sqrt()
    }

    fn distance(&self, level: usize) -> (f64, f64) {
        (as_f64(level) - self.0[1].exp(), (self.0[1] + self.0[2]).exp())
    }

    /// By how much [`Bell::at`] changes with each of the three numbers.
    fn slopes(&self, level: usize) -> [f64; 3] {
        let (distance, variance) = self.distance(level);
        let wider = (distance * distance / variance - 1.0) / 2.0;
        [1.0, wider + distance * self.0[1].exp() / variance, wider]
    }
}

/// The bell between what was expected, with such standard deviations, and the known levels: the one
/// that is least surprising (Gauss and Newton's method). And how sure that is: the standard
/// deviation of the logarithm of its states.
pub(super) fn fitted(expected: Bell, doubt: [f64; 3], levels: &[usize]) -> (Bell, f64) {
    let known = (0..).zip(levels.iter().enumerate().rev()).take(MEMORY);
    let known = known.filter(|&(_, (_, &states))| states > 0).map(|(age, (number, &states))| {
        let rough = ROUGHNESS * FORGETTING.powi(age);
        (number + 1, as_f64(states).ln(), 1.0 / (rough * rough + 1.0 / as_f64(states)))
    });
    let known: Vec<(usize, f64, f64)> = known.collect();
    let mut bell = expected;
    let mut certainty = [[0.0; 3]; 3];
    for _ in 0..STEPS {
        certainty = [[0.0; 3]; 3];
        let mut pull = [0.0; 3];
        for i in 0..3 {
            certainty[i][i] = doubt[i].powi(-2);
            pull[i] = (expected.0[i] - bell.0[i]) * certainty[i][i];
        }
        for &(level, found, weight) in &known {
            let (slopes, missed) = (bell.slopes(level), found - bell.at(level));
            for i in 0..3 {
                pull[i] += slopes[i] * missed * weight;
                for j in 0..3 {
                    certainty[i][j] += slopes[i] * slopes[j] * weight;
                }
            }
        }
        let step = solved(certainty, pull);
        // Far from the end a step would go too far.
        let too_far = [2.0, 0.2, 0.3].iter().zip(step).map(|(most, step)| step.abs() / most);
        let slower = too_far.fold(1.0, f64::max);
        for (number, step) in bell.0.iter_mut().zip(step) {
            *number += step / slower;
        }
        if step.iter().all(|step| step.abs() < 1e-6) {
            break;
        }
    }
    (bell, solved(certainty, [1.0, 0.0, 0.0])[0].sqrt())
}

/// What a positive definite matrix makes into `right`.
fn solved(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> [f64; 3] {
    for i in 0..3 {
        for other in (0..3).filter(|&other| other != i) {
            let factor = matrix[other][i] / matrix[i][i];
            let row = matrix[i];
            for (number, above) in matrix[other].iter_mut().zip(row) {
                *number -= factor * above;
            }
            right[other] -= factor * right[i];
        }
    }
    std::array::from_fn(|i| right[i] / matrix[i][i])
}

/// Exact for all that can be counted here.
#[expect(clippy::cast_precision_loss)]
pub(super) fn as_f64(number: usize) -> f64 {
    number as f64
}
