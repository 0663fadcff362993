//! The language of the proof: what there is, what is assumed of it, and the state of everything at
//! one moment, in SMT-LIB.

use std::fmt::Write;

/// Servers, terms and quorums, and all that is assumed of them. That two majorities meet is not
/// assumed but proved apart: see [`majority`](super::majority).
pub(super) const AXIOMS: [(&str, &str); 8] = [
    ("Terms are in a line:", "(forall ((a Term)) (not (older a a)))"),
    ("", "(forall ((a Term) (b Term)) (or (older a b) (= a b) (older b a)))"),
    ("", "(forall ((a Term) (b Term) (c Term)) (=> (and (older a b) (older b c)) (older a c)))"),
    (
        "Nothing is older than the term in which servers start.",
        "(forall ((a Term)) (not (older a zero)))",
    ),
    (
        "Any two quorums share a server.",
        "(forall ((p Quorum) (q Quorum)) (exists ((s Server)) (and (member s p) (member s q))))",
    ),
    (
        "Every quorum is one. Solvers find, by this word, the one that they look for.",
        "(forall ((q Quorum)) (is_quorum q))",
    ),
    (
        "One server at most loses its disk, as often as it likes;",
        "(forall ((a Server) (b Server)) (=> (and (loses_disk a) (loses_disk b)) (= a b)))",
    ),
    (
        "and it is not the only one.",
        "(forall ((q Quorum)) (exists ((s Server)) (and (member s q) (not (loses_disk s)))))",
    ),
];

/// The symbols that the axioms are about.
const SIGNATURE: &str = "\
(declare-sort Server 0)
(declare-sort Term 0)
(declare-sort Quorum 0)
(declare-fun older (Term Term) Bool)
(declare-const zero Term)
(declare-fun member (Server Quorum) Bool)
(declare-fun is_quorum (Quorum) Bool)
(declare-fun loses_disk (Server) Bool)
";

/// A part of the state of everything.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    /// The sorts of what it depends on.
    pub(super) of: &'static [&'static str],
    pub(super) sort: &'static str,
    pub(super) says: &'static str,
}

/// The state of everything: the servers, their disks, and the messages ever sent, as far as safety
/// depends on them. Other responses than granted votes are not kept: the proof lets any server
/// receive any of them at any time.
pub(super) const VARIABLES: [Variable; 13] = [
    Variable { name: "current_term", of: &["Server"], sort: "Term", says: "the term of a server" },
    Variable {
        name: "voted_for",
        of: &["Server", "Server"],
        sort: "Bool",
        says: "the ballot of a server has a vote for that one",
    },
    Variable {
        name: "stored_term",
        of: &["Server"],
        sort: "Term",
        says: "the term on the disk of a server",
    },
    Variable {
        name: "stored_vote",
        of: &["Server", "Server"],
        sort: "Bool",
        says: "the ballot on the disk of a server has a vote for that one",
    },
    Variable { name: "candidate", of: &["Server"], sort: "Bool", says: "a server is a candidate" },
    Variable {
        name: "votes",
        of: &["Server", "Server"],
        sort: "Bool",
        says: "a candidate has counted the vote of that server",
    },
    Variable { name: "leader", of: &["Server"], sort: "Bool", says: "a server is a leader" },
    Variable {
        name: "returning",
        of: &["Server"],
        sort: "Bool",
        says: "a server has lost its disk, and is not back",
    },
    Variable {
        name: "heard",
        of: &["Server", "Server"],
        sort: "Bool",
        says: "a server that is returning has heard the term of that one",
    },
    Variable {
        name: "newest",
        of: &["Server"],
        sort: "Term",
        says: "the newest term that a server that is returning has heard",
    },
    Variable {
        name: "request_vote",
        of: &["Server", "Term"],
        sort: "Bool",
        says: "a server has sent RequestVote of this term",
    },
    Variable {
        name: "vote_granted",
        of: &["Server", "Term", "Server"],
        sort: "Bool",
        says: "a server has sent RequestVoteResponse of this term, granted, to that server",
    },
    Variable {
        name: "append_entries",
        of: &["Server", "Term"],
        sort: "Bool",
        says: "a server has sent AppendEntries of this term",
    },
];

/// A word that the invariant is told in.
#[derive(Debug)]
pub struct Definition {
    /// The word.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub says: &'static str,
    /// Its parameters, with their sorts.
    pub parameters: &'static str,
    /// What it means, as a formula.
    pub formula: &'static str,
}

/// What stands before everything else in a file: the sorts and the axioms.
pub(super) fn preamble() -> String {
    let mut text = format!("(set-logic UF)\n{SIGNATURE}");
    assume(&mut text, &AXIOMS);
    text
}

/// Assertions, each after what it says.
pub(super) fn assume(text: &mut String, axioms: &[(&str, &str)]) {
    for (says, axiom) in axioms {
        comment(text, says);
        let _ = writeln!(text, "(assert {axiom})");
    }
}

/// The declarations of the state before a step.
pub(super) fn state(variables: &[Variable]) -> String {
    let mut text = String::new();
    for Variable { name, of, sort, says } in variables {
        let _ = writeln!(text, "(declare-fun {name} ({}) {sort}) ; {says}", of.join(" "));
    }
    text
}

pub(super) fn comment(text: &mut String, says: &str) {
    for line in says.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "; {line}");
    }
}

/// The words of a formula.
pub(super) fn words(formula: &str) -> impl Iterator<Item = &str> {
    formula.split(['(', ')', ' ']).filter(|word| !word.is_empty())
}

/// A formula about the state after a step, from the same one about the state before it: these words
/// are about the state.
pub(super) fn after(formula: &str, of_the_state: &[&str]) -> String {
    let mut text = String::with_capacity(2 * formula.len());
    for piece in formula.split_inclusive(['(', ')', ' ']) {
        let word = piece.trim_end_matches(['(', ')', ' ']);
        if of_the_state.contains(&word) {
            text.push_str("after.");
        }
        text.push_str(piece);
    }
    text
}

/// The definitions of words, of the state before a step.
pub(super) fn define(definitions: &[Definition]) -> String {
    let mut text = String::new();
    for Definition { name, says, parameters, formula } in definitions {
        comment(&mut text, says);
        let _ = writeln!(text, "(define-fun {name} {parameters} Bool {formula})");
    }
    text
}

/// The same words, of the state after a step.
pub(super) fn define_after(definitions: &[Definition], of_the_state: &[&str]) -> String {
    let mut text = String::new();
    for Definition { name, parameters, formula, .. } in definitions {
        let formula = after(formula, of_the_state);
        let _ = writeln!(text, "(define-fun after.{name} {parameters} Bool {formula})");
    }
    text
}

/// That there is so much of each sort: servers `s1`, `s2`, …, terms `t1`, `t2`, … from the oldest,
/// quorums `q1`, … and rounds `r1`, …, and no others. Where so little can be, a solver finds an
/// example fast.
pub(super) fn exactly(sorts: &[(&str, usize)]) -> String {
    let mut text = String::new();
    for &(sort, count) in sorts {
        let names = names(sort, count);
        for name in &names {
            let _ = writeln!(text, "(declare-const {name} {sort})");
        }
        let is_one: Vec<_> = names.iter().map(|name| format!("(= x {name})")).collect();
        let _ = writeln!(text, "(assert (forall ((x {sort})) (or false {})))", is_one.join(" "));
        for (later, name) in names.iter().enumerate() {
            for earlier in &names[..later] {
                let _ = match sort {
                    "Term" => writeln!(text, "(assert (older {earlier} {name}))"),
                    "Round" => writeln!(text, "(assert (sooner {earlier} {name}))"),
                    _ => writeln!(text, "(assert (not (= {earlier} {name})))"),
                };
            }
        }
    }
    text
}

/// The names of the first few of a sort.
pub(super) fn names(sort: &str, count: usize) -> Vec<String> {
    let letter = sort[..1].to_lowercase();
    (1..=count).map(|number| format!("{letter}{number}")).collect()
}
