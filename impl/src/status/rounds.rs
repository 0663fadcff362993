//! When a leader asked what it is answered: round trips are counted from there.

use std::time::Duration;

use raft_model::types::{Round, ServerId, ServerSet};

use crate::clock::Moment;

/// How many rounds are remembered: an answer that comes later is not timed.
const REMEMBERED: usize = 8;

/// The last rounds of a leader.
///
/// A round is sent again until a quorum has answered it, and an answer does not say to which of
/// these heartbeats it is. So the first answer of a server is timed, from the opening of the round
/// on. A heartbeat that was lost so counts as one that took long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rounds {
    last: [Option<Opened>; REMEMBERED], // the latest first
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opened {
    round: Round,
    at: Moment,
    answered: ServerSet,
}

impl Rounds {
    /// The first round of a term, or without check-quorum the next heartbeat, which is its own.
    pub(super) fn begin(&mut self, round: Round, at: Moment) {
        *self = Self::default();
        self.open(round, at);
    }

    /// The next round of the same term.
    pub(super) fn open(&mut self, round: Round, at: Moment) {
        self.last.rotate_right(1);
        self.last[0] = Some(Opened { round, at, answered: ServerSet::EMPTY });
    }

    /// How long this answer took; `None` unless it is the first of that server to a round that is
    /// remembered.
    pub(super) fn answer(&mut self, from: ServerId, round: Round, now: Moment) -> Option<Duration> {
        let opened = self.last.iter_mut().flatten().find(|opened| opened.round == round)?;
        if opened.answered.contains(from) {
            return None;
        }
        opened.answered = opened.answered.with(from);
        Some(now.since(opened.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::server;

    const START: Moment = Moment::after_start(Duration::from_secs(60));

    fn at(ms: u64) -> Moment {
        START.after(Duration::from_millis(ms))
    }

    /// Rounds that were opened every 50 ms.
    fn opened(count: u64) -> Rounds {
        let mut rounds = Rounds::default();
        rounds.begin(Round::FIRST, at(0));
        (1..count).for_each(|it| rounds.open(Round::new(1 + it), at(50 * it)));
        rounds
    }

    #[test]
    fn an_answer_that_comes_after_the_next_round_was_opened_took_as_long_as_it_did() {
        let mut rounds = opened(2);
        let took = rounds.answer(server(2), Round::FIRST, at(80));
        assert_eq!(took, Some(Duration::from_millis(80)));
    }

    #[test]
    fn each_server_is_timed_once_a_round() {
        let mut rounds = opened(1);
        let mut answers = |from| rounds.answer(server(from), Round::FIRST, at(1)).is_some();
        assert_eq!([answers(2), answers(2), answers(3)], [true, false, true]);
    }

    #[test]
    fn what_is_not_remembered_is_not_timed() {
        let mut rounds = opened(9);
        assert_eq!(rounds.answer(server(2), Round::FIRST, at(500)), None);
        assert!(rounds.answer(server(2), Round::new(2), at(500)).is_some());
        rounds.begin(Round::FIRST, at(1_000));
        assert_eq!(rounds.answer(server(2), Round::new(2), at(1_001)), None, "of an earlier term");
    }
}
