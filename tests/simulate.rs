//! `raft-node simulate` lets everything go wrong, finds nothing in what is shipped, and would.

use std::path::Path;
use std::process::{Command, Output};

use raft_model::trace::replay::replay;
use serde_json::Value;
use support::node::raft_node;

fn simulate(arguments: &[&str]) -> Output {
    Command::new(raft_node()).arg("simulate").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn report(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = simulate(&[&["--json"], arguments].concat());
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn ten_thousand_faults_of_every_kind_break_no_rule() {
    let (code, report) = report(&["--runs", "100"]);
    assert_eq!((code, &report["broken"]), (Some(0), &Value::Null));
    let faults = report["faults"].as_object().unwrap();
    let count = |kind: &Value| kind.as_u64().unwrap();
    let all: u64 = faults.values().map(count).sum();
    assert!(all >= 10_000, "{all} faults");
    for (kind, faults) in faults {
        assert!(50 * count(faults) >= all, "{kind}: {faults} of {all}, less than 2 %");
    }
    let elections = count(&report["elections"]);
    assert!(elections >= 100, "{elections} elections");
    let records = count(&report["records"]);
    assert!(records > count(&report["handed_out"]), "{records} records");
}

#[test]
fn clocks_that_are_worse_than_assumed_break_leases_and_one_line_repeats_how() {
    let output = simulate(&["--clock-error", "30", "--runs", "100"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output);
    assert!(told.contains("BROKEN: two leaderships are valid at once"), "{told}");
    let line = told.lines().find(|line| line.contains("raft-node simulate")).expect("a line");
    let folder = tempfile::tempdir().unwrap();
    let arguments: Vec<_> = line.split_whitespace().skip(2).collect();
    let (last, arguments) = arguments.split_last().unwrap();
    assert_eq!(*last, "TRACES");
    let again = simulate(&[arguments, &[folder.path().to_str().unwrap()]].concat());
    let broken = |told: &str| told.lines().find(|it| it.starts_with("BROKEN")).map(str::to_owned);
    assert_eq!(broken(&text(&again)), broken(&told));
    assert_eq!(again.status.code(), Some(1));
    is_replayed(folder.path());
}

/// What was recorded is a run of the specification, whatever the clocks did.
fn is_replayed(folder: &Path) {
    let traces = ["S1", "S2", "S3"].map(|name| folder.join(format!("{name}.trace")));
    assert!(replay(&traces).unwrap().records > 0);
}

#[test]
fn a_run_says_the_same_again_and_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let traces = folder.path().join("traces");
    let arguments = ["--runs", "1", "--seed", "7", "--traces", traces.to_str().unwrap()];
    assert_eq!(report(&arguments), report(&arguments));
    is_replayed(&traces);
}

#[test]
fn without_leases_nothing_is_handed_out() {
    for protocol in ["figure2", "pre-vote"] {
        let (code, report) = report(&["--protocol", protocol, "--runs", "10"]);
        assert_eq!((code, report["handed_out"].as_u64()), (Some(0), Some(0)), "{protocol}");
    }
}

#[test]
fn what_cannot_be_simulated_is_refused_with_the_reason() {
    for (arguments, word) in [
        (["--servers", "8"], "8"),
        (["--servers", "0"], "0"),
        (["--clock-error", "100"], "percent"),
        (["--clock-error", "x"], "percent"),
        (["--only", "x"], "only"),
    ] {
        let output = simulate(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said.contains(word), "{said}");
    }
}
