//! Scenarios: the corner cases of an election, each a script that plays them on the specification.
//!
//! A script under `tests/scenarios` is a story of commands, and after each `---` stands what every
//! server then did: the rule by which it moved, what it persists, sends and does with its timer,
//! and its state afterwards. The output is generated, and then read against the paper:
//!
//! ```sh
//! UPDATE_GOLDENFILES=1 cargo test --test scenarios
//! ```
//!
//! The commands are listed in `model/src/explore/scenario`.

use std::path::{Path, PathBuf};

use raft_model::explore::scenario::{self, Runner, SCRIPTS};
use raft_model::mutant::{MUTANTS, Mutant};
use raft_model::world::Handlers;

/// Each scenario is a test of its own. A Rust name cannot begin with a digit: `s01_first_election`
/// is the script `01_first_election.txt`.
macro_rules! scenarios {
    ($($name:ident)*) => {
        /// The scripts that are tests.
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                goldenscript::run(&mut Runner::new(Handlers::RAFT), path(stringify!($name)))
                    .unwrap();
            }
        )*
    };
}

scenarios! {
    s01_first_election
    s02_asked_for_its_vote
    s03_candidate_asked_for_its_vote
    s04_split_vote
    s05_timer_fires_during_election
    s06_slow_and_dead_peers
    s07_duplicates_and_latecomers
    s08_old_leader_returns
    s09_candidate_hears_leader
    s10_crash_after_voting
    s11_minority
    s12_heartbeats_in_time
    s13_first_heartbeat_at_once
    s14_fifth_server_decides
    s15_seven_servers_three_cut_off
    s16_alone
    s17_everybody_alone
    s18_cut_off_server_returns
    s19_deaf_server
    s20_chain
    s21_star
    s22_answers_do_not_come_back
    s23_asked_after_restart
    s24_deposed_leader_stays_in_contact
    s25_newer_term_in_contact
    s26_late_answers
    s27_late_yes
    s28_precandidate_votes
    s29_precandidate_lags
    s30_stuck_in_higher_term
    s31_hand_over
    s32_witness
    s33_two_precandidates
    s34_alone_guarded
    s35_everybody_restarts
    s36_lost_disk
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn path(scenario: &str) -> PathBuf {
    directory().join(format!("{}.txt", &scenario[1..]))
}

/// The output of a script, or why it fails.
fn play(handlers: Handlers, script: &str) -> std::result::Result<String, String> {
    scenario::play(handlers, script).map(|(output, _)| output)
}

fn error_of(script: &str) -> String {
    play(Handlers::RAFT, script).expect_err("the script must fail")
}

#[test]
fn every_script_is_a_test() {
    let mut files: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let scenarios: Vec<_> = SCENARIOS.iter().map(|name| path(name)).collect();
    assert_eq!(files, scenarios);
    let explored: Vec<_> = SCRIPTS.iter().map(|(name, _)| format!("s{name}")).collect();
    assert_eq!(explored, SCENARIOS);
}

#[test]
fn no_scenario_is_missing() {
    for number in 1..=36 {
        let prefix = format!("s{number:02}_");
        let count = SCENARIOS.iter().filter(|name| name.starts_with(&prefix)).count();
        assert_eq!(count, 1, "scenario {number}");
    }
}

#[test]
fn every_script_begins_with_what_it_tells() {
    for name in SCENARIOS {
        let script = std::fs::read_to_string(path(name)).unwrap();
        assert!(script.starts_with("# "), "{name}");
    }
}

#[test]
fn a_message_never_sent_is_not_delivered() {
    let error = error_of(
        "cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote term=1\n\
         deliver S3 S1 RequestVoteResponse term=1\n---\n",
    );
    assert!(error.contains("line 4"), "{error}");
    assert!(error.contains("S3 → S1: RequestVoteResponse (term 1) was never sent"), "{error}");
    assert!(error.contains("S1 → S2: RequestVote (term 1), delivered"), "{error}");
    assert!(error.contains("S1 → S3: RequestVote (term 1), under way"), "{error}");
    assert!(
        error.contains("S2 → S1: RequestVoteResponse (term 1, vote granted), under way"),
        "{error}"
    );
}

#[test]
fn a_message_of_another_term_or_answer_was_never_sent() {
    let start = "cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote\n";
    for wrong in ["S1 S3 RequestVote term=2", "S2 S1 RequestVoteResponse vote=refused"] {
        let error = error_of(&format!("{start}deliver {wrong}\n---\n"));
        assert!(error.contains("was never sent"), "{error}");
    }
}

#[test]
fn a_message_arrives_once_unless_it_is_duplicated() {
    let start = "cluster 3\ntimeout S1\n";
    let deliver = "deliver S1 S2 RequestVote\n";
    let duplicate = "duplicate S1 S2 RequestVote\n";
    let drop = "drop S1 S2 RequestVote\n";
    let error = error_of(&format!("{start}{deliver}{deliver}---\n"));
    assert!(error.contains("is not under way"), "{error}");
    let error = error_of(&format!("{start}{drop}{deliver}---\n"));
    assert!(error.contains("is not under way"), "{error}");
    let error = error_of(&format!("{start}{duplicate}---\n"));
    assert!(error.contains("is not delivered yet"), "{error}");
    for across in [format!("cut S2\n{deliver}"), format!("{deliver}cut S2\n{duplicate}")] {
        let error = error_of(&format!("{start}{across}---\n"));
        assert!(error.contains("cut off"), "{error}");
    }
}

#[test]
fn a_way_may_be_cut_one_way() {
    let start = "cluster 3\ntimeout S1\ntimeout S2\n";
    let there = "deliver S1 S2 RequestVote\n";
    let back = "deliver S2 S1 RequestVote\n";
    let beside = "deliver S1 S3 RequestVote\n";
    let cut =
        |cut, deliver| play(Handlers::RAFT, &format!("{start}{cut}\n{deliver}---\n")).is_err();
    for (command, cuts) in [
        ("deafen S2", [true, false, false]),
        ("deafen S1", [false, true, false]),
        ("cut-links S1 S2", [true, true, false]),
        ("cut S1 S2", [false, false, true]),
        ("cut S1 S2\nheal", [false, false, false]),
    ] {
        assert_eq!([there, back, beside].map(|deliver| cut(command, deliver)), cuts, "{command}");
    }
}

#[test]
fn a_message_that_is_not_told_from_another_is_refused() {
    let error = error_of("cluster 3\ntimeout S1\ntimeout S1\ndeliver S1 S2 RequestVote\n---\n");
    assert!(error.contains("say which"), "{error}");
}

#[test]
fn what_a_script_does_not_know_is_an_error() {
    for (script, says) in [
        ("timeout S1", "a script begins with `cluster`"),
        ("cluster 8", "a cluster has 1 to 7 servers, not 8"),
        ("cluster three", "invalid digit"),
        ("cluster 3 raft", "raft\" is no protocol"),
        ("cluster 3 guarded term=no", "invalid digit"),
        ("cluster 3\ntimeout S4", "there is no server S4"),
        ("cluster 3\ntimeout A", "there is no server A"),
        ("cluster 3\ntimeout", "a server is missing"),
        ("cluster 3\ntimeout S1 S2", "unexpected argument 'S2'"),
        ("cluster 3\nelect S1", "there is no command elect"),
        ("cluster 3\ntimeout S1\ndeliver S1 S2", "a message is missing"),
        ("cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote trem=1", "unexpected argument 'trem=1'"),
        ("cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote vote=no", "granted or refused, not no"),
    ] {
        let error = error_of(&format!("{script}\n---\n"));
        assert!(error.contains(says), "{script}: {error}");
    }
}

#[test]
fn a_claim_that_is_false_is_an_error() {
    for (claim, says) in [
        ("expect-leader S1", "the leaders are []"),
        ("expect-term 1", "not everybody is in term 1"),
        ("expect-messages 1", "2 messages were sent"),
        ("expect-lease S1", "valid leases are those of []"),
        ("deliver-all\nexpect-no-leader", "the leaders are [S1]"),
        ("deliver-all\nexpect-leader S2", "the leaders are [S1]"),
    ] {
        let error = error_of(&format!("cluster 3\ntimeout S1\n{claim}\n---\n"));
        assert!(error.contains(says), "{claim}: {error}");
    }
}

#[test]
fn safety_is_judged_after_every_step() {
    let mutant = Mutant::named("vote-given-twice").unwrap();
    let script = "cluster 3\ntimeout S1\ntimeout S2\n\
                  deliver S1 S3 RequestVote\ndeliver S2 S3 RequestVote\n---\n";
    assert_eq!(play(Handlers::RAFT, script).err(), None);
    let error = play(mutant.handlers, script).unwrap_err();
    assert!(error.contains("line 5") && error.contains("VoteOncePerTerm"), "{error}");
}

/// A wrong election either breaks a script or tells another story. The catalogue names a script
/// that shows it.
#[test]
fn every_mutant_is_noticed() {
    for mutant in MUTANTS {
        let named: Vec<_> = SCENARIOS
            .iter()
            .filter(|name| mutant.scenario.is_none_or(|scenario| name[1..] == *scenario))
            .collect();
        assert!(!named.is_empty(), "{}: there is no such scenario", mutant.name);
        let is_noticed = |name: &&&str| {
            let script = std::fs::read_to_string(path(name)).unwrap();
            play(mutant.handlers, &script) != play(Handlers::RAFT, &script)
        };
        let noticed = named.iter().filter(|name| is_noticed(name)).count();
        assert_eq!(noticed, mutant.scenario.iter().len(), "{} in {named:?}", mutant.name);
    }
}

/// No script campaigns in the last term, no server asks a witness to take over, and none of three
/// servers that has lost its disk can come back before all others have told their terms, and yet
/// after so many that every quorum has one of them.
#[test]
fn only_what_no_script_can_bring_about_is_not_played() {
    let unnoticed = MUTANTS.iter().filter(|mutant| mutant.scenario.is_none());
    let names: Vec<_> = unnoticed.map(|mutant| mutant.name).collect();
    let expected = ["terms-wrap-around", "witness-takes-over", "back-after-meeting-quorums"];
    assert_eq!(names, expected);
}
