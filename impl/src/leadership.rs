//! Leadership as a value: what a program may act on, and for how long.

use std::time::Duration;

use raft_model::types::Term;

use crate::clock::Moment;

/// The right to act as the leader, until it ends. It ends by itself: whatever becomes of the server
/// that handed it out, no other server hands out one that is valid at the same moment.
///
/// A program asks [`Leadership::is_valid`] right before each act. What it cannot exclude is that it
/// is stopped between the question and the act. Where that matters, the act carries
/// [`Leadership::fencing_token`], and whoever is acted upon refuses a token lower than one it has
/// seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    term: Term,
    until: Moment,
    asked: Moment,
}

impl Leadership {
    pub(crate) const fn new(term: Term, until: Moment) -> Self {
        Self { term, until, asked: Moment::after_start(Duration::ZERO) }
    }

    /// The same, if it is valid at the moment at which somebody asks for it.
    pub(crate) fn handed_out(self, asked: Moment) -> Option<Self> {
        self.is_valid_at(asked).then_some(Self { asked, ..self })
    }

    /// The term that the server was elected in.
    pub const fn term(&self) -> Term {
        self.term
    }

    /// A number that grows with every change of leader: the term. A later leader has a higher one,
    /// even if all servers were restarted in between.
    pub const fn fencing_token(&self) -> u64 {
        self.term.number()
    }

    /// The moment at which it ends.
    pub const fn until(&self) -> Moment {
        self.until
    }

    /// The moment at which it was valid when it was handed out: the clock was read in the call.
    pub const fn asked(&self) -> Moment {
        self.asked
    }

    /// How long it is still valid; zero when it is over. The clock is read in this call.
    pub fn remaining(&self) -> Duration {
        self.until.since(Moment::now())
    }

    /// Whether it is valid. The clock is read in this call.
    pub fn is_valid(&self) -> bool {
        self.is_valid_at(Moment::now())
    }

    /// Whether it is valid at a moment of this machine.
    pub fn is_valid_at(&self, moment: Moment) -> bool {
        moment < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_by_itself() {
        let end = Moment::after_start(Duration::from_secs(1));
        let leadership = Leadership::new(Term::new(7), end);
        assert_eq!(leadership.fencing_token(), 7);
        assert!(leadership.is_valid_at(Moment::default()) && !leadership.is_valid_at(end));
        assert_eq!((leadership.is_valid(), leadership.remaining()), (false, Duration::ZERO));
        let hour = Duration::from_secs(3600);
        let leadership = Leadership::new(Term::new(7), Moment::now().after(hour));
        let remaining = leadership.remaining();
        assert!(leadership.is_valid() && hour / 2 < remaining && remaining <= hour);
    }

    #[test]
    fn it_is_handed_out_with_the_moment_at_which_it_was_asked_for_and_only_while_it_is_valid() {
        let second = |number| Moment::after_start(Duration::from_secs(number));
        let leadership = Leadership::new(Term::new(7), second(3));
        assert_eq!(leadership.handed_out(second(2)).unwrap().asked(), second(2));
        assert_eq!(leadership.handed_out(second(3)), None);
    }
}
