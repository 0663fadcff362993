//! `raft-model check --disk`: what it finds does not depend on how often it is killed on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::waiting::eventually;
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

/// How many levels are finished, once something is saved.
fn levels(folder: &Path) -> Option<usize> {
    let text = fs::read_to_string(folder.join("checkpoint.json")).ok()?;
    let checkpoint: Value = serde_json::from_str(&text).expect("it is replaced as a whole");
    Some(checkpoint["finished"].as_array().expect("the finished levels").len())
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

/// Ctrl-C, once something is saved; then what it said is typed.
#[test]
fn a_check_that_is_interrupted_says_the_command_that_goes_on() {
    let (_kept, folder) = folder();
    let mut command = command(&CHECK, &folder);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("a checkpoint", || levels(&folder).filter(|levels| *levels >= 3));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{says}");
    let goes_on = says.lines().find_map(|line| line.split_once("go on with: ")).expect("a command");
    let output = Command::new("sh").args(["-c", goes_on.1]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(coverage(&report), counts::of(&up_to(3, 2, Replies::Useful)));
}

/// No file may be larger than this: to the program, the disk is full.
#[test]
fn a_check_whose_disk_is_full_goes_on_once_there_is_room() {
    const FULL: &str = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    let (_kept, folder) = folder();
    let full = command(&CHECK, &folder);
    let output = Command::new("sh")
        .args(["-c", FULL])
        .arg(full.get_program())
        .args(full.get_args())
        .output()
        .unwrap();
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains("cannot use") && says.contains("File too large"), "{says}");
    assert!(says.contains("Once that is mended, go on with: "), "{says}");
    assert!(levels(&folder).unwrap() > 3, "some of it was searched");
    let output = run(&[&CHECK[..], &["--resume"]].concat(), &folder);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(coverage(&report), counts::of(&up_to(3, 2, Replies::Useful)));
}

#[test]
fn what_does_not_fit_the_folder_is_refused() {
    let (_kept, folder) = folder();
    let says = |arguments: &[&str]| {
        let output = run(arguments, &folder);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let small = ["check", "--servers", "2"];
    let refusals: [(&[&str], &str); 7] = [
        (&["check", "--servers", "2", "--resume"], "has no search to resume"),
        (&small, ""),
        (&small, "has a search already: --resume goes on with it"),
        (
            &["check", "--servers", "3", "--resume"],
            "has another check: its number of servers is 2, and here it is 3",
        ),
        (
            &["check", "--servers", "2", "--mutant", "votes-count-as-answers", "--resume"],
            "has another check: its protocol is figure2, and here it is check-quorum",
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
