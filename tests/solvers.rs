//! Nothing but the right answers of a solver is a proof. The solvers here are scripts: one answers
//! every question as the proof wants it, the others as solvers do that are at a loss, or broken.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use support::{binary, counts};

use tempfile::TempDir;

/// Says which question it is asked, then the answer that is wanted; `n` counts the questions of a
/// file, and `limit` is how it was told of its limit.
const HONEST: &str = r#"
function answer() { return question ~ / PathPossible$/ ? "sat" : "unsat" }
function ask() { print question; print answer(); fflush() }
{ split($0, part, "\""); question = part[2] }
"#;

/// What becomes of a proof by z3 alone, if z3 does this in place of `ask`: its exit code, what it
/// prints, and what it complains of.
fn proof_by(does: &str) -> (Option<i32>, String, String) {
    let folder = TempDir::new().unwrap();
    write(&folder, "z3", does);
    prove(&folder, &["--solver", "z3"])
}

fn write(folder: &TempDir, name: &str, does: &str) {
    let solver = folder.path().join(name);
    let awk = format!("{HONEST}/^\\(push 1\\) \\(echo/ {{ n += 1; {does} }}");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] || exec awk -v limit=\"$2\" '{awk}'\necho a script\n"
    );
    fs::write(&solver, script).unwrap();
    fs::set_permissions(&solver, Permissions::from_mode(0o755)).unwrap();
}

fn prove(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(binary::built("raft-model"));
    let output = command.arg("prove").args(arguments).env("PATH", path).output().unwrap();
    let [says, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), says, error)
}

const PROVED: &str = "Proved: safety";

/// Without it, the tests below would be about nothing.
#[test]
fn a_solver_that_confirms_everything_proves_it() {
    let (code, says, error) = proof_by("ask()");
    assert_eq!(code, Some(0), "{says}{error}");
    assert!(says.contains(PROVED), "{says}");
}

#[track_caller]
fn is_no_proof(does: &str, code: i32, complaint: &str) {
    let (ended, says, error) = proof_by(does);
    assert!(!says.contains(PROVED), "“{does}” is taken for a proof:\n{says}");
    assert_eq!(ended, Some(code), "{says}{error}");
    assert!((says + &error).contains(complaint), "no “{complaint}” in: {error}");
}

#[test]
fn a_solver_that_does_not_know_proves_nothing() {
    let obligations = counts::proof().obligations;
    let complaint = format!("NOT proved: {obligations} answers are not what");
    is_no_proof("print question; print \"unknown\"", 1, &complaint);
}

#[test]
fn one_answer_that_is_not_known_is_enough() {
    let once =
        "if (question == \"2 VoteOncePerTerm\") { print question; print \"unknown\" } else ask()";
    is_no_proof(once, 1, "VoteOncePerTerm, in Safety: z3 does not know");
}

#[test]
fn a_solver_that_always_says_unsat_has_not_shown_that_the_proof_is_about_something() {
    let possible = counts::proof().possible;
    let complaint = format!("NOT proved: {possible} answers are not what");
    is_no_proof("print question; print \"unsat\"", 1, &complaint);
}

#[test]
fn a_solver_that_dies_proves_nothing() {
    is_no_proof("if (n == 3) exit(9); ask()", 2, "z3 ended before it had answered all of ");
}

#[test]
fn a_solver_that_skips_a_question_proves_nothing() {
    is_no_proof("if (n != 2) ask()", 2, ", where 2 ");
}

#[test]
fn a_solver_that_says_too_much_proves_nothing() {
    is_no_proof("ask(); ask()", 2, "z3 does not answer ");
    is_no_proof("ask(); if (question ~ /LeaderHasQuorum$/) print \"unsat\"", 2, "the end is due");
}

#[test]
fn a_solver_that_answers_in_another_order_proves_nothing() {
    let swapped = "if (n == 1) { first = question } else { ask(); \
                   if (n == 2) { question = first; ask() } }";
    is_no_proof(swapped, 2, "it says \"2 ");
}

#[test]
fn a_solver_that_does_not_say_what_it_answers_proves_nothing() {
    // Which file is looked at first, one whose first answer is due to be sat or unsat, is open.
    is_no_proof("print answer(); fflush()", 2, "sat\", where 1 ");
}

#[test]
fn garbage_is_no_answer() {
    for garbage in ["(error \\\"line 7\\\")", "unsatisfiable", "UNSAT", "sat unsat", "\\377"] {
        let does = format!("print question; print \"{garbage}\"");
        is_no_proof(&does, 2, "error: z3 ");
    }
}

/// It is waited for no longer than three times what it was given.
#[test]
fn a_solver_that_is_silent_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    write(&folder, "z3", "if (n == 2) system(\"sleep 600\"); ask()");
    let (code, says, error) = prove(&folder, &["--solver", "z3", "--limit", "1"]);
    assert_eq!((code, &*says), (Some(2), ""), "{error}");
    assert!(error.contains("z3 is silent for 3 s in "), "{error}");
}

/// What it learned of other questions can lead it astray.
#[test]
fn what_a_solver_does_not_know_it_is_asked_again_alone() {
    let (code, says, error) = proof_by(
        "if (question ~ /VoteOncePerTerm$/ && n >= 2) { print question; print \"unknown\" } else ask()",
    );
    assert_eq!(code, Some(0), "{says}{error}");
    assert!(says.contains(PROVED), "{says}");
}

/// A solver that was not at work for as long as it was given is asked once more, with more time.
#[test]
fn a_solver_that_is_kept_waiting_gets_another_chance() {
    let folder = TempDir::new().unwrap();
    let slow = |limit: &str| {
        format!(
            "if (question ~ /VoteOncePerTerm$/ && limit !~ /{limit}/) \
             {{ system(\"sleep 1\"); print question; print \"unknown\"; fflush() }} else ask()"
        )
    };
    write(&folder, "z3", &slow("^-t:8000$"));
    let (code, says, error) = prove(&folder, &["--solver", "z3", "--limit", "1"]);
    assert_eq!(code, Some(0), "{says}{error}");
    assert!(says.contains(PROVED), "{says}");
    write(&folder, "z3", &slow("^-t:never$"));
    let (code, says, error) = prove(&folder, &["--solver", "z3", "--limit", "1"]);
    assert_eq!(code, Some(1), "{says}{error}");
    assert!(says.contains("VoteOncePerTerm, in Safety: z3 does not know"), "{says}");
}

#[test]
fn two_solvers_that_disagree_prove_nothing() {
    let folder = TempDir::new().unwrap();
    write(&folder, "z3", "ask()");
    write(
        &folder,
        "cvc5",
        "if (question ~ /ElectionSafety$/) { print question; print \"sat\" } else ask()",
    );
    let (code, says, error) = prove(&folder, &["--solver", "both"]);
    assert_eq!(code, Some(1), "{says}{error}");
    assert!(says.contains("ElectionSafety            1  proved        1 SAT "), "{says}");
    assert!(says.contains("NOT proved: one answer is not what it should be."), "{says}");
}
