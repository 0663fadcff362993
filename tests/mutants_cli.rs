//! `raft-model mutants`, as it is typed.

use std::process::{Command, Output};
use support::binary;

use raft_model::mutant::MUTANTS;
use serde_json::{Value, json};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("mutants").args(arguments).output().expect("raft-model runs")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_mutant_has_its_story() {
    let output = run(&["vote-cleared-on-step-down"]);
    assert_eq!(output.status.code(), Some(0), "it is caught as expected");
    assert!(output.stderr.is_empty(), "progress is for terminals");
    let told = text(output.stdout);
    for line in [
        "vote-cleared-on-step-down: a candidate that has lost forgets that it has voted for itself.\n",
        "https://github.com/ktoso/akka-raft/issues/56\n",
        "A scenario that shows it: tests/scenarios/09_candidate_hears_leader.txt\n",
        "VoteOncePerTerm is violated in 6 steps, 3 servers, max term 1, all replies:\n",
        "  5. S2 gives up: it follows S1, the leader of term 1, and keeps its vote.",
        "  6. S2 grants S1 its vote in term 1.",
    ] {
        assert!(told.contains(line), "no “{line}” in\n{told}");
    }
}

#[test]
fn a_mutant_that_is_not_live_has_its_run() {
    let output = run(&["vote-kept-in-newer-term"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(output.stdout);
    let line = "LeaderElected fails, 2 servers, window 2: 3 steps, then 2 for ever.";
    assert!(told.contains(line), "{told}");
    assert!(told.contains("What follows repeats for ever"), "{told}");
}

#[test]
fn what_the_models_cannot_see_names_its_test() {
    let output = run(&["terms-wrap-around"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(output.stdout);
    assert!(told.contains("No property of safety breaks"), "{told}");
    assert!(told.contains("tests/mutants.rs sees it."), "{told}");
}

#[test]
fn programs_read_json() {
    let output = run(&["stale-vote-counted", "--json"]);
    let mut value: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let moves = value.as_object_mut().unwrap().remove("counterexample").unwrap();
    assert_eq!(moves.as_array().unwrap().len(), 4);
    assert_eq!(
        value,
        json!({
            "name": "stale-vote-counted",
            "says": "a candidate counts a vote that it got in an older term",
            "source": "https://github.com/andreev-io/little-raft/issues/44",
            "scenario": "05_timer_fires_during_election",
            "remark": null,
            "protocol": "figure2",
            "caught_by": "LeaderHasQuorum",
            "as_expected": true,
            "servers": 2,
            "max_term": 2,
            "window": null,
            "replies": "all",
            "steps": 4,
            "cycle": null,
            "graph": null,
            "expected_graph": null,
        })
    );
}

#[test]
fn a_list_says_what_there_is() {
    let lists = [run(&["--list"]), run(&["--list", "--json"])].map(|output| {
        assert_eq!(output.status.code(), Some(0));
        text(output.stdout)
    });
    let lines: Vec<_> = lists[0].lines().collect();
    let values: Vec<Value> = serde_json::from_str(&lists[1]).expect("an array");
    assert_eq!((lines.len(), values.len()), (MUTANTS.len(), MUTANTS.len()));
    for ((mutant, line), value) in MUTANTS.iter().zip(lines).zip(values) {
        let says = format!("  {:<34} {}", mutant.name, mutant.says);
        assert_eq!(line, says);
        assert_eq!((&value["name"], &value["says"]), (&json!(mutant.name), &json!(mutant.says)));
    }
    let output = run(&["--list", "no-step-down"]);
    assert_eq!(output.status.code(), Some(2), "a list of one is a story");
}

/// Whoever pipes a report into another program may say how wide it is.
#[test]
fn elsewhere_it_is_as_wide_as_columns_says() {
    let listed = |columns: Option<&str>| {
        let mut command = Command::new(binary::built("raft-model"));
        command.args(["mutants", "--list"]).env_remove("COLUMNS");
        command.envs(columns.map(|columns| ("COLUMNS", columns)));
        text(command.output().expect("raft-model runs").stdout)
    };
    let widest =
        |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!((70..=80).contains(&widest(&listed(Some("80")))), "80 columns are asked for");
    let free = listed(None);
    assert!(widest(&free) > 100, "nobody asks");
    assert_eq!(listed(Some("wide")), free, "this is no number of columns");
}

#[test]
fn an_unknown_name_ends_with_2_and_the_nearest_ones() {
    let output = run(&["no-step-donw"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(output.stderr);
    assert!(error.contains("did you mean no-step-down, "), "{error}");
    assert!(error.contains("`raft-model mutants --list` has all"), "{error}");
}
