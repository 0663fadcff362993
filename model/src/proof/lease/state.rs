//! The language of the proof of leases, beyond that of elections: rounds, and the history that
//! leases rest on.

use super::super::logic::Variable;

/// The symbols that the axioms are about, and the constants of the code.
pub(super) const SIGNATURE: &str = "\
(declare-sort Round 0)
(declare-fun sooner (Round Round) Bool)
(declare-fun next (Round) Round)
(declare-const first Round)
(declare-fun previous (Term) Term)
(define-fun nobody ((s Server)) Bool false)
";

/// What is assumed of rounds, and more of terms.
pub(in crate::proof) const AXIOMS: [(&str, &str); 3] = [
    ("Rounds are in order:", "(forall ((a Round)) (not (sooner a a)))"),
    (
        "",
        "(forall ((a Round) (b Round) (c Round)) \
         (=> (and (sooner a b) (sooner b c)) (sooner a c)))",
    ),
    (
        "Between a term and the one before it there is none.",
        "(forall ((a Term) (b Term)) (=> (older a b) (not (older (previous b) a))))",
    ),
];

const fn variable(
    name: &'static str,
    of: &'static [&'static str],
    sort: &'static str,
    says: &'static str,
) -> Variable {
    Variable { name, of, sort, says }
}

/// What is kept beside the state of elections. Most of it is history: what once was so stays so.
pub(in crate::proof) const VARIABLES: [Variable; 15] = [
    variable("contact", &["Server"], "Bool", "a server is a follower in contact"),
    variable("open_round", &["Server"], "Round", "the round that a leader has open"),
    variable(
        "answers",
        &["Server", "Server"],
        "Bool",
        "a leader has counted the answer of that one",
    ),
    variable(
        "handed",
        &["Server", "Term"],
        "Bool",
        "a server has sent RequestVote of this term, as one to which leadership was handed over",
    ),
    variable(
        "heartbeat",
        &["Server", "Term", "Round"],
        "Bool",
        "a server has sent AppendEntries of this term and round",
    ),
    variable(
        "answer",
        &["Server", "Server", "Term", "Round"],
        "Bool",
        "a server has sent that one AppendEntriesResponse of this term and round",
    ),
    variable("hand_over", &["Server", "Term"], "Bool", "a server has sent HandOver of this term"),
    variable(
        "has_voted",
        &["Server", "Term", "Server"],
        "Bool",
        "a server has had, in this term, a vote for that one on its ballot",
    ),
    variable("has_led", &["Server", "Term"], "Bool", "a server leads this term, or has led it"),
    variable(
        "electors",
        &["Server", "Term"],
        "Quorum",
        "a server that has led this term, leads it by the votes of these",
    ),
    variable(
        "opened",
        &["Server", "Term", "Round"],
        "Bool",
        "a server has opened this round of this term",
    ),
    variable(
        "over",
        &["Server", "Term", "Round"],
        "Bool",
        "so much time has passed since it opened it that the round gives no lease any more",
    ),
    variable(
        "since",
        &["Server", "Server", "Term", "Round"],
        "Bool",
        "the contact of a server began after that one had opened this round of this term",
    ),
    variable(
        "lease",
        &["Server", "Term", "Round"],
        "Bool",
        "a server has handed out the lease that this round gave it, and has not given it up",
    ),
    variable(
        "witnesses",
        &["Server", "Term", "Round"],
        "Quorum",
        "if this round gave a lease, these have answered it",
    ),
];
