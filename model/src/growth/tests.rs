//! What is estimated of levels that are known.

use super::{Bell, Family, Guess, Known};

/// Figure 2, three servers, one to four terms.
const LEVELS: [&[usize]; 4] = [
    &[1, 1, 3, 5, 9, 5, 2],
    &[1, 1, 4, 11, 33, 66, 93, 86, 52, 20, 2],
    &[1, 1, 4, 12, 40, 126, 333, 642, 937, 1064, 899, 540, 233, 73, 16, 2],
    &[
        1, 1, 4, 12, 41, 135, 434, 1193, 2736, 5149, 7943, 9952, 10021, 8186, 5469, 2943, 1262,
        437, 117, 21, 2,
    ],
];

fn family() -> Family {
    let known = |levels: &[usize]| Known { levels: levels.to_vec(), edges: 5 };
    (1..).zip(LEVELS).map(|(term, levels)| ((3, term), known(levels))).collect()
}

#[track_caller]
fn about(found: f64, expected: usize, factor: f64) {
    let off = (found / f64::from(u32::try_from(expected).unwrap())).ln().abs();
    assert!(off < factor.ln(), "{found:.0}, not about {expected}");
}

#[test]
fn a_bell_tells_how_many_levels_there_are() {
    for levels in LEVELS {
        about(Bell::of(levels).depth(), levels.len(), 1.15);
    }
}

#[test]
fn smaller_bounds_tell_about_how_much_more_there_is() {
    let estimate = Guess::of(&family(), 3, 5).given(&[]);
    // As much more as there was before: 56,059 of 4,923.
    about(estimate.states, 638_000, 1.1);
    about(estimate.depth, 26, 1.1);
    assert!(estimate.factor > 2.0, "{estimate:?}");
}

#[test]
fn first_levels_tell_more_the_more_there_are() {
    let mut family = family();
    family.remove(&(3, 4));
    let (guess, levels) = (Guess::of(&family, 3, 4), LEVELS[3]);
    let mut factor = f64::INFINITY;
    for first in [6, 10, 14, levels.len()] {
        let estimate = guess.given(&levels[..first]);
        about(estimate.states, 56_059, 1.5_f64.min(estimate.factor));
        assert!(estimate.factor < factor, "{estimate:?}");
        factor = estimate.factor;
    }
    assert!(factor < 1.3, "{factor}");
}

#[test]
fn of_a_search_alone_nothing_can_be_told_before_its_middle() {
    let levels = LEVELS[3];
    let early = Guess::BLIND.given(&levels[..7]);
    assert!(early.factor.is_infinite(), "{early:?}");
    let late = Guess::BLIND.given(&levels[..13]);
    assert!(late.factor < 3.0, "{late:?}");
    about(late.states, 56_059, 1.4);
    about(late.depth, 21, 1.3);
}

#[test]
fn of_nothing_nearly_everything_may_come() {
    let estimate = Guess::of(&Family::new(), 3, 1).given(&[]);
    assert!(estimate.factor.is_infinite(), "{estimate:?}");
}
