//! `raft-model growth`, as it is typed.

use std::fs;
use std::process::{Command, Output};

use raft_model::cluster::{Cluster, Protocol};
use raft_model::reduce::Reductions;
use raft_model::search::Coverage;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};
use serde_json::Value;
use support::{binary, counts};

/// Enough for what is to be searched in full.
const PLENTY: &str = "--budget=3600";

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary::built("raft-model"));
    let command = command.arg("growth").args(arguments).env("COLUMNS", "80");
    command.output().expect("raft-model runs")
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("UTF-8")
}

fn report(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn expected(protocol: &str, servers: u8, max_term: u64, limits: Limits) -> Coverage {
    let protocol: Protocol = protocol.parse().unwrap();
    let cluster = Cluster::with(servers, protocol).unwrap();
    let bounds = Bounds::new(cluster, Terms::UpTo(Term::new(max_term)), Replies::All);
    counts::of_reduced(&Bounds { limits, ..bounds }, Reductions::of(protocol))
}

/// The row of these bounds.
#[track_caller]
fn found(report: &Value, servers: u8, max_term: u64) -> Coverage {
    let rows = report["rows"].as_array().expect("rows");
    let is_it = |row: &&Value| row["servers"] == servers && row["max_term"] == max_term;
    let row = rows.iter().find(is_it).expect("a row of these bounds");
    assert_eq!((&row["exhaustive"], &row["estimate"]), (&true.into(), &Value::Null), "{row:#}");
    let number = |key: &str| row[key].as_u64().unwrap().try_into().unwrap();
    Coverage { states: number("states"), edges: number("edges"), depth: number("depth") }
}

#[test]
fn its_rows_are_the_graphs_that_check_searches() {
    let figure2 =
        report(&["--protocol=figure2", "--servers=3", "--servers=4", "--max-term=2", PLENTY]);
    for servers in [3, 4] {
        assert_eq!(found(&figure2, servers, 2), expected("figure2", servers, 2, Limits::SMALL));
    }
    let arguments =
        ["--protocol=check-quorum", "--servers=3", "--max-term=2", "--hand-over", PLENTY];
    let limits = Limits { hand_over: true, leases: true, ..Limits::SMALL };
    assert_eq!(found(&report(&arguments), 3, 2), expected("check-quorum", 3, 2, limits));
}

#[test]
fn people_get_a_table_for_each_protocol_in_80_columns() {
    let arguments = ["--protocol=figure2", "--protocol=guarded", "--servers=2", "--max-term=2"];
    let output = run(&[&arguments[..], &[PLENTY]].concat());
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    for line in [
        "\n  figure2\n  servers terms states     edges       levels time    memory    within\n",
        "\n  2       2     37         110         7      ",
        "\n  guarded\n  servers terms ",
        "\n  states, edges: distinct ones of the graph that `check` searches, reduced.",
    ] {
        assert!(table.contains(line), "no “{line}” in\n{table}");
    }
    let mut rows = table.lines().filter(|line| line.starts_with("  2 "));
    assert!(rows.all(|row| !row.contains('~')), "nothing is estimated:\n{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

/// Seven servers up to term 3 take hours.
#[test]
fn what_takes_too_long_is_estimated_or_said_not_to_be_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("growth.svg");
    let arguments =
        ["--protocol=figure2", "--servers=7", "--max-term=3", "--budget=3", "--json", "--svg"];
    let output = run(&[&arguments[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let (last, whole) = rows.split_last().expect("a row");
    assert!(whole.iter().all(|row| row["exhaustive"] == true), "{report:#}");
    assert_eq!(last["exhaustive"], false);
    // How much is known of it, and so whether there is an estimate, depends on the machine.
    let estimate = &last["estimate"]["states"];
    assert!(estimate.is_null() || estimate.as_f64() > last["states"].as_f64(), "{last:#}");

    let picture = fs::read_to_string(file).unwrap();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let points = |class| {
        document.descendants().filter(move |node| node.attribute("class") == Some(class)).count()
    };
    let expected = (whole.len(), usize::from(!estimate.is_null()));
    assert_eq!((points("known"), points("guess")), expected, "{picture}");
}

#[test]
fn bad_input_is_named_and_ends_with_2() {
    for (arguments, message) in [
        (&["--servers", "8"][..], "a cluster has 1 to 7 servers, not 8"),
        (&["--protocol", "paxos"], "\"paxos\" is no protocol"),
        (&["--budget", "0"], "invalid value '0' for '--budget <SECONDS>'"),
        (&["--max-term", "0"], "elections start in term 1 at the earliest"),
        (
            &["--servers=2", "--max-term=1", "--protocol=figure2", "--svg=/no/such/folder/a.svg"],
            "cannot write /no/such/folder/a.svg",
        ),
    ] {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty() && !error.contains("panicked"), "{error}");
    }
}
