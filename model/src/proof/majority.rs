//! Majorities of every number of servers meet: what the proof assumes of quorums, proved apart; and
//! a quorum of the code is a majority.
//!
//! The servers are numbered; the proof is by induction on how many of them were looked at.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::file::File;
use super::solver::Answer;
use crate::cluster::Cluster;
use crate::types::ServerSet;

/// When so many votes are a quorum of so many servers, as
/// [`Cluster::is_quorum`](crate::cluster::Cluster::is_quorum) has it.
pub(super) const MAJORITY: &str = "(> (* 2 votes) servers)";

/// The name of the lemma, and what it says.
pub const MAJORITIES_MEET: (&str, &str) =
    ("MajoritiesMeet", "Of every number of servers, two majorities share a server.");

const HEAD: &str = "\
(set-logic UFLIA)
; Whether server i is in A, and in B.
(declare-fun a (Int) Bool)
(declare-fun b (Int) Bool)
; How many of the first i servers are in A, in B, and in both.
(declare-fun in_a (Int) Int)
(declare-fun in_b (Int) Int)
(declare-fun in_both (Int) Int)
(assert (and (= (in_a 0) 0) (= (in_b 0) 0) (= (in_both 0) 0)))
(define-fun one_more ((i Int)) Bool (and
  (= (in_a (+ i 1)) (+ (in_a i) (ite (a i) 1 0)))
  (= (in_b (+ i 1)) (+ (in_b i) (ite (b i) 1 0)))
  (= (in_both (+ i 1)) (+ (in_both i) (ite (and (a i) (b i)) 1 0)))))
; Whoever is counted in A and in B is in both.
(define-fun fits ((i Int)) Bool (<= (+ (in_a i) (in_b i)) (+ i (in_both i))))
(declare-const i Int)
(assert (<= 0 i))
";

/// The steps of the lemma.
const STEPS: [(&str, &str); 4] = [
    ("It fits for no servers.", "(fits 0)"),
    (
        "If it fits for i servers, then for one more.",
        "(=> (and (one_more i) (fits i)) (fits (+ i 1)))",
    ),
    (
        "If none of i servers is in both, and the next one is not, then none of them is.",
        "(=> (and (one_more i) (= (in_both i) 0) (not (and (a i) (b i)))) (= (in_both (+ i 1)) 0))",
    ),
    (
        "So if A and B are majorities of i servers, some server is in both.",
        "(=> (and (< 0 i) (fits i) (majority (in_a i) i) (majority (in_b i) i)) (not (= (in_both i) 0)))",
    ),
];

/// The name of what ties the lemma to the code, and what it says.
pub const QUORUM_IS_MAJORITY: (&str, &str) = (
    "QuorumIsMajority",
    "Whatever votes the code takes for a quorum, of a cluster of each size, are a majority.",
);

/// The lemma, for the majorities that the code takes for quorums.
pub(super) fn of_the_code() -> File {
    let mut file = lemma(MAJORITY);
    let sizes = (1..=Cluster::MAX_SIZE).map(|size| Cluster::new(size).expect("a size"));
    for cluster in sizes {
        let size = cluster.size();
        let _ =
            writeln!(file.text, "; Of {size} servers, what Cluster::is_quorum says of each set.");
        let sets = (0..1_u8 << size).map(ServerSet::from_bits);
        let says: BTreeSet<_> = sets.map(|votes| (votes.len(), cluster.is_quorum(votes))).collect();
        let says = says.iter().map(|(votes, is)| format!("(= (majority {votes} {size}) {is})"));
        let formula = format!("(and {})", says.collect::<Vec<_>>().join(" "));
        file.follows(QUORUM_IS_MAJORITY.0, &formula, None);
    }
    file
}

/// The lemma, for votes that are a quorum by this formula.
pub(super) fn lemma(majority: &str) -> File {
    let (name, says) = MAJORITIES_MEET;
    let mut file = File::new(name, says);
    file.text += HEAD;
    let parameters = "((votes Int) (servers Int))";
    file.text += &format!("(define-fun majority {parameters} Bool {majority})\n");
    for (says, formula) in STEPS {
        file.text += &format!("; {says}\n");
        file.question(name, &format!("(assert (not {formula}))\n"), None, Answer::Unsat);
    }
    file
}
