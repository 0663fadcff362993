//! `raft-model prove`, as it is typed; and what it makes of mistakes.

use std::fs;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use support::{binary, counts, solvers};

use raft_model::proof::{
    CLOCKS, EXCLUDED, File, INVARIANT, POSSIBLE, Progress, SOLVERS, obligations, prove,
};
use serde_json::Value;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("prove").args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("raft-model runs")
}

fn count(files: &[File], name: &str) -> usize {
    files.iter().flat_map(|file| &file.obligations).filter(|o| o.name == name).count()
}

/// What is proved, in words, in the order of the table.
const STATEMENTS: [(&str, &str); 47] = [
    ("VoteOnce", "Of no server two votes are known in one term."),
    (
        "VoteNotInFuture",
        "No vote of a server is known in a term that it has not reached, unless it has lost its disk \
         and is not back.",
    ),
    (
        "VoteRemembered",
        "A vote of a server that is known in its current term is on its ballot; or there is its own, \
         which it gives after a lost disk.",
    ),
    ("VotedForUnique", "A ballot has one vote at most."),
    ("OnDisk", "The ballot that a server acts on is the one on its disk."),
    ("VotedForItself", "Whoever stands for election, or leads, has its own vote."),
    ("GrantedIsVote", "A vote that a candidate has counted was given to it, in its current term."),
    ("LeaderWasElected", "A leader has the votes of a quorum in its current term."),
    ("HeartbeatElected", "Whoever has sent a heartbeat of a term has the votes of a quorum in it."),
    (
        "NoRivalsVote",
        "Of whoever stands for election, or leads, no vote for another is known in its current term.",
    ),
    (
        "ReturningIsBlank",
        "Whoever has lost its disk, and is not back, has no ballot, and has heard itself.",
    ),
    (
        "GrantReached",
        "For whom a server has voted that loses its disk, another one, has reached that term.",
    ),
    (
        "GrantHeard",
        "Once it has heard, after its disk was lost, from whom it had voted for, it has heard of that \
         term.",
    ),
    (
        "LedHeard",
        "What it has led before its disk was lost, it has heard of, or there is somebody to hear it \
         from.",
    ),
    (
        "ElectionSafety",
        "No two servers ever lead the same term, at the same time or at different times.",
    ),
    (
        "VoteOncePerTerm",
        "No server that keeps its disk ever votes for two in one term: in messages, on its ballot, on \
         its disk.",
    ),
    (
        "GrantOncePerTerm",
        "No server ever grants two others its vote in one term, whatever it has forgotten.",
    ),
    ("LeaderHasQuorum", "Whoever leads or has led a term was granted it by a quorum."),
    (
        "TermNeverDecreases",
        "The durable term of a server only grows, and so does the term that it acts in; after a lost \
         disk it acts in none.",
    ),
    ("VotedNotInFuture", "No server has voted in a term that it has not reached."),
    ("BallotIsVote", "In its current term, a server has voted for whom its ballot has a vote."),
    ("VotedOnce", "No server has voted for two in one term."),
    ("GrantedWasVoted", "A vote that was granted was on the ballot."),
    ("CountedWasVoted", "A vote that a candidate has counted was on the ballot."),
    ("LedNotInFuture", "No server has led a term that it has not reached."),
    ("LeaderHasLed", "A leader has led its current term."),
    ("LedByQuorum", "For whoever has led a term its electors, a quorum, have voted."),
    ("CandidateHasNotLed", "A candidate has not led its current term before."),
    ("HandedOverLed", "Whoever has handed over has led that term."),
    ("GoneForGood", "Whoever has handed over does not lead that term any more."),
    (
        "HandedAfterHandOver",
        "If leadership was handed over to a candidate, the leader of the term before has done so.",
    ),
    ("OpenedInOffice", "Whoever has opened a round of a term has led it."),
    (
        "OpenIsLatest",
        "A leader has opened the round that it has open, and none in that term after it.",
    ),
    ("HeartbeatOpened", "The round of a heartbeat was opened by its sender."),
    (
        "AnsweredOpened",
        "A round that was answered was opened, in a term that who answered has reached.",
    ),
    ("CountedIsAnswer", "Whom a leader has counted has answered its open round."),
    (
        "LeaseIsAnswered",
        "A lease that was handed out, and not given up, is of a round that its witnesses, a quorum, have answered; its leader has not handed over.",
    ),
    (
        "AnswerIsPromise",
        "Whoever has answered a round is in contact since it was opened, or leads on; or the round gives no lease any more, or somebody has led a later term, before that of who answered.",
    ),
    (
        "PromiseKept",
        "If whoever has answered a round has voted in a later term, the round gives no lease any more, or somebody has led in between.",
    ),
    ("LedOnce", "No two servers have led the same term."),
    ("LaterLeaderEndsLease", "Once somebody has led a later term, no lease of a leader is valid."),
    (
        "LeaseSafety",
        "No two servers have a valid lease at the same time, be they still in office or not.",
    ),
    ("MajoritiesMeet", "Of every number of servers, two majorities share a server."),
    (
        "QuorumIsMajority",
        "Whatever votes the code takes for a quorum, of a cluster of each size, are a majority.",
    ),
    (
        "AnswerImplied",
        "What code was told without a question, on a path, follows from what it had asked before.",
    ),
    ("PathPossible", "There are worlds that satisfy the invariant in which this path is taken."),
    (
        "PathExcluded",
        "The invariant excludes this path: of a candidate or a leader that has not voted for itself, or votes for another in its own term; of a leader that hears another one of its term; of an answer to who has not led its term; of leadership handed over to who leads that term; of a server that has a ballot, or a term, or restarts with its disk, though that is lost.",
    ),
];

#[test]
fn both_solvers_prove_it_and_the_table_counts_what_they_were_asked() {
    if !solvers::are_there() {
        return;
    }
    let output = run(&["--solver", "both"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{table}");
    let counts = counts::proof();
    for line in [
        &format!("paths        {} ", counts.paths),
        &format!("obligations  {}    in {} files", counts.obligations, counts.files),
        "asked  z3            cvc5",
        "VoteOnce                659  proved        proved        Of no server two votes",
        "ElectionSafety            1  proved        proved ",
        "VoteOncePerTerm           1  proved        proved ",
        "LeaderHasQuorum           1  proved        proved ",
        "TermNeverDecreases      657  proved        proved ",
        "LeaseSafety               1  proved        proved ",
        "MajoritiesMeet            4  proved        proved ",
        "Proved: safety, for every number of servers and every term.",
    ] {
        assert!(table.contains(line), "no “{line}” in\n{table}");
    }
    let (_, rows) = table.split_once("\n\n").unwrap();
    let rows: Vec<_> = rows.lines().skip(1).take_while(|row| !row.is_empty()).collect();
    assert_eq!(rows.len(), STATEMENTS.len(), "{table}");
    for (row, (name, says)) in rows.into_iter().zip(STATEMENTS) {
        assert!(row.starts_with(&format!("  {name} ")), "{name} is due, not{row}");
        assert!(row.ends_with(&format!("  {says}")), "{name} no longer says “{says}”, but{row}");
    }
}

/// So whatever changes what the solvers are asked is noticed without solvers. `raft-model prove
/// --out DIR`, before and after, shows what.
#[test]
fn what_solvers_are_asked_is_known() {
    let files = obligations();
    let counts = counts::Proof::of(&files);
    let mut found = counts::Found::default();
    found.proof(counts);
    found.settle();
    // Of an election every path is shown to be possible, or not to be. A first start is asked for
    // nothing but that the invariant holds after it.
    let is_of_elections = |file: &File| !file.name.starts_with("Lease_");
    let of_elections: Vec<_> = files.into_iter().filter(is_of_elections).collect();
    let first: usize =
        of_elections.iter().filter(|file| file.name == "Initially").map(|file| file.paths).sum();
    let judged = count(&of_elections, POSSIBLE.0) + count(&of_elections, EXCLUDED.0);
    assert_eq!(judged + first, counts.paths);
}

#[test]
fn every_path_is_judged_by_every_conjunct() {
    for file in obligations().iter().filter(|file| file.paths > 0) {
        for conjunct in &INVARIANT {
            let asked = file.obligations.iter().filter(|o| o.name == conjunct.name).count();
            assert_eq!(asked, file.paths, "{} in {}", conjunct.name, file.name);
        }
    }
}

#[test]
fn each_file_says_what_its_paths_do() {
    let files = obligations();
    let file = files.iter().find(|file| file.name == "RequestVote_Follower_voted").unwrap();
    for line in [
        "; Path 3 of 4.\n; VoteGranted: it is a follower, in term (current_term me), voted for from.",
        "; It does not persist; it sends a granted vote of term (current_term me) to from.",
        "; VoteOnce: Of no server two votes are known in one term.",
    ] {
        assert!(file.text.contains(line), "no “{line}” in\n{}", file.text);
    }
}

/// What the proof says of itself, or assumes: a file, and a change there that makes it false, no
/// longer than what it replaces. The rest is about worlds, and stands beside the invariant.
const MADE_FALSE: [(&str, &str, &str, &str); 8] = [
    ("MajoritiesMeet", "MajoritiesMeet", "(> (* 2 votes) servers)", "(> (* 3 votes) servers)"),
    ("QuorumIsMajority", "MajoritiesMeet", "(> (* 2 votes) servers)", "(> (* 3 votes) servers)"),
    (
        "AnswerImplied",
        "AppendEntriesRefused_Follower_voted",
        "(assert (older (current_term me) term))",
        "; whatever the terms are",
    ),
    ("PathPossible", "possible_RequestVote_Follower_voted", "(not (= from me))", "false"),
    (
        "PathExcluded",
        "RequestVote_Candidate_voted",
        "(assert (forall ((c Server)) (=> (or (candidate c) (leader c)) (voted_for c c))))",
        "; whoever has its vote",
    ),
    ("AnswerIsPromise", "Lease_Timeout_FollowerInContact_voted", CLOCKS.2, "true"),
    ("PathPossible", "Lease_possible_RequestVote_Follower_voted", "(not (= from me))", "false"),
    ("LeaseSafety", "Lease_Safety", "(assert (not (forall", "(assert (or (forall"),
];

#[test]
fn what_the_proof_says_of_itself_can_be_false() {
    if !solvers::are_there() {
        return;
    }
    for (name, place, from, to) in MADE_FALSE {
        let mut files = obligations();
        files.retain(|file| file.name == place);
        assert!(files[0].text.contains(from), "{place} no longer says {from}");
        // Questions are found by where they stand.
        let to = format!("{to:length$}", length = from.len());
        assert_eq!(to.len(), from.len(), "{to}");
        files[0].text = files[0].text.replace(from, &to);
        let answers = prove(&files, &SOLVERS[..1], 1, &Progress::default()).expect("z3 runs");
        let mut failed = answers.iter().flat_map(|answers| answers.unexpected(&files));
        assert!(failed.any(|(_, of, _)| of.name == name), "{name} does not fail in {place}");
    }
}

#[test]
fn a_mutant_ends_with_1_and_the_step_that_leaves_the_invariant() {
    if !solvers::are_there() {
        return;
    }
    let output = run(&["--solver", "z3", "--mutant", "vote-forgotten-on-restart"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{table}");
    let told = "VoteRemembered, in Restart_Follower_voted, path 1, by Started: z3 says sat.";
    assert!(table.contains(told), "{table}");
    assert!(table.contains("after a step of S1\n"), "{table}");
    // Of whichever term: solvers are free to choose.
    assert!(table.contains("  follower       has not voted\n"), "{table}");
    assert!(table.contains("NOT proved: "), "{table}");
}

#[test]
fn the_lemma_fails_for_half_and_everything_is_written_and_told_to_programs() {
    if !solvers::are_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("proof");
    let arguments = ["--mutant", "half-is-a-quorum", "--json", "--out", out.to_str().unwrap()];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["proved"], false);
    assert_eq!(report["solvers"].as_array().unwrap().len(), 2);
    for (gap, solver) in [(0, "z3"), (1, "cvc5")] {
        assert_eq!(report["gaps"][gap]["name"], "MajoritiesMeet");
        assert_eq!(report["gaps"][gap]["solver"], solver);
        assert_eq!(report["gaps"][gap]["answer"], "sat");
    }
    assert_eq!(report["conjuncts"][0]["proved"], false);
    let written = fs::read_to_string(out.join("MajoritiesMeet.smt2")).unwrap();
    assert!(written.contains("(>= (* 2 votes) servers)"), "{written}");
}

#[test]
fn a_solver_that_is_not_there_is_missed_with_the_command_that_installs_it() {
    let without = |arguments: &[&str]| {
        let output = command(arguments).env("PATH", "/nowhere").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let error = without(&[]);
    assert!(error.contains("a proof takes a solver: cannot run the solver z3"), "{error}");
    assert!(error.contains("`apt-get install z3`"), "{error}");
    assert!(error.contains("`apt-get install cvc5`"), "{error}");
    let error = without(&["--solver", "cvc5"]);
    assert!(error.contains("cannot run the solver cvc5") && !error.contains("z3"), "{error}");
}

#[test]
fn bad_input_is_named_and_ends_with_2() {
    for (arguments, message) in [
        (&["--solver", "none-such"][..], "invalid value 'none-such'"),
        (&["--mutant", "vote-given-twiec"], "did you mean vote-given-twice, "),
        (&["--mutant", "duplicate-vote-counted"], "symbols cannot be counted"),
        (&["--out", "/dev/null/proof"], "--out: cannot write /dev/null/proof"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty() && !error.contains("panicked"), "{error}");
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    if !solvers::are_there() {
        return;
    }
    let mut child = command(&["--mutant", "half-is-a-quorum"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("raft-model starts");
    drop(child.stdout.take());
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    child.wait().unwrap();
    assert_eq!(error, "");
}
