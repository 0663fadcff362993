//! What smaller bounds let one expect, and what is made of it once the first levels are known.

use super::bell::{self, Bell, as_f64};
use super::{Family, Known};

/// What is expected of a search before it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// Without smaller bounds: nothing.
    expected: Option<Bell>,
    /// How far the three numbers of the bell may be off: standard deviations of logarithms.
    doubt: [f64; 3],
    /// Edges for each state, if smaller bounds tell.
    fan_out: Option<f64>,
}

/// What a search will come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// All states.
    pub states: f64,
    /// By how much that may be wrong: nearly always there are at most so many times more states, or
    /// less. Infinite as long as nothing can be told.
    pub factor: f64,
    /// The last level.
    pub depth: f64,
    /// Edges for each state, if smaller bounds tell.
    pub fan_out: Option<f64>,
}

/// How wide bells are of which nothing is known, in units of their middle; as a logarithm, and how
/// far that may be off.
const SHAPE: (f64, f64) = (-0.6, 0.2);

/// So many standard deviations are doubted: no search is quite a bell.
const SURE: f64 = 3.0;

impl Guess {
    /// Of a search about which nothing is known.
    pub const BLIND: Self = Self { expected: None, doubt: [5.0, 3.0, SHAPE.1], fan_out: None };

    /// By what is known of smaller bounds.
    pub fn of(family: &Family, servers: u8, last_term: u64) -> Self {
        let before = |fewer: u8, less: u64| {
            let bounds = |times: u8| {
                let servers = servers.checked_sub(fewer * times)?;
                family.get(&(servers, last_term.checked_sub(less * u64::from(times))?))
            };
            bounds(1).zip(bounds(2))
        };
        // Quorums grow with every second server.
        if let Some((last, one_before)) = before(0, 1).filter(|(_, other)| other.levels.len() > 1) {
            Self::going_on(last, one_before, [0.5, 0.1, 0.2])
        } else if let Some((last, one_before)) = before(2, 0).or_else(|| before(1, 0)) {
            Self::going_on(last, one_before, [1.5, 0.25, 0.25])
        } else {
            Self::BLIND
        }
    }

    /// As much more again.
    fn going_on(last: &Known, one_before: &Known, doubt: [f64; 3]) -> Self {
        let [last_bell, bell_before] = [last, one_before].map(|known| Bell::of(&known.levels).0);
        let expected = Bell(std::array::from_fn(|i| 2.0 * last_bell[i] - bell_before[i]));
        let [fan_out, fan_out_before] =
            [last, one_before].map(|known| as_f64(known.edges) / as_f64(known.states()));
        let fan_out = Some((2.0 * fan_out - fan_out_before).max(fan_out));
        Self { expected: Some(expected), doubt, fan_out }
    }

    /// What is to be expected once the first levels of the search are known in full.
    pub fn given(&self, levels: &[usize]) -> Estimate {
        let known: usize = levels.iter().sum();
        let blind = || {
            let (states, level) = (as_f64(known.max(1)), as_f64(levels.len().max(1)));
            Bell([states.ln() + 2.0, (1.3 * level).ln(), SHAPE.0])
        };
        let expected = self.expected.unwrap_or_else(blind);
        let (bell, doubt) = bell::fitted(expected, self.doubt, levels);
        // What is to come goes on from the last known level.
        let last = levels.len();
        let begins = levels.last().map_or(0.0, |&states| as_f64(states).ln() - bell.at(last));
        let end = 2.0 * bell.depth().max(as_f64(last));
        let rest = (last + 1..).take_while(|&level| as_f64(level) <= end);
        let rest: f64 = rest.map(|level| (bell.at(level) + begins).exp()).sum();
        let states = as_f64(known) + rest;
        // Only what is to come is doubted; that it is twice as much is never out of the question.
        let more = (as_f64(known) + rest * (SURE * doubt).exp().max(2.0)) / states;
        let most = levels.iter().copied().max().unwrap_or(0);
        // While levels grow by half, where that ends is known from smaller bounds only.
        let has_no_end = self.expected.is_none() && 3 * most >= known;
        Estimate {
            states,
            factor: if has_no_end { f64::INFINITY } else { more },
            depth: bell.depth().max(as_f64(last)),
            fan_out: self.fan_out,
        }
    }
}
