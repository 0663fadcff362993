//! What a supervisor decides: a value without processes and clocks.

use std::time::Duration;

use raft_model::types::Term;

use crate::clock::Moment;
use crate::control::Leading;

/// When work ends, counted back from the moment at which it may not be done any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// When it is told to end, by SIGTERM.
    pub stop: Duration,
    /// When it is killed.
    pub kill: Duration,
    /// How long it may take to end while the lease goes on: then it is killed, too.
    pub patience: Duration,
}

/// What is to be done now, or that there is nothing to do until something is heard or this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Prepare the work of this term, and let the node guard it.
    Prepare(Term),
    /// Let the work begin that is prepared.
    Go,
    /// Tell it to end.
    Terminate,
    /// Kill it.
    Kill,
    /// Wait.
    Wait(Option<Moment>),
}

/// What it knows of the lease and of the work.
#[derive(Debug)]
pub(super) struct Decider {
    margins: Margins,
    held: Option<Held>,
    work: Option<Work>,
    gives_up: bool,
    quits: bool,
    rests_until: Moment,
}

/// What the node has handed out last.
#[derive(Clone, Copy, Debug)]
struct Held {
    token: Term,
    until: Moment,
}

/// Work that is prepared, or is done.
#[derive(Clone, Copy, Debug)]
struct Work {
    token: Term,
    /// Until when it may be done.
    until: Moment,
    /// Whether the node guards it.
    is_guarded: bool,
    has_begun: bool,
    /// Whether it has to end, whatever is heard from now on.
    is_over: bool,
    told: Option<Moment>,
    is_killed: bool,
}

impl Decider {
    pub(super) const fn new(margins: Margins) -> Self {
        let rests_until = Moment::after_start(Duration::ZERO);
        Self { margins, held: None, work: None, gives_up: false, quits: false, rests_until }
    }

    /// The node has answered a question that was asked at this moment. What it handed out is
    /// counted from there: so it does not matter how long the answer took.
    pub(super) fn hear(&mut self, asked: Moment, leading: &Leading, is_guarded: bool) {
        self.gives_up = leading.gives_up;
        self.held = leading.lease.map(|lease| Held {
            token: lease.fencing_token,
            until: asked.after(Duration::from_micros(lease.left_us)),
        });
        let Some(work) = &mut self.work else { return };
        work.is_guarded |= is_guarded;
        match self.held {
            Some(held) => {
                // In another term this server leads still, so nobody else acts, but the token that
                // the work has is an old one.
                work.is_over |= held.token != work.token;
                work.until = work.until.max(held.until);
            }
            None => work.is_over = true,
        }
    }

    /// The work of this supervisor ends, and does not begin again.
    pub(super) const fn quit(&mut self) {
        self.quits = true;
    }

    /// The work has ended. It does not begin again before this moment.
    pub(super) const fn ended(&mut self, rests_until: Moment) {
        self.work = None;
        self.rests_until = rests_until;
    }

    /// Whether there is work, prepared or begun.
    pub(super) const fn has_work(&self) -> bool {
        self.work.is_some()
    }

    /// Whether somebody wants the work to end, or it may not go on: then its end is no failure. If
    /// this supervisor was stopped meanwhile, the node may have ended it.
    pub(super) fn is_ending(&self, now: Moment) -> bool {
        let ends = |work: &Work| {
            let is_late = work.until.before(self.margins.stop) <= now;
            work.told.is_some() || work.is_killed || work.is_over || is_late
        };
        self.quits || self.gives_up || self.work.as_ref().is_some_and(ends)
    }

    /// What is to be done at this moment. Each order comes once.
    pub(super) fn next(&mut self, now: Moment) -> Order {
        let Margins { stop, kill, patience } = self.margins;
        let Some(work) = &mut self.work else {
            return self.begin(now);
        };
        if work.is_killed {
            return Order::Wait(None);
        }
        let is_over = work.is_over || self.quits || self.gives_up;
        let end = work.until.before(kill);
        let end = work.told.map_or(end, |told| end.min(told.after(patience)));
        if end <= now || is_over && !work.has_begun {
            work.is_killed = true;
            return Order::Kill;
        }
        let stop = work.until.before(stop);
        if !work.has_begun {
            if work.is_guarded && now < stop {
                work.has_begun = true;
                return Order::Go;
            }
            return Order::Wait(Some(end));
        }
        if work.told.is_some() {
            return Order::Wait(Some(end));
        }
        if is_over || stop <= now {
            work.told = Some(now);
            return Order::Terminate;
        }
        Order::Wait(Some(stop))
    }

    fn begin(&mut self, now: Moment) -> Order {
        if self.quits || self.gives_up {
            return Order::Wait(None);
        }
        if now < self.rests_until {
            return Order::Wait(Some(self.rests_until));
        }
        match self.held {
            Some(Held { token, until }) if now < until.before(self.margins.stop) => {
                self.work = Some(Work {
                    token,
                    until,
                    is_guarded: false,
                    has_begun: false,
                    is_over: false,
                    told: None,
                    is_killed: false,
                });
                Order::Prepare(token)
            }
            _ => Order::Wait(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::report::Lease;
    use crate::testing::{NOW, server};

    const MARGINS: Margins = Margins { stop: ms(50), kill: ms(15), patience: ms(10_000) };
    const ONE: Term = Term::new(1);
    const TWO: Term = Term::new(2);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const fn at(time: u64) -> Moment {
        NOW.after(ms(time))
    }

    fn answer(lease: Option<(Term, u64)>) -> Leading {
        let lease =
            lease.map(|(fencing_token, left)| Lease { fencing_token, left_us: 1000 * left });
        Leading { server: server(1), lease, gives_up: false, leader: None, term: ONE }
    }

    fn new() -> Decider {
        Decider::new(MARGINS)
    }

    /// Work in term 1 that may be done for another 150 ms, and has begun.
    fn working() -> Decider {
        let mut decider = new();
        decider.hear(at(0), &answer(Some((ONE, 150))), false);
        assert_eq!(decider.next(at(0)), Order::Prepare(ONE));
        decider.hear(at(0), &answer(Some((ONE, 150))), true);
        assert_eq!(decider.next(at(0)), Order::Go);
        decider
    }

    #[test]
    fn who_does_not_lead_has_no_work() {
        let mut decider = new();
        assert_eq!(decider.next(at(0)), Order::Wait(None));
        decider.hear(at(0), &answer(None), false);
        assert_eq!(decider.next(at(0)), Order::Wait(None));
    }

    #[test]
    fn work_is_prepared_and_begins_when_the_node_guards_it() {
        let mut decider = new();
        decider.hear(at(0), &answer(Some((ONE, 150))), false);
        assert_eq!(decider.next(at(1)), Order::Prepare(ONE));
        assert_eq!(decider.next(at(2)), Order::Wait(Some(at(135))), "nobody guards it yet");
        decider.hear(at(3), &answer(Some((ONE, 150))), true);
        assert_eq!(decider.next(at(4)), Order::Go);
        assert_eq!(decider.next(at(4)), Order::Wait(Some(at(103))));
    }

    #[test]
    fn a_lease_that_is_nearly_over_begins_no_work() {
        let mut decider = new();
        decider.hear(at(0), &answer(Some((ONE, 50))), false);
        assert_eq!(decider.next(at(0)), Order::Wait(None));
        decider.hear(at(0), &answer(Some((ONE, 150))), false);
        assert_eq!(decider.next(at(0)), Order::Prepare(ONE));
        decider.hear(at(100), &answer(Some((ONE, 50))), true);
        assert_eq!(decider.next(at(100)), Order::Wait(Some(at(135))), "too late to begin");
        assert_eq!(decider.next(at(135)), Order::Kill);
    }

    #[test]
    fn work_that_may_not_be_done_any_more_is_killed_before_it_has_begun() {
        for lost in [None, Some((TWO, 150))] {
            let mut decider = new();
            decider.hear(at(0), &answer(Some((ONE, 150))), false);
            decider.next(at(0));
            decider.hear(at(1), &answer(lost), true);
            assert_eq!(decider.next(at(1)), Order::Kill);
        }
    }

    #[test]
    fn as_long_as_the_node_answers_the_work_goes_on() {
        let mut decider = working();
        for time in (25..10_000).step_by(25) {
            decider.hear(at(time), &answer(Some((ONE, 150))), true);
            assert_eq!(decider.next(at(time)), Order::Wait(Some(at(time + 100))));
        }
    }

    #[test]
    fn a_node_that_is_silent_costs_the_work_before_the_lease_ends() {
        let mut decider = working();
        assert_eq!(decider.next(at(99)), Order::Wait(Some(at(100))));
        assert_eq!(decider.next(at(100)), Order::Terminate);
        assert_eq!(decider.next(at(101)), Order::Wait(Some(at(135))));
        assert_eq!(decider.next(at(135)), Order::Kill);
        assert_eq!(decider.next(at(136)), Order::Wait(None));
    }

    #[test]
    fn a_lease_counts_from_the_question_however_late_the_answer() {
        let mut decider = working();
        decider.hear(at(10), &answer(Some((ONE, 150))), true); // and it is 90 now
        assert_eq!(decider.next(at(90)), Order::Wait(Some(at(110))));
    }

    #[test]
    fn a_node_that_leads_no_more_ends_the_work_and_it_may_use_what_is_left() {
        let mut decider = working();
        decider.hear(at(20), &answer(None), true);
        assert_eq!(decider.next(at(20)), Order::Terminate);
        assert_eq!(decider.next(at(134)), Order::Wait(Some(at(135))));
        assert_eq!(decider.next(at(135)), Order::Kill);
    }

    #[test]
    fn work_of_an_old_term_ends_though_the_node_leads_again() {
        let mut decider = working();
        decider.hear(at(20), &answer(Some((TWO, 150))), true);
        assert_eq!(decider.next(at(20)), Order::Terminate);
        decider.ended(at(30));
        assert_eq!(decider.next(at(30)), Order::Prepare(TWO));
    }

    #[test]
    fn work_that_has_to_end_ends_whatever_is_heard_then() {
        let mut decider = working();
        decider.hear(at(20), &answer(None), true);
        assert_eq!(decider.next(at(20)), Order::Terminate);
        decider.hear(at(40), &answer(Some((ONE, 150))), true);
        assert_eq!(decider.next(at(40)), Order::Wait(Some(at(175))));
        decider.ended(at(50));
        assert_eq!(decider.next(at(50)), Order::Prepare(ONE), "and then begins anew");
    }

    #[test]
    fn who_quits_has_time_as_long_as_the_lease_goes_on_but_not_for_ever() {
        let mut decider = working();
        decider.quit();
        assert_eq!(decider.next(at(10)), Order::Terminate);
        for time in (20..10_000).step_by(20) {
            decider.hear(at(time), &answer(Some((ONE, 150))), true);
            assert!(matches!(decider.next(at(time)), Order::Wait(Some(_))), "{time}");
        }
        decider.hear(at(10_005), &answer(Some((ONE, 150))), true);
        assert_eq!(decider.next(at(10_010)), Order::Kill);
        decider.ended(at(10_020));
        assert_eq!(decider.next(at(20_000)), Order::Wait(None), "and does not begin again");
    }

    #[test]
    fn a_node_that_gives_up_lets_the_work_end_first_and_it_may_begin_again() {
        let mut decider = working();
        let gives_up = Leading { gives_up: true, ..answer(Some((ONE, 150))) };
        decider.hear(at(10), &gives_up, true);
        assert_eq!(decider.next(at(10)), Order::Terminate);
        decider.ended(at(20));
        assert_eq!(decider.next(at(20)), Order::Wait(None));
        decider.hear(at(30), &answer(Some((ONE, 150))), false);
        assert_eq!(decider.next(at(30)), Order::Prepare(ONE));
    }

    #[test]
    fn work_that_ends_when_it_has_to_has_not_ended_by_itself() {
        let mut decider = working();
        assert!(!decider.is_ending(at(99)));
        assert!(decider.is_ending(at(100)), "the node may have killed it");
        decider.hear(at(20), &answer(None), true);
        assert!(decider.is_ending(at(20)));
    }

    #[test]
    fn work_that_ended_by_itself_rests_before_it_begins_again() {
        let mut decider = working();
        decider.ended(at(1000));
        decider.hear(at(900), &answer(Some((ONE, 150))), false);
        assert_eq!(decider.next(at(900)), Order::Wait(Some(at(1000))));
        decider.hear(at(1000), &answer(Some((ONE, 150))), false);
        assert_eq!(decider.next(at(1000)), Order::Prepare(ONE));
    }
}
