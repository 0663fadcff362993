//! What the proof makes of the elections that are wrong on purpose: those that are unsafe leave a
//! conjunct, and the others leave none.

use std::collections::{BTreeMap, BTreeSet};
use support::solvers;

use raft_model::mutant::{Catch, MUTANTS};
use raft_model::proof::counterexample;
use raft_model::proof::{
    File, MAJORITIES_MEET, Progress, SOLVERS, obligations, obligations_of, prove,
};

/// Mistakes that break safety: a conjunct that each leaves, and in which situation.
const UNSAFE: [(&str, &str, &str); 40] = [
    ("vote-given-twice", "VoteRemembered", "RequestVote_Follower_voted"),
    ("vote-not-recorded", "VoteRemembered", "RequestVote_Follower_not_voted"),
    ("own-vote-not-recorded", "VotedForItself", "Timeout_Follower_not_voted"),
    ("vote-cleared-on-step-down", "VoteRemembered", "AppendEntries_Candidate_voted"),
    ("vote-cleared-by-heartbeat", "VoteRemembered", "AppendEntries_Follower_voted"),
    ("leader-votes-in-its-term", "VoteOnce", "RequestVote_Leader_voted"),
    ("equal-term-resets", "VoteRemembered", "AppendEntries_Follower_voted"),
    ("campaign-in-current-term", "VoteOnce", "Timeout_Follower_voted"),
    ("older-request-granted", "VoteOnce", "RequestVote_Follower_not_voted"),
    ("vote-answered-in-older-term", "VoteOnce", "RequestVote_Follower_voted"),
    ("stale-vote-counted", "GrantedIsVote", "VoteGranted_Candidate_voted"),
    ("refusal-counted", "GrantedIsVote", "VoteRefused_Candidate_voted"),
    ("half-is-a-quorum", "MajoritiesMeet", "MajoritiesMeet"),
    ("quorum-of-one", "LeaderWasElected", "Timeout_Follower_not_voted"),
    ("quorum-of-two", "LeaderWasElected", "VoteGranted_Candidate_voted"),
    ("quorum-of-those-alive", "LeaderWasElected", "Timeout_Candidate_voted"),
    ("no-step-down", "VotedForItself", "AppendEntriesRefused_Leader_voted"),
    ("heartbeat-of-deposed-leader", "HeartbeatElected", "VoteRefused_Leader_voted"),
    ("term-set-back", "VoteNotInFuture", "RequestVote_Follower_voted"),
    ("vote-forgotten-on-restart", "VoteRemembered", "Restart_Follower_voted"),
    ("disk-forgotten-on-restart", "VoteNotInFuture", "Restart_Follower_voted"),
    ("leads-again-after-restart", "LeaderWasElected", "Restart_Follower_voted"),
    ("vote-not-persisted", "OnDisk", "RequestVote_Follower_not_voted"),
    ("own-vote-not-persisted", "OnDisk", "Timeout_Follower_not_voted"),
    ("term-not-persisted", "OnDisk", "AppendEntries_Follower_not_voted"),
    ("persisted-after-sending", "OnDisk", "RequestVote_Follower_not_voted"),
    ("contact-forgotten-on-restart", "AnswerIsPromise", "Lease_Restart_FollowerInContact_voted"),
    ("heartbeat-begins-no-contact", "AnswerIsPromise", "Lease_AppendEntries_Follower_voted"),
    ("ex-leader-not-in-contact", "AnswerIsPromise", "Lease_Timeout_Leader_voted"),
    ("vote-granted-in-contact", "PromiseKept", "Lease_RequestVote_FollowerInContact_not_voted"),
    ("leader-adopts-unflagged-request", "PromiseKept", "Lease_RequestVote_Leader_voted"),
    ("newer-term-ends-contact", "AnswerIsPromise", "Lease_VoteGranted_FollowerInContact_voted"),
    (
        "vote-ends-contact",
        "AnswerIsPromise",
        "Lease_RequestVoteHandedOver_FollowerInContact_not_voted",
    ),
    ("votes-count-as-answers", "CountedIsAnswer", "Lease_VoteGranted_Candidate_voted"),
    ("lease-counted-from-answer", "AnswerIsPromise", "Lease_AppendEntriesAnswered_Leader_voted"),
    ("hand-over-keeps-office", "GoneForGood", "Lease_HandOver_Leader_voted"),
    ("hand-over-flag-kept", "HandedAfterHandOver", "Lease_Timeout_Candidate_voted"),
    ("pre-vote-ends-contact", "AnswerIsPromise", "Lease_PreVote_FollowerInContact_not_voted"),
    ("pre-vote-clears-vote", "VoteRemembered", "Timeout_Follower_voted"),
    ("pre-vote-counts-as-vote", "LeaderWasElected", "PreVoteGranted_Candidate_voted"),
];

/// Mistakes that leave a conjunct too, whose reduced graphs are safe; and why they are.
const SAFE_WHERE_CHECKED: [(&str, &str, &str); 7] = [
    // The catalogue's graphs have no lost disks; tests/lost_disk.rs has.
    ("back-after-quorum", "VoteNotInFuture", "HearTerm_Returning_not_voted"),
    ("newest-vote-unspent", "VoteRemembered", "HearTerm_Returning_not_voted"),
    // Terms run out in the proof, and in no model.
    ("terms-wrap-around", "VoteNotInFuture", "Timeout_Follower_not_voted"),
    // Reductions forget the messages by which these break safety; tests/faults.rs tells how.
    ("stale-hand-over-obeyed", "HandedAfterHandOver", "Lease_ReceiveHandOver_Follower_voted"),
    ("late-answer-counts", "CountedIsAnswer", "Lease_AppendEntriesAnswered_Leader_voted"),
    ("refusal-returns-round", "AnsweredOpened", "Lease_AppendEntries_Follower_voted"),
    // Whoever asks for pre-votes is in no contact. It votes in no term but a later one than that of
    // the leader that handed over, so its promise is kept; the invariant wants it to be remembered.
    ("hand-over-asks-first", "AnswerIsPromise", "Lease_ReceiveHandOver_FollowerInContact_voted"),
];

/// Mistakes that an election without leases survives: they are seen by Figure 2, where there are
/// none. Whoever leaves office, hears its leader or takes over a term by them keeps no promise.
const SAFE_WITHOUT_LEASES: [(&str, &str, &str); 6] = [
    ("vote-kept-in-newer-term", "AnswerIsPromise", "Lease_VoteGranted_FollowerInContact_not_voted"),
    ("older-heartbeat-accepted", "AnsweredOpened", "Lease_AppendEntries_Follower_not_voted"),
    (
        "leader-gives-up-when-refusing",
        "AnswerIsPromise",
        "Lease_RequestVoteHandedOver_Leader_voted",
    ),
    ("leader-gives-up-when-answered", "AnswerIsPromise", "Lease_AppendEntriesRefused_Leader_voted"),
    ("timer-runs-on-after-step-down", "AnswerIsPromise", "Lease_Timeout_Leader_voted"),
    (
        "timer-runs-on-after-heartbeat",
        "AnswerIsPromise",
        "Lease_AppendEntries_FollowerInContact_not_voted",
    ),
];

fn mistakes() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    UNSAFE.into_iter().chain(SAFE_WHERE_CHECKED).chain(SAFE_WITHOUT_LEASES)
}

/// Mistakes that cannot be put to a solver, since they count votes or servers, or choose one.
const COUNTS: [&str; 3] =
    ["duplicate-vote-counted", "back-after-meeting-quorums", "old-answer-believed"];

/// Whether z3 finds a small world that satisfies the invariant, and a step that leaves this
/// conjunct.
fn leaves(files: &[File], conjunct: &str, situation: &str) -> bool {
    let file = files.iter().find(|file| file.name == situation).expect(situation);
    let mut obligations = file.obligations.iter().filter(|o| o.name == conjunct);
    obligations.any(|obligation| {
        counterexample::find(&SOLVERS[0], file, obligation).expect("z3 runs").is_some()
    })
}

/// What neither solver answers as the proof wants it, if it is asked what is in these files: where
/// each question stands, and what it is called. Of a few z3 does not know what cvc5 knows at once.
fn gaps(files: &[File]) -> Vec<(String, &'static str)> {
    let left_by = |solver: usize, files: &[File]| -> BTreeSet<(String, &'static str)> {
        let solver = &SOLVERS[solver..=solver];
        let answers = prove(files, solver, 2, &Progress::default()).expect("the solver runs");
        let gaps = answers.iter().flat_map(|answers| answers.unexpected(files));
        gaps.map(|(file, obligation, _)| (file.name.clone(), obligation.name)).collect()
    };
    let left = left_by(0, files);
    let is_open = |file: &&File| left.iter().any(|(name, _)| *name == file.name);
    let open: Vec<_> = files.iter().filter(is_open).cloned().collect();
    left.intersection(&left_by(1, &open)).cloned().collect()
}

#[test]
fn mistakes_that_break_safety_leave_a_conjunct() {
    if !solvers::are_there() {
        return;
    }
    for (name, conjunct, situation) in mistakes() {
        let files = obligations_of(name).expect(name);
        if conjunct == MAJORITIES_MEET.0 {
            assert!(gaps(&files).iter().any(|gap| gap.1 == conjunct), "{name}");
        } else {
            assert!(leaves(&files, conjunct, situation), "{name}: {conjunct} in {situation}");
        }
    }
}

#[test]
fn mistakes_that_are_harmless_to_safety_leave_none() {
    if !solvers::are_there() {
        return;
    }
    let is_harmless =
        |name: &str| !COUNTS.contains(&name) && mistakes().all(|mistake| mistake.0 != name);
    let harmless = MUTANTS.iter().map(|mutant| mutant.name).filter(|name| is_harmless(name));
    // Most files of a mutant are those of the specification, which are proved, and many are those
    // of other mutants.
    let proved: BTreeSet<_> = obligations().into_iter().map(|file| file.text).collect();
    let files = harmless.flat_map(|name| {
        obligations_of(name).expect(name).into_iter().map(move |mut file| {
            file.name = format!("{name}: {}", file.name);
            (file.text.clone(), file)
        })
    });
    let different: BTreeMap<_, _> = files.filter(|(text, _)| !proved.contains(text)).collect();
    let different: Vec<_> = different.into_values().collect();
    assert_eq!(different.len(), 988);
    assert_eq!(gaps(&different), []);
}

#[test]
fn the_proof_and_the_catalogue_agree_about_what_is_unsafe() {
    for mutant in MUTANTS {
        let is_unsafe = UNSAFE.iter().any(|mistake| mistake.0 == mutant.name);
        match mutant.caught_by {
            _ if COUNTS.contains(&mutant.name) => assert!(obligations_of(mutant.name).is_none()),
            Catch::Safety(_) => assert!(is_unsafe, "{}", mutant.name),
            _ => assert!(!is_unsafe, "{}", mutant.name),
        }
    }
}
