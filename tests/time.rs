//! Mistakes about timers. A model without time cannot see them: here each is given a story in which
//! the specification elects one leader, and the mutant another, more, or none.

use clockwork::Story;
use raft_model::mutant::{Catch, MUTANTS, Mutant};
use raft_model::world::Handlers;
use support::clockwork;

/// Servers that are elected, with their terms, in order.
type Elected = &'static [(u8, u64)];

/// Stories of mutants: whom the specification elects, and whom the mutant; of the mutant's the
/// first three.
const STORIES: [(&str, Story, Elected, Elected); 10] = [
    // Nothing is wrong. Three servers elect one leader, and keep it.
    ("no-heartbeats", CALM, &[(1, 1)], &[(1, 1), (2, 2), (1, 3)]),
    ("timer-runs-on-after-heartbeat", CALM, &[(1, 1)], &[(1, 1), (2, 2), (1, 3)]),
    ("leader-gives-up-when-answered", CALM, &[(1, 1)], &[(1, 1), (1, 2), (1, 3)]),
    // S2 votes for S1 just before its own timer would have fired.
    (
        "timer-runs-on-after-vote",
        Story { timeouts: &[&[10], &[12, 14], &[18]], takes: |_, _, _| Some(1), moments: 30 },
        &[(1, 1)],
        &[(1, 1), (2, 2)],
    ),
    // S1 and S2 campaign at the same time, and split the vote. S1 is the first to try again.
    (
        "timer-stops-after-campaign",
        Story { timeouts: &[&[10], &[10, 14]], takes: |_, _, _| Some(1), moments: 200 },
        &[(1, 2)],
        &[],
    ),
    // S1 leads, is cut off and replaced. When it is back, it follows.
    (
        "timer-runs-on-after-step-down",
        Story {
            timeouts: &[&[10], &[14], &[18]],
            takes: |now, from, to| {
                let is_cut = (20..=46).contains(&now) && (from == 1 || to == 1);
                (!is_cut).then_some(1)
            },
            moments: 100,
        },
        &[(1, 1), (2, 2)],
        &[(1, 1), (2, 2), (1, 3)],
    ),
    // S1 and S2 split the vote of four. S3, which has voted for S1, would be the first to try
    // again; but S2's request reaches it late.
    (
        "timer-restarted-by-refused-request",
        Story {
            timeouts: &[&[10, 20], &[10, 40], &[14], &[50]],
            takes: |now, from, to| match (now, from, to) {
                (10, 1, 4) => None,
                (10, 2, 3) => Some(9),
                _ => Some(1),
            },
            moments: 60,
        },
        &[(3, 2)],
        &[(1, 2)],
    ),
    // S1 leads; nobody hears it for a while, and S2 is elected. Then S2 is dead, and S1 is deaf: it
    // never hears that its term is over, and everybody hears it.
    ("timer-restarted-by-stale-request", DEAF, &[(1, 1), (2, 2), (3, 3)], &[(1, 1), (2, 2)]),
    ("older-heartbeat-accepted", DEAF, &[(1, 1), (2, 2), (3, 3)], &[(1, 1), (2, 2)]),
    // S2 was alone, and is two terms ahead. S1 asks for votes and learns of that late; it would be
    // the first to try again.
    (
        "timer-restarted-by-newer-term",
        Story {
            timeouts: &[&[10], &[5, 5, 50], &[30, 13]],
            takes: |now, from, to| match (from, to) {
                (2, _) if now <= 10 => None,
                (2, 1) if now == 11 => Some(7),
                (3, 1) if now < 20 => None,
                _ => Some(1),
            },
            moments: 60,
        },
        &[(1, 3)],
        &[(3, 2)],
    ),
];

const CALM: Story =
    Story { timeouts: &[&[10], &[14], &[18]], takes: |_, _, _| Some(1), moments: 100 };

const DEAF: Story = Story {
    timeouts: &[&[10], &[14], &[18], &[22], &[26]],
    takes: |now, from, to| {
        let is_deaf = now >= 20 && to == 1;
        let is_mute = (20..50).contains(&now) && from == 1;
        let is_dead = now >= 50 && (from == 2 || to == 2);
        (!is_deaf && !is_mute && !is_dead).then_some(1)
    },
    moments: 200,
};

#[test]
fn every_mistake_about_timers_has_a_story() {
    let named = STORIES.map(|(name, ..)| name);
    for mutant in MUTANTS.iter().filter(|mutant| mutant.caught_by == Catch::Test("time")) {
        assert!(named.contains(&mutant.name), "{} has no story", mutant.name);
    }
}

#[test]
fn each_changes_who_is_elected() {
    for (name, story, expected, instead) in STORIES {
        let mutant = Mutant::named(name).unwrap();
        assert_eq!(story.elects(Handlers::RAFT), expected, "the specification, {name}");
        let mut elected = story.elects(mutant.handlers);
        elected.truncate(3);
        assert_eq!(elected, instead, "{name}");
    }
}
