//! Majorities of every number of servers meet: what the proof assumes of quorums, proved apart.
//!
//! The servers are numbered; the proof is by induction on the number.

use super::obligation::{File, Obligation};

/// When votes are a quorum, in their number and that of the servers.
pub(super) const MAJORITY: &str = "(> (* 2 votes) servers)";

/// What the lemma is called.
pub(super) const NAME: &str = "MajoritiesMeet";

const HEAD: &str = "\
; Majorities of n servers meet, for every n: by induction on how many servers were looked at.
(set-logic UFLIA)
; Whether server i is in the sets A and B; and how many of the first i servers are in A, in B, in both.
(declare-fun a (Int) Bool)
(declare-fun b (Int) Bool)
(declare-fun in_a (Int) Int)
(declare-fun in_b (Int) Int)
(declare-fun in_both (Int) Int)
(assert (and (= (in_a 0) 0) (= (in_b 0) 0) (= (in_both 0) 0)))
(define-fun counts ((i Int)) Bool (and
  (= (in_a (+ i 1)) (+ (in_a i) (ite (a i) 1 0)))
  (= (in_b (+ i 1)) (+ (in_b i) (ite (b i) 1 0)))
  (= (in_both (+ i 1)) (+ (in_both i) (ite (and (a i) (b i)) 1 0)))))
; Nobody is counted twice unless in both.
(define-fun bounded ((i Int)) Bool (<= (+ (in_a i) (in_b i)) (+ i (in_both i))))
(declare-const i Int)
(assert (<= 0 i))
";

/// The steps of the lemma: what each says, and a formula that no numbers satisfy.
const STEPS: [(&str, &str); 4] = [
    ("It is so of no servers.", "(not (bounded 0))"),
    ("If it is so of i servers, then of i + 1.", "(and (counts i) (bounded i) (not (bounded (+ i 1))))"),
    (
        "If i servers hold nobody who is in both, and the next one is not in both, i + 1 servers hold \
         nobody.",
        "(and (counts i) (= (in_both i) 0) (not (and (a i) (b i))) (not (= (in_both (+ i 1)) 0)))",
    ),
    (
        "So two majorities of i servers have somebody in both.",
        "(and (bounded i) (majority (in_a i) i) (majority (in_b i) i) (= (in_both i) 0))",
    ),
];

/// The lemma, for votes that are a quorum by this formula.
pub(super) fn lemma(majority: &str) -> File {
    let mut text = HEAD.to_owned();
    text += &format!("(define-fun majority ((votes Int) (servers Int)) Bool {majority})\n");
    let mut obligations = Vec::new();
    for (says, formula) in STEPS {
        text += &format!("; {says}\n(push 1) (echo \"{NAME}\")\n(assert {formula})\n(check-sat) (pop 1)\n");
        obligations.push(Obligation { name: NAME.to_owned(), path: None });
    }
    File { name: NAME.to_owned(), text, obligations }
}

/// The lemma, for majorities.
pub(super) fn file() -> File {
    lemma(MAJORITY)
}
