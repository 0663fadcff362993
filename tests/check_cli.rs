//! `raft-model check`, as it is typed.

use std::io::Read;
use std::process::{Command, Output, Stdio};
use support::{binary, counts};

use raft_model::cluster::Cluster;
use raft_model::reduce::Reductions;
use raft_model::search::Coverage;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use serde_json::Value;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::built("raft-model"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("raft-model runs")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

fn run_json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&run(arguments).stdout).expect("one JSON object")
}

fn coverage(report: &Value) -> Coverage {
    let number = |key: &str| report[key].as_u64().unwrap().try_into().unwrap();
    Coverage { states: number("states"), edges: number("edges"), depth: number("depth") }
}

fn expected(servers: u8, max_term: u64, replies: Replies) -> Coverage {
    let cluster = Cluster::new(servers).unwrap();
    counts::of(&Bounds::new(cluster, Terms::UpTo(Term::new(max_term)), replies))
}

fn expected_reduced(servers: u8, max_term: u64, replies: Replies) -> Coverage {
    let cluster = Cluster::new(servers).unwrap();
    let bounds = Bounds::new(cluster, Terms::UpTo(Term::new(max_term)), replies);
    counts::of_reduced(&bounds, Reductions::EXACT)
}

#[test]
fn without_a_word_it_checks_five_servers() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(0));
    let table = String::from_utf8(output.stdout).unwrap();
    let Coverage { states, edges, depth } = expected_reduced(5, 2, Replies::All);
    for line in [
        "servers    5",
        "max term   2 ",
        "replies    all ",
        "engine     timely ",
        "reduced    yes      messages, symmetry: ",
        "keys       exact    states are compared as they are, in 192 bits",
        &format!("states     {states} "),
        &format!("edges      {edges} "),
        &format!("depth      {depth} "),
        "ElectionSafety       holds ",
        "VoteOncePerTerm      holds ",
        "LeaderHasQuorum      holds ",
        "TermNeverDecreases   holds ",
    ] {
        assert!(table.contains(line), "no “{line}” in\n{table}");
    }
}

/// Safety by Figure 2, and by what the node ships; then liveness.
#[test]
fn without_a_word_three_tables_are_printed() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(0));
    let tables = text(output.stdout);
    let mut rest = &tables[..];
    for line in [
        "servers    5",
        "protocol   figure2 ",
        "ElectionSafety       holds ",
        "servers    3",
        "protocol   guarded ",
        "LeaseSafety          holds ",
        "LeaderStable         holds ",
    ] {
        let (_, after) = rest.split_once(line).unwrap_or_else(|| panic!("no “{line}” in\n{rest}"));
        rest = after;
    }
}

#[test]
fn a_quick_run_says_nothing_beside_its_report() {
    let output = run(&["check", "--servers", "2"]);
    assert_eq!((output.status.code(), text(output.stderr)), (Some(0), String::new()));
}

#[test]
fn all_engines_report_the_same_of_the_full_graph() {
    let arguments = ["check", "--servers", "3", "--max-term", "1", "--replies", "all", "--json"];
    for (engine, and) in [
        ("world", &[][..]),
        ("actor", &[]),
        ("timely", &["--no-reduce"]),
        ("timely", &["--no-reduce", "--workers", "3", "--fingerprints"]),
    ] {
        let report = run_json(&[&arguments[..], &["--engine", engine], and].concat());
        assert_eq!(coverage(&report), expected(3, 1, Replies::All), "{engine}");
        assert_eq!(report["engine"], engine);
        assert_eq!(report["replies"], "all");
        assert_eq!(report["exhaustive"], true);
        let properties = report["properties"].as_array().unwrap();
        assert_eq!(properties.len(), 4);
        assert!(properties.iter().all(|property| property["holds"] == true), "{report:#}");
    }
}

#[test]
fn stateright_gives_a_second_opinion() {
    let arguments = ["check", "--engine", "stateright", "--workers", "1", "--json"];
    let report = run_json(&arguments);
    let Coverage { states, depth, .. } = expected_reduced(5, 2, Replies::All);
    assert_eq!((&report["states"], &report["depth"]), (&states.into(), &depth.into()));
    assert_eq!(report["edges"], Value::Null, "it does not count them");
    assert_eq!(report["exhaustive"], true);
    assert!(report["odds_of_a_lost_state"].as_f64().unwrap() > 0.0, "it keeps fingerprints");
}

#[test]
fn reductions_are_turned_off_one_by_one_or_all() {
    let arguments = ["check", "--servers", "2", "--json"];
    for (and, expected) in [
        (&[][..], &["messages", "symmetry"][..]),
        (&["--no-reduce=messages"], &["symmetry"]),
        (&["--no-reduce=symmetry"], &["messages"]),
        (&["--no-reduce=symmetry", "--no-reduce=messages"], &[]),
        (&["--no-reduce"], &[]),
    ] {
        let report = run_json(&[&arguments[..], and].concat());
        let reductions = report["reductions"].as_array().unwrap();
        assert!(reductions.iter().eq(expected.iter()), "{and:?}: {reductions:?}");
        assert_eq!(report["exhaustive"], true);
    }
}

#[test]
fn too_much_memory_ends_it_with_3_and_no_claim() {
    let arguments = ["check", "--max-term", "3", "--no-reduce", "--max-memory", "64"];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(3));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("distinct, NOT all that are reachable"), "{table}");
    assert!(table.contains("ElectionSafety       undecided "), "{table}");
    assert!(table.contains("This check is not exhaustive: it has as much memory as"), "{table}");
}

#[test]
fn a_violation_ends_with_1_and_a_story() {
    let arguments = ["check", "--servers", "2", "--mutant", "vote-given-twice"];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("VoteOncePerTerm is violated in 3 steps:"), "{told}");
    assert!(told.contains("  3. S2 grants S1 its vote in term 1."), "{told}");

    let report = run_json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(report["exhaustive"], false);
    assert_eq!(report["properties"][0]["holds"], Value::Null, "the search ended before it knew");
    let violated = &report["properties"][1];
    assert_eq!(violated["name"], "VoteOncePerTerm");
    assert_eq!(violated["holds"], false);
    let last = &violated["counterexample"][2];
    assert_eq!(last["action"], "ReceiveRequestVote");
    assert_eq!(last["rule"], "VoteGranted");
    assert_eq!(last["servers"][1]["voted_for"], 1);
}

#[test]
fn a_property_can_be_asked_for_alone() {
    let arguments = ["check", "--servers", "2", "--mutant", "term-set-back"];
    let first = text(run(&arguments).stdout);
    assert!(first.contains("VoteOncePerTerm      VIOLATED"), "{first}");
    let output = run(&[&arguments[..], &["--property", "ElectionSafety"]].concat());
    let judged = text(output.stdout);
    assert_eq!(output.status.code(), Some(1), "{judged}");
    assert!(judged.contains("ElectionSafety is violated in"), "{judged}");
    assert!(!judged.contains("VoteOncePerTerm"), "only one was asked for: {judged}");
}

#[test]
fn every_engine_judges_what_it_is_asked_for() {
    for engine in ["timely", "stateright", "world", "actor"] {
        let arguments = ["check", "--servers", "2", "--json", "--engine", engine];
        let asked = ["--property", "TermNeverDecreases", "--property", "ElectionSafety"];
        let report = run_json(&[&arguments[..], &asked].concat());
        let judged: Vec<_> = report["properties"].as_array().unwrap().iter().collect();
        let names: Vec<_> = judged.iter().map(|property| &property["name"]).collect();
        assert_eq!(names, ["ElectionSafety", "TermNeverDecreases"], "{engine}");
        assert!(judged.iter().all(|property| property["holds"] == true), "{engine}: {report:#}");
    }
}

#[test]
fn a_mutant_that_safety_cannot_see_names_the_command_that_shows_it() {
    for (mutant, command) in [
        (
            "vote-never-counted",
            "`raft-model liveness --mutant vote-never-counted --servers 2 --window",
        ),
        ("stale-request-dropped", "`raft-model mutants stale-request-dropped` shows it"),
        ("timer-runs-on-after-vote", "`cargo test --test time` shows it"),
    ] {
        let output = run(&["check", "--servers", "2", "--mutant", mutant]);
        assert_eq!(output.status.code(), Some(0), "{mutant} is safe");
        let (table, note) = (text(output.stdout), text(output.stderr));
        assert!(note.starts_with(&format!("note: {mutant} ")), "before a long search: {note}");
        assert!(note.contains(command) && table.contains(command), "{note}\n{table}");
    }
}

#[test]
fn a_mutant_that_needs_larger_bounds_names_them() {
    let output = run(&["check", "--servers", "2", "--mutant", "vote-cleared-on-step-down"]);
    assert_eq!(output.status.code(), Some(0));
    let (table, note) = (text(output.stdout), text(output.stderr));
    let command = "check --mutant vote-cleared-on-step-down --servers 3 --max-term 1` shows it.";
    assert!(table.contains(command), "{table}");
    assert_eq!(note, "", "safety can see it");
}

#[test]
fn a_panic_says_where_and_why_and_has_its_own_code() {
    // Sixteen such stacks do not fit into so little address space, and stateright does not ask.
    let check = "ulimit -v 4000000; exec \"$0\" check --engine stateright --workers 16";
    let program = binary::built("raft-model");
    let mut shell = Command::new("sh");
    shell.args(["-c", check]).arg(program).env("RUST_MIN_STACK", "1200000000");
    let output = shell.output().unwrap();
    let error = text(output.stderr);
    assert_eq!(output.status.code(), Some(101), "{error}");
    assert!(output.stdout.is_empty(), "there is no verdict");
    assert!(error.starts_with("error: a panic, and so no verdict: "), "{error}");
    assert!(error.contains(".rs:") && error.contains(", in the thread "), "{error}");
}

#[test]
fn every_help_explains_the_exit_codes_and_the_guide_agrees() {
    let guide = include_str!("../impl/src/guide/evidence.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let rows: Vec<_> = rows.filter_map(|row| row.split_once("` | ")).collect();
    let in_guide = rows.iter().filter(|(code, _)| code.parse::<u8>().is_ok());
    let in_guide: Vec<_> = in_guide.map(|(code, says)| format!("{code} {says}")).collect();
    assert!(in_guide.len() > 5, "a table of exit codes in the guide: {in_guide:?}");
    for command in
        ["", "check", "growth", "liveness", "explore", "prove", "mutants", "topologies", "replay"]
    {
        let arguments: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let help = text(run(&arguments).stdout);
        let (_, explained) = help.split_once("Exit codes:").expect("a list of exit codes");
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        assert_eq!(words(explained), words(&in_guide.join(" ")), "{command}");
    }
}

#[test]
fn bad_input_is_named_and_ends_with_2() {
    for (arguments, message) in [
        (&["--nonsense"][..], "unexpected argument '--nonsense'"),
        (&["liveness", "--max-term", "2"], "tip: it has no such bound"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
        (&["check", "--servers", "0"], "a cluster has 1 to 7 servers, not 0"),
        (&["check", "--servers", "8"], "a cluster has 1 to 7 servers, not 8"),
        (&["check", "--servers", "three"], "invalid value 'three' for '--servers <N>'"),
        (&["check", "--window", "--no-reduce=messages"], "--window needs messages to be reduced"),
        (&["check", "--max-term", "0"], "elections start in term 1 at the earliest"),
        (&["check", "--mutant", "none-such"], "invalid value 'none-such'"),
        (&["check", "--no-reduce=none-such"], "invalid value 'none-such'"),
        (&["check", "--engine", "world", "--no-reduce"], "--engine world knows nothing of --no-"),
        (&["check", "--engine", "stateright", "--fingerprints"], "knows nothing of --fingerprints"),
        (
            &["check", "--protocol", "pre-vote", "--patience", "3"],
            "--protocol pre-vote knows nothing of --patience: leaders count answers by check-quorum",
        ),
        (
            &["check", "--rounds", "5"],
            "--protocol figure2 knows nothing of --rounds: leaders count",
        ),
        (&["check", "--no-leases"], "--protocol figure2 knows nothing of --no-leases: there are"),
        (
            &["check", "--protocol", "check-quorum", "--attempts", "2"],
            "--protocol check-quorum knows nothing of --attempts: servers ask before they campaign",
        ),
        (
            &["check", "--protocol", "guarded", "--no-leases", "--engine", "actor"],
            "--engine actor knows nothing of --no-leases: it never looks at leases",
        ),
        (
            &["check", "--protocol", "guarded", "--rounds", "3"],
            "--rounds bounds nothing where messages are reduced; with --no-reduce=messages",
        ),
        (
            &["check", "--protocol", "guarded", "--attempts", "3"],
            "--attempts bounds nothing where messages are reduced; with --no-reduce=messages",
        ),
        (&["check", "--no-reduce=outcomes"], "--no-reduce=outcomes: they are not reduced anyway"),
        (&["check", "--workers", "0"], "invalid value '0' for '--workers <N>'"),
        (
            &["check", "--max-term", "100"],
            "a state takes more than 512 bits. The most that fit are",
        ),
        (&["check", "--mutant", "vote-given-twice", "--engine", "actor"], "by --engine world only"),
        (&["check", "--property", "none-such"], "the properties are ElectionSafety, VoteOnce"),
        (&["check", "--hosts", "none-such"], "--process <I>"),
        (&["check", "--hosts", "none-such", "--process", "0"], "cannot read none-such"),
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
    let mut child = command(&["check", "--servers", "2"])
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
