//! `raft-node simulate` lets everything go wrong, finds nothing in what is shipped, and would.

use std::path::Path;
use std::process::{Command, Output};

use raft_model::trace::replay::{Report, replay};
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
fn is_replayed(folder: &Path) -> Report {
    let traces = ["S1", "S2", "S3"].map(|name| folder.join(format!("{name}.trace")));
    let report = replay(&traces).unwrap();
    assert!(report.records > 0);
    report
}

#[test]
fn a_run_says_the_same_again_and_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let traces = folder.path().join("traces");
    let arguments = ["--runs", "1", "--seed", "7", "--traces", traces.to_str().unwrap()];
    let (without, with) = (report(&arguments[..4]), report(&arguments));
    assert_eq!(without, with);
    is_replayed(&traces);
    // And these are kept.
    let again = simulate(&arguments);
    let said = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(2), "{said}");
    assert!(said.contains("S1.trace is there already"), "{said}");
}

#[test]
fn who_stops_it_is_told_how_far_it_came() {
    for (signal, arguments) in [("INT", &[][..]), ("TERM", &["--json"])] {
        // In a group of its own it sends the signal twice.
        let mut command = Command::new("timeout");
        command.args(["--signal", signal, "1"]).arg(raft_node());
        command.args(["simulate", "--runs", "100000000"]).args(arguments);
        let output = command.output().unwrap();
        let told = text(&output);
        assert_eq!(output.status.code(), Some(124), "{told}"); // of `timeout`
        if arguments.is_empty() {
            assert!(told.contains("Interrupted after "), "{told}");
            assert!(told.contains(" of 100000000 runs; no rule was broken in these."), "{told}");
        } else {
            let report: Value = serde_json::from_str(&told).expect("one JSON object");
            assert_eq!(report["interrupted"], true);
            assert!(report["runs"].as_u64().unwrap() > 0, "{report}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_ends_with_the_code_of_shells() {
    let mut command = Command::new("timeout");
    command.args(["--preserve-status", "--signal", "INT", "1"]).arg(raft_node());
    let output = command.args(["simulate", "--runs", "100000000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output));
}

#[test]
fn witnesses_never_lead() {
    let folder = tempfile::tempdir().unwrap();
    let (code, report) = report(&["--witness", "2", "--witness", "3", "--runs", "20"]);
    assert_eq!((code, &report["broken"]), (Some(0), &Value::Null));
    assert!(report["handed_out"].as_u64().unwrap() > 0, "{report}");
    let traces = folder.path().to_str().unwrap();
    simulate(&["--witness", "2", "--witness", "3", "--runs", "1", "--traces", traces]);
    let elected = is_replayed(folder.path()).elected;
    assert!(!elected.is_empty() && elected.values().all(|it| it.number() == 1), "{elected:?}");
    let output = simulate(&["--witness", "1", "--witness", "2", "--witness", "3"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("Correct --witness."), "{said}");
}

#[test]
fn a_report_fits_a_terminal() {
    for arguments in [&["--protocol", "figure2", "--runs", "3"][..], &["--servers", "7"]] {
        let told = text(&simulate(&[&["--clock-error", "60"], arguments].concat()));
        let wide = told
            .lines()
            .find(|line| line.chars().count() > 80 && !line.starts_with("  raft-node simulate"));
        assert_eq!(wide, None, "{told}");
    }
}

#[test]
fn shares_are_rounded() {
    let told = text(&simulate(&["--runs", "100"]));
    let shares = told.lines().filter_map(|line| line.strip_suffix(" %"));
    let all: i64 =
        shares.map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()).sum();
    assert!((99..=101).contains(&all), "all faults are {all} %:\n{told}");
}

#[test]
fn without_leases_nothing_is_handed_out() {
    for protocol in ["figure2", "pre-vote"] {
        let (code, report) = report(&["--protocol", protocol, "--runs", "10"]);
        assert_eq!((code, report["handed_out"].as_u64()), (Some(0), Some(0)), "{protocol}");
        assert_eq!(report["leases_judged"], false, "{protocol}");
        let told = text(&simulate(&["--protocol", protocol, "--runs", "1"]));
        let says = format!("Leases were not judged: with {protocol} there are none.");
        assert!(told.contains(&says), "{told}");
    }
}

#[test]
fn what_cannot_be_simulated_is_refused_with_the_reason() {
    for (arguments, word) in [
        ("--servers 8", "8"),
        ("--servers 0", "0"),
        ("--clock-error 100", "percent"),
        ("--clock-error x", "percent"),
        ("--runs 0", "--runs"),
        ("--only x", "3,14,15"),
        ("--only 3,3", "3 is there twice"),
        ("--only 3 --runs 2", "one run"),
        ("--only 7,100", "the faults have the numbers 0 to 99"),
        ("--only 0 --faults 0", "there are none"),
        ("--witness 4", "--witness"),
        ("--traces /dev/null/x", "cannot write to --traces /dev/null/x"),
    ] {
        let output = simulate(&arguments.split(' ').collect::<Vec<_>>());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn output_that_nobody_can_have_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(raft_node());
    let output = command.args(["simulate", "--runs", "1"]).stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot write the output"), "{said}");
}
