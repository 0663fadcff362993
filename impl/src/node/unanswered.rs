//! Which elections are worth a line of the log, while none of them leads to a leader.

use std::time::Duration;

use raft_model::election::{Role, Rule};

use crate::clock::Moment;
use crate::counters::is_worth_a_line;

/// After that long without a line the next election is worth one.
const PAUSE: Duration = Duration::from_secs(60);

/// The elections that a server has begun since it last led or heard a leader. One that nobody
/// answers begins five a second, for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unanswered {
    begun: u64,
    is_quiet: bool, // the latest is not worth a line
    last: Moment,   // when one was
}

impl Unanswered {
    /// Takes note of a step. How many elections the server has begun, if the step is worth a line:
    /// so is each step of the first, the second, the fourth, … election, and of one a minute.
    pub(super) fn step(&mut self, before: Role, rule: Rule, now: Moment) -> Option<u64> {
        let heard = [Rule::HeartbeatAccepted, Rule::SteppedDown, Rule::Elected].contains(&rule);
        if heard || before.is_leader() {
            *self = Self::default();
        } else if begins(before, rule) {
            self.begun += 1;
            self.is_quiet = !is_worth_a_line(self.begun) && now.since(self.last) < PAUSE;
            if !self.is_quiet {
                self.last = now;
            }
        }
        (!self.is_quiet).then_some(self.begun)
    }
}

/// Whether a step by this rule begins an election. That of a pre-candidate has begun before.
fn begins(before: Role, rule: Rule) -> bool {
    match rule {
        Rule::PreCampaigned => true,
        Rule::Campaigned => !matches!(before, Role::PreCandidate { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use raft_model::types::{Attempt, ServerSet};

    use super::*;
    use crate::testing::NOW;

    const ASKING: Role = Role::PreCandidate { attempt: Attempt::FIRST, votes: ServerSet::EMPTY };

    /// Begins so many elections, so long after each other. Those that are worth a line.
    fn told(unanswered: &mut Unanswered, count: u64, apart: Duration) -> Vec<u64> {
        let mut now = NOW;
        let elections = (0..count).filter_map(|_| {
            now = now.after(apart);
            unanswered.step(ASKING, Rule::PreCampaigned, now)
        });
        elections.collect()
    }

    #[test]
    fn lines_become_rare() {
        let elections = told(&mut Unanswered::default(), 40, Duration::from_millis(200));
        assert_eq!(elections, [1, 2, 4, 8, 16, 32]);
    }

    #[test]
    fn each_minute_has_a_line() {
        let elections = told(&mut Unanswered::default(), 13, Duration::from_secs(20));
        assert_eq!(elections, [1, 2, 4, 7, 8, 11]);
    }

    #[test]
    fn every_step_of_an_election_has_a_line_or_none_has() {
        let mut unanswered = Unanswered::default();
        for (begun, is_told) in [(2, true), (3, false), (4, true)] {
            let more = begun - unanswered.begun;
            told(&mut unanswered, more, Duration::ZERO);
            let counted = unanswered.step(ASKING, Rule::PreVoteCounted, NOW);
            assert_eq!(counted, is_told.then_some(begun));
        }
    }

    #[test]
    fn a_leader_ends_the_silence() {
        for (before, rule) in [
            (Role::FOLLOWER, Rule::HeartbeatAccepted),
            (ASKING, Rule::SteppedDown),
            (Role::Candidate { votes: ServerSet::EMPTY }, Rule::Elected),
            (Role::LEADER, Rule::QuorumLost),
        ] {
            let mut unanswered = Unanswered::default();
            told(&mut unanswered, 3, Duration::ZERO);
            assert_eq!(unanswered.step(before, rule, NOW), Some(0), "{rule:?}");
            assert_eq!(told(&mut unanswered, 3, Duration::ZERO), [1, 2], "{rule:?}");
        }
    }

    #[test]
    fn a_campaign_after_a_pre_vote_is_the_same_election() {
        let mut unanswered = Unanswered::default();
        unanswered.step(Role::FOLLOWER, Rule::PreCampaigned, NOW);
        assert_eq!(unanswered.step(ASKING, Rule::Campaigned, NOW), Some(1));
        let candidate = Role::Candidate { votes: ServerSet::EMPTY };
        assert_eq!(unanswered.step(candidate, Rule::Campaigned, NOW), Some(2));
    }
}
