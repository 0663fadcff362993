//! `raft-model liveness`, as it is typed.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use support::binary;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("liveness").args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("raft-model runs")
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("UTF-8")
}

#[test]
fn it_says_what_was_judged_and_what_each_assumption_buys() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    for line in [
        "  servers    3\n",
        "  window     3        terms are unbounded; ",
        "  hostile    95979    states, 901260 moves: ",
        "  calm       95979    states in which it may calm down; from then on:\n",
        "    messages-first   no election timer fires while a message is under way ",
        "  cut        0        calm states in which the window forbids ",
        "  timers     weak     fairness to each server's election and heartbeat timer, 6 classes\n",
        "  messages   weak     fairness to each link's RequestVote, ",
        "  LeaderPossible       holds     ",
        "  LeaderElected        holds     ",
        "  LeaderStable         holds     ",
        "  A window of 2 agrees: 7275 states.\n",
        "  with all of them          holds           holds           holds\n",
        "  with {S3} dead            holds           holds           holds           a minority\n",
        "  without messages-first    holds           fails 3+3       fails 3+3       split votes",
        "  without heartbeats-hold   holds           holds           fails 5+8       leaders",
        "  without majority-lives    fails 0         fails 1+1       fails 1+1       candidates",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
}

#[test]
fn without_an_assumption_it_tells_a_run_and_ends_with_1() {
    let arguments = ["--servers", "2", "--without", "messages-first"];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    for line in [
        "  LeaderElected        FAILS     ",
        "\nLeaderElected fails:\n\n  0. Everybody starts.\n",
        "     What follows repeats for ever, in terms that may be higher each time.\n",
        "     And so on, as after step 2.\n",
        "       what happens         S1's election timer, S2's election timer\n",
        "\nLeaderStable fails on the same run.\n",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }

    let output = run(&[&arguments[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["assumptions"]["messages_first"], false);
    let [possible, elected] = [&report["properties"][0], &report["properties"][1]];
    assert_eq!((&possible["name"], &possible["holds"]), (&json!("LeaderPossible"), &json!(true)));
    assert_eq!((&elected["name"], &elected["holds"]), (&json!("LeaderElected"), &json!(false)));
    assert_eq!((&elected["stem"], &elected["cycle"]), (&json!(2), &json!(2)));
    assert_eq!(elected["run"]["cycle"][1]["rule"], "Campaigned");
    assert_eq!(elected["run"]["cycle"][1]["servers"][1]["term"], 2);
}

#[test]
fn with_strong_fairness_it_takes_a_longer_run_to_fail() {
    let strong = ["--servers", "2", "--without", "messages-first", "--messages", "strong"];
    let output = run(&[&strong[..], &["--timers", "strong", "--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["properties"][1]["stem"], &report["properties"][1]["cycle"]),
        (&json!(6), &json!(8))
    );
}

#[test]
fn a_mutant_that_is_not_live_is_seen_not_to_be() {
    let output = run(&["--servers", "2", "--window", "2", "--mutant", "vote-kept-in-newer-term"]);
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    assert!(table.contains("  mutant     vote-kept-in-newer-term ("), "{table}");
    assert!(table.contains("  LeaderElected        FAILS     "), "{table}");

    // Two servers do not show it; that it holds is not claimed of a mutant.
    let output = run(&["--servers", "2", "--mutant", "candidate-never-steps-down"]);
    assert_eq!(output.status.code(), Some(4));
    let table = text(&output.stdout);
    assert!(table.contains("  LeaderStable         no verdict no run was found "), "{table}");
}

#[test]
fn bad_input_is_named_and_ends_with_2() {
    for (arguments, message) in [
        (&["--servers", "8"][..], "a cluster has 1 to 7 servers, not 8"),
        (&["--window", "1"], "within one term no election can follow another: at least 2"),
        (&["--window", "many"], "not a whole number"),
        (&["--window", "200"], "200 is too many terms: a state takes more than 512 bits. The most"),
        (&["--dead", "3"], "--dead 3: one of 3 has to live"),
        (
            &["--without", "repeats-end"],
            "--without repeats-end: it is assumed behind guards only, and --protocol figure2 has none",
        ),
        (&["--dead", "1", "--without", "majority-lives"], "--dead 1: more are, without majority-"),
        (
            &["--timers", "strong", "--without", "timers-fire"],
            "--timers strong: nothing is owed without timers-fire",
        ),
        (
            &["--messages", "strong", "--without", "messages-arrive"],
            "--messages strong: nothing is owed without messages-arrive",
        ),
        (&["--without", "luck"], "[possible values: messages-first, heartbeats-hold, "),
        (&["--mutant", "none-such"], "invalid value 'none-such'"),
        (
            &["--mutant", "vote-given-twice"],
            "it is not by liveness that vote-given-twice is caught",
        ),
    ] {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty() && !error.contains("panicked"), "{error}");
    }
}

#[test]
fn it_can_be_interrupted_and_has_no_verdict_then() {
    let mut large = command(&["--servers", "5", "--window", "3"]);
    let child = large.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    thread::sleep(Duration::from_millis(500));
    kill_process(id, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let error = "error: it was interrupted: there is no verdict\n";
    assert_eq!((text(&output.stdout), text(&output.stderr)), (String::new(), error.to_owned()));

    let output = run(&["--servers", "5", "--window", "3", "--max-memory", "20"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("as much memory as --max-memory allows"));
}
