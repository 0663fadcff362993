//! `raft-model check --disk`: what it finds does not depend on how often it is killed on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{binary, counts};
use tempfile::TempDir;

use raft_model::search::Coverage;
use raft_model::world::bounds::Replies;
use support::bounds::up_to;

/// For how long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(300);

const CHECK: [&str; 7] =
    ["check", "--servers", "3", "--replies", "useful", "--no-reduce", "--json"];

fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(binary::built("raft-model"));
    command.args(arguments).arg("--disk").arg(folder);
    command
}

fn run(arguments: &[&str], folder: &Path) -> Output {
    command(arguments, folder).output().expect("raft-model runs")
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search");
    (folder, path)
}

fn coverage(report: &Value) -> Coverage {
    let number = |key: &str| report[key].as_u64().unwrap().try_into().unwrap();
    Coverage { states: number("states"), edges: number("edges"), depth: number("depth") }
}

/// Kills it this long after it has saved something new.
fn kill(arguments: &[&str], folder: &Path, later: Duration) {
    let saved = || fs::read(folder.join("checkpoint.json")).ok();
    let before = saved();
    let mut child = command(arguments, folder).stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while saved() == before {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        assert!(Instant::now() < deadline, "it saves nothing");
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(later);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_check_that_is_killed_again_and_again_finds_the_same_in_the_end() {
    let (_kept, folder) = folder();
    let resumed = [&CHECK[..], &["--resume"]].concat();
    for milliseconds in 0..6 {
        let arguments = if folder.exists() { &resumed[..] } else { &CHECK };
        kill(arguments, &folder, Duration::from_millis(milliseconds));
    }
    let output = run(&resumed, &folder);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(coverage(&report), counts::of(&up_to(3, 2, Replies::Useful)));
    assert_eq!((output.status.code(), &report["engine"]), (Some(0), &Value::from("disk")));
    assert_eq!(report["exhaustive"], true);
}

/// The lease of a leader whose votes count as answers is broken in nine steps.
#[test]
fn a_violation_is_told_by_whoever_resumes_the_check() {
    let (_kept, folder) = folder();
    let check = ["check", "--servers", "3", "--mutant", "votes-count-as-answers", "--json"];
    let resumed = [&check[..], &["--resume"]].concat();
    kill(&check, &folder, Duration::ZERO);
    let [first, second] = [(); 2].map(|()| {
        let output = run(&resumed, &folder);
        assert_eq!(output.status.code(), Some(1));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let judged = report["properties"].as_array().unwrap().clone();
        judged.into_iter().find(|property| property["name"] == "LeaseSafety").unwrap()
    });
    assert_eq!(first["counterexample"].as_array().map(Vec::len), Some(9), "{first:#}");
    assert_eq!(first, second, "it is over, and told once more");
}

#[test]
fn what_does_not_fit_the_folder_is_refused() {
    let (_kept, folder) = folder();
    let says = |arguments: &[&str]| {
        let output = run(arguments, &folder);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let small = ["check", "--servers", "2"];
    let refusals: [(&[&str], &str); 6] = [
        (&["check", "--servers", "2", "--resume"], "has no search to resume"),
        (&small, ""),
        (&small, "has a search already: --resume goes on with it"),
        (
            &["check", "--servers", "3", "--resume"],
            "has another check: its number of servers is 2, and here it is 3",
        ),
        (&["check", "--engine", "world"], "--engine world knows nothing of --disk"),
        (&["check", "--fingerprints"], "--engine disk knows nothing of --fingerprints"),
    ];
    for (arguments, expected) in refusals {
        let (status, says) = says(arguments);
        assert!(says.contains(expected), "{arguments:?}: {says}");
        assert_eq!(status, Some(if expected.is_empty() { 0 } else { 2 }), "{arguments:?}");
    }
}
