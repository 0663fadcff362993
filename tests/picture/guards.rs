//! Behind guards there are more kinds of messages, and answers to heartbeats count.

use roxmltree::Document;
use support::run::rounds;

use crate::{WHOLE, are, drawn, number, says, titles};

/// With check-quorum a leader counts who has answered.
#[test]
fn who_answers_a_heartbeat_does_not_refuse_it() {
    let picture = drawn(&rounds(4).texts(), WHOLE);
    are(&picture, "answer", (8, 0, 0));
    are(&picture, "refused", (0, 0, 0));
}

#[test]
fn an_answer_that_is_lost_is_left_open() {
    let mut run = rounds(1);
    let heartbeat = run.sent(1).expect("a second round");
    run.receive(255, 2, heartbeat);
    are(&drawn(&run.texts(), WHOLE), "answer", (2, 0, 1));
}

#[test]
fn a_leader_that_is_answered_is_as_quiet_as_one_that_does_not_ask() {
    let width = |picture: &str| number(Document::parse(picture).unwrap().root_element(), "width");
    let (few, many) = [4, 40].map(|number| drawn(&rounds(number).texts(), WHOLE)).into();
    let more = width(&many) - width(&few);
    assert!(more < 100.0, "36 more rounds take {more}");
    assert_eq!(titles(&many, "step RoundAnswered"), [""; 0], "a round has a dot of its own");
}

#[test]
fn questions_before_a_term_are_told_from_an_election() {
    let picture = drawn(&rounds(1).texts(), WHOLE);
    are(&picture, "pre-vote", (1, 1, 0));
    are(&picture, "would-vote", (1, 0, 0));
    are(&picture, "request", (1, 1, 0));
    are(&picture, "granted", (1, 0, 0));
    assert_eq!(titles(&picture, "lane pre-candidate").len(), 1, "S1 asks");
    says(&picture, ">PreVote<");
    says(&picture, ">pre-candidate<");
}
