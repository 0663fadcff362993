//! A leader that is stopped and continued hands out nothing stale, however it is asked.

use std::time::Duration;

use support::pauses::{Answers, Asked, clash};

#[test]
fn no_two_servers_say_at_one_moment_that_they_lead() {
    let mut asked = Asked::start();
    for trial in 0..30 {
        asked.pause_the_leader(Duration::from_millis(10 * (trial % 5)));
    }
    assert!(asked.answers.len() >= 60, "{} answers", asked.answers.len());
    assert!(asked.clash().is_none(), "{:?}", asked.clash());
    for answers in &asked.answers {
        assert!(answers.last < answers.until, "handed out when it was over: {answers:?}");
    }
}

#[test]
fn answers_that_are_valid_at_one_moment_are_seen() {
    let answers = |server, first, until| Answers { server, term: 1, first, last: first, until };
    assert!(clash(&[answers(1, 0, 10), answers(2, 10, 20), answers(1, 20, 30)]).is_none());
    assert!(clash(&[answers(1, 0, 10), answers(1, 5, 8), answers(2, 9, 20)]).is_some());
    assert!(clash(&[answers(2, 9, 20), answers(1, 0, 10)]).is_some());
}
